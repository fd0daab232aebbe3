"""Tensors of any shape, when nothing more is known of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, sized


@dataclass(frozen=True)
class Tensors(Domain):
    """One tensor `(n, *shape)`, standard normal."""

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if any(size < 1 for size in self.shape):
            raise DomainError(f"{self} is empty. Give at least one entry along each axis.")

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, *self.shape, generator=rng, dtype=torch.float64)

    @property
    def open(self) -> frozenset[int]:
        return frozenset({0})

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(()), cls((2, 3))]
