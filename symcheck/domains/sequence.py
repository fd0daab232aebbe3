"""Sequences in time: what comes at each step, how long the step lasts, and how many steps there are."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class _OfSteps(Domain):
    """A domain of one size, the number of steps."""

    steps: int

    @property
    def layout(self) -> Layout:
        return {"steps": self.steps}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(1, max(self.steps, 2)).map(lambda steps: {"steps": steps})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {"a single step": {"steps": 1}}


@dataclass(frozen=True)
class Sequence(_OfSteps):
    """Sequences of vectors: one tensor `(n, steps, features)`, standard normal (white noise)."""

    steps: int = 12
    features: int = 3

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.steps < 1 or self.features < 1:
            raise DomainError(f"{self} is empty. Give at least 1 step and 1 feature.")

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, layout["steps"], self.features, generator=rng, dtype=torch.float64)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        time = torch.arange(layout["steps"], dtype=torch.float64).unsqueeze(-1)
        each = torch.arange(1, self.features + 1, dtype=torch.float64)
        signals = {
            "zeros": 0 * time * each,
            "a constant sequence": each.cos().expand(len(time), -1),
            "an impulse": (time == 0) * each,
            "repeated steps": torch.cos((time // 2 + 1) * each),
            "one-hot symbols": (time % self.features == each - 1).double(),
        }
        return {name: signal.unsqueeze(0).clone() for name, signal in signals.items()}

    @classmethod
    def examples(cls) -> Sequence_[Domain]:
        return [cls(1, 1), cls(7, 3)]


@dataclass(frozen=True)
class Durations(_OfSteps):
    """How long each step lasts: one tensor `(n, steps)`, uniform between `least` and `most`, irregular sampling.

    None is drawn so near to zero that a small change would make it negative. Zeros come as structured inputs.
    """

    steps: int = 12
    least: float = 0.5
    most: float = 2.0

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.steps < 1:
            raise DomainError(f"{self} is empty. Give at least 1 step.")
        if not 0 < self.least < self.most < float("inf"):
            raise DomainError(f"{self}: durations are positive, and differ. Give 0 < least < most.")

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        drawn = torch.rand(n, layout["steps"], generator=rng, dtype=torch.float64)
        return self.least + (self.most - self.least) * drawn

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        time = torch.arange(layout["steps"], dtype=torch.float64)
        even = torch.full_like(time, (self.least + self.most) / 2)
        found = {
            "equal durations": even,
            "every other duration zero": even * (time % 2 == 0),
            "durations of zero": 0 * even,
            "one huge duration": torch.where(time == len(time) // 2, 1e6 * self.most, even),
        }
        return {name: durations.unsqueeze(0) for name, durations in found.items()}

    @classmethod
    def examples(cls) -> Sequence_[Domain]:
        return [cls(1), cls(7, 0.1, 3.0)]


@dataclass(frozen=True)
class Lengths(_OfSteps):
    """Which steps are there: one mask `(n, steps)`, bool, True for the first ones, of 1 to `most` steps; the rest is padding.

    Each length comes once before any comes twice.
    """

    steps: int = 12
    most: int | None = None

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.steps < 1:
            raise DomainError(f"{self} is empty. Give at least 1 step.")
        if self.most is not None and not 1 <= self.most <= self.steps:
            raise DomainError(f"{self}: of {self.steps} steps 1 to {self.steps} are there. Give a `most` among these.")

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        most = self._most(layout)
        rounds = [torch.randperm(most, generator=rng) for _ in range(-(-n // most))]
        return torch.arange(layout["steps"]) <= torch.cat(rounds)[:n].unsqueeze(-1)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        time = torch.arange(layout["steps"])
        lengths = {"one step and padding": 1, "the most steps": self._most(layout)}
        return {name: (time < length).unsqueeze(0) for name, length in lengths.items()}

    def simpler(self, x: Any) -> Any:
        """More steps and less padding."""
        steps = len(x)
        lengths = torch.arange(min(self.most or steps, steps), int(x.sum()), -1)
        return torch.arange(steps) < lengths.unsqueeze(-1)

    def complexity(self, x: Any) -> Tensor:
        """The number of steps that are padding."""
        padding: Tensor = (~x).sum(-1).double()
        return padding

    def _most(self, layout: Layout) -> int:
        return min(self.most or self.steps, layout["steps"])

    @classmethod
    def examples(cls) -> Sequence_[Domain]:
        return [cls(9), cls(12, 5)]
