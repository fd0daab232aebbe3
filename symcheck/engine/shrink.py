"""Shrinking: from a trial that violates a claim to the simplest that still does.

First the layout: Hypothesis looks for the smallest at which a few trials violate the claim. Then, in turn until neither gets
simpler, the elements and the numbers of the input: of all candidates that are simpler, tried in batches, the simplest that
still violates takes the place of what there was. Each is judged as the trials of the sweep are, by the signal of its own
layout, and what is left at the end by the noise on the spot.

A violation that is there at generic inputs must stay beside the simple one too. Otherwise a leak of 1e-3 would end as a jump at
a tie, which zeros and whole numbers abound in, and which is another matter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from symcheck._tree import Leaves, Structure, flatten
from symcheck.claims import Claim
from symcheck.domains import At, Layout
from symcheck.engine.forward import ModelError
from symcheck.engine.judge import judge
from symcheck.engine.measure import Floor, Reading, Sides, Sweep, evidence_of, finished
from symcheck.engine.noise import minus, rms
from symcheck.engine.outcome import Counterexample, Minimal
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, at_layout
from symcheck.engine.trials import GENERIC, Elements, Trials, draw
from symcheck.properties import Property

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Steps = Generator[int, None, bool]
"""Yields the number of evaluations so far, and returns whether anything got simpler."""


def shrink(
    claim: Claim, prop: Property, setup: Setup, sides: Sides, found: Counterexample, seed: int, policy: Policy
) -> Generator[int, None, Minimal | None]:
    """The simplest trial that violates the claim, from the one found on; None if that one doesn't when it is tried again.

    The model is placed, with the weights at which the claim broke. Yields the number of evaluations so far. On Ctrl-C it
    returns the simplest so far, if there is one.
    """
    shrinker = _Shrinker(claim, prop, seed, policy, Place(claim, setup, sides, policy), found)
    try:
        yield from shrinker.steps()
        return shrinker.minimal()
    except KeyboardInterrupt:
        shrinker.stopped = "interrupted"
        if not shrinker.trail:
            raise
        return shrinker.minimal()
    except ModelError:  # it ran on the same trial before
        return None


@dataclass(frozen=True)
class Trial:
    """One input, leaves `(1, *shape)`, and the elements that the property takes, `(1, arity, *element)`."""

    x: Leaves
    g: Tensor


@dataclass(frozen=True)
class Tried:
    """What n trials showed, `(n,)`: which violate the claim, by how much relative to the signal, and at which leaf most.

    `floor` `(n, L)` is the noise that they were judged by.
    """

    violating: Tensor
    relative: Tensor
    leaf: Tensor
    floor: Tensor


class Nearby(Sides):
    """The two sides at other inputs of a layout, measured by the spread that is known there."""

    def __init__(self, known: Sides, x: Leaves, g: Tensor) -> None:
        self.f, self.prop, self.bound = known.f, known.prop, known.bound
        self.scales, self.signal, self.spread, self.quantity = known.scales, known.signal, known.spread, known.quantity
        every = torch.arange(len(g))
        self.extents = known.extents
        self.trials = Trials(
            inputs=x,
            region_of=torch.ones_like(every),
            regions=(GENERIC, "simpler inputs"),
            source=every,
            elements=Elements.of(g),
        )
        self.inputs = [leaf.to(self.f.placement.device) for leaf in x]
        self.outputs = self.f(self.inputs)
        self._crashed = dict(self.f.crashes)

    def tuples(self, g: Tensor, kin: Tensor | None = None) -> tuple[Tensor, ...]:
        return g.unbind(1)

    def measured(self) -> Sweep:
        return finished(self.sweep(self.trials.source, self.trials.g))


class Place:
    """One layout: the model as it is called there, what is known of its outputs, and the noise where it was measured."""

    def __init__(self, claim: Claim, setup: Setup, sides: Sides, policy: Policy) -> None:
        self.claim, self.setup, self.sides, self.policy = claim, setup, sides, policy
        self.group, self.domain = setup.bound.group, setup.domain
        self.floor = torch.zeros(1, len(sides.signal), dtype=torch.float64)
        generic = sides.trials.region_of == 0
        self.sizes = [float(rms(leaf[generic]).square().mean().sqrt()) for leaf in sides.trials.inputs]
        self.outline: Structure = flatten(self.domain.sample(self.domain.layout, 1, torch.Generator().manual_seed(0)))[1]

    def tried(self, x: Leaves, g: Tensor) -> Tried:
        """Trials judged by the noise that is known here."""
        nearby = Nearby(self.sides, x, g)
        swept = nearby.measured()
        return self._judged(nearby, swept, self._least(swept))

    def confirmed(self, x: Leaves, g: Tensor, rng: torch.Generator, policy: Policy) -> Tried:
        """Trials judged by the noise on the spot at the worst of them."""
        nearby = Nearby(self.sides, x, g)
        swept = nearby.measured()
        floor = Floor(nearby, nearby.trials, policy, rng, self.domain.fixed)
        allowed = (self.claim.tolerance or 0.0) * self.sides.signal
        return self._judged(nearby, swept, floor.corrected(self._least(swept), swept.error, allowed))

    def cost(self, g: Tensor) -> Tensor:
        """How far elements `(n, arity, *element)` are from simple, `(n,)`."""
        return torch.stack([self.group.complexity(one) for one in g.unbind(1)]).sum(0)

    def beside(self, x: Leaves, rng: torch.Generator) -> Leaves:
        """Inputs a small step from those given, where they have numbers."""
        fixed = self.domain.fixed
        return [
            leaf + self.policy.jitter * size * torch.randn(leaf.shape, generator=rng, dtype=leaf.dtype)
            if leaf.is_floating_point() and i not in fixed
            else leaf
            for i, (leaf, size) in enumerate(zip(x, self.sizes, strict=True))
        ]

    def _least(self, swept: Sweep) -> Tensor:
        """The noise known here, and no less than an epsilon of each trial's magnitude."""
        return torch.maximum(self.floor, self.sides.f.placement.eps * swept.magnitude)

    def _judged(self, nearby: Nearby, swept: Sweep, floor: Tensor) -> Tried:
        generic = replace(nearby.trials, region_of=torch.zeros_like(nearby.trials.region_of))
        evidence = evidence_of(("",) * floor.shape[1], Reading(nearby, generic, swept, floor), swept)
        judgement = judge(evidence, self.policy, self.sides.f.placement.precision, self.claim.tolerance)
        scale = torch.where(nearby.signal > 0, nearby.signal, swept.magnitude.nan_to_num().amax(0)).clamp_min(1e-300)
        most, leaf = (swept.error / scale).nan_to_num(posinf=0.0).max(-1)
        return Tried(judgement.violating & swept.error.isfinite().all(-1), most, leaf, floor)


