"""The HTML report: the same bytes for the same record, nothing but text from it, and a page that works in a browser."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import symcheck
from property_tests import _chromium
from symcheck import Claim, Verdict
from symcheck.claims import Skipped
from symcheck.cli import main
from symcheck.domains import Grid, PointCloud, Set
from symcheck.errors import RecordError
from symcheck.report import FindingRecord, Record, Result
from symcheck.report.changes import changes, conditions
from symcheck.report.html import charts, render
from symcheck.report.html.lattice import largest, lattice
from symcheck.report.reading import decoded, read
from symcheck.report.record import HintRecord, ProfileRecord

browser = pytest.mark.browser
needs_chromium = pytest.mark.skipif(_chromium.executable() is None, reason="there is no Chromium: install the package chromium")
HOSTILE = {
    "tag": "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "quotes": "\"'><b onmouseover='alert(1)'>&amp; {{ 7 * 7 }} {% raw %}",
    "direction": "abc\u202egnp.exe\u2066",
    "emoji": "net 🦜🧪 ψ(x) — naïve",
    "controls": "a\x00b\x1b[2J\nsecond line",
    "long": "z" * 10_000,
}


def cut_corner(x: Tensor) -> Tensor:
    return x[..., 0, 0].square().sum(-1)


def claims() -> dict[str, Claim]:
    plane, space = PointCloud(3, dim=2), PointCloud(4)
    given: dict[str, Any] = {
        "angle": (lambda x: (x**4).sum((-2, -1)), "SO(2)", plane, "vector"),
        "rotation": (lambda x: torch.linalg.det(x[..., :3, :]), "O(3)", space, "vector"),
        "shift": (lambda x: x[..., ::2, ::2].square().sum((-3, -2, -1)), "Z_N^2", Grid(1, (8, 8)), "roll"),
        "element": (cut_corner, "C_4", Grid(1, (6, 6)), "image"),
        "permutation": (lambda x: (x * torch.arange(6.0).to(x).unsqueeze(-1)).sum((-2, -1)), "S_n", Set(6, 2), "permute"),
        "scale": (lambda x: x.square().sum((-2, -1)), "R+", space, "scale_by"),
        "product": (lambda x: x[..., 0, :].norm(dim=-1), "SO(3) x S_n", space, "permute * vector"),
        "holds": (lambda x: x.norm(dim=-1), "SO(3)", space, "vector"),
        "nan": (lambda x: x[..., 0] * torch.nan, "SO(3)", space, "vector"),
        "crashed": (lambda x: x @ torch.ones(8, 8), "SO(3)", space, "vector"),
        "vacuous": (lambda x: torch.ones_like(x[..., 0]), "SO(3)", space, "vector"),
    }
    return {
        name: Claim(f, group, domain=domain, inputs=rep, outputs="scalar", id=name)
        for name, (f, group, domain, rep) in given.items()
    }


@pytest.fixture(scope="module")
def record() -> Record:
    return symcheck.audit(claims().values(), seed=3, trials=128)


@pytest.fixture(scope="module")
def results(record: Record) -> dict[str, Result]:
    return {result.claim: result for result in record.results}


class Seen(HTMLParser):
    """Every tag with its attributes, and the text outside of style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("style", "script"):
            self.text += data


def with_results(record: Record, *found: Result) -> Record:
    return msgspec.structs.replace(record, results=found)


def test_what_was_skipped_is_listed_among_what_was_not_tested(record: Record) -> None:
    many = (Skipped(f"claim {i}", "not among --only x", undone=True) for i in range(30))
    skipped = (Skipped("left <b>out</b>", "--skip left*"), *many)
    page = Seen(render(msgspec.structs.replace(record, skipped=skipped))).text
    assert "Skipped (--skip left*): left <b>out</b>." in page
    assert "Skipped (not among --only x): claim 0; claim 1; " in page
    assert "; claim 19 and 10 more." in page
    assert "Skipped (" not in Seen(render(record)).text
    assert "Skipped (--skip" in Seen(render(msgspec.structs.replace(record, skipped=skipped, results=()))).text


def test_what_fails_as_in_the_baseline_is_told(record: Record) -> None:
    known = [msgspec.structs.replace(result, known=not result.met) for result in record.results]
    assert "claims fail as in the baseline, which is no news." in Seen(render(with_results(record, *known))).text
    assert "as in the baseline" not in Seen(render(record)).text


# The bytes


def test_the_same_record_gives_the_same_bytes_and_a_saved_one_too(record: Record) -> None:
    page = render(record)
    assert page == render(record) == render(decoded(record.json()))
    assert page != render(msgspec.structs.replace(record, seed=4))


