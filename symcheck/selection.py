"""Which claims a person means: by patterns of their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from symcheck.claims import Claim, Skipped
from symcheck.errors import SettingsError, did_you_mean


def matches(pattern: str, claim: Claim) -> bool:
    """Whether a pattern is a claim's id or its model's name. `*` stands for any text, and nothing else is special.

    >>> import torch
    >>> relu = Claim(torch.relu, "S_n", domain=torch.ones(3), inputs="permute", outputs="permute")
    >>> relu.id, [matches(pattern, relu) for pattern in ("relu", "*permute*", "re", "S_n")]
    ('relu: S_n, permute -> permute', [True, True, False, False])
    """
    words = ".*".join(map(re.escape, pattern.split("*")))
    return any(re.fullmatch(words, name, re.DOTALL) for name in (claim.id, claim.subject.name))


def meant(patterns: Iterable[str], claim: Claim) -> bool:
    """Whether one of the patterns matches the claim."""
    return any(matches(pattern, claim) for pattern in patterns)


def check(patterns: Iterable[str], claims: Sequence[Claim], where: str) -> None:
    """SettingsError if one of the patterns matches no claim: it is misspelt, or what it meant is gone."""
    for pattern in patterns:
        if not any(matches(pattern, claim) for claim in claims):
            names = [name for claim in claims for name in (claim.subject.name, claim.id)]
            near = did_you_mean(pattern, names) if names else "there are none."
            part = "" if "*" in pattern else f" A part of a name needs a *: {f'*{pattern}*'!r}"
            raise SettingsError(f"{where}: {pattern!r} matches no claim; {near}{part}")


def selected(claims: Sequence[Claim], only: Sequence[str], skip: Sequence[str]) -> tuple[list[Claim], list[Skipped]]:
    """The claims to audit, and the others with the reason."""
    check(only, claims, "--only")
    check(skip, claims, "--skip")
    reasons = [_reason(claim, only, skip) for claim in claims]
    skipped = [Skipped(claim.id, reason) for claim, reason in zip(claims, reasons, strict=True) if reason]
    return [claim for claim, reason in zip(claims, reasons, strict=True) if not reason], skipped


def _reason(claim: Claim, only: Sequence[str], skip: Sequence[str]) -> str:
    """Why the claim is left out, or ""."""
    if meant(skip, claim):
        return f"--skip {' '.join(skip)}"
    return f"not among --only {' '.join(only)}" if only and not meant(only, claim) else ""
