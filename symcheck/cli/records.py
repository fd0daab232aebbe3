"""`symcheck report`, `symcheck merge` and `symcheck replay`: what becomes of records and of failures that were kept."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from symcheck.cli.guard import in_a_folder, write
from symcheck.cli.output import format_options, shown
from symcheck.errors import SettingsError, SymcheckError

CODES = """\b
Exit codes:
  0    FIXED: the trial no longer violates the claim
  1    FAILED: it does
  2    ERROR: the failure can't be read, its model is gone, or it can't be told
  3    an error inside symcheck
"""


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a report to this file.")
@click.option("--against", type=click.Path(path_type=Path), help="An older record: tell what changed since.")
@format_options
def report(record: Path, html_file: Path | None, against: Path | None, form: str, to: Path | None) -> None:
    """Show a record, or write it in another format.

    RECORD is what symcheck audit --json saved. No model is run. The report is the same, byte by byte, as that of the audit.
    Exits with 0 whatever the record says, or 2 if it can't be read.
    """
    from symcheck.report.changes import told
    from symcheck.report.reading import fitting, read

    in_a_folder("--to", to)
    in_a_folder("--html", html_file)
    new = read(record)
    old = read(against) if against is not None else None
    with fitting(str(record) if against is None else f"{record} or {against}"):
        if html_file is not None:
            from symcheck.report.html import render

            write("--html", html_file, render(new, old).encode(), "The report isn't saved.")
        if (old is None and html_file is None) or form != "text" or to is not None:
            shown(new, form, to)
        if old is not None:
            click.echo(told(new, old), err=form != "text" and to is None)


@click.command()
@click.argument("records", metavar="RECORD...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--to", type=click.Path(path_type=Path), required=True, help="The file to write the one record to.")
def merge(records: tuple[Path, ...], to: Path) -> None:
    """Make one record of several.

    They are of audits of other claims with the same settings, such as the shards of one audit. A claim that is in two of them
    with other results is refused, and so are other seeds, trials, precisions or versions.
    """
    from symcheck.report.merging import merged
    from symcheck.report.reading import read
    from symcheck.report.text import verdict_line

    in_a_folder("--to", to)
    whole = merged([(str(path), read(path)) for path in records])
    write("--to", to, whole.json(), "The record isn't saved.")
    click.echo(f"{to}: {verdict_line(whole)}")


@click.command(epilog=CODES)
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
