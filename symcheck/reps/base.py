"""The representation interface: how an element of a group acts on one tensor."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from symcheck.errors import ClaimError
from symcheck.groups import Monoid

Shape = tuple[int, ...]


class Rep(ABC):
    """An action of a group on tensors of one shape.

    Laws, each tested for every rep on every group of its `examples`:

    - `act(G, G.compose(g, h), x) == act(G, g, act(G, h, x))`
    - `act(G, G.identity(n), x) == x`
    - `act(G, g, a * x + b * y) == a * act(G, g, x) + b * act(G, g, y)` where `linear` says so

    A rep looks at the trailing axes only, so that batch axes never matter; its axes are counted from the end.
    """

    name: ClassVar[str]  # how it is written in a claim: "vector"
    exact: ClassVar[bool] = True  # False: interpolates, and so is a representation only up to its own error
    linear: ClassVar[bool] = True
    trivial: ClassVar[bool] = False  # True: every element leaves every tensor as it is
    discrete: ClassVar[bool] = False  # True: only moves entries about, so that integer and bool tensors may be acted on

    @property
    def mixes(self) -> tuple[int, ...] | None:
        """The axes, from the end, along which it mixes entries or moves them. None: any entry may become any other."""
        return None

    @property
    @abstractmethod
    def rank(self) -> int:
        """How many trailing axes it needs."""

    @abstractmethod
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        """`(n, *element), (n, *shape) -> (n, *shape)`, in the dtype and on the device of x."""

    @abstractmethod
    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        """Why it can't act on tensors of that shape under that group, in words, or None."""

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        """Where the laws are tested."""

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        """What a tensor's shape says of the group's sizes, such as `{"points": 5}`."""
        return {}

    def matrix(self, group: Monoid, g: Tensor, shape: Shape) -> Tensor:
        """Its matrices `(n, d, d)` on tensors of that shape, flattened. ClaimError where it is not linear."""
        if not self.linear:
            raise ClaimError(f"{self} isn't linear, and so has no matrix. Ask for that of its linear part.")
        size = math.prod(shape)
        basis = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
        columns = self.act(group, g.repeat_interleave(size, 0), basis.repeat(len(g), *[1] * len(shape)))
        return columns.reshape(len(g), size, size).mT

    def check(self, group: Monoid, shape: Shape, floating: bool, where: str) -> None:
        """Raise a ClaimError that names `where` unless it can act on such a tensor."""
        if len(shape) < self.rank:
            axes = "axis" if self.rank == 1 else "axes"
            raise ClaimError(
                f"{self} needs {self.rank} trailing {axes}; {where} has shape {tuple(shape)}. Use 'scalar' if it is invariant."
            )
        if not (floating or self.discrete or self.trivial):
            raise ClaimError(
                f"{self} mixes entries and so acts on floating-point tensors; {where} holds integers. "
                f"Use 'scalar' if the group leaves it alone, or pass it as floating point."
            )
        reason = self.misfit(group, shape)
        if reason is not None:
            raise ClaimError(f"{reason.rstrip('.')}; {where} has shape {tuple(shape)}.")
