"""Affine groups: a matrix group together with the translations of the space that it acts on, as homogeneous matrices."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.groups._simple import number_cost, simpler_numbers
from symcheck.groups.matrix import Family, MatrixGroup

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class AffineFamily(Family):
    """Maps `x -> A x + t`, A in `linear_group`: homogeneous matrices `(n, d + 1, d + 1)`.

    Translations have no uniform distribution; they are normal with standard deviation `spread`, in the units of the
    coordinates, which is also the step that counts as simple.
    """

    spread: float = 1.0

    @property
    @abstractmethod
    def linear_group(self) -> MatrixGroup:
        """The group of the linear parts A, which keep the origin in place."""

    def at_scale(self, length: float) -> Self:
        return replace(self, spread=length) if self.spread == 1 else self

    @property
    def space(self) -> int:
        """The number of coordinates of a point."""
        return self.linear_group.size

    @property
    def size(self) -> int:
        return self.space + 1

    def inverse(self, g: Tensor) -> Tensor:
        back = self.linear_group.inverse(self.linear(g))
        return homogeneous(back, -(back @ self.translation(g).unsqueeze(-1)).squeeze(-1))

    def sample(self, n: int, rng: Generator) -> Tensor:
        turn = self.linear_group.sample(n, rng)
        return homogeneous(turn, self.spread * torch.randn(n, self.space, generator=rng, dtype=torch.float64))

    def components(self) -> Tensor:
        return homogeneous(self.linear_group.components())

    def algebra(self) -> Tensor:
        """The translations along each axis, by `spread`, then the algebra of the linear parts."""
        turns = self.linear_group.algebra()
        basis = torch.zeros(self.space + len(turns), self.size, self.size, dtype=torch.float64)
        basis[range(self.space), range(self.space), -1] = self.spread
        basis[self.space :, :-1, :-1] = turns
        return basis

    @property
    def dimension(self) -> int:
        return self.space + self.linear_group.dimension

    def landmarks(self) -> Tensor:
        step = torch.eye(self.size, dtype=torch.float64).unsqueeze(0)
        step[:, 0, -1] = self.spread
        return torch.cat([step, homogeneous(self.linear_group.landmarks())])

    def contains(self, g: Tensor) -> Tensor:
        bottom = torch.eye(self.size, dtype=torch.float64)[-1]
        return self.linear_group.contains(self.linear(g)) & (g[:, -1] == bottom).all(-1) & g.isfinite().flatten(1).all(-1)

    def _defect(self, g: Tensor) -> str:
        if not bool(self.linear_group.contains(self.linear(g).unsqueeze(0))) and bool(g.isfinite().all()):
            return f"its linear part isn't in {self.linear_group}: {self.linear_group._defect(self.linear(g))}"
        if not torch.equal(g[-1], torch.eye(self.size, dtype=torch.float64)[-1]) and bool(g.isfinite().all()):
            return f"its last row is {g[-1].tolist()}. That of a homogeneous matrix is zeros and a one"
        return super()._defect(g)

    def linear(self, g: Tensor) -> Tensor:
        return g[..., :-1, :-1]

    def translation(self, g: Tensor) -> Tensor:
        return g[..., :-1, -1]

    def describe(self, g: Tensor) -> str:
        step = self.translation(g)
        words = [self.linear_group.describe(self.linear(g))]
        if bool(step.any()):
            words.append(f"translation by {vector(step)}")
        return ", then ".join(word for word in words if word != "identity") or "identity"

    def complexity(self, g: Tensor) -> Tensor:
        """That of the linear part, and what each coordinate of the translation costs, in units of `spread`."""
        return self.linear_group.complexity(self.linear(g)) + number_cost(self.translation(g) / self.spread).sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """Each part alone, made simpler; then each made simpler beside the other as it is."""
        turn, step = self.linear(g), self.translation(g)
        turns = torch.cat([self.linear_group.simpler(turn), turn.unsqueeze(0)])
        steps = self.spread * simpler_numbers(step / self.spread)
        candidates = [
            homogeneous(turns),
            self._shifts(torch.cat([steps, step.unsqueeze(0)])),
            homogeneous(turns, step.expand(len(turns), -1)),
            homogeneous(turn.expand(len(steps), -1, -1), steps),
        ]
        return self._simplest_first(g, torch.cat(candidates))

    def _shifts(self, step: Tensor) -> Tensor:
        return homogeneous(torch.eye(self.space, dtype=torch.float64).expand(len(step), -1, -1), step)


def homogeneous(turn: Tensor, step: Tensor | None = None) -> Tensor:
    """Matrices `(n, d + 1, d + 1)` of `x -> turn x + step`."""
    n, dim, _ = turn.shape
    last = turn.new_zeros(n, dim) if step is None else step
    bottom = torch.eye(dim + 1, dtype=turn.dtype)[-1:].expand(n, 1, -1)
    return torch.cat([torch.cat([turn, last.unsqueeze(-1)], -1), bottom], 1)


def vector(x: Tensor) -> str:
    """A vector in words: "(+1, +0, -2.5)"."""
    return f"({', '.join(f'{v:+.3g}' for v in (x + 0.0).tolist())})"
