"""Replay: failures are kept, read back on any device and in any precision, and refused if they aren't as they were written."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click.testing
import msgspec
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import symcheck
from symcheck import Args, Claim, Subject, Verdict, subjects
from symcheck.cli import main
from symcheck.domains import Examples, Joint, Like, PointCloud, Set, Tensors
from symcheck.errors import ClaimError, ReplayError, SettingsError, SubjectError
from symcheck.failures import Failure, read
from symcheck.groups import O
from symcheck.properties import Composition, FormatInvariance
from symcheck.replaying import Replayed
from symcheck.reps import Rep, Scalar

CLOUD = PointCloud(points=4)
VECTORS: dict[str, Any] = {"group": "SO(3)", "domain": CLOUD, "inputs": "vector", "outputs": "scalar"}
CHECKED: dict[str, Any] = {"group": "SO(3)", "inputs": "vector", "outputs": "scalar", "trials": 64}
MODULE = """
import torch
from torch import nn
from symcheck import Claim, Subject
from symcheck.domains import PointCloud

LEAK = {leak}

def leaning():
    return lambda x: x.norm(dim=-1) + LEAK * x[..., 0]

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return (x + LEAK * self.bias).norm(dim=-1)

net = Net()
claimed = dict(domain=PointCloud(4), inputs="vector", outputs="scalar")
CLAIMS = (Claim(Subject.built(leaning), "SO(3)", **claimed), Claim(Subject.built(Net), "SO(3)", **claimed))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, from which modules are imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module is rewritten within a second
    return tmp_path


