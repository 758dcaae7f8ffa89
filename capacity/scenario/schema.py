"""The Scenario: everything a user may ask, as typed models with canonical units.

Every quantity is written in the user's words (`20 MW`, `$3.5 billion`, `50 ms`) and arrives here as a float in the
one unit named by its type (see `units`): MW, USD, seconds, tokens, shares in 0..1. Unknown keys are refused.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PrivateAttr

from capacity.scenario.asked import Demand
from capacity.scenario.futures import Futures
from capacity.scenario.goal import Goal
from capacity.scenario.options import (
    Bought,
    Energy,
    ExportRule,
    Failures,
    Hall,
    Lease,
    Milestones,
    OnSite,
    Reservation,
    Resilience,
    Sovereignty,
    Stability,
    TrainingRun,
)
from capacity.scenario.part import ByYear, Level, Part, Year
from capacity.scenario.units import (
    Count,
    Dollars,
    DollarsPerHour,
    DollarsPerKwh,
    DollarsPerTonne,
    Fraction,
    GigabytesPerYear,
    Growth,
    Megawatts,
    Months,
    Seconds,
    Tokens,
    Years,
)
from capacity.scenario.wan import Links
from capacity.scenario.written import Layers, Origin


class Horizon(Part):
    """First and last year of the plan, both included."""

    first: Year
    last: Year


class LocalHours(Part):
    """Instances on duty only in a window of the region's local time."""

    start: float = Field(9.0, ge=0, lt=24, description="local hour the working day starts")
    hours: float = Field(8.0, gt=0, le=24)


DAY = 24 * 3600.0
"""Seconds: what work without a limit of its own has time for."""


class ServiceClass(Part):
    """A kind of demand. Tokens are per human-hour of work; speed 1 delivers one human-hour per wall hour."""

    batch: bool = Field(
        False, description="work without latency limits that fills the valleys of the day: its instances are a mean "
        "over the day, each 24 human-hours of work a day, done at any hour and at any distance, over the public "
        "internet whatever links are lit (a restriction: it loads none); it waits after losses"
    )
    output_tokens: Tokens = Field(gt=0)
    fresh_input_tokens: Tokens = Field(ge=0)
    cached_input_tokens: Tokens = Field(0.0, ge=0)
    context_mean: Tokens = Field(gt=0)
    context_p95: Tokens | None = Field(None, description="default: 2 x the mean")
    turns: Count = Field(20.0, gt=0, description="requests per human-hour")
    branches: Count = Field(1.0, ge=1, description="parallel branches or samples in flight per instance")
    speed: float = Field(1.0, gt=0, description="speed against a human")
    duty: Literal["around_the_clock"] | LocalHours = "around_the_clock"
    ttft: Seconds = Field(
        DAY, gt=0, description="time to first token, network included, at the percentile; needed unless `batch`"
    )
    tpot: Seconds = Field(DAY, gt=0, description="time per output token at the percentile; needed unless `batch`")
    percentile: Fraction = Field(0.95, gt=0, lt=1)
    max_rtt: Seconds | None = Field(None, description="hard limit of the round trip between region and site")
    spare_share: Fraction = Field(
        0.0, ge=0, lt=1, description="share of the accelerators in use for this class that stands by for site losses: "
        "a cheap approximation that ignores who can be reached from where; `resilience` plans each loss"
    )


class Equivalence(Part):
    """Human-hours of accepted work per instance-hour: low, mid, high estimate."""

    low: float = Field(gt=0)
    mid: float = Field(gt=0)
    high: float = Field(gt=0)


class Drafting(Part):
    """Speculative decoding of a variant: a draft proposes tokens, one step of the model verifies them."""

    tokens: int = Field(ge=1, description="drafted ahead of each step")
    acceptance: Fraction = Field(description="how often a drafted token is accepted")
    model: str | None = Field(None, description="the AI model that drafts; else `cost`")
    cost: Fraction | None = Field(None, description="what drafting one token takes, as a share of the model's own step")


class Variant(Part):
    """An AI model as served: architecture, precision, and what it is worth in each class."""

    model: str
    weights: Literal["fp16", "bf16", "fp8", "fp4", "int8", "int4"] = "fp8"
    kv: Literal["fp16", "bf16", "fp8", "fp4"] = "fp8"
    available: Year | None = Field(None, description="first year it may serve; default: the card's release year")
    equivalence: dict[str, float | Equivalence] = Field(description="class -> factor; a class not named is not served")
    max_share: dict[str, Fraction] = Field(default_factory=dict, description="class -> largest share it may serve")
    progress: Growth = Field(
        1.0, description="factor per year, from the plan's first on, by which better algorithms and engines raise what "
        "an accelerator serves within the same latency; its power stays, so compute and energy per instance fall"
    )
    draft: Drafting | None = Field(None, description="speculative decoding; absent: none")


