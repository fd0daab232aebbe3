"""Gauge groups: a change of frame at every vertex of a surface, each of its own."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups.base import Group
from symcheck.groups.euclidean import SO
from symcheck.groups.homomorphism import Homomorphism

if TYPE_CHECKING:
    from typing_extensions import Self

QUARTER = math.pi / 2


class _Gauge(Group):
    """The power H^V of a group H of planar rotations: one element of H for each of `size` frames.

    `of` names the places that have a frame; reps read their number off the tensors.
    """

    size: int | None
    of: str

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.size is not None and self.size < 1:
            raise GroupError(f"{self} turns no frame. Use a size of 1 or more, or '{self._fibre}^V'.")

    def __str__(self) -> str:
        name = f"{self._fibre}^{'V' if self.size is None else self.size}"
        return name if self.of == "vertices" else f"{name} of {self.of}"

    @property
    @abstractmethod
    def _fibre(self) -> str:
        """The notation of H."""

    @abstractmethod
    def _sized(self, size: int) -> Self:
        """The same with that many frames."""

    @abstractmethod
    def _plain(self, g: Tensor) -> Tensor:
        """The simple turns nearest to the turns `(...)` of frames: the identity for the identity alone."""

    def bind(self, sizes: Mapping[str, int]) -> Self:
        found = sizes.get(self.of, self.size)
        if found is None:
            raise GroupError(
                f"{self} needs the number of {self.of} that have a frame, and no rep says it. "
                f"Give an input the rep Framed(axis=-3), or name the size, as in '{self._fibre}^12'."
            )
        if found == 0:
            raise GroupError(f"{self} turns no frame, since there are no {self.of}. Use an example with at least one.")
        if self.size not in (None, found):
            raise GroupError(f"{self} turns {self.size} frames; the tensors have {found} {self.of}. Use '{self._fibre}^V'.")
        return self._sized(found)

    @property
    def _size(self) -> int:
        if self.size is None:
            raise GroupError(f"{self} isn't bound to a size yet. Use bind({{{self.of!r}: 12}}), or '{self._fibre}^12'.")
        return self.size

    @property
    def element(self) -> tuple[int, ...]:
        return (self._size,)

    def _alone(self, turn: Tensor) -> Tensor:
        """For each frame the element `(size, size)` that turns it alone, as one element `(size,)` or a number does."""
        return torch.diag(turn.expand(self._size))

    def describe(self, g: Tensor) -> str:
        turned, angle = g.nonzero().flatten().tolist(), torch.rad2deg(self.gauge(g))
        if not turned:
            return "identity"
        if len(turned) > 1 and len(turned) == len(g) and bool((g == g[0]).all()):
            return f"every frame turned by {float(angle[0]):.4g} deg"
        words = ", ".join(f"frame {i} turned by {float(angle[i]):.4g} deg" for i in turned[:3])
        return words + (f" and {len(turned) - 3} more of {len(g)}" if len(turned) > 3 else "")

    def complexity(self, g: Tensor) -> Tensor:
        """1 for each frame that makes a simple turn, 2 for each that makes another."""
        return ((g != 0).double() + (g != self._plain(g)).double()).sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """No turn; one frame alone; all turns made simple; then each frame in turn put back, or its turn made simple."""
        plain = self._plain(g)
        one = self._alone(torch.ones((), dtype=g.dtype))
        candidates = [self.identity(1), self._alone(plain), self._alone(g), plain.unsqueeze(0), g * (1 - one)]
        return self._simplest_first(g, torch.cat([*candidates, g + one * (plain - g)]))


@dataclass(frozen=True)
class Gauge(_Gauge):
    """SO(2)^V: the frame at each vertex turns by its own angle, `(n, V)`, in radians from -pi to pi.

    What a surface network computes may not depend on the frames in which it writes tangent vectors down (Cohen, Weiler,
    Kicanaoglu, Welling 2019, arXiv:1902.04615). The group is abelian; its Lie algebra has a dimension for each vertex.

    >>> str(Gauge()), str(Gauge(12))
    ('SO(2)^V', 'SO(2)^12')
    """

    size: int | None = None
    of: str = "vertices"

    notation = ("SO(2)^V", "SO(2)^12")

    @property
    def _fibre(self) -> str:
        return "SO(2)"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"SO\(2\)\^(V|\d+)", text)
        return None if match is None else cls(None if match[1] == "V" else int(match[1]))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(7)]

    def _sized(self, size: int) -> Self:
        return replace(self, size=size)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, self._size, dtype=torch.float64)

    def distance(self, g: Tensor, h: Tensor) -> Tensor:
        """The largest angle between their frames, the shorter way round."""
        return wrapped(g - h).abs().amax(-1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return wrapped(g + h)

    def inverse(self, g: Tensor) -> Tensor:
        return -g

    def sample(self, n: int, rng: Generator) -> Tensor:
        return 2 * math.pi * (torch.rand(n, self._size, generator=rng, dtype=torch.float64) - 0.5)

    def generators(self) -> Tensor:
        """None: the group is connected."""
        return self.identity(0)

    def landmarks(self) -> Tensor:
        """A quarter turn of the first frame, of the last, and of all, and a half turn of all."""
        turn = torch.tensor(QUARTER, dtype=torch.float64)
        every = turn.expand(1, self._size)
        return torch.cat([self._alone(turn)[[0, -1]], every, 2 * every])

    def contains(self, g: Tensor) -> Tensor:
        return (g.abs() <= math.pi).all(-1)

    def gauge(self, g: Tensor) -> Tensor:
        return g

    def algebra(self) -> Tensor:
        """One generator a vertex, as `(V, 2 V, 2 V)`: the group multiplies as block-diagonal matrices of rotations do."""
        basis = torch.zeros(self._size, self._size, 2, self._size, 2, dtype=torch.float64)
        vertex = torch.arange(self._size)
        basis[vertex, vertex, 1, vertex, 0] = 1
        basis[vertex, vertex, 0, vertex, 1] = -1
        return basis.reshape(self._size, 2 * self._size, 2 * self._size)

    @property
    def dimension(self) -> int:
        return self._size

    def exponential(self, v: Tensor) -> Tensor:
        """The turns by the angles v `(n, V)` themselves."""
        return wrapped(v.double())

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Finite turns of each frame, and one turn for all."""
        finite = [CyclicGauge(steps, self.size, self.of) for steps in (8, 7, 6, 5, 4, 3, 2)]
        whole = Homomorphism(SO(2), self, lambda g: torch.atan2(g[:, 1, 0], g[:, 0, 0]).unsqueeze(-1).expand(-1, self._size))
        return (*(Homomorphism(group, self, group.gauge) for group in finite), replace(whole, name="SO(2), one turn for all"))

    def _plain(self, g: Tensor) -> Tensor:
        quarters = (g / QUARTER).round()
        return QUARTER * torch.where(quarters == 0, g.sign(), quarters)


