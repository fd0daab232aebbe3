"""Irreducible reps of SO(3) and O(3), written as e3nn writes them: "8x0e+4x1o".

The basis is e3nn's: real spherical harmonics with y as the polar axis, m from -l to l, so that 1o is (x, y, z). Its
Wigner matrices D(R) are those for which Y(R x) = D(R) Y(x). They are found from that law on fixed points rather than
through Euler angles, which lose three digits near the poles (a defect of 1e-13).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import SO, E, Monoid, O, Polyhedral
from symcheck.reps.base import Rep, Shape, wrong_size
from symcheck.reps.cartesian import is_orthogonal, matrix_act


@dataclass(frozen=True)
class Irreps(Rep):
    """A direct sum of irreps on the last axis: multiplicity x degree l, parity e (even) or o (odd).

    Each l takes 2l + 1 entries; copies of one irrep lie one after another. Under rotations alone the parity doesn't matter.

    >>> Irreps("8x0e + 4x1o").dim
    20
    """

    text: str

    name = "irreps"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text.replace(" ", ""))
        parse_irreps(self.text)

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    @property
    def dim(self) -> int:
        """The size of the last axis."""
        return sum(copies * (2 * degree + 1) for copies, degree, _ in parse_irreps(self.text))

    def fibre(self, group: Monoid) -> Shape:
        return (self.dim,)

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        """Each copy of each irrep for itself."""
        sizes = [2 * degree + 1 for copies, degree, _ in parse_irreps(self.text) for _ in range(copies)]
        return torch.cat([part.mean(-1, keepdim=True).expand_as(part) for part in torch.split(x, sizes, -1)], -1)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        matrix = group.linear(g)
        sign = torch.linalg.det(matrix).sign()
        proper = matrix * sign.reshape(-1, 1, 1)
        blocks, start = [], 0
        for copies, degree, parity in parse_irreps(self.text):
            wigner = wigner_d(degree, proper)
            if parity < 0:
                wigner = wigner * sign.reshape(-1, 1, 1)
            size = copies * (2 * degree + 1)
            block = x[..., start : start + size].reshape(*x.shape[:-1], copies, 2 * degree + 1)
            blocks.append(matrix_act(wigner, block).reshape(*x.shape[:-1], size))
            start += size
        return torch.cat(blocks, -1)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            fits = group.linear(group.identity(1)).shape[-1] == 3 and is_orthogonal(group)
        except GroupError as error:
            return f"{self}: {error}"
        if not fits:
            return f"{self} is defined for rotations and reflections of 3 dimensions, not for {group}"
        return wrong_size(self, group, shape, self.dim)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        groups = (SO(3), O(3), E(3), Polyhedral("Octahedral"), Polyhedral("Icosahedral", inversion=True))
        return [(cls(text), group, (2, cls(text).dim)) for text in ("2x0e+1o", "1e+2o+3e+0o") for group in groups]


@lru_cache
def parse_irreps(text: str) -> tuple[tuple[int, int, int], ...]:
    """Multiplicity, degree and parity of each term.

    >>> parse_irreps("8x0e+1o")
    ((8, 0, 1), (1, 1, -1))
    """
    terms = [re.fullmatch(r"(?:(\d+)x)?(\d+)([eo])", term) for term in text.split("+")]
    if not text or None in terms:
        raise ClaimError(f"{text!r} isn't a sum of irreps. Write multiplicity x degree parity, as in '8x0e+4x1o'.")
    return tuple((int(t[1] or 1), int(t[2]), 1 if t[3] == "e" else -1) for t in terms if t)


def wigner_d(degree: int, rotation: Tensor) -> Tensor:
    """Wigner matrices `(n, 2l + 1, 2l + 1)` of rotations `(n, 3, 3)`, orthogonal, in e3nn's real basis."""
    if degree == 0:
        return rotation.new_ones(len(rotation), 1, 1)
    if degree == 1:
        return rotation
    points, inverse = _fit(degree)
    points, inverse = points.to(rotation.device), inverse.to(rotation.device)
    turned = spherical_harmonics(degree, points @ rotation.mT)  # (n, points, 2l + 1): Y(R x)
    return (inverse @ turned).mT


@lru_cache
def _fit(degree: int) -> tuple[Tensor, Tensor]:
    """Points on the sphere, spread evenly (a Fibonacci spiral), and the pseudo-inverse of the harmonics there."""
    with torch.inference_mode(False):  # or else a first call under it would spoil the cache for autograd
        count = 4 * (2 * degree + 1)
        k = torch.arange(count, dtype=torch.float64) + 0.5
        z, angle = 1 - 2 * k / count, math.pi * (1 + 5**0.5) * k
        radius = (1 - z * z).sqrt()
        points = torch.stack([radius * angle.cos(), radius * angle.sin(), z], -1)
        return points, torch.linalg.pinv(spherical_harmonics(degree, points))


def spherical_harmonics(degree: int, xyz: Tensor) -> Tensor:
    """Real spherical harmonics of one degree at unit vectors `(..., 3)`: `(..., 2l + 1)`, up to one common factor.

    Associated Legendre functions by the stable recurrence in l (Press et al., Numerical Recipes, 6.7), with y as the
    polar axis, so that the azimuthal factors are the real and imaginary parts of (z + i x)^m.
    """
    x, y, z = xyz.unbind(-1)
    cosine, sine = [torch.ones_like(x)], [torch.zeros_like(x)]
    for _ in range(degree):
        c, s = cosine[-1], sine[-1]
        cosine.append(z * c - x * s)
        sine.append(z * s + x * c)
    terms: dict[int, Tensor] = {}
    for m in range(degree + 1):
        below, here = torch.zeros_like(y), torch.full_like(y, float(math.prod(range(1, 2 * m, 2))))
        for l in range(m + 1, degree + 1):
            below, here = here, ((2 * l - 1) * y * here - (l + m - 1) * below) / (l - m)
        scale = math.sqrt((2 if m else 1) * math.factorial(degree - m) / math.factorial(degree + m))
        terms[m] = scale * here * cosine[m]
        if m:
            terms[-m] = scale * here * sine[m]
    return torch.stack([terms[m] for m in range(-degree, degree + 1)], -1)
