"""Matrix Lie groups: what each keeps, how it is drawn, what counts as simple, and a group of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError
from symcheck.groups import (
    CO,
    GL,
    PGL,
    SE,
    SL,
    SO,
    SU,
    Aff,
    E,
    FullLorentz,
    Galilei,
    Group,
    Homomorphism,
    Lorentz,
    MatrixGroup,
    O,
    Poincare,
    Scaling,
    Sim,
    T,
    U,
    cover,
    from_string,
)
from symcheck.groups._simple import angle_cost, factor_cost, number_cost, plane_turn
from symcheck.groups.homomorphism import block, inclusion, largest_first
from symcheck.groups.lorentz import boosts
from symcheck.groups.unitary import spin

EPS = float(torch.finfo(torch.float64).eps)
N, MANY = 64, 10_000


def draw(group: Group, n: int = N, seed: int = 0) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def close(left: Tensor, right: Tensor, scale: float = 1.0, operations: int = 64) -> bool:
    """Equal up to the rounding of some operations on numbers as large as `scale`."""
    return bool(((left - right).abs() <= operations * EPS * max(1.0, scale)).all())


def apply(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrices `(n, d, d)` on `(n, points, d)`."""
    return x @ matrix.mT


def moved(group: Group, g: Tensor, x: Tensor) -> Tensor:
    return apply(group.linear(g), x) + group.translation(g).unsqueeze(1)


# What each group keeps, and what it doesn't


def volumes(x: Tensor) -> Tensor:
    """Of the parallelepipeds between the first points `(n, points, d)`, with their sign."""
    return torch.linalg.det(x[:, 1 : x.shape[-1] + 1] - x[:, :1])


def distances(x: Tensor) -> Tensor:
    return (x.unsqueeze(1) - x.unsqueeze(2)).square().sum(-1)


def angles(x: Tensor) -> Tensor:
    sides = torch.nn.functional.normalize(x[:, 1:] - x[:, :1], dim=-1)
    return sides @ sides.mT


def midpoints(x: Tensor) -> Tensor:
    """How far the image of a midpoint is from the midpoint of images: the third point is set half-way between two."""
    return x[:, 2] - (x[:, 0] + x[:, 1]) / 2


def norms(x: Tensor) -> Tensor:
    return x.square().sum(-1)


def orientations(x: Tensor) -> Tensor:
    return volumes(x).sign()


def intervals(x: Tensor) -> Tensor:
    """Squared, between events: time less space."""
    gap = x.unsqueeze(1) - x.unsqueeze(2)
    return gap[..., 0].square() - gap[..., 1:].square().sum(-1)


def durations(x: Tensor) -> Tensor:
    return x[:, 1:, 0] - x[:, :1, 0]


def simultaneous(x: Tensor) -> Tensor:
    """The distance between two events at one time, set so at first: the first two."""
    return (x[:, 0, 1:] - x[:, 1, 1:]).square().sum(-1)


KEPT: list[tuple[Group, Callable[[Tensor], Tensor], bool]] = [
    (SO(3), norms, True),
    (SO(3), orientations, True),
    (O(3), norms, True),
    (O(3), orientations, False),
    (E(3), distances, True),
    (E(3), norms, False),
    (SE(3), orientations, True),
    (T(3), distances, True),
    (SL(3), volumes, True),
    (SL(3), distances, False),
    (GL(3), midpoints, True),
    (GL(3), volumes, False),
    (Aff(3), midpoints, True),
    (Aff(3), angles, False),
    (CO(3), angles, True),
    (CO(3), distances, False),
    (Sim(3), angles, True),
    (Sim(3), distances, False),
    (Lorentz(3), intervals, True),
    (FullLorentz(3), intervals, True),
    (Poincare(3), intervals, True),
    (Poincare(3), durations, False),
    (Poincare(1), intervals, True),
    (Galilei(3), durations, True),
    (Galilei(3), simultaneous, True),
    (Galilei(3), intervals, False),
    (Galilei(1), durations, True),
]


