"""Gated recurrent networks: what time may do to them, before and after training, and the twins to which it does more."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

import symcheck
from models import lstm
from models._gated_cells import LSTM, Cell, Clock, Clocked, LeakyRNN
from models._time_probes import Symbols
from models._training import fit, seeded
from models.lstm import PlainLSTM, ReadsOutput

EPS = float(torch.finfo(torch.float64).eps)
ROUNDING = 64 * EPS  # of a dozen steps of some five roundings each, relative to states of order one
BATCH, STEPS, INPUTS, WIDTH = 16, 12, 3, 8


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed), dtype=torch.float64)


X = noise(BATCH, STEPS, INPUTS)
LASTING = 0.5 + 1.5 * torch.rand(BATCH, STEPS, generator=rng(1), dtype=torch.float64)


def gap(left: Tensor, right: Tensor) -> float:
    """The RMS of the difference, relative to that of the right side."""
    return float((left - right).square().mean().sqrt() / right.square().mean().sqrt())


def trained(cell: nn.Module, steps: int = 5) -> nn.Module:
    """A few steps towards random targets: every weight moves, none of them by design."""
    x, lasting, wanted = X.float(), LASTING.float(), noise(BATCH, STEPS, WIDTH, seed=7).float()
    own = copy.deepcopy(cell).float()
    fit(own, lambda m, _: (m(x, lasting) - wanted).square().mean(), lambda _: x, steps=steps, lr=3e-2)
    for before, after in zip(cell.parameters(), own.parameters(), strict=True):
        assert not torch.equal(before.float(), after)
    return own.double().eval()


Build = Callable[[], nn.Module]
AGES = ["random weights", "after training"]
every_age = pytest.mark.parametrize("age", AGES)


def made(build: Build, age: str) -> nn.Module:
    cell = seeded(build).double()
    return trained(cell) if age == AGES[1] else cell


CELLS: list[Build] = [lstm.timed_lstm, lstm.timed_rnn, lstm.input_gated_lstm, lstm.input_gated_rnn]
every_cell = pytest.mark.parametrize("build", CELLS, ids=lambda build: build.__name__)


# T1: what is shown while no time passes


def interrupted() -> tuple[Tensor, Tensor]:
    """Durations of which a third are zero, and other things to be shown then."""
    none = torch.rand(BATCH, STEPS, generator=rng(2)) < 1 / 3
    return LASTING.masked_fill(none, 0), torch.where(none.unsqueeze(-1), 100 * noise(BATCH, STEPS, INPUTS, seed=3), X)


@every_age
@every_cell
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_a_step_that_takes_no_time_is_not_heard(build: Build, age: str, dtype: torch.dtype) -> None:
    """Bit for bit, at every other step."""
    cell = made(build, age).to(dtype)
    lasting, shown = interrupted()
    there = lasting > 0
    with torch.no_grad():
        quiet, loud = cell(X.to(dtype), lasting.to(dtype)), cell(shown.to(dtype), lasting.to(dtype))
    assert torch.equal(quiet[there], loud[there])
    assert not torch.equal(X.to(dtype), shown.to(dtype))


@every_age
@pytest.mark.parametrize("build", [lstm.plain_lstm, lstm.reads_output], ids=lambda build: build.__name__)
def test_a_step_that_takes_no_time_is_heard_by_twins(build: Build, age: str) -> None:
    lasting, shown = interrupted()
    there, cell = lasting > 0, made(build, age)
    with torch.no_grad():
        assert gap(cell(shown, lasting)[there], cell(X, lasting)[there]) > 0.05


@every_cell
def test_sequences_with_inserted_steps_are_longer_and_else_the_same(build: Build) -> None:
    cell, slots = made(build, AGES[0]), STEPS + 5
    place = torch.rand(BATCH, slots, generator=rng(4)).argsort(-1)[:, :STEPS].sort(-1).values
    x = noise(BATCH, slots, INPUTS, seed=5).scatter(1, place.unsqueeze(-1).expand_as(X), X)
    lasting = torch.zeros(BATCH, slots, dtype=torch.float64).scatter(1, place, LASTING)
    with torch.no_grad():
        states = cell(x, lasting).gather(1, place.unsqueeze(-1).expand(-1, -1, WIDTH))
        # The state's own arithmetic is the same; a matrix product of other sizes may round in another order.
        assert gap(states, cell(X, LASTING)) <= ROUNDING


# T2: the unit of time


def in_other_units(cell: nn.Module, factor: float, *shifted: str) -> float:
    own = dict(cell.named_parameters())
    new = {f"{gate}.bias": own[f"{gate}.bias"] - math.log(factor) for gate in shifted}
    with torch.no_grad():
        return gap(functional_call(cell, new, (X, factor * LASTING)), cell(X, LASTING))


@every_age
@pytest.mark.parametrize("factor", [1e-3, 0.5, 3.0, 1e4])
@pytest.mark.parametrize(("build", "rates"), [(lstm.timed_rnn, ["rate"]), (lstm.timed_lstm, ["forget", "enter"])])
def test_another_unit_of_time_shifts_the_rates(build: Build, rates: list[str], factor: float, age: str) -> None:
    cell = made(build, age)
    assert in_other_units(cell, factor, *rates) <= ROUNDING
    assert in_other_units(cell, factor) > 0.1  # untransformed: 0.5 to 1.7 where the factor is large
    assert in_other_units(cell, factor, *rates[:-1]) > 0.1


# T3: the monoid of warps


@every_age
@every_cell
def test_repeats_that_take_no_time_warp_the_states(build: Build, age: str) -> None:
    cell, warps = made(build, age), symcheck.groups.Warps(STEPS)
    c = warps.sample(BATCH, rng(6))
    reps = symcheck.reps
    with torch.no_grad():
        left = cell(reps.Warp().act(warps, c, X), reps.Insert().act(warps, c, LASTING))
        right = reps.Warp().act(warps, c, cell(X, LASTING))
        assert gap(left, right) <= 4 * EPS  # 0, but that a matrix product may round a row otherwise at another place
        assert gap(cell(reps.Warp().act(warps, c, X), reps.Warp(axis=-1).act(warps, c, LASTING)), right) > 0.1


# T4: dilation without a clock


def dilated(cell: nn.Module, k: int, shift: bool = True) -> float:
    """States after each step, against those after its last repeat."""
    slower = dict(cell.named_parameters())["rate.bias"] - (math.log(k) if shift else 0)
    with torch.no_grad():
        long = functional_call(cell, {"rate.bias": slower}, (X.repeat_interleave(k, 1),))
        return gap(long[:, k - 1 :: k], cell(X))


@every_age
@pytest.mark.parametrize("k", [2, 3, 7])
def test_slow_sequences_need_slow_rates_and_no_clock(k: int, age: str) -> None:
    assert dilated(made(lstm.input_gated_rnn, age), k) <= ROUNDING
    assert dilated(made(lstm.input_gated_rnn, age), k, shift=False) > 0.1
    assert dilated(made(lstm.sigmoid_gated_rnn, age), k) > 0.02
    assert dilated(made(lstm.timed_rnn, age), k) > 0.02


# T5: splitting


def halves(share: float, x: Tensor, lasting: Tensor) -> tuple[Tensor, Tensor]:
    """Each step in two, of which the first takes so much of its time."""
    return x.repeat_interleave(2, 1), torch.stack([share * lasting, (1 - share) * lasting], -1).flatten(1)


@every_age
@pytest.mark.parametrize("share", [0.5, 0.1, 1.0])
def test_a_step_may_be_split_where_gates_read_the_input(share: float, age: str) -> None:
    cell = made(lstm.input_gated_rnn, age)
    with torch.no_grad():
        assert gap(cell(*halves(share, X, LASTING))[:, 1::2], cell(X, LASTING)) <= ROUNDING


FIRST_ORDER: dict[str, Build] = {
    "leaky, feedback": LeakyRNN,
    "leaky, sigmoid": lambda: LeakyRNN(feedback=False, gate=torch.sigmoid),
    "LSTM": LSTM,
    "LSTM on input": lambda: LSTM(feedback=False),
}


@every_age
@pytest.mark.parametrize("name", FIRST_ORDER)
def test_splitting_is_right_to_first_order_elsewhere(name: str, age: str) -> None:
    """The same input in ever more steps of ever less time: what one more halving changes is half as much each time.

    At weights as they are before training: the order shows where a rate times a step is small.
    """
    cell, changes = made(FIRST_ORDER[name], age), []
    x, lasting = X, LASTING
    with torch.no_grad():
        for _ in range(8):
            parts = x.shape[1] // STEPS
            coarse = cell(x, lasting)[:, parts - 1 :: parts]
            x, lasting = halves(0.5, x, lasting)
            changes.append(gap(cell(x, lasting)[:, 2 * parts - 1 :: 2 * parts], coarse))
    assert changes[0] > 0.01
    ratios = [a / b for a, b in pairwise(changes[4:])]
    assert all(abs(ratio - 2) < 0.1 for ratio in ratios), ratios


# T6: continuous time


PIECES = 4


def clocked(age: str) -> Clocked:
    cell = Clocked(made(lstm.timed_rnn, age), Clock(PIECES, span=16)).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in cell.clock.parameters():
            parameter.add_(0.5 * noise(PIECES, seed=8))
    return cell


TIMES = torch.nn.functional.pad(LASTING.cumsum(-1), (1, 0))


def bent(times: Tensor, knots: Tensor, slopes: Tensor) -> Tensor:
    """A piecewise-linear change of time, written as a sum of hinges: 0 stays, and the slopes hold between the knots."""
    bends = slopes.diff()
    return slopes[0] * times + ((times.unsqueeze(-1) - knots[1:-1]).clamp_min(0) * bends).sum(-1)


@every_age
def test_a_clock_takes_changes_of_time_into_its_knots(age: str) -> None:
    cell = clocked(age)
    gaps = cell.clock.gaps.detach()
    knots = torch.nn.functional.pad(gaps.exp().cumsum(-1), (1, 0))
    assert float(TIMES.max()) > float(knots[-2])  # all pieces are seen
    slopes = torch.tensor([2.0, 0.25, 3.0, 0.5], dtype=torch.float64)
    elsewhere = knots + torch.tensor([0.0, 0.7, -0.7, 0.7, 0.0], dtype=torch.float64)
    moved = {"clock.gaps": gaps + slopes.log()}
    with torch.no_grad():
        right = cell(X, TIMES)
        assert gap(functional_call(cell, moved, (X, bent(TIMES, knots, slopes))), right) <= 4 * ROUNDING  # of times up to 20
        assert gap(cell(X, bent(TIMES, knots, slopes)), right) > 0.1
        assert gap(functional_call(cell, moved, (X, bent(TIMES, elsewhere, slopes))), right) > 0.01


def test_a_clock_goes_on_before_its_first_knot_and_behind_its_last() -> None:
    clock = Clock(2, span=2)
    with torch.no_grad():
        clock.rises.copy_(torch.tensor([2.0, 3.0]).log())
        shown = clock(torch.tensor([[-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 4.0]]))
    assert torch.allclose(shown, torch.tensor([[-2.0, 0.0, 1.0, 2.0, 3.5, 5.0, 11.0]]), atol=1e-5)  # in float32


# T7: blanks


def test_a_gate_that_is_shut_on_blanks_waits() -> None:
    tokens = lstm.tokens()
    spaced = torch.zeros(len(tokens), 3 * STEPS, dtype=torch.int64)
    spaced[:, ::3] = tokens
    patient, impatient = (seeded(build).double() for build in (lstm.patient_rnn, lstm.impatient_rnn))
    with torch.no_grad():
        states = patient(spaced)
        assert torch.equal(states[:, ::3], states[:, 2::3])  # bit for bit: the blanks behind a letter change nothing
        assert gap(states[:, ::3], patient(tokens)) <= ROUNDING
        assert gap(impatient(spaced)[:, ::3], impatient(tokens)) > 0.1


def test_patience_may_be_short() -> None:
    """A gate that closes to e^-3 of itself on blanks moves the state, but less."""
    tokens = torch.tensor([[1, 2, 0, 0, 0]])
    moved = []
    for patience in (0.0, 3.0, 1e4):
        with torch.no_grad():
            states = Symbols(seeded(lambda: LeakyRNN(5, WIDTH)).double(), patience)(tokens)
        moved.append(gap(states[:, -1], states[:, 1]))
    assert moved[0] > 5 * moved[1] > 0.01
    assert moved[2] == 0


# T8: what comes before the first step


def waiting(cell: Callable[..., Tensor], steps: int = 5) -> tuple[float, float]:
    """The largest number while zeros come, and how far off what follows is."""
    x = torch.cat([torch.zeros(BATCH, steps, INPUTS, dtype=torch.float64), X], 1)
    with torch.no_grad():
        said = cell(x)
        return float(said[:, :steps].abs().max()), gap(said[:, steps:], cell(X))


def test_a_candidate_without_bias_waits_for_the_first_step() -> None:
    before, after = waiting(seeded(lstm.silent_lstm).double())
    assert before == 0
    assert after <= ROUNDING
    before, after = waiting(seeded(lstm.timed_lstm).double())
    assert before > 0.01
    assert after > 0.01


def test_nn_lstm_waits_if_its_candidate_has_no_bias() -> None:
    """As it comes it doesn't."""
    net = seeded(lambda: nn.LSTM(INPUTS, WIDTH, batch_first=True)).double()
    before, after = waiting(lambda x: net(x)[0])
    assert before > 0.01
    assert after > 0.01
    with torch.no_grad():
        for bias in (net.bias_ih_l0, net.bias_hh_l0):
            bias[2 * WIDTH : 3 * WIDTH] = 0  # input, forget, candidate, output
    before, after = waiting(lambda x: net(x)[0])
    assert before == 0
    assert after <= ROUNDING


