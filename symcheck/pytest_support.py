"""What the pytest plugin imports once a test asks for symcheck: the fixture's object, and the decorator for claims.

    CLAIMS = (symcheck.Claim(...), ...)

    @symcheck.parametrize(CLAIMS)
    def test_symmetry(claim): ...

This module isn't needed to use symcheck without pytest, and imports pytest where it needs it.
"""

from __future__ import annotations

import importlib
import json
import os
import shlex
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import torch

from symcheck import checking
from symcheck.claims import Claim, Expected
from symcheck.engine import Event, Judged, Settings
from symcheck.errors import ClaimError, SettingsError, SymcheckError, did_you_mean, printable
from symcheck.failures import DIRECTORY
from symcheck.groups import Monoid
from symcheck.report import Record, Result
from symcheck.report.text import WIDTH, diagnosis, heading

if TYPE_CHECKING:
    import pytest

    from symcheck.pytest_session import Choice

__tracebackhide__ = True  # a failure is the test's: our frames say nothing of it

Test = TypeVar("Test", bound=Callable[..., Any])
SETTINGS = ("seed", "trials", "device", "dtype", "perturb")


def parametrize(claims: Claim | Iterable[Claim]) -> Callable[[Test], Test]:
    """Make a test of each claim, and of each of its properties, which the decorated test gets as `claim`.

        @symcheck.parametrize(CLAIMS)
        def test_symmetry(claim): ...

    The body may be empty: a claim that it doesn't judge is judged after it, and the test fails unless the claim turns out as
    it was expected to. A body may do so itself, by `symcheck.assert_holds(claim)`, or judge the claim by its own standard, by
    `symcheck.audit(claim)`, both methods of the fixture `symcheck`. `pytest.param(claim, marks=...)` gives one claim marks.

    Raises ClaimError, when the test is collected, for what is no claim, for none, and for two of one name.
    """
    import pytest

    params = [param for one in _listed(claims) for param in _params(one)]
    repeated = [name for name, count in Counter(param.id for param in params).items() if count > 1]
    if repeated:
        raise ClaimError(f"two claims are called {repeated[0]!r}. Give one of them an id of its own: Claim(..., id='...').")
    marks = (pytest.mark.usefixtures("symcheck"), pytest.mark.symmetry("claim"), pytest.mark.parametrize("claim", params))

    def decorate(test: Test) -> Test:
        for mark in marks:
            test = mark(test)
        return test

    return decorate


def _listed(claims: Any) -> list[Any]:
    if isinstance(claims, Claim):
        return [claims]
    if isinstance(claims, str) or not isinstance(claims, Iterable):
        raise ClaimError(f"{claims!r} are no claims. Give symcheck.parametrize a list of symcheck.Claim, as a module's CLAIMS.")
    found = list(claims)
    if not found:
        raise ClaimError(
            "symcheck.parametrize was given no claims: a test of nothing can't fail. Give a list of symcheck.Claim."
        )
    return found


def _params(one: Any) -> list[Any]:
    """A parameter set for each property of a claim, or of the claim in a `pytest.param`."""
    import pytest

    given = one if isinstance(one, type(pytest.param())) else pytest.param(one)
    claim = given.values[0] if len(given.values) == 1 else given.values
    if not isinstance(claim, Claim):
        raise ClaimError(f"{claim!r} is no Claim. Give symcheck.parametrize a list of symcheck.Claim, as a module's CLAIMS.")
    name, several = given.id if isinstance(given.id, str) else printable(claim.id), len(claim.properties) > 1
    return [
        pytest.param(
            replace(claim, properties=(prop,)),
            marks=given.marks,
            id=f"{name}, {prop.name}" if several else name,
        )
        for prop in claim.properties
    ]


@dataclass(frozen=True)
class Audited:
    """A result, the seed that it follows from, and how long it took."""

    result: Result
    seed: int
    seconds: float


