"""From evidence to a verdict: hand-written numbers, and no model."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from symcheck.engine.evidence import Evidence
from symcheck.engine.judge import Judgement, judge
from symcheck.engine.policy import Policy
from symcheck.engine.verdict import Verdict

POLICY = Policy()
K = POLICY.slack
SINGLE = POLICY.single
BITS = 2.0**-POLICY.bits
TRIALS = 8
NAN, INF = float("nan"), float("inf")

SIGNAL = 2.0
FLOOR = 1e-15  # in float64
NOISE = 1e-6  # in the working precision
VISIBLE = K * SINGLE * SIGNAL  # from here on an error is one that float32 shows
BETWEEN = VISIBLE / 100  # more than rounding in float64, less than float32 shows
GENERIC = 6  # trials 6 and 7 are at structured inputs


def evidence(**given_: Any) -> Evidence:
    """Eight trials of one output, the last two at zeros and at ties, all as good as can be; but for what is given."""
    columns = {"truth": FLOOR, "floor": FLOOR, "error": NOISE, "noise": NOISE, "magnitude": SIGNAL}
    columns |= {"interpolation": 0.0, "peak": 0.0, "peak_error": 0.0, "moved": 1.0} | given_
    tables = {name: torch.as_tensor(value, dtype=torch.float64) for name, value in columns.items() if name not in _OTHER}
    moved = tables.pop("moved").expand(TRIALS)
    signal = torch.as_tensor(columns.get("signal", SIGNAL), dtype=torch.float64).reshape(-1)
    return Evidence(
        leaves=columns.get("leaves", ("energy",)),
        signal=signal,
        spread=torch.as_tensor(columns.get("spread", signal), dtype=torch.float64).reshape(-1),
        moved=moved,
        region=torch.tensor([0] * GENERIC + [1, 2]),
        regions=("generic inputs", "zeros", "ties"),
        precise=columns.get("precise", True),
        entries=columns.get("entries", (1,)),
        **{name: table.reshape(-1, 1).expand(TRIALS, 1).clone() for name, table in tables.items()},
    )


_OTHER = ("leaves", "signal", "spread", "precise", "entries")


def at(trial: int, value: float, elsewhere: float) -> Tensor:
    """A column with another value at one trial."""
    column = torch.full((TRIALS,), elsewhere, dtype=torch.float64)
    column[trial] = value
    return column


def judged(found: Evidence, precision: str = "float32", tolerance: float | None = None) -> Judgement:
    return judge(found, POLICY, precision, tolerance)


def beside(*parts: Evidence) -> Evidence:
    """The outputs of several pieces of evidence as the outputs of one model."""
    names = tuple(f"{name}{i}" for i, part in enumerate(parts) for name in part.leaves)
    entries = tuple(count for part in parts for count in part.entries)
    signal = torch.cat([part.signal for part in parts])
    spread = torch.cat([part.spread for part in parts])
    return replace(parts[0], leaves=names, signal=signal, spread=spread, entries=entries, **_joined(parts))


def _joined(parts: tuple[Evidence, ...]) -> Any:
    columns = ("truth", "floor", "error", "noise", "interpolation", "magnitude", "peak", "peak_error")
    return {name: torch.cat([getattr(part, name) for part in parts], -1) for name in columns}


def above(x: float) -> float:
    return x * (1 + 1e-12)


def below(x: float) -> float:
    return x * (1 - 1e-12)


# Every verdict and its reason

VERDICTS: dict[str, tuple[Evidence, str, Verdict, str]] = {
    "rounding": (
        evidence(),
        "float32",
        Verdict.HOLDS,
        "the two sides differ by at most 5e-16 of the output's spread in float64, which is rounding",
    ),
    "nothing at all": (evidence(truth=0, error=0), "float64", Verdict.HOLDS, "the two sides differ by at most 0 of "),
    "constants in float32": (
        evidence(truth=BETWEEN),
        "float32",
        Verdict.LIMITED,
        "the two sides of output 'energy' differ by 3.8e-08 of its spread in float64, where rounding explains 1.6e-14: "
        "lower-precision constants, or a break too small for float32 to show (it shows above 3.8e-06)",
    ),
    "constants in float32, claimed for float64": (
        evidence(truth=BETWEEN, error=BETWEEN, noise=FLOOR),
        "float64",
        Verdict.LIMITED,
        "the two sides of output 'energy' differ by 3.8e-08 of its spread in float64, where rounding explains 1.6e-14",
    ),
    "a cast to float32 inside": (
        evidence(floor=SINGLE * SIGNAL, truth=0),
        "float32",
        Verdict.LIMITED,
        "the two sides agree, but output 'energy' is no better than float32 in float64: its rounding is 1.2e-07 of its "
        "spread, and hides violations under 3.8e-06 (casts to float32 inside?)",
    ),
    "no float64": (
        evidence(precise=False, truth=NOISE, floor=NOISE),
        "float32",
        Verdict.LIMITED,
        "it can be measured in float32 alone, where the two sides agree to 5e-07",
    ),
    "another function": (
        evidence(truth=SIGNAL / 4),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 0.25 of its spread in float64, 5e+14 times what rounding explains",
    ),
    "another function at one trial": (
        evidence(truth=at(3, SIGNAL / 4, 0)),
        "float64",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 0.25 of its spread in float64, 5e+14 times what rounding explains",
    ),
    "another function at ties": (
        evidence(truth=at(7, SIGNAL / 4, 0)),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ only at ties by 0.25 of its spread in float64, 5e+14 times what rounding "
        "explains",
    ),
    "another function, without float64": (
        evidence(precise=False, truth=SIGNAL / 4, floor=NOISE),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 0.25 of its spread in float32, 5e+05 times what rounding explains",
    ),
    "a constant that turns": (
        evidence(signal=0, truth=1),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 1, though it is constant in float64, 1e+15 times what rounding explains",
    ),
    "an action that interpolates": (
        evidence(interpolation=1e-3, truth=1e-3),
        "float32",
        Verdict.LIMITED,
        "the two sides of output 'energy' differ by 0.0005 of its spread, within what the group's action, which interpolates, "
        "changes alone: it hides violations under 0.001",
    ),
    "more than interpolation": (
        evidence(interpolation=1e-3, truth=at(3, 3e-3, 1e-3)),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 0.0015 of its spread in float64, 3 times what interpolation explains",
    ),
    "an action that blurs": (
        evidence(interpolation=0.1, truth=1e-3),
        "float32",
        Verdict.IMPRECISE,
        "the group's action interpolates, and alone changes output 'energy' by 0.1 of its spread: a violation under that can't "
        "be seen. Give smoother inputs",
    ),
    "float32 in an output larger than most": (
        evidence(signal=1e-3, spread=1.0, magnitude=at(2, 1.0, 1e-3), truth=at(2, 1e-7, 0)),
        "float32",
        Verdict.LIMITED,
        "the two sides of output 'energy' differ by 0.0001 of its spread",
    ),
    "as large an error in one that is like most": (
        evidence(signal=1e-3, spread=1.0, magnitude=at(2, 1.0, 1e-3), truth=at(3, 1e-7, 0)),
        "float32",
        Verdict.VIOLATED,
        "the two sides of output 'energy' differ by 0.0001 of its spread",
    ),
    "an offset": (
        evidence(noise=SIGNAL / 8),
        "float32",
        Verdict.IMPRECISE,
        "float32 doesn't carry the signal of output 'energy': its noise is 0.12 of its spread, its size 1 of it. Take a large "
        "offset out, or compute in higher precision",
    ),
    "a jump": (
        evidence(error=at(2, SIGNAL / 4, 0)),
        "bfloat16",
        Verdict.IMPRECISE,
        "in bfloat16 the two sides of output 'energy' differ by 0.25 of its spread, 5e+05 times its noise, though they agree "
        "in float64: the output jumps (ties, cutoffs), or loses digits at some inputs",
    ),
    "no element moves an input": (
        evidence(moved=0, truth=0, error=0),
        "float32",
        Verdict.VACUOUS,
        "no element moved any input, so that both sides are the same computation. Give at least one input a rep by which the "
        "group acts on it, or inputs that it doesn't fix",
    ),
    "a constant": (
        evidence(signal=0),
        "float32",
        Verdict.VACUOUS,
        "output 'energy' doesn't vary with the input beyond its rounding, and so can't disagree",
    ),
    "NaN": (
        evidence(truth=at(2, NAN, 0)),
        "float32",
        Verdict.NONFINITE,
        "output 'energy' is NaN or infinite in float64 in 1 of 6 trials",
    ),
    "an overflow": (
        evidence(error=torch.tensor([INF, NAN, 0, 0, 0, 0, 0, 0])),
        "float16",
        Verdict.NONFINITE,
        "output 'energy' is NaN or infinite in float16 in 2 of 6 trials",
    ),
}


@pytest.mark.parametrize(("found", "precision", "verdict", "text"), VERDICTS.values(), ids=VERDICTS)
def test_each_verdict_and_its_reason(found: Evidence, precision: str, verdict: Verdict, text: str) -> None:
    judgement = judged(found, precision)
    assert judgement.verdict is verdict
    assert judgement.because.startswith(text)


def test_the_cases_above_are_all_that_evidence_can_show() -> None:
    """The others, UNSTABLE and CRASHED, are found before there is evidence."""
    assert {case[2] for case in VERDICTS.values()} == set(Verdict) - {Verdict.UNSTABLE, Verdict.CRASHED}


def test_an_output_without_a_name_is_the_output() -> None:
    text = judged(evidence(leaves=("",), truth=1)).because
    assert text.startswith("the two sides of the output differ by 0.5 of its spread")


# Boundaries


@pytest.mark.parametrize("trial", range(TRIALS))
def test_rounding_ends_at_k_floors(trial: int) -> None:
    assert judged(evidence(truth=at(trial, below(K * FLOOR), 0))).verdict is Verdict.HOLDS
    assert judged(evidence(truth=at(trial, above(K * FLOOR), 0))).verdict is Verdict.LIMITED


@pytest.mark.parametrize("trial", range(TRIALS))
def test_violations_begin_where_float32_shows_them(trial: int) -> None:
    assert judged(evidence(truth=at(trial, below(VISIBLE), 0))).verdict is Verdict.LIMITED
    assert judged(evidence(truth=at(trial, above(VISIBLE), 0))).verdict is Verdict.VIOLATED


def test_violations_begin_at_k_floors_where_those_are_higher() -> None:
    floor = SINGLE * SIGNAL * 10
    assert judged(evidence(floor=floor, truth=below(K * floor))).verdict is Verdict.LIMITED
    assert judged(evidence(floor=floor, truth=above(K * floor))).verdict is Verdict.VIOLATED


@pytest.mark.parametrize("trial", range(GENERIC))
def test_the_working_precision_ends_at_k_of_its_noise(trial: int) -> None:
    assert judged(evidence(truth=0, error=at(trial, below(K * NOISE), 0))).verdict is Verdict.HOLDS
    assert judged(evidence(truth=0, error=at(trial, above(K * NOISE), 0))).verdict is Verdict.IMPRECISE


def test_an_error_that_float64_shows_as_well_is_no_jump() -> None:
    """Else a model with constants in float32, claimed for float64, would be told that it agrees in float64."""
    assert judged(evidence(truth=BETWEEN, error=below(BETWEEN + K * FLOOR), noise=FLOOR), "float64").verdict is Verdict.LIMITED
    assert judged(evidence(truth=BETWEEN, error=BETWEEN + 2 * K * NOISE)).verdict is Verdict.IMPRECISE


def test_the_signal_must_stand_four_bits_above_the_working_precision() -> None:
    assert judged(evidence(noise=below(BITS * SIGNAL))).verdict is Verdict.HOLDS
    assert judged(evidence(noise=above(BITS * SIGNAL))).verdict is Verdict.IMPRECISE


def test_float64_must_be_five_bits_better_than_float32() -> None:
    floor = 2.0**-POLICY.finer * SINGLE * SIGNAL
    assert judged(evidence(floor=below(floor))).verdict is Verdict.HOLDS
    assert judged(evidence(floor=above(floor))).verdict is Verdict.LIMITED


def test_a_signal_of_k_floors_shows_nothing() -> None:
    assert judged(evidence(signal=below(K * FLOOR), noise=0, error=0)).verdict is Verdict.VACUOUS
    assert judged(evidence(signal=above(K * FLOOR), noise=0, error=0)).verdict is not Verdict.VACUOUS


def test_inputs_are_moved_if_one_is_by_more_than_rounding() -> None:
    least = K * float(torch.finfo(torch.float64).eps)
    assert judged(evidence(moved=below(least))).verdict is Verdict.VACUOUS
    assert judged(evidence(moved=at(3, above(least), 0))).verdict is Verdict.HOLDS


# What NaN does


def test_nan_never_passes() -> None:
    for trial in range(GENERIC):
        for name, good in (("truth", FLOOR), ("error", NOISE)):
            for bad in (NAN, INF):
                assert judged(evidence(**{name: at(trial, bad, good)})).verdict is Verdict.NONFINITE
        for name, good in (("floor", FLOOR), ("noise", NOISE)):
            assert not judged(evidence(**{name: at(trial, NAN, good)})).verdict.passes("float32")
    for name in ("truth", "floor", "error", "noise", "signal", "moved"):
        assert not judged(evidence(**{name: NAN})).verdict.passes("float32")


@pytest.mark.parametrize("bad", [NAN, INF])
def test_what_is_not_finite_at_structured_inputs_is_another_finding(bad: float) -> None:
    judgement = judged(evidence(truth=at(6, bad, FLOOR), error=at(6, bad, NOISE)))
    assert judgement.verdict is Verdict.HOLDS
    assert not judgement.violating.any()
    assert judgement.because == judged(evidence()).because
    assert math.isfinite(judgement.figures[0].truth)


def test_a_violation_at_one_structured_input_is_seen_beside_nan_at_another() -> None:
    judgement = judged(evidence(truth=torch.tensor([0, 0, 0, 0, 0, 0, NAN, 1])))
    assert judgement.verdict is Verdict.VIOLATED
    assert judgement.figures[0].only_at == ("ties",)


# Tolerance


def test_a_tolerance_is_a_part_of_the_spread() -> None:
    assert judged(evidence(truth=below(0.1 * SIGNAL)), tolerance=0.1).verdict is Verdict.HOLDS
    assert judged(evidence(truth=above(0.1 * SIGNAL)), tolerance=0.1).verdict is Verdict.VIOLATED
    assert judged(evidence(truth=below(0.1 * SIGNAL))).verdict is Verdict.VIOLATED


def test_a_tolerance_is_for_the_working_precision_too() -> None:
    assert judged(evidence(truth=0, error=below(0.1 * SIGNAL)), tolerance=0.1).verdict is Verdict.HOLDS
    assert judged(evidence(truth=0, error=above(0.1 * SIGNAL)), tolerance=0.1).verdict is Verdict.IMPRECISE


def test_a_tolerance_is_not_spent_twice() -> None:
    """What float64 shows counts as a part of what the working precision shows, not on top of the tolerance."""
    assert judged(evidence(truth=0.09 * SIGNAL, error=0.0999 * SIGNAL), tolerance=0.1).verdict is Verdict.HOLDS
    assert judged(evidence(truth=0.09 * SIGNAL, error=0.18 * SIGNAL), tolerance=0.1).verdict is Verdict.IMPRECISE


def test_what_a_tolerance_allows_is_not_said_to_be_rounding() -> None:
    assert "rounding" not in judged(evidence(truth=0.05 * SIGNAL), tolerance=0.1).because


# Several outputs

ORDERED = [
    VERDICTS[name][0] for name in ("NaN", "another function", "a jump", "a constant", "constants in float32", "rounding")
]


@pytest.mark.parametrize(("worse", "better"), [(i, j) for i in range(6) for j in range(i + 1, 6)])
def test_the_worst_output_counts(worse: int, better: int) -> None:
    """In this order; one that can't show anything leaves a claim undecided that holds on the others."""
    alone = [judged(ORDERED[worse]).verdict, judged(ORDERED[better]).verdict]
    for parts in ((ORDERED[worse], ORDERED[better]), (ORDERED[better], ORDERED[worse])):
        judgement = judged(beside(*parts))
        assert judgement.verdict is alone[0]
        assert sorted(figures.verdict for figures in judgement.figures) == sorted(alone)
        blamed = next(figures for figures in judgement.figures if figures.verdict is alone[0])
        assert judgement.because == blamed.because


