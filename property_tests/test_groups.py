"""Groups: the axioms, on every group of the catalogue by its own examples, and what each group says of itself."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError
from symcheck.groups import (
    CATALOGUE,
    CO,
    GL,
    PGL,
    SE,
    SL,
    SO,
    SU,
    Aff,
    E,
    Exponential,
    FullLorentz,
    Galilei,
    Gauge,
    Group,
    Homomorphism,
    Lorentz,
    MatrixGroup,
    Monoid,
    O,
    PeriodicShifts,
    PlaneGroup,
    Poincare,
    Polyhedral,
    Product,
    Scaling,
    Sim,
    Symmetric,
    T,
    Translations,
    U,
    cover,
    from_string,
)

EPS = float(torch.finfo(torch.float64).eps)
EXAMPLES: list[Monoid] = [group for kind in CATALOGUE for group in kind.examples()]
GROUPS: list[Group] = [group for group in EXAMPLES if isinstance(group, Group)]
LIE = [group for group in GROUPS if group.dimension]
INCLUSIONS: list[Homomorphism] = [inclusion for group in EXAMPLES for inclusion in group.subgroups()]
PARTS = ("linear", "translation", "permutation", "shift", "phase", "scale", "gauge", "warp", "delay", "slopes")

every_monoid = pytest.mark.parametrize("group", EXAMPLES, ids=str)
every_group = pytest.mark.parametrize("group", GROUPS, ids=str)
every_lie_group = pytest.mark.parametrize("group", LIE, ids=str)
every_inclusion = pytest.mark.parametrize("inclusion", INCLUSIONS, ids=lambda f: f"{f} in {f.target}")


def draw(group: Monoid, n: int = 64, seed: int = 0) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


def same(left: Tensor, right: Tensor, *factors: Tensor) -> bool:
    """Equal: exactly for integers; for others, up to the rounding of the products of these factors.

    An entry of a product sums d products of entries, each rounded: no entry has more than d * d of them behind it.
    """
    if left.dtype == torch.int64:
        return torch.equal(left, right)
    size = math.prod(max(1.0, float(factor.abs().max())) for factor in factors)
    return bool(((left - right).abs() <= 4 * left[0].numel() * EPS * size).all())


def modulo(left: Tensor, right: Tensor, period: Tensor | float, *factors: Tensor) -> bool:
    """Equal up to whole periods, to rounding."""
    gap = left - right
    return same(gap - period * (gap / period).round(), torch.zeros_like(gap), *factors)


def equal(group: Monoid, left: Tensor, right: Tensor, *factors: Tensor) -> bool:
    """The same elements: angles and continuous shifts up to whole turns, others as numbers."""
    if isinstance(group, (Gauge, PeriodicShifts)):
        return modulo(left, right, torch.tensor(group.grid) if isinstance(group, PeriodicShifts) else 2 * math.pi, *factors)
    return same(left, right, *factors)


def associative(group: Monoid, g: Tensor, h: Tensor, k: Tensor) -> bool:
    return equal(group, group.compose(g, group.compose(h, k)), group.compose(group.compose(g, h), k), g, h, k)


def has_identity(group: Monoid, g: Tensor) -> bool:
    one = group.identity(len(g))
    return equal(group, group.compose(g, one), g, g) and equal(group, group.compose(one, g), g, g)


def has_inverses(group: Group, g: Tensor) -> bool:
    one, back = group.identity(len(g)), group.inverse(g)
    return equal(group, group.compose(g, back), one, g, back) and equal(group, group.compose(back, g), one, g, back)


def trivial(group: Monoid) -> bool:
    return bool((draw(group) == group.identity(64)).all())


def orientation(group: Monoid, g: Tensor) -> set[int]:
    return set(torch.linalg.det(group.linear(g)).round().int().tolist())


def components(group: MatrixGroup, g: Tensor) -> set[tuple[int, ...]]:
    """Which connected components there are among elements: orientations, and directions of time."""
    matrix = group.linear(g)
    if matrix.is_complex():
        return {(1,)}
    signs = torch.stack([torch.linalg.det(matrix), matrix[:, 0, 0] if isinstance(group, FullLorentz) else torch.ones(len(g))])
    return set(map(tuple, signs.sign().int().mT.tolist()))


# The axioms


@every_monoid
def test_the_product_is_associative(group: Monoid) -> None:
    assert associative(group, draw(group, seed=1), draw(group, seed=2), draw(group, seed=3))


@every_monoid
def test_the_identity_changes_nothing(group: Monoid) -> None:
    assert has_identity(group, draw(group))


@every_group
def test_every_element_has_an_inverse(group: Group) -> None:
    assert has_inverses(group, draw(group))
    assert has_inverses(group, group.landmarks())


class _ByQuotient(SO):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g @ h.mT


class _OwnInverse(Symmetric):
    def inverse(self, g: Tensor) -> Tensor:
        return g


class _ShiftedIdentity(Translations):
    def identity(self, n: int) -> Tensor:
        return torch.ones(n, len(self.size), dtype=torch.int64)


class _ForgottenStep(SE):
    def inverse(self, g: Tensor) -> Tensor:
        back = g.clone()
        back[:, :-1, :-1] = self.linear(g).mT
        return back


def test_the_axioms_catch_what_is_no_group() -> None:
    quotient, own, shifted, forgotten = _ByQuotient(3), _OwnInverse(3), _ShiftedIdentity((4,)), _ForgottenStep(3)
    assert not associative(quotient, draw(quotient, seed=1), draw(quotient, seed=2), draw(quotient, seed=3))
    assert not has_inverses(own, draw(own))
    assert not has_identity(shifted, draw(shifted))
    assert not has_inverses(forgotten, draw(forgotten))


def test_the_axioms_catch_an_error_of_float32() -> None:
    """The bound isn't so wide that a product in float32 would pass."""
    group = SO(3)
    g, h = draw(group, seed=1), draw(group, seed=2)
    assert not same((g.float() @ h.float()).double(), g @ h, g, h)


# Elements


@every_monoid
def test_elements_are_batches_of_their_shape_on_the_cpu(group: Monoid) -> None:
    g = draw(group, 5)
    for elements in (g, group.identity(5), group.compose(g, g), *([group.inverse(g)] if isinstance(group, Group) else [])):
        assert elements.shape == (5, *group.element)
        assert elements.dtype == group.identity(1).dtype
        assert elements.dtype in (torch.float64, torch.complex128, torch.int64)
        assert elements.device.type == "cpu"
    for elements in (group.generators(), group.landmarks(), group.identity(0), group.sample(0, Generator())):
        assert elements.shape[1:] == group.element
        assert elements.dtype == g.dtype


@every_monoid
def test_contains_is_closed(group: Monoid) -> None:
    g, h = draw(group, seed=1), draw(group, seed=2)
    backwards = [group.inverse(g)] if isinstance(group, Group) else []
    for elements in (g, group.identity(3), *backwards, group.compose(g, h), group.generators(), group.landmarks()):
        assert group.contains(elements).shape == (len(elements),)
        assert group.contains(elements).all()
        group.check(elements)


MANY = 10_000


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.__name__)
def test_ten_thousand_elements_are_one_batch(kind: type[Monoid]) -> None:
    for group in kind.examples():
        g = draw(group, MANY)
        both = group.compose(g, g.flip(0))
        assert both.shape == (MANY, *group.element)
        assert group.contains(both).all()
        assert group.complexity(both).shape == (MANY,)
        assert same(both[-100:], group.compose(g[-100:], g[:100].flip(0)), g, g)  # no element hears of its neighbours


def _with(group: Monoid, place: tuple[int, ...], value: float) -> Tensor:
    g = group.identity(1)[0].clone()
    g[place] = value
    return g


def _turned(dim: int, i: int, j: int) -> Tensor:
    turn = torch.eye(dim, dtype=torch.float64)
    turn[i, i] = turn[j, j] = 0
    turn[j, i], turn[i, j] = 1, -1
    return turn


