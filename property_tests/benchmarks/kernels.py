"""The layers of the reference models against those of other packages, or against the plain way to write them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch._inductor import config as inductor
from torch.nn import functional

from models._gated_cells import LSTM, LeakyRNN
from models._geometry import Charts, intrinsic
from models._incidence import Adjacency, heard, normalised, wiring
from models._pairs import AllPairs
from models._steerable import Convolution
from models._tensor_product import TensorProduct
from models.egnn import Distance, Layer
from models.gcnn import WITH_MIRRORS, GroupConvolution
from models.gnn import GCN, GIN
from models.lstm import PlainLSTM
from models.scattering import coarser
from models.tensor_field import HARMONICS
from models.transformer import Attention, those_there
from property_tests.benchmarks.cases import Case, Duel, Figure, duel, with_backward
from property_tests.benchmarks.timing import Setting, Work
from symcheck.domains.mesh import icosphere
from symcheck.reps.spherical import SphericalTransform

Way = Callable[..., Tensor]
FLOAT = 4  # bytes


def both_ways(setting: Setting, way: str, ours: Way, theirs: Way, *leaves: Tensor, **more: Any) -> Duel:
    """Two functions of the same leaves, forward or with the gradient by the leaves and by `parameters`, ours and theirs."""
    mine, others = more.pop("parameters", ((), ()))
    if way == "forward":
        with torch.no_grad():
            return duel(_inferred(ours, *leaves), _inferred(theirs, *leaves), **more)
    gradients = with_backward(ours, *leaves, parameters=mine), with_backward(theirs, *leaves, parameters=others)
    return duel(*gradients, **more)


def _inferred(function: Way, *leaves: Tensor) -> Callable[[], Tensor]:
    def run() -> Tensor:
        with torch.no_grad():
            return function(*leaves)

    return run


def named(way: str) -> str:
    return "forward" if way == "forward" else "forward and backward"


def p4m(way: str, setting: Setting) -> Duel:
    channels, side, n = setting.size(8, 2), setting.size(32, 6), setting.size(16, 2)
    layer = GroupConvolution(channels, channels, WITH_MIRRORS).to(setting.device).eval()
    x = torch.randn(n, channels, 8, side, side, device=setting.device)
    kernel, bias = layer.expanded().detach(), layer.bias.detach().repeat_interleave(8)

    def plain(x: Tensor) -> Tensor:
        around = functional.pad(x.flatten(1, 2), (1, 1, 1, 1), mode="circular")
        return functional.conv2d(around, kernel, bias).reshape(x.shape)

    operations = 2 * kernel[0].numel() * x.numel()
    return both_ways(setting, way, layer, plain, x, work=Work(2 * FLOAT * x.numel(), operations) if way == "forward" else None)


def graph(setting: Setting) -> tuple[Tensor, Tensor]:
    """Features of 10,000 nodes, and 160,000 edges without loops."""
    nodes, edges = setting.size(10_000, 20), setting.size(160_000, 60)
    source = torch.randint(nodes, (edges,))
    target = (source + torch.randint(1, nodes, (edges,))) % nodes
    h = torch.randn(nodes, setting.size(64, 4))
    return h.to(setting.device), torch.stack([source, target]).to(setting.device)


def neighbours(h: Tensor, edges: Tensor) -> Work:
    """Lists read once, features read and written once: what a cache that holds all nodes would do."""
    return Work(FLOAT * 2 * h.numel() + 8 * edges.shape[1], 2 * edges.shape[1] * h.shape[1])


def sums(way: str, setting: Setting) -> Duel:
    geometric = import_module("torch_geometric.nn")
    h, edges = graph(setting)
    adjacency, theirs = Adjacency.of(wiring(edges, 1, len(h))), geometric.SimpleConv(aggr="sum")
    work = neighbours(h, edges) if way == "forward" else None
    return both_ways(setting, way, lambda h: heard(h, adjacency), lambda h: theirs(h, edges), h, work=work)


def gcn(way: str, setting: Setting) -> Duel:
    geometric = import_module("torch_geometric.nn")
    h, edges = graph(setting)
    ours, theirs = GCN(h.shape[1], h.shape[1]), geometric.GCNConv(h.shape[1], h.shape[1], cached=True)
    ours, theirs = ours.to(setting.device), theirs.to(setting.device)
    theirs.lin.weight.data, theirs.bias.data = ours.linear.weight.data, ours.bias.data
    adjacency = normalised(wiring(edges, 1, len(h)))
    own = [ours.linear.weight, ours.bias], [theirs.lin.weight, theirs.bias]
    return both_ways(setting, way, lambda h: ours(h, adjacency), lambda h: theirs(h, edges), h, parameters=own)


def gin(way: str, setting: Setting) -> Duel:
    geometric = import_module("torch_geometric.nn")
    h, edges = graph(setting)
    ours = GIN(h.shape[1]).to(setting.device)
    theirs = geometric.GINConv(ours.update, eps=0.0, train_eps=True).to(setting.device)
    adjacency = Adjacency.of(wiring(edges, 1, len(h)))
    own = list(ours.update.parameters())
    return both_ways(setting, way, lambda h: ours(h, adjacency), lambda h: theirs(h, edges), h, parameters=(own, own))


def e_n(way: str, setting: Setting) -> Duel:
    """The paper's way concatenates h_i, h_j and the distance of every pair, and maps the whole."""
    clouds, points, width = setting.size(64, 2), setting.size(32, 4), 32
    layer = Layer(width, 2, 0.25, Distance).to(setting.device)
    h, x = (torch.randn(clouds, points, size, device=setting.device) for size in (width, 3))
    first = torch.cat([layer.receiver.weight, layer.sender.weight, layer.distance.linear.weight], 1)  # type: ignore[union-attr]

    def plain(h: Tensor, x: Tensor) -> Tensor:
        arrows = x.unsqueeze(2) - x.unsqueeze(1)
        pairs = [h.unsqueeze(2).expand(-1, -1, points, -1), h.unsqueeze(1).expand(-1, points, -1, -1)]
        table = torch.cat([*pairs, arrows.square().sum(-1, keepdim=True).log1p()], -1)
        messages = layer.message(functional.linear(table, first, layer.receiver.bias))
        vectors = (layer.weights(messages).unsqueeze(-1) * arrows.unsqueeze(-2)).mean(2)
        h = h + layer.update(torch.cat([h, messages.mean(2)], -1))
        return torch.cat([h.flatten(), (x + layer.step * vectors[..., 0, :]).flatten()])

    def ours(h: Tensor, x: Tensor) -> Tensor:
        h, moved, _ = layer(h, x, AllPairs(x))
        return torch.cat([h.flatten(), moved.flatten()])

    return both_ways(setting, way, ours, plain, h, x)


