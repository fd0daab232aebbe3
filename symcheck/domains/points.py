"""Sets and point clouds."""

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

CUTOFF_GAP = 1e-9  # of the cutoff: nearer than any envelope that is cut off resolves, farther than float64 rounds


@dataclass(frozen=True)
class Set(Domain):
    """Sets of vectors without geometry: one tensor `(n, points, features)`, standard normal."""

    points: int = 8
    features: int = 3

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.points < 1 or self.features < 1:
            raise DomainError(f"{self} is empty. Give at least 1 point and 1 feature.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(1, max(self.points, 2)).map(lambda points: {"points": points})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {"an empty set": {"points": 0}, "a single point": {"points": 1}, "two points": {"points": 2}}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, layout["points"], self.features, generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        sets = patterns.elements(layout["points"], self.features)
        return {name: elements.unsqueeze(0) for name, elements in sets.items()}

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1, 1), cls(5, 3)]


@dataclass(frozen=True)
class PointCloud(Domain):
    """Points in space: one tensor `(n, points, dim)`, standard normal, in the units of the model's coordinates.

    Give the model's `cutoff`, if it has one, in the same units: distances just above and just below it are then tried too.
    """

    points: int = 16
    dim: int = 3
    cutoff: float | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.points < 1 or self.dim < 1:
            raise DomainError(f"{self} is empty. Give at least 1 point and 1 dimension.")
        if self.cutoff is not None and not 0 < self.cutoff < float("inf"):
            raise DomainError(f"{self}: the cutoff is a distance, positive and finite. Leave it out if the model has none.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        return Set(self.points, self.dim).layouts()

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return Set(self.points, self.dim).boundaries

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, layout["points"], self.dim, generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        clouds = dict(patterns.points(layout["points"], self.dim))
        if self.cutoff is not None:
            near = CUTOFF_GAP * self.cutoff
            clouds["points about the cutoff"] = patterns.shell(layout["points"], self.dim, self.cutoff, near)
        return {name: cloud.unsqueeze(0) for name, cloud in clouds.items()}

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1), cls(7), cls(5, dim=2)]
