"""Message passing on graphs (Gilmer et al. 2017, arXiv:1704.01212), under the permutations S_n of their nodes.

A permutation P moves features and adjacency together, (X, A) -> (P X, P A P^T). Which nodes a node hears doesn't depend on how
they are numbered; nor does what it hears, if a message is one function of its two ends, and messages are pooled in no order:

    m_ij = phi(h_i, h_j)        h_i <- h_i + psi(h_i, sum over edges j -> i of m_ij)

So layers are equivariant, and a mean over the nodes is invariant; so are both under the order of the edges. (Coarsening a graph
in between needs clusters that are equivariant themselves. There are none here.) Exact, up to the order of sums. Graphs that
Weisfeiler and Leman's refinement of colours can't tell apart get equal logits, unless their features differ.

Edges come as a list, the source of each above its target, or as an adjacency, dense or sparse, in which rows are targets;
weights multiply messages, and an edge that is there twice counts twice. Many graphs are computed as one, their disjoint union.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._incidence import Adjacency, Ends, Wiring, along, heard, total, wiring
from models._random import randomised
from models._tasks.graphs import cycles, relabelled
from models._training import Lesson, main
from models.mlp import MLP
from symcheck.claims import Claim, Subject
from symcheck.domains import Graph, Joint, Tensors
from symcheck.groups import Symmetric

Pool = Callable[[Tensor, Ends], Tensor]
"""Messages `(edges, width)` to what each node makes of those at it, `(nodes, width)`."""
Read = Callable[[Tensor, int, int], Wiring]


class Layer(nn.Module):
    """One round of messages: `(nodes, width) -> (nodes, width)`.

    phi's linear map is applied to h_i and h_j apart, once a node, so that an edge holds `width` numbers and no more.
    """

    def __init__(self, width: int, pool: Pool) -> None:
        super().__init__()
        self.receiver = nn.Linear(width, width)
        self.sender = nn.Linear(width, width, bias=False)
        self.update = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))
        self.pool = pool

    def forward(self, h: Tensor, wires: Wiring) -> Tensor:
        messages = functional.silu(along(self.receiver(h), wires.target) + along(self.sender(h), wires.source))
        messages = messages if wires.weight is None else messages * wires.weight
        step: Tensor = self.update(torch.cat([h, self.pool(messages, wires.target)], -1))
        return h + step


class GCN(nn.Module):
    """A linear layer on graphs (Kipf, Welling 2017, arXiv:1609.02907), D^-1/2 (A + 1) D^-1/2 h W + b.

    `h (nodes, inputs)`, an `adjacency` that is `normalised`, to `(nodes, outputs)`. Mixed on the side that is narrower.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        wider = self.linear.out_features > self.linear.in_features
        y: Tensor = self.linear(heard(h, adjacency)) if wider else heard(self.linear(h), adjacency)
        return y + self.bias


