"""An audit: claims go in, events come out, the last of each claim its outcome."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from symcheck._source import own_error
from symcheck.claims import Claim
from symcheck.engine import weights
from symcheck.engine.bound import Bound
from symcheck.engine.events import Event, Judged, Loading, Measuring, Probing
from symcheck.engine.evidence import Evidence
from symcheck.engine.forward import Forward, ModelError
from symcheck.engine.hints import crashed, hints, mask
from symcheck.engine.judge import judge
from symcheck.engine.locate import locate
from symcheck.engine.measure import Floor, Reading, Sides, Sweep, evidence_of, finished, partners
from symcheck.engine.noise import rms
from symcheck.engine.outcome import Counterexample, FactorFigures, Finding, Outcome, Rung
from symcheck.engine.probe import Setup, at_layout, check_applicable, sample, settled
from symcheck.engine.profile import profile
from symcheck.engine.search import search
from symcheck.engine.settings import Settings
from symcheck.engine.shrink import shrink
from symcheck.engine.subgroups import holding
from symcheck.engine.trials import GENERIC, Elements, Trials, draw
from symcheck.engine.verdict import Verdict
from symcheck.errors import ClaimError, GroupError, SymcheckError
from symcheck.groups import Monoid
from symcheck.placement import Placement, all_placed, as_device, own_dtype, seeded, tensors_of
from symcheck.properties import Property
from symcheck.reps.cartesian import keeps_lengths

Result = TypeVar("Result")


def run(claims: Iterable[Claim], settings: Settings) -> Generator[Event, None, None]:
    """Audit the claims one after another. A claim that can't be tested as stated is judged CRASHED, with the reason."""
    for claim in claims:
        yield Loading(claim)
        try:
            yield from examine(claim, settings)
        except Exception as error:
            why = _misstated(error)
            if not why:
                raise
            for prop in claim.properties:
                dtype = str(settings.dtype or "its own precision").removeprefix("torch.")
                yield Judged(
                    Outcome(claim, prop, str(claim.group), Verdict.CRASHED, why, dtype, settings.device, misstated=True)
                )


def _misstated(error: Exception) -> str:
    """Why a claim can't be tested, where that is the claim's fault: an error of ours tells it, or it raises in the user's code.

    A model that raises doesn't come here, but a domain, a rep, a group or a property of the user's own may.
    """
    if isinstance(error, SymcheckError):
        return str(error)
    own = own_error(error)
    return f"what the claim is made of {own}" if own else ""


def examine(claim: Claim, settings: Settings) -> Iterator[Event]:
    """Audit one claim. Raises ClaimError, DomainError or SubjectError if it can't be tested as stated.

    Of a claim of several properties those that it can't be tested for are judged CRASHED, with the reason.
    """
    device = as_device(settings.device)
    with seeded(settings.seed):  # models that draw random numbers draw the same ones in every run
        model = claim.subject.load(settings.seed)
        yield Probing(claim)
        dtype = settings.dtype or own_dtype(model) or claim.domain.dtype or torch.get_default_dtype()
        working = Placement(device, dtype)
        yield from _Examination(claim, settings, model, working, weights.fingerprint(model)).events()


