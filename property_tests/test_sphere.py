"""Signals on the sphere: the transform, the rep by which rotations act on samples, and the domains that supply them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor

from symcheck.domains import Sphere, SphericalCoefficients
from symcheck.errors import ClaimError, DomainError
from symcheck.groups import SE, SO, O, Symmetric
from symcheck.reps import SphericalSignal, as_rep
from symcheck.reps.irreps import spherical_harmonics
from symcheck.reps.spherical import Nodes, SphericalTransform, coefficients, latitudes, patterns, precision

EPS = float(torch.finfo(torch.float64).eps)
TRIALS = 8
GRIDS = [
    SphericalTransform(0, 1),
    SphericalTransform(1, 3),
    SphericalTransform(4, 9),
    SphericalTransform(8, 18),
    SphericalTransform(16, 40),
    SphericalTransform(0, 1, "gauss"),
    SphericalTransform(4, 5, "gauss"),
    SphericalTransform(8, 9, "gauss"),
    SphericalTransform(16, 20, "gauss"),
]
every_grid = pytest.mark.parametrize("grid", GRIDS, ids=str)
both_nodes = pytest.mark.parametrize("nodes", ["equiangular", "gauss"])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def turns(n: int = TRIALS, seed: int = 0) -> Tensor:
    return SO(3).sample(n, Generator().manual_seed(seed))


def harmonics(degree: int, xyz: Tensor) -> Tensor:
    """The orthonormal basis at unit vectors `(..., 3)`, straight from the definition: `(..., (degree + 1)^2)`."""
    return torch.cat([math.sqrt(2 * l + 1) * spherical_harmonics(l, xyz) for l in range(degree + 1)], -1)


def near(left: Tensor, right: Tensor, terms: int) -> bool:
    """Equal up to the rounding of sums of so many terms, each the product of a table's entry and a number.

    The entries of the tables come from recurrences over the degrees, of no more steps than there are terms.
    """
    return float((left - right).abs().max()) <= 4 * terms * EPS * max(1.0, float(right.abs().max()))


# The transform


@every_grid
def test_analysis_undoes_synthesis(grid: SphericalTransform) -> None:
    a = normal(3, 2, grid.size)
    assert near(grid.analysis(grid.synthesis(a)), a, grid.size)


@every_grid
def test_synthesis_sums_the_harmonics(grid: SphericalTransform) -> None:
    a = normal(3, 2, grid.size)
    assert near(grid.synthesis(a), torch.einsum("...k, tpk -> ...tp", a, harmonics(grid.degree, grid.points)), grid.size)


@every_grid
def test_the_points_are_unit_vectors_from_pole_to_pole(grid: SphericalTransform) -> None:
    points = grid.points
    assert points.shape == (grid.res, 2 * grid.res, 3)
    assert float((points.norm(dim=-1) - 1).abs().max()) <= 4 * EPS
    assert bool((points[..., 1].diff(dim=0) < 0).all())
    first = points[:, 0]
    assert not first[:, 0].any()
    assert bool((first[:, 2] > 0).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128, torch.bfloat16])
def test_the_transform_keeps_the_dtype_and_batch_axes(dtype: torch.dtype) -> None:
    grid = SphericalTransform(2, 6)
    for batch in ((), (3,), (2, 1, 4)):
        a = normal(*batch, 9).to(dtype)
        x = grid.synthesis(a)
        assert (x.dtype, x.shape) == (dtype, (*batch, 6, 12))
        assert (grid.analysis(x).dtype, grid.analysis(x).shape) == (dtype, a.shape)
        assert float((grid.analysis(x) - a).abs().max()) <= 64 * torch.finfo(dtype).eps * float(a.abs().max())


def test_tables_made_under_inference_mode_can_be_trained_with() -> None:
    grid = SphericalTransform(3, 11)  # a grid that no other test has, so that its tables aren't there yet
    with torch.inference_mode():
        grid.synthesis(torch.ones(16))
    a = torch.ones(16, requires_grad=True)
    grid.synthesis(a).square().sum().backward()
    assert a.grad is not None


@both_nodes
@pytest.mark.parametrize("res", [1, 2, 5, 8, 13, 36])
def test_quadratures_are_exact_to_their_precision_and_no_further(res: int, nodes: Nodes) -> None:
    """On Legendre polynomials, whose mean is 0 but for the first."""
    cosine, weight = latitudes(res, nodes)
    assert cosine.shape == weight.shape == (res,)
    assert bool((weight > 0).all())
    means, below, here = [], torch.zeros_like(cosine), torch.ones_like(cosine)
    for l in range(precision(res, nodes) + 2):
        means.append(float((weight * here).sum() / 2))
        below, here = here, ((2 * l + 1) * cosine * here - l * below) / (l + 1)
    assert abs(means[0] - 1) <= 4 * res * EPS
    assert all(abs(mean) <= 16 * res * EPS for mean in means[1:-1])
    assert abs(means[-1]) > 1e-4


ROUNDING = 4 * 81 * EPS  # of sums over the 81 coefficients of degree 8


def aliasing(grid: SphericalTransform, function: Callable[[Tensor], Tensor]) -> float:
    """By how much a pointwise function, cut off at the grid's degree, fails to commute with rotations: relative, RMS."""
    a, rep = normal(32, grid.size), coefficients(grid.degree)

    def f(a: Tensor) -> Tensor:
        return grid.analysis(function(grid.synthesis(a)))

    turned = rep.act(SO(3), turns(32), f(a))
    return float((f(rep.act(SO(3), turns(32), a)) - turned).norm() / turned.norm())


