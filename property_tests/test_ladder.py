"""The ladder of precisions, quantiles, structured inputs of examples, boundaries: what a result tells beside its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import symcheck
from symcheck import Result
from symcheck.domains import PointCloud, Set
from symcheck.engine.policy import Policy
from symcheck.engine.run import tensor_cores


def radii(x: Tensor) -> Tensor:
    return torch.sin(x.square().sum(-1)).sum(-1)


def check(model: Any, example: Any = None, **words: Any) -> Result:
    example = PointCloud(6) if example is None else example
    return symcheck.check(model, example, **{"group": "SO(3)", "inputs": "vector", "outputs": "scalar", **words})


# The ladder


def test_rounding_follows_epsilon() -> None:
    result = check(radii)
    assert [rung.precision for rung in result.ladder] == ["float64", "float32", "bfloat16", "float16"]
    for rung in result.ladder:
        assert rung.error is not None
        assert 0.1 < rung.error / rung.eps < 100
    assert result.slope == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("leak", [1e-1, 1e-4])
def test_a_broken_symmetry_stays(leak: float) -> None:
    result = check(lambda x: radii(x) + leak * x[..., 0].sum(-1))
    assert result.slope == pytest.approx(0, abs=0.05)
    assert "slope 0.0 against machine epsilon" in " ".join(str(result).split())


def test_a_table_in_float32_lies_between() -> None:
    table = torch.tensor([1 + 1e-9, 1.0, 1.0], dtype=torch.float64)  # what a rotation matrix rounded through float32 may do
    result = check(lambda x: radii(x * table.to(x.dtype)))
    assert result.verdict.name == "LIMITED"
    assert result.slope is not None
    assert 0.1 < result.slope < 0.6


def test_a_rung_that_cannot_be_had_says_why() -> None:
    def picky(x: Tensor) -> Tensor:
        if x.dtype == torch.float16:
            raise TypeError("half precision is not implemented")
        return radii(x) * (float("nan") if x.dtype == torch.bfloat16 else 1)

    half = {rung.precision: rung for rung in check(picky).ladder}
    assert half["float16"].error is None
    assert "half precision is not implemented" in half["float16"].because
    assert half["bfloat16"].because == "the output is NaN or infinite"
    assert half["float32"].error is not None


def test_complex_models_have_no_half_precision() -> None:
    result = check(lambda x: x.abs().square().sum(-1), torch.randn(4, 3, dtype=torch.complex128))
    assert {r.precision: r.because for r in result.ladder if r.error is None} == dict.fromkeys(
        ("bfloat16", "float16"), "complex numbers have no such precision"
    )


def test_the_setting_for_tensor_cores_is_put_back() -> None:
    before = torch.backends.cuda.matmul.allow_tf32
    with tensor_cores(True):
        assert torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cuda.matmul.allow_tf32 is before


@pytest.fixture
def newer() -> Iterator[Any]:
    """Float32 matrices multiplied in TF32, said by the newer of torch's two names, beside which it refuses the older."""
    matmul: Any = torch.backends.cuda.matmul
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this torch has the older name alone")
    before = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    yield matmul
    matmul.fp32_precision = before


def test_the_newer_setting_is_put_back_too(newer: Any) -> None:
    newer.fp32_precision = "ieee"
    with pytest.raises(ZeroDivisionError), tensor_cores(True):
        raise ZeroDivisionError
    assert newer.fp32_precision == "ieee"
    newer.fp32_precision = "tf32"
    with tensor_cores(True):
        assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    assert newer.fp32_precision == "tf32"


@pytest.mark.usefixtures("newer")
def test_models_are_checked_whichever_name_the_user_has_set() -> None:
    assert check(radii).verdict.name == "HOLDS"


@pytest.mark.cuda
def test_tf32_is_a_rung_on_cuda() -> None:
    weight = torch.randn(3, 3, device="cuda", dtype=torch.float64)
    result = check(lambda x: radii(x @ weight.to(x.dtype)), device="cuda")
    rungs = {rung.precision: rung.error for rung in result.ladder}
    assert rungs["float32"] is not None
    assert rungs["tf32"] is not None
    assert rungs["tf32"] >= rungs["float32"]


# Quantiles


