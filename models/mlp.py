"""A multilayer perceptron on flattened inputs: the control, which has no symmetry but that of the trivial group.

Each number of the input has weights of its own, so nothing ties what happens at one place, in one direction or to one point to
what happens at another. A perceptron can learn a symmetry, from data that show it; it has none by construction, so that each
claim here must be caught, by every group on every domain.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from models._random import randomised
from models._tasks.sets import reordered, skewed
from models._training import Lesson, main
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


LESSON = Lesson(
    "is the median above the mean?",
    "S_n",
    {"DeepSets": lambda: SetClassifier(1, 2), "MLP": lambda: MLP(9, (2,))},
    draw=skewed,
    transform=reordered,
    goal=0.97,
    steps=400,
    batch=128,
    tests=2000,
)

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
    main(lesson=LESSON)
