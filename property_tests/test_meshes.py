"""Meshes: their geometry against plain trigonometry and Gauss and Bonnet, the domain, and what is written in frames on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from models._geometry import Charts, chosen, corner_angles, framed_along, intrinsic, projected, ringed, rings_of
from symcheck.domains import Mesh
from symcheck.domains.mesh import cylinder, icosphere, strip, torus
from symcheck.errors import ClaimError, DomainError, GroupError
from symcheck.groups import SO, CyclicGauge, Gauge, Group, Symmetric
from symcheck.groups.gauge import wrapped
from symcheck.reps import ComplexFramed, Cycle, Framed, LogMap, Rep, Shape, Transport, as_rep

EPS = float(torch.finfo(torch.float64).eps)

TETRAHEDRON = (
    torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64),
    torch.tensor([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]),
)
MESHES = {
    "a tetrahedron": (TETRAHEDRON, 2),
    "an icosahedron": (icosphere(), 2),
    "an icosphere": (icosphere(1), 2),
    "a finer icosphere": (icosphere(2), 2),
    "a torus": (torus(), 0),
    "a small torus": (torus(3, 3), 0),
    "a cylinder": (cylinder(), 0),
    "a short cylinder": (cylinder(3, 2), 0),
    "a strip": (strip(), 1),
    "a folded strip": (strip(fold=1.0), 1),
    "two triangles": (strip(2, 2), 1),
}
every_mesh = pytest.mark.parametrize(("mesh", "euler"), list(MESHES.values()), ids=list(MESHES))
every_closed_mesh = pytest.mark.parametrize("mesh", [m for m, _ in list(MESHES.values())[:6]], ids=list(MESHES)[:6])


def bent(mesh: Any, n: int = 3, seed: int = 0, noise: float = 0.15) -> tuple[Tensor, Tensor]:
    positions, faces = Mesh(*mesh, noise=noise).sample({}, n, Generator().manual_seed(seed))
    return positions, faces


def defects(positions: Tensor, faces: Tensor) -> Tensor:
    """2 pi - Theta at each vertex `(..., V)`, and pi - Theta on the boundary."""
    rings = rings_of(faces, positions.shape[-2])
    theta = (chosen(corner_angles(positions, faces), rings.corner) * rings.filled).sum(-1)
    closed = (rings.faces == rings.valence).squeeze(-1).double()
    return math.pi * (1 + closed) - theta


# Gauss and Bonnet


@every_mesh
def test_curvature_adds_up_to_the_euler_characteristic(mesh: Any, euler: int) -> None:
    """Sum of (2 pi - Theta) = 2 pi chi, for any embedding. Each of 3 F angles, of at most pi, is rounded a few times."""
    assert Mesh(*mesh).euler == euler
    positions, faces = bent(mesh)
    gap = (defects(positions, faces).sum(-1) / (2 * math.pi) - euler).abs()
    assert gap.max() <= 4 * faces[0].numel() * EPS


def test_gauss_and_bonnet_see_an_angle_that_is_off_and_a_boundary_that_is_overlooked() -> None:
    positions, faces = bent(strip())
    rings = rings_of(faces, 15)
    theta = (chosen(corner_angles(positions, faces), rings.corner) * rings.filled).sum(-1)
    assert ((2 * math.pi - theta).sum(-1) / (2 * math.pi) - 1).abs().min() > 1
    single = corner_angles(positions.float(), faces).double()
    total = (chosen(single, rings.corner) * rings.filled).sum((-2, -1))
    exact = (chosen(corner_angles(positions, faces), rings.corner) * rings.filled).sum((-2, -1))
    assert (total - exact).abs().min() > 4 * faces[0].numel() * EPS


FINE = {name: case for name, case in MESHES.items() if len(case[0][1]) > 4}


@pytest.mark.parametrize(("mesh", "euler"), list(FINE.values()), ids=list(FINE))
def test_holonomy_adds_up_to_it_too(mesh: Any, euler: int) -> None:
    """A vector carried round a face comes back turned. Directions that fill a circle make these turns add up to 2 pi chi.

    Where 2 or 4 faces are all, each turns it by about half a circle, which may be to the left or to the right.
    """
    (positions,), (faces,) = bent(mesh, 1)
    g = carried(positions, faces)
    turns = [math.remainder(g[b, a] + g[c, b] + g[a, c], 2 * math.pi) for a, b, c in faces.tolist()]
    assert abs(sum(turns) / (2 * math.pi) - euler) <= 16 * len(g) * EPS


def carried(positions: Tensor, faces: Tensor) -> dict[tuple[int, int], float]:
    """g for each directed edge (p, q): from q to p."""
    c, rings = intrinsic(positions, faces), rings_of(faces, len(positions))
    here = rings.present.nonzero().tolist()
    return {(p, int(c.neighbour[p, k])): float(c.transport[p, k]) for p, k in here}


@every_mesh
def test_what_is_carried_there_and_back_is_as_it_was(mesh: Any, euler: int) -> None:
    (positions,), (faces,) = bent(mesh, 1)
    g = carried(positions, faces)
    assert len(g) == 2 * len(Mesh(*mesh).edges)
    assert max(abs(math.remainder(g[p, q] + g[q, p], 2 * math.pi)) for p, q in g) <= 64 * EPS


def test_a_flat_region_has_no_holonomy() -> None:
    """Where Theta is 2 pi, inside a flat strip, what is carried round a face comes back as it was; on a bent one it doesn't."""
    flat, _ = strip(7, 7)
    places = torch.randn(flat.shape, generator=Generator().manual_seed(0), dtype=torch.float64) * 0.1
    faces = strip(7, 7)[1]
    inner = [face for face in faces.tolist() if bool((flat[face, :2].abs() < 3).all())]
    assert len(inner) > 10
    for noise, is_flat in ((places * torch.tensor([1.0, 1.0, 0.0]), True), (places, False)):
        g = carried(flat + noise, faces)
        turns = [abs(math.remainder(g[b, a] + g[c, b] + g[a, c], 2 * math.pi)) for a, b, c in inner]
        assert (max(turns) <= 64 * EPS) == is_flat
        assert (max(turns) > 1e-3) != is_flat


