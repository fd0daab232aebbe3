"""The record: what an audit found, frozen and versioned. All renderers read it and nothing else.

Everything outside `machine` and `seconds` follows from the claims, the settings and the seed: the same audit gives the same
bytes. A number that wasn't measured, or isn't finite, is null.
"""

from __future__ import annotations

import math
import platform
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from symcheck.claims import File, Skipped
from symcheck.engine import (
    Counterexample,
    FactorFigures,
    Figures,
    Finding,
    Hint,
    Layer,
    Location,
    Minimal,
    Outcome,
    Profile,
    Rung,
    Settings,
    Verdict,
)
from symcheck.engine.trace import defined_at
from symcheck.errors import ReplayError
from symcheck.report.tensors import TensorRecord, finite, plain

if TYPE_CHECKING:
    from symcheck.discovery import Layer as Carried

SCHEMA = 1  # fields with a default may come to it: records without them are read as well


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
            n: finite(getattr(f, n)) for n in ("truth", "floor", "error", "noise", "signal", "magnitude", "relative")
        }
        limit = finite(f.limit)
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
        return cls(group=f.group, trials=f.trials, violating=f.violating, relative=finite(f.relative))


class RungRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of the two sides in one precision, as part of the signal; null, with the reason, where there is none."""

    precision: str
    eps: float
    error: float | None
    because: str

    @classmethod
    def of(cls, rung: Rung) -> RungRecord:
        return cls(precision=rung.precision, eps=rung.eps, error=rung.error, because=rung.because)


class ProfileRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The error at some elements, by coordinates whose `kind` says what they are: see `symcheck.engine.outcome.Profile`."""

    kind: str
    size: tuple[int, ...]
    labels: tuple[str, ...]
    points: tuple[tuple[tuple[float, ...], float], ...]

    @classmethod
    def of(cls, profile: Profile) -> ProfileRecord:
        points = tuple((tuple(round(c, 6) for c in point.at), float(f"{point.error:.6g}")) for point in profile.points)
        return cls(kind=profile.kind, size=profile.size, labels=profile.labels, points=points)


class MinimalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The simplest violating trial found: its elements in words and in numbers, the input, both sides and their difference.

    `relative` is the difference of `leaf` as part of its spread. `stopped` says why nothing simpler was tried any more.
    """

    layout: dict[str, int]
    group: str
    element: str
    g: tuple[list[Any], ...]
    x: tuple[TensorRecord, ...]
    left: tuple[TensorRecord, ...]
    right: tuple[TensorRecord, ...]
    difference: tuple[TensorRecord, ...]
    leaf: str
    relative: float | None
    region: str
    evaluations: int
    stopped: str
    moved: tuple[TensorRecord, ...] = ()

    @classmethod
    def of(cls, found: Minimal, inputs: Sequence[str], leaves: Sequence[str]) -> MinimalRecord:
        return cls(
            layout=dict(found.layout),
            group=found.group,
            element=found.element,
            g=tuple(plain(g) for g in found.g),
            x=TensorRecord.all(inputs, found.x, found.looks),
            moved=TensorRecord.all(inputs, found.moved, found.looks, found.x) if found.moved else (),
            left=TensorRecord.all(leaves, found.left, found.quantity_looks, found.difference),
            right=TensorRecord.all(leaves, found.right, found.quantity_looks, found.difference),
            difference=TensorRecord.all(leaves, found.difference, found.quantity_looks),
            leaf=found.leaf,
            relative=finite(found.relative),
            region=found.region,
            evaluations=found.evaluations,
            stopped=found.stopped,
        )


class CounterexampleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that violates the claim: the group element in words and in numbers, which inputs it acts on, and the simplest."""

    element: str
    g: list[Any]
    x: tuple[TensorRecord, ...]
    region: str
    relative: float | None
    minimal: MinimalRecord | None

    @classmethod
    def of(cls, found: Counterexample, inputs: Sequence[str], leaves: Sequence[str]) -> CounterexampleRecord:
        minimal = MinimalRecord.of(found.minimal, inputs, leaves) if found.minimal else None
        return cls(
            element=found.element,
            g=plain(found.g),
            x=TensorRecord.all(inputs, found.x),
            region=found.region,
            relative=finite(found.relative),
            minimal=minimal,
        )


class LayerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A hidden tensor: where it was made, and what is left of it when the best action is taken away, as part of its spread.

    `module` is empty outside of named modules; `call` counts the module's calls; `status` is explained, broken or unknown.
    """

    module: str
    kind: str
    call: int
    operation: str
    file: str
    line: int
    residual: float | None
    floor: float | None
    status: str
    culprit: bool

    @classmethod
    def of(cls, layer: Layer) -> LayerRecord:
        return cls(
            module=layer.module,
            kind=layer.kind,
            call=layer.call,
            operation=layer.operation,
            file=layer.file,
            line=layer.line,
            residual=finite(layer.residual),
            floor=finite(layer.floor),
            status=layer.status,
            culprit=layer.culprit,
        )

    @property
    def name(self) -> str:
        """`features.2 (Conv2d)`, or the operation where there is no module; with the call, of one that is called again."""
        again = f", call {self.call}" if self.call > 1 else ""
        if not self.module:
            return f"{self.operation} in {self.kind}{again}" if self.kind else self.operation
        return f"{self.module} ({self.kind}{again})"

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else ""


class LocationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a violated claim breaks: the culprit, `how` it breaks it, and the layers in order; or why that can't be told.

    `before` is the largest residual of what the culprit was computed from, `lost` the layer at which nothing is left of the
    symmetry if that comes later, and `inputs` on how many inputs layers were compared.
    """

    element: str
    inputs: int
    culprit: LayerRecord | None
    code: str
    before: float | None
    how: str
    lost: LayerRecord | None
    layers: tuple[LayerRecord, ...]
    because: str
    note: str

    @classmethod
    def of(cls, found: Location) -> LocationRecord:
        return cls(
            element=found.element,
            inputs=found.inputs,
            culprit=LayerRecord.of(found.culprit) if found.culprit else None,
            code=found.code,
            before=finite(found.before),
            how=found.how,
            lost=LayerRecord.of(found.lost) if found.lost else None,
            layers=tuple(LayerRecord.of(layer) for layer in found.layers),
            because=found.because,
            note=found.note,
        )


class CarriedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a layer carries under the group: its irreps with the axes and the residual of the fit, or why none were found."""

    layer: str
    kind: str
    shape: str
    irreps: str
    residual: float | None
    defect: float | None
    told: str

    @classmethod
    def of(cls, layer: Carried) -> CarriedRecord:
        name, kind, shape, told = layer.cells
        figures = {"residual": finite(layer.residual), "defect": finite(layer.defect)}
        return cls(layer=name, kind=kind, shape=shape, irreps=layer.rep, told=told, **figures)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Layer, kind, shape, and what is said of it."""
        return self.layer, self.kind, self.shape, self.told


class HintRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A usual cause of such a violation, and the evidence for it."""

    kind: str
    cause: str
    evidence: str

    @classmethod
    def of(cls, hint: Hint) -> HintRecord:
        return cls(kind=hint.kind, cause=hint.cause, evidence=hint.evidence)


class SavedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A counterexample that is kept for a replay: its ID, its file, how to replay it; or what was in the way."""

    id: str = ""
    path: str = ""
    command: str = ""
    problem: str = ""

    def __str__(self) -> str:
        return self.command or f"not kept: {self.problem}"


