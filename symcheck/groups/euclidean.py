"""Euclidean groups: rotations, reflections and translations of n-dimensional space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.groups._simple import ROUNDING, angle_axis, determinant, orthogonal_cost, simpler_orthogonal
from symcheck.groups.affine import AffineFamily
from symcheck.groups.base import Monoid
from symcheck.groups.homomorphism import Homomorphism, block, inclusion, largest_first
from symcheck.groups.matrix import Family, MatrixGroup

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _Orthogonal(Family):
    """Matrices `(n, d, d)`, Haar-distributed."""

    reflections: ClassVar[bool]

    @property
    def size(self) -> int:
        return self.dim

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3), cls(5)]

    def inverse(self, g: Tensor) -> Tensor:
        return g.mT

    def near(self, n: int, rng: Generator) -> Tensor:
        """Haar-distributed rotations: QR with the signs of R's diagonal fixed (Mezzadri 2007), then that of the determinant."""
        q: Tensor
        q, r = torch.linalg.qr(torch.randn(n, self.dim, self.dim, generator=rng, dtype=torch.float64))
        q = q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)
        q[:, :, 0] *= determinant(q).sign().unsqueeze(-1)
        return q

    def components(self) -> Tensor:
        """The identity, and the reflection along x if there are reflections."""
        signs = torch.ones(1 + self.reflections, self.dim, dtype=torch.float64)
        signs[1:, 0] = -1
        return torch.diag_embed(signs)

    def algebra(self) -> Tensor:
        """A skew-symmetric matrix for each coordinate plane, with the sign of its quarter turn."""
        turns = quarter_turns(self.dim)
        return (turns - turns.mT) / 2

    @property
    def dimension(self) -> int:
        return self.dim * (self.dim - 1) // 2

    def landmarks(self) -> Tensor:
        """One quarter turn in each coordinate plane, and one reflection if there are any."""
        return torch.cat([quarter_turns(self.dim), self.generators()])

    def describe(self, g: Tensor) -> str:
        return describe_orthogonal(g)

    def contains(self, g: Tensor) -> Tensor:
        good = self._close(g.mT @ g, self.identity(1))
        return good if self.reflections else good & (determinant(g) > 0)

    def _defect(self, g: Tensor) -> str:
        off = float((g.mT @ g - self.identity(1)).abs().max())
        if off > self.dim * ROUNDING:
            return f"its columns aren't orthonormal, g^T g is off by {off:.2g}. Orthonormalise it in float64"
        if not self.reflections and bool(determinant(g) < 0):
            return f"it is a reflection, of determinant -1. Use O({self.dim})"
        return super()._defect(g)

    def complexity(self, g: Tensor) -> Tensor:
        """Quarter turns and mirrors 1; then other turns in a coordinate plane, by the angle; then others."""
        return orthogonal_cost(g)

    def simpler(self, g: Tensor) -> Tensor:
        """The angle rounded, the axis snapped to a coordinate axis, the reflection or the rotation dropped."""
        candidates = simpler_orthogonal(g)
        return self._simplest_first(g, candidates[self.contains(candidates)])


class SO(_Orthogonal):
    """Rotations of n-dimensional space: orthogonal matrices of determinant 1.

    >>> str(SO(3)), SO(3).element
    ('SO(3)', (3, 3))
    """

    letter = "SO"
    least = 2
    reflections = False
    notation = ("SO(2)", "SO(3)")

    def landmarks(self) -> Tensor:
        """One quarter turn in each coordinate plane; if there is only one, the half turn and the turn back as well."""
        turns = super().landmarks()
        return torch.cat([turns, turns @ turns, turns.mT]) if self.dim == 2 else turns

    def phase(self, g: Tensor) -> Tensor:
        return planar_angle(g) if self.dim == 2 else super().phase(g)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        if self.dim == 2:
            return _finite(self, "C_8", "C_6", "C_4", "C_3", "C_2")
        if self.dim == 3:
            turned = Homomorphism(O(2), self, _turned_over, "O(2) about z")  # its reflections as half turns
            solids = _finite(self, "Icosahedral", "Octahedral", "Tetrahedral")
            return (turned, block(SO(2), self, "SO(2) about z"), *solids)
        return (block(SO(self.dim - 1), self), block(SO(2), self))


class O(_Orthogonal):  # noqa: E742 - the group's name
    """Rotations and reflections of n-dimensional space: all orthogonal matrices."""

    letter = "O"
    reflections = True
    notation = ("O(2)", "O(3)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), *super().examples()]

    def subgroups(self) -> tuple[Homomorphism, ...]:
        if self.dim == 1:
            return ()
        about = " about z" if self.dim == 3 else ""
        lower = (block(O(self.dim - 1), self, f"O({self.dim - 1}){about}" if self.dim > 2 else "O(1) along x"),)
        proper = inclusion(SO(self.dim), self)
        if self.dim == 2:
            return (proper, *lower, *_finite(self, "D_8", "D_6", "D_4", "D_3", "C_8", "C_6", "C_4", "C_3", "C_2"))
        solids = _finite(self, "I_h", "O_h", "T_h", "Octahedral") if self.dim == 3 else ()
        return (proper, *lower, block(SO(2), self, f"SO(2){about}"), *solids)


def _finite(group: Monoid, *names: str) -> tuple[Homomorphism, ...]:
    """Finite groups of rotations and reflections, by name, as subgroups. They are defined by way of this module."""
    from symcheck.groups import from_string

    return tuple(Homomorphism(finite, group, finite.linear) for finite in map(from_string, names))


class _Rigid(AffineFamily):
    """Isometries of space, as homogeneous matrices `(n, d + 1, d + 1)`."""

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3), cls(5)]