def test_a_small_output_cannot_hide_behind_a_large_one() -> None:
    large, small = evidence(signal=1e6, magnitude=1e6), evidence(signal=1e-6, truth=1e-7, floor=1e-22, noise=1e-13, error=0)
    judgement = judged(beside(large, small))
    assert judgement.verdict is Verdict.VIOLATED
    assert "'energy1' differ by 0.1 of its spread" in judgement.because
    assert [figures.verdict for figures in judgement.figures] == [Verdict.HOLDS, Verdict.VIOLATED]


def test_each_output_is_measured_by_its_own_signal() -> None:
    units = [evidence(truth=0.2 * u, floor=FLOOR * u, error=0, noise=NOISE * u, signal=SIGNAL * u) for u in (1e-9, 1.0, 1e9)]
    assert [figures.relative for figures in judged(beside(*units)).figures] == pytest.approx([0.1] * 3, rel=1e-12)


def test_outputs_that_all_show_nothing_are_vacuous() -> None:
    assert judged(beside(evidence(signal=0), evidence(signal=0))).verdict is Verdict.VACUOUS


def test_a_violation_is_not_vacuous_though_no_input_moved() -> None:
    """A group that acts on the output alone: f(x) = rho(g) f(x), which only an f of zero could obey."""
    assert judged(evidence(moved=0, truth=SIGNAL)).verdict is Verdict.VIOLATED