def test_another_process_gives_the_same_bytes(record: Record, tmp_path: Path) -> None:
    """Hash randomization would show in the order of a set."""
    (tmp_path / "record.json").write_bytes(record.json())
    code = (
        "import sys; from symcheck.report.reading import read; from symcheck.report.html import render; "
        "sys.stdout.buffer.write(render(read(sys.argv[1])).encode())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "record.json")]
    done = subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": ""})
    assert done.stdout.decode() == render(record)


def test_twenty_claims_are_small_and_quick(record: Record) -> None:
    broken = [result for result in record.results if result.verdict is Verdict.VIOLATED]
    twenty = with_results(record, *(broken * 3)[:20])
    render(twenty)  # templates are compiled once
    start = time.process_time()  # other processes take none of it
    page = render(twenty)
    assert time.process_time() - start < 1
    assert len(page.encode()) < 1_000_000
    assert page.count('class="chart"') > 20


def test_the_policy_allows_this_style_and_script_alone(record: Record) -> None:
    page = render(record)
    policy = next(a["content"] for tag, a in Seen(page).tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (source,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_nothing_is_fetched(record: Record) -> None:
    seen = Seen(render(record))
    addresses = [a[name] for _, a in seen.tags for name in ("href", "src", "action", "srcset") if a.get(name)]
    assert addresses
    assert all(address is not None and address.startswith("#") for address in addresses)
    assert {tag for tag, _ in seen.tags} & {"img", "link", "iframe", "object", "embed", "base", "form"} == set()
    assert [
        a for _, a in seen.tags if "style" in a or any(name.startswith("on") for name in a)
    ] == []  # the policy forbids them
    assert "url(" not in render(record)
    assert "@import" not in render(record)


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_text(results: dict[str, Result], record: Record, kind: str) -> None:
    name = HOSTILE[kind]
    broken = results["angle"]
    finding = FindingRecord(kind=name, severity=name, text=name)
    hostile = {"claim": name, "subject": name, "group": name, "reason": name, "because": name, "statement": name[:200]}
    outputs = tuple(msgspec.structs.replace(leaf, leaf=name, because=name, only_at=(name,)) for leaf in broken.outputs * 2)
    named: dict[str, Any] = {
        "holding": (name,),
        "inputs": (name,),
        "hints": (HintRecord(kind=name, cause=name, evidence=name),),
    }
    found = msgspec.structs.replace(broken, **hostile, **named, findings=(finding,), outputs=outputs)
    page = render(msgspec.structs.replace(with_results(record, found), machine={name: name}))
    plain, seen = Seen(render(with_results(record, broken))), Seen(page)
    assert {tag for tag, _ in seen.tags} <= {tag for tag, _ in plain.tags} | {"li", "table", "b", "a"}
    assert sum(tag == "script" for tag, _ in seen.tags) == 1
    shown = "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in name)
    assert shown[:160] in seen.text
    assert "\u202e" not in page
    assert "\x1b" not in page
    if kind == "long":
        assert "10,000 characters" in seen.text
        assert len(page) < 400_000


# The content


def test_its_parts_come_in_order(record: Record) -> None:
    heads = [
        "Models and groups",
        "How it was audited",
        "Erlangen lattice",
        "Claims",
        "Violations",
        "What holds",
        "What was not",
    ]
    page = render(record)
    places = [page.index(f">{head}") for head in [*heads, "Findings of the probes", "The record"]]
    assert places == sorted(places)
    assert page.index("<h1") < places[0]


def test_the_banner_says_it_in_words(record: Record, results: dict[str, Result]) -> None:
    assert "10 of 11 claims are not as expected" in render(record)
    assert "The claim is as expected" in render(with_results(record, results["holds"]))
    twin = msgspec.structs.replace(results["angle"], expected="violated", met=True, reason="it was to be")
    page = render(with_results(record, results["holds"], twin))
    assert "All 2 claims are as expected" in page
    assert "1 model that was broken on purpose was caught." in page
    tried = [msgspec.structs.replace(results[name], expected="either", met=True) for name in ("angle", "holds")]
    assert "Nothing is promised; of what was tried, 1 of 2 hold" in render(with_results(record, *tried))
    assert "The claim is as expected" in render(with_results(record, results["holds"], tried[0]))
    crashed = [msgspec.structs.replace(results[name], expected="either", met=False) for name in ("crashed", "nan")]
    assert "2 of 3 claims are not as expected" in render(with_results(record, results["holds"], *crashed, tried[0]))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("angle", "Error against the angle"),
        ("rotation", "Improper: with a mirror"),
        ("shift", "Error against the shift"),
        ("element", "Error by element"),
        ("permutation", "the place it goes to"),
        ("scale", "Error against the factor"),
        ("product", "Which factor breaks"),
    ],
)
def test_every_kind_of_profile_is_drawn_with_its_numbers(
    record: Record, results: dict[str, Result], name: str, title: str
) -> None:
    page = render(with_results(record, results[name]))
    section = page[page.index('id="h-violations"') : page.index('id="h-holds"')]
    assert title in section
    assert section.count("<figure") == section.count("<summary>Numbers") + section.count("<summary>Names")


def shades(result: Result) -> list[tuple[tuple[float, ...], int]]:
    assert result.profile is not None
    limit = result.detection_limit or 0.0
    most = max(error for _, error in result.profile.points)
    return [(at, charts.level(error, limit, most)) for at, error in result.profile.points]


def test_the_square_symmetry_agrees_at_quarter_turns_alone(results: dict[str, Result]) -> None:
    found = shades(results["angle"])
    assert any(shade == 0 for _, shade in found)
    assert all(abs(math.sin(2 * at[0])) < 1e-5 for at, shade in found if shade == 0)


def test_the_improper_half_of_the_map_is_red_and_the_proper_one_is_not(results: dict[str, Result]) -> None:
    assert {shade for at, shade in shades(results["rotation"]) if at[3] > 0} == {0}
    assert all(shade > 0 for at, shade in shades(results["rotation"]) if at[3] < 0)
    assert results["rotation"].profile is not None
    chart = charts.profile(results["rotation"].profile, results["rotation"].detection_limit)
    assert chart is not None
    assert chart.drawing is not None
    dots = [mark.css for mark in chart.drawing.marks if mark.css.startswith("dot")]
    assert dots[0] == "dot e0"
    assert "dot e0" not in dots[1:]
    assert "dot e5" in dots


def test_shifts_by_the_stride_agree(results: dict[str, Result]) -> None:
    assert {shade for at, shade in shades(results["shift"]) if at[0] % 2 == at[1] % 2 == 0} == {0}
    assert all(shade > 0 for at, shade in shades(results["shift"]) if at[0] % 2 or at[1] % 2)


def test_mirrored_angles_are_crosses() -> None:
    points = (((0.5, 1.0), 0.1), ((1.5, -1.0), 0.9))
    chart = charts.profile(ProfileRecord(kind="angle", size=(), labels=(), points=points), 1e-9)
    assert chart is not None
    assert chart.drawing is not None
    assert [mark.css for mark in chart.drawing.marks if " e" in mark.css] == ["dot e1", "cross e5"]
    assert chart.summary.endswith("Dots: proper; crosses: with a mirror.")


def test_a_large_grid_is_drawn_by_its_sampled_cells() -> None:
    points = (((0.0, 0.0), 0.0), ((150.0, 3.0), 1.0))
    chart = charts.profile(ProfileRecord(kind="shift", size=(224, 224), labels=(), points=points), 1e-9)
    assert chart is not None
    assert "50174 of 50176 shifts were not drawn" in chart.summary


@pytest.mark.parametrize("kind", ["angle", "rotation", "shift", "element", "scale", "permutation", "unheard of"])
def test_a_profile_without_a_finite_point_is_not_drawn(kind: str) -> None:
    empty = ProfileRecord(kind=kind, size=(), labels=(), points=())
    assert charts.profile(empty, None) is None
    broken = ProfileRecord(kind=kind, size=(4,), labels=(), points=(((0.0,) * 4, math.nan), ((), 1.0)))
    assert charts.profile(broken, None) is None


def test_the_lattice_puts_groups_above_their_subgroups(record: Record, results: dict[str, Result]) -> None:
    found = lattice([results["rotation"], results["holds"]])
    (part,) = found.parts
    height = {tile.node.name: tile.y for tile in part.tiles}
    assert height["O(3)"] < height["SO(3)"]
    assert {tile.node.name: tile.node.css for tile in part.tiles} == {"O(3)": "none", "SO(3)": "all"}
    assert "O(3) contains SO(3)" in part.words
    assert lattice([]).parts == ()


def test_the_largest_subgroups_that_hold_are_marked(results: dict[str, Result]) -> None:
    """By their names the others lie in SE(3): their stars would say nothing."""
    found = msgspec.structs.replace(results["rotation"], group="E(3)", holding=("SE(3)", "SO(3)", "T(3)", "S_5"))
    assert largest(found) == ("SE(3)", "S_5")
    (part, *_) = lattice([found]).parts
    kept = {tile.node.name: tile.node.kept for tile in part.tiles}
    assert kept == {"E(3)": 0, "SE(3)": 1, "SO(3)": 0, "T(3)": 0, "S_5": 1}


def test_a_minimal_counterexample_is_shown_in_numbers(record: Record, results: dict[str, Result]) -> None:
    found = results["rotation"].counterexample
    assert found is not None
    assert found.minimal is not None
    page = render(with_results(record, results["rotation"]))
    assert f"g = {found.minimal.element}" in page
    for title in ("left side", "right side", "difference"):
        assert f"<h5>{title}" in page
    bare = msgspec.structs.replace(results["rotation"], counterexample=msgspec.structs.replace(found, minimal=None))
    without = render(with_results(record, bare))
    assert "<h5>" not in without
    assert found.element in without


def test_usual_causes_are_told_with_their_evidence(record: Record, results: dict[str, Result]) -> None:
    assert [hint.kind for hint in results["shift"].hints] == ["stride"]
    (hint,) = results["shift"].hints
    seen = Seen(render(with_results(record, results["shift"])))
    assert f"Usual cause{hint.cause}: {hint.evidence}." in seen.text
    assert "Usual cause" not in render(with_results(record, msgspec.structs.replace(results["shift"], hints=())))


def test_a_tensor_too_large_to_list_is_told_in_words(record: Record, results: dict[str, Result]) -> None:
    found = results["rotation"].counterexample
    assert found is not None
    assert found.minimal is not None
    large = msgspec.structs.replace(
        found.minimal.x[0], shape=(3, 224, 224), values=None, sparse=None, at=(0, 3, 4), largest=2.0
    )
    minimal = msgspec.structs.replace(found.minimal, x=(large,))
    result = msgspec.structs.replace(results["rotation"], counterexample=msgspec.structs.replace(found, minimal=minimal))
    page = render(with_results(record, result))
    assert "3 x 224 x 224 numbers" in page
    assert "Too many to draw" in page


# Bad input


def test_a_record_without_claims(record: Record) -> None:
    page = render(with_results(record))
    assert "Nothing was audited" in page
    assert "the record has no claims" in page.lower()


def test_all_crashed(record: Record, results: dict[str, Result]) -> None:
    page = render(with_results(record, *[results["crashed"]] * 5))
    assert "5 of 5 claims are not as expected" in page
    assert "5 claims are undecided: the model crashed." in page
    assert "Nothing was seen to hold." in page


def nan(result: Result) -> Result:
    """A result of which every figure is NaN."""
    gone = dict.fromkeys(("truth", "floor", "error", "noise", "signal", "magnitude", "relative", "detection_limit"), math.nan)
    outputs = tuple(msgspec.structs.replace(leaf, **gone, quantiles=(math.nan,) * 4) for leaf in result.outputs)
    ladder = tuple(msgspec.structs.replace(rung, error=math.nan) for rung in result.ladder)
    assert result.profile is not None
    profile = msgspec.structs.replace(result.profile, points=tuple((at, math.nan) for at, _ in result.profile.points))
    return msgspec.structs.replace(result, outputs=outputs, ladder=ladder, profile=profile)


def test_nan_everywhere_is_no_number_and_no_error(record: Record, results: dict[str, Result]) -> None:
    names = ("angle", "rotation", "shift", "element", "permutation", "product")
    page = render(with_results(record, *(nan(results[name]) for name in names)))
    visible = page[: page.index('id="h-raw"')]
    assert not re.search(r"[ML ]nan|\bnan\b", re.sub(r"<style>.*?</style>", "", visible, flags=re.DOTALL))
    assert "Error against" not in visible


def test_five_thousand_claims_stay_small(record: Record, results: dict[str, Result]) -> None:
    broken, holds = results["rotation"], results["holds"]
    many = [
        msgspec.structs.replace(broken if i % 2 else holds, claim=f"m{i}.net: group {i}", subject=f"m{i}.net", group=f"G_{i}")
        for i in range(5000)
    ]
    large = with_results(record, *many)
    start = time.process_time()
    page = render(large)
    seconds = time.process_time() - start
    assert len(page.encode()) < 10_000_000
    assert seconds < 20
    assert page.count('<tr id="row-') == 5000
    assert "more are in the table of claims above" in page
    assert "too many to be folded in here" in page


# Reading, and the command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b'{"schema": 1, "resul', "isn't whole JSON"),
        (b"\x89PNG\r\n", "isn't whole JSON"),
        (b"[1, 2]", "not a record of symcheck"),
        (b'{"name": "x"}', "not a record of symcheck"),
        (b'{"schema": 99, "results": []}', "schema 99; this symcheck reads schema 1"),
        (b'{"schema": "1", "results": []}', "schema '1'; this symcheck reads schema 1"),
        (b'{"schema": 1, "results": []}', "isn't a whole record"),
        (b"[" * 100_000, "JSON|nested"),
    ],
    ids=str,
)
def test_what_is_no_record_is_refused_in_words(text: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(text)
    with pytest.raises(RecordError, match=words):
        read(file)
    done = CliRunner().invoke(main, ["report", str(file), "--html", str(tmp_path / "out.html")])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not (tmp_path / "out.html").exists()


def test_a_verdict_that_is_unknown_is_named(record: Record) -> None:
    with pytest.raises(RecordError, match="Invalid enum value 'splendid'"):
        decoded(record.json().replace(b'"violated"', b'"splendid"'))


def test_the_command_renders_what_was_saved(record: Record, tmp_path: Path) -> None:
    saved, out = tmp_path / "record.json", tmp_path / "out.html"
    saved.write_bytes(record.json())
    done = CliRunner().invoke(main, ["report", str(saved), "--html", str(out)])
    assert (done.exit_code, out.read_text()) == (0, render(record))
    missing = CliRunner().invoke(main, ["report", str(tmp_path / "none.json")])
    assert missing.exit_code == 2
    assert "No such file" in missing.output


def test_the_audit_writes_the_report_that_its_record_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "audited_here.py").write_text(
        "import symcheck\nfrom symcheck.domains import PointCloud\n"
        "reps = dict(inputs='vector', outputs='scalar')\n"
        "CLAIMS = [symcheck.Claim(lambda x: x.norm(dim=-1), 'SO(3)', domain=PointCloud(4), **reps)]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    files = [str(tmp_path / name) for name in ("r.json", "r.html", "again.html")]
    arguments = ["audit", "audited_here", "--trials", "32", "--json", files[0], "--html", files[1]]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert CliRunner().invoke(main, ["report", files[0], "--html", files[2]]).exit_code == 0
    assert Path(files[1]).read_bytes() == Path(files[2]).read_bytes()
    lost = CliRunner().invoke(main, ["audit", "audited_here", "--html", str(tmp_path / "no" / "r.html")])
    assert lost.exit_code == 2
    assert "there is no folder" in lost.output


def test_the_record_keeps_the_command_and_the_weights_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "built_here.py").write_text("import torch\n\ndef build():\n    return torch.nn.Linear(3, 2).eval()\n")
    monkeypatch.syspath_prepend(tmp_path)
    claim = ["built_here:build", "--shape", "5,3", "--group", "S_n", "--input", "permute", "--output", "permute"]
    found = []
    for seed in ("1", "1", "2"):
        arguments = ["audit", *claim, "--trials", "32", "--seed", seed, "--own-weights", "--json", str(tmp_path / "r.json")]
        assert CliRunner().invoke(main, arguments).exit_code == 0
        found.append(read(tmp_path / "r.json"))
    assert found[0].command == (
        "symcheck audit built_here:build --group S_n --shape 5,3 --input permute --output permute "
        "--trials 32 --seed 1 --own-weights"
    )
    hashes = [record.results[0].fingerprint for record in found]
    assert hashes[0] == hashes[1] != hashes[2]
    assert re.fullmatch("[0-9a-f]{16}", hashes[0])
    page = render(found[0])
    assert found[0].command in page
    assert hashes[0] in page[: page.index('id="h-lattice"')]


