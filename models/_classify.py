"""Training classifiers: a symmetric one and another on the same data, none of it transformed, and both tried on transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Generator, Tensor, nn
from torch.nn import functional

from models._training import Row, accuracy, fit, row

Batch = tuple[Tensor, Tensor]
Task = Callable[[int, Generator, bool], Batch]
"""`task(count, rng, transformed)`: inputs and their labels `(count,)`."""


def compared(name: str, group: str, models: Mapping[str, nn.Module], task: Task, steps: int) -> Row:
    """The row of two classifiers by name, the symmetric one first, after so many steps of training on 64 inputs each."""
    for model in models.values():
        fit(model, loss, lambda draw: task(64, draw, False), steps=steps)
    rng = Generator().manual_seed(1)
    return row(name, group, models, score, task(1024, rng, False), task(1024, rng, True))


def loss(model: nn.Module, batch: Batch) -> Tensor:
    x, label = batch
    return functional.cross_entropy(model(x), label)


def score(model: Any, batch: Batch) -> float:
    x, label = batch
    return accuracy(model(x), label)
