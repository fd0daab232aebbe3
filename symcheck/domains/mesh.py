"""Triangle meshes: surfaces in space, with a signal at their vertices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck._tree import flatten
from symcheck.domains.base import Domain, Layout, complexity_of_numbers, simpler_numbers
from symcheck.errors import DomainError

Surface = tuple[Tensor, Tensor]
"""Vertices `(V, 3)` and faces `(F, 3)`, int64, counter-clockwise as seen from outside."""


@dataclass(frozen=True, eq=False)
class Mesh(Domain):
    """One mesh, bent a little: `(positions (n, V, 3), faces (n, F, 3))`, and a signal `(n, V, *signal)` if it has one.

    Positions are the vertices plus normal noise, in mean lengths of an edge: one number, or a tensor that broadcasts to
    `(V, 3)`, with zeros where a vertex must stay. The faces are always the same. The signal is standard normal.

    The faces must make a manifold: each edge has one or two of them, which run along it in opposite directions, and those at
    a vertex make one fan. A boundary is allowed. DomainError names what is wrong otherwise.

    >>> positions, faces = Mesh(*icosphere()).sample({}, 2, Generator())
    >>> positions.shape, faces.shape
    (torch.Size([2, 12, 3]), torch.Size([2, 20, 3]))
    """

    vertices: Tensor
    faces: Tensor
    noise: float | Tensor = 0.1
    signal: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[-1] != 3 or not self.vertices.isfinite().all():
            raise DomainError(f"{self}: vertices are finite numbers (V, 3), not of shape {tuple(self.vertices.shape)}.")
        object.__setattr__(self, "vertices", self.vertices.detach().cpu().double())
        object.__setattr__(self, "faces", manifold(self.faces, len(self.vertices)))

    def __repr__(self) -> str:
        return f"Mesh({len(self.vertices)} vertices, {len(self.faces)} faces)"

    @property
    def edges(self) -> Tensor:
        """Each edge once `(E, 2)`, the smaller end first."""
        return _different(_edges(self.faces).sort(-1).values)[0]

    @property
    def euler(self) -> int:
        """The Euler characteristic V - E + F: 2 of a sphere, 0 of a torus or a cylinder, 1 of a disc."""
        return len(self.vertices) - len(self.edges) + len(self.faces)

    @property
    def looks(self) -> Sequence[str]:
        return ("points", "indices")

    @property
    def fixed(self) -> frozenset[int]:
        return frozenset({1})

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        shape = (n, *self.vertices.shape)
        return self._bent(self.vertices + self._step * torch.randn(shape, generator=rng, dtype=torch.float64), rng)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        regular, edge = self.vertices, self._edge
        surfaces = {
            "the regular mesh": regular,
            "a mesh in whole numbers": (4 * regular / edge).round(),
            "a mesh of slivers": regular * torch.tensor([1e-3, 1.0, 1.0], dtype=torch.float64),
        }
        return {name: self._bent(surface.unsqueeze(0), Generator().manual_seed(0)) for name, surface in surfaces.items()}

    def simpler(self, x: Any) -> Any:
        """The regular mesh, then one vertex at a time put in its regular place; then the signal made simpler."""
        (positions, _, *signals), structure = flatten(x)
        back = torch.eye(len(positions), dtype=torch.bool).unsqueeze(-1)
        bent = torch.cat([self.vertices.unsqueeze(0), torch.where(back, self.vertices, positions)])
        plain = [torch.stack(simpler_numbers(signal)) for signal in signals]
        count = sum(map(len, plain))
        kept = [torch.cat([s.expand(len(bent), *s.shape), p]) for s, p in zip(signals, plain, strict=True)]
        moved = torch.cat([bent, positions.expand(count, -1, -1)])
        return structure.rebuild([moved, self.faces.expand(len(moved), -1, -1), *kept])

    def complexity(self, x: Any) -> Tensor:
        """One for each coordinate that isn't in its regular place, and the signal's."""
        positions, _, *signals = flatten(x)[0]
        moved = (positions != self.vertices).double().sum((-2, -1))
        return sum((complexity_of_numbers(signal) for signal in signals), moved)

    @property
    def _edge(self) -> Tensor:
        """The mean length of an edge."""
        return (self.vertices[self.edges[:, 0]] - self.vertices[self.edges[:, 1]]).square().sum(-1).sqrt().mean()

    @property
    def _step(self) -> Tensor:
        return torch.as_tensor(self.noise, dtype=torch.float64) * self._edge

    def _bent(self, positions: Tensor, rng: Generator) -> Any:
        faces = self.faces.expand(len(positions), -1, -1)
        if self.signal is None:
            return positions, faces
        shape = (len(positions), len(self.vertices), *self.signal)
        return positions, faces, torch.randn(shape, generator=rng, dtype=torch.float64)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(*icosphere()), cls(*torus(), signal=(2, 3)), cls(*strip(), noise=0.2, signal=()), cls(*cylinder())]


def manifold(faces: Tensor, vertices: int) -> Tensor:
    """The faces, int64 on the CPU, of a manifold with so many vertices. DomainError names what isn't one."""
    if faces.ndim != 2 or faces.shape[-1] != 3 or faces.is_floating_point() or faces.dtype == torch.bool or len(faces) == 0:
        raise DomainError(f"faces are integers (F, 3), one row a triangle; these are {faces.dtype}, {tuple(faces.shape)}.")
    faces = faces.detach().cpu().long()
    wrong = ((faces < 0) | (faces >= vertices)).any(-1).nonzero().flatten().tolist()
    if wrong:
        raise DomainError(
            f"face {wrong[0]} is {faces[wrong[0]].tolist()}, but there are {vertices} vertices, numbered from 0. Mend it."
        )
    repeated = (faces == faces.roll(1, -1)).any(-1).nonzero().flatten().tolist()
    if repeated:
        raise DomainError(f"face {repeated[0]} is {faces[repeated[0]].tolist()}, which is no triangle. Leave it out.")
    isolated = (torch.bincount(faces.flatten(), minlength=vertices) == 0).nonzero().flatten().tolist()
    if isolated:
        raise DomainError(
            f"vertex {isolated[0]} is isolated: no face has it, so it has no directions round it. Leave it out, and renumber."
        )
    _check_edges(faces)
    _check_fans(faces, vertices)
    return faces


