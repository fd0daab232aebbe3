"""Gated recurrent networks, under time warps (Tallec & Ollivier 2018, arXiv:1804.11188).

A state that leaks towards what it sees, h' = a (u - h), keeps that form in any other time: warped by c it is
h' = (a o c) c' (u o c - h), a rate c' times as high. So rates are per unit of time, and a step of duration d closes the part
1 - exp(-a d) of the gap, which is the equation solved for constant a and u:

    a = exp(W_a z + U_a h + b_a)    u = tanh(W z + U h + b)    h <- h - expm1(-a d) (u - h)
    LSTM:  c <- exp(-a_f d) c - expm1(-a_i d) u,  gates read m = tanh c,  y = sigmoid(W_o z + U_o m + b_o) m

- A step that takes no time (d = 0) changes no state, whatever it shows; so repeats that last no time warp the states alike.
- In another unit of time durations grow by k and biases of rates shift by -log k: all else stays.
- Where rate and candidate read the input alone, a step may be split in two, or shown k times at rates of a k-th: the gate
  1 - exp(-e^s) is a probability by which something happens in a time (a complementary log-log), as a sigmoid is not. An LSTM
  forgets at one rate and fills at another: its step solves no equation, and splitting it is right to first order.
- A clock that runs fast here and slow there, A(t), takes any piecewise-linear change of time into its knots.
- A gate that is shut on a blank symbol waits; a cell whose candidate is 0 at z = h = 0 waits for the first step.

The output gate is a read-out alone. Were y read by the gates, as in nn.LSTM, a step that takes no time would be heard in the
next one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from models._random import randomised
from models._training import Row, accuracy, fit, main, row, seeded
from symcheck._tree import Args
from symcheck.claims import Claim, Subject
from symcheck.domains import Examples, Joint
from symcheck.domains.parameters import Parameters
from symcheck.domains.sequence import Durations, Lengths, Sequence
from symcheck.groups import Symmetric
from symcheck.groups.linear import Scaling
from symcheck.groups.warps import Delays, Dilations, TimeChanges, Warps
from symcheck.reps import Permute


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
        inward = functional.linear(x.transpose(0, 1).contiguous(), self._stacked("weight"), self._bias())
        lasting = logarithms(durations, mask, inward)
        if lasting is not None:
            rates = inward[..., : self.rates * inward.shape[-1] // len(self.gates)]
            rates += lasting.t().unsqueeze(-1)
        return self.integrated(x, inward)

    def integrated(self, x: Tensor, inward: Tensor) -> Tensor:
        """What comes out `(n, steps, width)`, given what each gate hears of the input, `(steps, n, gates * width)`."""
        raise NotImplementedError

    def _stacked(self, name: str) -> Tensor:
        return torch.cat([getattr(gate, name) for gate in self.gates])

    def _bias(self) -> Tensor:
        return torch.cat([gate.weight.new_zeros(len(gate.weight)) if gate.bias is None else gate.bias for gate in self.gates])


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
            s, u = inward.chunk(2, -1)
            return leaky(self.gate(s), torch.tanh(u))
        h = inward.new_zeros(inward.shape[1], inward.shape[2] // 2)
        across, states = self._stacked("across").t().contiguous(), []
        for heard in inward.unbind():
            s, u = torch.addmm(heard, h, across).chunk(2, -1)
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
        m = torch.tanh(self._looped(inward) if self.feedback else self._driven(inward))
        return self.read(x, m)

    def read(self, x: Tensor, m: Tensor) -> Tensor:
        """What a step that shows x says of the state m."""
        return torch.sigmoid(self.out(torch.cat([x, m], -1))) * m

    def _looped(self, inward: Tensor) -> Tensor:
        width = inward.shape[2] // 3
        c = m = inward.new_zeros(inward.shape[1], width)
        across, states = self._stacked("across").t().contiguous(), []
        for heard in inward.unbind():
            s = torch.addmm(heard, m, across)
            lost, gained = torch.expm1(-s[:, : 2 * width].exp()).chunk(2, -1)  # minus what is forgotten, minus what enters
            c = torch.addcmul(torch.addcmul(c, lost, c), gained, torch.tanh(s[:, 2 * width :]), value=-1)
            m = torch.tanh(c)
            states.append(c)
        return torch.stack(states, 1)

    def _driven(self, inward: Tensor) -> Tensor:
        forget, enter, u = inward.chunk(3, -1)
        kept, gained = (-forget.exp()).exp(), closing(enter) * torch.tanh(u)
        c, states = torch.zeros_like(kept[0]), []
        for keep, gain in zip(kept.unbind(), gained.unbind(), strict=True):
            c = torch.addcmul(gain, keep, c)
            states.append(c)
        return torch.stack(states, 1)


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


# What claims are about: parameters as inputs, steps that show anything in no time, the state in which a step begins.


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


# Twins


class PlainLSTM(nn.Module):
    """nn.LSTM with durations as one more feature, as one feeds it irregular samples. Takes and gives what a `Cell` does."""

    def __init__(self, inputs: int = 3, width: int = 8, timed: bool = True) -> None:
        super().__init__()
        self.timed = timed
        self.net = nn.LSTM(inputs + timed, width, batch_first=True)

    def forward(self, x: Tensor, durations: Tensor | None = None) -> Tensor:
        if self.timed:
            lasting = x.new_ones(x.shape[:-1]) if durations is None else durations
            x = torch.cat([x, lasting.unsqueeze(-1).to(x.dtype)], -1)
        said: Tensor = self.net(x)[0]
        return said


class ReadsOutput(LSTM):
    """Gates that read y, as those of nn.LSTM do, and not the state: y reads the step, and so does the next one by it."""

    def integrated(self, x: Tensor, inward: Tensor) -> Tensor:
        width = inward.shape[2] // 3
        c = y = inward.new_zeros(inward.shape[1], width)
        across, said = self._stacked("across").t(), []
        for heard, shown in zip(inward.unbind(), x.unbind(1), strict=True):
            s = torch.addmm(heard, y, across)
            lost, gained = torch.expm1(-s[:, : 2 * width].exp()).chunk(2, -1)
            c = c + lost * c - gained * torch.tanh(s[:, 2 * width :])
            y = self.read(shown, torch.tanh(c))
            said.append(y)
        return torch.stack(said, 1)


def timed_rnn() -> LeakyRNN:
    return randomised(LeakyRNN())


def timed_lstm() -> LSTM:
    return randomised(LSTM())


def input_gated_rnn() -> LeakyRNN:
    return randomised(LeakyRNN(feedback=False))


def input_gated_lstm() -> LSTM:
    return randomised(LSTM(feedback=False))


def plain_lstm() -> PlainLSTM:
    return randomised(PlainLSTM())


def reads_output() -> ReadsOutput:
    return randomised(ReadsOutput())


def interrupted_rnn() -> Interrupted:
    return Interrupted(timed_rnn())


def interrupted_lstm() -> Interrupted:
    return Interrupted(timed_lstm())


def interrupted_plain_lstm() -> Interrupted:
    return Interrupted(plain_lstm())


def interrupted_reads_output() -> Interrupted:
    return Interrupted(reads_output())


def parametric_rnn() -> Parametric:
    return Parametric(timed_rnn())


def parametric_lstm() -> Parametric:
    return Parametric(timed_lstm())


def sigmoid_gated_rnn() -> LeakyRNN:
    """A sigmoid as gate, the usual one."""
    return randomised(LeakyRNN(feedback=False, gate=torch.sigmoid))


def dilated_rnn() -> Parametric:
    return Parametric(OnArrival(input_gated_rnn()))


def dilated_sigmoid() -> Parametric:
    return Parametric(OnArrival(sigmoid_gated_rnn()))


def dilated_feedback() -> Parametric:
    """Gates that read the state: shown twice, a step is read by two states."""
    return Parametric(OnArrival(timed_rnn()))


def split_rnn() -> OnArrival:
    return OnArrival(input_gated_rnn())


def split_feedback() -> OnArrival:
    return OnArrival(timed_rnn())


def split_sigmoid() -> OnArrival:
    return OnArrival(sigmoid_gated_rnn())


def split_lstm() -> OnArrival:
    """Forgets at one rate and fills at another, and so has no differential equation that its step would solve."""
    return OnArrival(input_gated_lstm())


def clocked_rnn() -> ReadMoments:
    return ReadMoments(randomised(Clocked(LeakyRNN(), Clock())))


def clock_left_behind() -> ReadMoments:
    """The knots of the clock stay where they were when time is changed."""
    return ReadMoments(randomised(Clocked(LeakyRNN(), Clock())), heeds=False)


def patient_rnn() -> Symbols:
    return Symbols(randomised(LeakyRNN(inputs=5)))


def impatient_rnn() -> Symbols:
    """A blank is a symbol like the others."""
    return Symbols(randomised(LeakyRNN(inputs=5)), patience=0)


def silent_lstm() -> LSTM:
    return randomised(LSTM(bias=False))


def untimed_lstm() -> PlainLSTM:
    return randomised(PlainLSTM(timed=False))


def tokens(count: int = 32, steps: int = 12) -> Tensor:
    """Words of five letters, of which 0 is the blank."""
    return torch.randint(5, (count, steps), generator=Generator().manual_seed(0))


def readings(count: int = 32, steps: int = 12, pieces: int = 4) -> tuple[Tensor, Tensor]:
    """What is seen `(count, steps, 3)`, and of a clock that is read then, its log gaps and the moments, in one tensor."""
    rng = Generator().manual_seed(0)
    x = torch.randn(count, steps, 3, generator=rng, dtype=torch.float64)
    gaps = math.log(16 / pieces) + 0.5 * torch.randn(count, pieces, generator=rng, dtype=torch.float64)
    lasting = 0.5 + 1.5 * torch.rand(count, steps + 1, generator=rng, dtype=torch.float64)
    return x, torch.cat([gaps, lasting.cumsum(-1)], -1)


# Two things to learn: in continuous time, and by heart.


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


def generalisation(steps: int = 400, seed: int = 0) -> Row:
    """Train an LSTM of rates and nn.LSTM on oscillators, and try both on samples among which noise falls that takes no time."""
    models = {
        "LSTM of rates": seeded(lambda: Reader(LSTM(1, 32, longest=8), 32, 1), seed),
        "nn.LSTM": seeded(lambda: Reader(PlainLSTM(1, 32), 32, 1), seed),
    }
    for model in models.values():
        fit(model, foretold, lambda rng: oscillators(64, rng), steps=steps, seed=seed)
    test, transformed = (oscillators(512, Generator().manual_seed(seed + 1), each) for each in (False, True))
    return row("irregularly sampled oscillators", "Warp(T)", models, explained, test, transformed, "R^2")


def copying(steps: int = 400, seed: int = 0) -> Row:
    """Train a leaky RNN that is shut on blanks and nn.LSTM on words to be told later, and try both on spaced ones."""
    models = {
        "leaky RNN": seeded(lambda: Reader(Symbols(LeakyRNN(5, 32, longest=8)), 32, 16), seed),
        "nn.LSTM": seeded(lambda: Reader(OneHot(PlainLSTM(5, 32, timed=False), 5), 32, 16), seed),
    }
    for model in models.values():
        fit(model, misspelt, lambda rng: words(64, rng), steps=steps, seed=seed)
    test, transformed = (words(512, Generator().manual_seed(seed + 1), each) for each in (False, True))
    return row("words told from memory", "Warp(T)", models, spelt, test, transformed)


def train(steps: int = 400, seed: int = 0) -> dict[str, float]:
    """Learn to foretell oscillators, and to tell words from memory: R^2 and accuracy on new ones, and on warped ones."""
    wave, word = generalisation(steps, seed), copying(steps, seed)
    return {
        "R^2": wave["test"],
        "R^2, interrupted": wave["transformed"],
        "letters": word["test"],
        "letters, spaced": word["transformed"],
    }


def speed(batch: int = 32, steps: int = 100, inputs: int = 16, width: int = 128, rounds: int = 20) -> dict[str, float]:
    """How long a forward pass takes, in times of nn.LSTM's: the median of so many rounds, in which all take turns."""
    x, lasting = torch.randn(batch, steps, inputs), 0.5 + torch.rand(batch, steps)
    plain = PlainLSTM(inputs, width, timed=False)
    runs: dict[str, Callable[[], Tensor]] = {"nn.LSTM": lambda: plain(x)}
    for cell in (LSTM, LeakyRNN):
        for feedback, name in ((True, cell.__name__), (False, f"{cell.__name__} on input")):
            runs[name] = partial(cell(inputs, width, feedback), x, lasting)
    times: dict[str, list[float]] = {name: [] for name in runs}
    with torch.no_grad():
        for _ in range(rounds + 1):
            for name, run in runs.items():
                start = perf_counter()
                run()
                times[name].append(perf_counter() - start)
    typical = {name: median(seconds[1:]) for name, seconds in times.items()}  # the first round warms up
    return {"nn.LSTM, ms": 1e3 * typical["nn.LSTM"], **{name: typical[name] / typical["nn.LSTM"] for name in [*runs][1:]}}


