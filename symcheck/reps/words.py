"""Reps in words: "vector", "permute(axis=-1)", "8x0e+4x1o", "permute * point", "4 scalar + 2 vector", "dual(vector)".

    sum      product + product + ...      the direct sum along the last axis; of irreps alone, Irreps
    product  term * term * ...            acting together
    term     (sum), name, name(argument=value, ...), name(sum, ..., argument=value), irreps; 4 name is four of it

A product among the terms of a sum needs brackets, since one reads "permute * 8x0e + 4x1o" either way.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

from symcheck.errors import ClaimError, did_you_mean
from symcheck.reps.algebra import Blocks, Combined, Together
from symcheck.reps.base import Rep
from symcheck.reps.finite import PlanarIrreps
from symcheck.reps.irreps import Irreps

DIGITS = 40  # more than any number in a rep has: that of a width with all its places has 17
_IRREP = re.compile(r"(\d+\s*x)?\s*\d+\s*[eo]")
_PLANAR = re.compile(r"(\d+\s*x\s*)?\d+-?")
_COUNTED = re.compile(r"(\d+)(?:\s*x)?(\s+[^\W\d].*|\s*\(.*)", re.DOTALL)
IRREPS = "irreps are multiplicity x degree parity, as in '8x0e+4x1o', and copies of a rep are as in '4 vector'."
_NAMED = re.compile(r"\w+\s*=")
_OTHERWISE = {
    "irreps": "irreps are written out, as in '8x0e+4x1o'.",
    "together": "reps that act together are written with '*', as in 'permute * point'.",
    "blocks": "direct sums are written with '+', as in '4 scalar + 2 vector'.",
    "via": "a rep by way of a homomorphism has no name. Use an object: Via(Vector(), homomorphism).",
    "custom": "a rep of your own has no name. Use an object: Custom(function, name='mine').",
}


def read(text: str, names: Mapping[str, type[Rep]]) -> Rep:
    """The rep that a text stands for, of those that have names."""
    if re.search(rf"\d{{{DIGITS}}}", text):
        raise ClaimError(f"the rep {text[:DIGITS]!r}... has a number of more than {DIGITS} digits. Give a smaller one.")
    try:
        return _Reader(text.strip(), names).sum(text.strip())
    except RecursionError:
        raise ClaimError(f"the rep {text[:DIGITS]!r}... is nested too deeply. Give one with fewer brackets.") from None


class _Reader:
    """Reads one text, which its errors quote."""

    def __init__(self, whole: str, names: Mapping[str, type[Rep]]) -> None:
        self.whole = whole
        self.names = names

    def sum(self, text: str) -> Rep:
        terms = _apart(text, "+")
        if any(map(_IRREP.fullmatch, terms)) and not any(re.search(r"[^\W\d_]{2}|[()*]", term) for term in terms):
            return Irreps(text)
        if all(map(_PLANAR.fullmatch, terms)) and re.search("[x+]", text):
            return PlanarIrreps(text)
        if len(terms) == 1:
            return self.product(text)
        if any(len(_apart(term, "*")) > 1 for term in terms):
            raise ClaimError(
                f"{text!r} can be read in two ways. Put brackets where they belong, as in 'permute * (4 scalar + 2 vector)'."
            )
        return Blocks(*map(self.term, self._given(terms, text, "+")))

    def product(self, text: str) -> Rep:
        factors = _apart(text, "*")
        return self.term(text) if len(factors) == 1 else Together(*map(self.term, self._given(factors, text, "*")))

    def _given(self, terms: list[str], text: str, operator: str) -> list[str]:
        if not all(terms):
            raise ClaimError(
                f"{text!r} has nothing on one side of a {operator!r}. Write a rep on both, as in 'permute * point'."
            )
        return terms

    def term(self, text: str) -> Rep:
        if text.startswith("(") and text.endswith(")"):
            return self.sum(text[1:-1].strip())
        if counted := _COUNTED.fullmatch(text):
            return Blocks((self.term(counted[2].strip()), int(counted[1])))
        return Irreps(text) if _IRREP.fullmatch(text) else self.named(text)

    def named(self, text: str) -> Rep:
        name, bracket, rest = text.partition("(")
        name = name.strip()
        if name not in self.names:
            where = "" if text == self.whole else f" in {self.whole!r}"
            hint = IRREPS if re.match(r"-?\d", name) else did_you_mean(name, self.names)
            raise ClaimError(f"there is no rep {name!r}{where}; {hint}")
        kind = self.names[name]
        if name in _OTHERWISE and not (bracket and kind is Irreps):
            raise ClaimError(_OTHERWISE[name])
        try:
            if not issubclass(kind, Combined):
                return kind(**_arguments(text)) if bracket else kind()
            inside = [part for part in _apart(rest.strip().removesuffix(")"), ",") if part]
            named = [part for part in inside if _NAMED.match(part)]
            reps = [self.sum(part) for part in inside if part not in named]
            return kind(*reps, **_arguments(f"{name}({', '.join(named)})"))
        except (TypeError, AttributeError):
            known = ", ".join(inspect.signature(kind).parameters) or "no arguments"
            raise ClaimError(f"{text!r} can't be made: {name!r} takes {known}. See symcheck explain {name}") from None


def _arguments(text: str) -> dict[str, Any]:
    """The arguments by name in the brackets after a name."""
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        raise ClaimError(f"can't read the rep {text!r}. Write arguments by name, as in 'permute(axis=-1)'.") from None


def _apart(text: str, separator: str) -> list[str]:
    """A text at its separators, but for those inside brackets or quotes.

    >>> _apart("permute(of='a*b') * (scalar * point)", "*")
    ["permute(of='a*b')", '(scalar * point)']
    """
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            depth += (letter in "([") - (letter in ")]")
        if letter == separator and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
