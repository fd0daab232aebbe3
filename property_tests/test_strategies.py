"""Strategies: what is drawn is what is promised, and what fails shrinks to what a person would have tried."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import HealthCheck, Phase, Verbosity, find, given, settings, target
from hypothesis import strategies as st
from hypothesis.control import current_build_context
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import HypothesisWarning
from torch import Generator, Tensor, nn

import symcheck
from models import cnn, deepsets, gcnn
from symcheck import Args, Claim, Subject, domains, groups
from symcheck._tree import flatten
from symcheck.domains import (
    At,
    Domain,
    Examples,
    FromStrategy,
    Generated,
    Grid,
    Joint,
    Lengths,
    PointCloud,
    Sequence,
    Set,
    Tensors,
)
from symcheck.errors import ClaimError, DomainError, GroupError
from symcheck.groups import SE, SO, Monoid, Symmetric, Translations
from symcheck.properties import Composition, GradientEquivariance
from symcheck.strategies import Trial, elements, inputs, trials

DOUBLE = torch.float64
QUIET = settings(max_examples=40, database=None, deadline=None)


def drawn(strategy: st.SearchStrategy[Any], count: int = 40) -> list[Any]:
    """What a test sees, with every health check on."""
    found: list[Any] = []

    @settings(max_examples=count, database=None, deadline=None, derandomize=True)
    @given(strategy)
    def test(value: Any) -> None:
        found.append(value)

    test()
    return found


def simplest(strategy: st.SearchStrategy[Any], wrong: Callable[[Any], bool]) -> Any:
    """What a failure shrinks to."""
    return find(strategy, wrong, settings=settings(max_examples=1000, database=None, derandomize=True, deadline=None))


every_group = pytest.mark.parametrize("group", [g for kind in groups.CATALOGUE for g in kind.examples()], ids=str)
every_domain = pytest.mark.parametrize("domain", [d for kind in domains.CATALOGUE for d in kind.examples()], ids=repr)


# Elements


@every_group
def test_elements_are_elements_and_differ(group: Monoid) -> None:
    found = torch.stack(drawn(elements(group)))
    assert found.shape[1:] == group.element
    assert found.dtype == group.identity(1).dtype
    assert bool(group.contains(found).all())
    there = {str(g.tolist()) for g in group.sample(500, Generator().manual_seed(0))}
    assert len({str(g.tolist()) for g in found}) >= min(len(there), 5)


def test_all_elements_of_a_small_group_come() -> None:
    assert len({str(g.tolist()) for g in drawn(elements("S_3"), 400)}) == 6


def test_both_components_come() -> None:
    signs = {round(float(torch.linalg.det(g))) for g in drawn(elements("O(3)"))}
    assert signs == {-1, 1}


def test_most_elements_are_random() -> None:
    """A test whose every other element is a landmark would miss what only others show."""
    group = SO(3)
    simple = group.complexity(torch.stack(drawn(elements(group), 200))) <= 1
    assert int(simple.sum()) < 60


@every_group
def test_what_no_element_satisfies_shrinks_to_the_identity(group: Monoid) -> None:
    assert torch.equal(simplest(elements(group), lambda g: True), group.identity(1)[0])


@pytest.mark.parametrize(
    ("group", "wrong", "words"),
    [
        (SO(3), lambda g: abs(float(g[2, 2])) < 0.5, "rotation by 90 deg about"),
        (SO(2), lambda g: float(g[0, 0]) < 0.9, "rotation by 90 deg"),
        (Symmetric(5), lambda g: g.tolist() != [0, 1, 2, 3, 4], "(0 1)"),
        (Symmetric(9), lambda g: g.tolist() != list(range(9)), "(0 1)"),
        (Translations((7, 6)), lambda g: bool(g[1] > 0), "shift (0, +1)"),
        (groups.O(3), lambda g: float(torch.linalg.det(g)) < 0, "reflection along x"),
        (SE(3), lambda g: bool(g[:3, 3].any()), "translation by"),
    ],
    ids=lambda value: None if callable(value) else str(value),
)  # fmt: skip
def test_elements_shrink_to_landmarks(group: Monoid, wrong: Callable[[Tensor], bool], words: str) -> None:
    found = simplest(elements(group), wrong)
    assert wrong(found)
    assert words in group.describe(found), group.describe(found)


def test_some_elements_are_near_the_identity() -> None:
    angles = [float(torch.rad2deg(((g.trace() - 1) / 2).clamp(-1, 1).acos())) for g in drawn(elements("SO(3)"), 300)]
    assert any(0 < angle < 15 for angle in angles)


@pytest.mark.parametrize("name", ["S_n", "Z_N^2", "Warp(T)", "SE(3) x S_n"])
def test_a_group_without_a_size_is_refused_with_the_next_step(name: str) -> None:
    with pytest.raises(GroupError, match=r"strategies.elements: .*Or draw whole trials of a claim, with strategies.trials"):
        elements(name)


def test_what_is_no_group_or_claim_is_refused() -> None:
    with pytest.raises(GroupError, match=r"^strategies\.elements: 3 is no group\. Use a name such as 'SO\(3\)'\.$"):
        elements(3)  # type: ignore[arg-type]
    own = Claim(torch.abs, "SO(3)", domain=FromStrategy(st.floats(-1, 1)), inputs="scalar", outputs="scalar")
    with pytest.raises(
        DomainError, match=r"can't run inside a test of Hypothesis\. Give the claim a domain that draws by torch"
    ):
        trials(own)
    with pytest.raises(ClaimError, match=r"^strategies\.trials: 'SO\(3\)' is no Claim\. Give a symcheck\.Claim\.$"):
        trials("SO(3)")  # type: ignore[arg-type]


def test_the_error_for_s_n_word_for_word() -> None:
    with pytest.raises(GroupError) as caught:
        elements("S_n")
    assert str(caught.value) == (
        "strategies.elements: S_n isn't bound to a size yet. Use bind({'points': 5}), or Symmetric(5). Or draw whole trials of "
        "a claim, with strategies.trials(claim): inputs say the size."
    )


def test_writing_into_an_element_changes_no_other() -> None:
    for group in ("SO(3)", "S_4"):
        seen = drawn(elements(group).map(lambda g: g.zero_()), 60)
        kind = groups.from_string(group)
        assert bool(kind.contains(torch.stack(drawn(elements(group), 60))).all())
        assert not bool(torch.stack(seen).any())


# Inputs


@every_domain
def test_inputs_have_the_shapes_of_a_sample(domain: Domain) -> None:
    if isinstance(domain, FromStrategy):
        return
    own = {str(dict(domain.layout)): flatten(Args.of(domain.sample(domain.layout, 1, Generator().manual_seed(0))))}
    different = []
    for x in drawn(inputs(At(domain, domain.layout)), 60):
        expected, outline = own[str(dict(domain.layout))]
        found, structure = flatten(Args.of(x))
        assert structure == outline
        assert [leaf.shape for leaf in found] == [leaf.shape[1:] for leaf in expected]
        assert all(leaf.isfinite().all() for leaf in found)
        different.append([str(leaf.tolist()) for leaf in found])
    several = domain.sample(domain.layout, 50, Generator().manual_seed(0))
    there = [len({str(one.tolist()) for one in leaf}) for leaf in flatten(Args.of(several))[0]]
    assert all(len(set(leaf)) >= min(count, 5) for leaf, count in zip(zip(*different, strict=True), there, strict=True))


def test_sizes_are_drawn_and_most_inputs_are_random() -> None:
    found = drawn(inputs(Set(6, 2)), 200)
    assert {len(x) for x in found} == set(range(1, 7))
    assert sum(torch.equal(x, x.round()) for x in found) < 80


def test_an_example_is_an_input() -> None:
    example = torch.randn(4, 3)
    found = drawn(inputs(example))
    assert all(x.shape == (4, 3) and x.dtype == torch.float32 for x in found)
    h, x = drawn(inputs((torch.randn(5), torch.randn(2, 2, dtype=DOUBLE))))[0]
    assert (h.shape, x.shape) == ((5,), (2, 2))
    named = drawn(inputs(Args(torch.randn(5), mask=torch.ones(5, dtype=torch.bool))))[0]
    assert isinstance(named, Args)
    assert bool(named.kwargs["mask"].all())


@pytest.mark.parametrize(("dtype", "expected"), [(None, DOUBLE), (torch.float32, torch.float32), ("bfloat16", torch.bfloat16)])
def test_inputs_come_in_the_dtype_that_is_asked_for(dtype: Any, expected: torch.dtype) -> None:
    assert {x.dtype for x in drawn(inputs(Set(3, 2), dtype=dtype))} == {expected}


def test_integers_and_masks_keep_their_dtype() -> None:
    x, mask = drawn(inputs(Joint(Sequence(4, 2), Lengths(4)), dtype="float32"))[0]
    assert (x.dtype, mask.dtype) == (torch.float32, torch.bool)


def test_the_user_s_own_examples_are_the_only_inputs() -> None:
    batch = torch.randn(5, 2, 3)
    for x in drawn(inputs(Examples(batch)), 100):
        assert any(torch.equal(x, one) for one in batch)


def test_a_generator_s_inputs_are_all_its_own() -> None:
    def simplex(n: int, rng: Generator) -> Tensor:
        weights = torch.rand(n, 4, generator=rng, dtype=DOUBLE)
        return weights / weights.sum(-1, keepdim=True)

    for x in drawn(inputs(Generated(simplex)), 60):
        assert float(x.sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("domain", "wrong", "expected"),
    [
        (Set(6, 2), lambda x: True, [[0.0, 0.0]]),
        (Set(6, 2), lambda x: len(x) > 2, [[0.0, 0.0]] * 3),
        (Set(6, 2), lambda x: bool(x.any()), [[1.0, 1.0]]),
        (Grid(1, (5, 4)), lambda x: x.shape[-1] > 2 and bool(x.any()), [[[1.0, 1.0, 1.0]]]),
        (Tensors((3,)), lambda x: bool((x > 0).all()), [1.0, 1.0, 1.0]),
    ],
)
def test_inputs_shrink_to_few_and_plain_numbers(domain: Domain, wrong: Callable[[Tensor], bool], expected: Any) -> None:
    assert simplest(inputs(domain), wrong).tolist() == expected


def test_what_needs_different_numbers_shrinks_to_whole_or_structured_ones() -> None:
    found = simplest(inputs(PointCloud(6)), lambda x: len(x) > 1 and not torch.equal(x[0], x[1]))
    assert len(found) == 2
    assert torch.equal(found, found.round())


def test_a_failure_at_random_inputs_alone_shrinks_to_a_small_seed() -> None:
    """And comes again: the numbers follow from the seed."""

    def rare(x: Tensor) -> bool:
        return float(x.abs().max()) > 2.5 and not torch.equal(x, x.round())

    first, second = (simplest(inputs(Tensors((4, 5))), rare) for _ in range(2))
    assert torch.equal(first, second)


def test_joint_inputs_are_plain_together() -> None:
    h, x = simplest(inputs(Joint(Set(4, 2), PointCloud(4))), lambda both: len(both[0]) == 2 and bool(both[0].any()))
    assert h.tolist() == [[1, 1], [1, 1]]
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_strategy_is_not_wrapped_in_another() -> None:
    own = FromStrategy(st.integers(1, 9).map(lambda n: torch.full((3,), float(n))))
    with pytest.raises(DomainError, match=r"draws its inputs by a strategy already. Use that one in place of inputs"):
        inputs(own)


@pytest.mark.parametrize("domain", [Examples(torch.randn(4, 3)), Generated(lambda n, rng: torch.randn(n, 2, generator=rng))])
def test_domains_that_only_others_know_offer_nothing_plain(domain: Domain) -> None:
    assert domain.plain({}) == {}


@every_domain
def test_plain_inputs_are_inputs(domain: Domain) -> None:
    expected, outline = flatten(Args.of(domain.sample(domain.layout, 1, Generator().manual_seed(0))))
    for name, tree in domain.plain(domain.layout).items():
        found, structure = flatten(Args.of(tree))
        assert structure == outline, name
        assert [leaf.shape for leaf in found] == [leaf.shape for leaf in expected]
        assert all(torch.equal(found[i], expected[i]) for i in domain.fixed)


def test_plain_signals_on_a_sphere_stay_band_limited() -> None:
    """Samples that are rounded would have all degrees: zeros are all that is offered."""
    assert list(domains.Sphere(2, 5, 2).plain({})) == ["zeros"]


# Trials


class Sum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(-2)


class First(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[..., 0, :]


def claim(model: Any, **words: Any) -> Claim:
    return Claim(model, **{"group": "S_n", "domain": Set(6, 2), "inputs": "permute", "outputs": "scalar", **words})


def test_trials_bind_the_group_to_their_input() -> None:
    found = drawn(trials(claim(Sum())), 100)
    assert {len(x) for x, _ in found} == set(range(1, 7))
    for trial in found:
        x, g = trial
        assert isinstance(trial, Trial)
        assert g.shape == (len(x),)
        assert sorted(g.tolist()) == list(range(len(x)))
        assert trial.layout == {"points": len(x)}


def test_both_sides_of_what_holds_agree() -> None:
    @QUIET
    @given(trials(claim(Sum())))
    def test(trial: Trial) -> None:
        left, right = trial.sides()
        assert left.shape == (2,)
        torch.testing.assert_close(left, right)
        assert trial.error() < 1e-12

    test()


def test_what_is_broken_fails_and_shrinks_to_a_swap_of_two() -> None:
    failing: list[Trial] = []

    @QUIET
    @given(trials(claim(First())))
    def test(trial: Trial) -> None:
        left, right = trial.sides()
        if not torch.allclose(left, right):
            failing.append(trial)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken") as caught:
        test()
    x, g = failing[-1]
    assert g.tolist() == [1, 0]
    assert len(x) == 2
    assert torch.equal(x, x.round())
    note = " ".join(getattr(caught.value, "__notes__", []))
    assert "Trial({'points': 2}, g = (0 1), x = tensor(" in note.replace("\n", " ")


def test_the_sides_are_those_of_the_equation() -> None:
    """By hand: f(rho(g) x) on the left, rho(g) f(x) on the right."""
    model = nn.Linear(2, 2).double()
    rolled = claim(nn.Sequential(model), inputs="permute", outputs="permute")
    for trial in drawn(trials(rolled), 20):
        x, g = trial
        moved = torch.empty_like(x)
        moved[g] = x
        left, right = trial.sides()
        with torch.no_grad():
            assert torch.allclose(left, model(moved))
            y = torch.empty_like(x)
            y[g] = model(x)
        assert torch.allclose(right, y)


@pytest.mark.parametrize("dtype", ["float32", torch.bfloat16])
def test_sides_in_another_precision(dtype: Any) -> None:
    trial = max(drawn(trials(claim(Sum())), 60), key=lambda trial: len(trial.x))
    left, _ = trial.sides(dtype=dtype)
    assert left.dtype == DOUBLE
    exact, _ = trial.sides()
    assert 0 <= float((left - exact).abs().max()) < 0.2


def test_the_model_keeps_its_dtype_and_weights() -> None:
    model = nn.Sequential(nn.Linear(2, 3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for trial in drawn(trials(claim(model, outputs="permute")), 5):
        trial.sides()
    assert all(torch.equal(before[name], value) and value.dtype == torch.float32 for name, value in model.state_dict().items())


def test_outputs_keep_their_structure() -> None:
    def model(x: Tensor) -> dict[str, Any]:
        return {"total": x.sum(-2), "each": (x, None)}

    trial = drawn(trials(claim(model, outputs={"total": "scalar", "each": ("permute", None)})), 3)[-1]
    left, right = trial.sides()
    assert set(left) == {"total", "each"}
    assert left["each"][1] is None
    assert trial.error() < 1e-12
    torch.testing.assert_close(left["each"][0], right["each"][0])


def test_a_property_of_gradients_and_one_of_two_elements() -> None:
    energy = Claim(
        lambda x: x.square().sum((-2, -1)),
        "SO(3)",
        domain=PointCloud(3),
        inputs="vector",
        outputs="scalar",
        properties=(GradientEquivariance(), Composition()),
    )
    left, right = drawn(trials(energy))[-1].sides()
    assert list(left) == ["gradient by x"]
    torch.testing.assert_close(left, right)
    trial = drawn(trials(energy, prop=Composition()))[-1]
    _, (g, h) = trial
    assert g.shape == h.shape == (3, 3)
    assert trial.error() < 1e-12
    assert repr(trial).count(";") == 1


@pytest.mark.parametrize("broken", [deepsets.position_weighted, cnn.zero_padded_classifier])
def test_a_broken_twin_fails_in_a_test_of_one_s_own(broken: Any) -> None:
    module = deepsets if broken is deepsets.position_weighted else cnn
    stated = next(c for c in module.TWINS if c.subject.build is broken)
    found = simplest(trials(stated), lambda trial: trial.error() > 1e-6)
    assert sorted(found.layout.values()) in ([2], [1, 2])
    right = next(c for c in module.CLAIMS if c.domain == stated.domain and c.outputs == stated.outputs)
    assert max(trial.error() for trial in drawn(trials(right), 30)) < 1e-9


def test_a_model_that_takes_one_size_gets_that() -> None:
    def sized(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-2], 12).sum(-1)

    found = drawn(trials(claim(sized)))
    assert {trial.layout["points"] for trial in found} == {6}
    assert {tuple(trial.g.shape) for trial in found} == {(6,)}
    assert max(trial.error() for trial in found) < 1e-12


def test_a_group_that_takes_some_sizes_gets_those() -> None:
    """Quarter turns need square images."""
    stated = next(c for c in gcnn.CLAIMS if c.subject.build is gcnn.p4_classifier)
    sizes = {tuple(trial.x.shape[-2:]) for trial in drawn(trials(stated))}
    assert len(sizes) > 1
    assert all(rows == columns for rows, columns in sizes)


def test_a_model_that_raises_at_some_inputs_says_so() -> None:
    def moody(x: Tensor) -> Tensor:
        if not bool(x.any()):
            raise ValueError("no zeros")
        return x.sum(-2)

    @QUIET
    @given(trials(claim(moody)))
    def test(trial: Trial) -> None:
        trial.sides()

    with pytest.raises(ClaimError, match=r"moody raised on an input of Set.*: ValueError: no zeros."):
        test()


def test_a_model_that_does_not_run_is_an_error_before_the_first_test() -> None:
    def never(x: Tensor) -> Tensor:
        raise RuntimeError("no")

    with pytest.raises(ClaimError, match=r"never raised on an input of Set.*: RuntimeError: no."):
        drawn(trials(claim(never)))


def test_the_model_is_loaded_once_and_late() -> None:
    loads = 0

    def build() -> nn.Module:
        nonlocal loads
        loads += 1
        return Sum()

    strategy = trials(claim(Subject.built(build)))
    assert loads == 0
    drawn(strategy)
    drawn(strategy)
    assert loads == 1


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (lambda x: x.sum(-2) + torch.rand(2, dtype=x.dtype), "two calls on the same input differ by"),
        (nn.Sequential(nn.Dropout(0.5), Sum()), "Dropout. Call model.eval"),
    ],
)
def test_a_random_model_is_found_and_explained(model: Any, why: str) -> None:
    with pytest.raises(ClaimError, match=f"is random, so no symmetry can be tested: .*{why}"):
        drawn(trials(claim(model)))


def test_a_property_that_says_nothing_is_refused() -> None:
    whole = Claim(lambda x: x > 0, "S_n", domain=Set(3, 2), inputs="permute", outputs="permute")
    with pytest.raises(ClaimError, match="gradient equivariance says nothing here"):
        drawn(trials(whole, prop=GradientEquivariance()))


def test_a_model_that_runs_in_float32_alone_runs_there() -> None:
    def single(x: Tensor) -> Tensor:
        return x @ torch.ones(2, 2, dtype=torch.float32)

    for trial in drawn(trials(claim(single, outputs="permute")), 5):
        left, right = trial.sides()
        assert torch.equal(left, left.float().double())
        torch.testing.assert_close(left, right)
    with pytest.raises(ClaimError, match="single raised"):
        trial.sides(dtype="float64")


# Hypothesis' own tools


@pytest.mark.parametrize(
    ("strategy", "count"),
    [(elements("SO(3)"), 1), (inputs(Set(4, 2)), 2), (inputs(torch.randn(2, 3)), 1), (trials(claim(Sum())), 3)],
    ids=("elements", "inputs", "an example", "trials"),
)
def test_each_draw_takes_as_many_choices(strategy: st.SearchStrategy[Any], count: int) -> None:
    """Whatever comes of it, plain or random: so that a shrinker can put one in the place of the other."""
    counts = set()

    @QUIET
    @given(strategy)
    def test(_: Any) -> None:
        counts.add(len(current_build_context().data.choices))

    test()
    assert counts == {count}


def test_slow_to_load_is_no_health_check_and_no_deadline() -> None:
    def build() -> nn.Module:
        time.sleep(1.5)  # above what Hypothesis allows ten draws to take
        return Sum()

    @settings(max_examples=10, database=None, deadline=1000)
    @given(trials(claim(Subject.built(build))))
    def test(trial: Trial) -> None:
        assert trial.error() < 1e-12

    test()


def test_large_inputs_are_no_health_check() -> None:
    assert len(drawn(inputs(Tensors((100_000,))), 20)) == 20


@pytest.mark.parametrize(
    "strategy", [elements("SE(3)"), inputs(Grid(2, (4, 4))), trials(claim(Sum()))], ids=("elements", "inputs", "trials")
)
def test_one_example_is_told_to_be_too_few(strategy: st.SearchStrategy[Any]) -> None:
    """It is the identity, or zeros: a test that passes there says nothing."""
    with pytest.warns(HypothesisWarning, match="max_examples=1 tries the simplest alone.* Ask for 20 or more"):
        assert len(drawn(strategy, 1)) == 1
    assert len(drawn(strategy, 2)) == 2


def test_a_failure_is_reproduced_from_its_code() -> None:
    seen: list[Tensor] = []

    @settings(QUIET, print_blob=True, derandomize=True)
    @given(inputs(Tensors((4, 5))))
    def fails(x: Tensor) -> None:
        if float(x.abs().max()) > 2:
            seen.append(x)
            raise ValueError("large")

    with pytest.raises(ValueError, match="large") as caught:
        fails()
    notes = " ".join(getattr(caught.value, "__notes__", []))
    match = re.search(r"@reproduce_failure\('([^']+)', (b'[^']*'|b\"[^\"]*\")\)", notes)
    assert match is not None, notes
    again: list[Tensor] = []

    @hypothesis.reproduce_failure(match[1], eval(match[2]))
    @QUIET
    @given(inputs(Tensors((4, 5))))
    def reproduced(x: Tensor) -> None:
        again.append(x)
        raise ValueError("large")

    with pytest.raises(ValueError, match="large"):
        reproduced()
    assert torch.equal(again[-1], seen[-1])


def test_a_failure_is_tried_first_the_next_time() -> None:
    database, seen = InMemoryExampleDatabase(), []

    @settings(QUIET, database=database)
    @given(trials(claim(First())))
    def fails(trial: Trial) -> None:
        seen.append(trial)
        assert trial.error() < 1e-6

    with pytest.raises(AssertionError):
        fails()
    last, seen[:] = seen[-1], []
    with pytest.raises(AssertionError):
        fails()
    assert repr(seen[0]) == repr(last)


def test_profiles_and_targets() -> None:
    settings.register_profile("strategies", max_examples=13, deadline=None, database=None)
    before = settings.get_current_profile_name()
    seen = 0
    try:
        settings.load_profile("strategies")

        @given(trials(claim(First(), domain=Set(3, 1))))
        def climbs(trial: Trial) -> None:
            nonlocal seen
            seen += 1
            target(trial.error())

        climbs()
    finally:
        settings.load_profile(before)
    assert seen == 13


def test_the_phases_and_the_verbosity_are_the_user_s(capsys: pytest.CaptureFixture[str]) -> None:
    @settings(QUIET, phases=[Phase.generate], verbosity=Verbosity.verbose, suppress_health_check=list(HealthCheck))
    @given(elements("C_4"))
    def test(g: Tensor) -> None:
        pass

    test()
    assert capsys.readouterr().out.count("g=tensor([") >= 4


def test_strategies_are_part_of_the_package() -> None:
    assert symcheck.strategies.elements is elements
    assert "strategies" in symcheck.__all__