class SiteOverride(Part):
    """What a scenario states differently from the catalogue about one site; a site not in it needs most of these."""

    power_price: DollarsPerKwh | None = None
    power_prices: dict[Year, DollarsPerKwh] | None = Field(
        None, description="nominal, geometric between given years; in place of `power_price` and its growth"
    )
    carbon: float | None = Field(None, ge=0, description="g CO2 per kWh")
    build_cost_per_mw: Dollars | None = Field(None, ge=0, description="per MW of IT load")
    lead_time: Months | None = Field(None, ge=0)
    pue: float | None = Field(None, ge=1)
    grid_limit: Megawatts | None = Field(None, ge=0, description="most facility MW ever")
    grid_ramp: Megawatts | None = Field(None, ge=0, description="facility MW added per year at most")
    grid: dict[Year, Megawatts] | None = Field(
        None, description="facility MW of the grid connection by year, held between; in place of the ramp"
    )
    holding_cost: Dollars | None = Field(
        None, ge=0, description="per year and site while it is kept, in the price year; with it, a site may be given up"
    )
    sale_value: Dollars | None = Field(
        None, ge=0, description="what land, grid connection and halls bring when the site is given up, in the price "
        "year; needs `holding_cost`"
    )
    opening_cost: Dollars | None = Field(None, ge=0)
    existing: Megawatts | None = Field(None, ge=0, description="facility MW in service before the first year")
    earliest: Year | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    country: str | None = None


class AcceleratorOverride(Part):
    """What a scenario states differently about one accelerator."""

    price: Dollars | None = Field(None, gt=0, description="purchase price in the price year, all years")
    price_factor: float = Field(1.0, gt=0)
    first: Year | None = Field(None, description="first year it can enter service")
    last: Year | None = Field(None, description="last year it can be bought")
    supply: ByYear | None = Field(None, description="most accelerators delivered to this plan per year")
    price_by_year: dict[Year, Dollars] | None = Field(
        None, description="nominal purchase price by year, geometric between; in place of `price`"
    )
    lead_time: Months = Field(0.0, ge=0, description="from order to service, ordered from `phases.orders_from` on")
    life: Years | None = Field(None, ge=1, description="default: `money.it_life`")
    minimum_order: Count | None = Field(None, gt=0, description="accelerators: none in a year, or at least so many")
    order_cost: Dollars = Field(0.0, ge=0, description="once for each year with an order, in the price year")
    contract: ByYear = Field(default_factory=dict, description="least accelerators taken in each year given")


class Archetypes(Part):
    """Generated accelerators beyond the announced ones, by trend level."""

    include: bool = True
    first: Year = 2028
    every: int = Field(2, ge=1)
    compute: Level = "mid"
    bandwidth: Level = "mid"
    memory: Level = "mid"
    power: Level = "mid"
    price: Level = "mid"
    domain: Level = "mid"


class Pods(Part):
    """How accelerators are bought: whole pods on a fabric."""

    size: Count = Field(1024.0, gt=0, description="accelerators per pod, rounded up to whole scale-up domains")
    sizes: list[Count] = Field(default_factory=list, description="further sizes offered beside `size`")
    fabrics: list[str] = Field(default_factory=lambda: ["rail-2tier"], description="fabric designs offered")
    domains: list[Count] = Field(
        default_factory=list, description="further scale-up domains offered to accelerators with NVLink switches"
    )
    spare_share: Fraction = Field(0.03, ge=0, lt=1, description="accelerators kept idle for failures")
    failures: Failures | None = Field(None, description="failures that grow with age; absent: spares cover them all")


class Phases(Part):
    """How sites grow."""

    size: Megawatts = Field(200.0, gt=0, description="facility MW per phase")
    max_per_year: int = Field(4, ge=1, description="phases per site and year")
    site_limit: Megawatts | None = Field(None, gt=0, description="most facility MW of this plan at one site")
    types: dict[str, Hall] = Field(
        default_factory=dict, description="kinds of halls by rack density; empty: one kind that takes any rack"
    )
    orders_from: Year | None = Field(
        None, description="year from which sites may be ordered (their lead time counts from here); default: the first"
    )


class Existing(Part):
    """Fleet in service before the first year: one row."""

    site: str
    accelerator: str
    count: Count = Field(gt=0)
    entered: Year


class Rental(Part):
    """Cloud accelerators on offer."""

    accelerator: str
    site: str
    price: DollarsPerHour = Field(gt=0, description="per accelerator-hour in the price year")
    price_growth: Growth = 1.0
    max_count: Count | ByYear = Field(description="accelerators")
    first: Year | None = None
    last: Year | None = None


class Supply(Part):
    """What can be had of the world's production. Absent entries do not limit."""

    accelerators: Literal["catalogue"] | ByYear | None = Field(None, description="all types together, per year")
    hbm: Literal["catalogue"] | dict[Year, GigabytesPerYear] | None = None
    power: Literal["catalogue"] | dict[Year, Megawatts] | None = Field(None, description="facility MW in service")
    vendors: dict[str, ByYear] = Field(default_factory=dict, description="accelerators per vendor and year")
    vendor_share: dict[str, Fraction] = Field(
        default_factory=dict, description="vendor -> largest share of the accelerators owned in any year"
    )
    packaging: ByYear | None = Field(None, description="wafers of advanced packaging per year (table `packaging`)")
    level: Level = "mid"
    share: Fraction = Field(1.0, gt=0, description="this plan's part of what the catalogue leaves for inference")


