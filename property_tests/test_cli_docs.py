"""The commands of the pages on the command line print what these show, but for measured numbers, and what ... stands for."""

from __future__ import annotations

import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from symcheck.cli import main

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text() for name in ("cli", "config", "discover")}
BLOCKS = [(name, block) for name, page in PAGES.items() for block in re.findall(r"```console\n((?:.*\n)*?)```", page)]
FILES = {name: re.findall(r"```(?:python|toml)\n# (\S+)\n((?:.*\n)*?)```", page) for name, page in PAGES.items()}
MODULES = ("net", "claims")


def shown(text: str) -> list[str]:
    """The lines without their padding, measured numbers as #."""
    return [re.sub(r"\d(\.\d)?e[+-]\d+|time=\"[\d.]+\"", "#", " ".join(line.split())) for line in text.strip().splitlines()]


def same(found: list[str], page: list[str]) -> bool:
    """Whether a page shows what was found, `...` being anything."""
    pattern = ".*".join(map(re.escape, "\n".join(page).split("...")))
    return re.fullmatch(pattern, "\n".join(found), re.DOTALL) is not None


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_file({"metric.weight": 2 * torch.eye(3)}, "net.safetensors")
    save_file({"metrics.weight": torch.eye(3)}, "old.safetensors")
    with warnings.catch_warnings():  # newer versions of torch advise against it
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), "net.ts")


def test_there_is_something_to_test() -> None:
    assert [name for name, _ in FILES["cli"]] == ["net.py", "claims.py"]
    assert [name for name, _ in FILES["config"]] == ["net.py", "symcheck.toml", "wrong.toml"]
    assert [name for name, _ in FILES["discover"]] == ["net.py"]
    assert len(BLOCKS) == sum(page.count("```console") for page in PAGES.values()) == 16
    assert all(block.startswith("$ symcheck ") for _, block in BLOCKS)


@pytest.mark.parametrize(("page", "block"), BLOCKS)
@pytest.mark.usefixtures("files")
def test_commands_print_what_the_page_shows(page: str, block: str) -> None:
    for name, text in FILES[page]:
        Path(name).write_text(text)
    found = []
    for command in re.findall(r"^\$ symcheck (.*)$", block, re.MULTILINE):
        for name in MODULES:
            sys.modules.pop(name, None)
        done = CliRunner(env={"COLUMNS": "110"}).invoke(main, shlex.split(command), catch_exceptions=False)
        found += [f"$ symcheck {command}", *shown(done.output)]
    assert same(found, shown(block)), "\n".join(found)


def test_numbers_alone_are_left_out() -> None:
    assert shown("HOLDS  2.2e-15 ok") == shown("HOLDS 9.9e-16  ok") != shown("VIOLATED 2.2e-15 ok")
    assert shown("1 of 1") != shown("0 of 1")
    assert same(["a", "b", "c"], ["a", "...", "c"])
    assert not same(["a", "b", "c"], ["a", "...", "d"])
