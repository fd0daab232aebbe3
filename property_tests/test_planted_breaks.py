"""Breaks planted in layers of whole networks: module and line must be located, and nothing accused where none is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models import cnn, deepsets, egnn, gcnn, gnn, spherical, transformer
from models._random import randomised
from symcheck import Claim
from symcheck.domains import Domain, Generated, Grid, Joint, Like, PointCloud, Set
from symcheck.engine import Counterexample, Judged, Location, Outcome, Policy, Settings, examine
from symcheck.engine.locate import _Runs, _Search
from symcheck.engine.probe import probe
from symcheck.engine.trials import GENERIC
from symcheck.placement import Placement, placed

# The breaks: each is a layer for hidden tensors of one kind, whose line says BREAK.


class Break(nn.Module):
    """Which line of the file breaks the symmetry."""

    @classmethod
    def line(cls) -> int:
        source, first = inspect.getsourcelines(cls)
        return first + next(i for i, text in enumerate(source) if "# BREAK" in text)


class Positions(Break):
    def forward(self, x: Tensor) -> Tensor:
        points, width = x.shape[-2:]
        table = torch.arange(points * width, dtype=x.dtype).reshape(points, width).sin()
        return x + table  # BREAK


class Running(Break):
    def forward(self, x: Tensor) -> Tensor:
        before = x.cumsum(-2)  # BREAK
        return x + before / x.shape[-2]


class Neighbour(Break):
    def forward(self, x: Tensor) -> Tensor:
        doubled = 2 * x
        return doubled + x.roll(1, -2)  # BREAK


class First(Break):
    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean(-2, keepdim=True)
        return x + pooled + x[..., :1, :]  # BREAK


class Causal(Break):
    def forward(self, x: Tensor) -> Tensor:
        scores = x @ x.mT
        seen = torch.tril(scores.tanh())  # BREAK
        return x + seen @ x / x.shape[-2]


class Ranked(Break):
    def forward(self, x: Tensor) -> Tensor:
        weight = torch.linspace(0.5, 1.5, x.shape[-2], dtype=x.dtype).unsqueeze(-1)
        pooled = (x * weight).mean(-2, keepdim=True)  # BREAK
        return x + pooled


class Along(Break):
    """A convolution along the list of points, which zero-pads it too."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.tensor([[[0.3, -0.5, 0.8]]]))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.mT.reshape(-1, 1, x.shape[-2])
        mixed = functional.conv1d(rows, self.kernel, padding=1)  # BREAK
        return x + mixed.reshape(x.mT.shape).mT


class Columns(Break):
    def forward(self, x: Tensor) -> Tensor:
        across = torch.linspace(-1, 1, x.shape[-1], dtype=x.dtype)
        return x + across  # BREAK


class Window(Break):
    def forward(self, x: Tensor) -> Tensor:
        fades = torch.hann_window(x.shape[-1], dtype=x.dtype)
        return x * fades  # BREAK


class Coarse(Break):
    def forward(self, x: Tensor) -> Tensor:
        pooled = functional.avg_pool2d(x, 2)  # BREAK
        return x + functional.interpolate(pooled, scale_factor=2)


class Swept(Break):
    def forward(self, x: Tensor) -> Tensor:
        swept = x.cumsum(-1)  # BREAK
        return x + swept / x.shape[-1]


class Mirrored(Break):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.flip(-1)  # BREAK


class Padded(Break):
    def forward(self, x: Tensor) -> Tensor:
        around = functional.pad(x, (1, 1, 1, 1))  # BREAK
        return functional.avg_pool2d(around, 3, stride=1) + x


class Bias(Break):
    def forward(self, x: Tensor) -> Tensor:
        doubled = 2 * x
        return doubled + torch.tensor([0.5, -0.2, 0.9], dtype=x.dtype)  # BREAK


class Axes(Break):
    def forward(self, x: Tensor) -> Tensor:
        weight = torch.tensor([1.0, 1.3, 0.6], dtype=x.dtype)
        return x * weight  # BREAK


