"""Layers and functions of torch itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from property_tests.zoo.entry import Entry, normal
from symcheck import Verdict
from symcheck.domains import Grid, PointCloud, Set
from symcheck.reps import Permute, Roll

HOLDS, VIOLATED, UNSTABLE = Verdict.HOLDS, Verdict.VIOLATED, Verdict.UNSTABLE


class Through(nn.Module):
    """A module with a function before or after it."""

    def __init__(self, inner: nn.Module, call: Any) -> None:
        super().__init__()
        self.inner, self.call = inner, call

    def forward(self, *x: Tensor) -> Any:
        return self.call(self.inner, *x)


def encoder(**options: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).train(options.get("train", False))


def causal() -> nn.Module:
    def call(inner: nn.Module, x: Tensor) -> Any:
        n = x.shape[-2]
        return inner(x, mask=torch.ones(n, n, dtype=torch.bool).triu(1))

    return Through(encoder(), call)


def attention() -> nn.Module:
    return Through(nn.MultiheadAttention(16, 4, batch_first=True), lambda inner, x: inner(x, x, x, need_weights=False)[0])


def lstm_last() -> nn.Module:
    return Through(nn.LSTM(4, 8, batch_first=True), lambda inner, x: inner(x)[0][:, -1])


def convolutions(padding: str, pool: nn.Module | None = None) -> nn.Module:
    first, second = (nn.Conv2d(a, b, 3, padding=1, padding_mode=padding) for a, b in ((3, 8), (8, 8)))
    return nn.Sequential(first, nn.GELU(), pool or nn.Identity(), second, nn.Tanh())


def pooled(inner: nn.Module) -> nn.Module:
    return nn.Sequential(inner, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def normed(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular"), norm, nn.GELU()).eval()


def gram_spectrum(x: Tensor) -> Tensor:
    return torch.linalg.svdvals(x - x.mean(-2, keepdim=True))


def principal_frame(x: Tensor) -> Tensor:
    """Coordinates along the principal axes, whose signs are LAPACK's choice."""
    y = x - x.mean(-2, keepdim=True)
    return y @ torch.linalg.eigh(y.mT @ y).eigenvectors


def volume(x: Tensor) -> Tensor:
    return torch.linalg.det(x[..., :3, :] - x[..., 3:4, :])


def vector_layer_norm() -> nn.Module:
    return nn.LayerNorm(3)


def vector_rms_norm() -> nn.Module:
    return nn.RMSNorm(3, elementwise_affine=False)


IMAGE = lambda: Grid(3, (8, 6))  # noqa: E731 - domains are made when they are asked for
SEQUENCE = lambda: Grid(4, (12,))  # noqa: E731
SET = lambda: Set(7, 16)  # noqa: E731
SMALL = lambda: Set(7, 4)  # noqa: E731
CLOUD = lambda: PointCloud(8)  # noqa: E731
ROW = Roll(axes=(-1,))

