"""DeepSets: the linear maps that commute with permutations, padding, and what is learnt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import deepsets
from models._tasks.sets import shuffled, summed_up
from models._training import fit
from symcheck import Verdict
from symcheck._tree import Args
from symcheck.claims import Claim, Subject
from symcheck.domains import PaddedSet
from symcheck.groups import Symmetric
from symcheck.properties import Equivariance
from symcheck.reps import Permute

STATED = [*deepsets.CLAIMS, *deepsets.TWINS]


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def double(build: Callable[[], nn.Module]) -> nn.Module:
    model = Subject.built(build).load(0)
    assert isinstance(model, nn.Module)
    return model.double()


# Claims


@pytest.mark.parametrize("claim", STATED, ids=lambda claim: f"{claim.id} {claim.expected}")
def test_claims_hold_and_twins_are_caught(claim: Claim) -> None:
    (result,) = symcheck.audit(claim, trials=64).results
    assert result.verdict is (Verdict.HOLDS if claim.expected == "holds" else Verdict.VIOLATED), result


@pytest.mark.parametrize("claim", STATED, ids=lambda claim: f"{claim.id} {claim.expected}")
def test_training_neither_breaks_nor_mends_a_symmetry(claim: Claim) -> None:
    model = claim.subject.load(0)
    assert isinstance(model, nn.Module)
    before = [parameter.clone() for parameter in model.parameters()]

    def loss(model: nn.Module, x: Args) -> Tensor:
        y = model(*x.args)
        return (y - normal(*y.shape).to(y)).square().mean()

    def batch(draw: Generator) -> Args:
        leaves = Args.of(claim.domain.sample(claim.domain.layout, 16, draw)).args
        return Args(*(leaf.float() if leaf.is_floating_point() else leaf for leaf in leaves))

    fit(model, loss, batch, steps=20)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    (result,) = symcheck.audit(replace(claim, subject=Subject.of(model)), trials=64).results
    assert result.verdict is (Verdict.HOLDS if claim.expected == "holds" else Verdict.VIOLATED), result


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("claim", deepsets.CLAIMS[2:4], ids=lambda claim: claim.id)
def test_claims_hold_in_other_precisions(claim: Claim, dtype: str) -> None:
    (result,) = symcheck.audit(claim, trials=64, dtype=dtype).results
    assert result.verdict is Verdict.HOLDS, result


# The theorem


def commuting(points: int) -> Tensor:
    """A basis of the matrices that commute with all permutations: `(k, points, points)`."""
    group = Symmetric(points)
    p = Permute().act(group, group.generators(), torch.eye(points).double().expand(len(group.generators()), -1, -1))
    one = torch.eye(points).double()
    equations = torch.cat([torch.kron(m, one) - torch.kron(one, m.mT.contiguous()) for m in p])  # of W, row by row: P W = W P
    _, sizes, rows = torch.linalg.svd(equations)
    return rows[sizes < 1e-10].reshape(-1, points, points)


@pytest.mark.parametrize("points", [2, 3, 5])
def test_a_layer_is_every_linear_map_that_commutes_with_permutations(points: int) -> None:
    """Zaheer et al., lemma 3: these are a 1 + b 11^T, of two dimensions; and so are those of a layer, whatever a and b."""
    basis = commuting(points)
    assert len(basis) == 2
    torch.manual_seed(0)
    layers = [deepsets.EquivariantLayer(1, 1, deepsets.mean).double() for _ in range(2)]
    mask, zero = torch.ones(1, points, dtype=torch.bool), torch.zeros(1, points, 1).double()
    columns = torch.eye(points).double().reshape(points, points, 1)
    maps = torch.stack([(layer(columns, mask) - layer(zero, mask)).squeeze(-1).mT.reshape(-1) for layer in layers]).detach()
    flat = basis.reshape(2, -1)  # orthonormal
    assert torch.allclose(maps @ flat.T @ flat, maps, rtol=0, atol=1e-14)
    assert torch.linalg.matrix_rank(maps) == 2
    weighted = torch.linspace(0.5, 1.5, points).double().expand(points, -1).reshape(1, -1)
    assert not torch.allclose(weighted @ flat.T @ flat, weighted, rtol=0, atol=1e-3)


# Padding


def test_permutations_alone_do_not_find_padding_that_is_counted() -> None:
    """They move the padding with the set: only more padding shows that it counts."""
    (twin,) = (claim for claim in deepsets.TWINS if claim.subject.build is deepsets.padding_counted)
    (result,) = symcheck.audit(replace(twin, properties=(Equivariance(),), id=""), trials=64).results
    assert result.verdict is Verdict.HOLDS


def test_longer_is_the_same_set() -> None:
    x, mask = PaddedSet(5, 2).sample({"points": 5}, 3, rng())
    long, there = deepsets.longer(x, mask)
    assert long.shape == (3, 8, 2)
    assert torch.equal(there.sum(-1), mask.sum(-1))
    for i in range(3):
        assert torch.equal(long[i][there[i]], x[i][mask[i]])


@pytest.mark.parametrize("build", [deepsets.set_classifier, deepsets.point_labeller], ids=lambda f: f.__name__)
@pytest.mark.parametrize("garbage", [math.nan, math.inf, 1e300])
def test_not_even_nan_gets_through_the_mask(build: Callable[[], nn.Module], garbage: float) -> None:
    model = double(build)
    x, mask = PaddedSet(6).sample({"points": 6}, 5, rng())
    y, z = model(x, mask), model(x.masked_fill(~mask.unsqueeze(-1), garbage), mask)
    assert torch.equal(z, y)
    for slope in torch.autograd.grad(z.square().sum(), list(model.parameters())):
        assert slope.isfinite().all()


@pytest.mark.parametrize("build", [deepsets.set_classifier, deepsets.point_labeller], ids=lambda f: f.__name__)
@pytest.mark.parametrize("points", [0, 1])
def test_few_points_are_a_set(build: Callable[[], nn.Module], points: int) -> None:
    y = double(build)(normal(2, points, 3))
    assert y.shape == ((2, 4) if build is deepsets.set_classifier else (2, points, 4))
    assert y.isfinite().all()


# Learning


def test_statistics_are_those_of_the_points_that_are_there() -> None:
    x, mask, statistics = summed_up(50, rng())
    assert mask.sum(-1).unique().tolist() == list(range(3, 11))
    for i in range(50):
        there = x[i, mask[i], 0]
        assert torch.equal(there, there.sort().values)
        expected = torch.stack([there.mean(), there.std(correction=0), there.max()])
        assert torch.allclose(statistics[i], expected, atol=1e-5)


def test_shuffled_sets_are_the_same_sets() -> None:
    sets = summed_up(50, rng())
    new = shuffled(sets, rng(1))
    assert torch.equal(new.statistics, sets.statistics)
    for i in range(50):
        assert torch.equal(new.x[i][new.mask[i]].sort(0).values, sets.x[i][sets.mask[i]])
    assert (new.mask != sets.mask).any()


def test_what_is_learnt_of_sorted_sets_is_known_of_all() -> None:
    row = deepsets.LESSON.row(steps=200)
    assert row["test"] > 0.9
    assert row["broken_test"] > 0.9
    assert row["transformed"] == pytest.approx(row["test"], abs=1e-4)
    assert row["broken_transformed"] < 0.5


@pytest.mark.slow
def test_training_comes_to_the_stated_figure() -> None:
    assert deepsets.LESSON.train()["R^2"] > deepsets.LESSON.goal