@dataclass(frozen=True)
class _Examination:
    claim: Claim
    settings: Settings
    model: Callable[..., Any]
    working: Placement
    fingerprint: str

    def events(self) -> Iterator[Event]:
        found = self._probe()
        if isinstance(found, ModelError):
            x, _ = sample(self.claim.domain, 1, self.claim.rng(self.settings.seed, "probe"))
            for prop in self.claim.properties:
                outcome = self._outcome(prop, Verdict.CRASHED, f"the model fails on its input: {found}")
                yield Judged(replace(outcome, hints=crashed(str(found), x)))
            return
        setup, precise = found
        for prop in self.claim.properties:
            if setup.unstable is not None:
                yield Judged(self._outcome(prop, Verdict.UNSTABLE, setup.unstable, setup))
                continue
            try:
                yield from self._measured(prop, setup, precise)
            except ClaimError as error:
                if len(self.claim.properties) == 1:
                    raise
                # of one of several, of which another may say something of the claim
                yield Judged(replace(self._outcome(prop, Verdict.CRASHED, str(error), setup), misstated=True))

    def _probe(self) -> tuple[Setup, bool] | ModelError:
        """The setup, and whether the model runs in float64."""
        try:
            setup, failed = settled(self.claim, self.model, self.working, self.settings.seed, self.settings.policy)
        except ModelError as error:
            return error
        if failed is None:
            return setup, True
        text = f"The model doesn't run in float64 ({failed}), so that rounding and small violations can't be told apart there."
        return replace(setup, findings=(*setup.findings, Finding("no-float64", text))), False

    def _measured(self, prop: Property, setup: Setup, precise: bool) -> Iterator[Event]:
        check_applicable(self.claim, prop, setup)
        trials = draw(self.claim, setup, self.settings.trials, self.settings.seed, self.settings.policy)
        readings: list[Reading] = []
        for placement in dict.fromkeys((setup.forward.placement, self.working)):
            try:
                with all_placed((self.model, *prop.held), placement):
                    reading = yield from self._read(prop, setup.at(placement), setup, trials, searching=not readings)
                trials = reading.trials
                crash = _crash(reading.sweep, trials, setup, placement)
            except ModelError as error:
                crash = f"the model fails in {placement.precision}: {error}"
            if crash is not None:
                yield Judged(self._outcome(prop, Verdict.CRASHED, crash, setup, trials))
                return
            readings.append(reading)
        outcome = self._judged(prop, setup, trials, readings, precise)
        if outcome.verdict is Verdict.VIOLATED:
            with all_placed((self.model, *prop.held), setup.forward.placement):
                outcome = yield from self._explained(outcome, prop, setup, readings[0])
        if outcome.verdict.passes("float32"):
            outcome = yield from self._at_boundaries(outcome, prop, setup, precise, readings[0].sides.signal)
        undecided = outcome.verdict is Verdict.VACUOUS  # a head that starts at zero: it may show something once it doesn't
        if (outcome.verdict.passes("float32") or undecided) and precise and self._perturbs(prop):
            outcome = yield from self._at_perturbed_weights(outcome, prop, setup)
        if outcome.interrupted:
            yield Judged(outcome)
            raise KeyboardInterrupt
        rungs = yield from self._ladder(prop, setup, trials, readings, outcome.scale)
        outcome = replace(outcome, ladder=rungs, findings=outcome.findings + ill_conditioned(outcome, readings[0]))
        violated = outcome.verdict is Verdict.VIOLATED
        yield Judged(replace(outcome, hints=hints(outcome, self.settings.policy) if violated else ()))

    def _perturbs(self, prop: Property) -> bool:
        wanted = self.claim.subject.build is not None if self.settings.perturb is None else self.settings.perturb
        return wanted and weights.can_perturb(self.model, prop.held)

    def _at_perturbed_weights(self, own: Outcome, prop: Property, setup: Setup) -> Generator[Event, None, Outcome]:
        """The worst outcome at perturbed weights, in float64 alone, that shows a break which the own ones hide.

        What rounding doesn't explain there counts; that a model is ill-conditioned, or overflows, at weights that nobody gave
        it doesn't.
        """
        policy = replace(self.settings.policy, lines=self.settings.policy.weight_lines)
        trials = draw(self.claim, setup, policy.weight_trials, self.settings.seed, policy)
        tried, worst = own.weights, own
        for scale in policy.weight_scales:
            f, name = setup.at(setup.forward.placement), f"perturbed by {scale:g}"
            with all_placed((self.model, *prop.held), f.placement):
                try:
                    self._perturb(f, scale, trials)
                    reading = yield from self._read(prop, f, setup, trials, phase="weights")
                    found = self._judged(prop, setup, trials, [reading], precise=True)
                    found = yield from self._explained(found, prop, setup, reading)
                except ModelError:
                    continue
            tried = (*tried, name)
            worse = found.verdict is Verdict.VIOLATED or (found.verdict is Verdict.LIMITED and worst.verdict is Verdict.HOLDS)
            if worse and any(figures.truth > policy.slack * figures.floor for figures in found.figures):
                because = f"with weights perturbed by {scale:g} of their size (not at its own), {found.because}"
                worst = replace(found, because=because, findings=own.findings, scale=scale)
            if worst.verdict is Verdict.VIOLATED:
                break
        return replace(worst, weights=tried)

    def _perturb(self, f: Forward, scale: float, trials: Trials) -> None:
        """Perturb the weights of the model, which is placed: at every placement in the same way."""
        weights.perturb(self.model, scale, self.claim.rng(self.settings.seed, f"perturbed by {scale:g}"))
        weights.calibrate(f, [leaf.to(f.placement.device) for leaf in trials.inputs])

    def _explained(self, found: Outcome, prop: Property, setup: Setup, reading: Reading) -> Generator[Event, None, Outcome]:
        """A violated outcome with what still holds. The model is placed, with the weights at which the claim broke."""
        if found.verdict is not Verdict.VIOLATED:
            return found
        sides = Sides(setup.at(reading.forward.placement), prop, setup.bound, reading.trials)
        steps = holding(sides, reading, self.claim, self.settings)
        names = yield from self._measuring(steps, reading.forward.placement.precision, "subgroups")
        found = yield from self._located(replace(found, holding=names), prop, setup, sides)
        if found.interrupted:
            return found
        limit = max((figures.limit for figures in found.figures), default=0.0)
        found = replace(found, hints=mask(found, sides, limit))
        return (yield from self._shrunk(found, prop, setup, sides))

    def _located(self, found: Outcome, prop: Property, setup: Setup, sides: Sides) -> Generator[Event, None, Outcome]:
        """The outcome with the layer that breaks the claim. Ctrl-C ends the search for it, and the audit after this outcome."""
        trial, settings = found.counterexample, self.settings
        if trial is None:
            return found
        locating = partial(locate, self.claim, prop, setup, sides.f, seed=settings.seed, policy=settings.policy)
        precision = sides.f.placement.precision
        try:
            where = yield from self._measuring(locating(found=trial), precision, "locate")
            if where.otherwise and trial.region == GENERIC:  # a quarter turn may keep what other elements break
                g = setup.bound.group.sample(1, self.claim.rng(settings.seed, "locate again"))[0]
                again = yield from self._measuring(locating(found=replace(trial, g=g)), precision, "locate")
                where = again if again.culprit is not None else where
        except KeyboardInterrupt:
            return replace(found, interrupted=True)
        return replace(found, location=where)

    def _shrunk(self, found: Outcome, prop: Property, setup: Setup, sides: Sides) -> Generator[Event, None, Outcome]:
        """The outcome with the simplest counterexample. Ctrl-C ends the search for it, and the audit after this outcome."""
        trial, minimal, settings = found.counterexample, None, self.settings
        if trial is None:
            return found
        try:
            steps = shrink(self.claim, prop, setup, sides, trial, settings.seed, settings.policy)
            minimal = yield from self._measuring(steps, sides.f.placement.precision, "shrink")
        except KeyboardInterrupt:
            found = replace(found, interrupted=True)
        stopped = minimal is not None and minimal.stopped == "interrupted"
        return replace(found, counterexample=replace(trial, minimal=minimal), interrupted=found.interrupted or stopped)

    def _measuring(self, steps: Generator[int, None, Result], precision: str, phase: str) -> Generator[Event, None, Result]:
        """The result of steps that yield how many trials they have done."""
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Measuring(self.claim, precision, done, done, phase)

    def _at_boundaries(
        self, own: Outcome, prop: Property, setup: Setup, precise: bool, least: Tensor
    ) -> Generator[Event, None, Outcome]:
        """The worst outcome at the layouts at which models break (a single point, no edges), in the setup's precision alone.

        A model that takes no such layout, or returns NaN there, gets a finding; one on which the group then does nothing, none.
        `least` `(L,)` is the signal at generic inputs: where the output is constant, float32 rounds it on that scale.
        """
        policy = replace(self.settings.policy, lines=self.settings.policy.weight_lines)
        findings: list[Finding] = []
        for name, layout in setup.domain.boundaries.items():
            try:
                with all_placed((self.model, *prop.held), setup.forward.placement):
                    here = at_layout(self.claim, setup, layout, self.settings.seed)
                    trials = draw(self.claim, here, policy.weight_trials, self.settings.seed, policy)
                    f = here.at(setup.forward.placement)
                    reading = yield from self._read(prop, f, here, trials, phase="boundaries")
                    if reading.sweep.crashes:
                        raise ModelError(next(iter(reading.sweep.crashes.values())))
                    found = self._judged(prop, here, reading.trials, [reading], precise, least)
                    found = yield from self._explained(found, prop, here, reading)
            except (ModelError, ClaimError) as error:
                if isinstance(error, ModelError):
                    findings.append(Finding("raises-at", f"The model raises at {name}: {error}.", "note"))
                continue
            if found.verdict is Verdict.VIOLATED:
                because = f"at {name} (not at other inputs), {found.because}"
                figures = tuple(replace(f, only_at=(name,)) if f.verdict is Verdict.VIOLATED else f for f in found.figures)
                return replace(found, because=because, figures=figures, findings=(*own.findings, *findings), violating=0)
            if found.verdict is Verdict.NONFINITE:
                text = f"The output is NaN or infinite at {name}, though not at generic inputs. Guard divisions by zero."
                findings.append(Finding("nonfinite-at", text))
        return replace(own, findings=(*own.findings, *findings))

    def _ladder(
        self, prop: Property, setup: Setup, trials: Trials, readings: list[Reading], scale: float
    ) -> Generator[Event, None, tuple[Rung, ...]]:
        """The error of a few random trials in every precision, with weights perturbed by `scale` if the claim broke there."""
        if not bool(trials.random.any()):
            return ()
        complex_ = any(leaf.is_complex() for leaf in [*trials.inputs, *tensors_of(self.model)])
        few, signal = trials.few(self.settings.policy.ladder_trials), readings[0].sides.signal
        known = {} if scale else {reading.forward.placement.precision: reading.sweep.error[few] for reading in readings}
        rungs = []
        for name, placement in precisions(self.working.device):
            error, why = known.get(name), ""
            if error is None and complex_ and placement.eps > TF32 / 2:
                why = "complex numbers have no such precision"
            elif error is None:
                try:
                    with tensor_cores(name == "tf32"), all_placed((self.model, *prop.held), placement):
                        if scale:
                            self._perturb(setup.at(placement), scale, trials)
                        sides = Sides(setup.at(placement), prop, setup.bound, trials)
                        found = finished(sides.sweep(trials.source[few], trials.g[few], closely=False))
                    error, why = found.error, next(iter(found.crashes.values()), "")
                except ModelError as failed:
                    why = str(failed)
                yield Measuring(self.claim, name, len(few), len(few), "ladder")
            rungs.append(rung(name, placement, error, signal, why))
        return tuple(rungs)

    def _read(
        self, prop: Property, f: Forward, setup: Setup, trials: Trials, *, searching: bool = False, phase: str = "sweep"
    ) -> Generator[Event, None, Reading]:
        """Sweep the trials in one precision, search the group from the worst of them, and measure the floor there."""
        claim, precision, policy = self.claim, f.placement.precision, self.settings.policy
        sides = Sides(f, prop, setup.bound, trials)
        truth = f.placement == setup.forward.placement  # the other precision is asked for its errors alone
        steps = sides.sweep(trials.source, trials.g, trials.elements.factor, closely=truth)
        yield Measuring(claim, precision, 0, len(trials), phase)
        generic = int((trials.region == 0).sum())  # which come first
        while True:
            try:
                done = next(steps)
                now = "structured" if phase == "sweep" and done > generic else phase
                yield Measuring(claim, precision, done, len(trials), now)
            except StopIteration as end:
                swept: Sweep = end.value
                break
        if _crash(swept, trials, setup, f.placement) is not None:
            return Reading(sides, trials, swept, torch.zeros_like(swept.error))
        start = ((trials.region == 0) & swept.error.isfinite().all(-1)).nonzero().flatten()
        if searching and len(start) and prop.arity == 1:  # of several elements the others are those of other trials
            yield Measuring(claim, precision, 0, len(start), "search")
            rng = claim.rng(self.settings.seed, "search")

            def ascend(source: Tensor, g: Tensor) -> Tensor:
                return relative(finished(sides.sweep(source, g, closely=False)).error, sides.signal)

            first = relative(swept.error, sides.signal)[start]
            source, g, top = search(setup.bound.group, trials.source[start], trials.g[start], first, ascend, rng, policy)
            shown = top > policy.slack * policy.single  # what is smaller may be the rounding that the search has climbed
            if bool(shown.any()):
                swept = swept.joined(finished(sides.sweep(source[shown], g[shown])))
                trials = trials.joined(source[shown], Elements.of(g[shown]))
        rng = claim.rng(self.settings.seed, f"noise {precision}")
        floor = Floor(sides, trials, policy, rng, setup.domain.fixed)
        allowed = (claim.tolerance or 0.0) * sides.signal
        return Reading(sides, trials, swept, floor.corrected(floor.everywhere(swept), swept.error, allowed))

    def _judged(
        self,
        prop: Property,
        setup: Setup,
        trials: Trials,
        readings: list[Reading],
        precise: bool,
        least: Tensor | None = None,
    ) -> Outcome:
        """The outcome that readings support; `least` `(L,)` is a signal known from elsewhere, if the one here is smaller."""
        double, working = readings[0], readings[-1]
        noise = torch.minimum(working.floor, farthest(double, working)) if working is not double else None
        names = prop.names(setup.names, setup.outputs, trials.inputs)
        evidence = evidence_of(names, double, working.sweep, noise, precise=precise)
        if least is not None:
            evidence = evidence.on_the_scale_of(least, self.settings.policy.slack * self.settings.policy.single)
        judgement = judge(evidence, self.settings.policy, self.working.precision, self.claim.tolerance)
        outcome = self._outcome(prop, judgement.verdict, judgement.because, setup, trials)
        return replace(
            outcome,
            figures=judgement.figures,
            findings=outcome.findings
            + idle(setup.bound, trials, double.sweep)
            + masked(names, double.sides)
            + at_structured(trials, double.sweep)
            + retried(readings),
            counterexample=counterexample(setup, trials, evidence, judgement.violating, prop.arity),
            violating=int((judgement.violating & trials.random).sum()),
            profile=profile(setup.bound.group, trials, relative(double.sweep.error, double.sides.signal)),
            factors=by_factor(
                setup.bound.group, trials, judgement.violating, relative(double.sweep.error, double.sides.signal)
            ),
            calls=sum(reading.forward.calls for reading in readings),
            evaluations=sum(reading.forward.evaluations for reading in readings),
        )

    def _outcome(
        self, prop: Property, verdict: Verdict, because: str, setup: Setup | None = None, trials: Trials | None = None
    ) -> Outcome:
        outcome = Outcome(
            self.claim, prop, str(self.claim.group), verdict, because, self.working.precision, str(self.working.device)
        )
        outcome = replace(outcome, fingerprint=self.fingerprint)
        if setup is not None:
            batching = setup.forward.batching.value
            outcome = replace(
                outcome, group=str(setup.bound.group), findings=setup.findings, inputs=setup.names, batching=batching
            )
        return replace(outcome, trials=len(trials), random_trials=int(trials.random.sum())) if trials is not None else outcome


