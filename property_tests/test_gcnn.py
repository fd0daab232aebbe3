"""Group CNNs, by moving pixels about with `torch.rot90` and `torch.roll` alone, and the CNNs that they are compared with."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from models import alias_free, cnn, gcnn
from models._random import randomised
from models._tasks.images import SHAPES, shapes
from models._training import cross_entropy as loss
from symcheck.groups import Cyclic, Dihedral

EPS = float(torch.finfo(torch.float64).eps)
C4, D4 = gcnn.ROTATIONS, gcnn.WITH_MIRRORS
both_groups = pytest.mark.parametrize("group", [C4, D4], ids=str)
EXACT = 32 * EPS  # what a few layers of sums make of an epsilon; a broken layer shows 0.1 and more


def images(size: int, channels: int = 3, count: int = 4) -> Tensor:
    return torch.randn(count, channels, size, size, generator=Generator().manual_seed(0), dtype=torch.float64)


def turned(x: Tensor, quarters: int, mirrored: bool) -> Tensor:
    """A left-right mirror first, then anticlockwise quarter turns."""
    return torch.rot90(x.flip(-1) if mirrored else x, quarters, (-2, -1))


def turned_maps(f: Tensor, quarters: int, mirrored: bool) -> Tensor:
    """Feature maps `(n, c, |H|, height, width)`: orientation r^k s^m to r^(q + k) s^m, mirrored r^(q - k) s^(m + 1)."""
    moved = torch.empty_like(f)
    for place in range(f.shape[2]):
        k, m = place % 4, place // 4
        to = (quarters - k if mirrored else quarters + k) % 4 + 4 * (m ^ int(mirrored))
        moved[:, :, to] = turned(f[:, :, place], quarters, mirrored)
    return moved


def elements(group: gcnn.PointGroup) -> list[tuple[int, bool]]:
    return [(k, m) for m in (False, True)[: group.order // 4] for k in range(4)]


def gap(left: Tensor, right: Tensor) -> float:
    """RMS, relative to the spread over the images."""
    return float((left - right).norm() / (right - right.mean(0)).norm())


def worst(
    f: Callable[[Tensor], Tensor], group: gcnn.PointGroup, size: int, outward: Callable[[Tensor, int, bool], Tensor]
) -> float:
    """The largest violation over the group and two shifts, of images of that size."""
    x = images(size)
    with torch.no_grad():
        y = f(x)
        return max(gap(f(turned(x, k, m)), outward(y, k, m)) for k, m in elements(group))


def same(y: Tensor, quarters: int, mirrored: bool) -> Tensor:
    return y


def features(group: gcnn.PointGroup, *, stride: int = 1, padding: str = "circular") -> nn.Module:
    torch.manual_seed(0)
    return randomised(gcnn.features(group, 3, 4, stride, padding)).double()


# The symmetry


@both_groups
@pytest.mark.parametrize("size", [4, 5, 6, 9])
def test_features_turn_with_the_image(group: gcnn.PointGroup, size: int) -> None:
    assert worst(features(group), group, size, turned_maps) <= EXACT


@both_groups
@pytest.mark.parametrize("shift", [(1, 0), (-2, 3)])
def test_features_shift_with_the_image(group: gcnn.PointGroup, shift: tuple[int, int]) -> None:
    f, x = features(group), images(6)
    with torch.no_grad():
        assert gap(f(x.roll(shift, (-2, -1))), f(x).roll(shift, (-2, -1))) <= EXACT


@both_groups
def test_classes_stay_and_labels_turn(group: gcnn.PointGroup) -> None:
    torch.manual_seed(0)
    classifier, segmenter = randomised(gcnn.Classifier(group)).double(), randomised(gcnn.Segmenter(group)).double()
    assert worst(classifier, group, 6, same) <= EXACT
    assert worst(segmenter, group, 6, turned) <= EXACT


def test_moving_features_as_channels_is_caught() -> None:
    """The check isn't blind: the orientations must be moved as well as the places."""
    assert worst(features(C4), C4, 6, turned) > 0.5


