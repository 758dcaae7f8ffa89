"""The hours of a plan's day: what runs in each slice, and how batch work fills what others leave."""

from __future__ import annotations

import pandas as pd

from capacity.plan.columns import THOUSAND, conform, word
from capacity.plan.quantities import Values, chosen, tidy
from capacity.problem import Problem


def day_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `day`; accelerators in use, and the instances that they can carry, by class and slice."""
    use = tidy(chosen(values, "use")).merge(problem.table("slices"), on="slice")
    about = problem.table("activities")[["activity", "asset", "commodity", "output_per_unit"]]
    use = use.merge(about[about["asset"] != ""], on="activity").merge(
        word(problem, "serving")[["activity", "service_class"]], on="activity", how="left")
    named = use["service_class"].notna() & (use["service_class"] != "")
    daily = problem.table("demands").loc[problem.by_the_day(), "commodity"]
    use = use.assign(
        service_class=use["service_class"].where(named, use["commodity"]), batch=use["commodity"].isin(daily),
        accelerators_used=use["value"] * THOUSAND, instances=use["value"] * use["output_per_unit"] * THOUSAND,
    ).rename(columns={"period": "year"})
    order = {name: i for i, name in enumerate(problem.table("slices")["slice"])}
    key = ["year", "slice", "hours", "service_class", "batch"]
    out = use.groupby(key, as_index=False)[["accelerators_used", "instances"]].sum()
    out = out.assign(order=out["slice"].map(order)).sort_values(["year", "order", "batch", "service_class"])
    return conform("day", out)
