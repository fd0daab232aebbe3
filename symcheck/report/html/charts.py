"""Charts: from the figures of a result to paths and labels. Nothing here knows HTML; every chart has its table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from symcheck.report.record import FactorRecord, ProfileRecord, Result, RungRecord

LOW, HIGH = -17, 1  # decades of every log axis: from below the rounding of float64 to ten times the spread of an output
BARS = 16  # elements that stand in a list: more make a matrix
LEVELS = 5  # shades of an error above rounding: more can't be told apart in a dot
WIDTH = 300  # of a chart: fits a telephone without scaling, so that its text keeps its size


class Mark(NamedTuple):
    """An SVG path, and its class."""

    css: str
    d: str


class Label(NamedTuple):
    """A word in a drawing."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


class Bar(NamedTuple):
    """A horizontal bar: `part` of the width, in percent, or None where there is nothing to draw."""

    label: str
    value: str
    part: float | None
    css: str


@dataclass(frozen=True)
class Table:
    """The numbers behind a chart. `css` names the shade of each row, where rows have one."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    css: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """Paths under labels, on a surface of that many pixels. `space` is what can be turned, for the script."""

    height: int
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    width: int = WIDTH
    space: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing or bars, in words for who can't see them, with the table. `turns`: its table has points in space."""

    title: str
    summary: str
    table: Table
    drawing: Drawing | None = None
    bars: tuple[Bar, ...] = ()
    legend: tuple[tuple[tuple[str, ...], str], ...] = ()
    turns: bool = False


def number(value: float | None) -> str:
    """Two digits. What wasn't measured, or isn't finite, is a dash.

    >>> number(0.0), number(1.24e-13), number(0.5)
    ('0', '1.2e-13', '0.5')
    """
    if value is None or not math.isfinite(value):
        return "–"  # noqa: RUF001
    return f"{value + 0.0:.2g}"


def percent(value: float | None) -> float | None:
    """A place on the log axis, in percent of its length; what lies outside is put at the end."""
    if value is None or not math.isfinite(value):
        return None
    place = (math.log10(value) - LOW) / (HIGH - LOW) if value > 0 else 0.0
    return round(100 * min(1.0, max(0.0, place)), 1)


def level(error: float, limit: float, most: float) -> int:
    """The shade of an error: 0 if rounding explains it, else 1 to LEVELS by its part of the largest.

    >>> [level(e, 1e-14, 2.0) for e in (1e-15, 0.1, 1.0, 2.0)]
    [0, 1, 3, 5]
    """
    return 0 if error <= limit else min(LEVELS, 1 + int(LEVELS * (error / most)))


class Spot(NamedTuple):
    """A trial in a drawing."""

    x: float
    y: float
    shade: int


def dots(spots: Iterable[Spot], shape: str = "h0", css: str = "dot") -> tuple[Mark, ...]:
    """One path for each shade: a dot is a line of no length with round ends. The largest errors lie on top."""
    shades: dict[int, list[str]] = {}
    for spot in spots:
        shades.setdefault(spot.shade, []).append(f"M{px(spot.x)} {px(spot.y)}{shape}")
    return tuple(Mark(f"{css} e{shade}", "".join(places)) for shade, places in sorted(shades.items()))


CROSS = "m-3-3l6 6m0-6l-6 6"


def profile(found: ProfileRecord, limit: float | None) -> Chart | None:
    """The chart that fits the profile's coordinates; None if nothing in it is finite or its kind is unknown."""
    draw, coordinates = _KINDS.get(found.kind, (None, 0))
    points = [(tuple(at), e) for at, e in found.points if len(at) >= coordinates and all(map(math.isfinite, (*at, e)))]
    if draw is None or not points:
        return None
    return draw(_Points(found, points, limit or 0.0, max(error for _, error in points) or 1.0))