def tensor_product(way: str, setting: Setting) -> Duel:
    """Compiled; the time that takes is in the notes."""
    o3 = import_module("e3nn.o3")
    edges, copies = setting.size(4096, 8), setting.size(32, 2)
    made = TensorProduct(HARMONICS, HARMONICS, HARMONICS)
    irreps = "+".join(f"{copies}x{kind}" for kind in HARMONICS.split("+"))
    instructions = [(*path, "uvu", True) for path in made.paths]
    theirs = o3.TensorProduct(irreps, HARMONICS, irreps, instructions, shared_weights=False, internal_weights=False)
    theirs = theirs.to(setting.device)
    shapes = (edges, 9, copies), (edges, 9), (edges, len(made.paths), copies)
    given = [torch.randn(shape, device=setting.device) for shape in shapes]
    flat = given[0].flatten(1), given[1], given[2].flatten(1)
    torch.compiler.reset()
    function = made if setting.quick else torch.compile(made, dynamic=False)
    if way == "forward":
        ours, other = _inferred(function, *given), _inferred(theirs, *flat)
        eager = _inferred(made, *given)
    else:
        ours, other, eager = with_backward(function, *given), with_backward(theirs, *flat), with_backward(made, *given)
    start = perf_counter()
    with warnings.catch_warnings(), inductor.patch(force_disable_caches=True):  # or it finds what an earlier run compiled
        warnings.simplefilter("ignore")  # torch says that they are
        ours()
    compiling, numbers = perf_counter() - start, sum(one.numel() for one in given) + given[0].numel()
    eager()
    start = perf_counter()
    eager()
    notes = {"compiling took": f"{compiling:.0f} s", "eager": f"{1e3 * (perf_counter() - start):.1f} ms"}
    work = Work(FLOAT * numbers) if way == "forward" else None
    return duel(ours, other, same=None, work=work, notes=notes)  # e3nn keeps the copies outside: the peer tests compare numbers


