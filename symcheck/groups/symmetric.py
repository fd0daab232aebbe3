"""The symmetric group: permutations of n things."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.base import Group
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations

if TYPE_CHECKING:
    from typing_extensions import Self

CANDIDATES = 2**22
"""How many numbers all that is simpler than one element holds at most: 32 MiB, whatever the number of things."""


@dataclass(frozen=True)
class Symmetric(Group):
    """Permutations `(n, size)` of `size` things, int64: thing i goes to place `g[i]`.

    `of` names what is permuted; `Permute` reads the size of the same name off the tensors, so that `Symmetric()` is S_n
    for whatever n the inputs have.

    >>> str(Symmetric()), str(Symmetric(5))
    ('S_n', 'S_5')
    """

    size: int | None = None
    of: str = "points"

    notation = ("S_n", "S_5")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.size is not None and self.size < 1:
            raise GroupError(f"S_{self.size} permutes nothing. Use a size of 1 or more, or 'S_n'.")

    def __str__(self) -> str:
        name = f"S_{'n' if self.size is None else self.size}"
        return name if self.of == "points" else f"{name} of {self.of}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"S_(n|\d+)(?: of (\w+))?", text)
        return None if match is None else cls(None if match[1] == "n" else int(match[1]), match[2] or "points")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(3), cls(7)]

    def bind(self, sizes: Mapping[str, int]) -> Symmetric:
        found = sizes.get(self.of, self.size)
        if found is None:
            raise GroupError(
                f"{self} needs the number of {self.of} that it permutes, and no rep says it. "
                f"Give an input the rep Permute(axis=-2), or name the size, as in 'S_5'."
            )
        if found == 0:
            raise GroupError(f"{self} permutes an empty set. Use an example with at least one of its {self.of}.")
        if self.size not in (None, found):
            raise GroupError(f"{self} permutes {self.size} {self.of}; the tensors have {found}. Use 'S_n' or 'S_{found}'.")
        return Symmetric(found, self.of)

    @property
    def _size(self) -> int:
        if self.size is None:
            raise GroupError(f"{self} isn't bound to a size yet. Use bind({{{self.of!r}: 5}}), or Symmetric(5).")
        return self.size

    @property
    def element(self) -> tuple[int, ...]:
        return (self._size,)

    def identity(self, n: int) -> Tensor:
        return torch.arange(self._size).expand(n, -1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g.gather(-1, h)

    def inverse(self, g: Tensor) -> Tensor:
        return g.argsort(-1)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.rand(n, self._size, generator=rng, dtype=torch.float64).argsort(-1)

    def generators(self) -> Tensor:
        """Two generators: the transposition (0 1), and the cycle of all."""
        identity = torch.arange(self._size)
        swap = identity.clone()
        swap[:2] = identity[:2].flip(0)
        return torch.stack([swap, identity.roll(-1)])

    def describe(self, g: Tensor) -> str:
        return cycles(g.tolist())

    def contains(self, g: Tensor) -> Tensor:
        return (g.sort(-1).values == torch.arange(self._size)).all(-1)

    def permutation(self, g: Tensor, of: str = "points") -> Tensor:
        return g if of == self.of else super().permutation(g, of)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Those that leave the first or the last thing in place, the cyclic shifts, and the reversal of the order."""
        size = self._size
        if size < 3:
            return ()
        rest, turns = Symmetric(size - 1, self.of), Translations((size,))
        return (
            Homomorphism(rest, self, _fixing_first, f"{rest}, the first in place"),
            Homomorphism(rest, self, _fixing_last, f"{rest}, the last in place"),
            Homomorphism(turns, self, partial(_turned, size=size), "cyclic shifts"),
            Homomorphism(Translations((2,)), self, partial(_reversed, size=size), "the reversal"),
        )

    @property
    def order(self) -> int:
        return math.factorial(self._size)

    def elements(self) -> Tensor:
        self._listed()
        return torch.tensor(list(permutations(range(self._size))))

    def complexity(self, g: Tensor) -> Tensor:
        """The transpositions that an element is made of."""
        return transpositions(g).double()

    def simpler(self, g: Tensor) -> Tensor:
        """The identity, the transpositions that it is made of, then what is left when one of its things is put in place.

        Of very many things some, evenly spread.
        """
        moved = (g != torch.arange(self._size)).nonzero().flatten().tolist()
        swaps = [self._swap(i, int(g[i])) for i in moved[:: -(-2 * len(moved) * self._size // CANDIDATES) or 1]]
        rest = [self.compose(swap.unsqueeze(0), g.unsqueeze(0))[0] for swap in swaps]
        found = torch.stack([torch.arange(self._size), *swaps, *rest])
        return found[self.complexity(found) < self.complexity(g.unsqueeze(0))]

    def _swap(self, i: int, j: int) -> Tensor:
        swap = torch.arange(self._size)
        swap[[i, j]] = swap[[j, i]]
        return swap


def transpositions(permutation: Tensor) -> Tensor:
    """Of how many swaps permutations `(n, size)` are made: their things less their cycles. `(n,)`, int64.

    The smallest number in each cycle is found by doubling: after k rounds a place knows the 2^k places that follow it.

    >>> transpositions(torch.tensor([[0, 1, 2], [1, 0, 2], [1, 2, 0]])).tolist()
    [0, 1, 2]
    """
    size = permutation.shape[-1]
    step, place = permutation, torch.arange(size)
    smallest = place.expand_as(permutation)
    for _ in range(max(size - 1, 0).bit_length()):
        smallest = torch.minimum(smallest, smallest.gather(-1, step))
        step = step.gather(-1, step)
    return (smallest != place).sum(-1)


def _fixing_first(g: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(g[:, :1]), g + 1], -1)


def _fixing_last(g: Tensor) -> Tensor:
    return torch.cat([g, torch.full_like(g[:, :1], g.shape[-1])], -1)


def _turned(g: Tensor, size: int) -> Tensor:
    return (torch.arange(size) + g) % size


def _reversed(g: Tensor, size: int) -> Tensor:
    order = torch.arange(size)
    return torch.where(g == 0, order, order.flip(0))


def cycles(permutation: Sequence[int]) -> str:
    """A permutation in cycle notation.

    >>> cycles([1, 0, 3, 2]), cycles([0, 1])
    ('(0 1)(2 3)', 'identity')
    """
    seen: set[int] = set()
    words = []
    for start in range(len(permutation)):
        cycle = []
        while start not in seen:
            seen.add(start)
            cycle.append(start)
            start = permutation[start]
        if len(cycle) > 1:
            words.append(f"({' '.join(map(str, cycle))})")
    if len(words) > 0 and sum(map(len, words)) > 60:
        moved = sum(i != p for i, p in enumerate(permutation))
        return f"permutation of {len(permutation)} that moves {moved}"
    return "".join(words) or "identity"
