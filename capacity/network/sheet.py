"""Figures of fabrics in words: one column a design and size, rows in sections, each with its unit."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pandas as pd

from capacity.errors import InputError
from capacity.network.figures import Figures
from capacity.network.groups import ALGORITHMS

Say = Callable[[Figures], str]
NONE = "-"


def _share(value: float) -> str:
    if value >= 0.99995 or value <= 0:
        return f"{value:.0%}"
    return f"{value:.1%}" if value < 0.995 else f"{value:.2%}"


def _parts(figures: Figures) -> str:
    design = figures.design
    return design.part if design.ports == 1 else f"{design.ports} × {design.part}"


def _near(figures: Figures) -> str:
    return f"{figures.design.near:,}" if figures.design.near else NONE


def _way(figures: Figures) -> str:
    design = figures.design
    return f"{design.max_hops} (mean {design.mean_hops:.2f})"


SECTIONS: dict[str, dict[str, Say]] = {
    "made of": {
        "parts": _parts,
        "tiers of switches": lambda f: f"{f.design.tiers}" if f.design.tiers else NONE,
        "switches": lambda f: f"{f.design.switches:,}",
        "cables": lambda f: f"{f.design.cables:,}",
        "optical ends": lambda f: f"{f.design.optics:,}",
    },
    "costs, an accelerator": {
        "price": lambda f: f"${f.design.price_usd_per_accelerator:,.0f}",
        "power": lambda f: f"{f.design.watts_per_accelerator:,.1f} W",
    },
    "carries": {
        "to neighbours": lambda f: f"{f.design.neighbour_gb_s:,.1f} GB/s",
        "all to all": lambda f: f"{f.design.gb_s:,.1f} GB/s",
        "bisection": lambda f: _share(f.design.bisection_share),
        "message of no size, farthest": lambda f: f"{f.design.alpha_s * 1e6:.2f} us",
        "switches or cables on the way": _way,
        "neighbours under one switch": _near,
    },
    "bears": {
        "disjoint shortest ways": lambda f: f"{f.tolerance.ways:,}",
        "cut off by a failed switch": lambda f: _share(f.tolerance.cut_off_share),
        "bisection left then": lambda f: _share(f.tolerance.bisection_left),
    },
}


def sheet(found: Sequence[Figures]) -> tuple[list[str], list[tuple[str, list[list[str]]]]]:
    """(heading of each column, sections with their rows: label, then a cell a column)."""
    names = [f"{one.design.design} {one.design.size:,}" for one in found]
    return names, [(section, [[label, *(say(one) for one in found)] for label, say in rows.items()])
                   for section, rows in SECTIONS.items()]


def by_group(collectives: pd.DataFrame) -> pd.DataFrame:
    """A row per group, with each algorithm's latency and rate side by side; text, for the screen."""
    if collectives.empty:
        return collectives
    keys = ["placement", "accelerators", "switches", "share"]
    table = collectives[keys].drop_duplicates(ignore_index=True)
    for algorithm in ALGORITHMS:
        own = collectives[collectives["algorithm"] == algorithm]
        cells = own["alpha_us"].map("{:,.0f} us, ".format) + own["gb_s"].map("{:,.0f} GB/s".format)
        table = table.merge(own[keys].assign(**{algorithm: cells}), on=keys, how="left")
    table["share"] = table["share"].map(_share)
    return table.astype(object).fillna(NONE).rename(columns={"share": "of the ports' rate"})


def record(one: Figures | InputError) -> dict[str, object]:
    """One design and size for JSON: `Figures.row` and its `collectives`, or why there are none (`problem`)."""
    if isinstance(one, InputError):
        return {"problem": str(one)}
    return {**one.row(), "collectives": json.loads(one.collectives.to_json(orient="records"))}