# Without float64


def test_without_float64_nothing_is_better_than_limited() -> None:
    assert judged(evidence(precise=False, truth=0, error=0)).verdict is Verdict.LIMITED


def test_without_float64_nothing_is_said_of_it() -> None:
    for truth in (0, BETWEEN, NOISE * K / 2, SIGNAL / 4, NAN):
        found = evidence(precise=False, truth=truth, error=truth, floor=NOISE, noise=NOISE)
        assert "float64" not in judged(found).because
    assert "float64" not in judged(evidence(precise=False, noise=SIGNAL / 8)).because


def test_limited_passes_a_claim_for_float32_and_fails_one_for_float64() -> None:
    assert Verdict.LIMITED.passes("float32")
    assert Verdict.LIMITED.passes("bfloat16")
    assert not Verdict.LIMITED.passes("float64")
    assert Verdict.HOLDS.passes("float64")
    assert not any(verdict.passes("bfloat16") for verdict in set(Verdict) - {Verdict.HOLDS, Verdict.LIMITED})


# The figures


def test_violating_trials_are_told() -> None:
    truth = torch.tensor([0, 1, 0, NAN, 0, BETWEEN, 1, NAN])
    assert judged(evidence(truth=truth)).violating.tolist() == [False, True, False, False, False, False, True, False]
    two = beside(evidence(truth=at(0, 1, 0)), evidence(truth=at(7, 1, 0)))
    assert judged(two).violating.nonzero().flatten().tolist() == [0, 7]


