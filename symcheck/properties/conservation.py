"""Conservation: Noether's theorem, along a simulated trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.groups import Group
from symcheck.properties.base import Actions, Function, Property
from symcheck.properties.gradients import gradient
from symcheck.properties.infinitesimal import velocity
from symcheck.reps import Rep, Scalar


@dataclass(frozen=True)
class Conservation(Property):
    """A Hamiltonian H(q, p) that a group leaves alone conserves momenta: `J(q(t), p(t)) = J(q(0), p(0))`.

    J_X(q, p) = <p, X q> for every generator X of the group: momentum for translations, angular momentum for rotations. `q` and
    `p` are the indices of the input leaves, the output is H. The trajectory is integrated by the implicit midpoint rule, which
    keeps invariants of second degree, such as these, to rounding: drift is the model's. Source: Noether 1918; Hairer, Lubich &
    Wanner 2006, "Geometric numerical integration", theorem IV.2.1.

    Usual ways to break it: a wall, a box, an external field that was left in the energy.
    """

    q: int = 0
    p: int = 1
    step: float = 0.05
    steps: int = 10

    name = "conservation"
    statement = "J(q(t), p(t)) = J(q(0), p(0))"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        x = actions.on_inputs(g[0], x)
        return [self._momenta(actions, self._flow(f, x))], [self._momenta(actions, x)]

    def quantity(self, f: Function, actions: Actions, x: Leaves) -> Leaves:
        return [self._momenta(actions, x)]

    def names(self, inputs: Sequence[str], outputs: Sequence[str], x: Leaves) -> tuple[str, ...]:
        return ("momenta",)

    def reps(self, actions: Actions, x: Leaves) -> tuple[Rep, ...]:
        return (Scalar(),)

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        group = actions.group
        if not isinstance(group, Group) or not group.dimension:
            return f"{group} has no Lie algebra, and so no conserved momenta. Use Equivariance()"
        if max(self.q, self.p) >= len(x) or x[self.q].shape != x[self.p].shape:
            return f"{self} takes positions and momenta of one shape as two inputs. Say by index which: Conservation(q=0, p=1)"
        if not all(rep.trivial for rep in actions.outputs):
            return "the output is the Hamiltonian, an invariant. Claim it to be 'scalar'"
        return None

    def _momenta(self, actions: Actions, x: Leaves) -> Tensor:
        """`(n, k)`: the momentum of each generator."""
        assert isinstance(actions.group, Group)
        found = []
        for direction in torch.eye(actions.group.dimension, dtype=torch.float64):
            speed = velocity(actions, direction.expand(len(x[0]), -1), x, inward=True)[self.q]
            found.append((x[self.p] * speed).reshape(len(speed), -1).sum(-1))
        return torch.stack(found, -1)

    def _flow(self, f: Function, x: Leaves) -> Leaves:
        """Hamilton's equations, q' = dH/dp and p' = -dH/dq, by the implicit midpoint rule, solved to rounding.

        A stiff trial takes shorter steps, so that its fixed point contracts: momenta are conserved for any step.
        """
        step = self._step(f, x)
        for _ in range(self.steps):
            middle = x
            for _ in range(ITERATIONS):
                middle = self._moved(x, gradient(f, middle), step / 2)
            x = self._moved(x, gradient(f, middle), step)
        return x

    def _step(self, f: Function, x: Leaves) -> Tensor:
        """The step of each trial, `(n,)`: no more than is a small part of the time in which its gradient changes."""
        start = gradient(f, x)
        probe = torch.full_like(_size(x, self.q), self.step * PROBE)
        there = self._moved(x, start, probe)
        turned = _size([b - a for a, b in zip(start, gradient(f, there), strict=True)], self.q, self.p)
        gone = _size([b - a for a, b in zip(x, there, strict=True)], self.q, self.p)
        return torch.minimum(probe / PROBE, CONTRACTION * gone / turned.clamp_min(torch.finfo(gone.dtype).tiny))

    def _moved(self, x: Leaves, slope: Leaves, step: Tensor) -> Leaves:
        """One explicit step from x, `(n,)`, along a gradient of H."""
        new, by = list(x), step.reshape(-1, *[1] * (x[self.q].ndim - 1))
        new[self.q] = x[self.q] + by * slope[self.p]
        new[self.p] = x[self.p] - by * slope[self.q]
        return new


def _size(leaves: Leaves, *places: int) -> Tensor:
    """The root of the sum of squares over some leaves, `(n,)`."""
    return torch.stack([leaves[i].reshape(len(leaves[i]), -1).square().sum(-1) for i in places]).sum(0).sqrt()


PROBE = 1e-3  # of a step: how far the gradient's change is looked at
CONTRACTION = 0.02  # of the fixed point in each iteration, along the way that the probe went; others may be several times that
ITERATIONS = 40  # to rounding, for contractions up to 0.4
