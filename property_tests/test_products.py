"""Direct products: how elements are packed, which factor gives which part, and that the factors don't hear of each other."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch import Generator, Tensor

import symcheck
from symcheck.errors import GroupError
from symcheck.groups import SE, SO, SU, E, Gauge, Group, Monoid, O, Product, Scaling, Symmetric, Translations, U, Warps

PRODUCTS = list(Product.examples())
every_product = pytest.mark.parametrize("group", PRODUCTS, ids=str)


def draw(group: Monoid, n: int = 64, seed: int = 0) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


# How elements are packed


@pytest.mark.parametrize(
    ("factors", "dtype", "width"),
    [
        ((Symmetric(4), Translations((3, 5))), torch.int64, 6),
        ((Symmetric(4), SO(3)), torch.float64, 13),
        ((U(2),), torch.float64, 8),
        ((SU(2), Symmetric(2), U(1)), torch.float64, 12),
    ],
)
def test_elements_are_one_row(factors: tuple[Monoid, ...], dtype: torch.dtype, width: int) -> None:
    group = Product(factors)
    assert group.element == (width,)
    assert draw(group).shape == (64, width)
    assert draw(group).dtype == group.identity(1).dtype == dtype


@every_product
def test_splitting_undoes_joining(group: Product) -> None:
    parts = [draw(factor) for factor in group.factors]
    found = group.split(group.join(parts))
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(found, parts, strict=True))
    assert torch.equal(group.join(group.split(draw(group))), draw(group))


def test_integers_stay_exact_among_floats() -> None:
    large = Translations((2**31 - 1,))
    group = Product((large, SO(2)))
    g = torch.tensor([[2**31 - 2]])
    assert torch.equal(group.split(group.embed(0, g))[0], g)


def test_complex_numbers_take_two_places_each() -> None:
    group = Product((Symmetric(1), U(1)))
    assert group.embed(1, U(1).landmarks()).tolist() == [[0, 0, 1]]
    assert group.split(torch.tensor([[0.0, 3.0, 4.0]]))[1].tolist() == [[[3 + 4j]]]
    assert Product((U(1), U(1))).split(draw(Product((U(1), U(1))), 1))[1].dtype == torch.complex128


def test_products_among_the_factors_are_flattened() -> None:
    inner = Product((SE(3), Symmetric(4)))
    assert Product((inner, U(1))) == Product((SE(3), Symmetric(4), U(1)))
    assert Product((Product((inner,)), U(1))).factors == (SE(3), Symmetric(4), U(1))
    assert Product((SE(3), Symmetric(4))) != Product((Symmetric(4), SE(3)))


def test_a_product_of_groups_is_a_group_and_no_other_is() -> None:
    assert isinstance(Product((SO(3), Symmetric(3))), Group)
    warped = Product((SO(3), Warps(4)))
    assert isinstance(warped, Product)
    assert not isinstance(warped, Group)
    assert not isinstance(Product((Product((SO(3), Warps(4))), SO(2))), Group)
    assert not hasattr(warped, "inverse")
    assert not isinstance(Product((SO(3), Warps())).bind({"steps": 3}), Group)
    assert isinstance(Product((SO(3), Symmetric())).bind({"points": 3}), Group)


@every_product
def test_a_product_is_a_value(group: Product) -> None:
    for twin in (copy.deepcopy(group), pickle.loads(pickle.dumps(group)), replace(group), eval(repr(group))):
        assert twin == group
        assert hash(twin) == hash(group)
        assert type(twin) is type(group)
    assert not isinstance(replace(group, groups=(Warps(3),)), Group)


def test_a_product_of_nothing_is_refused() -> None:
    with pytest.raises(GroupError) as caught:
        Product(())
    assert str(caught.value) == "Product(()) has no factors. Give at least one group."


# The factors don't hear of each other


@every_product
def test_the_product_is_that_of_each_factor(group: Product) -> None:
    g, h = draw(group, seed=1), draw(group, seed=2)
    parts = zip(group.factors, group.split(g), group.split(h), group.split(group.compose(g, h)), strict=True)
    for factor, a, b, both in parts:
        assert torch.equal(factor.compose(a, b), both)


@every_product
def test_factors_commute(group: Product) -> None:
    for i, j in combinations(range(len(group.factors)), 2):
        g, h = group.embed(i, draw(group.factors[i])), group.embed(j, draw(group.factors[j]))
        assert torch.equal(group.compose(g, h), group.compose(h, g))
        assert group.contains(g).all()


@every_product
def test_projections_undo_inclusions(group: Product) -> None:
    for i, factor in enumerate(group.factors):
        g, h = draw(factor), draw(group)
        assert torch.equal(group.projection(i)(group.inclusion(i)(g)), g)
        both = group.projection(i)(group.compose(h, draw(group, seed=1)))
        apart = factor.compose(group.projection(i)(h), group.projection(i)(draw(group, seed=1)))
        assert torch.equal(both, apart)
        for j, other in enumerate(group.factors):
            if j != i:
                assert torch.equal(group.projection(j)(group.inclusion(i)(g)), other.identity(64))


def test_components_of_the_factors_come_in_all_combinations() -> None:
    """O(2) and O(3) each take their two components in turn: unshuffled, one would tell the other."""
    group = Product((O(2), O(3)))
    signs = [torch.linalg.det(part).round() for part in group.split(draw(group))]
    assert len(set(zip(signs[0].tolist(), signs[1].tolist(), strict=True))) == 4
    for seed in range(8):
        two = group.split(draw(group, 2, seed))
        assert all(sorted(torch.linalg.det(part).round().tolist()) == [-1, 1] for part in two)


def test_components_in_step_are_caught() -> None:
    group, rng = Product((O(2), O(3))), Generator().manual_seed(0)
    unshuffled = group.join(factor.sample(64, rng) for factor in group.factors)
    signs = [torch.linalg.det(part).round() for part in group.split(unshuffled)]
    assert len(set(zip(signs[0].tolist(), signs[1].tolist(), strict=True))) == 2


@every_product
def test_samples_of_a_factor_are_its_own(group: Product) -> None:
    for factor, part in zip(group.factors, group.split(draw(group, 256)), strict=True):
        factor.check(part)
        assert (part != part[:1]).any()


# Which factor gives which part

# The methods and properties of `Monoid` that refuse, by `_lacks`, what a group may have.
PARTS = re.findall(r"def (\w+)\(self(?:(?!\n    def ).)*?raise self\._lacks", inspect.getsource(Monoid), re.DOTALL)


def test_every_part_of_a_monoid_is_delegated() -> None:
    """A part that is added to `Monoid` must be handed on by `Product`, or reps can't find it there."""
    assert {"linear", "translation", "permutation", "shift", "grid", "phase", "scale", "gauge", "warp"} <= set(PARTS)
    assert set(PARTS) - set(vars(Product)) == set()