@pytest.mark.parametrize(("group", "what", "kept"), KEPT, ids=[f"{group}: {what.__name__}" for group, what, _ in KEPT])
def test_groups_keep_what_they_are_named_for(group: Group, what: Callable[[Tensor], Tensor], kept: bool) -> None:
    x = normal(N, 6, group.translation(group.identity(1)).shape[-1])
    x[:, 2] = (x[:, 0] + x[:, 1]) / 2 if what is midpoints else x[:, 2]
    x[:, 1, 0] = x[:, 0, 0] if what is simultaneous else x[:, 1, 0]
    y = moved(group, draw(group), x)
    size = max(float(x.abs().max()), float(y.abs().max()))
    assert close(what(y), what(x), size**3) == kept


def test_lorentz_transformations_keep_the_future() -> None:
    light = torch.nn.functional.normalize(normal(N, 5, 3), dim=-1)
    future = torch.cat([torch.ones(N, 5, 1, dtype=torch.float64), 0.9 * light], -1)
    assert bool((apply(draw(Lorentz(3)), future)[..., 0] > 0).all())
    assert not bool((apply(draw(FullLorentz(3)), future)[..., 0] > 0).all())


def test_similarities_scale_lengths_by_their_scale() -> None:
    for group in (Sim(3), CO(2)):
        g = draw(group)
        x = normal(N, 4, group.dim)
        grown = distances(moved(group, g, x)) / distances(x).clamp_min(1e-300)
        off = ~torch.eye(4, dtype=torch.bool)
        assert close(grown[:, off].sqrt(), group.scale(g).unsqueeze(-1), 100)


def projected(g: Tensor, x: Tensor) -> Tensor:
    y = apply(g, torch.cat([x, torch.ones(*x.shape[:-1], 1, dtype=x.dtype)], -1))
    return y[..., :-1] / y[..., -1:]


def cross_ratio(x: Tensor) -> Tensor:
    """Of four points on a line, `(n, 4, 2)`."""
    t = ((x - x[:, :1]) * (x[:, 3:] - x[:, :1])).sum(-1)
    return (t[:, 2] - t[:, 0]) * (t[:, 3] - t[:, 1]) / ((t[:, 3] - t[:, 0]) * (t[:, 2] - t[:, 1]))


def test_projective_maps_keep_lines_and_cross_ratios() -> None:
    start, way, place = normal(N, 1, 2), normal(N, 1, 2, seed=1), torch.tensor([[0.0], [0.4], [0.7], [1.0]]).double()
    x = start + place * way
    y = projected(draw(PGL(3)), x)
    area = torch.linalg.det(torch.stack([y[:, 1] - y[:, 0], y[:, 3] - y[:, 0]], -1))
    scale = float(y.abs().max())
    assert close(area, torch.zeros(N, dtype=torch.float64), scale**2, 1024)
    steepness = 1 / float((y[:, 0] - y[:, 3]).norm(dim=-1).min())  # the rounding of a short segment, relative to it
    assert close(cross_ratio(y), cross_ratio(x), scale * steepness, 1024)
    assert not close(midpoints(y[:, [0, 3, 1]]), midpoints(x[:, [0, 3, 1]]))


def test_affine_maps_are_projective_maps_of_the_same_points() -> None:
    into = PGL(3).subgroups()[0]
    assert into.source == Aff(2)
    g, x = draw(Aff(2)), normal(N, 5, 2)
    assert close(projected(into(g), x), moved(Aff(2), g, x), 100)


def test_a_projective_map_has_one_matrix() -> None:
    """Those of determinant 1: the matrix times a number is the same map, and is brought back."""
    g = draw(PGL(3))
    assert close(torch.linalg.det(g), torch.ones(N, dtype=torch.float64), 100)
    assert not bool(PGL(3).contains(-g).any())


# Boosts and velocities


