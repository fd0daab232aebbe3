"""Images and feature maps under planar groups: exact moves, interpolated rotations with their own error, fractional shifts."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

import symcheck
from symcheck import Verdict
from symcheck.domains import Examples
from symcheck.errors import ClaimError
from symcheck.groups import (
    SE,
    SO,
    Cyclic,
    Dihedral,
    Group,
    Monoid,
    O,
    PeriodicShifts,
    PlaneGroup,
    SignedPermutations,
    SignFlips,
    Symmetric,
    Translations,
    from_string,
)
from symcheck.reps import FourierShift, Image, RegularImage, Rep, Roll, Rotate, as_rep
from symcheck.reps.images import KINDS, disc, motion

EPS = float(torch.finfo(torch.float64).eps)


def draw(group: Monoid, n: int = 64, seed: int = 0) -> Tensor:
    return group.sample(n, Generator().manual_seed(seed))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


# Images


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_quarter_turns_are_those_of_rot90(size: int) -> None:
    x = noise(4, 3, size, size)
    y = Image().act(Cyclic(4), Cyclic(4).elements(), x)
    for quarters in range(4):
        assert torch.equal(y[quarters], torch.rot90(x[quarters], quarters, (-2, -1)))


@pytest.mark.parametrize("size", [(4, 4), (5, 5)])
def test_dihedral_elements_mirror_first_and_turn_then(size: tuple[int, int]) -> None:
    group = Dihedral(4)
    x = noise(8, *size)
    y = Image().act(group, group.elements(), x)
    for i, (quarters, mirrored) in enumerate(group.elements().tolist()):
        first = x[i].flip(-1) if mirrored else x[i]  # left and right
        assert torch.equal(y[i], torch.rot90(first, quarters, (-2, -1)))


def test_reflections_move_oblong_images() -> None:
    x = noise(2, 3, 4)
    assert torch.equal(Image().act(Dihedral(1), Dihedral(1).elements(), x)[1], x[1].flip(-1))
    flips = SignFlips(2)
    y = Image().act(flips, flips.elements(), x[:1].expand(4, -1, -1))
    for i, (rows, columns) in enumerate(flips.elements().tolist()):
        assert torch.equal(y[i], x[0].flip([axis for axis, flip in ((0, rows), (1, columns)) if flip]))


def test_shifts_of_images_are_those_of_roll() -> None:
    group, x = Translations((3, 4)), noise(16, 2, 3, 4)
    assert torch.equal(Image().act(group, draw(group, 16), x), Roll().act(group, draw(group, 16), x))


@pytest.mark.parametrize("name", ["p4(5)", "p4m(4)", "pmm(3, 4)", "p2(4, 3)"])
def test_an_impulse_goes_where_its_place_goes(name: str) -> None:
    """From p to linear (p - c) + c + shift, cyclically, c being the middle of the image."""
    group = from_string(name)
    assert isinstance(group, PlaneGroup)
    size = torch.tensor(group.grid)
    middle = (size - 1) / 2
    for p in product(*map(range, group.grid)):
        g = draw(group, 16, seed=sum(p))
        x = torch.zeros(16, *group.grid, dtype=torch.float64)
        x[:, p[0], p[1]] = 1
        matrix, step = motion(group, g)
        q = (matrix @ (torch.tensor(p) - middle).double() + middle + step).long() % size
        assert torch.equal(Image().act(group, g, x).nonzero()[:, 1:], q)


def homomorphic(rep: Rep, group: Monoid, shape: tuple[int, ...], g: Tensor) -> bool:
    """Whether acting by the product is acting twice, for all pairs of these elements, exactly."""
    left, right = g.repeat_interleave(len(g), 0), g.repeat(len(g), *[1] * (g.ndim - 1))
    x = noise(1, *shape).expand(len(left), *shape)
    return torch.equal(rep.act(group, group.compose(left, right), x), rep.act(group, left, rep.act(group, right, x)))


PLANE: list[Group] = [PlaneGroup("p4m", (3, 3)), PlaneGroup("p4", (4, 4)), PlaneGroup("pmm", (2, 3)), Dihedral(4), SignFlips(2)]


@pytest.mark.parametrize("group", [*PLANE, SignedPermutations(2)], ids=str)
def test_all_products_act_as_they_should(group: Group) -> None:
    size = group.grid if isinstance(group, PlaneGroup) else (4, 4)
    assert homomorphic(Image(), group, (2, *size), group.elements())
    orientations = len(torch.unique(group.linear(group.elements()), dim=0))
    assert homomorphic(RegularImage(), group, (orientations, *size), group.elements())


class _AboutTheCorner(Image):
    """Turns about the first sample and mirrors about the middle."""

    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        y = super().act(group, g, x)
        matrix, _ = motion(group, g)
        corner = (matrix @ torch.tensor([0.0, 1.0], dtype=torch.float64))[:, 0] < 0
        return torch.where(corner.reshape(-1, *(1,) * (x.ndim - 1)), y.roll(1, -2), y)


def test_an_action_that_turns_about_two_places_is_caught() -> None:
    assert not homomorphic(_AboutTheCorner(), Dihedral(4), (4, 4), Dihedral(4).elements())


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.bfloat16, torch.float32, torch.complex64])
@pytest.mark.parametrize("rep", [Image(), RegularImage()], ids=lambda rep: rep.name)
def test_samples_of_any_dtype_are_moved(rep: Rep, dtype: torch.dtype) -> None:
    group = PlaneGroup("p4", (4, 4))
    x = (10 * noise(16, 4, 4, 4)).to(dtype)
    y = rep.act(group, draw(group, 16), x)
    assert y.dtype == dtype
    wide = x.to(torch.complex128 if dtype.is_complex else torch.float64)
    assert torch.equal(y.to(wide.dtype), rep.act(group, draw(group, 16), wide))


# Feature maps on the group


def test_feature_maps_on_the_group_move_by_their_definition() -> None:
    """(g f)(h, p) = f(g^-1 h, g^-1 p), entry by entry."""
    group, point = PlaneGroup("p4m", (3, 3)), Dihedral(4)
    orientations, g, f = point.elements(), draw(group, 24), noise(24, 8, 3, 3)
    y = RegularImage().act(group, g, f)
    back = group.inverse(g)
    linear, step = group.linear(back).long(), group.shift(back)
    for n in range(24):
        turn = g[n : n + 1, 2:]
        for i, h in enumerate(orientations):
            source = point.compose(point.inverse(turn), h.unsqueeze(0))
            j = int((orientations == source).all(-1).nonzero())
            for p in product(range(3), repeat=2):
                q = (linear[n] @ (torch.tensor(p) - 1) + 1 + step[n]) % 3
                assert y[n, i, p[0], p[1]] == f[n, j, q[0], q[1]]


@pytest.mark.parametrize(
    ("group", "count"),
    [
        (Cyclic(1), 1),
        (Cyclic(2), 2),
        (Cyclic(4), 4),
        (Dihedral(1), 2),
        (Dihedral(2), 4),
        (Dihedral(4), 8),
        (SignFlips(2), 4),
        (SignedPermutations(2), 8),
        (Translations((4, 4)), 1),
        (PlaneGroup("p4m", (4, 4)), 8),
    ],
    ids=str,
)
def test_there_is_one_orientation_for_each_linear_part(group: Group, count: int) -> None:
    RegularImage().check(group, (count, 4, 4), True, "x")
    for wrong in {1, 2, 4, 8} - {count}:
        with pytest.raises(ClaimError) as caught:
            RegularImage().check(group, (wrong, 4, 4), True, "x")
        assert str(caught.value) == (
            f"x has shape ({wrong}, 4, 4): RegularImage() under {group} has {count} orientations along axis -3."
        )


class Lifting(nn.Module):
    """Convolves an image with a kernel in each of its orientations: `(n, 1, h, w) -> (n, orientations, h, w)`."""

    def __init__(self, turns: list[Callable[[Tensor], Tensor]], padding: str = "circular") -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(3, 3, generator=Generator().manual_seed(0)))
        self.turns, self.padding = turns, padding

    def forward(self, x: Tensor) -> Tensor:
        kernels = torch.stack([turn(self.kernel) for turn in self.turns]).unsqueeze(1)
        return torch.relu(functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode=self.padding), kernels))


QUARTERS = [lambda k, q=q: torch.rot90(k, q, (-2, -1)) for q in range(4)]
MIRRORS = [lambda k, q=q: torch.rot90(k.flip(-1), q, (-2, -1)) for q in range(4)]


@pytest.mark.parametrize(
    ("group", "turns", "verdict"),
    [
        ("p4", QUARTERS, Verdict.HOLDS),
        ("p4", QUARTERS[::-1], Verdict.VIOLATED),  # clockwise
        ("p4m", QUARTERS + MIRRORS, Verdict.HOLDS),
        ("p4m", QUARTERS + MIRRORS[::-1], Verdict.VIOLATED),
        ("p4m", [turn for pair in zip(QUARTERS, MIRRORS, strict=True) for turn in pair], Verdict.VIOLATED),  # another order
        ("pm", [QUARTERS[0], MIRRORS[0]], Verdict.HOLDS),
        ("pm", [QUARTERS[0], MIRRORS[2]], Verdict.VIOLATED),  # above and below exchanged
    ],
)
def test_a_lifting_convolution_turns_images_into_feature_maps(
    group: str, turns: list[Callable[[Tensor], Tensor]], verdict: Verdict
) -> None:
    result = symcheck.check(Lifting(turns), noise(4, 1, 6, 6), group=group, inputs="image", outputs="regular_image")
    assert result.verdict is verdict


def test_zero_padding_keeps_the_turns_and_loses_the_shifts() -> None:
    model, example = Lifting(QUARTERS, padding="constant"), noise(4, 1, 6, 6)
    for group, verdict in (("C_4", Verdict.HOLDS), ("p4", Verdict.VIOLATED)):
        assert symcheck.check(model, example, group=group, inputs="image", outputs="regular_image").verdict is verdict


def isotropic(x: Tensor) -> Tensor:
    """A kernel with all the symmetries of the square."""
    kernel = torch.tensor([[0.1, 0.3, 0.1], [0.3, -1.0, 0.3], [0.1, 0.3, 0.1]], dtype=x.dtype, device=x.device)
    return torch.tanh(functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="circular"), kernel.expand(1, 1, 3, 3)))


def slanted(x: Tensor) -> Tensor:
    return isotropic(x) + 0.1 * isotropic(x).roll(1, -1)


@pytest.mark.parametrize("group", ["p4m", "p4", "pmm", "p2", "pm", "Z_N^2"])
def test_an_isotropic_convolution_has_all_of_the_plane_groups(group: str) -> None:
    result = symcheck.check(isotropic, noise(4, 1, 6, 6), group=group, inputs="image", outputs="image")
    assert result.verdict is Verdict.HOLDS


@pytest.mark.parametrize(("group", "verdict"), [("p4", Verdict.VIOLATED), ("pm", Verdict.VIOLATED), ("Z_N^2", Verdict.HOLDS)])
def test_a_slanted_convolution_has_the_shifts_alone(group: str, verdict: Verdict) -> None:
    result = symcheck.check(slanted, noise(4, 1, 6, 6), group=group, inputs="image", outputs="image")
    assert result.verdict is verdict


def gradient(x: Tensor) -> Tensor:
    """Central differences along rows and columns: `(n, h, w) -> (n, h, w, 2)`."""
    return torch.stack([x.roll(-1, axis) - x.roll(1, axis) for axis in (-2, -1)], -1)


@pytest.mark.parametrize(
    ("outputs", "verdict"),
    [
        ("image(axes=(-3, -2)) * vector", Verdict.HOLDS),
        ("image(axes=(-3, -2))", Verdict.VIOLATED),
        ("image(axes=(-3, -2)) * pseudovector", Verdict.VIOLATED),
    ],
)
@pytest.mark.parametrize("size", [6, 7])
def test_the_gradient_of_an_image_is_a_field_of_vectors(size: int, outputs: str, verdict: Verdict) -> None:
    assert symcheck.check(gradient, noise(4, size, size), group="p4m", inputs="image", outputs=outputs).verdict is verdict


@pytest.mark.parametrize("axes", [(-1,), (-3, -2, -1), (-1, -1), (0, 1)])
def test_an_image_has_two_axes(axes: tuple[int, ...]) -> None:
    with pytest.raises(ClaimError, match=r"^Image\(axes=\("):
        Image(axes=axes)  # type: ignore[arg-type]


def test_plane_groups_take_their_size_from_the_image_and_need_a_square_for_turns() -> None:
    """Of an oblong image there are the shifts, the half turns and the mirrors."""
    example = noise(4, 1, 6, 4)
    for group in ("pmm", "p2", "pm"):
        assert symcheck.check(isotropic, example, group=group, inputs="image", outputs="image").verdict is Verdict.HOLDS
    with pytest.raises(ClaimError, match=r"p4 turns rows into columns; a grid of 6 x 4 isn't square"):
        symcheck.check(isotropic, example, group="p4", inputs="image", outputs="image")


IMAGE = Image()
MISFITS: list[tuple[Rep, Monoid, tuple[int, ...], str]] = [
    (
        Image(),
        Cyclic(4),
        (4, 6),
        f"x has shape (4, 6): {IMAGE} under C_4 turns rows into columns, and needs a square image.",
    ),
    (
        Image(),
        Dihedral(4),
        (6, 4),
        f"x has shape (6, 4): {IMAGE} under D_4 turns rows into columns, and needs a square image.",
    ),
    (
        Image(),
        Cyclic(6),
        (4, 4),
        f"x has shape (4, 4): {IMAGE} moves samples to places of samples, and C_6 moves some between them. Use Rotate().",
    ),
    (
        Image(),
        SO(2),
        (4, 4),
        f"x has shape (4, 4): {IMAGE} moves samples to places of samples, and SO(2) moves some between them. Use Rotate().",
    ),
    (
        Image(),
        PeriodicShifts((4, 4)),
        (4, 4),
        f"x has shape (4, 4): {IMAGE} moves samples to places of samples, and (R/4)^2 moves some between them. Use "
        "FourierShift().",
    ),
    (
        Image(),
        PlaneGroup("p4", (5, 5)),
        (4, 4),
        f"x has shape (4, 4): {IMAGE} under p4(5) acts on an image of size (5, 5).",
    ),
    (
        Image(),
        SignFlips(3),
        (4, 4),
        f"x has shape (4, 4): {IMAGE} acts on the 2 axes of an image, not on the 3 dimensions of Flips(3).",
    ),
    (
        Image(),
        Symmetric(3),
        (4, 4),
        f"x has shape (4, 4): {IMAGE}: S_3 has no linear part. Use a matrix group, such as 'SO(3)', or another rep.",
    ),
    (
        Image(),
        Cyclic(4),
        (4,),
        f"x has shape (4,): {IMAGE} needs 2 trailing axes. Use 'scalar' if it is invariant.",
    ),
    (
        RegularImage(),
        Cyclic(4),
        (4, 4, 6),
        "x has shape (4, 4, 6): RegularImage() under C_4 turns rows into columns, and needs a square image.",
    ),
    (
        Rotate(),
        SO(3),
        (4, 4),
        "x has shape (4, 4): Rotate(interpolation='bicubic') is defined for rotations and reflections of the plane, not for "
        "SO(3).",
    ),
    (
        Rotate(),
        from_string("GL(2)"),
        (4, 4),
        "x has shape (4, 4): Rotate(interpolation='bicubic') is defined for rotations and reflections of the plane, not for "
        "GL(2).",
    ),
    (
        Rotate("fourier"),
        SO(2),
        (4, 6),
        "x has shape (4, 6): Rotate(interpolation='fourier') turns rows into columns, and needs a square image. Make it "
        "square, or use 'bicubic'.",
    ),
    (
        FourierShift(),
        PeriodicShifts((4, 6)),
        (6, 4),
        "x has shape (6, 4): FourierShift(axes=(-2, -1)) under R/4 x R/6 shifts 2 axes of sizes (4, 6).",
    ),
    (
        FourierShift(),
        SO(2),
        (4, 4),
        "x has shape (4, 4): FourierShift(axes=(-2, -1)): SO(2) has no cyclic shifts. Use a group of grid translations, such "
        "as 'Z_N^2', or another rep.",
    ),
]


@pytest.mark.parametrize(("rep", "group", "shape", "text"), MISFITS, ids=[f"{r.name} of {g} on {s}" for r, g, s, _ in MISFITS])
def test_what_does_not_fit_is_refused(rep: Rep, group: Monoid, shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(ClaimError) as caught:
        rep.check(group, shape, True, "x")
    assert str(caught.value) == text


def test_rolling_under_turns_is_no_representation() -> None:
    """The shifts of p4 don't add up."""
    with pytest.raises(ClaimError, match=r"only shifts, and p4\(6\) turns or reflects the grid as well. Use 'image'\."):
        symcheck.check(isotropic, noise(4, 1, 6, 6), group="p4", inputs="roll", outputs="roll")


