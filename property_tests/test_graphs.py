"""Graphs as a domain: what is drawn, what is structured, the three formats, and the disjoint union."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

import symcheck
from symcheck import Claim
from symcheck.domains import Domain, Graph, _edges
from symcheck.domains._edges import complete, distinct
from symcheck.errors import DomainError
from symcheck.groups import Product, Symmetric
from symcheck.properties import FormatInvariance

SIZES = [(nodes, edges) for nodes, edges in product((1, 2, 3, 5, 6, 8), (0, 1, 2, 7, 12, 16, 23))]


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def draw(domain: Graph, n: int = 5, seed: int = 0) -> tuple[Tensor, ...]:
    drawn: tuple[Tensor, ...] = domain.sample(domain.layout, n, rng(seed))
    return drawn


def pairs(edges: Tensor) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in edges.mT]


def structured(domain: Graph, name: str) -> list[tuple[int, int]]:
    (edges,) = domain.structured(domain.layout)[name][1]
    return pairs(edges)


def degrees(edges: list[tuple[int, int]], nodes: int) -> list[int]:
    """How many edges come in."""
    count = Counter(target for _, target in edges)
    return [count[node] for node in range(nodes)]


def components(edges: list[tuple[int, int]], nodes: int) -> set[frozenset[int]]:
    found = {frozenset({node}) for node in range(nodes)}
    for a, b in edges:
        joined = [part for part in found if a in part or b in part]
        found = (found - set(joined)) | {frozenset().union(*joined)}
    return found


def colours(edges: list[tuple[int, int]], nodes: int) -> Counter[Any]:
    """The colours of 1-WL: each node's is that of its neighbours, over and over."""
    own: list[Any] = [0] * nodes
    for _ in range(nodes):
        own = [(own[i], tuple(sorted(repr(own[a]) for a, b in edges if b == i))) for i in range(nodes)]
        names = {colour: repr(place) for place, colour in enumerate(sorted(set(own), key=repr))}
        own = [names[colour] for colour in own]
    return Counter(own)


# What is drawn


@pytest.mark.parametrize(("nodes", "edges"), [(5, 8), (5, 20), (2, 2), (3, 1)])
def test_generic_graphs_are_simple(nodes: int, edges: int) -> None:
    for graph in draw(Graph(nodes, edges))[1]:
        drawn = pairs(graph)
        assert len(set(drawn)) == edges
        assert all(a != b and min(a, b) >= 0 and max(a, b) < nodes for a, b in drawn)


def test_edges_come_again_only_when_all_are_there() -> None:
    for graph in draw(Graph(3, 14))[1]:
        assert sorted(Counter(pairs(graph)).values()) == [2, 2, 2, 2, 3, 3]
    assert pairs(draw(Graph(1, 3))[1][0]) == [(0, 0)] * 3


@pytest.mark.parametrize("directed", [True, False])
def test_large_graphs_are_simple_and_take_little_memory(directed: bool) -> None:
    nodes, edges = 30_000, 60_000  # of 9e8 pairs: 7 GB, if each had a number
    drawn = draw(Graph(nodes, edges, 1, directed=directed), n=2)[1]
    for each in drawn:
        assert len(torch.unique(each[0] * nodes + each[1])) == edges
        assert bool((each[0] != each[1]).all())
        assert 0.49 < float((each[0] < each[1]).double().mean()) < 0.51
        assert 0.49 < float(each.double().mean()) / nodes < 0.51
    assert not torch.equal(*drawn)


