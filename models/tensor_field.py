"""Tensor field networks (Thomas et al. 2018, arXiv:1802.08219; NequIP, Batzner et al. 2022), under E(3) x S_n.

A feature of a point is an irrep of O(3): a scalar 0e, a vector 1o, a quadrupole 2e, and those that a mirror treats the other
way, 0o, 1e and 2o. What a point hears of another is a product with the harmonics of the arrow a between them, whose weights
know its length alone:

    m_ij = sum over paths of R_path(|a|^2) h_j x Y(a)        h_i <- gate(A h_i + B mean_j m_ij)

A and B mix copies of one irrep (Schur's lemma); gates are invariant numbers. All of it commutes with rotations and mirrors, and
translations leave the arrows alone. Parities multiply, so that 1o x 1o -> 1e, a cross product, and 1e x 1o -> 0o: a triple
product, which tells an object from its mirror image. EGNN, which sees lengths, can't. Exact: Y are polynomials of
a / sqrt(1 + |a|^2), smooth where points meet, and an envelope brings in those at the cutoff.

With parities left out, an axial vector is added to a polar one, and SE(3) is all that holds. Harmonics whose orders m aren't
those of the coefficients turn by another rep. A norm over all components takes the mean of vectors' ones from scalars.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models._pairs import Hears, Pairs, within
from models._random import randomised
from models._tasks.pieces import anywhere, pieces
from models._tensor_product import TensorProduct, blocks
from models._training import Lesson, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Joint, PointCloud, Set
from symcheck.properties import Equivariance, GradientEquivariance, Infinitesimal
from symcheck.reps import Irreps, Permute
from symcheck.reps.irreps import parse_irreps

HARMONICS = "0e+1o+2e"
HIDDEN = ("0e+1o+2e", "0e+1o+1e+2e+2o", "0e+0o+1o+2e")
CUTOFF = 2.5  # about the distance of normal points
WAVES = 6
NEAR = within(CUTOFF)


def harmonics(xyz: Tensor) -> Tensor:
    """Solid harmonics of degrees 0 to 2, polynomials of `(..., 3)`: `(..., 9)`, of mean square one on the unit sphere."""
    x, y, z = xyz.unbind(-1)
    second = [x * z, x * y, (y.square() - (x.square() + z.square()) / 2) / math.sqrt(3), y * z, (z.square() - x.square()) / 2]
    return torch.cat([torch.ones_like(xyz[..., :1]), math.sqrt(3) * xyz, math.sqrt(15) * torch.stack(second, -1)], -1)


def waves(arrows: Tensor) -> Tensor:
    """Functions of the length alone, smooth everywhere: cosines of its square, `(..., 3) -> (..., WAVES)`."""
    part = arrows.square().sum(-1, keepdim=True) / CUTOFF**2
    return torch.cos(math.pi * part * torch.arange(WAVES, dtype=arrows.dtype, device=arrows.device))


def split(x: Tensor, width: int) -> Tensor:
    """`(..., d * width) -> (..., d, width)`."""
    return x.reshape(*x.shape[:-1], x.shape[-1] // width, width)


class Mix(nn.Module):
    """Mixes the copies of each irrep: `(..., d1, width)` to one `(..., 2l + 1, copies)` for each term of "1x0e+2x1o".

    Terms without an irrep of their kind in the input are zero.
    """

    def __init__(self, first: str, out: str, width: int) -> None:
        super().__init__()
        known = {kind[1:]: place for kind, place in zip(parse_irreps(first), blocks(first), strict=True)}
        self.terms = [(copies, 2 * degree + 1, known.get((degree, parity))) for copies, degree, parity in parse_irreps(out)]
        self.weights = nn.ParameterList(torch.randn(width, n) * width**-0.5 for n, _, place in self.terms if place)

    def forward(self, h: Tensor) -> list[Tensor]:
        weights = iter(self.weights)
        return [
            h[..., place, :] @ next(weights) if place else h.new_zeros(*h.shape[:-2], size, copies)
            for copies, size, place in self.terms
        ]


class Gate(nn.Module):
    """The first scalars by SiLU; the others' copies by numbers between 0 and 1, which follow from these: `(..., d, width)`."""

    def __init__(self, irreps: str, width: int) -> None:
        super().__init__()
        sizes = [2 * degree + 1 for _, degree, _ in parse_irreps(irreps)]
        self.places = [place for place, size in enumerate(sizes) for _ in range(size)][1:]
        self.linear = nn.Linear(width, len(sizes) * width)

    def forward(self, h: Tensor) -> Tensor:
        numbers = split(self.linear(h[..., 0, :]), h.shape[-1])
        gated = numbers.sigmoid()[..., self.places, :] * h[..., 1:, :]
        return torch.cat([functional.silu(numbers[..., :1, :]), gated], -2)


