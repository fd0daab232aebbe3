"""Replaying: a kept failure evaluated again, on any device and in any precision, to see whether the model was mended.

The kept trials alone are judged, by the model as it is now: its spread and its noise are measured anew, on the inputs that
are kept beside the one that fails. A failure keeps the simplest trial, which shows what is wrong, and the one that it was
made from, which shows more of the model: at a single point forces may be zero once they are right.
"""

from __future__ import annotations

import math
import platform
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch
from torch import Generator, Tensor

from symcheck import subjects
from symcheck._tree import Args, Leaves, Structure
from symcheck.claims import Claim, Subject
from symcheck.domains import At, Domain, Examples, Layout
from symcheck.engine import Counterexample, Evidence, Judgement, Outcome, Policy, Settings, Verdict, judge, weights
from symcheck.engine.bound import Bound
from symcheck.engine.forward import Forward, ModelError
from symcheck.engine.measure import Floor, Reading, Sides, evidence_of, finished
from symcheck.engine.probe import Setup, sample, settled
from symcheck.engine.run import farthest
from symcheck.engine.trials import GENERIC, Elements, Trials
from symcheck.errors import ReplayError, SymcheckError, did_you_mean
from symcheck.failures import DIRECTORY, Failure, Kept, Numbers, Shown, Tree, read, write
from symcheck.groups import Monoid, from_string
from symcheck.placement import Placement, all_placed, as_device, as_dtype, modes_kept, seeded
from symcheck.properties import CATALOGUE, Property
from symcheck.report import SavedRecord, TensorRecord
from symcheck.reps import Rep, as_rep
from symcheck.reps.algebra import word

COMPANY = 16  # inputs kept beside the one that fails: as many as a check measures the spread on
LARGEST = 4 * 2**20  # bytes that they may take together; fewer are kept where they are large, but two, for a spread

Status = Literal["FAILED", "FIXED", "ERROR"]


@dataclass(frozen=True)
class Replayed:
    """What became of a kept failure: it is FIXED, or FAILED as before; ERROR if that can't be told. Prints as a few lines."""

    failure: Failure
    shown: Shown  # the trial that tells: the first that violates the claim, or else the first that can be judged
    verdict: Verdict
    because: str
    precision: str
    device: str
    statement: str = ""
    relative: float | None = None  # the difference now, as part of the spread, of the leaf that differs most
    left: TensorRecord | None = None  # the two sides there, in float64
    right: TensorRecord | None = None
    difference: TensorRecord | None = None

    @property
    def versions(self) -> dict[str, str]:
        return _versions()

    @property
    def status(self) -> Status:
        if self.verdict.passes(self.precision):
            return "FIXED"
        return "ERROR" if self.verdict.inconclusive or self.verdict is Verdict.CRASHED else "FAILED"

    @property
    def exit_code(self) -> int:
        """0 if it is fixed, 1 if it fails, 2 if that can't be told."""
        return {"FIXED": 0, "FAILED": 1, "ERROR": 2}[self.status]

    def __str__(self) -> str:
        from symcheck.report.text import replay_text

        return replay_text(self)


def replay(
    failure: str | Path,
    model: Claim | Subject | Callable[..., Any] | None = None,
    *,
    device: str | None = None,
    dtype: torch.dtype | str | None = None,
) -> Replayed:
    """Evaluate a kept failure again: by its ID in `.symcheck`, or by its path.

    `model` stands in for the one that failed; it is needed where that has no name to import it by. A factory is given as
    `Subject.built(build)`; a `Claim` brings its own group and reps, where those have no words. Otherwise the model that the
    failure names is imported, which runs its code. `device` and `dtype` are the failure's own unless given.

    Raises ReplayError if the files aren't as they were written, SubjectError if the model is gone.
    """
    kept = read(failure)
    with modes_kept(model):  # what a framework claims is of a model in evaluation mode
        claim = _claimed(kept, model)
        own = kept.failure
        working = Placement(as_device(device or own.device), as_dtype(dtype or own.precision))
        prop = _property(claim, own)
        trials = zip(own.trials, kept.trials, strict=True)
        return min((_replayed(claim, prop, own, words, trial, working) for words, trial in trials), key=_silence)


def _silence(found: Replayed) -> int:
    """How little a trial tells beside the others: what can't be judged least of all, unless the model raises."""
    if found.verdict is Verdict.CRASHED:
        return 1
    return {"FAILED": 0, "FIXED": 2, "ERROR": 3}[found.status]


