"""The pytest plugin, by sessions that pytester runs: what a user's test shows, in one process and in many."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

import symcheck.pytest_support
from property_tests._processes import heeding_ctrl_c
from symcheck import Record

HEAD = """
import pytest
import torch
import symcheck as sc
from symcheck.domains import PointCloud
from symcheck.properties import Composition, Equivariance

def radii():
    return lambda x: x.norm(dim=-1)

def leaning():
    return lambda x: x[..., 0].abs()

def of(build, **options):
    return sc.Claim(sc.Subject.built(build), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar", **options)

RADII, LEANING = of(radii, id="radii"), of(leaning, id="leaning")
TWIN = of(leaning, id="twin", expected="violated", reason="reads one axis")
INVARIANT = {"group": "SO(3)", "inputs": "vector", "outputs": "scalar"}

"""
BOTH = """
@sc.parametrize([RADII, LEANING])
def test_symmetry(claim): ...
"""
FEW = "--symcheck-trials=16"


@pytest.fixture(scope="module", autouse=True)
def all_imported() -> None:
    """What a session in this process would import: pytester forgets it afterwards, and torch can't be imported twice."""
    assert symcheck.pytest_support.parametrize
    assert symcheck.check(torch.nn.Linear(3, 3), torch.randn(2, 3), group="SO(3)", inputs="vector", outputs="vector").violating
    torch.testing.assert_close(torch.ones(1), torch.ones(1))  # its first call imports torch's distributed tensors


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a session in an empty project whose only test file is HEAD and that text."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    for name in ("CI", "BUILD_NUMBER"):  # where pytest sees them, it prints each message twice: whole in its summary too
        monkeypatch.delenv(name, raising=False)

    def run(text: str, *options: str, pyproject: str = "", apart: bool = False, **given: Any) -> pytest.RunResult:
        pytester.makepyfile(test_it=HEAD + text)
        if pyproject:
            pytester.makepyprojecttoml(pyproject)
        return (pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess)(FEW, *options, **given)

    return run


def lines(done: pytest.RunResult) -> str:
    """All that the session said, with wrapped lines joined and pytest's own margin left out."""
    return re.sub(r"\s+", " ", re.sub(r"\nE  ", "\n", "\n".join([*done.outlines, *done.errlines])))


def record(file: Path) -> Record:
    return msgspec.json.decode(file.read_bytes(), type=Record)


# The fixture


def test_five_lines_in_an_empty_project(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_symmetry="""
        import torch

        def test_symmetry(symcheck):
            model, example = torch.nn.Softmax(dim=-1), torch.randn(5, 8)
            symcheck.assert_equivariant(model, example, group="S_n", inputs="permute(axis=-1)", outputs="permute(axis=-1)")
        """
    )
    done = pytester.runpytest_inprocess()
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*= symcheck =*", "1 claim in * s, profile ci, seed 0: 1 HOLDS"])


def test_a_failure_shows_the_diagnosis_and_the_users_line_alone(session: Any) -> None:
    done = session("def test_leaning(symcheck):\n    symcheck.assert_equivariant(leaning(), torch.randn(4, 3), **INVARIANT)")
    done.assert_outcomes(failed=1)
    said = lines(done)
    assert "AssertionError: VIOLATED <lambda>: SO(3), vector -> scalar" in said
    assert "g = rotation by 90 deg about z" in said
    assert "means The two sides differ by more than any rounding explains" in said
    assert "> symcheck.assert_equivariant(leaning()" in said
    assert re.search(r"test_it\.py:\d+: AssertionError", said)
    assert "pytest_support" not in said
    assert "checking.py" not in said


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('group="SO3", inputs="vector", outputs="scalar"', "GroupError: there is no group 'SO3'; did you mean 'SO(3)'?"),
        ('group="O(4)", inputs="vector", outputs="scalar"', "Vector() under O(4) acts on a last axis of size 4"),
        ("**INVARIANT, trials=0", "SettingsError: trials is a whole number of 1 or more, not 0."),
        ("**INVARIANT, trails=9", "SettingsError: the call has no setting 'trails'; did you mean 'trials'?"),
        ('**INVARIANT, device="cdua"', "SettingsError: device 'cdua' can't be used here"),
        ('**INVARIANT, expect="violated"', "ClaimError: <lambda>: a claim expected to be violated needs a reason"),
        ('**INVARIANT, expect="broken"', "is expected to be 'holds', 'violated' or 'either', not 'broken'"),
    ],
)
@pytest.mark.parametrize("method", ["check", "assert_equivariant"])
def test_a_misstated_call_fails_in_one_sentence(session: Any, method: str, call: str, message: str) -> None:
    done = session(f"def test_it(symcheck):\n    symcheck.{method}(radii(), torch.randn(4, 3), {call})")
    done.assert_outcomes(failed=1)
    assert message in lines(done)
    assert "pytest_support" not in lines(done)


def test_a_check_is_the_tests_to_judge(session: Any) -> None:
    done = session("""
def test_it(symcheck):
    result = symcheck.check(leaning(), torch.randn(4, 3), **INVARIANT)
    assert result.verdict is symcheck.Verdict.VIOLATED and not result.passed
    record = symcheck.audit([RADII, LEANING])
    assert [result.met for result in record.results] == [True, False]
    assert symcheck.assert_holds([RADII, TWIN]).exit_code == 0
""")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["5 claims in * s, profile ci, seed 0: 3 VIOLATED, 2 HOLDS (1 of them expected to be violated)"])
    done.stdout.no_fnmatch_line("VIOLATED *")


