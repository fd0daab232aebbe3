"""Reading a saved record: from JSON to a Record, or an error that says what the file is instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from symcheck.errors import RecordError, SymcheckError, printable
from symcheck.report.record import SCHEMA, Record


def read(path: Path | str) -> Record:
    """The record that `symcheck audit --json FILE` saved. Raises RecordError if the file can't be read, or isn't one."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}. Give the file that symcheck audit --json wrote.") from None
    return decoded(text, str(path))


def decoded(text: bytes, name: str = "the text") -> Record:
    """The record in a text of JSON.

    >>> decoded(b'{"schema": 7, "results": []}', "new.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    symcheck.errors.RecordError: new.json has a record of schema 7; this symcheck reads schema 1. Use ...
    """
    schema = _schema(_plain(text, name), name)
    if schema != SCHEMA:
        wrote = "Use the symcheck that wrote it."
        raise RecordError(f"{name} has a record of schema {schema!r}; this symcheck reads schema {SCHEMA}. {wrote}")
    try:
        return msgspec.json.decode(text, type=Record)
    except msgspec.ValidationError as error:
        made = "It was written by another version of symcheck, or changed since. Audit anew"
        raise RecordError(f"{name} isn't a whole record: {printable(str(error))}. {made}.") from None


@contextmanager
def fitting(name: str) -> Iterator[None]:
    """For what is made of a record that was read: RecordError where its parts, each of its kind, don't fit together."""
    try:
        yield
    except (SymcheckError, UnicodeError):
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        told = printable(f"{type(error).__name__}: {error}")
        raise RecordError(
            f"{name} doesn't fit together ({told}): it was changed since it was written. Audit anew; if it is as symcheck "
            f"wrote it, please report that."
        ) from error


def _plain(text: bytes, name: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = "is empty" if not text.strip() else f"isn't whole JSON: {printable(str(error))}"
        raise RecordError(f"{name} {what}. Give the file that symcheck audit --json wrote, or audit anew.") from None
    except RecursionError:
        raise RecordError(f"{name} is nested too deeply to be a record.") from None


def _schema(found: Any, name: str) -> Any:
    if not isinstance(found, dict) or "schema" not in found or "results" not in found:
        raise RecordError(f"{name} is JSON, but not a record of symcheck. Give the file that symcheck audit --json wrote.")
    return found["schema"]
