"""Patterns: the tensors that break models, by name and shape: ties, lattices, points in a plane, zeros, impulses.

Each is one tensor in float64 of about unit size. Domains and reps hand them to checks, which try them beside random inputs:
random ones have no ties, and so can't show what a model does at one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import torch
from torch import Tensor


def points(number: int, dim: int) -> Mapping[str, Tensor]:
    """Points in space, `(number, dim)`: those at which distances, angles and frames tie or degenerate."""
    place = torch.arange(number, dtype=torch.float64)
    axes = torch.arange(dim, dtype=torch.float64)
    side = next(side for side in count(2) if side**dim >= number)
    lattice = (place.unsqueeze(-1) // side**axes) % side
    plane = (lattice + 0.1 * torch.sin(place).unsqueeze(-1)) * (axes < dim - 1)
    pairs = torch.sin((place // 2 + 1).unsqueeze(-1) * (axes + 1).sqrt() + axes)  # incommensurate: in no plane
    mirrored = pairs * torch.where((place % 2 == 1).unsqueeze(-1) & (axes == 0), -1.0, 1.0)
    helix = torch.cat([torch.stack([place.cos(), place.sin(), place / 2], -1), torch.zeros(number, dim)], -1)
    along = (1 + place // (2 * dim)) * torch.where(place % 2 == 0, 1.0, -1.0)
    clouds = {
        "integer lattice": lattice,
        "collinear points": place.unsqueeze(-1) * (axes == 0),
        "planar points": plane,
        "coincident points": pairs,
        "mirror-symmetric points": mirrored,
        "a helix": helix[:, :dim],
        "points on the axes": along.unsqueeze(-1) * (axes == (place // 2 % dim).unsqueeze(-1)),
    }
    return {name: cloud.double() for name, cloud in clouds.items()}


def shell(number: int, dim: int, radius: float, gap: float) -> Tensor:
    """Points `(number, dim)` on a line, each at `radius` from the one before, but for `gap`: more, then less, in turn."""
    steps = radius + gap * (1 - 2 * (torch.arange(number, dtype=torch.float64) % 2))
    return (steps.cumsum(0) - steps[0]).unsqueeze(-1) * (torch.arange(dim) == 0)


def elements(number: int, features: int) -> Mapping[str, Tensor]:
    """Elements of a set, `(number, features)`: equal ones, ties of size, zeros."""
    place = torch.arange(number, dtype=torch.float64).unsqueeze(-1)
    feature = torch.arange(1, features + 1, dtype=torch.float64)
    angles = torch.arange(number * features, dtype=torch.float64).reshape(number, features)
    return {
        "zeros": torch.zeros(number, features, dtype=torch.float64),
        "one-hot": (place == feature - 1).double(),
        "repeated elements": (place // 2 + 1) / feature,
        "equal norms": torch.nn.functional.normalize(torch.cos(angles + 1), dim=-1),
    }


def signals(size: Sequence[int]) -> Mapping[str, Tensor]:
    """Signals on a grid of that size: the sharpest, and the fastest that there is."""
    impulse = torch.zeros(tuple(size), dtype=torch.float64)
    impulse.view(-1)[:1] = 1
    places = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
    return {"impulse": impulse, "checkerboard": (torch.stack(places).sum(0) % 2).double()}