def test_the_fixture_has_the_settings_of_the_session_the_marker_and_the_call(session: Any) -> None:
    done = session(
        """
def test_session(symcheck):
    assert (symcheck.profile, symcheck.seed, symcheck.trials, symcheck.device) == ("ci", 7, 16, "cpu")
    assert (symcheck.dtype, symcheck.perturb) == (torch.float64, None)

@pytest.mark.symmetry(seed=3, dtype="float32", perturb=True)
def test_marker(symcheck):
    assert (symcheck.seed, symcheck.trials, symcheck.dtype, symcheck.perturb) == (3, 16, torch.float32, True)
    assert symcheck.check(radii(), torch.randn(4, 3), **INVARIANT).precision == "float32"

def test_call(symcheck):
    assert symcheck.check(radii(), torch.randn(4, 3), **INVARIANT).precision == "float64"
    results = [symcheck.check(radii(), torch.randn(4, 3), **INVARIANT, dtype="bfloat16", trials=n) for n in (64, 128)]
    assert results[0].precision == "bfloat16" and results[0].trials < results[1].trials

@pytest.mark.symmetry(trails=3)
def test_wrong(symcheck):
    symcheck.assert_holds(RADII)

@pytest.mark.symmetry(seed="five")
def test_wrong_too(symcheck):
    symcheck.assert_holds(RADII)

@pytest.mark.symmetry(64)
def test_without_a_name(symcheck):
    symcheck.assert_holds(RADII)
""",
        "--symcheck-seed=7",
        "--symcheck-dtype=float64",
        "--strict-markers",
    )
    done.assert_outcomes(passed=3, failed=3)
    assert "@pytest.mark.symmetry takes settings by name, as in symmetry(trials=64), not 64." in lines(done)
    assert "SettingsError: seed is a whole number of 0 or more, not 'five'." in lines(done)
    assert "SettingsError: @pytest.mark.symmetry has no setting 'trails'; did you mean 'trials'?" in lines(done)


def test_expected_violations_are_strict(session: Any) -> None:
    done = session("""
def test_broken(symcheck):
    symcheck.assert_equivariant(leaning(), torch.randn(4, 3), **INVARIANT, expect="violated", reason="issue 12")

def test_mended(symcheck):
    symcheck.assert_equivariant(radii(), torch.randn(4, 3), **INVARIANT, expect="violated", reason="issue 12")
""")
    done.assert_outcomes(passed=1, failed=1)
    assert "to be violated: issue 12 -- but it was not caught" in lines(done)
    assert "next the symmetry holds now: claim it, without the expectation that it is violated" in lines(done)
    done.stdout.fnmatch_lines(["HOLDS      test_it.py::test_mended: <lambda>*: it was expected to be violated"])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("lambda x: x.norm(dim=-1) + __import__('random').random()", "because two calls on the same input differ by"),
        ("lambda x: x.norm(dim=-1) + torch.randn(())", "because two calls on the same input differ by"),
        ("torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(3, 1))", "Call model.eval() first."),
    ],
)
def test_a_random_model_is_explained(session: Any, model: str, message: str) -> None:
    done = session(f"def test_it(symcheck):\n    symcheck.assert_equivariant({model}, torch.randn(4, 3), **INVARIANT)")
    done.assert_outcomes(failed=1)
    assert "AssertionError: UNSTABLE" in lines(done)
    assert message in lines(done)
    assert "means The model gives different outputs for the same input" in lines(done)


RANDOM = """
def test_other():
    torch.manual_seed(5)

@pytest.fixture
def model():
    return torch.nn.Linear(3, 1)

def test_it(symcheck, model):
    print("drawn", model.weight.tolist(), torch.randn(2).tolist())
    symcheck.assert_equivariant(model, torch.randn(4, 3), group="SO(3)", inputs="vector", outputs="scalar")

def test_last():
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(5))
"""


def test_models_and_examples_without_a_seed_follow_from_the_sessions(session: Any) -> None:
    runs = [session(RANDOM, f"--symcheck-seed={seed}") for seed in (0, 0, 1)]
    for done in runs:
        done.assert_outcomes(passed=2, failed=1)  # test_last: other tests' random numbers are left alone
    drawn = [re.findall(r"drawn .*|because.*", "\n".join(done.outlines)) for done in runs]
    assert len(drawn[0]) == 2
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_the_line_to_reproduce_a_failure_does(session: Any, pytester: pytest.Pytester) -> None:
    first = session(RANDOM + BOTH, "--symcheck-seed=11", "--symcheck-profile=dev", "--symcheck-dtype=float64", "-m", "symmetry")
    first.assert_outcomes(failed=2, passed=1, deselected=2)
    found = re.findall(r"rerun      (pytest .*)", "\n".join(first.outlines))
    assert len(found) == 2
    for line in found:
        assert line.endswith("--symcheck-seed 11 --symcheck-profile dev --symcheck-trials 16 --symcheck-dtype float64")
        again = pytester.runpytest_inprocess(*shlex.split(line)[1:])
        again.assert_outcomes(failed=1)
        (because,) = re.findall(r"because .*", "\n".join(again.outlines))
        assert because in "\n".join(first.outlines)


