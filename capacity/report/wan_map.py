"""Links between sites on a map: candidates in grey, lit ones by the year of their first light and by their Gb/s.

matplotlib draws (the extra `draw`); outlines are those of the page's map, Natural Earth (public domain).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity.network.draw_marks import FAINT, INK, PAPER, canvas

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

    from capacity.plan.model import Plan

LAND, SEA, CANDIDATE, SITE = "#e9ecec", "#ffffff", "#a9b4be", "#CC3311"
MARGIN_DEG, LEAST_DEG = 8.0, 24.0
"""Room around the outermost sites, and the least span of the map, in degrees."""
HEAD_IN, FOOT_IN = 0.75, 0.5
"""Inches above and below the map."""
WIDEST = 5.0
"""Points of the widest line."""


def draw_links(graph: nx.Graph[str], name: str, plan: Plan | None, path: Path) -> None:
    """Write the map of a scenario's links, with a plan those that it lights. Raises InputError for another format, a
    missing folder, and where matplotlib is not installed."""
    pyplot = canvas(path)
    west, east, south, north = window(graph)
    width = 12.0
    height = min(max(width * (north - south) / (east - west), 4.5), 9.0)
    whole = height + HEAD_IN + FOOT_IN
    figure = pyplot.figure(figsize=(width, whole), dpi=160, facecolor=PAPER)
    axes = figure.add_axes((0.02, FOOT_IN / whole, 0.96, height / whole), facecolor=SEA)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_edgecolor(CANDIDATE)
    _land(axes)
    lit = None if plan is None else plan.tables["links"]
    shown = _lines(axes, graph, lit, pyplot)
    _sites(axes, graph)
    _head(figure, graph, name, plan, shown)
    figure.savefig(path, facecolor=PAPER)
    pyplot.close(figure)


def window(graph: nx.Graph[str]) -> tuple[float, float, float, float]:
    """(west, east, south, north) in degrees: all sites with room around them."""
    longitude = np.array([d["longitude"] for _, d in graph.nodes(data=True)])
    latitude = np.array([d["latitude"] for _, d in graph.nodes(data=True)])
    out = []
    for values, least, limit in ((longitude, LEAST_DEG, 180.0), (latitude, LEAST_DEG / 2, 84.0)):
        middle, half = (values.max() + values.min()) / 2, (values.max() - values.min()) / 2 + MARGIN_DEG
        half = max(half, least)
        out += [max(middle - half, -limit), min(middle + half, limit)]
    return out[0], out[1], out[2], out[3]


def _land(axes: Any) -> None:
    rings = json.loads(files("capacity.report").joinpath("land.json").read_text(encoding="utf-8"))["rings"]
    for ring in rings:
        axes.fill(ring[::2], ring[1::2], facecolor=LAND, edgecolor=CANDIDATE, linewidth=0.3, zorder=1)


def great_circle(one: dict[str, float], other: dict[str, float]) -> list[np.ndarray]:
    """Points (longitude, latitude) along the great circle, in pieces cut at the date line."""
    ends = []
    for at in (one, other):
        east, north = np.radians(at["longitude"]), np.radians(at["latitude"])
        ends.append(np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]))
    angle = float(np.arccos(np.clip(ends[0] @ ends[1], -1, 1)))
    if angle == 0:
        return []
    t = np.linspace(0, 1, 60)[:, None]
    points = (np.sin((1 - t) * angle) * ends[0] + np.sin(t * angle) * ends[1]) / np.sin(angle)
    degrees = np.degrees(np.column_stack([np.arctan2(points[:, 1], points[:, 0]), np.arcsin(points[:, 2])]))
    return list(np.split(degrees, np.flatnonzero(np.abs(np.diff(degrees[:, 0])) > 180) + 1))


def _lines(axes: Any, graph: nx.Graph[str], lit: pd.DataFrame | None, pyplot: Any) -> dict[int, Any]:
    """Draw the links; {year of first light: its colour} of those shown."""
    first = {} if lit is None else lit.groupby("link")["year"].min().astype(int).to_dict()
    last = {} if lit is None else lit.sort_values("year").groupby("link")["gbps"].last().to_dict()
    years = sorted(set(first.values()))
    shades = pyplot.get_cmap("viridis")(np.linspace(0.0, 0.85, max(len(years), 1)))
    colour = dict(zip(years, shades, strict=False))
    top = max(last.values(), default=1.0)
    for a, b, edge in graph.edges(data=True):
        name = edge["link"]
        style = {"color": CANDIDATE, "linewidth": 0.7, "linestyle": (0, (4, 3)), "zorder": 2}
        if name in first:
            style = {"color": colour[first[name]], "linewidth": 1.0 + (WIDEST - 1.0) * float(last[name] / top) ** 0.5,
                     "zorder": 3, "solid_capstyle": "round"}
        elif edge["existing_gbps"] > 0:
            style = {"color": INK, "linewidth": 1.2, "zorder": 3}
        for piece in great_circle(graph.nodes[a], graph.nodes[b]):
            axes.plot(piece[:, 0], piece[:, 1], **style)
    return colour


def _sites(axes: Any, graph: nx.Graph[str]) -> None:
    """Dots and names; a name is left out where it would cover one that stands already."""
    from matplotlib.patheffects import withStroke

    left, right = axes.get_xlim()
    unit = (right - left) / 110
    dots = [(d["longitude"], d["latitude"]) for _, d in graph.nodes(data=True)]
    taken = [(x - unit / 2, y - unit / 2, x + unit / 2, y + unit / 2) for x, y in dots]
    places: list[tuple[str, dict[str, float]]] = [(str(name), at) for name, at in graph.nodes(data=True)]
    for name, at in sorted(places, key=lambda item: -item[1]["latitude"]):
        x, y = at["longitude"], at["latitude"]
        axes.plot(x, y, "o", color=SITE, markersize=4.5, markeredgecolor=PAPER, markeredgewidth=0.6, zorder=5)
        width, high = unit * 0.62 * len(name), unit * 1.1
        for dx, dy in ((0.7, 0.0), (-0.7, 0.0), (0.2, 1.2), (0.2, -1.2), (-0.2, 1.2), (-0.2, -1.2)):
            start = x + dx * unit if dx > 0 else x + dx * unit - width
            box = (start, y + dy * unit - high / 2, start + width, y + dy * unit + high / 2)
            inside = left < box[0] and box[2] < right
            if inside and not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
                taken.append(box)
                axes.text(x + dx * unit, y + dy * unit, name, fontsize=7.5, ha="left" if dx > 0 else "right",
                          va="center", color=INK, zorder=6, path_effects=[withStroke(linewidth=2.5, foreground=PAPER)])
                break


def _head(figure: Any, graph: nx.Graph[str], name: str, plan: Plan | None, shown: dict[int, Any]) -> None:
    lit = 0 if plan is None else plan.tables["links"]["link"].nunique()
    what = f"{len(graph)} sites, {graph.number_of_edges()} links" + (f", {lit} of them lit" if plan is not None else "")
    inch = 1 / figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.27 * inch, f"{name}: links between sites", fontsize=14, fontweight="bold", va="center",
                color=INK)
    figure.text(0.02, 1 - 0.55 * inch, what + "; lines are great circles, not routes", fontsize=9.5, color=FAINT,
                va="center")
    x = 0.02
    entries = [("candidate", CANDIDATE, (0, (4, 3)))] + [(f"first lit in {y}", c, "solid") for y, c in shown.items()]
    for text, colour, style in entries:
        line = figure.add_artist(_line(x, 0.25 * inch, colour, style))
        line.set_transform(figure.transFigure)
        figure.text(x + 0.03, 0.25 * inch, text, fontsize=8.5, va="center", color=INK)
        x += 0.045 + 0.0068 * len(text)
    if shown:
        figure.text(x + 0.01, 0.25 * inch, "width: Gb/s at the end", fontsize=8.5, va="center", color=FAINT)


def _line(x: float, y: float, colour: Any, style: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([x, x + 0.025], [y, y], color=colour, linestyle=style, linewidth=2)
