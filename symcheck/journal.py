"""The journal of an audit: what is done, claim by claim, so that one that was killed goes on where it was.

    {"kind": "symcheck journal", "format": 1, "command": ..., "seed": 0, ...}
    {"claim": "net.build: SO(3), vector -> scalar", "stated": "3f9a61c2...", "seconds": 0.41, "results": [...]}

A line is written when a claim is done. What a killed process wrote half of its last line is left out, and done again.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
import torch

from symcheck.claims import Claim, Subject
from symcheck.engine import Settings
from symcheck.engine.weights import fingerprint
from symcheck.errors import JournalError, printable
from symcheck.failures import folder
from symcheck.placement import modules_of
from symcheck.report import Result
from symcheck.report.record import SCHEMA

_T = TypeVar("_T")
KIND, FORMAT, NAME = "symcheck journal", 1, "journal.jsonl"
ANEW = "Leave out --resume to begin anew."


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit was asked for. Another one's results are not taken for its own."""

    kind: str = KIND
    format: int = FORMAT
    schema: int = SCHEMA
    symcheck: str
    torch: str
    command: str
    seed: int
    trials: int
    device: str
    dtype: str | None
    perturb: bool | None

    @classmethod
    def of(cls, settings: Settings, command: str) -> Header:
        from symcheck import __version__

        dtype = None if settings.dtype is None else str(settings.dtype).removeprefix("torch.")
        given = {name: getattr(settings, name) for name in ("seed", "trials", "device", "perturb")}
        return cls(symcheck=__version__, torch=str(torch.__version__), command=command, dtype=dtype, **given)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that is done. `stated` is the digest of what was claimed, and of the code and weights of its model."""

    claim: str
    stated: str
    seconds: float
    results: tuple[Result, ...]


class Journal:
    """A journal that is open to be written, with what was in it before."""

    def __init__(self, path: Path, file: BinaryIO, entries: Mapping[str, Entry], *, alone: bool = False) -> None:
        self._path, self._file, self._entries, self._alone = path, file, entries, alone
        self._stated: dict[str, str] = {}  # as it was before the audit, in which a model may change
        self.seconds = sum(entry.seconds for entry in entries.values())

    @classmethod
    def begun(cls, directory: Path, header: Header) -> Journal:
        """A new one, in the place of what was there: of an audit that runs at the same time, this one's is kept."""
        alone = not directory.exists()
        new = folder(directory) / f".{NAME}.{os.getpid()}"
        new.write_bytes(msgspec.json.encode(header) + b"\n")
        os.replace(new, directory / NAME)  # closed: Windows moves no file that is open
        return cls(directory / NAME, (directory / NAME).open("ab"), {}, alone=alone)

    @classmethod
    def resumed(cls, directory: Path, header: Header) -> Journal:
        """The one that is there. FileNotFoundError if there is none, JournalError if it is damaged or another audit's."""
        path = directory / NAME
        text = path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.splitlines() or [b""]
        _same(path, _decoded(path, 1, lines[0], Header), header)
        entries = [_decoded(path, number, line, Entry) for number, line in enumerate(lines[1:], 2)]
        file = path.open("r+b")
        file.truncate(len(whole))
        file.seek(len(whole))
        return cls(path, file, {entry.claim: entry for entry in entries})

    def results(self, claim: Claim) -> tuple[Result, ...] | None:
        """What was found of a claim, or None. JournalError if the claim or its model isn't as it was."""
        entry, now = self._entries.get(claim.id), self._stated.setdefault(claim.id, stated(claim))
        if entry is not None and entry.stated != now:
            changed = f"{claim.id!r} isn't what it was: its model's code or weights, or what is claimed, changed since"
            raise JournalError(f"{str(self._path)!r}: {changed}. {ANEW}")
        return None if entry is None else entry.results

    def keep(self, claim: Claim, results: tuple[Result, ...], seconds: float) -> None:
        """Write down what was found of a claim. A process that is killed later doesn't take it along."""
        was = self._stated.get(claim.id) or stated(claim)
        entry = Entry(claim=claim.id, stated=was, seconds=round(seconds, 3), results=results)
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()

    def done(self) -> None:
        """Take the journal away: the audit is done, and needs none. One of another audit, in its place, stays."""
        with suppress(OSError):
            own = os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
            self._file.close()
            if own:
                self._path.unlink()
            if self._alone and os.listdir(self._path.parent) == [".gitignore"]:  # a folder that was made for it
                (self._path.parent / ".gitignore").unlink()
                self._path.parent.rmdir()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def stated(claim: Claim) -> str:
    """A digest of a claim, of its model's weights, and of the file that the model's code is in."""
    subject = claim.subject
    parts = [claim.id, claim.group, claim.domain, claim.inputs, claim.outputs, claim.properties, claim.tolerance]
    parts += [
        claim.expected,
        claim.reason,
        subject.spec,
        subject.files,
        subject.batching,
        *_code(subject),
    ]
    parts.append(fingerprint(subject.model) if subject.model is not None else "")
    words = [re.sub(r" at 0x[0-9a-fA-F]+", "", repr(part)) for part in parts]
    return hashlib.sha256("\0".join(words).encode(errors="replace")).hexdigest()


def _code(subject: Subject) -> list[str]:
    """The SHA-256 of each file that the factory is in, or the model and its modules."""
    made = [subject.build] if subject.build is not None else [subject.model, *modules_of(subject.model)]
    files = {_file(_inside(one)) for one in made}
    return sorted(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files if file)


def _inside(made: Any) -> Any:
    """What a wrapper wraps, and a `partial` calls."""
    made = inspect.unwrap(made) if callable(made) else made
    return _inside(made.func) if isinstance(made, partial) else made


def _file(made: Any) -> str:
    """The file that a function is in, or an object's class; "" where there is none."""
    try:
        file = inspect.getsourcefile(made if inspect.isroutine(made) or isinstance(made, type) else type(made))
    except (TypeError, OSError):
        return ""
    return file if file is not None and os.access(file, os.R_OK) else ""


def _same(path: Path, then: Header, now: Header) -> None:
    for name in Header.__struct_fields__:
        was, is_ = getattr(then, name), getattr(now, name)
        if was != is_:
            told = f"{name} was {printable(str(was))!r}, and is {printable(str(is_))!r} now"
            raise JournalError(f"{str(path)!r} is the journal of another audit: {told}. {ANEW}")


def _decoded(path: Path, number: int, line: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JournalError(f"{str(path)!r} is damaged in line {number} ({printable(str(error))}). {ANEW}") from None
