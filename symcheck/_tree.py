"""Trees of tensors: tuples, lists, dicts, named tuples and dataclasses, taken apart into named leaves.

The only module that knows torch's pytree. A leaf is a tensor; everything else that stands at a leaf's place (None, a
number, a string) is part of the structure and comes back unchanged.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

Leaves = list[Tensor]


class Args:
    """The arguments of one call, positional and by keyword.

    >>> Args(1, mask=2)
    Args(1, mask=2)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        parts = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"Args({', '.join(parts)})"

    @classmethod
    def of(cls, tree: Any) -> Args:
        """The arguments that `tree` stands for: a plain tuple is positional arguments, anything else is one argument."""
        if isinstance(tree, Args):
            return tree
        return cls(*tree) if type(tree) is tuple else cls(tree)


@dataclasses.dataclass(frozen=True)
class Structure:
    """What is left of a tree when its tensors are taken out. Two trees match when their structures are equal."""

    kind: str  # "tensor", "constant", or the name of the container's type
    keys: tuple[str, ...] = ()
    children: tuple[Structure, ...] = ()
    make: Callable[[list[Any]], Any] | None = dataclasses.field(default=None, compare=False, repr=False)
    value: Any = dataclasses.field(default=None, compare=False, repr=False)

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """The tree again, with `leaves` at the places of its tensors."""
        return self._rebuild(iter(leaves))

    def _rebuild(self, leaves: Iterator[Any]) -> Any:
        if self.kind == "tensor":
            return next(leaves)
        if self.make is None:
            return self.value
        return self.make([child._rebuild(leaves) for child in self.children])

    def names(self, prefix: str = "") -> list[str]:
        """A readable name for each leaf, such as `pos`, `out.energy` or `[0].edges`."""
        if self.kind == "tensor":
            return [prefix.lstrip(".")]
        return [name for key, child in self._items for name in child.names(prefix + key)]

    def constants(self) -> list[Any]:
        """The values that stand where a tensor could: numbers, strings, None."""
        if self.kind == "constant":
            return [self.value]
        return [value for child in self.children for value in child.constants()]

    def __str__(self) -> str:
        if self.kind == "tensor":
            return "Tensor"
        if self.make is None:
            return "None" if self.value is None else type(self.value).__name__
        if self.kind == "Args":
            arguments = [f"{k[1:]}={c}" if k.startswith(".") else str(c) for k, c in self._items]
            return f"({', '.join(arguments)})"
        inside = [k.strip(".[]") + f"={c}" for k, c in self._items]
        return f"{self.kind}({', '.join(inside)})"

    @property
    def _items(self) -> list[tuple[str, Structure]]:
        return list(zip(self.keys, self.children, strict=True))


def flatten(tree: Any) -> tuple[Leaves, Structure]:
    """The tensors of a tree in a fixed order, and the structure that puts them back.

    >>> import torch
    >>> leaves, structure = flatten({"a": torch.ones(2), "b": [None, torch.zeros(3)]})
    >>> [tuple(leaf.shape) for leaf in leaves], structure.names(), str(structure)
    ([(2,), (3,)], ['a', 'b[1]'], 'dict(a=Tensor, b=list(0=None, 1=Tensor))')
    """
    leaves: Leaves = []
    return leaves, _structure(tree, leaves)


def _structure(tree: Any, leaves: Leaves) -> Structure:
    if isinstance(tree, Tensor):
        leaves.append(tree)
        return Structure("tensor")
    node = split(tree)
    if node is None:
        return Structure("constant", value=tree)
    children, make = node
    inside = tuple(_structure(child, leaves) for _, child in children)
    return Structure(type(tree).__name__, tuple(key for key, _ in children), inside, make)


def split(tree: Any) -> tuple[list[tuple[str, Any]], Callable[[list[Any]], Any]] | None:
    """One level of a tree: its children by key and the function that puts them together, or None at a leaf."""
    if isinstance(tree, Args):
        names = [f"[{i}]" for i in range(len(tree.args))] + [f".{k}" for k in tree.kwargs]
        cut, words = len(tree.args), tuple(tree.kwargs)
        children = list(zip(names, [*tree.args, *tree.kwargs.values()], strict=True))
        return children, lambda new: Args(*new[:cut], **dict(zip(words, new[cut:], strict=True)))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type) and type(tree) not in pytree.SUPPORTED_NODES:
        fields = [field.name for field in dataclasses.fields(tree)]
        return [(f".{name}", getattr(tree, name)) for name in fields], lambda new: _with_fields(tree, fields, new)
    if type(tree) is dict:  # by key: a model may return the same keys in another order, but may also read ours in order
        keys = sorted(tree, key=str)
        children = [(f".{key}" if isinstance(key, str) else f"[{key!r}]", tree[key]) for key in keys]
        return children, lambda new: {key: dict(zip(keys, new, strict=True))[key] for key in tree}
    pairs, spec = pytree.tree_flatten_with_path(tree, is_leaf=lambda node: node is not tree)
    if len(pairs) == 1 and pairs[0][1] is tree:
        return None
    return [(_key(path), child) for path, child in pairs], lambda new: pytree.tree_unflatten(new, spec)


def _with_fields(original: Any, fields: list[str], values: list[Any]) -> Any:
    new = copy.copy(original)
    for name, value in zip(fields, values, strict=True):
        object.__setattr__(new, name, value)  # frozen dataclasses too
    return new


def _key(path: tuple[Any, ...]) -> str:
    entry = path[0]
    for attribute in ("key", "name"):
        if isinstance(word := getattr(entry, attribute, None), str):
            return f".{word}"
    return str(entry)


def call_names(function: Callable[..., Any], structure: Structure) -> list[str]:
    """The leaves of an `Args` structure, named by the parameters of `function` where its signature tells them."""
    import inspect

    names = structure.names()
    try:
        target = getattr(function, "forward", function)
        every = inspect.signature(target).parameters.values()
        parameters = [p.name for p in every if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        parameters = []
    return [_call_name(name, parameters) for name in names]


def _call_name(name: str, parameters: list[str]) -> str:
    index, _, rest = name.removeprefix("[").partition("]")
    if not name.startswith("[") or not index.isdigit():
        return name
    word = parameters[int(index)] if int(index) < len(parameters) else f"input{index}"
    return word + rest
