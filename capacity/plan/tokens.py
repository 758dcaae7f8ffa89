"""What the service is worth: tokens written, work-years done, and what the same tokens cost at public API prices.

    output tokens  =  sum over classes of  instance-hours served x tokens per instance-hour / equivalence in use
    work-years     =  sum over classes of  instance-hours served x speed / working hours of a year

Tokens per instance-hour of a class: output tokens per human-hour x speed x branches. The equivalence in use is the mean
over the configurations that ran, weighted by what they can make: a variant worth 0.4 writes 2.5 times the tokens.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue, load_catalogue
from capacity.plan.columns import MILLION, PLAN_TABLES, conform, word
from capacity.plan.quantities import Values, chosen, slice_shares
from capacity.plan.service import service_by_slice
from capacity.problem import Problem
from capacity.scenario.schema import Scenario

WORK_HOURS = "work_hours_per_year"
"""The catalogue's constant: hours that one worker works in a year."""


def catalogue_of(scenario: Scenario | None) -> Catalogue:
    """The catalogue a scenario was asked with, its overlays included; ours for a problem made by hand."""
    return load_catalogue(scenario.catalogue if scenario is not None else ())


def constants_used(catalogue: Catalogue) -> pd.DataFrame:
    """Rows of plan table `assumptions`: the constants that turn service into work-years."""
    row = catalogue.row("constants", WORK_HOURS)
    return pd.DataFrame([{
        "what": "working hours of one worker in a year", "value": f"{row['value']:,.0f}", "unit": str(row["unit"]),
        "confidence": str(row["confidence"]), "source": str(row["source"]),
    }])


def worth_by_year(
    problem: Problem, values: Values, scenario: Scenario | None, catalogue: Catalogue
) -> pd.DataFrame:
    """(year, work_years, output_tokens); output tokens are NaN without a scenario, which alone states them."""
    rows = service_by_slice(problem, values)
    rows = rows.assign(hours_served=rows["served"] * rows["hours"] * rows["years"])
    key = ["year", "service_class"]
    rows = rows.groupby([*key, "commodity"], as_index=False)[["hours_served"]].sum()
    classes = {} if scenario is None else scenario.classes
    speed = {name: c.speed for name, c in classes.items()}
    tokens = {name: c.output_tokens * c.speed * c.branches for name, c in classes.items()}
    rows = rows.merge(_equivalence(problem, values), on=["year", "commodity"], how="left")
    worth = rows["equivalence"].fillna(1.0)
    rows = rows.assign(
        work_years=rows["hours_served"] * rows["service_class"].map(speed).fillna(1.0) / catalogue.constant(WORK_HOURS),
        output_tokens=rows["hours_served"] * rows["service_class"].map(tokens).astype(float) / worth,
    )
    return rows.groupby("year", as_index=False)[["work_years", "output_tokens"]].sum(min_count=1)


def _equivalence(problem: Problem, values: Values) -> pd.DataFrame:
    """(year, commodity, equivalence): human-hours per instance-hour of the configurations that ran, as a mean."""
    use = chosen(values, "use").merge(slice_shares(problem), on="slice")
    use = use.merge(problem.table("activities")[["activity", "commodity", "output_per_unit"]], on="activity")
    use = use.merge(word(problem, "serving")[["activity", "equivalence"]], on="activity", how="left")
    made = use["value"] * use["share"] * use["output_per_unit"]
    use = use.assign(made=made, raw=made / use["equivalence"].fillna(1.0)).rename(columns={"period": "year"})
    sums = use.groupby(["year", "commodity"], as_index=False)[["made", "raw"]].sum()
    sums["equivalence"] = sums["made"] / sums["raw"].where(sums["raw"] > 0)
    return sums[["year", "commodity", "equivalence"]]


def token_prices(scenario: Scenario | None, catalogue: Catalogue) -> pd.DataFrame:
    """Plan table `token_prices`: what the tokens of one instance-hour of each class cost at public API prices.

    Of each provider the newest prices known by the first year; where all are newer, its oldest inside the horizon.
    Cached input costs as fresh where it is not sold apart. No provider's model is said to be worth as much as ours.
    """
    if scenario is None:
        return conform("token_prices", pd.DataFrame(columns=list(PLAN_TABLES["token_prices"])))
    prices = _of_the_time(catalogue.table("token_prices"), scenario.years.first, scenario.years.last)
    cached = prices["cached_input_usd_per_mtok"].fillna(prices["input_usd_per_mtok"])
    classes = pd.DataFrame([
        (name, c.output_tokens * c.branches * c.speed, c.fresh_input_tokens * c.speed, c.cached_input_tokens * c.speed)
        for name, c in scenario.classes.items()
    ], columns=["service_class", "output", "fresh", "cached"])
    both = classes.merge(prices.assign(cached_input_usd_per_mtok=cached), how="cross")
    hour = (
        both["output"] * both["output_usd_per_mtok"] + both["fresh"] * both["input_usd_per_mtok"]
        + both["cached"] * both["cached_input_usd_per_mtok"]
    ) / MILLION
    both = both.assign(usd_per_instance_hour=hour, usd_per_million_output_tokens=hour / both["output"] * MILLION)
    return conform("token_prices", both.sort_values(["service_class", "usd_per_instance_hour"]))


def _of_the_time(prices: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    dated = prices.assign(year=prices["as_of"].astype(str).str[:4].astype(int))
    known = dated[dated["year"] <= first]
    newest = known[known["as_of"] == known.groupby("provider")["as_of"].transform("max")]
    later = dated[(dated["year"] <= last) & ~dated["provider"].isin(known["provider"])]
    oldest = later[later["as_of"] == later.groupby("provider")["as_of"].transform("min")]
    return pd.concat([newest, oldest])


def cost_per_million(annual_cost_usd: pd.Series, output_tokens: pd.Series) -> pd.Series:
    """USD per million output tokens; NaN where none are written or known."""
    return annual_cost_usd / output_tokens.replace(0.0, np.nan) * MILLION
