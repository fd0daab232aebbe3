"""Files that models are loaded from: what one is, told by its bytes before anything in it is trusted."""

from __future__ import annotations

import hashlib
import textwrap
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from symcheck.claims import File
from symcheck.errors import SubjectError, did_you_mean

Kind = Literal["exported", "torchscript", "pickle", "safetensors", "unknown"]
_MEMBERS: dict[str, Kind] = {  # of a zip, the first that is there
    "archive_format": "exported",
    "serialized_exported_program.json": "exported",  # by torch 2.6
    "constants.pkl": "torchscript",
    "data.pkl": "pickle",
}
_CHUNK = 2**20
_SHOWN = 200  # characters of another library's complaint that are no longer than a sentence


def checked(path: str) -> File:
    """The file with its SHA-256. SubjectError if there is none, or if it is a folder, empty, or not to be read."""
    place, digest = Path(path), hashlib.sha256()
    if place.is_dir():
        raise SubjectError(f"{path!r} is a folder, and a file is expected. Name the file in it; {_near(place.name, place)}")
    try:
        with place.open("rb") as file:
            for chunk in iter(lambda: file.read(_CHUNK), b""):
                digest.update(chunk)
    except (FileNotFoundError, NotADirectoryError):
        raise SubjectError(f"there is no file {path!r}; {_near(place.name, place.parent)}") from None
    except (OSError, ValueError) as error:
        raise SubjectError(f"{path!r} can't be read: {error}. Give a file that you may read.") from None
    if place.stat().st_size == 0:
        raise SubjectError(f"{path!r} is empty: it has 0 bytes. Save it again, or copy it whole.")
    return File(path, digest.hexdigest())


def kind(path: str) -> Kind:
    """What a file that `checked` is, by the names in its archive or by its first bytes. Nothing in it is run."""
    with Path(path).open("rb") as file:
        head = file.read(9)
    try:
        with zipfile.ZipFile(path) as archive:
            return _of(name.rpartition("/")[2] for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):  # the last of a version that no zip has
        pass
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") < Path(path).stat().st_size:  # the length of its JSON
        return "safetensors"
    return "pickle" if head[:1] == b"\x80" else "unknown"


def _of(names: Iterable[str]) -> Kind:
    known = set(names)
    return next((found for member, found in _MEMBERS.items() if member in known), "unknown")


def damaged(path: str, what: str, error: BaseException) -> SubjectError:
    """The error of a file that can't be read as what it is meant to be."""
    first = textwrap.shorten(next(iter(str(error).strip().splitlines()), ""), _SHOWN, placeholder=" ...").rstrip(".")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return SubjectError(
        f"{path!r} can't be read as {what} ({said}). It is damaged or cut short, or no such file. Save it again."
    )


def untrusted(path: str, what: str) -> SubjectError:
    """The refusal of a file whose reading runs code."""
    return SubjectError(
        f"{path!r} is {what}: reading it can run code that is in the file. If you trust whoever made it, add --trust-code. "
        f"If not, audit the model's own source with its weights: symcheck audit pkg.mod:build --weights FILE"
    )


def _near(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either. Check the path."
    names = [path.name for path in folder.iterdir() if path.is_file()]
    return did_you_mean(name, names) if names else f"there are no files in {str(folder)!r}. Check the path."
