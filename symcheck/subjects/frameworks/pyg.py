"""torch_geometric: networks called with x, edge_index and the like, or with a `Data`.

Being made of message passing layers says that no order of nodes and edges counts: that is claimed, whatever the aggregation.
Where a network takes positions, nothing says how they transform: E(3) is tried, with outputs as what they come nearest to.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from symcheck.reps import as_rep, word
from symcheck.subjects.frameworks import graphs
from symcheck.subjects.frameworks.base import Reading, Said, Unreadable, packages
from symcheck.subjects.frameworks.graphs import Called

NAME = "torch_geometric"


def mine(model: Any) -> bool:
    return isinstance(model, nn.Module) and NAME in packages(model)


def read(model: nn.Module) -> Reading:
    from torch_geometric.data import Data
    from torch_geometric.nn import MessagePassing

    found = graphs.called(model, data=Data)
    layers = list(dict.fromkeys(type(m).__name__ for m in model.modules() if isinstance(m, MessagePassing)))
    if not found.has("edges") and not layers:
        raise Unreadable("it reads no edges, and holds no message passing layer. torch_geometric says nothing of it")
    takes = "Data with " if found.call is not None else ""
    arguments = ", ".join(name for name, _ in found.domain.roles)
    made = f"message passing by {', '.join(layers)}" if layers else "no message passing layer"
    rows = ", ".join(dict.fromkeys(found.of))
    words = f"{made}; takes {takes}{arguments}; returns a row for each of the {rows}"
    return Reading(words, (_order(found, layers), *_space(model, found)))


def _order(found: Called, layers: list[str]) -> Said:
    outputs = found.outputs()
    output = outputs[0] if len(outputs) == 1 else tuple(outputs)
    kept = "scalar" if all(rep.trivial for rep in outputs) else "permute"
    what = "nodes and edges" if found.has("edges") else "nodes"
    why = "" if layers else "it isn't made of message passing layers, which would promise it"
    name = f"{found.permuted}, any order of {what} -> {kept}"
    return Said(found.permuted, found.domain, found.inputs(), output, name=name, call=found.call, tried=why)


def _space(model: nn.Module, found: Called) -> list[Said]:
    """E(3) on the positions, where there are some."""
    if not found.has("positions"):
        return []
    motions = graphs.in_space(model, found)
    output = motions[0] if len(motions) == 1 else tuple(motions)
    inputs = found.inputs(as_rep("point"), permuted=False)
    words = ", ".join(map(word, motions))
    name = f"E(3), pos -> {f'({words})' if len(motions) > 1 else words}"
    why = "a network that takes positions doesn't say how they transform"
    return [Said("E(3)", found.domain, inputs, output, tried=why, name=name, call=found.call)]