def test_the_stored_report_is_of_models_that_are_as_expected() -> None:
    folder = Path(__file__).parent.parent / "reports"
    stored, page = read(folder / "reference.json"), (folder / "reference.html").read_text()
    assert stored.results
    assert all(result.met for result in stored.results)
    assert f"All {len(stored.results)} claims are as expected" in page
    assert page == render(stored), "symcheck report reports/reference.json --html reports/reference.html writes it again"
    assert "reports/reference.html" in (folder.parent / "README.md").read_text()
    kept = sum((folder / name).stat().st_size for name in ("reference.json", "reference.html", "reference.png"))
    assert kept < 26_000 * len(stored.results)  # a claim


def test_jinja_is_not_imported_until_a_page_is_made() -> None:
    code = (
        "import sys, symcheck, symcheck.cli as c\ntry: c.main(['--help'])\n"
        "except SystemExit: pass\nimport symcheck.report, symcheck.report.reading\nprint('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


# Two records


def test_changes_are_marked(record: Record, results: dict[str, Result]) -> None:
    holds, broken = results["holds"], results["angle"]
    worse = msgspec.structs.replace(broken, claim="holds")
    leaf = msgspec.structs.replace(broken.outputs[0], relative=1e-5)
    smaller = msgspec.structs.replace(results["rotation"], outputs=(leaf,))
    old = with_results(record, holds, broken, results["rotation"], results["nan"])
    new = msgspec.structs.replace(with_results(record, worse, broken, smaller, results["shift"]), seed=5)
    found = {change.claim: change.kind for change in changes(new, old)}
    assert found == {"holds": "worse", "rotation": "changed", "shift": "new", "nan": "gone"}
    assert conditions(new, old) == ("seed: 3 before, 5 now",)
    page = render(new, old)
    assert "What changed" in page
    assert 'class="change worse"' in page
    assert "seed: 3 before, 5 now" in page
    assert "What changed" not in render(new)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ({"holding": ()}, "holds under shifts by multiples of 2", "holds under nothing"),
        ({"tolerance": 0.5}, "within rounding", "within 0.5"),
        ({"precision": "bfloat16"}, "in float32", "in bfloat16"),
    ],
)
def test_a_change_says_what_changed(
    record: Record, results: dict[str, Result], change: dict[str, Any], before: str, after: str
) -> None:
    new = msgspec.structs.replace(results["shift"], **change)
    (found,) = changes(with_results(record, new), with_results(record, results["shift"]))
    assert found.kind == "changed"
    assert found.before.endswith(f", not as expected, {before}")
    assert found.after.endswith(f", not as expected, {after}")


