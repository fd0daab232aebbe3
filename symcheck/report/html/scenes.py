"""A counterexample drawn in its domain: points and surfaces in space, graphs, sequences, and signals on the sphere.

Which tensors are what, the record says (`look`). Images and sets are tables of shaded numbers, and have no drawing here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symcheck.report.html.charts import Drawing, Label, Mark, circle, px, sphere_map
from symcheck.report.tensors import TensorRecord

SIZE = 180  # pixels of a view of space: the five of an equation stand side by side on a desk
YAW, PITCH = 0.6, 0.4  # radians: from where space is seen at first, as the script has it
BEYOND = 1.22  # where the letter of an axis stands, its end being at 1
NAMED = 12  # points that are numbered in a drawing

Matrix = list[list[float]]
Place = tuple[float, float, float]


@dataclass(frozen=True)
class Space:
    """Points, lines between them, triangles on them and arrows, in space or (`flat`) in a plane."""

    points: tuple[Place, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()
    faces: tuple[tuple[int, ...], ...] = ()
    arrows: tuple[tuple[Place, Place], ...] = ()
    flat: bool = False
    axes: bool = True

    @property
    def reach(self) -> float:
        """How far from the origin they go."""
        ends = [*self.points, *(end for arrow in self.arrows for end in arrow)]
        return max((math.hypot(*end) for end in ends), default=0.0)


def matrix(tensor: TensorRecord) -> Matrix | None:
    """A tensor's numbers as rows along its last axis, or those that stand for them; None if they aren't known and finite."""
    if tensor.dtype.startswith("complex"):
        return None
    rows = tensor.reduced.rows if tensor.reduced else _rows(tensor.values, len(tensor.shape))
    if not rows or any(value is None for row in rows for value in row):
        return None
    return [[float(value) for value in row if value is not None] for row in rows]


def _rows(values: object, axes: int) -> Sequence[Sequence[float | None]]:
    if values is None or not isinstance(values, list):
        return []
    return [values] if axes == 1 else values if axes == 2 else [row for part in values for row in _rows(part, axes - 1)]


def input_space(leaves: Sequence[TensorRecord]) -> Space | None:
    """What the leaves of an input are together: a cloud, with vectors at its points, edges or faces; or a graph alone."""
    places = _located(leaves)
    links = next((found for leaf in leaves if (found := _links(leaf))), None)
    if places is None:
        return _graph(leaves, links) if links is not None else None
    at, own, flat = places
    arrows = [_arrows(leaf, at) for leaf in leaves if leaf is not own and leaf.look == "vectors" and own.look == "points"]
    inside = [link for link in links or () if max(link) < len(at)]
    return Space(
        points=at,
        lines=tuple((a, b) for a, b in (link for link in inside if len(link) == 2)),
        faces=tuple(link for link in inside if len(link) == 3),
        arrows=next((found for found in arrows if found), ()),
        flat=flat,
    )


def output_space(leaf: TensorRecord, moved: Space | None, difference: bool, scale: float) -> Space | None:
    """What an output is beside the moved input: points, or vectors at its points if there are as many, else at zero.

    Vectors have units of their own: `scale` is the length of the longest to be drawn.
    """
    located = _located([leaf])
    if located is None:
        return None
    at, _, flat = located
    if leaf.look == "points" and not difference:
        return Space(points=at, flat=flat)
    stand = moved is not None and moved.axes and len(moved.points) == len(at) and moved.reach > 0
    feet = moved.points if stand and moved is not None else ((0.0, 0.0, 0.0),) * len(at)
    longer = 0.7 * moved.reach / scale if stand and moved is not None and scale else 1.0
    arrows = tuple((foot, _sum(foot, (longer * u, longer * v, longer * w))) for foot, (u, v, w) in zip(feet, at, strict=True))
    return Space(points=feet if stand else (), arrows=arrows, flat=flat)


def longest(sides: Sequence[TensorRecord]) -> float:
    """The length of the longest vector in some tensors."""
    found = [_located([side]) for side in sides]
    return max((math.hypot(*vector) for located in found if located for vector in located[0]), default=0.0)


def _located(leaves: Sequence[TensorRecord]) -> tuple[tuple[Place, ...], TensorRecord, bool] | None:
    """The first leaf of points, else of vectors, and whether they lie in a plane."""
    for look in ("points", "vectors"):
        for leaf in leaves:
            rows = matrix(leaf) if leaf.look == look and leaf.shape and leaf.shape[-1] in (2, 3) else None
            if rows:
                return tuple(_place(row) for row in rows), leaf, leaf.shape[-1] == 2
    return None


def _place(row: Sequence[float]) -> Place:
    x, y, z = (*row, 0.0)[:3]
    return x, y, z


def _sum(a: Place, b: Place) -> Place:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _arrows(leaf: TensorRecord, feet: Sequence[Place]) -> tuple[tuple[Place, Place], ...]:
    rows = matrix(leaf)
    if rows is None or len(rows) != len(feet) or len(rows[0]) not in (2, 3):
        return ()
    return tuple((foot, _sum(foot, _place(row))) for foot, row in zip(feet, rows, strict=True))


def _links(leaf: TensorRecord) -> tuple[tuple[int, ...], ...]:
    """Edges by their ends, `(2, edges)` or `(edges, 2)`; faces by their corners `(faces, 3)`; of a matrix what isn't zero."""
    rows = matrix(leaf) if leaf.look in ("indices", "adjacency") else None
    if not rows or (leaf.reduced is not None and leaf.look == "adjacency"):
        return ()
    if leaf.look == "adjacency":
        return tuple((j, i) for i, row in enumerate(rows) for j, entry in enumerate(row) if entry)  # from column to row
    whole = [[int(entry) for entry in row] for row in rows]
    columns = len(whole) == 2 and len(leaf.shape) == 2
    links = list(zip(*whole, strict=True)) if columns else [tuple(row) for row in whole] if len(whole[0]) in (2, 3) else []
    return tuple(link for link in links if min(link) >= 0)


