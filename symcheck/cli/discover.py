"""The commands that look for symmetries: `symcheck discover` and `symcheck infer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from symcheck.cli import completion
from symcheck.cli.given import OPTIONS, shape
from symcheck.errors import SettingsError, printable

_, SHAPE, INPUT, _, WEIGHTS, TRUST_CODE = OPTIONS

DISCOVER_CODES = """\b
Exit codes:
  0    done, whatever was found
  2    usage error, or a model that can't be loaded or doesn't run on such inputs
  3    an error inside symcheck
"""


@click.command(epilog=DISCOVER_CODES)
@click.argument("target", shell_complete=completion.files)
@SHAPE
@WEIGHTS
@TRUST_CODE
@click.option("--connected", is_flag=True, help="Connected groups alone: leave out the search for finite symmetries.")
@click.option("--trials", type=int, default=64, show_default=True, help="Trials by which each symmetry found is audited.")
@click.option("--seed", type=int, default=0, show_default=True, help="All random numbers follow from it.")
@click.option("--device", default="cpu", show_default=True, help="Where to run the model: cpu, cuda, cuda:1.")
@click.option("--claims", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write what holds as claims in Python.")
def discover(
    target: str,
    shapes: tuple[str, ...],
    weights: str | None,
    trust_code: bool,
    connected: bool,
    file: Path | None,
    **settings: Any,
) -> None:
    """Find the symmetries that a model has, without a claim.

    TARGET is a model, as for symcheck audit. Its inputs are --shape, or else those of the first claim that it states. Each
    symmetry that is told was audited: nothing is told that doesn't hold. TARGET's code is imported and run.
    """
    from symcheck.discovery import discover as search

    model, domain = subject_and_inputs(target, shapes, weights, trust_code)
    found = search(model, domain, finite=not connected, **settings)
    click.echo("\n".join(printable(line) for line in str(found).splitlines()))
    if file is not None:
        _write(file, found.source(_head(target, shapes)))
    sys.exit(0)


def _head(target: str, shapes: tuple[str, ...]) -> list[str]:
    """The lines of Python that define the model and its inputs."""
    if not shapes:
        imported, example = "from symcheck.subjects import claims", f"claims({target!r})[0].domain"
        return [imported, "", f"MODEL = claims({target!r})[0].subject", f"EXAMPLE = {example}"]
    example = f"Joint({', '.join(f'Tensors({tuple(shape(text))!r})' for text in shapes)})"
    lines = ["from symcheck.domains import Joint, Tensors", "from symcheck.subjects import subject", ""]
    return [*lines, f"MODEL = subject({target!r})", f"EXAMPLE = {example}"]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise SettingsError(f"--claims {file}: {error.strerror}. The search is done, but its claims aren't saved.") from None


def subject_and_inputs(target: str, shapes: tuple[str, ...], weights: str | None, trust_code: bool) -> tuple[Any, Any]:
    """The model that a target names, and a domain: of the shapes that are given, else that of the first claim about it."""
    from symcheck import subjects
    from symcheck.domains import Joint, Tensors
    from symcheck.errors import SymcheckError

    if shapes:
        return subjects.subject(target, weights=weights, trust_code=trust_code), Joint(
            *(Tensors(tuple(shape(s))) for s in shapes)
        )
    try:
        claim = subjects.claims(target, weights=weights, trust_code=trust_code)[0]
    except SymcheckError as error:
        raise SettingsError(f"{target} states no claims to take inputs from ({error}) Give the --shape of each.") from None
    return claim.subject, claim.domain


@click.command(epilog=DISCOVER_CODES)
@click.argument("target", shell_complete=completion.files)
@click.option(
    "--group",
    help='The group that acts on the inputs, such as "SO(3)". [default: that of the first claim]',
    shell_complete=completion.names("groups"),
)
@SHAPE
@INPUT
@WEIGHTS
@TRUST_CODE
@click.option("--seed", type=int, default=0, show_default=True, help="All random numbers follow from it.")
@click.option("--device", default="cpu", show_default=True, help="Where to run the model: cpu, cuda, cuda:1.")
def infer(
    target: str,
    group: str | None,
    shapes: tuple[str, ...],
    inputs: tuple[str, ...],
    weights: str | None,
    trust_code: bool,
    **settings: Any,
) -> None:
    """Tell which irreps the hidden layers of a model carry.

    TARGET is a model, with --group, --shape and --input, or states a claim from which they are taken. Its code is imported and
    run.
    """
    from symcheck import subjects
    from symcheck.discovery import infer as search

    if not any([group, shapes, inputs]):
        found = search(subjects.claims(target, weights=weights, trust_code=trust_code)[0], **settings)
    elif group is None or len(shapes) != len(inputs) or not shapes:
        raise SettingsError("A group needs to know what it acts on: give --group, and --shape and --input for every input.")
    else:
        model, domain = subject_and_inputs(target, shapes, weights, trust_code)
        found = search(model, domain, group=group, inputs=tuple(inputs), **settings)
    click.echo("\n".join(printable(line) for line in str(found).splitlines()))
