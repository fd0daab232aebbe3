"""Reps derived from one other: its dual, its conjugate, itself along another axis, and what it is to another group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import GL, SE, SO, SU, E, Group, Homomorphism, Lorentz, Monoid, O, Product, Symmetric, U, cover
from symcheck.groups.homomorphism import inclusion
from symcheck.reps.algebra import Combined, TensorProduct, are_linear, are_reps, word
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.cartesian import Point, Vector, matrix_act
from symcheck.reps.irreps import Irreps
from symcheck.reps.moves import AlongAxis, Permute
from symcheck.reps.spinor import Spinor
from symcheck.reps.tensors import Cartesian, PseudoScalar


@dataclass(frozen=True)
class Derived(Combined):
    """A rep made of one other, which acts on the same tensors as an element of the group does that `of` names."""

    rep: Rep

    def of(self, group: Monoid) -> Monoid:
        """The group of the rep that it is made of, where the claim is of `group`."""
        return group

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.rep,)

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    def fibre(self, group: Monoid) -> Shape | None:
        return self.rep.fibre(self.of(group))

    def look(self, group: Monoid, shape: Shape) -> Look:
        return self.rep.look(self.of(group), shape)

    def is_complex(self, group: Monoid) -> bool:
        return self.rep.is_complex(self.of(group))

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return self.rep.sample(self.of(group), shape, n, rng)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return self.rep.misfit(self.of(group), shape)


@dataclass(frozen=True)
class Dual(Derived):
    """The dual of a linear rep: the inverse transpose of its matrices, so that `sum(dual * x)` is invariant.

    Covectors, gradients and momenta of a general linear group are `Dual(Vector())`. Under an orthogonal rep it is the same,
    under a unitary one its conjugate.
    """

    name = "dual"

    def __post_init__(self) -> None:
        are_reps("Dual", self.parts)
        are_linear(self, self.parts, "and so has no matrix to invert and transpose")

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return False

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        if self.trivial:
            return x
        fibre = self.fibre(group)
        shape = tuple(x.shape[x.ndim - self.rank :]) if fibre is None else fibre
        matrix = self.rep.matrix(group, _group(self, group).inverse(g), shape).mT
        flat = x.reshape(*x.shape[: x.ndim - len(shape)], math.prod(shape))
        return matrix_act(matrix, flat).reshape(x.shape)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            _group(self, group)
        except GroupError as error:
            return str(error)
        return self.rep.misfit(group, shape)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(Vector()), O(3), (4, 3)),
            (cls(Cartesian(2)), SO(2), (3, 2, 2)),
            (cls(Irreps("2e+1o")), E(3), (8,)),
            (cls(Permute()), Symmetric(4), (2, 4, 2)),
            (cls(PseudoScalar()), O(2), (3,)),
            (cls(Vector()), GL(3), (4, 3)),
            (TensorProduct(Vector(), cls(Vector())), GL(2), (2, 4)),
            (cls(Vector()), Lorentz(3), (4,)),
            (cls(Spinor()), SU(2), (2,)),
        ]


def _group(rep: Rep, group: Monoid) -> Group:
    if not isinstance(group, Group):
        raise GroupError(f"{rep}: {group} has no inverses, which a dual needs. Use a group, or the rep itself.")
    return group


@dataclass(frozen=True)
class Conjugate(Derived):
    """The complex conjugate of a linear rep: what acts on the conjugates of its tensors, as on antiquarks beside quarks."""

    name = "conjugate"

    def __post_init__(self) -> None:
        are_reps("Conjugate", self.parts)
        are_linear(self, self.parts, "and so its matrices can't be conjugated")

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(group, g, x.conj()).conj().resolve_conj()

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(Vector()), O(3), (4, 3)), (cls(Spinor()), SU(2), (2, 2)), (cls(2 * Vector()), U(3), (6,))]


@dataclass(frozen=True)
class Along(AlongAxis, Derived):
    """A rep of the last axis along another one: `along(point, axis=-2)` moves points whose coordinates are rows, `(3, N)`."""

    axis: int

    name = "along"

    def __post_init__(self) -> None:
        are_reps("Along", self.parts)
        AlongAxis.__post_init__(self)
        if self.rep.mixes != (-1,):
            raise ClaimError(f"{self}: {self.rep} doesn't act on the last axis alone. Use one that does, such as 'vector'.")

    @property
    def text(self) -> str:
        return f"along({word(self.rep)}, axis={self.axis})"

    def fibre(self, group: Monoid) -> Shape | None:
        """None: what it acts on isn't of the trailing axes alone."""
        return None

    def look(self, group: Monoid, shape: Shape) -> Look:
        return ""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(group, g, x.movedim(self.axis, -1)).movedim(-1, self.axis)

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        return self.rep.pooled(group, x.movedim(self.axis, -1)).movedim(-1, self.axis)

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return self.rep.sample(group, self._last(shape), n, rng).movedim(-1, self.axis)

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        return {name: x.movedim(-1, self.axis) for name, x in self.rep.patterns(self._last(shape)).items()}

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        reason = self.rep.misfit(group, self._last(shape))
        return None if reason is None else f"{self}: {reason}"

    def _last(self, shape: Shape) -> Shape:
        """That shape with the axis in the last place."""
        at = len(shape) + self.axis
        return (*shape[:at], *shape[at + 1 :], shape[at])

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(Point(), -2), E(3), (3, 4)),
            (cls(Vector(), -3), O(2), (2, 4, 5)),
            (cls(2 * Vector() + PseudoScalar(), -2) * Permute(axis=-1), Product((O(3), Symmetric(4))), (7, 4)),
            (cls(Irreps("1o+2e"), -2), SO(3), (8, 3)),
        ]