def test_a_stride_keeps_turns_of_odd_sizes_alone() -> None:
    strided = features(D4, stride=2, padding="zeros")
    assert worst(strided, D4, 7, turned_maps) <= EXACT
    assert worst(strided, D4, 9, turned_maps) <= EXACT
    assert worst(strided, D4, 8, turned_maps) > 0.5


def test_orientations_with_scales_of_their_own_are_caught() -> None:
    torch.manual_seed(0)
    model = gcnn.norm_of_each().double()
    assert worst(model, D4, 6, turned_maps) > 0.5


def test_statistics_of_each_orientation_break_the_symmetry_without_any_weights() -> None:
    """As the norm comes, its scales are equal. Its running statistics aren't, once it has seen images that have a way up."""
    upright = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(6, 1) + 0.1 * images(6)
    errors = {}
    for norm in (nn.BatchNorm3d(4), gcnn.NormOfEach(4 * 8)):
        torch.manual_seed(0)
        model = gcnn.features(D4, 3, 4).double()
        model[1] = norm.double()
        model.train()
        with torch.no_grad():
            for _ in range(5):
                model(upright)
        errors[type(norm)] = worst(model.eval(), D4, 6, turned_maps)
    assert errors[nn.BatchNorm3d] <= EXACT
    assert errors[gcnn.NormOfEach] > 0.01


def test_a_bias_for_each_orientation_is_caught() -> None:
    torch.manual_seed(0)
    assert worst(gcnn.untied_bias().double(), D4, 6, turned_maps) > 0.5


def test_turns_alone_tell_mirror_images_apart() -> None:
    torch.manual_seed(0)
    p4, p4m = (randomised(gcnn.Classifier(group)).double() for group in (C4, D4))
    x = images(6)
    with torch.no_grad():
        assert gap(p4(x.flip(-1)), p4(x)) > 0.1
        assert gap(p4m(x.flip(-1)), p4m(x)) <= EXACT


