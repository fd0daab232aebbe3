"""Sets of different sizes in one batch: padded to one length, with a mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck.domains.base import Domain, Layout
from symcheck.domains.points import Set
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class PaddedSet(Domain):
    """Sets of all sizes up to `points`: `x (n, points, features)` and which of the points are there, `(n, points)`, bool.

    The points stand before the padding and are standard normal. The padding isn't zeros, which would hide a sum that reads it,
    but normal numbers of spread `garbage`: not so large that they alone make up the size of x, in steps of which noise is
    measured. Each size from `least` on comes once before any comes again.

    >>> x, mask = PaddedSet(points=4).sample({"points": 4}, 3, torch.Generator().manual_seed(0))
    >>> mask.sum(-1).unique().numel()
    3
    """

    points: int = 8
    features: int = 3
    least: int = 1
    garbage: float = 3.0

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.points < 1 or self.features < 1:
            raise DomainError(f"{self} is empty. Give at least 1 point and 1 feature.")
        if not 0 <= self.least <= self.points:
            raise DomainError(f"{self}: the least size is between 0 and the {self.points} points, not {self.least}.")
        if not 0 < self.garbage < float("inf"):
            raise DomainError(f"{self}: garbage is the spread of the padding, positive and finite. Zeros would hide a leak.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(max(1, self.least), max(self.points, 2)).map(lambda points: {"points": points})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {name: layout for name, layout in Set().boundaries.items() if layout["points"] >= max(1, self.least)}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        points = layout["points"]
        sizes = torch.arange(min(self.least, points), points + 1)
        rounds = [sizes[torch.randperm(len(sizes), generator=rng)] for _ in range(-(-n // len(sizes)))]
        mask = torch.arange(points) < torch.cat(rounds)[:n].unsqueeze(-1)
        x = torch.randn(n, points, self.features, generator=rng, dtype=torch.float64)
        return torch.where(mask.unsqueeze(-1), x, self.garbage * x), mask

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """Sets of the sizes at which masks break, and equal points of which some are padding."""
        points = layout["points"]
        place = torch.arange(points)
        x = (place.unsqueeze(-1) * self.features + torch.arange(1.0, self.features + 1, dtype=torch.float64)).cos()
        half = place < max(self.least, -(-points // 2))
        kept = {"all kept": place >= 0, "one kept": place < max(self.least, 1)}
        if self.least == 0:
            kept["none kept"] = place < 0
        found = {name: self._filled(x, mask) for name, mask in kept.items()}
        found["kept points apart"] = self._filled(x, (place % 2 == 0) | (place < self.least))
        found["points equal to the padding"] = (torch.ones_like(x).unsqueeze(0), half.unsqueeze(0))
        return found

    def _filled(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return torch.where(mask.unsqueeze(-1), x, self.garbage * x).unsqueeze(0), mask.unsqueeze(0)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(), cls(6, 1, least=0), cls(7, 2, least=3)]
