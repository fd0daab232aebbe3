"""Flows on spheres: sinks, whirls and their opposites."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from models._geometry import intrinsic, ringed
from symcheck.domains import Mesh
from symcheck.domains.mesh import icosphere
from symcheck.groups import Symmetric
from symcheck.reps import Permute, Relabel

_BALL = Mesh(*icosphere(1), noise=0.05)
Flows = tuple[tuple[Tensor, Tensor, Tensor], Tensor]
"""Positions, faces and flows of meshes, and what they are."""


def flows(count: int, rng: Generator, relabelled: bool = False) -> Flows:
    """Something to learn: noisy flows on spheres, and which of sink, whirl, source or opposite whirl they are, `(count,)`.

    Each is the gradient of one bump, turned by so many quarters. Unless `relabelled`, all meshes have the same faces, and so
    the same frames, which a network may learn by heart.
    """
    positions, faces = _BALL.sample({}, count, rng)
    if relabelled:
        labels = Symmetric(42).sample(count, rng)
        positions, faces = Permute().act(Symmetric(42), labels, positions), Relabel().act(Symmetric(42), labels, faces)
    top = functional.normalize(torch.randn(count, 3, 1, generator=rng, dtype=torch.float64), dim=1)
    height, c = (2 * positions @ top).exp(), intrinsic(positions, faces)
    quarters = torch.randint(4, (count,), generator=rng)
    slope = (ringed(height, c.neighbour) - height.unsqueeze(-2)).squeeze(-1) * c.weight[..., 0]
    angle = c.direction + quarters.reshape(-1, 1, 1) * math.pi / 2
    flow = torch.stack([torch.zeros_like(slope), slope * angle.cos(), slope * angle.sin()], -1).sum(-2)
    flow = flow / flow.square().mean((-2, -1), keepdim=True).sqrt()
    z = flow + 0.5 * torch.randn(flow.shape, generator=rng, dtype=torch.float64)
    return (positions.float(), faces, z.unsqueeze(-2).float()), quarters
