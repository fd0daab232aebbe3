"""A session of pytest that asks for symcheck: its settings, what is done around its tests, and what is said at its end.

This imports no torch: in the controller of pytest-xdist nothing else does either.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from symcheck.config import Config, found, profile, read
from symcheck.config.profiles import DEFAULTS
from symcheck.errors import ConfigError, SettingsError

if TYPE_CHECKING:
    from symcheck.pytest_support import Checks

LEAST = {"seed": 0, "trials": 1}
SLOWEST = 3  # audits that the summary names: where the time went, in a glance


@dataclass(frozen=True)
class Choice:
    """What was chosen for the session. `options` are those of the command line, for the line that reproduces a failure."""

    profile: str = "ci"
    seed: int = 0
    trials: int = 256
    device: str = "cpu"
    dtype: str | None = None
    perturb: bool | None = None
    options: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in DEFAULTS}


CHOICE, CHECKS, CURRENT = pytest.StashKey[Choice](), pytest.StashKey["Checks"](), pytest.StashKey[pytest.Item]()


def begin(config: pytest.Config) -> None:
    """Settle the settings and take part in the session, once. UsageError if the settings can't be."""
    if CHOICE in config.stash:
        return
    config.stash[CHOICE] = choice(config)
    config.pluginmanager.register(Tests(), "symcheck-tests")
    if not hasattr(config, "workerinput"):  # in pytest-xdist's workers the controller keeps the ledger
        config.pluginmanager.register(Ledger(config), "symcheck-ledger")


def checks(request: pytest.FixtureRequest) -> Checks:
    """What the fixture `symcheck` is. It fails where torch is missing, or the device."""
    config = request.config
    try:
        begin(config)  # no test may have asked before this one ran: request.getfixturevalue("symcheck")
        config.stash.setdefault(CURRENT, request._pyfuncitem)
        support = _support()
        support.validated(config.stash[CHOICE])
    except pytest.UsageError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    found: Checks = support.Checks(config.stash[CHOICE], lambda: config.stash[CURRENT])
    config.stash[CHECKS] = found
    return found


def choice(config: pytest.Config) -> Choice:
    """The settings of the session: those of the command line, then those of the profile. UsageError if they can't be."""
    table = _config(config.rootpath)
    name = config.getoption("symcheck_profile") or config.getini("symcheck_profile") or table.profile
    try:
        own = profile(table, name)
    except SettingsError as error:
        raise pytest.UsageError(f"symcheck: {error}") from None
    given = {key: value for key in DEFAULTS if (value := config.getoption(f"symcheck_{key}", None)) is not None}
    for key in LEAST.keys() & given.keys():
        _allowed(key, given[key])
    options = {"profile": config.getoption("symcheck_profile"), **given}
    words = tuple(f"--symcheck-{key} {value}" for key, value in options.items() if value is not None and key != "seed")
    chosen = Choice(name, **own | given, options=words)
    if {"device", "dtype"} & given.keys():  # worth importing torch for: who gives them will audit, and one error is enough
        _support().validated(chosen)
    return chosen


def _config(folder: Path) -> Config:
    """The config of the project, of which a session takes the profiles. UsageError if it can't be read."""
    try:
        file = found(folder)
        return read(file) if file is not None else Config()
    except ConfigError as error:
        raise pytest.UsageError(f"symcheck: {error}") from None


def _allowed(key: str, value: int) -> None:
    if not LEAST[key] <= value < 2**63:
        raise pytest.UsageError(f"symcheck: --symcheck-{key}: {key} is a whole number of {LEAST[key]} or more, not {value!r}.")


def _support() -> Any:
    """What needs torch. UsageError, with the reason, where it can't be imported."""
    try:
        from symcheck import pytest_support
    except ImportError as error:
        raise pytest.UsageError(f"symcheck needs what can't be imported here: {error}. Install it.") from None
    return pytest_support


class Tests:
    """What is done around each test, in sessions that ask for symcheck."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        item.config.stash[CURRENT] = item
        with _seeded(item) if item.get_closest_marker("symmetry") else nullcontext():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if CHECKS in item.config.stash:  # plugins that try a failed test again run this for each attempt
            item.config.stash[CHECKS].forget()

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Judge what `symcheck.parametrize` hands to the test, unless the test did."""
        called = yield
        names = [name for mark in pyfuncitem.iter_markers("symmetry") for name in mark.args]
        for name in names:  # those of symcheck.parametrize name the test's arguments
            if name not in pyfuncitem.funcargs:
                pytest.fail(
                    f"@pytest.mark.symmetry takes settings by name, as in symmetry(trials=64), not {name!r}.", pytrace=False
                )
        if names and CHECKS not in pyfuncitem.config.stash:
            pytest.fail(
                "symcheck.parametrize needs symcheck's own fixture `symcheck`, not another of that name.", pytrace=False
            )
        for name in names:
            pyfuncitem.config.stash[CHECKS].settle(pyfuncitem.funcargs[name])
        return called

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        entries = item.config.stash[CHECKS].take(item) if CHECKS in item.config.stash else []
        item.user_properties += [("symcheck", entry["told"]) for entry in entries]
        report = yield
        if entries:
            report.symcheck = entries  # type: ignore[attr-defined]  # text and numbers, which pytest-xdist carries along
        return report


