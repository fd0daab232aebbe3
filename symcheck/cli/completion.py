"""What the shell offers behind a half-typed word. torch is imported here only where names of groups or reps are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from symcheck.errors import SymcheckError

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names(*kinds: str) -> Complete:
    """The names of groups, reps, domains or properties."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from symcheck.explain import entries

        known = [name for kind in kinds for entry in entries(kind) for name in entry.names]
        return [CompletionItem(name) for name in known if name.lower().startswith(incomplete.lower())]

    return complete


def profiles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles that there are, here."""
    from symcheck.config import Config, found, read
    from symcheck.config.profiles import profiles as known

    try:
        file = found(Path())
        config = read(file) if file is not None else Config()
    except SymcheckError:  # which the command itself will report
        config = Config()
    return [CompletionItem(name) for name in known(config) if name.startswith(incomplete)]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, as the shell itself completes them."""
    return [CompletionItem(incomplete, type="file")]
