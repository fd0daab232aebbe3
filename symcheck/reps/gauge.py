"""Reps of gauge groups: what is written in a frame at each vertex, and what leads from one frame to another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import Monoid
from symcheck.groups.gauge import CyclicGauge, Gauge, wrapped
from symcheck.reps.base import Rep, Shape, pooled_in_blocks

Edges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Framed(Rep):
    """Real features written in the frame at each vertex: where it turns by phi, `z -> exp(-i m phi) z` for one of order m.

    The last axis holds one number for order 0 and a pair (real, imaginary) for each other order, as `orders` lists them:
    `Framed((0, 1, 2))` takes 5. `axis` is that of the vertices: `(vertices, channels, components)` as it stands. Scalars are
    of order 0, tangent vectors of order 1 with the pair (along the frame's first axis, along its second), lines of order 2.
    """

    orders: tuple[int, ...] = (1,)
    axis: int = -3
    of: str = "vertices"

    name = "framed"

    def __post_init__(self) -> None:
        if not self.orders or any(not isinstance(m, int) or m < 0 for m in self.orders):
            raise ClaimError(f"{self}: orders are whole numbers, 0 or more, one at least, as in Framed(orders=(0, 1)).")
        if not isinstance(self.axis, int) or self.axis > -2:
            raise ClaimError(f"{self}: the axis of the {self.of} is counted from the end and before the last, as -2 or -3.")

    @property
    def rank(self) -> int:
        return -self.axis

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    @property
    def dim(self) -> int:
        """The size of the last axis."""
        return sum(self._sizes)

    @property
    def _sizes(self) -> list[int]:
        """How many entries of the last axis each order takes."""
        return [2 if m else 1 for m in self.orders]

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        """Each order for itself."""
        return pooled_in_blocks(x, self._sizes)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {self.of: shape[self.axis]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        angle, parts, start = _along(group.gauge(g), x[..., 0].ndim, self.axis + 1), [], 0
        for m in self.orders:
            cosine, sine = (m * angle).cos().to(x), (m * angle).sin().to(x)
            if m == 0:
                parts.append(x[..., start])
                start += 1
                continue
            along, across = x[..., start], x[..., start + 1]
            parts += [cosine * along + sine * across, cosine * across - sine * along]
            start += 2
        return torch.stack(parts, -1)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        if shape[-1] != self.dim:
            return f"{self} acts on a last axis of size {self.dim}, a number for order 0 and a pair for each other"
        return _misfit(self, group, shape[self.axis], f"frames along axis {self.axis}")

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), Gauge(4), (4, 3, 2)),
            (cls((0, 1, 2)), Gauge(3), (3, 2, 5)),
            (cls((3,), axis=-2), CyclicGauge(4, 5), (5, 2)),
            (cls((2, 1), axis=-4), Gauge(2), (2, 3, 1, 4)),
        ]


@dataclass(frozen=True)
class ComplexFramed(Rep):
    """Complex features of one order m, written in the frame at each vertex: `z -> exp(-i m phi) z` along `axis`."""

    order: int = 1
    axis: int = -2
    of: str = "vertices"

    name = "complex_framed"

    def __post_init__(self) -> None:
        if not isinstance(self.axis, int) or self.axis >= 0:
            raise ClaimError(f"{self}: the axis of the {self.of} is counted from the end, so that batch axes don't matter.")

    @property
    def rank(self) -> int:
        return -self.axis

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def is_complex(self, group: Monoid) -> bool:
        return True

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {self.of: shape[self.axis]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        if not x.is_complex():
            raise ClaimError(f"{self} acts on complex tensors; this one is {x.dtype}. Use Framed for pairs of real numbers.")
        angle = -self.order * _along(group.gauge(g), x.ndim, self.axis)
        return torch.complex(angle.cos(), angle.sin()).to(x) * x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return _misfit(self, group, shape[self.axis], f"frames along axis {self.axis}")

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Gauge(4), (4, 3)), (cls(2, axis=-1), CyclicGauge(5, 3), (2, 3))]


@dataclass(frozen=True)
class LogMap(Rep):
    """The direction theta of each edge (p, q) in the frame at p, along the last axis: `theta -> theta - phi_p`.

    Angles are in radians and count modulo a full turn: what comes out lies from -pi to pi. As an output, give the direction
    itself, (cos theta, sin theta), which has no jump and is `Framed` of order 1.
    """

    edges: Edges
    of: str = "vertices"

    name = "log_map"
    linear = False

    def __post_init__(self) -> None:
        if not self.edges or any(min(edge, default=-1) < 0 or len(edge) != 2 for edge in self.edges):
            raise ClaimError(
                f"{type(self).__name__}: edges are pairs (p, q) of {self.of}, one at least, as in ((0, 1), (1, 0))."
            )

    def __str__(self) -> str:
        return f"{type(self).__name__}({len(self.edges)} edges)"

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return 2 * math.pi * (torch.rand(n, *shape, generator=rng, dtype=torch.float64) - 0.5)

    def turn(self, angle: Tensor) -> Tensor:
        """By how much each edge's angle changes, `(n, edges)`, where frames turn by `(n, vertices)`."""
        return -angle[:, [p for p, _ in self.edges]]

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return wrapped(x + _along(self.turn(group.gauge(g)), x.ndim, -1).to(x))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        if shape[-1] != len(self.edges):
            return f"{self} acts on a last axis of size {len(self.edges)}"
        last = max(max(edge) for edge in self.edges)
        return _misfit(self, group, None, f"frame {last}, the last that its edges name", last)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(((0, 1), (1, 2), (2, 0))), Gauge(3), (3,)), (cls(((0, 0), (3, 1))), CyclicGauge(4, 4), (5, 2))]


