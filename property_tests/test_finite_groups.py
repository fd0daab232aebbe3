"""Finite groups, semidirect products and the torus, exactly; and the reps that finite and planar groups have."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor, nn

import symcheck
from symcheck import Verdict
from symcheck.errors import ClaimError, GroupError
from symcheck.groups import (
    SO,
    Cyclic,
    Dihedral,
    E,
    Group,
    Homomorphism,
    Monoid,
    O,
    PeriodicShifts,
    PlaneGroup,
    Polyhedral,
    SemidirectProduct,
    SignedPermutations,
    SignFlips,
    Symmetric,
    Translations,
    from_string,
)
from symcheck.groups.base import LISTED
from symcheck.groups.cyclic import turns
from symcheck.groups.symmetric import CANDIDATES, transpositions
from symcheck.reps import Phase, PlanarIrreps, Regular, Sign, Vector, as_rep
from symcheck.reps.finite import parity, places

EPS = float(torch.finfo(torch.float64).eps)
KINDS = (Cyclic, Dihedral, SignFlips, SignedPermutations, Polyhedral, SemidirectProduct, PlaneGroup)
FINITE: list[Group] = [group for kind in KINDS for group in kind.examples()]  # type: ignore[attr-defined]
FINITE += [Symmetric(4), Translations((4, 3)), Cyclic(7), Dihedral(3), SignFlips(1), SignedPermutations(1)]
LINEAR = [group for group in FINITE if not isinstance(group, (SemidirectProduct, Symmetric, Translations))]

every_finite = pytest.mark.parametrize("group", FINITE, ids=str)
every_linear = pytest.mark.parametrize("group", LINEAR, ids=str)


def draw(group: Monoid, n: int = 64, seed: int = 0) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


def pairs(g: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of elements."""
    return g.repeat_interleave(len(g), 0), g.repeat(len(g), *[1] * (g.ndim - 1))


def some(group: Monoid, most: int = 48) -> Tensor:
    """All elements of a small group, and many of a larger one."""
    g = group.elements()
    return g if len(g) <= most else draw(group, most)


# The laws of a group, exactly


def associative(group: Group, g: Tensor) -> bool:
    left, right = pairs(g)
    both = group.compose(left, right)
    return all(
        torch.equal(group.compose(k.expand_as(left), both), group.compose(group.compose(k.expand_as(left), left), right))
        for k in g
    )


def has_inverses(group: Group, g: Tensor) -> bool:
    one, back = group.identity(len(g)), group.inverse(g)
    keeps = torch.equal(group.compose(g, one), g) and torch.equal(group.compose(one, g), g)
    return keeps and torch.equal(group.compose(g, back), one) and torch.equal(group.compose(back, g), one)


@every_finite
def test_the_laws_hold_exactly(group: Group) -> None:
    assert associative(group, some(group, 24))
    assert has_inverses(group, group.elements())


@every_finite
def test_the_table_of_products_is_a_latin_square(group: Group) -> None:
    """Each element stands once in each row and once in each column; and the products are elements."""
    g = some(group)
    table = places(group, g)
    assert table.shape == (len(g), group.order)
    assert torch.equal(table.sort(-1).values, torch.arange(group.order).expand_as(table))
    if len(g) == group.order:
        assert torch.equal(table.sort(0).values, torch.arange(group.order).unsqueeze(-1).expand_as(table))


class _NeverReversed(Dihedral):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + h) % torch.tensor([self.fold, 2])


class _SignsOfTheOther(SignedPermutations):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        good = super().compose(g, h)
        good[:, 1] = (g[:, 1] + h[:, 1]) % 2
        return good


class _Unturned(PlaneGroup):
    def inverse(self, g: Tensor) -> Tensor:
        shift, turn = self.unpack(g)
        return self.pack(self.normal.inverse(shift), self.acting.inverse(turn))


def test_the_laws_catch_what_is_no_group() -> None:
    signs = _SignsOfTheOther(3)
    assert not associative(signs, some(signs, 24)) or not has_inverses(signs, signs.elements())
    assert not has_inverses(_Unturned("p4", (5, 5)), PlaneGroup("p4", (5, 5)).elements())


def test_a_product_that_forgets_the_mirrors_is_another_group() -> None:
    """Without s r s = r^-1 the laws hold, but elements don't multiply as their matrices do."""
    wrong = _NeverReversed(5)
    assert associative(wrong, wrong.elements())
    assert not multiplies(wrong, wrong.elements())
    assert multiplies(Dihedral(5), wrong.elements())


@pytest.mark.parametrize("action", [lambda h, a: a * 3**h % 7, lambda h, a: (a + h) % 7], ids=["no action of C_3", "no map"])
def test_an_action_that_is_none_makes_no_group(action: Any) -> None:
    """3 has order 6 modulo 7, not 3; and a translation isn't an automorphism."""
    wrong = SemidirectProduct(Cyclic(7), Cyclic(3), action)
    assert not (associative(wrong, wrong.elements()) and has_inverses(wrong, wrong.elements()))


# Elements


@every_finite
def test_elements_are_listed_each_once_and_the_identity_first(group: Group) -> None:
    g = group.elements()
    assert g.shape == (group.order, *group.element)
    assert g.dtype == torch.int64
    assert len(torch.unique(g, dim=0)) == group.order
    assert torch.equal(g[:1], group.identity(1))
    group.check(g)


@every_finite
def test_generators_reach_all_elements(group: Group) -> None:
    """By the closure that serves groups which don't list their elements in another way."""
    reached = Group.elements(group)
    assert torch.equal(reached[:1], group.identity(1))
    assert torch.equal(torch.unique(reached, dim=0), torch.unique(group.elements(), dim=0))


class _TooFew(Symmetric):
    def generators(self) -> Tensor:
        return super().generators()[:1]


def test_generators_that_reach_too_few_are_named() -> None:
    with pytest.raises(GroupError) as caught:
        Group.elements(_TooFew(3))
    assert str(caught.value) == "S_3 has 6 elements; its generators reach 2. Mend `generators` or `order`."


@pytest.mark.parametrize(
    ("group", "order"),
    [
        (Symmetric(8), "40,320"),
        (Translations((101, 100)), "10,100"),
        (Cyclic(LISTED + 1), "10,001"),
        (Dihedral(5001), "10,002"),
        (SignFlips(14), "16,384"),
        (SignedPermutations(6), "46,080"),
        (PlaneGroup("p4m", (36, 36)), "10,368"),
        (Symmetric(2000), "far more"),  # 5,736 digits, which Python doesn't write
    ],
    ids=str,
)
def test_too_many_elements_are_not_listed(group: Group, order: str) -> None:
    with pytest.raises(GroupError) as caught:
        group.elements()
    assert str(caught.value) == f"{group} has {order} elements; up to 10,000 can be listed. Draw some with `sample`."


@pytest.mark.parametrize(
    ("group", "order"), [(Cyclic(LISTED), LISTED), (Symmetric(7), 5040), (SignedPermutations(5), 3840), (SignFlips(13), 8192)]
)
def test_up_to_the_limit_they_are(group: Group, order: int) -> None:
    assert len(group.elements()) == group.order == order


def test_infinitely_many_elements_are_not_listed() -> None:
    for group in (SO(3), PeriodicShifts((4,))):
        with pytest.raises(GroupError, match="infinitely many elements"):
            group.elements()