@pytest.mark.parametrize("build", [gcnn.p4m_features, gcnn.norm_of_each], ids=lambda build: build.__name__)
def test_training_keeps_what_holds_and_hides_nothing(build: Callable[[], nn.Sequential]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(build(), nn.Flatten(), nn.Linear(8 * 8 * 36, 4)).double().train()
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(5):
        optimiser.zero_grad()
        loss(model, (images(6), torch.arange(4))).backward()
        optimiser.step()
    error = worst(model.eval()[0], D4, 6, turned_maps)
    assert error <= EXACT if build is gcnn.p4m_features else error > 0.5


# The kernels


def every_equivariant_kernel(group: gcnn.PointGroup, size: int) -> int:
    """The dimension of all kernels K[g, h](x) with K[k g, k h](k x) = K[g, h](x), found by averaging over the group."""
    order = group.order
    basis = torch.eye(order * order * size**2, dtype=torch.float64).reshape(-1, order, order, size, size)
    total = torch.zeros_like(basis)
    for k, m in elements(group):
        moved = turned_maps(basis, k, m)  # along h and places
        total += turned_maps(moved.transpose(1, 2), 0, False).transpose(1, 2)[:, _order(group, k, m)]
    return int(torch.linalg.matrix_rank(total.flatten(1)))


def _order(group: gcnn.PointGroup, quarters: int, mirrored: bool) -> Tensor:
    """Where orientation g comes from under an element."""
    orientations = torch.arange(group.order, dtype=torch.float64).reshape(1, 1, -1, 1, 1)
    return turned_maps(orientations, quarters, mirrored).flatten().long()


@pytest.mark.parametrize(("group", "size", "dimension"), [(D4, 3, 72), (C4, 3, 36), (D4, 1, 8), (C4, 5, 100)], ids=str)
def test_the_kernels_are_all_that_there_are(group: gcnn.PointGroup, size: int, dimension: int) -> None:
    """With one channel each, an expanded kernel for each weight: independent, and as many as equivariance leaves."""
    layer = gcnn.GroupConvolution(1, 1, group, size).double()
    kernels = []
    for i in range(layer.weight.numel()):
        with torch.no_grad():
            layer.weight.copy_((torch.arange(layer.weight.numel()) == i).reshape(layer.weight.shape))
            kernels.append(layer.expanded().flatten())
    assert int(torch.linalg.matrix_rank(torch.stack(kernels))) == dimension
    assert every_equivariant_kernel(group, size) == dimension


@both_groups
def test_the_expanded_kernel_is_the_filter_at_the_inverse(group: gcnn.PointGroup) -> None:
    """W'[o, g; i, h](x) = W[o, i, g^-1 h](g^-1 x), written out with turned arrays."""
    layer = gcnn.GroupConvolution(2, 3, group).double()
    weight = layer.weight.reshape(3, 2, group.order, 3, 3)
    expanded = layer.expanded().reshape(3, group.order, 2, group.order, 3, 3)
    for place, (k, m) in enumerate(elements(group)):
        assert torch.equal(expanded[:, place], turned_maps(weight, k, m))


@both_groups
def test_a_lifted_kernel_is_turned(group: gcnn.PointGroup) -> None:
    layer = gcnn.GroupConvolution(2, 3, group, lift=True).double()
    expanded = layer.expanded().reshape(3, group.order, 2, 3, 3)
    for place, (k, m) in enumerate(elements(group)):
        assert torch.equal(expanded[:, place], turned(layer.weight.reshape(3, 2, 3, 3), k, m))


# The kept kernel


def fresh(layer: gcnn.GroupConvolution) -> Tensor:
    with torch.no_grad():
        return layer.expanded()


@pytest.fixture
def layer() -> gcnn.GroupConvolution:
    torch.manual_seed(0)
    made = gcnn.GroupConvolution(2, 3, D4).eval()
    with torch.no_grad():
        made(torch.randn(1, 2, 8, 5, 5))
    return made


def test_the_kernel_is_kept(layer: gcnn.GroupConvolution) -> None:
    with torch.no_grad():
        assert layer.kernel() is layer.kernel()
    with torch.inference_mode():
        assert layer.kernel() is layer.kernel()


def _step(layer: gcnn.GroupConvolution) -> None:
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.randn(1, 2, 8, 5, 5)).sum().backward()
    optimiser.step()


def _write(layer: gcnn.GroupConvolution) -> None:
    with torch.no_grad():
        layer.weight.mul_(2)


def _load(layer: gcnn.GroupConvolution) -> None:
    layer.load_state_dict({name: 2 * value for name, value in layer.state_dict().items()})


def _cast(layer: gcnn.GroupConvolution) -> None:
    layer.double()


def _swap(layer: gcnn.GroupConvolution) -> None:
    layer.weight.data = layer.weight.data * 2


def _swap_often(layer: gcnn.GroupConvolution) -> None:
    """Until a new weight gets the memory of the first, if it can."""
    first, own = layer.weight.data_ptr(), layer.weight.data.clone()
    for _ in range(100):
        layer.weight.data = own * 2
        if layer.weight.data_ptr() == first:
            break


def _replace(layer: gcnn.GroupConvolution) -> None:
    layer.weight = nn.Parameter(layer.weight.detach() * 2)


def _write_through_data(layer: gcnn.GroupConvolution) -> None:
    layer.weight.data.mul_(2)
    layer.eval()


CHANGES = [_step, _write, _load, _cast, _swap, _swap_often, _replace, _write_through_data]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_the_kernel_follows_its_weight(layer: gcnn.GroupConvolution, change: Callable[[gcnn.GroupConvolution], None]) -> None:
    with torch.no_grad():
        before = layer.kernel()
    change(layer)
    with torch.no_grad():
        after = layer.kernel()
    assert after.dtype == layer.weight.dtype
    assert torch.equal(after, fresh(layer))
    assert after.dtype != before.dtype or not torch.equal(after, before)


