"""What a plan is for: its kinds of goals, and sequences of one's own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from capacity.scenario.part import Part, Year
from capacity.scenario.units import DollarsPerHour, Fraction

GoalName = Literal[
    "shortage", "worst_shortage", "served", "carbon", "cost", "cost_and_shortage", "surplus", "regret"
]
REGRET: GoalName = "regret"
"""The goal that is of several futures."""


class GoalStep(Part):
    """One goal of a sequence of one's own.

    shortage: weighted, summed over years. worst_shortage: of the year with the largest. served: weighted instances,
    most of them. carbon: CO2 of the power used. cost: discounted. cost_and_shortage: with shortage at its price.
    surplus: most worth of what is served (at `shortage_price` or `demand.worth`) less cost. regret: of the future with
    the largest, cost with priced shortage above the least that it allows (needs `futures`, over which the others are
    weighted means).
    """

    goal: GoalName
    give_up: Fraction = Field(0.0, description="share of what this goal reaches that later goals may give up")


class Goal(Part):
    """What the plan is for.

    least_shortage_then_cost: least weighted shortage, then least cost with that shortage kept.
    least_cost: least cost plus shortage at `shortage_price`.
    most_instances: most weighted instance-hours within the budgets, then least cost.
    most_surplus: serve whatever costs less than it is worth: most worth of what is served less cost.
    least_carbon: least shortage, then least CO2 of the power used, then least cost.
    least_worst_shortage: least shortage of the worst year, then of all years, then least cost.
    least_regret: over the `futures`: least of the greatest regret, then least expected cost plus priced shortage.
    """

    kind: Literal[
        "least_shortage_then_cost", "least_cost", "most_instances", "most_surplus", "least_carbon",
        "least_worst_shortage", "least_regret",
    ] = "least_shortage_then_cost"
    sequence: list[GoalStep] = Field(
        default_factory=list, description="goals of one's own, met in this order; given, they replace `kind`"
    )
    shortage_price: Literal["wage"] | DollarsPerHour = Field(
        100.0,
        description="price of one unserved instance-hour (least_cost), worth of a served one (most_surplus): USD, or "
        "the region's nominal wage",
    )
    counted: Literal["share", "instances"] = Field(
        "share",
        description="a year's shortage counts as per cent of its demand, or (always for most_instances) in instances",
    )
    year_weights: dict[Year, float] = Field(default_factory=dict, description="of a year's shortage; 1 if absent")

    def steps(self) -> list[tuple[str, float]]:
        """(goal, share that later goals may give up) in order."""
        if self.sequence:
            return [(step.goal, step.give_up) for step in self.sequence]
        return [(goal, 0.0) for goal in GOALS_OF_KIND[self.kind]]

    def by_share(self) -> bool:
        """Whether shortage counts in per cent of a year's demand; else in instances."""
        return self.counted == "share" and all(goal != "served" for goal, _ in self.steps())


GOALS_OF_KIND: dict[str, list[GoalName]] = {
    "least_shortage_then_cost": ["shortage", "cost"],
    "least_cost": ["cost_and_shortage"],
    "most_instances": ["served", "cost"],
    "most_surplus": ["surplus"],
    "least_carbon": ["shortage", "carbon", "cost"],
    "least_worst_shortage": ["worst_shortage", "shortage", "cost"],
    "least_regret": [REGRET, "cost_and_shortage"],
}
"""Goals of each kind, in order."""
