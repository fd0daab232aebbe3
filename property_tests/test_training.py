"""Training the reference models: the loop, the command line, and the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Generator, Tensor, nn

from models._training import (
    Lesson,
    accuracy,
    anew,
    cross_entropy,
    determined,
    explained,
    fit,
    hits,
    main,
    moved,
    seeded,
    squared,
)

Batch = tuple[Tensor, Tensor]


def line(rng: Generator) -> Batch:
    """Something that a linear map can learn: the sum of three numbers."""
    x = torch.randn(32, 3, generator=rng)
    return x, x.sum(-1, keepdim=True)


def squares(model: nn.Module, batch: Batch) -> Tensor:
    x, y = batch
    return (model(x) - y).square().mean()


def linear() -> nn.Linear:
    return nn.Linear(3, 1)


def test_what_can_be_learnt_is() -> None:
    model = seeded(linear)
    before = float(squares(model, line(Generator().manual_seed(1))).detach())
    after = fit(model, squares, line, steps=300, lr=0.05)
    assert after < 1e-3 * before
    assert torch.allclose(model.weight, torch.ones(3), atol=0.05)  # a twentieth: what a loss of a thousandth leaves
    assert not model.training


def test_what_cannot_be_learnt_is_not() -> None:
    """The loss isn't made up: of noise, as much is left as there is."""

    def noise(rng: Generator) -> Batch:
        return torch.randn(512, 3, generator=rng), torch.randn(512, 1, generator=rng)

    assert fit(seeded(linear), squares, noise, steps=100) == pytest.approx(1.0, abs=0.1)


def test_the_loss_is_the_mean_of_the_last_tenth() -> None:
    losses: list[float] = []

    def noted(model: nn.Module, batch: Batch) -> Tensor:
        error = squares(model, batch)
        losses.append(float(error.detach()))
        return error

    assert fit(seeded(linear), noted, line, steps=50) == pytest.approx(sum(losses[-5:]) / 5, rel=1e-6)
    assert len(losses) == 50


def test_a_loss_that_is_no_number_is_an_error() -> None:
    with pytest.raises(FloatingPointError) as caught:
        fit(seeded(linear), lambda model, batch: squares(model, batch) * torch.nan, line, steps=10, lr=0.5)
    assert str(caught.value) == "Linear: the loss is nan after 10 steps. Lower lr, now 0.5."


class Pair(NamedTuple):
    x: Tensor
    index: Tensor


def test_batches_go_where_the_model_is() -> None:
    like = torch.zeros(1, dtype=torch.float64)
    x, index = torch.ones(2), torch.arange(2)
    found: Any = moved({"a": [x, (index, Pair(x, index))], "b": None}, like)
    assert found["a"][0].dtype == torch.float64
    assert found["a"][1][0].dtype == torch.int64
    assert isinstance(found["a"][1][1], Pair)
    assert found["a"][1][1].x.dtype == torch.float64
    assert found["b"] is None
    model = seeded(linear).double()
    assert fit(model, squares, line, steps=3) > 0


def test_figures() -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    assert hits(logits, torch.tensor([1, 0, 0, 0])) == 0.75
    target = torch.randn(1000, 2, generator=Generator().manual_seed(0))
    assert explained(target, target) == 1
    assert explained(target.mean(0).expand(1000, 2), target) == pytest.approx(0, abs=2e-3)  # 1 / 1000, from the variance
    assert explained(-target, target) == pytest.approx(-3, abs=0.1)


def test_figures_of_a_batch_go_by_its_last_tensor() -> None:
    def model(x: Tensor, y: Tensor) -> Tensor:
        return x + y

    x, y = torch.randn(2, 50, 3, generator=Generator().manual_seed(0))
    target = torch.randn(50, 3, generator=Generator().manual_seed(1))
    assert squared(model, (x, y, target)) == (x + y - target).square().mean()  # type: ignore[arg-type]
    assert determined(model, (x, y, target)) == explained(x + y, target)  # type: ignore[arg-type]
    label = target.argmax(-1)
    assert accuracy(model, (x, y, label)) == hits(x + y, label)  # type: ignore[arg-type]
    assert cross_entropy(model, (x, y, label)) == nn.functional.cross_entropy(x + y, label)  # type: ignore[arg-type]


