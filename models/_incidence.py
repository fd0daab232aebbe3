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


class _Linear(torch.autograd.Function):
    """A linear map by the ends of edges, with its derivative in forward mode: itself."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Ends], output: Tensor) -> None:
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
