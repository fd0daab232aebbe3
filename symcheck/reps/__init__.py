"""Representations: how an element of a group acts on one tensor.

Reps for a tree of tensors are a prefix of that tree, as `in_dims` is for `torch.vmap`: one rep stands for all leaves
below its place. That tree of reps is the direct sum.
"""

from __future__ import annotations

from typing import Any

from symcheck import _tree
from symcheck.errors import ClaimError
from symcheck.reps import words
from symcheck.reps.algebra import Blocks, TensorProduct, Together, word
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.block import Block
from symcheck.reps.cartesian import Character, LastAxis, Point, Scalar, Vector
from symcheck.reps.custom import Custom
from symcheck.reps.derived import Along, Conjugate, Dual, Factor, Via
from symcheck.reps.finite import Phase, PlanarIrreps, Regular, Sign
from symcheck.reps.gauge import ComplexFramed, Cycle, Framed, LogMap, Transport
from symcheck.reps.homogeneous import Homogeneous
from symcheck.reps.images import FourierShift, Image, RegularImage, Rotate
from symcheck.reps.irreps import Irreps
from symcheck.reps.moves import Flip, Permute, Relabel, Roll, Swap
from symcheck.reps.multivector import FourVector, Multivector
from symcheck.reps.parameters import LogShift
from symcheck.reps.sequences import Insert, Moments, Shift, Warp
from symcheck.reps.spherical import SphericalSignal
from symcheck.reps.spinor import Spinor
from symcheck.reps.tensors import Cartesian, PseudoScalar, PseudoVector, ScaleBy, SymmetricTraceless, Voigt

CATALOGUE: tuple[type[Rep], ...] = (
    Scalar,
    Vector,
    Point,
    Permute,
    Roll,
    Irreps,
    SphericalSignal,
    Relabel,
    Cartesian,
    SymmetricTraceless,
    Voigt,
    PseudoScalar,
    PseudoVector,
    ScaleBy,
    Spinor,
    FourVector,
    Multivector,
    Block,
    Regular,
    Sign,
    Phase,
    PlanarIrreps,
    Image,
    Flip,
    Swap,
    RegularImage,
    Rotate,
    FourierShift,
    Together,
    Blocks,
    TensorProduct,
    Dual,
    Conjugate,
    Along,
    Via,
    Factor,
    Custom,
    Framed,
    ComplexFramed,
    LogMap,
    Transport,
    Cycle,
    LogShift,
    Warp,
    Insert,
    Shift,
    Moments,
)
_NAMES: dict[str, type[Rep]] = {kind.name: kind for kind in CATALOGUE} | {"trivial": Scalar}

__all__ = [
    "CATALOGUE",
    "Along",
    "Block",
    "Blocks",
    "Cartesian",
    "Character",
    "ComplexFramed",
    "Conjugate",
    "Custom",
    "Cycle",
    "Dual",
    "Factor",
    "Flip",
    "FourVector",
    "FourierShift",
    "Framed",
    "Homogeneous",
    "Image",
    "Insert",
    "Irreps",
    "LastAxis",
    "LogMap",
    "LogShift",
    "Look",
    "Moments",
    "Multivector",
    "Permute",
    "Phase",
    "PlanarIrreps",
    "Point",
    "PseudoScalar",
    "PseudoVector",
    "Regular",
    "RegularImage",
    "Relabel",
    "Rep",
    "Roll",
    "Rotate",
    "Scalar",
    "ScaleBy",
    "Shape",
    "Shift",
    "Sign",
    "SphericalSignal",
    "Spinor",
    "Swap",
    "SymmetricTraceless",
    "TensorProduct",
    "Together",
    "Transport",
    "Vector",
    "Via",
    "Voigt",
    "Warp",
    "as_rep",
    "spread",
    "word",
]


def as_rep(word: Any) -> Rep:
    """The rep that a text stands for: a name, a name with arguments, irreps, or several of them. None stands for `Scalar()`.

    >>> as_rep("vector"), as_rep("permute(axis=-1)"), as_rep("8x0e+4x1o")
    (Vector(), Permute(axis=-1, of='points'), Irreps(text='8x0e+4x1o'))
    >>> as_rep("permute * point"), as_rep("4 scalar + 2 vector"), as_rep("dual(vector)")
    (Permute(axis=-2, of='points') * Point(), 4 * Scalar() + 2 * Vector(), Dual(rep=Vector()))
    """
    if isinstance(word, Rep):
        return word
    if word is None:
        return Scalar()
    if type(word).__name__ == "Irreps":  # e3nn's own, whose text is the same
        word = str(word)
    if not isinstance(word, str):
        raise ClaimError(f"{word!r} is no rep. Use a rep such as Vector(), or its name, 'vector'.")
    return words.read(word, _NAMES)


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
