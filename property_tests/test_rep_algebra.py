"""The algebra of reps: what each combination does, told by what it leaves invariant, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

import symcheck
from symcheck import Verdict
from symcheck.claims import Claim
from symcheck.errors import ClaimError
from symcheck.groups import (
    GL,
    PGL,
    SE,
    SL,
    SO,
    SU,
    Aff,
    E,
    FullLorentz,
    Homomorphism,
    Lorentz,
    Monoid,
    O,
    Poincare,
    Polyhedral,
    Product,
    SignFlips,
    Sim,
    Symmetric,
    Translations,
    U,
    cover,
)
from symcheck.groups.warps import Warps
from symcheck.reps import (
    CATALOGUE,
    Along,
    Blocks,
    Cartesian,
    Conjugate,
    Custom,
    Dual,
    Factor,
    Flip,
    FourVector,
    Homogeneous,
    Irreps,
    Multivector,
    Permute,
    Point,
    PseudoScalar,
    PseudoVector,
    Relabel,
    Rep,
    Roll,
    Rotate,
    Scalar,
    ScaleBy,
    Shape,
    Spinor,
    SymmetricTraceless,
    TensorProduct,
    Together,
    Vector,
    Via,
    Voigt,
    as_rep,
    word,
)
from symcheck.reps.irreps import wigner_d
from symcheck.reps.multivector import minkowski
from symcheck.reps.sequences import Warp

EPS = float(torch.finfo(torch.float64).eps)
TRIALS = 32
SIGMA = torch.tensor([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=torch.complex128)


def elements(group: Monoid, seed: int = 0, n: int = TRIALS) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(TRIALS, *shape, generator=Generator().manual_seed(seed), dtype=dtype)


def spinors(*shape: int, seed: int = 0) -> Tensor:
    return numbers(*shape, seed=seed, dtype=torch.complex128)


def close(left: Tensor, right: Tensor, scale: float = 1.0) -> bool:
    """Equal up to the rounding of a few dozen operations on numbers as large as the larger side, or `scale` times as large."""
    size = max(1.0, float(left.abs().max()), float(right.abs().max())) * scale
    return left.shape == right.shape and bool(((left - right).abs() <= 64 * EPS * size).all())


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(ClaimError) as caught:
        make()
    return str(caught.value)


def misfit(rep: Rep, group: Monoid, shape: Shape) -> str:
    reason = rep.misfit(group, shape)
    assert reason is not None
    return reason


def test_close_sees_float32() -> None:
    x = numbers(3)
    assert close(x, x.clone())
    assert not close(x, x.float().double())
    assert not close(x, torch.full_like(x, math.nan))


# Acting together

CLOUD = Product((E(3), Symmetric(5)))


def test_points_are_permuted_and_moved() -> None:
    g, x = elements(CLOUD), numbers(5, 3)
    move, place = CLOUD.split(g)
    y = (Permute() * Point()).act(CLOUD, g, x)
    for trial in range(TRIALS):
        for i in range(5):
            moved = E(3).linear(move)[trial] @ x[trial, i] + E(3).translation(move)[trial]
            assert close(y[trial, place[trial, i]], moved)


def test_the_order_does_not_matter_where_they_commute() -> None:
    g, x = elements(CLOUD), numbers(5, 3)
    assert torch.equal((Permute() * Point()).act(CLOUD, g, x), (Point() * Permute()).act(CLOUD, g, x))


def test_the_last_acts_first_where_it_does() -> None:
    """Outside of any group: the wrong pair, applied all the same."""
    g, x = elements(E(3)), numbers(4, 3)
    assert torch.equal((Vector() * Point()).act(E(3), g, x), Vector().act(E(3), g, Point().act(E(3), g, x)))
    assert not torch.equal((Point() * Vector()).act(E(3), g, x), (Vector() * Point()).act(E(3), g, x))


NEXT = (
    ", and so aren't a rep together: the one after the other isn't the other after the one. Let them act by different factors "
    "of a product group, or on different axes"
)


@pytest.mark.parametrize(
    ("rep", "group", "shape", "pair"),
    [
        (Vector() * Point(), E(3), (4, 3), "Vector() and Point() don't commute under E(3)"),
        (Vector() * PseudoVector(), O(3), (3,), "Vector() and PseudoVector() don't commute under O(3)"),
        (Permute() * Scalar() * Permute(), Symmetric(3), (3, 2), "{0} and {0} don't commute under S_3"),
        (Relabel() * Relabel(), Symmetric(3), (2, 4), "{1} and {1} don't commute under S_3"),
        (Spinor() * Vector(), SU(2), (2,), "Spinor(spin=0.5) and Vector() don't commute under SU(2)"),
    ],
    ids=str,
)
def test_reps_that_do_not_commute_are_refused(rep: Rep, group: Monoid, shape: Shape, pair: str) -> None:
    assert misfit(rep, group, shape) == pair.format(Permute(), Relabel()) + NEXT


def test_what_does_not_commute_breaks_the_law() -> None:
    """The refusal isn't arbitrary: rho(g) rho(h) isn't rho(gh)."""
    rep, x = Vector() * Point(), numbers(4, 3)
    g, h = elements(E(3), 1), elements(E(3), 2)
    assert not close(rep.act(E(3), g, rep.act(E(3), h, x)), rep.act(E(3), E(3).compose(g, h), x))


@pytest.mark.parametrize(
    ("rep", "group", "shape"),
    [
        (Permute() * Permute(), Symmetric(2), (2, 3)),  # a commutative group
        (Vector() * Vector(), SO(2), (4, 2)),
        (Permute(axis=-2) * Permute(axis=-1), Symmetric(4), (4, 4)),  # different axes
        (PseudoScalar() * Vector(), O(3), (3,)),  # a multiple of the identity
        (Rotate() * Scalar(), SO(2), (5, 5)),
    ],
    ids=str,
)
def test_reps_that_commute_are_not_refused(rep: Rep, group: Monoid, shape: Shape) -> None:
    assert rep.misfit(group, shape) is None


def state(entries: int) -> str:
    return f"State a rep of {entries} entries, or 'scalar' for what the group leaves alone."


@pytest.mark.parametrize(
    ("rep", "shape", "instead"),
    [
        (Vector(), (5, 12), "For 4 of them one after the other write '4 vector'."),
        (Irreps("1o+2e"), (5, 16), "For 2 of them one after the other write '2 (1o+2e)'."),
        (Point(), (3, 64), "Axis -2 has that size: 'along(point, axis=-2)' acts there."),
        (Permute() * Vector(), (8, 3, 16), "Axis -2 has that size: 'along(vector, axis=-2)' acts there."),
        (Vector(), (1,), "State a rep of 1 entry, or 'scalar' for what the group leaves alone."),
    ],
    ids=str,
)
def test_a_wrong_size_is_told_what_may_have_been_meant(rep: Rep, shape: Shape, instead: str) -> None:
    reason = rep.misfit(Product((E(3), Symmetric(3))), shape)
    assert reason is not None
    assert reason.endswith(instead)


def test_a_misfit_of_one_is_a_misfit_of_all() -> None:
    assert misfit(Permute() * Point(), CLOUD, (5, 2)) == f"Point() under E(3) x S_5 acts on a last axis of size 3. {state(2)}"
    assert "SO(3) has no permutations of points" in misfit(Permute() * Vector(), SO(3), (5, 3))


def test_flags_are_those_of_all_parts() -> None:
    both = Permute() * Point()
    assert (both.exact, both.linear, both.trivial, both.discrete, both.indices) == (True, False, False, False, False)
    assert (Rotate() * Scalar()).exact is False
    assert (Permute() * Roll()).discrete
    assert (Relabel() * Permute()).indices
    assert (Scalar() * Scalar()).trivial
    assert (Permute(axis=-3) * Vector()).rank == 3
    assert (Permute(axis=-3) * Vector()).mixes == (-3, -1)
    assert both.sizes((5, 3)) == {"points": 5}


def test_together_is_flat() -> None:
    assert Permute() * (Point() * Scalar()) == (Permute() * Point()) * Scalar() == Together(Permute(), Point(), Scalar())


def test_a_cloud_is_checked_under_a_product_group() -> None:
    claim = {"group": "E(3) x S_n", "inputs": "permute * point"}
    x = torch.randn(8, 5, 3, generator=Generator().manual_seed(0))
    assert symcheck.check(lambda x: x.mean(-2), x, outputs="point", **claim).verdict is Verdict.HOLDS
    assert symcheck.check(lambda x: 2 * x - x.flip(-2), x, outputs="permute * point", **claim).verdict is Verdict.VIOLATED
    assert symcheck.check(lambda x: x.mean(-2), x, outputs="vector", **claim).verdict is Verdict.VIOLATED


def test_an_adjacency_matrix_is_permuted_along_both_axes() -> None:
    group, a = Symmetric(4), numbers(4, 4)
    g = elements(group)
    y = as_rep("permute(axis=-2) * permute(axis=-1)").act(group, g, a)
    for trial in range(TRIALS):
        for i in range(4):
            for j in range(4):
                assert y[trial, g[trial, i], g[trial, j]] == a[trial, i, j]


# The direct sum


def test_blocks_act_one_after_another() -> None:
    group, x = O(3), numbers(5, 15)
    g = elements(group)
    y = (4 * Scalar() + 2 * Vector() + Irreps("2e")).act(group, g, x)
    assert torch.equal(y[..., :4], x[..., :4])
    assert torch.equal(y[..., 4:7], Vector().act(group, g, x[..., 4:7]))
    assert torch.equal(y[..., 7:10], Vector().act(group, g, x[..., 7:10]))
    assert torch.equal(y[..., 10:], Irreps("2e").act(group, g, x[..., 10:]))


def test_blocks_of_irreps_are_irreps() -> None:
    group, x = O(3), numbers(14)
    g = elements(group)
    assert close((2 * Irreps("1o") + Irreps("2e+1e")).act(group, g, x), Irreps("2x1o+2e+1e").act(group, g, x))


def test_a_block_may_be_a_tensor_or_a_sum() -> None:
    group, x = O(3), numbers(13)
    g = elements(group)
    y = (Cartesian(2) + 1 * (Scalar() + Vector())).act(group, g, x)
    assert torch.equal(y[:, :9].reshape(-1, 3, 3), Cartesian(2).act(group, g, x[:, :9].reshape(-1, 3, 3)))
    assert torch.equal(y[:, 10:], Vector().act(group, g, x[:, 10:]))


def test_the_arithmetic_of_blocks() -> None:
    assert 4 * Scalar() + 2 * Vector() == Blocks((Scalar(), 4), (Vector(), 2))
    assert Scalar() + Vector() + Scalar() == Blocks(Scalar(), Vector(), Scalar())
    assert (4 * Scalar() + 2 * Vector()).fibre(SO(3)) == (10,)
    assert (4 * Scalar() + 2 * Vector()).fibre(SO(2)) == (8,)


@pytest.mark.parametrize(
    "operation", [lambda: Vector() * 2, lambda: Vector() + 1, lambda: 2.5 * Vector(), lambda: Vector() * "point"]
)
def test_operators_take_reps_and_counts(operation: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        operation()


def test_blocks_that_do_not_fit_are_refused() -> None:
    rep = 4 * Scalar() + 2 * Vector()
    assert misfit(rep, SO(3), (5, 9)) == f"{rep} under SO(3) acts on a last axis of size 10. {state(9)}"
    assert misfit(Permute() + Scalar(), Symmetric(3), (3, 4)) == (
        f"{Permute()} + Scalar(): S_3 doesn't tell on how many entries {Permute()} acts. Put what acts along an axis beside "
        f"the sum, as in 'permute * (4 scalar + 2 vector)'."
    )
    assert "S_3 has no linear part" in misfit(Vector() + Scalar(), Symmetric(3), (4,))
    assert refusal(lambda: Blocks((Vector(), 0))) == "Blocks: there are 0 copies of Vector(). Give a whole number of 1 or more."
    assert refusal(lambda: Blocks()) == "Blocks() is made of nothing. Give it reps, such as Vector()."
    assert refusal(lambda: Together("vector")) == (  # type: ignore[arg-type]
        "Together: 'vector' is no rep. Use a rep such as Vector(), or write it all as one text."
    )


def test_a_sum_is_checked_as_one_feature_vector() -> None:
    def gate(x: Tensor) -> Tensor:
        return torch.cat([x[..., :1].tanh(), x[..., 1:] * x[..., :1].sigmoid()], -1)

    claim = {"group": "O(3)", "inputs": "scalar + 2 vector", "outputs": "scalar + 2 vector"}
    x = torch.randn(8, 7, generator=Generator().manual_seed(0))
    assert symcheck.check(gate, x, **claim).verdict is Verdict.HOLDS
    assert symcheck.check(lambda x: gate(x).relu(), x, **claim).verdict is Verdict.VIOLATED


# The tensor product


def kron(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack([torch.kron(x, y) for x, y in zip(a, b, strict=True)])


@pytest.mark.parametrize(
    ("a", "b", "group"),
    [
        (Vector(), Irreps("2e"), O(3)),
        (Cartesian(2, lower=1), Vector(), GL(2)),
        (Spinor(1), Spinor(), SU(2)),
        (Vector(), Dual(Vector()), GL(2)),
    ],
    ids=str,
)
def test_the_matrix_of_a_product_is_kroneckers(a: Rep, b: Rep, group: Monoid) -> None:
    g, fibres = elements(group), [rep.fibre(group) for rep in (a, b)]
    assert None not in fibres
    product = TensorProduct(a, b)
    left, right = (rep.matrix(group, g, fibre or ()) for rep, fibre in zip((a, b), fibres, strict=True))
    assert close(product.matrix(group, g, product.fibre(group)), kron(left, right))
    assert not close(product.matrix(group, g, product.fibre(group)), kron(right, left))


def test_products_of_vectors_are_tensors() -> None:
    g, x, y = elements(O(3)), numbers(3, seed=1), numbers(3, seed=2)
    outer = (x.unsqueeze(-1) * y.unsqueeze(-2)).flatten(1)
    turned = (Vector().act(O(3), g, x).unsqueeze(-1) * Vector().act(O(3), g, y).unsqueeze(-2)).flatten(1)
    assert close(TensorProduct(Vector(), Vector()).act(O(3), g, outer), turned)
    assert close(Cartesian(2).act(O(3), g, outer.reshape(-1, 3, 3)).flatten(1), turned)


def test_products_that_do_not_exist_are_refused() -> None:
    assert refusal(lambda: TensorProduct(Point(), Vector())) == (
        "TensorProduct(a=Point(), b=Vector()): Point() isn't linear, so products of what it acts on don't transform by "
        "themselves. Use a linear rep, such as 'vector'."
    )
    product = TensorProduct(Permute(), Vector())
    assert misfit(product, CLOUD, (15,)) == (
        f"{product}: E(3) x S_5 doesn't tell on how many entries {Permute()} acts. Use reps such as 'vector' or '2x1o', whose "
        f"sizes the group tells."
    )
    pair = TensorProduct(Vector(), Vector())
    assert misfit(pair, SO(3), (3, 3)) == f"{pair} under SO(3) acts on a last axis of size 9. {state(3)}"


# Duals and conjugates

LINEAR: list[tuple[Rep, Monoid]] = [
    (Vector(), GL(3)),
    (Vector(), SL(2)),
    (Vector(), Lorentz(3)),
    (Spinor(1.5), SU(2)),
    (Vector(), U(3)),
    (Irreps("2e+1o"), O(3)),
    (Multivector(1, 3), FullLorentz(3)),
    (ScaleBy(2) * Vector(), Sim(2)),
]


def contracted(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(-1)


@pytest.mark.parametrize(("rep", "group"), LINEAR, ids=str)
def test_a_dual_contracts_to_an_invariant(rep: Rep, group: Monoid) -> None:
    g, shape, rng = elements(group), (2, *(rep.fibre(group) or ())), Generator().manual_seed(1)
    x, y = (rep.sample(group, shape, TRIALS, rng) for _ in range(2))
    up, down = rep.act(group, g, x), Dual(rep).act(group, g, y)
    size = float(up.abs().max() * down.abs().max())
    assert close(contracted(down, up), contracted(y, x), scale=size)


def test_a_dual_of_a_group_that_keeps_no_form_is_another_rep() -> None:
    g, x = elements(GL(3)), numbers(3)
    assert not close(Dual(Vector()).act(GL(3), g, x), Vector().act(GL(3), g, x))
    assert not close(contracted(Vector().act(GL(3), g, x), Vector().act(GL(3), g, x)), contracted(x, x))


def test_an_orthogonal_rep_is_its_own_dual() -> None:
    for rep, group, shape in ((Vector(), O(3), (4, 3)), (Permute(), Symmetric(4), (4, 2)), (Irreps("3o"), O(3), (7,))):
        g, x = elements(group), numbers(*shape)
        assert close(Dual(rep).act(group, g, x), rep.act(group, g, x))


def test_the_dual_of_a_lorentz_vector_has_its_index_lowered() -> None:
    g, x = elements(Lorentz(3)), numbers(4)
    metric = minkowski()
    lowered = FourVector().act(Lorentz(3), g, x @ metric) @ metric
    assert close(Dual(FourVector()).act(Lorentz(3), g, x), lowered, scale=float(g.abs().max()) ** 2)
    assert not close(lowered, FourVector().act(Lorentz(3), g, x))


def test_the_dual_of_a_unitary_rep_is_its_conjugate() -> None:
    g, x = elements(U(2)), spinors(2)
    assert close(Dual(Vector()).act(U(2), g, x), Conjugate(Vector()).act(U(2), g, x))
    assert not close(Conjugate(Vector()).act(U(2), g, x), Vector().act(U(2), g, x))


def test_conjugate_spinors_are_spinors_in_another_basis() -> None:
    """epsilon U* epsilon^-1 = U for SU(2), and not for U(2)."""
    epsilon = torch.tensor([[0, 1], [-1, 0]], dtype=torch.complex128)
    for group, same in ((SU(2), True), (U(2), False)):
        g, x = elements(group), spinors(2)
        other = Conjugate(Spinor()).act(group, g, x @ epsilon) @ epsilon.mT
        assert close(other, Spinor().act(group, g, x)) is same


def test_the_conjugate_acts_on_conjugates() -> None:
    g, x = elements(SU(3)), spinors(4, 3)
    assert close(Conjugate(Vector()).act(SU(3), g, x.conj()), Vector().act(SU(3), g, x).conj())


def test_what_has_no_dual_is_refused() -> None:
    assert refusal(lambda: Dual(Point())) == (
        "Dual(rep=Point()): Point() isn't linear, and so has no matrix to invert and transpose. Use a linear rep, such as "
        "'vector'."
    )
    assert refusal(lambda: Conjugate(Relabel())).startswith(f"Conjugate(rep={Relabel()}): {Relabel()} isn't linear, ")
    warped = misfit(Dual(Warp()), Warps(4), (4, 2))
    assert warped == f"Dual(rep={Warp()}): {Warps(4)} has no inverses, which a dual needs. Use a group, or the rep itself."
    assert "S_3 has no linear part" in misfit(Dual(Vector()), Symmetric(3), (3,))


# Along another axis


def test_points_in_rows_are_points_in_columns_transposed() -> None:
    rows, columns, group = Along(Point(), -2), Point(), E(3)
    g, x = elements(group), numbers(3, 4)
    assert torch.equal(rows.act(group, g, x), columns.act(group, g, x.mT).mT)
    assert not close(rows.act(group, g, x[..., :3]), columns.act(group, g, x[..., :3]))
    assert rows.patterns((3, 4)).keys() == columns.patterns((4, 3)).keys()
    assert all(torch.equal(x, columns.patterns((4, 3))[name].mT) for name, x in rows.patterns((3, 4)).items())


@pytest.mark.parametrize(("leak", "verdict"), [(0.0, Verdict.HOLDS), (0.1, Verdict.VIOLATED)])
def test_a_network_on_points_in_rows_is_checked(leak: float, verdict: Verdict) -> None:
    def centred(x: Tensor) -> Tensor:
        return (x - x.mean(-1, keepdim=True)).square().sum((-2, -1)) + leak * x[..., 0, :].sin().sum(-1)

    claim = {"inputs": "along(point, axis=-2) * permute(axis=-1)", "outputs": "scalar"}
    assert symcheck.check(centred, torch.randn(3, 7), group="E(3) x S_n", **claim).verdict is verdict


def test_what_does_not_act_on_the_last_axis_alone_stays_there() -> None:
    assert refusal(lambda: Along(Permute(), -3)) == (
        "Along(rep=Permute(axis=-2, of='points'), axis=-3): Permute(axis=-2, of='points') doesn't act on the last axis alone. "
        "Use "
        "one that does, such as 'vector'."
    )
    assert "a negative integer" in refusal(lambda: Along(Vector(), 1))
    assert misfit(Along(Vector(), -2), SO(3), (4, 3)).startswith("Along(rep=Vector(), axis=-2): Vector() under SO(3) acts on")


# By way of a homomorphism


def spin_vector(s: Tensor) -> Tensor:
    """s^H sigma s: the direction in which a spin points."""
    return torch.einsum("...a, iab, ...b -> ...i", s.conj(), SIGMA, s).real


def test_su2_turns_the_direction_of_a_spinor_by_its_cover() -> None:
    g, s = elements(SU(2)), spinors(4, 2)
    turned = Via(Vector(), cover).act(SU(2), g, spin_vector(s))
    assert close(spin_vector(Spinor().act(SU(2), g, s)), turned)
    assert not close(spin_vector(Spinor().act(SU(2), SU(2).inverse(g), s)), turned)


def test_a_full_turn_leaves_vectors_and_turns_spinors_around() -> None:
    minus, x, s = -SU(2).identity(TRIALS), numbers(3), spinors(2)
    assert torch.equal(Via(Vector(), cover).act(SU(2), minus, x), x)
    assert torch.equal(Spinor().act(SU(2), minus, s), -s)


def test_a_model_of_spins_is_checked_by_the_cover() -> None:
    s = torch.randn(8, 2, generator=Generator().manual_seed(0), dtype=torch.complex64)
    claim = {"group": "SU(2)", "inputs": "spinor"}
    assert symcheck.check(spin_vector_model, s, outputs=Via(Vector(), cover), **claim).passed
    assert symcheck.check(spin_vector_model, s, outputs="scalar", **claim).verdict is Verdict.VIOLATED


def spin_vector_model(s: Tensor) -> Tensor:
    return torch.einsum("...a, iab, ...b -> ...i", s.conj(), SIGMA.to(s), s).real


def test_a_product_acts_by_the_factor_that_is_named() -> None:
    group = Product((SO(3), O(3)))
    g, x = elements(group), numbers(4, 3)
    first, second = group.split(g)
    assert torch.equal(Factor(Vector(), 0).act(group, g, x), Vector().act(SO(3), first, x))
    assert torch.equal(Factor(Vector(), 1).act(group, g, x), Vector().act(O(3), second, x))
    assert torch.equal(Via(Vector(), group.projection(1)).act(group, g, x), Factor(Vector(), 1).act(group, g, x))
    assert not torch.equal(Vector().act(group, g, x), Factor(Vector(), 1).act(group, g, x))


def test_a_factor_that_is_not_there_is_refused() -> None:
    rep = Factor(Vector(), 2)
    assert misfit(rep, CLOUD, (3,)) == f"{rep}: E(3) x S_5 has 2 factors, numbered from 0. Use one of them."
    assert misfit(rep, O(3), (3,)) == f"{rep}: O(3) is no product. Use the rep itself, Vector()."
    assert refusal(lambda: Factor(Vector(), -1)).endswith(
        "factors are numbered 0, 1 and so on, in the order in which the group names them."
    )


def test_a_rep_of_another_group_is_refused() -> None:
    rep = Via(Vector(), cover)
    assert str(rep) == "Via(Vector(), SU(2) -> SO(3))"
    assert misfit(rep, SO(3), (3,)) == "Via(Vector(), SU(2) -> SO(3)) is for SU(2), not for SO(3)"
    assert misfit(rep, SU(2), (2,)) == f"Vector() under SO(3) acts on a last axis of size 3. {state(2)}"


def test_a_homomorphism_from_a_group_of_any_size_is_one_from_each() -> None:
    every = Product((Symmetric(), SO(3)))
    bound = every.bind({"points": 4})
    rep = Via(Vector(), Homomorphism(every, SO(3), lambda g: bound.split(g)[1]))
    assert rep.misfit(bound, (4, 3)) is None
    assert misfit(rep, SO(3), (4, 3)) == f"{rep} is for S_n x SO(3), not for SO(3)"


def test_a_map_that_is_no_homomorphism_makes_no_rep() -> None:
    rep = Via(Vector(), Homomorphism(SO(3), SO(3), lambda g: g @ g, "squares"))
    g, h, x = elements(SO(3), 1), elements(SO(3), 2), numbers(3)
    assert not close(rep.act(SO(3), g, rep.act(SO(3), h, x)), rep.act(SO(3), g @ h, x))
    with pytest.raises(ClaimError, match="is no representation of SO\\(3\\)"):
        symcheck.check(lambda x: x, torch.randn(4, 3), group="SO(3)", inputs=rep, outputs="vector")


# A rep of one's own


def along_z(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
    """Turns only the first two coordinates, of a group of planar rotations."""
    return torch.cat([Vector().act(group, g, x[..., :2]), x[..., 2:]], -1)


def test_a_function_is_a_rep() -> None:
    rep = Custom(along_z, name="about z", rank=1, mixes=(-1,))
    assert (rep.name, rep.rank, rep.linear, rep.discrete, rep.exact, repr(rep)) == (
        "about z",
        1,
        True,
        False,
        True,
        "Custom('about z')",
    )
    claim = {"group": "SO(2)", "inputs": rep}
    x = torch.randn(8, 3, generator=Generator().manual_seed(0))
    assert symcheck.check(lambda x: x[..., :2].norm(dim=-1) + x[..., 2], x, outputs="scalar", **claim).passed
    assert symcheck.check(lambda x: x.sum(-1), x, outputs="scalar", **claim).verdict is Verdict.VIOLATED


def test_a_function_that_is_no_rep_is_found_out() -> None:
    def backwards(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return Vector().act(group, g.mT, x)

    with pytest.raises(ClaimError) as caught:
        symcheck.check(
            lambda x: x, torch.randn(4, 3), group="SO(3)", inputs=Custom(backwards, name="backwards"), outputs="vector"
        )
    assert str(caught.value).startswith("Custom('backwards') on the inputs is no representation of SO(3)")


def test_a_function_that_changes_shapes_is_refused() -> None:
    g, x = elements(SO(2)), numbers(3)
    assert refusal(lambda: Custom(lambda group, g, x: x[:, :2], name="cut").act(SO(2), g, x)) == (
        "Custom('cut') returned shape (32, 2) for a tensor of shape (32, 3). Return one of the same shape."
    )
    assert "returned None" in refusal(lambda: Custom(lambda group, g, x: None).act(SO(2), g, x))  # type: ignore[arg-type]
    assert refusal(lambda: Custom("vector")) == (  # type: ignore[arg-type]
        "Custom: 'vector' is no function of a group, elements and tensors. Give one that acts."
    )


# Tensors


def test_a_tensor_turns_each_of_its_axes() -> None:
    g, t = elements(GL(3)), numbers(2, 3, 3, 3)
    expected = torch.einsum("nia, njb, nkc, nxabc -> nxijk", g, g, g, t)
    assert close(Cartesian(3).act(GL(3), g, t), expected, scale=float(g.abs().max()) ** 3)


def test_lower_axes_turn_as_covectors_do() -> None:
    """A linear map is a tensor with one upper axis and one lower: its trace and its determinant are invariant."""
    group, m = GL(3), numbers(3, 3)
    g = elements(group)
    mixed = Cartesian(2, lower=1).act(group, g, m)
    assert close(mixed, g @ m @ torch.linalg.inv(g), scale=float(mixed.abs().max()) * 8)
    one = torch.eye(3, dtype=torch.float64).expand(TRIALS, -1, -1)
    assert close(Cartesian(2, lower=1).act(group, g, one), one, scale=float(torch.linalg.cond(g).max()))
    assert not close(Cartesian(2).act(group, g, one), one)
    assert close(Cartesian(2).act(O(3), elements(O(3)), one), one)


def test_the_volume_form_is_a_pseudotensor() -> None:
    epsilon = torch.zeros(3, 3, 3, dtype=torch.float64)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        epsilon[i, j, k], epsilon[j, i, k] = 1, -1
    form = epsilon.expand(TRIALS, -1, -1, -1)
    g = elements(O(3))
    assert close((PseudoScalar() * Cartesian(3)).act(O(3), g, form), form)
    assert not close(Cartesian(3).act(O(3), g, form), form)


@pytest.mark.parametrize(("rank", "lower"), [(0, 0), (2, 3), (2, -1), (1.5, 0)])
def test_a_tensor_of_no_rank_is_refused(rank: Any, lower: int) -> None:
    assert refusal(lambda: Cartesian(rank, lower)).endswith(
        "a tensor has a rank of 1 or more, and from 0 to all of its axes are lower. Use 'scalar' for rank 0."
    )


def test_a_tensor_of_another_shape_is_refused() -> None:
    assert misfit(Cartesian(2), SO(3), (3, 2)) == f"{Cartesian(2)} under SO(3) acts on last axes of sizes (3, 3)"


@pytest.mark.parametrize(
    ("dim", "degree", "size"), [(2, 1, 2), (2, 5, 2), (3, 1, 3), (3, 2, 5), (3, 4, 9), (4, 2, 9), (5, 3, 30)]
)
def test_the_basis_is_orthonormal_symmetric_and_traceless(dim: int, degree: int, size: int) -> None:
    basis = SymmetricTraceless.basis(dim, degree)
    assert basis.shape == (size, *degree * (dim,))
    assert close(basis.flatten(1) @ basis.flatten(1).mT, torch.eye(size, dtype=torch.float64))
    for i, j in combinations(range(1, degree + 1), 2):
        assert close(basis, basis.transpose(i, j))
        assert close(basis.diagonal(dim1=i, dim2=j).sum(-1), torch.zeros(()).double().expand(size, *(degree - 2) * (dim,)))


def test_the_basis_of_degree_2_is_the_one_in_the_docstring() -> None:
    s = 2**-0.5
    expected = [
        torch.diag(torch.tensor([2.0, -1, -1], dtype=torch.float64)) / 6**0.5,
        s * torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.float64),
        s * torch.tensor([[0.0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=torch.float64),
        s * torch.diag(torch.tensor([0.0, 1, -1], dtype=torch.float64)),
        s * torch.tensor([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=torch.float64),
    ]
    assert close(SymmetricTraceless.basis(3, 2), torch.stack(expected))


@pytest.mark.parametrize(
    ("group", "degree"), [(O(2), 3), (O(3), 2), (O(3), 3), (SO(5), 2), (Polyhedral("Icosahedral"), 4)], ids=str
)
def test_components_turn_as_the_tensor_does(group: Monoid, degree: int) -> None:
    """No component leaves the subspace: the tensor of the turned components is the turned tensor."""
    g = elements(group)
    basis = SymmetricTraceless.basis(group.linear(group.identity(1)).shape[-1], degree)
    c = numbers(len(basis))
    turned = SymmetricTraceless(degree).act(group, g, c)
    assert close(
        torch.einsum("ni, i... -> n...", turned, basis),
        Cartesian(degree).act(group, g, torch.einsum("ni, i... -> n...", c, basis)),
    )


@pytest.mark.parametrize("degree", range(1, 5))
def test_in_space_it_is_the_irrep_of_that_degree(degree: int) -> None:
    """Equal characters: the same rep in another basis."""
    g = elements(SO(3))
    trace = SymmetricTraceless(degree).matrix(SO(3), g, (2 * degree + 1,)).diagonal(dim1=1, dim2=2).sum(-1)
    assert close(trace, wigner_d(degree, g).diagonal(dim1=1, dim2=2).sum(-1))


@pytest.mark.parametrize("group", [GL(3), Sim(3), Lorentz(3), SU(3)], ids=str)
def test_traces_need_a_metric(group: Monoid) -> None:
    for rep in (SymmetricTraceless(), Irreps("2e")):
        assert f", not for {group}" in misfit(rep, group, (5,))


def voigt(s: Tensor, shear: float = 1.0) -> Tensor:
    return torch.stack(
        [s[..., 0, 0], s[..., 1, 1], s[..., 2, 2], *(shear * s[..., i, j] for i, j in ((1, 2), (0, 2), (0, 1)))], -1
    )


def symmetric(seed: int = 0) -> Tensor:
    m = numbers(4, 3, 3, seed=seed)
    return m + m.mT


@pytest.mark.parametrize("shear", [1.0, 2.0, 2**0.5])
def test_voigts_components_turn_as_the_stress_does(shear: float) -> None:
    g, s = elements(O(3)), symmetric()
    assert close(Voigt(shear).act(O(3), g, voigt(s, shear)), voigt(Cartesian(2).act(O(3), g, s), shear))
    assert not close(Voigt(shear).act(O(3), g, voigt(s, shear + 1)), voigt(Cartesian(2).act(O(3), g, s), shear + 1))


def test_a_stress_and_an_engineering_strain_make_an_energy() -> None:
    g, stress, strain = elements(O(3)), voigt(symmetric(1)), voigt(symmetric(2), 2.0)
    turned = Voigt().act(O(3), g, stress), Voigt(2.0).act(O(3), g, strain)
    assert close(contracted(*turned), contracted(stress, strain), scale=8)
    assert not close(contracted(turned[0], turned[0]), contracted(stress, stress), scale=8)


def test_voigts_lists_exist_in_two_and_three_dimensions() -> None:
    assert (
        misfit(Voigt(), O(4), (10,)) == "Voigt(shear=1.0) is defined for real matrix groups of 2 and 3 dimensions, not for O(4)"
    )
    assert misfit(Voigt(), O(3), (3,)) == f"Voigt(shear=1.0) under O(3) acts on a last axis of size 6. {state(3)}"
    assert "positive: 1 for a stress" in refusal(lambda: Voigt(0))


def test_a_cross_product_is_a_pseudovector_and_a_triple_product_a_pseudoscalar() -> None:
    g, a, b, c = elements(O(3)), *(numbers(4, 3, seed=i) for i in range(3))
    turned = [Vector().act(O(3), g, x) for x in (a, b, c)]
    cross, triple = torch.linalg.cross(turned[0], turned[1]), (torch.linalg.cross(turned[0], turned[1]) * turned[2]).sum(-1)
    before = torch.linalg.cross(a, b)
    assert close(cross, PseudoVector().act(O(3), g, before))
    assert not close(cross, Vector().act(O(3), g, before))
    assert close(triple, PseudoScalar().act(O(3), g, (before * c).sum(-1)), scale=8)
    assert close((PseudoScalar() * Vector()).act(O(3), g, a), PseudoVector().act(O(3), g, a))


def test_a_mirror_is_not_told_from_a_complex_determinant() -> None:
    assert "U(2) has a determinant that is complex" in misfit(PseudoScalar(), U(2), (3,))
    assert "U(2) has a determinant that is complex" in misfit(PseudoVector(), U(2), (2,))
    assert "S_3 has no linear part" in misfit(PseudoScalar(), Symmetric(3), (3,))


def test_areas_and_densities_grow_with_the_scale() -> None:
    group, a, b = Sim(3), numbers(3, seed=1), numbers(3, seed=2)
    g = elements(group)
    area = torch.linalg.cross(a, b).norm(dim=-1)
    turned = torch.linalg.cross(Vector().act(group, g, a), Vector().act(group, g, b)).norm(dim=-1)
    assert close(ScaleBy(2).act(group, g, area), turned)
    assert not close(ScaleBy(1).act(group, g, area), turned)
    assert close(ScaleBy(-2).act(group, g, ScaleBy(2).act(group, g, area)), area)


def test_scales_need_a_group_that_scales() -> None:
    assert misfit(ScaleBy(2), E(3), (3,)).startswith("ScaleBy(power=2): E(3) has no scaling.")
    assert refusal(lambda: ScaleBy(0)) == (
        "ScaleBy(power=0): the power of the scale is a number other than 0. Use 'scalar' for what doesn't scale."
    )


# Spinors


@pytest.mark.parametrize("spin", [1, 2, 3])
def test_whole_spins_are_irreps_of_the_rotations(spin: int) -> None:
    """Equal characters over the cover, and so the same rep in another basis."""
    g = elements(SU(2))
    trace = Spinor(spin).matrix(SU(2), g, (2 * spin + 1,)).diagonal(dim1=1, dim2=2).sum(-1)
    assert close(trace, wigner_d(spin, cover(g)).diagonal(dim1=1, dim2=2).sum(-1).to(trace))


def test_half_spins_are_not() -> None:
    """-1 covers the identity, and multiplies them by -1."""
    minus, x = -SU(2).identity(TRIALS), spinors(4)
    assert torch.equal(Spinor(1.5).act(SU(2), minus, x), -x)
    assert torch.equal(Spinor(1).act(SU(2), minus, x[:, :3]), x[:, :3])


def test_two_spins_of_one_half_make_a_spin_of_one() -> None:
    """The symmetric part of the product: u u, (u v + v u) / sqrt(2), v v."""
    g, into = elements(SU(2)), torch.zeros(3, 4, dtype=torch.complex128)
    into[0, 0] = into[2, 3] = 1
    into[1, 1] = into[1, 2] = 2**-0.5
    pair = TensorProduct(Spinor(), Spinor()).matrix(SU(2), g, (4,))
    assert close(into @ pair @ into.mT, Spinor(1).matrix(SU(2), g, (3,)))
    singlet = torch.tensor([0, 1, -1, 0], dtype=torch.complex128)
    assert close(pair @ singlet, singlet.expand(TRIALS, -1))


@pytest.mark.parametrize("spin", [0.5, 1, 1.5, 2, 3.5])
def test_spinors_keep_their_norm(spin: float) -> None:
    matrix = Spinor(spin).matrix(SU(2), elements(SU(2)), (round(2 * spin) + 1,))
    assert close(matrix.mH @ matrix, torch.eye(matrix.shape[-1], dtype=matrix.dtype).expand_as(matrix))


def test_spinors_need_complex_matrices_and_tensors() -> None:
    assert misfit(Spinor(), SO(3), (2,)) == (
        "Spinor(spin=0.5) is defined for groups of complex 2 x 2 matrices, such as SU(2), not for SO(3)"
    )
    assert "not for SU(3)" in misfit(Spinor(), SU(3), (2,))
    assert refusal(lambda: Spinor(0.3)) == "Spinor(spin=0.3): spins are 0.5, 1, 1.5 and so on. Use 'scalar' for spin 0."
    assert refusal(lambda: Spinor().act(SU(2), elements(SU(2)), numbers(2))) == (
        "the group's matrices are complex, and the tensor is torch.float64: a real tensor would lose its imaginary part. Give "
        "complex numbers, as by torch.complex."
    )


@pytest.mark.parametrize(
    "rep", [Vector(), Spinor(), Conjugate(Vector()), 2 * Scalar() + Spinor(), Spinor() * Scalar()], ids=str
)
def test_a_real_tensor_is_refused_by_name(rep: Rep) -> None:
    (size,) = rep.fibre(SU(2)) or ()
    rep.check(SU(2), (size,), True, "input 's'", dtype=torch.complex64)
    assert refusal(lambda: rep.check(SU(2), (size,), True, "input 's'", dtype=torch.float32)) == (
        f"{rep} under SU(2) acts on complex tensors; input 's' is torch.float32. Give complex numbers, as by torch.complex."
    )


# Spacetime and geometric algebra


def test_masses_are_invariant() -> None:
    group, p = Poincare(3), numbers(4)
    g = elements(group)
    metric, moved = minkowski(), FourVector().act(group, g, p)
    size = float(moved.abs().max()) ** 2
    assert close(((moved @ metric) * moved).sum(-1), ((p @ metric) * p).sum(-1), scale=size)
    assert not close((moved * moved).sum(-1), (p * p).sum(-1), scale=size)


@pytest.mark.parametrize("group", [O(4), GL(2), SE(3), Aff(3), SU(2), Symmetric(4)], ids=str)
def test_a_four_vector_needs_minkowskis_metric(group: Monoid) -> None:
    assert "FourVector()" in misfit(FourVector(), group, (4,))


def geometric_product(squares: tuple[int, ...]) -> Tensor:
    """The table `(2^n, 2^n, 2^n)` of e_A e_B in the order of `Multivector`, from the signs of sorting and of the squares."""
    n = len(squares)
    blades = [blade for grade in range(n + 1) for blade in combinations(range(n), grade)]
    table = torch.zeros(*3 * (len(blades),), dtype=torch.float64)
    for i, a in enumerate(blades):
        for j, b in enumerate(blades):
            word, sign = [*a, *b], 1
            for k in range(len(word)):  # bubble sort: a swap of two different vectors turns the sign
                for m in range(len(word) - 1 - k):
                    if word[m] > word[m + 1]:
                        word[m], word[m + 1], sign = word[m + 1], word[m], -sign
            for v in set(word):
                if word.count(v) == 2:
                    word = [w for w in word if w != v]
                    sign *= squares[v]
            table[blades.index(tuple(word)), i, j] = sign
    return table


ALGEBRAS = [(Multivector(2), O(2)), (Multivector(3), O(3)), (Multivector(4), O(4)), (Multivector(1, 3), FullLorentz(3))]


@pytest.mark.parametrize(("rep", "group"), ALGEBRAS, ids=str)
def test_the_geometric_product_is_equivariant(rep: Multivector, group: Monoid) -> None:
    table, g = geometric_product((1,) * rep.p + (-1,) * rep.q), elements(group)
    size = 2 ** (rep.p + rep.q)
    x, y = numbers(size, seed=1), numbers(size, seed=2)
    product = torch.einsum("kij, ni, nj -> nk", table, x, y)
    turned = torch.einsum("kij, ni, nj -> nk", table, rep.act(group, g, x), rep.act(group, g, y))
    scale = 8 * float(rep.matrix(group, g, (size,)).abs().max()) ** 2
    assert close(rep.act(group, g, product), turned, scale=scale)
    assert not close(rep.act(group, g, product.flip(-1)), turned.flip(-1), scale=scale)


def test_the_product_of_another_signature_is_not() -> None:
    rep, group = Multivector(1, 3), FullLorentz(3)
    table, g, x, y = geometric_product((1, 1, 1, 1)), elements(group), numbers(16, seed=1), numbers(16, seed=2)
    product = torch.einsum("kij, ni, nj -> nk", table, x, y)
    turned = torch.einsum("kij, ni, nj -> nk", table, rep.act(group, g, x), rep.act(group, g, y))
    assert not close(rep.act(group, g, product), turned, scale=1e6)


def test_grades_are_scalars_vectors_pseudovectors_and_pseudoscalars() -> None:
    g, x = elements(O(3)), numbers(8)
    y = Multivector(3).act(O(3), g, x)
    dual = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)  # e23, e31, e12 are the axes of planes 12, 13, 23 turned round
    assert torch.equal(y[:, 0], x[:, 0])
    assert close(y[:, 1:4], Vector().act(O(3), g, x[:, 1:4]))
    assert close((y[:, 4:7] * dual).flip(-1), PseudoVector().act(O(3), g, (x[:, 4:7] * dual).flip(-1)))
    assert close(y[:, 7], PseudoScalar().act(O(3), g, x[:, 7]))


def test_a_geometric_algebra_needs_its_metric() -> None:
    assert misfit(Multivector(3, 1), Lorentz(3), (16,)) == (
        "Multivector(p=3, q=1) is defined for groups that keep its metric (+1, +1, +1, -1), not for SO+(1,3)"
    )
    assert ", not for GL(3)" in misfit(Multivector(), GL(3), (8,))
    assert misfit(Multivector(), O(3), (7,)) == f"Multivector(p=3, q=0) under O(3) acts on a last axis of size 8. {state(7)}"
    assert "from 1 to 8 basis vectors" in refusal(lambda: Multivector(0, 0))


# Projective points


def cross_ratio(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Of four points on a line, from their distances."""
    gap = [(p - q).norm(dim=-1) for p, q in ((a, c), (b, d), (b, c), (a, d))]
    return gap[0] * gap[1] / (gap[2] * gap[3])


