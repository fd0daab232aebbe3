"""What still holds where a claim doesn't: its group's declared subgroups, each tried on the same inputs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from symcheck.claims import Claim
from symcheck.engine.judge import judge
from symcheck.engine.measure import Reading, Sides, Sweep, evidence_of
from symcheck.engine.policy import Policy
from symcheck.engine.settings import Settings
from symcheck.engine.trials import Elements, Trials
from symcheck.errors import GroupError
from symcheck.groups import Homomorphism


def holding(sides: Sides, reading: Reading, claim: Claim, settings: Settings) -> Generator[int, None, tuple[str, ...]]:
    """The names of the largest subgroups that no trial violates. Those that move no input say nothing.

    They are tried on generic inputs and on those at which the claim broke, on one first, which leaves few, and judged by the
    noise of the reading: elements of a subgroup are no noisier.
    """
    policy, rng = settings.policy, claim.rng(settings.seed, "subgroups")
    inclusions = sides.bound.group.subgroups()
    parts = [inclusion(_elements(inclusion, policy, rng)) for inclusion in inclusions]
    if not parts:
        return ()
    inputs = _inputs(reading, claim, policy)
    tried = partial(_tried, parts, sides=sides, reading=reading, claim=claim, policy=policy)
    kept, moves = yield from tried(list(range(len(parts))), inputs[:1])
    kept, also = yield from tried(kept, inputs[1:])
    hold = [i for i in kept if i in moves or i in also]
    implied = {i for i in hold for larger in hold if larger < i and _within(inclusions[larger], inclusions[i], parts[i])}
    return tuple(str(inclusions[i]) for i in hold if i not in implied)


def _tried(
    parts: Sequence[Tensor], chosen: list[int], inputs: Tensor, *, sides: Sides, reading: Reading, claim: Claim, policy: Policy
) -> Generator[int, None, tuple[list[int], list[int]]]:
    """Which of the chosen subgroups, of which `parts` are elements, no trial violates, and which move an input."""
    if not chosen or not len(inputs):
        return chosen, []
    g = torch.cat([parts[i].repeat(len(inputs), *[1] * (parts[i].ndim - 1)) for i in chosen])
    source = inputs.repeat_interleave(policy.subgroup_elements).repeat(len(chosen))
    kin = torch.tensor(chosen).repeat_interleave(len(source) // len(chosen))
    swept: Sweep = yield from sides.sweep(source, g, kin)
    trials = replace(reading.trials, source=source, elements=Elements.of(g))
    found = replace(reading, trials=trials, sweep=swept, floor=_floor(reading, trials))
    violating = judge(evidence_of(("",) * swept.error.shape[1], found, swept), policy, "float64", claim.tolerance).violating
    broken = violating | swept.error.isnan().any(-1)
    moved = swept.moved > policy.slack * torch.finfo(torch.float64).eps
    breaks, moves = (each.reshape(len(chosen), -1).any(-1).tolist() for each in (broken, moved))
    return (
        [i for i, one in zip(chosen, breaks, strict=True) if not one],
        [i for i, one in zip(chosen, moves, strict=True) if one],
    )


def _elements(inclusion: Homomorphism, policy: Policy, rng: torch.Generator) -> Tensor:
    """Generators of a subgroup, whose products all others are, and other landmarks of it; then random elements of it."""
    source, most = inclusion.source, policy.subgroup_elements
    generators, landmarks = source.generators()[: most - 2], source.landmarks()
    again = (landmarks.unsqueeze(1) == generators).flatten(2).all(-1).any(1)
    known = torch.cat([generators, landmarks[~again]])[: max(most // 2, len(generators))]
    return torch.cat([known, source.sample(most - len(known), rng)])


def _inputs(reading: Reading, claim: Claim, policy: Policy) -> Tensor:
    """Which inputs they are tried on: the first generic ones, and as many of the structured ones at which the claim broke."""
    trials = reading.trials
    generic = (trials.region_of == 0).nonzero().flatten()[: policy.subgroup_inputs]
    names = ("",) * reading.sweep.error.shape[1]
    violating = judge(evidence_of(names, reading, reading.sweep), policy, "float64", claim.tolerance).violating
    broken = torch.unique(trials.source[violating & (trials.region > 0)])[: policy.subgroup_inputs]
    return torch.cat([generic, broken])


def _floor(reading: Reading, trials: Trials) -> Tensor:
    """The floor `(n, L)` of other trials: the highest known in the region of each."""
    known, highest = reading.trials.region, torch.zeros(len(trials), reading.floor.shape[1], dtype=torch.float64)
    for region in torch.unique(trials.region):
        highest[trials.region == region] = reading.floor[known == region].nan_to_num().amax(0)
    return highest


def _within(larger: Homomorphism, smaller: Homomorphism, g: Tensor) -> bool:
    """Whether a subgroup, of which g are elements, lies in another: as that says itself, or by listing it."""
    if str(smaller) in str(larger).split(" x "):
        return True
    if larger.contains is not None:
        return bool(larger.contains(g).all())
    try:
        every = set(map(str, larger(larger.source.elements()).tolist()))
    except GroupError:
        source, name = str(larger.source), str(larger)
        where = name.removeprefix(source)  # " about z": then its subgroups stand there too
        there = name.startswith(source) and str(smaller).endswith(where)
        return there and str(smaller).removesuffix(where) in map(str, larger.source.subgroups())
    return every.issuperset(map(str, g.tolist()))
