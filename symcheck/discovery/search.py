"""The search for symmetries: connected ones by linear algebra, finite ones by trying; each is audited before it is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from symcheck import _tree
from symcheck.claims import Claim, Subject
from symcheck.discovery.algebra import Part, called
from symcheck.discovery.finite import searched
from symcheck.discovery.frames import HALF, as_one, by_axes, real
from symcheck.discovery.naming import Proposal, named, proposals
from symcheck.discovery.opening import opened
from symcheck.discovery.solutions import CLEAR, Solutions, solve
from symcheck.discovery.world import World
from symcheck.engine import Judged, Outcome, Settings, Verdict, run
from symcheck.engine.probe import Setup
from symcheck.groups import Exponential
from symcheck.reps import word


@dataclass(frozen=True)
class Discovered:
    """A symmetry that was found, as a claim, and what the engine says of that. `name` is that of its algebra or of the move."""

    name: str
    claim: Claim
    outcome: Outcome
    connected: bool

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdict

    def __str__(self) -> str:
        worst = max((f.relative for f in self.outcome.figures), default=0.0)
        return f"{self.verdict.name:<8}  {_acts(self.claim)}  ({self.name}; differs by {worst:.1e})"


@dataclass(frozen=True)
class Discovery:
    """What was found: the symmetries, each audited, the name of the connected group, and what else is to be said.

    `spectrum` are the largest singular value that counts as zero and the smallest that doesn't, `floor` what rounding explains.
    `unconfirmed` were found and not confirmed by the audit.
    """

    subject: str
    algebra: str
    dimension: int
    found: tuple[Discovered, ...]
    unconfirmed: tuple[Discovered, ...] = ()
    notes: tuple[str, ...] = ()
    spectrum: tuple[float, float] = (0.0, 0.0)
    floor: float = 0.0
    generators: tuple[Tensor, ...] = field(default=(), repr=False)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The symmetries that hold, as claims to audit, to keep and to write down."""
        return tuple(one.claim for one in self.found)

    def source(self, head: Sequence[str] = ()) -> str:
        """The claims as Python, of a `MODEL` and an `EXAMPLE` that are defined in the lines `head`, or by whoever reads it."""
        written = [_claim(one.claim) for one in self.found]
        args = "Args, " if any("Args(" in line for line in written) else ""
        objects = any(isinstance(one.claim.group, Exponential) for one in self.found)
        extra = ["from symcheck.groups import Exponential"] if objects else []
        lines = [f"from symcheck import {args}Claim", *extra, *head, "", "CLAIMS = (", *written, ")", ""]
        return "\n".join(lines) if written else "CLAIMS = ()\n"

    def __str__(self) -> str:
        lines = [f"{self.subject}: " + (f"{len(self.found)} symmetries" if len(self.found) != 1 else "1 symmetry")]
        if self.floor:
            gap = f"{self.spectrum[0]:.1e} | {self.spectrum[1]:.1e}" if self.dimension else f"| {self.spectrum[1]:.1e}"
            lines.append(
                f"  connected  {self.algebra}, dimension {self.dimension}; singular values {gap}, rounding {self.floor:.1e}"
            )
        lines += [f"  {one}" for one in self.found]
        lines += [f"  unconfirmed  {_acts(one.claim)}  ({one.name}): {one.verdict.name}" for one in self.unconfirmed]
        return "\n".join([*lines, *(f"  note       {note}" for note in self.notes)])


