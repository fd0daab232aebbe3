"""Reps: the laws on every rep of the catalogue by its own examples, and what happens where a rep doesn't fit."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from symcheck._tree import Args, flatten
from symcheck.errors import ClaimError
from symcheck.groups import SE, SO, E, Group, Monoid, O, Symmetric, Translations
from symcheck.reps import CATALOGUE, Irreps, Permute, Point, Relabel, Rep, Roll, Scalar, Shape, Vector, as_rep, spread
from symcheck.reps.irreps import parse_irreps, spherical_harmonics, wigner_d

EPS = float(torch.finfo(torch.float64).eps)
TRIALS = 16
Case = tuple[Rep, Monoid, Shape]
CASES: list[Case] = [case for kind in CATALOGUE for case in kind.examples()]
EXACT = [case for case in CASES if case[0].exact]


def _id(case: Any) -> str:
    rep, group, _ = case
    return f"{rep} of {group}"


every_case = pytest.mark.parametrize("case", CASES, ids=_id)
every_exact_case = pytest.mark.parametrize("case", EXACT, ids=_id)


def elements(group: Monoid, seed: int = 0) -> Tensor:
    return group.sample(TRIALS, Generator().manual_seed(seed))


def tensors(shape: Shape, seed: int = 0) -> Tensor:
    return torch.randn(TRIALS, *shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def inputs(case: Case, seed: int = 0) -> Tensor:
    """Tensors of the kind that a rep acts on: real, complex, or indices."""
    rep, group, shape = case
    return rep.sample(group, shape, TRIALS, Generator().manual_seed(seed))


def mixed(rep: Rep, x: Tensor) -> int:
    """How many entries a rep may add up in one."""
    if rep.mixes is None:
        return x[0].numel()
    return math.prod(x.shape[axis] for axis in rep.mixes)


def agree(rep: Rep, left: Tensor, right: Tensor, growth: float = 1.0) -> bool:
    """Equal: exactly if the rep only moves entries, else up to the rounding of a few matrix products.

    Each entry sums up to d products of a matrix entry, itself a sum of some d rounded terms, and a number of x; a matrix made
    from an angle is good to an epsilon of up to pi, and of three times that at three times the angle. On the way from x to
    the result numbers may have been larger than it, by `growth`: a boost there, and back again.
    """
    if rep.discrete:
        return torch.equal(left, right)
    size = growth * float(right.abs().max())
    return bool(((left - right).abs() <= 16 * mixed(rep, left) ** 1.5 * EPS * size).all())


def growth(before: Tensor, *after: Tensor) -> float:
    """By how much actions made numbers larger, one after another. No group of rotations does, and others do on average."""
    return math.prod(max(1.0, float(x.abs().max() / before.abs().max())) for x in after)


def homomorphic(rep: Rep, group: Monoid, shape: Shape) -> bool:
    g, h, x = elements(group, 1), elements(group, 2), inputs((rep, group, shape))
    once, twice = rep.act(group, group.compose(g, h), x), rep.act(group, g, rep.act(group, h, x))
    return agree(rep, once, twice, growth(x, rep.act(group, g, x), rep.act(group, h, x)))


def keeps_identity(rep: Rep, group: Monoid, shape: Shape) -> bool:
    x = inputs((rep, group, shape))
    return agree(rep, rep.act(group, group.identity(TRIALS), x), x)


def linear(rep: Rep, group: Monoid, shape: Shape) -> bool:
    g, x, y = elements(group), inputs((rep, group, shape), 1), inputs((rep, group, shape), 2)
    together = rep.act(group, g, 2 * x - 3 * y)
    apart = 2 * rep.act(group, g, x) - 3 * rep.act(group, g, y)
    return agree(rep, together, apart)


# The laws


@every_exact_case
def test_acting_by_a_product_is_acting_twice(case: Case) -> None:
    assert homomorphic(*case)


@every_exact_case
def test_the_identity_leaves_all_as_it_is(case: Case) -> None:
    assert keeps_identity(*case)


@pytest.mark.parametrize("case", [case for case in CASES if case[0].linear], ids=_id)
def test_linear_reps_are_linear(case: Case) -> None:
    assert linear(*case)


CURVED = {type(case[0]) for case in CASES if not case[0].linear and not case[0].indices}


@pytest.mark.parametrize("kind", sorted(CURVED, key=lambda kind: kind.name), ids=lambda kind: kind.name)
def test_reps_that_say_they_are_not_linear_are_not(kind: type[Rep]) -> None:
    assert not all(linear(*case) for case in kind.examples() if not case[0].linear and not case[0].indices)


def test_point_is_affine() -> None:
    """Differences of points are vectors; the points themselves don't add up."""
    group, x, y = E(3), tensors((4, 3), 1), tensors((4, 3), 2)
    g = elements(group)
    gap = Point().act(group, g, x) - Point().act(group, g, y)
    assert not linear(Point(), group, (4, 3))
    # Each point is off by an epsilon of the step too, which the difference is without.
    assert float((gap - Vector().act(group, g, x - y)).abs().max()) <= 8 * EPS * float(Point().act(group, g, x).abs().max())


