"""What is claimed of what: a Subject has a symmetry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn

from symcheck import _tree
from symcheck.domains import Domain, Like
from symcheck.errors import ClaimError, SubjectError, brief
from symcheck.groups import Monoid, from_string
from symcheck.placement import gpu_advice, seeded
from symcheck.properties import Equivariance, Property
from symcheck.reps import Rep

Model = Callable[..., Any]
Expected = Literal["holds", "violated", "either"]


@dataclass(frozen=True)
class File:
    """A file that a model or its weights were loaded from, by the path that it was given by, with the SHA-256 of its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """A claim that wasn't audited, and why. `undone` tells one that was to be from one that was left out on purpose."""

    claim: str
    reason: str
    undone: bool = False


@dataclass(frozen=True)
class Subject:
    """A model under test: a callable on tensors, or a factory that builds one.

    `batching` says how trials are joined into one call: "auto" finds out; "batch" passes them along the model's leading
    axis; "vmap" maps the model over them; "loop" calls it once a trial. `spec` is what it was named by, `pkg.mod:name`, and
    `again` the options of `symcheck replay` that load it again, where that alone doesn't. `files` are what it was loaded from.
    """

    name: str
    model: Model | None = None
    build: Callable[[], Model] | None = None
    batching: Literal["auto", "batch", "vmap", "loop"] = "auto"
    spec: str = ""
    files: tuple[File, ...] = ()
    again: str = ""

    def __post_init__(self) -> None:
        if self.batching not in ("auto", "batch", "vmap", "loop"):
            raise SubjectError(f"{self.name}: batching is 'auto', 'batch', 'vmap' or 'loop', not {self.batching!r}.")

    @classmethod
    def of(cls, model: Any) -> Subject:
        """The subject that a callable stands for."""
        if isinstance(model, Subject):
            return model
        if isinstance(model, type) or not callable(model):
            instead = "a module or a function on tensors"
            if isinstance(model, type):
                instead = f"an instance, {model.__name__}(...), or a function without arguments that makes one"
            raise SubjectError(f"{brief(model)} can't be checked: it is no callable on tensors. Give {instead}.")
        return cls(_name_of(model), model=model)

    @classmethod
    def built(cls, build: Callable[[], Model], **options: Any) -> Subject:
        """A subject whose model `build()` makes: anew for each audit, with weights that follow from the audit's seed."""
        module = str(getattr(build, "__module__", None) or "").rpartition(".")[2]
        name = _name_of(build) if module in ("", "__main__") else f"{module}.{_name_of(build)}"
        return cls(name, build=build, **options)

    def load(self, seed: int) -> Model:
        """The model. A factory is run with seeded random numbers, of torch, numpy and `random`; they go on as they were."""
        if self.build is None:
            assert self.model is not None
            return self.model
        with seeded(seed):
            try:
                model = self.build()
            except (Exception, SystemExit) as error:
                advice = gpu_advice(error) or "Mend the factory."
                raise SubjectError(
                    f"{self.name}() raised {type(error).__name__}: {str(error).rstrip('.')}. {advice}"
                ) from error
        if not callable(model):
            raise SubjectError(f"{self.name}() returned {brief(model)}, not a model. Return a callable on tensors.")
        return model


