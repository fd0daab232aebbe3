"""Tensors over space and what differs from them by a sign or a scale: stresses, multipoles, axial vectors, densities.

A factor of -1 in mirrors or a power of the scale goes with any other rep: `PseudoScalar() * Cartesian(2)` is a pseudotensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement, permutations

import torch
from torch import Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import CO, GL, SE, SO, SU, Aff, E, FullLorentz, Group, Lorentz, Monoid, O, Polyhedral, Scaling, Sim
from symcheck.reps.base import Rep, Shape
from symcheck.reps.cartesian import Character, LastAxis, Vector, is_orthogonal, matrix_act


@dataclass(frozen=True)
class Cartesian(Rep):
    """A Cartesian tensor: each of the last `rank` axes is a vector, `T_ij -> R_ia R_jb T_ab` for a stress.

    The last `lower` of them are covectors, which the inverse transpose of R turns, so that contracting one with a vector is
    invariant; under rotations and reflections there is no difference.
    """

    rank: int = 2
    lower: int = 0

    name = "cartesian"

    def __post_init__(self) -> None:
        if not (isinstance(self.rank, int) and self.rank >= 1 and isinstance(self.lower, int) and 0 <= self.lower <= self.rank):
            raise ClaimError(
                f"{self}: a tensor has a rank of 1 or more, and from 0 to all of its axes are lower. Use 'scalar' for rank 0."
            )

    @property
    def mixes(self) -> tuple[int, ...]:
        return tuple(range(-self.rank, 0))

    def fibre(self, group: Monoid) -> Shape:
        return self.rank * (group.linear(group.identity(1)).shape[-1],)

    def is_complex(self, group: Monoid) -> bool:
        return Vector().is_complex(group)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        matrix = group.linear(g)
        turns = [matrix] * (self.rank - self.lower) + [_inverse_transpose(group, g)] * self.lower
        for axis, turn in enumerate(turns, start=-self.rank):
            x = matrix_act(turn, x.movedim(axis, -1)).movedim(-1, axis)
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            fibre = self.fibre(group)
            if self.lower:
                _inverse_transpose(group, group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        if tuple(shape[-self.rank :]) != fibre:
            return f"{self} under {group} acts on last axes of sizes {fibre}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(1), O(3), (4, 3)),
            (cls(), SE(2), (2, 2)),
            (cls(), O(3), (4, 3, 3)),
            (cls(3), E(3), (3, 3, 3)),
            (cls(2, lower=1), GL(3), (2, 3, 3)),
            (cls(2, lower=2), Lorentz(3), (4, 4)),
            (cls(2), SU(2), (2, 2)),
        ]


def _inverse_transpose(group: Monoid, g: Tensor) -> Tensor:
    """By which covectors turn."""
    if not isinstance(group, Group):
        raise GroupError(f"{group} has no inverses, by which covectors turn. Use a group, or a rep without them.")
    return group.linear(group.inverse(g)).mT


@dataclass(frozen=True)
class SymmetricTraceless(LastAxis):
    """Symmetric traceless tensors under rotations and reflections, by their components: multipoles, deviators, nematic order.

    A subspace of `Cartesian(rank=degree)` that no rotation leaves; in space it has 2 degree + 1 dimensions, and for degree 2
    in n dimensions n (n + 1) / 2 - 1. `basis(dim, degree)` is the orthonormal basis: the symmetric products of the axes, in
    lexicographic order and with the last axis at most once in each, made traceless and orthogonal to those before (Gram and
    Schmidt). In space, degree 2: (2xx - yy - zz) / sqrt(6), sqrt(2) xy, sqrt(2) xz, (yy - zz) / sqrt(2), sqrt(2) yz.
    """

    degree: int = 2

    name = "symmetric_traceless"

    def __post_init__(self) -> None:
        if not (isinstance(self.degree, int) and self.degree >= 1):
            raise ClaimError(f"{self}: a symmetric tensor has a degree of 1 or more. Use 'scalar' for degree 0.")

    @staticmethod
    def basis(dim: int, degree: int) -> Tensor:
        """Orthonormal tensors `(components, dim, ..., dim)` of that degree."""
        return _traceless_basis(dim, degree)

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        basis = _traceless_basis(group.linear(group.identity(1)).shape[-1], self.degree)
        turned = Cartesian(self.degree).act(group, g, basis.expand(len(g), *basis.shape))
        return torch.einsum("ip, njp -> nij", basis.flatten(1), turned.flatten(2))

    def undefined(self, group: Monoid) -> str | None:
        if is_orthogonal(group) and group.linear(group.identity(1)).shape[-1] >= 2:
            return None
        return f"is defined for rotations and reflections, which keep traces, not for {group}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), O(2), (4, 2)),
            (cls(), O(3), (5,)),
            (cls(), SO(5), (14,)),
            (cls(3), E(3), (2, 7)),
            (cls(4), O(3), (9,)),
            (cls(), Polyhedral("Octahedral"), (5,)),
        ]


@lru_cache
def _traceless_basis(dim: int, degree: int) -> Tensor:
    with torch.inference_mode(False):  # or else a first call under it would spoil the cache for autograd
        symmetric = torch.stack([_symmetric(dim, axes) for axes in combinations_with_replacement(range(dim), degree)])
        chosen = [axes.count(dim - 1) <= 1 for axes in combinations_with_replacement(range(dim), degree)]
        rows = symmetric.flatten(1)
        if degree >= 2:
            trace = symmetric.diagonal(dim1=1, dim2=2).sum(-1).reshape(len(rows), -1)
            traceless = torch.eye(len(rows), dtype=torch.float64) - trace @ torch.linalg.pinv(trace)
            rows = traceless @ rows
        q, r = torch.linalg.qr(rows[chosen].mT)
        basis: Tensor = (q * r.diagonal().sign()).mT
        return basis.reshape(-1, *degree * (dim,)).contiguous()


def _symmetric(dim: int, axes: tuple[int, ...]) -> Tensor:
    """The symmetric product of some axes, of norm 1."""
    tensor = torch.zeros(len(axes) * (dim,), dtype=torch.float64)
    for order in set(permutations(axes)):
        tensor[order] = 1
    return tensor / math.sqrt(len(set(permutations(axes))))


# The places of the components in the matrix, in Voigt's order: xx, yy, zz, yz, xz, xy.
_VOIGT = {2: ((0, 0), (1, 1), (0, 1)), 3: ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))}


@dataclass(frozen=True)
class Voigt(LastAxis):
    """A symmetric tensor of rank 2 as a list in Voigt's order: xx, yy, zz, yz, xz, xy; in the plane xx, yy, xy.

    `shear` is the factor with which the components off the diagonal are written: 1 for a stress; 2 for a strain, whose shears
    are engineering's gamma_xy = 2 epsilon_xy; sqrt(2) for Kelvin and Mandel's, in which the rep is orthogonal.
    """

    shear: float = 1.0

    name = "voigt"

    def __post_init__(self) -> None:
        if not (isinstance(self.shear, (int, float)) and 0 < self.shear < math.inf):
            raise ClaimError(f"{self}: the factor of the shears is positive: 1 for a stress, 2 for an engineering strain.")

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        turn = group.linear(g)
        basis = self._basis(turn.shape[-1]).to(turn)
        turned = turn.unsqueeze(1) @ basis @ turn.unsqueeze(1).mT
        scale = basis.square().sum((-2, -1)).reshape(-1, 1)
        return torch.einsum("iab, njab -> nij", basis / scale.unsqueeze(-1), turned)

    def _basis(self, dim: int) -> Tensor:
        """The symmetric matrices `(components, dim, dim)` that the components multiply."""
        basis = torch.zeros(len(_VOIGT[dim]), dim, dim, dtype=torch.float64)
        for k, (i, j) in enumerate(_VOIGT[dim]):
            basis[k, i, j] = basis[k, j, i] = 1 if i == j else 1 / self.shear
        return basis

    def undefined(self, group: Monoid) -> str | None:
        linear = group.linear(group.identity(1))
        if linear.shape[-1] in _VOIGT and not linear.is_complex():
            return None
        return f"is defined for real matrix groups of 2 and 3 dimensions, not for {group}"

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), O(3), (4, 6)),
            (cls(2.0), SE(3), (6,)),
            (cls(2**0.5), O(3), (6,)),
            (cls(), O(2), (2, 3)),
            (cls(), Aff(3), (6,)),
        ]


@dataclass(frozen=True)
class PseudoScalar(Character):
    """The sign of the determinant: a mirror turns the tensor's sign, as it does that of a volume or of a chirality."""

    name = "pseudoscalar"

    def factor(self, group: Monoid, g: Tensor) -> Tensor:
        return _orientation(group, g)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), O(3), (4, 2)), (cls(), E(2), ()), (cls(), GL(3), (3,)), (cls(), FullLorentz(3), (2,))]