NO_ELEMENTS: list[tuple[Group, Any]] = [
    (Cyclic(4), [4]),
    (Cyclic(4), [-1]),
    (Dihedral(3), [3, 0]),
    (Dihedral(3), [0, 2]),
    (SignFlips(2), [0, 2]),
    (SignedPermutations(2), [[0, 0], [0, 0]]),
    (SignedPermutations(2), [[0, 1], [0, 2]]),
    (SignedPermutations(2), [[1, 2], [0, 0]]),
    (Polyhedral("Octahedral"), [24]),
    (Polyhedral("Octahedral", inversion=True), [48]),
    (PlaneGroup("p4", (5, 5)), [5, 0, 0]),
    (PlaneGroup("p4", (5, 5)), [0, 0, 4]),
    (PlaneGroup("p4m", (5, 5)), [0, 0, 0, 2]),
]


@pytest.mark.parametrize(("group", "g"), NO_ELEMENTS, ids=[f"{group}: {g}" for group, g in NO_ELEMENTS])
def test_what_is_out_of_range_is_no_element(group: Group, g: Any) -> None:
    both = torch.cat([group.identity(1), torch.tensor(g).unsqueeze(0)])
    assert group.contains(both).tolist() == [True, False]
    with pytest.raises(GroupError) as caught:
        group.check(both)
    assert str(caught.value).startswith(f"element 1 of 2 isn't in {group}: it is {g}.")


@every_finite
def test_fractions_and_nan_are_no_elements(group: Group) -> None:
    one = group.identity(1).double()
    assert group.contains(one).all()
    for value in (0.5, float("nan"), float("inf")):
        wrong = one.clone()
        wrong.view(-1)[-1] = value
        assert not group.contains(wrong).any()


def orders(group: Group) -> dict[int, int]:
    """How many elements there are of each order: enough to tell small groups apart."""
    found: Counter[int] = Counter()
    left, power, count = group.elements(), group.elements(), 1
    while len(left):
        done = (power == group.identity(1)).flatten(1).all(-1)
        found[count] += int(done.sum())
        left, power, count = left[~done], power[~done], count + 1
        power = group.compose(left, power)
    return {order: n for order, n in found.items() if n}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (Cyclic(12), {1: 1, 2: 1, 3: 2, 4: 2, 6: 2, 12: 4}),
        (Dihedral(1), {1: 1, 2: 1}),
        (Dihedral(2), {1: 1, 2: 3}),  # Klein's group
        (Dihedral(4), {1: 1, 2: 5, 4: 2}),
        (Dihedral(5), {1: 1, 2: 5, 5: 4}),
        (SignFlips(3), {1: 1, 2: 7}),
        (SignedPermutations(2), {1: 1, 2: 5, 4: 2}),  # D_4
        (SignedPermutations(3), {1: 1, 2: 19, 3: 8, 4: 12, 6: 8}),  # O_h
        (Polyhedral("Tetrahedral"), {1: 1, 2: 3, 3: 8}),  # A_4
        (Polyhedral("Octahedral"), {1: 1, 2: 9, 3: 8, 4: 6}),  # S_4
        (Polyhedral("Icosahedral"), {1: 1, 2: 15, 3: 20, 5: 24}),  # A_5
        (Polyhedral("Tetrahedral", inversion=True), {1: 1, 2: 7, 3: 8, 6: 8}),
        (Polyhedral("Octahedral", inversion=True), {1: 1, 2: 19, 3: 8, 4: 12, 6: 8}),
        (Polyhedral("Icosahedral", inversion=True), {1: 1, 2: 31, 3: 20, 5: 24, 6: 20, 10: 24}),
        (PlaneGroup("p4", (1, 1)), {1: 1, 2: 1, 4: 2}),
        (PlaneGroup("pm", (3, 3)), {1: 1, 2: 3, 3: 8, 6: 6}),  # C_3 x S_3
        (SemidirectProduct(Cyclic(7), Cyclic(3), lambda h, a: a * 2**h % 7), {1: 1, 3: 14, 7: 6}),  # Frobenius's group of 21
        (SemidirectProduct(Cyclic(3), Cyclic(2), lambda h, a: (1 - 2 * h) * a % 3), {1: 1, 2: 3, 3: 2}),  # S_3
        (SemidirectProduct(Cyclic(3), Cyclic(4), lambda h, a: (1 - 2 * (h % 2)) * a % 3), {1: 1, 2: 1, 3: 2, 4: 6, 6: 2}),
        (SemidirectProduct(Cyclic(3), Cyclic(2), lambda h, a: a), {1: 1, 2: 1, 3: 2, 6: 2}),  # the direct product C_6
    ],
    ids=str,
)
def test_groups_are_those_of_the_books(group: Group, expected: dict[int, int]) -> None:
    assert orders(group) == expected


# Matrices


def multiplies(group: Group, g: Tensor) -> bool:
    """Whether matrices multiply as elements do: each entry is a sum of d products of numbers up to 1, each rounded."""
    left, right = pairs(g)
    product_, twice = group.linear(group.compose(left, right)), group.linear(left) @ group.linear(right)
    return bool(((product_ - twice).abs() <= 2 * twice.shape[-1] * EPS).all())


def whole(matrix: Tensor) -> bool:
    return torch.equal(matrix, matrix.round())


@every_linear
def test_matrices_multiply_as_elements_do(group: Group) -> None:
    g = some(group)
    assert multiplies(group, g)
    if whole(group.linear(group.elements())):
        left, right = pairs(g)
        assert torch.equal(group.linear(group.compose(left, right)), group.linear(left) @ group.linear(right))


@every_linear
def test_matrices_are_orthogonal(group: Group) -> None:
    matrix = group.linear(group.elements())
    one = torch.eye(matrix.shape[-1], dtype=torch.float64)
    assert matrix.dtype == torch.float64
    assert float((matrix.mT @ matrix - one).abs().max()) <= 2 * matrix.shape[-1] * EPS
    assert not bool((matrix == 0).logical_and(torch.signbit(matrix)).any())  # no -0, which reports would show


@pytest.mark.parametrize("group", [g for g in LINEAR if not isinstance(g, PlaneGroup)], ids=str)
def test_different_elements_have_different_matrices(group: Group) -> None:
    assert len(torch.unique(group.linear(group.elements()).flatten(1), dim=0)) == group.order


WHOLE = [Cyclic(1), Cyclic(2), Cyclic(4), Dihedral(1), Dihedral(2), Dihedral(4), SignFlips(3), SignedPermutations(3)]
WHOLE += [Polyhedral("Tetrahedral", True), Polyhedral("Octahedral", True), *PlaneGroup.examples()]


@pytest.mark.parametrize("group", WHOLE, ids=str)
def test_quarter_turns_and_mirrors_are_whole_numbers(group: Group) -> None:
    assert whole(group.linear(group.elements()))


@given(st.integers(1, 50), st.integers(0, 10**6))
def test_quarter_turns_are_exact_in_every_cyclic_group_that_has_them(quarter: int, steps: int) -> None:
    fold = 4 * quarter
    expected = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    assert torch.equal(turns(torch.tensor([quarter + fold * steps]), fold)[0], expected)
    assert torch.equal(turns(torch.tensor([2 * quarter]), fold)[0], expected @ expected)


