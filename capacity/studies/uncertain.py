"""Uncertain inputs: distributions stated in a study, or those that the catalogue gives (low, mid, high)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capacity.errors import InputError
from capacity.scenario.units import quantity
from capacity.studies.keys import AMOUNT, Base, kind_at

LEVELS = ("low", "mid", "high")
LEVEL_WEIGHTS = (0.25, 0.5, 0.25)
"""Of low, mid and high where a scenario names a level: the outer quartiles and the half between them."""
NORMAL_95 = 1.6448536269514722
"""Standard deviations from the median to the 95 % point of a normal distribution."""


@dataclass(frozen=True)
class Input:
    """One uncertain key: ends and middle as numbers, in units of the key or as factors; or a list of choices.

    `shape`: triangular, uniform, lognormal (low and high are its 5 % and 95 % points) or choice.
    """

    path: str
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    shape: str = "triangular"
    factor: bool = False
    choices: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    source: str = field(default="", compare=False)

    def at(self, share: float) -> str:
        """The value below which the share (0..1) of the distribution lies, as `--vary` reads it."""
        if self.shape == "choice":
            total, reached = sum(self.weights), 0.0
            for choice, weight in zip(self.choices, self.weights, strict=True):
                reached += weight / total
                if share < reached:
                    return choice
            return self.choices[-1]
        return self._text(self._quantile(share))

    def low_end(self) -> str:
        """The low value."""
        return self.choices[0] if self.shape == "choice" else self._text(self.low)

    def high_end(self) -> str:
        """The high value."""
        return self.choices[-1] if self.shape == "choice" else self._text(self.high)

    def _text(self, value: float) -> str:
        return f"{'x' if self.factor else ''}{value:.8g}"

    def _quantile(self, share: float) -> float:
        low, mid, high = self.low, self.mid, self.high
        if self.shape == "uniform" or high <= low:
            return low + share * (high - low)
        if self.shape == "lognormal":
            from scipy.special import ndtri

            spread = math.log(high / low) / (2 * NORMAL_95)
            inside = min(max(share, 1e-9), 1 - 1e-9)
            return math.sqrt(low * high) * math.exp(spread * float(ndtri(inside)))
        turn = (mid - low) / (high - low)
        if share < turn:
            return low + math.sqrt(share * (high - low) * (mid - low))
        return high - math.sqrt((1 - share) * (high - low) * (high - mid))


def stated_input(base: Base, path: str, given: Mapping[str, Any], where: str) -> Input:
    """An input from a study file's `{low, mid, high, shape}` or `{values, weights}`. Raises InputError naming it."""
    here = f"{where}: inputs: {path}"
    if given.get("values"):
        choices = tuple(str(v) for v in given["values"])
        weights = tuple(float(w) for w in given.get("weights") or [1.0] * len(choices))
        if len(weights) != len(choices) or min(weights) < 0 or sum(weights) <= 0:
            raise InputError(f"{here}: weights must be one number of at least 0 for each value, not all 0")
        for choice in choices:
            base.sets(path, choice)
        return Input(path, shape="choice", choices=choices, weights=weights, source=where)
    if given.get("low") is None or given.get("high") is None:
        raise InputError(f"{here}: give low and high, or values")
    ends = [str(given["low"]), str(given["high"])]
    return _between(base, path, ends, given.get("mid"), str(given.get("shape") or "triangular"), here)


