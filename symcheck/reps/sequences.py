"""Reps along time: steps warped, inserted or delayed, and moments of continuous time that move with the knots of a clock.

Durations go in one of three ways. Where a warp only shows steps again, they are warped like all else. Where inserted steps take
no time, `Insert`. Where a step is split into k, each takes a k-th, `Warp(axis=-1) * ScaleBy(-1)` of the dilations: equal shares
are no action of all warps, since halves of which one is halved again aren't thirds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import Monoid
from symcheck.groups.warps import Delays, Dilations, TimeChanges, Warps
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.moves import AlongAxis, gridded


class _AlongTime(AlongAxis):
    """A rep that moves steps along one axis, counted from the end."""

    def look(self, group: Monoid, shape: Shape) -> Look:
        return gridded((self.axis,))

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {"steps": shape[self.axis]}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        source = self.source(group, g, x.shape[self.axis]).to(x.device)
        return x.gather(self.axis, _beside(source.clamp_min(0), x, self.axis).expand(x.shape))

    @abstractmethod
    def source(self, group: Monoid, g: Tensor, steps: int) -> Tensor:
        """The step `(n, steps)` that each step shows afterwards; negative where it shows none."""

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            steps = self.source(group, group.identity(1), shape[self.axis]).shape[-1]
        except GroupError as error:
            return f"{self}: {error}"
        if shape[self.axis] != steps:
            return f"{self} under {group} acts on {steps} steps along axis {self.axis}"
        return None


@dataclass(frozen=True)
class Warp(_AlongTime):
    """Time warps: after c, step t shows what step c(t) showed, so that steps are repeated and the last ones lost."""

    axis: int = -2

    name = "warp"
    discrete = True

    def source(self, group: Monoid, g: Tensor, steps: int) -> Tensor:
        return group.warp(g)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Warps(4), (4, 2)), (cls(axis=-1), Warps(7), (7,)), (cls(axis=-3), Dilations(6), (6, 2, 3))]


@dataclass(frozen=True)
class Insert(_AlongTime):
    """Time warps whose repeats show zero, `(x o c) dc`: durations, when inserted steps take no time; tokens, when 0 is a blank.

    That it is an action is the chain rule: the increments of h o g are those of h at g(t), times those of g. The sum along
    time stays, but for what is pushed past the end.
    """

    axis: int = -1

    name = "insert"
    discrete = True

    def source(self, group: Monoid, g: Tensor, steps: int) -> Tensor:
        return group.warp(g)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        inserted = _repeats(group.warp(g)).to(x.device)
        return super().act(group, g, x).masked_fill(_beside(inserted, x, self.axis), 0)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Warps(7), (7,)), (cls(axis=-2), Warps(4), (4, 2)), (cls(), Dilations(6), (6,))]


@dataclass(frozen=True)
class Shift(_AlongTime):
    """Delays: the sequence starts later, after zeros, and its last steps are lost.

    A model that answers zeros with zeros while it waits commutes with them; one with a bias doesn't.
    """

    axis: int = -2

    name = "shift"
    discrete = True

    def source(self, group: Monoid, g: Tensor, steps: int) -> Tensor:
        return torch.arange(steps) - group.delay(g).unsqueeze(-1)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        waiting = (self.source(group, g, x.shape[self.axis]) < 0).to(x.device)
        return super().act(group, g, x).masked_fill(_beside(waiting, x, self.axis), 0)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Delays(4), (4, 2)), (cls(axis=-1), Delays(7), (7,))]


@dataclass(frozen=True)
class Moments(Rep):
    """Piecewise-linear changes of time of a last axis `(log gaps | moments)`: a clock's knots and the moments it is read at.

    The first `pieces` entries are the logarithms of the gaps between its knots, the first of which is at 0; the rest are
    moments. A gap grows by the slope on its piece, and a moment keeps its place between the knots: the line of the first
    piece goes on before the first knot, that of the last behind the last.
    """

    pieces: int = 4

    name = "moments"
    linear = False

    def __post_init__(self) -> None:
        if not isinstance(self.pieces, int) or self.pieces < 1:
            raise ClaimError(f"{self}: a clock has one piece between knots or more.")

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        slopes = group.slopes(g).to(x)
        slopes = slopes.reshape(len(slopes), *(1,) * (x.ndim - 2), self.pieces)
        gaps, moments = x[..., : self.pieces], x[..., self.pieces :]
        new = gaps + slopes.log()
        before, after = knots(gaps), knots(new)
        piece = torch.searchsorted(before[..., 1:-1].real.contiguous(), moments.real.contiguous(), right=True)
        within = (moments - before.gather(-1, piece)) * slopes.expand(gaps.shape).gather(-1, piece)
        return torch.cat([new, after.gather(-1, piece) + within], -1)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            pieces = group.slopes(group.identity(1)).shape[-1]
        except GroupError as error:
            return f"{self}: {error}"
        if pieces != self.pieces or shape[-1] <= pieces:
            return f"{self} under {group} acts on a last axis of {pieces} log gaps and at least one moment"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(1), TimeChanges(1), (4,)), (cls(4), TimeChanges(4), (2, 9))]


def knots(log_gaps: Tensor) -> Tensor:
    """Where the pieces of a clock begin and end, `(..., pieces + 1)`, from the logarithms of their lengths `(..., pieces)`."""
    return torch.nn.functional.pad(log_gaps.exp().cumsum(-1), (1, 0))


def _repeats(warp: Tensor) -> Tensor:
    """Which steps of warps `(n, steps)` show what the step before them shows, `(n, steps)`, bool."""
    return torch.nn.functional.pad(warp.diff(dim=-1) == 0, (1, 0))


def _beside(steps: Tensor, x: Tensor, axis: int) -> Tensor:
    """`(n, steps)` with axes of size 1 for all axes of x but these two."""
    ones = [1] * x.ndim
    ones[0], ones[axis] = steps.shape
    return steps.reshape(ones)
