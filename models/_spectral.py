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
    """The mean over s of k(s) x(t - s): an integral over the circle, which is the same at every resolution."""
    values: Tensor = torch.fft.ifft(spectrum(k) * spectrum(x)).real
    return (values / x.shape[-1]).to(x.dtype)


def resampled(x: Tensor, size: int) -> Tensor:
    """P, or U where `size` is larger: the frequencies below half of both lengths, on a grid of `size` samples."""
    half = (min(size, x.shape[-1]) - 1) // 2
    values = spectrum(x)
    gap = values.new_zeros(*x.shape[:-1], size - 2 * half - 1)
    kept = torch.cat([values[..., : half + 1], gap, values[..., values.shape[-1] - half :]], -1)
    resized: Tensor = torch.fft.ifft(kept).real
    return (resized * (size / x.shape[-1])).to(x.dtype)
