"""Scale separation: coarsening that commutes with convolution, and wavelet features that are stable to deformation.

Coarsening P keeps the frequencies that a coarser grid carries. Frequencies don't mix in a convolution, so P(k * x) = (P k) *
(P x): a linear layer may be moved to the coarser grid. A nonlinearity mixes them, and then only ||f(x) - f'(P x)|| <=
C ||x - U P x|| holds, with U the interpolation back.

A deformation x(t - tau(t)) moves a frequency w by w tau', far for a high w. So whatever knows frequencies to a fixed width,
as |Fourier transform| does, changes at high frequencies by as much as it can, however small tau' is. Wavelets know w to a
fixed part of w. Their modulus moves with the signal, and an average over a time T of that takes away what tau itself, at most
a part of T, has moved: ||f(x o (1 - tau)) - f(x)|| <= C ||tau'|| ||x|| with one C for all frequencies (Mallat 2012,
arXiv:1101.2286; Bruna, Mallat 2013, arXiv:1203.1513). An average before the modulus takes all: a wavelet has mean zero.

All filters are given by frequency, in periods per signal, so that one model serves signals of every length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from models._random import randomised
from models._spectral import convolved, frequencies, resampled, spectrum
from models._tasks.packets import noisy_packets
from models._training import Lesson, anew, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Examples, Grid
from symcheck.groups import Monoid, Scaling
from symcheck.properties import Coarsening, Stability
from symcheck.reps import Custom


class Convolution(nn.Module):
    """A convolution `(..., time) -> (..., time)` at any resolution, whose kernel is known at one of `size` samples."""

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(1, size))

    def forward(self, x: Tensor) -> Tensor:
        density = self.kernel[0] * self.kernel.shape[-1]
        return convolved(resampled(density, x.shape[-1]), x)


class WaveletModulus(nn.Module):
    """|x * psi_j| for analytic wavelets of `voices` an octave: `(..., time) -> (..., wavelets, time)`.

    psi_j is a Gaussian about the frequency w_j, with a width in proportion to w_j. They are scaled so that the squares of
    all responses sum to no more than |x|^2, and the modulus makes no two signals differ more than they did. Its kink at
    zero is rounded off for waves smaller than `quiet`: without that, silence is where rounding shows.
    """

    def __init__(self, lowest: float = 4.0, octaves: int = 9, voices: int = 2, quiet: float = 0.0) -> None:
        super().__init__()
        self.lowest, self.count, self.voices, self.quiet = lowest, octaves * voices, voices, quiet
        self.width, self.scale = 0.6 / voices, 1.0
        every = lowest * 2 ** torch.linspace(-2, octaves + 2, 64 * (octaves + 4), dtype=torch.float64)
        both = self.responses(every).square() + self.responses(-every).square()
        self.scale = float(both.sum(0).max() / 2) ** -0.5

    def centres(self, frequency: Tensor) -> Tensor:
        """The frequencies w_j, lowest first."""
        return self.lowest * 2 ** (torch.arange(self.count, dtype=frequency.dtype, device=frequency.device) / self.voices)

    def responses(self, frequency: Tensor) -> Tensor:
        """The Fourier transforms of the wavelets, `(wavelets, frequencies)`."""
        centre = self.centres(frequency).unsqueeze(-1)
        return self.scale * (-((frequency - centre) / (self.width * centre)).square() / 2).exp()

    def waves(self, x: Tensor) -> Tensor:
        waves: Tensor = torch.fft.ifft(spectrum(x).unsqueeze(-2) * self.responses(frequencies(x)))
        return waves

    def forward(self, x: Tensor) -> Tensor:
        return self.modulus(self.waves(x)).to(x.dtype)

    def modulus(self, waves: Tensor) -> Tensor:
        if not self.quiet:
            return waves.abs()
        return (waves.real.square() + waves.imag.square() + self.quiet**2).sqrt() - self.quiet


class PooledFirst(WaveletModulus):
    """Averages four samples at a time before the modulus, where the wave cancels, and not after."""

    def forward(self, x: Tensor) -> Tensor:
        waves = self.waves(x)
        means = waves.reshape(*waves.shape[:-1], -1, 4).mean(-1)
        return means.abs().repeat_interleave(4, -1).to(x.dtype)


class LocalAverage(nn.Module):
    """Averages over a Gaussian window whose standard deviation is `time`, as a part of the signal."""

    def __init__(self, time: float = 0.05) -> None:
        super().__init__()
        self.time = time

    def forward(self, x: Tensor) -> Tensor:
        window = (-(2 * math.pi * self.time * frequencies(x)).square() / 2).exp()
        means: Tensor = torch.fft.ifft(spectrum(x) * window).real
        return means.to(x.dtype)


class Scattering(nn.Sequential):
    """The local averages of wavelet moduli: `(..., time) -> (..., wavelets, time)`."""

    def __init__(self, octaves: int = 9, voices: int = 2, time: float = 0.05, quiet: float = 0.0) -> None:
        super().__init__(WaveletModulus(octaves=octaves, voices=voices, quiet=quiet), LocalAverage(time))


class FourierModulus(nn.Module):
    """|Fourier transform|, of the norm of x: `(..., time) -> (..., time)`. Invariant to shifts, but not stable."""

    def forward(self, x: Tensor) -> Tensor:
        modulus: Tensor = spectrum(x).abs() * x.shape[-1] ** -0.5
        return modulus.to(x.dtype)


class Classifier(nn.Module):
    """Logits for a signal: features, mixed at each time, averaged over time, and read: `(n, time) -> (n, classes)`."""

    def __init__(self, features: nn.Module, paths: int, classes: int = 4, width: int = 16) -> None:
        super().__init__()
        self.features = features
        self.mix = nn.Conv1d(paths, width, 1)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(self.mix(self.features(x)))
        logits: Tensor = self.head(hidden.mean(-1))
        return logits


def packet(t: Tensor, frequency: float, width: float = 0.036, centre: float = 0.5) -> Tensor:
    """A wave of that frequency in a Gaussian envelope, at the times t."""
    since = t - centre
    return (-(since / width).square() / 2).exp() * (2 * math.pi * frequency * since).cos()


def packets(size: int = 255) -> Tensor:
    """Packets of four pitches, each at three times, far from both ends and from the highest frequency: `(12, size)`."""
    t = torch.arange(size, dtype=torch.float64) / size
    return torch.stack([packet(t, pitch, 0.03, centre) for pitch in (10, 20, 40, 80) for centre in (0.48, 0.5, 0.52)])


def played(group: Monoid, g: Tensor, x: Tensor) -> Tensor:
    """Signals of an odd length played slower by `scale(g)` about their middle, by the trigonometric polynomial through them."""
    size = x.shape[-1]
    t = (torch.arange(size, dtype=torch.float64, device=x.device) - size // 2) / size
    gap = t.unsqueeze(-1) / group.scale(g).to(t).reshape(-1, 1, 1) - t
    gap = gap - gap.round()
    kernel = torch.sinc(size * gap) / torch.sinc(gap)
    return torch.einsum("n...j, nij -> n...i", x, kernel.to(x))


def speed(group: Monoid, g: Tensor) -> Tensor:
    """How strong a dilation is: |tau'|."""
    return (group.scale(g) - 1).abs()


