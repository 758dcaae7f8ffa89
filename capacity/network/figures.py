"""All figures of a fabric at a size, for the screen: what it is made of, costs, carries and bears; by structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from capacity.catalogue.cards import Accelerator
from capacity.catalogue.catalogue import Catalogue
from capacity.errors import InputError
from capacity.network.designs import Choice, FabricDesign, choose, fabric_design
from capacity.network.groups import collective_table
from capacity.network.structure import lay_out_dragonfly, torus_sides
from capacity.network.tolerance import (
    Tolerance,
    clos_tolerance,
    dragonfly_tolerance,
    mesh_tolerance,
    torus_tolerance,
)

MICRO = 1e6
GROUPS = (2, 8, 16, 64, 72, 256, 576, 1024, 4096, 16384, 65536)
"""Group sizes whose collectives are shown unless others are asked for."""


@dataclass(frozen=True)
class Figures:
    """One design at one size: its own figures, what it bears, and the collectives of its groups."""

    design: FabricDesign
    tolerance: Tolerance
    uniform_share: float
    collectives: pd.DataFrame
    """See `groups.collective_table`."""

    def row(self) -> dict[str, object]:
        """One flat row: the fields of FabricDesign (latencies as `alpha_us`), of Tolerance and `uniform_share`."""
        found = asdict(self.design)
        found["alpha_us"] = found.pop("alpha_s") * MICRO
        found["near_alpha_us"] = found.pop("near_alpha_s") * MICRO
        return {**found, "uniform_share": self.uniform_share, **asdict(self.tolerance)}


def fabric_figures(cat: Catalogue, design_id: str, accelerator: Accelerator, size: int,
                   groups: Sequence[int] = GROUPS) -> Figures:
    """Figures of a design for `size` accelerators. Raises InputError as `fabric_design`."""
    choice, fabric = choose(cat, design_id, accelerator, size), fabric_design(cat, design_id, accelerator, size)
    table = collective_table(cat, accelerator, fabric, choice.shape, groups)
    return Figures(fabric, tolerance_of(choice), choice.shape.uniform_share, table)


def tolerance_of(choice: Choice) -> Tolerance:
    """What a design bears; every port's network alike, so a failed switch takes its share of one of them."""
    shape, row = choice.shape, choice.row
    if choice.kind == "torus":
        return torus_tolerance(torus_sides(shape.size, int(row["dimensions"])))
    if choice.kind == "full-mesh":
        return mesh_tolerance(shape.size)
    if choice.kind == "dragonfly-plus":
        found = dragonfly_tolerance(lay_out_dragonfly(shape.size, choice.parts.radix, float(row["oversubscription"])))
    elif choice.kind == "scale-up":
        return clos_tolerance(shape.sides * choice.bundles, shape.size, hosts=False, everywhere=True)
    else:
        hosts = max(int(row["planes"]), int(row["rails"])) > 1
        found = clos_tolerance(shape.sides, shape.size, hosts=hosts)
    if choice.ports == 1:
        return found
    return Tolerance(found.ways, 0.0, 1 - (1 - found.bisection_left) / choice.ports)


def offered_figures(cat: Catalogue, designs: Sequence[str], accelerator: Accelerator, sizes: Sequence[int],
                    groups: Sequence[int] = GROUPS) -> list[Figures | InputError]:
    """Figures of each design and size, or why a design does not hold it.

    Raises InputError for an unknown design, and when there are no figures at all.
    """
    found: list[Figures | InputError] = []
    for design in designs:
        cat.row("fabric_designs", design)
        for size in sizes:
            try:
                found.append(fabric_figures(cat, design, accelerator, size, groups))
            except InputError as error:
                found.append(error)
    if not any(isinstance(one, Figures) for one in found):
        raise next(one for one in found if isinstance(one, InputError))
    return found


def figures_table(cat: Catalogue, designs: Sequence[str], accelerator: Accelerator,
                  sizes: Sequence[int]) -> pd.DataFrame:
    """A row per design and size with `Figures.row`, and `problem`: why a design does not hold a size, else empty.

    Raises InputError as `offered_figures`.
    """
    asked = [(design, size) for design in designs for size in sizes]
    rows = [{**one.row(), "problem": ""} if isinstance(one, Figures)
            else {"design": design, "size": size, "problem": str(one)}
            for (design, size), one in zip(asked, offered_figures(cat, designs, accelerator, sizes, ()), strict=True)]
    return pd.DataFrame(rows)