@every_case
def test_trivial_is_what_moves_nothing(case: Case) -> None:
    rep, group, _ = case
    x = inputs(case)
    assert rep.trivial == torch.equal(rep.act(group, elements(group), x), x)


def dtypes(case: Case) -> tuple[torch.dtype, ...]:
    rep, group, _ = case
    if rep.indices:
        return (torch.int64, torch.int32)
    if rep.is_complex(group):
        return (torch.complex128, torch.complex64)
    return (torch.float64, torch.float32, *([torch.complex128] if rep.linear else []))


@every_case
def test_acting_leaves_its_input_and_dtype_alone(case: Case) -> None:
    rep, group, _ = case
    for dtype in dtypes(case):
        x = inputs(case).to(dtype)
        before = x.clone()
        y = rep.act(group, elements(group), x)
        assert (y.dtype, y.shape) == (dtype, x.shape)
        assert torch.equal(x, before)


@pytest.mark.parametrize("case", [case for case in CASES if case[0].discrete and not case[0].indices], ids=_id)
def test_discrete_reps_move_integers_and_masks_as_they_move_numbers(case: Case) -> None:
    rep, group, shape = case
    whole, g = (10 * tensors(shape)).long(), elements(group)
    assert torch.equal(rep.act(group, g, whole), rep.act(group, g, whole.double()).long())
    assert torch.equal(rep.act(group, g, whole > 0), rep.act(group, g, (whole > 0).double()).bool())


@every_case
def test_batch_axes_do_not_matter(case: Case) -> None:
    rep, group, shape = case
    g, x = elements(group), inputs((rep, group, (5, *shape)))
    together = rep.act(group, g, x)
    for i in range(5):
        assert agree(rep, together[:, i], rep.act(group, g, x[:, i]))


@every_case
def test_a_rep_fits_its_examples(case: Case) -> None:
    rep, group, shape = case
    rep.check(group, shape, floating=not rep.indices, where="here", dtype=dtypes(case)[0])
    assert rep.misfit(group, (7, *shape)) is None
    assert group.bind(rep.sizes(shape)) == group


@every_case
def test_what_a_rep_acts_on_is_told_by_its_fibre(case: Case) -> None:
    """A shape of the group's own, on which it acts alone and as often as one likes; a rank that is the number of its axes."""
    rep, group, shape = case
    fibre = rep.fibre(group)
    if fibre is not None:
        assert len(fibre) == rep.rank
        assert shape[len(shape) - len(fibre) :] == fibre
        assert rep.misfit(group, (2, *fibre)) is None
        assert rep.mixes is not None
        assert set(rep.mixes) <= set(range(-len(fibre), 0))


# Devices


@pytest.mark.parametrize("case", [case for case in CASES if not case[0].indices], ids=_id)
def test_acting_does_not_look_at_the_numbers(case: Case) -> None:
    """On a GPU that would wait for them. Tensors on the device "meta" have none. Indices are looked at, to be in range."""
    rep, group, _ = case
    x = inputs(case).to("meta")
    y = rep.act(group, elements(group), x)
    assert (y.device, y.dtype, y.shape) == (x.device, x.dtype, x.shape)


def test_an_action_that_looks_at_the_numbers_is_caught() -> None:
    x = torch.zeros(2, 3, device="meta")
    with pytest.raises(RuntimeError):
        Relabel().act(Symmetric(4), elements(Symmetric(4))[:2], x.long())


@pytest.mark.cuda
def test_acting_on_the_gpu_is_acting_on_the_cpu() -> None:
    for case in CASES:
        rep, group, _ = case
        g, x = elements(group), inputs(case)
        y = rep.act(group, g, x.cuda())
        assert y.device.type == "cuda", _id(case)
        assert agree(rep, y.cpu(), rep.act(group, g, x)), _id(case)


# Matrices