class Rectified(Break):
    def forward(self, x: Tensor) -> Tensor:
        half = x / 2
        return half + x.relu()  # BREAK


class Normed(Break):
    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:])  # BREAK


class Flattened(Break):
    """Leaves one axis out."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.new_tensor([1.0, 1.0, 0.0])  # BREAK


class Shuffled(Break):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.roll(1, -1)  # BREAK


class Dense(Break):
    """A dense layer over the components of vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))

    def forward(self, x: Tensor) -> Tensor:
        return x + (x @ self.weight).tanh()  # BREAK


class Offset(Break):
    """On features of any kind."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.linspace(0.2, 1, x.shape[-1], dtype=x.dtype)  # BREAK


LISTS = (Positions, Running, Neighbour, First, Causal, Ranked, Along)
GRIDS = (Columns, Window, Coarse, Swept, Mirrored, Padded)
VECTORS = (Bias, Axes, Rectified, Normed, Flattened, Shuffled, Dense)


# The networks.


class VectorNeurons(nn.Module):
    """Vector neurons (Deng et al. 2021): `(n, points, 3) -> (n, points, 3)`, under SO(3)."""

    class Layer(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.mix, self.way = (nn.Linear(inputs, outputs, bias=False) for _ in range(2))

        def forward(self, v: Tensor) -> Tensor:
            value, way = self.mix(v.mT).mT, self.way(v.mT).mT
            along = (value * way).sum(-1, keepdim=True)
            return value - way * along.clamp(max=0) / way.square().sum(-1, keepdim=True)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(VectorNeurons.Layer(a, b) for a, b in ((6, 8), (8, 8), (8, 8), (8, 6))))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Distances(nn.Module):
    """Reads the distances of points from their mean, point by point, and their sum: under O(3)."""

    def __init__(self) -> None:
        super().__init__()
        self.centre, self.mixed = nn.Identity(), nn.Identity()
        self.read = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        arrows = self.centre(x)
        spread = self.mixed(arrows - arrows.mean(-2, keepdim=True))
        return self.read(spread.norm(dim=-1, keepdim=True)).sum((-2, -1))


class Odd(nn.Module):
    """An odd function of each number: under sign flips."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((6, 12), (12, 12), (12, 6))
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(a, b, bias=False), nn.Tanh()) for a, b in sizes))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Phases(nn.Module):
    """Complex features whose modulus is squashed: under U(1)."""

    class Layer(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.real, self.imaginary = (nn.Parameter(torch.randn(width, width) / width**0.5) for _ in range(2))

        def forward(self, z: Tensor) -> Tensor:
            z = z @ torch.complex(self.real, self.imaginary)
            return z * torch.tanh(z.abs()) / z.abs()

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Phases.Layer(4) for _ in range(3)))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z)


class SplitRelu(Break):
    def forward(self, z: Tensor) -> Tensor:
        return torch.complex(z.real.relu(), z.imag.relu())  # BREAK


class Conjugated(Break):
    def forward(self, z: Tensor) -> Tensor:
        return z + z.conj()  # BREAK


class ComplexBias(Break):
    def forward(self, z: Tensor) -> Tensor:
        return z + 0.3  # BREAK


@dataclass(frozen=True)
class Network:
    """A network and its claim. `sites` are modules behind which a layer of one of these kinds can be put."""

    name: str
    build: Callable[[], nn.Module]
    group: str
    domain: Domain
    inputs: Any
    outputs: Any
    sites: tuple[tuple[str, type[Break]], ...] = ()

    def claim(self, model: nn.Module) -> Claim:
        return Claim(model, self.group, domain=self.domain, inputs=self.inputs, outputs=self.outputs)

    def model(self) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return self.build().eval()


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    return randomised(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))


def small_egnn() -> nn.Module:
    return randomised(egnn.EGNN(features=4, width=12, layers=2), egnn.GAIN)


