"""`symcheck list` and `symcheck explain`: everything in the catalogue is listed, explained, and says how it breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from inspect import isabstract

import pytest
from click.testing import CliRunner

from symcheck.cli import main
from symcheck.engine import Verdict
from symcheck.errors import SettingsError
from symcheck.explain import BREAKS, KINDS, Entry, entries, explain
from symcheck.groups import Monoid
from symcheck.properties import Property
from symcheck.reps import Rep

EVERY = [entry for kind in KINDS for entry in entries(kind)]


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args))
    return result.exit_code, result.output


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.cls.__name__)
def test_everything_is_explained_by_each_of_its_names(entry: Entry) -> None:
    for name in (*entry.names, entry.cls.__name__):
        text = explain(name)
        assert entry.text.splitlines()[0] in text
        assert f"symcheck.{entry.kind}.{entry.cls.__name__}" in text
        assert f"Breaks:   {BREAKS[entry.cls.__name__]}." in text
        assert "Law:      " in text


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.cls.__name__)
def test_summaries_are_one_sentence(entry: Entry) -> None:
    assert 10 < len(entry.summary) < 300
    assert entry.summary.endswith(".")
    assert "\n" not in entry.summary


def test_every_way_to_break_is_of_something_that_there_is() -> None:
    assert set(BREAKS) == {entry.cls.__name__ for entry in EVERY}


UNLISTED = {
    "Homogeneous",  # near the horizon it keeps its law by fewer digits than rounding explains
    "SemidirectProduct",  # made from two groups in Python, without a name
}


@pytest.mark.parametrize(("kind", "base"), [("groups", Monoid), ("reps", Rep), ("properties", Property)])
def test_everything_that_there_is_is_in_its_catalogue(kind: str, base: type) -> None:
    """So that explain knows each name that a verdict or a discovery prints."""

    def below(cls: type) -> Iterator[type]:
        for one in cls.__subclasses__():
            yield one
            yield from below(one)

    public = {one for one in below(base) if one.__module__.startswith("symcheck.") and not one.__name__.startswith("_")}
    concrete = {one.__name__ for one in public if not isabstract(one)}
    assert concrete - {entry.cls.__name__ for entry in entries(kind)} <= UNLISTED


@pytest.mark.parametrize("name", ["exp(so(3))", "exp(2 dimensions, not closed)"])
def test_groups_that_discovery_names_are_explained(name: str) -> None:
    assert "The connected matrix group whose Lie algebra has these matrices" in explain(name)


def test_names_tell_things_apart() -> None:
    names = [entry.cls.__name__.lower() for entry in EVERY]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SE(3) x S_n", "symcheck.groups.Product"),
        ("O(7)", "symcheck.groups.O"),
        ("8x0e+4x1o", "symcheck.reps.Irreps"),
        ("permute * point", "symcheck.reps.Together"),
        ("set", "symcheck.domains.Set"),
        ("gradient equivariance", "grad f(rho_in(g) x)"),
        ("violated", Verdict.VIOLATED.meaning),
    ],
)
def test_names_that_stand_for_many_things(name: str, text: str) -> None:
    assert text in explain(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spinr", "there is nothing called 'spinr'; did you mean 'spinor'"),
        ("qqqqqq", "there is nothing called 'qqqqqq'; see what there is with: symcheck list groups|reps|domains|properties"),
    ],
)
def test_a_misspelt_name(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        explain(name)
    assert text in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_lists_all_of_a_kind(kind: str) -> None:
    code, output = run("list", kind)
    assert code == 0
    for entry in entries(kind):
        assert entry.names[0].split(",")[0] in output


def test_a_list_that_there_is_not() -> None:
    code, output = run("list", "group")
    assert code == 2
    assert "'groups', 'reps', 'domains', 'properties'" in output
    with pytest.raises(SettingsError, match="there is no list of 'group'; did you mean 'groups'"):
        entries("group")


def test_the_command_explains_and_joins_its_words() -> None:
    code, output = run("explain", "SE(3)", "x", "S_n")
    assert code == 0
    assert output.startswith("SE(3) x S_n, one of the groups\n\nThe direct product of monoids")
    assert run("explain", "spinr") == (2, "symcheck: there is nothing called 'spinr'; did you mean 'spinor' or 'sign'?\n")


def test_letters_that_a_pipe_has_none_for_end_no_command() -> None:
    command = [sys.executable, "-m", "symcheck", "list", "groups"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Z_N^2 ? C_4" in done.stdout
