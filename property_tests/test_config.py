"""Config files: what they say is what is audited, and what they get wrong is told with its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from safetensors.torch import save_file

from symcheck import Claim
from symcheck.cli import main
from symcheck.config import Config, ModelTable, Profile, found, profile, read, stated, tables
from symcheck.config.reading import Reader
from symcheck.config.writing import effective, first, toml
from symcheck.errors import ConfigError, SettingsError

SHIPPED = Path(tables.__file__).parent / "symcheck.schema.json"
NET = """
from symcheck import Claim, Subject
from symcheck.domains import PointCloud

def radii():
    return lambda x: x.norm(dim=-1)

def leaning():
    return lambda x: x[..., 0].abs()

def scaled():
    return lambda x, factor: x.norm(dim=-1) * factor

CLAIMS = tuple(
    Claim(Subject.built(f), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="scalar") for f in (radii, leaning)
)
"""
QUICK = 'profile = "quick"\n[profiles.quick]\ntrials = 16\nperturb = false\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with the module net."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    return tmp_path


def symcheck(*arguments: str) -> Result:
    sys.modules.pop("net", None)
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def reading(text: str) -> Config:
    path = Path("symcheck.toml")
    path.write_text(text)
    return read(path)


# What is read

WHOLE = """
profile = "nightly"

[profiles.nightly]
trials = 1024
seed = 7
device = "cpu"
dtype = "float64"
perturb = true

[[models]]
target = "net:scaled"
weights = "net.safetensors"
twins = true

[[models.claims]]
group = "SO(3)"
inputs = ["vector", "scalar"]
outputs = { energy = "scalar" }
shapes = [[4, 3], [4]]
properties = ["equivariance", "composition"]
tolerance = 1e-3
expected = "violated"
reason = "a table of three digits"
id = "energy"

[[models.claims]]
group = "SO(3)"
inputs = { x = "vector" }
outputs = "scalar"
domain = { x = "PointCloud(points=4)" }

