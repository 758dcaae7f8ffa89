"""What the plan is for: the waist's goals in order, and the terms of those it does not know by itself."""

from __future__ import annotations

import pandas as pd

from capacity.problem.world import World
from capacity.scenario.schema import Scenario

CARBON = "carbon"
TERM = ["goal", "variable", "place", "item", "period", "slice", "coefficient"]


def goals(scenario: Scenario) -> pd.DataFrame:
    """Table goals."""
    steps = scenario.goal.steps()
    return pd.DataFrame({
        "order": range(1, len(steps) + 1), "goal": [g for g, _ in steps], "tolerance": [share for _, share in steps],
    })


def carbon_terms(
    world: World, running: pd.DataFrame, power_sources: pd.DataFrame, runs: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Table goal_terms: kilotonnes of CO2 of the power used, where least carbon is a goal.

    By source and hour where power is modelled (`energy.sources`), else by what runs at each site's grid
    (`configurations.running_costs`: tonnes per thousand accelerators in use for a year) and trains there.
    """
    if all(goal != CARBON for goal, _ in world.scenario.goal.steps()):
        return {}
    if len(power_sources):
        terms = power_sources.assign(variable="draw", item=power_sources["source"])
        terms["coefficient"] = terms["hours"] * terms["g_kwh"] / 1e6  # MW for an hour at 1 g/kWh: 1 kg
    else:
        terms = running.merge(world.slices[["slice", "hours"]], how="cross")
        terms = terms.assign(variable="use", item=terms["activity"])
        terms["coefficient"] = terms["tonnes"] / 1e3 * terms["hours"] / float(world.slices["hours"].sum())
        if len(runs):
            trained = runs.groupby(["place", "asset", "run"], as_index=False)[["tonnes"]].sum()
            trained = trained.assign(variable="train", item=trained["asset"], slice=trained["run"], period=0)
            terms = pd.concat([terms, trained.assign(coefficient=trained["tonnes"] / 1e3)])
    return {"goal_terms": terms.assign(goal=CARBON)[TERM].reset_index(drop=True)}