_X, _D, _ASKED = Sequence(12, 3), Durations(12), Lengths(12)


def _given(build: Callable[[], Parametric], *names: str) -> Parameters:
    return Parameters(seeded(build).module, *names)


def _per_trial(build: Callable[[], nn.Module]) -> Subject:
    """Parameters that differ from trial to trial have no batch axis."""
    return Subject.built(build, batching="vmap")


def _untransformed(claim: Claim, *inputs: Any) -> Claim:
    """The same claim with parameters that stay as they are, expected to be caught."""
    reason = "time changes, and the parameters that measure it don't"
    return replace(claim, inputs=Args(*inputs), expected="violated", reason=reason, id="")


_INTERRUPTED = Claim(
    Subject.built(interrupted_lstm),
    Warps(),
    domain=Joint(_X, Sequence(12, 3), _D),
    inputs=("warp", "scalar", "insert"),
    outputs="insert(axis=-2)",
)
_WARPED = Claim(Subject.built(timed_lstm), Warps(), domain=Joint(_X, _D), inputs=("warp", "insert"), outputs="warp")
_RNN_UNITS = Claim(
    _per_trial(parametric_rnn),
    Scaling(),
    domain=Joint(_given(parametric_rnn, "rate.bias"), _X, _D),
    inputs=({"rate.bias": "log_shift"}, "scalar", "scale_by"),
    outputs="scalar",
)
_LSTM_UNITS = Claim(
    _per_trial(parametric_lstm),
    Scaling(),
    domain=Joint(_given(parametric_lstm, "forget.bias", "enter.bias"), _X, _D),
    inputs=({"forget.bias": "log_shift", "enter.bias": "log_shift"}, "scalar", "scale_by"),
    outputs="scalar",
)
_DILATED = Claim(
    _per_trial(dilated_rnn),
    Dilations(),
    domain=Joint(_given(dilated_rnn, "cell.rate.bias"), _X, _ASKED),
    inputs=({"cell.rate.bias": "log_shift"}, "warp", "insert"),
    outputs="insert(axis=-2)",
)
_SPLIT = Claim(
    Subject.built(split_rnn),
    Dilations(),
    domain=Joint(_X, _ASKED, _D),
    inputs=("warp", "insert", "warp(axis=-1) * scale_by(power=-1)"),
    outputs="insert(axis=-2)",
)
_CLOCKED = Claim(
    _per_trial(clocked_rnn), TimeChanges(4), domain=Examples(readings()), inputs=("scalar", "moments"), outputs="scalar"
)
_PATIENT = Claim(Subject.built(patient_rnn), Warps(), domain=Examples(tokens()), inputs="insert", outputs="warp")
_DELAYED = Claim(Subject.built(silent_lstm), Delays(), domain=_X, inputs="shift", outputs="shift")

