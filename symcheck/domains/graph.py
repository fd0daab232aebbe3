"""Graphs: features on nodes, and the edges between them in one of three formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from symcheck._tree import flatten
from symcheck.domains import _edges
from symcheck.domains._edges import Pairs, both, complete, cycle, path, star
from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


LISTED = 2**22
"""So many pairs of nodes are shuffled, of which the first are taken; of more, as of a thousand nodes, only those are drawn."""


@dataclass(frozen=True)
class Graph(Domain):
    """Random graphs with so many nodes and edges: the arguments `x, edges, attributes, positions, batch`, as far as asked for.

    `x (n, nodes, features)`, attributes `(n, edges, attributes)` and positions `(n, nodes, dim)` are standard normal. An edge
    goes from a source to a target, and is written by `format` as

    - "edges": a column of `(n, 2, edges)`, int64, the source above the target;
    - "dense": one more in the adjacency `(n, nodes, nodes)`, float64, in the target's row and the source's column, so that
      `A x` sums what comes in; attributes then are `(n, nodes, nodes, attributes)`, summed over edges with the same ends;
    - "csr": the compressed rows of that matrix, `crow (n, nodes + 1)` and `col (n, edges)`, int64, as two arguments.

    Generic graphs have no self-loop and no edge twice, as long as there is room; structured ones do. If not `directed`, edges
    come in pairs, there and back, and both are counted. With `batch` the model is told of each node which graph it belongs to,
    `(n, nodes)`: graph 0, until several are united.

    >>> x, edges = Graph(nodes=5, edges=8).sample({"nodes": 5, "edges": 8}, 2, torch.Generator())
    >>> x.shape, edges.shape
    (torch.Size([2, 5, 3]), torch.Size([2, 2, 8]))
    """

    nodes: int = 8
    edges: int = 16
    features: int = 3
    attributes: int = 0
    dim: int = 0
    format: Literal["edges", "dense", "csr"] = "edges"
    directed: bool = True
    batch: bool = False

    unites: ClassVar[bool] = True

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.nodes < 1 or self.features < 1:
            raise DomainError(f"{self} is empty. Give at least 1 node and 1 feature; edges there may be none.")
        if min(self.edges, self.attributes, self.dim) < 0:
            raise DomainError(f"{self}: edges, attributes and dim are numbers of 0 or more. Give 0 for none.")
        if self.format not in ("edges", "dense", "csr"):
            raise DomainError(f"{self}: the format is 'edges', 'dense' or 'csr', not {self.format!r}.")
        if self.edges % self._step:
            raise DomainError(f"{self}: without direction, edges are counted there and back. Give an even number of them.")

    @property
    def _step(self) -> int:
        """The number of edges that come and go together."""
        return 1 if self.directed else 2

    @property
    def layout(self) -> Layout:
        return {"nodes": self.nodes, "edges": self.edges}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        most = self.edges // self._step
        edges = strategies.integers(min(1, most), most).map(lambda count: count * self._step)
        return strategies.fixed_dictionaries({"nodes": strategies.integers(1, self.nodes), "edges": edges})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {
            "no edges": {"nodes": self.nodes, "edges": 0},
            "a single node": {"nodes": 1, "edges": 0},
            "a single node with a self-loop": {"nodes": 1, "edges": self._step},
        }

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        nodes, edges = layout["nodes"], layout["edges"]
        x = torch.randn(n, nodes, self.features, generator=rng, dtype=torch.float64)
        ends = self._ends(nodes, edges // self._step, n, rng)
        attributes = torch.randn(n, edges // self._step, self.attributes, generator=rng, dtype=torch.float64)
        positions = torch.randn(n, nodes, self.dim, generator=rng, dtype=torch.float64)
        return self._written(x, ends, attributes.repeat_interleave(self._step, 1), positions)

    def _ends(self, nodes: int, count: int, n: int, rng: Generator) -> Tensor:
        """So many pairs of different nodes, no pair twice before all have been drawn: `(n, 2, edges)`."""
        single = max(1, nodes * (nodes - 1) // 2)
        size = 2 * single if self.directed and nodes > 1 else single
        if n * size <= LISTED:
            rounds = [torch.rand(n, size, generator=rng, dtype=torch.float64).argsort(-1) for _ in range(-(-count // size))]
            chosen = torch.cat([torch.zeros(n, 0, dtype=torch.int64), *rounds], 1)[:, :count]
        else:
            chosen = torch.stack([_edges.distinct(size, count, rng) for _ in range(n)])
        ends = _edges.pair(chosen % single, nodes)
        ends = ends.where((chosen < single).unsqueeze(1), ends.flip(1))
        return ends if self.directed else torch.stack([ends, ends.flip(1)], -1).flatten(-2)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """Graphs with symmetries of their own, all features equal. Edges that are left over are self-loops of the last node.

        Edges that are there several times have features of their own, and their target hears another node once: where all are
        alike, a model that takes the last of them, or that counts them once in an average, isn't told from others.
        """
        nodes, edges = layout["nodes"], layout["edges"]
        pairs, sizes = edges // 2, range(1, nodes + 1)

        def pure(size: int, used: int) -> bool:
            """Whether a graph of that size can be kept free of left-over edges."""
            return size <= nodes and (used == edges or (used < edges and size < nodes))

        whole = max(m for m in sizes if m * (m - 1) <= edges)
        component = max((m for m in sizes if pure(2 * m, 4 * (m - 1))), default=0)
        regular = max((m for m in sizes if m >= 3 and pure(2 * m, 4 * m)), default=0)
        loops = [(i, i) for i in range(nodes) for _ in range(self._step)]
        graphs: dict[str, Pairs] = {
            "a path": both(path(min(nodes, pairs + 1))),
            "a cycle": both(cycle(min(nodes, pairs))),
            "a star": both(star(min(nodes, pairs + 1))),
            "a complete graph": both(complete(whole)),
            "self-loops": loops[:edges],
        }
        if component:
            graphs["two equal components"] = both(path(component), path(component, component))
        if regular:  # of one degree, and so alike to rounds of messages (1-WL), whatever their number
            graphs["a regular graph in one part"] = both(cycle(2 * regular))
            graphs["a regular graph in two parts"] = both(cycle(regular), cycle(regular, regular))
        found = {name: self._shaped(shape, nodes, edges, nodes - 1) for name, shape in graphs.items()}
        once = min(1, max(0, nodes - 2), max(0, pairs - 1))
        repeated = both([(0, nodes - 1)] * (pairs - once) + [(0, nodes - 2)] * once)
        found["repeated edges"] = self._shaped(repeated, nodes, edges, nodes - 1, alike=False)
        if nodes > 1:
            found["an isolated node"] = self._shaped(both(cycle(min(nodes - 1, pairs))), nodes, edges, nodes - 2)
        return found

    def _shaped(self, pairs: Pairs, nodes: int, edges: int, last: int, *, alike: bool = True) -> Any:
        filled = [*pairs, *[(last, last)] * (edges - len(pairs))]
        ends = torch.tensor(filled, dtype=torch.int64).reshape(1, edges, 2).mT
        x, attributes = _unlike(nodes, self.features), _unlike(edges // self._step, self.attributes)
        attributes = attributes.repeat_interleave(self._step, 1)
        if alike:
            x, attributes = torch.ones_like(x), torch.ones_like(attributes)
        return self._written(x, ends, attributes, _unlike(nodes, self.dim))

    def _written(self, x: Tensor, ends: Tensor, attributes: Tensor, positions: Tensor) -> tuple[Tensor, ...]:
        """The arguments of the call, in the domain's format."""
        nodes = x.shape[1]
        if self.format == "edges":
            written: tuple[Tensor, ...] = (ends,)
        elif self.format == "dense":
            ones = torch.ones(*ends[:, 0].shape, 1, dtype=torch.float64)
            written = (_edges.dense(ends, nodes, ones).squeeze(-1),)
            attributes = _edges.dense(ends, nodes, attributes)
        else:
            crow, col, order = _edges.csr(ends, nodes)
            written = (crow, col)
            attributes = attributes.gather(1, order.unsqueeze(-1).expand(attributes.shape))
        graph = torch.zeros(x.shape[:2], dtype=torch.int64)
        optional = ((self.attributes, attributes), (self.dim, positions), (self.batch, graph))
        return (x, *written, *(tensor for asked, tensor in optional if asked))

    @property
    def looks(self) -> Sequence[str]:
        ends = {"edges": ("indices",), "dense": ("adjacency",), "csr": ("", "")}[self.format]
        return ("set", *ends, *[""] * bool(self.attributes), *["points"] * (self.dim in (2, 3)))

    @property
    def fixed(self) -> frozenset[int]:
        """The vector `batch`, where there is one."""
        before = 2 + (self.format == "csr") + bool(self.attributes) + bool(self.dim)
        return frozenset([before] if self.batch else [])

    @property
    def kept(self) -> frozenset[int]:
        """The vector `batch`, a dense adjacency, and attributes that must be the same there and back, or zero off the edges."""
        attributes = [2 + (self.format == "csr")] if self.attributes and (self.format == "dense" or not self.directed) else []
        return self.fixed | frozenset([1] if self.format == "dense" else []) | frozenset(attributes)

    def simpler(self, x: Any) -> Any:
        """Each edge made a self-loop of node 0, with the one back if there is no direction; then what is simpler in numbers."""
        leaves, structure = flatten(x)
        numbers = flatten(super().simpler(x))[0]
        if self.format == "dense":
            return structure.rebuild(numbers)
        place, step = (1, self._step) if self.format == "edges" else (2, 1)
        ends = leaves[place]
        kept = torch.arange(ends.shape[-1]) // step != torch.arange(ends.shape[-1] // step).unsqueeze(-1)
        cut = ends * (kept.unsqueeze(1) if ends.ndim == 2 else kept)
        candidates = [cut if i == place else leaf.expand(len(cut), *leaf.shape) for i, leaf in enumerate(leaves)]
        return structure.rebuild([torch.cat(both) for both in zip(candidates, numbers, strict=True)])

    def collate(self, x: Any) -> Any:
        """N graphs as one: its nodes and edges are those of all in order, and nodes are numbered on from graph to graph."""
        leaves, structure = flatten(x)
        n, nodes = leaves[0].shape[:2]
        joined = [leaf.flatten(0, 1) for leaf in leaves]
        if self.format == "edges":
            joined[1] = _edges.united(leaves[1], nodes)
        elif self.format == "csr":
            joined[1:3] = _edges.united_csr(*leaves[1:3])
        else:
            matrices = slice(1, 3 if self.attributes else 2)
            joined[matrices] = [_edges.united_dense(leaf) for leaf in leaves[matrices]]
        if self.batch:
            joined[-1] = torch.arange(n, device=leaves[0].device).repeat_interleave(nodes)
        return structure.rebuild(joined)

    def split(self, y: Any, n: int) -> Any:
        """The outputs of each graph: rows of its nodes, of its edges, or its own, in order along the first axis."""
        leaves, structure = flatten(y)
        for leaf in leaves:
            if leaf.ndim == 0 or len(leaf) % n:
                raise DomainError(
                    f"the union of {n} graphs gave an output of shape {tuple(leaf.shape)}, which can't be told apart by graph. "
                    f"Return a row for each node, edge or graph; for those of graphs, Graph(batch=True) passes which is which."
                )
        return structure.rebuild([leaf.reshape(n, len(leaf) // n, *leaf.shape[1:]) for leaf in leaves])

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [
            cls(),
            cls(6, 14, attributes=2, dim=3, batch=True),
            cls(5, 6, format="dense", attributes=1),
            cls(5, 7, 1, format="csr", attributes=2, dim=2, batch=True),
            cls(7, 14, directed=False, attributes=1),
        ]


def _unlike(rows: int, width: int) -> Tensor:
    """Numbers `(1, rows, width)` of which no two are the same."""
    return torch.arange(rows * width, dtype=torch.float64).cos().reshape(1, rows, width)
