"""Discovery on released models: the group that each was made for, and how it acts on what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from symcheck.discovery import discover
from symcheck.domains import Tensors

pytestmark = pytest.mark.peers

Model = tuple[Callable[..., Any], Any]


def activated() -> Model:
    o3, layers = pytest.importorskip("e3nn.o3"), pytest.importorskip("e3nn.nn")
    product = o3.FullyConnectedTensorProduct("1x0e+2x1o", "1x0e+2x1o", "2x0e+1x1e+1x1o")
    norm = layers.NormActivation("2x0e+1x1e+1x1o", torch.tanh)
    return lambda x: norm(product(x, x)), torch.randn(4, 7)


def gate() -> Model:
    layers = pytest.importorskip("e3nn.nn")
    return layers.Gate("2x0e", [torch.tanh], "1x0e", [torch.sigmoid], "1x1o"), torch.randn(4, 6)


def harmonics() -> Model:
    o3 = pytest.importorskip("e3nn.o3")
    return o3.SphericalHarmonics(2, normalize=True), torch.randn(4, 3)


def graph_isomorphism() -> Model:
    layers = pytest.importorskip("torch_geometric.nn")
    conv = layers.DenseGINConv(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)))
    return lambda x, a: conv(x, a), (torch.randn(2, 4, 2), torch.randn(2, 4, 4))


def deep_sets() -> Model:
    layers = pytest.importorskip("torch_geometric.nn")
    layer = layers.DeepSetsAggregation(nn.Sequential(nn.Linear(2, 8), nn.Tanh()), nn.Linear(8, 3))
    return layer, Tensors((5, 2))


def set_to_set() -> Model:
    layers = pytest.importorskip("torch_geometric.nn")
    layer = layers.Set2Set(3, processing_steps=2)
    return layer, Tensors((5, 3))


def egnn() -> Model:
    layer = pytest.importorskip("egnn_pytorch").EGNN(dim=4, m_dim=8)
    return lambda h, x: layer(h, x), (torch.randn(2, 5, 4), torch.randn(2, 5, 3))


def point_transformer() -> Model:
    kind = pytest.importorskip("point_transformer_pytorch").PointTransformerLayer
    layer = kind(dim=4, pos_mlp_hidden_dim=8, attn_mlp_hidden_mult=2)
    return lambda h, x: layer(h, x), (torch.randn(2, 5, 4), torch.randn(2, 5, 3))


def performer() -> Model:
    kind = pytest.importorskip("performer_pytorch").SelfAttention
    layer = kind(dim=8, heads=2, dim_head=4, causal=False).eval()
    return lambda x: layer(x), torch.randn(2, 5, 8)


MODELS: dict[Callable[[], Model], tuple[str, list[str]]] = {
    activated: ("so(3)", ["O(3), 1x0e+2x1o -> 2x0e+1x1e+1x1o"]),
    gate: (  # one vector times a number: it may be any linear map of itself
        "gl(3)",
        ["exp(sl(3)), block(start=0, size=7) -> block(start=7, size=6, axis=0)"],
    ),
    harmonics: ("so(3) + scaling", ["O(3), vector -> 1x2e", "R+, scale_by -> scalar"]),
    graph_isomorphism: ("", ["S_n, (permute, permute * permute(axis=-1)) -> permute"]),
    deep_sets: ("none", ["S_n, permute -> scalar"]),
    set_to_set: ("none", ["S_n, permute -> scalar"]),
    egnn: ("se(3)", ["E(3), (scalar, point) -> (scalar, point)", "S_n, (permute, permute) -> (permute, permute)"]),
    point_transformer: ("t(3)", ["T(3), (scalar, point) -> scalar", "S_n, (permute, permute) -> permute"]),
    performer: ("none", ["S_n, permute -> permute"]),
}


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_the_group_of_a_released_model(build: Callable[[], Model]) -> None:
    torch.manual_seed(0)
    model, example = build()
    algebra, claims = MODELS[build]
    found = discover(model, example)
    told = [claim.id.partition(": ")[2] for claim in found.claims]
    assert algebra in ("", found.algebra), str(found)
    assert [claim for claim in claims if claim not in told] == [], str(found)
