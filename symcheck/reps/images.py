"""Images under planar groups: quarter turns, reflections and cyclic shifts, exactly; other angles and shifts by interpolation.

Places are (row, column), and the group's linear part turns them about the middle of the image: (g f)(p) = f(g⁻¹ p). A positive
angle is anticlockwise as images are shown, rows going down, as it is for `torch.rot90`; diag(1, -1) exchanges left and right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError, did_you_mean
from symcheck.groups import SE, SO, Cyclic, Dihedral, Monoid, O, PeriodicShifts, PlaneGroup, SignFlips, Translations
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.cartesian import is_orthogonal
from symcheck.reps.moves import OnGrid, Roll

Interpolation = Literal["bilinear", "bicubic", "fourier"]
KINDS: tuple[Interpolation, ...] = ("bilinear", "bicubic", "fourier")


@dataclass(frozen=True)
class Image(OnGrid):
    """Two axes, by default the last, are the rows and columns of an image, whose samples are moved: nothing is interpolated.

    For groups of quarter turns and reflections, about the middle of the image, and of cyclic shifts: C_4, D_4, D_1, p4, p4m,
    Z_N^2. A group that turns by a quarter needs a square image; other angles need `Rotate`. A field of vectors
    `(rows, columns, 2)`, with components along the rows' axis and the columns', is `Image(axes=(-3, -2)) * Vector()`.

    >>> x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    >>> Image().act(Cyclic(4), torch.tensor([[1]]), x)
    tensor([[[2., 4.],
             [1., 3.]]])
    """

    axes: tuple[int, int] = (-2, -1)

    name = "image"
    discrete = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.axes) != 2:
            raise ClaimError(f"{self}: an image has 2 axes, its rows and its columns. For others use Roll(axes=...).")

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return Roll(self.axes).sizes(shape)

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        return Roll(self.axes).patterns(shape)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        matrix, step = motion(group, g)
        return move(matrix.long(), step.long(), x, self.axes)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return _immovable(self, group, shape, self.axes)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        square: list[Monoid] = [Cyclic(4), Dihedral(4), PlaneGroup("p4", (4, 4)), PlaneGroup("p4m", (4, 4))]
        oblong: list[Monoid] = [Dihedral(1), SignFlips(2), PlaneGroup("pmm", (3, 4)), Translations((3, 4))]
        odd = [(cls(), PlaneGroup("p4m", (5, 5)), (5, 5)), (cls(axes=(-1, -3)), PlaneGroup("p4m", (3, 3)), (3, 2, 3))]
        return [*((cls(), group, (2, 4, 4)) for group in square), *((cls(), group, (3, 4)) for group in oblong), *odd]


@dataclass(frozen=True)
class RegularImage(Rep):
    """Feature maps of a group CNN: the last three axes are orientation, row and column; (g f)(h, p) = f(g⁻¹ h, g⁻¹ p).

    There is one orientation h for each linear part that the group has: 4 under C_4 and p4, 8 under D_4 and p4m. They are in
    the order of `elements()` of C_4 and D_4: rotations by 0, 90, 180 and 270 deg, then the same of the mirror diag(1, -1).
    (Cohen & Welling 2016, arXiv:1602.07576.)
    """

    name = "regular_image"
    discrete = True

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "image"

    @property
    def rank(self) -> int:
        return 3

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-3, -2, -1)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return Roll().sizes(shape)

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        return Roll().patterns(shape)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        matrix, step = motion(group, g)
        known = _orientations(group)
        turned = matrix.unsqueeze(1) @ known  # (n, orientations, 2, 2): g h
        place = (turned.unsqueeze(2) == known).flatten(3).all(-1).long().argmax(-1)
        source = place.argsort(-1).to(x.device).reshape(len(g), *(1,) * (x.ndim - 4), -1, 1, 1)
        return move(matrix.long(), step.long(), x.gather(-3, source.expand(x.shape)))

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        reason = _immovable(self, group, shape)
        if reason is None and shape[-3] != len(_orientations(group)):
            return f"{self} under {group} has {len(_orientations(group))} orientations along axis -3"
        return reason

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), PlaneGroup("p4", (4, 4)), (2, 4, 4, 4)),
            (cls(), PlaneGroup("p4m", (3, 3)), (8, 3, 3)),
            (cls(), PlaneGroup("pmm", (3, 4)), (4, 3, 4)),
            (cls(), Dihedral(4), (8, 4, 4)),
            (cls(), Cyclic(2), (2, 4, 3)),
        ]


@dataclass(frozen=True)
class Rotate(Rep):
    """Rotates, reflects and moves an image by interpolation: for SO(2), O(2), SE(2), C_n and the like, at any angle.

    Steps are in samples. Only quarter turns and reflections of a square image are exact: for other angles acting twice isn't
    acting by the product. By how much it isn't depends on the image; a check measures it, and counts it as noise. A Gaussian of
    standard deviation s samples comes out with an error of about 0.12 / s² of its norm by "bilinear", of 0.03 / s³ by "bicubic"
    (Keys 1981), and by "fourier" (three shears by Fourier phases; Unser, Thévenaz & Yaroslavsky 1995) of 1e-5 at s = 1.5 and
    of rounding from 2.5 on.

    The first two see zeros outside of the image; "fourier" continues it periodically. Only what lies within the inscribed disc
    comes back: give images that are smooth and vanish outside of `disc`.
    """

    interpolation: Interpolation = "bicubic"

    name = "rotate"
    exact = False

    def __post_init__(self) -> None:
        if self.interpolation not in KINDS:
            raise ClaimError(f"there is no interpolation {self.interpolation!r}; {did_you_mean(self.interpolation, KINDS)}")

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "image"

    @property
    def rank(self) -> int:
        return 2

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-2, -1)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return Roll().sizes(shape)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        matrix, step = motion(group, g)
        if self.interpolation == "fourier":
            return _sheared(matrix, step, x)
        return _interpolated(matrix, step, x, self.interpolation)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            matrix, _ = motion(group, group.identity(1))
            fits = matrix.shape[-1] == 2 and is_orthogonal(group)
        except GroupError as error:
            return f"{self}: {error}"
        if not fits:
            return f"{self} is defined for rotations and reflections of the plane, not for {group}"
        if self.interpolation == "fourier" and shape[-1] != shape[-2]:
            return f"{self} turns rows into columns, and needs a square image. Make it square, or use 'bicubic'"
        return None

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        """Smooth images that vanish at their borders: a blob a sixteenth of the image wide, within an eighth of its middle."""
        height, width = shape[-2:]
        strength, row, column = torch.rand(3, n, *shape[:-2], 1, generator=rng, dtype=torch.float64) - 0.5
        rows, columns = (
            torch.exp(-128 * (_from_middle(size) / size - place / 4).square())
            for size, place in ((height, row), (width, column))
        )
        blobs: Tensor = strength.unsqueeze(-1) * rows.unsqueeze(-1) * columns.unsqueeze(-2)
        return blobs

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        groups: list[Monoid] = [SO(2), O(2), SE(2), Cyclic(12)]
        return [(cls(kind), group, (2, 33, 33)) for kind in KINDS for group in groups]


@dataclass(frozen=True)
class FourierShift(OnGrid):
    """Shifts a periodic signal along its axes by fractions of a sample: at frequency k, by the phase exp(-2πi k v / N).

    What a band-limited signal would show at the shifted samples, exactly. For an even N, half of the signals at the fastest
    frequency N / 2 lie between the samples, so that no shift of it is known; it is left where it is, so that the laws of a
    rep hold for every tensor. Give inputs without it; an output that has it shows as a violation unless it is invariant.
    """

    name = "fourier_shift"

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return Roll(self.axes).sizes(shape)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        for step, axis in zip(group.shift(g).double().unbind(-1), self.axes, strict=True):
            x = _shifted(x, step.reshape(-1, *(1,) * (x.ndim - 1)), axis, moves_fastest=False)
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            size = group.grid
            group.shift(group.identity(1))
        except GroupError as error:
            return f"{self}: {error}"
        if size != tuple(shape[axis] for axis in self.axes):
            return f"{self} under {group} shifts {len(size)} axes of sizes {size}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(), PeriodicShifts((5, 7)), (2, 5, 7)),
            (cls(), PeriodicShifts((4, 6)), (4, 6)),
            (cls(axes=(-2,)), PeriodicShifts((5,)), (5, 3)),
            (cls(axes=(-1,)), Translations((5,)), (2, 5)),
        ]


def disc(height: int, width: int) -> Tensor:
    """1 inside of the disc that the image holds, 0 outside: `(height, width)`, float64. Rotations about the middle keep it."""
    row, column = torch.meshgrid(_from_middle(height), _from_middle(width), indexing="ij")
    return (row.square() + column.square() <= (min(height, width) / 2) ** 2).double()


def _from_middle(size: int) -> Tensor:
    return torch.arange(size, dtype=torch.float64) - (size - 1) / 2


def motion(group: Monoid, g: Tensor) -> tuple[Tensor, Tensor]:
    """The linear part `(n, 2, 2)` and the step `(n, 2)` by which elements move places: p goes to `linear p + step`.

    A group that has only one of them has the other trivial; one that has neither raises GroupError.
    """
    try:
        step: Tensor | None = group.shift(g).double()
    except GroupError:
        step = None
    try:
        matrix = group.linear(g)
    except GroupError:
        if step is None:
            raise
        matrix = torch.eye(step.shape[-1], dtype=torch.float64).expand(len(g), -1, -1)
    return matrix, group.translation(g) if step is None else step


def move(matrix: Tensor, step: Tensor, x: Tensor, axes: tuple[int, int] = (-2, -1)) -> Tensor:
    """Moves samples from place p to `matrix p + step` about the middle, cyclically: integer `(n, 2, 2)` and `(n, 2)`.

    `matrix` is a signed permutation: rows and columns are exchanged or not, and then each axis is reversed or not, and shifted.
    """
    swapped, sign = matrix[:, 0, 1] != 0, matrix.sum(-1)
    if bool(swapped.any()):
        x = torch.where(swapped.to(x.device).reshape(-1, *(1,) * (x.ndim - 1)), x.transpose(*axes), x)
    for i, axis in enumerate(axes):
        size = x.shape[axis]
        from_middle = 2 * (torch.arange(size) - step[:, i : i + 1]) - size + 1  # in halves of a sample, to be whole numbers
        source = ((sign[:, i : i + 1] * from_middle + size - 1) // 2 % size).to(x.device)
        ones = [1] * x.ndim
        ones[0], ones[axis] = source.shape
        x = x.gather(axis, source.reshape(ones).expand(x.shape))
    return x


def _immovable(rep: Rep, group: Monoid, shape: Shape, axes: tuple[int, int] = (-2, -1)) -> str | None:
    """Why a group can't move the samples of an image without interpolation, in words, or None."""
    try:
        finite = group.order > 0
    except GroupError:
        finite = False
    try:
        matrix, _ = motion(group, group.generators() if finite else group.landmarks())
    except GroupError as error:
        return f"{rep}: {error}"
    if matrix.shape[-1] != 2:
        return f"{rep} acts on the 2 axes of an image, not on the {matrix.shape[-1]} dimensions of {group}"
    if not finite or bool((matrix != matrix.round()).any()):
        other = "Rotate()" if bool((matrix != torch.eye(2)).any()) else "FourierShift()"
        return f"{rep} moves samples to places of samples, and {group} moves some between them. Use {other}"
    size = tuple(shape[axis] for axis in axes)
    if bool(matrix[:, 0, 1].any()) and size[0] != size[1]:
        return f"{rep} under {group} turns rows into columns, and needs a square image"
    try:
        grid = group.grid
    except GroupError:
        return None
    return None if grid == size else f"{rep} under {group} acts on an image of size {grid}"