# Directions and rings, against plain loops


def plain(positions: Tensor, faces: Tensor) -> dict[tuple[int, int], float]:
    """theta_pq by walking round each vertex, one corner after the other."""
    after: dict[int, dict[int, int]] = {}
    for a, b, c in faces.tolist():
        for here, left, right in ((a, b, c), (b, c, a), (c, a, b)):
            after.setdefault(here, {})[left] = right
    found = {}
    for p, ring in after.items():
        open_ = [left for left in ring if left not in ring.values()]
        place, walk, total = (open_ or [min(ring)])[0], [], 0.0
        while place in ring and (not walk or place != walk[0][0]):
            walk.append((place, total))
            u, v = positions[place] - positions[p], positions[ring[place]] - positions[p]
            total += math.acos(float(u @ v / (u.norm() * v.norm())))
            place = ring[place]
        if open_:
            walk.append((place, total))
        scale = (math.pi if open_ else 2 * math.pi) / total
        zero = min(walk)[1]
        found |= {(p, q): (angle - zero) * scale for q, angle in walk}
    return found


@every_mesh
def test_directions_are_those_that_one_finds_by_walking_round(mesh: Any, euler: int) -> None:
    positions, faces = bent(mesh)
    c, rings = intrinsic(positions, faces), rings_of(faces, positions.shape[1])
    for i in range(len(positions)):
        expected = plain(positions[i], faces[i])
        seen = {(p, int(c.neighbour[i, p, k])): float(c.direction[i, p, k]) for p, k in rings.present[i].nonzero().tolist()}
        assert seen.keys() == expected.keys()
        # acos of a cosine near 1 loses half the digits; these angles are a tenth or more.
        assert max(abs(seen[edge] - expected[edge]) for edge in seen) < 1e-12


