"""A fabric as a picture, drawn by its structure: what repeats is shown a few times and counted, not port by port.

Folded-Clos networks stand in layers (`_layers`), dragonfly+ and meshes in a circle, tori as a grid. matplotlib draws
(the extra `draw`); the file's ending chooses the format.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity.network import draw_layers, draw_rounds
from capacity.network.designs import Choice, FabricDesign
from capacity.network.draw_marks import FAINT, PAPER, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_fabric(choice: Choice, fabric: FabricDesign, accelerator: str, path: Path) -> None:
    """Write the picture of a design. Raises InputError for another format, and where matplotlib is not installed."""
    pyplot = canvas(path)
    figure = pyplot.figure(figsize=(11.0, 6.6), dpi=160, facecolor=PAPER)
    axes = figure.add_axes((0.03, 0.01, 0.94, 0.87))
    axes.set_axis_off()
    _body(axes, choice)
    _head(figure, fabric, accelerator)
    undated = {"metadata": {"Date": None}} if path.suffix.lower() == ".svg" else {}
    figure.savefig(path, facecolor=PAPER, **undated)
    pyplot.close(figure)


def _body(axes: Axes, choice: Choice) -> None:
    if choice.kind == "torus":
        draw_rounds.torus(axes, choice)
    elif choice.kind == "full-mesh":
        draw_rounds.mesh(axes, choice)
    elif choice.kind == "dragonfly-plus":
        draw_rounds.dragonfly(axes, choice)
    else:
        draw_layers.layers(axes, choice)


def _head(figure: Any, fabric: FabricDesign, accelerator: str) -> None:
    many = f" × {fabric.ports} ports, each with a network of its own" if fabric.ports > 1 else ""
    title = f"{fabric.design}: {fabric.size:,} {accelerator} on {fabric.part}{many}"
    made = f"{fabric.switches:,} switches · " if fabric.switches else "no switches · "
    way = "switch" if fabric.switches else "cable"
    way += ("es" if fabric.switches else "s") if fabric.max_hops > 1 else ""
    figure.text(0.03, 0.955, title, fontsize=14, fontweight="bold", va="center")
    figure.text(0.03, 0.912, f"{made}{fabric.cables:,} cables · {fabric.optics:,} optical ends · "
                f"${fabric.price_usd_per_accelerator:,.0f} and {fabric.watts_per_accelerator:,.0f} W an accelerator · "
                f"bisection {fabric.bisection_share:.0%} · {fabric.max_hops} {way} on the way at most", fontsize=9.5,
                color=FAINT, va="center")
