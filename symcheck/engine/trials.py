"""Drawing: the inputs and the group elements of a sweep, all from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from symcheck._tree import Args, Leaves, flatten
from symcheck.claims import Claim
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, sample
from symcheck.errors import GroupError
from symcheck.groups import Monoid
from symcheck.groups.base import LISTED

GENERIC = "generic inputs"


@dataclass(frozen=True)
class Elements:
    """Group elements `(n, *element)`, and why each is tried."""

    g: Tensor
    landmark: Tensor  # (n,): the rank among those that a person would try first, or -1
    factor: Tensor  # (n,): the only factor of a product group that it moves, or -1
    drawn: Tensor  # (n,), bool: drawn from the trial distribution

    @classmethod
    def of(cls, g: Tensor, *, landmark: Tensor | None = None, factor: int = -1, drawn: bool = False) -> Elements:
        none = torch.full((len(g),), -1)
        return cls(g, none if landmark is None else landmark, torch.full((len(g),), factor), torch.full((len(g),), drawn))

    @classmethod
    def join(cls, parts: list[Elements]) -> Elements:
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in ("g", "landmark", "factor", "drawn")))

    def __len__(self) -> int:
        return len(self.g)


@dataclass(frozen=True)
class Trials:
    """All trials of a sweep: M inputs, and for each trial the input it is of and an element. float64, on the CPU."""

    inputs: Leaves  # (M, *shape)
    region_of: Tensor  # (M,): which of the regions an input is of
    regions: tuple[str, ...]  # the first is GENERIC, the others name structured inputs
    source: Tensor  # (n,): which input a trial is of
    elements: Elements

    @property
    def g(self) -> Tensor:
        return self.elements.g

    @property
    def region(self) -> Tensor:
        return self.region_of[self.source]

    @property
    def random(self) -> Tensor:
        """(n,), bool: drawn from the trial distribution, neither chosen nor found by search nor on a structured input."""
        return self.elements.drawn & (self.region == 0)

    def x(self, chosen: Tensor | slice) -> Leaves:
        """The inputs of some of the trials."""
        return [leaf[self.source[chosen]] for leaf in self.inputs]

    def joined(self, source: Tensor, elements: Elements) -> Trials:
        """The same with more trials on the same inputs behind."""
        both = Elements.join([self.elements, elements])
        return replace(self, source=torch.cat([self.source, source]), elements=both)

    def few(self, count: int) -> Tensor:
        """Random trials, one on each of the first `count` generic inputs, by index."""
        chosen = self.random.nonzero().flatten()
        rows = self.source[chosen]
        return torch.stack(
            [chosen[rows == row][-1] for row in torch.unique(rows)[:count]]
        )  # the last: the first may be the identity

    def __len__(self) -> int:
        return len(self.source)


def draw(claim: Claim, setup: Setup, trials: int, seed: int, policy: Policy) -> Trials:
    """`trials` trials on generic inputs, rounded up to as many for each input, and a few on each structured one.

    A group with fewer elements than an input has trials is tried whole on every input.
    """
    every = _whole(setup.bound.group, trials // policy.inputs)
    count = max(2, min(policy.inputs, trials) if every is None else -(-trials // len(every)))  # a spread needs two
    parts = [sample(setup.domain, count, claim.rng(seed, "inputs"))[0]]
    structured = {**patterned(setup), **setup.domain.structured(setup.domain.layout)}
    parts += [flatten(Args.of(tree))[0] for tree in structured.values()]
    region_of = torch.cat([torch.full((len(leaves[0]),), label) for label, leaves in enumerate(parts)])

    if every is None:
        chosen = list(_some(setup.bound.group, region_of.tolist(), -(-trials // count), claim.rng(seed, "elements"), policy))
    else:
        chosen = [[every]] * len(region_of)
    source = torch.arange(len(region_of)).repeat_interleave(torch.tensor([sum(map(len, elements)) for elements in chosen]))
    inputs = [torch.cat(leaves) for leaves in zip(*parts, strict=True)]
    return Trials(inputs, region_of, (GENERIC, *structured), source, Elements.join([some for own in chosen for some in own]))


def patterned(setup: Setup) -> dict[str, Args]:
    """The patterns of the reps, by name, in the place of the leaves that the domain leaves open; of the size of its samples."""
    domain = setup.domain
    x, structure = sample(domain, 2, Generator().manual_seed(0))
    found: dict[str, Leaves] = {}
    for i in sorted(domain.open):
        for name, pattern in setup.bound.inputs[i].patterns(tuple(x[i].shape[1:])).items():
            size = pattern.square().mean().sqrt()
            fitted = pattern * (x[i].std() / size if size > 0 else 1.0)
            found.setdefault(name, [leaf[:1] for leaf in x])[i] = fitted.unsqueeze(0).to(x[i].dtype)
    return {name: structure.rebuild(leaves) for name, leaves in found.items()}


def _some(group: Monoid, regions: list[int], size: int, rng: Generator, policy: Policy) -> Iterator[list[Elements]]:
    """For each input landmarks, if they are to be tried there, and random elements up to `size`; then some of each factor."""
    known = group.landmarks()
    for row, region in enumerate(regions):
        size_here = policy.structured_elements if region else size
        landmarks = known[: size_here // 2 if region or row < policy.landmark_inputs else 0]
        found = [Elements.of(landmarks, landmark=torch.arange(len(landmarks)))]
        found.append(Elements.of(group.sample(size_here - len(landmarks), rng), drawn=True))
        for i, factor in enumerate(group.factors if len(group.factors) > 1 and not region else ()):
            found.append(Elements.of(group.embed(i, factor.sample(policy.factor_elements, rng)), factor=i))
        yield found


def _whole(group: Monoid, most: int) -> Elements | None:
    """All elements of a small finite group, those first that a person would try first."""
    try:
        if group.order > min(most, LISTED):
            return None
    except GroupError:
        return None
    g = group.elements()
    measure = group.complexity(g)
    rank = measure.argsort(stable=True).argsort()
    return replace(Elements.of(g, drawn=True), landmark=torch.where(measure > 0, rank, -1), factor=_alone(group, g))


def _alone(group: Monoid, g: Tensor) -> Tensor:
    """The only factor of a finite product that each element moves, or -1."""
    found = torch.full((len(g),), -1)
    for i, factor in enumerate(group.factors if len(group.factors) > 1 else ()):
        same = (g.unsqueeze(1) == group.embed(i, factor.elements())).flatten(2).all(-1).any(-1)
        found[same] = i
    found[group.complexity(g) == 0] = -1
    return found
