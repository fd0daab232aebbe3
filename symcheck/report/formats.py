"""A record in the formats that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symcheck.report import github, junit, sarif, text
from symcheck.report.record import Record

FORMATS: Mapping[str, Callable[[Record], str]] = {
    "text": lambda record: f"{text.whole(record)}\n",
    "json": lambda record: record.json().decode(),
    "junit": junit.render,
    "github": github.render,
    "sarif": sarif.render,
}


def rendered(record: Record, form: str) -> str:
    """The record as text of that format, which ends with a line's end."""
    return FORMATS[form](record)
