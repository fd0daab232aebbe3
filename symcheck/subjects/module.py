"""Targets that are Python: `pkg`, `pkg.mod` or `path/to/mod.py` with CLAIMS, and `pkg.mod:name` or `path/to/mod.py:name`."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import WRAPPER_ASSIGNMENTS, partial, update_wrapper
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from symcheck.claims import Claim, Subject
from symcheck.errors import SubjectError, SymcheckError, brief, did_you_mean, printable
from symcheck.placement import gpu_advice
from symcheck.subjects import python_file
from symcheck.subjects.frameworks import made_callable

PRINTED = 200  # characters that are shown of what a module prints while it is imported


def claims(target: str, *, twins: bool = False) -> list[Claim]:
    """The claims that a target states: those of a module, of a package's modules, of a name in one, or of one factory.

    None where a module claims nothing of a name in it.
    """
    place, name = _parts(target)
    module = imported(place)
    if name:
        return _named(module, name, twins)
    found = [claim for part in [module, *_submodules(module)] for claim in _stated(part, twins)]
    if not found:
        what = "has CLAIMS, but there is none in it" if hasattr(module, "CLAIMS") else "states no CLAIMS"
        raise SubjectError(
            f"{target} {what}. Define CLAIMS = (Claim(...), ...) there, or name a model in it and what to claim: "
            f"{example(f'{target}:{_models(module)[0]}')}"
        )
    return found


def example(target: str) -> str:
    """A command that states a claim of a target, for errors to show."""
    return f'symcheck audit {target} --shape 8,3 --group "SO(3)" --input vector --output scalar'


def subject(target: str) -> Subject:
    """The model that `pkg.mod:name` names: a factory without arguments is called, anything else callable is the model."""
    place, name = _parts(target)
    if not name:
        meant = " or ".join(repr(f"{target}:{model}") for model in _models(imported(place))[:2])
        raise SubjectError(
            f"{target!r} names a module, not a model. Name the model or its factory in it; did you mean {meant}?"
        )
    found = _attribute(imported(place), name)
    made = Subject.of(made_callable(found)) if not _is_factory(found) else Subject.built(found)
    return replace(
        made, spec=target, build=made.build and update_wrapper(partial(_made, made.build), made.build, WRAPPER_ASSIGNMENTS, ())
    )


def _made(build: Callable[[], Any]) -> Any:
    """What a factory makes, as a function on tensors."""
    return made_callable(build())


def home(claim: Claim) -> str:
    """Where another process finds the claim: `pkg.mod` that states it, else its model, `pkg.mod:name`; "" if it can't."""
    if claim.subject.files and not claim.subject.spec:  # at weights of a file, which the place doesn't bring
        return ""
    modules = {name: vars(module) for name, module in dict(sys.modules).items() if isinstance(module, ModuleType)}
    for name in sorted(modules.keys() - {"__main__"}, reverse=True):  # a module before the package that gathers its claims
        stated = [modules[name].get(key) for key in ("CLAIMS", "TWINS")]
        claims = [one for several in stated if isinstance(several, (tuple, list)) for one in several if isinstance(one, Claim)]
        if any(one.id == claim.id and one.subject is claim.subject for one in claims):
            return python_file.place_of(name)
    return claim.subject.spec or _own_place(claim.subject, modules)


def _own_place(subject: Subject, modules: Mapping[str, Mapping[str, Any]]) -> str:
    """`pkg.mod:name` of a function that is a model or a factory, if `subject` would take it for the same."""
    found = subject.build or subject.model
    module, name = (str(getattr(found, key, "")) for key in ("__module__", "__qualname__"))
    known = module != "__main__" and found is not None and modules.get(module, {}).get(name) is found
    return f"{python_file.place_of(module)}:{name}" if known and _is_factory(found) is (subject.build is not None) else ""


