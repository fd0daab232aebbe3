"""The Erlangen lattice: the groups that were tried and the subgroups that still hold, each below those that contain it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symcheck.engine import Verdict
from symcheck.report.html.charts import Drawing, Label, Mark, Table
from symcheck.report.record import Result

NODES = 60  # that can be drawn and read
WIDE, HIGH, GAP = 140, 54, 44  # pixels of a node, and between rows of them

# Which of the known families contain which in the same dimension. A fact of mathematics, told by name: a record has no groups.
_INSIDE = {
    "Aff": ("Sim", "GL"),
    "Sim": ("E", "CO"),
    "GL": ("SL", "CO"),
    "CO": ("O",),
    "SL": ("SO",),
    "E": ("SE", "O"),
    "SE": ("SO", "T"),
    "O": ("SO",),
}


@dataclass(frozen=True)
class Node:
    """A group: how many claims about it hold, are undecided and are violated, and how many of them are not as expected."""

    name: str
    holds: int
    undecided: int
    violated: int
    unmet: int
    kept: int  # violated claims of larger groups that still hold under this one

    @property
    def words(self) -> str:
        tried = ((self.holds, "hold"), (self.undecided, "undecided"), (self.violated, "violated"))
        said = [f"{count} {word}" for count, word in tried if count]
        return ", ".join(said) or (f"still holds in {self.kept}" if self.kept else "still holds")

    @property
    def css(self) -> str:
        if not self.holds + self.undecided + self.violated:
            return "kept"
        return "none" if self.violated and not self.holds else "mixed" if self.violated or self.undecided else "all"


@dataclass(frozen=True)
class Tile:
    """A node at its place in a part of the lattice."""

    x: int
    y: int
    node: Node

    @property
    def name(self) -> tuple[str, ...]:
        """Its name: on one line, or two where no bar needs the room."""
        star = "★ " if self.node.kept else ""
        return tuple(textwrap.wrap(star + self.node.name, 19, max_lines=1 if self.parts else 2, placeholder="…")) or ("…",)

    @property
    def parts(self) -> tuple[tuple[str, int, int], ...]:
        """Its bar: the class, the start and the width of each part, in pixels."""
        counts = (("v-holds", self.node.holds), ("v-vacuous", self.node.undecided), ("v-violated", self.node.violated))
        total = sum(count for _, count in counts) or 1
        found, start = [], 0
        for css, count in counts:
            width = round((WIDE - 20) * count / total)
            if count:
                found.append((css, start, width))
            start += width if count else 0
        return tuple(found)


@dataclass(frozen=True)
class Part:
    """A connected part: its nodes, placed, and the lines between them."""

    width: int
    height: int
    lines: str
    tiles: tuple[Tile, ...]
    words: str


@dataclass(frozen=True)
class Lattice:
    """All parts, the largest first, and the same in a table."""

    parts: tuple[Part, ...]
    table: Table
    left_out: int


def lattice(results: Sequence[Result]) -> Lattice:
    """The lattice of a record's results."""
    nodes = {node.name: node for node in _nodes(results)}
    below = _relations(results, nodes)
    rows = tuple((n.name, n.words, ", ".join(sorted(below[n.name])) or "–", str(n.unmet)) for n in nodes.values())  # noqa: RUF001
    table = Table(("group", "claims", "contains", "not as expected"), rows[:NODES])
    kept = list(nodes)[:NODES]
    whole = [sorted(part, key=kept.index) for part in _components(kept, below)]
    parts = tuple(_part(part, nodes, below) for part in sorted(whole, key=lambda part: (-len(part), kept.index(part[0]))))
    return Lattice(parts, table, len(nodes) - len(kept))


def _nodes(results: Sequence[Result]) -> Iterator[Node]:
    names = dict.fromkeys([*(r.group for r in results), *(name for r in results for name in r.holding)])
    tried: dict[str, list[Result]] = {name: [] for name in names}
    held: dict[str, int] = dict.fromkeys(names, 0)
    for result in results:
        tried[result.group].append(result)
        for name in largest(result):
            held[name] += 1
    for name, found in tried.items():
        holds = sum(r.verdict in (Verdict.HOLDS, Verdict.LIMITED) for r in found)
        violated = sum(r.verdict is Verdict.VIOLATED for r in found)
        unmet = sum(not r.met for r in found)
        yield Node(name, holds, len(found) - holds - violated, violated, unmet, held[name])


def _relations(results: Sequence[Result], names: Iterable[str]) -> dict[str, set[str]]:
    """What lies directly below each group: the subgroups that still hold, and what the names say."""
    names = list(names)
    below: dict[str, set[str]] = {name: set() for name in names}
    for result in results:
        below[result.group] |= set(result.holding) - {result.group}
    for larger in names[:NODES]:
        below[larger] |= {smaller for smaller in names[:NODES] if smaller != larger and contains(larger, smaller)}
    below = {name: {s for s in found if name not in below[s]} for name, found in below.items()}
    return {name: {s for s in found if not any(s in _under(other, below) for other in found)} for name, found in below.items()}


