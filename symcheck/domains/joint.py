"""Several domains together, as the arguments of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck._tree import Args, flatten
from symcheck.domains.base import Domain, Layout
from symcheck.domains.points import PointCloud, Set
from symcheck.errors import DomainError, brief

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class Joint(Domain):
    """One domain for each argument of the model, positional or by keyword. Sizes of the same name are shared.

    >>> import torch
    >>> h, x = Joint(Set(points=5, features=4), PointCloud(points=5)).sample({"points": 5}, 2, torch.Generator()).args
    >>> h.shape, x.shape
    (torch.Size([2, 5, 4]), torch.Size([2, 5, 3]))
    """

    def __init__(self, *args: Domain, **kwargs: Domain) -> None:
        self.parts = Args(*args, **kwargs)
        self._domains = [*args, *kwargs.values()]
        merged: dict[str, int] = {}
        for domain in self._domains:
            if not isinstance(domain, Domain):
                raise DomainError(
                    f"Joint: {brief(domain)} is no domain. Give domains, such as Tensors((8, 3)) for a tensor (8, 3)."
                )
            for name, size in domain.layout.items():
                if merged.setdefault(name, size) != size:
                    raise DomainError(f"Joint: {name} is {merged[name]} in one domain and {size} in {domain}. Make them equal.")
        if not self._domains:
            raise DomainError("Joint() joins nothing. Give one domain for each argument of the model.")
        self._layout = merged
        self.dtype = next((domain.dtype for domain in self._domains if domain.dtype is not None), None)

    @property
    def layout(self) -> Layout:
        return self._layout

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        def merge(layouts: tuple[Layout, ...]) -> Layout:
            return {name: size for layout in reversed(layouts) for name, size in layout.items()}

        return strategies.tuples(*(domain.layouts() for domain in self._domains)).map(merge)

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return self._join([domain.sample(layout, n, rng) for domain in self._domains])

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """Each structured input of each part, with the others drawn at random from a fixed seed."""
        found: dict[str, Any] = {}
        for place, domain in enumerate(self._domains):
            for name, tree in domain.structured(layout).items():
                rng, rows = Generator().manual_seed(0), len(flatten(tree)[0][0])
                drawn = [tree if other == place else d.sample(layout, rows, rng) for other, d in enumerate(self._domains)]
                found[f"{name} (argument {place + 1})" if name in found else name] = self._join(drawn)
        return found

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        """Those of each part, the sizes that it doesn't share being the others' own."""
        found: dict[str, Layout] = {}
        for domain in self._domains:
            for name, layout in domain.boundaries.items():
                found.setdefault(name, {**self._layout, **layout})
        return found

    def simpler(self, x: Any) -> Any:
        """Each candidate of each part, with the others as they are."""
        parts, found = self._parted(x), []
        for place, (domain, part) in enumerate(zip(self._domains, parts, strict=True)):
            leaves, _ = flatten(domain.simpler(part))
            rows = len(leaves[0]) if leaves else 0
            others = [[leaf.expand(rows, *leaf.shape) for leaf in flatten(other)[0]] for other in parts]
            found.append([leaf for i, other in enumerate(others) for leaf in (leaves if i == place else other)])
        _, structure = flatten(x)
        return structure.rebuild([torch.cat(same) for same in zip(*found, strict=True)])

    def complexity(self, x: Any) -> Tensor:
        return torch.stack([d.complexity(part) for d, part in zip(self._domains, self._parted(x), strict=True)]).sum(0)

    def _parted(self, x: Any) -> list[Any]:
        """The trees of the parts."""
        arguments = Args.of(x)
        return [*arguments.args, *arguments.kwargs.values()]

    def readings(self, ranks: Sequence[int]) -> Sequence[Domain]:
        """The parts read as batches where they can be, then as single inputs."""
        starts = self._starts
        parts = [d.readings(ranks[a:b]) for d, a, b in zip(self._domains, starts, starts[1:], strict=False)]
        depth = max(len(part) for part in parts)
        if depth == 1:
            return [self]
        cut, words = len(self.parts.args), tuple(self.parts.kwargs)
        found: list[Domain] = []
        for level in range(depth):
            chosen = [part[min(level, len(part) - 1)] for part in parts]
            found.append(Joint(*chosen[:cut], **dict(zip(words, chosen[cut:], strict=True))))
        return found

    @property
    def looks(self) -> Sequence[str]:
        starts = self._starts
        counts = [b - a for a, b in pairwise(starts)]
        told = [[*domain.looks, *[""] * count][:count] for domain, count in zip(self._domains, counts, strict=True)]
        return [look for looks in told for look in looks]

    @property
    def fixed(self) -> frozenset[int]:
        return frozenset(start + i for start, domain in zip(self._starts, self._domains, strict=False) for i in domain.fixed)

    @property
    def kept(self) -> frozenset[int]:
        return frozenset(start + i for start, domain in zip(self._starts, self._domains, strict=False) for i in domain.kept)

    @property
    def open(self) -> frozenset[int]:
        return frozenset(start + i for start, domain in zip(self._starts, self._domains, strict=False) for i in domain.open)

    @property
    def batched(self) -> bool | None:
        said = {domain.batched for domain in self._domains} - {None}
        return said.pop() if len(said) == 1 else None

    @cached_property
    def _starts(self) -> list[int]:
        """The index of the first leaf of each part, and one past the last of all."""
        counts = [len(flatten(domain.sample(self._layout, 1, Generator()))[0]) for domain in self._domains]
        return [0, *accumulate(counts)]

    def _join(self, drawn: list[Any]) -> Args:
        cut, words = len(self.parts.args), tuple(self.parts.kwargs)
        single = [
            tree.args[0] if isinstance(tree, Args) and len(tree.args) == 1 and not tree.kwargs else tree for tree in drawn
        ]
        return Args(*single[:cut], **dict(zip(words, single[cut:], strict=True)))

    def __repr__(self) -> str:
        return f"Joint{repr(self.parts).removeprefix('Args')}"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(Set(4, 2), PointCloud(4)), cls(Set(3, 1), x=PointCloud(3))]