def e3nn_network() -> nn.Module:
    from e3nn import nn as gates
    from e3nn import o3

    class Convolution(nn.Module):
        def __init__(self, inputs: str, hidden: str) -> None:
            super().__init__()
            self.gate = gates.Gate("8x0e", [torch.tanh], "4x0e", [torch.sigmoid], "4x1o")
            self.square = o3.FullyConnectedTensorProduct(inputs, inputs, hidden)
            self.linear = o3.Linear(hidden, self.gate.irreps_in)

        def forward(self, x: Tensor) -> Tensor:
            return self.gate(self.linear(self.square(x, x)))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(Convolution("4x0e+2x1o", "8x0e+6x1o"), Convolution("8x0e+4x1o", "8x0e+6x1o"))
            self.out = o3.Linear("8x0e+4x1o", "2x0e+1x1o")

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.layers(x))

    return Net()


def pyg_network() -> nn.Module:
    from torch_geometric.nn import GCNConv, GINConv

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = GCNConv(3, 8)
            self.between = nn.Identity()
            self.second = GINConv(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4)))

        def forward(self, x: Tensor, edges: Tensor) -> Tensor:
            return self.second(self.between(self.first(x, edges).tanh()), edges)

    return Net()


class Ring(Domain):
    """Nodes with features, joined to two others each."""

    def sample(self, layout: Any, n: int, rng: torch.Generator) -> Any:
        here = torch.arange(8)
        edges = torch.stack([torch.cat([here, here]), torch.cat([(here + 1) % 8, (here + 3) % 8])])
        return torch.randn(n, 8, 3, generator=rng, dtype=torch.float64), edges.expand(n, 2, 16)

    @property
    def batched(self) -> bool:
        return False

    @classmethod
    def examples(cls) -> list[Domain]:
        return [cls()]


def complex_cloud() -> Domain:
    def draw(n: int, rng: torch.Generator) -> Tensor:
        return torch.randn(n, 4, generator=rng, dtype=torch.complex128)

    return Generated(draw)


