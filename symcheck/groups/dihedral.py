"""Dihedral groups: rotations of the plane by the multiples of one angle, and reflections."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.cyclic import Cyclic, degrees, turns
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.point import PointGroup, below, divisors

if TYPE_CHECKING:
    from typing_extensions import Self


MOST_LINES = 8
"""In up to so many lines `subgroups` tells them apart."""


@dataclass(frozen=True)
class Dihedral(PointGroup):
    """The symmetries of a regular polygon, `2 * fold` of them: `(n, 2)`, int64, steps k and reflections m.

    (k, m) stands for r^k s^m: first the mirror s = diag(1, -1) if m is 1, then k rotations r by a full turn's `fold`-th part.
    Since s r s is the inverse of r, the product (k, m) (k', m') is (k + (-1)^m k', m + m').

    >>> str(Dihedral(4)), Dihedral(4).order, Dihedral(4).describe(torch.tensor([1, 1]))
    ('D_4', 8, 'reflection in the line at 45 deg')
    """

    fold: int

    notation = ("D_4", "D_1")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.fold < 1:
            raise GroupError(f"D_{self.fold} has no elements. Give the number of steps in a full turn, 1 or more, as in 'D_4'.")

    def __str__(self) -> str:
        return f"D_{self.fold}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"D_(\d+)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(4), cls(5), cls(12)]

    @property
    def element(self) -> tuple[int, ...]:
        return (2,)

    @property
    def _sizes(self) -> Tensor:
        return torch.tensor([self.fold, 2])

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, 2, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + torch.stack([_sign(g) * h[:, 0], h[:, 1]], -1)) % self._sizes

    def inverse(self, g: Tensor) -> Tensor:
        """Reflections are their own inverses."""
        return torch.stack([-_sign(g) * g[:, 0], g[:, 1]], -1) % self._sizes

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Rotations and reflections in turn, so that two elements reach both."""
        mirrored = (torch.arange(n) + torch.randint(2, (), generator=rng)) % 2
        return torch.stack([torch.randint(self.fold, (n,), generator=rng), mirrored], -1)

    def generators(self) -> Tensor:
        return torch.eye(2, dtype=torch.int64) % self._sizes

    def landmarks(self) -> Tensor:
        """Those of the rotations, and the reflections in the lines at 0 and at half a step."""
        rotations = Cyclic(self.fold).landmarks()
        mirrors = torch.tensor([[0, 1], [1 % self.fold, 1]])
        return torch.cat([torch.cat([rotations, torch.zeros_like(rotations)], -1), mirrors[: self.fold]])

    def elements(self) -> Tensor:
        """The rotations, then the reflections."""
        steps, mirrored = torch.arange(self._listed()) % self.fold, torch.arange(self.order) // self.fold
        return torch.stack([steps, mirrored], -1)

    @property
    def order(self) -> int:
        return 2 * self.fold

    def describe(self, g: Tensor) -> str:
        steps, mirrored = g.tolist()
        if mirrored:
            return f"reflection in the line at {180 * steps / self.fold:.4g} deg"
        return f"rotation by {degrees(steps, self.fold):.4g} deg" if steps else "identity"

    def contains(self, g: Tensor) -> Tensor:
        return below(g, self._sizes).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        matrix = turns(g[:, 0], self.fold)
        return torch.stack([matrix[..., 0], matrix[..., 1] * _sign(g).unsqueeze(-1) + 0.0], -1)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """The rotations C_n, and C_d and D_d for each divisor d of n, that with each choice of lines that it has."""
        found = [Homomorphism(Cyclic(d), self, _rotations(self.fold // d)) for d in (self.fold, *divisors(self.fold)) if d > 1]
        for d in divisors(self.fold):
            for first in range(self.fold // d if self.fold <= MOST_LINES else 1):
                name = f"D_{d} (line at {180 * first / self.fold:.4g} deg)" if first else ""
                found.append(Homomorphism(Dihedral(d), self, _steps(self.fold // d, first), name))
        return tuple(sorted(found, key=lambda inclusion: -inclusion.source.order))


def _sign(g: Tensor) -> Tensor:
    """-1 for reflections, 1 for rotations."""
    return 1 - 2 * g[:, 1]


def _rotations(times: int) -> Callable[[Tensor], Tensor]:
    return lambda g: torch.cat([times * g, torch.zeros_like(g)], -1)


def _steps(times: int, first: int) -> Callable[[Tensor], Tensor]:
    """The map to every so manieth rotation, and to the reflections in the lines of these from the first on."""
    return lambda g: torch.stack([times * g[:, 0] + first * g[:, 1], g[:, 1]], -1)
