"""Stability to deformation: an inequality, for what no group acts on exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.groups import Monoid
from symcheck.properties.base import Actions, Function, Property

Strength = Callable[[Monoid, Tensor], Tensor]


def strain(group: Monoid, g: Tensor) -> Tensor:
    """The largest singular value of `linear(g) - 1`, `(n,)`: the gradient of the displacement of a linear deformation."""
    linear = group.linear(g)
    strength: Tensor = torch.linalg.matrix_norm(linear - torch.eye(linear.shape[-1], dtype=linear.dtype), 2)
    return strength


@dataclass(frozen=True)
class Stability(Property):
    """Small deformations change the output little: `|f(rho_in(g) x) - rho_out(g) f(x)| <= constant * strength(g) * |x|`.

    `strength` says how strong a deformation is, by default the gradient of its displacement; norms are RMS over the inputs
    that the group moves. With a deformation of strength zero this is equivariance. A `constant` that is flat in the input's
    frequency is what tells a stable representation from the modulus of a Fourier transform.
    Source: Mallat 2012, "Group invariant scattering"; Bronstein et al. 2021, section 3.3.
    """

    constant: float
    strength: Strength = strain

    name = "stability"
    statement = "|f(rho_in(g) x) - rho_out(g) f(x)| <= C |g - 1| |x|"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        return f(actions.on_inputs(g[0], x)), actions.on_outputs(g[0], f(x))

    def allowance(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> Leaves | None:
        moved = [leaf for leaf, rep in zip(x, actions.inputs, strict=True) if not rep.trivial]
        size = torch.stack([leaf.abs().double().square().reshape(len(leaf), -1).mean(-1) for leaf in moved]).sum(0).sqrt()
        most = self.constant * self.strength(actions.group, g[0]).to(size) * size
        return [most for _ in actions.outputs]

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        if not 0 < self.constant < float("inf"):
            return f"the constant of {self.name} is positive and finite, not {self.constant}"
        if all(rep.trivial for rep in actions.inputs):
            return "no input is deformed. Give one a rep by which the group acts on it"
        return None