@given(st.integers(1, 200), st.data())
def test_dihedral_groups_of_any_size_obey_their_relations(fold: int, data: st.DataObject) -> None:
    group = Dihedral(fold)
    step = data.draw(st.integers(0, fold - 1))
    r, s = torch.tensor([[step, 0]]), torch.tensor([[0, 1]])
    assert torch.equal(group.compose(group.compose(s, r), s), group.inverse(r))
    assert torch.equal(group.compose(s, s), group.identity(1))
    angle = 2 * math.pi * step / fold
    expected = torch.tensor([[math.cos(angle), math.sin(angle)], [math.sin(angle), -math.cos(angle)]], dtype=torch.float64)
    # The angle, up to 2 pi, is rounded, and so are its sine and cosine.
    assert float((group.linear(group.compose(r, s))[0] - expected).abs().max()) <= 8 * EPS


@pytest.mark.parametrize("group", [Cyclic(4), Cyclic(5), Cyclic(12)], ids=str)
def test_the_phase_is_the_angle_of_the_matrix(group: Cyclic) -> None:
    angle, matrix = group.phase(group.elements()), group.linear(group.elements())
    assert float((matrix[:, 0, 0] - angle.cos()).abs().max()) <= 8 * EPS
    assert float((matrix[:, 1, 0] - angle.sin()).abs().max()) <= 8 * EPS


def norm_of_character(matrix: Tensor) -> float:
    """The mean of the squared trace over the group: the sum of the squared multiplicities of the irreps (Schur)."""
    return float(matrix.diagonal(dim1=-2, dim2=-1).sum(-1).square().mean())


@pytest.mark.parametrize(
    ("group", "norm"),
    [
        (Dihedral(3), 1),
        (Dihedral(4), 1),
        (Dihedral(2), 2),  # two different signs
        (Cyclic(5), 2),  # over the complex numbers, two different phases
        (Cyclic(2), 4),  # the same sign twice
        (SignFlips(3), 3),
        (SignedPermutations(3), 1),
        (SignedPermutations(5), 1),
        (Polyhedral("Tetrahedral"), 1),
        (Polyhedral("Octahedral"), 1),
        (Polyhedral("Icosahedral"), 1),
        (Polyhedral("Icosahedral", inversion=True), 1),
    ],
    ids=str,
)
def test_matrices_are_as_irreducible_as_they_should_be(group: Group, norm: int) -> None:
    assert abs(norm_of_character(group.linear(group.elements())) - norm) <= 64 * EPS


GOLDEN = (1 + 5**0.5) / 2
ICOSAHEDRON = torch.tensor(
    [row for a in (1, -1) for b in (GOLDEN, -GOLDEN) for row in ((a, 0, b), (b, a, 0), (0, b, a))], dtype=torch.float64
)
CUBE = torch.tensor(list(product((1, -1), repeat=3)), dtype=torch.float64)
TETRAHEDRON = CUBE[CUBE.prod(-1) > 0]


def keeps(group: Group, vertices: Tensor) -> bool:
    """Whether every element permutes the vertices, to rounding."""
    turned = vertices @ group.linear(group.elements()).mT
    gaps = (turned.unsqueeze(-2) - vertices).abs().amax(-1)
    return bool((gaps.amin(-1) <= 8 * EPS).all())


@pytest.mark.parametrize("inversion", [False, True])
def test_polyhedral_groups_keep_their_solids(inversion: bool) -> None:
    tetrahedral, octahedral, icosahedral = (
        Polyhedral(name, inversion) for name in ("Tetrahedral", "Octahedral", "Icosahedral")
    )
    assert keeps(icosahedral, ICOSAHEDRON)
    assert not keeps(icosahedral, ICOSAHEDRON.flip(-1))  # the other one with the same mirrors, a quarter turn away
    assert keeps(tetrahedral, ICOSAHEDRON)
    assert not keeps(octahedral, ICOSAHEDRON)
    assert keeps(octahedral, CUBE)
    assert not keeps(icosahedral, CUBE)
    assert keeps(tetrahedral, TETRAHEDRON) == (not inversion)  # the inverted tetrahedron is the other one in the cube
    assert not keeps(octahedral, TETRAHEDRON)


# Sampling


def uniform(group: Group, g: Tensor) -> bool:
    """Whether each element comes up as often.

    Each count is a binomial; by Hoeffding's inequality and the union bound one strays so far from its mean once in a billion.
    """
    counts = torch.unique(torch.cat([g, group.elements()]), dim=0, return_counts=True)[1] - 1
    near = math.sqrt(len(g) * math.log(2 * group.order / 1e-9) / 2)
    return bool(((counts - len(g) / group.order).abs() <= near).all())


@pytest.mark.parametrize(
    "group",
    [Cyclic(5), Dihedral(3), SignFlips(3), SignedPermutations(2), Polyhedral("Octahedral"), PlaneGroup("p4", (3, 3))],
    ids=str,
)
def test_elements_are_drawn_uniformly(group: Group) -> None:
    assert uniform(group, draw(group, 20_000))


def test_a_biased_sampler_is_seen() -> None:
    for group in (Cyclic(5), SignFlips(3)):
        assert not uniform(group, torch.minimum(draw(group, 20_000, 1), draw(group, 20_000, 2)))


@pytest.mark.parametrize(
    "group", [Dihedral(1), Dihedral(6), Polyhedral("Icosahedral", True), PlaneGroup("p4m", (4, 4))], ids=str
)
def test_two_elements_reach_both_orientations(group: Group) -> None:
    for seed in range(8):
        assert set(torch.linalg.det(group.linear(draw(group, 2, seed))).round().tolist()) == {1, -1}


@every_linear
def test_landmarks_reach_both_orientations_where_there_are_two(group: Group) -> None:
    landmarks, everything = (torch.linalg.det(group.linear(g)).round().unique() for g in (group.landmarks(), group.elements()))
    group.check(group.landmarks())
    assert torch.equal(landmarks, everything) or group.order <= 2


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (Cyclic(12), ["rotation by 30 deg", "rotation by 90 deg", "rotation by 180 deg"]),
        (Dihedral(3), ["rotation by 120 deg", "reflection in the line at 0 deg", "reflection in the line at 60 deg"]),
        (SignFlips(3), [*(f"sign flip of {i}" for i in range(3)), "sign flip of 0, 1", "sign flip of 0, 1, 2"]),
        (SignedPermutations(3), ["(0 1)", "(0 1 2)", "sign flip of 0", "(0 1), then sign flip of 1"]),
        (PlaneGroup("p4", (4, 4)), ["rotation by 90 deg", "rotation by 180 deg", "shift (+1, 0)", "shift (0, +1)"]),
        (PeriodicShifts((4, 4)), ["shift (+0.5, 0)", "shift (0, +0.5)", "shift (+1, 0)", "shift (0, +1)"]),
    ],
    ids=str,
)
def test_landmarks_are_what_one_would_try_first(group: Group, words: list[str]) -> None:
    assert [group.describe(g) for g in group.landmarks()] == words


# Subgroups