def discover(
    model: Callable[..., Any] | Subject,
    example: Any,
    *,
    seed: int = 0,
    trials: int = 64,
    device: str = "cpu",
    finite: bool = True,
    on_step: Callable[[str], None] | None = None,
) -> Discovery:
    """The symmetries that a model has, without a claim: connected linear and affine ones, and finite ones along axes.

    `model` and `example` are what `check` takes. Every symmetry that is returned was audited as a claim, at its own weights, on
    `trials` trials: nothing is told that doesn't hold. `finite=False` leaves the search over axes out.

    Raises SubjectError if the model doesn't run on the example.

    >>> import torch
    >>> found = discover(lambda x: x.norm(dim=-1), torch.randn(8, 3))
    >>> found.algebra, [claim.id for claim in found.claims][0]
    ('so(3) + scaling', '<lambda>: O(3), vector -> scalar')
    """
    subject = Subject.of(model)
    settings = Settings(seed=seed, trials=trials, device=str(device), perturb=False)
    say = on_step or (lambda _: None)
    plain = Claim(subject, "C_1", domain=example, inputs="scalar", outputs="scalar", id=f"{subject.name}: discover")
    with opened(plain, settings) as begun:
        looked = _Search(World(begun.setup, settings.policy, seed), say)
        looked.look(finite)
    looked.notes += begun.notes
    if begun.failed is not None:
        looked.notes.append(f"the model doesn't run in float64 ({begun.failed}): small breaks can't be told from rounding")
    audited: list[Discovered] = []
    for proposal, connected in looked.proposed:
        taken = {one.claim.id for one in audited}
        audited.append(_confirmed(proposal, partial(_audited, subject, begun.setup, settings, connected, taken, say)))
    found = tuple(one for one in audited if one.verdict in (Verdict.HOLDS, Verdict.LIMITED))
    unconfirmed = tuple(one for one in audited if one not in found)
    return Discovery(
        subject=subject.name,
        algebra=looked.algebra,
        dimension=looked.dimension,
        found=found,
        unconfirmed=unconfirmed,
        notes=tuple(dict.fromkeys(looked.notes)),
        spectrum=looked.spectrum,
        floor=looked.floor,
        generators=looked.generators,
    )


def _confirmed(proposal: Proposal, audited: Callable[[Proposal], Discovered]) -> Discovered:
    """What holds of a part: the proposal, or else a smaller group that it names; what comes nearest if none holds."""
    told = audited(proposal)
    while told.verdict is not Verdict.HOLDS and proposal.instead is not None:
        proposal = proposal.instead
        told = min(told, audited(proposal), key=lambda one: _RANK.get(one.verdict, len(_RANK)))
    return told


_RANK = {Verdict.HOLDS: 0, Verdict.LIMITED: 1}
"""Which of several groups for one part is told: the largest that holds, else the largest of which float32 sees no break."""


class _Search:
    """What is found in one world: proposals, the algebra's name and dimension, and notes."""

    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self.world, self.say = world, say
        self.algebra, self.dimension, self.translations = "none", 0, 0
        self.spectrum, self.floor = (0.0, 0.0), 0.0
        self.proposed: list[tuple[Proposal, bool]] = []
        self.generators: tuple[Tensor, ...] = ()
        self.notes: list[str] = []

    def look(self, finite: bool) -> None:
        world = self.world
        if world.setup.unstable is not None:
            self.notes.append(f"nothing can be told: {world.setup.unstable}")
            return
        if not world.varies:
            self.notes.append("the output doesn't depend on the input: everything is a symmetry of it, and nothing is told")
        elif world.smooth and world.moving:
            self._connected()
        else:
            self.notes.append(
                "no derivative to look at: " + ("the output" if world.moving else "the input") + " holds no real numbers"
            )
        if finite and world.varies:
            self.say("finite symmetries")
            self.proposed += [(p, False) for p in searched(world, [p for p, _ in self.proposed])]

    def _connected(self) -> None:
        world = self.world
        if world.affine:
            self.notes.append("the model is affine: any invertible map of its input that keeps what it ignores is a symmetry")
            return
        self.say("derivatives")
        x = real(world.like)
        if world.flat:
            self.notes.append("its derivative is zero though its output varies (it rounds or compares): finite search only")
            return
        kept = world.kept
        self.say("connected symmetries")
        found = solve(world, by_axes(x, world.moving, kept))
        if found is not None:
            self._take(found, "")
        whole = as_one(x, world.moving, kept)
        more = solve(world, whole) if whole is not None else None
        if more is not None and found is not None and more.dimension:
            further = _beyond(more, found, x, kept[world.moving[0]])
            if further is not None:
                self._take(further, "across points and features")
        self._say_ignored(kept)
        if world.way == "differences":
            self.notes.append("torch can't differentiate the model: derivatives are finite differences, of fewer digits")

    def _take(self, found: Solutions, where: str) -> None:
        parts = [self._told(part) for part in named(found)]
        name = called(parts)
        if not where or self.algebra == "none":
            self.algebra = name
        else:
            self.algebra += f" + {name} {where}"
        self.dimension += found.dimension
        self.translations += sum(len(part.change) for part in parts if part.kind == "translations")
        if not where or found.dimension:
            self.spectrum, self.floor = found.gap, found.floor
        self.proposed += [(p, True) for p in proposals(self.world, found, parts)]
        self.generators += tuple(found.inputs)
        high = found.gap[1]
        if high < CLEAR * self.world.policy.slack * found.floor:
            self.notes.append(
                f"the next singular value, {high:.1e}, is near what rounding explains, {found.floor:.1e}: more may hold"
            )

    def _told(self, part: Part) -> Part:
        """A phase of complex numbers by that name."""
        numbers = part.kind == "phase" and any(leaf.is_complex() for leaf in self.world.like)
        return replace(part, name="u(1)") if numbers else part

    def _say_ignored(self, kept: Sequence[Tensor | None]) -> None:
        """What of the inputs doesn't matter, but for the translations that were told."""
        for i in self.world.moving:
            own, name = kept[i], self.world.setup.names[i]
            if own is None or own.shape[0] - own.shape[1] <= self.translations:
                continue
            some = f"{own.shape[0] - own.shape[1]} of {own.shape[0]} directions of " if own.shape[1] else ""
            self.notes.append(f"the output ignores {some}input '{name}': maps of what it ignores aren't told")