class Interaction(nn.Module):
    """One round of messages: `(n, points, d1, width) -> (n, points, d2, width)`."""

    def __init__(self, first: str, second: str, out: str, width: int) -> None:
        super().__init__()
        self.product = TensorProduct(first, second, out)
        self.radial = nn.Sequential(nn.Linear(WAVES, 16), nn.SiLU(), nn.Linear(16, len(self.product.paths) * width))
        mixed = "+".join(f"{width}x{kind}" for kind in out.split("+"))
        self.own, self.heard = Mix(first, mixed, width), Mix(out, mixed, width)
        self.gate: nn.Module = Gate(out, width)

    def forward(self, h: Tensor, x: Tensor, pairs: Pairs, waves: Tensor, harmonics: Tensor) -> Tensor:
        width = h.shape[-1]
        told = split(pairs.ends(x, h.flatten(-2))[1], width)
        messages = self.product(told, harmonics, split(self.radial(waves), width))
        heard = split(pairs.mean(messages.flatten(-2)), width)
        mixed = [mine + theirs for mine, theirs in zip(self.own(h), self.heard(heard), strict=True)]
        found: Tensor = self.gate(torch.cat(mixed, -2))
        return found


class TensorField(nn.Module):
    """Irreps of each point: `h (n, points, features), x (n, points, 3) -> (n, points, d)`."""

    def __init__(
        self,
        features: int,
        out: str,
        width: int = 8,
        hidden: tuple[str, ...] = HIDDEN,
        second: str = HARMONICS,
        hears: Hears = NEAR,
    ) -> None:
        super().__init__()
        self.hears = hears
        self.harmonics: Callable[[Tensor], Tensor] = harmonics
        self.waves: Callable[[Tensor], Tensor] = waves
        self.embed = nn.Linear(features, width)
        self.layers = nn.ModuleList(Interaction(a, second, b, width) for a, b in pairwise(("0e", *hidden)))
        self.head = Mix(hidden[-1], out, width)

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        pairs = self.hears(x)
        here, there = pairs.ends(x, x)
        arrows = there - here
        waves, steps = self.waves(arrows), self.harmonics(arrows / (1 + arrows.square().sum(-1, keepdim=True)).sqrt())
        y = self.embed(h).unsqueeze(-2)
        for layer in self.layers:
            y = layer(y, x, pairs, waves, steps)
        return torch.cat([block.mT.flatten(-2) for block in self.head(y)], -1)


class Prediction(NamedTuple):
    """An invariant `(n,)`, one that a mirror negates `(n,)`, vectors `(n, points, 3)` and quadrupoles `(n, points, 5)`."""

    energy: Tensor
    handedness: Tensor
    vectors: Tensor
    quadrupoles: Tensor


class Fields(nn.Module):
    """One of each for every point, the invariant ones summed: `h, x -> Prediction`."""

    def __init__(self, net: TensorField) -> None:
        super().__init__()
        self.net = net

    def forward(self, h: Tensor, x: Tensor) -> Prediction:
        energy, handedness, vectors, quadrupoles = self.net(h, x).split([1, 1, 3, 5], -1)
        return Prediction(energy.sum((-2, -1)), handedness.sum((-2, -1)), vectors, quadrupoles)