def test_pairs_are_told_from_their_place() -> None:
    for nodes in (2, 3, 9):
        assert pairs(_edges.pair(torch.arange(nodes * (nodes - 1) // 2).unsqueeze(0), nodes)[0]) == list(complete(nodes))
    last = 10**7 * (10**7 - 1) // 2 - 1
    assert _edges.pair(torch.tensor([[last]]), 10**7).flatten().tolist() == [10**7 - 2, 10**7 - 1]


@pytest.mark.parametrize(("size", "count"), [(10, 0), (10, 2), (10, 3), (10, 10), (10, 25), (1, 3), (10**12, 5)])
def test_numbers_are_drawn_anew_when_all_have_been(size: int, count: int) -> None:
    found = distinct(size, count, rng())
    assert len(found) == count
    assert all(0 <= number < size for number in found.tolist())
    times = Counter(found.tolist()).values()
    assert max(times, default=0) - (min(times) if len(times) == size else 0) <= 1


def test_edges_without_direction_go_there_and_back() -> None:
    _, edges, attributes = draw(Graph(6, 12, directed=False, attributes=2))
    for graph, values in zip(edges, attributes, strict=True):
        drawn = pairs(graph)
        assert [(b, a) for a, b in drawn[::2]] == drawn[1::2]
        assert len({frozenset(pair) for pair in drawn}) == 6
        assert torch.equal(values[::2], values[1::2])


def test_every_edge_is_as_likely_as_another() -> None:
    """A chi-square of 11 degrees of freedom; 31.264 is its 0.1 % point (Abramowitz & Stegun, table 26.8)."""
    count = 6_000
    drawn = Counter(pairs(draw(Graph(4, 1), count)[1].squeeze(-1).mT))
    expected = count / 12
    assert len(drawn) == 12
    assert sum((seen - expected) ** 2 / expected for seen in drawn.values()) < 31.264


# What is structured


@pytest.mark.parametrize(("nodes", "edges"), SIZES)
@pytest.mark.parametrize("directed", [True, False])
def test_structured_graphs_fit_any_size(nodes: int, edges: int, directed: bool) -> None:
    domain = Graph(nodes, edges * (1 if directed else 2), directed=directed)
    found = domain.structured(domain.layout)
    assert {"a path", "a cycle", "a star", "a complete graph", "self-loops", "repeated edges"} <= set(found)
    for x, ends in found.values():
        assert x.shape[1:] == (nodes, 3)
        assert ends.shape == (len(x), 2, domain.edges)
        assert ends.numel() == 0 or (int(ends.min()) >= 0 and int(ends.max()) < nodes)
        assert directed or all(Counter(pairs(one)) == Counter((b, a) for a, b in pairs(one)) for one in ends)


def test_paths_cycles_stars_and_complete_graphs() -> None:
    path, cycle, star = (structured(Graph(6, 12), name) for name in ("a path", "a cycle", "a star"))
    loops = [(5, 5)] * 2  # what is left over
    assert sorted(path) == sorted([(i, j) for i in range(6) for j in range(6) if abs(i - j) == 1] + loops)
    assert sorted(cycle) == sorted((i, j) for i in range(6) for j in range(6) if (i - j) % 6 in (1, 5))
    assert sorted(star) == sorted([(0, i) for i in range(1, 6)] + [(i, 0) for i in range(1, 6)] + loops)
    complete = structured(Graph(6, 12), "a complete graph")
    assert sorted(complete) == sorted((i, j) for i in range(4) for j in range(4) if i != j)


def test_isolated_nodes_self_loops_and_repeated_edges() -> None:
    isolated = structured(Graph(6, 17), "an isolated node")
    assert all(5 not in pair for pair in isolated)
    assert min(degrees(isolated, 5)) > 0
    loops = structured(Graph(6, 12), "self-loops")
    assert set(range(6)) == {a for a, b in loops if a == b}
    repeated = structured(Graph(6, 12), "repeated edges")
    assert Counter(repeated) == {(0, 5): 5, (5, 0): 5, (0, 4): 1, (4, 0): 1}


def last(x: Tensor, edges: Tensor, attributes: Tensor) -> Tensor:
    """An adjacency in which the last of repeated edges is written over the others."""
    return x.new_zeros(len(x), len(x)).index_put((edges[1], edges[0]), attributes[:, 0]) @ x


def summed(x: Tensor, edges: Tensor, attributes: Tensor) -> Tensor:
    return x.new_zeros(len(x), len(x)).index_put((edges[1], edges[0]), attributes[:, 0], accumulate=True) @ x


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize(("model", "verdict", "where"), [(summed, "HOLDS", ()), (last, "VIOLATED", ("repeated edges",))])
def test_the_last_of_repeated_edges_is_not_all_of_them(model: Any, verdict: str, where: Any, directed: bool) -> None:
    group = Product((Symmetric(), Symmetric(of="edges")))
    reps = ("permute", "relabel * permute(axis=-1, of='edges')", "permute(of='edges')")
    graphs = Graph(5, 8, attributes=1, directed=directed)
    result = symcheck.check(model, graphs, group=group, inputs=reps, outputs="permute", trials=32)
    assert result.verdict.name == verdict
    assert result.worst is None or result.worst.only_at == where


def test_an_average_that_counts_repeated_edges_once_differs_from_one_that_counts_each() -> None:
    def each(x: Tensor, edges: Tensor) -> Tensor:
        return dense(*to_dense(x, edges))

    def to_dense(x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        return x, summed(torch.eye(len(x), dtype=x.dtype), edges, torch.ones(edges.shape[1], 1, dtype=x.dtype))

    def once(x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        return x, to_dense(x, edges)[1].clamp_max(1)

    def dense(x: Tensor, adjacency: Tensor) -> Tensor:
        return adjacency @ x / adjacency.sum(-1, keepdim=True).clamp_min(1)

    properties = (FormatInvariance(to_dense, dense), FormatInvariance(once, dense))
    claim = Claim(each, "S_n", domain=Graph(5, 8), inputs=("permute", "relabel"), outputs="permute", properties=properties)
    same, other = symcheck.audit(claim, trials=32).results
    assert (same.verdict.name, other.verdict.name) == ("HOLDS", "VIOLATED")
    assert other.worst is not None
    assert other.worst.only_at == ("repeated edges",)


@pytest.mark.parametrize(("nodes", "edges"), [(6, 8), (7, 20), (8, 16), (9, 12)])
def test_equal_components_can_be_swapped(nodes: int, edges: int) -> None:
    graph = structured(Graph(nodes, edges), "two equal components")
    first, second, *_ = sorted((part for part in components(graph, nodes) if len(part) > 1), key=min)
    assert len(first) == len(second) > 1
    swap = dict(zip(sorted(first) + sorted(second), sorted(second) + sorted(first), strict=True))
    assert Counter((swap.get(a, a), swap.get(b, b)) for a, b in graph) == Counter(graph)


@pytest.mark.parametrize(("nodes", "edges"), [(6, 12), (7, 12), (7, 20), (8, 16), (11, 20)])
def test_regular_graphs_are_alike_to_1_wl_and_yet_differ(nodes: int, edges: int) -> None:
    one, other = (structured(Graph(nodes, edges), f"a regular graph in {parts}") for parts in ("one part", "two parts"))
    assert colours(one, nodes) == colours(other, nodes)
    assert len(components(one, nodes)) == len(components(other, nodes)) - 1


def test_1_wl_tells_a_path_from_a_star() -> None:
    """The colours aren't blind."""
    path, star = structured(Graph(5, 8), "a path"), structured(Graph(5, 8), "a star")
    assert colours(path, 5) != colours(star, 5)


def test_regular_graphs_are_left_out_where_they_do_not_fit() -> None:
    for nodes, edges in ((5, 16), (6, 11), (6, 13)):
        assert not any("regular" in name for name in Graph(nodes, edges).structured({"nodes": nodes, "edges": edges}))


# Formats


def counted(edges: Tensor, nodes: int) -> Tensor:
    """The adjacency, edge by edge."""
    adjacency = torch.zeros(nodes, nodes, dtype=torch.float64)
    for source, target in pairs(edges):
        adjacency[target, source] += 1
    return adjacency


GRAPH = Graph(5, 9, 2, attributes=3)


@pytest.mark.parametrize("name", [None, "a star", "self-loops", "repeated edges", "an isolated node"])
def test_the_formats_write_the_same_graph(name: str | None) -> None:
    def written(domain: Graph) -> tuple[Tensor, ...]:
        tree: tuple[Tensor, ...] = domain.structured(domain.layout)[name] if name else draw(domain, 4)
        return tree

    x, edges, attributes = written(GRAPH)
    dense_x, adjacency, dense_attributes = written(replace(GRAPH, format="dense"))
    csr_x, crow, col, csr_attributes = written(replace(GRAPH, format="csr"))
    assert torch.equal(x, dense_x)
    assert torch.equal(x, csr_x)
    for i in range(len(x)):
        expected = counted(edges[i], 5)
        assert torch.equal(adjacency[i], expected)
        rows = [int(col[i, k]) for k in range(9)], [row for row in range(5) for _ in range(crow[i, row], crow[i, row + 1])]
        assert torch.equal(counted(torch.tensor(rows), 5), expected)
        by_ends = {pair: torch.zeros(3, dtype=torch.float64) for pair in set(pairs(edges[i]))}
        for pair, value in zip(pairs(edges[i]), attributes[i], strict=True):
            by_ends[pair] = by_ends[pair] + value
        again = dict.fromkeys(by_ends, torch.zeros(3, dtype=torch.float64))
        for pair, value in zip(zip(*rows, strict=True), csr_attributes[i], strict=True):
            again[pair] = again[pair] + value
        for (source, target), value in by_ends.items():
            assert torch.equal(dense_attributes[i, target, source], value)
            # The edges of one pair are added in another order: two roundings of a number below ten.
            assert (again[source, target] - value).abs().max() <= 20 * torch.finfo(torch.float64).eps
        assert int(dense_attributes[i].any(-1).sum()) == len(by_ends)


def test_the_rows_of_the_adjacency_are_targets() -> None:
    x = torch.tensor([[1.0], [10.0], [100.0]], dtype=torch.float64)
    domain = Graph(3, 4, format="dense")
    (star,) = domain.structured({"nodes": 3, "edges": 4})["a star"][1]
    assert (star @ x).flatten().tolist() == [110, 1, 1]
    edges = draw(Graph(4, 1))[1]
    adjacency = draw(Graph(4, 1, format="dense"))[1]
    assert [(int(b), int(a)) for a, b in (one.nonzero()[0] for one in adjacency)] == [pairs(one)[0] for one in edges]


# The union

UNITED = [
    Graph(4, 6, 2, attributes=2, dim=3, batch=True),
    Graph(4, 6, 2, attributes=2, dim=3, format="dense", batch=True),
    Graph(4, 6, 2, attributes=2, dim=3, format="csr", batch=True),
    Graph(4, 0, 2),
    Graph(3, 4, 1, directed=False),
]


@pytest.mark.parametrize("domain", UNITED, ids=str)
def test_the_union_holds_each_graph_apart(domain: Graph) -> None:
    n = 3
    x, edges, *rest = draw(replace(domain, format="edges"), n)
    united_x, united_edges, *united_rest = replace(domain, format="edges").collate((x, edges, *rest))
    assert torch.equal(united_x, x.flatten(0, 1))
    expected = [(a + i * domain.nodes, b + i * domain.nodes) for i in range(n) for a, b in pairs(edges[i])]
    assert pairs(united_edges) == expected
    if domain.batch:
        assert united_rest[-1].tolist() == [i for i in range(n) for _ in range(domain.nodes)]
        assert torch.equal(united_rest[0], rest[0].flatten(0, 1))
        assert torch.equal(united_rest[1], rest[1].flatten(0, 1))


@pytest.mark.parametrize("domain", UNITED, ids=str)
def test_a_union_is_written_as_one_graph_is(domain: Graph) -> None:
    """Its edges, attributes and positions in any format are those of the united edge list in that format."""
    whole = Graph(3 * domain.nodes, 3 * domain.edges, domain.features, attributes=domain.attributes, dim=domain.dim)
    plain = draw(replace(domain, format="edges", batch=False), 3)
    drawn = replace(domain, format="edges", batch=False).collate(plain)
    expected = replace(whole, format=domain.format)._written(  # the rest is empty where not asked for
        drawn[0][None],
        drawn[1][None],
        drawn[2][None] if domain.attributes else torch.zeros(1, whole.edges, 0),
        drawn[-1][None] if domain.dim else torch.zeros(1, whole.nodes, 0),
    )
    united = domain.collate(draw(domain, 3))
    assert len(united) == len(expected) + domain.batch
    for mine, theirs in zip(united, expected, strict=False):
        assert torch.equal(mine, theirs[0])


@pytest.mark.parametrize("per", ["node", "edge", "graph"])
def test_outputs_are_told_apart_again(per: str) -> None:
    rows = {"node": 4, "edge": 6, "graph": 1}[per]
    y = torch.randn(5, rows, 2, generator=rng())
    split = Graph(4, 6).split({"out": y.flatten(0, 1), "other": [y[..., 0].flatten()]}, 5)
    assert torch.equal(split["out"], y)
    assert torch.equal(split["other"][0], y[..., 0])


def test_an_output_of_the_union_as_a_whole_is_refused() -> None:
    with pytest.raises(DomainError) as caught:
        Graph().split(torch.zeros(7, 2), 5)
    assert str(caught.value) == (
        "the union of 5 graphs gave an output of shape (7, 2), which can't be told apart by graph. Return a row for each "
        "node, edge or graph; for those of graphs, Graph(batch=True) passes which is which."
    )
    with pytest.raises(DomainError):
        Graph().split(torch.tensor(1.0), 1)


# Simplification


def test_an_edge_is_simplified_to_a_self_loop_with_the_one_back() -> None:
    directed, without = Graph(4, 4, 1), Graph(4, 4, 1, directed=False)
    assert [pairs(one).count((0, 0)) for one in directed.simpler([leaf[0] for leaf in draw(directed)])[1][:4]] == [1] * 4
    simpler = without.simpler([leaf[0] for leaf in draw(without)])[1]
    assert [pairs(one).count((0, 0)) for one in simpler[:2]] == [2] * 2
    assert all(Counter(pairs(one)) == Counter((b, a) for a, b in pairs(one)) for one in simpler)


def test_simpler_compressed_rows_are_compressed_rows() -> None:
    domain = Graph(4, 6, 1, format="csr")
    x, crow, col = draw(domain)
    simpler = domain.simpler((x[0], crow[0], col[0]))
    assert (simpler[1] == crow[0]).all()
    assert int(simpler[2].min()) >= 0
    assert int(simpler[2].max()) < 4
    assert [int((one == 0).sum()) > int((col[0] == 0).sum()) for one in simpler[2][:6]] == [bool(v) for v in col[0]]


# Refusals

NAMED = "Graph(nodes={}, edges={}, features={}, attributes={}, dim=0, format={!r}, directed={}, batch=False)"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"nodes": 0},
        NAMED.format(0, 16, 3, 0, "edges", True) + " is empty. Give at least 1 node and 1 feature; edges there may be none.",
    ),
    (
        {"features": 0},
        NAMED.format(8, 16, 0, 0, "edges", True) + " is empty. Give at least 1 node and 1 feature; edges there may be none.",
    ),
    (
        {"edges": -1},
        NAMED.format(8, -1, 3, 0, "edges", True) + ": edges, attributes and dim are numbers of 0 or more. Give 0 for none.",
    ),
    (
        {"format": "coo"},
        NAMED.format(8, 16, 3, 0, "coo", True) + ": the format is 'edges', 'dense' or 'csr', not 'coo'.",
    ),
    (
        {"edges": 7, "directed": False},
        NAMED.format(8, 7, 3, 0, "edges", False)
        + ": without direction, edges are counted there and back. Give an even number of them.",
    ),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED, ids=[str(arguments) for arguments, _ in REFUSED])
def test_what_is_no_graph_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(DomainError) as caught:
        Graph(**arguments)
    assert str(caught.value) == text


def test_a_graph_without_edges_is_one() -> None:
    domain: Domain = Graph(3, 0)
    assert [tuple(leaf.shape) for leaf in domain.sample(domain.layout, 2, rng())] == [(2, 3, 3), (2, 2, 0)]