_GRID = Grid(2, (8, 8))
_EVERY = (
    Network(
        "segmenter",
        lambda: randomised(cnn.Segmenter(2, 3, 6), cnn.GAIN),
        "Z_N^2",
        _GRID,
        "roll",
        "roll",
        tuple((f"features.{i}", b) for i, b in zip((0, 1, 2, 4, 5, 6), GRIDS, strict=True)),
    ),
    Network(
        "classifier",
        lambda: randomised(cnn.Classifier(2, 3, 6), cnn.GAIN),
        "Z_N^2",
        _GRID,
        "roll",
        "scalar",
        (("features.2", Columns), ("features.4", Padded), ("features.6", Window), ("features.0", Swept)),
    ),
    Network(
        "labeller",
        lambda: randomised(deepsets.PointLabeller(width=16)),
        "S_n",
        Set(8, 3),
        "permute",
        "permute",
        (("layers.0.own", Positions), ("layers.1.own", Running), ("layers.2.own", Neighbour), ("layers.0.own", Along)),
    ),
    Network(
        "set classifier",
        lambda: randomised(deepsets.SetClassifier(width=16)),
        "S_n",
        Set(8, 3),
        "permute",
        "scalar",
        (("points.layers.1.own", First), ("points.layers.2.own", Ranked), ("points.layers.0.own", Causal)),
    ),
    Network(
        "point transformer",
        lambda: randomised(transformer.PointTransformer(width=16, heads=2)),
        "S_n",
        Set(8, 3),
        "permute",
        "permute",
        (
            ("embed", Ranked),
            ("blocks.0.norms.1", Positions),
            ("blocks.0.attention.out", Running),
            ("blocks.0.perceptron", Along),
            ("blocks.1.perceptron.0", Neighbour),
            ("blocks.1.norms.0", Causal),
            ("norm", First),
        ),
    ),
    Network(
        "set transformer",
        lambda: randomised(transformer.SetTransformer(width=16, heads=2)),
        "S_n",
        Set(8, 3),
        "permute",
        "scalar",
        (("points.blocks.0.attention.out", Positions), ("points.blocks.1.perceptron", Ranked), ("points.norm", Running)),
    ),
    Network(
        "torch's encoder",
        encoder,
        "S_n",
        Set(8, 16),
        "permute",
        "permute",
        (("layers.0.linear2", Positions), ("layers.0.linear1", Neighbour), ("layers.1.linear2", First)),
    ),
    Network(
        "egnn",
        small_egnn,
        "E(3) x S_n",
        Joint(Set(5, 4), PointCloud(5)),
        ("permute", "permute * point"),
        {"energy": "scalar", "forces": "permute * vector", "positions": "permute * point"},
        (("embed", Positions), ("forces", Bias), ("forces", Shuffled), ("forces", Normed), ("layers.1.update", Running)),
    ),
    Network(
        "vector neurons",
        lambda: randomised(VectorNeurons()),
        "SO(3)",
        PointCloud(6),
        "vector",
        "vector",
        (
            *((f"layers.{i}", b) for i, b in enumerate((Bias, Axes, Rectified, Normed))),
            ("layers.1", Dense),
            ("layers.2", Shuffled),
            ("layers.0", Flattened),
        ),
    ),
    Network(
        "distances",
        lambda: randomised(Distances()),
        "O(3)",
        PointCloud(6),
        "vector",
        "scalar",
        (("centre", Axes), ("mixed", Bias), ("mixed", Rectified), ("centre", Flattened), ("mixed", Normed)),
    ),
    Network(
        "odd",
        lambda: randomised(Odd()),
        "Flips(1)",
        Like(torch.randn(4, 6)),
        "sign",
        "sign",
        (("layers.0", Offset), ("layers.1", Rectified)),
    ),
    Network(
        "phases",
        Phases,
        "U(1)",
        complex_cloud(),
        "phase",
        "phase",
        (("layers.0", SplitRelu), ("layers.1", Conjugated), ("layers.2", ComplexBias)),
    ),
    Network(
        "p4m",
        gcnn.p4m_classifier,
        "p4m",
        Grid(3, (6, 6)),
        "image",
        "scalar",
        (("features.0", Columns), ("features.1", Window)),
    ),
    Network(
        "message passing",
        gnn.node_labeller,
        "S_n",
        gnn.CLAIMS[0].domain,
        gnn.CLAIMS[0].inputs,
        gnn.CLAIMS[0].outputs,
        (("layers.0.update", Positions), ("layers.1.receiver", Running), ("layers.2.update.0", Neighbour)),
    ),
    Network(
        "e3nn",
        e3nn_network,
        "SO(3)",
        Like(torch.randn(8, 10)),
        "4x0e+2x1o",
        "2x0e+1x1o",
        (("layers.0", Rectified), ("layers.0.linear", Offset), ("layers.1", Normed), ("layers.1.linear", Rectified)),
    ),
    Network(
        "pyg",
        pyg_network,
        "S_n",
        Ring(),
        ("permute", "relabel"),
        "permute",
        (("between", Positions), ("first.lin", Running), ("second.nn.0", Neighbour), ("second.nn", Ranked)),
    ),
)
PEERS = ("e3nn", "pyg")
NETWORKS = tuple(network for network in _EVERY if network.name not in PEERS)


# What is planted, and what is found.


@dataclass(frozen=True)
class Plant:
    """A break in a network: the module that it makes, in which a culprit has to be, and its line, or a part of its text."""

    network: Network
    what: str
    put: Callable[[nn.Module], None]
    module: str
    line: int | str

    def __str__(self) -> str:
        return f"{self.network.name}: {self.what} at {self.module}"

    def location(self) -> Location | None:
        model = self.network.model()
        self.put(model)
        return outcome(self.network.claim(model)).location

    def right_module(self, found: Location | None) -> bool:
        there = found.culprit.place.module if found and found.culprit else None
        return there is not None and (there == self.module or there.startswith(f"{self.module}."))

    def right_line(self, found: Location | None) -> bool:
        if found is None or found.culprit is None:
            return False
        if isinstance(self.line, str):
            return self.line in found.code
        place = found.culprit.place
        return place.line == self.line and place.file == "property_tests/test_planted_breaks.py"


