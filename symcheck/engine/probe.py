"""Probes: before any symmetry is judged, how the model is called, and whether it is fit to be judged at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from symcheck._tree import Args, Leaves, Structure, call_names, flatten
from symcheck.claims import Claim
from symcheck.domains import At, Domain, Layout
from symcheck.engine.bound import Bound, bind, bind_outputs, input_reps, unmentioned
from symcheck.engine.forward import Batching, Forward, ModelError
from symcheck.engine.noise import real, rms
from symcheck.engine.outcome import Finding
from symcheck.engine.policy import Policy
from symcheck.engine.represent import atoms
from symcheck.engine.trace import uncompiled
from symcheck.errors import ClaimError, DomainError
from symcheck.placement import Placement, modules_of, placed, written
from symcheck.properties import Property

PROBES = 3  # inputs that a probe calls the model with: two that differ, and one more to tell a swap from a mix

# One call a trial, which everything else must agree with; and the faster ways to join trials that may agree with it.
REFERENCES: dict[bool | None, tuple[Batching, ...]] = {
    True: (Batching.ROWS,),
    False: (Batching.LOOP,),
    None: (Batching.ROWS, Batching.LOOP),
}
JOINED: dict[Batching, tuple[Batching, ...]] = {
    Batching.ROWS: (Batching.BATCH,),
    Batching.LOOP: (Batching.BATCH, Batching.UNION, Batching.VMAP),
}


@dataclass(frozen=True)
class Setup:
    """How a claim's model is called: what the probes found out."""

    domain: Domain
    bound: Bound
    forward: Forward
    names: tuple[str, ...]
    outputs: tuple[str, ...]
    findings: tuple[Finding, ...]
    unstable: str | None
    example: tuple[Leaves, Leaves]  # inputs and outputs of two trials

    def at(self, placement: Placement) -> Forward:
        """The same calls at another placement."""
        default = self.forward.default_dtype and placement == self.forward.placement
        return replace(
            self.forward, placement=placement, default_dtype=default, crashes={}, recovered=[], calls=0, evaluations=0
        )


def sample(domain: Domain, n: int, rng: torch.Generator) -> tuple[Leaves, Structure]:
    """N inputs of a domain, as leaves."""
    leaves, structure = flatten(Args.of(domain.sample(domain.layout, n, rng)))
    if not leaves or any(leaf.ndim == 0 or len(leaf) != n for leaf in leaves):
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves) or "none"
        raise DomainError(f"{domain}: a sample of {n} has leaves of shapes {shapes}. Give each a leading axis of {n}.")
    return leaves, structure


def probe(
    claim: Claim, model: Callable[..., Any], placement: Placement, seed: int, policy: Policy, *, default_dtype: bool = False
) -> Setup:
    """Try the readings of the claim's domain and the ways to join trials; keep the first that agrees with one call a trial.

    Raises ModelError if the model works on none of them.
    """
    _, structure = sample(claim.domain, 1, claim.rng(seed, "probe"))
    reps = input_reps(claim, structure)
    names = call_names(model, structure)
    findings = training(model) + forgotten(claim, structure, sample(claim.domain, 1, claim.rng(seed, "probe"))[0], names)
    readings = list(claim.domain.readings([rep.rank for rep in reps]))
    if len(readings) > 1:  # errors name the shapes of the whole example
        bind(claim, reps, sample(readings[-1], 1, claim.rng(seed, "probe"))[0], names)
    for domain in readings:
        x, structure = sample(domain, PROBES, claim.rng(seed, "probe"))
        bound = bind(claim, reps, x, names)
        shared = frozenset(domain.fixed) - bound.acted
        union = domain if domain.unites else None
        plain = Forward(model, structure, placement, Batching.LOOP, shared, union, default_dtype=default_dtype)
        trial = _Trial(plain, names, bound, policy, findings)
        try:
            forward = trial.settled(x, domain.batched, claim.subject.batching)
            two = [leaf[:2] for leaf in x]  # some models refuse a batch of one
            y = forward.strict(two)
        except ModelError:
            if domain is readings[-1]:
                raise
            continue
        assert forward.output is not None
        bound = bind_outputs(claim, bound, y, forward.output)
        outputs = tuple(forward.output.names())
        unstable = trial.unstable
        if {"training-mode", "coupled-batch"} <= {finding.kind for finding in findings}:
            unstable = unstable or "in training mode what comes out for one input depends on the others of its batch"
        return Setup(domain, bound, forward, tuple(names), outputs, tuple(findings), unstable, (two, y))
    raise AssertionError("a domain has at least one reading")