def _replayed(claim: Claim, prop: Property, own: Failure, words: Shown, trial: Numbers, working: Placement) -> Replayed:
    """What became of one of the trials."""
    precision, device = working.precision, str(working.device)
    try:
        found = _evaluated(claim, prop, own, words, trial, working, Policy())
    except ModelError as error:
        return Replayed(own, words, Verdict.CRASHED, f"the model fails on its input: {error}", precision, device)
    judgement, sides = found.judgement, found.worst
    return Replayed(
        failure=own,
        shown=words,
        verdict=judgement.verdict,
        because=judgement.because,
        precision=precision,
        device=device,
        statement=prop.statement,
        relative=found.relative,
        left=sides.get("left"),
        right=sides.get("right"),
        difference=sides.get("difference"),
    )


def keep(outcome: Outcome, settings: Settings, directory: str | Path = DIRECTORY) -> SavedRecord:
    """Keep the counterexample of an outcome for `replay`, if it fails there as well. What is in the way is said, not raised."""
    try:
        kept = _kept(outcome, settings)
        path = write(kept, Path(directory))
    except (SymcheckError, ModelError) as error:
        return SavedRecord(problem=str(error))
    except OSError as error:
        return SavedRecord(problem=f"{str(directory)!r} can't be written to: {error.strerror or error}")
    where = path.stem if Path(directory) == DIRECTORY else shlex.quote(str(path))
    again = outcome.claim.subject.again
    named = kept.failure.home or again
    command = f"symcheck replay {where} {again}".rstrip() if named else f"symcheck.replay({str(path)!r}, model)"
    return SavedRecord(id=path.stem, path=str(path), command=command)


# What is kept.


@dataclass(frozen=True)
class _Trial:
    """One trial of a counterexample, and the layout of its input where that is known."""

    element: str
    g: tuple[Tensor, ...]
    x: Leaves
    region: str
    layout: Layout | None

    @classmethod
    def several(cls, found: Counterexample, prop: Property, group: Monoid, rng: Generator) -> Iterator[_Trial]:
        """The simplest, then the one that a person would try first, whose partners (where a property takes several) are new."""
        least = found.minimal
        if least is not None:
            yield cls(least.element, least.g, least.x, least.region, least.layout)
        partners = group.sample(prop.arity - 1, rng)
        yield cls(found.element, (found.g, *partners), found.x, found.region, None)


def _kept(outcome: Outcome, settings: Settings) -> Kept:
    """The failure of an outcome's counterexample: those of its trials that violate the claim when they are evaluated alone."""
    claim, prop, found = outcome.claim, outcome.prop, outcome.counterexample
    if found is None:
        raise ReplayError(f"there is no trial to keep of a claim that is {outcome.verdict.name}")
    working = Placement(as_device(outcome.device), as_dtype(outcome.precision))
    with _loaded(claim, settings.seed, working) as model:
        setup, _ = settled(claim, model, working, settings.seed, settings.policy)
    failure, why = _described(outcome, setup, settings), ""
    trials: list[Numbers] = []
    shown: list[Shown] = []
    for trial in _Trial.several(found, prop, setup.bound.group, claim.rng(settings.seed, "partners")):
        company = _company(claim, setup.domain, trial, settings.seed)
        x = [torch.cat([leaf.unsqueeze(0), others]) for leaf, others in zip(trial.x, company, strict=True)]
        numbers = Numbers(x, torch.stack(trial.g), [], [])
        words = Shown(element=trial.element, region=trial.region, relative=None)
        again = _evaluated(claim, prop, failure, words, numbers, working, settings.policy)
        if again.judgement.verdict is Verdict.VIOLATED:
            trials.append(replace(numbers, left=again.left, right=again.right))
            shown.append(msgspec.structs.replace(words, relative=again.relative))
        why = f"evaluated alone, its trial is {again.judgement.verdict.name}: {again.judgement.because}"
    if not trials:
        raise ReplayError(why)
    return Kept(msgspec.structs.replace(failure, trials=tuple(shown)), tuple(trials))


