"""The message: what a diagnosis says of every verdict, in at most a screen, compared with stored ones that were read."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
import torch
from rich.console import Console
from syrupy.assertion import SnapshotAssertion
from torch import Tensor, nn

import symcheck
from symcheck import Claim, Record, Result, Subject
from symcheck.domains import Joint, PointCloud, Tensors
from symcheck.report import TensorRecord, changes
from symcheck.report.terminal import show
from symcheck.report.text import LINES, WIDTH, diagnosis, numbers

CLOUD = PointCloud(points=4)


def radius(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def leaning(x: Tensor) -> Tensor:
    return radius(x) + 0.1 * x[..., 0]


def slightly_leaning(x: Tensor) -> Tensor:
    return radius(x) + 0.01 * x[..., 0]


def faintly_leaning(x: Tensor) -> Tensor:
    return radius(x) + 1e-8 * x[..., 0]


def constant(x: Tensor) -> Tensor:
    return torch.ones_like(x[..., 0])


def random(x: Tensor) -> Tensor:
    return radius(x) + torch.rand(x.shape[:-1], dtype=x.dtype)


def offset(x: Tensor) -> Tensor:
    return radius(x) + 1e6


def nan(x: Tensor) -> Tensor:
    return radius(x) * torch.nan


def raising(x: Tensor) -> Tensor:
    raise ValueError("no such \x1b[2J layer")


def layer() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh())


class Shifted(nn.Module):
    """A bias on vectors that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return radius(x + self.bias)


def stable_sort(x: Tensor) -> Tensor:
    """A stable sort by norm: where norms are equal, what comes first is what came first."""
    order = x.norm(dim=-1).argsort(dim=-1, stable=True)
    return x.gather(-2, order.unsqueeze(-1).expand_as(x))


def hidden_entry(x: Tensor) -> Tensor:
    """One entry that isn't invariant, a hundred million times smaller than the other."""
    return torch.stack([1e8 * radius(x).sum(-1), x[..., 0].sum(-1)], -1)


def energy_and_forces(q: Tensor, p: Tensor) -> dict[str, Tensor]:
    away = p.unsqueeze(-2) - p.unsqueeze(-3)
    return {"energy": away.square().sum((-3, -2, -1)) + q.sum(-1), "forces": p.tanh()}


def claim(model: Any, name: str, **options: Any) -> Claim:
    stated = {"group": "SO(3)", "domain": CLOUD, "inputs": "vector", "outputs": "scalar", "id": name} | options
    return Claim(model, stated.pop("group"), **stated)


PAIRS = {"group": "E(3) x S_n", "domain": Joint(Tensors((5,)), PointCloud(points=5))}
CASES: dict[str, tuple[Claim, dict[str, Any]]] = {
    "holds": (claim(radius, "radius"), {}),
    "holds at every weight": (claim(Subject.built(layer), "layer", group="S_n", inputs="permute", outputs="permute"), {}),
    "holds within a tolerance": (claim(slightly_leaning, "slightly", tolerance=0.5), {}),
    "limited, which passes": (claim(faintly_leaning, "faint"), {}),
    "limited, which fails": (claim(faintly_leaning, "faint"), {"dtype": "float64"}),
    "vacuous": (claim(constant, "constant"), {}),
    "unstable": (claim(random, "random"), {}),
    "imprecise": (claim(offset, "offset"), {}),
    "violated": (claim(leaning, "leaning"), {}),
    "violated at perturbed weights": (claim(Subject.built(Shifted), "shifted"), {}),
    "violated only at ties": (claim(stable_sort, "sort", group="S_n", inputs="permute", outputs="scalar"), {}),
    "violated in a hidden entry": (claim(hidden_entry, "hidden"), {}),
    "violated in a factor": (
        claim(
            energy_and_forces,
            "forces",
            inputs=("permute(axis=-1)", "permute * point"),
            outputs={"energy": "scalar", "forces": "permute * vector"},
            **PAIRS,
        ),
        {},
    ),
    "nonfinite": (claim(nan, "nan"), {}),
    "crashed": (claim(raising, "raising"), {}),
    "misstated": (claim(radius, "radius", inputs="1x2e"), {}),
    "expected to be violated, and caught": (claim(leaning, "twin", expected="violated", reason="reads one axis"), {}),
    "expected to be violated, not caught": (claim(radius, "twin", expected="violated", reason="reads one axis"), {}),
}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {name: symcheck.audit(one, trials=64, **options).results[0] for name, (one, options) in CASES.items()}


