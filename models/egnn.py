"""The E(n)-equivariant graph network (EGNN; Satorras, Hoogeboom, Welling 2021, arXiv:2102.09844), on all pairs of points.

Rotations, reflections and translations E(3) move the points x and leave their features h alone. Distances are invariant, so
the messages m_ij = phi(h_i, h_j, |x_i - x_j|^2) are, and so is all that is made of them alone. Arrows x_i - x_j turn as
vectors do, so sums of arrows with invariant weights are vectors, and a point plus a vector is a point. Means over all j
commute with permutations S_n of the points. One layer is

    v_i = mean_j w(m_ij) (x_i - x_j)        x_i <- x_i + s v_i        h_i <- h_i + psi(h_i, mean_j m_ij)

A bias on a vector is a fixed direction, and a length that weighs the axes knows the axes. A cross product of two vectors
turns as a vector does but keeps its sign in a mirror: SE(3) holds, E(3) doesn't.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from models._random import randomised
from symcheck.claims import Claim, Subject
from symcheck.domains import Joint, PointCloud, Set


class Prediction(NamedTuple):
    """An invariant `(n,)`, a vector for each point `(n, points, 3)`, and where each point goes `(n, points, 3)`."""

    energy: Tensor
    forces: Tensor
    positions: Tensor


class SquaredLength(nn.Module):
    """|a|^2: `(..., 3) -> (..., 1)`."""

    def forward(self, arrows: Tensor) -> Tensor:
        return arrows.square().sum(-1, keepdim=True)


class Layer(nn.Module):
    """One round of messages: `h (n, points, width), x (n, points, 3) -> h, x, vectors (n, points, channels, 3)`.

    phi's first linear map is applied to its three arguments apart, so that h_i and h_j are mapped once a point rather than
    once a pair, and the paper's n x n x (2 width + 1) table of arguments is never in memory. j = i is kept, unlike in the
    paper: its arrow is zero, its message a function of h_i, and a single point needs no case of its own.
    """

    def __init__(self, width: int, channels: int, step: float) -> None:
        super().__init__()
        self.step = step
        self.square: nn.Module = SquaredLength()
        self.receiver = nn.Linear(width, width)
        self.sender = nn.Linear(width, width, bias=False)
        self.distance = nn.Linear(1, width, bias=False)
        self.message = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.weights = nn.Sequential(nn.Linear(width, channels), nn.Tanh())
        self.update = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, h: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        arrows = x.unsqueeze(2) - x.unsqueeze(1)
        far = self.distance(self.square(arrows).log1p())  # the log, since squares of a few points' distances span decades
        messages = self.message(self.receiver(h).unsqueeze(2) + self.sender(h).unsqueeze(1) + far)
        vectors = torch.einsum("nijc, nijd -> nicd", self.weights(messages), arrows) / x.shape[1]
        h = h + self.update(torch.cat([h, messages.mean(2)], -1))
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

    def __init__(self, features: int = 4, width: int = 32, layers: int = 4, channels: int = 2) -> None:
        super().__init__()
        self.embed: nn.Module = nn.Linear(features, width)
        # Steps of 1 / layers keep the cloud's size for any weights; steps of 1 can shrink it until rounding fills the arrows.
        self.layers = nn.ModuleList(Layer(width, channels, step=1 / layers) for _ in range(layers))
        self.energy = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
        self.forces: nn.Module = Forces(channels)

    def forward(self, h: Tensor, x: Tensor) -> Prediction:
        h, total = self.embed(h), torch.zeros((), dtype=x.dtype, device=x.device)
        for layer in self.layers:
            h, x, vectors = layer(h, x)
            total = total + vectors
        return Prediction(self.energy(h).sum((-2, -1)), self.forces(total), x)


class AxisWeighted(nn.Module):
    """A squared length with a learned scale for each axis: all are one at first, so that only training shows the mistake."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, arrows: Tensor) -> Tensor:
        return (arrows * self.scale).square().sum(-1, keepdim=True)


class ChiralForces(Forces):
    """Adds the cross product of two channels: a vector under rotations, but an axial one."""

    def forward(self, vectors: Tensor) -> Tensor:
        axial: Tensor = torch.linalg.cross(vectors[..., 0, :], vectors[..., 1, :])
        return super().forward(vectors) + axial


class Numbered(nn.Module):
    """Adds to the features of each point its place in the list."""

    def forward(self, h: Tensor) -> Tensor:
        return h + torch.linspace(0, 1, h.shape[1], dtype=h.dtype, device=h.device).unsqueeze(-1)


GAIN = 1.0  # features add up over the layers: at 1.5 the energy is 30 times larger, and loses more digits


def egnn() -> EGNN:
    return randomised(EGNN(), GAIN)


def chiral() -> EGNN:
    model = EGNN()
    model.forces = ChiralForces(2)
    return randomised(model, GAIN)


def axis_weighted() -> EGNN:
    model = EGNN()
    for layer in model.layers:
        layer.square = AxisWeighted()
    return randomised(model, GAIN)


def biased_forces() -> EGNN:
    model = EGNN()
    model.forces = Forces(2, bias=True)
    return randomised(model, GAIN)


def numbered() -> EGNN:
    model = EGNN()
    model.embed = nn.Sequential(Numbered(), model.embed)
    return randomised(model, GAIN)


def task(count: int, rng: Generator) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Something to learn: charged points (h, x), 6 a cloud, and the energy and forces of their screened repulsion.

    E = sum over pairs of q_i q_j exp(-|x_i - x_j|^2 / 2), and F_i = -dE / dx_i. The charge is the first of 4 features.
    """
    h, x = torch.randn(count, 6, 4, generator=rng), torch.randn(count, 6, 3, generator=rng)
    arrows = x.unsqueeze(2) - x.unsqueeze(1)
    pairs = h[:, :, None, 0] * h[:, None, :, 0] * (-arrows.square().sum(-1) / 2).exp() * (1 - torch.eye(6))
    return (h, x), (pairs.sum((1, 2)) / 2, (pairs.unsqueeze(-1) * arrows).sum(2))


_CLOUD = Joint(Set(5, 4), PointCloud(5))
_MOVED = {"energy": "scalar", "forces": "vector", "positions": "point"}
_RELABELLED = {"energy": "scalar", "forces": "permute", "positions": "permute"}
_RIGID = Claim(Subject.built(egnn), "E(3)", domain=_CLOUD, inputs=("scalar", "point"), outputs=_MOVED)
_LABELS = Claim(Subject.built(egnn), "S_n", domain=_CLOUD, inputs=("permute", "permute"), outputs=_RELABELLED)

CLAIMS: tuple[Claim, ...] = (
    _RIGID,
    _LABELS,
    Claim(Subject.built(chiral), "SE(3)", domain=_CLOUD, inputs=("scalar", "point"), outputs=_MOVED),
)

TWINS: tuple[Claim, ...] = (
    _RIGID.twin(Subject.built(chiral), reason="the cross product in the forces is axial: a mirror leaves its sign as it is"),
    _RIGID.twin(Subject.built(axis_weighted), reason="distances weigh the axes differently, so they change with a rotation"),
    _RIGID.twin(Subject.built(biased_forces), reason="the bias in the mix of vectors is a direction that doesn't turn"),
    _LABELS.twin(Subject.built(numbered), reason="a point's place in the list is among its features"),
)
