"""The noise floor: what it finds in functions whose noise is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from symcheck._tree import Leaves
from symcheck.engine.noise import Noise, noise, plateau, rms
from symcheck.engine.policy import Policy

POLICY = Policy()
EPS = {dtype: float(torch.finfo(dtype).eps) for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16)}
DOUBLE, SINGLE = EPS[torch.float64], EPS[torch.float32]
NEAR = Policy(wide_spacing=POLICY.near_spacing * DOUBLE**0.5)  # both spacings close, as if there were no wide one

Function = Callable[[Tensor], Tensor]


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def measured(f: Function, x: Tensor, *, eps: float = DOUBLE, policy: Policy = POLICY, seed: int = 0) -> Noise:
    return noise(lambda leaves: [f(leaves[0])], [x], moving=[True], spreads=[0.0], eps=eps, rng=rng(seed), policy=policy)


def relative(f: Function, x: Tensor, *, eps: float = DOUBLE, policy: Policy = POLICY) -> float:
    """The noise at most inputs, relative to the output."""
    found = measured(f, x, eps=eps, policy=policy)
    return float((found.level / found.size).nanmedian())


# plateau: from a table of values to their noise


def smooth_table(lines: int = 8, outputs: int = 64) -> Tensor:
    """Sines at places 1e-5 apart: their third differences are 1e-15."""
    return torch.sin(normal(lines, 1, outputs) + 1e-5 * torch.arange(7, dtype=torch.float64).reshape(1, 7, 1))


def uniform(table: Tensor) -> Tensor:
    """Of standard deviation 1."""
    return math.sqrt(12) * (torch.rand(table.shape, generator=rng(1), dtype=torch.float64) - 0.5)


def gaussian(table: Tensor) -> Tensor:
    return normal(*table.shape, seed=1)


def coins(table: Tensor) -> Tensor:
    """Plus or minus 1."""
    return gaussian(table).sign()


@pytest.mark.parametrize("kind", [uniform, gaussian, coins], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("level", [1e-12, 1e-9, 1e-3])
def test_a_known_noise_is_recovered(kind: Function, level: float) -> None:
    table = smooth_table()
    found = plateau(table + level * kind(table), POLICY.lowest_order)
    assert found.shape == (8,)
    assert bool(((found > level / 2) & (found < 2 * level)).all())


def test_the_noise_of_one_number_is_recovered_by_the_median_of_lines() -> None:
    table = smooth_table(lines=101, outputs=1)
    assert 0.5e-9 < float(plateau(table + 1e-9 * gaussian(table), POLICY.lowest_order).median()) < 2e-9


@pytest.mark.parametrize("degree", range(4))
def test_a_polynomial_has_no_noise(degree: int) -> None:
    """Differences of whole numbers are exact. A cubic shows in one order only, which the median drops."""
    places = torch.arange(-3, 4, dtype=torch.float64).reshape(1, 7, 1)
    table = 5 * places**degree - 7 * places ** max(degree - 1, 0) + 2
    assert plateau(table, POLICY.lowest_order).tolist() == [0.0]


def test_a_parabola_would_show_in_the_first_orders() -> None:
    places = torch.arange(-3, 4, dtype=torch.float64).reshape(1, 7, 1)
    assert float(plateau(places[:, :3] ** 2, 1)) > 0


def test_a_smooth_function_has_less_noise_than_rounding() -> None:
    assert float(plateau(smooth_table(), POLICY.lowest_order).max()) < 4 * DOUBLE


def test_nan_is_no_noise_of_zero() -> None:
    table = smooth_table(lines=2)
    table[0, 3, 0] = torch.nan
    found = plateau(table, POLICY.lowest_order)
    assert found.isnan().tolist() == [True, False]


# noise: of a function

WEIGHTS = normal(20, 30, seed=5) / 20**0.5
INPUTS = normal(8, 20, seed=6)


def layer(x: Tensor) -> Tensor:
    return torch.tanh(x @ WEIGHTS.to(x.dtype))


def in_dtype(dtype: torch.dtype) -> Function:
    """The layer computed in that dtype, with float64 outside."""
    return lambda x: layer(x.to(dtype)).double()


def cast_inside(x: Tensor) -> Tensor:
    """float64 but for one intermediate result."""
    return (torch.tanh((x @ WEIGHTS).float().double()) * 1.5).exp()


def table_of_float32(x: Tensor) -> Tensor:
    """float64 throughout, with constants that were rounded once: smooth, though wrong by an epsilon of float32."""
    return torch.tanh(x @ WEIGHTS.float().double())


def test_a_function_in_float64_has_the_noise_of_float64() -> None:
    assert DOUBLE / 16 < relative(layer, INPUTS) < 4 * DOUBLE


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_function_in_low_precision_has_its_noise(dtype: torch.dtype) -> None:
    """The input's own rounding is seen too: the lines are as wide as the dtype asks for."""
    assert EPS[dtype] / 16 < relative(in_dtype(dtype), INPUTS, eps=EPS[dtype]) < 4 * EPS[dtype]


