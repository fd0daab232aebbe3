"""Measuring: the two sides of a claim's equation on every trial, and the noise that they may differ by."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.engine.bound import Bound
from symcheck.engine.derivatives import differentiable
from symcheck.engine.evidence import Evidence
from symcheck.engine.forward import Forward
from symcheck.engine.noise import Noise, evenly, extent, minus, noise, real, rms
from symcheck.engine.policy import Policy
from symcheck.engine.trials import Trials
from symcheck.errors import ClaimError
from symcheck.groups import Group
from symcheck.properties import Property
from symcheck.properties.base import Model
from symcheck.reps import Rep


@dataclass(frozen=True)
class Sweep:
    """The two sides on all trials in one precision: one row a trial, one column a leaf of the property's quantity.

    Peaks, interpolation and what is moved are NaN where only the errors were asked for.
    """

    error: Tensor  # (n, L)
    magnitude: Tensor  # (n, L): the size of the right side
    peak: Tensor  # (n, L): the largest error of one entry, relative to its own spread
    peak_error: Tensor  # (n, L): the error of that entry
    interpolation: Tensor  # (n, L): what an action that interpolates changes by itself, seen through f
    moved: Tensor  # (n,): how far the action moves the input, relative to its size
    crashes: dict[int, str]  # trials on which the model raised

    def joined(self, other: Sweep) -> Sweep:
        """The same with the trials of another sweep, on the same inputs, behind its own."""
        names = [f.name for f in fields(self) if f.name != "crashes"]
        both: dict[str, Any] = {name: torch.cat([getattr(self, name), getattr(other, name)]) for name in names}
        return Sweep(**both, crashes=self.crashes | {len(self.error) + t: text for t, text in other.crashes.items()})


@dataclass(frozen=True)
class Reading:
    """One precision: the two sides, the trials (with those that a search found), the sweep, and each trial's floor."""

    sides: Sides
    trials: Trials
    sweep: Sweep
    floor: Tensor

    @property
    def forward(self) -> Forward:
        return self.sides.f


def evidence_of(
    names: tuple[str, ...], double: Reading, working: Sweep, noise: Tensor | None = None, *, precise: bool = True
) -> Evidence:
    """What a reading in float64 and a sweep in the working precision, with its noise there, say of the same trials."""
    sides, swept, trials = double.sides, double.sweep, double.trials
    return Evidence(
        leaves=names,
        truth=swept.error,
        floor=double.floor,
        error=working.error,
        noise=double.floor if noise is None else noise,
        interpolation=swept.interpolation,
        signal=sides.signal,
        spread=sides.spread,
        magnitude=swept.magnitude,
        peak=swept.peak,
        peak_error=swept.peak_error,
        entries=tuple(leaf[0].numel() for leaf in sides.quantity),
        moved=swept.moved,
        region=trials.region,
        regions=trials.regions,
        drawn=trials.random,
        precise=precise,
    )


