"""Points of the projective plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import GroupError
from symcheck.groups import PGL, Monoid
from symcheck.reps.base import Rep, Shape
from symcheck.reps.cartesian import matrix_act


@dataclass(frozen=True)
class Homogeneous(Rep):
    """Points under projective maps, `x -> (A x + b) / (c x + d)`: the last axis holds the coordinates of a point in the plane.

    The group's matrices act on homogeneous vectors (x, 1), of which the first coordinates over the last are the point again;
    on the vectors themselves `Vector` acts. Points that come near to the horizon, `c x + d = 0`, go far away and lose digits.
    """

    name = "homogeneous"
    linear = False

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def fibre(self, group: Monoid) -> Shape:
        return (group.linear(group.identity(1)).shape[-1] - 1,)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        lifted = torch.cat([x, torch.ones_like(x[..., :1])], -1)
        moved = matrix_act(group.linear(g), lifted)
        return moved[..., :-1] / moved[..., -1:]

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            (dim,) = self.fibre(group)
        except GroupError as error:
            return f"{self}: {error}"
        if dim < 1 or shape[-1] != dim:
            also = " Use 'point' for affine maps." if shape[-1] == dim + 1 else ""
            return f"{self} under {group} acts on a last axis of size {dim}, one less than its matrices.{also}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), PGL(3), (4, 2)), (cls(), PGL(5), (4,))]
