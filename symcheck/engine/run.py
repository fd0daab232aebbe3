"""An audit: claims go in, events come out, the last of each claim its outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from symcheck.claims import Claim
from symcheck.engine import weights
from symcheck.engine.events import Event, Judged, Measuring, Probing
from symcheck.engine.evidence import Evidence
from symcheck.engine.forward import Forward, ModelError
from symcheck.engine.judge import judge
from symcheck.engine.measure import Floor, Sweep, sweep
from symcheck.engine.noise import rms
from symcheck.engine.outcome import Counterexample, Finding, Outcome
from symcheck.engine.probe import Setup, probe
from symcheck.engine.settings import Settings
from symcheck.engine.trials import Trials, draw
from symcheck.engine.verdict import Verdict
from symcheck.errors import SymcheckError
from symcheck.placement import Placement, as_device, own_dtype, placed
from symcheck.properties import Property


def run(claims: Iterable[Claim], settings: Settings) -> Iterator[Event]:
    """Audit the claims one after another. A claim that can't be tested as stated is judged CRASHED, with the reason."""
    for claim in claims:
        yield Probing(claim)
        try:
            yield from examine(claim, settings)
        except SymcheckError as error:
            for prop in claim.properties:
                dtype = str(settings.dtype or "its own precision").removeprefix("torch.")
                yield Judged(
                    Outcome(claim, prop, str(claim.group), Verdict.CRASHED, str(error), dtype, settings.device, misstated=True)
                )


