"""What `symcheck list` and `symcheck explain` say: the catalogue of groups, reps, domains and properties in words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from symcheck import domains, groups, properties, reps
from symcheck.engine import Verdict
from symcheck.errors import SettingsError, SymcheckError, did_you_mean

KINDS: Mapping[str, Sequence[type]] = {
    "groups": groups.CATALOGUE,
    "reps": reps.CATALOGUE,
    "domains": domains.CATALOGUE,
    "properties": properties.CATALOGUE,
}

LAWS = {
    "groups": "compose(g, compose(h, k)) == compose(compose(g, h), k), with an identity; and inverses, but in a monoid.",
    "reps": "act(compose(g, h), x) == act(g, act(h, x)), and act(identity, x) == x.",
    "domains": "sample(layout, n, rng) gives n inputs that follow from the layout and the seed alone.",
    "properties": "",
}

BREAKS: Mapping[str, str] = {
    "SO": "a weight for each axis; a bias on vectors; a norm over vector components; coordinates fed to a dense layer",
    "O": "a cross product, a determinant or a triple product without the sign that a mirror asks for",
    "SE": "a position that isn't taken relative to others; a box or an origin that was left in",
    "E": "those of SE and of O; a neighbour list that breaks ties by order",
    "Symmetric": "a positional term, a causal mask, a sort that reads the order of ties, padding counted in a mean",
    "Translations": "zero padding, a stride that doesn't divide the shift, a coordinate channel",
    "Cyclic": "an even kernel at a stride; a bias or a batch norm for each orientation",
    "Dihedral": "a filter that is turned but not mirrored; those of C_n",
    "SignFlips": "a bias where the function is odd; a nonlinearity that isn't odd, such as ReLU",
    "SignedPermutations": "an order of axes, such as the x that a convention puts first; those of Flips",
    "Polyhedral": "a table of rotations that is no group; an interpolation between them",
    "PlaneGroup": "zero padding, even sizes at a stride, statistics for each orientation, a bias for each orientation",
    "PeriodicShifts": "a nonlinearity that aliases, a pooling without a low-pass filter before it",
    "T": "an absolute position; a periodic box whose size is read",
    "GL": "a metric, which only rotations keep; a norm",
    "SL": "a length where a volume was meant",
    "Aff": "a metric, an origin",
    "CO": "a constant with a unit, such as a cutoff",
    "Sim": "a constant with a unit: a cutoff, an epsilon in a denominator, a radial basis of fixed width",
    "Scaling": "an epsilon that is added to a norm; a saturating nonlinearity; a bias",
    "PGL": "a line at infinity: an image's border, a parallel that is taken for one",
    "U": "a nonlinearity on real and imaginary parts; a complex bias",
    "SU": "a rotation in the place of a spinor: a full turn has to change the sign",
    "Lorentz": "an energy that isn't paired with a momentum; a Euclidean norm of a four-vector",
    "FullLorentz": "a Levi-Civita symbol; a sign of the energy",
    "Poincare": "an absolute time or place; those of the Lorentz group",
    "Exponential": "coordinates in which the usual rotations are others: those that keep another form than the unit matrix",
    "Galilei": "a velocity that isn't taken relative to others",
    "Product": "one of its factors: a check reports each apart",
    "Gauge": "a bias on features of order m other than 0; features summed without transport; a frame from the order of edges",
    "CyclicGauge": "those of SO(2)^V; a pointwise nonlinearity at samples that the group doesn't permute",
    "Warps": "a step of no duration that changes the state; a gate that reads how often it was run",
    "Dilations": "a sigmoid for the gate in the place of 1 - exp(-exp(s)); a gate that reads the state",
    "Delays": "a state that moves under zeros: a bias in the candidate, an initial state that isn't at rest",
    "TimeChanges": "a clock whose knots don't move along; a constant rate",
    "Scalar": "an invariant that isn't: look at what it was computed from",
    "Vector": "a bias; a nonlinearity on components; a layer norm over components",
    "Point": "a translation added twice, or to a difference of points, which is a vector",
    "Permute": "a positional term; a flattened axis",
    "Roll": "zero padding; a stride",
    "Irreps": "a parity left out (1e for 1o); another order of m; a norm over components of several degrees",
    "SphericalSignal": "a nonlinearity on a grid too coarse for its degree; a convolution on the lat-long grid",
    "Relabel": "indices that are moved as features are; padding that is renumbered",
    "Cartesian": "a transpose, which matters where the tensor isn't symmetric; a bias on its entries",
    "SymmetricTraceless": "another basis of the components; a trace that was left in",
    "Voigt": "a factor 2 on the shears (engineering strain), another order of them",
    "PseudoScalar": "its absolute value, which is a scalar",
    "PseudoVector": "to take it for a vector: a cross product of two vectors is axial",
    "ScaleBy": "a constant with a unit that is added to it",
    "Spinor": "a phase convention; to take it for a vector",
    "FourVector": "another order of its components (time last); units in which c isn't 1",
    "Block": "what breaks its group",
    "Multivector": "another order of the blades; a nonlinearity that mixes grades",
    "Regular": "weights or statistics of their own for each element",
    "Sign": "an even function of what carries the sign",
    "Phase": "a nonlinearity on real and imaginary parts, in place of one on the modulus",
    "PlanarIrreps": "a bias on frequencies other than 0; a pointwise nonlinearity",
    "Image": "zero padding; a non-square image under a quarter turn; a pixel at the centre where there is none",
    "Flip": "a causal kernel; an even kernel, whose middle lies between samples; zero padding on one side",
    "Swap": "a weight for each entry",
    "RegularImage": "orientations in another order; the permutation of orientations left out",
    "Rotate": "the interpolation itself, which is measured and counted as its floor; corners that leave the image",
    "FourierShift": "the Nyquist frequency of even sizes, which has no half shift; aliasing",
    "Together": "actions that don't commute",
    "Blocks": "a dense layer over blocks of different kinds; block sizes in another order",
    "TensorProduct": "the factors in the other order",
    "Dual": "to take a covector (a gradient) for a vector, which only rotations forgive",
    "Conjugate": "a conjugate left out, as in |x|^2 = x conj(x)",
    "Along": "the axis before it is reshaped: (N, 3) read as (3, N)",
    "Via": "a map that is no homomorphism",
    "Factor": "another factor's number",
    "Custom": "a function that is no action: rho(g) rho(h) = rho(g h) is checked without the model",
    "Framed": "a bias on features of order m other than 0; features summed without transport",
    "ComplexFramed": "the conjugate (order -m); a nonlinearity on real and imaginary parts",
    "LogMap": "an angle taken in the frame at the other end",
    "Transport": "an angle that isn't changed when frames are",
    "Cycle": "a pointwise nonlinearity between samples",
    "LogShift": "the second of two rates left out: both the forget and the input gate have one",
    "Warp": "a step of no duration that changes the state",
    "Insert": "a blank that is read as a token",
    "Shift": "a state that moves under zeros",
    "Moments": "knots that don't move along",
    "Set": "ties and repeated elements; a single element; none",
    "PointCloud": "lattices, collinear and coincident points; distances at a cutoff",
    "Grid": "an impulse at the border; the highest frequency",
    "Tensors": "the patterns of the reps that act on it",
    "Examples": "what a user's own data doesn't hold: it shows no ties unless they are there",
    "Like": "the patterns of the reps that act on it",
    "Joint": "a size that two of its parts have by chance in common: name them apart",
    "Sphere": "the poles; degrees above the band limit",
    "SphericalCoefficients": "a single degree; an order m that is weighed on its own",
    "Graph": "isolated vertices, self-loops, repeated edges, the order of edges, a batch of graphs of equal size",
    "PaddedSet": "padding that leaks through the mask or is counted in a mean",
    "Crystal": "another choice of the cell; atoms on its faces; images counted once or twice",
    "HomogeneousVectors": "points at infinity; the sign of the weight",
    "Momenta": "light; particles at rest; soft and collinear ones, at which invariants vanish",
    "Generated": "random numbers that aren't drawn from the generator given",
    "FromStrategy": "a strategy with a database or a clock behind it",
    "Mesh": "boundaries; equilateral triangles, at which angles tie; slivers",
    "Parameters": "parameters of zero, which hide breaks",
    "Sequence": "constant and repeated steps; a single step",
    "Durations": "steps of no duration; one of a huge duration",
    "Lengths": "the shortest and the longest",
    "Equivariance": "a weight for each axis, a bias on vectors, a positional term, zero padding",
    "Composition": "what breaks equivariance",
    "Infinitesimal": "what breaks equivariance near the identity; it doesn't see reflections, nor jumps",
    "GradientEquivariance": "a hard cutoff; a table interpolated linearly; a small ripple, magnified by its wave number",
    "Conservative": "forces from a head of their own; a detached tensor; a sign",
    "ClassEquivariance": "a second weight with the same unit that was forgotten",
    "FormatInvariance": "self-loops added in one format only; an order of edges that is read",
    "Coarsening": "pooling without a filter before it; pooling before the nonlinearity",
    "Stability": "the modulus of a Fourier transform: high frequencies move by more than the deformation",
    "Conservation": "a wall, a box, an external field that was left in the energy",
}


@dataclass(frozen=True)
class Entry:
    """One thing of the catalogue."""

    kind: str
    cls: type

    @property
    def names(self) -> tuple[str, ...]:
        """How it is written in a claim or on the command line: notations of a group, the word for a rep, else its class."""
        notation = getattr(self.cls, "notation", ())
        word = getattr(self.cls, "name", "") if self.kind in ("reps", "properties") else ""
        return tuple(notation) or ((word,) if isinstance(word, str) and word else ()) or (self.cls.__name__,)

    @property
    def text(self) -> str:
        return inspect.getdoc(self.cls) or ""

    @property
    def summary(self) -> str:
        """The first sentence of what it says of itself."""
        first = " ".join(self.text.split("\n\n")[0].split())
        return re.split(r": `| \.\.\.$", first)[0].rstrip(".:") + "."


def entries(kind: str) -> list[Entry]:
    """All of one kind. SettingsError if there is no such kind."""
    if kind not in KINDS:
        raise SettingsError(f"there is no list of {kind!r}; {did_you_mean(kind, KINDS)}")
    return [Entry(kind, cls) for cls in KINDS[kind]]


def explain(name: str) -> str:
    """What a group, rep, domain, property or verdict is: its law, an example, its usual ways to break.

    >>> print(explain("LIMITED"))
    LIMITED, a verdict
    <BLANKLINE>
    The two sides differ by more than float64 rounds, but by no more than float32 does: constants or casts in lower precision, \
