"""The command: targets, exit codes, the record, and errors without a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from property_tests._processes import heeding_ctrl_c
from symcheck.cli import main

MODULE = """
import torch
from torch import nn
from symcheck import Claim, Subject
from symcheck.domains import PointCloud

def radii():
    return lambda x: x.norm(dim=-1)

def leaning():
    return lambda x: x[..., 0].abs()

def constant():
    return lambda x: torch.ones_like(x[..., 0])

def linear():
    return nn.Linear(3, 3)

def stopped():
    def model(x):
        raise KeyboardInterrupt
    return model

net = nn.Linear(3, 2)
claims = {f.__name__: Claim(Subject.built(f), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar")
          for f in (radii, leaning, constant, stopped)}
"""
SLOW = """
import time

def slow():
    def model(x):
        print("running", flush=True)
        time.sleep(0.2)
        return x.norm(dim=-1)
    return model

CLAIMS = (claims["radii"], Claim(Subject.built(slow), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar"))
"""
GOOD = 'CLAIMS = (claims["radii"],)\nTWINS = (claims["radii"].twin(Subject.built(leaning), reason="reads one axis"),)\n'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module of that text into an empty current folder, under a name that no other test uses; returns the name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def written(text: str, whole: bool = False) -> str:
        name = f"target_{abs(hash(str(tmp_path)))}_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(text if whole else MODULE + text)
        return name

    return written


def symcheck(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_all_as_expected(write: Any) -> None:
    done = symcheck("audit", name := write(GOOD))
    assert done.exit_code == 0, done.output
    assert "HOLDS" in done.output
    assert f"{name}.radii: SO(3), vector -> scalar" in " ".join(done.output.split())
    assert "1 of 1 claims are as expected." in done.output


def test_twins_are_audited_on_request_and_caught(write: Any) -> None:
    done = symcheck("audit", write(GOOD), "--twins")
    assert done.exit_code == 0, done.output
    assert "VIOLATED" in done.output
    assert "caught" in done.output
    assert "2 of 2 claims are as expected, 1 of them broken on purpose and caught." in done.output


def test_a_twin_that_is_not_caught_fails_the_audit(write: Any) -> None:
    harmless = (
        'TWINS = (dataclasses.replace(claims["radii"].twin(claims["radii"].subject, reason="it is whole"), id="harmless"),)'
    )
    text = f'import dataclasses\nCLAIMS = (claims["radii"],)\n{harmless}'
    done = symcheck("audit", write(text), "--twins")
    assert done.exit_code == 1, done.output
    assert "NOT CAUGHT" in done.output
    assert "but it was not caught" in done.output


def test_a_violation_exits_with_1_and_is_diagnosed(write: Any) -> None:
    done = symcheck("audit", write('CLAIMS = (claims["leaning"], claims["radii"])'))
    assert done.exit_code == 1, done.output
    assert "FAILED" in done.output
    assert "example    g = rotation by 90 deg about" in done.output
    assert "1 of 2 claims are as expected." in done.output


def test_an_undecided_claim_exits_with_4(write: Any) -> None:
    done = symcheck("audit", write('CLAIMS = (claims["constant"], claims["radii"])'))
    assert done.exit_code == 4, done.output
    assert "VACUOUS" in done.output


def test_a_misstated_claim_exits_with_2_and_the_others_go_on(write: Any) -> None:
    wrong = 'Claim(Subject.built(linear), "SO(3)", domain=PointCloud(4), inputs="1x2e", outputs="scalar")'
    text = f'CLAIMS = ({wrong}, claims["radii"])'
    done = symcheck("audit", write(text))
    assert done.exit_code == 2, done.output
    assert "acts on a last axis of size 5" in done.output
    assert "1 of 2 claims are as expected." in done.output


def test_an_interrupted_audit_saves_what_is_done(write: Any, tmp_path: Path) -> None:
    done = symcheck("audit", write('CLAIMS = (claims["radii"], claims["stopped"], claims["leaning"])'), "--json", "out.json")
    assert done.exit_code == 130, done.output
    assert "(interrupted before the rest)" in done.output
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["interrupted"] is True
    assert [result["verdict"] for result in record["results"]] == ["holds"]


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_in_a_real_process(write: Any, tmp_path: Path) -> None:
    name = write(SLOW)
    command = [sys.executable, "-c", "from symcheck.cli import main; main()", "audit", name, "--json", "out.json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=heeding_ctrl_c
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert json.loads((tmp_path / "out.json").read_text())["interrupted"] is True


def test_the_same_seed_gives_the_same_record(write: Any, tmp_path: Path) -> None:
    name = write(GOOD)
    for file in ("a.json", "b.json", "c.json"):
        assert symcheck("audit", name, "--twins", "--json", file, "--seed", "8" if file == "c.json" else "7").exit_code == 0
    a, b, c = (json.loads((tmp_path / file).read_text()) for file in ("a.json", "b.json", "c.json"))
    for record in (a, b, c):
        assert record.pop("machine")
        assert record.pop("seconds") > 0
    assert json.dumps(a) == json.dumps(b)
    assert json.dumps(a) != json.dumps(c)


def test_a_model_with_its_claim_on_the_command_line(write: Any) -> None:
    name = write("")
    claim = ["--shape", "4,3", "--group", "SO(3)", "--input", "vector", "--output"]
    assert symcheck("audit", f"{name}:radii", *claim, "scalar").exit_code == 0
    assert symcheck("audit", f"{name}:linear", *claim, "vector").exit_code == 1
    assert symcheck("audit", f"{name}:net", *claim, "scalar", "--dtype", "float64").exit_code == 1
    two = [
        "--shape",
        "4,3",
        "--shape",
        "4,3",
        "--input",
        "vector",
        "--input",
        "vector",
        "--output",
        "vector",
        "--group",
        "O(3)",
    ]
    add = write("import torch\nadd = torch.add\n", whole=True)
    assert symcheck("audit", f"{add}:add", *two).exit_code == 0


def test_one_model_of_a_module_with_claims(write: Any) -> None:
    done = symcheck("audit", write(GOOD) + ":radii", "--twins")
    assert "1 of 1 claims" in done.output


@pytest.mark.parametrize(
    ("text", "arguments", "part"),
    [
        (None, ["no_such_module"], "there is no module 'no_such_module'"),
        ("import no_such_package", [], "imports 'no_such_package', which isn't installed"),
        ("import torch\ntorch.nope", [], "importing it raised AttributeError"),
        ("raise SystemExit(7)", [], "importing it raised SystemExit: 7"),
        ("x = 1", [], "states no CLAIMS"),
        ("CLAIMS = ()", [], "has CLAIMS, but there is none in it. Define CLAIMS = (Claim(...), ...) there"),
        (
            "class Need:\n    def __init__(self, n): ...",
            [":Need"],
            "Need(...), or a function without arguments that makes one.",
        ),
        ("CLAIMS = 5", [], "CLAIMS is 5; expected a tuple of symcheck.Claim"),
        ("def build(): ...", [":biuld"], "has no 'biuld'; did you mean 'build'?"),
        ("def build(): ...", [":build"], "returned None, not a model"),
        ("def build(): return abs", [":build"], "it is no model that says itself how it transforms"),
        ("def build(): return abs", [":build"], "Say what to check: symcheck audit target_"),
        ("def build(): ...", [":build", "--group", "SO(3)"], "a claim needs --shape and --input and --output too"),
        ("x = 1", ["", "--seed", "-3"], "states no CLAIMS"),
    ],
)
def test_bad_targets(write: Any, text: str | None, arguments: list[str], part: str) -> None:
    name = "" if text is None else write(text, whole=True)
    first = name + arguments[0] if arguments else name
    done = symcheck("audit", first, *arguments[1:])
    assert done.exit_code == 2, done.output
    assert part in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--trials", "0"], "trials is a whole number of 1 or more, not 0"),
        (["--trials", "many"], "'many' is not a valid integer"),
        (["--dtype", "flaot32"], "did you mean 'float32'"),
        (["--device", "quantum"], "device 'quantum' can't be used here"),
        (["--json", "nowhere/out.json"], "there is no folder 'nowhere'"),
        (
            ["--json", "-"],
            "--json - names no file. Name one; audit and report write to standard output by --format without --to.",
        ),
        (["--shape", "a,b", "--group", "SO(3)", "--input", "vector", "--output", "scalar"], "whole numbers with commas"),
        (["--shape", "4,3", "--group", "SO3", "--input", "vector", "--output", "scalar"], "did you mean 'SO(3)'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_bad_options(write: Any, options: list[str], part: str) -> None:
    name = write(GOOD)
    done = symcheck("audit", f"{name}:radii" if "--group" in options else name, *options)
    assert done.exit_code == 2, done.output
    assert part in done.output


def test_an_error_of_our_own_exits_with_3(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symcheck.checking.audit", None)
    done = symcheck("audit", write(GOOD))
    assert done.exit_code == 3
    assert "the error above is symcheck's own" in done.output


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 2, "symcheck: there isn't the memory for this. Give smaller shapes, or fewer trials."),
        (RuntimeError("[enforce fail] can't allocate memory: 8 GB"), 2, "symcheck: there isn't the memory for this."),
        (ValueError("embedded null byte"), 2, "symcheck: a name has a character in it that none can have: embedded null byte."),
        (KeyboardInterrupt(), 130, "symcheck: interrupted before it was done\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_a_person_can_mend_is_a_sentence(
    write: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("symcheck.checking.audit", raising)
    done = symcheck("audit", write(GOOD))
    assert done.exit_code == code
    assert done.output.startswith(said)


MOODY = """
import torch
class Moody(torch.nn.Module):
    @property
    def irreps_in(self):
        raise KeyError("no irreps")
    def forward(self, x):
        return x
"""


def test_code_of_the_user_that_raises_where_no_one_looks_for_it_is_named(write: Any) -> None:
    name = write(MOODY, whole=True)
    done = symcheck("audit", f"{name}:Moody")
    assert done.exit_code == 2, done.output
    assert f"symcheck: the code that was named raised KeyError: 'no irreps' (at {name}.py:6). Mend it there." in done.output
    assert "Traceback" not in done.output


def test_help_names_the_exit_codes() -> None:
    done = symcheck("audit", "--help")
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "130"):
        assert f"\n    {code}" in done.output


@pytest.mark.parametrize("own", [None, "ACTIVE"])
def test_threads_wait_without_spinning_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, own: str | None) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", own or "")
    if own is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    assert CliRunner().invoke(main, ["explain", "HOLDS"]).exit_code == 0
    assert os.environ["OMP_WAIT_POLICY"] == (own or "PASSIVE")