_ROWS, _COLUMNS = Permute(axis=-2, of="units"), Permute(axis=-1, of="units")
_RELABELLED_UNITS = {
    f"{gate}.{name}": rep
    for gate in ("rate", "candidate")
    for name, rep in (("weight", _ROWS), ("across", _ROWS * _COLUMNS), ("bias", _COLUMNS))
}
_RELABELLED = Claim(
    _per_trial(parametric_rnn),
    Symmetric(of="units"),
    domain=Joint(_given(parametric_rnn, *_RELABELLED_UNITS), _X, _D),
    inputs=(_RELABELLED_UNITS, "scalar", "scalar"),
    outputs=_COLUMNS,
    id="lstm.parametric_rnn: S_n of units, (weights, scalar, scalar) -> permute",
)

CLAIMS: tuple[Claim, ...] = (
    _INTERRUPTED,
    replace(_INTERRUPTED, subject=Subject.built(interrupted_rnn), id=""),
    _WARPED,
    replace(_WARPED, subject=Subject.built(timed_rnn), id=""),
    replace(_WARPED, subject=Subject.built(input_gated_rnn), id=""),
    _RNN_UNITS,
    _LSTM_UNITS,
    _DILATED,
    _SPLIT,
    _CLOCKED,
    _PATIENT,
    _DELAYED,
    _RELABELLED,
)

