"""Losses of sites that are planned for, and who may be served from where."""

from __future__ import annotations

from collections.abc import Mapping

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


def nothing_left(world: World, made: Mapping[str, pd.DataFrame], openings: pd.DataFrame) -> pd.DataFrame:
    """Table in words `warnings` (text): losses that leave no site that could be open by then, so that in those years
    nobody may be served. Raises InfeasibleError where all demand must be served."""
    cases = made.get("failures")
    if cases is None or not (asked := _kept_of(world, made, cases)):
        return pd.DataFrame({"text": pd.Series(dtype=object)})
    first = {s.id: world.years[0] for s in world.sites if s.existing_mw > 0}
    first |= {str(p): int(y) for p, y in openings.groupby("place")["period"].min().items()} if len(openings) else {}
    years: dict[tuple[str, ...], dict[str, list[int]]] = {}
    lost = cases[(cases["kind"] == "place") & cases["case"].isin(asked)]
    lost = lost.groupby(["period", "case"])["element"].agg(set).reset_index()
    for year, case, gone in lost.itertuples(index=False, name=None):
        there = tuple(sorted(site for site, since in first.items() if since <= year))
        if there and set(there) <= gone:
            years.setdefault(there, {}).setdefault(str(case), []).append(int(year))
    told = []
    for there, found in years.items():
        when = sorted({year for each in found.values() for year in each})
        one = f"only {there[0]} can be open" if len(there) == 1 else f"only {', '.join(there)} can be open"
        told.append(
            f"{', '.join(found)}: in {', '.join(map(str, when))} {one}, so nothing is left after it and nobody may be "
            f"served in that time; plan for losses from a later year (`resilience.first: {when[-1] + 1}`), or add "
            "sites that may open sooner")
    if told and world.scenario.demand.must_serve:
        raise InfeasibleError(told[0])
    return pd.DataFrame({"text": told}, dtype=object)


def _kept_of(world: World, made: Mapping[str, pd.DataFrame], cases: pd.DataFrame) -> set[str]:
    """Cases of which some class must be served after it."""
    live = [name for name, service in world.scenario.classes.items() if not service.batch]
    grid = cases[["case", "keep"]].drop_duplicates("case").merge(pd.DataFrame({"commodity": live}), how="cross")
    if "keeps" in made:
        own = made["keeps"].rename(columns={"keep": "own"})
        grid = grid.merge(own, on=["case", "commodity"], how="left")
        grid = grid.assign(keep=grid["own"].fillna(grid["keep"]))
    return set(grid.loc[grid["keep"] > 0, "case"])


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
