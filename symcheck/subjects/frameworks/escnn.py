"""escnn and e2cnn: modules that say `in_type` and `out_type`, of which steerability under their group is claimed.

On a grid, quarter turns and reflections move samples to samples, and are claimed; by other angles of the group images are
interpolated, and what comes out is tried, with the error of the interpolation told apart. Grids have an odd number of samples,
so that a stride of 2 keeps the middle. Types act on channels by the library's own matrices, on places by symcheck.
Source: Weiler & Cesa 2019, "General E(2)-equivariant steerable CNNs", arXiv:1911.08251.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn

from symcheck.domains import Generated, Grid
from symcheck.groups import Cyclic, Dihedral, Group, Monoid
from symcheck.reps import Custom, Rep, Rotate, Scalar
from symcheck.reps.images import move
from symcheck.subjects.frameworks import convolutions
from symcheck.subjects.frameworks.base import Model, Reading, Said, Unreadable, answer, arguments, needed, packages
from symcheck.subjects.frameworks.convolutions import Stack

NAME = "escnn"
OTHER = "e2cnn"  # the library that it grew from
SIZES = (9, 17, 33, 29, 65)  # samples an axis: one more than a multiple of strides, and those of the libraries' examples
SMOOTH = 17  # samples an axis at the least where images are interpolated: what `Rotate.sample` draws is then a sample wide
FINE = 8  # rotations that stand for all where the group has them
UPRIGHT = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)  # from (x, y), y up, to (row, column), rows down
POINTWISE = ("nonlinearities", "batchnorm", "dropout", "reshuffle", "restriction", "disentangle", "identity", "normpool")
INTERPOLATED = "between quarter turns a grid is interpolated, and filters are sampled"


def mine(model: Any) -> bool:
    return isinstance(model, nn.Module) and bool(packages(model) & {NAME, OTHER})


def read(model: nn.Module) -> Reading:
    ins, outs = getattr(model, "in_type", None), getattr(model, "out_type", None)
    own = ins is not None and outs is not None
    if not own:
        ins = next((part.in_type for part in model.modules() if getattr(part, "in_type", None) is not None), None)
    if ins is None or not hasattr(ins, "gspace"):
        raise Unreadable(
            f"{type(model).__name__} has no in_type and holds nothing that has. Keep it: self.in_type = FieldType(...)"
        )
    if getattr(ins.gspace, "dimensionality", 2) != 2:
        raise Unreadable(f"its fields live in {ins.gspace.dimensionality} dimensions, and only images, on R2, are read")
    if len(needed(arguments(model))) != 1:
        raise Unreadable(f"it takes {', '.join(needed(arguments(model)))}. Only a network with one argument is read")
    call = partial(_on_tensors, type_=ins if own else None)
    grid, y = _taken(model, call, ins)
    said = f"in_type = {_words(ins)}" + (f", out_type = {_words(outs)}" if own else ", and no out_type")
    words = f"{said}; group {ins.gspace.fibergroup.name} on grids of {' x '.join(map(str, grid.size))}"
    return Reading(f"({sorted(packages(model) & {NAME, OTHER})[0]}) {words}", tuple(_said(model, ins, outs, call, grid, y)))


def _said(model: nn.Module, ins: Any, outs: Any, call: Callable[[Model], Model], grid: Grid, y: Tensor) -> Iterator[Said]:
    group, elements = _exact(ins)
    why = "" if outs is not None else "it says no out_type; invariance is what a classifier should have"
    fixed = Grid(grid.channels, grid.size, multiple=grid.size[0])
    if group.order > 1:
        inputs, outputs = _acting(ins, elements), _acting(outs, elements, y) if outs is not None else Scalar()
        yield Said(group, fixed, inputs, outputs, tried=why, call=call, name=f"{group}, {_name(ins)} -> {_name(outs)}")
    stack = _stack(model, Stack(2))
    if outs is not None and stack is not None and not stack.pooled and not stack.cyclic:
        yield convolutions.shifts(
            2, grid, stack.stride, False, call=lambda m: convolutions.inside(call(m), grid=grid, stack=stack)
        )
    finer = _finer(ins)
    if finer is not None:
        fine, elements = finer
        smooth = partial(_blobs, fine, (grid.channels, *(max(SMOOTH, size) for size in grid.size)))
        inputs = _acting(ins, elements, exact=False)
        outputs = _acting(outs, elements, y, exact=False) if outs is not None else Scalar()
        name = f"{fine}, interpolated, {_name(ins)} -> {_name(outs)}"
        yield Said(fine, Generated(smooth), inputs, outputs, tried=INTERPOLATED, call=call, name=name)


def _blobs(group: Monoid, shape: tuple[int, ...], n: int, rng: Generator) -> Tensor:
    return Rotate().sample(group, shape, n, rng)


def _on_tensors(model: Any, type_: Any) -> Model:
    """The model on plain tensors, which it may wrap itself; filters are made anew at each call, as its weights may change."""
    for part in model.modules():
        if hasattr(part, "basisexpansion") or hasattr(part, "_basisexpansion"):
            part.train()  # in evaluation mode it keeps the filter of the weights that it had

    def called(x: Tensor) -> Any:
        given = x if type_ is None else _wrapper(type_)(x, type_)
        y = model(given)
        return getattr(y, "tensor", y)

    return called


def _wrapper(type_: Any) -> Any:
    """GeometricTensor, of the library that a type is of."""
    import importlib

    return importlib.import_module(f"{type(type_).__module__.partition('.')[0]}.nn").GeometricTensor


def _taken(model: nn.Module, call: Callable[[Model], Model], ins: Any) -> tuple[Grid, Tensor]:
    """A grid that the model takes, and what it returns for two."""
    why = ""
    for size in SIZES:
        grid = Grid(int(ins.size), (size, size))
        try:
            y = answer(call(model), grid.sample(grid.layout, 2, Generator().manual_seed(0)))
        except (Unreadable, ValueError) as error:
            why = why or str(error)
            continue
        return grid, y
    raise Unreadable(f"no grid of {', '.join(map(str, SIZES))} samples an axis was found that it takes: {why}")


# The group: its elements by the matrices that move places.


def _exact(type_: Any) -> tuple[Group, dict[tuple[float, ...], Any]]:
    """The largest group of quarter turns and reflections within the type's, and the library's elements by their matrices."""
    known = _by_matrix(type_)
    for group in (Dihedral(4), Cyclic(4), Dihedral(2), Cyclic(2), Dihedral(1)):
        if all(_key(matrix) in known for matrix in group.linear(group.elements())):
            return group, known
    return Cyclic(1), known


def _finer(type_: Any) -> tuple[Group, dict[tuple[float, ...], Any]] | None:
    """Rotations of the group by other angles than quarter turns, or None if there are none."""
    known = _by_matrix(type_)
    order = type_.gspace.fibergroup.order()
    for count in dict.fromkeys((FINE, order if order > 0 else FINE, order // 2 if order > 0 else FINE)):
        group = Cyclic(count) if count > 2 else None
        if group is not None and 4 % count and all(_key(m) in known for m in group.linear(group.elements())):
            return group, known
    return None


def _by_matrix(type_: Any) -> dict[tuple[float, ...], Any]:
    return {_key(UPRIGHT @ matrix @ UPRIGHT.mT): element for element, matrix in _elements(type_.gspace)}


def _key(matrix: Tensor) -> tuple[float, ...]:
    """A matrix to six digits, as what elements are looked up by."""
    return tuple((1e6 * matrix).round().add(0.0).flatten().tolist())


def _elements(space: Any) -> Iterator[tuple[Any, Tensor]]:
    """The elements of the fibre group, at most a few of a continuous one, with what they do to (x, y)."""
    group = space.fibergroup
    if hasattr(space, "basespace_action"):  # escnn says it
        listed = group.elements if group.order() > 0 else group.testing_elements(4 * FINE)
        for element in listed:
            yield element, torch.as_tensor(space.basespace_action(element), dtype=torch.float64)
        return
    for element in group.elements if group.order() > 0 else _turns(space):
        yield element, _planar(space, element)


def _turns(space: Any) -> list[Any]:
    """Rotations of e2cnn's SO(2) and O(2), by their angles."""
    angles = [2 * torch.pi * k / FINE for k in range(FINE)]
    return [(f, a) for f in (0, 1) for a in angles] if "Flip" in type(space).__name__ else angles


