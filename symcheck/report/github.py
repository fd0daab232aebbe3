"""The record as workflow commands of GitHub Actions, which shows them beside the lines that they are about.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator

from symcheck.report.record import Record, Result
from symcheck.report.text import diagnosis, heading, mark, notes, place, plain, verdict_line


def render(record: Record) -> str:
    """An error for each claim that isn't as expected, a notice for each that fails as in the baseline, and the sentence."""
    lines = [line for result in record.results for line in _annotation(result)]
    lines += [_command("notice", "symcheck", None, note) for note in notes(record)]
    return "\n".join([*lines, plain(verdict_line(record)), ""])


def _annotation(result: Result) -> Iterator[str]:
    if not result.met:
        title = f"{heading(result)} ({mark(result)}): {result.claim}"
        yield _command("notice" if result.known else "error", title, place(result), diagnosis(result))
    for finding in result.findings if not result.known else ():
        if finding.severity == "warning":
            yield _command("warning", f"{finding.kind}: {result.claim}", place(result), finding.text)


def _command(kind: str, title: str, at: tuple[str, int] | None, message: str) -> str:
    where = f"file={_property(at[0])},line={at[1]}," if at is not None else ""
    return f"::{kind} {where}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
