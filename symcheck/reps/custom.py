"""A rep of your own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from torch import Tensor

from symcheck.errors import ClaimError
from symcheck.groups import Monoid, O
from symcheck.reps.base import Rep, Shape
from symcheck.reps.cartesian import matrix_act

Action = Callable[[Monoid, Tensor, Tensor], Tensor]
"""The group, elements `(n, *element)` and tensors `(n, *shape)` to tensors `(n, *shape)`."""


@dataclass(frozen=True, repr=False)
class Custom(Rep):
    """A rep that a function of yours computes: `function(group, g, x)`, `(n, *element), (n, *shape) -> (n, *shape)`.

    A check tries that it is a rep, on its own elements and tensors. `rank` is the number of trailing axes that it needs;
    `linear`, `discrete`, `exact` and `mixes` are as for every rep.

    >>> Custom(lambda group, g, x: x * group.linear(g)[:, 0, 0].reshape(-1, 1), name="along x", rank=1)
    Custom('along x')
    """

    function: Action
    _: KW_ONLY
    name: str = "custom"  # type: ignore[misc] # its own here, the class's elsewhere
    rank: int = 0
    linear: bool = True  # type: ignore[misc]
    discrete: bool = False  # type: ignore[misc]
    exact: bool = True  # type: ignore[misc]
    mixes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ClaimError(f"Custom: {self.function!r} is no function of a group, elements and tensors. Give one that acts.")

    @property
    def text(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Custom({self.name!r})"

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        y = self.function(group, g, x)
        if not isinstance(y, Tensor) or y.shape != x.shape:
            got = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else repr(y)
            raise ClaimError(f"{self} returned {got} for a tensor of shape {tuple(x.shape)}. Return one of the same shape.")
        return y.to(x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        def first_column(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
            return matrix_act(group.linear(g), x)

        return [(cls(first_column, name="by matrices", rank=1, mixes=(-1,)), O(3), (4, 3))]
