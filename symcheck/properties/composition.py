"""Composition: two elements after one another do what their product does."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.properties.base import Actions, Function, Property


@dataclass(frozen=True)
class Composition(Property):
    """The output of a product is that of its factors in turn: `f(rho_in(g h) x) = rho_out(g) f(rho_in(h) x)`.

    It follows from equivariance. On its own it is what can be asked of a model that is only equivariant from a transformed
    input on, such as one that first brings its input into a canonical pose.
    """

    name = "composition"
    statement = "f(rho_in(g h) x) = rho_out(g) f(rho_in(h) x)"
    arity = 2

    def moved(self, actions: Actions, x: Leaves, *g: Tensor) -> Leaves | None:
        first, then = g
        return actions.on_inputs(actions.group.compose(then, first), x)

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        first, then = g
        both = actions.group.compose(then, first)
        return f(actions.on_inputs(both, x)), actions.on_outputs(then, f(actions.on_inputs(first, x)))