# Lessons


class FirstThree(nn.Module):
    """Reads the first three of six numbers, wherever they are."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x[:, :3])
        return y


class Sum(FirstThree):
    """Sees the sum alone."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x.sum(1, keepdim=True).expand(-1, 3))
        return y


def sums(count: int, rng: Generator) -> Batch:
    """The last three numbers are zeros."""
    x = torch.randn(count, 6, generator=rng) * torch.tensor([1.0, 1, 1, 0, 0, 0])
    return x, x.sum(1, keepdim=True)


def reversed_(batch: Batch, rng: Generator) -> Batch:
    x, y = batch
    return x.flip(1), y


LESSON = Lesson(
    "sums",
    "C2",
    {"sum": Sum, "first three": FirstThree},
    draw=sums,
    transform=reversed_,
    goal=0.99,
    loss=squared,
    score=determined,
    figure="R^2",
    steps=100,
    lr=0.1,
)


def test_a_row_holds_both_models_on_both_sets() -> None:
    row = LESSON.row()
    assert {key: value for key, value in row.items() if isinstance(value, str)} == {
        "model": "sum",
        "task": "sums",
        "group": "C2",
        "figure": "R^2",
        "broken": "first three",
    }
    assert min(row["test"], row["transformed"], row["broken_test"]) > LESSON.goal
    assert row["broken_transformed"] < 0.1  # it sees zeros


def test_a_row_and_a_model_follow_from_the_seed() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same, other = (LESSON.fitted("sum", 5, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one["linear.weight"], same["linear.weight"])
    assert not torch.equal(one["linear.weight"], other["linear.weight"])
    assert LESSON.row(5) == LESSON.row(5)
    assert LESSON.row(5) != LESSON.row(5, seed=1)


def test_nothing_that_is_moved_is_trained_on() -> None:
    seen: list[Tensor] = []

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        seen.append(batch[0])
        return squared(model, batch)

    Lesson("sums", "C2", {"sum": Sum, "same": Sum}, sums, reversed_, goal=0.0, loss=loss, score=determined, steps=3).row()
    assert len(seen) == 6
    assert all((x[:, 3:] == 0).all() for x in seen)


def test_a_transform_may_draw_anew() -> None:
    def draw(count: int, rng: Generator, moved: bool = False) -> Batch:
        x, y = sums(count, rng)
        return (x.flip(1) if moved else x), y

    batch = draw(5, Generator().manual_seed(0))
    x, y = anew(draw)(batch, Generator().manual_seed(1))
    assert x.shape == (5, 6)
    assert (x[:, :3] == 0).all()
    assert not torch.equal(y, batch[1])


def command(arguments: list[str], monkeypatch: pytest.MonkeyPatch, **lessons: Lesson[Any]) -> int:
    """The exit code of `python -m models.x ...`."""
    monkeypatch.setattr("sys.argv", ["x", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main(**(lessons or {"lesson": LESSON}))
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def test_a_lesson_is_two_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--steps", "3", "--seed", "1"], monkeypatch) == 0
    found = LESSON.train(3, 1)
    assert capsys.readouterr().out == (
        f"R^2                     {found['R^2']:.4g}\nR^2, transformed        {found['R^2, transformed']:.4g}\n"
        "stated to exceed        0.99\n"
    )
    assert command(["compare", "--steps", "3"], monkeypatch) == 0
    assert "broken                  first three\n" in capsys.readouterr().out


def test_each_of_two_lessons_has_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(LESSON, figure="share", steps=1)
    assert command(["train-other"], monkeypatch, lesson=LESSON, other=other) == 0
    assert "share, transformed" in capsys.readouterr().out
    assert command(["--help"], monkeypatch, lesson=LESSON, other=other) == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in ("train", "compare", "train-other", "compare-other"))


def test_commands_explain_themselves(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--help"], monkeypatch) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Train the symmetric model, and say what it comes to. The task: sums." in told
    assert "default: 100" in told
    assert command(["trian"], monkeypatch) == 2
    assert "No such command 'trian'" in capsys.readouterr().err
    assert command(["train", "--steps", "0"], monkeypatch) == 2
