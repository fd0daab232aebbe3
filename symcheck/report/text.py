"""The record in plain text: a diagnosis of one result, a line for each of many."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from symcheck.engine import Verdict
from symcheck.errors import printable as printable
from symcheck.report.record import CounterexampleRecord, LeafRecord, LocationRecord, Record, Result
from symcheck.report.tensors import TensorRecord

if TYPE_CHECKING:
    from symcheck.replaying import Replayed

WIDTH = 118
LINES = 24  # of a diagnosis: a terminal's usual height
MARGIN = 13  # columns before a section's text
SHOWN = 90  # characters that a tensor's numbers may take, so that they and a word or two go on one line


class Section(NamedTuple):
    """A labelled paragraph of a diagnosis. Where there is no room, those of the highest rank are left out first."""

    label: str
    text: str
    rank: int = 0
    lines: int = 3


def diagnosis(result: Result, width: int = WIDTH) -> str:
    """All that one needs to know of one result, in at most a screen."""
    return _screen(f"{heading(result)}  {result.claim}", list(_sections(result)), width)


def _screen(heading: str, sections: list[Section], width: int) -> str:
    """A heading and its sections, of which the least needed are left out until they are no more than a screen."""
    room = LINES - 1
    whole = [_wrapped(section, width) for section in sections]
    while sum(map(len, whole)) > room and any(section.rank for section in sections):
        room = LINES - 2  # a line says so
        least = max(range(len(sections)), key=lambda i: (sections[i].rank, i))
        del sections[least], whole[least]
    lines = [line for section in whole for line in section]
    more = ["  ...        and more in the record"] if room < LINES - 1 else []
    return "\n".join([_cut(printable(heading), width), *lines, *more])


def _wrapped(section: Section, width: int) -> list[str]:
    return textwrap.wrap(
        printable(section.text),
        max(40, width),
        initial_indent=f"  {section.label:<10} ",
        subsequent_indent=" " * MARGIN,
        max_lines=section.lines,
        placeholder=" ...",
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= max(40, width) else text[: max(40, width) - 3] + "..."


def heading(result: Result) -> str:
    """The verdict's name, or MISSTATED where there is none."""
    return "MISSTATED" if result.misstated else result.verdict.name


def _sections(result: Result) -> Iterator[Section]:
    """What is claimed, the verdict and why, where and on which trial it breaks, how often and how far, what still holds."""
    if result.expected == "either":
        yield Section("tried", f"which nobody promises: {result.reason}")
        if result.met:
            yield Section("because", result.because)
            if result.location is not None:
                yield from _location(result.location)
            if result.holding and result.violating:
                yield Section("holds", f"under {_few(result.holding, 6)}")
            yield from (Section("hint", f"{hint.cause}: {hint.evidence}", rank=2, lines=2) for hint in result.hints)
            return
    allowed = f", within {result.tolerance:g} of the output's spread" if result.tolerance else ""
    claimed = f"{result.statement} for every g in {result.group}, in {result.precision} on {result.device}{allowed}"
    yield Section("claimed", claimed)
    if result.expected == "violated":
        yield Section("expected", f"to be violated: {result.reason}" + ("" if result.met else " -- but it was not caught"))
    yield Section("because", result.because)
    if result.verdict is Verdict.LIMITED and not result.passed:
        yield Section("fails", "the claim is made for float64, in which an exact symmetry would be seen to hold")
    if result.location is not None:
        yield from _location(result.location)
    yield from (Section("hint", f"{hint.cause}: {hint.evidence}", rank=2, lines=2) for hint in result.hints)
    if result.counterexample is not None:
        yield from _counterexample(result, result.counterexample)
    yield from _rates(result)
    yield from _breakdown(result)
    yield from _notes(result)
    if result.saved is not None:
        yield Section("reproduce", str(result.saved))
    elif result.counterexample is not None and "keep" in result.__dict__:
        yield Section("reproduce", "result.save() keeps the trial in .symcheck, for symcheck replay", rank=1)


def _location(found: LocationRecord) -> Iterator[Section]:
    """Which layer, when known."""
    layer, note = found.culprit, f" ({found.note})" if found.note else ""
    if layer is None:
        yield Section("layer", f"not located: {found.because}{note}", rank=3, lines=2)
        return
    at = f", {layer.place}" if layer.place else ""
    told = layer.residual is not None and layer.status == "broken"
    left = f"; {layer.residual:.2g} of its spread is left unexplained" if told else ""
    before = f", {found.before:.1g} before it" if left and found.before is not None else ""
    if found.lost is not None:  # it is still explained itself
        left, before = f": {found.lost.name}", f" at {found.lost.place}" if found.lost.place else ""
    yield Section("layer", f"{layer.name}{at}: {found.how}{left}{before}{note}")
    if found.code:
        yield Section("", found.code, rank=1, lines=1)


