"""Network design instances as tables of the waist: links and modules without assets, flows routed freely.

`cmnd`: multicommodity fixed-charge network design in the .dow format (Crainic, Frangioni, Gendron); every arc is a link
of one way with one module. `sndlib`: the native format of SNDlib 1.0 (Orlowski et al., sndlib.zib.de), for the models
named D|U - D|B|U - M|S|E|L - N - C - A - N - N: directed or undirected demands; directed links, links whose two
directions each get the capacity, or share it; capacity in any number of modules (M, S), by at most one (E), or by the
unit (L); continuous routing over all paths, no hop limits, no survivability.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.reference_text import PERIOD, SLICE, chosen, counted, moment, numbers, places
from capacity.errors import InputError
from capacity.problem import Problem

MODES = {"D": "one_way", "B": "each_way", "U": "shared"}
BUSIER = "(routing cost max of directions)"
"""Suffix of a variant: the routing cost of a link is charged on its busier direction only."""


def flow_tables(demands: pd.DataFrame, apart: bool) -> dict[str, pd.DataFrame]:
    """Tables flows and flow_sinks of demands (source, sink, amount).

    One flow for all that starts at one place; or, `apart`, one for each demand: more columns, and a far stronger
    relaxation where modules are larger than demands (c42.dow: 575,255 against 522,564 of 586,077).
    """
    asked = demands[(demands["amount"] > 0) & (demands["source"] != demands["sink"])]
    sinks = asked.groupby(["source", "sink"], sort=False)[["amount"]].sum().reset_index()
    sinks["flow"] = sinks["source"] + (" -> " + sinks["sink"] if apart else "")
    flows = sinks[["flow", "source"]].drop_duplicates("flow")
    return {"flows": flows.assign(period=PERIOD, slice=SLICE), "flow_sinks": sinks[["flow", "sink", "amount"]]}


# ---- .dow -----------------------------------------------------------------------------------------------------------


def cmnd(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """Fixed-charge network design: each arc bought once or not, flow at a cost per amount."""
    chosen(variant, {"": "cmnd", "cmnd": "cmnd", "cmnd binary arc design, continuous flow": "cmnd"}, "cmnd")
    if capacity is not None:
        raise InputError("--capacity does not apply to cmnd")
    arcs, demands, nodes = read_dow(file, text)
    tables = moment() | flow_tables(demands, apart=True) | {
        "places": places(nodes),
        "links": arcs[["link", "from", "to"]].assign(mode="one_way"),
        "modules": pd.DataFrame({
            "link": arcs["link"], "module": "arc", "period": PERIOD, "capacity": arcs["capacity"], "max": 1.0,
            "objective": arcs["fixed"],
        }),
        "arc_costs": pd.DataFrame({"link": arcs["link"], "period": PERIOD, "objective": arcs["cost"]}),
    }
    return Problem.of(tables, name=file)


def read_dow(file: str, text: str) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """(arcs: link, from, to, cost, capacity, fixed; demands: source, sink, amount; nodes). InputError if malformed."""
    words = text.split()
    start = 0 if words and re.fullmatch(r"\d+", words[0]) else 1
    found = np.array(numbers(file, words[start:]))
    if len(found) < 3:
        raise InputError(f"{file}: it must begin with a title and the number of nodes, arcs and commodities")
    nodes, arcs, commodities = (int(v) for v in found[:3])
    counted(file, found[3:].tolist(), 7 * arcs + 3 * commodities, f"{arcs} arcs, {commodities} commodities")
    links = found[3 : 3 + 7 * arcs].reshape(arcs, 7)
    asked = found[3 + 7 * arcs :].reshape(commodities, 3)
    names = [str(n) for n in range(1, nodes + 1)]

    def name(column: NDArray[np.float64]) -> NDArray[np.object_]:
        return column.astype(int).astype(str).astype(object)

    return (
        pd.DataFrame({
            "link": [f"arc {i + 1}" for i in range(arcs)], "from": name(links[:, 0]), "to": name(links[:, 1]),
            "cost": links[:, 2], "capacity": links[:, 3], "fixed": links[:, 4],
        }),
        pd.DataFrame({"source": name(asked[:, 0]), "sink": name(asked[:, 1]), "amount": asked[:, 2]}),
        names,
    )


# ---- SNDlib ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """What of an SNDlib model's name the planner reads: demand U or D, link U, B or D, capacity M, S, E or L."""

    demand: str
    link: str
    capacity: str
    basis: str