def test_rapidities_along_one_axis_add_up() -> None:
    first, second = normal(N, 1), normal(N, 1, seed=1)
    axis = torch.tensor([[0.6, 0.0, 0.8]], dtype=torch.float64)
    assert close(boosts(first * axis) @ boosts(second * axis), boosts((first + second) * axis), 1e3)
    assert not close(boosts(first * axis) @ boosts(second * axis.flip(1)), boosts(first * axis + second * axis.flip(1)), 1e3)


def test_boosts_are_exponentials() -> None:
    group = Lorentz(3)
    v = torch.cat([normal(N, 3), torch.zeros(N, 3, dtype=torch.float64)], -1)
    assert close(group.exponential(v), boosts(v[:, :3]), 1e3)


def test_a_moving_clock_runs_slow() -> None:
    """At rapidity r the velocity is tanh(r), and a second takes 1 / sqrt(1 - v^2) = cosh(r)."""
    event = boosts(torch.tensor([[0.0, math.atanh(0.6), 0.0]], dtype=torch.float64)) @ torch.eye(4, dtype=torch.float64)[:, :1]
    assert close(event.flatten(), torch.tensor([1.25, 0, 0.75, 0], dtype=torch.float64))


def test_galilean_velocities_add_up_and_turn() -> None:
    group = Galilei(3)
    g, h = draw(group, seed=1), draw(group, seed=2)
    velocity = group.linear(group.compose(g, h))[:, 1:, 0]
    turned = (group.linear(g)[:, 1:, 1:] @ group.linear(h)[:, 1:, :1]).squeeze(-1)
    assert close(velocity, turned + group.linear(g)[:, 1:, 0], 10)
    assert torch.equal(group.linear(g)[:, 0], torch.eye(4, dtype=torch.float64)[0].expand(N, 4))


# SU(2) and the rotations


def test_the_cover_is_a_homomorphism() -> None:
    g, h = draw(SU(2), seed=1), draw(SU(2), seed=2)
    assert close(cover(g @ h), cover(g) @ cover(h))
    assert SO(3).contains(cover(g)).all()
    assert (cover.source, cover.target) == (SU(2), SO(3))


def test_a_cover_that_turns_backwards_is_caught() -> None:
    backwards = Homomorphism(SU(2), SO(3), lambda g: cover(g).mT)
    g, h = draw(SU(2), seed=1), draw(SU(2), seed=2)
    assert not close(backwards(g @ h), backwards(g) @ backwards(h))


def test_two_elements_cover_each_rotation() -> None:
    g = draw(SU(2))
    assert torch.equal(cover(-g), cover(g))
    many = draw(SU(2), MANY)
    turned = torch.eye(3, dtype=torch.float64) - cover(many)
    trace = many[turned.abs().amax((-2, -1)) < 0.5].diagonal(dim1=-2, dim2=-1).sum(-1).real
    assert bool((trace.abs() > 1.8).all())  # small turns, of at most some 45 deg, are covered near 1 and near -1 alone
    assert set(trace.sign().tolist()) == {-1, 1}


def test_the_cover_sends_exponentials_to_exponentials() -> None:
    v = normal(N, 3)
    assert close(cover(SU(2).exponential(v)), SO(3).exponential(v))


@pytest.mark.parametrize("axis", range(3))
def test_spins_turn_about_their_axis_by_their_angle(axis: int) -> None:
    line = torch.eye(3, dtype=torch.float64)[axis]
    i, j = (axis + 1) % 3, (axis + 2) % 3
    for degrees in (30.0, 90.0, 200.0):
        assert close(cover(spin(degrees, line).unsqueeze(0))[0], plane_turn(3, i, j, degrees))
    assert torch.equal(spin(360.0, line), -torch.eye(2, dtype=torch.complex128))


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_the_cover_is_that_of_e3nn() -> None:
    """Its quaternions go through an angle and an axis, whose arc cosine loses digits near no turn: sqrt(eps) at worst."""
    o3 = pytest.importorskip("e3nn.o3")
    g = draw(SU(2))
    quaternion = torch.stack([g[:, 0, 0].real, -g[:, 1, 0].imag, g[:, 1, 0].real, -g[:, 0, 0].imag], -1)
    with default_dtype(torch.float64):
        theirs = o3.quaternion_to_matrix(quaternion)
    assert float((cover(g) - theirs).abs().max()) < 1e-8 < float((cover(g).mT - theirs).abs().max())


