"""Random weights for the reference models: none of them may have a symmetry by the grace of a zero or a one."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def randomised(module: M, gain: float = 1.5) -> M:
    """The same module in eval mode, with every parameter drawn anew from torch's random numbers.

    Matrices and kernels are normal with variance gain^2 / fan-in, so that activations stay of order one: 1.5 makes up for
    what ReLU, GELU, SiLU and tanh take away. Biases and the scales of norms move 0.3 away from where they start, since a
    bias of zero and a scale of one hide breaks.
    """
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, gain * parameter[0].numel() ** -0.5)
            else:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return module.eval()