@dataclass(frozen=True)
class _Points:
    """A profile's finite points, with the scale of their shades."""

    of: ProfileRecord
    points: list[tuple[tuple[float, ...], float]]
    limit: float
    most: float

    def shade(self, error: float) -> int:
        return level(error, self.limit, self.most)

    @property
    def rounding(self) -> int:
        return sum(error <= self.limit for _, error in self.points)

    @property
    def legend(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        within = f"within rounding ({number(self.limit)})" if self.limit else "exactly 0"
        shades = tuple(f"e{shade}" for shade in range(1, LEVELS + 1))
        return (("e0",), within), (shades, f"above it, up to {number(self.most)}")

    def told(self, where: str) -> str:
        count = f"{self.rounding} of {len(self.points)} trials agree to rounding"
        return f"{where}; {count}, the worst differs by {number(self.most)} of the output's spread."

    def table(self, *columns: str, row: Callable[[tuple[float, ...]], tuple[str, ...]]) -> Table:
        ordered = sorted(self.points)
        rows = tuple((*row(at), number(error)) for at, error in ordered)
        return Table((*columns, "error"), rows, tuple(f"e{self.shade(error)}" for _, error in ordered))


def _angle(p: _Points) -> Chart:
    """A polar plot: the error outwards, the angle around, from zero at the right. What agrees to rounding is on the rim."""
    x, y, r = WIDTH / 2, 142.0, 100.0
    mirrored = any(at[1] < 0 for at, _ in p.points)
    spokes = "".join(f"M{px(x)} {px(y)}l{px(r * math.cos(a))} {px(-r * math.sin(a))}" for a in _turns(8))
    marks = [Mark("grid", circle(x, y, r) + circle(x, y, r / 2) + spokes), Mark("rose", _rose(p, x, y, r))]
    marks.append(Mark("ring", circle(x + 1.08 * r, y, 4)))

    def spot(angle: float, error: float) -> Spot:
        shade = p.shade(error)
        out = r * (error / p.most if shade else 1.08)
        return Spot(x + out * math.cos(angle), y - out * math.sin(angle), shade)

    for sign, shape in ((1, "h0"), (-1, CROSS)):
        chosen = [(at, e) for at, e in p.points if at[1] * sign > 0]
        marks += dots((spot(at[0], e) for at, e in chosen), shape, "dot" if sign > 0 else "cross")
    labels = (
        Label(x + r + 16, y + 4, "0°", "start"),
        Label(x, y - r - 17, "90°"),
        Label(x - r - 16, y + 4, "180°", "end"),
        Label(x, y + r + 26, "270°"),
        Label(x + r * 0.82, y + r * 0.9, number(p.most), "start"),
        Label(x + 3, y + r / 2 - 4, number(p.most / 2), "start"),
    )
    kinds = " Dots: proper; crosses: with a mirror." if mirrored else ""
    where = (
        "Angle of g around, error outwards, the worst of each 15 degrees shaded; on the rim what agrees to rounding "
        "(ring: the identity, which always does)"
    )
    table = p.table("angle (deg)", "kind", row=lambda at: (f"{math.degrees(at[0]):.4g}", "mirrored" if at[1] < 0 else "proper"))
    summary = p.told(where) + kinds
    return Chart("Error against the angle", summary, table, Drawing(280, tuple(marks), labels), legend=p.legend)


def _rose(p: _Points, x: float, y: float, r: float) -> str:
    """A sector for each 15 degrees, as long as the worst error in it."""
    worst: dict[int, float] = {}
    for at, error in p.points:
        sector = round(at[0] / _SECTOR) % 24
        worst[sector] = max(error, worst.get(sector, 0.0))
    petals = []
    for sector, error in sorted(worst.items()):
        length = r * error / p.most
        a, b = (sector - 0.5) * _SECTOR, (sector + 0.5) * _SECTOR
        ends = [f"{px(x + length * math.cos(c))} {px(y - length * math.sin(c))}" for c in (a, b)]
        if length >= 1:
            petals.append(f"M{px(x)} {px(y)}L{ends[0]}A{px(length)} {px(length)} 0 0 0 {ends[1]}z")
    return "".join(petals)


_SECTOR = math.pi / 12


def _rotation(p: _Points) -> Chart:
    """An equal-area map of the axes (Hammer 1892), one for proper elements and one for those with a mirror."""
    improper = any(at[3] < 0 for at, _ in p.points)
    proper = any(at[3] > 0 for at, _ in p.points)
    panels = [(sign, words) for sign, here, words in _SIDES if (proper if here == "proper" else improper)]
    marks: list[Mark] = []
    labels: list[Label] = []
    for i, (sign, words) in enumerate(panels):
        middle = 104.0 + 196 * i
        marks.append(Mark("grid", _globe(WIDTH / 2, middle)))
        chosen = [(at, e) for at, e in p.points if at[3] * sign > 0]
        turned = [(at, e) for at, e in chosen if math.hypot(*at[:3]) > 0]
        marks += dots(Spot(*_hammer(at, WIDTH / 2, middle), p.shade(e)) for at, e in turned)
        worst = max(e for _, e in chosen)
        labels.append(Label(0, middle - 90, f"{words}: up to {number(worst)}", "start"))
        labels += [Label(WIDTH / 2, middle - 70, "+z"), Label(WIDTH / 2, middle + 80, "-z")]
        labels += [Label(WIDTH / 2 + dx, middle + 4, "-x") for dx in (-140, 140)]
    table = p.table(
        "x (rad)",
        "y (rad)",
        "z (rad)",
        "kind",
        row=lambda at: (*(f"{c:.3g}" for c in at[:3]), "improper" if at[3] < 0 else "proper"),
    )
    summary = p.told(
        "Each dot is an element, at the axis that it turns about: x in the middle of the map, y to the right of it"
    )
    height = 196 * len(panels)
    return Chart(
        "Error against the rotation", summary, table, Drawing(height, tuple(marks), tuple(labels)), legend=p.legend, turns=True
    )


_SIDES = ((1, "proper", "Proper rotations"), (-1, "improper", "Improper: with a mirror"))


def _shift(p: _Points) -> Chart:
    """A heat map of the shifts along the last two axes, the worst of each; of one axis a scatter."""
    size = p.of.size
    if len(size) < 2 or not all(s > 0 for s in size) or any(len(at) < len(size) for at, _ in p.points):
        extent = size[0] if size else 1
        return _scatter(p, "Error against the shift", "shift", [0, extent], lambda at: at[0] % extent if extent else at[0], "g")
    down, across = size[-2:]
    worst: dict[tuple[int, int], float] = {}
    for at, error in p.points:
        cell = int(at[-2]) % down, int(at[-1]) % across
        worst[cell] = max(error, worst.get(cell, 0.0))
    drawing = _cells(p, worst, down, across, "right: last axis; down: the one before", ends=True)
    more = f", the worst over the first {len(size) - 2} axes" if len(size) > 2 else ""
    missing = down * across - len(worst)
    blank = f" {missing} of {down * across} shifts were not drawn in a trial: blank." if missing else ""
    summary = p.told(f"Each cell is a shift{more}") + blank
    table = p.table("shift", row=lambda at: (", ".join(f"{c:g}" for c in at),))
    return Chart("Error against the shift", summary, table, drawing, legend=p.legend)


def _element(p: _Points) -> Chart:
    """A bar for each element of a finite group: the worst of its trials."""
    worst: dict[int, float] = {}
    for at, error in p.points:
        worst[int(at[0])] = max(error, worst.get(int(at[0]), 0.0))
    names = p.of.labels or tuple(map(str, range(max(worst) + 1)))
    bars = tuple(_worst_bar(p, name, worst.get(place)) for place, name in enumerate(names))
    table = Table(("element", "worst error"), tuple((bar.label, bar.value) for bar in bars))
    if len(names) <= BARS:
        summary = p.told("Each bar is an element, the worst of its trials")
        return Chart("Error by element", summary, table, bars=bars, legend=p.legend)
    across = math.ceil(math.sqrt(len(names)))
    cells = {divmod(place, across): error for place, error in worst.items()}
    drawing = _cells(p, cells, -(-len(names) // across), across, "row by row, in the order of the numbers below")
    summary = p.told("Each cell is an element, the worst of its trials")
    return Chart("Error by element", summary, table, drawing, legend=p.legend)


def _cells(
    p: _Points, errors: Mapping[tuple[int, int], float], down: int, across: int, below: str, ends: bool = False
) -> Drawing:
    """A matrix of shaded cells, with words below it; with `ends`, the first and last numbers along its sides."""
    side = min(28.0, 240 / max(down, across))
    drawn = max(side - 1, 3.0)  # of a large grid a cell is enlarged, to be seen
    shades: dict[int, list[str]] = {}
    left, top = 36.0, 22.0
    for (i, j), error in sorted(errors.items()):
        square = f"M{px(left + j * side)} {px(top + i * side)}h{px(drawn)}v{px(drawn)}h{px(-drawn)}z"
        shades.setdefault(p.shade(error), []).append(square)
    width, height = across * side, down * side
    frame = Mark("frame", f"M{px(left)} {px(top)}h{px(width)}v{px(height)}h{px(-width)}z")
    marks = (frame, *(Mark(f"cell e{shade}", "".join(squares)) for shade, squares in sorted(shades.items())))
    numbered = (
        Label(left + side / 2, top - 6, "0"),
        Label(left + width - side / 2, top - 6, str(across - 1)),
        Label(left - 6, top + side / 2 + 4, "0", "end"),
        Label(left - 6, top + height - side / 2 + 4, str(down - 1), "end"),
    )
    labels = (*(numbered if ends else ()), Label(left, top + height + 16, below, "start"))
    return Drawing(int(top + height) + 24, marks, labels)


def _worst_bar(p: _Points, name: str, error: float | None) -> Bar:
    if error is None:
        return Bar(name, "not drawn", None, "")
    return Bar(name, number(error), round(100 * error / p.most, 1), f"e{p.shade(error)}")


def _scale(p: _Points) -> Chart:
    at = [point[0] for point, _ in p.points]
    bounds = [min(*at, 0.0), max(*at, 0.0)]
    return _scatter(p, "Error against the factor", "factor", bounds, lambda at: at[0], "exp")


def _permutation(p: _Points) -> Chart:
    """A matrix of which place goes to which, if that is known; else the error against how many are moved."""
    if p.of.size and all(len(at) == 1 + p.of.size[0] for at, _ in p.points):
        return _places(p, p.of.size[0])
    size = p.of.size[0] if p.of.size else max(int(at[0]) for at, _ in p.points)
    return _scatter(p, "Error against the permutation", "things that it moves", [0, size], lambda at: at[0], "g")


def _places(p: _Points, size: int) -> Chart:
    found: dict[tuple[int, int], list[float]] = {}
    for at, error in p.points:
        for i, j in enumerate(at[1:]):
            found.setdefault((i, int(j)), []).append(error)
    means = {place: math.fsum(errors) / len(errors) for place, errors in found.items()}
    drawing = _cells(p, means, size, size, "down: the thing; right: the place it goes to", ends=True)
    rows = tuple((str(i), str(j), str(len(found[i, j])), number(mean)) for (i, j), mean in sorted(means.items()))
    table = Table(("thing", "goes to", "trials", "mean error"), rows)
    summary = p.told("Each cell is the mean over the permutations that take the one to the other")
    return Chart("Error against the permutation", summary, table, drawing, legend=p.legend)


def _scatter(
    p: _Points, title: str, along: str, bounds: Sequence[float], x: Callable[[tuple[float, ...]], float], written: str
) -> Chart:
    """The error upwards. `written` says how a place along the axis is told: as it is, or as an exponential."""
    left, right, top, bottom = 44.0, WIDTH - 14.0, 14.0, 176.0
    low, high = bounds
    span = (high - low) or 1.0

    def told(value: float) -> str:
        return f"{math.exp(min(value, 700.0)):.3g}" if written == "exp" else f"{value:.3g}"

    spots = [
        Spot(left + (right - left) * (x(at) - low) / span, bottom - (bottom - top) * e / p.most, p.shade(e))
        for at, e in p.points
    ]
    levels = "".join(f"M{px(left)} {px(y)}H{px(right)}" for y in (top, (top + bottom) / 2))
    axes = f"M{px(left)} {px(top)}V{px(bottom)}H{px(right)}{levels}"
    labels = (
        Label(left - 6, top + 4, number(p.most), "end"),
        Label(left - 6, (top + bottom) / 2 + 4, number(p.most / 2), "end"),
        Label(left - 6, bottom + 4, "0", "end"),
        Label(left, bottom + 17, told(low)),
        Label(right, bottom + 17, told(high), "end"),
        Label((left + right) / 2, bottom + 17, along),
    )
    table = p.table(along, row=lambda at: (told(x(at)),))
    summary = p.told(f"{along[:1].upper()}{along[1:]} along, error upwards")
    return Chart(title, summary, table, Drawing(200, (Mark("grid", axes), *dots(spots)), labels), legend=p.legend)


_KINDS: dict[str, tuple[Callable[[_Points], Chart], int]] = {  # with how many coordinates a point has at least
    "angle": (_angle, 2),
    "rotation": (_rotation, 4),
    "shift": (_shift, 1),
    "element": (_element, 1),
    "scale": (_scale, 1),
    "permutation": (_permutation, 1),
}


def ladder(rungs: Sequence[RungRecord], slope: float | None) -> Chart | None:
    """Error against machine epsilon, both on log axes: rounding follows the dashed line, a break is level."""
    known = sorted((r for r in rungs if r.error is not None and math.isfinite(r.error)), key=lambda r: r.eps)
    if not known:
        return None
    left, right, top, bottom = 44.0, WIDTH - 30.0, 20.0, 200.0

    def x(value: float) -> float:
        return left + (right - left) * (math.log10(value) + 17) / 17

    def y(value: float | None) -> float:
        return bottom - (bottom - top) * (percent(value) or 0.0) / 100

    ends = (1e-17, 1.0)
    levels = "".join(f"M{px(left)} {px(y(10.0**k))}H{px(right)}" for k in (-16, -12, -8, -4, 0))
    grid = Mark("grid", f"M{px(left)} {px(top)}V{px(bottom)}H{px(right)}{levels}")
    line = Mark("line", f"M{px(x(ends[0]))} {px(y(ends[0]))}L{px(x(ends[1]))} {px(y(ends[1]))}")
    spots = Mark("dot ink", "".join(f"M{px(x(r.eps))} {px(y(r.error))}h0" for r in known))
    names = tuple(Label(x(r.eps), y(r.error) + (-9 if i % 2 == 0 else 18), r.precision, "middle") for i, r in enumerate(known))
    ticks = tuple(Label(left - 6, y(10.0**k) + 4, f"1e{k}" if k else "1", "end") for k in (-16, -12, -8, -4, 0))
    below = (
        Label(left, bottom + 17, "1e-17"),
        Label(right, bottom + 17, "1", "end"),
        Label((left + right) / 2, bottom + 17, "machine epsilon"),
    )
    rows = tuple((r.precision, number(r.eps), number(r.error) if r.error is not None else f"none: {r.because}") for r in rungs)
    means = "" if slope is None else f" The slope is {round(slope, 1) + 0.0:.1f}: 1 is rounding, 0 a break."
    summary = f"Error in each precision against its machine epsilon; rounding would follow the dashed line.{means}"
    table = Table(("precision", "machine epsilon", "error"), rows)
    return Chart("Precision ladder", summary, table, Drawing(222, (grid, line, spots), (*names, *ticks, *below)))


def spread(quantiles: Sequence[float], limit: float | None) -> Chart | None:
    """How far random trials differ, beside what rounding explains, on the log axis."""
    named = zip(("half by more than", "1 in 10 by more than", "1 in 100 by more than", "the worst by"), quantiles, strict=False)
    rows = [(name, value) for name, value in named if value is not None and math.isfinite(value)]
    if not rows:
        return None
    rounding = [Bar("rounding explains", number(limit), percent(limit), "e0")] if limit else []
    bars = (*rounding, *(Bar(name, number(value), percent(value), "e4") for name, value in rows))
    table = Table(("random trials", "differ, of the spread"), tuple((bar.label, bar.value) for bar in bars))
    return Chart(
        "Not rounding",
        "How far random trials differ, as part of the output's spread, on a log axis from 1e-17 to 10.",
        table,
        bars=bars,
    )


def rate(result: Result) -> Chart | None:
    """The part of random trials that violates the claim, with its interval."""
    if result.rate is None:
        return None
    low, high = result.rate
    left, right = 8.0, WIDTH - 8.0

    def x(part: float) -> float:
        return left + (right - left) * part

    share = result.violating / result.random_trials
    marks = (
        Mark("track", f"M{px(left)} 30H{px(right)}"),
        Mark("band", f"M{px(x(low))} 30H{px(max(x(high), x(low) + 1))}"),
        Mark("dot ink", f"M{px(x(share))} 30h0"),
    )
    labels = (
        Label(left, 56, "0 %", "start"),
        Label(right, 56, "100 %", "end"),
        Label(WIDTH / 2, 56, f"{low:.1%} to {high:.1%}"),
    )
    counted = f"{result.violating} of {result.random_trials}"
    words = f"{counted} random trials violate it: {low:.1%} to {high:.1%} of all such trials (95 %)."
    table = Table(("violating", "from", "to"), ((counted, f"{low:.2%}", f"{high:.2%}"),))
    return Chart("How often", words, table, Drawing(64, marks, labels))


def factors(found: Sequence[FactorRecord]) -> Chart | None:
    """For each factor of a product group, the part of the trials that violate the claim when it alone moves."""
    if not found:
        return None
    bars = tuple(_factor(f) for f in found)
    rows = tuple((f.group, str(f.trials), str(f.violating), number(f.relative)) for f in found)
    table = Table(("factor", "trials", "violating", "worst error"), rows)
    return Chart(
        "Which factor breaks", "Trials that violate the claim when one factor of the group moves alone.", table, bars=bars
    )


def _factor(f: FactorRecord) -> Bar:
    part = round(100 * f.violating / f.trials, 1) if f.trials else None
    return Bar(f"{f.group} alone", f"{f.violating} of {f.trials}", part, "e5" if f.violating else "e0")


def px(value: float) -> str:
    """A length in tenths of a pixel, as short as can be."""
    return f"{value + 0.0:.1f}".removesuffix(".0").replace("-0.0", "0")


def circle(x: float, y: float, r: float) -> str:
    return f"M{px(x - r)} {px(y)}a{px(r)} {px(r)} 0 1 0 {px(2 * r)} 0a{px(r)} {px(r)} 0 1 0 {px(-2 * r)} 0"


def _turns(count: int) -> list[float]:
    return [2 * math.pi * i / count for i in range(count)]


def _hammer(at: Sequence[float], x: float, y: float) -> tuple[float, float]:
    """Where a direction lies on a map of 256 by 128 pixels round (x, y)."""
    size = math.hypot(*at[:3])
    longitude, sine = math.atan2(at[1], at[0]), max(-1.0, min(1.0, at[2] / size))
    cosine = math.sqrt(1 - sine * sine)
    scale = 64 / math.sqrt(1 + cosine * math.cos(longitude / 2))
    return x + 2 * scale * cosine * math.sin(longitude / 2), y - scale * sine


def _globe(x: float, y: float) -> str:
    """The outline, the equator, and a few parallels and meridians."""
    left = f"M{px(x - 128)} {px(y)}"
    outline = f"{left}a128 64 0 1 0 256 0a128 64 0 1 0 -256 0{left}h256M{px(x)} {px(y - 64)}v128"
    curves = [[_direction(a, b) for b in _steps(1.5)] for a in (-math.pi / 2, math.pi / 2)]
    curves += [[_direction(a, b) for a in _steps(3.14)] for b in (-math.pi / 4, math.pi / 4)]
    lines = ("L".join(" ".join(map(px, _hammer(at, x, y))) for at in curve) for curve in curves)
    return outline + "".join(f"M{line}" for line in lines)


def _direction(longitude: float, latitude: float) -> tuple[float, float, float]:
    flat = math.cos(latitude)
    return flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)


def _steps(end: float) -> list[float]:
    return [end * (i / 12 - 1) for i in range(25)]


def sphere_map(shades: Sequence[Sequence[str]]) -> Drawing:
    """A map of the sphere of which each sample is a cell: rows from pole to pole, columns round it."""
    down, across = len(shades), len(shades[0])
    x, y = 136.0, 72.0

    def corner(i: int, j: int) -> str:
        longitude = math.pi * (2 * min(j / across, 1 - 1e-9) - 1)
        latitude = math.pi * (0.5 - i / down)
        return " ".join(map(px, _hammer(_direction(longitude, latitude), x, y)))

    cells: dict[str, list[str]] = {}
    for i, row in enumerate(shades):
        for j, shade in enumerate(row):
            around = (corner(i, j), corner(i, j + 1), corner(i + 1, j + 1), corner(i + 1, j))
            cells.setdefault(shade, []).append(f"M{'L'.join(around)}z")
    marks = tuple(Mark(f"shade {shade}", "".join(places)) for shade, places in sorted(cells.items()))
    outline = Mark("frame", f"M{px(x - 128)} {px(y)}a128 64 0 1 0 256 0a128 64 0 1 0 -256 0")
    return Drawing(144, (*marks, outline), (), 272)
