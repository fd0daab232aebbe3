"""Targets that are Python files, `path/to/file.py`: imported under the name that they have in their package, or alone."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from symcheck.errors import SubjectError
from symcheck.subjects.files import checked

_paths: dict[str, str] = {}  # what modules that were loaded here are named by, for another process that isn't told of them


def module(path: str) -> ModuleType:
    """The file as a module. The folder of its package, or its own, is on the path, as `python path/to/file.py` has it.

    Raises SubjectError if the file can't be named so, or if Python has another module of that name; and what importing raises.
    """
    file = Path(checked(path).path).resolve()
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").exists():
        parts, root = [root.name, *parts], root.parent
    if not all(part.isidentifier() for part in parts):
        raise SubjectError(
            f"{path!r} has no name that Python can import, {'.'.join(parts)!r}. Rename it: letters, digits and _."
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    found = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    if found.__file__ is None or Path(found.__file__).resolve() != file:
        raise SubjectError(
            f"Python has another module {found.__name__!r}, from {found.__file__ or 'itself'}, than {path!r}. Rename the file."
        )
    _paths[found.__name__] = path
    return found


def place_of(name: str) -> str:
    """What a module is named by as a target: the path that it was loaded by, or else its name."""
    return _paths.get(name, name)
