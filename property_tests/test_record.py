"""The record: what it says of a result, and its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import symcheck
from symcheck import Claim
from symcheck.cli import main
from symcheck.cli.output import FORMATS
from symcheck.domains import PointCloud
from symcheck.report import Record


def half_broken(x: Tensor) -> Tensor:
    """Broken on one half space of its first vector alone."""
    return x.norm(dim=-1) + x[..., :1, 0].clamp_min(0)


@pytest.fixture(scope="module")
def record() -> Record:
    claims = [
        Claim(model, "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar", id=name)
        for name, model in {
            "holds": lambda x: x.norm(dim=-1),
            "broken": half_broken,
            "nan": lambda x: x[..., 0] * torch.nan,
        }.items()
    ]
    return symcheck.audit(claims, seed=3)


def test_json_reads_back_as_the_same_record(record: Record) -> None:
    assert msgspec.json.decode(record.json(), type=Record) == record
    plain = json.loads(record.json())
    assert plain["schema"] == 1
    assert [result["verdict"] for result in plain["results"]] == ["holds", "violated", "nonfinite"]
    assert plain["results"][2]["outputs"][0]["truth"] is None  # NaN has no JSON


def test_the_rate_of_violation_comes_with_an_interval(record: Record) -> None:
    """Wilson's interval for 0 of n is (0, z^2 / (n + z^2)); for k of n it holds k / n."""
    holds, broken, _ = record.results
    assert holds.rate is not None
    assert holds.rate == pytest.approx((0, 1.96**2 / (holds.random_trials + 1.96**2)), abs=1e-12)
    assert holds.rate_bound == 3 / holds.random_trials
    assert broken.rate is not None
    low, high = broken.rate
    assert low < broken.violating / broken.random_trials < high
    assert low < 0.75 < high  # both x and gx must have that coordinate negative for the sides to agree: one in four
    assert broken.rate_bound is None
    assert f"{low:.0%} to {high:.0%} of all such trials" in str(broken)


def test_exit_codes(record: Record) -> None:
    holds, broken, nan = record.results

    def code(*results: symcheck.Result) -> int:
        return msgspec.structs.replace(record, results=results).exit_code

    vacuous = msgspec.structs.replace(holds, verdict=symcheck.Verdict.VACUOUS, met=False)
    misstated = msgspec.structs.replace(holds, verdict=symcheck.Verdict.CRASHED, met=False, misstated=True)
    missed = msgspec.structs.replace(vacuous, expected="violated")
    assert [code(holds), code(holds, broken), code(nan), code(vacuous), code(vacuous, broken), code(missed)] == [
        0,
        1,
        1,
        4,
        1,
        1,
    ]
    assert code(misstated, broken) == 2
    assert code() == 0


def test_a_summary_is_a_line_a_result(record: Record) -> None:
    assert str(record).splitlines() == [
        "HOLDS      ok holds",
        "VIOLATED   FAILED broken",
        "NONFINITE  FAILED nan",
        "1 of 3 claims are as expected.",
    ]


CHANGES: dict[str, tuple[list[str | int], Any]] = {  # each of its kind, so that only what is made of it can tell
    "fewer random trials than violate": (["results", 1, "random_trials"], 1),
    "a negative error": (["results", 1, "ladder", 0, "error"], -1.0),
    "no precision": (["results", 1, "ladder", 0, "eps"], 0.0),
    "one side alone": (["results", 1, "counterexample", "minimal", "left"], []),
    "words for numbers": (["results", 1, "counterexample", "minimal", "x", 0, "values"], [["one", "two", "three"]]),
}


@pytest.mark.parametrize("path", list(CHANGES))
def test_a_record_that_was_changed_ends_in_a_sentence(record: Record, path: str, tmp_path: Path) -> None:
    plain, (place, value) = json.loads(record.json()), CHANGES[path]
    inner = plain
    for key in place[:-1]:
        inner = inner[key]
    assert inner[place[-1]] != value
    inner[place[-1]] = value
    file = tmp_path / "record.json"
    file.write_text(json.dumps(plain))
    runs = [["--html", str(tmp_path / "out.html")], *(["--format", form] for form in FORMATS)]
    done = [CliRunner().invoke(main, ["report", str(file), *options]) for options in runs]
    assert {one.exit_code for one in done} == {0, 2}
    for one in done:
        assert "Traceback" not in one.output
        assert one.exit_code == 0 or f"{file} doesn't fit together (" in one.output
