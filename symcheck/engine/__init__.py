"""The engine: plan, draw, measure, judge, and of what is violated say where. It yields events and prints nothing."""

from symcheck.engine.events import Event, Judged, Loading, Measuring, Probing
from symcheck.engine.evidence import Evidence
from symcheck.engine.judge import Judgement, judge
from symcheck.engine.outcome import (
    Counterexample,
    FactorFigures,
    Figures,
    Finding,
    Hint,
    Layer,
    Location,
    Minimal,
    Outcome,
    Point,
    Profile,
    Rung,
)
from symcheck.engine.policy import Policy
from symcheck.engine.run import examine, run
from symcheck.engine.settings import Settings
from symcheck.engine.verdict import Verdict

__all__ = [
    "Counterexample",
    "Event",
    "Evidence",
    "FactorFigures",
    "Figures",
    "Finding",
    "Hint",
    "Judged",
    "Judgement",
    "Layer",
    "Loading",
    "Location",
    "Measuring",
    "Minimal",
    "Outcome",
    "Point",
    "Policy",
    "Probing",
    "Profile",
    "Rung",
    "Settings",
    "Verdict",
    "examine",
    "judge",
    "run",
]
