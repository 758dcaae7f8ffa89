"""What each planned loss leaves: accelerators, MW and links that survive, who is served still and from where.

After the loss of links alone everything is served from where it was; after that of sites, by the plan's own recourse
(`still_serve`). Batch work has no slice and waits.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from capacity.plan.columns import THOUSAND, conform
from capacity.plan.quantities import Values, chosen
from capacity.problem import Problem
from capacity.problem.demand import busiest_slices

LOSSES = ("losses", "failover")
"""The plan tables made here."""
CASE = ["case", "year", "slice"]
ROUNDING = 1e-6
"""Relative to what was served of a demand (or to a thousand instances): the solver's."""
SERVED = 1e-9
"""Thousand instances: less is nothing served."""


def loss_tables(problem: Problem, values: Values, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Plan tables `losses` and `failover`, from the plan tables of what is in service; empty without failures."""
    if not len(problem.table("failures")):
        return {name: conform(name, pd.DataFrame()) for name in LOSSES}
    cases, lost = _cases(problem), _lost(problem)
    moved = _service(problem, values, cases)
    each = moved.groupby([*CASE, "demand"], as_index=False)[["before", "asked", "after"]].sum()
    each = each.assign(kept=each["after"] >= each["asked"] - ROUNDING * each["before"].clip(lower=1.0))
    sums = each.groupby(CASE, as_index=False).agg(
        before=("before", "sum"), asked=("asked", "sum"), after=("after", "sum"), kept=("kept", "all"))
    out = cases.merge(sums, on=CASE, how="left").fillna({"before": 0.0, "asked": 0.0, "after": 0.0})
    for column, given in _in_service(tables).items():
        out = out.merge(_left(cases, given, lost["place"], "site", column), on=CASE)
    out = out.merge(_left(cases, _lit(tables), lost["link"], "link", "links_gbps"), on=CASE)
    out = out.assign(
        instances_before=out["before"] * THOUSAND, instances_asked=(out["asked"] * THOUSAND).where(out["planned"]),
        instances_after=(out["after"] * THOUSAND).where(out["planned"]),
        survived=out["planned"] & (out["kept"].eq(True) & (out["before"] > SERVED) | ~out["wanted"]),
    )
    return {"losses": conform("losses", _covered(out)), "failover": _failover(problem, moved, lost["place"])}


def _cases(problem: Problem) -> pd.DataFrame:
    """(case, kind, lost, year, slice, keep, relocates, planned, wanted): every loss in every year, `wanted` where there
    is demand; a year in which it is not planned for has the slice that asks for most."""
    table = problem.table("failures").rename(columns={"period": "year"})
    known = table.groupby("case", sort=False).agg(
        kind=("kind", lambda k: " and ".join(dict.fromkeys(k))),
        lost=("element", lambda e: ", ".join(dict.fromkeys(e))),
        relocates=("kind", lambda k: bool((k == "place").any()))).reset_index()
    planned = table.groupby(CASE, as_index=False, sort=False).agg(keep=("keep", "min"))
    busy = busiest_slices(problem.table("demands")).rename(columns={"slice": "busiest"})
    years = problem.table("periods")[["period"]].merge(busy, on="period", how="left").rename(columns={"period": "year"})
    out = known.merge(years, how="cross").merge(planned, on=["case", "year"], how="left")
    return out.assign(planned=out["slice"].notna(), slice=out["slice"].fillna(out["busiest"]).fillna(""),
                      kind=out["kind"].str.replace("place", "site"), wanted=out["busiest"].notna())


def _lost(problem: Problem) -> dict[str, pd.DataFrame]:
    """(case, what) of lost places and of lost links, those of lost places among them."""
    table = problem.table("failures")[["case", "kind", "element"]].drop_duplicates()
    places = table[table["kind"] == "place"].rename(columns={"element": "site"})[["case", "site"]]
    links = table[table["kind"] == "link"].rename(columns={"element": "link"})[["case", "link"]]
    ends = problem.table("links")[["link", "from", "to"]].melt("link", value_name="site")[["link", "site"]]
    through = places.merge(ends, on="site")[["case", "link"]]
    return {"place": places, "link": pd.concat([links, through]).drop_duplicates()}


def _service(problem: Problem, values: Values, cases: pd.DataFrame) -> pd.DataFrame:
    """(case, year, slice, demand, commodity, site, before, asked, after): thousand instances of each demand at a site.
    """
    demands = problem.table("demands")[["demand", "commodity", "period", "slice"]].rename(columns={"period": "year"})
    serve = chosen(values, "serve").merge(demands, on="demand")
    was = cases.merge(serve.rename(columns={"value": "before"}), on=CASE[1:])
    own = problem.table("keeps").rename(columns={"keep": "own"})
    was = was.merge(own, on=["case", "commodity"], how="left")
    was = was.assign(asked=was["before"] * was["own"].fillna(was["keep"]).fillna(0.0),
                     after=was["before"].where(~was["relocates"], 0.0))
    still = chosen(values, "still_serve").merge(demands, on="demand")
    still = cases[cases["relocates"]].merge(still.rename(columns={"value": "after"}), on=CASE)
    both = pd.concat([was, still.assign(before=0.0, asked=0.0)]) if len(still) else was
    keys = [*CASE, "planned", "relocates", "demand", "commodity", "place"]
    both = both.groupby(keys, as_index=False)[["before", "asked", "after"]].sum()
    return both.rename(columns={"place": "site"})


def _in_service(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """(site, year, amount) of accelerators, rented and reserved ones included, and of facility MW."""
    terms = tables["reservations"]
    years = tables["schedule"][["year"]].merge(terms.rename(columns={"year": "since"}), how="cross")
    terms = years[(years["since"] <= years["year"]) & (years["year"] <= years["last"])]
    columns = ["site", "year", "accelerators"]
    held = [tables["fleet"][columns], tables["rentals"][columns], terms[columns]]
    chips = pd.concat([part for part in held if len(part)] or held[:1])
    return {
        "accelerators": chips.rename(columns={"accelerators": "amount"}),
        "facility_mw": tables["power"][["site", "year", "facility_mw"]].rename(columns={"facility_mw": "amount"}),
    }


def _lit(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return tables["links"][["link", "year", "gbps"]].rename(columns={"gbps": "amount"})


def _left(cases: pd.DataFrame, given: pd.DataFrame, lost: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    """(case, year, slice, `column`, `column`_left): all there is in a year, and what of it is at no lost element."""
    each = cases[CASE].merge(given, on="year").merge(lost, on=["case", by], how="left", indicator="gone")
    each = each.assign(left=each["amount"].where(each["gone"] == "left_only", 0.0))
    total = each.groupby(CASE, as_index=False)[["amount", "left"]].sum()
    out = cases[CASE].merge(total, on=CASE, how="left").fillna({"amount": 0.0, "left": 0.0})
    return out.rename(columns={"amount": column, "left": f"{column}_left"})


def _covered(rows: pd.DataFrame) -> pd.DataFrame:
    """With `covered_from`: the first year from which a loss is survived in every year to the last; 0 for none."""
    whole = rows.groupby(["case", "year"], as_index=False)[["survived"]].all()
    until = whole[::-1].groupby("case")["survived"].cummin()[::-1]
    first = whole[until].groupby("case")["year"].min().rename("covered_from")
    rows = rows.merge(first.reset_index(), on="case", how="left").fillna({"covered_from": 0.0})
    return rows.assign(covered_from=rows["covered_from"].astype(int)).sort_values([*CASE[1:], "case"])


def _failover(problem: Problem, moved: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """Plan table `failover`: classes whose sites change, where that is planned."""
    rows = moved[moved["planned"] & moved["relocates"]]
    rows = rows.groupby([*CASE, "commodity", "site"], as_index=False)[["before", "after"]].sum()
    rows = rows[(rows["before"] > SERVED) | (rows["after"] > SERVED)]
    rows = rows.merge(lost.assign(lost=True), on=["case", "site"], how="left")
    rows = rows.assign(
        lost=rows["lost"].eq(True), service_class=rows["commodity"], instances_before=rows["before"] * THOUSAND,
        instances_after=rows["after"] * THOUSAND)
    return conform("failover", rows.sort_values(["year", "case", "service_class", "lost", "site"],
                                                ascending=[True, True, True, False, True]))