INCLUSIONS = [inclusion for group in [*FINITE, PeriodicShifts((4, 6))] for inclusion in group.subgroups()]
every_inclusion = pytest.mark.parametrize("inclusion", INCLUSIONS, ids=lambda f: f"{f} in {f.target}")


@every_inclusion
def test_subgroups_are_included_by_homomorphisms(inclusion: Homomorphism) -> None:
    source, target = inclusion.source, inclusion.target
    g = source.elements()
    image = inclusion(g)
    target.check(image)
    assert len(torch.unique(image, dim=0)) == source.order  # injective
    left, right = pairs(some(source, 24))
    assert torch.equal(inclusion(source.compose(left, right)), target.compose(inclusion(left), inclusion(right)))
    if not isinstance(target, PeriodicShifts):
        assert target.order % source.order == 0  # Lagrange


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_subgroups_come_largest_first(group: Group) -> None:
    sizes = [inclusion.source.order for inclusion in group.subgroups()]
    assert sizes == sorted(sizes, reverse=True)


def dims(group: Monoid) -> int | None:
    """The number of rows of an element's matrix."""
    try:
        return group.linear(group.identity(1)).shape[-1]
    except GroupError:
        return None


LINES = [f for f in INCLUSIONS if "(line at" in str(f)]  # of other lines than their source's: conjugate to it
TURNING = [
    f
    for f in INCLUSIONS
    if dims(f.source) == dims(f.target) is not None
    and not isinstance(f.target, SemidirectProduct)  # of its factor's matrices
    and f not in LINES
]
ABOUT = [f for f in INCLUSIONS if isinstance(f.source, Cyclic) and dims(f.target) == 3]


@pytest.mark.parametrize("inclusion", TURNING, ids=lambda f: f"{f} in {f.target}")
def test_subgroups_turn_as_the_group_does(inclusion: Homomorphism) -> None:
    g = inclusion.source.elements()
    gap = inclusion.source.linear(g) - inclusion.target.linear(inclusion(g))
    assert float(gap.abs().max()) <= 8 * EPS


@pytest.mark.parametrize("inclusion", LINES, ids=lambda f: f"{f} in {f.target}")
def test_reflections_are_in_the_line_that_a_subgroup_names(inclusion: Homomorphism) -> None:
    line = str(inclusion).partition("(")[2].rstrip(")")
    mirror = next(g for g in inclusion.source.landmarks() if "line at 0 deg" in inclusion.source.describe(g))
    assert inclusion.target.describe(inclusion(mirror.unsqueeze(0))[0]) == f"reflection in the {line}"


@pytest.mark.parametrize("inclusion", ABOUT, ids=lambda f: f"{f} in {f.target}")
def test_turns_about_an_axis_of_space_have_their_angle(inclusion: Homomorphism) -> None:
    g = inclusion.source.elements()
    matrix, planar = inclusion.target.linear(inclusion(g)), inclusion.source.linear(g)
    trace, expected = (m.diagonal(dim1=-2, dim2=-1).sum(-1) for m in (matrix, planar))
    assert float((trace - expected - 1).abs().max()) <= 16 * EPS
    assert float((torch.linalg.det(matrix) - 1).abs().max()) <= 16 * EPS


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (Cyclic(12), ["C_6", "C_4", "C_3", "C_2"]),
        (Cyclic(5), []),
        (
            Dihedral(4),
            ["C_4", "D_2", "D_2 (line at 45 deg)", "C_2", "D_1"] + [f"D_1 (line at {angle} deg)" for angle in (45, 90, 135)],
        ),
        (Dihedral(9), ["C_9", "D_3", "C_3", "D_1"]),
        (SignFlips(2), ["flips of 0 alone", "flips of 1 alone", "one sign for all"]),
        (
            SignFlips(3),
            [f"flips of {of} alone" for of in ("0, 1", "0, 2", "1, 2", "0", "1", "2")] + ["one sign for all"],
        ),
        (
            Translations((12, 6)),
            [
                f"shifts {words}"
                for words in ("by multiples of 2", "along axis 0", "by multiples of 3", "along axis 1", "by multiples of 6")
            ],
        ),
        (Translations((16,)), [f"shifts by multiples of {n}" for n in (2, 4, 8)]),
        (SignedPermutations(3), ["Flips(3)", "S_3"]),
        (Polyhedral("Octahedral", True), ["Octahedral", "T_h", "Tetrahedral", "C_4 about z"]),
        (Polyhedral("Icosahedral"), ["Tetrahedral", "C_5 about (0.526, 0.000, 0.851)"]),
        (
            PlaneGroup("p4", (4, 4)),
            [
                "p2(4)",
                "Z_4^2",
                "p4(4) with shifts by multiples of 2",
                "C_4",
                "shifts by multiples of 2",
                "shifts along axis 0",
                "shifts along axis 1",
                "C_2",
            ],
        ),
        (
            PlaneGroup("pmm", (3, 4)),
            [
                "p2(3, 4)",
                "pm(3, 4)",
                "Z_3 x Z_4 ⋊ D_1 (line at 90 deg)",
                "Z_3 x Z_4",
                "D_2",
                "shifts along axis 1",
                "shifts along axis 0",
                "C_2",
                "D_1",
                "D_1 (line at 90 deg)",
            ],
        ),
        (SemidirectProduct(Cyclic(5), Cyclic(4), lambda h, a: a * 2**h % 5), ["C_5 ⋊ C_2", "C_5", "C_4", "C_2"]),
    ],
    ids=str,
)
def test_subgroups_are_named(group: Group, names: list[str]) -> None:
    assert [str(inclusion) for inclusion in group.subgroups()] == names


# Semidirect products

SEMIDIRECT = [g for g in FINITE if isinstance(g, (PlaneGroup, SemidirectProduct))]


@pytest.mark.parametrize("group", SEMIDIRECT, ids=str)
def test_the_acting_group_moves_the_normal_one_by_conjugation(group: Any) -> None:
    """h a h^-1 = phi_h(a), and each element is a h: so the structure is that of E(2)."""
    a, h = draw(group.normal, 64, 1), draw(group.acting, 64, 2)
    shift, turn = group.embed(0, a), group.embed(1, h)
    conjugated = group.compose(group.compose(turn, shift), group.inverse(turn))
    assert torch.equal(conjugated, group.embed(0, group.moved(h, a)))
    assert torch.equal(group.compose(shift, turn), group.pack(a, h))
    assert all(torch.equal(part, whole_) for part, whole_ in zip(group.unpack(group.pack(a, h)), (a, h), strict=True))


@pytest.mark.parametrize("group", SEMIDIRECT, ids=str)
def test_factors_are_embedded(group: Any) -> None:
    assert group.factors == (group.normal, group.acting)
    for i, factor in enumerate(group.factors):
        g, h = draw(factor, 16, 1), draw(factor, 16, 2)
        group.check(group.embed(i, g))
        assert torch.equal(group.embed(i, factor.compose(g, h)), group.compose(group.embed(i, g), group.embed(i, h)))


