"""What the values of a solution imply, by joins alone: what is open, what stands, what is lit, what is paid.

These helpers know the meaning of the waist's tables and nothing of the formulation.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from capacity.problem import FLOW_VARIABLES, OPTIONAL_VARIABLES, VARIABLES, Problem

PUBLIC = {**VARIABLES, **OPTIONAL_VARIABLES, **FLOW_VARIABLES}
"""Index columns of every variable that a solution may have."""

Values = Mapping[str, pd.DataFrame]
"""One long table per variable of `problem.VARIABLES`: its index columns and `value`; absent rows are zero."""


TERM_KEY = ["variable", "place", "item", "period", "period2", "slice"]
"""Index of any variable in the columns of `limit_terms`; those it does not use are empty or zero."""
COST_COLUMNS = [*TERM_KEY, "topic", "kind", "year", "cash", "objective"]

TERM_NAMES: dict[str, dict[str, str]] = {
    "open": {"place": "place", "period": "period"},
    "built": {"place": "place", "block": "item", "period": "period"},
    "bought": {"place": "place", "asset": "item", "vintage": "period"},
    "alive": {"place": "place", "asset": "item", "vintage": "period", "period": "period2"},
    "rent": {"place": "place", "asset": "item", "period": "period"},
    "use": {"place": "place", "activity": "item", "period": "period", "slice": "slice"},
    "serve": {"demand": "place", "place": "item"},
    "short": {"demand": "place"},
    "modules": {"link": "place", "module": "item", "period": "period"},
    "held": {"place": "place", "period": "period"},
    "given_up": {"place": "place", "period": "period"},
    "kept": {"place": "place", "block": "item", "period": "period"},
    "reserve": {"place": "place", "asset": "item", "contract": "slice", "period": "period"},
    "ordered": {"order": "place"},
    "draw": {"place": "place", "source": "item", "period": "period", "slice": "slice"},
    "charge": {"place": "place", "store": "item", "period": "period", "slice": "slice"},
    "discharge": {"place": "place", "store": "item", "period": "period", "slice": "slice"},
    "moved": {"commodity": "item", "place": "place", "period": "period"},
    "train": {"place": "place", "asset": "item", "run": "slice"},
    "flow": {"flow": "place", "link": "item", "toward": "slice"},
    "busier": {"link": "place", "period": "period", "slice": "slice"},
}
"""For each variable that a limit or a cost may speak of, which index column stands in which column of TERM_KEY."""


def chosen(values: Values, name: str) -> pd.DataFrame:
    """Index columns and `value` of one variable; empty when the solution has none."""
    columns = [*PUBLIC[name], "value"]
    given = values.get(name)
    if given is None or not len(given):
        ints = {"period", "vintage"}
        kinds = {c: "float64" if c == "value" else "int64" if c in ints else "object" for c in columns}
        return pd.DataFrame({c: pd.Series([], dtype=k) for c, k in kinds.items()})
    frame = given[columns].reset_index(drop=True)
    texts = [c for c in columns if c not in {"period", "vintage", "value"}]
    return frame.astype(dict.fromkeys(texts, object))


def slice_shares(problem: Problem) -> pd.DataFrame:
    """(slice, hours in a year, share of the year's hours that slices cover)."""
    slices = problem.table("slices")[["slice", "hours"]]
    return slices.assign(share=slices["hours"] / max(float(slices["hours"].sum()), 1e-300))


def times_asked(problem: Problem) -> pd.DataFrame:
    """`slice_shares`, and a row for what is asked for by the day (an empty slice): all hours."""
    slices = slice_shares(problem)
    whole = pd.DataFrame({"slice": [""], "hours": [float(slices["hours"].sum())], "share": [1.0]})
    return pd.concat([slices, whole], ignore_index=True)


def in_service(cells: pd.DataFrame, start: str, problem: Problem) -> pd.DataFrame:
    """Each row of `cells` (with `start` and `life`) once for every period it is in service, in column `in_year`."""
    periods = problem.table("periods")[["period"]].rename(columns={"period": "in_year"})
    both = cells.merge(periods, how="cross")
    return both[(both[start] <= both["in_year"]) & (both["in_year"] < both[start] + both["life"])]


def opened(problem: Problem, values: Values) -> pd.DataFrame:
    """(place, period, opened): share of each place that is open; 1 for places that need no opening."""
    grid = problem.table("places")[["place"]].merge(problem.table("periods")[["period"]], how="cross")
    opens = chosen(values, "open").rename(columns={"period": "since"})
    both = grid.merge(opens, on="place")
    total = both[both["since"] <= both["period"]].groupby(["place", "period"], as_index=False)[["value"]].sum()
    grid = grid.merge(total, on=["place", "period"], how="left")
    needs = grid["place"].isin(problem.table("openings")["place"])
    return grid.assign(opened=grid["value"].fillna(0.0).where(needs, 1.0))[["place", "period", "opened"]]


def blocks_standing(problem: Problem, values: Values) -> pd.DataFrame:
    """(place, block, resource, period, blocks, amount): blocks in service, existing ones included."""
    blocks = problem.table("blocks")
    built = chosen(values, "built").merge(blocks[["place", "block", "life"]], on=["place", "block"])
    standing = in_service(built, "period", problem)
    total = standing.groupby(["place", "block", "in_year"], as_index=False)[["value"]].sum()
    keep = blocks[["place", "block", "resource", "capacity", "existing"]]
    grid = keep.merge(problem.table("periods")[["period"]], how="cross")
    grid = grid.merge(total.rename(columns={"in_year": "period"}), on=["place", "block", "period"], how="left")
    count = grid["existing"] + grid["value"].fillna(0.0)
    out = grid.assign(blocks=count, amount=count * grid["capacity"])
    return out[["place", "block", "resource", "period", "blocks", "amount"]]


def halls_standing(problem: Problem, values: Values) -> pd.DataFrame:
    """`blocks_standing` of those that assets or activities stand and run in: no generators, no batteries."""
    users = pd.concat([problem.table("asset_uses")["resource"], problem.table("activity_uses")["resource"]])
    standing = blocks_standing(problem, values)
    return standing[standing["resource"].isin(users)] if len(users) else standing


def power_uses(problem: Problem) -> pd.DataFrame:
    """(asset, amount): what a unit takes of the resources that blocks are counted in, each unit of power once."""
    uses = problem.table("asset_uses")
    counted = uses[uses["resource"].isin(problem.table("blocks")["resource"])] if len(problem.table("blocks")) else uses
    return counted.groupby("asset", as_index=False)[["amount"]].sum()


def blocks_in_use(problem: Problem, values: Values) -> pd.DataFrame:
    """`blocks_standing`, less what a place that may be given up does not keep."""
    standing = blocks_standing(problem, values)
    may_close = standing["place"].isin(problem.table("holdings")["place"])
    if not may_close.any():
        return standing
    kept = standing[["place", "block", "period"]].merge(
        chosen(values, "kept"), on=["place", "block", "period"], how="left"
    )["value"].fillna(0.0)
    each = standing[["place", "block"]].merge(problem.table("blocks"), on=["place", "block"], how="left")["capacity"]
    amount = kept * each
    return standing.assign(
        blocks=standing["blocks"].where(~may_close, kept), amount=standing["amount"].where(~may_close, amount)
    )


def provided(problem: Problem, values: Values) -> pd.DataFrame:
    """(place, resource, period, amount): what blocks in use provide, of their own resource and of further ones."""
    used = blocks_in_use(problem, values)
    more = used.drop(columns=["resource", "amount"]).merge(problem.table("block_resources"), on=["place", "block"])
    more = more.assign(amount=more["amount"] * more["blocks"])
    columns = ["place", "resource", "period", "amount"]
    both = pd.concat([used[columns], more[columns]]) if len(more) else used[columns]
    return both.groupby(columns[:3], as_index=False)[["amount"]].sum()


def links_lit(problem: Problem, values: Values) -> pd.DataFrame:
    """(link, period, capacity): data capacity in service, existing included."""
    modules = problem.table("modules")[["link", "module", "period", "capacity", "life"]]
    lit = in_service(chosen(values, "modules").merge(modules, on=["link", "module", "period"]), "period", problem)
    lit = lit.assign(new=lit["value"] * lit["capacity"])
    total = lit.groupby(["link", "in_year"], as_index=False)[["new"]].sum().rename(columns={"in_year": "period"})
    grid = problem.table("links")[["link", "existing"]].merge(problem.table("periods")[["period"]], how="cross")
    grid = grid.merge(total, on=["link", "period"], how="left")
    return grid.assign(capacity=grid["existing"] + grid["new"].fillna(0.0))[["link", "period", "capacity"]]


def costs_per_unit(problem: Problem) -> pd.DataFrame:
    """COST_COLUMNS: what one unit of each variable costs, by topic and year of payment, in money of the waist.

    The Problem's `costs` in the user's words where it has them, else the cost columns of its tables (`table_costs`).
    Costs of serving from a place stand in the waist alone and are added when the words do not speak of them.
    """
    given = problem.words.get("costs")
    own = table_costs(problem)
    if given is None or not len(given):
        return own
    unsaid = own[~own["variable"].isin(given["variable"].unique())]
    return pd.concat([given[COST_COLUMNS], unsaid], ignore_index=True) if len(unsaid) else given[COST_COLUMNS]


def table_costs(problem: Problem) -> pd.DataFrame:
    """COST_COLUMNS from the cost columns of the waist's tables, a topic each; a serve cost's cash is undiscounted.

    Telling and auditing one plan ask for it several times: that of the problem asked about last is kept.
    """
    last = _priced_last.get("it")
    if last is not None and last[0]() is problem:
        return last[1].copy()
    told = _table_costs(problem)
    _priced_last["it"] = weakref.ref(problem), told
    return told.copy()


_priced_last: dict[str, tuple[weakref.ref[Problem], pd.DataFrame]] = {}


def _table_costs(problem: Problem) -> pd.DataFrame:
    slices = slice_shares(problem)
    running = problem.table("activity_costs").merge(slices, how="cross")
    running = running.assign(objective=running["objective"] * running["share"], cash=running["cash"] * running["share"])
    parts = [
        _priced(problem.table("openings"), "open", "opening", "capex"),
        _priced(problem.table("block_cells"), "built", "shell", "capex"),
        _priced(problem.table("asset_cells"), "bought", "accelerators", "capex"),
        _priced(_upkeep_by_vintage(problem), "alive", "upkeep", "opex"),
        _priced(problem.table("rentals"), "rent", "rental", "opex"),
        _priced(running, "use", "energy", "opex"),
        _priced(_serving_costs(problem), "serve", "transit", "opex"),
        _priced(problem.table("modules"), "modules", "links", "capex"),
        *optional_costs(problem), *_carrying(problem),
    ]
    parts = [p for p in parts if len(p)] or parts[:1]
    return pd.concat(parts, ignore_index=True)


def _carrying(problem: Problem) -> list[pd.DataFrame]:
    """What carrying data costs, each slice by its share of the year: every direction pays, or the busier one."""
    arcs = problem.table("arc_costs")
    if not len(arcs):
        return []
    flows = problem.table("flows").merge(slice_shares(problem), on="slice")
    each = flows.merge(arcs[arcs["basis"] == "both"], on="period").assign(paid=lambda t: t["period"])
    links = problem.table("links")[["link", "from", "to"]].melt("link", value_name="toward")[["link", "toward"]]
    each = each.merge(links, on="link").drop(columns=["period", "slice"])
    busier = arcs[arcs["basis"] == "busier"].merge(slice_shares(problem), how="cross")
    parts = []
    for name, table in (("flow", each), ("busier", busier)):
        shared = table.assign(objective=table["objective"] * table["share"], cash=table["cash"] * table["share"])
        parts.append(_priced(shared, name, "carriage", "opex"))
    return parts


def _upkeep_by_vintage(problem: Problem) -> pd.DataFrame:
    cells = ["place", "asset", "vintage", "life"]
    held = pd.concat([problem.table("asset_cells")[cells], problem.table("committed")[cells]])
    held = in_service(held, "vintage", problem).drop_duplicates(["place", "asset", "vintage", "in_year"])
    upkeep = problem.table("upkeep").rename(columns={"period": "in_year"})
    held = held.merge(upkeep, on=["place", "asset", "in_year"]).rename(columns={"in_year": "period"})
    if not len(problem.table("ageing")):
        return held
    factor = at_age(problem, held, "upkeep")
    return held.assign(objective=held["objective"] * factor, cash=held["cash"] * factor)


def at_age(problem: Problem, held: pd.DataFrame, column: str) -> pd.Series:
    """For each row (asset, vintage, period), the share or factor of `ageing` at its age; 1 where none is stated."""
    ages = problem.table("ageing")[["asset", "age", column]].rename(columns={column: "factor"})
    aged = held[["asset"]].assign(age=held["period"] - held["vintage"])
    return aged.merge(ages, on=["asset", "age"], how="left")["factor"].fillna(1.0).set_axis(held.index)


def optional_costs(problem: Problem) -> list[pd.DataFrame]:
    """COST_COLUMNS of tables that a problem need not have; a reservation is paid for in each period of its term."""
    kinds = (
        ("holdings", "held", "holding", "opex"), ("block_upkeep", "kept", "shell upkeep", "opex"),
        ("orders", "ordered", "orders", "capex"), ("sources", "draw", "energy", "opex"),
        ("moves", "moved", "moves", "opex"), ("reservations", "reserve", "reserved", "opex"),
        ("resale", "alive", "resale", "capex"), ("training", "train", "training", "opex"),
        ("sales", "given_up", "site sale", "capex"),
    )
    own = {"moves": _moved, "reservations": _reserved, "resale": _resold, "sales": _proceeds, "training": _trained}
    parts = [
        _priced(own[name](problem) if name in own else problem.table(name), variable, topic, kind)
        for name, variable, topic, kind in kinds if len(problem.table(name))
    ]
    return [part for part in parts if len(part)]


def _moved(problem: Problem) -> pd.DataFrame:
    demands = problem.table("demands")[["demand", "commodity"]]
    served = problem.table("assignments")[["demand", "place"]].merge(demands, on="demand")
    return problem.table("moves").merge(served[["commodity", "place"]].drop_duplicates(), on="commodity")


def reserved_by_year(problem: Problem, values: Values) -> pd.DataFrame:
    """(place, asset, period, reserved): asset amount under contract."""
    terms = problem.table("reservations")[["place", "asset", "contract", "period", "life"]]
    held = chosen(values, "reserve").merge(terms, on=["place", "asset", "contract", "period"])
    held = in_service(held, "period", problem).drop(columns="period").rename(columns={"in_year": "period"})
    total = held.groupby(["place", "asset", "period"], as_index=False)[["value"]].sum()
    return total.rename(columns={"value": "reserved"})


def _trained(problem: Problem) -> pd.DataFrame:
    return problem.table("training").rename(columns={"period": "paid"})


def trained_by_year(problem: Problem, values: Values) -> pd.DataFrame:
    """(place, asset, period, trained): asset amount that training runs hold."""
    both = chosen(values, "train").merge(problem.table("training"), on=["place", "asset", "run"])
    both = both.assign(trained=both["value"] * both["amount"])
    return both.groupby(["place", "asset", "period"], as_index=False)[["trained"]].sum()


def _reserved(problem: Problem) -> pd.DataFrame:
    held = in_service(problem.table("reservations"), "period", problem)
    first = held["in_year"] == held["period"]
    return held.assign(objective=held["objective"].where(first, 0.0), paid=held["in_year"])


def _resold(problem: Problem) -> pd.DataFrame:
    """What leaves before a period is sold in it: proceeds for what served before, less those for what still serves."""
    table = problem.table("resale")
    periods = sorted(problem.table("periods")["period"])
    before = dict(zip(periods[1:], periods[:-1], strict=True))
    sold = table.assign(paid=table["period"])
    left = sold.assign(period=sold["period"].map(before), objective=-sold["objective"], cash=-sold["cash"])
    cells = ["place", "asset", "vintage", "life"]
    lives = pd.concat([problem.table("asset_cells")[cells], problem.table("committed")[cells]])
    stays = sold.merge(lives.groupby(cells[:3], as_index=False)[["life"]].max(), on=cells[:3])
    stays = stays[stays["period"] < stays["vintage"] + stays["life"]]
    return pd.concat([left, stays[left.columns]])


def _proceeds(problem: Problem) -> pd.DataFrame:
    table = problem.table("sales")
    return table.assign(objective=-table["objective"], cash=-table["cash"])


def _serving_costs(problem: Problem) -> pd.DataFrame:
    demands = problem.table("demands")[["demand", "period"]].merge(problem.table("periods"), on="period")
    table = problem.table("assignments").merge(demands, on="demand")
    return table.assign(objective=table["unit_cost"], cash=table["unit_cost"] / table["discount"], paid=table["period"])


def _priced(table: pd.DataFrame, variable: str, topic: str, kind: str) -> pd.DataFrame:
    keys = PUBLIC[variable]
    year = "paid" if "paid" in table else "period" if "period" in table else "vintage"
    priced = table[(table["objective"] != 0) | (table["cash"] != 0)]
    rows = as_terms(variable, priced.assign(year=priced[year]), keys)
    return rows.assign(topic=topic, kind=kind)[COST_COLUMNS]


def as_terms(variable: str, frame: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """`frame` indexed by a variable's own columns, with them renamed to TERM_KEY (as `limit_terms` names them)."""
    named = frame.rename(columns={k: v for k, v in TERM_NAMES[variable].items() if k in keys})
    rest: dict[str, Any] = {c: e for c, e in {"item": "", "period": 0, "period2": 0, "slice": ""}.items()
            if c not in TERM_NAMES[variable].values()}
    return named.assign(variable=variable, **rest)


def quantities(problem: Problem, values: Values) -> pd.DataFrame:
    """TERM_KEY and `value` of every nonzero variable of the solution that costs or limits may speak of."""
    there = [name for name in TERM_NAMES if name in values and len(values[name])] or ["open"]
    parts = [as_terms(name, chosen(values, name), PUBLIC[name]) for name in there]
    return pd.concat(parts, ignore_index=True)[[*TERM_KEY, "value"]]


def tidy(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Solver noise removed for showing: values within 1e-6 of a whole number become it, zeros go."""
    near = frame[column].round()
    value = frame[column].where((frame[column] - near).abs() > 1e-6, near)
    return frame.assign(**{column: value})[np.asarray(value > 1e-6)]