def test_projective_maps_keep_cross_ratios_and_affine_ones_ratios() -> None:
    start, step = numbers(2, seed=1), numbers(2, seed=2)
    line = [start + t * step for t in (0.0, 0.1, 0.25, 0.4)]
    group = PGL(3)
    g = elements(group)
    moved = [Homogeneous().act(group, g, p) for p in line]
    far = max(float(p.abs().max()) for p in moved) ** 2
    assert close(cross_ratio(*moved), cross_ratio(*line), scale=far)
    ratio, before = ((p[1] - p[0]).norm(dim=-1) / (p[2] - p[0]).norm(dim=-1) for p in (moved, line))
    assert not close(ratio, before, scale=far)


def test_points_and_homogeneous_vectors_move_alike() -> None:
    group, x = PGL(3), numbers(5, 2)
    g = elements(group)
    lifted = Vector().act(group, g, torch.cat([x, torch.ones(TRIALS, 5, 1).double()], -1))
    assert torch.equal(Homogeneous().act(group, g, x), lifted[..., :2] / lifted[..., 2:])


def test_projective_points_have_one_coordinate_less() -> None:
    assert misfit(Homogeneous(), PGL(3), (4, 3)) == (
        "Homogeneous() under PGL(3) acts on a last axis of size 2, one less than its matrices. Use 'point' for affine maps."
    )
    assert "size 1, one less" in misfit(Homogeneous(), SO(2), (4, 3))