ALL = Product((SE(3), Symmetric(4), Translations((4, 6)), U(1), Scaling(), Gauge(3), Warps(5)))


@pytest.mark.parametrize(
    ("part", "factor"),
    [
        ("linear", 0),
        ("translation", 0),
        ("permutation", 1),
        ("shift", 2),
        ("phase", 3),
        ("scale", 4),
        ("gauge", 5),
        ("warp", 6),
    ],
)
def test_a_part_is_that_of_the_factor_that_has_it(part: str, factor: int) -> None:
    g = draw(ALL)
    assert torch.equal(getattr(ALL, part)(g), getattr(ALL.factors[factor], part)(ALL.split(g)[factor]))
    alone = ALL.embed(factor, draw(ALL.factors[factor]))
    assert not torch.equal(getattr(ALL, part)(alone), getattr(ALL, part)(ALL.identity(64)))


def test_the_first_factor_that_has_a_part_gives_it() -> None:
    for first, second in ((SE(2), U(1)), (U(1), SE(2))):
        group = Product((first, second))
        g = draw(group)
        assert torch.equal(group.linear(g), first.linear(group.split(g)[0]))
        assert torch.equal(group.phase(g), first.phase(group.split(g)[0]))


def test_permutations_are_found_by_what_they_permute() -> None:
    group = Product((Symmetric(4), Symmetric(3, "edges")))
    g = draw(group)
    assert torch.equal(group.permutation(g), g[:, :4])
    assert torch.equal(group.permutation(g, "edges"), g[:, 4:])
    with pytest.raises(GroupError, match=r"^S_4 x S_3 of edges has no permutations of faces\. Use a permutation group"):
        group.permutation(g, "faces")


def test_grids_are_found() -> None:
    assert Product((SO(2), Translations((4, 6)))).grid == (4, 6)
    with pytest.raises(GroupError, match=r"^SO\(2\) x S_3 has no cyclic shifts\."):
        _ = Product((SO(2), Symmetric(3))).grid


@pytest.mark.parametrize("part", ["shift", "phase", "scale", "gauge", "warp", "delay", "slopes"])
def test_a_part_that_no_factor_has_is_refused_in_the_name_of_the_product(part: str) -> None:
    group = Product((SE(3), Symmetric(4)))
    with pytest.raises(GroupError, match=r"^SE\(3\) x S_4 has no "):
        getattr(group, part)(group.identity(1))


# Sizes


def test_all_factors_take_their_sizes() -> None:
    group = Product((SE(3), Symmetric(), Translations((None, None)), Symmetric(of="edges")))
    bound = group.bind({"points": 4, "grid0": 3, "grid1": 5, "edges": 6})
    assert bound == Product((SE(3), Symmetric(4), Translations((3, 5)), Symmetric(6, "edges")))
    assert bound.element == (16 + 4 + 2 + 6,)