def test_whole_samples_are_not_rolled_by_fractions() -> None:
    with pytest.raises(ClaimError, match=r"\(R/6\)\^2.*'fourier_shift'"):
        symcheck.check(isotropic, noise(4, 1, 6, 6), group="(R/N)^2", inputs="roll", outputs="roll")


def test_an_unknown_interpolation_is_refused() -> None:
    with pytest.raises(ClaimError) as caught:
        as_rep("rotate(interpolation='cubic')")
    assert str(caught.value) == "there is no interpolation 'cubic'; did you mean 'bicubic'?"


# Rotations by interpolation


SIZE = 49


def gaussian(width: float, row: Tensor, column: Tensor) -> Tensor:
    """Blobs `(n, SIZE, SIZE)` about places `(n,)` counted from the middle."""
    place = torch.arange(SIZE, dtype=torch.float64) - SIZE // 2
    rows, columns = (torch.exp(-(((place - at.unsqueeze(-1)) / width) ** 2) / 2) for at in (row, column))
    return rows.unsqueeze(-1) * columns.unsqueeze(-2)


def relative(error: Tensor, x: Tensor) -> float:
    return float((error.square().sum((-2, -1)) / x.square().sum((-2, -1))).sqrt().median())


def accuracy(kind: str, width: float, group: Group | None = None) -> tuple[float, float]:
    """How far a moved blob is from the blob at the moved place, and how far acting twice is from acting by the product."""
    group = group or O(2)
    rep, g, h = Rotate(kind), draw(group, 64, 1), draw(group, 64, 2)  # type: ignore[arg-type]
    at = torch.tensor([4.0, 3.0], dtype=torch.float64)
    x = gaussian(width, *at.expand(64, 2).unbind(-1))
    matrix, step = motion(group, g)
    expected = gaussian(width, *(matrix @ at + step).unbind(-1))
    once, twice = rep.act(group, g, x), rep.act(group, g, rep.act(group, h, x))
    return relative(once - expected, x), relative(twice - rep.act(group, group.compose(g, h), x), x)


