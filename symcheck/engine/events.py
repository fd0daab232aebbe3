"""What an audit says while it runs. The engine prints nothing: front ends do."""

from __future__ import annotations

from dataclasses import dataclass

from symcheck.claims import Claim
from symcheck.engine.outcome import Outcome


@dataclass(frozen=True)
class Probing:
    """A claim has begun: its model is loaded and probed."""

    claim: Claim


@dataclass(frozen=True)
class Measuring:
    """Trials of the claim that are done, in one precision and one phase of the check."""

    claim: Claim
    precision: str
    done: int
    total: int
    phase: str = "sweep"  # or "boundaries", "weights", "subgroups", "locate", "shrink", "ladder"


@dataclass(frozen=True)
class Judged:
    """One property of the claim has its verdict."""

    outcome: Outcome


Event = Probing | Measuring | Judged
