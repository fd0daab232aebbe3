"""Lines of source: which of a stack are the user's own, where they stand, and what they say."""

from __future__ import annotations

import inspect
import linecache
import os
import site
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator
from functools import cache
from types import FrameType
from typing import Any

import torch

_HERE = os.path.dirname(os.path.abspath(__file__))
_RECORDER = os.path.join(_HERE, "engine", "trace.py")
_TORCH = os.path.dirname(os.path.abspath(torch.__file__))
_LIBRARIES = tuple(
    dict.fromkeys(
        os.path.abspath(path) + os.sep
        for path in (
            *site.getsitepackages(),
            site.getusersitepackages(),
            *(sysconfig.get_path(p) for p in ("stdlib", "purelib")),
        )
    )
)


def line_of(frame: FrameType | None) -> tuple[str, int]:
    """The file and the innermost line that is the user's; if a package holds the whole model, the innermost but torch's."""
    return _innermost(_outwards(frame))


def raised_at(error: BaseException) -> str:
    """`file:line` of the user's own that raised it, as `line_of` has it; "" if there is none."""
    stack = reversed(list(traceback.walk_tb(error.__traceback__)))
    file, line = _innermost((frame.f_code.co_filename, line) for frame, line in stack)
    return f"{file}:{line}" if line else ""


def own_error(error: BaseException) -> str:
    """An error in a sentence, with the line of the user's own that raised it; "" if another package's or ours did."""
    stack = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    file, line = next(((file, line) for file, line in reversed(stack) if _kind(file) not in ("torch", "none")), ("", 0))
    if _kind(file) != "user":
        return ""
    text = next(iter(str(error).strip().splitlines()), "(no message)").rstrip(".")
    return f"raised {type(error).__name__}: {text} (at {shown(file)}:{line}). Mend it there."


def _outwards(frame: FrameType | None) -> Iterator[tuple[str, int]]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back


def _innermost(stack: Iterable[tuple[str, int]]) -> tuple[str, int]:
    other = ("", 0)
    for file, line in stack:
        kind = _kind(file)
        if kind == "end":
            break
        if kind == "user":
            return shown(file), line
        if kind == "package" and not other[1]:
            other = shown(file), line
    return other


@cache
def _kind(file: str) -> str:
    """Whose code a file holds. The walk ends at symcheck's own, which called the model; a file that isn't there has no line."""
    path = os.path.abspath(file)
    if path.startswith(_TORCH + os.sep):
        return "torch"
    if path == _RECORDER:
        return "own"
    if path.startswith(_HERE + os.sep):
        return "end"
    if not os.path.exists(path) and (file not in linecache.cache or file.startswith("<eval_with_key>")):
        return "none"  # torch.fx keeps what it generates in the cache as well, and notebooks the user's cells
    return "package" if path.startswith(_LIBRARIES) else "user"


def shown(file: str) -> str:
    """A file as it is imported: relative to the folder on the path that holds it, so that records don't tell of machines."""
    return _shown(file, os.getcwd(), *sys.path)


@cache
def _shown(file: str, *places: str) -> str:
    path = os.path.abspath(file)
    if not os.path.exists(path):
        return os.path.basename(file)
    folders = [os.path.abspath(folder) for folder in places]
    held = [os.path.relpath(path, folder) for folder in folders if path.startswith(folder + os.sep)]
    return min(held, key=len, default=os.path.basename(path)).replace(os.sep, "/")


def text_of(file: str, line: int) -> str:
    """What a line of a file says that is told as `shown` does, as it is now; "" if it isn't found, as line 0 never is."""
    for folder in ("", *sys.path) if line else ():
        path = file if file.startswith("<") else os.path.abspath(os.path.join(folder, file))  # <...> is a notebook's cell
        linecache.checkcache(path)
        if text := linecache.getline(path, line).strip():
            return text
    return ""


def defined_at(made: Any) -> str:
    """`file:line` of a function, or of an object's class, that is the user's own; "" of what isn't, or has no code."""
    made = inspect.unwrap(made) if callable(made) else made
    kind = made if isinstance(made, type) else type(made)
    methods = (getattr(kind, name, None) for name in ("forward", "__init__", "__call__"))
    for code in (getattr(one, "__code__", None) for one in (made, *methods)):
        if code is not None and _kind(code.co_filename) == "user":
            return f"{shown(code.co_filename)}:{code.co_firstlineno}"
    return ""
