"""What the command says, word by word: every help, every error, every verdict. Each was read before it was stored."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

import symcheck
from property_tests.test_message import CASES, steadied
from symcheck.cli import main
from symcheck.engine import Verdict
from symcheck.report.record import SCHEMA

CONFIG = ("config", "config show", "config schema")
COMMANDS = ("", "audit", "init", *CONFIG, "report", "merge", "replay", "list", "explain", "discover", "infer")
NET = """
from symcheck import Claim, Subject
from symcheck.domains import PointCloud

def radii():
    return lambda x: x.norm(dim=-1)

def turned(angle):
    return lambda x: x

def broken():
    raise ValueError("no such file: weights.bin")

def nothing():
    return None

def on_gpu():
    raise RuntimeError("Found no NVIDIA driver on your system.")

number = 3
CLAIMS = (Claim(Subject.built(radii), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar"),)
"""
FILES = {
    "net.py": NET,
    "stops.py": "raise SystemExit(7)",
    "needs.py": "import no_such_package",
    "breaks.py": "1 / 0",
    "wrong.py": "CLAIMS = 5",
    "twice.py": "from net import CLAIMS as ONE\nfrom dataclasses import replace\nCLAIMS = (*ONE, replace(*ONE, tolerance=0.5))",
    "a name.py": "",
    "empty.onnx": "",
    "text.pt": "text",
    "text.json": "text",
    "other.json": "{}",
    "cut.json": '{"schema": 1, "results": [',
    "next.json": '{"schema": 99, "results": []}',
    "part.json": f'{{"schema": {SCHEMA}, "results": []}}',
    "broken.toml": "[models",
    "unknown.toml": "[[models]]\ntarget = 'net'\nwieghts = 'net.pt'",
    "type.toml": "[[models]]\ntarget = 3",
    "empty.toml": "",
    "good.toml": "[[models]]\ntarget = 'net'",
    "profile.toml": "profile = 'nightly'\n[[models]]\ntarget = 'net'",
    "models.toml": "profile = 'dev'",
    "nothing.toml": "[[models]]\ntarget = 'net'\n[[overrides]]\nclaims = ['*']\nreason = 'x'",
    "domain.toml": """
[[models]]
target = "net:radii"
claims = [{ group = "SO(3)", inputs = "vector", outputs = "scalar", domain = "PointCloud(points=2.5)" }]
""",
    "nobody.toml": "[[models]]\ntarget = 'net'\n[[overrides]]\nclaims = ['net.radi']\nskip = true\nreason = 'x'",
    "tolerant.toml": """
[[models]]
target = "net:radii"
claims = [{ group = "SO(3)", inputs = "vector", outputs = "scalar", shapes = [[4, 3]], tolerance = 0.1 }]
""",
}
CLAIM = '--group "SO(3)" --shape 4,3 --input vector --output scalar'
ERRORS = [
    # targets
    "audit",
    "audit nte",
    "audit needs",
    "audit breaks",
    "audit stops",
    "audit wrong",
    "audit twice",
    "audit net:",
    "audit net.radii",
    "audit net:radi",
    "audit net.py:",
    "audit ''",
    "audit net:turned",
    f"audit net:CLAIMS {CLAIM}",
    f"audit net:number {CLAIM}",
    "audit no.py:radii",
    "audit 'a name.py'",
    "audit net.onnx",
    "audit empty.onnx",
    "audit folder.pt2",
    f"audit text.pt --trust-code {CLAIM}",
    f"audit net:radii --weights none.safetensors {CLAIM}",
    f"audit net:radii --weights text.pt {CLAIM}",
    f"audit net stops --weights text.pt {CLAIM}",
    # claims on the command line
    "audit net:radii --group 'SO(3)'",
    "audit net:radii --group SO3 --shape 4,3 --input vector --output scalar",
    "audit net:radii --group 'SO(3)' --shape 4,x --input vector --output scalar",
    "audit net:radii --group 'SO(3)' --shape 0 --input vector --output scalar",
    "audit net:radii --group 'SO(3)' --shape 4,3 --shape 4 --input vector --output scalar",
    "audit net:radii --group 'SO(3)' --shape 99999999,99999999 --input vector --output scalar",
    f"audit net:radii {CLAIM} --shape 3",
    "audit --weights net.safetensors",
    # claims that can't be tested as stated
    "audit net:radii --group 'SO(3)' --shape 4,3 --input vectr --output scalar",
    "audit net:radii --group 'SO(3)' --shape 4,3 --input '4 vector +' --output scalar",
    "audit net:radii --group 'SO(3)' --shape 4,3 --input vector --output 'permute(axis=0)'",
    "audit net:radii --group 'SO(3)' --shape 12 --input '4 spinor' --output scalar",
    "audit net:radii --group 'S_n' --shape 4,3 --input vector --output scalar",
    "audit net:radii --group 'S_4' --shape 4,3 --input permute --output vector",
    # settings
    "audit net --trials 0",
    "audit net --trials many",
    "audit net --seed -1",
    "audit net --dtype flaot32",
    "audit net --profile nightly",
    "audit net --max-time 0",
    "audit net --format xml",
    "audit net --nonsense",
    # selection and files
    "audit net --only radi",
    "audit net --skip '*'",
    "audit net --baseline none.json",
    "audit net --baseline other.json",
    "audit net --json no/out.json",
    "audit net --to no/out.xml",
    "audit net --to folder.pt2",
    "audit net --html folder.pt2",
    # configs
    "audit --config none.toml",
    "audit --config broken.toml",
    "audit --config unknown.toml",
    "audit --config type.toml",
    "audit --config empty.toml",
    "audit --config nobody.toml",
    "audit --config tolerant.toml",
    "audit --config folder.pt2",
    "audit --config profile.toml",
    "audit --config models.toml",
    "audit --config nothing.toml",
    "audit --config domain.toml",
    "config show --config none.toml",
    "config shw",
    "init",
    "init net:turned",
    "init net --group 'SO(3)'",
    "init net --to folder.pt2",
    "audit --config good.toml --group 'SO(3)'",
    "config show --config unknown.toml",
    "config show --profile nightly",
    "init nte",
    "init net --to net.py",
    "init net --to no/symcheck.toml",
    # records and failures
    "report none.json",
    "report folder.pt2",
    "report empty.toml",
    "report text.json",
    "report other.json",
    "report cut.json",
    "report next.json",
    "report part.json",
    "report",
    "report good.json --against none.json",
    "report good.json --html folder.pt2",
    "report good.json --html no/out.html",
    "report good.json --to no/out.xml",
    "merge",
    "merge good.json",
    "merge good.json seeded.json --to out.json",
    "merge good.json changed.json --to out.json",
    "merge none.json --to out.json",
    "merge other.json --to no/out.json",
    "merge --to out.json",
    "replay 12345678",
    "replay other.json",
    "replay text.json",
    "replay 12345678 --weights text.pt",
    "replay 12345678 --target nte",
    "replay",
    # what nobody claimed
    "discover",
    "discover nte",
    "discover net:turned",
    "discover net:radii --shape x",
    "discover net:radii --shape 0",
    "discover net:radii --shape 4,3 --trials 0",
    "discover net:radii --shape 4,3 --claims net.py",
    "discover net:radii --shape 4,3 --claims no/found.toml",
    "discover net:broken --shape 4,3",
    "infer",
    "infer net:turned",
    "infer net:radii --group 'SO(3)'",
    "infer net:radii --shape 4,3 --input vector",
    "infer net:radii --group 'SO(3)' --shape 4,3 --shape 3 --input vector",
    "infer net:radii --group SO3 --shape 4,3 --input vector",
    "infer net:radii --group 'Warp(T)' --shape 4,3 --input warp",
    # what there is
    "list",
    "explain",
    "list grups",
    "explain vectr",
    "explain nothing at all",
    "explian",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("snapshots")
    for name, text in FILES.items():
        (place / name).write_text(text)
    (place / "folder.pt2").mkdir()
    good = symcheck.audit(CASES["holds"][0], trials=8)
    (place / "good.json").write_bytes(good.json())
    (place / "seeded.json").write_bytes(replace(good, seed=7).json())
    (place / "changed.json").write_bytes(replace(good, results=(replace(good.results[0], because="otherwise"),)).json())
    return place


@pytest.fixture
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the folder, in which nothing is left behind."""
    monkeypatch.chdir(folder)
    yield
    shutil.rmtree(".symcheck", ignore_errors=True)


def said(command: str) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "100"}).invoke(main, shlex.split(command), prog_name="symcheck", catch_exceptions=False)
    return done.exit_code, done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, snapshot: SnapshotAssertion) -> None:
    code, text = said(f"{command} --help")
    assert code == 0
    assert text == snapshot


