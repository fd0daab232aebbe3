"""ASE calculators: energy, forces and stress of atoms, as any potential owes them.

Under E(3) and any order of the atoms with their elements, the energy stays and forces go along; a periodic structure is the
same in any cell of its lattice, whichever images of its atoms are given. A calculator computes in float64 whatever it is
given. Source: Larsen et al. 2017, "The atomic simulation environment", doi:10.1088/1361-648X/aa680e.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck._tree import Args, flatten
from symcheck.domains import Domain, Layout
from symcheck.properties import FormatInvariance
from symcheck.reps import Permute, Rep, as_rep
from symcheck.subjects.frameworks.base import Reading, Said, Unreadable, tried

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NAME = "ASE"
REPS = {"energy": "scalar", "forces": "vector", "stress": "cartesian(rank=2)"}
ELEMENTS = ((29, 47), (6, 8), (1, 8), (29,), (14,), (18,), (6,), (1,))  # Cu and Ag, C and O, ...: the first that it knows
ATOMS = 4
NEARER = (1.0, 0.8, 0.6, 0.4)  # of the sum of two covalent radii: model potentials have units of their own
FELT = 1e-6  # of the energy an atom and the distance of two: forces below are those of atoms out of each other's reach
SHEAR = ((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.0, -1.0, 1.0))  # of determinant one: rows of another cell of the same lattice


class Potential:
    """A calculator as a function on tensors: `positions (atoms, 3)`, atomic `numbers (atoms,)` and, of a crystal, its `cell`.

    Energy in eV, forces in eV / Angstrom, stress as a matrix in eV / Angstrom^3: those that the calculator has.
    """

    def __init__(self, calculator: Any) -> None:
        self.calculator = calculator
        self.precision = torch.empty(0, dtype=torch.float64)  # says in which it computes: it has no weights that do

    def __call__(self, positions: Tensor, numbers: Tensor, cell: Tensor | None = None) -> dict[str, Tensor]:
        from ase import Atoms

        periodic = {} if cell is None else {"cell": cell.detach().double().cpu().numpy(), "pbc": True}
        atoms = Atoms(numbers.cpu().numpy(), positions=positions.detach().double().cpu().numpy(), **periodic)
        atoms.calc = self.calculator
        found: dict[str, Any] = {"energy": atoms.get_potential_energy()}
        if "forces" in self.calculator.implemented_properties:
            found["forces"] = atoms.get_forces()
        if cell is not None and "stress" in self.calculator.implemented_properties:
            found["stress"] = atoms.get_stress(voigt=False)
        return {name: torch.as_tensor(value, dtype=torch.float64, device=positions.device) for name, value in found.items()}


def is_calculator(found: Any) -> bool:
    return not isinstance(found, type) and any(
        kind.__name__ == "BaseCalculator" and kind.__module__.startswith("ase.") for kind in type(found).__mro__
    )


def mine(model: Any) -> bool:
    return isinstance(model, Potential)


def read(model: Potential) -> Reading:
    found = _structures(model)
    kinds = [name for name in REPS if name == "energy" or name in model.calculator.implemented_properties]
    elements = _symbols(found.species)
    words = f"{type(model.calculator).__name__} with {', '.join(kinds)}; tried on {elements}, {found.spacing:.3g} Å apart"
    return Reading(words, tuple(_said(found, kinds)))


def _said(found: Structures, kinds: Sequence[str]) -> list[Said]:
    molecule, crystal = Structures(found.species, found.spacing), Structures(found.species, found.spacing, periodic=True)
    inputs = {"positions": "permute * point", "numbers": Permute(axis=-1)}
    free = {name: _rep(name) for name in kinds if name != "stress"}
    bulk = {name: _rep(name) for name in kinds}
    words = {name: ", ".join(reps) for name, reps in (("free", free), ("bulk", bulk))}
    cell = Args(**inputs, cell="vector")
    return [
        Said("E(3) x S_n", molecule, Args(**inputs), free, name=f"E(3) x S_n, molecules -> {words['free']}", batching="loop"),
        Said("E(3) x S_n", crystal, cell, bulk, name=f"E(3) x S_n, crystals -> {words['bulk']}", batching="loop"),
        Said(
            "E(3) x S_n",
            crystal,
            cell,
            bulk,
            properties=(FormatInvariance(_other_cell),),
            name=f"E(3) x S_n, any cell of the lattice -> {words['bulk']}",
            batching="loop",
        ),
    ]


def _rep(name: str) -> Rep:
    rep = as_rep(REPS[name])
    return Permute() * rep if name == "forces" else rep


def _other_cell(positions: Tensor, numbers: Tensor, cell: Tensor) -> Args:
    """The same crystal: its cell sheared by a matrix of whole numbers of determinant one, its atoms given by other images."""
    atom, axis = torch.arange(positions.shape[-2], device=cell.device).unsqueeze(-1), torch.arange(3, device=cell.device)
    images = (atom * atom + axis) % 3 - 1  # not the same for all atoms: that would only shift the crystal
    shear = torch.tensor(SHEAR).to(cell)
    return Args(positions=positions + images.to(cell) @ cell, numbers=numbers, cell=shear @ cell)


def _structures(model: Potential) -> Structures:
    """Atoms that the calculator knows, so near that they feel each other. Raises Unreadable."""
    from ase.data import covalent_radii

    why = ""
    for species, nearer in product(ELEMENTS, NEARER):
        spacing = nearer * 2 * float(covalent_radii[list(species)].mean())
        found = Structures(species, spacing, periodic=True)
        drawn = found.sample(found.layout, 1, Generator().manual_seed(0))
        try:
            energy, *rest = tried(model, Args(**{name: value[0] for name, value in drawn.kwargs.items()}))
        except Unreadable as error:
            why = why or str(error)
            continue
        felt = rest[0].abs().max() * spacing if rest else energy.abs()
        if bool(energy.isfinite()) and FELT * (1 + abs(float(energy)) / ATOMS) < felt < float("inf"):
            return found
        why = why or f"{_symbols(species)} {spacing:.3g} Å apart feel nothing of each other"
    tried_on = ", ".join(dict.fromkeys(_symbols(species) for species in ELEMENTS))
    raise Unreadable(f"no atoms were found that it takes, of {tried_on}: {why}. Claim it on structures of yours, by Examples")


def _symbols(species: Sequence[int]) -> str:
    from ase.data import chemical_symbols

    return " and ".join(chemical_symbols[number] for number in species)


@dataclass(frozen=True)
class Structures(Domain):
    """Atoms at the places of a sheared cubic lattice, each moved a little: `positions`, `numbers` and, if periodic, `cell`.

    Places are `spacing` apart; every other one of a block of 2 x 2 x 2 may be empty. Elements are drawn from the species.
    """

    species: tuple[int, ...]
    spacing: float
    periodic: bool = False
    atoms: int = ATOMS

    @property
    def layout(self) -> Layout:
        return {"points": self.atoms}

    def layouts(self) -> SearchStrategy[Layout]:
        from hypothesis import strategies

        return strategies.integers(2, self.atoms).map(lambda atoms: {"points": atoms})

    @property
    def boundaries(self) -> Mapping[str, Layout]:
        return {"two atoms": {"points": 2}}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        atoms = layout["points"]
        strain = 0.2 * (torch.rand(n, 3, 3, generator=rng, dtype=torch.float64) - 0.5)
        cell = self._edge(atoms) * (torch.eye(3, dtype=torch.float64) + strain)
        places = torch.rand(n, self._places(atoms), generator=rng).argsort(-1)[:, :atoms]
        moved = 0.2 * (torch.rand(n, atoms, 3, generator=rng, dtype=torch.float64) - 0.5)
        within = (self._lattice(atoms)[places] + moved) / self._side(atoms)
        chosen = torch.randint(len(self.species), (n, atoms), generator=rng)
        return self._tree(within @ cell, torch.tensor(self.species)[chosen], cell)

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        """The lattice itself, of one element and of two; and atoms in a plane."""
        atoms = layout["points"]
        cell = self._edge(atoms) * torch.eye(3, dtype=torch.float64)
        places = self._lattice(atoms)[:atoms] * self.spacing
        steps = torch.arange(atoms, dtype=torch.float64).unsqueeze(-1)
        flat = self.spacing * torch.cat([steps, (steps % 2) / 2, 0 * steps], -1)
        same = torch.full((atoms,), self.species[0])
        two = torch.tensor([self.species[i % len(self.species)] for i in range(atoms)])
        kinds = {"a cubic lattice": (places, same), "a cubic lattice of two elements": (places, two)}
        if not self.periodic:
            kinds["atoms in a plane"] = (flat, two)
        return {name: self._tree(x.unsqueeze(0), z.unsqueeze(0), cell.unsqueeze(0)) for name, (x, z) in kinds.items()}

    def _side(self, atoms: int) -> int:
        return next(side for side in range(2, atoms + 2) if side**3 >= atoms)

    def _places(self, atoms: int) -> int:
        return self._side(atoms) ** 3

    def _edge(self, atoms: int) -> float:
        return self._side(atoms) * self.spacing

    def _lattice(self, atoms: int) -> Tensor:
        axis = torch.arange(self._side(atoms), dtype=torch.float64)
        return torch.cartesian_prod(axis, axis, axis)

    def _tree(self, positions: Tensor, numbers: Tensor, cell: Tensor) -> Args:
        return Args(positions=positions, numbers=numbers, **({"cell": cell} if self.periodic else {}))

    def simpler(self, x: Any) -> Any:
        """All atoms of the first element, and positions with one decimal: atoms must stay apart."""
        leaves, structure = flatten(x)
        positions, numbers, *cell = leaves
        tenths = (10 * positions).round() / 10
        found = [(positions, torch.full_like(numbers, self.species[0]), *cell), (tenths, numbers, *cell)]
        return structure.rebuild([torch.stack(same) for same in zip(*found, strict=True)])

    def complexity(self, x: Any) -> Tensor:
        """Decimals of positions beyond the first, and atoms of other elements than the first."""
        positions, numbers, *_ = flatten(x)[0]
        others: Tensor = (numbers != self.species[0]).sum(-1) + (positions != (10 * positions).round() / 10).sum((-2, -1))
        return others.double()

    @property
    def looks(self) -> Sequence[str]:
        return ("points", "", *(("",) if self.periodic else ()))

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls((29, 47), 2.6), cls((18,), 1.1, periodic=True, atoms=3)]