def cwd_on_path() -> None:
    """Let Python find what is in the current directory, as `python -m` has it."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def imported(place: str) -> ModuleType:
    """The module of that name, or of that file. What it prints meanwhile goes to stderr, with a word on where it is from.

    SubjectError tells a module that isn't there from one that is and raises, or calls sys.exit.
    """
    cwd_on_path()
    try:
        with _told(place):
            return python_file.module(place) if _is_file(place) else importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(error.name + ".")):
            where = "here or among the installed packages"
            raise SubjectError(f"there is no module {place!r} {where}. {_near(place, error.name)}") from None
        raise SubjectError(f"{place} was found, but it imports {error.name!r}, which isn't installed. Install it.") from error
    except SymcheckError:
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        advice = gpu_advice(error) or f"Run python {place if _is_file(place) else f'-m {place}'}."
        raise SubjectError(f"{place} was found, but importing it raised {kind}: {error}. {advice}") from error


def _is_file(place: str) -> bool:
    return place.endswith(".py")


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Keep what is printed inside out of what symcheck prints, and say that it was."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    finally:
        if text := printable(printed.getvalue().strip()):
            more = "" if len(text) <= PRINTED else f" ... ({len(text):,} characters)"
            sys.stderr.write(f"symcheck: {place} printed while it was imported: {text[:PRINTED]}{more}\n")


def _near(place: str, missing: str) -> str:
    """What was meant by a module that isn't there: a name in one, a file, or one of a like name."""
    package, _, name = place.rpartition(".")
    if package in sys.modules and hasattr(sys.modules[package], name):
        return f"Did you mean '{package}:{name}'?"
    if "/" in place:
        return f"Did you mean '{place}.py'?" if Path(f"{place}.py").is_file() else "Name it pkg.mod, or path/to/mod.py."
    folders = [path.stem for path in Path.cwd().iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    return f"In this folder: {did_you_mean(missing, folders)}" if folders else "Run from the folder that holds it."


def _parts(target: str) -> tuple[str, str]:
    """The place and the name in it, "" if there is none. The path of a file may hold a colon, as on Windows."""
    place, colon, name = (target, "", "") if ":" not in target or _is_file(target) else target.rpartition(":")
    if not place or (colon and not name) or (place.startswith(".") and not _is_file(place)):
        raise SubjectError(
            f"{target!r} is no target. Name a module or package (pkg.mod), a model in one (pkg.mod:build), "
            f"a model in a Python file (path/to/mod.py:build), or a file that holds a model (model.onnx, model.pt2)."
        )
    return place, name


def _models(module: ModuleType) -> list[str]:
    """What in a module may be a model or a factory of one, for errors to name."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    made = [name for name, value in own.items() if isinstance(value, nn.Module)]
    made += [n for n, v in own.items() if getattr(v, "__module__", None) == module.__name__ and callable(v) and n not in made]
    return made or ["build"]


def _submodules(module: ModuleType) -> list[ModuleType]:
    path = getattr(module, "__path__", None)
    names = sorted(info.name for info in pkgutil.iter_modules(path)) if path else []
    return [imported(f"{module.__name__}.{name}") for name in names if not name.startswith("_")]


def _stated(module: ModuleType, twins: bool) -> list[Claim]:
    """A module's CLAIMS, and its TWINS behind them if asked for."""
    found: list[Claim] = []
    for name in ("CLAIMS", "TWINS") if twins else ("CLAIMS",):
        stated = getattr(module, name, ())
        if not isinstance(stated, Sequence) or not all(isinstance(claim, Claim) for claim in stated):
            raise SubjectError(f"{module.__name__}.{name} is {brief(stated)}; expected a tuple of symcheck.Claim.")
        found += stated
    return found


def _named(module: ModuleType, name: str, twins: bool) -> list[Claim]:
    found = _attribute(module, name)
    if isinstance(found, Claim):
        return [found]
    if isinstance(found, Sequence) and found and all(isinstance(claim, Claim) for claim in found):
        return list(found)
    return [c for c in _stated(module, twins) if any(found is one for one in (c.subject, c.subject.build, c.subject.model))]


def _attribute(module: ModuleType, name: str) -> Any:
    if not hasattr(module, name):
        names = [known for known in vars(module) if not known.startswith("_")]
        raise SubjectError(f"{module.__name__} has no {name!r}; {did_you_mean(name, names)}")
    return getattr(module, name)


def _is_factory(found: Any) -> bool:
    """Whether to call it for the model: a class or function that needs no argument. A model needs at least one.

    A function of `*inputs` is a model; a class of `*args` has them from `nn.Module`, which takes none.
    """
    if isinstance(found, nn.Module) or not callable(found):
        return False
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return not needed and (isinstance(found, type) or not any(p.kind is p.VAR_POSITIONAL for p in parameters))
