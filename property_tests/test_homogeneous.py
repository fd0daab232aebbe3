"""Homogeneous vectors and momenta: what they are, and claims on them that hold and that don't."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

import symcheck
from symcheck.domains import Domain, HomogeneousVectors, Momenta
from symcheck.errors import DomainError


def drawn(domain: Domain) -> Tensor:
    x: Tensor = domain.sample(domain.layout, 50, Generator().manual_seed(0))
    return x


def minkowski(p: Tensor, q: Tensor) -> Tensor:
    product = p * q
    return product[..., 0] - product[..., 1:].sum(-1)


def test_homogeneous_points_are_finite_and_of_different_weights() -> None:
    weight = drawn(HomogeneousVectors(5, 4))[..., -1]
    assert 0.5 <= float(weight.min()) < 0.6 < 1.8 < float(weight.max()) <= 2
    special = HomogeneousVectors(5, 3).structured({"points": 5})
    assert special["points at infinity"][0, ::2, -1].abs().max() == 0
    assert special["negative weights"][..., -1].max() < 0


@pytest.mark.parametrize("mass", [0.0, 1.0, 2.5])
def test_momenta_are_on_their_shell(mass: float) -> None:
    p = drawn(Momenta(6, mass=mass))
    assert torch.allclose(minkowski(p, p), torch.full((50, 6), mass**2, dtype=torch.float64), atol=1e-12)
    assert bool((p[..., 0] > 0).all())
    light = Momenta(6, mass=mass).structured({"points": 6})["light"]
    assert minkowski(light, light).abs().max() < 1e-13


def mass_of_all(p: Tensor) -> Tensor:
    whole = p.sum(-2)
    return minkowski(whole, whole)


@pytest.mark.parametrize(
    ("model", "verdict"),
    [(mass_of_all, "HOLDS"), (lambda p: p.sum(-2).square().sum(-1), "VIOLATED")],
    ids=["Minkowski", "Euclid"],
)
def test_a_claim_about_momenta(model: Any, verdict: str) -> None:
    result = symcheck.check(model, Momenta(5), group="SO+(1,3) x S_n", inputs="permute * four_vector", outputs="scalar")
    assert result.verdict.name == verdict, result


def cross_ratio(x: Tensor) -> Tensor:
    """Of four points on a line: what projective maps leave alone."""
    a, b, c, d = x[..., :4, :].unbind(-2)

    def area(p: Tensor, q: Tensor) -> Tensor:
        return p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]

    return torch.tanh(area(a, c) * area(b, d) / (area(a, d) * area(b, c)))


def test_a_claim_about_projective_points() -> None:
    whole = {"group": "GL(2)", "inputs": "vector", "outputs": "scalar"}
    from symcheck.domains import Examples

    points = Examples(drawn(HomogeneousVectors(4, 2)))
    assert symcheck.check(cross_ratio, points, **whole).verdict.name == "HOLDS"
    assert symcheck.check(lambda x: torch.tanh(x[..., 0].sum(-1)), points, **whole).verdict.name == "VIOLATED"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: HomogeneousVectors(0), "is empty. Give at least 1 point and 2 homogeneous coordinates"),
        (lambda: HomogeneousVectors(4, 1), "is empty"),
        (lambda: Momenta(0), "is empty. Give at least 1 particle"),
        (lambda: Momenta(3, mass=-1.0), "a mass is a number of 0 or more"),
    ],
)
def test_what_is_no_such_domain_is_refused(make: Any, text: str) -> None:
    with pytest.raises(DomainError, match=text):
        make()
