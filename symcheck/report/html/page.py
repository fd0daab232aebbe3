"""What the page shows, in words and numbers, from the record alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from symcheck.engine import Verdict
from symcheck.report.changes import Change, changes, conditions
from symcheck.report.html import charts, layers
from symcheck.report.html.charts import Chart, Drawing, number, percent
from symcheck.report.html.lattice import Lattice, lattice, small
from symcheck.report.html.tensors import Scene, pretty, scenes
from symcheck.report.record import CounterexampleRecord, FindingRecord, LeafRecord, Record, Result
from symcheck.report.text import heading, mark, numbers, printable, verdict_line

# What the page has room for: a record of thousands of claims stays a file that a mail takes and a browser opens. What is
# left out is counted on the page, and is in the record.
DRAWN = 100  # violations told with charts and tensors
SECTIONS = 240  # violations told at all, the others in words alone
LAYERS = 100  # rows of a table of layers
READ = 60  # claims whose layers are told
HELD = 400  # claims whose evidence is told
MODELS = 40  # in rows of their own: more are told by families, which are what stands before the dot
ROWS, COLUMNS, GROUPS = 150, 10, 40  # of the matrix
LISTED = 300  # findings, and lines of what was not tested
NAMED = 20  # claims that were skipped for one reason
RAW = 300_000  # bytes of the record itself
FEW = 3  # models whose weights' hashes stand with the environment
NAME = 160  # characters of a name


class Row(NamedTuple):
    """A claim in the table. Places on the log axis are percents of its length."""

    id: str
    link: str
    claim: str
    verdict: str
    css: str
    mark: str
    met: bool
    error: str
    sort: float
    floor_at: float | None
    error_at: float | None
    limit: str
    limit_at: float | None
    change: str


@dataclass(frozen=True)
class Tile:
    """A cell of the matrix: how often each verdict was given to a model under a group, and a link to the worst claim."""

    group: str
    words: str
    counts: tuple[tuple[str, str], ...]
    css: str
    met: bool
    link: str


@dataclass(frozen=True)
class Matrix:
    """Models by groups; `None` where nothing was claimed. `sparse`: too many groups for columns, so that rows list theirs."""

    groups: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Tile | None, ...]], ...]
    left_out: str
    sparse: bool
    families: bool


@dataclass(frozen=True)
class Violation:
    """A claim that is violated, raised, or gave no numbers: all that the record knows of it."""

    id: str
    claim: str
    verdict: str
    css: str
    mark: str
    met: bool
    claimed: str
    expected: str
    because: str
    meaning: str
    weights: str
    element: str
    simplest: str
    scenes: tuple[Scene, ...]
    example: str
    inputs: tuple[str, ...]
    charts: tuple[Chart, ...]
    hints: tuple[str, ...]
    holding: tuple[str, ...]
    holding_drawn: Drawing | None
    holding_more: int
    outputs: tuple[tuple[str, ...], ...]
    findings: tuple[FindingRecord, ...]
    replay: str
    change: str
    drawn: bool


@dataclass(frozen=True)
class Page:
    """The whole report."""

    title: str
    headline: str
    good: bool
    sentences: tuple[str, ...]
    tallies: tuple[tuple[str, str, int], ...]
    matrix: Matrix
    environment: tuple[tuple[str, str], ...]
    lattice: Lattice
    rows: tuple[Row, ...]
    violations: tuple[Violation, ...]
    violations_left_out: int
    evidence: tuple[tuple[str, ...], ...]
    evidence_left_out: int
    carried: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    carried_left_out: int
    untested: tuple[str, ...]
    findings: tuple[tuple[str, str, str], ...]
    findings_left_out: int
    raw: str
    raw_size: int
    compared: bool
    changes: tuple[Change, ...]
    changes_left_out: int
    conditions: tuple[str, ...]

    @classmethod
    def of(cls, record: Record, against: Record | None) -> Page:
        results = record.results
        different = changes(record, against) if against else ()
        marks = {change.key: change.kind for change in different}
        told = [(i, r) for i, r in enumerate(results) if _broken(r)]
        shown = sorted(told, key=lambda pair: pair[1].met)[:SECTIONS]
        held = [r for r in results if r.passed]
        read = [r for r in results if r.layers]
        found = [(short(r.claim), f.severity, short(f.text, 600)) for r in results for f in r.findings]
        text = msgspec.json.encode(record).replace(b'{"claim":', b'\n{"claim":').decode()
        linked = {i for i, _ in shown}
        return cls(
            title=verdict_line(record),
            headline=headline(record),
            good=bool(results) and all(r.met for r in results) and not record.interrupted,
            sentences=tuple(_sentences(record)),
            tallies=_tallies(results),
            matrix=_matrix(results, linked),
            environment=tuple(_environment(record)),
            lattice=lattice(
                [msgspec.structs.replace(r, group=short(r.group), holding=tuple(map(short, r.holding))) for r in results]
            ),
            rows=tuple(_row(i, r, i in linked, marks.get((r.claim, r.property_name), "")) for i, r in enumerate(results)),
            violations=tuple(
                _violation(i, r, marks.get((r.claim, r.property_name), ""), n < DRAWN) for n, (i, r) in enumerate(shown)
            ),
            violations_left_out=len(told) - len(shown),
            evidence=tuple(_evidence(r) for r in held[:HELD]),
            evidence_left_out=max(0, len(held) - HELD),
            carried=tuple((short(r.claim), _carried(r)) for r in read[:READ]),
            carried_left_out=max(0, len(read) - READ),
            untested=tuple(_untested(record)),
            findings=tuple(found[:LISTED]),
            findings_left_out=max(0, len(found) - LISTED),
            raw=text if len(text) <= RAW else "",
            raw_size=len(text),
            compared=against is not None,
            changes=different[:LISTED],
            changes_left_out=max(0, len(different) - LISTED),
            conditions=conditions(record, against) if against else (),
        )


def short(text: str, most: int = NAME) -> str:
    """A name on one line, without what would steer its direction; of a very long one the start, saying how long it is."""
    text = printable(text)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


_GLYPHS = {
    Verdict.HOLDS: "✓",
    Verdict.LIMITED: "≈",
    Verdict.VACUOUS: "○",
    Verdict.UNSTABLE: "?",
    Verdict.IMPRECISE: "~",
    Verdict.VIOLATED: "✕",
    Verdict.NONFINITE: "∞",
    Verdict.CRASHED: "!",
}
_SEVERITY = tuple(Verdict)
_SAID = {
    Verdict.HOLDS: "true, to rounding",
    Verdict.LIMITED: "true in single precision only",
    Verdict.VACUOUS: "undecided: the check is vacuous",
    Verdict.UNSTABLE: "undecided: the model is unstable",
    Verdict.IMPRECISE: "imprecise",
    Verdict.VIOLATED: "violated",
    Verdict.NONFINITE: "undecided: the output is not finite",
    Verdict.CRASHED: "undecided: the model crashed",
}


def headline(record: Record) -> str:
    """The audit in one line."""
    unmet = [r for r in record.results if not r.met]
    total = sum(result.expected != "either" for result in record.results)
    if not record.results:
        return "Nothing was audited"
    if not total and not unmet:
        return f"Nothing is promised; of what was tried, {sum(r.passed for r in record.results)} of {len(record.results)} hold"
    if not unmet:
        return f"All {total} claims are as expected" if total > 1 else "The claim is as expected"
    verb = "is" if len(unmet) == 1 else "are"
    counted = total + sum(result.expected == "either" for result in unmet)  # what is only tried counts where it crashed
    return f"{len(unmet)} of {counted} claims {verb} not as expected"


def _sentences(record: Record) -> Iterator[str]:
    """What the headline comes to."""
    results = record.results
    if record.interrupted:
        yield "The audit was interrupted: what it did by then is here."
    passed = sum(r.passed for r in results)
    if passed:
        held = _count(passed, "claimed symmetry holds", "claimed symmetries hold")
        yield f"{held}: no trial differs by more than rounding, or what the claim allows, explains."
    caught = sum(r.met and r.expected == "violated" for r in results)
    if caught:
        yield f"{_count(caught, 'model that was broken on purpose was', 'models that were broken on purpose were')} caught."
    missed = sum(not r.met and r.expected == "violated" for r in results)
    if missed:
        yield f"{_count(missed, 'model that was broken on purpose was', 'models that were broken on purpose were')} not caught."
    known = sum(r.known for r in results)
    if known:
        yield f"{_count(known, 'claim fails', 'claims fail')} as in the baseline, which is no news."
    failed = [r for r in results if not r.met and r.expected != "violated"]
    misstated = sum(r.misstated for r in failed)
    if misstated:
        yield f"{_count(misstated, 'claim', 'claims')} could not be tested as stated."
    for verdict in _SEVERITY:
        count = sum(r.verdict is verdict and not r.misstated for r in failed)
        if count:
            yield f"{_count(count, 'claim is', 'claims are')} {_SAID[verdict]}. {verdict.meaning}"


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _tallies(results: Sequence[Result]) -> tuple[tuple[str, str, int], ...]:
    """The class, the name and the number of each verdict that occurs."""
    counts = [
        (f"v-{v.value}", f"{_GLYPHS[v]} {v.name}", sum(r.verdict is v and not r.misstated for r in results)) for v in _SEVERITY
    ]
    counts.append(("v-misstated", "! MISSTATED", sum(r.misstated for r in results)))
    return tuple(tally for tally in counts if tally[2])


def _css(result: Result) -> str:
    return "v-misstated" if result.misstated else f"v-{result.verdict.value}"


def _broken(result: Result) -> bool:
    """Whether there is a section to tell of it: it's violated, or isn't as expected."""
    return result.verdict in (Verdict.VIOLATED, Verdict.NONFINITE, Verdict.CRASHED, Verdict.IMPRECISE) or not result.met


def _matrix(results: Sequence[Result], linked: set[int]) -> Matrix:
    families = len({r.subject for r in results}) > MODELS
    cells: dict[tuple[str, str], list[int]] = {}
    for i, result in enumerate(results):
        name = result.subject.partition(".")[0] if families else result.subject
        cells.setdefault((name, result.group), []).append(i)
    models = list(dict.fromkeys(subject for subject, _ in cells))
    groups = list(dict.fromkeys(group for _, group in cells))
    sparse = len(groups) > COLUMNS
    by_model: dict[str, dict[str, Tile]] = {model: {} for model in models[:ROWS]}
    for (model, group), which in cells.items():
        if model in by_model:
            by_model[model][group] = _tile(results, which, linked)
    rows = tuple((short(model, 60), _cells(found, groups, sparse)) for model, found in by_model.items())
    more = len(models) - len(rows)
    left_out = f"{more} more {'families' if families else 'models'}" if more else ""
    return Matrix(tuple(short(g, 40) for g in groups) if not sparse else (), rows, left_out, sparse, families)


def _cells(found: dict[str, Tile], groups: Sequence[str], sparse: bool) -> tuple[Tile | None, ...]:
    return tuple(found.values())[:GROUPS] if sparse else tuple(found.get(group) for group in groups)


def _tile(results: Sequence[Result], which: Sequence[int], linked: set[int]) -> Tile:
    worst = max(which, key=lambda i: (not results[i].met, _SEVERITY.index(results[i].verdict)))
    found = [results[i] for i in which]
    told = [(v, sum(r.verdict is v for r in found)) for v in _SEVERITY]
    counts = tuple((f"v-{v.value}", f"{_GLYPHS[v]} {n}" if n > 1 else _GLYPHS[v]) for v, n in told if n)
    marks = Counter(f"{heading(r)} ({mark(r)})" for r in found)
    words = ", ".join(f"{n} {name}" if n > 1 else name for name, n in marks.items())
    link = f"#claim-{worst}" if worst in linked else f"#row-{worst}"
    group = short(results[worst].group, 40)
    return Tile(group, words, counts, _css(results[worst]), all(r.met for r in found), link)


def _environment(record: Record) -> Iterator[tuple[str, str]]:
    results = record.results
    yield "symcheck", record.symcheck
    yield "seed", str(record.seed)
    yield "trials", f"{record.trials} random ones a claim, besides structured inputs"
    yield "device", record.device
    precisions = ", ".join(sorted({r.precision for r in results if r.precision and not r.misstated})) or "none"
    yield "precision", record.dtype or f"each model's own: {precisions}"
    yield from ((short(key, 40), short(value)) for key, value in record.machine.items())
    yield "model calls", f"{sum(r.calls for r in results):,} on {sum(r.evaluations for r in results):,} inputs"
    yield "time", f"{record.seconds:,.1f} s"
    for file in dict.fromkeys(file for r in results for file in r.files):
        yield "SHA-256 of " + short(file.path, 60), file.sha256
    known = {short(r.subject): r.fingerprint for r in results if r.fingerprint}
    if 0 < len(known) <= FEW:
        yield (
            "SHA-256 of the weights",
            ", ".join(known.values() if len(known) == 1 else (f"{n}: {h}" for n, h in known.items())),
        )
    elif known:
        yield "SHA-256 of the weights", f"of {len(known)} models, each with its claims"
    if record.command:
        yield "command", short(record.command, 1000)
        return
    yield (
        "to run it again, TARGET being the models",
        f"symcheck audit TARGET --seed {record.seed} --trials {record.trials} --device {record.device}"
        + (f" --dtype {record.dtype}" if record.dtype else ""),
    )


def _scaled(value: float | None, leaf: LeafRecord) -> float | None:
    """A number in the output's units as part of its spread."""
    scale = leaf.signal or leaf.magnitude
    return value / scale if value is not None and scale else None


