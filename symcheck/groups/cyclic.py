"""Cyclic groups: rotations of the plane by the multiples of one angle."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.point import PointGroup, below, divisors

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Cyclic(PointGroup):
    """Rotations of the plane by multiples of a full turn's `fold`-th part: `(n, 1)`, int64, the number of such steps.

    >>> str(Cyclic(4)), Cyclic(4).describe(torch.tensor([3]))
    ('C_4', 'rotation by -90 deg')
    """

    fold: int

    notation = ("C_4", "C_6")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.fold < 1:
            raise GroupError(f"C_{self.fold} has no elements. Give the number of steps in a full turn, 1 or more, as in 'C_4'.")

    def __str__(self) -> str:
        return f"C_{self.fold}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"C_(\d+)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(4), cls(5), cls(12)]

    @property
    def element(self) -> tuple[int, ...]:
        return (1,)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, 1, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + h) % self.fold

    def inverse(self, g: Tensor) -> Tensor:
        return -g % self.fold

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.randint(self.fold, (n, 1), generator=rng)

    def generators(self) -> Tensor:
        return torch.ones(1, 1, dtype=torch.int64) % self.fold

    def landmarks(self) -> Tensor:
        """One step, and a quarter and a half turn where there are any."""
        turns = [1, *(self.fold // part for part in (4, 2) if self.fold % part == 0)]
        return torch.tensor(list(dict.fromkeys(turns))).unsqueeze(-1) % self.fold

    def elements(self) -> Tensor:
        return torch.arange(self._listed()).unsqueeze(-1)

    @property
    def order(self) -> int:
        return self.fold

    def describe(self, g: Tensor) -> str:
        steps = int(g)
        return f"rotation by {degrees(steps, self.fold):.4g} deg" if steps else "identity"

    def contains(self, g: Tensor) -> Tensor:
        return below(g, self.fold).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        return turns(g[:, 0], self.fold)

    def phase(self, g: Tensor) -> Tensor:
        return g[:, 0].double() * (2 * math.pi / self.fold)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """C_d for each divisor d."""
        return tuple(Homomorphism(Cyclic(d), self, multiple(self.fold // d)) for d in divisors(self.fold) if d > 1)


def turns(steps: Tensor, fold: int) -> Tensor:
    """Rotations `(n, 2, 2)` of the plane by `steps` times a full turn's `fold`-th part. Those by quarter turns are exact."""
    quarter, rest = 4 * steps // fold % 4, 4 * steps % fold
    angle = rest.double() * (math.pi / (2 * fold))
    c, s = angle.cos(), angle.sin()
    cosine, sine = torch.stack([c, -s, -c, s]), torch.stack([s, c, -s, -c])
    cosine, sine = (part.gather(0, quarter.unsqueeze(0))[0] + 0.0 for part in (cosine, sine))  # + 0.0 makes -0 a 0
    return torch.stack([cosine, -sine + 0.0, sine, cosine], -1).reshape(-1, 2, 2)


def degrees(steps: int, fold: int) -> float:
    """The angle of so many steps, from above -180 up to 180 deg.

    >>> degrees(3, 4), degrees(2, 4)
    (-90.0, 180.0)
    """
    return 360 * (steps if 2 * steps <= fold else steps - fold) / fold


def multiple(times: int) -> Callable[[Tensor], Tensor]:
    """The map that takes so many steps for one."""
    return lambda g: times * g