def test_a_hidden_cast_to_float32_is_seen_by_the_wide_spacing() -> None:
    """At 1e-7 of the input the points fall on few numbers of float32, and show a part of an epsilon; closer, on one."""
    assert SINGLE / 64 < relative(cast_inside, INPUTS) < SINGLE
    assert relative(cast_inside, INPUTS, policy=NEAR) < SINGLE * 1e-3


def test_an_input_rounded_to_float32_is_seen_by_the_wide_spacing() -> None:
    assert SINGLE / 64 < relative(in_dtype(torch.float32), INPUTS) < SINGLE
    assert relative(in_dtype(torch.float32), INPUTS, policy=NEAR) == 0


def test_constants_in_float32_are_no_noise() -> None:
    """They make another smooth function: what they break is truth, and nothing excuses it."""
    assert relative(table_of_float32, INPUTS) < 4 * DOUBLE


@pytest.mark.parametrize("level", [1e-12, 1e-8, 1e-3])
def test_a_function_that_differs_from_call_to_call_has_that_noise(level: float) -> None:
    draws = rng(3)

    def shaky(x: Tensor) -> Tensor:
        return layer(x) + level * torch.randn(len(x), 30, generator=draws, dtype=torch.float64)

    levels = measured(shaky, INPUTS).level
    assert bool(((levels > level / 2) & (levels < 2 * level)).all())


def test_digits_lost_to_an_offset_are_noise() -> None:
    """A large constant that is added and taken away again leaves an epsilon of itself."""
    found = measured(lambda x: (layer(x) + 1e6) - 1e6, INPUTS).level
    rounding = 1e6 * DOUBLE
    assert bool(((found > rounding / 16) & (found < rounding)).all())


def cast_of_one_number(x: Tensor) -> Tensor:
    return x.square().sum(-1).float().double()


def offset_of_one_number(x: Tensor) -> Tensor:
    return (x.square().sum(-1) + 1e6) - 1e6


@pytest.mark.parametrize("seed", range(4))
def test_a_cast_of_a_single_number_is_seen(seed: int) -> None:
    """Its roundings lie on a grid, so that differences of few points are often exactly 0: that is no smoothness."""
    assert SINGLE / 64 < relative(cast_of_one_number, normal(64, 20, seed=seed)) < SINGLE


@pytest.mark.parametrize("seed", range(4))
def test_digits_lost_by_a_single_number_are_seen(seed: int) -> None:
    found = float(measured(offset_of_one_number, normal(64, 20, seed=seed)).level.nanmedian())
    assert 1e6 * DOUBLE / 16 < found < 1e6 * DOUBLE


# Kinks and jumps


def crossing(x: Tensor, lines: int) -> Tensor:
    """The inputs with a zero as first number in some of the rows, and no zero near by in the others."""
    x = x.clone()
    x[:, 0] = 1.0
    x[:lines, 0] = 0.0
    return x


@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("f", [torch.relu, torch.abs, lambda x: (x > 0).double()], ids=["relu", "abs", "step"])
def test_what_few_lines_cross_does_not_raise_the_floor(f: Function, lines: int) -> None:
    def bent(x: Tensor) -> Tensor:
        return layer(x) + f(x[:, :1])

    found = measured(bent, crossing(INPUTS, lines))
    undisturbed = measured(bent, crossing(INPUTS, 0))
    assert found.level[lines:].max() < 8 * DOUBLE
    magnitude = torch.ones(4, 1, dtype=torch.float64)
    assert bool((found.typical(magnitude) <= 4 * undisturbed.typical(magnitude)).all())


def test_what_every_line_crosses_gives_no_floor() -> None:
    found = measured(lambda x: layer(x) + (x[:, :1] > 0).double(), crossing(INPUTS, 8))
    assert found.level.isnan().all()
    assert not found.typical(torch.ones(4, 1, dtype=torch.float64)).any()


# What is moved, and how far


