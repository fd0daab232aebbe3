"""The reference models on sets and graphs: their claims, before and after training, and the inputs that break models."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import deepsets, gnn, mlp, transformer
from models._incidence import Ends, along, total
from models._training import fit
from symcheck import Verdict
from symcheck._tree import Args, flatten
from symcheck.claims import Claim, Subject
from symcheck.domains import Graph, PaddedSet

STATED = [*gnn.CLAIMS, *gnn.TWINS, *transformer.CLAIMS, *transformer.TWINS, *mlp.CLAIMS]
HOLDING = [*gnn.CLAIMS, *transformer.CLAIMS]
CAUGHT = [claim for claim in STATED if claim.expected == "violated"]


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


def double(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    model = Subject.built(build).load(seed)
    assert isinstance(model, nn.Module)
    return model.double()


def close(a: Tensor, b: Tensor, digits: int = 12) -> bool:
    """Equal to so many digits: twelve leave room for some thousand roundings in float64, three for none that can be missed."""
    a, b = a.detach(), b.detach()
    return a.shape == b.shape and bool((a - b).abs().max() <= 10.0**-digits * max(1.0, float(b.abs().max())))


# Claims


def trained(claim: Claim, steps: int = 20) -> nn.Module:
    """The claim's model after some steps towards random targets on inputs of its domain."""
    model = claim.subject.load(0)
    assert isinstance(model, nn.Module)

    def batch(draw: Generator) -> Any:
        return Args.of(claim.domain.sample(claim.domain.layout, 16, draw))

    def loss(model: nn.Module, x: Args) -> Tensor:
        leaves, structure = flatten(x)
        arguments = structure.rebuild([leaf.float() if leaf.is_floating_point() else leaf for leaf in leaves])
        y = model(*arguments.args)
        return (y - normal(*y.shape).to(y)).square().mean()

    fit(model, loss, batch, steps=steps)
    return model


@pytest.mark.parametrize("claim", [*HOLDING, *gnn.TWINS, *transformer.TWINS], ids=lambda claim: claim.id)
def test_training_neither_breaks_nor_mends_a_symmetry(claim: Claim) -> None:
    model = trained(claim)
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), claim.subject.load(0).parameters(), strict=True))
    (result,) = symcheck.audit(replace(claim, subject=Subject.of(model)), trials=64).results
    assert result.verdict is (Verdict.HOLDS if claim.expected == "holds" else Verdict.VIOLATED), result


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize(
    "claim", [gnn.CLAIMS[1], gnn.CLAIMS[4], transformer.CLAIMS[0], transformer.CLAIMS[1]], ids=lambda c: c.id
)
def test_claims_hold_in_other_precisions(claim: Claim, dtype: str) -> None:
    (result,) = symcheck.audit(claim, trials=64, dtype=dtype).results
    assert result.verdict is Verdict.HOLDS, result


# Incidence