[[overrides]]
claims = ["net.*"]
reason = "known"
skip = true
"""


@pytest.mark.usefixtures("folder")
def test_every_setting_is_read_and_written_again() -> None:
    config = reading(WHOLE)
    assert config.models[0].claims[0].reason == "a table of three digits"
    assert config.models[0].claims[1].inputs == {"x": "vector"}
    assert reading(toml(config)) == config
    told = {
        name for kind in (Config, Profile, ModelTable, tables.ClaimTable, tables.Override) for name in kind.__struct_fields__
    }
    assert {name for name in told if name not in WHOLE} == set()


@pytest.mark.usefixtures("folder")
def test_a_project_has_it_in_its_own_table() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "x"\n[tool.symcheck.profiles.mine]\ntrials = 3\n')
    assert found(Path()) == Path("pyproject.toml")
    assert profile(read(Path("pyproject.toml")), "mine") == {"trials": 3}
    Path("symcheck.toml").write_text("")
    with pytest.raises(ConfigError, match=r"both symcheck.toml and \[tool.symcheck\] of pyproject.toml are there"):
        found(Path())
    Path("pyproject.toml").write_text('[project]\nname = "symcheck-user"\n')
    assert found(Path()) == Path("symcheck.toml")
    Path("symcheck.toml").unlink()
    assert found(Path()) is None
    with pytest.raises(ConfigError, match=r"pyproject.toml has no \[tool.symcheck\]"):
        read(Path("pyproject.toml"))


def test_profiles() -> None:
    config = Config(profiles={"dev": Profile(seed=5), "mine": Profile(trials=2)})
    assert profile(config, "dev") == {"trials": 64, "perturb": False, "seed": 5}
    assert profile(config, "mine") == {"trials": 2}
    with pytest.raises(SettingsError, match="there is no profile 'min'; did you mean 'mine'"):
        profile(config, "min")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "symcheck.toml is no TOML: Invalid value (at end of document)."),
        ("a = " + "[" * 5000, "symcheck.toml is no TOML: "),
        ("seed = 3", "symcheck.toml: there is no setting 'seed'; known: 'models', 'overrides', 'profile', 'profiles'."),
        ("model = []", "symcheck.toml: there is no setting 'model'; did you mean 'models'?"),
        ("profile = true", "symcheck.toml: profile is true; expected text."),
        ('profile = ""', "symcheck.toml: profile is ''; expected text that is not empty."),
        ("models = 3", "symcheck.toml: models is 3; expected a list."),
        ("models = [3]", "symcheck.toml: models[0] is 3; expected a table."),
        ("[[models]]", "symcheck.toml: models[0] has no 'target'. For example: target = \"mypkg.net:build\""),
        ("[[models]]\ntarget = 3", "symcheck.toml: models[0].target is 3; expected text."),
        ("[[models]]\ntarget='a'\n[[models]]\ntargte='b'", "models[1] has no setting 'targte'; did you mean 'target'?"),
        ("[profiles.a]\ntrails = 3", "profiles.a has no setting 'trails'; did you mean 'trials'?"),
        ("[profiles.'a b']\ntrials = 0", "profiles.'a b'.trials is 0; expected a whole number >= 1."),
        ("[profiles.a]\ntrials = 2.5", "profiles.a.trials is 2.5; expected a whole number."),
        ("[profiles.a]\nseed = 99999999999999999999", "profiles.a.seed is 99999999999999999999; expected a whole number <="),
        (
            '[profiles.a]\ndtype = "flaot32"',
            "profiles.a.dtype is 'flaot32'; expected one of float64, float32, bfloat16, float16;",
        ),
        ('[profiles.a]\ndtype = "flaot32"', "did you mean 'float32'"),
        ('[profiles.a]\ndtype = "x"', "profiles.a.dtype is 'x'; expected one of float64, float32, bfloat16, float16."),
        ("[[models]]\ntarget='a'\nclaims=[{group='SO(3)', inputs=3, outputs='scalar'}]", "models[0].claims[0].inputs is 3;"),
        ("[[models]]\ntarget='a'\nclaims=[{group='SO(3)', inputs=['a', 3], outputs='a'}]", ".inputs[1] is 3; expected text."),
        (
            "[[models]]\ntarget='a'\nclaims=[{group='G', inputs={a=3}, outputs='a'}]",
            "an entry of models[0].claims[0].inputs is",
        ),
        (
            "[[models]]\ntarget='a'\nclaims=[{group='G',inputs='a',outputs='a',shapes=[8,3]}]",
            ".shapes[0] is 8; expected a list",
        ),
        (
            "[[models]]\ntarget='a'\nclaims=[{group='G',inputs='a',outputs='a',shapes=[[0]]}]",
            ".shapes[0][0] is 0; expected a w",
        ),
        (
            "[[models]]\ntarget='a'\nclaims=[{group='G',inputs='a',outputs='a',tolerance=2}]",
            ".tolerance is 2; expected a number <",
        ),
        ("[[overrides]]\nclaims=['a']", "overrides[0] has no 'reason'. For example: reason = \"zero padding\""),
        ("[[overrides]]\nclaims=[]\nreason='x'", "overrides[0].claims is []; expected a list that is not empty."),
        (f"profile = {'9' * 100}", "profile is " + "9" * 60 + "...; expected"),
        ("profile = 1979-05-27", "profile is datetime.date(1979, 5, 27); expected text."),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        reading(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "symcheck.toml can't be read: Is a directory"),
        (lambda path: path.write_bytes(b"\xff"), "symcheck.toml is no TOML: 'utf-8' codec can't decode"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_that_is_none(make: Any, message: str) -> None:
    make(Path("symcheck.toml"))
    done = symcheck("audit")
    assert done.exit_code == 2
    assert message in done.output


# The schema


def test_the_schema_that_ships_is_that_of_the_types() -> None:
    assert SHIPPED.read_bytes() == tables.schema(), "write schema() to it"
    assert symcheck("config", "schema").stdout_bytes == tables.schema()
    Draft202012Validator.check_schema(msgspec.json.decode(SHIPPED.read_bytes()))


VALUES = st.one_of(
    st.booleans(),
    st.integers(-2, 2**64),
    st.floats(-1, 2, allow_nan=False),
    st.sampled_from(["", "ci", "float32", "violated", "SO(3)", "vector", "flaot32"]),
)
KEYS = st.sampled_from(
    ["x", *sorted({n for k in (Config, Profile, ModelTable, tables.ClaimTable, tables.Override) for n in k.__struct_fields__})]
)
TREES = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
CLAIM = st.fixed_dictionaries(
    {"group": VALUES, "inputs": TREES, "outputs": TREES},
    optional={"shapes": TREES, "tolerance": VALUES, "expected": VALUES, "properties": TREES, "x": VALUES},
)
MODEL = st.fixed_dictionaries(
    {"target": VALUES}, optional={"claims": st.lists(CLAIM, max_size=2), "twins": VALUES, "x": VALUES}
)
OVERRIDE = st.fixed_dictionaries({"claims": TREES, "reason": VALUES}, optional={"skip": VALUES, "tolerance": VALUES})
PROFILE = st.dictionaries(st.sampled_from(["trials", "seed", "device", "dtype", "perturb", "x"]), VALUES, max_size=3)
CONFIGS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "models": st.lists(MODEL, max_size=2),
            "overrides": st.lists(OVERRIDE, max_size=2),
            "profiles": st.dictionaries(st.text(max_size=3), PROFILE, max_size=2),
            "profile": VALUES,
        },
    ),
    st.dictionaries(KEYS, TREES, max_size=3),
)


VALID = Draft202012Validator(msgspec.json.decode(tables.schema()))


def made(config: dict[str, Any]) -> Config | None:
    """The config if it is accepted. What is refused is told with its file."""
    try:
        found: Config = Reader("symcheck.toml").table(Config, config, "")
        return found
    except ConfigError as error:
        return None if str(error).startswith("symcheck.toml: ") else Config(profile="untold")


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS)
def test_the_schema_accepts_what_the_reader_accepts(config: dict[str, Any]) -> None:
    whole = made(config)
    assert VALID.is_valid(config) is (whole is not None)
    assert whole is None or made(msgspec.to_builtins(whole)) == whole


# What is audited


@pytest.mark.usefixtures("folder")
def test_an_audit_without_a_target_is_of_the_config() -> None:
    text = """
