"""Several futures of one scenario, planned for together."""

from __future__ import annotations

from pydantic import Field

from capacity.scenario.part import Part, Year


class Future(Part):
    """One future: what is different in it."""

    weight: float = Field(1.0, gt=0, description="against those of the others")
    set: dict[str, str | float] = Field(
        default_factory=dict, description="key -> what stands there in this future: a value, `x0.8` (times) or `+5 MW` "
        "(more), as for `capacity what-if --vary`, such as `{demand.amount: x1.5}`"
    )
    branch: dict[str, str] = Field(
        default_factory=dict, description="thing that is revealed -> which way it goes in this future; default: a way "
        "of its own"
    )


class Futures(Part):
    """Several futures planned for together: one plan for each, alike in all that is decided before they part.

    Decided ahead are openings, phases, pods and links: each `lead` years before it enters service. With futures the
    goal `regret` is offered, and every other goal counts by its weighted mean over the futures.
    """

    reveal: Year | dict[str, Year] = Field(description="year in which all is known, or a year for each thing revealed")
    lead: int = Field(1, ge=0, description="years from commitment to service")
    of: dict[str, Future] = Field(min_length=1, description="the futures by name")
