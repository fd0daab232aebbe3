"""Time: warps, dilations, delays and time changes, how they act on sequences and clocks, and where sequences come from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from symcheck.domains import Domain, Durations, Lengths, Parameters, Sequence
from symcheck.errors import ClaimError, DomainError, GroupError
from symcheck.groups import SO, Delays, Dilations, Monoid, Scaling, TimeChanges, Translations, Warps, from_string
from symcheck.reps import Insert, LogShift, Moments, Rep, ScaleBy, Shape, Shift, Warp, as_rep
from symcheck.reps.sequences import knots

EPS = float(torch.finfo(torch.float64).eps)


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def warps(*rows: list[int]) -> Tensor:
    return torch.tensor(rows)


# Warps


def test_to_compose_is_to_show_what_was_shown() -> None:
    """First h, then g, is h o g: the letters that g shows are those that h showed."""
    letters = torch.tensor([[10, 11, 12, 13]])
    h, g = warps([0, 1, 1, 2]), warps([0, 0, 1, 2])
    once = Warp(axis=-1).act(Warps(4), h, letters)
    assert once.tolist() == [[10, 11, 11, 12]]
    twice = Warp(axis=-1).act(Warps(4), g, once)
    assert twice.tolist() == [[10, 10, 11, 11]]
    assert Warps(4).compose(g, h).tolist() == [[0, 0, 1, 1]]
    assert Warp(axis=-1).act(Warps(4), Warps(4).compose(g, h), letters).tolist() == twice.tolist()
    assert Warps(4).compose(h, g).tolist() == [[0, 0, 0, 1]]  # the other order is another warp


class OtherWayRound(Warps):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g.gather(-1, h)


@pytest.mark.parametrize(("group", "acts"), [(Warps(7), True), (OtherWayRound(7), False)], ids=["h o g", "g o h"])
def test_the_order_matters(group: Warps, acts: bool) -> None:
    g, h, x = group.sample(64, rng(1)), group.sample(64, rng(2)), torch.randn(64, 7, generator=rng())
    rep = Warp(axis=-1)
    assert torch.equal(rep.act(group, g, rep.act(group, h, x)), rep.act(group, group.compose(g, h), x)) is acts


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_repeats_of_single_steps_generate_all_warps(steps: int) -> None:
    every = {(0, *(sum(on[: i + 1]) for i in range(steps - 1))) for on in product((0, 1), repeat=steps - 1)}
    found = Warps(steps).elements()
    assert set(map(tuple, found.tolist())) == every
    assert len(found) == Warps(steps).order == 2 ** (steps - 1)
    assert Warps(steps).contains(found).all()


NO_WARPS = [[1, 2, 3], [0, 2, 2], [0, 1, 0], [0, 0, -1], [-1, 0, 1]]


def test_what_skips_or_goes_back_is_no_warp() -> None:
    assert Warps(3).contains(warps([0, 1, 2], *NO_WARPS, [0, 0, 0])).tolist() == [True, *[False] * 5, True]
    assert Warps(2).contains(torch.tensor([[0, 0.5], [0, 1.0], [0, float("nan")]])).tolist() == [False, True, False]


# The 0.1 % points of the chi-square distribution (Abramowitz & Stegun, table 26.8). A sampler that is right exceeds them once
# in a thousand seeds; the seed here is fixed.
CHI_SQUARE = {3: 16.266, 7: 24.322}
COUNT = 8_000


def chi_square(counts: Counter[Any], cells: int, count: int) -> float:
    expected = count / cells
    return sum((seen - expected) ** 2 / expected for seen in counts.values()) + expected * (cells - len(counts))


def repeats(g: Tensor) -> Counter[Any]:
    return Counter((g.shape[-1] - 1 - g[:, -1]).tolist())


def test_few_repeats_and_many_are_as_likely() -> None:
    """Also 7 of 7: the sequence that stays at its first step. Uniform warps, one coin a step, would hardly ever do so."""
    group = Warps(8)
    assert chi_square(repeats(group.sample(COUNT, rng())), 8, COUNT) < CHI_SQUARE[7]
    uniform = torch.nn.functional.pad(torch.randint(2, (COUNT, 7), generator=rng()).cumsum(-1), (1, 0))
    assert group.contains(uniform).all()
    assert chi_square(repeats(uniform), 8, COUNT) > CHI_SQUARE[7]


def test_warps_of_as_many_repeats_are_equally_likely() -> None:
    g = Warps(5).sample(COUNT, rng())
    one = g[g[:, -1] == 3]
    assert len(one) > 1000
    assert chi_square(Counter(map(tuple, one.tolist())), 4, len(one)) < CHI_SQUARE[3]


def test_complexity_counts_repeats_and_what_is_simpler_has_fewer() -> None:
    group = Warps(9)
    g = group.sample(200, rng())
    assert torch.equal(group.complexity(g), (8 - g[:, -1]).double())
    for one in g:
        found, measure = group.simpler(one), group.complexity(one.unsqueeze(0))
        assert group.contains(found).all()
        assert (group.complexity(found) < measure).all()
        assert (len(found) > 0) == bool(measure > 0)
        if measure > 0:
            assert torch.equal(found[0], group.identity(1)[0])
            assert group.complexity(found).max() == measure - 1  # one repeat less is always tried, so that a shrinker gets on


def test_a_run_of_repeats_is_tried_alone() -> None:
    found = Warps(8).simpler(torch.tensor([0, 0, 1, 2, 2, 2, 3, 4])).tolist()
    assert [0, 1, 2, 2, 2, 3, 4, 5] in found
    assert [0, 0, 1, 2, 3, 4, 5, 6] in found


# Dilations, delays, time changes


def test_a_dilation_is_a_warp_and_a_scale() -> None:
    group, k = Dilations(7), torch.tensor([[1], [3], [9]])
    assert group.warp(k).tolist() == [list(range(7)), [0, 0, 0, 1, 1, 1, 2], [0] * 7]
    assert group.scale(k).tolist() == [1, 3, 9]
    assert Warps(7).contains(group.warp(k)).all()
    assert group.compose(k, k).tolist() == [[1], [9], [81]]  # lost steps, but not the factor


def test_dilations_are_drawn_up_to_the_number_of_steps() -> None:
    seen = Counter(Dilations(8).sample(COUNT, rng()).flatten().tolist())
    assert set(seen) == set(range(1, 9))
    for k, count in seen.items():  # the share of [k, k + 1) on a logarithmic scale; five standard deviations: one in a million
        share = math.log((k + 1) / k) / math.log(9)
        assert abs(count - COUNT * share) < 5 * math.sqrt(COUNT * share * (1 - share))


def test_delays_add_up_beyond_the_end() -> None:
    group, x = Delays(4), torch.tensor([[1, 2, 3, 4]]).repeat(4, 1)
    delayed = Shift(axis=-1).act(group, torch.tensor([[0], [1], [3], [9]]), x)
    assert delayed.tolist() == [[1, 2, 3, 4], [0, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert group.compose(torch.tensor([[3]]), torch.tensor([[3]])).tolist() == [[6]]


@pytest.mark.parametrize(("group", "whole"), [(Dilations(3), 1), (Delays(3), 0)], ids=str)
def test_factors_and_delays_are_whole_numbers_from_the_identity_on(group: Monoid, whole: int) -> None:
    assert group.contains(torch.tensor([[whole], [whole - 1], [99]])).tolist() == [True, False, True]
    assert group.contains(torch.tensor([[1.5], [float("nan")], [2.0]])).tolist() == [False, False, True]
    found = group.simpler(torch.tensor([4]))
    assert found.flatten().tolist() == list(range(whole, 4))


def test_time_changes_are_told_by_positive_slopes() -> None:
    group = TimeChanges(2)
    rows = torch.tensor([[1.0, 2.0], [0.0, 1.0], [1.0, -1.0], [1.0, float("inf")], [float("nan"), 1.0]]).double()
    assert group.contains(rows).tolist() == [True, False, False, False, False]
    assert group.algebra().shape == (2, 2, 2)
    assert group.exponential(torch.zeros(1, 2).double()).tolist() == [[1, 1]]
    (unit,) = group.subgroups()
    assert (str(unit), unit(torch.tensor([[[3.0]]])).tolist()) == ("R+", [[3.0, 3.0]])


WORDS: list[tuple[Monoid, list[float], str]] = [
    (Warps(4), [0, 1, 2, 3], "identity"),
    (Warps(4), [0, 1, 1, 2], "step 1 repeated once"),
    (Warps(6), [0, 0, 0, 1, 2, 2], "step 0 repeated twice, step 2 repeated once"),
    (Warps(6), [0, 1, 1, 1, 1, 2], "step 1 repeated 3 times"),
    (Warps(8), [0, 0, 1, 1, 2, 2, 3, 3], "4 repeats of 4 of 8 steps"),
    (Warps(4), [0, 0, 0, 0], "step 0 shown throughout"),
    (Warps(2), [0, 0], "step 0 repeated once"),
    (Warps(1), [0], "identity"),
    (Dilations(4), [1], "identity"),
    (Dilations(4), [2], "each step shown twice"),
    (Dilations(4), [5], "each step shown 5 times"),
    (Delays(4), [0], "identity"),
    (Delays(4), [1], "delay by 1 step"),
    (Delays(4), [3], "delay by 3 steps"),
    (TimeChanges(3), [1, 1, 1], "identity"),
    (TimeChanges(3), [2, 2, 2], "time stretched by 2"),
    (TimeChanges(3), [1, 0.5, 2], "time stretched by 0.5 on piece 1, 2 on piece 2"),
]


@pytest.mark.parametrize(("group", "g", "words"), WORDS, ids=[f"{group}: {words}" for group, _, words in WORDS])
def test_elements_are_told_in_words(group: Monoid, g: list[float], words: str) -> None:
    element = torch.tensor(g, dtype=group.identity(1).dtype)
    assert group.contains(element.unsqueeze(0)).all()
    assert group.describe(element) == words


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Warp(T)", Warps()),
        ("Warp(8)", Warps(8)),
        ("Dilation(T)", Dilations()),
        ("Dilation(8)", Dilations(8)),
        ("Delay(T)", Delays()),
        ("PL(4)", TimeChanges(4)),
    ],
)
def test_they_are_found_by_name(name: str, group: Monoid) -> None:
    assert from_string(name) == group
    assert str(group) == name


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: from_string("Warp(0)"), "Warp(0) acts on an empty sequence. Use 1 step or more, or 'Warp(T)'."),
    (lambda: from_string("Delay(0)"), "Delay(0) acts on an empty sequence. Use 1 step or more, or 'Delay(T)'."),
    (lambda: from_string("PL(0)"), "PL(0) changes nothing. Use 1 piece or more."),
    (
        lambda: Warps().bind({}),
        "Warp(T) needs the number of steps of the sequences, and no rep says it. Give an input a rep along time, such as "
        "Warp(axis=-2), or name the number, as in 'Warp(8)'.",
    ),
    (lambda: Warps().bind({"steps": 0}), "Warp(T) acts on an empty sequence. Use an example with at least one step."),
    (
        lambda: Warps(5).bind({"steps": 4}),
        "Warp(5) acts on 5 steps; the tensors have 4. Use 'Warp(T)' to follow them.",
    ),
    (
        lambda: Dilations().sample(1, rng()),
        "Dilation(T) isn't bound to a number of steps yet. Use bind({'steps': 8}), or 'Dilation(8)'.",
    ),
    (
        lambda: SO(3).delay(SO(3).identity(1)),
        "SO(3) has no delays. Use the monoid of delays, 'Delay(T)', or another rep.",
    ),
    (
        lambda: SO(3).slopes(SO(3).identity(1)),
        "SO(3) has no changes of continuous time. Use a group of them, such as 'PL(4)', or another rep.",
    ),
    (
        lambda: Delays(3).warp(Delays(3).identity(1)),
        "Delay(3) has no time warps. Use the monoid of time warps, 'Warp(T)', or another rep.",
    ),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text.partition(".")[0] for _, text in REFUSED])
def test_what_can_not_be_is_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(GroupError) as caught:
        make()
    assert str(caught.value) == text


@pytest.mark.parametrize("group", [Warps(), Dilations(), Delays()], ids=str)
def test_sizes_come_from_the_tensors(group: Monoid) -> None:
    assert str(group.bind({"steps": 4})) == str(group).replace("T", "4")


# How sequences go


def test_inserted_steps_take_no_time() -> None:
    lasting = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    g = warps([0, 1, 1, 2])
    assert Insert().act(Warps(4), g, lasting).tolist() == [[1, 2, 0, 4]]
    assert Warp(axis=-1).act(Warps(4), g, lasting).tolist() == [[1, 2, 2, 4]]


def test_inserting_keeps_all_time_but_what_is_lost_at_the_end() -> None:
    group, lasting = Warps(9), torch.rand(64, 9, generator=rng(), dtype=torch.float64)
    g = group.sample(64, rng())
    kept = torch.stack([one[: int(c[-1]) + 1].sum() for one, c in zip(lasting, g, strict=True)])
    assert torch.allclose(Insert().act(group, g, lasting).sum(-1), kept, rtol=9 * EPS, atol=0)


@dataclass(frozen=True)
class Shared(Insert):
    """Repeats share the time of their step, in equal parts. It keeps all time, too."""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        warp = group.warp(g)
        runs = (warp.unsqueeze(-1) == warp.unsqueeze(-2)).sum(-1)
        return Warp(axis=-1).act(group, g, x) / runs


@dataclass(frozen=True)
class LastOfAll(Insert):
    """The time passes on the last of the repeats, and not on the first."""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        repeated = torch.nn.functional.pad(group.warp(g).diff(dim=-1) == 0, (0, 1))
        return Warp(axis=-1).act(group, g, x).masked_fill(repeated, 0)


def acts(rep: Rep, group: Monoid, shape: Shape) -> bool:
    g, h, x = group.sample(64, rng(1)), group.sample(64, rng(2)), torch.randn(64, *shape, generator=rng(), dtype=torch.float64)
    twice, once = rep.act(group, g, rep.act(group, h, x)), rep.act(group, group.compose(g, h), x)
    return bool(((twice - once).abs() <= 4 * EPS * x.abs().max()).all())


@pytest.mark.parametrize("rep", [Shared(), LastOfAll()], ids=lambda rep: type(rep).__name__)
def test_other_ways_to_share_time_are_no_action(rep: Rep) -> None:
    """Halves of which one is halved aren't thirds. The last of repeats that are cut off at the end isn't the last any more."""
    assert acts(Insert(), Warps(7), (7,))
    assert not acts(rep, Warps(7), (7,))


def test_equal_shares_are_an_action_of_dilations() -> None:
    split = Warp(axis=-1) * ScaleBy(-1)
    assert acts(split, Dilations(7), (7,))
    assert split.act(Dilations(4), torch.tensor([[2]]), torch.tensor([[6.0, 3.0, 1.0, 1.0]])).tolist() == [[3, 3, 1.5, 1.5]]
    assert "Warp(4) has no scaling" in str(split.misfit(Warps(4), (4,)))


def test_delays_are_no_cyclic_shifts() -> None:
    rolled = torch.tensor([[1, 2, 3]]).roll(1, -1)
    assert Shift(axis=-1).act(Delays(3), torch.tensor([[1]]), torch.tensor([[1, 2, 3]])).tolist() == [[0, 1, 2]]
    assert rolled.tolist() == [[3, 1, 2]]
    assert "Z_3 has no delays" in str(Shift(axis=-1).misfit(Translations((3,)), (3,)))


def test_moments_keep_their_place_between_the_knots() -> None:
    """Knots at 0, 1, 3; the first piece is stretched by 2, the second by 3: they go to 0, 2, 8."""
    gaps = torch.tensor([1.0, 2.0], dtype=torch.float64).log()
    moments = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    moved = Moments(2).act(TimeChanges(2), torch.tensor([[2.0, 3.0]], dtype=torch.float64), torch.cat([gaps, moments])[None])[0]
    assert torch.allclose(knots(moved[:2]), torch.tensor([0.0, 2.0, 8.0]).double(), rtol=4 * EPS, atol=0)
    assert torch.allclose(moved[2:], torch.tensor([-2.0, 0.0, 1.0, 2.0, 5.0, 8.0, 11.0]).double(), rtol=8 * EPS, atol=0)


@dataclass(frozen=True)
class Afterwards(Moments):
    """Looks for the pieces of moments between the knots as they are afterwards."""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        slopes = group.slopes(g).to(x)
        new = x[:, : self.pieces] + slopes.log()
        before, after, moments = knots(x[:, : self.pieces]), knots(new), x[:, self.pieces :]
        piece = torch.searchsorted(after[:, 1:-1].contiguous(), moments.contiguous(), right=True)
        within = (moments - before.gather(-1, piece)) * slopes.gather(-1, piece)
        return torch.cat([new, after.gather(-1, piece) + within], -1)


def test_moments_that_are_looked_up_afterwards_are_no_action() -> None:
    group = TimeChanges(4)
    g, h, x = group.sample(64, rng(1)), group.sample(64, rng(2)), torch.randn(64, 12, generator=rng(), dtype=torch.float64)
    for rep, exact in ((Moments(), True), (Afterwards(), False)):
        twice, once = rep.act(group, g, rep.act(group, h, x)), rep.act(group, group.compose(g, h), x)
        assert bool(((twice - once).abs() <= 64 * EPS * twice.abs().max()).all()) is exact


def test_logarithms_of_rates_shift() -> None:
    bias = torch.zeros(2, 3, dtype=torch.float64)
    g = torch.tensor([[1], [4]])
    assert LogShift().act(Dilations(5), g, bias).tolist() == [[0.0] * 3, [-math.log(4)] * 3]
    assert LogShift(power=2).act(Dilations(5), g, bias)[1].tolist() == [2 * math.log(4)] * 3
    assert LogShift().misfit(Scaling(), (3,)) is None


@pytest.mark.parametrize(
    ("word", "rep"),
    [
        ("warp", Warp()),
        ("warp(axis=-1)", Warp(axis=-1)),
        ("insert", Insert()),
        ("insert(axis=-2)", Insert(axis=-2)),
        ("shift", Shift()),
        ("moments(pieces=3)", Moments(3)),
        ("log_shift(power=1)", LogShift(power=1)),
    ],
)
def test_words_stand_for_reps(word: str, rep: Rep) -> None:
    assert as_rep(word) == rep


MISFITS: list[tuple[Rep, Monoid, Shape, str]] = [
    (Warp(), Warps(4), (5, 2), "input 'x' has shape (5, 2): Warp(axis=-2) under Warp(4) acts on 4 steps along axis -2."),
    (
        Insert(),
        SO(3),
        (5,),
        "input 'x' has shape (5,): Insert(axis=-1): SO(3) has no time warps. Use the monoid of time warps, 'Warp(T)', or "
        "another rep.",
    ),
    (
        Moments(4),
        TimeChanges(3),
        (9,),
        "input 'x' has shape (9,): Moments(pieces=4) under PL(3) acts on a last axis of 3 log gaps and at least one moment.",
    ),
    (
        Moments(3),
        TimeChanges(3),
        (3,),
        "input 'x' has shape (3,): Moments(pieces=3) under PL(3) acts on a last axis of 3 log gaps and at least one moment.",
    ),
    (
        LogShift(),
        Warps(4),
        (3,),
        "input 'x' has shape (3,): LogShift(power=-1): Warp(4) has no scaling. Use a group that scales, such as 'R+' or "
        "'Sim(3)', or another rep.",
    ),
]


@pytest.mark.parametrize(("rep", "group", "shape", "text"), MISFITS, ids=[str(case[0]) for case in MISFITS])
def test_a_rep_that_does_not_fit_is_refused(rep: Rep, group: Monoid, shape: Shape, text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        rep.check(group, shape, True, "input 'x'")
    assert str(caught.value) == text


@pytest.mark.parametrize("make", [Warp, Insert, Shift])
def test_axes_are_counted_from_the_end(make: Callable[..., Rep]) -> None:
    with pytest.raises(ClaimError) as caught:
        make(axis=1)
    assert str(caught.value) == (
        f"{make.__name__}(axis=1): the axis is a negative integer, counted from the end, so that batch axes don't matter."
    )


def test_a_clock_has_pieces() -> None:
    with pytest.raises(ClaimError, match=r"^Moments\(pieces=0\): a clock has one piece between knots or more\.$"):
        Moments(0)


# Where sequences come from


def one(domain: Domain, name: str) -> Tensor:
    tensor: Tensor = domain.structured(domain.layout)[name][0]
    return tensor


def test_sequences_are_tried_where_warps_show_nothing_or_all() -> None:
    domain = Sequence(5, 3)
    assert not one(domain, "zeros").any()
    assert len(one(domain, "a constant sequence").unique(dim=0)) == 1
    assert one(domain, "an impulse")[0].all()
    assert not one(domain, "an impulse")[1:].any()
    repeated = one(domain, "repeated steps")
    assert torch.equal(repeated[0], repeated[1])
    assert not torch.equal(repeated[1], repeated[2])
    assert one(domain, "one-hot symbols").sum(-1).tolist() == [1] * 5


def test_durations_are_positive_and_zero_where_it_is_said() -> None:
    domain = Durations(7, 0.5, 2)
    drawn = domain.sample(domain.layout, 1000, rng())
    assert 0.5 <= float(drawn.min()) < 0.51
    assert 1.99 < float(drawn.max()) <= 2
    assert not one(domain, "durations of zero").any()
    assert one(domain, "every other duration zero").tolist() == [1.25, 0, 1.25, 0, 1.25, 0, 1.25]
    assert one(domain, "one huge duration").sort().values[-2:].tolist() == [1.25, 2e6]
    assert len(one(domain, "equal durations").unique()) == 1


@pytest.mark.parametrize("domain", [Sequence(5), Durations(5), Lengths(5)], ids=str)
def test_a_single_step_is_tried(domain: Domain) -> None:
    assert domain.boundaries == {"a single step": {"steps": 1}}
    assert domain.sample({"steps": 1}, 3, rng()).shape[:2] == (3, 1)


@pytest.mark.parametrize(("steps", "most"), [(6, None), (9, 4)])
def test_each_length_comes_once_before_any_comes_twice(steps: int, most: int | None) -> None:
    domain, count = Lengths(steps, most), most or steps
    mask = domain.sample(domain.layout, 2 * count, rng())
    lengths = mask.sum(-1)
    for half in (lengths[:count], lengths[count:]):
        assert half.sort().values.tolist() == list(range(1, count + 1))
    assert torch.equal(mask, torch.arange(steps) < lengths.unsqueeze(-1))


def test_less_padding_is_simpler() -> None:
    domain = Lengths(6, 4)
    mask = torch.arange(6) < 2
    assert domain.simpler(mask).sum(-1).tolist() == [4, 3]
    assert domain.complexity(domain.simpler(mask)).tolist() == [2, 3]
    assert domain.complexity(mask.unsqueeze(0)).tolist() == [4]


def linear() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(100, 30)


def test_parameters_are_the_module_s_own_and_then_others() -> None:
    module = linear()
    drawn = Parameters(module, "weight", "bias").sample({}, 400, rng())
    assert torch.equal(drawn["weight"][0], module.weight.detach().double())
    assert not torch.equal(drawn["weight"][1], drawn["weight"][0])
    for name, least in (("weight", 100**-0.5), ("bias", 30**-0.5)):
        own = dict(module.named_parameters())[name].detach().double()
        natural = max(float(own.square().mean().sqrt()), least)
        moved = (drawn[name][1:] - own) / (0.5 * natural)
        assert abs(float(moved.std()) - 1) < 6 / math.sqrt(2 * moved.numel())  # six standard deviations: one in a billion
    assert module.weight.requires_grad


def test_parameters_are_told_apart_from_the_module() -> None:
    module = linear()
    domain = Parameters(module, "bias")
    with torch.no_grad():
        module.bias.zero_()
    domain.sample({}, 1, rng())["bias"].fill_(7)
    assert domain.sample({}, 1, rng())["bias"].abs().max() not in (0, 7)


NOTHING: list[tuple[Callable[[], Domain], str]] = [
    (lambda: Sequence(0), "Sequence(steps=0, features=3) is empty. Give at least 1 step and 1 feature."),
    (lambda: Sequence(4, 0), "Sequence(steps=4, features=0) is empty. Give at least 1 step and 1 feature."),
    (lambda: Durations(0), "Durations(steps=0, least=0.5, most=2.0) is empty. Give at least 1 step."),
    (
        lambda: Durations(4, -1.0),
        "Durations(steps=4, least=-1.0, most=2.0): durations are positive, and differ. Give 0 < least < most.",
    ),
    (
        lambda: Durations(4, 1.0, float("nan")),
        "Durations(steps=4, least=1.0, most=nan): durations are positive, and differ. Give 0 < least < most.",
    ),
    (lambda: Lengths(0), "Lengths(steps=0, most=None) is empty. Give at least 1 step."),
    (
        lambda: Lengths(4, 5),
        "Lengths(steps=4, most=5): of 4 steps 1 to 4 are there. Give a `most` among these.",
    ),
    (lambda: Parameters(linear()), "Parameters of Linear: none are named. Name some, such as 'weight'."),
    (lambda: Parameters(linear(), "bais"), "Linear has no parameter 'bais'; did you mean 'bias'?"),
]


@pytest.mark.parametrize(("make", "text"), NOTHING, ids=[text.partition(".")[0] for _, text in NOTHING])
def test_domains_of_nothing_are_refused(make: Callable[[], Domain], text: str) -> None:
    with pytest.raises(DomainError) as caught:
        make()
    assert str(caught.value) == text