def test_what_does_not_move_has_no_noise() -> None:
    def f(leaves: Leaves) -> Leaves:
        return [layer(leaves[0]), layer(leaves[1])]

    found = noise(f, [INPUTS, INPUTS], moving=[True, False], spreads=[0.0, 0.0], eps=DOUBLE, rng=rng(), policy=POLICY)
    assert found.level.shape == found.size.shape == found.gain.shape == (8, 2)
    assert bool((found.level[:, 0] > 0).all())
    assert not found.level[:, 1].any()
    assert not found.gain[:, 1].any()
    assert torch.equal(found.size[:, 0], found.size[:, 1])


def test_integers_stay_as_they_are() -> None:
    index = torch.arange(8).reshape(8, 1)

    def f(leaves: Leaves) -> Leaves:
        assert leaves[1].dtype == torch.int64
        assert bool((leaves[1].reshape(8, -1) == index).all())
        return [leaves[0].gather(1, leaves[1])]

    found = noise(f, [INPUTS, index], moving=[True, False], spreads=[0.0, 0.0], eps=DOUBLE, rng=rng(), policy=POLICY)
    assert bool((found.gain > 0).all())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gain_is_the_change_for_a_change_by_the_input_s_own_size(scale: float) -> None:
    """A direction of 5,000 normal numbers has length 1 (RMS) to 6 / sqrt(10,000) of itself; six lengths make the mean."""
    x = scale * normal(4, 5_000)
    gain = measured(lambda x: 3 * x, x).gain
    assert ((gain.squeeze(-1) / (3 * rms(x)) - 1).abs() < 0.06).all()


def test_an_input_of_zeros_is_moved_by_one() -> None:
    found = measured(lambda x: 3 * x + 1, torch.zeros(2, 5_000, dtype=torch.float64))
    assert ((found.gain.squeeze(-1) / 3 - 1).abs() < 0.06).all()


def test_the_noise_follows_from_the_seed() -> None:
    assert torch.equal(measured(layer, INPUTS, seed=1).level, measured(layer, INPUTS, seed=1).level)
    assert not torch.equal(measured(layer, INPUTS, seed=1).level, measured(layer, INPUTS, seed=2).level)


def test_the_function_is_called_once_with_all_points_of_all_lines() -> None:
    calls: list[int] = []

    def counted(x: Tensor) -> Tensor:
        calls.append(len(x))
        return x

    measured(counted, INPUTS)
    assert calls == [8 * POLICY.line_points * len(POLICY.spacings(DOUBLE))]


def test_each_line_passes_through_its_input() -> None:
    seen: list[Tensor] = []

    def kept(x: Tensor) -> Tensor:
        seen.append(x.reshape(8, -1, POLICY.line_points, 20))
        return x

    found = measured(kept, INPUTS)
    middle = seen[0][:, :, POLICY.line_points // 2]
    assert torch.equal(middle, INPUTS.unsqueeze(1).expand_as(middle))
    assert torch.equal(found.size.squeeze(-1), rms(INPUTS))


# Sizes


def test_typical_noise_is_the_median_absolute_or_relative() -> None:
    level = torch.tensor([[1.0], [2.0], [torch.nan], [90.0]], dtype=torch.float64)
    size = torch.tensor([[10.0], [10.0], [10.0], [10.0]], dtype=torch.float64)
    found = Noise(level, size, torch.zeros_like(level)).typical(torch.tensor([[5.0], [10.0], [30.0]], dtype=torch.float64))
    assert found.flatten().tolist() == pytest.approx([2, 2, 6], rel=DOUBLE)


def test_spacings_are_no_wider_than_a_part_of_the_input() -> None:
    near, wide = POLICY.spacings(DOUBLE)
    assert near < 1e-12 < wide < 1e-6
    assert POLICY.spacings(EPS[torch.bfloat16]) == (POLICY.widest_spacing,)
    assert POLICY.spacings(SINGLE)[-1] < POLICY.widest_spacing


def test_rms_is_over_all_but_the_leading_axis() -> None:
    assert rms(torch.tensor([[[3.0, 4.0]], [[0.0, 0.0]]])).tolist() == [12.5**0.5, 0]
    assert rms(torch.tensor([3, -3])).tolist() == [3, 3]
    assert rms(torch.tensor([[3 + 4j]])).tolist() == [12.5**0.5]
    assert rms(torch.tensor([[True, False, False, False]])).tolist() == [0.5]
    assert rms(torch.ones(2, 3, dtype=torch.bfloat16)).dtype == torch.float64