def _row(i: int, result: Result, linked: bool, change: str) -> Row:
    worst = result.worst
    relative = worst.relative if worst else None
    return Row(
        id=f"row-{i}",
        link=f"#claim-{i}" if linked else "",
        claim=short(result.claim) + ("" if result.property_name == "equivariance" else f" ({result.property_name})"),
        verdict=heading(result),
        css=_css(result),
        mark=mark(result),
        met=result.met,
        error=number(relative),
        sort=relative if relative is not None and math.isfinite(relative) else -1.0,
        floor_at=percent(_scaled(worst.floor, worst)) if worst else None,
        error_at=percent(relative),
        limit=number(result.detection_limit),
        limit_at=percent(result.detection_limit),
        change=change,
    )


def _violation(i: int, result: Result, change: str, drawn: bool) -> Violation:
    found = result.counterexample
    least = found.minimal if found else None
    tree = small(result) if drawn else None
    tolerance = f", within {result.tolerance:g} of the output's spread" if result.tolerance else ""
    claimed = (
        f"{pretty(result.statement)} for every g in {short(result.group)}, in {result.precision} on {result.device}{tolerance}"
    )
    why = {"violated": "Broken on purpose", "either": "Tried, though nobody promises it"}.get(result.expected)
    twin = f"{why}: {short(result.reason, 400)}" if why else ""
    sizes = ", ".join(f"{short(name, 40)} = {size}" for name, size in least.layout.items()) if least else ""
    return Violation(
        id=f"claim-{i}",
        claim=short(result.claim),
        verdict=heading(result),
        css=_css(result),
        mark=mark(result),
        met=result.met,
        claimed=claimed,
        expected=twin,
        because=short(result.because, 1500),
        meaning="" if result.misstated else result.verdict.meaning,
        weights=_weights(result),
        element=short(least.element, 400) if least else "",
        simplest=_simplest(sizes, least.relative, least.evaluations, least.stopped) if least else "",
        scenes=scenes(least, result.statement) if least and drawn else (),
        example=_example(found) if found else "",
        inputs=tuple(f"{short(x.name, 60)} = {numbers(x)}" for x in found.x[:6]) if found and not least else (),
        charts=tuple(_charts(result)) if drawn else (),
        hints=tuple(short(f"{hint.cause}: {hint.evidence}", 600) for hint in result.hints[:6]),
        holding=tuple(map(short, result.holding)),
        holding_drawn=tree[0] if tree else None,
        holding_more=len(tree[1]) if tree else 0,
        drawn=drawn,
        outputs=tuple(_output(leaf) for leaf in result.outputs[:12]) if len(result.outputs) > 1 else (),
        findings=tuple(msgspec.structs.replace(f, text=short(f.text, 600)) for f in result.findings),
        replay=short(str(result.saved), 400) if result.saved else "",
        change=change,
    )


