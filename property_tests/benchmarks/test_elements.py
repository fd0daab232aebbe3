"""Elements per second: sampling and composing 10,000 in one batch, against a loop over the samplers of peers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator

from symcheck.groups import CATALOGUE, SO, Monoid

COUNT = 10_000
GROUPS = [kind.examples()[-1] for kind in CATALOGUE]


def sampled_and_composed(group: Monoid) -> torch.Tensor:
    rng = Generator().manual_seed(0)
    return group.compose(group.sample(COUNT, rng), group.sample(COUNT, rng))


@pytest.mark.benchmark(group="10,000 rotations, drawn and composed")
def test_rotations_in_one_batch(benchmark: Any) -> None:
    g = benchmark(sampled_and_composed, SO(3))
    assert bool(SO(3).contains(g).all())


@pytest.mark.peers
@pytest.mark.benchmark(group="10,000 rotations, drawn and composed")
def test_rotations_by_a_loop_over_e3nn(benchmark: Any) -> None:
    o3 = pytest.importorskip("e3nn.o3")

    def loop() -> list[torch.Tensor]:
        return [o3.rand_matrix() @ o3.rand_matrix() for _ in range(COUNT)]

    assert len(benchmark(loop)) == COUNT


@pytest.mark.peers
@pytest.mark.benchmark(group="10,000 rotations, drawn and composed")
def test_rotations_by_a_loop_over_scipy(benchmark: Any) -> None:
    rotation = pytest.importorskip("scipy.spatial.transform").Rotation

    def loop() -> list[Any]:
        return [rotation.random() * rotation.random() for _ in range(COUNT)]

    assert len(benchmark(loop)) == COUNT


@pytest.mark.benchmark(group="10,000 elements of each group, drawn and composed")
@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_elements_of_every_group(benchmark: Any, group: Monoid) -> None:
    assert len(benchmark(sampled_and_composed, group)) == COUNT
