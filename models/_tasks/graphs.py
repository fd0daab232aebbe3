"""Graphs whose nodes all have two neighbours: one cycle, or three triangles."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from symcheck.groups import Symmetric
from symcheck.reps import Permute, Relabel

Batch = tuple[Tensor, Tensor, Tensor]


def cycles(count: int, rng: Generator) -> Batch:
    """Something to learn: is it one cycle of 9 nodes (0) or three triangles (1)? `x (count, 9, 4)`, edges, labels `(count,)`.

    All degrees are two. What tells them apart is that three steps lead back, which shows since the features are random.
    """
    place = torch.arange(9)
    following = torch.stack([(place + 1) % 9, place // 3 * 3 + (place + 1) % 3])
    label = torch.randint(2, (count,), generator=rng)
    there = torch.stack([place.expand(count, -1), following[label]], 1)
    return torch.randn(count, 9, 4, generator=rng), torch.cat([there, there.flip(1)], -1), label


def relabelled(batch: Batch, rng: Generator) -> Batch:
    """The same graphs, each with its nodes numbered anew."""
    x, edges, label = batch
    group = Symmetric(9)
    g = group.sample(len(x), rng)
    return Permute().act(group, g, x), Relabel().act(group, g, edges), label