_SCIENTIFIC = re.compile(r"-?\d(?:\.\d+)?e([+-]\d+)")


def steady(value: Any) -> Any:
    """A record whose rounding is the same on every machine: what is under 1e-9, or over 1e9, is made one number."""
    if isinstance(value, dict):
        rounding = (value.get("error") or 0.0) < 4 * value.get("eps", 0.0)  # of a rung of the ladder
        return {key: value["eps"] if rounding and key == "error" else steady(one) for key, one in value.items()}
    if isinstance(value, list):
        return [steady(one) for one in value]
    if isinstance(value, float) and 0 < abs(value) < 1e-9:
        return 1e-15
    if isinstance(value, str):
        return _SCIENTIFIC.sub(lambda m: m[0] if abs(int(m[1])) < 9 else f"1e{'+' if int(m[1]) > 0 else '-'}15", value)
    return value


def steadied(result: Result) -> Result:
    return msgspec.convert(steady(msgspec.json.decode(msgspec.json.encode(result))), Result)


@pytest.mark.parametrize("name", CASES)
def test_the_message_of_every_verdict(name: str, results: dict[str, Result], snapshot: SnapshotAssertion) -> None:
    assert diagnosis(steadied(results[name])) == snapshot


def test_the_cases_are_what_their_names_say(results: dict[str, Result]) -> None:
    assert {name: result.verdict.name for name, result in results.items()} == {
        "holds": "HOLDS",
        "holds at every weight": "HOLDS",
        "holds within a tolerance": "HOLDS",
        "limited, which passes": "LIMITED",
        "limited, which fails": "LIMITED",
        "vacuous": "VACUOUS",
        "unstable": "UNSTABLE",
        "imprecise": "IMPRECISE",
        "violated": "VIOLATED",
        "violated at perturbed weights": "VIOLATED",
        "violated only at ties": "VIOLATED",
        "violated in a hidden entry": "VIOLATED",
        "violated in a factor": "VIOLATED",
        "nonfinite": "NONFINITE",
        "crashed": "CRASHED",
        "misstated": "CRASHED",
        "expected to be violated, and caught": "VIOLATED",
        "expected to be violated, not caught": "HOLDS",
    }


def test_what_each_section_is_for(results: dict[str, Result]) -> None:
    """Of the cases that are broken in a particular way, what says so."""

    def told(name: str) -> str:
        return " ".join(str(results[name]).split())

    assert "with weights perturbed by 0.03 of their size (not at its own)" in told("violated at perturbed weights")
    assert "slope" not in told("violated at perturbed weights")  # it is measured at the model's own, which show nothing
    assert "only at integer lattice" in told("violated only at ties")
    assert "holds under" not in told("violated only at ties")  # generic inputs show nothing of it
    assert "which larger entries hide" in told("violated in a hidden entry")
    assert re.search(r"differ by \[0, -?1\]", told("violated in a hidden entry"))
    assert "factor E(3) alone: 64 of 64 trials violate it" in told("violated in a factor")
    assert "factor S_5 alone: holds in all 64 trials" in told("violated in a factor")
    assert "holds under S_5; but not under E(3) x S_5" in told("violated in a factor")
    assert "weights judged at its own, and perturbed by 0.03, 0.1, 0.3, 1 of their size" in told("holds at every weight")
    assert "within 0.5 of the output's spread" in told("holds within a tolerance")
    assert "no such ?[2J layer" in told("crashed")


