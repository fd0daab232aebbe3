"""Edges of a batch of graphs, `(n, 2, edges)` with the source above the target, and how else they are written."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

Pairs = Sequence[tuple[int, int]]


def dense(ends: Tensor, nodes: int, values: Tensor) -> Tensor:
    """Matrices `(n, nodes, nodes, k)`, targets by sources, of values `(n, edges, k)`; those of repeated edges are summed."""
    place = (ends[:, 1] * nodes + ends[:, 0]).unsqueeze(-1).expand(values.shape)
    summed = values.new_zeros(len(ends), nodes * nodes, values.shape[-1]).scatter_add(1, place, values)
    return summed.reshape(len(ends), nodes, nodes, values.shape[-1])


def csr(ends: Tensor, nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compressed rows: `crow (n, nodes + 1)`, `col (n, edges)`, and which edge each is, `(n, edges)`.

    Rows are targets, and the sources in a row rise.
    """
    order = (ends[:, 1] * nodes + ends[:, 0]).argsort(dim=-1, stable=True)
    rows, col = ends[:, 1].gather(1, order), ends[:, 0].gather(1, order)
    every = torch.arange(nodes + 1).expand(len(ends), -1).contiguous()
    return torch.searchsorted(rows.contiguous(), every), col, order


def united(ends: Tensor, nodes: int) -> Tensor:
    """The edges `(2, n * edges)` of the disjoint union of n graphs of so many nodes, which are numbered on."""
    first = torch.arange(len(ends), device=ends.device) * nodes
    return (ends + first.reshape(-1, 1, 1)).movedim(0, 1).flatten(1)


def united_csr(crow: Tensor, col: Tensor) -> tuple[Tensor, Tensor]:
    """The same of compressed rows."""
    n, edges, nodes = *col.shape, crow.shape[1] - 1
    graph = torch.arange(n, device=col.device).unsqueeze(-1)
    starts = (crow[:, :-1] + graph * edges).flatten()
    return torch.cat([starts, starts.new_full((1,), n * edges)]), (col + graph * nodes).flatten()


def united_dense(blocks: Tensor) -> Tensor:
    """Blocks `(n, a, a, ...)` along the diagonal of `(n a, n a, ...)`."""
    n, a = blocks.shape[:2]
    whole = blocks.new_zeros(n, a, n, a, *blocks.shape[3:])
    graph = torch.arange(n, device=blocks.device)
    whole[graph, :, graph] = blocks
    return whole.flatten(2, 3).flatten(0, 1)


def pair(place: Tensor, nodes: int) -> Tensor:
    """The pairs of nodes at these places `(n, edges)` of `complete(nodes)`: `(n, 2, edges)`; of one node that with itself.

    >>> pair(torch.tensor([[0, 1, 2]]), 3).mT.tolist() == [[list(ends) for ends in complete(3)]]
    True
    """
    larger = ((1 + (1 + 8 * place.double()).sqrt()) / 2).floor().long().clamp_max(nodes - 1)  # exact below 2^50
    return torch.stack([place - larger * (larger - 1) // 2, larger], 1).clamp_min(0)


def distinct(size: int, count: int, rng: Generator) -> Tensor:
    """So many whole numbers below `size`, `(count,)`, in any order, none twice before all have been drawn."""
    if 4 * count > size:
        return torch.cat([torch.randperm(size, generator=rng) for _ in range(-(-count // size))])[:count]
    found = torch.zeros(0, dtype=torch.int64)
    while len(found) < count:
        more = torch.cat([found, torch.randint(size, (count,), generator=rng)])
        _, kind = torch.unique(more, return_inverse=True)
        first = torch.full((len(more),), len(more)).scatter_reduce(0, kind, torch.arange(len(more)), "amin")
        found = more[first[first < len(more)].sort().values]
    return found[:count]


def path(nodes: int, first: int = 0) -> Pairs:
    return [(first + i, first + i + 1) for i in range(nodes - 1)]


def cycle(nodes: int, first: int = 0) -> Pairs:
    """Of two nodes it is an edge twice, of one a self-loop."""
    return [(first + i, first + (i + 1) % nodes) for i in range(nodes)]


def star(nodes: int) -> Pairs:
    return [(0, i) for i in range(1, nodes)]


def complete(nodes: int) -> Pairs:
    return [(i, j) for j in range(nodes) for i in range(j)]


def both(*pairs: Pairs) -> Pairs:
    """Each edge there and back."""
    return [end for some in pairs for i, j in some for end in ((i, j), (j, i))]
