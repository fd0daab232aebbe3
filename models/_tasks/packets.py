"""Wave packets of four pitches, played at their own speed or dilated."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor


def noisy_packets(count: int, rng: Generator, dilated: bool = False) -> tuple[Tensor, Tensor]:
    """Something to learn: packets `(count, 512)` at any time, in noise, and which of four pitches each has, `(count,)`.

    Pitches are 20 % apart. If dilated, each signal is played faster or slower by up to 8 %.
    """
    pitch = torch.randint(4, (count,), generator=rng)
    centre, phase, speed = torch.rand(3, count, 1, generator=rng)
    t = (torch.arange(512) / 512 - centre + 0.5) % 1 - 0.5
    t = t * (1 + 0.08 * (2 * speed - 1) * dilated)
    wave = (2 * math.pi * (110 * 1.2 ** pitch.unsqueeze(-1) * t + phase)).cos() * (-(t / 0.12).square() / 2).exp()
    return 2 * wave + 0.3 * torch.randn(count, 512, generator=rng), pitch
