"""Convolutional networks on a periodic grid, under its translations Z_N^2.

A linear map of signals on a periodic grid commutes with every shift iff it is a circular convolution. So convolutions with
circular padding and pointwise nonlinearities are exactly equivariant (a segmenter), and a mean over the grid makes them
exactly invariant (a classifier). Zero padding tells a network where the border is.

A stride commutes with shifts by whole strides alone: of the four polyphase components x[i::2, j::2] it always keeps the same
one, and a shift by one puts another in that place. Adaptive polyphase sampling (APS; Chaman & Dokmanic 2021,
arXiv:2011.14214) keeps the component of the largest norm. A shift of x permutes the components and shifts them, which leaves
that choice alone: the pooled signal is shifted, and its mean unchanged. Only a tie between components that differ is decided
by place, and there APS fails: f jumps. Low-pass filters before the stride (BlurPool; Zhang 2019, arXiv:1904.11486) make the
violation small, but the nonlinearity after them makes new high frequencies, and so it isn't zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models._random import randomised
from models._tasks.images import placed
from models._training import Lesson, anew, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Examples, Grid

Padding = Literal["circular", "zeros"]


class AdaptivePolyphase(nn.Module):
    """Keeps the polyphase component of the largest L2 norm: `(n, channels, 2 h, 2 w) -> (n, channels, h, w)`.

    Law: pool(T_v x) = T_u pool(x) for every shift v and some shift u, but at ties.
    """

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
        power = parts.flatten(2).to(torch.promote_types(x.dtype, torch.float32)).square().sum(-1)  # a bfloat16 sum ties often
        chosen = power.argmax(1).reshape(-1, 1, 1, 1, 1).expand(-1, 1, *parts.shape[2:])
        return parts.gather(1, chosen).squeeze(1)


class BlurPool(nn.Module):
    """Keeps one polyphase component after the binomial low-pass filter [1 2 1] / 4 along each axis."""

    def forward(self, x: Tensor) -> Tensor:
        binomial = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        kernel = torch.outer(binomial, binomial).expand(x.shape[1], 1, 3, 3)
        around = functional.pad(x, (1, 1, 1, 1), mode="circular")
        return functional.conv2d(around, kernel, stride=2, groups=x.shape[1])


def features(channels: int, width: int, padding: Padding, pool: nn.Module) -> nn.Sequential:
    """Three convolutions with nonlinearities, and the pool after the second: `(n, channels, ...) -> (n, width, ...)`."""
    sizes = (channels, width), (width, width), (width, width)
    first, second, third = (nn.Conv2d(a, b, 3, padding=1, padding_mode=padding) for a, b in sizes)
    return nn.Sequential(first, nn.Tanh(), second, pool, nn.Tanh(), third, nn.Tanh())


class Segmenter(nn.Module):
    """Logits at each place: `(n, channels, height, width) -> (n, classes, height, width)`."""

    def __init__(self, channels: int = 3, classes: int = 4, width: int = 8, padding: Padding = "circular") -> None:
        super().__init__()
        self.features = features(channels, width, padding, nn.Identity())
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits


class Classifier(nn.Module):
    """Logits for the whole grid: `(n, channels, height, width) -> (n, classes)`."""

    def __init__(
        self,
        channels: int = 3,
        classes: int = 4,
        width: int = 8,
        padding: Padding = "circular",
        pool: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.features = features(channels, width, padding, pool or nn.Identity())
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).mean((-2, -1)))
        return logits


# The mean over a grid varies little from one noise image to the next: with ReLU and a gain of 1.5 its offset is 8 times its
# spread, which bfloat16 can't carry; with tanh and a gain of 2 it is twice. More gain brings the components of APS near ties.
GAIN = 2.0


def classifier() -> Classifier:
    return randomised(Classifier(), GAIN)


def segmenter() -> Segmenter:
    return randomised(Segmenter(), GAIN)


def adaptive_classifier() -> Classifier:
    """Strided, by adaptive polyphase sampling."""
    return randomised(Classifier(pool=AdaptivePolyphase()), GAIN)


def zero_padded_classifier() -> Classifier:
    return randomised(Classifier(padding="zeros"), GAIN)


def zero_padded_segmenter() -> Segmenter:
    return randomised(Segmenter(padding="zeros"), GAIN)


def max_pooled_classifier() -> Classifier:
    return randomised(Classifier(pool=nn.MaxPool2d(2)), GAIN)


def blur_pooled_classifier() -> Classifier:
    """At a gain at which tanh is nearly linear, and makes few new frequencies: off by a thousandth of the output."""
    return randomised(Classifier(pool=BlurPool()), gain=0.7)


def pooled_first() -> nn.Sequential:
    """Keeps one of the polyphase components of the image itself, where a test can make them tie."""
    return randomised(nn.Sequential(AdaptivePolyphase(), Classifier(1)), GAIN)


def mlp() -> nn.Sequential:
    """A network without any symmetry, for images of 8 x 8."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))


LESSON = Lesson(
    "tetrominoes",
    "Z_N^2",
    {"CNN": lambda: Classifier(1, width=16), "MLP": mlp},
    draw=placed,
    transform=anew(placed),
    goal=0.95,
)


def ties() -> Tensor:
    """Images whose polyphase components differ, but have the same norm: `(4, 1, 8, 8)`, of whole numbers."""
    parts = torch.stack([torch.randperm(16, generator=Generator().manual_seed(seed)) for seed in range(16)])
    return functional.pixel_shuffle(parts.reshape(4, 4, 4, 4).double(), 2)


_GRID, _EVEN = Grid(3, (8, 6)), Grid(3, (8, 6), multiple=2)
_CLASSES = Claim(Subject.built(classifier), "Z_N^2", domain=_GRID, inputs="roll", outputs="scalar")
_PLACES = Claim(Subject.built(segmenter), "Z_N^2", domain=_GRID, inputs="roll", outputs="roll")
_POOLED = Claim(Subject.built(adaptive_classifier), "Z_N^2", domain=_EVEN, inputs="roll", outputs="scalar")

_FIRST = Claim(Subject.built(pooled_first), "Z_N^2", domain=Grid(1, (8, 8), multiple=2), inputs="roll", outputs="scalar")

CLAIMS: tuple[Claim, ...] = (_CLASSES, _PLACES, _POOLED, _FIRST)

TWINS: tuple[Claim, ...] = (
    _CLASSES.twin(Subject.built(zero_padded_classifier), reason="zero padding makes the border unlike any other place"),
    _PLACES.twin(Subject.built(zero_padded_segmenter), reason="zero padding makes the border unlike any other place"),
    _POOLED.twin(Subject.built(max_pooled_classifier), reason="windows start at even places; an odd shift regroups the maxima"),
    _POOLED.twin(Subject.built(blur_pooled_classifier), reason="a blur before the stride weakens aliasing, but some is left"),
    replace(
        _FIRST,
        domain=Examples(ties()),
        expected="violated",
        reason="components that differ have the same norm, and the first in place is kept",
        id=f"{_FIRST.id}, at ties",
    ),
    Claim(
        Subject.built(classifier),
        "D_4",
        domain=Grid(3, (8, 8)),
        inputs="image",
        outputs="scalar",
        expected="violated",
        reason="a kernel isn't its own mirror image: a CNN has shifts alone",
    ),
)

if __name__ == "__main__":
    main(lesson=LESSON)