def test_the_line_is_for_the_folder_that_the_session_began_in(
    session: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pytester.mkdir("sub"))
    done = session(BOTH, "-k", "leaning", "../test_it.py", "--rootdir=..")
    done.stdout.fnmatch_lines(["*rerun      pytest '../test_it.py::test_symmetry[[]leaning]' --symcheck-seed 0*"])


ASKED_LATE = """
def test_it(request):
    symcheck = request.getfixturevalue("symcheck")
    symcheck.check(radii(), torch.randn(4, 5, 3), **INVARIANT)
    symcheck.assert_equivariant(leaning(), torch.randn(4, 5, 3), **INVARIANT)
"""


def test_a_fixture_that_is_asked_for_while_the_test_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HEAD + ASKED_LATE)
    done = pytester.runpytest_inprocess()  # without options: nothing else begins the session's part
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E  * AssertionError: VIOLATED *", "2 claims in * 1 HOLDS, 1 VIOLATED"])
    assert "KeyError" not in lines(done)


# Claims


def test_one_test_a_claim_with_readable_names(session: Any) -> None:
    done = session(BOTH)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*_ test_symmetry[[]leaning] _*", "VIOLATED  leaning", "*rerun      pytest 'test_it.py::*"])
    assert "pytest_support" not in lines(done)
    assert "1 HOLDS, 1 VIOLATED" in lines(done)
    done.stdout.fnmatch_lines(
        ["VIOLATED   test_it.py::test_symmetry[[]leaning]: the two sides differ by * of the output's spread"]
    )


def test_claims_without_names_of_their_own_are_called_by_what_they_say(session: Any, pytester: pytest.Pytester) -> None:
    name = "test_it.radii: SO(3), vector -> scalar"
    done = session("@sc.parametrize(of(radii))\ndef test_symmetry(claim): ...", "--collect-only", "-q")
    done.stdout.fnmatch_lines([f"test_it.py::test_symmetry[[]{name}]"])
    pytester.runpytest_inprocess(f"test_it.py::test_symmetry[{name}]").assert_outcomes(passed=1)


def test_each_property_is_a_test(session: Any) -> None:
    several = "of({}, id='{}', properties=(Equivariance(), Composition()))"
    text = f"@sc.parametrize([{several.format('radii', 'a')}, {several.format('leaning', 'b')}])\ndef test_it(claim): ..."
    done = session(text, "-v")
    done.assert_outcomes(passed=2, failed=2)
    names = [f"*::test_it[[]{claim}, {prop}] *" for claim in "ab" for prop in ("equivariance", "composition")]
    done.stdout.fnmatch_lines(names)


def test_a_body_may_judge_its_claim_itself(session: Any, pytester: pytest.Pytester) -> None:
    done = session(
        """
@sc.parametrize([RADII, LEANING, TWIN])
def test_asserted(claim, symcheck):
    symcheck.assert_holds(claim)

@sc.parametrize([LEANING])
def test_by_its_own_standard(claim, symcheck):
    assert symcheck.audit(claim).results[0].violating

@sc.parametrize([LEANING])
def test_skipped(claim):
    pytest.skip("not today")
""",
        "--symcheck-json=out.json",
    )
    done.assert_outcomes(passed=3, failed=1, skipped=1)
    assert len(record(pytester.path / "out.json").results) == 4  # none is judged twice


AGAIN = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    if any(report.failed for report in runtestprotocol(item, nextitem=nextitem, log=False)):
        item._initrequest()
        runtestprotocol(item, nextitem=nextitem)
    return True
"""


def test_a_test_that_is_tried_again_is_judged_again(session: Any, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(AGAIN)  # as plugins for flaky tests do
    session(BOTH.replace("RADII, LEANING", "LEANING") + "def test_last(symcheck): ...\n").assert_outcomes(failed=1)


def test_twins_that_are_caught_pass_and_others_fail(session: Any) -> None:
    harmless = "of(radii, id='harmless', expected='violated', reason='it is whole')"
    session(f"@sc.parametrize([TWIN, {harmless}])\ndef test_it(claim): ...").assert_outcomes(passed=1, failed=1)


def test_marks_and_names_of_single_claims_classes_and_other_parameters(session: Any) -> None:
    done = session(
        """
@sc.parametrize([
    RADII,
    pytest.param(LEANING, marks=pytest.mark.xfail(reason="known", strict=True), id="known"),
    pytest.param(of(radii, id="seeded"), marks=pytest.mark.symmetry(seed=4)),
])
@pytest.mark.parametrize("number", [1, 2])
class TestThem:
    def test_it(self, claim, number, symcheck):
        assert symcheck.seed == (4 if claim.id == "seeded" else 0)
