"""Direct products: elements of several groups side by side, each acting by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck.errors import GroupError
from symcheck.groups.base import Group, Monoid
from symcheck.groups.euclidean import SE, E
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations
from symcheck.groups.linear import Scaling
from symcheck.groups.symmetric import Symmetric
from symcheck.groups.unitary import SU, U

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Product(Monoid):
    """The direct product of monoids; a `Group` if all of them are groups. Products among them are flattened.

    An element is one row of numbers `(n, width)`: the elements of the factors, flattened, one after another. Rows are int64
    if all factors are, else float64, which holds integers exactly; complex numbers take two places each. `split` gives the
    elements of the factors back, `join` puts them together.

    Each part (`linear`, `permutation`, `phase`, ...) is that of the first factor that has it: under U(1) x SE(3), vectors are
    acted on by U(1), under SE(3) x U(1) by SE(3).

    >>> group = Product((SE(3), Symmetric())).bind({"points": 4})
    >>> str(group), group.element, isinstance(group, Group)
    ('SE(3) x S_4', (20,), True)
    """

    groups: tuple[Monoid, ...]

    notation = ("SE(3) x S_n",)

    def __new__(cls, groups: Iterable[Monoid] = ()) -> Product:
        every = all(isinstance(group, Group) for group in groups)
        return super().__new__(_ProductOfGroups if every else Product)

    def __post_init__(self) -> None:
        flat = [factor for group in self.groups for factor in (group.factors if isinstance(group, Product) else (group,))]
        object.__setattr__(self, "groups", tuple(flat))
        if not flat:
            raise GroupError("Product(()) has no factors. Give at least one group.")
        for factor in flat:
            if not isinstance(factor, Monoid):
                raise GroupError(f"Product: {factor!r} is no group. Give objects of symcheck.groups, such as SO(3).")

    def __str__(self) -> str:
        return " x ".join(map(str, self.groups))

    def __repr__(self) -> str:
        return f"Product({self.groups!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Product, (self.groups,)

    @classmethod
    def parse(cls, text: str) -> None:
        """None: `from_string` reads a product factor by factor."""
        return

    @classmethod
    def examples(cls) -> Sequence[Self]:
        made = [
            Product((SE(3), Symmetric(4))),
            Product((Translations((4, 6)), Symmetric(3))),
            Product((SU(2), E(2), Symmetric(3))),
            Product((Scaling(), U(1), Translations((5,)))),
        ]
        return [product for product in made if isinstance(product, cls)]

    # The factors

    @property
    def factors(self) -> tuple[Monoid, ...]:
        return self.groups

    def bind(self, sizes: Mapping[str, int]) -> Product:
        return Product(tuple(factor.bind(sizes) for factor in self.groups))

    def at_scale(self, length: float) -> Product:
        return Product(tuple(factor.at_scale(length) for factor in self.groups))

    @cached_property
    def _kinds(self) -> list[tuple[tuple[int, ...], torch.dtype]]:
        """The shape and dtype of an element of each factor."""
        ones = [factor.identity(1) for factor in self.groups]
        return [(tuple(one.shape[1:]), one.dtype) for one in ones]

    @cached_property
    def _widths(self) -> list[int]:
        """How many numbers of a row each factor takes."""
        return [math.prod(shape) * (2 if dtype.is_complex else 1) for shape, dtype in self._kinds]

    @cached_property
    def dtype(self) -> torch.dtype:
        """int64 if all factors are, else float64."""
        return torch.int64 if all(dtype == torch.int64 for _, dtype in self._kinds) else torch.float64

    @property
    def element(self) -> tuple[int, ...]:
        return (sum(self._widths),)

    def join(self, parts: Iterable[Tensor]) -> Tensor:
        """Elements of each factor `(n, *factor.element)` as elements `(n, width)`."""
        real = [torch.view_as_real(part.resolve_conj()) if part.is_complex() else part for part in parts]
        return torch.cat([part.reshape(len(part), math.prod(part.shape[1:])).to(self.dtype) for part in real], -1)

    def split(self, g: Tensor) -> tuple[Tensor, ...]:
        """The elements of each factor `(n, *factor.element)`, in their own dtypes."""
        found = []
        for (shape, dtype), part in zip(self._kinds, torch.split(g, self._widths, -1), strict=True):
            if dtype.is_complex:
                pairs = part.reshape(len(g), *shape, 2)
                found.append(torch.complex(pairs[..., 0], pairs[..., 1]).to(dtype))
            else:
                found.append(part.reshape(len(g), *shape).to(dtype))
        return tuple(found)

    def embed(self, factor: int, g: Tensor) -> Tensor:
        return self.join(g if i == factor else other.identity(len(g)) for i, other in enumerate(self.groups))

    def inclusion(self, factor: int) -> Homomorphism:
        """One factor into the product, the others being the identity."""
        return Homomorphism(self.groups[factor], self, lambda g: self.embed(factor, g))

    def projection(self, factor: int) -> Homomorphism:
        """The product onto one factor: the others are forgotten."""
        return Homomorphism(self, self.groups[factor], lambda g: self.split(g)[factor])

    def subgroups(self) -> tuple[Homomorphism, ...]:
        """A subgroup of one factor beside the others whole; then each factor, and the subgroups of each, by themselves."""
        if len(self.groups) == 1:
            return tuple(self.inclusion(0).after(part) for part in self.groups[0].subgroups())
        parts = [(i, part) for i, factor in enumerate(self.groups) for part in factor.subgroups()]
        into = [self.inclusion(i) for i in range(len(self.groups))]
        return (*(self._with(i, part) for i, part in parts), *into, *(self.inclusion(i).after(part) for i, part in parts))

    def _with(self, factor: int, part: Homomorphism) -> Homomorphism:
        """A subgroup of one factor beside the others whole."""
        source = Product((*self.groups[:factor], part.source, *self.groups[factor + 1 :]))
        last = factor + 1 + len(source.groups) - len(self.groups)  # a subgroup may be a product itself

        def put(g: Tensor) -> Tensor:
            own = source.split(g)
            inner = part.source.join(own[factor:last]) if isinstance(part.source, Product) else own[factor]
            return self.join((*own[:factor], part(inner), *own[last:]))

        words = [*map(str, self.groups[:factor]), str(part), *map(str, self.groups[factor + 1 :])]
        return Homomorphism(source, self, put, " x ".join(words) if part.name else "")

    # What it does, each factor by itself

    def identity(self, n: int) -> Tensor:
        return self.join(factor.identity(n) for factor in self.groups)

    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        pairs = zip(self.groups, self.split(g), self.split(h), strict=True)
        return self.join(factor.compose(a, b) for factor, a, b in pairs)

    def sample(self, n: int, rng: Generator) -> Tensor:
        """Independent elements of each factor: shuffled, as factors with several components take them in turn."""
        return self.join(factor.sample(n, rng)[torch.randperm(n, generator=rng)] for factor in self.groups)

    def generators(self) -> Tensor:
        """Those of each factor, the other factors being the identity."""
        return torch.cat([self.embed(i, factor.generators()) for i, factor in enumerate(self.groups)])

    def landmarks(self) -> Tensor:
        return torch.cat([self.embed(i, factor.landmarks()) for i, factor in enumerate(self.groups)])

    def contains(self, g: Tensor) -> Tensor:
        good = torch.ones(len(g), dtype=torch.bool)
        for factor, raw, part in zip(self.groups, torch.split(g, self._widths, -1), self.split(g), strict=True):
            if raw.is_floating_point() and part.dtype == torch.int64:
                good = good & ((raw == raw.round()) & raw.isfinite()).all(-1)
            good = good & factor.contains(part)
        return good

    def _defect(self, g: Tensor) -> str:
        for factor, part, raw in zip(self.groups, self.split(g.unsqueeze(0)), torch.split(g, self._widths), strict=True):
            if raw.isfinite().all() and not bool(factor.contains(part)):
                return f"its part in {factor} isn't there, {factor._defect(part[0])}"
        return super()._defect(g)

    def describe(self, g: Tensor) -> str:
        words = [factor.describe(part[0]) for factor, part in zip(self.groups, self.split(g.unsqueeze(0)), strict=True)]
        return ", ".join(word for word in words if word != "identity") or "identity"

    @property
    def order(self) -> int:
        return math.prod(factor.order for factor in self.groups)

    def complexity(self, g: Tensor) -> Tensor:
        """The sum over the factors."""
        measures = [factor.complexity(part) for factor, part in zip(self.groups, self.split(g), strict=True)]
        return torch.stack(measures).sum(0)

    def simpler(self, g: Tensor) -> Tensor:
        """Each factor's part alone, as it is and made simpler; then with each factor's part made simpler beside the others."""
        own = self.split(g.unsqueeze(0))
        found = [self.identity(1)]
        for i, (factor, part) in enumerate(zip(self.groups, own, strict=True)):
            tried = torch.cat([factor.identity(1), factor.simpler(part[0]), part])
            beside = [other.expand(len(tried), *other.shape[1:]) for other in own]
            found += [self.embed(i, tried), self.join([*beside[:i], tried, *beside[i + 1 :]])]
        return self._simplest_first(g, torch.cat(found))

    # The parts: each that of the first factor that has it

    def _part(self, name: str, g: Tensor, *of: str) -> Tensor:
        for factor, own in zip(self.groups, self.split(g), strict=True):
            try:
                found: Tensor = getattr(factor, name)(own, *of)
            except GroupError:
                continue
            return found
        lacks: Tensor = getattr(Monoid, name)(self, g, *of)  # raises, naming the product
        return lacks

    def linear(self, g: Tensor) -> Tensor:
        return self._part("linear", g)

    def translation(self, g: Tensor) -> Tensor:
        return self._part("translation", g)

    def permutation(self, g: Tensor, of: str = "points") -> Tensor:
        return self._part("permutation", g, of)

    def shift(self, g: Tensor) -> Tensor:
        return self._part("shift", g)

    @property
    def grid(self) -> tuple[int, ...]:
        for factor in self.groups:
            try:
                return factor.grid
            except GroupError:
                continue
        return super().grid

    def phase(self, g: Tensor) -> Tensor:
        return self._part("phase", g)

    def scale(self, g: Tensor) -> Tensor:
        return self._part("scale", g)

    def gauge(self, g: Tensor) -> Tensor:
        return self._part("gauge", g)

    def warp(self, g: Tensor) -> Tensor:
        return self._part("warp", g)

    def delay(self, g: Tensor) -> Tensor:
        return self._part("delay", g)

    def slopes(self, g: Tensor) -> Tensor:
        return self._part("slopes", g)


class _ProductOfGroups(Product, Group):
    """The direct product of groups."""

    @property
    def _groups(self) -> list[Group]:
        return [factor for factor in self.groups if isinstance(factor, Group)]

    def inverse(self, g: Tensor) -> Tensor:
        return self.join(factor.inverse(part) for factor, part in zip(self._groups, self.split(g), strict=True))

    def algebra(self) -> Tensor:
        """Those of the factors as blocks on the diagonal."""
        every = [factor.algebra() for factor in self._groups]
        kind = torch.complex128 if any(basis.is_complex() for basis in every) else torch.float64
        rows = sum(basis.shape[-1] for basis in every)
        whole = torch.zeros(sum(map(len, every)), rows, rows, dtype=kind)
        k = d = 0
        for basis in every:
            n, size, _ = basis.shape
            whole[k : k + n, d : d + size, d : d + size] = basis.to(kind)
            k, d = k + n, d + size
        return whole

    @property
    def dimension(self) -> int:
        return sum(factor.dimension for factor in self._groups)

    def exponential(self, v: Tensor) -> Tensor:
        parts = torch.split(v, [factor.dimension for factor in self._groups], -1)
        return self.join(factor.exponential(part) for factor, part in zip(self._groups, parts, strict=True))