[[models]]
target = "net"

[[models]]
target = "net:scaled"

[[models.claims]]
group = "SO(3)"
inputs = { x = "vector", factor = "scalar" }
shapes = { factor = [4], x = [4, 3] }
outputs = "scalar"
id = "scaled radii"

[[overrides]]
claims = ["net.leaning"]
expected = "violated"
reason = "reads one axis"

[[overrides]]
claims = ["*radii: *"]
skip = true
reason = "nothing new"
"""
    Path("symcheck.toml").write_text(QUICK + text)
    done = symcheck("audit", "--json", "out.json")
    assert done.exit_code == 0, done.output
    record = msgspec.json.decode(Path("out.json").read_bytes())
    told = [(one["claim"], one["verdict"], one["expected"], one["reason"], one["random_trials"]) for one in record["results"]]
    assert [one[:4] for one in told] == [
        ("net.leaning: SO(3), vector -> scalar", "violated", "violated", "reads one axis"),
        ("scaled radii", "holds", "holds", ""),
    ]
    assert record["trials"] == 16
    assert record["skipped"] == [{"claim": "net.radii: SO(3), vector -> scalar", "reason": "nothing new", "undone": False}]
    assert "skipped    net.radii: SO(3), vector -> scalar: nothing new" in done.output


@pytest.mark.usefixtures("folder")
def test_weights_and_twins_of_a_model() -> None:
    twins = """
