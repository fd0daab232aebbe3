"""Trees: taken apart and put together again, with a readable name for each leaf."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from symcheck._tree import Args, call_names, flatten


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class Graph:
    nodes: Any
    edges: Any
    name: str = "graph"


@dataclass(frozen=True)
class Frozen:
    energy: Any
    forces: Any = None


@dataclass(frozen=True, slots=True)
class Slots:
    x: Any


def t(*shape: int) -> Tensor:
    return torch.zeros(shape)


TREES: list[tuple[Any, list[str], str]] = [
    (t(2), [""], "Tensor"),
    ((t(1), t(2)), ["[0]", "[1]"], "tuple(0=Tensor, 1=Tensor)"),
    ([t(1), [t(2)]], ["[0]", "[1][0]"], "list(0=Tensor, 1=list(0=Tensor))"),
    ({"a": t(1), "b": (t(2), t(3))}, ["a", "b[0]", "b[1]"], "dict(a=Tensor, b=tuple(0=Tensor, 1=Tensor))"),
    ({"b": t(1), "a": t(2)}, ["a", "b"], "dict(a=Tensor, b=Tensor)"),
    ({7: t(1), "x": t(2)}, ["[7]", "x"], "dict(7=Tensor, x=Tensor)"),
    (OrderedDict(y=t(1), x=t(2)), ["y", "x"], "OrderedDict(y=Tensor, x=Tensor)"),
    (Pair(t(1), [t(2)]), ["left", "right[0]"], "Pair(left=Tensor, right=list(0=Tensor))"),
    (Graph(t(1), t(2)), ["nodes", "edges"], "Graph(nodes=Tensor, edges=Tensor, name=str)"),
    (Frozen(t(1)), ["energy"], "Frozen(energy=Tensor, forces=None)"),
    (Slots(t(1)), ["x"], "Slots(x=Tensor)"),
    ({"out": Frozen(t(1), Graph(t(2), t(3)))}, ["out.energy", "out.forces.nodes", "out.forces.edges"], ""),
    ([None, t(1), 3, "word"], ["[1]"], "list(0=None, 1=Tensor, 2=int, 3=str)"),
    (None, [], "None"),
    ((), [], "tuple()"),
    ({"a": []}, [], "dict(a=list())"),
    (Args(t(1), t(2)), ["[0]", "[1]"], "(Tensor, Tensor)"),
    (Args({"pos": t(1)}, mask=t(2)), ["[0].pos", "mask"], "(dict(pos=Tensor), mask=Tensor)"),
    (Args(Pair(t(1), None), edges=(t(2),)), ["[0].left", "edges[0]"], "(Pair(left=Tensor, right=None), edges=tuple(0=Tensor))"),
]
every_tree = pytest.mark.parametrize(("tree", "names", "text"), TREES, ids=[str(flatten(tree)[1]) for tree, _, _ in TREES])


@every_tree
def test_a_tree_comes_back_with_new_leaves_in_place_of_the_old(tree: Any, names: list[str], text: str) -> None:
    leaves, structure = flatten(tree)
    new = [leaf + 1 for leaf in leaves]
    rebuilt = structure.rebuild(new)
    again, same = flatten(rebuilt)
    assert type(rebuilt) is type(tree)
    assert all(mine is theirs for mine, theirs in zip(again, new, strict=True))
    assert same == structure
    assert same.constants() == structure.constants()
    assert all(mine is theirs for mine, theirs in zip(flatten(tree)[0], leaves, strict=True))  # the original is as it was


@every_tree
def test_leaves_have_readable_names(tree: Any, names: list[str], text: str) -> None:
    structure = flatten(tree)[1]
    assert structure.names() == names
    assert str(structure) == text or not text


def test_what_is_no_tensor_comes_back_unchanged() -> None:
    marker = object()
    tree = {"a": t(1), "b": [None, 3, "word", marker], "c": Graph(t(2), None, "mine")}
    leaves, structure = flatten(tree)
    rebuilt = structure.rebuild(leaves)
    assert rebuilt["b"] == [None, 3, "word", marker]
    assert (rebuilt["c"].edges, rebuilt["c"].name) == (None, "mine")
    assert structure.constants() == [None, 3, "word", marker, None, "mine"]


def test_keywords_come_back_as_keywords() -> None:
    leaves, structure = flatten(Args(t(1), mask=t(2), scale=3.0))
    rebuilt = structure.rebuild(leaves)
    assert (len(rebuilt.args), list(rebuilt.kwargs), rebuilt.kwargs["scale"]) == (1, ["mask", "scale"], 3.0)


def test_dicts_keep_what_they_are() -> None:
    tree: defaultdict[str, Any] = defaultdict(list, a=t(1))
    leaves, structure = flatten(tree)
    assert structure.rebuild(leaves).default_factory is list


def test_a_named_tuple_of_torch_comes_back() -> None:
    """What torch.max and its like return."""
    leaves, structure = flatten(torch.max(torch.rand(3, 2), dim=0))
    assert [leaf.dtype for leaf in leaves] == [torch.float32, torch.int64]
    assert len(flatten(structure.rebuild(leaves))[0]) == 2


def test_a_parameter_is_a_leaf_and_a_module_is_not() -> None:
    leaves, structure = flatten([nn.Parameter(t(1)), nn.Linear(1, 1)])
    assert (len(leaves), str(structure)) == (1, "list(0=Tensor, 1=Linear)")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((t(1), t(2)), [t(1), t(2)]),
        ((t(1), t(2)), (t(1),)),
        ({"a": t(1)}, {"b": t(1)}),
        ({"a": t(1)}, OrderedDict(a=t(1))),
        ({"a": t(1)}, {"a": None}),
        ({"a": t(1)}, {"a": [t(1)]}),
        (Pair(t(1), t(2)), (t(1), t(2))),
        (Args(t(1), t(2)), Args(t(1), x=t(2))),
        (t(1), None),
    ],
)
def test_other_structures_are_not_equal(left: Any, right: Any) -> None:
    assert flatten(left)[1] != flatten(right)[1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (t(1), t(5, 3)),
        ({"a": t(1), "b": 1}, {"a": t(2), "b": 2}),
        (Args(t(1), mask=None), Args(t(2), mask=None)),
        (Graph(t(1), t(2), "a"), Graph(t(3), t(4), "b")),
    ],
)
def test_structures_are_equal_whatever_the_shapes_and_constants(left: Any, right: Any) -> None:
    assert flatten(left)[1] == flatten(right)[1]


def _inside(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(children, max_size=3)
    return st.one_of(
        few,
        few.map(tuple),
        few.map(lambda values: Args(*values)),
        st.dictionaries(st.text("abc", min_size=1, max_size=2), children, max_size=3),
        st.builds(Pair, children, children),
        st.builds(Graph, children, children),
        st.builds(Frozen, children, children),
    )


LEAVES = st.one_of(st.integers(0, 4).map(t), st.none(), st.integers(), st.text(max_size=3))


@settings(deadline=None)
@given(st.recursive(LEAVES, _inside, max_leaves=12))
def test_any_tree_comes_back(tree: Any) -> None:
    leaves, structure = flatten(tree)
    rebuilt = structure.rebuild(leaves)
    again, same = flatten(rebuilt)
    assert all(mine is theirs for mine, theirs in zip(again, leaves, strict=True))
    assert (same, same.constants(), str(same)) == (structure, structure.constants(), str(structure))
    assert len(structure.names()) == len(leaves) == len(set(structure.names()))


# The arguments of a call


def test_a_tuple_stands_for_the_arguments_and_anything_else_for_one() -> None:
    given_ = Args(1, mask=2)
    assert Args.of(given_) is given_
    assert Args.of((1, 2)).args == (1, 2)
    assert Args.of([1, 2]).args == ([1, 2],)
    assert Args.of({"a": 1}).args == ({"a": 1},)
    assert Args.of(Pair(1, 2)).args == (Pair(1, 2),)
    assert repr(given_) == "Args(1, mask=2)"


class Model(nn.Module):
    def forward(self, pos: Tensor, graph: Graph, *, mask: Tensor | None = None) -> Tensor:
        raise NotImplementedError

    def energy(self, charges: Tensor, spins: Tensor) -> Tensor:
        raise NotImplementedError


def two(x: Tensor, h: Tensor, scale: float = 1.0) -> None: ...
def several(*xs: Tensor) -> None: ...
def several_and_a_mask(*xs: Tensor, mask: Tensor | None = None) -> None: ...
def one_and_several(x: Tensor, *more: Tensor, **options: Tensor) -> None: ...


@pytest.mark.parametrize(
    ("function", "call", "names"),
    [
        (two, Args(t(1), t(2)), ["x", "h"]),
        (two, Args(t(1), h=t(2)), ["x", "h"]),
        (two, Args((t(1), t(2)), {"a": t(3)}), ["x[0]", "x[1]", "h.a"]),
        (Model(), Args(t(1), Graph(t(2), t(3)), mask=t(4)), ["pos", "graph.nodes", "graph.edges", "mask"]),
        (Model().energy, Args(t(1), t(2)), ["charges", "spins"]),
        (functools.partial(two, t(1)), Args(t(2)), ["h"]),
        (lambda pos: pos, Args(t(1)), ["pos"]),
        (torch.relu, Args(t(1)), ["input0"]),
        (several, Args(t(1), t(2)), ["input0", "input1"]),
        (several_and_a_mask, Args(t(1), t(2)), ["input0", "input1"]),
        (several_and_a_mask, Args(t(1), mask=t(2)), ["input0", "mask"]),
        (one_and_several, Args(t(1), t(2)), ["x", "input1"]),
    ],
)
def test_the_arguments_are_named_by_the_parameters(function: Callable[..., Any], call: Args, names: list[str]) -> None:
    assert call_names(function, flatten(call)[1]) == names
