"""What is asked for: instances by class, region and year, and what they are worth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity.scenario.part import ByYear, Part, Year
from capacity.scenario.units import Count, DollarsPerHour, Fraction, Growth


class Path(Part):
    """Demand of one class over the years, in concurrent instances."""

    start: Count | None = Field(None, ge=0)
    end: Count | None = Field(None, ge=0)
    growth: Growth | None = Field(None, description="factor per year, instead of start or end")
    shape: Literal["exponential", "linear", "logistic"] = "exponential"
    by_year: ByYear | None = None


class WorthBlock(Part):
    """A part of a class's demand that is worth the same: one step of its demand curve."""

    share: Fraction = Field(gt=0, description="of the class's instances in every region and year")
    worth: DollarsPerHour | None = Field(None, ge=0, description="most that is paid for an instance-hour, nominal")
    of_wage: float | None = Field(None, ge=0, description="the same, as a multiple of the region's nominal wage")


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
    worth: dict[str, list[WorthBlock]] = Field(
        default_factory=dict,
        description="class -> its demand curve in blocks; in place of `goal.shortage_price`. With the goal "
        "`most_surplus` a block is served while that costs less than it is worth",
    )
