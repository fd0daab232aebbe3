"""Inputs by Hypothesis strategies, against bulk torch.randn: what drawing from a seed, one input at a time, costs.

Hypothesis' own share doesn't grow with the numbers. `extra_info` has the ratio of the shortest times.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from symcheck.domains import Tensors
from symcheck.strategies import inputs

COUNT, NUMBERS = 300, 100_000
ALLOWED = 3.0  # times bulk torch.randn of the same precision
ROUNDS = 3


def by_strategy(strategy: Any) -> Callable[[], int]:
    def run() -> int:
        seen = 0

        @settings(max_examples=COUNT, database=None, deadline=None, derandomize=True)
        @given(strategy)
        def test(x: torch.Tensor) -> None:
            nonlocal seen
            seen += x.numel()

        test()
        return seen

    return run


def shortest(run: Callable[[], Any]) -> float:
    """The CPU seconds of the shortest of a few runs."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.benchmark(group="300 inputs of 100,000 numbers")
def test_bulk(benchmark: Any) -> None:
    def run() -> int:
        return torch.randn(COUNT, NUMBERS, dtype=torch.float64).numel()

    assert benchmark.pedantic(run, rounds=ROUNDS) == COUNT * NUMBERS


@pytest.mark.benchmark(group="300 inputs of 100,000 numbers")
@pytest.mark.parametrize(
    "strategy",
    [inputs(Tensors((NUMBERS,))), inputs(torch.randn(NUMBERS, dtype=torch.float64))],
    ids=("of a domain", "like an example"),
)
def test_by_strategy(benchmark: Any, strategy: Any) -> None:
    run = by_strategy(strategy)
    assert benchmark.pedantic(run, rounds=ROUNDS) == COUNT * NUMBERS
    ratio = shortest(run) / shortest(lambda: torch.randn(COUNT, NUMBERS, dtype=torch.float64))
    benchmark.extra_info["times bulk torch.randn"] = round(ratio, 2)
    assert ratio < ALLOWED