# The figures of the docstring, for widths in samples; a linear interpolation errs by the second derivative, a cubic one by the
# third (Keys 1981), which for a Gaussian fall as the square and the cube of the width.
ERRORS = {"bilinear": lambda s: 0.12 / s**2, "bicubic": lambda s: 0.03 / s**3}


@pytest.mark.parametrize("group", [SO(2), O(2), SE(2), Cyclic(12)], ids=str)
@pytest.mark.parametrize("width", [2.0, 3.0, 4.0])
@pytest.mark.parametrize("kind", ERRORS)
def test_interpolation_errs_as_it_is_said_to(kind: str, width: float, group: Group) -> None:
    """Within a factor of 2, below and above: an error of the place, of one sample or a hundredth, would be far more."""
    expected = ERRORS[kind](width)
    error, defect = accuracy(kind, width, group)
    assert error <= 2 * expected
    assert defect <= 3 * expected  # of three actions
    if not isinstance(group, Cyclic):  # of which a third are quarter turns
        assert error >= expected / 2


@pytest.mark.parametrize(("kind", "order"), [("bilinear", 2), ("bicubic", 3)])
def test_interpolation_converges_at_its_order(kind: str, order: int) -> None:
    coarse, fine = accuracy(kind, 2.0)[0], accuracy(kind, 4.0)[0]
    assert order - 0.5 <= math.log2(coarse / fine) <= order + 0.5


