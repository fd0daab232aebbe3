"""Weights from a file for a model that is named: safetensors, or what `torch.load` reads with `weights_only=True`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from symcheck.claims import Subject
from symcheck.errors import SubjectError, did_you_mean
from symcheck.subjects.files import checked, damaged, kind

SHOWN = 4  # names of each sort that an error lists


def weighted(subject: Subject, path: str) -> Subject:
    """The subject at the weights of a file, of which it must have all and no other. Judged at these weights alone by default.

    Nothing in the file is run. The numbers are cast to the model's own dtypes; the model is on the CPU. SubjectError lists what
    is missing, unexpected or of another shape.
    """
    file = checked(path)
    model = subject.load(seed=0)  # which matters for what isn't in the file: buffers that aren't saved
    if not isinstance(model, nn.Module):
        what = f"{type(model).__name__}, not a torch.nn.Module"
        raise SubjectError(f"{subject.spec} is a {what}: it has no names to put weights to. Leave out --weights.")
    _fill(model, read(path), path, subject.spec)
    again = shlex.join(["--target", subject.spec, "--weights", path])
    return replace(subject, model=model, build=None, spec="", files=(file,), again=again)


def read(path: str) -> dict[str, Any]:
    """The tensors of a checked file by name, on the CPU. A checkpoint that keeps them under one key is unpacked."""
    found = kind(path)
    if found in ("torchscript", "exported"):
        raise SubjectError(f"{path!r} is a whole program, not weights. Audit it itself: symcheck audit {path} --trust-code")
    return _safetensors(path) if found == "safetensors" or path.endswith(".safetensors") else _unpacked(_loaded(path), path)


def _safetensors(path: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except Exception as error:
        raise damaged(path, "safetensors", error) from error


def _loaded(path: str) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code is None:
            raise damaged(path, "weights", error) from error
        raise SubjectError(
            f"{path!r} holds more than weights ({code[1]}): reading it could run code that is in it, so symcheck doesn't. "
            f"Where it was made, save the weights alone: torch.save(model.state_dict(), 'weights.pt')"
        ) from None


def _unpacked(found: Any, path: str) -> dict[str, Any]:
    if _is_state(found):
        return dict(found)
    inside = {key: value for key, value in found.items() if _is_state(value)} if isinstance(found, Mapping) else {}
    if len(inside) == 1:
        return dict(next(iter(inside.values())))
    if inside:
        raise SubjectError(f"{path!r} holds several sets of weights, {_few(inside)}. Save the one that you mean by itself.")
    raise SubjectError(
        f"{path!r} holds a {type(found).__name__}, not tensors by name. Save them: torch.save(model.state_dict(), 'weights.pt')"
    )


def _is_state(found: Any) -> bool:
    return (
        isinstance(found, Mapping)
        and any(isinstance(value, Tensor) for value in found.values())
        and all(
            isinstance(name, str) and (isinstance(value, Tensor) or name.endswith("_extra_state"))
            for name, value in found.items()
        )
    )


def _fill(model: nn.Module, found: dict[str, Any], path: str, spec: str) -> None:
    own = model.state_dict()
    found = {**_tied(own, found), **found}
    problems = [*_missing(own, found), *_unexpected(own, found), *_misshapen(own, found)]
    if problems:
        raise SubjectError(f"{path!r} has other weights than {spec}: {'; '.join(problems)}. {_advice(own, found)}")
    try:
        model.load_state_dict(found)
    except RuntimeError as error:
        raise SubjectError(f"{spec} doesn't take the weights of {path!r}: {error}. Save them from this model.") from error


def _tied(own: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What a file leaves out because the model keeps it twice, by another name: safetensors holds tied tensors once."""
    places = {_place(own[name]): value for name, value in found.items() if name in own and isinstance(own[name], Tensor)}
    return {
        name: places[_place(value)]
        for name, value in own.items()
        if name not in found and isinstance(value, Tensor) and value.numel() and _place(value) in places
    }


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return (id(tensor),) if is_lazy(tensor) else (tensor.data_ptr(), tensor.shape, tensor.stride())


def _missing(own: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    names = [name for name in own if name not in found]
    return [f"{len(names)} missing ({_few(names)})"] if names else []


def _unexpected(own: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    names = [name for name in found if name not in own]
    guess = did_you_mean(names[0], [name for name in own if name not in found]) if names else ""
    near = f"; {guess}" if guess.startswith("did") else ""
    return [f"{len(names)} unexpected ({_few(names)}{near})"] if names else []


def _misshapen(own: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    pairs = {name: (own[name], found[name]) for name in own if name in found and isinstance(own[name], Tensor)}
    wrong = [n for n, (a, b) in pairs.items() if not is_lazy(a) and a.shape != getattr(b, "shape", None)]
    if not wrong:
        return []
    first, (model, file) = wrong[0], pairs[wrong[0]]
    shapes = f"{first!r} is {tuple(getattr(file, 'shape', ()))} in the file, {tuple(model.shape)} in the model"
    more = f", and so on for {_few(wrong[1:])}" if wrong[1:] else ""
    return [f"{len(wrong)} of another shape ({shapes}{more})"]


def _advice(own: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What to do: names that differ by one prefix throughout are those of a model that was wrapped."""
    for prefix in ("module.", "_orig_mod.", "model.", "net."):
        if {name.removeprefix(prefix) for name in found} == set(own):
            return f"All its names begin with {prefix!r}: the model was wrapped. Save the weights of the model inside."
        if {prefix + name for name in found} == set(own):
            return f"The model's names begin with {prefix!r}: it wraps the one that was saved. Name the model inside."
    return "Give the weights of this model."


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(repr, listed[:SHOWN])) + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "")
