"""Class equivariance: the symmetry of a class of models, under which the parameters transform as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from symcheck._tree import Leaves
from symcheck.properties.base import Actions, Function, Property
from symcheck.reps import Rep, as_rep


@dataclass(frozen=True)
class ClassEquivariance(Property):
    """Transformed inputs are what the same architecture makes of them with transformed weights:
    `f(rho_in(g) x; tau(g) theta) = rho_out(g) f(x; theta)`.

    `parameters` says by name which weights the group moves, and how; the others stay. A change of the unit of time that a
    gated network absorbs in its rates is one (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?"); the order of
    hidden units is another, with inputs and outputs left alone.

    Usual ways to break it: a second weight with the same unit that was forgotten, a sigmoid where the exponential is due.

    >>> ClassEquivariance({"bias": "log_shift"}).parameters["bias"]
    LogShift(power=-1)
    """

    parameters: Mapping[str, Rep] = field(default_factory=dict)

    name = "class equivariance"
    statement = "f(rho_in(g) x; tau(g) theta) = rho_out(g) f(x; theta)"

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", {name: as_rep(rep) for name, rep in self.parameters.items()})

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        def moved(name: str, value: Tensor) -> Tensor:
            self.parameters[name].check(actions.group, tuple(value.shape), True, f"parameter '{name}'", value.dtype)
            own = value.expand(len(g[0]), *value.shape)
            return self.parameters[name].act(actions.group, g[0], own)

        return f.reweighted(actions.on_inputs(g[0], x), tuple(self.parameters), moved), actions.on_outputs(g[0], f(x))

    def inapplicable(self, actions: Actions, x: Leaves, y: Leaves) -> str | None:
        return None if self.parameters else "it names no parameters. Give some, as in ClassEquivariance({'bias': LogShift()})"
