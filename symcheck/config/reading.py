"""Reading a config file. Nothing in it is taken for granted: each error says the file, the key and what was expected there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from symcheck.config.profiles import profile
from symcheck.config.tables import Config, Table
from symcheck.errors import ConfigError, SettingsError, did_you_mean, nearest

OWN, PROJECT = "symcheck.toml", "pyproject.toml"
SHOWN = 60  # characters of a wrong value: enough to find it
WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def found(folder: Path) -> Path | None:
    """The config file of a folder, or None. ConfigError if there are two, of which one would go unread."""
    own, project = folder / OWN, folder / PROJECT
    if own.exists() and project.is_file() and _project(project) is not None:
        raise ConfigError(f"both {OWN} and [tool.symcheck] of {PROJECT} are there. Keep one of them.")
    if own.exists():
        return own
    return project if project.is_file() and _project(project) is not None else None


def read(path: Path) -> Config:
    """The config in a file: `[tool.symcheck]` of one that is called pyproject.toml, or else the whole file."""
    table, where = (_project(path), "tool.symcheck") if path.name == PROJECT else (_toml(path), "")
    if table is None:
        raise ConfigError(f"{path} has no [tool.symcheck]. Write one: symcheck init TARGET")
    config: Config = Reader(str(path)).table(Config, table, where)
    try:
        profile(config, config.profile)
    except SettingsError as error:
        raise ConfigError(f"{path}: {_joined(where, 'profile')}: {error}") from None
    return config


def _project(path: Path) -> Any:
    """`[tool.symcheck]`, or None."""
    try:
        if b"symcheck" not in path.read_bytes():
            return None
    except OSError:
        pass  # which reading it as TOML reports
    tool = _toml(path).get("tool", {})
    return tool.get("symcheck") if isinstance(tool, dict) else None


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}. Name a file: --config FILE") from None
    try:
        found: dict[str, Any] = tomllib.loads(text.decode())
        return found
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"{path} is no TOML: {why.rstrip('.')}. Mend it there.") from None


class Reader:
    """Turns what TOML holds into tables, and says where what isn't as it should be stands."""

    def __init__(self, file: str) -> None:
        self.file = file

    def table(self, kind: type[Any], value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise self._wrong(where, value, "a table.")
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for key in value:
            if key not in fields:
                place = f"{where} has" if where else "there is"
                raise ConfigError(f"{self.file}: {place} no setting {key!r}; {did_you_mean(key, fields)}")
        for name, field in fields.items():
            if field.required and name not in value:
                raise ConfigError(f"{self.file}: {where} has no {name!r}. {_advice(name, field.type)}")
        return kind(**{key: self._made(fields[key].type, one, _joined(where, key)) for key, one in value.items()})

    def _made(self, kind: Any, value: Any, where: str) -> Any:
        """The value as that type. Tables in lists and tables are read one by one, so that errors name their place."""
        inner = get_args(kind)
        if get_origin(kind) is list and isinstance(value, list) and _is_table(inner[0]):
            return [self.table(inner[0], one, f"{where}[{i}]") for i, one in enumerate(value)]
        if get_origin(kind) is dict and isinstance(value, dict) and _is_table(inner[1]):
            return {key: self.table(inner[1], one, _joined(where, key)) for key, one in value.items()}
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise self._wrong(*_place(where, value, kind, str(error))) from None
        except (ValueError, RecursionError) as error:
            raise self._wrong(where, value, f"something else ({error}).") from None

    def _wrong(self, where: str, value: Any, expected: str) -> ConfigError:
        text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else repr(value)
        text = str(text)
        told = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        return ConfigError(f"{self.file}: {where} is {told}; expected {expected}")


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)


def _joined(where: str, key: str) -> str:
    """`models[0].target`; keys that TOML needs quotes for in quotes."""
    name = key if re.fullmatch(r"[\w-]+", key, re.ASCII) else repr(key)
    return f"{where}.{name}" if where else name


def _choices(kind: Any) -> list[str]:
    """The words that a type takes."""
    inner = get_args(kind)
    return list(inner) if get_origin(kind) is Literal else [word for one in inner for word in _choices(one)]


def _advice(name: str, kind: Any) -> str:
    examples = {
        "target": 'target = "mypkg.net:build"',
        "group": 'group = "SO(3)"',
        "inputs": 'inputs = ["vector"]',
        "outputs": 'outputs = "scalar"',
        "claims": 'claims = ["net.build: *"]',
        "reason": 'reason = "zero padding"',
    }
    return f"For example: {examples[name]}"


def _place(where: str, value: Any, kind: Any, error: str) -> tuple[str, Any, str]:
    """Where in a value an error of msgspec is, what stands there, and what is expected, in words."""
    text, _, path = error.partition(" - at `$")
    for index in re.findall(r"\[(\d+)\]", path):
        where, value = f"{where}[{index}]", value[int(index)]
    if "[...]" in path:  # a key that isn't told
        where = f"an entry of {where}"
    if text.startswith("Invalid enum value"):
        near = nearest(value, _choices(kind))
        return where, value, f"one of {', '.join(_choices(kind))}{f'; {near}' if near else '.'}"
    expected = re.sub(r"^Expected ", "", text.partition(", got")[0])
    expected = re.sub(r"`([^`]*)`", lambda m: " or ".join(WORDS.get(w.strip(), w.strip()) for w in m[1].split("|")), expected)
    return where, value, f"{expected.replace('of length >= 1', 'that is not empty')}."