@every_mesh
def test_charts_are_the_same_in_a_batch_alone_and_with_shared_faces(mesh: Any, euler: int) -> None:
    positions, faces = bent(mesh)
    together, shared = intrinsic(positions, faces), intrinsic(positions, faces[0])
    for i in range(len(positions)):
        alone = intrinsic(positions[i], faces[i])
        for one, many, same in zip(alone, together, shared, strict=True):
            assert torch.equal(one, many[i])
            assert torch.equal(one, same[i] if same.ndim == many.ndim else same)


@every_mesh
def test_edges_know_their_other_end(mesh: Any, euler: int) -> None:
    positions, faces = bent(mesh)
    rings = rings_of(faces, positions.shape[1])
    own = torch.arange(positions.shape[1]).unsqueeze(-1).expand_as(rings.neighbour)
    assert torch.equal(chosen(rings.neighbour.flatten(-2), rings.back), own)
    assert torch.equal(chosen(own.flatten(-2), rings.back), rings.neighbour)


@every_mesh
def test_weights_are_parts_of_the_area(mesh: Any, euler: int) -> None:
    """The parts of a vertex's area that lie at its edges are the whole; so are the vertices' parts of the surface."""
    positions, faces = bent(mesh)
    c, rings = intrinsic(positions, faces), rings_of(faces, positions.shape[1])
    assert (c.weight[..., 0].sum(-1) - 1).abs().max() <= 16 * EPS
    assert (c.area.sum(-1) - 1).abs().max() <= 16 * EPS
    assert (c.weight[..., 0].where(rings.present, 1.0) > 0).all()
    assert not c.weight.where(rings.present.unsqueeze(-1), 0.0).sub(c.weight).any()


@every_mesh
@pytest.mark.parametrize("squeeze", [1e-3, 1e-8])
def test_slivers_have_charts(mesh: Any, euler: int, squeeze: float) -> None:
    positions, faces = bent(mesh, 1)
    c = intrinsic(positions * torch.tensor([squeeze, 1.0, 1.0]), faces)
    assert all(part.isfinite().all() for part in c)


def test_coincident_vertices_have_charts_and_gradients() -> None:
    positions, faces = bent(icosphere(), 1)
    positions[:, 1] = positions[:, 0]
    positions.requires_grad_()
    c = intrinsic(positions, faces)
    assert all(part.isfinite().all() for part in c)


# What geometry is intrinsic


def gap(one: Charts, other: Charts) -> float:
    """By how much two charts differ: angles modulo a full turn."""
    angles = [wrapped(one.direction - other.direction), wrapped(one.transport - other.transport)]
    return max(float(part.abs().max()) for part in (*angles, one.weight - other.weight, one.area - other.area))


@pytest.mark.parametrize("charts", [intrinsic, projected])
@every_closed_mesh
def test_motions_change_no_chart(mesh: Any, charts: Callable[[Tensor, Tensor], Charts]) -> None:
    positions, faces = bent(mesh)
    turn = SO(3).sample(3, Generator().manual_seed(1))
    assert gap(charts(positions, faces), charts(positions @ turn.mT + 3.0, faces)) < 1e-12


def test_a_frame_along_an_axis_does_not_move_with_the_mesh() -> None:
    positions, faces = bent(icosphere())
    turn = SO(3).sample(3, Generator().manual_seed(1))
    z = (0.0, 0.0, 1.0)
    assert gap(framed_along(positions, faces, z), framed_along(positions @ turn.mT, faces, z)) > 0.1


def test_a_frame_along_an_axis_jumps_where_the_axis_is_the_normal() -> None:
    """A tilt of 1e-6 this way and that turns the frame about; intrinsic ones don't notice."""
    vertices, faces = icosphere()
    top = vertices[0]
    side = torch.linalg.cross(top, vertices[1])
    side = side / side.norm()
    upright = vertices @ torch.stack([side, torch.linalg.cross(top, side), top]).mT  # vertex 0 is at (0, 0, 1)
    angle = torch.tensor([1e-6, -1e-6], dtype=torch.float64)
    tilt = torch.linalg.matrix_exp(angle.reshape(-1, 1, 1) * SO(3).algebra()[1])
    this, that = upright @ tilt[0].mT, upright @ tilt[1].mT
    z = (0.0, 0.0, 1.0)
    assert wrapped(framed_along(this, faces, z).direction[0] - framed_along(that, faces, z).direction[0]).abs().min() > 3
    assert gap(intrinsic(this, faces), intrinsic(that, faces)) < 1e-12


