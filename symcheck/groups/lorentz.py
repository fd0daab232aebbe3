"""Groups of spacetime: Lorentz, Poincare and Galilei, on coordinates (t, x, y, z) with the metric diag(+, -, -, -)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Generator, Tensor

from symcheck.groups._simple import determinant, number_cost, orthogonal_cost, polar, simpler_numbers, simpler_orthogonal
from symcheck.groups.affine import AffineFamily, vector
from symcheck.groups.euclidean import SE, SO, O, T, describe_orthogonal, rotations
from symcheck.groups.homomorphism import Homomorphism, block, inclusion, largest_first
from symcheck.groups.matrix import WIDTHS, Family, read_widths

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _Lorentz(Family):
    """Matrices with `g^T m g = m`, m the metric diag(1, -1, ..., -1): boosts after rotations.

    Drawn as `B R`: R a Haar-distributed rotation of space, B a boost whose rapidity along each axis is normal with standard
    deviation `rapidity`. The boost of rapidity 1 along x sends (1, 0, 0, 0) to (cosh 1, sinh 1, 0, 0).
    """

    rapidity: float = 0.5

    names: ClassVar[tuple[str, ...]] = ("",)  # of the components

    def __str__(self) -> str:
        return super().__str__().replace("(", "(1,", 1)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(rf"{re.escape(cls.letter)}\(1, ?(\d+)({WIDTHS})\)", text)
        return cls(int(match[1]), **read_widths(cls, text, match[2])) if match else None

    @property
    def size(self) -> int:
        return self.dim + 1

    @property
    def metric(self) -> Tensor:
        """`diag(1, -1, ..., -1)`."""
        m = -torch.eye(self.size, dtype=torch.float64)
        m[0, 0] = 1
        return m

    def algebra(self) -> Tensor:
        """The boosts along each axis, then the rotations in each plane of space."""
        basis = torch.zeros(self.dim * (self.dim + 1) // 2, self.size, self.size, dtype=torch.float64)
        axes = range(self.dim)
        basis[axes, 0, range(1, self.size)] = basis[axes, range(1, self.size), 0] = 1
        basis[self.dim :, 1:, 1:] = O(self.dim).algebra()
        return basis

    def inverse(self, g: Tensor) -> Tensor:
        return self.metric @ g.mT @ self.metric

    def near(self, n: int, rng: Generator) -> Tensor:
        turn = rotations(self.dim).sample(n, rng)
        return boosts(self.rapidity * torch.randn(n, self.dim, generator=rng, dtype=torch.float64)) @ in_space(turn)

    def landmarks(self) -> Tensor:
        """Quarter turns, one from each component, then a boost of rapidity `rapidity` along each axis."""
        turns = in_space(rotations(self.dim).landmarks())
        return torch.cat([turns, self.generators(), boosts(self.rapidity * torch.eye(self.dim, dtype=torch.float64))])

    def contains(self, g: Tensor) -> Tensor:
        scale = g.abs().amax((-2, -1)).clamp_min(1).square()
        keeps = self._close(g.mT @ self.metric @ g, self.metric, scale)
        return keeps & (_component(g) < len(self.components()))

    def _defect(self, g: Tensor) -> str:
        if not g.isfinite().all():
            return super()._defect(g)
        if bool(FullLorentz(self.dim).contains(g.unsqueeze(0))):
            return f"it reverses time or mirrors space. Use O(1,{self.dim})"
        off = float((g.mT @ self.metric @ g - self.metric).abs().max())
        return f"it doesn't keep the metric diag(+, -, ...), g^T m g is off by {off:.2g}. Make it by `exponential`"

    def _parts(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rapidity `(n, d)`, the rotation `(n, d, d)` and the component `(n,)` of which elements are made."""
        which = _component(g)
        proper = g @ self.components()[which]  # each is its own inverse
        sinh = proper[:, 1:, 0]
        size = sinh.norm(dim=-1, keepdim=True)
        rapidity = sinh * torch.where(size > 0, size.asinh() / size, 1.0)
        return rapidity, polar(proper)[1][:, 1:, 1:], which  # a boost is positive definite

    def describe(self, g: Tensor) -> str:
        if torch.equal(g, self.identity(1)[0]):
            return "identity"
        rapidity, turn, which = self._parts(g.unsqueeze(0))
        words = [self.names[int(which)]]
        if bool(orthogonal_cost(turn)):
            words.append(describe_orthogonal(turn[0]))
        if bool(number_cost(rapidity).any()):
            words.append(f"boost of rapidity {vector(rapidity[0])}")
        return ", then ".join(filter(None, words)) or super().describe(g)

    def complexity(self, g: Tensor) -> Tensor:
        """What the rotation costs, the rapidity along each axis in units of `rapidity`, and 1 for another component."""
        rapidity, turn, which = self._parts(g)
        return orthogonal_cost(turn) + number_cost(rapidity / self.rapidity).sum(-1) + (which > 0)

    def simpler(self, g: Tensor) -> Tensor:
        """Rotations alone, boosts alone, and each made simpler beside the other, in the identity's component and in its own."""
        rapidity, turn, which = (part[0] for part in self._parts(g.unsqueeze(0)))
        turns = torch.cat([simpler_orthogonal(turn), turn.unsqueeze(0)])
        turns = in_space(turns[determinant(turns) > 0])
        steps = self.rapidity * simpler_numbers(rapidity / self.rapidity)
        boosted = boosts(torch.cat([steps, rapidity.unsqueeze(0)]))
        near = torch.cat([turns, boosted, boosted[-1] @ turns, boosted @ turns[-1]])
        every = self.components()
        return self._simplest_first(g, torch.cat([every, near, near @ every[which]]))


