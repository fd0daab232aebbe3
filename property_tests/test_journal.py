"""The journal: an audit that was killed goes on where it was, and comes to the record that it would have come to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symcheck.cli import main
from symcheck.engine import Settings
from symcheck.errors import JournalError
from symcheck.journal import NAME, Header, Journal, stated

JOURNAL = Path(".symcheck") / NAME
MODULE = """
import os, time
from symcheck import Claim, Subject
from symcheck.domains import PointCloud

def radii():
    return lambda x: x.norm(dim=-1)

def leaning():
    return lambda x: x[..., 0].abs()

def last():
    while os.environ.get("SYMCHECK_TEST_STOPS"):
        time.sleep(0.01)
    return lambda x: x.norm(dim=-1) ** 2

CLAIMS = tuple(
    Claim(Subject.built(f), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar") for f in (radii, leaning, last)
)
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of three claims, in an empty current folder, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"journalled_{abs(hash(str(tmp_path)))}"
    Path(f"{name}.py").write_text(MODULE)
    return name


def audit(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audit", *arguments, "--trials", "8", "--own-weights"], catch_exceptions=False)


def record(file: str) -> dict[str, Any]:
    """A record but for times, and the machine, whose threads another process may have more of."""
    found: dict[str, Any] = msgspec.json.decode(Path(file).read_bytes())
    assert found.pop("seconds") > 0
    assert found.pop("machine")
    return found


@pytest.mark.skipif(os.name == "nt", reason="sends SIGKILL")
def test_a_killed_audit_is_resumed(target: str) -> None:
    code = "from symcheck.cli import main; main()"
    command = [sys.executable, "-c", code, "audit", target, "--trials", "8", "--own-weights"]
    process = subprocess.Popen(command, env={**os.environ, "SYMCHECK_TEST_STOPS": "1"}, stderr=subprocess.DEVNULL)
    while not JOURNAL.exists() or len(JOURNAL.read_bytes().splitlines()) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    Path(f"{target}.py").touch()  # the same text: nothing has changed
    done = audit(target, "--resume", "--json", "resumed.json")
    assert done.exit_code == 1, done.output
    assert not JOURNAL.exists()
    assert audit(target, "--json", "whole.json").exit_code == 1
    assert record("resumed.json") == record("whole.json")


def killed(target: str) -> bytes:
    """The journal of an audit that was stopped before its last claim."""
    assert audit(target, "--fail-fast").exit_code == 1
    return JOURNAL.read_bytes()


def test_what_is_done_is_not_done_again(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from symcheck.engine import run

    assert len(killed(target).splitlines()) == 3
    begun: list[str] = []

    def noted(claims: Any, settings: Settings) -> Any:
        begun.extend(claim.id for claim in claims)
        return run(claims, settings)

    monkeypatch.setattr("symcheck.auditing.run", noted)
    done = audit(target, "--resume")
    assert begun == [f"{target}.last: SO(3), vector -> scalar"]
    assert "2 of 3 claims are as expected." in done.output


def test_half_a_line_is_done_again(target: str) -> None:
    whole = killed(target)
    JOURNAL.write_bytes(whole[:-10])
    assert audit(target, "--resume", "--json", "resumed.json").exit_code == 1
    assert audit(target, "--json", "whole.json").exit_code == 1
    assert record("resumed.json") == record("whole.json")


def test_a_resumed_audit_can_be_killed_and_resumed_again(target: str) -> None:
    whole = killed(target)
    JOURNAL.write_bytes(whole[:-10])
    assert audit(target, "--resume", "--fail-fast").exit_code == 1
    again = [msgspec.json.decode(line) for line in JOURNAL.read_bytes().splitlines()]
    before = [msgspec.json.decode(line) for line in whole.splitlines()]
    assert [{**line, "seconds": 0} for line in again] == [{**line, "seconds": 0} for line in before]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "1"], "is the journal of another audit: command was 'symcheck audit "),
        (["--only", "*radii*"], "is the journal of another audit: command was 'symcheck audit "),
        (["--profile", "dev"], "--profile dev --trials 8 --own-weights' now. Leave out --resume to begin anew."),
    ],
)
def test_the_journal_of_another_command_is_refused(target: str, options: list[str], message: str) -> None:
    text = killed(target)
    done = audit(target, "--resume", *options)
    assert done.exit_code == 2
    assert message in done.output
    assert JOURNAL.read_bytes() == text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"symcheck":"', b'"symcheck":"9.', "is the journal of another audit: symcheck was '9.0.1.0', and is '0.1.0' now."),
        (b'"torch":"', b'"torch":"0.', "is the journal of another audit: torch was '0."),
        (b'"seed":0', b'"seed":5', "is the journal of another audit: seed was '5', and is '0' now."),
        (b'"format":1', b'"format":2', "is the journal of another audit: format was '2', and is '1' now."),
        (b'{"kind"', b"{kind", "is damaged in line 1 (JSON is malformed"),
        (b'"verdict":"holds"', b'"verdict":"great"', "is damaged in line 2 (Invalid enum value 'great'"),
        (b'\n{"claim"', b'\n\xff{"claim"', "is damaged in line 2"),
        (b'"stated":"', b'"stated":"0', "isn't what it was: its model's code or weights, or what is claimed, changed since."),
    ],
)
def test_a_journal_that_cannot_be_trusted_is_refused(target: str, old: bytes, new: bytes, message: str) -> None:
    text = killed(target)
    assert old in text
    JOURNAL.write_bytes(text.replace(old, new, 1))
    done = audit(target, "--resume")
    assert done.exit_code == 2
    assert message in done.output
    assert "Leave out --resume to begin anew." in done.output