MATRICES = [case for case in CASES if case[0].linear and math.prod(case[2]) <= 100]
every_matrix = pytest.mark.parametrize("case", MATRICES, ids=_id)


@every_matrix
def test_a_matrix_acts_as_its_rep_does(case: Case) -> None:
    rep, group, shape = case
    g, x = elements(group), inputs(case)
    matrix, size = rep.matrix(group, g, shape), math.prod(shape)
    assert matrix.shape == (TRIALS, size, size)
    assert matrix.is_complex() == rep.is_complex(group)
    moved = (matrix @ x.reshape(TRIALS, size, 1)).reshape(x.shape)
    expected = rep.act(group, g, x)
    # Sums of as many products as the rep mixes entries, with zeros beside them; exact where it only moves entries.
    bound = 0.0 if rep.discrete else 16 * mixed(rep, x) ** 1.5 * EPS * float(expected.abs().max())
    assert float((moved - expected).abs().max()) <= bound


@pytest.mark.parametrize("case", [case for case in MATRICES if case[0].exact], ids=_id)
def test_matrices_multiply_as_elements_do(case: Case) -> None:
    rep, group, shape = case
    g, h = elements(group, 1), elements(group, 2)
    left, right = rep.matrix(group, g, shape), rep.matrix(group, h, shape)
    both = rep.matrix(group, group.compose(g, h), shape)
    # Each entry sums as many products as the rep mixes entries, each of two entries that are sums of as many.
    size = float(left.abs().max() * right.abs().max())
    assert float((both - left @ right).abs().max()) <= 16 * mixed(rep, tensors(shape)) ** 1.5 * EPS * size


@pytest.mark.parametrize("case", [case for case in CASES if not case[0].linear], ids=_id)
def test_what_is_not_linear_has_no_matrix(case: Case) -> None:
    rep, group, shape = case
    with pytest.raises(ClaimError) as caught:
        rep.matrix(group, elements(group), shape)
    assert str(caught.value) == f"{rep} isn't linear, and so has no matrix. Ask for that of its linear part."


# The laws catch what is no rep


@dataclass(frozen=True)
class _Broken(Rep):
    """Another rep, acted with in a wrong way."""

    rep: Rep

    @property
    def rank(self) -> int:
        return self.rep.rank

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return self.rep.discrete

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return self.rep.sample(group, shape, n, rng)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(group, self.wrong(group, g), x)

    def wrong(self, group: Monoid, g: Tensor) -> Tensor:
        return g

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return self.rep.misfit(group, shape)

    @classmethod
    def examples(cls) -> list[Case]:
        return []


class Twice(_Broken):
    def wrong(self, group: Monoid, g: Tensor) -> Tensor:
        return group.compose(g, g)


class Backwards(_Broken):
    def wrong(self, group: Monoid, g: Tensor) -> Tensor:
        return group.inverse(g)


class AndAnother(_Broken):
    def wrong(self, group: Monoid, g: Tensor) -> Tensor:
        return group.compose(group.landmarks()[:1].expand_as(g), g)


class Rounded(_Broken):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(group, g, x).to(torch.complex64 if x.is_complex() else torch.float32).to(x.dtype)


def commutes(rep: Rep, group: Monoid, shape: Shape) -> bool:
    g, h, x = elements(group, 1), elements(group, 2), inputs((rep, group, shape))
    return agree(rep, rep.act(group, g, rep.act(group, h, x)), rep.act(group, h, rep.act(group, g, x)))


ACTING = [case for case in EXACT if not case[0].trivial and isinstance(case[1], Group)]


@pytest.mark.parametrize("broken", [Twice, Backwards], ids=lambda broken: broken.__name__)
@pytest.mark.parametrize("case", [case for case in ACTING if not commutes(*case)], ids=_id)
def test_a_rep_that_acts_by_another_element_is_no_homomorphism(case: Case, broken: type[_Broken]) -> None:
    """Where actions commute these are reps: the square and the inverse of a product are those of its factors."""
    rep, group, shape = case
    assert not homomorphic(broken(rep), group, shape)


@pytest.mark.parametrize("case", ACTING, ids=_id)
def test_a_rep_that_acts_by_another_element_as_well_is_caught(case: Case) -> None:
    rep, group, shape = case
    another, x = group.landmarks()[:1].expand(TRIALS, *group.element), inputs(case)
    moves = not agree(rep, rep.act(group, another, x), x)
    assert keeps_identity(AndAnother(rep), group, shape) != moves
    assert homomorphic(AndAnother(rep), group, shape) != moves


