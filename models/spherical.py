"""Spherical CNNs: signals on the sphere, under its rotations SO(3).

A linear map of signals on the sphere commutes with every rotation iff it multiplies each degree l of their spherical
harmonics by one number (Schur's lemma): it is the convolution with a filter that is symmetric about the pole. With channels,
y_lm = W_l x_lm, and a bias at l = 0 alone: m must not matter (Cohen et al. 2018, arXiv:1801.10130; Esteves et al. 2018,
arXiv:1711.06721). Pointwise nonlinearities commute with rotations of the sphere, but not with sampling: phi(f) has higher
degrees than f, and on a grid that is too coarse these turn into lower ones. A polynomial of degree d makes degrees up to d L,
so it is exact on a grid whose quadrature is exact to (d + 1) L: equiangular latitudes from a res of (d + 1) L + 1 on, or Gauss
latitudes from half of that; this is the Gaunt product of tensor-product networks. ReLU makes all degrees, so its error
only falls with the grid, as res^-2.5. Local pooling drops the upper degrees. The power of each degree is invariant.

Weights for each (l, m), as Fourier neural operators have for each frequency, keep the symmetry about the polar axis alone.
So does a convolution along latitudes and longitudes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._random import randomised
from models._tasks.patterns import DEGREE, RES, patterns
from models._training import Lesson, anew, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Sphere
from symcheck.reps.spherical import SphericalTransform


class ZonalConvolution(nn.Module):
    """y_lm = W_l x_lm, and a bias at l = 0: `(..., inputs, (degree + 1)^2) -> (..., outputs, (degree + 1)^2)`."""

    degrees: Tensor

    def __init__(self, inputs: int, outputs: int, degree: int) -> None:
        super().__init__()
        self.degree = degree
        self.weight = nn.Parameter(torch.randn((degree + 1) * outputs, inputs) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("degrees", torch.arange((degree + 1) ** 2).sqrt().long(), persistent=False)

    def forward(self, a: Tensor) -> Tensor:
        weight = self.weight.reshape(self.degree + 1, -1, self.weight.shape[-1])[self.degrees]
        constant = functional.pad(self.bias.unsqueeze(-1), (0, a.shape[-1] - 1))
        return torch.einsum("koi, ...ik -> ...ok", weight, a) + constant


class Analysis(nn.Module):
    """Samples `(..., res, 2 res)` to coefficients `(..., (degree + 1)^2)`."""

    def __init__(self, transform: SphericalTransform) -> None:
        super().__init__()
        self.transform = transform

    def forward(self, x: Tensor) -> Tensor:
        return self.transform.analysis(x)


class Synthesis(Analysis):
    """Coefficients to samples."""

    def forward(self, x: Tensor) -> Tensor:
        return self.transform.synthesis(x)


class Quadratic(nn.Module):
    """x + x^2 / 2, of degree 2: a line for small values, and of one sign for larger ones."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.square() / 2


def on_grid(function: nn.Module, degree: int, res: int) -> nn.Sequential:
    """A pointwise function of signals that are given by coefficients, computed on Gauss latitudes and cut off at `degree`."""
    grid = SphericalTransform(degree, res, "gauss")
    return nn.Sequential(Synthesis(grid), function, Analysis(grid))