@contextmanager
def _seeded(item: pytest.Item) -> Iterator[None]:
    """Random numbers that torch draws in a test, from its fixtures on, follow from the seed, so that a failure comes again."""
    try:
        from symcheck.placement import seeded
    except ImportError:  # which the fixture reports
        yield
        return
    own = [mark.kwargs["seed"] for mark in item.iter_markers("symmetry") if _is_seed(mark.kwargs.get("seed"))]
    with seeded(own[0] if own else item.config.stash[CHOICE].seed):
        yield


def _is_seed(value: Any) -> bool:
    return type(value) is int and LEAST["seed"] <= value < 2**63


FILES = {"json": "record", "html": "report"}


class Ledger:
    """All that is audited in a session, in whatever process: what becomes of it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.entries: list[dict[str, Any]] = []
        self.saved: list[str] = []
        self.problems: list[str] = []
        given = {kind: config.getoption(f"symcheck_{kind}") for kind in FILES}
        self.files = {kind: config.invocation_params.dir / name for kind, name in given.items() if name is not None}
        for kind, file in self.files.items():
            _writable(f"--symcheck-{kind} {given[kind]}", file, kind)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for entry in getattr(report, "symcheck", ()):
            self.entries.append({**entry, "nodeid": report.nodeid, "failed": report.failed and not entry["met"]})

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if CHECKS in self.config.stash and CURRENT in self.config.stash:  # of a test that was interrupted
            item = self.config.stash[CURRENT]
            rest = self.config.stash[CHECKS].take(item)
            self.entries += [{**entry, "nodeid": item.nodeid, "failed": not entry["met"]} for entry in rest]
        if self.files and not self.config.option.collectonly:
            stopped = exitstatus == pytest.ExitCode.INTERRUPTED or bool(session.shouldfail or session.shouldstop)
            self._write(stopped)
        if self.problems and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.USAGE_ERROR  # who asks for a record shall not miss that there is none

    def _write(self, interrupted: bool) -> None:
        for kind, file in self.files.items():
            try:
                support = _support()
                record = support.record(self.entries, self.config.stash[CHOICE], interrupted=interrupted)
                file.write_bytes(record.json() if kind == "json" else support.html(record))
                many = "result" if len(self.entries) == 1 else "results"
                self.saved.append(f"{FILES[kind]:<10} {file}: {len(self.entries)} {many}")
            except (OSError, pytest.UsageError) as error:
                why = str(getattr(error, "strerror", None) or error).rstrip(".")
                self.problems.append(f"--symcheck-{kind} {file}: {why}. The {FILES[kind]} isn't saved.")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        out, verbosity = terminalreporter, self.config.get_verbosity()
        shown = bool(self.entries or self.saved) and verbosity > -2 and not self.config.option.no_summary
        if (shown and verbosity >= 0) or self.problems:
            out.write_sep("=", "symcheck")
        if shown:
            out.write_line(self._tally())
            for entry in self.entries:
                if entry["failed"]:
                    out.write_line(_failure(entry), red=True)
            for entry in self._slowest() if verbosity >= 0 else ():
                out.write_line(f"{'slowest':<10} {entry['seconds']:.2f} s  {entry['claim']}")
            for line in self.saved:
                out.write_line(line)
        for problem in self.problems:
            out.write_line(problem, red=True)

    def _tally(self) -> str:
        """How many of each verdict, and how they were asked for."""
        choice, seconds = self.config.stash[CHOICE], sum(entry["seconds"] for entry in self.entries)
        verdicts = Counter(entry["verdict"] for entry in self.entries)
        words = ", ".join(
            f"{count} {verdict}" for verdict, count in sorted(verdicts.items(), key=lambda one: (-one[1], one[0]))
        )
        expected = sum(entry["met"] and entry["expected"] == "violated" for entry in self.entries)
        caught = f" ({expected} of them expected to be violated)" if expected else ""
        claims = f"{len(self.entries)} {'claim' if len(self.entries) == 1 else 'claims'}"
        how = f"in {seconds:.1f} s, profile {choice.profile}, seed {choice.seed}"
        return f"{claims} {how}: {words or 'nothing was audited'}{caught}"

    def _slowest(self) -> list[dict[str, Any]]:
        slow = sorted(self.entries, key=lambda entry: -float(entry["seconds"]))
        return slow[:SLOWEST] if len(slow) > 1 else []


def _failure(entry: dict[str, Any]) -> str:
    """A failure in one line."""
    why, size = entry["because"], entry["differs_by"]
    if entry["expected"] == "violated" and entry["verdict"] in ("HOLDS", "LIMITED"):
        why = "it was expected to be violated"
    elif entry["verdict"] == "VIOLATED" and size is not None:
        why = f"the two sides differ by {size:.1e} of the output's spread"
    claim = "" if entry["claim"] in entry["nodeid"] else f"{entry['claim']}: "
    return f"{entry['verdict']:<10} {entry['nodeid']}: {claim}{why}"


def _writable(option: str, file: Path, kind: str) -> None:
    """Say now what would fail after a long session."""
    if not file.parent.is_dir():
        raise pytest.UsageError(f"{option}: there is no folder {str(file.parent)!r}. Make it first.")
    if file.is_dir():
        raise pytest.UsageError(f"{option} is a folder. Name a file in it.")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise pytest.UsageError(f"{option} can't be written: it is read-only. Name a file that can be.")
    if kind == "html":
        try:
            importlib.import_module("symcheck.report.html")
        except ImportError as error:
            raise pytest.UsageError(f"{option}: symcheck needs what can't be imported here: {error}. Install it.") from None
