"""Messages of a tensor field network on 4,096 edges: code written for the product, compiled, against e3nn's, in one run.

    python -m pytest property_tests/benchmarks/test_tensor_products.py --benchmark-only

The ratio is in the column of extra figures (`--benchmark-json`) and is printed; so is the time that compiling took.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import pytest
import torch
from torch import Tensor

from models._tensor_product import TensorProduct
from models.tensor_field import HARMONICS

EDGES, ROUNDS = 4096, 20
Product = Callable[[Tensor, Tensor, Tensor], Tensor]


def seconds(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The median of so many rounds, in which all take turns, so that what else the machine does hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = perf_counter()
            run()
            times[name].append(perf_counter() - start)
    return {name: median(each) for name, each in times.items()}


def backward(product: Product, *given: Tensor) -> Callable[[], None]:
    leaves = [leaf.requires_grad_() for leaf in given]
    return lambda: torch.autograd.backward(product(*leaves).sum())


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.benchmark(group="a tensor product on 4,096 edges")
@pytest.mark.parametrize("way", ["forward", "with backward"])
@pytest.mark.parametrize("copies", [8, 32])
def test_a_tensor_product_on_many_edges(benchmark: Any, copies: int, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    o3 = pytest.importorskip("e3nn.o3")
    made = TensorProduct(HARMONICS, HARMONICS, HARMONICS)
    irreps = "+".join(f"{copies}x{kind}" for kind in HARMONICS.split("+"))
    instructions = [(*path, "uvu", True) for path in made.paths]
    theirs = o3.TensorProduct(irreps, HARMONICS, irreps, instructions, shared_weights=False, internal_weights=False)
    x, y, weights = torch.randn(EDGES, 9, copies), torch.randn(EDGES, 9), torch.randn(EDGES, len(made.paths), copies)
    flat = x.flatten(1).clone(), y.clone(), weights.flatten(1).clone()
    torch.compiler.reset()
    compiled = torch.compile(made, dynamic=False)
    ways: dict[str, tuple[Product, tuple[Tensor, ...]]] = {
        "e3nn": (theirs, flat),
        "eager": (made, (x.clone(), y.clone(), weights.clone())),
        "compiled": (compiled, (x, y, weights)),
    }
    with torch.set_grad_enabled(way != "forward"):
        runs: dict[str, Callable[[], Any]] = {
            name: (lambda p=p, given=given: p(*given)) if way == "forward" else backward(p, *given)
            for name, (p, given) in ways.items()
        }
        start = perf_counter()
        runs["compiled"]()
        compiling = perf_counter() - start
        for run in runs.values():
            run()
        took = seconds(runs)
        benchmark(runs["compiled"])
    ratios = {name: round(took["e3nn"] / took[name], 1) for name in ("eager", "compiled")}
    benchmark.extra_info.update(ratios, compiling=compiling, milliseconds={name: 1e3 * each for name, each in took.items()})
    with capsys.disabled():
        sys.stdout.write(f"\n{copies} copies, {way}: e3nn takes {ratios} times as long; compiling took {compiling:.0f} s\n")
    assert torch.isfinite(made(x, y, weights)).all()
