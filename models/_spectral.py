"""Periodic signals by their frequencies: convolution at any resolution, and resampling from one to another."""

from __future__ import annotations

import torch
from torch import Tensor


def spectrum(x: Tensor) -> Tensor:
    """The Fourier transform along the last axis; of a precision too low for it in float32."""
    values: Tensor = torch.fft.fft(x.to(torch.promote_types(x.dtype, torch.float32)))
    return values


def frequencies(x: Tensor) -> Tensor:
    """The frequency of each entry of `spectrum(x)`, in periods per signal."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    found: Tensor = torch.fft.fftfreq(x.shape[-1], 1 / x.shape[-1], dtype=dtype, device=x.device)
    return found


def convolved(k: Tensor, x: Tensor) -> Tensor:
    """The mean over s of k(s) x(t - s), both real: an integral over the circle, which is the same at every resolution."""
    size = x.shape[-1]
    values: Tensor = torch.fft.irfft(_half(k) * _half(x), size)
    return (values / size).to(x.dtype)


def resampled(x: Tensor, size: int) -> Tensor:
    """P, or U where `size` is larger, of a real x: the frequencies below half of both lengths, on a grid of `size` samples."""
    kept = (min(size, x.shape[-1]) - 1) // 2 + 1
    resized: Tensor = torch.fft.irfft(_half(x)[..., :kept], size)
    return (resized * (size / x.shape[-1])).to(x.dtype)


def _half(x: Tensor) -> Tensor:
    """The frequencies from zero of a real x, which has the conjugates of the others: `spectrum` at half the work."""
    values: Tensor = torch.fft.rfft(x.to(torch.promote_types(x.dtype, torch.float32)))
    return values
