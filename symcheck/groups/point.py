"""Point groups: finite groups of matrices, which leave the origin where it is."""

from __future__ import annotations

from torch import Tensor

from symcheck.groups.base import Group


class PointGroup(Group):
    """A finite group with a linear part and no translations. Its elements are integers, so that its laws hold exactly."""

    def translation(self, g: Tensor) -> Tensor:
        matrix = self.linear(g)
        return matrix.new_zeros(matrix.shape[:2])


def below(g: Tensor, size: Tensor | int) -> Tensor:
    """Which entries are whole numbers from 0 up to, but not including, `size`."""
    return (g >= 0) & (g < size) & (g == g.long())


def divisors(n: int) -> list[int]:
    """The divisors of a number but itself, largest first.

    >>> divisors(12)
    [6, 4, 3, 2, 1]
    """
    return [d for d in range(n // 2, 0, -1) if n % d == 0]
