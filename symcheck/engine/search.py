"""Search: from the worst trials to worse ones near by in the group, so that a break on a thin set of elements is found.

Along the Lie algebra by random steps that shrink, which needs no derivative of the model: an output that jumps is just what
is sought. In a finite group to the neighbours, one generator away. Products step along all factors at once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from symcheck.engine.policy import Policy
from symcheck.groups import Group, Monoid


def search(
    group: Monoid,
    source: Tensor,
    g: Tensor,
    error: Tensor,
    ascend: Callable[[Tensor, Tensor], Tensor],
    rng: Generator,
    policy: Policy,
) -> tuple[Tensor, Tensor, Tensor]:
    """The inputs and elements of the best trials found from the worst of those given, and the errors there.

    `error` `(n,)` is what to raise; `ascend(source, g)` measures it at new trials.
    """
    worst = error.nan_to_num(nan=-1.0, posinf=-1.0).argsort(descending=True, stable=True)[: policy.search_starts]
    source, best, top = source[worst], g[worst], error[worst]
    rows, ways = torch.arange(len(worst)).repeat_interleave(policy.search_candidates), _ways(group)
    for step in policy.search_steps:
        tried = _near(group, best[rows], step, ways, rng)
        found = ascend(source[rows], tried).nan_to_num(nan=-1.0, posinf=-1.0).reshape(len(worst), -1)
        high, which = found.max(1)
        better = high > top
        chosen = tried.reshape(len(worst), -1, *g.shape[1:])[torch.arange(len(worst)), which]
        best = torch.where(better.reshape(-1, *[1] * (g.ndim - 1)), chosen, best)
        top = torch.where(better, high, top)
    return source, best, top


def _ways(group: Monoid) -> Tensor:
    """The generators of a group and their inverses; in a Lie group, whose component they leave, among many identities."""
    ways = group.generators()
    if not isinstance(group, Group) or not len(ways):
        return ways
    ways = torch.cat([ways, group.inverse(ways)])
    return torch.cat([group.identity(3 * len(ways)), ways]) if group.dimension else ways


def _near(group: Monoid, g: Tensor, step: float, ways: Tensor, rng: Generator) -> Tensor:
    """An element near each: `exp(step v) g` in a Lie group, and `s g` for a random one of the ways to others."""
    if isinstance(group, Group) and group.dimension:
        v = step * torch.randn(len(g), group.dimension, generator=rng, dtype=torch.float64)
        g = group.compose(group.exponential(v), g)
    return group.compose(ways[torch.randint(len(ways), (len(g),), generator=rng)], g) if len(ways) else g