# The cells themselves


def by_hand(cell: LSTM, x: Tensor, lasting: Tensor) -> Tensor:
    """One sequence, one step, one gate at a time, as the equations are written."""
    c, said = torch.zeros(WIDTH, dtype=x.dtype), []
    for z, d in zip(x, lasting, strict=True):
        m = torch.tanh(c)
        s = [gate.weight @ z + (0 if gate.across is None else gate.across @ m) + gate.bias for gate in cell.gates]
        forget, enter = s[0].exp(), s[1].exp()
        c = torch.exp(-forget * d) * c + (1 - torch.exp(-enter * d)) * torch.tanh(s[2])
        m = torch.tanh(c)
        said.append(torch.sigmoid(cell.out(torch.cat([z, m]))) * m)
    return torch.stack(said)


@pytest.mark.parametrize("feedback", [True, False])
def test_the_lstm_is_what_its_equations_say(feedback: bool) -> None:
    cell = seeded(lambda: LSTM(feedback=feedback)).double()
    with torch.no_grad():
        expected = torch.stack([by_hand(cell, x, d) for x, d in zip(X, LASTING, strict=True)])
        assert gap(cell(X, LASTING), expected) <= ROUNDING
        assert gap(cell(X), expected) > 0.01


@pytest.mark.parametrize("feedback", [True, False])
def test_the_leaky_network_is_what_its_equations_say(feedback: bool) -> None:
    cell = seeded(lambda: LeakyRNN(feedback=feedback)).double()
    rate, candidate = cell.gates
    with torch.no_grad():
        h, expected = torch.zeros(BATCH, WIDTH, dtype=torch.float64), []
        for z, d in zip(X.unbind(1), LASTING.unbind(1), strict=True):
            s, u = (z @ g.weight.T + (0 if g.across is None else h @ g.across.T) + g.bias for g in (rate, candidate))
            h = h + (1 - torch.exp(-s.exp() * d.unsqueeze(-1))) * (torch.tanh(u) - h)
            expected.append(h)
        assert gap(cell(X, LASTING), torch.stack(expected, 1)) <= ROUNDING