def test_phases_are_angles() -> None:
    v = math.pi * (2 * torch.rand(N, 1, generator=Generator().manual_seed(0), dtype=torch.float64) - 1)
    for group in (U(1), SO(2)):
        assert close(group.phase(group.exponential(v)), v[:, 0])
    assert torch.equal(SE(2).phase(block(SO(2), SE(2))(SO(2).exponential(v))), SO(2).phase(SO(2).exponential(v)))
    for other in (U(2), SO(3), SE(3), O(2)):
        with pytest.raises(GroupError, match="has no angle"):
            other.phase(other.identity(1))


def test_scalings_know_no_dimension() -> None:
    with pytest.raises(GroupError) as caught:
        Scaling().linear(Scaling().identity(1))
    assert str(caught.value) == (
        "R+ has no linear part, as it doesn't know the dimension. Use 'CO(3)' or 'Sim(3)', or another rep."
    )
    with pytest.raises(GroupError, match=r"^R\+ has no translations"):
        Scaling().translation(Scaling().identity(1))


# How elements are drawn


def has_deviation(x: Tensor, deviation: float) -> bool:
    """Whether independent normal numbers have it: the sum of their squares is within six deviations, one in a billion."""
    squares = (x / deviation).square().sum()
    return abs(float(squares) - x.numel()) < 6 * math.sqrt(2 * x.numel())


def _rapidity(g: Tensor) -> Tensor:
    return g[:, 1:, 0] * (g[:, 1:, 0].norm(dim=-1, keepdim=True).asinh() / g[:, 1:, 0].norm(dim=-1, keepdim=True))


def _tilt(g: Tensor) -> Tensor:
    """(A t; 0 1) (1 0; c 1) has the last row (c, 1), up to a factor."""
    return g[:, -1, :-1] / g[:, -1:, -1]


WIDTHS: list[tuple[Group, Callable[[Tensor], Tensor], float]] = [
    (SE(3, 5.0), lambda g: g[:, :3, 3], 5.0),
    (T(2, 0.1), lambda g: g[:, :2, 2], 0.1),
    (Poincare(3, spread=3.0), lambda g: g[:, :4, 4], 3.0),
    (Galilei(3, spread=3.0), lambda g: g[:, :4, 4], 3.0),
    (Galilei(3, speed=0.2), lambda g: g[:, 1:4, 0], 0.2),
    (Lorentz(3), _rapidity, 0.5),
    (Lorentz(3, 2.0), _rapidity, 2.0),
    (Scaling(), lambda g: g.log(), 0.5),
    (Scaling(2.0), lambda g: g.log(), 2.0),
    (CO(3, 0.3), lambda g: CO(3).scale(g).log(), 0.3),
    (Sim(3, stretch=0.3), lambda g: Sim(3).scale(g).log(), 0.3),
    (GL(3), lambda g: torch.linalg.slogdet(g).logabsdet / math.sqrt(3), 0.5),  # the trace of S, a sum of three
    (GL(2, 0.1), lambda g: torch.linalg.slogdet(g).logabsdet / math.sqrt(2), 0.1),
    (PGL(3, tilt=0.02), _tilt, 0.02),
]


@pytest.mark.parametrize(("group", "what", "width"), WIDTHS, ids=[str(group) for group, _, _ in WIDTHS])
def test_elements_are_as_wide_as_was_asked_for(group: Group, what: Callable[[Tensor], Tensor], width: float) -> None:
    x = what(draw(group, MANY))
    assert has_deviation(x, width)
    assert not has_deviation(x, 1.2 * width)


