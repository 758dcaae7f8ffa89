"""A planning problem as plain numeric tables: checked once, then immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from capacity.errors import InputError, nearest
from capacity.problem.tables import TABLES, Column, Table

REFERENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "openings": (("place", "places.place"), ("period", "periods.period")),
    "blocks": (("place", "places.place"),),
    "block_cells": (("place", "places.place"), ("period", "periods.period")),
    "asset_cells": (("place", "places.place"), ("asset", "assets.asset"), ("vintage", "periods.period")),
    "committed": (("place", "places.place"), ("asset", "assets.asset")),
    "upkeep": (("place", "places.place"), ("asset", "assets.asset"), ("period", "periods.period")),
    "asset_uses": (("asset", "assets.asset"),),
    "rentals": (("place", "places.place"), ("asset", "assets.asset"), ("period", "periods.period")),
    "activities": (("asset", "assets.asset"),),
    "activity_uses": (("activity", "activities.activity"),),
    "activity_costs": (
        ("place", "places.place"), ("activity", "activities.activity"), ("period", "periods.period"),
    ),
    "demands": (("place", "places.place"), ("period", "periods.period"), ("slice", "slices.slice")),
    "assignments": (("demand", "demands.demand"), ("place", "places.place")),
    "links": (("from", "places.place"), ("to", "places.place")),
    "modules": (("link", "links.link"), ("period", "periods.period")),
    "serve_loads": (("link", "links.link"), ("demand", "demands.demand"), ("place", "places.place")),
    "open_loads": (("link", "links.link"), ("place", "places.place"), ("period", "periods.period")),
    "flows": (("source", "places.place"), ("period", "periods.period"), ("slice", "slices.slice")),
    "flow_sinks": (("flow", "flows.flow"), ("sink", "places.place")),
    "arc_costs": (("link", "links.link"), ("period", "periods.period")),
    "limit_terms": (("limit", "limits.limit"),),
    "flow_terms": (("flow", "flows.flow"), ("sink", "places.place")),
    "paths": (("from", "places.place"), ("to", "places.place")),
    "path_links": (("path", "paths.path"), ("link", "links.link"), ("toward", "places.place")),
    "assignment_paths": (("demand", "demands.demand"), ("place", "places.place"), ("path", "paths.path")),
    "needs": (("activity", "activities.activity"),),
    "shipments": (("path", "paths.path"),),
    "hoses": (("place", "places.place"), ("period", "periods.period"), ("slice", "slices.slice")),
    "failures": (("period", "periods.period"), ("slice", "slices.slice")),
    "block_resources": (("place", "places.place"),),
    "holdings": (("place", "places.place"), ("period", "periods.period")),
    "sales": (("place", "places.place"), ("period", "periods.period")),
    "block_upkeep": (("place", "places.place"), ("period", "periods.period")),
    "ageing": (("asset", "assets.asset"),),
    "resale": (("place", "places.place"), ("asset", "assets.asset"), ("period", "periods.period")),
    "reservations": (("place", "places.place"), ("asset", "assets.asset"), ("period", "periods.period")),
    "order_terms": (("order", "orders.order"),),
    "sources": (("place", "places.place"), ("period", "periods.period"), ("slice", "slices.slice")),
    "source_blocks": (("place", "places.place"),),
    "draws": (("place", "places.place"), ("activity", "activities.activity"), ("period", "periods.period")),
    "block_draws": (("place", "places.place"),),
    "idle_draws": (("place", "places.place"), ("asset", "assets.asset")),
    "stores": (("place", "places.place"),),
    "companions": (("place", "places.place"), ("companion", "places.place")),
    "moves": (("period", "periods.period"),),
    "training": (("place", "places.place"), ("asset", "assets.asset"), ("period", "periods.period")),
}
"""Columns that must name a row of another table."""

MAY_BE_EMPTY = {("activities", "asset"), ("demands", "slice")}
"""References that may be left empty."""


@dataclass(frozen=True)
class Problem:
    """Tables at the waist (`tables.TABLES`) and, beside them, tables in the user's words for reports.

    Build it with `Problem.of(...)`, which fills defaults, fixes types and checks keys, ranges and references.
    """

    tables: Mapping[str, pd.DataFrame]
    words: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    name: str = ""

    @classmethod
    def of(
        cls,
        tables: Mapping[str, pd.DataFrame],
        words: Mapping[str, pd.DataFrame] | None = None,
        name: str = "",
    ) -> Problem:
        """Check and complete tables. Raises InputError naming table, column and row."""
        for given in tables:
            if given not in TABLES:
                hint = nearest(given, list(TABLES))
                meant = f"; did you mean {hint!r}?" if hint else ""
                raise InputError(f"no table {given!r} in a planning problem{meant}")
        whole = {name_: _complete(name_, TABLES[name_], tables.get(name_)) for name_ in TABLES}
        _check_references(whole)
        return cls(whole, dict(words or {}), name)

    def table(self, name: str) -> pd.DataFrame:
        """One table; empty with its columns when the problem does not use it."""
        return self.tables[name]

    def by_the_day(self) -> pd.Series:
        """Mask of the demands that are asked for by the day, made in any of its slices."""
        return self.table("demands")["slice"] == ""

    def size(self) -> dict[str, int]:
        """Rows by table, empty ones left out."""
        return {name: len(table) for name, table in self.tables.items() if len(table)}


def _complete(name: str, table: Table, given: pd.DataFrame | None) -> pd.DataFrame:
    if given is None:
        return _empty(name).copy()
    unknown = [c for c in given.columns if c not in table.columns]
    if unknown:
        hint = nearest(unknown[0], list(table.columns))
        raise InputError(f"table {name}: unknown column {unknown[0]!r}" + (f"; did you mean {hint!r}?" if hint else ""))
    columns = {c: _column(name, c, spec, given) for c, spec in table.columns.items()}
    out = pd.DataFrame(columns)
    twice = out.duplicated(list(table.key))
    if twice.any():
        row = out.loc[twice, list(table.key)].iloc[0].to_dict()
        raise InputError(f"table {name}: row {row} stands twice")
    return out


@cache
def _empty(name: str) -> pd.DataFrame:
    """A table without rows, its columns typed."""
    table = TABLES[name]
    given = pd.DataFrame({c: [] for c in table.columns})
    return pd.DataFrame({c: _column(name, c, spec, given) for c, spec in table.columns.items()})


def _column(name: str, column: str, spec: Column, given: pd.DataFrame) -> pd.Series:
    kinds = {"str": str, "int": np.int64, "float": np.float64, "bool": bool}
    if column not in given.columns:
        if spec.default is None and len(given):
            raise InputError(f"table {name}: column {column!r} ({spec.text}) is missing")
        return pd.Series([spec.default] * len(given), dtype=object if spec.kind == "str" else kinds[spec.kind])
    values = given[column].reset_index(drop=True)
    if values.isna().any():
        raise InputError(f"table {name}: column {column!r}, row {int(values.isna().argmax())}: a value is missing")
    try:
        given_as = values
        values = values.astype(object).map(str) if spec.kind == "str" else values.astype(kinds[spec.kind])
        if spec.kind in ("int", "bool") and not bool((values == given_as).all()):
            raise ValueError(f"{given_as[values != given_as].iloc[0]!r} is given")
    except (TypeError, ValueError) as error:
        raise InputError(f"table {name}: column {column!r} must be {spec.kind}: {error}") from None
    if spec.low is not None and len(values) and bool((values < spec.low).any()):
        at = int((values < spec.low).to_numpy().argmax())
        raise InputError(f"table {name}: column {column!r}, row {at}: {values[at]} is below {spec.low}")
    return values.astype(object) if spec.kind == "str" else values


def _check_references(tables: Mapping[str, pd.DataFrame]) -> None:
    for name, references in REFERENCES.items():
        for column, target in references:
            other, key = target.split(".")
            valid = set(tables[other][key])
            bad = ~tables[name][column].isin(valid | {""} if (name, column) in MAY_BE_EMPTY else valid)
            if bad.any():
                given = tables[name].loc[bad, column].iloc[0]
                hint = nearest(str(given), [str(v) for v in valid])
                near = f"; nearest: {hint!r}" if hint else ""
                raise InputError(f"table {name}: {column} {given!r} is not in table {other}{near}")
