"""The commands of docs/ways print what their pages show, but for measured numbers; "..." stands for what is left out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from symcheck.cli import main

FOLDER = Path(__file__).parent.parent / "docs" / "ways"
NEEDS = {"e3nn": "e3nn", "torch_geometric": "torch_geometric", "ase": "ase"}
FEW = ("--trials", "24")  # of which no page shows how many there were
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


class Page(NamedTuple):
    """The files that a page shows, and its commands with what they print."""

    files: dict[str, str]
    commands: list[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> Page:
        text = path.read_text()
        files = re.findall(r"```python\n# (\w+\.py)\n((?:.*\n)*?)```", text)
        return cls(dict(files), re.findall(r"```console\n\$ symcheck (.*)\n((?:.*\n)*?)```", text))


PAGES = {path.stem: Page.read(path) for path in sorted(FOLDER.glob("*.md"))}
COMMANDS = [
    pytest.param(
        name,
        command,
        output,
        id=f"{name}: {command}",
        marks=[pytest.mark.peers, pytest.mark.filterwarnings("ignore")] if name in NEEDS else [],
    )
    for name, page in PAGES.items()
    for command, output in page.commands
]


def words(text: str) -> str:
    """A text without its lines, measured numbers as #."""
    return NUMBER.sub("#", " ".join(text.split()))


def shows(page: str, printed: str) -> bool:
    """Whether what a command printed is what a page shows, with anything in the place of its "..."."""
    parts = [re.escape(words(part)) for part in re.split(r"^ *\.\.\.$", page, flags=re.MULTILINE)]
    return re.fullmatch(r"\s*.*\s*".join(parts), words(printed)) is not None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "command", "output"), COMMANDS)
def test_commands_print_what_the_page_shows(folder: Path, name: str, command: str, output: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    for file, text in PAGES[name].files.items():
        (folder / file).write_text(text)
    runner = CliRunner(env={"COLUMNS": "110"})
    done = runner.invoke(main, [*shlex.split(command), *FEW], catch_exceptions=False)
    assert shows(output, done.output), done.output


def test_each_way_has_a_page_with_commands() -> None:
    assert set(PAGES) == {"ase", "ci", "e3nn", "lstm", "sets", "torch_geometric", "vision"}
    for name, page in PAGES.items():
        text = (FOLDER / f"{name}.md").read_text()
        assert len(page.files) == 1
        assert len(page.commands) == text.count("```console") >= 2
        assert "**Next**" in text


def test_each_page_is_linked() -> None:
    for linking in ("README.md", "docs/cli.md"):
        text = (FOLDER.parent.parent / linking).read_text()
        for name in PAGES:
            assert f"ways/{name}.md" in text, (linking, name)


def test_numbers_and_what_is_left_out_may_differ_and_nothing_else() -> None:
    page = "HOLDS  2.2e-15 ok\n  ...\n1 of 1 hold."
    assert shows(page, "HOLDS 9.9e-16  ok\n more\nof it\n 1 of 1 hold.")
    assert not shows(page, "VIOLATED 9.9e-16 ok\n more\n 1 of 1 hold.")
    assert not shows(page, "HOLDS 9.9e-16 ok\n more\n 1 of 1 fail.")
    assert not shows("HOLDS ok", "HOLDS ok and more")