def _graph(leaves: Sequence[TensorRecord], links: Sequence[tuple[int, ...]] | None) -> Space | None:
    """A graph without positions, its nodes round a circle from the top, clockwise."""
    edges = tuple((a, b) for a, b in (link for link in links or () if len(link) == 2))
    told = [leaf.shape[-2] for leaf in leaves if leaf.look == "set" and len(leaf.shape) > 1]
    nodes = max([*told[:1], *(max(edge) + 1 for edge in edges)], default=0)
    if not edges or nodes > 4 * NAMED:
        return None
    turns = [math.pi / 2 - 2 * math.pi * i / nodes for i in range(nodes)]
    places = tuple((math.cos(turn), math.sin(turn), 0.0) for turn in turns) if nodes > 1 else ((0.0, 0.0, 0.0),)
    return Space(points=places, lines=edges, flat=True, axes=False)


def view(space: Space, reach: float) -> Drawing:
    """A view of space, of `reach` to its border. What can be turned carries its coordinates for the script."""
    middle, scale = SIZE / 2, (SIZE / 2 - 24) / (reach or 1.0)
    project = _flat if space.flat else _turned

    def at(place: Place) -> tuple[float, float]:
        u, v = project(place)
        return middle + scale * u, middle - scale * v

    marks, labels = _axes(space, reach, at) if space.axes else ([], [])
    seen = [at(point) for point in space.points]
    if space.faces:
        marks.append(Mark("face", "".join("M" + "L".join(_xy(seen[i]) for i in face) + "z" for face in space.faces)))
    if space.lines:
        marks.append(
            Mark("link", "".join(_line(seen[a], seen[b], middle, 11 if not space.axes else 5) for a, b in space.lines))
        )
    if space.arrows:
        marks.append(Mark("arrow", "".join(_arrow(at(a), at(b)) for a, b in space.arrows)))
    if seen:
        dot = "".join(f"M{_xy(place)}h0" if space.axes else circle(*place, 11) for place in seen)
        marks.append(Mark("dot ink" if space.axes else "knot", dot))
        right, up = (7, -8) if space.axes else (0, 4)
        labels += [
            Label(seen[i][0] + right, seen[i][1] + up, name, "start" if space.axes else "middle") for i, name in _names(space)
        ]
    data = "" if space.flat else _data(space, reach)
    return Drawing(SIZE, tuple(marks), tuple(labels), SIZE, space=data)


def _names(space: Space) -> list[tuple[int, str]]:
    """The numbers of the points, if they are few: those at one place are written there together."""
    found: dict[Place, list[int]] = {}
    for i, point in enumerate(space.points):
        found.setdefault(point, []).append(i)
    return [(which[0], ", ".join(map(str, which))) for which in found.values()] if len(space.points) <= NAMED else []


def _axes(space: Space, reach: float, at: Callable[[Place], tuple[float, float]]) -> tuple[list[Mark], list[Label]]:
    ends = [(reach, 0.0, 0.0), (0.0, reach, 0.0), (0.0, 0.0, reach)][: 2 if space.flat else 3]
    zero = _xy(at((0.0, 0.0, 0.0)))
    path = "".join(f"M{zero}L{_xy(at(end))}" for end in ends)
    letters = (at((BEYOND * x, BEYOND * y, BEYOND * z)) for x, y, z in ends)
    return [Mark("grid", path)], [Label(x, y + 4, name) for (x, y), name in zip(letters, "xyz", strict=False)]


