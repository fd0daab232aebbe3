"""The intrinsic geometry of triangle meshes: who lies round each vertex, in which direction, and how vectors are carried.

All is made of lengths and angles within the faces, so that nothing changes where the surface moves, or bends without stretch.
The corners at a vertex p are laid out round it, and their angles, which add up to Theta_p, are scaled to a full turn (half a
turn at the boundary). Then the edge to q has a direction theta_pq in the frame at p, whose first axis points to the neighbour
of the smallest index; and a vector of the angle alpha in the frame at q has the angle alpha + g_pq in that at p, with

    g_pq = theta_pq + pi - theta_qp

(Polthier and Schmies 1998; Knöppel, Crane, Pinkall, Schröder 2013). Tensors may have batch axes in front; all meshes of a
batch have as many vertices and as many faces, and a batch may share its faces.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Rings(NamedTuple):
    """The neighbours of each vertex counter-clockwise, in K places, of which those past its valence are empty.

    The face in a place lies between the neighbour there and the next one. On the boundary the last place has none.
    """

    neighbour: Tensor  # (..., V, K), int64: the vertex itself in empty places
    corner: Tensor  # (..., V, K), int64: which of the 3 F corners, face by face
    faces: Tensor  # (..., V, 1), int64: how many faces a vertex has
    valence: Tensor  # (..., V, 1), int64: how many neighbours; one more than faces on the boundary
    back: Tensor  # (..., V, K), int64: which of the V * K places the same edge has at its other end

    @property
    def present(self) -> Tensor:
        """Which places hold a neighbour."""
        return self._place < self.valence

    @property
    def filled(self) -> Tensor:
        """Which places hold a face."""
        return self._place < self.faces

    @property
    def previous(self) -> Tensor:
        """The place before each, the last one before the first."""
        return (self._place - 1) % self.valence

    @property
    def _place(self) -> Tensor:
        return torch.arange(self.neighbour.shape[-1], device=self.neighbour.device)


class Charts(NamedTuple):
    """What a convolution has to know of a surface. Empty places have weight 0."""

    neighbour: Tensor  # (..., V, K), int64
    direction: Tensor  # (..., V, K): theta_pq
    transport: Tensor  # (..., V, K): g_pq
    weight: Tensor  # (..., V, K, 2): the part of p's area that lies at the edge, and that times the edge's relative length
    area: Tensor  # (..., V): the part of the whole area that is the vertex's


Frames = Callable[[Rings], Tensor]
"""The place `(..., V, 1)` of the neighbour to which the first axis of each frame points."""


def smallest_index(rings: Rings) -> Tensor:
    """A rule that a mesh needs no more than its faces for. Whatever the rule, another labelling gives another frame."""
    return torch.where(rings.present, rings.neighbour, rings.neighbour.shape[-2]).argmin(-1, keepdim=True)


def first_listed(rings: Rings) -> Tensor:
    """A rule that isn't the mesh's own: the first face in the list decides."""
    return rings.corner.where(rings.filled, rings.corner.amax() + 1).argmin(-1, keepdim=True)


def intrinsic(positions: Tensor, faces: Tensor, frames: Frames = smallest_index) -> Charts:
    """The charts of surfaces with `positions (..., V, 3)` and `faces (..., F, 3)`."""
    rings = rings_of(faces, positions.shape[-2])
    return charts(positions, faces, rings, directions(rings, corner_angles(positions, faces), frames(rings)))


def projected(positions: Tensor, faces: Tensor) -> Charts:
    """Extrinsic charts: the directions of edges as they are projected along the normal. They change where a surface bends."""
    rings = rings_of(faces, positions.shape[-2])
    normal, edges = _normals(positions, faces, rings), ringed(positions, rings.neighbour) - positions.unsqueeze(-2)
    return charts(positions, faces, rings, _angle(normal, _first(edges, rings), edges))


def framed_along(positions: Tensor, faces: Tensor, axis: tuple[float, float, float]) -> Charts:
    """Charts in frames that begin at a fixed axis, projected along the normal. Where the two are parallel there is no frame."""
    rings = rings_of(faces, positions.shape[-2])
    normal, edges = _normals(positions, faces, rings), ringed(positions, rings.neighbour) - positions.unsqueeze(-2)
    start = torch.tensor(axis, dtype=positions.dtype, device=positions.device).expand_as(normal)
    direction = directions(rings, corner_angles(positions, faces), smallest_index(rings))
    return charts(positions, faces, rings, direction + _angle(normal, start, _first(edges, rings)))


def charts(positions: Tensor, faces: Tensor, rings: Rings, direction: Tensor) -> Charts:
    """The charts with these directions, as seen in any frames."""
    transport = direction + math.pi - chosen(direction.flatten(-2), rings.back)
    left = chosen(corner_areas(positions, faces), rings.corner) * rings.filled
    area = left.sum(-1, keepdim=True).clamp_min(torch.finfo(left.dtype).tiny)
    share = (left + left.gather(-1, rings.previous.expand_as(left))) / (2 * area)
    arrows = ringed(positions, rings.neighbour) - positions.unsqueeze(-2)
    length = arrows.norm(dim=-1)
    relative = length * rings.valence / length.sum(-1, keepdim=True).clamp_min(torch.finfo(left.dtype).tiny)
    weight = torch.stack([share, share * relative], -1) * rings.present.unsqueeze(-1)
    return Charts(rings.neighbour, direction, transport, weight, (area / area.sum(-2, keepdim=True)).squeeze(-1))


def directions(rings: Rings, angle: Tensor, first: Tensor) -> Tensor:
    """theta_pq `(..., V, K)` from the corners' angles `(..., 3 F)`, with the first axis along the edge in place `first`."""
    wide = chosen(angle, rings.corner) * rings.filled
    total = wide.sum(-1, keepdim=True).clamp_min(torch.finfo(wide.dtype).tiny)
    turn = math.pi * (1 + (rings.faces == rings.valence).to(wide))
    direction = (wide.cumsum(-1) - wide) * (turn / total)
    return direction - direction.gather(-1, first.expand(*direction.shape[:-1], 1))


