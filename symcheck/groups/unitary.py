"""Unitary groups: complex matrices that keep the Hermitian inner product, and the cover of the rotations by SU(2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.groups._simple import (
    ROUNDING,
    angle_axis,
    angle_cost,
    determinant,
    equal,
    number_cost,
    orthogonal_cost,
    simpler_angles,
)
from symcheck.groups.euclidean import SO, O, axis_name
from symcheck.groups.homomorphism import Homomorphism, block, inclusion
from symcheck.groups.matrix import Family

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _Unitary(Family):
    """Matrices `(n, d, d)`, complex128, Haar-distributed."""

    dtype: ClassVar[torch.dtype] = torch.complex128

    @property
    def size(self) -> int:
        return self.dim

    def inverse(self, g: Tensor) -> Tensor:
        return g.mH.resolve_conj()

    def near(self, n: int, rng: Generator) -> Tensor:
        """Haar-distributed: QR of complex Gaussians with the phases of R's diagonal taken out (Mezzadri 2007)."""
        q: Tensor
        q, r = torch.linalg.qr(torch.randn(n, self.dim, self.dim, generator=rng, dtype=torch.complex128))
        return q * torch.diagonal(r, dim1=-2, dim2=-1).sgn().unsqueeze(-2)

    def _traceless(self) -> Tensor:
        """The matrices `-i L / 2` for Gell-Mann's L, those on the diagonal first; for d = 2, in the order of SO(3)'s basis."""
        units = torch.eye(self.dim**2, dtype=torch.complex128).reshape(self.dim, self.dim, self.dim, self.dim)
        diagonal = [-0.5j * (units[k, k] - units[k + 1, k + 1]) for k in range(self.dim - 1)]
        pairs = [(i, j) for i in range(self.dim) for j in range(i + 1, self.dim)]
        real = [0.5 * (units[j, i] - units[i, j]) for i, j in pairs]
        imaginary = [-0.5j * (units[i, j] + units[j, i]) for i, j in pairs]
        found = [*diagonal, *real, *imaginary]
        return torch.stack(found) if found else units[:0, 0]

    def _phases(self, *degrees: float) -> Tensor:
        """The diagonal matrix with these phases, and no others."""
        angles = torch.zeros(self.dim, dtype=torch.float64)
        angles[: len(degrees)] = torch.tensor(degrees, dtype=torch.float64)
        return torch.diag(unit(angles))

    def _exchange(self) -> Tensor:
        """A quarter turn between the first two axes, as landmarks `(1, d, d)`; none in one dimension."""
        turn = self.identity(1).clone()
        if self.dim == 1:
            return turn[:0]
        turn[:, :2, :2] = torch.tensor([[0, -1], [1, 0]], dtype=torch.complex128)
        return turn

    def contains(self, g: Tensor) -> Tensor:
        return self._close(g.mH @ g, self.identity(1))

    def _defect(self, g: Tensor) -> str:
        off = float((g.mH @ g - self.identity(1)).abs().max())
        if off > self.dim * ROUNDING:
            return f"its columns aren't orthonormal, g^H g is off by {off:.2g}. Orthonormalise it in complex128"
        return super()._defect(g)

    def describe(self, g: Tensor) -> str:
        if torch.equal(g, self.identity(1)[0]):
            return "identity"
        angles = sorted(math.degrees(v) for v in torch.linalg.eigvals(g).angle().tolist())
        return f"unitary matrix with phases ({', '.join(f'{v:.4g}' for v in angles)}) deg"

    def complexity(self, g: Tensor) -> Tensor:
        """0 for the identity, 1 for landmarks, else what its entries cost that aren't the identity's: phases the least."""
        one = self.identity(1)
        same = ((g - one).abs() <= self.dim * ROUNDING).to(torch.float64)
        pure = equal(g.abs(), torch.ones_like(g.real))
        each = torch.where(pure, angle_cost(torch.rad2deg(g.angle())), number_cost(g).clamp_min(1))
        cost = 1 + (each * (1 - same)).flatten(1).sum(-1)
        return torch.where(self._is_landmark(g), 1.0, cost) * ~same.bool().flatten(1).all(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """Landmarks, then its diagonal's phases, each alone and rounded, then its largest entries' phases."""
        angles = torch.rad2deg(g.diagonal().angle())
        rounded = torch.tensor([simpler_angles(v) for v in angles.tolist()], dtype=torch.float64).mT  # (5, d)
        alone = torch.stack([row * axis for row in rounded for axis in torch.eye(self.dim, dtype=torch.float64)])
        diagonal = torch.diag_embed(unit(torch.cat([rounded, alone])))
        largest = _largest(g)
        monomial = torch.stack([_rounded_phases(largest, step) for step in (90.0, 15.0, 1.0)] + [largest])
        known = self.landmarks()
        candidates = torch.cat([self.identity(1), known, self.inverse(known), self._into(torch.cat([diagonal, monomial]))])
        return self._simplest_first(g, candidates[self.contains(candidates)])

    def _into(self, g: Tensor) -> Tensor:
        """Unitary matrices brought into the group."""
        return g


class U(_Unitary):
    """Complex matrices with `g^H g = 1`; U(1) is the group of phases.

    >>> U(1).phase(U(1).landmarks()).tolist() == [math.pi / 2]
    True
    """

    letter = "U"
    notation = ("U(1)", "U(2)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(3)]

    def algebra(self) -> Tensor:
        """The common phase, then the traceless ones."""
        return torch.cat([1j * self.identity(1), self._traceless()])

    def landmarks(self) -> Tensor:
        """A quarter phase of the first axis, and of all, and a quarter turn between two axes."""
        phases = torch.stack([self._phases(90.0), self._phases(*[90.0] * self.dim)])
        return torch.cat([phases[: self.dim], self._exchange()])

    def phase(self, g: Tensor) -> Tensor:
        return g[:, 0, 0].angle() if self.dim == 1 else super().phase(g)

    def describe(self, g: Tensor) -> str:
        if self.dim > 1 or torch.equal(g, self.identity(1)[0]):
            return super().describe(g)
        return f"phase {math.degrees(float(g.angle())):.4g} deg"

    def subgroups(self) -> tuple[Homomorphism, ...]:
        if self.dim == 1:
            return ()
        scalar = Homomorphism(U(1), self, lambda g: g * self.identity(len(g)), "U(1)")
        return (inclusion(SU(self.dim), self), block(O(self.dim), self), block(SO(self.dim), self), scalar)


class SU(_Unitary):
    """Unitary matrices of determinant 1. SU(2) is the group of unit quaternions, the double cover of SO(3)."""

    letter = "SU"
    least = 2
    notation = ("SU(2)", "SU(3)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    def algebra(self) -> Tensor:
        return self._traceless()

    def near(self, n: int, rng: Generator) -> Tensor:
        """Haar-distributed: unitary matrices with the first column divided by the determinant."""
        return self._into(super().near(n, rng))

    def _into(self, g: Tensor) -> Tensor:
        g = g.clone()
        g[:, :, 0] /= determinant(g).sgn().unsqueeze(-1)
        return g

    def landmarks(self) -> Tensor:
        """A quarter phase of the first axis against the second, a quarter turn between the two, and -1 if it is one."""
        phases = self._phases(90.0, -90.0).unsqueeze(0)
        return torch.cat([phases, self._exchange(), *([-self.identity(1)] if self.dim % 2 == 0 else [])])

    def contains(self, g: Tensor) -> Tensor:
        return super().contains(g) & ((determinant(g) - 1).abs() <= self.dim * ROUNDING)

    def _defect(self, g: Tensor) -> str:
        if bool(super().contains(g.unsqueeze(0))):
            return f"its determinant is {complex(determinant(g)):.4g}. Divide a column by it, or use U({self.dim})"
        return super()._defect(g)

    def describe(self, g: Tensor) -> str:
        if self.dim > 2 or torch.equal(g, self.identity(1)[0]):
            return super().describe(g)
        angle, axis = spin_angle_axis(g)
        return f"spin rotation by {angle:.4g} deg about {axis_name(axis)}"

    def complexity(self, g: Tensor) -> Tensor:
        """Of SU(2): that of the rotation that it covers, and 1 for the one of the two that is further from the identity."""
        if self.dim > 2:
            return super().complexity(g)
        return orthogonal_cost(cover(g)) + (g.diagonal(dim1=-2, dim2=-1).sum(-1).real < -ROUNDING)

    def simpler(self, g: Tensor) -> Tensor:
        """Of SU(2): the negative, and both that cover what is simpler than its rotation."""
        if self.dim > 2:
            return super().simpler(g)
        turns = [spin(*angle_axis(turn)) for turn in SO(3).simpler(cover(g.unsqueeze(0))[0])]
        half = torch.stack([self.identity(1)[0], *turns, g])
        return self._simplest_first(g, torch.cat([half, -half]))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        smaller = (block(SU(2), self),) if self.dim > 2 else ()
        return (*smaller, block(SO(self.dim), self), Homomorphism(U(1), self, self._opposite, "U(1)"))

    def _opposite(self, phase: Tensor) -> Tensor:
        """A phase `(n, 1, 1)` on the first axis, and the opposite one on the second."""
        g = self.identity(len(phase)).clone()
        g[:, 0, 0], g[:, 1, 1] = phase[:, 0, 0], phase[:, 0, 0].conj()
        return g


def spin(degrees: float, axis: Tensor) -> Tensor:
    """The element `cos(t / 2) - i sin(t / 2) n.sigma` of SU(2) that turns by t about a unit vector n.

    >>> bool(torch.allclose(spin(720.0, torch.eye(3, dtype=torch.float64)[2]), torch.eye(2, dtype=torch.complex128)))
    True
    """
    half = unit(torch.tensor([degrees / 2], dtype=torch.float64))[0]
    x, y, z = (axis * half.imag).tolist()
    w = float(half.real)
    return torch.tensor([[complex(w, -z), complex(-y, -x)], [complex(y, -x), complex(w, z)]], dtype=torch.complex128)


def spin_angle_axis(g: Tensor) -> tuple[float, Tensor]:
    """The angle in degrees, 0 to 360, and the axis of one element of SU(2). The axis of 1 and -1 is z."""
    w, *v = (float(part) for part in _quaternion(g))
    line = torch.tensor(v, dtype=torch.float64)
    length = float(line.norm())
    axis = line / length if length > ROUNDING else torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    return math.degrees(2 * math.atan2(length, w)), axis


def _quaternion(g: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The real part w and the imaginary ones x, y, z of elements of SU(2)."""
    return g[..., 0, 0].real, -g[..., 1, 0].imag, g[..., 1, 0].real, -g[..., 0, 0].imag


def _covered(g: Tensor) -> Tensor:
    """The rotations by which unit quaternions turn the imaginary ones."""
    w, x, y, z = _quaternion(g)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def unit(degrees: Tensor) -> Tensor:
    """The complex numbers of modulus 1 at angles in degrees, exact for quarters."""
    whole = torch.polar(torch.ones_like(degrees), torch.deg2rad(degrees))
    exact = torch.complex(whole.real.round(), whole.imag.round())
    return torch.where(degrees == 90 * (degrees / 90).round(), exact, whole)


def _largest(g: Tensor) -> Tensor:
    """The phases of the largest entries of one matrix, one a row and a column, taken greedily; zeros elsewhere."""
    left, found = g.abs(), torch.zeros_like(g)
    for _ in range(len(g)):
        i, j = divmod(int(left.argmax()), len(g))
        found[i, j] = g[i, j].sgn() if g[i, j] != 0 else 1.0
        left[i], left[:, j] = -1.0, -1.0
    return found


def _rounded_phases(g: Tensor, step: float) -> Tensor:
    """The entries of one matrix, each 0 or a phase, with the phases rounded to multiples of a step in degrees."""
    return g.abs().round() * unit(step * (torch.rad2deg(g.angle()) / step).round())


cover = Homomorphism(SU(2), SO(3), _covered, "SU(2) over SO(3)")
"""The two-to-one map that sends g and -g to one rotation; `exponential(v)` goes to `exponential(v)`.

>>> cover(SU(2).exponential(torch.tensor([[math.pi, 0.0, 0.0]]))).round().tolist()
[[[-1.0, -0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]]
"""
