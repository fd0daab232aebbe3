"""Lattice translations: cyclic shifts of a d-dimensional grid."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.base import Group
from symcheck.groups.homomorphism import Homomorphism

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Translations(Group):
    """Shifts `(n, axes)` of a periodic grid, int64: the group Z_N x Z_M ...

    `size` holds one number of samples an axis, or None for each that is read off the tensors.

    >>> str(Translations((None, None))), str(Translations((8, 6)))
    ('Z_N^2', 'Z_8 x Z_6')
    """

    size: tuple[int | None, ...]

    notation = ("Z_N^2", "Z_8^2", "Z_8", "Z_8 x Z_6")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if not self.size or any(n is not None and n < 1 for n in self.size):
            raise GroupError(f"Translations({self.size}) shifts nothing. Give one size of 1 or more for each axis.")

    def __str__(self) -> str:
        words = ["N" if n is None else str(n) for n in self.size]
        if len(set(words)) == 1:
            return f"Z_{words[0]}" + (f"^{len(words)}" if len(words) > 1 else "")
        return " x ".join(f"Z_{word}" for word in words)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        sizes: list[int | None] = []
        for factor in text.split(" x "):
            match = re.fullmatch(r"Z_(N|\d+)(?:\^(\d+))?", factor)
            if match is None:
                return None
            sizes += [None if match[1] == "N" else int(match[1])] * int(match[2] or 1)
        return cls(tuple(sizes))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls((1,)), cls((5,)), cls((4, 6)), cls((2, 3, 4))]

    def bind(self, sizes: Mapping[str, int]) -> Translations:
        found = tuple(sizes.get(f"grid{axis}", size) for axis, size in enumerate(self.size))
        if None in found:
            raise GroupError(
                f"{self} needs the number of samples along each of its {len(self.size)} axes, and no rep says them. "
                f"Give an input the rep Roll(axes=...), or name the size, as in 'Z_8^2'."
            )
        if 0 in found:
            raise GroupError(f"{self} shifts an empty grid. Use an example with at least one sample along each axis.")
        if any(mine not in (None, theirs) for mine, theirs in zip(self.size, found, strict=True)):
            raise GroupError(f"{self} shifts a grid of {self.size}; the tensors have {found}. Use the size 'N' to follow them.")
        return Translations(found)

    @property
    def grid(self) -> tuple[int, ...]:
        sizes = tuple(size for size in self.size if size is not None)
        if len(sizes) < len(self.size):
            raise GroupError(f"{self} isn't bound to a size yet. Use Translations((8, 8)).")
        return sizes

    @property
    def _size(self) -> Tensor:
        return torch.tensor(self.grid)

    @property
    def element(self) -> tuple[int, ...]:
        return (len(self.size),)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, len(self.size), dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + h) % self._size

    def inverse(self, g: Tensor) -> Tensor:
        return -g % self._size

    def sample(self, n: int, rng: Generator) -> Tensor:
        return (torch.rand(n, len(self.size), generator=rng, dtype=torch.float64) * self._size).long()

    def generators(self) -> Tensor:
        """The generators: a shift by one along each axis."""
        return torch.eye(len(self.size), dtype=torch.int64) % self._size

    def describe(self, g: Tensor) -> str:
        size = self._size
        nearest = torch.where(2 * g > size, g - size, g)  # the shorter way round
        return f"shift ({', '.join(f'{v:+d}' if v else '0' for v in nearest.tolist())})" if bool(g.any()) else "identity"

    def contains(self, g: Tensor) -> Tensor:
        return ((g >= 0) & (g < self._size) & (g == g.round() if g.is_floating_point() else True)).all(-1)

    def shift(self, g: Tensor) -> Tensor:
        return g

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Shifts by multiples of what divides all axes, which strides of that size leave; and those along one axis alone."""
        whole = [step for step in range(2, max(self.grid)) if all(size % step == 0 for size in self.grid)]
        found = [self._coarse(step) for step in whole]
        for axis, size in enumerate(self.grid if len(self.grid) > 1 else ()):
            along, alone = partial(_along, axis=axis, axes=len(self.grid)), partial(_is_along, axis=axis)
            found.append(Homomorphism(Translations((size,)), self, along, f"shifts along axis {axis}", alone))
        return tuple(sorted(found, key=lambda inclusion: -inclusion.source.order))

    def _coarse(self, step: int) -> Homomorphism:
        source = Translations(tuple(size // step for size in self.grid))
        return Homomorphism(
            source, self, partial(_times, step=step), f"shifts by multiples of {step}", partial(_divides, step=step)
        )

    @property
    def order(self) -> int:
        return math.prod(self.grid)

    def elements(self) -> Tensor:
        self._listed()
        return torch.cartesian_prod(*map(torch.arange, self.grid)).reshape(-1, len(self.size))

    def complexity(self, g: Tensor) -> Tensor:
        """How many steps to a neighbour it takes, the shorter way round."""
        return torch.minimum(g, self._size - g).sum(-1).double()

    def simpler(self, g: Tensor) -> Tensor:
        """One step along each axis, then the element with each axis left alone, halved, or one step less."""
        back = torch.where(2 * g > self._size, g - self._size, g)
        axes = torch.eye(len(g), dtype=torch.int64)
        candidates = [
            self.identity(1),
            axes,
            -axes,
            back * (1 - axes),
            back - axes * (back - back // 2),
            back - axes * back.sign(),
        ]
        found = torch.cat(candidates) % self._size
        measure = self.complexity(found)
        keep = measure < self.complexity(g.unsqueeze(0))
        return found[keep][measure[keep].argsort(stable=True)]


def _times(g: Tensor, step: int) -> Tensor:
    return g * step


def _divides(g: Tensor, step: int) -> Tensor:
    return (g % step == 0).all(-1)


def _along(g: Tensor, axis: int, axes: int) -> Tensor:
    return torch.nn.functional.pad(g, (axis, axes - axis - 1))


def _is_along(g: Tensor, axis: int) -> Tensor:
    return (g != 0).sum(-1) == (g[:, axis] != 0)
