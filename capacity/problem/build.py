"""Scenario + catalogue -> Problem: the one place where the user's words become the waist's tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue import Catalogue
from capacity.errors import InfeasibleError, InputError
from capacity.network import round_trips
from capacity.problem import places as sites
from capacity.problem import pods as fleet
from capacity.problem.ageing import ageing, resale
from capacity.problem.assumptions import assumptions
from capacity.problem.closing import closing
from capacity.problem.configurations import activities, configurations, nothing_fits, running_costs, shares
from capacity.problem.contracts import Limits, contract_limits, orders, reservations
from capacity.problem.costs import cost_rows, paid_at_milestones
from capacity.problem.demand import assignments, demands, farthest
from capacity.problem.energy import energy, energy_limits
from capacity.problem.estate import site_power_limits, with_estate
from capacity.problem.goals import carbon_terms, goals
from capacity.problem.joint import joint_configurations, with_joint
from capacity.problem.money import discount
from capacity.problem.problem import Problem
from capacity.problem.progress import progressing
from capacity.problem.prune import dominated
from capacity.problem.resilience import losses, nothing_left, sovereign
from capacity.problem.stability import change_limits, moves
from capacity.problem.supply import limits
from capacity.problem.tables import TABLES
from capacity.problem.traffic import openings_offered
from capacity.problem.training import training
from capacity.problem.wan import links
from capacity.problem.world import World
from capacity.scenario.schema import Scenario


def build_problem(scenario: Scenario, catalogue: Catalogue) -> Problem:
    """The planning problem of a scenario, in the units of `tables.UNITS`.

    Raises InputError for contradictions in the scenario, InfeasibleError when no serving configuration exists at all
    (naming why) or a demand that must be served is out of everyone's reach.
    """
    if scenario.futures is not None:
        raise InputError(f"scenario {scenario.name}: it asks for several futures, and a planning problem is of one; "
                         "`capacity solve` and `capacity frontier --goals` plan them together")
    world = World(scenario, catalogue)
    designs = fleet.pods(world)
    tables = sites.places(world)
    more, costs_of_estate = with_estate(world, tables)
    tables |= more
    tables |= fleet.assets(world, designs, tables)
    demand, asked = demands(world)
    if demand.empty:
        raise InputError(f"scenario {scenario.name}: no demand in {scenario.years.first}-{scenario.years.last}")
    offers = _offers(world, designs)
    assigned, trips = assignments(world, demand, offers.serving)
    assigned = sovereign(world, demand, assigned)
    _must_be_reachable(scenario, demand, assigned)
    tables |= {
        "periods": pd.DataFrame({
            "period": world.years, "discount": discount(world.scenario, np.array(world.years, dtype=float)),
        }),
        "slices": world.slices[["slice", "hours"]],
        "activities": offers.activities,
        "needs": offers.needs,
        "activity_costs": offers.costs[["place", "activity", "period", "objective", "cash"]],
        "shares": offers.shares,
        "demands": demand,
        "assignments": assigned,
        "goals": goals(scenario),
    }
    between, link_words = _between_sites(world, demand, offers.serving, offers.joint, tables)
    tables |= between
    options, costs_of_options, power_sources = _options(world, designs, offers.serving, tables)
    tables |= options
    made, costs_of_training, runs = training(world, designs)
    tables |= made
    tables |= carbon_terms(world, offers.costs, power_sources, runs)
    costs = paid_at_milestones(world, pd.concat([
        part for part in (
            cost_rows(world, designs, tables), costs_of_estate, costs_of_options, costs_of_training) if len(part)
    ], ignore_index=True))
    tables |= limits(world, designs, tables, costs, _option_limits(world, designs, tables, power_sources))
    words = {
        "serving": offers.serving,
        "refused": offers.refused,
        "dominated": offers.dominated,
        "demand": asked,
        "links": link_words,
        "costs": costs,
        "trips": trips,
        "energy": offers.costs[["place", "activity", "period", "mwh", "tonnes"]],
        "sources": power_sources,
        "training": runs,
        **_words(world, designs),
        "assumptions": assumptions(world, designs),
    }
    warnings = nothing_left(world, between, tables["openings"])
    words |= {"warnings": warnings} if len(warnings) else {}
    kept = {name: table for name, table in tables.items() if name in TABLES}
    return Problem.of(kept, words, scenario.name)


@dataclass(frozen=True)
class _Offers:
    """What can serve at all: configurations in words, and the waist's tables of those that a plan may want."""

    serving: pd.DataFrame
    refused: pd.DataFrame
    joint: pd.DataFrame
    activities: pd.DataFrame
    needs: pd.DataFrame
    costs: pd.DataFrame
    shares: pd.DataFrame
    dominated: pd.DataFrame