NAN, INF = float("nan"), float("inf")
PAIR = Product((SE(3), Symmetric(4)))
NO_ELEMENTS: list[tuple[str, Monoid, Tensor]] = [
    ("NaN", SO(3), _with(SO(3), (0, 0), NAN)),
    ("NaN", O(3), _with(O(3), (2, 1), NAN)),
    ("NaN", E(3), _with(E(3), (0, 3), NAN)),
    ("infinite", O(2), _with(O(2), (0, 0), INF)),
    ("infinite step", SE(3), _with(SE(3), (1, 3), INF)),
    ("stretched", SO(3), 1.001 * torch.eye(3, dtype=torch.float64)),
    ("stretched by float32's epsilon", O(3), (1 + 2.0**-23) * torch.eye(3, dtype=torch.float64)),
    ("sheared", E(2), _with(E(2), (0, 1), 0.5)),
    ("projected", O(3), _with(O(3), (2, 2), 0.0)),
    ("mirrored", SO(3), _with(SO(3), (0, 0), -1.0)),
    ("mirrored", SE(2), _with(SE(2), (1, 1), -1.0)),
    ("projective", E(3), _with(E(3), (3, 0), 1.0)),
    ("scaled", SE(3), _with(SE(3), (3, 3), 2.0)),
    ("one place twice", Symmetric(3), torch.tensor([0, 0, 1])),
    ("counted from 1", Symmetric(3), torch.tensor([1, 2, 3])),
    ("negative", Symmetric(3), torch.tensor([-1, 0, 1])),
    ("once round", Translations((4, 6)), torch.tensor([4, 0])),
    ("backwards", Translations((4, 6)), torch.tensor([0, -1])),
    ("half a sample", Translations((4, 6)), torch.tensor([0.5, 0.0])),
    ("mirrored", T(2), _with(T(2), (0, 0), -1.0)),
    ("singular", GL(3), _with(GL(3), (1, 1), 0.0)),
    ("NaN", GL(3), _with(GL(3), (1, 1), NAN)),
    ("infinite", GL(3), _with(GL(3), (1, 1), INF)),
    ("singular", Aff(2), _with(Aff(2), (1, 1), 0.0)),
    ("of determinant 2", SL(3), _with(SL(3), (1, 1), 2.0)),
    ("NaN", SL(3), _with(SL(3), (1, 0), NAN)),
    ("of determinant -1", PGL(3), _with(PGL(3), (2, 2), -1.0)),
    ("stretched along one axis", Sim(3), _with(Sim(3), (1, 1), 2.0)),
    ("collapsed", Sim(2), torch.diag(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))),
    ("negative", Scaling(), _with(Scaling(), (0, 0), -1.0)),
    ("zero", Scaling(), _with(Scaling(), (0, 0), 0.0)),
    ("infinite", Scaling(), _with(Scaling(), (0, 0), INF)),
    ("longer than 1", U(1), _with(U(1), (0, 0), 1.001)),
    ("NaN", U(2), _with(U(2), (0, 0), NAN)),
    ("of another determinant", SU(2), torch.diag(torch.tensor([1j, 1j]).to(torch.complex128))),
    ("of another determinant", SU(3), torch.diag(torch.tensor([1j, 1, 1]).to(torch.complex128))),
    ("reversing time", Lorentz(3), _with(Lorentz(3), (0, 0), -1.0)),
    ("mirroring space", Lorentz(3), _with(Lorentz(3), (2, 2), -1.0)),
    ("reversing both", Lorentz(3), -torch.eye(4, dtype=torch.float64)),
    ("a rotation of t and x", FullLorentz(3), _turned(4, 0, 1)),
    ("NaN", FullLorentz(3), _with(FullLorentz(3), (1, 1), NAN)),
    ("sheared", Poincare(3), _with(Poincare(3), (0, 1), 0.5)),
    ("time that depends on place", Galilei(3), _with(Galilei(3), (0, 1), 0.5)),
    ("mirroring space", Galilei(3), _with(Galilei(3), (1, 1), -1.0)),
    ("mirrored", PAIR, _with(PAIR, (0,), -1.0)),
    ("half a place", PAIR, _with(PAIR, (-1,), 3.5)),
    ("one place twice", PAIR, _with(PAIR, (-1,), 0.0)),
    ("NaN", PAIR, _with(PAIR, (-1,), NAN)),
    ("infinite", PAIR, _with(PAIR, (-2,), INF)),
]


@pytest.mark.parametrize(
    ("group", "g"), [case[1:] for case in NO_ELEMENTS], ids=[f"{case[1]}: {case[0]}" for case in NO_ELEMENTS]
)
def test_contains_rejects_what_is_no_element_and_only_that(group: Monoid, g: Tensor) -> None:
    one = group.identity(1)[0].to(g.dtype)
    assert group.contains(torch.stack([one, g, one])).tolist() == [True, False, True]
    if one.dtype == group.identity(1).dtype:
        with pytest.raises(GroupError, match=r"^element 1 of 3 isn't in "):
            group.check(torch.stack([one, g, one]))


DEFECTS: list[tuple[Monoid, Tensor, str]] = [
    (
        SO(3),
        torch.eye(3),
        "elements of SO(3) have the shape (n, 3, 3), batch first; these have (3, 3). Reshape them.",
    ),
    (
        SE(2),
        torch.eye(2).expand(5, 2, 2),
        "elements of SE(2) have the shape (n, 3, 3), batch first; these have (5, 2, 2). Reshape them.",
    ),
    (
        SO(2),
        torch.eye(2).expand(5, 2, 2),
        "elements of SO(2) are float64 on cpu; these are float32 on cpu. Make them with g.to('cpu', torch.float64).",
    ),
    (
        Symmetric(3),
        torch.eye(3, dtype=torch.float64),
        "elements of S_3 are int64 on cpu; these are float64 on cpu. Make them with g.to('cpu', torch.int64).",
    ),
    (
        SO(3),
        1.01 * torch.eye(3, dtype=torch.float64).expand(2, 3, 3),
        "element 0 of 2 isn't in SO(3): its columns aren't orthonormal, g^T g is off by 0.02. Orthonormalise it in float64.",
    ),
    (
        SO(3),
        _with(SO(3), (0, 0), -1.0)[None],
        "element 0 of 1 isn't in SO(3): it is a reflection, of determinant -1. Use O(3).",
    ),
    (
        O(2),
        _with(O(2), (0, 0), NAN)[None],
        "element 0 of 1 isn't in O(2): it holds NaN or infinity. Look for a division by zero where it was made.",
    ),
    (
        SE(2),
        _with(SE(2), (0, 0), 3.0)[None],
        "element 0 of 1 isn't in SE(2): its linear part isn't in SO(2): its columns aren't orthonormal, g^T g is off by 8. "
        "Orthonormalise it in float64.",
    ),
    (
        SE(2),
        _with(SE(2), (2, 0), 3.0)[None],
        "element 0 of 1 isn't in SE(2): its last row is [3.0, 0.0, 1.0]. That of a homogeneous matrix is zeros and a one.",
    ),
    (
        GL(2),
        torch.ones(1, 2, 2, dtype=torch.float64),
        "element 0 of 1 isn't in GL(2): it is singular. Draw another, or add a multiple of the identity.",
    ),
    (
        SL(2),
        _with(SL(2), (0, 0), 3.0)[None],
        "element 0 of 1 isn't in SL(2): its determinant is 3. Divide it by the root of that, or use GL(2).",
    ),
    (
        Sim(2),
        _with(Sim(2), (0, 0), 3.0)[None],
        "element 0 of 1 isn't in Sim(2): its linear part isn't in CO(2): its columns aren't orthogonal and of one length. "
        "Use GL for maps that don't keep angles.",
    ),
    (Scaling(), _with(Scaling(), (0, 0), -2.0)[None], "element 0 of 1 isn't in R+: -2 isn't positive. Use its absolute value."),
    (
        U(2),
        2 * U(2).identity(1),
        "element 0 of 1 isn't in U(2): its columns aren't orthonormal, g^H g is off by 3. Orthonormalise it in complex128.",
    ),
    (
        SU(2),
        1j * SU(2).identity(1),
        "element 0 of 1 isn't in SU(2): its determinant is -1+0j. Divide a column by it, or use U(2).",
    ),
    (
        Lorentz(3),
        _turned(4, 0, 1)[None],
        "element 0 of 1 isn't in SO+(1,3): it doesn't keep the metric diag(+, -, ...), g^T m g is off by 2. Make it by "
        "`exponential`.",
    ),
    (
        Lorentz(3),
        -Lorentz(3).identity(1),
        "element 0 of 1 isn't in SO+(1,3): it reverses time or mirrors space. Use O(1,3).",
    ),
    (
        PAIR,
        torch.stack([PAIR.identity(1)[0], _with(PAIR, (-1,), 0.0)]),
        "element 1 of 2 isn't in SE(3) x S_4: its part in S_4 isn't there, it is [0, 1, 2, 0]. Draw elements with `sample`, or "
        "start from `identity`.",
    ),
]