def _check_edges(faces: Tensor) -> None:
    directed = _edges(faces)
    edge, _, count = _different(directed.sort(-1).values)
    if bool((count > 2).any()):
        worst = int(count.argmax())
        raise DomainError(
            f"edge {tuple(edge[worst].tolist())} belongs to {int(count[worst])} faces, which no surface has. "
            f"Give a manifold: one or two faces at each edge."
        )
    way, _, times = _different(directed)
    if bool((times > 1).any()):
        p, q = way[int(times.argmax())].tolist()
        raise DomainError(
            f"two faces run along edge ({p}, {q}) the same way, so that one of them is upside down. "
            f"Turn one about: (a, b, c) becomes (a, c, b). A surface with one side alone, as Möbius' strip, has no such order."
        )


def _check_fans(faces: Tensor, vertices: int) -> None:
    after: list[dict[int, int]] = [{} for _ in range(vertices)]
    for a, b, c in faces.tolist():
        for here, left, right in ((a, b, c), (b, c, a), (c, a, b)):
            after[here][left] = right
    for here, ring in enumerate(after):
        start = next((left for left in ring if left not in ring.values()), next(iter(ring)))
        place, seen = ring[start], 1
        while place in ring and place != start:
            place, seen = ring[place], seen + 1
        if seen < len(ring):
            raise DomainError(
                f"the faces at vertex {here} make more than one fan: surfaces that touch in a point. "
                f"Give each of them a vertex of its own there."
            )


def _edges(faces: Tensor) -> Tensor:
    """The directed edges `(3 F, 2)`, as the faces run along them."""
    return torch.stack([faces, faces.roll(-1, -1)], -1).flatten(0, 1)