def relative(error: Tensor, signal: Tensor) -> Tensor:
    """Errors `(n, L)` as parts of the signal, the worst leaf's `(n,)`; of leaves without a signal, as they are."""
    return (error / torch.where(signal > 0, signal, 1.0)).amax(-1)


def by_factor(group: Monoid, trials: Trials, violating: Tensor, size: Tensor) -> tuple[FactorFigures, ...]:
    """What the trials that move one factor of a product alone show."""
    found = []
    for i, factor in enumerate(group.factors if len(group.factors) > 1 else ()):
        alone = trials.elements.factor == i
        if alone.any():
            worst = float(size[alone].nan_to_num(nan=float("inf")).max())
            found.append(FactorFigures(str(factor), int(alone.sum()), int((violating & alone).sum()), worst))
    return tuple(found)


def idle(bound: Bound, trials: Trials, found: Sweep) -> tuple[Finding, ...]:
    """Findings about the factors of a product of which no element moves an input: the claim holds under them whatever f is."""
    findings = []
    several = len(bound.group.factors) > 1 and bool(found.moved.any())  # where none moves anything the verdict says so
    for i, factor in enumerate(bound.group.factors if several else ()):
        alone = (trials.elements.factor == i).nonzero().flatten()
        x = trials.x(alone)
        moved = zip(bound.on_inputs(trials.g[alone], x), x, strict=True)
        if len(alone) and not bool(found.moved[alone].any()) and all(torch.equal(a, b) for a, b in moved):
            text = (
                f"No element of {factor} moves an input, so that the claim says nothing of it. Give an input a rep by which it "
                f"acts, or leave {factor} out of the group."
            )
            findings.append(Finding("idle-factor", text))
    return tuple(findings)