# Indices and flips


def test_indices_follow_what_they_number() -> None:
    g, edges = torch.tensor([[2, 0, 1]]), torch.tensor([[[0, 1, 2, -1], [1, 1, 0, -7]]])
    assert Relabel().act(Symmetric(3), g, edges).tolist() == [[[2, 0, 1, -1], [0, 0, 2, -7]]]


def test_a_table_of_neighbours_is_permuted_and_relabelled() -> None:
    """Neighbour k of point i becomes neighbour k of point g(i), and is named anew."""
    group, table = Symmetric(5), Relabel(axis=-2).sample(Symmetric(5), (5, 3), TRIALS, Generator().manual_seed(0))
    g = elements(group)
    y = Relabel(axis=-2).act(group, g, table)
    for trial in range(TRIALS):
        for i in range(5):
            for k in range(3):
                j = int(table[trial, i, k])
                assert y[trial, g[trial, i], k] == (j if j < 0 else g[trial, j])
    assert torch.equal(y, (Relabel() * Permute(axis=-2)).act(group, g, table))


def test_a_graph_is_relabelled_with_its_nodes() -> None:
    def convolved(x: Tensor, edges: Tensor) -> Tensor:
        return torch.zeros_like(x).index_add(-2, edges[1], x[edges[0]].tanh())

    x, edges = torch.randn(4, 3, generator=Generator().manual_seed(0)), torch.tensor([[0, 1, 2, 3, 0], [1, 2, 3, 0, 2]])
    right = symcheck.check(convolved, (x, edges), group="S_n", inputs=("permute", "relabel"), outputs="permute")
    wrong = symcheck.check(convolved, (x, edges), group="S_n", inputs=("permute", "scalar"), outputs="permute")
    assert (right.verdict, wrong.verdict) == (Verdict.HOLDS, Verdict.VIOLATED)


