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
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor, nn

from models._gated_cells import LSTM, Clock, Clocked, LeakyRNN, closing, heard
from models._random import randomised
from models._tasks.sequences import (
    OneHot,
    Reader,
    explained,
    foretold,
    interrupted,
    misspelt,
    oscillators,
    spaced,
    spelt,
    words,
)
from models._time_probes import Interrupted, OnArrival, Parametric, ReadMoments, Symbols
from models._training import Lesson, main, seeded
from symcheck._tree import Args
from symcheck.claims import Claim, Subject
from symcheck.domains import Examples, Joint
from symcheck.domains.parameters import Parameters
from symcheck.domains.sequence import Durations, Lengths, Sequence
from symcheck.groups import Symmetric
from symcheck.groups.linear import Scaling
from symcheck.groups.warps import Delays, Dilations, TimeChanges, Warps
from symcheck.reps import Permute


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
        c = y = torch.zeros_like(inward[0, 0])
        across, said = self._stacked("across"), []
        for z, shown in zip(x.unbind(1), inward.unbind(1), strict=True):
            forget, enter, u = heard(shown, y, across)
            c = c * (1 - closing(forget)) + closing(enter) * torch.tanh(u)
            y = self.read(z, torch.tanh(c))
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


LESSON = Lesson(
    "irregularly sampled oscillators",
    "Warp(T)",
    {
        "LSTM of rates": lambda: Reader(LSTM(1, 32, longest=8), 32, 1),
        "nn.LSTM": lambda: Reader(PlainLSTM(1, 32), 32, 1),
    },
    draw=oscillators,
    transform=interrupted,
    goal=0.97,
    loss=foretold,
    score=explained,
    figure="R^2",
    steps=400,
    tests=512,
)

COPYING = Lesson(
    "words told from memory",
    "Warp(T)",
    {
        "leaky RNN": lambda: Reader(Symbols(LeakyRNN(5, 32, longest=8)), 32, 16),
        "nn.LSTM": lambda: Reader(OneHot(PlainLSTM(5, 32, timed=False), 5), 32, 16),
    },
    draw=words,
    transform=spaced,
    goal=0.97,
    loss=misspelt,
    score=spelt,
    steps=400,
    tests=512,
)

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
    main(lesson=LESSON, copying=COPYING)
