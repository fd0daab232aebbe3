"""The formats that CI reads: each says what the record says, whatever models are called, and is what its readers accept."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

import symcheck
from property_tests.test_message import CASES, steadied
from symcheck import Record, Result
from symcheck.claims import Skipped
from symcheck.cli import main
from symcheck.cli.output import FORMATS as OFFERED
from symcheck.report.formats import FORMATS, rendered

SHOWN = ("holds", "violated", "vacuous", "crashed", "misstated", "expected to be violated, not caught")


@pytest.fixture(scope="module")
def record() -> Record:
    """Results of each kind, one of them known, with what doesn't change between machines."""
    audits = [symcheck.audit(CASES[name][0], trials=64, **CASES[name][1]) for name in SHOWN]
    results = [replace(steadied(audit.results[0]), claim=name) for name, audit in zip(SHOWN, audits, strict=True)]
    known = replace(results[1], claim="violated before", known=True)
    return replace(
        audits[0],
        symcheck="1.2.3",
        results=(*results, known),
        machine={},
        seconds=1.5,
        command="symcheck audit net",
        skipped=(Skipped("left out", "--skip left*"), Skipped("not reached", "--max-time: 3 s were over", undone=True)),
        mended=("mended (equivariance): VIOLATED -> HOLDS",),
    )


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "json"])
def test_every_format(form: str, record: Record, snapshot: SnapshotAssertion) -> None:
    assert rendered(record, form) == snapshot


def test_what_cannot_be_tested_as_stated_has_no_verdict_wherever_it_is_shown(record: Record, tmp_path: Path) -> None:
    (misstated,) = (result for result in record.results if result.claim == "misstated")
    alone, saved = replace(record, results=(misstated,), skipped=(), mended=()), tmp_path / "record.json"
    saved.write_bytes(alone.json())
    table = CliRunner().invoke(main, ["report", str(saved)]).stdout
    for text in (
        table,
        misstated._repr_html_(),
        alone._repr_html_(),
        *(rendered(alone, form) for form in FORMATS if form != "json"),
    ):
        assert "MISSTATED" in text
        assert "CRASHED" not in text


def test_the_formats_offered_are_those_that_there_are() -> None:
    assert tuple(FORMATS) == OFFERED


@pytest.mark.parametrize("form", FORMATS)
def test_report_writes_what_audit_would(form: str, record: Record, tmp_path: Path) -> None:
    saved, out = tmp_path / "record.json", tmp_path / "out"
    saved.write_bytes(record.json())
    shown = CliRunner().invoke(main, ["report", str(saved), "--format", form]).stdout
    done = CliRunner().invoke(main, ["report", str(saved), "--format", form, "--to", str(out)])
    assert out.read_text() == rendered(record, form)
    assert "1 of 7 claims are as expected; 1 fails as in the baseline; 2 skipped." in done.output
    assert shown == (done.output if form == "text" else rendered(record, form))


# JUnit


def junit(record: Record) -> ElementTree.Element:
    return ElementTree.fromstring(rendered(record, "junit"))


def test_junit_counts_what_it_holds(record: Record) -> None:
    root = junit(record)
    told = {}
    for suite in root:
        kinds = [child.tag for case in suite for child in case]
        counts = {"failures": kinds.count("failure"), "errors": kinds.count("error"), "skipped": kinds.count("skipped")}
        assert {name: int(suite.attrib[name]) for name in counts} == counts
        assert int(suite.attrib["tests"]) == len(suite)
        told |= {case.attrib["name"]: [child.tag for child in case] for case in suite}
    assert told == {
        "holds (equivariance)": [],
        "violated (equivariance)": ["failure"],
        "vacuous (equivariance)": ["error"],
        "crashed (equivariance)": ["failure"],
        "misstated (equivariance)": ["error"],
        "expected to be violated, not caught (equivariance)": ["failure"],
        "violated before (equivariance)": ["skipped"],
        "left out": ["skipped"],
        "not reached": ["skipped"],
    }


# SARIF: what of its schema (version 2.1.0, errata 01) is about what we write, closed, so that a slip of the pen isn't valid.


