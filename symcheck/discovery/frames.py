"""Frames: the linear and affine maps of a tree of tensors among which symmetries are looked for.

A slot is one axis of one leaf, on which a matrix acts the same way at every place of the other axes (I (x) A), or all axes of
a leaf as one. A frame is several slots, each with a matrix of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._tree import Leaves


@dataclass(frozen=True)
class Slot:
    """An axis of a leaf, counted from the end, or all of its axes (`axis=0`); `size` numbers lie along it.

    Its maps are homogeneous matrices `(size + 1, size + 1)`: `x -> A x + b`. Of a leaf with several slots the last axis alone
    has translations and multiples of the identity, which would do the same along the others.
    """

    leaf: int
    axis: int
    size: int
    whole: bool = True

    def rows(self, x: Tensor) -> Tensor:
        """A real leaf `(n, *shape)` as `(n, places, size)`."""
        if not self.axis:
            return x.reshape(len(x), 1, -1)
        return x.movedim(self.axis, -1).reshape(len(x), -1, self.size)

    def back(self, rows: Tensor, shape: Sequence[int]) -> Tensor:
        """Rows as a leaf of that shape."""
        if not self.axis:
            return rows.reshape(len(rows), *shape)
        moved = [size for i, size in enumerate(shape) if i != len(shape) + self.axis]
        return rows.reshape(len(rows), *moved, self.size).movedim(-1, self.axis)

    def basis(self, kept: Tensor) -> Tensor:
        """The maps `(k, size + 1, size + 1)` of the subspace that the orthonormal columns of `kept` span."""
        d, many = kept.shape
        matrices = torch.zeros(many * many + many, d + 1, d + 1, dtype=torch.float64)
        linear = torch.einsum("ia,jb->abij", kept, kept).reshape(-1, d, d)
        if not self.whole and many:
            one = (kept @ kept.mT).reshape(-1) / many**0.5
            rest = linear.reshape(-1, d * d)
            linear = (rest - torch.outer(rest @ one, one)).reshape(-1, d, d)
        matrices[: many * many, :d, :d] = linear
        matrices[many * many :, :d, d] = kept.mT
        return matrices if self.whole else independent(matrices[: many * many])


def independent(matrices: Tensor) -> Tensor:
    """An orthonormal basis of the span of `(k, d, d)`."""
    flat = matrices.flatten(1)
    if not len(flat):
        return matrices
    _, s, vh = torch.linalg.svd(flat, full_matrices=False)
    basis: Tensor = vh[: int((s > HALF).sum())].reshape(-1, *matrices.shape[1:])
    return basis


HALF = float(torch.finfo(torch.float64).eps) ** 0.5
"""Half of the digits: what lies below comes of rounding, in matrices whose entries are of order one."""

WIDEST = 32
"""The longest axis that has a slot: a matrix on it has some thousand entries, and the null space of so many takes a second."""

NUMBERS = 64
"""Up to so many numbers, any linear map of a leaf is looked for, whatever its axes."""


def real(leaves: Leaves) -> Leaves:
    """Leaves `(n, *shape)` as real ones with one axis at least: complex numbers as two along the last axis."""
    parts = [torch.view_as_real(leaf).flatten(-2) if leaf.is_complex() and leaf.ndim > 1 else leaf for leaf in leaves]
    parts = [torch.view_as_real(leaf) if leaf.is_complex() else leaf for leaf in parts]
    return [leaf if leaf.ndim > 1 else leaf.unsqueeze(-1) for leaf in parts]


def like(leaves: Leaves, originals: Leaves) -> Leaves:
    """Real leaves in the form of the originals: complex where these are."""
    found = []
    for leaf, own in zip(leaves, originals, strict=True):
        pairs = torch.view_as_complex(leaf.unflatten(-1, (-1, 2)).contiguous()) if own.is_complex() else leaf  # type: ignore[no-untyped-call]
        found.append(pairs.reshape(len(leaf), *own.shape[1:]))
    return found


@dataclass(frozen=True)
class Frame:
    """Slots with a basis of maps `(k_s, d_s + 1, d_s + 1)` for each. Coordinates are those of the slots, one after another.

    `kept` are the orthonormal directions `(d, d')` of each slot that matter, of which the basis is made.
    """

    slots: tuple[Slot, ...]
    bases: tuple[Tensor, ...]
    kept: tuple[Tensor, ...] = ()

    @property
    def size(self) -> int:
        return sum(len(basis) for basis in self.bases)

    def matrices(self, coordinates: Tensor) -> list[Tensor]:
        """For each slot the maps `(n, d + 1, d + 1)` with coordinates `(n, k)`."""
        parts = torch.split(coordinates, [len(basis) for basis in self.bases], -1)
        return [torch.einsum("nk,kij->nij", part, basis) for part, basis in zip(parts, self.bases, strict=True)]

    def tangents(self, matrices: Sequence[Tensor], x: Leaves) -> Leaves:
        """How maps, one for each row of the real leaves x, move them: `(n, *shape)`."""
        moved = [torch.zeros_like(leaf) for leaf in x]
        for slot, matrix in zip(self.slots, matrices, strict=True):
            rows, d = slot.rows(x[slot.leaf]), slot.size
            step = rows @ matrix[:, :d, :d].mT.to(rows) + matrix[:, :d, d].to(rows).unsqueeze(1)
            moved[slot.leaf] = moved[slot.leaf] + slot.back(step, x[slot.leaf].shape[1:])
        return moved

    def images(self, x: Leaves) -> Tensor:
        """What every map of the basis makes of x: `(n, k, numbers)`, all leaves one after another."""
        found = []
        for slot, basis in zip(self.slots, self.bases, strict=True):
            rows, d = slot.rows(x[slot.leaf]), slot.size
            step = torch.einsum("nrj,kij->nkri", rows, basis[:, :d, :d].to(rows)) + basis[:, :d, d].to(rows).unsqueeze(1)
            leaf = slot.back(step.flatten(0, 1), x[slot.leaf].shape[1:]).reshape(len(rows), len(basis), -1)
            sizes = [math.prod(other.shape[1:]) for other in x]
            before, after = sum(sizes[: slot.leaf]), sum(sizes[slot.leaf + 1 :])
            found.append(torch.nn.functional.pad(leaf, (before, after)))
        return torch.cat(found, 1)

    def contracted(self, rows: Leaves, x: Leaves) -> Tensor:
        """`<row, X x>` for every map X of the basis: `(n, r, k)`, of rows of a Jacobian `(n, r, *shape)` by leaf."""
        found = []
        for slot, basis, kept in zip(self.slots, self.bases, self.kept, strict=True):
            here, own, d = slot.rows(x[slot.leaf]), rows[slot.leaf], slot.size
            along = slot.rows(own.flatten(0, 1)).reshape(*own.shape[:2], -1, d)
            if slot.whole:  # the basis is that of matrices on the kept directions: no need to multiply by it
                turned = torch.einsum("nrpi,npj->nrij", along @ kept.to(along), here @ kept.to(along))
                found += [turned.flatten(-2), along.sum(2) @ kept.to(along)]
                continue
            outer = torch.einsum("nrpi,npj->nrij", along, here)
            whole = torch.cat([outer, along.sum(2).unsqueeze(-1)], -1)
            found.append(torch.einsum("nrij,kij->nrk", whole, basis[:, :d].to(whole)))
        return torch.cat(found, -1)


def by_axes(x: Leaves, moving: Sequence[int], kept: Sequence[Tensor | None]) -> Frame:
    """A slot for each axis of each moving leaf that isn't too long. `kept[i]` are the directions of leaf i that matter."""
    slots, bases, used = [], [], []
    for leaf in moving:
        shape = x[leaf].shape[1:]
        for axis in range(-1, -len(shape) - 1, -1):
            size, widest = shape[axis], NUMBERS if len(shape) == 1 else WIDEST
            if size <= widest and (axis == -1 or size > 1):
                slot = Slot(leaf, axis, size, whole=axis == -1)
                own = directions(slot, kept[leaf], shape)
                basis = slot.basis(own)
                if len(basis):
                    slots.append(slot)
                    bases.append(basis)
                    used.append(own)
    return Frame(tuple(slots), tuple(bases), tuple(used))


def as_one(x: Leaves, moving: Sequence[int], kept: Sequence[Tensor | None]) -> Frame | None:
    """All linear maps of the one moving leaf, if it has several axes and few numbers."""
    if len(moving) != 1 or x[moving[0]].ndim < 3 or x[moving[0]][0].numel() > NUMBERS:
        return None
    shape = x[moving[0]].shape[1:]
    slot = Slot(moving[0], 0, math.prod(shape))
    own = directions(slot, kept[moving[0]], shape)
    return Frame((slot,), (slot.basis(own),), (own,))


def directions(slot: Slot, kept: Tensor | None, shape: Sequence[int]) -> Tensor:
    """Orthonormal columns `(d, d')`: the directions along a slot that matter somewhere, by the leaf's `(N, N')`."""
    if kept is None or not kept.shape[1]:
        return torch.eye(slot.size, dtype=torch.float64)[:, : 0 if kept is not None else slot.size]
    rows = slot.rows(kept.mT.reshape(-1, *shape)).reshape(-1, slot.size)
    _, s, vh = torch.linalg.svd(rows, full_matrices=False)
    many = int((s > HALF).sum())
    return torch.eye(slot.size, dtype=torch.float64) if many == slot.size else vh[:many].mT
