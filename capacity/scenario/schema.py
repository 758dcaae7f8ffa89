"""The Scenario: everything a user may ask, as typed models with canonical units.

Every quantity is written in the user's words (`20 MW`, `$3.5 billion`, `50 ms`) and arrives here as a float in the
one unit named by its type (see `units`): MW, USD, seconds, tokens, shares in 0..1. Unknown keys are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from capacity.scenario.units import (
    Count,
    Dollars,
    DollarsPerHour,
    DollarsPerKwh,
    DollarsPerTonne,
    Fraction,
    GigabitsPerSecond,
    GigabytesPerYear,
    Growth,
    Hours,
    Megawatts,
    Months,
    Seconds,
    Tokens,
    Years,
)

if TYPE_CHECKING:
    from capacity.scenario.layers import Layers

Level = Literal["low", "mid", "high"]
Year = Annotated[int, Field(ge=1990, le=2100)]
ByYear = dict[Year, Count]
"""A number by year; years between two given ones are interpolated geometrically, outside them held."""


class Part(BaseModel):
    """Base of every scenario part: immutable, and strict about key names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Horizon(Part):
    """First and last year of the plan, both included."""

    first: Year
    last: Year


class Goal(Part):
    """What the plan is for.

    least_shortage_then_cost: least weighted shortage, then least cost with that shortage kept.
    least_cost: least cost plus shortage at `shortage_price`.
    most_instances: most weighted instance-hours within the budgets, then least cost.
    """

    kind: Literal["least_shortage_then_cost", "least_cost", "most_instances"] = "least_shortage_then_cost"
    shortage_price: Literal["wage"] | DollarsPerHour = Field(
        100.0, description="price of one unserved instance-hour (least_cost): USD, or the region's nominal wage"
    )
    counted: Literal["share", "instances"] = Field(
        "share",
        description="a year's shortage counts as per cent of its demand, or (always for most_instances) in instances",
    )
    year_weights: dict[Year, float] = Field(default_factory=dict, description="of a year's shortage; 1 if absent")


class LocalHours(Part):
    """Instances on duty only in a window of the region's local time."""

    start: float = Field(9.0, ge=0, lt=24, description="local hour the working day starts")
    hours: float = Field(8.0, gt=0, le=24)


class ServiceClass(Part):
    """A kind of demand. Tokens are per human-hour of work; speed 1 delivers one human-hour per wall hour."""

    output_tokens: Tokens = Field(gt=0)
    fresh_input_tokens: Tokens = Field(ge=0)
    cached_input_tokens: Tokens = Field(0.0, ge=0)
    context_mean: Tokens = Field(gt=0)
    context_p95: Tokens | None = Field(None, description="default: 2 x the mean")
    turns: Count = Field(20.0, gt=0, description="requests per human-hour")
    branches: Count = Field(1.0, ge=1, description="parallel branches or samples in flight per instance")
    speed: float = Field(1.0, gt=0, description="speed against a human")
    duty: Literal["around_the_clock"] | LocalHours = "around_the_clock"
    ttft: Seconds = Field(gt=0, description="time to first token, network included, at the percentile")
    tpot: Seconds = Field(gt=0, description="time per output token at the percentile")
    percentile: Fraction = Field(0.95, gt=0, lt=1)
    max_rtt: Seconds | None = Field(None, description="hard limit of the round trip between region and site")


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
    draft: Drafting | None = Field(None, description="speculative decoding; absent: none")


class Path(Part):
    """Demand of one class over the years, in concurrent instances."""

    start: Count | None = Field(None, ge=0)
    end: Count | None = Field(None, ge=0)
    growth: Growth | None = Field(None, description="factor per year, instead of start or end")
    shape: Literal["exponential", "linear", "logistic"] = "exponential"
    by_year: ByYear | None = None


class DemandRow(Part):
    """Instances of one class in one region and year."""

    region: str
    service_class: str
    year: Year
    instances: Count = Field(ge=0)


class Demand(Part):
    """Concurrent instances on duty: by class and year with a split over regions, or a table."""

    classes: dict[str, Path] = Field(default_factory=dict)
    split: Literal["gdp", "population"] | dict[str, Fraction] = "gdp"
    table: list[DemandRow] = Field(default_factory=list)
    must_serve: bool = False


class SiteOverride(Part):
    """What a scenario states differently from the catalogue about one site; a site not in it needs most of these."""

    power_price: DollarsPerKwh | None = None
    carbon: float | None = Field(None, ge=0, description="g CO2 per kWh")
    build_cost_per_mw: Dollars | None = Field(None, ge=0, description="per MW of IT load")
    lead_time: Months | None = Field(None, ge=0)
    pue: float | None = Field(None, ge=1)
    grid_limit: Megawatts | None = Field(None, ge=0, description="most facility MW ever")
    grid_ramp: Megawatts | None = Field(None, ge=0, description="facility MW added per year at most")
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


class Phases(Part):
    """How sites grow."""

    size: Megawatts = Field(200.0, gt=0, description="facility MW per phase")
    max_per_year: int = Field(4, ge=1, description="phases per site and year")
    site_limit: Megawatts | None = Field(None, gt=0, description="most facility MW of this plan at one site")
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
    price_level: Level = "mid"


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
    sync_share: Fraction = Field(0.05, ge=0, description="share of session state mirrored to the next site per hour")
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


class Origin:
    """Where each key was written, for messages. Any two are equal: a scenario is the same wherever it was written."""

    def __init__(self, layers: Layers | None = None) -> None:
        self.layers = layers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return 0


class Scenario(Part):
    """One question."""

    name: str = Field(pattern=r"^\w[^/\\]*$", description="also the plan's folder: a word first, no slashes")
    description: str = ""
    years: Horizon
    goal: Goal = Goal()
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
        from capacity.scenario.layers import Layers

        return self._origin.layers or Layers({})
