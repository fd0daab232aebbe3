"""Screening: whether a group can act on the inputs and outputs in a certain way, on a few inputs, before it is audited."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from symcheck.discovery.world import World
from symcheck.engine.forward import ModelError
from symcheck.engine.noise import real, rms
from symcheck.errors import SymcheckError
from symcheck.groups import Monoid, from_string
from symcheck.reps import Rep, as_rep

Words = Sequence[str | Rep]

TRIED = 12
"""Elements, each on an input of its own: the landmarks of a group, then random ones."""


def bound(group: Monoid, reps: Sequence[Rep], shapes: Sequence[tuple[int, ...]]) -> Monoid | None:
    """The group for tensors of these shapes; None if it doesn't fit them."""
    sizes: dict[str, int] = {}
    try:
        for rep, shape in zip(reps, shapes, strict=True):
            if len(shape) < rep.rank:
                return None
            for name, size in rep.sizes(shape).items():
                if sizes.setdefault(name, size) != size:
                    return None
        group = group.bind(sizes)
        return None if any(r.misfit(group, s) for r, s in zip(reps, shapes, strict=True) if not r.trivial) else group
    except (SymcheckError, IndexError, RuntimeError):
        return None


def screened(world: World, group: Monoid | str, inputs: Words, candidates: Sequence[Words]) -> list[Rep] | None:
    """For each output leaf the first of its candidates that it follows; None if there is none, or the group does nothing."""
    found = from_string(group) if isinstance(group, str) else group
    reps = [as_rep(word) for word in inputs]
    whole = bound(found, reps, [tuple(x.shape[1:]) for x in world.like])
    if whole is None:
        return None
    known = whole.landmarks()[: TRIED // 2]
    g = torch.cat([known, whole.sample(TRIED - len(known), Generator().manual_seed(world.seed))])
    x = world.inputs(TRIED, 21)
    try:
        moved = [rep.act(whole, g, leaf) for rep, leaf in zip(reps, x, strict=True)]
        if all(torch.equal(a, b) for a, b in zip(moved, x, strict=True)):
            return None
        left, y = world.f.strict(moved), world.f.strict(x)
    except (ModelError, SymcheckError, RuntimeError):
        return None
    chosen = [first(world, whole, g, a, b, own) for a, b, own in zip(left, y, candidates, strict=True)]
    return None if any(rep is None for rep in chosen) else [rep for rep in chosen if rep is not None]


def first(world: World, group: Monoid, g: Tensor, left: Tensor, y: Tensor, candidates: Words) -> Rep | None:
    """The first rep that carries y to `left`, to a float32 rounding of its size: what is audited is judged by its noise."""
    for word in candidates:
        rep = as_rep(word)
        shape = tuple(y.shape[1:])
        try:
            number = y.is_floating_point() or y.is_complex()
            fits = rep.trivial or (len(shape) >= rep.rank and (number or rep.discrete) and rep.misfit(group, shape) is None)
            if fits and same(world, left, y if rep.trivial else rep.act(group, g, y)):
                return rep
        except (SymcheckError, RuntimeError, IndexError):
            continue
    return None


def same(world: World, a: Tensor, b: Tensor) -> bool:
    """Whether two outputs agree to a rounding in float32."""
    if a.shape != b.shape:
        return False
    if not a.is_floating_point() and not a.is_complex():
        return torch.equal(a, b)
    size = float(rms(real(b).double()).square().mean().sqrt())
    gap = rms(real(a).double() - real(b).double())
    return bool(gap.isfinite().all() and gap.max() <= world.policy.slack * world.policy.single * max(size, 5e-324))