class Checks:
    """What the fixture `symcheck` is: the functions of symcheck, with the session's settings, recorded.

    `seed`, `trials`, `device`, `dtype` and `perturb` are the session's, unless the test has others by its marker, as in
    `@pytest.mark.symmetry(trials=2048)`; those of a call come before both. Any other name is that of the module `symcheck`.
    """

    def __init__(self, choice: Choice, current: Callable[[], pytest.Item]) -> None:
        self._choice = choice
        self._current = current
        self._audited: list[Audited] = []
        self._judged: set[tuple[str, str]] = set()  # of the test at hand, what is judged already

    @property
    def profile(self) -> str:
        return self._choice.profile

    @property
    def seed(self) -> int:
        return int(self._settings()["seed"])

    @property
    def trials(self) -> int:
        return int(self._settings()["trials"])

    @property
    def device(self) -> str:
        return str(self._settings()["device"])

    @property
    def dtype(self) -> torch.dtype | None:
        """The precision of the claims; None is each model's own, or torch's default where `torch.randn` takes it."""
        return _settings_of(self._settings()).dtype

    @property
    def perturb(self) -> bool | None:
        found: bool | None = self._settings()["perturb"]
        return found

    def audit(self, claims: Claim | Iterable[Claim], **settings: Any) -> Record:
        """`symcheck.audit` with the session's settings: the record of many claims. Asserts nothing."""
        return self._audit(claims, settings)

    def assert_holds(self, claims: Claim | Iterable[Claim], **settings: Any) -> Record:
        """Fail, with the diagnosis of each that isn't, unless the claims are as expected: those of broken twins violated."""
        record = self._audit(claims, settings, save=True)
        if any(not result.met for result in record.results):
            raise AssertionError(self._failure(record.results, settings)) from None
        return record

    def check(
        self,
        model: Callable[..., Any],
        example: Any,
        *,
        group: Monoid | str,
        inputs: Any,
        outputs: Any,
        tolerance: float | None = None,
        expect: Expected = "holds",
        reason: str = "",
        **settings: Any,
    ) -> Result:
        """`symcheck.check` with the session's settings: the result. Asserts nothing."""
        stated: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "tolerance": tolerance}
        return self._check(model, example, group, {**stated, "expected": expect, "reason": reason}, settings)

    def assert_equivariant(
        self,
        model: Callable[..., Any],
        example: Any,
        *,
        group: Monoid | str,
        inputs: Any,
        outputs: Any,
        tolerance: float | None = None,
        expect: Expected = "holds",
        reason: str = "",
        **settings: Any,
    ) -> Result:
        """Fail with the diagnosis unless the model has the symmetry. Takes what `symcheck.check` takes.

        A symmetry that is known to be broken is `expect="violated"`, with the `reason`. It is strict: one that begins to hold
        fails as well, and so does a check that can't decide.
        """
        stated: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "tolerance": tolerance}
        result = self._check(model, example, group, {**stated, "expected": expect, "reason": reason}, settings, save=True)
        if not result.met:
            raise AssertionError(self._failure((result,), settings)) from None
        return result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(importlib.import_module("symcheck"), name)

    def __repr__(self) -> str:
        return f"symcheck(profile={self.profile!r}, {', '.join(f'{key}={value!r}' for key, value in self._settings().items())})"

    def forget(self) -> None:
        """A test begins, perhaps one that is tried again: nothing is judged yet."""
        self._judged = set()

    def settle(self, claim: object) -> None:
        """Fail the test unless the claim is as expected, if the test hasn't judged it."""
        import pytest

        assert isinstance(claim, Claim), claim
        left = tuple(prop for prop in claim.properties if (claim.id, prop.name) not in self._judged)
        results = self._audit(replace(claim, properties=left), {}, save=True).results if left else ()
        if any(not result.met for result in results):
            pytest.fail(self._failure(results, {}), pytrace=False)

    def take(self, item: pytest.Item) -> list[dict[str, Any]]:
        """What was audited since the last call, as text and numbers.

        Of what Hypothesis tries many times in one test, one: the last that isn't as expected, which is its minimal example,
        or else the last.
        """
        audited, self._audited = self._audited, []
        if _is_hypothesis(item):
            audited = _last_of_each(audited)
        return [_entry(one) for one in audited]

    def _check(
        self, model: Any, example: Any, group: Any, stated: dict[str, Any], settings: dict[str, Any], *, save: bool = False
    ) -> Result:
        try:
            claim = Claim(model, group, domain=example, **stated)
        except SymcheckError as error:
            raise error.with_traceback(None) from None
        (result,) = self._audit(claim, settings, save=save).results
        if result.misstated:
            raise ClaimError(result.because)
        return result

    def _audit(self, claims: Claim | Iterable[Claim], settings: dict[str, Any], *, save: bool = False) -> Record:
        """The record of claims, which is kept for the session's; and, if asked to, the trials that fail, for a replay."""
        chosen = self._settings(settings)
        clock = [time.perf_counter()]

        def on_event(event: Event) -> None:
            if isinstance(event, Judged):
                clock.append(time.perf_counter())

        def keep(record: Record) -> None:
            for result, start, end in zip(record.results, clock, clock[1:], strict=False):
                self._audited.append(Audited(result, chosen["seed"], end - start))
                self._judged.add(_key(result))

        try:
            record = checking.audit(claims, on_event=on_event, save=self._folder if save else None, **chosen)
        except checking.AuditInterrupted as interrupted:
            keep(interrupted.record)
            raise
        except SymcheckError as error:
            raise error.with_traceback(None) from None
        keep(record)
        return record

    @property
    def _folder(self) -> Path | None:
        """Where trials that fail are kept, wherever the test has gone; none of those that Hypothesis tries by the hundred."""
        start = self._current().config.invocation_params.dir
        if _is_hypothesis(self._current()):
            return None
        return DIRECTORY if Path.cwd() == start else start / DIRECTORY

    def _settings(self, call: dict[str, Any] | None = None) -> dict[str, Any]:
        """The settings of a call: its own, then those of the test's markers, the closest first, then the session's."""
        chosen = self._choice.settings
        marked = [("@pytest.mark.symmetry", mark.kwargs) for mark in self._current().iter_markers("symmetry")]
        for where, given in [*reversed(marked), ("the call", call or {})]:
            for name, value in given.items():
                if name not in SETTINGS:
                    raise SettingsError(f"{where} has no setting {name!r}; {did_you_mean(name, SETTINGS)}")
                if value is not None:
                    chosen[name] = value
        return chosen

    def _failure(self, results: Iterable[Result], settings: dict[str, Any]) -> str:
        """The diagnoses of what isn't as expected, and how to see it again."""
        item, results = self._current(), tuple(results)
        unmet = [result for result in results if not result.met]
        shown = item.config.pluginmanager.has_plugin("terminalreporter")  # not under -p no:terminal
        width = min(WIDTH, item.config.get_terminal_writer().fullwidth - len("E   ")) if shown else WIDTH
        again = ("pytest", _from_here(item), "--symcheck-seed", str(self._settings(settings)["seed"]))
        line = " ".join([shlex.join(again), *self._choice.options])
        parts = [f"{diagnosis(result, width)}\n{_advice(result, width)}" for result in unmet]
        if len(results) > 1:
            parts.insert(0, f"{len(unmet)} of {len(results)} claims are not as expected:")
        return "\n".join([*parts, f"  rerun      {line}"])