@dataclass(frozen=True)
class Via(Derived):
    """A rep of another group by way of a homomorphism: each element acts as its image does.

    By an inclusion it is the restriction to a subgroup; by a projection a product acts by one of its factors; by the cover of
    SO(3), SU(2) turns vectors.
    """

    homomorphism: Homomorphism

    name = "via"

    def __post_init__(self) -> None:
        are_reps("Via", self.parts)

    def __repr__(self) -> str:
        return f"Via({self.rep}, {self.homomorphism.source} -> {self.homomorphism.target})"

    @property
    def text(self) -> str:
        return f"{word(self.rep)} of {self.homomorphism.target}"

    def of(self, group: Monoid) -> Monoid:
        return self.homomorphism.target

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(self.homomorphism.target, self.homomorphism(g), x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        source = self.homomorphism.source
        try:
            target = self.homomorphism.target.bind(self.rep.sizes(shape))
        except GroupError as error:
            return f"{self}: {error}"
        if not _same(source, group):
            return f"{self} is for {source}, not for {group}"
        return self.rep.misfit(target, shape)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        """The restriction to a subgroup, the projection R -> det(R) R to rotations, and the cover of the rotations."""
        proper = Homomorphism(O(3), SO(3), lambda g: torch.linalg.det(g).sign().reshape(-1, 1, 1) * g)
        return [
            (cls(Point(), inclusion(SE(3), E(3))), SE(3), (4, 3)),
            (cls(Irreps("2e"), proper), O(3), (5,)),
            (cls(Vector(), cover), SU(2), (4, 3)),
        ]


def _same(source: Monoid, group: Monoid) -> bool:
    """Whether a homomorphism from `source` is one from a bound group: from the same, or from that for any size."""
    try:
        return source.bind({}) == group
    except GroupError:  # its sizes aren't known
        return type(source) is type(group)


@dataclass(frozen=True)
class Factor(Derived):
    """A rep of one factor of a product group, by its number from 0, where several have the part that the rep asks for.

    Under SO(3) x SO(3), `Factor(Vector(), 1)` turns by the second rotation; `Vector()` by the first that there is.
    """

    index: int

    name = "factor"

    def __post_init__(self) -> None:
        are_reps("Factor", self.parts)
        if not isinstance(self.index, int) or self.index < 0:
            raise ClaimError(f"{self}: factors are numbered 0, 1 and so on, in the order in which the group names them.")

    @property
    def text(self) -> str:
        return f"factor({word(self.rep)}, index={self.index})"

    def of(self, group: Monoid) -> Monoid:
        return self._product(group).groups[self.index]

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(self.of(group), self._product(group).split(g)[self.index], x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            return self.rep.misfit(self.of(group), shape)
        except GroupError as error:
            return str(error)

    def _product(self, group: Monoid) -> Product:
        if not isinstance(group, Product):
            raise GroupError(f"{self}: {group} is no product. Use the rep itself, {self.rep}.")
        if self.index >= len(group.groups):
            raise GroupError(f"{self}: {group} has {len(group.groups)} factors, numbered from 0. Use one of them.")
        return group

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        rotations = Product((SO(3), O(3)))
        return [
            (cls(Vector(), 1), rotations, (4, 3)),
            (cls(Vector(), 0) * Via(PseudoScalar(), rotations.projection(1)), rotations, (3,)),
            (TensorProduct(cls(Vector(), 0), cls(Vector(), 1)), rotations, (2, 9)),
        ]
