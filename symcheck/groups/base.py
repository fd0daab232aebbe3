"""The group interface: elements travel as a batch, one tensor `(n, *element)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError

if TYPE_CHECKING:
    from typing_extensions import Self

    from symcheck.groups.homomorphism import Homomorphism

LISTED = 10_000  # elements that fit in memory with the products that a regular rep needs, 256 trials at once


class Monoid(ABC):
    """A set with an associative product and an identity.

    Laws, each tested for every monoid that `examples` returns:

    - `compose(g, compose(h, k)) == compose(compose(g, h), k)`
    - `compose(g, identity(n)) == g == compose(identity(n), g)`

    Elements are float64, complex128 or int64 tensors on the CPU, batch first. A monoid may be *unbound*, its sizes not yet
    known (`S_n`); `bind` gives it for known sizes. How its elements move things is said by its parts (`linear`,
    `translation`, `permutation`, `shift`, ...); a rep asks for the part it needs, and a group without it raises `GroupError`.
    """

    notation: ClassVar[tuple[str, ...]]  # how its names are written, for error messages: "SO(3)"

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Monoid | None:
        """The group that `text` names, or None if it names another."""

    @classmethod
    @abstractmethod
    def examples(cls) -> Sequence[Self]:
        """Bound groups on which the laws are tested."""

    @property
    @abstractmethod
    def element(self) -> tuple[int, ...]:
        """The shape of one element."""

    @abstractmethod
    def identity(self, n: int) -> Tensor: ...

    @abstractmethod
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        """First h, then g."""

    @abstractmethod
    def sample(self, n: int, rng: Generator) -> Tensor:
        """N independent elements: Haar or uniform where that exists, and every connected component reached."""

    @abstractmethod
    def describe(self, g: Tensor) -> str:
        """One element in words: "rotation by 90 deg about z", "(0 1)", "shift (+1, 0)"."""

    @abstractmethod
    def contains(self, g: Tensor) -> Tensor:
        """Which of `(n, *element)` are elements: `(n,)`, bool."""

    @abstractmethod
    def generators(self) -> Tensor:
        """Elements `(k, *element)` that generate a finite group; of a Lie group, one from each component but the identity's."""

    def check(self, g: Tensor) -> None:
        """Raise a GroupError that names the defect unless all of `(n, *element)` are elements."""
        element, kind = self.element, self.identity(1)
        if g.shape[1:] != element or g.ndim == 0:
            shape = f"({', '.join(['n', *map(str, element)])})"
            raise GroupError(
                f"elements of {self} have the shape {shape}, batch first; these have {tuple(g.shape)}. Reshape them."
            )
        if g.dtype != kind.dtype or g.device != kind.device:
            found, wanted = (f"{t.dtype} on {t.device}".removeprefix("torch.") for t in (g, kind))
            raise GroupError(f"elements of {self} are {wanted}; these are {found}. Make them with g.to('cpu', {kind.dtype}).")
        wrong = (~self.contains(g)).nonzero().flatten().tolist()
        if wrong:
            raise GroupError(f"element {wrong[0]} of {len(g)} isn't in {self}: {self._defect(g[wrong[0]])}.")

    def _defect(self, g: Tensor) -> str:
        """Why one tensor of the right shape and dtype is no element, and what to do."""
        if not g.isfinite().all():
            return "it holds NaN or infinity. Look for a division by zero where it was made"
        return f"it is {g.tolist()}. Draw elements with `sample`, or start from `identity`"

    def distance(self, g: Tensor, h: Tensor) -> Tensor:
        """How far elements are apart, `(n,)`: the largest difference of their entries. Zero for one element in two forms."""
        gap = (g - h).abs() if g.is_floating_point() or g.is_complex() else g != h
        return gap.double().reshape(len(g), -1).amax(-1) if gap[0].numel() else torch.zeros(len(g), dtype=torch.float64)

    def landmarks(self) -> Tensor:
        """The elements that a person would try first: generators, quarter turns, one from each connected component."""
        return self.generators()

    def bind(self, sizes: Mapping[str, int]) -> Monoid:
        """This group for known sizes. A group whose sizes are fixed returns itself, or raises if they disagree."""
        return self

    @property
    def order(self) -> int:
        """How many elements a finite group has."""
        raise GroupError(f"{self} has infinitely many elements, and so no order. Ask for `dimension`, that of its Lie algebra.")

    def elements(self) -> Tensor:
        """All elements `(order, *element)` of a finite group, each once, the identity first: those that `generators` reach.

        GroupError if there are infinitely many, or more than LISTED.
        """
        reached, order = self.identity(1), self._listed()
        while len(reached) < order:
            further = [self.compose(step.expand_as(reached), reached) for step in self.generators()]
            reached, before = torch.unique(torch.cat([reached, *further]), dim=0), len(reached)
            if len(reached) == before:
                raise GroupError(f"{self} has {order} elements; its generators reach {before}. Mend `generators` or `order`.")
        rest = (reached != self.identity(1)).flatten(1).any(-1)
        return torch.cat([self.identity(1), reached[rest]])

    def _listed(self) -> int:
        """The order of a group whose elements can be listed."""
        if self.order > LISTED:
            many = f"{self.order:,}" if self.order < 10**12 else "far more"  # Python writes no number of thousands of digits
            raise GroupError(f"{self} has {many} elements; up to {LISTED:,} can be listed. Draw some with `sample`.")
        return self.order

    # Simplification: what a shrinker tries, and the measure that must descend.

    def complexity(self, g: Tensor) -> Tensor:
        """How far elements `(n, *element)` are from simple, `(n,)`: 0 for the identity, 1 for landmarks, more for others."""
        far = torch.full((len(g),), 2.0, dtype=torch.float64)
        for measure, known in ((1.0, self.landmarks()), (0.0, self.identity(1))):
            same = (g.unsqueeze(1) == known.unsqueeze(0)).flatten(2).all(-1).any(1)
            far = torch.where(same, measure, far)
        return far

    def simpler(self, g: Tensor) -> Tensor:
        """Candidates `(k, *element)` to put in the place of one element: each of less complexity, the simplest first."""
        return self._simplest_first(g, torch.cat([self.identity(1), self.landmarks()]))

    def _simplest_first(self, g: Tensor, candidates: Tensor) -> Tensor:
        """Those of the candidates `(k, *element)` that have less complexity than one element, each once, in order of it."""
        measure = self.complexity(candidates)
        order = measure.argsort(stable=True)
        seen: dict[bytes, int] = {}
        for place in order[measure[order] < self.complexity(g.unsqueeze(0))].tolist():
            seen.setdefault((candidates[place] + 0).numpy().tobytes(), place)  # -0.0 + 0 is 0.0
        return candidates[list(seen.values())]

    # What the group is built from.

    @property
    def factors(self) -> tuple[Monoid, ...]:
        """The factors of a product, each of which a check reports apart. A group that is no product is its only factor."""
        return (self,)

    def at_scale(self, length: float) -> Self:
        """The group for points that are spread over such a length, in the units of their coordinates.

        Translations have no uniform distribution: those that are drawn, and those that count as simple, are of that size. A
        group without translations, or of which a size was stated, is the same.
        """
        return self

    def embed(self, factor: int, g: Tensor) -> Tensor:
        """Elements of one factor as elements of this group, the other factors being the identity."""
        return g

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Named subgroups by their inclusions, largest first: what may hold where the whole group doesn't."""
        return ()

    # The parts by which elements act. Each has a rep that asks for it.

    def linear(self, g: Tensor) -> Tensor:
        """The linear part, matrices `(n, d, d)` acting on column vectors."""
        raise self._lacks("linear part", "a matrix group, such as 'SO(3)'")

    def translation(self, g: Tensor) -> Tensor:
        """The translation part `(n, d)`: a point moves as `x -> linear(g) x + translation(g)`."""
        raise self._lacks("translations", "a group that moves points, such as 'E(3)'")

    def permutation(self, g: Tensor, of: str = "points") -> Tensor:
        """The permutation part `(n, size)`, int64: item i goes to place `permutation(g)[i]`. `of` names the items."""
        raise self._lacks(f"permutations of {of}", "a permutation group, such as 'S_n'")

    def shift(self, g: Tensor) -> Tensor:
        """The shift part `(n, axes)`, int64: the sample at place v goes to place `v + shift(g)`, cyclically."""
        raise self._lacks("cyclic shifts", "a group of grid translations, such as 'Z_N^2'")

    @property
    def grid(self) -> tuple[int, ...]:
        """The number of samples along each axis that `shift` shifts."""
        raise self._lacks("cyclic shifts", "a group of grid translations, such as 'Z_N^2'")

    def phase(self, g: Tensor) -> Tensor:
        """The angle of a planar rotation or of a phase, `(n,)`, in radians."""
        raise self._lacks("angle", "a group of planar rotations or phases, such as 'SO(2)' or 'U(1)'")

    def scale(self, g: Tensor) -> Tensor:
        """The factor by which lengths grow, `(n,)`, positive."""
        raise self._lacks("scaling", "a group that scales, such as 'R+' or 'Sim(3)'")

    def gauge(self, g: Tensor) -> Tensor:
        """The angles `(n, vertices)`, in radians, by which the frame at each vertex turns."""
        raise self._lacks("gauge changes", "a gauge group, such as 'SO(2)^V'")

    def warp(self, g: Tensor) -> Tensor:
        """The time warp `(n, steps)`, int64: after it, step t shows what step `warp(g)[t]` showed before."""
        raise self._lacks("time warps", "the monoid of time warps, 'Warp(T)'")

    def delay(self, g: Tensor) -> Tensor:
        """The number of steps `(n,)`, int64, by which a sequence starts later: after it, step t shows step `t - delay(g)`."""
        raise self._lacks("delays", "the monoid of delays, 'Delay(T)'")

    def slopes(self, g: Tensor) -> Tensor:
        """The slopes `(n, pieces)`, positive, of a piecewise-linear change of continuous time between its knots."""
        raise self._lacks("changes of continuous time", "a group of them, such as 'PL(4)'")

    def _lacks(self, part: str, other: str) -> GroupError:
        return GroupError(f"{self} has no {part}. Use {other}, or another rep.")


