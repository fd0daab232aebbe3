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
from dataclasses import KW_ONLY, dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck.errors import ClaimError, GroupError
from symcheck.groups import (
    GL,
    SE,
    SO,
    SU,
    E,
    Group,
    Homomorphism,
    Lorentz,
    Monoid,
    O,
    Product,
    Sim,
    Symmetric,
    Translations,
    U,
    cover,
)
from symcheck.groups.homomorphism import inclusion
from symcheck.reps.base import Look, Rep, Shape
from symcheck.reps.cartesian import Point, Scalar, Vector, matrix_act
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
        _are_reps("Together", reps)
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
        _are_reps("Blocks", [rep for rep, _ in pairs])
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
        if shape[-1] != size:
            return f"{self} under {group} acts on a last axis of size {size}"
        return None

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
        _are_reps("TensorProduct", self.parts)
        _are_linear(self, self.parts, "so products of what it acts on don't transform by themselves")

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
        if shape[-1] != self.fibre(group)[0]:
            return f"{self} under {group} acts on a last axis of size {self.fibre(group)[0]}"
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(Vector(), Vector()), O(3), (2, 9)),
            (cls(Irreps("1o+0e"), Vector()), SO(3), (12,)),
            (cls(Cartesian(2), PseudoScalar()), E(2), (4,)),
            (cls(Spinor(), Spinor(1)), SU(2), (6,)),
            (cls(Vector(), Dual(Vector())), GL(2), (2, 4)),
        ]


@dataclass(frozen=True)
class Dual(Combined):
    """The dual of a linear rep: the inverse transpose of its matrices, so that `sum(dual * x)` is invariant.

    Covectors, gradients and momenta of a general linear group are `Dual(Vector())`. Under an orthogonal rep it is the same,
    under a unitary one its conjugate.
    """

    rep: Rep

    name = "dual"

    def __post_init__(self) -> None:
        _are_reps("Dual", self.parts)
        _are_linear(self, self.parts, "and so has no matrix to invert and transpose")

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.rep,)

    @property
    def discrete(self) -> bool:  # type: ignore[override]
        return False

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    def fibre(self, group: Monoid) -> Shape | None:
        return self.rep.fibre(group)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        if self.trivial:
            return x
        fibre = self.rep.fibre(group)
        shape = tuple(x.shape[x.ndim - self.rank :]) if fibre is None else fibre
        matrix = self.rep.matrix(group, _group(self, group).inverse(g), shape).mT
        flat = x.reshape(*x.shape[: x.ndim - len(shape)], math.prod(shape))
        return matrix_act(matrix, flat).reshape(x.shape)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            _group(self, group)
        except GroupError as error:
            return str(error)
        return self.rep.misfit(group, shape)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [
            (cls(Vector()), O(3), (4, 3)),
            (cls(Cartesian(2)), SO(2), (3, 2, 2)),
            (cls(Irreps("2e+1o")), E(3), (8,)),
            (cls(Permute()), Symmetric(4), (2, 4, 2)),
            (cls(PseudoScalar()), O(2), (3,)),
            (cls(Vector()), GL(3), (4, 3)),
            (cls(Vector()), Lorentz(3), (4,)),
            (cls(Spinor()), SU(2), (2,)),
        ]


def _group(rep: Rep, group: Monoid) -> Group:
    if not isinstance(group, Group):
        raise GroupError(f"{rep}: {group} has no inverses, which a dual needs. Use a group, or the rep itself.")
    return group


@dataclass(frozen=True)
class Conjugate(Combined):
    """The complex conjugate of a linear rep: what acts on the conjugates of its tensors, as on antiquarks beside quarks."""

    rep: Rep

    name = "conjugate"

    def __post_init__(self) -> None:
        _are_reps("Conjugate", self.parts)
        _are_linear(self, self.parts, "and so its matrices can't be conjugated")

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.rep,)

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    def fibre(self, group: Monoid) -> Shape | None:
        return self.rep.fibre(group)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(group, g, x.conj()).conj().resolve_conj()

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return self.rep.misfit(group, shape)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        return [(cls(Vector()), O(3), (4, 3)), (cls(Spinor()), SU(2), (2, 2)), (cls(2 * Vector()), U(3), (6,))]


