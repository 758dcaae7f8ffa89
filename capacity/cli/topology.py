"""`capacity topology`: what a cluster fabric of some size is made of, and what it costs per accelerator."""

from __future__ import annotations

from typing import Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson


def topology(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="A fabric design; none: list them.")] = None,
    size: Annotated[
        list[str] | None, typer.Option("--size", metavar="N", help="Accelerators joined, such as 4096. Repeatable.")
    ] = None,
    accelerator: Annotated[str, typer.Option("--accelerator", "-a", metavar="G", help="What it joins.")] = "h100-sxm",
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """Print switches, cables, optics, hops, bisection, bandwidth, power and price of a fabric."""
    from capacity.catalogue import load_catalogue
    from capacity.cli.tables import print_frame
    from capacity.errors import InputError
    from capacity.network.show import design_table, fabric_table
    from capacity.scenario.units import COUNT, quantity

    cat = load_catalogue()
    if kind is None:
        print_frame(design_table(cat), csv=csv, json=json, widest=70)
        return
    if not size:
        raise InputError("topology: give --size, the number of accelerators joined, such as --size 4096")
    sizes = [int(quantity(text, COUNT, "--size")) for text in size]
    table = fabric_table(cat, [kind], cat.accelerator(accelerator), sizes)
    if csv or json:
        print_frame(table, csv=csv, json=json)
        return
    figures = table.set_index("size").T.rename_axis("figure").reset_index()
    figures.columns = [str(name) for name in figures.columns]
    print_frame(figures, title=f"{kind} joining {accelerator}", all_columns=True)
