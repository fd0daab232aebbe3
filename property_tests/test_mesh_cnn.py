"""The mesh CNN: its symmetries in float64 with their figures, the twins that break them, its kernels, and what it learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import mesh_cnn
from models._geometry import Charts, chosen, intrinsic, projected, rings_of
from models._mesh_actions import Fold, induced
from models._random import randomised
from models._steerable import Convolution, Gated, Sampled, harmonics, turned
from models._tasks.flows import flows
from models._training import fit, seeded
from models.mesh_cnn import CLAIMS, MeshCNN, Network, OnFrames
from symcheck import Claim, Subject, Verdict
from symcheck.domains import Mesh
from symcheck.domains.mesh import cylinder, icosphere, strip, torus
from symcheck.groups import SO, CyclicGauge, E, Gauge, Symmetric
from symcheck.groups.gauge import wrapped
from symcheck.reps import Cycle, Framed, Permute, Point, Relabel
from symcheck.testing import check_rep

EPS = float(torch.finfo(torch.float64).eps)
SURFACES = {"icosphere": icosphere(1), "torus": torus(), "strip": strip(), "cylinder": cylinder()}
every_surface = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)


def drawn(surface: Any, n: int = 4, channels: int = 2, dim: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    positions, faces, z = Mesh(*surface, signal=(channels, dim)).sample({}, n, Generator().manual_seed(0))
    return positions, faces, z


def rng(seed: int = 1) -> Generator:
    return Generator().manual_seed(seed)


def off(left: Tensor, right: Tensor) -> float:
    """The relative error, RMS."""
    return float((left - right).detach().norm() / right.detach().norm())


GATED = partial(Gated, 8)


def model(activation: Callable[[], nn.Module] = GATED, charts: Any = intrinsic) -> MeshCNN:
    return seeded(lambda: randomised(MeshCNN(Network(activation), charts=charts))).double()


# Audits


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_holds_in_other_precisions_than_its_own(claim: Claim, dtype: str) -> None:
    (result,) = symcheck.audit(claim, dtype=dtype).results
    assert result.verdict == Verdict.HOLDS, str(result)


# M1: gauge


def regauged(c: Charts, phi: Tensor, transported: bool = True) -> Charts:
    direction = c.direction - phi.unsqueeze(-1)
    transport = c.transport - phi.unsqueeze(-1) + chosen(phi, c.neighbour)
    return c._replace(direction=direction, transport=transport if transported else c.transport)


@every_surface
def test_features_turn_with_the_frames(surface: Any) -> None:
    """Off by 3e-16 for one convolution, 6e-16 for three with gates; by 0.7 to 1 where the transport isn't updated."""
    positions, faces, z = drawn(surface)
    c, group = intrinsic(positions, faces), Gauge(positions.shape[1])
    phi = group.sample(4, rng())
    turned_z = Framed((0, 1)).act(group, phi, z)
    for network, bound in ((seeded(lambda: Convolution(2, 8, 1, 2)).double(), 4e-15), (model().network, 8e-15)):
        y = Framed((0, 1, 2)).act(group, phi, network(z, c))
        assert off(network(turned_z, regauged(c, phi)), y) < bound
        assert off(network(turned_z, regauged(c, phi, transported=False)), y) > 0.5
        assert off(network(z, regauged(c, phi)), y) > 0.5


def test_a_network_told_of_frames_is_the_one_on_the_mesh() -> None:
    vertices, faces = icosphere()
    z = drawn((vertices, faces), 1)[2]
    told = seeded(mesh_cnn.on_frames).double()
    told.weight = intrinsic(vertices, faces).weight  # it was made in float32
    c = intrinsic(vertices.unsqueeze(0), faces)
    assert off(told(z, c.direction.flatten(1), c.transport.flatten(1)), told.network(z, c)) < 1e-14
    assert tuple((p, int(q)) for p in range(12) for q in c.neighbour[p]) == mesh_cnn.EDGES


# M2: relabelling