def _described(outcome: Outcome, setup: Setup, settings: Settings) -> Failure:
    claim, bound = outcome.claim, setup.bound
    structure, output = setup.forward.structure, setup.forward.output
    scales = {f"perturbed by {scale:g}": scale for scale in settings.policy.weight_scales}
    return Failure(
        id="",
        claim=claim.id,
        subject=claim.subject.name,
        home=subjects.home(claim),
        property_name=outcome.prop.name,
        property_place=next(i for i, prop in enumerate(claim.properties) if prop is outcome.prop),
        property_plain=_plain(outcome.prop),
        group=str(claim.group) if _reads(from_string, str(claim.group), claim.group) else None,
        inputs=_tree(structure, bound.inputs),
        outputs=_tree(output, bound.outputs) if output is not None else None,
        domain=str(claim.domain),
        tolerance=claim.tolerance,
        precision=outcome.precision,
        device=outcome.device,
        seed=settings.seed,
        perturbed=scales.get(outcome.weights[-1]),
        trials=(),
        fixed=tuple(sorted(setup.domain.fixed)),
        batched=setup.domain.batched,
        arity=outcome.prop.arity,
        complex=(),
        versions=_versions(),
    )


def _versions() -> dict[str, str]:
    from symcheck import __version__

    return {"symcheck": __version__, "torch": str(torch.__version__), "python": platform.python_version()}


def _tree(structure: Structure, reps: tuple[Rep, ...]) -> Tree | None:
    """Where every rep has words that stand for it."""
    words = [word(rep) for rep in reps]
    whole = all(_reads(as_rep, text, rep) for text, rep in zip(words, reps, strict=True))
    return Tree.of(structure, iter(words)) if whole else None


def _plain(prop: Property) -> bool:
    """Whether its name says all of it."""
    try:
        return type(prop) in CATALOGUE and bool(type(prop)() == prop)
    except TypeError:  # it takes arguments
        return False


def _reads(reader: Callable[[str], Any], text: str, meant: Any) -> bool:
    try:
        return bool(reader(text) == meant)
    except SymcheckError:
        return False