def precisions(device: torch.device) -> list[tuple[str, Placement]]:
    """The rungs of the ladder on a device, from the finest. TF32 is how some CUDA devices multiply float32 matrices."""
    rungs = [("float64", torch.float64), ("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)]
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        rungs.insert(2, ("tf32", torch.float32))
    return [(name, Placement(device, dtype)) for name, dtype in rungs]


@contextmanager
def tensor_cores(on: bool) -> Iterator[None]:
    """Float32 matrices multiplied in TF32, if `on`; as the user has it otherwise."""
    flags = _tf32_flags() if on else []
    before = [getattr(holder, name) for holder, name, _ in flags]
    try:
        for holder, name, value in flags:
            setattr(holder, name, value)
        yield
    finally:
        for (holder, name, _), value in zip(flags, before, strict=True):
            setattr(holder, name, value)


def _tf32_flags() -> list[tuple[Any, str, Any]]:
    """What turns TF32 on: whose attributes, and what to set them to. Torch has two sets, and refuses to mix them."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    older: list[tuple[Any, str, Any]] = [(matmul, "allow_tf32", True), (cudnn, "allow_tf32", True)]
    try:
        for holder, name, _ in older:
            getattr(holder, name)
    except RuntimeError:  # the user has set it by the newer
        parts: Any = (matmul, cudnn.conv, cudnn.rnn)  # type: ignore[attr-defined] # since torch 2.9
        return [(part, "fp32_precision", "tf32") for part in parts]
    return older


def rung(name: str, placement: Placement, error: Tensor | None, signal: Tensor, why: str) -> Rung:
    eps = TF32 if name == "tf32" else placement.eps
    if error is None:
        return Rung(name, eps, None, why)
    size = float(relative(error.square().mean(0, keepdim=True).sqrt(), signal))
    return Rung(name, eps, size) if math.isfinite(size) else Rung(name, eps, None, why or "the output is NaN or infinite")


TF32 = 2.0**-10  # the epsilon of its 10-bit mantissa


LOST = 3  # digits: three that rounding takes leave float32 four, which is what training and reports are read to


def ill_conditioned(outcome: Outcome, double: Reading) -> tuple[Finding, ...]:
    """A finding if rounding alone costs the output three digits or more."""
    eps = double.forward.placement.eps
    lost = {f.leaf: math.log10(f.typical / (eps * f.signal)) for f in outcome.figures if f.typical > 0 and f.signal > 0}
    casts = any(finding.kind == "ignores-dtype" for finding in outcome.findings)  # which explain the noise as well
    if not lost or max(lost.values()) < LOST or casts or not outcome.verdict.passes("float32"):
        return ()
    leaf, digits = max(lost.items(), key=lambda item: item[1])
    subject, kept = f"output '{leaf}'" if leaf else "the output", -math.log10(eps)
    text = (
        f"Rounding costs {subject} {digits:.0f} of {kept:.0f} digits in {double.forward.placement.precision}: the model is "
        f"ill-conditioned, or a large constant hides its signal. In float32 {max(0.0, 6.9 - digits):.0f} digits are left."
    )
    return (Finding("ill-conditioned", text, "note"),)


def farthest(double: Reading, working: Reading) -> Tensor:
    """How far the working precision is at most from float64, on the inputs: its noise is no more, whatever the lines show.

    They show more where f varies within the spacing of their points, which is wide in low precision. An element that carries an
    input far away, or that stretches it (a boost, a scaling), leads to where f may round otherwise: there the lines have the
    last word.
    """
    gaps = [
        rms(a.to(b.device) - b) if b.is_floating_point() else None
        for a, b in zip(working.sides.quantity, double.sides.quantity, strict=True)
    ]
    most = [torch.full((), torch.inf) if gap is None or not gap.isfinite().all() else gap.amax().cpu() for gap in gaps]
    cap = torch.stack(most).expand_as(working.floor).maximum(working.forward.placement.eps * working.sweep.magnitude)
    beyond = (double.sweep.moved > FAR) | stretches(double.sides.bound.group)
    return torch.where(beyond.unsqueeze(-1), torch.inf, cap)


def stretches(group: Monoid) -> bool:
    """Whether a factor of a group has matrices that change lengths.

    >>> from symcheck.groups import from_string
    >>> [stretches(from_string(name)) for name in ("E(3) x S_4", "SU(2)", "SO+(1,3) x S_4")]
    [False, False, True]
    """
    for factor in group.factors:
        with suppress(GroupError):  # it has no matrices
            if not keeps_lengths(factor):
                return True
    return False


FAR = 4.0  # of the input's size: rotations carry an input at most 2 of it, translations of its own size seldom more


def _crash(found: Sweep, trials: Trials, setup: Setup, placement: Placement) -> str | None:
    """What to say if the model fails on generic trials."""
    raised = [trial for trial in sorted(found.crashes) if trials.region[trial] == 0]
    if not raised:
        return None
    if len(raised) == int((trials.region == 0).sum()):
        return f"the model fails on every trial in {placement.precision}: {found.crashes[raised[0]]}"
    element = setup.bound.group.describe(trials.g[raised[0]])
    return (
        f"the model fails on {len(raised)} of {int((trials.region == 0).sum())} trials, for the first time at "
        f"g = {element}: {found.crashes[raised[0]]}"
    )


def retried(readings: Sequence[Reading]) -> tuple[Finding, ...]:
    """A finding if a call raised, though the same inputs did well in smaller calls: a limit of the model's, or a whim."""
    told = [text for reading in readings for text in reading.forward.recovered[:1]]
    text = (
        "The model raised in a call with {}, and not when the same inputs were given in smaller calls. If no limit of its "
        "batch size explains that, it raises at random: what is told is of the calls that returned."
    )
    return tuple(Finding("raises-in-batches", text.format(one), "note") for one in told[:1])


def masked(names: Iterable[str], sides: Sides) -> tuple[Finding, ...]:
    """Findings about outputs of which the same entries are NaN or infinite at every input, and others aren't: a mask."""
    findings = []
    for name, lost in zip(names, sides.lost, strict=True):
        if lost is not None and lost.any() and not lost.all():
            first = tuple(lost.nonzero()[0].tolist())
            subject = f"Output '{name}'" if name else "The output"
            findings.append(
                Finding(
                    "nonfinite-entries",
                    f"{subject} is NaN or infinite in {int(lost.sum())} of its {lost.numel()} entries, the same at every "
                    f"input, the first at {first}. Where that is a mask, fill these with zeros, or leave them out of what the "
                    f"model returns.",
                )
            )
    return tuple(findings)


def at_structured(trials: Trials, found: Sweep) -> tuple[Finding, ...]:
    """Findings about structured inputs at which the model raises or returns NaN, though it doesn't at generic ones."""
    if not found.error[trials.region == 0].isfinite().all():
        return ()
    findings, nonfinite = [], []
    for region, name in enumerate(trials.regions):
        here = trials.region == region
        raised = [text for trial, text in sorted(found.crashes.items()) if here[trial]]
        if raised:
            findings.append(Finding("raises-at", f"The model raises at {name}: {raised[0]}."))
        elif not found.error[here].isfinite().all():
            nonfinite.append(name)
    if nonfinite:
        text = (
            f"The output is NaN or infinite at {', '.join(nonfinite)}, though not at generic inputs. Guard divisions by zero."
        )
        findings.append(Finding("nonfinite-at", text))
    return tuple(findings)


def counterexample(
    setup: Setup, trials: Trials, evidence: Evidence, violating: torch.Tensor, arity: int = 1
) -> Counterexample | None:
    """The trial to show: the worst with the first landmark that violates the claim, else the worst of all."""
    if not violating.any():
        return None
    scale = torch.where(evidence.signal > 0, evidence.signal, evidence.magnitude.nan_to_num().amax(0)).clamp_min(1e-300)
    relative = (evidence.truth / scale).amax(-1).nan_to_num(nan=float("inf"))
    among = violating & (trials.region == 0) if bool((violating & (trials.region == 0)).any()) else violating
    landmark = trials.elements.landmark
    known = landmark[among & (landmark >= 0)]
    among = among & (landmark == known.min()) if len(known) else among
    trial = int(torch.where(among, relative, -1.0).argmax())
    x = [leaf[trials.source[trial]] for leaf in trials.inputs]
    tuples = (partners(trials.g, k, trials.elements.factor)[trial] for k in range(arity))
    group, (g, *others) = setup.bound.group, tuples
    region = trials.regions[int(trials.region[trial])]
    return Counterexample(group.describe(g), g, x, float(relative[trial]), region, tuple(others))
