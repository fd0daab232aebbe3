"""Networks for sets, sequences and grids, from other packages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from property_tests.zoo.entry import Entry, generic, normal
from property_tests.zoo.torch_subjects import Through
from symcheck import Verdict
from symcheck.domains import Grid, Set
from symcheck.reps import Permute, Roll

HOLDS, LIMITED, VIOLATED, UNSTABLE = Verdict.HOLDS, Verdict.LIMITED, Verdict.VIOLATED, Verdict.UNSTABLE

COMPLETE = torch.tensor([[j, i] for i in range(6) for j in range(6) if i != j]).T.contiguous()  # sorted by target


def conv(name: str, **options: Any) -> nn.Module:
    import torch_geometric.nn as pyg

    return Through(getattr(pyg, name)(4, 8, **options).eval(), lambda m, x: m(x, COMPLETE))


def aggregation(name: str, *args: Any, **options: Any) -> nn.Module:
    import torch_geometric.nn.aggr as aggr

    return Through(getattr(aggr, name)(*args, **options).eval(), lambda m, x: m(x)[0])


def deep_sets_aggregation() -> nn.Module:
    return aggregation("DeepSetsAggregation", nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 3))


def graph_norm(name: str) -> nn.Module:
    import torch_geometric.nn as pyg

    return Through(getattr(pyg, name)(4) if name != "PairNorm" else pyg.PairNorm(), lambda m, x: m(x))


def positional_encoding() -> nn.Module:
    from torch_geometric.nn import PositionalEncoding

    return Through(PositionalEncoding(4), lambda m, x: x + m(torch.arange(x.shape[-2], dtype=x.dtype)))


def x_encoder(**options: Any) -> nn.Module:
    from x_transformers import Encoder

    return Encoder(dim=16, depth=1, heads=2, attn_dim_head=8, **options).eval()


def bert(places: bool) -> nn.Module:
    from transformers import BertConfig, BertModel

    config = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=20)
    config._attn_implementation = "eager"

    def call(model: nn.Module, x: Tensor) -> Tensor:
        zeros = None if places else torch.zeros(x.shape[:2], dtype=torch.int64)
        hidden: Tensor = model(inputs_embeds=x, position_ids=zeros).last_hidden_state
        return hidden

    return Through(BertModel(config, add_pooling_layer=False).eval(), call)


def gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2Model

    config = GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=20, n_positions=16)
    config._attn_implementation = "eager"
    return Through(
        GPT2Model(config).eval(),
        lambda m, x: m(inputs_embeds=x, position_ids=torch.zeros(x.shape[:2], dtype=torch.int64)).last_hidden_state,
    )


def t5() -> nn.Module:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=20)
    return Through(T5EncoderModel(config).eval(), lambda m, x: m(inputs_embeds=x).last_hidden_state)


def perceiver_hf() -> nn.Module:
    from transformers import PerceiverConfig, PerceiverModel

    config = PerceiverConfig(
        num_latents=4,
        d_latents=16,
        d_model=16,
        num_blocks=1,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=2,
    )
    return Through(PerceiverModel(config).eval(), lambda m, x: m(inputs=x).last_hidden_state)


def fnet() -> nn.Module:
    from transformers import FNetConfig, FNetModel

    config = FNetConfig(hidden_size=16, num_hidden_layers=1, intermediate_size=32, vocab_size=20, max_position_embeddings=16)
    model = FNetModel(config).eval()
    return Through(model, lambda m, x: m(inputs_embeds=x).last_hidden_state)


def perceiver(fourier: bool) -> nn.Module:
    from perceiver_pytorch import Perceiver

    return Perceiver(
        num_freq_bands=2,
        max_freq=4.0,
        depth=1,
        input_channels=4,
        input_axis=1,
        num_latents=4,
        latent_dim=16,
        num_classes=3,
        cross_dim_head=8,
        latent_dim_head=8,
        latent_heads=2,
        fourier_encode_data=fourier,
    ).eval()


def linformer() -> nn.Module:
    from linformer import Linformer

    return Linformer(dim=16, seq_len=7, depth=1, heads=2, k=4).eval()


def performer() -> nn.Module:
    from performer_pytorch import Performer

    return Performer(dim=16, depth=1, heads=2, dim_head=8).eval()


def performer_shifting() -> nn.Module:
    from performer_pytorch import Performer

    return Performer(dim=16, depth=1, heads=2, dim_head=8, shift_tokens=True).eval()


def graph_transformer(**options: Any) -> nn.Module:
    from graph_transformer_pytorch import GraphTransformer

    model = GraphTransformer(dim=16, depth=1, heads=2, dim_head=8, edge_dim=4, **options)
    return Through(model, lambda m, x: m(x, x.new_ones(*x.shape[:2], x.shape[1], 4))[0])


def point_transformer(**options: Any) -> nn.Module:
    from point_transformer_pytorch import PointTransformerLayer

    return PointTransformerLayer(dim=8, pos_mlp_hidden_dim=8, attn_mlp_hidden_mult=2, **options)


def slots() -> nn.Module:
    from slot_attention import SlotAttention

    return SlotAttention(num_slots=3, dim=16, hidden_dim=16).eval()


def rotary() -> nn.Module:
    from rotary_embedding_torch import RotaryEmbedding

    return Through(RotaryEmbedding(dim=8), lambda m, x: m.rotate_queries_or_keys(x))


def rotary_scores() -> nn.Module:
    """Attention scores of rotated queries and keys of one vector at every place."""
    from rotary_embedding_torch import RotaryEmbedding

    def call(model: nn.Module, x: Tensor) -> Tensor:
        turned = model.rotate_queries_or_keys(x)
        return (turned @ turned.mT).softmax(-1) @ x

    return Through(RotaryEmbedding(dim=8), call)


def liquid(**options: Any) -> nn.Module:
    from ncps.torch import CfC

    model = CfC(4, 8, backbone_units=16, **options).eval()
    return Through(model, lambda m, x: m(x)[0])


def liquid_ltc() -> nn.Module:
    from ncps.torch import LTC
    from ncps.wirings import FullyConnected

    return Through(LTC(4, FullyConnected(6, 2)).eval(), lambda m, x: m(x)[0])


def blur(border: str) -> nn.Module:
    from kornia.filters import GaussianBlur2d

    return GaussianBlur2d((3, 3), (1.0, 1.0), border_type=border)


def blur_pool(**options: Any) -> nn.Module:
    from antialiased_cnns import BlurPool

    return BlurPool(3, **options)


def circular_group_convolution(padding: str) -> nn.Module:
    from e2cnn import gspaces
    from e2cnn import nn as enn

    space = gspaces.Rot2dOnR2(4)
    one, many = enn.FieldType(space, 3 * [space.trivial_repr]), enn.FieldType(space, 4 * [space.regular_repr])
    layer = enn.R2Conv(one, many, kernel_size=3, padding=1, padding_mode=padding)
    return Through(nn.ModuleList([layer, enn.ReLU(many)]).eval(), lambda m, x: m[1](m[0](enn.GeometricTensor(x, one))).tensor)


def wavelets() -> nn.Module:
    from pytorch_wavelets import DWTForward

    return Through(DWTForward(J=1, wave="db2", mode="periodization"), lambda m, x: m(x)[0].square().sum((-2, -1)))


PYG: dict[str, Any] = {"package": "torch_geometric", "needs": ("torch_geometric",)}
XT: dict[str, Any] = {"package": "x-transformers", "needs": ("x_transformers", "einx", "loguru")}
HF: dict[str, Any] = {"package": "transformers", "needs": ("transformers",)}
PERCEIVER: dict[str, Any] = {"package": "perceiver-pytorch", "needs": ("perceiver_pytorch",)}
PERFORMER: dict[str, Any] = {"package": "performer-pytorch", "needs": ("performer_pytorch", "local_attention")}
GRAPH: dict[str, Any] = {
    "package": "graph-transformer-pytorch",
    "needs": ("graph_transformer_pytorch", "rotary_embedding_torch"),
}
POINT: dict[str, Any] = {"package": "point-transformer-pytorch", "needs": ("point_transformer_pytorch",)}
ROTARY: dict[str, Any] = {"package": "rotary-embedding-torch", "needs": ("rotary_embedding_torch",)}
NCPS: dict[str, Any] = {"package": "ncps", "needs": ("ncps",)}
KORNIA: dict[str, Any] = {"package": "kornia", "needs": ("kornia", "kornia_rs")}
E2: dict[str, Any] = {"package": "e2cnn", "needs": ("e2cnn",)}

NODES = lambda: normal(6, 4)  # noqa: E731
BAG = lambda: Set(6, 4)  # noqa: E731
TOKENS = lambda: Set(7, 16)  # noqa: E731
IMAGE = lambda: Grid(3, (8, 6))  # noqa: E731
SCALAR, EACH = ("S_n", "permute", "scalar"), ("S_n", "permute", "permute")

SETS: list[Entry] = [
    *[
        Entry(
            f"PyG {name}, complete graph",
            lambda name=name: conv(name),
            NODES,
            *EACH,
            HOLDS,
            "sums or softmaxes over neighbours, who are all the others",
            **PYG,
        )
        for name in ("GCNConv", "GATv2Conv", "SAGEConv", "GraphConv", "TransformerConv", "ResGatedGraphConv")
    ],
    Entry(
        "PyG SAGEConv with an LSTM",
        lambda: conv("SAGEConv", aggr="lstm"),
        NODES,
        *EACH,
        VIOLATED,
        "the LSTM reads neighbours in order",
        **PYG,
    ),
    *[
        Entry(f"PyG {name}", lambda name=name: aggregation(name), BAG, *SCALAR, HOLDS, "a function of the multiset", **PYG)
        for name in (
            "SumAggregation",
            "MeanAggregation",
            "MaxAggregation",
            "MedianAggregation",
            "VarAggregation",
            "StdAggregation",
            "SoftmaxAggregation",
        )
    ],
    Entry(
        "PyG QuantileAggregation",
        lambda: aggregation("QuantileAggregation", [0.25, 0.5]),
        BAG,
        *SCALAR,
        HOLDS,
        "quantiles of each feature",
        **PYG,
    ),
    Entry("PyG Set2Set", lambda: aggregation("Set2Set", 4, 3), BAG, *SCALAR, HOLDS, "attention of a state to a set", **PYG),
    Entry("PyG DeepSetsAggregation", deep_sets_aggregation, BAG, *SCALAR, HOLDS, "a sum", **PYG),
    Entry(
        "PyG SetTransformerAggregation",
        lambda: aggregation("SetTransformerAggregation", 4, heads=2),
        NODES,
        *SCALAR,
        HOLDS,
        "attention of seeds to a set",
        **PYG,
    ),
    Entry(
        "PyG EquilibriumAggregation",
        lambda: aggregation("EquilibriumAggregation", 4, 3, [8]),
        NODES,
        *SCALAR,
        LIMITED,
        "descends a mean of potentials, from a float32 zero, so that its first gradient is rounded to float32",
        **PYG,
    ),
    Entry(
        "PyG SortAggregation, generic",
        lambda: aggregation("SortAggregation", 3),
        NODES,
        *SCALAR,
        VIOLATED,
        "rows sorted by their last feature: equal ones stay in the order in which they came",
        only_at="one-hot",
        **PYG,
    ),
    Entry(
        "PyG SortAggregation, ties",
        lambda: aggregation("SortAggregation", 3),
        BAG,
        *SCALAR,
        VIOLATED,
        "one-hot rows tie in the last feature but differ in others: their order is that of the input",
        **PYG,
    ),
    Entry(
        "PyG LSTMAggregation", lambda: aggregation("LSTMAggregation", 4, 3), NODES, *SCALAR, VIOLATED, "reads in order", **PYG
    ),
    Entry("PyG GRUAggregation", lambda: aggregation("GRUAggregation", 4, 3), NODES, *SCALAR, VIOLATED, "reads in order", **PYG),
    Entry(
        "PyG MLPAggregation",
        lambda: aggregation("MLPAggregation", 4, 3, 6, num_layers=1),
        NODES,
        *SCALAR,
        VIOLATED,
        "rows are put side by side",
        **PYG,
    ),
    Entry(
        "PyG LCMAggregation",
        lambda: aggregation("LCMAggregation", 4, 3),
        NODES,
        *SCALAR,
        VIOLATED,
        "a commutative cell that isn't associative, on a binary tree: its own documentation says so",
        **PYG,
    ),
    Entry("PyG PositionalEncoding", positional_encoding, NODES, *EACH, VIOLATED, "adds places", **PYG),
    *[
        Entry(f"PyG {name}", lambda name=name: graph_norm(name), NODES, *EACH, HOLDS, "statistics over all nodes", **PYG)
        for name in ("GraphNorm", "PairNorm", "InstanceNorm")
    ],
    Entry(
        "x-transformers Encoder", x_encoder, TOKENS, *EACH, LIMITED, "attention without positions, its softmax in float32", **XT
    ),
    Entry(
        "x-transformers Encoder, rotary",
        lambda: x_encoder(rotary_pos_emb=True),
        TOKENS,
        *EACH,
        VIOLATED,
        "queries and keys turn with their places",
        **XT,
    ),
    Entry(
        "x-transformers Encoder, ALiBi",
        lambda: x_encoder(alibi_pos_bias=True),
        TOKENS,
        *EACH,
        VIOLATED,
        "scores fall with the distance in the sequence",
        **XT,
    ),
    Entry("transformers BERT", lambda: bert(True), TOKENS, *EACH, VIOLATED, "position embeddings", **HF),
    Entry(
        "transformers BERT, one position for all",
        lambda: bert(False),
        TOKENS,
        *EACH,
        HOLDS,
        "every token has the position 0, and attention has no other",
        **HF,
    ),
    Entry("transformers GPT-2, one position for all", gpt2, TOKENS, *EACH, VIOLATED, "a causal mask is left", **HF),
    Entry("transformers T5 encoder", t5, TOKENS, *EACH, VIOLATED, "a bias by relative position", **HF),
    Entry("transformers Perceiver", perceiver_hf, TOKENS, *SCALAR, HOLDS, "latents attend to a set", **HF),
    Entry("transformers FNet", fnet, TOKENS, *EACH, VIOLATED, "a Fourier transform along the sequence, and positions", **HF),
    Entry("perceiver-pytorch", lambda: perceiver(False), BAG, *SCALAR, HOLDS, "latents attend to a set", **PERCEIVER),
    Entry("perceiver-pytorch, Fourier positions", lambda: perceiver(True), BAG, *SCALAR, VIOLATED, "positions", **PERCEIVER),
    Entry(
        "linformer",
        linformer,
        TOKENS,
        *EACH,
        VIOLATED,
        "keys are mixed by a matrix over places",
        package="linformer",
        needs=("linformer",),
    ),
    Entry("performer-pytorch", performer, TOKENS, *EACH, HOLDS, "random features of each token, sums over tokens", **PERFORMER),
    Entry(
        "performer-pytorch, shifted tokens",
        performer_shifting,
        TOKENS,
        *EACH,
        VIOLATED,
        "a part of the features comes from the neighbours in the sequence",
        **PERFORMER,
    ),
    Entry("graph-transformer-pytorch", graph_transformer, TOKENS, *EACH, HOLDS, "attention with equal edges", **GRAPH),
    Entry(
        "graph-transformer-pytorch, rotary",
        lambda: graph_transformer(rel_pos_emb=True),
        TOKENS,
        *EACH,
        VIOLATED,
        "queries and keys turn with their places",
        **GRAPH,
    ),
    Entry(
        "point-transformer-pytorch, permutations",
        point_transformer,
        lambda: (normal(2, 6, 8), normal(2, 6, 3, seed=1)),
        "S_n",
        ("permute", "permute"),
        "permute",
        HOLDS,
        "attention by differences",
        **POINT,
    ),
    Entry(
        "point-transformer-pytorch, 3 neighbours",
        lambda: point_transformer(num_neighbors=3),
        lambda: generic((6, 8), (6, 3)),
        "S_n",
        ("permute", "permute"),
        "permute",
        HOLDS,
        "nearest neighbours, without ties at generic points",
        **POINT,
    ),
    Entry(
        "point-transformer-pytorch, rotations",
        point_transformer,
        lambda: (normal(2, 6, 8), normal(2, 6, 3, seed=1)),
        "SO(3)",
        ("scalar", "vector"),
        "scalar",
        VIOLATED,
        "an MLP of coordinates of differences",
        **POINT,
    ),
    Entry(
        "slot-attention",
        slots,
        TOKENS,
        *SCALAR,
        UNSTABLE,
        "slots start from random numbers, in eval as well",
        package="slot-attention",
        needs=("slot_attention", "einx"),
    ),
    Entry("rotary-embedding-torch", rotary, lambda: Set(6, 8), *EACH, VIOLATED, "turns each vector by its place", **ROTARY),
    Entry(
        "rotary-embedding-torch, attention, shifts",
        rotary_scores,
        lambda: Set(6, 8),
        "Z_6",
        Roll(axes=(-2,)),
        Roll(axes=(-2,)),
        VIOLATED,
        "scores depend on differences of places, but those that wrap round differ",
        **ROTARY,
    ),
    Entry(
        "ncps CfC, the batch as a set",
        liquid,
        lambda: normal(5, 4, 4),
        "S_n",
        Permute(axis=-3),
        Permute(axis=-3),
        HOLDS,
        "entries of a batch don't hear of each other",
        **NCPS,
    ),
    Entry("ncps CfC, sequence reversed order", liquid, lambda: Set(6, 4), *EACH, VIOLATED, "a recurrence", **NCPS),
    Entry(
        "ncps LTC, the batch as a set",
        liquid_ltc,
        lambda: normal(5, 3, 4),
        "S_n",
        Permute(axis=-3),
        Permute(axis=-3),
        HOLDS,
        "entries of a batch don't hear of each other",
        **NCPS,
    ),
    Entry(
        "kornia GaussianBlur2d, circular",
        lambda: blur("circular"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "a circular convolution",
        **KORNIA,
    ),
    Entry(
        "kornia GaussianBlur2d, reflect",
        lambda: blur("reflect"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "the border sees its mirror image",
        **KORNIA,
    ),
    Entry(
        "antialiased-cnns BlurPool, stride 1",
        lambda: blur_pool(stride=1, filt_size=3),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "reflecting padding",
        package="antialiased-cnns",
        needs=("antialiased_cnns",),
    ),
    Entry(
        "antialiased-cnns BlurPool, stride 2, pooled",
        lambda: nn.Sequential(blur_pool(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        VIOLATED,
        "a stride, and reflecting padding",
        package="antialiased-cnns",
        needs=("antialiased_cnns",),
    ),
    Entry(
        "e2cnn R2Conv, circular",
        lambda: circular_group_convolution("circular"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        HOLDS,
        "a circular convolution; a ReLU",
        **E2,
    ),
    Entry(
        "e2cnn R2Conv, zeros",
        lambda: circular_group_convolution("zeros"),
        IMAGE,
        "Z_N^2",
        "roll",
        "roll",
        VIOLATED,
        "zero padding",
        **E2,
    ),
    Entry(
        "pytorch-wavelets, energy of the low band",
        wavelets,
        IMAGE,
        "Z_N^2",
        "roll",
        "scalar",
        VIOLATED,
        "a stride of 2 keeps other samples after a shift by one",
        package="pytorch-wavelets",
        needs=("pytorch_wavelets", "pywt", "pkg_resources"),
    ),
]