def _under(name: str, below: dict[str, set[str]]) -> set[str]:
    """Everything below a group, at any depth."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for smaller in below[waiting.pop()] - found:
            found.add(smaller)
            waiting.append(smaller)
    return found


def contains(larger: str, smaller: str) -> bool:
    """Whether the names alone say that one group contains another.

    >>> contains("E(3)", "SO(3)"), contains("SO(3)", "E(3)"), contains("E(3)", "SO(2)"), contains("C_8", "C_4")
    (True, False, False, True)
    >>> contains("SO(3)", "SO(2) about z"), contains("SO(2) about z", "SO(3)")
    (True, False)
    >>> contains("E(3) x S_n", "SO(3) x S_n"), contains("E(3) x S_n", "S_n"), contains("O(2)", "D_4")
    (True, True, True)
    >>> contains("D_4 x S_n", "C_4 x C_2"), contains("O(3) x SO(3)", "SO(3) x O(3)")  # each in a factor of its own
    (False, True)
    >>> contains(" x ".join(["SO(3)"] * 40), " x ".join(["SO(3)"] * 39 + ["S_4"]))  # in no time: factors are matched, not tried
    False
    """
    many, few = larger.split(" x "), smaller.split(" x ")
    if larger == smaller:
        return False
    fits = [[k for k, other in enumerate(many) if one == other or _family(other, one)] for one in few]
    holds: dict[int, int] = {}
    return all(_matched(i, fits, holds, set()) for i in range(len(few)))


def _matched(i: int, fits: Sequence[Sequence[int]], holds: dict[int, int], seen: set[int]) -> bool:
    """Give i a place of its own among those that it fits, which others may leave for another of theirs."""
    for place in fits[i]:
        if place not in seen:
            seen.add(place)
            if place not in holds or _matched(holds[place], fits, holds, seen):
                holds[place] = i
                return True
    return False


def _family(larger: str, smaller: str) -> bool:
    inside, about, _ = smaller.partition(" about ")
    if about:  # rotations about an axis
        return inside == "SO(2)" and (larger == "SO(3)" or _family(larger, "SO(3)"))
    a, b = (re.fullmatch(r"([A-Za-z]+)(?:\((\d+)\)|_(\d+))", name) for name in (larger, smaller))
    if a is None or b is None:
        return False
    if a[2] is None or b[2] is None:
        return _discrete(a, b)
    return a[2] == b[2] and b[1] in _inside(a[1])


def _discrete(a: re.Match[str], b: re.Match[str]) -> bool:
    """Cyclic and dihedral groups, among themselves and in those of the plane."""
    if b[3] is None or (a[1] not in "CD" and a[2] != "2"):
        return False
    divides = a[3] is None or int(a[3]) % max(1, int(b[3])) == 0
    known = {"C": "C", "D": "CD", "SO": "C", "O": "CD", "SE": "C", "E": "CD"}.get(a[1], "")
    return divides and b[1] in known and (a[1], a[3]) != (b[1], b[3])


def _inside(family: str) -> set[str]:
    direct = _INSIDE.get(family, ())
    return {*direct, *(deep for inner in direct for deep in _inside(inner))}


def _components(names: Sequence[str], below: dict[str, set[str]]) -> list[set[str]]:
    joined = {name: {name} for name in names}
    for name in names:
        for smaller in sorted(below[name] & set(names)):
            whole = joined[name] | joined[smaller]
            for member in whole:
                joined[member] = whole
    return list({id(part): part for part in joined.values()}.values())


def _part(names: Sequence[str], nodes: dict[str, Node], below: dict[str, set[str]]) -> Part:
    """Rows by the longest way down from the top."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for name in names:
            for smaller in below[name] & set(names):
                depth[smaller] = max(depth[smaller], depth[name] + 1)
    rows: list[list[str]] = []
    across = 2 if len(names) <= 5 else 6  # two fit a telephone, six a desk
    for step in range(max(depth.values()) + 1):
        layer = [name for name in names if depth[name] == step]
        rows += [layer[i : i + across] for i in range(0, len(layer), across)]
    width = (WIDE + 20) * max(map(len, rows)) - 20 + 4
    at: dict[str, tuple[int, int]] = {}
    for i, row in enumerate(rows):
        left = (width - (WIDE + 20) * len(row) + 20) // 2
        at |= {name: (left + j * (WIDE + 20), 2 + i * (HIGH + GAP)) for j, name in enumerate(row)}
    pairs = [(name, smaller) for name in names for smaller in sorted(below[name] & set(names))]
    lines = "".join(_line(at[name], at[smaller]) for name, smaller in pairs)
    told = [f"{name}: {nodes[name].words}" for name in names] + [f"{name} contains {smaller}" for name, smaller in pairs]
    tiles = tuple(Tile(*at[name], nodes[name]) for name in names)
    return Part(width, len(rows) * (HIGH + GAP) - GAP + 4, lines, tiles, "; ".join(told))


def _line(top: tuple[int, int], bottom: tuple[int, int]) -> str:
    x, y = top[0] + WIDE // 2, top[1] + HIGH
    u, v = bottom[0] + WIDE // 2, bottom[1]
    return f"M{x} {y}C{x} {y + GAP // 2} {u} {v - GAP // 2} {u} {v}"


def largest(result: Result) -> tuple[str, ...]:
    """The subgroups that still hold, without those that by their names lie in another one."""
    names = tuple(dict.fromkeys(result.holding))
    return tuple(name for name in names if not any(contains(other, name) for other in names))


def small(result: Result) -> tuple[Drawing, tuple[str, ...]] | None:
    """One violated group above the largest subgroups that still hold, and those that aren't drawn."""
    names = largest(result)[:4]
    if not names:
        return None
    lines = "".join(f"M150 40L150 58H14V{84 + 40 * i}H24" for i in range(len(names)))
    marks = [Mark("edge", lines), Mark("node none", "M60 6h180v34h-180z")]
    marks += [Mark("node kept", f"M24 {68 + 40 * i}h270v32h-270z") for i in range(len(names))]
    labels = [Label(150, 28, _cut(f"{result.group}: {result.verdict.value}", 24))]
    labels += [Label(36, 89 + 40 * i, _cut(f"★ {name}: holds", 38), "start") for i, name in enumerate(names)]
    others = tuple(name for name in result.holding if name not in names)
    return Drawing(70 + 40 * len(names), tuple(marks), tuple(labels)), others


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
