"""The map of sites, regions and links: equirectangular, outlines from Natural Earth (public domain), no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

import numpy as np
import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import count, whole
from capacity.report.marks import svg, tag

WIDTH = 1080.0
NORTH, SOUTH = 76.0, -50.0
SCALE = WIDTH / 360
HEIGHT = (NORTH - SOUTH) * SCALE
SITE, REGION, LINK = "#CC3311", "#0077BB", "#EE7733"
"""Paul Tol's vibrant scheme: told apart by colour-blind readers."""
SITE_RADIUS, REGION_RADIUS = 13.0, 22.0
LETTER, LABEL = 6.0, 11.0
"""Width of a letter and height of a label, in the map's units."""


def world_map(plan: Plan) -> str:
    """SVG of the last year: sites by MW in service, regions by instances served, links by Gb/s; grey: not built."""
    last = int(plan.tables["schedule"]["year"].max())
    power, served, links = (plan.tables[t] for t in ("power", "served", "links"))
    mw = power[power["year"] == last].groupby("site")["facility_mw"].sum()
    wanted = served[served["year"] == last].groupby("region")["instances_served"].sum()
    sites = plan.tables["sites"].dropna(subset=["latitude", "longitude"])
    sites = sites.assign(mw=sites["site"].map(mw).fillna(0.0))
    regions = plan.tables["regions"].dropna(subset=["latitude", "longitude"])
    regions = regions.assign(served=regions["region"].map(wanted).fillna(0.0))
    body = tag("rect", width=WIDTH, height=HEIGHT, class_="sea") + _land() + _graticule()
    body += _regions(regions) + _links(links[links["year"] == last], sites) + _sites(sites, regions)
    label = f"Map of {int((sites['mw'] > 0).sum())} sites in service in {last}, with regions and links"
    return tag("div", svg(WIDTH, HEIGHT, body, label), class_="scroll map") + _key(last)


def _x(longitude: float) -> float:
    return (longitude + 180) * SCALE


def _y(latitude: float) -> float:
    return (NORTH - latitude) * SCALE


@cache
def _land() -> str:
    rings = json.loads(files("capacity.report").joinpath("land.json").read_text(encoding="utf-8"))["rings"]
    paths = []
    for ring in rings:
        points = [f"{_x(x):.0f},{_y(y):.0f}" for x, y in zip(ring[::2], ring[1::2], strict=True)]
        paths.append("M" + "L".join(dict.fromkeys(points)) + "Z")
    return tag("path", d="".join(paths), class_="land")


def _graticule() -> str:
    meridians = "".join(tag("line", x1=_x(l), x2=_x(l), y1=0, y2=HEIGHT) for l in range(-150, 180, 30))  # noqa: E741
    parallels = "".join(tag("line", x1=0, x2=WIDTH, y1=_y(p), y2=_y(p)) for p in (-30, 0, 30, 60))
    return tag("g", meridians + parallels, class_="graticule")


def _radius(value: float, top: float, largest: float, least: float) -> float:
    return least + (largest - least) * float(np.sqrt(value / top)) if top > 0 and value > 0 else 0.0


def _regions(regions: pd.DataFrame) -> str:
    top = float(regions["served"].max()) if len(regions) else 0.0
    body = ""
    for r in regions.to_dict("records"):
        told = tag("title", f"{escape(r['name'])}: {count(r['served'])} instances served")
        radius = _radius(r["served"], top, REGION_RADIUS, 3.0)
        body += tag("circle", told, cx=_x(r["longitude"]), cy=_y(r["latitude"]), r=radius or 3.0, class_="region")
    return body


def _links(links: pd.DataFrame, sites: pd.DataFrame) -> str:
    at = sites.set_index("site")[["longitude", "latitude"]]
    known = links[links["from"].isin(at.index) & links["to"].isin(at.index)]
    top = float(known["gbps"].max()) if len(known) else 0.0
    body = ""
    for r in known.to_dict("records"):
        a, b = at.loc[r["from"]], at.loc[r["to"]]
        told = tag("title", f"{escape(r['from'])} – {escape(r['to'])}: {count(r['gbps'])} Gb/s")
        width = _radius(r["gbps"], top, 3.0, 0.7)
        for path in _arcs(float(a.iloc[0]), float(a.iloc[1]), float(b.iloc[0]), float(b.iloc[1])):
            body += tag("path", told, d=path, class_="link", stroke_width=width)
    return body