def quadratic(degree: int) -> nn.Sequential:
    """The quadratic on the coarsest grid that is fine enough: 2 res - 1 >= 3 degree."""
    return on_grid(Quadratic(), degree, 3 * degree // 2 + 1)


class LowPass(nn.Module):
    """Local pooling: keeps the degrees up to one."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.size = (degree + 1) ** 2

    def forward(self, a: Tensor) -> Tensor:
        return a[..., : self.size]


class Power(nn.Module):
    """The invariant of each channel and degree, log(1 + sum_m a_lm^2): `(..., c, (L + 1)^2) -> (..., c (L + 1))`."""

    def forward(self, a: Tensor) -> Tensor:
        parts = (a[..., l * l : (l + 1) ** 2] for l in range(math.isqrt(a.shape[-1])))
        return torch.stack([part.square().sum(-1) for part in parts], -1).flatten(-2).log1p()


class Segmenter(nn.Sequential):
    """Logits at each place: `(n, channels, res, 2 res) -> (n, classes, res, 2 res)`, both of degree `degree`."""

    def __init__(self, channels: int = 2, classes: int = 3, width: int = 8, degree: int = 4, res: int = 10) -> None:
        grid, sizes = SphericalTransform(degree, res), ((channels, width), (width, width), (width, classes))
        first, second, third = (ZonalConvolution(a, b, degree) for a, b in sizes)
        super().__init__(Analysis(grid), first, quadratic(degree), second, quadratic(degree), third, Synthesis(grid))


class Classifier(nn.Module):
    """Logits for a signal: `(n, channels, res, 2 res) -> (n, classes)`."""

    def __init__(self, channels: int = 2, classes: int = 4, width: int = 8, degree: int = 4, res: int = 10) -> None:
        super().__init__()
        half = degree // 2
        grid = SphericalTransform(degree, res)
        self.lift: nn.Module = nn.Sequential(Analysis(grid), ZonalConvolution(channels, width, degree))
        self.hidden = nn.Sequential(quadratic(degree), LowPass(half), ZonalConvolution(width, width, half), quadratic(half))
        self.head = nn.Sequential(Power(), nn.Linear(width * (half + 1), width), nn.Tanh(), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.hidden(self.lift(x)))
        return logits


class PerOrderConvolution(nn.Module):
    """y_lm = W_lm x_lm with complex numbers x_lm for each order, as a spherical Fourier operator might have them."""

    own: Tensor
    mirror: Tensor
    sign: Tensor

    def __init__(self, inputs: int, outputs: int, degree: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2 * (degree + 1) ** 2 * outputs, inputs) * inputs**-0.5)
        l = torch.arange((degree + 1) ** 2).sqrt().long()
        m = torch.arange((degree + 1) ** 2) - l * (l + 1)
        for name, index in {"own": l * (l + 1) + m.abs(), "mirror": l * (l + 1) - m, "sign": m.sign()}.items():
            self.register_buffer(name, index, persistent=False)

    def forward(self, a: Tensor) -> Tensor:
        real, imaginary = self.weight.reshape(2, a.shape[-1], -1, self.weight.shape[-1])[:, self.own]
        turned = self.sign * a[..., self.mirror]
        return torch.einsum("koi, ...ik -> ...ok", real, a) - torch.einsum("koi, ...ik -> ...ok", imaginary, turned)


class MapConvolution(nn.Conv2d):
    """A convolution along latitudes and longitudes: wrapped in longitude, the last latitude repeated."""

    def forward(self, x: Tensor) -> Tensor:
        wrapped = functional.pad(x, (1, 1, 0, 0), mode="circular")
        return super().forward(functional.pad(wrapped, (0, 0, 1, 1), mode="replicate"))


GAIN = 1.0  # squares of larger signals would lose digits
NEEDED = 7  # 7 Gauss latitudes are exact up to degree 13, and 3 x 4 = 12


def segmenter() -> Segmenter:
    return randomised(Segmenter(), GAIN)


def classifier() -> Classifier:
    return randomised(Classifier(), GAIN)


def relu_segmenter(res: int = 40) -> Segmenter:
    """ReLU in the place of the quadratics, on grids of so many latitudes."""
    model = Segmenter()
    model[2], model[4] = (on_grid(nn.ReLU(), DEGREE, res) for _ in range(2))
    return randomised(model)


def aliased() -> Segmenter:
    """The quadratics on one latitude fewer than they need."""
    model = Segmenter()
    model[2], model[4] = (on_grid(Quadratic(), DEGREE, NEEDED - 1) for _ in range(2))
    return randomised(model, GAIN)


def per_order() -> Segmenter:
    model = Segmenter()
    model[3] = PerOrderConvolution(8, 8, DEGREE)
    return randomised(model, GAIN)


def on_the_map() -> Classifier:
    model = Classifier()
    model.lift = nn.Sequential(MapConvolution(2, 8, 3), Analysis(SphericalTransform(DEGREE, RES)))
    return randomised(model, GAIN)


LESSON = Lesson(
    "patterns on the sphere",
    "SO(3)",
    {"spherical CNN": classifier, "CNN on the map": on_the_map},
    draw=patterns,
    transform=anew(patterns),
    goal=0.95,
    steps=200,
)

_SIGNALS, _SIGNAL = Sphere(DEGREE, RES, 2), f"spherical(degree={DEGREE}, res={RES})"
_PLACES = Claim(Subject.built(segmenter), "SO(3)", domain=_SIGNALS, inputs=_SIGNAL, outputs=_SIGNAL)
_CLASSES = Claim(Subject.built(classifier), "SO(3)", domain=_SIGNALS, inputs=_SIGNAL, outputs="scalar")
_ALONG = "roll(axes=(-1,))"

CLAIMS: tuple[Claim, ...] = (
    _PLACES,
    _CLASSES,
    Claim(Subject.built(classifier), "O(3)", domain=_SIGNALS, inputs=_SIGNAL, outputs="scalar"),
    Claim(
        Subject.built(relu_segmenter),
        "SO(3)",
        domain=_SIGNALS,
        inputs=_SIGNAL,
        outputs=_SIGNAL,
        tolerance=0.05,
        id="spherical.relu_segmenter: SO(3), converging",
        reason="the error falls as res^-2.5; on 40 latitudes 0.01 of the output, and 0.02 in its worst entry",
    ),
    Claim(
        Subject.built(per_order),
        "Z_N",
        domain=_SIGNALS,
        inputs=_ALONG,
        outputs=_ALONG,
        reason="exact on a subgroup: the turns about the polar axis that carry the grid into itself",
    ),
)

TWINS: tuple[Claim, ...] = (
    _PLACES.twin(Subject.built(relu_segmenter), reason="ReLU makes all degrees, and no grid carries all: it only converges"),
    _PLACES.twin(Subject.built(aliased), reason="the squares have degrees that the grid takes for lower ones"),
    _PLACES.twin(Subject.built(per_order), reason="a weight for each order knows the polar axis"),
    _CLASSES.twin(Subject.built(on_the_map), reason="a step along the map is longer at the equator than at the poles"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
