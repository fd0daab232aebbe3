"""Targets: models from Python files and from model files, weights, and files that hold code, which is never run unasked."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, integers, sampled_from, text
from safetensors.torch import save_file
from torch import Tensor, nn

from symcheck import subjects
from symcheck.cli import main
from symcheck.errors import SubjectError

CLAIM = ("--shape", "4,3", "--group", "SO(3)", "--input", "vector", "--output", "scalar", "--trials", "32")
SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.metric = nn.Linear(3, 3, bias=False)
    def forward(self, x):
        return (x * self.metric(x)).sum(-1)

def build():
    return Net()

def leaning():
    net = Net()
    nn.init.eye_(net.metric.weight)
    net.metric.weight.data[0, 0] = 2
    return net

net = Net()
plain = lambda x: x.norm(dim=-1)
"""


class Sized(nn.Module):
    """Holds at the identity, as `build` of SOURCE does."""

    def __init__(self) -> None:
        super().__init__()
        self.metric = nn.Linear(3, 3, bias=False)
        nn.init.eye_(self.metric.weight)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.metric(x)).sum(-1)


def symcheck(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def refused(*arguments: str) -> str:
    """The error of an audit that is refused, as a sentence on stderr."""
    done = symcheck("audit", *arguments, *CLAIM)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module into the current folder, under a name that no other test uses; returns the name."""
    monkeypatch.chdir(tmp_path)

    def written(text: str = SOURCE, folder: str = ".") -> str:
        name = f"loaded_{abs(hash(str(tmp_path)))}_{len(list(tmp_path.rglob('*')))}"
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.py").write_text(text)
        return name

    return written


IDENTITY = {"metric.weight": torch.eye(3)}


# Python files


def test_a_python_file(source: Any) -> None:
    name = source(SOURCE, "deep/er")
    assert symcheck("audit", f"deep/er/{name}.py:leaning", *CLAIM).exit_code == 1
    assert symcheck("audit", f"{Path.cwd()}/deep/er/{name}.py:plain", *CLAIM).exit_code == 0
    failures = list(Path(".symcheck").glob("*.json"))
    assert json.loads(failures[0].read_text())["home"] == f"deep/er/{name}.py:leaning"
    assert symcheck("replay", failures[0].stem).exit_code == 1


def test_a_class_without_an_init_of_its_own_is_a_factory_and_a_function_of_any_arguments_a_model(source: Any) -> None:
    text = "from torch import nn\nclass Norms(nn.Module):\n    def forward(self, x):\n        return x.norm(dim=-1)\n"
    name = source(text + "def norms(*x):\n    return x[0].norm(dim=-1)\n")
    assert subjects.subject(f"{name}:Norms").build is not None
    assert subjects.subject(f"{name}:norms").build is None
    for model in ("Norms", "norms"):
        assert symcheck("audit", f"{name}.py:{model}", *CLAIM).exit_code == 0


def test_a_python_file_in_a_package_may_import_its_siblings(source: Any) -> None:
    Path("inside_a_package").mkdir()
    Path("inside_a_package/__init__.py").touch()
    Path("inside_a_package/parts.py").write_text(SOURCE)
    Path("inside_a_package/whole.py").write_text("from .parts import plain")
    assert symcheck("audit", "inside_a_package/whole.py:plain", *CLAIM).exit_code == 0


def test_a_python_file_that_states_claims(source: Any) -> None:
    claims = (
        "from symcheck import Claim, Subject\n"
        'claim = Claim(plain, "SO(3)", domain=torch.randn(4, 3), inputs="vector", outputs="scalar")\n'
        'CLAIMS = (claim, claim.twin(Subject.built(build), reason="its metric is random"))\n'
        'WRONG = Claim(Subject.built(leaning), "SO(3)", domain=torch.randn(4, 3), inputs="vector", outputs="scalar")\n'
        "CLAIMS += (WRONG,)"
    )
    file = f"deep/{source(SOURCE + claims, 'deep')}.py"
    done = symcheck("audit", file, "--trials", "32")
    assert done.exit_code == 1, done.output
    assert "2 of 3 claims" in done.output
    (failure,) = Path(".symcheck").glob("*.json")
    assert json.loads(failure.read_text())["home"] == file
    assert symcheck("replay", failure.stem).exit_code == 1


def test_python_files_that_have_no_name_to_import(source: Any) -> None:
    Path("two words.py").write_text(SOURCE)
    assert "has no name that Python can import, 'two words'. Rename it" in refused("two words.py:build")
    Path("json.py").write_text(SOURCE)
    assert "Python has another module 'json', from" in refused("json.py:build")
    name = source()
    assert f"there is no file '{name}x.py'; did you mean '{name}.py'?" in refused(f"{name}x.py:build")
    assert "is a folder, and a file is expected" in refused(f"{Path('folder.py').mkdir() or 'folder.py'}:build")


# What a target is


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("{}.build", "Did you mean '{0}:build'?"),
        ("{}", "'{0}' names a module, not a model. Name the model or its factory in it; did you mean '{0}:net' or '{0}:Net'?"),
        ("{}.py", "did you mean '{0}.py:net' or '{0}.py:Net'?"),
        ("{}:biuld", "{0} has no 'biuld'; did you mean 'build'?"),
        ("{}:", "'{0}:' is no target. Name a module or package"),
        (":build", "':build' is no target"),
        ("./{}", "'./{0}' is no target"),
        ("here/{}", "there is no module 'here/{0}'"),
    ],
)
def test_a_target_that_is_misspelt(source: Any, target: str, part: str) -> None:
    name = source()
    assert part.format(name) in refused(target.format(name))


def test_a_module_that_prints_is_told_and_audited(source: Any) -> None:
    name = source(SOURCE + "print('hello\\x1b[2J')")
    done = symcheck("audit", f"{name}:plain", *CLAIM)
    assert done.exit_code == 0, done.output
    assert f"symcheck: {name} printed while it was imported: hello?[2J\n" in done.stderr
    assert "hello" not in done.stdout


def test_a_module_that_exits_is_told(source: Any) -> None:
    name = source("import sys\nprint('usage: net FILE')\nsys.exit(3)")
    said = refused(f"{name}:build")
    assert f"{name} was found, but importing it raised SystemExit: 3. Run python -m {name}." in said
    assert "printed while it was imported: usage: net FILE" in said
    later = source("import sys\ndef build():\n    sys.exit(3)")
    assert "build() raised SystemExit: 3. Mend the factory." in symcheck("audit", f"{later}:build", *CLAIM).output.replace(
        "\n", " "
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_model_that_needs_a_gpu_says_so(source: Any) -> None:
    advice = "It needs a GPU, and there is none here"
    assert advice in refused(f"{source('import torch' + chr(10) + 'net = torch.nn.Linear(3, 3).cuda()')}:net")
    name = source("import torch\ndef build():\n    return torch.nn.Linear(3, 3).cuda()")
    done = symcheck("audit", f"{name}:build", *CLAIM)
    assert done.exit_code == 2
    assert advice in " ".join(done.output.split())
    assert advice not in refused(f"{source('raise RuntimeError(1)')}:net")


# Weights


def saved(values: Any, name: str) -> str:
    """A file of these weights, in the current folder."""
    if name.endswith(".safetensors"):
        save_file(values, name)
    else:
        torch.save(values, name, _use_new_zipfile_serialization=name != "legacy.pt")
    return name


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "legacy.pt", "w.bin"])
@pytest.mark.parametrize("model", ["build", "net"])
def test_weights_decide_the_verdict_and_are_recorded(source: Any, name: str, model: str) -> None:
    target, file = f"{source()}:{model}", saved(IDENTITY, name)
    done = symcheck("audit", target, "--weights", file, *CLAIM, "--json", "out.json", "--html", "out.html")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(Path("out.json").read_text())["results"]
    assert result["files"] == [{"path": name, "sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest()}]
    assert result["files"][0]["sha256"] in Path("out.html").read_text()
    assert result["weights"] == ["own"]
    saved({"metric.weight": torch.diag(torch.tensor([1.0, 1, 2]))}, name)
    assert symcheck("audit", target, "--weights", file, *CLAIM).exit_code == 1


def test_a_failure_at_weights_of_a_file_is_replayed_with_them(source: Any) -> None:
    target, file = f"{source()}:build", saved({"metric.weight": torch.diag(torch.tensor([1.0, 1, 2]))}, "w.pt")
    assert symcheck("audit", target, "--weights", file, *CLAIM, "--json", "out.json").exit_code == 1
    (result,) = json.loads(Path("out.json").read_text())["results"]
    command = result["saved"]["command"].split()
    assert command[:2] == ["symcheck", "replay"]
    assert command[3:] == ["--target", target, "--weights", "w.pt"]
    assert symcheck(*command[1:]).exit_code == 1
    saved(IDENTITY, "w.pt")
    assert symcheck(*command[1:]).exit_code == 0
    alone = symcheck(*command[1:3])
    assert alone.exit_code == 2
    assert "names no model that can be imported" in alone.output
    without = symcheck(*command[1:3], "--weights", "w.pt")
    assert "--weights and --trust-code are for the model that --target names" in without.output


def test_weights_for_a_model_that_states_its_claims(source: Any) -> None:
    claims = (
        "from symcheck import Claim, Subject\n"
        'CLAIMS = (Claim(Subject.built(build), "SO(3)", domain=torch.randn(4, 3), inputs="vector", outputs="scalar"),)'
    )
    target, file = f"{source(SOURCE + claims)}:build", saved(IDENTITY, "w.pt")
    assert symcheck("audit", target, "--trials", "32").exit_code == 1
    assert symcheck("audit", target, "--weights", file, "--trials", "32").exit_code == 0


def test_a_checkpoint_is_unpacked_where_it_is_plain_which_weights_are_meant(source: Any) -> None:
    target = f"{source()}:build"
    file = saved({"state_dict": IDENTITY, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}}, "w.ckpt")
    assert symcheck("audit", target, "--weights", file, *CLAIM).exit_code == 0
    two = saved({"model": IDENTITY, "average": IDENTITY}, "two.pt")
    assert "holds several sets of weights, 'model', 'average'. Save the one that you mean" in refused(target, "--weights", two)
    none = saved([1, 2], "list.pt")
    assert "'list.pt' holds a list, not tensors by name" in refused(target, "--weights", none)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({}, "1 missing ('metric.weight')"),
        ({"metrc.weight": torch.eye(3)}, "1 unexpected ('metrc.weight'; did you mean 'metric.weight'?). Give the weights of"),
        ({**IDENTITY, "other": torch.eye(3)}, "1 unexpected ('other')."),
        (
            {**IDENTITY, **{f"layer{i}": torch.eye(3) for i in range(6)}},
            "6 unexpected ('layer0', 'layer1', 'layer2', 'layer3' and 2 more",
        ),
        ({"metric.weight": torch.eye(4)}, "1 of another shape ('metric.weight' is (4, 4) in the file, (3, 3) in the model)"),
        ({"module.metric.weight": torch.eye(3)}, "All its names begin with 'module.': the model was wrapped"),
        ({"weight": torch.eye(3)}, "1 missing ('metric.weight'); 1 unexpected ('weight'"),
    ],
)
@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_weights_of_another_model_are_refused(source: Any, values: dict[str, Tensor], part: str, name: str) -> None:
    if not values and name == "w.pt":
        part = "not tensors by name"
    target = f"{source()}:build"
    said = refused(target, "--weights", saved(values, name))
    assert part in said
    assert part == "not tensors by name" or f"'{name}' has other weights than {target}: " in said


def test_tied_weights_may_be_in_the_file_once(source: Any) -> None:
    body = ("net = Net()", "net.again = net.metric", "net.other = nn.Linear(3, 3, bias=False)", "return net")
    tied = "\n    ".join(("\ndef tied():", *body))
    target = f"{source(SOURCE + tied)}:tied"
    assert (
        symcheck("audit", target, "--weights", saved({**IDENTITY, "other.weight": torch.eye(3)}, "w.pt"), *CLAIM).exit_code == 0
    )
    said = refused(target, "--weights", saved(IDENTITY, "w.pt"))
    assert "1 missing ('other.weight')" in said  # which isn't tied


def test_weights_need_one_module_to_go_into(source: Any) -> None:
    name, file = source(), saved(IDENTITY, "w.pt")
    assert "is a function, not a torch.nn.Module: it has no names to put weights to" in refused(
        f"{name}:plain", "--weights", file
    )
    assert "--weights w.pt is for one TARGET, and there are 2" in refused(f"{name}:net", f"{name}:build", "--weights", file)
    assert "names a module, not a model" in refused(name, "--weights", file)
    assert "'w.pt' has its own weights. --weights is for a model's source" in refused(file, "--weights", file)
    assert "holds weights, without the model" in refused(saved(IDENTITY, "w.safetensors"))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "legacy.pt"])
def test_weights_that_are_cut_short_or_damaged(source: Any, name: str) -> None:
    target, whole = f"{source()}:build", Path(saved(IDENTITY, name)).read_bytes()
    for part in (whole[:5], whole[: len(whole) // 2], whole[:-3], b"nonsense" * 20):
        Path(name).write_bytes(part)
        said = refused(target, "--weights", name)
        assert f"'{name}' can't be read as " in said
        assert "It is damaged or cut short" in said
    Path(name).write_bytes(b"")
    assert f"'{name}' is empty: it has 0 bytes" in refused(target, "--weights", name)


def test_weights_that_are_not_a_file(source: Any) -> None:
    target = f"{source()}:build"
    Path("checkpoint").mkdir()
    saved(IDENTITY, "checkpoint/w.pt")
    assert "'checkpoint' is a folder, and a file is expected. Name the file in it; known: 'w.pt'." in refused(
        target, "--weights", "checkpoint"
    )
    assert "there is no file 'checkpoint/v.pt'; did you mean 'w.pt'?" in refused(target, "--weights", "checkpoint/v.pt")
    assert "there is no folder 'nowhere' either" in refused(target, "--weights", "nowhere/w.pt")
    assert "there is no file 'checkpoint/w.pt/x'" in refused(target, "--weights", "checkpoint/w.pt/x")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a model, and files of its weights to damage."""
    path = tmp_path_factory.mktemp("fuzzed")
    (path / "fuzzed_net.py").write_text(SOURCE)
    for name in ("w.safetensors", "w.pt", "legacy.pt"):
        saved(IDENTITY, str(path / name))
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text(alphabet="qz.:/\\ \0\n-*é\ud800", max_size=9), sampled_from(["", ".py", ".onnx", ".pt2", ".pt", ":q", ".py:q"]))
def test_no_target_gives_a_traceback(source: Any, start: str, end: str) -> None:
    if not (start + end).startswith("-"):  # which is an option
        said = refused(start + end)
        assert said.startswith("symcheck: ")
        assert said.count("\n") == 1