class Result(msgspec.Struct, frozen=True, kw_only=True, dict=True):
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
    profile: ProfileRecord | None
    holding: tuple[str, ...]
    location: LocationRecord | None = None
    hints: tuple[HintRecord, ...] = ()
    saved: SavedRecord | None
    fingerprint: str = ""
    files: tuple[File, ...] = ()
    defined: str = ""
    known: bool = False
    source: str = ""  # what the claim was read from, where nobody wrote it
    layers: tuple[CarriedRecord, ...] = ()  # what each carries under the group, where that was asked for

    @classmethod
    def of(cls, outcome: Outcome, keep: Callable[[str | Path], SavedRecord] | None = None) -> Result:
        """`keep` writes the counterexample to a folder, for `save`."""
        claim, found = outcome.claim, outcome.counterexample
        leaves = [figures.leaf for figures in outcome.figures]
        result = cls(
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
            counterexample=CounterexampleRecord.of(found, outcome.inputs, leaves) if found else None,
            factors=tuple(FactorRecord.of(f) for f in outcome.factors),
            ladder=tuple(RungRecord.of(rung) for rung in outcome.ladder),
            profile=ProfileRecord.of(outcome.profile) if outcome.profile else None,
            holding=outcome.holding,
            location=LocationRecord.of(outcome.location) if outcome.location else None,
            hints=tuple(HintRecord.of(hint) for hint in outcome.hints),
            saved=None,
            fingerprint=outcome.fingerprint,
            files=claim.subject.files,
            defined=defined_at(claim.subject.build or claim.subject.model),
            source=claim.source,
        )
        if found is not None:
            result.__dict__["keep"] = keep
        return result

    def save(self, directory: str | Path = ".symcheck") -> SavedRecord:
        """Keep the counterexample in a folder, for `symcheck replay` and `symcheck.replay`. Prints as the command to do so.

        Warns if the folder can't be written to. Raises ReplayError if there is no counterexample, or if this result was read
        from a record, which has no tensors.
        """
        saved = self._keep(directory)
        if saved.problem:
            warnings.warn(f"{self.claim}: {saved}", stacklevel=2)
        return saved

    def kept(self, directory: str | Path) -> Result:
        """The same, with its counterexample kept in a folder, or with what was in the way."""
        return msgspec.structs.replace(self, saved=self._keep(directory))

    @property
    def _keep(self) -> Callable[[str | Path], SavedRecord]:
        keep: Callable[[str | Path], SavedRecord] | None = self.__dict__.get("keep")
        if keep is None:
            why = "this is a record of a check, without its tensors" if self.counterexample else f"it is {self.verdict.name}"
            raise ReplayError(f"{self.claim}: there is no trial to keep: {why}. Keep those of violated claims after a check.")
        return keep

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
    """An audit. `interrupted`: it was stopped, and `results` holds what was done by then.

    `command` is the one that made it, "" where none did. `skipped` are the claims that weren't audited, and `mended` those
    that fail in the baseline and no longer do. Of a result, `fingerprint` is that of the model's weights, `files` are those
    that it was loaded from, `defined` is where its code is, `file:line`, and `known` says that it fails in the baseline too.
    """

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
    command: str = ""
    skipped: tuple[Skipped, ...] = ()
    mended: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Sequence[Result], settings: Settings, *, interrupted: bool, seconds: float) -> Record:
        return cls(
            symcheck=_version(),
            seed=settings.seed,
            trials=settings.trials,
            device=settings.device,
            dtype=str(settings.dtype).removeprefix("torch.") if settings.dtype else None,
            interrupted=interrupted,
            results=tuple(results),
            machine=machine(),
            seconds=seconds,
        )

    @property
    def exit_code(self) -> int:
        """0: all as expected, or known not to be. 1: a claim isn't. 2: one can't be tested as stated. 4: one isn't decided."""
        unmet = [result for result in self.results if not result.met and not result.known]
        if any(result.misstated for result in unmet):
            return 2
        if any(not result.verdict.inconclusive or result.expected == "violated" for result in unmet):
            return 1
        return 4 if unmet or any(one.undone for one in self.skipped) else 0

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