def test_a_model_that_changed_since_is_refused_and_audited_anew_without_resume(target: str) -> None:
    killed(target)
    Path(f"{target}.py").write_text(MODULE.replace("** 2", "** 4"))
    done = audit(target, "--resume")
    assert done.exit_code == 2
    assert "changed since" in done.output
    assert audit(target).exit_code == 1
    assert not JOURNAL.exists()


NET = """
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        return x.norm(dim=-1)

def build():
    return Net()

net = Net()
"""


@pytest.mark.parametrize("name", ["build", "Net", "net"])
def test_the_file_of_a_model_that_the_command_line_names_is_in_the_digest(target: str, name: str) -> None:
    from symcheck import Claim
    from symcheck.domains import PointCloud
    from symcheck.subjects import subject

    def digest() -> str:
        given = {"domain": PointCloud(4), "inputs": "vector", "outputs": "scalar"}
        return stated(Claim(subject(f"{target}:{name}"), "SO(3)", **given))

    Path(f"{target}.py").write_text(NET)
    before = digest()
    assert before == digest()
    Path(f"{target}.py").write_text(NET.replace("norm(dim=-1)", "square().sum(-1)"))
    assert before != digest()


def test_an_audit_that_is_done_leaves_no_folder_that_it_made(target: str) -> None:
    assert audit(target, "--only", "*radii*").exit_code == 0
    assert not JOURNAL.parent.exists()
    JOURNAL.parent.mkdir()
    assert audit(target, "--only", "*radii*").exit_code == 0
    assert [path.name for path in JOURNAL.parent.iterdir()] == [".gitignore"]


def test_a_model_that_was_made_anew_with_other_weights_is_refused(target: str) -> None:
    text = "import torch\nlinear = torch.nn.Linear(3, 3)\n" + MODULE.replace(
        "Subject.built(f)", "linear if f is last else Subject.built(f)"
    )
    Path(f"{target}.py").write_text(text.replace("(radii, leaning, last)", "(last, radii, leaning)"))
    assert audit(target, "--fail-fast").exit_code == 1
    with torch.no_grad():
        sys.modules[target].linear.weight.add_(1)
    done = audit(target, "--resume")
    assert done.exit_code == 2
    assert "changed since" in done.output


