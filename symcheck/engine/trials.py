"""Drawing: the inputs and the group elements of a sweep, all from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symcheck._tree import Args, Leaves, flatten
from symcheck.claims import Claim
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, sample

GENERIC = "generic inputs"


@dataclass(frozen=True)
class Trials:
    """All trials of a sweep: M inputs, and for each trial the input it is of and an element. float64, on the CPU."""

    inputs: Leaves  # (M, *shape)
    region_of: Tensor  # (M,): which of the regions an input is of
    regions: tuple[str, ...]  # the first is GENERIC, the others name structured inputs
    source: Tensor  # (n,): which input a trial is of
    g: Tensor  # (n, *element)
    landmark: Tensor  # (n,): which of the group's landmarks the element is, or -1 if it was drawn

    @property
    def region(self) -> Tensor:
        return self.region_of[self.source]

    @property
    def random(self) -> Tensor:
        """(n,), bool: drawn from the trial distribution, neither a landmark nor a structured input."""
        return (self.landmark < 0) & (self.region == 0)

    def x(self, chosen: Tensor | slice) -> Leaves:
        """The inputs of some of the trials."""
        return [leaf[self.source[chosen]] for leaf in self.inputs]

    def __len__(self) -> int:
        return len(self.source)


def draw(claim: Claim, setup: Setup, trials: int, seed: int, policy: Policy) -> Trials:
    """`trials` trials on generic inputs, rounded up to as many for each input, and a few on each structured one."""
    group = setup.bound.group
    count = max(2, min(policy.inputs, trials))  # a spread needs two
    parts = [sample(setup.domain, count, claim.rng(seed, "inputs"))[0]]
    structured = setup.domain.structured(setup.domain.layout)
    parts += [flatten(Args.of(tree))[0] for tree in structured.values()]
    region_of = torch.cat([torch.full((len(leaves[0]),), label) for label, leaves in enumerate(parts)])

    rng, landmarks = claim.rng(seed, "elements"), group.landmarks()
    source, g, landmark = [], [], []
    for row, region in enumerate(region_of.tolist()):
        size = policy.structured_elements if region else -(-trials // count)
        known = landmarks[: size // 2] if region or row < policy.landmark_inputs else landmarks[:0]
        source.append(torch.full((size,), row))
        g.append(torch.cat([known, group.sample(size - len(known), rng)]))
        place = torch.arange(size)
        landmark.append(place.where(place < len(known), -1))
    inputs = [torch.cat(leaves) for leaves in zip(*parts, strict=True)]
    return Trials(inputs, region_of, (GENERIC, *structured), torch.cat(source), torch.cat(g), torch.cat(landmark))
