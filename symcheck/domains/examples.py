"""Domains made from the user's own inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck import _tree
from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError
from symcheck.placement import widened


class _FromTensors(Domain):
    """A domain of one layout, read off given tensors."""

    def __init__(self, tree: Any, who: str) -> None:
        self._leaves, self._structure = _tree.flatten(_tree.Args.of(tree))
        if not self._leaves:
            raise DomainError(
                f"{who.rstrip()} holds no tensors: {self._structure}. Give the tensors that the model takes; a tuple is its "
                f"positional arguments, and symcheck.Args(x, mask=mask) passes keywords too."
            )
        for name, leaf in zip(self._structure.names(), self._leaves, strict=True):
            if not any(other.numel() for other in self._leaves):
                raise DomainError(
                    f"{who}{name} has shape {tuple(leaf.shape)}, an empty set on which every claim is true. "
                    f"Give at least one entry along each axis."
                )
            if leaf.is_meta or leaf.is_quantized or leaf.is_nested:
                kind = "on device 'meta'" if leaf.is_meta else "nested" if leaf.is_nested else "quantized"
                raise DomainError(f"{who}{name} is {kind}. Give plain numbers, as torch.randn(8, 3) has.")
            if leaf.layout is not torch.strided:
                raise DomainError(f"{who}{name} is {str(leaf.layout).removeprefix('torch.')}. Give it dense: x.to_dense().")
            if not leaf.isfinite().all():
                raise DomainError(f"{who}{name} holds NaN or infinity. Give finite numbers.")
        floating = [leaf.dtype for leaf in self._leaves if leaf.is_floating_point()]
        self.dtype = floating[0] if floating else None
        self._leaves = [widened(leaf.detach().cpu()) for leaf in self._leaves]


class Examples(_FromTensors):
    """The user's own inputs and nothing else: the leading axis of every tensor counts them.

    >>> Examples(torch.zeros(4, 7, 3)).sample({}, 2, torch.Generator()).args[0].shape
    torch.Size([2, 7, 3])
    """

    def __init__(self, inputs: Any) -> None:
        super().__init__(inputs, "Examples: input ")
        counts = {tuple(leaf.shape[:1]) for leaf in self._leaves}
        if len(counts) != 1 or () in counts:
            shapes = ", ".join(str(tuple(leaf.shape)) for leaf in self._leaves)
            raise DomainError(f"Examples: the leading axes must be equal, one entry an input; the shapes are {shapes}.")

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        count = len(self._leaves[0])
        rounds = [torch.randperm(count, generator=rng) for _ in range(-(-n // count))]
        chosen = torch.cat(rounds)[:n]
        return self._structure.rebuild([leaf[chosen] for leaf in self._leaves])

    def plain(self, layout: Layout) -> Mapping[str, Any]:
        """None: the user's own inputs are all there are."""
        return {}

    def __repr__(self) -> str:
        return f"Examples({len(self._leaves[0])} inputs)"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(torch.arange(60.0).reshape(10, 2, 3)), cls({"a": torch.rand(9, 2), "b": torch.arange(9)})]


class Like(_FromTensors):
    """Inputs like one example: of its shapes, and with its mean and spread, tensor by tensor.

    The example itself is the first input. The others are normal with the mean and the standard deviation of the tensor's
    entries (standard normal where all are equal, as in `torch.zeros`), of one sign where the example has one. Integers,
    booleans, and floating-point tensors of whole numbers (masks, one-hot codes, atomic numbers) are kept as they are. If there
    are no other tensors, the numbers among these are drawn all the same, or else the integers from their own entries.

    The example may be a batch or a single input. `readings` offers both, and a check finds out which the model agrees with.
    """

    def __init__(self, example: Any) -> None:
        super().__init__(example, "example: input ")

    def readings(self, ranks: Sequence[int]) -> Sequence[Domain]:
        rows = self._rows(ranks)
        return [self._read(rows), self._whole] if any(rows) else [self._whole]

    @property
    def _whole(self) -> _Reading:
        return self._read((False,) * len(self._leaves))

    def _read(self, rows: tuple[bool, ...]) -> _Reading:
        return _Reading(self._structure, tuple(self._leaves), rows)

    def _rows(self, ranks: Sequence[int]) -> tuple[bool, ...]:
        """Which leaves have a leading axis that can be a batch axis: no rep acts on it, and all that vary share it.

        None, where an integer leaf would be left whole: its indices may count the entries of that axis (`edge_index`).
        """
        none = (False,) * len(self._leaves)
        vary = _drawn(self._leaves)
        heads = {tuple(leaf.shape[:1]) for leaf, varies in zip(self._leaves, vary, strict=True) if varies}
        free = all(leaf.ndim > rank for leaf, rank, v in zip(self._leaves, ranks, vary, strict=True) if v)
        if len(heads) != 1 or () in heads or not free:
            return none
        head = heads.pop()
        rows = tuple(tuple(leaf.shape[:1]) == head and leaf.ndim > rank for leaf, rank in zip(self._leaves, ranks, strict=True))
        return none if any(_index(leaf) and not row for leaf, row in zip(self._leaves, rows, strict=True)) else rows

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return self._whole.sample(layout, n, rng)

    @property
    def fixed(self) -> frozenset[int]:
        return self._whole.fixed

    def __repr__(self) -> str:
        return f"Like({', '.join(str(tuple(leaf.shape)) for leaf in self._leaves)})"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [cls(torch.rand(5, 3)), cls((torch.arange(4), torch.zeros(4, 2)))]


