"""A multilayer perceptron on flattened inputs: the control, which has no symmetry but that of the trivial group.

Each number of the input has weights of its own, so nothing ties what happens at one place, in one direction or to one point to
what happens at another. A perceptron can learn a symmetry, from data that show it; it has none by construction, so that each
claim here must be caught, by every group on every domain.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from models._random import randomised
from models._training import Row, accuracy, main, row, trained
from models.deepsets import SetClassifier
from symcheck.claims import Claim, Subject
from symcheck.domains import Domain, Graph, Grid, PointCloud, Set
from symcheck.groups import Symmetric


class MLP(nn.Module):
    """Two hidden layers: tensors `(n, ...)` of `inputs` numbers in all -> `(n, *outputs)`."""

    def __init__(self, inputs: int, outputs: tuple[int, ...], width: int = 64) -> None:
        super().__init__()
        self.outputs = outputs
        self.hidden = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, torch.Size(outputs).numel())

    def forward(self, *x: Tensor) -> Tensor:
        numbers = torch.cat([leaf.flatten(1).to(self.head.weight.dtype) for leaf in x], -1)
        y: Tensor = self.head(self.hidden(numbers))
        return y.reshape(-1, *self.outputs)


def claim(name: str, group: str | Symmetric, domain: Domain, inputs: object, outputs: object, shape: tuple[int, ...]) -> Claim:
    """The claim that an MLP from inputs of that domain to outputs of that shape has a symmetry, expected to be caught."""
    numbers = sum(leaf.numel() for leaf in _leaves(domain))

    def build() -> MLP:
        return randomised(MLP(numbers, shape))

    return Claim(
        Subject(f"mlp.{name}", build=build),
        group,
        domain=domain,
        inputs=inputs,
        outputs=outputs,
        expected="violated",
        reason="each number of the input has weights of its own",
    )


def _leaves(domain: Domain) -> list[Tensor]:
    tree = domain.sample(domain.layout, 1, Generator())
    return list(tree) if isinstance(tree, tuple) else [tree]


def task(count: int, rng: Generator) -> tuple[Tensor, Tensor]:
    """Something to learn: samples in rising order `(count, 9, 1)`, and whether their median is above their mean `(count,)`."""
    x = torch.rand(count, 9, 1, generator=rng).sort(1).values
    return x, (x[:, 4, 0] > x.mean((1, 2))).long()


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    x, label = batch
    return nn.functional.cross_entropy(model(x), label)


def score(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    x, label = batch
    return accuracy(model(x), label)


def _fitted(build: Callable[[], nn.Module], steps: int, seed: int) -> nn.Module:
    return trained(build, loss, lambda rng: task(128, rng), steps=steps, seed=seed)


def train(steps: int = 400, seed: int = 0) -> dict[str, float]:
    """Compare medians with means of sorted samples: the accuracy on 2,000 new ones, by seed 0 above 0.97."""
    model = _fitted(lambda: MLP(9, (2,)), steps, seed)
    return {"accuracy": score(model, task(2000, Generator().manual_seed(seed + 1)))}


def generalisation(steps: int = 400, seed: int = 0) -> Row:
    """Trained on sorted samples; tested on those, and on samples in any order, which is one to DeepSets."""
    rng = Generator().manual_seed(seed + 1)
    x, label = task(2000, rng)
    order = torch.rand(x.shape, generator=rng).argsort(1)
    builds: dict[str, Callable[[], nn.Module]] = {"DeepSets": lambda: SetClassifier(1, 2), "MLP": lambda: MLP(9, (2,))}
    models = {name: _fitted(build, steps, seed) for name, build in builds.items()}
    return row("is the median above the mean?", "S_n", models, score, (x, label), (x.gather(1, order), label))


_EDGE_ORDER = ("scalar", "permute(axis=-1, of='edges')")

CLAIMS: tuple[Claim, ...] = (
    claim("set_classifier", "S_n", Set(5, 3), "permute", "scalar", (4,)),
    claim("point_labeller", "S_n", Set(5, 3), "permute", "permute", (5, 4)),
    claim("cloud_energy", "E(3)", PointCloud(5), "point", "scalar", (1,)),
    claim("cloud_forces", "SO(3)", PointCloud(5), "vector", "vector", (5, 3)),
    claim("image_classifier", "Z_N^2", Grid(1, (6, 6)), "roll", "scalar", (4,)),
    claim("segmenter", "Z_N^2", Grid(1, (6, 6)), "roll", "roll", (1, 6, 6)),
    claim("graph_classifier", "S_n", Graph(6, 10), ("permute", "relabel"), "scalar", (4,)),
    claim("listed_edges", Symmetric(of="edges"), Graph(6, 10), _EDGE_ORDER, "scalar", (4,)),
)

if __name__ == "__main__":
    main(train=train, generalisation=generalisation)
