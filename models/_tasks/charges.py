"""Charged points, the forces between them, and where they go: data for models of points in space.

Charges are +1 or -1, and repel or attract by Coulomb's law, softened within a radius a, so that points may meet:

    E = sum over pairs of q_i q_j (|x_i - x_j|^2 + a^2)^(-1/2)        F_i = -dE / dx_i

Clouds lie flat, in the plane of the first two axes, and stay there: nothing in the data says what happens elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from symcheck.groups import E
from symcheck.reps import Point, Vector

SOFT = 1.0  # a
FLAT = (1.0, 1.0, 0.0)  # how far clouds reach along the axes


class Charges(NamedTuple):
    """Charges `(n, points, 1)`, where they are `(n, points, 3)`, their energy `(n,)`, the forces, and where they will be."""

    charge: Tensor
    x: Tensor
    energy: Tensor
    forces: Tensor
    later: Tensor


def charges(count: int, rng: Generator, points: int = 5) -> Charges:
    """So many clouds at rest."""
    q = 2.0 * torch.randint(2, (count, points, 1), generator=rng) - 1
    x = torch.randn(count, points, 3, generator=rng) * torch.tensor(FLAT)
    return Charges(q, x, *field(q, x), released(q, x))


def anywhere(clouds: Charges, rng: Generator) -> Charges:
    """Each cloud turned, mirrored or not, and put elsewhere, by an element of E(3) of its own."""
    group, point, vector = E(3), Point(), Vector()
    g = group.sample(len(clouds.x), rng)
    x, later = (point.act(group, g, x) for x in (clouds.x, clouds.later))
    return clouds._replace(x=x, forces=vector.act(group, g, clouds.forces), later=later)


def field(q: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The energy `(n,)` and the forces `(n, points, 3)`."""
    arrows = x.unsqueeze(2) - x.unsqueeze(1)
    near = (arrows.square().sum(-1) + SOFT**2).rsqrt()
    pairs = (q @ q.mT) * (1 - torch.eye(q.shape[1]).to(q))
    return (pairs * near).sum((1, 2)) / 2, torch.einsum("nij, nijd -> nid", pairs * near**3, arrows)


def released(q: Tensor, x: Tensor, time: float = 1.0, steps: int = 20) -> Tensor:
    """Where points of mass one are after some time, if they start at rest: by leapfrog, good to 1e-4 here."""
    step = time / steps
    speed = field(q, x)[1] * step / 2
    for _ in range(steps):
        x = x + step * speed
        speed = speed + step * field(q, x)[1]
    return x


def relative(y: Tensor, target: Tensor) -> float:
    """R^2 of vectors `(n, points, 3)`: the part of their squared length that is explained, the same in all frames."""
    return float(1 - (y - target).square().sum() / target.square().sum())