@pytest.mark.parametrize(("group", "g", "text"), DEFECTS, ids=[text[:60] for _, _, text in DEFECTS])
def test_check_names_the_defect(group: Monoid, g: Tensor, text: str) -> None:
    with pytest.raises(GroupError) as caught:
        group.check(g)
    assert str(caught.value) == text


def test_contains_keeps_mirrors_apart() -> None:
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)).unsqueeze(0)
    assert O(3).contains(mirror).all()
    assert not SO(3).contains(mirror).any()


@every_monoid
def test_landmarks_move_something(group: Monoid) -> None:
    landmarks = group.landmarks()
    assert len(landmarks) > 0
    assert trivial(group) or bool((landmarks != group.identity(len(landmarks))).any())


MATRICES = [group for group in GROUPS if isinstance(group, MatrixGroup) and not isinstance(group, Scaling)]
every_matrix_group = pytest.mark.parametrize("group", MATRICES, ids=str)


@every_matrix_group
def test_landmarks_and_generators_reach_every_component(group: MatrixGroup) -> None:
    one, every = group.identity(1), components(group, draw(group))
    assert components(group, torch.cat([one, group.landmarks()])) == every
    assert components(group, torch.cat([one, group.generators()])) == every
    assert len(group.components()) == len(every) or isinstance(group, PGL)


def finite(group: Monoid) -> int | None:
    """The number of elements, where they are integers and few enough to be listed."""
    try:
        order = group.order
    except GroupError:
        return None
    return order if order <= 1000 and group.identity(1).dtype == torch.int64 else None


@pytest.mark.parametrize("group", [group for group in GROUPS if finite(group)], ids=str)
def test_generators_generate_the_finite_groups(group: Group) -> None:
    assert generated(group, group.generators()) == finite(group)


@pytest.mark.parametrize("group", [g for g in EXAMPLES if isinstance(g, (Symmetric, Translations))], ids=str)
def test_landmarks_generate_permutations_and_shifts(group: Symmetric | Translations) -> None:
    assert generated(group, group.landmarks()) == group.order


def generated(group: Monoid, generators: Tensor) -> int:
    """How many elements the products of some are."""
    reached, size = group.identity(1), 0
    while size < len(reached):
        size = len(reached)
        steps = [group.compose(one.expand_as(reached), reached) for one in generators]
        reached = torch.unique(torch.cat([reached, *steps]), dim=0)
    return size


def test_too_few_generators_are_caught() -> None:
    assert generated(Symmetric(4), Symmetric(4).generators()[:1]) == 2


@pytest.mark.parametrize("group", LIE, ids=str)
def test_an_infinite_group_has_no_order(group: Group) -> None:
    with pytest.raises(GroupError, match=r"infinitely many elements, and so no order\. Ask for `dimension`"):
        _ = group.order


# Sampling


