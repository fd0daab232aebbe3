"""A claim bound to the tensors of one model: its group's sizes known, one rep for each leaf."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from symcheck import reps
from symcheck._tree import Args, Leaves, Structure
from symcheck.claims import Claim
from symcheck.errors import ClaimError, GroupError, did_you_mean
from symcheck.groups import Monoid
from symcheck.reps import Rep

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """How a group acts on the leaves of an input and of an output. Actions are computed in float64."""

    group: Monoid
    inputs: tuple[Rep, ...]
    outputs: tuple[Rep, ...]

    def on_inputs(self, g: Tensor, x: Leaves) -> Leaves:
        return [rep.act(self.group, g, leaf) for rep, leaf in zip(self.inputs, x, strict=True)]

    def on_outputs(self, g: Tensor, y: Leaves) -> Leaves:
        return [rep.act(self.group, g, leaf) for rep, leaf in zip(self.outputs, y, strict=True)]

    @property
    def acted(self) -> frozenset[int]:
        """The input leaves that the group moves."""
        return frozenset(i for i, rep in enumerate(self.inputs) if not rep.trivial)


def input_reps(claim: Claim, structure: Structure) -> list[Rep]:
    """One rep for each input leaf: the trivial one for an argument or a key that the claim doesn't mention."""
    return reps.spread(_completed(claim.inputs, structure), structure, "inputs")


def unmentioned(claim: Claim, structure: Structure) -> list[int]:
    """The input leaves, by index, that belong to arguments or keys for which the claim has no rep."""
    whole = _completed(claim.inputs, structure, _Absent())
    if not isinstance(whole, (Args, dict)):
        return []
    return [i for i, rep in enumerate(reps.spread(whole, structure, "inputs")) if isinstance(rep, _Absent)]


class _Absent(reps.Scalar):
    """What stands for a rep that wasn't given."""


def _completed(given: Any, structure: Structure, absent: Rep | None = None) -> Any:
    """Reps with `absent` for the trailing arguments and the keys that they leave out, at the top of the tree and below."""
    if structure.make is None or not isinstance(given, (Args, dict)):
        return given
    children = dict(zip(structure.keys, structure.children, strict=True))
    if isinstance(given, Args):
        places = [key for key in children if key.startswith("[")][: len(given.args)]
        args = [_completed(rep, children[key], absent) for key, rep in zip(places, given.args, strict=False)]
        args += [absent] * (sum(key.startswith("[") for key in children) - len(given.args))
        words = {key[1:]: absent for key in children if key.startswith(".")}
        return Args(*args, *given.args[len(places) :], **(words | _named(given.kwargs, children, absent)))
    return {key[1:]: absent for key in children if key.startswith(".")} | _named(given, children, absent)


def _named(given: Mapping[Any, Any], children: Mapping[str, Structure], absent: Rep | None) -> dict[Any, Any]:
    known = [key[1:] for key in children if key.startswith(".")]
    for key in given:
        if f".{key}" not in children and known:
            raise ClaimError(f"inputs: there is a rep for {key!r}, but no such input; {did_you_mean(str(key), known)}")
    return {key: _completed(rep, children[f".{key}"], absent) if f".{key}" in children else rep for key, rep in given.items()}


def bind(claim: Claim, inputs: list[Rep], x: Leaves, names: Sequence[str]) -> Bound:
    """The claim's group for the sizes of its inputs, with its reps checked against them. Outputs are bound later."""
    shapes = [_shape(leaf) for leaf in x]
    where = [f"input '{name}'" for name in names]
    sizes: dict[str, int] = {}
    told: dict[str, str] = {}
    for rep, shape, place in zip(inputs, shapes, where, strict=True):
        if len(shape) < rep.rank:
            rep.check(claim.group, shape, True, place)
        for name, size in rep.sizes(shape).items():
            if sizes.setdefault(name, size) != size:
                raise ClaimError(
                    f"{claim.group} moves {sizes[name]} {name} in {told[name]} and {size} in {place}. Give them one size, "
                    f"or name them apart, as in Permute(axis=-2, of='edges')."
                )
            told.setdefault(name, place)
    try:
        group = claim.group.bind(sizes)
    except GroupError as error:
        raise ClaimError(f"{claim.subject.name}: {error}") from None
    group = group.at_scale(_length(inputs, x))
    _check(group, inputs, x, shapes, where)
    return Bound(group, tuple(inputs), ())


def _length(inputs: Sequence[Rep], x: Leaves) -> float:
    """Over which length points are spread, to the nearest power of ten: what the group's translations are measured by."""
    moved = [leaf for rep, leaf in zip(inputs, x, strict=True) if not rep.linear and leaf.is_floating_point() and leaf.numel()]
    sizes = [float((leaf - leaf.mean(tuple(range(leaf.ndim - 1)), keepdim=True)).double().std()) for leaf in moved]
    known = [size for size in sizes if 0 < size < math.inf]
    return 10.0 ** round(math.log10(max(known))) if known else 1.0


def bind_outputs(claim: Claim, bound: Bound, y: Leaves, structure: Structure) -> Bound:
    """The same, with the output's reps, checked against an output."""
    outputs = reps.spread(claim.outputs, structure, "outputs")
    where = [f"output '{name}'" if name else "the output" for name in structure.names()]
    _check(bound.group, outputs, y, [_shape(leaf) for leaf in y], where)
    return Bound(bound.group, bound.inputs, tuple(outputs))


def _check(group: Monoid, reps_: Sequence[Rep], leaves: Leaves, shapes: list[Shape], where: list[str]) -> None:
    for rep, leaf, shape, place in zip(reps_, leaves, shapes, where, strict=True):
        if 0 in shape and not rep.trivial:
            raise ClaimError(
                f"{rep} moves nothing in {place}, which is empty: its shape is {shape}. Give it at least one entry."
            )
        rep.check(group, shape, leaf.is_floating_point() or leaf.is_complex(), place, leaf.dtype)


def _shape(leaf: Tensor) -> Shape:
    """Without the trial axis."""
    return tuple(leaf.shape[1:])
