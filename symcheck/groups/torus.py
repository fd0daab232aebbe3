"""The torus: translations of a periodic signal by any distance, also by fractions of a sample."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.base import Group
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations

if TYPE_CHECKING:
    from typing_extensions import Self

_FINEST = 2.0**-32  # of a sample: sums of its multiples are exact in float64 for up to 2^20 samples


@dataclass(frozen=True)
class PeriodicShifts(Group):
    """Translations `(n, axes)` of signals with periods of so many samples: real numbers, float64, from 0 to below the period.

    The group R/N x R/M ..., a torus. Uniform elements are drawn as multiples of 2^-32 of a sample, so that their sums are
    exact. `size` holds a period for each axis, or None for each that is read off the tensors.

    >>> str(PeriodicShifts((None, None))), str(PeriodicShifts((8, 6)))
    ('(R/N)^2', 'R/8 x R/6')
    >>> PeriodicShifts((8, 6)).describe(torch.tensor([0.5, 5.75], dtype=torch.float64))
    'shift (+0.5, -0.25)'
    """

    size: tuple[int | None, ...]

    notation = ("(R/N)^2", "R/8", "R/8 x R/6")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if not self.size or any(n is not None and n < 1 for n in self.size):
            raise GroupError(f"PeriodicShifts({self.size}) shifts nothing. Give one period of 1 or more for each axis.")

    def __str__(self) -> str:
        words = [f"R/{'N' if n is None else n}" for n in self.size]
        if len(set(words)) == 1:
            return f"({words[0]})^{len(words)}" if len(words) > 1 else words[0]
        return " x ".join(words)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        sizes: list[int | None] = []
        for factor in text.split(" x "):
            match = re.fullmatch(r"R/(N|\d+)|\(R/(N|\d+)\)\^(\d+)", factor)
            if match is None:
                return None
            period = match[1] or match[2]
            sizes += [None if period == "N" else int(period)] * int(match[3] or 1)
        return cls(tuple(sizes))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls((1,)), cls((5,)), cls((4, 6))]

    def bind(self, sizes: Mapping[str, int]) -> PeriodicShifts:
        found = tuple(sizes.get(f"grid{axis}", size) for axis, size in enumerate(self.size))
        if None in found:
            raise GroupError(
                f"{self} needs the period of each of its {len(self.size)} axes, and no rep says them. "
                f"Give an input the rep FourierShift(axes=...), or name the period, as in '(R/8)^2'."
            )
        if 0 in found:
            raise GroupError(f"{self} shifts an empty signal. Use an example with at least one sample along each axis.")
        if any(mine not in (None, theirs) for mine, theirs in zip(self.size, found, strict=True)):
            raise GroupError(f"{self} has the periods {self.size}; the tensors have {found}. Use 'R/N' to follow them.")
        return PeriodicShifts(found)

    @property
    def grid(self) -> tuple[int, ...]:
        sizes = tuple(size for size in self.size if size is not None)
        if len(sizes) < len(self.size):
            raise GroupError(f"{self} isn't bound to a size yet. Use PeriodicShifts((8, 8)).")
        return sizes

    @property
    def _period(self) -> Tensor:
        return torch.tensor(self.grid, dtype=torch.float64)

    def _wrapped(self, v: Tensor) -> Tensor:
        rest = v % self._period
        return torch.where(rest < self._period, rest, 0.0)  # a tiny negative number modulo N rounds to N

    @property
    def element(self) -> tuple[int, ...]:
        return (len(self.size),)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, len(self.size), dtype=torch.float64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return self._wrapped(g + h)

    def inverse(self, g: Tensor) -> Tensor:
        return self._wrapped(-g)

    def sample(self, n: int, rng: Generator) -> Tensor:
        uniform = torch.rand(n, len(self.size), generator=rng, dtype=torch.float64) * self._period
        return (uniform / _FINEST).floor() * _FINEST

    def generators(self) -> Tensor:
        return self.identity(0)

    def landmarks(self) -> Tensor:
        """Half a sample, and a whole one, along each axis."""
        axes = torch.eye(len(self.size), dtype=torch.float64)
        return self._wrapped(torch.cat([axes / 2, axes]))

    def describe(self, g: Tensor) -> str:
        nearest = torch.where(2 * g > self._period, g - self._period, g)  # the shorter way round
        return f"shift ({', '.join(f'{v:+.4g}' if v else '0' for v in nearest.tolist())})" if bool(g.any()) else "identity"

    def contains(self, g: Tensor) -> Tensor:
        return ((g >= 0) & (g < self._period)).all(-1)

    def shift(self, g: Tensor) -> Tensor:
        """Any number of samples, float64: only reps that find values between samples can act by it."""
        return g

    def algebra(self) -> Tensor:
        """Each circle is the rotations of a plane: one turn for one period."""
        basis = torch.zeros(len(self.size), 2 * len(self.size), 2 * len(self.size), dtype=torch.float64)
        for axis, period in enumerate(self.grid):
            basis[axis, 2 * axis + 1, 2 * axis] = 2 * math.pi / period
            basis[axis, 2 * axis, 2 * axis + 1] = -2 * math.pi / period
        return basis

    @property
    def dimension(self) -> int:
        return len(self.size)

    def exponential(self, v: Tensor) -> Tensor:
        return self._wrapped(v)

    def complexity(self, g: Tensor) -> Tensor:
        """For each axis: 0 for no shift, 1 for whole samples, 2 for halves, 3 for other fractions."""
        each = torch.full_like(g, 3.0)
        for measure, step in ((2.0, 0.5), (1.0, 1.0)):
            each = torch.where(g % step == 0, measure, each)
        return torch.where(g == 0, 0.0, each).sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """Half a sample or a whole one along an axis alone, then with an axis left alone, or rounded to either."""
        axes = torch.eye(len(g), dtype=torch.float64)
        rounded = (step * torch.round(g / step) for step in (1.0, 0.5))
        found = [self.identity(1), self.landmarks(), g * (1 - axes), *(g + axes * (near - g) for near in rounded)]
        return self._simplest_first(g, self._wrapped(torch.cat(found)))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """The shifts by whole samples."""
        return (Homomorphism(Translations(self.grid), self, lambda g: g.double()),)