BRIEF = Policy(shrink_evaluations=0, ladder_trials=1)


def outcome(claim: Claim) -> Outcome:
    (found,) = (event.outcome for event in examine(claim, Settings(trials=32, policy=BRIEF)) if isinstance(event, Judged))
    return found


def behind(site: str, layer: type[Break]) -> Callable[[nn.Module], None]:
    """Puts a layer behind a module."""

    def put(model: nn.Module) -> None:
        model.set_submodule(site, nn.Sequential(model.get_submodule(site), layer()))

    return put


def plants(networks: tuple[Network, ...]) -> Iterator[Plant]:
    for network in networks:
        for site, layer in network.sites:
            yield Plant(network, layer.__name__, behind(site, layer), f"{site}.1", layer.line())


class Between(Break):
    """A positional term between two layers of a transformer."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block
        self.table = nn.Parameter(torch.randn(8, 16, generator=torch.Generator().manual_seed(0)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.block(x, mask)
        return x + self.table  # BREAK


def between(model: nn.Module) -> None:
    model.set_submodule("blocks.0", Between(model.get_submodule("blocks.0")))


def zero_padded(site: str) -> Callable[[nn.Module], None]:
    def put(model: nn.Module) -> None:
        model.get_submodule(site).padding_mode = "zeros"  # type: ignore[assignment]

    return put


class Five(nn.Module):
    """Five circular convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular") for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third, fourth, fifth = self.layers
        x = torch.tanh(first(x))
        x = torch.tanh(second(x))
        x = torch.tanh(third(x))  # the third
        x = torch.tanh(fourth(x))
        return fifth(x)


FIVE = Network("five convolutions", lambda: randomised(Five()), "Z_N^2", _GRID, "roll", "roll")


def _named(name: str) -> Network:
    return next(network for network in _EVERY if network.name == name)


def special() -> Iterator[Plant]:
    """Breaks that are no layer of their own: an argument of a layer, a module of the reference models' twins."""
    yield Plant(FIVE, "the third of five is zero-padded", zero_padded("layers.2"), "layers.2", "# the third")
    yield Plant(_named("segmenter"), "zero-padded", zero_padded("features.5"), "features.5", "self.features(x)")
    yield Plant(_named("classifier"), "zero-padded", zero_padded("features.0"), "features.0", "self.features(x)")
    yield Plant(_named("point transformer"), "positions between layers", between, "blocks.0", Between.line())

    def set_at(site: str, module: Callable[[], nn.Module]) -> Callable[[nn.Module], None]:
        return lambda model: model.set_submodule(site, module())

    pooled = set_at("features.3", lambda: nn.MaxPool2d(2))
    blurred = set_at("features.3", cnn.BlurPool)
    yield Plant(_named("classifier"), "max pool", pooled, "features.3", "self.features(x)")
    yield Plant(_named("classifier"), "blur pool", blurred, "features.3", "stride=2")
    weighted = set_at("layers.1.distance", lambda: randomised(egnn.AxisWeighted(12)))
    yield Plant(_named("egnn"), "weighted axes", weighted, "layers.1.distance", "arrows * self.scale")
    chiral = set_at("forces", lambda: randomised(egnn.ChiralForces(2)))
    yield Plant(_named("egnn"), "a cross product", chiral, "forces", "axial")
    norms = set_at("features.1", lambda: randomised(gcnn.NormOfEach(8 * 8)))
    yield Plant(_named("p4m"), "statistics of each orientation", norms, "features.1", "flatten(1, 2)")


OWN = (*plants(NETWORKS), *special())
PEER = tuple(plants(tuple(network for network in _EVERY if network.name in PEERS)))

