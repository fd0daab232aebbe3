"""The engine: how many evaluations it makes, in what calls, from which seed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Claim, Policy
from symcheck.domains import Domain, Examples, Grid, Joint, Like, PointCloud, Set
from symcheck.engine import Judged, Loading, Measuring, Outcome, Probing, Settings, examine, run
from symcheck.engine.probe import probe
from symcheck.engine.trials import draw
from symcheck.placement import Placement

CPU64 = Placement(torch.device("cpu"), torch.float64)


def outcome(claim: Claim, **settings: Any) -> Outcome:
    (found,) = (event.outcome for event in examine(claim, Settings(**settings)) if isinstance(event, Judged))
    return found


def claim(model: Any, domain: Any = None, **words: Any) -> Claim:
    domain = PointCloud(4) if domain is None else domain
    return Claim(model, **{"group": "SO(3)", "inputs": "vector", "outputs": "vector", "domain": domain, **words})


def batching(model: Any, domain: Any, **words: Any) -> str:
    stated = claim(model, domain, **words)
    return probe(stated, stated.subject.load(0), CPU64, 0, Policy()).forward.batching.value


LINES = 2 * 8 * 7 * 2  # at inputs and transformed inputs: lines, points, spacings
PATTERNS = 2  # of a single vector, tried in the place of an example, each with 8 elements
SEARCH = 3 * 8 * 4  # rounds, candidates, starts


@pytest.mark.parametrize("trials", [16, 256, 1024])
def test_m_inputs_and_k_elements_cost_m_and_km_evaluations(trials: int) -> None:
    found = outcome(claim(nn.Identity(), Like(torch.randn(4, 3))), trials=trials, dtype=torch.float64)
    once = 16 + PATTERNS + trials + 8 * PATTERNS + LINES
    assert found.evaluations == once + SEARCH
    assert outcome(claim(nn.Identity(), Like(torch.randn(4, 3))), trials=trials).evaluations == 2 * once + SEARCH


def batched_only(x: Tensor) -> Tensor:
    """Takes a batch axis, as most modules do."""
    n, points, dim = x.shape
    return x.reshape(n, points * dim).reshape(n, points, dim)


def single_only(x: Tensor) -> Tensor:
    points, dim = x.shape
    return x.reshape(points * dim).reshape(points, dim)


def single_with_control_flow(x: Tensor) -> Tensor:
    points, dim = x.shape
    return x if float(x.sum()) > 0 else x.reshape(points, dim)


def leaks_across_the_batch(x: Tensor) -> Tensor:
    n, points, dim = x.shape
    return x * x.square().mean().reshape(1, 1, 1).expand(n, points, dim)


@pytest.mark.parametrize(
    ("model", "expected"),
    [(batched_only, "batch"), (single_only, "vmap"), (single_with_control_flow, "loop"), (leaks_across_the_batch, "rows")],
)
@pytest.mark.parametrize("domain", [PointCloud(4), Examples(torch.randn(9, 4, 3))], ids=repr)
def test_the_way_to_join_trials_is_found_out(model: Any, expected: str, domain: Domain) -> None:
    assert batching(model, domain) == expected


def centred_alone(x: Tensor) -> Tensor:
    """Takes one cloud, along whose points it works."""
    points, _ = x.shape
    return x - x.sum(0) / points


@pytest.mark.parametrize(
    ("model", "shape", "expected"),
    [
        (batched_only, (2, 4, 3), "batch"),  # read as two inputs
        (lambda x: x - x.mean(-2, keepdim=True), (2, 4, 3), "batch"),
        (lambda x: x - x.mean(-2, keepdim=True), (4, 3), "batch"),  # read as one input; takes more when stacked
        (centred_alone, (4, 3), "vmap"),
        (leaks_across_the_batch, (2, 4, 3), "vmap"),  # read as one input
    ],
)
def test_an_example_is_read_as_a_batch_or_as_one_input(model: Any, shape: tuple[int, ...], expected: str) -> None:
    assert batching(model, Like(torch.randn(shape))) == expected


def test_a_model_that_mixes_examples_is_judged_one_by_one_and_found() -> None:
    result = symcheck.check(leaks_across_the_batch, PointCloud(4), group="SO(3)", inputs="vector", outputs="vector")
    assert result.passed
    (finding,) = result.findings
    assert finding.kind == "coupled-batch"
    assert finding.severity == "note"  # as the leading axis may hold points
    assert "If it is meant as one, the model mixes examples" in finding.text


@pytest.mark.parametrize(("group", "rep"), [("S_n", "permute"), ("E(3) x S_n", "permute * point")])
def test_a_model_that_mixes_examples_is_a_warning_where_points_have_an_axis_of_their_own(group: str, rep: str) -> None:
    def compared(x: Tensor) -> Tensor:
        size = (x - x.mean(-2, keepdim=True)).square().sum((-2, -1))
        return size / size.mean()

    result = symcheck.check(compared, PointCloud(4), group=group, inputs=rep, outputs="scalar")
    assert [(finding.kind, finding.severity) for finding in result.findings] == [("coupled-batch", "warning")]


@pytest.mark.parametrize("way", ["batch", "vmap", "loop"])
def test_the_way_can_be_said(way: Any) -> None:
    subject = symcheck.Subject("identity", model=nn.Identity(), batching=way)
    found = outcome(claim(subject))
    assert found.batching == way
    assert found.met


def test_memory_is_bounded_by_the_largest_tensor() -> None:
    largest = 0

    def wide(x: Tensor) -> Tensor:
        nonlocal largest
        inside = x.unsqueeze(-1).expand(*x.shape, 10_000) * 1.0
        largest = max(largest, inside.numel() * inside.element_size())
        return inside.mean(-1)

    policy = Policy(largest_tensor=4 * 2**20)
    for trials in (64, 512):
        outcome(claim(wide, PointCloud(2)), trials=trials, policy=policy)
    assert 2**20 < largest <= 4 * 2**20


def test_an_out_of_memory_error_halves_the_calls() -> None:
    sizes = []

    def tight(x: Tensor) -> Tensor:
        sizes.append(len(x))
        if x.ndim == 3 and len(x) > 50:
            raise torch.OutOfMemoryError("out of memory")
        return 2 * x

    assert outcome(claim(tight)).verdict.name == "HOLDS"
    assert max(sizes) > 50
    assert sum(size > 50 for size in sizes) < 20  # it isn't tried again and again


@pytest.mark.parametrize("largest", [1, 2**12, 2**30])
def test_the_size_of_calls_changes_no_verdict(largest: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    words = {"group": "Z_N^2", "inputs": "roll", "outputs": "roll"}
    found = outcome(claim(model, Grid(1, (5, 5)), **words), trials=32, policy=Policy(largest_tensor=largest))
    assert found.verdict.name == "VIOLATED"
    assert found.violating == outcome(claim(model, Grid(1, (5, 5)), **words), trials=32).violating


def test_the_same_seed_gives_the_same_trials_whatever_else_is_random() -> None:
    stated = claim(nn.Identity())
    setup = probe(stated, nn.Identity(), CPU64, 3, Policy())
    first = draw(stated, setup, 64, 3, Policy())
    torch.manual_seed(999)
    again = draw(stated, setup, 64, 3, Policy())
    other = draw(stated, setup, 64, 4, Policy())
    assert torch.equal(first.g, again.g)
    assert torch.equal(first.inputs[0], again.inputs[0])
    assert not torch.equal(first.inputs[0], other.inputs[0])


def test_a_finite_group_that_is_too_large_to_list_is_drawn_from_whatever_the_number_of_trials() -> None:
    stated = claim(nn.Identity(), PointCloud(4, dim=2), group="C_12000")
    assert len(draw(stated, probe(stated, nn.Identity(), CPU64, 0, Policy()), 200_000, 0, Policy())) >= 200_000


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_torch_s_default_dtype_changes_no_figure(dtype: torch.dtype) -> None:
    stated = claim(lambda x: x * torch.tensor([1, 1, 2]), Like(torch.randn(5, 3)))
    expected = outcome(stated)
    torch.set_default_dtype(dtype)
    try:
        found = outcome(stated)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.verdict.name == "VIOLATED"
    assert (found.figures, found.profile, found.because) == (expected.figures, expected.profile, expected.because)


def test_an_audit_leaves_torchs_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    outcome(claim(lambda x: torch.nn.functional.dropout(x, 0.5)))
    assert torch.equal(torch.rand(3), expected)


def test_structured_inputs_and_landmarks_are_tried_by_name() -> None:
    stated = claim(nn.Identity())
    trials = draw(stated, probe(stated, nn.Identity(), CPU64, 0, Policy()), 256, 0, Policy())
    assert trials.regions[:3] == ("generic inputs", "integer lattice", "collinear points")
    assert {int(region) for region in trials.region.unique()} == set(range(8))
    assert int((trials.elements.landmark == 0).sum()) == 4 + 7  # on four generic inputs and on each structured one
    assert int((trials.region == 0).sum()) == 256


def test_a_crash_at_a_structured_input_is_a_finding() -> None:
    def picky(x: Tensor) -> Tensor:
        if bool((x.flatten(-2)[..., 0] == 0).any()):
            raise ValueError("a point at the origin")
        return x

    found = outcome(claim(picky))
    assert found.verdict.name == "HOLDS"
    assert {finding.kind for finding in found.findings} == {"raises-at"}
    assert "ValueError: a point at the origin" in found.findings[0].text


def test_nan_at_a_structured_input_is_a_finding() -> None:
    found = outcome(claim(lambda x: (x - x.roll(1, -2)) / (x - x.roll(1, -2)).norm(dim=-1, keepdim=True), PointCloud(6)))
    assert found.verdict.name == "HOLDS"
    assert "The output is NaN or infinite at coincident points" in found.findings[0].text


def test_a_model_that_does_not_run_in_float64() -> None:
    def single(x: Tensor) -> Tensor:
        if x.dtype is not torch.float32:
            raise TypeError("float32 only")
        return 2 * x

    found = outcome(claim(single))
    assert found.verdict.name == "LIMITED"
    assert found.met
    assert "no-float64" in {finding.kind for finding in found.findings}
    assert "TypeError: float32 only" in found.findings[0].text
    broken = outcome(claim(lambda x: single(x).abs()))
    assert broken.verdict.name == "VIOLATED"


def test_a_model_that_makes_tensors_in_the_default_dtype() -> None:
    def mixed(x: Tensor) -> Tensor:
        return x @ torch.eye(3)  # float32 unless the default is changed: an error in float64

    assert outcome(claim(mixed, outputs="vector")).verdict.name == "HOLDS"
    assert torch.get_default_dtype() is torch.float32


def test_events_come_in_order() -> None:
    claims = [claim(nn.Identity(), Set(4, 3), id="a"), claim(nn.Identity(), Set(4, 3), id="b")]
    events = list(run(claims, Settings()))
    kinds = [type(event) for event in events]
    assert kinds[:2] == [Loading, Probing]
    assert kinds[-1] is Judged
    assert kinds.count(Judged) == 2
    done = [
        event.done
        for event in events
        if isinstance(event, Measuring)
        and event.claim.id == "a"
        and event.precision == "float64"
        and event.phase in ("sweep", "structured")
    ]
    assert done == sorted(done)
    assert done[-1] == 256 + 4 * 8  # generic, and eight elements on each structured input
    phases = dict.fromkeys(event.phase for event in events if isinstance(event, Measuring))
    assert list(phases)[:3] == ["sweep", "structured", "search"]


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_cuda_gives_the_same_verdicts(dtype: str) -> None:
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    assert symcheck.check(
        lambda x: x.square().sum(-1), PointCloud(8), group="O(3)", inputs="vector", outputs="scalar", device="cuda", dtype=dtype
    ).passed
    broken = symcheck.check(net, PointCloud(8), group="O(3)", inputs="vector", outputs="scalar", device="cuda", dtype=dtype)
    assert broken.verdict.name == "VIOLATED"
    assert next(net.parameters()).device.type == "cpu"


def test_no_trial_is_lost_when_calls_are_halved_during_the_sweep() -> None:
    def tight(x: Tensor) -> Tensor:
        torch.empty(len(x), 70_000).fill_(1)  # so that a call takes fewer trials than there are
        if len(x) > 50:
            raise torch.OutOfMemoryError("out of memory")
        return x.norm(dim=-1).sum(-1)

    found = outcome(claim(tight, outputs="scalar"))
    assert found.verdict.name == "HOLDS"
    assert found.trials == 256 + 7 * 8


def test_complex_inputs_have_noise_too() -> None:
    def lossy(x: Tensor) -> Tensor:
        return (x.real + 1e4).cumsum(-1)[..., -1] - 9e4

    x = torch.randn(9, dtype=torch.float64)
    for example in (x, torch.complex(x, x)):
        result = symcheck.check(lossy, example, group="S_n", inputs="permute(axis=-1)", outputs="scalar", dtype="float64")
        assert result.verdict.name == "HOLDS"


def test_a_joint_domain_keeps_what_its_parts_know() -> None:
    def model(x: Tensor, index: Tensor) -> Tensor:
        return x[..., index, :]

    example = torch.randn(4, 3, dtype=torch.float64)
    joint = Joint(Like(example), Like(torch.tensor([2, 0])))
    result = symcheck.check(model, joint, group="SO(3)", inputs=("vector", "scalar"), outputs="vector")
    assert (result.verdict.name, result.precision) == ("HOLDS", "float64")


def test_a_dict_in_another_order_is_the_same_dict() -> None:
    def model(x: Tensor) -> dict[str, Tensor]:
        a, b = x.norm(dim=-1), x
        return {"a": a, "b": b} if float(x.sum()) > 0 else {"b": b, "a": a}

    result = symcheck.check(model, torch.randn(4, 3), group="SO(3)", inputs="vector", outputs={"b": "vector", "a": "scalar"})
    assert result.verdict.name == "HOLDS"