def test_the_figures_are_those_of_the_worst_trial() -> None:
    floor = torch.tensor([1.0, 1, 1, 1, 1, 9, 1, 1]).double() * FLOOR
    truth = torch.tensor([1.0, 2, 3, 4, 5, 10, 1, 1]).double() * FLOOR  # trial 5 is larger, but nearer its floor
    error = torch.tensor([1.0, 2, 9, 1, 1, 1, 90, 1]).double() * NOISE / 10  # trial 6 isn't judged in the working precision
    figures = judged(evidence(truth=truth, floor=floor, error=error)).figures[0]
    assert (figures.truth, figures.floor) == pytest.approx((5 * FLOOR, FLOOR), rel=1e-12, abs=0)
    assert (figures.error, figures.noise) == pytest.approx((0.9 * NOISE, NOISE), rel=1e-12, abs=0)
    assert figures.relative == figures.truth / SIGNAL
    assert (figures.leaf, figures.signal, figures.magnitude, figures.only_at) == ("energy", SIGNAL, SIGNAL, ())


@pytest.mark.parametrize(("bad", "where"), [((6,), ("zeros",)), ((6, 7), ("zeros", "ties")), ((0, 6), ()), ((0,), ())])
def test_regions_are_named_if_generic_inputs_are_well(bad: tuple[int, ...], where: tuple[str, ...]) -> None:
    truth = torch.zeros(TRIALS)
    truth[list(bad)] = 1
    judgement = judged(evidence(truth=truth))
    assert judgement.verdict is Verdict.VIOLATED
    assert judgement.figures[0].only_at == where
    assert (" only at " + ", ".join(where) + " by" in judgement.because) == bool(where)