def test_an_index_out_of_range_is_refused() -> None:
    """Before it is looked up: torch would raise an IndexError that names nothing, and on a GPU end the process."""
    g = elements(Symmetric(3), n=1)
    assert refusal(lambda: Relabel().act(Symmetric(3), g, torch.tensor([[0, 3]]))) == (
        f"{Relabel()}: the index 3 is out of range: there are 3 points, numbered from 0. Pad with negative numbers, or name "
        f"what is numbered, as in Relabel(of='edges')."
    )
    assert Relabel().act(Symmetric(3), g, torch.zeros(1, 0, dtype=torch.int64)).shape == (1, 0)


def test_what_numbers_nothing_is_refused() -> None:
    assert refusal(lambda: Relabel().check(Symmetric(3), (2, 4), True, "input 'x'")) == (
        f"{Relabel()} renumbers indices, which are integers; input 'x' holds floating-point numbers. Use 'permute'."
    )
    for dtype in (torch.float64, torch.bool):
        assert refusal(
            lambda dtype=dtype: Relabel().act(Symmetric(3), elements(Symmetric(3), n=1), torch.ones(1, 2, dtype=dtype))
        ) == (  # type: ignore[misc]
            f"{Relabel()} renumbers indices, which are integers; the tensor is {dtype}. Use 'permute'."
        )
    assert "S_3 has no permutations of edges" in misfit(Relabel(of="edges"), Symmetric(3), (2,))
    assert misfit(Relabel(axis=-2), Symmetric(3), (4, 2)) == f"{Relabel(axis=-2)} under S_3 permutes 3 entries along axis -2"
    assert "counted from the end" in refusal(lambda: Relabel(axis=0))