def attention(masked: bool, way: str, setting: Setting) -> Duel:
    """Against the same projections about torch's own kernel, with the mask as it takes it."""
    width, heads = setting.size(128, 8), 4
    layer = Attention(width, heads, those_there).to(setting.device)
    x, mask = _sets(setting, width)

    def plain(x: Tensor) -> Tensor:
        q = layer.query(x).unflatten(-1, (heads, -1)).transpose(1, 2)
        k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in layer.key_value(x).chunk(2, -1))
        heard = mask[:, None, None] if masked else None
        y: Tensor = layer.out(functional.scaled_dot_product_attention(q, k, v, attn_mask=heard).transpose(1, 2).flatten(2))
        return y

    return both_ways(setting, way, lambda x: layer(x, x, mask if masked else None), plain, x)


def set_attention(training: bool, way: str, setting: Setting) -> Duel:
    """The attention inside torch_geometric's block for sets, with the same weights: torch.nn.MultiheadAttention.

    In training mode that comes to the kernel which ours calls. In eval mode without gradients, as one infers, it takes a path
    of its own, which is slower on a CPU where there is a mask.
    """
    blocks = import_module("torch_geometric.nn.aggr.utils")
    width, heads = setting.size(128, 8), 4
    ours, theirs = Attention(width, heads, those_there), blocks.SetAttentionBlock(width, heads).mab.attn
    ours, theirs = (attention.to(setting.device).train(training) for attention in (ours, theirs))
    theirs.in_proj_weight.data = torch.cat([ours.query.weight, ours.key_value.weight]).detach()
    theirs.in_proj_bias.data = torch.cat([ours.query.bias, ours.key_value.bias]).detach()
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.out.weight.data, ours.out.bias.data
    x, mask = _sets(setting, width)
    return both_ways(setting, way, lambda x: ours(x, x, mask), lambda x: theirs(x, x, x, ~mask, need_weights=False)[0], x)


def _sets(setting: Setting, width: int) -> tuple[Tensor, Tensor]:
    """Points, and a mask that drops the last of each set, as sets of different sizes in a batch have one."""
    x = torch.randn(setting.size(16, 2), setting.size(256, 5), width, device=setting.device)
    mask = torch.ones(x.shape[:-1], dtype=torch.bool, device=x.device)
    mask[:, -1] = False
    return x, mask


def lstm(cell: type[LSTM] | type[LeakyRNN], feedback: bool, way: str, setting: Setting) -> Duel:
    n, steps, inputs, width = setting.size(32, 2), setting.size(100, 3), 16, setting.size(128, 4)
    ours, theirs = cell(inputs, width, feedback).to(setting.device), PlainLSTM(inputs, width, timed=False).to(setting.device)
    x, lasting = torch.randn(n, steps, inputs), 0.5 + torch.rand(n, steps)
    x, lasting = x.to(setting.device), lasting.to(setting.device)
    parameters = list(ours.parameters()), list(theirs.parameters())
    return both_ways(setting, way, lambda x: ours(x, lasting), theirs, x, parameters=parameters, same=None)


def gauge(way: str, setting: Setting) -> Duel:
    positions, faces = icosphere(setting.size(4, 0))
    channels = setting.size(32, 2)
    c = Charts(*(part.float() if part.is_floating_point() else part for part in intrinsic(positions, faces)))
    c = Charts(*(part.to(setting.device) for part in c))
    layer = Convolution(channels, channels, 2, 2).to(setting.device)
    z = torch.randn(len(positions), channels, 5, device=setting.device)
    own = [layer.kernel]
    return both_ways(setting, way, lambda z: layer(z, c), lambda z: layer.edgewise(z, c), z, parameters=(own, own))


def spherical(way: str, setting: Setting) -> Duel:
    """There and back, against e3nn's two transforms, whose grid and basis are other ones of the same sizes."""
    o3 = import_module("e3nn.o3")
    degree = setting.size(15, 2)
    ours = SphericalTransform(degree, 2 * (degree + 1))
    res = 2 * (degree + 1), 4 * (degree + 1) - 1
    there, back = o3.ToS2Grid(degree, res), o3.FromS2Grid(res, degree)
    there, back = there.to(setting.device), back.to(setting.device)
    a = torch.randn(setting.size(256, 2), ours.size, device=setting.device)
    # Theirs returns what it was given to three digits.
    return both_ways(setting, way, lambda a: ours.analysis(ours.synthesis(a)), lambda a: back(there(a)), a, same=1e-2)