_FEATURE = "a duration is a feature like any other, and a step of no duration a step"
_HALVES = "two half steps of it don't make a whole one"
_STATE = "gates that read the state change while a step is shown"
TWINS: tuple[Claim, ...] = (
    _INTERRUPTED.twin(Subject.built(interrupted_plain_lstm), reason=_FEATURE),
    _INTERRUPTED.twin(Subject.built(interrupted_reads_output), reason="gates hear by y of a step that takes no time"),
    _WARPED.twin(Subject.built(plain_lstm), reason=_FEATURE),
    _untransformed(_RNN_UNITS, {"rate.bias": "scalar"}, "scalar", "scale_by"),
    _untransformed(_LSTM_UNITS, {"forget.bias": "log_shift", "enter.bias": "scalar"}, "scalar", "scale_by"),
    _untransformed(_DILATED, {"cell.rate.bias": "scalar"}, "warp", "insert"),
    _DILATED.twin(_per_trial(dilated_sigmoid), reason=_HALVES),
    _DILATED.twin(_per_trial(dilated_feedback), reason=_STATE),
    _SPLIT.twin(Subject.built(split_feedback), reason=_STATE),
    _SPLIT.twin(Subject.built(split_sigmoid), reason=_HALVES),
    _SPLIT.twin(Subject.built(split_lstm), reason="it forgets at one rate and fills at another: " + _HALVES),
    _CLOCKED.twin(_per_trial(clock_left_behind), reason="time changes, and the knots of the clock stay"),
    _PATIENT.twin(Subject.built(impatient_rnn), reason="a blank moves the state, as any symbol does"),
    _DELAYED.twin(Subject.built(timed_lstm), reason="the candidate's bias moves the state while nothing has come yet"),
    _DELAYED.twin(Subject.built(untimed_lstm), reason="biases move the state while nothing has come yet"),
    replace(
        _RELABELLED,
        inputs=Args({**_RELABELLED_UNITS, "rate.across": _ROWS}, "scalar", "scalar"),
        expected="violated",
        reason="the rows of U are relabelled, and not its columns",
        id="lstm.parametric_rnn: S_n of units, (weights but columns, scalar, scalar) -> permute",
    ),
)

if __name__ == "__main__":
    main(train=train, generalisation=generalisation, copying=copying, speed=speed)
