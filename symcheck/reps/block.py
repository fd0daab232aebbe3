"""Blocks of the matrices of a group that some matrices generate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck.errors import ClaimError
from symcheck.groups import Exponential, Monoid
from symcheck.reps.base import Rep, Shape


@dataclass(frozen=True)
class Block(Rep):
    """The affine map in the rows `start` to `start + size` of the group's matrices, of which the last is (0, ..., 0, 1).

    It acts along one axis, or (`axis=0`) on the last `axes` of them as one; the numbers of a complex tensor are two each.
    """

    start: int
    size: int
    axis: int = -1
    axes: int = 1

    name = "block"
    linear = False

    @property
    def rank(self) -> int:
        return -self.axis if self.axis < -1 else self.axes if not self.axis else 0

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        stop = self.start + self.size - 1
        linear, step = g[:, self.start : stop, self.start : stop], g[:, self.start : stop, stop]
        numbers = torch.view_as_real(x).flatten(-2) if x.is_complex() and x.ndim > 1 else x
        numbers = torch.view_as_real(numbers) if numbers.is_complex() else numbers
        rows = numbers.movedim(self.axis, -1) if self.axis and numbers.ndim > 1 else numbers.reshape(len(x), *self._lead(x), -1)
        moved = rows.reshape(len(x), -1, rows.shape[-1]) @ linear.to(numbers).mT + step.to(numbers).unsqueeze(1)
        moved = moved.reshape(rows.shape)
        back = moved.movedim(-1, self.axis) if self.axis and numbers.ndim > 1 else moved.reshape(numbers.shape)
        whole = torch.view_as_complex(back.unflatten(-1, (-1, 2)).contiguous()) if x.is_complex() else back  # type: ignore[no-untyped-call]
        return whole.reshape(x.shape)

    def _lead(self, x: Tensor) -> Shape:
        return tuple(x.shape[1 : max(1, x.ndim - max(self.axes, 1))])

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        if not isinstance(group, Exponential) or self.start + self.size > group.size:
            return f"{self} reads rows of the matrices of an Exponential group, not of {group}"
        if self._entries(shape) not in (self.size - 1, (self.size - 1) / 2):
            return f"{self} acts on {self.size - 1} numbers"
        return None

    def check(self, group: Monoid, shape: Shape, floating: bool, where: str, dtype: torch.dtype | None = None) -> None:
        super().check(group, shape, floating, where, dtype)
        if dtype is not None and not dtype.is_complex and self._entries(shape) != self.size - 1:
            raise ClaimError(f"{where} has shape {tuple(shape)}: {self} acts on {self.size - 1} numbers. Give it so many.")

    def _entries(self, shape: Shape) -> int:
        return (shape[self.axis] if shape else 1) if self.axis else math.prod(shape[len(shape) - self.axes :])

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        group = Exponential((((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)),))
        shift = Exponential((((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),))
        return [(cls(0, 3), group, (4, 2)), (cls(0, 3, -2), shift, (2, 4)), (cls(0, 3, 0, 2), group, (3, 1, 2))]