def test_the_same_audit_has_not_changed(record: Record) -> None:
    assert changes(record, record) == ()
    assert "Nothing: the same claims" in render(record, record)


def test_the_command_tells_what_changed(record: Record, results: dict[str, Result], tmp_path: Path) -> None:
    for name, kept in {"new": record.results[1:], "old": record.results}.items():
        (tmp_path / f"{name}.json").write_bytes(with_results(record, *kept).json())
    done = CliRunner().invoke(main, ["report", str(tmp_path / "new.json"), "--against", str(tmp_path / "old.json")])
    assert done.exit_code == 0
    assert done.output.startswith("gone     angle: VIOLATED")
    assert "1 of 11 claims changed." in done.output


# In a browser


@pytest.fixture(scope="module")
def file(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = [msgspec.structs.replace(r, claim=f"{HOSTILE['tag']} {r.claim}") for r in record.results[:2]]
    made = tmp_path_factory.mktemp("page") / "report.html"
    made.write_text(render(with_results(record, *record.results, *named)))
    return made


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest, file: Path) -> Iterator[_chromium.Page]:
    with _chromium.Page(width=request.param) as opened:
        opened.open(file)
        yield opened


@browser
@needs_chromium
def test_the_page_loads_without_complaint_request_or_overflow(page: _chromium.Page, file: Path) -> None:
    assert page.problems == []
    assert page.requests == [file.resolve().as_uri()]
    assert page.evaluate("document.title").startswith("symcheck: ")  # no name of a model set it
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = """[...document.querySelectorAll('main *')]
        .filter(e => !e.closest('.scroll, .tensor, .raw, svg, details:not([open])')
        && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []
    named = "[...document.querySelectorAll('.matrix th, .claims td, .told dd, summary h3')]"
    assert page.evaluate(f"{named}.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))") == []


@browser
@needs_chromium
def test_the_harness_sees_what_breaks_the_policy(file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(file.read_text().replace("</main>", "<script>1</script><img src='https://example.invalid/x.png'></main>"))
    with _chromium.Page() as page:
        page.open(bad)
        assert any("Content Security Policy" in problem for problem in page.problems)
        assert len(page.problems) >= 2


@browser
@needs_chromium
def test_sorting_and_filtering(page: _chromium.Page) -> None:
    shown = "[...document.querySelectorAll('[data-claims] tbody tr')].filter(r => !r.hidden)"
    total = page.evaluate(f"{shown}.length")
    numbers = f"{shown}.map(r => parseFloat(r.cells[2].dataset.v))"
    page.evaluate("document.querySelectorAll('[data-sort]')[2].click()")
    up = page.evaluate(numbers)
    assert up == sorted(up)
    assert len(set(up)) > 3
    page.evaluate("document.querySelectorAll('[data-sort]')[2].click()")
    assert page.evaluate(numbers) == sorted(up, reverse=True)
    assert page.evaluate("document.querySelectorAll('th[aria-sort=descending]').length") == 1
    page.evaluate("{const f = document.querySelector('[data-filter]'); f.value = 'SHIFT'; f.dispatchEvent(new Event('input'))}")
    assert page.evaluate(f"{shown}.map(r => r.cells[1].textContent.trim())") == ["shift"]
    page.evaluate("{const f = document.querySelector('[data-filter]'); f.value = ''; f.dispatchEvent(new Event('input'))}")
    assert page.evaluate(f"{shown}.length") == total
    page.evaluate(
        "{const v = document.querySelector('[data-verdict]'); v.value = 'v-holds'; v.dispatchEvent(new Event('input'))}"
    )
    assert page.evaluate(f"{shown}.length") == 1
    assert page.problems == []


@browser
@needs_chromium
def test_the_ball_turns_by_key_and_mouse(file: Path) -> None:
    with _chromium.Page() as page:
        page.open(file)
        page.evaluate("document.querySelector('[data-turns] button').click()")
        dots = "[...document.querySelectorAll('.ball .dot')].map(p => p.getAttribute('d')).join()"
        before = page.evaluate(dots)
        assert before
        page.key("ArrowLeft")  # the ball took the focus
        turned = page.evaluate(dots)
        assert turned != before
        page.key("ArrowRight")
        assert page.evaluate(dots) == before
        page.evaluate("document.querySelector('.ball').scrollIntoView({block: 'center', behavior: 'instant'})")
        box = page.evaluate(
            "(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('.ball').getBoundingClientRect())"
        )
        page.drag((box[0], box[1]), (box[0] + 40, box[1] + 10))
        assert page.evaluate(dots) != before
        assert page.problems == []


@browser
@needs_chromium
def test_the_drawings_of_a_counterexample_turn_together(record: Record, results: dict[str, Result], tmp_path: Path) -> None:
    made = tmp_path / "report.html"
    made.write_text(render(with_results(record, results["rotation"])))
    paths = "[...s.querySelectorAll('path')].map(p => (p.getAttribute('d').match(/-?[\\d.]+/g) || []).map(Number))"
    views = f"[...document.querySelectorAll('[data-space]')].map(s => {paths}.filter(path => path.length))"
    with _chromium.Page(width=390) as page:
        page.open(made)
        still = page.evaluate(views)
        assert len(still) == 2  # x and rho(g) x
        assert still[0] != still[1]
        page.evaluate("document.querySelector('[data-space]').focus()")
        page.key("ArrowUp")
        turned = page.evaluate(views)
        assert all(a != b for a, b in zip(still, turned, strict=True))
        page.key("ArrowDown")
        back = page.evaluate(views)  # drawn by the script, where the page's own drawing was
        assert [[len(path) for path in view] for view in back] == [[len(path) for path in view] for view in still]
        pairs = zip(itertools.chain(*itertools.chain(*back)), itertools.chain(*itertools.chain(*still)), strict=True)
        assert all(abs(a - b) < 0.2 for a, b in pairs)  # of a tenth of a pixel, from coordinates of four digits
        page.key("Tab")
        assert page.evaluate("document.activeElement === document.querySelectorAll('[data-space]')[1]")
        assert page.problems == []


AXE = "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The accessibility checker axe-core: of the folder AXE_CORE, or from the package registry of node."""
    folder = Path(os.environ.get("AXE_CORE", "")) if os.environ.get("AXE_CORE") else tmp_path_factory.mktemp("axe")
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists() and shutil.which("npm"):
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), "axe-core@4"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, timeout=60, check=False)
    if not script.exists():
        pytest.skip("axe-core is not here and npm can't fetch it")
    return script.read_text()