@pytest.mark.parametrize("group", [SO(2), O(2), SE(2), Cyclic(12)], ids=str)
def test_fourier_rotations_are_exact_on_band_limited_blobs_that_vanish_at_the_border(group: Group) -> None:
    """At 2.5 samples both the spectrum's tail and the blob's own, 19 samples away, are at 1e-13."""
    error, defect = accuracy("fourier", 2.5, group)
    assert error <= 1e-12
    assert defect <= 1e-11
    assert accuracy("fourier", 1.0, group)[0] > 1e-4  # where the band is too narrow for it
    assert accuracy("fourier", 6.0, group)[0] > 1e-4  # where it reaches the border


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(8, 8), (9, 9)])
def test_rotations_by_quarter_turns_are_those_of_images(kind: str, size: tuple[int, int]) -> None:
    group, x = Dihedral(4), noise(8, 2, *size)
    y, expected = Rotate(kind).act(group, group.elements(), x), Image().act(group, group.elements(), x)  # type: ignore[arg-type]
    if kind == "fourier":
        assert float((y - expected).abs().max()) <= 64 * EPS * float(x.abs().max())  # a few transforms of 9 numbers
    else:
        assert torch.equal(y, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_steps_move_whole_samples(kind: str) -> None:
    group = SE(2)
    g = group.identity(2).clone()
    g[:, :2, 2] = torch.tensor([[1.0, 0.0], [-2.0, 3.0]])
    x = torch.zeros(2, 9, 9, dtype=torch.float64)
    x[:, 3:6, 3:6] = noise(3, 3)
    y = Rotate(kind).act(group, g, x)  # type: ignore[arg-type]
    expected = torch.stack([x[0].roll((1, 0), (0, 1)), x[1].roll((-2, 3), (0, 1))])
    assert float((y - expected).abs().max()) <= 64 * EPS * float(x.abs().max())


@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
def test_outside_of_the_image_there_are_zeros(kind: str) -> None:
    group = SE(2)
    g = group.identity(1).clone()
    g[:, 0, 2] = 2.0
    x = torch.ones(1, 5, 5, dtype=torch.float64)
    y = Rotate(kind).act(group, g, x)  # type: ignore[arg-type]
    assert torch.equal(y[0, 2:], x[0, 2:])
    assert not y[0, :2].any()


def test_fourier_rotations_keep_the_norm_of_odd_images() -> None:
    """Each shear is unitary where there is no fastest frequency between the samples."""
    group, x = O(2), noise(16, 2, 9, 9)
    y = Rotate("fourier").act(group, draw(group, 16), x)
    gap = y.square().sum((-2, -1)) - x.square().sum((-2, -1))
    assert float(gap.abs().max()) <= 64 * 9 * EPS * float(x.square().sum((-2, -1)).max())


def test_the_disc_is_kept_by_rotations() -> None:
    for size in (8, 9, 33):
        mask = disc(size, size)
        assert torch.equal(Image().act(Dihedral(4), Dihedral(4).elements(), mask.expand(8, -1, -1)), mask.expand(8, -1, -1))
        # Its area is that of the circle up to the samples on the circle, some 2 pi r of them.
        assert abs(float(mask.sum()) - math.pi * size**2 / 4) <= math.pi * size
    assert disc(4, 8).sum(0).nonzero().flatten().tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64, torch.complex128])
