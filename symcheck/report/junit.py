"""The record as JUnit's XML, which CI servers show as tests: a suite a model, a case a claim."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from symcheck.report.record import Record, Result
from symcheck.report.text import diagnosis, heading, plain


def render(record: Record) -> str:
    """Failures are claims that aren't as expected, errors those that couldn't be decided or stated, each with its diagnosis.

    What fails as in the baseline, and what wasn't audited, is skipped, with the reason as its message.
    """
    root = Element("testsuites", name="symcheck", time=f"{record.seconds:.3f}")
    for subject in dict.fromkeys(result.subject for result in record.results):
        results = [result for result in record.results if result.subject == subject]
        _suite(root, plain(subject), [_case(result) for result in results])
    if record.skipped:
        _suite(root, "skipped", [_left_out(one.claim, one.reason) for one in record.skipped])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(root: Element, name: str, cases: list[Element]) -> None:
    kinds = Counter(child.tag for case in cases for child in case)
    counts = {"tests": len(cases), "failures": kinds["failure"], "errors": kinds["error"], "skipped": kinds["skipped"]}
    numbers = {key: str(count) for key, count in counts.items()}
    suite = SubElement(root, "testsuite", {"name": name, **numbers})
    suite.extend(cases)


def _case(result: Result) -> Element:
    case = Element("testcase", classname=plain(result.subject), name=plain(f"{result.claim} ({result.property_name})"))
    if result.known:
        SubElement(case, "skipped", message=plain(f"known: {result.because}"))
    elif not result.met:
        undecided = result.misstated or (result.verdict.inconclusive and result.expected != "violated")
        kind = "error" if undecided else "failure"
        SubElement(case, kind, type=heading(result), message=plain(result.because)).text = plain(diagnosis(result))
    return case


def _left_out(claim: str, reason: str) -> Element:
    case = Element("testcase", classname="skipped", name=plain(claim))
    SubElement(case, "skipped", message=plain(reason))
    return case
