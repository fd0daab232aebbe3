"""Models that nobody here wrote, and the tester that they come with, at default settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Verdict

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

VECTORS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


class Counted:
    """A function, and how many inputs it was called on."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function
        self.inputs = 0

    def __call__(self, x: Tensor) -> Tensor:
        self.inputs += x.numel() // VECTORS.numel() if x.ndim > 2 else 1
        return self.function(x)


def theirs(model: Callable[[Tensor], Tensor], irreps_out: str, trials: int = 1) -> bool:
    """Whether e3nn's own test passes the model, at its default tolerance."""
    from e3nn.util.test import FLOAT_TOLERANCE, equivariance_error

    errors = equivariance_error(
        model, [VECTORS], irreps_in=["1x1o"], irreps_out=[irreps_out], ntrials=trials, do_translation=False
    )
    tolerance = FLOAT_TOLERANCE[torch.get_default_dtype()]
    return not any(bool((error > tolerance).any()) for error in errors.values())


@pytest.mark.parametrize(
    ("model", "they_pass", "verdict"),
    [
        (lambda x: x * float("nan"), True, Verdict.NONFINITE),
        (lambda x: 1e-4 * x.abs(), True, Verdict.VIOLATED),
        (lambda x: 1e5 * x * (1 + x.square().sum(-1, keepdim=True)), False, Verdict.HOLDS),
    ],
    ids=["NaN", "1e-4 |x|", "1e5 x"],
)
def test_a_tolerance_by_hand_misleads(model: Callable[[Tensor], Tensor], they_pass: bool, verdict: Verdict) -> None:
    torch.manual_seed(0)
    assert theirs(model, "1x1o", trials=4) is they_pass
    assert symcheck.check(model, VECTORS, group="O(3)", inputs="1x1o", outputs="1x1o").verdict is verdict


def test_f_of_x_is_computed_once() -> None:
    counted = Counted(lambda x: x)
    theirs(counted, "1x1o", trials=8)
    assert counted.inputs == 2 * 2 * 8  # f(x) and f(gx), with and without parity, at every trial
    result = symcheck.check(lambda x: x, VECTORS, group="O(3)", inputs="1x1o", outputs="1x1o", dtype="float64", trials=256)
    lines = 2 * 8 * 7 * 2  # at inputs and transformed inputs: lines x points x spacings, once for any number of trials
    search = 3 * 4 * 8  # rounds, starts, candidates
    assert result.evaluations == 16 + 256 + lines + search  # irreps have no patterns: they say nothing of points in space


def e3nn_gate() -> Callable[[Tensor], Tensor]:
    """A fully connected tensor product and a gate: 4x0e+2x1o -> 2x0e+1x1o, with every weight away from zero."""
    from e3nn import o3
    from e3nn.nn import Gate

    gate = Gate("4x0e", [torch.nn.functional.silu], "2x0e", [torch.sigmoid], "2x1o")
    product = o3.FullyConnectedTensorProduct("4x0e+2x1o", "1x0e+1x1o+1x2e", gate.irreps_in)
    last = o3.Linear(gate.irreps_out, "2x0e+1x1o")

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.product, self.gate, self.last = product, gate, last

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.last(self.gate(self.product(x, y)))

    return Network()


def check_gate(model: Any, **options: Any) -> symcheck.Result:
    rng = torch.Generator().manual_seed(0)
    example = (torch.randn(5, 10, generator=rng), torch.randn(5, 9, generator=rng))
    words = {"group": "O(3)", "inputs": ("4x0e+2x1o", "1x0e+1x1o+1x2e"), "outputs": "2x0e+1x1o"}
    return symcheck.check(model, example, **{**words, **options})


def test_an_e3nn_network_keeps_float32_tables() -> None:
    """Built as its users build it, its Clebsch-Gordan coefficients are float32: enough for a claim in float32, no more."""
    torch.manual_seed(0)
    network = e3nn_gate()
    result = check_gate(network)
    assert (result.verdict, result.precision, result.batching) == (Verdict.LIMITED, "float32", "batch"), str(result)
    assert result.passed
    assert not check_gate(network, dtype="float64").passed