def rounds(rep: Rep, group: Monoid, shape: Shape) -> bool:
    """Whether it makes new numbers, rather than moving those that are there and changing their signs."""
    x = inputs((rep, group, shape))
    before, after = (torch.view_as_real(y) if y.is_complex() else y for y in (x, rep.act(group, elements(group), x)))
    before, after = (y.abs().reshape(TRIALS, -1).sort().values for y in (before, after))
    return float((before - after).abs().max()) > EPS**0.5


@pytest.mark.parametrize("case", [case for case in ACTING if not case[0].discrete and rounds(*case)], ids=_id)
def test_an_action_in_float32_is_caught(case: Case) -> None:
    rep, group, shape = case
    assert not homomorphic(Rounded(rep), group, shape)


# What each rep does


def test_vectors_turn_and_stay_where_they_are() -> None:
    quarter = torch.eye(4, dtype=torch.float64)
    quarter[:2, :2], quarter[:3, 3] = torch.tensor([[0, -1], [1, 0]]), torch.tensor([0, 0, 5])
    x = torch.tensor([[[1.0, 0, 0]]], dtype=torch.float64)
    assert Vector().act(SE(3), quarter.unsqueeze(0), x).tolist() == [[[0, 1, 0]]]
    assert Point().act(SE(3), quarter.unsqueeze(0), x).tolist() == [[[0, 1, 5]]]


def test_permute_sends_entry_i_to_place_g_of_i() -> None:
    g = torch.tensor([[2, 0, 1]])
    assert Permute(axis=-1).act(Symmetric(3), g, torch.tensor([[10, 11, 12]])).tolist() == [[11, 12, 10]]


def test_permute_moves_its_axis_alone() -> None:
    g, x = elements(Symmetric(3)), tensors((2, 3, 4))
    y = Permute(axis=-2).act(Symmetric(3), g, x)
    for trial in range(TRIALS):
        for i in range(3):
            assert torch.equal(y[trial, :, g[trial, i]], x[trial, :, i])


def test_roll_is_torch_roll() -> None:
    group, x = Translations((4, 6)), tensors((2, 4, 6))
    g = elements(group)
    expected = [torch.roll(one, tuple(shift.tolist()), (-2, -1)) for one, shift in zip(x, g, strict=True)]
    assert torch.equal(Roll().act(group, g, x), torch.stack(expected))


def test_sizes_are_named() -> None:
    assert Permute(axis=-2, of="edges").sizes((9, 5, 3)) == {"edges": 5}
    assert Roll(axes=(-3, -1)).sizes((9, 5, 3)) == {"grid0": 9, "grid1": 3}
    assert Vector().sizes((5, 3)) == {}


# Irreps

INVERSION = -torch.eye(3, dtype=torch.float64).expand(TRIALS, -1, -1)


def test_irreps_know_their_size() -> None:
    assert parse_irreps("8x0e+4x1o+2e") == ((8, 0, 1), (4, 1, -1), (1, 2, 1))
    assert Irreps("8x0e + 4x1o") == Irreps("8x0e+4x1o")
    assert [Irreps(text).dim for text in ("8x0e+4x1o", "3o", "2x2e+0o")] == [20, 7, 11]


@pytest.mark.parametrize("degree", range(4))
def test_parity_is_the_sign_under_inversion(degree: int) -> None:
    x = tensors((2 * degree + 1,))
    even, odd = Irreps(f"{degree}e"), Irreps(f"{degree}o")
    assert agree(even, even.act(O(3), INVERSION, x), x)
    assert agree(odd, odd.act(O(3), INVERSION, x), -x)


@pytest.mark.parametrize("degree", range(4))
def test_parity_does_not_matter_under_rotations(degree: int) -> None:
    g, x = elements(SO(3)), tensors((2 * degree + 1,))
    assert torch.equal(Irreps(f"{degree}e").act(SO(3), g, x), Irreps(f"{degree}o").act(SO(3), g, x))
    turned = Irreps(f"{degree}e").act(O(3), elements(O(3)), x)
    assert not torch.equal(turned, Irreps(f"{degree}o").act(O(3), elements(O(3)), x))


def test_irreps_of_degree_1_are_vectors() -> None:
    g, x = elements(O(3)), tensors((3,))
    assert agree(Vector(), Irreps("1o").act(O(3), g, x), Vector().act(O(3), g, x))
    pseudo = torch.linalg.det(g).sign().unsqueeze(-1) * Vector().act(O(3), g, x)
    assert agree(Vector(), Irreps("1e").act(O(3), g, x), pseudo)


