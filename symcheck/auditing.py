"""Many claims, one after another: what is done, what is left out and why, and where it stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from symcheck.claims import Claim, Skipped
from symcheck.engine import Event, Judged, Outcome, Settings, run
from symcheck.errors import SymcheckError
from symcheck.journal import Journal
from symcheck.replaying import keep
from symcheck.report import Record, Result
from symcheck.report.baseline import marked, mended
from symcheck.report.record import CarriedRecord, FindingRecord


class AuditInterrupted(KeyboardInterrupt):
    """An audit that was stopped by Ctrl-C. `record` holds what was done by then."""

    def __init__(self, record: Record) -> None:
        super().__init__("the audit was interrupted")
        self.record = record


@dataclass
class Auditing:
    """An audit while it runs. See `symcheck.audit` for what its parts mean."""

    settings: Settings
    on_event: Callable[[Event], None] | None = None
    save: str | Path | None = None
    fail_fast: bool = False
    max_time: float | None = None
    baseline: Record | None = None
    journal: Journal | None = None
    layers: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    start: float = field(default_factory=lambda: time.perf_counter())

    def audited(self, claims: list[Claim]) -> Record:
        """The record of the claims. Raises AuditInterrupted on Ctrl-C."""
        try:
            for claim in claims:
                self._claim(claim)
        except KeyboardInterrupt:
            raise AuditInterrupted(self._record(interrupted=True)) from None
        return self._record(interrupted=False)

    def _claim(self, claim: Claim) -> None:
        known = self.journal.results(claim) if self.journal is not None else None
        if known is not None:
            self.results += map(self._marked, known)
        elif why := self._stop():
            self.skipped.append(Skipped(claim.id, why, undone=True))
        else:
            self._judge(claim)

    def _judge(self, claim: Claim) -> None:
        begun, outcomes, results = time.perf_counter(), list[Outcome](), list[Result]()
        for event in self._until(run([claim], self.settings)):
            if isinstance(event, Judged):
                outcomes.append(event.outcome)
                results.append(recorded(event.outcome, self.settings, self.save))
                self.results.append(self._marked(results[-1]))
            if self.on_event is not None:
                self.on_event(event)
        if self.layers and results:  # when all verdicts are kept already, should Ctrl-C come
            results = self._with_layers(claim, results)
            self.results[-len(results) :] = map(self._marked, results)
        if len(outcomes) < len(claim.properties):
            self.skipped.append(Skipped(claim.id, f"{self._time_is_up}, before its verdict", undone=True))
        elif self.journal is not None and not any(outcome.interrupted for outcome in outcomes):
            self.journal.keep(claim, tuple(results), time.perf_counter() - begun)

    def _with_layers(self, claim: Claim, results: list[Result]) -> list[Result]:
        """The results, the first of those that pass with what the layers carry: that is the same for all properties."""
        from symcheck.discovery import infer

        first = next((i for i, result in enumerate(results) if result.passed), None)
        if first is None:
            return results
        carried: tuple[CarriedRecord, ...]
        notes: tuple[str, ...]
        try:
            found = infer(claim, seed=self.settings.seed, device=self.settings.device)
        except SymcheckError as error:
            carried, notes = (), (f"what its layers carry isn't known: {error}",)
        else:
            carried, notes = tuple(map(CarriedRecord.of, found.layers)), found.notes
        findings = tuple(FindingRecord(kind="layers", severity="note", text=note) for note in notes)
        told = msgspec.structs.replace(results[first], layers=carried, findings=(*results[first].findings, *findings))
        return [*results[:first], told, *results[first + 1 :]]

    def _marked(self, result: Result) -> Result:
        return result if self.baseline is None else marked(result, self.baseline)

    def _stop(self) -> str:
        """Why no further claim is begun, or ""."""
        failed = [result for result in self.results if not result.met and not result.known] if self.fail_fast else []
        if failed:
            return f"--fail-fast: {failed[0].claim!r} failed"
        return self._time_is_up if self._late else ""

    @property
    def _late(self) -> bool:
        return self.max_time is not None and time.perf_counter() - self.start > self.max_time

    @property
    def _time_is_up(self) -> str:
        return f"--max-time: {self.max_time:g} s were over"

    def _until(self, events: Generator[Event, None, None]) -> Iterator[Event]:
        """The events until the time is up, and what an interruption still lets through: a verdict that is there already."""
        for event in events:
            yield event
            if self._late:
                yield from _ended(events)

    def _record(self, interrupted: bool) -> Record:
        seconds = time.perf_counter() - self.start + (self.journal.seconds if self.journal is not None else 0.0)
        if self.journal is not None and not interrupted and not any(one.undone for one in self.skipped):
            self.journal.done()
        record = Record.of(self.results, self.settings, interrupted=interrupted, seconds=round(seconds, 3))
        told = () if self.baseline is None else mended(record, self.baseline)
        return msgspec.structs.replace(record, skipped=tuple(self.skipped), mended=told)


def _ended(events: Generator[Event, None, None]) -> Iterator[Event]:
    try:
        yield events.throw(KeyboardInterrupt())
        yield from events
    except (KeyboardInterrupt, StopIteration):
        return


def recorded(outcome: Outcome, settings: Settings, save: str | Path | None) -> Result:
    """The outcome as it is recorded, its counterexample kept in the folder `save` if it isn't as expected."""
    result = Result.of(outcome, partial(keep, outcome, settings))
    return result if save is None or outcome.met or outcome.counterexample is None else result.kept(save)