FLOORS = torch.tensor([1.0, 3, 9, 1, 4, 2, 80, 1]).double()


@pytest.mark.parametrize("tolerance", [None, 0.01])
@pytest.mark.parametrize("floor", [FLOOR, FLOORS * FLOOR, BITS * SINGLE * SIGNAL / 100], ids=["even", "uneven", "high"])
def test_the_limit_that_is_printed_is_true(floor: Any, tolerance: float | None) -> None:
    """An error just above it, on all trials, does not hold; where floors are even, on any one of them."""
    limit = judged(evidence(floor=floor), tolerance=tolerance).figures[0].limit * SIGNAL
    assert judged(evidence(floor=floor, truth=above(limit), error=0), tolerance=tolerance).verdict is not Verdict.HOLDS
    if isinstance(floor, float):
        assert judged(evidence(floor=floor, truth=below(limit), error=0), tolerance=tolerance).verdict is Verdict.HOLDS
        for trial in range(TRIALS):
            found = evidence(floor=floor, truth=at(trial, above(limit), 0), error=0)
            assert judged(found, tolerance=tolerance).verdict is not Verdict.HOLDS


@pytest.mark.parametrize(
    "given_",
    [{"truth": BETWEEN}, {"floor": SINGLE * SIGNAL}, {"floor": 9 * SINGLE * SIGNAL}, {"precise": False, "floor": NOISE}],
)
def test_the_limit_of_a_limited_claim_is_where_violations_begin(given_: dict[str, Any]) -> None:
    found = judged(evidence(**given_))
    assert found.verdict is Verdict.LIMITED
    limit = found.figures[0].limit * SIGNAL
    assert judged(evidence(**given_ | {"truth": below(limit)})).verdict is Verdict.LIMITED
    assert judged(evidence(**given_ | {"truth": above(limit)})).verdict is Verdict.VIOLATED


