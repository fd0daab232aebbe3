"""Reps by the group's own matrices: scalars, vectors and points, and what all linear reps on the last axis share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from symcheck import patterns
from symcheck.errors import ClaimError, GroupError
from symcheck.groups import GL, PGL, SE, SL, SO, SU, Aff, E, Galilei, Lorentz, Monoid, O, Poincare, Sim, Symmetric, U
from symcheck.reps.base import Look, Rep, Shape, wrong_size


class Character(Rep):
    """A rep of one dimension: each element multiplies every entry of the tensor by a number."""

    @abstractmethod
    def factor(self, group: Monoid, g: Tensor) -> Tensor:
        """The numbers `(n,)`, which multiply as the elements do."""

    @property
    def rank(self) -> int:
        return 0

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def fibre(self, group: Monoid) -> Shape:
        return ()

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        factor = self.factor(group, g).to(x)
        return x * factor.reshape(-1, *(1,) * (x.ndim - 1))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            self.factor(group, group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        return None


@dataclass(frozen=True)
class Scalar(Rep):
    """The trivial rep: every element leaves the tensor as it is. An output that is `Scalar` claims invariance."""

    name = "scalar"
    trivial = True
    discrete = True

    @property
    def rank(self) -> int:
        return 0

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def fibre(self, group: Monoid) -> Shape:
        return ()

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), SO(3), (4, 2)), (cls(), Symmetric(3), ())]


class LastAxis(Rep):
    """A linear rep on the last axis, told by its matrices."""

    @abstractmethod
    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        """`(n, d, d)` for elements `(n, *element)`, acting on column vectors, real or complex."""

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def undefined(self, group: Monoid) -> str | None:
        """Why it is no rep of a group, behind its name, whatever the tensor; None where it is one. GroupError too says why."""
        return None

    def fibre(self, group: Monoid) -> Shape:
        reason = self.undefined(group)
        if reason is not None:
            raise GroupError(f"{self} {reason}")
        return (self.matrices(group, group.identity(1)).shape[-1],)

    def is_complex(self, group: Monoid) -> bool:
        return self.matrices(group, group.identity(1)).is_complex()

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return matrix_act(self.matrices(group, g), x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            reason = self.undefined(group)
            if reason is not None:
                return f"{self} {reason}"
            (dim,) = self.fibre(group)
        except GroupError as error:
            return f"{self}: {error}"
        return wrong_size(self, group, shape, dim)


@dataclass(frozen=True)
class Vector(LastAxis):
    """The standard rep: the last axis is a vector in space, `x -> R x`, which translations leave alone.

    R is the group's linear part, whatever it is: a rotation, a shear, a boost, a unitary matrix, which acts on complex
    tensors only.
    """

    name = "vector"

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        return group.linear(g)

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "vectors" if shape[-1] in (2, 3) and not self.is_complex(group) else ""

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        euclidean = [(cls(), group, (4, dim)) for dim in (2, 3) for group in (SO(dim), O(dim), SE(dim), E(dim))]
        others = [GL(3), SL(2), Aff(2), Sim(3), PGL(3), Lorentz(3), U(1), U(2), SU(2), SU(3)]
        return euclidean + [(cls(), group, (4, group.linear(group.identity(1)).shape[-1])) for group in others]

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        """Of many vectors those of points in space; of one, a vector along an axis, and zero."""
        if len(shape) > 1:
            return {name: cloud.expand(shape) for name, cloud in patterns.points(shape[-2], shape[-1]).items()}
        along = torch.eye(shape[0], dtype=torch.float64)[0]
        return {"a vector along an axis": along, "zeros": torch.zeros_like(along)}


@dataclass(frozen=True)
class Point(Vector):
    """The affine action: the last axis is a point in space, `x -> R x + t`."""

    name = "point"
    linear = False

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "points" if super().look(group, shape) else ""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        turned = super().act(group, g, x)
        step = group.translation(g).to(x)
        return turned + step.reshape(len(step), *(1,) * (x.ndim - 2), step.shape[-1])

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        reason = super().misfit(group, shape)
        if reason is not None:
            return reason
        try:
            group.translation(group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        euclidean = [(cls(), group, (4, dim)) for dim in (2, 3) for group in (SE(dim), E(dim))]
        return [
            *euclidean,
            (cls(), Aff(2), (4, 2)),
            (cls(), Sim(3), (3,)),
            (cls(), Poincare(3), (4,)),
            (cls(), Galilei(3), (2, 4)),
        ]


def matrix_act(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrices `(n, d, d)` on the last axis of `(n, ..., d)`. ClaimError for complex matrices on a real tensor."""
    if matrix.is_complex() and not x.is_complex():
        raise ClaimError(
            f"the group's matrices are complex, and the tensor is {x.dtype}: a real tensor would lose its imaginary part. "
            f"Give complex numbers, as by torch.complex."
        )
    rows = x.reshape(len(x), -1, x.shape[-1])
    return torch.matmul(rows, matrix.to(x).mT).reshape(x.shape)


# Elements by which a group is tried: enough of them that a group which doesn't keep a form breaks it by O(1) in one.
_TRIED = 8


def keeps(group: Monoid, form: Tensor) -> bool:
    """Whether the linear parts A of a group keep a bilinear form `(d, d)`: A^T form A = form, tried on a few elements.

    What keeps it does so up to the rounding of the elements, far less than half of the digits; what doesn't, by the first.
    """
    matrix = group.linear(group.sample(_TRIED, Generator().manual_seed(0)))
    return not matrix.is_complex() and matrix.shape[-1] == len(form) and _kept(matrix, form)


def keeps_lengths(group: Monoid) -> bool:
    """Whether the linear parts of a group are rotations and reflections, or unitary."""
    matrix = group.linear(group.sample(_TRIED, Generator().manual_seed(0)))
    return _kept(matrix, torch.eye(matrix.shape[-1]))


def _kept(matrix: Tensor, form: Tensor) -> bool:
    gap = (matrix.mH @ form.to(matrix) @ matrix - form.to(matrix)).abs().amax((-2, -1))
    size = matrix.abs().square().sum((-2, -1))
    return bool((gap <= torch.finfo(matrix.dtype).eps ** 0.5 * size).all())


def is_orthogonal(group: Monoid) -> bool:
    """Whether the linear part of a group is made of rotations and reflections."""
    dim = group.linear(group.identity(1)).shape[-1]
    return keeps(group, torch.eye(dim, dtype=torch.float64))
