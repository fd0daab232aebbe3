"""The command. torch is imported when a command runs that needs it: `--help` is quick. Related commands share a file."""

from __future__ import annotations

import io
import os
import sys

import click

from symcheck import __version__
from symcheck.cli.audit import audit
from symcheck.cli.catalogue import explain, list_
from symcheck.cli.config import config, init
from symcheck.cli.discover import discover, infer
from symcheck.cli.guard import Guarded
from symcheck.cli.records import merge, replay, report


@click.group(cls=Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="symcheck")
def main() -> None:
    """Verify the symmetries of neural networks, without a tolerance."""
    # Before torch starts its threads: small models call them often, and where cores are busy their spinning doubles the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):  # a letter that a terminal or a pipe has none for shall not end the command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


for command in (audit, init, config, discover, infer, report, merge, replay, list_, explain):
    main.add_command(command)