@pytest.mark.parametrize(("nodes", "res"), [("equiangular", 25), ("equiangular", 36), ("gauss", 13), ("gauss", 18)])
def test_squares_are_exact_on_a_fine_grid(nodes: Nodes, res: int) -> None:
    """L = 8: from 3 x 8 + 1 equiangular latitudes on, or half of that."""
    assert aliasing(SphericalTransform(8, res, nodes), torch.square) <= ROUNDING


@pytest.mark.parametrize(
    ("nodes", "res", "error"),
    [("equiangular", 18, 3.4e-3), ("equiangular", 24, 1e-4), ("gauss", 9, 0.4), ("gauss", 12, 0.07)],
)
def test_squares_are_aliased_on_a_coarser_one(nodes: Nodes, res: int, error: float) -> None:
    assert error / 2 <= aliasing(SphericalTransform(8, res, nodes), torch.square) <= 2 * error


def test_cubes_need_a_finer_grid_than_squares() -> None:
    grids = [SphericalTransform(8, res, "gauss") for res in (13, 16, 17)]
    errors = [aliasing(grid, lambda x: x**3) for grid in grids]
    assert [error <= ROUNDING for error in errors] == [False, False, True]  # (3 + 1) x 8 = 32 <= 2 res - 1


@both_nodes
def test_relu_converges(nodes: Nodes) -> None:
    errors = [aliasing(SphericalTransform(8, res, nodes), torch.relu) for res in (18, 36, 72)]
    assert 0.01 <= errors[0] <= 0.05
    assert all(3 <= coarse / fine <= 8 for coarse, fine in pairwise(errors))


# The rep


@every_grid
def test_a_signal_turns_as_a_function_does(grid: SphericalTransform) -> None:
    """(g f)(x) = f(R^-1 x), with f evaluated where it wasn't sampled."""
    a, g = normal(TRIALS, 2, grid.size), turns()
    turned = SphericalSignal(grid.degree, grid.res, grid.nodes).act(SO(3), g, grid.synthesis(a))
    source = torch.einsum("nji, tpj -> ntpi", g, grid.points)
    assert near(turned, torch.einsum("nck, ntpk -> nctp", a, harmonics(grid.degree, source)), grid.size)


def test_turning_the_other_way_is_caught() -> None:
    grid = SphericalTransform(4, 9)
    a, g = normal(TRIALS, 2, grid.size), turns()
    turned = SphericalSignal(4, 9).act(SO(3), g.mT, grid.synthesis(a))
    source = torch.einsum("nji, tpj -> ntpi", g, grid.points)
    assert not near(turned, torch.einsum("nck, ntpk -> nctp", a, harmonics(4, source)), grid.size)


def test_samples_and_coefficients_turn_alike() -> None:
    a, g, grid = normal(TRIALS, 3, 25), O(3).sample(TRIALS, Generator().manual_seed(0)), SphericalTransform(4, 6, "gauss")
    turned = grid.synthesis(coefficients(4).act(O(3), g, a))
    assert near(SphericalSignal(4, 6, "gauss").act(O(3), g, grid.synthesis(a)), turned, 25)


