"""The record as SARIF 2.1.0, the format in which code scanning takes what a tool found.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import msgspec

from symcheck.engine import Verdict
from symcheck.report.record import Record, Result
from symcheck.report.text import diagnosis, heading, place, plain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
MISSED = "NOT_CAUGHT"


def render(record: Record) -> str:
    """One run: a rule a verdict, a result for each claim that isn't as expected, at the line that breaks it if that is known.

    Results of the baseline are `unchanged` and noted, others `new`, where there is a baseline.
    """
    unmet = [result for result in record.results if not result.met]
    rules = list(dict.fromkeys(map(_rule_id, unmet)))
    driver = {"name": "symcheck", "semanticVersion": record.symcheck, "rules": list(map(_rule, rules))}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not record.interrupted, **_command_line(record)}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, rules, any(one.known for one in unmet)) for result in unmet],
        "properties": {"claims": len(record.results), "skipped": [f"{one.claim}: {one.reason}" for one in record.skipped]},
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _command_line(record: Record) -> dict[str, str]:
    return {"commandLine": plain(record.command)} if record.command else {}


def _rule_id(result: Result) -> str:
    return MISSED if result.expected == "violated" and not result.misstated else heading(result)


def _rule(name: str) -> dict[str, Any]:
    meanings = {
        MISSED: "A model that is broken on purpose was not caught, or a symmetry that was expected to be violated holds.",
        "MISSTATED": "The claim can't be tested as stated.",
    }
    return {"id": name, "shortDescription": {"text": meanings.get(name) or Verdict[name].meaning}}


def _result(result: Result, rules: list[str], compared: bool) -> dict[str, Any]:
    words = f"{result.claim}\0{result.property_name}".encode(errors="replace")
    found: dict[str, Any] = {
        "ruleId": _rule_id(result),
        "ruleIndex": rules.index(_rule_id(result)),
        "level": "note" if result.known else "error",
        "message": {"text": plain(diagnosis(result))},
        "locations": [_location(result)],
        "partialFingerprints": {"claim/v1": hashlib.sha256(words).hexdigest()},
    }
    return found | ({"baselineState": "unchanged" if result.known else "new"} if compared else {})


def _location(result: Result) -> dict[str, Any]:
    name = {"logicalLocations": [{"fullyQualifiedName": plain(result.subject), "kind": "function"}]}
    where = place(result)
    if where is None:
        return name
    file, line = where
    at = {"artifactLocation": {"uri": quote(file), "uriBaseId": "%SRCROOT%"}, "region": {"startLine": line}}
    return {"physicalLocation": at, **name}
