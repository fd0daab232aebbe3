"""Properties of gradients: forces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from symcheck._tree import Leaves
from symcheck.errors import ClaimError
from symcheck.groups import Group
from symcheck.properties.base import Actions, Function, Property, check_places
from symcheck.reps import Rep, Scalar

Value = TypeVar("Value")


@dataclass(frozen=True)
class GradientEquivariance(Property):
    """The gradient of an invariant transforms as a covector: `grad f(rho_in(g) x) = rho_in(g)^-T grad f(x)`.

    For an energy under rotations: its forces are vectors. It follows from invariance where f is smooth, and asks more than
    it where f is only nearly invariant: an error of wave number k is k times as large in the gradient.
    Source: the chain rule. Usual ways to break it: a hard cutoff, a table that is interpolated linearly.
    """

    name = "gradient equivariance"
    statement = "grad f(rho_in(g) x) = rho_in(g)^-T grad f(x)"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        moved, gradient = actions.on_inputs(g[0], x), gradients(f, x)
        return _numbers(gradient(moved), x), _numbers(carried(actions, g[0], moved, gradient(x)), x)

    def quantity(self, f: Function, actions: Actions, x: Leaves) -> Leaves:
        return _numbers(gradients(f, x)(x), x)

    def names(self, inputs: Sequence[str], outputs: Sequence[str], x: Leaves) -> tuple[str, ...]:
        return tuple(f"gradient by {name}" for name in _numbers(inputs, x))

    def reps(self, actions: Actions, x: Leaves) -> tuple[Rep, ...]:
        return tuple(_numbers(actions.inputs, x))

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        if not all(rep.trivial for rep in actions.outputs):
            return (
                "the gradient is that of an invariant. Claim outputs that are 'scalar', or wrap the model to return its energy"
            )
        if not isinstance(actions.group, Group):
            return f"{actions.group} has no inverses. Use Equivariance()"
        return None


def _numbers(values: Sequence[Value], x: Leaves) -> list[Value]:
    """What belongs to the inputs that there is a gradient by: integers and booleans have none."""
    return [value for value, leaf in zip(values, x, strict=True) if leaf.is_floating_point() or leaf.is_complex()]


@dataclass(frozen=True)
class Conservative(Property):
    """Forces are the negative gradient of the energy: `forces(x) = -grad energy(x)`, by differentiation and by differences.

    Outputs are named by their place: `energy` and `forces` are indices of output leaves, `positions` of an input leaf; those of
    a dict are counted in the alphabetical order of its keys. The energy must be attached to the positions, so that it can be
    differentiated. The second leaf of the equation compares the force along one direction with a difference quotient of the
    energy, which may be off by what others, of a doubled step or of lower order, differ from it: it catches a derivative that
    is itself wrong. Trials are at transformed inputs; the group is of no other use here.

    Usual ways to break it: forces from a head of their own, a detached tensor, a sign.
    """

    energy: int = 0
    forces: int = 1
    positions: int = 0

    name = "conservative"
    statement = "forces(x) = -grad energy(x)"

    def __post_init__(self) -> None:
        check_places(self, energy=self.energy, forces=self.forces, positions=self.positions)

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        x = actions.on_inputs(g[0], x)
        y = f(x)
        slope = self._slope(f, x)
        along = -_total(y[self.forces] * self._direction(x))
        gradient = gradients(f, x, of=self.energy)(x)[self.positions]
        if not gradient.any() and slope.any():
            raise ClaimError(
                f"{self} differentiates the energy that the model returns, which changes with the positions but isn't attached "
                f"to them. Leave detach() and no_grad() out: of the energy, and of the positions before it is computed."
            )
        return [-y[self.forces], along], [gradient, slope]

    def allowance(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> Leaves | None:
        x = actions.on_inputs(g[0], x)
        fine, *others = *self._slopes(f, x), *self._slopes(f, x, 2)
        apart = SLACK * torch.stack([(fine - other).abs() for other in others]).amax(0)
        settled = apart <= SETTLED * fine.abs()
        return [torch.zeros_like(fine), torch.where(settled, apart, torch.inf)]

    def quantity(self, f: Function, actions: Actions, x: Leaves) -> Leaves:
        return [-f(x)[self.forces], self._slope(f, x)]

    def names(self, inputs: Sequence[str], outputs: Sequence[str], x: Leaves) -> tuple[str, ...]:
        return outputs[self.forces], f"{outputs[self.forces]} by differences"

    def reps(self, actions: Actions, x: Leaves) -> tuple[Rep, ...]:
        return actions.outputs[self.forces], Scalar()

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        if max(self.energy, self.forces) >= len(y) or self.positions >= len(x):
            return f"{self} names leaves by index, but there are {len(x)} inputs and {len(y)} outputs. Give those of the model"
        if y[self.forces].shape != x[self.positions].shape:
            shapes = f"{tuple(y[self.forces].shape[1:])} and {tuple(x[self.positions].shape[1:])}"
            return f"forces and positions have shapes {shapes}, which must be equal. Name the leaves: {self}"
        return None

    def _direction(self, x: Leaves) -> Tensor:
        """A direction that no symmetry singles out, the same for every trial."""
        place = x[self.positions]
        return torch.sin(torch.arange(place[0].numel(), dtype=torch.float64) + 1).reshape(place.shape[1:]).to(place.device)

    def _slope(self, f: Function, x: Leaves) -> Tensor:
        return self._slopes(f, x)[0]

    def _slopes(self, f: Function, x: Leaves, width: float = 1.0) -> tuple[Tensor, Tensor]:
        """The slope of the energy along the direction, by differences of sixth and of fourth order at half steps."""
        direction, place = self._direction(x), x[self.positions]
        step = width * STEP / 2 * place.abs().mean().clamp_min(STEP)

        def energy(k: int) -> Tensor:
            moved = list(x)
            moved[self.positions] = place + k * step * direction
            return _total(f(moved)[self.energy])

        near, middle, far = ((energy(k) - energy(-k)) / step for k in (1, 2, 3))
        return (45 * near - 9 * middle + far) / 60, (8 * near - middle) / 12


STEP = 1e-3  # of the positions' size: the error of sixth order is then rounding, 1e-13, unless two points come near
SLACK = 32.0  # the finest quotient is off by a 63rd of what it differs by from the others, where they converge; and by rounding
SETTLED = 1e-2  # where they differ by more of their size, they haven't converged: two points are as near as the step


def _total(leaf: Tensor) -> Tensor:
    """The sum over each row of `(n, *shape)`."""
    return leaf.reshape(len(leaf), -1).sum(-1)


def gradients(f: Function, x: Leaves, of: int | None = None) -> Callable[[Leaves], Leaves]:
    """The gradient by the inputs of the sum of one output, or of all, as a function of inputs like x."""
    ones = [torch.ones_like(leaf) if of in (None, i) else torch.zeros_like(leaf) for i, leaf in enumerate(f(x))]
    return lambda there: f.vjp(there, ones)


def carried(actions: Actions, g: Tensor, moved: Leaves, covector: Leaves) -> Leaves:
    """A covector at x as one at rho(g) x, `moved`: pulled back by the action of the inverse."""
    group = actions.group
    assert isinstance(group, Group)
    with torch.enable_grad():
        start = [leaf.detach().requires_grad_() if leaf.is_floating_point() or leaf.is_complex() else leaf for leaf in moved]
        back = actions.on_inputs(group.inverse(g), start)
        pairs = [(b, v.to(b)) for b, v in zip(back, covector, strict=True) if b.requires_grad]
        wanted = [leaf for leaf in start if leaf.requires_grad]
        found = iter(torch.autograd.grad([b for b, _ in pairs], wanted, [v for _, v in pairs], allow_unused=True))
    grads = [next(found) if leaf.requires_grad else None for leaf in start]
    return [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(start, grads, strict=True)]