def coarsening(way: str, setting: Setting) -> Duel:
    """Against the two real transforms that it needs."""
    x = torch.randn(setting.size(256, 2), setting.size(4096, 64), device=setting.device)
    half = x.shape[-1] // 2

    def plain(x: Tensor) -> Tensor:
        kept = torch.fft.rfft(x)[..., : (half - 1) // 2 + 1]
        return torch.fft.irfft(functional.pad(kept, (0, half // 2 + 1 - kept.shape[-1])), half) / 2

    return both_ways(setting, way, coarser, plain, x, work=Work(FLOAT * 1.5 * x.numel()) if way == "forward" else None)


WAYS = ("forward", "backward")
GEOMETRIC, E3NN = ("torch_geometric",), ("e3nn",)


def _cases(
    name: str,
    what: str,
    against: str,
    make: Callable[[str, Setting], Duel],
    goals: tuple[float | None, float | None],
    *,
    why: str = "",
    **more: Any,
) -> Iterator[Case]:
    """A case for each way that has a goal, or None for one."""
    for way, goal in zip(WAYS, goals, strict=False):
        made = partial(make, way)
        yield Case(
            "kernels", f"{name}-{way}", f"{what}, {named(way)}", against, made, goal=goal, why=why if goal else "", **more
        )


GRAPH = "10,000 nodes, 160,000 edges, 64 features"
CASES: tuple[Case, ...] = (
    *_cases(
        "p4m",
        "p4m convolution of 8 channels in eval mode, 16 images of 32 x 32",
        "conv2d of the expanded filter",
        p4m,
        (1.05, None),
        figure=Figure.TIMES,
    ),
    *_cases("sum", f"sum over neighbours, {GRAPH}", "torch_geometric, SimpleConv", sums, (10, 3.5), needs=GEOMETRIC),
    *_cases("gcn", f"GCN layer, {GRAPH}", "torch_geometric, GCNConv, cached", gcn, (15, None), needs=GEOMETRIC),
    *_cases("gin", f"GIN layer, {GRAPH}", "torch_geometric, GINConv", gin, (None, None), needs=GEOMETRIC),
    *_cases("e_n", "E(n) layer on 64 clouds of 32 points", "the pairs concatenated, as in the paper", e_n, (None, None)),
    *_cases(
        "tensor-product",
        "tensor product uvu, l <= 2, 32 copies, 4,096 edges, compiled",
        "e3nn",
        tensor_product,
        (10, 5),
        needs=E3NN,
    ),
    *_cases(
        "attention",
        "attention on 16 sets of 256 points",
        "the projections and torch's SDPA",
        partial(attention, False),
        (1.1, None),
        figure=Figure.TIMES,
    ),
    *_cases(
        "masked-attention",
        "attention on 16 padded sets of 256 points",
        "the projections and torch's SDPA",
        partial(attention, True),
        (1.1, None),
        figure=Figure.TIMES,
        why="sets that may be empty are looked for, so that they hear nothing",
    ),
    *_cases(
        "set-attention",
        "attention on 16 padded sets of 256 points, in eval mode",
        "torch_geometric, the attention of SetAttentionBlock",
        partial(set_attention, False),
        (2.5,),
        needs=GEOMETRIC,
    ),
    *_cases(
        "set-attention-training",
        "attention on 16 padded sets of 256 points, in training mode",
        "torch_geometric, the attention of SetAttentionBlock",
        partial(set_attention, True),
        (None, None),
        needs=GEOMETRIC,
    ),
    *_cases(
        "lstm",
        "LSTM of rates, 32 sequences of 100 steps, width 128",
        "nn.LSTM",
        partial(lstm, LSTM, True),
        (2.0, None),
        figure=Figure.TIMES,
        why="a step is ten operations of torch in turn, with two exponentials for each rate, where nn.LSTM is one kernel; "
        "the loop alone takes twice its time, and compiled, 25 steps at once, 1.4 times, with exp(x) - 1 for expm1",
    ),
    *_cases(
        "lstm-on-input",
        "LSTM of rates with gates on the input alone",
        "nn.LSTM",
        partial(lstm, LSTM, False),
        (2.0, None),
        figure=Figure.TIMES,
    ),
    *_cases("leaky-rnn", "leaky RNN of rates", "nn.LSTM", partial(lstm, LeakyRNN, True), (None,), figure=Figure.TIMES),
    *_cases(
        "gauge",
        "gauge convolution of 32 channels, orders 0 to 2, 2,562 vertices",
        "mixing on every edge",
        gauge,
        (1.9, None),
    ),
    *_cases("spherical", "spherical transform and back, degree 15", "e3nn's two", spherical, (None, None), needs=E3NN),
    *_cases("coarsening", "coarsening 256 signals of 4,096 samples", "rfft and irfft", coarsening, (None, None)),
)