def test_copies_lie_one_after_another() -> None:
    g, x = elements(SO(3)), tensors((11,))
    y = Irreps("2x1o+2e").act(SO(3), g, x)
    parts = [Irreps("1o").act(SO(3), g, x[:, :3]), Irreps("1o").act(SO(3), g, x[:, 3:6]), Irreps("2e").act(SO(3), g, x[:, 6:])]
    assert agree(Irreps("2e"), y, torch.cat(parts, -1))


DEGREES = range(9)


def close(left: Tensor, right: Tensor) -> bool:
    """Sums of 2l + 1 products of numbers up to 1, each a sum of as many rounded terms again."""
    return bool(((left - right).abs() <= 8 * left.shape[-1] * EPS).all())


@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_are_orthogonal_and_multiply(degree: int) -> None:
    g, h = elements(SO(3), 1), elements(SO(3), 2)
    one = torch.eye(2 * degree + 1, dtype=torch.float64)
    assert close(wigner_d(degree, g) @ wigner_d(degree, g).mT, one)
    assert close(wigner_d(degree, g @ h), wigner_d(degree, g) @ wigner_d(degree, h))
    assert close(wigner_d(degree, SO(3).identity(1)), one)
    assert close(wigner_d(degree, g.mT), wigner_d(degree, g).mT)


@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_turn_the_spherical_harmonics(degree: int) -> None:
    """Y(R x) = D(R) Y(x), at points other than those that D is found from."""
    g, x = elements(SO(3)), torch.nn.functional.normalize(tensors((3,)), dim=-1)
    turned = spherical_harmonics(degree, (g @ x.unsqueeze(-1)).squeeze(-1))
    assert close(turned, (wigner_d(degree, g) @ spherical_harmonics(degree, x).unsqueeze(-1)).squeeze(-1))


@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_are_irreducible(degree: int) -> None:
    """Their trace is the character of the irrep, sin((l + 1/2) t) / sin(t / 2) for a rotation by t."""
    g = elements(SO(3))
    half = ((g.diagonal(dim1=-2, dim2=-1).sum(-1) + 1).clamp_min(0).sqrt() / 2).acos()  # t / 2, from the trace 1 + 2 cos(t)
    expected = ((2 * degree + 1) * half).sin() / half.sin()
    trace = wigner_d(degree, g).diagonal(dim1=-2, dim2=-1).sum(-1)
    # The angle is good to an epsilon over the slope of acos, sin(t / 2), and the character moves (2l + 1)^2 as fast.
    bound = 8 * (2 * degree + 1) ** 2 * EPS / (half.sin() * half.cos().abs())
    assert bool(((trace - expected).abs() <= bound).all())


def test_a_wigner_matrix_of_the_inverse_is_caught() -> None:
    g, h = elements(SO(3), 1), elements(SO(3), 2)
    assert not close(wigner_d(2, (g @ h).mT), wigner_d(2, g.mT) @ wigner_d(2, h.mT))


def test_harmonics_of_degree_1_are_the_coordinates() -> None:
    x = torch.nn.functional.normalize(tensors((3,)), dim=-1)
    assert close(spherical_harmonics(1, x), x)


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
@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_are_those_of_e3nn(degree: int) -> None:
    """e3nn multiplies exponentials of generators by Euler angles, up to 2 pi l in norm, each of which is good to that many eps.

    Its generators are made in the default dtype: under float32 they would be good to 1e-6 only.
    """
    o3 = pytest.importorskip("e3nn.o3")
    g = elements(SO(3))
    with default_dtype(torch.float64):
        theirs = o3.Irrep(degree, 1).D_from_matrix(g)
    assert theirs.dtype == torch.float64
    assert float((wigner_d(degree, g) - theirs).abs().max()) <= 8 * (1 + 2 * math.pi * degree) * EPS


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_irreps_act_as_those_of_e3nn_with_reflections() -> None:
    o3 = pytest.importorskip("e3nn.o3")
    text = "2x0e+1o+3x2e+1e+3o"
    g, x = elements(O(3)), tensors((Irreps(text).dim,))
    with default_dtype(torch.float64):
        theirs = (o3.Irreps(text).D_from_matrix(g) @ x.unsqueeze(-1)).squeeze(-1)
    ours = Irreps(text).act(O(3), g, x)
    assert float((ours - theirs).abs().max()) <= 8 * (1 + 6 * math.pi) * EPS * 7 * float(x.abs().max())  # 7 terms, l = 3