@pytest.mark.parametrize("kind", KINDS)
def test_rotations_work_in_any_dtype(kind: str, dtype: torch.dtype) -> None:
    group, x = O(2), gaussian(2.5, torch.zeros(8), torch.ones(8)).to(dtype)
    y = Rotate(kind).act(group, draw(group, 8), x)  # type: ignore[arg-type]
    wide = Rotate(kind).act(group, draw(group, 8), x.to(torch.complex128 if dtype.is_complex else torch.float64))  # type: ignore[arg-type]
    assert y.dtype == dtype
    # 16 products at most, or a few transforms of 49 numbers; and the result is rounded.
    assert float((y.to(wide.dtype) - wide).abs().max()) <= 64 * torch.finfo(dtype).eps


BLOBS = Examples(gaussian(2.5, 6 * noise(48, seed=1).tanh(), 6 * noise(48, seed=2).tanh()) * (1 + noise(48, 1, 1).square()))


def energy(x: Tensor) -> Tensor:
    return x.square().sum((-2, -1))


def spread(x: Tensor) -> Tensor:
    """How far the image reaches along its rows."""
    place = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device) - (x.shape[-1] - 1) / 2
    return (x * place.square()).sum((-2, -1)) / x.sum((-2, -1))


@pytest.mark.parametrize("group", ["SO(2)", "O(2)", "SE(2)"])
@pytest.mark.parametrize(("model", "verdict"), [(energy, Verdict.HOLDS), (spread, Verdict.VIOLATED)])
def test_a_check_tells_the_error_of_the_rotation_from_the_models(
    model: Callable[[Tensor], Tensor], verdict: Verdict, group: str
) -> None:
    rep = Rotate("fourier")
    result = symcheck.check(model, BLOBS, group=group, inputs=rep, outputs="scalar", dtype="float64")
    assert result.verdict is verdict