TORCH: list[Entry] = [
    Entry(
        "TransformerEncoder",
        encoder,
        SET,
        "S_n",
        "permute",
        "permute",
        HOLDS,
        "self-attention and pointwise layers, no positions; dropout is off in eval",
    ),
    Entry(
        "TransformerEncoder, causal mask",
        causal,
        SET,
        "S_n",
        "permute",
        "permute",
        VIOLATED,
        "a place attends only to those before it",
    ),
    Entry(
        "TransformerEncoder in training",
        lambda: encoder(train=True),
        SET,
        "S_n",
        "permute",
        "permute",
        UNSTABLE,
        "dropout of 0.1 is on, so that two calls on one input differ",
    ),
    Entry("MultiheadAttention", attention, SET, "S_n", "permute", "permute", HOLDS, "attention without positions"),
    Entry("LSTM, last output", lstm_last, SMALL, "S_n", "permute", "scalar", VIOLATED, "a recurrence reads in order"),
    Entry(
        "Linear on flattened set",
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(28, 3)),
        SMALL,
        "S_n",
        "permute",
        "scalar",
        VIOLATED,
        "each place has weights of its own",
    ),
    Entry(
        "BatchNorm1d over points, eval",
        lambda: Through(nn.BatchNorm1d(16), lambda m, x: m(x.mT).mT).eval(),
        SET,
        "S_n",
        "permute",
        "permute",
        HOLDS,
        "in eval a fixed affine map of each feature",
    ),
    Entry(
        "EmbeddingBag, sum",
        lambda: nn.EmbeddingBag(20, 8, mode="sum"),
        lambda: torch.arange(18).reshape(3, 6) % 20,
        "S_n",
        Permute(axis=-1),
        "scalar",
        HOLDS,
        "a sum over tokens",
    ),
    Entry(
        "Embedding, flattened",
        lambda: nn.Sequential(nn.Embedding(20, 8), nn.Flatten(-2)),
        lambda: torch.arange(18).reshape(3, 6) % 20,
        "S_n",
        Permute(axis=-1),
        "scalar",
        VIOLATED,
        "tokens are kept in order",
    ),
    Entry(
        "median over points",
        lambda: lambda x: x.median(-2).values,
        SMALL,
        "S_n",
        "permute",
        "scalar",
        HOLDS,
        "the median is a function of the multiset",
    ),
    Entry(
        "sort over points",
        lambda: lambda x: x.sort(-2).values,
        SMALL,
        "S_n",
        "permute",
        "scalar",
        HOLDS,
        "order statistics of each feature are functions of the multiset, with ties too",
    ),
    Entry(
        "argmax row",
        lambda: lambda x: x[..., 0].argmax(-1),
        lambda: normal(7, 4),
        "S_n",
        "permute",
        "scalar",
        VIOLATED,
        "the place of the largest entry moves with the permutation",
    ),
    Entry(
        "logcumsumexp",
        lambda: lambda x: x.logcumsumexp(-2),
        SMALL,
        "S_n",
        "permute",
        "permute",
        VIOLATED,
        "a place hears only those before it",
    ),
    Entry(
        "Conv2d, circular",
        lambda: convolutions("circular"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "circular correlation commutes with shifts",
    ),
    Entry(
        "Conv2d, zeros",
        lambda: convolutions("zeros"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "the border sees zeros which don't move",
    ),
    Entry(
        "Conv2d, reflect",
        lambda: convolutions("reflect"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "the border sees its mirror image",
    ),
    Entry(
        "Conv2d, replicate, pooled",
        lambda: pooled(convolutions("replicate")),
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        VIOLATED,
        "the border is counted more than once",
    ),
    Entry(
        "Conv2d, circular, pooled",
        lambda: pooled(convolutions("circular")),
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        HOLDS,
        "a mean over the grid of an equivariant map",
    ),
    Entry(
        "MaxPool2d(2), pooled",
        lambda: pooled(convolutions("circular", nn.MaxPool2d(2))),
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        VIOLATED,
        "windows start at even places",
    ),
    Entry(
        "AvgPool2d(3, stride 1), zero padded",
        lambda: nn.AvgPool2d(3, 1, 1),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "zero padding counts in the mean at the border",
    ),
    Entry(
        "GroupNorm",
        lambda: normed(nn.GroupNorm(2, 8)),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "statistics over the whole grid don't depend on place",
    ),
    Entry(
        "InstanceNorm2d",
        lambda: normed(nn.InstanceNorm2d(8, affine=True)),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "statistics over the whole grid, affine by channel",
    ),
    Entry(
        "LayerNorm over channels and grid, affine",
        lambda: normed(nn.LayerNorm((8, 8, 6))),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "its gain and bias have one entry for each place; they start at one and zero, which hides it",
    ),
    Entry(
        "LocalResponseNorm",
        lambda: normed(nn.LocalResponseNorm(3)),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "a window over channels, not places",
    ),
    Entry("PReLU by channel", lambda: normed(nn.PReLU(8)), IMAGE, "Z_N^2", "roll", "roll", HOLDS, "pointwise"),
    Entry(
        "power spectrum",
        lambda: lambda x: torch.fft.fft2(x).abs(),
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        HOLDS,
        "a shift turns phases alone",
    ),
    Entry("spectrum", lambda: lambda x: torch.fft.rfft2(x), IMAGE, "Z_N^2", "roll", "scalar", VIOLATED, "a shift turns phases"),
    Entry(
        "Conv1d, circular, dilated",
        lambda: nn.Conv1d(4, 4, 3, padding=4, dilation=4, padding_mode="circular"),
        SEQUENCE,
        "Z_N",
        ROW,
        ROW,
        HOLDS,
        "a circular correlation with a spread kernel",
    ),
    Entry(
        "Conv1d, causal by cutting",
        lambda: Through(nn.Conv1d(4, 4, 3, padding=2), lambda m, x: m(x)[..., :-2]),
        SEQUENCE,
        "Z_N",
        ROW,
        ROW,
        VIOLATED,
        "zeros before the first step",
    ),
    Entry(
        "grid_sample, half pixel, zeros",
        lambda: half_pixel,
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "samples beyond the border read zeros",
    ),
    Entry(
        "cdist, 8 points",
        lambda: lambda x: torch.cdist(x, x),
        CLOUD,
        "E(3)",
        "point",
        "scalar",
        HOLDS,
        "distances are invariant; under 25 points computed directly",
    ),
    Entry(
        "cdist, 32 points",
        lambda: lambda x: torch.cdist(x, x),
        lambda: PointCloud(32),
        "E(3)",
        "point",
        "scalar",
        HOLDS,
        "over 25 points by |x|^2 + |y|^2 - 2xy: the diagonal is the root of rounding, 1e-8, which is noise and no break",
        single=HOLDS,
    ),
    Entry(
        "singular values",
        lambda: gram_spectrum,
        lambda: normal(8, 3),
        "E(3)",
        "point",
        "scalar",
        HOLDS,
        "singular values of centred coordinates don't change under x -> x R^T",
    ),
    Entry(
        "principal frame",
        lambda: principal_frame,
        lambda: normal(8, 3),
        "SO(3)",
        "vector",
        "scalar",
        VIOLATED,
        "eigenvectors are unique up to a sign only, and LAPACK's choice doesn't turn with the points",
    ),
    Entry("signed volume, rotations", lambda: volume, CLOUD, "SE(3)", "point", "scalar", HOLDS, "det(R) = 1"),
    Entry("signed volume, reflections", lambda: volume, CLOUD, "E(3)", "point", "scalar", VIOLATED, "det(R) = -1"),
    Entry(
        "LayerNorm over components",
        vector_layer_norm,
        CLOUD,
        "SO(3)",
        "vector",
        "vector",
        VIOLATED,
        "subtracts the mean of x, y and z: the direction (1, 1, 1) doesn't turn",
    ),
    Entry(
        "RMSNorm over components",
        vector_rms_norm,
        CLOUD,
        "O(3)",
        "vector",
        "vector",
        HOLDS,
        "divides by the root mean square of the components, which is |x| / sqrt(3)",
    ),
    Entry(
        "RMSNorm over components, affine",
        lambda: nn.RMSNorm(3),
        CLOUD,
        "O(3)",
        "vector",
        "vector",
        VIOLATED,
        "one gain for each axis; they start at one, which hides it",
    ),
    Entry("tanh of vectors", lambda: torch.tanh, CLOUD, "O(3)", "vector", "vector", VIOLATED, "componentwise"),
    Entry(
        "cross product, rotations",
        lambda: lambda x: torch.linalg.cross(x, x.roll(1, -2)),
        CLOUD,
        "SO(3)",
        "vector",
        "vector",
        HOLDS,
        "Ra x Rb = det(R) R(a x b)",
    ),
    Entry(
        "cross product, reflections",
        lambda: lambda x: torch.linalg.cross(x, x.roll(1, -2)),
        CLOUD,
        "O(3)",
        "vector",
        "vector",
        VIOLATED,
        "Ra x Rb = det(R) R(a x b)",
    ),
    Entry(
        "cross product as 1e",
        lambda: lambda x: torch.linalg.cross(x, x.roll(1, -2)),
        CLOUD,
        "O(3)",
        "vector",
        "1x1e",
        HOLDS,
        "an axial vector is 1e",
    ),
    Entry(
        "cosine similarity, translated",
        lambda: lambda x: nn.functional.cosine_similarity(x[..., :4, :], x[..., 4:, :], -1),
        CLOUD,
        "E(3)",
        "point",
        "scalar",
        VIOLATED,
        "angles at the origin change with a translation",
    ),
]


def half_pixel(x: Tensor) -> Tensor:
    shift = torch.tensor([[1.0, 0.0, 1 / x.shape[-1]], [0.0, 1.0, 0.0]], dtype=x.dtype).expand(len(x), 2, 3)
    grid = nn.functional.affine_grid(shift, list(x.shape), align_corners=False)
    return nn.functional.grid_sample(x, grid, align_corners=False)
