"""How symmetries act on a mesh that the catalogue has no rep for: folding along a crease, and the frames of other labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models._geometry import intrinsic, rings_of
from symcheck.groups import SO, Gauge, Monoid
from symcheck.properties import Actions, Equivariance, Function
from symcheck.reps import Look, Rep, Shape

Leaves = list[Tensor]


@dataclass(frozen=True)
class Fold(Rep):
    """Turns the vertices on one side of the crease x = z = 0 about it, by SO(2)."""

    side: tuple[int, ...]

    name = "fold"

    @property
    def rank(self) -> int:
        return 2

    def look(self, group: Monoid, shape: Shape) -> Look:
        return "points"

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        turned, side = x.clone(), list(self.side)
        turned[..., side, 0::2] = torch.einsum("nij, n...vj -> n...vi", group.linear(g).to(x), x[..., side, 0::2])
        return turned

    def misfit(self, group: Monoid, shape: Shape) -> str | None:
        return None if shape[-1] == 3 and shape[-2] > max(self.side) else f"{self} turns vertices in space"

    @classmethod
    def examples(cls) -> list[tuple[Rep, Monoid, Shape]]:
        return [(cls((1, 3)), SO(2), (4, 3))]


@dataclass(frozen=True)
class WithTheirFrames(Equivariance):
    """Other labels give other frames, since these follow the neighbour of the smallest index: what is written in them turns.

    By phi_p, the angle in the old frame of the neighbour whose new label is smallest, which depends on the mesh as well.
    `inputs` and `outputs` say how it turns each leaf, beside the claim's own reps.
    """

    inputs: tuple[Rep, ...]
    outputs: tuple[Rep, ...]

    name = "equivariance with the induced gauge"
    statement = "f(s x) = rho(phi(s, x)) s f(x), with s x in its own frames"

    def sides(self, f: Function, actions: Actions, x: Leaves, *g: Tensor) -> tuple[Leaves, Leaves]:
        phi = induced(x[0], x[1], g[0])
        group = Gauge(phi.shape[-1])

        def reframed(reps: tuple[Rep, ...], leaves: Leaves) -> Leaves:
            return [rep.act(group, phi, leaf) for rep, leaf in zip(reps, leaves, strict=True)]

        return f(reframed(self.inputs, actions.on_inputs(g[0], x))), reframed(self.outputs, actions.on_outputs(g[0], f(x)))


def induced(positions: Tensor, faces: Tensor, labels: Tensor) -> Tensor:
    """By how much the frames `(n, V)` turn, at the new labels, where vertex p gets the label `labels[:, p]`."""
    rings, theta = rings_of(faces, positions.shape[-2]), intrinsic(positions, faces).direction.cpu()
    new = labels.gather(-1, rings.neighbour.cpu().flatten(-2)).reshape(theta.shape)
    first = new.where(rings.present.cpu(), labels.shape[-1]).argmin(-1, keepdim=True)
    return torch.empty_like(theta[..., 0]).scatter(-1, labels, theta.gather(-1, first).squeeze(-1))