@settings(max_examples=60, deadline=None)
@given(sampled_from(["w.safetensors", "w.pt", "legacy.pt"]), integers(0, 2000), binary(min_size=1, max_size=12))
def test_no_damage_to_weights_gives_a_traceback(folder: Path, name: str, place: int, junk: bytes) -> None:
    whole = (folder / name).read_bytes()
    place %= len(whole)
    (folder / "damaged").write_bytes(whole[:place] + junk + whole[place + len(junk) :])
    with contextlib.suppress(SubjectError):  # and none other; what changes numbers alone is read
        subjects.subject(f"{folder}/fuzzed_net.py:net", weights=str(folder / "damaged"))


def test_an_archive_of_a_version_that_no_zip_has(source: Any) -> None:
    saved(IDENTITY, "w.pt")
    whole = Path("w.pt").read_bytes()
    place = whole.index(b"PK\x01\x02") + 6  # the version that is needed to extract the first member
    Path("w.pt").write_bytes(whole[:place] + b"\x40" + whole[place + 1 :])
    done = symcheck("audit", f"{source()}:net", "--weights", "w.pt", *CLAIM)
    assert done.exit_code in (0, 2), done.output  # torch may read it all the same; 3 would be an error of ours


# Files that hold code


class Bomb:
    """A pickle of it makes a file when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


class Trap(nn.Module):
    """A scripted module that makes a file when it is restored."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.w, self.mark = nn.Parameter(torch.ones(1)), mark

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, str, bool]:
        return self.w, self.mark, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, str, bool]) -> None:
        self.w = state[0] + 0 * torch.from_file(state[1], True, 1)
        self.mark = state[1]
        self.training = state[2]

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x.square().sum(-1)


