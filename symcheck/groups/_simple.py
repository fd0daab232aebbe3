"""How simple numbers, angles and orthogonal matrices are, and simpler ones near them: what shrinking is made of.

A *cost* is 0 for what is trivial (zero, no turn, the identity) and rises with what it takes to say the thing in words.
Floats count as equal where they differ by the rounding of a few operations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROUNDING = 64 * torch.finfo(torch.float64).eps
"""As far as a short product of matrices strays for each of its rows: a few products of numbers up to 1, summed."""


def determinant(g: Tensor) -> Tensor:
    """Of square matrices `(..., d, d)`."""
    found: Tensor = torch.linalg.det(g)
    return found


def polar(g: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices `(n, d, d)` as a positive definite one after an orthogonal one, `g = growth @ turn`."""
    left, values, right = torch.linalg.svd(g)
    return (left * values.unsqueeze(-2)) @ left.mT, left @ right


def equal(x: Tensor, y: Tensor) -> Tensor:
    """Which numbers are equal, to rounding."""
    return (x - y).abs() <= ROUNDING * y.abs().clamp_min(1)


def number_cost(x: Tensor) -> Tensor:
    """0 for zero, 1 for one and minus one, 2 for a whole number, 3 for one decimal, 4 for others. A complex number has two.

    >>> number_cost(torch.tensor([0, -1, 7, 0.5, 0.1234], dtype=torch.float64)).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    if x.is_complex():
        return number_cost(x.real) + number_cost(x.imag)
    cost = torch.full_like(x, 4.0)
    cost[equal(10 * x, (10 * x).round())] = 3.0
    cost[equal(x, x.round())] = 2.0
    cost[equal(x.abs(), torch.ones_like(x))] = 1.0
    cost[equal(x, torch.zeros_like(x))] = 0.0
    return cost


def factor_cost(x: Tensor) -> Tensor:
    """The same for positive factors: 0 for one, 1 for two and a half, 2 for a whole number or the reciprocal of one."""
    large = torch.maximum(x, 1 / x)
    cost = torch.where(equal(10 * x, (10 * x).round()), 3.0, 4.0).to(x)
    cost[equal(large, large.round())] = 2.0
    cost[equal(large, torch.full_like(x, 2.0))] = 1.0
    cost[equal(large, torch.ones_like(x))] = 0.0
    return cost


def angle_cost(degrees: Tensor) -> Tensor:
    """0 for no turn, 1 for a quarter or a half, 2 for a multiple of 15 degrees, 3 for whole degrees, 4 for others."""
    cost = torch.full_like(degrees, 4.0)
    for step, less in ((1, 3.0), (15, 2.0), (90, 1.0), (360, 0.0)):
        over = degrees / step
        cost[(over - over.round()).abs() * step <= 180 * ROUNDING] = less
    return cost


def simpler_numbers(x: Tensor) -> Tensor:
    """Vectors `(k, d)` to put in the place of one `(d,)`: unit steps, its largest entries alone, rounded ones.

    >>> simpler_numbers(torch.tensor([0.0, 2.6], dtype=torch.float64))[:2].tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    axes = torch.eye(len(x), dtype=x.dtype)
    order = x.abs().argsort(descending=True, stable=True)
    sign = torch.where(x < 0, -1.0, 1.0).to(x)
    steps = (sign * axes)[order]
    alone, without = (x * axes)[order], (x * (1 - axes))[order]
    tenths = (10 * x).round() / 10
    near = torch.stack([sign * (x != 0), x.round(), tenths])
    found = [torch.zeros(1, len(x), dtype=x.dtype), steps, alone.round(), alone, near, without, without.round()]
    return torch.cat(found) + 0.0  # -0.0 + 0.0 is 0.0


def simpler_factors(x: float) -> list[float]:
    """Positive factors to put in the place of one: none, two or a half, the nearest whole number or its reciprocal."""
    whole = float(max(round(x), 1)) if x >= 1 else 1 / max(round(1 / x), 1)
    return [1.0, 2.0 if x > 1 else 0.5, whole, *([round(x, 1)] if round(x, 1) > 0 else [])]


def simpler_angles(degrees: float) -> list[float]:
    """Angles near one: the nearest multiples of 90, 45, 15 and 1 degrees, and itself."""
    return [step * round(degrees / step) for step in (90.0, 45.0, 15.0, 1.0)] + [degrees]


def plane_turn(dim: int, i: int, j: int, degrees: float, mirror: bool = False) -> Tensor:
    """A rotation `(dim, dim)` from axis i towards axis j, exact for quarter turns; or the reflection that sends i there."""
    quarters, exact = round(degrees / 90), {0: (1.0, 0.0), 1: (0.0, 1.0), 2: (-1.0, 0.0), 3: (0.0, -1.0)}
    angle = math.radians(degrees)
    cosine, sine = exact[quarters % 4] if degrees == 90 * quarters else (math.cos(angle), math.sin(angle))
    turn = torch.eye(dim, dtype=torch.float64)
    turn[i, i], turn[j, i] = cosine, sine
    turn[i, j], turn[j, j] = (sine, -cosine) if mirror else (-sine, cosine)
    return turn