def _company(claim: Claim, domain: Domain, trial: _Trial, seed: int) -> Leaves:
    """Generic inputs `(m, *shape)` of the trial's layout: those of the check, where it is the check's own."""
    shapes = [leaf.shape for leaf in trial.x]
    for layout in (domain.layout, *domain.boundaries.values()) if trial.layout is None else (trial.layout,):
        place = domain if layout == domain.layout else At(domain, layout)
        leaves, _ = sample(place, COMPANY, claim.rng(seed, "inputs"))
        if [leaf.shape[1:] for leaf in leaves] == shapes:
            size = sum(leaf[0].numel() * leaf.element_size() for leaf in leaves)
            count = max(2, min(COMPANY, LARGEST // max(size, 1)))
            own = [trial.x[i].expand_as(leaf) if i in domain.fixed else leaf for i, leaf in enumerate(leaves)]
            return [leaf[:count] for leaf in own]
    raise ReplayError(f"{domain} has no other inputs of shapes {[tuple(shape) for shape in shapes]}")


# What is evaluated.


def _claimed(kept: Kept, model: Claim | Subject | Callable[..., Any] | None) -> Claim:
    """The claim that failed, of the model given or else of the one that it names."""
    if isinstance(model, Claim):
        return model
    own = kept.failure
    subject = None if model is None else Subject.of(model)
    stated = bool(own.home) and ":" not in own.home and not subjects.is_program(own.home)
    if subject is None and not own.home:
        raise ReplayError(
            f"failure {own.id} names no model that can be imported. Give it: symcheck.replay(path, model), or "
            f"symcheck replay {own.id} --target pkg.mod:build."
        )
    if not stated and (read_again := _read_again(own, subject)) is not None:
        return read_again
    worded = own.property_plain and own.group is not None and own.inputs is not None and own.outputs is not None
    if worded and not (stated and subject is None):
        return _from_words(kept, subject or subjects.subject(own.home))
    if not stated:
        raise ReplayError(
            f"failure {own.id} claims {own.claim!r}, which has no words for its property, its group, its reps or its "
            f"arguments. Give the claim: symcheck.replay(path, claim)."
        )
    claims = {claim.id: claim for claim in subjects.claims(own.home, twins=True)}
    if own.claim not in claims:
        raise ReplayError(f"{own.home} no longer claims {own.claim!r}; {did_you_mean(own.claim, claims)}")
    found = claims[own.claim]
    return found if subject is None else replace(found, subject=subject)


def _read_again(own: Failure, subject: Subject | None) -> Claim | None:
    """The claim that failed as it is read from the model's framework, which knows how the model is called; None if it isn't."""
    try:
        claims = subjects.read(subjects.subject(own.home) if subject is None else subject)
    except SymcheckError:
        return None
    words = own.claim.removeprefix(own.subject)
    return next((claim for claim in claims if claim.id.removeprefix(claim.subject.name) == words), None)


def _from_words(kept: Kept, subject: Subject) -> Claim:
    own = kept.failure
    assert own.group is not None
    assert own.inputs is not None
    assert own.outputs is not None
    x = kept.trials[0].x
    if len(own.inputs.reps) != len(x):
        raise ReplayError(f"failure {own.id} has {len(x)} inputs and {len(own.inputs.reps)} reps. Audit again.")
    return Claim(
        subject,
        own.group,
        domain=Examples(own.inputs.made(iter(x))),
        inputs=own.inputs.made(iter(own.inputs.reps), values=False),
        outputs=own.outputs.made(iter(own.outputs.reps), values=False),
        properties=tuple(kind() for kind in CATALOGUE if kind.name == own.property_name),
        tolerance=own.tolerance,
        id=own.claim,
    )


def _property(claim: Claim, own: Failure) -> Property:
    """The property that failed: the one of its name at its place, or else the first of its name."""
    named = [prop for prop in claim.properties if prop.name == own.property_name and prop.arity == own.arity]
    at = claim.properties[own.property_place : own.property_place + 1]
    if not named:
        raise ReplayError(f"{own.claim!r} no longer claims {own.property_name!r}. Audit again.")
    return at[0] if at and at[0] in named else named[0]


class _Stored(Examples):
    """The inputs of a kept failure, those of its kind before its own, which may be singular."""

    def __init__(self, inputs: Args, failure: Failure) -> None:
        super().__init__(inputs)
        self._failure = failure

    @property
    def fixed(self) -> frozenset[int]:
        return frozenset(self._failure.fixed)

    @property
    def batched(self) -> bool | None:
        return self._failure.batched

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        rows = torch.arange(1, n + 1) % len(self._leaves[0])
        return self._structure.rebuild([leaf[rows] for leaf in self._leaves])


@dataclass(frozen=True)
class _Evaluated:
    """The verdict on one trial, and its two sides in float64 `(*shape)`."""

    judgement: Judgement
    left: Leaves
    right: Leaves

    @property
    def relative(self) -> float | None:
        """The difference of the leaf that differs most, as part of its spread."""
        found = max((figures.relative for figures in self.judgement.figures), default=math.nan)
        return found if math.isfinite(found) else None

    @property
    def worst(self) -> dict[str, TensorRecord]:
        """That leaf on both sides, and their difference."""
        sizes = [-math.inf if math.isnan(figures.relative) else figures.relative for figures in self.judgement.figures]
        if not sizes:
            return {}
        at = sizes.index(max(sizes))
        left, right, name = self.left[at], self.right[at], self.judgement.figures[at].leaf
        difference = torch.sub(*(side if side.is_complex() else side.double() for side in (left, right)))
        sides = {"left": left, "right": right, "difference": difference}
        return {side: TensorRecord.of(name, tensor) for side, tensor in sides.items()}


def _evaluated(
    claim: Claim, prop: Property, own: Failure, words: Shown, trial: Numbers, working: Placement, policy: Policy
) -> _Evaluated:
    """A trial of a failure, judged in float64 and, at a model's own weights, in the working precision."""
    claim = replace(claim, domain=_stored(claim, own, trial))
    with _loaded(claim, own.seed, working) as model:
        setup, failed = settled(claim, model, working, own.seed, policy)
        _check_elements(setup.bound.group, own, trial.g)
        if setup.unstable is not None:
            judgement = Judgement(Verdict.UNSTABLE, setup.unstable, (), torch.zeros(1, dtype=torch.bool))
            return _Evaluated(judgement, [], [])
        places = dict.fromkeys((setup.forward.placement, working) if own.perturbed is None else (setup.forward.placement,))
        readings, sides = [], []
        for placement in places:
            with all_placed((model, *prop.held), placement):
                f = setup.at(placement)
                if own.perturbed is not None:
                    weights.perturb(model, own.perturbed, claim.rng(own.seed, f"perturbed by {own.perturbed:g}"))
                    weights.calibrate(f, [leaf[1:].to(placement.device) for leaf in trial.x])
                reading, both = _read(claim, own.seed, _OneTuple.of(f, prop, setup, words, trial), policy)
            readings.append(reading)
            sides.append(both)
    judgement = judge(_evidence(prop, setup, readings, precise=failed is None), policy, working.precision, claim.tolerance)
    half = len(sides[0]) // 2
    return _Evaluated(judgement, sides[0][:half], sides[0][half:])


def _check_elements(group: Monoid, own: Failure, g: Tensor) -> None:
    """Raise a ReplayError unless the kept elements `(arity, *element)` are of the group's kind."""
    kind = group.identity(1)
    if (g.shape[1:], g.dtype) != (kind.shape[1:], kind.dtype):
        found, wanted = (f"{str(t.dtype).removeprefix('torch.')} {tuple(t.shape[1:])}" for t in (g, kind))
        raise ReplayError(f"failure {own.id} has an element {found}; those of {group} are {wanted}. Audit again.")


def _stored(claim: Claim, own: Failure, trial: Numbers) -> _Stored:
    """The kept inputs, in the structure that the claim's domain gives them."""
    structure = sample(claim.domain, 1, claim.rng(own.seed, "probe"))[1]
    if len(structure.names()) != len(trial.x):
        raise ReplayError(
            f"{claim.id!r} now takes {len(structure.names())} tensors; failure {own.id} has {len(trial.x)}. Audit again."
        )
    return _Stored(structure.rebuild(trial.x), own)


@contextmanager
def _loaded(claim: Claim, seed: int, working: Placement) -> Iterator[Callable[..., Any]]:
    """The model, built and called with the random numbers that an audit gives it."""
    with seeded(seed):
        yield claim.subject.load(seed)


class _OneTuple(Sides):
    """The two sides with the same elements on the inputs of one trial: its own, and those of its kind."""

    def __init__(self, f: Forward, prop: Property, bound: Bound, trials: Trials, elements: Tensor) -> None:
        super().__init__(f, prop, bound, trials)
        self._elements = elements

    @classmethod
    def of(cls, f: Forward, prop: Property, setup: Setup, words: Shown, trial: Numbers) -> _OneTuple:
        n = len(trial.x[0])
        region = (torch.arange(n) == 0).long()  # so that the spread is that of the others: the trial's own is no random one
        g = trial.g[:1].expand(n, *trial.g.shape[1:])
        trials = Trials(trial.x, region, (GENERIC, words.region), torch.arange(n), Elements.of(g, drawn=True))
        return cls(f, prop, setup.bound, trials, trial.g)

    def tuples(self, g: Tensor, kin: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(one.expand_as(g) for one in self._elements)


def _read(claim: Claim, seed: int, sides: _OneTuple, policy: Policy) -> tuple[Reading, Leaves]:
    """The reading of a trial in one precision, and its two sides. The model is placed."""
    f, trials = sides.f, sides.trials
    sweep = finished(sides.sweep(trials.source, trials.g))
    if 0 in sweep.crashes:
        raise ModelError(sweep.crashes[0])
    floor = Floor(sides, trials, policy, claim.rng(seed, f"noise {f.placement.precision}"), claim.domain.fixed)
    allowed = (claim.tolerance or 0.0) * sides.signal
    reading = Reading(sides, trials, sweep, floor.corrected(floor.everywhere(sweep), sweep.error, allowed))
    both = sides.both([leaf[:2] for leaf in sides.inputs], trials.g[:2])  # two: some models refuse a batch of one
    return reading, [leaf[0].cpu() for leaf in both]


def _evidence(prop: Property, setup: Setup, readings: list[Reading], *, precise: bool) -> Evidence:
    """That of the trial alone, the first of those read."""
    double, working = readings[0], readings[-1]
    noise = torch.minimum(working.floor, farthest(double, working)) if working is not double else None
    names = prop.names(setup.names, setup.outputs, double.trials.inputs)
    whole = evidence_of(names, double, working.sweep, noise, precise=precise)
    first = {f.name: getattr(whole, f.name)[:1] for f in fields(whole) if f.name in _BY_TRIAL}
    # a check there can fail, as it did, though it be at an input that the element fixes
    return replace(whole, **first, moved=torch.ones(1), region=torch.zeros(1, dtype=torch.long), regions=(GENERIC,), drawn=None)


_BY_TRIAL = ("truth", "floor", "error", "noise", "interpolation", "magnitude", "peak", "peak_error")
