"""Each verdict, earned by a model, at default settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Verdict
from symcheck.domains import Examples, Joint, PointCloud, Tensors

CLOUD = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))


def radii(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def check(model: Callable[..., Any], example: Any = CLOUD, **claim: Any) -> symcheck.Result:
    return symcheck.check(model, example, **{"group": "O(3)", "inputs": "vector", "outputs": "scalar", **claim})


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_holds(dtype: str) -> None:
    result = check(radii, dtype=dtype)
    assert result.verdict is Verdict.HOLDS
    assert result.passed
    assert result.violating == 0
    assert result.detection_limit is not None
    assert result.detection_limit < 1e-12


def float32_table(x: Tensor) -> Tensor:
    third = torch.full((), 1 / 3, dtype=torch.float32).to(x.dtype)  # as a table kept in float32 is, in a float64 model
    return x * torch.stack([third, torch.full_like(third, 1 / 3), third])


def float32_inside(x: Tensor) -> Tensor:
    return x.float().norm(dim=-1).to(x.dtype)


@pytest.mark.parametrize("model", [float32_table, float32_inside])
def test_limited(model: Callable[[Tensor], Tensor]) -> None:
    outputs = "vector" if model is float32_table else "scalar"
    for dtype, passed in (("float32", True), ("bfloat16", True), ("float64", False)):
        result = check(model, outputs=outputs, dtype=dtype)
        assert result.verdict is Verdict.LIMITED
        assert result.passed is passed
        assert result.detection_limit is not None
        assert 1e-9 < result.detection_limit < 1e-5
    assert "the claim is made for float64" in str(result)


def test_violated() -> None:
    result = check(lambda x: x[..., 0].square())
    assert result.verdict is Verdict.VIOLATED
    assert not result.passed
    assert result.violating > result.random_trials / 2
    assert result.counterexample is not None
    assert result.counterexample.element == "rotation by 90 deg about z"  # the first of the landmarks that shows it


def test_violated_though_no_landmark_shows_it() -> None:
    """The 1-norm is kept by quarter turns and reflections along axes: the worst random element is shown instead."""
    result = check(lambda x: x.abs().sum(-1))
    assert result.verdict is Verdict.VIOLATED
    assert result.counterexample is not None
    assert "90 deg" not in result.counterexample.element
    assert result.counterexample.relative >= max(result.outputs[0].quantiles)  # the search only adds to what was drawn


def test_violated_by_reflections_alone() -> None:
    def handedness(x: Tensor) -> Tensor:
        return torch.linalg.det(x[..., :3, :])

    assert check(handedness, group="SO(3)").verdict is Verdict.HOLDS
    result = check(handedness, group="O(3)")
    assert result.verdict is Verdict.VIOLATED
    assert result.counterexample is not None
    assert result.counterexample.element == "reflection along x"


def test_violated_only_at_structured_inputs() -> None:
    def nearest(x: Tensor) -> Tensor:
        """The sum of the vectors to each point's nearest neighbour: ambiguous where two are as near."""
        away = x.unsqueeze(-3) - x.unsqueeze(-2)
        distance = away.norm(dim=-1) + 1e9 * torch.eye(x.shape[-2], dtype=x.dtype)
        return torch.take_along_dim(away, distance.argmin(-1)[..., None, None], -2).sum((-3, -2))

    result = check(nearest, PointCloud(points=8), group="O(3)", outputs="vector")
    assert result.verdict is Verdict.VIOLATED
    assert "integer lattice" in result.outputs[0].only_at
    assert "only at" in result.because
    assert result.violating == 0


def test_imprecise_since_float32_does_not_carry_the_signal() -> None:
    def offset(x: Tensor) -> Tensor:
        return x.norm(dim=-1) + 1e6

    result = check(offset)
    assert result.verdict is Verdict.IMPRECISE
    assert not result.passed
    assert "float32 doesn't carry the signal" in result.because
    assert check(offset, dtype="float64").verdict is Verdict.HOLDS


