"""`symcheck audit`: from targets or a config to claims, from claims to a record, and from there to where it is wanted."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from symcheck.cli import completion
from symcheck.cli.given import Given, claim_options
from symcheck.cli.guard import in_a_folder, write
from symcheck.cli.output import format_options, shown
from symcheck.errors import ConfigError, JournalError, SettingsError

if TYPE_CHECKING:
    from symcheck.claims import Claim, Skipped
    from symcheck.config import Config
    from symcheck.journal import Journal
    from symcheck.report import Record

CODES = """\b
Exit codes:
  0    every claim is as expected, or fails as in the baseline
  1    a claim isn't: a symmetry is violated, or a broken twin isn't caught
  2    usage error, or a model or claim that can't be loaded or stated
  3    an error inside symcheck
  4    a claim could not be decided (VACUOUS, UNSTABLE), or --max-time was over before
  130  interrupted; what was done by then is shown and saved
"""
# What changes neither a verdict nor which claims there are: an audit may be resumed, or told of, with others.
ASIDE = ("targets", "json_file", "html_file", "save", "form", "to", "resume", "fail_fast", "max_time")


@click.command(epilog=CODES)
@click.argument("targets", metavar="[TARGET]...", nargs=-1, shell_complete=completion.files)
@click.option("--twins", is_flag=True, help="Audit the broken twins too: each must be caught.")
@claim_options
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The config. [default: the one of this folder]")
@click.option(
    "--profile", help="Settings under one name: dev, ci, deep, or the config's. [ci]", shell_complete=completion.profiles
)
@click.option("--trials", type=int, help="Trials a claim, each an input and a group element. [default: the profile's, 256]")
@click.option("--seed", type=int, help="All random numbers follow from it. [default: the profile's, 0]")
@click.option("--device", help="Where to run the models: cpu, cuda, cuda:1. [default: the profile's, cpu]")
@click.option("--dtype", help="The precision of the claims: float64, float32, bfloat16, float16. [default: each model's own]")
@click.option(
    "--perturb/--own-weights", default=None, help="Judge at perturbed weights too. [default: models that a factory builds]"
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Claims, or models, of this name alone; * is any text.")
@click.option("--skip", multiple=True, metavar="PATTERN", help="Leave out claims, or models, of this name.")
@click.option("--fail-fast", is_flag=True, help="Begin no further claim once one isn't as expected.")
@click.option("--max-time", type=float, metavar="SECONDS", help="Begin no further claim once these are over.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="A record whose failures are known: only new ones fail the audit."
)
@click.option("--layers", is_flag=True, help="Of each claim that holds, tell the irreps that the layers carry.")
@click.option("--resume", is_flag=True, help="Go on where the same audit was interrupted or killed.")
@format_options
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the record to this file.")
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file.")
@click.option(
    "--failures",
    "save",
    type=click.Path(file_okay=False, path_type=Path),
    default=".symcheck",
    show_default=True,
    help="Keep the trials that fail in this folder, for symcheck replay, and the journal for --resume.",
)
def audit(
    targets: tuple[str, ...],
    config_file: Path | None,
    profile: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    baseline: Path | None,
    resume: bool,
    form: str,
    to: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    **options: Any,
) -> None:
    """Audit models for the symmetries that are claimed of them.

    TARGET is a module or package that states CLAIMS (models, models.cnn), one model in it (models.cnn:classifier), or any
    model with the claim given here: a model or factory in a module or a Python file, or a file that holds a model. Of a model
    without either, what its framework says of it is claimed: e3nn, torch_geometric, torch.nn, ASE. Without TARGET, the models
    of the config are audited: symcheck.toml, or [tool.symcheck] of pyproject.toml.

    \b
      symcheck audit mypkg.net:build
      symcheck audit mypkg.net:build --shape 8,3 --group "SO(3)" --input vector --output scalar
      symcheck audit path/to/net.py:build --weights net.safetensors --shape 8,3 --group ...
      symcheck audit net.onnx --shape 8,3 --group ...
      symcheck audit net.pt2 --trust-code --shape 8,3 --group ...

    A TARGET that is Python is imported and run. Files that hold code are read with --trust-code alone.
    """
    from msgspec.structs import replace

    for option, file in (("--json", json_file), ("--html", html_file), ("--to", to)):
        in_a_folder(option, file)
    config, place = _config(config_file)
    settings = _settings(config, profile, options)
    with nullcontext() if form == "text" or to is not None else redirect_stdout(sys.stderr):  # what a model prints
        claims, skipped = _claims(targets, config, place, options)
        claims, left_out = _selected(claims, only, skip, bool(skipped))
        settings |= {"skipped": [*skipped, *left_out], "baseline": _baseline(baseline)}
        command = _command(click.get_current_context())
        record, code = _audited(claims, command, settings, resume)
    record = replace(record, command=command)
    shown(record, form, to)
    if json_file is not None:
        write("--json", json_file, record.json(), "The audit is done, but its record isn't saved.")
    if html_file is not None:
        from symcheck.report.html import render

        write("--html", html_file, render(record).encode(), "The audit is done, but its report isn't saved.")
    sys.exit(code)


def _config(file: Path | None) -> tuple[Config, str]:
    """The config, and what errors call its file; an empty one if there is none."""
    from symcheck.config import Config, found, read

    place = file or found(Path())
    return (read(place), str(place)) if place is not None else (Config(), "")


def _settings(config: Config, profile: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """The settings of the audit: those of the profile, unless the command line has others."""
    from symcheck.config import profile as known
    from symcheck.config.profiles import DEFAULTS

    given = {name: options[name] for name in DEFAULTS if options[name] is not None}
    aside = {name: options[name] for name in ("save", "fail_fast", "max_time", "layers")}
    return {**DEFAULTS, **known(config, profile or config.profile), **given, **aside}


def _claims(targets: tuple[str, ...], config: Config, place: str, options: dict[str, Any]) -> tuple[list[Claim], list[Skipped]]:
    """The claims of the targets, or else of the config, as its overrides have them, and those that these skip."""
    from symcheck.config.stated import claims as of_config
    from symcheck.config.stated import overridden

    if targets:
        found = _of_targets(targets, options)
    else:
        unused = [name for name in ("group", "shapes", "inputs", "outputs", "weights") if options[name]]
        if unused:
            raise SettingsError("--group, --shape, --input, --output and --weights are for a TARGET. Name it.")
        if not config.models:
            missing = f"{place} names no models" if place else "there is no TARGET, and no symcheck.toml here"
            raise ConfigError(
                f"{missing}. Name one, as in symcheck audit pkg.mod:build, or write a config: symcheck init TARGET"
            )
        found = of_config(config, place, twins=options["twins"], trust_code=options["trust_code"])
    return overridden(found, config.overrides, place, strict=not targets)


def _of_targets(targets: tuple[str, ...], options: dict[str, Any]) -> list[Claim]:
    from symcheck import subjects
    from symcheck.config.stated import claim

    weights = options["weights"]
    if weights is not None and len(targets) > 1:
        raise SettingsError(f"--weights {weights} is for one TARGET, and there are {len(targets)}. Audit them one by one.")
    source: dict[str, Any] = {"weights": weights, "trust_code": options["trust_code"]}
    table = Given(*(options[name] for name in Given._fields)).table()
    if table is not None:
        return [claim(subjects.subject(target, **source), table) for target in targets]
    found = [claim for target in targets for claim in subjects.claims(target, twins=options["twins"], **source)]
    return list({id(claim): claim for claim in found}.values())  # a package and one of its modules name the same ones


def _selected(
    claims: list[Claim], only: tuple[str, ...], skip: tuple[str, ...], skipped: bool
) -> tuple[list[Claim], list[Skipped]]:
    from symcheck.selection import selected

    wanted, left_out = selected(claims, only, skip)
    if not wanted and (left_out or skipped):
        raise SettingsError("all claims are skipped: an audit of nothing can't fail. Leave out one of the patterns.")
    return wanted, left_out


def _baseline(file: Path | None) -> Record | None:
    from symcheck.report.reading import read

    return read(file) if file is not None else None


def _audited(claims: list[Claim], command: str, settings: dict[str, Any], resume: bool) -> tuple[Record, int]:
    """The record, and the exit code."""
    from symcheck.checking import AuditInterrupted
    from symcheck.checking import audit as run_audit
    from symcheck.report import terminal

    journal = _journal(settings, command, resume)
    with journal or nullcontext():
        left = sum(journal is None or journal.results(claim) is None for claim in claims)
        try:
            with terminal.progress(left, terminal.console(stderr=True)) as on_event:
                record = run_audit(claims, on_event=on_event, journal=journal, **settings)
            return record, record.exit_code
        except AuditInterrupted as interrupted:
            return interrupted.record, 130


def _journal(settings: dict[str, Any], command: str, resume: bool) -> Journal | None:
    """The journal of the audit. It is done without one, and says so, where none can be written."""
    from symcheck.engine import Settings
    from symcheck.journal import Header, Journal

    directory = settings["save"]
    header = Header.of(Settings(**{name: settings[name] for name in ("seed", "trials", "device", "dtype", "perturb")}), command)
    try:
        if resume:
            try:
                return Journal.resumed(directory, header)
            except FileNotFoundError:
                click.echo(f"symcheck: there is no journal in {str(directory)!r}: the audit begins anew", err=True)
        return Journal.begun(directory, header)
    except (OSError, ValueError) as error:
        if isinstance(error, JournalError):
            raise
        why = getattr(error, "strerror", None) or error
        click.echo(f"symcheck: no journal in {str(directory)!r} ({why}): an audit that is killed can't be resumed", err=True)
        return None


def _command(ctx: click.Context) -> str:
    """The command as it was given, less what it writes and where it stops."""
    words = ["symcheck", "audit", *ctx.params["targets"]]
    for option in ctx.command.params:
        given = option.name is not None and ctx.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name in ASIDE or not isinstance(option, click.Option) or not given:
            continue
        value = ctx.params[option.name or ""]
        if option.is_flag:
            words.append(option.opts[0] if value else option.secondary_opts[0])
        else:
            for one in value if option.multiple else (value,):
                words += [option.opts[0], str(one)]
    return shlex.join(words)