@every_monoid
def test_samples_follow_from_the_seed_alone(group: Monoid) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(group, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(draw(group, seed=7), first)
    assert trivial(group) or not all(torch.equal(draw(group, seed=seed), first) for seed in range(8, 24))


@every_matrix_group
def test_few_elements_reach_every_component_and_leave_none(group: MatrixGroup) -> None:
    every = components(group, group.components())
    assert len(every) == (4 if isinstance(group, FullLorentz) else 2 if isinstance(group, (O, E, GL, Aff, CO, Sim)) else 1)
    for seed in range(8):
        assert components(group, draw(group, len(every), seed)) == every
    assert components(group, draw(group, 64)) == every


@pytest.mark.parametrize("group", [group for group in MATRICES if len(group.components()) > 1], ids=str)
def test_elements_drawn_one_at_a_time_reach_every_component(group: MatrixGroup) -> None:
    """Each is missed with a probability of at most 0.75^64, one in a hundred million."""
    rng = Generator().manual_seed(0)
    assert components(group, torch.cat([group.sample(1, rng) for _ in range(64)])) == components(group, group.components())


SAMPLES = 100_000


def moments_are_haar(matrices: Tensor) -> bool:
    """Whether E[R_ij] = 0 and E[R_ij R_kl] = delta_ik delta_jl / d, which holds where R acts absolutely irreducibly.

    By Hoeffding's inequality the mean of N independent numbers in [-1, 1] is off by more than t with a probability of at
    most 2 exp(-N t^2 / 2); t is such that all of the moments together stray so far once in a billion.
    """
    n, dim, _ = matrices.shape
    flat = matrices.flatten(1)
    count = dim**2 + dim**4
    t = math.sqrt(2 * math.log(2 * count / 1e-9) / n)
    second = flat.mT @ flat / n
    expected = torch.eye(dim**2, dtype=torch.float64) / dim
    return bool((flat.mean(0).abs() <= t).all()) and bool(((second - expected).abs() <= t).all())


@pytest.mark.parametrize("group", [SO(3), O(3), SE(3), E(3), O(2), SO(5), O(5)], ids=str)
def test_rotations_are_haar_distributed(group: Group) -> None:
    assert moments_are_haar(group.linear(draw(group, SAMPLES)))


def complex_moments_are_haar(u: Tensor) -> bool:
    """Whether E[U_ij] = 0 and E[U_ij conj(U_kl)] = delta_ik delta_jl / d, which holds for U(d) and SU(d).

    E[U_ij U_kl] is 0 too, but for SU(2), whose standard rep is its own dual: there it is e_ik e_jl / 2. By Hoeffding's
    inequality for the real and the imaginary parts, as for rotations.
    """
    n, dim, _ = u.shape
    flat = u.flatten(1)
    count = 2 * (dim**2 + 2 * dim**4)
    t = math.sqrt(2 * math.log(2 * count / 1e-9) / n)
    dual = torch.zeros(dim**2, dim**2, dtype=u.dtype)
    if dim == 2 and bool((torch.linalg.det(u) - 1).abs().max() < 1e-9):
        e = torch.tensor([[0, 1], [-1, 0]], dtype=u.dtype)
        dual = torch.einsum("ik,jl->ijkl", e, e).reshape(4, 4) / 2
    gaps = [flat.mean(0), flat.mT @ flat.conj() / n - torch.eye(dim**2, dtype=u.dtype) / dim, flat.mT @ flat / n - dual]
    return all(bool((torch.view_as_real(gap.resolve_conj()).abs() <= t).all()) for gap in gaps)


@pytest.mark.parametrize("group", [U(1), U(2), U(3), SU(2), SU(3)], ids=str)
def test_unitary_matrices_are_haar_distributed(group: Group) -> None:
    assert complex_moments_are_haar(draw(group, SAMPLES))


def test_the_rotations_that_su2_covers_are_haar_distributed() -> None:
    """Second moments of the rotations are fourth moments of the quaternions."""
    assert moments_are_haar(cover(draw(SU(2), SAMPLES)))


def test_the_angles_of_planar_rotations_are_uniform() -> None:
    """Of SO(2), which is reducible over the complex numbers, all moments up to the fourth: E[exp(i k angle)] = 0."""
    for group in (SO(2), U(1), SE(2)):
        angle = group.phase(draw(group, SAMPLES))
        for k in range(1, 5):
            assert float(torch.polar(torch.ones_like(angle), k * angle).mean().abs()) <= 7 / math.sqrt(SAMPLES)


def test_the_moments_catch_complex_matrices_that_are_not_haar_distributed() -> None:
    """QR without the phases of R's diagonal; real rotations; and quaternions from uniform angles."""
    rng = Generator().manual_seed(0)
    q = torch.linalg.qr(torch.randn(SAMPLES, 2, 2, generator=rng, dtype=torch.complex128)).Q
    assert not complex_moments_are_haar(q)
    assert not complex_moments_are_haar(O(2).sample(SAMPLES, rng).to(torch.complex128))
    v = 2 * math.pi * torch.rand(3, SAMPLES, 1, generator=rng, dtype=torch.float64)
    axes = torch.eye(3, dtype=torch.float64)
    turns = [SU(2).exponential(angle * axis) for angle, axis in zip(v, axes, strict=True)]
    euler = turns[0] @ turns[1] @ turns[0].roll(1, 0)
    assert not moments_are_haar(cover(euler))


def test_the_moments_catch_what_is_not_haar_distributed() -> None:
    """QR without the sign of R's diagonal; and Euler angles, each uniform."""
    rng = Generator().manual_seed(0)
    q = torch.linalg.qr(torch.randn(SAMPLES, 3, 3, generator=rng, dtype=torch.float64)).Q
    assert not moments_are_haar(q)
    assert not moments_are_haar(_turns(2, 0, 1, rng) @ _turns(0, 1, 2, rng) @ _turns(2, 0, 1, rng))


def _turns(fixed: int, i: int, j: int, rng: Generator) -> Tensor:
    angle = 2 * math.pi * torch.rand(SAMPLES, generator=rng, dtype=torch.float64)
    turns = torch.zeros(SAMPLES, 3, 3, dtype=torch.float64)
    turns[:, fixed, fixed] = 1
    turns[:, i, i] = turns[:, j, j] = angle.cos()
    turns[:, i, j], turns[:, j, i] = -angle.sin(), angle.sin()
    return turns


@pytest.mark.parametrize("spread", [0.5, 20.0])
def test_translations_have_the_spread_that_was_asked_for(spread: float) -> None:
    group = SE(3, spread)
    steps = group.translation(draw(group, 10_000))
    # A chi-square of 30,000 degrees, standard deviation sqrt(60,000): six of them is one in a billion.
    assert abs(float((steps / spread).square().sum()) - 30_000) < 6 * math.sqrt(60_000)


# The 0.1 % points of the chi-square distribution (Abramowitz & Stegun, table 26.8), by degrees of freedom. A uniform sampler
# exceeds them once in a thousand seeds; the seed here is fixed.
CHI_SQUARE = {4: 18.467, 5: 20.515, 23: 49.728}
COUNT = 12_000


def chi_square(elements: Tensor, order: int) -> float:
    seen = Counter(map(tuple, elements.tolist()))
    expected = len(elements) / order
    return sum((n - expected) ** 2 / expected for n in seen.values()) + expected * (order - len(seen))


@pytest.mark.parametrize(
    ("group", "order"), [(Symmetric(3), 6), (Symmetric(4), 24), (Translations((5,)), 5), (Translations((4, 6)), 24)]
)
def test_elements_of_finite_groups_are_uniform(group: Group, order: int) -> None:
    assert chi_square(draw(group, COUNT), order) < CHI_SQUARE[order - 1]


def test_the_chi_square_catches_a_biased_shuffle() -> None:
    """Swapping each place with any other: 27 equally likely ways to 6 permutations."""
    swaps = torch.randint(3, (COUNT, 3), generator=Generator().manual_seed(0))
    g = torch.arange(3).repeat(COUNT, 1)
    for i in range(3):
        here, there = g[:, i : i + 1].clone(), g.gather(1, swaps[:, i : i + 1])
        g.scatter_(1, swaps[:, i : i + 1], here)
        g[:, i : i + 1] = there
    assert Symmetric(3).contains(g).all()
    assert chi_square(g, 6) > CHI_SQUARE[5]


# What a group says of itself


def _matrix(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _moved(turn: Tensor, *step: float) -> Tensor:
    g = torch.eye(len(turn) + 1, dtype=torch.float64)
    g[:-1, :-1], g[:-1, -1] = turn, torch.tensor(step, dtype=torch.float64)
    return g


def _inside(turn: Tensor) -> Tensor:
    g = torch.eye(len(turn) + 1, dtype=torch.float64)
    g[1:, 1:] = turn
    return g


QUARTER = _matrix((0, -1, 0), (1, 0, 0), (0, 0, 1))
WORDS: list[tuple[Monoid, Tensor, str]] = [
    (SO(3), QUARTER, "rotation by 90 deg about z"),
    (SO(3), QUARTER.mT, "rotation by 90 deg about -z"),
    (SO(3), QUARTER @ QUARTER, "rotation by 180 deg about z"),
    (SO(3), QUARTER.roll((1, 1), (0, 1)), "rotation by 90 deg about x"),
    (SO(3), QUARTER.roll((2, 2), (0, 1)), "rotation by 90 deg about y"),
    (SO(3), _matrix((0, 0, 1), (1, 0, 0), (0, 1, 0)), "rotation by 120 deg about (0.577, 0.577, 0.577)"),
    (O(3), -torch.eye(3, dtype=torch.float64), "inversion"),
    (O(3), _matrix((1, 0, 0), (0, -1, 0), (0, 0, 1)), "reflection along y"),
    (O(3), -QUARTER, "rotation by 90 deg about z, then inversion"),
    (SO(2), _matrix((0, -1), (1, 0)), "rotation by 90 deg"),
    (SO(2), _matrix((0, 1), (-1, 0)), "rotation by -90 deg"),
    (O(2), _matrix((1, 0), (0, -1)), "reflection along y"),
    (SO(5), SO(5).landmarks()[0], "rotation in 5 dimensions (trace 3)"),
    (O(5), O(5).landmarks()[-1], "reflection in 5 dimensions (trace 3)"),
    (E(3), _moved(torch.eye(3), 1, 0, -2.5), "translation by (+1, +0, -2.5)"),
    (E(3), _moved(QUARTER, 0, 0, 0), "rotation by 90 deg about z"),
    (E(3), _moved(QUARTER, 0, 1, 0), "rotation by 90 deg about z, then translation by (+0, +1, +0)"),
    (E(3), _moved(-torch.eye(3), 0, 0, 0), "inversion"),
    (Symmetric(5), torch.tensor([1, 0, 3, 2, 4]), "(0 1)(2 3)"),
    (Symmetric(5), torch.tensor([1, 2, 3, 4, 0]), "(0 1 2 3 4)"),
    (Symmetric(40), torch.arange(40).roll(1), "permutation of 40 that moves 40"),
    (Translations((4, 6)), torch.tensor([1, 0]), "shift (+1, 0)"),
    (Translations((4, 6)), torch.tensor([3, 5]), "shift (-1, -1)"),
    (Translations((4, 6)), torch.tensor([2, 3]), "shift (+2, +3)"),
    (O(1), -torch.eye(1, dtype=torch.float64), "reflection"),
    (T(2), _moved(torch.eye(2), 1, -2), "translation by (+1, -2)"),
    (GL(2), _matrix((1, 1), (0, 1)), "matrix [[1, 1], [0, 1]]"),
    (GL(3), QUARTER, "rotation by 90 deg about z"),
    (GL(3), 1.7 * QUARTER, "rotation by 90 deg about z, then scaling by 1.7"),
    (GL(2), _matrix((0, -2.3), (1.1, 0)), "rotation by 90 deg, then stretch by (1.1, 2.3)"),
    (GL(1), _matrix((-3.0,)), "reflection, then scaling by 3"),
    (SL(2), _matrix((2, 0), (0, 0.5)), "matrix [[2, 0], [0, 0.5]]"),
    (CO(3), 2 * QUARTER, "rotation by 90 deg about z, then scaling by 2"),
    (CO(2), 0.5 * torch.eye(2, dtype=torch.float64), "scaling by 0.5"),
    (Sim(3), _moved(3 * QUARTER, 0, 1, 0), "rotation by 90 deg about z, then scaling by 3, then translation by (+0, +1, +0)"),
    (Aff(2), _moved(_matrix((1, 1), (0, 1)), 0, 3), "matrix [[1, 1], [0, 1]], then translation by (+0, +3)"),
    (Scaling(), _matrix((0.25,)), "scaling by 0.25"),
    (PGL(3), PGL(3).landmarks()[-1], "tilt by (+0.1, +0)"),
    (U(1), _matrix((0,)) + 1j, "phase 90 deg"),
    (U(2), torch.diag(torch.tensor([1, -1j])).to(torch.complex128), "unitary matrix with phases (-90, 0) deg"),
    (SU(2), -SU(2).identity(1)[0], "spin rotation by 360 deg about z"),
    (SU(2), torch.diag(torch.tensor([1j, -1j])).to(torch.complex128), "spin rotation by 180 deg about -z"),
    (SU(2), SU(2).exponential(_matrix((0, 0, 1.5 * math.pi)))[0], "spin rotation by 270 deg about x"),
    (Lorentz(3), Lorentz(3).exponential(_matrix((0, 0.5, 0, 0, 0, 0)))[0], "boost of rapidity (+0, +0.5, +0)"),
    (Lorentz(3), _inside(QUARTER), "rotation by 90 deg about z"),
    (FullLorentz(3), torch.diag(torch.tensor([1.0, -1, -1, -1])).double(), "inversion of space"),
    (FullLorentz(3), torch.diag(torch.tensor([-1.0, 1, 1, 1])).double(), "reversal of time"),
    (FullLorentz(3), -_inside(QUARTER), "inversion of space, reversal of time, then rotation by 90 deg about z"),
    (Poincare(3), _moved(_inside(QUARTER), 1, 0, 0, 0), "rotation by 90 deg about z, then translation by (+1, +0, +0, +0)"),
    (Galilei(1), _moved(_matrix((1, 0), (2, 1)), 0, 1), "change of velocity by (+2), then translation by (+0, +1)"),
    (PAIR, PAIR.join([_moved(QUARTER, 0, 0, 0)[None], torch.tensor([[1, 0, 2, 3]])])[0], "rotation by 90 deg about z, (0 1)"),
    (PAIR, PAIR.embed(1, torch.tensor([[1, 0, 2, 3]]))[0], "(0 1)"),
]


@pytest.mark.parametrize(("group", "g", "words"), WORDS, ids=[f"{group}: {words}" for group, _, words in WORDS])
def test_elements_are_told_in_words(group: Monoid, g: Tensor, words: str) -> None:
    assert group.contains(g.unsqueeze(0)).all()
    assert group.describe(g) == words


@every_monoid
def test_the_identity_is_told_as_such_and_nothing_else_is(group: Monoid) -> None:
    assert group.describe(group.identity(1)[0]) == "identity"
    for g in [*draw(group), *group.landmarks()]:
        words = group.describe(g)
        assert (words == "identity") == torch.equal(g, group.identity(1)[0])
        assert "nan" not in words
        assert "\n" not in words


NAMED = [group for group in EXAMPLES if not isinstance(group, Exponential)]


@pytest.mark.parametrize("group", [*NAMED, Symmetric(), Translations((None, None)), Translations((8, 8))], ids=str)
def test_a_group_is_found_by_its_name(group: Monoid) -> None:
    assert from_string(str(group)) == group


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("SE(3, spread=20)", SE(3, 20.0)),
        ("E(2, spread=0.25)", E(2, 0.25)),
        ("Aff(2, spread=2, stretch=0.1)", Aff(2, 2.0, 0.1)),
        ("Sim(3, stretch=0.1)", Sim(3, stretch=0.1)),
        ("R+(stretch=2)", Scaling(2.0)),
        ("PGL(3, tilt=0.01)", PGL(3, tilt=0.01)),
        ("SO+(1,3, rapidity=3)", Lorentz(3, 3.0)),
        ("O(1, 3)", FullLorentz(3)),
        ("Lorentz", Lorentz(3)),
        ("Poincare", Poincare(3)),
        ("Poincaré", Poincare(3)),
        ("Poincare(1,2, spread=3)", Poincare(2, 3.0)),
        ("Galilei", Galilei(3)),
        ("Galilei(2, speed=0.1)", Galilei(2, speed=0.1)),
        ("SE(3) x S_n", Product((SE(3), Symmetric()))),
        ("SE(3) \u00d7 S_n", Product((SE(3), Symmetric()))),
        ("SE(3)\u00d7S_n", Product((SE(3), Symmetric()))),
        ("Z_8 x Z_6", Translations((8, 6))),
        ("Z_8 x Z_6 x SO(2)", Product((Translations((8, 6)), SO(2)))),
        ("SO(2)  x  Z_N^2 x U(1)", Product((SO(2), Translations((None, None)), U(1)))),
    ],
)
def test_names_may_tell_more(name: str, group: Monoid) -> None:
    assert from_string(name) == group
    assert from_string(str(group)) == group