class GIN(nn.Module):
    """Tells as much as a round of Weisfeiler and Leman's (Xu et al. 2019, arXiv:1810.00826): MLP((1 + own) h + A h).

    `h (nodes, width)`, `adjacency`, to `(nodes, width)`.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.zeros(()))
        self.update = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        y: Tensor = self.update((1 + self.own) * h + heard(h, adjacency))
        return y


class NodeLabeller(nn.Module):
    """Labels for each node: `x (..., nodes, features), edges -> (..., nodes, labels)`."""

    def __init__(self, features: int = 3, labels: int = 4, width: int = 32, pool: Pool = total, read: Read = wiring) -> None:
        super().__init__()
        self.read = read
        self.embed: nn.Module = nn.Linear(features, width)
        self.layers = nn.ModuleList(Layer(width, pool) for _ in range(3))
        self.head = nn.Linear(width, labels)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        wires = self.read(edges, x.shape[:-2].numel(), x.shape[-2])
        h = self.embed(x).reshape(-1, self.head.in_features)
        for layer in self.layers:
            h = layer(h, wires)
        labels: Tensor = self.head(h)
        return labels.reshape(*x.shape[:-1], -1)


class GraphClassifier(nn.Module):
    """Logits for each graph: `x (..., nodes, features), edges -> (..., classes)`.

    Of graphs already joined, `batch (nodes,)` says which each node belongs to, and the logits are `(graphs, classes)`.
    """

    def __init__(self, features: int = 3, classes: int = 4, width: int = 32, pool: Pool = total) -> None:
        super().__init__()
        self.nodes = NodeLabeller(features, width, width, pool)
        self.head = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, classes))

    def forward(self, x: Tensor, edges: Tensor, batch: Tensor | None = None) -> Tensor:
        hidden = torch.tanh(self.nodes(x, edges))
        if batch is None:
            mean = hidden.mean(-2)
        else:
            whose = Ends.of(batch, int(batch.max()) + 1)
            mean = total(hidden, whose) / whose.offsets.diff().clamp_min(1).unsqueeze(-1)
        logits: Tensor = self.head(mean)
        return logits


class InEveryFormat(nn.Module):
    """A model on one graph in four formats, mixed: `(x, edges), w (n, 4) -> sum_k w_k f(x, edges in format k)`.

    Permuting w leaves it as it is if, and only if, f gives the same in all formats.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, graph: tuple[Tensor, Tensor], w: Tensor) -> Tensor:
        x, edges = graph
        n, nodes, _ = x.shape
        wires, united = wiring(edges, n, nodes), x.flatten(0, 1)
        target, source = wires.target.at, wires.source.at
        one, whole = x.new_ones(len(target)), (n * nodes, n * nodes)
        dense = x.new_zeros(n, nodes, nodes).index_put((target // nodes, target % nodes, source % nodes), one, accumulate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, that compressed rows are in beta state
            coo = torch.sparse_coo_tensor(torch.stack([target, source]), one, whole, check_invariants=False).coalesce()
            sparse = [self.model(united, matrix) for matrix in (coo, coo.to_sparse_csr())]
        found = [self.model(x, edges), self.model(x, dense), *(y.reshape(n, nodes, -1) for y in sparse)]
        return torch.einsum("knil, nk -> nil", torch.stack(found), w)


def last(messages: Tensor, ends: Ends) -> Tensor:
    """Keeps one message a node, the last in the list: what `heard[target] = messages` does in place of `index_add`."""
    none = messages.new_zeros(1, messages.shape[-1])
    place = torch.cat([ends.order + 1, ends.order.new_zeros(1)])[ends.offsets[1:] - 1]
    return torch.cat([none, messages])[torch.where(ends.offsets.diff() > 0, place, 0)]


def without_loops(edges: Tensor, graphs: int, nodes: int) -> Wiring:
    """Clears the diagonal of a dense adjacency, as one that is made from distances needs, and of no other format."""
    if edges.is_floating_point() and edges.layout is torch.strided:
        edges = edges * (1 - torch.eye(nodes).to(edges))
    return wiring(edges, graphs, nodes)


class Numbered(nn.Module):
    """Adds to the features of each node its place among the nodes."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.linspace(-1, 1, x.shape[-2], dtype=x.dtype, device=x.device).unsqueeze(-1)


GAIN = 1.0  # sums over the edges and over the layers add up


def node_labeller() -> NodeLabeller:
    return randomised(NodeLabeller(), GAIN)


def graph_classifier() -> GraphClassifier:
    return randomised(GraphClassifier(), GAIN)


def in_every_format() -> InEveryFormat:
    return randomised(InEveryFormat(NodeLabeller()), GAIN)


def numbered() -> GraphClassifier:
    return randomised(_numbered(GraphClassifier()), GAIN)


def last_message() -> NodeLabeller:
    return randomised(NodeLabeller(pool=last), GAIN)


def loops_in_lists_alone() -> InEveryFormat:
    return randomised(InEveryFormat(NodeLabeller(read=without_loops)), GAIN)


def _numbered(model: GraphClassifier) -> GraphClassifier:
    model.nodes.embed = nn.Sequential(Numbered(), model.nodes.embed)
    return model


LESSON = Lesson(
    "cycles against triangles",
    "S_n",
    {"GNN": lambda: GraphClassifier(4, 2), "MLP": lambda: MLP(9 * 4 + 36, (2,))},
    draw=cycles,
    transform=relabelled,
    goal=0.99,
    steps=500,
    tests=2000,
)


_GRAPH = Graph(8, 16)
_MOVED = ("permute", "relabel")
_ORDER = ("scalar", "permute(axis=-1, of='edges')")
_NODES = Claim(Subject.built(node_labeller), "S_n", domain=_GRAPH, inputs=_MOVED, outputs="permute")
_WHOLE = Claim(Subject.built(graph_classifier), "S_n", domain=_GRAPH, inputs=_MOVED, outputs="scalar")
_LISTED = Claim(Subject.built(node_labeller), Symmetric(of="edges"), domain=_GRAPH, inputs=_ORDER, outputs="scalar")
_FORMATS = Claim(
    Subject.built(in_every_format),
    Symmetric(of="formats"),
    domain=Joint(_GRAPH, Tensors((4,))),
    inputs=("scalar", "permute(axis=-1, of='formats')"),
    outputs="scalar",
)

CLAIMS: tuple[Claim, ...] = (
    _NODES,
    _WHOLE,
    _LISTED,
    Claim(Subject.built(graph_classifier), Symmetric(of="edges"), domain=_GRAPH, inputs=_ORDER, outputs="scalar"),
    Claim(
        Subject.built(node_labeller),
        "S_n",
        domain=Graph(8, 16, format="dense"),
        inputs=("permute", "permute(axis=-1) * permute(axis=-2)"),
        outputs="permute",
    ),
    _FORMATS,
)

TWINS: tuple[Claim, ...] = (
    _WHOLE.twin(Subject.built(numbered), reason="a node's place in the list is among its features"),
    _LISTED.twin(Subject.built(last_message), reason="messages overwrite each other, and the last in the list stays"),
    _FORMATS.twin(Subject.built(loops_in_lists_alone), reason="self-loops are dropped from a dense adjacency alone"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
