"""Exact networks, and the same with one small mistake: each with its true verdict."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from models import cnn, deepsets, egnn
from models._random import randomised
from property_tests.zoo.entry import Entry
from property_tests.zoo.exact import BASES, Attention, Base, Energy, Gram, Plane, VectorField, Waves, corner, places
from property_tests.zoo.torch_subjects import Through
from symcheck import Verdict
from symcheck.domains import Examples, Set
from symcheck.reps import Roll

HOLDS, LIMITED, VIOLATED, IMPRECISE = Verdict.HOLDS, Verdict.LIMITED, Verdict.VIOLATED, Verdict.IMPRECISE
VACUOUS, NONFINITE, UNSTABLE = Verdict.VACUOUS, Verdict.NONFINITE, Verdict.UNSTABLE

# From 1e-5 of the spread on a break shows in float32; far below it can't: between 1e-6 and 1e-5 either may be right.
SHOWN = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
HIDDEN = (1e-7, 1e-8, 1e-9, 1e-10)


class Leaky(nn.Module):
    """An exact network with a leak, scaled so that the two sides differ by `amplitude` of the spread of its output."""

    def __init__(self, base: Base, amplitude: float) -> None:
        super().__init__()
        self.net, self.leak = base.build(), base.leak
        self.size = amplitude / asymmetry(base, self.net)

    def forward(self, *x: Tensor) -> Any:
        return self.net(*x) + self.size * self.leak(*x)


def asymmetry(base: Base, net: nn.Module, count: int = 256) -> float:
    """RMS of leak(g x) - g leak(x), over the spread of the network's output: measured without symcheck's engine."""
    rng = Generator().manual_seed(1)
    x = base.sample(count, rng)
    with torch.no_grad():
        spread = copy.deepcopy(net).double()(*x).var(0).mean().sqrt()
    there, back = base.move(x, base.leak(*x), rng)
    return float((base.leak(*there) - back).square().mean().sqrt() / spread)


def leak(base: Base, amplitude: float) -> Entry:
    verdict = VIOLATED if amplitude >= 1e-5 else LIMITED
    return Entry(
        f"{base.name}, leak of {amplitude:.0e}",
        lambda: Leaky(base, amplitude),
        base.domain,
        base.group,
        base.inputs,
        base.outputs,
        verdict,
        f"the two sides differ by {amplitude:.0e} of the spread (RMS), by construction",
        amplitude=amplitude,
    )


def exact(base: Base) -> Entry:
    return Entry(base.name, base.build, base.domain, base.group, base.inputs, base.outputs, HOLDS, base.reason)


BY_NAME = {base.name: base for base in BASES}


def mutant(of: str, what: str, build: Callable[[], Any], verdict: Verdict, reason: str, **options: Any) -> Entry:
    base = BY_NAME[of]
    fields = {"domain": base.domain, "group": base.group, "inputs": base.inputs, "outputs": base.outputs, **options}
    return Entry(f"{of}, {what}", build, verdict=verdict, reason=reason, **fields)


def after(of: str, call: Callable[..., Any]) -> Callable[[], nn.Module]:
    """The exact network with `call(net, *x)` in its place."""
    return lambda: Through(BY_NAME[of].build(), call)


def pooling(pool: deepsets.Pool) -> Callable[[], nn.Module]:
    return lambda: randomised(deepsets.SetClassifier(pool=pool))


def labelling(pool: deepsets.Pool) -> Callable[[], nn.Module]:
    return lambda: randomised(deepsets.PointLabeller(pool=pool))


class Untied(nn.Module):
    """A linear map shared by all places, but for one weight of the first place."""

    def __init__(self, difference: float) -> None:
        super().__init__()
        self.map, self.head, self.difference = nn.Linear(3, 8), nn.Linear(8, 4), difference

    def forward(self, x: Tensor) -> Tensor:
        first = torch.zeros_like(x)
        first[:, 0, 0] = self.difference * x[:, 0, 0]
        y: Tensor = self.head(self.map(x + first).tanh().mean(-2))
        return y


class Parametric(nn.Module):
    """An exact network, with a parameter that breaks it unless it has its initial value."""

    def __init__(self, net: nn.Module, parameter: Tensor, call: Callable[..., Any]) -> None:
        super().__init__()
        self.net, self.parameter, self.call = net, nn.Parameter(parameter), call

    def forward(self, *x: Tensor) -> Any:
        return self.call(self.net, self.parameter, *x)


def parametric(of: str, parameter: Callable[[], Tensor], call: Callable[..., Any]) -> Callable[[], nn.Module]:
    return lambda: Parametric(BY_NAME[of].build(), parameter(), call)


def classifier(padding: cnn.Padding | str = "circular", pool: nn.Module | None = None) -> Callable[[], nn.Module]:
    return lambda: randomised(cnn.Classifier(padding=padding, pool=pool), cnn.GAIN)  # type: ignore[arg-type]


def segmenter(padding: str) -> Callable[[], nn.Module]:
    return lambda: randomised(cnn.Segmenter(padding=padding), cnn.GAIN)  # type: ignore[arg-type]


class Lengths(nn.Module):
    """Another length in place of |a|^2, with the same weights behind it."""

    def __init__(self, length: Callable[[Tensor], Tensor], distance: egnn.Distance) -> None:
        super().__init__()
        self.length, self.linear = length, distance.linear

    def forward(self, arrows: Tensor) -> Tensor:
        out: Tensor = self.linear(self.length(arrows).log1p())
        return out


def energy_by(length: Callable[[Tensor], Tensor], part: str = "energy") -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        model = Energy(part)
        for layer in model.net.layers:
            layer.distance = Lengths(length, layer.distance)
        return model

    return build


class Masked(Attention):
    """Attention with a mask over places, or with the keys of other places."""

    def __init__(self, mask: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor:
        scores = self.q(x) @ self.k(x).mT / 8**0.5
        return self.mlp(x + self.mask(scores).softmax(-1) @ self.v(x)) + x


def upper(scores: Tensor) -> Tensor:
    return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)


def window(scores: Tensor) -> Tensor:
    n = scores.shape[-1]
    return scores.masked_fill((torch.arange(n) - torch.arange(n).unsqueeze(-1)).abs() > 2, -torch.inf)


def cap(x: Tensor, height: float) -> Tensor:
    """One where the first point is within a cap round z, of a share (1 - height) / 2 of the sphere."""
    return (x[:, 0, 2] / x[:, 0].norm(dim=-1) > height).to(x.dtype)


def sheared(x: Tensor, by: float) -> Tensor:
    return torch.cat([x[..., :1] + by * x[..., 1:2], x[..., 1:]], -1)


class Deep(nn.Module):
    """Eight vector fields, each made to one size."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(VectorField() for _ in range(8))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = functional.normalize(layer(x), dim=(-1, -2)) * 4
        return x


