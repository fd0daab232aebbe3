"""What an audit of one claim finds: findings, figures, a counterexample, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.claims import Claim
from symcheck.engine.trace import Place
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
    typical: float  # the floor at most generic inputs, in float64
    limit: float  # the smallest violation, relative to the signal, that would have been seen
    relative: float  # truth / signal, or / magnitude where there is no signal
    quantiles: tuple[float, ...] = ()  # truth / signal of random trials: half, 9 of 10, 99 of 100 stay below, and the worst
    only_at: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class Minimal:
    """A violating trial made as simple as it can be and still violate: fewest points, a plain element, small whole numbers.

    Its tensors are those of one trial, without a trial axis, on the CPU, float64 where they are floating point. It breaks the
    claim by more than rounding, measured on the spot, explains.
    """

    layout: Mapping[str, int]  # the sizes of the input: {"points": 2}; empty where the shapes are fixed
    group: str  # the group bound to those sizes: "S_2"
    element: str  # in words; those of a property that takes several elements, with a semicolon between them
    g: tuple[Tensor, ...]  # the elements, as many as the property takes: one, for most
    x: Leaves
    left: Leaves  # the two sides of the property's equation, leaf by leaf of its quantity (the output, for most)
    right: Leaves
    difference: Leaves  # left - right; of integers and booleans in float64
    moved: Leaves  # the input as the left side takes it, rho_in(g) x for most; empty where that says nothing
    looks: tuple[str, ...]  # what the leaves of the input are drawn as, and those of the quantity: see `Rep.look`
    quantity_looks: tuple[str, ...]
    leaf: str  # the leaf that `relative` is of, the worst
    relative: float  # the RMS of its difference, as part of the signal at this layout; of its size where there is no signal
    region: str  # which inputs it was made simpler from: "generic inputs", or the name of structured ones
    evaluations: int  # of the model, that making it simpler took
    stopped: Literal["", "budget", "interrupted"] = ""  # why nothing simpler was tried any more; "": all that was tried holds

    @property
    def finished(self) -> bool:
        """Whether everything simpler that there was to try holds."""
        return not self.stopped


@dataclass(frozen=True)
class Counterexample:
    """A trial that violates the claim: the first of the landmarks that does, else the worst; and the simplest one found."""

    element: str
    g: Tensor
    x: Leaves
    relative: float
    region: str
    partners: tuple[Tensor, ...] = ()  # the other elements, of a property that takes several
    minimal: Minimal | None = None


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
class Point:
    """One trial: where its element lies, and the difference of the two sides there as part of the signal."""

    at: tuple[float, ...]
    error: float


@dataclass(frozen=True)
class Profile:
    """The error at some elements. `kind` says what the coordinates are.

    "angle": radians of a planar rotation or phase, and 1 for proper, -1 for mirrored ones. "rotation": the rotation vector
    (axis times angle, radians) of a rotation of space, and 1 or -1 for improper ones. "shift": samples along each axis, out of
    `size`. "scale": the logarithm of the factor. "element": a place in the list of a finite group's elements,
    which `labels` names. "permutation": how many things are moved, out of `size`,
    and if they are few where each goes.
    """

    kind: str
    points: tuple[Point, ...]
    size: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """A hidden tensor where it was made.

    `residual` is what is left of it at rho(g) x when the best action on that at x is taken away, as part of its spread, and
    `floor` what rounding explains of that. `status` says whether an action explains it, none does, or inputs were too few to
    tell.
    """

    place: Place
    residual: float
    floor: float
    status: Literal["explained", "broken", "unknown"]
    culprit: bool = False


@dataclass(frozen=True)
class Location:
    """Where a violated claim breaks, for one element; or, in `because`, why that can't be told.

    `before` is the largest residual of what the culprit was computed from. `how` says in which way the culprit breaks it, and
    `lost` where nothing is left of it, if that is later.
    """

    element: str
    inputs: int = 0
    culprit: Layer | None = None
    code: str = ""
    before: float = 0.0
    how: str = ""
    lost: Layer | None = None
    layers: tuple[Layer, ...] = ()
    border: tuple[float, float] | None = None  # the culprit's residual at the border of a grid and inside, in its own units
    marks: bool = False  # a constant that tells moved places apart comes in at the culprit
    otherwise: bool = False  # no layer breaks it: the output follows the group in another way than claimed
    because: str = ""
    note: str = ""


@dataclass(frozen=True)
class Hint:
    """A usual cause of what was seen, and what was seen."""

    kind: str
    cause: str
    evidence: str


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
    profile: Profile | None = None
    holding: tuple[str, ...] = ()  # the declared subgroups under which a violated claim holds, largest first
    location: Location | None = None  # of a violated claim: the layer that breaks it
    hints: tuple[Hint, ...] = ()  # usual causes of such a violation, or of such a crash
    inputs: tuple[str, ...] = ()
    batching: str = ""
    trials: int = 0
    violating: int = 0
    random_trials: int = 0
    evaluations: int = 0
    calls: int = 0
    weights: tuple[str, ...] = ("own",)  # at which weights it was judged, the last being those of the verdict
    fingerprint: str = ""  # of the model's own weights: see `weights.fingerprint`
    scale: float = 0.0  # by how much of their size weights were perturbed at which a claim broke that holds at its own
    misstated: bool = False  # the claim can't be tested as stated: an error of the claim, not of the model
    interrupted: bool = False  # Ctrl-C came while its counterexample was made simpler: the audit stops after it

    @property
    def met(self) -> bool:
        """Whether the claim turned out as it was expected to; one that is only tried, whether it could be."""
        if self.claim.expected == "either":
            return not self.misstated and self.verdict not in (Verdict.UNSTABLE, Verdict.NONFINITE, Verdict.CRASHED)
        if self.claim.expected == "violated":
            return self.verdict is Verdict.VIOLATED
        return self.verdict.passes(self.precision)
