"""Whatever is typed, and whatever is in a file, a person reads sentences: no traceback, and never exit code 3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symcheck
from property_tests.test_config import CONFIGS
from property_tests.test_message import CASES
from symcheck import groups, reps
from symcheck.cli import main
from symcheck.config.writing import _key, _value
from symcheck.errors import SymcheckError

EXAMPLES = int(os.environ.get("SYMCHECK_FUZZ_EXAMPLES", "60"))  # more of them for a longer search
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 60,
    database=None,
    suppress_health_check=list(HealthCheck),
)
NET = """
import torch
def radii():
    return lambda x: x.norm(dim=-1)
net = torch.nn.Linear(3, 3)
number = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A current folder with a module, a record, and files and folders that are neither."""
    before, place = Path.cwd(), tmp_path_factory.mktemp("fuzz")
    os.chdir(place)
    Path("fuzzed.py").write_text(NET)
    Path("stops.py").write_text("raise SystemExit(0)")
    Path("prints.py").write_text("print('hello')\nCLAIMS = ()")
    Path("record.json").write_bytes(symcheck.audit(CASES["violated"][0], trials=8).json())
    Path("text.txt").write_text("text")
    Path("bytes.pt").write_bytes(b"\x80\x04\x00")
    Path("empty.onnx").write_bytes(b"")
    Path("folder.pt2").mkdir()
    try:
        yield place
    finally:
        os.chdir(before)


def told(arguments: list[str]) -> None:
    """Run a command: it exits with a code that a person causes, and shows no traceback."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code in (0, 1, 2, 4), (arguments, done.output)
    assert "Traceback" not in done.output, (arguments, done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit), (arguments, done.exception)


ODD = st.text(max_size=6).filter(lambda text: "/" not in text) | st.sampled_from(
    ["", "\0", "-", "--", "*", "~", "/", "..", "\x1b[2J", "é", "\ud800", "9" * 30]
)
FILES = st.sampled_from(
    ["record.json", "text.txt", "bytes.pt", "empty.onnx", "folder.pt2", "none.json", "fuzzed.py", "/", "a/b", "/dev/null"]
)
TARGETS = st.sampled_from(
    ["fuzzed", "fuzzed:radii", "fuzzed:net", "fuzzed:number", "fuzzed:", ":radii", "fuzzed.py:radii", "stops", "prints", "nte"]
)
NAMES = st.sampled_from(["SO(3)", "S_n", "S_3", "C_4", "vector", "scalar", "permute", "1x1o", "8,3", "3", "0", "a,b", "1,,2"])
NUMBERS = st.sampled_from(["0", "1", "2", "-1", "1e3", "nan", "inf", "9" * 25, "x"])
WORDS = st.one_of(ODD, FILES, TARGETS, NAMES, NUMBERS)
CLAIM = ("--group", "--shape", "--input", "--output", "--weights")
RUN = ("--config", "--profile", "--trials", "--seed", "--device", "--dtype", "--only", "--skip", "--max-time", "--baseline")
FILED = ("--format", "--to", "--json", "--html", "--failures")
OPTIONS: dict[str, tuple[str, ...]] = {
    "audit": (*CLAIM, *RUN, *FILED),
    "init": (*CLAIM, "--to"),
    "config": ("--config", "--profile"),
    "report": ("--html", "--against", "--format", "--to"),
    "merge": ("--to",),
    "replay": ("--target", "--weights", "--device", "--dtype"),
    "discover": ("--shape", "--trials", "--seed", "--device", "--claims", "--weights"),
    "infer": ("--group", "--shape", "--input", "--seed", "--device", "--weights"),
    "list": (),
    "explain": (),
}
FLAGS = ["--twins", "--trust-code", "--perturb", "--own-weights", "--fail-fast", "--resume", "--help", "--nonsense"]


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    command = draw(st.sampled_from(sorted(OPTIONS)))
    words = [command, *draw(st.lists(WORDS, max_size=2))]
    if command == "config":
        words.insert(1, "show")
    for option in draw(st.lists(st.sampled_from(OPTIONS[command]), max_size=4)) if OPTIONS[command] else []:
        words += [option, draw(WORDS)]
    return [*words, *draw(st.lists(st.sampled_from(FLAGS), max_size=1))]


@FUZZ
@given(commands())
@pytest.mark.usefixtures("folder")
def test_arguments(arguments: list[str]) -> None:
    told(arguments)


@FUZZ
@given(
    st.sampled_from(["fuzzed:radii", "fuzzed:net", "fuzzed.py:radii", "bytes.pt", "empty.onnx", "folder.pt2", "fuzzed:number"]),
    st.lists(st.tuples(st.sampled_from(["4,3", "3", "", "2,4,3", "0", "5,2"]), NAMES), min_size=1, max_size=2),
    NAMES,
    NAMES,
    st.lists(st.sampled_from([*FLAGS, "--dtype=float16", "--seed=3", "--max-time=1e-9", "--skip=*"]), max_size=2),
)
@pytest.mark.usefixtures("folder")
def test_claims(target: str, inputs: list[tuple[str, str]], group: str, output: str, flags: list[str]) -> None:
    given_ = [word for shape, rep in inputs for word in ("--shape", shape, "--input", rep)]
    told(["audit", target, *given_, "--group", group, "--output", output, "--trials", "2", *flags])


