"""The command. torch and what needs it are imported when a command runs, so that `--help` is quick."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from symcheck import __version__
from symcheck.errors import SettingsError, SymcheckError, printable

if TYPE_CHECKING:
    from symcheck.claims import Claim
    from symcheck.report import Record

EXIT_CODES = """\b
Exit codes:
  0    every claim is as expected
  1    a claim isn't: a symmetry is violated, or a broken twin isn't caught
  2    usage error, or a model or claim that can't be loaded or stated
  3    an error inside symcheck
  4    a claim could not be decided (VACUOUS, UNSTABLE)
  130  interrupted; what was done by then is shown and saved
"""
REPLAY_CODES = """\b
Exit codes:
  0    FIXED: the trial no longer violates the claim
  1    FAILED: it does
  2    ERROR: the failure can't be read, its model is gone, or it can't be told
  3    an error inside symcheck
"""


class _Guarded(click.Group):
    """A group of commands whose errors are sentences: what a person can mend exits with 2, what we must with 3."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SymcheckError as error:
            click.echo(f"symcheck: {printable(str(error))}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("symcheck: interrupted before anything was audited", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:
            click.echo(f"{traceback.format_exc()}\nsymcheck: the error above is symcheck's own. Please report it.", err=True)
            ctx.exit(3)


@click.group(cls=_Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="symcheck")
def main() -> None:
    """Verify the symmetries of neural networks, without a tolerance."""
    # Before torch starts its threads: small models call them often, and where cores are busy their spinning doubles the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@main.command(epilog=EXIT_CODES)
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option("--twins", is_flag=True, help="Audit the broken twins too: each must be caught.")
@click.option("--group", help='What to claim of a model without CLAIMS: its group, such as "SO(3)".')
@click.option(
    "--shape", "shapes", multiple=True, help="The shape of an input, less its batch axis, such as 8,3. Repeat for each."
)
@click.option("--input", "inputs", multiple=True, help='The rep of an input, such as vector or "8x0e+4x1o". Repeat for each.')
@click.option("--output", "outputs", multiple=True, help="The rep of an output. Repeat if the model returns a tuple.")
@click.option("--weights", metavar="FILE", help="Weights for TARGET: safetensors, or a file of torch.save. Runs no code of it.")
@click.option("--trust-code", is_flag=True, help="Read files that can run code: .pt2, TorchScript, pickled models.")
@click.option("--trials", type=int, default=256, show_default=True, help="Trials a claim, each an input and a group element.")
@click.option("--seed", type=int, default=0, show_default=True, help="All random numbers follow from it.")
@click.option("--device", default="cpu", show_default=True, help="Where to run the models: cpu, cuda, cuda:1.")
@click.option("--dtype", help="The precision of the claims: float64, float32, bfloat16, float16. [default: each model's own]")
@click.option(
    "--perturb/--own-weights", default=None, help="Judge at perturbed weights too. [default: models that a factory builds]"
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the record to this file.")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file.")
@click.option(
    "--failures",
    "save",
    type=click.Path(file_okay=False, path_type=Path),
    default=".symcheck",
    show_default=True,
    help="Keep the trials that fail in this folder, for symcheck replay.",
)
def audit(
    targets: tuple[str, ...],
    twins: bool,
    group: str | None,
    shapes: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    weights: str | None,
    trust_code: bool,
    json_file: Path | None,
    html_file: Path | None,
    **settings: Any,
) -> None:
    """Audit models for the symmetries that are claimed of them.

    TARGET is a module or package that states CLAIMS (models, models.cnn), one model in it (models.cnn:classifier), or any
    model with the claim given here: a model or factory in a module or a Python file, or a file that holds a model:

    \b
      symcheck audit mypkg.net:build --shape 8,3 --group "SO(3)" --input vector --output scalar
      symcheck audit path/to/net.py:build --weights net.safetensors --shape 8,3 --group ...
      symcheck audit net.onnx --shape 8,3 --group ...
      symcheck audit net.pt2 --trust-code --shape 8,3 --group ...

    A TARGET that is Python is imported and run. Files that hold code are read with --trust-code alone.
    """
    from msgspec.structs import replace

    from symcheck import subjects

    for option, file in (("--json", json_file), ("--html", html_file)):  # say now what would fail after a long audit
        if file is not None and not file.parent.is_dir():
            raise SettingsError(f"{option} {file}: there is no folder {str(file.parent)!r}. Make it first.")
    if weights is not None and len(targets) > 1:
        raise SettingsError(f"--weights {weights} is for one TARGET, and there are {len(targets)}. Audit them one by one.")
    source: dict[str, Any] = {"weights": weights, "trust_code": trust_code}
    if any([group, shapes, inputs, outputs]):
        claims = [_given(target, source, group, shapes, inputs, outputs) for target in targets]
    else:
        claims = [claim for target in targets for claim in subjects.claims(target, twins=twins, **source)]
        claims = list({id(claim): claim for claim in claims}.values())  # a package and one of its modules name the same ones
    record, code = _audited(claims, settings)
    record = replace(record, command=_command(click.get_current_context()))
    if json_file is not None:
        _write("--json", json_file, record.json(), "The audit is done, but its record isn't saved.")
    if html_file is not None:
        from symcheck.report.html import render

        _write("--html", html_file, render(record).encode(), "The audit is done, but its report isn't saved.")
    sys.exit(code)


def _command(ctx: click.Context) -> str:
    """The command as it was given, less the files that it writes."""
    words = ["symcheck", "audit", *ctx.params["targets"]]
    for option in ctx.command.params:
        given = option.name is not None and ctx.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name in ("targets", "json_file", "html_file", "save") or not isinstance(option, click.Option) or not given:
            continue
        value = ctx.params[option.name or ""]
        if option.is_flag:
            words.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            for one in value if option.multiple else (value,):
                words += [option.opts[0], str(one)]
    return shlex.join(words)


def _write(option: str, file: Path, text: bytes, lost: str) -> None:
    try:
        file.write_bytes(text)
    except OSError as error:
        raise SettingsError(f"{option} {file}: {error.strerror}. {lost}") from None


def _given(
    target: str,
    source: dict[str, Any],
    group: str | None,
    shapes: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> Claim:
    """The claim that the options state of a target."""
    from symcheck import subjects
    from symcheck.claims import Claim
    from symcheck.domains import Joint, Tensors

    options = {"--group": group, "--shape": shapes, "--input": inputs, "--output": outputs}
    missing = [name for name, value in options.items() if not value]
    if missing or group is None:
        example = "--shape 8,3 --group 'SO(3)' --input vector --output scalar"
        raise SettingsError(f"a claim needs {' and '.join(missing)} too. For example: {example}")
    if len(shapes) != len(inputs):
        raise SettingsError(f"there are {len(shapes)} --shape and {len(inputs)} --input. Give one of each for every input.")
    domain = Joint(*(Tensors(_shape(shape)) for shape in shapes))
    output = outputs[0] if len(outputs) == 1 else tuple(outputs)
    return Claim(subjects.subject(target, **source), group, domain=domain, inputs=tuple(inputs), outputs=output)


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(",") if size.strip())
    except ValueError:
        raise SettingsError(f"--shape is whole numbers with commas between, such as 8,3, not {text!r}.") from None


def _audited(claims: list[Claim], settings: dict[str, Any]) -> tuple[Record, int]:
    """The record, shown on the terminal, and the exit code."""
    from symcheck.checking import AuditInterrupted
    from symcheck.checking import audit as run_audit
    from symcheck.report import terminal

    try:
        with terminal.progress(len(claims), terminal.console(stderr=True)) as on_event:
            record = run_audit(claims, on_event=on_event, **settings)
        code = record.exit_code
    except AuditInterrupted as interrupted:
        record, code = interrupted.record, 130
    terminal.show(record, terminal.console())
    return record, code


@main.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file.")
@click.option("--against", type=click.Path(path_type=Path), help="An older record: tell what changed since.")
def report(record: Path, html_file: Path | None, against: Path | None) -> None:
    """Show a record that symcheck audit --json saved, or write it as an HTML report. No model is run.

    The report is the same, byte by byte, as that of the audit. Exits with 0 whatever the record says, or 2 if it can't be read.
    """
    from symcheck.report import terminal
    from symcheck.report.changes import told
    from symcheck.report.reading import read

    new = read(record)
    old = read(against) if against is not None else None
    if html_file is not None:
        from symcheck.report.html import render

        _write("--html", html_file, render(new, old).encode(), "The report isn't saved.")
    elif old is None:
        terminal.show(new, terminal.console())
    if old is not None:
        click.echo(told(new, old))


@main.command(epilog=REPLAY_CODES)
@click.argument("failure")
@click.option("--target", help="The model to try, such as pkg.mod:build. [default: the one that failed]")
@click.option(
    "--weights", metavar="FILE", help="Weights for --target: safetensors, or a file of torch.save. Runs no code of it."
)
@click.option("--trust-code", is_flag=True, help="Read files that can run code: .pt2, TorchScript, pickled models.")
@click.option("--device", help="Where to run it: cpu, cuda, cuda:1. [default: as it failed]")
@click.option("--dtype", help="The precision of the claim: float64, float32, bfloat16, float16. [default: as it failed]")
def replay(
    failure: str, target: str | None, weights: str | None, trust_code: bool, device: str | None, dtype: str | None
) -> None:
    """Evaluate a failure again, to see whether the model was mended.

    FAILURE is the ID that an audit or a test gave it, of the folder .symcheck, or the path of its file. The code of the model
    that it names is imported and run.
    """
    from symcheck import replaying, subjects

    try:
        if target is None and (weights is not None or trust_code):
            raise SettingsError("--weights and --trust-code are for the model that --target names. Give it too.")
        model = subjects.subject(target, weights=weights, trust_code=trust_code) if target else None
        found = replaying.replay(failure, model, device=device, dtype=dtype)
    except SymcheckError as error:
        raise type(error)(f"ERROR: {error}") from None
    click.echo(str(found))
    sys.exit(found.exit_code)


@main.command(name="list")
@click.argument("kind", type=click.Choice(["groups", "reps", "domains", "properties"]))
def list_(kind: str) -> None:
    """List the groups, reps, domains or properties that there are."""
    from symcheck.explain import entries
    from symcheck.report.terminal import console, listing

    listing([(", ".join(entry.names), entry.summary) for entry in entries(kind)], console())


@main.command()
@click.argument("name", nargs=-1, required=True)
def explain(name: tuple[str, ...]) -> None:
    """Explain a group, rep, domain, property or verdict: its law, an example, its usual ways to break."""
    from symcheck.explain import explain as explained

    click.echo(explained(" ".join(name)))