def test_there_are_no_other_commands() -> None:
    known = [name for name, command in main.commands.items()]
    inside = [f"{name} {sub}" for name, command in main.commands.items() for sub in getattr(command, "commands", ())]
    assert sorted(["", *known, *inside]) == sorted(COMMANDS)


@pytest.mark.parametrize("command", ERRORS, ids=str)
@pytest.mark.usefixtures("_here")
def test_every_error(command: str, snapshot: SnapshotAssertion) -> None:
    code, text = said(command)
    assert code == 2
    assert text == snapshot


@pytest.mark.parametrize("target", ["broken", "nothing", "on_gpu"])
@pytest.mark.usefixtures("_here")
def test_a_factory_that_builds_no_model(target: str, snapshot: SnapshotAssertion) -> None:
    code, text = said(f"audit net:{target} {CLAIM}")
    assert code == 2
    assert text == snapshot


@pytest.fixture(scope="module")
def record() -> symcheck.Record:
    """One result of each case of test_message, by the name of the case."""
    audits = {name: symcheck.audit(one, trials=64, **options) for name, (one, options) in CASES.items()}
    results = [replace(steadied(audit.results[0]), claim=name) for name, audit in audits.items()]
    return replace(next(iter(audits.values())), results=tuple(results))


def test_every_verdict(record: symcheck.Record, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert {result.verdict for result in record.results} == set(Verdict)
    (tmp_path / "record.json").write_bytes(record.json())
    assert msgspec.json.decode(record.json(), type=symcheck.Record) == record
    code, text = said(f"report {tmp_path / 'record.json'}")
    assert code == 0
    table, _, diagnoses = text.partition("\n\n")  # which test_message stores
    assert [line.rstrip() for line in (*table.splitlines(), diagnoses.splitlines()[-1])] == snapshot


@pytest.mark.parametrize("verdict", [verdict.name for verdict in Verdict])
def test_every_verdict_is_explained(verdict: str, snapshot: SnapshotAssertion) -> None:
    assert said(f"explain {verdict}") == (0, snapshot)
