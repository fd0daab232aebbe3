"""Progress: what is done, how fast, and how long it will take, on a terminal; and nothing where there is none."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

import symcheck
from property_tests.test_selecting import CLAIMS
from symcheck.engine import Event, Judged, Loading, Measuring, Outcome, Probing, Verdict, run
from symcheck.engine.settings import Settings
from symcheck.report.terminal import PHASES, progress

CLAIM = CLAIMS[0]


def measuring(done: int, phase: str = "sweep", total: int = 400) -> Measuring:
    return Measuring(CLAIM, "float64", done, total, phase)


def judged() -> Judged:
    return Judged(Outcome(CLAIM, CLAIM.properties[0], "SO(3)", Verdict.HOLDS, "", "float32", "cpu"))


def screen(events: list[tuple[float, Event]], **options: Any) -> str:
    """The last screen that is drawn while these events come at these times, without what steers the terminal."""
    now, text = 0.0, io.StringIO()
    console = Console(file=text, width=110, height=20, **({"force_terminal": True} | options))
    with progress(4, console, lambda: now) as on_event:
        for now, event in events:  # noqa: B007 - the clock reads it
            on_event(event)
        text.truncate(0)
        text.seek(0)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.getvalue())


def test_each_phase_is_named() -> None:
    told = {type(event).__name__: screen([(1.0, event)]) for event in (Loading(CLAIM), Probing(CLAIM))}
    assert "load radii: SO(3)" in told["Loading"]
    assert "probe radii: SO(3)" in told["Probing"]
    for phase, word in PHASES.items():
        assert f"{word} float64 radii" in screen([(1.0, measuring(3, phase))])


def test_every_phase_of_an_audit_has_a_name() -> None:
    phases = {event.phase for event in run(CLAIMS, Settings(trials=8)) if isinstance(event, Measuring)}
    assert {"sweep", "structured", "search", "locate", "shrink"} <= phases <= set(PHASES)


def test_trials_a_second_and_the_time_left() -> None:
    events = [(0.0, measuring(0)), (1.0, measuring(100)), (2.0, measuring(200))]
    assert "200/400" in screen(events)
    assert "100 trials/s" in screen(events)
    assert "trials/s" not in screen(events[:1])
    assert "left -:--:--" in screen(events)
    done = [(0.0, Loading(CLAIM)), (10.0, judged()), (20.0, judged())]
    assert re.search(r"claims .* 2/4 0:00:20 left 0:00:20", screen(done))


def test_the_speed_is_that_of_the_phase() -> None:
    events = [(0.0, measuring(0)), (1.0, measuring(1000)), (2.0, measuring(0, "shrink")), (3.0, measuring(7, "shrink"))]
    assert "7 trials/s" in screen([*events, (4.0, measuring(14, "shrink"))])


def test_nothing_is_written_where_nobody_watches() -> None:
    text = io.StringIO()
    with progress(2, Console(file=text, force_terminal=False)) as on_event:
        symcheck.audit(CLAIM, trials=8, on_event=on_event)
    assert text.getvalue() == ""


@pytest.mark.parametrize("plain", [True, False])
def test_no_color(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    with progress(2, Console(file=text, force_terminal=True, width=110)) as on_event:
        on_event(measuring(3))
    colours = [
        code for code in re.findall(r"\x1b\[([0-9;]*)m", text.getvalue()) if re.search(r"(^|;)(3[0-8]|4[0-8]|9\d)(;|$)", code)
    ]
    assert bool(colours) is not plain


def test_a_hostile_name_steers_no_terminal() -> None:
    from dataclasses import replace

    told = screen([(1.0, Loading(replace(CLAIM, id="a\x1b[2J[red]b\nc")))])
    assert "load a?[2J[red]b c" in told
