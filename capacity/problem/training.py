"""Training runs: how many accelerators of which kind they hold where and when, what they draw and cost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from capacity.errors import InputError
from capacity.problem.costs import COLUMNS, whole
from capacity.problem.energy import idle_share, modelled
from capacity.problem.money import discount, grown, power_price
from capacity.problem.pods import Pod
from capacity.problem.world import HOURS_PER_YEAR, World
from capacity.scenario.options import TrainingRun

MONTHS = 12


def month_shares(run: TrainingRun) -> dict[int, float]:
    """Year -> share of the year that the run lasts; it begins with the year `begins`."""
    count = math.ceil(run.months / MONTHS - 1e-9)
    return {run.begins + i: min(1.0, run.months / MONTHS - i) for i in range(count)}


def training(world: World, designs: list[Pod]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """(table training, cost rows, runs in the user's words); nothing without runs.

    A run draws its accelerators' nameplate power at mean PUE for its months. Where power is modelled by source the
    sources give it, and its months are averaged over the year; else it is paid at the site's price of the year.
    """
    if not world.scenario.training:
        return {}, pd.DataFrame(columns=COLUMNS), pd.DataFrame()
    table = pd.concat([_rows(world, designs, name, run) for name, run in world.scenario.training.items()],
                      ignore_index=True)
    years = table["period"].to_numpy(dtype=float)
    energy = table["mwh"] * 1e3 * table["usd_kwh"] + table["tonnes"] * world.scenario.money.carbon_price
    table["energy"] = 0.0 if modelled(world) else energy / 1e6
    table["other"] = table["other"] * grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    table["cash"] = table["energy"] + table["other"]
    table["objective"] = table["cash"] * discount(world.scenario, years)
    above = 1 - table["asset"].map(idle_share(world, designs))  # what idles draws already (`idle_draws`)
    table["draw"] = table["mwh"] / HOURS_PER_YEAR * above if modelled(world) else 0.0
    paid = table.assign(variable="train", item=table["asset"], slice=table["run"], period=0, year=table["period"],
                        topic="training", kind="opex")
    made = table[["place", "asset", "run", "period", "amount", "draw", "objective", "cash"]]
    words = table[["place", "asset", "run", "period", "share", "accelerators", "mwh", "tonnes"]]
    return {"training": made}, whole(paid)[COLUMNS], words


def _rows(world: World, designs: list[Pod], name: str, run: TrainingRun) -> pd.DataFrame:
    shares = month_shares(run)
    rows = []
    for kind, count in run.accelerators.items():
        card = world.catalogue.accelerator(kind)
        pods = [pod for pod in designs if pod.accelerator.id == card.id]
        if not pods:
            raise InputError(f"training {name}: accelerator {kind!r} is neither sold, rented nor there already; "
                             "add it under `accelerators`")
        for site in world.sites:
            if run.sites and site.id not in run.sites:
                continue
            price = power_price(world.scenario, site, np.array(list(shares), dtype=float))
            for pod in pods:
                mw = count * pod.accelerator.it_power_w * site.pue / 1e6
                rows += [
                    (site.id, pod.id, name, year, count / 1000 * (1.0 if run.held == "whole years" else share), share,
                     count, mw * share * HOURS_PER_YEAR, mw * share * HOURS_PER_YEAR * site.carbon_g_kwh / 1e3,
                     run.cost / 1e6 * share * MONTHS / run.months, usd)
                    for (year, share), usd in zip(shares.items(), price, strict=True)
                ]
    return pd.DataFrame(rows, columns=["place", "asset", "run", "period", "amount", "share", "accelerators", "mwh",
                                       "tonnes", "other", "usd_kwh"])