def test_flips_reverse_their_axes() -> None:
    group, x = SignFlips(2), numbers(3, 4, 5)
    g = elements(group)
    y = Flip().act(group, g, x)
    for trial in range(TRIALS):
        axes = [axis for axis, flipped in zip((-2, -1), g[trial].tolist(), strict=True) if flipped]
        assert torch.equal(y[trial], x[trial].flip(axes))


def test_flips_are_of_sign_flips() -> None:
    assert misfit(Flip(), O(2), (4, 4)) == f"{Flip()} is defined for groups of sign flips, such as Flips(2), not for O(2)"
    assert misfit(Flip(), SignFlips(3), (4, 4)) == f"{Flip()} under Flips(3) reverses 3 axes. Name one for each coordinate"


def test_a_roll_by_fractions_is_refused() -> None:
    assert misfit(Roll(axes=(-1,)), symcheck.groups.from_string("R/8"), (8,)) == (
        "Roll(axes=(-1,)) shifts by whole samples, and R/8 by fractions of one too. Use 'fourier_shift'"
    )


# Points of groups with translations and without


def test_points_need_translations() -> None:
    plane = symcheck.groups.from_string("p4(4)")
    assert Vector().misfit(plane, (2,)) is None
    assert misfit(Point(), plane, (2,)).startswith("Point(): p4(4) has no translations.")
    assert misfit(Point(), symcheck.groups.from_string("R+"), (3,)).startswith("Point(): R+ has no linear part")


