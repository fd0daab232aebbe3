"""Attention on sets (Vaswani et al. 2017, arXiv:1706.03762; Lee et al. 2019, arXiv:1810.00825), under the permutations S_n.

Attention is message passing on the complete graph: each point hears all points, each as much as a function of the two says,

    y_i = sum_j softmax_j(q_i . k_j / sqrt(d)) v_j        q, k, v linear in x

A permutation of the points permutes rows and columns of that softmax alike, so that y is permuted with x. Layer norms and
perceptrons work on one point at a time, and keep the law. The read-out is attention as well, from learned queries that the
permutation doesn't move to the points, and so invariant. Exact in eval mode, up to the order of sums; dropout, if there were
any, would draw for each point apart.

In a padded batch a mask says which points are there. It is permuted with them, keys that aren't there get no weight, and
what stands in the padding doesn't count. Of the empty set, points hear nothing: zero.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._random import randomised
from models._tasks.sets import described, shuffled
from models._training import Lesson, determined, main, squared
from symcheck.claims import Claim, Subject
from symcheck.domains import Joint, PaddedSet, Set

Mask = Callable[[Tensor | None, Tensor], Tensor | None]
"""Which points are there, `(n, points)`, and queries `(n, queries, width)`, to which of them each query hears,
`(n, queries or 1, points)`. None is all of them: no mask is faster than one that masks nothing.
"""


def those_there(mask: Tensor | None, queries: Tensor) -> Tensor | None:
    return None if mask is None else mask.unsqueeze(-2)


class Attention(nn.Module):
    """From points `(n, points, width)` to queries `(n, queries, width)`, by several heads."""

    def __init__(self, width: int, heads: int, hears: Mask) -> None:
        super().__init__()
        self.heads, self.hears = heads, hears
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(self, queries: Tensor, points: Tensor, mask: Tensor | None = None) -> Tensor:
        q, k, v = (self._split(part) for part in (self.query(queries), *self.key_value(points).chunk(2, -1)))
        heard = self.hears(mask, queries)
        if heard is None:
            y = functional.scaled_dot_product_attention(q, k, v)
        else:
            some = heard.any(-1, keepdim=True)  # a softmax over nothing is NaN, as is its gradient: hear all, then none
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=(heard | ~some).unsqueeze(1))
            y = y.masked_fill(~some.unsqueeze(1), 0)
        mixed: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Attention among the points, then a perceptron on each: `(n, points, width) -> (n, points, width)`."""

    def __init__(self, width: int, heads: int, hears: Mask) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.attention = Attention(width, heads, hears)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed, mask)
        y: Tensor = x + self.perceptron(self.norms[1](x))
        return y


class PointTransformer(nn.Module):
    """Labels for each point in view of the others: `x (n, points, features), mask (n, points) -> (n, points, labels)`.

    Zero where there is no point. Without a mask all are there.
    """

    def __init__(self, features: int = 3, labels: int = 4, width: int = 32, heads: int = 4, hears: Mask = those_there) -> None:
        super().__init__()
        self.embed: nn.Module = nn.Linear(features, width)
        self.blocks = nn.ModuleList(Block(width, heads, hears) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, labels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        h = self.embed(_cleared(x, mask))  # so that not even NaN in the padding gets any further
        for block in self.blocks:
            h = block(h, mask)
        return _cleared(self.head(self.norm(h)), mask)


def _cleared(x: Tensor, mask: Tensor | None) -> Tensor:
    """With zeros where there is no point."""
    return x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0)


class SetTransformer(nn.Module):
    """Numbers for a set: hidden labels of its points, read by learned queries: `x, mask -> (n, outputs)`."""

    def __init__(
        self, features: int = 3, outputs: int = 4, width: int = 32, heads: int = 4, read: Mask = those_there, queries: int = 2
    ) -> None:
        super().__init__()
        self.points = PointTransformer(features, width, width, heads)
        self.queries = nn.Parameter(torch.randn(queries, width))
        self.attention = Attention(width, heads, read)
        self.head = nn.Sequential(nn.Linear(queries * width, width), nn.GELU(), nn.Linear(width, outputs))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        queries = self.queries.expand(len(x), -1, -1)
        read = self.attention(queries, self.points(x, mask), mask)
        y: Tensor = self.head(read.flatten(1))
        return y


