"""Reps of finite and planar groups: the regular rep, signs, phases, and the irreps of rotations of the plane."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import SO, Cyclic, Dihedral, E, Monoid, O, Polyhedral, SignedPermutations, Symmetric
from symcheck.reps.base import Rep, Shape, wrong_size
from symcheck.reps.cartesian import Character, is_orthogonal, matrix_act
from symcheck.reps.moves import AlongAxis


@dataclass(frozen=True)
class Regular(AlongAxis):
    """The regular rep of a finite group: an axis has one entry for each element, and entry h goes to place g h.

    So (g f)(h) = f(g⁻¹ h). The entries are in the order of `group.elements()`.

    >>> x = torch.arange(4.0).unsqueeze(0)
    >>> Regular().act(Cyclic(4), torch.tensor([[1]]), x)
    tensor([[3., 0., 1., 2.]])
    """

    axis: int = -1

    name = "regular"
    discrete = True

    def fibre(self, group: Monoid) -> Shape | None:
        return (group.order,) if self.axis == -1 else None

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        source = places(group, g).argsort(-1).to(x.device)
        ones = [1] * x.ndim
        ones[0], ones[self.axis] = source.shape
        return x.gather(self.axis, source.reshape(ones).expand(x.shape))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            places(group, group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        if shape[self.axis] != group.order:
            return f"{self} under {group} has {group.order} entries along axis {self.axis}, one for each element"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), Cyclic(5), (2, 5)),
            (cls(), Dihedral(3), (6,)),
            (cls(axis=-2), Symmetric(3), (6, 2)),
            (cls(), Polyhedral("Tetrahedral"), (12,)),
        ]


def places(group: Monoid, g: Tensor) -> Tensor:
    """Where left multiplication sends each element of a finite group: `places(group, g)[:, i]` is the place of g h_i.

    `(n, order)`, for h_i the `i`-th of `group.elements()`.
    """
    order = group.order
    every, sorted_keys, place = _listing(group)
    left, right = g.repeat_interleave(order, 0), every.repeat(len(g), *[1] * (every.ndim - 1))
    products = group.compose(left, right)
    at = torch.searchsorted(sorted_keys, _keys(products)).clamp_max(order - 1)
    found = place[at]
    if not torch.equal(every[found], products):
        raise GroupError(f"{group}: a product is none of its {order} elements. Mend its `compose`, or give elements of it.")
    return found.reshape(len(g), order)


@lru_cache(maxsize=16)
def _listing(group: Monoid) -> tuple[Tensor, Tensor, Tensor]:
    """The elements, their keys in order, and whose each of these is."""
    with torch.inference_mode(False):  # or else a first call under it would spoil the cache for autograd
        every = group.elements()
        if every.is_floating_point() or every.is_complex():
            raise GroupError(f"{group} has elements that aren't integers, and can't be looked up. Use a finite group that has.")
        keys, place = _keys(every).sort()
        if bool((keys[1:] == keys[:-1]).any()):
            raise GroupError(f"{group} lists an element twice. Mend its `elements`.")
        return every, keys, place


def _keys(elements: Tensor) -> Tensor:
    """A number for each element: a polynomial of its entries, modulo 2^64, at a large odd place (Knuth's multiplier)."""
    key = torch.zeros(len(elements), dtype=torch.int64)
    for entry in elements.flatten(1).unbind(-1):
        key = key * 6364136223846793005 + entry + 1
    return key


@dataclass(frozen=True)
class Sign(Character):
    """Each element multiplies by its sign, 1 or -1: that of a permutation, or of the determinant of its linear part.

    `of` names what is permuted. By default it is the sign of the determinant, a pseudo-scalar under reflections, where the
    group has a linear part, and otherwise the sign of its permutations of points: 1 if they are an even number of swaps. What
    has the sign of the permutation of its inputs is antisymmetric, as is the wave function of fermions.
    """

    of: str | None = None

    name = "sign"

    def factor(self, group: Monoid, g: Tensor) -> Tensor:
        if self.of is not None:
            return parity(group.permutation(g, self.of))
        try:
            matrix = group.linear(g)
        except GroupError:
            return parity(self._permutation(group, g))
        if matrix.is_complex():
            raise GroupError(f"{group} has complex determinants, and so no sign. Use a group of real matrices or permutations.")
        sign: Tensor = torch.linalg.det(matrix).sign()
        return sign

    def _permutation(self, group: Monoid, g: Tensor) -> Tensor:
        try:
            return group.permutation(g)
        except GroupError:
            raise GroupError(
                f"{group} has neither a linear part nor permutations of points, and so no sign. Use a group of matrices, such "
                f"as 'O(3)', or of permutations, such as 'S_n', and name what is permuted, as in Sign(of='edges')."
            ) from None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        groups: list[Monoid] = [Symmetric(4), O(2), E(3), Dihedral(4), SignedPermutations(3)]
        return [*((cls(), group, (4,)) for group in groups), (cls(of="edges"), Symmetric(3, "edges"), (2, 3))]


def parity(permutation: Tensor) -> Tensor:
    """The sign of permutations `(n, size)`: -1 to the power of what is permuted less the number of cycles. `(n,)`, float64.

    The smallest number in each cycle is found by doubling: after k rounds a place knows the 2^k places that follow it.

    >>> parity(torch.tensor([[0, 1, 2], [1, 0, 2], [1, 2, 0]])).tolist()
    [1.0, -1.0, 1.0]
    """
    size = permutation.shape[-1]
    step, smallest = permutation, torch.arange(size).expand_as(permutation)
    for _ in range(max(size - 1, 0).bit_length()):
        smallest = torch.minimum(smallest, smallest.gather(-1, step))
        step = step.gather(-1, step)
    cycles = (smallest == torch.arange(size)).sum(-1)
    return 1 - 2 * ((size - cycles) % 2).double()


@dataclass(frozen=True)
class Phase(Character):
    """Complex numbers of a charge: a rotation or phase by φ multiplies by exp(i `frequency` φ).

    Under U(1), a field of that charge; under rotations of the plane, of that angular momentum. For pairs of real numbers use
    `PlanarIrreps`.
    """

    frequency: int = 1

    name = "phase"

    def __post_init__(self) -> None:
        if not isinstance(self.frequency, int) or self.frequency == 0:
            raise ClaimError(f"{self}: the frequency is a whole number other than 0. Use 'scalar' for what doesn't turn.")

    def is_complex(self, group: Monoid) -> bool:
        return True

    def factor(self, group: Monoid, g: Tensor) -> Tensor:
        angle = self.frequency * group.phase(g)
        return torch.complex(angle.cos(), angle.sin())

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        if not x.is_complex():
            raise ClaimError(f"{self} acts on complex tensors, not on {x.dtype}. For pairs of numbers use PlanarIrreps('1').")
        return super().act(group, g, x)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Cyclic(5), (3,)), (cls(-2), SO(2), (3, 2)), (cls(3), SO(2), ())]


