"""Writing a config: as TOML that reads as the same config."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from symcheck.config.profiles import DEFAULTS, profiles
from symcheck.config.tables import Config, ModelTable, Profile
from symcheck.errors import printable


def toml(config: Config) -> str:
    """The config, less what is as it would be anyhow.

    >>> print(toml(Config(profiles={"my own": Profile(trials=32)})), end="")
    [profiles."my own"]
    trials = 32
    """
    return _written(msgspec.to_builtins(config))


def effective(config: Config) -> str:
    """The config as TOML with what it leaves out: the profile, and each of the settings of all profiles that there are."""
    whole = {name: {**DEFAULTS, **own} for name, own in profiles(config).items()}
    known = {name: Profile(**{key: v for key, v in own.items() if v is not None}) for name, own in whole.items()}
    return _written({"profile": config.profile, **msgspec.to_builtins(msgspec.structs.replace(config, profiles=known))})


def first(model: ModelTable, stated: list[str]) -> str:
    """A first config: one model, with the claims that it states itself in comments."""
    lines = [f"# {printable(line)}" for line in stated]
    told = ["", "# Claims that the target states itself:", *lines] if lines else []
    return "# What `symcheck audit` audits, and how.\n\n" + toml(Config(models=[model])) + "\n".join([*told, ""])


def discovered(model: ModelTable, wordless: list[str]) -> str:
    """A config of the claims that were found of a model, and in comments those that no words state."""
    told = toml(Config(models=[model])) if model.claims else ""
    lines = [f"# {printable(line)}" for line in wordless]
    heads = (
        ["# These hold too, and have no words in a config; symcheck discover --claims found.py writes them:"] if lines else []
    )
    return "\n".join(["# What `symcheck discover` found, for `symcheck audit`.", "", told, *heads, *lines]).rstrip("\n") + "\n"


def _written(values: Mapping[str, Any]) -> str:
    return "\n".join(_table(values, ())).lstrip("\n") + "\n"


def _table(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table: its values, then the tables in it, each under its header."""
    inside = {key: value for key, value in values.items() if _has_header(value, path)}
    for key, value in values.items():
        if key not in inside:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inside.items():
        name = ".".join(map(_key, (*path, key)))
        for one in value if isinstance(value, list) else [value]:
            if name != "profiles":  # which holds tables alone
                yield from ("", f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            yield from _table(one, (*path, key))


def _has_header(value: Any, path: tuple[str, ...]) -> bool:
    """Lists of tables, and tables but those of names within a claim, which are written in a line."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict) and path[:1] != ("models",)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(one)}' for key, one in value.items())} }}"
    return json.dumps(value)


def _text(text: str) -> str:
    """A string of TOML: that of JSON, but that one control character needs an escape there too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