def _different(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The different rows, which of them each row is, and how often each comes."""
    found: tuple[Tensor, Tensor, Tensor] = torch.unique(rows, dim=0, return_inverse=True, return_counts=True)
    return found


def icosphere(subdivisions: int = 0) -> Surface:
    """The unit sphere: an icosahedron whose triangles are cut in four so many times. 12, 42, 162 ... vertices, chi = 2.

    >>> [tuple(part.shape) for part in icosphere(1)]
    [(42, 3), (80, 3)]
    """
    golden = (1 + math.sqrt(5)) / 2
    corners = [(s, t * golden, 0.0) for s in (-1.0, 1.0) for t in (-1.0, 1.0)]
    points = [(v[-k % 3], v[(1 - k) % 3], v[(2 - k) % 3]) for k in range(3) for v in corners]
    vertices = torch.nn.functional.normalize(torch.tensor(points, dtype=torch.float64), dim=-1)
    faces = _outward(vertices, _triangles(torch.cdist(vertices, vertices) < 1.2))  # edges are 1.05 long, all else over 1.7
    for _ in range(subdivisions):
        vertices, faces = _subdivided(vertices, faces)
        vertices = torch.nn.functional.normalize(vertices, dim=-1)
    return vertices, faces


def _triangles(near: Tensor) -> Tensor:
    """All triples of vertices that are near each other."""
    triples = torch.combinations(torch.arange(len(near)), 3)
    a, b, c = triples.unbind(-1)
    return triples[near[a, b] & near[b, c] & near[c, a]]


def _outward(vertices: Tensor, faces: Tensor) -> Tensor:
    """The faces of a convex body about the origin, each counter-clockwise as seen from outside."""
    inward = torch.linalg.det(vertices[faces]) < 0
    return torch.where(inward.unsqueeze(-1), faces[:, [0, 2, 1]], faces)


def _subdivided(vertices: Tensor, faces: Tensor) -> Surface:
    """Each triangle cut in four at the middles of its edges."""
    edges, which, _ = _different(_edges(faces).sort(-1).values)
    ab, bc, ca = (len(vertices) + which.reshape(-1, 3)).unbind(-1)
    a, b, c = faces.unbind(-1)
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return torch.cat([vertices, vertices[edges].mean(1)]), torch.cat([torch.stack(part, -1) for part in parts])


def torus(around: int = 6, across: int = 4) -> Surface:
    """A torus of radii 2 and 1, of `around * across` vertices: chi = 0."""
    if min(around, across) < 3:
        raise DomainError(f"torus({around}, {across}) isn't closed by triangles. Give 3 or more each way.")
    i, j = _places(around, across)
    u, v = 2 * math.pi * i / around, 2 * math.pi * j / across
    radius = 2 + v.cos()
    return torch.stack([radius * u.cos(), radius * u.sin(), v.sin()], -1), _squares(around, across, True, True)


def cylinder(around: int = 6, rows: int = 3) -> Surface:
    """An open cylinder of radius 1, of `around * rows` vertices, with two circles as its boundary: chi = 0."""
    if around < 3 or rows < 2:
        raise DomainError(f"cylinder({around}, {rows}) isn't closed by triangles. Give 3 or more around, and 2 rows or more.")
    i, j = _places(around, rows)
    angle = 2 * math.pi * i / around
    return torch.stack([angle.cos(), angle.sin(), j], -1), _squares(around, rows, True, False)


def strip(columns: int = 5, rows: int = 3, fold: float = 0.0) -> Surface:
    """A strip of right-angled triangles on the lattice, folded by an angle along its middle column, x = 0: chi = 1.

    The faces and all lengths along them are those of the flat strip.

    >>> flat, bent = strip()[0], strip(fold=math.pi / 2)[0]
    >>> flat[-1].tolist(), bent[-1].round().tolist()
    ([2.0, 1.0, 0.0], [0.0, 1.0, 2.0])
    """
    if columns < 2 or rows < 2:
        raise DomainError(f"strip({columns}, {rows}) has no triangles. Give 2 columns and 2 rows or more.")
    i, j = _places(columns, rows)
    x, y = i - columns // 2, j - rows // 2
    turned = torch.stack([x * math.cos(fold), y, x * math.sin(fold)], -1)
    flat = torch.stack([x, y, torch.zeros_like(x)], -1)
    return torch.where((x > 0).unsqueeze(-1), turned, flat), _squares(columns, rows, False, False)


def _places(columns: int, rows: int) -> tuple[Tensor, Tensor]:
    i, j = torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="ij")
    return i.flatten().double(), j.flatten().double()


def _squares(columns: int, rows: int, round_i: bool, round_j: bool) -> Tensor:
    """Two triangles for each square of a lattice that may be closed along each axis."""
    i, j = torch.meshgrid(torch.arange(columns - (not round_i)), torch.arange(rows - (not round_j)), indexing="ij")

    def at(di: int, dj: int) -> Tensor:
        return ((i + di) % columns * rows + (j + dj) % rows).flatten()

    a, b, c, d = at(0, 0), at(1, 0), at(1, 1), at(0, 1)
    return torch.cat([torch.stack([a, b, c], -1), torch.stack([a, c, d], -1)])