def octaves(x: Tensor, count: int) -> Tensor:
    """Sines of the distances from the first point at `count` octaves, as radiance fields encode coordinates."""
    far = (x[..., 1:, :] - x[..., :1, :]).norm(dim=-1, keepdim=True)
    return torch.sin(far * torch.pi * 2.0 ** torch.arange(count, dtype=x.dtype)).mean((-2, -1))


SET = [
    mutant(
        "set classifier",
        "pool without the last",
        pooling(lambda x, m: deepsets.mean(x[:, :-1], m[:, :-1])),
        VIOLATED,
        "an index off by one leaves a point out",
    ),
    mutant(
        "set classifier",
        "pool of neighbours",
        pooling(lambda x, m: (x * x.roll(1, -2)).mean(-2, keepdim=True)),
        VIOLATED,
        "products of neighbours in the list",
    ),
    mutant(
        "set classifier",
        "pool of all pairs",
        pooling(lambda x, m: x * x.sum(-2, keepdim=True)),
        HOLDS,
        "products of each with the sum of all",
    ),
    mutant(
        "set classifier",
        "weighted pool",
        pooling(lambda x, m: (x * (1.5 + places(x))).mean(-2, keepdim=True)),
        VIOLATED,
        "weights by place",
    ),
    mutant(
        "set classifier",
        "weighted pool, by 1e-3",
        pooling(lambda x, m: (x * (1 + 1e-3 * places(x))).mean(-2, keepdim=True)),
        VIOLATED,
        "weights by place that differ by 1e-3",
    ),
    mutant(
        "set classifier",
        "pool of the sorted",
        pooling(lambda x, m: (x.sort(-2).values * places(x)).mean(-2, keepdim=True)),
        HOLDS,
        "an L-statistic: sorted first, then weighted",
    ),
    mutant(
        "set classifier",
        "maximum of the first half",
        pooling(lambda x, m: x[:, : x.shape[1] // 2].amax(-2, keepdim=True)),
        VIOLATED,
        "half of the points",
    ),
    mutant("set classifier", "maximum", pooling(lambda x, m: x.amax(-2, keepdim=True)), HOLDS, "a maximum"),
    mutant(
        "set classifier", "alternating pool", pooling(lambda x, m: x[:, ::2].mean(-2, keepdim=True)), VIOLATED, "every other"
    ),
    mutant(
        "set classifier",
        "variance of differences",
        pooling(lambda x, m: x.diff(dim=-2).square().mean(-2, keepdim=True)),
        VIOLATED,
        "differences of neighbours in the list",
    ),
    mutant("set classifier", "variance", pooling(lambda x, m: x.var(-2, keepdim=True)), HOLDS, "a variance"),
    mutant(
        "set classifier",
        "mask ignored",
        pooling(lambda x, m: x.mean(-2, keepdim=True)),
        HOLDS,
        "a mean over the padding as well is still the same in any order: it is wrong, but not under permutations",
        domain=lambda: Examples(deepsets.padded()),
        inputs=("permute", "permute(axis=-1)"),
    ),
    mutant(
        "set classifier",
        "mask as a length",
        deepsets.padded_at_the_end,
        VIOLATED,
        "pools that many from the front",
        domain=lambda: Examples(deepsets.padded()),
        inputs=("permute", "permute(axis=-1)"),
    ),
    mutant(
        "set classifier",
        "mask not permuted",
        deepsets.set_classifier,
        VIOLATED,
        "the mask stays, the points move",
        domain=lambda: Examples(deepsets.padded()),
        inputs=("permute", "scalar"),
    ),
    *[
        mutant(
            "set classifier",
            f"one weight untied by {size:.0e}",
            lambda size=size: Untied(size),
            verdict,
            "one weight of the first place differs",
        )
        for size, verdict in ((0.0, HOLDS), (1e-1, VIOLATED), (1e-3, VIOLATED))
    ],
    mutant("point labeller", "cumulative pool", deepsets.running_mean, VIOLATED, "a point hears of those before it"),
    mutant("point labeller", "pool of the last", deepsets.last_point, VIOLATED, "found by its place"),
    mutant(
        "point labeller",
        "pool of the others",
        labelling(lambda x, m: (x.sum(-2, keepdim=True) - x) / (x.shape[1] - 1)),
        HOLDS,
        "all but itself",
    ),
    mutant("point labeller", "pool of the next", labelling(lambda x, m: x.roll(-1, -2)), VIOLATED, "the next in the list"),
    mutant(
        "point labeller",
        "output reversed",
        after("point labeller", lambda net, x: net(x).flip(-2)),
        VIOLATED,
        "places are reversed, which doesn't commute with other permutations",
    ),
    mutant(
        "point labeller",
        "input and output reversed",
        after("point labeller", lambda net, x: net(x.flip(-2)).flip(-2)),
        HOLDS,
        "reversed twice",
    ),
    mutant(
        "point labeller",
        "centred on the first",
        after("point labeller", lambda net, x: net(x - x[:, :1])),
        VIOLATED,
        "the first point is special",
    ),
    mutant(
        "point labeller",
        "ranks",
        after("point labeller", lambda net, x: net(x) * x.argsort(-2).argsort(-2)[..., :1]),
        VIOLATED,
        "the rank of a feature is equivariant, but equal ones are ranked in the order in which they came",
        domain=lambda: torch.randn(6, 3),
        only_at="repeated elements",
    ),
    mutant("attention", "causal mask", lambda: Masked(upper), VIOLATED, "hears of those before it"),
    mutant("attention", "window", lambda: Masked(window), VIOLATED, "hears of those near it in the list"),
    mutant(
        "attention",
        "no self",
        lambda: Masked(lambda s: s.masked_fill(torch.eye(s.shape[-1]).bool(), -torch.inf)),
        HOLDS,
        "all but itself",
    ),
    mutant("attention", "keys off by one", lambda: Masked(lambda s: s.roll(1, -1)), VIOLATED, "scores of the wrong keys"),
    mutant(
        "attention",
        "softmax over queries",
        lambda: Masked(lambda s: s - s.logsumexp(-2, keepdim=True)),
        HOLDS,
        "normalised over a set first",
    ),
    mutant(
        "attention",
        "place embedding that starts at zero",
        parametric("attention", lambda: torch.zeros(6, 8), lambda net, p, x: net(x + p)),
        VIOLATED,
        "one vector for each place",
    ),
    mutant(
        "attention",
        "place gain that starts at one",
        parametric("attention", lambda: torch.ones(6, 1), lambda net, p, x: net(x * p)),
        VIOLATED,
        "one gain for each place",
    ),
]

GRID = [
    *[
        mutant("image classifier", f"{padding} padding", classifier(padding), VIOLATED, "the border is unlike other places")
        for padding in ("zeros", "reflect", "replicate")
    ],
    *[
        mutant("segmenter", f"{padding} padding", segmenter(padding), VIOLATED, "the border is unlike other places")
        for padding in ("zeros", "reflect", "replicate")
    ],
    mutant("image classifier", "max pool of stride 2", classifier(pool=nn.MaxPool2d(2)), VIOLATED, "windows at even places"),
    mutant(
        "image classifier", "mean pool of stride 2", classifier(pool=nn.AvgPool2d(2)), VIOLATED, "tanh of means at even places"
    ),
    mutant(
        "image classifier",
        "max pool of stride 1",
        classifier(pool=Through(nn.MaxPool2d(3, 1), lambda m, x: m(functional.pad(x, (1, 1, 1, 1), mode="circular")))),
        HOLDS,
        "a window round every place",
    ),
    mutant("image classifier", "blur pool", classifier(pool=cnn.BlurPool()), VIOLATED, "aliasing is weak, but there"),
    mutant(
        "image classifier",
        "every other place",
        classifier(pool=Through(nn.Identity(), lambda m, x: x[..., ::2, ::2])),
        VIOLATED,
        "even places alone",
    ),
    mutant(
        "image classifier",
        "mean pool before a mean",
        after("image classifier", lambda net, x: net.head(functional.avg_pool2d(net.features(x), 2).mean((-2, -1)))),
        HOLDS,
        "a mean of means over equal windows is the mean",
    ),
    mutant(
        "image classifier",
        "mean without the border",
        after("image classifier", lambda net, x: net.head(net.features(x)[..., 1:-1, 1:-1].mean((-2, -1)))),
        VIOLATED,
        "the border doesn't count",
    ),
    mutant(
        "image classifier",
        "places as a channel",
        after("image classifier", lambda net, x: net(x + 0.1 * torch.linspace(-1, 1, x.shape[-1], dtype=x.dtype))),
        VIOLATED,
        "coordinates are added",
    ),
    mutant(
        "image classifier",
        "mirrored",
        after("image classifier", lambda net, x: net(x.flip(-1))),
        HOLDS,
        "shifts of a mirrored image, the other way round; the output doesn't say which",
    ),
    mutant("segmenter", "mirrored", after("segmenter", lambda net, x: net(x.flip(-1))), VIOLATED, "shifts the other way round"),
    mutant("segmenter", "shifted by one", after("segmenter", lambda net, x: net(x).roll(1, -1)), HOLDS, "shifts commute"),
    mutant(
        "segmenter",
        "shifted by one in the first row",
        after("segmenter", lambda net, x: torch.cat([net(x)[..., :1, :].roll(1, -1), net(x)[..., 1:, :]], -2)),
        VIOLATED,
        "the first row is special",
    ),
    mutant(
        "segmenter",
        "one gain for each place",
        parametric("segmenter", lambda: torch.ones(8, 6), lambda net, p, x: net(x) * p),
        VIOLATED,
        "gains that start at one",
    ),
    mutant(
        "segmenter",
        "one bias for each place",
        parametric("segmenter", lambda: torch.zeros(8, 6), lambda net, p, x: net(x) + p),
        VIOLATED,
        "biases that start at zero",
    ),
    mutant(
        "segmenter",
        "one bias for each channel",
        parametric("segmenter", lambda: torch.zeros(4, 1, 1), lambda net, p, x: net(x) + p),
        HOLDS,
        "the same everywhere",
    ),
    mutant(
        "segmenter",
        "wrapped one short",
        after("segmenter", lambda net, x: net(torch.cat([x[..., :-1], x[..., :1]], -1))),
        VIOLATED,
        "the last column is overwritten by the first",
    ),
    mutant("sequence", "running mean", after("sequence", lambda net, x: net(x).cumsum(-1)), VIOLATED, "a sum from the start"),
    mutant(
        "sequence",
        "even kernel",
        lambda: Through(nn.Conv1d(3, 4, 2), lambda m, x: m(functional.pad(x, (0, 1), mode="circular"))),
        HOLDS,
        "an even kernel is a kernel",
    ),
    mutant(
        "sequence",
        "padded on both sides, cut short",
        lambda: Through(nn.Conv1d(3, 4, 2), lambda m, x: m(functional.pad(x, (1, 0)))),
        VIOLATED,
        "a zero before the start",
    ),
    mutant(
        "sequence",
        "Fourier high pass",
        after(
            "sequence",
            lambda net, x: net(torch.fft.irfft(torch.fft.rfft(x) * (torch.arange(x.shape[-1] // 2 + 1) > 1), n=x.shape[-1])),
        ),
        HOLDS,
        "a Fourier multiplier",
    ),
    mutant(
        "sequence",
        "phase added",
        after("sequence", lambda net, x: net(x) + 1e-3 * torch.sin(torch.arange(x.shape[-1], dtype=x.dtype))),
        VIOLATED,
        "a wave that stays",
    ),
    mutant(
        "sequence", "minus the first", after("sequence", lambda net, x: net(x - x[..., :1])), VIOLATED, "the first is special"
    ),
    mutant(
        "sequence",
        "gain of the first place off by 1e-3",
        after("sequence", lambda net, x: net(x) * (1 - 1e-3 * corner(x))),
        VIOLATED,
        "a gain that differs by 1e-3 at one place",
    ),
    mutant(
        "sequence",
        "by halves",
        after("sequence", lambda net, x: torch.cat([net(x[..., :5]), net(x[..., 5:])], -1)),
        VIOLATED,
        "two blocks, each wrapped round",
        group="Z_10",
        inputs=Roll(axes=(-1,)),
        outputs=Roll(axes=(-1,)),
    ),
]

SPACE = [
    mutant(
        "energy",
        "axes weighed",
        energy_by(lambda a: (a * a.new_tensor([1, 1, 1.01])).square().sum(-1, keepdim=True)),
        VIOLATED,
        "z is stretched by a hundredth",
    ),
    mutant(
        "energy",
        "axes weighed, by 1e-4",
        energy_by(lambda a: (a * a.new_tensor([1, 1, 1.0001])).square().sum(-1, keepdim=True)),
        VIOLATED,
        "z is stretched by 1e-4",
    ),
    mutant(
        "energy", "sum of absolute values", energy_by(lambda a: a.abs().sum(-1, keepdim=True)), VIOLATED, "no Euclidean length"
    ),
    mutant("energy", "largest component", energy_by(lambda a: a.abs().amax(-1, keepdim=True)), VIOLATED, "no Euclidean length"),
    mutant(
        "energy", "x and y alone", energy_by(lambda a: a[..., :2].square().sum(-1, keepdim=True)), VIOLATED, "z is forgotten"
    ),
    mutant(
        "energy", "fourth powers", energy_by(lambda a: a.square().sum(-1, keepdim=True).square().sqrt()), HOLDS, "|a|^2 again"
    ),
    mutant(
        "energy", "cubed lengths", energy_by(lambda a: a.norm(dim=-1, keepdim=True) ** 3), HOLDS, "a function of the length"
    ),
    mutant("energy", "sheared", after("energy", lambda net, h, x: net(h, sheared(x, 1e-3))), VIOLATED, "not orthogonal"),
    mutant(
        "energy",
        "in a turned frame",
        after("energy", lambda net, h, x: net(h, x[..., [1, 2, 0]])),
        HOLDS,
        "a fixed rotation of all points changes no distance",
    ),
    mutant(
        "energy",
        "distance from the origin",
        after("energy", lambda net, h, x: net(h, x) + x.square().sum((-2, -1))),
        VIOLATED,
        "a translation changes it",
    ),
    mutant(
        "energy",
        "distance from the origin, under O(3)",
        after("energy", lambda net, h, x: net(h, x) + x.square().sum((-2, -1))),
        HOLDS,
        "rotations and reflections don't",
        group="O(3)",
        inputs=("scalar", "vector"),
    ),
    mutant(
        "energy",
        "signed volume",
        after("energy", lambda net, h, x: net(h, x) + torch.linalg.det(x[:, :3] - x[:, 3:4])),
        VIOLATED,
        "changes its sign under reflections",
    ),
    mutant(
        "energy",
        "signed volume, under SE(3)",
        after("energy", lambda net, h, x: net(h, x) + torch.linalg.det(x[:, :3] - x[:, 3:4])),
        HOLDS,
        "det(R) = 1",
        group="SE(3)",
    ),
    mutant(
        "energy",
        "unsigned volume",
        after("energy", lambda net, h, x: net(h, x) + torch.linalg.det(x[:, :3] - x[:, 3:4]).abs()),
        HOLDS,
        "|det(R)| = 1",
    ),
    mutant(
        "energy",
        "cap of 5 %",
        after("energy", lambda net, h, x: net(h, x) + cap(x - x.mean(-2, keepdim=True), 0.9)),
        VIOLATED,
        "a break where the first point is in a cap of 5 % of the sphere",
    ),
    mutant(
        "energy",
        "bias on arrows that starts at zero",
        parametric("energy", lambda: torch.zeros(3), lambda net, p, h, x: net(h, x) + (x[:, 0] - x[:, 1] + p).square().sum(-1)),
        VIOLATED,
        "a direction that doesn't turn",
    ),
    mutant(
        "energy",
        "bias on centred arrows that starts at zero",
        parametric(
            "energy",
            lambda: torch.zeros(3),
            lambda net, p, h, x: net(h, x) + (x - x.mean(-2, keepdim=True) + p).square().sum((-2, -1)),
        ),
        HOLDS,
        "the product with the bias is 2 p . sum of centred points, which is zero",
    ),
    mutant(
        "energy",
        "rounded to float32 inside",
        after("energy", lambda net, h, x: net(h, x).float().to(x.dtype)),
        LIMITED,
        "a cast to float32 in a model in float64",
    ),
    mutant(
        "energy",
        "input rounded to a thousandth",
        after("energy", lambda net, h, x: net(h, (x * 1e3).round() / 1e3)),
        VIOLATED,
        "a grid of a thousandth, whose axes don't turn",
    ),
    mutant(
        "energy",
        "offset of 1e7",
        after("energy", lambda net, h, x: net(h, x) + 1e7),
        HOLDS,
        "exact, but float32 has seven digits",
        single=IMPRECISE,
    ),
    mutant("energy", "a millionth of it", after("energy", lambda net, h, x: 1e-6 * net(h, x)), HOLDS, "size doesn't matter"),
    mutant("energy", "a million times", after("energy", lambda net, h, x: 1e6 * net(h, x)), HOLDS, "size doesn't matter"),
    mutant(
        "energy",
        "offset and a leak",
        after("energy", lambda net, h, x: net(h, x) + 1e3 + 0.1 * (x[:, 0, 0] - x[:, 1, 0])),
        VIOLATED,
        "an offset hides no leak",
    ),
    mutant("energy", "constant", after("energy", lambda net, h, x: 0 * net(h, x) + 1), VACUOUS, "it depends on nothing"),
    mutant("energy", "NaN", after("energy", lambda net, h, x: net(h, x) * torch.nan), NONFINITE, "it is NaN"),
    mutant(
        "energy", "noise", after("energy", lambda net, h, x: net(h, x) + torch.randn_like(x[:, 0, 0])), UNSTABLE, "it is random"
    ),
    mutant(
        "energy",
        "positions forgotten",
        after("energy", lambda net, h, x: net(h, 0 * x)),
        HOLDS,
        "it depends on features alone, which the group leaves: invariant, if trivially so",
    ),
    mutant(
        "energy",
        "numbered, under S_n",
        lambda: Through(egnn.numbered(), lambda m, h, x: m(h, x).energy),
        VIOLATED,
        "places are features",
        group="S_n",
        inputs=("permute", "permute"),
    ),
    mutant(
        "energy", "under S_n", lambda: Energy("energy"), HOLDS, "sums over points", group="S_n", inputs=("permute", "permute")
    ),
    mutant(
        "energy",
        "features not permuted",
        lambda: Energy("energy"),
        VIOLATED,
        "points get each other's features",
        group="S_n",
        inputs=("scalar", "permute"),
    ),
    mutant(
        "forces", "bias", lambda: Through(egnn.biased_forces(), lambda m, h, x: m(h, x).forces), VIOLATED, "a fixed direction"
    ),
    mutant("forces", "cross product", lambda: Through(egnn.chiral(), lambda m, h, x: m(h, x).forces), VIOLATED, "axial"),
    mutant(
        "forces",
        "cross product, under SE(3)",
        lambda: Through(egnn.chiral(), lambda m, h, x: m(h, x).forces),
        HOLDS,
        "turns as a vector",
        group="SE(3)",
    ),
    mutant("forces", "reflected", after("forces", lambda net, h, x: -net(h, x)), HOLDS, "minus a vector is a vector"),
    mutant(
        "forces",
        "axes permuted",
        after("forces", lambda net, h, x: net(h, x)[..., [1, 2, 0]]),
        VIOLATED,
        "an index off by one: a fixed rotation of the output commutes with few others",
    ),
    mutant(
        "forces",
        "one component negated",
        after("forces", lambda net, h, x: net(h, x) * x.new_tensor([1, 1, -1])),
        VIOLATED,
        "a reflection of the output",
    ),
    mutant(
        "forces",
        "clamped by component",
        after("forces", lambda net, h, x: net(h, x).clamp(-0.5, 0.5)),
        VIOLATED,
        "componentwise",
    ),
    mutant(
        "forces",
        "clamped by length",
        after("forces", lambda net, h, x: (lambda f: f / f.norm(dim=-1, keepdim=True).clamp_min(0.5))(net(h, x))),
        HOLDS,
        "a function of the length",
    ),
    mutant(
        "forces",
        "gain by axis that starts at one",
        parametric("forces", lambda: torch.ones(3), lambda net, p, h, x: net(h, x) * p),
        VIOLATED,
        "one gain for each axis",
    ),
    mutant(
        "forces",
        "gated cross product that starts at zero",
        parametric(
            "forces",
            lambda: torch.zeros(()),
            lambda net, p, h, x: net(h, x) + p * torch.linalg.cross(x - x.mean(-2, keepdim=True), net(h, x)),
        ),
        VIOLATED,
        "axial, with a gate of zero",
    ),
    mutant(
        "forces",
        "with two gates that start at zero",
        parametric(
            "forces",
            lambda: torch.zeros(2),
            lambda net, p, h, x: net(h, x) + p[0] * p[1] * torch.linalg.cross(x - x.mean(-2, keepdim=True), net(h, x)),
        ),
        VIOLATED,
        "axial, with two gates of zero",
    ),
    mutant(
        "inner products",
        "wrong signature",
        lambda: Through(Gram(), lambda m, x: m.net((x * x.new_tensor([1, 1, -1])) @ x.mT / 5)),
        VIOLATED,
        "a Lorentz product",
    ),
    mutant(
        "inner products",
        "one product missing",
        lambda: Through(Gram(), lambda m, x: m.net(torch.einsum("nid, njd -> nij", x[..., :2], x[..., :2]) / 5)),
        VIOLATED,
        "z is forgotten",
    ),
    mutant(
        "inner products",
        "centred",
        lambda: Through(Gram(), lambda m, x: m(x - x.mean(-2, keepdim=True))),
        HOLDS,
        "translations leave it as well",
        group="E(3)",
        inputs="point",
    ),
    mutant("inner products", "not centred", lambda: Gram(), VIOLATED, "translations change it", group="E(3)", inputs="point"),
    mutant(
        "inner products",
        "centred on the first",
        lambda: Through(Gram(), lambda m, x: m(x - x[:, :1])),
        HOLDS,
        "that point moves with the others",
        group="E(3)",
        inputs="point",
    ),
    mutant(
        "inner products",
        "half centred",
        lambda: Through(Gram(), lambda m, x: m(x - 0.99 * x.mean(-2, keepdim=True))),
        VIOLATED,
        "a hundredth of the translation is left",
        group="E(3)",
        inputs="point",
    ),
    mutant(
        "vector field", "ReLU of components", after("vector field", lambda net, x: net(x).relu()), VIOLATED, "componentwise"
    ),
    mutant(
        "vector field",
        "GELU gate of lengths",
        after("vector field", lambda net, x: functional.gelu(net(x).norm(dim=-1, keepdim=True)) * net(x)),
        HOLDS,
        "a function of the length",
    ),
    mutant(
        "vector field",
        "LayerNorm",
        after("vector field", lambda net, x: functional.layer_norm(net(x), (3,))),
        VIOLATED,
        "takes out the mean of components",
    ),
    mutant(
        "vector field",
        "transposed",
        lambda: Through(VectorField(), lambda m, x: m.net((x @ x.mT) / 5).mT @ x),
        HOLDS,
        "weights are invariant, whichever way they are put",
    ),
    mutant(
        "vector field",
        "called axial",
        VectorField,
        VIOLATED,
        "a polar vector changes its sign under inversion",
        inputs="1x1o",
        outputs="1x1e",
    ),
    mutant("vector field", "called polar", VectorField, HOLDS, "1o is the vector", inputs="1x1o", outputs="1x1o"),
    mutant(
        "planar field",
        "turned by a right angle",
        after("planar field", lambda net, x: net(x).flip(-1) * x.new_tensor([-1, 1])),
        VIOLATED,
        "rotations commute, reflections don't",
    ),
    mutant(
        "planar field",
        "turned by a right angle, rotations",
        after("planar field", lambda net, x: net(x).flip(-1) * x.new_tensor([-1, 1])),
        HOLDS,
        "rotations of the plane commute",
        group="SO(2)",
    ),
    mutant(
        "planar field",
        "turned by a hundredth",
        after("planar field", lambda net, x: net(x) + 0.01 * net(x).flip(-1) * x.new_tensor([-1, 1])),
        VIOLATED,
        "rotations commute, reflections don't",
    ),
    mutant(
        "planar field",
        "eightfold",
        lambda: Through(Plane(), lambda m, x: m(x) * (1 + 1e-3 * torch.cos(8 * torch.atan2(x[..., 1:], x[..., :1])))),
        VIOLATED,
        "symmetric under turns by 45 degrees alone",
    ),
    mutant(
        "sequence",
        "complex",
        lambda: Through(Waves(), lambda m, x: torch.fft.fft(m(x))),
        VIOLATED,
        "phases turn with shifts",
        outputs="scalar",
    ),
    mutant(
        "set classifier",
        "with integers of the largest",
        lambda: Through(deepsets.set_classifier(), lambda m, x: (m(x), x[..., 0].argmax(-1))),
        VIOLATED,
        "the place of the largest moves",
        outputs=("scalar", "scalar"),
        domain=lambda: Set(6, 3),
    ),
]

STEEP = [
    mutant("inner products", "8 octaves of distances", lambda: lambda x: octaves(x, 8), HOLDS, "a function of distances"),
    mutant(
        "inner products",
        "10 octaves of distances",
        lambda: lambda x: octaves(x, 10),
        HOLDS,
        "a function of distances; float32 computes it to 1e-4 of its spread (measured against float64)",
    ),
    mutant(
        "vector field", "eight deep", Deep, HOLDS, "composed; float32 computes it to 2e-4 of its spread at worst (measured)"
    ),
    mutant(
        "inner products",
        "log-determinant",
        lambda: lambda x: torch.linalg.slogdet(x.mT @ x).logabsdet,
        HOLDS,
        "det(R^T G R) = det(G); minus infinity on both sides where points lie in a plane with the origin",
    ),
    mutant(
        "inner products",
        "log-determinant, generic points",
        lambda: lambda x: torch.linalg.slogdet(x.mT @ x).logabsdet,
        HOLDS,
        "det(R^T G R) = det(G)",
        domain=lambda: torch.randn(5, 3),
    ),
    mutant(
        "inner products",
        "angle by acos",
        lambda: (
            lambda x: (
                functional.cosine_similarity(x[..., 0, :] - x[..., 2, :], x[..., 1, :] - x[..., 3, :], -1).clamp(-1, 1).acos()
            )
        ),
        HOLDS,
        "a function of inner products; where vectors are parallel rounding of 1e-16 in a cosine is one of 1e-8 in its angle",
    ),
    mutant(
        "attention",
        "three gates that start at zero",
        parametric("attention", lambda: torch.zeros(3), lambda net, p, x: net(x) + p.prod() * x.cumsum(-2)),
        VIOLATED,
        "a cumulative sum, with three gates of zero",
    ),
]

MUTANTS: tuple[Entry, ...] = (
    *map(exact, BASES),
    *(leak(base, amplitude) for base in BASES for amplitude in (*SHOWN, *HIDDEN)),
    *SET,
    *GRID,
    *SPACE,
    *STEEP,
)
