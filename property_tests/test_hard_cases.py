"""Models that are right and look broken, and broken ones that look right: each was once judged wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from symcheck import Claim, Subject, Verdict
from symcheck.domains import Generated, Grid, Momenta, PointCloud, Set
from symcheck.engine import Judged, Outcome, Settings, examine
from symcheck.properties import Composition, Equivariance, GradientEquivariance, Infinitesimal, Property
from symcheck.reps import Dual, Framed, Multivector, Permute, PlanarIrreps, Vector

CLOUD = PointCloud(8)
VECTORS = Permute() * Vector()


def lengths(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def between(x: Tensor) -> Tensor:
    return x.unsqueeze(-2) - x.unsqueeze(-3)


def distances(x: Tensor) -> Tensor:
    return between(x).norm(dim=-1).sum((-1, -2))


def points(size: float = 1.0, offset: float = 0.0, dtype: torch.dtype = torch.float64) -> Tensor:
    return size * torch.randn(8, 3, generator=Generator().manual_seed(0), dtype=dtype) + offset


def audited(
    model: Any, domain: Any, group: str, inputs: Any, outputs: Any, prop: Property | None = None, **claim: Any
) -> Outcome:
    whole = Claim(model, group, domain=domain, inputs=inputs, outputs=outputs, properties=(prop or Equivariance(),), **claim)
    (outcome,) = (event.outcome for event in examine(whole, Settings()) if isinstance(event, Judged))
    return outcome


class ForcesInside(nn.Module):
    """An energy that is differentiated by torch.autograd inside the model, as interatomic potentials do."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x.requires_grad_(True)
            energy = self.net((between(x).square().sum(-1, keepdim=True) + 1e-3).sqrt()).sum((-1, -2, -3))
            return energy, -torch.autograd.grad(energy.sum(), x, create_graph=True)[0]


def power_of_a_float32_table(x: Tensor) -> Tensor:
    """Constant for two points, where all that varies is what the table rounds."""
    c = torch.tensor([1.0925484305920792, 0.31539156525252005, 0.5462742152960396]).to(x)
    eye = torch.eye(x.shape[-2], dtype=x.dtype).unsqueeze(-1)
    a, b, z = (between(x) / (between(x).norm(dim=-1, keepdim=True) + eye)).unbind(-1)
    harmonics = torch.stack([c[0] * a * b, c[0] * b * z, c[1] * (3 * z * z - 1), c[0] * a * z, c[2] * (a * a - b * b)], -1)
    return (harmonics * (1 - eye)).sum(-2).square().sum((-1, -2))


def lennard_jones(x: Tensor) -> Tensor:
    r = between(x).norm(dim=-1) + torch.eye(x.shape[-2], dtype=x.dtype)
    return (r**-12 - r**-6).triu(1).sum((-1, -2))


# Right


def test_a_model_that_differentiates_itself_has_lie_derivatives() -> None:
    outcome = audited(ForcesInside(), PointCloud(5), "E(3) x S_n", "permute * point", ("scalar", VECTORS), Infinitesimal())
    assert outcome.verdict is Verdict.HOLDS


@pytest.mark.parametrize("size", [1e-17, 1e-3, 1e6])
def test_translations_are_as_long_as_the_points_are_apart(size: float) -> None:
    assert audited(distances, points(size), "E(3)", "point", "scalar").verdict is Verdict.HOLDS


def test_an_offset_of_the_inputs_is_not_what_the_output_varies_with() -> None:
    outcome = audited(distances, points(offset=1e6), "T(3)", "point", "scalar")
    assert outcome.verdict is Verdict.HOLDS
    assert outcome.figures[0].limit < 1e-6


def test_a_root_rounds_by_more_at_the_singular_point_than_beside_it() -> None:
    outcome = audited(lambda x: torch.linalg.det(x[..., :3, :]).abs() ** (1 / 3), CLOUD, "O(3)", "vector", "scalar")
    assert outcome.verdict is Verdict.HOLDS


def test_a_float32_table_is_limited_where_the_output_is_constant() -> None:
    assert audited(power_of_a_float32_table, CLOUD, "O(3)", "vector", "scalar").verdict is Verdict.LIMITED


