"""Two things to learn from sequences: damped oscillators in continuous time, and words by heart."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models._training import hits


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


def oscillators(count: int, rng: Generator, steps: int = 24) -> Samples:
    """Damped oscillators, sampled irregularly; foretell the next sample."""

    def between(low: float, high: float, *size: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *size, generator=rng)

    frequency, damping, phase = between(0.3, 1, 1), between(0, 0.05, 1), between(0, 2 * math.pi, 1)
    durations = between(0.2, 1.8, steps)
    times = functional.pad(durations.cumsum(-1), (1, 0))
    x = ((-damping * times).exp() * torch.cos(frequency * times + phase)).unsqueeze(-1)
    return x[:, :-1], durations, x[:, 1:], (torch.arange(steps) >= KNOWN).expand(count, -1)


def interrupted(samples: Samples, rng: Generator) -> Samples:
    """The same, with as many steps of noise that take no time among them."""
    x, durations, following, counts = samples
    places = _places(durations, 2 * durations.shape[1], rng)

    def spread(values: Tensor, onto: Tensor) -> Tensor:
        return onto.scatter(1, places, values)

    noise, zeros = torch.randn(len(x), 2 * x.shape[1], generator=rng), torch.zeros(len(x), 2 * x.shape[1])
    seen, wanted = spread(x.squeeze(-1), noise), spread(following.squeeze(-1), zeros)
    return seen.unsqueeze(-1), spread(durations, zeros), wanted.unsqueeze(-1), spread(counts, zeros.bool())


def _places(like: Tensor, slots: int, rng: Generator) -> Tensor:
    """A slot for each entry of `like (count, entries)`, in rising order."""
    count, entries = like.shape
    return torch.rand(count, slots, generator=rng).argsort(-1)[:, :entries].sort(-1).values


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


def words(count: int, rng: Generator, letters: int = 4) -> Words:
    """Words of letters of an alphabet of 4, to be told after as many blanks."""
    word = torch.randint(1, 5, (count, letters), generator=rng)
    return functional.pad(word, (0, letters)), word - 1


def spaced(batch: Words, rng: Generator) -> Words:
    """The same words, with 20 blanks anywhere before, in and after them."""
    _, letters = batch
    slots = letters.shape[1] + 20
    places = _places(letters, slots, rng)
    return letters.new_zeros(len(letters), slots).scatter(1, places, letters + 1), letters


def told(model: nn.Module, tokens: Tensor) -> Tensor:
    """Logits `(n, letters, 4)`, from the last state."""
    logits: Tensor = model(tokens)[:, -1].unflatten(-1, (-1, 4))
    return logits


def misspelt(model: nn.Module, batch: Words) -> Tensor:
    return functional.cross_entropy(told(model, batch[0]).flatten(0, 1), batch[1].flatten())


def spelt(model: nn.Module, batch: Words) -> float:
    return hits(told(model, batch[0]), batch[1])