""",
        "-v",
    )
    done.assert_outcomes(passed=4, xfailed=2)
    done.stdout.fnmatch_lines(["*::test_it[[]1-known] XFAIL*", "*::test_it[[]1-seeded] PASSED*"])
    done.stdout.no_fnmatch_line("VIOLATED *")  # an expected failure is none


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ("5", "5 are no claims. Give symcheck.parametrize a list of symcheck.Claim"),
        ("'models.egnn'", "'models.egnn' are no claims"),
        ("test_it", "are no claims"),
        ("[]", "symcheck.parametrize was given no claims: a test of nothing can't fail"),
        ("[RADII, leaning]", "is no Claim. Give symcheck.parametrize a list of symcheck.Claim"),
        ("[pytest.param(RADII, LEANING)]", "is no Claim"),
        ("{'radii': RADII}", "'radii' is no Claim"),
        ("[RADII, RADII]", "two claims are called 'radii'. Give one of them an id of its own"),
    ],
)
def test_what_are_no_claims_is_an_error_of_collection(session: Any, claims: str, message: str) -> None:
    done = session(f"def test_it(claim): ...\ntest_it = sc.parametrize({claims})(test_it)")
    done.assert_outcomes(errors=1)
    assert message in lines(done)


def test_a_test_without_the_argument_is_an_error(session: Any) -> None:
    done = session("@sc.parametrize(RADII)\ndef test_it(): ...")
    done.assert_outcomes(errors=1)
    assert "function uses no argument 'claim'" in lines(done)


def test_without_the_plugin_nothing_passes_unjudged(session: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=HEAD + "@sc.parametrize(LEANING)\ndef test_it(claim): ...")
    done = pytester.runpytest_inprocess("-p", "no:symcheck")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*fixture 'symcheck' not found*"])
    done = session("@pytest.fixture\ndef symcheck(): ...\n\n@sc.parametrize(LEANING)\ndef test_it(claim): ...")
    done.assert_outcomes(failed=1)
    assert "symcheck.parametrize needs symcheck's own fixture" in lines(done)


# Hypothesis


def test_under_given_the_fixture_works_and_the_minimal_example_is_recorded(session: Any, pytester: pytest.Pytester) -> None:
    done = session(
        """
from hypothesis import given, settings, strategies as st

@settings(max_examples=20, deadline=None, database=None, derandomize=True)
@given(leak=st.integers(0, 9))
def test_it(symcheck, leak):
    model = lambda x: x.norm(dim=-1) + leak * x[..., 0]
    symcheck.assert_equivariant(model, torch.ones(4, 3), **INVARIANT)

@settings(max_examples=5, deadline=None, database=None)
@given(scale=st.floats(1, 2))
def test_fine(symcheck, scale):
    symcheck.assert_equivariant(lambda x: scale * x.norm(dim=-1), torch.ones(4, 3), **INVARIANT)
""",
        "--symcheck-json=out.json",
    )
    done.assert_outcomes(passed=1, failed=1)
    assert "leak=1" in lines(done)
    assert "AssertionError: VIOLATED" in lines(done)
    fine, found = record(pytester.path / "out.json").results
    assert (fine.met, found.met) == (True, False)
    assert fine.claim.endswith("(test_it.py::test_fine)")


def test_under_given_a_tests_own_model_is_refused_by_hypothesis_which_says_so(session: Any) -> None:
    done = session("""
from hypothesis import given, strategies as st

@pytest.fixture
def model():
    return radii()

@given(n=st.integers(1, 5))
def test_it(symcheck, model, n):
    symcheck.assert_equivariant(model, torch.randn(n, 3), **INVARIANT)
""")
    done.assert_outcomes(failed=1)
    assert "uses a function-scoped fixture 'model'" in lines(done)
    assert "fixture 'symcheck'" not in lines(done)


def test_trials_of_a_claim_in_a_test_of_ones_own(session: Any) -> None:
    done = session("""
from hypothesis import given, settings
from symcheck.strategies import trials

QUIET = settings(max_examples=30, database=None, derandomize=True, deadline=None)

@QUIET
@given(trials(RADII))
def test_holds(trial):
    torch.testing.assert_close(*trial.sides())

@QUIET
@given(trials(LEANING))
def test_broken(trial):
    torch.testing.assert_close(*trial.sides())
""")
    done.assert_outcomes(passed=1, failed=1)
    assert "trial=Trial({'points': 1}, g = rotation by 90 deg about" in lines(done)


# Options and profiles

PROFILES = """
[tool.symcheck]
profile = "mine"

[tool.symcheck.profiles.mine]
trials = 32
dtype = "float64"

