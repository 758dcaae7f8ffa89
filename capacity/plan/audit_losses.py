"""The audit of what a plan tells of losses: its tables `losses` and `failover` against the values of each failure.

Rows as in `audit_rows`, computed from the values alone and not by way of other plan tables.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from capacity.plan.audit_rows import at_most, equal
from capacity.plan.buildout import pod_words
from capacity.plan.columns import THOUSAND
from capacity.plan.quantities import Values, chosen, in_service, links_lit
from capacity.problem import Problem

KEY = ["case", "period", "slice"]


def told_of_losses(problem: Problem, values: Values, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """{topic: rows} of what the plan tables say; empty for a problem without failures."""
    if not len(problem.table("failures")):
        return {}
    told = tables["losses"].rename(columns={"year": "period"})
    moves = tables["failover"].rename(columns={"year": "period", "site": "place", "service_class": "commodity"})
    served = _served(problem, values)
    return {
        "what losses leave": pd.concat([
            _instances(problem, told, served), _stock(problem, values, told), _links(problem, values, told),
            _since(problem, told, served)], ignore_index=True),
        "what fails over": _moves(moves, served),
    }


def _served(problem: Problem, values: Values) -> pd.DataFrame:
    """(case, period, slice, demand, commodity, place, keep, before, after): thousand instances; `keep` is asked of it.
    """
    cases = problem.table("failures").assign(moves=lambda t: t["kind"] == "place").groupby(KEY, as_index=False).agg(
        keep=("keep", "min"), moves=("moves", "max"))
    demands = problem.table("demands")[["demand", "commodity", "period", "slice"]]
    was = chosen(values, "serve").merge(demands, on="demand").merge(cases, on=KEY[1:])
    still = chosen(values, "still_serve").merge(demands, on="demand").merge(cases[cases["moves"]], on=KEY)
    stays = was.assign(value=was["value"].where(~was["moves"], 0.0))
    row = [*KEY, "demand", "commodity", "place", "keep", "moves"]
    parts = [was.assign(before=was["value"], after=0.0), stays.assign(before=0.0, after=stays["value"]),
             still.assign(before=0.0, after=still["value"])]
    out = pd.concat([p[[*row, "before", "after"]] for p in parts]).groupby(row, as_index=False).sum()
    own = problem.table("keeps").rename(columns={"keep": "own"})
    out = out.merge(own, on=["case", "commodity"], how="left")
    return out.assign(keep=out["own"].fillna(out["keep"])).drop(columns="own")


def _instances(problem: Problem, told: pd.DataFrame, served: pd.DataFrame) -> pd.DataFrame:
    """Who is served before and after each loss, and how much was asked."""
    meant = served.assign(asked=served["keep"] * served["before"])
    meant = meant.groupby(KEY, as_index=False)[["before", "asked", "after"]].sum()
    planned = problem.table("failures")[KEY].drop_duplicates().merge(meant, on=KEY, how="left").fillna(0.0)
    both = planned.merge(told, on=KEY, how="left")
    return pd.concat([
        equal(both.assign(what=f"instances {column}"), ["what", *KEY],
              both[f"instances_{column}"].fillna(-1.0), both[column] * THOUSAND)
        for column in ("before", "asked", "after")])


def _lost_places(problem: Problem) -> pd.DataFrame:
    table = problem.table("failures")
    lost = table[table["kind"] == "place"][["case", "element"]].drop_duplicates()
    return lost.rename(columns={"element": "place"})


def _remaining(told: pd.DataFrame, each: pd.DataFrame, lost: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    """The told column against the sum of `amount` (by, period) at what a case does not lose."""
    gone = told[["case"]].drop_duplicates().merge(each[[by]].drop_duplicates(), how="cross")
    gone = gone.merge(lost.drop_duplicates().assign(lost=1.0), on=["case", by], how="left").fillna({"lost": 0.0})
    left = gone[gone["lost"] == 0].merge(each, on=by).groupby(["case", "period"], as_index=False)[["amount"]].sum()
    both = told.merge(left, on=["case", "period"], how="left").fillna({"amount": 0.0})
    return equal(both.assign(what=column), ["what", *KEY], both[column], both["amount"])


def _stock(problem: Problem, values: Values, told: pd.DataFrame) -> pd.DataFrame:
    """Accelerators at the places that are left: owned, rented and reserved."""
    size = pod_words(problem)[["asset", "size"]]
    alive = chosen(values, "alive").merge(size, on="asset")
    terms = problem.table("reservations")[["place", "asset", "contract", "period", "life"]]
    held = in_service(chosen(values, "reserve").merge(terms, on=["place", "asset", "contract", "period"]), "period",
                      problem).drop(columns="period").rename(columns={"in_year": "period"})
    parts = [alive.assign(amount=alive["value"] * alive["size"])]
    parts += [t.assign(amount=t["value"] * THOUSAND) for t in (chosen(values, "rent"), held)]
    each = pd.concat([p[["place", "period", "amount"]] for p in parts if len(p)] or [parts[0]])
    return _remaining(told, each[["place", "period", "amount"]], _lost_places(problem), "place", "accelerators_left")


def _links(problem: Problem, values: Values, told: pd.DataFrame) -> pd.DataFrame:
    """Gb/s lit on the links that are left; a lost place takes its links with it."""
    links, table = problem.table("links"), problem.table("failures")
    of_places = [links.merge(_lost_places(problem).rename(columns={"place": end}), on=end)[["case", "link"]]
                 for end in ("from", "to")]
    own = table[table["kind"] == "link"][["case", "element"]].rename(columns={"element": "link"})
    each = links_lit(problem, values).rename(columns={"capacity": "amount"})
    return _remaining(told, each, pd.concat([own, *of_places]), "link", "links_gbps_left")


def _since(problem: Problem, told: pd.DataFrame, served: pd.DataFrame) -> pd.DataFrame:
    """From the year told on, demand by demand, what is asked after the loss is served, and before it not always."""
    each = served.groupby([*KEY, "demand", "keep"], as_index=False)[["before", "after"]].sum()
    each = each.assign(short=each["keep"] * each["before"] - each["after"])
    each = each.assign(fails=each["short"] > 1e-6 * each["before"].clip(lower=1.0))
    years = each.groupby(["case", "period"], as_index=False).agg(before=("before", "sum"), fails=("fails", "any"))
    cases = problem.table("failures")[["case", "period"]].drop_duplicates()
    all_years = problem.table("periods")[["period"]].merge(told[["case"]].drop_duplicates(), how="cross")
    grid = all_years.merge(cases.assign(planned=True), on=["case", "period"], how="left")
    grid = grid.merge(years, on=["case", "period"], how="left").fillna({"before": 0.0})
    wanted = grid["period"].isin(problem.table("demands").loc[~problem.by_the_day(), "period"])
    bad = grid["planned"].isna() | (wanted & (grid["before"] <= 1e-9)) | grid["fails"].eq(True)
    last = grid[bad].groupby("case")["period"].max()
    follows = grid[["case", "period"]].assign(bad=grid["case"].map(last).fillna(-(10**6)))
    meant = follows[follows["period"] > follows["bad"]].groupby("case")["period"].min()
    rows = told.drop_duplicates("case")
    return equal(rows.assign(what="covered from"), ["what", "case"], rows["covered_from"].astype(float),
                 rows["case"].map(meant).fillna(0.0).astype(float))


def _moves(told: pd.DataFrame, served: pd.DataFrame) -> pd.DataFrame:
    """Each class at each site, before and after; nothing after at a lost one."""
    key = [*KEY, "commodity", "place"]
    meant = served[served["moves"]].groupby(key, as_index=False)[["before", "after"]].sum()
    both = meant.merge(told[[*key, "lost", "instances_before", "instances_after"]], on=key, how="outer")
    both = both.fillna({"before": 0.0, "after": 0.0, "instances_before": 0.0, "instances_after": 0.0})
    parts = [equal(both.assign(what=f"instances {w}"), ["what", *key], both[f"instances_{w}"], both[w] * THOUSAND)
             for w in ("before", "after")]
    gone = both[both["lost"].eq(True)]
    parts.append(at_most(gone.assign(what="at a lost site"), ["what", *key], gone["instances_after"],
                         pd.Series(0.0, index=gone.index)))
    return pd.concat(parts, ignore_index=True)