def sndlib(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """SNDlib's network design problem for one of its models; undirected, modular and continuous if none is named."""
    if capacity is not None:
        raise InputError("--capacity does not apply to sndlib")
    model = read_model(variant)
    nodes, links, modules, demands = read_native(file, text)
    if model.demand == "U":
        demands = reoriented(demands)
    tables = moment() | flow_tables(demands, apart=False) | {
        "places": places(nodes),
        "links": links[["link", "from", "to", "existing"]].assign(mode=MODES[model.link]),
        "arc_costs": pd.DataFrame(
            {"link": links["link"], "period": PERIOD, "objective": links["routing"], "basis": model.basis}
        ),
    }
    return Problem.of(tables | _offered(links, modules, demands, model.capacity), name=file)


def _offered(
    links: pd.DataFrame, modules: pd.DataFrame, demands: pd.DataFrame, kind: str
) -> dict[str, pd.DataFrame]:
    """Table modules, and its limits: at most one of a link's modules for capacity E, and exactly one that stands for
    what installed capacity has cost: SNDlib counts that constant in every solution."""
    size = np.where(kind == "L", 1.0, modules["capacity"])
    offered = pd.DataFrame({
        "link": modules["link"], "module": modules["module"], "capacity": size, "integer": kind != "L",
        "objective": modules["price"] / modules["capacity"] if kind == "L" else modules["price"],
        "max": 1.0 if kind == "E" else np.ceil(demands["amount"].sum() / size),
    })
    sunk = links[links["sunk"] != 0]
    installed = pd.DataFrame({
        "link": sunk["link"], "module": "installed", "capacity": 0.0, "integer": False, "objective": sunk["sunk"],
        "max": 1.0,
    })
    tables = {"modules": pd.concat([offered, installed], ignore_index=True).assign(period=PERIOD)}
    bound = pd.concat([offered.assign(sense="<=") if kind == "E" else offered[:0], installed.assign(sense="==")])
    if len(bound):
        bound = bound.assign(limit=bound["sense"] + " 1 on " + bound["link"])
        limits = bound[["limit", "sense"]].drop_duplicates("limit")
        tables["limits"] = limits.assign(topic="modules of a link", rhs=1.0)
        terms = bound[["limit", "link", "module"]].rename(columns={"link": "place", "module": "item"})
        tables["limit_terms"] = terms.assign(variable="modules", period=PERIOD, coefficient=1.0)
    return tables


def read_model(variant: str) -> Model:
    """An SNDlib model's name, such as U-U-M-N-C-A-N-N, and the optional suffix on routing cost. Raises InputError."""
    name = variant.strip() or "U-U-M-N-C-A-N-N"
    basis = "busier" if name.endswith(BUSIER) else "both"
    letters = name.removesuffix(BUSIER).strip().upper().split("-")
    allowed = ["DU", "UBD", "MSEL", "N", "C", "A", "N", "N"]
    asked = ["demands", "links", "link capacity", "fixed charge", "routing", "paths", "hop limit", "survivability"]
    if len(letters) != len(allowed):
        raise InputError(f"--variant {variant!r}: an SNDlib model has eight letters, such as U-U-M-N-C-A-N-N")
    for letter, valid, what in zip(letters, allowed, asked, strict=True):
        if letter not in valid or len(letter) != 1:
            raise InputError(f"--variant {variant!r}: {what} {letter!r} is not offered; allowed: {', '.join(valid)}")
    if letters[0] == "U" and letters[1] != "U":
        raise InputError(f"--variant {variant!r}: undirected demands need undirected links, U-U")
    return Model(letters[0], letters[1], letters[2], basis)


NUMBER = r"[-+0-9.eE]+"
NODE = re.compile(rf"^\s*(\S+)\s*(?:\(\s*{NUMBER}\s+{NUMBER}\s*\))?\s*$")
LINK = re.compile(
    rf"^\s*(\S+)\s*\(\s*(\S+)\s+(\S+)\s*\)\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s*\(([^)]*)\)\s*$"
)
DEMAND = re.compile(rf"^\s*(\S+)\s*\(\s*(\S+)\s+(\S+)\s*\)\s+({NUMBER})\s+({NUMBER})(?:\s+(\S+))?\s*$")


def read_native(file: str, text: str) -> tuple[list[str], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(nodes; links: link, from, to, existing, sunk, routing; modules: link, module, capacity, price; demands)."""
    nodes = [found[0] for found in _section(file, text, "NODES", NODE)]
    links, modules = [], []
    for name, start, end, existing, sunk, routing, _, offered in _section(file, text, "LINKS", LINK):
        links.append((name, start, end, *numbers(file, (existing, sunk, routing))))
        figures = numbers(file, offered.split())
        if len(figures) % 2:
            raise InputError(f"{file}: link {name!r}: modules are pairs of a capacity and a cost")
        pairs = enumerate(zip(figures[::2], figures[1::2], strict=True), start=1)
        modules += [(name, f"{size:g} #{n}", size, price) for n, (size, price) in pairs if size > 0]
    demands = [
        (start, end, float(unit) * float(value))
        for _, start, end, unit, value, _ in _section(file, text, "DEMANDS", DEMAND)
    ]
    return (
        nodes, pd.DataFrame(links, columns=["link", "from", "to", "existing", "sunk", "routing"]),
        pd.DataFrame(modules, columns=["link", "module", "capacity", "price"]),
        pd.DataFrame(demands, columns=["source", "sink", "amount"]),
    )


def _section(file: str, text: str, name: str, pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    """The matched lines of `NAME ( ... )`. Raises InputError naming the first line that does not fit."""
    lines = text.splitlines()
    begun = [i for i, line in enumerate(lines) if re.match(rf"^\s*{name}\s*\(\s*$", line)]
    if not begun:
        raise InputError(f"{file}: section {name} is missing; is this SNDlib's native format?")
    out: list[tuple[str, ...]] = []
    for at in range(begun[0] + 1, len(lines)):
        line = lines[at].split("#")[0]
        if line.strip() == ")":
            return out
        if line.strip():
            found = pattern.match(line)
            if found is None:
                raise InputError(f"{file}: line {at + 1} is no line of {name}: {lines[at].strip()!r}")
            out.append(found.groups())
    raise InputError(f"{file}: section {name} does not end with a line of one ')'")


def reoriented(demands: pd.DataFrame) -> pd.DataFrame:
    """Undirected demands turned so that few places are sources: the place of most open demands takes all of them."""
    left = [(a, b, amount) for a, b, amount in demands.itertuples(index=False)]
    out = []
    while left:
        count = Counter(end for a, b, _ in left for end in (a, b))
        hub = max(count, key=lambda place: (count[place], place))
        out += [(hub, b if a == hub else a, amount) for a, b, amount in left if hub in (a, b)]
        left = [d for d in left if hub not in d[:2]]
    return pd.DataFrame(out, columns=["source", "sink", "amount"])