def test_imprecise_since_the_output_jumps_in_low_precision() -> None:
    def neighbours(x: Tensor) -> Tensor:
        """How many points are nearer than 1 to each other, without an envelope: a jump at the cutoff."""
        return (torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist") < 1).to(x.dtype).sum((-1, -2)) + x.square().sum(
            (-1, -2)
        )

    clouds = torch.randn(20, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    clouds[:, 1] = clouds[:, 0] + (1 - 1e-9) * nn.functional.normalize(clouds[:, 1], dim=-1)  # float32 can't tell it from 1
    result = check(neighbours, Examples(clouds), dtype="float32")
    assert result.verdict is Verdict.IMPRECISE
    assert "the output jumps" in result.because
    assert check(neighbours, Examples(clouds), dtype="float64").verdict is Verdict.HOLDS


def test_a_jump_at_the_users_own_inputs_is_not_taken_for_noise() -> None:
    def neighbours(x: Tensor) -> Tensor:
        distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
        return (distances < 1).to(x.dtype).sum((-1, -2)) + x.square().sum((-1, -2))

    lattice = torch.cartesian_prod(*[torch.arange(3.0)] * 3).expand(4, -1, -1)  # at the cutoff to the last bit
    result = check(neighbours, Examples(lattice + torch.arange(4.0).reshape(4, 1, 1)), group="SO(3)")
    assert result.verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    ("model", "claim", "why"),
    [
        (lambda x: torch.ones(2, dtype=x.dtype), {}, "doesn't vary with the input"),
        (lambda x: x, {"inputs": "scalar"}, "no element moved any input"),
        (radii, {"group": "S_n", "example": CLOUD[:1], "inputs": "permute"}, "no element moved any input"),
    ],
)
def test_vacuous(model: Callable[[Tensor], Tensor], claim: dict[str, Any], why: str) -> None:
    result = check(model, **claim)
    assert result.verdict is Verdict.VACUOUS
    assert why in result.because
    assert not result.passed


def test_a_constant_that_breaks_the_symmetry_is_violated_not_vacuous() -> None:
    result = check(lambda x: torch.tensor([1.0, 0.0, 0.0], dtype=x.dtype), outputs="vector")
    assert result.verdict is Verdict.VIOLATED


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nonfinite(dtype: str) -> None:
    result = check(lambda x: x.norm(dim=-1) * float("nan"), dtype=dtype)
    assert result.verdict is Verdict.NONFINITE
    assert result.counterexample is None
    assert "NaN or infinite in float64 in 256 of 256 trials" in result.because


def test_nonfinite_in_the_working_precision_alone() -> None:
    result = check(lambda x: (1e30 * x).square().sum(-1))
    assert result.verdict is Verdict.NONFINITE
    assert "in float32" in result.because


def test_a_nan_in_the_same_place_on_both_sides_is_not_equality() -> None:
    def masked(x: Tensor) -> Tensor:
        return torch.cat([x.norm(dim=-1), torch.full_like(x[..., 0], float("nan"))], -1)

    assert check(masked).verdict is Verdict.NONFINITE


def test_unstable() -> None:
    layer = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True)
    result = symcheck.check(layer, torch.randn(5, 12), group="S_n", inputs="permute", outputs="permute")
    assert result.verdict is Verdict.UNSTABLE
    assert "two calls on the same input differ" in result.because
    (finding,) = (f for f in result.findings if f.kind == "training-mode")
    assert "Dropout" in finding.text
    assert "model.eval()" in finding.text
    assert symcheck.check(layer.eval(), torch.randn(5, 12), group="S_n", inputs="permute", outputs="permute").passed


def test_crashed_on_some_trials() -> None:
    def picky(x: Tensor) -> Tensor:
        if bool((x[..., 0] > 2).any()):
            raise ValueError("x is too large")
        return x.norm(dim=-1)

    result = check(picky)
    assert result.verdict is Verdict.CRASHED
    assert "ValueError: x is too large" in result.because
    assert "of 256 trials, for the first time at g = " in result.because


