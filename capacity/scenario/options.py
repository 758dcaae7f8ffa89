"""Parts that a scenario need not have: kinds of halls, leases, power at sites, contracts, energy by hour, stability.

Each is off unless given; `schema.Scenario` holds them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity.scenario.part import ByYear, Part, Year
from capacity.scenario.units import (
    Count,
    Dollars,
    DollarsPerHour,
    DollarsPerKwh,
    DollarsPerTonne,
    Fraction,
    Growth,
    Hours,
    Megawatts,
    Months,
    Tonnes,
    Years,
)


class Hall(Part):
    """A type of phase, by how dense its racks may be: air-cooled halls take less than liquid-cooled ones."""

    max_rack: Megawatts = Field(gt=0, description="densest rack it takes, such as `40 kW`; NVL72 racks need 130 kW")
    cost_factor: float = Field(1.0, gt=0, description="of the site's construction cost per MW")
    pue_peak: float | None = Field(None, ge=1, description="sizes IT power per facility MW; default: the site's")
    lead_time: Months = Field(0.0, ge=0, description="beyond the site's own")
    max_per_year: int | None = Field(None, ge=0, description="phases per site and year; default: `phases.max_per_year`")


class Lease(Part):
    """Halls of a landlord: whole blocks for a term, paid by the year; they do not use the site's own grid limit."""

    site: str
    size: Megawatts = Field(gt=0, description="facility MW of one block")
    max_count: int = Field(1, ge=1, description="blocks that may be leased each year")
    price: Dollars = Field(gt=0, description="per facility MW and year, in the price year")
    price_growth: Growth = Field(1.0, description="of rents per year, at signing; held over the term")
    term: Years = Field(ge=1, description="whole years")
    first: Year | None = Field(None, description="first year it may begin")
    last: Year | None = Field(None, description="last year it may begin")
    max_rack: Megawatts | None = Field(None, gt=0, description="densest rack it takes; default: any")


class OnSite(Part):
    """Generation or storage at sites: power for halls before the grid arrives, or for good. Bought in whole blocks."""

    sites: list[str] = Field(default_factory=list, description="where it may stand; empty: at every site")
    size: Megawatts = Field(gt=0, description="of one block, at the meter")
    price: Dollars = Field(ge=0, description="per MW, in the price year")
    upkeep: Dollars = Field(0.0, ge=0, description="per MW and year, in the price year")
    life: Years = Field(15.0, ge=1)
    first: Year | None = Field(None, description="first year in service; default: the first")
    max_count: int = Field(10, ge=1, description="blocks per site and year")
    firm: Fraction = Field(1.0, description="share of its size that halls may count on beside the grid")
    energy_price: DollarsPerKwh = Field(0.0, ge=0, description="fuel and wear per kWh generated, in the price year")
    carbon: float = Field(0.0, ge=0, description="g CO2 per kWh generated")
    storage: Hours | None = Field(None, gt=0, description="hours at full power; given: it stores, else it generates")
    efficiency: Fraction = Field(0.86, gt=0, description="share of what is stored that comes back")


class Reservation(Part):
    """Cloud accelerators reserved for a term: paid for all of it, used or not."""

    accelerator: str
    site: str
    price: DollarsPerHour = Field(gt=0, description="per accelerator-hour in the price year")
    price_growth: Growth = Field(1.0, description="of prices per year, at signing; held over the term")
    term: int = Field(ge=1, le=10, description="years")
    max_count: Count | ByYear = Field(description="accelerators that may be reserved each year")
    first: Year | None = None
    last: Year | None = None


class ExportRule(Part):
    """Accelerators that may not, or only up to a number, enter service in some countries."""

    accelerators: list[str] = Field(min_length=1)
    countries: list[str] = Field(min_length=1, description="as in table `sites`: CHN, ARE, ...")
    first: Year | None = None
    last: Year | None = None
    most: Count = Field(0.0, ge=0, description="accelerators delivered there per year, all of the rule's together")


class Failures(Part):
    """Accelerators that fail and are repaired; spares stand in for them as far as they go."""

    per_year: float | None = Field(None, ge=0, description="failures of one new accelerator; default: the catalogue's")
    repair_time: Hours = Field(336.0, gt=0, description="from failure until it serves again")
    growth: Growth = Field(1.0, description="of failures and of upkeep with each year of age")