@pytest.mark.parametrize("name", [name for kind in CATALOGUE for name in kind.notation])
def test_the_notations_that_errors_offer_are_names(name: str) -> None:
    assert str(from_string(f" {name} ")) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SO3", "there is no group 'SO3'; did you mean 'SO(3)'?"),
        ("s_n", "there is no group 's_n'; did you mean 'S_n'"),
        ("gyroscope", "there is no group 'gyroscope'; known: "),
        ("SO(3) x S_m", "there is no group 'S_m' in 'SO(3) x S_m'; did you mean 'S_n' or "),
        ("SO3 x S_n", "there is no group 'SO3' in 'SO3 x S_n'; did you mean 'SO(3)'"),
        ("SE(3) x ", "there is no group 'SE(3) x '; did you mean "),
        ("SE(3, spred=2)", "can't read 'spred=2' in 'SE(3, spred=2)'; did you mean 'spread'?"),
        ("SO(3, spread=2)", "can't read 'spread=2' in 'SO(3, spread=2)'; it takes no widths."),
        ("SE(3, spread=two)", "can't read 'spread=two' in 'SE(3, spread=two)'. Give a number, as in 'spread=2'."),
        ("SE(3, spread=0)", "SE(3): spread is 0.0. Give a positive number, as in spread=1."),
        ("R+(stretch=nan)", "R+: stretch is nan. Give a positive number, as in stretch=1."),
        ("PGL(4)", "PGL(4): in even dimensions no matrix stands for each map, g and -g being one. Use SL(4), or PGL(5)."),
        ("SO(1)", "SO(1) has no elements to test. Use a dimension of 2 or more."),
        ("O(0)", "O(0) has no elements to test. Use a dimension of 1 or more."),
        ("SU(1)", "SU(1) has no elements to test. Use a dimension of 2 or more."),
        ("S_0", "S_0 permutes nothing. Use a size of 1 or more, or 'S_n'."),
        ("Z_0", "Translations((0,)) shifts nothing. Give one size of 1 or more for each axis."),
        ("Z_8^0", "Translations(()) shifts nothing. Give one size of 1 or more for each axis."),
    ],
)
def test_names_of_no_group_are_refused(name: str, text: str) -> None:
    with pytest.raises(GroupError) as caught:
        from_string(name)
    assert str(caught.value).startswith(text)


# Sizes


@pytest.mark.parametrize(
    ("group", "sizes", "bound"),
    [
        (Symmetric(), {"points": 4}, Symmetric(4)),
        (Symmetric(4), {"points": 4}, Symmetric(4)),
        (Symmetric(4), {}, Symmetric(4)),
        (Symmetric(of="edges"), {"points": 4, "edges": 6}, Symmetric(6, "edges")),
        (Translations((None, None)), {"grid0": 4, "grid1": 6}, Translations((4, 6))),
        (Translations((4, None)), {"grid1": 6}, Translations((4, 6))),
        (SO(3), {"points": 4}, SO(3)),
    ],
)
def test_a_group_takes_its_sizes(group: Group, sizes: Mapping[str, int], bound: Group) -> None:
    assert group.bind(sizes) == bound


