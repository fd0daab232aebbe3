"""From the tables of a config to claims, and to those that are left out."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from msgspec import UNSET

from symcheck import domains, properties, subjects
from symcheck._tree import Args
from symcheck.claims import Claim, Skipped, Subject
from symcheck.config.tables import ClaimTable, Config, ModelTable, Override
from symcheck.domains import Domain, Joint, Tensors
from symcheck.errors import ClaimError, ConfigError, SettingsError, SymcheckError, did_you_mean
from symcheck.properties import Property
from symcheck.selection import check, meant

MOST = 2**31  # numbers of one input: 16 GiB in float64, of which an audit holds hundreds


def claims(config: Config, file: str, *, twins: bool = False, trust_code: bool = False) -> list[Claim]:
    """The claims of all models. Raises what is wrong with one with its place in the file before it."""
    found: dict[int, Claim] = {}
    for place, model in enumerate(config.models):
        found |= {id(claim): claim for claim in _of_model(model, f"{file}: models[{place}]", twins, trust_code)}
    return list(found.values())  # a package and one of its modules name the same ones


def _of_model(model: ModelTable, where: str, twins: bool, trust_code: bool) -> list[Claim]:
    source: dict[str, Any] = {"weights": model.weights or None, "trust_code": trust_code}
    try:
        if not model.claims:
            return subjects.claims(model.target, twins=twins or model.twins, **source)
        subject = subjects.subject(model.target, **source)
    except SymcheckError as error:
        raise type(error)(f"{where}: {error}") from error
    return [claim(subject, table, f"{where}.claims[{i}]") for i, table in enumerate(model.claims)]


def claim(subject: Subject, table: ClaimTable, where: str = "") -> Claim:
    """What a table claims of a model. ConfigError says what is wrong, and where."""
    if table.tolerance is not UNSET and not table.reason:
        raise ConfigError(f"{where} has a tolerance and no reason. Say in `reason` why the symmetry isn't exact.")
    try:
        return Claim(
            subject,
            table.group,
            domain=_domain(table),
            inputs=_inputs(table.inputs),
            outputs=_outputs(table.outputs),
            properties=tuple(_property(name) for name in table.given().get("properties", ["equivariance"])),
            tolerance=table.given().get("tolerance"),
            expected=table.expected,
            reason=table.reason,
            id=table.id,
        )
    except SymcheckError as error:
        raise (type(error)(f"{where}: {error}") if where else error) from None


def _inputs(given: Any) -> Any:
    """A list is positional arguments, a table those by keyword."""
    if isinstance(given, dict):
        return Args(**given)
    return tuple(given) if isinstance(given, list) else given


def _outputs(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


def _domain(table: ClaimTable) -> Domain:
    shapes, domain = table.given().get("shapes"), table.given().get("domain")
    if (shapes is None) is (domain is None):
        raise SettingsError("say where inputs come from: shapes = [[8, 3]] for tensors, or else a domain.")
    if domain is not None:
        return _joined(domain, _read) if isinstance(domain, (list, dict)) else _read(domain)
    assert shapes is not None
    named = isinstance(shapes, dict)
    many = len(table.inputs) if isinstance(table.inputs, (list, dict)) else 1
    if named is not isinstance(table.inputs, dict) or len(shapes) != many:
        raise SettingsError(f"there are {len(shapes)} shapes and {many} inputs. Give each input one, in a like list or table.")
    if named and set(shapes) != set(table.inputs):
        raise SettingsError(f"shapes name {', '.join(shapes)}, and inputs {', '.join(table.inputs)}. Name the same.")
    return _joined({name: shapes[name] for name in table.inputs} if named else shapes, _tensors)


def _joined(given: Any, read: Any) -> Domain:
    if isinstance(given, dict):
        return Joint(**{name: read(one) for name, one in given.items()})
    return Joint(*(read(one) for one in given))


def _tensors(shape: Iterable[int]) -> Domain:
    sizes = tuple(shape)
    if math.prod(sizes) > MOST:
        raise SettingsError(f"an input of shape {sizes} has {math.prod(sizes):.1e} numbers. Audit the model at smaller inputs.")
    return Tensors(sizes)


def _read(text: str) -> Domain:
    """The domain that a call in Python's words makes, of plain values: `PointCloud(points=8)`. Nothing else is evaluated."""
    known = {kind.__name__: kind for kind in domains.CATALOGUE}
    advice = 'Write it as in Python, with plain values: domain = "PointCloud(points=8)"'
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError
        name = call.func.id
        args = [ast.literal_eval(one) for one in call.args]
        named = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise SettingsError(f"{text!r} is no domain. {advice}") from None
    if name not in known:
        raise SettingsError(f"there is no domain {name!r}; {did_you_mean(name, known)}")
    try:
        inspect.signature(known[name]).bind(*args, **named)
        return known[name](*args, **named)
    except SymcheckError:
        raise
    except Exception as error:  # plain values of the wrong kind
        raise SettingsError(f"{text!r} makes no domain: {error}. See symcheck explain {name}") from None


def _property(name: str) -> Property:
    known = {kind.name: kind for kind in properties.CATALOGUE}
    if name not in known:
        raise SettingsError(f"there is no property {name!r}; {did_you_mean(name, known)}")
    try:
        return known[name]()
    except TypeError:
        raise SettingsError(
            f"the property {name!r} needs more than its name. State the claim in Python, as one of a module's CLAIMS."
        ) from None


def overridden(
    claims: list[Claim], overrides: Iterable[Override], file: str, *, strict: bool
) -> tuple[list[Claim], list[Skipped]]:
    """The claims as the overrides have them, the last that speaks of one having the last word, and those that they skip.

    `strict` refuses an override whose patterns match no claim.
    """
    found, skipped = list(claims), dict[int, Skipped]()
    for place, override in enumerate(overrides):
        where = f"{file}: overrides[{place}]"
        if not override.skip and override.expected is UNSET and override.tolerance is UNSET:
            raise ConfigError(f"{where} changes nothing. Give expected, tolerance or skip.")
        if strict:
            check(override.claims, claims, where)
        for i, one in enumerate(found):
            if meant(override.claims, one):
                found[i] = _overridden(one, override, where)
                skipped |= {i: Skipped(one.id, override.reason)} if override.skip else {}
    return [one for i, one in enumerate(found) if i not in skipped], list(skipped.values())


def _overridden(claim: Claim, override: Override, where: str) -> Claim:
    given = override.given()
    changes = {name: given[name] for name in ("expected", "tolerance") if name in given}
    try:
        return replace(claim, **changes, reason=override.reason) if changes else claim
    except ClaimError as error:
        raise ConfigError(f"{where}: {error}") from None