@pytest.mark.parametrize("width", [40, 80, WIDTH, 400])
def test_a_diagnosis_is_at_most_a_screen(width: int, results: dict[str, Result]) -> None:
    for result in results.values():
        lines = diagnosis(result, width).splitlines()
        assert len(lines) <= LINES
        assert max(map(len, lines)) <= width
        assert all(line.isprintable() for line in lines)
        assert "tensor(" not in str(lines)


def test_what_is_needed_least_is_left_out_first(results: dict[str, Result]) -> None:
    result = results["violated in a factor"]
    leaf, factor = result.outputs[0], result.factors[0]
    outputs = tuple(msgspec.structs.replace(leaf, leaf=f"output {i}") for i in range(30))
    factors = tuple(msgspec.structs.replace(factor, group=f"G_{i}") for i in range(30))
    told = diagnosis(msgspec.structs.replace(result, outputs=outputs, factors=factors, because="a reason. " * 100))
    assert len(told.splitlines()) == LINES
    for label in ("claimed", "because", "simplest", "differ", "rate", "..."):
        assert f"\n  {label:<10} " in told, label
    assert "G_29 alone" not in told
    assert "output 0" not in told
    assert told.endswith("and more in the record")
    assert "more in the record" not in diagnosis(results["violated"])  # and nothing where there is room


def test_a_terminal_shows_the_same_words_in_colour(results: dict[str, Result]) -> None:
    record = symcheck.audit([CASES["violated"][0], CASES["nonfinite"][0]], trials=64)

    def shown(**options: Any) -> str:
        out = Console(width=WIDTH, highlight=False, **options)
        with out.capture() as captured:
            show(record, out)
        return captured.get()

    plain, coloured = shown(no_color=True), shown(force_terminal=True, color_system="standard")
    assert "\x1b[" not in plain
    assert "\x1b[1;31mVIOLATED\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    for result in record.results:
        assert all(line.rstrip() in plain for line in diagnosis(result).splitlines())


def test_names_do_not_steer_the_terminal() -> None:
    hostile = "a\x1b[2J\r\nclaim\u202e\x07[bold]"
    record = symcheck.audit(claim(leaning, hostile), trials=64)
    assert "a?[2J  claim??[bold]" in shown_plainly(record)
    (result,) = record.results
    several = msgspec.structs.replace(record, results=(result, msgspec.structs.replace(result, property_name=hostile)))
    assert "(a?[2J  claim??[bold])" in shown_plainly(several)
    elsewhere = msgspec.structs.replace(record, device=hostile, machine={hostile: hostile})
    assert all(line.isprintable() for line in changes.told(elsewhere, record).splitlines())


def shown_plainly(record: Record) -> str:
    """What is shown, of which nothing steers the terminal."""
    out = Console(width=2 * WIDTH, highlight=False, no_color=True)
    with out.capture() as captured:
        show(record, out)
    text = captured.get()
    assert all(line.isprintable() for line in text.splitlines())
    return text


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (torch.tensor(2), "2"),
        (torch.tensor([True, False]), "[True, False]"),
        (torch.tensor([0.1234567, -0.0, 3e-30]), "[0.123, 0, 0]"),
        (torch.tensor([1 + 2j, -0.5j]), "[1+2i, 0-0.5i]"),
        (torch.tensor([[1 + 2j], [0j]]), "[[1+2i], [0+0i]]"),
        (torch.tensor([1.0, torch.nan]), "[1, NaN]"),
        (torch.zeros(0, 3), "[]"),
        (torch.zeros(40, 40), "40 x 40 zeros"),
        (torch.eye(40)[:, 3] * 1j + torch.zeros(30, 40), "30 x 40 numbers of RMS 0.158, the largest 0+1i at [0, 3]"),
        (torch.eye(3).repeat(30, 1), "90 x 3 numbers of RMS 0.577, the largest 1 at [0, 0]"),
        (torch.full((90,), torch.inf), "90 numbers some of them NaN or infinite, the largest NaN at [0]"),
    ],
    ids=str,
)  # fmt: skip
def test_tensors_are_printed_on_a_line(tensor: Tensor, text: str) -> None:
    assert numbers(TensorRecord.of("", tensor)) == text
