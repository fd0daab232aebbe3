"""The linear symmetries of a function: maps X of its input and Y of its output with J_f(x) X(x) = Y(f(x)).

X(x) = A x + b lies in a frame, Y(y) = B y + c is any affine map of each output leaf, or of each axis of a large one. The
equations at many inputs are linear in both. Where Y is any map, each of its rows meets the same unknowns, so that they are
eliminated by one projection; what is left has one column for each map of the frame, and its null space is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from symcheck._tree import Leaves
from symcheck.discovery.frames import HALF, WIDEST, Frame, Slot, real
from symcheck.discovery.world import World

SMALL = 96
"""Numbers of an output leaf up to which any linear map of it is looked for."""

ROWS = 48
"""Outputs whose gradients are taken at each input: others would say the same of the input's maps."""

DENSE = 800
"""Columns up to which all singular values are found, in a second; with more, those of the null space and some more."""


@dataclass(frozen=True)
class Solutions:
    """The null space in a frame: k maps of the input `(k, d + 1, d + 1)` by slot, and how they act on the output by slot.

    `spectrum` are the singular values that matter, RMS for a map that moves inputs by their size, in units of the spread of the
    output: the k below the `floor` that rounding explains, and the next one.
    """

    frame: Frame
    inputs: list[Tensor]
    outputs: list[Tensor]
    out_slots: tuple[Slot, ...]
    spectrum: tuple[float, ...]
    floor: float

    @property
    def dimension(self) -> int:
        return len(self.inputs[0]) if self.inputs else 0

    @property
    def gap(self) -> tuple[float, float]:
        """The largest singular value that counts as zero, and the smallest that doesn't."""
        k = self.dimension
        return (self.spectrum[k - 1] if k else 0.0, self.spectrum[k] if k < len(self.spectrum) else math.inf)

    def mixed(self, change: Tensor) -> Solutions:
        """Other combinations `(m, k)` of the same maps, which all hold: those that are left out aren't told."""
        inputs = [torch.einsum("mk,kij->mij", change, part) for part in self.inputs]
        outputs = [torch.einsum("mk,kij->mij", change, part) for part in self.outputs]
        spectrum = self.spectrum[self.dimension - len(change) :]
        return Solutions(self.frame, inputs, outputs, self.out_slots, spectrum, self.floor)

    def tangent(self, i: int, x: Leaves) -> Leaves:
        """How the i-th map moves real leaves."""
        return self.frame.tangents([part[i : i + 1].expand(len(x[0]), -1, -1) for part in self.inputs], x)

    def answer(self, i: int, y: Leaves) -> Leaves:
        """How its counterpart moves the outputs."""
        return Frame(self.out_slots, ()).tangents([part[i : i + 1].expand(len(y[0]), -1, -1) for part in self.outputs], y)


def solve(world: World, frame: Frame) -> Solutions | None:
    """All symmetries in a frame; None if there are none to look for, or if the derivative says nothing there.

    What more inputs refute was there for want of equations: then twice as many are taken.
    """
    if not frame.size:
        return None
    equations = _Equations(world, frame)
    for times in (1, 2, 4):
        found = equations.solved(times)
        if found is None or not found.dimension:
            return found
        confirmed = _confirmed(world, found)
        if confirmed.dimension == found.dimension:
            return _effective(world, found)
    assert found is not None
    confirmed = _effective(world, confirmed)
    return replace(confirmed, spectrum=(*[found.floor] * confirmed.dimension, math.inf))