def instability(features: Callable[[Tensor], Tensor], pitch: float, by: float = 0.01, size: int = 4096) -> float:
    """By how much the features of a packet change under the dilation t - by (t - 1/2), as a part of their norm."""
    t = torch.arange(size, dtype=torch.float64) / size
    before, after = (features(packet(t - tau, pitch)) for tau in (0 * t, by * (t - 0.5)))
    return float((after - before).norm() / before.norm())


def coarser(x: Tensor) -> Tensor:
    """P to half as many samples."""
    return resampled(x, x.shape[-1] // 2)


def decimated(x: Tensor) -> Tensor:
    """Every other sample, high frequencies and all."""
    return x[..., ::2]


def convolution() -> Convolution:
    return randomised(Convolution())


def nonlinear() -> nn.Sequential:
    return randomised(nn.Sequential(Convolution(), nn.Tanh()))


def scattering() -> Scattering:
    return Scattering(octaves=3)


def stable_scattering() -> Scattering:
    return Scattering(octaves=6, quiet=0.01)


def pooled_first() -> nn.Sequential:
    return nn.Sequential(PooledFirst(octaves=3), LocalAverage())


def classifier() -> Classifier:
    return randomised(Classifier(Scattering(octaves=6, voices=4), 24))


def fourier_classifier() -> Classifier:
    """Reads the Fourier modulus, a path for each frequency."""
    return randomised(Classifier(nn.Sequential(FourierModulus(), nn.Unflatten(-1, (-1, 1))), 512))


LESSON = Lesson(
    "pitches of wave packets",
    "dilations",
    {"scattering": classifier, "Fourier modulus": fourier_classifier},
    draw=noisy_packets,
    transform=anew(noisy_packets),
    goal=0.95,
    steps=200,
)

_NOISE, _PACKETS = Grid(1, (64,), multiple=4), Examples(noisy_packets(32, Generator().manual_seed(0))[0])
_ALONG, _PLAYED = "roll(axes=(-1,))", Custom(played, name="played", rank=1, exact=False)
_FEATURES = Claim(Subject.built(scattering), "Z_N", domain=_NOISE, inputs=_ALONG, outputs=_ALONG)
_STABLE = Claim(
    Subject.built(stable_scattering),
    Scaling(stretch=0.01),
    domain=Examples(packets()),
    inputs=_PLAYED,
    outputs="scalar",
    properties=(Stability(1.0, speed),),  # it is 0.5 at most pitches; of the Fourier modulus it is 1.6, 2.8, 5.4 and 11
)
_COARSER = Claim(
    Subject.built(convolution),
    "Z_N",
    domain=_NOISE,
    inputs=_ALONG,
    outputs=_ALONG,
    properties=(Coarsening(coarser, coarser),),
    id="scattering.convolution: coarsening",
)

CLAIMS: tuple[Claim, ...] = (
    _FEATURES,
    Claim(Subject.built(FourierModulus), "Z_N", domain=_NOISE, inputs=_ALONG, outputs="scalar"),
    Claim(Subject.built(classifier), "Z_N", domain=_PACKETS, inputs=_ALONG, outputs="scalar"),
    _STABLE,
    _COARSER,
)

TWINS: tuple[Claim, ...] = (
    _FEATURES.twin(Subject.built(pooled_first), reason="groups of four start at every fourth sample; the modulus fixes them"),
    _STABLE.twin(Subject.built(FourierModulus), reason="a frequency moves by a part of itself, and the bins are of one width"),
    _COARSER.twin(Subject.built(nonlinear), reason="tanh makes low frequencies of high ones, which the coarser grid hasn't"),
    replace(
        _COARSER,
        properties=(Coarsening(decimated, decimated),),
        expected="violated",
        reason="samples are dropped without a filter, and high frequencies come back as low ones",
        id=f"{_COARSER.id} by decimation",
    ),
)

if __name__ == "__main__":
    main(lesson=LESSON)