import torch
from symcheck import Claim, Subject
class Gram(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.metric = torch.nn.Linear(3, 3, bias=False)
    def forward(self, x):
        return (x * self.metric(x)).sum(-1)
def last():
    return lambda x: x[..., 2]
HOLDS = Claim(Subject.built(Gram), "SO(3)", domain=torch.ones(4, 3), inputs="vector", outputs="scalar")
CLAIMS, TWINS = (HOLDS,), (HOLDS.twin(Subject.built(last), reason="reads one axis"),)
"""
    Path("net.py").write_text(twins)
    save_file({"metric.weight": 2 * torch.eye(3)}, "net.safetensors")
    models = '[[models]]\ntarget = "net:Gram"\nweights = "net.safetensors"\n'
    Path("symcheck.toml").write_text(QUICK + models)
    assert symcheck("audit").exit_code == 0
    Path("symcheck.toml").write_text(QUICK + models.replace('weights = "net.safetensors"', "twins = true").replace(":Gram", ""))
    done = symcheck("audit")
    assert done.exit_code == 1  # at its initial weights
    assert "1 of 2 claims are as expected, 1 of them broken on purpose and caught." in done.output


def overridden(*overrides: tables.Override) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Two claims as the overrides have them: what of each is changed, and what is skipped."""
    names = ("radii", "leaning")
    claims = [Claim(torch.relu, "S_n", domain=torch.ones(3), inputs="permute", outputs="permute", id=name) for name in names]
    found, skipped = stated.overridden(claims, overrides, "c.toml", strict=True)
    return [(one.id, one.expected, one.tolerance, one.reason) for one in found], [one.reason for one in skipped]


def test_the_last_override_has_the_last_word() -> None:
    loose = tables.Override(claims=["*"], tolerance=0.1, reason="a table")
    known = tables.Override(claims=["leaning"], expected="violated", reason="one axis")
    out = tables.Override(claims=["radii"], skip=True, reason="slow")
    assert overridden()[0] == [("radii", "holds", None, ""), ("leaning", "holds", None, "")]
    assert overridden(loose, known)[0] == [("radii", "holds", 0.1, "a table"), ("leaning", "violated", 0.1, "one axis")]
    assert overridden(known, loose)[0] == [("radii", "holds", 0.1, "a table"), ("leaning", "violated", 0.1, "a table")]
    assert overridden(known, out) == ([("leaning", "violated", None, "one axis")], ["slow"])


@pytest.mark.usefixtures("folder")
def test_a_project_audits_what_its_own_table_says() -> None:
    models = '[[tool.symcheck.models]]\ntarget = "net:radii"\n[tool.symcheck.profiles.ci]\ntrials = 8\nperturb = false\n'
    Path("pyproject.toml").write_text('[project]\nname = "x"\n' + models)
    done = symcheck("audit")
    assert done.exit_code == 0
    assert "1 of 1 claims are as expected." in done.output


@pytest.mark.usefixtures("folder")
def test_options_come_before_the_profile_and_overrides_hold_for_targets_too() -> None:
    leaning = '[[overrides]]\nclaims = ["net.leaning"]\nexpected = "violated"\nreason = "reads one axis"\n'
    Path("symcheck.toml").write_text(f'{QUICK}{leaning}[[overrides]]\nclaims = ["other"]\nskip = true\nreason = "not this"\n')
    done = symcheck("audit", "net:leaning", "--trials", "8", "--json", "out.json")
    assert done.exit_code == 0, done.output
    assert msgspec.json.decode(Path("out.json").read_bytes())["trials"] == 8


CLAIM_OF = '[[models]]\ntarget = "net:radii"\n[[models.claims]]\ngroup = "SO(3)"\n'
PLAIN = CLAIM_OF + 'inputs = "vector"\noutputs = "scalar"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "symcheck.toml names no models. Name one, as in symcheck audit pkg.mod:build, or write a config: symcheck init"),
        ('profile = "mni"\n[profiles.mini]\n', "symcheck.toml: profile: there is no profile 'mni'; did you mean 'mini'?"),
        ('[[models]]\ntarget = "nte"', "symcheck.toml: models[0]: there is no module 'nte'"),
        ('[[models]]\ntarget = "net:radi"', "symcheck.toml: models[0]: net has no 'radi'; did you mean 'radii'?"),
        ('[[models]]\ntarget = "net:scaled"', "Say what to check: symcheck audit net:scaled"),
        ('[[models]]\ntarget = "net:radii"\nweights = "no.pt"', "symcheck.toml: models[0]: there is no file 'no.pt'"),
        (PLAIN, "models[0].claims[0]: say where inputs come from: shapes = [[8, 3]] for tensors, or else a domain."),
        (PLAIN + "shapes = [[4, 3], [4]]", "models[0].claims[0]: there are 2 shapes and 1 inputs."),
        (PLAIN + "shapes = { x = [4, 3] }", "there are 1 shapes and 1 inputs. Give each input one, in a like list or table."),
        (
            CLAIM_OF + 'inputs = {y="vector"}\noutputs="scalar"\nshapes = {x=[4, 3]}',
            "shapes name x, and inputs y. Name the same.",
        ),
        (PLAIN + "shapes = [[99999999, 99999999]]", "an input of shape (99999999, 99999999) has 1.0e+16 numbers."),
        (PLAIN + 'domain = "PointCluod(4)"', "there is no domain 'PointCluod'; did you mean 'PointCloud'?"),
        (PLAIN + 'domain = "PointCloud(points=2.5)"', "claims[0]: PointCloud: points is 2.5. Give a whole number below 2^31."),
        (PLAIN + f'domain = "PointCloud(points={10**20})"', f"PointCloud: points is {10**20}. Give a whole number below 2^31."),
        (PLAIN + 'domain = "PointCloud(pionts=4)"', "'PointCloud(pionts=4)' makes no domain: got an unexpected keyword"),
        (PLAIN + "domain = \"__import__('os').getcwd()\"", "is no domain. Write it as in Python, with plain values"),
        (
            PLAIN + "domain = \"PointCloud(__import__('os').getpid())\"",
            "is no domain. Write it as in Python, with plain values",
        ),
        (
            PLAIN + 'shapes = [[4, 3]]\nproperties = ["equivarience"]',
            "there is no property 'equivarience'; did you mean 'equivariance'",
        ),
        (PLAIN + 'shapes = [[4, 3]]\nproperties = ["stability"]', "the property 'stability' needs more than its name."),
        (
            PLAIN + "shapes = [[4, 3]]\ntolerance = 0.1",
            "models[0].claims[0] has a tolerance and no reason. Say in `reason` why",
        ),
        (PLAIN + 'shapes = [[4, 3]]\nexpected = "violated"', "a claim expected to be violated needs a reason."),
        (PLAIN.replace("SO(3)", "SO3") + "shapes = [[4, 3]]", "models[0].claims[0]: there is no group 'SO3'"),
        (
            '[[models]]\ntarget = "net"\n[[overrides]]\nclaims = ["net.radi"]\nreason = "x"\nskip = true',
            "matches no claim; did you",
        ),
        ('[[models]]\ntarget = "net"\n[[overrides]]\nclaims = ["net.*"]\nreason = "x"', "overrides[0] changes nothing."),
        ('[[models]]\ntarget = "net"\n[[overrides]]\nclaims = ["*"]\nreason = "x"\nskip = true', "all claims are skipped"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_a_config_names_and_is_not_there(text: str, message: str) -> None:
    Path("symcheck.toml").write_text(text)
    done = symcheck("audit")
    assert done.exit_code == 2, done.output
    assert message in done.output


@pytest.mark.usefixtures("folder")
def test_without_a_target_and_a_config_the_next_step_is_told() -> None:
    done = symcheck("audit")
    assert done.exit_code == 2
    assert "there is no TARGET, and no symcheck.toml here. Name one, as in symcheck audit pkg.mod:build" in done.output
    Path("symcheck.toml").write_text('[[models]]\ntarget = "net"')
    done = symcheck("audit", "--group", "SO(3)")
    assert done.exit_code == 2
    assert "--group, --shape, --input, --output and --weights are for a TARGET. Name it." in done.output


# Writing one


@pytest.mark.parametrize(
    ("options", "part", "claims"),
    [
        (["net"], "# net.leaning: SO(3), vector -> scalar\n", 2),
        (["net:radii"], "# net.radii: SO(3), vector -> scalar\n", 1),
        (
            [
                *[
                    "net:scaled",
                    "--group",
                    "SO(3)",
                    "--shape",
                    "4,3",
                    "--shape",
                    "4",
                    "--input",
                    "vector",
                    "--input",
                    "scalar",
                    "--output",
                    "scalar",
                ]
            ],
            'inputs = ["vector", "scalar"]\noutputs = "scalar"\nshapes = [[4, 3], [4]]\n',
            1,
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_init_writes_what_audit_reads(options: list[str], part: str, claims: int) -> None:
    done = symcheck("init", *options)
    assert done.exit_code == 0, done.output
    many = "1 claim" if claims == 1 else f"{claims} claims"
    assert done.output == f"symcheck.toml has {many} of {options[0]}. Audit: symcheck audit\n"
    assert part in Path("symcheck.toml").read_text()
    done = symcheck("audit", "--profile", "dev", "--trials", "8")
    assert f"of {claims} claims are" in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nte"], "there is no module 'nte'"),
        (["net:scaled"], "Say what to check: symcheck audit net:scaled"),
        (["net:radii", "--group", "SO(3)"], "a claim needs --shape and --input and --output too"),
        (["net:radii", "--group", "SO3", "--shape", "4,3", "--input", "vector", "--output", "scalar"], "did you mean 'SO(3)'"),
        (["net", "--to", "pyproject.toml"], "pyproject.toml is not for init to write"),
        (["net", "--to", "no/c.toml"], "there is no folder 'no'. Make it first."),
        (["net", "--to", "net.py"], "net.py is not for init to write: it may hold other things."),
    ],
)
@pytest.mark.usefixtures("folder")
def test_init_writes_nothing_that_would_not_be_read(options: list[str], message: str) -> None:
    done = symcheck("init", *options)
    assert done.exit_code == 2
    assert message in done.output
    assert not Path("symcheck.toml").exists()
    assert Path("net.py").read_text() == NET


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(target=TEXTS, names=st.lists(TEXTS, max_size=2), reps=st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_whatever_names_are_written_is_read(tmp_path: Path, target: str, names: list[str], reps: dict[str, str]) -> None:
    claim = tables.ClaimTable(group=target, inputs=reps, outputs=names, shapes={name: [1] for name in reps})
    path, model = tmp_path / "symcheck.toml", ModelTable(target=target, claims=[claim])
    path.write_bytes(first(model, names).encode())
    assert read(path) == Config(models=[model])


@pytest.mark.usefixtures("folder")
def test_show_says_what_the_file_leaves_out_and_reads_as_the_same() -> None:
    Path("symcheck.toml").write_text('[profiles.mine]\ntrials = 3\n[[models]]\ntarget = "net"\n')
    shown = symcheck("config", "show", "--profile", "mine").output
    assert shown.startswith('# symcheck.toml\nprofile = "mine"\n')
    assert '[profiles.mine]\ntrials = 3\nseed = 0\ndevice = "cpu"\n' in shown
    Path("symcheck.toml").write_text(shown)
    assert symcheck("config", "show").output == shown
    assert effective(read(Path("symcheck.toml"))) == shown.partition("\n")[2]
    assert symcheck("config", "show", "--profile", "mni").exit_code == 2
    Path("symcheck.toml").unlink()
    assert symcheck("config", "show").output.startswith("# no config file is here: the defaults\n")
