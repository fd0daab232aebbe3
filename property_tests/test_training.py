"""Training the reference models: the loop, the command line, and the figures."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from torch import Generator, Tensor, nn

from models._training import accuracy, explained, fit, main, moved, row, seeded, trained

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


def test_all_follows_from_the_seed() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same, other = (trained(linear, squares, line, steps=5, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, same.weight)
    assert not torch.equal(one.weight, other.weight)


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
    assert accuracy(logits, torch.tensor([1, 0, 0, 0])) == 0.75
    target = torch.randn(1000, 2, generator=Generator().manual_seed(0))
    assert explained(target, target) == 1
    assert explained(target.mean(0).expand(1000, 2), target) == pytest.approx(0, abs=2e-3)  # 1 / 1000, from the variance
    assert explained(-target, target) == pytest.approx(-3, abs=0.1)


def test_a_row_holds_both_models_on_both_sets() -> None:
    def score(model: nn.Module, x: Tensor) -> float:
        return float(model(x).sum())

    models = {"one": nn.Identity(), "other": nn.Flatten(0)}
    assert row("add", "S_n", models, score, torch.ones(2), torch.ones(3), figure="sum") == {
        "model": "one",
        "task": "add",
        "group": "S_n",
        "figure": "sum",
        "test": 2.0,
        "transformed": 3.0,
        "broken": "other",
        "broken_test": 2.0,
        "broken_transformed": 3.0,
    }


def command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `python -m models.x ...`."""

    def train(steps: int = 7, lr: float = 0.25) -> dict[str, object]:
        """Learn."""
        return {"steps": steps, "lr": lr / 3}

    monkeypatch.setattr("sys.argv", ["x", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main(train=train)
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["train"], "steps               7\nlr                  0.08333\n"),
        (["train", "--steps", "3", "--lr", "3"], "steps               3\nlr                  1\n"),
    ],
)
def test_keyword_arguments_are_options(
    arguments: list[str], printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(arguments, monkeypatch) == 0
    assert capsys.readouterr().out == printed


def test_commands_explain_themselves(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", "--help"], monkeypatch) == 0
    assert "Learn." in capsys.readouterr().out
    assert command(["trian"], monkeypatch) == 2
    assert "No such command 'trian'" in capsys.readouterr().err