def test_quantiles_rise_to_the_worst_case() -> None:
    (leaf,) = check(lambda x: radii(x) + 1e-2 * x[..., 0].sum(-1)).outputs
    half, most, nearly, worst = leaf.quantiles
    assert 0 < half < most < nearly <= worst
    assert leaf.relative is not None
    assert worst <= leaf.relative


# Structured inputs


def nearest(x: Tensor) -> Tensor:
    """The sum of each point's three nearest: which they are is a tie on a lattice."""
    place = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").topk(4, largest=False).indices
    return torch.stack([one[i].sum(-2).norm(dim=-1).sum() for one, i in zip(x, place, strict=True)])


def test_patterns_stand_in_the_place_of_an_example() -> None:
    result = check(nearest, torch.randn(2, 8, 3))
    assert result.verdict.name == "VIOLATED"
    assert "a helix" in result.outputs[0].only_at
    assert result.violating == 0
    assert "only at" in result.because


def test_the_user_s_own_examples_are_left_alone() -> None:
    from symcheck.domains import Examples

    assert check(nearest, Examples(torch.randn(16, 8, 3))).verdict.name == "HOLDS"


def test_patterns_have_the_size_of_the_example() -> None:
    sizes = []

    def watch(x: Tensor) -> Tensor:
        sizes.append(x.abs().max())
        return radii(x / 1e3)

    check(watch, 1e3 * torch.randn(2, 8, 3))
    assert max(sizes) < 1e4


def cut(x: Tensor) -> Tensor:
    """A hard cutoff at 2.3, no distance of a lattice: beyond it nothing counts, whatever the rotation, but for rounding."""
    gaps = (x.unsqueeze(-2) - x.unsqueeze(-3)).norm(dim=-1)
    return (gaps * (gaps < 2.3)).sum((-2, -1))


def test_a_cutoff_at_its_own_distance_jumps_and_beside_it_does_not() -> None:
    assert check(cut, PointCloud(6, cutoff=2.3)).verdict.name == "HOLDS"
    assert "points about the cutoff" in PointCloud(6, cutoff=2.3).structured({"points": 6})

    def blurred(x: Tensor) -> Tensor:  # distances rounded so that a rotation moves some across the cutoff
        gaps = (x.unsqueeze(-2) - x.unsqueeze(-3)).norm(dim=-1) + 1e-8 * x[..., :1]
        return (gaps.round(decimals=6) * (gaps < 2.3)).sum((-2, -1))

    found = check(blurred, PointCloud(6, cutoff=2.3))
    assert found.verdict.name == "VIOLATED"
    assert found.outputs[0].only_at == ("points about the cutoff",)
    assert check(blurred, PointCloud(6)).verdict.name != "VIOLATED"


# Boundaries


def test_a_break_at_a_single_point_is_found_there() -> None:
    def model(x: Tensor) -> Tensor:
        return radii(x) + (x[..., 0].sum(-1) if x.shape[-2] == 1 else 0)

    result = check(model)
    assert result.verdict.name == "VIOLATED"
    assert result.outputs[0].only_at == ("a single point",)
    assert result.because.startswith("at a single point (not at other inputs)")


def test_a_model_that_takes_no_single_point_holds_with_a_note() -> None:
    def model(x: Tensor) -> Tensor:
        if x.shape[-2] < 2:
            raise ValueError("two points are needed")
        return radii(x)

    result = check(model)
    assert result.verdict.name == "HOLDS"
    assert [finding.severity for finding in result.findings if "two points are needed" in finding.text] == ["note"]


def test_nan_at_a_single_element_is_a_finding() -> None:
    def model(x: Tensor) -> Tensor:
        return (x - x.mean(-2, keepdim=True)).square().sum((-2, -1)) / (x.shape[-2] - 1)

    result = symcheck.check(model, Set(6, 3), group="S_n", inputs="permute", outputs="scalar")
    assert result.verdict.name == "HOLDS"
    assert any(finding.kind == "nonfinite-at" and "single" in finding.text for finding in result.findings)


def test_every_number_of_the_policy_has_its_reason() -> None:
    import ast
    import inspect
    import textwrap

    body = ast.parse(textwrap.dedent(inspect.getsource(Policy))).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr), f"{ast.unparse(field)} has no reason"
