"""Linear groups that don't keep lengths: GL, SL, affine maps, similarities, scalings and projective maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups._simple import (
    ROUNDING,
    determinant,
    equal,
    factor_cost,
    number_cost,
    orthogonal_cost,
    polar,
    simpler_factors,
    simpler_numbers,
    simpler_orthogonal,
)
from symcheck.groups.affine import AffineFamily, homogeneous, vector
from symcheck.groups.base import matrix_exponential
from symcheck.groups.euclidean import SE, SO, E, O, T, describe_orthogonal, quarter_turns, rotations
from symcheck.groups.homomorphism import Homomorphism, block, inclusion, largest_first
from symcheck.groups.matrix import Family, MatrixGroup, positive, read_widths

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _Linear(Family):
    """Drawn as `exp(S) R`: R Haar-distributed, S symmetric and normal, so that principal stretches are some `exp(stretch)`.

    `stretch` is the standard deviation of S on the diagonal; off it, S varies by a factor of sqrt(2) less, so that no
    direction is preferred (the Gaussian orthogonal ensemble).
    """

    stretch: float = 0.5

    @property
    def size(self) -> int:
        return self.dim

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    def near(self, n: int, rng: Generator) -> Tensor:
        turn = rotations(self.dim).sample(n, rng)
        normal = torch.randn(n, self.dim, self.dim, generator=rng, dtype=torch.float64)
        growth = matrix_exponential(self.stretch * self._generator((normal + normal.mT) / 2))
        return growth @ turn

    def _generator(self, normal: Tensor) -> Tensor:
        """The part of symmetric matrices that lies in the algebra."""
        return normal

    def _stretches(self) -> Tensor:
        """The landmarks that stretch and shear: the axis x doubled, and a step along x for each along y."""
        both = torch.eye(self.dim, dtype=torch.float64).repeat(2, 1, 1)
        both[0, 0, 0] = 2
        both[1, 0, 1:2] = 1
        return both[: self.dim]

    def landmarks(self) -> Tensor:
        return torch.cat([quarter_turns(self.dim), self.generators(), self._stretches()])

    def describe(self, g: Tensor) -> str:
        growth, turn = (part[0] for part in polar(g.unsqueeze(0)))
        values = torch.linalg.eigvalsh(growth)
        even = bool(equal(values, values[:1]).all())
        if not even and bool(super().complexity(g.unsqueeze(0)) <= self._polar_cost(g.unsqueeze(0))):
            return super().describe(g)
        words = [describe_orthogonal(turn)] if bool(orthogonal_cost(turn.unsqueeze(0))) else []
        if not even:
            words.append(f"stretch by ({', '.join(f'{v:.3g}' for v in values.tolist())})")
        elif not bool(equal(values[0], torch.ones_like(values[0]))):
            words.append(describe_scaling(float(values[0])))
        return ", then ".join(words) or super().describe(g)

    def complexity(self, g: Tensor) -> Tensor:
        """The cheaper of two ways to say it: its entries, or a rotation and a stretch."""
        return torch.minimum(super().complexity(g), self._polar_cost(g))

    def _polar_cost(self, g: Tensor) -> Tensor:
        growth, turn = polar(g)
        diagonal = factor_cost(growth.diagonal(dim1=-2, dim2=-1)).sum(-1)
        return orthogonal_cost(turn) + diagonal + number_cost(growth.triu(1)).flatten(1).sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """Rotations alone, stretches alone, one of the two made simpler, and the matrix rounded."""
        growth, turn = (part[0] for part in polar(g.unsqueeze(0)))
        turns, diagonal = simpler_orthogonal(turn), growth.diagonal()
        alone = torch.diag_embed(1 + torch.eye(self.dim, dtype=g.dtype) * (diagonal - 1))
        rounded = [torch.tensor([simpler_factors(v)[i] for v in diagonal.tolist()], dtype=g.dtype) for i in range(3)]
        even = determinant(growth) ** (1 / self.dim) * torch.eye(self.dim, dtype=g.dtype)
        stretches = torch.stack([*alone, *map(torch.diag, rounded), even, even.round(), torch.diag(diagonal), growth])
        stretches = torch.cat([self._stretches(), stretches, self._into(stretches)])
        candidates = torch.cat([turns, stretches, growth @ turns, stretches @ turn, super().simpler(g)])
        return self._simplest_first(g, candidates[self.contains(candidates)])

    def _into(self, stretches: Tensor) -> Tensor:
        """Stretches brought into the group."""
        return stretches


class GL(_Linear):
    """All invertible real matrices.

    >>> str(GL(2)), str(GL(2, stretch=0.1)), GL(2).dimension
    ('GL(2)', 'GL(2, stretch=0.1)', 4)
    """

    letter = "GL"
    notation = ("GL(2)", "GL(3)")

    def components(self) -> Tensor:
        return O(self.dim).components()

    def algebra(self) -> Tensor:
        return torch.eye(self.dim**2, dtype=torch.float64).reshape(-1, self.dim, self.dim)

    def contains(self, g: Tensor) -> Tensor:
        finite = g.isfinite().flatten(1).all(-1)
        values: Tensor = torch.linalg.svdvals(g.where(finite.reshape(-1, 1, 1), 0.0))
        return finite & (values[:, -1] > self.dim * torch.finfo(torch.float64).eps * values[:, 0])

    def _defect(self, g: Tensor) -> str:
        finite = bool(g.isfinite().all())
        return "it is singular. Draw another, or add a multiple of the identity" if finite else super()._defect(g)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        if self.dim == 1:
            return (Homomorphism(Scaling(self.stretch), self, lambda g: g), inclusion(O(1), self))
        return (
            inclusion(SL(self.dim, self.stretch), self),
            inclusion(CO(self.dim, self.stretch), self),
            inclusion(O(self.dim), self),
            inclusion(SO(self.dim), self),
        )


class _Unimodular(_Linear):
    """Matrices of determinant 1."""

    def algebra(self) -> Tensor:
        """The matrices with one entry off the diagonal, then those with 1 and -1 next to each other on it."""
        units = torch.eye(self.dim**2, dtype=torch.float64).reshape(self.dim, self.dim, self.dim, self.dim)
        off = [units[i, j] for i in range(self.dim) for j in range(self.dim) if i != j]
        return torch.stack([*off, *(units[i, i] - units[i + 1, i + 1] for i in range(self.dim - 1))])

    def _generator(self, normal: Tensor) -> Tensor:
        trace = normal.diagonal(dim1=-2, dim2=-1).mean(-1)
        return normal - trace.reshape(-1, 1, 1) * torch.eye(self.dim, dtype=torch.float64)

    def _stretches(self) -> Tensor:
        both = super()._stretches()
        both[0, 1, 1] = 0.5
        return both

    def _into(self, stretches: Tensor) -> Tensor:
        return stretches / determinant(stretches).pow(1 / self.dim).reshape(-1, 1, 1)

    def contains(self, g: Tensor) -> Tensor:
        # By Hadamard a relative change of all entries moves the determinant by no more than that of the rows' product.
        rows: Tensor = g.square().sum(-1).sqrt().clamp_min(1).prod(-1)
        return (determinant(g) - 1).abs() <= self.dim * ROUNDING * rows

    def _defect(self, g: Tensor) -> str:
        if not g.isfinite().all():
            return super()._defect(g)
        return f"its determinant is {float(determinant(g)):.6g}. Divide it by the root of that, or use GL({self.dim})"


class SL(_Unimodular):
    """Real matrices of determinant 1: linear maps that keep volumes and orientation."""

    letter = "SL"
    least = 2
    notation = ("SL(2)", "SL(3)")

    def subgroups(self) -> tuple[Homomorphism, ...]:
        return (inclusion(SO(self.dim), self),)


@dataclass(frozen=True)
class PGL(_Unimodular):
    """Projective maps of the space of `dim - 1` coordinates: matrices on homogeneous vectors, up to a factor.

    Matrices of determinant 1 stand for them, one for each map, as `dim` is odd: PGL(3), the maps of the plane that keep
    lines straight (homographies). `linear` acts on homogeneous vectors `(x, y, 1)`; a point is the first coordinates over
    the last. Drawn as an affine map (`spread`, `stretch`) after one that tilts the plane, `x -> x / (1 + c x)`, c normal with
    standard deviation `tilt`: points nearer to the origin than 1 / |c| don't reach the horizon.
    """

    spread: float = 1.0
    tilt: float = 0.1

    letter = "PGL"
    least = 3
    notation = ("PGL(3)",)

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.dim % 2 == 0:
            raise GroupError(
                f"PGL({self.dim}): in even dimensions no matrix stands for each map, g and -g being one. "
                f"Use SL({self.dim}), or PGL({self.dim + 1})."
            )
        super().__post_init__()

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(3)]

    @property
    def _affine(self) -> Aff:
        return Aff(self.dim - 1, self.spread, self.stretch)

    def near(self, n: int, rng: Generator) -> Tensor:
        affine = self._affine.sample(n, rng)
        tilt = self.tilt * torch.randn(n, self.dim - 1, generator=rng, dtype=torch.float64)
        return _unimodular(affine @ homogeneous(_ones(n, self.dim - 1), tilt).mT)

    def landmarks(self) -> Tensor:
        """Those of the affine maps, and a tilt."""
        tilt = self.identity(1).clone()
        tilt[:, -1, 0] = self.tilt
        return torch.cat([_unimodular(self._affine.landmarks()), tilt])

    def describe(self, g: Tensor) -> str:
        affine, tilt = self._parts(g.unsqueeze(0))
        if not affine.isfinite().all():
            return super().describe(g)
        words = [f"tilt by {vector(tilt[0])}"] if bool(tilt.any()) else []
        words += [word for word in (self._affine.describe(affine[0]),) if word != "identity"]
        return ", then ".join(words) or "identity"

    def complexity(self, g: Tensor) -> Tensor:
        """That of the affine part, and what the tilt costs in units of `tilt`; most where the origin goes to infinity."""
        affine, tilt = self._parts(g)
        fine = affine.isfinite().flatten(1).all(-1)
        safe = affine.where(fine.reshape(-1, 1, 1), torch.eye(self.dim, dtype=g.dtype))
        cost = self._affine.complexity(safe) + number_cost(tilt.nan_to_num() / self.tilt).sum(-1)
        return torch.where(fine, cost, 8.0 * self.dim**2)

    def simpler(self, g: Tensor) -> Tensor:
        """The affine part alone, the tilt alone, and each made simpler beside the other."""
        affine, tilt = (part[0] for part in self._parts(g.unsqueeze(0)))
        if not affine.isfinite().all():
            return self._simplest_first(g, torch.cat([self.identity(1), self.landmarks()]))
        affines = torch.cat([self._affine.simpler(affine), affine.unsqueeze(0)])
        tilts = self.tilt * simpler_numbers(tilt / self.tilt)
        tilted = homogeneous(_ones(len(tilts), self.dim - 1), tilts).mT
        own = homogeneous(_ones(1, self.dim - 1), tilt.unsqueeze(0)).mT
        candidates = torch.cat([affines, tilted, own, affines @ own, affine @ tilted])
        return self._simplest_first(g, _unimodular(candidates))

    def _parts(self, g: Tensor) -> tuple[Tensor, Tensor]:
        """The affine map and the tilt `(n, d)` of which it is made: infinite or NaN where the origin goes to infinity."""
        h = g / g[:, -1:, -1:]
        tilt, step = h[:, -1, :-1], h[:, :-1, -1]
        return homogeneous(h[:, :-1, :-1] - step.unsqueeze(-1) * tilt.unsqueeze(-2), step), tilt

    def subgroups(self) -> tuple[Homomorphism, ...]:
        affine = Homomorphism(self._affine, self, _unimodular)
        return (affine, *(affine.after(part) for part in self._affine.subgroups()))


@dataclass(frozen=True)
class Scaling(MatrixGroup):
    """Scalings by a positive factor, `(n, 1, 1)`; its logarithm is normal with standard deviation `stretch`."""

    stretch: float = 0.5

    notation = ("R+",)

    def __post_init__(self) -> None:
        sized(self, GroupError)
        positive(self, "R+")

    def __str__(self) -> str:
        return "R+" if self.stretch == 0.5 else f"R+(stretch={self.stretch!r})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"R\+(?:\((.*)\))?", text)
        return cls(**read_widths(cls, text, match[1] or "")) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls()]

    @property
    def size(self) -> int:
        return 1

    def algebra(self) -> Tensor:
        return torch.ones(1, 1, 1, dtype=torch.float64)

    def near(self, n: int, rng: Generator) -> Tensor:
        return (self.stretch * torch.randn(n, 1, 1, generator=rng, dtype=torch.float64)).exp()

    def landmarks(self) -> Tensor:
        return torch.full((1, 1, 1), 2.0, dtype=torch.float64)

    def contains(self, g: Tensor) -> Tensor:
        return ((g > 0) & g.isfinite()).flatten(1).all(-1)

    def _defect(self, g: Tensor) -> str:
        return super()._defect(g) if not g.isfinite().all() else f"{float(g):g} isn't positive. Use its absolute value"

    def linear(self, g: Tensor) -> Tensor:
        raise self._lacks("linear part, as it doesn't know the dimension", "'CO(3)' or 'Sim(3)'")

    def translation(self, g: Tensor) -> Tensor:
        raise self._lacks("translations", "a group that moves points, such as 'Sim(3)'")

    def scale(self, g: Tensor) -> Tensor:
        return g[:, 0, 0]

    def describe(self, g: Tensor) -> str:
        return describe_scaling(float(g))

    def complexity(self, g: Tensor) -> Tensor:
        return factor_cost(self.scale(g))

    def simpler(self, g: Tensor) -> Tensor:
        return self._simplest_first(g, torch.tensor(simpler_factors(float(g)), dtype=torch.float64).reshape(-1, 1, 1))


@dataclass(frozen=True)
class CO(Family):
    """Scaled rotations and reflections `c R`: the linear maps that keep angles.

    R is Haar-distributed; the logarithm of c is normal with standard deviation `stretch`.
    """

    stretch: float = 0.5

    letter = "CO"
    notation = ("CO(2)", "CO(3)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    @property
    def size(self) -> int:
        return self.dim

    def components(self) -> Tensor:
        return O(self.dim).components()

    def algebra(self) -> Tensor:
        """The scaling, then the rotations."""
        return torch.cat([self.identity(1), O(self.dim).algebra()])

    def near(self, n: int, rng: Generator) -> Tensor:
        turn = rotations(self.dim).sample(n, rng)
        return Scaling(self.stretch).sample(n, rng) * turn

    def inverse(self, g: Tensor) -> Tensor:
        return g.mT / self._factor(g) ** 2

    def landmarks(self) -> Tensor:
        return torch.cat([O(self.dim).landmarks(), 2 * self.identity(1)])

    def contains(self, g: Tensor) -> Tensor:
        return self._close(g.mT @ g / self._factor(g) ** 2, self.identity(1))

    def _defect(self, g: Tensor) -> str:
        if not g.isfinite().all():
            return super()._defect(g)
        return "its columns aren't orthogonal and of one length. Use GL for maps that don't keep angles"

    def scale(self, g: Tensor) -> Tensor:
        return self._factor(g).flatten()

    def _factor(self, g: Tensor) -> Tensor:
        """The factor `(n, 1, 1)`: the root mean square length of the columns."""
        return g.square().sum((-2, -1), keepdim=True).div(self.dim).sqrt()

    def describe(self, g: Tensor) -> str:
        factor = float(self._factor(g))
        words = [describe_orthogonal(g / factor), describe_scaling(factor)]
        return ", then ".join(word for word in words if word != "identity") or "identity"

    def complexity(self, g: Tensor) -> Tensor:
        return orthogonal_cost(g / self._factor(g)) + factor_cost(self.scale(g))

    def simpler(self, g: Tensor) -> Tensor:
        """The rotation or the scaling alone, made simpler, then one of the two made simpler."""
        factor = self._factor(g)
        turns = torch.cat([O(self.dim).simpler(g / factor), g.unsqueeze(0) / factor])
        factors = torch.tensor([*simpler_factors(float(factor)), float(factor)], dtype=torch.float64).reshape(-1, 1, 1)
        return self._simplest_first(g, torch.cat([turns, factors * self.identity(1), factors * g / factor, factor * turns]))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        rotations = (inclusion(SO(self.dim), self),) if self.dim > 1 else ()
        scaling = Homomorphism(Scaling(self.stretch), self, lambda c: c * self.identity(len(c)))
        return (inclusion(O(self.dim), self), *rotations, scaling)


@dataclass(frozen=True)
class Sim(AffineFamily):
    """Similarities `x -> c R x + t`: rotations, reflections, scalings and translations. `stretch` is that of CO."""

    stretch: float = 0.5

    letter = "Sim"
    notation = ("Sim(2)", "Sim(3)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    @property
    def linear_group(self) -> CO:
        return CO(self.dim, self.stretch)

    def scale(self, g: Tensor) -> Tensor:
        return self.linear_group.scale(self.linear(g))

    def subgroups(self) -> tuple[Homomorphism, ...]:
        fixed = block(self.linear_group, self)
        rigid = inclusion(E(self.dim, self.spread), self)
        scaling = fixed.after(self.linear_group.subgroups()[-1])
        return largest_first(rigid, *map(rigid.after, rigid.source.subgroups()), fixed, scaling)


@dataclass(frozen=True)
class Aff(AffineFamily):
    """Affine maps `x -> A x + t`, A invertible. `stretch` is that of GL."""

    stretch: float = 0.5

    letter = "Aff"
    notation = ("Aff(2)", "Aff(3)")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    @property
    def linear_group(self) -> GL:
        return GL(self.dim, self.stretch)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        fixed = block(self.linear_group, self)
        similar = inclusion(Sim(self.dim, self.spread, self.stretch), self)
        rigid = (inclusion(SE(self.dim, self.spread), self),) if self.dim > 1 else ()
        motions = inclusion(E(self.dim, self.spread), self)
        return largest_first(fixed, similar, motions, *rigid, inclusion(T(self.dim, self.spread), self))


def describe_scaling(factor: float) -> str:
    """A scaling in words.

    >>> describe_scaling(0.5), describe_scaling(1.0)
    ('scaling by 0.5', 'identity')
    """
    return "identity" if factor == 1 else f"scaling by {factor:.4g}"


def _ones(n: int, dim: int) -> Tensor:
    return torch.eye(dim, dtype=torch.float64).expand(n, -1, -1)


def _unimodular(g: Tensor) -> Tensor:
    """Matrices of odd dimension, divided so that their determinant is 1."""
    det = determinant(g)
    return g / (det.sign() * det.abs().pow(1 / g.shape[-1])).reshape(-1, 1, 1)
