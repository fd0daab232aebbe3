"""The polyhedral groups: symmetries of the tetrahedron, the octahedron and the icosahedron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, did_you_mean
from symcheck.groups.cyclic import Cyclic
from symcheck.groups.euclidean import describe_orthogonal
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.point import PointGroup, below

if TYPE_CHECKING:
    from typing_extensions import Self

_GOLDEN = (1 + 5**0.5) / 2
_HALF_TURN = ((-1, 0, 0), (0, -1, 0), (0, 0, 1))  # about z
_QUARTER_TURN = ((0, -1, 0), (1, 0, 0), (0, 0, 1))  # about z
_THIRD_TURN = ((0, 0, 1), (1, 0, 0), (0, 1, 0))  # about (1, 1, 1)
_FIFTH_TURN = (  # about (1, 0, golden ratio), a vertex of the icosahedron
    (0.5, -_GOLDEN / 2, (_GOLDEN - 1) / 2),
    (_GOLDEN / 2, (_GOLDEN - 1) / 2, -0.5),
    ((_GOLDEN - 1) / 2, 0.5, _GOLDEN / 2),
)
_ROTATIONS = {
    "Tetrahedral": (12, (_HALF_TURN, _THIRD_TURN)),
    "Octahedral": (24, (_QUARTER_TURN, _THIRD_TURN)),
    "Icosahedral": (60, (_HALF_TURN, _THIRD_TURN, _FIFTH_TURN)),
}
_LARGEST_TURN = {"Tetrahedral": (3, 1), "Octahedral": (4, 0), "Icosahedral": (5, 2)}  # its fold, and its place above


@dataclass(frozen=True)
class Polyhedral(PointGroup):
    """The rotations of a regular solid, or with the inversion as well: `(n, 1)`, int64, a place in the list of its matrices.

    The solids share their axes: those of the tetrahedron are among those of the octahedron (the cube) and of the icosahedron.
    Matrices of the first two are whole numbers; of the icosahedron, multiples of 1/2 and of half the golden ratio. With the
    inversion they are called T_h, O_h and I_h (Schoenflies).

    >>> str(Polyhedral("Octahedral")), Polyhedral("Octahedral").order, str(Polyhedral("Icosahedral", inversion=True))
    ('Octahedral', 24, 'I_h')
    """

    solid: str
    inversion: bool = False

    notation = ("Tetrahedral", "Octahedral", "Icosahedral", "T_h", "O_h", "I_h")

    def __post_init__(self) -> None:
        if self.solid not in _ROTATIONS:
            raise GroupError(f"there is no polyhedral group {self.solid!r}; {did_you_mean(self.solid, _ROTATIONS)}")

    def __str__(self) -> str:
        return f"{self.solid[0]}_h" if self.inversion else self.solid

    @classmethod
    def parse(cls, text: str) -> Self | None:
        return next((group for group in cls.examples() if str(group) == text), None)

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(solid, inversion) for inversion in (False, True) for solid in _ROTATIONS]

    @property
    def _rotations(self) -> int:
        return _ROTATIONS[self.solid][0]

    @property
    def element(self) -> tuple[int, ...]:
        return (1,)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, 1, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        size, (_, products, _) = self._rotations, _tables(self.solid)
        return products[g % size, h % size] + size * ((g // size + h // size) % 2)

    def inverse(self, g: Tensor) -> Tensor:
        size, (_, _, inverses) = self._rotations, _tables(self.solid)
        return inverses[g % size] + g // size * size

    def sample(self, n: int, rng: Generator) -> Tensor:
        """With the inversion and without it in turn, so that two elements reach both."""
        turn = torch.randint(self._rotations, (n, 1), generator=rng)
        if not self.inversion:
            return turn
        inverted = (torch.arange(n) + torch.randint(2, (), generator=rng)) % 2
        return turn + self._rotations * inverted.unsqueeze(-1)

    def generators(self) -> Tensor:
        rotations = _places(self.solid, torch.tensor(_ROTATIONS[self.solid][1], dtype=torch.float64))
        inversion = torch.tensor([self._rotations] if self.inversion else [], dtype=torch.int64)
        return torch.cat([rotations, inversion]).unsqueeze(-1)

    def elements(self) -> Tensor:
        return torch.arange(self.order).unsqueeze(-1)

    @property
    def order(self) -> int:
        return self._rotations * (2 if self.inversion else 1)

    def describe(self, g: Tensor) -> str:
        return describe_orthogonal(self.linear(g.unsqueeze(0))[0])

    def contains(self, g: Tensor) -> Tensor:
        return below(g, self.order).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        size, (matrices, _, _) = self._rotations, _tables(self.solid)
        return matrices[g[:, 0] % size] * (1 - 2 * (g // size)).unsqueeze(-1) + 0.0  # + 0.0 makes -0 a 0

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """The rotations, those of the tetrahedron, and the largest group of turns about one axis."""
        found: list[Homomorphism] = []
        if self.inversion:
            found.append(Homomorphism(Polyhedral(self.solid), self, lambda g: g))
        if self.solid != "Tetrahedral":
            found += [self._inclusion(Polyhedral("Tetrahedral", i)) for i in (True, False) if i <= self.inversion]
        fold, place = _LARGEST_TURN[self.solid]
        turn = self.generators()[place]
        _, axis = self.describe(turn).split(" about ")
        found.append(Homomorphism(Cyclic(fold), self, self._powers(turn, fold), f"C_{fold} about {axis}"))
        return tuple(sorted(found, key=lambda inclusion: -inclusion.source.order))

    def _inclusion(self, source: Polyhedral) -> Homomorphism:
        """A group whose matrices are among these."""
        places = _places(self.solid, _tables(source.solid)[0])
        return Homomorphism(source, self, lambda g: places[g % len(places)] + g // len(places) * self._rotations)

    def _powers(self, turn: Tensor, fold: int) -> Callable[[Tensor], Tensor]:
        powers = [self.identity(1)]
        for _ in range(fold - 1):
            powers.append(self.compose(turn.unsqueeze(0), powers[-1]))
        table = torch.cat(powers)
        return lambda g: table[g[:, 0]]


@lru_cache
def _tables(solid: str) -> tuple[Tensor, Tensor, Tensor]:
    """The rotations `(size, 3, 3)`, the identity first; where the product of two stands `(size, size)`, and the inverse of one.

    Two of these matrices differ by at least 1/2 in an entry, so products are told apart whatever their rounding; the entries
    themselves are known numbers, to which they are rounded.
    """
    with torch.inference_mode(False):  # or else the first call under inference_mode would spoil the cache for training
        found = _matrices(solid)
        products = _nearest(found, (found.unsqueeze(1) @ found).flatten(0, 1)).reshape(len(found), len(found))
        return found, products, (products == 0).long().argmax(1)


def _matrices(solid: str) -> Tensor:
    size, generators = _ROTATIONS[solid]
    known = torch.tensor([0, 1, 0.5, _GOLDEN / 2, (_GOLDEN - 1) / 2], dtype=torch.float64)
    known = torch.cat([known, -known])
    steps, found = torch.tensor(generators, dtype=torch.float64), torch.eye(3, dtype=torch.float64).unsqueeze(0)
    while len(found) < size:
        longer = torch.cat([found, (steps.unsqueeze(1) @ found).flatten(0, 1)])
        nearest = (longer.unsqueeze(-1) - known).abs().argmin(-1)
        found = torch.unique(known[nearest] + 0.0, dim=0)
    return found[(found != torch.eye(3)).flatten(1).any(-1).long().argsort(stable=True)]


def _places(solid: str, matrices: Tensor) -> Tensor:
    return _nearest(_tables(solid)[0], matrices)


def _nearest(table: Tensor, matrices: Tensor) -> Tensor:
    return (matrices.unsqueeze(1) - table).abs().amax((-2, -1)).argmin(1)
