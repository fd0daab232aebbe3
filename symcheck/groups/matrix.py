"""Matrix Lie groups: real or complex matrices, given by their Lie algebra and one matrix from each connected component."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, did_you_mean, sized
from symcheck.groups._simple import ROUNDING, number_cost
from symcheck.groups.base import Group

if TYPE_CHECKING:
    from typing_extensions import Self


WIDTHS = r"(?:, *\w+ *=[^,()]*)*"
"""What may follow a dimension in a name: ", spread=2, stretch=0.1"."""


class MatrixGroup(Group):
    """Matrices `(n, d, d)` that multiply: give `size`, `algebra`, `contains`, and `components` if there are several.

    Elements are drawn as `exp(u) exp(v)` times one matrix from each component in turn, u and v normal in the basis
    `algebra()` with variance `width ** 2 / 2` each. Most such groups aren't compact and so have no uniform distribution;
    those that are override `near` with Haar's.
    """

    dtype: ClassVar[torch.dtype] = torch.float64
    width: ClassVar[float] = 0.5  # exponentials grow fast: within three deviations, entries stay below some exp(3 / 2)

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of rows of a matrix."""

    @abstractmethod
    def algebra(self) -> Tensor: ...

    def components(self) -> Tensor:
        """One element from each connected component `(c, d, d)`, the identity first."""
        return self.identity(1)

    @property
    def element(self) -> tuple[int, ...]:
        return (self.size, self.size)

    def identity(self, n: int) -> Tensor:
        return torch.eye(self.size, dtype=self.dtype).expand(n, -1, -1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g @ h

    def inverse(self, g: Tensor) -> Tensor:
        back: Tensor = torch.linalg.inv(g)
        return back

    def near(self, n: int, rng: Generator) -> Tensor:
        """N independent elements of the identity's component."""
        u, v = self.width * torch.randn(2, n, self.dimension, generator=rng, dtype=torch.float64) / 2**0.5
        return self.compose(self.exponential(u), self.exponential(v))

    def sample(self, n: int, rng: Generator) -> Tensor:
        near, every = self.near(n, rng), self.components()
        if len(every) == 1:
            return near
        first = int(torch.randint(len(every), (), generator=rng))  # in turn, so that few elements reach all components
        return near @ every[(torch.arange(n) + first + 1) % len(every)]

    def generators(self) -> Tensor:
        return self.components()[1:]

    def landmarks(self) -> Tensor:
        return torch.cat([self.generators(), self.exponential(torch.eye(self.dimension, dtype=torch.float64))])

    def linear(self, g: Tensor) -> Tensor:
        return g

    def translation(self, g: Tensor) -> Tensor:
        return g.new_zeros(len(g), self.linear(g).shape[-1])

    def describe(self, g: Tensor) -> str:
        if torch.equal(g, self.identity(1)[0]):
            return "identity"
        rows = ["[" + ", ".join(f"{complex(v):.3g}" if v.is_complex() else f"{float(v):.3g}" for v in row) + "]" for row in g]
        return f"matrix [{', '.join(rows)}]"

    def complexity(self, g: Tensor) -> Tensor:
        """0 for the identity, 1 for landmarks, else 1 more than what its entries cost that aren't the identity's."""
        same = (g - self.identity(1)).abs() <= ROUNDING
        cost = 1 + torch.where(same, 0.0, number_cost(g).clamp_min(1)).flatten(1).sum(-1)
        return torch.where(self._is_landmark(g), 1.0, cost) * ~same.flatten(1).all(-1)

    def _is_landmark(self, g: Tensor) -> Tensor:
        known = self.landmarks()
        return ((g.unsqueeze(1) - known).abs() <= self.size * ROUNDING * known.abs().clamp_min(1)).flatten(2).all(-1).any(1)

    def simpler(self, g: Tensor) -> Tensor:
        """Landmarks and their inverses, then the element rounded, its diagonal, and its entries on and above the diagonal."""
        known = self.landmarks()
        rounded = [torch.round(g, decimals=k) if not g.is_complex() else _round(g, k) for k in (0, 1)]
        parts = torch.stack([*rounded, torch.diag(g.diagonal()), g.triu(), g.tril()])
        candidates = torch.cat([self.identity(1), known, self.inverse(known), parts])
        return self._simplest_first(g, candidates[self.contains(candidates)])

    def _close(self, left: Tensor, right: Tensor, scale: Tensor | float = 1.0) -> Tensor:
        """Which matrices `(n, d, d)` are equal, to the rounding of products of entries as large as `scale`."""
        return ((left - right).abs().amax((-2, -1)) <= self.size * ROUNDING * scale) & left.isfinite().flatten(1).all(-1)


def _round(g: Tensor, decimals: int) -> Tensor:
    return torch.complex(torch.round(g.real, decimals=decimals), torch.round(g.imag, decimals=decimals))


@dataclass(frozen=True)
class Family(MatrixGroup):
    """One matrix group for each dimension, named `letter(dim)`: SO(2), SO(3) ... Further fields are widths of its sampler.

    A width that isn't its default is part of the name, and can be given there: 'SE(3, spread=20)'.
    """

    dim: int

    letter: ClassVar[str]
    least: ClassVar[int] = 1  # the smallest dimension in which there is something to test

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.dim < self.least:
            raise GroupError(f"{self.letter}({self.dim}) has no elements to test. Use a dimension of {self.least} or more.")
        positive(self, f"{self.letter}({self.dim})")

    def __str__(self) -> str:
        return f"{self.letter}({', '.join([str(self.dim), *_widths(self)])})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(rf"{re.escape(cls.letter)}\((\d+)({WIDTHS})\)", text)
        return cls(int(match[1]), **read_widths(cls, text, match[2])) if match else None


def read_widths(cls: type, text: str, words: str) -> dict[str, float]:
    """The numbers by name in ", spread=2, stretch=0.1" that a group takes. Raises GroupError for others."""
    known = [field.name for field in fields(cls) if field.type in ("float", float)]
    found = {}
    for word in filter(None, (word.strip() for word in words.split(","))):
        name, _, value = (part.strip() for part in word.partition("="))
        if name not in known:
            hint = did_you_mean(name, known) if known else "it takes no widths."
            raise GroupError(f"can't read {word!r} in {text!r}; {hint}")
        try:
            found[name] = float(value)
        except ValueError:
            raise GroupError(f"can't read {word!r} in {text!r}. Give a number, as in '{name}=2'.") from None
    return found


def _widths(group: Family) -> list[str]:
    given = [(f.name, getattr(group, f.name), f.default) for f in fields(group) if f.type in ("float", float)]
    return [f"{name}={repr(value).removesuffix('.0')}" for name, value, default in given if value != default]


def positive(group: Any, name: str) -> None:
    """Raise a GroupError unless all widths of a group are positive numbers."""
    for field in fields(group):
        value = getattr(group, field.name)
        if field.type in ("float", float) and not 0 < value < float("inf"):
            raise GroupError(f"{name}: {field.name} is {value!r}. Give a positive number, as in {field.name}=1.")