def _offers(world: World, designs: list[fleet.Pod]) -> _Offers:
    """Serving configurations, and what they make, need and cost. Raises InfeasibleError where there is none."""
    trips_s = _round_trips_s(world)
    offered, refused = configurations(world, designs, trips_s)
    joint = joint_configurations(world, designs, offered)
    if offered.empty and joint.empty:
        raise InfeasibleError(nothing_fits(refused))
    plain, offered = len(offered), pd.concat([part for part in (offered, joint) if len(part)], ignore_index=True)
    costs, limits_of_share = running_costs(world, offered), shares(world)
    makers = activities(world, offered, float(trips_s[-1]))
    needless = dominated(makers.iloc[:plain], costs, limits_of_share)
    makers, needs = with_joint(makers, joint)
    makers = makers[~makers["activity"].isin(needless["activity"])]
    costs = costs[costs["activity"].isin(makers["activity"])]
    makers, costs, offered, needs = progressing(world, makers, costs, offered, needs)
    return _Offers(offered, refused, joint, makers, needs[needs["activity"].isin(makers["activity"])], costs,
                   limits_of_share[limits_of_share["group"].isin(makers["group"])], needless)


def _between_sites(
    world: World, demand: pd.DataFrame, offered: pd.DataFrame, joint: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables, links in words): links and their traffic, who may serve whom over them, and the losses to be borne."""
    made, link_words = links(world, demand, tables["assignments"], farthest(world, offered), joint)
    made["assignments"] = sovereign(world, demand, made.get("assignments", tables["assignments"]))
    if "assignment_paths" in made and world.scenario.sovereignty:
        may = made["assignments"][["demand", "place"]]
        made["assignment_paths"] = made["assignment_paths"].merge(may, on=["demand", "place"])
    more = losses(world, demand)
    if more and "failures" in made:
        more["failures"] = pd.concat([made["failures"], more["failures"]], ignore_index=True)
    made |= more
    if "flow_terms" in made:
        made["flow_terms"] = openings_offered(made["flow_terms"], tables["openings"])
    return made, link_words


def _options(
    world: World, designs: list[fleet.Pod], offered: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """(tables, cost rows, power sources in words) of the topics that a scenario need not have."""
    made: dict[str, pd.DataFrame] = {}
    aged = ageing(world, designs)
    if len(aged):
        made["ageing"] = aged
    costs = []
    for more, rows in (
        closing(world, tables), resale(world, designs, tables), reservations(world, designs),
        orders(world, designs, tables), moves(world),
    ):
        made |= more
        costs.append(rows)
    more, rows, words = energy(world, designs, offered, tables)
    return made | more, pd.concat([part for part in (*costs, rows) if len(part)] or [rows]), words


def _option_limits(
    world: World, designs: list[fleet.Pod], tables: dict[str, pd.DataFrame], power_sources: pd.DataFrame
) -> Limits:
    return [
        *site_power_limits(world, tables), *contract_limits(world, designs, tables),
        *change_limits(world, designs, tables), *energy_limits(world, power_sources),
    ]


def _round_trips_s(world: World) -> NDArray[np.float64]:
    """Round trips between regions and sites that occur, ascending."""
    return np.unique(round_trips(world.regions, world.sites, world.catalogue)["rtt_ms"].to_numpy(dtype=float)) / 1000


def _must_be_reachable(scenario: Scenario, demand: pd.DataFrame, assigned: pd.DataFrame) -> None:
    if not scenario.demand.must_serve:
        return
    cut_off = demand[~demand["demand"].isin(assigned["demand"])]
    if len(cut_off):
        row = cut_off.iloc[0]
        raise InfeasibleError(
            f"region {row['place']}, class {row['commodity']}: no site is near enough for its time to first token; "
            "raise ttft or max_rtt, or add a nearer site"
        )


def _words(world: World, designs: list[fleet.Pod]) -> dict[str, pd.DataFrame]:
    pods = pd.DataFrame(
        [
            {
                "pod": p.id,
                "accelerator": p.accelerator.id,
                "name": p.accelerator.name,
                "vendor": p.accelerator.vendor,
                "status": p.accelerator.status,
                "fabric": p.fabric,
                "size": p.size,
                "it_mw": p.it_mw,
                "memory_gb": p.accelerator.memory_gb,
                "price_usd_per_accelerator": p.accelerator.price_usd,
                "fabric_usd_per_accelerator": p.fabric_usd,
                "confidence": p.accelerator.confidence,
            }
            for p in designs
        ]
    )
    places = pd.DataFrame(
        [
            {
                "site": s.id,
                "name": s.name,
                "country": s.country,
                "latitude": s.latitude,
                "longitude": s.longitude,
                "pue": s.pue,
                "pue_peak": s.pue_peak,
                "power_usd_kwh": s.power_usd_kwh,
                "carbon_g_kwh": s.carbon_g_kwh,
                "grid_limit_mw": s.grid_limit_mw,
                "phase_mw": world.scenario.phases.size,
                "confidence": s.confidence,
            }
            for s in world.sites
        ]
    )
    regions = pd.DataFrame(
        [
            {
                "region": r.id,
                "name": r.name,
                "latitude": r.latitude,
                "longitude": r.longitude,
                "wage_usd_h": r.wage_usd_h,
            }
            for r in world.regions
        ]
    )
    return {"pods": pods, "sites": places, "regions": regions, "slices": world.slices}
