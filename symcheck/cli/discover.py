"""The commands that look for symmetries: `symcheck discover` and `symcheck infer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from symcheck.cli import completion
from symcheck.cli.given import OPTIONS, shape
from symcheck.cli.guard import unwritten, write
from symcheck.errors import SettingsError, printable

if TYPE_CHECKING:
    from symcheck.claims import Claim
    from symcheck.discovery import Discovery

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
@click.option(
    "--claims",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write what holds as claims to this new file: a config if its name ends in .toml, else Python.",
)
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

    given = _Given(target, shapes, weights, trust_code)
    if file is not None:
        unwritten("--claims", file, "discover")
        given.check(file)
    model, domain = subject_and_inputs(target, shapes, weights, trust_code)
    found = search(model, domain, finite=not connected, **settings)
    click.echo("\n".join(printable(line) for line in str(found).splitlines()))
    if file is not None:
        text, said = given.config(found) if _is_config(file) else given.python(found)
        write("--claims", file, text.encode(errors="replace"), "The search is done, but its claims aren't saved.")
        click.echo(f"{file} has {said.format(file=file)}")
    sys.exit(0)


class _Given(NamedTuple):
    """Which model was searched, and on which inputs, as the command line says it."""

    target: str
    shapes: tuple[str, ...]
    weights: str | None
    trust_code: bool

    def check(self, file: Path) -> None:
        """Say now what would fail after the search: a config names one model, not a module whose first claim has it."""
        from symcheck import subjects

        if _is_config(file):
            subjects.subject(self.target, weights=self.weights, trust_code=self.trust_code)

    def config(self, found: Discovery) -> tuple[str, str]:
        """What holds as a config, and what to say of it."""
        from symcheck.config import ModelTable
        from symcheck.config.worded import worded
        from symcheck.config.writing import discovered

        tables = {claim.id: worded(claim) for claim in found.claims}
        wordless = [name for name, table in tables.items() if table is None]
        model = ModelTable(
            target=self.target, weights=self.weights or "", claims=[table for table in tables.values() if table is not None]
        )
        left = f" {len(wordless)} {'has' if len(wordless) == 1 else 'have'} no words there." if wordless else ""
        trusted = " --trust-code" if self.trust_code else ""
        said = f"{_many(len(model.claims))} of {self.target}.{left} Audit: symcheck audit --config {{file}}{trusted}"
        return discovered(model, wordless), said

    def python(self, found: Discovery) -> tuple[str, str]:
        """What holds as claims in Python, and what to say of it."""
        said = f"{_many(len(found.claims))} of {self.target}. Audit: symcheck audit {{file}}"
        return found.source(self._head()), said

    def _head(self) -> list[str]:
        """The lines of Python that define the model and its inputs."""
        options = {"weights": self.weights, "trust_code": self.trust_code}
        named = ", ".join([repr(self.target), *(f"{name}={value!r}" for name, value in options.items() if value)])
        if not self.shapes:
            stated = f"claims({named})[0]"
            return ["from symcheck.subjects import claims", "", f"MODEL = {stated}.subject", f"EXAMPLE = {stated}.domain"]
        example = f"Joint({', '.join(f'Tensors({tuple(shape(text))!r})' for text in self.shapes)})"
        lines = ["from symcheck.domains import Joint, Tensors", "from symcheck.subjects import subject", ""]
        return [*lines, f"MODEL = subject({named})", f"EXAMPLE = {example}"]


def _is_config(file: Path) -> bool:
    return file.suffix == ".toml"


def _many(claims: int) -> str:
    return f"{claims} {'claim' if claims == 1 else 'claims'}"


def subject_and_inputs(target: str, shapes: tuple[str, ...], weights: str | None, trust_code: bool) -> tuple[Any, Any]:
    """The model that a target names, and a domain: of the shapes that are given, else that of the first claim about it."""
    from symcheck import subjects
    from symcheck.domains import Joint, Tensors

    if shapes:
        return subjects.subject(target, weights=weights, trust_code=trust_code), Joint(
            *(Tensors(tuple(shape(s))) for s in shapes)
        )
    claim = first_claim(target, weights, trust_code, "the shape of each of its inputs, such as --shape 8,3")
    return claim.subject, claim.domain


def first_claim(target: str, weights: str | None, trust_code: bool, needed: str) -> Claim:
    """The first claim that a target states or its framework promises; SettingsError asks for what is needed without one."""
    from symcheck import subjects
    from symcheck.errors import SymcheckError

    try:
        return subjects.claims(target, weights=weights, trust_code=trust_code)[0]
    except SymcheckError as error:
        subjects.subject(target, weights=weights, trust_code=trust_code)  # says what is wrong with the target, if that is
        raise SettingsError(f"{target} claims nothing that tells its inputs. Give {needed}.") from error


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
    from symcheck.discovery import infer as search

    given = {"--group": group, "--shape": shapes, "--input": inputs}
    missing = [option for option, value in given.items() if not value]
    if len(missing) == len(given):
        needed = 'a group, and the shape and the rep of each input, such as --group "SO(3)" --shape 8,3 --input vector'
        found = search(first_claim(target, weights, trust_code, needed), **settings)
    elif group is None or missing:
        gone = " and ".join(missing)
        raise SettingsError(f"--group acts on what --shape and --input tell, one for each input. Give {gone} too.")
    elif len(shapes) != len(inputs):
        raise SettingsError(
            f"there are {len(shapes)} of --shape and {len(inputs)} of --input. Give one of both for each input, in its order."
        )
    else:
        model, domain = subject_and_inputs(target, shapes, weights, trust_code)
        found = search(model, domain, group=group, inputs=tuple(inputs), **settings)
    click.echo("\n".join(printable(line) for line in str(found).splitlines()))
