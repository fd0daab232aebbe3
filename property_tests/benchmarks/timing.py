"""Times of several things in one run, so that their ratios mean something on a machine that does other work as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any


def seconds(runs: Mapping[str, Callable[[], Any]], rounds: int = 20) -> dict[str, float]:
    """The median of so many rounds, in which all take turns: what else the machine does hits all alike. Warm up first."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = perf_counter()
            run()
            times[name].append(perf_counter() - start)
    return {name: median(each) for name, each in times.items()}