def test_without_a_journal_there_is_nothing_to_resume_and_that_is_said(target: str) -> None:
    done = audit(target, "--resume", "--only", "*radii*")
    assert done.exit_code == 0
    assert "there is no journal in '.symcheck': the audit begins anew" in done.output


def test_where_no_journal_can_be_written_the_audit_goes_on(target: str) -> None:
    Path("file").write_text("")
    done = audit(target, "--only", "*radii*", "--failures", "file/in")
    assert done.exit_code == 0
    assert "no journal in 'file/in' (Not a directory): an audit that is killed can't be resumed" in done.output


def test_ctrl_c_leaves_a_journal(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from symcheck.engine import run

    def stopped(claims: Any, settings: Settings) -> Any:
        if claims[0].id.startswith(f"{target}.leaning"):
            raise KeyboardInterrupt
        return run(claims, settings)

    with monkeypatch.context() as patched:
        patched.setattr("symcheck.auditing.run", stopped)
        done = audit(target)
    assert done.exit_code == 130
    assert "1 of 1 claims are as expected (interrupted before the rest)." in done.output
    assert audit(target, "--resume", "--json", "resumed.json").exit_code == 1
    assert audit(target, "--json", "whole.json").exit_code == 1
    assert record("resumed.json") == record("whole.json")


HEADER = Header.of(Settings(trials=8), "symcheck audit x")


def test_an_audit_at_the_same_time_has_a_journal_of_its_own(tmp_path: Path) -> None:
    with Journal.begun(tmp_path, HEADER) as first, Journal.begun(tmp_path, HEADER) as second:
        first.done()
        assert (tmp_path / NAME).exists()
        second.done()
        assert not (tmp_path / NAME).exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system doesn't list the files that are open")
def test_no_file_is_moved_or_taken_away_while_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows asks."""
    replace, unlink, touched = os.replace, Path.unlink, []

    def closed(path: Path) -> None:
        touched.append(path.name)
        assert path not in [Path(os.path.realpath(entry)) for entry in Path("/proc/self/fd").iterdir()]

    monkeypatch.setattr(os, "replace", lambda old, new: (closed(Path(old)), replace(old, new)))
    monkeypatch.setattr(Path, "unlink", lambda path, **words: (closed(path), unlink(path, **words)))
    with Journal.begun(tmp_path, HEADER) as journal:
        journal.done()
    assert NAME in touched
    assert f".{NAME}.{os.getpid()}" in touched


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=60), cut=st.integers(0, 300))
def test_no_text_is_more_than_a_journal_error(tmp_path: Path, text: bytes, cut: int) -> None:
    for whole in (text, msgspec.json.encode(HEADER)[:cut] + text, msgspec.json.encode(HEADER) + b"\n" + text + b"\n"):
        (tmp_path / NAME).write_bytes(whole)
        try:
            Journal.resumed(tmp_path, HEADER).__exit__()
        except JournalError as error:
            assert str(error).endswith("Leave out --resume to begin anew.")  # noqa: PT017


def test_what_is_claimed_is_in_the_digest(target: str) -> None:
    from dataclasses import replace

    from symcheck import Claim, Subject
    from symcheck.domains import PointCloud, Tensors

    one = Claim(Subject.built(torch.nn.Identity), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="vector")
    others = [
        replace(one, domain=PointCloud(5)),
        replace(one, domain=Tensors((4, 3))),
        replace(one, tolerance=0.1),
        replace(one, expected="violated", reason="x"),
        replace(one, subject=Subject.built(torch.nn.ReLU)),
        replace(one, subject=replace(one.subject, batching="loop")),
        replace(one, outputs="scalar", id=one.id),
    ]
    assert len({stated(claim) for claim in [one, *others]}) == 1 + len(others)
    assert stated(one) == stated(replace(one))