class HourPrice(Part):
    """What power costs in some hours of the local day, against the site's price."""

    start: float = Field(ge=0, lt=24, description="local hour")
    hours: float = Field(gt=0, le=24)
    factor: float = Field(ge=0, description="of the site's price in these hours; other hours have factor 1")


class CleanPower(Part):
    """Clean power that may be bought for sites, delivered over their grid connection."""

    premium: DollarsPerKwh = Field(0.0, ge=0, description="above the site's price of power")
    first: Year | None = None


class Energy(Part):
    """Power as it is drawn: by source and hour of the day, with limits on carbon and water. Given, it is modelled."""

    hour_prices: list[HourPrice] = Field(default_factory=list, description="later entries win where they overlap")
    overhead_fixed: Fraction = Field(0.0, description="share of the overhead (PUE less 1) that halls draw idle or not")
    idle_power: Literal["catalogue"] | Fraction | None = Field(
        None, description="share of nameplate power that accelerators in service draw though nothing runs on them, "
        "spares, rented and reserved ones included (`catalogue`: that of the serving model, an estimate); absent: none"
    )
    carbon_price: dict[Year, DollarsPerTonne] = Field(
        default_factory=dict, description="nominal, geometric between given years; in place of `money.carbon_price`"
    )
    carbon_limit: dict[Year, Tonnes] | None = Field(None, description="tonnes of CO2 a year from power, all sites")
    water_limit: dict[Year, Tonnes] | None = Field(None, description="tonnes (m3) of water a year, all sites")
    water_price: DollarsPerTonne = Field(0.0, ge=0, description="per tonne (m3), in the price year")
    clean_share: dict[Year, Fraction] | None = Field(
        None, description="least share of low-carbon power in a year, all sites; linear between given years"
    )
    clean_power: CleanPower | None = Field(None, description="clean power on offer beside the grid's mix")


class TrainingRun(Part):
    """A training run: it holds accelerators for some months and then gives them back to serving."""

    accelerators: dict[str, Count] = Field(
        min_length=1, description="accelerator -> how many the run takes of it; one kind is chosen, at one site"
    )
    begins: Year = Field(description="it begins with this year")
    months: Months = Field(gt=0)
    sites: list[str] = Field(default_factory=list, description="where it may run; empty: at any site")
    held: Literal["whole years", "months"] = Field(
        "whole years",
        description="whole years: its accelerators serve nobody in any year that it touches, so that demand is met "
        "during the run too; months: they are missing for its share of the year only, averaged",
    )
    cost: Dollars = Field(0.0, ge=0, description="beside accelerators and power (staff, data), in the price year")
    recover_over: int | None = Field(
        None, ge=1, description="years after the run over which prices recover its cost, with interest at the discount "
        "rate; absent: prices hold it in the years it runs"
    )


class Sovereignty(Part):
    """Regions served from a set of sites only: those named, and those in the countries named."""

    regions: list[str] = Field(min_length=1)
    classes: list[str] = Field(default_factory=list, description="of these classes only; empty: of all")
    sites: list[str] = Field(default_factory=list)
    countries: list[str] = Field(default_factory=list, description="as in table `sites`: USA, FIN, ...")


class Resilience(Part):
    """Losses after which a share of what is served must still be served within its limits, from what is left.

    Each loss is planned in the slice of each year that asks for most; accelerators at other sites take over, as far as
    they stand there and reach the regions. Losses of links are asked for under `links.survive`.
    """

    any_site: bool = Field(False, description="the loss of any one site")
    groups: dict[str, list[str]] = Field(
        default_factory=dict, description="name -> sites that are lost together, such as those of one grid"
    )
    keep: Fraction = Field(1.0, description="share of what is served before that is served after")
    classes: dict[str, Fraction] = Field(
        default_factory=dict, description="class -> share kept of it; 0: it does not fail over"
    )
    first: Year | None = Field(None, description="first year in which losses must be survived; default: the first")


class Stability(Part):
    """How fast a plan may change."""

    site_change: Megawatts | None = Field(None, ge=0, description="IT MW that a site may gain or lose a year")
    class_change: Count | None = Field(
        None, ge=0, description="accelerators by which a class's use at a site may change in a year, over the day"
    )
    move_share: Fraction | None = Field(None, description="most of a class's instances that may change site in a year")
    move_cost: Dollars = Field(0.0, ge=0, description="per instance that changes site, in the price year")


Milestones = dict[int, Fraction]
"""Years before service -> share of the price paid then; shares sum to 1."""
Bought = Literal["accelerators", "fabric", "shell", "opening"]