def _flat(place: Place) -> tuple[float, float]:
    return place[0], place[1]


def _turned(place: Place) -> tuple[float, float]:
    x, y, z = place
    deep = x * math.sin(YAW) + y * math.cos(YAW)
    return x * math.cos(YAW) - y * math.sin(YAW), z * math.cos(PITCH) - deep * math.sin(PITCH)


def _xy(place: tuple[float, float]) -> str:
    return f"{px(place[0])} {px(place[1])}"


def _line(a: tuple[float, float], b: tuple[float, float], middle: float, short: float) -> str:
    """A line with a head between two nodes; of one node a loop on the side away from the middle."""
    length = math.hypot(b[0] - a[0], b[1] - a[1])
    if length < 1e-9:
        away = math.atan2(a[1] - middle, a[0] - middle)
        x, y = a[0] + 13 * math.cos(away), a[1] + 13 * math.sin(away)
        return f"M{px(x - 9)} {px(y)}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0"
    part = short / length
    end = (b[0] - part * (b[0] - a[0]), b[1] - part * (b[1] - a[1]))
    return _arrow(a, end)


def _arrow(a: tuple[float, float], b: tuple[float, float]) -> str:
    """A line with a head, as the script draws it."""
    along = math.atan2(b[1] - a[1], b[0] - a[0])
    if math.hypot(b[0] - a[0], b[1] - a[1]) < 0.5:
        return ""
    sides = (_xy((b[0] - 6 * math.cos(along + turn), b[1] - 6 * math.sin(along + turn))) for turn in (0.5, -0.5))
    return f"M{_xy(a)}L{_xy(b)}" + "".join(f"M{_xy(b)}L{side}" for side in sides)


def _data(space: Space, reach: float) -> str:
    def short(place: Place) -> list[float]:
        return [float(f"{c:.4g}") for c in place]

    whole = {
        "reach": float(f"{reach or 1.0:.4g}"),
        "points": [short(point) for point in space.points],
        "lines": space.lines,
        "faces": space.faces,
        "names": _names(space),
        "arrows": [[short(end) for end in arrow] for arrow in space.arrows],
    }
    return json.dumps(whole, separators=(",", ":"))


# Signals

LINES = 4  # of a sequence that are drawn: more can't be told apart


def signals(tensor: TensorRecord) -> Matrix | None:
    """The lines of a sequence, one a feature or channel."""
    rows = matrix(tensor) if tensor.look in ("steps", "signal") else None
    if not rows:
        return None
    steps = tensor.look == "steps" and len(tensor.shape) == 2
    if tensor.look == "steps" and not steps:
        return None
    lines = [list(column) for column in zip(*rows, strict=True)] if steps else rows
    return lines[:LINES] if len(lines[0]) > 1 else None


def sequence(lines: Matrix, scale: float) -> Drawing:
    """Lines over the steps, all on one scale, with zero in the middle."""
    left, right, top, bottom = 40.0, SIZE - 8.0, 10.0, 100.0
    scale = scale or 1.0
    middle, steps = (top + bottom) / 2, len(lines[0])

    def at(i: int, value: float) -> tuple[float, float]:
        return left + (right - left) * i / (steps - 1), middle - (bottom - top) / 2 * value / scale

    marks = [Mark("grid", f"M{px(left)} {px(top)}V{px(bottom)}M{px(left)} {px(middle)}H{px(right)}")]
    for k, line in enumerate(lines):
        seen = [_xy(at(i, value)) for i, value in enumerate(line)]
        marks.append(Mark(f"wave w{k}", "M" + "L".join(seen)))
        if steps <= 4 * NAMED:
            marks.append(Mark(f"spot w{k}", "".join(f"M{place}h0" for place in seen)))
    labels = (
        Label(left - 5, top + 8, f"{scale:.2g}", "end"),
        Label(left - 5, middle + 4, "0", "end"),
        Label(left - 5, bottom, f"{-scale:.2g}", "end"),
        Label(left, bottom + 15, "0", "start"),
        Label(right, bottom + 15, str(steps - 1), "end"),
        Label((left + right) / 2, bottom + 15, "step"),
    )
    return Drawing(122, tuple(marks), labels, SIZE)


def sphere(tensor: TensorRecord, shade: Callable[[float], str]) -> Drawing | None:
    """A map of the whole sphere, the poles (of the y axis) above and below: a cell for each sample, of the first channel."""
    rows = matrix(tensor) if tensor.look == "sphere" else None
    if not rows:
        return None
    rows = rows if tensor.reduced else rows[: tensor.shape[-2]]
    return sphere_map([[shade(value) for value in row] for row in rows])
