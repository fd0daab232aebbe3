"""Patterns on the sphere that differ in how their degrees lie to each other alone."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from symcheck.groups import SO
from symcheck.reps.spherical import SphericalTransform, coefficients

DEGREE, RES = 4, 10


def patterns(count: int, rng: Generator, turned: bool = False) -> tuple[Tensor, Tensor]:
    """Something to learn: noisy signals `(count, 2, 10, 20)` of one of four patterns, upright or turned, and of which.

    The patterns have the same power at each degree, so that a network has to see how the degrees lie to each other.
    """
    drawn = torch.randn(4, 2, 25, generator=Generator().manual_seed(0))
    degrees = [functional.normalize(drawn[..., l * l : (l + 1) ** 2], dim=-1) for l in range(DEGREE + 1)]
    patterns = torch.cat([degrees[0].abs(), *degrees[1:]], -1)
    label = torch.randint(4, (count,), generator=rng)
    a = patterns[label] + 0.2 * torch.randn(count, 2, 25, generator=rng)
    group = SO(3)
    turns = group.sample(count, rng)
    a = coefficients(DEGREE).act(group, turns, a) if turned else a
    return SphericalTransform(DEGREE, RES).synthesis(a) / 3, label
