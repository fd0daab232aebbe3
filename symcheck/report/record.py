"""The record: what an audit found, frozen and versioned. All renderers read it and nothing else.

Everything outside `machine` and `seconds` follows from the claims, the settings and the seed: the same audit gives the same
bytes. A number that wasn't measured, or isn't finite, is null.
"""

from __future__ import annotations

import math
import platform
from typing import Any

import msgspec
import torch

from symcheck.engine import Counterexample, FactorFigures, Figures, Finding, Outcome, Rung, Settings, Verdict

SCHEMA = 1


class LeafRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One output leaf. Errors are RMS over its entries, in the output's own units; `relative` is `truth` over `signal`."""

    leaf: str
    verdict: Verdict
    truth: float | None
    floor: float | None
    error: float | None
    noise: float | None
    signal: float | None
    magnitude: float | None
    relative: float | None
    detection_limit: float | None
    quantiles: tuple[float, ...]
    only_at: tuple[str, ...]
    because: str

    @classmethod
    def of(cls, f: Figures) -> LeafRecord:
        numbers: dict[str, Any] = {
            n: _finite(getattr(f, n)) for n in ("truth", "floor", "error", "noise", "signal", "magnitude", "relative")
        }
        limit = _finite(f.limit)
        words: dict[str, Any] = {"leaf": f.leaf, "verdict": f.verdict, "only_at": f.only_at, "because": f.because}
        return cls(**words, detection_limit=limit, quantiles=f.quantiles, **numbers)


class FindingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a probe noticed."""

    kind: str
    severity: str
    text: str

    @classmethod
    def of(cls, finding: Finding) -> FindingRecord:
        return cls(kind=finding.kind, severity=finding.severity, text=finding.text)


class FactorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the trials showed that move one factor of a product group alone."""

    group: str
    trials: int
    violating: int
    relative: float | None

    @classmethod
    def of(cls, f: FactorFigures) -> FactorRecord:
        return cls(group=f.group, trials=f.trials, violating=f.violating, relative=_finite(f.relative))


class RungRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of the two sides in one precision, as part of the signal; null, with the reason, where there is none."""

    precision: str
    eps: float
    error: float | None
    because: str

    @classmethod
    def of(cls, rung: Rung) -> RungRecord:
        return cls(precision=rung.precision, eps=rung.eps, error=rung.error, because=rung.because)


class CounterexampleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that violates the claim: the group element in words and in numbers, and which inputs it acts on."""

    element: str
    g: list[Any]
    region: str
    relative: float | None

    @classmethod
    def of(cls, found: Counterexample) -> CounterexampleRecord:
        g = torch.view_as_real(found.g) if found.g.is_complex() else found.g
        return cls(element=found.element, g=g.tolist(), region=found.region, relative=_finite(found.relative))


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one property of one claim, with what it rests on. Prints as a diagnosis."""

    claim: str
    subject: str
    group: str
    property_name: str
    statement: str
    expected: str
    reason: str
    verdict: Verdict
    because: str
    met: bool
    misstated: bool
    precision: str
    device: str
    tolerance: float | None
    inputs: tuple[str, ...]
    batching: str
    trials: int
    random_trials: int
    violating: int
    evaluations: int
    calls: int
    weights: tuple[str, ...]
    outputs: tuple[LeafRecord, ...]
    findings: tuple[FindingRecord, ...]
    counterexample: CounterexampleRecord | None
    factors: tuple[FactorRecord, ...]
    ladder: tuple[RungRecord, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> Result:
        claim = outcome.claim
        return cls(
            claim=claim.id,
            subject=claim.subject.name,
            group=outcome.group,
            property_name=outcome.prop.name,
            statement=outcome.prop.statement,
            expected=claim.expected,
            reason=claim.reason,
            verdict=outcome.verdict,
            because=outcome.because,
            met=outcome.met,
            misstated=outcome.misstated,
            precision=outcome.precision,
            device=outcome.device,
            tolerance=claim.tolerance,
            inputs=outcome.inputs,
            batching=outcome.batching,
            trials=outcome.trials,
            random_trials=outcome.random_trials,
            violating=outcome.violating,
            evaluations=outcome.evaluations,
            calls=outcome.calls,
            weights=outcome.weights,
            outputs=tuple(LeafRecord.of(f) for f in outcome.figures),
            findings=tuple(FindingRecord.of(f) for f in outcome.findings),
            counterexample=CounterexampleRecord.of(outcome.counterexample) if outcome.counterexample else None,
            factors=tuple(FactorRecord.of(f) for f in outcome.factors),
            ladder=tuple(RungRecord.of(rung) for rung in outcome.ladder),
        )

    @property
    def passed(self) -> bool:
        """Whether the verdict meets a claim that the symmetry holds, in the precision that it was made for."""
        return self.verdict.passes(self.precision)

    @property
    def worst(self) -> LeafRecord | None:
        """The output leaf with the largest relative difference of the two sides."""
        return max(self.outputs, key=lambda leaf: math.inf if leaf.relative is None else leaf.relative, default=None)

    @property
    def detection_limit(self) -> float | None:
        """The smallest violation, relative to the output's spread, that would have been seen on every output leaf."""
        limits = [leaf.detection_limit for leaf in self.outputs if leaf.verdict is not Verdict.VACUOUS]
        known = [limit for limit in limits if limit is not None]
        return max(known) if known and len(known) == len(limits) else None

    @property
    def rate_bound(self) -> float | None:
        """If no random trial violates the claim, at most this part of the trial distribution does (95 %): the rule of three."""
        return min(1.0, 3 / self.random_trials) if self.random_trials and not self.violating else None

    @property
    def rate(self) -> tuple[float, float] | None:
        """The part of the trial distribution that violates the claim, as an interval (95 %, Wilson 1927)."""
        n, z = self.random_trials, 1.96
        if not n:
            return None
        p = self.violating / n
        centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)

    @property
    def slope(self) -> float | None:
        """How the error follows machine epsilon on a log scale: 1 for rounding, 0 for a break.

        From the two finest precisions in which there is an error, where rounding hides least; None if there aren't two.
        """
        (eps, error), (next_eps, next_error) = ([(r.eps, r.error) for r in self.ladder if r.error] + [(1.0, 0.0)] * 2)[:2]
        return math.log(next_error / error) / math.log(next_eps / eps) if error and next_error else None

    def __str__(self) -> str:
        from symcheck.report.text import diagnosis

        return diagnosis(self)

    def _repr_html_(self) -> str:
        from symcheck.report.notebook import result_html

        return result_html(self)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An audit. `interrupted`: it was stopped, and `results` holds what was done by then."""

    schema: int = SCHEMA
    symcheck: str
    seed: int
    trials: int
    device: str
    dtype: str | None
    interrupted: bool
    results: tuple[Result, ...]
    machine: dict[str, str]
    seconds: float

    @classmethod
    def of(cls, outcomes: list[Outcome], settings: Settings, *, interrupted: bool, seconds: float) -> Record:
        return cls(
            symcheck=_version(),
            seed=settings.seed,
            trials=settings.trials,
            device=settings.device,
            dtype=str(settings.dtype).removeprefix("torch.") if settings.dtype else None,
            interrupted=interrupted,
            results=tuple(map(Result.of, outcomes)),
            machine=machine(),
            seconds=seconds,
        )

    @property
    def exit_code(self) -> int:
        """0: all as expected. 1: a claim isn't. 2: a claim can't be tested as stated. 4: a claim couldn't be decided."""
        unmet = [result for result in self.results if not result.met]
        if any(result.misstated for result in unmet):
            return 2
        if any(not result.verdict.inconclusive or result.expected == "violated" for result in unmet):
            return 1
        return 4 if unmet else 0

    def json(self) -> bytes:
        """The record as JSON, one claim's result after another."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def __str__(self) -> str:
        from symcheck.report.text import summary

        return summary(self)

    def _repr_html_(self) -> str:
        from symcheck.report.notebook import record_html

        return record_html(self)


def machine() -> dict[str, str]:
    """What the numbers were computed on."""
    found = {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "threads": str(torch.get_num_threads()),
    }
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name()
    return found


def _version() -> str:
    from symcheck import __version__

    return __version__


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
