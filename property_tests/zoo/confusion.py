"""The confusion matrix of symcheck on the zoo: `python -m property_tests.zoo.confusion [--dtype float32] [--seed N]`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from property_tests.zoo.entry import Entry
from property_tests.zoo.mutants import MUTANTS
from property_tests.zoo.subjects import SUBJECTS
from symcheck import Verdict

PARTS = {"subjects": SUBJECTS, "mutants": MUTANTS}


@dataclass(frozen=True)
class Judged:
    """What symcheck said of one entry. `verdict` is None where it raised."""

    entry: Entry
    truth: Verdict
    verdict: Verdict | None
    because: str
    seconds: float

    @property
    def right(self) -> bool:
        return self.verdict is self.truth

    @property
    def kind(self) -> str:
        """Right, a miss (a break that passes), a false alarm (a symmetry that doesn't), or another name for the same."""
        if self.right:
            return "right"
        passes = self.verdict is not None and self.verdict.passes("float32")
        if self.truth is Verdict.VIOLATED and passes:
            return "MISS"
        return "FALSE ALARM" if self.truth.passes("float32") and not passes else "other"


def judged(entries: Iterable[Entry], dtype: str, seed: int) -> Iterator[Judged]:
    """Each entry that can be built here, at default settings."""
    for entry in entries:
        if entry.missing:
            continue
        start = time.perf_counter()
        try:
            result = entry.check(dtype, seed)
            verdict, because = result.verdict, result.because
        except Exception as error:
            verdict, because = None, f"{type(error).__name__}: {error}"
        yield Judged(entry, entry.truth(dtype), verdict, because, time.perf_counter() - start)


def matrix(found: list[Judged]) -> str:
    """One row for each truth, one column for each verdict."""
    counts = Counter((j.truth.name, j.verdict.name if j.verdict else "(raised)") for j in found)
    names = [verdict.name for verdict in Verdict]
    rows = [name for name in names if any(truth == name for truth, _ in counts)]
    columns = [name for name in (*names, "(raised)") if any(said == name for _, said in counts)]
    lines = [f"{'truth / said':<14}" + "".join(f"{name:>11}" for name in columns)]
    lines += [f"{row:<14}" + "".join(f"{counts[row, name] or '.':>11}" for name in columns) for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--part", choices=PARTS, help="one list alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    entries = [e for name, part in PARTS.items() if options.part in (None, name) for e in part if options.only in e.name]
    for missing in sorted({entry.missing for entry in entries if entry.missing}):
        print(f"skipped: {missing}")  # noqa: T201 - a script
    found = list(judged(entries, options.dtype, options.seed))
    print(f"\n{options.dtype}, seed {options.seed}\n{matrix(found)}")  # noqa: T201
    for j in found:
        if not j.right:
            said = j.verdict.name if j.verdict else "raised"
            print(f"\n{j.kind}: {j.entry.name}: {j.truth.name} in truth, since {j.entry.reason}\n  {said} because {j.because}")  # noqa: T201
    slow = sorted((j for j in found if j.seconds > 5), key=lambda j: -j.seconds)
    print("".join(f"\nslow: {j.seconds:.1f} s {j.entry.name}" for j in slow))  # noqa: T201
    kinds = Counter(j.kind for j in found)
    total = sum(j.seconds for j in found)
    print(f"\n{len(found)} claims in {total:.0f} s: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}")  # noqa: T201


if __name__ == "__main__":
    main()