def orthogonal_cost(g: Tensor) -> Tensor:
    """Of orthogonal matrices `(n, d, d)`: quarter turns and mirrors 1, others that permute axes 2, planar ones 3 to 5.

    A rotation whose axis is no coordinate axis costs 7 or more, a little less if its angle is a multiple of 15 degrees. The
    negative of a matrix costs at most 1 more than the matrix.
    """
    return torch.minimum(_cost(g), _cost(-g) + 1)


def _cost(g: Tensor) -> Tensor:
    dim = g.shape[-1]
    one = torch.eye(dim, dtype=g.dtype)
    close = dim * ROUNDING
    moved = ((g - one).abs() > close).any(-2)  # (n, d): the axes that don't stay where they are
    count = moved.sum(-1)
    permuting = ((g - g.round()).abs() <= close).flatten(1).all(-1)
    improper = (determinant(g) < 0).to(g)
    if dim == 1:
        return improper
    entries = ((g * (1 - one)).abs() > close).flatten(1).sum(-1) / (dim * (dim - 1))
    cost = 7 + entries + improper
    if dim == 3:
        cost = cost - (angle_cost(_angle(g)) <= 2).to(g)
    i, j = moved.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[:, :2].sort(-1).values.unbind(-1)
    rows = torch.arange(len(g))
    planar = 1 + angle_cost(torch.rad2deg(torch.atan2(g[rows, j, i], g[rows, i, i]))) + improper / 2
    cost = torch.where(count <= 2, planar, cost)
    return torch.where(permuting, torch.where(count <= 2, 1.0, 2.0).to(g) * (count > 0), cost)


def _angle(g: Tensor) -> Tensor:
    """The angles in degrees of rotations of space `(n, 3, 3)`."""
    skew = torch.stack([g[:, 2, 1] - g[:, 1, 2], g[:, 0, 2] - g[:, 2, 0], g[:, 1, 0] - g[:, 0, 1]], -1)
    return torch.rad2deg(torch.atan2(skew.norm(dim=-1), g.diagonal(dim1=-2, dim2=-1).sum(-1) - 1))


def simpler_orthogonal(g: Tensor) -> Tensor:
    """Orthogonal matrices `(k, d, d)` near one `(d, d)`, of both determinants: its planar parts, rounded in angle and axis."""
    dim = len(g)
    one = torch.eye(dim, dtype=torch.float64)
    mirrors = one - 2 * torch.diag_embed(one)
    found = [one, *mirrors, -one, _nearest_permuting(g)]
    for i in range(dim):
        for j in range(i + 1, dim):
            found += [plane_turn(dim, i, j, degrees) for degrees in (90.0, -90.0, 180.0, 45.0, -45.0)]
            turn = math.degrees(math.atan2(g[j, i] - g[i, j], g[i, i] + g[j, j]))
            flip = math.degrees(math.atan2(g[j, i] + g[i, j], g[i, i] - g[j, j]))
            found += [plane_turn(dim, i, j, degrees) for degrees in simpler_angles(turn)]
            found += [plane_turn(dim, i, j, degrees, mirror=True) for degrees in simpler_angles(flip)]
    proper = g if determinant(g) > 0 else -g if dim % 2 else g @ mirrors[0]
    if dim == 3:
        found += _simpler_rotations(proper)
    return torch.stack([*found, proper, *(-turn for turn in found)])


def _simpler_rotations(turn: Tensor) -> list[Tensor]:
    """Rotations of space near one: the axis kept and the angle rounded, then the nearest coordinate axis."""
    angle, axis = angle_axis(turn)
    nearest = torch.zeros_like(axis)
    place = int(axis.abs().argmax())
    nearest[place] = axis[place].sign()
    return [about(line, degrees) for line in (nearest, axis) for degrees in simpler_angles(angle)]


def about(axis: Tensor, degrees: float) -> Tensor:
    """The rotation about a unit vector (Rodrigues), exact for quarter turns about coordinate axes."""
    x, y, z = axis.tolist()
    cross = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=torch.float64)
    turn = plane_turn(2, 0, 1, degrees)
    return torch.eye(3, dtype=torch.float64) + turn[1, 0] * cross + (1 - turn[0, 0]) * cross @ cross


def angle_axis(turn: Tensor) -> tuple[float, Tensor]:
    """The angle in degrees, 0 to 180, and the axis of one rotation of space. The axis of no rotation is z."""
    skew = torch.stack([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    sine, cosine = float(skew.norm()) / 2, (float(turn.trace()) - 1) / 2
    if sine > 1e-9:  # below, the skew part has lost the axis: a half turn, whose axis is the eigenvector of 1
        return math.degrees(math.atan2(sine, cosine)), skew / skew.norm()
    if cosine > 0:
        return 0.0, torch.tensor([0.0, 0.0, 1.0], dtype=turn.dtype)
    _, vectors = torch.linalg.eigh((turn + turn.mT) / 2)
    axis: Tensor = vectors[:, -1]
    return 180.0, axis


def _nearest_permuting(g: Tensor) -> Tensor:
    """A signed permutation of the axes near one matrix: its largest entries, one a row and a column, taken greedily."""
    left, found = g.abs().clone(), torch.zeros_like(g)
    for _ in range(len(g)):
        i, j = divmod(int(left.argmax()), len(g))
        found[i, j] = 1.0 if g[i, j] >= 0 else -1.0
        left[i], left[:, j] = -1.0, -1.0
    return found