def corner_angles(positions: Tensor, faces: Tensor) -> Tensor:
    """The angle at each corner, `(..., 3 F)`: by atan2, which a sliver doesn't harm."""
    left, right = _sides(positions, faces)
    return torch.atan2(torch.linalg.cross(left, right).norm(dim=-1), (left * right).sum(-1))


def corner_areas(positions: Tensor, faces: Tensor) -> Tensor:
    """The area of the face of each corner, `(..., 3 F)`."""
    left, right = _sides(positions, faces)
    twice: Tensor = torch.linalg.cross(left, right).norm(dim=-1)
    return twice / 2


def _sides(positions: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
    """From each corner `(..., 3 F, 3)` along the face, and against it."""
    corner = ringed(positions, faces)
    return (corner.roll(-1, -2) - corner).flatten(-3, -2), (corner.roll(1, -2) - corner).flatten(-3, -2)


def _normals(positions: Tensor, faces: Tensor, rings: Rings) -> Tensor:
    """Unit normals at the vertices `(..., V, 1, 3)`: the mean of their faces' by area."""
    a, b, c = ringed(positions, faces).unbind(-2)
    normal = ringed(torch.linalg.cross(b - a, c - a), rings.corner // 3)
    return torch.nn.functional.normalize((normal * rings.filled.unsqueeze(-1)).sum(-2, keepdim=True), dim=-1)


def _first(edges: Tensor, rings: Rings) -> Tensor:
    """The edges at which the frames begin, `(..., V, 1, 3)`."""
    return edges.gather(-2, smallest_index(rings).unsqueeze(-1).expand(*edges.shape[:-2], 1, 3))


def _angle(normal: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The angles about a unit normal from one vector to others, all projected along it: `(..., K, 3) -> (..., K)`."""
    start = start - (start * normal).sum(-1, keepdim=True) * normal
    across = torch.linalg.cross(normal, start).expand_as(end)
    return torch.atan2((across * end).sum(-1), (start * end).sum(-1))


def rings_of(faces: Tensor, vertices: int) -> Rings:
    """The rings of a manifold, each from the neighbour of the smallest index, or from where the boundary begins."""
    here, left, right = (faces.roll(shift, -1).flatten(-2) for shift in (0, -1, 1))
    following = _following(here * vertices + left, here * vertices + right)
    first, open_, count = _starts(here, left, following, vertices)
    valence = count + open_
    walk = [first]
    for _ in range(int(valence.max()) - 1):
        walk.append(torch.where((after := following.gather(-1, walk[-1])) < 0, walk[-1], after))
    corner = torch.stack(walk, -1)
    place, own = torch.arange(len(walk), device=faces.device), torch.arange(vertices, device=faces.device).unsqueeze(-1)
    last = torch.where(place < valence.unsqueeze(-1), chosen(right, corner), own)
    neighbour = torch.where(place < count.unsqueeze(-1), chosen(left, corner), last)
    return Rings(neighbour, corner, count.unsqueeze(-1), valence.unsqueeze(-1), _back(neighbour, own))


def _following(first: Tensor, last: Tensor) -> Tensor:
    """For each corner the next one round its vertex, -1 at the boundary: that whose first side is its last side."""
    ordered, which = first.sort(-1)
    place = torch.searchsorted(ordered, last).clamp_max(first.shape[-1] - 1)
    return torch.where(ordered.gather(-1, place) == last, which.gather(-1, place), -1)


def _starts(here: Tensor, left: Tensor, following: Tensor, vertices: int) -> tuple[Tensor, Tensor, Tensor]:
    """For each vertex `(..., V)` the corner to begin with, 1 if its ring is open, and the number of its corners."""
    corners, lead = here.shape[-1], here.shape[:-1]
    follows = torch.zeros(*lead, corners + 1, dtype=torch.int64, device=here.device)
    follows = follows.scatter(-1, torch.where(following < 0, corners, following), 1)[..., :-1]
    rank = (follows * vertices + left) * corners + torch.arange(corners, device=here.device)
    most = torch.full((*lead, vertices), 2 * vertices * corners, device=here.device)
    least = most.scatter_reduce(-1, here, rank, "amin")
    count = torch.zeros_like(most).scatter_add(-1, here, torch.ones_like(here))
    return least % corners, (least < vertices * corners).long(), count


def _back(neighbour: Tensor, own: Tensor) -> Tensor:
    """Edges (p, q), sorted by (p, q) and by (q, p), lie side by side with their reverses. Empty places are their own."""
    vertices, place = len(own), torch.arange(neighbour.flatten(-2).shape[-1], device=neighbour.device)
    empty, unique = (neighbour == own).flatten(-2), vertices**2 + place
    there = torch.where(empty, unique, (own * vertices + neighbour).flatten(-2)).argsort(-1)
    back = torch.where(empty, unique, (neighbour * vertices + own).flatten(-2)).argsort(-1)
    return torch.empty_like(back).scatter(-1, back, there).reshape(neighbour.shape)


def chosen(values: Tensor, index: Tensor) -> Tensor:
    """Entries of the last axis of `(..., N)` at `index (..., V, K)`, which may lack batch axes: `(..., V, K)`."""
    flat = index.flatten(-2).expand(*values.shape[:-1], -1)
    return values.gather(-1, flat).reshape(*flat.shape[:-1], *index.shape[-2:])


def ringed(values: Tensor, index: Tensor) -> Tensor:
    """Rows of `(..., N, channels)` at `index (..., V, K)`, which may lack batch axes: `(..., V, K, channels)`."""
    flat = index.flatten(-2).expand(*values.shape[:-2], -1)
    rows = values.gather(-2, flat.unsqueeze(-1).expand(*flat.shape, values.shape[-1]))
    return rows.reshape(*flat.shape[:-1], *index.shape[-2:], values.shape[-1])