DEFAULT = [next(plant for plant in OWN if plant.network is network) for network in (*NETWORKS, FIVE)]
"""One break in each network. The others are slow tests: all together take half a minute."""


def located(plant: Plant) -> None:
    found = plant.location()
    where = found.culprit.place if found and found.culprit else None
    told = f"{where.module} {where.file}:{where.line} {where.operation}, {found.code}" if found and where else found
    assert plant.right_module(found), told
    assert plant.right_line(found), told


@pytest.mark.parametrize("plant", [pytest.param(p, marks=() if p in DEFAULT else pytest.mark.slow) for p in OWN], ids=str)
def test_planted_breaks_are_located(plant: Plant) -> None:
    located(plant)


@pytest.mark.peers
@pytest.mark.parametrize("plant", PEER, ids=str)
def test_breaks_planted_in_networks_of_peers_are_located(plant: Plant) -> None:
    pytest.importorskip("e3nn")
    pytest.importorskip("torch_geometric")
    located(plant)


@pytest.mark.parametrize(
    ("twin", "module", "kind"),
    [
        (spherical.TWINS[0], "2.1", "ReLU"),
        (spherical.TWINS[1], "2.1", "Quadratic"),
        (spherical.TWINS[2], "3", "PerOrderConvolution"),
        (spherical.TWINS[3], "lift.0", "MapConvolution"),
    ],
    ids=["ReLU", "aliased", "per order", "on the map"],
)
def test_breaks_in_networks_on_the_sphere_are_located(twin: Claim, module: str, kind: str) -> None:
    """Their hidden layers are signals on grids of several kinds, and coefficients."""
    found = outcome(twin).location
    assert found is not None
    assert found.culprit is not None, found.because
    assert (found.culprit.place.module, found.culprit.place.kind) == (module, kind)


def test_breaks_are_many_and_in_many_networks() -> None:
    assert len(OWN) >= 50
    assert len({plant.network.name for plant in OWN}) >= 10
    assert len(DEFAULT) >= 10


def test_a_wrong_line_and_a_wrong_module_are_told() -> None:
    (plant,) = plants((FIVE_BY_COLUMNS,))
    located(plant)
    for wrong in (replace(plant, line=1), replace(plant, module="layers.4")):
        with pytest.raises(AssertionError, match=r"layers\.1\.1 property_tests/test_planted_breaks\.py"):
            located(wrong)


FIVE_BY_COLUMNS = replace(FIVE, sites=(("layers.1", Columns),))


@contextmanager
def searching(claim: Claim) -> Iterator[_Search]:
    """The search in a network that holds, at an element drawn at random."""
    model, place = claim.subject.load(0), Placement(torch.device("cpu"), torch.float64)
    with placed(model, place):
        setup = probe(claim, model, place, 0, BRIEF)
        group, rng = setup.bound.group, torch.Generator().manual_seed(3)
        g = group.sample(2, rng)[1]
        found = Counterexample("", g, [], 0.0, GENERIC)
        runs = _Runs(claim, setup, setup.forward, found, 0, BRIEF)
        for _ in runs.record():
            pass
        yield _Search(runs, setup, BRIEF)


HOLDING = {
    **{network.name: network.claim(network.model()) for network in (*NETWORKS, FIVE)},
    **{
        claim.id: claim
        for claim in (
            *cnn.CLAIMS[:2],
            *deepsets.CLAIMS[2:4],
            *transformer.CLAIMS[2:4],
            gnn.CLAIMS[1],
            egnn.CLAIMS[1],
            gcnn.CLAIMS[5],
            *spherical.CLAIMS[:2],
        )
    },
}


@pytest.mark.parametrize("name", HOLDING)
def test_nothing_is_accused_in_a_network_that_holds(name: str) -> None:
    with searching(HOLDING[name]) as found:
        outputs = found.trace.outputs
        assert len(HOLDING) >= 20
        assert len(found.runs.pairs) >= 8
        assert [i for i in outputs if not found.explain(i).explained] == []
        assert found._culprit(outputs) is None
