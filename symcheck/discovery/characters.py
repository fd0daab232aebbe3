"""Taking representations apart: by the eigenvalues of a Casimir operator for Lie groups, by characters for finite ones."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from symcheck.discovery.algebra import constants, killing
from symcheck.groups import Group
from symcheck.reps.finite import places

LISTED = 200
"""The largest finite group of which the irreps are found: a table of products, and a matrix for each class."""


def casimir(basis: Tensor, b: Tensor) -> Tensor:
    """The quadratic Casimir of matrices `b` `(k, r, r)` that represent a semisimple algebra `(k, d, d)`; 1 on the adjoint rep.

    By the inverse of the Killing form, so that it doesn't depend on the basis.
    """
    form = killing(constants(basis)[0])
    return torch.einsum("ij,iab,jbc->ac", torch.linalg.inv(form), b, b)


def spins(b: Tensor, basis: Tensor, inversion: Tensor | None) -> str:
    """Irreps of so(3), and their parities by the matrix of the inversion: "6x0e+8x1o+2x2e". Half-integer ones as 1/2.

    The Casimir is l (l + 1), twice that of the adjoint rep being 1.
    """
    values, vectors = torch.linalg.eig(2 * casimir(basis, b))
    degree = (torch.sqrt(1 + 4 * values.real.clamp_min(0)) - 1) / 2
    terms = []
    for twice in sorted({round(2 * float(l)) for l in degree}):
        same = (2 * degree - twice).abs() < 0.5
        if inversion is None:
            terms.append(_term(int(same.sum()), twice, ""))
            continue
        space = vectors[:, same]
        parity = torch.linalg.eigvals(torch.linalg.pinv(space) @ inversion.to(space) @ space).real
        terms += [_term(int(part.sum()), twice, sign) for sign, part in (("e", parity > 0), ("o", parity <= 0))]
    return "+".join(term for term in terms if term)


def _term(dimension: int, twice: int, parity: str) -> str:
    degree = str(twice // 2) if twice % 2 == 0 else f"{twice}/2"
    return f"{dimension // (twice + 1)}x{degree}{parity}" if dimension else ""


def weights(b: Tensor) -> str:
    """Irreps of a group of one dimension: angular frequencies "3x0 + 2x1" of pairs, or powers "2x^1" of a scaling."""
    values = torch.linalg.eigvals(b)
    turning = float(values.imag.abs().max()) >= float(values.real.abs().max())
    numbers = values.imag if turning else values.real
    counts: dict[float, int] = {}
    for value in numbers.tolist():
        key = round(abs(value) if turning else value, 3) + 0.0
        counts[key] = counts.get(key, 0) + 1
    return " + ".join(_weight(n, key, turning) for key, n in sorted(counts.items()))


def _weight(count: int, value: float, turning: bool) -> str:
    return f"{count // 2 if turning and value else count}x{'' if turning else '^'}{value:g}"


def levels(basis: Tensor, b: Tensor) -> str:
    """The eigenvalues of the Casimir of any other semisimple algebra, with the dimensions that have them."""
    values = torch.linalg.eigvals(casimir(basis, b)).real
    counts: dict[float, int] = {}
    for value in values.tolist():
        counts[round(value, 3) + 0.0] = counts.get(round(value, 3) + 0.0, 0) + 1
    return " + ".join(f"{n} dimensions of Casimir {key:g}" for key, n in sorted(counts.items()))


def irreps(group: Group, matrices: Tensor) -> str:
    """A rep of a finite group by its matrices `(order, r, r)`, in the order of `elements`: copies x dimension of each irrep.

    The trivial one is 1; of several of one dimension the later ones have primes. Copies of the regular rep, which
    holds each irrep as often as its dimension says, are told as such.
    """
    table, classes = characters(group)
    character = matrices.diagonal(dim1=-2, dim2=-1).sum(-1)
    sizes = torch.tensor([len(some) for some in classes], dtype=torch.float64)
    own = torch.stack([character[some].mean() for some in classes]).to(table)
    counts = (table.conj() * own * sizes).sum(-1).real / sizes.sum()
    names = _named(table)
    copies = {round(n) / round(float(row[0].real)) for n, row in zip(counts.tolist(), table, strict=True)}
    if len(copies) == 1 and len(table) > 1 and (many := copies.pop()) == round(many):
        return f"{round(many)} regular"  # the most that there is to say of signals on the group
    return " + ".join(f"{round(n)}x{name}" for n, name in zip(counts.tolist(), names, strict=True) if round(n))


def _named(table: Tensor) -> list[str]:
    seen: dict[int, int] = {}
    found = []
    for row in table:
        size = round(float(row[0].real))
        found.append(f"{size}{chr(39) * seen.get(size, 0)}")
        seen[size] = seen.get(size, 0) + 1
    return found


def characters(group: Group) -> tuple[Tensor, list[list[int]]]:
    """The characters of a finite group's irreps `(irreps, classes)`, the trivial one first, and its classes.

    By Burnside's theorem: sums over classes commute, and their common eigenvectors are the characters (Dixon 1967).
    """
    products = places(group, group.elements())  # products[i, j] is the place of g_i g_j
    n = len(products)
    inverse = (products == 0).double().argmax(1)
    classes: list[list[int]] = []
    for i in range(n):
        if not any(i in some for some in classes):
            conjugates = products[products[:, i], inverse]
            classes.append(sorted(set(conjugates.tolist())))
    which = torch.empty(n, dtype=torch.int64)
    for k, some in enumerate(classes):
        which[some] = k
    k = len(classes)
    total = torch.zeros(k, k, dtype=torch.float64)
    rng = Generator().manual_seed(0)
    for mix, some in zip(torch.rand(k, generator=rng, dtype=torch.float64) + 0.5, classes, strict=True):
        for j, other in enumerate(classes):
            hits = which[products[some][:, other[0]]]
            total[j] += mix * torch.bincount(hits, minlength=k).double()
    _, vectors = torch.linalg.eig(total)
    rows = (vectors / vectors[0]).mT  # proportional to characters over dimension
    size = torch.tensor([len(some) for some in classes], dtype=torch.float64)
    dimension = (n / (size * rows.abs().square()).sum(-1)).sqrt()
    table = rows * dimension.unsqueeze(-1)
    order = sorted(range(k), key=lambda i: (round(float(dimension[i])), -round(float(table[i].real.sum()), 6), i))
    return table[order], classes
