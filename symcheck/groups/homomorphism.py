"""Homomorphisms: maps from one group to another that keep products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from symcheck.groups.base import Monoid


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

    def __str__(self) -> str:
        return self.name or str(self.source)

    def __call__(self, g: Tensor) -> Tensor:
        return self.map(g)
