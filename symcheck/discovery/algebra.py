"""Naming a Lie algebra from matrices that span it: its translations, centre and simple ideals, by dimension and Killing form.

A simple real Lie algebra of small dimension is told by its dimension and the signature of its Killing form, but for some
such as so(3) = su(2), which the size of what it acts on decides (Helgason, "Differential Geometry, Lie Groups, and Symmetric
Spaces", table X.V).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Generator, Tensor

NEAR = 1e-4
"""Structure constants and eigenvalues of named algebras are of order one. Generators are known to float32 at the worst, and
a defect of rounding in them grows by their condition: halfway between, on a log scale."""

IDEALS = 24
"""The largest semisimple algebra that is taken apart: the maps that commute with it have as many unknowns as its square."""


MOST = 45
"""The dimension of so(10), the largest algebra that is named: brackets take the square of that many matrices."""


@dataclass(frozen=True)
class Part:
    """An ideal, or the translations: its kind, its name, and its generators as combinations `(m, k)` of those given.

    `where` are the blocks in which it acts.
    """

    kind: str  # "translations", "simple", "scaling", "phase", "other"
    name: str
    change: Tensor
    where: frozenset[int] = frozenset()


def brackets(x: Tensor) -> Tensor:
    """`(k, k, d, d)`: `X_i X_j - X_j X_i`."""
    products = torch.einsum("iab,jbc->ijac", x, x)
    return products - products.transpose(0, 1)


def constants(x: Tensor, modulo: Tensor | None = None) -> tuple[Tensor, float]:
    """Structure constants `c[i, j, l]` of independent matrices, with what isn't in their span as part of the brackets.

    `modulo` are further matrices, an ideal that the brackets may reach into.
    """
    k = len(x)
    known = (x if modulo is None else torch.cat([x, modulo])).flatten(1)
    flat = brackets(x).reshape(k * k, -1)
    found = torch.linalg.lstsq(known.mT, flat.mT, driver="gelsd").solution
    left = flat.mT - known.mT @ found
    size = float(torch.einsum("iab,jbc->ijac", x.abs(), x.abs()).norm()) or 1.0
    return found.mT[:, :k].reshape(k, k, k), float(left.norm()) / size


def killing(c: Tensor) -> Tensor:
    """The Killing form `(k, k)`: `tr(ad_i ad_j)`."""
    return torch.einsum("iab,jba->ij", c, c)


def span(rows: Tensor) -> Tensor:
    """An orthonormal basis `(r, k)` of the row space, and thereby its rank."""
    if not rows.numel():
        return rows.new_zeros(0, rows.shape[-1])
    _, s, vh = torch.linalg.svd(rows, full_matrices=False)
    basis: Tensor = vh[s > NEAR * s[:1].clamp_min(NEAR)]
    return basis


def null(rows: Tensor) -> Tensor:
    """An orthonormal basis of what the rows send to zero."""
    _, s, vh = torch.linalg.svd(rows, full_matrices=True)
    top = s[:1].clamp_min(NEAR) if len(s) else s
    basis: Tensor = vh[int((s > NEAR * top).sum()) :]
    return basis


def parts(x: Tensor, linear: Tensor, acted: Sequence[Tensor], scale: Tensor | None = None) -> list[Part]:
    """The parts of the algebra that matrices `(k, D, D)` span, the simple ones first. `scale` `(k,)` multiplies its changes.

    `linear` `(k, D, D)` are they without their translations; `acted` the blocks `(k, d, d)` in which they act, by which names
    that coincide are told apart.
    """
    found = [replace(part, where=_where(part.change, acted)) for part in _parts(x, linear, acted)]
    return found if scale is None else [replace(part, change=part.change * scale) for part in found]


def _where(change: Tensor, acted: Sequence[Tensor]) -> frozenset[int]:
    moved = [float(torch.einsum("mk,kij->mij", change, block).abs().max()) for block in acted]
    return frozenset(i for i, size in enumerate(moved) if size > NEAR)


def _parts(x: Tensor, linear: Tensor, acted: Sequence[Tensor]) -> list[Part]:
    k = len(x)
    unit = torch.eye(k, dtype=x.dtype)
    flat = linear.flatten(1)
    size = max(float(flat.norm(dim=-1).max()), NEAR * float(x.flatten(1).norm(dim=-1).max())) if k else 1.0
    still = null((flat / size).mT)
    rest = null(still) if len(still) else unit
    found = [Part("translations", f"t({len(still)})", still)] if len(still) else []
    if not len(rest):
        return found
    if len(rest) > MOST:
        return [*found, Part("other", f"{len(rest)} dimensions, too many to name", rest)]
    own = torch.einsum("mk,kij->mij", rest, x)
    c, defect = constants(own, torch.einsum("mk,kij->mij", still, x) if len(still) else None)
    if defect > NEAR:
        return [*found, Part("other", f"{len(rest)} dimensions, not closed", rest)]
    derived = span(c.reshape(-1, len(rest)))
    centre = null(c.transpose(0, 1).reshape(len(rest), -1).mT)
    if len(derived) + len(centre) != len(rest) or len(span(torch.cat([derived, centre]))) != len(rest):
        return [*found, Part("other", f"{len(rest)} dimensions, not reductive", rest)]
    if len(derived) and not _semisimple(constants(torch.einsum("mk,kij->mij", derived, own))[0]):
        return [*found, Part("other", f"{len(rest)} dimensions, not reductive", rest)]
    simple = [Part("simple", _name(c, ideal, acted, rest), ideal @ rest) for ideal in ideals(c, derived)]
    return [*joined(simple, acted), *abelian(centre @ rest, linear), *found]


def _semisimple(c: Tensor) -> bool:
    form = killing(c)
    return bool(torch.linalg.eigvalsh(form).abs().min() > NEAR * form.abs().max().clamp_min(NEAR))


def ideals(c: Tensor, derived: Tensor) -> list[Tensor]:
    """The simple ideals of a semisimple subalgebra, bases `(m, k)`: the eigenspaces of a generic map that commutes with it."""
    s = len(derived)
    if s <= 3 or s > IDEALS:
        return [derived] if s else []
    own = torch.einsum("ai,bj,ijl,cl->abc", derived, derived, c, derived)
    ad = own.transpose(1, 2)  # ad[i] maps column vectors
    rng = Generator().manual_seed(0)
    eye = torch.eye(s, dtype=c.dtype)
    mixes = torch.einsum("ni,ilj->nlj", torch.randn(3, s, generator=rng, dtype=c.dtype), ad)
    rows = torch.cat([torch.kron(eye, m) - torch.kron(m.mT.contiguous(), eye) for m in mixes])
    commuting = null(rows).reshape(-1, s, s)
    if len(commuting) < 2:
        return [derived]
    generic = torch.einsum("n,nij->ij", torch.randn(len(commuting), generator=rng, dtype=c.dtype), commuting).mT
    values, vectors = torch.linalg.eig(generic)
    found: list[Tensor] = []
    left = list(range(s))
    while left:
        z = values[left[0]]
        same = [i for i in left if min(abs(values[i] - z), abs(values[i] - z.conj())) < NEAR * float(values.abs().max())]
        left = [i for i in left if i not in same]
        basis = torch.cat([vectors[:, same].real, vectors[:, same].imag], 1).mT
        found.append(span(basis) @ derived)
    return found


@cache
def _known() -> tuple[tuple[str, int, int, int], ...]:
    """Name, dimension, dimensions on which the Killing form is positive, and the size of the vectors that it is defined on."""
    found = [("so(3)", 3, 0, 3), ("su(2)", 3, 0, 4), ("sl(2)", 3, 2, 2)]
    for n in range(3, 13):
        if n > 4:
            found.append((f"so({n})", n * (n - 1) // 2, 0, n))
        found += [(f"so({p},{n - p})", n * (n - 1) // 2, p * (n - p), n) for p in range(1, n // 2 + 1) if (p, n - p) != (2, 2)]
        found.append((f"sl({n})", n * n - 1, n * (n + 1) // 2 - 1, n))
        found.append((f"su({n})", n * n - 1, 0, 2 * n))
        if n % 2 == 0:
            m = n // 2
            found.append((f"sp({n})", m * (2 * m + 1), m * m + m, n))
    return tuple(found)


def simple_name(dimension: int, positive: int, sizes: Sequence[int]) -> str:
    """The simple algebra of that dimension and Killing signature that acts on vectors of one of these sizes.

    >>> simple_name(3, 0, [3]), simple_name(3, 0, [4]), simple_name(6, 3, [4]), simple_name(8, 5, [3])
    ('so(3)', 'su(2)', 'so(1,3)', 'sl(3)')
    """
    fit = [(name, size) for name, dim, plus, size in _known() if dim == dimension and plus == positive]
    own = [name for name, size in fit if size in sizes]
    return (own or [name for name, _ in fit] or [f"simple of dimension {dimension}"])[0]


def _name(c: Tensor, ideal: Tensor, acted: Sequence[Tensor], rest: Tensor) -> str:
    """The name of an ideal `(m, r)`, its rows orthonormal, by its own Killing form."""
    own = torch.einsum("ai,bj,ijl,dl->abd", ideal, ideal, c, ideal)
    positive = int((torch.linalg.eigvalsh(killing(own)) > 0).sum())
    return simple_name(len(ideal), positive, sizes(ideal @ rest, acted))


def sizes(change: Tensor, acted: Sequence[Tensor]) -> list[int]:
    """How many dimensions of each block combinations `(m, k)` of the generators move."""
    found = []
    for block in acted:
        moved = torch.einsum("mk,kij->mij", change, block)
        found.append(len(span(moved.flatten(0, 1))) if float(moved.abs().max()) > NEAR else 0)
    return [size for size in found if size]


def joined(simple: list[Part], acted: Sequence[Tensor]) -> list[Part]:
    """Two so(3) (or su(2)) that act on the same four dimensions are one so(4)."""
    for i, a in enumerate(simple):
        for b in simple[i + 1 :]:
            both = torch.cat([a.change, b.change])
            alike = sizes(a.change, acted) == sizes(both, acted) == sizes(b.change, acted)
            if {a.name, b.name} <= {"so(3)", "su(2)"} and alike and 4 in sizes(both, acted):
                rest = [part for part in simple if part is not a and part is not b]
                return joined([*rest, Part("simple", "so(4)", both)], acted)
    return simple


def abelian(centre: Tensor, linear: Tensor) -> list[Part]:
    """The centre `(z, k)` taken apart: turns, whose eigenvalues are imaginary, and scalings, whose eigenvalues are real."""
    if not len(centre):
        return []
    matrices = torch.einsum("zk,kij->zij", centre, linear)
    rng = Generator().manual_seed(0)
    generic = torch.einsum("z,zij->ij", torch.randn(len(centre), generator=rng, dtype=linear.dtype), matrices)
    _, vectors = torch.linalg.eig(generic)
    inverse = torch.linalg.pinv(vectors)
    diagonal = torch.stack([inverse @ m.to(vectors) @ vectors for m in matrices])
    off = diagonal - torch.diag_embed(diagonal.diagonal(dim1=-2, dim2=-1))
    values = diagonal.diagonal(dim1=-2, dim2=-1)
    if float(off.abs().max()) > NEAR**0.5 * float(diagonal.abs().max()):
        return [Part("other", f"abelian of dimension {len(centre)}", centre)]
    turns, scalings = null(values.real.mT), null(values.imag.mT)
    if len(turns) + len(scalings) != len(centre):
        return [Part("other", f"spirals of dimension {len(centre)}", centre)]
    found = [Part("phase", "so(2)", row.unsqueeze(0) @ centre) for row in simplest(turns, values.imag)]
    return found + [Part("scaling", "scaling", row.unsqueeze(0) @ centre) for row in simplest(scalings, values.real)]


def simplest(rows: Tensor, values: Tensor) -> Iterator[Tensor]:
    """A basis of combinations `(m, z)` of commuting generators whose eigenvalues are plain: reduced to echelon form."""
    weights = rows @ values  # (m, D)
    change = torch.eye(len(rows), dtype=rows.dtype)
    for i in range(len(rows)):
        place = int(weights[i:].abs().amax(0).argmax())
        pivot = i + int(weights[i:, place].abs().argmax())
        order = list(range(len(rows)))
        order[i], order[pivot] = order[pivot], order[i]
        weights, change = weights[order], change[order]
        lead = weights[i, place].clone()
        weights[i], change[i] = weights[i] / lead, change[i] / lead
        for other in range(len(rows)):
            if other != i:
                by = weights[other, place].clone()
                weights[other], change[other] = weights[other] - by * weights[i], change[other] - by * change[i]
    yield from change @ rows


def called(found: Sequence[Part]) -> str:
    """The name of a sum. Translations of the space that a part turns join it, as so(3) and t(3) make se(3), and so do scalings.

    >>> every = torch.eye(3, dtype=torch.float64)
    >>> called([Part("simple", "so(3)", every), Part("translations", "t(3)", every)]), called([])
    ('se(3)', 'none')
    """
    names = [part.name for part in found]
    for part in found:
        if part.kind == "translations":
            n = len(part.change)
            _join(names, part.name, ((f"so({n})", f"se({n})"), (f"sl({n})", f"saff({n})")))
    for part in found:
        alike = [other.name[3:-1] for other in found if other.kind in ("simple", "phase") and other.where == part.where]
        if part.kind == "scaling":
            whole = [
                (f"{old}({n})", f"{new}({n})") for n in alike for old, new in (("se", "sim"), ("saff", "aff"), ("sl", "gl"))
            ]
            _join(names, "scaling", whole)
    counts = {name: names.count(name) for name in names}
    return " + ".join(name if n == 1 else f"{n} {name}" for name, n in counts.items()) or "none"


def _join(names: list[str], added: str, larger: Sequence[tuple[str, str]]) -> None:
    """Put the name of a larger algebra in the place of two."""
    for old, new in larger:
        if old in names and added in names:
            names[names.index(old)] = new
            names.remove(added)
            return
