"""Money of a plan: nominal cash by year, and what each year's service costs.

Cash is counted where it is paid. The annual cost of a year is what its service costs: the objective of a purchase is
spread over the service years inside the horizon as one equal nominal annuity a,

    a  =  objective / sum_y discount[y]        y: its service years

and what is paid per year of service (energy, rental, upkeep of assets) counts in that year. Annual costs times their
year's discount add up to the cost goal exactly.
"""

from __future__ import annotations

import pandas as pd

from capacity.plan.columns import MILLION, conform
from capacity.plan.quantities import TERM_KEY, Values, as_terms, costs_per_unit, in_service, quantities
from capacity.problem import VARIABLES, Problem

FOREVER = 10**6


def bills(costs: pd.DataFrame, problem: Problem, values: Values) -> pd.DataFrame:
    """COST_COLUMNS of `costs` (money per unit of a variable) times its quantity: money of the waist."""
    paid = costs.merge(quantities(problem, values), on=TERM_KEY)
    paid = paid.assign(cash=paid["cash"] * paid["value"], objective=paid["objective"] * paid["value"])
    return paid.drop(columns="value")


def annual_costs(problem: Problem, paid: pd.DataFrame) -> pd.DataFrame:
    """(year, topic, kind, annual_cost, objective) in money of the waist, from `bills`.

    A purchase's cost charged in one year is spread over its service years; one charged year by year stays there.
    """
    key = [*TERM_KEY, "topic", "kind"]
    owed = paid[paid["objective"] != 0].merge(lives(problem), on=TERM_KEY, how="left")
    lump = (owed.groupby(key)["year"].transform("nunique") == 1) & owed["life"].notna()
    discounts = problem.table("periods")[["period", "discount"]].rename(columns={"period": "in_year"})
    spread = in_service(owed[lump], "period", problem).merge(discounts, on="in_year")
    factors = spread.groupby(key)["discount"].transform("sum")
    spread = spread.assign(annual_cost=spread["objective"] / factors)
    by_year = owed[~lump].rename(columns={"year": "in_year"}).drop(columns="period").merge(discounts, on="in_year")
    by_year = by_year.assign(annual_cost=by_year["objective"] / by_year["discount"])
    columns = ["in_year", "topic", "kind", "annual_cost", "discount"]
    both = pd.concat([f[columns] for f in (spread, by_year) if len(f)] or [spread[columns]])
    both = both.assign(objective=both["annual_cost"] * both["discount"])
    out = both.groupby(["in_year", "topic", "kind"], as_index=False)[["annual_cost", "objective"]].sum()
    return out.rename(columns={"in_year": "year"})


def lives(problem: Problem) -> pd.DataFrame:
    """TERM_KEY and `life` of purchases; what is not in it is paid year by year."""
    blocks = problem.table("block_cells").merge(problem.table("blocks")[["place", "block", "life"]])
    tables = {
        "open": problem.table("openings").assign(life=FOREVER), "built": blocks,
        "bought": problem.table("asset_cells"), "modules": problem.table("modules"),
    }
    parts = [as_terms(name, table, VARIABLES[name])[[*TERM_KEY, "life"]] for name, table in tables.items()]
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def money_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `money`: cash, annual cost and objective by year, topic and kind, in USD."""
    paid = bills(costs_per_unit(problem), problem, values)
    keys = ["year", "topic", "kind"]
    charged = annual_costs(problem, paid).assign(cash=0.0)
    both = pd.concat([paid[[*keys, "cash"]].assign(annual_cost=0.0, objective=0.0), charged])
    both = both.groupby(keys, as_index=False)[["cash", "annual_cost", "objective"]].sum()
    both = both.assign(
        cash_usd=both["cash"] * MILLION,
        annual_cost_usd=both["annual_cost"] * MILLION,
        objective_usd=both["objective"] * MILLION,
    )
    return conform("money", both.sort_values(keys))
