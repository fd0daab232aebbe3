"""torch.nn's convolutions: shifts, by as much as strides allow, and of the whole grid only where the padding moves along.

A convolution commutes with shifts of what it sees. With zeros around it, it sees a border that stays: then the claim is about
the signal away from its border. It is made exact by giving the model the signal continued cyclically on all sides, and cutting
off what the border may have reached. Strides leave the shifts by their multiples.
Source: Bronstein et al. 2021, "Geometric deep learning", section 5.1; Azulay & Weiss 2019, arXiv:1805.12177.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Generator, Tensor, nn

from symcheck.domains import Grid
from symcheck.groups import Monoid, Translations
from symcheck.reps import Rep, Roll, Scalar
from symcheck.subjects.frameworks.base import Model, Reading, Said, Unreadable, answer, arguments, needed, sizes

_M = nn.modules
LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
POOLS = (_M.pooling._MaxPoolNd, _M.pooling._AvgPoolNd)
GLOBAL = (_M.pooling._AdaptiveAvgPoolNd, _M.pooling._AdaptiveMaxPoolNd)
STATISTICS = (_M.instancenorm._InstanceNorm, nn.GroupNorm)  # over the whole grid
POINTWISE = (_M.batchnorm._BatchNorm, _M.dropout._DropoutNd, nn.Identity)
Call = Callable[[Model], Model]
LEAST = {1: 16, 2: 8, 3: 4}  # samples an axis, at the least
INPUTS = ("in_channels", "num_features")


@dataclass(frozen=True)
class Stack:
    """What a run of layers does to places: its stride, how many outputs at a side its border reaches, how it pads.

    `reach` counts outputs. `pooled` is whether one number is left for the whole grid.
    """

    axes: int
    stride: int = 1
    reach: int = 0
    modes: tuple[str, ...] = ()
    statistics: bool = False
    pooled: bool = False

    def through(self, layer: nn.Module) -> Stack | None:
        """The stack with one more layer, or None if the layer isn't known to commute with shifts."""
        if isinstance(layer, (*LAYERS, *POOLS)) and not self.pooled:
            return self.filtered(layer)
        if isinstance(layer, GLOBAL) and _ones(layer.output_size):
            return _replaced(self, pooled=True)
        if isinstance(layer, STATISTICS):
            return _replaced(self, statistics=True)
        after = self.pooled and isinstance(layer, (nn.Linear, nn.Flatten, nn.LayerNorm))
        activation = type(layer).__module__ == _M.activation.__name__ and not isinstance(layer, nn.MultiheadAttention)
        return self if after or activation or isinstance(layer, POINTWISE) else None

    def filtered(self, layer: Any) -> Stack | None:
        kernel, stride, padding = (_same(getattr(layer, key)) for key in ("kernel_size", "stride", "padding"))
        dilation = _same(getattr(layer, "dilation", 1))
        if kernel is None or stride is None or dilation is None or getattr(layer, "transposed", False):
            return None
        padding = (kernel - 1) * dilation // 2 if layer.padding == "same" else 0 if layer.padding == "valid" else padding
        if padding is None:
            return None
        mode = getattr(layer, "padding_mode", "zeros") if padding else "none" if kernel > 1 or stride > 1 else ""
        if mode == "circular" and 2 * padding != (kernel - 1) * dilation:
            mode = "circular, of another width"
        mode = "none" if mode == "none" and kernel != stride else "" if mode == "none" else mode
        reach = -(-(self.reach + padding) // stride) + ((kernel - 1) * dilation - padding) // stride
        modes = self.modes if not mode or mode in self.modes else (*self.modes, mode)
        return _replaced(self, stride=self.stride * stride, reach=reach, modes=modes)

    @property
    def cyclic(self) -> bool:
        """Whether what it pads moves along with the grid."""
        return set(self.modes) <= {"circular"}


def _replaced(stack: Stack, **changes: Any) -> Stack:
    return Stack(**{**{name: getattr(stack, name) for name in stack.__dataclass_fields__}, **changes})


def _same(value: Any) -> int | None:
    """One number for all axes, None if they differ."""
    several = set(value) if isinstance(value, tuple) else {value}
    only = several.pop() if len(several) == 1 else None
    return only if isinstance(only, int) else None


def _ones(size: Any) -> bool:
    return set(size if isinstance(size, tuple) else (size,)) == {1}


def read(model: nn.Module) -> Reading:
    axes = next(LAYERS.index(kind) + 1 for part in model.modules() for kind in LAYERS if isinstance(part, kind))
    stack = _stack(model, Stack(axes))
    stride = stack.stride if stack is not None else _strides(model)
    samples = [stride * -(-size // stride) for size in _sizes(axes, stride)]
    grid, y = _taken(model, axes, [*samples, *(size for size in PROBED[axes] if size % stride == 0)])
    made = " in ".join(dict.fromkeys([f"Conv{axes}d", type(model).__name__]))
    if stack is None:
        words = f"{made}, of which not all layers are known; strides of {stride} in all"
        return Reading(words, tuple(_around(axes, grid, stride, y)))
    padding = " and ".join(stack.modes) or "none"
    words = f"{made}, padding {padding}, strides of {stride} in all{', pooled over the grid' if stack.pooled else ''}"
    return Reading(words, tuple(_of_stack(stack, grid, y)))


def _sizes(axes: int, stride: int) -> list[int]:
    """Samples an axis: a few shifts by multiples of the stride, then more, which unpadded layers need."""
    least = max((4 if stride <= FINE else 2) * stride, LEAST[axes])
    return [least << k for k in range(4)]


FINE = 8  # strides beyond it make grids so large that two of them are enough


def _of_stack(stack: Stack, grid: Grid, y: Tensor) -> Iterator[Said]:
    """The claims of a stack of known layers."""
    if stack.cyclic:
        yield shifts(stack.axes, grid, stack.stride, stack.pooled)
    elif not stack.pooled and not stack.statistics:
        yield shifts(stack.axes, grid, stack.stride, False, call=partial(inside, grid=grid, stack=stack))
    if not stack.cyclic and (stack.pooled or _whole(grid, stack.stride, y)):
        padding = " and ".join(stack.modes)
        why = f"its padding ({padding}) doesn't move with the grid, and shows at the border"
        yield shifts(stack.axes, grid, stack.stride, stack.pooled, why=why)
    if stack.stride > 1 and stack.pooled:
        yield shifts(stack.axes, grid, 1, True, why=_STRIDES)


def _whole(grid: Grid, stride: int, y: Tensor) -> bool:
    """Whether an output has one sample for each stride of the grid."""
    return tuple(size * stride for size in y.shape[2:]) == grid.size


_STRIDES = "strides drop samples, and which they drop depends on the shift"


def _around(axes: int, grid: Grid, stride: int, y: Tensor) -> Iterator[Said]:
    """What is tried of a module that holds convolutions."""
    why = "it holds convolutions, which commute with shifts, and what stands around them may not"
    pooled = y.ndim < axes + 2
    steps = dict.fromkeys((stride, 1)) if pooled else (stride,)
    if not pooled and not _whole(grid, stride, y):
        raise Unreadable(f"its output is a grid of {tuple(y.shape[2:])} for one of {grid.size} and strides of {stride}")
    for step in steps:
        yield shifts(axes, grid, step, pooled, why=why if step == stride else _STRIDES)


def shifts(axes: int, grid: Grid, step: int, pooled: bool, *, why: str = "", call: Call | None = None) -> Said:
    """Shifts by multiples of `step` samples, of a grid or, with `call`, away from its border."""
    along = tuple(range(-axes, 0))
    output: Rep = Scalar() if pooled else Roll(along)
    group: Monoid = Translations((None,) * axes if step == 1 else tuple(n // step for n in grid.size))
    words = [f"shifts by multiples of {step}"] * (step > 1) + ["away from the border"] * (call is not None)
    name = f"{', '.join([str(group), *words])} -> {'scalar' if pooled else 'roll'}"
    fixed = Grid(grid.channels, grid.size, multiple=grid.size[0])
    return Said(group, fixed, Roll(along, step), output, tried=why, name=name if words else "", call=call)


def inside(model: Model, grid: Grid, stack: Stack) -> Model:
    """The model on a signal that goes on cyclically on all sides, with what the border may have reached cut off again."""

    def called(x: Tensor) -> Tensor:
        wanted = [size // stack.stride for size in grid.size]
        for margin in range(stack.reach, stack.reach + 2 * MARGINS):
            y: Tensor = model(_continued(x, margin * stack.stride, stack.axes))
            over = [have - want for have, want in zip(y.shape[2:], wanted, strict=True)]
            if all(more >= 2 * stack.reach for more in over):
                return _cut(y, [more // 2 for more in over], wanted)
        raise ValueError(f"no margin leaves {wanted} outputs that the border doesn't reach")

    return called


MARGINS = 8  # margins that are tried beyond the reach of the border: unpadded layers lose some more


def _continued(x: Tensor, margin: int, axes: int) -> Tensor:
    for axis in range(-axes, 0):
        size = x.shape[axis]
        x = x.index_select(axis, torch.arange(-margin, size + margin, device=x.device) % size)
    return x


def _cut(y: Tensor, starts: Sequence[int], wanted: Sequence[int]) -> Tensor:
    for axis, (start, size) in enumerate(zip(starts, wanted, strict=True), start=2):
        y = y.narrow(axis, start, size)
    return y


def _stack(model: nn.Module, stack: Stack) -> Stack | None:
    """The stack with a layer or a sequence of layers, None if one of them isn't known."""
    if type(model) is not nn.Sequential:
        return stack.through(model)
    found: Stack | None = stack
    for layer in model:
        found = None if found is None else _stack(layer, found)
    return found


def _strides(model: nn.Module) -> int:
    """The strides of a module's layers by the sizes of what goes through them: branches of one size are counted once.

    What a module pads itself before a layer is larger than what came out before, by less than the layer's filter is wide.
    """
    axes = next(LAYERS.index(kind) + 1 for part in model.modules() for kind in LAYERS if isinstance(part, kind))
    jump: dict[int, int] = {}
    hooks = []

    def seen(layer: Any, inputs: tuple[Any, ...], output: Any) -> None:
        stride = _same(getattr(layer, "stride", 1)) or 1
        before, after = int(inputs[0].shape[-1]), int(output.shape[-1])
        wide = (_same(layer.kernel_size) or 1) * (_same(getattr(layer, "dilation", 1)) or 1)
        jump.setdefault(before, next((jump[size] for size in range(before, before - wide, -1) if size in jump), 1))
        jump.setdefault(after, jump[before] * stride)

    for part in model.modules():
        if isinstance(part, (*LAYERS, *POOLS)):
            hooks.append(part.register_forward_hook(seen))
    try:
        _taken(model, axes, PROBED[axes])
    finally:
        for hook in hooks:
            hook.remove()
    return max(jump.values(), default=1)


PROBED = {1: (256,), 2: (64, 32, 28), 3: (32,)}
"""Samples an axis: as many as the usual strides need, and as the usual images have."""


def _taken(model: nn.Module, axes: int, samples: Sequence[int]) -> tuple[Grid, Tensor]:
    """A grid of one of those sizes that a model takes, and what it returns for two."""
    names, why = needed(arguments(model)), ""
    if len(names) != 1:
        raise Unreadable(f"it takes {', '.join(names) or 'nothing'}. Only a network with one argument, the grid, is read")
    for size, channels in product(samples, sizes(model, INPUTS)):
        grid = Grid(channels, (size,) * axes)
        try:
            y = answer(model, grid.sample(grid.layout, 2, Generator().manual_seed(0)))
        except (Unreadable, ValueError) as error:
            why = why or str(error)
            continue
        return grid, y
    raise Unreadable(f"no grid of {', '.join(map(str, samples))} samples an axis was found that it takes: {why}")