@dataclass(frozen=True)
class PseudoVector(Vector):
    """An axial vector, `x -> sign(det R) R x`: a cross product, an angular momentum, a magnetic field."""

    name = "pseudovector"

    def matrices(self, group: Monoid, g: Tensor) -> Tensor:
        return _orientation(group, g).reshape(-1, 1, 1) * group.linear(g)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), O(3), (4, 3)), (cls(), E(3), (3,)), (cls(), O(2), (2,)), (cls(), FullLorentz(3), (4,))]


def _orientation(group: Monoid, g: Tensor) -> Tensor:
    """The sign of the determinant, `(n,)`."""
    matrix = group.linear(g)
    if matrix.is_complex():
        raise GroupError(f"{group} has a determinant that is complex, and so has no mirrors. Use a real matrix group.")
    sign: Tensor = torch.linalg.det(matrix).sign()
    return sign


@dataclass(frozen=True)
class ScaleBy(Character):
    """Every entry grows with a power of the scale: 1 for lengths, 2 for areas, -1 for gradients, -dim for densities."""

    power: float = 1

    name = "scale_by"

    def __post_init__(self) -> None:
        if not (isinstance(self.power, (int, float)) and math.isfinite(self.power) and self.power != 0):
            raise ClaimError(f"{self}: the power of the scale is a number other than 0. Use 'scalar' for what doesn't scale.")

    def factor(self, group: Monoid, g: Tensor) -> Tensor:
        return group.scale(g) ** self.power

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Scaling(), (4, 2)), (cls(2), CO(3), ()), (cls(-3), Sim(3), (5,)), (cls(0.5), Sim(2), (2,))]
