"""The group that some matrices generate: for symmetries that have no name of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from symcheck.errors import GroupError
from symcheck.groups.matrix import MatrixGroup

if TYPE_CHECKING:
    from typing_extensions import Self

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Exponential(MatrixGroup):
    """The connected matrix group whose Lie algebra has these matrices as a basis: `exp(so(3))`.

    Discovery finds such groups, for actions in other coordinates than usual. `Block` says which rows act on what.

    >>> turn = Exponential((((0.0, -1.0), (1.0, 0.0)),), "turn")
    >>> turn.exponential(torch.tensor([[torch.pi / 2]])).round(decimals=3) + 0.0
    tensor([[[ 0., -1.],
             [ 1.,  0.]]], dtype=torch.float64)
    """

    basis: tuple[Matrix, ...]
    name: str = "exp(g)"

    notation = ()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, basis: Tensor, name: str) -> Self:
        """The group of matrices `(k, d, d)`, each scaled to a spectral norm of 1."""
        size = torch.linalg.matrix_norm(basis, 2).clamp_min(5e-324).reshape(-1, 1, 1)
        return cls(tuple(tuple(tuple(row) for row in matrix) for matrix in (basis / size).tolist()), name)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None: a name doesn't tell its matrices. GroupError for a name such as discovery gives, which says so."""
        if re.fullmatch(r"exp\(.+\)", text):
            raise GroupError(
                f"{text!r} has matrices of its own, which a name doesn't tell. Give the object, Exponential(...), "
                f"as symcheck discover --claims writes it."
            )
        return None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls((((0.0, -1.0), (1.0, 0.0)),)), cls((((0.0, 1.0), (0.0, 0.0)), ((1.0, 0.0), (0.0, -1.0))))]

    @property
    def size(self) -> int:
        return len(self.basis[0])

    def algebra(self) -> Tensor:
        return torch.tensor(self.basis, dtype=torch.float64)

    def contains(self, g: Tensor) -> Tensor:
        """Which are invertible and finite: whether a matrix is an exponential of these isn't told."""
        rank: Tensor = torch.linalg.matrix_rank(g)
        return g.isfinite().flatten(1).all(-1) & (rank == self.size)
