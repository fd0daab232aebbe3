"""The engine: what an audit costs beyond the model itself, against other testers, at start-up, and in memory."""

from __future__ import annotations

import copy
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from hypothesis import given, settings
from torch import Generator, Tensor, nn

import symcheck
from models import egnn
from models.cnn import Classifier
from models.transformer import PointTransformer
from property_tests.benchmarks.cases import Case, Duel, Figure, duel
from property_tests.benchmarks.timing import MOST, Setting
from symcheck import Claim, Subject
from symcheck._autodiff import jvp
from symcheck.domains import Grid, Joint, PointCloud, Sequence, Set, Tensors
from symcheck.engine import Judged, Settings, Verdict, run
from symcheck.groups import SO
from symcheck.strategies import inputs

Call = tuple[torch.dtype, tuple[torch.Size, ...]]


class Recorded(nn.Module):
    """A model whose calls are noted, by dtype and shapes: outside of it, since audits put its state back."""

    def __init__(self, model: nn.Module, note: Callable[[Call], None]) -> None:
        super().__init__()
        self.model, self.note = model, note

    def forward(self, *x: Tensor) -> Any:
        self.note((x[0].dtype, tuple(leaf.shape for leaf in x)))
        return self.model(*x)


def replayed(model: nn.Module, calls: list[Call], device: torch.device) -> Callable[[], None]:
    """The same calls of the bare model, on random numbers of the same shapes, in the same order."""
    models = {dtype: copy.deepcopy(model).to(device, dtype) for dtype, _ in calls}
    given = {call: [torch.randn(shape, device=device).to(call[0]) for shape in call[1]] for call in calls}

    def run() -> None:
        with torch.no_grad():
            for call in calls:
                models[call[0]](*given[call])

    return run


def counted(calls: list[Call]) -> dict[str, Any]:
    """How many calls, and evaluations in them."""
    return {"calls": len(calls), "evaluations": sum(shapes[0][0] if shapes[0].numel() else 0 for _, shapes in calls)}


def audited(claim: Claim, trials: int, setting: Setting) -> None:
    """An audit as a person asks for it, which must find that the claim holds."""
    *_, last = run([claim], Settings(trials=trials, device=str(setting.device)))
    assert isinstance(last, Judged)
    assert last.outcome.verdict is Verdict.HOLDS, last.outcome.because


def overhead(stated: Callable[[Setting], tuple[nn.Module, Claim]], trials: int, built: bool, setting: Setting) -> Duel:
    """An audit against the bare forwards that it asks for: the same calls, in the same batches and precisions."""
    trials = setting.size(trials, 16)
    model, claim = stated(setting)
    calls: list[Call] = []
    recorded = Recorded(model.eval(), calls.append)
    subject = Subject("model", build=lambda: recorded) if built else Subject("model", model=recorded)
    claim = Claim(subject, claim.group, domain=claim.domain, inputs=claim.inputs, outputs=claim.outputs)
    audited(claim, trials, setting)
    bare = replayed(model, calls.copy(), setting.device)  # not the calls of audits to come
    notes = counted(calls)
    batch = setting.clock(bare) / notes["calls"]
    notes["a batch"] = f"{1e3 * batch:.1f} ms"
    run = partial(audited, claim, trials, setting)
    return Duel(run, bare, fewest=2, seconds=10.0, rounds=7, notes=notes, asked=batch >= HEAVY)


def graph_network(points: int, setting: Setting) -> tuple[nn.Module, Claim]:
    points = setting.size(points, 3)
    cloud = Joint(Set(points, 4), PointCloud(points))
    claim = Claim(torch.relu, "E(3) x S_n", domain=cloud, inputs=egnn.CLAIMS[0].inputs, outputs=egnn.CLAIMS[0].outputs)
    model = Subject.built(egnn.egnn).load(0)
    assert isinstance(model, nn.Module)
    return model, claim


def convolutional(setting: Setting) -> tuple[nn.Module, Claim]:
    side = setting.size(64, 6)
    return Classifier(), Claim(torch.relu, "Z_N^2", domain=Grid(3, (side, side)), inputs="roll", outputs="scalar")


def transformer(setting: Setting) -> tuple[nn.Module, Claim]:
    points = setting.size(512, 5)
    return PointTransformer(), Claim(torch.relu, "S_n", domain=Set(points, 3), inputs="permute", outputs="permute")


