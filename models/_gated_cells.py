"""Cells whose gates are rates per unit of time: the leaky RNN and the LSTM of `models.lstm`, where the derivation is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Gate(nn.Module):
    """The parameters of one map W z + U h + b. A cell multiplies by those of all its gates at once.

    Without `feedback` there is no U, without `bias` no b.
    """

    def __init__(self, inputs: int, width: int, feedback: bool, bias: bool = True) -> None:
        super().__init__()
        span = width**-0.5
        self.weight = nn.Parameter(torch.empty(width, inputs).uniform_(-span, span))
        self.across = nn.Parameter(torch.empty(width, width).uniform_(-span, span)) if feedback else None
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None


def chrono(*rates: Gate, longest: float) -> None:
    """Biases for times 1 / a that are uniform between 1 and `longest` - 1, so that some units remember for as long as that.

    Several rates of a unit get the same one: what is forgotten slowly enters as slowly, and the state stays of order one.
    """
    with torch.no_grad():
        times = torch.empty(len(rates[0].weight)).uniform_(1, max(longest - 1, 1))
        for rate in rates:
            rate.bias = nn.Parameter(-times.log())


class Cell(nn.Module):
    """What all cells share: several gates on one input, in steps that last `durations` and of which `mask` are there.

    `x (n, steps, inputs)`, `durations (n, steps)` and `mask (n, steps)`, bool, to `(n, steps, width)`; or one sequence, without
    the first axis. Durations are 1 unless given; padding lasts no time. They come in as log d, added to the gates of rates, so
    that exp(s + log d) neither overflows nor costs a product a step; its derivative by a duration of zero is given as zero.
    """

    rates: int
    """How many of the gates are rates; they come first."""

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        super().__init__()
        self._names = tuple(gates)
        for name, gate in gates.items():
            self.add_module(name, gate)

    @property
    def gates(self) -> list[Gate]:
        found: list[Any] = [getattr(self, name) for name in self._names]
        return found

    def forward(self, x: Tensor, durations: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        if x.ndim == 2:
            one = [None if given is None else given.unsqueeze(0) for given in (durations, mask)]
            return self.forward(x.unsqueeze(0), *one).squeeze(0)
        inward = heard(self._bias(), x.transpose(0, 1).flatten(0, 1), self._stacked("weight"))
        inward = inward.reshape(len(inward), x.shape[1], x.shape[0], -1)  # a gate, and a step of it, lie in one piece
        lasting = logarithms(durations, mask, inward)
        if lasting is not None:
            rates = inward[: self.rates]
            rates += lasting.t().unsqueeze(-1)
        return self.integrated(x, inward)

    def integrated(self, x: Tensor, inward: Tensor) -> Tensor:
        """What comes out `(n, steps, width)`, given what each gate hears of the input, `(gates, steps, n, width)`."""
        raise NotImplementedError

    def _stacked(self, name: str) -> Tensor:
        """Matrices `(gates, inputs, width)`."""
        return torch.stack([getattr(gate, name) for gate in self.gates]).mT.contiguous()

    def _bias(self) -> Tensor:
        """`(gates, 1, width)`."""
        given = [gate.weight.new_zeros(len(gate.weight)) if gate.bias is None else gate.bias for gate in self.gates]
        return torch.stack(given).unsqueeze(1)


def heard(before: Tensor, z: Tensor, weights: Tensor) -> Tensor:
    """What each gate hears of z: `before (gates, n or 1, width)`, `z (n, inputs)`, `weights (gates, inputs, width)`."""
    return torch.baddbmm(before, z.expand(len(weights), *z.shape), weights)


def logarithms(durations: Tensor | None, mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Logarithms of durations `(n, steps)`, minus infinity for no time. ValueError where time would run backwards."""
    if durations is None:
        return None if mask is None else like.new_zeros(mask.shape).masked_fill(~mask, -math.inf)
    try:
        negative = bool((durations < 0).any())
    except RuntimeError:  # under torch.vmap a batch has no one truth; the logarithm makes NaN of what is negative
        negative = False
    if negative:
        raise ValueError(
            f"durations are 0 or more; the least given is {float(durations.min()):g}. "
            f"Give the time from each step to the next, in order."
        )
    nothing = durations == 0 if mask is None else (durations == 0) | ~mask
    return durations.masked_fill(nothing, 1).log().masked_fill(nothing, -math.inf).to(like.dtype)


def closing(s: Tensor) -> Tensor:
    """The part 1 - exp(-e^s) of a gap that closes at a rate of e^s: the complementary log-log, exact for small rates too."""
    return -torch.expm1(-s.exp())


