"""The layers of a model that breaks a claim: how much of each is left unexplained, on a log axis, with the culprit marked."""

from __future__ import annotations

from symcheck.report.html.charts import Bar, Chart, Table, number, percent
from symcheck.report.record import LayerRecord, LocationRecord

_SHADES = {"explained": "e0", "unknown": "e2", "broken": "e3"}


SHOWN = 10  # what leads up to a break; the layers far before it tell no more


def chart(found: LocationRecord | None) -> Chart | None:
    """A bar for each layer up to the culprit, the last of them if there are many; None where nothing was located.

    The record has all.
    """
    if found is None or not found.layers:
        return None
    last = next((i for i, layer in enumerate(found.layers, 1) if layer.culprit), len(found.layers))
    shown = found.layers[max(0, last - SHOWN) : last]
    bars = tuple(_bar(layer) for layer in shown)
    rows = tuple(
        (layer.name, layer.operation, layer.place, number(layer.residual), number(layer.floor), layer.status) for layer in shown
    )
    table = Table(("layer", "operation", "line", "left", "rounding explains", "status"), rows)
    return Chart("Where it breaks", _summary(found), table, bars=bars)


def _bar(layer: LayerRecord) -> Bar:
    name = f"▶ {layer.name}, {layer.place}: here" if layer.culprit else layer.name
    shade = "e5" if layer.culprit else _SHADES[layer.status]
    return Bar(name, number(layer.residual), percent(layer.residual), shade)


def _summary(found: LocationRecord) -> str:
    axis = "what no action of the group explains of it, as part of its spread, on a log axis from 1e-17 to 10"
    few = f"The last {SHOWN} layers" if len(found.layers) > SHOWN else "Layers"
    told = f"{few} in the order in which they are computed, at g = {found.element} on {found.inputs} inputs: {axis}."
    if found.culprit is None:
        return f"{told} Not located: {found.because}."
    code = f" Its line: {found.code}" if found.code else ""
    return f"{told} At {found.culprit.name}: {found.how}.{code}"