ENDS = Ends.of(torch.tensor([3, 0, 3, 1, 3]), 5)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own, in forward mode
def test_the_two_maps_are_transposes_and_their_own_derivatives() -> None:
    h, m = normal(5, 2).requires_grad_(), normal(5, 2, seed=1).requires_grad_()
    assert torch.equal(along(h, ENDS), h[ENDS.at])
    assert torch.equal(total(m, ENDS), torch.zeros(5, 2, dtype=torch.float64).index_add(0, ENDS.at, m))
    assert close((along(h, ENDS) * m).sum(), (h * total(m, ENDS)).sum())
    for f in (lambda x: along(x, ENDS).tanh(), lambda x: total(x, ENDS).tanh()):
        assert torch.autograd.gradcheck(f, h, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(f, h)


def test_sums_over_no_edges_are_zero() -> None:
    none = Ends.of(torch.zeros(0, dtype=torch.int64), 3)
    assert torch.equal(total(torch.zeros(0, 2), none), torch.zeros(3, 2))
    assert along(torch.ones(3, 2), none).shape == (0, 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_sums_are_in_the_dtype_of_the_messages(dtype: torch.dtype) -> None:
    messages = torch.tensor([[1.0], [2], [4], [8], [16]]).to(dtype)
    assert total(messages, ENDS).dtype == dtype
    assert total(messages, ENDS).flatten().tolist() == [2, 8, 0, 21, 0]


# Graphs


def graph(nodes: int = 7, edges: int = 15, seed: int = 0) -> tuple[Tensor, Tensor]:
    """One with a self-loop and an edge that is there twice."""
    x, ends = Graph(nodes, edges).sample({"nodes": nodes, "edges": edges}, 1, rng(seed))
    ends[0, :, 0], ends[0, :, 1] = nodes // 2, ends[0, :, 2]
    return x[0], ends[0]


def written(edges: Tensor, nodes: int) -> dict[str, Tensor]:
    """An edge list in other formats."""
    adjacency = torch.zeros(nodes, nodes, dtype=torch.float64)
    adjacency.index_put_((edges[1], edges[0]), torch.ones(edges.shape[1], dtype=torch.float64), accumulate=True)
    return {
        "dense": adjacency,
        "COO": torch.sparse_coo_tensor(edges.flip(0), torch.ones(edges.shape[1], dtype=torch.float64), (nodes, nodes)),
        "CSR": adjacency.to_sparse_csr(),
    }


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("form", ["dense", "COO", "CSR"])
@pytest.mark.parametrize("build", [gnn.node_labeller, gnn.graph_classifier], ids=lambda f: f.__name__)
def test_all_formats_give_the_same(build: Callable[[], nn.Module], form: str) -> None:
    model, (x, edges) = double(build), graph()
    expected = model(x, edges)
    assert close(model(x, written(edges, 7)[form]), expected)
    assert not close(model(x, written(edges.flip(0), 7)[form]), expected, 3)  # direction counts
    assert not close(model(x, written(edges[:, 1:], 7)[form]), expected, 3)  # and so do self-loops


def test_a_weight_of_two_is_an_edge_twice() -> None:
    model, (x, edges) = double(gnn.node_labeller), graph()
    twice = torch.cat([edges, edges[:, 3:4]], 1)
    assert close(model(x, written(twice, 7)["dense"]), model(x, twice))
    assert int(written(twice, 7)["dense"].max()) == 2


def test_weights_have_gradients() -> None:
    model, (x, edges) = double(gnn.graph_classifier), graph()
    adjacency = (written(edges, 7)["dense"] * 0.7).requires_grad_()
    (slope,) = torch.autograd.grad(model(x, adjacency).sum(), adjacency)
    step = 1e-6 * (adjacency > 0)
    with torch.no_grad():
        change = (model(x, adjacency + step) - model(x, adjacency - step)).sum() / 2e-6
    assert abs(float((slope * (adjacency > 0)).sum() - change)) < 1e-6 * max(1.0, abs(float(change)))  # the square of the step


def test_a_union_of_different_graphs_is_each_of_them() -> None:
    model = double(gnn.graph_classifier)
    sizes = [(7, 15), (4, 3), (1, 4), (5, 6)]
    graphs = [graph(nodes, edges, seed) for seed, (nodes, edges) in enumerate(sizes)]
    starts = torch.tensor([0, *(nodes for nodes, _ in sizes)]).cumsum(0)
    x = torch.cat([x for x, _ in graphs])
    edges = torch.cat([edges + start for (_, edges), start in zip(graphs, starts, strict=False)], 1)
    batch = torch.arange(4).repeat_interleave(starts.diff())
    expected = torch.stack([model(*one) for one in graphs])
    assert close(model(x, edges, batch), expected)
    shuffled = torch.randperm(len(x), generator=rng())
    assert close(model(x[shuffled], shuffled.argsort()[edges], batch[shuffled]), expected)  # nodes needn't be sorted by graph
    forgotten = torch.cat([edges for _, edges in graphs], 1)
    assert not close(model(x, forgotten, batch), expected, 3)


@pytest.mark.parametrize("batch", [False, True])
def test_the_union_of_the_domain_is_understood(batch: bool) -> None:
    domain, model = Graph(6, 9, batch=batch), double(gnn.graph_classifier if batch else gnn.node_labeller)
    x = domain.sample(domain.layout, 4, rng())
    united = domain.split(model(*domain.collate(x)), 4)
    one_by_one = torch.stack([model(*(leaf[i] for leaf in x)) for i in range(4)])
    assert close(united, one_by_one)
    assert close(model(*x[:2]).reshape(united.shape), united)  # and so is a batch


@pytest.mark.parametrize(("nodes", "edges"), [(1, 0), (1, 2), (6, 0), (6, 3)], ids=["a node", "loops", "no edges", "isolated"])
@pytest.mark.parametrize("build", [gnn.node_labeller, gnn.graph_classifier], ids=lambda f: f.__name__)
def test_sparse_graphs_are_graphs(build: Callable[[], nn.Module], nodes: int, edges: int) -> None:
    model = double(build)
    x, ends = Graph(nodes, edges).sample({"nodes": nodes, "edges": edges}, 2, rng())
    x.requires_grad_()
    y = model(x, ends)
    (slope,) = torch.autograd.grad(y.square().sum(), x)
    assert y.isfinite().all()
    assert slope.isfinite().all()
    assert slope.any(-1).all()  # every node counts
    dense = Graph(nodes, edges, format="dense").sample({"nodes": nodes, "edges": edges}, 2, rng())[1]
    assert close(model(x, dense), y)


def test_an_isolated_node_hears_nothing() -> None:
    model, (x, edges) = double(gnn.node_labeller), graph(6, 10)
    x, other = torch.cat([x, normal(1, 3)]), torch.cat([normal(6, 3, seed=5), normal(1, 3)])
    assert torch.equal(model(x, edges)[6], model(other, edges)[6])
    assert not close(model(x, edges)[:6], model(other, edges)[:6], 3)


@pytest.mark.parametrize("wrong", [7, -1, 10**9])
def test_edges_that_end_nowhere_are_refused(wrong: int) -> None:
    """Joined to a batch, they would end in another graph."""
    model, (x, edges) = double(gnn.node_labeller), graph()
    edges[0, 4] = wrong
    with pytest.raises(ValueError, match=r"edges end at -?\d+ to \d+; the nodes are 0 to 6\."):
        model(torch.stack([x, x]), torch.stack([edges, edges]))


def test_alike_to_1_wl_is_alike_to_messages_unless_the_features_differ() -> None:
    model, found = double(gnn.graph_classifier), Graph(6, 12).structured({"nodes": 6, "edges": 12})
    hexagon, triangles = (found[f"a regular graph in {parts}"] for parts in ("one part", "two parts"))
    assert close(model(*hexagon), model(*triangles))
    x = normal(1, 6, 3)
    assert not close(model(x, hexagon[1]), model(x, triangles[1]), 3)
    assert not close(model(*hexagon), model(*found["a path"]), 3)


# Sets


@pytest.mark.parametrize(
    "build", [transformer.set_transformer, transformer.point_transformer, deepsets.set_classifier, deepsets.point_labeller],
    ids=lambda f: f.__name__,
)  # fmt: skip
class TestMasks:
    def test_more_padding_changes_nothing(self, build: Callable[[], nn.Module]) -> None:
        model = double(build)
        x, mask = PaddedSet(6).sample({"points": 6}, 5, rng())
        longer = torch.cat([x, normal(5, 3, 3, seed=1)], 1), torch.cat([mask, torch.zeros(5, 3, dtype=torch.bool)], 1)
        y, z = model(x, mask), model(*longer)
        assert close(z[:, :6] if z.ndim == 3 else z, y)
        assert not close(model(longer[0])[:, :6] if z.ndim == 3 else model(longer[0]), y, 3)  # unless it is no padding

    def test_a_full_mask_is_none(self, build: Callable[[], nn.Module]) -> None:
        model, x = double(build), normal(3, 5, 3)
        assert close(model(x, torch.ones(3, 5, dtype=torch.bool)), model(x))

    def test_the_empty_set_is_a_set(self, build: Callable[[], nn.Module]) -> None:
        model, x = double(build), normal(3, 5, 3).requires_grad_()
        mask = torch.tensor([[True] * 5, [False] * 5, [True] + [False] * 4])
        y = model(x, mask)
        (slope,) = torch.autograd.grad(y.square().sum(), x)
        assert y.isfinite().all()
        assert slope.isfinite().all()
        assert slope.any(-1).tolist() == mask.tolist()
        parameters = torch.autograd.grad(model(x, mask).square().sum(), list(model.parameters()), allow_unused=True)
        assert all(slope is None or bool(slope.isfinite().all()) for slope in parameters)
        assert close(model(x + 1, mask)[1], y[1])


@pytest.mark.parametrize("build", [transformer.set_transformer, transformer.point_transformer], ids=lambda f: f.__name__)
@pytest.mark.parametrize("garbage", [math.nan, math.inf, 1e300])
def test_not_even_nan_gets_through_the_mask(build: Callable[[], nn.Module], garbage: float) -> None:
    model = double(build)
    x, mask = PaddedSet(6).sample({"points": 6}, 5, rng())
    assert torch.equal(model(x.masked_fill(~mask.unsqueeze(-1), garbage), mask), model(x, mask))


def test_attention_is_what_its_formula_says() -> None:
    """One head, without a mask: y_i = sum_j softmax_j(q_i . k_j / sqrt(d)) v_j."""
    attention = transformer.Attention(4, 1, transformer.those_there).double()
    x = normal(2, 5, 4)
    q, (k, v) = attention.query(x), attention.key_value(x).chunk(2, -1)
    weight = (q @ k.mT / 2).softmax(-1)
    assert close(attention(x, x, torch.ones(2, 5, dtype=torch.bool)), attention.out(weight @ v))


def test_of_nothing_a_query_hears_zero() -> None:
    attention = transformer.Attention(4, 2, transformer.those_there).double()
    y = attention(normal(2, 3, 4), normal(2, 5, 4, seed=1), torch.tensor([[False] * 5, [True] + [False] * 4]))
    assert torch.equal(y[0], attention.out.bias.expand(3, 4))
    only = attention.out(attention.key_value(normal(2, 5, 4, seed=1)[1, :1])[:, 4:])
    assert close(y[1], only.expand(3, 4))


# Learning


SLOWLY = pytest.param(transformer, 300, marks=pytest.mark.slow)  # what positions cost it is seen late in training


@pytest.mark.parametrize(("module", "steps"), [(gnn, 300), (mlp, 400), SLOWLY], ids=["gnn", "mlp", "transformer"])
def test_a_symmetric_model_learns_and_generalises(module: Any, steps: int) -> None:
    """What it learnt on inputs in order it knows in any order; the other one misses at least twice as much there."""
    row = module.LESSON.row(steps)
    assert row["test"] > 0.97
    assert row["broken_test"] > 0.97
    assert row["transformed"] == pytest.approx(row["test"], abs=1e-3)
    assert 1 - row["broken_transformed"] > 2 * (1 - row["broken_test"])


def test_what_a_transformer_learns_of_sorted_samples_it_knows_of_shuffled_ones() -> None:
    row = transformer.LESSON.row(60)
    assert min(row["test"], row["broken_test"]) > 0.85
    assert row["transformed"] == pytest.approx(row["test"], abs=1e-5)
    assert row["broken_transformed"] != pytest.approx(row["broken_test"], abs=1e-3)
