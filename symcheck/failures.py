"""Failures that are kept: violating trials, as JSON that says what was claimed and safetensors that hold the numbers.

    .symcheck/3f9a61c2.json          the claim in words, where its model is found, the seed, the versions
    .symcheck/3f9a61c2.safetensors   the input and others of its kind, the group elements, both sides as they were

Reading one runs no code: nothing is pickled, and what isn't as it was written is refused.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch
from torch import Tensor

from symcheck._tree import Args, Leaves, Structure
from symcheck.errors import ReplayError, did_you_mean

KIND = "symcheck failure"
FORMAT = 1
DIRECTORY = Path(".symcheck")
_T = TypeVar("_T")
_PLAIN = ("Args", "tuple", "list", "dict")


class Tree(msgspec.Struct, frozen=True, omit_defaults=True):
    """The arguments or the output of a model as plain containers: a rep in words for each tensor, values for the rest."""

    kind: str
    keys: tuple[str, ...] = ()
    children: tuple[Tree, ...] = ()
    rep: str = ""
    value: bool | int | float | str | None = None

    @classmethod
    def of(cls, structure: Structure, reps: Iterator[str]) -> Tree | None:
        """None where it holds what JSON has no word for: a dataclass, a graph, a key that isn't text."""
        if structure.kind == "tensor":
            return cls("tensor", rep=next(reps))
        if structure.kind == "constant":
            value = structure.value
            known = value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))
            return cls("constant", value=value) if known else None
        children = [cls.of(child, reps) for child in structure.children]
        if structure.kind not in _PLAIN or (
            structure.kind == "dict" and not all(key.startswith(".") for key in structure.keys)
        ):
            return None
        whole = tuple(child for child in children if child is not None)
        return cls(structure.kind, structure.keys, whole) if len(whole) == len(children) else None

    def made(self, leaves: Iterator[Any], *, values: bool = True) -> Any:
        """The containers, with `leaves` at the places of the tensors, and the values of the rest or None."""
        if self.kind == "tensor":
            return next(leaves)
        if self.kind == "constant":
            return self.value if values else None
        inside = [child.made(leaves, values=values) for child in self.children]
        if self.kind == "list":
            return inside
        if self.kind == "tuple":
            return tuple(inside)
        named = {key[1:]: child for key, child in zip(self.keys, inside, strict=True) if key.startswith(".")}
        return named if self.kind == "dict" else Args(*inside[: len(inside) - len(named)], **named)

    @property
    def reps(self) -> list[str]:
        """One for each tensor."""
        return [self.rep] if self.kind == "tensor" else [rep for child in self.children for rep in child.reps]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A trial in words: its elements, the kind of its input, and how far the two sides differed, as part of the spread."""

    element: str
    region: str
    relative: float | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What a kept failure says in words. What only the claim itself can say (a rep of one's own) is null."""

    kind: str = KIND
    format: int = FORMAT
    id: str
    claim: str
    subject: str
    home: str  # pkg.mod that states the claim, or pkg.mod:name of the model; "" if neither has a name
    property_name: str
    property_place: int  # among those of the claim
    property_plain: bool  # its name says all of it
    group: str | None
    inputs: Tree | None
    outputs: Tree | None
    domain: str
    tolerance: float | None
    precision: str
    device: str
    seed: int
    perturbed: float | None  # by which part of their size the weights were, or null at the model's own
    trials: tuple[Shown, ...]  # the simplest, then the one that a person would try first
    fixed: tuple[int, ...]  # the input leaves that are the same in every input
    batched: bool | None
    arity: int
    complex: tuple[str, ...]  # the tensors that are stored as real and imaginary parts
    versions: dict[str, str]
    tensors: str = ""  # the SHA-256 of the other file
    words: str = ""  # and that of this one, as it is encoded without it


@dataclass(frozen=True)
class Numbers:
    """A trial's tensors: float64 as they were drawn, on the CPU."""

    x: Leaves  # (1 + m, *shape): the input of the trial, then others of its kind
    g: Tensor  # (arity, *element)
    left: Leaves  # (*shape): both sides in float64, as they were
    right: Leaves

    @property
    def whole(self) -> bool:
        """Whether nothing is missing that a replay needs: inputs, of which there are several."""
        return bool(self.x and self.left and self.right) and len({len(leaf) for leaf in self.x}) == 1 and len(self.x[0]) > 2


@dataclass(frozen=True)
class Kept:
    """A failure with its numbers, those of each trial."""

    failure: Failure
    trials: tuple[Numbers, ...]


def content_id(words: Sequence[Any], tensors: Leaves) -> str:
    """Eight hexadecimal digits that follow from what is claimed and from the trial, and from nothing else."""
    digest = hashlib.sha256(msgspec.json.encode(list(words)))
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    return digest.hexdigest()[:8]


def identified(failure: Failure, trial: Numbers) -> str:
    """The ID that a failure with that first trial has."""
    words = (failure.claim, failure.property_name, failure.seed, failure.perturbed)
    return content_id(words, [trial.g, *(leaf[0] for leaf in trial.x)])


def _digest(failure: Failure) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(failure, words=""))).hexdigest()


