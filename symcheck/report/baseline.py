"""A baseline: an older record, whose violations are known. New ones alone fail an audit."""

from __future__ import annotations

from msgspec.structs import replace

from symcheck.report.record import Record, Result
from symcheck.report.text import heading


def marked(result: Result, baseline: Record) -> Result:
    """The result, marked as known if it fails in the baseline too, with the same verdict. One that crashes now is new."""
    same = [old for old in baseline.results if _fails_alike(old, result)]
    return replace(result, known=True) if same and not result.misstated else result


def mended(record: Record, baseline: Record) -> tuple[str, ...]:
    """The claims that fail in the baseline and are as expected now, with what became of them."""
    old = {(one.claim, one.property_name): one for one in baseline.results if not one.met}
    now = [(one, old[key]) for one in record.results if one.met and (key := (one.claim, one.property_name)) in old]
    return tuple(f"{one.claim} ({one.property_name}): {heading(was)} -> {heading(one)}" for one, was in now)


def _fails_alike(old: Result, new: Result) -> bool:
    same = (old.claim, old.property_name, old.verdict) == (new.claim, new.property_name, new.verdict)
    return same and not old.met and not new.met