@browser
@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_axe_finds_no_barrier(file: Path, axe: str, width: int, dark: bool) -> None:
    with _chromium.Page(width=width, dark=dark) as page:
        page.open(file)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        page.call("Runtime.evaluate", expression=axe)
        assert page.evaluate(AXE) == []
        page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=\"data:,\">')")
        assert [found[1] for found in page.evaluate(AXE.replace("{", "{runOnly: ['image-alt'], ", 1))] == ["image-alt"]


@browser
@needs_chromium
def test_five_thousand_claims_open_a_page_at_a_time(record: Record, results: dict[str, Result], tmp_path: Path) -> None:
    many = [msgspec.structs.replace(results["holds"], claim=f"m{i}: G", subject=f"m{i}") for i in range(5000)]
    made = tmp_path / "report.html"
    made.write_text(render(with_results(record, *many)))
    shown = "[...document.querySelectorAll('[data-claims] tbody tr')].filter(r => !r.hidden).length"
    with _chromium.Page() as page:
        page.open(made)
        assert page.evaluate(shown) == 200
        page.evaluate("document.querySelector('[data-more]').click()")
        assert page.evaluate(shown) == 400
        page.evaluate(
            "{const f = document.querySelector('[data-filter]'); f.value = 'm4999'; f.dispatchEvent(new Event('input'))}"
        )
        assert page.evaluate(shown) == 1
        assert page.problems == []