def write(kept: Kept, directory: Path) -> Path:
    """Write both files, the one that names the other last, each whole or not at all. Returns the JSON's path."""
    from safetensors.torch import save

    tensors = _named(kept)
    data = save({name: _storable(tensor) for name, tensor in tensors.items()})
    failure = msgspec.structs.replace(
        kept.failure,
        id=identified(kept.failure, kept.trials[0]),
        complex=tuple(name for name, tensor in tensors.items() if tensor.is_complex()),
        tensors=hashlib.sha256(data).hexdigest(),
    )
    failure = msgspec.structs.replace(failure, words=_digest(failure))
    path = folder(directory) / f"{failure.id}.json"
    _replace(path.with_suffix(".safetensors"), data)
    _replace(path, msgspec.json.format(msgspec.json.encode(failure), indent=2) + b"\n")
    return path


def folder(directory: Path) -> Path:
    """The folder, made if it isn't there; git is told to leave out one that was made, or that is called `.symcheck`."""
    ours = directory.name == DIRECTORY.name or not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    if ours and not (directory / ".gitignore").exists():
        _replace(directory / ".gitignore", b"*\n")
    return directory


def read(place: str | Path) -> Kept:
    """The failure of that ID in `.symcheck`, or of that path. ReplayError names the file, and what was expected of it."""
    path = _path(place)
    text = _read(path, f"there is no kept failure {str(place)!r}; {_others(path)}")
    again = "Audit again to keep the failure anew."
    try:
        header = msgspec.json.decode(text, type=_Header)
    except msgspec.ValidationError:
        header = _Header()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ReplayError(f"{str(path)!r} is no JSON: it is damaged or cut short. {again}") from None
    if header.kind != KIND:
        raise ReplayError(f"{str(path)!r} is not a failure that symcheck kept: its JSON has no 'kind': {KIND!r}. Name another.")
    if header.format != FORMAT:
        reads = f"{str(path)!r} is in format {header.format}, and this symcheck reads format {FORMAT}"
        raise ReplayError(f"{reads}. {'Update symcheck.' if header.format > FORMAT else again}")
    failure = _decoded(text, Failure, path, again)
    data_path = path.with_suffix(".safetensors")
    data = _read(data_path, f"{str(path)!r} has lost its tensors: there is no {data_path.name!r} beside it. Copy both files.")
    if hashlib.sha256(data).hexdigest() != failure.tensors:
        raise ReplayError(
            f"{str(data_path)!r} isn't what {path.name!r} was written with: it is damaged, cut short or another's. {again}"
        )
    if _digest(failure) != failure.words:
        raise ReplayError(f"{str(path)!r} isn't as it was written: it is damaged, or was edited. {again}")
    return _checked(failure, data, path, again)


class _Header(msgspec.Struct):
    kind: str = ""
    format: int = 0


def _checked(failure: Failure, data: bytes, path: Path, again: str) -> Kept:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = {
            name: torch.view_as_complex(tensor) if name in failure.complex else tensor for name, tensor in load(data).items()
        }
        trials = tuple(_numbers(tensors, f"{i}.") for i in range(len(failure.trials)))
        whole = all(trial.whole and len(trial.g) == failure.arity for trial in trials)
    except (SafetensorError, KeyError, RuntimeError, TypeError, ValueError):
        trials, whole = (), False
    if not trials or not whole:
        raise ReplayError(f"{path.with_suffix('.safetensors').name!r} doesn't hold g, x and both sides of each trial. {again}")
    return Kept(failure, trials)


def _named(kept: Kept) -> dict[str, Tensor]:
    found = {}
    for i, trial in enumerate(kept.trials):
        several = {"x": trial.x, "left": trial.left, "right": trial.right}
        found[f"{i}.g"] = trial.g
        found |= {f"{i}.{name}.{k}": leaf for name, leaves in several.items() for k, leaf in enumerate(leaves)}
    return found


def _numbers(tensors: dict[str, Tensor], prefix: str) -> Numbers:
    def leaves(name: str) -> Leaves:
        return [tensors[f"{prefix}{name}.{k}"] for k in range(sum(key.startswith(f"{prefix}{name}.") for key in tensors))]

    return Numbers(leaves("x"), tensors[f"{prefix}g"], leaves("left"), leaves("right"))


def _storable(tensor: Tensor) -> Tensor:
    real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return real.detach().cpu().clone(memory_format=torch.contiguous_format)


def _bytes(tensor: Tensor) -> bytes:
    data: bytes = _storable(tensor).reshape(-1).view(torch.uint8).numpy().tobytes()
    return data


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, whole."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(data)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _path(place: str | Path) -> Path:
    """The JSON file that a person means: by ID, or by the path of either file."""
    path = Path(place)
    if isinstance(place, str) and path.name == place and path.suffix not in (".json", ".safetensors"):
        return DIRECTORY / f"{place}.json"
    return path.with_suffix(".json") if path.suffix == ".safetensors" else path


def _others(path: Path) -> str:
    known = sorted(other.stem for other in path.parent.glob("*.json")) if path.parent.is_dir() else []
    return did_you_mean(path.stem, known) if known else f"none is kept in {str(path.parent)!r}. Run symcheck audit."


def _read(path: Path, missing: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ReplayError(missing) from None
    except (OSError, ValueError) as error:  # a folder, no permission; a null byte in its name
        raise ReplayError(f"{str(path)!r} can't be read: {getattr(error, 'strerror', None) or error}.") from None


def _decoded(text: bytes, kind: type[_T], path: Path, again: str) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ReplayError(f"{str(path)!r} isn't as symcheck writes it: {error}. {again}") from None