def _counterexample(result: Result, found: CounterexampleRecord) -> Iterator[Section]:
    if found.minimal is None:
        yield Section("example", f"g = {found.element}, on {found.region}{_part(found.relative)}")
        yield from (Section("", text, rank=4, lines=2) for text in _tensors("x", found.x))
        return
    least = found.minimal
    sizes = ", ".join(f"{name} = {size}" for name, size in least.layout.items())
    why = f" (the search for a simpler one was stopped: {least.stopped})" if least.stopped else ""
    yield Section("simplest", f"g = {least.element}{f', {sizes}' if sizes else ''}{_part(least.relative)}{why}")
    yield from (Section("", text, rank=1 + i, lines=2) for i, text in enumerate(_tensors("x", least.x)))
    at = next((i for i, leaf in enumerate(least.left) if leaf.name == least.leaf), 0)
    name = f"{least.leaf}: " if len(least.left) > 1 else ""
    yield from _sides(result.statement, name, least.left[at], least.right[at], least.difference[at])
    yield Section("example", f"g = {found.element}, on {found.region}{_part(found.relative)}", rank=3)


def _sides(statement: str, name: str, left: TensorRecord, right: TensorRecord, difference: TensorRecord) -> Iterator[Section]:
    """The two sides of an equation at one leaf, and their difference."""
    formulas = statement.split(" = ") if statement.count(" = ") == 1 else ("left side", "right side")
    digits = _digits(left, difference)
    for label, formula, side in zip(("left", "right"), formulas, (left, right), strict=True):
        yield Section(label, f"{name}{formula} = {numbers(side, digits)}", rank=1, lines=2)
    yield Section("differ", f"{name}by {numbers(difference)}", lines=2)


def _rates(result: Result) -> Iterator[Section]:
    """How often, and how far."""
    if result.violating and result.rate is not None:
        low, high = result.rate
        share = f"{low:.0%} to {high:.0%} of all such trials do (95 %)"
        yield Section("rate", f"{result.violating} of {result.random_trials} random trials violate it; {share}")
    elif result.passed and result.rate_bound is not None:
        bound = f"at most {result.rate_bound:.1%} of such trials do (95 %)"
        yield Section("rate", f"none of {result.random_trials} random trials violates it, so {bound}")
    if result.passed and result.detection_limit is not None:
        yield Section("limit", f"a violation of {result.detection_limit:.1e} of the output's spread would have been seen")
    if result.violating and result.worst is not None and len(result.worst.quantiles) == 4:
        half, most, nearly, worst = result.worst.quantiles
        text = f"half of the random trials differ by {half:.2g} or more, one in ten by {most:.2g} or more"
        yield Section("spread", f"{text}, one in a hundred by {nearly:.2g} or more, the worst by {worst:.2g}", rank=2)


def _breakdown(result: Result) -> Iterator[Section]:
    """What of it is broken, and what still holds: by precision, factor, subgroup, output."""
    if result.violating and result.slope is not None and len(result.weights) == 1:  # it is measured at the model's own weights
        errors = ", ".join(f"{r.error:.1e} in {r.precision}" for r in result.ladder if r.error is not None)
        slope = f"slope {round(result.slope, 1) + 0.0} against machine epsilon (1 is rounding, 0 a break)"
        yield Section("precision", f"the error is {errors}: {slope}", rank=2)
    for factor in result.factors if result.violating else ():
        broken = f"{factor.violating} of {factor.trials} trials violate it"
        kept = f"holds in all {factor.trials} trials"
        yield Section("factor", f"{factor.group} alone: {broken if factor.violating else kept}", rank=3)
    if result.holding and result.violating:  # of a break at chosen inputs alone, what holds at the others says nothing
        yield Section("holds", f"under {_few(result.holding, 6)}; but not under {result.group}", rank=1)
    if len(result.outputs) > 1:
        worst_first = sorted(result.outputs, key=_badness)
        for leaf in worst_first[:OUTPUTS]:
            yield Section(
                "output", f"{leaf.leaf}: {leaf.verdict.name}{_part(leaf.relative, ', differs by ', ' of its spread')}", rank=3
            )
        if len(worst_first) > OUTPUTS:
            yield Section("", f"and {len(worst_first) - OUTPUTS} more outputs that differ by less", rank=3)