[tool.symcheck.profiles.dev]
seed = 5
"""
SHOW = "def test_it(symcheck):\n    print(symcheck)"


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--symcheck-profile=dev"], "profile='dev', seed=0, trials=64, device='cpu', dtype=None, perturb=False"),
        (["--symcheck-profile=ci"], "profile='ci', seed=0, trials=256, device='cpu', dtype=None, perturb=None"),
        (["--symcheck-profile=deep"], "profile='deep', seed=0, trials=2048, device='cpu', dtype=None, perturb=True"),
        (["--symcheck-profile=deep", "--symcheck-trials=9"], "profile='deep', seed=0, trials=9, "),
        (["-o", "symcheck_profile=dev"], "profile='dev', seed=0, trials=64, "),
        (["-o", "symcheck_profile=dev", "--symcheck-profile=ci"], "profile='ci', seed=0, trials=256, "),
        (["own"], "profile='mine', seed=0, trials=32, device='cpu', dtype='float64', perturb=None"),
        (["own", "-o", "symcheck_profile=dev"], "profile='dev', seed=5, trials=64, device='cpu', dtype=None, perturb=False"),
        (["own", "--symcheck-seed=8"], "profile='mine', seed=8, trials=32, "),
    ],
)
def test_profiles_and_options(pytester: pytest.Pytester, options: list[str], shown: str) -> None:
    if options[0] == "own":
        pytester.makepyprojecttoml(PROFILES)
    pytester.makepyfile(SHOW)
    done = pytester.runpytest_inprocess("-s", *(option for option in options if option != "own"))
    done.assert_outcomes(passed=1)
    assert f"symcheck({shown}" in lines(done)


@pytest.mark.parametrize(
    ("options", "pyproject", "message"),
    [
        (["--symcheck-profile=depe"], "", "there is no profile 'depe'; did you mean 'deep'?"),
        (["-o", "symcheck_profile=nightly"], "", "there is no profile 'nightly'; known: 'ci', 'deep', 'dev'."),
        (["--symcheck-profile=min"], PROFILES, "there is no profile 'min'; did you mean 'mine'?"),
        (["--symcheck-trials=0"], "", "--symcheck-trials: trials is a whole number of 1 or more, not 0."),
        (["--symcheck-trials=many"], "", "argument --symcheck-trials: invalid int value: 'many'"),
        (["--symcheck-seed=-1"], "", "--symcheck-seed: seed is a whole number of 0 or more, not -1."),
        (["--symcheck-device=cdua"], "", "device 'cdua' can't be used here"),
        (["--symcheck-dtype=flaot32"], "", "'flaot32' is no floating-point dtype to check in; did you mean 'float32'?"),
        (["--symcheck-json=nowhere/out.json"], "", "there is no folder"),
        (["--symcheck-json=."], "", "--symcheck-json . is a folder. Name a file in it."),
        (["--symcheck-html=nowhere/out.html"], "", "--symcheck-html nowhere/out.html: there is no folder"),
        ([], "[tool.symcheck]\nprofile = 3", "tool.symcheck.profile is 3; expected text."),
        ([], "[tool.symcheck.profile.dev]\ntrials = 3", "tool.symcheck.profile is {'dev': {'trials': 3}}; expected text."),
        ([], '[tool.symcheck]\nprofil = "dev"', "has no setting 'profil'; did you mean 'profile'"),
        ([], "[tool.symcheck.profiles]\nci = 3", "tool.symcheck.profiles.ci is 3; expected a table."),
        ([], "[tool.symcheck.profiles.ci]\ntrails = 3", "has no setting 'trails'; did you mean 'trials'?"),
        (
            [],
            "[tool.symcheck.profiles.ci]\ntrials = true",
            "tool.symcheck.profiles.ci.trials is true; expected a whole number.",
        ),
        ([], "[tool.symcheck.profiles.ci]\nperturb = 1", "tool.symcheck.profiles.ci.perturb is 1; expected true or false."),
    ],
)
def test_bad_options_end_the_session_before_it_begins(
    pytester: pytest.Pytester, options: list[str], pyproject: str, message: str
) -> None:
    if pyproject:
        pytester.makepyprojecttoml(pyproject)
    pytester.makepyfile(SHOW)
    done = pytester.runpytest_inprocess(*options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert message in lines(done)
    assert "passed" not in lines(done)
    assert "INTERNALERROR" not in lines(done)


def test_a_damaged_pyproject_is_named_where_pytest_itself_does_not_read_it(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", own="[pytest]\n")
    pytester.makepyprojecttoml("[tool.symcheck")
    pytester.makepyfile(SHOW)
    done = pytester.runpytest_inprocess("-c", "own.ini")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "pyproject.toml is no TOML: Expected ']'" in lines(done)


def test_a_device_of_the_profile_is_an_error_of_the_tests_that_need_it_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml('[tool.symcheck.profiles.ci]\ndevice = "quantum"')
    pytester.makepyfile(SHOW + "\n\ndef test_other(): ...")
    done = pytester.runpytest_inprocess()
    done.assert_outcomes(passed=1, errors=1)
    assert "device 'quantum' can't be used here" in lines(done)


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_read_only_folder_is_refused_at_once(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SHOW)
    folder = pytester.mkdir("locked")
    if os.geteuid() == 0:  # who may write everywhere
        monkeypatch.setattr("os.access", lambda path, mode: Path(path) != folder)
    folder.chmod(0o500)
    done = pytester.runpytest_inprocess("--symcheck-json=locked/out.json")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "--symcheck-json locked/out.json can't be written: it is read-only" in lines(done)


@pytest.mark.parametrize("how", ["a file", "read-only"])
def test_where_failures_cannot_be_kept_the_diagnosis_says_so(
    session: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    folder = pytester.path / ".symcheck"
    if how == "a file":
        folder.write_text("in the way")
    else:
        folder.mkdir(mode=0o500)
        write = Path.write_bytes

        def read_only(path: Path, data: bytes) -> int:  # the superuser may write everywhere
            if path.parent.name == ".symcheck":
                raise PermissionError(errno.EACCES, "Permission denied")
            return write(path, data)

        monkeypatch.setattr(Path, "write_bytes", read_only)
    done = session(BOTH, "--symcheck-json=out.json")
    done.assert_outcomes(passed=1, failed=1)
    assert re.search(r"reproduce not kept: '.symcheck' can't be written to: \w+", lines(done))
    assert "simplest g = rotation by 90 deg about " in lines(done)
    assert "rerun pytest" in lines(done)
    assert not folder.is_dir() or not list(folder.iterdir())
    assert len(record(pytester.path / "out.json").results) == 2


# Sessions


def test_the_marker_selects_whatever_asks_for_symcheck(session: Any) -> None:
    text = f"""{BOTH}