def test_splitting_is_exact_for_an_lstm_of_one_rate() -> None:
    """With W, b of forgetting and of filling equal it is the leaky network, and its step solves an equation."""
    cell = seeded(lstm.input_gated_lstm).double()
    with torch.no_grad():
        split = gap(cell(*halves(0.3, X, LASTING))[:, 1::2], cell(X, LASTING))
        assert split > 0.01
        for mine, theirs in zip(cell.gates[1].parameters(), cell.gates[0].parameters(), strict=True):
            mine.copy_(theirs)
        assert gap(cell(*halves(0.3, X, LASTING))[:, 1::2], cell(X, LASTING)) <= ROUNDING


@every_cell
def test_one_sequence_is_as_good_as_a_batch(build: Build) -> None:
    cell = made(build, AGES[0])
    with torch.no_grad():
        one, many = cell(X[3], LASTING[3]), torch.vmap(cell)(X, LASTING)
        assert one.shape == (STEPS, WIDTH)
        assert gap(one, cell(X, LASTING)[3]) <= ROUNDING
        assert gap(many, cell(X, LASTING)) <= ROUNDING


@every_cell
def test_padding_changes_nothing(build: Build) -> None:
    """Masked steps last no time, whatever their durations say."""
    cell, lengths = made(build, AGES[0]), torch.arange(BATCH) % STEPS + 1
    mask = torch.arange(STEPS) < lengths.unsqueeze(-1)
    with torch.no_grad():
        for durations in (None, LASTING):
            given = cell(X, durations, mask)
            assert torch.equal(given[mask], cell(X, durations)[mask])
            assert not torch.equal(given, cell(X, durations))


