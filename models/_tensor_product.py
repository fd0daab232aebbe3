"""Tensor products of irreps of O(3), by code that is written for each of them from its nonzero Clebsch-Gordan coefficients.

A path takes one irrep of each factor to one of the result, by C (2 l1 + 1, 2 l2 + 1, 2 l3 + 1). Few of its entries aren't zero,
11 of 45 for 1 x 2 -> 1, so that a loop over i, j and k in the code, written out, leaves most of them away:

    z_k = sum over paths of W sum_ij C_ijk x_i y_j

x has copies of each irrep, y one, and W a number for each path and copy ("uvu", as e3nn calls it). Copies are the last axis:
they are all treated alike, and so lie side by side in memory. The code is plain arithmetic on tensors. Eager, it is a few
hundred small operations; compiled (`torch.compile`), it is one pass through memory, and so is its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from symcheck.groups import SO
from symcheck.reps.irreps import parse_irreps, wigner_d


@lru_cache
def clebsch_gordan(first: int, second: int, out: int) -> Tensor:
    """The map of degrees l1 x l2 -> l3 that commutes with rotations: `(2 l1 + 1, 2 l2 + 1, 2 l3 + 1)`, in float64.

    C(D1 x, D2 y) = D3 C(x, y) has one solution up to a factor (Schur's lemma). It is the null space at two random rotations,
    which generate a dense subgroup. The factor is such that sum_ij C_ijk C_ijm is 1 for k = m: C is sqrt(2 l3 + 1) times
    Wigner's 3j. If l1 + l2 + l3 is even, the entry at m = 0, 0, 0 is positive, as in a product of harmonics; if it is odd,
    that at m = -1, 0, 1 is, so that 1 x 1 -> 1 is the cross product over sqrt(2). These are e3nn's signs.
    """
    if not abs(first - second) <= out <= first + second:
        raise ValueError(f"{first} x {second} -> {out}: there is no such map. Degrees are from |l1 - l2| to l1 + l2.")
    with torch.inference_mode(False):  # or else a first call under it would spoil the cache for autograd
        turns = SO(3).sample(2, Generator().manual_seed(0))
        turned = torch.einsum("nai, nbj, nck -> nabcijk", *(wigner_d(degree, turns) for degree in (first, second, out)))
        size = math.prod(turned.shape[4:])
        fixed = turned.reshape(2, size, size) - torch.eye(size, dtype=torch.float64)
        kernel = torch.linalg.svd(fixed.flatten(0, 1)).Vh[-1].reshape(turned.shape[4:])
        # Between the rounding of some hundred eps and the entries, which are roots of fractions of small integers.
        kernel = torch.where(kernel.abs() < torch.finfo(torch.float64).eps ** 0.5, 0.0, kernel)
        odd = (first + second + out) % 2
        return _roots(kernel * kernel[first - odd, second, out + odd].sign() * (2 * out + 1) ** 0.5)


def _roots(coefficients: Tensor) -> Tensor:
    """Coefficients, which are roots of fractions of small integers, without the rounding with which they were found.

    Digits that are off in a coefficient aren't rounding to a network: its symmetry is as exact as they are.
    """
    squares = [Fraction(value**2).limit_denominator(10_000) for value in coefficients.flatten().tolist()]
    exact = torch.tensor([math.sqrt(square) for square in squares], dtype=torch.float64).reshape(coefficients.shape)
    near = (exact - coefficients.abs()).abs() < 64 * torch.finfo(torch.float64).eps
    return torch.where(near, exact.copysign(coefficients), coefficients)


def blocks(irreps: str) -> list[slice]:
    """Where the components of each irrep are.

    >>> blocks("0e+1o+2e")
    [slice(0, 1, None), slice(1, 4, None), slice(4, 9, None)]
    """
    ends = [0, *accumulate(2 * degree + 1 for _, degree, _ in parse_irreps(irreps))]
    return [slice(start, end) for start, end in pairwise(ends)]


class Path(NamedTuple):
    """The places of an irrep in the first factor, in the second and in the result."""

    first: int
    second: int
    out: int


def paths(first: str, second: str, out: str) -> tuple[Path, ...]:
    """All that degrees and parities allow.

    >>> paths("0e+1o", "1o", "0e+1o")
    (Path(first=0, second=0, out=1), Path(first=1, second=0, out=0))
    """
    return tuple(
        Path(a, b, c)
        for a, (_, l1, p1) in enumerate(parse_irreps(first))
        for b, (_, l2, p2) in enumerate(parse_irreps(second))
        for c, (_, l3, p3) in enumerate(parse_irreps(out))
        if abs(l1 - l2) <= l3 <= l1 + l2 and p1 * p2 == p3
    )


class TensorProduct(nn.Module):
    """`x (..., d1, copies), y (..., d2), weights (..., paths, copies) -> (..., d3, copies)`, for irreps written as "0e+1o+2e".

    Linear in each, along all paths there are. Rotations and mirrors of x and y turn the result by its own irreps. What comes
    together in an irrep is divided by the root of the number of its paths: normal x, y and W give a z of variance one.

    >>> cross = TensorProduct("1o", "1o", "1e")
    >>> x, y = torch.eye(3)[:2]
    >>> (cross(x.unsqueeze(-1), y, torch.ones(1, 1)).squeeze() * 2**0.5).round(decimals=6)
    tensor([0., 0., 1.])
    """

    def __init__(self, first: str, second: str, out: str) -> None:
        super().__init__()
        self.first, self.second, self.out = first, second, out
        self.paths = paths(first, second, out)
        self.source = self._source()
        known: dict[str, Any] = {"torch": torch}
        exec(compile(self.source, f"<{first} x {second} -> {out}>", "exec"), known)
        self.function: Callable[[Tensor, Tensor, Tensor], Tensor] = known["product"]

    def forward(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        return self.function(x, y, weights)

    def coefficients(self, path: Path) -> Tensor:
        """Those of Clebsch and Gordan, over the root of the number of paths that come together."""
        places = zip((self.first, self.second, self.out), path, strict=True)
        degrees = (parse_irreps(text)[place][1] for text, place in places)
        together = sum(other.out == path.out for other in self.paths)
        scaled: Tensor = clebsch_gordan(*degrees) / together**0.5
        return scaled

    def _source(self) -> str:
        sums: dict[int, list[str]] = {}
        for number, path in enumerate(self.paths):
            for k, term in self._terms(path):
                sums.setdefault(k, []).append(f"w[{number}] * ({term})")
        results = ", ".join(" + ".join(sums[k]) if k in sums else "0 * x[0]" for k in range(blocks(self.out)[-1].stop))
        # y is spread over the copies, so that in the gradient they are summed once, and not for each component.
        lines = (
            "def product(x, y, w):",
            "y = y.unsqueeze(-1).expand(*y.shape, x.shape[-1]).unbind(-2)",
            "x, w = x.unbind(-2), w.unbind(-2)",
            f"return torch.stack([{results}], -2)",
        )
        return "\n    ".join(lines) + "\n"

    def _terms(self, path: Path) -> list[tuple[int, str]]:
        """The components of the result to which a path adds, and the sums over i and j that it adds to each."""
        x, y, z = (blocks(text)[place].start for text, place in zip((self.first, self.second, self.out), path, strict=True))
        found = []
        for k, c in enumerate(self.coefficients(path).unbind(-1)):
            sums = [" + ".join(f"{value:.17g} * y[{y + j}]" for j, value in enumerate(row) if value) for row in c.tolist()]
            found.append((z + k, " + ".join(f"x[{x + i}] * ({terms})" for i, terms in enumerate(sums) if terms)))
        return found