def _weights(result: Result) -> str:
    """Those that the verdict was found at."""
    last = result.weights[-1:]
    perturbed = "" if last in ((), ("own",)) else f", {short(last[0], 60)}"
    return f"its own (SHA-256 {short(result.fingerprint, 64)}){perturbed}" if result.fingerprint else perturbed.lstrip(", ")


def _simplest(sizes: str, relative: float | None, evaluations: int, stopped: str) -> str:
    how = f"the search was stopped: {stopped}" if stopped else "nothing simpler breaks it"
    by = "" if relative is None else f", where the sides differ by {number(relative)} of the output's spread"
    return f"The simplest of its kind found{f': {sizes}' if sizes else ''}{by} ({how}; {evaluations:,} evaluations)."


def _example(found: CounterexampleRecord) -> str:
    by = "" if found.relative is None else f": the sides differ by {number(found.relative)} of the output's spread"
    return f"First seen at g = {short(found.element, 400)}, on {short(found.region)}{by}."


def _output(leaf: LeafRecord) -> tuple[str, ...]:
    only = f"only at {', '.join(map(short, leaf.only_at[:6]))}" if leaf.only_at else ""
    return short(leaf.leaf, 60) or "output", leaf.verdict.name, number(leaf.relative), number(leaf.detection_limit), only