def moves_places(group: PlaneGroup) -> bool:
    """Whether elements move the place p to linear p + shift, modulo the grid, as the homogeneous matrices of E(2) do."""
    g, h = pairs(some(group, 40))
    size, euclidean = torch.tensor(group.grid), E(2)
    place = torch.randint(0, 100, (len(g), 2), generator=Generator().manual_seed(0))

    def moved(element: Tensor, p: Tensor) -> Tensor:
        return ((group.linear(element).long() @ p.unsqueeze(-1)).squeeze(-1) + group.shift(element)) % size

    matrices = [torch.eye(3, dtype=torch.float64).repeat(len(g), 1, 1) for _ in range(2)]
    for matrix, element in zip(matrices, (g, h), strict=True):
        matrix[:, :2, :2], matrix[:, :2, 2] = group.linear(element), group.shift(element).double()
    both, isometry = group.compose(g, h), euclidean.compose(*matrices)
    return (
        torch.equal(moved(both, place), moved(g, moved(h, place)))
        and torch.equal(group.linear(both), euclidean.linear(isometry))
        and torch.equal(group.shift(both), euclidean.translation(isometry).long() % size)
    )


@pytest.mark.parametrize("group", PlaneGroup.examples(), ids=str)
def test_plane_groups_move_places_as_isometries_do(group: PlaneGroup) -> None:
    assert moves_places(group)


class _Direct(PlaneGroup):
    def moved(self, h: Tensor, a: Tensor) -> Tensor:
        return a


def test_turns_that_leave_shifts_alone_are_seen() -> None:
    """The direct product is a group as well, but not of isometries."""
    wrong = _Direct("p4", (5, 5))
    assert associative(wrong, some(wrong, 24))
    assert not moves_places(wrong)


def test_shifts_of_plane_groups_do_not_add_up() -> None:
    group = PlaneGroup("p4", (5, 5))
    g, h = group.embed(1, torch.tensor([[1]])), group.embed(0, torch.tensor([[1, 0]]))
    assert group.shift(group.compose(g, h)).tolist() == [[0, 1]]
    assert group.shift(group.compose(h, g)).tolist() == [[1, 0]]


def test_elements_of_different_kinds_are_packed_and_come_back() -> None:
    """A torus that quarter turns move has real and whole numbers in one row."""
    torus, quarter = PeriodicShifts((4, 4)), Cyclic(4)

    class Mixed(PlaneGroup):
        @property
        def normal(self) -> Group:
            return torus

        def moved(self, h: Tensor, a: Tensor) -> Tensor:
            return torus.compose((quarter.linear(h) @ a.unsqueeze(-1)).squeeze(-1), torus.identity(len(a)))

    group = Mixed("p4", (4, 4))
    g, h, k = (draw(group, 64, seed) for seed in range(3))
    assert g.dtype == torch.float64
    shift, turn = group.unpack(g)
    assert (shift.dtype, turn.dtype) == (torch.float64, torch.int64)
    assert torch.equal(group.compose(group.compose(g, h), k), group.compose(g, group.compose(h, k)))
    assert torch.equal(group.compose(g, group.inverse(g)), group.identity(64))


def test_lie_groups_are_refused() -> None:
    with pytest.raises(GroupError) as caught:
        SemidirectProduct(PeriodicShifts((4, 4)), Cyclic(4), lambda h, a: a)
    assert str(caught.value) == (
        "(R/4)^2 ⋊ C_4 isn't finite, for (R/4)^2 isn't. Use a group of matrices, such as 'SE(3)' or 'E(2)'."
    )


# Words and names


WORDS: list[tuple[Group, Any, str]] = [
    (Cyclic(4), [1], "rotation by 90 deg"),
    (Cyclic(4), [3], "rotation by -90 deg"),
    (Cyclic(7), [3], "rotation by 154.3 deg"),
    (Dihedral(4), [2, 0], "rotation by 180 deg"),
    (Dihedral(4), [0, 1], "reflection in the line at 0 deg"),
    (Dihedral(4), [3, 1], "reflection in the line at 135 deg"),
    (SignFlips(3), [1, 0, 1], "sign flip of 0, 2"),
    (SignedPermutations(3), [[1, 0, 2], [0, 0, 0]], "(0 1)"),
    (SignedPermutations(3), [[1, 0, 2], [1, 0, 1]], "(0 1), then sign flip of 1, 2"),
    (PlaneGroup("p4", (5, 5)), [4, 1, 3], "rotation by -90 deg, then shift (-1, +1)"),
    (PlaneGroup("p4m", (4, 4)), [0, 0, 1, 1], "reflection in the line at 45 deg"),
    (PlaneGroup("p4m", (4, 4)), [2, 0, 0, 0], "shift (+2, 0)"),
]


@pytest.mark.parametrize(("group", "g", "words"), WORDS, ids=[f"{group}: {words}" for group, _, words in WORDS])
def test_elements_are_told_in_words(group: Group, g: Any, words: str) -> None:
    element = torch.tensor(g)
    group.check(element.unsqueeze(0))
    assert group.describe(element) == words


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_only_the_identity_is_told_as_such(group: Group) -> None:
    words = [group.describe(g) for g in some(group)]
    known = [torch.equal(g, group.identity(1)[0]) for g in some(group)]
    assert [word == "identity" for word in words] == known


def test_matrices_of_solids_are_told_in_words() -> None:
    group = Polyhedral("Octahedral", True)
    assert [group.describe(g) for g in group.landmarks()] == [
        "rotation by 90 deg about z",
        "rotation by 120 deg about (0.577, 0.577, 0.577)",
        "inversion",
    ]


@pytest.mark.parametrize("group", [g for g in FINITE if not isinstance(g, SemidirectProduct)], ids=str)
def test_finite_groups_are_found_by_their_names(group: Group) -> None:
    assert from_string(str(group)) == group


def test_plane_groups_follow_the_tensors_unless_they_are_given_a_size() -> None:
    assert from_string("p4") == PlaneGroup("p4")
    assert from_string("p4m(8)") == PlaneGroup("p4m", (8, 8))
    assert from_string("pmm(8,6)") == from_string("pmm(8, 6)") == PlaneGroup("pmm", (8, 6))
    assert str(PlaneGroup("pm", (8, None))) == "pm(8, N)"


REFUSALS: list[tuple[str, str]] = [
    ("C_0", "C_0 has no elements. Give the number of steps in a full turn, 1 or more, as in 'C_4'."),
    ("D_0", "D_0 has no elements. Give the number of steps in a full turn, 1 or more, as in 'D_4'."),
    ("Flips(0)", "Flips(0) flips nothing. Give the number of coordinates, 1 or more, as in 'Flips(3)'."),
    ("B_0", "B_0 moves nothing. Give the number of coordinates, 1 or more, as in 'B_3'."),
    ("p4(0)", "p4(0) moves nothing. Give one size of 1 or more for each of the 2 axes, as in 'p4(8)'."),
    ("R/0", "PeriodicShifts((0,)) shifts nothing. Give one period of 1 or more for each axis."),
    (
        "p4m(8, 6)",
        "p4m turns rows into columns; a grid of 8 x 6 isn't square. Make it square, or use 'pmm'.",
    ),
    ("p4(8, 6)", "p4 turns rows into columns; a grid of 8 x 6 isn't square. Make it square, or use 'p2'."),
]


@pytest.mark.parametrize(("name", "text"), REFUSALS, ids=[name for name, _ in REFUSALS])
def test_groups_of_nothing_are_refused(name: str, text: str) -> None:
    with pytest.raises(GroupError) as caught:
        from_string(name)
    assert str(caught.value) == text


