"""Time: warps, dilations and delays of sequences of steps, which have no inverses, and time changes by slopes, which do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError, sized
from symcheck.groups._simple import factor_cost, simpler_factors
from symcheck.groups.base import Group, Monoid
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.linear import Scaling

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class _OfSteps(Monoid):
    """A monoid that acts on sequences of `steps` steps, or of as many as the tensors have."""

    steps: int | None = None

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.steps is not None and self.steps < 1:
            raise GroupError(f"{self} acts on an empty sequence. Use 1 step or more, or '{self.notation[0]}'.")

    def __str__(self) -> str:
        return self.notation[0].replace("T", "T" if self.steps is None else str(self.steps))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(re.escape(cls.notation[0]).replace("T", r"(T|\d+)"), text)
        return None if match is None else cls(None if match[1] == "T" else int(match[1]))

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(2), cls(7)]

    def bind(self, sizes: Mapping[str, int]) -> Self:
        found = sizes.get("steps", self.steps)
        if found is None:
            raise GroupError(
                f"{self} needs the number of steps of the sequences, and no rep says it. Give an input a rep along time, such "
                f"as Warp(axis=-2), or name the number, as in '{self.notation[1]}'."
            )
        if found == 0:
            raise GroupError(f"{self} acts on an empty sequence. Use an example with at least one step.")
        if self.steps not in (None, found):
            raise GroupError(
                f"{self} acts on {self.steps} steps; the tensors have {found}. Use '{self.notation[0]}' to follow them."
            )
        return replace(self, steps=found)

    @property
    def _steps(self) -> int:
        if self.steps is None:
            raise GroupError(f"{self} isn't bound to a number of steps yet. Use bind({{'steps': 8}}), or '{self.notation[1]}'.")
        return self.steps

    @property
    def _times(self) -> Tensor:
        return torch.arange(self._steps)


@dataclass(frozen=True)
class Warps(_OfSteps):
    """Time warps `(n, steps)`, int64, that dwell: after c, step t shows what step c(t) showed before.

    c starts at 0 and goes on by 0 or 1: a step may be repeated, none is left out, and what is pushed past the end is lost.
    Repeats can't be undone, so that warps are a monoid. Since `(x o d) o c = x o (d o c)`, "first h, then g" is h o g.

    >>> str(Warps()), Warps(5).describe(torch.tensor([0, 1, 1, 1, 2]))
    ('Warp(T)', 'step 1 repeated twice')
    """

    notation = ("Warp(T)", "Warp(8)")

    @property
    def element(self) -> tuple[int, ...]:
        return (self._steps,)

    def identity(self, n: int) -> Tensor:
        return self._times.expand(n, -1)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return h.gather(-1, g)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """The number of repeats is uniform on 0 ... steps - 1, and all warps of as many repeats are equally likely.

        Uniform warps would repeat half of the steps, give or take a few: of 2^11 warps of 12 steps 12 hardly advance at all.
        """
        advance = torch.rand(n, 1, generator=rng, dtype=torch.float64)
        coins = torch.rand(n, self._steps - 1, generator=rng, dtype=torch.float64)
        return _from_increments(coins < advance)

    def generators(self) -> Tensor:
        """Each of the steps but the last repeated once."""
        return _from_increments(~torch.eye(self._steps - 1, dtype=torch.bool))

    def landmarks(self) -> Tensor:
        """Each step but the last repeated once, all of them, then the sequence that stays at its first step."""
        still = torch.zeros_like(self._times)
        if self._steps < 3:  # of two steps, staying is the only generator; of one step, it is the identity
            return still.unsqueeze(0)
        return torch.cat([self.generators(), torch.stack([self._times // 2, still])])

    def describe(self, g: Tensor) -> str:
        step, shown = torch.unique_consecutive(g, return_counts=True)
        extra = shown - 1
        if len(step) == 1 and self._steps > 2:
            return "step 0 shown throughout"
        words = [f"step {s} repeated {_times_word(k)}" for s, k in zip(step.tolist(), extra.tolist(), strict=True) if k]
        if len(words) > 3:
            return f"{int(extra.sum())} repeats of {len(words)} of {self._steps} steps"
        return ", ".join(words) or "identity"

    def contains(self, g: Tensor) -> Tensor:
        ahead = g.diff(dim=-1)
        return (g[..., 0] == 0) & ((ahead == 0) | (ahead == 1)).all(-1)

    def warp(self, g: Tensor) -> Tensor:
        return g

    @property
    def order(self) -> int:
        """Each step but the first goes on or doesn't."""
        return int(2 ** (self._steps - 1))

    def complexity(self, g: Tensor) -> Tensor:
        """The number of repeats."""
        return (self._steps - 1 - g[:, -1]).double()

    def simpler(self, g: Tensor) -> Tensor:
        """The identity, single repeats, the repeats of one step alone, of all steps but one, then one repeat less."""
        extra = torch.bincount(g, minlength=self._steps).sub(1).clamp_min(0)
        own = torch.eye(self._steps, dtype=torch.int64)
        fewer = torch.unique(torch.cat([own * extra, (1 - own) * extra, (extra - own).clamp_min(0)]), dim=0)
        ends = (1 + fewer).cumsum(-1)  # each step ends where the next one is shown
        warps = torch.searchsorted(ends, self._times.expand_as(ends).contiguous(), right=True)
        return self._simplest_first(g, torch.cat([self.identity(1), self.generators(), warps]))