def _arcs(lon1: float, lat1: float, lon2: float, lat2: float) -> list[str]:
    """The great circle between two places as paths, cut where it crosses the date line."""
    start, end = (_unit(lon, lat) for lon, lat in ((lon1, lat1), (lon2, lat2)))
    angle = float(np.arccos(np.clip(start @ end, -1, 1)))
    if angle < 1e-9:
        return []
    t = np.linspace(0, 1, 24)[:, None]
    points = (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
    lon = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    lat = np.degrees(np.arcsin(np.clip(points[:, 2], -1, 1)))
    cuts = np.flatnonzero(np.abs(np.diff(lon)) > 180) + 1
    pieces = np.split(np.column_stack([lon, lat]), cuts)
    return ["M" + "L".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in piece) for piece in pieces if len(piece) > 1]


def _unit(lon: float, lat: float) -> np.ndarray:
    a, b = np.radians(lon), np.radians(lat)
    return np.array([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)])


def _sites(sites: pd.DataFrame, regions: pd.DataFrame) -> str:
    """Dots and names of sites, then the names of regions where there is room."""
    top = float(sites["mw"].max()) if len(sites) else 0.0
    ordered = sites.sort_values("mw", ascending=False)
    dots, boxes = "", []
    for r in ordered.to_dict("records"):
        x, y, radius = _x(r["longitude"]), _y(r["latitude"]), _radius(r["mw"], top, SITE_RADIUS, 3.0)
        told = tag("title", f"{escape(r['name'])}, {escape(r['country'])}: {whole(r['mw'])} MW")
        dots += tag("circle", told, cx=x, cy=y, r=radius or 2.2, class_="site" if radius else "unused")
        boxes.append((x - radius, y - radius, x + radius, y + radius))
    labels = ""
    for r in ordered[ordered["mw"] > 0].to_dict("records"):
        x, y, radius = _x(r["longitude"]), _y(r["latitude"]), _radius(r["mw"], top, SITE_RADIUS, 3.0)
        labels += _label(r["name"].split(",")[0], x, y, radius, boxes)
    most = float(regions["served"].max()) if len(regions) else 0.0
    for r in regions.sort_values("served", ascending=False).to_dict("records"):
        radius = _radius(r["served"], most, REGION_RADIUS, 3.0)
        name = str(r["name"]).split(" with ")[0].split(",")[0]
        labels += _label(name, _x(r["longitude"]), _y(r["latitude"]), radius, boxes, "place area")
    return dots + labels


def _label(
    name: str, x: float, y: float, radius: float, taken: list[tuple[float, float, float, float]], class_: str = "place"
) -> str:
    """The name beside its dot where it covers no dot and no other name; nothing where there is no room."""
    width = LETTER * len(name)
    for dx, anchor, left in ((1, "start", 0.0), (-1, "end", -width), (0, "middle", -width / 2)):
        for dy in (0.0, -(radius + 7), radius + 7, -(radius + 16), radius + 16):
            if dx == 0 and dy == 0:
                continue
            at, base = x + dx * (radius + 3 if dy == 0 else 2), y + dy
            box = (at + left, base - LABEL / 2, at + left + width, base + LABEL / 2)
            if box[0] > 0 and box[2] < WIDTH and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                return tag("text", escape(name), x=at, y=base + 3.5, text_anchor=anchor, class_=class_)
    return ""


def _overlap(a: Sequence[float], b: Sequence[float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _key(last: int) -> str:
    entries = (
        (f"site in service in {last}, area by MW", f"background:{SITE};border-radius:50%"),
        ("candidate not built", "background:#999;border-radius:50%"),
        ("region, area by instances served", f"border:1.5px solid {REGION};border-radius:50%"),
        ("link, width by Gb/s", f"background:{LINK};height:3px"),
    )
    return tag("div", "".join(tag("span", tag("i", style=s) + escape(t)) for t, s in entries), class_="legend")