@dataclass(frozen=True)
class PlanarIrreps(Rep):
    """A direct sum of irreps of rotations of the plane on the last axis, by frequency: "2x0+1x1+3".

    Frequency m takes two entries, which a rotation by φ turns by m φ; 0 takes one, which stays. A reflection s = diag(1, -1)
    changes the sign of the second of the two entries, so that frequency 1 is a vector and m the real and imaginary part of
    (x + i y)^m; it leaves "0" alone and changes the sign of "0-", a pseudo-scalar. Other reflections are rotations of s.
    Under SO(2), O(2) and the groups that have a planar rotation or phase; copies lie one after another. Of C_n and D_n, m
    and m + n are the same, and those with 2m a multiple of n aren't irreducible.

    >>> PlanarIrreps("2x0 + 1 + 3x2").dim
    10
    """

    text: str = "1"

    name = "planar"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.replace(" ", ""))
        parse_planar(self.text)

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    @property
    def dim(self) -> int:
        """The size of the last axis."""
        return sum(copies * (2 if frequency else 1) for copies, frequency, _ in parse_planar(self.text))

    def fibre(self, group: Monoid) -> Shape:
        return (self.dim,)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        turn, sign = _turn_and_sign(group, g)
        blocks, start = [], 0
        for copies, frequency, flips in parse_planar(self.text):
            matrix = _planar(turn, sign, frequency) if frequency else (sign if flips else sign.abs()).reshape(-1, 1, 1)
            size = copies * matrix.shape[-1]
            block = x[..., start : start + size].reshape(*x.shape[:-1], copies, matrix.shape[-1])
            blocks.append(matrix_act(matrix, block).reshape(*x.shape[:-1], size))
            start += size
        return torch.cat(blocks, -1)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            _turn_and_sign(group, group.identity(1))
            turns = not _is_planar(group) or is_orthogonal(group)
        except GroupError as error:
            return f"{self}: {error}"
        if not turns:
            return f"{self} is defined for rotations and reflections of the plane, not for {group}"
        return wrong_size(self, group, shape, self.dim)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        groups: list[Monoid] = [SO(2), O(2), E(2), Cyclic(5), Dihedral(5)]
        rep = cls("2x0+1+0-+2x3")
        return [(rep, group, (2, rep.dim)) for group in groups]


@lru_cache
def parse_planar(text: str) -> tuple[tuple[int, int, bool], ...]:
    """Multiplicity and frequency of each term, and whether a reflection changes its sign.

    >>> parse_planar("2x0+0-+3")
    ((2, 0, False), (1, 0, True), (1, 3, False))
    """
    terms = [re.fullmatch(r"(?:(\d+)x)?(?:(\d+)|0(-))", term) for term in text.split("+")]
    if None in terms:
        raise ClaimError(f"{text!r} isn't a sum of planar irreps. Write multiplicity x frequency, as in '2x0+1x1+1x2'.")
    return tuple((int(t[1] or 1), int(t[2] or 0), bool(t[3])) for t in terms if t)


def _is_planar(group: Monoid) -> bool:
    """Whether elements have a real 2 x 2 linear part."""
    try:
        matrix = group.linear(group.identity(1))
    except GroupError:
        return False
    return matrix.shape[-1] == 2 and not matrix.is_complex()


def _turn_and_sign(group: Monoid, g: Tensor) -> tuple[Tensor, Tensor]:
    """Each element as exp(i φ) s^m, a rotation of the reflection s or not: the complex number and the sign, `(n,)` each."""
    if not _is_planar(group):
        angle = group.phase(g)
        return torch.complex(angle.cos(), angle.sin()), torch.ones_like(angle)
    matrix = group.linear(g)
    sign = torch.linalg.det(matrix).sign()
    return torch.complex(matrix[:, 0, 0], matrix[:, 1, 0]), sign


def _planar(turn: Tensor, sign: Tensor, frequency: int) -> Tensor:
    """Matrices `(n, 2, 2)`. The power is a product, so that quarter turns stay exact."""
    power = turn
    for _ in range(frequency - 1):
        power = power * turn
    return torch.stack([power.real, -power.imag * sign, power.imag, power.real * sign], -1).reshape(-1, 2, 2)