@every_monoid
def test_a_bound_group_needs_no_sizes(group: Monoid) -> None:
    assert group.bind({}) == group


SIZE_ERRORS: list[tuple[Group, dict[str, int], str]] = [
    (
        Symmetric(),
        {},
        "S_n needs the number of points that it permutes, and no rep says it. Give an input the rep Permute(axis=-2), or name "
        "the size, as in 'S_5'.",
    ),
    (Symmetric(), {"points": 0}, "S_n permutes an empty set. Use an example with at least one of its points."),
    (Symmetric(5), {"points": 4}, "S_5 permutes 5 points; the tensors have 4. Use 'S_n' or 'S_4'."),
    (Symmetric(5, "edges"), {"edges": 4}, "S_5 of edges permutes 5 edges; the tensors have 4. Use 'S_n' or 'S_4'."),
    (
        Translations((None, None)),
        {"grid0": 4},
        "Z_N^2 needs the number of samples along each of its 2 axes, and no rep says them. Give an input the rep "
        "Roll(axes=...), or name the size, as in 'Z_8^2'.",
    ),
    (
        Translations((None,)),
        {"grid0": 0},
        "Z_N shifts an empty grid. Use an example with at least one sample along each axis.",
    ),
    (
        Translations((8, 8)),
        {"grid0": 8, "grid1": 6},
        "Z_8^2 shifts a grid of (8, 8); the tensors have (8, 6). Use the size 'N' to follow them.",
    ),
]


@pytest.mark.parametrize(("group", "sizes", "text"), SIZE_ERRORS)
def test_sizes_that_do_not_fit_are_refused(group: Group, sizes: Mapping[str, int], text: str) -> None:
    with pytest.raises(GroupError) as caught:
        group.bind(sizes)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SO("3"), "SO: dim is '3'. Give a whole number below 2^31."),
        (lambda: SO(3.0), "SO: dim is 3.0. Give a whole number below 2^31."),
        (lambda: SE(3, spread="x"), "SE: spread is 'x'. Give a number."),
        (lambda: Symmetric("5"), "Symmetric: size is '5'. Give a whole number below 2^31."),
        (lambda: Translations(8), "Translations: size is 8. Give whole numbers below 2^31 in brackets, as in (8, 8)."),
        (lambda: PlaneGroup("p5"), "there is no plane group 'p5' of a grid; known: 'p2', 'p4', 'p4m', 'pm', 'pmm'."),
        (lambda: Polyhedral("cube"), "there is no polyhedral group 'cube'; known: 'Icosahedral', 'Octahedral', 'Tetrahedral'."),
        (lambda: Product((SO(3), "S_n")), "Product: 'S_n' is no group. Give objects of symcheck.groups, such as SO(3)."),
        (lambda: from_string(f"C_{10**20}"), f"Cyclic: fold is {10**20}. Give a whole number below 2^31."),
        (
            lambda: from_string("SO(" + "9" * 5000 + ")"),
            f"the name 'SO({'9' * 37}'... has a number of more than 40 digits. Give a smaller one.",
        ),
    ],
)
def test_sizes_that_are_no_numbers_are_refused(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(GroupError) as caught:
        make()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (Symmetric(), "S_n isn't bound to a size yet. Use bind({'points': 5}), or Symmetric(5)."),
        (Translations((None, None)), "Z_N^2 isn't bound to a size yet. Use Translations((8, 8))."),
    ],
    ids=str,
)
@pytest.mark.parametrize("use", [draw, lambda group: group.landmarks()], ids=["sample", "landmarks"])
def test_an_unbound_group_says_so(group: Group, text: str, use: Callable[[Group], Any]) -> None:
    with pytest.raises(GroupError) as caught:
        use(group)
    assert str(caught.value) == text


# Parts


def _has(group: Monoid, part: str) -> bool:
    try:
        getattr(group, part)(group.identity(1))
    except GroupError:
        return False
    return True


def parts_compose(group: Monoid, g: Tensor, h: Tensor) -> dict[str, bool]:
    """For each part that a group has, whether the part of a product is the product of the parts: first h, then g."""
    both, found = group.compose(g, h), {}
    of = {part: [getattr(group, part)(x) for x in (g, h, both)] for part in PARTS if _has(group, part)}
    for part, (outer, inner, product) in of.items():
        if part == "linear":
            found[part] = same(product, outer @ inner, outer, inner)
        elif part == "translation":
            turn = group.linear(g)
            found[part] = same(product, (turn @ inner.unsqueeze(-1)).squeeze(-1) + outer, turn, turn, inner, outer)
        elif part == "permutation":
            found[part] = torch.equal(product, outer.gather(-1, inner))
        elif part == "warp":
            found[part] = torch.equal(product, inner.gather(-1, outer))
        elif part == "shift" and not product.is_floating_point():
            turned = (group.linear(g).long() @ inner.unsqueeze(-1)).squeeze(-1) if isinstance(group, PlaneGroup) else inner
            found[part] = torch.equal(product, (outer + turned) % torch.tensor(group.grid))
        elif part == "shift":
            found[part] = modulo(product, outer + inner, torch.tensor(group.grid), outer, inner)
        elif part in ("phase", "gauge"):
            found[part] = modulo(product, outer + inner, 2 * math.pi)
        elif part == "delay":
            found[part] = torch.equal(product, outer + inner)
        elif part in ("scale", "slopes"):
            found[part] = same(product, outer * inner, outer, inner)
    return found


@every_monoid
def test_parts_compose_as_the_elements_do(group: Monoid) -> None:
    found = parts_compose(group, draw(group, seed=1), draw(group, seed=2))
    assert all(found.values()), found
    assert set(found) == {part for part in PARTS if _has(group, part)}


class _Backwards(SE):
    def linear(self, g: Tensor) -> Tensor:
        return super().linear(g).mT

    def phase(self, g: Tensor) -> Tensor:
        return 2 * super().phase(g) + 1


class _Diameter(Scaling):
    def scale(self, g: Tensor) -> Tensor:
        return 2 * super().scale(g)


class _Reversed(Symmetric):
    def permutation(self, g: Tensor, of: str = "points") -> Tensor:
        return self.inverse(super().permutation(g, of))


