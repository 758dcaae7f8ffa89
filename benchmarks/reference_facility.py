"""Facility location and p-median instances of the OR-Library as tables of the waist.

A warehouse is a place that must be opened; its capacity is a block without assets; a customer is a demand.
Formats: people.brunel.ac.uk/~mastjjb/jeb/orlib/capinfo.html and pmedinfo.html.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import shortest_path

from benchmarks.reference_text import PERIOD, SLICE, chosen, counted, moment, numbers, places
from capacity.errors import InputError
from capacity.problem import Problem

Floats = NDArray[np.float64]

CAP_VARIANTS = {
    "": "capacitated", "capacitated": "capacitated", "cflp": "capacitated", "multi-source": "capacitated",
    "cflp (multi-source)": "capacitated",
    "uncapacitated": "uncapacitated", "ufl": "uncapacitated", "uflp": "uncapacitated",
    "ufl (ignore capacity)": "uncapacitated",
    "single-source": "single-source", "sscflp": "single-source", "cflp (single-source)": "single-source",
}


@dataclass(frozen=True)
class Warehouses:
    """Capacity and opening cost by warehouse; demand by customer; cost[j, i] of all of customer j from warehouse i."""

    capacity: Floats
    opening: Floats
    demand: Floats
    cost: Floats


def orlib_cap(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """Capacitated, uncapacitated or single-source facility location; `capacity` replaces that of every warehouse."""
    kind = chosen(variant, CAP_VARIANTS, "orlib-cap")
    given = read_cap(file, text, np.inf if kind == "uncapacitated" else capacity)
    sites = [f"W{i + 1}" for i in range(len(given.capacity))]
    tables = moment() | {
        "places": places(sites, ["customers"]),
        "openings": pd.DataFrame({"place": sites, "period": PERIOD, "objective": given.opening}),
    }
    tables |= _customers(given, sites, kind == "single-source")
    if kind != "uncapacitated":
        tables |= _capacities(given, sites)
    return Problem.of(tables, name=file)


def read_cap(file: str, text: str, capacity: float | None) -> Warehouses:
    """The file's numbers. Raises InputError where they are missing, too many, or a capacity is left to the reader."""
    words = text.split()
    if "capacity" in words:
        if capacity is None:
            raise InputError(f"{file}: it leaves the capacity of warehouses open; give --capacity, such as 8000")
        words = [str(capacity) if w == "capacity" else w for w in words]
    found = np.array(numbers(file, words))
    if len(found) < 2:
        raise InputError(f"{file}: it must begin with the number of warehouses and of customers")
    count, customers = int(found[0]), int(found[1])
    counted(file, found[2:].tolist(), 2 * count + customers * (1 + count), f"{count} warehouses, {customers} customers")
    sites = found[2 : 2 + 2 * count].reshape(count, 2)
    rows = found[2 + 2 * count :].reshape(customers, 1 + count)
    limits = sites[:, 0] if capacity is None else np.full(count, float(capacity))
    if (limits < 0).any() or (rows[:, 0] < 0).any():
        raise InputError(f"{file}: a capacity or demand is negative")
    return Warehouses(limits, sites[:, 1], rows[:, 0], rows[:, 1:])


def _customers(given: Warehouses, sites: list[str], single: bool) -> dict[str, pd.DataFrame]:
    """Tables demands and assignments. A customer who asks for nothing still costs: one amount of no weight."""
    names = np.array([f"C{j + 1}" for j in range(len(given.demand))], dtype=object)
    limited = bool(np.isfinite(given.capacity).any())
    amount = np.where(given.demand > 0, given.demand, 1.0) if limited else np.ones(len(names))
    return {
        "demands": pd.DataFrame({
            "demand": names, "place": "customers", "period": PERIOD, "slice": SLICE, "amount": amount,
            "commodity": np.where(given.demand > 0, "goods", "papers"), "must_serve": True, "single_source": single,
        }),
        "assignments": pd.DataFrame({
            "demand": np.repeat(names, len(sites)), "place": np.tile(np.array(sites, dtype=object), len(names)),
            "unit_cost": (given.cost / amount[:, None]).ravel(),
        }),
    }


def _capacities(given: Warehouses, sites: list[str]) -> dict[str, pd.DataFrame]:
    """Tables of one block a warehouse, and the handling of goods that fills it; papers fill nothing."""
    return {
        "blocks": pd.DataFrame(
            {"place": sites, "block": "hall", "resource": "throughput", "capacity": given.capacity}
        ),
        "block_cells": pd.DataFrame({"place": sites, "block": "hall", "period": PERIOD, "max": 1.0}),
        "activities": pd.DataFrame(
            {"activity": ["handle", "file"], "asset": "", "commodity": ["goods", "papers"], "output_per_unit": 1.0}
        ),
        "activity_uses": pd.DataFrame({"activity": ["handle"], "resource": "throughput", "amount": 1.0}),
    }


def orlib_pmed(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """p-median: at most p places open, free of charge; every node is served at the length of its shortest path."""
    chosen(variant, {"": "p-median", "p-median": "p-median"}, "orlib-pmed")
    if capacity is not None:
        raise InputError("--capacity does not apply to orlib-pmed: its medians have no capacity")
    length, count = read_pmed(file, text)
    nodes = [f"N{i + 1}" for i in range(len(length))]
    customer, site = np.nonzero(np.isfinite(length))
    names = np.array(nodes, dtype=object)
    tables = moment() | {
        "places": places(nodes),
        "openings": pd.DataFrame({"place": nodes, "period": PERIOD}),
        "demands": pd.DataFrame({
            "demand": nodes, "place": nodes, "commodity": "visit", "period": PERIOD, "slice": SLICE, "amount": 1.0,
            "must_serve": True,
        }),
        "assignments": pd.DataFrame(
            {"demand": names[customer], "place": names[site], "unit_cost": length[customer, site]}
        ),
        "limits": pd.DataFrame({"limit": ["medians"], "topic": "count", "sense": "<=", "rhs": float(count)}),
        "limit_terms": pd.DataFrame(
            {"limit": "medians", "variable": "open", "place": nodes, "period": PERIOD, "coefficient": 1.0}
        ),
    }
    return Problem.of(tables, name=file)


def read_pmed(file: str, text: str) -> tuple[Floats, int]:
    """(length[i, j] of the shortest paths, inf where there is none; p). Of repeated edges the last counts."""
    found = numbers(file, text.split())
    if len(found) < 3:
        raise InputError(f"{file}: it must begin with the number of nodes, of edges, and p")
    nodes, edges, count = (int(v) for v in found[:3])
    counted(file, found[3:], 3 * edges, f"{edges} edges")
    listed = np.array(found[3:]).reshape(edges, 3)
    ends = np.sort(listed[:, :2].astype(int), axis=1) - 1
    if edges and (ends.min() < 0 or ends.max() >= nodes):
        raise InputError(f"{file}: an edge names a node outside 1 .. {nodes}")
    table = pd.DataFrame({"a": ends[:, 0], "b": ends[:, 1], "length": listed[:, 2]})
    table = table.drop_duplicates(["a", "b"], keep="last")
    graph = csr_matrix((table["length"], (table["a"], table["b"])), shape=(nodes, nodes))
    return np.asarray(shortest_path(graph, directed=False)), count
