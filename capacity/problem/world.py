"""What a scenario and a catalogue say together, gathered once: cards with overrides applied, years, slices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.catalogue.archetypes import archetype
from capacity.catalogue.archetypes import price as archetype_price
from capacity.catalogue.cards import Accelerator, Region, Site
from capacity.errors import InputError
from capacity.scenario import by_year
from capacity.scenario.schema import LocalHours, Scenario

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class World:
    """Scenario and catalogue side by side; every room of `problem` reads from here."""

    scenario: Scenario
    catalogue: Catalogue

    @cached_property
    def years(self) -> list[int]:
        """Years of the horizon."""
        return list(range(self.scenario.years.first, self.scenario.years.last + 1))

    @cached_property
    def regions(self) -> list[Region]:
        """Regions of the scenario."""
        return [self.catalogue.region(r) for r in self.scenario.regions]

    @cached_property
    def sites(self) -> list[Site]:
        """Sites with the scenario's overrides applied."""
        return [self._site(name) for name in self.scenario.sites]

    def _site(self, name: str) -> Site:
        given = self.scenario.sites[name]
        base = replace(self.catalogue.site(name), existing_mw=0.0)
        if given is None:
            return base
        renamed = {
            "power_price": "power_usd_kwh",
            "carbon": "carbon_g_kwh",
            "lead_time": "lead_months",
            "pue": "pue",
            "grid_limit": "grid_limit_mw",
            "grid_ramp": "grid_ramp_mw",
            "existing": "existing_mw",
            "earliest": "earliest",
            "latitude": "latitude",
            "longitude": "longitude",
            "country": "country",
        }
        changes = {new: getattr(given, old) for old, new in renamed.items() if getattr(given, old) is not None}
        if given.build_cost_per_mw is not None:
            changes["build_musd_per_mw"] = given.build_cost_per_mw / 1e6
        if given.opening_cost is not None:
            changes["opening_musd"] = given.opening_cost / 1e6
        if given.pue is not None:
            changes["pue_peak"] = max(given.pue, base.pue_peak * given.pue / base.pue)
        return replace(base, **changes)

    @cached_property
    def accelerators(self) -> dict[str, Accelerator]:
        """Accelerators on offer, rented or in the existing fleet: listed ones first, then generated archetypes."""
        scenario = self.scenario
        named = [*scenario.accelerators, *(r.accelerator for r in scenario.rentals)]
        named += [e.accelerator for e in scenario.existing] + [r.accelerator for r in scenario.reservations]
        cards = {name: self.catalogue.accelerator(name) for name in dict.fromkeys(named)}
        if scenario.archetypes.include:
            levels = scenario.archetypes.model_dump(
                include={"compute", "bandwidth", "memory", "power", "price", "domain"}
            )
            for year in range(scenario.archetypes.first, scenario.years.last + 1, scenario.archetypes.every):
                card = archetype(year, levels, self.catalogue)
                cards[card.id] = card
        return cards

    def sold(self, accelerator: str) -> range:
        """Years in which an accelerator can enter service: none for one only rented or in the existing fleet."""
        given = self.scenario.accelerators.get(accelerator)
        card = self.accelerators[accelerator]
        if accelerator not in self.scenario.accelerators and card.status != "archetype":
            return range(0)
        first = math.ceil(card.available)
        last = first + int(self.catalogue.constant("years_on_sale")) - 1
        if given is not None:
            first, last = given.first or first, given.last or last
        if given is not None and given.lead_time:
            ordered = self.scenario.phases.orders_from or self.years[0]
            first = max(first, ordered + math.ceil(given.lead_time / 12 - 1e-9))
        return range(max(first, self.years[0]), min(last, self.years[-1]) + 1)

    def site(self, name: str) -> Site:
        """One of `sites`."""
        return next(s for s in self.sites if s.id == name)

    def life(self, accelerator: str) -> int:
        """Years in service of an accelerator."""
        given = self.scenario.accelerators.get(accelerator)
        return int(self.scenario.money.it_life if given is None or given.life is None else given.life)

    def has_price(self, accelerator: str, year: int) -> bool:
        """Whether the scenario or the catalogue says what an accelerator costs in a year."""
        given, card = self.scenario.accelerators.get(accelerator), self.accelerators[accelerator]
        if card.status == "archetype" or (given is not None and (given.price is not None or given.price_by_year)):
            return True
        return self.catalogue.has_price(card.id, year)

    def price_usd(self, accelerator: str, year: int) -> float:
        """Purchase price per accelerator in nominal USD, fabric excluded."""
        given = self.scenario.accelerators.get(accelerator)
        if given is not None and given.price_by_year:
            return by_year(given.price_by_year, year) * given.price_factor
        if given is not None and given.price is not None:
            return given.price * given.price_factor
        card, level = self.accelerators[accelerator], self.scenario.money.price_level
        if card.status == "archetype":
            return archetype_price(card, max(year, math.ceil(card.available)), level, self.catalogue)
        price = self.catalogue.price(card.id, year, level)
        return price * (given.price_factor if given is not None else 1.0)

    @cached_property
    def slices(self) -> pd.DataFrame:
        """slice, start_utc_h, length_h, hours per year. The origin fits the regions' duty windows best."""
        count = self.scenario.time_slices
        length = 24.0 / count
        origin = min(range(math.ceil(length)), key=lambda o: (self._overcount(float(o), length), o))
        starts = [(origin + i * length) % 24 for i in range(count)]
        names = [f"{start:04.1f}-{(start + length) % 24:04.1f} UTC" if count > 1 else "all day" for start in starts]
        return pd.DataFrame(
            {"slice": names, "start_utc_h": starts, "length_h": length, "hours": HOURS_PER_YEAR / count}
        )

    def _overcount(self, origin: float, length: float) -> float:
        """Instance-hours that counting each slice at its busiest hour adds, over regions and classes, by GDP."""
        starts = (origin + np.arange(0, 24, length)) % 24
        windows = [c.duty for c in self.scenario.classes.values() if isinstance(c.duty, LocalHours)]
        return sum(
            r.gdp_busd * sum(on_duty(w, r.utc_offset_h, s, length) for s in starts) * length
            for w in windows
            for r in self.regions
        )

    def level(self, value: object, level: str) -> float:
        """A plain number, or the asked level of a low/mid/high estimate."""
        return float(value) if isinstance(value, int | float) else float(getattr(value, level))


def on_duty(window: LocalHours, utc_offset_h: float, start_utc_h: float, length_h: float) -> bool:
    """Whether a local-time window overlaps a UTC slice."""
    begins = (window.start - utc_offset_h - start_utc_h) % 24
    return begins < length_h - 1e-9 or begins + window.hours > 24 + 1e-9


def require(rows: object, message: str) -> None:
    """Raise InputError with the message when there is nothing."""
    if not rows:
        raise InputError(message)
