"""Shrinking: what is left of a violation is small, plain, made of whole numbers, and still a violation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import cnn, deepsets, egnn
from symcheck import AuditInterrupted, Claim, Policy, Verdict, domains
from symcheck._tree import flatten
from symcheck.domains import Domain, Examples, Graph, Grid, Joint, Layout, Like, PointCloud, Set, Tensors
from symcheck.domains.base import complexity_of_numbers, simpler_numbers
from symcheck.engine import Judged, Measuring, Minimal, Outcome, Settings, examine
from symcheck.groups import Symmetric
from symcheck.properties import Composition

DOUBLE = torch.float64


def outcome(claim: Claim, **settings: Any) -> Outcome:
    (found,) = (event.outcome for event in examine(claim, Settings(**settings)) if isinstance(event, Judged))
    return found


def minimal(claim: Claim, **settings: Any) -> Minimal:
    found = outcome(claim, **settings)
    assert found.verdict is Verdict.VIOLATED, found.because
    assert found.counterexample is not None
    assert found.counterexample.minimal is not None
    return found.counterexample.minimal


def twin(module: Any, build: Callable[[], Any]) -> Claim:
    """The first claim of a model's broken twin."""
    return next(claim for claim in module.TWINS if claim.subject.build is build)


def whole(x: Sequence[Tensor]) -> bool:
    return all(torch.equal(leaf, leaf.round()) and bool((leaf.abs() <= 3).all()) for leaf in x)


def rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())


def built(claim: Claim) -> nn.Module:
    model = claim.subject.load(0)
    assert isinstance(model, nn.Module)
    return model.double()


# What is left of the three classical mistakes


def test_a_distance_that_weighs_the_axes_ends_at_two_points_and_a_quarter_turn() -> None:
    claim = twin(egnn, egnn.axis_weighted)
    found = minimal(claim)
    assert found.layout == {"points": 2}
    assert found.element.startswith("rotation by 90 deg about ")
    assert "," not in found.element  # neither a translation nor a permutation with it
    assert whole(found.x)
    assert all(int((leaf != 0).sum()) <= 1 for leaf in found.x)  # one step along one axis
    assert found.finished


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_a_break_that_quarter_turns_keep_ends_at_an_eighth(seed: int) -> None:
    """As what works on each entry of a tensor by itself does; from an angle near 180 degrees 45 isn't the nearest multiple."""

    def softened(x: Tensor) -> Tensor:
        outer = (x.unsqueeze(-1) * x.unsqueeze(-2)).sum(-3)
        return nn.functional.softplus(outer.diagonal(dim1=-2, dim2=-1)).sum(-1)

    x = torch.randn(4, 3, generator=Generator().manual_seed(0))
    claim = Claim(softened, "SO(3)", domain=x, inputs="vector", outputs="scalar")
    assert minimal(claim, trials=64, seed=seed).element.startswith("rotation by 45 deg about ")


def test_one_point_could_not_have_shown_it() -> None:
    """The same twin holds at a single point: two are the fewest."""
    claim = twin(egnn, egnn.axis_weighted)
    one = outcome(replace(claim, domain=domains.At(claim.domain, {"points": 1}), id="at one point"))
    assert {figures.leaf: figures.verdict for figures in one.figures} == {
        "energy": Verdict.HOLDS,
        "forces": Verdict.VACUOUS,  # there are none
        "positions": Verdict.HOLDS,
    }


def test_the_rotation_that_is_left_is_seen_without_the_engine() -> None:
    claim = twin(egnn, egnn.axis_weighted)
    assert outcome(claim).weights == ("own",)
    found, model = minimal(claim), built(claim)
    group, g = claim.group.bind({"points": 2}), found.g[0].unsqueeze(0)
    turn = group.linear(g)[0]
    assert not bool(group.translation(g).any())
    h, x = found.x
    with torch.no_grad():
        left, right = model(h[None], (x @ turn.T)[None]), model(h[None], x[None])
    assert torch.allclose(left.energy[0], found.left[0])
    assert torch.allclose(right.energy[0], found.right[0])
    assert torch.allclose(right.forces[0] @ turn.T, found.right[1])
    assert max(rms(a - b) for a, b in zip(found.left, found.right, strict=True)) > 1e-3