def test_a_tolerance_is_a_part_of_the_size_at_structured_inputs() -> None:
    outcome = audited(
        lambda x: lengths(x) + 5e-3 * x[..., 0], CLOUD, "O(3)", "vector", "scalar", tolerance=0.05, reason="a trained one"
    )
    assert outcome.verdict is Verdict.HOLDS
    assert audited(lambda x: lengths(x) + 5e-3 * x[..., 0], CLOUD, "O(3)", "vector", "scalar").verdict is Verdict.VIOLATED


def test_complex_numbers_have_lie_derivatives() -> None:
    x = torch.randn(5, 2, dtype=torch.complex128, generator=Generator().manual_seed(0))
    held = audited(lambda z: z * z.abs().tanh(), x, "U(1)", "phase", "phase", Infinitesimal())
    broken = audited(lambda z: z * z.real.tanh(), x, "U(1)", "phase", "phase", Infinitesimal())
    assert (held.verdict, broken.verdict) == (Verdict.HOLDS, Verdict.VIOLATED)


def test_there_is_no_gradient_by_a_mask() -> None:
    x = torch.randn(4, 5, 3, generator=Generator().manual_seed(0)), torch.ones(4, 5, dtype=torch.bool)
    outcome = audited(lambda x, m: (lengths(x) * m).sum(-1), x, "O(3)", ("vector", "scalar"), "scalar", GradientEquivariance())
    assert outcome.verdict is Verdict.HOLDS
    assert [figures.leaf for figures in outcome.figures] == ["gradient by x"]


def test_a_wide_range_of_energies_is_not_ill_conditioned() -> None:
    outcome = audited(lennard_jones, CLOUD, "E(3)", "point", "scalar")
    assert outcome.verdict is Verdict.HOLDS
    assert "ill-conditioned" not in [finding.kind for finding in outcome.findings]