@dataclass(frozen=True)
class Via(Combined):
    """A rep of another group by way of a homomorphism: each element acts as its image does.

    By an inclusion it is the restriction to a subgroup; by a projection a product acts by one of its factors; by the cover of
    SO(3), SU(2) turns vectors.
    """

    rep: Rep
    homomorphism: Homomorphism

    name = "via"

    def __post_init__(self) -> None:
        _are_reps("Via", self.parts)

    def __repr__(self) -> str:
        return f"Via({self.rep}, {self.homomorphism.source} -> {self.homomorphism.target})"

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.rep,)

    @property
    def text(self) -> str:
        return f"{word(self.rep)} of {self.homomorphism.target}"

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    def fibre(self, group: Monoid) -> Shape | None:
        return self.rep.fibre(self.homomorphism.target)

    def look(self, group: Monoid, shape: Shape) -> Look:
        return self.rep.look(self.homomorphism.target, shape)

    def is_complex(self, group: Monoid) -> bool:
        return self.rep.is_complex(self.homomorphism.target)

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return self.rep.sample(self.homomorphism.target, shape, n, rng)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(self.homomorphism.target, self.homomorphism(g), x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        source = self.homomorphism.source
        try:
            target = self.homomorphism.target.bind(self.rep.sizes(shape))
        except GroupError as error:
            return f"{self}: {error}"
        if not _same(source, group):
            return f"{self} is for {source}, not for {group}"
        return self.rep.misfit(target, shape)

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        """The restriction to a subgroup, the projection R -> det(R) R to rotations, and the cover of the rotations."""
        proper = Homomorphism(O(3), SO(3), lambda g: torch.linalg.det(g).sign().reshape(-1, 1, 1) * g)
        return [
            (cls(Point(), inclusion(SE(3), E(3))), SE(3), (4, 3)),
            (cls(Irreps("2e"), proper), O(3), (5,)),
            (cls(Vector(), cover), SU(2), (4, 3)),
        ]


def _same(source: Monoid, group: Monoid) -> bool:
    """Whether a homomorphism from `source` is one from a bound group: from the same, or from that for any size."""
    try:
        return source.bind({}) == group
    except GroupError:  # its sizes aren't known
        return type(source) is type(group)


@dataclass(frozen=True)
class Factor(Combined):
    """A rep of one factor of a product group, by its number from 0, where several have the part that the rep asks for.

    Under SO(3) x SO(3), `Factor(Vector(), 1)` turns by the second rotation; `Vector()` by the first that there is.
    """

    rep: Rep
    index: int

    name = "factor"

    def __post_init__(self) -> None:
        _are_reps("Factor", self.parts)
        if not isinstance(self.index, int) or self.index < 0:
            raise ClaimError(f"{self}: factors are numbered 0, 1 and so on, in the order in which the group names them.")

    @property
    def parts(self) -> tuple[Rep, ...]:
        return (self.rep,)

    @property
    def text(self) -> str:
        return f"factor({word(self.rep)}, index={self.index})"

    @property
    def mixes(self) -> tuple[int, ...] | None:
        return self.rep.mixes

    def fibre(self, group: Monoid) -> Shape | None:
        return self.rep.fibre(self._factor(group))

    def look(self, group: Monoid, shape: Shape) -> Look:
        return self.rep.look(self._factor(group), shape)

    def is_complex(self, group: Monoid) -> bool:
        return self.rep.is_complex(self._factor(group))

    def sample(self, group: Monoid, shape: Shape, n: int, rng: Generator) -> Tensor:
        return self.rep.sample(self._factor(group), shape, n, rng)

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return self.rep.act(self._factor(group), self._product(group).split(g)[self.index], x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        try:
            return self.rep.misfit(self._factor(group), shape)
        except GroupError as error:
            return str(error)

    def _factor(self, group: Monoid) -> Monoid:
        return self._product(group).groups[self.index]

    def _product(self, group: Monoid) -> Product:
        if not isinstance(group, Product):
            raise GroupError(f"{self}: {group} is no product. Use the rep itself, {self.rep}.")
        if self.index >= len(group.groups):
            raise GroupError(f"{self}: {group} has {len(group.groups)} factors, numbered from 0. Use one of them.")
        return group

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        rotations = Product((SO(3), O(3)))
        return [
            (cls(Vector(), 1), rotations, (4, 3)),
            (cls(Vector(), 0) * Via(PseudoScalar(), rotations.projection(1)), rotations, (3,)),
            (TensorProduct(cls(Vector(), 0), cls(Vector(), 1)), rotations, (2, 9)),
        ]


Action = Callable[[Monoid, Tensor, Tensor], Tensor]
"""The group, elements `(n, *element)` and tensors `(n, *shape)` to tensors `(n, *shape)`."""


@dataclass(frozen=True, repr=False)
class Custom(Rep):
    """A rep that a function of yours computes: `function(group, g, x)`, `(n, *element), (n, *shape) -> (n, *shape)`.

    A check tries that it is a rep, on its own elements and tensors. `rank` is the number of trailing axes that it needs;
    `linear`, `discrete`, `exact` and `mixes` are as for every rep.

    >>> Custom(lambda group, g, x: x * group.linear(g)[:, 0, 0].reshape(-1, 1), name="along x", rank=1)
    Custom('along x')
    """

    function: Action
    _: KW_ONLY
    name: str = "custom"  # type: ignore[misc] # its own here, the class's elsewhere
    rank: int = 0
    linear: bool = True  # type: ignore[misc]
    discrete: bool = False  # type: ignore[misc]
    exact: bool = True  # type: ignore[misc]
    mixes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ClaimError(f"Custom: {self.function!r} is no function of a group, elements and tensors. Give one that acts.")

    @property
    def text(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Custom({self.name!r})"

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        y = self.function(group, g, x)
        if not isinstance(y, Tensor) or y.shape != x.shape:
            got = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else repr(y)
            raise ClaimError(f"{self} returned {got} for a tensor of shape {tuple(x.shape)}. Return one of the same shape.")
        return y.to(x)

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return None

    @classmethod
    def examples(cls) -> Sequence[tuple[Rep, Monoid, Shape]]:
        def first_column(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
            return matrix_act(group.linear(g), x)

        return [(cls(first_column, name="by matrices", rank=1, mixes=(-1,)), O(3), (4, 3))]


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


def _are_reps(who: str, reps: Sequence[Rep]) -> None:
    if not reps:
        raise ClaimError(f"{who}() is made of nothing. Give it reps, such as Vector().")
    for rep in reps:
        if not isinstance(rep, Rep):
            raise ClaimError(f"{who}: {rep!r} is no rep. Use a rep such as Vector(), or write it all as one text.")


def _are_linear(whole: Rep, reps: Sequence[Rep], consequence: str) -> None:
    for rep in reps:
        if not rep.linear:
            raise ClaimError(f"{whole}: {rep} isn't linear, {consequence}. Use a linear rep, such as 'vector'.")


def _fibre(whole: Rep, rep: Rep, group: Monoid, next_step: str) -> Shape:
    fibre = rep.fibre(group)
    if fibre is None:
        raise GroupError(f"{whole}: {group} doesn't tell on how many entries {rep} acts. {next_step}.")
    return fibre