@pytest.mark.parametrize("build", [cnn.zero_padded_classifier, cnn.zero_padded_segmenter])
def test_zero_padding_ends_at_two_samples_and_a_shift_by_one(build: Any) -> None:
    claim = twin(cnn, build)
    found = minimal(claim)
    assert sorted(found.layout.values()) == [1, 2]
    assert found.element in ("shift (0, +1)", "shift (+1, 0)")
    assert whole(found.x)
    assert int((found.x[0] != 0).sum()) <= 1
    shift = tuple(found.g[0].tolist())
    model = built(claim)
    with torch.no_grad():
        left, y = model(found.x[0].roll(shift, (-2, -1))[None])[0], model(found.x[0][None])[0]
    right = y.roll(shift, (-2, -1)) if build is cnn.zero_padded_segmenter else y
    assert torch.allclose(left, found.left[0])
    assert torch.allclose(right, found.right[0])
    assert torch.equal(found.difference[0], found.left[0] - found.right[0])
    assert rms(left - right) > 1e-3


@pytest.mark.parametrize("build", [deepsets.position_weighted, deepsets.running_mean])
def test_an_order_that_matters_ends_at_one_transposition_of_two_elements(build: Any) -> None:
    claim = twin(deepsets, build)
    found = minimal(claim)
    assert found.layout == {"points": 2}
    assert (found.element, found.group) == ("(0 1)", "S_2")
    assert whole(found.x)
    assert int((found.x[0] != 0).sum()) == 1  # two equal elements could be in any order
    model = built(claim)
    with torch.no_grad():
        left, y = model(found.x[0].flip(0)[None])[0], model(found.x[0][None])[0]
    right = y if build is deepsets.position_weighted else y.flip(0)
    assert torch.allclose(left, found.left[0])
    assert torch.allclose(right, found.right[0])
    assert rms(left - right) > 1e-3


# Layouts


def first_is_special(x: Tensor) -> Tensor:
    return x.sum(-2) + x[..., 0, :]


SET = Claim(first_is_special, "S_n", domain=Set(6, 2), inputs="permute", outputs="scalar")


def of_a_size(size: int) -> Callable[[Tensor], Tensor]:
    """A model that takes so many points and no other number."""

    def model(x: Tensor) -> Tensor:
        return first_is_special(x.reshape(*x.shape[:-2], size, 2))

    return model


@pytest.mark.parametrize("size", [3, 6])
def test_a_model_that_takes_one_layout_keeps_it(size: int) -> None:
    found = minimal(replace(SET, subject=symcheck.Subject("sized", model=of_a_size(size)), domain=Set(size, 2)))
    assert found.layout == {"points": size}
    assert found.element == f"(0 {int(found.g[0][0])})"
    assert int((found.x[0] != 0).sum()) == 1


def needs_three(x: Tensor) -> Tensor:
    """Takes any number of points, but is broken from three on."""
    return x.sum(-2) + (x[..., 2, :] if x.shape[-2] > 2 else 0)


def test_the_smallest_layout_that_is_violated_need_not_be_the_smallest() -> None:
    found = minimal(replace(SET, subject=symcheck.Subject("three", model=needs_three)))
    assert found.layout == {"points": 3}
    assert found.element in ("(0 2)", "(1 2)")


def test_two_sizes_get_smaller_apart() -> None:
    def corner(x: Tensor) -> Tensor:
        return x.sum((-2, -1)) + (x[..., 1, 2] if x.shape[-2] > 1 and x.shape[-1] > 2 else 0)

    found = minimal(Claim(corner, "Z_N^2", domain=Grid(1, (5, 7)), inputs="roll", outputs="scalar"))
    assert found.layout == {"grid0": 2, "grid1": 3}


