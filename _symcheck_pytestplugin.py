"""symcheck's plugin for pytest: its options, and the fixture `symcheck`.

It stands outside the package, and imports neither torch nor symcheck until a test asks for them: a session that doesn't pays
for a few options, and one without torch collects all the same. The rest is in `symcheck.pytest_session`, which imports no
torch, and in `symcheck.pytest_support`, which does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from symcheck.pytest_support import Checks

OPTIONS = ("profile", "seed", "trials", "device", "dtype", "json", "html")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("symcheck", "symmetries of neural networks")
    group.addoption("--symcheck-profile", metavar="NAME", help="dev, ci, deep, or one of [tool.symcheck.profiles]. [ci]")
    group.addoption("--symcheck-seed", metavar="N", type=int, help="All random numbers of audits follow from it. [0]")
    group.addoption("--symcheck-trials", metavar="N", type=int, help="Trials a claim. [the profile's]")
    group.addoption("--symcheck-device", metavar="DEVICE", help="Where to run the models: cpu, cuda, cuda:1. [cpu]")
    group.addoption(
        "--symcheck-dtype", metavar="DTYPE", help="The precision of the claims: float64, float32, bfloat16, float16."
    )
    group.addoption("--symcheck-json", metavar="FILE", help="Write one record of all audits of the session to this file.")
    group.addoption("--symcheck-html", metavar="FILE", help="Write a report of all audits of the session to this file.")
    parser.addini("symcheck_profile", "The profile where --symcheck-profile isn't given.", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "symmetry(seed, trials, device, dtype, perturb): the test audits symmetries, with these settings in place of the "
        "session's. Tests that use the fixture `symcheck` have it of themselves.",
    )
    given = any(config.getoption(f"symcheck_{name}") is not None for name in OPTIONS)
    if given or config.getoption("dist", "no") != "no":  # pytest-xdist's controller collects no tests that could ask
        _begin(config)


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    asking = [item for item in items if "symcheck" in getattr(item, "fixturenames", ())]
    for item in asking:
        item.add_marker("symmetry")
    if asking:
        _begin(config)


def _begin(config: pytest.Config) -> None:
    from symcheck.pytest_session import begin

    begin(config)


@pytest.fixture(scope="session", name="symcheck")  # of the session: Hypothesis refuses a test's own fixtures under @given
def checks(request: pytest.FixtureRequest) -> Checks:
    """Checks symmetries with the session's seed, trials, device and dtype, and records what was found.

    `symcheck.assert_equivariant(model, example, group=..., inputs=..., outputs=...)` fails with the diagnosis unless the
    symmetry holds; `symcheck.check(...)` returns the result; `symcheck.audit(claims)` and `symcheck.assert_holds(claims)`
    take claims. Other names are those of the module, which the argument hides.
    """
    from symcheck.pytest_session import checks

    return checks(request)
