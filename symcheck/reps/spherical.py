"""Signals on the sphere, sampled at latitudes and longitudes, and how rotations act on them: (g f)(x) = f(R^-1 x).

A rotated grid is another grid, so a signal on one can be rotated exactly only if its samples determine it: if it is a sum of
spherical harmonics up to a degree L, f = sum_lm a_lm sqrt(2l + 1) Y_lm. Then the rotation is a -> D(R) a, degree by degree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError, did_you_mean
from symcheck.groups import SO, E, Monoid, O
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.cartesian import is_orthogonal
from symcheck.reps.irreps import Irreps, spherical_harmonics

Nodes = Literal["equiangular", "gauss"]
KINDS: tuple[Nodes, ...] = ("equiangular", "gauss")


@dataclass(frozen=True)
class SphericalTransform:
    """Between samples `(..., res, 2 res)` on the sphere and coefficients `(..., (degree + 1)^2)`, both ways.

    Latitudes are at polar angles pi (t + 1/2) / res ("equiangular") or at the nodes of Gauss-Legendre quadrature ("gauss"),
    longitudes at pi p / res. The polar axis is y, as that of the irreps; longitude 0 is the half plane of +z. The basis is
    orthonormal for the mean over the sphere, so that the sum of squared coefficients is the mean of the squared signal.

    Laws: `analysis(synthesis(a)) == a`; more generally the analysis of an f of degree `precision - degree` or less is that of
    its part of degree `degree` or less. So a product of d signals is analysed without aliasing iff `(d + 1) * degree <=
    precision`: with equiangular latitudes from a `res` of (d + 1) L + 1 on, with Gauss's from half of that.
    """

    degree: int
    res: int
    nodes: Nodes = "equiangular"

    def __post_init__(self) -> None:
        reason = too_coarse(self.degree, self.res, self.nodes)
        if reason is not None:
            raise ClaimError(reason)

    @property
    def precision(self) -> int:
        """The degree up to which the mean over the grid is the mean over the sphere."""
        return precision(self.res, self.nodes)

    @property
    def size(self) -> int:
        """The number of coefficients."""
        return (self.degree + 1) ** 2

    @property
    def points(self) -> Tensor:
        """The unit vectors `(res, 2 res, 3)` at which signals are sampled."""
        cosine, _ = latitudes(self.res, self.nodes)
        sine, turn = (1 - cosine * cosine).sqrt().unsqueeze(-1), math.pi * torch.arange(2 * self.res).double() / self.res
        y = cosine.unsqueeze(-1).expand(-1, 2 * self.res)
        return torch.stack([sine * turn.sin(), y, sine * turn.cos()], -1)

    def synthesis(self, a: Tensor) -> Tensor:
        """Coefficients `(..., (degree + 1)^2)` to samples `(..., res, 2 res)`."""
        tables = _tables(self, a.dtype, a.device)
        square = a[..., tables.place].reshape(*a.shape[:-1], self.degree + 1, 2 * self.degree + 1)
        return torch.einsum("tlm, ...lm -> ...tm", tables.legendre, square) @ tables.waves.mT

    def analysis(self, x: Tensor) -> Tensor:
        """Samples `(..., res, 2 res)` to coefficients `(..., (degree + 1)^2)`."""
        tables = _tables(self, x.dtype, x.device)
        square = torch.einsum("tlm, ...tm -> ...lm", tables.weighed, x @ tables.waves)
        return square.flatten(-2)[..., tables.inside]


def precision(res: int, nodes: Nodes) -> int:
    """The degree up to which a quadrature is exact. An odd degree comes for nothing, by symmetry about the equator."""
    return 2 * res - 1 if nodes == "gauss" else res - 1 + res % 2


def too_coarse(degree: int, res: int, nodes: Nodes) -> str | None:
    """Why the samples of a grid don't determine signals of that degree, in words, or None.

    >>> too_coarse(8, 16, "equiangular")
    "16 equiangular latitudes determine signals up to degree 7, not 8. Use a res of 17, or nodes='gauss' with 9."
    """
    if nodes not in KINDS:
        return f"there are no latitudes {nodes!r}; {did_you_mean(str(nodes), KINDS)}"
    if degree < 0 or res < 1:
        return f"a signal of degree {degree} on {res} latitudes is none. Use a degree of 0 or more and a res of 1 or more."
    if 2 * degree <= precision(res, nodes):
        return None
    instead = f"{degree + 1}" if nodes == "gauss" else f"{2 * degree + 1}, or nodes='gauss' with {degree + 1}"
    most = precision(res, nodes) // 2
    return f"{res} {nodes} latitudes determine signals up to degree {most}, not {degree}. Use a res of {instead}."


class _Tables(NamedTuple):
    """A square table has a place for each degree and each order from -L to L; `inside` are those of |m| <= l, in order."""

    legendre: Tensor  # (res, L + 1, 2 L + 1), zero outside
    weighed: Tensor  # the same times the weights of the quadrature
    waves: Tensor  # (2 res, 2 L + 1): sin |m| phi and cos m phi
    inside: Tensor  # ((L + 1)^2,): where in the square a coefficient goes
    place: Tensor  # ((L + 1) (2 L + 1),): which coefficient comes to a place of the square; any where there is none


@lru_cache
def _tables(transform: SphericalTransform, dtype: torch.dtype, device: torch.device) -> _Tables:
    with torch.inference_mode(False):  # or else the first call under inference_mode would spoil the cache for training
        legendre, weighed, waves, inside, place = _float64_tables(transform)
        legendre, weighed, waves = (table.to(device, dtype) for table in (legendre, weighed, waves))
        return _Tables(legendre, weighed, waves, inside.to(device), place.to(device))


def _float64_tables(transform: SphericalTransform) -> _Tables:
    top, res = transform.degree, transform.res
    cosine, weight = latitudes(res, transform.nodes)
    meridian = torch.stack([torch.zeros_like(cosine), cosine, (1 - cosine * cosine).sqrt()], -1)
    legendre = torch.zeros(res, top + 1, 2 * top + 1, dtype=torch.float64)
    for l in range(top + 1):
        factors = math.sqrt(2 * l + 1) * spherical_harmonics(l, meridian)[:, l:]  # at longitude 0 cos m phi is 1
        legendre[:, l, top : top + l + 1] = factors
        legendre[:, l, top - l : top] = factors[:, 1:].flip(-1)
    turn = math.pi * torch.arange(2 * res).double().unsqueeze(-1) / res * torch.arange(-top, top + 1)
    waves = torch.where(torch.arange(-top, top + 1) < 0, -turn.sin(), turn.cos())
    inside = torch.tensor([l * (2 * top + 1) + top + m for l in range(top + 1) for m in range(-l, l + 1)])
    place = torch.zeros((top + 1) * (2 * top + 1), dtype=torch.int64)
    place[inside] = torch.arange(len(inside))
    return _Tables(legendre, legendre * (weight / (4 * res)).reshape(-1, 1, 1), waves, inside, place)


@lru_cache
def latitudes(res: int, nodes: Nodes) -> tuple[Tensor, Tensor]:
    """Cosines of the polar angles from the north pole down, and the weights of their quadrature, which sum to 2.

    Equiangular: Fejér's first rule, exact for polynomials of degree below `res`. Gauss-Legendre: below 2 `res`; nodes and
    weights are from the eigenvectors of the Jacobi matrix (Golub & Welsch 1969).
    """
    k = torch.arange(1, res, dtype=torch.float64)
    if nodes == "gauss":
        beside = k / (4 * k * k - 1).sqrt()
        cosine, vectors = torch.linalg.eigh(torch.diag(beside, 1) + torch.diag(beside, -1))
        return cosine.flip(0), 2 * vectors[0].square().flip(0)
    angle = math.pi * (torch.arange(res).double() + 0.5) / res
    k = k[: res // 2]
    return angle.cos(), 2 / res * (1 - 2 * ((2 * angle.unsqueeze(-1) * k).cos() / (4 * k * k - 1)).sum(-1))


def coefficients(degree: int) -> Irreps:
    """The rep of the coefficients of signals on the sphere: one copy of each irrep up to that degree.

    >>> coefficients(3)
    Irreps(text='0e+1o+2e+3o')
    """
    return Irreps("+".join(f"{l}{'eo'[l % 2]}" for l in range(degree + 1)))


def patterns(degree: int) -> Mapping[str, Tensor]:
    """Coefficients `((degree + 1)^2,)` that break models, by name, of signals with a mean square of 1.

    Signals that latitudes and longitudes tell from their rotations, of one degree or order alone, and that many rotations fix.
    """
    top, place = degree**2, torch.arange((degree + 1) ** 2).double()
    single = {"a constant": 0, "a zonal harmonic": top + degree, "a sectoral harmonic": top + 2 * degree}
    signals = {name: (place == at).double() for name, at in single.items()}
    signals |= {"a single degree": (1 + place).cos() * (place >= top)}
    signals |= {"a delta at the pole": _delta(degree, 0, 1, 0), "a delta on the equator": _delta(degree, 0, 0, 1)}
    return {name: a / a.norm() for name, a in signals.items()}


def _delta(degree: int, x: float, y: float, z: float) -> Tensor:
    """What is left, up to that degree, of a point mass at the unit vector (x, y, z)."""
    at = torch.tensor([x, y, z], dtype=torch.float64)
    return torch.cat([math.sqrt(2 * l + 1) * spherical_harmonics(l, at) for l in range(degree + 1)])


@dataclass(frozen=True)
class SphericalSignal(Rep):
    """The last two axes are samples of a signal on the sphere: (g f)(x) = f(R^-1 x), exactly for degrees up to `degree`.

    What a tensor has beyond that degree is left where it is, so that the laws of a rep hold for every tensor; but there it
    is no rotation. Give inputs that are band-limited (the domain `Sphere`). An output that isn't shows as a violation.
    Reflections act as well: f(-x) is (-1)^l f at degree l.
    """

    degree: int = 8
    res: int = 18
    nodes: Nodes = "equiangular"

    name = "spherical"

    def __post_init__(self) -> None:
        reason = too_coarse(self.degree, self.res, self.nodes)
        if reason is not None:
            raise ClaimError(f"{self}: {reason}")

    @property
    def transform(self) -> SphericalTransform:
        return SphericalTransform(self.degree, self.res, self.nodes)

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "sphere" if self.nodes == "equiangular" else ""

    @property
    def rank(self) -> int:
        return 2

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-2, -1)

    def resampled(self, sizes: Shape) -> Sequence[Rep]:
        """On grids of either kind, for all degrees that they determine."""
        res = sizes[0]
        own = [self.nodes, *(kind for kind in KINDS if kind != self.nodes)]
        return [SphericalSignal(precision(res, kind) // 2, res, kind) for kind in own if sizes[1:] == (2 * res,)]

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        """Signals that are band-limited, with a mean square of 1."""
        size = self.transform.size
        return self.transform.synthesis(
            torch.randn(n, *shape[:-2], size, generator=rng, dtype=torch.float64) / (self.degree + 1)
        )

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        return {name: self.transform.synthesis(a).expand(shape) for name, a in patterns(self.degree).items()}

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        a = self.transform.analysis(x)
        return x + self.transform.synthesis(coefficients(self.degree).act(group, g, a) - a)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            fits = group.linear(group.identity(1)).shape[-1] == 3 and is_orthogonal(group)
        except GroupError as error:
            return f"{self}: {error}"
        if not fits:
            return f"{self} is defined for rotations and reflections of 3 dimensions, not for {group}"
        if tuple(shape[-2:]) != (self.res, 2 * self.res):
            return f"{self} acts on last axes of sizes {self.res} and {2 * self.res}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        grids = cls(1, 3), cls(2, 5), cls(2, 3, "gauss")
        return [(rep, group, (2, rep.res, 2 * rep.res)) for rep in grids for group in (SO(3), O(3), E(3))]
