"""A claim that the command line states, of a model without CLAIMS; and the options for it, which several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from symcheck.cli import completion
from symcheck.config import ClaimTable
from symcheck.errors import SettingsError

Command = TypeVar("Command", bound=Callable[..., Any])
OPTIONS = (
    click.option(
        "--group",
        help='What to claim of a model without CLAIMS: its group, such as "SO(3)".',
        shell_complete=completion.names("groups"),
    ),
    click.option(
        "--shape", "shapes", multiple=True, help="The shape of an input, less its batch axis, such as 8,3. Repeat for each."
    ),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        help='The rep of an input, such as vector or "8x0e+4x1o". Repeat for each.',
        shell_complete=completion.names("reps"),
    ),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        help="The rep of an output. Repeat if the model returns a tuple.",
        shell_complete=completion.names("reps"),
    ),
    click.option(
        "--weights", metavar="FILE", help="Weights for TARGET: safetensors, or a file of torch.save. Runs no code of it."
    ),
    click.option("--trust-code", is_flag=True, help="Read files that can run code: .pt2, TorchScript, pickled models."),
)


def claim_options(command: Command) -> Command:
    """Give a command the options that state a claim."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


class Given(NamedTuple):
    """The options that state a claim, as they were given."""

    group: str | None
    shapes: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def table(self) -> ClaimTable | None:
        """The claim; None if none of the options is given, and SettingsError if some are missing."""
        options = {"--group": self.group, "--shape": self.shapes, "--input": self.inputs, "--output": self.outputs}
        missing = [name for name, value in options.items() if not value]
        if len(missing) == len(options):
            return None
        if missing or self.group is None:
            example = "--shape 8,3 --group 'SO(3)' --input vector --output scalar"
            raise SettingsError(f"a claim needs {' and '.join(missing)} too. For example: {example}")
        if len(self.shapes) != len(self.inputs):
            pairs = f"{len(self.shapes)} --shape and {len(self.inputs)} --input"
            raise SettingsError(f"there are {pairs}. Give one of each for every input.")
        outputs = self.outputs[0] if len(self.outputs) == 1 else list(self.outputs)
        return ClaimTable(group=self.group, inputs=list(self.inputs), outputs=outputs, shapes=list(map(shape, self.shapes)))


def shape(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",") if size.strip()]
    except ValueError:
        raise SettingsError(f"--shape is whole numbers with commas between, such as 8,3, not {text!r}.") from None