def _closed(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


TEXT = _closed(["text"], {"text": {"type": "string"}})
STRING = {"type": "string"}
SARIF = _closed(
    ["version", "runs"],
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {
            "type": "array",
            "items": _closed(
                ["tool"],
                {
                    "tool": _closed(
                        ["driver"],
                        {
                            "driver": _closed(
                                ["name"],
                                {
                                    "name": STRING,
                                    "semanticVersion": STRING,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": _closed(["id"], {"id": STRING, "shortDescription": TEXT}),
                                    },
                                },
                            )
                        },
                    ),
                    "invocations": {
                        "type": "array",
                        "items": _closed(
                            ["executionSuccessful"], {"executionSuccessful": {"type": "boolean"}, "commandLine": STRING}
                        ),
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "properties": {"type": "object"},
                    "results": {
                        "type": "array",
                        "items": _closed(
                            ["message"],
                            {
                                "ruleId": STRING,
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": TEXT,
                                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                                "partialFingerprints": {"type": "object", "additionalProperties": STRING},
                                "locations": {
                                    "type": "array",
                                    "items": _closed(
                                        [],
                                        {
                                            "physicalLocation": _closed(
                                                ["artifactLocation"],
                                                {
                                                    "artifactLocation": _closed(
                                                        [],
                                                        {
                                                            "uri": {"type": "string", "pattern": r"^[\w./%~-]+$"},
                                                            "uriBaseId": STRING,
                                                        },
                                                    ),
                                                    "region": _closed([], {"startLine": {"type": "integer", "minimum": 1}}),
                                                },
                                            ),
                                            "logicalLocations": {
                                                "type": "array",
                                                "items": _closed([], {"fullyQualifiedName": STRING, "kind": STRING}),
                                            },
                                        },
                                    ),
                                },
                            },
                        ),
                    },
                },
            ),
        },
    },
)
VALID = Draft202012Validator(SARIF)


def test_sarif_is_as_its_schema_asks(record: Record) -> None:
    log = msgspec.json.decode(rendered(record, "sarif"))
    VALID.validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [result["ruleId"] for result in run["results"]] == [rules[result["ruleIndex"]] for result in run["results"]]
    told = {result["message"]["text"].split()[0]: (result["level"], result["baselineState"]) for result in run["results"][:-1]}
    assert told == dict.fromkeys(["VIOLATED", "VACUOUS", "CRASHED", "MISSTATED", "HOLDS"], ("error", "new"))
    assert run["results"][-1]["level"] == "note"
    assert run["results"][-1]["baselineState"] == "unchanged"
    assert "baselineState" not in rendered(replace(record, results=record.results[:-1]), "sarif")
    place = run["results"][0]["locations"][0]["physicalLocation"]
    line = Path(__file__).with_name("test_message.py").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert place["artifactLocation"]["uri"] == "property_tests/test_message.py"
    assert line.strip() == "return radius(x) + 0.1 * x[..., 0]"


@pytest.mark.parametrize(
    "path", [("version", "2.0.0"), ("runs", [{}]), ("runs", [{"tool": {"driver": {}}}]), ("$shcema", "x")], ids=str
)
def test_what_is_no_sarif_is_refused(path: tuple[str, Any], record: Record) -> None:
    assert not VALID.is_valid({**msgspec.json.decode(rendered(record, "sarif")), path[0]: path[1]})


@pytest.mark.peers
def test_a_reader_of_sarif_that_others_wrote_reads_all_of_it(record: Record) -> None:
    reader = pytest.importorskip("sarif_pydantic", reason="SARIF is read by an independent reader: pip install sarif-pydantic")
    log = msgspec.json.decode(rendered(record, "sarif"))
    read = reader.Sarif.model_validate(log).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert _left_out(log, read) == []
    log["runs"][0]["results"][0]["level"] = "catastrophic"
    with pytest.raises(ValueError, match="catastrophic"):
        reader.Sarif.model_validate(log)


def _left_out(written: Any, read: Any, path: str = "") -> list[str]:
    """Where what was read differs from what was written; what it fills in besides doesn't matter."""
    if isinstance(written, dict):
        return [gap for key in written for gap in _left_out(written[key], read.get(key), f"{path}/{key}")]
    if isinstance(written, list):
        return [gap for i, (a, b) in enumerate(zip(written, read, strict=True)) for gap in _left_out(a, b, f"{path}/{i}")]
    return [] if written == read else [path]


# Names are hostile input

HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x00\x7f\r\n%:,<>&\"']\u2028\ufffe")), max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(name=HOSTILE, because=HOSTILE, source=HOSTILE)
def test_no_name_breaks_a_format(name: str, because: str, source: str) -> None:
    result = replace(_one(), claim=name, subject=name, because=because, defined=f"{source}:3" if source else "", location=None)
    record = replace(_whole(), results=(result, replace(result, known=True)), skipped=(Skipped(name, because),))
    assert len(junit(record).findall(".//testcase")) == 3
    lines = rendered(record, "github").split("\n")
    assert [line[:9] for line in lines if line.startswith("::")] == [
        "::error f" if source else "::error t",
        "::notice ",
        "::notice ",
    ]
    assert len(lines) == 5
    assert all(character.isprintable() for line in lines for character in line)
    VALID.validate(msgspec.json.decode(rendered(record, "sarif").encode(errors="surrogatepass")))


_MADE: list[Record] = []


def _whole() -> Record:
    if not _MADE:
        _MADE.append(symcheck.audit(CASES["violated"][0], trials=16))
    return _MADE[0]


def _one() -> Result:
    return _whole().results[0]
