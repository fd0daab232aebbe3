"""Infinitesimal equivariance: the Lie derivative of the model vanishes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._autodiff import jvp
from symcheck._tree import Leaves
from symcheck.groups import Group
from symcheck.properties.base import Actions, Function, Property


@dataclass(frozen=True)
class Infinitesimal(Property):
    """The Lie derivative vanishes: `J_f(x) (A x) = B f(x)` for every X of the Lie algebra, which acts by A = d rho_in(X) on
    inputs and by B = d rho_out(X) on outputs.

    By forward-mode differentiation, one pass for a direction of the algebra, whatever the number of inputs; each trial takes
    another direction. It sees the connected component of the identity alone: reflections are left to `Equivariance`. Errors
    are per unit of the algebra (radians), as parts of the output's spread. Source: Gruver et al. 2023, "The Lie derivative
    for measuring learned equivariance".

    Usual ways to break it: those of equivariance, but for jumps, whose derivative is zero almost everywhere.
    """

    name = "infinitesimal"
    statement = "J_f(x) (d rho_in(X) x) = d rho_out(X) f(x)"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        v = directions(actions.group, g[0])
        return f.jvp(x, velocity(actions, v, x, inward=True)), velocity(actions, v, f(x), inward=False)

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        group = actions.group
        if not isinstance(group, Group) or not group.dimension:
            return f"{group} has no Lie algebra: no element but the identity is near the identity. Use Equivariance()"
        return None


def directions(group: object, g: Tensor) -> Tensor:
    """A direction of the Lie algebra for each element `(n, k)`, of unit length: that of `(g - g^-1) / 2`, zero where g^2 = 1.

    It is the sinh of g's own generator. So it lies in the algebra of each subgroup that g lies in, and in that of the factor
    of a product that g moves alone.
    """
    assert isinstance(group, Group)
    zero, k = torch.zeros((), dtype=torch.float64), group.dimension
    basis = torch.eye(k, dtype=torch.float64)
    (tangents,) = jvp(lambda t: (_numbers(group.exponential(t * basis)),), [zero], [torch.ones_like(zero)])
    odd = (_numbers(g) - _numbers(group.inverse(g))) / 2
    found = odd @ torch.linalg.pinv(tangents)
    return torch.nn.functional.normalize(found * (found.norm(dim=-1, keepdim=True) > _NONE * odd.norm(dim=-1, keepdim=True)))


_NONE = 1e-9  # of an odd part that lies outside the algebra, what rounding leaves inside


def _numbers(g: Tensor) -> Tensor:
    """Elements `(n, *element)` as rows of real numbers."""
    return (torch.view_as_real(g) if g.is_complex() else g).reshape(len(g), -1).double()


def velocity(actions: Actions, v: Tensor, x: Leaves, *, inward: bool) -> Leaves:
    """How fast the action of `exp(t v)` moves leaves at t = 0: zero for what isn't floating point."""
    group, act = actions.group, actions.on_inputs if inward else actions.on_outputs
    assert isinstance(group, Group)
    moving = [i for i, leaf in enumerate(x) if leaf.is_floating_point() or leaf.is_complex()]

    def moved(t: Tensor) -> tuple[Tensor, ...]:
        y = act(group.exponential(t * v), x)
        return tuple(y[i] for i in moving)

    zero = torch.zeros((), dtype=torch.float64)
    found = jvp(moved, [zero], [torch.ones_like(zero)])
    speeds = dict(zip(moving, found, strict=True))
    return [speeds.get(i, torch.zeros_like(leaf)) for i, leaf in enumerate(x)]
