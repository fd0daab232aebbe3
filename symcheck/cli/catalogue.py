"""`symcheck list` and `symcheck explain`."""

from __future__ import annotations

import click

from symcheck.cli import completion


@click.command(name="list")
@click.argument("kind", type=click.Choice(["groups", "reps", "domains", "properties"]))
def list_(kind: str) -> None:
    """List the groups, reps, domains or properties that there are."""
    from symcheck.explain import entries
    from symcheck.report.terminal import console, listing

    listing([(", ".join(entry.names), entry.summary) for entry in entries(kind)], console())


@click.command()
@click.argument("name", nargs=-1, required=True, shell_complete=completion.names("groups", "reps", "domains", "properties"))
def explain(name: tuple[str, ...]) -> None:
    """Explain a group, rep, domain, property or verdict.

    NAME is as in a claim, or as in symcheck list. It says its law, an example, and its usual ways to break.
    """
    from symcheck.explain import explain as explained

    click.echo(explained(" ".join(name)))
