"""The spherical CNN: exact on a fine grid, as good as the grid elsewhere, and its twins by how much they are off."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models import spherical
from models._tasks.patterns import patterns
from models._training import cross_entropy as loss
from symcheck.groups import SO, Group, O
from symcheck.reps import SphericalSignal
from symcheck.reps.spherical import SphericalTransform, coefficients

EPS = float(torch.finfo(torch.float64).eps)
REP = SphericalSignal(spherical.DEGREE, spherical.RES)
EXACT = 4 * 25 * EPS  # of sums over 25 coefficients in each of a few layers; broken ones show 1e-3 and more
COUNT = 32


def signals(count: int = COUNT) -> Tensor:
    return REP.sample(SO(3), (2, spherical.RES, 2 * spherical.RES), count, Generator().manual_seed(0))


def built(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make().double()


TURNS = SO(3)


def off(model: nn.Module, group: Group = TURNS, g: Tensor | None = None) -> float:
    """The violation, RMS, relative to the spread over the signals. What has the shape of a signal turns as one."""
    x = signals()
    g = group.sample(COUNT, Generator().manual_seed(1)) if g is None else g
    with torch.no_grad():
        y = model(x)
        moved = model(REP.act(group, g, x))
    expected = REP.act(group, g, y) if y.ndim == 4 else y
    return float((moved - expected).norm() / (y - y.mean(0)).norm())


def about_the_poles() -> Tensor:
    angle = 2 * math.pi * torch.arange(COUNT, dtype=torch.float64) / COUNT
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    entries = [angle.cos(), zero, angle.sin(), zero, one, zero, -angle.sin(), zero, angle.cos()]
    return torch.stack(entries, -1).reshape(COUNT, 3, 3)


# What holds


@pytest.mark.parametrize("make", [spherical.segmenter, spherical.classifier], ids=lambda make: make.__name__)
@pytest.mark.parametrize("group", [SO(3), O(3)], ids=str)
def test_the_network_turns_with_its_input(make: Callable[[], nn.Module], group: Group) -> None:
    assert off(built(make), group) <= EXACT


def test_convolutions_alone_are_exact() -> None:
    layer = built(lambda: spherical.ZonalConvolution(2, 3, 4))
    a, g = (
        torch.randn(COUNT, 2, 25, generator=Generator().manual_seed(0), dtype=torch.float64),
        SO(3).sample(COUNT, Generator()),
    )
    with torch.no_grad():
        nn.init.normal_(layer.bias)
        turned = coefficients(4).act(SO(3), g, layer(a))
        assert float((layer(coefficients(4).act(SO(3), g, a)) - turned).abs().max()) <= EXACT * float(turned.abs().max())


def test_a_convolution_has_a_number_for_each_degree_and_pair_of_channels() -> None:
    """Schur: that is all that commutes. With one channel, W_l y_lm for each l."""
    layer = built(lambda: spherical.ZonalConvolution(1, 1, 3))
    with torch.no_grad():
        y = layer(torch.ones(1, 16, dtype=torch.float64))[0]
    assert len(layer.weight) == 4
    expected = layer.weight[:, 0].repeat_interleave(torch.tensor([1, 3, 5, 7]))
    assert torch.equal(y, expected.detach())


def test_the_quadratic_is_on_the_coarsest_grid_that_will_do() -> None:
    for degree in range(2, 10):
        grid = spherical.quadratic(degree)[0].transform
        assert 3 * degree <= grid.precision
        assert 3 * degree > SphericalTransform(degree, grid.res - 1, "gauss").precision


def test_the_power_of_each_degree_is_invariant() -> None:
    a, g = torch.randn(COUNT, 2, 25, generator=Generator().manual_seed(0), dtype=torch.float64), O(3).sample(COUNT, Generator())
    power = spherical.Power()(a)
    assert power.shape == (COUNT, 10)
    assert torch.allclose(power[:, 0], a[:, 0, 0].square().log1p())
    moved = spherical.Power()(coefficients(4).act(O(3), g, a))
    assert float((moved - power).abs().max()) <= EXACT


@pytest.mark.parametrize("make", [spherical.classifier, spherical.on_the_map], ids=lambda make: make.__name__)
def test_training_keeps_what_holds_and_hides_nothing(make: Callable[[], nn.Module]) -> None:
    model = built(make).train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        loss(model, (signals(), torch.arange(COUNT) % 4)).backward()
        optimiser.step()
    error = off(model.eval())
    assert error <= EXACT if make is spherical.classifier else error > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_run(dtype: torch.dtype) -> None:
    model, x = built(spherical.segmenter), signals(4)
    with torch.no_grad():
        exact, y = model(x), model.to(dtype)(x.to(dtype))
    assert y.dtype == dtype
    assert float((y.double() - exact).norm() / exact.norm()) <= 64 * torch.finfo(dtype).eps


# What only converges


def test_relu_converges_as_the_grid_to_the_power_of_five_halves() -> None:
    """Its kink costs res^-2 at each crossing, and crossings have either sign, so that of res of them sqrt(res) are left."""
    errors = [off(built(lambda res=res: spherical.relu_segmenter(res))) for res in (10, 20, 40, 80)]
    assert 0.01 <= errors[0] <= 0.1
    assert errors[-1] <= 1e-3
    assert all(2**1.8 <= coarse / fine <= 2**3.2 for coarse, fine in pairwise(errors))


# What is broken


@pytest.mark.parametrize(
    ("make", "least"),
    [(spherical.aliased, 1e-2), (spherical.per_order, 0.3), (spherical.on_the_map, 0.3), (spherical.relu_segmenter, 3e-4)],
    ids=lambda make: getattr(make, "__name__", None),
)
def test_twins_are_off(make: Callable[[], nn.Module], least: float) -> None:
    assert off(built(make)) >= least


def test_weights_for_each_order_keep_the_polar_axis() -> None:
    model = built(spherical.per_order)
    assert off(model, g=about_the_poles()) <= EXACT
    assert off(model) > 0.3


def test_a_map_keeps_rolls_of_longitudes() -> None:
    layer = built(lambda: spherical.MapConvolution(2, 3, 3))
    x = signals()
    with torch.no_grad():
        assert float((layer(x.roll(3, -1)) - layer(x).roll(3, -1)).abs().max()) <= EXACT


def test_orders_are_mixed_as_complex_numbers() -> None:
    """W (a + i b) at one (l, m): with W = i, cosines become sines."""
    layer = built(lambda: spherical.PerOrderConvolution(1, 1, 2))
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight.reshape(2, 9)[1, 8] = 1  # the imaginary part at l = 2, m = 2
        y = layer(torch.eye(9, dtype=torch.float64).unsqueeze(1))[:, 0]
    expected = torch.zeros(9, 9, dtype=torch.float64)
    expected[8, 4], expected[4, 8] = 1, -1
    assert torch.equal(y, expected)


# What they are worth


def test_patterns_have_the_same_power() -> None:
    """So that the power of the input tells nothing, and the network must see how degrees lie to each other."""
    x, label = patterns(512, Generator().manual_seed(0))
    a = SphericalTransform(spherical.DEGREE, spherical.RES).analysis(x)
    means = torch.stack([a[label == kind].mean(0) for kind in range(4)])
    power = torch.stack([functional.pad(means[..., l * l : (l + 1) ** 2], (0, 9)).square().sum(-1) for l in range(5)])
    assert float((power / power[:, :1] - 1).abs().max()) <= 0.3  # means of some 128 noisy ones
    assert float((means[0] - means[1]).norm() / means[0].norm()) > 0.5


@pytest.mark.slow
def test_training_reaches_its_figures() -> None:
    row = spherical.LESSON.row()
    assert row["test"] >= 0.95
    assert row["transformed"] >= 0.95
    assert row["broken_test"] >= 0.95
    assert row["broken_transformed"] <= 0.85
