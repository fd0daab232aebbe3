"""Training the reference models: one loop for all of them, what they learn, and the row that says what it came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypedDict, TypeVar

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from torch import Generator, Tensor, nn
from torch.nn import functional

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


def explained(y: Tensor, target: Tensor) -> float:
    """R^2: the part of the variance of the targets `(n, ...)` that is explained, in the mean over their entries."""
    return float(1 - ((y - target).square().mean(0) / target.var(0)).mean())


def hits(logits: Tensor, labels: Tensor) -> float:
    """The part of the labels `(...)` at which the logits `(..., classes)` are largest."""
    return float((logits.argmax(-1) == labels).double().mean())


def cross_entropy(model: nn.Module, batch: Any) -> Tensor:
    """The loss of a batch `(*inputs, label)`."""
    *inputs, label = batch
    return functional.cross_entropy(model(*inputs), label)


def squared(model: nn.Module, batch: Any) -> Tensor:
    """The loss of a batch `(*inputs, target)`."""
    *inputs, target = batch
    return functional.mse_loss(model(*inputs), target)


def accuracy(model: nn.Module, batch: Any) -> float:
    """The part of the labels `(...)` at which the logits `(..., classes)` are largest."""
    *inputs, label = batch
    return hits(model(*inputs), label)


def determined(model: nn.Module, batch: Any) -> float:
    """R^2 of the targets."""
    *inputs, target = batch
    return explained(model(*inputs), target)


@dataclass(frozen=True)
class Lesson(Generic[B]):
    """Something to learn, for a model that has the symmetry of the task and for one that lacks it.

    `models` builds them by name, the symmetric one first. `draw(count, rng)` draws a batch, and `transform(batch, rng)` moves
    its inputs by the group; none that a model is trained on is moved. `goal` is what the symmetric one exceeds on both, with
    seed 0: the figure of `score`, called `figure`.
    """

    task: str
    group: str
    models: Mapping[str, Callable[[], nn.Module]]
    draw: Callable[[int, Generator], B]
    transform: Callable[[B, Generator], B]
    goal: float
    loss: Callable[[Any, B], Tensor] = cross_entropy
    score: Callable[[Any, B], float] = accuracy
    figure: str = "accuracy"
    steps: int = 300
    lr: float = 1e-2
    batch: int = 64
    tests: int = 1024

    def fitted(self, name: str, steps: int | None = None, seed: int = 0) -> nn.Module:
        """The model of that name, trained: all follows from the seed."""
        model = seeded(self.models[name], seed)
        draw = partial(self.draw, self.batch)
        fit(model, self.loss, draw, steps=self.steps if steps is None else steps, lr=self.lr, seed=seed)
        return model

    def figures(self, model: nn.Module, seed: int = 0) -> tuple[float, float]:
        """What a model comes to on a test set, and on its transform."""
        rng = Generator().manual_seed(seed + 1)
        test = self.draw(self.tests, rng)
        with torch.no_grad():
            return self.score(model, test), self.score(model, self.transform(test, rng))

    def train(self, steps: int | None = None, seed: int = 0) -> dict[str, float]:
        """Train the symmetric model, and say what it comes to."""
        test, transformed = self.figures(self.fitted(next(iter(self.models)), steps, seed), seed)
        return {self.figure: test, f"{self.figure}, transformed": transformed, "stated to exceed": self.goal}

    def row(self, steps: int | None = None, seed: int = 0) -> Row:
        """Train both models, and say what they come to."""
        model, broken = self.models
        ours, theirs = (self.figures(self.fitted(name, steps, seed), seed) for name in self.models)
        return Row(
            model=model,
            task=self.task,
            group=self.group,
            figure=self.figure,
            test=ours[0],
            transformed=ours[1],
            broken=broken,
            broken_test=theirs[0],
            broken_transformed=theirs[1],
        )


def anew(draw: Callable[[int, Generator, bool], B]) -> Callable[[B, Generator], B]:
    """The transform of a task that draws other inputs which are moved, as many."""

    def transform(batch: Any, rng: Generator) -> B:
        return draw(len(batch[-1]), rng, True)

    return transform


def main(**lessons: Lesson[Any]) -> None:
    """The command line of a model's file, as `python -m models.gnn train --steps 100`; `compare` trains both models.

    Where there are several lessons, each has commands of its own, such as `train-copying`.
    """
    group = click.Group(context_settings={"help_option_names": ["-h", "--help"]})
    for name, lesson in lessons.items():
        for command, run in (("train", lesson.train), ("compare", lesson.row)):
            ending = "" if name == "lesson" else f"-{name}"
            group.add_command(_command(f"{command}{ending}", lesson, run))
    group()


def _command(name: str, lesson: Lesson[Any], run: Callable[..., Mapping[str, Any]]) -> click.Command:
    options: list[click.Parameter] = [
        click.Option(["--steps"], type=click.IntRange(1), default=lesson.steps, show_default=True),
        click.Option(["--seed"], type=int, default=0, show_default=True),
    ]
    about = f"{run.__doc__} The task: {lesson.task}."
    return click.Command(name, params=options, callback=lambda **given: shown(run(**given)), help=about)


def shown(result: Mapping[str, Any]) -> None:
    for name, value in result.items():
        click.echo(f"{name:<24}{value:.4g}" if isinstance(value, float) else f"{name:<24}{value}")
