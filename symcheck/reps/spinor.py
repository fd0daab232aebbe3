"""Spinors: what complex 2 x 2 matrices act on, and what a full turn multiplies by -1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import ClaimError
from symcheck.groups import SU, Monoid, U
from symcheck.reps.base import Rep, Shape
from symcheck.reps.cartesian import LastAxis


@dataclass(frozen=True)
class Spinor(LastAxis):
    """The irrep of a spin under SU(2): the last axis has 2 spin + 1 complex components, by falling projection on z.

    A spinor proper has spin 1/2 and transforms by the matrix U itself. Higher spins are its symmetric powers, in the
    orthonormal basis sqrt(binomial(2j, k)) u^(2j - k) v^k, so that D(U) is unitary and |j, m> is component j - m. A spin that
    is a whole number is a rep of the rotations too, which SU(2) covers twice.
    """

    spin: float = 0.5

    name = "spinor"

    def __post_init__(self) -> None:
        if not (isinstance(self.spin, (int, float)) and self.spin > 0 and float(2 * self.spin).is_integer()):
            raise ClaimError(f"{self}: spins are 0.5, 1, 1.5 and so on. Use 'scalar' for spin 0.")

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        return symmetric_power(group.linear(g), round(2 * self.spin))

    def undefined(self, group: Monoid) -> str | None:
        matrix = group.linear(group.identity(1))
        if matrix.is_complex() and matrix.shape[-1] == 2:
            return None
        return f"is defined for groups of complex 2 x 2 matrices, such as SU(2), not for {group}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(spin), SU(2), (3, round(2 * spin) + 1)) for spin in (0.5, 1, 1.5, 2)] + [(cls(), U(2), (2,))]


def symmetric_power(matrix: Tensor, power: int) -> Tensor:
    """How matrices `(n, 2, 2)` act on homogeneous polynomials of degree `power`: `(n, power + 1, power + 1)`."""
    u, v = matrix.unbind(-1)  # what the two basis vectors become, as polynomials: (n, 2)
    norm = torch.tensor([math.comb(power, k) for k in range(power + 1)], dtype=torch.float64).sqrt()
    columns = [_power(u, power - k, _power(v, k, matrix.new_ones(len(matrix), 1))) for k in range(power + 1)]
    return torch.stack(columns, -1) * (norm / norm.unsqueeze(-1)).to(matrix)


def _power(factor: Tensor, times: int, polynomial: Tensor) -> Tensor:
    """Coefficients of `polynomial * (a u + b v)^times`, by rising powers of v."""
    for _ in range(times):
        longer = torch.nn.functional.pad(polynomial, (0, 1)), torch.nn.functional.pad(polynomial, (1, 0))
        polynomial = factor[:, :1] * longer[0] + factor[:, 1:] * longer[1]
    return polynomial
