"""Inputs from the user's own generators: a function of a seed, or a Hypothesis strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from symcheck._tree import Leaves, Structure, flatten
from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError
from symcheck.placement import widened

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class Generated(Domain):
    """Inputs that a function makes: `function(n, rng)` gives n of them, a tree of tensors `(n, *shape)`.

    The function is called a few times at once, to see that it keeps what a domain promises: the same seed gives the same
    inputs, which differ, and torch's own random numbers are left alone. Floating-point inputs are widened to float64; the dtype
    that they had is taken for the one they are used in.

    >>> Generated(lambda n, rng: torch.rand(n, 4, generator=rng)).sample({}, 2, torch.Generator()).dtype
    torch.float64
    """

    def __init__(self, function: Callable[[int, Generator], Any]) -> None:
        if not callable(function):
            raise DomainError(f"Generated: {function!r} is no function. Give one of n and a torch.Generator, function(n, rng).")
        self._function = function
        first, structure = self._drawn(3, Generator().manual_seed(0))
        again, _ = self._drawn(3, Generator().manual_seed(0))
        other, _ = self._drawn(3, Generator().manual_seed(1))
        floating = [leaf.dtype for leaf in first if leaf.is_floating_point()]
        self.dtype = floating[0] if floating else None
        if not _same(first, again):
            raise DomainError(f"{self}: the same seed gave other inputs. Draw all random numbers with generator=rng.")
        if _same(first, other):
            raise DomainError(f"{self}: another seed gave the same inputs. Draw random numbers with generator=rng.")
        alike = [_same([leaf[:1] for leaf in first], [leaf[i : i + 1] for leaf in first]) for i in (1, 2)]
        if all(alike):
            raise DomainError(f"{self}: the inputs of one call are all the same. Draw n of them, as in torch.randn(n, 5, 3).")
        two, other_structure = self._drawn(2, Generator().manual_seed(0))
        if other_structure != structure or [leaf.shape[1:] for leaf in two] != [leaf.shape[1:] for leaf in first]:
            raise DomainError(f"{self}: 2 inputs and 3 inputs have different shapes. Give each input the same shapes.")

    def _drawn(self, n: int, rng: Generator) -> tuple[Leaves, Structure]:
        before = torch.get_rng_state()
        tree = self._function(n, rng)
        if not torch.equal(torch.get_rng_state(), before):
            torch.set_rng_state(before)
            raise DomainError(f"{self}: it draws from torch's own random numbers. Draw them with generator=rng.")
        leaves, structure = flatten(tree)
        if not leaves or any(leaf.ndim == 0 or len(leaf) != n for leaf in leaves):
            shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves) or "none"
            raise DomainError(f"{self}: for n = {n} it gave tensors of shapes {shapes}. Give each a leading axis of n.")
        for name, leaf in zip(structure.names(), leaves, strict=True):
            _check(leaf, f"{self}: input {name}".rstrip())
        return [leaf.detach().cpu() for leaf in leaves], structure

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        leaves, structure = self._drawn(n, rng)
        return structure.rebuild([widened(leaf) for leaf in leaves])

    def plain(self, layout: Layout) -> Mapping[str, Any]:
        """None: the function alone knows what an input is."""
        return {}

    def __repr__(self) -> str:
        return f"Generated({getattr(self._function, '__qualname__', self._function)})"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        def weighted(n: int, rng: Generator) -> Any:
            return {"x": torch.randn(n, 4, 3, generator=rng), "weight": torch.rand(n, 4, generator=rng)}

        def coloured(n: int, rng: Generator) -> Any:
            return torch.randn(n, 5, generator=rng), torch.randint(7, (n, 6), generator=rng)

        return [cls(weighted), cls(coloured)]


class FromStrategy(Domain):
    """Inputs that a Hypothesis strategy draws, one at a time: a tree of tensors, numpy arrays and numbers each.

    They follow from the seed. What the strategy shrinks to is a structured input. Hypothesis draws number by number, so that
    large inputs take long and have most entries equal; prefer `Generated` for those. All inputs must have the same shapes.

    >>> from hypothesis import strategies as st
    >>> triples = st.tuples(*[st.floats(-1, 1, allow_subnormal=False)] * 3)
    >>> FromStrategy(triples.map(torch.tensor)).sample({}, 2, torch.Generator()).shape
    torch.Size([2, 3])
    """

    def __init__(self, strategy: SearchStrategy[Any]) -> None:
        from hypothesis.strategies import SearchStrategy

        if not isinstance(strategy, SearchStrategy):
            raise DomainError(f"FromStrategy({strategy!r}): that is no strategy. Give one of hypothesis.strategies.")
        self._strategy = strategy
        (leaves, self._structure), *_ = self._values(1, 0)
        self._shapes = [leaf.shape for leaf in leaves]
        floating = [leaf.dtype for leaf in leaves if leaf.is_floating_point()]
        self.dtype = floating[0] if floating else None

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        seed = int(torch.randint(2**62, (), generator=rng))
        drawn = self._values(n + 1, seed)  # the first is the simplest, whatever the seed
        rest = [leaves for leaves, _ in drawn[1:] or drawn]
        return self._stacked([rest[i % len(rest)] for i in range(n)])

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return {"the simplest that is drawn": self._stacked([self._values(1, 0)[0][0]])}

    def plain(self, layout: Layout) -> Mapping[str, Any]:
        """None: the strategy alone knows what an input is."""
        return {}

    def _stacked(self, inputs: list[Leaves]) -> Any:
        return self._structure.rebuild([widened(torch.stack(same)) for same in zip(*inputs, strict=True)])

    def _values(self, n: int, seed: int) -> list[tuple[Leaves, Structure]]:
        """Up to n values, fewer where the strategy has no more. The first is the simplest."""
        import hypothesis

        found: list[tuple[Leaves, Structure]] = []

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=n,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(self._strategy)
        def collect(value: Any) -> None:
            found.append(self._tensors(value))

        collect()
        return found[:n]

    def _tensors(self, value: Any) -> tuple[Leaves, Structure]:
        leaves, structure = flatten(_as_tensors(value))
        if not leaves:
            raise DomainError(f"{self}: it drew {value!r}, which holds no numbers. Draw tensors, arrays or numbers.")
        for name, leaf in zip(structure.names(), leaves, strict=True):
            _check(leaf, f"{self}: input {name}".rstrip())
        shapes = [leaf.shape for leaf in leaves]
        if shapes != getattr(self, "_shapes", shapes):
            words = " and ".join(", ".join(str(tuple(shape)) for shape in some) for some in (self._shapes, shapes))
            raise DomainError(f"{self}: it draws inputs of shapes {words}. Fix the shapes, and use one domain for each.")
        return leaves, structure

    def __repr__(self) -> str:
        return f"FromStrategy({self._strategy!r})"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        from hypothesis import strategies as st

        numbers = st.floats(-10, 10, allow_subnormal=False)
        rows = st.lists(numbers, min_size=4, max_size=4)
        pair = st.fixed_dictionaries({"x": rows.map(torch.tensor), "n": st.integers(0, 10**9)})
        return [cls(rows.map(torch.tensor)), cls(pair)]


def _as_tensors(value: Any) -> Any:
    """Arrays and numbers as tensors, wherever in the tree."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, (bool, int, float, complex)) or type(value).__module__ == "numpy":
        return torch.as_tensor(value)
    from symcheck._tree import split

    node = split(value)
    if node is None:
        return value
    children, make = node
    return make([_as_tensors(child) for _, child in children])


def _check(leaf: Tensor, who: str) -> None:
    if leaf.numel() == 0:
        raise DomainError(f"{who} has shape {tuple(leaf.shape)}, an empty set on which every claim is true. Draw entries.")
    if not leaf.isfinite().all():
        raise DomainError(f"{who} holds NaN or infinity. Draw finite numbers, as by floats(-1, 1).")


def _same(a: Leaves, b: Leaves) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(a, b, strict=True))