def test_an_e3nn_network_built_in_float64() -> None:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    try:
        network = e3nn_gate()
    finally:
        torch.set_default_dtype(torch.float32)
    for dtype in ("float64", "float32"):
        assert check_gate(network, dtype=dtype).verdict is Verdict.HOLDS


def test_an_e3nn_network_with_a_wrong_parity() -> None:
    torch.manual_seed(0)
    assert check_gate(e3nn_gate(), outputs="2x0e+1x1e").verdict is Verdict.VIOLATED
    assert check_gate(e3nn_gate(), outputs="2x0e+1x1e", group="SO(3)").passed


class PyGNetwork(nn.Module):
    """Two convolutions and a pooled read-out, as in torch_geometric's introduction."""

    def __init__(self, aggregation: Any = "sum") -> None:
        super().__init__()
        from torch_geometric.nn import GraphConv

        self.first, self.second = GraphConv(4, 16, aggr=aggregation), GraphConv(16, 8, aggr=aggregation)

    def forward(self, x: Tensor, edge_index: Tensor) -> dict[str, Tensor]:
        h = self.second(self.first(x, edge_index).tanh(), edge_index)
        return {"nodes": h, "graph": h.sum(-2)}


COMPLETE = torch.tensor([[j, i] for i in range(6) for j in range(6) if i != j]).T.contiguous()  # sorted by target


def test_a_torch_geometric_network() -> None:
    """On the complete graph every relabelling of the nodes leaves the edges as they are."""
    torch.manual_seed(0)
    example = (torch.randn(6, 4), COMPLETE)
    claim = {"group": "S_n", "inputs": ("permute", "scalar"), "outputs": {"nodes": "permute", "graph": "scalar"}}
    result = symcheck.check(PyGNetwork(), example, **claim)
    assert result.verdict is Verdict.HOLDS, str(result)
    assert {leaf.leaf for leaf in result.outputs} == {"nodes", "graph"}


def test_a_torch_geometric_network_whose_aggregation_depends_on_the_order() -> None:
    from torch_geometric.nn import LSTMAggregation

    torch.manual_seed(0)
    model = PyGNetwork()
    model.second.aggr_module = LSTMAggregation(16, 16)
    example = (torch.randn(6, 4), COMPLETE)
    claim = {"group": "S_n", "inputs": ("permute", "scalar"), "outputs": {"nodes": "permute", "graph": "scalar"}}
    result = symcheck.check(model, example, **claim)
    assert result.verdict is Verdict.VIOLATED, str(result)


def transformer(**options: Any) -> nn.TransformerEncoder:
    torch.manual_seed(0)
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, **{"batch_first": True, **options}), 2)


def test_a_transformer_without_positions() -> None:
    result = symcheck.check(transformer().eval(), torch.randn(4, 7, 16), group="S_n", inputs="permute", outputs="permute")
    assert result.verdict is Verdict.HOLDS
    assert result.findings == ()


def test_a_transformer_in_training_is_unstable_not_broken() -> None:
    result = symcheck.check(transformer(), torch.randn(4, 7, 16), group="S_n", inputs="permute", outputs="permute")
    assert result.verdict is Verdict.UNSTABLE
    assert [finding.kind for finding in result.findings] == ["training-mode"]
    assert "Dropout" in result.findings[0].text


def test_a_transformer_whose_batch_axis_is_not_where_one_thinks() -> None:
    """batch_first=False: it attends over what we take for the batch, and so permutes our set for the wrong reason."""
    model = transformer(batch_first=False).eval()
    result = symcheck.check(model, torch.randn(4, 7, 16), group="S_n", inputs="permute", outputs="permute")
    (finding,) = result.findings
    assert (finding.kind, finding.severity) == ("coupled-batch", "warning")
    assert "batch_first" in finding.text


def test_a_causal_mask_breaks_it() -> None:
    model = transformer().eval()
    mask = nn.Transformer.generate_square_subsequent_mask(7, dtype=torch.float64)

    def causal(x: Tensor) -> Tensor:
        return model(x, mask=mask.to(x.dtype), is_causal=False)

    result = symcheck.check(causal, torch.randn(4, 7, 16), group="S_n", inputs="permute", outputs="permute")
    assert result.verdict is Verdict.VIOLATED
