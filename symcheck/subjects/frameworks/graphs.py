"""Graph networks by the names of their arguments: which inputs they take, of which sizes, and what of a graph they return."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from symcheck._tree import Args, flatten
from symcheck.domains import Domain, Graph, Layout
from symcheck.groups import SO, Product, Symmetric
from symcheck.reps import Permute, Relabel, Rep, Scalar, as_rep
from symcheck.subjects.frameworks.base import Model, Unreadable, arguments, needed, one, rows, sizes, tried

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# What an argument holds, by what it is called.
ROLES: Mapping[str, tuple[str, ...]] = {
    "features": ("x", "h", "feats", "features", "node_features", "node_feats", "node_attr", "node_attrs", "node_input"),
    "kinds": ("z", "atomic_numbers", "species", "atom_types", "node_types", "numbers"),
    "positions": ("pos", "positions", "position", "coords", "coors", "coordinates", "xyz"),
    "edges": ("edge_index", "edges", "edge_indices"),
    "weights": ("edge_weight", "edge_weights"),
    "attributes": ("edge_attr", "edge_attrs", "edge_features", "edge_feats"),
    "batch": ("batch", "batch_index", "batch_idx"),
}
ROLE = {name: role for role, names in ROLES.items() for name in names}
DATA = ("data", "graph", "batch", "inputs", "input")  # what a whole graph in one object is called
IN = (
    "in_channels",
    "in_features",
    "num_features",
    "in_feats",
    "node_dim",
    "input_dim",
    "in_dim",
    "embedding_dim",
    "out_features",
)
ON_EDGES = ("edge_dim", "edge_channels", "edge_in_channels", "num_edge_features", *IN)
USUAL = (*range(1, 17), 32, 64)
KINDS = 9  # kinds of nodes are drawn from 1 to this: the first elements, which tables of atoms have
LAYOUTS = ((7, 18), (6, 11))  # two graphs whose nodes and edges differ in number, to tell what a model returns rows of


@dataclass(frozen=True)
class Named(Domain):
    """Random graphs as the keyword arguments of a call. `roles` says what each argument holds, by its name.

    Weights of edges are positive: degrees are divided by. Kinds are whole numbers from 1 to KINDS.
    """

    roles: tuple[tuple[str, str], ...]
    graph: Graph

    unites: ClassVar[bool] = True

    @property
    def layout(self) -> Layout:
        return self.graph.layout

    def layouts(self) -> SearchStrategy[Layout]:
        return self.graph.layouts()

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return self.graph.boundaries

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        drawn = self.graph.sample(layout, n, rng)
        return self._named(drawn, torch.randint(1, KINDS + 1, (n, layout["nodes"]), generator=rng))

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        trees = self.graph.structured(layout)
        return {name: self._named(tree, torch.ones(1, layout["nodes"], dtype=torch.int64)) for name, tree in trees.items()}

    def _named(self, drawn: tuple[Tensor, ...], kinds: Tensor) -> Args:
        x, ends, *rest = drawn
        optional = iter(rest)
        attributes = next(optional) if self.graph.attributes else x[:, :0]
        positions = next(optional) if self.graph.dim else x
        graph = torch.zeros(x.shape[:2], dtype=torch.int64)
        weights = 0.5 + attributes[..., 0].abs() if self.graph.attributes else x[..., 0]
        held = {"features": x, "edges": ends, "attributes": attributes, "positions": positions, "batch": graph}
        held |= {"weights": weights, "kinds": kinds}
        return Args(**{name: held[role] for name, role in self.roles})

    @property
    def _roles(self) -> list[str]:
        return [role for _, role in self.roles]

    def _those(self, *roles: str) -> frozenset[int]:
        return frozenset(i for i, role in enumerate(self._roles) if role in roles)

    @property
    def fixed(self) -> frozenset[int]:
        return self._those("batch")

    @property
    def kept(self) -> frozenset[int]:
        return self._those("batch", "weights")

    @property
    def looks(self) -> Sequence[str]:
        words = {"features": "set", "edges": "indices", "positions": "points"}
        return [words.get(role, "") for role in self._roles]

    def collate(self, x: Any) -> Any:
        """As `Graph` does: nodes and edges of all in order, nodes numbered on from graph to graph."""
        leaves, structure = flatten(x)
        n = len(leaves[0])
        nodes = next((leaf.shape[1] for leaf, role in zip(leaves, self._roles, strict=True) if role in _OF_NODES), 1)
        first = torch.arange(n, device=leaves[0].device) * nodes
        joined = []
        for leaf, role in zip(leaves, self._roles, strict=True):
            if role == "edges":
                joined.append((leaf + first.reshape(-1, 1, 1)).movedim(0, 1).flatten(1))
            else:
                joined.append(first.div(nodes).long().repeat_interleave(nodes) if role == "batch" else leaf.flatten(0, 1))
        return structure.rebuild(joined)

    def split(self, y: Any, n: int) -> Any:
        return self.graph.split(y, n)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        named = (("x", "features"), ("edge_index", "edges"), ("edge_weight", "weights"), ("z", "kinds"), ("batch", "batch"))
        return [cls(named, Graph(5, 7, attributes=1)), cls((("pos", "positions"), ("edge_index", "edges")), Graph(4, 6, dim=3))]


_OF_NODES = ("features", "kinds", "positions", "batch")


@dataclass(frozen=True)
class Called:
    """How a graph network is called: on which graphs, by which function made from it, and what it returns rows of.

    `of` says of each output leaf whether it has a row for each of the "nodes", "edges" or "graphs"; `shapes` are the leaves'.
    """

    domain: Named
    call: Callable[[Model], Model] | None
    of: tuple[str, ...]
    shapes: tuple[torch.Size, ...]

    def has(self, role: str) -> bool:
        return any(own == role for _, own in self.domain.roles)

    @property
    def permuted(self) -> Product:
        """Any order of the nodes, and of the edges where there are some."""
        return Product((Symmetric(), Symmetric(of="edges")) if self.has("edges") else (Symmetric(),))

    def inputs(self, positions: Rep | None = None, features: Rep | None = None, permuted: bool = True) -> Args:
        """How each argument transforms: under orders of nodes and edges, and by reps of positions and features besides."""
        moved: dict[str, Rep] = {"positions": positions or Scalar(), "features": features or Scalar()}
        order: dict[str, Rep] = {
            "features": Permute(),
            "positions": Permute(),
            "kinds": Permute(axis=-1),
            "batch": Permute(axis=-1),
            "edges": Relabel() * Permute(axis=-1, of="edges"),
            "attributes": Permute(of="edges"),
            "weights": Permute(axis=-1, of="edges"),
        }
        reps = {}
        for name, role in self.domain.roles:
            own = moved.get(role, Scalar())
            reps[name] = own if not permuted else order[role] if own.trivial else order[role] * own
        return Args(**reps)

    def outputs(self) -> list[Rep]:
        """How each output leaf transforms under orders of nodes and edges."""
        found: list[Rep] = []
        for of, shape in zip(self.of, self.shapes, strict=True):
            what = "points" if of == "nodes" else of
            found.append(Scalar() if of == "graphs" else Permute(axis=-len(shape), of=what))
        return found


def called(model: nn.Module, features: Sequence[int] = (), data: Callable[..., Any] | None = None) -> Called:
    """How a graph network is called, found by calling it. `features` are sizes of its node features that are known.

    `data` makes the object that holds a whole graph, for networks that take that. Raises Unreadable: an argument of no known
    name, or no call that works.
    """
    parameters = arguments(model)
    names = needed(parameters)
    whole = data is not None and len(names) == 1 and names[0] in DATA
    unknown = [] if whole else [name for name in names if name not in ROLE]
    if unknown:
        known = ", ".join(ROLE)
        raise Unreadable(f"its argument {unknown[0]!r} has no name that tells what it holds. Known are: {known}")
    if not whole and not {"features", "kinds", "positions"} & {ROLE[name] for name in names}:
        raise Unreadable(f"its arguments ({', '.join(names) or 'none'}) hold nothing of nodes. Expected x, z or pos among them")
    call = _from_data(data) if whole and data is not None else None
    optional = [name for name in parameters if name in ROLE and name not in names]
    choices = [_whole_graph()] if whole else [[*names, *optional], names]
    found, why = _tried(model, call, choices, features)
    if found is None:
        raise Unreadable(
            f"no graph was found that it takes, of which the last {why}. Give its sizes as attributes (in_channels)"
        )
    return _described(model, call, _only_read(model, call, found))


def _whole_graph() -> list[str]:
    return ["x", "z", "pos", "edge_index", "edge_attr", "edge_weight", "batch"]


def _from_data(data: Callable[..., Any]) -> Callable[[Model], Model]:
    """The function of keyword arguments that gives the model one object which holds them."""
    return lambda model: lambda **held: model(data(**held))


def _tried(
    model: nn.Module, call: Callable[[Model], Model] | None, choices: Sequence[Sequence[str]], features: Sequence[int]
) -> tuple[Named | None, str]:
    """The first graphs that the model takes, or None and what it raised on the last."""
    made, why = model if call is None else call(model), ""
    inner = list(dict.fromkeys([*features, *sizes(model, IN), *USUAL]))
    outer = list(dict.fromkeys([*sizes(model, ON_EDGES), *USUAL]))
    for names in choices:
        roles = tuple((name, ROLE[name]) for name in names)
        held = {role for _, role in roles}
        for x, e in product(inner if "features" in held else [1], outer if "attributes" in held else [1]):
            domain = Named(roles, _graph(x, e, held, *LAYOUTS[0]))
            try:
                tried(made, one(domain))
            except Unreadable as error:
                if isinstance(error.__cause__, ImportError):
                    raise Unreadable(f"{error}. Install what it needs") from error
                why = str(error).removeprefix("the call ")
                continue
            return domain, ""
    return None, why


def _graph(x: int, e: int, held: set[str], nodes: int, edges: int) -> Graph:
    attributes = e if held & {"attributes", "weights"} else 0
    return Graph(nodes, edges, x, attributes=attributes, dim=3 if "positions" in held else 0)


def _only_read(model: nn.Module, call: Callable[[Model], Model] | None, domain: Named) -> Named:
    """Without the arguments that change nothing: which were offered, and aren't read."""
    made = model if call is None else call(model)
    base = one(domain)
    before = tried(made, base)
    parameters = arguments(model)
    kept = []
    for name, role in domain.roles:
        must = call is None and name in needed(parameters)
        if must or _matters(made, base, before, name, role):
            kept.append((name, role))
    return replace(domain, roles=tuple(kept))


