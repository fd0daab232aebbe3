"""What an audit of one claim finds: findings, figures, a counterexample, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.claims import Claim
from symcheck.engine.verdict import Verdict
from symcheck.properties import Property


@dataclass(frozen=True)
class Finding:
    """Something that a probe noticed: what, and the next step. A note is often harmless, a warning seldom."""

    kind: str
    text: str
    severity: Literal["note", "warning"] = "warning"


@dataclass(frozen=True)
class Figures:
    """The numbers behind the verdict on one output leaf, in the output's own units; `nan` where not measured.

    `truth` and `floor` are those of the worst trial in float64, `error` and `noise` of the worst in the working precision.
    """

    leaf: str
    verdict: Verdict
    truth: float
    floor: float
    error: float
    noise: float
    signal: float
    magnitude: float
    limit: float  # the smallest violation, relative to the signal, that would have been seen
    relative: float  # truth / signal, or / magnitude where there is no signal
    quantiles: tuple[float, ...] = ()  # truth / signal of random trials: half, 9 of 10, 99 of 100 stay below, and the worst
    only_at: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class Counterexample:
    """A trial that violates the claim: the first of the landmarks that does, else the worst."""

    element: str
    g: Tensor
    x: Leaves
    relative: float
    region: str


@dataclass(frozen=True)
class FactorFigures:
    """Trials that move one factor of a product group alone."""

    group: str
    trials: int
    violating: int
    relative: float  # the worst of them, as part of the signal


@dataclass(frozen=True)
class Rung:
    """The difference of the two sides in one precision: RMS over the same few random trials, as part of the signal."""

    precision: str
    eps: float
    error: float | None
    because: str = ""  # why there is no error


@dataclass(frozen=True)
class Outcome:
    """One claim, one property, one verdict."""

    claim: Claim
    prop: Property
    group: str
    verdict: Verdict
    because: str
    precision: str
    device: str
    figures: tuple[Figures, ...] = ()
    findings: tuple[Finding, ...] = ()
    counterexample: Counterexample | None = None
    factors: tuple[FactorFigures, ...] = ()
    ladder: tuple[Rung, ...] = ()
    holding: tuple[str, ...] = ()  # the declared subgroups under which a violated claim holds, largest first
    inputs: tuple[str, ...] = ()
    batching: str = ""
    trials: int = 0
    violating: int = 0
    random_trials: int = 0
    evaluations: int = 0
    calls: int = 0
    weights: tuple[str, ...] = ("own",)  # at which weights it was judged, the last being those of the verdict
    misstated: bool = False  # the claim can't be tested as stated: an error of the claim, not of the model

    @property
    def met(self) -> bool:
        """Whether the claim turned out as it was expected to."""
        if self.claim.expected == "violated":
            return self.verdict is Verdict.VIOLATED
        return self.verdict.passes(self.precision)
