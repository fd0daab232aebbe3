"""torch.nn: convolutions, recurrences and attention, which say by their kind how they transform.

A layer, or a stack of layers of which each is known, is claimed. A module of one's own that holds such layers may do anything
between them: the same is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from symcheck.subjects.frameworks import attention, convolutions, recurrences
from symcheck.subjects.frameworks.base import Reading, Unreadable

NAME = "torch.nn"


def mine(model: Any) -> bool:
    return isinstance(model, nn.Module)


def read(model: nn.Module) -> Reading:
    kinds: dict[tuple[type, ...], Callable[[nn.Module], Reading]] = {
        attention.LAYERS: attention.read,
        recurrences.LAYERS: recurrences.read,
        convolutions.LAYERS: convolutions.read,
    }
    unread: list[str] = []
    for layers, reader in kinds.items():
        if any(isinstance(part, layers) for part in model.modules()):
            try:
                return reader(model)
            except Unreadable as error:  # attention over the patches of an image takes no tokens
                unread.append(str(error))
    none = (
        f"{type(model).__name__} holds no convolution, recurrence or attention, which would say by its kind how it transforms"
    )
    raise Unreadable("; ".join(dict.fromkeys(unread)) or none)
