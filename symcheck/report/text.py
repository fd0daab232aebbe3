"""The record in plain text: a diagnosis of one result, a line for each of many."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from symcheck.engine import Verdict
from symcheck.report.record import Record, Result

WIDTH = 118


def printable(text: str) -> str:
    """A name or a message from a model on one line, without the control characters that would steer a terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def diagnosis(result: Result, width: int = WIDTH) -> str:
    """All that one needs to know of one result, in at most a screen."""
    lines = [printable(f"{_heading(result)}  {result.claim}")]
    for label, text in _sections(result):
        lines += textwrap.wrap(printable(text), max(40, width), initial_indent=f"  {label:<10} ", subsequent_indent=" " * 13)
    return "\n".join(lines)


def _heading(result: Result) -> str:
    return "MISSTATED" if result.misstated else result.verdict.name


def _sections(result: Result) -> Iterator[tuple[str, str]]:
    allowed = f", within {result.tolerance:g} of the output's spread" if result.tolerance else ""
    yield "claimed", f"{result.statement} for every g in {result.group}, in {result.precision} on {result.device}{allowed}"
    if result.expected == "violated":
        yield "expected", f"to be violated: {result.reason}" + ("" if result.met else " -- but it was not caught")
    yield "because", result.because
    if result.verdict is Verdict.LIMITED and not result.passed:
        yield "fails", "the claim is made for float64, in which an exact symmetry would be seen to hold"
    if result.counterexample is not None:
        found = result.counterexample
        size = "" if found.relative is None else f": {found.relative:.2g} of the spread"
        yield "example", f"g = {found.element}, on {found.region}{size}"
    if result.violating and result.rate is not None:
        low, high = result.rate
        share = f"{low:.0%} to {high:.0%} of all such trials do (95 %)"
        yield "rate", f"{result.violating} of {result.random_trials} random trials violate it; {share}"
    elif result.passed and result.rate_bound is not None:
        bound = f"at most {result.rate_bound:.1%} of such trials do (95 %)"
        yield "rate", f"none of {result.random_trials} random trials violates it, so {bound}"
    if result.passed and result.detection_limit is not None:
        yield "limit", f"a violation of {result.detection_limit:.1e} of the output's spread would have been seen"
    if result.violating and result.worst is not None and len(result.worst.quantiles) == 4:
        half, most, nearly, worst = result.worst.quantiles
        text = f"half of the random trials differ by {half:.2g} or more, one in ten by {most:.2g} or more"
        yield "spread", f"{text}, one in a hundred by {nearly:.2g} or more, the worst by {worst:.2g}"
    for factor in result.factors if result.violating else ():
        broken = f"{factor.violating} of {factor.trials} trials violate it"
        yield "factor", f"{factor.group} alone: {broken if factor.violating else f'holds in all {factor.trials} trials'}"
    if result.violating and result.slope is not None:
        errors = ", ".join(f"{r.error:.1e} in {r.precision}" for r in result.ladder if r.error is not None)
        yield "precision", f"the error is {errors}: slope {round(result.slope, 1) + 0.0} against machine epsilon (1 is rounding, 0 a break)"
    if len(result.outputs) > 1:
        for leaf in result.outputs:
            size = "" if leaf.relative is None else f", differs by {leaf.relative:.1e} of its spread"
            yield "output", f"{leaf.leaf}: {leaf.verdict.name}{size}"
    if result.passed and len(result.weights) > 1:
        yield "weights", f"judged at its own, and {', '.join(result.weights[1:]).replace(', perturbed by', ',')} of their size"
    for finding in result.findings:
        if finding.severity == "warning" or not result.met:
            yield finding.severity, finding.text


def summary(record: Record) -> str:
    """One line a result, then what they come to."""
    lines = [f"{_heading(result):<10} {mark(result)} {printable(result.claim)}" for result in record.results]
    return "\n".join([*lines, verdict_line(record)])


def mark(result: Result) -> str:
    """Whether the result is as expected: "ok", or what is wrong."""
    if result.met:
        return "caught" if result.expected == "violated" else "ok"
    return "NOT CAUGHT" if result.expected == "violated" else "FAILED"


def verdict_line(record: Record) -> str:
    """The audit in one sentence."""
    met = sum(result.met for result in record.results)
    total = len(record.results)
    caught = sum(result.met and result.expected == "violated" for result in record.results)
    words = f"{met} of {total} claims are as expected"
    if caught:
        words += f", {caught} of them broken on purpose and caught"
    return words + (" (interrupted before the rest)" if record.interrupted else "") + "."
