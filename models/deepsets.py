"""DeepSets (Zaheer et al. 2017, arXiv:1703.06114): functions of sets, under the permutations S_n of their points.

A linear map of n numbers commutes with every permutation iff its matrix has one number on the diagonal and one everywhere
else: W = a 1 + b 11^T. With features, the equivariant layer is y_i = A x_i + B pool(x) + c, where the pool is a sum, a mean
or a maximum: a point may look at itself and at all points, but not at some of them. Pointwise nonlinearities keep the law,
and a pool at the end makes the output invariant. Where sets of different sizes share a batch, a mask says which points are
there; it is an input like the others, and is permuted with the points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from models._random import randomised
from models._tasks.sets import shuffled, summed_up
from models._training import Lesson, determined, main, squared
from symcheck.claims import Claim, Subject
from symcheck.domains import PaddedSet, Set
from symcheck.properties import FormatInvariance

Pool = Callable[[Tensor, Tensor], Tensor]
"""`(n, points, features)` and a mask `(n, points)` to what each point hears of the others: `(n, 1 or points, features)`."""


def mean(x: Tensor, mask: Tensor) -> Tensor:
    """The mean of the points that are there; zero for the empty set."""
    present = mask.unsqueeze(-1)
    return x.masked_fill(~present, 0).sum(-2, keepdim=True) / present.sum(-2, keepdim=True).clamp_min(1)


class EquivariantLayer(nn.Module):
    """y_i = A x_i + B pool(x) + c: `(n, points, inputs) -> (n, points, outputs)`."""

    def __init__(self, inputs: int, outputs: int, pool: Pool) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.shared = nn.Linear(inputs, outputs, bias=False)
        self.pool = pool

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y: Tensor = self.own(x) + self.shared(self.pool(x, mask))
        return y


class PointLabeller(nn.Module):
    """Labels for each point in view of the others: `(n, points, features) -> (n, points, labels)`, zero where padded."""

    def __init__(self, features: int = 3, labels: int = 4, width: int = 32, layers: int = 3, pool: Pool = mean) -> None:
        super().__init__()
        sizes = [features, *[width] * (layers - 1), labels]
        self.layers = nn.ModuleList(EquivariantLayer(a, b, pool) for a, b in pairwise(sizes))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        mask = everywhere(x) if mask is None else mask
        absent = ~mask.unsqueeze(-1)
        x = x.masked_fill(absent, 0)  # so that not even NaN in the padding gets any further, nor into the gradient
        for i, layer in enumerate(self.layers):
            x = layer(torch.tanh(x) if i else x, mask)
        return x.masked_fill(absent, 0)


class SetClassifier(nn.Module):
    """Logits for a set: hidden labels of its points, pooled, then read: `(n, points, features) -> (n, classes)`."""

    def __init__(self, features: int = 3, classes: int = 4, width: int = 32, pool: Pool = mean) -> None:
        super().__init__()
        self.points = PointLabeller(features, width, width, pool=pool)
        self.head = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, classes))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        mask = everywhere(x) if mask is None else mask
        hidden = torch.tanh(self.points(x, mask))
        logits: Tensor = self.head(mean(hidden, mask).squeeze(-2))
        return logits


def everywhere(x: Tensor) -> Tensor:
    """The mask of a set without padding."""
    return x.new_ones(x.shape[:-1], dtype=torch.bool)


def set_classifier() -> SetClassifier:
    return randomised(SetClassifier())


def point_labeller() -> PointLabeller:
    return randomised(PointLabeller())


def position_weighted() -> SetClassifier:
    """Pools with weights that rise along the axis, as for a sequence whose latest entries matter most."""

    def pool(x: Tensor, mask: Tensor) -> Tensor:
        weight = torch.linspace(0.5, 1.5, x.shape[-2], dtype=x.dtype, device=x.device)
        return mean(x * weight.unsqueeze(-1), mask)

    return randomised(SetClassifier(pool=pool))


def so_far(x: Tensor, mask: Tensor) -> Tensor:
    """The mean of the points up to each: right for a stream, wrong for a set."""
    present = mask.unsqueeze(-1)
    return x.masked_fill(~present, 0).cumsum(-2) / present.cumsum(-2).clamp_min(1)


def running_mean() -> PointLabeller:
    return randomised(PointLabeller(pool=so_far))


def padded_at_the_end() -> SetClassifier:
    """Keeps of the mask only how many points there are, and pools that many from the front."""

    def pool(x: Tensor, mask: Tensor) -> Tensor:
        place = torch.arange(x.shape[-2], device=x.device)
        return mean(x, place < mask.sum(-1, keepdim=True))

    return randomised(SetClassifier(pool=pool))


def last_point() -> PointLabeller:
    """Tells each point of the last one before the padding, found at `mask.sum() - 1`, as one reads off an RNN's last state."""

    def pool(x: Tensor, mask: Tensor) -> Tensor:
        last = (mask.sum(-1) - 1).clamp_min(0).reshape(-1, 1, 1)
        return x.gather(-2, last.expand(-1, 1, x.shape[-1]))

    return randomised(PointLabeller(pool=pool))