class Sides:
    """The two sides of a property's equation, evaluated by one forward, with f remembered at every input of the trials.

    `quantity` is the property's, at every input, on the device; `signal` `(L,)` its spread over most of the generic inputs,
    and `spread` `(L,)` its standard deviation over all of them, which a few large ones may make up.
    """

    def __init__(self, f: Forward, prop: Property, bound: Bound, trials: Trials) -> None:
        self.f, self.prop, self.bound, self.trials = f, prop, bound, trials
        self.inputs = [leaf.to(f.placement.device) for leaf in trials.inputs]
        self.outputs = f(self.inputs)
        self._crashed = {int(i): text for i, text in f.crashes.items()}
        at_inputs = Known(f, self.inputs, self.outputs)
        self.quantity = prop.quantity(at_inputs, bound, self.inputs)
        self._crashed |= at_inputs.crashes

    @cached_property
    def extents(self) -> list[float]:
        """The spread of each input."""
        return [float(spread(leaf)) if differentiable(leaf) else 0.0 for leaf in self._generic(self.inputs)]

    @cached_property
    def signal(self) -> Tensor:
        usual = torch.stack([usual_spread(leaf) for leaf in self._generic(self.quantity)]).cpu()
        return torch.where(usual > 0, torch.minimum(self.spread, HEAVY * usual), self.spread)

    @cached_property
    def spread(self) -> Tensor:
        return torch.stack([overall(each) for each in self._variances]).cpu()

    @cached_property
    def scales(self) -> Leaves:
        """One over the standard deviation of each entry `(entries,)`, RMS over those that the group turns into each other.

        Zero for entries that are constant.
        """
        reps = self.prop.reps(self.bound, self.inputs)
        pooled = (rep.pooled(self.bound.group, v.unsqueeze(0)) for v, rep in zip(self._variances, reps, strict=True))
        return [torch.where(each > 0, 1 / each, 0.0).reshape(-1) for each in (v.sqrt() for v in pooled)]

    @cached_property
    def _variances(self) -> Leaves:
        return [variance(leaf) for leaf in self._generic(self.quantity)]

    @cached_property
    def lost(self) -> list[Tensor | None]:
        """Of each leaf the entries `(*shape)` that are NaN or infinite at every generic input; None where there are others."""
        bad = [~leaf.isfinite() for leaf in self._generic(self.quantity)]
        return [each[0].cpu() if bool((each == each[:1]).all()) else None for each in bad]

    def _generic(self, leaves: Leaves) -> Leaves:
        """The rows of the generic inputs."""
        generic = (self.trials.region_of == 0).to(self.f.placement.device)
        return [leaf[generic] for leaf in leaves]

    def sweep(
        self, source: Tensor, g: Tensor, kin: Tensor | None = None, *, closely: bool = True
    ) -> Generator[int, None, Sweep]:
        """Yields the number of trials done, chunk by chunk, and returns the sweep of elements g on the inputs `source`.

        `kin` `(n,)` labels the trials: the partners of an element are of its own kin. Not `closely`, errors alone are measured.
        """
        # Filled as it goes: a list of small tensors, made between large ones, would keep their memory from being used again.
        shape, device = (5, len(source), len(self.quantity)), self.f.placement.device
        table = torch.full(shape, torch.nan, dtype=torch.float64, device=device)
        moved = table.new_full((len(source),), torch.nan)
        crashes = {t: self._crashed[s] for t, s in enumerate(source.tolist()) if s in self._crashed}
        start, tuples = 0, self.tuples(g, kin)
        while start < len(source):
            part = slice(start, min(start + self.f.limit, len(source)))  # the limit may have been halved by the call before
            rows = source[part].to(self.f.placement.device)
            x, fx = ([leaf.index_select(0, rows) for leaf in leaves] for leaves in (self.inputs, self.outputs))
            known = Known(self.f, x, fx, watched=closely)
            left, right = self.prop.sides(known, self.bound, known.x, *(one[part] for one in tuples))
            self._check_alike(left, right)
            allowed = self.prop.allowance(known, self.bound, known.x, *(one[part] for one in tuples))
            crashes |= {start + i: text for i, text in known.crashes.items()}
            for column, (a, b) in enumerate(zip(left, right, strict=True)):
                self._compare(a, b, column, table[:4, part, column], closely=closely)
            if closely:
                moved[part] = known.moved
            if allowed is not None:  # an inequality asks for no law of a rep, nor for each entry
                excused = torch.stack(allowed, -1)
                table[0, part] = torch.where(table[0, part] <= excused, 0.0, table[0, part])
                table[2:, part] = 0.0
            elif closely:
                table[4, part] = self._interpolation(known, right, tuples[0][part])
            start = part.stop
            yield start
        error, magnitude, peaks, peak_errors, blurs = table.cpu()
        return Sweep(
            error=error,
            magnitude=magnitude,
            peak=peaks,
            peak_error=peak_errors,
            interpolation=blurs.maximum(blurs.nanquantile(MOST, 0)),  # a law may be met by chance where the equation isn't
            moved=moved.cpu(),
            crashes=crashes,
        )

    def _check_alike(self, left: Leaves, right: Leaves) -> None:
        """ClaimError if the sides can't be compared number by number: shapes that torch would stretch to each other's too."""
        both = [[tuple(leaf.shape[1:]) for leaf in side] for side in (left, right)]
        if both[0] != both[1]:
            left_words, right_words = (", ".join(map(str, shapes)) for shapes in both)
            raise ClaimError(
                f"{self.prop.statement}: the left side has shape {left_words}, the right side {right_words}. Make them the "
                f"same: cut off what a conversion adds."
            )

    def _compare(self, left: Tensor, right: Tensor, leaf: int, out: Tensor, *, closely: bool) -> None:
        """Writes `(4, n)`: the error, the magnitude, and closely the largest error of one entry, relative and as it is.

        A few rows at a time: between the passes over them they stay in the cache.
        """
        some = max(1, CACHED // max(1, 8 * left[0].numel())) if left.device.type == "cpu" else len(left)
        for a, b, found in zip(*(torch.split(side, some) for side in (left, right)), torch.split(out, some, 1), strict=True):
            gap = minus(a, b)
            found[0], found[1] = rms(gap), rms(b)
            if closely:
                found[2:] = peak(gap, self.scales[leaf])

    def both(self, x: Leaves, g: Tensor) -> Leaves:
        """The left and then the right side at lines of inputs, each row of g standing for as many rows of x as come on it."""
        along = (one.repeat_interleave(len(x[0]) // len(g), 0) for one in self.tuples(g))
        left, right = self.prop.sides(self.f, self.bound, x, *along)
        return [*left, *right]

    def tuples(self, g: Tensor, kin: Tensor | None = None) -> tuple[Tensor, ...]:
        """The elements of trials, and as many partners of each as the property takes: those of the trials before of its kin."""
        return tuple(partners(g, k, kin) for k in range(self.prop.arity))

    def _interpolation(self, known: Known, right: Leaves, g: Tensor) -> Tensor:
        """`(n, L)`: by how much actions that interpolate miss the laws of a rep, as f and what the group makes of it show.

        Whichever misses more: g^-1 after g against nothing, or g h^-1 after h against g, h being another trial's element. Zero
        where all actions are exact, and where there is no inverse.
        """
        group, bound, x = self.bound.group, self.bound, known.x
        reps = self.prop.reps(bound, x)
        found = torch.zeros(len(g), len(right), dtype=torch.float64, device=right[0].device)
        if not isinstance(group, Group) or all(rep.exact for rep in (*bound.inputs, *reps)):
            return found
        back, h = group.inverse(g), g.roll(1, 0)
        rest = group.compose(g, group.inverse(h))
        if not all(rep.exact for rep in bound.inputs):
            once = bound.on_inputs(g, x)
            pairs = ((bound.on_inputs(back, once), x), (bound.on_inputs(rest, bound.on_inputs(h, x)), once))
            found = found + self._largest([(self._seen(known, a), self._seen(known, b)) for a, b in pairs])
        after = [leaf if rep.exact else rep.act(group, g, leaf) for rep, leaf in zip(reps, right, strict=True)]
        returned = [a if rep.exact else rep.act(group, back, a) for rep, a in zip(reps, after, strict=True)]
        twice = [
            leaf if rep.exact else rep.act(group, rest, rep.act(group, h, leaf)) for rep, leaf in zip(reps, right, strict=True)
        ]
        return found + self._largest([(returned, right), (twice, after)])

    def _seen(self, known: Known, x: Leaves) -> Leaves:
        return self.prop.quantity(known if x is known.x else self.f, self.bound, x)

    @staticmethod
    def _largest(pairs: Sequence[tuple[Leaves, Leaves]]) -> Tensor:
        gaps = [torch.stack([rms(minus(a, b)) for a, b in zip(*pair, strict=True)], -1) for pair in pairs]
        return torch.stack(gaps).amax(0)


CACHED = 2**20  # bytes of each side that are compared at once: with their difference they stay in a core's cache


def finished(steps: Generator[int, None, Sweep]) -> Sweep:
    """The sweep at the end of its steps."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Sweep = end.value
            return found


def partners(g: Tensor, k: int, kin: Tensor | None = None) -> Tensor:
    """For each trial the element of the k-th trial before it, of those of its kin: all are, if none is given."""
    if kin is None or not k:
        return g.roll(k, 0)
    found = g.clone()
    for label in torch.unique(kin):
        mine = (kin == label).nonzero().flatten()
        found[mine] = g[mine.roll(k)]
    return found


class Known:
    """f with its values at one batch already known, so that a property may ask for f(x) again at no cost.

    `moved` `(n,)` says, if it is watched, how far from x the inputs lie that f was asked for, relative to their size.
    """

    def __init__(self, f: Forward, x: Leaves, fx: Leaves, *, watched: bool = True) -> None:
        self.f, self.x, self.fx, self.watched = f, x, fx, watched
        self.moved = torch.zeros(len(x[0]), dtype=torch.float64, device=x[0].device)
        self.crashes: dict[int, str] = {}

    def __call__(self, x: Leaves) -> Leaves:
        return self.fx if x is self.x else self._noted(x, self.f(x))

    def jvp(self, x: Leaves, tangent: Leaves) -> Leaves:
        return self._noted([a + b if differentiable(b) else a for a, b in zip(x, tangent, strict=True)], self.f.jvp(x, tangent))

    def vjp(self, x: Leaves, cotangent: Leaves) -> Leaves:
        return self._noted(x, self.f.vjp(x, cotangent))

    def reweighted(self, x: Leaves, names: Sequence[str], moved: Callable[[str, Tensor], Tensor]) -> Leaves:
        def watched(name: str, own: Tensor) -> Tensor:
            new = moved(name, own)
            other = (new != own).reshape(len(new), own.numel()).any(-1)
            self.moved = torch.where(other, self.moved.clamp_min(1.0), self.moved)  # the weights are, whatever the inputs do
            return new

        return self._noted(x, self.f.reweighted(x, names, watched))

    def via(self, made: Callable[[Model], Model]) -> Callable[[Leaves], Leaves]:
        return lambda x: self._noted(x, self.f.via(made)(x))

    def _noted(self, x: Leaves, y: Leaves) -> Leaves:
        for mine, theirs in zip(self.x, x, strict=True) if self.watched else ():
            if mine.shape == theirs.shape:
                self.moved = torch.maximum(self.moved, rms(minus(theirs, mine)) / rms(mine).clamp_min(1e-300))
        self.crashes |= self.f.crashes
        return y


def variance(y: Tensor) -> Tensor:
    """The variance of each entry `(*shape)` over the leading axis, of the finite rows."""
    finite = y[real(y).isfinite().all(-1)]
    if len(finite) < 2 or not finite.numel():
        return torch.zeros(y.shape[1:], dtype=torch.float64, device=y.device)
    return finite.var(0) if finite.is_complex() else finite.double().var(0)


def spread(y: Tensor) -> Tensor:
    """The standard deviation over the leading axis, RMS over the entries; zero if there are none."""
    return overall(variance(y))


def overall(variances: Tensor) -> Tensor:
    """The standard deviation of entries of such variances, RMS over them; zero if there are none."""
    return variances.mean().sqrt() if variances.numel() else variances.sum()


MOST = 0.9  # of the trials


HEAVY = 10.0  # a normal distribution's is 1.5 times what half of it stays within, a heavy-tailed one's has no bound


def usual_spread(y: Tensor) -> Tensor:
    """Within how much of the middle half of the rows lie: zero if half of them are alike."""
    rows = real(y)
    finite = rows[rows.isfinite().all(-1)]
    if len(finite) < 2 or not finite.numel():
        return finite.new_zeros(())
    return rms(finite - finite.median(0).values).median()


def peak(gap: Tensor, scale: Tensor) -> Tensor:
    """`(2, n)`: the largest error of an entry times its `scale` `(entries,)`, and the error there."""
    size = (gap.abs() if gap.is_complex() else gap.double()).reshape(len(gap), -1)
    if not size.shape[1]:
        return size.new_zeros(2, len(size))
    relative = (size * scale).abs_().nan_to_num_()  # in place: outputs may be large
    most, place = relative.max(1, keepdim=True)
    return torch.cat([most, size.gather(1, place).abs()], 1).mT


# How much coarser steps are: half way between an epsilon and the input's size, and, for what float32 couldn't see, most of it,
# as an angle by acos needs, which is nothing but rounding up to 1e-8.
COARSER = (1e6, 1e10)


@dataclass
class Floor:
    """The noise floor of a property's two sides under one forward: what rounding explains, trial by trial.

    The largest of: the computational noise of either side; the rounding of the action itself, carried through f, and on the
    quantity; one epsilon of its magnitude, since constants inside f are rounded too, and an output that is cast to a lower
    precision rounds to that.
    """

    sides: Sides
    trials: Trials
    policy: Policy
    rng: torch.Generator
    fixed: frozenset[int]

    def everywhere(self, sweep: Sweep) -> Tensor:
        """The floor `(n, L)` from lines at generic inputs."""
        generic = (self.trials.region == 0).nonzero().flatten()
        entries = min(leaf[0].numel() for leaf in self.sides.quantity)
        lines = self.policy.few_lines if entries >= self.policy.line_entries else self.policy.lines
        few = generic[evenly(len(generic), min(lines, self.policy.lines))]
        left, right = self._noise(few)
        inward, outward = self._defects(few)
        size = sweep.magnitude
        carried = (right.gain.nanmedian(0).values.nan_to_num() * inward).expand_as(size)
        parts = [left.typical(size), right.typical(size), carried, outward * size, self._eps(size) * size]
        return torch.stack(parts).amax(0)

    def _eps(self, size: Tensor) -> Tensor:
        """The epsilon of each leaf `(L,)`: that of its own dtype if it is one of the model's outputs."""
        f = self.sides.f
        own = f.eps if len(f.eps) == size.shape[-1] else ()
        return torch.tensor(own or (0.0,) * size.shape[-1], dtype=torch.float64).clamp_min(f.placement.eps)

    def corrected(self, floor: Tensor, errors: Tensor, allowed: Tensor) -> Tensor:
        """The same, with the noise measured on the spot at the worst of the trials that it doesn't explain.

        Region by region, the generic one first: if that stays unexplained nothing else matters. `allowed` (L) is what the claim
        itself allows.
        """
        regions = range(len(self.trials.regions))
        seen = torch.zeros(len(self.trials), dtype=torch.bool)
        for some in (regions[:1], regions[1:]):
            for _ in range(self.policy.suspect_rounds):
                suspects = [found for region in some if len(found := self._suspects(floor, errors, allowed, region, seen))]
                if not suspects:
                    break
                floor = self._on_the_spot(floor, errors, allowed, suspects)
                seen[torch.cat(suspects)] = True
                if not bool(self._explained(floor, errors, allowed)[seen].all()):
                    break
            if 0 in some and not bool(self._explained(floor, errors, allowed)[self.trials.region == 0].all()):
                break
        return floor

    def _explained(self, floor: Tensor, errors: Tensor, allowed: Tensor) -> Tensor:
        """The trials `(n,)` whose errors are within the floor, or not finite, which no floor explains."""
        within: Tensor = (errors <= (self.policy.slack * floor).maximum(allowed)) | ~errors.isfinite()
        return within.all(-1)

    def _suspects(self, floor: Tensor, errors: Tensor, allowed: Tensor, region: int, seen: Tensor) -> Tensor:
        """The worst trials of a region whose errors the floor doesn't explain, of those that haven't been looked at."""
        ratio = (errors / (self.policy.slack * floor).maximum(allowed).clamp_min(5e-324)).amax(-1)
        suspect = (self.trials.region == region) & errors.isfinite().all(-1) & (ratio > 1) & ~seen
        order = torch.where(suspect, ratio, 0.0).argsort(descending=True, stable=True)
        return order[: min(self.policy.suspects, int(suspect.sum()))]

    def _on_the_spot(self, floor: Tensor, errors: Tensor, allowed: Tensor, suspects: list[Tensor]) -> Tensor:
        """The floor with the noise at the suspects of some regions, which holds for their whole region if it explains them all:
        noise then differs from input to input by more than its median tells.
        """
        worst = torch.cat(suspects)
        repeated = worst.repeat_interleave(self.policy.suspect_lines)
        levels = [lines.level for lines in self._noise(repeated)]
        tables = [level.reshape(len(worst), self.policy.suspect_lines, -1).nanmedian(1).values for level in levels]
        spot = torch.stack(tables).nan_to_num().amax(0)
        structured = (self.trials.region[worst] > 0).unsqueeze(-1)
        if bool(structured.any()):
            spot = torch.where(structured, spot.maximum(self._at_roots(worst)), spot)
        floor = floor.clone()
        floor[worst] = torch.maximum(floor[worst], spot)
        for trials, here in zip(suspects, torch.split(spot, [len(trials) for trials in suspects]), strict=True):
            if bool((errors[trials] <= (self.policy.slack * floor[trials]).maximum(allowed)).all()):
                region = (self.trials.region == self.trials.region[trials[0]]).unsqueeze(-1)
                floor = torch.where(region, torch.maximum(floor, here.median(0).values), floor)
        return floor

    def _at_roots(self, chosen: Tensor) -> Tensor:
        """`(n, L)`: by how much either side changes with the last digits of the inputs themselves, unless it jumps there."""
        f, policy = self.sides.f, self.policy
        x, repeats = self.trials.x(chosen), policy.suspect_lines
        steps = torch.tensor([0.0, 1.0, *COARSER], dtype=torch.float64).repeat(repeats) * policy.slack * f.placement.eps
        near = []
        for i, leaf in enumerate(x):
            if not differentiable(leaf) or i in self.fixed:
                near.append(leaf.repeat_interleave(len(steps), 0))
                continue
            shape = (-1, len(steps), *(1,) * (leaf.ndim - 1))
            ways = torch.randn(len(leaf), repeats, *leaf.shape[1:], generator=self.rng, dtype=leaf.dtype).repeat_interleave(
                len(COARSER) + 2, 1
            )
            size = extent(leaf, self.sides.extents[i]).unsqueeze(1) * steps
            near.append((leaf.unsqueeze(1) + size.reshape(shape) * ways).flatten(0, 1))
        both = self.sides.both([leaf.to(f.placement.device) for leaf in near], self.trials.g[chosen])
        found, signal = [], self.sides.signal.repeat(2).to(both[0].device)
        for leaf, size in zip(both, signal, strict=True):
            table = real(leaf).reshape(len(chosen), repeats, len(COARSER) + 2, -1)
            fine, *coarse = (table[:, :, 1:] - table[:, :, :1]).square().mean(-1).sqrt().amax(1).unbind(-1)
            rises, rises_far = (policy.continuous * fine < one for one in coarse)
            found.append(torch.where(rises | (rises_far & (fine < policy.single * size)), fine, 0.0))
        sides = torch.stack(found, -1).nan_to_num().cpu()
        return torch.maximum(*sides.chunk(2, -1))

    def _noise(self, chosen: Tensor) -> tuple[Noise, Noise]:
        """The noise of the left and of the right side on lines through the inputs of the chosen trials.

        Beside structured inputs, not at them.
        """
        f, g = self.sides.f, self.trials.g[chosen]
        x = [self._beside(leaf, self.trials.region[chosen] > 0) for leaf in self.trials.x(chosen)]
        moving = [differentiable(leaf) and i not in self.fixed for i, leaf in enumerate(x)]
        eps = f.placement.eps
        evaluations = self.policy.line_points * len(self.policy.spacings(eps))
        outputs = sum(shape.numel() for shape in f.shapes or [])
        at_once = max(1, self.policy.largest(f.placement.device) // max(1, 8 * outputs * evaluations))
        parts = []
        for start in range(0, len(chosen), at_once):
            here = [leaf[start : start + at_once].to(f.placement.device) for leaf in x]
            some = g[start : start + at_once]
            both = partial(self.sides.both, g=some)
            parts.append(
                noise(both, here, moving=moving, spreads=self.sides.extents, eps=eps, rng=self.rng, policy=self.policy)
            )
        whole = {name: torch.cat([getattr(part, name) for part in parts]) for name in ("level", "size", "gain")}
        half = whole["level"].shape[-1] // 2
        left, right = ({name: table[:, part] for name, table in whole.items()} for part in (slice(half), slice(half, None)))
        return Noise(**left), Noise(**right)

    def _beside(self, leaf: Tensor, structured: Tensor) -> Tensor:
        if not leaf.is_floating_point() or not bool(structured.any()):
            return leaf
        size = rms(leaf).clamp_min(5e-324)
        step = self.policy.jitter * torch.where(structured, size, 0.0).reshape(-1, *(1,) * (leaf.ndim - 1))
        return leaf + step * torch.randn(leaf.shape, generator=self.rng, dtype=leaf.dtype)

    def _defects(self, few: Tensor) -> tuple[float, Tensor]:
        """By how much the action fails to be one, relative to what it acts on: on inputs (), on outputs (L)."""
        bound = self.sides.bound
        group, g = bound.group, self.trials.g[few]
        h = g.flip(0)
        both = group.compose(g, h)
        x = self.trials.x(few)
        y = [leaf[self.trials.source[few].to(leaf.device)].cpu() for leaf in self.sides.quantity]
        stretch = [
            float((rms(leaf) / extent(leaf, spread).cpu()).amax()) for leaf, spread in zip(x, self.sides.extents, strict=True)
        ]
        inward = self._defect(bound.inputs, g, h, both, x, "inputs") * torch.tensor(stretch, dtype=torch.float64)
        outward = self._defect(self.sides.prop.reps(bound, x), g, h, both, y, "outputs")
        return float(inward.max()), outward

    def _defect(self, reps: Sequence[Rep], g: Tensor, h: Tensor, both: Tensor, x: Leaves, what: str) -> Tensor:
        """`(L,)`; raises ClaimError if a rep that says it is exact is off by more than float32 would be."""
        group, defects = self.sides.bound.group, []
        for rep, leaf in zip(reps, x, strict=True):
            twice, once = rep.act(group, g, rep.act(group, h, leaf)), rep.act(group, both, leaf)
            defect = (rms(minus(twice, once)) / rms(leaf).maximum(rms(once)).clamp_min(1e-300)).nan_to_num()
            worst = int(defect.argmax())
            if rep.exact and defect[worst] > self.policy.slack * self.policy.single:
                raise ClaimError(
                    f"{rep} on the {what} is no representation of {group}: rho(g) rho(h) x and rho(gh) x differ by "
                    f"{defect[worst]:.2g} of x for g = {group.describe(g[worst])}, h = {group.describe(h[worst])}. "
                    f"Mend its act, or the group's compose."
                )
            same = rep.act(group, group.identity(len(leaf)), leaf)
            gap = float((rms(minus(same, leaf)) / rms(leaf).clamp_min(1e-300)).nan_to_num().max())
            if rep.exact and rep.linear and gap > self.policy.slack * self.policy.single:  # an angle may come back a turn less
                raise ClaimError(
                    f"{rep} on the {what} is no representation of {group}: the identity changes x by {gap:.2g} of its size. "
                    f"Mend its act."
                )
            defects.append(defect[worst] if rep.exact else torch.zeros((), dtype=torch.float64))  # it is told apart from noise
        return torch.stack(defects)
