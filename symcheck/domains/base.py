"""The domain interface: where inputs come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Generator, Tensor

from symcheck._tree import flatten

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

    @property
    def open(self) -> frozenset[int]:
        """The input leaves, by index, in whose place any tensor may stand: a check tries the patterns of their reps there."""
        return frozenset()

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        """The layouts at which models break, by name: "a single point", "no edges". A check tries the claim there too."""
        return {}

    def simpler(self, x: Any) -> Any:
        """Candidates to put in the place of one input: a tree as `sample` gives it, of any number of inputs, simplest first.

        By default each floating-point tensor whole, and each entry along its first axis, set to zero, to one, or rounded.
        """
        leaves, structure = flatten(x)
        found: list[list[Tensor]] = []
        for place, leaf in enumerate(leaves):
            for new in simpler_numbers(leaf) if leaf.is_floating_point() else []:
                found.append([new if other == place else own for other, own in enumerate(leaves)])
        return structure.rebuild(
            [torch.stack(same) for same in zip(*found, strict=True)] or [leaf[None][:0] for leaf in leaves]
        )

    def complexity(self, x: Any) -> Tensor:
        """How far inputs are from simple, `(n,)`: entries that aren't zero, and more for those that aren't one or whole."""
        return torch.stack([complexity_of_numbers(leaf) for leaf in flatten(x)[0]]).sum(0)

    unites: ClassVar[bool] = False
    """Whether several inputs can be joined into one by disjoint union, as graphs are."""

    def collate(self, x: Any) -> Any:
        """N inputs, a tree of `(n, *shape)`, as one: their disjoint union. Only where `unites`."""
        raise NotImplementedError

    def split(self, y: Any, n: int) -> Any:
        """The outputs of each of n inputs `(n, *shape)` from those of their disjoint union. Only where `unites`."""
        raise NotImplementedError

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


@dataclass(frozen=True)
class At(Domain):
    """A domain at one of its layouts, which needn't be the one that it comes with."""

    domain: Domain
    at: Layout

    @property
    def layout(self) -> Layout:
        return self.at

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return self.domain.sample(layout, n, rng)

    @property
    def fixed(self) -> frozenset[int]:
        return self.domain.fixed

    @property
    def batched(self) -> bool | None:
        return self.domain.batched

    @property
    def unites(self) -> bool:  # type: ignore[override] # that of the domain
        return self.domain.unites

    def collate(self, x: Any) -> Any:
        return self.domain.collate(x)

    def split(self, y: Any, n: int) -> Any:
        return self.domain.split(y, n)

    def simpler(self, x: Any) -> Any:
        return self.domain.simpler(x)

    def complexity(self, x: Any) -> Tensor:
        return self.domain.complexity(x)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        from symcheck.domains.points import Set

        return [cls(Set(5, 2), {"points": 2})]


def simpler_numbers(leaf: Tensor) -> list[Tensor]:
    """One tensor made simpler: zero, ones or whole numbers throughout, then along one entry of its first axis at a time."""
    whole = [torch.zeros_like(leaf), torch.ones_like(leaf), leaf.round()]
    if leaf.ndim == 0:
        return whole
    parts = []
    for i in range(len(leaf)):
        for value in (0.0, 1.0, leaf[i].round()):
            part = leaf.clone()
            part[i] = value
            parts.append(part)
    return [*whole, *parts]


def complexity_of_numbers(leaf: Tensor) -> Tensor:
    """For each row of `(n, *shape)`: 0 for an entry of zero, 1 for one, 2 for a whole number, 4 for any other."""
    number = leaf.double() if leaf.dtype == torch.bool else leaf
    size = number.abs().double().reshape(len(leaf), leaf.shape[1:].numel())
    other = torch.where(size == size.round(), 2.0, 4.0).to(size)
    return torch.where(size == 0, 0.0, torch.where(size == 1, 1.0, other)).sum(-1)
