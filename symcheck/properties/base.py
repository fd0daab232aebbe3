"""The property interface: what must equal what, never how close is close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.errors import ClaimError
from symcheck.groups import Monoid
from symcheck.reps import Rep

Model = Callable[..., Any]


class Actions(Protocol):
    """The reps of a claim, bound to its group: how elements act on the leaves of an input and of an output."""

    @property
    def group(self) -> Monoid: ...

    @property
    def inputs(self) -> Sequence[Rep]: ...

    @property
    def outputs(self) -> Sequence[Rep]: ...

    def on_inputs(self, g: Tensor, x: Leaves) -> Leaves: ...

    def on_outputs(self, g: Tensor, y: Leaves) -> Leaves: ...


class Function(Protocol):
    """The model on a batch of trials, leaves `(n, *shape)` in and out, with its derivatives. All are in float64 or wider."""

    def __call__(self, x: Leaves) -> Leaves: ...

    def jvp(self, x: Leaves, tangent: Leaves) -> Leaves:
        """The derivative of the outputs along a tangent of the inputs, by forward-mode differentiation."""

    def vjp(self, x: Leaves, cotangent: Leaves) -> Leaves:
        """The gradient by the inputs of `sum(cotangent * f(x))`: zero for integer inputs."""

    def reweighted(self, x: Leaves, names: Sequence[str], moved: Callable[[str, Tensor], Tensor]) -> Leaves:
        """The outputs with other values of some parameters in each trial: `moved(name, own)` gives them, `(n, *shape)`."""

    def via(self, made: Callable[[Model], Model]) -> Callable[[Leaves], Leaves]:
        """The function of a model made from this one, `made(model)`, which takes the same arguments."""


class Property(ABC):
    """An equation between two sides, for every trial of a batch at once.

    Trees travel as lists of leaves, each `(n, *shape)`. The engine evaluates f(x) once for each input and remembers it, so
    that `sides` may call `f(x)` on the x that it was given at no cost. By default the equation is about the outputs; one
    that is about other quantities says so by `quantity`, `names` and `reps`.
    """

    name: ClassVar[str]
    statement: ClassVar[str]
    arity: ClassVar[int] = 1  # how many elements one trial takes
    located: ClassVar[bool] = False  # whether what breaks it shows in hidden layers at x and at rho_in(g) x

    @abstractmethod
    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        """The two sides, which a model that has the property makes equal: one function of the other's rounding apart."""

    def moved(self, actions: Actions, x: Leaves, *g: Tensor) -> Leaves | None:
        """The inputs as the first side takes them, to be shown beside x; None where that says nothing."""
        return actions.on_inputs(g[0], x)

    def quantity(self, f: Function, actions: Actions, x: Leaves) -> Leaves:
        """What the equation is about, at each input. Its spread over the inputs is the signal."""
        return f(x)

    def names(self, inputs: Sequence[str], outputs: Sequence[str], x: Leaves) -> tuple[str, ...]:
        """The quantity's leaves, given the names of the input's and of the output's, and an input."""
        return tuple(outputs)

    def reps(self, actions: Actions, x: Leaves) -> tuple[Rep, ...]:
        """How the group acts on the quantity's leaves, given an input."""
        return tuple(actions.outputs)

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        """Why it says nothing about such a claim, given an input and an output, or None."""
        return None

    def allowance(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> Leaves | None:
        """For an inequality: by how much the two sides may differ, RMS, `(n,)` for each leaf. None for an equation."""
        return None

    @property
    def held(self) -> tuple[Model, ...]:
        """Other models that the property calls, which a check casts and moves along with the claim's own."""
        return ()


def check_places(prop: Property, **places: int) -> None:
    """ClaimError if a leaf that a property speaks of isn't named by its place."""
    for name, place in places.items():
        if isinstance(place, bool) or not isinstance(place, int) or place < 0:
            raise ClaimError(
                f"{type(prop).__name__}: {name} is the place of a leaf, a whole number from 0 on, not {place!r}. The leaves of "
                f"a dict are counted in the alphabetical order of its keys."
            )