def test_direct(symcheck): ...

@pytest.fixture
def audited(symcheck): ...

def test_through_a_fixture(audited): ...

@pytest.mark.symmetry
def test_marked(): ...

def test_other(): ...
"""
    session(text, "-m", "symmetry", "--strict-markers").assert_outcomes(passed=4, failed=1, deselected=1)
    session(text, "-m", "not symmetry").assert_outcomes(passed=1, deselected=5)
    done = session(text, "--markers")
    done.stdout.fnmatch_lines(["@pytest.mark.symmetry(seed, trials, device, dtype, perturb): the test audits symmetries*"])


def test_first_failure_last_failed_and_no_cache(session: Any, pytester: pytest.Pytester) -> None:
    text = BOTH.replace("RADII, LEANING", "LEANING, RADII")
    session(text, "-x", "--symcheck-json=x.json").assert_outcomes(failed=1)
    assert record(pytester.path / "x.json").interrupted
    session(text, "-p", "no:cacheprovider").assert_outcomes(failed=1, passed=1)
    done = session(text, "--lf", "--symcheck-json=lf.json")
    done.assert_outcomes(failed=1)
    (left,) = record(pytester.path / "lf.json").results
    assert left.claim == "leaning"


def test_collecting_alone_audits_and_writes_nothing(session: Any, pytester: pytest.Pytester) -> None:
    done = session(BOTH, "--co", "-q", "--symcheck-json=out.json")
    done.stdout.fnmatch_lines(["test_it.py::test_symmetry[[]radii]", "test_it.py::test_symmetry[[]leaning]"])
    done.stdout.no_fnmatch_line("*symcheck ==*")
    assert not (pytester.path / "out.json").exists()


def test_the_summary_says_less_when_asked_to(session: Any) -> None:
    tally = "2 claims in * s, profile ci, seed 0: 1 HOLDS, 1 VIOLATED"
    done = session(BOTH)
    done.stdout.fnmatch_lines(["*= symcheck =*", tally, "VIOLATED   test_it.py*", "slowest    *", "slowest    *"])
    done = session(BOTH, "-q")
    done.stdout.fnmatch_lines([tally, "VIOLATED   test_it.py*"])
    done.stdout.no_fnmatch_line("slowest*")
    for options in (["-qq"], ["--no-summary"]):
        session(BOTH, *options).stdout.no_fnmatch_line("2 claims in*")
    session("def test_it(): ...").stdout.no_fnmatch_line("*symcheck =*")


def test_the_record_is_that_of_the_audit(session: Any, pytester: pytest.Pytester) -> None:
    text = f"""{BOTH}
def test_direct(symcheck):
    for n in (2, 3):
        symcheck.assert_equivariant(radii(), torch.randn(n, 3), **INVARIANT)

def test_too(symcheck):
    symcheck.assert_equivariant(radii(), torch.randn(2, 3), **INVARIANT)
"""
    done = session(text, "--symcheck-json=out.json", "--symcheck-seed=2")
    done.stdout.fnmatch_lines([f"record     {pytester.path / 'out.json'}: 5 results"])
    found = record(pytester.path / "out.json")
    assert (found.seed, found.trials, found.device, found.interrupted) == (2, 16, "cpu", False)
    assert found.exit_code == 1
    name = "<lambda>: SO(3), vector -> scalar"
    assert [result.claim for result in found.results] == [
        f"{name} (test_it.py::test_direct)",
        f"{name} (test_it.py::test_direct #2)",
        "leaning",
        "radii",
        f"{name} (test_it.py::test_too)",
    ]
    namespace: dict[str, Any] = {"__name__": "test_it"}
    exec(HEAD, namespace)
    alone = symcheck.audit([namespace["LEANING"], namespace["RADII"]], seed=2, trials=16)
    for one, other in zip(found.results[2:4], alone.results, strict=True):
        assert (one.location is None) == (other.location is None)  # they differ in the file
        assert msgspec.structs.replace(one, saved=None, location=None, defined="") == msgspec.structs.replace(
            other, location=None, defined=""
        )


def test_the_report_is_that_of_the_record(session: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    from symcheck.report import html

    done = session(BOTH, "--symcheck-json=out.json", "--symcheck-html=out.html")
    done.stdout.fnmatch_lines(["record     *out.json: 2 results", "report     *out.html: 2 results"])
    assert (pytester.path / "out.html").read_text() == html.render(record(pytester.path / "out.json"))
    session(BOTH, "--symcheck-html=alone.html")
    assert (pytester.path / "alone.html").exists()
    monkeypatch.setitem(sys.modules, "symcheck.report.html", None)
    done = session(BOTH, "--symcheck-html=never.html")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "--symcheck-html never.html: symcheck needs what can't be imported here" in lines(done)


def test_junit_has_each_result(session: Any, pytester: pytest.Pytester) -> None:
    from xml.etree import ElementTree

    session(BOTH + "def test_other(): ...", "--junitxml=out.xml", "--symcheck-seed=4")
    cases = ElementTree.parse(pytester.path / "out.xml").iter("testcase")
    found = {case.get("name"): [json.loads(node.get("value") or "") for node in case.iter("property")] for case in cases}
    assert found["test_other"] == []
    (told,) = found["test_symmetry[leaning]"]
    assert (told["claim"], told["verdict"], told["met"], told["seed"]) == ("leaning", "VIOLATED", False, 4)
    assert told["differs_by"] > 0.1
    assert found["test_symmetry[radii]"][0]["verdict"] == "HOLDS"


def test_without_a_terminal_the_diagnosis_is_in_what_is_written(session: Any, pytester: pytest.Pytester) -> None:
    session(BOTH, "-p", "no:terminal", "--junitxml=results.xml")
    assert "VIOLATED  leaning\n  claimed " in (pytester.path / "results.xml").read_text()


def test_a_model_that_returns_nan_or_raises_is_recorded(session: Any, pytester: pytest.Pytester) -> None:
    done = session(
        """
