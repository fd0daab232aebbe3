"""The representation interface: how an element of a group acts on one tensor."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError
from symcheck.groups import Monoid

Shape = tuple[int, ...]
Look = Literal["", "points", "vectors", "image", "steps", "signal", "set", "indices", "adjacency", "sphere"]
"""What a tensor is drawn as: points or vectors along the last axis; an image of the last two; steps of a sequence along the
axis before last, a signal along the last; the members of a set; indices, the ends of edges or the corners of faces; the
matrix of a graph; samples on the sphere. "": a table."""


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
    indices: ClassVar[bool] = False  # True: acts on integers that number things, and on no other tensors

    @property
    def mixes(self) -> tuple[int, ...] | None:
        """The axes, from the end, along which it mixes entries or moves them. None: any entry may become any other."""
        return None

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        """The mean of `(n, *shape)` over the entries that the group turns into each other, in the place of each of them."""
        axes = tuple(range(1, x.ndim)) if self.mixes is None else self.mixes
        return x.mean(axes, keepdim=True).expand_as(x) if axes else x

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

    def resampled(self, sizes: Shape) -> Sequence[Rep]:
        """The same action on signals that are sampled otherwise, on axes of those sizes in place of the ones that it mixes."""
        return ()

    def fibre(self, group: Monoid) -> Shape | None:
        """The shape of one thing that it acts on, `(3,)` for a vector in space, or None where the group doesn't tell it."""
        return None

    def is_complex(self, group: Monoid) -> bool:
        """Whether it acts on complex tensors alone, as a group of complex matrices does on its vectors."""
        return False

    def look(self, group: Monoid, shape: Shape) -> Look:
        """What a tensor of that shape is drawn as, where the rep tells it."""
        return ""

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        """Tensors `(n, *shape)` of the kind that it acts on, normally distributed, on which its laws can be tested."""
        return torch.randn(n, *shape, generator=rng, dtype=self._dtype(group))

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        """Where the laws are tested."""

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        """Tensors of that shape, by name, that break models which it acts on: points in a plane, ties, impulses."""
        return {}

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        """What a tensor's shape says of the group's sizes, such as `{"points": 5}`."""
        return {}

    def matrix(self, group: Monoid, g: Tensor, shape: Shape) -> Tensor:
        """Its matrices `(n, d, d)` on tensors of that shape, flattened. ClaimError where it is not linear."""
        if not self.linear:
            raise ClaimError(f"{self} isn't linear, and so has no matrix. Ask for that of its linear part.")
        size = math.prod(shape)
        basis = torch.eye(size, dtype=self._dtype(group)).reshape(size, *shape)
        columns = self.act(group, g.repeat_interleave(size, 0), basis.repeat(len(g), *[1] * len(shape)))
        return columns.reshape(len(g), size, size).mT

    def _dtype(self, group: Monoid) -> torch.dtype:
        return torch.complex128 if self.is_complex(group) else torch.float64

    def __mul__(self, other: Rep) -> Rep:
        """Both act on the one tensor: `Permute() * Point()` permutes the points and moves each."""
        from symcheck.reps.algebra import Together

        return Together(self, other) if isinstance(other, Rep) else NotImplemented

    def __add__(self, other: Rep) -> Rep:
        """The direct sum: one after the other along the last axis, `4 * Scalar() + 2 * Vector()`."""
        from symcheck.reps.algebra import Blocks

        return Blocks(self, other) if isinstance(other, Rep) else NotImplemented

    def __rmul__(self, copies: int) -> Rep:
        """So many copies, one after the other along the last axis: `4 * Vector()`."""
        from symcheck.reps.algebra import Blocks

        return Blocks((self, copies)) if isinstance(copies, int) else NotImplemented

    def check(self, group: Monoid, shape: Shape, floating: bool, where: str, dtype: torch.dtype | None = None) -> None:
        """Raise a ClaimError that names `where` unless it can act on such a tensor, and on its dtype where that is given."""
        if len(shape) < self.rank:
            axes = "axis" if self.rank == 1 else "axes"
            raise ClaimError(
                f"{where} has shape {tuple(shape)}: {self} needs {self.rank} trailing {axes}. Use 'scalar' if it is invariant."
            )
        if floating and self.indices:
            raise ClaimError(
                f"{self} renumbers indices, which are integers; {where} holds floating-point numbers. Use 'permute'."
            )
        if not (floating or self.discrete or self.trivial):
            raise ClaimError(
                f"{self} mixes entries and so acts on floating-point tensors; {where} holds integers. "
                f"Use 'scalar' if the group leaves it alone, or pass it as floating point."
            )
        reason = self.misfit(group, shape)
        if reason is not None:
            raise ClaimError(f"{where} has shape {tuple(shape)}: {reason.rstrip('.')}.")
        if dtype is not None and not dtype.is_complex and self.is_complex(group):
            raise ClaimError(
                f"{self} under {group} acts on complex tensors; {where} is {dtype}. Give complex numbers, as by torch.complex."
            )


def wrong_size(rep: Rep, group: Monoid, shape: Shape, size: int) -> str | None:
    """Why a rep of a last axis of `size` can't act on tensors of that shape, and what may have been meant; None if it can."""
    from symcheck.reps.algebra import word

    if shape[-1] == size:
        return None
    copies, rest = divmod(shape[-1], size)
    if copies and not rest:
        instead = f"For {copies} of them one after the other write '{word(copies * rep)}'"
    elif size in shape[:-1]:
        axis = max(axis for axis in range(-len(shape), -1) if shape[axis] == size)
        instead = f"Axis {axis} has that size: 'along({word(rep)}, axis={axis})' acts there"
    else:
        entries = "1 entry" if shape[-1] == 1 else f"{shape[-1]} entries"
        instead = f"State a rep of {entries}, or 'scalar' for what the group leaves alone"
    return f"{rep} under {group} acts on a last axis of size {size}. {instead}."