def _charts(result: Result) -> Iterator[Chart]:
    limit = result.detection_limit
    quantiles = result.worst.quantiles if result.worst else ()
    drawn = (
        layers.chart(result.location),
        charts.profile(result.profile, limit) if result.profile else None,
        charts.spread(quantiles, limit),
        charts.ladder(result.ladder, result.slope),
        charts.rate(result) if result.violating else None,
        charts.factors(result.factors),
    )
    yield from (chart for chart in drawn if chart is not None)


def _evidence(result: Result) -> tuple[str, ...]:
    """A claim that holds: how far it differs, what would have been seen, how often at most, at which weights."""
    bound = f"{result.rate_bound:.1%}" if result.rate_bound is not None else "–"  # noqa: RUF001
    slope = "–" if result.slope is None else f"{round(result.slope, 1) + 0.0:.1f}"  # noqa: RUF001
    error = result.worst.relative if result.worst else None
    own = f"own ({result.fingerprint})" if result.fingerprint else "own"
    weights = ", ".join(result.weights).replace("own", own, 1).replace(", perturbed by", ",")
    return (
        short(result.claim),
        heading(result),
        number(error),
        number(result.detection_limit),
        str(result.random_trials),
        bound,
        slope,
        weights,
    )


def _carried(result: Result) -> tuple[tuple[str, ...], ...]:
    """A row for each layer: its name, kind and shape, and what it carries."""
    return tuple(tuple(short(cell, 200) for cell in layer.cells) for layer in result.layers[:LAYERS])


