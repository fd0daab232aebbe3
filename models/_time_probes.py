"""What claims about time are about: parameters as inputs, steps of noise in no time, the state in which a step begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from models._gated_cells import Clocked, LeakyRNN


class Parametric(nn.Module):
    """A module of whose parameters some are an input: `(parameters by name, *inputs)`, of one trial and not of a batch."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, parameters: Mapping[str, Tensor], *inputs: Tensor) -> Any:
        return functional_call(self.module, dict(parameters), inputs)


class Interrupted(nn.Module):
    """A cell that is shown noise while no time passes, and asked for what it says while some does."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor, noise: Tensor, durations: Tensor) -> Tensor:
        passes = (durations > 0).unsqueeze(-1)
        said: Tensor = self.cell(torch.where(passes, x, noise), durations)
        return torch.where(passes, said, 0)


class OnArrival(nn.Module):
    """The states that a cell is in when a step begins, at the steps at which it is `asked`; zero at the others."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor, asked: Tensor, durations: Tensor | None = None) -> Tensor:
        states: Tensor = self.cell(x, durations)
        arriving = functional.pad(states[..., :-1, :], (0, 0, 1, 0))
        return torch.where(asked.unsqueeze(-1), arriving, 0)


class ReadMoments(nn.Module):
    """A clocked cell that is given its clock's gaps, by their logarithms, together with the moments at which it is read."""

    def __init__(self, clocked: Clocked, heeds: bool = True) -> None:
        super().__init__()
        self.clocked, self.heeds = clocked, heeds

    def forward(self, x: Tensor, moments: Tensor) -> Any:
        pieces = len(self.clocked.clock.gaps)
        own = {"clock.gaps": moments[:pieces]} if self.heeds else {}
        return functional_call(self.clocked, own, (x, moments[pieces:]))


class Symbols(nn.Module):
    """A leaky RNN on tokens `(n, steps)`, whose rate is lower by `patience` where the token is 0, the blank.

    With a patience of 1e4 the gate is shut: exp(s - 1e4) is 0 in every precision.
    """

    def __init__(self, cell: LeakyRNN, patience: float = 1e4) -> None:
        super().__init__()
        self.cell = cell
        self.patience: Tensor
        self.register_buffer("patience", torch.tensor(patience))

    def forward(self, tokens: Tensor) -> Tensor:
        weight = self.cell.gates[0].weight
        blank = torch.arange(weight.shape[1], device=weight.device) == 0
        z = functional.one_hot(tokens, weight.shape[1]).to(weight)
        states: Tensor = functional_call(self.cell, {"rate.weight": weight - self.patience * blank}, (z,))
        return states