class Refilled(nn.Module):
    """A model on sets whose padding is filled with other numbers: `(x, mask), filling (n, points, features)`.

    It doesn't depend on the filling, nor on how that is permuted, if nothing leaks through the mask.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, padded: tuple[Tensor, Tensor], filling: Tensor) -> Tensor:
        x, mask = padded
        y: Tensor = self.model(torch.where(mask.unsqueeze(-1), x, filling), mask)
        return y


class Positions(nn.Module):
    """Adds sines and cosines of each point's place: `(n, points, width)`, as for a sequence."""

    def forward(self, h: Tensor) -> Tensor:
        place = torch.arange(h.shape[-2], dtype=h.dtype, device=h.device).unsqueeze(-1)
        pace = 10.0 ** -torch.linspace(0, 2, h.shape[-1] // 2, dtype=h.dtype, device=h.device)
        return h + torch.cat([(place * pace).sin(), (place * pace).cos()], -1)


def those_before(mask: Tensor | None, queries: Tensor) -> Tensor:
    """Of the points that are there, each hears itself and those before it, as in a language model."""
    there = queries.new_ones(queries.shape[:-1], dtype=torch.bool) if mask is None else mask
    return there.unsqueeze(-2).expand(-1, queries.shape[-2], -1).tril()


class MaskedAtTheEnd(SetTransformer):
    """Keeps the padding out of the read-out alone: by then the points have heard it."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        read = self.attention(self.queries.expand(len(x), -1, -1), self.points(x), mask)
        y: Tensor = self.head(read.flatten(1))
        return y


def positioned(model: SetTransformer) -> SetTransformer:
    model.points.embed = nn.Sequential(model.points.embed, Positions())
    return model


def set_transformer() -> SetTransformer:
    return randomised(SetTransformer())


def point_transformer() -> PointTransformer:
    return randomised(PointTransformer())


def refilled() -> Refilled:
    return randomised(Refilled(SetTransformer()))


def with_positions() -> SetTransformer:
    return randomised(positioned(SetTransformer()))


def causal() -> PointTransformer:
    return randomised(PointTransformer(hears=those_before))


def leaky() -> Refilled:
    return randomised(Refilled(MaskedAtTheEnd()))


LESSON = Lesson(
    "set statistics",
    "S_n",
    {"set transformer": lambda: SetTransformer(1, 3), "with positions": lambda: positioned(SetTransformer(1, 3))},
    draw=described,
    transform=shuffled,
    goal=0.98,
    loss=squared,
    score=determined,
    figure="R^2",
    steps=500,
    lr=3e-3,
    batch=128,
    tests=2000,
)

_FULL, _PADDED = Set(8, 3), PaddedSet(8, 3, least=0)
_MASKED = ("permute", "permute(axis=-1)")
_SET = Claim(Subject.built(set_transformer), "S_n", domain=_PADDED, inputs=_MASKED, outputs="scalar")
_POINTS = Claim(Subject.built(point_transformer), "S_n", domain=_PADDED, inputs=_MASKED, outputs="permute")
_REFILLED = Claim(Subject.built(refilled), "S_n", domain=Joint(_PADDED, _FULL), inputs=("scalar", "permute"), outputs="scalar")

CLAIMS: tuple[Claim, ...] = (
    _SET,
    _POINTS,
    Claim(Subject.built(set_transformer), "S_n", domain=_FULL, inputs="permute", outputs="scalar"),
    Claim(Subject.built(point_transformer), "S_n", domain=_FULL, inputs="permute", outputs="permute"),
    _REFILLED,
)

TWINS: tuple[Claim, ...] = (
    _SET.twin(Subject.built(with_positions), reason="a point's place is encoded in its features"),
    _POINTS.twin(Subject.built(causal), reason="a point hears only those before it"),
    _REFILLED.twin(
        Subject.built(leaky), reason="the mask is applied in the read-out alone, so points hear the padding before it"
    ),
)

if __name__ == "__main__":
    main(lesson=LESSON)