class Lorentz(_Lorentz):
    """Boosts and rotations of spacetime: the component SO+(1,d) of the identity, which keeps the direction of time.

    >>> str(Lorentz(3)), Lorentz(3).dimension
    ('SO+(1,3)', 6)
    """

    letter = "SO+"
    notation = ("SO+(1,3)",)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        return super().parse("SO+(1,3)" if text == "Lorentz" else text)

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(3)]

    def subgroups(self) -> tuple[Homomorphism, ...]:
        if self.dim == 1:
            return ()
        along = block(Lorentz(1, self.rapidity), self, "boosts along x")
        planar = (block(Lorentz(2, self.rapidity), self),) if self.dim > 2 else ()
        return (*_turns(self)[:1], *planar, *_turns(self)[1:], along)


class FullLorentz(_Lorentz):
    """All Lorentz transformations O(1,d): four components, with the inversion of space, that of time, and both.

    Where the number of dimensions is even, and the inversion of space is a rotation, x alone is reflected.
    """

    letter = "O"
    notation = ("O(1,3)",)
    names = ("", "inversion of space", "reversal of time", "inversion of space, reversal of time")

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(2), cls(3)]

    def components(self) -> Tensor:
        signs = torch.ones(4, self.size, dtype=torch.float64)
        signs[1::2, 1 : self.size if self.dim % 2 else 2] = -1
        signs[2:, 0] = -1
        return torch.diag_embed(signs)

    def subgroups(self) -> tuple[Homomorphism, ...]:
        return (inclusion(Lorentz(self.dim, self.rapidity), self), block(O(self.dim), self, at=1), *_turns(self))


@dataclass(frozen=True)
class _Events(AffineFamily):
    """Affine maps of events (t, x, y, z)."""

    _fixed: ClassVar[str] = ""  # what the maps are that keep the origin, if their name doesn't tell

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(3)]

    def landmarks(self) -> Tensor:
        """A step in time and one along x, then those that keep the origin."""
        return torch.cat([T(self.space, self.spread).landmarks()[:2], super().landmarks()[1:]])

    def subgroups(self) -> tuple[Homomorphism, ...]:
        steps = inclusion(T(self.space, self.spread), self, "translations of space and time")
        rigid = (block(SE(self.dim, self.spread), self, at=1),) if self.dim > 1 else ()
        fixed = block(self.linear_group, self, self._fixed)
        return largest_first(fixed, *rigid, steps, *_turns(self))


@dataclass(frozen=True)
class Poincare(_Events):
    """Lorentz transformations SO+(1,d) and translations of spacetime, `(n, d + 2, d + 2)`."""

    rapidity: float = 0.5

    letter = "Poincare"
    notation = ("Poincare(1,3)",)

    def __str__(self) -> str:
        return super().__str__().replace("(", "(1,", 1)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(rf"Poincar[eé](?:\(1, ?(\d+)({WIDTHS})\))?", text)
        return cls(int(match[1] or 3), **read_widths(cls, text, match[2] or "")) if match else None

    @property
    def linear_group(self) -> Lorentz:
        return Lorentz(self.dim, self.rapidity)


