"""Records of several audits become one, or it is said which of them don't fit together."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

import symcheck
from property_tests.test_selecting import CLAIMS, NAMES
from symcheck import Record
from symcheck.claims import Skipped
from symcheck.cli import main
from symcheck.errors import RecordError
from symcheck.report.merging import merged
from symcheck.report.reading import read


@pytest.fixture(scope="module")
def whole() -> Record:
    return replace(symcheck.audit(CLAIMS, trials=8), seconds=3.0, command="symcheck audit net")


def part(whole: Record, *places: int) -> Record:
    """The shard that has these claims, and skipped the others."""
    left = tuple(Skipped(name, "--only") for i, name in enumerate(NAMES) if i not in places)
    return replace(whole, results=tuple(whole.results[i] for i in places), skipped=left, seconds=1.0)


def test_shards_are_the_whole(whole: Record) -> None:
    assert merged([("a", part(whole, 0)), ("b", part(whole, 1)), ("c", part(whole, 2))]) == whole
    assert merged([("a", whole)]) == whole


def test_what_is_in_several_is_kept_once_and_what_is_in_none_stays_skipped(whole: Record) -> None:
    both = merged([("a", part(whole, 0, 1)), ("b", part(whole, 1))])
    assert [one.claim for one in both.results] == list(NAMES[:2])
    assert [one.claim for one in both.skipped] == [NAMES[2]]
    assert both.seconds == 2.0


def test_what_differs_between_runs_is_told_of_both(whole: Record) -> None:
    one = replace(part(whole, 0), machine={"torch": "2.6", "cuda": "A"}, command="symcheck audit a")
    other = replace(part(whole, 1), machine={"torch": "2.6", "cuda": "B"}, command="symcheck audit b", interrupted=True)
    both = merged([("a", one), ("b", other)])
    assert both.machine == {"torch": "2.6", "cuda": "A; B"}
    assert both.command == "symcheck audit a && symcheck audit b"
    assert both.interrupted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "the seed is 0 in a.json and 1 in b.json: one record has one. Audit again with the same."),
        ({"trials": 9}, "the number of trials is 8 in a.json and 9 in b.json"),
        ({"dtype": "float64"}, "the dtype is None in a.json and 'float64' in b.json"),
        ({"symcheck": "0"}, "the version of symcheck is '0.1.0' in a.json and '0' in b.json"),
    ],
)
def test_other_settings_are_refused(whole: Record, change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError) as error:
        merged([("a.json", part(whole, 0)), ("b.json", replace(part(whole, 1), **change))])
    assert message in str(error.value)


def test_conflicting_results_are_refused_by_name(whole: Record) -> None:
    other = replace(part(whole, 1), results=(replace(whole.results[1], violating=3, because="x"),))
    with pytest.raises(RecordError) as error:
        merged([("a.json", part(whole, 0)), ("b.json", part(whole, 1)), ("c.json", other)])
    assert str(error.value) == (
        f"{NAMES[1]!r} (equivariance) has other results in c.json than in b.json: its because, violating differ. "
        "Leave out one of the files, or audit again."
    )


def merge(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["merge", *arguments], catch_exceptions=False)


def test_the_command(whole: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, i in (("a.json", 0), ("b.json", 1), ("c.json", 2)):
        Path(name).write_bytes(part(whole, i).json())
    done = merge("a.json", "b.json", "c.json", "-o", "out.json")
    assert (done.exit_code, done.output) == (0, "out.json: 1 of 3 claims are as expected.\n")
    assert read("out.json") == msgspec.json.decode(whole.json(), type=Record)
    Path("b.json").write_bytes(replace(part(whole, 1), seed=4).json())
    done = merge("a.json", "b.json", "-o", "other.json")
    assert done.exit_code == 2
    assert done.output.startswith("symcheck: the seed is 0 in a.json and 4 in b.json")
    assert not Path("other.json").exists()
    assert merge("a.json", "none.json", "-o", "x.json").output.startswith("symcheck: none.json: No such file or directory.")
    assert merge("a.json", "-o", "no/x.json").output.startswith("symcheck: --to no/x.json: there is no folder 'no'.")
    assert "Missing option '-o' / '--to'" in merge("a.json").output
