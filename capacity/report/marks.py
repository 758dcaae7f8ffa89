"""Small pieces of HTML and SVG: escaping, colours, axes, tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

PALETTE = ("#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677", "#44AA99", "#AA4499", "#999933", "#882255")
"""Paul Tol's muted scheme: nine colours told apart by colour-blind readers (sronpersonalpages.nl/~pault, 2021)."""
OTHER = "#BBBBBB"
"""What is left over, or not in use."""


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in order; those beyond the palette share the grey of `OTHER`."""
    return {n: PALETTE[i] if i < len(PALETTE) else OTHER for i, n in enumerate(names)}


def tag(name: str, body: str = "", **attributes: object) -> str:
    """One element; `class_` becomes class, underscores become hyphens, floats keep two decimals. The body is markup."""
    told = "".join(f' {k.rstrip("_").replace("_", "-")}="{_attribute(v)}"' for k, v in attributes.items())
    return f"<{name}{told}>{body}</{name}>"


def _attribute(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else escape(str(value), quote=True)


def chip(confidence: str) -> str:
    """How sure a number is, as a coloured word."""
    return tag("span", escape(confidence), class_=f"chip {escape(confidence)}")


def svg(width: float, height: float, body: str, label: str) -> str:
    """A picture that scales with its column, with a label for readers who cannot see it."""
    return tag("svg", body, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label)


def ticks(top: float, most: int = 5) -> list[float]:
    """Round steps from zero to at least `top`: 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(s * size for s in (1, 2, 5, 10) if s * size >= raw * (1 - 1e-9))
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1, class_: str = "") -> str:
    """A table of markup cells; the first `left` columns are text, the others numbers."""
    sides = ["text" if i < left else "number" for i in range(len(headers))]
    head = "".join(tag("th", h, class_=side, scope="col") for h, side in zip(headers, sides, strict=True))
    body = "".join(
        tag("tr", "".join(tag("td", cell, class_=side) for cell, side in zip(row, sides, strict=True))) for row in rows
    )
    return tag("div", tag("table", tag("thead", tag("tr", head)) + tag("tbody", body), class_=class_), class_="scroll")


def heat(
    headers: Sequence[str], rows: Iterable[tuple[str, Sequence[float]]], say: Callable[[float], str], top: float,
    marked: Callable[[str, int], str] = lambda name, column: "", named: Callable[[str], str] = escape,
) -> str:
    """Rows of numbers shaded by their share of `top`; `marked(row, column)` adds a sign to a cell, `named` tells it."""
    body = []
    for name, values in rows:
        cells = [tag("td", named(name), class_="text")]
        for i, value in enumerate(values):
            shade = 0.0 if not value > 0 or top <= 0 else 0.06 + 0.54 * min(value / top, 1.0)
            text = say(value) + marked(name, i) if value > 0 else "·"
            style = f"background:rgba(68,119,170,{shade:.2f})" if shade else "color:#aaa"
            cells.append(tag("td", text, class_="number", style=style))
        body.append(tag("tr", "".join(cells)))
    head = "".join(
        tag("th", h, class_="text" if i == 0 else "number", scope="col") for i, h in enumerate(headers)
    )
    whole = tag("table", tag("thead", tag("tr", head)) + tag("tbody", "".join(body)), class_="heat")
    return tag("div", whole, class_="scroll")