def test_a_kernel_that_is_kept_blindly_is_caught(layer: gcnn.GroupConvolution) -> None:
    """What the tests above would see of a cache without a key."""
    assert layer._kept is not None
    blind = layer._kept[1]
    _write(layer)
    assert not torch.equal(blind, fresh(layer))


def test_gradients_pass_through_a_layer_in_eval_mode(layer: gcnn.GroupConvolution) -> None:
    layer(torch.randn(1, 2, 8, 5, 5)).sum().backward()
    assert layer.weight.grad is not None
    assert bool(layer.weight.grad.any())


def test_a_copy_has_a_kernel_of_its_own(layer: gcnn.GroupConvolution) -> None:
    twin = copy.deepcopy(layer)
    _write(twin)
    with torch.no_grad():
        assert torch.equal(twin.kernel(), fresh(twin))
        assert torch.equal(layer.kernel(), fresh(layer))
        assert not torch.equal(layer.kernel(), twin.kernel())


def test_a_batch_of_weights_is_no_weight_to_keep(layer: gcnn.GroupConvolution) -> None:
    x, bias = torch.randn(1, 2, 8, 5, 5), layer.bias.detach()
    weights = torch.stack([layer.weight.detach(), 2 * layer.weight.detach()])

    def one(weight: Tensor) -> Tensor:
        y: Tensor = torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))
        return y

    with torch.no_grad():
        together = torch.vmap(one)(weights)
        apart = torch.stack([one(weight) for weight in weights])
        assert gap(together, apart) <= 1e-5  # another order of sums, in float32
        assert torch.equal(layer.kernel(), fresh(layer))


