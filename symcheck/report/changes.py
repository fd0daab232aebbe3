"""What changed from one record to another: claims that came or went, verdicts that turned, errors that grew or shrank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from symcheck.engine import Verdict
from symcheck.errors import printable
from symcheck.report.record import Record, Result
from symcheck.report.text import heading

Key = tuple[str, str]
DECADE = 10.0  # an error that changes by less is another draw of the same trials: their spread covers it


@dataclass(frozen=True)
class Change:
    """One claim in two records. `kind` is "worse" if it isn't as expected any more, "better" if it now is."""

    kind: Literal["worse", "better", "new", "gone", "changed"]
    claim: str
    property_name: str
    before: str
    after: str

    @property
    def key(self) -> Key:
        return self.claim, self.property_name


def changes(new: Record, old: Record) -> tuple[Change, ...]:
    """The claims that differ, those that got worse first. Both records' order is kept otherwise."""
    now, then = _by_key(new), _by_key(old)
    found = [
        change for key in [*now, *(k for k in then if k not in now)] for change in _change(key, now.get(key), then.get(key))
    ]
    return tuple(sorted(found, key=lambda change: _RANK.index(change.kind)))


_RANK = ("worse", "gone", "changed", "better", "new")


def conditions(new: Record, old: Record) -> tuple[str, ...]:
    """In what the two audits differ besides the models: a change may come from there."""
    names = ("symcheck", "seed", "trials", "device", "dtype")
    settings = [(name, getattr(old, name), getattr(new, name)) for name in names]
    keys = sorted({*new.machine, *old.machine})
    machines = [(key, old.machine.get(key, "none"), new.machine.get(key, "none")) for key in keys]
    stopped = [("interrupted", old.interrupted, new.interrupted)]
    differ = [one for one in [*settings, *machines, *stopped] if one[1] != one[2]]
    return tuple(printable(f"{name}: {was} before, {now} now") for name, was, now in differ)


def told(new: Record, old: Record) -> str:
    """What changed, a line each."""
    found = changes(new, old)
    lines = [f"{change.kind:<8} {printable(change.claim)}: {change.before} -> {change.after}" for change in found]
    total = len(_by_key(new).keys() | _by_key(old).keys())
    return "\n".join([*lines, *(f"note: {line}" for line in conditions(new, old)), f"{len(found)} of {total} claims changed."])


def _by_key(record: Record) -> dict[Key, Result]:
    return {(result.claim, result.property_name): result for result in record.results}


def _change(key: Key, now: Result | None, then: Result | None) -> Iterator[Change]:
    if now is None or then is None:
        yield Change("gone" if now is None else "new", *key, before=_told(then), after=_told(now))
    elif now.met != then.met or _differ(now, then):
        kind: Literal["better", "worse", "changed"] = "changed" if now.met == then.met else "better" if now.met else "worse"
        unlike = [name for name in _WORDS if getattr(now, name) != getattr(then, name)]
        yield Change(kind, *key, before=_told(then, unlike), after=_told(now, unlike))


_WORDS = {
    "holding": "holds under",
    "expected": "expected to be",
    "statement": "claimed as",
    "group": "for",
    "precision": "in",
    "tolerance": "within",
}
"""What else a claim can differ in, and how it is told."""


def _differ(now: Result, then: Result) -> bool:
    """Another verdict, another claim, other subgroups that hold, or an error beyond rounding that moved by a decade."""
    if any(getattr(now, name) != getattr(then, name) for name in ("verdict", "misstated", *_WORDS)):
        return True
    if Verdict.HOLDS is now.verdict or now.worst is None or then.worst is None:
        return False
    a, b = now.worst.relative, then.worst.relative
    return (a is None) != (b is None) or bool(a and b and abs(math.log(a / b)) > math.log(DECADE))


def _told(result: Result | None, unlike: Sequence[str] = ()) -> str:
    """Its verdict and error, and what it has otherwise than the other record."""
    if result is None:
        return "not audited"
    worst = result.worst.relative if result.worst else None
    size = "" if worst is None else f", differs by {worst:.1e}"
    also = "".join(f", {_WORDS[name]} {_plain(getattr(result, name))}" for name in unlike)
    return f"{heading(result)}{size}, {'as expected' if result.met else 'not as expected'}{also}"


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return " and ".join(map(printable, value)) or "nothing"
    return "rounding" if value is None else printable(str(value))