def test_a_turn_about_the_polar_axis_rolls_longitudes() -> None:
    angle = math.pi / 10 * 3
    c, s = math.cos(angle), math.sin(angle)
    about_y = torch.tensor([[[c, 0, s], [0, 1, 0], [-s, 0, c]]], dtype=torch.float64)
    x = SphericalTransform(4, 10).synthesis(normal(1, 25))
    assert near(SphericalSignal(4, 10).act(SO(3), about_y, x), x.roll(3, -1), 25)


def test_inversion_takes_antipodes_for_each_other() -> None:
    x, inversion = SphericalTransform(4, 10).synthesis(normal(1, 25)), -torch.eye(3, dtype=torch.float64).unsqueeze(0)
    assert near(SphericalSignal(4, 10).act(O(3), inversion, x), x.flip(-2).roll(10, -1), 25)


def test_what_is_beyond_the_degree_stays_where_it_is() -> None:
    """So the laws of a rep hold for all tensors, but only a band-limited one is turned."""
    fine = SphericalTransform(5, 11).synthesis(torch.eye(36, dtype=torch.float64)[-3:])
    assert near(SphericalSignal(4, 11).act(SO(3), turns(3), fine), fine, 36)
    assert not near(SphericalSignal(5, 11).act(SO(3), turns(3), fine), fine, 36)


def test_what_the_rep_draws_turns_as_a_function_does() -> None:
    rep = SphericalSignal(3, 8)
    x = rep.sample(SO(3), (2, 8, 16), 50, Generator().manual_seed(0))
    assert x.shape == (50, 2, 8, 16)
    assert near(rep.transform.synthesis(rep.transform.analysis(x)), x, 16)
    assert 0.8 <= float(rep.transform.analysis(x).square().sum(-1).mean()) <= 1.25


def test_the_rep_has_a_name_with_arguments() -> None:
    assert as_rep("spherical(degree=4, res=10)") == SphericalSignal(4, 10)
    assert as_rep("spherical(degree=4, res=5, nodes='gauss')") == SphericalSignal(4, 5, "gauss")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: SphericalTransform(8, 16),
            "16 equiangular latitudes determine signals up to degree 7, not 8. Use a res of 17, or nodes='gauss' with 9.",
        ),
        (
            lambda: SphericalSignal(8, 8, "gauss"),
            "SphericalSignal(degree=8, res=8, nodes='gauss'): 8 gauss latitudes determine signals up to degree 7, not 8. "
            "Use a res of 9.",
        ),
        (
            lambda: SphericalTransform(2, 6, "gaus"),  # type: ignore[arg-type]
            "there are no latitudes 'gaus'; did you mean 'gauss'?",
        ),
        (
            lambda: SphericalTransform(-1, 6),
            "a signal of degree -1 on 6 latitudes is none. Use a degree of 0 or more and a res of 1 or more.",
        ),
    ],
    ids=["too coarse", "too coarse for Gauss", "unknown nodes", "no signal"],
)
def test_grids_that_are_none_are_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        make()
    assert str(caught.value) == text


REP = "SphericalSignal(degree=2, res=5, nodes='equiangular')"