OUTPUTS = 4  # outputs told apart in a diagnosis, and findings: the record has all


def _badness(leaf: LeafRecord) -> float:
    return float("-inf") if leaf.relative is None else -leaf.relative


def _notes(result: Result) -> Iterator[Section]:
    """At which weights it was judged, and what the probes noticed."""
    if result.passed and len(result.weights) > 1:
        scales = ", ".join(result.weights[1:]).replace(", perturbed by", ",")
        yield Section("weights", f"judged at its own, and {scales} of their size", rank=4)
    findings = [f for f in result.findings if f.severity == "warning" or not result.met]
    for finding in sorted(findings, key=lambda f: f.severity != "warning"):
        yield Section(finding.severity, finding.text, rank=2 if finding.severity == "warning" else 5)


def numbers(tensor: TensorRecord, digits: int = 3) -> str:
    """A tensor's numbers if they fit on a line, or else its shape and its largest entry.

    >>> import torch
    >>> numbers(TensorRecord.of("", torch.tensor([[1.0, -0.0], [0.25, 1e-7]])))
    '[[1, 0], [0.25, 1e-07]]'
    >>> numbers(TensorRecord.of("", torch.arange(600.0).reshape(3, 200)))
    '3 x 200 numbers of RMS 346, the largest 599 at [2, 199]'
    >>> numbers(TensorRecord.of("", torch.eye(200)[7]))
    '200 zeros but 1 at [7]'
    """
    write = _Writer(digits, tensor.dtype.startswith("complex"), 2.0**-50 * (tensor.rms or 0.0))
    text = write.all(tensor.values) if tensor.values is not None else ""
    if text and len(text) <= SHOWN:
        return text
    sizes = " x ".join(map(str, tensor.shape))
    if tensor.sparse is not None:
        but = ", ".join(f"{write.one(value)} at {list(place)}" for place, value in tensor.sparse)
        return f"{sizes} zeros{f' but {but}' if but else ''}"
    size = "some of them NaN or infinite" if tensor.rms is None else f"of RMS {tensor.rms:.3g}"
    return f"{sizes} numbers {size}, the largest {write.one(tensor.largest)} at {list(tensor.at)}"


@dataclass(frozen=True)
class _Writer:
    """Numbers of so many digits; whole ones as they are, complex ones from pairs, and 0 for the dust that rounding leaves."""

    digits: int
    pairs: bool
    dust: float

    def all(self, values: Any) -> str:
        inner = isinstance(values, list) and not (self.pairs and len(values) == 2 and not isinstance(values[0], list))
        return f"[{', '.join(map(self.all, values))}]" if inner else self.one(values)

    def one(self, value: Any) -> str:
        if not isinstance(value, list):
            return self.real(value)
        real, imaginary = map(self.real, value)
        return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}i"

    def real(self, value: float | bool | None) -> str:
        if value is None:
            return "NaN"
        if isinstance(value, (bool, int)):
            return str(value)
        return f"{value if abs(value) > self.dust else 0.0:.{self.digits}g}"


def _digits(side: TensorRecord, difference: TensorRecord) -> int:
    """As many as it takes to see the difference of the two sides in their numbers; no more than float64 has."""
    if not side.rms or not difference.rms:
        return 3
    return min(16, max(3, 2 + math.ceil(math.log10(side.rms / difference.rms))))


def _tensors(what: str, tensors: Sequence[TensorRecord]) -> Iterator[str]:
    for tensor in tensors[:3]:
        yield f"{tensor.name if len(tensors) > 1 or tensor.name else what} = {numbers(tensor)}"
    if len(tensors) > 3:
        yield f"and {len(tensors) - 3} more input{'s' if len(tensors) > 4 else ''}"


def _part(relative: float | None, before: str = ": ", after: str = " of the spread") -> str:
    return "" if relative is None else f"{before}{relative:.2g}{after}"


