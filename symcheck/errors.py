"""The errors that a person can cause. Each message names the value, what was expected and the next step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any


class SymcheckError(Exception):
    """Base of all errors that symcheck raises on purpose."""


class GroupError(SymcheckError, ValueError):
    """A group that doesn't exist, or that is asked for what it doesn't have."""


class ClaimError(SymcheckError, ValueError):
    """A claim that can't be tested as stated: its reps don't fit its group or its tensors."""


class DomainError(SymcheckError, ValueError):
    """A domain or an example that can't supply inputs."""


class SubjectError(SymcheckError):
    """A subject that can't be found or built."""


class SettingsError(SymcheckError, ValueError):
    """A setting outside its range: no trials, an unknown device or dtype."""


class ConfigError(SymcheckError, ValueError):
    """A config file that can't be read, or that says what isn't there."""


class ReplayError(SymcheckError, ValueError):
    """A failure that was kept and can't be read, or no longer fits what is claimed."""


class RecordError(SymcheckError, ValueError):
    """A saved record that can't be read, or a file that isn't one."""


class JournalError(SymcheckError, ValueError):
    """A journal that is damaged, or that is another audit's."""


LARGEST = 2**31 - 1  # that a size may be: more than any tensor here holds
_SIZES = {
    "int": "a whole number below 2^31",
    "tuple[int, ...]": "whole numbers below 2^31 in brackets, as in (8, 3)",
    "tuple[int | None, ...]": "whole numbers below 2^31 in brackets, as in (8, 8)",
    "tuple[int | None, int | None]": "two whole numbers below 2^31 in brackets, as in (8, 8)",
    "float": "a number",
}


def sized(owner: Any, kind: type[SymcheckError]) -> None:
    """Raise an error of that kind unless the sizes among a dataclass's fields are numbers, as they are declared to be.

    >>> from dataclasses import make_dataclass
    >>> sized(make_dataclass("Cloud", [("points", "int")])(2.5), DomainError)
    Traceback (most recent call last):
        ...
    symcheck.errors.DomainError: Cloud: points is 2.5. Give a whole number below 2^31.
    """
    for field in fields(owner):
        value, declared = getattr(owner, field.name), str(field.type).removesuffix(" | None")
        missing = value is None and declared != field.type
        if declared in _SIZES and not missing and not _is(declared, value):
            raise kind(f"{type(owner).__name__}: {field.name} is {value!r}. Give {_SIZES[declared]}.")


def _is(declared: str, value: Any) -> bool:
    if declared == "float":
        return isinstance(value, Real) and not isinstance(value, bool)
    if declared == "int":
        return isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) <= LARGEST
    if not isinstance(value, (tuple, list)):
        return False
    return all(_is("int", one) or (one is None and "None" in declared) for one in value)


MOST = 20  # names that an error lists: more are no help in a sentence


def nearest(word: str, known: Iterable[str]) -> str:
    """The nearest known names as a question; "" if none is near.

    >>> nearest("vectr", ["vector", "scalar"])
    "did you mean 'vector'?"
    """
    folded = {name.lower(): name for name in known}
    if word.lower() in folded:
        return f"did you mean {folded[word.lower()]!r}?"
    close = get_close_matches(word.lower(), folded, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(repr(folded[name]) for name in close)}?" if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence's end that offers the nearest known names, or all of them.

    >>> did_you_mean("vectr", ["vector", "scalar"])
    "did you mean 'vector'?"
    >>> did_you_mean("spinor", ["vector", "scalar"])
    "known: 'scalar', 'vector'."
    """
    names = sorted(set(known))
    if near := nearest(word, names):
        return near
    shown = ", ".join(map(repr, names[:MOST]))
    return f"known: {shown}." if len(names) <= MOST else f"known: {shown} and {len(names) - MOST} more (symcheck list)."


def brief(value: Any) -> str:
    """A value as Python writes it, on one line and of at most 80 letters.

    >>> brief(list(range(100)))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21...'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: str) -> str:
    """A name or a message from a model on one line, without the control characters that would steer a terminal.

    >>> printable("a\\x1b[2Jname\\nof two lines")
    'a?[2Jname of two lines'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)