def _matters(made: Model, base: Args, before: list[Tensor], name: str, role: str) -> bool:
    other = dict(base.kwargs)
    if role == "batch":
        del other[name]
    elif role == "edges":
        other[name] = other[name][:, :-1] * 0
    else:
        other[name] = other[name] * 1.5 if other[name].is_floating_point() else other[name] % KINDS + 1
    try:
        after = tried(made, Args(**other))
    except Unreadable:
        return True
    return any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(after, before, strict=True))


def _described(model: nn.Module, call: Callable[[Model], Model] | None, domain: Named) -> Called:
    """What of a graph each output leaf has a row for: by the lengths of its first axis on two graphs."""
    made, counts = model if call is None else call(model), []
    for nodes, edges in LAYOUTS:
        graph = replace(domain.graph, nodes=nodes, edges=edges)
        counts.append(tried(made, one(replace(domain, graph=graph))))
    of = tuple(_row_of(rows(a), rows(b)) for a, b in zip(*counts, strict=True))
    return Called(domain, call, of, tuple(leaf.shape for leaf in counts[0]))


def _row_of(first: int | None, second: int | None) -> str:
    (nodes, edges), (fewer, less) = LAYOUTS
    if (first, second) == (nodes, fewer):
        return "nodes"
    return "edges" if (first, second) == (edges, less) else "graphs"


def in_space(model: nn.Module, found: Called) -> list[Rep]:
    """The rep in space, of scalar, vector and point, that each output leaf comes nearest to when the positions are moved."""
    made = model if found.call is None else found.call(model)
    name = next(name for name, role in found.domain.roles if role == "positions")
    base = one(found.domain)
    g = SO(3).sample(1, Generator().manual_seed(1))[0]
    step = torch.tensor([0.3, -0.7, 0.5], dtype=torch.float64)
    moved = Args(**{**base.kwargs, name: base.kwargs[name] @ g.mT + step})
    pairs = zip(tried(made, base), tried(made, moved), strict=True)
    return [as_rep(min(_candidates(before, g, step), key=lambda pair: _apart(pair[1], after))[0]) for before, after in pairs]


def _candidates(before: Tensor, g: Tensor, step: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "scalar", before
    if before.ndim and before.shape[-1] == 3 and before.is_floating_point():
        yield "vector", before @ g.mT
        yield "point", before @ g.mT + step


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().double().max()) if a.shape == b.shape and a.numel() else float("inf")


def together(order: Rep, motion: Rep) -> Rep:
    """Both on one tensor."""
    return order if motion.trivial else motion if order.trivial else order * motion