# Irreps

DEGREES = range(9)


def near_poles(count: int) -> Tensor:
    """Rotations by next to nothing and by next to half a turn, where Euler angles lose digits."""
    small = 10.0 ** torch.linspace(-12, -1, count, dtype=torch.float64)
    angles = torch.cat([small, math.pi - small])
    axis = torch.nn.functional.normalize(numbers(3)[: 2 * count], dim=-1)
    return SO(3).exponential(angles.unsqueeze(-1) * axis)


def turns() -> Tensor:
    return torch.cat(
        [elements(SO(3), n=256), near_poles(16), Polyhedral("Octahedral").linear(Polyhedral("Octahedral").elements())]
    )


@pytest.mark.parametrize("degree", DEGREES)
def test_wigner_matrices_are_good_to_1e_13(degree: int) -> None:
    """Orthogonal and multiplicative, also where Euler angles lose digits: the defect that the engine would see."""
    g = turns()
    h = g.roll(1, 0)
    d, e, both = wigner_d(degree, g), wigner_d(degree, h), wigner_d(degree, g @ h)
    one = torch.eye(2 * degree + 1, dtype=torch.float64)
    assert float((d @ d.mT - one).abs().max()) <= 1e-13
    assert float((both - d @ e).abs().max()) <= 1e-13


