"""Targets that are files which hold a whole model: each kind has a loader, and those that can run code need trust."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from symcheck.claims import Subject
from symcheck.errors import SubjectError, SymcheckError
from symcheck.placement import gpu_advice
from symcheck.subjects import exported, onnx, pickled, torchscript
from symcheck.subjects.files import checked, damaged, kind, untrusted

_ARCHIVES = (".pt2", ".pt", ".pth", ".ts", ".jit", ".torchscript", ".pkl", ".pickle", ".ckpt", ".bin")
SUFFIXES = (".onnx", ".safetensors", *_ARCHIVES)


class _Loader(Protocol):
    WHAT: str

    def load(self, path: str) -> Any: ...


class _Known(NamedTuple):
    loader: _Loader
    code: bool  # whether reading the file can run code that is in it


_BY_KIND = {"exported": _Known(exported, True), "torchscript": _Known(torchscript, True), "pickle": _Known(pickled, True)}


def is_program(target: str) -> bool:
    """Whether a target is a file of this kind, by its suffix. `pkg.pt:CLAIMS` names a module that is called so."""
    return Path(target).suffix.lower() in SUFFIXES


def subject(target: str, *, trust_code: bool = False) -> Subject:
    """The model that a file holds. SubjectError says why it can't be read, or that it can run code and isn't trusted."""
    file = checked(target)
    loader, code = _loader(target)
    if code and not trust_code:
        raise untrusted(target, loader.WHAT)
    try:
        model = loader.load(target)
    except SymcheckError:
        raise
    except (Exception, SystemExit) as error:
        if gpu_advice(error):
            raise SubjectError(f"{target!r} was saved for a GPU. {gpu_advice(error)}") from error
        raise damaged(target, loader.WHAT, error) from error
    again = shlex.join(["--target", target, "--trust-code"]) if code else ""
    return Subject(Path(target).stem, model=model, spec=target, files=(file,), again=again)


def _loader(target: str) -> _Known:
    if Path(target).suffix.lower() == ".onnx":
        return _Known(onnx, False)
    found = kind(target)
    if found == "safetensors" or target.lower().endswith(".safetensors"):
        raise SubjectError(
            f"{target!r} holds weights, without the model. Name both: symcheck audit pkg.mod:build --weights {target}"
        )
    if found not in _BY_KIND:
        raise damaged(target, "a model that torch saved", ValueError("neither an archive nor a pickle"))
    return _BY_KIND[found]
