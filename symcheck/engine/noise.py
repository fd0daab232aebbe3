"""The noise floor: how far a computed function is from a smooth one.

Moré & Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011): along a line of equally spaced points the
k-th differences of a smooth function vanish as h^k, those of its noise do not; sigma_k^2 = (k!)^2 / (2k)! mean(D_k^2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from symcheck._tree import Leaves
from symcheck.engine.policy import Policy


@dataclass(frozen=True)
class Noise:
    """What lines through some points show, one row a line, one column an output leaf; float64, on the CPU.

    `level` is the noise, in units of the output; `size` the output's own size there. `gain` is how much the output changes
    for a change of the input by its whole extent, in units of the output.
    """

    level: Tensor
    size: Tensor
    gain: Tensor

    def typical(self, magnitude: Tensor) -> Tensor:
        """The noise at points where the output has these magnitudes `(n, L)`: the median, absolute or relative.

        Nothing where every line crosses a jump.
        """
        relative = (self.level / self.size.clamp_min(5e-324)).nanmedian(0).values
        return torch.maximum(
            self.level.nanmedian(0).values.nan_to_num().expand_as(magnitude), relative.nan_to_num() * magnitude
        )


def rms(x: Tensor) -> Tensor:
    """Root mean square over all but the leading axis: `(n,)`, float64."""
    if x.numel() == 0:
        return torch.zeros(len(x), dtype=torch.float64, device=x.device)
    rows = real(x)
    lengths = torch.linalg.vector_norm(rows, dim=-1)  # at once: squares would be one more tensor of its size
    sizes: Tensor = (lengths.square() / rows.shape[-1]).sqrt()
    return sizes


def real(x: Tensor) -> Tensor:
    """The entries of each row as real numbers: `(n, entries)`, float64."""
    return (torch.view_as_real(x) if x.is_complex() else x).unsqueeze(-1).flatten(1).double()


def minus(a: Tensor, b: Tensor) -> Tensor:
    """The difference, in float64 that of integers and booleans."""
    return a - b if a.is_floating_point() or a.is_complex() else a.double() - b.double()


def evenly(count: int, most: int) -> Tensor:
    """The indices of at most `most` of `count` things, evenly spread. In float64, whatever the default dtype is."""
    return torch.linspace(0, count - 1, min(most, count), dtype=torch.float64).long()


def noise(
    f: Callable[[Leaves], Leaves],
    x: Leaves,
    *,
    moving: list[bool],
    spreads: list[float],
    eps: float,
    rng: Generator,
    policy: Policy,
) -> Noise:
    """The noise of f on a line through each row of x, in a random direction of the leaves that are `moving`.

    A line is as long as the row's size, or as the leaf's spread over the inputs if that is less: f varies with the inputs'
    differences, whatever large offset they share.
    """
    spacings = policy.spacings(eps)
    points = policy.line_points
    steps = torch.arange(points, dtype=torch.float64) - points // 2
    offsets = (torch.tensor(spacings, dtype=torch.float64).unsqueeze(-1) * steps).reshape(-1)
    nearest = spacings[0] * steps.repeat(len(spacings)).abs()
    y = f(
        [
            _line(leaf, offsets, nearest, spread, rng) if move else _repeat(leaf, len(offsets))
            for leaf, move, spread in zip(x, moving, spreads, strict=True)
        ]
    )
    tables = [real(leaf).reshape(len(x[0]), len(spacings), points, -1) for leaf in y]
    level = torch.stack([_larger(smooth(table, eps, policy)) for table in tables], -1)
    wide = [table[:, -1].diff(dim=1).square().mean((-2, -1)).sqrt() / spacings[-1] for table in tables]
    size = [rms(table[:, 0, points // 2]) for table in tables]
    return Noise(level.cpu(), torch.stack(size, -1).cpu(), torch.stack(wide, -1).cpu())


def smooth(table: Tensor, eps: float, policy: Policy) -> Tensor:
    """The plateaus of lines `(..., points, outputs)`, with NaN for those that cross a jump.

    A jump shows on the whole line but not on both of its halves, nor does one at the very middle (at a tie), which belongs
    to neither half. What float32 rounds is no jump: where one number is rounded once on a line, it looks like one.
    """
    whole, half = plateau(table, policy.lowest_order), table.shape[-2] // 2
    halves = [plateau(table[..., part, :], 2) for part in (slice(0, half), slice(-half, None))]
    rounding = policy.slack * max(eps, policy.single) * table.square().mean((-2, -1)).sqrt()
    return whole.where(whole <= (policy.jump * torch.minimum(*halves)).maximum(rounding), torch.nan)


def _larger(levels: Tensor) -> Tensor:
    """The larger plateau of the spacings that give one, `(..., spacings) -> (...)`."""
    largest = levels.nan_to_num(nan=-1.0, posinf=torch.inf).amax(-1)
    return largest.where(largest >= 0, torch.nan)


def plateau(table: Tensor, lowest_order: int) -> Tensor:
    """The noise that values on lines `(..., points, outputs)` show: the median over the orders of difference, `(...)`."""
    levels = []
    for order in range(1, table.shape[-2]):
        table = table.diff(dim=-2)
        if order >= lowest_order:
            weight = math.factorial(order) ** 2 / math.factorial(2 * order)
            levels.append((weight * table.square().mean((-2, -1))).sqrt())
    return torch.stack(levels, -1).median(-1).values


def extent(leaf: Tensor, spread: float) -> Tensor:
    """How far the rows of a leaf may be moved and still be like it: their own size, or the leaf's spread if that is less."""
    size = rms(leaf)
    bound = size.clamp_max(spread) if spread > 0 else size
    return torch.where(size > 0, bound, spread if spread > 0 else 1.0)


def _line(leaf: Tensor, offsets: Tensor, nearest: Tensor, spread: float, rng: Generator) -> Tensor:
    """`(n * offsets, *shape)`: each row moved along one random direction.

    By `offsets` in units of its extent, but by no less than `nearest` in units of its size: nearer points round to one.
    """
    direction = torch.randn(leaf.shape, generator=rng, dtype=leaf.dtype).to(leaf.device)
    size, unit = rms(leaf).unsqueeze(1), extent(leaf, spread).unsqueeze(1)
    offsets, nearest = offsets.to(leaf.device), nearest.to(leaf.device)
    moves = offsets.sign() * torch.maximum(offsets.abs() * unit, nearest * size)
    return (leaf.unsqueeze(1) + moves.reshape(*moves.shape, *(1,) * (leaf.ndim - 1)) * direction.unsqueeze(1)).flatten(0, 1)


def _repeat(leaf: Tensor, count: int) -> Tensor:
    return leaf.repeat_interleave(count, 0)
