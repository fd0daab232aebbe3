"""The cases under pytest-benchmark, by group: `pytest property_tests/benchmarks --benchmark-only -k kernels`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
import torch

from property_tests.benchmarks import CASES
from property_tests.benchmarks.cases import Case
from property_tests.benchmarks.timing import Limits, Setting

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


@pytest.mark.speed
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(benchmark: Any, case: Case, device: str) -> None:
    """The time is that of all rounds; the figures are in `extra_info`."""
    setting = Setting(torch.device(device))
    if case.lacks(setting):
        pytest.skip(case.lacks(setting))
    benchmark.group = f"{case.group} on {device}"
    row = benchmark.pedantic(case.measured, args=(setting, Limits.measured(setting)))
    figures = {name: asdict(getattr(row, name)) for name in ("ours", "theirs", "value")}
    benchmark.extra_info.update(figures, figure=case.figure.value, goal=case.goal, met=row.met, **row.notes)
