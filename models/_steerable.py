"""Layers for features in frames: complex numbers z_m that become exp(-i m phi) z_m where the frame turns by phi.

They are kept as the real numbers z_0, Re z_1, Im z_1, ..., Re z_M, Im z_M along the last axis, so that any dtype will do. In
memory the channels of one of them lie side by side, where these layers make them: a step along the last axis is a long one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from models._geometry import Charts, ringed


def turned(z: Tensor, angle: Tensor) -> Tensor:
    """exp(i m angle) z_m for features `(..., channels, 2 M + 1)` and angles `(...)`."""
    waves, parts = harmonics(angle, z.shape[-1] // 2).unsqueeze(-2).unbind(-1), z.unbind(-1)
    found = [parts[0]]
    for m in range(1, len(parts), 2):
        cosine, sine, x, y = waves[m], waves[m + 1], parts[m], parts[m + 1]
        found += [torch.addcmul(cosine * x, sine, y, value=-1), torch.addcmul(sine * x, cosine, y)]
    return torch.stack(found, -2).mT


def harmonics(angle: Tensor, order: int) -> Tensor:
    """1, cos, sin, ..., cos(M angle), sin(M angle): `(...) -> (..., 2 M + 1)`."""
    many = [wave(m * angle) for m in range(1, order + 1) for wave in (torch.cos, torch.sin)]
    return torch.stack([torch.ones_like(angle), *many], -1)


class Convolution(nn.Module):
    """Features of orders 0 to `order_in` to those of orders 0 to `order_out`: `(..., V, channels, 2 M + 1)`.

    In the edge's own frame the kernel is any real matrix, one for each of the weights w_r: its blocks of 2 x 2 are the real
    linear maps a y + b conj(y).
    """

    def __init__(self, inputs: int, outputs: int, order_in: int, order_out: int) -> None:
        super().__init__()
        size, self.out = 2 * inputs * (2 * order_in + 1), (outputs, 2 * order_out + 1)
        self.kernel = nn.Parameter(torch.randn(*self.out, size) * size**-0.5)
        shared = min(order_in, order_out) + 1
        self.own = nn.Parameter(torch.randn(outputs, shared, 2, inputs) * (2 * inputs) ** -0.5)  # S_m: real, imaginary part
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, z: Tensor, c: Charts) -> Tensor:
        """Sums over the neighbours first, once for each wave of theta, and mixes channels once a vertex.

        `edgewise` mixes them once an edge, which says the same more plainly: it is the oracle of this, which takes 2.0 to 2.5
        times less on a CPU.
        """
        z = z.mT.contiguous().mT
        waves = harmonics(c.direction, self.out[1] // 2).unsqueeze(-1) * c.weight.unsqueeze(-2)
        heard = waves.flatten(-2).mT @ self.seen(z, c).mT.flatten(-2)  # (..., V, waves * weights, components * inputs)
        first, *pairs = heard.reshape(*z.shape[:-2], self.out[1], -1).split_with_sizes((1, *[2] * (self.out[1] // 2)), -2)
        mix = self.kernel.reshape(*self.out, -1, *z.shape[-2:]).permute(1, 2, 4, 3, 0).flatten(1, 3)
        parts = [first.flatten(-2) @ mix[0]]
        for pair, a, b in zip(pairs, mix[1::2], mix[2::2], strict=True):  # cosines, sines to real, imaginary parts
            parts.append(pair.flatten(-2) @ torch.cat([torch.cat([a, b], -1), torch.cat([-b, a], -1)]))
        return torch.cat(parts, -1).reshape(*z.shape[:-2], self.out[1], -1).mT + self.kept(z)

    def edgewise(self, z: Tensor, c: Charts) -> Tensor:
        """The same as it is on paper: each message is mixed as the edge sees it, turned into the frame at p, and summed."""
        weighted = c.weight.unsqueeze(-1) * self.seen(z, c).flatten(-2).unsqueeze(-2)
        mixed = torch.einsum("...ki, cdi -> ...kcd", weighted.flatten(-2), self.kernel)
        return turned(mixed, c.direction).sum(-3) + self.kept(z)

    def seen(self, z: Tensor, c: Charts) -> Tensor:
        """y, the neighbours' features, carried to the vertex and seen from the edge: `(..., V, K, inputs, 2 M + 1)`."""
        there = ringed(z.mT.flatten(-2), c.neighbour)
        return turned(there.reshape(*there.shape[:-1], *z.mT.shape[-2:]).mT, c.transport - c.direction)

    def kept(self, z: Tensor) -> Tensor:
        """S_m z_m, and the bias of order 0. A bias of another order would be a direction in the frame."""
        real, imaginary = self.own.permute(2, 1, 3, 0)
        parts = [z[..., 0] @ real[0] + self.bias]
        for m in range(1, len(real)):
            x, y = z[..., 2 * m - 1], z[..., 2 * m]
            parts += [x @ real[m] - y @ imaginary[m], x @ imaginary[m] + y @ real[m]]
        new = self.out[1] - len(parts)  # orders that z doesn't have
        return torch.stack([*parts, *[torch.zeros_like(parts[0])] * new], -2).mT


class Gated(nn.Module):
    """Scalars by tanh, and the other orders times a gate made of the scalars: exact under every change of frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Linear(channels, channels)

    def forward(self, z: Tensor) -> Tensor:
        gate = 2 * self.gate(z[..., 0]).sigmoid().unsqueeze(-1)
        return torch.cat([z[..., :1].tanh(), gate * z[..., 1:]], -1)


class Sampled(nn.Module):
    """A pointwise nonlinearity on N samples of z_0 + sum_m Re(z_m exp(-i m alpha)): exact where frames turn by parts of C_N."""

    def __init__(self, samples: int, pointwise: Callable[[Tensor], Tensor] = torch.relu) -> None:
        super().__init__()
        self.samples, self.pointwise = samples, pointwise

    def forward(self, z: Tensor) -> Tensor:
        # In float64 at first: waves that are rounded to float32 break C_N in a float64 model.
        alpha = torch.arange(self.samples, dtype=torch.float64, device=z.device) * (2 * math.pi / self.samples)
        waves = harmonics(alpha, z.shape[-1] // 2).to(z)
        back = waves / self.samples
        back[:, 1:] *= 2
        return self.pointwise(z @ waves.mT) @ back
