"""Forward-mode differentiation, without what torch says of its own insides."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def jvp(f: Callable[..., Sequence[Tensor]], x: Sequence[Tensor], tangent: Sequence[Tensor]) -> list[Tensor]:
    """The derivative of f at x along a tangent.

    >>> x, v = torch.tensor([3.0]), torch.tensor([2.0])
    >>> jvp(lambda x: (x * x,), [x], [v])
    [tensor([12.])]
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)  # by its table of derivatives
        return list(torch.func.jvp(f, tuple(x), tuple(tangent))[1])