def _from_here(item: pytest.Item) -> str:
    """The test's name as pytest is given it where the session began; its own name begins at the root."""
    root, here = item.config.rootpath, item.config.invocation_params.dir
    file, *rest = item.nodeid.split("::")
    return "::".join([file if here == root else Path(os.path.relpath(root / file, here)).as_posix(), *rest])


def validated(choice: Choice) -> None:
    """UsageError unless the session's device and dtype are there."""
    import pytest

    try:
        _settings_of(choice.settings)
    except SettingsError as error:
        raise pytest.UsageError(f"symcheck: {error}") from None


def record(entries: list[dict[str, Any]], choice: Choice, *, interrupted: bool) -> Record:
    """One record of all audits of a session, in the order of the tests' names, whoever ran them in whatever order.

    Results of one name, from several tests, are told apart by the tests' names behind it.
    """
    entries = sorted(entries, key=lambda entry: str(entry["nodeid"]))
    results = [(str(entry["nodeid"]), msgspec.json.decode(entry["record"], type=Result)) for entry in entries]
    seconds = round(sum(float(entry["seconds"]) for entry in entries), 3)
    whole = Record.of([], _settings_of(choice.settings), interrupted=interrupted, seconds=seconds)
    return msgspec.structs.replace(whole, results=tuple(_told_apart(results)))


def html(record: Record) -> bytes:
    """The record as a page."""
    from symcheck.report.html import render

    return render(record).encode()


def _told_apart(results: list[tuple[str, Result]]) -> Iterator[Result]:
    count = Counter(_key(result) for _, result in results)
    seen = Counter[Any]()
    for nodeid, result in results:
        seen[nodeid, _key(result)] += 1
        again = seen[nodeid, _key(result)]
        place = nodeid if again == 1 else f"{nodeid} #{again}"
        yield msgspec.structs.replace(result, claim=f"{result.claim} ({place})") if count[_key(result)] > 1 else result


def _last_of_each(audited: list[Audited]) -> list[Audited]:
    """Of each claim the last audit that isn't as expected, or else the last, with the seconds of all."""
    kept: dict[tuple[str, str], Audited] = {}
    for one in audited:
        before = kept.get(_key(one.result))
        worse = before if before is not None and one.result.met else one
        kept[_key(one.result)] = replace(worse, seconds=one.seconds + (before.seconds if before else 0.0))
    return list(kept.values())


def _is_hypothesis(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def _settings_of(chosen: dict[str, Any]) -> Settings:
    return Settings(**chosen)


def _key(result: Result) -> tuple[str, str]:
    return result.claim, result.property_name


def _advice(result: Result, width: int) -> str:
    """What the verdict means, and what to do about a symmetry that began to hold."""
    text = {"means": "the claim can't be tested as stated: mend the claim" if result.misstated else result.verdict.meaning}
    if result.expected == "violated" and result.passed:
        text["next"] = "the symmetry holds now: claim it, without the expectation that it is violated"
    wrapped = [
        textwrap.wrap(words, max(40, width), initial_indent=f"  {label:<10} ", subsequent_indent=" " * 13)
        for label, words in text.items()
    ]
    return "\n".join(line for lines in wrapped for line in lines)


def _entry(audited: Audited) -> dict[str, Any]:
    """A result as text and numbers: a few of them by name, for summaries where torch isn't imported, and all in `record`."""
    result, worst = audited.result, audited.result.worst
    told = {
        "claim": printable(result.claim),
        "verdict": heading(result),
        "met": result.met,
        "expected": result.expected,
        "property": result.property_name,
        "differs_by": None if worst is None else worst.relative,
        "detects": result.detection_limit,
        "trials": result.trials,
        "seed": audited.seed,
        "precision": result.precision,
        "device": result.device,
        "seconds": round(audited.seconds, 3),
    }
    because, whole = printable(result.because), msgspec.json.encode(result).decode()
    return {**told, "told": json.dumps(told), "because": because, "record": whole}