def _between(base: Base, path: str, ends: Sequence[str], mid: object, shape: str, where: str) -> Input:
    factors = [_factor(end) for end in ends]
    if any(f is None for f in factors) and any(f is not None for f in factors):
        raise InputError(f"{where}: low and high must both be factors such as x0.8, or both values")
    factor = factors[0] is not None
    numbers = [f if f is not None else _read(base, path, end, where) for f, end in zip(factors, ends, strict=True)]
    low, high = numbers
    if low >= high:
        raise InputError(f"{where}: low {ends[0]} must be below high {ends[1]}")
    if shape == "lognormal" and low <= 0:
        raise InputError(f"{where}: a lognormal input must be above zero; low is {ends[0]}")
    if mid is not None:
        middle = _factor(str(mid)) if factor else _read(base, path, str(mid), where)
        if middle is None or not low <= middle <= high:
            raise InputError(f"{where}: mid {mid} must lie between low {ends[0]} and high {ends[1]}")
    else:
        middle = 1.0 if factor else _now(base, path, low, high)
        middle = min(max(middle, low), high)
    base.sets(path, f"{'x' if factor else ''}{middle:.8g}")
    return Input(path, low, middle, high, shape, factor, source=where)


def _factor(text: str) -> float | None:
    text = text.strip()
    try:
        return float(text[1:]) if text[:1] in ("x", "×") else None
    except ValueError:
        return None


def _read(base: Base, path: str, text: str, where: str) -> float:
    keys = path if "*" not in path else None
    kind = kind_at(tuple(path.split("."))) if keys else _wild_kind(path)
    if kind is not None:
        return quantity(text, kind, where)
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a number; use values: [...] for names") from None


def _wild_kind(path: str) -> Any:
    return kind_at(tuple(path.split(".")))


def _now(base: Base, path: str, low: float, high: float) -> float:
    try:
        return base.number(path)
    except InputError:
        return (low + high) / 2


def catalogue_inputs(base: Base) -> list[Input]:
    """Every uncertain input that the catalogue and the scenario state: prices, levels, estimates, `uncertainty.csv`."""
    found = _prices(base) + _levels(base) + _estimates(base)
    for row in base.catalogue.table("uncertainty").to_dict("records"):
        path = str(row["key"])
        if path == AMOUNT or _applies(base, path, str(row["low"])):
            ends = [str(row["low"]), str(row["high"])]
            found.append(_between(base, path, ends, None, str(row["shape"]), f"uncertainty.csv: {path}"))
    return found


def _applies(base: Base, path: str, low: str) -> bool:
    """Whether the scenario has a number there: sites of the user's own may lack one, and then it is not varied."""
    try:
        return bool(base.sets(path, low))
    except InputError:
        return False


def _prices(base: Base) -> list[Input]:
    found = []
    for name, given in base.scenario.accelerators.items():
        card = base.catalogue.accelerator(name)
        stated = given is not None and given.price is not None
        low, high = card.price_low_usd / card.price_usd, card.price_high_usd / card.price_usd
        if low < high and not stated:
            path = f"accelerators.{name}.price"
            found.append(Input(path, low, 1.0, high, "triangular", True, source=f"accelerators.csv: {card.source}"))
    return found


def _levels(base: Base) -> list[Input]:
    """Keys that name a level of the catalogue: low, mid or high."""
    supply, levels = base.scenario.supply, []
    if "catalogue" in (supply.accelerators, supply.hbm, supply.power):
        levels.append("supply.level")
    if base.scenario.archetypes.include:
        levels += [f"archetypes.{k}" for k in ("compute", "bandwidth", "memory", "power", "price")]
    return [Input(path, shape="choice", choices=LEVELS, weights=LEVEL_WEIGHTS, source="levels of the catalogue")
            for path in levels]


def _estimates(base: Base) -> list[Input]:
    """Equivalence factors given as low, mid, high: one number stands for all three when varied."""
    found = []
    for name, variant in base.scenario.variants.items():
        for service, value in variant.equivalence.items():
            if not isinstance(value, int | float):
                path = f"variants.{name}.equivalence.{service}"
                found.append(Input(path, value.low, value.mid, value.high, source="the scenario's own estimate"))
    return found


def ends_of(base: Base, path: str, low: str, high: str) -> tuple[float, float, Callable[[float], str]]:
    """Two values of a key as numbers, and how to write one between them. Raises InputError unless low is below high."""
    found = _between(base, path, (low, high), None, "uniform", f"{path} from {low} to {high}")
    return found.low, found.high, found._text
