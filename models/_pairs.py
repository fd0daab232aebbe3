"""Who hears whom among the points of a cloud: everyone, or those near by.

A pair is a receiver and a sender; a point is a pair with itself, so that none hears nothing. Pairs are kept in the order of
their receivers, so that what a point hears lies side by side: along an axis where all hear all, in a segment of a list
elsewhere. Means over it are products of matrices or one pass through memory, the same at each call. Scattered additions take
longer, and on a GPU come in any order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from models._incidence import Ends, along, total


class Pairs(ABC):
    """The pairs of clouds of `(n, points)`. What is known of each is a tensor `(*pairs, channels)`, of whatever shape."""

    @abstractmethod
    def ends(self, receiver: Tensor, sender: Tensor) -> tuple[Tensor, Tensor]:
        """What each pair finds at its two ends: `(n, points, channels)` to what broadcasts to `(*pairs, channels)`."""

    @abstractmethod
    def mean(self, messages: Tensor) -> Tensor:
        """The mean of what each point hears: `(*pairs, channels) -> (n, points, channels)`."""

    @abstractmethod
    def mean_outer(self, weights: Tensor, arrows: Tensor) -> Tensor:
        """The mean of their outer products: `(*pairs, channels), (*pairs, dim) -> (n, points, channels, dim)`."""


Hears = Callable[[Tensor], Pairs]
"""Points `(n, points, dim)` to their pairs."""
Envelope = Callable[[Tensor], Tensor]
"""Squared distances to how much a pair counts."""


class AllPairs(Pairs):
    """Every point hears every point: pairs are `(n, points, points)`, receivers before senders."""

    def __init__(self, x: Tensor) -> None:
        self.points = x.shape[1]

    def ends(self, receiver: Tensor, sender: Tensor) -> tuple[Tensor, Tensor]:
        return receiver.unsqueeze(2), sender.unsqueeze(1)

    def mean(self, messages: Tensor) -> Tensor:
        return messages.mean(2)

    def mean_outer(self, weights: Tensor, arrows: Tensor) -> Tensor:
        return torch.einsum("nijc, nijd -> nicd", weights, arrows) / self.points


class ListedPairs(Pairs):
    """The pairs for which `listed (n, points, points)` is true: `(pairs,)`. Means are weighted by an envelope, if any."""

    def __init__(self, listed: Tensor, x: Tensor, envelope: Envelope = torch.ones_like) -> None:
        n, points, _ = listed.shape
        cloud, receiver, sender = listed.nonzero(as_tuple=True)  # row by row, and so sorted by receiver
        starts = functional.pad(listed.sum(-1).flatten().cumsum(0), (1, 0))
        self.clouds, self.sender = (n, points), Ends.of(cloud * points + sender, n * points)
        self.receiver = Ends(cloud * points + receiver, torch.arange(len(cloud), device=x.device), starts)
        a, b = self.ends(x, x)
        self.weight = envelope((a - b).square().sum(-1, keepdim=True))
        self.norm = total(self.weight, self.receiver)

    def ends(self, receiver: Tensor, sender: Tensor) -> tuple[Tensor, Tensor]:
        return along(receiver.flatten(0, 1), self.receiver), along(sender.flatten(0, 1), self.sender)

    def mean(self, messages: Tensor) -> Tensor:
        heard = total(self.weight * messages, self.receiver) / self.norm
        return heard.reshape(*self.clouds, messages.shape[-1])

    def mean_outer(self, weights: Tensor, arrows: Tensor) -> Tensor:
        outer = weights.unsqueeze(-1) * arrows.unsqueeze(-2)
        return self.mean(outer.flatten(1)).reshape(*self.clouds, *outer.shape[1:])


def squares(x: Tensor) -> Tensor:
    """The squared distance of each pair, `(n, points, points)`, by differences: by |a|^2 + |b|^2 - 2 ab digits are lost."""
    return sum((c.unsqueeze(2) - c.unsqueeze(1)).square() for c in x.detach().unbind(-1))  # type: ignore[return-value]


def within(cutoff: float) -> Hears:
    """Those nearer than a cutoff, by the weights (1 - |a|^2 / cutoff^2)^3: zero there, as are their first two derivatives."""

    def envelope(square: Tensor) -> Tensor:
        return (1 - square / cutoff**2).clamp_min(0) ** 3

    return lambda x: ListedPairs(squares(x) < cutoff**2, x, envelope)


def nearest(count: int) -> Hears:
    """So many nearest ones, oneself among them. Of two at one distance either may be taken: there the model jumps."""

    def hears(x: Tensor) -> Pairs:
        far = squares(x)
        chosen = far.topk(min(count, x.shape[1]), dim=-1, largest=False, sorted=False).indices
        return ListedPairs(torch.zeros_like(far, dtype=torch.bool).scatter(-1, chosen, True), x)

    return hears