class LeakyRNN(Cell):
    """States that leak towards a candidate, each at its own rate: `h <- h + gate(s) (u - h)`, from 0.

    Without `feedback` rate and candidate read the input alone, and are known for all steps at once.
    """

    rates = 1

    def __init__(
        self,
        inputs: int = 3,
        width: int = 8,
        feedback: bool = True,
        longest: float = 12,
        gate: Callable[[Tensor], Tensor] = closing,
    ) -> None:
        super().__init__({"rate": Gate(inputs, width, feedback), "candidate": Gate(inputs, width, feedback)})
        chrono(self.gates[0], longest=longest)
        self.gate, self.feedback = gate, feedback

    def integrated(self, x: Tensor, inward: Tensor) -> Tensor:
        if not self.feedback:
            s, u = inward
            return leaky(self.gate(s), torch.tanh(u))
        h = torch.zeros_like(inward[0, 0])
        across, states = self._stacked("across"), []
        for shown in inward.unbind(1):
            s, u = heard(shown, h, across)
            h = torch.lerp(h, torch.tanh(u), self.gate(s))
            states.append(h)
        return torch.stack(states, 1)


def leaky(part: Tensor, target: Tensor) -> Tensor:
    """Each step closes a known part of the gap to a known target, from 0: `(steps, n, width)` to `(n, steps, width)`."""
    h, states = torch.zeros_like(target[0]), []
    for close, u in zip(part.unbind(), target.unbind(), strict=True):
        h = torch.lerp(h, u, close)
        states.append(h)
    return torch.stack(states, 1)


class LSTM(Cell):
    """The LSTM whose gates are rates, and read its state rather than its output: `(n, steps, inputs)` to y `(n, steps, width)`.

    Without `feedback` the gates read the input alone, but for the output gate, which is a read-out. Without `bias` the
    candidate has none, and the cell waits in silence.
    """

    rates = 2

    def __init__(self, inputs: int = 3, width: int = 8, feedback: bool = True, longest: float = 12, bias: bool = True) -> None:
        names = ("forget", "enter", "candidate")
        super().__init__({name: Gate(inputs, width, feedback, bias or name != "candidate") for name in names})
        chrono(*self.gates[:2], longest=longest)
        self.out = nn.Linear(inputs + width, width)
        self.feedback = feedback

    def integrated(self, x: Tensor, inward: Tensor) -> Tensor:
        return self.read(x, self._looped(inward) if self.feedback else self._driven(inward))

    def read(self, x: Tensor, m: Tensor) -> Tensor:
        """What a step that shows x says of the state m."""
        return torch.sigmoid(self.out(torch.cat([x, m], -1))) * m

    def _looped(self, inward: Tensor) -> Tensor:
        c = m = torch.zeros_like(inward[0, 0])
        across, states = self._stacked("across"), []
        for shown in inward.unbind(1):
            rates, (u,) = heard(shown, m, across).split_with_sizes((2, 1))
            lost, gained = torch.expm1(-rates.exp())  # minus what is forgotten, minus what enters
            c = torch.addcmul(torch.addcmul(c, lost, c), gained, torch.tanh(u), value=-1)
            m = torch.tanh(c)
            states.append(m)
        return torch.stack(states, 1)

    def _driven(self, inward: Tensor) -> Tensor:
        forget, enter, u = inward
        kept, gained = (-forget.exp()).exp(), closing(enter) * torch.tanh(u)
        c, states = torch.zeros_like(kept[0]), []
        for keep, gain in zip(kept.unbind(), gained.unbind(), strict=True):
            c = torch.addcmul(gain, keep, c)
            states.append(c)
        return torch.tanh(torch.stack(states, 1))


class Clock(nn.Module):
    """A clock that goes at another speed on each of its pieces: times `(n, moments)` to the time it shows, `(n, moments)`.

    It is linear between knots, of which the first stands at 0, and goes on as on its first and last pieces. The gaps between
    knots and the time that passes on each are learned by their logarithms, so that it never stops or runs backwards.
    """

    def __init__(self, pieces: int = 4, span: float = 16) -> None:
        super().__init__()
        self.gaps = nn.Parameter(torch.full((pieces,), math.log(span / pieces)))
        self.rises = nn.Parameter(torch.full((pieces,), math.log(span / pieces)))

    def forward(self, times: Tensor) -> Tensor:
        gaps, rises = self.gaps.exp(), self.rises.exp()
        knots, shown = (functional.pad(each.cumsum(-1), (1, 0)) for each in (gaps, rises))
        piece = (times.unsqueeze(-1) >= knots[1:-1]).sum(-1)
        return shown[piece] + (times - knots[piece]) * (rises / gaps)[piece]


class Clocked(nn.Module):
    """A cell in the time of its own clock: `x (n, steps, inputs)`, `times (n, steps + 1)`, rising, to `(n, steps, width)`.

    Step i is seen from times[i] to times[i + 1], and lasts as long as passes on the clock.
    """

    def __init__(self, cell: nn.Module, clock: Clock) -> None:
        super().__init__()
        self.cell, self.clock = cell, clock

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        states: Tensor = self.cell(x, self.clock(times).diff(dim=-1))
        return states