def test_a_blur_that_is_round_commutes_with_rotations_and_one_that_is_not_does_not() -> None:
    def blurred(x: Tensor, along: float) -> Tensor:
        k = torch.fft.fftfreq(SIZE, dtype=torch.float64, device=x.device)
        return torch.fft.ifft2(torch.fft.fft2(x) * torch.exp(-20 * (k.unsqueeze(-1) ** 2 + along * k**2))).real.to(x.dtype)

    def verdict(along: float) -> Verdict:
        return symcheck.check(
            lambda x: blurred(x, along),
            BLOBS,
            group="SO(2)",
            inputs=Rotate("fourier"),
            outputs=Rotate("fourier"),
            dtype="float64",
        ).verdict

    assert verdict(1.0) is Verdict.HOLDS
    assert verdict(2.0) is Verdict.VIOLATED


# Fractional shifts


def wave(size: int, k: float, at: Tensor) -> Tensor:
    """cos(2 pi k (p - at) / size + 1) at the samples p, for places `(n,)`."""
    return torch.cos(2 * math.pi * k * (torch.arange(size) - at.unsqueeze(-1)) / size + 1)


@pytest.mark.parametrize("size", [5, 8, 9])
def test_waves_are_shifted_to_where_they_would_be(size: int) -> None:
    group = PeriodicShifts((size,))
    g = draw(group, 32)
    for k in range((size + 1) // 2):  # up to the fastest, without it
        x, expected = wave(size, k, torch.zeros(32, dtype=torch.float64)), wave(size, k, g[:, 0])
        y = FourierShift(axes=(-1,)).act(group, g, x)
        assert float((y - expected).abs().max()) <= 64 * size * EPS
        wrong = FourierShift(axes=(-1,)).act(group, group.inverse(g), x)
        assert k == 0 or float((wrong - expected).abs().max()) > 0.1


def test_the_fastest_frequency_of_an_even_number_of_samples_stays() -> None:
    group, x = PeriodicShifts((8,)), wave(8, 4, torch.zeros(32, dtype=torch.float64))
    assert float((FourierShift(axes=(-1,)).act(group, draw(group, 32), x) - x).abs().max()) <= 64 * EPS


@pytest.mark.parametrize(("size", "everything"), [((5, 7), True), ((4, 7), False), ((8, 8), False)])
def test_whole_shifts_are_those_of_roll_on_all_but_the_fastest(size: tuple[int, int], everything: bool) -> None:
    group, x = Translations(size), noise(32, 2, *size)
    g = draw(group, 32)

    def agree(x: Tensor) -> bool:
        gap = FourierShift().act(group, g, x) - Roll().act(group, g, x)
        return float(gap.abs().max()) <= 64 * EPS * float(x.abs().max())

    assert agree(x) == everything
    spectrum = torch.fft.fft2(x)
    for axis, n in zip((-2, -1), size, strict=True):
        if n % 2 == 0:
            spectrum = spectrum.index_fill(axis, torch.tensor([n // 2]), 0)
    assert agree(torch.fft.ifft2(spectrum).real)


@pytest.mark.parametrize("axes", [(-2, -1), (-1, -3), (-3,)])
def test_shifts_go_along_the_axes_that_are_named(axes: tuple[int, ...]) -> None:
    x = noise(16, 5, 7, 3)
    group = Translations(tuple(x.shape[axis] for axis in axes))
    g = draw(group, 16)
    gap = FourierShift(axes).act(group, g, x) - Roll(axes).act(group, g, x)
    assert float(gap.abs().max()) <= 64 * EPS * float(x.abs().max())


def test_a_linear_layer_commutes_with_all_fractional_shifts() -> None:
    """On white noise of an even size too: the fastest frequency is multiplied by a number on both sides."""

    def blur(x: Tensor) -> Tensor:
        return x + x.roll(1, -1) / 2 + x.roll((1, -2), (-2, -1)) / 3

    for size in ((7, 9), (8, 6)):
        result = symcheck.check(blur, noise(4, *size), group="(R/N)^2", inputs="fourier_shift", outputs="fourier_shift")
        assert result.verdict is Verdict.HOLDS


def band_limited(size: int, highest: int) -> Tensor:
    spectrum = torch.fft.fft(noise(48, size), dim=-1)
    keep = torch.fft.fftfreq(size, 1 / size).abs() <= highest
    return torch.fft.ifft(spectrum * keep, dim=-1).real


@pytest.mark.parametrize(
    ("size", "degree", "verdict"),
    [
        (32, 2, Verdict.HOLDS),  # up to 2 * 5 = 10 of 16
        (32, 3, Verdict.HOLDS),  # 15 of 16
        (24, 3, Verdict.VIOLATED),  # 15 of 12
        (11, 2, Verdict.VIOLATED),  # 10 of 5.5
        (21, 2, Verdict.HOLDS),  # 10 of 10.5
    ],
)
def test_a_power_commutes_with_fractional_shifts_iff_it_is_sampled_finely_enough(
    size: int, degree: int, verdict: Verdict
) -> None:
    inputs = Examples(band_limited(size, 5))
    rep = FourierShift(axes=(-1,))
    result = symcheck.check(lambda x: x**degree, inputs, group="R/N", inputs=rep, outputs=rep, dtype="float64")
    assert result.verdict is verdict


def test_a_rectifier_does_not_commute_with_fractional_shifts_but_with_whole_ones() -> None:
    inputs, rep = Examples(band_limited(33, 5)), FourierShift(axes=(-1,))
    for group, verdict in (("R/N", Verdict.VIOLATED), ("Z_N", Verdict.HOLDS)):
        result = symcheck.check(torch.relu, inputs, group=group, inputs=rep, outputs=rep, dtype="float64")
        assert result.verdict is verdict


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_fractional_shifts_work_in_any_dtype(dtype: torch.dtype) -> None:
    group, x = PeriodicShifts((5, 8)), noise(16, 5, 8).to(dtype)
    y = FourierShift().act(group, draw(group, 16), x)
    wide = FourierShift().act(group, draw(group, 16), x.to(torch.complex128 if dtype.is_complex else torch.float64))
    assert y.dtype == dtype
    assert float((y.to(wide.dtype) - wide).abs().max()) <= 16 * torch.finfo(dtype).eps * float(wide.abs().max())


# Devices


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("rep", "group", "shape"),
    [case for kind in (Image, RegularImage, Rotate, FourierShift) for case in kind.examples()],
    ids=str,
)
def test_actions_on_a_gpu_are_those_on_the_cpu(rep: Rep, group: Monoid, shape: tuple[int, ...]) -> None:
    g, x = draw(group, 16), noise(16, *shape)
    here, there = rep.act(group, g, x), rep.act(group, g, x.cuda())
    assert there.device.type == "cuda"
    assert float((there.cpu() - here).abs().max()) <= (0 if rep.discrete else 64 * EPS * float(x.abs().max()))
