"""Targets that are TorchScript archives. Reading one can run code: its modules say themselves how their state is restored."""

from __future__ import annotations

import warnings
from typing import Any

import torch

WHAT = "a TorchScript archive"


def load(path: str) -> Any:
    """The scripted module, on the CPU. Call it only for a file that is trusted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of TorchScript as a whole
        return torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
