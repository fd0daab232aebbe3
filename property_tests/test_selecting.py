"""Which claims an audit is of, where it stops, and what of it is known: nothing is skipped in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import symcheck
from symcheck import Claim, Record
from symcheck.cli import main
from symcheck.domains import PointCloud
from symcheck.engine import Event, Measuring
from symcheck.errors import SettingsError, did_you_mean
from symcheck.report.changes import changes
from symcheck.selection import matches, selected


def radii(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def leaning(x: Tensor) -> Tensor:
    return x[..., 0].abs()


def constant(x: Tensor) -> Tensor:
    return torch.ones_like(x[..., 0])


def claim(model: Any, name: str = "", **options: Any) -> Claim:
    return Claim(model, "SO(3)", domain=PointCloud(3), inputs="vector", outputs="scalar", id=name, **options)


CLAIMS = (claim(radii), claim(leaning), claim(constant))
NAMES = tuple(one.id for one in CLAIMS)
FAST: dict[str, Any] = {"trials": 8}


# Patterns


def test_a_pattern_with_a_star_is_not_told_to_have_one() -> None:
    with pytest.raises(SettingsError) as told:
        selected(CLAIMS, ["wide*"], [])
    assert (
        str(told.value)
        == f"--only: 'wide*' matches no claim; {did_you_mean('wide*', [n for c in CLAIMS for n in (c.subject.name, c.id)])}"
    )


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        *((pattern, True) for pattern in ("radii", NAMES[0], "rad*", "*SO(3)*", "*")),
        *((pattern, False) for pattern in ("", "rad", "Radii", "rad?i", "[r]adii", "leaning", "*radii*x")),
    ],
)
def test_patterns(pattern: str, hit: bool) -> None:
    assert matches(pattern, CLAIMS[0]) is hit


@pytest.mark.parametrize(
    ("only", "skip", "audited", "reasons"),
    [
        ([], [], "rlc", []),
        (["radii", "con*"], [], "rc", ["not among --only radii con*"]),
        ([], ["*vector*"], "", ["--skip *vector*"] * 3),
        (["*a*"], ["radii"], "lc", ["--skip radii"]),
    ],
)
def test_selected(only: list[str], skip: list[str], audited: str, reasons: list[str]) -> None:
    found, left_out = selected(CLAIMS, only, skip)
    assert [one.id[0] for one in found] == list(audited)
    assert [one.reason for one in left_out] == reasons
    assert sorted([one.id for one in found] + [one.claim for one in left_out]) == sorted(NAMES)


@pytest.mark.parametrize(("pattern", "message"), [("radi", "did you mean 'radii'?"), ("radi", r"needs a \*: '\*radi\*'")])
def test_a_pattern_that_matches_nothing_is_an_error(pattern: str, message: str) -> None:
    for only, skip in (([pattern], []), ([], ["radii", pattern])):
        with pytest.raises(SettingsError, match=message):
            selected(CLAIMS, only, skip)


# Where it stops


def test_fail_fast_begins_nothing_after_a_failure() -> None:
    record = symcheck.audit(CLAIMS, fail_fast=True, **FAST)
    assert [one.claim for one in record.results] == list(NAMES[:2])
    assert [(one.claim, one.reason, one.undone) for one in record.skipped] == [
        (NAMES[2], f"--fail-fast: {NAMES[1]!r} failed", True)
    ]
    assert record.exit_code == 1
    assert not symcheck.audit(CLAIMS[:1], fail_fast=True, **FAST).skipped


def test_fail_fast_goes_on_after_what_is_expected_or_known() -> None:
    caught = claim(leaning, "caught", expected="violated", reason="reads one axis")
    baseline = symcheck.audit(CLAIMS[1], **FAST)
    record = symcheck.audit([caught, *CLAIMS[1:]], fail_fast=True, baseline=baseline, **FAST)
    assert len(record.results) == 3
    assert not record.skipped


class Clock:
    """A clock that stands until an event of that phase."""

    def __init__(self, phase: str) -> None:
        self.now, self.phase = 0.0, phase

    def perf_counter(self) -> float:
        return self.now

    def on_event(self, event: Event) -> None:
        if self.phase == (event.phase if isinstance(event, Measuring) else type(event).__name__):
            self.now = 100.0


def stopped(phase: str, claims: tuple[Claim, ...], monkeypatch: pytest.MonkeyPatch) -> Record:
    """An audit whose time is up in that phase."""
    clock = Clock(phase)
    monkeypatch.setattr("symcheck.auditing.time", clock)
    return symcheck.audit(claims, max_time=60, on_event=clock.on_event, **FAST)


@pytest.mark.parametrize("phase", ["Loading", "Probing", "sweep", "structured", "search"])
def test_max_time_stops_a_claim_that_has_begun(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = stopped(phase, CLAIMS, monkeypatch)
    assert record.results == ()
    assert [(one.claim, one.reason) for one in record.skipped] == [
        (NAMES[0], "--max-time: 60 s were over, before its verdict"),
        (NAMES[1], "--max-time: 60 s were over"),
        (NAMES[2], "--max-time: 60 s were over"),
    ]
    assert (record.exit_code, record.interrupted) == (4, False)


@pytest.mark.parametrize("phase", ["locate", "shrink"])
def test_a_verdict_that_is_there_when_time_is_up_is_kept(phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = stopped(phase, CLAIMS[1:], monkeypatch)
    (result,) = record.results
    assert (result.verdict.name, result.claim) == ("VIOLATED", NAMES[1])
    assert [one.claim for one in record.skipped] == [NAMES[2]]
    assert record.exit_code == 1


def test_a_claim_that_is_done_when_time_is_up_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    record = stopped("Judged", CLAIMS, monkeypatch)
    assert [one.claim for one in record.results] == [NAMES[0]]
    assert [one.claim for one in record.skipped] == list(NAMES[1:])


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_none(seconds: float) -> None:
    with pytest.raises(SettingsError, match="max_time is a number of seconds above 0"):
        symcheck.audit(CLAIMS, max_time=seconds)


# Baselines


@pytest.fixture(scope="module")
def baseline() -> Record:
    return symcheck.audit(CLAIMS, **FAST)


def test_what_fails_in_the_baseline_is_known(baseline: Record) -> None:
    assert baseline.exit_code == 1
    record = symcheck.audit(CLAIMS, baseline=baseline, **FAST)
    assert [one.known for one in record.results] == [False, True, True]
    assert record.exit_code == 0
    assert record.mended == ()
    assert "VIOLATED   known leaning" in str(record)
    assert str(record).endswith("1 of 3 claims are as expected; 2 fail as in the baseline.")


def test_a_new_failure_fails_beside_known_ones(baseline: Record) -> None:
    record = symcheck.audit([*CLAIMS, claim(leaning, "another")], baseline=baseline, **FAST)
    assert [one.known for one in record.results] == [False, True, True, False]
    assert record.exit_code == 1


def test_another_verdict_than_that_of_the_baseline_is_new(baseline: Record) -> None:
    record = symcheck.audit([CLAIMS[0], claim(constant, NAMES[1]), claim(leaning, NAMES[2])], baseline=baseline, **FAST)
    assert [one.known for one in record.results] == [False, False, False]
    assert record.exit_code == 1


def test_a_claim_that_cannot_be_stated_is_never_known() -> None:
    wrong = Claim(radii, "SO(3)", domain=PointCloud(3), inputs="1x2e", outputs="scalar", id="wrong")
    before = symcheck.audit(wrong, **FAST)
    assert before.results[0].misstated
    assert symcheck.audit(wrong, baseline=before, **FAST).exit_code == 2


def test_what_is_mended_is_told(baseline: Record) -> None:
    record = symcheck.audit([claim(radii, NAMES[1])], baseline=baseline, **FAST)
    assert record.mended == (f"{NAMES[1]} (equivariance): VIOLATED -> HOLDS",)
    assert f"mended     {NAMES[1]} (equivariance): VIOLATED -> HOLDS: leave it out of the baseline" in str(record)
    assert record.exit_code == 0
    assert [change.kind for change in changes(record, baseline)] == ["gone", "gone", "better"]


# On the command line

MODULE = """
from symcheck import Claim
from property_tests.test_selecting import CLAIMS
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"selecting_{abs(hash(str(tmp_path)))}"
    Path(f"{name}.py").write_text(MODULE)
    return name