def test_a_mirror_changes_no_chart() -> None:
    """Nothing in a surface tells it from its mirror image if the faces keep their order: normals go by that order."""
    positions, faces = bent(icosphere(1))
    mirrored = positions * torch.tensor([-1.0, 1.0, 1.0])
    assert gap(intrinsic(positions, faces), intrinsic(mirrored, faces)) == 0
    assert gap(projected(positions, faces), projected(mirrored, faces)) < 1e-12


@pytest.mark.parametrize("angle", [0.3, math.pi / 2, -2.0])
def test_folding_changes_no_intrinsic_chart(angle: float) -> None:
    flat, faces = strip()
    folded, _ = strip(fold=angle)
    assert gap(intrinsic(flat, faces), intrinsic(folded, faces)) <= 32 * EPS
    assert gap(projected(flat, faces), projected(folded, faces)) > angle**2 / 32  # of second order, since the normal halves it


def test_winding_turned_about_turns_angles_about() -> None:
    positions, faces = bent(icosphere(1))
    one, other = intrinsic(positions, faces), intrinsic(positions, faces[..., [0, 2, 1]])
    order = [one.neighbour.argsort(-1), other.neighbour.argsort(-1)]
    angles = [c.direction.gather(-1, o) for c, o in zip((one, other), order, strict=True)]
    full = one.neighbour != torch.arange(42).unsqueeze(-1)
    there = full.gather(-1, order[0])
    assert (wrapped(angles[0] + angles[1]) * there).abs().max() < 1e-12
    assert (wrapped(angles[0] - angles[1]) * there).abs().max() > 1


# The domain


@every_mesh
def test_samples_are_bent_and_share_their_faces(mesh: Any, euler: int) -> None:
    domain = Mesh(*mesh, noise=0.1, signal=(2,))
    positions, faces, signal = domain.sample({}, 50, Generator().manual_seed(0))
    assert positions.shape == (50, len(mesh[0]), 3)
    assert signal.shape == (50, len(mesh[0]), 2)
    assert torch.equal(faces, mesh[1].expand(50, -1, -1))
    edge = (mesh[0][domain.edges[:, 0]] - mesh[0][domain.edges[:, 1]]).norm(dim=-1).mean()
    moved = (positions - mesh[0]) / (0.1 * edge)
    assert abs(float(moved.mean())) < 6 / math.sqrt(moved.numel())
    assert abs(float(moved.std()) - 1) < 6 / math.sqrt(2 * moved.numel())


def test_vertices_without_noise_stay() -> None:
    vertices, faces = strip()
    noise = torch.ones(15, 3)
    noise[4:9] = 0
    positions, _ = Mesh(vertices, faces, noise=noise).sample({}, 4, Generator())
    assert torch.equal(positions[:, 4:9], vertices[4:9].expand(4, -1, -1))
    assert (positions[:, :4] != vertices[:4]).all()


def test_structured_meshes_are_what_their_names_say() -> None:
    found = {name: tree[0][0] for name, tree in Mesh(*icosphere()).structured({}).items()}
    lengths = found["the regular mesh"][Mesh(*icosphere()).edges].diff(dim=1).norm(dim=-1)
    assert (lengths - lengths[0]).abs().max() <= 8 * EPS
    whole = {name: tree[0][0] for name, tree in Mesh(*torus()).structured({}).items()}["a mesh in whole numbers"]
    assert torch.equal(whole, whole.round())
    assert len(whole.unique(dim=0)) == 24
    angles = corner_angles(strip()[0], strip()[1])
    assert set((angles * 4 / math.pi).round().int().tolist()) == {1, 2}  # right-angled triangles of a lattice
    slivers = corner_angles(found["a mesh of slivers"], icosphere()[1])
    assert slivers.min() < 0.01
    assert slivers.min() > 0