@every_cell
def test_time_does_not_run_backwards(build: Build) -> None:
    wrong = LASTING.clone()
    wrong[2, 3] = -0.25
    with pytest.raises(ValueError, match=r"^durations are 0 or more; the least given is -0\.25\. Give the time from each step"):
        made(build, AGES[0])(X, wrong)
    assert not torch.vmap(made(build, AGES[0]))(X, wrong)[2, 3:].isfinite().any()  # under vmap, where none can be refused
    assert torch.vmap(made(build, AGES[0]))(X, wrong)[2, :3].isfinite().all()


@every_cell
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_rates_beyond_all_bounds_are_no_numbers_beyond_them(build: Build, dtype: torch.dtype) -> None:
    """exp(1e4) is infinite, and infinity times no time would be NaN."""
    cell = made(build, AGES[0]).to(dtype)
    assert isinstance(cell, Cell)
    with torch.no_grad():
        for gate in cell.gates[: cell.rates]:
            assert gate.bias is not None
            gate.bias.fill_(1e4)
        lasting, _ = interrupted()
        states = cell(X.to(dtype), lasting.to(dtype))
        huge = cell(X.to(dtype), 1e30 * LASTING.to(dtype))
    assert states.isfinite().all()
    assert huge.isfinite().all()


@every_cell
def test_gradients_are_finite_where_no_time_passes(build: Build) -> None:
    cell = made(build, AGES[0])
    lasting = interrupted()[0].requires_grad_()
    cell(X, lasting).square().sum().backward()
    assert lasting.grad is not None
    assert lasting.grad.isfinite().all()
    assert lasting.grad[lasting > 0].abs().min() > 0
    for parameter in cell.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("longest", [2, 12, 1000])
