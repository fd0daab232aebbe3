"""A forward pass of the LSTM whose gates are rates against nn.LSTM, which runs in one kernel, in one run.

python -m pytest property_tests/benchmarks/test_clock_lstm.py --benchmark-only
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from models._gated_cells import LSTM, LeakyRNN
from models.lstm import PlainLSTM
from property_tests.benchmarks.timing import seconds

BATCH, STEPS, INPUTS = 32, 100, 16


@pytest.mark.benchmark(group="an LSTM in time on 32 sequences of 100 steps")
@pytest.mark.parametrize("width", [64, 128, 256])
def test_gates_that_are_rates(benchmark: Any, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    x, lasting = torch.randn(BATCH, STEPS, INPUTS), 0.5 + torch.rand(BATCH, STEPS)
    runs: dict[str, Callable[[], Tensor]] = {"nn.LSTM": partial(PlainLSTM(INPUTS, width, timed=False), x)}
    for cell in (LSTM, LeakyRNN):
        for feedback, name in ((True, cell.__name__), (False, f"{cell.__name__} on input")):
            runs[name] = partial(cell(INPUTS, width, feedback), x, lasting)
    with torch.no_grad():
        said = {name: run() for name, run in runs.items()}
        took = seconds(runs)
        benchmark(runs["LSTM"])
    ratios = {name: round(took[name] / took["nn.LSTM"], 2) for name in runs if name != "nn.LSTM"}
    benchmark.extra_info.update(ratios, milliseconds={name: 1e3 * each for name, each in took.items()})
    with capsys.disabled():
        sys.stdout.write(f"\nwidth {width}, in times of nn.LSTM's {1e3 * took['nn.LSTM']:.1f} ms: {ratios}\n")
    assert all(states.shape == (BATCH, STEPS, width) and states.isfinite().all() for states in said.values())