def test_a_mesh_gets_simpler_until_it_is_regular() -> None:
    domain = Mesh(*icosphere(), signal=(2,))
    x = tuple(leaf[0] for leaf in domain.sample({}, 1, Generator()))
    measure = float(domain.complexity(tuple(leaf.unsqueeze(0) for leaf in x)))
    candidates = domain.simpler(x)
    complexity = domain.complexity(candidates)
    assert (complexity <= measure).all()
    assert (complexity < measure).any()
    assert torch.equal(candidates[0][0], icosphere()[0])
    assert int((candidates[0][1:13] != x[0]).any(-1).sum()) == 12  # one vertex each
    regular = tuple(leaf.unsqueeze(0) for leaf in (icosphere()[0], icosphere()[1], torch.zeros(12, 2)))
    assert float(domain.complexity(regular)) == 0


def test_spheres_are_round_and_face_outward() -> None:
    for subdivisions, (count, sides) in enumerate([(12, 20), (42, 80), (162, 320)]):
        vertices, faces = icosphere(subdivisions)
        assert (len(vertices), len(faces)) == (count, sides)
        assert (vertices.norm(dim=-1) - 1).abs().max() <= 4 * EPS
        assert (torch.linalg.det(vertices[faces]) > 0).all()


def test_a_folded_strip_has_the_lengths_of_a_flat_one() -> None:
    for fold in (0.4, 2.0):
        flat, bent_ = Mesh(*strip()), Mesh(*strip(fold=fold))
        lengths = [m.vertices[m.edges].diff(dim=1).norm(dim=-1) for m in (flat, bent_)]
        assert (lengths[0] - lengths[1]).abs().max() <= 4 * EPS
        assert (flat.vertices - bent_.vertices).abs().max() > 0.1


FACES = icosphere()[1]
SQUARE = torch.tensor([[0, 1, 2], [0, 2, 3]])
REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    (
        "three faces at an edge",
        lambda: Mesh(torch.zeros(5, 3), torch.tensor([[0, 1, 2], [1, 0, 3], [0, 1, 4]])),
        "edge (0, 1) belongs to 3 faces, which no surface has. Give a manifold: one or two faces at each edge.",
    ),
    (
        "a face upside down",
        lambda: Mesh(torch.zeros(4, 3), torch.tensor([[0, 1, 2], [0, 3, 2]])),
        "two faces run along edge (2, 0) the same way, so that one of them is upside down. Turn one about: (a, b, c) becomes "
        "(a, c, b). A surface with one side alone, as Möbius' strip, has no such order.",
    ),
    (
        "an isolated vertex",
        lambda: Mesh(torch.zeros(5, 3), SQUARE),
        "vertex 4 is isolated: no face has it, so it has no directions round it. Leave it out, and renumber.",
    ),
    (
        "two fans",
        lambda: Mesh(torch.zeros(5, 3), torch.tensor([[0, 1, 2], [0, 3, 4]])),
        "the faces at vertex 0 make more than one fan: surfaces that touch in a point. Give each of them a vertex of its own "
        "there.",
    ),
    (
        "two closed fans",
        lambda: Mesh(torch.zeros(23, 3), torch.cat([FACES, torch.where(FACES > 0, FACES + 11, 0)])),
        "the faces at vertex 0 make more than one fan: surfaces that touch in a point. Give each of them a vertex of its own "
        "there.",
    ),
    (
        "a vertex that isn't there",
        lambda: Mesh(torch.zeros(3, 3), SQUARE),
        "face 1 is [0, 2, 3], but there are 3 vertices, numbered from 0. Mend it.",
    ),
    ("a face twice at a vertex", lambda: Mesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2], [1, 1, 2]])), "face 1 is [1, 1, 2]"),
    ("no faces", lambda: Mesh(torch.zeros(3, 3), SQUARE[:0]), "faces are integers (F, 3), one row a triangle; these are"),
    ("faces in floating point", lambda: Mesh(torch.zeros(4, 3), SQUARE.double()), "faces are integers (F, 3), one row a"),
    ("flat vertices", lambda: Mesh(torch.zeros(4, 2), SQUARE), "Mesh(4 vertices, 2 faces): vertices are finite numbers (V, 3)"),
    ("NaN", lambda: Mesh(torch.full((4, 3), torch.nan), SQUARE), "Mesh(4 vertices, 2 faces): vertices are finite numbers"),
    ("a torus of two", lambda: torus(2, 5), "torus(2, 5) isn't closed by triangles. Give 3 or more each way."),
    ("a cylinder of one row", lambda: cylinder(5, 1), "cylinder(5, 1) isn't closed by triangles. Give 3 or more around"),
    ("a strip of one row", lambda: strip(5, 1), "strip(5, 1) has no triangles. Give 2 columns and 2 rows or more."),
]


