"""Sets and point clouds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Set(Domain):
    """Sets of vectors without geometry: one tensor `(n, points, features)`, standard normal."""

    points: int = 8
    features: int = 3

    def __post_init__(self) -> None:
        if self.points < 1 or self.features < 1:
            raise DomainError(f"{self} is empty. Give at least 1 point and 1 feature.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(1, max(self.points, 2)).map(lambda points: {"points": points})

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, layout["points"], self.features, generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        points = layout["points"]
        places = torch.arange(points, dtype=torch.float64).unsqueeze(-1)
        features = torch.arange(1, self.features + 1, dtype=torch.float64)
        return {
            "zeros": torch.zeros(1, points, self.features, dtype=torch.float64),
            "one-hot": (places == features - 1).double().unsqueeze(0),
            "repeated elements": ((places // 2 + 1) / features).unsqueeze(0),
            "equal norms": _equal_norms(points, self.features),
        }

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1, 1), cls(5, 3)]


@dataclass(frozen=True)
class PointCloud(Domain):
    """Points in space: one tensor `(n, points, dim)`, standard normal, in the units of the model's coordinates."""

    points: int = 16
    dim: int = 3

    def __post_init__(self) -> None:
        if self.points < 1 or self.dim < 1:
            raise DomainError(f"{self} is empty. Give at least 1 point and 1 dimension.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        return Set(self.points, self.dim).layouts()

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, layout["points"], self.dim, generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        place = torch.arange(layout["points"], dtype=torch.float64)
        axes = torch.arange(self.dim, dtype=torch.float64)
        side = next(side for side in count(2) if side**self.dim >= layout["points"])
        lattice = (place.unsqueeze(-1) // side**axes) % side
        line = place.unsqueeze(-1) * (axes == 0)
        plane = (lattice + 0.1 * torch.sin(place).unsqueeze(-1)) * (axes < self.dim - 1)
        pairs = torch.sin((place // 2 + 1).unsqueeze(-1) * (axes + 1).sqrt() + axes)  # incommensurate: in no plane
        mirrored = pairs * torch.where((place % 2 == 1).unsqueeze(-1) & (axes == 0), -1.0, 1.0)
        helix = torch.cat([torch.stack([place.cos(), place.sin(), place / 2], -1), torch.zeros(len(place), self.dim)], -1)
        along = (1 + place // (2 * self.dim)) * torch.where(place % 2 == 0, 1.0, -1.0)
        clouds = {
            "integer lattice": lattice,
            "collinear points": line,
            "planar points": plane,
            "coincident points": pairs,
            "mirror-symmetric points": mirrored,
            "a helix": helix[:, : self.dim],
            "points on the axes": along.unsqueeze(-1) * (axes == (place // 2 % self.dim).unsqueeze(-1)),
        }
        return {name: cloud.double().unsqueeze(0) for name, cloud in clouds.items()}

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1), cls(7), cls(5, dim=2)]


def _equal_norms(points: int, features: int) -> Tensor:
    place = torch.arange(points * features, dtype=torch.float64).reshape(1, points, features)
    return torch.nn.functional.normalize(torch.cos(place + 1), dim=-1)
