"""Explaining a hidden tensor: by which action, if any, it follows the input's.

h(rho(g) x) = M h(x) o sigma, where sigma is an action on the domain (none, or the input's on axes of matching size, on their
strided or flattened form or on another sampling of a signal too) and M one linear map on features: the identity, the sign, the
input's own matrices on an axis of their size, or a matrix fitted on half of the trials and tried on the others. M may have an
offset only where the action itself translates, since it would excuse a bias on vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import combinations

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.engine.bound import Bound
from symcheck.engine.noise import evenly, rms
from symcheck.engine.policy import Policy
from symcheck.errors import SymcheckError
from symcheck.groups import Monoid
from symcheck.reps import Custom, Permute, Rep, Together


class Grade(IntEnum):
    """How well a tensor is explained, from best to worst."""

    SAME = 0  # it is the same for every input and element
    KNOWN = 1  # moved as the input is, its features left alone or acted on as those of the input
    ISOMETRIC = 2  # by a linear map of features that keeps their length, as representations of compact groups do
    LINEAR = 3  # by another linear map, or in another order: true of a layer that forgets what its features are, too
    UNKNOWN = 4  # too few rows to fit a map
    BROKEN = 5  # by none


REORDERED = "in another order"


@dataclass(frozen=True)
class Explanation:
    """The grade, what is left of the difference as part of the tensor's spread, and by which action of the domain.

    `gap` is what the best action leaves, `(n, *shape)`, and `axes` those that it moved.
    """

    grade: Grade
    residual: float
    floor: float
    words: str = ""
    gap: Tensor | None = field(default=None, repr=False, compare=False)
    axes: tuple[int, ...] = ()

    @property
    def explained(self) -> bool:
        return self.grade <= Grade.LINEAR


@dataclass(frozen=True)
class Mover:
    """An action that moves entries along axes of these sizes: entry p of the result is entry `source[p]`.

    `grid`: the axes are those of a grid, which has a border and may be padded, and not a list.
    """

    sizes: tuple[int, ...]
    source: Tensor
    words: str
    grid: bool = False

    def padded(self, before: Sequence[int], after: Sequence[int]) -> Iterator[Mover]:
        """The same on a grid with margins: one that repeats the grid, and one that turns with it."""
        sizes = tuple(b + size + a for b, size, a in zip(before, self.sizes, after, strict=True))
        around = [place - b for place, b in zip(unravelled(torch.arange(math.prod(sizes)), sizes), before, strict=True)]
        inner = _flat([place % size for place, size in zip(around, self.sizes, strict=True)], self.sizes)
        repeated, turned = unravelled(self.source[inner], self.sizes), self._extended(around)
        for there in (repeated, turned) if turned is not None else (repeated,):
            source = [place + b for place, b in zip(there, before, strict=True)]
            if all(bool(((place >= 0) & (place < size)).all()) for place, size in zip(source, sizes, strict=True)):
                yield Mover(sizes, _flat(source, sizes), f"{self.words}, padded", True)

    def _extended(self, places: Sequence[Tensor]) -> list[Tensor] | None:
        """Where places come from that needn't be on the grid, if the action is an affine map of it."""
        here = torch.stack(unravelled(torch.arange(len(self.source)), self.sizes), -1).double()
        there = torch.stack(unravelled(self.source, self.sizes), -1).double()
        ones = torch.ones(len(here), 1, dtype=torch.float64)
        map_ = torch.linalg.lstsq(torch.cat([here, ones], -1), there).solution.round(decimals=3)
        if not torch.equal((torch.cat([here, ones], -1) @ map_).round(), there):
            return None
        far = torch.stack(list(places), -1).double()
        return list((torch.cat([far, torch.ones(len(far), 1, dtype=far.dtype)], -1) @ map_).round().long().unbind(-1))

    def coarser(self) -> Iterator[Mover]:
        """The same on grids of which blocks of s, or every s-th sample, make one."""
        for stride in range(2, max(self.sizes) // 2 + 1):
            sizes = tuple(-(-size // stride) for size in self.sizes)
            places = unravelled(torch.arange(len(self.source)), self.sizes)
            blocks = _flat([place // stride for place in places], sizes)
            kept = torch.stack([place % stride == 0 for place in places]).all(0)
            moved = blocks[self.source]
            for rows in (torch.ones_like(kept), kept):
                source = torch.full((math.prod(sizes),), -1)
                source[blocks[rows]] = moved[rows]
                whole = bool(kept[self.source[kept]].all()) or bool(rows.all())
                idle = torch.equal(source, torch.arange(len(source)))
                if whole and not idle and torch.equal(source[blocks[rows]], moved[rows]) and bool((source >= 0).all()):
                    yield Mover(sizes, source, f"{self.words} at stride {stride}", self.grid)
                    break


def _flat(places: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    flat = torch.zeros_like(places[0])
    for place, size in zip(places, sizes, strict=True):
        flat = flat * size + place
    return flat


Domain = tuple[str, tuple[int, ...], Callable[[Tensor], Tensor]]
"""An action on the domain of a hidden tensor: in words, the axes that it moves (from 1), and what it makes of `(n, *shape)`."""


class Actions:
    """What one element does to input and output: entries that it moves, features that it acts on, numbers that it maps."""

    def __init__(self, bound: Bound, g: Tensor, x: Leaves, outputs: Sequence[Sequence[int]], policy: Policy) -> None:
        self.group: Monoid = bound.group
        self.g, self.policy = g, policy
        self.movers: list[Mover] = []
        self.fibres: list[tuple[Rep, int]] = []
        self.signals: list[tuple[Rep, int]] = []
        self.fits = self.affine = False
        self.isometric, self.any_order = True, False
        rng = torch.Generator().manual_seed(0)
        for rep, leaf in zip(bound.inputs, x, strict=True):
            for atom in atoms(rep):
                self._take(atom, tuple(leaf.shape[1:]), leaf, rng)
        for rep, shape in zip(bound.outputs, outputs, strict=True):
            for atom in atoms(rep):
                if not atom.indices:
                    self._take(atom, tuple(shape), torch.zeros(0, dtype=torch.float64), rng)
        self.movers += [coarse for mover in list(self.movers) if mover.grid for coarse in mover.coarser()]

    def _take(self, atom: Rep, shape: tuple[int, ...], leaf: Tensor, rng: torch.Generator) -> None:
        if atom.trivial or atom.indices or not self._acts_on_numbers(atom, shape, leaf):
            return
        if atom.discrete and atom.mixes:
            mover = self._mover(atom, shape)
            if mover is not None:
                if not torch.equal(mover.source, torch.arange(len(mover.source))) and not any(
                    mover.sizes == m.sizes and torch.equal(mover.source, m.source) for m in self.movers
                ):
                    self.movers.append(mover)
                    self.any_order |= not mover.grid
                    self.fits |= mover.grid and not _rolls(mover)
                return
        probe = torch.randn(4, *shape, generator=rng, dtype=torch.float64)
        numbers = leaf.is_complex() or atom.is_complex(self.group)
        probe = probe.to(torch.complex128) if numbers else probe
        moved, still = self._act(atom, probe), self._act(atom, torch.zeros_like(probe))
        if torch.equal(moved, probe):
            return
        self.fits = True
        sizes = tuple(shape[axis] for axis in atom.mixes or ())
        if atom.resampled(sizes):
            self.signals.append((atom, len(sizes)))
            self.isometric = False  # samples lie closer in some places than in others
            return
        near = self.policy.slack * self.policy.single
        self.affine |= bool(rms(still).max() > near * rms(probe).max())
        self.isometric &= bool((rms(moved - still) - rms(probe)).abs().max() <= near * rms(probe).max())
        size = shape[-1] if shape and atom.mixes else 1
        if not numbers and atom.mixes in ((), (-1,)) and atom.rank <= 1 and self._acts_on(atom, size):
            self.fibres.append((atom, size))

    def _acts_on_numbers(self, atom: Rep, shape: tuple[int, ...], leaf: Tensor) -> bool:
        """Whether it acts on floating-point tensors: one of the user's own may renumber indices, and raise on those."""
        if not isinstance(atom, Custom) or not atom.discrete:
            return True
        if not (atom.mixes or leaf.is_floating_point() or leaf.is_complex()):
            return False
        try:
            return self._act(atom, torch.zeros(1, *shape, dtype=torch.float64)).is_floating_point()
        except Exception:
            return False

    def _acts_on(self, atom: Rep, size: int) -> bool:
        """Whether it acts on a last axis alone, and so on that of any tensor."""
        try:
            return self._act(atom, torch.zeros(2, 2, size, dtype=torch.float64)).shape == (2, 2, size)
        except (RuntimeError, SymcheckError):
            return False

    def _act(self, atom: Rep, x: Tensor) -> Tensor:
        return atom.act(self.group, self.g.unsqueeze(0).expand(len(x), *self.g.shape), x)

    def _mover(self, atom: Rep, shape: tuple[int, ...]) -> Mover | None:
        axes = sorted(axis % len(shape) for axis in atom.mixes or ())
        sizes = tuple(shape[axis] for axis in axes)
        index = torch.arange(math.prod(sizes), dtype=torch.float64).reshape(
            [shape[a] if a in axes else 1 for a in range(len(shape))]
        )
        source = self._act(atom, index.expand(1, *shape).contiguous())[0]
        for axis in reversed(range(len(shape))):
            source = source if axis in axes else source.select(axis, 0)
        source = source.reshape(-1)
        if source.is_complex() or bool((source != source.round()).any()) or float(source.min()) < 0:
            return None
        source = source.long()
        found = Mover(sizes, source, type(atom).__name__.lower())
        return replace(found, grid=not isinstance(atom, Permute) and (len(sizes) > 1 or _rolls(found)))

    # Actions on the domain of a hidden tensor

    def domains(self, shape: Sequence[int]) -> list[Domain]:
        """Those that fit its shape `(n, *shape)`, the simplest first: none, one axis, several."""
        found: list[Domain] = [("none", (), lambda h: h), *self._resampled(shape)]
        for mover in self.movers:
            own = list(_placed(mover, shape))
            both = [_after(a, b) for a, b in combinations(own, 2) if not set(a[1]) & set(b[1])]
            mixed = [_after(a, b) for a in found[1:] for b in own if not set(a[1]) & set(b[1])]
            if len(own) > 2 and len(mover.sizes) == 1 and len({a[1] for a in own}) == len(own):
                whole = own[0]
                for other in own[1:]:
                    whole = _after(whole, other)
                both.append(whole)
            found += [*own, *both, *mixed]
        found += [domain for mover in self.movers if mover.grid and _rolls(mover) for domain in _askew(mover, shape)]
        return found[: self.policy.locate_actions]

    def _resampled(self, shape: Sequence[int]) -> Iterator[Domain]:
        """What acts on signals, on axes that sample one."""
        for atom, k in dict.fromkeys(self.signals):
            for first in range(1, len(shape) - k + 1):
                axes = tuple(range(first, first + k))
                for rep in atom.resampled(tuple(shape[first : first + k])):
                    yield f"as {rep}", axes, self._along(rep, axes)

    def _along(self, rep: Rep, axes: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        last = tuple(range(-len(axes), 0))
        return lambda h: self._act(rep, h.movedim(axes, last)).movedim(last, axes)

    def known(self, h: Tensor, axes: tuple[int, ...]) -> Iterator[tuple[str, Tensor]]:
        """The tensor with features acted on as an input's are: on every axis that holds a whole number of them."""
        for atom, size in self.fibres:
            if size == 1:
                yield f"as {atom}", self._act(atom, h)
                continue
            for axis in range(1, h.ndim):
                if axis in axes or h.shape[axis] % size:
                    continue
                last = h.movedim(axis, -1)
                for outer in (False, True) if h.shape[axis] > size else (False,):
                    split = last.reshape(*last.shape[:-1], size, -1).mT if outer else last.reshape(*last.shape[:-1], -1, size)
                    for moved in self._twice(atom, split):
                        joined = moved.mT if outer else moved
                        yield f"as {atom}", joined.flatten(-2).movedim(-1, axis)
            yield from self._tensors(atom, size, h, axes)

    def _tensors(self, atom: Rep, size: int, h: Tensor, axes: tuple[int, ...]) -> Iterator[tuple[str, Tensor]]:
        """Acted on along several axes, as Cartesian tensors are: products of vectors, or of differences of points."""
        fit = [axis for axis in range(1, h.ndim) if axis not in axes and h.shape[axis] == size]
        for rank in range(2, len(fit) + 1):
            for some in combinations(fit, rank):
                moved = h
                for axis in some:
                    *_, turned = self._twice(atom, moved.movedim(axis, -1))
                    moved = turned.movedim(-1, axis)
                yield f"as {atom} along {rank} axes", moved
                yield f"as {atom} along {rank} axes, with the other sign", -moved  # an axial tensor at a mirror

    def _twice(self, atom: Rep, h: Tensor) -> Iterator[Tensor]:
        """Acted on as points are, and as differences of points."""
        moved = self._act(atom, h)
        yield moved
        if self.affine:
            yield moved - self._act(atom, torch.zeros_like(h))

    def renumbered(self, h: Tensor) -> Iterator[Tensor]:
        """Whole numbers that number what is permuted, with the new numbers; of an order, also by each mover's own."""
        for mover in self.movers:
            if len(mover.sizes) == 1 and h.numel() and int(h.min()) >= 0 and int(h.max()) < len(mover.source):
                yield mover.source.argsort()[h.long()].to(h.dtype)


def unravelled(index: Tensor, sizes: Sequence[int]) -> tuple[Tensor, ...]:
    """What `torch.unravel_index` returns, whose first call loads sympy, for half a second."""
    return tuple(index // math.prod(sizes[axis + 1 :]) % size for axis, size in enumerate(sizes))


def atoms(rep: Rep) -> Iterator[Rep]:
    """A rep taken apart into those that act one after another."""
    if isinstance(rep, Together):
        for part in rep.parts:
            yield from atoms(part)
    else:
        yield rep


def _rolls(mover: Mover) -> bool:
    """Whether it only shifts: then no feature is a component that changes with another."""
    here = unravelled(torch.arange(len(mover.source)), mover.sizes)
    there = unravelled(mover.source, mover.sizes)
    return all(bool(((a - b - (a - b)[0]) % size == 0).all()) for a, b, size in zip(here, there, mover.sizes, strict=True))


def _placed(mover: Mover, shape: Sequence[int]) -> Iterator[Domain]:
    count, k = len(mover.source), len(mover.sizes)
    for first in range(1, len(shape) - k + 1) if mover.grid else ():
        more = {size - own for size, own in zip(shape[first : first + k], mover.sizes, strict=True)}
        margin = more.pop() if len(more) == 1 else 0
        if margin > 0 and margin % 2 == 0 and margin // 2 <= min(mover.sizes):
            for wide in mover.padded([margin // 2] * k, [margin // 2] * k):
                yield wide.words, tuple(range(first, first + k)), _gathering(wide.source, first, first + k)
    if k > 1:
        for first in range(1, len(shape) - k + 1):
            if tuple(shape[first : first + k]) == mover.sizes:
                yield mover.words, tuple(range(first, first + k)), _gathering(mover.source, first, first + k)
    for axis in range(1, len(shape)):
        size = shape[axis]
        if count < 2 or size % count or not size:
            continue
        q = size // count
        if q == 1:
            yield mover.words, (axis,), _gathering(mover.source, axis, axis + 1)
            continue
        outer = (mover.source.unsqueeze(1) * q + torch.arange(q)).reshape(-1)
        inner = (torch.arange(q).unsqueeze(1) * count + mover.source).reshape(-1)
        yield f"{mover.words}, flattened", (axis,), _gathering(outer, axis, axis + 1)
        yield f"{mover.words}, flattened", (axis,), _gathering(inner, axis, axis + 1)
        if q == count:
            yield f"{mover.words} of pairs", (axis,), _gathering(outer[inner], axis, axis + 1)


def _askew(mover: Mover, shape: Sequence[int]) -> Iterator[Domain]:
    """Shifts of a grid with unequal margins: on one side alone, as causal filters have them, or one more, as even ones do."""
    k = len(mover.sizes)
    for first in range(1, len(shape) - k + 1):
        over = [size - own for size, own in zip(shape[first : first + k], mover.sizes, strict=True)]
        if not any(over) or any(not 0 <= more <= own for more, own in zip(over, mover.sizes, strict=True)):
            continue
        for before in dict.fromkeys((tuple(over), (0,) * k, tuple(more // 2 for more in over))):
            wide = next(mover.padded(before, [more - b for more, b in zip(over, before, strict=True)]))
            yield wide.words, tuple(range(first, first + k)), _gathering(wide.source, first, first + k)


def _gathering(source: Tensor, first: int, stop: int) -> Callable[[Tensor], Tensor]:
    return lambda h: h.flatten(first, stop - 1).index_select(first, source).reshape(h.shape)


def _after(a: Domain, b: Domain) -> Domain:
    return f"{a[0]} and {b[0]}", (*a[1], *b[1]), lambda h: b[2](a[2](h))


FEWEST = 8  # trials that hidden tensors are compared on: a fit needs half of them


class Explainer:
    """Explains hidden tensors under one element's actions, on trials of which the first half is fitted on."""

    def __init__(self, actions: Actions, policy: Policy) -> None:
        self.actions, self.policy = actions, policy

    def explain(self, h: Tensor, moved: Tensor, floor: float) -> Explanation:
        """h(x) and h(rho(g) x), each `(n, *shape)`; `floor` is the noise of the latter, in its units."""
        if h.shape != moved.shape:
            return Explanation(Grade.BROKEN, math.inf, 0.0, "another shape")
        if not h.numel():
            return Explanation(Grade.SAME, 0.0, 0.0)
        if not (h.is_floating_point() or h.is_complex()):
            return self._whole(h, moved)
        if h.is_complex():
            h, moved = torch.view_as_real(h), torch.view_as_real(moved)
        some = max(FEWEST, self.policy.locate_numbers // max(1, h[0].numel()))
        if len(h) > some:
            h, moved = h[:some], moved[:some]
        h, moved = h.double(), moved.double()
        constant = len(h) > 1 and bool(_same(h, h[:1].expand_as(h)).all())
        if constant and bool(_same(h, moved).all()):
            return Explanation(Grade.SAME, 0.0, 0.0)
        finite = torch.where(h.isfinite(), h, 0.0)
        size = float(rms(finite).square().mean().sqrt())
        spread = float((finite - finite.mean(0)).square().mean().sqrt()) if len(h) > 1 and not constant else size
        scale = spread if spread > self.policy.slack * floor else max(size, floor)
        if not scale > 0:
            same = bool(_same(h, moved).all())
            return Explanation(Grade.KNOWN if same else Grade.BROKEN, 0.0 if same else 1.0, 0.0)
        return self._best(h, moved, scale, floor)

    def _best(self, h: Tensor, moved: Tensor, scale: float, floor: float) -> Explanation:
        """The first explanation that leaves no more than rounding, or what the best one leaves."""
        noise, single = self.policy.slack * floor / scale, self.policy.slack * self.policy.single
        least = Explanation(Grade.BROKEN, math.inf, floor / scale)
        unknown = False
        for grade, words, axes, gap, more in self._tried(h, moved):
            if gap is None:
                unknown = True
                continue
            size = float(gap.square().mean().sqrt()) / scale
            size = size if math.isfinite(size) else math.inf
            if more > 1 and noise * more > single and noise < single:  # the map would excuse what it magnifies
                unknown = True
                continue
            if size <= max(noise * more, single):
                return Explanation(grade, size, floor / scale, words, gap, axes)
            if size < least.residual or least.gap is None:
                least = Explanation(Grade.BROKEN, size, floor / scale, words, gap, axes)
        grade = Grade.UNKNOWN if unknown else Grade.BROKEN
        return Explanation(grade, least.residual, least.floor, least.words, least.gap, least.axes)

    def _tried(self, h: Tensor, moved: Tensor) -> Iterator[tuple[Grade, str, tuple[int, ...], Tensor | None, float]]:
        """Grade, words, axes, what is left (None: too few rows), and by how much the map magnifies noise."""
        domains = self.actions.domains(h.shape)
        for words, axes, act in domains:
            yield Grade.KNOWN, words, axes, _minus(moved, act(h)), 1.0
        for words, axes, act in domains if len(h) > 1 else []:  # one input may be its own opposite
            yield Grade.KNOWN, f"{words}, with the other sign", axes, _minus(moved, -act(h)), 1.0
        if self.actions.fits:
            for words, axes, act in domains:
                carried = act(h)
                for how, features in self.actions.known(carried, axes):
                    yield Grade.KNOWN, f"{words}, {how}", axes, _minus(moved, features), 1.0
        if self.actions.any_order:
            yield from self._reordered(h, moved)
        if self.actions.fits and bool(h.isfinite().all()) and bool(moved.isfinite().all()):
            for words, axes, act in domains:
                carried = act(h)
                for some in _features(h.shape, axes, self.policy.locate_features):
                    found = self._fitted(carried, moved, some, f"{words}, by a linear map", axes)
                    if found[3] is None and len(some) > 1 and self._never(h.shape, some):
                        continue
                    sizes = {size for _, size in self.actions.fibres if size > 1}
                    loose = (
                        len(some) > 1 and bool(sizes & set(h.shape[1:])) and not all(h.shape[axis] in sizes for axis in some)
                    )
                    yield (max(found[0], Grade.LINEAR), *found[1:]) if loose else found

    def _never(self, shape: Sequence[int], features: tuple[int, ...]) -> bool:
        """Whether not even the most inputs would do to fit a map of these axes: then it is none that is tried."""
        rows = math.prod(shape[1:]) // math.prod(shape[axis] for axis in features) * self.policy.locate_inputs // 2
        return rows <= math.prod(shape[axis] for axis in features)

    def _reordered(self, h: Tensor, moved: Tensor) -> Iterator[tuple[Grade, str, tuple[int, ...], Tensor | None, float]]:
        """The same entries along an axis in any order, as a list of edges has them."""
        counts = {len(mover.source) for mover in self.actions.movers}
        for axis in range(1, h.ndim):
            if h.shape[axis] > 1:
                grade = Grade.LINEAR if h.shape[axis] in counts else Grade.ISOMETRIC
                gap = _minus(moved.sort(axis).values, h.sort(axis).values)
                yield grade, REORDERED, (axis,), gap, 1.0

    def _fitted(
        self, h: Tensor, moved: Tensor, features: tuple[int, ...], words: str, axes: tuple[int, ...]
    ) -> tuple[Grade, str, tuple[int, ...], Tensor | None, float]:
        a, b = _rows(h, features), _rows(moved, features)
        half, d = max(1, len(h) // 2), a.shape[-1]
        fit_a, fit_b = a[:half].flatten(0, 1), b[:half].flatten(0, 1)
        if len(fit_a) > 4 * d + 64:  # more rows tell no more
            some = evenly(len(fit_a), 4 * d + 64)
            fit_a, fit_b = fit_a[some], fit_b[some]
        if self.actions.affine:
            fit_a = torch.cat([fit_a, torch.ones_like(fit_a[:, :1])], -1)
        map_, rank = least_squares(fit_a, fit_b)
        if len(h) < 2 or (rank >= len(fit_a) and rank <= d):
            return Grade.UNKNOWN, words, axes, None, 1.0
        test = a[half:].flatten(0, 1)
        linear = map_[:d]
        gap = b[half:].flatten(0, 1) - test @ linear - (map_[d:] if self.actions.affine else 0.0)
        before, after = test.norm(dim=-1), b[half:].flatten(0, 1).norm(dim=-1)
        near = self.policy.slack * self.policy.single * float(before.square().mean().sqrt())
        kept = self.actions.isometric and bool((after - before).square().mean().sqrt() <= near)
        more = 1.0 + float(linear.norm()) / d**0.5
        return (Grade.ISOMETRIC if kept else Grade.LINEAR), words, axes, gap, more

    def _whole(self, h: Tensor, moved: Tensor) -> Explanation:
        """Whole numbers and booleans: equal to the last, after an action and with new numbers."""
        constant = len(h) > 1 and torch.equal(h, h[:1].expand_as(h))
        if torch.equal(h, moved):
            return Explanation(Grade.SAME if constant else Grade.KNOWN, 0.0, 0.0, "none")
        least, best = math.inf, ("", tuple[int, ...]())
        for words, axes, act in self.actions.domains(h.shape):
            carried = act(h)
            for values in (carried, *(self.actions.renumbered(carried) if h.dtype != torch.bool else ())):
                share = float((values != moved).double().mean())
                if share == 0:
                    return Explanation(Grade.KNOWN, 0.0, 0.0, words)
                least, best = min((least, best), (share, (words, axes)))
        if self.actions.any_order:
            for axis in range(1, h.ndim):
                for values in (h, *(self.actions.renumbered(h) if h.dtype != torch.bool else ())):
                    if h.shape[axis] > 1 and torch.equal(values.sort(axis).values, moved.sort(axis).values):
                        return Explanation(Grade.ISOMETRIC, 0.0, 0.0, REORDERED, None, (axis,))
        return Explanation(Grade.BROKEN, least, 0.0, best[0], None, best[1])

    def marks_places(self, h: Tensor) -> bool:
        """Whether a tensor that the group leaves alone tells moved places apart: a triangular mask, a table."""
        options = [act for _, axes, act in self.actions.domains(h.shape) if axes]
        return bool(options) and not any(bool(_same(act(h), h).all()) for act in options)


def _same(a: Tensor, b: Tensor) -> Tensor:
    return (a == b) | (a.isnan() & b.isnan()) if a.is_floating_point() else a == b


def _minus(a: Tensor, b: Tensor) -> Tensor:
    """The difference, zero where both are the same infinity, as masked logits are."""
    return torch.where(_same(a, b), 0.0, a - b)


def _features(shape: Sequence[int], axes: tuple[int, ...], most: int) -> Iterator[tuple[int, ...]]:
    """The axes that a linear map may work on: each alone, the last two, all. Those that were moved last, as they are free."""
    free = [axis for axis in range(1, len(shape)) if axis not in axes and shape[axis] > 1]
    wanted = [(axis,) for axis in reversed(free)] + [tuple(free[-2:]), tuple(free)] if free else [()]
    for some in dict.fromkeys(wanted):
        if math.prod(shape[axis] for axis in some) <= most:
            yield some


def _rows(h: Tensor, features: tuple[int, ...]) -> Tensor:
    """`(n, rows, features)`."""
    rest = [axis for axis in range(1, h.ndim) if axis not in features]
    return h.permute(0, *rest, *features).reshape(len(h), math.prod(h.shape[a] for a in rest), -1)


def least_squares(a: Tensor, b: Tensor) -> tuple[Tensor, int]:
    """The map X of least norm with `a X = b`, and the rank of a: singular values that rounding explains count as zero."""
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    kept = s > torch.finfo(a.dtype).eps * max(a.shape) * s[:1]
    rank = int(kept.sum())
    return vh[:rank].mT @ ((u[:, :rank].mT @ b) / s[:rank].unsqueeze(-1)), rank
