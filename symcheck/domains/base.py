"""The domain interface: where inputs come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Generator, Tensor

from symcheck._tree import flatten

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Layout = Mapping[str, int]

PLAIN: Mapping[str, Callable[[Tensor], Tensor]] = {
    "zeros": torch.zeros_like,
    "ones": torch.ones_like,
    "whole numbers": torch.round,
}
"""The numbers that a person would try first, made from others of the same shape."""


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

    def plain(self, layout: Layout) -> Mapping[str, Any]:
        """The inputs that a person would try first, by name, each a tree as `sample` gives it.

        By default zeros, ones and whole numbers in the place of all leaves for which `simpler` offers them.
        """
        leaves, structure = flatten(self.sample(layout, 1, Generator().manual_seed(0)))
        offered = flatten(self.simpler(structure.rebuild([leaf[0] for leaf in leaves])))[0]
        found = {}
        for name, kind in PLAIN.items():
            wanted = [kind(leaf) + 0.0 if leaf.is_floating_point() else leaf for leaf in leaves]
            there = [
                bool((new != leaf).any()) and bool((some == new).reshape(len(some), leaf.numel()).all(1).any())
                for leaf, new, some in zip(leaves, wanted, offered, strict=True)
            ]
            if any(there):
                found[name] = structure.rebuild(
                    [new if yes else leaf for leaf, new, yes in zip(leaves, wanted, there, strict=True)]
                )
        return found

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

        By default each tensor of numbers, but those that are `kept`, whole and part by part: set to zero, to one or minus one,
        rounded, or without signs. What comes of it has the shapes of an input, though `sample` might never draw it.
        """
        leaves, structure = flatten(x)
        found: list[list[Tensor]] = []
        for place, leaf in enumerate(leaves):
            numbers = (leaf.is_floating_point() or leaf.is_complex()) and place not in self.kept
            for new in simpler_numbers(leaf) if numbers else []:
                found.append([new if other == place else own for other, own in enumerate(leaves)])
        return structure.rebuild(
            [torch.stack(same) for same in zip(*found, strict=True)] or [leaf[None][:0] for leaf in leaves]
        )

    @property
    def kept(self) -> frozenset[int]:
        """The leaves, by index, whose numbers stay as they are when an input is made simpler: by default the fixed ones."""
        return self.fixed

    def complexity(self, x: Any) -> Tensor:
        """How far inputs are from simple, `(n,)`: entries that aren't zero, and more for those that aren't one or whole."""
        return torch.stack([complexity_of_numbers(leaf) for leaf in flatten(x)[0]]).sum(0)

    @property
    def looks(self) -> Sequence[str]:
        """What its leaves are drawn as, `Rep.look`'s words, where the domain knows better than a claim's reps; "" where not."""
        return ()

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
    def kept(self) -> frozenset[int]:
        return self.domain.kept

    @property
    def batched(self) -> bool | None:
        return self.domain.batched

    @property
    def open(self) -> frozenset[int]:
        return self.domain.open

    @property
    def looks(self) -> Sequence[str]:
        return self.domain.looks

    @property
    def unites(self) -> bool:  # type: ignore[override] # that of the domain
        return self.domain.unites

    def collate(self, x: Any) -> Any:
        return self.domain.collate(x)

    def split(self, y: Any, n: int) -> Any:
        return self.domain.split(y, n)

    def plain(self, layout: Layout) -> Mapping[str, Any]:
        return self.domain.plain(layout)

    def simpler(self, x: Any) -> Any:
        return self.domain.simpler(x)

    def complexity(self, x: Any) -> Tensor:
        return self.domain.complexity(x)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        from symcheck.domains.points import Set

        return [cls(Set(5, 2), {"points": 2})]


def simpler_numbers(leaf: Tensor) -> list[Tensor]:
    """One tensor made simpler: zero, one, of size one, whole, with one decimal or without signs throughout, then part by part.

    >>> [new.tolist() for new in simpler_numbers(torch.tensor([0.0, 2.6]))[:4]]
    [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 3.0]]
    """
    if leaf.is_complex():
        return [torch.view_as_complex(new) for new in simpler_numbers(torch.view_as_real(leaf))]
    plain = [torch.zeros_like(leaf), leaf.sign(), leaf.round(), (leaf / 2).trunc(), (10 * leaf).round() / 10, leaf.abs()]
    most = max(0, CANDIDATES // (len(plain) * max(leaf.numel(), 1)))
    parts = [torch.where(part, new, leaf) for part in islice(_parts(leaf), most) for new in plain]
    return [new + 0.0 for new in (plain[0], torch.ones_like(leaf), *plain[1:], *parts)]  # -0.0 + 0.0 is 0.0


CANDIDATES = 2**22
"""How many numbers the candidates for one tensor hold at most: 32 MiB in double precision, whatever the size of the tensor."""

FEW = 24
"""So many numbers that aren't zero are also made simpler one by one: with more, slices along the axes come first."""


def _parts(leaf: Tensor) -> Iterator[Tensor]:
    """Masks `(*shape)` of the parts of a tensor that isn't zero: halves along each axis, down to slices; then entries.

    Only slices that aren't zero are shared out, so that parts get finer as the tensor gets simpler.
    """
    some = leaf != 0
    axes = [a for a in range(leaf.ndim) if leaf.shape[a] > 1]
    live = {a: some.movedim(a, 0).reshape(leaf.shape[a], -1).any(1).nonzero().flatten() for a in axes}
    levels = max((len(slices) - 1).bit_length() for slices in live.values()) if live else 0
    for level in range(1, levels + 1):
        for axis, slices in live.items():
            for piece in slices.tensor_split(min(2**level, len(slices))) if 2 ** (level - 1) < len(slices) else ():
                mask = torch.zeros(leaf.shape[axis], dtype=torch.bool)
                mask[piece] = True
                yield mask.reshape(-1, *[1] * (leaf.ndim - 1 - axis))
    entries = some.flatten().nonzero().flatten()
    if len(axes) > 1 and len(entries) <= FEW:
        yield from ((torch.arange(leaf.numel()) == entry).reshape(leaf.shape) for entry in entries)


def complexity_of_numbers(leaf: Tensor) -> Tensor:
    """For each row of `(n, *shape)`: 0 for an entry of zero, 1 for one, 2 for other whole numbers, 3 for one decimal, 4 for
    others; half as much again for a sign, and slightly more for larger whole numbers. Complex numbers have two entries.
    """
    leaf = torch.view_as_real(leaf) if leaf.is_complex() else leaf
    number = leaf.double().reshape(len(leaf), leaf.shape[1:].numel())
    size = number.abs()
    cost = torch.where(size == (10 * size).round() / 10, 3.0, 4.0).to(size)
    cost = torch.where(size == size.round(), 2 + size.clamp_min(1).log2() / 4096, cost)  # no double is above 2^1024
    cost = torch.where(size == 1, 1.0, cost) + torch.where(number < 0, 0.5, 0.0)
    return torch.where(size == 0, 0.0, cost).sum(-1)