def _few(names: Sequence[str], most: int) -> str:
    return "; ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def replay_text(found: Replayed, width: int = WIDTH) -> str:
    """What became of a kept failure."""
    own = found.failure
    weights = "" if own.perturbed is None else f", with weights perturbed by {own.perturbed:g} of their size"
    sections = [
        Section("trial", f"{own.id}: g = {found.shown.element}, on {found.shown.region}{weights}"),
        Section(
            "then", f"VIOLATED in {own.precision} on {own.device}{_part(found.shown.relative, ': the two sides differed by ')}"
        ),
        Section("now", f"{found.verdict.name} in {found.precision} on {found.device}: {found.because}"),
    ]
    if found.status == "FAILED" and found.left is not None and found.right is not None and found.difference is not None:
        name = f"{found.left.name}: " if found.left.name else ""
        sections += _sides(found.statement, name, found.left, found.right, found.difference)
    if found.status == "FIXED":
        sections.append(Section("next", "symcheck audit, for the trials that weren't kept"))
    changed = [f"{name} {then}, now {found.versions.get(name)}" for name, then in own.versions.items()]
    if own.versions != found.versions:
        sections.append(Section("versions", "; ".join(changed), 2))
    return _screen(f"{found.status}  {own.claim}", sections, width)


def summary(record: Record) -> str:
    """One line a result, then what they come to."""
    lines = [f"{heading(result):<10} {mark(result)} {printable(result.claim)}" for result in record.results]
    return "\n".join([*map(printable, sources(record)), *lines, *notes(record), verdict_line(record)])


def notes(record: Record) -> list[str]:
    """What wasn't audited, with the reason, and what of the baseline is mended."""
    lines, reasons = [], dict.fromkeys(one.reason for one in record.skipped)
    for reason in reasons:
        names = [printable(one.claim) for one in record.skipped if one.reason == reason]
        lines += [f"skipped    {name}: {printable(reason)}" for name in names[:LISTED]]
        lines += [f"skipped    and {len(names) - LISTED} more: {printable(reason)}"] if len(names) > LISTED else []
    return lines + [f"mended     {printable(claim)}: leave it out of the baseline" for claim in record.mended]


LISTED = 8  # claims that are named as skipped for one reason: the record has all


def whole(record: Record) -> str:
    """The summary, and the diagnosis of each result that isn't as expected."""
    unmet = [diagnosis(result) for result in record.results if not result.met and not result.known]
    return "\n\n".join([*unmet, summary(record)])


def place(result: Result) -> tuple[str, int] | None:
    """The file and the line of what breaks the claim, or else of the model; None if neither is known."""
    culprit = result.location.culprit if result.location is not None else None
    file, _, line = ((culprit.place if culprit is not None else "") or result.defined).rpartition(":")
    return (file, int(line)) if file and re.fullmatch("0*[1-9][0-9]{,8}", line) else None


def plain(text: str) -> str:
    """Text of lines, without what would steer a terminal, or what XML has no place for."""
    return "\n".join(map(printable, text.splitlines()))


def mark(result: Result) -> str:
    """Whether the result is as expected: "ok", or what is wrong, or "known" if the baseline says so too.

    "tried" is what nobody promised.
    """
    if result.met:
        return {"violated": "caught", "either": "tried"}.get(result.expected, "ok")
    if result.known:
        return "known"
    return "NOT CAUGHT" if result.expected == "violated" else "FAILED"


def sources(record: Record) -> list[str]:
    """What claims were read from that nobody wrote, each once."""
    return list(dict.fromkeys(f"claims read from {result.source}" for result in record.results if result.source))


def carried(result: Result) -> str:
    """What the layers carry under the group, a line each."""
    from symcheck.discovery.layers import listed

    lines = listed(result.subject, result.group, [layer.cells for layer in result.layers]).splitlines()
    return "\n".join(printable(line) for line in lines)


def verdict_line(record: Record) -> str:
    """The audit in one sentence."""
    promised = [result for result in record.results if result.expected != "either"]
    tried = [result for result in record.results if result.expected == "either"]
    met, total = sum(result.met for result in promised), len(promised)
    caught = sum(result.met and result.expected == "violated" for result in promised)
    words = f"{met} of {total} claims are as expected"
    if caught:
        words += f", {caught} of them broken on purpose and caught"
    if tried and not promised:
        words = f"nothing is promised; of what was tried, {sum(result.passed for result in tried)} of {len(tried)} hold"
    elif tried:
        words += f"; of what nobody promises, {sum(result.passed for result in tried)} of {len(tried)} hold"
    if failed := [result for result in tried if not (result.met or result.known)]:
        words += f", and {len(failed)} can't be told ({', '.join(dict.fromkeys(map(heading, failed)))})"
    if known := sum(result.known for result in record.results):
        words += f"; {known} {'fails' if known == 1 else 'fail'} as in the baseline"
    if record.skipped:
        words += f"; {len(record.skipped)} skipped"
    return words + (" (interrupted before the rest)" if record.interrupted else "") + "."
