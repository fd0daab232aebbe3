"""Runs all benchmarks and writes one table: `python -m property_tests.benchmarks`."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import torch

from property_tests.benchmarks import CASES
from property_tests.benchmarks.cases import Case, Figure, Row
from property_tests.benchmarks.timing import Limits, Setting, Spread
from symcheck.errors import did_you_mean

REPORTS = Path(__file__).parents[2] / "reports"
PACKAGES = ("symcheck", "torch", "e3nn", "torch_geometric", "numpy")
INTRODUCTION = """\
# Benchmarks

Each row compares two things that do the same work, in turns, in one run. The figure is the median of the ratio (or difference)
over the rounds, with its quartiles in brackets: what else the machine does hits both. Times are medians. The share of the limit
is the least time in which the machine could read, write and compute what a kernel must, over ours; a cache that is hit may
carry it past 100 %. Nothing here is a test, and figures are those of one machine.
"""


@click.command()
@click.option(
    "--quick", is_flag=True, help="On tiny inputs, one round: shows that the benchmarks run. Their figures mean nothing."
)
@click.option("--only", default="", help="The benchmarks whose names contain one of these, with commas between. Not written.")
@click.option("--device", default="cpu", type=click.Choice(["cpu", "cuda"]), show_default=True)
@click.option("--threads", type=int, default=2, show_default=True, help="Threads of torch.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the table and its JSON to this folder.")
def main(quick: bool, only: str, device: str, threads: int, out: Path | None) -> None:
    """Measure the engine and the reference models' layers against their peers; write reports/benchmarks.md and .json."""
    cases = chosen(only)
    if device == "cuda" and not torch.cuda.is_available():
        raise click.UsageError("there is no CUDA device here.")
    torch.set_num_threads(threads)
    setting = Setting(torch.device(device), quick)
    limits = Limits.measured(setting)
    rows, left = [], {}
    for case in cases:
        reason = case.lacks(setting)
        if reason:
            left[case.id] = reason
            click.echo(f"{case.id}: left out, {reason}")
            continue
        rows.append(case.measured(setting, limits))
        click.echo(f"{case.id}: {shown(rows[-1])}")
    folder = out or (None if quick or only else REPORTS)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        name = "benchmarks" if device == "cpu" else f"benchmarks-{device}"
        made = record(rows, left, limits, setting)
        (folder / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        (folder / f"{name}.md").write_text(page(rows, made), encoding="utf-8")
        click.echo(f"written: {folder / name}.md")


def chosen(only: str) -> list[Case]:
    words = only.replace(",", " ").split()
    for word in words:
        if not any(word in case.id for case in CASES):
            raise click.UsageError(f"there is no benchmark {word!r}; {did_you_mean(word, [case.id for case in CASES])}")
    return [case for case in CASES if not words or any(word in case.id for word in words)]


def quantity(value: float, unit: str) -> str:
    """Three digits: seconds as ms where they are few."""
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms" if value >= 1e-3 else f"{1e6 * value:.3g} us"


def shown(row: Row) -> str:
    """The figure with its quartiles, and its goal."""
    plain = row.case.figure in (Figure.TIMES, Figure.FASTER)
    values = (row.value.median, row.value.low, row.value.high)
    median, low, high = (f"{value:.2f}" if plain else quantity(value, row.unit) for value in values)
    if row.case.goal is None:
        return f"{median} ({low} to {high})"
    goal = f"{row.case.goal:g}" if plain else quantity(row.case.goal, row.unit)
    sign = ">=" if row.case.figure is Figure.FASTER else "<="
    return f"{median} ({low} to {high}), goal {sign} {goal}, {'met' if row.met else 'not met'}"


def cells(row: Row) -> list[str]:
    """A line of the table."""
    figure, _, goal = shown(row).partition(", goal ")
    bound, _, met = goal.partition(", ")
    limit = "" if row.limit is None else f"{100 * row.limit / row.ours.median:.0f} %"
    notes = ", ".join(f"{name} {value}" for name, value in row.notes.items())
    reason = row.case.why if row.met is False else ""
    times = quantity(row.ours.median, row.unit), quantity(row.theirs.median, row.unit)
    words = [
        row.case.what,
        row.case.against,
        *times,
        f"{row.case.figure.value}: {figure}",
        bound,
        f"**{met}**" if reason else met,
    ]
    return [*words, limit, "; ".join(filter(None, [notes, reason]))]


COLUMNS = ("what", "against", "ours", "theirs", "figure", "goal", "", "of the limit", "notes")


def page(rows: Sequence[Row], made: dict[str, Any]) -> str:
    """The table as Markdown."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *(cells(row) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    machine = made["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    left = "".join(f"- `{name}`: {reason}\n" for name, reason in made["left out"].items())
    speed = (
        f"{machine['copies, GB/s']:.1f} GB/s and multiplies float32 matrices at {machine['multiplies, GFLOP/s']:.0f} GFLOP/s"
    )
    source = (
        f"Made by `{made['command']}` on {machine['device']}, {machine['threads']} threads, which copies {speed}; {versions}."
    )
    return f"{INTRODUCTION}\n{table}\n\n" + (f"Left out:\n\n{left}\n" if left else "") + f"{source}\n"


def record(rows: Sequence[Row], left: dict[str, str], limits: Limits, setting: Setting) -> dict[str, Any]:
    """All figures, and what they follow from."""
    machine = {
        "device": processor(setting.device),
        "threads": torch.get_num_threads(),
        "copies, GB/s": round(limits.bandwidth / 1e9, 2),
        "multiplies, GFLOP/s": round(limits.peak / 1e9, 1),
    }
    options = f" --device {setting.device.type}" if setting.device.type != "cpu" else ""
    return {
        "command": f"python -m property_tests.benchmarks{options}",
        "quick": setting.quick,
        "machine": machine,
        "versions": {"python": platform.python_version(), **dict(versions())},
        "left out": left,
        "rows": {row.case.id: figures(row) for row in rows},
    }


def figures(row: Row) -> dict[str, Any]:
    def spread(s: Spread) -> list[float]:
        return [float(f"{value:.4g}") for value in (s.median, s.low, s.high)]

    return {
        "what": row.case.what,
        "against": row.case.against,
        "unit": row.unit,
        "ours": spread(row.ours),
        "theirs": spread(row.theirs),
        "figure": row.case.figure.value,
        "value": spread(row.value),
        "rounds": row.rounds,
        "goal": row.case.goal,
        "met": row.met,
        "limit": row.limit,
        "notes": dict(row.notes),
    }


def processor(device: torch.device) -> str:
    """What the device is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    known = Path("/proc/cpuinfo")
    named = [line for line in known.read_text().splitlines() if line.startswith("model name")] if known.exists() else []
    return named[0].partition(":")[2].strip() if named else platform.processor() or platform.machine()


def versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    main()
