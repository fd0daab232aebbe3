"""From found generators to claims: the group of each part, and how it acts on inputs and outputs, in words if there are any.

A part that acts as a known rep of a known group does on every leaf is claimed so. Any other is claimed as the group that its
matrices generate, acting by blocks of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, groupby, product
from typing import TypeVar

import torch
from torch import Generator, Tensor

from symcheck.discovery.algebra import NEAR, Part, parts, span
from symcheck.discovery.frames import Slot, real
from symcheck.discovery.screen import bound, screened
from symcheck.discovery.solutions import Solutions
from symcheck.discovery.world import World
from symcheck.groups import SO, Exponential, MatrixGroup, O, from_string
from symcheck.groups.base import matrix_exponential
from symcheck.reps import Block, Rep, Scalar, Together, as_rep

Item = TypeVar("Item")


@dataclass(frozen=True)
class Proposal:
    """A group and a rep for each leaf, to be audited. `name` is that of the algebra, or of the finite symmetry.

    `instead` is a smaller group, for when the audit, which sees more than the screening did, finds the larger one violated.
    """

    name: str
    group: str | MatrixGroup
    inputs: tuple[Rep, ...]
    outputs: tuple[Rep, ...]
    instead: Proposal | None = None


def named(solutions: Solutions) -> list[Part]:
    """The parts of the algebra that was found."""
    if not solutions.dimension:
        return []
    whole = torch.stack([_blocks(matrices) for matrices in zip(*solutions.inputs, strict=True)])
    linear = torch.stack(
        [_blocks([_linear(matrix) for matrix in matrices]) for matrices in zip(*solutions.inputs, strict=True)]
    )
    acted = [part[:, :-1, :-1] for part in solutions.inputs]
    size = linear.abs().amax((-2, -1)).clamp_min(whole.abs().amax((-2, -1)) * NEAR).reshape(-1, 1, 1)
    return parts(whole / size, linear / size, [block / size for block in acted], 1 / size.flatten())


def _blocks(matrices: Sequence[Tensor]) -> Tensor:
    found: Tensor = torch.block_diag(*matrices)  # type: ignore[no-untyped-call]
    return found


def _linear(matrix: Tensor) -> Tensor:
    alone = matrix.clone()
    alone[:-1, -1] = 0
    return alone


def proposals(world: World, solutions: Solutions, found: Sequence[Part]) -> list[Proposal]:
    """A proposal for each part, of translations together with the rotations of the same space."""
    steps = next((part for part in found if part.kind == "translations"), None)
    made: list[Proposal] = []
    moved = False
    for part in found:
        if part.kind == "translations":
            continue
        best = _Naming(world, solutions, part, steps).proposal()
        moved |= steps is not None and str(best.group)[0] in "ES" and str(best.group).startswith(("E(", "SE("))
        made.append(best)
    if steps is not None and not moved:
        made.append(_Naming(world, solutions, steps, steps).proposal())
    return made


class _Naming:
    """One part, in search of words."""

    def __init__(self, world: World, solutions: Solutions, part: Part, steps: Part | None) -> None:
        self.world, self.part, self.steps = world, part, steps
        self.shift = solutions.mixed(steps.change) if steps is not None else None
        self.own = solutions.mixed(part.change)
        if steps is not None and self.shift is not None and part is not steps:
            self.own = solutions.mixed(part.change - _steps(self.own, self.shift) @ steps.change)
        self.x = [leaf.double() for leaf in real(world.like)]
        self.shapes = [tuple(leaf.shape[1:]) for leaf in world.like]
        self.out_shapes = [tuple(leaf.shape[1:]) for leaf in world.example]

    def proposal(self) -> Proposal:
        best = [self.generated()]
        for group, inputs, candidates in self.tried():
            if len(best) > 1 and best[-1].group == group:
                continue
            outputs = screened(self.world, group, inputs, candidates)
            if outputs is not None:
                best.append(Proposal(self.part.name, group, tuple(map(as_rep, inputs)), tuple(outputs)))
        found = best[0]
        for other in reversed(best[1:]):
            found = replace(other, instead=found)
        return found

    def tried(self) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        """Groups with the reps of the inputs and the candidates for those of the outputs, the largest group first."""
        rotations = re.fullmatch(r"so\((\d+)\)", self.part.name)
        if self.part.kind == "phase":
            yield from self._phases()
        if rotations:
            yield from self._rotations(int(rotations[1]))
        elif self.part.kind == "translations":
            yield from self._translations()
        elif self.part.kind == "scaling":
            yield from self._scalings()
        elif self.part.kind == "simple":
            yield from self._on_vectors()

    # Rotations

    def _rotations(self, d: int) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        aligned = self._aligned(d)
        if aligned is None:
            return
        own = self.own.mixed(aligned)
        texts = [self._texts(d, i, own) for i in range(len(self.shapes))]
        if any(not some for some in texts):
            return
        outputs = [self._out_texts(d, i, own) for i in range(len(self.out_shapes))]
        points = self._points(d)
        if points and all(texts[i][0] == "vector" for i in points):
            inside: list[list[str | Rep]] = [["point"] if i in points else some[:1] for i, some in enumerate(texts)]
            more: list[list[str | Rep]] = [[*some, "point"] for some in outputs]
            for group in (f"E({d})", f"SE({d})"):
                yield group, [some[0] for some in inside], more
        plain = [next((t for t in some if t != "point"), some[0]) for some in texts]
        for group in (f"O({d})", f"SO({d})"):
            choices = [some if group[0] == "O" else [first] for some, first in zip(texts, plain, strict=True)]
            for chosen in list(product(*choices))[:16]:
                yield group, list(chosen), outputs

    def _aligned(self, d: int) -> Tensor | None:
        """The change of generators after which a vector among the slots turns as the standard basis of so(d) says."""
        standard = O(d).algebra()
        for slot, block in zip(self.own.frame.slots, self.own.inputs, strict=True):
            if slot.axis not in (-1, 0):
                continue
            linear = block[:, :-1, :-1]
            for places in components(linear):
                square = linear[:, places][:, :, places]
                if len(places) != d or float((square + square.mT).abs().max()) > NEAR * float(square.abs().max()):
                    continue
                inner = square.flatten(1)
                if len(span(inner)) == len(standard) == len(inner):
                    change: Tensor = torch.linalg.lstsq(inner.mT, standard.flatten(1).mT).solution.mT
                    return change
        return None

    def _texts(self, d: int, leaf: int, own: Solutions) -> list[str | Rep]:
        """The reps by which an input leaf turns, under rotations and with other parities; none if it has no words."""
        blocks = [(s, m) for s, m in zip(own.frame.slots, own.inputs, strict=True) if s.leaf == leaf]
        shape = self.shapes[leaf]
        if not any(float(m[:, :-1, :-1].abs().max()) > NEAR for _, m in blocks):
            return ["scalar"]
        words: list[str] = []
        if shape and shape[-1] == d:
            words.append("vector")
        if len(shape) > 1 and shape[-2:] == (d, d):
            words.append("cartesian(rank=2)")
        last = next((m for s, m in blocks if s.axis == -1), None)
        if last is not None and shape and shape[-1] != d:
            words += direct_sums(d, last[:, :-1, :-1])[:1]
        rng = Generator().manual_seed(0)
        v = torch.randn(4, len(own.inputs[0]), generator=rng, dtype=torch.float64)
        group = SO(d)
        x = torch.randn(4, *self.x[leaf].shape[1:], generator=rng, dtype=torch.float64)
        moved = self._moved(own, leaf, v, x)
        for word in words:
            rep = as_rep(word)
            if not bound(group, [rep], [shape]):
                continue
            if float((rep.act(group, group.exponential(v), x.reshape(4, *shape)).reshape(x.shape) - moved).abs().max()) < NEAR:
                return [word, "pseudovector"] if word == "vector" and d == 3 else [word]
        return []

    def _moved(self, own: Solutions, leaf: int, v: Tensor, x: Tensor) -> Tensor:
        """Real numbers of a leaf, moved by the finite elements that coordinates v give."""
        for slot, basis in zip(own.frame.slots, own.inputs, strict=True):
            if slot.leaf == leaf:
                element = matrix_exponential(torch.einsum("nk,kij->nij", v, basis))
                d = slot.size
                rows = slot.rows(x)
                x = slot.back(rows @ element[:, :d, :d].mT + element[:, :d, d].unsqueeze(1), x.shape[1:])
        return x

    def _out_texts(self, d: int, leaf: int, own: Solutions) -> list[str | Rep]:
        shape = self.out_shapes[leaf]
        found: list[str | Rep] = ["scalar", "pseudoscalar"]
        if shape and shape[-1] == d:
            found += ["vector", *(["pseudovector"] if d == 3 else [])]
        if len(shape) > 1 and shape[-2:] == (d, d):
            found.append("cartesian(rank=2)")
        if d == 3 and shape and shape[-1] == 5:
            found.append("symmetric_traceless")
        if leaf in self.world.smooth and shape:
            i = self.world.smooth.index(leaf)
            mine = [(s, m) for s, m in zip(own.out_slots, own.outputs, strict=True) if s.leaf == i and s.axis in (0, -1)]
            for slot, block in mine[:1]:
                size = real([self.world.example[leaf]])[0].shape[-1]
                found += direct_sums(d, block[:, :-1, :-1][:, -size:, -size:] if not slot.axis else block[:, :-1, :-1])
        return list(dict.fromkeys(found))

    def _points(self, d: int) -> list[int]:
        """The leaves that move by any translation, all by the same."""
        if self.shift is None or len(self.shift.inputs[0]) != d:
            return []
        found, reference = [], None
        for slot, block in zip(self.shift.frame.slots, self.shift.inputs, strict=True):
            step = block[:, :-1, -1]
            if float(step.abs().max()) < NEAR * float(max(b.abs().max() for b in self.shift.inputs)):
                continue
            if slot.axis != -1 or slot.size != d or len(span(step)) != d:
                return []
            reference = step if reference is None else reference
            if float((step - reference).abs().max()) > NEAR * float(reference.abs().max()):
                return []
            found.append(slot.leaf)
        return found

    # Others

    def _translations(self) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        d = len(self.own.inputs[0])
        points = self._points(d)
        if points:
            inputs: list[str | Rep] = ["point" if i in points else "scalar" for i in range(len(self.shapes))]
            yield f"T({d})", inputs, [["scalar", "point"] for _ in self.out_shapes]

    def _scalings(self) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        slots = list(zip(self.own.frame.slots, self.own.inputs, strict=True))
        weights = [self._weight([(s, m) for s, m in slots if s.leaf == i]) for i in range(len(self.shapes))]
        lead = next((w for w in weights if w), None)
        if lead is None or None in weights:
            return
        outs = self._out_weights()
        words = [scaled(w / lead) for w in weights if w is not None]
        yield "R+", list(words), [[scaled((w or 0.0) / lead)] for w in outs]

    def _out_weights(self) -> list[float | None]:
        """By which power each output scales, as the outputs do: those that depend on each other have several matrices."""
        y = self.world.outputs(self.world.inputs(16, 14))
        moved = self.own.answer(0, y)
        powers = [float((a * b).sum() / (b * b).sum().clamp_min(5e-324)) for a, b in zip(moved, y, strict=True)]
        return [powers[self.world.smooth.index(i)] if i in self.world.smooth else 0.0 for i in range(len(self.out_shapes))]

    def _weight(self, blocks: Sequence[tuple[Slot, Tensor]]) -> float | None:
        """By which power of the factor a leaf scales, up to one common number; None if it does otherwise."""
        total = 0.0
        for _, block in blocks:
            matrix = block[0]
            size = max(1.0, float(matrix.abs().max()))
            by = float(matrix[:-1, :-1].diagonal().mean())
            gap = matrix.clone()
            gap[:-1, :-1] -= by * torch.eye(len(matrix) - 1, dtype=matrix.dtype)
            if float(gap.abs().max()) > NEAR * size:
                return None
            total += by
        return total if abs(total) > NEAR else 0.0

    def _phases(self) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        numbers = [x.is_complex() for x in self.world.like]
        if any(numbers):
            charges = [self._charge(i) for i in range(len(self.shapes))]
            lead = min((c for c in charges if c), key=abs, default=0.0)
            if lead and None not in charges:
                inputs: list[str | Rep] = [charged(round(c / lead)) for c in charges if c is not None]
                some = [charged(k) for k in (0, 1, -1, 2, -2, 3, -3, 4, -4)]
                yield "U(1)", inputs, [list(some) for _ in self.out_shapes]
        else:
            yield from self._rotations(2)

    def _charge(self, leaf: int) -> float | None:
        """The frequency at which the phases of a complex leaf turn, up to one common number; None if it moves otherwise."""
        mine = [m[0] for s, m in zip(self.own.frame.slots, self.own.inputs, strict=True) if s.leaf == leaf]
        mine = [m for m in mine if float(m.abs().max()) > NEAR]
        if not mine:
            return 0.0
        matrix = mine[0][:-1, :-1]
        if len(mine) > 1 or len(matrix) % 2 or not self.world.like[leaf].is_complex():
            return None
        turn = _blocks([torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=matrix.dtype)] * (len(matrix) // 2))
        by = float((matrix * turn).sum() / turn.square().sum())
        return by if float((matrix - by * turn).abs().max()) < NEAR * float(matrix.abs().max()) else None

    def _on_vectors(self) -> Iterator[tuple[str, list[str | Rep], list[list[str | Rep]]]]:
        """Groups that are defined by the vectors that they act on: Lorentz, special linear."""
        special = re.fullmatch(r"sl\((\d+)\)", self.part.name)
        lorentz = self.part.name in ("so(1,3)", "so(3,1)")
        groups = ["O(1,3)", "SO+(1,3)"] if lorentz else [f"SL({special[1]})"] if special else []
        word = "four_vector" if lorentz else "vector"
        for group in groups:
            inputs = self._standard(group, word)
            if inputs is not None:
                yield group, inputs, [["scalar", word, f"dual({word})", "cartesian(rank=2)"] for _ in self.out_shapes]

    def _standard(self, group: str, word: str) -> list[str | Rep] | None:
        """Reps of the inputs if every slot turns by the group's own matrices along a last axis, or as covectors do."""
        found = from_string(group)
        assert isinstance(found, MatrixGroup)
        basis = found.algebra().flatten(1)
        words: list[str | Rep] = ["scalar"] * len(self.shapes)
        first: Tensor | None = None
        for slot, block in zip(self.own.frame.slots, self.own.inputs, strict=True):
            linear, size = block[:, :-1, :-1], float(block.abs().max())
            if size < NEAR:
                continue
            if slot.axis != -1 or slot.size != found.size or self.world.like[slot.leaf].is_complex():
                return None
            first = linear if first is None else first
            both = torch.cat([part / part.norm(dim=-1, keepdim=True) for part in (basis, first.flatten(1))])
            covector = float((linear + first.mT).abs().max()) < NEAR * size
            if len(span(both)) != len(basis) or not (covector or float((linear - first).abs().max()) < NEAR * size):
                return None
            words[slot.leaf] = f"dual({word})" if covector else word
        return words

    def generated(self) -> Proposal:
        """The group that the matrices generate."""
        slots, blocks = _active(self.own.frame.slots, self.own.inputs)
        out_slots, out_blocks = _active(self.own.out_slots, self.own.outputs)
        whole = torch.stack([_blocks(row) for row in zip(*blocks, *out_blocks, strict=True)])
        group = Exponential.of(whole, f"exp({self.part.name})")
        starts = [0]
        for block in (*blocks, *out_blocks):
            starts.append(starts[-1] + block.shape[-1])
        many = len(blocks)
        inputs = [_reps(i, slots, starts, len(self.shapes[i])) for i in range(len(self.shapes))]
        outputs = []
        for i in range(len(self.out_shapes)):
            j = self.world.smooth.index(i) if i in self.world.smooth else -1
            axes = len(self.out_shapes[i])
            outputs.append(_reps(j, out_slots, starts[many:], axes))
        return Proposal(self.part.name, group, tuple(inputs), tuple(outputs))


