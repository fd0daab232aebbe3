"""The algebra of reps: new ones from old by acting together, direct sum, tensor product, dual, conjugate and restriction.

    permute * point             both act on the one tensor: the points are permuted, and each moves
    4 scalar + 2 vector         one after the other along the last axis
    tensor_product(vector, vector), dual(vector), conjugate(spinor)

are written with the same operators in Python, `Permute() * Point()` and `4 * Scalar() + 2 * Vector()`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import (
    SO,
    SU,
    E,
    Monoid,
    O,
    Product,
    Sim,
    Symmetric,
    Translations,
)
from symcheck.reps.base import Look, Rep, Shape, wrong_size
from symcheck.reps.cartesian import Point, Scalar, Vector
from symcheck.reps.irreps import Irreps
from symcheck.reps.moves import Permute, Relabel, Roll
from symcheck.reps.spinor import Spinor
from symcheck.reps.tensors import Cartesian, PseudoScalar, ScaleBy


class Combined(Rep):
    """A rep made of others: it is exact, linear, trivial or discrete if they all are."""

    @property
    def parts(self) -> tuple[Rep, ...]:
        """The reps that it is made of."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """How it is written in a claim."""
        return f"{self.name}({', '.join(map(word, self.parts))})"

    @property
    def exact(self) -> bool:  # type: ignore[override] # its own here, the class's elsewhere
        return all(rep.exact for rep in self.parts)

    @property
    def linear(self) -> bool:  # type: ignore[override]
        return all(rep.linear for rep in self.parts)

    @property
    def trivial(self) -> bool:  # type: ignore[override]
        return all(rep.trivial for rep in self.parts)

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return all(rep.discrete for rep in self.parts)

    @property
    def indices(self) -> bool:  # type: ignore[override]
        return any(rep.indices for rep in self.parts)

    @property
    def rank(self) -> int:
        return max(rep.rank for rep in self.parts)

    def is_complex(self, group: Monoid) -> bool:
        return any(rep.is_complex(group) for rep in self.parts)

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        of = next((rep for rep in self.parts if rep.indices), None)
        return super().sample(group, shape, n, rng) if of is None else of.sample(group, shape, n, rng)

    def patterns(self, shape: Shape) -> Mapping[str, Tensor]:
        return {name: pattern for rep in reversed(self.parts) for name, pattern in rep.patterns(shape).items()}

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        return {name: size for rep in self.parts for name, size in rep.sizes(shape).items()}


@dataclass(frozen=True, init=False, repr=False)
class Together(Combined):
    """Several reps on one tensor: each acts, the last first. `Permute() * Point()` moves a cloud under E(3) x S_n.

    Each takes from an element the part that it is for, so that the factors of a product group act by reps of their own; or
    one group acts along several axes, as S_n does on an adjacency matrix, `Permute(axis=-2) * Permute(axis=-1)`. That is a
    rep iff they commute: `act(a, g, act(b, h, x)) == act(b, h, act(a, g, x))`. Reps that don't are refused.
    """

    reps: tuple[Rep, ...]

    name = "together"

    def __init__(self, *reps: Rep) -> None:
        are_reps("Together", reps)
        flat = [inner for rep in reps for inner in (rep.reps if isinstance(rep, Together) else (rep,))]
        object.__setattr__(self, "reps", tuple(flat))

    def __repr__(self) -> str:
        return " * ".join(f"({rep!r})" if isinstance(rep, Blocks) else repr(rep) for rep in self.reps)

    @property
    def parts(self) -> tuple[Rep, ...]:
        return self.reps

    @property
    def text(self) -> str:
        sums = [isinstance(rep, Blocks) or (isinstance(rep, Irreps) and "+" in rep.text) for rep in self.reps]
        return " * ".join(f"({word(rep)})" if inside else word(rep) for rep, inside in zip(self.reps, sums, strict=True))

    @property
    def mixes(self) -> tuple[int, ...] | None:
        each = [rep.mixes for rep in self.reps]
        known = {axis for axes in each if axes is not None for axis in axes}
        return None if None in each else tuple(sorted(known))

    def look(self, group: Monoid, shape: Shape) -> Look:
        """That of the part that tells most: the members of a set may be points. Of both axes of a matrix, a graph's."""
        if sorted(rep.axis for rep in self.reps if isinstance(rep, Permute)) == [-2, -1]:
            return "adjacency"
        looks = [rep.look(group, shape) for rep in self.reps]
        return next((look for look in looks if look not in ("", "set")), "set" if "set" in looks else "")

    def fibre(self, group: Monoid) -> Shape | None:
        """That of the one among them that isn't of a single number."""
        found = {rep.fibre(group) for rep in self.reps} - {()}
        return () if not found else found.pop() if len(found) == 1 else None

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        for rep in self.reps:
            x = rep.pooled(group, x)
        return x

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        for rep in reversed(self.reps):
            x = rep.act(group, g, x)
        return x

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        for rep in self.reps:
            reason = rep.misfit(group, shape)
            if reason is not None:
                return reason
        for i, a in enumerate(self.reps):
            for b in self.reps[i + 1 :]:
                if not (a.trivial or b.trivial) and not self._commute(a, b, group, shape[len(shape) - self.rank :]):
                    return (
                        f"{a} and {b} don't commute under {group}, and so aren't a rep together: the one after the other isn't "
                        f"the other after the one. Let them act by different factors of a product group, or on different axes"
                    )
        return None

    def _commute(self, a: Rep, b: Rep, group: Monoid, shape: Shape) -> bool:
        """Tried on a few elements; what doesn't commute differs in the first digits, what does agrees in half of them.

        Interpolating actions commute up to their own error, which they report themselves.
        """
        if not (a.exact and b.exact):
            return True
        rng = Generator().manual_seed(0)
        g, h = group.sample(2 * _TRIED, rng).chunk(2)
        x = self.sample(group, shape, _TRIED, rng)
        left, right = a.act(group, g, b.act(group, h, x)), b.act(group, h, a.act(group, g, x))
        if a.discrete and b.discrete:
            return torch.equal(left, right)
        gap, size = (left - right).abs().max(), torch.maximum(left.abs(), right.abs()).max()
        return bool(gap <= torch.finfo(torch.float64).eps ** 0.5 * size)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (Permute(axis=-2) * Permute(axis=-1), Symmetric(4), (4, 4)),
            (PseudoScalar() * Cartesian(2), O(3), (2, 3, 3)),
            (PseudoScalar() * Scalar() * Irreps("1o+0e"), O(3), (4,)),
            (ScaleBy(-1) * PseudoScalar() * Vector(), Sim(2), (4, 2)),
            (Relabel() * Permute(axis=-2), Symmetric(5), (5, 2)),
            (Permute() * Point(), Product((E(3), Symmetric(5))), (5, 3)),
            (Permute() * (2 * Scalar() + Irreps("1o")), Product((O(3), Symmetric(4))), (4, 5)),
            (Relabel() * Permute(axis=-1, of="edges"), Product((Symmetric(4), Symmetric(6, "edges"))), (2, 6)),
            (Roll(axes=(-3, -2)) * Spinor(), Product((SU(2), Translations((4, 3)))), (4, 3, 2)),
        ]


