"""Homomorphisms: maps from one group to another that keep products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from symcheck.errors import GroupError
from symcheck.groups.base import Group, Monoid


@dataclass(frozen=True)
class Homomorphism:
    """A map `(n, *source.element) -> (n, *target.element)` with `map(g h) == map(g) map(h)`.

    An inclusion of a subgroup is one; so are the projection of a product on a factor, and the two-to-one cover of SO(3) by
    SU(2). The conformance tests check the law for each that a group declares in `subgroups`.

    >>> from symcheck.groups import O, SO
    >>> str(Homomorphism(SO(3), O(3), lambda g: g))
    'SO(3)'
    """

    source: Monoid
    target: Monoid
    map: Callable[[Tensor], Tensor]
    name: str = ""  # how the image is called where the source's name doesn't tell: "SO(2) about z"
    contains: Callable[[Tensor], Tensor] | None = None  # (n,), bool: which elements of the target lie in the image

    def __str__(self) -> str:
        return self.name or str(self.source)

    def __call__(self, g: Tensor) -> Tensor:
        return self.map(g)

    def after(self, first: Homomorphism) -> Homomorphism:
        """The composite: `first`, then this one.

        >>> from symcheck.groups import SE, SO, E
        >>> both = inclusion(SE(3), E(3)).after(block(SO(3), SE(3)))
        >>> str(both), both.source, both.target
        ('SO(3)', SO(dim=3), E(dim=3, spread=1.0))
        """
        if first.target != self.source:
            raise GroupError(
                f"'{self}' starts from {self.source}, and '{first}' ends in {first.target}. Compose maps whose groups are one."
            )
        return Homomorphism(first.source, self.target, lambda g: self.map(first.map(g)), str(first))


def inclusion(source: Monoid, target: Monoid, name: str = "") -> Homomorphism:
    """The elements of one group that are elements of another as they stand: SO(3) in O(3)."""
    return Homomorphism(source, target, lambda g: g, name)


def largest_first(*subgroups: Homomorphism) -> tuple[Homomorphism, ...]:
    """Subgroups in order of their dimension; those of one dimension stay as they are given."""
    sizes = [f.source.dimension if isinstance(f.source, Group) else 0 for f in subgroups]
    return tuple(subgroups[i] for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]))


def block(source: Monoid, target: Monoid, name: str = "", at: int = 0) -> Homomorphism:
    """Matrices of one group as a block on the diagonal of another's, which begins at row `at`; the rest is the identity's.

    >>> from symcheck.groups import SE, SO
    >>> block(SO(2), SE(2))(SO(2).landmarks()[:1]).tolist()
    [[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]
    """

    def insert(g: Tensor) -> Tensor:
        place = slice(at, at + g.shape[-1])
        whole = target.identity(len(g)).clone()
        whole[:, place, place] = g.to(whole.dtype)
        return whole

    return Homomorphism(source, target, insert, name)