@dataclass(frozen=True)
class Dilations(_OfSteps):
    """Each step shown k times: whole numbers `(n, 1)`, int64, of 1 or more, which multiply.

    A dilation is the warp t -> t // k of a sequence, and scales durations by k. What is pushed past the end is lost, but k
    isn't: they are infinitely many. They are drawn up to `steps`, small ones as often as large ones.

    >>> str(Dilations()), Dilations(6).warp(torch.tensor([[2]])).tolist()
    ('Dilation(T)', [[0, 0, 1, 1, 2, 2]])
    """

    notation = ("Dilation(T)", "Dilation(8)")

    @property
    def element(self) -> tuple[int, ...]:
        return (1,)

    def identity(self, n: int) -> Tensor:
        return torch.ones(n, 1, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g * h

    def sample(self, n: int, rng: Generator) -> Tensor:
        """The logarithm is uniform, then rounded down."""
        return ((self._steps + 1) ** torch.rand(n, 1, generator=rng, dtype=torch.float64)).long()

    def generators(self) -> Tensor:
        """The primes up to the number of steps, beyond which all dilations show the first step alone."""
        return torch.tensor([[k] for k in range(2, max(self._steps, 2) + 1) if all(k % p for p in range(2, k))])

    def describe(self, g: Tensor) -> str:
        return "identity" if int(g) == 1 else f"each step shown {_times_word(int(g))}"

    def contains(self, g: Tensor) -> Tensor:
        return ((g >= 1) & (g == g.round() if g.is_floating_point() else True)).all(-1)

    def warp(self, g: Tensor) -> Tensor:
        return self._times // g

    def scale(self, g: Tensor) -> Tensor:
        return g[:, 0].double()

    def complexity(self, g: Tensor) -> Tensor:
        return (g[:, 0] - 1).double()

    def simpler(self, g: Tensor) -> Tensor:
        return torch.arange(1, int(g)).unsqueeze(-1)


@dataclass(frozen=True)
class Delays(_OfSteps):
    """Sequences that start k steps later, after zeros: whole numbers `(n, 1)`, int64, of 0 or more, which add up.

    What is pushed past the end is lost. These are the powers of one nilpotent shift: an honest action of a monoid on all
    sequences, of which none but the identity can be undone. k is drawn up to `steps`, which leaves zeros alone.

    >>> str(Delays()), Delays(4).describe(torch.tensor([2]))
    ('Delay(T)', 'delay by 2 steps')
    """

    notation = ("Delay(T)", "Delay(8)")

    @property
    def element(self) -> tuple[int, ...]:
        return (1,)

    def identity(self, n: int) -> Tensor:
        return torch.zeros(n, 1, dtype=torch.int64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g + h

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.randint(self._steps + 1, (n, 1), generator=rng)

    def generators(self) -> Tensor:
        return torch.ones(1, 1, dtype=torch.int64)

    def describe(self, g: Tensor) -> str:
        return "identity" if not int(g) else f"delay by {int(g)} step{'s' if int(g) > 1 else ''}"

    def contains(self, g: Tensor) -> Tensor:
        return ((g >= 0) & (g == g.round() if g.is_floating_point() else True)).all(-1)

    def delay(self, g: Tensor) -> Tensor:
        return g[:, 0]

    def complexity(self, g: Tensor) -> Tensor:
        return g[:, 0].double()

    def simpler(self, g: Tensor) -> Tensor:
        return torch.arange(int(g)).unsqueeze(-1)


@dataclass(frozen=True)
class TimeChanges(Group):
    """Piecewise-linear changes of continuous time, by their slopes `(n, pieces)` between knots, all positive.

    Changes that bend at given knots are followed by changes that bend at their images, so that slopes multiply, piece by
    piece, whatever the knots are: the group R+^pieces. Their logarithms are drawn normal, with standard deviation 0.7, so that
    most slopes are between a quarter and four.

    >>> str(TimeChanges(3)), TimeChanges(3).describe(torch.tensor([1.0, 2.0, 1.0]))
    ('PL(3)', 'time stretched by 2 on piece 1')
    """

    pieces: int

    notation = ("PL(4)",)

    def __post_init__(self) -> None:
        sized(self, GroupError)
        if self.pieces < 1:
            raise GroupError(f"PL({self.pieces}) changes nothing. Use 1 piece or more.")

    def __str__(self) -> str:
        return f"PL({self.pieces})"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = re.fullmatch(r"PL\((\d+)\)", text)
        return cls(int(match[1])) if match else None

    @classmethod
    def examples(cls) -> Sequence[Self]:
        return [cls(1), cls(4)]

    @property
    def element(self) -> tuple[int, ...]:
        return (self.pieces,)

    def identity(self, n: int) -> Tensor:
        return torch.ones(n, self.pieces, dtype=torch.float64)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g * h

    def inverse(self, g: Tensor) -> Tensor:
        return 1 / g

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.exponential(0.7 * torch.randn(n, self.pieces, generator=rng, dtype=torch.float64))

    def generators(self) -> Tensor:
        return self.identity(0)

    def landmarks(self) -> Tensor:
        """Twice the time on each piece, then on all."""
        double = 1 + torch.eye(self.pieces, dtype=torch.float64)
        return torch.cat([double, 2 * self.identity(1)])[: None if self.pieces > 1 else 1]

    def algebra(self) -> Tensor:
        return torch.diag_embed(torch.eye(self.pieces, dtype=torch.float64))

    def exponential(self, v: Tensor) -> Tensor:
        return v.exp()

    def describe(self, g: Tensor) -> str:
        if bool((g == 1).all()):
            return "identity"
        if bool((g == g[0]).all()):
            return f"time stretched by {float(g[0]):.3g}"
        parts = [f"{float(slope):.3g} on piece {i}" for i, slope in enumerate(g.tolist()) if slope != 1]
        return f"time stretched by {', '.join(parts)}"

    def contains(self, g: Tensor) -> Tensor:
        return ((g > 0) & g.isfinite()).all(-1)

    def slopes(self, g: Tensor) -> Tensor:
        return g

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """Another unit of time: one slope for all pieces."""
        return (Homomorphism(Scaling(), self, lambda g: g[:, :, 0].expand(-1, self.pieces)),)

    def complexity(self, g: Tensor) -> Tensor:
        return factor_cost(g).sum(-1)

    def simpler(self, g: Tensor) -> Tensor:
        """The identity, the landmarks, one piece alone or all but one, and each slope rounded."""
        own = torch.eye(self.pieces, dtype=torch.bool)
        rounded = torch.tensor([simpler_factors(slope)[1:3] for slope in g.tolist()], dtype=g.dtype).mT
        parts = [self.identity(1), self.landmarks(), g.where(own, 1.0), g.where(~own, 1.0), rounded]
        parts += [near.where(own, g) for near in rounded]
        return self._simplest_first(g, torch.cat(parts))


def _from_increments(on: Tensor) -> Tensor:
    """Warps `(n, steps)` from whether each step but the first goes on, `(n, steps - 1)`."""
    return torch.nn.functional.pad(on.long().cumsum(-1), (1, 0))


def _times_word(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
