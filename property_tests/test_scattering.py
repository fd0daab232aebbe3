"""Coarsening and stability: what scale separation promises, with its figures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor, nn

from models import scattering
from models._spectral import convolved, resampled, spectrum
from models._tasks.packets import noisy_packets
from models._training import cross_entropy as loss
from models.scattering import FourierModulus, LocalAverage, PooledFirst, Scattering, WaveletModulus, instability
from symcheck.groups import Scaling

EPS = float(torch.finfo(torch.float64).eps)
EXACT = 32 * EPS  # of a few Fourier transforms of some hundred samples
PITCHES = (50, 200, 800)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def gap(left: Tensor, right: Tensor) -> float:
    return float((left - right).norm() / right.norm())


# Coarsening


@pytest.mark.parametrize("size", [128, 65, 64, 31, 2, 1])
def test_coarsening_commutes_with_convolution(size: int) -> None:
    k, x = noise(128), noise(5, 128, seed=1)
    coarse = convolved(resampled(k, size), resampled(x, size))
    assert gap(resampled(convolved(k, x), size), coarse) <= EXACT


def test_dropping_samples_does_not() -> None:
    k, x = noise(128), noise(5, 128, seed=1)
    assert gap(convolved(k, x)[..., ::2], convolved(k[::2], x[..., ::2])) > 0.5


def test_coarsening_keeps_what_the_coarser_grid_carries() -> None:
    x = noise(3, 64)
    low = resampled(x, 31)
    assert gap(resampled(resampled(low, 64), 31), low) <= EXACT
    assert gap(spectrum(low)[..., :16] / 31, spectrum(x)[..., :16] / 64) <= EXACT
    t = torch.arange(64, dtype=torch.float64) / 64
    wave = (2 * torch.pi * 3 * t + 1).cos()
    assert gap(resampled(wave, 16), wave[::4]) <= EXACT
    assert float(resampled((2 * torch.pi * 20 * t).cos(), 16).abs().max()) <= EXACT


def test_the_mean_stays() -> None:
    x = noise(3, 64)
    assert gap(resampled(x, 7).mean(-1), x.mean(-1)) <= EXACT


def coarsening_constant(f: Callable[[Tensor], Tensor], x: Tensor, size: int) -> float:
    """The largest |P f(x) - f(P x)| / |x - U P x|, RMS: an estimate of the C of the bound, from below."""
    coarse = resampled(x, size)
    lost = x - resampled(coarse, x.shape[-1])
    error = resampled(f(x), size) - f(coarse)
    rms = [one.flatten(1).square().mean(-1).sqrt() * (one[0].numel() / one.shape[-1]) ** 0.5 for one in (error, lost)]
    return float((rms[0] / rms[1]).max())


def test_a_nonlinear_layer_is_off_by_no_more_than_what_was_lost() -> None:
    """The wavelet modulus makes no two signals differ more than they did, and neither does P: so C is at most 2.

    The estimate is 0.5. It isn't 0, as it is for a convolution: the modulus mixes frequencies.
    """
    x = noise(64, 256)
    constant = coarsening_constant(WaveletModulus(octaves=5), x, 64)
    assert 0.05 <= constant <= 1
    k = noise(256)

    def linear(x: Tensor) -> Tensor:
        return convolved(resampled(k, x.shape[-1]), x)

    assert coarsening_constant(linear, x, 64) <= EXACT


# Stability


def test_wavelet_features_are_stable_and_flat_in_frequency() -> None:
    """A dilation by 1 % changes them by 2 %, whatever the pitch."""
    figures = [instability(Scattering(), pitch) for pitch in PITCHES]
    assert all(0.015 <= figure <= 0.03 for figure in figures)
    assert max(figures) <= 1.2 * min(figures)


def test_the_fourier_modulus_is_not() -> None:
    figures = [instability(FourierModulus(), pitch) for pitch in PITCHES]
    assert [round(figure, 2) for figure in figures] == [0.08, 0.32, 1.06]


def test_a_smaller_dilation_changes_less_in_proportion() -> None:
    changes = [instability(Scattering(), 200, by=by) for by in (0.02, 0.01, 0.005)]
    assert all(1.8 <= larger / smaller <= 2.2 for larger, smaller in pairwise(changes))
    assert instability(Scattering(), 200, by=0.0) == 0


def test_an_average_makes_up_for_what_is_moved() -> None:
    """Late in the signal the same dilation moves a packet by a good part of its length."""

    def change(features: Callable[[Tensor], Tensor], by: float = 0.02) -> float:
        t = torch.arange(2048, dtype=torch.float64) / 2048
        before, after = (features(scattering.packet(t - tau, 200, 0.02, 0.9)) for tau in (0 * t, by * (t - 0.5)))
        return float((after - before).norm() / before.norm())

    assert change(WaveletModulus(octaves=8)) > 0.2
    assert change(Scattering(octaves=8, time=0.2)) < change(WaveletModulus(octaves=8)) / 3


def test_an_average_before_the_modulus_takes_all() -> None:
    """Of waves that are shorter than the window; one of 4 periods in a signal isn't."""
    x, modulus, mean = scattering.packets(), WaveletModulus(octaves=6), LocalAverage()
    short = modulus.centres(x) >= 16
    assert int(short.sum()) == 8
    left, right = mean(modulus.waves(x).real)[:, short], mean(modulus(x))[:, short]
    assert float(left.norm() / right.norm()) <= 1e-2