def test_a_graph_gets_smaller() -> None:
    def first_node(x: Tensor, edges: Tensor) -> Tensor:
        return x[..., 0, :]

    found = minimal(
        Claim(first_node, "S_n", domain=Graph(6, 8, 2), inputs=("permute", "relabel"), outputs="scalar", id="first node")
    )
    assert found.layout == {"nodes": 2, "edges": 1}
    assert found.element == "(0 1)"
    assert found.x[1].tolist() == [[0], [0]]  # the edge doesn't matter: a self-loop of the first node


def test_a_violation_at_a_boundary_alone_stays_there() -> None:
    def alone(x: Tensor) -> Tensor:
        return x.norm(dim=-1).sum(-1) + (x[..., 0, 0] if x.shape[-2] == 1 else 0)

    found = minimal(Claim(alone, "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar"))
    assert found.layout == {"points": 1}
    assert sorted(found.x[0].flatten().tolist()) == [0, 0, 1]


# Elements and numbers


@pytest.mark.parametrize(
    ("axis", "elements"),
    [
        (2, ("rotation by 90 deg about y", "rotation by 90 deg about x", "rotation by 90 deg about -y",
             "rotation by 90 deg about -x")),
        (0, ("rotation by 90 deg about z", "rotation by 90 deg about y", "rotation by 90 deg about -z",
             "rotation by 90 deg about -y")),
    ],
)  # fmt: skip
def test_a_leak_along_one_axis_is_shown_by_a_quarter_turn_of_it(axis: int, elements: tuple[str, ...]) -> None:
    found = minimal(
        Claim(lambda x: x[..., axis].sum(-1), "SO(3)", domain=PointCloud(5), inputs="vector", outputs="scalar", id="leak")
    )
    assert found.layout == {"points": 1}
    assert found.element in elements
    assert sorted(found.x[0].abs().flatten().tolist()) == [0, 0, 1]


def test_a_rare_break_keeps_what_it_needs() -> None:
    """Broken where two coordinates of one point are both above a half: both stay, and nothing else."""

    def rare(x: Tensor) -> Tensor:
        corner = (x[..., 0] > 0.5) & (x[..., 1] > 0.5)
        return x.square().sum((-2, -1)) + corner.any(-1).to(x)

    found = minimal(Claim(rare, "O(3)", domain=PointCloud(5), inputs="vector", outputs="scalar"), trials=512)
    assert found.layout == {"points": 1}
    assert whole(found.x)
    turned = found.x[0] @ found.g[0].T
    assert sum(bool((x[0, :2] > 0.5).all()) for x in (found.x[0], turned)) == 1


def test_large_numbers_end_small() -> None:
    def leak(x: Tensor) -> Tensor:
        return x[..., 0, 0] / 1000 + (x[..., 0, 0] > 100).to(x)

    example = 1000 * torch.randn(3, 2, dtype=DOUBLE)
    found = minimal(Claim(leak, "S_n", domain=Like(example), inputs="permute", outputs="scalar", id="large"))
    assert found.x[0].abs().sum() == 1


def test_one_entry_hidden_by_larger_ones_is_kept() -> None:
    def hidden(x: Tensor) -> Tensor:
        size = x.square().sum((-2, -1)).unsqueeze(-1)
        return torch.cat([1e6 * size.expand(*size.shape[:-1], 64), x[..., 0, :1]], -1)

    claim = Claim(hidden, "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar", id="hidden")
    found = minimal(claim)
    assert found.layout == {"points": 1}
    assert bool((found.difference[0][:-1].abs() < 1e-6).all())
    assert float(found.difference[0][-1].abs()) >= 0.5


