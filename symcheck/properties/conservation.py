"""Conservation: Noether's theorem, along a simulated trajectory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.groups import Group
from symcheck.properties.base import Actions, Function, Property, check_places
from symcheck.properties.gradients import gradients
from symcheck.properties.infinitesimal import velocity
from symcheck.reps import Rep, Scalar

Slope = Callable[[Leaves], Leaves]


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

    def __post_init__(self) -> None:
        check_places(self, q=self.q, p=self.p)

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
        n, k = len(x[0]), actions.group.dimension
        directions = torch.eye(k, dtype=torch.float64).repeat(n, 1)
        speed = velocity(actions, directions, [leaf.repeat_interleave(k, 0) for leaf in x], inward=True)[self.q]
        return torch.einsum("ni, nki -> nk", x[self.p].reshape(n, -1), speed.reshape(n, k, -1))

    def _flow(self, f: Function, x: Leaves) -> Leaves:
        """Hamilton's equations, q' = dH/dp and p' = -dH/dq, by the implicit midpoint rule, solved to rounding.

        A stiff trial takes shorter steps, so that its fixed point contracts: momenta are conserved for any step.
        """
        slope = gradients(f, x)
        step = self._step(slope, x)
        for _ in range(self.steps):
            x = self._moved(x, slope(self._middle(slope, x, step)), step)
        return x

    def _middle(self, slope: Slope, x: Leaves, step: Tensor) -> Leaves:
        """Half a step from x, along the gradient there: each trial's fixed point, iterated until it comes no nearer.

        That is when rounding is all that moves it, in whatever precision the model computes. q and p wait for each other, so
        that only every second change can be compared. Source: Hairer, Lubich & Wanner, section VIII.6.
        """
        middle, settled = x, torch.zeros_like(step, dtype=torch.bool)
        changes = [torch.full_like(step, torch.inf)] * 2
        for _ in range(ITERATIONS):
            new = self._moved(x, slope(middle), step / 2)
            changes.append(_apart(new, middle, self.q, self.p))
            settled |= changes[-1] >= changes[-3]
            middle = [torch.where(_over(settled, a), a, b) for a, b in zip(middle, new, strict=True)]
            if bool((settled | changes[-1].isnan()).all()):
                break
        return middle

    def _step(self, slope: Slope, x: Leaves) -> Tensor:
        """The step of each trial, `(n,)`: no more than is a small part of the time in which its gradient changes."""
        start = slope(x)
        probe = torch.full((len(x[self.q]),), self.step * PROBE, dtype=x[self.q].dtype, device=x[self.q].device)
        there = self._moved(x, start, probe)
        turned, gone = _apart(slope(there), start, self.q, self.p), _apart(there, x, self.q, self.p)
        return torch.minimum(probe / PROBE, CONTRACTION * gone / turned.clamp_min(torch.finfo(gone.dtype).tiny))

    def _moved(self, x: Leaves, slope: Leaves, step: Tensor) -> Leaves:
        """One explicit step from x, `(n,)`, along a gradient of H."""
        new, by = list(x), _over(step, x[self.q])
        new[self.q] = x[self.q] + by * slope[self.p]
        new[self.p] = x[self.p] - by * slope[self.q]
        return new


def _over(each: Tensor, leaf: Tensor) -> Tensor:
    """One number for each trial, `(n,)`, along a leaf `(n, *shape)`."""
    return each.reshape(-1, *[1] * (leaf.ndim - 1))


def _apart(a: Leaves, b: Leaves, *places: int) -> Tensor:
    """The root of the sum of squares of the difference over some leaves, `(n,)`."""
    return torch.stack([(a[i] - b[i]).reshape(len(a[i]), -1).square().sum(-1) for i in places]).sum(0).sqrt()


PROBE = 1e-3  # of a step: how far the gradient's change is looked at
CONTRACTION = 0.02  # of the fixed point in each iteration, along the way that the probe went; others may be several times that
ITERATIONS = 40  # enough for contractions up to 0.4; most settle after some 10
