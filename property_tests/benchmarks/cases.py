"""What is compared with what: a case is one row of the table, and one benchmark under pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from property_tests.benchmarks.timing import FEWEST, LONGEST, MOST, Limits, Setting, Spread, Work

Run = Callable[[], Any]


class Figure(Enum):
    """What is read off two figures, ours and theirs."""

    TIMES = "ours / theirs"
    FASTER = "theirs / ours"
    ALONE = "ours"
    MORE = "ours - theirs"

    def of(self, ours: float, theirs: float) -> float:
        return {"TIMES": ours / theirs, "FASTER": theirs / ours, "ALONE": ours, "MORE": ours - theirs}[self.name]

    def met(self, value: float, goal: float) -> bool:
        """A goal for how much faster is a least one, all others are greatest ones. NaN meets none."""
        return value >= goal if self is Figure.FASTER else value <= goal


@dataclass(frozen=True)
class Duel:
    """Two things that do the same work. Both have been run once when a case hands them out.

    Where they are `told`, they return their own figure, in `unit`; else they are timed. What is measured may be too small for
    the case's goal to be `asked` of it.
    """

    ours: Run
    theirs: Run
    work: Work | None = None
    told: bool = False
    asked: bool = True
    unit: str = "s"
    rounds: int = MOST
    fewest: int = FEWEST
    seconds: float = LONGEST  # of all rounds, past the fewest
    notes: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One comparison. `goal` bounds the figure; `why` says what keeps it from being met, where it isn't."""

    group: str
    name: str
    what: str
    against: str
    make: Callable[[Setting], Duel]
    figure: Figure = Figure.FASTER
    goal: float | None = None
    needs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu", "cuda")
    why: str = ""

    @property
    def id(self) -> str:
        return f"{self.group}/{self.name}"

    def lacks(self, setting: Setting) -> str:
        """Why it can't be measured here; "" if it can."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            return f"needs {' and '.join(missing)}"
        return "" if setting.device.type in self.devices else f"is for the {self.devices[0]} alone"

    def measured(self, setting: Setting, limits: Limits) -> Row:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            duel = self.make(setting)
        pair = (duel.ours, duel.theirs) if duel.told else tuple(_timed(run, setting) for run in (duel.ours, duel.theirs))
        ours, theirs = setting.rounds((pair[0], pair[1]), duel.rounds, duel.seconds, duel.fewest)
        values = [self.figure.of(a, b) for a, b in zip(ours, theirs, strict=True)]
        limit = None if duel.work is None else limits.seconds(duel.work)
        asked = duel.asked and not setting.quick  # tiny inputs meet no goals and fail none
        case = self if asked else replace(self, goal=None)
        return Row(case, Spread.of(ours), Spread.of(theirs), Spread.of(values), len(ours), duel.unit, limit, dict(duel.notes))


@dataclass(frozen=True)
class Row:
    """A case's figures: the medians and quartiles of `rounds`, and of the figure round by round."""

    case: Case
    ours: Spread
    theirs: Spread
    value: Spread
    rounds: int
    unit: str
    limit: float | None  # seconds
    notes: Mapping[str, float | str]

    @property
    def met(self) -> bool | None:
        """Whether the median is within the goal; None where there is none."""
        return None if self.case.goal is None else self.case.figure.met(self.value.median, self.case.goal)


def _timed(run: Run, setting: Setting) -> Callable[[], float]:
    return lambda: setting.clock(run)


def duel(ours: Run, theirs: Run, *, same: float | None = 1e-4, **more: Any) -> Duel:
    """Two functions warmed up, whose tensors must agree to a part `same` of their size; None if they don't compute the same."""
    a, b = ours(), theirs()
    if same is not None:
        _agree(a, b, same)
    return Duel(ours, theirs, **more)


def _agree(a: Any, b: Any, same: float) -> None:
    pairs = zip(a, b, strict=True) if isinstance(a, tuple | list) else [(a, b)]
    for mine, theirs in pairs:
        assert mine.numel() == theirs.numel(), "a benchmark's two sides have different sizes"
        gap, size = (mine.reshape(-1) - theirs.reshape(-1)).abs().max(), theirs.abs().max()
        assert gap <= same * size, f"a benchmark's two sides differ by {float(gap / size):.2g} of their size"


def with_backward(function: Callable[..., Tensor], *leaves: Tensor, parameters: Any = ()) -> Run:
    """A run of a function and of its gradient by these leaves and parameters, which it returns."""
    own = [leaf.detach().clone().requires_grad_() for leaf in leaves]

    def run() -> tuple[Tensor, ...]:
        y = function(*own)
        return torch.autograd.grad(y, [*own, *parameters], torch.ones_like(y))

    return run
