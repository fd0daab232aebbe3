"""Semidirect products: one group that moves another."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError
from symcheck.groups.base import Group
from symcheck.groups.homomorphism import Homomorphism

if TYPE_CHECKING:
    from typing_extensions import Self

Action = Callable[[Tensor, Tensor], Tensor]
Map = Callable[[Tensor], Tensor]


def _same(g: Tensor) -> Tensor:
    return g


class Semidirect(Group):
    """N ⋊ H: pairs (a, h) with the product (a, h) (b, k) = (a φ_h(b), h k), where φ_h is how h moves the elements of N.

    φ_h must be an automorphism of N, and φ_(hk) = φ_h φ_k; the laws of a group then hold, and are tested. An element is the
    numbers of a and after them those of h, in one row. (a, h) stands for: first h, then a.
    """

    notation: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def normal(self) -> Group:
        """N, the normal subgroup."""

    @property
    @abstractmethod
    def acting(self) -> Group:
        """H, which moves N."""

    @abstractmethod
    def moved(self, h: Tensor, a: Tensor) -> Tensor:
        """φ_h(a)."""

    @abstractmethod
    def restricted(self, inclusion: Homomorphism) -> Semidirect | None:
        """N ⋊ K for a subgroup K of H, or None if that has no name here."""

    def thinned(self, inclusion: Homomorphism) -> Semidirect | None:
        """M ⋊ H for a subgroup M of N, or None if that has no name here, or H moves M to another one."""
        return None

    @property
    def element(self) -> tuple[int, ...]:
        return (math.prod(self.normal.element) + math.prod(self.acting.element),)

    def pack(self, a: Tensor, h: Tensor) -> Tensor:
        """The pair (a, h) as one element."""
        return torch.cat([a.flatten(1), h.flatten(1)], -1)

    def unpack(self, g: Tensor) -> tuple[Tensor, Tensor]:
        """The pair (a, h) that an element is, in the dtypes of the two groups."""
        cut = math.prod(self.normal.element)
        parts = (self.normal, g[:, :cut]), (self.acting, g[:, cut:])
        a, h = (part.reshape(len(g), *group.element).to(group.identity(1).dtype) for group, part in parts)
        return a, h

    def identity(self, n: int) -> Tensor:
        return self.pack(self.normal.identity(n), self.acting.identity(n))

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        (a, turn), (b, other) = self.unpack(g), self.unpack(h)
        return self.pack(self.normal.compose(a, self.moved(turn, b)), self.acting.compose(turn, other))

    def inverse(self, g: Tensor) -> Tensor:
        a, turn = self.unpack(g)
        back = self.acting.inverse(turn)
        return self.pack(self.moved(back, self.normal.inverse(a)), back)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.pack(self.normal.sample(n, rng), self.acting.sample(n, rng))

    def generators(self) -> Tensor:
        """Those of the acting group, then those of the normal one."""
        return torch.cat([self.embed(1, self.acting.generators()), self.embed(0, self.normal.generators())])

    def landmarks(self) -> Tensor:
        return torch.cat([self.embed(1, self.acting.landmarks()), self.embed(0, self.normal.landmarks())])

    def elements(self) -> Tensor:
        self._listed()
        a, h = self.normal.elements(), self.acting.elements()
        return self.pack(a.repeat(len(h), *[1] * (a.ndim - 1)), h.repeat_interleave(len(a), 0))

    @property
    def order(self) -> int:
        return self.normal.order * self.acting.order

    def describe(self, g: Tensor) -> str:
        a, h = self.unpack(g.unsqueeze(0))
        words = self.acting.describe(h[0]), self.normal.describe(a[0])
        return ", then ".join(word for word in words if word != "identity") or "identity"

    def contains(self, g: Tensor) -> Tensor:
        a, h = self.unpack(g)
        return self.normal.contains(a) & self.acting.contains(h) & (self.pack(a, h) == g).all(-1)

    def complexity(self, g: Tensor) -> Tensor:
        """That of both parts together."""
        a, h = self.unpack(g)
        return self.normal.complexity(a) + self.acting.complexity(h)

    def simpler(self, g: Tensor) -> Tensor:
        """Either part alone, then the whole with either part simpler."""
        (a, h) = self.unpack(g.unsqueeze(0))
        fewer, smaller = self.normal.simpler(a[0]), self.acting.simpler(h[0])
        with_h = self.pack(fewer, h.expand(len(fewer), *h.shape[1:]))
        with_a = self.pack(a.expand(len(smaller), *a.shape[1:]), smaller)
        found = torch.cat([self.identity(1), self.embed(0, a), self.embed(1, h), with_h, with_a])
        return self._simplest_first(g, found)

    @property
    def factors(self) -> tuple[Group, ...]:
        return (self.normal, self.acting)

    def embed(self, factor: int, g: Tensor) -> Tensor:
        if factor == 0:
            return self.pack(g, self.acting.identity(len(g)))
        return self.pack(self.normal.identity(len(g)), g)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """N and H, N ⋊ K for the subgroups K of H, M ⋊ H for those M of N, and each K and M alone."""
        found = [self._part(i) for i in (0, 1)]
        for inclusion in self.acting.subgroups():
            source = self.restricted(inclusion)
            if source is not None:
                which = inclusion.name.removeprefix(str(inclusion.source))  # of several of one kind
                found.append(
                    Homomorphism(source, self, self._wider(source, second=inclusion), f"{source}{which}" if which else "")
                )
            found.append(found[1].after(inclusion))
        for inclusion in self.normal.subgroups():
            source = self.thinned(inclusion)
            if source is not None:
                inside = None if inclusion.contains is None else self._starts_in(inclusion.contains)
                found.append(
                    Homomorphism(source, self, self._wider(source, first=inclusion), f"{self} with {inclusion}", inside)
                )
            found.append(found[0].after(inclusion))
        return tuple(sorted(found, key=lambda inclusion: -inclusion.source.order))

    def _part(self, i: int) -> Homomorphism:
        other = (self.acting, self.normal)[i]

        def inside(g: Tensor) -> Tensor:
            return (self.unpack(g)[1 - i] == other.identity(1)).flatten(1).all(-1)

        return Homomorphism(self.factors[i], self, partial(self.embed, i), contains=inside)

    def _wider(self, source: Semidirect, first: Map = _same, second: Map = _same) -> Map:
        """Elements (m, k) of a subgroup as elements of this group, by inclusions of their parts."""

        def wider(g: Tensor) -> Tensor:
            m, k = source.unpack(g)
            return self.pack(first(m), second(k))

        return wider

    def _starts_in(self, contains: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda g: contains(self.unpack(g)[0])

    def linear(self, g: Tensor) -> Tensor:
        """That of the acting group."""
        return self.acting.linear(self.unpack(g)[1])

    @classmethod
    def parse(cls, text: str) -> Self | None:
        return None


@dataclass(frozen=True)
class SemidirectProduct(Semidirect):
    """The semidirect product of two finite groups by an action `(h, a) -> φ_h(a)` of the second on the first, batched.

    Lie groups of this form, such as SE(3), have classes of their own.

    >>> from symcheck.groups import Cyclic
    >>> twist = SemidirectProduct(Cyclic(7), Cyclic(3), lambda h, a: a * 2**h % 7)
    >>> str(twist), twist.order
    ('C_7 ⋊ C_3', 21)
    """

    first: Group
    second: Group
    action: Action

    def __post_init__(self) -> None:
        for group in (self.first, self.second):
            if group.dimension:
                raise GroupError(f"{self} isn't finite, for {group} isn't. Use a group of matrices, such as 'SE(3)' or 'E(2)'.")

    @property
    def normal(self) -> Group:
        return self.first

    @property
    def acting(self) -> Group:
        return self.second

    def moved(self, h: Tensor, a: Tensor) -> Tensor:
        return self.action(h, a)

    def restricted(self, inclusion: Homomorphism) -> Semidirect | None:
        source = inclusion.source
        if not isinstance(source, Group):
            return None
        return SemidirectProduct(self.normal, source, lambda k, a: self.action(inclusion(k), a))

    def __str__(self) -> str:
        return f"{self.normal} ⋊ {self.acting}"

    @classmethod
    def examples(cls) -> Sequence[Self]:
        from symcheck.groups.cyclic import Cyclic
        from symcheck.groups.symmetric import Symmetric

        def reversed_(h: Tensor, a: Tensor) -> Tensor:
            return (1 - 2 * h) * a % 6

        def conjugated(h: Tensor, a: Tensor) -> Tensor:
            swap = torch.where(h > 0, torch.tensor([1, 0, 2]), torch.arange(3))
            return swap.gather(-1, a).gather(-1, swap)

        return [cls(Cyclic(6), Cyclic(2), reversed_), cls(Symmetric(3), Cyclic(2), conjugated)]