@pytest.fixture
def write(here: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes the module, forgetting the version before; returns its name, which no other test uses."""
    name = f"replayed_{abs(hash(str(here)))}"

    def written(leak: float, text: str = MODULE) -> str:
        sys.modules.pop(name, None)
        (here / f"{name}.py").write_text(text.format(leak=leak))
        return name

    return written


def run(*arguments: str) -> click.testing.Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def ids(folder: Path | str = ".symcheck") -> list[str]:
    return sorted(path.stem for path in Path(folder).glob("*.json"))


def leaning(x: Tensor) -> Tensor:
    return x.norm(dim=-1) + 0.1 * x[..., 0]


def radius(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def kept(model: Any, folder: str = ".symcheck", **options: Any) -> str:
    """The path of the failure of a model's claim."""
    stated = VECTORS | options
    settings = {key: stated.pop(key) for key in ("seed", "dtype", "perturb") if key in stated}
    record = symcheck.audit(Claim(model, stated.pop("group"), **stated), trials=64, save=folder, **settings)
    saved = record.results[0].saved
    assert saved is not None, str(record.results[0])
    assert not saved.problem, saved.problem
    return saved.path


# From the command line.


def test_a_failure_fails_until_the_model_is_mended(write: Callable[..., str]) -> None:
    name = write(0.1)
    audited = run("audit", name, "--trials", "64")
    assert audited.exit_code == 1
    assert len(ids()) == 2
    for failure in ids():
        assert f"reproduce  symcheck replay {failure}" in audited.output
        done = run("replay", failure)
        assert done.exit_code == 1, done.output
        assert done.output.startswith("FAILED  ")
        assert f"trial      {failure}: g = " in done.output
        assert "left       " in done.output
    write(0.0)
    for failure in ids():
        done = run("replay", failure)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("FIXED  ")
    Path(f"{name}.py").unlink()
    sys.modules.pop(name)
    for failure in ids():
        done = run("replay", failure)
        assert done.exit_code == 2
        assert f"ERROR: there is no module '{name}'" in done.output


def test_what_was_named_on_the_command_line_is_found_again(write: Callable[..., str]) -> None:
    name = write(0.1)
    for model in ("leaning", "net"):
        claim = ("--shape", "4,3", "--group", "SO(3)", "--input", "vector", "--output", "scalar", "--perturb")
        assert run("audit", f"{name}:{model}", *claim, "--trials", "64", "--failures", model).exit_code == 1
        (failure,) = ids(model)
        assert json.loads(Path(model, f"{failure}.json").read_text())["home"] == f"{name}:{model}"
        path = f"{model}/{failure}.json"
        assert run("replay", path).exit_code == 1
        write(0.0)
        assert run("replay", path).exit_code == 0
        write(0.1)
    assert ids() == []  # and nothing in the folder that it would take by itself


def test_another_target_device_or_dtype(write: Callable[..., str]) -> None:
    name = write(0.1)
    run("audit", name, "--trials", "64")
    mended = write(0.1).replace("replayed", "mended")
    Path(f"{mended}.py").write_text(MODULE.format(leak=0.0))
    for failure in ids():
        for dtype in ("float64", "float32", "bfloat16", "float16"):
            for target, code in ((f"{name}:leaning", 1), (f"{mended}:leaning", 0)):
                done = run("replay", failure, "--dtype", dtype, "--device", "cpu", "--target", target)
                assert done.exit_code == code, done.output
                assert f" in {dtype} on cpu: " in done.output
        assert "device 'quantum' can't be used here" in run("replay", failure, "--device", "quantum").output
        assert "did you mean 'float32'" in run("replay", failure, "--dtype", "flaot32").output
        assert "has no 'biuld'" in run("replay", failure, "--target", f"{name}:biuld").output
        assert run("replay", failure, "--target", f"{name}:biuld").exit_code == 2


def test_a_caught_twin_is_not_kept_and_neither_is_what_holds(write: Callable[..., str]) -> None:
    text = MODULE + "\nTWINS = (CLAIMS[0].twin(Subject.built(leaning), reason='leans'),)\nCLAIMS = ()\n"
    done = run("audit", write(0.1, text), "--twins", "--trials", "64")
    assert done.exit_code == 0, done.output
    assert not Path(".symcheck").exists()


def test_an_unknown_id_names_the_known_ones() -> None:
    assert "there is no kept failure 'abc'; none is kept in '.symcheck'" in run("replay", "abc").output
    known = Path(kept(leaning)).stem
    done = run("replay", known[:-1])
    assert done.exit_code == 2
    assert f"did you mean {known!r}?" in done.output


def test_where_a_claim_is_found_again(write: Callable[..., str]) -> None:
    name = write(0.1, MODULE + "\nTWINS = [CLAIMS[0].twin(Subject.built(leaning), reason='leans')]\n")
    (own, _, twin), other = subjects.claims(name, twins=True), Claim(leaning, **_stated())
    assert subjects.home(own) == subjects.home(twin) == name
    assert subjects.home(replace(own, properties=(Composition(),))) == name  # one property of it
    assert subjects.home(replace(own, id="another")) == f"{name}:leaning"  # the factory alone
    assert subjects.home(replace(other, subject=subjects.subject(f"{name}:net"))) == f"{name}:net"
    assert subjects.home(other) == f"{__name__}:leaning"
    assert subjects.home(replace(other, subject=Subject.built(leaning))) == ""  # which is a model, not a factory of one
    assert subjects.home(replace(other, subject=Subject.of(lambda x: x))) == ""


# The same bytes.


def test_the_same_claim_and_seed_give_the_same_bytes(write: Callable[..., str]) -> None:
    name = write(0.1)
    for folder, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        run("audit", name, "--trials", "64", "--seed", seed, "--failures", folder, "--json", f"{folder}.record")
    assert ids("a") == ids("b")
    assert set(ids("a")).isdisjoint(ids("c"))
    for path in Path("a").iterdir():
        assert path.read_bytes() == Path("b", path.name).read_bytes()
    a, b = (json.loads(Path(f"{folder}.record").read_text())["results"] for folder in "ab")
    assert json.dumps(a).replace("a/", "b/") == json.dumps(b)


def test_the_id_follows_from_the_trial_alone() -> None:
    """A model that is rewritten and fails in the same way keeps its ID; another trial has another."""
    path = kept(leaning, id="claim")
    assert kept(lambda x: leaning(x) * 1.0, folder="other", id="claim").endswith(Path(path).name)
    assert not kept(leaning, folder="other", id="another claim").endswith(Path(path).name)


def test_files_are_text_and_tensors_and_never_pickles() -> None:
    path = Path(kept(leaning))
    words, data = json.loads(path.read_text()), path.with_suffix(".safetensors").read_bytes()
    assert words["kind"] == "symcheck failure"
    assert words["format"] == 1
    assert words["group"] == "SO(3)"
    assert words["versions"]["torch"] == str(torch.__version__)
    from safetensors.torch import load

    tensors = load(data)
    assert set(tensors) == {f"{trial}.{name}" for trial in "01" for name in ("g", "x.0", "left.0", "right.0")}
    assert tensors["0.g"].shape == tensors["1.g"].shape == (1, 3, 3)
    assert tensors["0.x.0"].shape[1:] == (1, 3)  # the simplest cloud, and the one that was drawn
    assert tensors["1.x.0"].shape[1:] == (4, 3)
    assert tensors["0.x.0"].dtype == torch.float64
    assert not torch.allclose(tensors["0.left.0"], tensors["0.right.0"])
    assert Path(".symcheck/.gitignore").read_text() == "*\n"
    assert sorted(p.suffix for p in path.parent.iterdir()) == ["", ".json", ".safetensors"]  # nothing else is left behind


# In Python.


def test_a_model_without_a_name_is_given() -> None:
    path = kept(lambda x: leaning(x))
    assert symcheck.audit(Claim(lambda x: leaning(x), **_stated()), save=".symcheck").results[0].saved is not None
    with pytest.raises(ReplayError, match=r"names no model that can be imported. Give it: symcheck.replay\(path, model\)"):
        symcheck.replay(path)
    failed, fixed = symcheck.replay(path, leaning), symcheck.replay(path, radius)
    assert (failed.status, failed.verdict, failed.exit_code) == ("FAILED", Verdict.VIOLATED, 1)
    assert (fixed.status, fixed.verdict, fixed.exit_code) == ("FIXED", Verdict.HOLDS, 0)
    assert failed.relative == pytest.approx(read(path).failure.trials[0].relative, rel=1e-12)
    assert symcheck.replay(path, Subject.built(lambda: radius)).status == "FIXED"
    assert symcheck.replay(Path(path).with_suffix(".safetensors"), radius).status == "FIXED"
    assert "symcheck audit, for the trials that weren't kept" in str(fixed)


def _stated() -> dict[str, Any]:
    stated = dict(VECTORS)
    return {"group": stated.pop("group"), **stated}


def test_saving_a_check() -> None:
    result = symcheck.check(leaning, CLOUD, **CHECKED)
    assert not Path(".symcheck").exists()
    assert "result.save() keeps the trial" in str(result)
    saved = result.save()
    assert str(saved) == f"symcheck replay {saved.id}"  # a function of a module has a name to import it by
    assert symcheck.replay(saved.id).status == "FAILED"
    other = symcheck.check(lambda x: leaning(x), CLOUD, **CHECKED)
    saved = other.save("a folder")
    assert saved.command == f"symcheck.replay('a folder/{saved.id}.json', model)"
    again = msgspec.json.decode(msgspec.json.encode(other), type=symcheck.Result)
    assert again == other
    with pytest.raises(ReplayError, match="this is a record of a check, without its tensors"):
        again.save()
    with pytest.raises(ReplayError, match="there is no trial to keep: it is HOLDS"):
        symcheck.check(radius, CLOUD, **CHECKED).save()


def test_an_assertion_keeps_its_failure() -> None:
    symcheck.assert_equivariant(radius, CLOUD, **CHECKED)
    with pytest.raises(AssertionError):
        symcheck.assert_equivariant(leaning, CLOUD, save=None, **CHECKED)
    with pytest.raises(AssertionError, match="VACUOUS"):
        symcheck.assert_equivariant(lambda x: x.sum(-1) * 0, CLOUD, **CHECKED)
    assert not Path(".symcheck").exists()
    with pytest.raises(AssertionError) as failed:
        symcheck.assert_equivariant(leaning, CLOUD, **CHECKED)
    (failure,) = ids()
    assert f"  reproduce  symcheck replay {failure}\n" in str(failed.value)


# What can be replayed.


class Shifted(nn.Module):
    """Zero-initialised biases, before and behind a batch norm, that break the symmetry once they aren't zero."""

    def __init__(self, leak: float = 1.0) -> None:
        super().__init__()
        self.leak = leak
        self.bias = nn.Parameter(torch.zeros(3))
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm((x + self.leak * self.bias).norm(dim=-1))


def test_perturbed_weights_are_perturbed_again() -> None:
    subject = Subject.built(lambda: Shifted().eval())
    path = kept(subject)
    assert read(path).failure.perturbed == 0.03
    failed = symcheck.replay(path, subject)
    assert failed.status == "FAILED"
    assert failed.relative == pytest.approx(read(path).failure.trials[0].relative, rel=1e-12)
    assert "with weights perturbed by 0.03 of their size" in str(failed)
    assert symcheck.replay(path, Subject.built(lambda: Shifted(leak=0.0).eval())).status == "FIXED"
    model = Shifted().eval()
    assert symcheck.replay(path, model).status == "FAILED"
    assert not bool(model.bias.any())  # and left as it was


def norms_in_order(x: Tensor) -> Tensor:
    """The first of the points of largest norm: where norms tie, the order decides."""
    order = x.norm(dim=-1).argsort(dim=-1, stable=True)
    return x.gather(-2, order.unsqueeze(-1).expand_as(x))


def alone_it_leans(x: Tensor) -> Tensor:
    """Right for several points, wrong for one."""
    return x.norm(dim=-1).sum(-1) + (x[..., 0].sum(-1) if x.shape[-2] == 1 else 0.0)


def charges(q: Tensor, x: Tensor, *, mask: Tensor) -> Tensor:
    weighed = (q * mask).unsqueeze(-1) * x
    return weighed.sum(-2) + 0.1 * weighed.sum(-2).abs()


def of_dict(inputs: dict[str, Any]) -> tuple[Tensor, list[Tensor]]:
    x, scale = inputs["pos"]["x"], inputs["scale"]
    return scale * x.norm(dim=-1), [x.abs()]


def only_single(x: Tensor) -> Tensor:
    """A model that doesn't run in float64."""
    return leaning(x @ torch.eye(3))


def square(z: Tensor) -> Tensor:
    return z * z


def ordered(x: Tensor) -> Tensor:
    return x.cumsum(-1)


MASKED = Args(torch.randn(5), torch.randn(5, 3), mask=torch.tensor([True, True, False, True, True]))
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ties": (norms_in_order, {"group": "S_n", "inputs": "permute", "outputs": "scalar"}),
    "a single point": (alone_it_leans, {}),
    "keywords and a mask": (charges, {"domain": MASKED, "inputs": ("scalar", "vector"), "outputs": "vector"}),
    "containers and constants": (
        of_dict,
        {
            "domain": {"pos": {"x": torch.randn(4, 3)}, "scale": 2.0},
            "inputs": {"pos": {"x": "vector"}, "scale": None},
            "outputs": ("scalar", ["vector"]),
        },
    ),
    "complex numbers": (square, {"group": "U(1)", "domain": torch.randn(5) + 1j, "inputs": "phase", "outputs": "phase"}),
    "integers": (
        ordered,
        {"group": "S_n", "domain": torch.arange(6), "inputs": "permute(axis=-1)", "outputs": "permute(axis=-1)"},
    ),
    "two elements": (leaning, {"properties": (Composition(),)}),
    "float32 alone": (only_single, {}),
    "a product": (
        lambda x: x.cumsum(-2),
        {"group": "O(3) x S_n", "inputs": "permute * vector", "outputs": "permute * vector"},
    ),
    "own inputs": (leaning, {"domain": Examples(torch.rand(20, 4, 3))}),
    "an image": (
        nn.Conv2d(1, 2, 3, padding=1),
        {"group": "Z_N^2", "domain": Tensors((1, 12, 12)), "inputs": "roll", "outputs": "roll"},
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_trial(name: str) -> None:
    """By the words that are kept, and by the claim."""
    model, options = KINDS[name]
    path = kept(model, **options)
    stated = VECTORS | options
    claim = Claim(model, stated.pop("group"), **stated)
    own = read(path).failure
    assert own.inputs is not None
    for given in (model, claim):
        again = symcheck.replay(path, given)
        assert again.status == "FAILED", str(again)
        assert again.relative == pytest.approx(own.trials[0].relative, rel=1e-9)
        assert again.left != again.right


def test_large_inputs_are_kept_in_few_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    model, options = KINDS["an image"]
    assert len(read(kept(model, **options)).trials[0].x[0]) == 17
    monkeypatch.setattr("symcheck.replaying.LARGEST", 5 * 12 * 12 * 8)
    assert len(read(kept(model, **options)).trials[0].x[0]) == 6
    monkeypatch.setattr("symcheck.replaying.LARGEST", 1)
    path = kept(model, **options)
    assert len(read(path).trials[0].x[0]) == 3  # two, for a spread
    assert symcheck.replay(path, model).status == "FAILED"


@dataclass(frozen=True)
class Loud(Rep):
    """A rep that nobody has a word for."""

    name = "loud"

    @property
    def rank(self) -> int:
        return 1

    def act(self, group: Any, g: Tensor, x: Tensor) -> Tensor:
        return (group.linear(g).to(x) @ x.unsqueeze(-1)).squeeze(-1) if x.ndim == 2 else x @ group.linear(g).to(x).mT

    def misfit(self, group: Any, shape: Any) -> str | None:
        return None

    @classmethod
    def examples(cls) -> Any:
        return [(cls(), O(3), (3,))]


@dataclass(frozen=True)
class Cloud:
    x: Tensor


def test_what_has_no_words_needs_the_claim() -> None:
    loud = {"group": "O(3)", "inputs": Loud()}
    cloud = {"domain": Joint(Like(Cloud(torch.randn(4, 3)))), "inputs": (Cloud("vector"),)}  # type: ignore[arg-type]
    mirrored = {"properties": (FormatInvariance(convert=torch.abs),), "outputs": "scalar"}
    for model, options in ((leaning, loud), (lambda c: leaning(c.x), cloud), (leaning, mirrored)):
        path = kept(model, **options)
        with pytest.raises(ReplayError, match=r"has no words for its property, its group, its reps or its arguments"):
            symcheck.replay(path, model)
        stated = VECTORS | options
        claim = Claim(model, stated.pop("group"), **stated)
        assert symcheck.replay(path, claim).status == "FAILED"


def test_a_trial_at_an_input_that_the_element_fixes_can_be_mended() -> None:
    """A bias shows at zero, which no rotation moves."""
    bias = torch.tensor([1.0, 0.0, 0.0])
    path = kept(lambda x: x + bias.to(x), outputs="vector")
    assert not bool(read(path).trials[0].x[0][0].any())
    assert symcheck.replay(path, lambda x: x + bias.to(x)).status == "FAILED"
    assert symcheck.replay(path, lambda x: 2 * x).status == "FIXED"


def test_what_the_simplest_trial_cannot_tell_the_other_does() -> None:
    """Forces between points are zero at a single one, at which a bias shows best."""

    def forces(x: Tensor) -> Tensor:
        return (x.unsqueeze(-2) - x.unsqueeze(-3)).sum(-2)

    path = kept(lambda x: forces(x) + torch.tensor([1.0, 0.0, 0.0]).to(x), outputs="vector")
    assert read(path).trials[0].x[0].shape[1:] == (1, 3)
    fixed = symcheck.replay(path, forces)
    assert (fixed.status, fixed.verdict) == ("FIXED", Verdict.HOLDS)
    assert fixed.shown == read(path).failure.trials[1]
    assert symcheck.replay(path, lambda x: 0 * x).status == "ERROR"  # neither tells of what doesn't vary


def test_a_model_that_now_raises_on_one_trial_is_not_mended() -> None:
    def of_several(x: Tensor) -> Tensor:
        if x.shape[-2] == 1:
            raise ValueError("one point is too few")
        return radius(x)

    found = symcheck.replay(kept(lambda x: leaning(x)), of_several)
    assert (found.status, found.verdict) == ("ERROR", Verdict.CRASHED)
    assert "one point is too few" in str(found)


def test_a_shrunken_output_is_not_a_mended_one() -> None:
    path = kept(lambda x: leaning(x))
    assert symcheck.replay(path, lambda x: 1e-10 * leaning(x)).status == "FAILED"
    assert symcheck.replay(path, lambda x: 1e10 * radius(x)).status == "FIXED"


def test_only_a_pass_is_a_fix() -> None:
    """A model that no longer depends on its input, returns NaN, raises or is random isn't mended."""
    path = kept(lambda x: leaning(x))

    def raising(x: Tensor) -> Tensor:
        raise ValueError("gone")

    def status(model: Any, **options: Any) -> tuple[str, str]:
        found = symcheck.replay(path, model, **options)
        return found.status, found.verdict.name

    assert status(lambda x: torch.ones_like(x[..., 0])) == ("ERROR", "VACUOUS")
    assert status(lambda x: radius(x) * torch.nan) == ("FAILED", "NONFINITE")
    assert status(raising) == ("ERROR", "CRASHED")
    assert status(lambda x: radius(x) + torch.rand(x.shape[:-1])) == ("ERROR", "UNSTABLE")
    assert status(lambda x: radius(x) + 1e6) == ("FAILED", "IMPRECISE")
    assert status(lambda x: radius(x) + 1e6, dtype="float64") == ("FIXED", "HOLDS")
    assert status(lambda x: radius(x) + 1e-8 * x[..., 0]) == ("FIXED", "LIMITED")
    assert status(lambda x: radius(x) + 1e-8 * x[..., 0], dtype="float64") == ("FAILED", "LIMITED")
    assert "the model fails on its input: ValueError: gone" in str(symcheck.replay(path, raising))


def test_the_worst_trial_is_kept_where_the_simplest_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from symcheck import replaying

    several = replaying._Trial.several

    def simplest_at_identity(*arguments: Any) -> Any:
        simplest, worst = several(*arguments)
        yield replace(simplest, g=(torch.eye(3, dtype=torch.float64),))
        yield replace(worst, element="the worst")

    monkeypatch.setattr(replaying._Trial, "several", simplest_at_identity)
    assert [trial.element for trial in read(kept(leaning)).failure.trials] == ["the worst"]


def test_what_does_not_fail_again_is_not_kept() -> None:
    """A model that is mended between the check and its being kept: it is told so, and not given a command that misleads."""
    broken = [True]
    result = symcheck.check(lambda x: leaning(x) if broken else radius(x), CLOUD, **CHECKED)
    broken.clear()
    with pytest.warns(UserWarning, match="not kept: evaluated alone, its trial is HOLDS"):
        saved = result.save()
    assert saved.id == ""
    assert ids() == []


def test_a_claim_that_has_changed() -> None:
    path = kept(leaning, id="claim")

    def claim(model: Any = leaning, **options: Any) -> Claim:
        stated = VECTORS | options
        return Claim(model, stated.pop("group"), **stated, id="claim")

    with pytest.raises(ReplayError, match="no longer claims 'equivariance'"):
        symcheck.replay(path, claim(properties=(Composition(),)))
    with pytest.raises(ReplayError, match=r"now takes 2 tensors; failure .* has 1"):
        symcheck.replay(path, claim(torch.add, domain=(torch.ones(4, 3), torch.ones(4, 3)), inputs=("vector", "vector")))
    with pytest.raises(ClaimError, match="acts on a last axis of size 5"):
        symcheck.replay(path, claim(inputs="1x2e"))
    assert symcheck.replay(path, claim(outputs=Scalar())).status == "FAILED"


def test_a_claim_that_is_gone(write: Callable[..., str]) -> None:
    name = write(0.1)
    run("audit", name, "--trials", "64")
    write(0.1, MODULE + "\nCLAIMS = CLAIMS[1:]\n")
    failures = {read(f).failure.claim.split(".")[1]: f for f in ids()}
    done = run("replay", failures["leaning: SO(3), vector -> scalar"])
    assert done.exit_code == 2
    assert f"{name} no longer claims '{name}.leaning: SO(3), vector -> scalar'; did you mean" in done.output
    assert run("replay", failures["Net: SO(3), vector -> scalar"]).exit_code == 1
    write(0.1, "CLAIMS = 5")
    with pytest.raises(SubjectError, match=r"CLAIMS is 5; expected a tuple of symcheck.Claim"):
        symcheck.replay(ids()[0])


@pytest.mark.cuda
def test_a_failure_of_one_device_replays_on_another() -> None:
    path = kept(leaning)
    assert symcheck.replay(path, leaning, device="cuda").status == "FAILED"
    assert symcheck.replay(path, radius, device="cuda", dtype="bfloat16").status == "FIXED"


def test_a_device_that_is_not_here_is_named() -> None:
    path = kept(leaning)
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="device 'cuda' can't be used here"):
            symcheck.replay(path, leaning, device="cuda")
    with pytest.raises(SettingsError, match="did you mean"):
        symcheck.replay(path, leaning, dtype="flaot16")


# Files that aren't as they were written.


def words(path: Path, *, signed: bool = True, **changed: Any) -> None:
    """Other words in the place of some, with a checksum that is right if they are signed."""
    new = json.loads(path.read_text()) | changed
    if signed:
        failure = msgspec.convert(new | {"words": ""}, Failure)
        new["words"] = hashlib.sha256(msgspec.json.encode(failure)).hexdigest()
    path.write_text(json.dumps(new))


def tensors(path: Path, data: bytes, *, signed: bool = False) -> None:
    path.with_suffix(".safetensors").write_bytes(data)
    if signed:
        words(path, tensors=hashlib.sha256(data).hexdigest())


def data(path: Path) -> bytes:
    return path.with_suffix(".safetensors").read_bytes()


def edited(path: Path, **changed: Tensor | None) -> None:
    """Other tensors in the place of some, with a checksum that is right."""
    from safetensors.torch import load, save

    new = load(data(path)) | changed
    tensors(path, save({name: tensor for name, tensor in new.items() if tensor is not None}), signed=True)


def pickled(path: Path) -> None:
    torch.save({"x": torch.zeros(3)}, path.with_suffix(".safetensors"))
    tensors(path, data(path), signed=True)


BAD: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "is no JSON: it is damaged or cut short. Audit again"),
    "cut short": (lambda p: p.write_bytes(p.read_bytes()[:200]), "is no JSON: it is damaged or cut short"),
    "binary": (lambda p: p.write_bytes(data(p)), "is no JSON"),
    "deep": (lambda p: p.write_bytes(b"[" * 100_000), "is no JSON|not a failure that symcheck kept"),
    "a list": (lambda p: p.write_text("[1, 2]"), "is not a failure that symcheck kept"),
    "foreign": (lambda p: p.write_text('{"kind": "parcel"}'), r"its JSON has no 'kind': 'symcheck failure'. Name another"),
    "newer": (lambda p: words(p, signed=False, format=2), r"is in format 2, and this symcheck reads format 1. Update symcheck"),
    "older": (lambda p: words(p, signed=False, format=0), r"is in format 0, and this symcheck reads format 1. Audit again"),
    "a field lacks": (
        lambda p: p.write_text('{"kind": "symcheck failure", "format": 1}'),
        "isn't as symcheck writes it: Object missing required field `id`",
    ),
    "a field of another type": (lambda p: words(p, signed=False, seed="seven"), r"Expected `int`, got `str` - at `\$.seed`"),
    "another seed": (lambda p: words(p, signed=False, seed=9), "isn't as it was written: it is damaged, or was edited"),
    "a tolerance": (lambda p: words(p, signed=False, tolerance=0.9), "isn't as it was written: it is damaged, or was edited"),
    "no tensors": (lambda p: p.with_suffix(".safetensors").unlink(), "has lost its tensors: there is no .* beside it"),
    "tensors cut short": (lambda p: tensors(p, data(p)[:-8]), "damaged, cut short or another's"),
    "a bit of them": (lambda p: tensors(p, data(p)[:-1] + b"\x00"), "damaged, cut short or another's"),
    "no safetensors": (lambda p: tensors(p, b"nonsense", signed=True), "doesn't hold g, x and both sides of each trial"),
    "pickled": (pickled, "doesn't hold g, x and both sides of each trial"),
    "without g": (lambda p: edited(p, **{"0.g": None}), "doesn't hold g, x and both sides of each trial"),
    "without x": (lambda p: edited(p, **{"0.x.0": None}), "doesn't hold g, x and both sides of each trial"),
    "one x": (lambda p: edited(p, **{"1.x.0": torch.zeros(1, 4, 3)}), "doesn't hold g, x and both sides of each trial"),
    "no sides": (lambda p: edited(p, **{"0.left.0": None}), "doesn't hold g, x and both sides of each trial"),
    "a number for g": (lambda p: edited(p, **{"0.g": torch.tensor(1.0)}), "doesn't hold g, x and both sides of each trial"),
    "no trials": (lambda p: words(p, trials=[]), "doesn't hold g, x and both sides of each trial"),
    "another trial": (lambda p: words(p, trials=[{"element": "", "region": "", "relative": None}] * 3), "doesn't hold g, x"),
    "several g": (lambda p: edited(p, **{"0.g": torch.zeros(2, 3, 3)}), "doesn't hold g, x and both sides of each trial"),
    "g of no rotation": (
        lambda p: edited(p, **{"0.g": torch.zeros(1, 3).double()}),
        r"has an element float64 \(3,\); those of SO\(3\) are float64 \(3, 3\). Audit again",
    ),
    "g of whole numbers": (lambda p: edited(p, **{"0.g": torch.zeros(1, 3, 3).long()}), r"element int64 \(3, 3\); those of"),
    "reps that are none": (lambda p: words(p, inputs={"kind": "tensor", "rep": "vectr"}), "did you mean 'vector'"),
    "reps of more tensors": (
        lambda p: words(p, inputs={"kind": "tuple", "children": [{"kind": "tensor", "rep": "vector"}] * 2}),
        "has 1 inputs and 2 reps",
    ),
    "no such group": (lambda p: words(p, group="SO3"), r"did you mean 'SO\(3\)'"),
    "no such property": (lambda p: words(p, property_name="beauty"), "the claim has no properties"),
    "no such precision": (lambda p: words(p, precision="float8"), "'float8' is no floating-point dtype to check in"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "can't be read: Is a directory"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_files_that_are_not_as_they_were_written_are_refused(name: str) -> None:
    path = Path(kept(leaning))
    assert run("replay", str(path)).exit_code == 1
    spoil, message = BAD[name]
    spoil(path)
    with pytest.raises(symcheck.errors.SymcheckError, match=message) as refused:
        symcheck.replay(path, leaning)
    if isinstance(refused.value, ReplayError) and "reps" not in name:
        assert path.stem in str(refused.value)
    done = run("replay", str(path))  # which finds the model by itself
    assert done.exit_code == 2
    assert done.output.startswith("symcheck: ERROR: ")
    assert re.search(message, done.output)


def test_a_path_that_is_none() -> None:
    with pytest.raises(ReplayError, match="can't be read: embedded null"):
        symcheck.replay("a\0b.json", leaning)
    with pytest.raises(ReplayError, match=r"there is no kept failure 'no/such.json'"):
        symcheck.replay("no/such.json", leaning)


# Folders that can't be written to.


def read_only(*_: Any, **__: Any) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


def test_a_folder_that_cannot_be_written_to_is_a_warning(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(0.1)
    Path("file").write_text("")
    for folder, why in (("file/below", "Not a directory"), (".symcheck", "Read-only file system")):
        if folder == ".symcheck":
            monkeypatch.setattr(Path, "write_bytes", read_only)
        done = run("audit", name, "--trials", "64", "--failures", folder)
        assert done.exit_code == 1
        assert f"reproduce  not kept: '{folder}' can't be written to: {why}" in done.output
        result = symcheck.check(leaning, CLOUD, **CHECKED)
        with pytest.warns(UserWarning, match=f"not kept: '{folder}' can't be written to: {why}"):
            assert result.save(folder).id == ""
        with pytest.raises(AssertionError, match=f"not kept: '{folder}' can't be written to: {why}"):
            symcheck.assert_equivariant(leaning, CLOUD, save=folder, **CHECKED)
        assert ids(folder) == []
    assert not Path(".symcheck").exists() or not any(Path(".symcheck").iterdir())


# Hostile names.


def test_names_do_not_steer_the_terminal() -> None:
    hostile = "a\x1b[2J\r\nclaim\u202e\x07"
    path = kept(leaning, id=hostile)
    assert hostile.encode() not in Path(path).read_bytes()
    done = run("replay", path)
    assert done.exit_code == 1
    assert all(line.isprintable() for line in done.output.splitlines())
    assert done.output.startswith("FAILED  a?[2J  claim??")
    words(Path(path), home="no\x1b[2Jmodule:\x07name")
    done = run("replay", path)
    assert done.exit_code == 2
    assert all(line.isprintable() for line in done.output.splitlines())


def test_a_replay_is_a_few_lines() -> None:
    path = kept(lambda x: leaning(x), domain=PointCloud(points=40))
    for found in (symcheck.replay(path, leaning), symcheck.replay(path, radius)):
        assert isinstance(found, Replayed)
        assert len(str(found).splitlines()) < 12
        assert max(map(len, str(found).splitlines())) <= 118


def test_other_versions_are_named() -> None:
    path = Path(kept(lambda x: leaning(x)))
    assert "versions" not in str(symcheck.replay(path, leaning))
    words(path, versions={"symcheck": "0.0.1", "torch": "1.0", "python": "3.3"})
    told = " ".join(str(symcheck.replay(path, leaning)).split())
    assert f"torch 1.0, now {torch.__version__}" in told


def test_models_are_left_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(3, 1, bias=True))
    before = [p.detach().clone() for p in model.parameters()]
    path = kept(model, outputs="scalar", domain=Set(points=4, features=3), perturb=True)
    symcheck.replay(path, model, dtype="float16")
    for own, parameter in zip(before, model.parameters(), strict=True):
        assert torch.equal(own, parameter)
        assert parameter.dtype == torch.float32


@pytest.mark.parametrize("given", [lambda model: model, Subject.of], ids=["model", "subject"])
def test_a_model_stays_in_training_mode(given: Callable[[nn.Module], Any]) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    model[1].eval()
    path = kept(model, outputs="scalar", domain=Set(points=4, features=3))
    symcheck.replay(path, given(model))
    assert [part.training for part in model.modules()] == [True, True, False, True]


def test_git_is_told_to_leave_out_no_folder_but_our_own(tmp_path: Path) -> None:
    result = symcheck.check(leaning, CLOUD, **CHECKED)
    mine, made = tmp_path / "mine", tmp_path / "made"
    mine.mkdir()
    result.save(mine)
    assert {path.suffix for path in mine.iterdir()} == {".json", ".safetensors"}
    result.save(made)
    assert (made / ".gitignore").read_text() == "*\n"