def test_there_is_no_limit_without_a_signal() -> None:
    assert math.isnan(judged(evidence(signal=0)).figures[0].limit)


# For any evidence

ERRORS = st.one_of(st.sampled_from([0.0, NAN, INF]), st.floats(-20, 3).map(lambda power: 10.0**power))
SIZES = st.floats(-20, 1).map(lambda power: 10.0**power)


def columns(values: st.SearchStrategy[float]) -> st.SearchStrategy[Tensor]:
    return st.lists(values, min_size=TRIALS, max_size=TRIALS).map(lambda column: torch.tensor(column, dtype=torch.float64))


ANY = st.builds(
    evidence,
    truth=columns(ERRORS),
    floor=columns(SIZES),
    error=columns(ERRORS),
    noise=columns(SIZES),
    signal=st.one_of(st.just(0.0), SIZES),
    precise=st.booleans(),
)
TOLERANCES = st.one_of(st.none(), st.floats(1e-6, 0.5))
PRECISIONS = st.sampled_from(["float64", "float32", "bfloat16"])


@settings(deadline=None, max_examples=300)
@given(ANY, PRECISIONS, TOLERANCES)
def test_what_passes_is_within_its_bounds(found: Evidence, precision: str, tolerance: float | None) -> None:
    """The whole of what a passing verdict promises, computed once more and otherwise."""
    judgement = judged(found, precision, tolerance)
    if not judgement.verdict.passes(precision):
        return
    signal, allowed = float(found.signal), (tolerance or 0.0) * float(found.signal)
    rows = zip(*(getattr(found, name).flatten().tolist() for name in ("truth", "floor", "error", "noise")), strict=True)
    for trial, (truth, floor, error, noise) in enumerate(rows):
        exact = max(K * floor, allowed)
        bound = exact if judgement.verdict is Verdict.HOLDS else max(exact, K * SINGLE * signal)
        assert truth <= bound or (trial >= GENERIC and not math.isfinite(truth))
        assert trial >= GENERIC or error <= max(K * noise, allowed) + truth
    assert signal > 0
    assert not judgement.violating.any()