# Broken


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (lengths, points(1e8, dtype=torch.float32)),
        (lambda x: distances(x) / 10 + 1e-4 * x[..., 0, 0], points(offset=1e6)),
    ],
    ids=["large", "far from the origin"],
)
def test_a_break_of_translations_is_seen_at_every_scale(model: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
    assert audited(model, inputs, "T(3)", "point", "scalar").verdict is Verdict.VIOLATED


def test_a_few_large_outputs_hide_no_break_of_the_others() -> None:
    outcome = audited(lambda x: lennard_jones(x) + 10 * (x[..., 0, 0] - x[..., 1, 0]), points(), "O(3)", "vector", "scalar")
    assert outcome.verdict is Verdict.VIOLATED


def test_a_large_irrep_hides_no_break_of_a_small_one() -> None:
    def model(x: Tensor) -> Tensor:
        r = lengths(x)[..., :1]
        return torch.cat([1e-6 * (r + x[..., 0, :1]), x[..., 0, :] * r], -1)

    assert audited(model, CLOUD, "O(3)", "vector", "1x0e+1x1o").verdict is Verdict.VIOLATED
    assert audited(model, CLOUD, "O(3)", "vector", "scalar + vector").verdict is Verdict.VIOLATED


IN_THE_PLANE = torch.randn(5, 2, generator=Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("group", "inputs", "outputs", "domain"),
    [
        ("SO(2)", "vector", PlanarIrreps("0+1"), IN_THE_PLANE),
        ("SO(2)", "vector", Dual(PlanarIrreps("0+1")), IN_THE_PLANE),
        ("SO(2)^V", Framed(axis=-2), Framed((0, 1), axis=-2), torch.randn(6, 5, 2, generator=Generator().manual_seed(0))),
        ("O(2)", "vector", Multivector(2), IN_THE_PLANE),
    ],
    ids=["planar irreps", "their dual", "frames", "multivectors"],
)
def test_neither_does_one_that_shares_an_axis_with_it(group: str, inputs: Any, outputs: Any, domain: Tensor) -> None:
    def model(stretch: float) -> Callable[[Tensor], Tensor]:
        def f(x: Tensor) -> Tensor:
            parts = [1e6 * x.norm(dim=-1, keepdim=True), x * torch.tensor([1.0, stretch])]
            return torch.cat([*parts, *[0 * x[..., :1]] * isinstance(outputs, Multivector)], -1)

        return f

    assert audited(model(1.1), domain, group, inputs, outputs).verdict is Verdict.VIOLATED
    assert audited(model(1.0), domain, group, inputs, outputs).verdict is Verdict.HOLDS


class Gated(nn.Module):
    """Invariant until its gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return lengths(x).sum(-1) + self.gate * x[..., 0].sum(-1)


def test_the_ladder_is_that_of_the_weights_at_which_it_broke() -> None:
    result = symcheck.audit(Claim(Subject.built(Gated), "O(3)", domain=CLOUD, inputs="vector", outputs="scalar")).results[0]
    assert result.verdict is Verdict.VIOLATED
    assert result.slope == pytest.approx(0, abs=0.05)  # that of a break; rounding's is 1


# What the words say


def nearest_neighbour(x: Tensor) -> Tensor:
    nearest = between(x).square().sum(-1).argsort(-1)[..., 1:2]
    return x.gather(-2, nearest.expand(*x.shape[:-1], 3)) - x


def test_what_breaks_at_ties_alone_is_not_said_to_hold_there() -> None:
    outcome = audited(nearest_neighbour, CLOUD, "E(3) x S_n", "permute * point", VECTORS)
    assert outcome.verdict is Verdict.VIOLATED
    assert "S_8" not in outcome.holding


def test_a_break_of_one_entry_is_not_said_to_hold() -> None:
    def model(x: Tensor) -> Tensor:
        return torch.stack([1e7 * lengths(x).sum(-1), lengths(x).sum(-1) + 0.1 * x[..., 0, 0]], -1)

    outcome = audited(model, CLOUD, "O(3)", "vector", "scalar")
    assert outcome.verdict is Verdict.VIOLATED
    assert outcome.holding == ()


def test_mirrors_alone_are_broken_and_all_else_is_said_to_hold() -> None:
    def model(x: Tensor) -> Tensor:
        d = between(x)
        return torch.linalg.cross(d.sum(-2), (d * d.norm(dim=-1, keepdim=True)).sum(-2))

    outcome = audited(model, CLOUD, "E(3) x S_n", "permute * point", VECTORS)
    assert outcome.holding == ("SE(3) x S_8",)


@pytest.mark.parametrize(
    ("prop", "model", "rotations", "permutations"),
    [
        (Infinitesimal(), lambda x: x[..., 0].tanh().sum(-1), True, False),
        (Composition(), lambda x: x[..., 0].tanh().sum(-1), True, False),
        (Composition(), lambda x: (lengths(x) * torch.arange(8.0).to(x)).sum(-1), False, True),
    ],
)
def test_the_broken_factor_is_the_one_that_is_blamed(
    prop: Property, model: Callable[[Tensor], Tensor], rotations: bool, permutations: bool
) -> None:
    outcome = audited(model, CLOUD, "SO(3) x S_n", VECTORS, "scalar", prop)
    assert outcome.verdict is Verdict.VIOLATED
    assert [factor.violating > 0 for factor in outcome.factors] == [rotations, permutations]


def test_lie_derivatives_along_a_subgroup_are_taken_in_its_own_algebra() -> None:
    outcome = audited(lambda x: x[..., :2].norm(dim=-1), CLOUD, "SO(3)", "vector", "scalar", Infinitesimal())
    assert outcome.verdict is Verdict.VIOLATED
    assert outcome.holding == ("O(2) about z",)


def test_a_small_product_says_which_factor_is_broken() -> None:
    outcome = audited(
        lambda x: x.abs() * torch.tensor([[1.0], [2], [3]]).to(x), Set(3, 1), "S_3 x C_2", "permute * sign", "permute"
    )
    assert outcome.verdict is Verdict.VIOLATED
    assert [(factor.group, factor.violating > 0) for factor in outcome.factors] == [("S_3", True), ("C_2", False)]


def test_a_size_at_which_the_model_raises_is_told() -> None:
    def model(x: Tensor) -> Tensor:
        if x.shape[-2] == 1 and float(x.reshape(-1)[0]) > 0:
            raise ValueError("no single points")
        return lengths(x).sum(-1)

    kinds = {finding.kind: finding.text for finding in audited(model, CLOUD, "O(3)", "vector", "scalar").findings}
    assert "no single points" in kinds["raises-at"]


def test_the_precision_that_is_told_is_the_one_that_it_was_measured_in() -> None:
    class Float32(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(3))

        def forward(self, x: Tensor) -> Tensor:
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return lengths(x).sum(-1) + (0.1 * x[..., 0].sum(-1) if x.shape[-2] == 1 else 0)

    outcome = audited(Float32(), CLOUD, "O(3)", "vector", "scalar")
    assert outcome.verdict is Verdict.VIOLATED
    assert "in float32" in outcome.because


def test_a_model_that_leaves_the_process_is_a_crash() -> None:
    def model(x: Tensor) -> Tensor:
        raise SystemExit(3)

    outcome = audited(model, CLOUD, "O(3)", "vector", "scalar")
    assert outcome.verdict is Verdict.CRASHED
    assert "SystemExit" in outcome.because


def test_addresses_of_objects_are_no_part_of_a_record() -> None:
    def model(x: Tensor) -> Tensor:
        raise ValueError(f"cannot use {object()!r}")

    assert "0x...>" in audited(model, CLOUD, "O(3)", "vector", "scalar").because


@pytest.mark.parametrize(("leak", "verdict"), [(0.0, Verdict.HOLDS), (0.1, Verdict.VIOLATED)])
def test_a_model_that_takes_one_input_at_a_time_is_called_so(leak: float, verdict: Verdict) -> None:
    def model(x: Tensor) -> Tensor:
        if x.ndim != 3 or len(x) != 1:
            raise ValueError("one at a time")
        return distances(x) + leak * x[..., 0].sum(-1)

    outcome = audited(model, torch.stack([points(), points() + 1]), "O(3)", "vector", "scalar")
    assert outcome.verdict is verdict, outcome.because
    assert outcome.batching == "rows"


# Images that are turned by interpolation


def blobs(n: int, rng: Generator) -> Tensor:
    """A smooth spot near the middle of a 48 x 48 image."""
    place = torch.arange(48, dtype=torch.float64) - 23.5
    row, column = 6 * torch.rand(2, n, 1, generator=rng, dtype=torch.float64) - 3
    height = 0.5 + torch.rand(n, 1, 1, 1, generator=rng, dtype=torch.float64)
    spot = torch.exp(-((place - row) ** 2) / 18).unsqueeze(-1) * torch.exp(-((place - column) ** 2) / 18).unsqueeze(-2)
    return height * spot.unsqueeze(1)


def test_smooth_images_are_turned_well_enough_to_say_what_holds_and_what_not() -> None:
    held = audited(lambda x: x.square().mean((-1, -2, -3)), Generated(blobs), "SO(2)", "rotate", "scalar")
    rows = (torch.arange(48.0) - 23.5).unsqueeze(-1)
    broken = audited(lambda x: (x * rows.to(x).square()).mean((-1, -2, -3)), Generated(blobs), "SO(2)", "rotate", "scalar")
    assert held.verdict is Verdict.LIMITED, held.because
    assert "interpolates" in held.because
    assert 0 < held.figures[0].limit < 1e-2
    assert broken.verdict is Verdict.VIOLATED, broken.because
    assert "what interpolation explains" in broken.because


def jet(p: Tensor) -> Tensor:
    """Invariant masses of pairs of massless particles by their rapidities, which round badly near the beam."""
    across, angle = p[..., 1:3].norm(dim=-1), torch.atan2(p[..., 2], p[..., 1])
    rapidity = ((p[..., 0] + p[..., 3]) / (p[..., 0] - p[..., 3])).log() / 2
    y, phi = (x.unsqueeze(-1) - x.unsqueeze(-2) for x in (rapidity, angle))
    return (across.unsqueeze(-1) * across.unsqueeze(-2) * (y.cosh() - phi.cos())).sum((-1, -2))


@pytest.mark.parametrize("seed", [0, 8, 9, 10])
def test_a_boost_leads_to_where_a_model_rounds_otherwise(seed: int) -> None:
    def found(model: Any) -> Outcome:
        claim = Claim(model, "SO+(1,3)", domain=Momenta(4, mass=0.0), inputs="four_vector", outputs="scalar")
        (outcome,) = (event.outcome for event in examine(claim, Settings(seed=seed)) if isinstance(event, Judged))
        return outcome

    held = found(jet)
    assert held.verdict is Verdict.HOLDS, held.because
    assert found(lambda p: jet(p) * (1 + 1e-4 * p[..., 1].sum(-1).tanh())).verdict is Verdict.VIOLATED


def test_noise_cannot_be_turned() -> None:
    outcome = audited(lambda x: 1 * x, Grid(1, (33, 33)), "SO(2)", "rotate", "rotate")
    assert outcome.verdict is Verdict.IMPRECISE
    assert "Give smoother inputs" in outcome.because