def test_nan(symcheck):
    symcheck.assert_equivariant(lambda x: x.norm(dim=-1) * float("nan"), torch.randn(2, 3), **INVARIANT)

def test_raises(symcheck):
    symcheck.assert_equivariant(lambda x: x @ x @ x, torch.randn(2, 3), **INVARIANT)
""",
        "--symcheck-json=out.json",
    )
    done.assert_outcomes(failed=2)
    assert [result.verdict.name for result in record(pytester.path / "out.json").results] == ["NONFINITE", "CRASHED"]


def test_a_record_that_cannot_be_saved_fails_the_session(session: Any) -> None:
    text = "import os\n@sc.parametrize(RADII)\ndef test_it(claim):\n    os.rmdir('gone')"
    done = session("import os\nos.mkdir('gone')\ndef test_it(): ...")
    done.assert_outcomes(passed=1)
    done = session(text, "--symcheck-json=gone/out.json")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "gone/out.json: No such file or directory. The record isn't saved." in lines(done)


def test_nothing_audited_is_a_record_too(session: Any, pytester: pytest.Pytester) -> None:
    (pytester.path / "out.json").write_text("of an earlier session")
    done = session("def test_it(): ...", "--symcheck-json=out.json")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["0 claims in 0.0 s, profile ci, seed 0: nothing was audited", "record*out.json: 0 results"])
    assert record(pytester.path / "out.json").results == ()


STOPPED = """
def stopped():
    def model(x):
        raise KeyboardInterrupt
    return model

@sc.parametrize([RADII, LEANING])
def test_before(claim): ...

def test_stopped(symcheck):
    symcheck.audit([of(radii, id="third"), of(stopped), of(radii, id="never")])
"""


def test_what_is_done_when_interrupted_is_kept(session: Any, pytester: pytest.Pytester) -> None:
    done = session(STOPPED, "--symcheck-json=out.json")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["3 claims in *2 HOLDS, 1 VIOLATED", "VIOLATED   test_it.py::test_before*", "record*: 3 results"])
    found = record(pytester.path / "out.json")
    assert found.interrupted
    assert [result.claim for result in found.results] == ["leaning", "radii", "third"]


SHRINKING = """
import sys

def stopped():
    calls = 0

    def model(x):
        nonlocal calls
        frame = sys._getframe()
        while frame is not None and not frame.f_code.co_filename.endswith("shrink.py"):
            frame = frame.f_back
        calls += frame is not None
        if calls == 30:  # of some 45 that shrinking takes
            raise KeyboardInterrupt
        return x[..., 0].abs()
    return model

def test_it(symcheck):
    symcheck.assert_holds([of(stopped), of(radii, id="never")])
"""


def test_interrupted_while_it_shrinks_the_simplest_so_far_is_kept(session: Any, pytester: pytest.Pytester) -> None:
    done = session(SHRINKING, "--symcheck-json=out.json")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    done.stdout.fnmatch_lines(["1 claim in *1 VIOLATED", "record*: 1 result"])
    found = record(pytester.path / "out.json")
    assert found.interrupted
    (result,) = found.results
    assert result.counterexample is not None
    assert result.counterexample.minimal is not None
    assert result.counterexample.minimal.stopped == "interrupted"
    assert result.saved is not None
    kept = pytester.path / ".symcheck" / f"{result.saved.id}.json"
    assert symcheck.replay(kept, lambda x: x[..., 0].abs()).status == "FAILED"
    assert symcheck.replay(kept, lambda x: x.norm(dim=-1)).status == "FIXED"


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_in_a_real_process(pytester: pytest.Pytester) -> None:
    slow = """
import time

@sc.parametrize(RADII)
def test_before(claim): ...

def slow():
    print("running", flush=True)
    time.sleep(600)

def test_stopped(symcheck):
    symcheck.audit(of(slow))