_TRIED = 8  # pairs of elements: two of S_3, of all groups that don't commute the smallest, commute half of the time


@dataclass(frozen=True, init=False, repr=False)
class Blocks(Combined):
    """The direct sum: blocks one after another along the last axis, each acted on by its rep. `4 * Scalar() + 2 * Vector()`.

    Each block holds so many copies of what its rep acts on: `(Scalar(), 4)` takes 4 entries, `(Vector(), 2)` in space 6,
    `(Cartesian(2), 1)` 9, row by row.
    """

    blocks: tuple[tuple[Rep, int], ...]

    name = "blocks"

    def __init__(self, *blocks: Rep | tuple[Rep, int]) -> None:
        pairs: list[tuple[Rep, int]] = []
        for block in blocks:
            pairs += block.blocks if isinstance(block, Blocks) else [(block, 1)] if isinstance(block, Rep) else [block]
        are_reps("Blocks", [rep for rep, _ in pairs])
        for rep, copies in pairs:
            if not isinstance(copies, int) or copies < 1:
                raise ClaimError(f"Blocks: there are {copies!r} copies of {rep}. Give a whole number of 1 or more.")
        object.__setattr__(self, "blocks", tuple(pairs))

    def __repr__(self) -> str:
        return " + ".join(_times(copies, rep, repr(rep), " * ") for rep, copies in self.blocks)

    @property
    def parts(self) -> tuple[Rep, ...]:
        return tuple(rep for rep, _ in self.blocks)

    @property
    def text(self) -> str:
        return " + ".join(_times(copies, rep, word(rep), " ") for rep, copies in self.blocks)

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def fibre(self, group: Monoid) -> Shape:
        return (sum(copies * math.prod(self._fibre(rep, group)) for rep, copies in self.blocks),)

    def pooled(self, group: Monoid, x: Tensor) -> Tensor:
        """Each copy of each block for itself."""
        return self._blockwise(group, x, lambda rep, block: rep.pooled(group, block))

    def _fibre(self, rep: Rep, group: Monoid) -> Shape:
        return _fibre(
            self, rep, group, f"Put what acts along an axis beside the sum, as in '{word(rep)} * (4 scalar + 2 vector)'"
        )

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self._blockwise(group, x, lambda rep, block: rep.act(group, g, block))

    def _blockwise(self, group: Monoid, x: Tensor, change: Callable[[Rep, Tensor], Tensor]) -> Tensor:
        """What becomes of each block `(n, ..., copies, *fibre)`, put together again."""
        blocks, start = [], 0
        for rep, copies in self.blocks:
            fibre = self._fibre(rep, group)
            size = copies * math.prod(fibre)
            block = x[..., start : start + size].reshape(*x.shape[:-1], copies, *fibre)
            blocks.append(change(rep, block).reshape(*x.shape[:-1], size))
            start += size
        return torch.cat(blocks, -1)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            for rep, copies in self.blocks:
                reason = rep.misfit(group, (copies, *self._fibre(rep, group)))
                if reason is not None:
                    return reason
            (size,) = self.fibre(group)
        except GroupError as error:
            return str(error)
        return wrong_size(self, group, shape, size)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (4 * Scalar() + 2 * Vector(), O(3), (5, 10)),
            (Point() + 2 * Cartesian(2) + PseudoScalar(), E(3), (22,)),
            (2 * (Scalar() + Vector()) + Irreps("1e+2e"), SO(3), (16,)),
            (Scalar() + Scalar(), SO(2), (2,)),
            (Spinor() + 2 * Scalar(), SU(2), (3, 4)),
        ]