def test_stretches_prefer_no_direction() -> None:
    """The principal axes of the stretch are those of a Gaussian orthogonal matrix, uniform: in the plane, E[cos 2a] = 0."""
    for group in (GL(2), SL(2)):
        g = draw(group, MANY)
        _, axes = torch.linalg.eigh(g @ g.mT)
        a = torch.atan2(axes[:, 1, 0], axes[:, 0, 0])
        for k in (2, 4):
            assert float(torch.polar(torch.ones_like(a), k * a).mean().abs()) < 7 / math.sqrt(MANY)


def test_elements_are_well_conditioned() -> None:
    """A model that loses three digits to the group itself can't be judged."""
    for group in (GL(3), SL(3), Aff(3), Sim(3), Lorentz(3), FullLorentz(3), Poincare(3), Galilei(3), PGL(3)):
        values = torch.linalg.svdvals(group.linear(draw(group, 1000)))
        assert float((values[:, 0] / values[:, -1]).median()) < 100


UNUSUAL = [
    "O(4)", "SO(7)", "E(1)", "T(1)", "SE(4)", "GL(1)", "GL(4)", "SL(4)", "Aff(1)", "CO(1)", "Sim(1)", "PGL(5)", "U(4)",
    "SU(4)", "SO+(1,4)", "O(1,1)", "O(1,4)", "Poincare(1,2)", "Galilei(2)", "SO+(1,3, rapidity=3)", "O(1,3, rapidity=3)",
    "Aff(3, spread=100, stretch=1)", "GL(2) x SO+(1,3) x U(2) x S_4 x Z_4^2 x Poincare(1,3)",
]  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_laws_hold_in_other_dimensions_and_for_other_widths(name: str) -> None:
    group = from_string(name)
    assert isinstance(group, Group)
    g, h, k = (draw(group, seed=seed) for seed in range(3))
    size = [float(x.abs().max()) for x in (g, h, k, group.inverse(g))]
    operations = 4 * g[0].numel()
    assert close(group.compose(g, group.compose(h, k)), group.compose(group.compose(g, h), k), math.prod(size[:3]), operations)
    assert close(group.compose(g, group.inverse(g)), group.identity(N), size[0] ** 2 * size[3], operations)
    group.check(torch.cat([g, group.inverse(g), group.landmarks(), group.generators()]))
    for one in [*g[:3], *group.landmarks()]:
        found = group.simpler(one)
        group.check(found)
        assert bool((group.complexity(found) < group.complexity(one.unsqueeze(0))).all())
        assert group.describe(one) != "identity"
    for f in group.subgroups():
        a, b = draw(f.source, seed=1), draw(f.source, seed=2)
        scale = float(f(a).abs().max() * f(b).abs().max())
        assert close(f(f.source.compose(a, b)), group.compose(f(a), f(b)), scale, operations)
        group.check(f(a))


@pytest.mark.parametrize("rapidity", [0.5, 3.0])
def test_strong_boosts_are_told_from_rotations(rapidity: float) -> None:
    group = FullLorentz(3, rapidity)
    assert group.complexity(group.landmarks()).tolist() == [1.0] * 9
    assert Lorentz(3, rapidity).contains(draw(Lorentz(3, rapidity), MANY)).all()


# A group of one's own


class Heisenberg(MatrixGroup):
    """Upper triangular matrices with ones on the diagonal: given by its algebra alone."""

    notation = ()

    @classmethod
    def parse(cls, text: str) -> None:
        return None

    @classmethod
    def examples(cls) -> Sequence[Heisenberg]:
        return [cls()]

    @property
    def size(self) -> int:
        return 3

    def algebra(self) -> Tensor:
        basis = torch.zeros(3, 3, 3, dtype=torch.float64)
        basis[0, 0, 1] = basis[1, 1, 2] = basis[2, 0, 2] = 1
        return basis

    def contains(self, g: Tensor) -> Tensor:
        return (g.tril() == self.identity(1)).flatten(1).all(-1) & g.isfinite().flatten(1).all(-1)


