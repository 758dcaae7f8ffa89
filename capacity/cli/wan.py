"""`capacity topology wan SCENARIO`: the links between its sites, and which of them a plan lights in which year."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from capacity.plan import Plan

COLUMNS = ["link", "route_km", "basis", "medium", "rtt_ms", "usd_per_gbps_year", "existing_gbps", "lead_months"]


def wan(name: str | None, sets: list[str] | None, draw: Path | None, run: str | None = None, *, csv: bool,
        json: bool) -> None:
    """Print the candidate links, or the lit ones of a plan by year; draw either on a map with --draw."""
    from capacity.cli.inputs import question
    from capacity.cli.tables import print_frame
    from capacity.errors import InputError

    plan = _plan(run)
    if plan is not None and name is None and not sets and plan.scenario is not None:
        from capacity.catalogue import load_catalogue

        scenario = plan.scenario
        catalogue = load_catalogue(scenario.catalogue)
    else:
        scenario, catalogue = question(name, sets)
    from capacity.network.links import link_graph
    from capacity.problem.world import World

    if len(scenario.sites) < 2:
        raise InputError(f"scenario {scenario.name}: one site has no links; name at least two")
    graph = link_graph(World(scenario, catalogue).sites, catalogue, scenario.links)
    if draw is not None:
        from capacity.report.wan_map import draw_links

        draw_links(graph, scenario.name, plan, draw)
    table, title = _candidates(graph), f"candidate links of {scenario.name}"
    if plan is not None:
        table, title = lit_by_year(plan), f"Gb/s lit in plan {plan.name}, by year"
    print_frame(table, title=title, csv=csv, json=json, all_columns=True)
    if csv or json:
        return
    import typer

    if plan is not None and (limit := _restriction(plan)) is not None:
        typer.echo(limit)
    if draw is not None:
        typer.echo(f"drawn: {draw}")


def _restriction(plan: Plan) -> str | None:
    """What the limit to the listed ways may cost, in a sentence; worked out now for a plan that did not keep it."""
    from capacity.plan.ways import ways_limit, ways_told

    limit = plan.summary.get("ways") or ways_limit(plan.problem, plan.stages, float(plan.stages["seconds"].sum()))
    return None if limit is None else ways_told(limit)


def _plan(run: str | None) -> Plan | None:
    if run is None:
        return None
    from capacity.plan import load_plan

    return load_plan(run)


def _candidates(graph: object) -> pd.DataFrame:
    import pandas as pd

    rows = [data for _, _, data in graph.edges(data=True)]  # type: ignore[attr-defined]
    return pd.DataFrame(rows)[COLUMNS].sort_values("link", ignore_index=True).round({"route_km": 0, "rtt_ms": 1})


def lit_by_year(plan: Plan) -> pd.DataFrame:
    """A row per link, a column per year: Gb/s in service; 0 where nothing is lit."""
    links = plan.tables["links"]
    wide = links.pivot_table(index="link", columns="year", values="gbps", aggfunc="sum", fill_value=0.0)
    wide.columns = [str(year) for year in wide.columns]
    return wide.reset_index()
