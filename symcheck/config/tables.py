"""The tables of a config file, as types. What they accept is what is read; the JSON Schema that ships is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Dtype = Literal["float64", "float32", "bfloat16", "float16"]
Text = Annotated[str, Meta(min_length=1)]
Reps = Text | list[Text] | dict[str, Text]
Size = Annotated[int, Meta(ge=1)]
Shape = list[Size]
Fraction = Annotated[float, Meta(gt=0, lt=1)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file. What isn't given is UNSET, or empty."""

    def given(self) -> dict[str, Any]:
        """What is given, by its name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


class Profile(Table, frozen=True, kw_only=True):
    """Settings of an audit under one name. What a profile doesn't say is as in an audit without it."""

    trials: Annotated[int, Meta(ge=1, le=2**63 - 1, description="Trials a claim.")] | UnsetType = UNSET
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="All random numbers follow from it.")] | UnsetType = UNSET
    device: Annotated[str, Meta(min_length=1, description="Where models run: cpu, cuda, cuda:1.")] | UnsetType = UNSET
    dtype: Annotated[Dtype, Meta(description="The precision of the claims.")] | UnsetType = UNSET
    perturb: Annotated[bool, Meta(description="Judge at perturbed weights too.")] | UnsetType = UNSET


class ClaimTable(Table, frozen=True, kw_only=True):
    """What is claimed of a model: f(rho_in(g) x) = rho_out(g) f(x) for every g in the group."""

    group: Annotated[str, Meta(min_length=1, description='The group, such as "SO(3)".')]
    inputs: Annotated[Reps, Meta(description="The rep of each input: one, a list of them, or a table for keyword arguments.")]
    outputs: Annotated[Reps, Meta(description="The rep of each output: one, a list for a tuple, or a table for a dict.")]
    shapes: Annotated[
        list[Shape] | dict[str, Shape] | UnsetType, Meta(description="The shape of each input, less its batch axis.")
    ] = UNSET
    domain: Annotated[
        Text | list[Text] | dict[str, Text] | UnsetType,
        Meta(description='In place of shapes, the domain of each input, such as "PointCloud(points=8)".'),
    ] = UNSET
    properties: Annotated[list[Text], Meta(min_length=1, description="What is to hold. [equivariance]")] | UnsetType = UNSET
    tolerance: (
        Annotated[Fraction, Meta(description="The violation that is allowed, of the output's spread; with a reason.")]
        | UnsetType
    ) = UNSET
    expected: Annotated[
        Literal["holds", "violated"], Meta(description="A symmetry that is known to be broken is violated; with a reason.")
    ] = "holds"
    reason: Annotated[str, Meta(description="Why there is a tolerance, or a violation expected.")] = ""
    id: Annotated[str, Meta(description="What reports call the claim. [from the model and what is claimed]")] = ""


class ModelTable(Table, frozen=True, kw_only=True):
    """A model with its claims; without any, those that the target states itself."""

    target: Annotated[str, Meta(min_length=1, description="As TARGET of symcheck audit: pkg.mod, pkg.mod:build, net.onnx.")]
    weights: Annotated[str, Meta(description="Weights for the target: safetensors, or a file of torch.save.")] = ""
    twins: Annotated[bool, Meta(description="Audit the broken twins too: each must be caught.")] = False
    claims: list[ClaimTable] = []


class Override(Table, frozen=True, kw_only=True):
    """What else is to be said of claims that are stated elsewhere, by patterns of their ids, with the reason."""

    claims: Annotated[
        list[Text], Meta(min_length=1, description="Ids of claims, or their models' names; * stands for any text.")
    ]
    reason: Annotated[str, Meta(min_length=1, description="Why.")]
    expected: Literal["holds", "violated"] | UnsetType = UNSET
    tolerance: Fraction | UnsetType = UNSET
    skip: Annotated[bool, Meta(description="Leave them out.")] = False


class Config(Table, frozen=True, kw_only=True):
    """What symcheck audits, and how: symcheck.toml, or [tool.symcheck] of pyproject.toml."""

    profile: Annotated[str, Meta(min_length=1, description="The profile, unless --profile names another.")] = "ci"
    profiles: dict[str, Profile] = {}
    models: list[ModelTable] = []
    overrides: list[Override] = []


def schema() -> bytes:
    """The JSON Schema of a config file, which editors take to complete and check it."""
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "symcheck.toml", **msgspec.json.schema(Config)}
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"