def settled(
    claim: Claim, model: Callable[..., Any], working: Placement, seed: int, policy: Policy
) -> tuple[Setup, ModelError | None]:
    """How the model is called in float64, if need be with float64 as torch's default dtype.

    Where it doesn't run in float64: how it is called in its working precision, and what it raised. ModelError if it doesn't
    run there either.
    """
    double = Placement(working.device, torch.float64)
    failed: ModelError | None = None
    for placement, default in ((double, False), (double, True), (working, False)):
        try:
            with placed(model, placement):
                setup = probe(claim, model, placement, seed, policy, default_dtype=default)
            return setup, None if placement == double else failed
        except ModelError as error:
            failed = failed or error
    assert failed is not None
    raise failed


def check_applicable(claim: Claim, prop: Property, setup: Setup) -> None:
    """ClaimError if the property says nothing about such a claim."""
    reason = prop.inapplicable(setup.bound, *setup.example)
    if reason is not None:
        raise ClaimError(f"{claim.subject.name}: {prop.name} says nothing here: {reason.rstrip('.')}.")


def at_layout(claim: Claim, setup: Setup, layout: Layout, seed: int) -> Setup:
    """The setup at another layout of its domain. Raises ModelError if the model doesn't take it."""
    domain = At(setup.domain, layout)
    x, structure = sample(domain, PROBES, claim.rng(seed, "probe"))
    bound = bind(claim, input_reps(claim, structure), x, setup.names)
    forward = replace(setup.forward, shapes=None, crashes={}, calls=0, evaluations=0)
    y = forward.strict(x)
    assert forward.output is not None
    return replace(setup, domain=domain, forward=forward, bound=bind_outputs(claim, bound, y, forward.output))


def forgotten(claim: Claim, structure: Structure, x: Leaves, names: Sequence[str]) -> list[Finding]:
    """A finding for each input that the claim says nothing of: a cell or an edge attribute that should have moved along."""
    found = []
    for i in unmentioned(claim, structure):
        kind = "is floating point" if x[i].is_floating_point() or x[i].is_complex() else "holds integers"
        text = (
            f"The claim doesn't say how {claim.group} acts on input '{names[i]}', which {kind}: it was left alone. "
            f"Give it a rep, 'scalar' if the group does leave it alone."
        )
        found.append(Finding("unmentioned-input", text, "warning" if kind == "is floating point" else "note"))
    return found


