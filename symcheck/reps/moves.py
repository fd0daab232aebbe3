"""Reps that move entries about along axes: permutations, cyclic shifts, flips and swaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from symcheck import patterns
from symcheck.errors import ClaimError, GroupError
from symcheck.groups import Monoid, Product, SignFlips, Symmetric, Translations
from symcheck.reps.base import Look, Rep, Shape


class AlongAxis(Rep):
    """A rep that moves entries along one axis, counted from the end, and leaves the other axes alone."""

    axis: int

    def __post_init__(self) -> None:
        if not isinstance(self.axis, int) or self.axis >= 0:
            raise ClaimError(f"{self}: the axis is a negative integer, counted from the end, so that batch axes don't matter.")

    @property
    def rank(self) -> int:
        return -self.axis

    @property
    def mixes(self) -> tuple[int, ...]:
        return (self.axis,)


@dataclass(frozen=True)
class Permute(AlongAxis):
    """Permutes the entries along one axis, counted from the end: entry i goes to place g(i).

    `of` names what is permuted, and is the same for every tensor that the same permutation moves.
    """

    axis: int = -2
    of: str = "points"

    name = "permute"
    discrete = True

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "set" if self.axis == -2 else ""

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {self.of: shape[self.axis]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return _gathered(x, self.axis, group.permutation(g, self.of).argsort(-1).to(x.device))

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        size = shape[self.axis]
        rest = (*shape[: len(shape) + self.axis], *shape[len(shape) + self.axis + 1 :])
        sets = patterns.elements(size, math.prod(rest))
        return {name: elements.reshape(size, *rest).movedim(0, self.axis) for name, elements in sets.items()}

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            size = group.permutation(group.identity(1), self.of).shape[-1]
        except GroupError as error:
            return f"{self}: {error}"
        if shape[self.axis] != size:
            return f"{self} under {group} permutes {size} entries along axis {self.axis}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Symmetric(4), (4, 2)), (cls(axis=-1), Symmetric(3), (3,)), (cls(axis=-3), Symmetric(2), (5, 2, 3, 1))]


@dataclass(frozen=True)
class Relabel(Rep):
    """Integers that number what is permuted, such as the ends of edges: entry i becomes g(i), wherever it stands.

    Negative entries are padding and stay. With an `axis`, the things lie along it and are permuted as well: a table of
    neighbours `(points, k)` is `Relabel(axis=-2)`. An entry too large for a number raises ClaimError.
    """

    of: str = "points"
    axis: int | None = None

    name = "relabel"
    linear = False
    discrete = True
    indices = True

    def __post_init__(self) -> None:
        if self.axis is not None:
            from_the_end(self, (self.axis,))

    @property
    def rank(self) -> int:
        return -(self.axis or 0)

    @property
    def mixes(self) -> tuple[int, ...]:
        return () if self.axis is None else (self.axis,)

    def fibre(self, group: Monoid) -> Shape | None:
        return () if self.axis is None else None

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "indices"

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {} if self.axis is None else {self.of: shape[self.axis]}

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        size = group.permutation(group.identity(1), self.of).shape[-1]
        return torch.randint(-1, size, (n, *shape), generator=rng)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        place = group.permutation(g, self.of)
        self._check_range(x, place.shape[-1])
        moved = place.to(x.device).gather(1, x.clamp_min(0).long().reshape(len(x), -1)).reshape(x.shape)
        y = torch.where(x < 0, x, moved.to(x.dtype))
        return y if self.axis is None else Permute(self.axis, self.of).act(group, g, y)

    def _check_range(self, x: Tensor, size: int) -> None:
        """Read before they are looked up: on a GPU, an index out of range would end the process."""
        if x.dtype == torch.bool or x.is_floating_point() or x.is_complex():
            raise ClaimError(f"{self} renumbers indices, which are integers; the tensor is {x.dtype}. Use 'permute'.")
        if x.numel() and int(x.max()) >= size:
            raise ClaimError(
                f"{self}: the index {int(x.max())} is out of range: there are {size} {self.of}, numbered from 0. Pad with "
                f"negative numbers, or name what is numbered, as in Relabel(of='edges')."
            )

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        if self.axis is not None:
            reason = Permute(self.axis, self.of).misfit(group, shape)
            return reason and reason.replace(str(Permute(self.axis, self.of)), str(self))
        try:
            group.permutation(group.identity(1), self.of)
        except GroupError as error:
            return f"{self}: {error}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), Symmetric(5), (2, 7)),
            (cls(axis=-2), Symmetric(4), (4, 3)),
            (cls(of="edges"), Symmetric(6, "edges"), ()),
        ]


def _gathered(x: Tensor, axis: int, source: Tensor) -> Tensor:
    """The entries of `(n, ..., size, ...)` along an axis that come from the places `source` `(n, size)`."""
    ones = [1] * x.ndim
    ones[0], ones[axis] = source.shape
    return x.gather(axis, source.reshape(ones).expand(x.shape))


@dataclass(frozen=True)
class OnGrid(Rep):
    """A rep that moves the samples of a grid along axes, counted from the end, and leaves the other axes alone."""

    axes: tuple[int, ...] = (-2, -1)

    def __post_init__(self) -> None:
        from_the_end(self, self.axes)

    @property
    def rank(self) -> int:
        return -min(self.axes)

    @property
    def mixes(self) -> tuple[int, ...]:
        return self.axes

    def look(self, group: Monoid, shape: Shape) -> Look:
        return gridded(self.axes)


@dataclass(frozen=True, repr=False)
class Roll(OnGrid):
    """Shifts a grid cyclically along its axes, counted from the end, as `torch.roll` does.

    By `step` samples for each of the group's: a stride of 2 takes `Roll(step=2)` to `Roll()`, and upsampling by 2 back.
    """

    step: int = 1

    name = "roll"
    discrete = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.step, int) or self.step < 1:
            raise ClaimError(f"{self}: the step is a whole number of samples, 1 or more.")

    def __repr__(self) -> str:
        return f"Roll(axes={self.axes}{f', step={self.step}' if self.step != 1 else ''})"

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {f"grid{i}": shape[axis] // self.step for i, axis in enumerate(self.axes)}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        sizes = [x.shape[axis] for axis in self.axes]
        steps = zip((self.step * group.shift(g)).to(x.device).unsqueeze(-1).unbind(1), sizes, strict=True)
        sources = [(torch.arange(size, device=x.device) - shift) % size for shift, size in steps]
        if self.axes == (-2, -1):  # at once: half of the time of one after the other
            place = (sources[0].unsqueeze(-1) * sizes[1] + sources[1].unsqueeze(1)).flatten(1)
            return _gathered(x.flatten(-2), -1, place).reshape(x.shape)
        for axis, source in zip(self.axes, sources, strict=True):
            x = _gathered(x, axis, source)
        return x

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        rest = tuple(size for axis, size in enumerate(shape) if axis - len(shape) not in self.axes)
        found = patterns.signals([shape[axis] for axis in self.axes])
        places = tuple(range(-len(self.axes), 0))
        return {name: signal.expand(*rest, *signal.shape).movedim(places, self.axes) for name, signal in found.items()}

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            size = group.grid
            whole = not group.shift(group.identity(1)).is_floating_point()
        except GroupError as error:
            return f"{self}: {error}"
        if not whole:
            return f"{self} shifts by whole samples, and {group} by fractions of one too. Use 'fourier_shift'"
        if any(_turns(factor) for factor in (group.factors if isinstance(group, Product) else (group,))):
            return f"{self} only shifts, and {group} turns or reflects the grid as well. Use 'image'"
        if len(size) != len(self.axes):
            named = f"Use {str(Translations((None,) * len(self.axes)))!r}, or name as many axes as {group} shifts"
            own = "1 axis" if len(self.axes) == 1 else f"{len(self.axes)} axes"
            return f"{self} shifts along {own}, and {group} along {len(size)}. {named}"
        here, there = tuple(shape[axis] for axis in self.axes), tuple(self.step * n for n in size)
        if here != there:
            return f"{self} under {group} shifts {len(size)} axes of sizes {there}{self._other(here, there)}"
        return None

    def _other(self, here: Sequence[int], there: Sequence[int]) -> str:
        """What to do about a grid that is so many times as coarse or as fine, or that no whole number of steps goes round."""
        coarser, finer = _times(here, there), _times(there, here)
        if coarser:
            larger = f"a step {coarser} times as large, as in 'roll(step={coarser})'"
            return f". It is {coarser} times as coarse: give the input {larger}"
        if finer:
            return f". It is {finer} times as fine: give it 'roll(step={finer * self.step})'"
        return f". Give it sizes that are multiples of {self.step}" if any(size % self.step for size in here) else ""

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), Translations((4, 6)), (2, 4, 6)),
            (cls(axes=(-2,)), Translations((5,)), (5, 3)),
            (cls(step=2), Translations((2, 3)), (4, 6)),
        ]


def _times(small: Sequence[int], large: Sequence[int]) -> int:
    """How many times as large, if it is a whole number and the same for all axes, else 0."""
    several = {divmod(n, m) if m else (0, 0) for m, n in zip(small, large, strict=False)} if len(small) == len(large) else set()
    times, rest = several.pop() if len(several) == 1 else (0, 0)
    return times if not rest and times > 1 else 0


def _turns(group: Monoid) -> bool:
    """Whether a group that shifts a grid turns or reflects it as well."""
    try:
        group.shift(group.identity(1))
        matrix = group.linear(group.generators())
    except GroupError:
        return False
    return not torch.equal(matrix, torch.eye(matrix.shape[-1], dtype=matrix.dtype).expand_as(matrix))


@dataclass(frozen=True)
class Flip(OnGrid):
    """Reverses a grid along its axes, counted from the end: along those of the coordinates whose sign an element changes.

    For groups of sign flips, with an axis for each coordinate. `Image` moves grids by quarter turns and reflections.
    """

    name = "flip"
    discrete = True

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        flipped = (group.linear(g).diagonal(dim1=-2, dim2=-1) < 0).to(x.device)
        for i, axis in enumerate(self.axes):
            x = torch.where(flipped[:, i].reshape(-1, *(1,) * (x.ndim - 1)), x.flip(axis), x)
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            matrix = group.linear(torch.cat([group.landmarks(), group.sample(8, Generator().manual_seed(0))]))
        except GroupError as error:
            return f"{self}: {error}"
        if matrix.is_complex() or not torch.equal(matrix, torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1).sign())):
            return f"{self} is defined for groups of sign flips, such as Flips(2), not for {group}"
        if matrix.shape[-1] != len(self.axes):
            return f"{self} under {group} reverses {matrix.shape[-1]} axes. Name one for each coordinate"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), SignFlips(2), (2, 4, 3)), (cls(axes=(-1, -3, -2)), SignFlips(3), (2, 3, 4))]


@dataclass(frozen=True)
class Swap(AlongAxis):
    """Two entries along an axis change places where an element of a group of sign flips flips its first sign.

    >>> import torch
    >>> Swap(0, 2).act(SignFlips(1), torch.tensor([[1]]), torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1.]])
    """

    i: int
    j: int
    axis: int = -1

    name = "swap"
    discrete = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.i == self.j or min(self.i, self.j) < 0:
            raise ClaimError(f"{self}: give two different entries, from 0, as in Swap(0, 1).")

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        order = list(range(x.shape[self.axis]))
        order[self.i], order[self.j] = self.j, self.i
        swapped = x.index_select(x.ndim + self.axis, g.new_tensor(order).to(x.device))
        flipped = (g[:, 0] % 2 == 1).to(x.device).reshape(-1, *[1] * (x.ndim - 1))
        return swapped.where(flipped, x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        if not isinstance(group, SignFlips):
            return f"{self} is defined for groups of sign flips, such as Flips(1), not for {group}"
        return None if max(self.i, self.j) < shape[self.axis] else f"{self} swaps entries {self.i} and {self.j}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(0, 2), SignFlips(1), (2, 3)), (cls(1, 0, axis=-2), SignFlips(1), (3, 2))]


def from_the_end(rep: Rep, axes: tuple[int, ...]) -> None:
    if (
        not isinstance(axes, tuple)
        or not axes
        or any(not isinstance(axis, int) or axis >= 0 for axis in axes)
        or len(set(axes)) < len(axes)
    ):
        raise ClaimError(f"{rep}: axes are different negative integers, counted from the end, so that batch axes don't matter.")


def gridded(axes: Sequence[int]) -> Look:
    """What a tensor is drawn as whose samples lie on a grid along those axes."""
    if set(axes) == {-2, -1}:
        return "image"
    return "signal" if tuple(axes) == (-1,) else "steps" if tuple(axes) == (-2,) else ""