@pytest.mark.parametrize("make", [lambda: Polyhedral("Octahedron"), lambda: PlaneGroup("p3")], ids=["solid", "plane"])
def test_unknown_kinds_are_refused(make: Any) -> None:
    with pytest.raises(GroupError, match=r"there is no (polyhedral group 'Octahedron'; did you mean 'Octahedral'|plane group)"):
        make()


@pytest.mark.parametrize("name", ["C4", "D4", "Octahedron", "p6m", "Flips", "B3", "C_n"])
def test_other_spellings_are_no_names(name: str) -> None:
    with pytest.raises(GroupError, match=f"there is no group {name!r}"):
        from_string(name)


# Sizes


@pytest.mark.parametrize(
    ("group", "sizes", "bound"),
    [
        (PlaneGroup("p4"), {"grid0": 8, "grid1": 8}, PlaneGroup("p4", (8, 8))),
        (PlaneGroup("pmm"), {"grid0": 8, "grid1": 6}, PlaneGroup("pmm", (8, 6))),
        (PlaneGroup("pmm", (8, None)), {"grid0": 8, "grid1": 6}, PlaneGroup("pmm", (8, 6))),
        (PlaneGroup("p4", (8, 8)), {}, PlaneGroup("p4", (8, 8))),
        (PeriodicShifts((None, None)), {"grid0": 8, "grid1": 6}, PeriodicShifts((8, 6))),
        (Cyclic(4), {"grid0": 8}, Cyclic(4)),
    ],
)
def test_groups_take_their_sizes(group: Group, sizes: dict[str, int], bound: Group) -> None:
    assert group.bind(sizes) == bound


SIZE_ERRORS: list[tuple[Group, dict[str, int], str]] = [
    (
        PlaneGroup("p4"),
        {"grid0": 8, "grid1": 6},
        "p4 turns rows into columns; a grid of 8 x 6 isn't square. Make it square, or use 'p2'.",
    ),
    (
        PlaneGroup("p4"),
        {"grid0": 8},
        "p4 needs the number of samples along each of its 2 axes, and no rep says them. Give an input the rep Image(), or "
        "name the size, as in 'p4(8)'.",
    ),
    (
        PlaneGroup("p4"),
        {"grid0": 0, "grid1": 0},
        "p4 moves an empty grid. Use an example with at least one sample along each axis.",
    ),
    (
        PlaneGroup("p4", (8, 8)),
        {"grid0": 6, "grid1": 6},
        "p4(8) moves a grid of (8, 8); the tensors have (6, 6). Use 'p4' to follow them.",
    ),
    (
        PeriodicShifts((None,)),
        {},
        "R/N needs the period of each of its 1 axes, and no rep says them. Give an input the rep FourierShift(axes=...), or "
        "name the period, as in '(R/8)^2'.",
    ),
    (
        PeriodicShifts((None,)),
        {"grid0": 0},
        "R/N shifts an empty signal. Use an example with at least one sample along each axis.",
    ),
    (PeriodicShifts((8,)), {"grid0": 6}, "R/8 has the periods (8,); the tensors have (6,). Use 'R/N' to follow them."),
]


@pytest.mark.parametrize(("group", "sizes", "text"), SIZE_ERRORS)
def test_sizes_that_do_not_fit_are_refused(group: Group, sizes: dict[str, int], text: str) -> None:
    with pytest.raises(GroupError) as caught:
        group.bind(sizes)
    assert str(caught.value) == text


@pytest.mark.parametrize("use", [draw, lambda group: group.landmarks(), lambda group: group.elements()])
def test_an_unbound_plane_group_says_so(use: Any) -> None:
    with pytest.raises(GroupError) as caught:
        use(PlaneGroup("p4"))
    assert str(caught.value) == "p4 isn't bound to a size yet. Use 'p4(8)', or bind({'grid0': 8, 'grid1': 8})."


# Shrinking


@pytest.mark.parametrize("group", [*FINITE, PeriodicShifts((4, 6)), PeriodicShifts((1,))], ids=str)
def test_shrinking_descends_to_the_identity(group: Group) -> None:
    assert (group.complexity(group.identity(3)) == 0).all()
    for g in draw(group, 16):
        while not torch.equal(g, group.identity(1)[0]):
            measure, candidates = group.complexity(g.unsqueeze(0)), group.simpler(g)
            group.check(candidates)
            assert measure > 0
            assert len(candidates) > 0
            assert (group.complexity(candidates) < measure).all()
            assert torch.equal(group.complexity(candidates), group.complexity(candidates).sort().values)
            g = candidates[-1]  # the longest way


def test_shrinking_keeps_what_matters() -> None:
    """A failure that needs one flip is shrunk to that flip; one that needs a turn, to a turn without a shift."""
    flips = SignFlips(5)
    assert shrunk(flips, torch.tensor([1, 0, 1, 1, 0]), lambda g: bool(g[2] == 1)).tolist() == [0, 0, 1, 0, 0]
    plane = PlaneGroup("p4m", (8, 8))
    assert shrunk(plane, torch.tensor([3, 5, 1, 1]), lambda g: bool(g[2] % 2 == 1)).tolist()[:2] == [0, 0]
    assert shrunk(plane, torch.tensor([3, 5, 1, 1]), lambda g: bool(g[0] != 0)).tolist() == [1, 0, 0, 0]
    torus = PeriodicShifts((8, 8))
    fraction = torch.tensor([3.3, 1.7], dtype=torch.float64)
    assert shrunk(torus, fraction, lambda g: bool(g[0] % 1)).tolist() == [0.5, 0]


def shrunk(group: Group, g: Tensor, fails: Any) -> Tensor:
    while True:
        better = next((candidate for candidate in group.simpler(g) if fails(candidate)), None)
        if better is None:
            return g
        g = better


# The torus


def test_fractional_shifts_add_up_exactly() -> None:
    group = PeriodicShifts((5, 8))
    g, h, k = (draw(group, 4096, seed) for seed in range(3))
    assert torch.equal(group.compose(group.compose(g, h), k), group.compose(g, group.compose(h, k)))
    assert torch.equal(group.compose(g, group.inverse(g)), group.identity(4096))
    assert torch.equal(group.compose(g, group.identity(4096)), g)
    assert bool((g % 1 != 0).all())  # between the samples


@given(st.integers(1, 9), st.floats(-1e3, 1e3, allow_subnormal=True))
def test_shifts_stay_below_the_period(period: int, v: float) -> None:
    group = PeriodicShifts((period,))
    group.check(group.exponential(torch.tensor([[v]], dtype=torch.float64)))


def test_a_tiny_step_back_is_no_whole_period() -> None:
    group = PeriodicShifts((8,))
    tiny = torch.tensor([[1e-20]], dtype=torch.float64)
    assert (-tiny % 8).item() == 8  # what the remainder makes of it
    assert group.contains(group.inverse(tiny)).all()
    assert not group.contains(torch.tensor([[8.0]], dtype=torch.float64)).any()
    assert not group.contains(torch.tensor([[-0.5]], dtype=torch.float64)).any()
    assert not group.contains(torch.tensor([[float("nan")]], dtype=torch.float64)).any()


