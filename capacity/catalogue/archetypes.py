"""Accelerators beyond the announced ones: each figure follows its own trend from the newest announced generation.

    figure(year) = base x growth ^ (year - base_year)

Trends are the rows of `archetype_trends.csv`, grouped in topics (compute, bandwidth, memory, power, price, domain) so
that a scenario may set each topic's growth to low, mid or high. Every figure is an estimate and the card says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from capacity.catalogue.cards import Accelerator
from capacity.catalogue.schema import suggestion
from capacity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalogue.catalogue import Catalogue

_ID = re.compile(r"archetype-(\d{4})")


def year_of(name: str) -> int | None:
    """2030 for `archetype-2030`; None for any other name."""
    found = _ID.fullmatch(name)
    return int(found.group(1)) if found else None


def archetype_years(first: int, last: int, every: int) -> list[int]:
    """Years in which a new archetype enters service, from `first` on."""
    return list(range(first, last + 1, every))


def archetype(year: int, levels: Mapping[str, str], cat: Catalogue) -> Accelerator:
    """The accelerator that enters service in `year`, id `archetype-YEAR`.

    `levels` maps topics (compute, bandwidth, memory, power, price, domain) to the low, mid or high growth of that
    topic's own figures; a topic not named is mid. `low` power is the smaller growth of watts. Raises InputError for an
    unknown topic or level, and for a year not after the trends' base year: announced chips stand there.
    """
    trends = cat.table("archetype_trends")
    _check(year, levels, trends)
    column = {"low": "growth_low", "mid": "growth", "high": "growth_high"}
    figures: dict[str, Any] = {}
    for row in trends.to_dict("records"):
        growth = row[column[levels.get(str(row["topic"]), "mid")]]
        figures[str(row["quantity"])] = float(round(row["base_value"] * growth ** (year - row["base_year"])))
    step = int(cat.constant("archetype_domain_step"))
    domain = step * round(figures.pop("scale_up_domain") / step)
    return Accelerator(
        id=f"archetype-{year}", name=f"Archetype {year}", vendor="any", generation="archetype", status="archetype",
        available=float(year), scale_up_fabric="nvlink-archetype", scale_up_domain=domain, int8_tops=None,
        confidence="estimate", source="generated from archetype_trends.csv", **figures,
    )


def price(card: Accelerator, year: int, level: str, cat: Catalogue) -> float:
    """USD of an archetype bought in `year`: its first-year price, declining as `price_trends.csv` says, to a floor."""
    age = year - int(card.available)
    if age < 0:
        raise InputError(f"no price of `{card.id}` in {year}: it enters service in {int(card.available)}")
    trend = cat.row("price_trends", "purchase")
    base = {"low": card.price_low_usd, "mid": card.price_usd, "high": card.price_high_usd}[level]
    suffix = {"low": "_low", "mid": "", "high": "_high"}[level]
    return float(base * max(trend[f"factor_per_year{suffix}"] ** age, trend[f"floor_share{suffix}"]))


def _check(year: int, levels: Mapping[str, str], trends: pd.DataFrame) -> None:
    topics = sorted(set(trends["topic"]))
    for topic, level in levels.items():
        if topic not in topics:
            raise InputError(f"archetypes: unknown topic `{topic}`; allowed: {', '.join(topics)}"
                             f"{suggestion(topic, topics)}")
        if level not in ("low", "mid", "high"):
            raise InputError(f"archetypes: level `{level}` of `{topic}`; allowed: low, mid, high")
    base = int(trends["base_year"].max())
    if year <= base:
        raise InputError(f"archetypes: year {year} is not allowed; the announced chips reach to {base}, "
                         f"the first archetype is archetype-{base + 1}")
