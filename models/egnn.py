"""The E(n)-equivariant graph network (EGNN; Satorras, Hoogeboom, Welling 2021, arXiv:2102.09844), under E(3) x S_n.

Rotations, reflections and translations E(3) move the points x and leave their features h alone; permutations S_n number both
anew. Distances are invariant, so the messages m_ij = phi(h_i, h_j, |x_i - x_j|^2) are, and so is all that is made of them
alone. Arrows x_i - x_j turn as vectors do, so sums of arrows with invariant weights are vectors, and a point plus a vector is
a point. Means over all j don't mind their order. One layer is

    v_i = mean_j w(m_ij) (x_i - x_j)        x_i <- x_i + s v_i        h_i <- h_i + psi(h_i, mean_j m_ij)

Exact where all points hear all, and where they hear those within a cutoff, if an envelope brings in the ones there. With the k
nearest exact at generic points alone: on a lattice distances tie, and who is heard depends on rounding and on the numbering.

A bias on a vector is a fixed direction, and a length that weighs the axes knows the axes. A cross product of two vectors
turns as a vector does but keeps its sign in a mirror: SE(3) holds, E(3) doesn't.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models._pairs import AllPairs, Hears, Pairs, nearest, within
from models._random import randomised
from models._tasks.charges import Charges, anywhere, charges, relative
from models._training import Lesson, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Examples, Joint, PointCloud, Set


class Prediction(NamedTuple):
    """An invariant `(n,)`, a vector for each point `(n, points, 3)`, and where each point goes `(n, points, 3)`."""

    energy: Tensor
    forces: Tensor
    positions: Tensor


class Distance(nn.Module):
    """A linear map of log(1 + |a|^2): `(*pairs, 3) -> (*pairs, width)`. The log, since squares of distances span decades.

    Its gradient at coincident points is zero, where that of |a| isn't a number.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, width, bias=False)

    def forward(self, arrows: Tensor) -> Tensor:
        far: Tensor = self.linear(arrows.square().sum(-1, keepdim=True).log1p())
        return far


Sees = Callable[[int], nn.Module]
"""A width to a module that tells messages of that width what they see of arrows."""


class Layer(nn.Module):
    """One round of messages: `h (n, points, width), x (n, points, 3) -> h, x, vectors (n, points, channels, 3)`.

    phi's first linear map is applied to its three arguments apart, so that h_i and h_j are mapped once a point rather than
    once a pair, and the paper's n x n x (2 width + 1) table of arguments is never in memory. j = i is kept, unlike in the
    paper: its arrow is zero, its message a function of h_i, and a single point needs no case of its own.
    """

    def __init__(self, width: int, channels: int, step: float, sees: Sees) -> None:
        super().__init__()
        self.step = step
        self.receiver = nn.Linear(width, width)
        self.sender = nn.Linear(width, width, bias=False)
        self.distance = sees(width)
        self.message = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.weights = nn.Sequential(nn.Linear(width, channels), nn.Tanh())
        self.update = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, h: Tensor, x: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor, Tensor]:
        here, there = pairs.ends(x, x)
        arrows = here - there
        mine, yours = pairs.ends(self.receiver(h), self.sender(h))
        messages = self.message(mine + yours + self.distance(arrows))
        vectors = pairs.mean_outer(self.weights(messages), arrows)
        h = h + self.update(torch.cat([h, pairs.mean(messages)], -1))
        return h, x + self.step * vectors[..., 0, :], vectors


class Forces(nn.Module):
    """Mixes channels of vectors: `(n, points, channels, 3) -> (n, points, 3)`."""

    def __init__(self, channels: int, bias: bool = False) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, 1, bias=bias)

    def forward(self, vectors: Tensor) -> Tensor:
        forces: Tensor = self.mix(vectors.mT).squeeze(-1)
        return forces


class EGNN(nn.Module):
    """Layers of messages, then three read-outs: `h (n, points, features), x (n, points, 3) -> Prediction`."""

    def __init__(
        self,
        features: int = 4,
        width: int = 32,
        layers: int = 4,
        channels: int = 2,
        hears: Hears = AllPairs,
        sees: Sees = Distance,
    ) -> None:
        super().__init__()
        self.hears = hears
        self.embed: nn.Module = nn.Linear(features, width)
        # Steps of 1 / layers keep the cloud's size for any weights; steps of 1 can shrink it until rounding fills the arrows.
        self.layers = nn.ModuleList(Layer(width, channels, 1 / layers, sees) for _ in range(layers))
        self.energy = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.forces: nn.Module = Forces(channels)

    def forward(self, h: Tensor, x: Tensor) -> Prediction:
        h, pairs, total = self.embed(h), self.hears(x), torch.zeros((), dtype=x.dtype, device=x.device)
        for layer in self.layers:
            h, x, vectors = layer(h, x, pairs)
            total = total + vectors
        return Prediction(self.energy(h).sum((-2, -1)), self.forces(total), x)