class Signs(Heisenberg):
    """The same with a sign: two components."""

    def components(self) -> Tensor:
        return torch.stack([torch.eye(3, dtype=torch.float64), -torch.eye(3, dtype=torch.float64)])

    def contains(self, g: Tensor) -> Tensor:
        return super().contains(g * g[:, :1, :1].sign())


def test_a_group_is_given_by_its_algebra_and_components() -> None:
    for group in (Heisenberg(), Signs()):
        g, h = draw(group, seed=1), draw(group, seed=2)
        assert group.element == (3, 3)
        assert group.contains(torch.cat([g, g @ h, group.inverse(g), group.landmarks()])).all()
        assert close(group.compose(g, group.inverse(g)), group.identity(N), float(g.abs().max()) ** 2)
        assert group.describe(group.landmarks()[-1]) == "matrix [[1, 0, 1], [0, 1, 0], [0, 0, 1]]"
        for one in g[:4]:
            found = group.simpler(one)
            assert len(found) > 4
            assert group.contains(found).all()
            assert bool((group.complexity(found) < group.complexity(one.unsqueeze(0))).all())
    assert {-1.0, 1.0} == set(draw(Signs(), 2)[:, 0, 0].tolist())
    assert len(Signs().generators()) == 1


def test_elements_of_it_are_spread_by_its_width() -> None:
    """The entry (0, 1) of exp(u) exp(v) is the sum of two normal coordinates, each of half the variance."""
    assert has_deviation(draw(Heisenberg(), MANY)[:, 0, 1], Heisenberg.width)
    wide = type("Wide", (Heisenberg,), {"width": 3.0})
    assert has_deviation(draw(wide(), MANY)[:, 0, 1], 3.0)


def test_a_matrix_group_lacks_nothing_but_these() -> None:
    with pytest.raises(TypeError, match="algebra"):
        type("Half", (Heisenberg,), {"algebra": MatrixGroup.algebra})()


# What counts as simple


def test_rotations_rise_in_complexity() -> None:
    """No turn, a quarter about an axis, others that permute axes, 45 and 37 deg and any other about an axis, then any other."""
    group, tilted = SO(3), torch.nn.functional.normalize(torch.tensor([1.0, 2.0, 3.0]).double(), dim=0)
    cross = torch.zeros(3, 3, dtype=torch.float64)
    cross[0, 1], cross[0, 2], cross[1, 2] = -tilted[2], tilted[1], -tilted[0]
    about = torch.linalg.matrix_exp(
        (cross - cross.T) * torch.tensor([math.pi / 2, 1.234], dtype=torch.float64).reshape(2, 1, 1)
    )
    ladder = [
        torch.eye(3, dtype=torch.float64),
        plane_turn(3, 0, 1, 90.0),
        plane_turn(3, 0, 1, 90.0) @ plane_turn(3, 1, 2, 90.0),
        plane_turn(3, 0, 2, 45.0),
        plane_turn(3, 0, 2, 37.0),
        plane_turn(3, 0, 2, 37.123),
        *about,
    ]
    measures = group.complexity(torch.stack(ladder)).tolist()
    assert measures == sorted(measures)
    assert len(set(measures)) == len(measures)
    assert measures[:2] == [0, 1]


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (O(3), ["reflection along x", "rotation by 90 deg about z", "inversion"]),
        (O(2), ["reflection along x", "rotation by 90 deg"]),
        (E(3), ["translation by (+1, +0, +0)", "rotation by 90 deg about z", "reflection along x"]),
        (SE(3, 20.0), ["translation by (+20, +0, +0)"]),
        (FullLorentz(3), ["reversal of time", "boost of rapidity (+0.5, +0, +0)", "rotation by 90 deg about z"]),
    ],
)
def test_what_a_person_would_try_first_is_among_the_simplest(group: Group, words: list[str]) -> None:
    g = torch.cat([draw(group, 2)])
    found = group.simpler(g[0]) if float(group.complexity(g[:1])) > float(group.complexity(g[1:])) else group.simpler(g[1])
    simple = {group.describe(one) for one in [*found, *group.landmarks()] if float(group.complexity(one.unsqueeze(0))) <= 2}
    assert set(words) <= simple


