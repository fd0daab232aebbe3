"""What still holds where a claim doesn't: its group's declared subgroups, each tried on the same inputs."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from symcheck.engine.measure import Sides, Sweep
from symcheck.engine.policy import Policy
from symcheck.engine.trials import Trials
from symcheck.errors import GroupError
from symcheck.groups import Homomorphism


def holding(
    sides: Sides, trials: Trials, floor: Tensor, policy: Policy, rng: torch.Generator
) -> Generator[int, None, tuple[str, ...]]:
    """The names of the largest subgroups that no trial violates. Those that move no input say nothing.

    All are tried in one sweep. `floor` `(n, L)` is that of the trials: elements of a subgroup are no noisier.
    """
    inclusions = sides.bound.group.subgroups()
    inputs = (trials.region_of == 0).nonzero().flatten()[: policy.subgroup_inputs]
    parts = []
    for inclusion in inclusions:
        known = inclusion.source.landmarks()[: policy.subgroup_elements // 2]
        g = torch.cat([known, inclusion.source.sample(policy.subgroup_elements - len(known), rng)])
        parts.append(inclusion(g))
    if not parts:
        return ()
    g = torch.cat([part.repeat(len(inputs), *[1] * (part.ndim - 1)) for part in parts])
    source = inputs.repeat_interleave(policy.subgroup_elements).repeat(len(parts))
    swept: Sweep = yield from sides.sweep(source, g)
    generic = floor[trials.region == 0].nan_to_num().amax(0)
    allowed = policy.slack * torch.maximum(generic, policy.single * swept.signal)
    kept = (swept.error <= allowed).all(-1).reshape(len(parts), -1).all(-1)
    moves = (swept.moved > policy.slack * torch.finfo(torch.float64).eps).reshape(len(parts), -1).any(-1)
    hold = [i for i, good in enumerate((kept & moves).tolist()) if good]
    implied = {i for i in hold for larger in hold if larger < i and _within(inclusions[larger], inclusions[i], parts[i])}
    return tuple(str(inclusions[i]) for i in hold if i not in implied)


def _within(larger: Homomorphism, smaller: Homomorphism, g: Tensor) -> bool:
    """Whether a subgroup, of which g are elements, lies in another: by listing that, or as it says itself."""
    try:
        every = set(map(str, larger(larger.source.elements()).tolist()))
    except GroupError:
        return not larger.name and str(smaller) in map(str, larger.source.subgroups())
    return every.issuperset(map(str, g.tolist()))