class Energies(nn.Module):
    """An LSTM that reads the lengths of the vectors of a sequence, `(n, steps, 3) -> (n, steps, width)`."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, width, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.lstm(x.square().sum(-1, keepdim=True))[0]
        return said


def recurrent(setting: Setting) -> tuple[nn.Module, Claim]:
    return Energies(), Claim(torch.relu, "O(3)", domain=Sequence(setting.size(128, 4), 3), inputs="vector", outputs="scalar")


class TensorField(nn.Module):
    """e3nn's own network of convolutions and gates on clouds of points that all hear each other: `x, points -> y`."""

    def __init__(self, hidden: str) -> None:
        super().__init__()
        passing = import_module("e3nn.nn.models.v2106.gate_points_message_passing")
        self.harmonics = import_module("e3nn.o3").spherical_harmonics
        self.soft = import_module("e3nn.math").soft_one_hot_linspace
        sequence = ["4x0e", hidden, hidden, "2x0e+2x1o"]
        self.net = passing.MessagePassing(sequence, "0e", "0e+1o+2e", fc_neurons=[6, 32], num_neighbors=5)

    def forward(self, x: Tensor, points: Tensor) -> Tensor:
        n, count, _ = points.shape
        place = torch.arange(count, device=points.device)
        near = torch.cartesian_prod(place, place)
        near = near[near[:, 0] != near[:, 1]]
        source, target = (near.t().unsqueeze(1) + count * torch.arange(n, device=points.device).unsqueeze(-1)).flatten(1)
        flat = points.flatten(0, 1)
        arrows = flat[source] - flat[target]
        angles = self.harmonics("0e+1o+2e", arrows, normalize=True, normalization="component")
        lengths = self.soft(arrows.norm(dim=-1), 0.0, 4.0, 6, basis="gaussian", cutoff=False)
        y: Tensor = self.net(x.flatten(0, 1), flat.new_ones(len(flat), 1), source, target, angles, lengths)
        return y.reshape(n, count, -1)


def against_e3nn(setting: Setting) -> Duel:
    """256 trials each. Theirs evaluates both sides of one input in one precision and reads off a maximum."""
    tester = import_module("e3nn.util.test").equivariance_error
    trials, points = setting.size(256, 16), setting.size(6, 3)
    model, calls = TensorField("8x0e+4x1o+2x2e").to(setting.device), list[Call]()
    x, at = torch.randn(1, points, 4), torch.randn(1, points, 3)
    claim = Claim(
        Recorded(model, calls.append),
        "E(3)",
        domain=Joint(Tensors((points, 4)), Tensors((points, 3))),
        inputs=("scalar", "point"),
        outputs="2x0e+2x1o",
    )

    def theirs() -> None:
        given = [x.to(setting.device), at.to(setting.device)]
        options: dict[str, Any] = {"irreps_in": ["4x0e", "cartesian_points"], "irreps_out": ["2x0e+2x1o"]}
        tester(model, given, ntrials=trials, do_parity=False, do_translation=False, **options)

    audited(claim, trials, setting)
    bare = replayed(model, calls.copy(), setting.device)
    notes = counted(calls)
    bare()
    notes["its bare forwards"] = f"{1e3 * setting.clock(bare):.0f} ms"
    return Duel(partial(audited, claim, trials, setting), theirs, rounds=2, notes=notes)


def lie_derivative(setting: Setting) -> Duel:
    """The derivative of an EGNN's forces along a rotation: in forward mode, and by a central difference of two evaluations."""
    clouds, points = setting.size(128, 2), setting.size(16, 3)
    model, _ = graph_network(points, setting)
    model = model.double().to(setting.device)
    rng = Generator().manual_seed(0)
    h, x = (torch.randn(clouds, points, size, generator=rng, dtype=torch.float64).to(setting.device) for size in (4, 3))
    turn = torch.zeros(3, 3, dtype=torch.float64, device=x.device)
    turn[0, 1], turn[1, 0] = -1.0, 1.0
    step = torch.finfo(torch.float64).eps ** (1 / 3)  # where rounding and the third derivative weigh alike

    def forces(at: Tensor) -> tuple[Tensor, ...]:
        return (model(h, at).forces,)

    def exact() -> Tensor:
        with torch.no_grad():
            (found,) = jvp(forces, [x], [x @ turn.mT])
            return found

    def differences() -> Tensor:
        with torch.no_grad():
            ahead, behind = (forces(x @ torch.linalg.matrix_exp(sign * step * turn).mT)[0] for sign in (1.0, -1.0))
            return (ahead - behind) / (2 * step)

    a, b = exact(), differences()
    law = model(h, x).forces.detach() @ turn.mT  # what equivariance says they are
    off = {name: float((one - law).abs().max() / law.abs().max()) for name, one in (("ours", a), ("differences", b))}
    return duel(exact, differences, same=1e-6, notes={f"error of {name}": f"{error:.0e}" for name, error in off.items()})