@browser
@needs_chromium
@pytest.mark.parametrize("kind", ["none", "crashed", "nan"])
@pytest.mark.parametrize("width", [1280, 390])
def test_bad_records_are_readable_pages(
    record: Record, results: dict[str, Result], tmp_path: Path, kind: str, width: int
) -> None:
    found = {"none": [], "crashed": [results["crashed"]] * 3, "nan": [nan(results["angle"]), results["nan"]]}[kind]
    made = tmp_path / "report.html"
    made.write_text(render(with_results(record, *found)))
    with _chromium.Page(width=width) as page:
        page.open(made)
        assert page.problems == []
        assert page.requests == [made.resolve().as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelector('h1').textContent")


@browser
@needs_chromium
def test_dark_mode_by_preference_and_by_button(file: Path) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    with _chromium.Page(dark=True) as page:
        page.open(file)
        dark = page.evaluate(colour)
        page.evaluate("document.querySelector('[data-theme-toggle]').click()")
        light = page.evaluate(colour)
    assert dark != light
    with _chromium.Page(dark=False) as page:
        page.open(file)
        assert page.evaluate(colour) == light
        page.evaluate("document.querySelector('[data-theme-toggle]').click()")
        assert page.evaluate(colour) == dark


CONTRAST = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const srgb = (text) => {
    const n = parse(text), size = text.startsWith('color(srgb') ? 255 : 1;
    return [n[0] * size, n[1] * size, n[2] * size, n[3] ?? 1];
  };
  const linear = (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = (e) => {
    const layers = [];
    for (let p = e; p; p = p.parentElement) {
      const c = srgb(getComputedStyle(p).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reverse().reduce((under, c) => under.map((v, i) => v * (1 - c[3]) + c[i] * c[3]), [255, 255, 255]); };
  const low = new Map();
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg') || !e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('.empty, .tiny')) continue;
    const a = light(srgb(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.set(e.tagName + '.' + e.className, ratio.toFixed(2));
  }
  return [...low].map(([name, ratio]) => name + ' ' + ratio);
})()"""


@browser
@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_guidelines_ask_for(file: Path, dark: bool) -> None:
    """At least 4.5 to 1 (WCAG 2.2, level AA)."""
    with _chromium.Page(dark=dark) as page:
        page.open(file)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert page.evaluate(CONTRAST) == []


@browser
@needs_chromium
def test_everything_has_a_name_for_who_cannot_see_it(file: Path) -> None:
    with _chromium.Page() as page:
        page.open(file)
        assert page.evaluate("document.documentElement.lang") == "en"
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        named = "svg[role=img]:not([aria-label]), input, select, button, a[href], [role=group]"
        nameless = f"""[...document.querySelectorAll('{named}')]
            .filter(e => !(e.ariaLabel || e.getAttribute('aria-labelledby') || e.labels?.length || e.textContent.trim()))
            .map(e => e.outerHTML.slice(0, 80))"""
        assert page.evaluate(nameless) == []
        bare = "[...document.querySelectorAll('svg:not([aria-hidden]):not([role=img])')].length"
        assert page.evaluate(bare) == 0
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4, h5')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
        tree = page.call("Accessibility.getFullAXTree")["nodes"]
        buttons = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "button"]
        assert buttons
        assert all(buttons)


@browser
@needs_chromium
def test_it_reads_without_script_and_prints(file: Path) -> None:
    with _chromium.Page(script=False) as page:
        page.open(file)
        assert page.problems == []
        pdf = base64.b64decode(page.call("Page.printToPDF")["data"])
        assert pdf.startswith(b"%PDF")
    plain = Seen(file.read_text())
    assert sum(1 for tag, a in plain.tags if tag == "tr" and (a.get("id") or "").startswith("row-")) == 13
    assert json.loads(plain.text[plain.text.index('{"schema"') : plain.text.rindex("}") + 1])["schema"] == 1
