"""The group convolution against e2cnn's: theirs lies in the span of ours, with the same numbers. It needs numpy below 2."""

from __future__ import annotations

import warnings
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

from models.gcnn import GroupConvolution, PointGroup
from symcheck.groups import Cyclic, Dihedral

pytestmark = pytest.mark.peers


def theirs(group: PointGroup) -> Any:
    """A convolution between two pairs of regular feature fields, with random weights."""
    pytest.importorskip("e2cnn", reason="e2cnn isn't installed")
    if int(numpy.__version__.split(".")[0]) >= 2:
        pytest.skip("e2cnn needs numpy below 2")
    from e2cnn import gspaces, nn

    space = (gspaces.Rot2dOnR2 if isinstance(group, Cyclic) else gspaces.FlipRot2dOnR2)(N=4)
    field = nn.FieldType(space, [space.regular_repr] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.R2Conv(field, field, kernel_size=3, padding=1, padding_mode="circular", bias=False).double()


def spanned(ours: GroupConvolution) -> Tensor:
    """The expanded kernel of each weight alone, `(entries, weights)`."""
    columns = []
    with torch.no_grad():
        for i in range(ours.weight.numel()):
            ours.weight.zero_()
            ours.weight.view(-1)[i] = 1
            columns.append(ours.expanded().flatten())
    return torch.stack(columns, 1)


@pytest.mark.parametrize("group", [Cyclic(4), Dihedral(4)], ids=str)
def test_the_same_filters_give_the_same_numbers(group: PointGroup) -> None:
    torch.manual_seed(0)
    conv = theirs(group)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernel = conv.expand_parameters()[0].detach()
    ours = GroupConvolution(2, 2, group).double().eval()
    found = torch.linalg.lstsq(spanned(ours), kernel.reshape(-1, 1)).solution
    with torch.no_grad():
        ours.weight.copy_(found.reshape(ours.weight.shape))
        ours.bias.zero_()
        x = torch.randn(3, 2, group.order, 7, 7, dtype=torch.float64)
        expected = torch.nn.functional.conv2d(torch.nn.functional.pad(x.flatten(1, 2), (1,) * 4, mode="circular"), kernel)
        assert torch.allclose(ours(x).flatten(1, 2), expected, rtol=0, atol=1e-10)


def test_our_basis_is_whole_and_theirs_is_not() -> None:
    """Of the 72 dimensions of a 3 x 3 kernel between regular fields of p4m, theirs at its default spans 48."""
    conv = theirs(Dihedral(4))
    ours = spanned(GroupConvolution(1, 1, Dihedral(4)).double())
    assert int(torch.linalg.matrix_rank(ours)) == 72
    assert conv.weights.numel() == 4 * 48


def test_a_kernel_that_is_not_equivariant_is_not_in_the_span() -> None:
    torch.manual_seed(0)
    ours = spanned(GroupConvolution(1, 1, Dihedral(4)).double())
    kernel = torch.randn(len(ours), 1, dtype=torch.float64)
    left = kernel - ours @ torch.linalg.lstsq(ours, kernel).solution
    assert left.norm() > 0.5 * kernel.norm()
