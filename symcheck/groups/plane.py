"""Plane groups of a periodic grid: its translations with quarter turns and reflections, as p4 and p4m."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from symcheck.errors import GroupError, did_you_mean, sized
from symcheck.groups.base import Group
from symcheck.groups.cyclic import Cyclic
from symcheck.groups.dihedral import Dihedral
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations
from symcheck.groups.semidirect import Semidirect, SemidirectProduct

if TYPE_CHECKING:
    from typing_extensions import Self

_POINT_GROUPS: dict[str, Cyclic | Dihedral] = {
    "p2": Cyclic(2),
    "p4": Cyclic(4),
    "pm": Dihedral(1),
    "pmm": Dihedral(2),
    "p4m": Dihedral(4),
}
_WITHOUT_TURNS = {"p4": "p2", "p4m": "pmm"}  # for grids whose rows and columns differ in number


@dataclass(frozen=True)
class PlaneGroup(Semidirect):
    """Z_N^2 ⋊ C_4 (p4), Z_N^2 ⋊ D_4 (p4m), and their subgroups by half turns and mirrors (p2, pm, pmm).

    (v, r) moves what is at place p = (row, column) to `linear(r) p + v`, cyclically; `(n, 3)` or `(n, 4)`, int64, v first.
    Since `linear` turns (row, column), a positive angle is anticlockwise on an image whose rows go down, and the mirror
    diag(1, -1) exchanges left and right. The origin is the reps' affair: `Image` puts it in the middle of the grid.
    The notation is that of crystallography; p4 and p4m need a square grid.

    >>> str(PlaneGroup("p4")), PlaneGroup("p4m", (8, 8)).order
    ('p4', 512)
    """

    name: str
    size: tuple[int | None, int | None] = (None, None)

    notation = ("p4", "p4m", "p2", "pm", "pmm", "p4(8)", "pmm(8, 6)")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.name not in _POINT_GROUPS:
            raise GroupError(f"there is no plane group {self.name!r} of a grid; {did_you_mean(self.name, _POINT_GROUPS)}")
        if any(size is not None and size < 1 for size in self.size) or len(self.size) != 2:
            raise GroupError(f"{self} moves nothing. Give one size of 1 or more for each of the 2 axes, as in 'p4(8)'.")
        if self.name in _WITHOUT_TURNS and None not in self.size and len(set(self.size)) > 1:
            sizes, instead = " x ".join(map(str, self.size)), _WITHOUT_TURNS[self.name]
            raise GroupError(
                f"{self.name} turns rows into columns; a grid of {sizes} isn't square. Make it square, or use '{instead}'."
            )

    def __str__(self) -> str:
        sizes = ", ".join("N" if size is None else str(size) for size in dict.fromkeys(self.size))
        return self.name if set(self.size) == {None} else f"{self.name}({sizes})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(rf"({'|'.join(_POINT_GROUPS)})(?:\((\d+)(?:, ?(\d+))?\))?", text)
        if match is None:
            return None
        return cls(match[1], (int(match[2]), int(match[3] or match[2])) if match[2] else (None, None))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        squares = [cls(name, (size, size)) for name, size in (("p4", 1), ("p4", 5), ("p4m", 4), ("p2", 4), ("pm", 3))]
        return [*squares, cls("pmm", (4, 3))]

    def bind(self, sizes: Mapping[str, int]) -> PlaneGroup:
        rows, columns = (sizes.get(f"grid{axis}", size) for axis, size in enumerate(self.size))
        if rows is None or columns is None:
            raise GroupError(
                f"{self} needs the number of samples along each of its 2 axes, and no rep says them. "
                f"Give an input the rep Image(), or name the size, as in '{self.name}(8)'."
            )
        if 0 in (rows, columns):
            raise GroupError(f"{self} moves an empty grid. Use an example with at least one sample along each axis.")
        if any(mine not in (None, theirs) for mine, theirs in zip(self.size, (rows, columns), strict=True)):
            raise GroupError(
                f"{self} moves a grid of {self.size}; the tensors have {(rows, columns)}. Use '{self.name}' to follow them."
            )
        return PlaneGroup(self.name, (rows, columns))

    @property
    def grid(self) -> tuple[int, ...]:
        rows, columns = self.size
        if rows is None or columns is None:
            raise GroupError(f"{self} isn't bound to a size yet. Use '{self.name}(8)', or bind({{'grid0': 8, 'grid1': 8}}).")
        return (rows, columns)

    @property
    def normal(self) -> Group:
        return Translations(self.grid)

    @property
    def acting(self) -> Group:
        return _POINT_GROUPS[self.name]

    def moved(self, h: Tensor, a: Tensor) -> Tensor:
        turned = (self.acting.linear(h).long() @ a.unsqueeze(-1)).squeeze(-1)
        return turned % torch.tensor(self.grid)

    def restricted(self, inclusion: Homomorphism) -> Semidirect | None:
        names = {group: name for name, group in _POINT_GROUPS.items()}
        name = names.get(inclusion.source)  # type: ignore[call-overload] # looking up another kind finds nothing
        if name is not None and inclusion.name and isinstance(inclusion.source, Dihedral):  # of other lines than the name's
            return SemidirectProduct(self.normal, inclusion.source, lambda k, a: self.moved(inclusion(k), a))
        return None if name is None else PlaneGroup(name, self.size)

    def thinned(self, inclusion: Homomorphism) -> Semidirect | None:
        """The same with coarser shifts, alike along both axes."""
        coarse = inclusion.source
        alike = isinstance(coarse, Translations) and len(coarse.grid) == len(self.grid)
        return PlaneGroup(self.name, (coarse.grid[0], coarse.grid[1])) if alike else None

    def shift(self, g: Tensor) -> Tensor:
        """The step v. That of a product is no sum: shift(gh) = shift(g) + linear(g) shift(h), cyclically."""
        return self.unpack(g)[0]