class AxisWeighted(Distance):
    """Scales the axes by learned factors before: all are one at first, so that only training shows the mistake."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, arrows: Tensor) -> Tensor:
        return super().forward(arrows * self.scale)


def components(width: int) -> nn.Module:
    """Shows messages where an arrow points, not how long it is."""
    return nn.Linear(3, width, bias=False)


class ChiralForces(Forces):
    """Adds the cross product of two channels: a vector under rotations, but an axial one."""

    def forward(self, vectors: Tensor) -> Tensor:
        axial: Tensor = torch.linalg.cross(vectors[..., 0, :], vectors[..., 1, :])
        return super().forward(vectors) + axial


class Numbered(nn.Module):
    """Adds to the features of each point its place in the list."""

    def forward(self, h: Tensor) -> Tensor:
        return h + torch.linspace(0, 1, h.shape[1], dtype=h.dtype, device=h.device).unsqueeze(-1)


CUTOFF = 2.0  # shorter than some distances of normal points, longer than others
GAIN = 1.0  # features add up over the layers: at 1.5 the energy is 30 times larger, and loses more digits


def egnn() -> EGNN:
    return randomised(EGNN(), GAIN)


def local() -> EGNN:
    return randomised(EGNN(hears=within(CUTOFF)), GAIN)


def few() -> EGNN:
    return randomised(EGNN(hears=nearest(3)), GAIN)


def chiral() -> EGNN:
    model = EGNN()
    model.forces = ChiralForces(2)
    return randomised(model, GAIN)


def axis_weighted() -> EGNN:
    return randomised(EGNN(sees=AxisWeighted), GAIN)


def componentwise() -> EGNN:
    return randomised(EGNN(sees=components), GAIN)


def biased_forces() -> EGNN:
    model = EGNN()
    model.forces = Forces(2, bias=True)
    return randomised(model, GAIN)


def numbered() -> EGNN:
    model = EGNN()
    model.embed = nn.Sequential(Numbered(), model.embed)
    return randomised(model, GAIN)


def generic(count: int = 32, points: int = 5) -> tuple[Tensor, Tensor]:
    """Features and points at random: no two distances are equal."""
    rng = Generator().manual_seed(0)
    h, x = (torch.randn(count, points, width, generator=rng, dtype=torch.float64) for width in (4, 3))
    return h, x


def loss(model: nn.Module, clouds: Charges) -> Tensor:
    return functional.mse_loss(model(clouds.charge, clouds.x).positions, clouds.later)


def score(model: nn.Module, clouds: Charges) -> float:
    """R^2 of how far the points go, and where to."""
    found: Tensor = model(clouds.charge, clouds.x).positions
    return relative(found - clouds.x, clouds.later - clouds.x)


LESSON = Lesson(
    "where charges go",
    "E(3)",
    {"EGNN": lambda: EGNN(1), "reading components": lambda: EGNN(1, sees=components)},
    draw=charges,  # clouds that lie flat
    transform=anywhere,
    goal=0.95,
    loss=loss,
    score=score,
    figure="R^2",
    steps=800,
    lr=5e-3,
)

_CLOUD, _PAIRS = Joint(Set(5, 4), PointCloud(5)), Joint(Set(6, 4), PointCloud(6, cutoff=CUTOFF))
_INPUTS = ("permute", "permute * point")
_OUTPUTS = {"energy": "scalar", "forces": "permute * vector", "positions": "permute * point"}
_MOVED = Claim(Subject.built(egnn), "E(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_OUTPUTS)
_NEAR = Claim(Subject.built(local), "E(3) x S_n", domain=_PAIRS, inputs=_INPUTS, outputs=_OUTPUTS)
_FEW = Claim(Subject.built(few), "E(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_OUTPUTS)

CLAIMS: tuple[Claim, ...] = (
    _MOVED,
    _NEAR,
    replace(
        _FEW,
        domain=Examples(generic()),
        id=f"{_FEW.id}, at generic points",
        reason="exact at generic points, where no distances tie",
    ),
    Claim(Subject.built(chiral), "SE(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_OUTPUTS),
)

TWINS: tuple[Claim, ...] = (
    _MOVED.twin(Subject.built(chiral), reason="the cross product in the forces is axial: a mirror leaves its sign as it is"),
    _MOVED.twin(Subject.built(axis_weighted), reason="distances weigh the axes differently, so they change with a rotation"),
    _MOVED.twin(Subject.built(componentwise), reason="messages see the components of arrows, which change with a rotation"),
    _MOVED.twin(Subject.built(biased_forces), reason="the bias in the mix of vectors is a direction that doesn't turn"),
    _MOVED.twin(Subject.built(numbered), reason="a point's place in the list is among its features"),
    _FEW.twin(Subject.built(few), reason="of neighbours at one distance those are heard that come first in the list"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
