"""A model as discovery sees it: real leaves in, real leaves out, their derivatives, and how exactly these are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from symcheck._tree import Leaves
from symcheck.discovery.frames import Frame, like, real
from symcheck.engine.derivatives import difference_step, differences, differentiable
from symcheck.engine.forward import Forward, ModelError
from symcheck.engine.measure import spread
from symcheck.engine.noise import noise, rms
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, sample


@dataclass
class World:
    """The model of a setup, which is placed, and random inputs of its domain by seed."""

    setup: Setup
    policy: Policy
    seed: int

    def __post_init__(self) -> None:
        self.f: Forward = self.setup.at(self.setup.forward.placement)
        self.way = "torch"  # how derivatives are found: by torch, or by "differences"
        self.step = difference_step(self.f.placement.eps)
        self.like = self.inputs(2)
        self.moving = [i for i, x in enumerate(self.like) if differentiable(x) and x[0].numel() and i not in self.f.shared]
        self.example = self.f.strict(self.like)
        self.smooth = [i for i, y in enumerate(self.example) if differentiable(y) and y[0].numel()]

    def inputs(self, n: int, stream: int = 0) -> Leaves:
        """The same n inputs for the same stream."""
        return sample(self.setup.domain, n, Generator().manual_seed((self.seed * 1000 + stream) % 2**63))[0]

    def outputs(self, x: Leaves) -> Leaves:
        """Real output leaves `(n, *shape)`, those of numbers alone; a trial that raises gives NaN."""
        y = real(self.f(x))
        return [y[i].double().cpu() for i in self.smooth]

    def pushed(self, x: Leaves, tangents: Leaves) -> Leaves:
        """The derivative of the outputs along real tangents of the inputs, one for each input."""
        tangents = like(tangents, x)
        if self.way == "torch":
            try:
                y = self.f.jvp(x, tangents)
                if not self.f.crashes:
                    return [leaf.double().cpu() for leaf in (real(y)[i] for i in self.smooth)]
            except ModelError:
                pass
            self.way = "differences"
        return self._differences(x, tangents, self.step)

    def pulled(self, x: Leaves, cotangents: Leaves) -> Leaves | None:
        """The gradients by the inputs of `sum(cotangent * f)`, real leaves; None if the model can't be differentiated so."""
        if self.way == "differences":
            return None
        whole = [torch.zeros_like(y[:1]).expand(len(x[0]), *y.shape[1:]) for y in self.example]
        for i, leaf in zip(self.smooth, like(cotangents, [self.example[i] for i in self.smooth]), strict=True):
            whole[i] = leaf
        try:
            found = self.f.vjp(x, whole)
        except ModelError:
            return None
        return None if self.f.crashes else [leaf.cpu() for leaf in real(found)]

    def _differences(self, x: Leaves, tangents: Leaves, h: float) -> Leaves:
        def at(t: float) -> Leaves:
            moved = zip(x, tangents, strict=True)
            return self.outputs([a + t * v if i in self.moving else a for i, (a, v) in enumerate(moved)])

        return differences(at, h)

    @cached_property
    def scales(self) -> list[float]:
        """The spread of each output leaf, by which its rows are weighed; 1 where it doesn't vary."""
        return [float(spread(y)) or 1.0 for y in self.outputs(self.inputs(self.policy.inputs, 1))]

    def floor(self, frame: Frame, coordinates: Tensor) -> float:
        """How exactly the derivative along one map of a frame is known, RMS over outputs in units of their spreads.

        ECnoise of the derivative itself, and of the output. Differences err smoothly, which no noise shows: by
        as much as two steps disagree.
        """
        x = self.inputs(self.policy.lines, 2)
        n = len(x[0])

        def along(leaves: Leaves) -> Leaves:
            matrices = [m.expand(len(leaves[0]), -1, -1) for m in frame.matrices(coordinates.unsqueeze(0))]
            tangents = frame.tangents(matrices, real(leaves))
            both = [*self.pushed(leaves, tangents), *self.outputs(leaves)]
            return [y.reshape(len(y), -1) / s for y, s in zip(both, self.scales * 2, strict=True)]

        moving = [i in self.moving for i in range(len(x))]
        spreads = [float(spread(leaf)) if move else 0.0 for leaf, move in zip(x, moving, strict=True)]
        eps = self.f.placement.eps
        rng = Generator().manual_seed(self.seed)
        seen = noise(along, x, moving=moving, spreads=spreads, eps=eps, rng=rng, policy=self.policy)
        level = torch.maximum(seen.level.nanmedian(0).values.nan_to_num(), eps * seen.size.amax(0)).amax()
        if self.way == "differences":
            matrices = [m.expand(n, -1, -1) for m in frame.matrices(coordinates.unsqueeze(0))]
            tangents = like(frame.tangents(matrices, real(x)), x)
            pairs = zip(self._differences(x, tangents, self.step), self._differences(x, tangents, self.step / 2), strict=True)
            level = max(level, *(rms((a - b).reshape(n, -1) / s).amax() for (a, b), s in zip(pairs, self.scales, strict=True)))
        return float(level)

    @cached_property
    def varies(self) -> bool:
        """Whether the output depends on the input at all."""
        y = [leaf.double().cpu() for leaf in real(self.f(self.inputs(self.policy.inputs, 3)))]
        return any(
            bool(spread(leaf) > self.policy.slack * self.f.placement.eps * rms(leaf).max()) for leaf in y if leaf.numel()
        )

    @cached_property
    def flat(self) -> bool:
        """Whether all derivatives vanish, of a model that rounds, compares or counts.

        Where torch differentiates something else than the model computes (it detaches, or leaves torch on the way), differences
        tell: they are used from then on.
        """
        x = self.inputs(self.policy.inputs, 8)
        rng = Generator().manual_seed(self.seed)
        numbers = [(i, leaf) for i, leaf in enumerate(real(x))]
        way = [torch.randn(v.shape, generator=rng, dtype=torch.float64) * (i in self.moving) for i, v in numbers]
        found = self.pushed(x, way)
        tangents = like(way, x)
        near, far = (self._differences(x, tangents, h) for h in (self.step / 2, self.step))
        for y, a, b in zip(found, near, far, strict=True):
            size, steady = float(rms(a).median()), float(rms(a - b).median())
            if steady < COARSE * size and float(rms(y - a).median()) > COARSE * size:
                self.way = "differences"
        return self.way != "differences" and all(not bool(y.any()) for y in found)

    @cached_property
    def affine(self) -> bool:
        """Whether f is affine in all that moves: f(a + b - c) = f(a) + f(b) - f(c)."""
        n = self.policy.inputs
        a, b, c = (self.inputs(n, 4 + k) for k in range(3))
        if any(not torch.equal(x[:1].expand_as(x), x) for i, x in enumerate(a) if i not in self.moving):
            return False
        mixed = [p + q - r if i in self.moving else p for i, (p, q, r) in enumerate(zip(a, b, c, strict=True))]
        y = [self.outputs(x) for x in (mixed, a, b, c)]
        gaps = [(m - p - q + r, p.abs().amax(), s) for m, p, q, r, s in zip(*y, self.scales, strict=True)]
        eps = self.policy.slack * self.f.placement.eps
        return all(bool(rms(gap).max() <= eps * max(float(size), s) * 8) for gap, size, s in gaps)

    @cached_property
    def kept(self) -> list[Tensor | None]:
        """Orthonormal columns `(N, N')` by input leaf: the directions along which the output changes. None: not looked for.

        From as many gradients of random combinations of the outputs as there are numbers in the leaf, and some more.
        """
        x = real(self.like)
        found: list[Tensor | None] = [None] * len(x)
        numbers = max((x[i][0].numel() for i in self.moving), default=0)
        if numbers > MANY:
            return found
        n = numbers + self.policy.lines
        here = self.inputs(n, 7)
        rng = Generator().manual_seed(self.seed)
        outs = [real(self.example)[i] for i in self.smooth]
        pulled = self.pulled(
            here,
            [
                torch.randn(n, *y.shape[1:], generator=rng, dtype=torch.float64) / s
                for y, s in zip(outs, self.scales, strict=True)
            ],
        )
        if pulled is None:
            return found
        for i in self.moving:
            rows = pulled[i].reshape(n, -1).double().nan_to_num()
            _, s, vh = torch.linalg.svd(rows, full_matrices=False)
            top = float(s[0]) if len(s) else 0.0
            many = int((s > self.policy.slack * self.f.placement.eps * n * top).sum()) if top > 0 else 0
            found[i] = vh[:many].mT
        return found

    @property
    def ignored(self) -> list[int]:
        """The input leaves of which nothing matters."""
        known = self.smooth and self.varies and not self.flat
        return [i for i, own in enumerate(self.kept) if own is not None and not own.shape[1]] if known else []


COARSE = 1e-2
"""Differences of a smooth function are good to much more, those of one that jumps to less."""

MANY = 512
"""Numbers of a leaf up to which ignored directions are looked for: that takes as many gradients."""