def test_some_units_remember_for_as_long_as_is_asked(longest: int) -> None:
    """Chrono initialisation: times 1 / a uniform from 1 to longest - 1, and the same for forgetting and filling."""
    cell = seeded(lambda: LSTM(width=4000, longest=longest))
    forget, enter = cell.gates[0].bias, cell.gates[1].bias
    assert forget is not None
    assert enter is not None
    assert torch.equal(forget, enter)
    assert forget is not enter
    times, span = (-forget).exp().detach().double(), longest - 2
    off = 1e-6 * longest  # float32
    assert 1 - off <= float(times.min()) <= 1 + 0.01 * span + off
    assert longest - 1 - 0.01 * span - off <= float(times.max()) <= longest - 1 + off
    assert abs(float(times.mean()) - (1 + span / 2)) <= 6 * span / math.sqrt(12 * 4000) + off  # six standard deviations


def test_twins_take_what_the_cells_take() -> None:
    for cell in (PlainLSTM(), ReadsOutput(), PlainLSTM(timed=False)):
        assert cell(X.float(), LASTING.float()).shape == (BATCH, STEPS, WIDTH)
        assert cell(X.float()).shape == (BATCH, STEPS, WIDTH)


# Learning


def test_an_interrupted_oscillator_is_foretold_as_well() -> None:
    """A quarter of the steps that `python -m models.lstm train` takes, which come to an R^2 of 0.99."""
    found = lstm.LESSON.row(100)
    assert found["test"] > 0.85
    assert abs(found["test"] - found["transformed"]) < 1e-5  # the same numbers, in float32
    assert found["broken_test"] > 0.85
    assert found["broken_transformed"] < 0.5


def test_words_are_told_whatever_blanks_are_among_them() -> None:
    found = lstm.COPYING.row(150)
    assert found["test"] > 0.7
    assert found["transformed"] == found["test"]
    assert found["broken_transformed"] < found["broken_test"] - 0.2
