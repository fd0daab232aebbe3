"""Small networks that have their symmetry exactly, for any weights, from which the mutants are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from models import cnn, deepsets, egnn
from models._random import randomised
from symcheck import Args
from symcheck.domains import Domain, Grid, Joint, PointCloud, Set
from symcheck.reps import Roll

Inputs = tuple[Tensor, ...]
Move = Callable[[Inputs, Tensor, Generator], tuple[Inputs, Tensor]]
"""`(x, y, rng) -> (g x, g y)` for random g, one for each row, written without symcheck's groups and reps."""


class Energy(nn.Module):
    """One output of an EGNN."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.net, self.part = egnn.egnn(), part

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        out: Tensor = getattr(self.net(h, x), self.part)
        return out


class Gram(nn.Module):
    """A function of the inner products of points: `(n, points, 3) -> (n, 2)`, under O(3)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = randomised(nn.Sequential(nn.Flatten(), nn.Linear(25, 16), nn.Tanh(), nn.Linear(16, 2)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net((x @ x.mT) / 5)
        return out


class VectorField(nn.Module):
    """Vectors weighed by functions of their inner products: `(n, points, 3) -> (n, points, 3)`, under O(3)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = randomised(nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 5)))

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.net((x @ x.mT) / 5)
        return weights @ x


class Plane(nn.Module):
    """x f(|x|) for planar points: `(n, points, 2) -> (n, points, 2)`, under O(2)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = randomised(nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 1)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.net(x.square().sum(-1, keepdim=True))
        return out


class Attention(nn.Module):
    """One head of self-attention and a residual MLP: `(n, points, 8) -> (n, points, 8)`, under S_n."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        randomised(self, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        heard = (self.q(x) @ self.k(x).mT / 8**0.5).softmax(-1) @ self.v(x)
        out: Tensor = self.mlp(x + heard) + x
        return out


class Waves(nn.Module):
    """Circular convolutions of sequences: `(n, 3, length) -> (n, 4, length)`, under Z_N."""

    def __init__(self) -> None:
        super().__init__()
        first, second = (nn.Conv1d(a, b, 3, padding=1, padding_mode="circular") for a, b in ((3, 8), (8, 4)))
        self.net = randomised(nn.Sequential(first, nn.Tanh(), second))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


@dataclass(frozen=True)
class Base:
    """An exact network with its claim; `leak` is what doesn't have the symmetry, in the shape of the output."""

    name: str
    build: Callable[[], nn.Module]
    domain: Callable[[], Domain]
    group: str
    inputs: Any
    outputs: Any
    move: Move
    leak: Callable[..., Tensor]
    reason: str

    def sample(self, count: int, rng: Generator) -> Inputs:
        domain = self.domain()
        return tuple(Args.of(domain.sample(domain.layout, count, rng)).args)


def turned(dim: int, point: bool, vector: bool, at: int) -> Move:
    """Random orthogonal matrices, and translations if `point`, on input `at` and, if `vector`, on the output."""

    def move(x: Inputs, y: Tensor, rng: Generator) -> tuple[Inputs, Tensor]:
        n = len(y)
        matrix = torch.linalg.qr(torch.randn(n, dim, dim, generator=rng, dtype=torch.float64)).Q
        step = torch.randn(n, 1, dim, generator=rng, dtype=torch.float64) if point else torch.zeros(n, 1, dim).double()
        moved = x[at] @ matrix.mT + step
        whole = tuple(moved if i == at else leaf for i, leaf in enumerate(x))
        return whole, (y @ matrix.mT if vector else y)

    return move


def mixed(each: bool) -> Move:
    def move(x: Inputs, y: Tensor, rng: Generator) -> tuple[Inputs, Tensor]:
        order = torch.stack([torch.randperm(x[0].shape[-2], generator=rng) for _ in range(len(y))]).unsqueeze(-1)
        pick = lambda leaf: leaf.gather(-2, order.expand(leaf.shape))  # noqa: E731
        return tuple(map(pick, x)), (pick(y) if each else y)

    return move


def rolled(axes: tuple[int, ...], each: bool) -> Move:
    def move(x: Inputs, y: Tensor, rng: Generator) -> tuple[Inputs, Tensor]:
        shifts = [[int(torch.randint(leaf.shape[axis], (), generator=rng)) for axis in axes] for leaf in [x[0]] * len(y)]
        roll = lambda leaf: torch.stack([row.roll(s, axes) for row, s in zip(leaf, shifts, strict=True)])  # noqa: E731
        return tuple(map(roll, x)), (roll(y) if each else y)

    return move


def places(x: Tensor) -> Tensor:
    return torch.linspace(-1, 1, x.shape[-2], dtype=x.dtype).reshape(-1, 1)


def corner(x: Tensor) -> Tensor:
    """One at the first place of a grid, zero elsewhere: `(n, 1, ...)`."""
    spot = torch.zeros_like(x[:, :1])
    spot.flatten(1)[:, 0] = 1
    return spot


CLOUD = lambda: Joint(Set(5, 4), PointCloud(5))  # noqa: E731

BASES: tuple[Base, ...] = (
    Base(
        "set classifier",
        deepsets.set_classifier,
        lambda: Set(6, 3),
        "S_n",
        "permute",
        "scalar",
        mixed(False),
        lambda x: x[:, 0, :1].expand(-1, 4),
        "a pool over points",
    ),
    Base(
        "point labeller",
        deepsets.point_labeller,
        lambda: Set(6, 3),
        "S_n",
        "permute",
        "permute",
        mixed(True),
        lambda x: places(x).expand(len(x), -1, 4),
        "maps of a point and of a pool",
    ),
    Base(
        "attention",
        Attention,
        lambda: Set(6, 8),
        "S_n",
        "permute",
        "permute",
        mixed(True),
        lambda x: x.cumsum(-2),
        "attention without positions",
    ),
    Base(
        "image classifier",
        cnn.classifier,
        lambda: Grid(3, (8, 6)),
        "Z_N^2",
        "roll",
        "scalar",
        rolled((-2, -1), False),
        lambda x: x[:, 0, 0, :1].expand(-1, 4),
        "circular convolutions and a mean",
    ),
    Base(
        "segmenter",
        cnn.segmenter,
        lambda: Grid(3, (8, 6)),
        "Z_N^2",
        "roll",
        "roll",
        rolled((-2, -1), True),
        lambda x: corner(x).expand(-1, 4, -1, -1),
        "circular convolutions",
    ),
    Base(
        "sequence",
        Waves,
        lambda: Grid(3, (10,)),
        "Z_N",
        Roll(axes=(-1,)),
        Roll(axes=(-1,)),
        rolled((-1,), True),
        lambda x: corner(x).expand(-1, 4, -1),
        "circular convolutions",
    ),
    Base(
        "energy",
        lambda: Energy("energy"),
        CLOUD,
        "E(3)",
        ("scalar", "point"),
        "scalar",
        turned(3, True, False, 1),
        lambda h, x: x[:, 0, 0] - x[:, 1, 0],
        "distances alone",
    ),
    Base(
        "forces",
        lambda: Energy("forces"),
        CLOUD,
        "E(3)",
        ("scalar", "point"),
        "vector",
        turned(3, True, True, 1),
        lambda h, x: torch.tensor([0.0, 0.0, 1.0], dtype=x.dtype).expand_as(x),
        "arrows weighed by invariants",
    ),
    Base(
        "inner products",
        Gram,
        lambda: PointCloud(5),
        "O(3)",
        "vector",
        "scalar",
        turned(3, False, False, 0),
        lambda x: (x[..., 0].square() - x[..., 1].square()).mean(-1, keepdim=True).expand(-1, 2),
        "inner products alone",
    ),
    Base(
        "vector field",
        VectorField,
        lambda: PointCloud(5),
        "O(3)",
        "vector",
        "vector",
        turned(3, False, True, 0),
        lambda x: x * torch.tensor([1.0, 0.0, 0.0], dtype=x.dtype),
        "vectors weighed by inner products",
    ),
    Base(
        "planar field",
        Plane,
        lambda: PointCloud(5, dim=2),
        "O(2)",
        "vector",
        "vector",
        turned(2, False, True, 0),
        lambda x: x.flip(-1),
        "vectors weighed by functions of their lengths",
    ),
)