class Money(Part):
    """Rates, lives, price growth and budgets."""

    discount_rate: Fraction = Field(0.09, ge=0, lt=1)
    price_year: Year = 2026
    capex_budget: dict[Year, Dollars] | None = Field(None, description="nominal cash; geometric between given years")
    capex_growth: Growth | None = Field(None, description="extends the last given capex budget")
    opex_budget: dict[Year, Dollars] | None = None
    it_life: Years = Field(5.0, ge=1)
    shell_life: Years = Field(14.0, ge=1)
    upkeep_share: Fraction = Field(0.03, ge=0, description="of accelerator price per year: repair, software, staff")
    shell_upkeep_share: Fraction = Field(0.025, ge=0, description="of shell cost per year")
    build_cost_growth: Growth = Field(1.055, description="of construction prices per year")
    power_price_growth: Growth = 1.02
    general_inflation: Fraction = 0.02
    carbon_price: DollarsPerTonne = 0.0
    horizon_credit: bool = Field(True, description="charge annuities of service years only, no end-of-horizon bias")
    carry_over: bool = Field(False, description="what a budget leaves unspent may be spent in later years")
    milestones: dict[Bought, Milestones] = Field(
        default_factory=dict,
        description="years before service -> share paid then, such as `{accelerators: {1: 30 %, 0: 70 %}}`; "
        "what falls before the first year is paid in it",
    )
    resale: Literal["catalogue"] | Growth | None = Field(
        None, description="value of a used accelerator per year of age (`catalogue`: table `price_trends`)"
    )
    margin: Fraction = Field(0.0, lt=1, description="of the price of an instance-hour, in plan table `prices`")
    debt_share: Fraction = Field(0.0, description="of investments financed by debt, in plan table `accounts`")
    debt_rate: Fraction = Field(0.06, description="interest on debt per year, nominal")
    price_level: Level = "mid"


class Serving(Part):
    """How copies may be sharded."""

    plans_per_cell: int = Field(4, ge=1, description="serving configurations kept per class, variant and pod design")
    max_accelerators_per_copy: Count = 4096.0
    calibration: str | None = None
    copies_per_accelerator: Literal[1, 2, 4, 8] = Field(
        1, description="most copies of a small model side by side on one accelerator"
    )
    weight_streaming: bool = Field(False, description="weights that do not fit may stream from host RAM or its drives")
    disaggregated: bool = Field(False, description="prefill and decode may run in pools of their own, in one pod")
    shared_prefix: bool = Field(
        False, description="attention kernels read the prompt that an instance's branches share once for all of them"
    )


class Scenario(Part):
    """One question."""

    name: str = Field(pattern=r"^\w[^/\\]*$", description="also the plan's folder: a word first, no slashes")
    description: str = ""
    years: Horizon
    goal: Goal = Goal()
    futures: Futures | None = Field(None, description="several futures planned for together; absent: one")
    time_slices: int = Field(1, ge=1, le=24, description="equal parts of the UTC day; each counts its busiest hour")
    classes: dict[str, ServiceClass] = Field(min_length=1)
    variants: dict[str, Variant] = Field(min_length=1)
    demand: Demand
    regions: list[str] = Field(min_length=1)
    sites: dict[str, SiteOverride | None] = Field(min_length=1)
    accelerators: dict[str, AcceleratorOverride | None] = Field(min_length=1)
    archetypes: Archetypes = Archetypes(include=False)
    pods: Pods = Pods()
    phases: Phases = Phases()
    existing: list[Existing] = Field(default_factory=list)
    rentals: list[Rental] = Field(default_factory=list)
    reservations: list[Reservation] = Field(default_factory=list, description="rent for a term of years")
    exports: list[ExportRule] = Field(default_factory=list, description="which accelerators may not go where")
    leases: list[Lease] = Field(default_factory=list, description="halls on offer from landlords")
    onsite: dict[str, OnSite] = Field(default_factory=dict, description="generation and storage at sites, by name")
    energy: Energy | None = Field(None, description="power by source and hour; absent: one price a year at each site")
    training: dict[str, TrainingRun] = Field(
        default_factory=dict, description="training runs by name: accelerators held for months, then freed"
    )
    sovereignty: list[Sovereignty] = Field(
        default_factory=list, description="regions that may be served from some sites only"
    )
    resilience: Resilience = Resilience()
    stability: Stability = Stability()
    supply: Supply = Supply()
    money: Money = Money()
    links: Links = Links()
    serving: Serving = Serving()
    catalogue: list[str] = Field(default_factory=list, description="overlay folders, relative to the scenario file")
    _origin: Origin = PrivateAttr(default_factory=Origin)

    def remember(self, layers: Layers) -> Self:
        """This scenario, knowing the files and lines it was written in."""
        copy = self.model_copy()
        copy._origin = Origin(layers)
        return copy

    def written(self) -> Layers:
        """The layers it was read from; empty ones for a scenario built in Python."""
        return self._origin.layers or Layers({})
