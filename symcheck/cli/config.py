"""`symcheck init` and `symcheck config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from symcheck.cli import completion
from symcheck.cli.given import Given, claim_options
from symcheck.cli.guard import unwritten, write


@click.command()
@click.argument("target", shell_complete=completion.files)
@claim_options
@click.option(
    "-o",
    "--to",
    type=click.Path(path_type=Path),
    default="symcheck.toml",
    show_default=True,
    help="The file to write. One that is there isn't changed.",
)
def init(target: str, weights: str | None, trust_code: bool, to: Path, **claim: Any) -> None:
    """Write a first config for TARGET.

    It has the claims that TARGET states, or that are given here. symcheck audit without TARGET then audits what it names.
    """
    from msgspec import UNSET

    from symcheck import subjects
    from symcheck.config import ModelTable
    from symcheck.config.stated import claim as stated
    from symcheck.config.writing import first

    unwritten("--to", to, "init")
    source: dict[str, Any] = {"weights": weights, "trust_code": trust_code}
    table = Given(**claim).table()
    if table is not None:
        stated(subjects.subject(target, **source), table)  # say now what is wrong with it
        ids = []
    else:
        ids = [one.id for one in subjects.claims(target, **source)]
    model = ModelTable(target=target, weights=weights or "", claims=[table] if table is not None else [])
    assert table is None or table.shapes is not UNSET
    write("--to", to, first(model, ids).encode(errors="replace"), "Nothing is written.")
    trusted = " --trust-code" if trust_code else ""
    many = f"{len(ids) or 1} {'claim' if len(ids) < 2 else 'claims'}"
    where = "" if to.name == "symcheck.toml" and not to.parent.parts else f" --config {to}"
    click.echo(f"{to} has {many} of {target}. Audit: symcheck audit{where}{trusted}")


@click.group()
def config() -> None:
    """Say what the config of this folder comes to, and what one may say."""


@config.command()
def schema() -> None:
    """Print the JSON Schema of a config.

    Editors take it to complete and check one.
    """
    from symcheck.config import tables

    click.echo(tables.schema(), nl=False)


@config.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="The config. [default: the one of this folder]")
@click.option("--profile", help="As with symcheck audit --profile.", shell_complete=completion.profiles)
def show(file: Path | None, profile: str | None) -> None:
    """Print the effective config.

    It has what the file says, and what holds where the file says nothing, and reads as the same config.
    """
    from msgspec.structs import replace

    from symcheck.config import Config, found, read
    from symcheck.config import profile as known
    from symcheck.config.writing import effective

    place = file or found(Path())
    whole = read(place) if place is not None else Config()
    whole = replace(whole, profile=profile) if profile else whole
    known(whole, whole.profile)
    click.echo(f"# {place or 'no config file is here: the defaults'}\n{effective(whole)}", nl=False)
