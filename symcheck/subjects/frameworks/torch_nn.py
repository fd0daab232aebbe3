"""torch.nn: convolutions, recurrences and attention, which say by their kind how they transform.

A layer, or a stack of layers of which each is known, is claimed. A module of one's own that holds such layers may do anything
between them: the same is tried.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from symcheck.subjects.frameworks import attention, convolutions, recurrences
from symcheck.subjects.frameworks.base import Reading, Unreadable

NAME = "torch.nn"


def mine(model: Any) -> bool:
    return isinstance(model, nn.Module)


def read(model: nn.Module) -> Reading:
    for kind in (attention, recurrences, convolutions):
        if any(isinstance(part, kind.LAYERS) for part in model.modules()):
            return kind.read(model)
    raise Unreadable(
        f"{type(model).__name__} holds no convolution, recurrence or attention, which would say by its kind how it transforms"
    )
