"""Errors are sentences, and exit codes say whose they are."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import click

from symcheck.errors import ConfigError, SettingsError, SymcheckError, printable


class Guarded(click.Group):
    """A group of commands whose errors are sentences: what a person can mend exits with 2, what we must with 3."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SymcheckError as error:
            click.echo(f"symcheck: {printable(str(error))}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("symcheck: interrupted before it was done", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if told := _mendable(error):
                click.echo(f"symcheck: {told}", err=True)
                ctx.exit(2)
            click.echo(f"{traceback.format_exc()}\nsymcheck: the error above is symcheck's own. Please report it.", err=True)
            ctx.exit(3)


def _mendable(error: Exception) -> str:
    """What to say of an error that a person can mend, though it isn't ours: its kind and its text alone tell it from others."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error)):
        return "there isn't the memory for this. Give smaller shapes, or fewer trials."
    if isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "embedded null" in str(error)):
        return f"a name has a character in it that none can have: {printable(str(error))}. Check what was given."
    if "torch" not in sys.modules:  # and so none of the user's code has run
        return ""
    from symcheck._source import own_error

    own = own_error(error)
    return f"the code that was named {printable(own)}" if own else ""


def in_a_folder(option: str, file: Path | None) -> None:
    """Say now what would fail after a long audit."""
    if file is not None and not file.parent.is_dir():
        raise SettingsError(f"{option} {file}: there is no folder {str(file.parent)!r}. Make it first.")
    if file is not None and file.is_dir():
        raise SettingsError(f"{option} {file} is a folder. Name a file in it.")
    if file == Path("-"):
        raise SettingsError(
            f"{option} - names no file. Name one; audit and report write to standard output by --format without --to."
        )


def unwritten(option: str, file: Path, command: str) -> None:
    """Say now that a file wouldn't be written: one that is there isn't changed, nor is a second config put beside one."""
    from symcheck.config import found
    from symcheck.config.reading import OWN, PROJECT

    in_a_folder(option, file)
    there = file if file.exists() or file.name != OWN else found(file.parent)
    if there is not None and (there.exists() or file.name == PROJECT):
        raise ConfigError(
            f"{there} is not for {command} to write: it may hold other things. Add to it, or name another: {option} FILE"
        )


def write(option: str, file: Path, text: bytes, lost: str) -> None:
    """Write a file, or say what is lost."""
    try:
        file.write_bytes(text)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{option} {file}: {getattr(error, 'strerror', None) or error}. {lost}") from None