def test_the_algebra_of_the_torus_turns_once_in_a_period() -> None:
    group = PeriodicShifts((5, 8))
    basis, v = group.algebra(), torch.tensor([[1.25, 5.0], [5.0, 8.0]], dtype=torch.float64)
    turned = torch.linalg.matrix_exp(torch.einsum("nk, kij -> nij", v, basis))
    assert group.dimension == len(basis) == 2
    expected = torch.zeros(4, 4, dtype=torch.float64)
    expected[:2, :2] = turns(torch.tensor([1]), 4)[0]
    expected[2:, 2:] = turns(torch.tensor([5]), 8)[0]
    assert float((turned[0] - expected).abs().max()) <= 64 * EPS
    assert float((turned[1] - torch.eye(4)).abs().max()) <= 64 * EPS
    assert torch.equal(group.exponential(v), torch.tensor([[1.25, 5.0], [0.0, 0.0]], dtype=torch.float64))


def test_shifts_are_uniform_between_samples() -> None:
    """The characters exp(2 pi i k v / N) have mean zero; Hoeffding's bound, so near once in a billion."""
    n, group = 20_000, PeriodicShifts((5,))
    for k in (1, 2, 5, 7):
        angle = 2 * math.pi * k * draw(group, n)[:, 0] / 5
        near = math.sqrt(2 * math.log(4 * 4 / 1e-9) / n)
        assert abs(float(angle.cos().mean())) <= near
        assert abs(float(angle.sin().mean())) <= near
    whole_samples = draw(group, n)[:, 0].round()
    assert abs(float((2 * math.pi * whole_samples).cos().mean())) > near  # k = 5: whole samples would be seen


# The regular rep


@pytest.mark.parametrize(
    "group", [Cyclic(5), Dihedral(4), Symmetric(4), Polyhedral("Tetrahedral"), PlaneGroup("p4", (3, 3))], ids=str
)
def test_the_regular_rep_is_free(group: Group) -> None:
    """Its character is the order at the identity and zero elsewhere, so that each irrep of dimension d is in it d times."""
    trace = Regular().matrix(group, group.elements(), (group.order,)).diagonal(dim1=-2, dim2=-1).sum(-1)
    assert trace.tolist() == [group.order] + [0] * (group.order - 1)


@pytest.mark.parametrize("group", [Dihedral(3), Symmetric(4), Polyhedral("Octahedral")], ids=str)
def test_an_entry_goes_where_its_element_goes(group: Group) -> None:
    h = group.elements()
    for g in draw(group, 8):
        y = Regular().act(group, g.unsqueeze(0), torch.arange(group.order).unsqueeze(0))[0]
        moved = group.compose(g.expand_as(h), h)
        for i, element in enumerate(moved):
            place = int((h == element).flatten(1).all(-1).nonzero())
            assert y[place] == i


class GroupConvolution(nn.Module):
    """out(g) = sum_h f(h) k(h^-1 g), or with k(g h^-1) or k(g^-1 h^-1), which don't commute with the group."""

    def __init__(self, group: Group, wrong: bool = False) -> None:
        super().__init__()
        h = group.elements()
        left, right = pairs(h)
        between = group.compose(right, group.inverse(left)) if wrong else group.compose(group.inverse(left), right)
        where = (between.unsqueeze(1) == h).flatten(2).all(-1).long().argmax(-1).reshape(len(h), len(h))
        kernel = torch.randn(len(h), generator=Generator().manual_seed(0))
        self.weight = nn.Parameter(kernel[where])

    def forward(self, f: Tensor) -> Tensor:
        return torch.tanh(f @ self.weight)


