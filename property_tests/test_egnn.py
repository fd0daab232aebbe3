"""The E(n) graph network and the potential made of it: claims, pairs, points that coincide, and what they learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import egnn, potential
from models._pairs import AllPairs, Hears, ListedPairs, Pairs, nearest, squares, within
from models._random import randomised
from models._tasks.charges import SOFT, anywhere, charges, field, relative, released
from models._training import fit, seeded
from symcheck import Verdict
from symcheck.claims import Claim, Subject
from symcheck.properties import Conservative

STATED = [*egnn.CLAIMS, *egnn.TWINS, *potential.CLAIMS, *potential.TWINS]
EVERYONE = nearest(10**6)
MOTION, FALLING = potential.CLAIMS[-1], potential.TWINS[-1]
NEARLY_EVERYONE = within(1e9)  # at which all weights are one to 16 digits


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def network(hears: Hears = AllPairs, sees: egnn.Sees = egnn.Distance) -> egnn.EGNN:
    """In float64, of the same weights for all ways to hear."""
    return seeded(lambda: randomised(egnn.EGNN(hears=hears, sees=sees), egnn.GAIN)).double()


def close(a: Tensor, b: Tensor, digits: int = 12) -> bool:
    """Equal to so many digits: twelve leave room for some thousand roundings in float64, three for none that can be missed."""
    a, b = a.detach(), b.detach()
    return a.shape == b.shape and bool((a - b).abs().max() <= 10.0**-digits * max(1.0, float(b.abs().max())))


# Claims


@cache
def audited(number: int) -> list[symcheck.Result]:
    """The results of one of those STATED. What several tests read is found once."""
    return list(symcheck.audit(STATED[number], trials=64).results)


def results(claim: Claim) -> list[symcheck.Result]:
    return audited(next(i for i, each in enumerate(STATED) if each is claim))


def as_exact_as_it_can_be(result: symcheck.Result) -> bool:
    """Forces agree with the gradient to rounding; with quotients of differences to some 1e-9, as far as these go."""
    limited = {output.leaf for output in result.outputs if output.verdict is Verdict.LIMITED}
    return result.passed and limited <= {"forces by differences"}


@pytest.mark.parametrize("claim", [*egnn.CLAIMS, *potential.CLAIMS], ids=lambda claim: claim.id)
def test_training_breaks_no_symmetry(claim: Claim) -> None:
    model = claim.subject.load(0)
    assert isinstance(model, nn.Module)
    before = [parameter.clone() for parameter in model.parameters()]

    def batch(draw: Generator) -> tuple[Tensor, ...]:
        return tuple(claim.domain.sample(claim.domain.layout, 16, draw).args)

    def loss(model: nn.Module, x: tuple[Tensor, ...]) -> Tensor:
        y = model(*x)
        leaves = [y] if isinstance(y, Tensor) else list(y)
        return torch.stack([(leaf - normal(*leaf.shape).to(leaf)).square().mean() for leaf in leaves]).sum()

    fit(model, loss, batch, steps=20)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    for result in symcheck.audit(replace(claim, subject=Subject.of(model)), trials=64).results:
        assert as_exact_as_it_can_be(result), result


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("claim", [egnn.CLAIMS[0], egnn.CLAIMS[1], potential.CLAIMS[0]], ids=lambda claim: claim.id)
def test_claims_hold_in_other_precisions(claim: Claim, dtype: str) -> None:
    (result,) = symcheck.audit(claim, trials=64, dtype=dtype).results
    assert result.verdict is Verdict.HOLDS, result


@pytest.mark.parametrize(
    ("build", "broken"),
    [
        (egnn.chiral, "E(3)"),
        (egnn.axis_weighted, "E(3)"),
        (egnn.componentwise, "E(3)"),
        (egnn.biased_forces, "E(3)"),
        (egnn.numbered, "S_5"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_factor_is_judged_by_itself(build: Callable[[], nn.Module], broken: str) -> None:
    twin = next(claim for claim in egnn.TWINS if claim.subject.build is build)
    (result,) = results(twin)
    violating = {factor.group: factor.violating for factor in result.factors}
    assert violating.keys() == {"E(3)", "S_5"}
    assert {group for group, count in violating.items() if count} == {broken}


def test_a_mirror_is_what_a_cross_product_minds() -> None:
    (result,) = results(egnn.TWINS[0])
    assert "SE(3)" in str(result.holding)
    assert {output.leaf: output.verdict.name for output in result.outputs} == {
        "energy": "HOLDS",
        "forces": "VIOLATED",
        "positions": "HOLDS",
    }


def test_nearest_neighbours_fail_at_ties_alone() -> None:
    (result,) = results(egnn.TWINS[-1])
    assert result.verdict is Verdict.VIOLATED
    for output in result.outputs:
        assert "integer lattice" in output.only_at, output  # which says that it holds at generic points


@pytest.mark.parametrize("prop", ["equivariance", "conservation"])
def test_gravity_is_seen_in_the_energy_and_in_the_momentum(prop: str) -> None:
    held, fell = ({r.property_name: r for r in results(claim)} for claim in (MOTION, FALLING))
    assert held[prop].verdict is Verdict.HOLDS
    assert fell[prop].verdict is Verdict.VIOLATED


def test_two_heads_are_equivariant_all_the_same() -> None:
    """What Conservative finds, Equivariance can't."""
    claim = replace(potential.CLAIMS[0], subject=Subject.built(potential.two_heads), id="")
    (result,) = symcheck.audit(claim, trials=64).results
    assert result.verdict is Verdict.HOLDS
    assert potential.TWINS[1].properties == (Conservative(energy=0, forces=1, positions=1),)


