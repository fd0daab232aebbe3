"""Equivariance: the model commutes with the group. Invariance is the case of a trivial output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.properties.base import Actions, Function, Property


@dataclass(frozen=True)
class Equivariance(Property):
    name = "equivariance"
    statement = "f(rho_in(g) x) = rho_out(g) f(x)"

    def sides(self, f: Function, actions: Actions, x: Leaves, g: Tensor) -> tuple[Leaves, Leaves]:
        return f(actions.on_inputs(g, x)), actions.on_outputs(g, f(x))