or a break too small for float32 to show.
    """
    if name.upper() in Verdict.__members__:
        return f"{name.upper()}, a verdict\n\n{Verdict[name.upper()].meaning}"
    entry = _found(name)
    law = getattr(entry.cls, "statement", "") or LAWS[entry.kind]
    sections = [
        f"{name}, one of the {entry.kind}" if name not in (entry.cls.__name__, entry.kind) else f"{name}, of the {entry.kind}",
        entry.text,
        f"Written:  {', '.join(entry.names)}    in Python: symcheck.{entry.kind}.{entry.cls.__name__}",
        f"Law:      {law}",
        f"Example:  {_example(entry)}",
        f"Breaks:   {BREAKS[entry.cls.__name__]}.",
    ]
    return "\n\n".join(section for section in sections if section.split(":", 1)[-1].strip())


def _found(name: str) -> Entry:
    every = [entry for kind in KINDS for entry in entries(kind)]
    for entry in every:
        if name.lower() in (entry.cls.__name__.lower(), *(known.lower() for known in entry.names)):
            return entry
    if re.fullmatch(r"exp\(.+\)", name):  # as discovery calls groups that no name tells
        return Entry("groups", groups.Exponential)
    for kind, read in (("groups", groups.from_string), ("reps", reps.as_rep)):
        try:
            return Entry(kind, type(read(name)))
        except SymcheckError:
            continue
    known = [known for entry in every for known in (*entry.names, entry.cls.__name__)]
    raise SettingsError(f"there is nothing called {name!r}; {_near(name, known)}")


def _near(name: str, known: list[str]) -> str:
    hint = did_you_mean(name, known)
    return hint if hint.startswith("did") else f"see what there is with: symcheck list {'|'.join(KINDS)}"


def _example(entry: Entry) -> str:
    """One of its examples at work, in words."""
    examples: Sequence[Any] = entry.cls.examples() if hasattr(entry.cls, "examples") else ()
    if not examples:
        return ""
    if entry.kind == "groups":
        group = examples[min(1, len(examples) - 1)]
        words = [group.describe(g) for g in torch.cat([group.landmarks(), group.sample(2, torch.Generator().manual_seed(0))])]
        return f"elements of {group}: {'; '.join(dict.fromkeys(word for word in words[:4] if word))}"
    if entry.kind == "reps":
        rep, group, shape = examples[0]
        return f"{rep} of {group} acts on tensors (n, {', '.join(map(str, shape))})" if shape else f"{rep} of {group}"
    domain = examples[-1]
    names = [*domain.structured(domain.layout), *domain.boundaries]
    return f"{domain}" + (f"; tried by name: {', '.join(names)}" if names else "")
