"""Profiles: the error against the group element shows the true structure on known cases."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from symcheck import Claim
from symcheck.domains import Grid, PointCloud, Set
from symcheck.engine import Judged, Profile, Settings, examine
from symcheck.engine.profile import coordinates
from symcheck.groups import SO, E, O, Scaling, Symmetric


def profile(model: Any, group: str, domain: Any, inputs: Any, outputs: Any = "scalar") -> Profile:
    claim = Claim(model, group, domain=domain, inputs=inputs, outputs=outputs)
    (found,) = (event.outcome for event in examine(claim, Settings()) if isinstance(event, Judged))
    assert found.profile is not None
    return found.profile


def test_a_square_symmetry_has_four_zeros_round_the_circle() -> None:
    found = profile(lambda x: (x**4).sum((-2, -1)), "SO(2)", PointCloud(3, dim=2), "vector")
    assert found.kind == "angle"
    near = [p.error for p in found.points if abs(math.sin(2 * p.at[0])) < 0.02]
    far = [p.error for p in found.points if abs(math.sin(2 * p.at[0])) > 0.9]
    assert near
    assert max(near) < 0.1 * min(sorted(far)[len(far) // 2 :])


def test_only_improper_elements_show_what_breaks_under_mirrors() -> None:
    found = profile(lambda x: torch.linalg.det(x[..., :3, :]), "O(3)", PointCloud(4), "vector")
    assert found.kind == "rotation"
    assert {p.at[3] for p in found.points} == {1.0, -1.0}
    assert max(p.error for p in found.points if p.at[3] == 1) < 1e-12
    assert max(p.error for p in found.points if p.at[3] == -1) > 0.1


def test_only_mirrors_show_what_breaks_under_mirrors_of_the_plane() -> None:
    found = profile(lambda x: torch.linalg.det(x[..., :2, :]), "O(2)", PointCloud(4, dim=2), "vector")
    assert found.kind == "angle"
    assert max(p.error for p in found.points if p.at[1] == 1) < 1e-12
    assert max(p.error for p in found.points if p.at[1] == -1) > 0.1


def test_shifts_by_the_stride_are_zeros_of_the_map() -> None:
    found = profile(lambda x: x[..., ::2, ::2].square().sum((-3, -2, -1)), "Z_N^2", Grid(1, (8, 8)), "roll")
    assert (found.kind, found.size) == ("shift", (8, 8))
    kept = [p.error for p in found.points if p.at[0] % 2 == p.at[1] % 2 == 0]
    assert kept
    assert max(kept) < 1e-12 < 0.1 < max(p.error for p in found.points)


def test_elements_of_small_groups_are_named() -> None:
    found = profile(lambda x: x[..., 0, 0].square().sum(-1), "C_4", Grid(1, (6, 6)), "image")
    assert (found.kind, found.size) == ("element", (4,))
    assert found.labels[0] == "identity"
    assert all(p.error == 0 for p in found.points if p.at[0] == 0)


def test_permutations_by_how_many_they_move() -> None:
    found = profile(lambda x: (x * torch.arange(6.0).to(x).unsqueeze(-1)).sum((-2, -1)), "S_n", Set(6, 2), "permute")
    assert (found.kind, found.size) == ("permutation", (6,))
    assert {p.at[0] for p in found.points} <= {0, 2, 3, 4, 5, 6}


def rotation(axis: list[float], angle: float) -> Tensor:
    x, y, z = axis
    skew = torch.tensor([[[0, -z, y], [z, 0, -x], [-y, x, 0]]], dtype=torch.float64)
    return torch.linalg.matrix_exp(angle * skew)


@pytest.mark.parametrize(
    ("group", "g", "kind", "at"),
    [
        (SO(3), rotation([0, 0, 1], 0.5), "rotation", [0, 0, 0.5, 1]),
        (O(3), -rotation([1, 0, 0], 0.3), "rotation", [0.3, 0, 0, -1]),
        (E(3), E(3).identity(1), "rotation", [0, 0, 0, 1]),
        (SO(2), SO(2).landmarks()[:1], "angle", [math.pi / 2, 1]),
        (O(2), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64), "angle", [math.pi / 2, -1]),
        (E(2), E(2).identity(1), "angle", [0, 1]),
        (Scaling(), torch.full((1, 1, 1), math.e, dtype=torch.float64), "scale", [1]),
        (Symmetric(7), Symmetric(7).landmarks()[:1], "permutation", [2, 1, 0, 2, 3, 4, 5, 6]),
        (Symmetric(20), Symmetric(20).landmarks()[:1], "permutation", [2]),
    ],
    ids=str,
)
def test_coordinates(group: Any, g: Tensor, kind: str, at: list[float]) -> None:
    found = coordinates(group, g)
    assert found is not None
    assert found[0] == kind
    assert found[1][0].tolist() == pytest.approx(at, abs=1e-12)


def test_a_group_without_coordinates_has_no_profile() -> None:
    from symcheck.groups import GL

    assert coordinates(GL(3), GL(3).sample(2, torch.Generator().manual_seed(0))) is None
