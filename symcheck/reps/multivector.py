"""Lorentz vectors, and multivectors of a geometric algebra."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from symcheck.errors import ClaimError
from symcheck.groups import E, FullLorentz, Lorentz, Monoid, O, Poincare
from symcheck.reps.base import Rep, Shape, pooled_in_blocks
from symcheck.reps.cartesian import LastAxis, Vector, keeps


def minkowski(dim: int = 4) -> Tensor:
    """The Minkowski form diag(1, -1, -1, -1): time first."""
    return torch.diag(torch.tensor([1.0] + [-1.0] * (dim - 1), dtype=torch.float64))


@dataclass(frozen=True)
class FourVector(Vector):
    """A Lorentz vector on the last axis, time first: (t, x, y, z) or (E, p_x, p_y, p_z). Translations leave it alone.

    `Dual(FourVector())` is a covector, with lower index; `Cartesian(2)` a tensor such as that of the electromagnetic field.
    """

    name = "four_vector"

    def undefined(self, group: Monoid) -> str | None:
        if keeps(group, minkowski()):
            return None
        return f"is defined for groups that keep t^2 - x^2 - y^2 - z^2, such as SO+(1,3), not for {group}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Lorentz(3), (5, 4)), (cls(), FullLorentz(3), (4,)), (cls(), Poincare(3), (2, 4))]


@dataclass(frozen=True)
class Multivector(LastAxis):
    """A multivector of the geometric algebra Cl(p, q) on the last axis: its 2^(p + q) components, by grade.

    p basis vectors square to 1 and the q after them to -1. Within a grade, components are ordered by their basis vectors:
    1; e1, e2, e3; e12, e13, e23; e123. Vectors turn by the group's linear part A, and a product of k of them as their outer
    product does, by the minors of A (its outermorphism), since `minors(A B) == minors(A) minors(B)` (Cauchy and Binet). That
    is the versor's action a x a^-1 with the sign of a mirror's grade, as Clifford networks take it (Ruhe et al. 2023,
    arXiv:2305.11141). The geometric product is equivariant for groups that keep the metric, and others are refused.
    """

    p: int = 3
    q: int = 0

    name = "multivector"

    def __post_init__(self) -> None:
        whole = isinstance(self.p, int) and isinstance(self.q, int)
        if not (whole and min(self.p, self.q) >= 0 and 1 <= self.p + self.q <= 8):
            raise ClaimError(
                f"{self}: a geometric algebra has from 1 to 8 basis vectors. Use p=3 for space, p=1, q=3 for spacetime."
            )

    @property
    def metric(self) -> Tensor:
        """What the basis vectors square to, on the diagonal."""
        return torch.diag(torch.tensor([1.0] * self.p + [-1.0] * self.q, dtype=torch.float64))

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        """Each grade for itself."""
        dim = self.p + self.q
        return pooled_in_blocks(x, [math.comb(dim, grade) for grade in range(dim + 1)])

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        blocks = [minors(group.linear(g), grade) for grade in range(self.p + self.q + 1)]
        sizes = [block.shape[-1] for block in blocks]
        whole, start = blocks[0].new_zeros(len(g), sum(sizes), sum(sizes)), 0
        for block, size in zip(blocks, sizes, strict=True):
            whole[:, start : start + size, start : start + size] = block
            start += size
        return whole

    def undefined(self, group: Monoid) -> str | None:
        if keeps(group, self.metric):
            return None
        squares = ", ".join(f"{value:+.0f}" for value in self.metric.diagonal().tolist())
        return f"is defined for groups that keep its metric ({squares}), not for {group}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(2), O(2), (3, 4)),
            (cls(3), O(3), (2, 8)),
            (cls(3), E(3), (8,)),
            (cls(4), O(4), (16,)),
            (cls(1, 3), FullLorentz(3), (2, 16)),
        ]


def minors(matrix: Tensor, order: int) -> Tensor:
    """The compound matrices `(n, m, m)` of `(n, d, d)`: the determinants of all its parts of `order` rows and columns.

    >>> minors(torch.diag(torch.tensor([2.0, 3.0, 5.0])).unsqueeze(0), 2)[0].diagonal()
    tensor([ 6., 10., 15.])
    """
    if order == 0:
        return matrix.new_ones(len(matrix), 1, 1)
    if order == 1:
        return matrix
    chosen = torch.tensor(list(combinations(range(matrix.shape[-1]), order)), device=matrix.device)
    parts = matrix[:, chosen[:, None, :, None], chosen[None, :, None, :]]
    found: Tensor = torch.linalg.det(parts)
    return found
