"""`capacity topology wan SCENARIO`: the candidate links between a scenario's sites."""

from __future__ import annotations

from pathlib import Path


def wan(name: str | None, sets: list[str] | None, draw: Path | None, *, csv: bool, json: bool) -> None:
    """Print the links, or draw them with --draw."""
    from capacity.cli.inputs import question
    from capacity.cli.tables import print_frame
    from capacity.errors import InputError
    from capacity.network.show import link_table

    scenario, catalogue = question(name, sets)
    if draw is not None:
        raise InputError("topology wan: --draw is for fabrics; links between sites are drawn on the page of "
                         "`capacity report`")
    table = link_table(catalogue, list(scenario.sites), scenario.links.neighbours)
    print_frame(table, title=f"candidate links of {scenario.name}", csv=csv, json=json)
