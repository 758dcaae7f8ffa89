"""Quantities as users write them: `20 MW`, `$3.5 billion`, `32k tokens`, `50 ms`, `7 %`.

Each type below is a float in one canonical unit. A plain number is taken in that unit; text is split here into
number, scale word and unit words, and pint does the conversion and the check of dimensions. The unit registry holds
only what a capacity plan speaks of, so that `20 mW` is refused instead of read as milliwatts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from capacity.errors import InputError, nearest

if TYPE_CHECKING:
    from pint import UnitRegistry

DEFINITIONS = """
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
tera- = 1e12 = T-
peta- = 1e15 = P-
exa- = 1e18 = E-

second = [time] = s = sec
millisecond = 1e-3 second = ms
microsecond = 1e-6 second = us
minute = 60 second = min
hour = 3600 second = h = hr
day = 24 hour
week = 7 day
year = 8766 hour = yr = a
month = 730.5 hour = mo
watt = [power] = W
watthour = watt * hour = Wh
dollar = [currency] = USD = usd
cent = 0.01 dollar
bit = [information] = b
byte = 8 bit = B
bps = bit / second
token = [text] = tok
tonne = [mass] = t = ton
kilogram = 1e-3 tonne = kg
gram = 1e-6 tonne = g
tCO2 = tonne
accelerator = [] = gpu = GPU
chip = []
tpu = [] = TPU
instance = []
pod = []
unit = []
""".strip().splitlines()

SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "K": 1e3, "million": 1e6, "mn": 1e6, "M": 1e6, "billion": 1e9, "bn": 1e9,
    "B": 1e9, "trillion": 1e12, "T": 1e12,
}  # fmt: skip
SHORT_SCALES = ("k", "K", "M", "B", "T")

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"^\s*(?P<sign>[-+])?\s*(?P<money>\$|USD\s)?\s*(?P<number>{_NUMBER})(?P<rest>.*)$", re.S)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True)
class Kind:
    """A canonical unit: what it is called, how pint spells it, examples, and how text becomes a number.

    As an annotation, `Annotated[float, KIND]` makes a pydantic field of it.
    """

    noun: str
    unit: str
    examples: tuple[str, ...]
    reading: Literal["plain", "share", "growth"] = "plain"

    def read(self, value: object) -> float:
        """`value` in the canonical unit.

        Raises PydanticCustomError (a ValueError) naming what was given, what is needed and an example.
        """
        return {"plain": _read, "share": _read_share, "growth": _read_growth}[self.reading](value, self)

    def example(self) -> str:
        """How to write one, for messages."""
        return " or ".join(f"`{e}`" for e in self.examples)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": ["number", "string"], "description": self.noun, "examples": list(self.examples)}


@cache
def _registry() -> UnitRegistry[float]:
    """The units of a plan; pint is imported at the first quantity written with a unit, not before."""
    import pint

    return pint.UnitRegistry(DEFINITIONS)


def _words() -> list[str]:
    """Spellings offered in messages: every unit, the common prefixed ones, and the scale words."""
    plain = [name for name in _registry() if len(name) > 1 or name in "shWB"]
    prefixed = ["kW", "MW", "GW", "kWh", "MWh", "GB", "TB", "PB", "EB", "Gbps", "Tbps", "Gb", "Mb", "TW"]
    return plain + prefixed + [w for w in SCALES if len(w) > 1]


def _nearest_unit(word: str) -> str | None:
    """The unit a mistyped one most resembles: right letters in the wrong case first (`mw` means `MW`)."""
    words = _words()
    return next((w for w in words if w.lower() == word.lower()), None) or nearest(word, words)


def _fail(given: object, kind: Kind, why: str) -> PydanticCustomError:
    text = f"{given!r} {why}; {kind.noun} is needed, for example {kind.example()}"
    return PydanticCustomError("quantity", "{text}", {"text": text})


def _split(text: str, kind: Kind) -> tuple[float, str]:
    """Number (scale words applied) and the unit text, `/` and spaces normalised; `%` is left in the unit."""
    found = _QUANTITY.match(text)
    if not found:
        raise _fail(text, kind, "does not start with a number" if text.strip() else "is empty")
    number = float(found["number"].replace(",", "").replace("_", ""))
    rest = found["rest"]
    short = re.match(r"([kKMBT])(?![A-Za-z0-9])", rest)
    if short and not (short[1] in "BT" and not found["money"] and kind.unit != "" and rest.strip() != short[1]):
        number, rest = number * SCALES[short[1]], rest[1:]
    rest = rest.strip()
    word = re.match(r"([A-Za-z]+)\b", rest)
    if word and word[1] in SCALES and word[1] not in SHORT_SCALES:
        number, rest = number * SCALES[word[1]], rest[word.end() :].strip()
    if found["money"]:
        rest = f"USD{rest}" if rest.startswith("/") else f"USD {rest}".strip()
    return (-number if found["sign"] == "-" else number), rest


@cache
def _factor(unit: str, canonical: str) -> float | str:
    """How many canonical units one given unit is; or what is wrong, in words."""
    registry = _registry()
    product = registry.Quantity(1.0)
    sign, position = 1, 0
    for token in re.finditer(r"\s*(\bper\b|/|\*|-|·)\s*|\s+|([A-Za-z][A-Za-z0-9]*)|(.)", unit):
        join, word, strange = token[1], token[2], token[3]
        if strange:
            return f"has {unit!r} where a unit should stand"
        if join in ("per", "/"):
            sign = -1
        if word:
            if word not in registry:
                near = _nearest_unit(word)
                return f"has the unknown unit {word!r}" + (f" (nearest: `{near}`)" if near else "")
            product = product * registry.Quantity(1.0, word) ** sign
        position = token.end()
    if position != len(unit):
        return f"has {unit!r} where a unit should stand"
    if not product.is_compatible_with(canonical):
        return f"is in {unit}, which measures something else"
    return float(product.to(canonical).magnitude)


def _read(value: object, kind: Kind) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _fail(value, kind, f"is {_noun_of(value)}")
    if isinstance(value, str):
        number, unit = _split(value, kind)
        if unit:
            factor = _factor(unit, kind.unit)
            if isinstance(factor, str):
                raise _fail(value, kind, factor)
            number = float(f"{number * factor:.15g}")  # 1.6 Tb/s is 1600 Gb/s, not 1600.0000000000002
    else:
        number = float(value)
    if not math.isfinite(number):
        raise _fail(value, kind, "is not a finite number")
    return number


def _noun_of(value: object) -> str:
    names: dict[type, str] = {bool: "a truth value", dict: "a mapping", list: "a list", type(None): "empty"}
    return names.get(type(value), f"a {type(value).__name__}")


def _read_share(value: object, kind: Kind) -> float:
    percent = re.fullmatch(rf"\s*([-+]?{_NUMBER})\s*(%|percent)\s*", value) if isinstance(value, str) else None
    share = float(percent[1].replace(",", "")) / 100 if percent else _read(value, kind)
    if not 0 <= share <= 1:
        hint = f" (did you mean `{value} %`?)" if not percent and 1 < share <= 100 else ""
        raise _fail(value, kind, f"is outside 0 to 1{hint}")
    return share


def _read_growth(value: object, kind: Kind) -> float:
    if isinstance(value, str):
        text = value.strip()
        percent = re.fullmatch(rf"([-+]?{_NUMBER})\s*(%|percent)(\s*(/|per|a)\s*(year|yr|a))?", text)
        times = re.fullmatch(rf"({_NUMBER})\s*[x×](\s*(/|per|a)\s*(year|yr|a))?", text)
        if percent:
            value = 1 + float(percent[1]) / 100
        elif times:
            value = float(times[1])
    factor = _read(value, kind)
    if factor <= 0:
        raise _fail(value, kind, "is not a positive factor")
    return factor


MEGAWATTS = Kind("a power in MW", "megawatt", ("20 MW", "1.5 GW"))
DOLLARS = Kind("an amount of money in USD", "dollar", ("$3.5 billion", "40000 USD"))
DOLLARS_PER_HOUR = Kind("a price in USD per hour", "dollar/hour", ("$2.50/hour",))
DOLLARS_PER_KWH = Kind("a power price in USD per kWh", "dollar/kilowatthour", ("$0.06/kWh", "$60/MWh"))
DOLLARS_PER_TONNE = Kind("a carbon price in USD per tonne", "dollar/tonne", ("$80/tonne",))
FRACTION = Kind("a share from 0 to 1", "", ("7 %", "0.07"), "share")
GIGABITS_PER_SECOND = Kind("a data rate in Gb/s", "gigabit/second", ("400 Gb/s", "1.6 Tbps"))
GIGABYTES_PER_YEAR = Kind("an amount of memory per year in GB/year", "gigabyte/year", ("5 EB/year", "5e9"))
GROWTH = Kind("a growth factor per year", "", ("1.9x", "25 %", "1.25"), "growth")
HOURS = Kind("a time in hours", "hour", ("2 h", "90 min"))
MONTHS = Kind("a time in months", "month", ("18 months", "1.5 years"))
SECONDS = Kind("a time in seconds", "second", ("50 ms", "2 s"))
TOKENS = Kind("a number of tokens", "token", ("32k tokens", "32000"))
COUNT = Kind("a count", "", ("3 million", "1.5k", "2000"))
TONNES = Kind("a mass in tonnes", "tonne", ("2 million tonnes", "500 kt"))
YEARS = Kind("a time in years", "year", ("5 years", "60 months"))

Megawatts = Annotated[float, MEGAWATTS]
Dollars = Annotated[float, DOLLARS]
DollarsPerHour = Annotated[float, DOLLARS_PER_HOUR]
DollarsPerKwh = Annotated[float, DOLLARS_PER_KWH]
DollarsPerTonne = Annotated[float, DOLLARS_PER_TONNE]
Fraction = Annotated[float, FRACTION]
GigabitsPerSecond = Annotated[float, GIGABITS_PER_SECOND]
GigabytesPerYear = Annotated[float, GIGABYTES_PER_YEAR]
Growth = Annotated[float, GROWTH]
Hours = Annotated[float, HOURS]
Months = Annotated[float, MONTHS]
Seconds = Annotated[float, SECONDS]
Tokens = Annotated[float, TOKENS]
Count = Annotated[float, COUNT]
Tonnes = Annotated[float, TONNES]
Years = Annotated[float, YEARS]


def quantity(text: object, kind: Kind, what: str) -> float:
    """A quantity given on the command line, in the kind's unit; raises InputError naming the option `what`."""
    try:
        return kind.read(text)
    except PydanticCustomError as error:
        raise InputError(f"{what}: {error.message()}") from error