def _planar(space: Any, element: Any) -> Tensor:
    """What an element of e2cnn's does to (x, y): its groups of the plane are known by the names of their spaces."""
    kind, order = type(space).__name__, space.fibergroup.order()
    axis = float(getattr(space, "axis", torch.pi / 2))
    if kind == "TrivialOnR2":
        return torch.eye(2, dtype=torch.float64)
    if kind == "Flip2dOnR2":
        return _mirror(axis) if element else torch.eye(2, dtype=torch.float64)
    flip, turn = element if isinstance(element, tuple) else (0, element)
    angle = float(turn) if order <= 0 else 2 * torch.pi * turn / (order // 2 if kind == "FlipRot2dOnR2" else order)
    rotation = _rotation(angle)
    return rotation @ _mirror(axis) if flip else rotation


def _rotation(angle: float) -> Tensor:
    turn = torch.tensor(angle, dtype=torch.float64)
    return torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()]).reshape(2, 2)


def _mirror(axis: float) -> Tensor:
    """The reflection that keeps the line at that angle."""
    return _rotation(2 * axis) @ torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))


# How a type acts.


def _acting(type_: Any, elements: dict[tuple[float, ...], Any], y: Tensor | None = None, *, exact: bool = True) -> Rep:
    """A field type as a rep: matrices on the channels, and the places moved; without places where y has none."""
    placed = y is None or y.ndim == 4

    def act(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        linear = group.linear(g)
        matrices = torch.stack([torch.as_tensor(type_.representation(elements[_key(m)])).double() for m in linear])
        moved = _moved(linear, x, exact) if placed else x
        mixed: Tensor = torch.einsum("nij,nj...->ni...", matrices.to(moved), moved)
        return mixed

    return Custom(act, name=_name(type_), rank=3 if placed else 1, exact=exact, mixes=(-3, -2, -1) if placed else (-1,))


def _moved(linear: Tensor, x: Tensor, exact: bool) -> Tensor:
    if exact:
        return move(linear.long(), torch.zeros_like(linear[..., 0]).long(), x)
    return Rotate("fourier").act(_AsMatrices(), linear, x)


class _AsMatrices(Cyclic):
    """Rotations that are given by their matrices."""

    def __init__(self) -> None:
        super().__init__(1)

    def linear(self, g: Tensor) -> Tensor:
        return g


def _name(type_: Any) -> str:
    """The reps of a type, such as "3 trivial + 4 regular"."""
    if type_ is None:
        return "scalar"
    counts = Counter(str(rep.name) for rep in type_.representations)
    return " + ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())


def _words(type_: Any) -> str:
    return _name(type_)


def _stack(model: Any, stack: Stack) -> Stack | None:
    """What a sequence of the library's layers does to places; None if one of them isn't known."""
    if type(model).__name__ == "SequentialModule":
        found: Stack | None = stack
        for layer in model.children():
            found = None if found is None else _stack(layer, found)
        return found
    place = type(model).__module__
    if type(model).__name__ == "R2Conv":
        return stack.filtered(model)
    pointwise = place.partition(".")[0] in (NAME, OTHER) and any(f".{word}" in place for word in POINTWISE)
    return stack if pointwise or type(model).__name__ in ("GroupPooling", "NormPool", "ReLU", "InnerBatchNorm") else None


__all__: Sequence[str] = ("NAME", "mine", "read")
