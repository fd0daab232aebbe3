"""The benchmarks run, compare what is the same, and say of a goal whether it is met. Their figures are no test of anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from property_tests.benchmarks import CASES
from property_tests.benchmarks.__main__ import cells, main, quantity
from property_tests.benchmarks.cases import Case, Duel, Figure, Row, duel
from property_tests.benchmarks.timing import Limits, Setting, Spread, Work

LIMITS = Limits(bandwidth=1e9, peak=1e10)
ROWS = "kernels/p4m-forward,engine/egnn-5-64"


@pytest.fixture(autouse=True)
def _as_many_threads() -> Iterator[None]:
    """The command sets torch's threads, for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def told(ours: list[float], theirs: list[float], figure: Figure, goal: float | None, **more: object) -> Row:
    """The row of a case whose figures are these, one after another."""
    queues = iter(ours), iter(theirs)
    made = Duel(lambda: next(queues[0]), lambda: next(queues[1]), told=True, rounds=len(ours), **more)  # type: ignore[arg-type]
    return Case("group", "name", "what", "peer", lambda setting: made, figure, goal, why="because").measured(Setting(), LIMITS)


@pytest.mark.parametrize(
    ("figure", "goal", "median", "met"),
    [
        (Figure.TIMES, 0.5, 0.5, True),
        (Figure.TIMES, 0.4, 0.5, False),
        (Figure.FASTER, 2.0, 2.0, True),
        (Figure.FASTER, 2.5, 2.0, False),
        (Figure.ALONE, 1.0, 2.0, False),
        (Figure.MORE, 0.0, -2.0, True),
        (Figure.TIMES, None, 0.5, None),
    ],
)
def test_a_figure_and_its_goal(figure: Figure, goal: float | None, median: float, met: bool | None) -> None:
    row = told([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], figure, goal)
    assert (row.value.median, row.met, row.rounds) == (median, met, 3)
    assert (row.ours, row.theirs.median) == (Spread(2.0, 1.5, 2.5), 4.0)


def test_the_figure_is_that_of_each_round() -> None:
    """What slows both sides of a round says nothing: a ratio of medians would be 3 here."""
    row = told([1.0, 30.0, 3.0], [1.0, 30.0, 1.0], Figure.TIMES, None)
    assert row.value.median == 1.0


def test_nan_meets_no_goal() -> None:
    assert not any(figure.met(float("nan"), 1.0) for figure in Figure)


def test_a_goal_that_is_missed_says_why() -> None:
    line = cells(told([2.0], [1.0], Figure.TIMES, 1.5, unit="MB"))
    assert line == [
        "what",
        "peer",
        "2 MB",
        "1 MB",
        "ours / theirs: 2.00 (2.00 to 2.00)",
        "<= 1.5",
        "**not met**",
        "",
        "because",
    ]
    assert cells(told([1.0], [1.0], Figure.TIMES, 1.5))[5:] == ["<= 1.5", "met", "", ""]


def test_the_share_of_the_limit() -> None:
    """8 GB at 1 GB/s take 8 s at least, and 1e9 operations are hidden behind them: a run of 16 s is at half of what can be."""
    assert LIMITS.seconds(Work(8e9, 1e9)) == 8.0
    assert LIMITS.seconds(Work(8e9, 2e11)) == 20.0
    assert cells(told([16.0], [1.0], Figure.TIMES, None, work=Work(8e9, 1e9)))[7] == "50 %"


@pytest.mark.parametrize(
    ("value", "unit", "text"), [(0.01234, "s", "12.3 ms"), (2.5, "s", "2.5 s"), (5e-6, "s", "5 us"), (310.4, "MB", "310 MB")]
)
def test_quantities(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_two_sides_that_compute_something_else_are_refused() -> None:
    x = torch.ones(3)
    assert duel(lambda: x, lambda: x + 1e-6).ours() is x
    with pytest.raises(AssertionError, match=r"differ by 0\.5 of their size"):
        duel(lambda: x, lambda: 2 * x)
    with pytest.raises(AssertionError, match="different sizes"):
        duel(lambda: x, lambda: x[:2])
    with pytest.raises(AssertionError, match="differ by nan"):
        duel(lambda: x * torch.nan, lambda: x)


@pytest.mark.filterwarnings("ignore")
def test_the_command_writes_a_table(tmp_path: Path) -> None:
    options = ["--quick", "--only", ROWS, "--threads", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, options, catch_exceptions=False)
    assert done.exit_code == 0
    made = json.loads((tmp_path / "benchmarks.json").read_text())
    assert set(made["rows"]) == set(ROWS.split(","))
    assert (made["quick"], made["machine"]["threads"]) == (True, 1)
    row = made["rows"]["engine/egnn-5-64"]
    assert row["notes"]["evaluations"] > 2 * 16  # both sides, in two precisions, and the noise
    assert row["ours"][0] > 0
    assert (row["goal"], made["rows"]["kernels/p4m-forward"]["met"]) == (None, None)
    page = (tmp_path / "benchmarks.md").read_text()
    assert page.count("\n| ") == 2 + len(made["rows"])
    assert "p4m convolution" in page


def test_unknown_benchmarks_are_refused() -> None:
    done = CliRunner().invoke(main, ["--only", "kernels/p4n-forward"])
    assert done.exit_code == 2
    assert "did you mean 'kernels/p4m-forward'" in done.output


def test_names_are_unique_and_reasons_belong_to_goals() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert [case.id for case in CASES if case.why and case.goal is None] == []


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_runs(case: Case) -> None:
    row = case.measured(Setting(quick=True), LIMITS)
    assert row.ours.median > 0