def test_crashed_on_the_input_itself() -> None:
    result = check(nn.Linear(4, 2))
    assert result.verdict is Verdict.CRASHED
    assert "the model fails on its input: RuntimeError" in result.because


def test_crashed_is_told_of_both_ways_to_call_a_model() -> None:
    """One molecule a call: what a batch of one raises says nothing of what is wrong."""

    def molecule(z: Tensor, x: Tensor) -> Tensor:
        (n, _) = x.shape
        return nn.functional.embedding(z, torch.ones(9, n, dtype=x.dtype)).sum()

    drawn = Joint(Tensors((4,)), Tensors((4, 3)))
    result = symcheck.check(molecule, drawn, group="SO(3)", inputs=("scalar", "vector"), outputs="scalar")
    assert result.verdict is Verdict.CRASHED
    assert "ValueError: too many values to unpack" in result.because
    assert "; and without a batch axis RuntimeError: Expected tensor for argument #1 'indices'" in result.because
    assert [hint.kind for hint in result.hints] == ["integers"]
    whole = (torch.tensor([1, 6, 8, 1]), torch.randn(4, 3))
    assert symcheck.check(molecule, whole, group="SO(3)", inputs=("scalar", "vector"), outputs="scalar").hints == ()


def test_every_verdict_has_a_meaning() -> None:
    assert len({verdict.meaning for verdict in Verdict}) == len(Verdict)
    assert {v for v in Verdict if v.passes("float32")} == {Verdict.HOLDS, Verdict.LIMITED}
    assert {v for v in Verdict if v.passes("float64")} == {Verdict.HOLDS}


def test_crashed_in_a_precision_that_the_model_does_not_know() -> None:
    def eigenvalues(x: Tensor) -> Tensor:
        if x.dtype is torch.bfloat16:
            raise NotImplementedError("not for bfloat16")
        return torch.linalg.eigvalsh(x.mT @ x)

    assert check(eigenvalues, PointCloud(5)).verdict is Verdict.HOLDS
    result = check(eigenvalues, PointCloud(5), dtype="bfloat16")
    raised = "the model fails on every trial in bfloat16: NotImplementedError: not for bfloat16 (at "
    assert result.because == f"{raised}property_tests/test_verdicts.py:{eigenvalues.__code__.co_firstlineno + 2})"


def test_noise_at_singular_inputs_is_no_violation_and_lowers_no_bar_elsewhere() -> None:
    """At collinear points the solve loses five digits more than at generic ones."""

    def solved(x: Tensor) -> Tensor:
        ridge = 1e-3 * torch.eye(3, dtype=x.dtype)
        return torch.linalg.solve(x.mT @ x + ridge, x.mT @ x.norm(dim=-1, keepdim=True)).squeeze(-1)

    for dtype in ("float64", "float32"):
        result = check(solved, PointCloud(6), outputs="vector", dtype=dtype)
        assert result.verdict is Verdict.HOLDS, str(result)
        assert result.detection_limit is not None
        assert result.detection_limit < 1e-12


def test_high_frequencies_are_not_taken_for_noise_in_low_precision() -> None:
    """Octaves of a distance vary within the wide spacing of float32's lines, but float32 computes them well."""

    def octaves(x: Tensor) -> Tensor:
        distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").sum((-2, -1))
        return (distance.unsqueeze(-1) * 2.0 ** torch.arange(8, dtype=x.dtype)).sin().sum(-1)

    result = check(octaves, PointCloud(5))
    assert result.verdict is Verdict.HOLDS, str(result)


def test_an_output_cast_to_a_low_precision_hides_violations_and_says_so() -> None:
    def cast(x: Tensor) -> Tensor:
        return (x.norm(dim=-1) + 1e-5 * x[..., 0]).bfloat16()

    result = check(cast)
    assert result.verdict is Verdict.IMPRECISE
    assert "can't be seen" in result.because
