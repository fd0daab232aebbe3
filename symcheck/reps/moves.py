"""Reps that move entries about: permutations of one axis and cyclic shifts of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import Monoid, Symmetric, Translations
from symcheck.reps.base import Rep, Shape


@dataclass(frozen=True)
class Permute(Rep):
    """Permutes the entries along one axis, counted from the end: entry i goes to place g(i).

    `of` names what is permuted, and is the same for every tensor that the same permutation moves.
    """

    axis: int = -2
    of: str = "points"

    name = "permute"
    discrete = True

    def __post_init__(self) -> None:
        _from_the_end(self, (self.axis,))

    @property
    def rank(self) -> int:
        return -self.axis

    @property
    def mixes(self) -> tuple[int, ...]:
        return (self.axis,)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {self.of: shape[self.axis]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        source = group.permutation(g, self.of).argsort(-1).to(x.device)
        ones = [1] * x.ndim
        ones[0], ones[self.axis] = source.shape
        return x.gather(self.axis, source.reshape(ones).expand(x.shape))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            size = group.permutation(group.identity(1), self.of).shape[-1]
        except GroupError as error:
            return f"{self}: {error}"
        if shape[self.axis] != size:
            return f"{self} under {group} permutes {size} entries along axis {self.axis}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Symmetric(4), (4, 2)), (cls(axis=-1), Symmetric(3), (3,)), (cls(axis=-3), Symmetric(2), (5, 2, 3, 1))]


@dataclass(frozen=True)
class Roll(Rep):
    """Shifts a grid cyclically along its axes, counted from the end, as `torch.roll` does."""

    axes: tuple[int, ...] = (-2, -1)

    name = "roll"
    discrete = True

    def __post_init__(self) -> None:
        _from_the_end(self, self.axes)

    @property
    def rank(self) -> int:
        return -min(self.axes)

    @property
    def mixes(self) -> tuple[int, ...]:
        return self.axes

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {f"grid{i}": shape[axis] for i, axis in enumerate(self.axes)}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        shift = group.shift(g).to(x.device)
        for i, axis in enumerate(self.axes):
            size = x.shape[axis]
            source = (torch.arange(size, device=x.device) - shift[:, i : i + 1]) % size
            ones = [1] * x.ndim
            ones[0], ones[axis] = source.shape
            x = x.gather(axis, source.reshape(ones).expand(x.shape))
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            size = group.grid
        except GroupError as error:
            return f"{self}: {error}"
        if size != tuple(shape[axis] for axis in self.axes):
            return f"{self} under {group} shifts {len(size)} axes of sizes {size}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Translations((4, 6)), (2, 4, 6)), (cls(axes=(-2,)), Translations((5,)), (5, 3))]


def _from_the_end(rep: Rep, axes: tuple[int, ...]) -> None:
    if (
        not isinstance(axes, tuple)
        or not axes
        or any(not isinstance(axis, int) or axis >= 0 for axis in axes)
        or len(set(axes)) < len(axes)
    ):
        raise ClaimError(f"{rep}: axes are different negative integers, counted from the end, so that batch axes don't matter.")
