"""Message passing against torch_geometric: the same weights, the same numbers; and its layers judged on our graphs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

import symcheck
from models import gnn
from symcheck import Verdict
from symcheck.claims import Subject
from symcheck.domains import Graph
from symcheck.groups import Symmetric

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

DIGITS = 1e-10
SIZES = [(7, 15), (4, 3), (1, 4), (9, 0), (5, 20)]


def theirs(ours: gnn.GraphClassifier) -> nn.Module:
    """The same network by torch_geometric's message passing and pooling, with our weights."""
    geometric = pytest.importorskip("torch_geometric.nn")

    class Round(geometric.MessagePassing):  # type: ignore[misc, name-defined]
        def __init__(self, layer: Any) -> None:
            super().__init__(aggr="sum")
            self.layer = layer

        def forward(self, h: Tensor, edges: Tensor) -> Tensor:
            heard = self.propagate(edges, x=h)
            step: Tensor = self.layer.update(torch.cat([h, heard], -1))
            return h + step

        def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
            return functional.silu(self.layer.receiver(x_i) + self.layer.sender(x_j))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rounds = nn.ModuleList(Round(layer) for layer in ours.nodes.layers)

        def forward(self, x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
            h = ours.nodes.embed(x)
            for turn in self.rounds:
                h = turn(h, edges)
            pooled = geometric.global_mean_pool(torch.tanh(ours.nodes.head(h)), batch)
            logits: Tensor = ours.head(pooled)
            return logits

    return Network()


def joined() -> Any:
    """Graphs of different sizes, joined by torch_geometric."""
    data = pytest.importorskip("torch_geometric.data")
    graphs = []
    for seed, (nodes, edges) in enumerate(SIZES):
        x, ends = Graph(nodes, edges).sample({"nodes": nodes, "edges": edges}, 1, Generator().manual_seed(seed))
        graphs.append(data.Data(x=x[0], edge_index=ends[0]))
    return data.Batch.from_data_list(graphs)


def test_the_same_weights_give_the_same_logits_and_gradients() -> None:
    model = Subject.built(gnn.graph_classifier).load(0)
    assert isinstance(model, gnn.GraphClassifier)
    model.double()
    batch = joined()
    x = batch.x.requires_grad_()
    ours, reference = (f(x, batch.edge_index, batch.batch) for f in (model, theirs(model)))
    assert ours.shape == (5, 4)
    assert (ours - reference).abs().max() <= DIGITS * reference.abs().max()
    slopes = [torch.autograd.grad(y.square().sum(), [x, *model.parameters()]) for y in (ours, reference)]
    for mine, other in zip(*slopes, strict=True):
        assert (mine - other).abs().max() <= DIGITS * other.abs().max()
    with torch.no_grad():
        model.nodes.layers[1].sender.weight[0, 0] += 1e-6
        moved = model(x, batch.edge_index, batch.batch)
    assert (moved - reference).abs().max() > DIGITS * reference.abs().max()


def test_the_union_is_theirs() -> None:
    data = pytest.importorskip("torch_geometric.data")
    domain = Graph(5, 8, 2, attributes=3, dim=2, batch=True)
    x, ends, attributes, positions, whose = domain.sample(domain.layout, 4, Generator().manual_seed(0))
    graphs = [data.Data(x=x[i], edge_index=ends[i], edge_attr=attributes[i], pos=positions[i]) for i in range(4)]
    reference = data.Batch.from_data_list(graphs)
    ours = domain.collate((x, ends, attributes, positions, whose))
    for mine, name in zip(ours, ("x", "edge_index", "edge_attr", "pos", "batch"), strict=True):
        assert torch.equal(mine, reference[name])


def test_the_dense_adjacency_is_theirs_transposed() -> None:
    """Ours has targets as rows, so that A x sums what comes in; theirs has sources."""
    utils = pytest.importorskip("torch_geometric.utils")
    _, ends = Graph(6, 9).sample({"nodes": 6, "edges": 9}, 3, Generator().manual_seed(0))
    _, adjacency = Graph(6, 9, format="dense").sample({"nodes": 6, "edges": 9}, 3, Generator().manual_seed(0))
    for i in range(3):
        assert torch.equal(adjacency[i], utils.to_dense_adj(ends[i], max_num_nodes=6)[0].mT.double())


def conv(name: str) -> nn.Module:
    geometric = pytest.importorskip("torch_geometric.nn")
    torch.manual_seed(0)
    made: dict[str, Any] = {
        "GCNConv": lambda: geometric.GCNConv(3, 4),
        "GINConv": lambda: geometric.GINConv(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 4))),
        "GATv2Conv": lambda: geometric.GATv2Conv(3, 4, heads=2),
        "SAGEConv": lambda: geometric.SAGEConv(3, 4),
        "SAGEConv(lstm)": lambda: geometric.SAGEConv(3, 4, aggr="lstm"),
    }
    layer: nn.Module = made[name]()
    return layer.eval()


CONVS = ["GCNConv", "GINConv", "GATv2Conv", "SAGEConv"]
EDGE_ORDER = {"group": Symmetric(of="edges"), "inputs": ("scalar", "permute(axis=-1, of='edges')"), "outputs": "scalar"}


@pytest.mark.parametrize("name", CONVS)
def test_their_layers_are_equivariant(name: str) -> None:
    result = symcheck.check(
        conv(name), Graph(6, 12), group="S_n", inputs=("permute", "relabel"), outputs="permute", trials=32, perturb=False
    )
    assert result.verdict is Verdict.HOLDS, result


@pytest.mark.parametrize("name", CONVS)
def test_their_layers_know_no_order_of_edges(name: str) -> None:
    result = symcheck.check(conv(name), Graph(6, 12), trials=32, perturb=False, **EDGE_ORDER)  # type: ignore[arg-type]
    assert result.verdict is Verdict.HOLDS, result


def test_an_lstm_over_neighbours_knows_their_order() -> None:
    """Hamilton et al. 2017 say so, and shuffle. Edges must come sorted by target; within a target, any order will do."""
    layer = conv("SAGEConv(lstm)")

    def sorted_first(x: Tensor, edges: Tensor) -> Tensor:
        y: Tensor = layer(x, edges[:, edges[1].argsort(stable=True)])
        return y

    result = symcheck.check(sorted_first, Graph(6, 12), trials=32, perturb=False, **EDGE_ORDER)  # type: ignore[arg-type]
    assert result.verdict is Verdict.VIOLATED, result