def test_the_wavelet_modulus_lets_no_two_signals_differ_more_than_they_did() -> None:
    for seed in range(8):
        x, y = noise(512, seed=seed), noise(512, seed=seed + 100)
        for near in (y, x + 1e-3 * y):
            for modulus in (
                WaveletModulus(octaves=6),
                WaveletModulus(octaves=6, voices=4),
                WaveletModulus(octaves=6, quiet=0.1),
            ):
                assert float((modulus(x) - modulus(near)).norm()) <= float((x - near).norm())


def test_the_wavelets_cover_their_octaves_evenly() -> None:
    """Between the lowest and the highest of them, the squares of the responses sum to one half at least."""
    modulus = WaveletModulus(octaves=6)
    lowest, highest = modulus.centres(noise(1))[[0, -1]].tolist()
    within = torch.linspace(lowest, highest, 1000, dtype=torch.float64)
    power = (modulus.responses(within).square() + modulus.responses(-within).square()).sum(0) / 2
    assert float(power.min()) >= 0.5
    assert abs(float(power.max()) - 1) <= 1e-3  # the peak is found on a grid of frequencies


def test_features_shift_with_the_signal() -> None:
    x = noise(4, 64)
    for f in (Scattering(octaves=3), WaveletModulus(octaves=3, quiet=0.1)):
        assert gap(f(x.roll(5, -1)), f(x).roll(5, -1)) <= EXACT
    assert gap(FourierModulus()(x.roll(5, -1)), FourierModulus()(x)) <= EXACT
    pooled = nn.Sequential(PooledFirst(octaves=3), LocalAverage())
    assert gap(pooled(x.roll(5, -1)), pooled(x).roll(5, -1)) > 0.05
    assert gap(pooled(x.roll(4, -1)), pooled(x).roll(4, -1)) <= EXACT


# The dilation that claims are made of


def test_played_signals_are_dilated() -> None:
    g = Scaling(0.01).sample(12, Generator().manual_seed(0))
    t = torch.arange(255, dtype=torch.float64) / 255
    middle = 127 / 255
    x = scattering.packets()
    pitches = [(pitch, centre) for pitch in (10, 20, 40, 80) for centre in (0.48, 0.5, 0.52)]
    slower = [
        scattering.packet(middle + (t - middle) / factor, pitch, 0.03, centre)
        for factor, (pitch, centre) in zip(g[:, 0, 0].tolist(), pitches, strict=True)
    ]
    assert gap(scattering.played(Scaling(), g, x), torch.stack(slower)) <= 1e-12  # what the packets have at the ends
    assert torch.equal(scattering.speed(Scaling(), g), (g[:, 0, 0] - 1).abs())


def test_playing_twice_is_playing_by_the_product() -> None:
    group, x = Scaling(0.01), scattering.packets()
    g, h = group.sample(12, Generator().manual_seed(0)), group.sample(12, Generator().manual_seed(1))
    twice = scattering.played(group, g, scattering.played(group, h, x))
    assert gap(twice, scattering.played(group, group.compose(g, h), x)) <= 1e-12
    assert gap(scattering.played(group, group.identity(12), x), x) <= EXACT


# Precisions, training, audits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_run(dtype: torch.dtype) -> None:
    x = noise(4, 64)
    for f in (Scattering(octaves=3), FourierModulus()):
        y = f(x.to(dtype))
        assert y.dtype == dtype
        assert gap(y.double(), f(x)) <= 8 * torch.finfo(dtype).eps


def test_double_speed_takes_every_other_sample() -> None:
    """There the kernel of the interpolation is 0 / 0 at whole periods, unless they are taken away."""
    x, twice = noise(1, 255), torch.full((1, 1, 1), 0.5, dtype=torch.float64)
    source = (2 * (torch.arange(255) - 127) + 127) % 255
    assert gap(scattering.played(Scaling(), twice, x), x[:, source]) <= 255 * EPS  # sines of up to 255 half turns


def test_silence_stays_silent_and_has_gradients() -> None:
    assert not Scattering(octaves=3, quiet=0.1)(torch.zeros(64, dtype=torch.float64)).any()
    x = torch.zeros(64, dtype=torch.float64, requires_grad=True)
    Scattering(octaves=3, quiet=0.1)(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_training_keeps_invariance() -> None:
    torch.manual_seed(0)
    model = scattering.classifier().double().train()
    x, pitch = noisy_packets(16, Generator().manual_seed(0))
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        loss(model, (x.double(), pitch)).backward()
        optimiser.step()
    with torch.no_grad():
        y = model(x.double())
        assert float((model(x.double().roll(77, -1)) - y).norm() / (y - y.mean(0)).norm()) <= EXACT


@pytest.mark.slow
def test_training_reaches_its_figures() -> None:
    row = scattering.LESSON.row()
    assert row["test"] >= 0.95
    assert row["transformed"] >= 0.95
    assert row["broken_test"] >= 0.95
    assert row["broken_transformed"] <= 0.75
