"""e3nn: modules that say `irreps_in` and `irreps_out`, of which equivariance under O(3) is claimed.

Several inputs are a list of irreps, or `irreps_in1`, `irreps_in2` as tensor products have them. Irreps that are all even say
nothing of reflections, and are claimed under SO(3). Source: Geiger & Smidt 2022, "e3nn: Euclidean neural networks",
arXiv:2207.09453.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from symcheck.domains import Domain, Joint, Tensors
from symcheck.groups import E
from symcheck.reps import Irreps, Rep, Scalar, as_rep
from symcheck.reps.irreps import parse_irreps
from symcheck.subjects.frameworks import graphs
from symcheck.subjects.frameworks.base import Reading, Said, Unreadable, arguments, needed, package_of, packages

NAME = "e3nn"
INPUTS = ("irreps_in", "irreps_in1", "irreps_in2", "irreps_node_input")
OUTPUTS = ("irreps_out", "irreps_outs", "irreps_node_output")


def mine(model: Any) -> bool:
    """A module of e3nn's, one that is made of some, or one with irreps of its own."""
    return isinstance(model, nn.Module) and ("e3nn" in packages(model) or bool(_stated(model, INPUTS)))


def read(model: Any) -> Reading:
    stated = _stated(model, INPUTS), _stated(model, OUTPUTS)
    if not any(stated) and _is_irreps(getattr(model, "irreps", None)):
        stated = ({"irreps": [model.irreps]},) * 2  # norms and dropout keep their type
    ins, outs = stated
    if not ins or not outs:
        lost = "neither irreps_in nor irreps_out" if not ins and not outs else "no irreps_out" if ins else "no irreps_in"
        raise Unreadable(
            f"{type(model).__name__} has {lost}. Keep them on it, self.irreps_in = o3.Irreps('8x0e+4x1o'), a list for "
            f"several tensors"
        )
    words = ", ".join(f"{name} = {_words(irreps)}" for name, irreps in {**ins, **outs}.items())
    inputs = [str(one) for several in ins.values() for one in several]
    outputs = [str(one) for several in outs.values() for one in several]
    output: Any = outputs[0] if len(outputs) == 1 and "irreps_outs" not in outs else tuple(outputs)
    parity = any(sign < 0 for text in (*inputs, *outputs) for _, _, sign in parse_irreps(text))
    group = "O(3)" if parity else "SO(3)"
    return Reading(words, _said(model, group, inputs, output, outputs))


def _said(model: nn.Module, group: str, inputs: list[str], output: Any, outputs: list[str]) -> tuple[Said, ...]:
    names = needed(arguments(model))
    weight = getattr(model, "weight_numel", 0) if not getattr(model, "internal_weights", True) else 0
    if len(names) == len(inputs) and not _a_graph(names):
        parts: list[Domain] = [Tensors((as_rep(text).dim,)) for text in inputs]  # type: ignore[attr-defined] # of irreps
        reps: list[Any] = list(inputs)
        if weight:  # of a tensor product whose weights are given anew for each input
            parts.append(Tensors((weight,)))
            reps.append(Scalar())
        return (Said(group, Joint(*parts), tuple(reps), output),)
    return _on_graphs(model, group, inputs, outputs)


def _a_graph(names: list[str]) -> bool:
    return any(graphs.ROLE.get(name) in ("edges", "positions") for name in names) or names[:1] == ["data"]


def _on_graphs(model: nn.Module, group: str, inputs: list[str], outputs: list[str]) -> tuple[Said, ...]:
    """A network on points or graphs: positions are points, node features are of the first irreps, edges have numbers.

    That no order of the nodes counts, irreps don't say: it is tried.
    """
    features = Irreps(inputs[0])
    found = graphs.called(model, (features.dim,), _data() if packages(model) & {"torch_geometric"} else None)
    if found.has("features") and found.domain.graph.features != features.dim:
        raise Unreadable(f"its node features have {found.domain.graph.features} entries, and {inputs[0]} has {features.dim}")
    if len(found.of) != len(outputs):
        raise Unreadable(f"it returns {len(found.of)} tensors, and says the irreps of {len(outputs)}")
    space = E(3) if found.has("positions") and group == "O(3)" else group
    space = "SE(3)" if found.has("positions") and group == "SO(3)" else space
    reps: list[Rep] = [as_rep(text) for text in outputs]
    moved = found.inputs(as_rep("point"), features, permuted=False)
    orders: list[Rep] = found.outputs()
    return (
        Said(space, found.domain, moved, reps[0] if len(reps) == 1 else tuple(reps), call=found.call),
        Said(
            found.permuted,
            found.domain,
            found.inputs(),
            orders[0] if len(orders) == 1 else tuple(orders),
            tried="irreps say nothing of the order in which nodes come",
            name=f"{found.permuted}, any order of nodes -> {'scalar' if all(rep.trivial for rep in orders) else 'permute'}",
            call=found.call,
        ),
    )


def _data() -> Any:
    from torch_geometric.data import Data

    return Data


def _stated(model: Any, names: tuple[str, ...]) -> dict[str, list[Any]]:
    """The irreps that a model keeps under these names, one for each tensor."""
    found = {}
    for name in names:
        value = getattr(model, name, None)
        several = list(value) if isinstance(value, (list, tuple)) and not _is_irreps(value) else [value]
        if several and all(map(_is_irreps, several)):
            found[name] = several
    return found


def _is_irreps(value: Any) -> bool:
    return type(value).__name__ == "Irreps" and package_of(type(value)) == "e3nn"


def _words(irreps: list[Any]) -> str:
    return str(irreps[0]) if len(irreps) == 1 else f"({', '.join(map(str, irreps))})"
