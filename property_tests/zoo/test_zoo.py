"""symcheck tells what is true of every animal in the zoo."""

from __future__ import annotations

import pytest

from property_tests.zoo.confusion import judged, matrix
from property_tests.zoo.entry import Entry
from property_tests.zoo.exact import BASES, Base
from property_tests.zoo.mutants import MUTANTS, Leaky, asymmetry
from property_tests.zoo.subjects import SUBJECTS

pytestmark = [pytest.mark.zoo, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("entry", [*SUBJECTS, *MUTANTS], ids=lambda entry: entry.name)
def test_the_verdict_is_true(entry: Entry, dtype: str) -> None:
    if entry.missing:
        pytest.skip(entry.missing)
    result = entry.check(dtype)
    assert result.verdict is entry.truth(dtype), f"{entry.reason}\n{result}"
    if entry.only_at:
        assert any(entry.only_at in leaf.only_at for leaf in result.outputs)
        assert result.violating == 0


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_a_leak_is_as_large_as_it_says(base: Base) -> None:
    leaky = Leaky(base, 1e-2)
    assert leaky.size * asymmetry(base, leaky.net) == pytest.approx(1e-2)


def test_there_are_enough() -> None:
    assert len(SUBJECTS) >= 30
    assert len({entry.package for entry in SUBJECTS}) >= 8
    assert len(MUTANTS) >= 100
    names = [entry.name for entry in (*SUBJECTS, *MUTANTS)]
    assert len(set(names)) == len(names)
    assert all(entry.reason for entry in (*SUBJECTS, *MUTANTS))


def test_the_matrix_counts_each_once() -> None:
    found = list(judged(MUTANTS[:3], "float64", 0))
    assert matrix(found).split()[-1] == "3"