def pickled(model: Any, path: Path) -> None:
    torch.save(model, path)


def legacy(model: Any, path: Path) -> None:
    torch.save(model, path, _use_new_zipfile_serialization=False)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported program, of which tests take copies: making one takes seconds."""
    path = tmp_path_factory.mktemp("exported") / "net.pt2"
    batch = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(Sized(), (torch.randn(4, 4, 3),), dynamic_shapes=batch), path)
    return path


def scripted(model: nn.Module, path: Path) -> None:
    with warnings.catch_warnings():  # newer versions of torch advise against it
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(model), str(path))


INPUTS = ("sample_inputs/model.pt", "serialized_example_inputs.pt")  # as newer and older versions of torch call them


def exported_bomb(program: Path, path: Path, bomb: Bomb) -> None:
    """The program with a pickle in the place of its sample inputs, which torch reads as it comes."""
    held = io.BytesIO()
    torch.save(bomb, held)
    with zipfile.ZipFile(program) as whole, zipfile.ZipFile(path, "w") as poisoned:
        for name in whole.namelist():
            poisoned.writestr(name, held.getvalue() if name.endswith(INPUTS) else whole.read(name))


POISONED: dict[str, Callable[[Path, Path, Path], None]] = {
    "evil.pt": lambda path, mark, _: torch.save(Bomb(mark), path),
    "evil.pth": lambda path, mark, _: torch.save({"metric.weight": torch.eye(3), "x": Bomb(mark)}, path),
    "evil.pkl": lambda path, mark, _: torch.save(Bomb(mark), path, _use_new_zipfile_serialization=False),
    "evil.pt2": lambda path, mark, program: exported_bomb(program, path, Bomb(mark)),
    "evil.ts": lambda path, mark, _: scripted(Trap(str(mark)), path),
}


@pytest.mark.parametrize("name", POISONED)
def test_poison_in_a_file_is_not_run_unasked(source: Any, program: Path, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "mark"
    POISONED[name](tmp_path / name, mark, program)
    mark.unlink(missing_ok=True)
    said = refused(name)
    assert "reading it can run code that is in the file. If you trust whoever made it, add --trust-code" in said
    target = f"{source()}:build"
    refused(target, "--weights", name)
    refused(target, "--weights", name, "--trust-code")  # which is for models: weights are never read so
    assert not mark.exists()
    symcheck("audit", name, "--trust-code", *CLAIM)
    assert mark.exists(), "the poison is none, and so this test shows nothing"


def test_a_pickle_that_is_called_safetensors_is_not_run_at_all(source: Any, tmp_path: Path) -> None:
    torch.save(Bomb(tmp_path / "mark"), "evil.safetensors")
    assert "holds weights, without the model" in refused("evil.safetensors", "--trust-code")
    assert "can't be read as safetensors" in refused(f"{source()}:build", "--weights", "evil.safetensors")
    assert not (tmp_path / "mark").exists()


def test_weights_with_code_say_which(source: Any, tmp_path: Path) -> None:
    POISONED["evil.pth"](tmp_path / "evil.pth", tmp_path / "mark", tmp_path)
    said = refused(f"{source()}:build", "--weights", "evil.pth")
    assert "'evil.pth' holds more than weights (" in said
    assert "getattr): reading it could run code" in said  # by which pickle finds a method
    assert "save the weights alone: torch.save(model.state_dict(), 'weights.pt')" in said


def test_an_exported_program(source: Any, program: Path) -> None:
    Path("net.pt2").write_bytes(program.read_bytes())
    done = symcheck("audit", "net.pt2", "--trust-code", *CLAIM, "--json", "out.json")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(Path("out.json").read_text())["results"]
    assert result["files"][0]["sha256"] == hashlib.sha256(program.read_bytes()).hexdigest()
    assert symcheck("audit", "net.pt2", "--trust-code", *CLAIM[:-3], "vector").exit_code == 2  # which its output isn't
    assert "is a whole program, not weights" in refused(f"{source()}:build", "--weights", "net.pt2")
    for size in (100, len(program.read_bytes()) - 40):
        Path("net.pt2").write_bytes(program.read_bytes()[:size])
        assert "It is damaged or cut short" in refused("net.pt2", "--trust-code")


def test_torchscript_and_its_failure(source: Any, tmp_path: Path) -> None:
    net = Sized()
    scripted(net, tmp_path / "net.pt")
    assert symcheck("audit", "net.pt", "--trust-code", *CLAIM).exit_code == 0
    net.metric.weight.data[0, 0] = 2
    scripted(net, tmp_path / "net.pt")
    assert symcheck("audit", "net.pt", "--trust-code", *CLAIM, "--json", "out.json").exit_code == 1
    (result,) = json.loads(Path("out.json").read_text())["results"]
    command = result["saved"]["command"].split()[1:]
    assert command[2:] == ["--target", "net.pt", "--trust-code"]
    assert symcheck(*command).exit_code == 1
    alone = symcheck(*command[:2])
    assert alone.exit_code == 2
    assert "'net.pt' is a TorchScript archive: reading it can run code" in alone.output


def test_a_pickled_model(source: Any, tmp_path: Path) -> None:
    pickled(Sized(), tmp_path / "net.pth")
    assert "'net.pth' is a pickle: reading it can run code" in refused("net.pth")
    assert symcheck("audit", "net.pth", "--trust-code", *CLAIM).exit_code == 0
    saved(IDENTITY, "w.pt")
    assert "'w.pt' holds a dict, not a model. If those are weights, name the model too" in refused("w.pt", "--trust-code")
    name = source("class Gone:\n    def __call__(self, x):\n        return x")
    gone = subjects.subject(f"{name}:Gone").load(0)
    torch.save(gone, "gone.pt")
    Path(f"{name}.py").unlink()
    del sys.modules[name]
    importlib.invalidate_caches()
    assert "needs the code that its model was pickled with, which isn't here" in refused("gone.pt", "--trust-code")


@pytest.mark.parametrize("suffix", ["pt2", "pt", "onnx", "ckpt"])
def test_model_files_that_are_none(source: Any, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(f"net.{suffix}")
    assert f"there is no file 'net.{suffix}'" in refused(str(file), "--trust-code")
    file.write_bytes(b"")
    assert "is empty: it has 0 bytes" in refused(str(file), "--trust-code")
    file.unlink()
    file.mkdir()
    assert "is a folder, and a file is expected" in refused(str(file), "--trust-code")
    file.rmdir()
    if suffix != "onnx" or importlib.util.find_spec("onnxruntime"):
        file.write_bytes(b"nonsense" * 9)
        assert "It is damaged or cut short" in refused(str(file), "--trust-code")


def test_a_model_file_states_no_claims(source: Any, tmp_path: Path) -> None:
    scripted(Sized(), tmp_path / "net.pt")
    done = symcheck("audit", "net.pt", "--trust-code")
    assert done.exit_code == 2
    assert "net.pt is of torch.nn, but no claim can be read from it" in done.output
    assert "Or say what to check: symcheck audit net.pt --shape" in done.output


# ONNX


def test_onnx_without_onnxruntime(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    Path("net.onnx").write_bytes(b"anything")
    assert "is run by onnxruntime, which isn't installed. Install it: pip install onnxruntime" in refused("net.onnx")


def onnx_file(path: str, weight: Tensor, batch: str | int = "batch", double: bool = False) -> str:
    """sum((x W) * x) over the last axis, of inputs (batch, 4, 3)."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.DOUBLE if double else onnx.TensorProto.FLOAT
    w = helper.make_tensor("w", kind, [3, 3], weight.flatten().tolist())
    axes = helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [-1])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Mul", ["x", "h"], ["s"]),
        helper.make_node("ReduceSum", ["s", "axes"], ["y"], keepdims=0),
    ]
    x, y = (helper.make_tensor_value_info(n, kind, shape) for n, shape in (("x", [batch, 4, 3]), ("y", [batch, 4])))
    graph = helper.make_graph(nodes, "net", [x], [y], [w, axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("double", [False, True])
def test_onnx(source: Any, batch: str | int, double: bool) -> None:
    file = onnx_file("net.onnx", torch.eye(3), batch, double)
    done = symcheck("audit", file, *CLAIM, "--json", "out.json")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(Path("out.json").read_text())["results"]
    assert result["precision"] == ("float64" if double else "float32")
    assert (
        [finding["kind"] for finding in result["findings"] if "float64" in finding["kind"]] == [] if double else ["no-float64"]
    )
    assert result["files"] == [{"path": file, "sha256": hashlib.sha256(Path(file).read_bytes()).hexdigest()}]
    onnx_file("net.onnx", torch.diag(torch.tensor([1.0, 1, 2])), batch, double)
    assert symcheck("audit", file, *CLAIM, "--json", "out.json").exit_code == 1
    (result,) = json.loads(Path("out.json").read_text())["results"]
    assert symcheck(*result["saved"]["command"].split()[1:]).exit_code == 1
    assert result["location"]["culprit"] is None
    assert result["location"]["because"] == "what breaks it is computed outside of torch, which shows nothing of it"


def test_onnx_in_a_precision_that_onnxruntime_lacks(source: Any) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.DOUBLE
    w = helper.make_tensor("w", kind, [1, 1, 3], [1.0, 2.0, 3.0])
    x, y = (helper.make_tensor_value_info(name, kind, ["batch", 1, size]) for name, size in (("x", 8), ("y", 6)))
    model = helper.make_model(helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"])], "net", [x], [y], [w]))
    model.ir_version, model.opset_import[0].version = 8, 13
    onnx.save(model, "net.onnx")
    said = refused("net.onnx")
    assert said.startswith("symcheck: 'net.onnx' computes what onnxruntime can't on the CPU, in the precision of the file: ")
    assert "Conv" in said
    assert "damaged" not in said
    assert said.rstrip().endswith("Export it in float32.")


def test_onnx_on_inputs_that_it_does_not_take(source: Any) -> None:
    model = subjects.subject(onnx_file("net.onnx", torch.eye(3))).load(0)
    with pytest.raises(TypeError, match="input 'x' of the ONNX model is float32, not float64"):
        model(torch.zeros(1, 4, 3, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"takes 1 inputs \(x\), not 2"):
        model(torch.zeros(1, 4, 3), torch.zeros(1))
    Path("net.onnx").write_bytes(Path("net.onnx").read_bytes()[:60])
    with pytest.raises(SubjectError, match="can't be read as an ONNX model"):
        subjects.subject("net.onnx")
