"""A learned potential: energy from an EGNN, forces and motion from the energy.

The gradient of an invariant turns as a vector does, so F = -dE / dx are forces that are equivariant under E(3) x S_n; and they
do no work along a closed path, whatever the weights. Forces from a head of their own turn just as well, but there is no energy
that they conserve. The Hamiltonian H(q, p) = sum |p_i|^2 / 2 + E(q) is invariant too, so that along its motion the momentum and
the angular momentum stay as they are (Noether 1918); one with an outer field loses those along which it isn't invariant.

Exact. Models like it are the neural potentials of molecular dynamics (Behler and Parrinello 2007; SchNet, Schütt et al. 2017).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._random import randomised
from models._tasks.charges import Charges, anywhere, charges, relative
from models._training import Lesson, main
from models.egnn import EGNN, GAIN, components
from symcheck.claims import Claim, Subject
from symcheck.domains import Joint, PointCloud, Set
from symcheck.properties import Conservation, Conservative, Equivariance, GradientEquivariance, Infinitesimal


class Field(NamedTuple):
    """An energy `(n,)`, and the forces on the points `(n, points, 3)`."""

    energy: Tensor
    forces: Tensor


class Energy(nn.Module):
    """`h (n, points, features), x (n, points, 3) -> (n,)`."""

    def __init__(self, net: EGNN) -> None:
        super().__init__()
        self.net = net

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        energy: Tensor = self.net(h, x).energy
        return energy


class Potential(nn.Module):
    """The energy and the forces that follow from it: `h, x -> Field`."""

    def __init__(self, energy: Energy) -> None:
        super().__init__()
        self.energy = energy

    def forward(self, h: Tensor, x: Tensor) -> Field:
        def energy(x: Tensor) -> tuple[Tensor, Tensor]:
            each = self.energy(h, x)
            return each.sum(), each  # one gradient for all clouds, since none depends on another

        slope, each = torch.func.grad(energy, has_aux=True)(x)
        return Field(each, -slope)


class TwoHeads(Energy):
    """The energy, and forces from a head of their own: `h, x -> Field`."""

    def forward(self, h: Tensor, x: Tensor) -> Field:  # type: ignore[override]
        return Field(*self.net(h, x)[:2])


class Hamiltonian(nn.Module):
    """H of points of mass one: `h, q, p (n, points, 3) -> (n,)`."""

    def __init__(self, energy: Energy) -> None:
        super().__init__()
        self.energy = energy

    def forward(self, h: Tensor, q: Tensor, p: Tensor) -> Tensor:
        total: Tensor = p.square().sum((-2, -1)) / 2 + self.energy(h, q)
        return total


class Falling(Hamiltonian):
    """The same with gravity, which pulls all points along the last axis."""

    def forward(self, h: Tensor, q: Tensor, p: Tensor) -> Tensor:
        return super().forward(h, q, p) + q[..., -1].sum(-1)


def net() -> EGNN:
    return randomised(EGNN(), GAIN)


def energy() -> Energy:
    return Energy(net())


def potential() -> Potential:
    return Potential(energy())


def small() -> Energy:
    """One of two layers, since along a trajectory the energy is differentiated hundreds of times."""
    return Energy(randomised(EGNN(width=16, layers=2), GAIN))


def hamiltonian() -> Hamiltonian:
    return Hamiltonian(small())


def componentwise_energy() -> Energy:
    return Energy(randomised(EGNN(sees=components), GAIN))


def componentwise() -> Potential:
    return Potential(componentwise_energy())


def two_heads() -> TwoHeads:
    return TwoHeads(net())


def falling() -> Falling:
    return Falling(small())


def loss(model: nn.Module, clouds: Charges) -> Tensor:
    """That of the forces, and a little of the energy, whose zero they don't tell."""
    found = model(clouds.charge, clouds.x)
    return functional.mse_loss(found.forces, clouds.forces) + 0.01 * functional.mse_loss(found.energy, clouds.energy)


def score(model: nn.Module, clouds: Charges) -> float:
    return relative(model(clouds.charge, clouds.x).forces, clouds.forces)


LESSON = Lesson(
    "forces between charges",
    "E(3)",
    {
        "potential": lambda: Potential(Energy(EGNN(1))),
        "reading components": lambda: Potential(Energy(EGNN(1, sees=components))),
    },
    draw=charges,  # clouds that lie flat
    transform=anywhere,
    goal=0.99,
    loss=loss,
    score=score,
    figure="R^2",
    steps=500,
    lr=5e-3,
)

_CLOUD = Joint(Set(5, 4), PointCloud(5))
_PHASE = Joint(Set(5, 4), PointCloud(5), PointCloud(5))
_MOVED = ("permute", "permute * point")
_GROUP = "E(3) x S_n"
_FORCES = Claim(
    Subject.built(potential),
    _GROUP,
    domain=_CLOUD,
    inputs=_MOVED,
    outputs={"energy": "scalar", "forces": "permute * vector"},
)
_WORK = replace(
    _FORCES,
    properties=(Conservative(energy=0, forces=1, positions=1),),
    id="potential.potential: forces are a gradient",
)
_SLOPE = Claim(
    Subject.built(energy),
    _GROUP,
    domain=_CLOUD,
    inputs=_MOVED,
    outputs="scalar",
    properties=(GradientEquivariance(), Infinitesimal()),
)
_MOTION = Claim(
    Subject.built(hamiltonian),
    _GROUP,
    domain=_PHASE,
    inputs=(*_MOVED, "permute * vector"),
    outputs="scalar",
    properties=(Equivariance(), Conservation(q=1, p=2, steps=3)),
)

CLAIMS: tuple[Claim, ...] = (_FORCES, _WORK, _SLOPE, _MOTION)

TWINS: tuple[Claim, ...] = (
    _FORCES.twin(Subject.built(componentwise), reason="messages see the components of arrows, which change with a rotation"),
    _WORK.twin(Subject.built(two_heads), reason="forces from a head of their own are the gradient of no energy"),
    _SLOPE.twin(Subject.built(componentwise_energy), reason="messages see the components of arrows"),
    _MOTION.twin(Subject.built(falling), reason="gravity doesn't turn, and the momentum along it grows"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
