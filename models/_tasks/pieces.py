"""Pieces of four cubes in three dimensions, two of them each other's mirror images, as a left hand and a right one."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from symcheck.groups import E
from symcheck.reps import Point

Pieces = tuple[Tensor, Tensor, Tensor]
"""Ones `(n, 4, 1)`, the places of the cubes `(n, 4, 3)`, and which piece it is, `(n,)`."""

CUBES = (
    "000 100 110 111",  # a screw
    "000 100 110 11-",  # its mirror image
    "000 100 010 110",
    "000 100 200 300",
    "000 100 010 001",
    "000 100 200 010",
    "000 100 200 110",
    "000 100 110 210",
)
"""The eight pieces of four cubes, by a corner of each cube; - is -1."""


def pieces(count: int, rng: Generator) -> Pieces:
    """Upright ones, whose cubes are a little out of place."""
    cells = [[[-1.0 if c == "-" else float(c) for c in cube] for cube in piece.split()] for piece in CUBES]
    label = torch.randint(len(CUBES), (count,), generator=rng)
    x = torch.tensor(cells)[label]
    return torch.ones(count, 4, 1), x + 0.1 * torch.randn(x.shape, generator=rng), label


def anywhere(batch: Pieces, rng: Generator) -> Pieces:
    """The same turned, moved and mirrored. A screw's mirror image is the other screw."""
    h, x, label = batch
    g = E(3).sample(len(x), rng)
    swapped = (E(3).linear(g).det() < 0) & (label < 2)
    return h, Point().act(E(3), g, x), torch.where(swapped, 1 - label, label)