def _orientations(group: Monoid) -> Tensor:
    """The linear parts that a group has, of the eight of D_4 and in their order: `(orientations, 2, 2)`."""
    square = Dihedral(4)
    known, reached = square.linear(square.elements()), torch.eye(2, dtype=torch.float64).unsqueeze(0)
    steps, _ = motion(group, group.generators())
    for _ in range(3):  # three steps along the generators of D_4, doubled each time, reach all of it
        further = (steps.unsqueeze(1) @ reached).flatten(0, 1)
        reached = torch.cat([reached, further, (further.unsqueeze(1) @ reached).flatten(0, 1)])
        present = (known.unsqueeze(1) == reached).flatten(2).all(-1).any(-1)
        reached = known[present]
    return reached


def _interpolated(matrix: Tensor, step: Tensor, x: Tensor, kind: Interpolation) -> Tensor:
    """Weighted sums of the samples around where each place comes from; zeros outside of the image."""
    height, width = x.shape[-2:]
    size = torch.tensor([height, width], device=x.device)
    matrix, step = matrix.to(x.device), step.to(x.device)
    place = torch.cartesian_prod(_from_middle(height), _from_middle(width)).to(x.device)
    source = (place - step.unsqueeze(1)) @ matrix + (size - 1) / 2  # (n, places, 2), by the inverse, which is the transpose
    taps = torch.arange(2, device=x.device) if kind == "bilinear" else torch.arange(-1, 3, device=x.device)
    near = source.floor().unsqueeze(-1) + taps  # (n, places, 2, taps)
    inside = (near >= 0) & (near < size.unsqueeze(-1))
    weight = _KERNELS[kind]((source.unsqueeze(-1) - near).abs()) * inside
    index = near.long().clamp_min(0).minimum(size.unsqueeze(-1) - 1)
    ones, flat = (len(x), *(1,) * (x.ndim - 3), -1), x.flatten(-2)
    y = torch.zeros_like(flat)
    for i in range(len(taps)):
        for j in range(len(taps)):
            at = (index[..., 0, i] * width + index[..., 1, j]).reshape(ones)
            both = (weight[..., 0, i] * weight[..., 1, j]).to(x.dtype).reshape(ones)
            y = y + both * flat.gather(-1, at.expand(flat.shape))
    return y.reshape(x.shape)