class Energy(Fields):
    """The energy alone."""

    def forward(self, h: Tensor, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(h, x).energy


class Classifier(nn.Module):
    """Logits for classes, of which the first two are each other's mirror images: `h, x -> (n, classes)`.

    These are s + p and s - p, for a scalar s and a pseudo-scalar p; so a mirror swaps them and leaves the others.
    """

    def __init__(self, net: TensorField) -> None:
        super().__init__()
        self.net = net

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        numbers = self.net(h, x).sum(-2)
        s, others, p = numbers[..., :1], numbers[..., 1:-1], numbers[..., -1:]
        return torch.cat([s + p, s - p, others], -1)


class MeanFree(Gate):
    """A layer norm over all components before the gates."""

    def forward(self, h: Tensor) -> Tensor:
        return super().forward(functional.layer_norm(h, h.shape[-2:]))


def by_order(xyz: Tensor) -> Tensor:
    """The harmonics in another order of m: 0, 1, -1, and 0, 1, -1, 2, -2, as tables have them."""
    return harmonics(xyz)[..., [0, 2, 3, 1, 6, 7, 5, 8, 4]]


def directional(arrows: Tensor) -> Tensor:
    """Waves along the axes, of an arrow's components rather than of its length."""
    phase = math.pi / CUTOFF * arrows
    return torch.cat([phase.cos(), phase.sin()], -1)


GAIN = 1.0  # messages are products: at 1.5 their size grows with each layer
OUT, PIECES = "1x0e+1x0o+1x1o+1x2e", "7x0e+1x0o"


def seeing_components(net: TensorField) -> TensorField:
    net.waves = directional
    return net


def fields() -> Fields:
    return randomised(Fields(TensorField(4, OUT)), GAIN)


def energy() -> Energy:
    """Of two layers, since its gradients are asked for."""
    return randomised(Energy(TensorField(4, OUT, hidden=HIDDEN[:1] * 2)), GAIN)


def irreps() -> TensorField:
    return randomised(TensorField(4, "2x0e+1x0o+2x1o+1x2e"), GAIN)


def classifier() -> Classifier:
    return randomised(Classifier(TensorField(1, PIECES)), GAIN)


def without_parity() -> Fields:
    even = HARMONICS.replace("o", "e")
    return randomised(Fields(TensorField(4, OUT.replace("o", "e"), hidden=(even, even, even), second=even)), GAIN)


def another_order() -> Fields:
    net = TensorField(4, OUT)
    net.harmonics = by_order
    return randomised(Fields(net), GAIN)


def normed() -> Fields:
    net = TensorField(4, OUT)
    for layer, kinds in zip(net.layers, HIDDEN, strict=True):
        layer.gate = MeanFree(kinds, 8)
    return randomised(Fields(net), GAIN)


def directed() -> Fields:
    return randomised(Fields(seeing_components(TensorField(4, OUT))), GAIN)


LESSON = Lesson(
    "pieces of four cubes",
    "E(3)",
    {
        "tensor field": lambda: Classifier(TensorField(1, PIECES)),
        "weights that see components": lambda: Classifier(seeing_components(TensorField(1, PIECES))),
    },
    draw=pieces,  # upright
    transform=anywhere,
    goal=0.95,
    batch=32,
)

_CLOUD, _FOUR = Joint(Set(5, 4), PointCloud(5, cutoff=CUTOFF)), Joint(Set(4, 1), PointCloud(4, cutoff=CUTOFF))
_INPUTS = ("permute", "permute * point")
_TURNED = {"energy": "scalar", "handedness": "pseudoscalar", "vectors": "permute * vector", "quadrupoles": "permute * 1x2e"}
_PROPER = {**_TURNED, "handedness": "scalar"}
_ALL = Permute() * Irreps("2x0e+1x0o+2x1o+1x2e")
_SMOOTH = (Equivariance(), GradientEquivariance(), Infinitesimal())
_MOVED = Claim(Subject.built(fields), "E(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_TURNED)

CLAIMS: tuple[Claim, ...] = (
    _MOVED,
    Claim(Subject.built(irreps), "E(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_ALL),
    Claim(Subject.built(energy), "E(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs="scalar", properties=_SMOOTH),
    Claim(Subject.built(classifier), "SE(3) x S_n", domain=_FOUR, inputs=_INPUTS, outputs="scalar"),
    Claim(Subject.built(without_parity), "SE(3) x S_n", domain=_CLOUD, inputs=_INPUTS, outputs=_PROPER),
)

TWINS: tuple[Claim, ...] = (
    _MOVED.twin(Subject.built(without_parity), reason="an axial vector is added to a polar one: a mirror negates one of them"),
    _MOVED.twin(Subject.built(another_order), reason="harmonics in another order of m turn by another rep than coefficients"),
    _MOVED.twin(Subject.built(normed), reason="a norm over all components takes from each the mean of all degrees"),
    _MOVED.twin(Subject.built(directed), reason="the weights of the paths see the arrow's components"),
)

if __name__ == "__main__":
    main(lesson=LESSON)