# Where a rep doesn't fit

MISFITS: list[tuple[Rep, Group, Shape, str]] = [
    (
        Vector(),
        SO(3),
        (4, 2),
        "input 'x' has shape (4, 2): Vector() under SO(3) acts on a last axis of size 3. State a rep of 2 entries, or "
        "'scalar' for what the group leaves alone.",
    ),
    (
        Point(),
        E(2),
        (4, 3),
        "input 'x' has shape (4, 3): Point() under E(2) acts on a last axis of size 2. State a rep of 3 entries, or 'scalar' "
        "for what the group leaves alone.",
    ),
    (Vector(), SO(3), (), "input 'x' has shape (): Vector() needs 1 trailing axis. Use 'scalar' if it is invariant."),
    (
        Permute(),
        Symmetric(4),
        (4,),
        "input 'x' has shape (4,): Permute(axis=-2, of='points') needs 2 trailing axes. Use 'scalar' if it is invariant.",
    ),
    (
        Roll(),
        Translations((4, 6)),
        (6,),
        "input 'x' has shape (6,): Roll(axes=(-2, -1)) needs 2 trailing axes. Use 'scalar' if it is invariant.",
    ),
    (
        Permute(),
        Symmetric(4),
        (5, 3),
        "input 'x' has shape (5, 3): Permute(axis=-2, of='points') under S_4 permutes 4 entries along axis -2.",
    ),
    (
        Roll(),
        Translations((4, 6)),
        (6, 4),
        "input 'x' has shape (6, 4): Roll(axes=(-2, -1)) under Z_4 x Z_6 shifts 2 axes of sizes (4, 6).",
    ),
    (
        Roll(),
        Translations((6,)),
        (6, 6),
        "input 'x' has shape (6, 6): Roll(axes=(-2, -1)) under Z_6 shifts 1 axes of sizes (6,).",
    ),
    (
        Irreps("2x1o"),
        SO(3),
        (4, 3),
        "input 'x' has shape (4, 3): Irreps(text='2x1o') under SO(3) acts on a last axis of size 6. State a rep of 3 entries, "
        "or 'scalar' for what the group leaves alone.",
    ),
    (
        Irreps("1o"),
        O(2),
        (4, 3),
        "input 'x' has shape (4, 3): Irreps(text='1o') is defined for rotations and reflections of 3 dimensions, not for O(2).",
    ),
]
LACKS: list[tuple[Rep, Group, str]] = [
    (Vector(), Symmetric(3), "Vector(): S_3 has no linear part. Use a matrix group, such as 'SO(3)', or another rep"),
    (Point(), Translations((3,)), "Point(): Z_3 has no linear part. Use a matrix group, such as 'SO(3)', or another rep"),
    (
        Irreps("1o"),
        Symmetric(3),
        "Irreps(text='1o'): S_3 has no linear part. Use a matrix group, such as 'SO(3)', or another rep",
    ),
    (
        Permute(),
        SO(3),
        "Permute(axis=-2, of='points'): SO(3) has no permutations of points. Use a permutation group, such as 'S_n', or "
        "another rep",
    ),
    (
        Roll(),
        E(3),
        "Roll(axes=(-2, -1)): E(3) has no cyclic shifts. Use a group of grid translations, such as 'Z_N^2', or another rep",
    ),
]


def refusal(rep: Rep, group: Group, shape: Shape, floating: bool = True) -> str:
    with pytest.raises(ClaimError) as caught:
        rep.check(group, shape, floating, "input 'x'")
    return str(caught.value)


@pytest.mark.parametrize(("rep", "group", "shape", "text"), MISFITS, ids=[_id(case[:3]) for case in MISFITS])
def test_a_tensor_of_another_shape_is_refused(rep: Rep, group: Group, shape: Shape, text: str) -> None:
    assert refusal(rep, group, shape) == text


@pytest.mark.parametrize(("rep", "group", "text"), LACKS, ids=[f"{rep} of {group}" for rep, group, _ in LACKS])
def test_a_group_without_the_part_that_the_rep_needs_is_refused(rep: Rep, group: Group, text: str) -> None:
    message = refusal(rep, group, (3, 3))
    assert text in message
    assert "input 'x' has shape (3, 3)" in message


@pytest.mark.parametrize(("rep", "group", "text"), LACKS, ids=[f"{rep} of {group}" for rep, group, _ in LACKS])
def test_a_refusal_is_made_of_whole_sentences(rep: Rep, group: Group, text: str) -> None:
    assert ".;" not in refusal(rep, group, (3, 3))


