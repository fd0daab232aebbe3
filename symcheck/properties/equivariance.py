"""Equivariance: the model commutes with the group. Invariance is the case of a trivial output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.properties.base import Actions, Function, Property


@dataclass(frozen=True)
class Equivariance(Property):
    """The model commutes with every element: `f(rho_in(g) x) = rho_out(g) f(x)`. Invariance is the case of a trivial output.

    Usual ways to break it: a weight for each axis, a bias on vectors, a positional term, zero padding.
    """

    name = "equivariance"
    statement = "f(rho_in(g) x) = rho_out(g) f(x)"
    located = True

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        return f(actions.on_inputs(g[0], x)), actions.on_outputs(g[0], f(x))