def test_two_elements_of_a_composition_get_simpler() -> None:
    def broken(x: Tensor) -> Tensor:
        return x + torch.tensor([1.0, 0.0, 0.0], dtype=x.dtype)

    found = minimal(
        Claim(broken, "SO(3)", domain=PointCloud(3), inputs="vector", outputs="vector", properties=(Composition(),))
    )
    first, then = found.g
    assert found.element.count(";") == 1
    assert torch.equal(first, torch.eye(3, dtype=DOUBLE))  # the second alone shows it: h + e = g e + g h only if g e = e
    assert torch.allclose(found.difference[0], (torch.eye(3, dtype=DOUBLE) - then)[:, 0].expand(1, 3))
    assert found.x[0].tolist() == [[0, 0, 0]]


# Ties, and what is none


def largest(x: Tensor) -> Tensor:
    """The second feature of the element whose first is the largest: of ties the first in place."""
    best = x[..., 0].argmax(-1)
    return x[..., 1].gather(-1, best.unsqueeze(-1)).squeeze(-1)


class Tied(Set):
    def structured(self, layout: Layout) -> Mapping[str, Any]:
        place = torch.arange(layout["points"], dtype=DOUBLE)
        x = torch.stack([place // 2, (7 * place).cos()], -1).flip(0)
        return {"ties": x.unsqueeze(0)}


def test_a_violation_at_ties_alone_keeps_its_tie() -> None:
    found = minimal(Claim(largest, "S_n", domain=Tied(6, 2), inputs="permute", outputs="scalar"))
    assert found.region == "ties"
    assert found.layout == {"points": 2}
    key, value = found.x[0].T
    assert key[0] == key[1]
    assert value[0] != value[1]
    assert whole(found.x)


def test_a_leak_at_generic_inputs_does_not_end_at_a_tie() -> None:
    """A jump at ties is larger than the leak, and simpler inputs than it show it: but it is another matter."""

    def leaks(x: Tensor) -> Tensor:
        return largest(x) + 1e-3 * x[..., 0, 0]

    found = minimal(Claim(leaks, "S_n", domain=Tied(6, 2), inputs="permute", outputs="scalar", id="leaks"))
    assert found.region == "generic inputs"
    assert found.x[0][0, 0] != found.x[0][1, 0]  # no tie
    assert float(found.difference[0].abs()) == pytest.approx(1e-3)


# What isn't made simpler


def test_a_model_that_draws_random_numbers_is_not_judged_and_not_made_simpler() -> None:
    found = outcome(replace(SET, subject=symcheck.Subject("random", model=lambda x: x + torch.randn_like(x))))
    assert found.verdict is Verdict.UNSTABLE
    assert found.counterexample is None


def test_a_violation_that_does_not_come_again_is_told_but_not_made_simpler() -> None:
    broken = True

    def moody(x: Tensor) -> Tensor:
        return x.sum(-2) + (x[..., 0, :] if broken else 0)

    outcomes = []
    for event in examine(replace(SET, subject=symcheck.Subject("moody", model=moody)), Settings()):
        broken = broken and not (isinstance(event, Measuring) and event.precision == "float32")
        outcomes += [event.outcome] if isinstance(event, Judged) else []
    (found,) = outcomes
    assert found.verdict is Verdict.VIOLATED
    assert found.counterexample is not None
    assert found.counterexample.minimal is None
    assert not found.interrupted


def test_what_holds_has_nothing_to_make_simpler() -> None:
    found = outcome(replace(SET, subject=symcheck.Subject("sum", model=lambda x: x.sum(-2))))
    assert found.counterexample is None


# Weights


class Late(nn.Module):
    """An invariant, and a bias on it that is zero until it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.leak = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum((-2, -1)) + self.leak * x[..., 0, 0]


def test_a_break_that_only_other_weights_show_is_made_simpler_at_those() -> None:
    claim = Claim(symcheck.Subject.built(Late), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar")
    found = outcome(claim)
    assert found.weights[-1].startswith("perturbed by")
    assert found.counterexample is not None
    small = found.counterexample.minimal
    assert small is not None
    assert small.layout == {"points": 1}
    assert rms(small.difference[0]) > 1e-3  # at the weights as they are built it is zero
    assert sorted(small.x[0].abs().flatten().tolist()) == [0, 0, 1]


# Budget and interruption


@pytest.mark.parametrize("budget", [1, 150, 400])
def test_a_budget_that_is_spent_is_told(budget: int) -> None:
    claim = twin(deepsets, deepsets.position_weighted)
    found = minimal(claim, policy=Policy(shrink_evaluations=budget))
    assert found.stopped == "budget"
    assert not found.finished
    assert rms(found.difference[0]) > 1e-6
    once = 2 * Policy().shrink_candidates + 200  # a batch that has begun, with those beside it, and the noise at the end
    assert found.evaluations <= budget + once
    assert minimal(claim).finished


def test_half_of_the_budget_is_better_than_none() -> None:
    claim = twin(deepsets, deepsets.position_weighted)
    sizes = [minimal(claim, policy=Policy(shrink_evaluations=n)).x[0] for n in (1, 400, 2048)]
    costs = [float(complexity_of_numbers(x.unsqueeze(0))) for x in sizes]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


class Interrupted(nn.Module):
    """The model of SET, at whose n-th evaluation from when it is armed somebody presses Ctrl-C."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1

    def forward(self, x: Tensor) -> Tensor:
        if self.left == 0:
            self.left = -1
            raise KeyboardInterrupt
        self.left -= self.left > 0
        return first_is_special(x)


@pytest.mark.parametrize("calls", [0, 1, 4, 8, 12, 16])
def test_interrupted_the_simplest_so_far_is_kept(calls: int) -> None:
    model = Interrupted()
    claims = [replace(SET, subject=symcheck.Subject("interrupted", model=model)), replace(SET, id="never begun")]
    begun = False

    def arm(event: Any) -> None:
        nonlocal begun
        if isinstance(event, Measuring) and event.phase == "shrink" and not begun:
            model.left, begun = calls, True

    with pytest.raises(AuditInterrupted) as caught:
        symcheck.audit(claims, on_event=arm)
    assert begun
    record = caught.value.record
    assert record.interrupted
    assert [result.verdict for result in record.results] == [Verdict.VIOLATED]


@pytest.mark.parametrize("calls", [0, 4, 12])
def test_the_outcome_comes_before_the_interruption_goes_on(calls: int) -> None:
    model, outcomes = Interrupted(), []
    claim = replace(SET, subject=symcheck.Subject("interrupted", model=model))

    def audit() -> None:
        armed = False
        for event in examine(claim, Settings()):
            if isinstance(event, Measuring) and event.phase == "shrink" and not armed:
                model.left, armed = calls, True
            outcomes.extend([event.outcome] if isinstance(event, Judged) else [])

    with pytest.raises(KeyboardInterrupt):
        audit()
    (found,) = outcomes
    assert found.interrupted
    assert found.verdict is Verdict.VIOLATED
    assert found.counterexample is not None
    small = found.counterexample.minimal
    assert small is not None
    assert small.stopped == "interrupted"
    assert rms(small.difference[0]) > 1e-3


def test_interrupted_before_anything_is_known_the_verdict_is_kept() -> None:
    outcomes: list[Outcome] = []
    armed = False

    def leak(x: Tensor) -> Tensor:
        if armed:
            raise KeyboardInterrupt
        return x[..., 0].sum(-1)

    def audit() -> None:
        nonlocal armed
        claim = Claim(leak, "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar")
        for event in examine(claim, Settings()):
            armed = isinstance(event, Measuring) and event.phase == "subgroups"  # what comes next is the first of shrinking
            outcomes.extend([event.outcome] if isinstance(event, Judged) else [])

    with pytest.raises(KeyboardInterrupt):
        audit()
    (found,) = outcomes
    assert found.verdict is Verdict.VIOLATED
    assert found.interrupted
    assert found.counterexample is not None
    assert found.counterexample.minimal is None


# The same every time, and quiet


def same(a: Minimal, b: Minimal) -> bool:
    tensors = [(a.g, b.g), (a.x, b.x), (a.left, b.left), (a.right, b.right)]
    words = [(m.layout, m.element, m.relative, m.evaluations, m.stopped) for m in (a, b)]
    return words[0] == words[1] and all(torch.equal(p, q) for one, two in tensors for p, q in zip(one, two, strict=True))


def test_the_same_seed_gives_the_same_counterexample() -> None:
    claim = twin(deepsets, deepsets.running_mean)
    first = minimal(claim, seed=3)
    hypothesis.settings.register_profile("another", max_examples=7, derandomize=True)
    before = hypothesis.settings.get_current_profile_name()
    try:
        hypothesis.settings.load_profile("another")
        assert same(first, minimal(claim, seed=3))
    finally:
        hypothesis.settings.load_profile(before)


def test_shrinking_says_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """No line is printed, and there is no database of examples afterwards."""
    code = (
        "import symcheck, torch\n"
        "claim = symcheck.Claim(lambda x: x[..., 0, 0], 'S_n', domain=symcheck.domains.Set(5, 2), inputs='permute',\n"
        "                       outputs='scalar')\n"
        "from symcheck.engine import Judged, Settings, examine\n"
        "outcome, = (e.outcome for e in examine(claim, Settings()) if isinstance(e, Judged))\n"
        "assert outcome.counterexample.minimal.layout == {'points': 2}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(symcheck.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@hypothesis.given(hypothesis.strategies.integers(0, 3))
@hypothesis.settings(max_examples=3, deadline=None)
def test_a_check_may_run_inside_a_test_of_hypothesis(seed: int) -> None:
    """Where no search may run for a smaller layout; all else gets simpler."""
    found = minimal(SET, seed=seed)
    assert found.layout == {"points": 6}
    assert whole(found.x)


def test_shrinking_is_told_while_it_runs() -> None:
    phases = [event.phase for event in examine(SET, Settings()) if isinstance(event, Measuring)]
    assert "shrink" in phases


def test_shrinking_costs_no_more_than_the_sweep() -> None:
    """In evaluations: at a fixed layout of many numbers, where it takes the most."""
    claim = replace(SET, domain=Tensors((6, 20)), id="wide")
    found = outcome(claim)
    assert found.counterexample is not None
    assert found.counterexample.minimal is not None
    assert found.counterexample.minimal.evaluations <= 1.2 * found.evaluations


# What domains offer


every_domain = pytest.mark.parametrize("domain", [domain for kind in domains.CATALOGUE for domain in kind.examples()], ids=repr)


@every_domain
def test_fixed_and_kept_leaves_stay(domain: Domain) -> None:
    x, outline = flatten(domain.sample(domain.layout, 2, Generator().manual_seed(0)))
    candidates, _ = flatten(domain.simpler(outline.rebuild([leaf[1] for leaf in x])))
    for i in domain.fixed | (domain.kept if not isinstance(domain, Joint) else frozenset()):
        assert torch.equal(candidates[i], x[i][1].expand_as(candidates[i])), i


@every_domain
def test_without_a_model_to_violate_it_ends(domain: Domain) -> None:
    """Always taking the simplest leads down, to where nothing is simpler."""
    x, outline = flatten(domain.sample(domain.layout, 2, Generator().manual_seed(0)))
    tree = [leaf[1:] for leaf in x]
    costs = [float(domain.complexity(outline.rebuild(tree)))]
    while True:
        candidates, _ = flatten(domain.simpler(outline.rebuild([leaf[0] for leaf in tree])))
        if not len(candidates[0]):
            break
        cost = domain.complexity(outline.rebuild(candidates))
        best = int(cost.argmin())
        if not float(cost[best]) < costs[-1]:
            break
        tree = [leaf[best : best + 1] for leaf in candidates]
        costs.append(float(cost[best]))
        assert len(costs) < 200
    assert costs[-1] < costs[0]
    if not any(isinstance(domain, kind) for kind in (Graph, domains.Lengths, domains.Crystal, domains.Mesh)):
        assert all(not bool(leaf.any()) for leaf in tree if leaf.is_floating_point())


def test_a_mask_and_a_code_of_an_example_stay() -> None:
    x, mask = torch.randn(4, 3), torch.tensor([1.0, 1.0, 0.0, 0.0])
    (reading,) = Like((x, mask)).readings((2, 1))
    candidates, _ = flatten(reading.simpler(reading.sample({}, 1, Generator())).args)
    assert not torch.equal(candidates[0][0], candidates[0][1])
    assert torch.equal(candidates[1], mask.double().expand_as(candidates[1]))


def test_edges_of_a_dense_graph_stay_symmetric() -> None:
    domain = Graph(5, 6, format="dense", directed=False, attributes=1)
    x, outline = flatten(domain.sample(domain.layout, 1, Generator().manual_seed(0)))
    _, adjacency, attributes = flatten(domain.simpler(outline.rebuild([leaf[0] for leaf in x])))[0]
    assert torch.equal(adjacency, adjacency.mT)
    assert torch.equal(attributes, attributes.transpose(1, 2))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (4, 1, 3), (300, 400), (100_000,)])
def test_numbers_get_simpler_part_by_part(shape: tuple[int, ...]) -> None:
    leaf = 5 * torch.randn(shape, generator=Generator().manual_seed(0), dtype=DOUBLE)
    found = torch.stack(simpler_numbers(leaf))
    assert found.shape[1:] == shape
    assert found.numel() <= 2**22 + 8 * leaf.numel()
    assert not bool((found.signbit() & (found == 0)).any())  # no -0.0
    zero, one = complexity_of_numbers(torch.stack([torch.zeros(shape), torch.ones(shape)]))
    assert (float(zero), float(one)) == (0.0, float(leaf.numel()))


def test_of_many_numbers_one_is_left() -> None:
    """However large the tensor: halves of what isn't zero, again and again."""
    leaf = torch.randn(60, 50, generator=Generator().manual_seed(0), dtype=DOUBLE)
    for _ in range(24):
        found = torch.stack(simpler_numbers(leaf))
        found = found[found[:, 23, 45] != 0]
        leaf = found[complexity_of_numbers(found).argmin()]
    assert leaf.count_nonzero() == 1
    assert leaf[23, 45] == 1


def test_what_numbers_cost() -> None:
    numbers = torch.tensor([0.0, 1.0, -1.0, 2.0, 3.0, -2.0, 0.5, 0.123], dtype=DOUBLE)
    cost = complexity_of_numbers(numbers.unsqueeze(-1)).tolist()
    order = [0.0, 1.0, -1.0, 2.0, 3.0, -2.0, 0.5, 0.123]
    assert sorted(order, key=dict(zip(numbers.tolist(), cost, strict=True)).__getitem__) == order
    assert complexity_of_numbers(torch.tensor([[1 + 2j], [0j], [1j]])).tolist() == pytest.approx([3, 0, 1], abs=1e-3)


def test_complex_numbers_get_simpler() -> None:
    found = torch.stack(simpler_numbers(torch.tensor([1.3 - 0.2j, 0.7j])))
    assert found.is_complex()
    assert complex(found[2][0]) == 1 - 1j
    assert bool((complexity_of_numbers(found) < complexity_of_numbers(torch.tensor([[1.3 - 0.2j, 0.7j]]))).any())


def test_the_user_s_own_examples_get_simpler_numbers_too() -> None:
    batch = torch.randn(12, 4, 2, generator=Generator().manual_seed(0), dtype=DOUBLE)
    found = minimal(replace(SET, domain=Examples(batch), id="examples"))
    assert found.layout == {}
    assert int((found.x[0] != 0).sum()) == 1
    assert whole(found.x)


def test_a_permutation_is_made_of_fewer_transpositions() -> None:
    group = Symmetric(6)
    found = minimal(replace(SET, domain=Examples(torch.randn(9, 6, 2)), id="six"))
    assert float(group.complexity(found.g[0].unsqueeze(0))) == 1