def examine(claim: Claim, settings: Settings) -> Iterator[Event]:
    """Audit one claim. Raises ClaimError, DomainError or SubjectError if it can't be tested as stated."""
    device = as_device(settings.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(settings.seed)  # models that draw random numbers draw the same ones in every run
        model = claim.subject.load(settings.seed)
        dtype = settings.dtype or own_dtype(model) or claim.domain.dtype or torch.get_default_dtype()
        working = Placement(device, dtype)
        yield from _Examination(claim, settings, model, working).events()


@dataclass(frozen=True)
class _Examination:
    claim: Claim
    settings: Settings
    model: Callable[..., Any]
    working: Placement

    def events(self) -> Iterator[Event]:
        double = Placement(self.working.device, torch.float64)
        found = self._probe(double)
        if isinstance(found, ModelError):
            for prop in self.claim.properties:
                yield Judged(self._outcome(prop, Verdict.CRASHED, f"the model raised on its input: {found}"))
            return
        setup, precise = found
        for prop in self.claim.properties:
            if setup.unstable is not None:
                yield Judged(self._outcome(prop, Verdict.UNSTABLE, setup.unstable, setup))
            else:
                yield from self._measured(prop, setup, precise)

    def _probe(self, double: Placement) -> tuple[Setup, bool] | ModelError:
        """The setup, and whether the model runs in float64: if need be with float64 as torch's default dtype."""
        claim, seed, policy = self.claim, self.settings.seed, self.settings.policy
        failed: ModelError | None = None
        for placement, default in ((double, False), (double, True), (self.working, False)):
            try:
                with placed(self.model, placement):
                    setup = probe(claim, self.model, placement, seed, policy, default_dtype=default)
            except ModelError as error:
                failed = failed or error
                continue
            if placement == double:
                return setup, True
            text = (
                f"The model doesn't run in float64 ({failed}), so that rounding and small violations can't be told apart there."
            )
            return replace(setup, findings=(*setup.findings, Finding("no-float64", text))), False
        assert failed is not None
        return failed

    def _measured(self, prop: Property, setup: Setup, precise: bool) -> Iterator[Event]:
        trials = draw(self.claim, setup, self.settings.trials, self.settings.seed, self.settings.policy)
        readings: list[_Reading] = []
        for placement in dict.fromkeys((setup.forward.placement, self.working)):
            try:
                with placed(self.model, placement):
                    reading = yield from self._read(prop, setup.at(placement), setup, trials)
                crash = _crash(reading.sweep, trials, setup, placement)
            except ModelError as error:
                crash = f"the model raised in {placement.precision}: {error}"
            if crash is not None:
                yield Judged(self._outcome(prop, Verdict.CRASHED, crash, setup, trials))
                return
            readings.append(reading)
        outcome = self._judged(prop, setup, trials, readings, precise)
        if outcome.verdict.passes("float32") and precise and self._perturbs:
            outcome = yield from self._at_perturbed_weights(outcome, prop, setup)
        yield Judged(outcome)

    @property
    def _perturbs(self) -> bool:
        wanted = self.settings.perturb
        return (self.claim.subject.build is not None if wanted is None else wanted) and weights.has_parameters(self.model)

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
            with placed(self.model, f.placement):
                try:
                    weights.perturb(self.model, scale, self.claim.rng(self.settings.seed, name))
                    weights.calibrate(f, [leaf.to(f.placement.device) for leaf in trials.inputs])
                    reading = yield from self._read(prop, f, setup, trials)
                except ModelError:
                    continue
            tried = (*tried, name)
            found = self._judged(prop, setup, trials, [reading], precise=True)
            worse = found.verdict is Verdict.VIOLATED or (found.verdict is Verdict.LIMITED and worst.verdict is Verdict.HOLDS)
            if worse and any(figures.truth > policy.slack * figures.floor for figures in found.figures):
                because = f"with weights perturbed by {scale:g} of their size (not at its own), {found.because}"
                worst = replace(found, because=because, findings=own.findings)
            if worst.verdict is Verdict.VIOLATED:
                break
        return replace(worst, weights=tried)

    def _read(self, prop: Property, f: Forward, setup: Setup, trials: Trials) -> Generator[Event, None, _Reading]:
        """Sweep the trials in one precision, and measure the floor there."""
        claim, precision = self.claim, f.placement.precision
        steps = sweep(f, prop, setup.bound, trials)
        while True:
            try:
                yield Measuring(claim, precision, next(steps), len(trials))
            except StopIteration as end:
                swept: Sweep = end.value
                break
        if _crash(swept, trials, setup, f.placement) is not None:
            return _Reading(f, swept, torch.zeros_like(swept.error))
        rng = claim.rng(self.settings.seed, f"noise {precision}")
        floor = Floor(f, setup.bound, trials, self.settings.policy, rng, setup.domain.fixed)
        allowed = (claim.tolerance or 0.0) * swept.signal
        return _Reading(f, swept, floor.corrected(floor.everywhere(swept), swept.error, allowed))

    def _judged(self, prop: Property, setup: Setup, trials: Trials, readings: list[_Reading], precise: bool) -> Outcome:
        double, working = readings[0], readings[-1]
        noise = torch.minimum(working.floor, farthest(double.sweep, working)) if working is not double else working.floor
        evidence = Evidence(
            leaves=setup.outputs,
            truth=double.sweep.error,
            floor=double.floor,
            error=working.sweep.error,
            noise=noise,
            signal=double.sweep.signal,
            magnitude=double.sweep.magnitude,
            peak=double.sweep.peak,
            peak_error=double.sweep.peak_error,
            entries=tuple(leaf[0].numel() for leaf in double.sweep.outputs),
            moved=double.sweep.moved,
            region=trials.region,
            regions=trials.regions,
            precise=precise,
        )
        judgement = judge(evidence, self.settings.policy, self.working.precision, self.claim.tolerance)
        outcome = self._outcome(prop, judgement.verdict, judgement.because, setup, trials)
        return replace(
            outcome,
            figures=judgement.figures,
            findings=outcome.findings + at_structured(trials, double.sweep),
            counterexample=counterexample(setup, trials, evidence, judgement.violating),
            violating=int((judgement.violating & trials.random).sum()),
            calls=sum(reading.forward.calls for reading in readings),
            evaluations=sum(reading.forward.evaluations for reading in readings),
        )

    def _outcome(
        self, prop: Property, verdict: Verdict, because: str, setup: Setup | None = None, trials: Trials | None = None
    ) -> Outcome:
        outcome = Outcome(
            self.claim, prop, str(self.claim.group), verdict, because, self.working.precision, str(self.working.device)
        )
        if setup is not None:
            batching = setup.forward.batching.value
            outcome = replace(
                outcome, group=str(setup.bound.group), findings=setup.findings, inputs=setup.names, batching=batching
            )
        return replace(outcome, trials=len(trials), random_trials=int(trials.random.sum())) if trials is not None else outcome


@dataclass(frozen=True)
class _Reading:
    """One precision: how f was called, what the sweep showed, and the floor of each trial."""

    forward: Forward
    sweep: Sweep
    floor: torch.Tensor


def farthest(double: Sweep, working: _Reading) -> Tensor:
    """How far the working precision is at most from float64, on the inputs: its noise is no more, whatever the lines show.

    They show more where f varies within the spacing of their points, which is wide in low precision.
    """
    gaps = [
        rms(a.to(b.device) - b) if b.is_floating_point() else None
        for a, b in zip(working.sweep.outputs, double.outputs, strict=True)
    ]
    most = [torch.full((), torch.inf) if gap is None or not gap.isfinite().all() else gap.amax().cpu() for gap in gaps]
    return torch.stack(most).expand_as(working.floor).maximum(working.forward.placement.eps * working.sweep.magnitude)


def _crash(found: Sweep, trials: Trials, setup: Setup, placement: Placement) -> str | None:
    """What to say if the model raised on generic trials."""
    raised = [trial for trial in sorted(found.crashes) if trials.region[trial] == 0]
    if not raised:
        return None
    if len(raised) == int((trials.region == 0).sum()):
        return f"the model raised on every trial in {placement.precision}: {found.crashes[raised[0]]}"
    element = setup.bound.group.describe(trials.g[raised[0]])
    return (
        f"the model raised on {len(raised)} of {int((trials.region == 0).sum())} trials, for the first time at "
        f"g = {element}: {found.crashes[raised[0]]}"
    )


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


def counterexample(setup: Setup, trials: Trials, evidence: Evidence, violating: torch.Tensor) -> Counterexample | None:
    """The trial to show: the worst with the first landmark that violates the claim, else the worst of all."""
    if not violating.any():
        return None
    scale = torch.where(evidence.signal > 0, evidence.signal, evidence.magnitude.nan_to_num().amax(0)).clamp_min(1e-300)
    relative = (evidence.truth / scale).amax(-1).nan_to_num(nan=float("inf"))
    known = trials.landmark[violating & (trials.landmark >= 0)]
    among = violating & (trials.landmark == known.min()) if len(known) else violating
    trial = int(torch.where(among, relative, -1.0).argmax())
    x = [leaf[trials.source[trial]] for leaf in trials.inputs]
    group, g = setup.bound.group, trials.g[trial]
    return Counterexample(group.describe(g), g, x, float(relative[trial]), trials.regions[int(trials.region[trial])])
