"""One record of several: of audits of other claims, with the same settings."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from symcheck.errors import RecordError
from symcheck.report.record import Record, Result

SETTINGS = ("symcheck", "seed", "trials", "device", "dtype")


def merged(records: Sequence[tuple[str, Record]]) -> Record:
    """The record of all results, in the order of the records, which are given with what errors call them.

    Results that are in several are kept once. RecordError if they differ, or if the settings of two records do.
    """
    first_name, first = records[0]
    for name, record in records[1:]:
        _same_settings(first_name, first, name, record)
    found: dict[tuple[str, str], tuple[str, Result]] = {}
    for name, record in records:
        for result in record.results:
            other, known = found.setdefault((result.claim, result.property_name), (name, result))
            _same(other, known, name, result)
    results = tuple(result for _, result in found.values())
    every = [record for _, record in records]
    done = {result.claim for result in results}
    skipped = {one.claim: one for record in every for one in record.skipped if one.claim not in done}
    return replace(
        first,
        results=results,
        interrupted=any(record.interrupted for record in every),
        machine=_machines(every),
        seconds=round(sum(record.seconds for record in every), 3),
        command=" && ".join(dict.fromkeys(record.command for record in every if record.command)),
        skipped=tuple(skipped.values()),
        mended=tuple(dict.fromkeys(one for record in every for one in record.mended)),
    )


def _same_settings(first_name: str, first: Record, name: str, record: Record) -> None:
    for key in SETTINGS:
        was, is_ = getattr(first, key), getattr(record, key)
        if was != is_:
            what = {"symcheck": "version of symcheck", "trials": "number of trials"}.get(key, key)
            raise RecordError(
                f"the {what} is {was!r} in {first_name} and {is_!r} in {name}: one record has one. Audit again with the same."
            )


def _same(other: str, known: Result, name: str, result: Result) -> None:
    differ = [key for key in Result.__struct_fields__ if key != "saved" and getattr(known, key) != getattr(result, key)]
    if differ:
        told = ", ".join(differ[:3]) + (f" and {len(differ) - 3} more" if len(differ) > 3 else "")
        raise RecordError(
            f"{result.claim!r} ({result.property_name}) has other results in {name} than in {other}: its {told} differ. "
            f"Leave out one of the files, or audit again."
        )


def _machines(records: Sequence[Record]) -> dict[str, str]:
    """What the numbers were computed on: where the machines differ, each."""
    keys = dict.fromkeys(key for record in records for key in record.machine)
    return {key: "; ".join(dict.fromkeys(r.machine[key] for r in records if key in r.machine)) for key in keys}