@settings(deadline=None, max_examples=300)
@given(ANY, PRECISIONS, TOLERANCES, st.integers(0, TRIALS - 1), st.floats(1, 1e6))
def test_a_larger_error_is_never_judged_better(
    found: Evidence, precision: str, tolerance: float | None, trial: int, times: float
) -> None:
    truth = found.truth.clone()
    truth[trial] *= times
    before, after = (
        judged(found, precision, tolerance),
        judged(replace(found, truth=truth, error=found.error), precision, tolerance),
    )
    ranks = [Verdict.HOLDS, Verdict.LIMITED]
    if after.verdict in ranks and before.verdict is not Verdict.IMPRECISE:  # an error that float64 shows as well is no jump
        assert before.verdict in ranks[: ranks.index(after.verdict) + 1]


@settings(deadline=None, max_examples=300)
@given(ANY, PRECISIONS, TOLERANCES, st.sampled_from([2.0**-30, 2.0**20]))
def test_the_verdict_does_not_depend_on_the_unit(found: Evidence, precision: str, tolerance: float | None, unit: float) -> None:
    names = ("truth", "floor", "error", "noise", "magnitude", "peak_error", "signal")
    scaled = replace(found, **{name: unit * getattr(found, name) for name in names})
    assert judged(scaled, precision, tolerance).verdict is judged(found, precision, tolerance).verdict


@settings(deadline=None, max_examples=300)
@given(ANY, PRECISIONS, TOLERANCES)
def test_a_reason_is_one_readable_sentence(found: Evidence, precision: str, tolerance: float | None) -> None:
    because = judged(found, precision, tolerance).because
    assert because
    assert "\n" not in because
    assert not because.endswith(".")
    for nonsense in (" nan", " inf ", "e+308", "--"):
        assert nonsense not in because


# One entry among others


def test_an_entry_off_by_much_of_its_own_spread_is_seen_beside_large_ones() -> None:
    hidden = evidence(truth=BETWEEN, peak=0.5, peak_error=BETWEEN)
    judgement = judged(hidden)
    assert judgement.verdict is Verdict.VIOLATED
    assert judgement.because == (
        "the two sides of output 'energy' differ in an entry by 0.5 of its own spread, which larger entries hide and rounding "
        "doesn't explain"
    )


@pytest.mark.parametrize(
    "harmless",
    [
        {"peak": POLICY.coarsest / 2, "peak_error": BETWEEN},  # little of its spread
        {"peak": 0.5, "peak_error": K * FLOOR},  # rounding
        {"peak": 0.5, "peak_error": 9 * K * FLOOR, "entries": (100,)},  # all the noise of the leaf in one entry
    ],
)
def test_an_entry_that_rounding_explains_or_that_is_off_by_little_is_no_violation(harmless: dict[str, Any]) -> None:
    assert judged(evidence(**harmless)).verdict is Verdict.HOLDS


def test_a_tolerance_counts_for_each_entry_too() -> None:
    assert judged(evidence(peak=0.5, peak_error=BETWEEN), tolerance=0.6).verdict is Verdict.HOLDS
    assert judged(evidence(peak=0.5, peak_error=BETWEEN), tolerance=0.4).verdict is Verdict.VIOLATED


def test_the_reason_is_of_the_leaf_that_is_worst() -> None:
    """The energy is broken as well, but by less of its spread than the forces."""
    energy, forces = (evidence(leaves=(name,), truth=at(2, size, FLOOR)) for name, size in (("energy", 0.01), ("forces", 0.5)))
    because = judged(beside(energy, forces)).because
    assert because.startswith("the two sides of output 'forces1' differ by 0.25 of its spread")