# Pairs


def as_in_the_paper(model: egnn.EGNN, h: Tensor, x: Tensor) -> egnn.Prediction:
    """One cloud by a list of edges, the paper's table of arguments, and additions scattered to receivers."""
    points = len(x)
    receiver, sender = torch.cartesian_prod(torch.arange(points), torch.arange(points)).unbind(-1)
    receiver, sender = receiver[order := torch.randperm(points**2, generator=rng())], sender[order]

    def mean(messages: Tensor) -> Tensor:
        return messages.new_zeros(points, *messages.shape[1:]).index_add(0, receiver, messages) / points

    h, total = model.embed(h), 0
    for layer in model.layers:
        arrows = x[receiver] - x[sender]
        table = torch.cat([h[receiver], h[sender], arrows.square().sum(-1, keepdim=True).log1p()], -1)
        weight = torch.cat([layer.receiver.weight, layer.sender.weight, layer.distance.linear.weight], -1)
        messages = layer.message(nn.functional.linear(table, weight, layer.receiver.bias))
        vectors = mean(layer.weights(messages).unsqueeze(-1) * arrows.unsqueeze(-2))
        h = h + layer.update(torch.cat([h, mean(messages)], -1))
        x, total = x + layer.step * vectors[:, 0], total + vectors
    return egnn.Prediction(model.energy(h).sum(), model.forces(total), x)


@pytest.mark.parametrize("hears", [AllPairs, EVERYONE, NEARLY_EVERYONE], ids=["all", "listed", "within"])
def test_it_is_what_the_paper_says(hears: Hears) -> None:
    h, x = normal(3, 6, 4), normal(3, 6, 3, seed=1)
    found = network(hears)(h, x)
    for i in range(3):
        for ours, theirs in zip(found, as_in_the_paper(network(), h[i], x[i]), strict=True):
            assert close(ours[i], theirs)
    fewer = network(nearest(5))(h, x)
    assert not any(close(a, b, 3) for a, b in zip(found, fewer, strict=True))


