"""From a record to the bytes of a page. The same record gives the same page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from symcheck.errors import printable
from symcheck.report.html.page import Page, short
from symcheck.report.record import Record


def render(record: Record, against: Record | None = None) -> str:
    """The report, on its own in one file; with another record, it marks what changed since that one.

    The page allows itself nothing but its own style and script, by their hashes. Every text from the record is escaped.
    """
    page = Page.of(record, against)
    style, script = _source("style.css"), _source("script.js")
    sources = {"style": Markup(style), "script": Markup(script)}  # ours: the only text that isn't escaped
    template = _environment().get_template("page.html.j2")
    return template.render(page=page, policy=_policy(style, script), **sources) + "\n"


def _policy(style: str, script: str) -> str:
    hashes = f"style-src {_hash(style)}; script-src {_hash(script)}"
    return f"default-src 'none'; {hashes}; base-uri 'none'; form-action 'none'"


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


@cache
def _source(name: str) -> str:
    return files("symcheck.report.html").joinpath(name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    settings: dict[str, Any] = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=PackageLoader("symcheck.report.html"), finalize=_plain, **settings)
    environment.globals |= {"short": short, "text": _text}
    return environment


def _plain(value: Any) -> Any:
    """Text without what would steer its direction: autoescape leaves that in."""
    return printable(value) if type(value) is str and not value.isprintable() else value


def _text(text: str) -> Markup:
    """JSON for the inside of an element, where quotes may stay: a fifth of it is quotes. What can't be seen is escaped."""
    shown = "".join(c if c.isprintable() or c == "\n" or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in text)
    return Markup(escape(shown, quote=False))