def _cubic(d: Tensor) -> Tensor:
    """The cubic convolution kernel with a = -1/2, which has third order (Keys 1981), for distances up to 2."""
    return torch.where(d < 1, (1.5 * d - 2.5) * d * d + 1, ((2.5 - 0.5 * d) * d - 4) * d + 2)


_KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"bilinear": lambda d: 1 - d, "bicubic": _cubic}


def _sheared(matrix: Tensor, step: Tensor, x: Tensor) -> Tensor:
    """A reflection if there is one, the nearest quarter turns, what is left of the angle by three shears, and the step."""
    mirrored = torch.linalg.det(matrix) < 0
    angle = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])
    quarters = (angle / (math.pi / 2)).round()
    rest = (angle - quarters * (math.pi / 2)).to(x.device)
    exact = Dihedral(4).linear(torch.stack([quarters.long() % 4, mirrored.long()], -1)).long()
    x = move(exact, torch.zeros_like(exact[..., 0]), x)
    ones = (len(x), *(1,) * (x.ndim - 1))
    slope, sine = -(rest / 2).tan().reshape(ones), rest.sin().reshape(ones)
    row, column = _from_middle(x.shape[-2]).to(x.device).unsqueeze(-1), _from_middle(x.shape[-1]).to(x.device)
    for factor, across, axis in ((slope, column, -2), (sine, row, -1), (slope, column, -2)):
        x = _shifted(x, factor * across, axis)
    for axis, part in zip((-2, -1), step.to(x.device).unbind(-1), strict=True):
        x = _shifted(x, part.reshape(ones), axis)
    return x


def _shifted(x: Tensor, step: Tensor, axis: int, moves_fastest: bool = True) -> Tensor:
    """A periodic signal shifted along an axis by so many samples, `step` being broadcast against it.

    The fastest frequency N / 2 of an even N keeps its part on the samples, a factor of cos(π v), or isn't moved.
    """
    size = x.shape[axis]
    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # there is no Fourier transform in half precision
    ones = [1] * x.ndim
    ones[axis] = size
    frequency = torch.fft.fftfreq(size, 1 / size, dtype=torch.float64, device=x.device).reshape(ones)
    angle = 2 * math.pi * (frequency * step.to(x.device) % size) / size
    factor = torch.complex(angle.cos(), -angle.sin())
    fastest = 2 * frequency.abs() == size
    factor = torch.where(fastest, factor.real.to(factor.dtype) if moves_fastest else torch.ones_like(factor), factor)
    spectrum = torch.fft.fft(wide, dim=axis)
    y: Tensor = torch.fft.ifft(spectrum * factor.to(spectrum.dtype), dim=axis)
    return (y if x.is_complex() else y.real).to(x.dtype)