@pytest.mark.parametrize("hears", [AllPairs, within(1.5), nearest(3)], ids=["all", "within", "nearest"])
def test_pairs_are_what_they_say(hears: Hears) -> None:
    """Means, and means of outer products, against a matrix of weights, one pair at a time."""
    x, a, b = normal(2, 5, 3) / 2, normal(2, 5, 4, seed=1), normal(2, 5, 2, seed=2)  # near enough to be within
    pairs = hears(x)
    mine, yours = (end.expand(torch.broadcast_shapes(*(e.shape for e in pairs.ends(a, a)))) for end in pairs.ends(a, a))
    weight = matrix(pairs, x)
    assert close(pairs.mean(mine - 2 * yours), a - 2 * weight @ a)
    here, there = pairs.ends(b, b)
    outer = torch.einsum("nij, njc, nijd -> nicd", weight, a, b.unsqueeze(2) - b.unsqueeze(1))
    assert close(pairs.mean_outer(yours, here - there), outer)


def matrix(pairs: Pairs, x: Tensor) -> Tensor:
    """How much each point hears each, rows being receivers: the weights sum to one."""
    gaps = (x.unsqueeze(2) - x.unsqueeze(1)).norm(dim=-1)
    weight = torch.ones_like(gaps)
    if isinstance(pairs, ListedPairs):
        bump = (1 - (gaps / 1.5) ** 2).clamp_min(0) ** 3
        third = gaps.sort(-1).values[..., 2:3]
        weight = bump if len(pairs.weight.unique()) > 1 else (gaps <= third).double()
    return weight / weight.sum(-1, keepdim=True)


def test_pairs_are_sorted_by_receiver() -> None:
    pairs = nearest(3)(normal(4, 7, 3))
    assert isinstance(pairs, ListedPairs)
    assert pairs.receiver.at.diff().min() == 0
    assert torch.equal(pairs.receiver.order, torch.arange(4 * 7 * 3))
    assert torch.equal(pairs.receiver.offsets, 3 * torch.arange(4 * 7 + 1))
    assert pairs.sender.at.diff().min() < 0


def test_near_distances_of_far_points_keep_their_digits() -> None:
    x = 1e6 + normal(1, 5, 3)
    assert close(squares(x), torch.cdist(x - 1e6, x - 1e6).square(), 9)  # of 16 digits six are in the million
    lengths = x.square().sum(-1)
    assert not close(lengths.unsqueeze(2) + lengths.unsqueeze(1) - 2 * x @ x.mT, squares(x), 4)


def test_those_beyond_the_cutoff_are_not_heard() -> None:
    h, x = normal(1, 6, 4), normal(1, 6, 3, seed=1) / 4
    x[:, 3:] += 10 * egnn.CUTOFF
    for hears, alone in ((within(egnn.CUTOFF), True), (AllPairs, False)):
        model = network(hears)
        part = model(h[:, :3], x[:, :3])
        assert close(model(h, x).positions[:, :3], part.positions) is alone


def test_an_envelope_brings_points_in_without_a_jump() -> None:
    """A point passes the cutoff by 1e-6 of it: the energy changes by the cube of that, or by what the point has to say."""
    h, gap = normal(1, 2, 4), 1e-6

    def change(hears: Hears) -> float:
        model = network(hears)
        ends = [torch.tensor([[[0.0, 0, 0], [egnn.CUTOFF * (1 + sign * gap), 0, 0]]]).double() for sign in (-1, 1)]
        return float((model(h, ends[0]).energy - model(h, ends[1]).energy).abs().detach())

    assert change(within(egnn.CUTOFF)) < 1e-12
    assert change(lambda x: ListedPairs(squares(x) < egnn.CUTOFF**2, x)) > 1e-2


# Points that coincide, few points, precisions, devices


