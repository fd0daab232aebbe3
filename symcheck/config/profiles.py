"""Profiles: settings of an audit under one name, those that come with symcheck and those of a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symcheck.config.tables import Config, Profile
from symcheck.errors import SettingsError, did_you_mean

DEFAULTS: Mapping[str, Any] = {"seed": 0, "trials": 256, "device": "cpu", "dtype": None, "perturb": None}
PROFILES: Mapping[str, Profile] = {
    "dev": Profile(trials=64, perturb=False),  # while one edits: no perturbed weights
    "ci": Profile(trials=256),  # what `symcheck.check` does
    "deep": Profile(trials=2048, perturb=True),  # before a release
}


def profiles(config: Config) -> dict[str, dict[str, Any]]:
    """What each profile sets. One of a known name changes what it says of it, and leaves the rest."""
    names = {**PROFILES, **config.profiles}
    known: Mapping[str, Mapping[str, Profile]] = {"symcheck": PROFILES, "config": config.profiles}
    return {n: {key: v for own in known.values() if n in own for key, v in own[n].given().items()} for n in names}


def profile(config: Config, name: str) -> dict[str, Any]:
    """What the profile of that name sets. SettingsError if there is none.

    >>> profile(Config(), "dev")
    {'trials': 64, 'perturb': False}
    """
    known = profiles(config)
    if name not in known:
        raise SettingsError(f"there is no profile {name!r}; {did_you_mean(name, known)}")
    return known[name]
