"""Alias-free convolutional networks: images under shifts by any fraction of a sample, the torus (R/N)^2.

Samples on a periodic grid stand for a band-limited signal, which can be shifted by any distance: at frequency k by the phase
exp(-2 pi i k v / N). A circular convolution multiplies each frequency by a number, and commutes with that. A pointwise
nonlinearity commutes with shifts of the signal, but makes frequencies that the grid doesn't carry, and takes them for lower
ones. So it is computed on a finer grid, and the result cut back to the frequencies of the coarser (Karras et al. 2021,
arXiv:2106.12423). For a polynomial of degree d that is exact from (d + 1) / 2 times as many samples on: d times the highest
frequency K then comes back as no less than K. ReLU makes all frequencies, and its error only falls with the grid.

Shifts by whole samples need none of this, and can't tell these networks from a CNN.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from models import cnn
from models._random import randomised
from models._spectral import resampled
from symcheck.claims import Claim, Subject
from symcheck.domains import Grid


class OnFinerGrid(nn.Module):
    """A pointwise function of the signal that samples `(..., height, width)` stand for, on `factor` as many along each axis."""

    def __init__(self, function: nn.Module, factor: float) -> None:
        super().__init__()
        self.function, self.factor = function, factor

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        finer = resized(x, math.ceil(self.factor * height), math.ceil(self.factor * width))
        return resized(self.function(finer), height, width)


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """The signal on another grid, with the frequencies below half of both sizes."""
    return resampled(resampled(x, width).mT, height).mT


class Quadratic(nn.Module):
    """x + x^2 / 2."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.square() / 2


class Segmenter(nn.Sequential):
    """Logits at each place: `(n, channels, height, width) -> (n, classes, height, width)`."""

    def __init__(self, function: nn.Module, factor: float, channels: int = 3, classes: int = 4, width: int = 8) -> None:
        sizes = (channels, width), (width, width), (width, classes)
        first, second, third = (nn.Conv2d(a, b, 3, padding=1, padding_mode="circular") for a, b in sizes)
        super().__init__(first, OnFinerGrid(function, factor), second, OnFinerGrid(function, factor), third)


class Classifier(nn.Module):
    """Logits for an image: `(n, channels, height, width) -> (n, classes)`."""

    def __init__(self, function: nn.Module, factor: float, classes: int = 4) -> None:
        super().__init__()
        self.features = Segmenter(function, factor, classes=8)
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(8, classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).mean((-2, -1)))
        return logits


GAIN = 1.0  # squares of larger signals would lose digits


def linear() -> nn.Conv2d:
    """A convolution alone, which needs no finer grid."""
    return randomised(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), GAIN)


def segmenter() -> Segmenter:
    return randomised(Segmenter(Quadratic(), 1.5), GAIN)


def classifier() -> Classifier:
    return randomised(Classifier(Quadratic(), 1.5), GAIN)


def relu_segmenter(factor: float = 8) -> Segmenter:
    """ReLU in the place of the quadratics."""
    return randomised(Segmenter(nn.ReLU(), factor))


def aliased_segmenter() -> Segmenter:
    """The quadratics on a grid that is a quarter finer, and not a half."""
    return randomised(Segmenter(Quadratic(), 1.25), GAIN)


_GRID = Grid(3, (9, 7))
_PLACES = Claim(Subject.built(segmenter), "(R/N)^2", domain=_GRID, inputs="fourier_shift", outputs="fourier_shift")

CLAIMS: tuple[Claim, ...] = (
    Claim(Subject.built(linear), "(R/N)^2", domain=_GRID, inputs="fourier_shift", outputs="fourier_shift"),
    _PLACES,
    Claim(Subject.built(classifier), "(R/N)^2", domain=_GRID, inputs="fourier_shift", outputs="scalar"),
    Claim(
        Subject.built(relu_segmenter),
        "(R/N)^2",
        domain=_GRID,
        inputs="fourier_shift",
        outputs="fourier_shift",
        tolerance=0.03,
        reason="the error falls as factor^-2.4; on 8 times as many samples 0.003 of the output, and 0.01 in its worst entry",
        id="alias_free.relu_segmenter: (R/N)^2, converging",
    ),
)

TWINS: tuple[Claim, ...] = (
    _PLACES.twin(Subject.built(aliased_segmenter), reason="the squares have frequencies that the grid takes for lower ones"),
    _PLACES.twin(
        Subject.built(relu_segmenter), reason="ReLU makes all frequencies, and no grid carries all: it only converges"
    ),
    _PLACES.twin(Subject.built(cnn.segmenter), reason="tanh of the samples alone: a CNN has shifts by whole samples only"),
)