def audit(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["audit", *arguments, "--trials", "8"], catch_exceptions=False)
    return done.exit_code, done.output


def test_options_of_the_command(target: str) -> None:
    code, said = audit(target, "--only", "*a*", "--skip", "constant", "--skip", "leaning", "--json", "one.json")
    assert code == 0
    assert f"skipped    {NAMES[2]}: --skip constant leaning" in said
    assert "1 of 1 claims are as expected; 2 skipped." in said
    assert msgspec.json.decode(Path("one.json").read_bytes())["command"].endswith("--only '*a*' --skip constant --skip leaning")
    code, said = audit(target, "--fail-fast", "--json", "two.json")
    assert code == 1
    assert f"skipped    {NAMES[2]}: --fail-fast: {NAMES[1]!r} failed" in said
    code, said = audit(target, "--baseline", "two.json", "--only", "radii", "--only", "leaning")
    assert code == 0
    assert "1 of 2 claims are as expected; 1 fails as in the baseline; 1 skipped." in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "radi"], "--only: 'radi' matches no claim; did you mean 'radii'?"),
        (["--skip", "nothing"], "--skip: 'nothing' matches no claim; known: "),
        (["--skip", "*"], "all claims are skipped: an audit of nothing can't fail. Leave out one of the patterns."),
        (["--max-time", "0"], "max_time is a number of seconds above 0, not 0.0."),
        (["--max-time", "soon"], "'soon' is not a valid float"),
        (["--baseline", "no.json"], "no.json: No such file or directory."),
        (["--baseline", "pyproject.json"], "pyproject.json is JSON, but not a record of symcheck."),
        (["--profile", "nightly"], "there is no profile 'nightly'; known: 'ci', 'deep', 'dev'."),
        (["--format", "xml"], "'xml' is not one of 'text', 'json', 'junit', 'github', 'sarif'"),
        (["--to", "no/out"], "--to no/out: there is no folder 'no'. Make it first."),
        (["--to", "."], "--to . is a folder. Name a file in it."),
        (["--config", "no.toml"], "no.toml can't be read: No such file or directory."),
    ],
)
def test_options_that_cannot_be(target: str, options: list[str], message: str) -> None:
    Path("pyproject.json").write_text("{}")
    code, said = audit(target, *options)
    assert code == 2, said
    assert message in said
