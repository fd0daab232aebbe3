"""The commands of docs/cli.md and docs/discover.md print what these show, but for measured numbers."""

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
PAGES = {name: (DOCS / name).read_text() for name in ("cli.md", "discover.md")}
BLOCKS = [
    (name, *block) for name in PAGES for block in re.findall(r"```console\n\$ symcheck (.*)\n((?:.*\n)*?)```", PAGES[name])
]
SOURCE = {name: re.findall(r"```python\n# net.py\n((?:.*\n)*?)```", page) for name, page in PAGES.items()}


def shown(text: str) -> list[str]:
    """The lines without their padding, measured numbers as #."""
    return [re.sub(r"\d\.\de[+-]\d+", "#", " ".join(line.split())) for line in text.strip().splitlines()]


@pytest.fixture
def files(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "net", raising=False)
    Path("net.py").write_text(SOURCE[page][0])
    save_file({"metric.weight": 2 * torch.eye(3)}, "net.safetensors")
    save_file({"metrics.weight": torch.eye(3)}, "old.safetensors")
    with warnings.catch_warnings():  # newer versions of torch advise against it
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), "net.ts")


def test_there_is_something_to_test() -> None:
    assert [len(source) for source in SOURCE.values()] == [1, 1]
    assert [page.count("```console") for page in PAGES.values()] == [4, 4]
    assert len(BLOCKS) == 8


@pytest.mark.parametrize(("page", "command", "output"), BLOCKS)
@pytest.mark.usefixtures("files")
def test_commands_print_what_the_page_shows(page: str, command: str, output: str) -> None:
    try:
        done = CliRunner(env={"COLUMNS": "110"}).invoke(main, shlex.split(command), catch_exceptions=False)
    finally:
        sys.modules.pop("net", None)
    assert shown(done.output) == shown(output)


def test_numbers_alone_are_left_out() -> None:
    assert shown("HOLDS  2.2e-15 ok") == shown("HOLDS 9.9e-16  ok") != shown("VIOLATED 2.2e-15 ok")
    assert shown("1 of 1") != shown("0 of 1")
