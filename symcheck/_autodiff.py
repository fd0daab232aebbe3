"""Forward-mode differentiation, without what torch says of its own insides."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel


def jvp(f: Callable[..., Sequence[Tensor]], x: Sequence[Tensor], tangent: Sequence[Tensor]) -> list[Tensor]:
    """The derivative of f at x along a tangent.

    >>> x, v = torch.tensor([3.0]), torch.tensor([2.0])
    >>> jvp(lambda x: (x * x,), [x], [v])
    [tensor([12.])]
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)  # by its table of derivatives
        return list(torch.func.jvp(f, tuple(x), tuple(tangent))[1])


@contextmanager
def unfused() -> Iterator[None]:
    """Attention runs as its formula says: torch's fused kernels have no forward derivative, and no second one."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