def _reps(leaf: int, slots: Sequence[Slot], starts: Sequence[int], axes: int) -> Rep:
    mine = [
        Block(start, s.size + 1, s.axis, axes if not s.axis else 1)
        for s, start in zip(slots, starts, strict=False)
        if s.leaf == leaf
    ]
    return Scalar() if not mine else mine[0] if len(mine) == 1 else Together(*mine)


def _active(slots: Sequence[Slot], blocks: Sequence[Tensor]) -> tuple[list[Slot], list[Tensor]]:
    """The slots on which generators do anything."""
    size = max((float(block.abs().max()) for block in blocks), default=0.0)
    chosen = [(s, b) for s, b in zip(slots, blocks, strict=True) if float(b.abs().max()) > NEAR**2 * size]
    return [s for s, _ in chosen], [b for _, b in chosen]


def _steps(own: Solutions, shift: Solutions) -> Tensor:
    """The translations `(m, t)` to take away from generators, so that they move the origin as little as can be."""
    rows, basis = (torch.cat([part[:, :-1, -1] for part in some.inputs], -1) for some in (own, shift))
    found: Tensor = torch.linalg.lstsq(basis.mT, rows.mT, driver="gelsd").solution.mT
    return found


def components(linear: Tensor) -> list[list[int]]:
    """Places that generators `(k, d, d)` mix with each other, in order."""
    d = linear.shape[-1]
    joined = (linear.abs().sum(0) > NEAR * float(linear.abs().max().clamp_min(5e-324))).double()
    reach = torch.linalg.matrix_power(joined + joined.mT + torch.eye(d, dtype=joined.dtype), max(d, 1)) > 0
    found: list[list[int]] = []
    for i in range(d):
        if not any(i in some for some in found):
            found.append(reach[i].nonzero().flatten().tolist())
    return found