class _Shrinker:
    """The search. `trail` holds the trials that took each other's place, the first one that was found on its own, and where."""

    def __init__(self, claim: Claim, prop: Property, seed: int, policy: Policy, place: Place, found: Counterexample) -> None:
        self.claim, self.prop, self.seed, self.policy, self.place = claim, prop, seed, policy, place
        self.region = found.region
        self.start = Trial([leaf.unsqueeze(0) for leaf in found.x], torch.stack([found.g, *found.partners]).unsqueeze(0))
        self.trail: list[tuple[Place, Trial]] = []
        self.stopped: Literal["", "budget", "interrupted"] = ""
        self.robust = False
        self.rng = claim.rng(seed, "shrink")
        self._forwards = [place.sides.f]
        self._before = place.sides.f.evaluations

    @property
    def evaluations(self) -> int:
        return sum(f.evaluations for f in self._forwards) - self._before

    def steps(self) -> Generator[int, None, None]:
        """Make the trial simpler until nothing simpler violates, or the budget is spent."""
        x, g = self.start.x, self.start.g
        first = self.place.confirmed(x, g, self.rng, self.policy)
        if not bool(first.violating):
            return
        self.place.floor = first.floor
        self.trail = [(self.place, self.start)]
        if self.region == GENERIC:
            self.robust = bool(self.place.tried(self.place.beside(x, self.rng), g).violating)
        yield self.evaluations
        self._take_smallest_layout()
        yield self.evaluations
        while (yield from self._descend(self._simpler_elements)) | (yield from self._descend(self._simpler_inputs)):
            pass
        while len(self.trail) > 1 and not self._stands():
            self.trail.pop()
        yield self.evaluations

    def minimal(self) -> Minimal | None:
        """The simplest trial so far, with its two sides."""
        if not self.trail:
            return None
        place, trial = self.trail[-1]
        took = self.evaluations
        nearby, shown = Nearby(place.sides, trial.x, trial.g), place.tried(trial.x, trial.g)
        both = [leaf[0].detach().cpu() for leaf in nearby.both(nearby.inputs, trial.g)]
        left, right = both[: len(both) // 2], both[len(both) // 2 :]
        names = self.prop.names(place.setup.names, place.setup.outputs, trial.x)
        reps = self.prop.reps(place.sides.bound, trial.x)
        return Minimal(
            layout=dict(place.domain.layout),
            group=str(place.group),
            element="; ".join(place.group.describe(one) for one in trial.g[0]),
            g=tuple(trial.g[0]),
            x=[leaf[0] for leaf in trial.x],
            left=left,
            right=right,
            difference=[minus(a, b) for a, b in zip(left, right, strict=True)],
            moved=[leaf[0] for leaf in self._moved(place, trial)],
            looks=_looks(place, trial.x),
            quantity_looks=tuple(rep.look(place.group, tuple(y.shape)) for rep, y in zip(reps, left, strict=True)),
            leaf=names[int(shown.leaf[0])],
            relative=float(shown.relative[0]),
            region=self.region,
            evaluations=took,
            stopped=self.stopped,
        )

    def _moved(self, place: Place, trial: Trial) -> Leaves:
        """The input as the left side takes it; nothing where that says nothing."""
        return self.prop.moved(place.sides.bound, trial.x, *trial.g.unbind(1)) or []

    # The layout

    def _take_smallest_layout(self) -> None:
        domain = self.place.domain
        if not domain.layout:
            return
        known: dict[str, tuple[Place, Trial] | None] = {str(dict(domain.layout)): self.trail[0]}

        def violated(layout: Layout) -> bool:
            key = str(dict(layout))
            if key not in known:
                known[key] = None if self._spent else self._violation(layout)
            return known[key] is not None

        least = smallest(domain.layouts(), violated, self.claim.rng(self.seed, "layouts").initial_seed(), self.policy)
        best = None if least is None else known[str(dict(least))]
        if best is not None and best[0] is not self.place:
            self.place, _ = best
            self.trail.append(best)

    def _violation(self, layout: Layout) -> tuple[Place, Trial] | None:
        """A trial at another layout that violates the claim, of those with the simplest element the worst, if any does."""
        policy = replace(self.policy, inputs=self.policy.shrink_inputs, suspects=1, suspect_lines=1)
        try:
            here = at_layout(self.claim, self.place.setup, layout, self.seed)
            here = replace(here, domain=_Elsewhere(self.place.domain, layout))
            trials = draw(self.claim, here, policy.shrink_inputs * policy.shrink_elements, self.seed, policy)
            if self.region not in trials.regions:
                return None
            forward = here.at(here.forward.placement)
            self._forwards.append(forward)
            sides = Sides(forward, self.prop, here.bound, trials)
            place = Place(self.claim, here, sides, self.policy)
            chosen = (trials.region == trials.regions.index(self.region)).nonzero().flatten()
            x, g = trials.x(chosen), torch.stack(sides.tuples(trials.g[chosen]), 1)
            tried = place.confirmed(x, g, self.rng, policy)
            best = self._simplest(place, x, g, tried, place.cost(g))
            if not best:
                return None
            place.floor = tried.floor[best[:1]]
            return place, _trial(x, g, best[0])
        except Exception:  # what a model or a domain raises at a layout that nobody asked about is no finding
            return None

    # The element and the numbers

    def _descend(self, simpler: Callable[[Trial], tuple[Leaves, Tensor, Tensor]]) -> Steps:
        """Put simpler trials in the place of the last one for as long as some violate."""
        changed = False
        while not self._spent:
            better = yield from self._better(*simpler(self.trail[-1][1]))
            if better is None:
                return changed
            self.trail.append((self.place, better))
            changed = True
        self.stopped = "budget"
        return changed

    def _better(self, x: Leaves, g: Tensor, cost: Tensor) -> Generator[int, None, Trial | None]:
        """The simplest of the candidates that violates, tried in order of their cost, batch by batch."""
        order = cost.argsort(stable=True)
        for start in range(0, len(order), self.policy.shrink_candidates):
            rows = order[start : start + self.policy.shrink_candidates]
            if self._spent:
                self.stopped = "budget"
                return None
            some, h = [leaf[rows] for leaf in x], g[rows]
            found = self._simplest(self.place, some, h, self.place.tried(some, h), cost[rows])
            yield self.evaluations
            if found:
                return self._together([_trial(some, h, row) for row in found])
        return None

    def _together(self, found: list[Trial]) -> Trial:
        """The first of the trials, with as many of the others put into it as change other leaves and leave it violating."""
        before, whole = self.trail[-1][1], found[:1]
        free = _unchanged(found[0], before)
        for other in found[1:]:
            new = set(range(len(before.x))) - _unchanged(other, before)
            if new and new <= free:
                free -= new
                whole.append(Trial([(other if i in new else whole[-1]).x[i] for i in range(len(before.x))], before.g))
        if len(whole) == 1:
            return whole[0]
        x = [torch.cat(leaves) for leaves in zip(*(trial.x for trial in whole), strict=True)]
        g = before.g.expand(len(whole), *before.g.shape[1:])
        best = self._simplest(self.place, x, g, self.place.tried(x, g), -torch.arange(len(whole)))
        return whole[best[0]] if best else whole[0]

    def _simplest(self, place: Place, x: Leaves, g: Tensor, tried: Tried, cost: Tensor) -> list[int]:
        """The trials that violate, by index: those of the least cost first, and of these the worst. They violate beside
        themselves too, if the first trial of all did.
        """
        worst_first = tried.relative.argsort(descending=True, stable=True)
        order = worst_first[cost[worst_first].argsort(stable=True)]
        order = order[tried.violating[order]]
        if self.robust and len(order):
            near = place.beside([leaf[order] for leaf in x], self.rng)
            order = order[place.tried(near, g[order]).violating]
        return [int(row) for row in order]

    def _simpler_elements(self, trial: Trial) -> tuple[Leaves, Tensor, Tensor]:
        """The same input with each element in turn made simpler."""
        found = [trial.g[:0]]
        for k, own in enumerate(trial.g[0]):
            simpler = self.place.group.simpler(own)
            whole = trial.g.repeat(len(simpler), *[1] * (trial.g.ndim - 1))
            whole[:, k] = simpler
            found.append(whole)
        g = torch.cat(found)
        g = g[self.place.cost(g).argsort(stable=True)]
        return [leaf.expand(len(g), *leaf.shape[1:]) for leaf in trial.x], g, torch.arange(len(g))  # as the group has them

    def _simpler_inputs(self, trial: Trial) -> tuple[Leaves, Tensor, Tensor]:
        """The same elements at simpler inputs, each once."""
        domain, outline = self.place.domain, self.place.outline
        x, _ = flatten(domain.simpler(outline.rebuild([leaf[0] for leaf in trial.x])))
        cost = domain.complexity(outline.rebuild(x)) if len(x[0]) else torch.zeros(0, dtype=torch.float64)
        keep = (cost < domain.complexity(outline.rebuild(trial.x))).nonzero().flatten()
        keep = keep[_first_of_each([leaf[keep] for leaf in x])] if len(keep) else keep
        return [leaf[keep] for leaf in x], trial.g.expand(len(keep), *trial.g.shape[1:]), cost[keep]

    @property
    def _spent(self) -> bool:
        return self.evaluations >= self.policy.shrink_evaluations

    def _stands(self) -> bool:
        """Whether the last trial violates by more than the noise on the spot explains."""
        place, trial = self.trail[-1]
        try:
            return bool(place.confirmed(trial.x, trial.g, self.rng, self.policy).violating)
        except ModelError:
            return False


class _Elsewhere(At):
    """A domain at another layout, with its structured inputs there."""

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return self.domain.structured(layout)

    @property
    def open(self) -> frozenset[int]:
        return self.domain.open


def smallest(layouts: SearchStrategy[Layout], violated: Callable[[Layout], bool], seed: int, policy: Policy) -> Layout | None:
    """The smallest layout that is `violated`, as Hypothesis finds it: the same for the same seed, from no database, quietly.

    None if there is none, and inside a test of Hypothesis, which lets no other search run there and makes sizes smaller itself.
    """
    from hypothesis import Phase, Verbosity, currently_in_test_context, find, settings
    from hypothesis.errors import NoSuchExample

    if currently_in_test_context():
        return None
    phases = (Phase.generate, Phase.shrink)
    quiet = settings(max_examples=policy.shrink_layouts, database=None, deadline=None, phases=phases, verbosity=Verbosity.quiet)
    try:
        return find(layouts, violated, settings=quiet, random=Random(seed))
    except NoSuchExample:
        return None


def _trial(x: Leaves, g: Tensor, row: int) -> Trial:
    return Trial([leaf[row : row + 1] for leaf in x], g[row : row + 1])


def _unchanged(trial: Trial, before: Trial) -> set[int]:
    """The input leaves that are the same in both; none if the elements aren't."""
    if not torch.equal(trial.g, before.g):
        return set()
    return {i for i, (new, old) in enumerate(zip(trial.x, before.x, strict=True)) if torch.equal(new, old)}


def _first_of_each(leaves: Leaves) -> Tensor:
    """The first row of each kind among n, by index."""
    rows = torch.cat(
        [(torch.view_as_real(leaf) if leaf.is_complex() else leaf).reshape(len(leaf), -1).double() for leaf in leaves], -1
    )
    _, kind = torch.unique(rows, dim=0, return_inverse=True)
    first = torch.full((int(kind.max()) + 1,), len(kind)).scatter_reduce(0, kind, torch.arange(len(kind)), "amin")
    return first.sort().values


def _looks(place: Place, x: Leaves) -> tuple[str, ...]:
    """What the leaves of an input are drawn as: what the domain says, else what the reps do."""
    said = [*place.domain.looks, *[""] * len(x)]
    reps = place.sides.bound.inputs
    return tuple(own or rep.look(place.group, tuple(leaf.shape[1:])) for own, rep, leaf in zip(said, reps, x, strict=False))