def test_irreps_are_acted_on_by_every_group_of_rotations_in_space() -> None:
    for group in (Polyhedral("Octahedral"), Polyhedral("Tetrahedral"), SignFlips(3), SE(3), CLOUD):
        assert Irreps("1o+2e").misfit(group, (8,)) is None
        g, x = elements(group), numbers(8)
        assert close(Irreps("1o+2e").act(group, g, x)[:, :3], Vector().act(group, g, x[:, :3]))
    assert misfit(Irreps("1o"), GL(3), (3,)) == (
        "Irreps(text='1o') is defined for rotations and reflections of 3 dimensions, not for GL(3)"
    )


# What is unitary

UNITARY: list[tuple[Rep, Monoid, Shape]] = [
    (Vector(), O(3), (2, 3)),
    (Cartesian(2), O(3), (3, 3)),
    (SymmetricTraceless(3), O(3), (7,)),
    (Voigt(2**0.5), O(3), (6,)),
    (PseudoVector(), O(3), (3,)),
    (PseudoScalar(), O(3), (2,)),
    (Spinor(2), SU(2), (5,)),
    (Multivector(3), O(3), (8,)),
    (Irreps("1o+2e+3o"), O(3), (15,)),
    (Permute(), Symmetric(4), (4, 2)),
    (Roll(), Translations((3, 4)), (3, 4)),
    (Flip(), SignFlips(2), (2, 3)),
    (Permute() * Vector(), CLOUD, (5, 3)),
    (2 * Scalar() + Vector(), O(3), (5,)),
    (TensorProduct(Spinor(), Spinor(1)), SU(2), (6,)),
    (Dual(Vector()), U(3), (3,)),
    (Conjugate(Spinor()), SU(2), (2,)),
    (Via(Irreps("2e"), cover), SU(2), (5,)),
]
OTHERS: list[tuple[Rep, Monoid, Shape]] = [
    (Voigt(), O(3), (6,)),
    (Vector(), GL(3), (3,)),
    (FourVector(), Lorentz(3), (4,)),
    (Multivector(1, 3), Lorentz(3), (16,)),
    (ScaleBy(), Sim(2), (2,)),
]


