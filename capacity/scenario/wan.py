"""Connections between sites: candidates, prices, routing, survival, and the traffic that may use them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity.scenario.part import Part
from capacity.scenario.units import Dollars, Fraction, GigabitsPerSecond, Hours, Months, Seconds, Years


class LinkRow(Part):
    """One connection between two sites as the user knows it; what is left out is computed as for any other."""

    between: tuple[str, str] = Field(description="the two sites")
    km: float | None = Field(None, gt=0, description="km of fibre along the route")
    rtt: Seconds | None = Field(None, gt=0, description="measured round trip over the link")
    existing: GigabitsPerSecond = Field(0.0, ge=0, description="lit before the first year, at no further cost")
    price: Dollars | None = Field(None, ge=0, description="per Gb/s and year, in the price year")
    lead_time: Months | None = Field(None, ge=0)
    life: Years | None = Field(None, ge=1)
    most: GigabitsPerSecond | None = Field(None, ge=0, description="most that may be lit beside what exists")


class Handoff(Part):
    """Prompts prefilled at one site for answers written at another: KV state moves over the links."""

    within: Seconds = Field(0.03, gt=0, description="longest round trip between the two sites")
    ttft_share: Fraction = Field(0.6, gt=0, lt=1, description="part of the time to first token left to the prefill")
    routes: int = Field(3, ge=1, description="candidate routes for each pair of sites")


class Span(Part):
    """Model copies pipelined over linked sites: each token passes all of them."""

    offer: Literal["when needed", "always", "never"] = Field(
        "when needed", description="when needed: where no copy inside one pod can serve a class"
    )
    sites: int = Field(2, ge=2, le=8, description="sites of one copy")
    within: Seconds = Field(0.02, gt=0, description="longest round trip between two of them")
    routes: int = Field(3, ge=1, description="candidate routes for each pair of sites")


class Hose(Part):
    """Uncertain traffic of one site: any matrix within the totals must fit."""

    out: GigabitsPerSecond = Field(ge=0, description="most that it sends to all others together")
    into: GigabitsPerSecond = Field(ge=0, description="most that it receives")


class Links(Part):
    """Connections between sites that may be lit."""

    include: bool = True
    neighbours: int = Field(4, ge=1, description="candidate links to this many nearest sites")
    module: GigabitsPerSecond = Field(400.0, gt=0)
    life: Years = 5.0
    sync_share: Fraction = Field(0.05, ge=0, description="share of session state mirrored per hour to the "
                                 "nearest site, open or not (a restriction)")
    mirror_in_use: bool = Field(
        False, description="a site serves classes with mirrored state only while the nearest site, which mirrors it, "
        "is in use: the two open together, and no state goes to a site that is closed"
    )
    model_updates_per_year: float = Field(52.0, ge=0)
    update_hours: Hours = Field(2.0, gt=0, description="time in which new weights must reach every site")
    table: list[LinkRow] = Field(default_factory=list, description="links known to the user, in place of computed ones")
    only_table: bool = Field(False, description="no candidates beyond `table`")
    backbone: str | None = Field(
        None, description="candidates along a real backbone of topohub, such as `backbone/world` (extra `networks`)"
    )
    sea_distances: bool = Field(False, description="lengths of submarine links along sea lanes (extra `networks`)")
    modules: list[GigabitsPerSecond] = Field(
        default_factory=list, description="sizes of wave on offer, each at its price per Gb/s; default: `module` alone"
    )
    lead_time: Months = Field(0.0, ge=0, description="from the first year until a new wave carries traffic")
    full_duplex: bool = Field(False, description="each direction has the whole capacity; else both share it")
    routing: Literal["fixed", "free"] = Field(
        "fixed", description="free: weights and mirrored state choose their ways; fixed: one way each"
    )
    user_routes: int = Field(
        0, ge=0, description="ways for users' requests to each site over lit links, beside the public internet"
    )
    handoff: Handoff | None = None
    span: Span = Span()
    survive: Literal["nothing", "any link", "any site", "any link or site"] = Field(
        "nothing", description="losses after which traffic is rerouted; needs `routing: free`"
    )
    survive_share: Fraction = Field(
        1.0, ge=0, description="share of what is served before the loss of a site that is served after it"
    )
    hose: dict[str, Hose] = Field(default_factory=dict, description="site -> uncertain traffic to all other such sites")