def direct_sums(d: int, linear: Tensor) -> list[str]:
    """Texts of reps of so(d) with these blocks: irreps of any parity in space, else scalars and vectors."""
    if float(linear.abs().max()) < NEAR:
        return []
    sizes = [len(some) for some in components(linear)]
    if any(some != list(range(some[0], some[0] + len(some))) for some in components(linear)):
        return []
    if d != 3:
        return (
            [" + ".join(f"{n} {'vector' if size == d else 'scalar'}" for size, n in _runs(sizes))]
            if set(sizes) <= {1, d}
            else []
        )
    if any(size % 2 == 0 for size in sizes):
        return []
    found: list[str] = []
    for count in range(len(sizes) + 1):  # with as few parities as can be other than the natural ones
        for other in combinations(range(len(sizes)), count):
            terms = [f"{size // 2}{'eo'[(size // 2 % 2) ^ (i in other)]}" for i, size in enumerate(sizes)]
            found.append("+".join(f"{n}x{term}" for term, n in _runs(terms)))
            if len(found) == PARITIES:
                return found
    return found


PARITIES = 64
"""Assignments of parities that are tried: all of six irreps, one or two others than the natural ones of more."""


def _runs(items: Sequence[Item]) -> list[tuple[Item, int]]:
    """Each item with how often it comes in a row."""
    return [(item, len(list(same))) for item, same in groupby(items)]


def charged(frequency: int) -> str:
    """The rep of a leaf of complex numbers of that charge."""
    return f"phase(frequency={frequency})" if frequency else "scalar"


def scaled(power: float) -> str:
    """The rep of a leaf that scales by that power, taken for a plain fraction if it is near one.

    >>> scaled(2.0000001), scaled(0.0), scaled(-0.5)
    ('scale_by(power=2)', 'scalar', 'scale_by(power=-0.5)')
    """
    plain = Fraction(power).limit_denominator(12)
    value = float(plain) if abs(power - plain) < NEAR else power
    if not math.isfinite(value) or abs(value) < NEAR:
        return "scalar"
    return f"scale_by(power={int(value) if value == int(value) else value!r})"
