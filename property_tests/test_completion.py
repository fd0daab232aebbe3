"""What the shells are offered: commands, options, formats, profiles, and names of groups, reps and all that is explained."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from symcheck.cli import main


def offered(shell: str, words: str) -> list[str]:
    """The words that are offered for the last of the words, behind which the cursor stands."""
    count = len(words.split()) - (not words.endswith(" "))
    last = "" if words.endswith(" ") else words.split()[-1]
    env = {
        "_SYMCHECK_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": last if shell == "fish" else str(count),
    }
    done = CliRunner().invoke(main, [], prog_name="symcheck", env=env, catch_exceptions=False)
    lines = done.output.splitlines()
    if shell == "zsh":  # kind, value, help, a line each
        return lines[1::3]
    return [line.split(",", 1)[1].split("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("symcheck re", ["replay", "report"]),
        ("symcheck audit net --group 'SO(", ["SO(3)"]),
        ("symcheck audit net --group so", ["SO(3)"]),
        ("symcheck audit net --profile ", ["dev", "ci", "deep"]),
        ("symcheck audit net --format s", ["sarif"]),
        ("symcheck audit net --fail", ["--fail-fast", "--failures"]),
        ("symcheck config ", ["show"]),
        ("symcheck init net --output vec", ["vector"]),
        ("symcheck list gr", ["groups"]),
        ("symcheck explain equiv", ["equivariance"]),
    ],
)
def test_what_is_offered(shell: str, words: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(expected) <= set(offered(shell, words))
    assert all(word.lower().startswith(expected[0][:2].lower()) for word in offered(shell, words)) or words.endswith(" ")


def test_profiles_are_those_of_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("symcheck.toml").write_text("[profiles.nightly]\ntrials = 3\n")
    assert offered("bash", "symcheck audit --profile ni") == ["nightly"]
    Path("symcheck.toml").write_text("[profiles")  # which the command itself says
    assert offered("bash", "symcheck audit --profile d") == ["dev", "deep"]


def test_targets_are_completed_as_files() -> None:
    env = {"_SYMCHECK_COMPLETE": "bash_complete", "COMP_WORDS": "symcheck audit ne", "COMP_CWORD": "2"}
    assert CliRunner().invoke(main, [], prog_name="symcheck", env=env).output == "file,ne\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_one_line_of_each_shell(shell: str) -> None:
    page = (Path(__file__).parent.parent / "docs" / "cli.md").read_text()
    assert f"_SYMCHECK_COMPLETE={shell}_source symcheck" in page
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("needs bash, which is asked for its version")
    done = CliRunner().invoke(main, [], prog_name="symcheck", env={"_SYMCHECK_COMPLETE": f"{shell}_source"})
    assert done.exit_code == 0
    assert "symcheck" in done.output


def test_commands_are_completed_without_torch() -> None:
    code = "import sys, symcheck.cli as c\ntry: c.main(prog_name='symcheck')\nexcept SystemExit: print('torch' in sys.modules)"
    env = {
        "_SYMCHECK_COMPLETE": "bash_complete",
        "COMP_WORDS": "symcheck au",
        "COMP_CWORD": "1",
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "plain,audit\nFalse\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_itself_completes(tmp_path: Path) -> None:
    program = tmp_path / "symcheck"
    program.write_text(f"#!{sys.executable}\nfrom symcheck.cli import main\nmain(prog_name='symcheck')\n")
    program.chmod(0o755)
    script = (
        f'export PATH={tmp_path}:$PATH; eval "$(_SYMCHECK_COMPLETE=bash_source symcheck)"; '
        "COMP_WORDS=(symcheck me); COMP_CWORD=1; _symcheck_completion symcheck; echo ${COMPREPLY[@]}"
    )
    env = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env, check=False)
    assert done.stdout.split() == ["merge"], done.stderr
