"""Profiles: the error against the group element, in coordinates that can be drawn."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from symcheck.engine.noise import evenly
from symcheck.engine.outcome import Point, Profile
from symcheck.engine.trials import Trials
from symcheck.errors import GroupError
from symcheck.groups import Monoid

POINTS = 128  # of a profile: enough for a curve or a map of the sphere, few enough to store for every claim


def profile(group: Monoid, trials: Trials, error: Tensor) -> Profile | None:
    """The profile of the trials on generic inputs, `error` `(n,)` being relative; None where a group has no coordinates."""
    chosen = ((trials.region == 0) & error.isfinite()).nonzero().flatten()
    chosen = chosen[evenly(len(chosen), POINTS)]
    found = coordinates(group, trials.g[chosen]) if len(chosen) else None
    if found is None:
        return None
    kind, at, size, labels = found
    points = tuple(Point(tuple(row), float(e)) for row, e in zip(at.double().tolist(), error[chosen].tolist(), strict=True))
    return Profile(kind, points, size, labels)


def coordinates(group: Monoid, g: Tensor) -> tuple[str, Tensor, tuple[int, ...], tuple[str, ...]] | None:
    """The kind of coordinates, those of each element `(n, k)`, the sizes that bound them, and names of elements."""
    for read in (_element, _shift, _angle, _plane, _rotation, _scale, _permutation):
        try:
            found = read(group, g)
        except GroupError:
            continue
        if found is not None:
            return found
    return None


Coordinates = tuple[str, Tensor, tuple[int, ...], tuple[str, ...]]
WRITTEN = 12  # things whose permutations are written out, which a matrix can show
LISTED = 60  # elements of a finite group that a chart can show one by one


def _element(group: Monoid, g: Tensor) -> Coordinates | None:
    if group.order > LISTED or _is_lattice(group):
        return None
    every = group.elements()
    place = (g.unsqueeze(1) == every.unsqueeze(0)).flatten(2).all(-1).int().argmax(1)
    return "element", place.unsqueeze(-1), (len(every),), tuple(group.describe(one) for one in every)


def _is_lattice(group: Monoid) -> bool:
    """Whether shifts along two axes are all there is: a map tells more of them than a list."""
    try:
        return len(group.grid) > 1 and group.order == math.prod(group.grid)
    except GroupError:
        return False


def _shift(group: Monoid, g: Tensor) -> Coordinates | None:
    return "shift", group.shift(g), group.grid, ()


def _angle(group: Monoid, g: Tensor) -> Coordinates | None:
    angle = group.phase(g)
    try:
        linear = group.linear(g)
        sign = torch.linalg.det(linear).sign() if not linear.is_complex() else torch.ones_like(angle)
    except GroupError:
        sign = torch.ones_like(angle)
    return "angle", torch.stack([angle, sign], -1), (), ()


def _plane(group: Monoid, g: Tensor) -> Coordinates | None:
    """Turns of the plane, and mirrors, by the image of the first axis: a mirror at t / 2 sends it to the angle t."""
    linear = group.linear(g)
    if linear.shape[-1] != 2 or not _orthogonal(linear):
        return None
    image = linear[:, :, 0]
    return "angle", torch.stack([torch.atan2(image[:, 1], image[:, 0]), torch.linalg.det(linear).sign()], -1), (), ()


def _orthogonal(linear: Tensor) -> bool:
    return not linear.is_complex() and torch.allclose(linear @ linear.mT, torch.eye(linear.shape[-1], dtype=linear.dtype))


def _rotation(group: Monoid, g: Tensor) -> Coordinates | None:
    linear = group.linear(g)
    if linear.shape[-1] != 3 or not _orthogonal(linear):
        return None
    sign = torch.linalg.det(linear).sign()
    turn = linear * sign.reshape(-1, 1, 1)
    skew = torch.stack([turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0], turn[:, 1, 0] - turn[:, 0, 1]], -1) / 2
    sine, cosine = skew.norm(dim=-1), (turn.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    angle = torch.atan2(sine, cosine)
    axis = skew / sine.clamp_min(torch.finfo(turn.dtype).tiny).unsqueeze(-1)
    return "rotation", torch.cat([axis * angle.unsqueeze(-1), sign.unsqueeze(-1)], -1), (), ()


def _scale(group: Monoid, g: Tensor) -> Coordinates | None:
    return "scale", group.scale(g).log().unsqueeze(-1), (), ()


def _permutation(group: Monoid, g: Tensor) -> Coordinates | None:
    permutation = group.permutation(g)
    size = permutation.shape[-1]
    moved = (permutation != torch.arange(size)).sum(-1, keepdim=True)
    return "permutation", torch.cat([moved, permutation], -1) if size <= WRITTEN else moved, (size,), ()
