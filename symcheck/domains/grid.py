"""Signals on periodic grids: sequences, images, volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Grid(Domain):
    """Signals of several channels on a grid: one tensor `(n, channels, *size)`, standard normal (white noise)."""

    channels: int = 1
    size: tuple[int, ...] = (16, 16)

    def __post_init__(self) -> None:
        if self.channels < 1 or not self.size or min(self.size) < 1:
            raise DomainError(f"{self} is empty. Give at least 1 channel and 1 sample along each axis.")

    @property
    def layout(self) -> Layout:
        return {f"grid{axis}": size for axis, size in enumerate(self.size)}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.fixed_dictionaries({axis: strategies.integers(1, size) for axis, size in self.layout.items()})

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, *self._shape(layout), generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        shape = self._shape(layout)
        impulse = torch.zeros(shape, dtype=torch.float64).flatten(1)
        impulse[:, 0] = 1
        places = torch.meshgrid(*(torch.arange(size) for size in shape[1:]), indexing="ij")
        parity = torch.stack(places).sum(0) % 2
        signals = {"impulse": impulse.reshape(shape), "checkerboard": parity.expand(shape).double()}
        return {name: signal.unsqueeze(0) for name, signal in signals.items()}

    def _shape(self, layout: Layout) -> tuple[int, ...]:
        return (self.channels, *(layout[axis] for axis in self.layout))

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1, (1,)), cls(2, (5,)), cls(3, (4, 6)), cls(1, (2, 3, 4))]
