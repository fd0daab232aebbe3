"""The record in a terminal: a table, the diagnoses of what isn't as expected, and progress while the audit runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from symcheck.engine import Event, Judged, Measuring, Probing
from symcheck.errors import printable
from symcheck.report.record import Record, Result
from symcheck.report.text import WIDTH, diagnosis, mark, notes, verdict_line


def console(*, stderr: bool = False) -> Console:
    """A console that is wide enough for the table where it isn't a terminal, such as in CI's log."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=WIDTH, no_color=True)


def show(record: Record, out: Console) -> None:
    """The table, then a diagnosis of each result that isn't as expected or that comes with a warning."""
    table = Table(box=None, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("claim", ratio=1)
    table.add_column("differs by", justify="right", no_wrap=True)
    table.add_column("detects", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for result in record.results:
        table.add_row(
            _verdict(result),
            Text(printable(result.claim)),
            _differs(result),
            _number(result.detection_limit),
            Text(mark(result)),
        )
    out.print(table)
    for result in record.results:
        if (not result.met and not result.known) or any(finding.severity == "warning" for finding in result.findings):
            out.print()
            out.print(_styled(result, diagnosis(result, out.width)))
    out.print()
    for line in notes(record):
        out.print(Text(line))
    out.print(Text(verdict_line(record), style="bold"))


def listing(rows: list[tuple[str, str]], out: Console) -> None:
    """Names, and what each of them is."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(max_width=34)
    table.add_column(ratio=1)
    for name, summary in rows:
        table.add_row(Text(name, style="bold"), Text(summary))
    out.print(table)


@contextmanager
def progress(total: int, out: Console) -> Iterator[Callable[[Event], None]]:
    """What to call with each event to show how far the audit is. Silent where nobody watches."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        claims = bar.add_task("claims", total=total)
        trials = bar.add_task("", total=None)

        def on_event(event: Event) -> None:
            if isinstance(event, Probing):
                bar.update(trials, description=f"probing {event.claim.id}"[:60], completed=0, total=None)
            elif isinstance(event, Measuring):
                doing = f"{event.precision} {event.claim.id}"[:60]
                bar.update(trials, description=doing, completed=event.done, total=event.total)
            elif isinstance(event, Judged):
                bar.advance(claims, 1 / len(event.outcome.claim.properties))

        yield on_event


def _verdict(result: Result) -> Text:
    return Text(result.verdict.name, style="green" if result.met else "yellow" if result.known else "bold red")


def _styled(result: Result, told: str) -> Text:
    """A diagnosis with its verdict coloured and its labels set off. The words say all that the colours do."""
    text = Text(told)
    text.highlight_regex(r"(?m)^  \S.{9}", "bold")
    text.stylize("bold green" if result.met else "bold red", 0, told.index(" "))
    return text


def _differs(result: Result) -> str:
    return _number(result.worst.relative) if result.worst is not None else "-"


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.1e}"
