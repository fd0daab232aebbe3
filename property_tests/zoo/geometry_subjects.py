"""Networks for points and vectors in space, from other packages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from property_tests.zoo.entry import Entry, built_in, generic, normal
from property_tests.zoo.torch_subjects import Through
from symcheck import Args, Verdict
from symcheck.domains import Grid, Joint, PointCloud, Set
from symcheck.reps import Roll

HOLDS, LIMITED, VIOLATED, UNSTABLE = Verdict.HOLDS, Verdict.LIMITED, Verdict.VIOLATED, Verdict.UNSTABLE


def gate_network() -> nn.Module:
    from e3nn import o3
    from e3nn.nn import Gate

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate = Gate("4x0e", [nn.functional.silu], "2x0e", [torch.sigmoid], "2x1o")
            self.product = o3.FullyConnectedTensorProduct("4x0e+2x1o", "1x0e+1x1o+1x2e", self.gate.irreps_in)
            self.last = o3.Linear(self.gate.irreps_out, "2x0e+1x1o")

        def forward(self, x: Tensor, y: Tensor) -> Any:
            return self.last(self.gate(self.product(x, y)))

    return Network()


def e3nn_linear() -> nn.Module:
    from e3nn import o3

    return o3.Linear("4x0e+2x1o+1x2e", "3x0e+2x1o+2x2e")


def harmonics() -> nn.Module:
    from e3nn import o3

    return o3.SphericalHarmonics("0e+1o+2e+3o", normalize=True)


def norm_activation() -> nn.Module:
    from e3nn import o3
    from e3nn.nn import NormActivation

    return NormActivation(o3.Irreps("3x1o+2x2e"), torch.sigmoid, bias=True)


def e3nn_batch_norm() -> nn.Module:
    from e3nn.nn import BatchNorm

    return BatchNorm("4x0e+2x1o").eval()


def odd_activation() -> nn.Module:
    from e3nn.nn import Activation

    return Activation("4x0o", [torch.tanh])


def sphere_activation() -> nn.Module:
    from e3nn import o3
    from e3nn.nn import S2Activation

    return S2Activation(o3.Irreps("0e+1o+2e"), torch.tanh, 10, lmax_out=2)


def e3nn_dropout() -> nn.Module:
    from e3nn.nn import Dropout

    return Dropout("4x0e+2x1o", p=0.5)


def egnn_layer(**options: Any) -> nn.Module:
    from egnn_pytorch import EGNN

    return EGNN(dim=8, m_dim=8, init_eps=0.3, **options)


def egnn_network(**options: Any) -> nn.Module:
    from egnn_pytorch import EGNN_Network

    return EGNN_Network(depth=2, dim=8, m_dim=8, **options).eval()


def en_transformer(**options: Any) -> nn.Module:
    from en_transformer import EnTransformer

    return EnTransformer(dim=16, depth=1, heads=2, dim_head=32, **options)


def se3_transformer(**options: Any) -> nn.Module:
    from se3_transformer_pytorch import SE3Transformer

    model = SE3Transformer(dim=8, heads=2, dim_head=8, depth=1, num_degrees=2, output_degrees=2, reduce_dim_out=True, **options)
    return Through(model, lambda m, h, x: m(h, x))


def equiformer() -> nn.Module:
    from equiformer_pytorch import Equiformer

    model = Equiformer(dim=(8, 4), dim_head=(4, 4), heads=(2, 2), num_degrees=2, depth=1)
    return Through(model, lambda m, h, x: (lambda out: (out.type0, out.type1))(m(h, x)))


def vn(**options: Any) -> nn.Module:
    from VN_transformer import VNTransformer

    return VNTransformer(dim=8, depth=1, dim_head=8, heads=2, **options)


def vn_invariant() -> nn.Module:
    from VN_transformer.VN_transformer import VNInvariant

    return VNInvariant(dim=6)


def gvp() -> nn.Module:
    from geometric_vector_perceptron import GVP

    model = GVP(dim_vectors_in=4, dim_vectors_out=3, dim_feats_in=5, dim_feats_out=6, vector_gating=True)
    return Through(model, lambda m, h, v: m((h, v)))


def ipa() -> nn.Module:
    from invariant_point_attention import InvariantPointAttention

    model = InvariantPointAttention(dim=16, heads=2, require_pairwise_repr=False)
    return Through(model, lambda m, h, r, t: m(h, rotations=r, translations=t))


def algebra_attention(rank: int, merge: str = "mean") -> nn.Module:
    from geometric_algebra_attention.pytorch import VectorAttention

    score, value = (nn.Sequential(nn.Linear(a, 16), nn.SiLU(), nn.Linear(16, b)) for a, b in ((8, 1), (2, 8)))
    model = VectorAttention(8, score, value, rank=rank, reduce=True, merge_fun=merge)
    return Through(model, lambda m, h, x: m((x, h)))


def schnet() -> nn.Module:
    from torch_geometric.nn import SchNet

    def complete(pos: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        i, j = torch.meshgrid(torch.arange(len(pos)), torch.arange(len(pos)), indexing="ij")
        edges = torch.stack([i[i != j], j[i != j]])
        return edges, (pos[edges[0]] - pos[edges[1]]).norm(dim=-1)

    model = SchNet(hidden_channels=16, num_filters=16, num_interactions=2, num_gaussians=10, interaction_graph=complete)
    return Through(model, lambda m, z, x: m(z, x))


COMPLETE = torch.tensor([[j, i] for i in range(6) for j in range(6) if i != j]).T.contiguous()


def ppf() -> nn.Module:
    from torch_geometric.nn import PPFConv

    return Through(PPFConv(nn.Linear(4, 8), add_self_loops=False), lambda m, x, n: m(None, x, n, COMPLETE))


def point_net() -> nn.Module:
    from torch_geometric.nn import PointNetConv

    return Through(PointNetConv(nn.Linear(3, 8), add_self_loops=False), lambda m, x: m(None, x, COMPLETE))


def vector_norm_visnet() -> nn.Module:
    from torch_geometric.nn.models.visnet import VecLayerNorm

    return Through(VecLayerNorm(4, trainable=True, norm_type="max_min"), lambda m, v: m(v))


def central_force(method: str, rtol: float = 0.0) -> nn.Module:
    from torchdiffeq import odeint

    class Orbit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rate = nn.Parameter(torch.tensor(1.3))

        def velocity(self, t: Tensor, x: Tensor) -> Tensor:
            return -self.rate * x * (-x.square().sum(-1, keepdim=True)).exp() + x.mean(-2, keepdim=True)

        def forward(self, x: Tensor) -> Tensor:
            span = torch.tensor([0.0, 1.0], dtype=x.dtype)
            last: Tensor = odeint(self.velocity, x, span, method=method, rtol=rtol, atol=1e-4)[-1]
            return last

    return Orbit()


def sphere_transform(call: Any) -> nn.Module:
    from torch_harmonics import RealSHT

    return Through(RealSHT(9, 16), call)


E3NN: dict[str, Any] = {"package": "e3nn", "needs": ("e3nn",)}
EGNN: dict[str, Any] = {"package": "egnn-pytorch", "needs": ("egnn_pytorch",)}
EN: dict[str, Any] = {"package": "En-transformer", "needs": ("en_transformer", "taylor_series_linear_attention", "einx")}
VN: dict[str, Any] = {"package": "VN-transformer", "needs": ("VN_transformer",)}
PYG: dict[str, Any] = {"package": "torch_geometric", "needs": ("torch_geometric",)}
GALA: dict[str, Any] = {"package": "geometric-algebra-attention", "needs": ("geometric_algebra_attention",)}
ODE: dict[str, Any] = {"package": "torchdiffeq", "needs": ("torchdiffeq",)}
SHT: dict[str, Any] = {"package": "torch-harmonics", "needs": ("torch_harmonics",)}

GATE_IN, GATE_OUT = ("4x0e+2x1o", "1x0e+1x1o+1x2e"), "2x0e+1x1o"
GATE = lambda: (normal(5, 10), normal(5, 9, seed=1))  # noqa: E731
CLOUD = lambda: Joint(Set(6, 8), PointCloud(6))  # noqa: E731
GENERIC = lambda: (normal(2, 6, 8), normal(2, 6, 3, seed=1))  # noqa: E731
WIDE = lambda: (normal(2, 6, 16), normal(2, 6, 3, seed=1))  # noqa: E731
MOVED, SWAPPED = ("scalar", "point"), ("permute", "permute")

GEOMETRY: list[Entry] = [
    Entry(
        "e3nn product and gate, built in float32",
        built_in(torch.float32, gate_network),
        GATE,
        "O(3)",
        GATE_IN,
        GATE_OUT,
        LIMITED,
        "equivariant, but its Clebsch-Gordan tables are rounded to float32",
        **E3NN,
    ),
    Entry(
        "e3nn product and gate, built in float64",
        built_in(torch.float64, gate_network),
        GATE,
        "O(3)",
        GATE_IN,
        GATE_OUT,
        HOLDS,
        "equivariant, with tables in float64",
        **E3NN,
    ),
    Entry(
        "e3nn product and gate, wrong parity",
        built_in(torch.float64, gate_network),
        GATE,
        "O(3)",
        GATE_IN,
        "2x0e+1x1e",
        VIOLATED,
        "1o changes its sign under inversion, 1e doesn't",
        **E3NN,
    ),
    Entry(
        "e3nn product and gate, wrong parity, rotations",
        built_in(torch.float64, gate_network),
        GATE,
        "SO(3)",
        GATE_IN,
        "2x0e+1x1e",
        HOLDS,
        "rotations don't see parity",
        **E3NN,
    ),
    Entry(
        "e3nn Linear",
        e3nn_linear,
        lambda: normal(5, 15),
        "O(3)",
        "4x0e+2x1o+1x2e",
        "3x0e+2x1o+2x2e",
        HOLDS,
        "mixes copies of one irrep; no tables",
        **E3NN,
    ),
    Entry(
        "e3nn SphericalHarmonics",
        harmonics,
        lambda: normal(5, 3),
        "O(3)",
        "1x1o",
        "0e+1o+2e+3o",
        HOLDS,
        "Y(Rx) = D(R) Y(x), by polynomials with constants in double",
        **E3NN,
    ),
    Entry(
        "e3nn SphericalHarmonics as 0e+1e+2e+3e",
        harmonics,
        lambda: normal(5, 3),
        "O(3)",
        "1x1o",
        "0e+1e+2e+3e",
        VIOLATED,
        "odd degrees change their sign under inversion",
        **E3NN,
    ),
    Entry(
        "e3nn NormActivation",
        norm_activation,
        lambda: normal(5, 19),
        "O(3)",
        "3x1o+2x2e",
        "3x1o+2x2e",
        HOLDS,
        "scales each copy by a function of its norm",
        **E3NN,
    ),
    Entry(
        "e3nn BatchNorm, eval",
        e3nn_batch_norm,
        lambda: normal(5, 10),
        "O(3)",
        "4x0e+2x1o",
        "4x0e+2x1o",
        HOLDS,
        "one factor for each copy, a bias on scalars alone",
        **E3NN,
    ),
    Entry(
        "e3nn BatchNorm, eval, scalars called odd",
        e3nn_batch_norm,
        lambda: normal(5, 10),
        "O(3)",
        "4x0o+2x1o",
        "4x0o+2x1o",
        VIOLATED,
        "an affine bias on an odd scalar; it starts at zero, which hides it",
        **E3NN,
    ),
    Entry(
        "e3nn Activation, tanh on 0o",
        odd_activation,
        lambda: normal(5, 4),
        "O(3)",
        "4x0o",
        "4x0o",
        HOLDS,
        "tanh is odd",
        **E3NN,
    ),
    Entry(
        "e3nn S2Activation, tanh on 10 x 9 points",
        sphere_activation,
        lambda: normal(5, 9),
        "SO(3)",
        "0e+1o+2e",
        "0e+1o+2e",
        VIOLATED,
        "tanh of a band-limited signal isn't band-limited; a grid of 10 aliases it (measured apart: 1.7e-2 of the spread)",
        **E3NN,
    ),
    Entry(
        "e3nn Dropout in training",
        e3nn_dropout,
        lambda: normal(5, 10),
        "O(3)",
        "4x0e+2x1o",
        "4x0e+2x1o",
        UNSTABLE,
        "drops copies at random",
        **E3NN,
    ),
    Entry(
        "egnn-pytorch EGNN",
        egnn_layer,
        CLOUD,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "weights of arrows are functions of distances",
        **EGNN,
    ),
    Entry("egnn-pytorch EGNN, permutations", egnn_layer, CLOUD, "S_n", SWAPPED, SWAPPED, HOLDS, "sums over neighbours", **EGNN),
    Entry(
        "egnn-pytorch EGNN, normed, soft edges",
        lambda: egnn_layer(norm_coors=True, norm_feats=True, soft_edges=True),
        CLOUD,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "arrows are divided by their lengths, clamped at 1e-8",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch EGNN, Fourier distances",
        lambda: egnn_layer(fourier_features=2),
        GENERIC,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "sines of squared distances",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch EGNN, 3 neighbours, generic points",
        lambda: egnn_layer(num_nearest_neighbors=3),
        lambda: generic((6, 8), (6, 3)),
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "neighbours are found by distance, which is free of ties at generic points",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch EGNN, 3 neighbours, lattice",
        lambda: egnn_layer(num_nearest_neighbors=3),
        CLOUD,
        "E(3)",
        MOVED,
        MOVED,
        VIOLATED,
        "on a lattice distances tie, and rounding after a rotation decides which neighbours count",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch EGNN, clamped weights",
        lambda: egnn_layer(coor_weights_clamp_value=0.05),
        CLOUD,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "clamps invariant weights",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch network with positions",
        lambda: egnn_network(num_positions=6),
        CLOUD,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "features hear of places in the list, which no isometry moves; it writes into its input",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch network with positions, permutations",
        lambda: egnn_network(num_positions=6),
        CLOUD,
        "S_n",
        SWAPPED,
        SWAPPED,
        VIOLATED,
        "an embedding of the place in the list",
        **EGNN,
    ),
    Entry(
        "egnn-pytorch network with global attention",
        lambda: egnn_network(global_linear_attn_every=1),
        CLOUD,
        "S_n",
        SWAPPED,
        SWAPPED,
        HOLDS,
        "global tokens attend to a set",
        **EGNN,
    ),
    Entry(
        "En-transformer",
        en_transformer,
        WIDE,
        "E(3)",
        MOVED,
        MOVED,
        HOLDS,
        "attention by distances, arrows with invariant weights",
        **EN,
    ),
    Entry("En-transformer, permutations", en_transformer, WIDE, "S_n", SWAPPED, SWAPPED, HOLDS, "no positions", **EN),
    Entry(
        "En-transformer, sequence distances, permutations",
        lambda: en_transformer(rel_pos_emb=True),
        WIDE,
        "S_n",
        SWAPPED,
        SWAPPED,
        VIOLATED,
        "distances along the list are an input",
        **EN,
    ),
    Entry(
        "En-transformer, cross product, rotations",
        lambda: en_transformer(use_cross_product=True),
        WIDE,
        "SE(3)",
        MOVED,
        MOVED,
        HOLDS,
        "a cross product turns as a vector does",
        **EN,
    ),
    Entry(
        "En-transformer, cross product, reflections",
        lambda: en_transformer(use_cross_product=True),
        WIDE,
        "E(3)",
        MOVED,
        MOVED,
        VIOLATED,
        "a cross product is axial; its gates start at 1e-3 or less each, which hides it",
        **EN,
    ),
    Entry(
        "se3-transformer-pytorch",
        se3_transformer,
        lambda: generic((6, 8), (6, 3)),
        "SE(3)",
        MOVED,
        {"0": "scalar", "1": "vector"},
        LIMITED,
        "equivariant, with a basis computed through float32",
        package="se3-transformer-pytorch",
        needs=("se3_transformer_pytorch",),
    ),
    Entry(
        "se3-transformer-pytorch, coincident points",
        se3_transformer,
        lambda: (normal(2, 6, 8), normal(2, 6, 3, seed=1)),
        "SE(3)",
        MOVED,
        {"0": "scalar", "1": "vector"},
        VIOLATED,
        "an arrow of length zero is given the direction of an axis, which doesn't turn with the points",
        package="se3-transformer-pytorch",
        needs=("se3_transformer_pytorch",),
        only_at="coincident points",
    ),
    Entry(
        "se3-transformer-pytorch, 12 neighbours",
        lambda: se3_transformer(num_neighbors=12),
        lambda: (normal(2, 16, 8), normal(2, 16, 3, seed=1)),
        "SE(3)",
        MOVED,
        {"0": "scalar", "1": "vector"},
        VIOLATED,
        "of equally distant neighbours those are kept that rounding puts first, which a rotation changes",
        package="se3-transformer-pytorch",
        needs=("se3_transformer_pytorch",),
        only_at="integer lattice",
    ),
    Entry(
        "equiformer-pytorch",
        equiformer,
        lambda: generic((6, 8), (6, 3)),
        "SE(3)",
        MOVED,
        ("scalar", "vector"),
        LIMITED,
        "equivariant, with a basis and rotations to the edge frame in float32",
        package="equiformer-pytorch",
        needs=("equiformer_pytorch", "beartype", "jaxtyping", "einx"),
    ),
    Entry(
        "VN-transformer",
        vn,
        lambda: normal(2, 6, 3),
        "O(3)",
        "vector",
        "vector",
        HOLDS,
        "mixes channels of vectors; VNReLU and norms use inner products",
        **VN,
    ),
    Entry(
        "VN-transformer, bias of 1e-2",
        lambda: vn(bias_epsilon=1e-2),
        lambda: normal(2, 6, 3),
        "O(3)",
        "vector",
        "vector",
        VIOLATED,
        "adds a bias to the components, of norm 1e-2",
        **VN,
    ),
    Entry(
        "VN-transformer, translated, one cloud a call",
        lambda: vn(translation_equivariance=True),
        lambda: normal(1, 6, 3),
        "E(3)",
        "point",
        "point",
        HOLDS,
        "takes out the mean, over the batch too: right for a batch of one",
        **VN,
    ),
    Entry(
        "VN-transformer, translated, but not",
        vn,
        lambda: normal(2, 6, 3),
        "E(3)",
        "point",
        "point",
        VIOLATED,
        "nothing takes the translation out",
        **VN,
    ),
    Entry(
        "VN-transformer invariant",
        vn_invariant,
        lambda: normal(2, 5, 6, 3),
        "O(3)",
        "vector",
        "scalar",
        HOLDS,
        "inner products of vectors with three vectors made of them",
        **VN,
    ),
    Entry(
        "geometric-vector-perceptron",
        gvp,
        lambda: (normal(7, 5), normal(7, 4, 3, seed=1)),
        "O(3)",
        ("scalar", "vector"),
        ("scalar", "vector"),
        HOLDS,
        "mixes vectors, gates by norms and scalars",
        package="geometric-vector-perceptron",
        needs=("geometric_vector_perceptron", "torch_geometric"),
    ),
    Entry(
        "geometric-vector-perceptron, vectors called axial",
        gvp,
        lambda: (normal(7, 5), normal(7, 4, 3, seed=1)),
        "O(3)",
        ("scalar", "1x1o"),
        ("scalar", "1x1e"),
        VIOLATED,
        "a vector that it mixes stays polar",
        package="geometric-vector-perceptron",
        needs=("geometric_vector_perceptron", "torch_geometric"),
    ),
    Entry(
        "invariant-point-attention",
        ipa,
        lambda: (normal(2, 6, 16), normal(2, 6, 3, 3, seed=1), normal(2, 6, 3, seed=2)),
        "E(3)",
        ("scalar", "vector", "point"),
        "scalar",
        HOLDS,
        "points enter through distances, and leave in local frames",
        package="invariant-point-attention",
        needs=("invariant_point_attention",),
    ),
    Entry(
        "invariant-point-attention, frames forgotten",
        ipa,
        lambda: (normal(2, 6, 16), normal(2, 6, 3, 3, seed=1), normal(2, 6, 3, seed=2)),
        "SO(3)",
        ("scalar", "scalar", "vector"),
        "scalar",
        VIOLATED,
        "points are turned but frames aren't",
        package="invariant-point-attention",
        needs=("invariant_point_attention",),
    ),
    Entry(
        "geometric-algebra-attention, rank 2",
        lambda: algebra_attention(2),
        lambda: (normal(2, 6, 8), normal(2, 6, 3, seed=1)),
        "O(3)",
        ("scalar", "vector"),
        "scalar",
        HOLDS,
        "inner products and norms of bivectors",
        **GALA,
    ),
    Entry(
        "geometric-algebra-attention, rank 2, permutations",
        lambda: algebra_attention(2),
        GENERIC,
        "S_n",
        SWAPPED,
        "scalar",
        HOLDS,
        "a softmax over all pairs",
        **GALA,
    ),
    Entry(
        "geometric-algebra-attention, rank 3, rotations",
        lambda: algebra_attention(3),
        GENERIC,
        "SO(3)",
        ("scalar", "vector"),
        "scalar",
        HOLDS,
        "a trivector is invariant under rotations",
        **GALA,
    ),
    Entry(
        "geometric-algebra-attention, rank 3, reflections",
        lambda: algebra_attention(3),
        GENERIC,
        "O(3)",
        ("scalar", "vector"),
        "scalar",
        HOLDS,
        "the trivector of (i, j, k) changes its sign under a reflection, and so does that "
        "of (k, j, i), whose other invariants and mean of values are the same: the sum over triples swaps the two",
        **GALA,
    ),
    Entry(
        "geometric-algebra-attention, rank 3, concatenated, reflections",
        lambda: algebra_attention(3, "concat"),
        GENERIC,
        "O(3)",
        ("scalar", "vector"),
        "scalar",
        VIOLATED,
        "a trivector changes its sign under reflections, and values of i and k "
        "are mixed by different matrices, so that no other triple makes up for it",
        **GALA,
    ),
    Entry(
        "PyG SchNet",
        schnet,
        lambda: Args(torch.tensor([1, 6, 6, 8, 1, 7]), normal(6, 3)),
        "E(3)",
        ("scalar", "point"),
        "scalar",
        HOLDS,
        "filters of distances",
        **PYG,
    ),
    Entry(
        "PyG PPFConv",
        ppf,
        lambda: (normal(6, 3), normal(6, 3, seed=1)),
        "E(3)",
        ("point", "vector"),
        "scalar",
        HOLDS,
        "a length and three angles by atan2 of norms and inner products",
        **PYG,
    ),
    Entry(
        "PyG PointNetConv",
        point_net,
        lambda: normal(6, 3),
        "SE(3)",
        "point",
        "scalar",
        VIOLATED,
        "coordinates relative to the point, which turn",
        **PYG,
    ),
    Entry(
        "torchdiffeq, rk4",
        lambda: central_force("rk4"),
        lambda: PointCloud(5),
        "O(3)",
        "vector",
        "vector",
        HOLDS,
        "each stage is an equivariant map",
        **ODE,
    ),
    Entry(
        "torchdiffeq, dopri5, relative tolerance",
        lambda: central_force("dopri5", 1e-3),
        lambda: PointCloud(5),
        "O(3)",
        "vector",
        "vector",
        VIOLATED,
        "errors are divided by atol + rtol |y_i|, componentwise, so that step sizes depend on the "
        "axes (measured apart: 1.3e-3 of the spread)",
        **ODE,
    ),
    Entry(
        "torchdiffeq, dopri5, absolute tolerance",
        lambda: central_force("dopri5"),
        lambda: PointCloud(5),
        "O(3)",
        "vector",
        "vector",
        HOLDS,
        "steps are equivariant maps, and their sizes follow from the RMS of the error, an invariant",
        **ODE,
    ),
    Entry(
        "torch-harmonics, power spectrum, turned about the poles",
        lambda: sphere_transform(lambda m, x: m(x).abs()),
        lambda: Grid(1, (9, 16)),
        "Z_16",
        Roll(axes=(-1,)),
        "scalar",
        HOLDS,
        "a shift in longitude turns phases alone",
        **SHT,
    ),
    Entry(
        "torch-harmonics, coefficients",
        lambda: sphere_transform(lambda m, x: torch.view_as_real(m(x))),
        lambda: Grid(1, (9, 16)),
        "Z_16",
        Roll(axes=(-1,)),
        "scalar",
        VIOLATED,
        "a shift in longitude turns phases",
        **SHT,
    ),
]