def relabelled(x: tuple[Tensor, Tensor, Tensor], labels: Tensor, phi: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    positions, faces, z = x
    points, frames = Symmetric(positions.shape[1]), Gauge(positions.shape[1])
    z = Framed((0, 1)).act(frames, phi, Permute(axis=-3).act(points, labels, z))
    return Permute().act(points, labels, positions), Relabel().act(points, labels, faces), z


@every_surface
def test_other_labels_give_the_same_in_their_own_frames(surface: Any) -> None:
    """Off by 8e-16 with the induced gauge; where it is ignored, vectors are off by 1.1 to 1.4 of their size."""
    x = drawn(surface)
    size = x[0].shape[1]
    labels = Symmetric(size).sample(4, rng())
    phi, none = induced(x[0], x[1], labels), torch.zeros(4, size, dtype=torch.float64)
    net = model()
    was, now = net(*x), net(*relabelled(x, labels, phi))
    vectors = Permute(axis=-3).act(Symmetric(size), labels, was.vectors)
    assert off(now.classes, was.classes) < 1e-14
    assert off(now.labels, Permute().act(Symmetric(size), labels, was.labels)) < 1e-14
    assert off(now.vectors, Framed().act(Gauge(size), phi, vectors)) < 1e-14
    assert off(now.vectors, vectors) > 0.5
    assert off(net(*relabelled(x, labels, none)).vectors, vectors) > 0.5


def test_the_induced_gauge_is_that_of_the_charts() -> None:
    """Where labels change, the charts do as under the gauge that their labels induce: theta -> theta - phi_p."""
    positions, faces, z = drawn(icosphere(1))
    labels = Symmetric(42).sample(4, rng())
    phi = induced(positions, faces, labels)
    moved = relabelled((positions, faces, z), labels, phi)
    old, new = intrinsic(positions, faces), intrinsic(moved[0], moved[1])
    rings = rings_of(faces, 42)
    for i, p in product(range(4), range(42)):
        there = {int(q): float(a) for q, a in zip(new.neighbour[i, labels[i, p]], new.direction[i, labels[i, p]], strict=True)}
        turn = float(phi[i, labels[i, p]])
        for k in range(int(rings.valence[i, p])):
            gap = there[int(labels[i, old.neighbour[i, p, k]])] - (float(old.direction[i, p, k]) - turn)
            assert abs(math.remainder(gap, 2 * math.pi)) < 1e-12


def test_samples_of_a_nonlinearity_do_not_keep_the_induced_gauge() -> None:
    """It turns frames by any angle, so that seven samples are off, and many are off less."""
    x = drawn(icosphere(1))
    labels = Symmetric(42).sample(4, rng())
    phi = induced(x[0], x[1], labels)
    errors = []
    for samples in (7, 101):
        net = model(partial(Sampled, samples))
        errors.append(off(net(*relabelled(x, labels, phi)).classes, net(*x).classes))
    assert 1e-4 < errors[1] / errors[0] < 0.1
    assert errors[0] > 1e-3


# M3: the order of faces


@every_surface
def test_the_order_of_faces_and_of_their_corners_does_not_matter_to_the_bit(surface: Any) -> None:
    positions, faces, z = drawn(surface)
    net, count = model(), faces.shape[1]
    was = net(positions, faces, z)
    listed = Permute(of="faces").act(Symmetric(count, "faces"), Symmetric(count, "faces").sample(4, rng()), faces)
    cyclic = CyclicGauge(3, count, "faces")
    cycled = Cycle("faces").act(cyclic, cyclic.sample(4, rng()), faces)
    for other in (listed, cycled):
        assert not torch.equal(other, faces)
        assert all(torch.equal(a, b) for a, b in zip(net(positions, other, z), was, strict=True))


def test_a_winding_turned_about_is_seen_but_by_kernels_of_O2() -> None:
    """Kernels with real a and b commute with conjugation, and so with a flip that conjugates all features."""
    positions, faces, z = drawn(icosphere(1))
    net, flip = model(), torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    assert off(net(positions, faces[..., [0, 2, 1]], z * flip).classes, net(positions, faces, z).classes) > 0.1
    imaginary = torch.tensor([False, False, True, False, True])
    with torch.no_grad():
        for convolution, components in zip(net.network.convolutions, (3, 5, 5), strict=True):
            seen = imaginary[:components].repeat(convolution.kernel.shape[-1] // components)
            convolution.kernel.mul_(imaginary.unsqueeze(-1) == seen)
            convolution.own[:, :, 1] = 0.0
    one, other = net(positions, faces, z), net(positions, faces[..., [0, 2, 1]], z * flip)
    assert off(other.classes, one.classes) < 1e-13
    assert off(other.labels, one.labels) < 1e-13
    assert off(other.vectors, one.vectors * flip[1:]) < 1e-13
    assert off(other.vectors, one.vectors) > 0.1


# M4, M5: motions and bending


@every_surface
def test_motions_and_mirrors_change_nothing(surface: Any) -> None:
    positions, faces, z = drawn(surface)
    g = E(3).sample(4, rng())
    net = model()
    for now, was in zip(net(Point().act(E(3), g, positions), faces, z), net(positions, faces, z), strict=True):
        assert off(now, was) < 1e-14


def test_folding_changes_nothing_but_what_is_projected_by_a_per_cent() -> None:
    flat, faces = strip()
    folded, _ = strip(fold=1.6)
    z = drawn(strip(), 1)[2][0]
    for charts, low, high in ((intrinsic, 0.0, 4e-15), (projected, 0.005, 0.05)):
        net = model(charts=charts)
        errors = [off(now, was) for now, was in zip(net(folded, faces, z), net(flat, faces, z), strict=True)]
        assert all(low <= error <= high for error in errors), errors


def test_fold_is_a_rep_and_keeps_lengths() -> None:
    rep = Fold((9, 10, 11, 12, 13, 14))
    check_rep(rep, SO(2), (15, 3))
    flat = Mesh(*strip())
    folded = rep.act(SO(2), SO(2).sample(3, rng()), flat.vertices.expand(3, -1, -1))
    edges = [part[:, flat.edges[:, 0]] - part[:, flat.edges[:, 1]] for part in (folded, flat.vertices.expand(3, -1, -1))]
    assert (edges[0].norm(dim=-1) - edges[1].norm(dim=-1)).abs().max() <= 4 * EPS
    assert Fold((3,)).misfit(SO(2), (3, 3)) is not None


# M7: pointwise nonlinearities on samples

# The relative errors of N samples of ReLU at orders 0, 1, 2 of equal size, under turns by any angle.
ERRORS = {5: 0.31, 7: 0.094, 11: 0.033, 101: 3.5e-4}


def generic(samples: int, pointwise: Callable[[Tensor], Tensor], group: Any) -> float:
    z = torch.randn(256, 12, 8, 5, generator=rng(0), dtype=torch.float64)
    g, layer, rep = group.sample(256, rng()), Sampled(samples, pointwise), Framed((0, 1, 2))
    return off(layer(rep.act(group, g, z)), rep.act(group, g, layer(z)))


@pytest.mark.parametrize("samples", [3, 4, *ERRORS])
def test_samples_are_exact_on_parts_of_a_turn(samples: int) -> None:
    for pointwise in (torch.relu, torch.square, torch.tanh):
        assert generic(samples, pointwise, CyclicGauge(samples, 12)) < 2e-15
    assert generic(samples, torch.relu, CyclicGauge(samples + 1, 12)) > 1e-5


@pytest.mark.parametrize("samples", ERRORS)
def test_samples_of_relu_are_off_under_other_turns(samples: int) -> None:
    assert generic(samples, torch.relu, Gauge(12)) == pytest.approx(ERRORS[samples], rel=0.1)


def test_the_error_of_relu_falls_as_the_square_of_the_samples() -> None:
    few, many = (generic(samples, torch.relu, Gauge(12)) for samples in (101, 401))
    assert math.log(few / many) / math.log(401 / 101) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("degree", [2, 3])
def test_a_polynomial_is_exact_from_as_many_samples_as_it_has_waves_to_keep_apart(degree: int) -> None:
    enough = (degree + 1) * 2 + 1
    assert generic(enough, lambda x: x**degree, Gauge(12)) < 2e-15
    assert generic(enough - 1, lambda x: x**degree, Gauge(12)) > 0.01


def test_samples_are_those_of_the_function_of_direction() -> None:
    """The values of z_0 + sum Re(z_m exp(-i m alpha)), and nothing is lost on the way there and back."""
    z = torch.randn(9, 5, generator=rng(), dtype=torch.float64)
    seen: list[Tensor] = []

    def kept(values: Tensor) -> Tensor:
        seen.append(values)
        return values

    assert off(Sampled(5, kept)(z), z) < 1e-15
    alpha = torch.arange(5) * 2 * math.pi / 5
    values = [
        z[:, :1]
        + sum((torch.complex(z[:, 2 * m - 1], z[:, 2 * m])[:, None] * torch.exp(-1j * m * alpha.double())).real for m in (1, 2))
    ]
    assert off(seen[0], values[0]) < 1e-6


# The kernels


@every_surface
@pytest.mark.parametrize(("order_in", "order_out"), [(0, 0), (0, 2), (1, 2), (2, 1), (3, 3)])
def test_the_fast_way_agrees_with_the_plain_one(surface: Any, order_in: int, order_out: int) -> None:
    positions, faces, z = drawn(surface, channels=3, dim=2 * order_in + 1)
    c = intrinsic(positions, faces)
    layer = seeded(lambda: randomised(Convolution(3, 4, order_in, order_out))).double()
    assert off(layer(z, c), layer.edgewise(z, c)) < 1e-14
    assert off(layer(z[0], intrinsic(positions[0], faces[0])), layer.edgewise(z, c)[0]) < 1e-14
    assert off(layer(z, c), layer.edgewise(z, c._replace(direction=c.direction + 0.1))) > (
        0.0 if order_in == order_out == 0 else 1e-3
    )


def test_so_do_their_gradients() -> None:
    positions, faces, z = drawn(SURFACES["strip"], channels=3, dim=5)
    c = intrinsic(positions, faces)
    layer = seeded(lambda: randomised(Convolution(3, 4, 2, 2))).double()
    leaves, towards = [z.requires_grad_(), *layer.parameters()], torch.ones(4, z.shape[1], 4, 5, dtype=z.dtype)

    def gradients(way: Any, c: Charts) -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(z, c), leaves, towards)

    assert all(off(*pair) < 1e-14 for pair in zip(gradients(layer, c), gradients(layer.edgewise, c), strict=True))
    elsewhere = gradients(layer.edgewise, c._replace(direction=c.direction + 0.1))
    assert off(gradients(layer, c)[0], elsewhere[0]) > 1e-3


def complex_convolution(layer: Convolution, z: Tensor, c: Charts, order_in: int, order_out: int) -> dict[int, Tensor]:
    """out_m(p) = S_m z_m(p) + sum_q sum_r w_r exp(i m theta) (a y + b conj(y)), y = exp(i n (g - theta)) z_n(q), by loops."""
    channels, size = layer.out[0], 2 * order_in + 1
    kernel = layer.kernel.detach().reshape(channels, layer.out[1], 2, -1, size)  # out, component, r, in, component

    def feature(values: Tensor, m: int) -> Tensor:
        real = values[..., 0] if m == 0 else values[..., 2 * m - 1]
        return torch.complex(real, torch.zeros_like(real) if m == 0 else values[..., 2 * m])

    out = {}
    for m in range(order_out + 1):
        rows = (0, None) if m == 0 else (2 * m - 1, 2 * m)
        own = layer.own.detach()
        total = torch.zeros(len(z), channels, dtype=torch.complex128)
        if m <= min(order_in, order_out):
            stay = torch.complex(own[:, m, 0], own[:, m, 1] if m else torch.zeros_like(own[:, m, 1]))
            total += feature(z, m) @ stay.mT
        for n in range(order_in + 1):
            columns = (0, None) if n == 0 else (2 * n - 1, 2 * n)
            zero = torch.zeros(channels, 2, z.shape[1], dtype=torch.float64)
            xx, xy, yx, yy = (
                zero if row is None or column is None else kernel[:, row, :, :, column] for row in rows for column in columns
            )
            # A real matrix ((xx, xy), (yx, yy)) is y -> a y + b conj(y):
            a, b = torch.complex(xx + yy, yx - xy) / 2, torch.complex(xx - yy, yx + xy) / 2
            for p in range(len(z)):
                for k, q in enumerate(c.neighbour[p].tolist()):
                    y = torch.exp(1j * n * (c.transport[p, k] - c.direction[p, k])) * feature(z[q], n)
                    for r in range(2):
                        wave = c.weight[p, k, r] * torch.exp(1j * m * c.direction[p, k])
                        total[p] += wave * (a[:, r] @ y + b[:, r] @ y.conj())
        out[m] = total.real + layer.bias.detach() + 0j if m == 0 else total
    return out


@pytest.mark.parametrize(("order_in", "order_out"), [(0, 1), (1, 2), (2, 0)])
def test_the_kernels_are_those_of_the_formula(order_in: int, order_out: int) -> None:
    """With complex a and b for each r, n and m: a real matrix of 2 x 2 is a y + b conj(y), and both parts matter."""
    positions, faces, z = drawn(cylinder(4, 2), n=1, dim=2 * order_in + 1)
    c = intrinsic(positions[0], faces[0])
    layer = seeded(lambda: randomised(Convolution(2, 3, order_in, order_out))).double()
    y, expected = layer(z[0], c), complex_convolution(layer, z[0], c, order_in, order_out)
    assert off(y[..., 0], expected[0].real) < 1e-14
    for m in range(1, order_out + 1):
        assert off(y[..., 2 * m - 1], expected[m].real) < 1e-14
        assert off(y[..., 2 * m], expected[m].imag) < 1e-14


def test_there_are_no_other_kernels() -> None:
    """For one edge, the linear maps of features at q to features at p that keep every gauge: as many as the layer has weights.

    Of all maps K(theta, g) one is given at theta = g = 0; a gauge brings any theta and g there, and none but the trivial one
    keeps them. So K(0, 0) is any real matrix, of 5 x 5 for orders 0, 1, 2, and the layer has one for each r.
    """
    layer = seeded(lambda: Convolution(1, 1, 2, 2)).double()
    neighbour = torch.tensor([[1], [0]])
    charts = [
        Charts(
            neighbour,
            torch.zeros(2, 1).double(),
            torch.zeros(2, 1).double(),
            torch.eye(2)[r].double().expand(2, 1, 2),
            torch.ones(2),
        )
        for r in range(2)
    ]
    features = (
        torch.eye(5, dtype=torch.float64).unsqueeze(1).expand(5, 2, 5).unsqueeze(2) * torch.tensor([0.0, 1.0])[:, None, None]
    )
    columns = []
    for i in range(layer.kernel.numel()):
        with torch.no_grad():
            layer.own.zero_()
            layer.kernel.zero_().view(-1)[i] = 1.0
        columns.append(torch.cat([layer(features, c)[:, 0].flatten() for c in charts]).detach())
    assert int(torch.linalg.matrix_rank(torch.stack(columns))) == 2 * 5 * 5


def test_turned_features_are_multiplied_by_phases() -> None:
    z, angle = torch.randn(7, 3, 5, generator=rng(), dtype=torch.float64), torch.randn(7, generator=rng(2), dtype=torch.float64)
    for m in (1, 2):
        pair = torch.view_as_complex(z[..., 2 * m - 1 : 2 * m + 1].contiguous()) * torch.exp(1j * m * angle)[:, None]
        assert off(turned(z, angle)[..., 2 * m - 1], pair.real) < 1e-15
        assert off(turned(z, angle)[..., 2 * m], pair.imag) < 1e-15
    assert torch.equal(turned(z, angle)[..., 0], z[..., 0])
    assert harmonics(angle, 3).shape == (7, 7)


# Dtypes, batches, gradients


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_agrees_as_far_as_it_goes(dtype: torch.dtype) -> None:
    positions, faces, z = drawn(icosphere(1))
    net = model()
    exact = net(positions, faces, z)
    low = net.to(dtype)(positions.to(dtype), faces, z.to(dtype))
    for a, b in zip(low, exact, strict=True):
        assert a.dtype == dtype
        assert 0 < off(a.double(), b) < 64 * torch.finfo(dtype).eps


@every_surface
def test_a_batch_is_many_meshes(surface: Any) -> None:
    positions, faces, z = drawn(surface)
    net = model()
    together = net(positions, faces, z)
    for i in range(4):
        alone, shared = net(positions[i], faces[i], z[i]), net(positions[i], faces[0], z[i])
        for one, many, other in zip(alone, together, shared, strict=True):
            assert off(one, many[i]) < 1e-14
            assert torch.equal(one, other)


def test_gradients_are_finite_in_weights_signal_and_positions() -> None:
    positions, faces, z = drawn(strip())
    net = model()
    leaves = [positions.requires_grad_(), z.requires_grad_(), *net.parameters()]
    y = net(positions, faces, z)
    gradients = torch.autograd.grad(y.classes.sum() + y.labels.square().sum() + y.vectors.square().sum(), leaves)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert sum(bool(gradient.any()) for gradient in gradients) == len(leaves)


# Training


def claims_of(net: MeshCNN) -> list[Claim]:
    """The claims about the whole model, made of one with a single channel."""
    whole = [claim for claim in CLAIMS if claim.subject.name.endswith("mesh_cnn")]
    assert len(whole) == 5
    return [
        replace(claim, subject=Subject.of(net), domain=replace(claim.domain, signal=(1, 3)), id=str(i))
        for i, claim in enumerate(whole)
    ]


def test_claims_hold_before_and_after_some_steps_of_training() -> None:
    net = seeded(mesh_cnn.whirls)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    assert all(result.verdict == Verdict.HOLDS for result in symcheck.audit(claims_of(net), dtype="float64").results)
    first = float(mesh_cnn.loss(net, flows(64, rng())).detach())
    last = fit(net, mesh_cnn.loss, partial(flows, 16), steps=20)
    assert last < first
    moved = [a is b or not torch.equal(a, b) for a, b in zip(net.parameters(), before, strict=True)]
    assert sum(moved) > len(moved) / 2
    results = symcheck.audit(claims_of(net), dtype="float64").results
    assert [result.verdict for result in results] == [Verdict.HOLDS] * 5


@pytest.mark.slow
def test_it_learns_in_one_set_of_frames_and_is_as_good_in_others() -> None:
    row = mesh_cnn.LESSON.row(100)
    assert min(row["test"], row["transformed"]) > 0.97
    assert abs(row["test"] - row["transformed"]) < 0.02
    assert row["broken_transformed"] < 0.7


def test_the_task_is_the_same_in_other_labels() -> None:
    """What is drawn in other labels are the same flows, in other frames: the sum of their squares doesn't change."""
    (_, faces, z), _ = flows(8, rng())
    (_, others, other), _ = flows(8, rng(), relabelled=True)
    assert (faces == faces[:1]).all()
    assert not (others == others[:1]).all(0).any()
    assert z.shape == other.shape == (8, 42, 1, 3)


def test_the_twin_with_stale_transport_has_nothing_else_wrong() -> None:
    """In the frames of the table it is the model itself."""
    stale, right = seeded(mesh_cnn.stale_transport), seeded(mesh_cnn.on_frames)
    z, c = torch.randn(2, 12, 2, 3, generator=rng()), intrinsic(icosphere()[0].float(), icosphere()[1])
    direction, transport = (part.flatten().expand(2, -1) for part in (c.direction, c.transport))
    assert torch.equal(stale(z, direction, transport), right(z, direction, transport))
    assert not torch.equal(stale(z, direction, transport + 1), right(z, direction, transport + 1))
    assert isinstance(stale, OnFrames)
    assert float(wrapped(transport).abs().max()) > 0.1
