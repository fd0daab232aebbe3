"""Representations: how an element of a group acts on one tensor.

Reps for a tree of tensors are a prefix of that tree, as `in_dims` is for `torch.vmap`: one rep stands for all leaves
below its place. That tree of reps is the direct sum.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

from symcheck import _tree
from symcheck.errors import ClaimError, did_you_mean
from symcheck.reps.base import Rep, Shape
from symcheck.reps.cartesian import Point, Scalar, Vector
from symcheck.reps.irreps import Irreps
from symcheck.reps.moves import Permute, Roll

CATALOGUE: tuple[type[Rep], ...] = (Scalar, Vector, Point, Permute, Roll, Irreps)
_NAMES: dict[str, type[Rep]] = {kind.name: kind for kind in CATALOGUE} | {"trivial": Scalar}

__all__ = ["CATALOGUE", "Irreps", "Permute", "Point", "Rep", "Roll", "Scalar", "Shape", "Vector", "as_rep", "spread"]


def as_rep(word: Any) -> Rep:
    """The rep that a word stands for: a name, a name with arguments, or irreps. None stands for `Scalar()`.

    >>> as_rep("vector"), as_rep("permute(axis=-1)"), as_rep("8x0e+4x1o")
    (Vector(), Permute(axis=-1, of='points'), Irreps(text='8x0e+4x1o'))
    """
    if isinstance(word, Rep):
        return word
    if word is None:
        return Scalar()
    if type(word).__name__ == "Irreps":  # e3nn's own, whose text is the same
        word = str(word)
    if not isinstance(word, str):
        raise ClaimError(f"{word!r} is no rep. Use a rep such as Vector(), or its name, 'vector'.")
    text = word.strip()
    if re.match(r"(\d+\s*x)?\s*\d+[eo]\b", text):
        return Irreps(text)
    name, bracket, _ = text.partition("(")
    if name not in _NAMES:
        raise ClaimError(f"there is no rep {name!r}; {did_you_mean(name, _NAMES)}")
    if text == "irreps":
        raise ClaimError("irreps are written out, as in '8x0e+4x1o'.")
    try:
        return _NAMES[name](**_arguments(text)) if bracket else _NAMES[name]()
    except TypeError:
        known = ", ".join(inspect.signature(_NAMES[name]).parameters) or "none"
        raise ClaimError(f"{text!r} doesn't have the arguments of {name!r}: {known}.") from None


def _arguments(text: str) -> dict[str, Any]:
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        raise ClaimError(f"can't read the rep {text!r}. Write arguments by name, as in 'permute(axis=-1)'.") from None


def spread(prefix: Any, structure: _tree.Structure, what: str) -> list[Rep]:
    """One rep for each leaf of `structure`, from a tree of reps that is a prefix of it. `what` names the tree in errors."""
    return _spread(prefix, structure, what, "")


def _spread(prefix: Any, structure: _tree.Structure, what: str, path: str) -> list[Rep]:
    node = None if isinstance(prefix, (Rep, str)) or prefix is None else _tree.split(prefix)
    if node is None:
        return [as_rep(prefix)] * len(structure.names())
    children = dict(node[0])
    if structure.make is None or set(children) != set(structure.keys):
        raise ClaimError(
            f"{what}: the reps{_at(path)} are {_outline(prefix)}, but the {what.removesuffix('s')} there is {structure}. "
            f"Give the same structure, with 'scalar' for what the group leaves alone."
        )
    return [
        rep
        for key, child in zip(structure.keys, structure.children, strict=True)
        for rep in _spread(children[key], child, what, path + key)
    ]


def _at(path: str) -> str:
    return f" at {path.lstrip('.')}" if path else ""


def _outline(prefix: Any) -> str:
    text = repr(prefix).removeprefix("Args")
    return text if len(text) <= 80 else text[:77] + "..."