"""
    pytester.makepyfile(test_it=HEAD + slow)
    command = [sys.executable, "-m", "pytest", "-s", FEW, "--symcheck-json=out.json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=pytester.path, preexec_fn=heeding_ctrl_c
    )
    assert process.stdout is not None
    while "running" not in (line := process.stdout.readline()):
        assert line, "the session ended early"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert "1 result" in said
    found = record(pytester.path / "out.json")
    assert found.interrupted
    assert [result.claim for result in found.results] == ["radii"]


# Many processes


def test_workers_send_their_results_to_one_record(session: Any, pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    text = BOTH + RANDOM.replace("test_last", "unused")
    alone = session(text, "--symcheck-json=alone.json", "--symcheck-seed=3")
    many = session(text, "--symcheck-json=many.json", "--symcheck-seed=3", "-n", "2", "--junitxml=out.xml")
    for done in (alone, many):
        done.assert_outcomes(passed=2, failed=2)
        done.stdout.fnmatch_lines(
            ["3 claims in * s, profile ci, seed 3: 2 VIOLATED, 1 HOLDS", "VIOLATED *", "record *: 3 results"]
        )
    records = [json.loads((pytester.path / name).read_text()) for name in ("alone.json", "many.json")]
    for found in records:
        assert found.pop("machine")
        assert found.pop("seconds") > 0
    assert json.dumps(records[0]) == json.dumps(records[1])
    assert sorted(path.name for path in pytester.path.glob("*.json")) == ["alone.json", "many.json"]
    assert (pytester.path / "out.xml").read_text().count("symcheck") >= 3


def test_workers_are_stopped_and_refused_as_one_process_is(session: Any, pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    done = session(BOTH, "-n", "2", "--symcheck-profile=depe")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'deep'?" in lines(done)
    several = "@sc.parametrize([of(leaning, id=str(i)) for i in range(30)])\ndef test_it(claim): ..."
    done = session(several, "-n", "2", "-x", "--symcheck-json=out.json")
    found = record(pytester.path / "out.json")
    assert found.interrupted
    assert 1 <= len(found.results) < 30


# Without torch

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Blocked())
"""


def test_a_session_without_torch_collects_and_runs_its_other_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        blocked=BLOCKED,
        test_other="def test_it(): ...",
        test_model="import torch\ndef test_it(symcheck): ...",
        test_fixture="def test_it(symcheck): ...\ndef test_other(): ...",
    )
    pytester.syspathinsert()
    done = pytester.runpytest_subprocess("-p", "blocked", "--continue-on-collection-errors")
    done.assert_outcomes(passed=2, errors=2)
    said = lines(done)
    assert "ModuleNotFoundError: No module named 'torch'" in said
    assert "exception occurred" not in said
    assert "symcheck needs what can't be imported here: No module named 'torch'. Install it." in said
    done = pytester.runpytest_subprocess("-p", "blocked", "test_other.py", "--symcheck-json=out.json")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "No module named 'torch'. Install it. The record isn't saved." in lines(done)
    done = pytester.runpytest_subprocess("-p", "blocked", "test_other.py", "--symcheck-dtype=float32")
    assert done.ret == pytest.ExitCode.USAGE_ERROR


def test_a_session_that_does_not_ask_imports_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("symcheck")
            assert not {"torch", "symcheck", "numpy", "msgspec"} & set(sys.modules)
            assert not pytestconfig.pluginmanager.has_plugin("symcheck-tests")
        """
    )
    pytester.makepyprojecttoml(PROFILES)
    pytester.runpytest_subprocess("-p", "no:benchmark", "-p", "no:syrupy").assert_outcomes(passed=1)


def test_the_plugin_is_installed_by_name() -> None:
    (found,) = importlib.metadata.entry_points(group="pytest11", name="symcheck")
    assert found.value == "_symcheck_pytestplugin"


# The pages about it

ROOT = Path(symcheck.__file__).parents[1]
PAGE = ROOT / "docs" / "pytest.md"

E3NN = """
import torch
from e3nn import o3

def build():
    return {net}

class Leaky(o3.Linear):
    def forward(self, x):
        return super().forward(x) + 0.01 * x[..., :1]
"""


@pytest.mark.peers
@pytest.mark.parametrize(
    ("net", "passes"),
    [
        ("o3.Linear('8x0e + 4x1o + 2x2e', '4x0e + 3x1o')", True),
        ("o3.Norm('8x0e + 4x1o')", True),
        ("Leaky('4x1o', '4x1o')", False),
    ],
    ids=("linear", "norm", "leaky"),
)
def test_the_five_lines_of_the_readme_in_a_project_that_uses_e3nn(pytester: pytest.Pytester, net: str, passes: bool) -> None:
    (text,) = re.findall(r"```python\n# test_symmetry.py\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len([line for line in text.splitlines() if line]) <= 5
    pytester.mkpydir("mypkg")
    (pytester.path / "mypkg" / "net.py").write_text(E3NN.format(net=net))
    (pytester.path / "test_symmetry.py").write_text(text)
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(passed=int(passes), failed=int(not passes))
    done.stdout.fnmatch_lines([f"1 claim in * s, profile ci, seed 0: 1 {'HOLDS' if passes else 'VIOLATED'}"])


def test_the_page_shows_what_happens(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files, written one after another, and its sessions, whose output may leave out what "..." stands for."""
    monkeypatch.setenv("COLUMNS", "80")
    ran = 0
    for kind, text in re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        first, _, rest = text.partition("\n")
        if kind != "console":
            (pytester.path / first.removeprefix("# ")).write_text(rest)
            continue
        command = shlex.split(first.removeprefix("$ pytest"))
        done = pytester.runpytest_inprocess("-p", "no:cacheprovider", *command)
        shown = ".*?".join(map(re.escape, rest.strip().split("...")))
        assert re.search(shown, "\n".join(done.outlines), flags=re.DOTALL), first
        ran += 1
    assert ran == 7
