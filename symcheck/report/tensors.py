"""Tensors in a record: their numbers where they are few, and what is drawn of them where they are many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.engine.represent import unravelled

LISTED = 64  # numbers that a record lists of a tensor: more than a line shows
SIDE = 16  # rows, and half the columns, of what stands for a larger matrix: as much as is told apart at a glance
DRAWN = 96  # points or edges of a larger cloud or graph
FEW = 4  # numbers other than zero that it lists with their places


class ReducedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A matrix of a tensor that is too large to be listed, to four digits: what is at `at` along the axes before the last two.

    `step` says how many rows and columns of it go into one of `rows`: the number of largest size, or where `picked` the first.
    """

    at: tuple[int, ...]
    step: tuple[int, int]
    picked: bool
    rows: tuple[tuple[float | None, ...], ...]

    @classmethod
    def of(cls, tensor: Tensor, look: str, at: Sequence[int]) -> ReducedRecord | None:
        """None of complex numbers, and of nothing."""
        if tensor.is_complex() or not tensor.numel():
            return None
        whole = look in ("points", "vectors", "indices")
        at = () if whole else tuple(at[: max(0, tensor.ndim - 2)])
        matrix = tensor.double().flatten(0, -2) if whole and tensor.ndim > 2 else tensor.double()[at]
        matrix = matrix.reshape(-1, matrix.shape[-1]) if matrix.ndim else matrix.reshape(1, 1)
        most = (DRAWN, DRAWN) if whole else (SIDE, 2 * SIDE)
        down, across = (-(-size // limit) for size, limit in zip(matrix.shape, most, strict=True))
        step = (max(down, across),) * 2 if look == "image" else (down, across)  # so that it keeps its shape
        shown = matrix[:: step[0], :: step[1]] if whole else _largest_of_blocks(matrix, step)
        rows = tuple(tuple(_short(number) for number in row) for row in shown.tolist())
        return cls(at=at, step=step, picked=whole, rows=rows)


class TensorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor: its numbers if they are few, nested as its axes are, and the one of largest size, with its place.

    `sparse` are the places and numbers of those that aren't zero, if they are a handful. Of complex numbers each is a pair.
    What isn't finite is null. `look` is what it is drawn as, see `Rep.look`; `reduced` what is drawn of a large one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    rms: float | None
    largest: Any
    at: tuple[int, ...]
    values: Any
    sparse: tuple[tuple[tuple[int, ...], Any], ...] | None
    look: str = ""
    reduced: ReducedRecord | None = None

    @classmethod
    def of(cls, name: str, tensor: Tensor, look: str = "", beside: Tensor | None = None) -> TensorRecord:
        """`beside` is what it is drawn beside, so that of both the same part is."""
        number = tensor if tensor.is_complex() else tensor.double()
        size = number.abs().nan_to_num(nan=math.inf).reshape(-1)
        place = _place(number)
        return cls(
            name=name,
            shape=tuple(tensor.shape),
            dtype=str(tensor.dtype).removeprefix("torch."),
            rms=finite(float(size.square().mean().sqrt())) if len(size) else None,
            largest=plain(tensor[place]) if len(size) else None,
            at=place,
            values=plain(tensor) if len(size) <= LISTED else None,
            sparse=_sparse(tensor) if int((size != 0).sum()) <= FEW else None,
            look=look,
            reduced=None
            if len(size) <= LISTED
            else ReducedRecord.of(tensor, look, place if beside is None else _place(beside)),
        )

    @classmethod
    def all(
        cls, names: Sequence[str], leaves: Leaves, looks: Sequence[str] = (), beside: Leaves | None = None
    ) -> tuple[TensorRecord, ...]:
        told = zip(names, leaves, looks or [""] * len(leaves), beside or leaves, strict=True)
        return tuple(cls.of(*leaf) for leaf in told)


def _place(tensor: Tensor) -> tuple[int, ...]:
    """Where the number of largest size is."""
    size = (tensor if tensor.is_complex() else tensor.double()).abs().nan_to_num(nan=math.inf).reshape(-1)
    return tuple(int(i) for i in unravelled(size.argmax(), tensor.shape)) if len(size) else ()


def _sparse(tensor: Tensor) -> tuple[tuple[tuple[int, ...], Any], ...]:
    places = tensor.nonzero().tolist()
    return tuple((tuple(place), plain(tensor[tuple(place)])) for place in places)


def _largest_of_blocks(matrix: Tensor, step: tuple[int, int]) -> Tensor:
    size = matrix.abs().nan_to_num(nan=torch.inf)[None]
    _, place = torch.nn.functional.max_pool2d(size, step, ceil_mode=True, return_indices=True)
    return matrix.reshape(-1)[place[0]]


def _short(number: float) -> float | None:
    return float(f"{number:.4g}") if math.isfinite(number) else None


def plain(tensor: Tensor) -> Any:
    """A tensor's numbers, nested as its axes are; those that aren't finite are null, complex ones pairs."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return _nulled(tensor.tolist())


def _nulled(values: Any) -> Any:
    if isinstance(values, list):
        return [_nulled(value) for value in values]
    return values if not isinstance(values, float) or math.isfinite(values) else None


def finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