def _beyond(more: Solutions, found: Solutions, x: Sequence[Tensor], kept: Tensor | None) -> Solutions | None:
    """The maps of a whole leaf that aren't among those by its axes, nor act on ignored directions alone."""
    shape = x[more.frame.slots[0].leaf].shape[1:]
    inner = kept @ kept.mT if kept is not None else torch.eye(more.frame.slots[0].size, dtype=torch.float64)
    known = []
    for i in range(found.dimension):
        point = torch.cat([torch.zeros(1, inner.shape[0], dtype=inner.dtype), torch.eye(inner.shape[0], dtype=inner.dtype)])
        moved = found.frame.tangents(
            [p[i : i + 1].expand(len(point), -1, -1) for p in found.inputs], [point.reshape(-1, *shape)]
        )[0]
        flat = moved.reshape(len(point), -1)
        linear, step = (flat[1:] - flat[:1]).mT, flat[0]
        known.append(torch.cat([inner @ linear @ inner, (inner @ step).unsqueeze(-1)], -1).flatten())
    flat = more.inputs[0][:, :-1].flatten(1)
    basis = torch.linalg.svd(torch.stack(known), full_matrices=False) if known else None
    if basis is not None:
        rows = basis.Vh[HALF * basis.S[:1] < basis.S]
        left = flat - (flat @ rows.mT) @ rows
    else:
        left = flat
    u, s, _ = torch.linalg.svd(left, full_matrices=False)
    many = s > 1e-4 * float(flat.norm(dim=-1).max())
    return more.mixed(u.mT[many]) if bool(many.any()) else None


def _audited(
    subject: Subject,
    setup: Setup,
    settings: Settings,
    connected: bool,
    taken: Collection[str],
    say: Callable[[str], None],
    p: Proposal,
) -> Discovered:
    say(f"{p.name}: audit")
    inputs, outputs = setup.forward.structure.rebuild(list(map(word, p.inputs))), setup.forward.output
    assert outputs is not None
    claim = Claim(subject, p.group, domain=setup.domain, inputs=inputs, outputs=outputs.rebuild(list(map(word, p.outputs))))
    if claim.id in taken:
        claim = replace(claim, id=f"{claim.id} [{sum(claim.id == name.partition(' [')[0] for name in taken) + 1}]")
    (outcome,) = (event.outcome for event in run([claim], settings) if isinstance(event, Judged))
    return Discovered(p.name, claim, outcome, connected)


def _python(tree: Any) -> str:
    if isinstance(tree, _tree.Args) and not tree.kwargs:
        return _python(tree.args[0]) if len(tree.args) == 1 else f"({', '.join(map(_python, tree.args))})"
    return repr(tree)


def _claim(claim: Claim) -> str:
    group = repr(claim.group) if isinstance(claim.group, Exponential) else repr(str(claim.group))
    reps = f"inputs={_python(claim.inputs)}, outputs={_python(claim.outputs)}"
    return f"    Claim(MODEL, {group}, domain=EXAMPLE, {reps}, id={claim.id!r}),"


def _acts(claim: Claim) -> str:
    """The claim without the name of the model."""
    return claim.id.removeprefix(f"{claim.subject.name}: ")