@pytest.mark.parametrize("group", ["D_4", "S_3", "Tetrahedral"])
def test_group_convolutions_commute_with_the_regular_rep(group: str) -> None:
    known = from_string(group)
    assert isinstance(known, Group)
    example = torch.randn(2, known.order, generator=Generator().manual_seed(0))
    options = {"group": group, "inputs": "regular", "outputs": "regular"}
    assert symcheck.check(GroupConvolution(known), example, **options).verdict is Verdict.HOLDS
    assert symcheck.check(GroupConvolution(known, wrong=True), example, **options).verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    ("group", "shape", "text"),
    [
        (Dihedral(4), (4,), "x has shape (4,): Regular(axis=-1) under D_4 has 8 entries along axis -1, one for each element."),
        (
            SO(3),
            (4,),
            "x has shape (4,): Regular(axis=-1): SO(3) has infinitely many elements, and so no order. Ask for `dimension`, "
            "that of its Lie algebra.",
        ),
        (
            Symmetric(8),
            (8,),
            "x has shape (8,): Regular(axis=-1): S_8 has 40,320 elements; up to 10,000 can be listed. Draw some with `sample`.",
        ),
    ],
    ids=["size", "infinite", "too many"],
)
def test_the_regular_rep_needs_one_entry_for_each_element(group: Group, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        Regular().check(group, shape, True, "x")
    assert str(caught.value) == text


def test_what_is_no_element_is_not_looked_up() -> None:
    with pytest.raises(GroupError, match=r"^D_3: a product is none of its 6 elements"):
        places(_Unreduced(3), torch.tensor([[2, 0]]))


class _Unreduced(Dihedral):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g + h


# Signs


def test_parity_is_the_determinant_of_the_permutation() -> None:
    for size in (1, 2, 3, 7, 8, 9, 33):
        g = draw(Symmetric(size), 64)
        matrix = torch.zeros(64, size, size, dtype=torch.float64).scatter(1, g.unsqueeze(1), 1.0)
        assert torch.equal(parity(g), torch.linalg.det(matrix).round())


def test_the_parity_of_a_cycle() -> None:
    for size in range(1, 40):
        assert parity(torch.arange(size).roll(1).unsqueeze(0)).item() == (-1) ** (size - 1)


def test_the_sign_of_a_matrix_is_that_of_its_determinant() -> None:
    for group in (O(3), Dihedral(5), Polyhedral("Icosahedral", True), PlaneGroup("p4m", (4, 4))):
        g = draw(group)
        assert torch.equal(Sign().factor(group, g), torch.linalg.det(group.linear(g)).round())


def slater(x: Tensor) -> Tensor:
    """Fermions: the determinant of what each particle has of each orbital."""
    return torch.linalg.det(torch.stack([x**k for k in range(x.shape[-1])], -1))


@pytest.mark.parametrize(("outputs", "verdict"), [("sign", Verdict.HOLDS), ("scalar", Verdict.VIOLATED)])
def test_a_wave_function_of_fermions_is_antisymmetric(outputs: str, verdict: Verdict) -> None:
    example = torch.randn(8, 4, generator=Generator().manual_seed(0), dtype=torch.float64)
    result = symcheck.check(slater, example, group="S_n", inputs="permute(axis=-1)", outputs=outputs)
    assert result.verdict is verdict


@pytest.mark.parametrize(("outputs", "verdict"), [("sign", Verdict.HOLDS), ("scalar", Verdict.VIOLATED)])
@pytest.mark.parametrize("group", ["O_h", "B_3", "Flips(3)"])
def test_a_volume_changes_its_sign_in_mirrors(group: str, outputs: str, verdict: Verdict) -> None:
    example = torch.randn(8, 3, 3, generator=Generator().manual_seed(0), dtype=torch.float64)
    result = symcheck.check(torch.linalg.det, example, group=group, inputs="vector", outputs=outputs)
    assert result.verdict is verdict


@pytest.mark.parametrize(
    ("rep", "group", "text"),
    [
        (Sign(), Translations((4,)), "Z_4 has neither a linear part nor permutations of points, and so no sign."),
        (Sign(of="edges"), Symmetric(3), "S_3 has no permutations of edges."),
    ],
)
def test_groups_without_signs_are_refused(rep: Sign, group: Group, text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        rep.check(group, (3,), True, "x")
    assert text in str(caught.value)


# Phases and planar irreps


def test_a_phase_turns_as_often_as_its_frequency() -> None:
    x = torch.ones(1, 2, dtype=torch.complex128)
    quarter = torch.tensor([[1]])
    for frequency, expected in ((1, 1j), (2, -1), (-1, -1j), (3, -1j), (4, 1)):
        y = Phase(frequency).act(Cyclic(4), quarter, x)
        assert float((y - expected).abs().max()) <= 16 * EPS


def test_phases_are_for_complex_tensors() -> None:
    with pytest.raises(ClaimError, match=r"acts on complex tensors, not on torch\.float64\. For pairs of numbers use Planar"):
        Phase().act(Cyclic(4), torch.tensor([[1]]), torch.ones(1, 2, dtype=torch.float64))
    with pytest.raises(ClaimError, match=r"acts on complex tensors; x is torch\.float32"):
        Phase().check(SO(2), (2,), True, "x", torch.float32)
    with pytest.raises(ClaimError, match="the frequency is a whole number other than 0"):
        Phase(0)
    with pytest.raises(ClaimError, match="S_3 has no angle"):
        Phase().check(Symmetric(3), (2,), True, "x")


@pytest.mark.parametrize(("degree", "verdict"), [(2, Verdict.HOLDS), (3, Verdict.VIOLATED)])
def test_a_power_of_a_field_has_a_multiple_of_its_charge(degree: int, verdict: Verdict) -> None:
    example = torch.randn(8, 3, generator=Generator().manual_seed(0), dtype=torch.complex128)
    result = symcheck.check(lambda z: z**degree, example, group="SO(2)", inputs="phase", outputs="phase(frequency=2)")
    assert result.verdict is verdict


def power(x: Tensor, m: int) -> Tensor:
    z = torch.complex(x[..., 0], x[..., 1]) ** m
    return torch.stack([z.real, z.imag], -1)


@pytest.mark.parametrize("group", ["SO(2)", "O(2)", "C_7", "D_7", "p4m"])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_powers_of_a_vector_have_multiples_of_its_frequency(group: str, m: int) -> None:
    """(x + i y)^m, under reflections too; and the frequency above isn't that of m."""
    known = from_string(group).bind({"grid0": 4, "grid1": 4})
    g, x = draw(known, 32), torch.randn(32, 2, generator=Generator().manual_seed(0), dtype=torch.float64)
    turned = power(Vector().act(known, g, x), m)
    same = PlanarIrreps(str(m)).act(known, g, power(x, m))
    assert float((turned - same).abs().max()) <= 32 * m * EPS * float(turned.abs().max())
    other = PlanarIrreps(str(m + 1)).act(known, g, power(x, m))
    assert float((turned - other).abs().max()) > 0.1 * float(turned.abs().max())


def test_the_cross_product_is_a_pseudo_scalar_and_the_inner_product_a_scalar() -> None:
    def products(x: Tensor) -> Tensor:
        a, b = x[..., 0, :], x[..., 1, :]
        return torch.stack([(a * b).sum(-1), a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]], -1)

    example = torch.randn(8, 2, 2, generator=Generator().manual_seed(0), dtype=torch.float64)
    for group in ("O(2)", "D_5", "D_1"):
        right = symcheck.check(products, example, group=group, inputs="vector", outputs="0 + 0-")
        wrong = symcheck.check(products, example, group=group, inputs="vector", outputs="2x0")
        assert right.verdict is Verdict.HOLDS
        assert wrong.verdict is Verdict.VIOLATED


def test_planar_irreps_of_a_dihedral_group_are_irreducible_and_differ() -> None:
    group = Dihedral(5)
    g = group.elements()
    texts = ("0", "0-", "1", "2")
    traces = [PlanarIrreps(t).matrix(group, g, (PlanarIrreps(t).dim,)).diagonal(dim1=-2, dim2=-1).sum(-1) for t in texts]
    gram = torch.stack([torch.stack([(a * b).mean() for b in traces]) for a in traces])
    assert float((gram - torch.eye(4)).abs().max()) <= 64 * EPS
    assert sum(int(trace[0]) ** 2 for trace in traces) == group.order  # they are all of its irreps
    reducible = PlanarIrreps("2").matrix(Dihedral(4), Dihedral(4).elements(), (2,))
    assert norm_of_character(reducible) == 2


def test_quarter_turns_of_planar_irreps_are_exact() -> None:
    matrix = PlanarIrreps("0+0-+1+2+3").matrix(Dihedral(4), Dihedral(4).elements(), (8,))
    assert whole(matrix)


@pytest.mark.parametrize(
    ("text", "terms"), [("2x0 + 1", PlanarIrreps("2x0+1")), ("3x2", PlanarIrreps("3x2")), ("planar", PlanarIrreps("1"))]
)
def test_planar_irreps_are_written_out(text: str, terms: PlanarIrreps) -> None:
    assert as_rep(text) == terms


@pytest.mark.parametrize("text", ["", "1-", "2x", "x1", "-1", "1+", "1o", "1.5"])
def test_other_texts_are_no_planar_irreps(text: str) -> None:
    with pytest.raises(ClaimError, match=r"isn't a sum of planar irreps\. Write multiplicity x frequency, as in '2x0"):
        PlanarIrreps(text)


@pytest.mark.parametrize(
    ("group", "shape", "text"),
    [
        (O(3), (2,), "O(3) has no angle"),
        (Symmetric(3), (2,), "S_3 has no angle"),
        (SO(2), (3,), "x has shape (3,): PlanarIrreps(text='1') under SO(2) acts on a last axis of size 2."),
        (from_string("GL(2)"), (2,), "is defined for rotations and reflections of the plane, not for GL(2)"),
    ],
    ids=["space", "no matrices", "size", "shears"],
)
def test_planar_irreps_are_of_the_plane(group: Group, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        PlanarIrreps().check(group, shape, True, "x")
    assert text in str(caught.value)


def test_permutations_of_very_many_things_are_made_simpler_in_little_memory() -> None:
    group = Symmetric(20_000)
    g = group.sample(1, torch.Generator().manual_seed(0))
    simpler = group.simpler(g[0])
    assert simpler.numel() <= CANDIDATES + 2 * 20_000
    assert bool((group.complexity(simpler) < group.complexity(g)).all())
    assert int(group.complexity(simpler)[1]) == 1  # a transposition, behind the identity
    assert int(group.complexity(simpler)[-1]) == int(group.complexity(g)) - 1


def test_transpositions_are_things_less_cycles() -> None:
    every = Symmetric(5).elements()
    cycles = [Symmetric(5).describe(g).count("(") + int((g == torch.arange(5)).sum()) for g in every]
    assert torch.equal(transpositions(every), 5 - torch.tensor(cycles))
