"""Perturbed weights: breaks that the model's own weights hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Claim, Subject, Verdict
from symcheck.domains import PointCloud, Set
from symcheck.engine import weights
from symcheck.properties import FormatInvariance


@pytest.mark.parametrize("lazily", [torch.conj, torch._neg_view], ids=["conjugate", "negative"])
def test_a_buffer_that_torch_conjugates_or_negates_when_it_is_read_has_the_fingerprint_of_its_numbers(
    lazily: Callable[[Tensor], Tensor],
) -> None:
    model, plain = nn.Module(), nn.Module()
    numbers = lazily(torch.tensor([1 + 2j, 3 - 1j]))
    model.register_buffer("table", numbers)
    plain.register_buffer("table", numbers.resolve_conj().resolve_neg().clone())
    assert weights.fingerprint(model) == weights.fingerprint(plain)
    held = symcheck.check(
        lambda x: (x.norm(dim=-1, keepdim=True) * model.table).abs(),
        torch.randn(4, 3),
        group="O(3)",
        inputs="vector",
        outputs="scalar",
    )
    assert held.verdict is Verdict.HOLDS


class Biased(nn.Module):
    """A bias on a vector, which starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return x * x.norm(dim=-1, keepdim=True) + self.bias


class AxisScaled(nn.Module):
    """A learned scale for each axis, which starts at one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Gated(nn.Module):
    """A cross product behind a gate of 1e-6: an O(3) break that rounding in float32 hides."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((), 1e-12))
        self.other = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.gate + self.other) * torch.linalg.cross(x, x.roll(1, -2))


class Deep(nn.Module):
    """Exact for every weight, with batch norm, and ill-conditioned when its weights grow."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(layer for _ in range(6) for layer in (nn.Linear(8, 8), nn.BatchNorm1d(8), nn.SiLU())))
        self.first = nn.Linear(3, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        return self.layers(h.flatten(0, -2)).reshape(h.shape).square().sum(-2)


def audit(build: Callable[[], nn.Module], group: str, inputs: str, outputs: str, **options: Any) -> symcheck.Result:
    domain = Set(6, 3) if group == "S_n" else PointCloud(6)
    claim = Claim(Subject.built(build), group, domain=domain, inputs=inputs, outputs=outputs)
    (result,) = symcheck.audit([claim], **options).results
    return result


@pytest.mark.parametrize("build", [Biased, AxisScaled, Gated])
def test_a_break_hidden_at_initialisation_is_found(build: Callable[[], nn.Module]) -> None:
    result = audit(build, "O(3)", "vector", "vector")
    assert result.verdict is Verdict.VIOLATED
    assert result.because.startswith(f"with weights {result.weights[-1]} of their size (not at its own), the two")
    hidden = audit(build, "O(3)", "vector", "vector", perturb=False)
    assert hidden.passed
    assert hidden.weights == ("own",)


def test_a_model_of_the_users_own_is_judged_at_its_own_weights_unless_asked() -> None:
    words: dict[str, Any] = {"group": "O(3)", "inputs": "vector", "outputs": "vector"}
    model = Biased()
    assert symcheck.check(model, PointCloud(4), **words).passed
    assert symcheck.check(model, PointCloud(4), perturb=True, **words).verdict is Verdict.VIOLATED
    assert not model.bias.any()


def test_an_exact_model_holds_at_all_weights() -> None:
    result = audit(lambda: Deep().eval(), "S_n", "permute", "scalar")
    assert result.verdict is Verdict.HOLDS, str(result)
    assert result.weights == ("own", "perturbed by 0.03", "perturbed by 0.1", "perturbed by 0.3", "perturbed by 1")
    assert "judged at its own, and perturbed by 0.03, 0.1, 0.3, 1 of their size" in str(result)


def test_a_model_without_weights_has_none_to_perturb() -> None:
    assert audit(nn.Identity, "SO(3)", "vector", "vector").weights == ("own",)


def test_a_model_is_not_perturbed_against_another_of_weights_of_its_own() -> None:
    def build() -> nn.Module:
        torch.manual_seed(1)
        return Deep().eval()

    def compared(other: Callable[[Tensor], Tensor]) -> symcheck.Result:
        prop = FormatInvariance(lambda x: x.flip(-2), model=other)
        claim = Claim(
            Subject("deep", model=model), "S_n", domain=Set(6, 3), inputs="permute", outputs="scalar", properties=(prop,)
        )
        (result,) = symcheck.audit([claim], perturb=True).results
        return result

    model = build()
    assert compared(build()).verdict is Verdict.HOLDS
    assert compared(build()).weights == ("own",)
    shared = compared(lambda x: model(x))
    assert shared.verdict is Verdict.HOLDS
    assert len(shared.weights) == 5
    assert compared(Deep().eval()).verdict is Verdict.VIOLATED


def test_every_parameter_moves_by_its_natural_size_and_shared_ones_once() -> None:
    model = nn.Sequential(nn.Linear(100, 200), nn.LayerNorm(200))
    nn.init.zeros_(model[0].weight)
    model.append(model[1])
    model.append(nn.Linear(2, 2).requires_grad_(False))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    frozen = before[4:]
    weights.perturb(model, 0.1, torch.Generator().manual_seed(0))
    moves = [(new.detach() - old).square().mean().sqrt() for new, old in zip(model.parameters(), before, strict=True)]
    natural = [100**-0.5, 200**-0.5, 1.0, 200**-0.5]  # zero weights, biases of U(-0.1, 0.1), ones, zeros
    assert all(torch.equal(new, old) for new, old in zip(list(model.parameters())[4:], frozen, strict=True))
    for move, size, parameter in zip(moves, natural, before, strict=False):
        assert abs(move / (0.1 * size) - 1) < 4 / parameter.numel() ** 0.5


def test_batch_norm_is_calibrated_to_the_perturbed_weights_and_put_back() -> None:
    model = Deep().eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    subject = Subject("deep", model=model)
    symcheck.audit([Claim(subject, "S_n", domain=Set(6, 3), inputs="permute", outputs="scalar")], perturb=True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert model.layers[1].momentum == 0.1


def test_the_worst_of_all_perturbations_counts() -> None:
    """A break behind three gates of zero is too small for float32 to show at the first perturbation."""

    class Gates(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gates = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return x.sum(-2) + self.gates.prod() * x.cumsum(-2)[..., 0, :]

    result = audit(Gates, "S_n", "permute", "scalar")
    assert result.verdict is Verdict.VIOLATED
    assert len(result.weights) > 2
