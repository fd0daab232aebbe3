"""Finite symmetries, by search over axes: permutations, rolls, flips, quarter turns, sign flips and swaps of entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, islice

from torch import Generator

from symcheck.discovery.naming import Proposal
from symcheck.discovery.screen import TRIED, bound, screened
from symcheck.discovery.world import World
from symcheck.groups import from_string
from symcheck.reps import Blocks, Flip, Image, Permute, Rep, Roll, Scalar, Shape, Sign, Swap, Together, Vector, as_rep

ENTRIES = 12
"""The longest axis of which the swaps of any two entries are tried: 66 of them."""

COORDINATES = 8
"""The longest last axis of which the signs of single entries are tried."""


Places = tuple[tuple[int, int], ...]
"""Axes: (leaf, axis from the end)."""


def searched(world: World, known: Sequence[Proposal]) -> Iterator[Proposal]:
    """What screening finds, the largest group of each kind alone. `known` are connected ones: some imply finite ones."""
    yield from _Search(world, known).found()


class _Search:
    def __init__(self, world: World, known: Sequence[Proposal]) -> None:
        self.world = world
        self.shapes = [tuple(x.shape[1:]) for x in world.like]
        self.outs = [tuple(y.shape[1:]) for y in world.example]
        self.free = [i for i in range(len(self.shapes)) if i not in world.f.shared and i not in world.ignored]
        self.known = known
        self.turned = {  # axes of coordinates: what permutes them or flips their signs is a rotation or a reflection
            (i, -1)
            for p in known
            for i, rep in enumerate(p.inputs)
            if str(p.group).startswith(("O(", "E(", "SO(", "SE(")) and isinstance(rep, (Vector, Blocks))
        }

    @cached_property
    def rotated(self) -> set[tuple[int, int]]:
        """Entries (leaf, place along the last axis) that known rotations and mirrors move, and so imply signs and swaps of."""
        return {(i, k) for p in self.known if str(p.group).startswith(("O(", "E(")) for i, k in self._moved_by(p)}

    def _moved_by(self, known: Proposal) -> Iterator[tuple[int, int]]:
        group = bound(from_string(known.group) if isinstance(known.group, str) else known.group, known.inputs, self.shapes)
        for i, (rep, x) in enumerate(zip(known.inputs, self.world.inputs(TRIED, 21), strict=True)):
            if group is not None and not rep.trivial and self.shapes[i]:
                moved = rep.act(group, group.sample(TRIED, Generator().manual_seed(0)), x) != x
                yield from ((i, k) for k in moved.flatten(0, -2).any(0).nonzero().flatten().tolist())

    def found(self) -> Iterator[Proposal]:
        permuted: list[Places] = []
        for places in self._axes():
            one = self._permutations(places)
            if one is not None:
                permuted.append(places)
                yield one
        done = {place for places in permuted for place in places}
        mirrored: set[tuple[int, int]] = set()
        for leaves, one in self._images(done):
            mirrored |= {(i, axis) for i in leaves for axis in (-1, -2)} if one.group == "D_4" else set()
            yield one
        for places in self._single(done):
            moved = list(self._along(places, mirrored.issuperset(places)))
            done |= set(places) if moved else set()
            yield from moved
        yield from self._signs()

    def _axes(self) -> Iterator[Places]:
        """Axes of one size: all together, the first of each leaf, each alone; what holds already isn't tried again."""
        seen: set[Places] = set()
        sizes = sorted({size for i in self.free for size in self.shapes[i] if size > 1})
        for size in sizes:
            every = tuple((i, a) for i in self.free for a in self._free_axes(i) if self.shapes[i][a] == size)
            firsts = tuple({i: (i, axis) for i, axis in reversed(every)}.values())[::-1]
            for places in dict.fromkeys((every, firsts, *((place,) for place in every))):
                if places and places not in seen:
                    seen.add(places)
                    yield places

    def _free_axes(self, leaf: int) -> list[int]:
        return [a for a in range(-len(self.shapes[leaf]), 0) if (leaf, a) not in self.turned]

    def _permutations(self, places: Places) -> Proposal | None:
        size = self.shapes[places[0][0]][places[0][1]]
        inputs = self._on(places, lambda axes: _together([Permute(axis=axis) for axis in axes]))
        return self._screened(f"permutations of {size}", "S_n", inputs, [self._permuted(shape, size) for shape in self.outs])

    def _permuted(self, shape: Shape, size: int) -> list[Rep]:
        own = [a - len(shape) for a, n in enumerate(shape) if n == size]
        pairs = [Together(Permute(axis=a), Permute(axis=b)) for a, b in combinations(own, 2)]
        return [Scalar(), *(Permute(axis=a) for a in own), *pairs, Sign()]

    def _single(self, done: set[tuple[int, int]]) -> Iterator[Places]:
        """Single axes that aren't `done`, then the same axis of several inputs at once, if none of these moves by itself."""
        single = [(i, axis) for i in self.free for axis in self._free_axes(i) if self.shapes[i][axis] > 1]
        yield from ((place,) for place in single if place not in done)
        for axis, size in dict.fromkeys((axis, self.shapes[i][axis]) for i, axis in single):
            places = tuple((i, a) for i, a in single if (a, self.shapes[i][a]) == (axis, size))
            if len(places) > 1 and not done & set(places):
                yield places

    def _along(self, places: Places, mirrored: bool) -> Iterator[Proposal]:
        """Rolls, the flip and, of one input, swaps along an axis; no flip where the image is known to be `mirrored`."""
        axis = places[0][1]
        size = self.shapes[places[0][0]][axis]
        if size > 2:
            one = self._rolls(places, 1)
            if one is not None:
                yield one
            flips = [[*self._moved(shape, size, lambda a: Flip(axes=(a,))), Sign()] for shape in self.outs]
            move = self._on(places, lambda axes: Flip(axes=axes))
            two = None if mirrored else self._screened(f"flip of {size}", "Flips(1)", move, flips)
            if two is not None:
                yield two
            if one is not None:
                return
            strides = (self._rolls(places, step) for step in range(2, size) if size % step == 0)
            yield from islice((found for found in strides if found is not None), 1)  # that of the fewest samples
        for i, j in combinations(range(size), 2) if size <= ENTRIES and len(places) == 1 else ():
            if axis == -1 and {(places[0][0], i), (places[0][0], j)} <= self.rotated:
                continue
            swaps = [[*self._moved(shape, size, lambda a: Swap(i, j, axis=a)), Sign()] for shape in self.outs]  # noqa: B023 - called now
            inputs = self._on(places, lambda axes: Swap(i, j, axis=axes[0]))  # noqa: B023
            found = self._screened(f"swap of {i} and {j}", "Flips(1)", inputs, swaps)
            if found is not None:
                yield found

    def _rolls(self, places: Places, step: int) -> Proposal | None:
        """Rolls along an axis by so many samples, of outputs by as many as their axes are times as long."""
        size = self.shapes[places[0][0]][places[0][1]]
        around = size // step
        outs = [
            [Scalar(), *(Roll((a - len(shape),), own // around) for a, own in enumerate(shape) if own and own % around == 0)]
            for shape in self.outs
        ]
        name = f"rolls of {size}" if step == 1 else f"rolls of {size} by {step}"
        return self._screened(name, "Z_N", self._on(places, lambda axes: Roll(axes, step)), outs)

    def _images(self, done: set[tuple[int, int]]) -> Iterator[tuple[tuple[int, ...], Proposal]]:
        """Quarter turns and reflections, else quarter turns alone, of each square input, else of all of one size at once."""
        square = [i for i in self.free if self._is_square(self.shapes[i]) and not {(i, -1), (i, -2)} & done]
        sizes = dict.fromkeys(self.shapes[i][-1] for i in square)
        several = [tuple(i for i in square if self.shapes[i][-1] == size) for size in sizes]
        turned: set[int] = set()
        for leaves in (*((i,) for i in square), *(leaves for leaves in several if len(leaves) > 1)):
            if turned & set(leaves):
                continue
            for group in ("D_4", "C_4"):
                inputs = self._on(tuple((i, axis) for i in leaves for axis in (-2, -1)), lambda axes: Image())
                one = self._screened("quarter turns", group, inputs, [self._image(own) for own in self.outs])
                if one is not None:
                    turned |= set(leaves)
                    yield leaves, one
                    break

    def _is_square(self, shape: Shape) -> bool:
        return len(shape) > 1 and shape[-1] == shape[-2] > 2

    def _image(self, shape: Shape) -> list[Rep | str]:
        square = len(shape) > 1 and shape[-1] == shape[-2]
        return [
            Scalar(),
            *([Image()] if square else []),
            "regular",
            "regular_image",
            "sign",
            *(["vector"] if shape[-1:] == (2,) else []),
        ]

    def _signs(self) -> Iterator[Proposal]:
        """The sign of all inputs, of each, and of each entry of a last axis."""
        moving = [i for i in self.world.moving if i in self.free]
        phases = any(not rep.trivial for p in self.known if str(p.group) in ("U(1)", "SO(2)") for rep in p.inputs)
        for leaves in dict.fromkeys((tuple(moving), *((i,) for i in moving))):
            implied = phases or any(
                {i for i, rep in enumerate(p.inputs) if not rep.trivial} == set(leaves) and str(p.group)[:2] in ("O(", "E(")
                for p in self.known
            )
            if not implied:
                flipped: list[Rep] = [Sign() if i in leaves else Scalar() for i in range(len(self.shapes))]
                one = self._screened("sign", "Flips(1)", flipped, [[Scalar(), Sign()] for _ in self.outs])
                if one is not None:
                    yield one
        for i in moving:
            d = self.shapes[i][-1] if self.shapes[i] else 0
            if 1 < d <= COORDINATES and (i, -1) not in self.turned and not self.world.like[i].is_complex():
                yield from self._entries(i, d)

    def _entries(self, leaf: int, d: int) -> Iterator[Proposal]:
        """The signs of all entries of a last axis, else those of single ones."""
        one = self._signed(f"signs of {d} entries", f"Flips({d})", leaf, Vector())
        if one is not None:
            yield one
            return
        for k in range(d):
            parts = [(Scalar(), k), (Sign(), 1), (Scalar(), d - k - 1)]
            rep = Blocks(*(part for part in parts if part[1]))
            found = None if (leaf, k) in self.rotated else self._signed(f"sign of entry {k}", "Flips(1)", leaf, rep)
            if found is not None:
                yield found

    def _signed(self, name: str, group: str, leaf: int, rep: Rep) -> Proposal | None:
        d = self.shapes[leaf][-1]
        inputs: list[Rep] = [rep if i == leaf else Scalar() for i in range(len(self.shapes))]
        outs: list[list[Rep | str]] = [[Scalar(), *([rep] if own[-1:] == (d,) else []), Sign()] for own in self.outs]
        return self._screened(name, group, inputs, outs)

    def _moved(self, shape: Shape, size: int, make: Callable[..., Rep]) -> list[Rep]:
        axes = [a - len(shape) for a, own in enumerate(shape) if own == size]
        return [Scalar(), *(make(a) for a in axes)]

    def _on(self, places: Places, make: Callable[..., Rep]) -> list[Rep]:
        by_leaf = {i: tuple(axis for leaf, axis in places if leaf == i) for i, _ in places}
        return [make(by_leaf[i]) if i in by_leaf else Scalar() for i in range(len(self.shapes))]

    def _screened(
        self, name: str, group: str, inputs: Sequence[Rep], outputs: Sequence[Sequence[Rep | str]]
    ) -> Proposal | None:
        chosen = screened(self.world, group, inputs, outputs)
        return None if chosen is None else Proposal(name, group, tuple(map(as_rep, inputs)), tuple(chosen))


def _together(reps: Sequence[Rep]) -> Rep:
    return reps[0] if len(reps) == 1 else Together(*reps)
