"""Sets of numbers in rising order, and what to tell of them. Their transforms put the numbers of each in any order."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from symcheck.groups import Symmetric
from symcheck.reps import Permute


class Sets(NamedTuple):
    """Numbers `(n, points, 1)`, which of them are there `(n, points)`, and three figures of these `(n, 3)`."""

    x: Tensor
    mask: Tensor
    statistics: Tensor


def summed_up(count: int, rng: Generator) -> Sets:
    """Something to learn: 3 to 10 numbers in rising order, each set with a mean and a deviation of its own, and padded."""
    size = torch.randint(3, 11, (count, 1), generator=rng)
    mask = torch.arange(10) < size
    x = torch.randn(count, 10, generator=rng) * (0.5 + torch.rand(count, 1, generator=rng)) + torch.randn(
        count, 1, generator=rng
    )
    x = x.masked_fill(~mask, torch.inf).sort(-1).values.masked_fill(~mask, 0)
    centre = x.sum(-1, keepdim=True) / size
    deviation = ((x - centre).square() * mask).sum(-1, keepdim=True).div(size).sqrt()
    greatest = x.gather(-1, size - 1)
    return Sets(x.unsqueeze(-1), mask, torch.cat([centre, deviation, greatest], -1))


def shuffled(sets: Sets, rng: Generator) -> Sets:
    """The same sets, each with its numbers and its padding in any order."""
    group, order = Symmetric(sets.mask.shape[1]), Permute(axis=-1)
    g = group.sample(len(sets.x), rng)
    return sets._replace(x=Permute().act(group, g, sets.x), mask=order.act(group, g, sets.mask))


def described(count: int, rng: Generator) -> Sets:
    """Something to learn: padded samples in rising order `(count, 12, 1)`, masks, and statistics: mean, deviation and median.

    Their sizes are 3 to 12, and each sample has a mean and a deviation of its own.
    """
    size = torch.randint(3, 13, (count, 1), generator=rng)
    mask = torch.arange(12) < size
    scale = 0.5 + torch.rand(count, 1, generator=rng)
    x = torch.randn(count, 12, generator=rng) * scale + torch.randn(count, 1, generator=rng)
    x = x.masked_fill(~mask, torch.inf).sort(-1).values.where(mask, torch.randn(count, 12, generator=rng))
    mean = (x * mask).sum(-1, keepdim=True) / size
    deviation = (((x - mean) * mask).square().sum(-1, keepdim=True) / size).sqrt()
    median = (x.gather(-1, (size - 1) // 2) + x.gather(-1, size // 2)) / 2
    return Sets(x.unsqueeze(-1), mask, torch.cat([mean, deviation, median], -1))


def skewed(count: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Something to learn: samples in rising order `(count, 9, 1)`, and whether their median is above their mean `(count,)`."""
    x = torch.rand(count, 9, 1, generator=rng).sort(1).values
    return x, (x[:, 4, 0] > x.mean((1, 2))).long()


def reordered(batch: tuple[Tensor, Tensor], rng: Generator) -> tuple[Tensor, Tensor]:
    """The same samples, each in any order."""
    x, label = batch
    return x.gather(1, torch.rand(x.shape, generator=rng).argsort(1)), label
