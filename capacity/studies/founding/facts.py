"""What the arguments rest on: claims, constants and prices with their ranges, an owner's hour, the best plans."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import pandas as pd

from capacity.catalogue import Catalogue
from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.errors import InputError
from capacity.network import fabric_design, interconnect
from capacity.problem.money import annuity_due
from capacity.serving import Modes, Slo, Workload, frontier
from capacity.studies.founding.argument import Input, Values
from capacity.studies.founding.shapes import shapes

T = TypeVar("T")
HOURS = 8766.0
"""Hours of a mean year."""
HELD_IN = {"host": "host_memory_usd_per_gb", "nvme": "nvme_usd_per_gb"}
"""Rows of constants: what a GB costs where streamed weights are kept."""
ESTIMATE = "estimate"
FABRIC = "rail-3tier"
"""Has as many tiers as the size of the pod needs."""


class Facts:
    """The catalogue as arguments ask for it. Everything asked for twice is computed once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.plans = lru_cache(maxsize=None)(self._plans)
        self.links = lru_cache(maxsize=None)(self._links)
        self.asked: dict[str, None] = {}
        """Claims asked for, in order, since it was last cleared."""
        self.guessed: dict[str, None] = {}
        """What of the catalogue was used and is an estimate, without a range here, since it was last cleared."""
        self.kept: dict[object, Any] = {}

    def keep(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returned when the key was first asked for."""
        if key not in self.kept:
            self.kept[key] = make()
        kept: T = self.kept[key]
        return kept

    # ---- numbers with their ranges ------------------------------------------------------------------------------

    def claim(self, name: str) -> float:
        """A number of the discussion; that it was asked for is noted."""
        self.asked[name] = None
        return self.said(name)

    def said(self, name: str) -> float:
        """A number of the discussion where it only sets the work to be done."""
        return self.keep(("claim", name), lambda: float(self.catalogue.row("founding_claims", name)["value"]))

    def quote(self, name: str) -> str:
        """The words a claimed number stands in."""
        return str(self.catalogue.row("founding_claims", name)["quote"])

    def card(self, accelerator: str) -> Accelerator:
        """An accelerator of the catalogue; that its card is an estimate is noted."""
        chip = self.catalogue.accelerator(accelerator)
        if chip.confidence == ESTIMATE:
            self.guessed[chip.id] = None
        return chip

    def guess(self, table: str, words: str) -> None:
        """Notes that a table of the catalogue is used, if half of its rows or more are estimates."""
        if (self.catalogue.table(table)["confidence"] == ESTIMATE).mean() >= 1 / 2:
            self.guessed[words] = None

    def input(self, table: str, key: str, name: str, words: str, *, least: float = 0.0,
              most: float = float("inf")) -> Input:
        """An input from a table with columns low, value, high (constants, human_equivalents, trends)."""
        column = self.catalogue.schema(table).key[0]
        rows = self.catalogue.table(table)
        rows = rows[rows[column] == key]
        if rows.empty:
            raise InputError(f"{table}.csv: no row `{key}`")
        row = rows.iloc[0]
        mid = float(row["value"])
        low, high = (mid if pd.isna(row[c]) else float(row[c]) for c in ("low", "high"))
        return Input(name, words, low, mid, high, str(row["unit"]), f"{table}.csv {key}", str(row["confidence"]),
                     least, most)

    def tokens_per_word(self) -> Input:
        """Tokens in a word; a token is at most a word, and English needs less than two."""
        return self.input("constants", "tokens_per_word", "tokens_per_word", "tokens in a word", least=1.0, most=2.0)

    def price(self, accelerator: str, year: int, name: str = "price") -> Input:
        """Purchase price of an accelerator as a factor on its mid."""
        low, mid, high = (self.catalogue.price(accelerator, year, level) for level in ("low", "mid", "high"))
        return Input(name, f"purchase price of {accelerator} in {year} (mid {mid:,.0f} "
                           "USD)", low / mid, 1.0, high / mid,
                     "of mid", f"accelerator_prices.csv {accelerator} {year}", "estimate")

    def memory(self, name: str = "memory") -> Input:
        """Price of host memory as a factor on its mid."""
        row = self.input("constants", HELD_IN["host"], name, "")
        return Input(name, f"price of host memory (mid {row.mid:g} USD a GB)", row.low / row.mid, 1.0,
                     row.high / row.mid, "of mid", row.source, row.confidence)

    def money(self) -> tuple[Input, ...]:
        """What an owner's hour rests on beside the price of the accelerator."""
        return (
            self.input("constants", "it_life_years", "life", "years an accelerator serves"),
            self.input("constants", "discount_rate", "rate", "cost of capital a year", most=1.0),
            self.input("constants", "busy_share", "busy", "share of the hours in which a copy carries its load",
                       most=1.0),
        )

    # ---- an owner's hour ----------------------------------------------------------------------------------------

    def hour(self, accelerator: str, year: int, given: Values) -> float:
        """USD an owner pays for an hour of load on one accelerator bought in `year`: chip, building, upkeep, power.

        Annuities-due over `life` and the building's life; site figures are medians of the catalogue. `price` of
        `given` scales the chip's price; idle hours (1 - `busy`) are paid for too.
        """
        self.guess("accelerator_prices", "purchase prices of accelerators")
        cat, chip = self.catalogue, self.card(accelerator)
        bought = cat.price(chip.id, year) * given.get("price", 1.0)
        sites = cat.table("sites")
        watts = chip.it_power_w / 1e6
        shell = float(sites["build_musd_per_mw"].median()) * 1e6 * watts
        rate = given["rate"]
        yearly = bought * (annuity_due(rate, given["life"]) + cat.constant("upkeep_share_per_year"))
        yearly += shell * annuity_due(rate, cat.constant("facility_life_years"))
        power = watts * 1e3 * float(sites["pue"].median()) * float(sites["power_usd_kwh"].median())
        return (yearly / HOURS + power) / given["busy"]

    def kept_hour(self, source: str, given: Values) -> float:
        """USD an hour of load for a GB (decimal) of memory outside the accelerator, host or nvme, over `life`.

        Beside the machine's price, which holds some memory already: what streaming takes is counted in full.
        """
        cat = self.catalogue
        bought = cat.constant(HELD_IN[source])
        if source == "host":
            bought *= given.get("memory", 1.0)
        yearly = annuity_due(given["rate"], given["life"]) + cat.constant("upkeep_share_per_year")
        return bought * yearly / HOURS / given["busy"]

    def device_hour(self, price_usd: float, watts: float) -> float:
        """USD an hour of a device that its owner has at home: its price over its life and its electricity."""
        cat = self.catalogue
        rate, life = cat.constant("discount_rate"), cat.constant("it_life_years")
        return price_usd * annuity_due(rate, life) / HOURS + watts / 1e3 * float(
            cat.table("sites")["power_usd_kwh"].median())

    def rental(self, accelerator: str, year: int, channel: str) -> float:
        """USD per accelerator-hour of a rental row. Raises InputError where there is none."""
        self.guess("rentals", "rental prices of accelerators")
        rows = self.catalogue.table("rentals")
        found = rows[(rows["accelerator"] == accelerator) & (rows["year"] == year) & (rows["channel"] == channel)]
        if found.empty:
            raise InputError(f"rentals.csv: no {channel} price of {accelerator} in {year}")
        return float(found["usd_per_hour"].iloc[0])

    # ---- the best plans -----------------------------------------------------------------------------------------

    def _links(self, accelerator: Accelerator, pod: int) -> Interconnect:
        design = fabric_design(self.catalogue, FABRIC, accelerator, pod)
        links: Interconnect = interconnect(self.catalogue, accelerator, design)
        return links

    def _plans(self, model: ModelCard, accelerator: Accelerator, work: Workload, slo: Slo, weights: str, kv: str,
               pod: int, modes: Modes | None) -> pd.DataFrame:
        found = [frontier(shape, accelerator, self.links(accelerator, pod), work, slo, weights=weights, kv=kv,
                          max_accelerators=pod, modes=modes) for shape in shapes(model)]
        some = [plans for plans in found if len(plans)]
        return pd.concat(some, ignore_index=True) if len(some) > 1 else (some or found)[0]

    def frontier(self, model: ModelCard | str, accelerator: Accelerator | str, work: Workload, slo: Slo, *,
                 weights: str | None = None, kv: str | None = None, pod: int = 64,
                 modes: Modes | None = None) -> pd.DataFrame:
        """Best plans of a model on an accelerator in a pod; precisions default to the narrowest the chip computes in.

        A pod is at least one scale-up domain. A model that nobody has built may have its heads in other numbers.
        """
        card = self.catalogue.model(model) if isinstance(model, str) else model
        chip = self.card(accelerator) if isinstance(accelerator, str) else accelerator
        narrow = narrowest(chip)
        return self.plans(card, chip, work, slo, weights or narrow, kv or ("fp8" if narrow != "fp16" else "fp16"),
                          max(pod, chip.scale_up_domain), modes)

    def best(self, model: ModelCard | str, accelerator: Accelerator | str, work: Workload, slo: Slo, *,
             weights: str | None = None, kv: str | None = None, pod: int = 64,
             modes: Modes | None = None) -> pd.Series | None:
        """The plan with most instances per accelerator; None where nothing fits."""
        found = self.frontier(model, accelerator, work, slo, weights=weights, kv=kv, pod=pod, modes=modes)
        return None if found.empty else found.iloc[int(found["instances_per_accelerator"].argmax())]


def narrowest(chip: Accelerator) -> str:
    """The narrowest weight precision that a chip computes in."""
    for name, rate in (("fp4", chip.fp4_tflops), ("fp8", chip.fp8_tflops)):
        if rate:
            return name
    return "fp16"