class _Trial:
    """One reading of the domain, tried on the model. What is noticed on the way goes to `findings`."""

    def __init__(self, plain: Forward, names: Sequence[str], bound: Bound, policy: Policy, findings: list[Finding]) -> None:
        self.plain, self.names, self.bound, self.policy, self.findings = plain, names, bound, policy, findings
        self.unstable: str | None = None

    def settled(self, x: Leaves, batched: bool | None, batching: str) -> Forward:
        """The fastest way to call the model that agrees with one call a trial, or ModelError."""
        if batching != "auto":
            return self._sized(self._ready(Batching(batching), x), x)
        errors: list[ModelError] = []
        fallback: Forward | None = None
        for reference in REFERENCES[batched]:
            try:
                one = self._ready(reference, x)
                expected = one.strict(x)
            except ModelError as error:
                errors.append(error)
                if reference is Batching.ROWS and (many := self._in_company(x)) is not None:
                    return self._sized(many, x)
                continue
            before = written(self.plain.model)
            self.unstable = self._instability(one.strict(x), expected)
            self._note_state(before, written(self.plain.model))
            if self.unstable is not None:
                return self._sized(one, x)
            many = self._joined(one, x, expected)
            if many is not None:
                return self._sized(many, x)
            if batched is not True or not any(finding.kind == "coupled-batch" for finding in self.findings):
                fallback = one  # of two references that run, the later: it needs no batch axis
        if fallback is None:
            raise _all_of(errors) if errors else ModelError("the leading axis of the inputs is no batch axis")
        return self._sized(fallback, x)

    def _in_company(self, x: Leaves) -> Forward | None:
        """For a model that refuses a batch of one: the whole batch, if its entries don't depend on each other."""
        other = [leaf[torch.tensor([0, 1, 1])] for leaf in x]
        try:
            many = self._ready(Batching.BATCH, x, head=len(x[0]))
            gap = self._gap([leaf[:1] for leaf in many.strict(other)], [leaf[:1] for leaf in many.strict(x)])
        except ModelError:
            return None
        if gap is not None:
            self._note_coupling(gap)
        return many if gap is None else None

    def _joined(self, one: Forward, x: Leaves, expected: Leaves) -> Forward | None:
        for way in JOINED[one.batching]:
            if way is Batching.UNION and one.union is None:
                continue
            try:
                many = self._ready(way, x, grad=one.grad)
                calls = many.calls
                gap = self._gap(many.strict(x), expected)
            except ModelError:
                continue
            if many.calls > calls + 1:  # it works on single inputs alone
                continue
            if gap is None:
                return many
            if one.batching is Batching.ROWS:
                self._note_coupling(gap)
            if way is Batching.UNION and one.union is not None and one.union.fixed:
                self._note_mixed_graphs(gap)
        return None

    def _ready(self, batching: Batching, x: Leaves, grad: bool = False, head: int = 1) -> Forward:
        """A forward that runs on the first inputs, with gradients on if it needs them; notes what the call did to its input."""
        forward = replace(self.plain, batching=batching, grad=grad, crashes={}, watch=self._note_mutation)
        try:
            forward.strict([leaf[:head] for leaf in x])
        except ModelError as error:
            if grad or "does not require grad" not in str(error):
                raise
            return self._ready(batching, x, grad=True, head=head)
        forward.watch = None
        return forward

    def _note_mutation(self, before: Leaves, after: Leaves) -> None:
        for name, mine, theirs in zip(self.names, before, after, strict=True):
            if not torch.equal(theirs.detach().nan_to_num(), self.plain.placement.put(mine).nan_to_num()):
                self._note(
                    Finding(
                        "mutates-input",
                        f"The model writes into its input '{name}': after a call the caller's tensor is changed. Here it was "
                        f"given copies. Work on a copy in the model (x = x + y in place of x += y).",
                    )
                )

    def _note_state(self, before: dict[str, tuple[Tensor, int]], after: dict[str, tuple[Tensor, int]]) -> None:
        """What a call on inputs that the model has seen already still changes: not a cache, but a memory."""
        own = {name: (id(tensor), writes) for name, (tensor, writes) in before.items()}
        changed = [name for name, (tensor, writes) in after.items() if own.get(name) != (id(tensor), writes)]
        if not changed or any(finding.kind == "training-mode" for finding in self.findings):
            return  # of which batch statistics are a part
        names = ", ".join(f"'{name}'" for name in changed[:4]) + (f" and {len(changed) - 4} more" if len(changed) > 4 else "")
        text = f"A call changes the model's own state: {names}. Compute it anew in each call, or return it as an output."
        self._note(Finding("mutates-state", text, "warning" if self.unstable else "note"))

    def _note(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)

    def _gap(self, a: Leaves, b: Leaves) -> float | None:
        """By how much two sets of outputs differ, relative to their spread, or None if they agree to float32."""
        worst = 0.0
        for mine, theirs in zip(a, b, strict=True):
            if mine.shape != theirs.shape:
                return float("inf")
            if not mine.numel():
                continue
            m, t = real(mine), real(theirs)
            scale = float(rms((t - t.mean(0)).nan_to_num()).max()) or float(rms(t.nan_to_num()).max()) or 1.0
            largest = float(t.nan_to_num().abs().max())
            gap = float(rms((m - t).nan_to_num()).max()) if torch.equal(m.isnan(), t.isnan()) else float("inf")
            eps = self.plain.placement.eps
            if not gap <= self.policy.slack * max(self.policy.single * scale, eps * largest):
                varies = scale > self.policy.slack * eps * largest  # or it is a constant, but for rounding
                worst = max(worst, gap / (scale if varies else largest))
        return worst or None

    def _instability(self, again: Leaves, first: Leaves) -> str | None:
        gap = self._gap(again, first)
        if gap is None:
            return None
        return f"two calls on the same input differ by {gap:.2g} of the output's spread"

    def _note_coupling(self, gap: float) -> None:
        """A leading axis that isn't a batch axis: harmless where it holds points, a leak where it was meant as a batch."""
        meant = any(atom.discrete and not atom.trivial for rep in self.bound.inputs for atom in atoms(rep))
        self._note(
            Finding(
                "coupled-batch",
                f"The inputs' leading axis is no batch axis: what comes out for one entry depends on the others (by {gap:.2g} "
                f"of the output's spread). If it is meant as one, the model mixes examples: look for a layer that works on the "
                f"wrong axis (batch_first), or for batch statistics in training mode.",
                "warning" if meant else "note",
            )
        )

    def _note_mixed_graphs(self, gap: float) -> None:
        """A model that is told which node belongs to which graph, and doesn't keep the graphs apart."""
        self._note(
            Finding(
                "coupled-batch",
                f"Graphs in one batch aren't kept apart: what comes out for one depends on the others (by {gap:.2g} of the "
                f"output's spread), though the model is told which node belongs to which. Look for a pooling, a normalisation "
                f"or a softmax that isn't given the batch, or that is given nodes in place of edges.",
            )
        )

    def _sized(self, forward: Forward, x: Leaves) -> Forward:
        """The same, with the number of trials a call bounded by the memory that the model's largest tensor takes."""
        tall = _Tallest()  # type: ignore[no-untyped-call]
        try:
            with uncompiled(), tall:
                forward.strict([leaf[:1] for leaf in x])
            self._note_lower(tall)
        except (ModelError, RuntimeError):  # compiled models refuse to run under a dispatch mode
            pass
        numbers = sum(leaf[:1].numel() for leaf in x) * 8
        forward.limit = max(1, self.policy.largest(forward.placement.device) // max(tall.bytes, numbers, 1))
        return forward

    def _note_lower(self, seen: _Tallest) -> None:
        """What ignores the dtype that the model was cast to."""
        if self.plain.placement.dtype != torch.float64 or not seen.lower:
            return
        which = "computes in lower precision," if seen.lower == 1 else "compute in lower precision, the first of them"
        text = (
            f"In float64, {seen.lower} of the model's {seen.operations} floating-point operations {which} {seen.first}: it "
            f"ignores its dtype there (a hidden cast, or constants made in float32)."
        )
        self._note(Finding("ignores-dtype", text, "note"))


def _all_of(errors: Sequence[ModelError]) -> ModelError:
    """What the model raised, however it was called: a batch of one may have hidden what is wrong without a batch axis."""
    texts = list(dict.fromkeys(map(str, errors)))
    return errors[0] if len(texts) < 2 else ModelError(f"{texts[0]}; and without a batch axis {texts[1]}")


class _Seen:
    """What operations return. Apart from the mode below, since torch loads its compiler, for two seconds, at the first
    operation that a mode's own `__torch_dispatch__` handles.
    """

    bytes = operations = lower = 0
    first = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.bytes = max(self.bytes, leaf.numel() * leaf.element_size())
                self.operations += leaf.is_floating_point()
                if leaf.dtype in _LOWER:
                    self.lower += 1
                    name = str(func).removeprefix("aten.").partition(".")[0]
                    self.first = self.first or _CALLED.get(name, name)
        return result


class _Tallest(_Seen, TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves its base class untyped
    """The bytes of the largest tensor that any operation returns while it is active, and how many are below float64."""


_LOWER = (torch.float32, torch.bfloat16, torch.float16)
_CALLED = {"lift_fresh": "torch.tensor", "_to_copy": "to"}  # as users call what torch calls otherwise


def _random_or_mixing(module: nn.Module) -> bool:
    """Whether a layer in training mode draws random numbers, or computes statistics over the batch."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    return isinstance(module, nn.modules.batchnorm._BatchNorm) or getattr(module, "dropout", None) not in (0, 0.0, None)


def training(model: Callable[..., Any]) -> list[Finding]:
    """A finding if layers of the model behave otherwise in training than in evaluation, and it is in training mode."""
    seen = dict.fromkeys(type(module).__name__ for module in modules_of(model) if module.training and _random_or_mixing(module))
    if not seen:
        return []
    layers = ", ".join(seen)
    text = (
        f"The model is in training mode, in which these layers are random or mix examples: {layers}. Call model.eval() first."
    )
    return [Finding("training-mode", text)]