def padding_counted() -> SetClassifier:
    """Keeps what stands in the padding out of its means, but divides by the length that sets are padded to."""

    def pool(x: Tensor, mask: Tensor) -> Tensor:
        return x.masked_fill(~mask.unsqueeze(-1), 0).mean(-2, keepdim=True)

    return randomised(SetClassifier(pool=pool))


def padded(count: int = 32, points: int = 8, features: int = 3) -> tuple[Tensor, Tensor]:
    """Sets of all sizes, the empty one too, and their masks. The padding is noise: zeros would hide a sum that reads it."""
    rng = Generator().manual_seed(0)
    x = torch.randn(count, points, features, generator=rng, dtype=torch.float64)
    size = torch.arange(count).unsqueeze(-1) % (points + 1)
    return x, torch.arange(points) < size


LESSON = Lesson(
    "mean, deviation, maximum",
    "S_n",
    {"DeepSets": lambda: SetClassifier(1, 3), "running mean": lambda: SetClassifier(1, 3, pool=so_far)},
    draw=summed_up,
    transform=shuffled,
    goal=0.98,
    loss=squared,
    score=determined,
    figure="R^2",
    steps=1000,
    batch=128,
    tests=2000,
)


def longer(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The same sets with more padding, of numbers that stand in them already."""
    more = x[..., :3, :]
    return torch.cat([x, more], -2), torch.cat([mask, mask.new_zeros(more.shape[:-1])], -1)


_FULL, _PADDED = Set(8, 3), PaddedSet(8, 3, least=0)
_MASKED = ("permute", "permute(axis=-1)")
_SET = Claim(Subject.built(set_classifier), "S_n", domain=_FULL, inputs="permute", outputs="scalar")
_POINTS = Claim(Subject.built(point_labeller), "S_n", domain=_FULL, inputs="permute", outputs="permute")
_PADDED_SET = Claim(Subject.built(set_classifier), "S_n", domain=_PADDED, inputs=_MASKED, outputs="scalar")
_PADDED_POINTS = Claim(Subject.built(point_labeller), "S_n", domain=_PADDED, inputs=_MASKED, outputs="permute")
_PADDING = replace(_PADDED_SET, properties=(FormatInvariance(longer),), id="deepsets.set_classifier: whatever the padding")

CLAIMS: tuple[Claim, ...] = (_SET, _POINTS, _PADDED_SET, _PADDED_POINTS, _PADDING)

TWINS: tuple[Claim, ...] = (
    _SET.twin(Subject.built(position_weighted), reason="the pool weighs points by their place"),
    _POINTS.twin(Subject.built(running_mean), reason="the pool is a cumulative sum, so a point hears only those before it"),
    _PADDED_SET.twin(Subject.built(padded_at_the_end), reason="the mask is read as a length, so padding must be at the end"),
    _PADDED_POINTS.twin(Subject.built(last_point), reason="the context is one point, found by its place before the padding"),
    _PADDING.twin(Subject.built(padding_counted), reason="the mean divides by the padded length, so padding makes it smaller"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