@pytest.mark.parametrize("case", ACTING, ids=_id)
def test_integers_are_refused_unless_entries_are_only_moved(case: Case) -> None:
    rep, group, shape = case
    if rep.discrete:
        rep.check(group, shape, floating=False, where="input 'x'")
    else:
        assert refusal(rep, group, shape, floating=False) == (
            f"{rep} mixes entries and so acts on floating-point tensors; input 'x' holds integers. Use 'scalar' if the group "
            f"leaves it alone, or pass it as floating point."
        )


def test_scalars_may_be_anything() -> None:
    Scalar().check(SO(3), (), floating=False, where="input 'x'")


COUNTED_ALONE = ": the axis is a negative integer, counted from the end, so that batch axes don't matter."
COUNTED = ": axes are different negative integers, counted from the end, so that batch axes don't matter."


@pytest.mark.parametrize("axis", [0, 1])
def test_permute_counts_its_axis_from_the_end(axis: int) -> None:
    with pytest.raises(ClaimError) as caught:
        Permute(axis=axis)
    assert str(caught.value) == f"Permute(axis={axis}, of='points'){COUNTED_ALONE}"


@pytest.mark.parametrize("axes", [(0,), (-1, 1), (), (-1, -1), (-1.0,)])
def test_roll_counts_different_axes_from_the_end(axes: tuple[int, ...]) -> None:
    with pytest.raises(ClaimError) as caught:
        Roll(axes=axes)
    assert str(caught.value) == f"Roll(axes={axes}){COUNTED}"


def test_roll_refuses_a_number_in_place_of_axes() -> None:
    with pytest.raises(ClaimError, match=r"^Roll\(axes=-1\)"):
        Roll(axes=-1)  # type: ignore[arg-type]


# Words for reps


@pytest.mark.parametrize(
    ("word", "rep"),
    [
        ("scalar", Scalar()),
        ("trivial", Scalar()),
        (None, Scalar()),
        (" vector ", Vector()),
        ("point", Point()),
        ("permute", Permute()),
        ("permute(axis=-1)", Permute(axis=-1)),
        ("permute(axis=-3, of='edges')", Permute(axis=-3, of="edges")),
        ("roll", Roll()),
        ("roll(axes=(-1,))", Roll(axes=(-1,))),
        ("8x0e+4x1o", Irreps("8x0e+4x1o")),
        ("8x0e + 4x1o", Irreps("8x0e+4x1o")),
        ("2e", Irreps("2e")),
        ("irreps(text='2e')", Irreps("2e")),
        (Vector(), Vector()),
    ],
)
def test_a_word_stands_for_a_rep(word: Any, rep: Rep) -> None:
    assert as_rep(word) == rep


def asks(kind: type[Rep]) -> bool:
    """Whether it needs arguments: irreps, what is made of other reps, and the like."""
    return any(parameter.default is parameter.empty for parameter in signature(kind).parameters.values())


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if not asks(kind)], ids=lambda kind: kind.name)
def test_every_rep_is_found_by_its_name(kind: type[Rep]) -> None:
    assert type(as_rep(kind.name)) is kind


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if asks(kind)], ids=lambda kind: kind.name)
def test_a_rep_that_needs_arguments_says_so(kind: type[Rep]) -> None:
    with pytest.raises(ClaimError) as caught:
        as_rep(kind.name)
    assert "there is no rep" not in str(caught.value)
    assert "'" in str(caught.value) or "(" in str(caught.value)  # what to write instead


def test_names_are_unique() -> None:
    names = [kind.name for kind in CATALOGUE]
    assert len(set(names)) == len(names)


