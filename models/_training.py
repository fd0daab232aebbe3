"""Training the reference models: one loop for all of them, its command line, and the row that says what it came to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, TypeVar

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch import Generator, Tensor, nn

M = TypeVar("M", bound=nn.Module)
B = TypeVar("B")


class Row(TypedDict):
    """What a symmetry is worth: figures of a model that has it and of a broken one, on a test set and on its transform.

    Both are trained on the same data, none of it transformed. `figure` names the measure ("accuracy", "R^2").
    """

    model: str
    task: str
    group: str
    figure: str
    test: float
    transformed: float
    broken: str
    broken_test: float
    broken_transformed: float


def fit(
    model: M,
    loss: Callable[[M, B], Tensor],
    batches: Callable[[Generator], B],
    *,
    steps: int = 300,
    lr: float = 1e-2,
    seed: int = 0,
) -> float:
    """Train the model in place, with a progress bar, and return its mean loss over the last tenth of the steps.

    `batches(rng)` draws a batch on the CPU, and `loss(model, batch)` is a scalar; the batch is moved to where the model is.
    Adam with a rate that falls to zero along a cosine. The model comes back in eval mode.
    """
    rng, like = Generator().manual_seed(seed), next(model.parameters())
    optimiser = torch.optim.Adam(model.parameters(), lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses: list[Tensor] = []
    tenth = max(1, steps // 10)
    with _bar() as bar:
        task = bar.add_task(type(model).__name__, total=steps, loss=float("nan"))
        model.train()
        for step in range(steps):
            error = loss(model, moved(batches(rng), like))
            optimiser.zero_grad()
            torch.autograd.backward(error)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # so that one odd batch can't undo the others
            optimiser.step()
            schedule.step()
            losses.append(error.detach())
            if (step + 1) % tenth == 0 or step + 1 == steps:  # not at each step: to read the loss waits for the device
                bar.update(task, completed=step + 1, loss=float(losses[-1]))
    model.eval()
    last = float(torch.stack(losses[-tenth:]).mean())
    if not last < float("inf"):
        raise FloatingPointError(f"{type(model).__name__}: the loss is {last} after {steps} steps. Lower lr, now {lr:g}.")
    return last


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("loss {task.fields[loss]:.3g}")
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)


def moved(batch: B, like: Tensor) -> B:
    """A tensor, or a tuple, list or dict of them, on the device of `like`, and in its dtype where it is floating point."""
    new: Any = batch
    if isinstance(batch, Tensor):
        new = batch.to(like) if batch.is_floating_point() else batch.to(like.device)
    elif isinstance(batch, dict):
        new = {key: moved(value, like) for key, value in batch.items()}
    elif isinstance(batch, (tuple, list)):
        parts = [moved(value, like) for value in batch]
        new = type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    same: B = new
    return same


def seeded(build: Callable[[], M], seed: int = 0) -> M:
    """The model that `build` makes, its weights following from the seed. torch's random numbers are left as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def trained(
    build: Callable[[], M],
    loss: Callable[[M, B], Tensor],
    batches: Callable[[Generator], B],
    *,
    steps: int = 300,
    lr: float = 1e-2,
    seed: int = 0,
) -> M:
    """A new model, fitted: all follows from the seed."""
    model = seeded(build, seed)
    fit(model, loss, batches, steps=steps, lr=lr, seed=seed)
    return model


def explained(y: Tensor, target: Tensor) -> float:
    """R^2: the part of the variance of the targets `(n, ...)` that is explained, in the mean over their entries."""
    return float(1 - ((y - target).square().mean(0) / target.var(0)).mean())


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """The part of the labels `(...)` at which the logits `(..., classes)` are largest."""
    return float((logits.argmax(-1) == labels).double().mean())


def row(
    task: str,
    group: str,
    models: Mapping[str, nn.Module],
    score: Callable[[Any, B], float],
    test: B,
    transformed: B,
    figure: str = "accuracy",
) -> Row:
    """The row of two trained models by name, the symmetric one first: `score(model, batch)` on both test sets."""
    (model, symmetric), (twin, broken) = models.items()
    with torch.no_grad():
        ours, theirs = ([score(each, batch) for batch in (test, transformed)] for each in (symmetric, broken))
    return Row(
        model=model,
        task=task,
        group=group,
        figure=figure,
        test=ours[0],
        transformed=ours[1],
        broken=twin,
        broken_test=theirs[0],
        broken_transformed=theirs[1],
    )


def main(**commands: Callable[..., object]) -> None:
    """The command line of a model's file, as `python -m models.gnn train --steps 100`.

    The keyword arguments of each function are its options, and what it returns is printed, a dict line by line.
    """
    group = click.Group(context_settings={"help_option_names": ["-h", "--help"]})
    for name, function in commands.items():
        options = [
            click.Option([f"--{p.name.replace('_', '-')}"], type=type(p.default), default=p.default, show_default=True)
            for p in inspect.signature(function).parameters.values()
        ]
        group.add_command(click.Command(name, params=list(options), callback=_printing(function), help=function.__doc__))
    group()


def _printing(function: Callable[..., object]) -> Callable[..., None]:
    def run(**options: Any) -> None:
        result = function(**options)
        lines = result.items() if isinstance(result, dict) else [("result", result)]
        for name, value in lines:
            click.echo(f"{name:<20}{value:.4g}" if isinstance(value, float) else f"{name:<20}{value}")

    return run
