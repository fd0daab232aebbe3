"""Times of two things in one run, so that their ratio means something on a machine that does other work as well."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import torch

LONGEST, MOST = 2.5, 30  # seconds and rounds of a row, past the fewest rounds
FEWEST = 5  # of which a median drops two that something else has slowed


Pair = tuple[Callable[[], float], Callable[[], float]]
"""What returns a figure each time, ours and theirs."""


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and the quartiles about it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        if len(figures) < 2:
            return cls(figures[0], figures[0], figures[0])
        low, middle, high = quantiles(figures, n=4, method="inclusive")
        return cls(middle, low, high)


@dataclass
class Setting:
    """Where to measure, and whether to the end: `quick` is for tests, on tiny inputs, and its figures mean nothing."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    quick: bool = False

    def size(self, full: int, tiny: int) -> int:
        return tiny if self.quick else full

    def cold(self) -> None:
        """Puts what the last run left out of the cache."""
        self._filler.add_(1)

    @cached_property
    def _filler(self) -> torch.Tensor:
        """Twice a GPU's L2; on a CPU the L2 of some cores, since a shared L3 may be half a gigabyte."""
        cuda = self.device.type == "cuda"
        size = 2 * torch.cuda.get_device_properties(self.device).L2_cache_size if cuda else self.size(2**24, 2**12)
        return torch.zeros(size // 4, device=self.device)

    def clock(self, run: Callable[[], Any]) -> float:
        """The seconds of one run: on a GPU between two events in its stream, waited for."""
        self.cold()
        if self.device.type != "cuda":
            start = perf_counter()
            run()
            return perf_counter() - start
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(self.device)
        first.record()
        run()
        last.record()
        torch.cuda.synchronize(self.device)
        return first.elapsed_time(last) / 1e3

    def rounds(
        self, pair: Pair, most: int = MOST, seconds: float = LONGEST, fewest: int = FEWEST
    ) -> tuple[list[float], list[float]]:
        """The figures of both in turns, and in turns which of them is first: what else the machine does hits both alike."""
        ours, theirs = [], []
        least, most = (1, 1) if self.quick else (min(fewest, most), most)
        gc.collect()
        start = perf_counter()
        while len(ours) < least or (len(ours) < most and perf_counter() - start < seconds):
            if len(ours) % 2:
                theirs.append(pair[1]())
                ours.append(pair[0]())
            else:
                ours.append(pair[0]())
                theirs.append(pair[1]())
        return ours, theirs


@dataclass(frozen=True)
class Work:
    """The least that a kernel has to do: bytes to read and write once, and floating-point operations."""

    bytes: float = 0.0
    operations: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What the machine can do, measured in the same run: bytes per second that a copy moves, operations of a matrix product."""

    bandwidth: float
    peak: float

    @classmethod
    def measured(cls, setting: Setting) -> Limits:
        a = torch.randn(setting.size(2**26, 2**12), device=setting.device)
        b, side = torch.empty_like(a), setting.size(2048, 64)
        c = torch.randn(side, side, device=setting.device)
        d = torch.empty_like(c)
        for _ in range(2):
            b.copy_(a)
            torch.mm(c, c, out=d)
        moved, multiplied = setting.rounds(
            (lambda: setting.clock(lambda: b.copy_(a)), lambda: setting.clock(lambda: torch.mm(c, c, out=d)))
        )
        return cls(2 * a.numel() * a.element_size() / median(moved), 2 * side**3 / median(multiplied))

    def seconds(self, work: Work) -> float:
        """The least time that the work can take."""
        return max(work.bytes / self.bandwidth, work.operations / self.peak)