@dataclass(frozen=True)
class Transport(LogMap):
    """The angle g by which a vector turns as it is carried along each edge from q to p: `g -> g - phi_p + phi_q`.

    A vector of the angle alpha in the frame at q has the angle alpha + g in that at p.
    """

    name = "transport"

    def turn(self, angle: Tensor) -> Tensor:
        return super().turn(angle) + angle[:, [q for _, q in self.edges]]

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(((0, 1), (1, 2), (2, 0))), Gauge(3), (3,)), (cls(((0, 2), (3, 1))), CyclicGauge(4, 4), (5, 2))]


@dataclass(frozen=True)
class Cycle(Rep):
    """Turns each row of a table about by its own number of places, under C_N^V with N the size of the row.

    A triangle (a, b, c) and (b, c, a) are one: a table of faces `(faces, 3)` is `Cycle(of="faces")` under
    `CyclicGauge(3, of="faces")`.
    """

    of: str = "vertices"

    name = "cycle"
    discrete = True

    @property
    def rank(self) -> int:
        return 2

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {self.of: shape[-2]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        size = x.shape[-1]
        step = (group.gauge(g) * (size / (2 * math.pi))).round().long().to(x.device)
        source = (torch.arange(size, device=x.device) - step.unsqueeze(-1)) % size  # (n, rows, size)
        return x.gather(-1, source.reshape(len(x), *(1,) * (x.ndim - 3), *source.shape[1:]).expand(x.shape))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        reason = _misfit(self, group, shape[-2], "rows along axis -2")
        if reason is not None:
            return reason
        steps = group.gauge(group.sample(8, Generator().manual_seed(0))) * (shape[-1] / (2 * math.pi))
        if bool(((steps - steps.round()).abs() > 1e-9).any()):  # far above rounding, and far below a step
            return f"{self} turns rows of {shape[-1]} by whole places, as 'C_{shape[-1]}^V' does, and not {group}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), CyclicGauge(3, 4), (4, 3)), (cls("faces"), CyclicGauge(5, 2, "faces"), (2, 5))]


def _along(angle: Tensor, ndim: int, axis: int) -> Tensor:
    """Angles `(n, places)` shaped to multiply a tensor `(n, ...)` of so many axes along one of them."""
    ones = [1] * ndim
    ones[0], ones[axis] = angle.shape
    return angle.reshape(ones)


def _misfit(rep: Rep, group: Monoid, size: int | None, what: str, last: int = -1) -> str | None:
    """Why the group has no gauge part, or not of that size, or none for the place `last`."""
    try:
        frames = group.gauge(group.identity(1)).shape[-1]
    except GroupError as error:
        return f"{rep}: {error}"
    if size not in (None, frames) or last >= frames:
        return (
            f"{rep} under {group}, which turns {frames} frames, has no {what}"
            if last >= 0
            else f"{rep} under {group} turns {frames} {what}"
        )
    return None
