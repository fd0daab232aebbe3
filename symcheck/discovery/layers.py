"""How hidden layers transform: the representation of a claimed group that each carries, if it carries one.

For a Lie group generators are fitted, L_X h = B_X h, where L_X h is the derivative of h along the action of X on the input; for
a finite one matrices, h(rho(g) x) = R(g) h(x). They are fitted on half of the inputs and tried on the others, tried for being
a representation (commutators, products), and taken apart into irreps, which no change of the features' basis alters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from symcheck._tree import Leaves, flatten
from symcheck.claims import Claim, Subject
from symcheck.discovery.algebra import NEAR, brackets
from symcheck.discovery.characters import LISTED, irreps, levels, spins, weights
from symcheck.discovery.opening import opened
from symcheck.engine import Settings
from symcheck.engine.derivatives import difference_step, differences, differentiable
from symcheck.engine.forward import Batching, Forward, ModelError
from symcheck.engine.noise import rms
from symcheck.engine.policy import Policy
from symcheck.engine.probe import Setup, sample
from symcheck.errors import ClaimError
from symcheck.groups import Group, Symmetric
from symcheck.groups.base import matrix_exponential
from symcheck.placement import module_names, modules_of
from symcheck.properties.infinitesimal import velocity

INPUTS = 192
"""Inputs on which hidden tensors are fitted: half of them are more than the features of the widest fit."""

WIDEST = 90
"""Features that one map is fitted on: with more, half of the inputs are too few."""


_JUMPS = "its derivative follows the group, and it doesn't: it rounds, compares or jumps"


@dataclass(frozen=True)
class Layer:
    """A module's output: its name, kind and shape, the axes of features that were fitted, and what they carry.

    `rep` are irreps in words, "" where none was found: then `because` says why. `residual` is what the fit leaves at inputs of
    which it wasn't made, as part of the size; `defect` by how much commutators or products miss, as part of theirs.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    axes: tuple[int, ...] = ()
    rank: int = 0
    rep: str = ""
    residual: float = math.nan
    defect: float = math.nan
    because: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, kind, shape, and what is said of it."""
        return self.name, self.kind, "x".join(map(str, self.shape)) or "1", self.told

    @property
    def told(self) -> str:
        """The irreps with the axes that carry them and how well they fit, or why there are none."""
        if not self.rep:
            return self.because
        places = [str(a - 1 - len(self.shape)) for a in self.axes]
        many = math.prod(self.shape[a - 1] for a in self.axes) if self.shape else 1
        axis = "" if len(places) >= len(self.shape) else f" on axis {', '.join(places)}"
        some = f" ({self.rank} of {many} dimensions)" if self.rank < many else ""
        return f"{self.rep}{axis}{some}, residual {self.residual:.1e}, defect {self.defect:.1e}"


@dataclass(frozen=True)
class Inference:
    """The layers of a model in the order in which they are computed, under a group that acts on its inputs."""

    subject: str
    group: str
    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return listed(self.subject, self.group, [layer.cells for layer in self.layers], self.notes)


def listed(subject: str, group: str, cells: Sequence[tuple[str, str, str, str]], notes: Sequence[str] = ()) -> str:
    """The layers of a subject, a line each, and what there is to note."""
    wide = [max((len(row[i]) for row in cells), default=0) for i in range(3)]
    rows = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, wide, strict=False)), row[3]]) for row in cells]
    lines = [*rows, *(f"note: {note}" for note in notes)]
    return "\n".join([f"{subject} under {group}", *(f"  {line}".rstrip() for line in lines)])


def infer(
    model: Callable[..., Any] | Subject | Claim,
    example: Any = None,
    *,
    group: Group | str = "",
    inputs: Any = None,
    seed: int = 0,
    device: str = "cpu",
) -> Inference:
    """The representation of `group` that each hidden layer carries, given how it acts on the inputs; outputs are layers too.

    `model`, `example`, `group` and `inputs` are those of `check`; a Claim brings its own. Raises ClaimError for monoids,
    SubjectError for a model that doesn't run on the example.

    >>> import torch
    >>> found = infer(lambda x: torch.linalg.cross(x, x.roll(1, -1)), torch.randn(8, 3), group="C_1", inputs="scalar")
    >>> found.layers[-1].rep
    '3x1'
    """
    claim = model if isinstance(model, Claim) else Claim(model, group, domain=example, inputs=inputs, outputs="scalar")
    claim = replace(claim, outputs="scalar", properties=claim.properties[:1], id=f"{claim.subject.name}: infer")
    settings = Settings(seed=seed, device=str(device))
    with opened(claim, settings) as found:
        layers, more = _Layers(claim, found.setup, seed, settings.policy).told()
    precision = f"the model doesn't run in float64 ({found.failed}): residuals are those of its own precision"
    notes = (*found.notes, *([precision] if found.failed is not None else []), *more)
    return Inference(claim.subject.name, str(found.setup.bound.group), tuple(layers), notes)


class Captured:
    """A model that returns the output of each of its modules, by name and call, and its own as the last.

    `alone`: it is given one input without a batch axis, and gives the model a batch of one.
    """

    def __init__(self, model: Callable[..., Any], alone: frozenset[int] | None = None) -> None:
        self.model, self.alone = model, alone
        self.names = module_names(model)
        self.kinds: dict[str, str] = {}
        self.called: set[int] = set()

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, list[Tensor]]:
        made: dict[str, list[Tensor]] = {}
        with ExitStack() as stack:
            for module in self.modules():
                stack.callback(module.register_forward_hook(self._keep(made)).remove)
            y = self.model(*args, **kwargs)
        made[f"{len(made):04d}||the output"] = flatten(y)[0]
        return {name: leaves for name, leaves in made.items() if leaves}

    def modules(self) -> list[nn.Module]:
        return [
            m
            for m in dict.fromkeys(modules_of(self.model))
            if not isinstance(m, (torch.jit.ScriptModule, nn.ModuleList, nn.ModuleDict)) and not hasattr(m, "_orig_mod")
        ]

    def _keep(self, made: dict[str, list[Tensor]]) -> Callable[[nn.Module, Any, Any], None]:
        calls: dict[int, int] = {}

        def hook(module: nn.Module, args: Any, y: Any) -> None:
            self.called.add(id(module))
            calls[id(module)] = calls.get(id(module), 0) + 1
            name = self.names.get(id(module), "")
            again = f" (call {calls[id(module)]})" if calls[id(module)] > 1 else ""
            leaves = [leaf.clone() for leaf in flatten(y)[0] if differentiable(leaf)]  # it may be written into
            if name and leaves:
                made[f"{len(made):04d}|{type(module).__name__}|{name}{again}"] = leaves

        return hook


class _Layers:
    """The hidden tensors of one model at random inputs, and how they change."""

    def __init__(self, claim: Claim, setup: Setup, seed: int, policy: Policy) -> None:
        group = setup.bound.group
        if not isinstance(group, Group):
            raise ClaimError(f"{group} is a monoid, which has no irreps to read. Use a group.")
        self.setup, self.group, self.policy = setup, group, policy
        self.x = sample(setup.domain, INPUTS, claim.rng(seed, "infer"))[0]
        self.captured = Captured(setup.forward.model)
        self.f, self.h = self._forward()
        self.affine = any(not rep.linear for rep in setup.bound.inputs)
        self.differed: list[str] = []

    def _forward(self) -> tuple[Forward, Leaves]:
        """How to call the model so that every hidden tensor has the trials first."""
        own = self.setup.at(self.setup.forward.placement)
        fresh: dict[str, Any] = {"model": self.captured, "output": None, "shapes": None, "watch": None}
        first = replace(own, **fresh, crashes={})
        try:
            return first, first.strict(self.x)
        except ModelError:
            rows = own.batching in (Batching.BATCH, Batching.ROWS)
            model = _batched(self.captured, self.setup) if rows else self.captured
            other = replace(own, **{**fresh, "model": model}, batching=Batching.LOOP, crashes={})
            return other, other.strict(self.x)

    def told(self) -> tuple[list[Layer], list[str]]:
        assert self.f.output is not None
        names = [key.strip(".").removesuffix("[0]") for key in self.f.output.names()]
        speeds = self._speeds() if self.group.dimension else []
        moved = self._moved()
        layers = [self._layer(name, i, speeds, moved) for i, name in enumerate(names)]
        which = ", ".join(self.differed)
        note = f"torch doesn't differentiate {which} as computed: there are finite differences, of fewer digits"
        return layers, [*([note] if which else []), *self._notes()]

    def _notes(self) -> list[str]:
        never = [self.captured.names.get(id(m), "") for m in self.captured.modules() if id(m) not in self.captured.called]
        notes = [f"never called: {', '.join(filter(None, never))}"] if any(never) else []
        finite = [str(factor) for factor in self.group.factors if not getattr(factor, "dimension", 0)]
        if finite and self.group.dimension:
            notes.append(f"of {self.group} the connected part was looked at, not {', '.join(finite)}")
        return notes

    @property
    def _generators(self) -> Tensor:
        return torch.eye(self.group.dimension, dtype=torch.float64)

    def _speeds(self) -> list[Leaves]:
        """The derivative of each hidden tensor along each generator's action on the inputs."""
        found = []
        for v in self._generators:
            tangent = velocity(self.setup.bound, v.expand(INPUTS, -1), self.x, inward=True)
            try:
                found.append(self.f.jvp(self.x, tangent))
            except ModelError:
                self.differed.append("the model")
                return self._differences
        return found

    @cached_property
    def _differences(self) -> list[Leaves]:
        """The same by finite differences of fourth order."""
        h = difference_step(self.f.placement.eps)

        def along(v: Tensor) -> Leaves:
            return differences(lambda t: self._at(t * v), h)

        return [along(v) for v in self._generators]

    def _at(self, v: Tensor) -> Leaves:
        """Hidden tensors at exp(v) x."""
        g = self.group.exponential(v.unsqueeze(0))
        return self.f(self.setup.bound.on_inputs(g.expand(INPUTS, *g.shape[1:]), self.x))

    @cached_property
    def _far(self) -> tuple[Tensor, Leaves]:
        """Coordinates of a finite element, and hidden tensors at that times x."""
        v = torch.randn(self.group.dimension, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        v = v / self.group.dimension**0.5
        return v, self._at(v)

    @cached_property
    def _elements(self) -> Tensor:
        """Those whose matrices are fitted: generators of a finite group, the inversion of one that has it."""
        if not self.group.dimension:
            return self.group.generators()
        one = self.group.identity(1)
        inverse = -one.clone()
        if one.ndim == 3 and len(one[0]) == 4:
            inverse[:, -1, -1] = 1
        fits = one.ndim == 3 and len(one[0]) in (3, 4) and not one.is_complex() and bool(self.group.contains(inverse).all())
        return inverse if fits else one[:0]

    def _moved(self) -> list[Leaves]:
        g = self._elements
        return [self.f(self.setup.bound.on_inputs(one.unsqueeze(0).expand(INPUTS, *one.shape), self.x)) for one in g]

    def _layer(self, name: str, i: int, speeds: list[Leaves], moved: list[Leaves]) -> Layer:
        _, kind, words = name.split("|", 2)
        layer = Layer(words, kind, tuple(self.h[i].shape[1:]))
        if not differentiable(self.h[i]):
            return replace(layer, because="it holds no real numbers")
        h = _numbers(self.h[i])
        if not bool(h.isfinite().all()):
            return replace(layer, because="it is NaN or infinite")
        if float(rms(h - h.mean(0)).max()) == 0:
            return replace(layer, because="it is the same for every input")
        found = self._best(layer, h, i, speeds, moved)
        if found.because != _JUMPS or speeds is self._differences:
            return found
        again = self._best(layer, h, i, self._differences, moved)
        self.differed += [words] if again.rep else []
        return again

    def _best(self, layer: Layer, h: Tensor, i: int, speeds: list[Leaves], moved: list[Leaves]) -> Layer:
        """The first axes whose features are carried along, else those of which the least is left."""
        far = _numbers(self._far[1][i]) if speeds else None
        best = replace(layer, because="no axis is short enough to fit")
        for axes in _features(h.shape):
            found = self._fitted(layer, h, axes, [_numbers(s[i]) for s in speeds], [_numbers(m[i]) for m in moved], far)
            if found.rep or found.because == _JUMPS:
                return found
            if not best.residual <= found.residual:
                best = found
        return best

    def _fitted(
        self, layer: Layer, h: Tensor, axes: tuple[int, ...], speeds: Leaves, moved: Leaves, far: Tensor | None
    ) -> Layer:
        """The maps of features along some axes, if they explain how the tensor changes."""
        a = _rows(h, axes)
        half = len(h) // 2 * (a.shape[0] // len(h))
        centre = a[:half].mean(0) if self.affine else torch.zeros_like(a[0])
        _, s, vh = torch.linalg.svd(a[:half] - centre, full_matrices=False)
        rank = int((s > self.policy.slack * self.policy.single * s[:1]).sum())
        basis = vh[:rank].mT
        z = (a - centre) @ basis
        generators, steps, gap = self._maps(z, half, [_rows(v, axes) @ basis for v in speeds])
        matrices, _, more = self._maps(z, half, [(_rows(m, axes) - centre) @ basis for m in moved])
        outside = [_rows(m, axes) - centre for m in moved] + [_rows(v, axes) for v in speeds]
        lost = max((_size(m - m @ basis @ basis.mT) / max(_size(m), _size(z)) for m in outside), default=0.0)
        residual = max(gap, more, lost)
        layer = replace(layer, axes=axes, rank=rank, residual=residual)
        if rank > half // 2:
            return replace(layer, because="too few inputs to fit its features", residual=math.inf)
        if not residual <= self.policy.slack * self.policy.single:
            fitted = "features" if math.prod(h.shape[1:]) <= WIDEST else f"up to {WIDEST} features"
            return replace(layer, because=f"no linear map of {fitted} follows the group: {residual:.1e} is left")
        if far is not None and not self._carried(z, generators, steps, (_rows(far, axes) - centre) @ basis):
            return replace(layer, because=_JUMPS, residual=math.inf)
        rep, defect = self._named(generators, matrices, rank)
        return replace(layer, rep=rep, defect=defect)

    def _carried(self, z: Tensor, generators: Tensor, steps: Tensor, far: Tensor) -> bool:
        """Whether the exponential of generators `(k, r, r)` with steps `(k, r)` carries rows as a finite element does.

        A derivative doesn't tell that of what jumps, or of what torch loses sight of: it is zero there.
        """
        r = z.shape[-1]
        whole = torch.zeros(r + 1, r + 1, dtype=torch.float64)
        whole[:r, :r], whole[:r, r] = (torch.einsum("k,k...->...", self._far[0], part) for part in (generators, steps))
        moved = matrix_exponential(whole.unsqueeze(0))[0]
        gap = far - z @ moved[:r, :r].mT - moved[:r, r]
        size = max(_size(far), _size(z)) * max(1.0, float(torch.linalg.matrix_norm(moved, 2)))
        return _size(gap) <= self.policy.slack * self.policy.single * size

    def _maps(self, z: Tensor, half: int, targets: Leaves) -> tuple[Tensor, Tensor, float]:
        """Matrices `(k, r, r)` and offsets `(k, r)`, acting on columns, that carry rows to targets.

        With what they leave of the other half. The offsets are zero but where the action translates.
        """
        ones = torch.ones_like(z[:, :1])
        known = torch.cat([z, ones], -1) if self.affine else z
        r = z.shape[-1]
        found, steps, worst = [], [], 0.0
        for target in targets:
            map_ = torch.linalg.lstsq(known[:half], target[:half], driver="gelsd").solution
            gap = target[half:] - known[half:] @ map_
            worst = max(worst, _size(gap) / max(_size(target), _size(z)))
            found.append(map_[:r].mT)
            steps.append(map_[r] if self.affine else z.new_zeros(r))
        return torch.stack(found or [z.new_zeros(r, r)])[: len(found)], torch.stack(steps or [z.new_zeros(r)]), worst

    def _named(self, b: Tensor, r: Tensor, rank: int) -> tuple[str, float]:
        """The irreps in words, and by how much the matrices miss being a representation."""
        if not self.group.dimension:
            return self._finite(r)
        basis = self.group.algebra()
        linear = _turns(basis)
        real = _real(basis)
        defect = _defect(real, b, self.policy.slack * self.policy.single)
        chosen, turned = real[linear], b[linear]
        if len(chosen) == 0:
            return f"{rank} dimensions, moved by translations", defect
        if len(chosen) == 1:
            return weights(turned[0]), defect
        try:
            if len(chosen) == 3:
                return spins(turned, chosen, r[0] if len(r) else None), defect
            return levels(chosen, turned), defect
        except RuntimeError:  # its Killing form is degenerate
            return f"{rank} dimensions, not taken apart", defect

    def _finite(self, r: Tensor) -> tuple[str, float]:
        group = self.group
        if group.order > LISTED:
            return self._many(r)
        every, known = group.elements(), self._elements
        place = {str(g.tolist()): i for i, g in enumerate(every)}
        matrices: dict[int, Tensor] = {0: torch.eye(r.shape[-1], dtype=r.dtype)}
        queue, worst = [0], 0.0
        while queue:
            i = queue.pop(0)
            for g, matrix in zip(known, r, strict=True):
                j = place[str(group.compose(g.unsqueeze(0), every[i : i + 1])[0].tolist())]
                product = matrix @ matrices[i]
                if j in matrices:
                    worst = max(worst, float((matrices[j] - product).norm() / matrices[j].norm()))
                else:
                    matrices[j] = product
                    queue.append(j)
        return irreps(group, torch.stack([matrices[i] for i in range(len(every))])), worst

    def _many(self, r: Tensor) -> tuple[str, float]:
        """Of a group with more elements: how much is invariant; of permutations, whether the rest is like that of points."""
        size = r.shape[-1]
        one = torch.eye(size, dtype=r.dtype)
        worst = max(
            (
                float((torch.linalg.matrix_power(m, self._order(g)) - one).norm())
                for g, m in zip(self._elements, r, strict=True)
            ),
            default=math.nan,
        )
        s = torch.linalg.svdvals(torch.cat([m - one for m in r]))
        still = int((s < NEAR).sum())
        if not isinstance(self.group, Symmetric):
            return f"{size} dimensions, {still} of them invariant, of {self.group.order} elements", worst / size**0.5
        n = len(self.group.identity(1)[0])
        copies = (size - still) / (n - 1)
        standard = copies == round(copies) and abs(float(r[0].trace()) - still - copies * (n - 3)) < NEAR * size
        words = f"{round(copies)}x{n - 1}" if standard else f"{size - still} dimensions of others"
        return " + ".join(filter(None, [f"{still}x1" if still else "", words if still < size else ""])), worst / size**0.5

    def _order(self, g: Tensor) -> int:
        """How often an element is done until nothing has moved."""
        power, count, one = g.unsqueeze(0), 1, self.group.identity(1)
        while not torch.equal(power, one):
            power, count = self.group.compose(g.unsqueeze(0), power), count + 1
        return count


def _batched(captured: Captured, setup: Setup) -> Callable[..., Any]:
    """The model for one input without a batch axis: it is given a batch of one."""
    shared = setup.forward.shared

    def alone(*args: Any, **kwargs: Any) -> Any:
        from symcheck._tree import Args

        leaves, structure = flatten(Args(*args, **kwargs))
        whole = structure.rebuild([leaf if i in shared else leaf.unsqueeze(0) for i, leaf in enumerate(leaves)])
        return captured(*whole.args, **whole.kwargs)

    return alone


def _numbers(h: Tensor) -> Tensor:
    """Real numbers on the CPU: complex ones as two along the last axis."""
    h = h.cpu()
    flat = (
        torch.view_as_real(h).flatten(-2) if h.is_complex() and h.ndim > 1 else torch.view_as_real(h) if h.is_complex() else h
    )
    return flat.double() if flat.ndim > 1 else flat.double().unsqueeze(-1)


def _features(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The axes that a map may work on, from 1: the last, each other, the last two, all."""
    axes = list(range(1, len(shape)))
    for some in dict.fromkeys([(axes[-1],), *((a,) for a in axes), tuple(axes[-2:]), tuple(axes)]):
        if math.prod(shape[a] for a in some) <= WIDEST:
            yield some


def _rows(h: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`(n * places, features)`, the inputs in order."""
    rest = [a for a in range(1, h.ndim) if a not in axes]
    return h.permute(0, *rest, *axes).reshape(len(h) * math.prod(h.shape[a] for a in rest), -1)


def _size(x: Tensor) -> float:
    return float(x.square().mean().sqrt()) if x.numel() else 0.0


def _real(basis: Tensor) -> Tensor:
    if not basis.is_complex():
        return basis
    return torch.cat([torch.cat([basis.real, -basis.imag], -1), torch.cat([basis.imag, basis.real], -1)], -2)


def _turns(basis: Tensor) -> list[int]:
    """The generators that aren't translations: those are homogeneous matrices with nothing but a last column."""
    if basis.shape[-1] == 1:
        return list(range(len(basis)))
    return [i for i, x in enumerate(basis) if bool((x[:, :-1] != 0).any())]


def _defect(basis: Tensor, b: Tensor, near: float) -> float:
    """By how much `[B_i, B_j]` miss what the structure constants say, as part of them, or of generators that commute.

    Generators that are zero but for noise, those of scalars, are measured by the size of the group's own.
    """
    k = len(basis)
    flat = brackets(basis).reshape(k * k, -1)
    c = torch.linalg.lstsq(basis.flatten(1).mT, flat.mT, driver="gelsd").solution.mT.reshape(k, k, k)
    own = brackets(b)
    gap = own - torch.einsum("ijl,lab->ijab", c, b)
    still = float(b.norm()) <= near * float(basis.norm())
    scale = float(basis.norm()) if still else max(float(own.norm()), float(b.norm()))
    return float(gap.norm()) / scale if b.numel() else 0.0
