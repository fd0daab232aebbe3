"""Signals on periodic grids: sequences, images, volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator

from symcheck import patterns
from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Grid(Domain):
    """Signals of several channels on a grid: one tensor `(n, channels, *size)`, standard normal (white noise).

    A model with strides works on some sizes alone: the multiples of `multiple`, to which layouts then keep.
    """

    channels: int = 1
    size: tuple[int, ...] = (16, 16)
    multiple: int = field(default=1, repr=False)

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.channels < 1 or not self.size or min(self.size) < 1:
            raise DomainError(f"{self} is empty. Give at least 1 channel and 1 sample along each axis.")
        if self.multiple < 1 or any(size % self.multiple for size in self.size):
            raise DomainError(f"{self}: each size must be a multiple of {self.multiple}. Change the sizes, or `multiple`.")

    @property
    def layout(self) -> Layout:
        return {f"grid{axis}": size for axis, size in enumerate(self.size)}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        step = self.multiple
        sizes = {axis: strategies.integers(1, size // step).map(lambda k: k * step) for axis, size in self.layout.items()}
        return strategies.fixed_dictionaries(sizes)

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        name = "a single sample" if self.multiple == 1 else f"the smallest grid, {self.multiple} samples an axis"
        return {name: dict.fromkeys(self.layout, self.multiple)}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, *self._shape(layout), generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        shape = self._shape(layout)
        return {name: signal.expand(1, *shape) for name, signal in patterns.signals(shape[1:]).items()}

    def _shape(self, layout: Layout) -> tuple[int, ...]:
        return (self.channels, *(layout[axis] for axis in self.layout))

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1, (1,)), cls(2, (5,)), cls(3, (4, 6)), cls(1, (2, 3, 4)), cls(2, (8, 4), multiple=2)]