def test_an_unknown_name_is_told_all_others() -> None:
    with pytest.raises(ClaimError) as caught:
        as_rep("qqqqq")
    known = sorted({"trivial", *(kind.name for kind in CATALOGUE)})
    shown = ", ".join(map(repr, known[:20]))
    assert str(caught.value) == f"there is no rep 'qqqqq'; known: {shown} and {len(known) - 20} more (symcheck list)."


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (3, "3 is no rep. Use a rep such as Vector(), or its name, 'vector'."),
        ("permut", "there is no rep 'permut'; did you mean 'permute'?"),
        ("Permute", "there is no rep 'Permute'; did you mean 'permute'?"),
        ("irreps", "irreps are written out, as in '8x0e+4x1o'."),
        ("1o+", "'1o+' isn't a sum of irreps. Write multiplicity x degree parity, as in '8x0e+4x1o'."),
        ("1o+2q", "'1o+2q' isn't a sum of irreps. Write multiplicity x degree parity, as in '8x0e+4x1o'."),
        ("permute(-1)", "can't read the rep 'permute(-1)'. Write arguments by name, as in 'permute(axis=-1)'."),
        ("permute(axis=", "can't read the rep 'permute(axis='. Write arguments by name, as in 'permute(axis=-1)'."),
        ("permute(axis=n)", "can't read the rep 'permute(axis=n)'. Write arguments by name, as in 'permute(axis=-1)'."),
        ("permute(axis=-1) x", "can't read the rep 'permute(axis=-1) x'. Write arguments by name, as in 'permute(axis=-1)'."),
        ("permute(axis=1)", f"Permute(axis=1, of='points'){COUNTED_ALONE}"),
    ],
)
def test_a_word_for_no_rep_is_refused(word: Any, text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        as_rep(word)
    assert str(caught.value) == text


@pytest.mark.parametrize("word", ["permute(size=3)", "vector(dim=2)", "irreps()", "permute(**{'axis': -1})"])
def test_a_rep_is_not_made_from_arguments_that_it_lacks(word: str) -> None:
    with pytest.raises(ClaimError) as caught:
        as_rep(word)
    assert word in str(caught.value)


# Reps for trees


def laid_out(prefix: Any, tree: Any) -> list[Rep]:
    return spread(prefix, flatten(tree)[1], "outputs")


X = torch.zeros(2)


@pytest.mark.parametrize(
    ("prefix", "tree", "expected"),
    [
        ("vector", X, [Vector()]),
        ("vector", {"a": X, "b": (X, X)}, [Vector()] * 3),
        (None, (X, X), [Scalar()] * 2),
        ({"a": "vector", "b": None}, {"a": X, "b": X}, [Vector(), Scalar()]),
        ({"b": None, "a": "vector"}, {"a": X, "b": X}, [Vector(), Scalar()]),
        ({"a": "vector", "b": (None, Point())}, {"a": [X, X], "b": (X, X)}, [Vector(), Vector(), Scalar(), Point()]),
        (("vector", None), [X, X], [Vector(), Scalar()]),
        (OrderedDict(a="vector"), {"a": X}, [Vector()]),
        (Args("vector", mask=None), Args(X, mask=X), [Vector(), Scalar()]),
        ({"a": "vector", "b": "point"}, {"a": X, "b": None}, [Vector()]),
        ("vector", {}, []),
    ],
)
def test_reps_are_spread_over_what_is_below_them(prefix: Any, tree: Any, expected: list[Rep]) -> None:
    assert laid_out(prefix, tree) == expected


NEXT = " Give the same structure, with 'scalar' for what the group leaves alone."


@pytest.mark.parametrize(
    ("prefix", "tree", "text"),
    [
        (
            {"a": None},
            {"a": X, "b": X},
            "outputs: the reps are {'a': None}, but the output there is dict(a=Tensor, b=Tensor)." + NEXT,
        ),
        (
            {"a": None, "c": None},
            {"a": X},
            "outputs: the reps are {'a': None, 'c': None}, but the output there is dict(a=Tensor)." + NEXT,
        ),
        ({"a": None}, X, "outputs: the reps are {'a': None}, but the output there is Tensor." + NEXT),
        (
            (None, None),
            (X, X, X),
            "outputs: the reps are (None, None), but the output there is tuple(0=Tensor, 1=Tensor, 2=Tensor)." + NEXT,
        ),
        ({"a": [None]}, {"a": X}, "outputs: the reps at a are [None], but the output there is Tensor." + NEXT),
        (
            {"a": [{"c": None}]},
            {"a": [{"d": X}]},
            "outputs: the reps at a[0] are {'c': None}, but the output there is dict(d=Tensor)." + NEXT,
        ),
        ({"a": "permut"}, {"a": X}, "there is no rep 'permut'; did you mean 'permute'?"),
        ({"a": 1}, {"a": X}, "1 is no rep. Use a rep such as Vector(), or its name, 'vector'."),
    ],
)
def test_reps_of_another_structure_are_refused(prefix: Any, tree: Any, text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        laid_out(prefix, tree)
    assert str(caught.value) == text


def test_harmonics_of_high_degree_do_not_overflow() -> None:
    """The double factorials of degree 18 and above are no int64 any more."""
    from symcheck.testing import check_rep

    check_rep(Irreps("18e+20o"), SO(3), (2, 37 + 41))
