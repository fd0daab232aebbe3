"""Reps on a model's parameters, where these move with its inputs: `f(rho(g) x; tau(g) theta) = rho'(g) f(x; theta)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from symcheck.errors import GroupError
from symcheck.groups import Monoid
from symcheck.groups.warps import Dilations
from symcheck.reps.base import Rep, Shape


@dataclass(frozen=True)
class LogShift(Rep):
    """A parameter that stands in an exponent: the logarithm of the scale is added to it, `b -> b + power log(scale)`.

    A rate is so much per unit of time: where durations grow by a factor, rates shrink by it, and the bias b of a rate
    exp(... + b) goes with the power -1.
    """

    power: float = -1

    name = "log_shift"
    linear = False

    @property
    def rank(self) -> int:
        return 0

    @property
    def mixes(self) -> tuple[int, ...]:
        return ()

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        step = (self.power * group.scale(g).log()).to(x)
        return x + step.reshape(-1, *(1,) * (x.ndim - 1))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            group.scale(group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(), Dilations(3), (5,)), (cls(power=2), Dilations(3), (2, 4))]