@pytest.mark.parametrize(
    ("group", "shape", "text"),
    [
        (SO(3), (5, 5), f"input 'x' has shape (5, 5): {REP} acts on last axes of sizes 5 and 10."),
        (SO(2), (5, 10), f"{REP} is defined for rotations and reflections of 3 dimensions, not for SO(2)."),
        (Symmetric(3), (5, 10), f"{REP}: S_3 has no linear part. "),
        (SO(3), (10,), f"input 'x' has shape (10,): {REP} needs 2 trailing axes."),
    ],
    ids=["wrong grid", "planar", "no matrices", "no grid"],
)
def test_where_the_rep_does_not_fit(group: SO | Symmetric, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        SphericalSignal(2, 5).check(group, shape, floating=True, where="input 'x'")
    assert text in str(caught.value)


def test_translations_leave_the_sphere_alone() -> None:
    g = SE(3).sample(TRIALS, Generator().manual_seed(0))
    x = SphericalTransform(2, 5).synthesis(normal(TRIALS, 9))
    assert torch.equal(SphericalSignal(2, 5).act(SE(3), g, x), SphericalSignal(2, 5).act(SO(3), g[:, :3, :3], x))


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("degree", [1, 3, 8])
def test_the_basis_is_that_of_e3nn(degree: int) -> None:
    o3 = pytest.importorskip("e3nn.o3")
    points = SphericalTransform(degree, 2 * degree + 1).points
    theirs = o3.spherical_harmonics(list(range(degree + 1)), points, normalize=True, normalization="component")
    assert near(harmonics(degree, points), theirs, (degree + 1) ** 2)


# The domains


@pytest.mark.parametrize("domain", [Sphere(4, 9, 2), Sphere(4, 6, 2, "gauss"), Sphere(2, 20)], ids=str)
def test_signals_are_band_limited(domain: Sphere) -> None:
    x = domain.sample({}, 64, Generator().manual_seed(0))
    assert x.shape == (64, domain.channels, domain.res, 2 * domain.res)
    for one in (x, *domain.structured({}).values()):
        assert near(domain.transform.synthesis(domain.transform.analysis(one)), one, domain.transform.size)


def test_signals_have_a_mean_square_of_one() -> None:
    domain = Sphere(4, 9)
    power = domain.transform.analysis(domain.sample({}, 4096, Generator().manual_seed(0))).square().sum(-1)
    # 25 squares of normal numbers over 25: the mean of 4096 of them strays by 6 standard deviations once in a billion.
    assert abs(float(power.mean()) - 1) <= 6 * math.sqrt(2 / 25 / 4096)
    for x in domain.structured({}).values():
        assert abs(float(domain.transform.analysis(x).square().sum()) - 1) <= 64 * EPS


def test_samples_are_those_of_the_coefficients() -> None:
    a = SphericalCoefficients(3, 2).sample({}, 5, Generator().manual_seed(1))
    assert torch.equal(SphericalTransform(3, 8).synthesis(a), Sphere(3, 8, 2).sample({}, 5, Generator().manual_seed(1)))


def test_structured_signals_are_what_their_names_say() -> None:
    found = {name: x[0, 0] for name, x in Sphere(4, 10).structured({}).items()}
    a = patterns(4)
    assert set(found) == set(a)
    assert found["a constant"].std() <= 16 * EPS
    zonal = found["a zonal harmonic"]
    assert near(zonal, zonal[:, :1].expand_as(zonal), 25)
    assert a["a sectoral harmonic"].nonzero().flatten().tolist() == [24]
    assert a["a single degree"].nonzero().flatten().tolist() == list(range(16, 25))
    assert int(found["a delta at the pole"].argmax()) < 20  # the first latitude
    row, column = divmod(int(found["a delta on the equator"].argmax()), 20)
    assert row in (4, 5)
    assert column == 0


def test_simpler_signals_are_simpler_and_stay_in_the_domain() -> None:
    domain = Sphere(2, 6, 2)
    x = domain.sample({}, 1, Generator().manual_seed(0))
    candidates = domain.simpler(x[0])
    assert candidates.shape[1:] == x.shape[1:]
    assert near(domain.transform.synthesis(domain.transform.analysis(candidates)), candidates, 9)
    assert bool((domain.complexity(candidates) < domain.complexity(x)).any())
    assert float(domain.complexity(torch.zeros_like(x))) == 0
    without = SphericalCoefficients(2, 2).simpler(domain.transform.analysis(x[0]))[-3:]
    kept = [[int(part.abs().max() > 0) for part in a.split([1, 3, 5], -1)] for a in without]
    assert kept == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]


def test_complexity_counts_coefficients_and_not_samples() -> None:
    domain = Sphere(2, 6)
    one = domain.transform.synthesis(torch.eye(9, dtype=torch.float64).unsqueeze(1))
    assert domain.complexity(one).tolist() == [1.0] * 9


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Sphere(4, 8),
            "Sphere(degree=4, res=8, channels=1, nodes='equiangular'): 8 equiangular latitudes determine signals up to degree "
            "3, not 4. Use a res of 9, or nodes='gauss' with 5.",
        ),
        (
            lambda: Sphere(4, 9, 0),
            "Sphere(degree=4, res=9, channels=0, nodes='equiangular'): it is empty. Give at least 1 channel.",
        ),
        (
            lambda: SphericalCoefficients(-1),
            "SphericalCoefficients(degree=-1, channels=1) is empty. Give a degree of 0 or more and at least 1 channel.",
        ),
    ],
    ids=["too coarse", "no channel", "no coefficient"],
)
def test_domains_that_supply_nothing_are_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(DomainError) as caught:
        make()
    assert str(caught.value) == text
