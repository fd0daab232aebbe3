"""Message passing against torch_geometric: the same weights, the same numbers; and its layers judged on our graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

import symcheck
from models import gnn
from models._incidence import Adjacency, Wiring, along, heard, normalised, total, wiring
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


class OnGraphs(nn.Module):
    """One of our layers on graphs `x (n, nodes, 3), edges (n, 2, edges)`, by an adjacency made of their edges."""

    def __init__(self, layer: nn.Module, made: Callable[[Wiring], Adjacency]) -> None:
        super().__init__()
        self.layer, self.made = layer, made

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        n, nodes, _ = x.shape
        y: Tensor = self.layer(x.flatten(0, 1), self.made(wiring(edges, n, nodes)))
        return y.reshape(n, nodes, -1)


def ours(name: str) -> OnGraphs:
    torch.manual_seed(0)
    made = {"GCN": (gnn.GCN(3, 4), normalised), "narrower GCN": (gnn.GCN(3, 2), normalised), "GIN": (gnn.GIN(3), Adjacency.of)}
    return OnGraphs(*made[name])


def of_theirs(layer: nn.Module) -> nn.Module:
    """torch_geometric's layer with the same weights."""
    geometric = pytest.importorskip("torch_geometric.nn")
    if isinstance(layer, gnn.GIN):
        made: nn.Module = geometric.GINConv(layer.update, eps=0.0, train_eps=True)
        return made
    assert isinstance(layer, gnn.GCN)
    layer.bias.data.normal_()
    other: Any = geometric.GCNConv(*layer.linear.weight.shape[::-1])
    other.lin.weight.data, other.bias.data = layer.linear.weight.data, layer.bias.data
    return other  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["GCN", "narrower GCN", "GIN"])
def test_our_layers_are_theirs(name: str) -> None:
    model = ours(name).double()
    x, edges = Graph(6, 12).sample({"nodes": 6, "edges": 12}, 1, Generator().manual_seed(0))
    x.requires_grad_()
    others, mine = of_theirs(model.layer)(x[0], edges[0]), model(x, edges)[0]
    assert (mine - others).abs().max() <= DIGITS * others.abs().max()
    slope, reference = (torch.autograd.grad(y.square().sum(), x)[0] for y in (mine, others))
    assert (slope - reference).abs().max() <= DIGITS * reference.abs().max()


@pytest.mark.parametrize("name", ["GCN", "GIN"])
def test_our_layers_are_equivariant(name: str) -> None:
    result = symcheck.check(ours(name), Graph(6, 12), group="S_n", inputs=("permute", "relabel"), outputs="permute", trials=32)
    assert result.verdict is Verdict.HOLDS, result


def test_a_layer_that_numbers_its_nodes_is_caught() -> None:
    def by_number(wires: Wiring) -> Adjacency:
        adjacency = Adjacency.of(wires)
        rows = adjacency.rows._replace(weight=adjacency.rows.who.double() % 3)
        return Adjacency(rows, adjacency.columns)

    model = OnGraphs(gnn.GIN(3), by_number)
    result = symcheck.check(model, Graph(6, 12), group="S_n", inputs=("permute", "relabel"), outputs="permute", trials=32)
    assert result.verdict is Verdict.VIOLATED


def test_a_sum_over_neighbours_is_a_product_with_the_adjacency() -> None:
    """Forward, backward and in forward mode, for weighted edges, some of them twice; and nothing heard is zero."""
    rng = Generator().manual_seed(0)
    ends, weight = torch.randint(7, (2, 20), generator=rng), torch.randn(20, 1, generator=rng, dtype=torch.float64)
    ends = ends[:, ends[1] != 3]
    weight = weight[: ends.shape[1]]
    wires = wiring(ends, 1, 7)._replace(weight=weight)
    dense = torch.zeros(7, 7, dtype=torch.float64).index_put((ends[1], ends[0]), weight.flatten(), accumulate=True)
    adjacency = Adjacency.of(wires)
    h = torch.randn(7, 2, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(heard(h, adjacency), dense @ h, rtol=0, atol=DIGITS)
    assert heard(h, adjacency)[3].tolist() == [0.0, 0.0]
    assert torch.allclose(heard(h, adjacency.transposed), dense.T @ h, rtol=0, atol=DIGITS)
    assert torch.autograd.gradcheck(lambda h: heard(h, adjacency), h, check_forward_ad=True)
    assert torch.equal(heard(h, Adjacency.of(wires._replace(weight=None))), total(along(h, wires.source), wires.target))


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