# Notations

GROUPS = [name for kind in groups.CATALOGUE for name in kind.notation]
REPS = [
    *sorted(kind.name for kind in reps.CATALOGUE),
    "8x0e+4x1o",
    "2x1",
    "4 vector",
    "cartesian(rank=2)",
    "tensor_product(vector, vector)",
    "permute * point",
]
PARTS = [
    "(",
    ")",
    ",",
    "=",
    "+",
    " + ",
    " * ",
    " x ",
    "^",
    "_",
    "-1",
    "0",
    "4 ",
    "9" * 20,
    "1e400",
    "'x'",
    "None",
    "axis=",
    "\0",
    "\u0663",
]
TENSORS = [((4, 3), True), ((4, 4), True), ((), True), ((2, 3), False)]


UNDER = ["SO(3)", "SU(2)", "O(1,3)", "S_4", "C_4", "E(3) x S_4", "Z_4^2", "p4m(4)", "SO(2)^4", "Warp(4)"]


@FUZZ
@given(
    st.lists(st.sampled_from([*GROUPS, *PARTS]), max_size=4).map("".join) | st.text(max_size=8),
    st.lists(st.sampled_from([*REPS, *PARTS]), max_size=4).map("".join) | st.text(max_size=8),
    st.sampled_from(UNDER),
    st.sampled_from(TENSORS),
)
def test_notations(group: str, rep: str, under: str, tensor: tuple[tuple[int, ...], bool]) -> None:
    with suppress(SymcheckError):
        groups.from_string(group)
    with suppress(SymcheckError):
        reps.as_rep(rep).check(groups.from_string(under), *tensor, "input 'x'")


@pytest.mark.parametrize("under", UNDER)
def test_reps_under_groups_that_they_are_not_for(under: str) -> None:
    group = groups.from_string(under)
    for rep in REPS:
        for text in (rep, f"4 ({rep})", f"dual({rep})", f"tensor_product({rep}, {rep})"):
            with suppress(SymcheckError):
                reps.as_rep(text).check(group, (4, 4), True, "input 'x'")


# Files


def changed(tree: Any, at: list[int], value: Any) -> Any:
    """A tree of JSON with something else at one place; past a leaf, in its stead."""
    if not at or not isinstance(tree, (dict, list)) or not tree:
        return value
    if isinstance(tree, list):
        place = at[0] % len(tree)
        return [changed(one, at[1:], value) if i == place else one for i, one in enumerate(tree)]
    place = sorted(tree)[at[0] % len(tree)]
    return {key: changed(one, at[1:], value) if key == place else one for key, one in tree.items()}


JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**20, 1e300, -1e300, 5e-324, [], {}, [[]], [None], "x" * 300, "\0", "holds", "violated", "\u2028"]),
    st.text(max_size=4),
)
READERS = st.sampled_from(
    [
        ["report", "odd.json"],
        ["report", "odd.json", "--html", "out.html"],
        ["report", "odd.json", "--html", "out.html", "--against", "record.json"],
        ["report", "record.json", "--against", "odd.json"],
        ["report", "odd.json", "--format", "junit"],
        ["report", "odd.json", "--format", "github"],
        ["report", "odd.json", "--format", "sarif"],
        ["merge", "record.json", "odd.json", "--to", "out.json"],
        ["audit", "fuzzed", "--baseline", "odd.json"],
        ["replay", "odd.json"],
    ]
)


@FUZZ
@given(READERS, st.lists(st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=8), JSON), min_size=1, max_size=3))
def test_records_that_were_changed(folder: Path, command: list[str], changes: list[tuple[list[int], Any]]) -> None:
    tree = msgspec.json.decode((folder / "record.json").read_bytes())
    for at, value in changes:
        tree = changed(tree, at, value)
    (folder / "odd.json").write_bytes(msgspec.json.encode(tree))
    told(command)


@FUZZ
@given(READERS, st.binary(max_size=12), st.integers(0, 3000))
def test_records_that_were_cut(folder: Path, command: list[str], text: bytes, cut: int) -> None:
    (folder / "odd.json").write_bytes((folder / "record.json").read_bytes()[:cut] + text)
    told(command)


COMMANDS = st.sampled_from([["audit", "--config", "odd.toml"], ["config", "show", "--config", "odd.toml"]])


@FUZZ
@given(COMMANDS, CONFIGS)
def test_configs(folder: Path, command: list[str], config: dict[str, Any]) -> None:
    (folder / "odd.toml").write_text("".join(f"{_key(key)} = {_value(value)}\n" for key, value in config.items()))
    told(command)


@FUZZ
@given(COMMANDS, st.binary(max_size=20) | st.text(max_size=20).map(lambda text: text.encode(errors="replace")))
def test_configs_of_any_bytes(folder: Path, command: list[str], text: bytes) -> None:
    (folder / "odd.toml").write_bytes(b'[[models]]\ntarget = "fuzzed"\n' + text)
    told(command)


def test_there_is_something_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symcheck.explain.entries", None)
    with pytest.raises(AssertionError, match="NoneType"):
        told(["list", "groups"])
