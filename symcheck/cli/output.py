"""Where a record goes: to the terminal, or in another format to a file or to standard output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from symcheck.cli.guard import write

if TYPE_CHECKING:
    from symcheck.report import Record

Command = TypeVar("Command", bound=Callable[..., Any])
FORMATS = ("text", "json", "junit", "github", "sarif")


def format_options(command: Command) -> Command:
    """Give a command --format and --to."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How to say what was found: a table, the record, JUnit's XML, annotations for GitHub Actions, or SARIF 2.1.0.",
    )
    to = click.option(
        "-o", "--to", type=click.Path(path_type=Path), help="Write that format to this file, and the table to the terminal."
    )
    return form(to(command))


def shown(record: Record, form: str, to: Path | None) -> None:
    """Show the record in that format, or write it to the file in it and show the table."""
    from symcheck.report import terminal
    from symcheck.report.formats import rendered

    if to is not None:
        write("--to", to, rendered(record, form).encode(), "The audit is done, but this isn't saved.")
    if to is not None or form == "text":
        terminal.show(record, terminal.console())
    else:
        click.echo(rendered(record, form).encode(), nl=False)  # UTF-8, whatever a terminal would take
