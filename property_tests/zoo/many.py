"""Many seeded audits of exact models, none of which may fail: `python -m property_tests.zoo.many [--audits 10000]`.

Each seed draws a family, its width, its nonlinearity, and the scale of its weights from 0.2 to 4.2 times their initial size.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import symcheck
from symcheck.domains import Domain, Grid, PointCloud, Set

Stated = tuple[Callable[[Tensor], Tensor], Domain, str, str, str]
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.SiLU, nn.GELU, nn.Softplus, nn.ELU)


def exact(seed: int) -> Stated:
    """A model, its domain, group and reps, of which the claim is true."""
    torch.manual_seed(seed)
    width, gain = int(torch.randint(4, 33, ())), float(4 * torch.rand(()) + 0.2)
    act = ACTIVATIONS[int(torch.randint(len(ACTIVATIONS), ()))]()

    def scaled(*layers: nn.Module) -> nn.Sequential:
        net = nn.Sequential(*layers).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(gain)
        return net

    def mlp(inputs: int, outputs: int) -> nn.Sequential:
        return scaled(nn.Linear(inputs, width), act, nn.Linear(width, width), act, nn.Linear(width, outputs))

    def conv(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="circular")

    def ridge(x: Tensor) -> Tensor:
        gram = x.mT @ x + 1e-3 * torch.eye(3, dtype=x.dtype)
        return torch.linalg.solve(gram, x.mT @ radial(x.norm(dim=-1, keepdim=True))).squeeze(-1)

    first, last, radial, pair = mlp(3, 5), mlp(5, 2), mlp(1, 1), mlp(1, 4)
    layer = scaled(nn.TransformerEncoderLayer(8, 2, width, batch_first=True))
    families: list[Stated] = [
        (lambda x: last(first(x).sum(-2)), Set(6, 3), "S_n", "permute", "scalar"),
        (lambda x: radial(x.norm(dim=-1, keepdim=True)) * x, PointCloud(5), "O(3)", "vector", "vector"),
        (lambda x: pair(torch.cdist(x, x).unsqueeze(-1)).sum((-3, -2)), PointCloud(5), "E(3)", "point", "scalar"),
        (scaled(conv(2, width), act, conv(width, 2)), Grid(2, (6, 5)), "Z_N^2", "roll", "roll"),
        (layer, Set(5, 8), "S_n", "permute", "permute"),
        (lambda x: torch.linalg.eigvalsh(x.mT @ x), PointCloud(5), "O(3)", "vector", "scalar"),
        (
            lambda x: x / x.square().sum(-1, keepdim=True) + torch.linalg.cross(x, x.roll(1, -2)),
            PointCloud(4),
            "SO(3)",
            "vector",
            "vector",
        ),
        (ridge, PointCloud(6), "O(3)", "vector", "vector"),
    ]
    return families[seed % len(families)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=10_000)
    audits = parser.parse_args().audits
    torch.set_num_threads(1)
    start, counts = time.perf_counter(), Counter[str]()
    for number in range(audits):
        seed, dtype = number // 2, ("float64", "float32")[number % 2]
        model, domain, group, inputs, outputs = exact(seed)
        claim: dict[str, Any] = {"group": group, "inputs": inputs, "outputs": outputs, "dtype": dtype, "seed": seed}
        result = symcheck.check(model, domain, **claim)
        counts[result.verdict.name] += 1
        if not result.passed:
            print(f"seed {seed}, {dtype}: {result.verdict.name} because {result.because}")  # noqa: T201 - a script
    print(f"{audits} audits in {time.perf_counter() - start:.0f} s: {dict(counts.most_common())}")  # noqa: T201


if __name__ == "__main__":
    main()