class _Equations:
    """The linear equations that a frame's maps meet at random inputs."""

    def __init__(self, world: World, frame: Frame) -> None:
        self.world, self.frame = world, frame
        y = world.outputs(world.like)
        self.chosen = _chosen(y, world.seed)
        self.small = [leaf[0].numel() <= SMALL for leaf in y]
        self.slots = _slots(y, self.small)
        self.widest = max([leaf[0].numel() for leaf, few in zip(y, self.small, strict=True) if few], default=0)

    def solved(self, times: int) -> Solutions | None:
        """The null space, from `times` as many inputs as should do."""
        world, frame = self.world, self.frame
        x = world.inputs(times * self._count(), 11)
        values, columns = world.outputs(x), _columns(world, frame, x, self.chosen)
        good = torch.stack([c.isfinite().flatten(1).all(-1) for c in columns]).all(0)
        columns, values, x = [c[good] for c in columns], [v[good] for v in values], [leaf[good] for leaf in x]
        if not len(x[0]) or not any(bool(c.any()) for c in columns):
            return None
        weight = 1 / frame_sizes(frame, x)  # maps move inputs by their own size
        matrix = torch.cat(_eliminated(columns, values, self.chosen, self.small, self.slots)) * weight
        floor = self._floor(weight, matrix)
        s, vectors = _null(matrix, world.policy.slack * floor)
        many = _dimension(s, world.policy.slack * floor)
        if not many:
            return Solutions(frame, [], [], self.slots, tuple(s[:1].tolist()), floor)
        inputs = frame.matrices(vectors[:many] * weight)
        outputs = _answers(world, frame, inputs, self.slots)
        return Solutions(frame, inputs, outputs, self.slots, tuple(s[: many + 1].tolist()), floor)

    def _count(self) -> int:
        """Inputs that give more equations than there are unknowns: as many for each as its Jacobian has independent rows."""
        x = self.world.inputs(2, 10)
        rows = torch.cat(_columns(self.world, self.frame, x, self.chosen), 1).nan_to_num()
        rank = max(1, int(torch.linalg.matrix_rank(rows, rtol=HALF).max()))
        structured = sum(slot.size * (slot.size + 1) for slot in self.slots if slot.axis)
        share = 1.2 if self.frame.size > DENSE else 2.0
        return self.widest + 10 + math.ceil((share * self.frame.size + structured) / rank)

    def _floor(self, weight: Tensor, matrix: Tensor) -> float:
        """What rounding makes of a map that moves inputs by their size; with many maps, what the factorisation does."""
        rng = Generator().manual_seed(self.world.seed)
        probe = torch.randn(self.frame.size, generator=rng, dtype=torch.float64)
        floor = self.world.floor(self.frame, probe / probe.norm() * weight)
        return max(floor, torch.finfo(matrix.dtype).eps * float(matrix.norm())) if self.frame.size > DENSE else floor


def frame_sizes(frame: Frame, x: Leaves) -> Tensor:
    """By how much each map of the basis moves inputs, as part of their size: `(k,)`."""
    few = real([leaf[:16] for leaf in x])
    images = frame.images(few)
    total = torch.cat([leaf.reshape(len(leaf), -1).double() for leaf in few if leaf.is_floating_point()], -1)
    return (images.square().mean((0, 2)).sqrt() / total.square().mean().sqrt().clamp_min(5e-324)).clamp_min(5e-324)


def _slots(y: Leaves, small: Sequence[bool]) -> tuple[Slot, ...]:
    slots = []
    for i, leaf in enumerate(y):
        shape = leaf.shape[1:]
        if small[i]:
            slots.append(Slot(i, 0, leaf[0].numel()))
        else:
            short = [axis for axis in range(-1, -len(shape) - 1, -1) if shape[axis] <= WIDEST]
            slots += [Slot(i, axis, shape[axis], whole=axis == short[0]) for axis in short]
    return tuple(slots)


def _chosen(y: Leaves, seed: int) -> list[Tensor]:
    """For each output leaf the places of the numbers that are looked at: all of few, some of many."""
    total = sum(leaf[0].numel() for leaf in y)
    rng = Generator().manual_seed(seed)
    found = []
    for leaf in y:
        size = leaf[0].numel()
        share = size if total <= ROWS else max(1, round(ROWS * size / total))
        found.append(torch.randperm(size, generator=rng)[:share].sort().values)
    return found


