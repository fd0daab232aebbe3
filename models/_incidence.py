"""The edges of graphs, and the maps from nodes to edges and back: each is the other's gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Ends:
    """The nodes at one end of each edge, `at (edges,)`, and the edges sorted by them.

    Those of node i are `order[offsets[i]:offsets[i + 1]]`, so that a sum over them is read in one go, always in the same order.
    Scattered additions take longer, and on a GPU come in any order.
    """

    at: Tensor
    order: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, at: Tensor, nodes: int) -> Ends:
        order = at.argsort(stable=True)
        return cls(at, order, torch.searchsorted(at[order], torch.arange(nodes + 1, device=at.device)))


class Wiring(NamedTuple):
    """The edges of a union of graphs, and their weights `(edges, 1)`; None where all are one."""

    source: Ends
    target: Ends
    weight: Tensor | None


def wiring(edges: Tensor, graphs: int, nodes: int) -> Wiring:
    """A list `(..., 2, edges)` of integers, or an adjacency `(..., nodes, nodes)`. Nodes are numbered on from graph to graph.

    Raises ValueError if an edge ends at no node: in the union it might end in another graph.
    """
    weight = None
    if not edges.is_floating_point():
        if edges.numel() and not 0 <= int(edges.min()) <= int(edges.max()) < nodes:
            raise ValueError(f"edges end at {int(edges.min())} to {int(edges.max())}; the nodes are 0 to {nodes - 1}.")
        first = nodes * torch.arange(graphs, device=edges.device).reshape(*edges.shape[:-2], 1, 1)
        source, target = (edges + first).movedim(-2, 0).flatten(1)
    elif edges.layout is torch.strided:
        blocks = edges.reshape(graphs, nodes, nodes)
        graph, row, column = blocks.nonzero(as_tuple=True)
        source, target, weight = graph * nodes + column, graph * nodes + row, blocks[graph, row, column].unsqueeze(-1)
    else:
        entries = edges.to_sparse_coo().coalesce()  # type: ignore[no-untyped-call]
        (target, source), weight = entries.indices(), entries.values().unsqueeze(-1)
    return Wiring(Ends.of(source, graphs * nodes), Ends.of(target, graphs * nodes), weight)


def along(h: Tensor, ends: Ends) -> Tensor:
    """What each edge finds at its end: `(nodes, width) -> (edges, width)`."""
    found: Tensor = _Along.apply(h, ends)  # type: ignore[no-untyped-call]
    return found


def total(messages: Tensor, ends: Ends) -> Tensor:
    """The sum over the edges at each node, zero over none: `(edges, width) -> (nodes, width)`."""
    found: Tensor = _Total.apply(messages, ends)  # type: ignore[no-untyped-call]
    return found


class Lists(NamedTuple):
    """Whom each node hears: `who[offsets[i]:offsets[i + 1]]`, each as much as `weight (edges,)` says; None where all is one."""

    who: Tensor
    offsets: Tensor
    weight: Tensor | None


@dataclass(frozen=True)
class Adjacency:
    """The matrix A of a graph, with its transpose, as lists, made once a graph. Weights are numbers, without gradients."""

    rows: Lists
    columns: Lists

    @classmethod
    def of(cls, wires: Wiring) -> Adjacency:
        return cls(_lists(wires.source, wires.target, wires.weight), _lists(wires.target, wires.source, wires.weight))

    @property
    def transposed(self) -> Adjacency:
        return Adjacency(self.columns, self.rows)


def _lists(there: Ends, here: Ends, weight: Tensor | None) -> Lists:
    weight = None if weight is None else weight.detach().flatten()[here.order].contiguous()
    return Lists(there.at[here.order], here.offsets, weight)


def normalised(wires: Wiring) -> Adjacency:
    """D^-1/2 (A + 1) D^-1/2, D being the degrees of A + 1 (Kipf, Welling 2017, arXiv:1609.02907). Edges all count alike."""
    nodes = len(wires.target.offsets) - 1
    own = torch.arange(nodes, device=wires.target.at.device)
    source, target = torch.cat([wires.source.at, own]), torch.cat([wires.target.at, own])
    scale = (wires.target.offsets.diff() + 1).double().rsqrt()
    weight = (scale[source] * scale[target]).unsqueeze(-1)
    return Adjacency.of(Wiring(Ends.of(source, nodes), Ends.of(target, nodes), weight))


def heard(h: Tensor, adjacency: Adjacency) -> Tensor:
    """The sum over the neighbours of each node, A h: `(nodes, width) -> (nodes, width)`.

    It is `total(along(h, source), target)`, read straight from the nodes: what edges hold, `width` numbers each, is never in
    memory.
    """
    found: Tensor = _Heard.apply(h, adjacency)  # type: ignore[no-untyped-call]
    return found


class _Linear(torch.autograd.Function):
    """A linear map by the ends of edges, with its derivative in forward mode: itself."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Any], output: Tensor) -> None:
        ctx.ends = inputs[1]


class _Along(_Linear):
    @staticmethod
    def forward(h: Tensor, ends: Ends) -> Tensor:
        return h.index_select(0, ends.at)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return total(slope, ctx.ends), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return along(tangent, ctx.ends)


class _Total(_Linear):
    @staticmethod
    def forward(messages: Tensor, ends: Ends) -> Tensor:
        return functional.embedding_bag(ends.order, messages, ends.offsets, mode="sum", include_last_offset=True)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return along(slope, ctx.ends), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return total(tangent, ctx.ends)


class _Heard(_Linear):
    @staticmethod
    def forward(h: Tensor, adjacency: Adjacency) -> Tensor:
        who, offsets, weight = adjacency.rows
        weight = None if weight is None else weight.to(h.dtype)
        return functional.embedding_bag(
            who, h.contiguous(), offsets, mode="sum", per_sample_weights=weight, include_last_offset=True
        )

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return heard(slope, ctx.ends.transposed), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return heard(tangent, ctx.ends)