class Group(Monoid):
    """A monoid with inverses: `compose(g, inverse(g)) == identity(n)`, which is tested as the laws of `Monoid` are."""

    @abstractmethod
    def inverse(self, g: Tensor) -> Tensor: ...

    def algebra(self) -> Tensor:
        """A basis of the Lie algebra, matrices `(k, d, d)` of the linear rep by which elements multiply. Empty if finite."""
        return torch.zeros(0, 0, 0, dtype=torch.float64)

    @property
    def dimension(self) -> int:
        """That of the Lie algebra: 0 for finite and discrete groups."""
        return len(self.algebra())

    def exponential(self, v: Tensor) -> Tensor:
        """The elements `exp(sum_k v_k X_k)` for coordinates `(n, k)` in the basis `algebra()`: those near the identity."""
        basis = self.algebra()
        if not len(basis):
            return self.identity(len(v))
        step = torch.einsum("nk,kij->nij", v.to(basis.dtype), basis)
        return torch.where(_reached(basis), matrix_exponential(step), self.identity(1))


def matrix_exponential(x: Tensor) -> Tensor:
    """Those of matrices `(n, d, d)`. Of one alone torch's is off by up to 1e-10: github.com/pytorch/pytorch/issues/196592."""
    several: Tensor = torch.linalg.matrix_exp(x if len(x) != 1 else x.expand(2, -1, -1))
    return several[: len(x)]


def _reached(basis: Tensor) -> Tensor:
    """The entries `(d, d)` of exponentials that aren't the identity's whatever v: those that paths of nonzero entries lead to.

    matrix_exp rounds the others as well: it gives a homogeneous matrix the last row (0, 0, 1 + eps).
    """
    step = (basis != 0).any(0).double()
    paths = step + torch.eye(len(step))
    for _ in range(len(step).bit_length()):
        paths = (paths @ paths > 0).double()
    return step @ paths > 0
