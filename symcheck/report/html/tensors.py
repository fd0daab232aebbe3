"""Small tensors as tables of numbers, shaded by sign and size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from symcheck.report.record import MinimalRecord, TensorRecord
from symcheck.report.text import numbers

CELLS = 256  # of a table: as many as can be told apart at a glance
NUMBERED = 8  # columns that leave room for the numbers themselves


class Cell(NamedTuple):
    """A number as it is written, and its shade: p or n for its sign, 1 to 4 for its size, "z" for zero."""

    text: str
    css: str


@dataclass(frozen=True)
class Block:
    """A matrix of a tensor: its place along the axes before the last two."""

    at: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Panel:
    """A tensor: what it is, its shape, its numbers as blocks if they are few, else in words."""

    title: str
    formula: str
    shape: str
    blocks: tuple[Block, ...]
    words: str
    numbered: bool


def panels(found: MinimalRecord, statement: str) -> tuple[Panel, ...]:
    """The inputs, then the two sides of the leaf that differs most, and their difference, the three on one scale."""
    at = next((i for i, leaf in enumerate(found.left) if leaf.name == found.leaf), 0)
    shown = [_panel(f"input {x.name}".strip(), "", x, _largest(x)) for x in found.x]
    if at >= min(map(len, (found.left, found.right, found.difference))):
        return tuple(shown)
    left, equals, right = statement.partition(" = ")
    sides = (found.left[at], found.right[at], found.difference[at])
    scale = max(map(_largest, sides))
    name = f" of {found.leaf}" if found.leaf else ""
    titles = (f"left side{name}", f"right side{name}", "difference")
    formulas = (left, right, "left - right") if equals else ("", "", "left - right")
    return (*shown, *(_panel(*what, scale) for what in zip(titles, formulas, sides, strict=True)))


def _panel(title: str, formula: str, tensor: TensorRecord, scale: float) -> Panel:
    values = _values(tensor)
    blocks = tuple(_blocks(values, tensor, scale)) if values is not None else ()
    columns = tensor.shape[-1] if tensor.shape else 1
    shape = " x ".join(map(str, tensor.shape)) or "one number"
    return Panel(title, formula, f"{shape}, {tensor.dtype}", blocks, "" if blocks else numbers(tensor), columns <= NUMBERED)


def _values(tensor: TensorRecord) -> Any:
    """The numbers, nested; those of a large tensor that is zero but for a few are filled in."""
    if tensor.values is not None:
        return tensor.values
    if tensor.sparse is None or math.prod(tensor.shape) > CELLS or tensor.dtype.startswith("complex"):
        return None
    return _filled(tensor.shape, dict(tensor.sparse))


def _filled(shape: Sequence[int], entries: dict[tuple[int, ...], Any]) -> Any:
    if not shape:
        return entries.get((), 0)
    inner = [{place[1:]: value for place, value in entries.items() if place[0] == i} for i in range(shape[0])]
    return [_filled(shape[1:], part) for part in inner]


def _blocks(values: Any, tensor: TensorRecord, scale: float) -> Iterator[Block]:
    """Matrices of the last two axes. A vector is one row, a number one cell."""
    pairs, dust = tensor.dtype.startswith("complex"), 2.0**-50 * (tensor.rms or 0.0)

    def block(at: tuple[int, ...], matrix: Any) -> Block:
        return Block(", ".join(map(str, at)), tuple(tuple(_cell(v, scale, dust, pairs) for v in row) for row in matrix))

    def walk(at: tuple[int, ...], part: Any, axes: int) -> Iterator[Block]:
        if axes <= 2:
            yield block(at, part if axes == 2 else [part] if axes == 1 else [[part]])
        else:
            for i, inner in enumerate(part):
                yield from walk((*at, i), inner, axes - 1)

    if math.prod(tensor.shape):
        yield from walk((), values, len(tensor.shape))


def _cell(value: Any, scale: float, dust: float, pairs: bool) -> Cell:
    if pairs and isinstance(value, list) and len(value) == 2:
        return Cell(f"{_written(value[0], dust)}, {_written(value[1], dust)} i", _shade(_size(value), scale, dust))
    return Cell(_written(value, dust), _shade(value, scale, dust))


def _written(value: Any, dust: float) -> str:
    if value is None:
        return "NaN"
    if isinstance(value, (bool, int)):
        return str(value)
    return f"{value:.3g}" if abs(value) > dust else "0"


def _shade(value: Any, scale: float, dust: float) -> str:
    if value is None:
        return "nan"
    value = float(value)
    if abs(value) <= dust or not scale:
        return "z"
    return f"{'p' if value > 0 else 'n'}{min(4, 1 + int(4 * abs(value) / scale))}"


def _largest(tensor: TensorRecord) -> float:
    return _size(tensor.largest)


def _size(value: Any) -> float:
    """The size of a number, or of a complex one's pair; zero of what isn't finite."""
    if isinstance(value, list):
        return math.hypot(*(part for part in value if part is not None))
    return abs(float(value)) if value is not None else 0.0
