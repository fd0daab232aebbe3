"""Locating: which layer of a model, and which of its lines, breaks a claim.

The model is run on inputs x and on rho(g) x for one element g that violates the claim, and every tensor that it makes is kept.
A tensor is explained if it follows the input by some action; the first that none explains, though what it was computed from is
explained, is the culprit. A tensor that isn't explained, but out of which explained ones are made again (the squares in a sum
of squares), is none. Where features were first mixed as no representation of a compact group mixes them, by a map that changes
their length, and are lost later, the mixing is the culprit.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from symcheck._source import text_of
from symcheck._tree import Leaves
from symcheck.claims import Claim
from symcheck.engine.derivatives import differentiable
from symcheck.engine.forward import Batching, Forward, ModelError
from symcheck.engine.measure import spread
from symcheck.engine.noise import noise, real, rms
from symcheck.engine.outcome import Counterexample, Layer, Location
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, sample
from symcheck.engine.represent import REORDERED, Actions, Explainer, Explanation, Grade
from symcheck.engine.trace import UNSEEN, Made, Recorder, Trace, eager, uncompiled
from symcheck.engine.trials import GENERIC
from symcheck.groups import Group, Product
from symcheck.placement import modules_of
from symcheck.properties import Property


def locate(
    claim: Claim, prop: Property, setup: Setup, f: Forward, found: Counterexample, seed: int, policy: Policy
) -> Generator[int, None, Location]:
    """Where a violated claim breaks. The model is placed, with the weights at which it does. Yields how often it was run."""
    element = setup.bound.group.describe(found.g)
    if not isinstance(setup.bound.group, Group):
        why = "a monoid moves what is computed at one step to another step, which is another call"
        return Location(element, because=why)
    if not prop.located:
        return Location(element, because=f"what breaks {prop.name} isn't looked for inside of the model")
    kind, part = eager(f.model, modules_of(f.model))
    if kind == "scripted" and isinstance(f.model, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        return Location(element, because=f"the model is scripted ({part}), and torch shows nothing of what is inside")
    try:
        with uncompiled():
            runs = _Runs(claim, setup, f, found, seed, policy)
            yield from runs.record()
            search = _Search(runs, setup, policy)
            location = search.location(setup.bound.group.describe(runs.g))
    except ModelError as error:
        return Location(element, because=f"the model raised while it was watched: {error}")
    except _TooLong as error:
        long = f"the model calls torch {error.args[0]:,} times for one input, which takes too long to watch"
        return Location(element, because=f"{long}. Locate it in a smaller model of the same layers")
    return replace(location, note=_NOTES[kind].format(part) if kind else "")


_NOTES = {
    "compiled": "the model is compiled: it was looked at in its eager form",
    "scripted": "{} is scripted: what is inside of it isn't seen",
}


class _Runs:
    """The model's traces at x and at rho(g) x, trial by trial.

    From one call for all, where each hidden tensor of that has an axis as many times as long as in a call of two; else from one
    call a trial.
    """

    def __init__(self, claim: Claim, setup: Setup, f: Forward, found: Counterexample, seed: int, policy: Policy) -> None:
        self.claim, self.setup, self.found, self.policy, self.seed = claim, setup, found, policy, seed
        self.recorder = Recorder(f.model)
        batched = f.batching in (Batching.BATCH, Batching.ROWS)
        fresh: dict[str, Any] = {"crashes": {}, "output": None, "shapes": None, "watch": None}
        self.f = replace(f, model=self.recorder, batching=Batching.ROWS if batched else Batching.LOOP, **fresh)
        self.doubled = False
        self.pairs: list[tuple[Trace, Trace]] = []
        self.strayed: list[tuple[Trace, Trace]] = []
        self.x: Leaves = []
        self.joined = f.batching is Batching.BATCH

    def record(self) -> Generator[int, None, None]:
        self.g = self._element()
        x = self._inputs(1)
        self._first(x)
        first = self.recorder.traces[0]
        calls = max(1, len(first.made))
        room = self.policy.locate_memory // (2 * max(1, first.bytes))
        for joined in (
            (True, False) if self.joined and not self.doubled and room > 2 and self.found.region == GENERIC else (False,)
        ):
            self.joined = joined
            if not joined and calls * (2 * self.policy.locate_least + self._points) > self.policy.locate_most:
                raise _TooLong(calls)
            affordable = room if joined else min(self.policy.locate_calls // (2 * calls), room)
            n = min(self.policy.locate_inputs, max(self.policy.locate_least, affordable))
            x = self._inputs(n if self.found.region == GENERIC else 1)
            moved = self.setup.bound.on_inputs(self.g.unsqueeze(0).expand(len(x[0]), *self.g.shape), x)
            self.x = x
            both = self._traces(x), self._traces(moved)
            yield 2 * len(x[0])
            if not joined or all(one is not None for traces in both for one in traces):
                break
        for here, there in zip(*both, strict=True):
            if here is not None and there is not None:
                (self.pairs if here.signature == there.signature else self.strayed).append((here, there))
        self._keep_the_commonest()

    def _element(self) -> Tensor:
        """The element that was found; of a product, its part in one factor alone if that violates the claim too.

        The fewer things it does, the fewer actions can excuse a hidden tensor.
        """
        found, bound = self.found.g, self.setup.bound
        group = bound.group
        if len(group.factors) < 2 or not isinstance(group, Product):
            return found
        x = self._on_device(self._inputs(self.policy.subgroup_inputs))
        plain = replace(self.f, model=self.recorder.model, crashes={})
        y = plain(x)
        for i, part in enumerate(group.split(found.unsqueeze(0))):
            g = group.embed(i, part)
            many = g.expand(len(x[0]), *g.shape[1:])
            sides = zip(plain(bound.on_inputs(many, x)), bound.on_outputs(many, y), y, strict=True)
            if any(self._differ(left, right, own) for left, right, own in sides):
                return g[0]
        return found

    def _differ(self, left: Tensor, right: Tensor, y: Tensor) -> bool:
        gap = left - right if y.is_floating_point() or y.is_complex() else (left != right).double()
        size = max(float((y - y.mean(0)).abs().max()), 0.0) if y.is_floating_point() or y.is_complex() else 1.0
        return bool(gap.abs().max() > self.policy.slack * self.policy.single * size) if gap.numel() else False

    def _inputs(self, n: int) -> Leaves:
        if self.found.region != GENERIC:
            return [leaf.unsqueeze(0) for leaf in self.found.x]
        x = sample(self.setup.domain, n, self.claim.rng(self.seed, "locate"))[0]
        rows = torch.cat([(real(leaf) if leaf.is_complex() else leaf).reshape(len(leaf), -1).double() for leaf in x], -1)
        first = {tuple(row): i for i, row in reversed(list(enumerate(rows.tolist())))}  # an input told twice tells no more
        return [leaf[sorted(first.values())] for leaf in x]

    def _first(self, x: Leaves) -> None:
        """The first call, by which calls are counted. A model that refuses a batch of one is given each input twice."""
        try:
            self.f.strict(self._on_device(x))
        except ModelError:
            if self.f.batching is not Batching.ROWS:
                raise
            self.doubled = True
            self.recorder.traces.clear()
            self.f = replace(self.f, batching=Batching.BATCH, shapes=None, output=None, crashes={})
            self.f.strict([torch.cat([leaf, leaf]) for leaf in self._on_device(x)])

    def _on_device(self, x: Leaves) -> Leaves:
        return [leaf.to(self.f.placement.device) for leaf in x]

    def _traces(self, x: Leaves) -> list[Trace | None]:
        """Each trial's trace; None if the model raises, or if its part of a joined call can't be told."""
        n = len(x[0])
        if not self.joined:
            return [self._trace([leaf[i : i + 1] for leaf in x], self.f) for i in range(n)]
        f = replace(self.f, batching=Batching.BATCH, limit=n, shapes=None, crashes={})
        two, many = self._trace([leaf[:2] for leaf in x], f), self._trace(x, f)
        if two is None or many is None or two.signature != many.signature:
            return [None] * n
        parts = [_parts(a.value, b.value, n, self.policy) for a, b in zip(two.made, many.made, strict=True)]
        if any(part is None for part in parts):
            return [None] * n
        return [
            replace(many, made=[replace(made, value=part[i]) for made, part in zip(many.made, parts, strict=True) if part])
            for i in range(n)
        ]

    def _trace(self, x: Leaves, f: Forward) -> Trace | None:
        self.recorder.traces[1:] = []
        put = self._on_device(x)
        f([torch.cat([leaf, leaf]) for leaf in put] if self.doubled else put)
        return None if f.crashes else self.recorder.traces[-1]

    def _keep_the_commonest(self) -> None:
        """Of trials that take different ways through the model, those that take the one that most take."""
        ways: dict[tuple[object, ...], list[tuple[Trace, Trace]]] = {}
        for pair in self.pairs:
            ways.setdefault(pair[0].signature, []).append(pair)
        self.pairs = max(ways.values(), key=len, default=[])

    def _lines(self) -> int:
        """As many lines as the calls to watch allow: they count as those on inputs do, but where one call serves all points."""
        policy, calls = self.policy, max(1, len(self.recorder.traces[0].made))
        affordable = max(1, policy.locate_calls // (self._points * calls))
        return policy.locate_lines if self.joined else min(policy.locate_lines, affordable)

    @property
    def _points(self) -> int:
        """Points of one line."""
        return len(self.policy.spacings(self.f.placement.eps)) * self.policy.line_points

    def noise(self, chosen: Sequence[int]) -> dict[int, float]:
        """The noise of hidden tensors, in their units: ECnoise along lines, and the rounding of the input carried there."""
        policy, eps = self.policy, self.f.placement.eps
        rng = self.claim.rng(self.seed, "locate noise")
        x = [leaf[torch.arange(self._lines()) % len(leaf)] for leaf in self.x]
        moving = [differentiable(leaf) and i not in self.setup.domain.fixed for i, leaf in enumerate(x)]
        if not any(moving):
            return {}
        spreads = [float(spread(leaf)) if differentiable(leaf) else 0.0 for leaf in self.x]
        way = self.pairs[0][0].signature

        def hidden(leaves: Leaves) -> Leaves:
            traces = self._traces(leaves)
            if any(one is None or one.signature != way for one in traces):
                raise _OtherWay
            made = [[one.made[k].value for one in traces if one is not None] for k in chosen]
            return [torch.stack([value.cpu() for value in values if value is not None]) for values in made]

        try:
            seen = noise(hidden, x, moving=moving, spreads=spreads, eps=eps, rng=rng, policy=policy)
        except (_OtherWay, RuntimeError):  # other shapes, or other ways, beside these inputs
            return {}
        carried = eps * seen.gain.nanmedian(0).values.nan_to_num()
        level = torch.maximum(seen.level.nanmedian(0).values.nan_to_num(), carried)
        return dict(zip(chosen, level.tolist(), strict=True))


def _parts(two: Tensor | None, many: Tensor | None, n: int, policy: Policy) -> Sequence[Tensor | None] | None:
    """What each of n trials makes of a joined call's tensor, given that of the first two; None if that can't be told."""
    if two is None or many is None:
        return [None] * n if two is many else None
    if two.shape == many.shape:
        return [two] * n if torch.equal(two, many) else None
    axes = [a for a in range(two.ndim) if two.ndim == many.ndim and two.shape[a] != many.shape[a]]
    if len(axes) != 1 or 2 * many.shape[axes[0]] != n * two.shape[axes[0]] or two.shape[axes[0]] % 2:
        return None
    first, each = (t.unflatten(axes[0], (k, -1)).movedim(axes[0], 0) for t, k in ((two, 2), (many, n)))  # type: ignore[no-untyped-call]
    same = (first == each[:2]) | (first != first)
    near = policy.slack * policy.single * float(rms(first).max()) if two.is_floating_point() or two.is_complex() else 0.0
    agree = same if not near else same | ((first - each[:2]).abs() <= near)
    return each.unbind(0) if bool(agree.all()) else None


class _TooLong(Exception):
    """To watch a model takes more calls than there may be: it makes so many in one call of its own."""


class _OtherWay(Exception):
    """A call made other tensors than those before."""


@dataclass
class _Search:
    """The search for the culprit among the tensors of some traces."""

    runs: _Runs
    setup: Setup
    policy: Policy

    def __post_init__(self) -> None:
        self._known: dict[int, Explanation] = {}
        bound, x = self.setup.bound, self.runs.x
        self.actions = Actions(bound, self.runs.g, x, self.setup.forward.shapes or [], self.policy)
        self.explainer = Explainer(self.actions, self.policy)

    @property
    def trace(self) -> Trace:
        return self.runs.pairs[0][0]

    def location(self, element: str) -> Location:
        runs = self.runs
        if not runs.pairs:
            return self._strayed(element)
        tried = Location(element, inputs=len(runs.pairs))
        unlike = next((i for i in range(self.trace.inputs) if not self._explained_input(i)), None)
        if unlike is not None:
            why = f"how the group acts on input '{self.setup.names[unlike]}' is no move of entries and one map of features"
            return replace(tried, because=f"{why}, and so not what a hidden layer should do")
        broken = [i for i in self.trace.outputs if not self._as_claimed(i)]
        if not broken:
            return self._strayed(element) if runs.strayed else replace(tried, because=_NOT_HERE)
        culprit = self._culprit(broken)
        if culprit is None:
            words = self.explain(broken[0]).words
            doubt = any(not self.explain(i).explained for i in broken)
            step = _MORE if len(runs.pairs) < self.policy.locate_inputs // 2 else _FEWER
            because = f"{_TOO_FEW}, on {len(runs.pairs)} inputs. {step}" if doubt else _OTHERWISE
            return replace(tried, because=because, layers=self._layers(None), how=words, otherwise=not doubt)
        place = self.trace.made[culprit[0]].place
        if place.operation == UNSEEN and not place.file:
            return replace(tried, because=_OUTSIDE)
        return self._told(tried, culprit)

    # Explaining

    def explain(self, i: int) -> Explanation:
        if i not in self._known:
            self._known[i] = self._explanation(i)
        return self._known[i]

    def _explanation(self, i: int) -> Explanation:
        if self.trace.made[i].value is None:
            return Explanation(Grade.UNKNOWN, math.nan, 0.0)
        here, there = self._values(i)
        shapes = [a.shape for a in here]
        if any(a.shape != b.shape for a, b in zip(here, there, strict=True)):
            return Explanation(Grade.BROKEN, math.inf, 0.0, "another shape")
        if len(set(shapes)) > 1:
            return self._ragged(here, there)
        h, moved = torch.stack(here), torch.stack(there)
        return self.explainer.explain(h, moved, self._floor(i, moved))

    def _ragged(self, here: Leaves, there: Leaves) -> Explanation:
        """Tensors of other sizes in each trial, such as lists of edges: as they stand, or in any order."""
        axes = [a for a in range(here[0].ndim) if len({value.shape[a] for value in here}) > 1]
        if here[0].ndim != there[0].ndim or len(axes) != 1:
            return Explanation(Grade.UNKNOWN, math.nan, 0.0)
        h, moved = (torch.cat([value.movedim(axes[0], 0) for value in values]) for values in (here, there))
        found = self.explainer.explain(h, moved, self.runs.f.placement.eps * float(rms(moved).max()))
        if not found.explained and self.actions.any_order and not h.is_complex():
            a, b = (torch.cat([value.movedim(axes[0], 0).sort(0).values for value in values]) for values in (here, there))
            ordered = self.explainer.explain(a, b, self.runs.f.placement.eps * float(rms(b).max()))
            if ordered.explained:
                return replace(ordered, grade=Grade.ISOMETRIC, words=REORDERED)
        return found

    def _values(self, i: int) -> tuple[Leaves, Leaves]:
        first: Tensor | None = self.trace.made[i].value
        assert first is not None
        both: tuple[Leaves, Leaves] = ([], [])
        for pair in self.runs.pairs:
            for values, trace in zip(both, pair, strict=True):
                value = trace.made[i].value
                assert value is not None
                values.append(value.cpu())
        return both

    def _floor(self, i: int, h: Tensor) -> float:
        size = float(rms(h.nan_to_num(0.0, 0.0, 0.0)).max()) if h.numel() else 0.0
        eps = torch.finfo(h.dtype).eps if h.is_floating_point() or h.is_complex() else 0.0
        return max(self._noise.get(i, 0.0), eps * size)

    @cached_property
    def _noise(self) -> dict[int, float]:
        """Of all tensors of numbers that aren't the same in each call, whose sizes don't change."""
        chosen = []
        for i, made in enumerate(self.trace.made):
            if made.value is not None and made.value.is_floating_point():
                values = [pair[0].made[i].value for pair in self.runs.pairs]
                varies = any(value is not values[0] for value in values)
                if varies and all(value is not None and value.shape == made.value.shape for value in values):
                    chosen.append(i)
        return self.runs.noise(chosen) if chosen else {}

    def _explained_input(self, i: int) -> bool:
        found = self.explain(i)
        rep = self.setup.bound.inputs[i]
        self._known[i] = replace(found, grade=min(found.grade, Grade.KNOWN))
        return found.explained or rep.trivial

    def _as_claimed(self, i: int) -> bool:
        """Whether an output leaf follows the claim on these inputs."""
        leaf = self.trace.outputs.index(i)
        rep, group, g = self.setup.bound.outputs[leaf], self.setup.bound.group, self.runs.g
        if self.trace.made[i].value is None:
            return False
        here, there = self._values(i)
        if {a.shape for a in here} != {b.shape for b in there} or len({a.shape for a in here}) > 1:
            return False
        y, moved = torch.stack(here), torch.stack(there)
        floating = y.is_floating_point() or y.is_complex()
        y, moved = (y, moved) if not floating or y.is_complex() else (y.double(), moved.double())
        y, moved = (leaf.squeeze(1) if self._rows and leaf.ndim > 1 and leaf.shape[1] == 1 else leaf for leaf in (y, moved))
        gap = moved - rep.act(group, g.unsqueeze(0).expand(len(y), *g.shape), y) if floating else (moved != y).double()
        if not gap.numel() or not gap.isfinite().all():
            return not gap.numel()
        error, size = float(rms(gap).square().mean().sqrt()), float(rms(moved).square().mean().sqrt())
        spread = float(rms(y - y.mean(0)).square().mean().sqrt()) if floating and len(y) > 1 else size
        return error <= self.policy.slack * max(self._floor(i, moved), self.policy.single * (spread or size))

    @property
    def _rows(self) -> bool:
        return self.runs.f.batching is not Batching.LOOP

    # The culprit

    def _culprit(self, outputs: Sequence[int]) -> tuple[int, int] | None:
        """The tensor at which it breaks, and the one at which it is lost, the same for most."""
        lost = self._first_lost(outputs)
        if lost is None:
            lost = next((i for i in outputs if self._mixed(i)), None)
        if lost is None:
            return None
        return self._origin(lost), lost

    def _first_lost(self, outputs: Sequence[int]) -> int | None:
        """The first tensor on the way to the outputs that nothing explains, of those made of explained ones alone."""
        queue, seen, roots = [i for i in outputs if self._open(i)], set[int](), []
        while queue:
            i = queue.pop()
            if i in seen:
                continue
            seen.add(i)
            further = [k for k in self.trace.made[i].needs if self._open(k)]
            queue += further
            if not further and self.explain(i).grade is Grade.BROKEN:
                roots.append(i)
        numbers = [i for i in roots if self._floats(i)]  # an order of edges may change with their numbers, and do no harm
        return min(numbers or roots, default=None)

    def _floats(self, i: int) -> bool:
        value = self.trace.made[i].value
        return value is not None and (value.is_floating_point() or value.is_complex())

    def _open(self, i: int) -> bool:
        return i >= self.trace.inputs and not self.explain(i).explained

    def _mixed(self, i: int) -> bool:
        return self.actions.isometric and i >= self.trace.inputs and self.explain(i).grade is Grade.LINEAR

    def _origin(self, lost: int) -> int:
        """Where features were mixed, or places told apart, out of which it was lost."""
        here, queue, origins = lost, list(self._places(lost)), []
        seen: set[int] = set()
        if self._mixed(lost):
            queue.append(lost)
        while queue:
            i = queue.pop()
            if i in seen:
                continue
            seen.add(i)
            needs = self._places(i)
            if self._mixed(i):
                queue += needs
                if not any(self._mixed(k) for k in needs):
                    origins.append(i)
            elif self._marks(i):
                before = [k for k in needs if self._marks(k)]
                queue += before  # what is made of nothing, such as a range, is no mistake yet; a mask made of it is
                from_nothing = all(not self.trace.made[k].needs and k >= self.trace.inputs for k in before)
                if needs and (not before or (from_nothing and self._is_mask(i))):
                    origins.append(i)
        return min(origins, default=here)

    def _places(self, i: int) -> tuple[int, ...]:
        """What a tensor was computed from, less the filters of a convolution, which are the same at each place."""
        needs, operation = self.trace.made[i].needs, self.trace.made[i].place.operation
        return needs[:1] if operation.startswith("conv") else needs

    def _marks(self, i: int) -> bool:
        """Whether the group leaves it alone, and it tells places apart: what is the same for every input, or a mask.

        Numbers that vary don't count, since an axis of features may have the size of one of places by chance.
        """
        value = self.trace.made[i].value
        if value is None:
            return False
        found = self.explain(i)
        if found.grade is Grade.SAME:
            return self.explainer.marks_places(value.cpu().unsqueeze(0))
        masks = self._is_mask(i) and found.words == "none" and len({v.shape for v in self._values(i)[0]}) == 1
        return masks and self.explainer.marks_places(torch.stack(self._values(i)[0]))

    def _is_mask(self, i: int) -> bool:
        value = self.trace.made[i].value
        return value is not None and value.dtype == torch.bool

    # In words

    def _told(self, tried: Location, culprit: tuple[int, int]) -> Location:
        origin, lost = culprit
        found = self.explain(origin)
        needs = [self.explain(k).residual for k in self.trace.made[origin].needs]
        layers = self._layers(origin)
        where = self._layer(origin, True)
        after = self._layer(lost, False) if lost != origin else None
        return replace(
            tried,
            culprit=where,
            code=text_of(where.place.file, where.place.line),
            before=max((r for r in needs if math.isfinite(r)), default=0.0),
            lost=after,
            layers=layers,
            how=self._how(origin, found, last=after is None),
            marks=self._marks(origin) or any(self._marks(k) for k in self._places(origin)),
            border=self._border(found),
        )

    def _how(self, origin: int, found: Explanation, *, last: bool) -> str:
        """In which way the claim breaks there: it is lost, or it follows only as by no representation, and is lost later."""
        if last and not found.explained:
            return _FIRST
        if self._marks(origin):
            return _PLACES
        only = _ORDER if found.words == REORDERED else _LENGTHS
        return only if last else f"{only}, and what is made of it by none"

    def _layer(self, i: int, culprit: bool) -> Layer:
        found = self.explain(i)
        status = "explained" if found.explained else "unknown" if found.grade is Grade.UNKNOWN else "broken"
        return Layer(
            self.trace.made[i].place,
            residual=found.residual,
            floor=found.floor,
            status=status,  # type: ignore[arg-type] # one of the three
            culprit=culprit,
        )

    def _layers(self, culprit: int | None) -> tuple[Layer, ...]:
        """The outputs of the innermost modules, and of lines outside of them, in order; if many, those about the culprit."""
        ends: dict[tuple[object, ...], int] = {}
        leaf = {(exit_.module, exit_.kind, exit_.call) for exit_ in self.trace.exits if not exit_.inside}
        for i, made in enumerate(self.trace.made[self.trace.inputs :], start=self.trace.inputs):
            place = made.place
            if made.value is None or not made.value.is_floating_point() or self._constant(i):
                continue
            inside = (place.module, place.kind, place.call)
            ends[inside if inside in leaf else (*inside, place.file, place.line)] = i
        chosen = sorted({*ends.values(), *([culprit] if culprit is not None else [])})
        most = self.policy.locate_layers
        middle = chosen.index(culprit) if culprit is not None else 0
        start = max(0, min(middle - most // 2, len(chosen) - most))
        return tuple(self._layer(i, i == culprit) for i in chosen[start : start + most])

    def _constant(self, i: int) -> bool:
        first = self.trace.made[i].value
        return len(self.runs.pairs) > 1 and all(t.made[i].value is first for pair in self.runs.pairs for t in pair)

    def _border(self, found: Explanation) -> tuple[float, float] | None:
        """What is left at the border of the axes that were moved, and inside."""
        if found.gap is None or not found.axes or max(found.axes) >= found.gap.ndim or self.actions.any_order:
            return None
        rows = found.gap.movedim(found.axes, tuple(range(-len(found.axes), 0)))
        sizes = [found.gap.shape[a] for a in found.axes]
        told: list[tuple[float, float]] = []
        for width in range(2, max(3, max(sizes) // 4 + 1)):  # at the least that all of it lies in, if there is one
            edge = torch.zeros(sizes, dtype=torch.bool)
            for axis in range(edge.ndim):
                edge.movedim(axis, 0)[:width] = edge.movedim(axis, 0)[-width:] = True
            if edge.all():
                break
            told.append((float(rows[..., edge].square().mean().sqrt()), float(rows[..., ~edge].square().mean().sqrt())))
            if told[-1][1] <= self.policy.slack * self.policy.single * told[-1][0]:
                return told[-1]
        return told[0] if told else None

    def _strayed(self, element: str) -> Location:
        """The model takes another way at rho(g) x: the first line at which the ways part."""
        if not self.runs.strayed:
            return Location(element, because="the model raised on every input while it was watched")
        here, there = self.runs.strayed[0]
        last = next((i for i, (a, b) in enumerate(zip(here.made, there.made, strict=False)) if a.place != b.place), None)
        made: Made = here.made[last if last is not None else min(len(here.made), len(there.made)) - 1]
        layer = Layer(made.place, residual=math.inf, floor=0.0, status="broken", culprit=True)
        how = "here the model takes another way at rho(g) x: its flow depends on the data"
        return Location(element, len(self.runs.strayed), culprit=layer, code=text_of(made.place.file, made.place.line), how=how)


_FIRST = "it is the first that no action of the group explains"
_LENGTHS = "it follows the group only by a map that changes lengths"
_ORDER = "it follows the group only in another order of its entries"
_PLACES = "it tells places apart that the group moves, and the group leaves it alone"
_NOT_HERE = "over all entries at once, and on the inputs on which layers were compared, the output follows the claim"
_OUTSIDE = "what breaks it is computed outside of torch, which shows nothing of it"
_TOO_FEW = "there are too few rows to fit a map of the features of the layers before the output"
_MORE = "Locate it with more inputs, or in a smaller model of the same layers, of which more are watched"
_FEWER = "Locate it in a smaller model of the same layers"
_OTHERWISE = "no layer breaks the symmetry: the output does follow the group, but not as the claim says"