def test_the_kernel_is_no_state(layer: gcnn.GroupConvolution) -> None:
    assert set(layer.state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions_run(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = gcnn.p4m_classifier().to(dtype)
    with torch.no_grad():
        assert model(images(6).to(dtype)).dtype == dtype


# CNNs


def test_ties_break_adaptive_pooling_and_only_ties() -> None:
    torch.manual_seed(0)
    model, tied = cnn.pooled_first().double(), cnn.ties()
    generic = tied + 0.1 * images(8, 1)
    parts = torch.stack([tied[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
    norms = parts.square().sum((2, 3, 4))
    assert torch.equal(norms, norms[:, :1].expand_as(norms))
    with torch.no_grad():
        assert gap(model(generic.roll(1, -1)), model(generic)) <= EXACT
        assert gap(model(tied.roll(1, -1)), model(tied)) > 0.1


def test_a_cnn_does_not_turn() -> None:
    torch.manual_seed(0)
    assert worst(cnn.classifier().double(), D4, 6, same) > 0.1


def shifted(x: Tensor, by: tuple[float, float]) -> Tensor:
    """By Fourier phases, on odd sizes."""
    for axis, step in zip((-2, -1), by, strict=True):
        frequency = torch.fft.fftfreq(x.shape[axis], dtype=torch.float64).reshape((-1, 1) if axis == -2 else (-1,))
        x = torch.fft.ifft(torch.fft.fft(x, dim=axis) * torch.exp(-2j * torch.pi * frequency * step), dim=axis).real
    return x


def off(model: nn.Module, by: tuple[float, float] = (0.4, -1.7), size: int = 9) -> float:
    x = images(size)
    with torch.no_grad():
        y = model.double()(x)
        return gap(model(shifted(x, by)), shifted(y, by))


def built(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make()


def test_convolutions_and_quadratics_on_finer_grids_shift_by_fractions() -> None:
    assert off(built(alias_free.linear)) <= EXACT
    assert off(built(alias_free.segmenter)) <= EXACT
    assert off(built(alias_free.aliased_segmenter)) > 0.01
    assert off(built(cnn.segmenter)) > 0.1
    assert off(built(cnn.segmenter), by=(2, -3)) <= EXACT


@pytest.mark.parametrize(("degree", "factor"), [(2, 1.5), (3, 2.0), (5, 3.0)])
def test_a_polynomial_needs_as_much_oversampling_as_its_degree_says(degree: int, factor: float) -> None:
    """(d + 1) / 2: with two samples fewer, the highest of its frequencies comes back."""
    x, function = images(9), nn.Module()
    function.forward = lambda x: x**degree  # type: ignore[method-assign]

    def error(factor: float) -> float:
        f = alias_free.OnFinerGrid(function, factor)
        return gap(f(shifted(x, (0.4, -1.7))), shifted(f(x), (0.4, -1.7)))

    needed = (degree + 1) * 4 + 1  # frequencies up to 4 on 9 samples
    assert needed / 9 <= factor
    assert error(factor) <= 4 * EXACT  # powers of numbers of order one lose a digit
    assert error(needed / 9) <= 4 * EXACT
    assert error((needed - 1) / 9) > 1e-4


def test_relu_on_finer_grids_converges() -> None:
    errors = [off(built(lambda factor=factor: alias_free.relu_segmenter(factor))) for factor in (2, 4, 8, 16)]
    assert 1e-2 <= errors[0] <= 0.2
    assert errors[2] <= 5e-3
    assert all(3 <= coarse / fine <= 10 for coarse, fine in pairwise(errors))


def test_even_sizes_lose_their_highest_frequency_and_nothing_else() -> None:
    x = images(8)
    back = alias_free.resized(alias_free.resized(x, 12, 12), 8, 8)
    spectrum, kept = torch.fft.fft2(x), torch.fft.fft2(back)
    low = torch.arange(8) != 4
    assert gap(kept[..., low, :][..., low], spectrum[..., low, :][..., low]) <= EXACT
    assert float(kept[..., 4, :].abs().max()) <= EXACT * float(spectrum.abs().max())


# What they are worth


def test_shapes_lie_where_they_are_told_to() -> None:
    def placed(**moves: bool) -> set[tuple[int, ...]]:
        x, kind = shapes(256, Generator().manual_seed(0), **moves)
        assert set(kind.tolist()) == {0, 1, 2, 3}
        return {tuple(one.flatten().round().int().tolist()) for one in x[kind == 0]}

    assert len(placed(shifted=False)) == 1
    assert len(placed(shifted=False, turned=True)) == 4
    assert 20 <= len(placed(shifted=True)) <= 64  # of some 64 drawn from 64 places, about 40 differ


def test_mirror_images_of_tetrominoes_are_no_turns_of_each_other() -> None:
    found = [torch.nn.functional.pad(shape, (0, 0, 0, 1)) for shape in SHAPES]

    def placed(shape: Tensor) -> set[tuple[tuple[int, int], ...]]:
        turns = [torch.rot90(shape, k).nonzero() for k in range(4)]
        return {tuple(map(tuple, (cells - cells.amin(0)).tolist())) for cells in turns}

    kinds = [placed(shape) for shape in found]
    assert all(not kinds[i] & kinds[j] for i in range(4) for j in range(i))
    assert placed(found[0].flip(-1)) & kinds[1]
    assert placed(found[2].flip(-1)) & kinds[3]


@pytest.mark.slow
@pytest.mark.parametrize(("module", "twin"), [(gcnn, "CNN"), (cnn, "MLP")], ids=["gcnn", "cnn"])
def test_training_reaches_its_figures(module: Any, twin: str) -> None:
    row = module.LESSON.row()
    assert row["broken"] == twin
    assert row["test"] >= 0.95
    assert row["transformed"] >= 0.95
    assert row["broken_test"] >= 0.8
    assert row["broken_transformed"] <= 0.6


def test_point_groups_list_turns_before_mirrors() -> None:
    """The order of orientations that these tests, and `RegularImage`, go by."""
    assert Cyclic(4).elements().flatten().tolist() == [0, 1, 2, 3]
    assert Dihedral(4).elements().tolist() == [[k, m] for m in (0, 1) for k in range(4)]
