"""Signals on the sphere: their samples, or their coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, sized
from symcheck.reps.spherical import Nodes, SphericalTransform, patterns, too_coarse


@dataclass(frozen=True)
class SphericalCoefficients(Domain):
    """Signals of several channels by their coefficients up to a degree: `(n, channels, (degree + 1)^2)`, normal.

    Degree after degree, m from -l to l, in the basis of `SphericalTransform`. The mean square of a signal is 1.
    """

    degree: int = 4
    channels: int = 1

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.degree < 0 or self.channels < 1:
            raise DomainError(f"{self} is empty. Give a degree of 0 or more and at least 1 channel.")

    @property
    def size(self) -> int:
        """The number of coefficients of a channel."""
        return (self.degree + 1) ** 2

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return torch.randn(n, self.channels, self.size, generator=rng, dtype=torch.float64) / (self.degree + 1)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return {name: a.expand(1, self.channels, -1) for name, a in patterns(self.degree).items()}

    def simpler(self, x: Any) -> Any:
        """Also without the coefficients of one degree."""
        degree = torch.arange(self.size).sqrt().floor()
        without = [torch.where(degree == l, 0.0, x) for l in range(self.degree, -1, -1)]
        return torch.cat([super().simpler(x), torch.stack(without)])

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(0), cls(1, 2), cls(4)]


@dataclass(frozen=True)
class Sphere(Domain):
    """Signals of several channels on a grid of latitudes and longitudes: one tensor `(n, channels, res, 2 res)`.

    They are sums of spherical harmonics up to `degree`, with coefficients as of `SphericalCoefficients`: the signals that
    rotate exactly, by the rep `SphericalSignal(degree, res, nodes)`.
    """

    degree: int = 8
    res: int = 18
    channels: int = 1
    nodes: Nodes = "equiangular"

    def __post_init__(self) -> None:
        sized(self, DomainError)
        reason = too_coarse(self.degree, self.res, self.nodes)
        if self.channels < 1:
            reason = "it is empty. Give at least 1 channel."
        if reason is not None:
            raise DomainError(f"{self}: {reason}")

    @property
    def transform(self) -> SphericalTransform:
        return SphericalTransform(self.degree, self.res, self.nodes)

    @property
    def coefficients(self) -> SphericalCoefficients:
        return SphericalCoefficients(self.degree, self.channels)

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return self.transform.synthesis(self.coefficients.sample(layout, n, rng))

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return {name: self.transform.synthesis(a) for name, a in self.coefficients.structured(layout).items()}

    def simpler(self, x: Any) -> Any:
        """As its coefficients are made simpler: with one sample set to zero it would have all degrees."""
        return self.transform.synthesis(self.coefficients.simpler(self.transform.analysis(x)))

    def complexity(self, x: Any) -> Tensor:
        return self.coefficients.complexity(self._rounded(self.transform.analysis(x)))

    def _rounded(self, a: Tensor) -> Tensor:
        """Whole numbers where coefficients are so but for the rounding of a transform, sums over 2 res^2 samples and back."""
        near = 64 * self.res * torch.finfo(a.dtype).eps * a.abs().amax((-2, -1), keepdim=True).clamp_min(1)
        return torch.where((a - a.round()).abs() <= near, a.round(), a)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(0, 1), cls(2, 5, 2), cls(4, 6, nodes="gauss")]