def _times(copies: int, rep: Rep, text: str, by: str) -> str:
    """A term of a sum."""
    several = isinstance(rep, Irreps) and by == " " and (copies > 1 or "+" in rep.text)
    inside = isinstance(rep, (Blocks, Together)) or several
    text = f"({text})" if inside else text
    return text if copies == 1 else f"{copies}{by}{text}"


@dataclass(frozen=True)
class TensorProduct(Combined):
    """The tensor product of two linear reps: the last axis holds all products `a_i b_j`, flattened, j the faster.

    Its matrices are the Kronecker products of theirs.
    """

    a: Rep
    b: Rep

    name = "tensor_product"

    def __post_init__(self) -> None:
        are_reps("TensorProduct", self.parts)
        are_linear(self, self.parts, "so products of what it acts on don't transform by themselves")

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.a, self.b)

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return False

    @property
    def rank(self) -> int:
        return 1

    @property
    def mixes(self) -> tuple[int, ...]:
        return (-1,)

    def fibre(self, group: Monoid) -> Shape:
        a, b = self._fibres(group)
        return (math.prod(a) * math.prod(b),)

    def _fibres(self, group: Monoid) -> tuple[Shape, Shape]:
        next_step = "Use reps such as 'vector' or '2x1o', whose sizes the group tells"
        return _fibre(self, self.a, group, next_step), _fibre(self, self.b, group, next_step)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        a, b = self._fibres(group)
        m, n = math.prod(a), math.prod(b)
        batch = x.shape[:-1]
        right = self.b.act(group, g, x.reshape(*batch, m, *b)).reshape(*batch, m, n)
        both = self.a.act(group, g, right.mT.reshape(*batch, n, *a)).reshape(*batch, n, m)
        return both.mT.reshape(x.shape)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            fibres = self._fibres(group)
        except GroupError as error:
            return str(error)
        for rep, fibre in zip(self.parts, fibres, strict=True):
            reason = rep.misfit(group, fibre)
            if reason is not None:
                return reason
        return wrong_size(self, group, shape, self.fibre(group)[0])

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(Vector(), Vector()), O(3), (2, 9)),
            (cls(Irreps("1o+0e"), Vector()), SO(3), (12,)),
            (cls(Cartesian(2), PseudoScalar()), E(2), (4,)),
            (cls(Spinor(), Spinor(1)), SU(2), (6,)),
        ]


def word(rep: Rep) -> str:
    """How a rep is written in a claim, with the arguments that aren't the usual ones.

    >>> word(Permute(axis=-1)), word(Permute() * Point()), word(4 * Scalar() + 2 * Vector())
    ('permute(axis=-1)', 'permute * point', '4 scalar + 2 vector')
    """
    text = getattr(rep, "text", None)
    if isinstance(text, str):
        return text
    fields: Mapping[str, dataclasses.Field[Any]] = getattr(rep, "__dataclass_fields__", {})
    given = [(name, getattr(rep, name)) for name, field in fields.items() if getattr(rep, name) != field.default]
    return rep.name + (f"({', '.join(f'{name}={value!r}' for name, value in given)})" if given else "")


def are_reps(who: str, reps: Sequence[Rep]) -> None:
    if not reps:
        raise ClaimError(f"{who}() is made of nothing. Give it reps, such as Vector().")
    for rep in reps:
        if not isinstance(rep, Rep):
            raise ClaimError(f"{who}: {rep!r} is no rep. Use a rep such as Vector(), or write it all as one text.")


def are_linear(whole: Rep, reps: Sequence[Rep], consequence: str) -> None:
    for rep in reps:
        if not rep.linear:
            raise ClaimError(f"{whole}: {rep} isn't linear, {consequence}. Use a linear rep, such as 'vector'.")


def _fibre(whole: Rep, rep: Rep, group: Monoid, next_step: str) -> Shape:
    fibre = rep.fibre(group)
    if fibre is None:
        raise GroupError(f"{whole}: {group} doesn't tell on how many entries {rep} acts. {next_step}.")
    return fibre
