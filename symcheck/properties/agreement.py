"""Agreement of two computations: formats of one input, a model on a coarser grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from symcheck._tree import Args, Leaves
from symcheck.properties.base import Actions, Function, Model, Property
from symcheck.reps import Rep, Scalar

Convert = Callable[..., Any]


@dataclass(frozen=True)
class FormatInvariance(Property):
    """The same input in another format gives the same output: `f(convert(x)) = f(x)`.

    `convert` takes the model's arguments and returns those of the other format (an edge list as CSR, a mask as lengths, a
    dense adjacency), which are given to `model`, or to the claim's own where that takes both. It sees what the model sees: a
    batch or a single input. Trials are at transformed inputs, so that no order of edges is special.

    Usual ways to break it: self-loops added in one format only, an order of edges that is read.
    """

    convert: Convert
    model: Model | None = None

    name = "format invariance"
    statement = "f(convert(x)) = f(x)"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        moved = actions.on_inputs(g[0], x)
        return f.via(self._converted)(moved), f(moved)

    @property
    def held(self) -> tuple[Model, ...]:
        return () if self.model is None else (self.model,)

    def _converted(self, own: Model) -> Model:
        return _after(self.convert, own if self.model is None else self.model)


@dataclass(frozen=True)
class Coarsening(Property):
    """The model commutes with coarsening: `P f(x) = f'(P x)`, f' being the model on the coarser grid.

    `inputs` takes the model's arguments and returns the coarser ones; `outputs` coarsens what the model returns; `model` is
    f', by default the claim's own, which then must take both grids. Exact for convolutions and band-limited P; a nonlinear
    model is off by what it makes of the frequencies that P drops: claim it with a `tolerance`.
    Source: Bronstein et al. 2021, "Geometric deep learning", section 3.4 (scale separation).

    Usual ways to break it: pooling without a filter before it, pooling before the nonlinearity.
    """

    inputs: Convert
    outputs: Callable[[Any], Any]
    model: Model | None = None

    name = "coarsening"
    statement = "P f(x) = f'(P x)"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        moved = actions.on_inputs(g[0], x)
        return f.via(self._fine)(moved), f.via(self._coarse)(moved)

    def quantity(self, f: Function, actions: Actions, x: Leaves) -> Leaves:
        return f.via(self._fine)(x)

    def reps(self, actions: Actions, x: Leaves) -> tuple[Rep, ...]:
        """The claim's are those of the fine outputs; the group needn't act on coarse ones."""
        return tuple(Scalar() for _ in actions.outputs)

    @property
    def held(self) -> tuple[Model, ...]:
        return () if self.model is None else (self.model,)

    def _fine(self, own: Model) -> Model:
        return lambda *args, **kwargs: self.outputs(own(*args, **kwargs))

    def _coarse(self, own: Model) -> Model:
        return _after(self.inputs, own if self.model is None else self.model)


def _after(convert: Convert, model: Model) -> Model:
    def composed(*args: Any, **kwargs: Any) -> Any:
        new = Args.of(convert(*args, **kwargs))
        return model(*new.args, **new.kwargs)

    return composed