# On Linux by the process's own high-water mark: what getrusage tells begins with that of the process it was started from.
PEAK = """
import resource, sys, torch, symcheck
from pathlib import Path
torch.manual_seed(0)
trials, points = int(sys.argv[1]), int(sys.argv[2])
net = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.SiLU(), torch.nn.Linear(32, 1))
model = lambda x: net(x.square().sum(-1, keepdim=True)).mean((-1, -2))
found = symcheck.check(model, torch.randn(points, 3), group="O(3)", inputs="vector", outputs="scalar", trials=trials)
assert found.verdict.name == "HOLDS"
told = Path("/proc/self/status")
marks = [line.split()[1] for line in told.read_text().splitlines() if line.startswith("VmHWM")] if told.exists() else []
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(int(marks[0]) / 2**10 if marks else used / (2**20 if sys.platform == "darwin" else 2**10))
"""

ROOT = str(Path(symcheck.__file__).parents[1])


def python(*arguments: str, cwd: str | None = None) -> str:
    """What another Python prints, which imports the same symcheck, and from bytecode, as an installed one does."""
    path = os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=cwd, env=env).stdout


def memory(setting: Setting) -> Duel:
    many, few, points = setting.size(100_000, 32), setting.size(1_000, 16), setting.size(64, 3)

    def peak(trials: int) -> float:
        return float(python("-c", PEAK, str(trials), str(points)))

    return Duel(partial(peak, many), partial(peak, few), told=True, unit="MB", rounds=3)


def linear(setting: Setting) -> Duel:
    """The seconds a trial of many and of few: what stays the same in an audit is more to each of few."""
    model, claim = graph_network(5, setting)
    claim = Claim(model.eval(), claim.group, domain=claim.domain, inputs=claim.inputs, outputs=claim.outputs)

    def each(trials: int) -> float:
        return setting.clock(partial(audited, claim, trials, setting)) / trials

    many, few = setting.size(8_192, 32), setting.size(2_048, 16)
    audited(claim, few, setting)
    return Duel(partial(each, many), partial(each, few), told=True, rounds=3)


def processor(*arguments: str) -> float:
    """The seconds of processor time that another Python takes: what else the machine does isn't among them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    python(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def help_text(setting: Setting) -> Duel:
    processor("-m", "symcheck", "--help")
    return Duel(partial(processor, "-m", "symcheck", "--help"), partial(processor, "-c", "import click"), told=True)


CHECK = """
import torch, symcheck
assert symcheck.check(lambda x: x.norm(dim=-1), torch.randn(8, 3), group="SO(3)", inputs="vector", outputs="scalar").passed
"""


def first_check(setting: Setting) -> Duel:
    return Duel(partial(processor, "-c", CHECK), partial(processor, "-c", "import torch"), told=True, rounds=7)


# One process for all sessions: the half second of another's start differs from the next by more than the plugin takes.
IDLE = """
import contextlib, io, sys, time, pytest

def session(*plugin):
    known, start = set(sys.modules), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        assert pytest.main(["-q", *sys.argv[2:], *plugin]) == 0
    taken = time.process_time() - start
    for name in set(sys.modules) - known:
        del sys.modules[name]
    return taken

pytest.main(["-q", *sys.argv[2:]])
for _ in range(int(sys.argv[1])):
    print("pair", session("-p", "_symcheck_pytestplugin"), session())
"""


def idle_plugin(setting: Setting) -> Duel:
    """Sessions of one test that doesn't ask for symcheck, with the plugin, which each imports anew, and without, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        off = [word for name in ("cacheprovider", "benchmark", "symcheck") for word in ("-p", f"no:{name}")]
        said = python("-c", IDLE, str(setting.size(MOST, 1)), *off, cwd=folder)
    pairs = [line.split()[1:] for line in said.splitlines() if line.startswith("pair ")]
    ours, theirs = (cycle(map(float, seconds)) for seconds in zip(*pairs, strict=True))
    return Duel(partial(next, ours), partial(next, theirs), told=True)


