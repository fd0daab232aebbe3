"""The record in a notebook: small tables, with every text escaped."""

from __future__ import annotations

from html import escape

from symcheck.report.record import Record, Result
from symcheck.report.text import diagnosis, heading, mark, verdict_line

_GOOD, _BAD = "#1a7f37", "#b42318"


def result_html(result: Result) -> str:
    """The diagnosis, headed by its coloured verdict."""
    head, _, rest = diagnosis(result).partition("\n")
    return f"<div>{_badge(result)} {escape(head.removeprefix(heading(result)).strip())}<pre>{escape(rest)}</pre></div>"


def record_html(record: Record) -> str:
    """A row a result."""
    rows = "".join(
        f"<tr><td>{_badge(result)}</td><td style='text-align:left'>{escape(result.claim)}</td>"
        f"<td style='text-align:left'>{escape(mark(result))}</td></tr>"
        for result in record.results
    )
    return f"<div><p>{escape(verdict_line(record))}</p><table><tbody>{rows}</tbody></table></div>"


def _badge(result: Result) -> str:
    return f"<b style='color:{_GOOD if result.met else _BAD}'>{escape(heading(result))}</b>"
