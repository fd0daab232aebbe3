"""The record in a terminal: a table, the diagnoses of what isn't as expected, and progress while the audit runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from symcheck.engine import Event, Judged, Loading, Measuring, Probing
from symcheck.errors import printable
from symcheck.report.record import Record, Result
from symcheck.report.text import WIDTH, carried, diagnosis, heading, mark, notes, sources, verdict_line


def console(*, stderr: bool = False) -> Console:
    """A console that is wide enough for the table where it isn't a terminal, such as in CI's log."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=WIDTH, no_color=True)


def show(record: Record, out: Console) -> None:
    """What claims were read from; the table; a diagnosis of each result that isn't as expected or comes with a warning.

    Of what was tried and doesn't hold, that is a few lines.
    """
    for source in sources(record):
        out.print(Text(printable(source)))
    table = Table(box=None, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("claim", ratio=1)
    table.add_column("differs by", justify="right", no_wrap=True)
    table.add_column("detects", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    several = Counter(result.claim for result in record.results)
    for result in record.results:
        prop = f" ({result.property_name})" if several[result.claim] > 1 else ""
        table.add_row(
            _verdict(result),
            Text(printable(result.claim + prop)),
            _differs(result),
            _number(result.detection_limit),
            Text(mark(result)),
        )
    out.print(table)
    for result in record.results:
        broken = (not result.met and not result.known) or (result.expected == "either" and not result.passed)
        if broken or any(finding.severity == "warning" for finding in result.findings):
            out.print()
            out.print(_styled(result, diagnosis(result, out.width)))
        if result.layers:
            out.print()
            out.print(Text(carried(result)), soft_wrap=True)
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


PHASES = {  # what is done, in words of one line's width
    "sweep": "sweep",
    "structured": "structured",
    "search": "search",
    "boundaries": "boundaries",
    "weights": "other weights",
    "subgroups": "subgroups",
    "locate": "locate",
    "shrink": "shrink",
    "ladder": "precisions",
}


class _Speed(ProgressColumn):
    """Trials per second, of the phase at hand."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} trials/s" if task.speed and task.fields.get("trials") else "")


class _Left(TimeRemainingColumn):
    """The time that is left, of the whole audit."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields.get("trials") else Text("left ") + super().render(task)


@contextmanager
def progress(total: int, out: Console, clock: Callable[[], float] | None = None) -> Iterator[Callable[[Event], None]]:
    """What to call with each event to show how far the audit is, and its phase. Silent where nobody watches."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        _Left(),
        _Speed(),
    )
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal, get_time=clock) as bar:
        claims = bar.add_task("claims", total=total, trials=False)
        trials = bar.add_task("", total=None, trials=True)
        phase = ""

        def on_event(event: Event) -> None:
            nonlocal phase
            if isinstance(event, Judged):
                bar.advance(claims, 1 / len(event.outcome.claim.properties))
                return
            doing = f"{_phase(event)} {printable(event.claim.id)}"[:DOING]
            if doing != phase:
                bar.reset(trials, total=None, description=doing)
                phase = doing
            if isinstance(event, Measuring):
                bar.update(trials, completed=event.done, total=max(event.total, event.done))

        yield on_event


DOING = 48  # characters of what is done: bar, numbers and times have the rest of a line of 110


def _phase(event: Loading | Probing | Measuring) -> str:
    if isinstance(event, Measuring):
        return f"{PHASES[event.phase]} {event.precision}"
    return "load" if isinstance(event, Loading) else "probe"


def _verdict(result: Result) -> Text:
    return Text(heading(result), style=_style(result))


def _style(result: Result) -> str:
    if not result.met:
        return "yellow" if result.known else "bold red"
    return "yellow" if result.expected == "either" and not result.passed else "green"


def _styled(result: Result, told: str) -> Text:
    """A diagnosis with its verdict coloured and its labels set off. The words say all that the colours do."""
    text = Text(told)
    text.highlight_regex(r"(?m)^  \S.{9}", "bold")
    text.stylize(f"bold {_style(result).removeprefix('bold ')}", 0, told.index(" "))
    return text


def _differs(result: Result) -> str:
    return _number(result.worst.relative) if result.worst is not None else "-"


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:.1e}"
