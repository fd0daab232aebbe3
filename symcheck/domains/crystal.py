"""Crystals: atoms in a cell that repeats in all directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck._tree import flatten
from symcheck.domains.base import Domain, Layout, complexity_of_numbers, simpler_numbers
from symcheck.errors import DomainError, sized

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# Primitive cells of one atom, rows, in units of the distance between neighbours.
CUBIC = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
BODY_CENTRED = tuple(tuple(entry / 3**0.5 for entry in row) for row in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)))
FACE_CENTRED = tuple(tuple(entry / 2**0.5 for entry in row) for row in ((0, 1, 1), (1, 0, 1), (1, 1, 0)))
HEXAGONAL = ((1.0, 0.0, 0.0), (-0.5, 0.75**0.5, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Crystal(Domain):
    """Periodic structures: positions `(n, atoms, 3)`, the cell `(n, 3, 3)`, and species `(n, atoms)`, int64.

    The cell's rows are lattice vectors: an atom at r stands at `r + k @ cell` too, for every k of three whole numbers.
    Positions are uniform in the cell. Cells are right-handed, and each entry differs by up to a fifth of the edge from that of
    a cube with `spacing ** 3` for each atom. Species are drawn from those given, atomic numbers perhaps.

    >>> positions, cell, species = Crystal(atoms=5).sample({"atoms": 5}, 2, torch.Generator())
    >>> positions.shape, cell.shape, species.dtype
    (torch.Size([2, 5, 3]), torch.Size([2, 3, 3]), torch.int64)
    """

    atoms: int = 6
    species: tuple[int, ...] = (0, 1, 2)
    spacing: float = 1.0

    def __post_init__(self) -> None:
        sized(self, DomainError)
        if self.atoms < 1 or not self.species:
            raise DomainError(f"{self} is empty. Give at least 1 atom and 1 species.")
        if not 0 < self.spacing < float("inf"):
            raise DomainError(f"{self}: the spacing is a length, positive and finite, in the units of the model.")

    @property
    def layout(self) -> Layout:
        return {"atoms": self.atoms}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(1, max(self.atoms, 2)).map(lambda atoms: {"atoms": atoms})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {"a single atom": {"atoms": 1}, "two atoms": {"atoms": 2}}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        atoms = layout["atoms"]
        within = torch.rand(n, atoms, 3, generator=rng, dtype=torch.float64)
        strain = 0.4 * (torch.rand(n, 3, 3, generator=rng, dtype=torch.float64) - 0.5)  # rows sum to < 1: the cell stays one
        cell = self.spacing * atoms ** (1 / 3) * (torch.eye(3, dtype=torch.float64) + strain)
        chosen = torch.randint(len(self.species), (n, atoms), generator=rng)
        return within @ cell, cell, torch.tensor(self.species)[chosen]

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """Lattices with one atom a primitive cell: the cell is that, repeated along its first row for each atom."""
        lattices = {
            "simple cubic": CUBIC,
            "body-centred cubic": BODY_CENTRED,
            "face-centred cubic": FACE_CENTRED,
            "hexagonal": HEXAGONAL,
        }
        found = {name: self._lattice(rows, layout["atoms"]) for name, rows in lattices.items()}
        positions, cell, species = found["simple cubic"]
        shear = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=torch.float64)
        found["simple cubic, a sheared cell"] = (positions, shear @ cell, species)
        found["simple cubic, two species"] = (positions, cell, self._alternating(layout["atoms"]))
        return found

    def _lattice(self, rows: Sequence[Sequence[float]], atoms: int) -> tuple[Tensor, Tensor, Tensor]:
        primitive = self.spacing * torch.tensor(rows, dtype=torch.float64)
        place = torch.arange(atoms, dtype=torch.float64).unsqueeze(-1)
        cell = primitive * torch.tensor([[atoms], [1], [1]])
        return (place * primitive[0]).unsqueeze(0), cell.unsqueeze(0), torch.full((1, atoms), self.species[0])

    def _alternating(self, atoms: int) -> Tensor:
        return torch.tensor([[self.species[i % 2 % len(self.species)] for i in range(atoms)]])

    def simpler(self, x: Any) -> Any:
        """All atoms of the first species; the cell a cube; the positions in simpler numbers. A cell of zeros is none."""
        leaves, structure = flatten(x)
        positions, cell, species = leaves
        cube = self.spacing * len(positions) ** (1 / 3) * torch.eye(3).to(cell)
        found = [(positions, cell, torch.full_like(species, self.species[0])), (positions, cube, species)]
        found += [(number, cell, species) for number in simpler_numbers(positions)]
        return structure.rebuild([torch.stack(same) for same in zip(*found, strict=True)])

    def complexity(self, x: Any) -> Tensor:
        """That of the positions; the cell's entries that aren't those of the cube; and the atoms of another species."""
        positions, cell, species = flatten(x)[0]
        cube = self.spacing * positions.shape[1] ** (1 / 3) * torch.eye(3).to(cell)
        others: Tensor = (cell != cube).sum((-2, -1)) + (species != self.species[0]).sum(-1)
        return complexity_of_numbers(positions) + others

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(), cls(5, (1, 6, 8), spacing=2.5)]