def test_a_size_that_is_missing_is_named_by_its_factor() -> None:
    with pytest.raises(GroupError, match=r"^S_n of edges needs the number of edges"):
        Product((Symmetric(), Symmetric(of="edges"))).bind({"points": 3})
    with pytest.raises(GroupError, match=r"^S_n isn't bound to a size yet\."):
        _ = Product((SE(3), Symmetric())).element


# Measures


@every_product
def test_complexity_adds_up(group: Product) -> None:
    g = draw(group)
    parts = [factor.complexity(part) for factor, part in zip(group.factors, group.split(g), strict=True)]
    assert torch.equal(group.complexity(g), torch.stack(parts).sum(0))


@every_product
def test_each_factor_alone_is_a_candidate(group: Product) -> None:
    """What is at fault in one factor is told without the others."""
    for g in draw(group, 4):
        parts, found = group.split(g.unsqueeze(0)), group.simpler(g)
        for i, (factor, part) in enumerate(zip(group.factors, parts, strict=True)):
            alone = group.embed(i, part)
            if bool(group.complexity(alone) < group.complexity(g.unsqueeze(0))) and bool(factor.complexity(part) > 0):
                assert (found == alone).all(-1).any()


def test_the_order_is_the_product_of_orders() -> None:
    assert Product((Symmetric(4), Translations((3, 5)))).order == 24 * 15
    assert len(Product((Symmetric(3), Translations((5,)))).elements()) == 30
    with pytest.raises(GroupError, match=r"^SE\(3\) has infinitely many elements"):
        _ = Product((Symmetric(4), SE(3))).order


def test_the_algebra_is_that_of_the_factors_together() -> None:
    group = Product((SO(3), Symmetric(4), U(2)))
    assert isinstance(group, Group)
    basis = group.algebra()
    assert basis.shape == (7, 5, 5)
    assert basis.dtype == torch.complex128
    assert group.dimension == 7
    assert torch.equal(basis[:3, :3, :3].real, SO(3).algebra())
    assert torch.equal(basis[3:, 3:, 3:], U(2).algebra())
    assert basis[:3, 3:].abs().sum() == basis[3:, :3].abs().sum() == 0


def test_the_exponential_is_that_of_each_factor() -> None:
    group = Product((SO(3), Symmetric(4), U(2)))
    assert isinstance(group, Group)
    v = torch.randn(64, 7, generator=Generator().manual_seed(0), dtype=torch.float64)
    turn, swap, phase = group.split(group.exponential(v))
    assert torch.equal(turn, SO(3).exponential(v[:, :3]))
    assert torch.equal(swap, Symmetric(4).identity(64))
    assert torch.equal(phase, U(2).exponential(v[:, 3:]))


def test_subgroups_are_the_factors_and_theirs() -> None:
    words = [str(inclusion) for inclusion in Product((E(3), Symmetric(4))).subgroups()]
    of_e3 = ["SE(3)", "O(3)", "SO(3)", "T(3)", "SO(2) about z"]
    of_s4 = ["S_3, the first in place", "S_3, the last in place", "cyclic shifts", "the reversal"]
    mixed = [f"{part} x S_4" for part in of_e3] + [f"E(3) x {part}" for part in of_s4]
    assert words[: len(mixed)] == mixed, "the largest first"
    assert sorted(words[len(mixed) :]) == sorted(["E(3)", "S_4", *of_e3, *of_s4])


def test_a_product_of_monoids_keeps_its_laws() -> None:
    group = Product((Warps(5), SO(2)))
    g, h, k = (draw(group, seed=seed) for seed in range(3))
    left, right = group.compose(g, group.compose(h, k)), group.compose(group.compose(g, h), k)
    assert (left - right).abs().max() < 1e-14  # Warps are equal, rotations up to the rounding of two products of four terms
    assert torch.equal(group.split(left)[0], group.split(right)[0])
    assert torch.equal(group.compose(g, group.identity(64)), g)
    assert group.contains(left).all()


# In a check


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-2, keepdim=True)


def _spread_of(x: Tensor) -> Tensor:
    return _centred(x).square().sum((-2, -1))


def _numbered(x: Tensor) -> Tensor:
    return _spread_of(x) + 0.1 * _centred(x)[..., 0, :].square().sum(-1)


def _stretched(x: Tensor) -> Tensor:
    return _spread_of(x * torch.tensor([1.0, 1.0, 1.1], dtype=x.dtype))


@pytest.mark.parametrize(("model", "holds"), [(_spread_of, True), (_numbered, False), (_stretched, False)])
def test_a_claim_under_a_product_is_checked(model: Callable[[Tensor], Tensor], holds: bool) -> None:
    x = torch.randn(8, 5, 3, generator=Generator().manual_seed(0))
    result = symcheck.check(model, x, group="E(3) x S_n", inputs="permute * point", outputs="scalar")
    assert result.passed == holds
