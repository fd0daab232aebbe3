"""Group CNNs (Cohen, Welling 2016, arXiv:1602.07576): images under shifts, quarter turns and mirrors, p4 and p4m.

The plane group is Z_N^2 with a point group H that fixes the middle of the grid: the quarter turns C_4, or with mirrors D_4.
Feature maps are functions on the group: at each place one number for each orientation h. They move as (g f)(h, x) =
f(g^-1 h, g^-1 x). A linear map commutes with the group iff it is the convolution with a filter W on the group,

    out(g, x) = sum_h sum_y W[g^-1 h](g^-1 y) f(h, x + y)

so that the kernels of the other orientations are turned and reordered copies of those of the first. With an image for input
(a lifting convolution) there is no h. This is one ordinary convolution with the kernel expanded over g, and it spans all of
the equivariant kernels: |H| k^2 dimensions, 72 for D_4 and k = 3. What treats orientations alike commutes with H: a bias, a
batch norm or a nonlinearity that they share. A maximum over orientations is an image again; a mean over the whole group is
invariant.

Strides: the samples that are kept must be symmetric about the middle. Of an odd number of samples, every other one is; of an
even number it isn't, and the mirror image of a strided feature map lies between its samples. Pools of 2 x 2 need even sizes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from models import cnn
from models._random import randomised
from models._tasks.images import oriented
from models._training import Lesson, anew, main
from symcheck.claims import Claim, Subject
from symcheck.domains import Grid
from symcheck.groups import Cyclic, Dihedral

PointGroup = Cyclic | Dihedral


def place_of(point: Tensor, points: Tensor) -> Tensor:
    """Where in a list `(k, d)` points `(..., d)` stand, in whole numbers."""
    return (point.unsqueeze(-2) == points).all(-1).long().argmax(-1)


def taps(group: PointGroup, size: int, lift: bool) -> Tensor:
    """For each orientation g and tap (h, y), which of the weights it has: that at (g^-1 h, g^-1 y). `(|H|, inputs, size^2)`."""
    g = group.elements()
    back = group.inverse(g)
    middle = torch.arange(size) * 2 - (size - 1)  # twice the distance from the middle, a whole number
    y = torch.cartesian_prod(middle, middle)
    turned = torch.einsum("gij, yj -> gyi", group.linear(back).long(), y)
    places = place_of(turned, y).unsqueeze(1)
    if lift:
        return places
    pairs = group.compose(back.repeat_interleave(len(g), 0), g.repeat(len(g), 1))
    orientations = place_of(pairs, g).reshape(len(g), len(g), 1)
    return orientations * len(y) + places


class GroupConvolution(nn.Module):
    """`(n, inputs, |H|, height, width) -> (n, outputs, |H|, ...)`, or from images `(n, inputs, height, width)` if it lifts.

    `size` is odd, so that the kernel has a tap in its middle.
    In eval mode without gradients the expanded kernel is kept, until the weight changes, moves or is cast. Only a write
    through `weight.data` goes unseen; call `eval()` after it.
    """

    taps: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        group: PointGroup,
        size: int = 3,
        stride: int = 1,
        padding: str = "circular",
        lift: bool = False,
    ) -> None:
        super().__init__()
        self.size, self.stride, self.lift, self.mode = size, stride, lift, {"zeros": "constant"}.get(padding, padding)
        self.orientations = 1 if lift else group.order
        fan_in = inputs * self.orientations * size**2
        self.weight = nn.Parameter(torch.randn(outputs, inputs, self.orientations * size**2) * fan_in**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("taps", taps(group, size, lift), persistent=False)
        self._kept: tuple[object, Tensor, torch.UntypedStorage] | None = None

    def expanded(self) -> Tensor:
        """The kernel of the ordinary convolution, `(outputs |H|, inputs |H|, size, size)`: orientations beside channels."""
        copies = self.weight[..., self.taps].transpose(1, 2)  # (outputs, g, inputs, h, size^2)
        outputs, orientations, inputs = copies.shape[:3]
        return copies.reshape(outputs * orientations, inputs * self.orientations, self.size, self.size)

    def kernel(self) -> Tensor:
        weight = self.weight
        replaced = not isinstance(weight, nn.Parameter)  # by torch.func.functional_call: perhaps a batch of weights
        if self.training or replaced or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self.expanded()
        state = (weight.data_ptr(), weight._version, weight.dtype, weight.device)
        if self._kept is None or self._kept[0] != state:
            self._kept = state, self.expanded(), weight.untyped_storage()  # held, so that no other weight gets its address
        return self._kept[1]

    def train(self, mode: bool = True) -> GroupConvolution:
        self._kept = None
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.lift else x.flatten(1, 2)
        margin = self.size // 2
        around = functional.pad(x, (margin,) * 4, mode=self.mode)
        bias = self.bias.repeat_interleave(len(self.taps))
        y = functional.conv2d(around, self.kernel(), bias, self.stride)
        return y.reshape(len(x), -1, len(self.taps), *y.shape[2:])


class Classifier(nn.Module):
    """Logits for an image: `(n, channels, height, width) -> (n, classes)`."""

    def __init__(
        self,
        group: PointGroup,
        channels: int = 3,
        classes: int = 4,
        width: int = 8,
        stride: int = 1,
        padding: str = "circular",
    ) -> None:
        super().__init__()
        self.features = features(group, channels, width, stride, padding)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).mean((2, -2, -1)))
        return logits


class Segmenter(nn.Module):
    """Logits at each place: `(n, channels, height, width) -> (n, classes, height, width)`."""

    def __init__(self, group: PointGroup, channels: int = 3, classes: int = 4, width: int = 8) -> None:
        super().__init__()
        self.features = features(group, channels, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).amax(2))
        return logits


def features(group: PointGroup, channels: int, width: int, stride: int = 1, padding: str = "circular") -> nn.Sequential:
    """Images to feature maps on the group: `(n, channels, height, width) -> (n, width, |H|, ...)`."""
    lift = GroupConvolution(channels, width, group, padding=padding, lift=True)
    second = GroupConvolution(width, width, group, stride=stride, padding=padding)
    third = GroupConvolution(width, width, group, padding=padding)
    norms = nn.BatchNorm3d(width), nn.BatchNorm3d(width)  # statistics over orientations as well as places
    return nn.Sequential(lift, norms[0], nn.Tanh(), second, norms[1], nn.Tanh(), third, nn.Tanh())


class NormOfEach(nn.BatchNorm2d):
    """A batch norm with statistics and scales for each orientation, as it comes if orientations are taken for channels."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1, 2)).reshape(x.shape)