def _columns(world: World, frame: Frame, x: Leaves, chosen: Sequence[Tensor]) -> list[Tensor]:
    """`J(x) X(x)` for every map of the basis, at the chosen outputs: `(n, r, k)` by leaf, in units of the leaf's spread.

    By forward products along the maps, or by gradients of the outputs, whichever are fewer.
    """
    rows = sum(len(c) for c in chosen)
    if rows < frame.size and world.way != "differences":
        pulled = _pulled(world, x, chosen)
        if pulled is not None:
            whole = frame.contracted(pulled, [leaf.double() for leaf in real(x)])
            parts = torch.split(whole, [len(c) for c in chosen], 1)
            return [part / s for part, s in zip(parts, world.scales, strict=True)]
    n, k = len(x[0]), frame.size
    found: list[list[Tensor]] = [[] for _ in chosen]
    block = max(1, 4096 // n)
    for start in range(0, k, block):
        some = torch.arange(start, min(start + block, k))
        many = [leaf.repeat_interleave(len(some), 0) for leaf in x]
        unit = torch.zeros(len(some), k, dtype=torch.float64)
        unit[torch.arange(len(some)), some] = 1.0
        matrices = [m.repeat(n, 1, 1) for m in frame.matrices(unit)]
        pushed = world.pushed(many, frame.tangents(matrices, [leaf.double() for leaf in real(many)]))
        for i, (leaf, places) in enumerate(zip(pushed, chosen, strict=True)):
            found[i].append(leaf.reshape(n, len(some), -1)[..., places].mT / world.scales[i])
    return [torch.cat(parts, -1) for parts in found]


def _pulled(world: World, x: Leaves, chosen: Sequence[Tensor]) -> Leaves | None:
    """Rows of the Jacobian `(n, r, *shape)` by input leaf: those of the chosen outputs, leaf after leaf."""
    n = len(x[0])
    outs = [real(world.example)[i] for i in world.smooth]
    rows = sum(len(c) for c in chosen)
    cotangents, start = [], 0
    for leaf, places in zip(outs, chosen, strict=True):
        unit = torch.zeros(rows, leaf[0].numel(), dtype=torch.float64)
        unit[start + torch.arange(len(places)), places] = 1.0
        cotangents.append(unit.repeat(n, 1).reshape(n * rows, *leaf.shape[1:]))
        start += len(places)
    pulled = world.pulled([leaf.repeat_interleave(rows, 0) for leaf in x], cotangents)
    return None if pulled is None else [leaf.double().unflatten(0, (n, rows)) for leaf in pulled]  # type: ignore[no-untyped-call]


def _eliminated(
    columns: Sequence[Tensor],
    values: Leaves,
    chosen: Sequence[Tensor],
    small: Sequence[bool],
    slots: Sequence[Slot],
) -> list[Tensor]:
    """The columns less what any map of the output explains: rows `(n r, k)` by leaf, each over the root of the row count."""
    total = sum(c.shape[0] * c.shape[1] for c in columns) ** 0.5
    found = []
    for i, (column, y) in enumerate(zip(columns, values, strict=True)):
        if small[i]:
            q = _span(torch.cat([y.reshape(len(y), -1), torch.ones(len(y), 1, dtype=y.dtype)], -1))
            flat = column.flatten(1)
            left = (flat - q @ (q.mT @ flat)).reshape(-1, column.shape[-1])
        else:
            known = torch.cat([_along(slot, y, chosen[i]) for slot in slots if slot.leaf == i], -1)
            flat = column.flatten(0, 1)
            q = _span(known)
            left = flat - q @ (q.mT @ flat)
        found.append(left / total)
    return found


def _along(slot: Slot, y: Tensor, places: Tensor) -> Tensor:
    """The chosen numbers of `B y + c` for every B and c along an axis: `(n r, k)`."""
    d = slot.size
    index = slot.rows(torch.arange(y[0].numel()).reshape(1, *y.shape[1:]))[0]
    at = torch.empty(y[0].numel(), dtype=torch.int64)
    at[index.reshape(-1)] = torch.arange(y[0].numel())
    row, i = at[places] // d, at[places] % d
    rows = slot.rows(y)[:, row]
    whole = torch.cat([rows, torch.ones_like(rows[..., :1])], -1)
    return torch.einsum("nrj,ri->nrij", whole, torch.nn.functional.one_hot(i, d).to(y)).flatten(2).flatten(0, 1)


def _span(a: Tensor) -> Tensor:
    """An orthonormal basis of the columns, each of which counts alike."""
    scaled = a / a.norm(dim=0).clamp_min(5e-324)
    u, s, _ = torch.linalg.svd(scaled, full_matrices=False)
    basis: Tensor = u[:, s > torch.finfo(a.dtype).eps * max(a.shape) * s[:1]]
    return basis


def _null(matrix: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """The least singular values, ascending, and their vectors `(m, k)`: all, or the null space and some more."""
    k = matrix.shape[1]
    if k <= DENSE:
        triangle = torch.linalg.qr(matrix, mode="r").R if len(matrix) > k else matrix
        _, s, vh = torch.linalg.svd(triangle, full_matrices=True)
        s = torch.cat([s, s.new_zeros(k - len(s))])
        return s.flip(0), vh.flip(0)
    return _inverted(matrix, floor)


CLEAR = 1e3
"""A gap so many times above the bound of rounding is clear: models that break a symmetry stand 1e6 above it."""


def _dimension(s: Tensor, bound: float) -> int:
    """How many ascending singular values are zero: those below the bound, or little above it and far below the next."""
    sure, near = int((s <= bound).sum()), int((s <= CLEAR * bound).sum())
    wide = near == len(s) or float(s[near]) > CLEAR**2 * float(s[near - 1]) if near else False
    return near if wide else sure


def _inverted(matrix: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """The same by inverse iteration with as many mixtures of the rows as there are columns, told apart by all of them.

    An LU factorisation costs a tenth of the singular values, and unlike the normal equations loses no digits. What all rows
    send to zero those do, too.
    """
    k, block = matrix.shape[1], 128
    rng = Generator().manual_seed(0)
    signs = torch.randint(2, (2, len(matrix)), generator=rng)
    rounds = [[torch.randperm(k, generator=rng) for _ in range(-(-len(matrix) // k))] for _ in signs]  # no place is left empty
    places = torch.stack([torch.cat(some)[: len(matrix)] for some in rounds])

    def mixed(rows: Tensor) -> Tensor:
        """Each row added to two at random, with a random sign: cheap, and as good as any mixture."""
        total = rows.new_zeros(k, rows.shape[1])
        for sign, place in zip(signs, places, strict=True):
            total.index_add_(0, place, (2 * sign - 1).unsqueeze(-1) * rows)
        return total

    square = mixed(matrix)
    shift = torch.finfo(square.dtype).eps * float(square.norm())
    factor = torch.linalg.lu_factor(square + shift * torch.eye(k, dtype=square.dtype))
    while True:
        v = torch.randn(k, block, generator=rng, dtype=square.dtype)
        for _ in range(4):
            v = torch.linalg.lu_solve(*factor, torch.linalg.lu_solve(*factor, torch.linalg.qr(v).Q, adjoint=True))
        for _ in range(3):
            s, v = _ritz(matrix, v)
            low = int((s <= HALFWAY * s[-1]).sum())  # these are known to fewer digits than there are: refined
            v[:, :low] -= torch.linalg.lu_solve(*factor, mixed(matrix @ v[:, :low])) if low else 0.0
        s, v = _ritz(matrix, v)
        if float(s[-1]) > CLEAR * floor or block == k:
            return s, v.mT
        block = min(k, 4 * block)


HALFWAY = 1e-6
"""Of singular values that far below others, factorisation leaves but half of the digits."""


def _ritz(matrix: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The singular values, ascending, of a matrix on the span of columns `(k, m)`, and its vectors there."""
    q = torch.linalg.qr(v).Q
    _, s, vh = torch.linalg.svd(torch.linalg.qr(matrix @ q, mode="r").R)
    return s.flip(0), q @ vh.mT.flip(1)


def _answers(world: World, frame: Frame, inputs: Sequence[Tensor], slots: Sequence[Slot]) -> list[Tensor]:
    """How each found map acts on the output, by least squares at fresh inputs: `(k, d + 1, d + 1)` by slot."""
    found, many = [], len(inputs[0])
    by_leaf = {i: [slot for slot in slots if slot.leaf == i] for i in {slot.leaf for slot in slots}}
    sizes = [slot.size for slot in slots]
    n = max([64, *(2 * size + 8 for size in sizes)])
    x = world.inputs(n, 12)
    y = world.outputs(x)
    numbers = [leaf.double() for leaf in real(x)]
    pushed = [world.pushed(x, frame.tangents([p[i : i + 1].expand(n, -1, -1) for p in inputs], numbers)) for i in range(many)]
    for leaf, own in by_leaf.items():
        if not own[0].axis:
            known = torch.cat([y[leaf].reshape(n, -1), torch.ones(n, 1, dtype=torch.float64)], -1)
            right = torch.cat([p[leaf].reshape(n, -1) for p in pushed], -1)
            parts = [_least(known, right).reshape(own[0].size + 1, many, own[0].size).permute(1, 2, 0)]
        else:
            places = torch.randperm(y[leaf][0].numel(), generator=Generator().manual_seed(0))[: 4 * ROWS]
            known = torch.cat([_along(slot, y[leaf], places) for slot in own], -1)
            right = torch.stack([p[leaf].reshape(n, -1)[:, places].reshape(-1) for p in pushed], -1)
            flat = torch.split(_least(known, right).mT, [s.size * (s.size + 1) for s in own], -1)
            parts = [part.reshape(many, s.size, s.size + 1) for part, s in zip(flat, own, strict=True)]
        found += [torch.cat([part, part.new_zeros(many, 1, part.shape[-1])], 1) for part in parts]
    return found


def _least(a: Tensor, b: Tensor) -> Tensor:
    scale = a.norm(dim=0).clamp_min(5e-324)
    u, s, vh = torch.linalg.svd(a / scale, full_matrices=False)
    kept = s > HALF * s[:1]  # outputs that depend on each other do so up to their rounding
    found: Tensor = (vh[kept].mT @ ((u[:, kept].mT @ b) / s[kept].unsqueeze(-1))) / scale.unsqueeze(-1)
    return found


def _effective(world: World, found: Solutions) -> Solutions:
    """The maps less the linear ones that move inputs along directions alone which the output ignores.

    Translations along those are kept: that of all points at once is no less told for being ignored.
    """
    if any(own is None for own in world.kept):
        return found
    x = [leaf.double() for leaf in real(world.inputs(24, 15))]
    steps = [found.tangent(i, [torch.zeros_like(leaf[:1]) for leaf in x]) for i in range(found.dimension)]
    turns = [[a - b for a, b in zip(found.tangent(i, x), step, strict=True)] for i, step in enumerate(steps)]
    rows, size = [], 0.0
    for i in world.moving:
        turn, own = torch.stack([one[i].flatten(1) for one in turns], -1), world.kept[i]
        assert own is not None
        rows += [torch.einsum("npk,pq->nqk", turn, own).flatten(0, 1)]
        rows += [torch.stack([step[i].flatten() for step in steps], -1)]
        size = max(size, float(turn.norm(dim=(0, 1)).max()))
    _, s, vh = torch.linalg.svd(torch.cat(rows), full_matrices=True)
    many = int((s > HALF * max(size, float(s[0]))).sum())
    return found if many == found.dimension else found.mixed(vh[:many])


def _confirmed(world: World, found: Solutions) -> Solutions:
    """Those combinations of the maps that hold at inputs that weren't seen as well."""
    x = world.inputs(24, 13)
    numbers, y = [leaf.double() for leaf in real(x)], world.outputs(x)
    gaps = []
    for i in range(found.dimension):
        pushed, answer = world.pushed(x, found.tangent(i, numbers)), found.answer(i, y)
        gaps.append(torch.cat([((a - b) / s).reshape(-1) for a, b, s in zip(pushed, answer, world.scales, strict=True)]))
    matrix = torch.stack(gaps, -1).nan_to_num(nan=torch.inf).clamp(-1e300, 1e300) / len(gaps[0]) ** 0.5
    _, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    size = 1 + max(float(part.abs().max()) for part in found.outputs)
    kept = s <= max(world.policy.slack * found.floor, *found.spectrum[: found.dimension]) * size * world.policy.slack
    if bool(kept.all()):
        return found
    return found.mixed(vh[kept])
