"""Signed permutations of coordinates: the sign flips (Z_2)^n alone, and the hyperoctahedral group B_n."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.point import PointGroup, below
from symcheck.groups.symmetric import Symmetric, cycles

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class SignFlips(PointGroup):
    """Changes of the sign of each of `dim` coordinates, the group (Z_2)^n: `(n, dim)`, int64, 1 where the sign changes.

    >>> str(SignFlips(3)), SignFlips(3).describe(torch.tensor([1, 0, 1]))
    ('Flips(3)', 'sign flip of 0, 2')
    """

    dim: int

    notation = ("Flips(2)", "Flips(3)")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.dim < 1:
            raise GroupError(f"Flips({self.dim}) flips nothing. Give the number of coordinates, 1 or more, as in 'Flips(3)'.")

    def __str__(self) -> str:
        return f"Flips({self.dim})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"Flips\((\d+)\)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3), cls(5)]

    @property
    def element(self) -> tuple[int, ...]:
        return (self.dim,)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, self.dim, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + h) % 2

    def inverse(self, g: Tensor) -> Tensor:
        return g

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.randint(2, (n, self.dim), generator=rng)

    def generators(self) -> Tensor:
        return torch.eye(self.dim, dtype=torch.int64)

    def landmarks(self) -> Tensor:
        """Each flip alone, the first two, which keep orientation, and all."""
        several = [torch.arange(self.dim) < count for count in sorted({min(2, self.dim), self.dim}) if count > 1]
        return torch.stack([*self.generators(), *(flips.long() for flips in several)])

    def elements(self) -> Tensor:
        self._listed()
        return torch.tensor(list(product((0, 1), repeat=self.dim)))

    @property
    def order(self) -> int:
        return 1 << self.dim

    def describe(self, g: Tensor) -> str:
        flipped = g.nonzero().flatten().tolist()
        return f"sign flip of {', '.join(map(str, flipped))}" if flipped else "identity"

    def contains(self, g: Tensor) -> Tensor:
        return below(g, 2).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        return torch.diag_embed(_sign(g))

    def complexity(self, g: Tensor) -> Tensor:
        """The number of flips."""
        return g.sum(-1).double()

    def simpler(self, g: Tensor) -> Tensor:
        """The identity, each of its flips alone, and all but each."""
        alone = torch.eye(self.dim, dtype=torch.int64)[g > 0]
        return self._simplest_first(g, torch.unique(torch.cat([self.identity(1), alone, (g + alone) % 2]), dim=0))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Flips of all coordinates but one, of one alone, and one sign for all."""
        dim = self.dim
        if dim == 1:
            return ()
        parts = [*combinations(range(dim), dim - 1), *(combinations(range(dim), 1) if dim > 2 else ())]
        alone = [Homomorphism(SignFlips(len(of)), self, partial(_placed, of=of, dim=dim), _flips(of)) for of in parts]
        return (*alone, Homomorphism(SignFlips(1), self, lambda g: g.expand(-1, dim), "one sign for all"))


def _flips(of: Sequence[int]) -> str:
    return f"flips of {', '.join(map(str, of))} alone"


def _placed(g: Tensor, of: Sequence[int], dim: int) -> Tensor:
    whole = g.new_zeros(len(g), dim)
    whole[:, list(of)] = g
    return whole


@dataclass(frozen=True)
class SignedPermutations(PointGroup):
    """Permutations of `dim` coordinates with changes of sign: the symmetries of the cube, `dim! 2^dim` of them.

    `(n, 2, dim)`, int64: coordinate i goes to place g[0, i], with its sign changed where g[1, i] is 1.

    >>> str(SignedPermutations(3)), SignedPermutations(3).order
    ('B_3', 48)
    """

    dim: int

    notation = ("B_3",)

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.dim < 1:
            raise GroupError(f"B_{self.dim} moves nothing. Give the number of coordinates, 1 or more, as in 'B_3'.")

    def __str__(self) -> str:
        return f"B_{self.dim}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"B_(\d+)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3), cls(5)]

    @property
    def _places(self) -> Symmetric:
        return Symmetric(self.dim, "axes")

    @property
    def element(self) -> tuple[int, ...]:
        return (2, self.dim)

    def identity(self, n: int) -> Tensor:
        return torch.stack([self._places.identity(n), torch.zeros(n, self.dim, dtype=torch.int64)], 1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        place, flip = h.unbind(1)
        moved, flipped = g.gather(2, place.unsqueeze(1).expand(-1, 2, -1)).unbind(1)
        return torch.stack([moved, (flip + flipped) % 2], 1)

    def inverse(self, g: Tensor) -> Tensor:
        back = g[:, 0].argsort(-1)
        return torch.stack([back, g[:, 1].gather(-1, back)], 1)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.stack([self._places.sample(n, rng), torch.randint(2, (n, self.dim), generator=rng)], 1)

    def generators(self) -> Tensor:
        """A swap, the cycle of all, and a flip."""
        flip = self.identity(1)
        flip[:, 1, 0] = 1
        return torch.cat([self._plain(self._places.generators()), flip])

    def landmarks(self) -> Tensor:
        """The generators, and a quarter turn in the plane of the first two coordinates."""
        swap, _, flip = known = self.generators()
        return torch.cat([known, self.compose(swap.unsqueeze(0), flip.unsqueeze(0))])

    def elements(self) -> Tensor:
        self._listed()
        places, flips = self._places.elements(), SignFlips(self.dim).elements()
        return torch.stack([places.repeat_interleave(len(flips), 0), flips.repeat(len(places), 1)], 1)

    @property
    def order(self) -> int:
        return math.factorial(self.dim) * SignFlips(self.dim).order

    def describe(self, g: Tensor) -> str:
        place, flip = g
        flipped = SignFlips(self.dim).describe(torch.zeros_like(flip).scatter(0, place, flip))
        moved = cycles(place.tolist())
        return ", then ".join(word for word in (moved, flipped) if word != "identity") or "identity"

    def contains(self, g: Tensor) -> Tensor:
        return self._places.contains(g[:, 0]) & below(g[:, 1], 2).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        place, flip = g.unbind(1)
        matrix = torch.zeros(len(g), self.dim, self.dim, dtype=torch.float64)
        return matrix.scatter(1, place.unsqueeze(1), _sign(flip).unsqueeze(1))

    def complexity(self, g: Tensor) -> Tensor:
        """The transpositions and flips that an element is made of."""
        return self._places.complexity(g[:, 0]) + g[:, 1].sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """The identity, its flips or its moves alone, and itself with fewer of either."""
        one, place, flip = self.identity(1)[0], self._places.simpler(g[0]), SignFlips(self.dim).simpler(g[1])
        parts = [one, *(torch.stack(pair) for pair in ((one[0], g[1]), (g[0], one[1])))]
        parts += [torch.stack([p, g[1]]) for p in place] + [torch.stack([g[0], f]) for f in flip]
        return self._simplest_first(g, torch.unique(torch.stack(parts), dim=0))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """The permutations and the flips."""
        places = Homomorphism(Symmetric(self.dim), self, self._plain)
        flips = Homomorphism(SignFlips(self.dim), self, lambda g: torch.stack([self._places.identity(len(g)), g], 1))
        return (places, flips) if self.dim > 3 else (flips, places)

    def _plain(self, place: Tensor) -> Tensor:
        """Permutations as elements without flips."""
        return torch.stack([place, torch.zeros_like(place)], 1)


def _sign(flip: Tensor) -> Tensor:
    return 1 - 2 * flip.double()
