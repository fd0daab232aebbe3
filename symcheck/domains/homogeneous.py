"""Homogeneous vectors: points of projective space, and momenta in spacetime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck import patterns
from symcheck.domains.base import Domain, Layout
from symcheck.domains.points import Set
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class HomogeneousVectors(Domain):
    """Points of a space of `dim - 1` dimensions by homogeneous coordinates: one tensor `(n, points, dim)`, the last the weight.

    Normal points at weights between a half and two, so that all are finite and no two weights are equal: a vector and its
    multiples are one point. Points at infinity have the weight 0 and are tried by name.
    """

    points: int = 8
    dim: int = 3

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.points < 1 or self.dim < 2:
            raise DomainError(f"{self} is empty. Give at least 1 point and 2 homogeneous coordinates.")

    @property
    def layout(self) -> Layout:
        return {"points": self.points}

    def layouts(self) -> SearchStrategy[Layout]:
        return Set(self.points, self.dim).layouts()

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        affine = torch.randn(n, layout["points"], self.dim - 1, generator=rng, dtype=torch.float64)
        weight = 2 ** (2 * torch.rand(n, layout["points"], 1, generator=rng, dtype=torch.float64) - 1)
        return weight * _finite(affine)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        number = layout["points"]
        clouds = {name: _finite(cloud) for name, cloud in patterns.points(number, self.dim - 1).items()}
        some = clouds["planar points"] if self.dim > 2 else clouds["collinear points"]
        every_other = (torch.arange(number) % 2 == 0).unsqueeze(-1)
        clouds["points at infinity"] = torch.where(every_other & (torch.arange(self.dim) == self.dim - 1), 0.0, some + 1)
        clouds["negative weights"] = -some
        return {name: cloud.unsqueeze(0) for name, cloud in clouds.items()}

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1), cls(5), cls(4, dim=4)]


def _finite(affine: Tensor) -> Tensor:
    """Homogeneous coordinates of weight 1."""
    return torch.cat([affine, torch.ones_like(affine[..., :1])], -1)


@dataclass(frozen=True)
class Momenta(Domain):
    """Four-momenta of particles, time first: one tensor `(n, particles, dim + 1)`, (E, p) with `E^2 = m^2 + p^2`, E positive.

    Momenta are normal, in the units of the model; `mass` is that of every particle, 0 for light.
    """

    particles: int = 6
    mass: float = 1.0
    dim: int = 3

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.particles < 1 or self.dim < 1:
            raise DomainError(f"{self} is empty. Give at least 1 particle and 1 dimension.")
        if not 0 <= self.mass < float("inf"):
            raise DomainError(f"{self}: a mass is a number of 0 or more, and finite.")

    @property
    def layout(self) -> Layout:
        return {"points": self.particles}

    def layouts(self) -> SearchStrategy[Layout]:
        return Set(self.particles, self.dim).layouts()

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        momenta = torch.randn(n, layout["points"], self.dim, generator=rng, dtype=torch.float64)
        return _on_shell(momenta, self.mass)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        clouds = patterns.points(layout["points"], self.dim)
        along, pairs = clouds["collinear points"] + (torch.arange(self.dim) == 0), clouds["coincident points"]
        found = {
            "particles at rest": _on_shell(torch.zeros_like(along), self.mass or 1.0),
            "light": _on_shell(pairs + 2, 0.0),
            "collinear particles": _on_shell(along, self.mass),
            "a soft particle": _on_shell(pairs * 1e-3, self.mass),
            "back to back": _on_shell(torch.where(torch.arange(len(pairs)).unsqueeze(-1) % 2 == 0, pairs, -pairs), self.mass),
        }
        return {name: momenta.unsqueeze(0) for name, momenta in found.items()}

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(1), cls(5, mass=0.0), cls(4, dim=2)]


def _on_shell(momenta: Tensor, mass: float) -> Tensor:
    energy = (momenta.square().sum(-1, keepdim=True) + mass**2).sqrt()
    return torch.cat([energy, momenta], -1)
