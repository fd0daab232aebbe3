"""What an audit says while it runs. The engine prints nothing: front ends do."""

from __future__ import annotations

from dataclasses import dataclass

from symcheck.claims import Claim
from symcheck.engine.outcome import Outcome


@dataclass(frozen=True)
class Loading:
    """A claim has begun: its model is loaded, or built."""

    claim: Claim


@dataclass(frozen=True)
class Probing:
    """The model of a claim is there, and is probed: is it deterministic, does it take the inputs, does rho fit?"""

    claim: Claim


@dataclass(frozen=True)
class Measuring:
    """Trials of the claim that are done, in one precision and one phase of the check.

    The phases: "sweep" over random inputs, "structured" over those with names, which are of the same sweep, "search",
    "boundaries", "weights", "subgroups", "locate", "shrink" and "ladder".
    """

    claim: Claim
    precision: str
    done: int
    total: int
    phase: str = "sweep"


@dataclass(frozen=True)
class Judged:
    """One property of the claim has its verdict."""

    outcome: Outcome


Event = Loading | Probing | Measuring | Judged