@dataclass(frozen=True)
class CyclicGauge(_Gauge):
    """C_N^V: the frame at each vertex makes its own number of N-th parts of a turn, `(n, V)`, int64 from 0 to N - 1.

    >>> str(CyclicGauge(7)), str(CyclicGauge(3, 20, of="faces"))
    ('C_7^V', 'C_3^20 of faces')
    """

    steps: int
    size: int | None = None
    of: str = "vertices"

    notation = ("C_4^V", "C_4^12")

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.steps < 1:
            raise GroupError(f"{self} has no elements. Use 1 step a turn or more, as in 'C_4^V'.")
        super().__post_init__()

    @property
    def _fibre(self) -> str:
        return f"C_{self.steps}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"C_(\d+)\^(V|\d+)", text)
        return None if match is None else cls(int(match[1]), None if match[2] == "V" else int(match[2]))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1, 2), cls(4, 1), cls(5, 3), cls(2, 4)]

    def _sized(self, size: int) -> Self:
        return replace(self, size=size)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, self._size, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g + h) % self.steps

    def inverse(self, g: Tensor) -> Tensor:
        return -g % self.steps

    def sample(self, n: int, rng: Generator) -> Tensor:
        return (torch.rand(n, self._size, generator=rng, dtype=torch.float64) * self.steps).long()

    def generators(self) -> Tensor:
        """One step of each frame."""
        return self._alone(torch.tensor(1)) % self.steps

    def landmarks(self) -> Tensor:
        """One step of the first frame, of the last, and of all."""
        return torch.cat([self.generators()[[0, -1]], torch.ones(1, self._size, dtype=torch.int64) % self.steps])

    def contains(self, g: Tensor) -> Tensor:
        return ((g >= 0) & (g < self.steps) & (g == g.round() if g.is_floating_point() else True)).all(-1)

    def gauge(self, g: Tensor) -> Tensor:
        return wrapped(g.double() * (2 * math.pi / self.steps))

    @property
    def order(self) -> int:
        return math.prod([self.steps] * self._size)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Turns by a multiple of the step that divides the turn evenly."""
        coarser = [d for d in range(self.steps - 1, 1, -1) if self.steps % d == 0]
        return tuple(self._coarser(steps) for steps in coarser)

    def _coarser(self, steps: int) -> Homomorphism:
        return Homomorphism(CyclicGauge(steps, self.size, self.of), self, lambda g: g * (self.steps // steps))

    def _plain(self, g: Tensor) -> Tensor:
        return torch.where(g == self.steps - 1, g, g.sign())


def wrapped(angle: Tensor) -> Tensor:
    """The same angles, from -pi to pi. Those that lie there are left as they are, bit for bit."""
    return angle - 2 * math.pi * (angle / (2 * math.pi)).round()