def _skipped(record: Record) -> Iterator[str]:
    """The claims that weren't audited, by the reason."""
    for reason in dict.fromkeys(one.reason for one in record.skipped):
        names = [one.claim for one in record.skipped if one.reason == reason]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"Skipped ({short(reason, 200)}): {'; '.join(short(name) for name in names[:NAMED])}{more}."


def _untested(record: Record) -> Iterator[str]:
    """What a reader might take for tested, and wasn't."""
    results = record.results
    yield from _skipped(record)
    if not results:
        yield "Anything: the record has no claims."
        return
    if record.interrupted:
        yield "The claims after the interruption."
    yield from _undecided(results)
    known = [r.detection_limit for r in results if r.passed and r.detection_limit is not None]
    if known:
        limits = f"{number(min(known))} to {number(max(known))} of an output's spread"
        yield f"Violations smaller than the detection limits, {limits}."
    bounds = [r.rate_bound for r in results if r.passed and r.rate_bound is not None]
    if bounds:
        rare = f"one in {round(1 / max(bounds)):,} random trials or more"
        yield f"Violations rarer than {rare}: each claim's bound is in its evidence."
    own = sum(len(r.weights) == 1 for r in results if r.passed)
    if own:
        yield f"Other weights than the model's own, for {_count(own, 'claim that holds', 'claims that hold')}."
    yield f"Other devices than {record.device}, and other sizes of the inputs than those drawn."
    rungs = [(r, rung) for r in results for rung in r.ladder if rung.error is None]
    reasons = dict.fromkeys(f"{rung.precision}: {short(rung.because, 200)}" for _, rung in rungs)
    if rungs:
        shown = "; ".join(list(reasons)[:6])
        yield f"Some precisions, on {_count(len({id(r) for r, _ in rungs}), 'claim', 'claims')} ({shown})."


def _undecided(results: Sequence[Result]) -> Iterator[str]:
    undecided = [
        r for r in results if r.verdict.inconclusive or r.misstated or r.verdict in (Verdict.CRASHED, Verdict.NONFINITE)
    ]
    yield from (f"{short(r.claim)}: {heading(r)}, {short(r.because, 300)}." for r in undecided[:LISTED])
    if len(undecided) > LISTED:
        yield f"{len(undecided) - LISTED} more claims that gave no answer."
    empty = _leaves(r for r in results if r not in undecided[:LISTED] and r.passed)
    yield from empty


def _leaves(results: Iterable[Result]) -> Iterator[str]:
    for result in results:
        for leaf in result.outputs:
            if leaf.verdict is Verdict.VACUOUS:
                yield f"Output {short(leaf.leaf, 60)} of {short(result.claim)}: {short(leaf.because, 300)}."
