"""Decisions taken before: a problem in which what was built, bought and lit in some years is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from capacity.problem import Problem
from capacity.problem.tables import TABLES, VARIABLES

DECISIONS = {"open": "period", "built": "period", "bought": "vintage", "modules": "period"}
"""Variables that commit money, and the index that says when it enters service."""
TERMS = {
    "open": ("place", None, "period"), "built": ("place", "block", "period"), "bought": ("place", "asset", "vintage"),
    "modules": ("link", "module", "period"),
}
"""How `limit_terms` names each: its place, item and period."""
CELLS = {"open": "openings", "built": "block_cells", "bought": "asset_cells", "modules": "modules"}
"""The problem's table of cells in which each may be decided."""


def decisions(values: Mapping[str, pd.DataFrame], when: Callable[[pd.Series], pd.Series]) -> dict[str, pd.DataFrame]:
    """The decisions of a solution whose year passes `when`; tables of `VARIABLES` with zeros left out."""
    out = {}
    for name, year in DECISIONS.items():
        table = values.get(name, pd.DataFrame(columns=[*VARIABLES[name], "value"]))
        out[name] = table[when(table[year])].reset_index(drop=True)
    return out


def settled(problem: Problem, taken: Mapping[str, pd.DataFrame], years: set[int]) -> Problem:
    """The problem with all decisions of `years` as in `taken`: those not in it are not taken.

    One row for each decision taken (at least as much) and one for each variable (no more in all), whose coefficients
    are one: together they leave nothing open. Values of zero or one and whole counts stay as they are.
    """
    limits, terms = [], []
    for name, year in DECISIONS.items():
        place, item, period = TERMS[name]
        table = taken.get(name, pd.DataFrame(columns=[*VARIABLES[name], "value"]))
        table = table[table[year].isin(years)]
        cells = problem.table(CELLS[name])
        cells = cells[cells[period].isin(years)]
        if cells.empty:
            continue
        for at, row in enumerate(table.to_dict("records")):
            label = f"settled {name} {at}"
            limits.append((label, "settled", ">=", float(row["value"]), int(row[year])))
            terms.append((label, name, str(row[place]), str(row[item]) if item else "", int(row[year]), 1.0))
        label = f"settled {name} in all"
        limits.append((label, "settled", "<=", float(table["value"].sum()), 0))
        items = cells[item].map(str) if item else pd.Series("", index=cells.index)
        whole = zip(cells[place].map(str), items, cells[period].map(int), strict=True)
        terms += [(label, name, p, i, y, 1.0) for p, i, y in whole]
    if not limits:
        return problem
    more = {
        "limits": pd.DataFrame(limits, columns=["limit", "topic", "sense", "rhs", "period"]),
        "limit_terms": pd.DataFrame(terms, columns=["limit", "variable", "place", "item", "period", "coefficient"]),
    }
    tables = {name: table for name, table in problem.tables.items() if len(table)}
    for name, rows in more.items():
        rows = rows.copy()
        for column, spec in TABLES[name].columns.items():
            if column not in rows:
                rows[column] = pd.Series([spec.default] * len(rows), dtype=object)
        tables[name] = pd.concat([problem.table(name), rows], ignore_index=True)
    return Problem.of(tables, problem.words, problem.name)