@dataclass(frozen=True)
class _Reading(Domain):
    """An example read as a batch (the leaves marked in `rows` hold one input an entry) or as a single input."""

    structure: _tree.Structure
    leaves: tuple[Tensor, ...]
    rows: tuple[bool, ...]

    @cached_property
    def _vary(self) -> list[bool]:
        return _drawn(self.leaves)

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        drawn = zip(self.leaves, self.rows, self._vary, strict=True)
        return self.structure.rebuild([_like(leaf, n, rows, varies, rng) for leaf, rows, varies in drawn])

    @property
    def fixed(self) -> frozenset[int]:
        return frozenset(i for i, (rows, varies) in enumerate(zip(self.rows, self._vary, strict=True)) if not (rows or varies))

    @property
    def kept(self) -> frozenset[int]:
        """Masks, codes and indices, where there are numbers besides."""
        return frozenset(i for i, varies in enumerate(self._vary) if not varies)

    @property
    def open(self) -> frozenset[int]:
        return frozenset(
            i
            for i, (leaf, varies) in enumerate(zip(self.leaves, self._vary, strict=True))
            if varies and leaf.is_floating_point()
        )

    @property
    def batched(self) -> bool | None:
        return any(self.rows)

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return [reading for domain in Like.examples() for reading in domain.readings((1, 1))]


def _like(leaf: Tensor, n: int, rows: bool, varies: bool, rng: Generator) -> Tensor:
    own = leaf if rows else leaf.unsqueeze(0)
    if not varies or leaf.numel() == 0:
        return own[torch.arange(n) % max(len(own), 1)]
    shape, entries = (n, *own.shape[1:]), leaf.reshape(-1)
    noise = torch.randn(shape, generator=rng, dtype=leaf.dtype) if _number(leaf) else leaf
    if not _number(leaf):
        drawn = entries[torch.randint(len(entries), shape, generator=rng)]
    elif bool((leaf == entries[0]).all()):
        drawn = noise
    else:
        drawn = leaf.mean() + leaf.std() * noise
        if not leaf.is_complex() and bool((leaf >= 0).all() | (leaf <= 0).all()):
            drawn = drawn.abs() * leaf.sign().sum().sign()
    drawn[:1] = own[:1]
    return drawn


def _drawn(leaves: Sequence[Tensor]) -> list[bool]:
    """Which leaves are drawn anew: numbers that aren't whole; where there are none, numbers but masks; or indices; or all."""
    numbers = [_number(leaf) for leaf in leaves]
    whole = [number and bool((leaf == leaf.real.round()).all()) for leaf, number in zip(leaves, numbers, strict=True)]
    zeros = [not bool(leaf.any()) for leaf in leaves]
    masks = [w and not z and bool(((leaf == 0) | (leaf == 1)).all()) for leaf, w, z in zip(leaves, whole, zeros, strict=True)]
    choices = (
        [n and (z or not w) for n, w, z in zip(numbers, whole, zeros, strict=True)],
        [n and not (m and bool((leaf == 0).any())) for n, m, leaf in zip(numbers, masks, leaves, strict=True)],
        [_index(leaf) for leaf in leaves],
        [True] * len(leaves),
    )
    return next(choice for choice in choices if any(choice))


def _number(leaf: Tensor) -> bool:
    return leaf.is_floating_point() or leaf.is_complex()


def _index(leaf: Tensor) -> bool:
    return not _number(leaf) and leaf.dtype != torch.bool
