"""The domain interface: where inputs come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Layout = Mapping[str, int]


class Domain(ABC):
    """A supply of inputs for one model: trees whose leaves are `(n, *shape)`, n independent inputs.

    Promises, each tested for every domain that `examples` returns:

    - `sample(layout, n, rng)` depends on the layout, n and the seed of rng alone, is float64 on the CPU where it is
      floating point, and gives different inputs;
    - every tree of `structured(layout)` has the structure and shapes of a sample.

    A *layout* is the integers that fix the shapes (`{"points": 5}`). Hypothesis draws and shrinks layouts; torch draws
    the numbers, in bulk.
    """

    dtype: torch.dtype | None = None
    """The dtype that the inputs have for their user; None where they are made up."""

    @property
    def layout(self) -> Layout:
        """The layout that a check uses. Empty where the shapes are fixed."""
        return {}

    def layouts(self) -> SearchStrategy[Layout]:
        """All layouts that make sense, for Hypothesis to draw and shrink."""
        from hypothesis import strategies

        return strategies.just(self.layout)

    @abstractmethod
    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        """N inputs: a tree of tensors `(n, *shape)`. A plain tuple or `Args` stands for the arguments of the call."""

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """The inputs that break models, by name: ties, lattices, zeros. Each a tree as `sample` gives it."""
        return {}

    def readings(self, ranks: Sequence[int]) -> Sequence[Domain]:
        """This domain in each way that its inputs can be read; a check takes the first that the model agrees with.

        `ranks` says how many trailing axes the claim's reps need, one number an input leaf.
        """
        return [self]

    @property
    def fixed(self) -> frozenset[int]:
        """The input leaves, by index, that are the same in every sample, and may be shared by the trials of a batch."""
        return frozenset()

    @property
    def batched(self) -> bool | None:
        """Whether the model takes the trial axis as its batch axis (True), takes one input a call (False), or either."""
        return None

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[Domain]:
        """Domains on which the promises are tested."""