class UntiedBias(nn.Module):
    """A number for each channel and orientation, added everywhere."""

    def __init__(self, channels: int, orientations: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, orientations, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


ROTATIONS, WITH_MIRRORS = Cyclic(4), Dihedral(4)
GAIN = 3.0  # at less, a mean over the group varies little beside its offset, which bfloat16 can't carry


def p4_classifier() -> Classifier:
    return randomised(Classifier(ROTATIONS), GAIN)


def p4m_classifier() -> Classifier:
    return randomised(Classifier(WITH_MIRRORS), GAIN)


def p4m_segmenter() -> Segmenter:
    return randomised(Segmenter(WITH_MIRRORS), GAIN)


def p4_features() -> nn.Sequential:
    return randomised(features(ROTATIONS, 3, 8), GAIN)


def p4m_features() -> nn.Sequential:
    return randomised(features(WITH_MIRRORS, 3, 8), GAIN)


def strided_classifier() -> Classifier:
    """Keeps every other sample. Zero padding keeps turns and mirrors, and loses shifts."""
    return randomised(Classifier(WITH_MIRRORS, stride=2, padding="zeros"), GAIN)


def norm_of_each() -> nn.Sequential:
    model = features(WITH_MIRRORS, 3, 8)
    model[1], model[4] = NormOfEach(8 * 8), NormOfEach(8 * 8)
    return randomised(model, GAIN)


def untied_bias() -> nn.Sequential:
    model = features(WITH_MIRRORS, 3, 8)
    model[4] = UntiedBias(8, 8)
    return randomised(model, GAIN)


LESSON = Lesson(
    "tetrominoes and their mirror images",
    "p4",
    {"p4 CNN": lambda: Classifier(ROTATIONS, 1), "CNN": lambda: cnn.Classifier(1, width=16)},
    draw=oriented,
    transform=anew(oriented),
    goal=0.95,
)


_IMAGE = Grid(3, (6, 6))
_CLASSES = Claim(Subject.built(p4m_classifier), "p4m", domain=_IMAGE, inputs="image", outputs="scalar")
_PLACES = Claim(Subject.built(p4m_segmenter), "p4m", domain=_IMAGE, inputs="image", outputs="image")
_FEATURES = Claim(Subject.built(p4m_features), "p4m", domain=_IMAGE, inputs="image", outputs="regular_image")
_STRIDED = Claim(Subject.built(strided_classifier), "D_4", domain=Grid(3, (7, 7)), inputs="image", outputs="scalar")

CLAIMS: tuple[Claim, ...] = (
    _CLASSES,
    _PLACES,
    _FEATURES,
    Claim(Subject.built(p4_classifier), "p4", domain=_IMAGE, inputs="image", outputs="scalar"),
    Claim(Subject.built(p4_features), "p4", domain=_IMAGE, inputs="image", outputs="regular_image"),
    _STRIDED,
)

TWINS: tuple[Claim, ...] = (
    _FEATURES.twin(Subject.built(norm_of_each), reason="each orientation has a scale and statistics of its own"),
    _FEATURES.twin(Subject.built(untied_bias), reason="each orientation has a bias of its own"),
    _CLASSES.twin(Subject.built(p4_classifier), reason="it turns its kernels but doesn't mirror them"),
    replace(
        _STRIDED,
        domain=Grid(3, (8, 8)),
        expected="violated",
        reason="of an even number of samples every other one isn't symmetric about the middle",
        id=f"{_STRIDED.id}, an even size",
    ),
)

if __name__ == "__main__":
    main(lesson=LESSON)