class Norm(nn.Module):
    """The length itself, by a square root."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, width, bias=False)

    def forward(self, arrows: Tensor) -> Tensor:
        far: Tensor = self.linear(arrows.square().sum(-1, keepdim=True).sqrt())
        return far


WAYS: Any = pytest.mark.parametrize("hears", [AllPairs, within(egnn.CUTOFF), nearest(3)], ids=["all", "within", "nearest"])


def derivatives(model: nn.Module, h: Tensor, x: Tensor) -> list[Tensor]:
    """The forces, and the gradients by positions and weights of their squared size."""
    x = x.clone().requires_grad_()
    energy = model(h, x)
    (slope,) = torch.autograd.grad(energy.sum(), x, create_graph=True)
    used = [p for p in model.parameters() if p.requires_grad]
    second = torch.autograd.grad(slope.square().sum() + energy.sum(), [x, *used], allow_unused=True)
    return [energy, slope, *(g for g in second if g is not None)]


@WAYS
def test_coincident_points_have_finite_derivatives(hears: Hears) -> None:
    h, x = normal(2, 4, 4), normal(2, 4, 3, seed=1)
    x[:, 1], x[1] = x[:, 0], 0.5
    for leaf in derivatives(potential.Energy(network(hears)), h, x):
        assert leaf.isfinite().all()
    assert not derivatives(potential.Energy(network(hears, Norm)), h, x)[1].isfinite().all()
    for leaf in network(hears)(h, x):
        assert leaf.isfinite().all()


@WAYS
@pytest.mark.parametrize("points", [0, 1, 2])
def test_few_points_are_a_cloud(hears: Hears, points: int) -> None:
    found = network(hears)(normal(3, points, 4), x := normal(3, points, 3, seed=1) / 4)
    assert [leaf.shape for leaf in found] == [(3,), (3, points, 3), (3, points, 3)]
    assert all(leaf.isfinite().all() for leaf in found)
    if points < 2:  # no arrows: no forces, and nobody moves
        assert not found.forces.any()
        assert torch.equal(found.positions, x)
    else:
        assert found.forces.any()


@WAYS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_it_computes_in_the_dtype_of_its_inputs(hears: Hears, dtype: torch.dtype) -> None:
    h, x = normal(3, 6, 4), normal(3, 6, 3, seed=1)
    exact = network(hears)(h, x)
    found = network(hears).to(dtype)(h.to(dtype), x.to(dtype))
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == dtype
        assert (a.double() - b).abs().max() <= 100 * torch.finfo(dtype).eps * b.abs().max()  # of some 400 roundings in a row


@pytest.mark.cuda
@WAYS
def test_it_computes_on_a_gpu_too(hears: Hears) -> None:
    h, x = normal(3, 6, 4), normal(3, 6, 3, seed=1)
    model = potential.Potential(potential.Energy(network(hears)))
    here, there = model(h, x), model.cuda()(h.cuda(), x.cuda())
    assert close(there.energy.cpu(), here.energy)
    assert close(there.forces.cpu(), here.forces)
    assert torch.equal(there.forces, model(h.cuda(), x.cuda()).forces)  # no addition in an order of its own


# Forces


@WAYS
def test_forces_are_the_gradient_that_autograd_finds(hears: Hears) -> None:
    h, x = normal(3, 5, 4), normal(3, 5, 3, seed=1)
    model = potential.Potential(potential.Energy(network(hears)))
    expected = -derivatives(model.energy, h, x)[1]
    assert close(model(h, x).forces, expected)
    with torch.no_grad():  # as in use, where nothing else keeps a graph
        found = model(h, x)
    assert close(found.forces, expected)
    assert not found.forces.requires_grad


def work(model: nn.Module) -> float:
    """The work of the forces along a closed path on which all points move, as part of that without regard to sign.

    The trapezium rule converges exponentially for periodic functions.
    """
    angle = torch.arange(128, dtype=torch.float64) * (2 * math.pi / 128)
    start, a, b = (normal(1, 5, 3, seed=seed) for seed in (1, 2, 3))
    cos, sin = angle.cos().reshape(-1, 1, 1), angle.sin().reshape(-1, 1, 1)
    path, velocity = start + (a * cos + b * sin) / 4, (b * cos - a * sin) / 4
    with torch.no_grad():
        power = (model(normal(1, 5, 4).expand(128, -1, -1), path).forces * velocity).sum((1, 2))
    return float(power.sum().abs() / power.abs().sum())


def test_a_potential_does_no_work_along_a_closed_path() -> None:
    assert work(potential.Potential(potential.Energy(network()))) < 1e-12
    assert work(potential.TwoHeads(network())) > 1e-3


# Charges


def test_charges_push_each_other() -> None:
    """Two at a distance d: E = q q' / sqrt(d^2 + a^2), and F = q q' d / (d^2 + a^2)^(3/2) along the line, outwards."""
    x = torch.tensor([[[0.0, 0, 0], [2, 0, 0]]]).double()
    size = (4 + SOFT**2) ** 0.5
    for q, sign in (([1.0, 1.0], 1), ([1.0, -1.0], -1)):
        energy, forces = field(torch.tensor(q).double().reshape(1, 2, 1), x)
        assert float(energy) == pytest.approx(sign / size, rel=1e-14)
        assert forces[0, 1].tolist() == pytest.approx([sign * 2 / size**3, 0, 0], rel=1e-14)
        assert close(forces.sum(1), torch.zeros(1, 3).double())


def test_charges_go_where_forces_take_them() -> None:
    clouds = charges(50, rng())
    exact = released(clouds.charge.double(), clouds.x.double(), steps=1000)
    assert (clouds.later - exact).square().mean().sqrt() < 1e-3 * (clouds.later - clouds.x).square().mean().sqrt()
    momentum = (clouds.later - clouds.x).sum(1)
    assert momentum.abs().max() < 1e-5  # float32 of some 50 numbers of order one
    assert not clouds.later[..., 2].any()


def test_clouds_are_moved_with_all_that_belongs_to_them() -> None:
    clouds = charges(50, rng())
    new = anywhere(clouds, rng(1))
    energy, forces = field(new.charge, new.x)
    assert close(new.energy, energy, 5)
    assert close(new.forces, forces, 5)
    assert close(new.later, released(new.charge, new.x), 5)
    assert not close(new.forces, clouds.forces, 1)
    assert new.x[..., 2].std() > 0.5  # no longer flat


def test_vectors_are_scored_alike_in_all_frames() -> None:
    clouds = charges(50, rng())
    guess = 0.9 * clouds.forces
    assert relative(guess, clouds.forces) == pytest.approx(0.99, abs=1e-6)
    assert relative(clouds.forces, clouds.forces) == 1
    assert relative(torch.zeros_like(guess), clouds.forces) == 0


# Learning


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "steps", "known", "lost"), [(egnn, 150, 0.85, 0.1), (potential, 60, 0.9, 0.05)], ids=["egnn", "potential"]
)
def test_what_is_learnt_of_flat_clouds_is_known_of_all(module: Any, steps: int, known: float, lost: float) -> None:
    row = module.LESSON.row(steps)
    assert row["test"] > known
    assert row["transformed"] == pytest.approx(row["test"], abs=1e-4)
    assert row["broken_test"] - row["broken_transformed"] > lost


@pytest.mark.slow
@pytest.mark.parametrize("module", [egnn, potential], ids=["egnn", "potential"])
def test_training_comes_to_the_stated_figure(module: Any) -> None:
    assert module.LESSON.train()["R^2"] > module.LESSON.goal


# Speed: python -m pytest property_tests/test_egnn.py --benchmark-only


def in_one_go(model: egnn.EGNN, h: Tensor, x: Tensor) -> None:
    model(h, x).energy.sum().backward()


def scattered(model: egnn.EGNN, h: Tensor, x: Tensor) -> None:
    as_in_the_paper(model, h[0], x[0]).energy.sum().backward()


@pytest.mark.parametrize("way", ["in one go", "scattered", "within a cutoff"])
def test_speed(benchmark: Any, way: str) -> None:
    hears = within(0.8) if way == "within a cutoff" else AllPairs
    model, run = network(hears).float(), scattered if way == "scattered" else in_one_go
    benchmark(run, model, normal(1, 200, 4).float(), normal(1, 200, 3, seed=1).float())
