"""Tetrominoes on a torus, in one place or anywhere, upright or turned."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from symcheck.groups import PlaneGroup
from symcheck.reps import Image

SHAPES = torch.tensor([[[1, 0, 0], [1, 1, 1]], [[0, 0, 1], [1, 1, 1]], [[0, 1, 1], [1, 1, 0]], [[1, 1, 0], [0, 1, 1]]])
"""The tetrominoes J, L, S and Z: two shapes and their mirror images, which no turn carries into each other."""


def shapes(count: int, rng: Generator, shifted: bool, turned: bool = False) -> tuple[Tensor, Tensor]:
    """Something to learn: noisy tetrominoes `(count, 1, 8, 8)` on a torus, and which, `(count,)`.

    All in one place, or anywhere if `shifted`; upright, or turned by any number of quarters if `turned`.
    """
    kind = torch.randint(4, (count,), generator=rng)
    image, moves = functional.pad(SHAPES[kind].float().unsqueeze(1), (3, 2, 3, 3)), PlaneGroup("p4", (8, 8))
    shift, turn = moves.unpack(moves.sample(count, rng))
    shift, turn = shift * shifted, turn * turned
    return Image().act(moves, moves.pack(shift, turn), image) + 0.1 * torch.randn(image.shape, generator=rng), kind


def placed(count: int, rng: Generator, shifted: bool = False) -> tuple[Tensor, Tensor]:
    """Upright ones, in one place or anywhere."""
    return shapes(count, rng, shifted)


def oriented(count: int, rng: Generator, turned: bool = False) -> tuple[Tensor, Tensor]:
    """Ones anywhere, upright or turned. Their mirror images are other classes, which p4m couldn't tell."""
    return shapes(count, rng, True, turned)
