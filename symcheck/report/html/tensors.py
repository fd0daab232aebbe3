"""The tensors of a counterexample: drawn in their domain, and as tables of numbers, shaded by sign and size."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from symcheck.report.html import scenes as scene
from symcheck.report.html.charts import Drawing
from symcheck.report.record import MinimalRecord
from symcheck.report.tensors import TensorRecord
from symcheck.report.text import numbers

RHO, TAU, THETA, PRIME = "\u03c1", "\u03c4", "\u03b8", "\u2032"
CELLS = 256  # of a table: as many as can be told apart at a glance
WIDE = 3  # columns that surely fit a telephone
FOLDED = 24  # numbers of a drawn tensor that stand below it, before they are folded
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
    """A tensor: what it is, its shape, a drawing if it has one, its numbers as blocks if they are few, else in words."""

    title: str
    shape: str
    drawing: Drawing | None
    blocks: tuple[Block, ...]
    words: str
    numbered: bool
    folded: bool  # the drawing shows them, and they are many
    wide: bool  # a telephone may have to move it sideways


@dataclass(frozen=True)
class Scene:
    """A step of the equation: its formula, what its tensors are together if they are drawn as one, and each of them."""

    title: str
    formula: str
    drawing: Drawing | None
    panels: tuple[Panel, ...]
    words: str = ""


def scenes(found: MinimalRecord, statement: str) -> tuple[Scene, ...]:
    """The input, the moved input, the two sides of the leaf that differs most, and their difference, the three on one scale."""
    at = next((i for i, leaf in enumerate(found.left) if leaf.name == found.leaf), 0)
    before, after = scene.input_space(found.x), scene.input_space(found.moved)
    inputs = _reach(before, after)
    element = "g h" if "(g h)" in statement else "g"
    scales: dict[str, float] = {}
    for leaf in (*found.x, *found.moved):
        scales[leaf.name] = max(_largest(leaf), scales.get(leaf.name, 0.0))
    shown = [_scene("input", "x", before, inputs, found.x, scales)]
    if found.moved:
        moved = [y for x, y in zip(found.x, found.moved, strict=True) if x != y]
        kept = [x.name for x, y in zip(found.x, found.moved, strict=True) if x == y]
        same = f"{', '.join(kept[:6])}: as in x" if moved and kept else "" if moved else "the same as x"
        shown.append(_scene("moved input", f"{RHO}({element}) x", after if moved else None, inputs, moved, scales, same))
    if at >= min(map(len, (found.left, found.right, found.difference))):
        return tuple(shown)
    left, equals, right = statement.partition(" = ")
    sides = (found.left[at], found.right[at], found.difference[at])
    scale = max(map(_largest, sides))
    titles = ("left side", "right side", "difference")
    formulas = (pretty(left), pretty(right), "left - right") if equals else ("", "", "left - right")
    longest = scene.longest(sides)
    spaces = [
        scene.output_space(side, after or before, title == "difference", longest)
        for side, title in zip(sides, titles, strict=True)
    ]
    outputs = _reach(*spaces)
    for title, formula, side, space in zip(titles, formulas, sides, spaces, strict=True):
        panel = _panel(found.leaf, side, scale, space is not None, found.difference[at])
        shown.append(Scene(title, formula, scene.view(space, outputs) if space else None, (panel,)))
    return tuple(shown)


def _scene(
    title: str,
    formula: str,
    space: scene.Space | None,
    reach: float,
    leaves: Sequence[TensorRecord],
    scales: dict[str, float],
    words: str = "",
) -> Scene:
    panels = (_panel(x.name, x, scales[x.name], x.look in ("points", "indices")) for x in leaves)
    return Scene(title, formula, scene.view(space, reach) if space else None, tuple(panels), words)


def _reach(*spaces: scene.Space | None) -> float:
    return max((space.reach for space in spaces if space), default=0.0) or 1.0


def pretty(formula: str) -> str:
    """A formula in the letters that a person writes.

    >>> pretty("rho_out(g) f(x; theta)") == f"{RHO}{PRIME}(g) f(x; {THETA})"
    True
    """
    for word, letter in (("rho_in", RHO), ("rho_out", RHO + PRIME), ("tau", TAU), ("theta", THETA)):
        formula = re.sub(rf"\b{word}\b", letter, formula)
    return formula


def _panel(title: str, tensor: TensorRecord, scale: float, drawn: bool, least: TensorRecord | None = None) -> Panel:
    """`least` is the smallest of the tensors on that scale: what is far below it is written as zero."""
    values = _values(tensor)
    dust = max(2.0**-50 * (tensor.rms or 0.0), min(2.0**-46 * scale, 2.0**-8 * _largest(least or tensor)))
    blocks = tuple(_blocks(values, tensor, scale, dust)) if values is not None else tuple(_reduced(tensor, scale))
    lines = scene.signals(tensor)
    if lines and tensor.look == "steps" and tensor.shape[-1] > len(lines):
        title = f"{title} ({len(lines)} of {tensor.shape[-1]} features drawn)".strip()
    drawing = scene.sequence(lines, scale) if lines else scene.sphere(tensor, lambda v: _shade(v, scale, 0.0))
    columns = max((len(row) for block in blocks for row in block.rows), default=1)
    shape = " x ".join(map(str, tensor.shape)) or "one number"
    words = _told(tensor) if tensor.reduced and values is None else "" if blocks else f"{numbers(tensor)}. Too many to draw"
    many = sum(len(row) for block in blocks for row in block.rows) > FOLDED
    input_ = least is None and columns <= NUMBERED and tensor.look != "image"
    folded = many and (drawn or drawing is not None or input_)
    places = tensor.look == "indices"  # a drawing shows what they say, and their sizes say nothing
    return Panel(
        title=title,
        shape=f"{shape}, {tensor.dtype}",
        drawing=drawing,
        blocks=blocks,
        words=words,
        numbered=columns <= NUMBERED or places,
        folded=folded or (places and drawn),
        wide=columns > WIDE,
    )


def _told(tensor: TensorRecord) -> str:
    """What of a large tensor is drawn."""
    assert tensor.reduced is not None
    down, across = tensor.reduced.step
    where = f"[{', '.join(map(str, tensor.reduced.at))}] of " if tensor.reduced.at else ""
    whole = f"{where}{numbers(tensor)}"
    if (down, across) == (1, 1):
        return whole
    part = f"every {max(down, across)}th is drawn" if tensor.reduced.picked else f"drawn: the largest of each {down} x {across}"
    return f"Too large to be drawn whole: {whole}; {part}"


def _reduced(tensor: TensorRecord, scale: float) -> Iterator[Block]:
    if tensor.reduced is not None:
        rows = tuple(tuple(_cell(value, scale, 0.0, False) for value in row) for row in tensor.reduced.rows)
        yield Block(", ".join(map(str, tensor.reduced.at)), rows)


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


def _blocks(values: Any, tensor: TensorRecord, scale: float, dust: float) -> Iterator[Block]:
    """Matrices of the last two axes. A vector is one row, a number one cell; an axis of one entry, but the last, is none."""
    pairs = tensor.dtype.startswith("complex")
    axes = sum(size != 1 for size in tensor.shape[:-1]) + bool(tensor.shape)

    def block(at: tuple[int, ...], matrix: Any) -> Block:
        return Block(", ".join(map(str, at)), tuple(tuple(_cell(v, scale, dust, pairs) for v in row) for row in matrix))

    def walk(at: tuple[int, ...], part: Any, axes: int) -> Iterator[Block]:
        if axes <= 2:
            yield block(at, part if axes == 2 else [part] if axes == 1 else [[part]])
        else:
            for i, inner in enumerate(part):
                yield from walk((*at, i), inner, axes - 1)

    if math.prod(tensor.shape):
        yield from walk((), _squeezed(values, tensor.shape), axes)


def _squeezed(values: Any, shape: Sequence[int]) -> Any:
    if len(shape) < 2:
        return values
    return _squeezed(values[0], shape[1:]) if shape[0] == 1 else [_squeezed(part, shape[1:]) for part in values]


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
    return f"{'p' if value > 0 else 'n'}{min(4, 1 + int(4 * min(1.0, abs(value) / scale)))}"


def _largest(tensor: TensorRecord) -> float:
    return _size(tensor.largest)


def _size(value: Any) -> float:
    """The size of a number, or of a complex one's pair; zero of what isn't finite."""
    if isinstance(value, list):
        return math.hypot(*(part for part in value if part is not None))
    return abs(float(value)) if value is not None else 0.0
