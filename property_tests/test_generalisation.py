"""The stored table of generalisation: what made it, how it is written, and what each of its rows shows."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import click
import pytest

from models import __main__ as command
from models._training import Lesson, Row

PATH = command.REPORTS / "generalisation.json"
STORED: Any = json.loads(PATH.read_text(encoding="utf-8"))
ROWS: dict[str, Row] = STORED["rows"]
NOISE = 0.03  # three standard errors of an accuracy of 0.9 on 1,024 inputs; some rows draw their transformed inputs anew


def keeps(row: Row) -> bool:
    """Whether the symmetric model does as well on transformed data, and the other one worse, by more than by chance."""
    kept, lost = row["test"] - row["transformed"], row["broken_test"] - row["broken_transformed"]
    return abs(kept) <= NOISE < lost - kept


@pytest.mark.parametrize("name", ROWS)
def test_a_symmetric_model_keeps_what_it_has_learnt_and_the_other_loses_it(name: str) -> None:
    row = ROWS[name]
    assert keeps(row), row
    assert min(row["test"], row["broken_test"]) > 0.7, "both have learnt something"


@pytest.mark.parametrize(
    "change",
    [{"transformed": 0.8}, {"transformed": float("nan")}, {"broken_transformed": 0.94}, {"broken_transformed": float("nan")}],
)
def test_rows_that_show_nothing_are_told(change: dict[str, float]) -> None:
    good = Row(
        model="a",
        task="b",
        group="S_n",
        figure="R^2",
        test=0.95,
        transformed=0.95,
        broken="c",
        broken_test=0.95,
        broken_transformed=0.3,
    )
    assert keeps(good)
    bad: Any = {**good, **change}
    assert not keeps(bad)


def test_the_table_says_what_it_follows_from() -> None:
    assert STORED.keys() == get_type_hints(command.Made).keys()
    assert STORED["command"] == "python -m models generalisation"
    assert STORED["seed"] == 0
    assert STORED["threads"] == 1
    assert STORED["versions"].keys() == {"python", "torch", "symcheck"}
    for row in ROWS.values():
        assert {key: type(value) for key, value in row.items()} == get_type_hints(Row)


def test_every_model_that_compares_itself_has_a_row() -> None:
    lessons = [name for name, _ in command.lessons()]
    assert list(ROWS) == lessons
    assert {"deepsets", "egnn", "potential", "gnn", "transformer", "cnn", "lstm", "lstm.copying"} <= ROWS.keys()


@pytest.mark.parametrize(("name", "lesson"), list(command.lessons()))
def test_what_is_stated_of_a_model_is_reached(name: str, lesson: Lesson[Any]) -> None:
    row = ROWS[name]
    assert min(row["test"], row["transformed"]) > lesson.goal
    assert {key: row[key] for key in ("task", "group", "figure")} == {  # type: ignore[literal-required]
        "task": lesson.task,
        "group": lesson.group,
        "figure": lesson.figure,
    }
    assert [row["model"], row["broken"]] == list(lesson.models)


def test_the_page_is_the_table() -> None:
    page = command.page(STORED)
    assert (command.REPORTS / "generalisation.md").read_text(encoding="utf-8") == page
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len(lines) == len(ROWS) + 2
    assert {line.count("|") for line in lines} == {len(command.COLUMNS) + 1}
    other: Any = {**STORED, "rows": {**ROWS, "egnn": {**ROWS["egnn"], "test": 0.1234}}}
    assert "0.123" in command.page(other)
    assert command.page(other) != page


def test_nothing_of_the_machine_is_in_it() -> None:
    for text in (PATH.read_text(encoding="utf-8"), command.page(STORED)):
        assert "/home" not in text
        assert "/tmp" not in text
        assert str(command.REPORTS.parent) not in text


def test_names_that_are_not_there_are_told() -> None:
    with pytest.raises(click.UsageError) as caught:
        command.table(["eggn"])
    assert str(caught.value) == "there is no row 'eggn'; did you mean 'egnn'?"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deepsets"])
def test_a_row_can_be_made_again(name: str) -> None:
    """To two digits: to the last one on the same machine alone, since others add in another order."""
    row: Any = command.table([name])["rows"][name]
    figures: Any = {key: row[key] for key in ("test", "transformed", "broken_test")}
    assert figures == pytest.approx({key: value for key, value in ROWS[name].items() if key in figures}, abs=0.01)
    assert keeps(row)
