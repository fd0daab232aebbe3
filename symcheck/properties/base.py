"""The property interface: what must equal what, never how close is close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol

from torch import Tensor

from symcheck._tree import Leaves


class Actions(Protocol):
    """The reps of a claim, bound to its group: how elements act on the leaves of an input and of an output."""

    def on_inputs(self, g: Tensor, x: Leaves) -> Leaves: ...

    def on_outputs(self, g: Tensor, y: Leaves) -> Leaves: ...


Function = Callable[[Leaves], Leaves]


class Property(ABC):
    """An equation between two sides, for every trial of a batch at once.

    Trees travel as lists of leaves, each `(n, *shape)`. The engine evaluates f(x) once for each input and remembers it, so
    that `sides` may call `f(x)` on the x that it was given at no cost.
    """

    name: ClassVar[str]
    statement: ClassVar[str]

    @abstractmethod
    def sides(self, f: Function, actions: Actions, x: Leaves, g: Tensor) -> tuple[Leaves, Leaves]:
        """The two sides, which a model that has the property makes equal: one function of the other's rounding apart."""