@dataclass(frozen=True)
class Galilei(_Events):
    """Rotations, changes of velocity, translations of space and of time: `t -> t + s`, `x -> R x + v t + a`.

    Velocities are normal with standard deviation `speed` along each axis, translations with `spread`.
    """

    speed: float = 1.0

    letter = "Galilei"
    _fixed = "rotations and changes of velocity"
    notation = ("Galilei(3)",)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        return super().parse("Galilei(3)" if text == "Galilei" else text)

    @property
    def linear_group(self) -> _Galilean:
        return _Galilean(self.dim, self.speed)


@dataclass(frozen=True)
class _Galilean(Family):
    """Rotations and changes of velocity, `x -> R x + v t`: matrices on (t, x, y, z), those of rigid motions on (x, y, z, t)."""

    speed: float = 1.0

    letter = "SGal"
    notation = ()

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(3)]

    @property
    def _rigid(self) -> SE | T:
        return SE(self.dim, self.speed) if self.dim > 1 else T(1, self.speed)

    @property
    def size(self) -> int:
        return self.dim + 1

    def algebra(self) -> Tensor:
        """The velocities along each axis, then the rotations in each plane."""
        return _time_first(self._rigid.algebra())

    def inverse(self, g: Tensor) -> Tensor:
        return _time_first(self._rigid.inverse(_time_last(g)))

    def near(self, n: int, rng: Generator) -> Tensor:
        return _time_first(self._rigid.sample(n, rng))

    def landmarks(self) -> Tensor:
        return _time_first(self._rigid.landmarks())

    def contains(self, g: Tensor) -> Tensor:
        return self._rigid.contains(_time_last(g))

    def describe(self, g: Tensor) -> str:
        return self._rigid.describe(_time_last(g)).replace("translation", "change of velocity")

    def complexity(self, g: Tensor) -> Tensor:
        return self._rigid.complexity(_time_last(g))

    def simpler(self, g: Tensor) -> Tensor:
        return _time_first(self._rigid.simpler(_time_last(g)))


def boosts(rapidity: Tensor) -> Tensor:
    """Boosts `(n, d + 1, d + 1)` of rapidities `(n, d)`.

    >>> boosts(torch.zeros(1, 1, dtype=torch.float64)).tolist()
    [[[1.0, 0.0], [0.0, 1.0]]]
    """
    size = rapidity.norm(dim=-1).reshape(-1, 1, 1)
    first = torch.where(size > 0, size.sinh() / size, 1.0)  # sinh(r) / r
    half = torch.where(size > 0, (size / 2).sinh() / size, 0.5)
    column, row = rapidity.unsqueeze(-1), rapidity.unsqueeze(-2)
    space = torch.eye(rapidity.shape[-1], dtype=torch.float64) + 2 * half.square() * (column @ row)  # (cosh(r) - 1) / r^2
    top = torch.cat([size.cosh(), first * row], -1)
    return torch.cat([top, torch.cat([first * column, space], -1)], -2)


def in_space(turn: Tensor) -> Tensor:
    """Matrices on (x, y, z) as matrices on (t, x, y, z)."""
    n, dim, _ = turn.shape
    g = torch.zeros(n, dim + 1, dim + 1, dtype=turn.dtype)
    g[:, 0, 0], g[:, 1:, 1:] = 1, turn
    return g


def _component(g: Tensor) -> Tensor:
    """Which component Lorentz transformations `(n,)` are in: 1 if they mirror space, and 2 more if they reverse time."""
    return 2 * (g[:, 0, 0] < 0) + (determinant(g[:, 1:, 1:]) < 0)  # that of g itself loses its sign in a strong boost


def _turns(group: Family) -> tuple[Homomorphism, ...]:
    """The rotations of space, and those about z."""
    about = (block(SO(2), group, "SO(2) about z", at=1),) if group.dim == 3 else ()
    return ((block(SO(group.dim), group, at=1),) if group.dim > 1 else ()) + about


def _time_first(g: Tensor) -> Tensor:
    return g.roll((1, 1), (-2, -1))


def _time_last(g: Tensor) -> Tensor:
    return g.roll((-1, -1), (-2, -1))
