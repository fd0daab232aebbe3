"""The same defaults tell a leak of 1e-5 of the signal from one of 1e-8 and from none, in every precision."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import symcheck
from models import egnn
from symcheck import Verdict
from symcheck.domains import Joint, PointCloud, Set

CLOUDS = Joint(Set(points=8, features=4), PointCloud(points=8))
PRECISIONS = ["float64", "float32", "bfloat16"]


class Energy(nn.Module):
    """A 4-layer EGNN's energy, of unit spread, with a leak of the first coordinate and a constant offset."""

    def __init__(self, leak: float = 0.0, offset: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net, self.leak, self.offset = egnn.egnn(), leak, offset
        rng = torch.Generator().manual_seed(1)
        h, x = torch.randn(200, 8, 4, generator=rng), torch.randn(200, 8, 3, generator=rng)
        with torch.no_grad():
            energies = self.net(h, x).energy
        self.mean, self.spread = float(energies.mean()), float(energies.std())

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        energy: Tensor = self.net(h, x).energy
        leak = x[..., 0].sum(-1) / x.shape[-2] ** 0.5
        return (energy - self.mean) / self.spread + self.leak * leak + self.offset


def check(model: nn.Module, dtype: str, trials: int = 256) -> symcheck.Result:
    inputs = ("scalar", "vector")
    return symcheck.check(model, CLOUDS, group="O(3)", inputs=inputs, outputs="scalar", dtype=dtype, trials=trials)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(
    ("leak", "verdict"),
    [(0.0, Verdict.HOLDS), (1e-8, Verdict.LIMITED), (1e-5, Verdict.VIOLATED), (1e-2, Verdict.VIOLATED)],
)
def test_a_leak_along_one_axis(leak: float, verdict: Verdict, dtype: str) -> None:
    result = check(Energy(leak), dtype)
    assert result.verdict is verdict, str(result)
    assert result.passed is (verdict is Verdict.HOLDS or (verdict is Verdict.LIMITED and dtype != "float64"))
    if result.passed:
        assert result.detection_limit is not None
        assert result.detection_limit < (1e-11 if verdict is Verdict.HOLDS else 1e-5)
        assert f"a violation of {result.detection_limit:.1e} of the output's spread would have been seen" in str(result)


def test_the_printed_limit_is_true() -> None:
    """A leak of some three times the limit is seen; one of a thirtieth is not."""
    limit = check(Energy(), "float64").detection_limit
    assert limit is not None
    assert check(Energy(3 * limit), "float64").verdict is Verdict.LIMITED
    assert check(Energy(limit / 30), "float64").verdict is Verdict.HOLDS


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_an_offset_hides_no_leak(dtype: str) -> None:
    assert check(Energy(leak=1e-2, offset=1e6), dtype).verdict is Verdict.VIOLATED


def test_an_offset_on_an_exact_model() -> None:
    assert check(Energy(offset=1e6), "float32").verdict is Verdict.IMPRECISE
    result = check(Energy(offset=1e6), "float64")
    assert result.verdict is Verdict.HOLDS
    assert result.detection_limit is not None
    assert 1e-9 < result.detection_limit < 1e-7  # 1e6 epsilons, and the slack: what float64 has left


def test_512_trials_are_a_handful_of_calls() -> None:
    calls = 0

    class Counted(Energy):
        def forward(self, h: Tensor, x: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            return super().forward(h, x)

    result = check(Counted(), "float64", trials=512)
    assert result.trials >= 512
    assert result.batching == "batch"
    assert calls <= 40, calls  # with those of the probes, the search, the ladder and the boundaries
    assert result.calls <= 12
    before = calls
    check(Counted(), "float64", trials=2048)
    assert calls - before <= 40, calls
