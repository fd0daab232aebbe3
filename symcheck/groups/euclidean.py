"""Euclidean groups: rotations, reflections and translations of n-dimensional space."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError
from symcheck.groups.base import Group

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _Euclidean(Group):
    """Isometries `x -> R x + t` that fix the origin or not, and keep orientation or not."""

    dim: int
    letter: ClassVar[str]
    reflections: ClassVar[bool]

    def __post_init__(self) -> None:
        if self.dim < (1 if self.reflections else 2):
            raise GroupError(f"{self.letter}({self.dim}) has no elements to test. Use a dimension of 2 or more.")

    def __str__(self) -> str:
        return f"{self.letter}({self.dim})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(rf"{cls.letter}\((\d+)\)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3), cls(5)]

    def _rotations(self, n: int, rng: Generator) -> Tensor:
        """Haar-distributed orthogonal matrices: QR with the signs of R's diagonal fixed (Mezzadri 2007)."""
        q: Tensor
        q, r = torch.linalg.qr(torch.randn(n, self.dim, self.dim, generator=rng, dtype=torch.float64))
        q = q * torch.diagonal(r, dim1=-2, dim2=-1).sign().unsqueeze(-2)
        proper = torch.ones(n, dtype=torch.float64)
        if self.reflections:
            first = int(torch.randint(2, (), generator=rng))
            proper[first::2] = -1  # alternate, so that two elements reach both components
        q[:, :, 0] *= (proper * torch.linalg.det(q).sign()).unsqueeze(-1)
        return q

    def _mirror(self) -> Tensor:
        """The reflection along x `(1, dim, dim)`, or nothing `(0, dim, dim)` if there are no reflections."""
        mirror = torch.eye(self.dim, dtype=torch.float64).unsqueeze(0)
        mirror[:, 0, 0] = -1
        return mirror if self.reflections else mirror[:0]

    def _rotation_algebra(self) -> Tensor:
        """A skew-symmetric matrix for each coordinate plane, with the sign of its quarter turn."""
        turns = self._quarter_turns()[: self.dim * (self.dim - 1) // 2]
        return (
            torch.stack([turn - turn.mT for turn in turns]) / 2
            if turns
            else torch.zeros(0, self.dim, self.dim, dtype=torch.float64)
        )

    def _quarter_turns(self) -> list[Tensor]:
        """One quarter turn in each coordinate plane, and one reflection if there are any."""
        turns = []
        for i in range(self.dim):
            for j in range(i + 1, self.dim):
                turn = torch.eye(self.dim, dtype=torch.float64)
                turn[[i, j], [i, j]] = 0
                turn[i, j], turn[j, i] = (-1, 1) if (j - i) % 3 == 1 else (1, -1)  # in space: about +x, +y, +z
                turns.append(turn)
        return [*turns, *self._mirror()]

    def _orthogonal(self, matrix: Tensor) -> Tensor:
        """Which matrices are orthogonal, to float64 accuracy, and of an allowed determinant."""
        eye = torch.eye(self.dim, dtype=torch.float64)
        defect = (matrix.mT @ matrix - eye).abs().amax(dim=(-2, -1))
        good = defect <= 64 * self.dim * torch.finfo(torch.float64).eps
        return good if self.reflections else good & (torch.linalg.det(matrix) > 0)


class _Orthogonal(_Euclidean):
    """Matrices `(n, d, d)`."""

    @property
    def element(self) -> tuple[int, ...]:
        return (self.dim, self.dim)

    def identity(self, n: int) -> Tensor:
        return torch.eye(self.dim, dtype=torch.float64).expand(n, -1, -1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g @ h

    def inverse(self, g: Tensor) -> Tensor:
        return g.mT

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self._rotations(n, rng)

    def generators(self) -> Tensor:
        return self._mirror()

    def landmarks(self) -> Tensor:
        return torch.stack(self._quarter_turns())

    def algebra(self) -> Tensor:
        return self._rotation_algebra()

    def describe(self, g: Tensor) -> str:
        return describe_orthogonal(g)

    def contains(self, g: Tensor) -> Tensor:
        return self._orthogonal(g)

    def linear(self, g: Tensor) -> Tensor:
        return g

    def translation(self, g: Tensor) -> Tensor:
        return g.new_zeros(len(g), self.dim)


class SO(_Orthogonal):
    """Rotations of n-dimensional space: orthogonal matrices of determinant 1.

    >>> str(SO(3)), SO(3).element
    ('SO(3)', (3, 3))
    """

    letter = "SO"
    reflections = False
    notation = ("SO(2)", "SO(3)")


class O(_Orthogonal):  # noqa: E742 - the group's name
    """Rotations and reflections of n-dimensional space: all orthogonal matrices."""

    letter = "O"
    reflections = True
    notation = ("O(2)", "O(3)")


@dataclass(frozen=True)
class _WithTranslations(_Euclidean):
    """Homogeneous matrices `(n, d + 1, d + 1)`. Translations are normal with standard deviation `spread`.

    Translations have no uniform distribution; `spread` is in the units of the coordinates.
    """

    spread: float = 1.0

    def __str__(self) -> str:
        return super().__str__() if self.spread == 1 else f"{self.letter}({self.dim}, spread={self.spread:g})"

    @property
    def element(self) -> tuple[int, ...]:
        return (self.dim + 1, self.dim + 1)

    def identity(self, n: int) -> Tensor:
        return torch.eye(self.dim + 1, dtype=torch.float64).expand(n, -1, -1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g @ h

    def inverse(self, g: Tensor) -> Tensor:
        back = self.linear(g).mT
        return _homogeneous(back, -(back @ self.translation(g).unsqueeze(-1)).squeeze(-1))

    def sample(self, n: int, rng: Generator) -> Tensor:
        turn = self._rotations(n, rng)
        return _homogeneous(turn, self.spread * torch.randn(n, self.dim, generator=rng, dtype=torch.float64))

    def generators(self) -> Tensor:
        mirror = self._mirror()
        return _homogeneous(mirror, mirror.new_zeros(len(mirror), self.dim))

    def algebra(self) -> Tensor:
        """The translations along each axis, then the rotations in each coordinate plane."""
        turns = self._rotation_algebra()
        basis = torch.zeros(self.dim + len(turns), self.dim + 1, self.dim + 1, dtype=torch.float64)
        basis[range(self.dim), range(self.dim), -1] = 1
        basis[self.dim :, :-1, :-1] = turns
        return basis

    def landmarks(self) -> Tensor:
        turns = torch.stack(self._quarter_turns())
        step = torch.zeros(self.dim, dtype=torch.float64)
        step[0] = self.spread
        shift = _homogeneous(torch.eye(self.dim, dtype=torch.float64).unsqueeze(0), step.unsqueeze(0))
        return torch.cat([shift, _homogeneous(turns, turns.new_zeros(len(turns), self.dim))])

    def describe(self, g: Tensor) -> str:
        turn, step = self.linear(g), self.translation(g)
        parts = []
        if not torch.equal(turn, torch.eye(self.dim, dtype=turn.dtype)):
            parts.append(describe_orthogonal(turn))
        if bool(step.any()):
            parts.append(f"translation by ({', '.join(f'{v:+.3g}' for v in step.tolist())})")
        return ", then ".join(parts) or "identity"

    def contains(self, g: Tensor) -> Tensor:
        bottom = torch.eye(self.dim + 1, dtype=torch.float64)[-1]
        return self._orthogonal(self.linear(g)) & (g[:, -1] == bottom).all(-1) & g.isfinite().all(-1).all(-1)

    def linear(self, g: Tensor) -> Tensor:
        return g[..., :-1, :-1]

    def translation(self, g: Tensor) -> Tensor:
        return g[..., :-1, -1]


class SE(_WithTranslations):
    """Rotations and translations of n-dimensional space."""

    letter = "SE"
    reflections = False
    notation = ("SE(2)", "SE(3)")


class E(_WithTranslations):
    """All isometries of n-dimensional space: rotations, reflections and translations."""

    letter = "E"
    reflections = True
    notation = ("E(2)", "E(3)")


def _homogeneous(turn: Tensor, step: Tensor) -> Tensor:
    n, dim = step.shape
    g = torch.zeros(n, dim + 1, dim + 1, dtype=torch.float64)
    g[:, :-1, :-1], g[:, :-1, -1], g[:, -1, -1] = turn, step, 1
    return g


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
    improper = bool(torch.linalg.det(matrix) < 0)
    if dim == 3:
        turn = -matrix if improper else matrix
        angle, axis = _angle_axis(turn)
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
        return f"reflection along {_axis_name(_mirror_normal(matrix))}"
    trace = float(matrix.trace())
    return f"{'reflection' if improper else 'rotation'} in {dim} dimensions (trace {trace:.3g})"


def _mirror_normal(matrix: Tensor) -> Tensor:
    """The unit vector that a planar reflection turns round."""
    values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    normal: Tensor = vectors[:, int(values.argmin())]
    return normal


def _angle_axis(turn: Tensor) -> tuple[float, str]:
    skew = torch.stack([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    sine, cosine = float(skew.norm()) / 2, (float(turn.trace()) - 1) / 2
    if sine > 1e-9:  # below, the skew part has lost the axis: a half turn, whose axis is the eigenvector of 1
        return math.degrees(math.atan2(sine, cosine)), _axis_name(skew / skew.norm())
    if cosine > 0:
        return 0.0, "z"
    _, vectors = torch.linalg.eigh((turn + turn.mT) / 2)
    return 180.0, _axis_name(vectors[:, -1])


def _axis_name(axis: Tensor) -> str:
    largest = int(axis.abs().argmax())
    if float(axis[largest].abs()) > 1 - 1e-9:
        return ("" if float(axis[largest]) > 0 or len(axis) == 2 else "-") + "xyz"[largest]
    return f"({', '.join(f'{v:.3f}' for v in axis.tolist())})"