@pytest.mark.parametrize("case", [*UNITARY, *OTHERS], ids=str)
def test_matrices_are_unitary_where_they_should_be(case: tuple[Rep, Monoid, Shape]) -> None:
    rep, group, shape = case
    matrix = rep.matrix(group, elements(group), shape)
    one = torch.eye(matrix.shape[-1], dtype=matrix.dtype).expand_as(matrix)
    assert close(matrix.mH @ matrix, one) is (case in UNITARY)


# In words

WORDS: list[tuple[str, Rep]] = [
    ("permute * point", Permute() * Point()),
    ("permute(axis=-2) * permute(axis=-1)", Permute(axis=-2) * Permute(axis=-1)),
    ("permute*vector*pseudoscalar", Together(Permute(), Vector(), PseudoScalar())),
    ("permute * (8x0e + 4x1o)", Permute() * Irreps("8x0e+4x1o")),
    ("permute * 1o", Permute() * Irreps("1o")),
    ("permute * (4 scalar + 2 vector)", Permute() * (4 * Scalar() + 2 * Vector())),
    ("4 scalar + 2 vector", 4 * Scalar() + 2 * Vector()),
    ("4x scalar + vector", 4 * Scalar() + Vector()),
    ("vector + 2x1o", Vector() + Irreps("2x1o")),
    ("2 vector", Blocks((Vector(), 2))),
    ("2 (scalar + vector)", 2 * (Scalar() + Vector())),
    ("(vector)", Vector()),
    ("(permute * vector) + scalar", (Permute() * Vector()) + Scalar()),
    ("tensor_product(vector, 2e)", TensorProduct(Vector(), Irreps("2e"))),
    (
        "tensor_product(vector, tensor_product(vector, dual(vector)))",
        TensorProduct(Vector(), TensorProduct(Vector(), Dual(Vector()))),
    ),
    ("dual(vector)", Dual(Vector())),
    ("dual(cartesian(rank=2, lower=1))", Dual(Cartesian(2, 1))),
    ("conjugate(spinor)", Conjugate(Spinor())),
    ("factor(vector, index=1)", Factor(Vector(), 1)),
    ("along(point, axis=-2) * permute(axis=-1)", Along(Point(), -2) * Permute(-1)),
    ("along(4 scalar + 2 vector, axis=-3)", Along(4 * Scalar() + 2 * Vector(), -3)),
    ("factor(spinor(spin=1), index=0) * permute", Factor(Spinor(1), 0) * Permute()),
    ("relabel(of='nodes') * permute(axis=-1, of='a + b * c')", Relabel("nodes") * Permute(-1, of="a + b * c")),
    ("scale_by(power=-3) * cartesian", ScaleBy(-3) * Cartesian()),
    ("multivector(p=1, q=3)", Multivector(1, 3)),
]


@pytest.mark.parametrize(("text", "rep"), WORDS, ids=[text for text, _ in WORDS])
def test_a_text_is_read(text: str, rep: Rep) -> None:
    assert as_rep(text) == rep
    assert as_rep(f" {text} ") == rep


@pytest.mark.parametrize("rep", [rep for _, rep in WORDS] + [Irreps("2x1o") + Scalar(), 2 * Irreps("1o+2e")], ids=word)
def test_a_rep_is_written_as_it_is_read(rep: Rep) -> None:
    assert as_rep(word(rep)) == rep


@pytest.mark.parametrize("rep", [rep for _, rep in WORDS], ids=word)
def test_a_rep_is_printed_as_python_writes_it(rep: Rep) -> None:
    assert eval(repr(rep)) == rep


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("permute * piont", "there is no rep 'piont' in 'permute * piont'; did you mean 'point'?"),
        ("4 permut + 2 vector", "there is no rep 'permut' in '4 permut + 2 vector'; did you mean 'permute'?"),
        ("dual(permut)", "there is no rep 'permut' in 'dual(permut)'; did you mean 'permute'?"),
        (
            "tensor_product(vector, (permut))",
            "there is no rep 'permut' in 'tensor_product(vector, (permut))'; did you mean 'permute'?",
        ),
        ("permute *", "'permute *' has nothing on one side of a '*'. Write a rep on both, as in 'permute * point'."),
        ("+ vector", "'+ vector' has nothing on one side of a '+'. Write a rep on both, as in 'permute * point'."),
        ("* * vector", "'* * vector' has nothing on one side of a '*'. Write a rep on both, as in 'permute * point'."),
        (
            "permute * 8x0e + 4x1o",
            "'permute * 8x0e + 4x1o' can be read in two ways. Put brackets where they belong, as in "
            "'permute * (4 scalar + 2 vector)'.",
        ),
        ("together", "reps that act together are written with '*', as in 'permute * point'."),
        ("blocks(vector)", "direct sums are written with '+', as in '4 scalar + 2 vector'."),
        ("via", "a rep by way of a homomorphism has no name. Use an object: Via(Vector(), homomorphism)."),
        ("custom", "a rep of your own has no name. Use an object: Custom(function, name='mine')."),
        ("dual", "'dual' doesn't have the arguments of 'dual': rep."),
        ("dual(vector, vector)", "'dual(vector, vector)' doesn't have the arguments of 'dual': rep."),
        ("factor(vector)", "'factor(vector)' doesn't have the arguments of 'factor': rep, index."),
        ("factor(vector, index=i)", "can't read the rep 'factor(index=i)'. Write arguments by name, as in 'permute(axis=-1)'."),
        (
            "dual(point)",
            "Dual(rep=Point()): Point() isn't linear, and so has no matrix to invert and transpose. Use a linear rep, such as "
            "'vector'.",
        ),
        (
            "permute(axis=2) * vector",
            "Permute(axis=2, of='points'): the axis is a negative integer, counted from the end, so that batch axes "
            "don't matter.",
        ),
    ],
)
def test_a_text_that_is_no_rep_is_refused(text: str, message: str) -> None:
    assert refusal(lambda: as_rep(text)) == message


def test_claims_are_named_by_what_is_written() -> None:
    def claim(inputs: Any, outputs: Any) -> str:
        return Claim(torch.relu, "E(3) x S_n", domain=torch.randn(5, 3), inputs=inputs, outputs=outputs).id

    assert claim(Permute() * Point(), 4 * Scalar() + 2 * Vector()) == "relu: E(3) x S_n, permute * point -> 4 scalar + 2 vector"
    assert claim("permute * point", "scalar") == "relu: E(3) x S_n, permute * point -> scalar"
    assert claim(Custom(along_z, name="about z"), Dual(Vector())) == "relu: E(3) x S_n, about z -> dual(vector)"


def test_every_combination_has_a_text_that_is_read_or_is_an_object() -> None:
    """So that two claims of different reps have different names."""
    texts = [
        word(rep)
        for kind in CATALOGUE
        if kind in (Together, Blocks, TensorProduct, Dual, Conjugate, Factor, Along)
        for rep, _, _ in kind.examples()
    ]
    assert texts
    for text in texts:
        if " of " not in text:  # a Via among them
            assert word(as_rep(text)) == text
