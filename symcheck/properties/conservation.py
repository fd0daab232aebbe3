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

    def names(self, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[str, ...]:
        return ("momenta",)

    def reps(self, actions: Actions) -> tuple[Rep, ...]:
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
        """Hamilton's equations, q' = dH/dp and p' = -dH/dq, by the implicit midpoint rule."""
        for _ in range(self.steps):
            middle = x
            for _ in range(ITERATIONS):
                slope = gradient(f, middle)
                middle = list(x)
                middle[self.q] = x[self.q] + self.step / 2 * slope[self.p]
                middle[self.p] = x[self.p] - self.step / 2 * slope[self.q]
            x = [2 * m - start if i in (self.q, self.p) else start for i, (m, start) in enumerate(zip(middle, x, strict=True))]
        return x


ITERATIONS = 14  # of the fixed point: each gains a digit for forces that change by one over a unit of length
