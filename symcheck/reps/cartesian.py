"""Cartesian reps: scalars, vectors and points, by the group's own matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import GroupError
from symcheck.groups import SE, SO, E, Monoid, O, Symmetric
from symcheck.reps.base import Rep, Shape


@dataclass(frozen=True)
class Scalar(Rep):
    """The trivial rep: every element leaves the tensor as it is. An output that is `Scalar` claims invariance."""

    name = "scalar"
    trivial = True
    discrete = True

    @property
    def rank(self) -> int:
        return 0

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), SO(3), (4, 2)), (cls(), Symmetric(3), ())]


@dataclass(frozen=True)
class Vector(Rep):
    """The standard rep: the last axis is a vector in space, `x -> R x`, which translations leave alone."""

    name = "vector"

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return matrix_act(group.linear(g), x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            dim = group.linear(group.identity(1)).shape[-1]
        except GroupError as error:
            return f"{self}: {error}"
        if shape[-1] != dim:
            return f"{self} under {group} acts on a last axis of size {dim}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), group, (4, dim)) for dim in (2, 3) for group in (SO(dim), O(dim), SE(dim), E(dim))]


@dataclass(frozen=True)
class Point(Vector):
    """The affine action: the last axis is a point in space, `x -> R x + t`."""

    name = "point"
    linear = False

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        turned = super().act(group, g, x)
        step = group.translation(g).to(x)
        return turned + step.reshape(len(step), *(1,) * (x.ndim - 2), step.shape[-1])


def matrix_act(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrices `(n, d, d)` on the last axis of `(n, ..., d)`."""
    rows = x.reshape(len(x), -1, x.shape[-1])
    return torch.matmul(rows, matrix.to(x).mT).reshape(x.shape)