def rotations(setting: Setting) -> Duel:
    o3, count = import_module("e3nn.o3"), setting.size(10_000, 4)

    def ours() -> Tensor:
        rng = Generator().manual_seed(0)
        return SO(3).compose(SO(3).sample(count, rng), SO(3).sample(count, rng))

    def theirs() -> Tensor:
        return torch.stack([o3.rand_matrix() @ o3.rand_matrix() for _ in range(count)])

    return duel(ours, theirs, same=None, rounds=2)


def drawn(setting: Setting) -> Duel:
    """Hypothesis' own share doesn't grow with the numbers."""
    count, numbers = setting.size(300, 2), setting.size(100_000, 10)
    examples = inputs(Tensors((numbers,)))

    def ours() -> None:
        @settings(max_examples=count, database=None, deadline=None, derandomize=True)
        @given(examples)
        def test(x: Tensor) -> None:
            assert x.numel() == numbers

        test()

    return duel(ours, lambda: torch.randn(count, numbers, dtype=torch.float64), same=None, rounds=3)


HEAVY = 5e-3  # seconds of a mean batch, from which on an audit should cost little more than the model


def _overheads() -> Iterator[Case]:
    """A case for each model and number of trials."""
    usual = (
        "what a claim costs whatever the model: 0.1 to 0.2 s of one core (elements drawn for each input, "
        "weights cast for each precision, the floor, the figures); and the action on inputs in float64"
    )
    whys = {"lstm": "comparing 8,192 numbers a trial takes a dozen passes, 0.07 ms in float64; the model makes them in 0.2 ms"}
    models: dict[str, tuple[str, Callable[[Setting], tuple[nn.Module, Claim]], tuple[int, ...]]] = {
        "egnn-5": ("EGNN on 5 points", partial(graph_network, 5), (64, 1024, 16_384)),
        "egnn-32": ("EGNN on 32 points", partial(graph_network, 32), (256,)),
        "cnn": ("CNN on 64 x 64 images", convolutional, (64, 256)),
        "transformer": ("transformer on 512 points", transformer, (64,)),
        "lstm": ("LSTM of 128 steps", recurrent, (64, 4096)),
    }
    for name, (what, stated, counts) in models.items():
        for trials in counts:
            make, why = partial(overhead, stated, trials, False), whys.get(name, usual)
            yield Case("engine", f"{name}-{trials}", f"{what}, {trials:,} trials", BARE, make, Figure.TIMES, 1.10, why=why)
    make = partial(overhead, partial(graph_network, 5), 256, True)
    what = "EGNN on 5 points, at perturbed weights too, 256 trials"
    yield Case("engine", "egnn-5-built", what, BARE, make, Figure.TIMES, 1.10, why=usual)


BARE = "bare forwards, the same calls"
ALONE: dict[str, Any] = {"devices": ("cpu",)}
E3NN: dict[str, Any] = {"needs": ("e3nn",)}
TESTER = "e3nn, equivariance_error"
LIGHT = (
    "the bare forwards that ours asks for take 85 % of its time: to measure rounding it evaluates 1,300 inputs, in four "
    "precisions, a quarter of that time one by one in the probes; theirs evaluates 512, in one"
)
CASES: tuple[Case, ...] = (
    *_overheads(),
    Case("engine", "e3nn", "e3nn's network on 6 points, 256 trials", TESTER, against_e3nn, goal=20, why=LIGHT, **E3NN),
    Case("engine", "lie-derivative", "Lie derivative of an EGNN, 128 clouds of 16", "a central difference", lie_derivative),
    Case("engine", "memory", "peak memory of 100,000 trials", "of 1,000 trials", memory, Figure.TIMES, 1.1, **ALONE),
    Case("engine", "linear", "EGNN on 5 points, seconds a trial, 8,192 trials", "2,048 trials", linear, Figure.TIMES),
    Case("engine", "elements", "10,000 rotations drawn and composed", "a loop over e3nn's", rotations, **E3NN, **ALONE),
    Case("engine", "inputs", "300 inputs of 100,000 numbers by a strategy", "torch.randn", drawn, Figure.TIMES, 3, **ALONE),
    Case("start-up", "help", "symcheck --help, processor time", "import click", help_text, Figure.ALONE, 0.150, **ALONE),
    Case(
        "start-up",
        "plugin",
        "a session of pytest with the idle plugin, processor time",
        "without it",
        idle_plugin,
        Figure.MORE,
        0.020,
        **ALONE,
    ),
    Case("start-up", "first-check", "a process that makes one check", "import torch", first_check, Figure.MORE, **ALONE),
)
