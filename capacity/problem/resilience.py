"""Losses of sites that are planned for, and who may be served from where."""

from __future__ import annotations

import pandas as pd

from capacity.errors import InfeasibleError
from capacity.problem.demand import busiest_slices
from capacity.problem.world import World


def losses(world: World, demand: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables failures and keeps: each site, and each group of sites, lost in the slice of each year that asks for most.

    What a class keeps differs by table `keeps`. Nothing unless the scenario asks for it.
    """
    asked = world.scenario.resilience
    cases = [(f"loss of {site.id}", site.id) for site in world.sites] if asked.any_site else []
    cases += [(f"loss of {name}", site) for name, group in asked.groups.items() for site in dict.fromkeys(group)]
    if not cases:
        return {}
    busy = busiest_slices(demand)
    busy = busy[busy["period"] >= (asked.first or world.years[0])]
    lost = pd.DataFrame(cases, columns=["case", "element"]).assign(kind="place", keep=asked.keep)
    made = {"failures": lost.merge(busy, how="cross")}
    if asked.classes:
        own = pd.DataFrame(list(asked.classes.items()), columns=["commodity", "keep"])
        made["keeps"] = lost[["case"]].drop_duplicates().merge(own, how="cross")
    return made


def sovereign(world: World, demand: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """The assignments that no rule of sovereignty forbids. Raises InfeasibleError where a rule names no site at all."""
    rules = world.scenario.sovereignty
    if not rules:
        return assigned
    rows = assigned.merge(demand[["demand", "commodity"]].assign(region=demand["place"]), on="demand", how="left")
    allowed = pd.Series(True, index=assigned.index)
    for rule in rules:
        own = {site.id for site in world.sites if site.id in rule.sites or site.country in rule.countries}
        if not own:
            raise InfeasibleError(f"sovereignty of {', '.join(rule.regions)}: none of the scenario's sites is in "
                                  f"{', '.join(rule.countries)}; add sites there")
        speaks = rows["region"].isin(rule.regions) & (rows["commodity"].isin(rule.classes) | (not rule.classes))
        allowed &= (~speaks | rows["place"].isin(own)).to_numpy()
    return assigned[allowed].reset_index(drop=True)