def test_rounding_does_not_hide_what_is_simple() -> None:
    """A quarter turn that was computed is one, though its cosine is 6e-17."""
    quarter = SO(3).exponential(torch.tensor([[math.pi / 2, 0, 0]], dtype=torch.float64))
    assert float(quarter[0, 0, 0]) != 0
    assert SO(3).complexity(quarter).tolist() == [1]
    assert SO(3).complexity(quarter @ quarter.mT).tolist() == [0]
    off = SO(3).exponential(torch.tensor([[math.pi / 2 + 1e-9, 0, 0]], dtype=torch.float64))
    assert float(SO(3).complexity(off)) > 3


def test_numbers_rise_in_complexity() -> None:
    x = torch.tensor([0, 1, -1, 7, 0.3, 1 / 3], dtype=torch.float64)
    assert number_cost(x).tolist() == [0, 1, 1, 2, 3, 4]
    assert number_cost(torch.complex(x, x.flip(0))).tolist() == [4, 4, 3, 3, 4, 4]
    assert factor_cost(torch.tensor([1, 2, 0.5, 3, 1 / 3, 1.7, math.pi], dtype=torch.float64)).tolist() == [0, 1, 1, 2, 2, 3, 4]
    assert angle_cost(torch.tensor([0, 360, -90, 180, 45, 60, 37, 37.1], dtype=torch.float64)).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        4,
    ]


def test_quarter_turns_are_exact() -> None:
    for degrees in (-90.0, 0.0, 90.0, 180.0, 270.0, 360.0, -450.0):
        turn = plane_turn(3, 0, 2, degrees)
        assert torch.equal(turn, turn.round())
        assert close(turn, plane_turn(3, 0, 2, degrees + 1e-13), 1, 16)
    mirror = plane_turn(2, 0, 1, 90.0, mirror=True)
    assert mirror.tolist() == [[0, 1], [1, 0]]


# Homomorphisms


def test_homomorphisms_compose() -> None:
    chain = inclusion(E(3), Aff(3)).after(inclusion(SE(3), E(3))).after(block(SO(3), SE(3)))
    assert (chain.source, chain.target, str(chain)) == (SO(3), Aff(3), "SO(3)")
    g = draw(SO(3))
    assert torch.equal(chain(g)[:, :3, :3], g)
    both = cover.after(block(SU(2), SU(2)))
    assert torch.equal(both(draw(SU(2))), cover(draw(SU(2))))


def test_homomorphisms_between_other_groups_do_not_compose() -> None:
    with pytest.raises(GroupError) as caught:
        cover.after(inclusion(SO(3), O(3)))
    assert str(caught.value) == (
        "'SU(2) over SO(3)' starts from SU(2), and 'SO(3)' ends in O(3). Compose maps whose groups are one."
    )


def test_a_block_may_stand_anywhere() -> None:
    g = SO(2).landmarks()[:1]
    assert block(SO(2), SO(3), at=1)(g).tolist() == [[[1, 0, 0], [0, 0, -1], [0, 1, 0]]]


def test_subgroups_are_put_in_order() -> None:
    small, middle, large = (block(SO(2), E(3)), inclusion(T(3), E(3)), inclusion(SE(3), E(3)))
    assert largest_first(small, middle, large) == (large, middle, small)
    same = block(SO(3), E(3))
    assert largest_first(same, middle) == (same, middle)
    assert largest_first(middle, same) == (middle, same)
