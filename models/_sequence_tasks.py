"""Two things to learn from sequences: damped oscillators in continuous time, and words by heart."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models._training import accuracy


class Reader(nn.Module):
    """A cell and a linear read-out of its states: `(n, steps, outputs)`."""

    def __init__(self, cell: nn.Module, width: int, outputs: int) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(width, outputs)

    def forward(self, x: Tensor, durations: Tensor | None = None) -> Tensor:
        read: Tensor = self.head(self.cell(x) if durations is None else self.cell(x, durations))
        return read


class OneHot(nn.Module):
    """A cell on tokens `(n, steps)`, all of them alike."""

    def __init__(self, cell: nn.Module, letters: int) -> None:
        super().__init__()
        self.cell, self.letters = cell, letters

    def forward(self, tokens: Tensor) -> Tensor:
        states: Tensor = self.cell(functional.one_hot(tokens, self.letters).to(next(self.parameters())))
        return states


Samples = tuple[Tensor, Tensor, Tensor, Tensor]
"""What is seen `(n, steps, 1)`, how long until the next sample, what is seen then, and which steps count."""

KNOWN = 8  # samples after which frequency, damping and phase of an oscillator can be known


def oscillators(count: int, rng: Generator, interrupted: bool = False, steps: int = 24) -> Samples:
    """Damped oscillators, sampled irregularly; foretell the next sample.

    If `interrupted`, as many steps of noise that take no time fall among them.
    """

    def between(low: float, high: float, *size: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *size, generator=rng)

    frequency, damping, phase = between(0.3, 1, 1), between(0, 0.05, 1), between(0, 2 * math.pi, 1)
    lasting = between(0.2, 1.8, steps)
    times = functional.pad(lasting.cumsum(-1), (1, 0))
    x = (-damping * times).exp() * torch.cos(frequency * times + phase)
    slots = 2 * steps if interrupted else steps
    place = torch.rand(count, slots, generator=rng).argsort(-1)[:, :steps].sort(-1).values
    seen = torch.randn(count, slots, generator=rng).scatter(1, place, x[:, :-1])
    durations, following = (torch.zeros(count, slots).scatter(1, place, each) for each in (lasting, x[:, 1:]))
    counts = torch.zeros(count, slots, dtype=torch.bool).scatter(1, place[:, KNOWN:], True)
    return seen.unsqueeze(-1), durations, following.unsqueeze(-1), counts


def foretold(model: nn.Module, samples: Samples) -> Tensor:
    """The mean squared error at the steps that count."""
    x, durations, following, counts = samples
    return functional.mse_loss(model(x, durations)[counts], following[counts])


def explained(model: nn.Module, samples: Samples) -> float:
    """R^2, the part of the variance that is foretold."""
    _, _, following, counts = samples
    return 1 - float(foretold(model, samples) / following[counts].var(correction=0))


Words = tuple[Tensor, Tensor]
"""Tokens `(n, steps)`, 0 the blank, and the letters to tell at the end, `(n, letters)`, counted from 0."""


def words(count: int, rng: Generator, spaced: bool = False, letters: int = 4) -> Words:
    """Words of letters of an alphabet of 4, to be told after as many blanks; or `spaced` out, with 20 blanks anywhere."""
    word = torch.randint(1, 5, (count, letters), generator=rng)
    slots = letters + 20 if spaced else 2 * letters
    anywhere = torch.rand(count, slots, generator=rng).argsort(-1)[:, :letters].sort(-1).values
    place = anywhere if spaced else torch.arange(letters).expand(count, -1)
    return torch.zeros(count, slots, dtype=torch.int64).scatter(1, place, word), word - 1


def told(model: nn.Module, tokens: Tensor) -> Tensor:
    """Logits `(n, letters, 4)`, from the last state."""
    logits: Tensor = model(tokens)[:, -1].unflatten(-1, (-1, 4))
    return logits


def misspelt(model: nn.Module, batch: Words) -> Tensor:
    return functional.cross_entropy(told(model, batch[0]).flatten(0, 1), batch[1].flatten())


def spelt(model: nn.Module, batch: Words) -> float:
    return accuracy(told(model, batch[0]), batch[1])
