"""What all reference models have to say together: `python -m models generalisation`."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypedDict

import click
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import models
import symcheck
from models._training import Lesson, Row
from symcheck.errors import did_you_mean

REPORTS = Path(__file__).parents[1] / "reports"
COLUMNS = ("symmetry", "task", "with it", "test", "transformed", "without it", "test", "transformed")
FIGURES = ("test", "transformed")
INTRODUCTION = """\
# What a symmetry is worth

Each row is two models trained on the same data, none of it transformed: one that has the symmetry, and one that differs by a
plausible mistake or is without it. Both are tried on a test set like the training data, and on one transformed by the group.
What the first has learnt, it knows of every transform; the second never saw one.
"""


class Made(TypedDict):
    """The table, and all that it follows from."""

    command: str
    seed: int
    threads: int
    versions: dict[str, str]
    rows: dict[str, Row]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The reference models together. Each has commands of its own, such as python -m models.gnn train."""


@main.command()
@click.option("--only", default="", help="Rows, such as egnn,cnn: only these are trained, and nothing is written.")
def generalisation(only: str) -> None:
    """Train each model and one without its symmetry, try both on transformed data, and write the table to reports/."""
    made = table(only.replace(",", " ").split())
    Console().print(shown(made["rows"]))
    if not only:
        (REPORTS / "generalisation.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        (REPORTS / "generalisation.md").write_text(page(made), encoding="utf-8")
        click.echo("written: reports/generalisation.md")


def table(only: Sequence[str] = ()) -> Made:
    """The rows by module, in alphabetical order. All follow from seed 0, which each of them has by default."""
    versions = {"python": platform.python_version(), "torch": torch.__version__, "symcheck": symcheck.__version__}
    known = dict(lessons())
    for name in only:
        if name not in known:
            raise click.UsageError(f"there is no row {name!r}; {did_you_mean(name, known)}")
    rows = {name: _rounded(known[name].row()) for name in known if not only or name in only}
    return Made(
        command="python -m models generalisation", seed=0, threads=torch.get_num_threads(), versions=versions, rows=rows
    )


def lessons() -> Iterator[tuple[str, Lesson[Any]]]:
    """What the models learn, by module, and by name too where a module has two."""
    for name in sorted(module.name for module in iter_modules(models.__path__) if not module.name.startswith("_")):
        for constant, lesson in vars(import_module(f"models.{name}")).items():
            if isinstance(lesson, Lesson):
                yield name if constant == "LESSON" else f"{name}.{constant.lower()}", lesson


def _rounded(row: Row) -> Row:
    """Figures to four digits: the rest is the test set's."""
    new: Row = {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}  # type: ignore[assignment]
    return new


def cells(row: Row) -> list[str]:
    """A line of the table: figures to three digits."""
    ours = (row["model"], f"{row['test']:.3f}", f"{row['transformed']:.3f}")
    theirs = (row["broken"], f"{row['broken_test']:.3f}", f"{row['broken_transformed']:.3f}")
    return [row["group"], f"{row['task']} ({row['figure']})", *ours, *theirs]


def shown(rows: dict[str, Row]) -> Table:
    """The table for a terminal."""
    found = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        figure = column in FIGURES
        heading = column.replace("transformed", "trans-\nformed")
        found.add_column(heading, justify="right" if figure else "left", min_width=6 if figure else 8, no_wrap=figure)
    for row in rows.values():
        found.add_row(*cells(row))
    return found


def page(made: Made) -> str:
    """The table as Markdown."""
    rule = ["---:" if column in FIGURES else "---" for column in COLUMNS]
    lines = [list(COLUMNS), rule, *(cells(row) for row in made["rows"].values())]
    written = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    threads = f"{made['threads']} thread{'s' if made['threads'] > 1 else ''}"
    source = f"Made by `{made['command']}` on {threads} with {versions}; all follows from seed {made['seed']}."
    return f"{INTRODUCTION}\n{written}\n\n{source}\n"


if __name__ == "__main__":
    main()