@dataclass(frozen=True)
class Claim:
    """`subject` has `properties` under `group`, which acts on its inputs and outputs by these reps, on this domain.

    Reps are prefixes of the input and output trees, names or `Rep` objects; a tuple stands for positional arguments.
    `tolerance` is for symmetries that are meant to hold approximately: the relative violation that is allowed, against the
    spread of the output. None means exact, to rounding. A claim that is `expected` to be violated is met when it is caught. One
    that may do `either` is tried: nobody promises it, and whichever it does is told. `source` says what it was read from, where
    nobody wrote it.

    >>> claim = Claim(torch.relu, "SO(3)", domain=torch.randn(5, 3), inputs="vector", outputs="vector")
    >>> claim.id
    'relu: SO(3), vector -> vector'
    """

    subject: Subject
    group: Monoid
    domain: Domain
    inputs: Any
    outputs: Any
    properties: tuple[Property, ...] = field(default=(Equivariance(),))
    tolerance: float | None = None
    expected: Expected = "holds"
    reason: str = ""
    id: str = ""
    source: str = ""

    def __init__(
        self,
        subject: Any,
        group: Monoid | str,
        *,
        domain: Any,
        inputs: Any,
        outputs: Any,
        properties: tuple[Property, ...] = (Equivariance(),),
        tolerance: float | None = None,
        expected: Expected = "holds",
        reason: str = "",
        id: str = "",  # noqa: A002 - the word that reports use
        source: str = "",
    ) -> None:
        subject = Subject.of(subject)
        group = group if isinstance(group, Monoid) else from_string(_text(group))
        domain = domain if isinstance(domain, Domain) else Like(domain)
        inputs = inputs if isinstance(inputs, (Rep, str)) or inputs is None else _tree.Args.of(inputs)
        if tolerance is not None and not (isinstance(tolerance, (int, float)) and 0 < tolerance < 1):
            raise ClaimError(
                f"{subject.name}: the tolerance is a fraction of the output's spread between 0 and 1, not {tolerance!r}."
            )
        if expected not in ("holds", "violated", "either"):
            raise ClaimError(f"{subject.name}: a claim is expected to be 'holds', 'violated' or 'either', not {expected!r}.")
        if expected == "violated" and not reason:
            raise ClaimError(f"{subject.name}: a claim expected to be violated needs a reason. Say in `reason` what breaks it.")
        if expected == "either" and not reason:
            raise ClaimError(f"{subject.name}: a claim that is only tried needs a reason. Say in `reason` why it is worth it.")
        if not isinstance(properties, (tuple, list)) or not all(isinstance(one, Property) for one in properties):
            raise ClaimError(
                f"{subject.name}: the properties are {brief(properties)}. Give a tuple of them, as in (Composition(),)."
            )
        if not properties:
            raise ClaimError(f"{subject.name}: the claim has no properties, and so claims nothing. Leave out `properties`.")
        for name, text in {"reason": reason, "id": id}.items():
            if not isinstance(text, str):
                raise ClaimError(f"{subject.name}: the {name} of a claim is {text!r}. Give it as a text.")
        id = id or f"{subject.name}: {group}, {_words(inputs)} -> {_words(outputs)}"  # noqa: A001
        fields = (subject, group, domain, inputs, outputs, properties, tolerance, expected, reason, id, source)
        for name, value in zip(self.__dataclass_fields__, fields, strict=True):
            object.__setattr__(self, name, value)

    def twin(self, subject: Any, *, reason: str) -> Claim:
        """The same claim of a broken model, expected to be caught."""
        return replace(self, subject=subject, expected="violated", reason=reason, id="")

    def rng(self, seed: int, stream: str) -> torch.Generator:
        """A stream of random numbers of its own, the same for the same seed, claim and purpose on every machine."""
        digest = hashlib.sha256(f"{seed}\0{self.id}\0{stream}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _text(group: Any) -> str:
    if not isinstance(group, str):
        raise ClaimError(f"{brief(group)} is no group. Use a name such as 'SO(3)', or an object of symcheck.groups.")
    return group


def _name_of(model: Any) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__
    return str(getattr(model, "__name__", None) or type(model).__name__)


def _words(reps: Any) -> str:
    if isinstance(reps, str):
        return reps
    if isinstance(reps, _tree.Args) and len(reps.args) == 1 and not reps.kwargs:
        return _words(reps.args[0])
    node = None if reps is None or isinstance(reps, Rep) else _tree.split(reps)
    if node is None:
        return "scalar" if reps is None else str(getattr(reps, "text", getattr(reps, "name", reps)))
    words = (f"{key[1:]}={_words(child)}" if key.startswith(".") else _words(child) for key, child in node[0])
    return f"({', '.join(words)})"
