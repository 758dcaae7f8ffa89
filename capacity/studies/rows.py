"""What a study keeps of a plan in one row: its worth, its cost, and what it is made of."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from capacity.plan import Plan

MIX_CHIPS = 4
"""Chips named in a row's mix; the rest are added up."""


def figures(plan: Plan) -> dict[str, Any]:
    """Plain numbers and texts of a plan: goals with bounds and gaps, money, size, sites, chips, first short year.

    Money in million USD; `cost_musd` is the discounted cost of the cost goal, shares are of instance-hours or chips.
    """
    schedule, money = plan.tables["schedule"], plan.tables["money"]
    served, asked = _served(plan)
    short = schedule[schedule["short_share"] > 0.01]
    cash = money.groupby("kind")["cash_usd"].sum() / 1e6
    last = schedule.iloc[-1]
    row: dict[str, Any] = {
        "gap": float(plan.stages["gap"].max()) if len(plan.stages) else None,
        "short_share": 1.0 - served / asked if asked else 0.0,
        "first_short_year": int(short["year"].iloc[0]) if len(short) else None,
        "instances_peak": float(schedule["instances_served"].max()),
        "instances_last": float(last["instances_served"]),
        "cost_musd": float(money["objective_usd"].sum() / 1e6),
        "capex_musd": float(cash.get("capex", 0.0)), "opex_musd": float(cash.get("opex", 0.0)),
        "usd_per_instance_hour": _mean_cost(schedule, plan),
        "usd_per_instance_hour_last": _finite(last["usd_per_instance_hour"]),
        "carbon_kt": float(schedule["carbon_kt"].sum()), "energy_gwh": float(schedule["energy_gwh"].sum()),
        "facility_mw": float(schedule["facility_mw"].max()), "accelerators": float(schedule["accelerators"].max()),
        "sites": len(sites_used(plan)), "site_names": ", ".join(sorted(sites_used(plan))), "mix": _mix(plan),
    }
    for stage in plan.stages.to_dict("records"):
        row |= {f"{stage['goal']}_{k}": _finite(stage[k]) for k in ("objective", "bound", "gap")}
    return row


def _served(plan: Plan) -> tuple[float, float]:
    served = plan.tables["served"]
    return float(served["instance_hours_served"].sum()), float(served["instance_hours_demanded"].sum())


def _mean_cost(schedule: pd.DataFrame, plan: Plan) -> float | None:
    hours = plan.tables["served"]["instance_hours_served"].sum()
    return float(schedule["annual_cost_usd"].sum() / hours) if hours > 0 else None


def sites_used(plan: Plan) -> set[str]:
    """Sites at which phases stand or pods serve in any year."""
    built = plan.tables["phases"]
    fleet = plan.tables["fleet"]
    return set(built.loc[built["built"] > 0, "site"]) | set(fleet.loc[fleet["accelerators"] > 0, "site"])


def chip_shares(plan: Plan) -> pd.Series:
    """Share of each accelerator in the accelerator-years in service, largest first."""
    total = plan.tables["fleet"].groupby("accelerator")["accelerators"].sum()
    total = total.add(plan.tables["rentals"].groupby("accelerator")["accelerators"].sum(), fill_value=0.0)
    total = total[total > 0].sort_values(ascending=False)
    return total / total.sum() if len(total) else total


def _mix(plan: Plan) -> str:
    shares = chip_shares(plan)
    told = {str(k): round(float(v), 4) for k, v in shares.head(MIX_CHIPS).items()}
    if len(shares) > MIX_CHIPS:
        told["others"] = round(float(shares.iloc[MIX_CHIPS:].sum()), 4)
    return json.dumps(told)


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