@pytest.mark.parametrize(("make", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_no_surface_is_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(DomainError) as caught:
        make()
    assert str(caught.value).startswith(text)


# Gauge groups


HALF = math.pi / 2
WORDS: list[tuple[Group, list[float], str]] = [
    (Gauge(3), [0, 0, 0], "identity"),
    (Gauge(3), [0, HALF, 0], "frame 1 turned by 90 deg"),
    (Gauge(3), [HALF, HALF, HALF], "every frame turned by 90 deg"),
    (Gauge(2), [0.1, -HALF], "frame 0 turned by 5.73 deg, frame 1 turned by -90 deg"),
    (
        Gauge(5),
        [0.1, 0.1, 0.1, 0, 0.1],
        "frame 0 turned by 5.73 deg, frame 1 turned by 5.73 deg, frame 2 turned by 5.73 deg and 1 more of 5",
    ),
    (CyclicGauge(4, 2), [0, 3], "frame 1 turned by -90 deg"),
    (CyclicGauge(3, 2), [1, 1], "every frame turned by 120 deg"),
]


@pytest.mark.parametrize(("group", "g", "words"), WORDS, ids=[case[2] for case in WORDS])
def test_turns_are_told_in_words(group: Group, g: list[float], words: str) -> None:
    assert group.describe(torch.tensor(g, dtype=group.identity(1).dtype)) == words


def test_turns_count_modulo_a_full_one() -> None:
    group = Gauge(2)
    g = torch.tensor([[3.0, -3.0]], dtype=torch.float64)
    assert (group.compose(g, g) - torch.tensor([[6 - 2 * math.pi, 2 * math.pi - 6]], dtype=g.dtype)).abs().max() <= 8 * EPS
    assert group.compose(g, group.inverse(g)).tolist() == [[0, 0]]
    assert group.contains(torch.tensor([[3.2, 0.0], [3.1, -3.1]], dtype=torch.float64)).tolist() == [False, True]


def test_wrapped_leaves_what_needs_no_wrapping() -> None:
    angle = 2 * math.pi * (torch.rand(10_000, generator=Generator().manual_seed(0), dtype=torch.float64) - 0.5)
    assert torch.equal(wrapped(angle), angle)
    far = wrapped(angle + 40 * math.pi)
    assert (far - angle).abs().max() <= 64 * 40 * EPS
    assert far.abs().max() <= math.pi + EPS


def test_a_turn_is_the_simpler_the_fewer_frames_it_turns() -> None:
    group = Gauge(3)
    turns = torch.tensor([[0, 0, 0], [0, HALF, 0], [0, 0.3, 0], [HALF, HALF, 0], [0.1, 0.2, 0.3]], dtype=torch.float64)
    assert group.complexity(turns).tolist() == [0, 1, 2, 2, 6]
    assert CyclicGauge(7, 3).complexity(torch.tensor([[0, 0, 0], [1, 0, 6], [3, 0, 0]])).tolist() == [0, 2, 2]
    first = group.simpler(turns[-1])
    assert first[0].tolist() == [0, 0, 0]
    assert first[1].tolist() == [HALF, 0, 0]
    assert any(torch.equal(g, torch.tensor([0.1, 0, 0], dtype=torch.float64)) for g in first)


GAUGE_ERRORS: list[tuple[str, Callable[[], Any], str]] = [
    ("no frames", lambda: Gauge(0), "SO(2)^0 turns no frame. Use a size of 1 or more, or 'SO(2)^V'."),
    ("no steps", lambda: CyclicGauge(0), "C_0^V has no elements. Use 1 step a turn or more, as in 'C_4^V'."),
    (
        "no size",
        lambda: Gauge().bind({}),
        "SO(2)^V needs the number of vertices that have a frame, and no rep says it. Give an input the rep Framed(axis=-3), or "
        "name the size, as in 'SO(2)^12'.",
    ),
    ("an empty mesh", lambda: Gauge().bind({"vertices": 0}), "SO(2)^V turns no frame, since there are no vertices."),
    (
        "another size",
        lambda: CyclicGauge(7, 5).bind({"vertices": 6}),
        "C_7^5 turns 5 frames; the tensors have 6 vertices. Use 'C_7^V'.",
    ),
    ("unbound", lambda: Gauge().sample(2, Generator()), "SO(2)^V isn't bound to a size yet. Use bind({'vertices': 12}), or"),
]


@pytest.mark.parametrize(("make", "text"), [case[1:] for case in GAUGE_ERRORS], ids=[case[0] for case in GAUGE_ERRORS])
def test_gauge_groups_that_do_not_fit_are_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(GroupError) as caught:
        make()
    assert str(caught.value).startswith(text)


# Reps in frames


def test_a_feature_of_order_m_turns_m_times_as_far() -> None:
    z = torch.tensor([[[[5.0, 1.0, 0.0, 1.0, 0.0]]]], dtype=torch.float64)
    g = torch.tensor([[HALF]], dtype=torch.float64)
    turned = Framed((0, 1, 2)).act(Gauge(1), g, z)
    assert (turned - torch.tensor([5.0, 0.0, -1.0, -1.0, 0.0])).abs().max() <= EPS


def test_pairs_of_real_numbers_turn_as_complex_ones_do() -> None:
    group, z = Gauge(4), torch.randn(3, 4, 2, generator=Generator().manual_seed(0), dtype=torch.complex128)
    g = group.sample(3, Generator().manual_seed(1))
    for order in (0, 1, 3):
        whole = ComplexFramed(order).act(group, g, z)
        if order:
            assert (whole - torch.view_as_complex(Framed((order,)).act(group, g, torch.view_as_real(z)))).abs().max() <= 8 * EPS
        assert (whole - torch.exp(-1j * order * g).unsqueeze(-1) * z).abs().max() <= 8 * EPS


def test_a_vector_carried_along_an_edge_is_the_same_in_all_frames() -> None:
    """alpha + g is the angle at p of a vector that has the angle alpha at q, whichever the frames."""
    group, edges = Gauge(3), ((0, 1), (1, 2), (2, 0))
    rng = Generator().manual_seed(0)
    phi, g, alpha = group.sample(5, rng), group.sample(5, rng), group.sample(5, rng)
    there = [q for _, q in edges]
    arrived = (alpha - phi)[:, there] + Transport(edges).act(group, phi, g)
    assert wrapped(arrived - (alpha[:, there] + g - phi)).abs().max() <= 16 * EPS
    theta = LogMap(edges).act(group, phi, alpha)
    assert wrapped(theta - (alpha - phi)).abs().max() <= 8 * EPS


def test_real_charts_turn_as_the_reps_say() -> None:
    """Other frames of the same surface: theta and g change by their reps."""
    positions, faces = bent(icosphere())
    one, other = intrinsic(positions, faces), intrinsic(positions, faces, lambda rings: torch.ones_like(rings.valence))
    phi = one.direction[..., 1]
    edges = tuple((p, q) for p, ring in enumerate(one.neighbour[0].tolist()) for q in ring)
    theta = LogMap(edges).act(Gauge(12), phi, one.direction.flatten(1))
    g = Transport(edges).act(Gauge(12), phi, one.transport.flatten(1))
    assert wrapped(theta - other.direction.flatten(1)).abs().max() <= 64 * EPS
    assert wrapped(g - other.transport.flatten(1)).abs().max() <= 64 * EPS
    assert wrapped(one.transport - other.transport).abs().max() > 0.5


def test_each_row_of_a_table_turns_by_its_own_number_of_places() -> None:
    table = torch.tensor([[[0, 1, 2], [3, 4, 5], [6, 7, 8]]])
    turned = Cycle("faces").act(CyclicGauge(3, 3, "faces"), torch.tensor([[0, 1, 2]]), table)
    assert turned.tolist() == [[[0, 1, 2], [5, 3, 4], [7, 8, 6]]]


MISFITS: list[tuple[Rep, Group, Shape, str]] = [
    (Framed(), Gauge(4), (4, 1, 3), "Framed(orders=(1,), axis=-3, of='vertices') acts on a last axis of size 2, a number for"),
    (Framed(), Gauge(4), (5, 1, 2), "Framed(orders=(1,), axis=-3, of='vertices') under SO(2)^4 turns 4 frames along axis -3"),
    (Framed(), SO(2), (5, 1, 2), "Framed(orders=(1,), axis=-3, of='vertices'): SO(2) has no gauge changes. Use a gauge group"),
    (LogMap(((0, 1),)), Gauge(4), (2,), "LogMap(1 edges) acts on a last axis of size 1"),
    (LogMap(((0, 4),)), Gauge(4), (1,), "LogMap(1 edges) under SO(2)^4, which turns 4 frames, has no frame 4, the last that"),
    (Transport(((0, 1),)), Symmetric(4), (1,), "Transport(1 edges): S_4 has no gauge changes."),
    (Cycle("faces"), Gauge(4, "faces"), (4, 3), "Cycle(of='faces') turns rows of 3 by whole places, as 'C_3^V' does, and not"),
    (Cycle("faces"), CyclicGauge(4, 4), (4, 3), "Cycle(of='faces') turns rows of 3 by whole places, as 'C_3^V' does, and not"),
    (Cycle(), CyclicGauge(3, 5), (4, 3), "Cycle(of='vertices') under C_3^5 turns 5 rows along axis -2"),
    (ComplexFramed(), Gauge(3), (4, 2), "ComplexFramed(order=1, axis=-2, of='vertices') under SO(2)^3 turns 3 frames along"),
]


@pytest.mark.parametrize(("rep", "group", "shape", "text"), MISFITS)
def test_reps_that_do_not_fit_say_why(rep: Rep, group: Group, shape: Shape, text: str) -> None:
    reason = rep.misfit(group, shape)
    assert reason is not None
    assert reason.startswith(text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Framed(()), "Framed(orders=(), axis=-3, of='vertices'): orders are whole numbers, 0 or more, one at least"),
        (lambda: Framed((-1,)), "Framed(orders=(-1,), axis=-3, of='vertices'): orders are whole numbers"),
        (
            lambda: Framed(axis=-1),
            "Framed(orders=(1,), axis=-1, of='vertices'): the axis of the vertices is counted from the end",
        ),
        (lambda: ComplexFramed(axis=0), "ComplexFramed(order=1, axis=0, of='vertices'): the axis of the vertices is counted"),
        (lambda: LogMap(()), "LogMap: edges are pairs (p, q) of vertices, one at least, as in ((0, 1), (1, 0))."),
        (lambda: Transport(((0, -1),)), "Transport: edges are pairs (p, q) of vertices, one at least"),
        (
            lambda: ComplexFramed().act(Gauge(2), Gauge(2).identity(1), torch.ones(1, 2, 3)),
            "ComplexFramed(order=1, axis=-2, of='vertices') acts on complex tensors; this one is torch.float32. Use Framed",
        ),
    ],
)
def test_reps_in_frames_that_make_no_sense_are_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        make()
    assert str(caught.value).startswith(text)


def test_reps_in_frames_have_names() -> None:
    assert as_rep("framed(orders=(0, 1))") == Framed((0, 1))
    assert as_rep("transport(edges=((0, 1), (1, 0)))") == Transport(((0, 1), (1, 0)))
    assert as_rep("cycle(of='faces')") == Cycle("faces")


def test_rows_are_read_where_the_index_says() -> None:
    values, index = torch.randn(2, 5, 3), torch.tensor([[0, 4], [2, 2]])
    assert torch.equal(ringed(values, index), values[:, index])