class SE(_Rigid):
    """Rotations and translations of n-dimensional space."""

    letter = "SE"
    least = 2
    notation = ("SE(2)", "SE(3)")

    @property
    def linear_group(self) -> SO:
        return SO(self.dim)

    def phase(self, g: Tensor) -> Tensor:
        return planar_angle(g) if self.dim == 2 else super().phase(g)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        about = (block(SO(2), self, "SO(2) about z"),) if self.dim == 3 else ()
        return largest_first(block(SO(self.dim), self), inclusion(T(self.dim, self.spread), self), *about)


class E(_Rigid):
    """All isometries of n-dimensional space: rotations, reflections and translations."""

    letter = "E"
    notation = ("E(2)", "E(3)")

    @property
    def linear_group(self) -> O:
        return O(self.dim)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        step = inclusion(T(self.dim, self.spread), self)
        if self.dim == 1:
            return (step, block(O(1), self))
        about = (block(SO(2), self, "SO(2) about z"),) if self.dim == 3 else ()
        whole = inclusion(SE(self.dim, self.spread), self)
        return largest_first(whole, block(O(self.dim), self), block(SO(self.dim), self), step, *about)


@dataclass(frozen=True)
class _Fixed(MatrixGroup):
    """The group of the identity alone, as matrices `(n, d, d)`."""

    dim: int

    notation = ()

    def __str__(self) -> str:
        return "the identity"

    @classmethod
    def parse(cls, text: str) -> None:
        return None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2)]

    @property
    def size(self) -> int:
        return self.dim

    def algebra(self) -> Tensor:
        return torch.zeros(0, self.dim, self.dim, dtype=torch.float64)

    def contains(self, g: Tensor) -> Tensor:
        return self._close(g, self.identity(1))

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.identity(n)


class T(_Rigid):
    """Translations of n-dimensional space, as homogeneous matrices: the group R^n."""

    letter = "T"
    notation = ("T(2)", "T(3)")

    @property
    def linear_group(self) -> _Fixed:
        return _Fixed(self.dim)

    def landmarks(self) -> Tensor:
        """A step along each axis."""
        return self._shifts(self.spread * torch.eye(self.dim, dtype=torch.float64))


def rotations(dim: int) -> MatrixGroup:
    """SO(dim); on a line, the identity alone."""
    return SO(dim) if dim > 1 else _Fixed(dim)


def quarter_turns(dim: int) -> Tensor:
    """One quarter turn in each coordinate plane; in space about +z, +y, +x."""
    i, j = torch.triu_indices(dim, dim, 1)
    turn, sign = torch.arange(len(i)), torch.where((j - i) % 3 == 1, 1.0, -1.0).double()
    turns = torch.eye(dim, dtype=torch.float64).repeat(len(i), 1, 1)
    turns[turn, i, i], turns[turn, j, j] = 0, 0
    turns[turn, i, j], turns[turn, j, i] = -sign, sign
    return turns


def planar_angle(g: Tensor) -> Tensor:
    """The angles `(n,)` of planar rotations, in radians."""
    return torch.atan2(g[:, 1, 0], g[:, 0, 0])


def _turned_over(g: Tensor) -> Tensor:
    """Planar rotations as rotations about z, and planar reflections as half turns about an axis of the plane."""
    whole = torch.zeros(len(g), 3, 3, dtype=g.dtype)
    whole[:, :2, :2], whole[:, 2, 2] = g, determinant(g).sign()
    return whole


def describe_orthogonal(matrix: Tensor) -> str:
    """An orthogonal matrix in words.

    >>> describe_orthogonal(torch.diag(torch.tensor([-1.0, -1.0, 1.0])))
    'rotation by 180 deg about z'
    >>> describe_orthogonal(torch.diag(torch.tensor([-1.0, 1.0, 1.0])))
    'reflection along x'
    """
    dim = len(matrix)
    if torch.equal(matrix, torch.eye(dim, dtype=matrix.dtype)):
        return "identity"
    improper = bool(determinant(matrix) < 0)
    if dim == 3:
        turn = -matrix if improper else matrix
        angle, line = angle_axis(turn)
        axis = axis_name(line)
        if not improper and abs(angle) < 1e-6:
            return "identity"
        if improper and abs(angle - 180) < 1e-6:
            return f"reflection along {axis}"
        if improper and abs(angle) < 1e-6:
            return "inversion"
        return f"rotation by {angle:.4g} deg about {axis}" + (", then inversion" if improper else "")
    if dim == 2:
        angle = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
        if not improper:
            return f"rotation by {angle:.4g} deg" if abs(angle) > 1e-6 else "identity"
        return f"reflection along {axis_name(_mirror_normal(matrix))}"
    if dim == 1:
        return "reflection"
    trace = float(matrix.trace())
    return f"{'reflection' if improper else 'rotation'} in {dim} dimensions (trace {trace:.3g})"


def _mirror_normal(matrix: Tensor) -> Tensor:
    """The unit vector that a planar reflection turns round."""
    values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    normal: Tensor = vectors[:, int(values.argmin())]
    return normal


def axis_name(axis: Tensor) -> str:
    """A unit vector in words: "z", "-x", or its coordinates."""
    largest = int(axis.abs().argmax())
    if float(axis[largest].abs()) > 1 - 1e-9:
        return ("" if float(axis[largest]) > 0 or len(axis) == 2 else "-") + "xyz"[largest]
    return f"({', '.join(f'{v:.3f}' for v in axis.tolist())})"