@pytest.mark.parametrize(
    ("group", "broken"),
    [
        (_Backwards(2), {"translation", "phase"}),
        (_Backwards(3), {"linear", "translation"}),
        (_Diameter(), {"scale"}),
        (_Reversed(4), {"permutation"}),
    ],
    ids=lambda value: " and ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_part_that_is_no_homomorphism_is_caught(group: Group, broken: set[str]) -> None:
    found = parts_compose(group, draw(group, seed=1), draw(group, seed=2))
    assert {part for part, holds in found.items() if not holds} == broken


@every_monoid
def test_every_group_has_a_part_by_which_reps_can_act(group: Monoid) -> None:
    assert any(_has(group, part) for part in PARTS)


@pytest.mark.parametrize(
    ("group", "part", "text"),
    [
        (Symmetric(3), "linear", "S_3 has no linear part. Use a matrix group, such as 'SO(3)', or another rep."),
        (
            Symmetric(3),
            "translation",
            "S_3 has no translations. Use a group that moves points, such as 'E(3)', or another rep.",
        ),
        (SO(3), "permutation", "SO(3) has no permutations of points. Use a permutation group, such as 'S_n', or another rep."),
        (E(2), "shift", "E(2) has no cyclic shifts. Use a group of grid translations, such as 'Z_N^2', or another rep."),
        (Translations((5,)), "linear", "Z_5 has no linear part. Use a matrix group, such as 'SO(3)', or another rep."),
    ],
)
def test_a_part_that_a_group_lacks_is_named(group: Group, part: str, text: str) -> None:
    with pytest.raises(GroupError) as caught:
        getattr(group, part)(group.identity(1))
    assert str(caught.value) == text


def test_a_group_without_shifts_has_no_grid() -> None:
    with pytest.raises(GroupError, match=r"^SO\(3\) has no cyclic shifts\. Use a group of grid translations, such as 'Z_N\^2'"):
        _ = SO(3).grid


# Simplification


@every_monoid
def test_only_the_identity_is_of_no_complexity(group: Monoid) -> None:
    assert group.complexity(group.identity(3)).tolist() == [0, 0, 0]
    for g in (draw(group), group.landmarks()):
        other = (g != group.identity(len(g))).flatten(1).any(-1)
        assert group.complexity(g).dtype == torch.float64
        assert bool((group.complexity(g)[other] > 0).all())


def descends(group: Monoid, g: Tensor) -> bool:
    """Whether each candidate for one element is an element of less complexity, the simplest first, each once."""
    found = group.simpler(g)
    measure = group.complexity(found)
    return (
        found.shape[1:] == group.element
        and bool(group.contains(found).all())
        and bool((measure < group.complexity(g.unsqueeze(0))).all())
    )


@every_monoid
def test_candidates_are_simpler_elements(group: Monoid) -> None:
    assert len(group.simpler(group.identity(1)[0])) == 0
    for g in [*draw(group, 8), *group.landmarks()]:
        assert descends(group, g)


@every_monoid
def test_every_element_has_the_identity_for_a_candidate(group: Monoid) -> None:
    for g in [*draw(group, 8), *group.landmarks()]:
        if bool(group.complexity(g.unsqueeze(0)) > 0):
            assert (group.simpler(g) == group.identity(1)).flatten(1).all(-1).any()


@every_matrix_group
def test_candidates_are_in_order_and_each_comes_once(group: MatrixGroup) -> None:
    for g in draw(group, 4):
        found = group.simpler(g)
        measure = group.complexity(found)
        assert bool((measure.diff() >= 0).all())
        assert len(set(map(str, (found + 0).tolist()))) == len(found)


class _Doubling(Scaling):
    def simpler(self, g: Tensor) -> Tensor:
        return 1 + (g - 1).unsqueeze(0) / 2


def test_candidates_that_go_on_for_ever_are_caught() -> None:
    group = _Doubling()
    assert not descends(group, draw(group, 1)[0])


def shrunk(group: Monoid, g: Tensor, fails: Callable[[Tensor], Tensor]) -> str:
    """The words for what is left when an element is made simpler as long as it still fails."""
    while True:
        found = group.simpler(g)
        failing = found[fails(found)]
        if not len(failing):
            return group.describe(g)
        g = failing[0]


def _not(part: str, group: Monoid) -> Callable[[Tensor], Tensor]:
    one = getattr(group, part)(group.identity(1))
    return lambda g: ((getattr(group, part)(g) - one).abs() > 1e-6).flatten(1).any(-1)


def _turns_z(g: Tensor) -> Tensor:
    return (g[:, 2, 2] - 1).abs() > 1e-6


def _mirrors(g: Tensor) -> Tensor:
    return torch.linalg.det(g) < 0


SHRUNK: list[tuple[Monoid, Callable[[Tensor], Tensor], str]] = [
    (SO(2), _not("linear", SO(2)), r"rotation by -?(90|180) deg"),
    (SO(3), _not("linear", SO(3)), r"rotation by (90|180) deg about -?[xyz]"),
    (SO(3), _turns_z, r"rotation by (90|180) deg about -?[xy]"),
    (SO(3), lambda g: (g - g.round()).flatten(1).abs().amax(-1) > 0.2, r"rotation by \d+ deg about -?[xyz]"),
    (SO(5), _not("linear", SO(5)), r"rotation in 5 dimensions \(trace [13]\)"),
    (O(3), _mirrors, r"reflection along [xyz]"),
    (E(3), _mirrors, r"reflection along [xyz]"),
    (E(3), _not("translation", E(3)), r"translation by \((\+0, )*[+-]1(, \+0)*\)"),
    (E(3), _not("linear", E(3)), r"reflection along [xyz]|rotation by (90|180) deg about -?[xyz]"),
    (
        SE(3),
        lambda g: (g[:, 0, 3].abs() > 1e-6) & _turns_z(g),
        r"rotation by \d+ deg about -?[xy], then translation by \([+-]1.*",
    ),
    (SE(3, 20.0), _not("translation", SE(3)), r"translation by \((\+0, )*[+-]20(, \+0)*\)"),
    (GL(3), _mirrors, r"(reflection along [xyz]|matrix .*)"),
    (
        GL(2),
        lambda g: (torch.linalg.det(g).abs() - 1).abs() > 0.1,
        r"stretch by \((0\.5, 1|1, 2|0.5, 0.5|2, 2)\)|matrix \[\[.*",
    ),
    (Sim(3), lambda g: (torch.linalg.det(g) - 1).abs() > 0.01, r"scaling by (2|0\.5)|reflection along [xyz]"),
    (U(1), lambda g: (g[:, 0, 0] - 1).abs() > 1e-6, r"phase 90 deg"),
    (U(2), lambda g: (torch.linalg.det(g) - 1).abs() > 1e-6, r"unitary matrix with phases \((0, 90|90, 0|90, 90)\) deg"),
    (
        SU(2),
        lambda g: (g - SU(2).identity(1)).flatten(1).abs().amax(-1) > 1e-6,
        r"spin rotation by (90|180|360) deg about -?[xyz]",
    ),
    (Lorentz(3), lambda g: g[:, 0, 0] > 1.01, r"boost of rapidity \((\+0, )*[+-]0\.5(, \+0)*\)"),
    (Lorentz(3), lambda g: (g - g.mT).flatten(1).abs().amax(-1) > 0.1, r"rotation by 90 deg about -?[xyz]"),
    (FullLorentz(3), lambda g: g[:, 0, 0] < 0, r"reversal of time"),
    (Poincare(3), _not("translation", Poincare(3)), r"translation by \((\+0, )*[+-]1(, \+0)*\)"),
    (Galilei(3), lambda g: g[:, 2, 0].abs() > 1e-6, r"change of velocity by \((\+0, )*[+-]1(, \+0)*\)"),
    (PGL(3), lambda g: g[:, 2, 0].abs() > 1e-6, r"tilt by \([+-]0\.1, \+0\)"),
    (PAIR, _not("permutation", PAIR), r"\(\d \d\)"),
    (PAIR, _not("translation", PAIR), r"translation by \((\+0, )*[+-]1(, \+0)*\)"),
    (
        PAIR,
        lambda g: _not("permutation", PAIR)(g) & _not("linear", PAIR)(g),
        r"rotation by (90|180) deg about -?[xyz], \(\d \d\)",
    ),
]


@pytest.mark.parametrize(("group", "fails", "words"), SHRUNK, ids=[f"{group}: {words}" for group, _, words in SHRUNK])
def test_a_counterexample_shrinks_to_what_it_takes(group: Monoid, fails: Callable[[Tensor], Tensor], words: str) -> None:
    tried = [g for g in draw(group, 12, seed=5) if bool(fails(g.unsqueeze(0)))]
    assert len(tried) >= 3
    for g in tried:
        assert re.fullmatch(words, shrunk(group, g, fails))


def test_a_general_motion_has_each_of_its_parts_for_a_candidate() -> None:
    """Translations, quarter turns, mirrors, rounded ones: whatever is at fault, something simple shows it."""
    group = E(3)
    turned = _moved(
        torch.linalg.qr(torch.randn(3, 3, generator=Generator().manual_seed(1), dtype=torch.float64)).Q, 1.3, -2.6, 0.4
    )
    found = group.simpler(turned)
    words = {group.describe(g) for g in found}
    assert {"translation by (-1, +0, +0)", "translation by (+1, -3, +0)", "translation by (+1.3, -2.6, +0.4)"} - words == {
        "translation by (-1, +0, +0)"  # a step goes the way that the element does
    }
    assert {f"rotation by 90 deg about {axis}" for axis in ("x", "y", "z", "-x", "-y", "-z")} <= words
    assert {f"reflection along {axis}" for axis in "xyz"} <= words
    assert any(word.endswith("translation by (+1, -3, +0)") and "rotation" in word for word in words)
    assert any(torch.equal(g[:3, :3], turned[:3, :3]) and not g[:3, 3].any() for g in found)


# The Lie algebra


def closed(basis: Tensor) -> bool:
    """Whether the commutators of a basis lie in its span, and the basis is independent.

    The entries of a commutator are sums of 2d products, and the least-squares fit is good to the condition of the basis.
    """
    flat = basis.flatten(1)
    products = torch.einsum("aij,bjk->abik", basis, basis)
    commutators = (products - products.transpose(0, 1)).flatten(0, 1).flatten(1)
    values = torch.linalg.svdvals(flat)
    span = torch.linalg.pinv(flat) @ flat
    bound = 64 * basis.shape[-1] * EPS * float(values[0] / values[-1]) * float(basis.abs().max()) ** 2
    return bool(values[-1] > 0.1 * values[0]) and bool(((commutators @ span - commutators).abs() <= bound).all())


@every_lie_group
def test_the_algebra_is_closed_under_commutators(group: Group) -> None:
    assert len(group.algebra()) == group.dimension
    assert closed(group.algebra())


def test_what_is_no_algebra_is_caught() -> None:
    assert not closed(SO(3).algebra()[:2])
    assert not closed(SO(3).algebra()[[0, 1, 2, 0]])


@every_lie_group
def test_exponentials_are_elements_and_one_parameter_groups(group: Group) -> None:
    v = torch.randn(64, group.dimension, generator=Generator().manual_seed(0), dtype=torch.float64) / 2
    g, back, twice = (group.exponential(t * v) for t in (1, -1, 2))
    assert bool(group.contains(g).all())
    assert g.dtype == group.identity(1).dtype
    assert equal(group, group.exponential(0 * v), group.identity(64))
    assert equal(group, group.compose(g, g), twice, g, g)
    assert equal(group, group.compose(g, back), group.identity(64), g, back)


@pytest.mark.parametrize("group", [group for group in MATRICES if group.dimension], ids=str)
def test_the_algebra_is_the_velocity_of_the_exponential(group: MatrixGroup) -> None:
    """Central differences, whose error is of the order step^2 and eps / step: 1e-10 and 2e-11 at 1e-5."""
    step = 1e-5 * torch.eye(group.dimension, dtype=torch.float64)
    velocity = (group.exponential(step) - group.exponential(-step)) / 2e-5
    assert float((velocity - group.algebra()).abs().max()) < 1e-9


DIMENSIONS = [
    ("SO(3)", 3), ("SO(5)", 10), ("O(1)", 0), ("E(3)", 6), ("T(3)", 3), ("GL(3)", 9), ("SL(3)", 8), ("Aff(3)", 12),
    ("CO(3)", 4), ("Sim(3)", 7), ("R+", 1), ("PGL(3)", 8), ("U(1)", 1), ("U(3)", 9), ("SU(2)", 3), ("SU(3)", 8),
    ("SO+(1,3)", 6), ("O(1,3)", 6), ("Poincare(1,3)", 10), ("Galilei(3)", 10), ("SE(3) x U(2) x S_3", 10),
]  # fmt: skip


@pytest.mark.parametrize(("name", "dimension"), DIMENSIONS)
def test_groups_have_their_dimensions(name: str, dimension: int) -> None:
    group = from_string(name)
    assert isinstance(group, Group)
    assert group.dimension == dimension


# Subgroups


def homomorphic(f: Homomorphism, g: Tensor, h: Tensor) -> bool:
    return equal(f.target, f(f.source.compose(g, h)), f.target.compose(f(g), f(h)), f(g), f(h))


@every_inclusion
def test_subgroups_are_included_by_homomorphisms(inclusion: Homomorphism) -> None:
    source = inclusion.source
    for g, h in ((draw(source, seed=1), draw(source, seed=2)), (source.landmarks(), source.landmarks().flip(0))):
        assert bool(inclusion.target.contains(inclusion(g)).all())
        assert inclusion(g).dtype == inclusion.target.identity(1).dtype
        assert homomorphic(inclusion, g, h)
    assert equal(inclusion.target, inclusion(source.identity(2)), inclusion.target.identity(2))


@every_inclusion
def test_subgroups_are_included_without_loss(inclusion: Homomorphism) -> None:
    """Different elements go to different elements: those further apart than rounding stay so."""
    g = torch.cat([draw(inclusion.source, 64), inclusion.source.landmarks(), inclusion.source.identity(1)])
    image = inclusion(g)
    apart = (g.unsqueeze(0) - g.unsqueeze(1)).abs().flatten(2).amax(-1)
    images = (image.unsqueeze(0) - image.unsqueeze(1)).abs().flatten(2).amax(-1)
    assert bool((images[apart > 1e-3] > 1e-6).all())


@pytest.mark.parametrize("inclusion", [f for f in INCLUSIONS if f.contains is not None], ids=lambda f: f"{f} in {f.target}")
def test_what_a_subgroup_says_is_in_it_is(inclusion: Homomorphism) -> None:
    assert inclusion.contains is not None
    assert isinstance(inclusion.target, Group)
    image = set(map(tuple, inclusion(inclusion.source.elements()).tolist()))
    every = inclusion.target.elements()
    assert inclusion.contains(every).tolist() == [tuple(g) in image for g in every.tolist()]


def test_maps_that_are_no_inclusions_are_caught() -> None:
    doubled = Homomorphism(SO(3), SO(3), lambda g: g @ g)
    assert not homomorphic(doubled, draw(SO(3), seed=1), draw(SO(3), seed=2))
    twisted = Homomorphism(E(3), SO(3), lambda g: E(3).linear(g))
    assert not bool(twisted.target.contains(twisted(draw(E(3)))).all())


@pytest.mark.parametrize("group", MATRICES, ids=str)
def test_subgroups_come_largest_first(group: MatrixGroup) -> None:
    sizes = [inclusion.source.dimension for inclusion in group.subgroups() if isinstance(inclusion.source, Group)]
    assert sizes == sorted(sizes, reverse=True)


SUBGROUPS = {
    "SO(3)": ["O(2) about z", "SO(2) about z", "Icosahedral", "Octahedral", "Tetrahedral"],
    "SO(2)": ["C_8", "C_6", "C_4", "C_3", "C_2"],
    "O(3)": ["SO(3)", "O(2) about z", "SO(2) about z", "I_h", "O_h", "T_h", "Octahedral"],
    "SE(3)": ["SO(3)", "T(3)", "SO(2) about z"],
    "E(3)": ["SE(3)", "O(3)", "SO(3)", "T(3)", "SO(2) about z"],
    "GL(3)": ["SL(3)", "CO(3)", "O(3)", "SO(3)"],
    "Sim(3)": ["E(3)", "SE(3)", "CO(3)", "O(3)", "SO(3)", "T(3)", "SO(2) about z", "R+"],
    "Aff(2)": ["GL(2)", "Sim(2)", "E(2)", "SE(2)", "T(2)"],
    "U(2)": ["SU(2)", "O(2)", "SO(2)", "U(1)"],
    "SU(2)": ["SO(2)", "U(1)"],
    "SU(3)": ["SU(2)", "SO(3)", "U(1)"],
    "SO+(1,3)": ["SO(3)", "SO+(1,2)", "SO(2) about z", "boosts along x"],
    "O(1,3)": ["SO+(1,3)", "O(3)", "SO(3)", "SO(2) about z"],
    "Poincare(1,3)": ["SO+(1,3)", "SE(3)", "translations of space and time", "SO(3)", "SO(2) about z"],
}


@pytest.mark.parametrize(("name", "words"), SUBGROUPS.items())
def test_groups_name_their_subgroups(name: str, words: list[str]) -> None:
    assert [str(inclusion) for inclusion in from_string(name).subgroups()] == words
