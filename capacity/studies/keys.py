"""Which numbers of a scenario a study may move, what they are now, and how `x0.8`, `+5 MW` or a level moves them.

A path is one that `--set` knows. `*` stands for every entry of a mapping (`sites.*.power_price`). Two further names
move several keys at once: `demand.growth` (yearly factor of every class) and `demand.amount` (all demand, by a factor).
"""

from __future__ import annotations

import re
import types
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from capacity.catalogue import Catalogue, load_catalogue
from capacity.errors import CapacityError, InputError, nearest
from capacity.problem.world import World
from capacity.scenario import Scenario
from capacity.scenario.units import Kind, quantity

GROWTH, AMOUNT = "demand.growth", "demand.amount"
"""Names that move the demand of all classes."""

SITE_CARD = {
    "power_price": ("power_usd_kwh", 1.0), "carbon": ("carbon_g_kwh", 1.0), "lead_time": ("lead_months", 1.0),
    "pue": ("pue", 1.0), "grid_limit": ("grid_limit_mw", 1.0), "grid_ramp": ("grid_ramp_mw", 1.0),
    "existing": ("existing_mw", 1.0), "build_cost_per_mw": ("build_musd_per_mw", 1e6),
    "opening_cost": ("opening_musd", 1e6),
}
"""Keys of a site, the card's field that holds the number when the scenario states none, and its unit in the key's."""

_SHARE_HINT = {"supply": ", or move supply.share by a factor"}

_SEGMENT = re.compile(r'"([^"]*)"|([^."]+)')
_FACTOR = re.compile(r"^[x×]\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)$")


@dataclass(frozen=True)
class Base:
    """A scenario whose numbers are to be moved, as plain data."""

    scenario: Scenario

    @cached_property
    def data(self) -> dict[str, Any]:
        """The resolved scenario: canonical units, years as text."""
        return self.scenario.model_dump(mode="json")

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue it speaks of."""
        return load_catalogue(self.scenario.catalogue)

    @cached_property
    def sites(self) -> dict[str, Any]:
        """Cards of the sites with the scenario's overrides."""
        return {site.id: site for site in World(self.scenario, self.catalogue).sites}

    def sets(self, path: str, text: str) -> tuple[str, ...]:
        """The `path=value` overrides that move one varied key to `text` (a value, `x0.8` or `+5 MW`).

        Raises InputError naming the path and the nearest key when the scenario has none of that name, or has no number
        there to multiply or add to.
        """
        text = text.strip()
        if path == GROWTH and not self.scenario.demand.table:
            return self._demand_growth(text)
        if path == AMOUNT:
            return self._demand_amount(text)
        moved = _FACTOR.match(text) or text.startswith("+")
        out: list[str] = []
        for keys in self._paths(path):
            kind = kind_at(keys)
            if not moved or (text.startswith("+") and kind is not None and kind.reading == "growth"):
                out.append(f"{spell(keys)}={text}")
            else:
                out += self._moved(keys, text, kind)
        return tuple(out)

    def number(self, path: str) -> float:
        """The number at a path now, in its canonical unit. Raises InputError where there is none."""
        (keys, *others) = self._paths(path)
        value = self._value(keys)
        if others or not _is_number(value):
            raise InputError(f"{path}: one number is needed there, the scenario has {_noun(value, others)}")
        return float(value)

    def _paths(self, path: str) -> list[tuple[str, ...]]:
        """The keys of a path, `*` written out and names of accelerators taken by alias."""
        found: list[tuple[str, ...]] = [()]
        keys = self._run(path)
        for at, key in enumerate(keys):
            below: list[tuple[str, ...]] = []
            for start in found:
                level = self._get(start)
                if key == "*":
                    if not isinstance(level, dict) or not level:
                        raise InputError(f"{path}: `*` stands for the entries of a mapping; {spell(start)} is none")
                    below += [(*start, name) for name in level]
                else:
                    below.append((*start, self._name(path, start, key, last=at == len(keys) - 1)))
            found = below
        return found

    def _run(self, path: str) -> list[str]:
        """Keys of a path; names chosen by the user may hold dots, so the longest run that exists counts as one key."""
        parts = [a or b.strip() for a, b in _SEGMENT.findall(path)]
        keys: list[str] = []
        while parts:
            level = self._get(tuple(k for k in keys)) if "*" not in keys else None
            present = level if isinstance(level, dict) else {}
            run = next((n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in present), 1)
            keys.append(".".join(parts[:run]))
            parts = parts[run:]
        if not keys:
            raise InputError("a key to vary is missing, for example `money.discount_rate`")
        return keys

    def _get(self, keys: tuple[str, ...]) -> Any:
        level: Any = self.data
        for key in keys:
            if isinstance(level, dict):
                level = level.get(key)
            elif isinstance(level, list) and key.isdigit() and int(key) < len(level):
                level = level[int(key)]
            else:
                return None
        return level

    def _name(self, path: str, start: tuple[str, ...], key: str, last: bool) -> str:
        """The key as the scenario spells it."""
        level = self._get(start)
        if isinstance(level, dict) and key in level:
            return key
        if isinstance(level, list):
            if key.isdigit() and int(key) < len(level):
                return key
            raise InputError(f"{path}: {spell(start)} is a list of {len(level)}; name an entry by number from 0")
        if start == ("accelerators",):
            by_card = self._accelerator(key)
            if by_card is not None:
                return by_card
        fields = fields_at(start)
        if fields is None and last and isinstance(level, dict) and start not in (("accelerators",), ("sites",)):
            return key  # a new year, say
        if fields is not None and key in fields:
            return key
        valid = list(level) if isinstance(level, dict) else []
        valid += [name for name in fields or () if name not in valid]
        valid += ["growth", "amount"] if start == ("demand",) else []
        near = nearest(key, valid)
        hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(valid) or 'none'}"
        raise InputError(f"{path}: `{key}` is not in the scenario; {hint}")

    def _accelerator(self, name: str) -> str | None:
        try:
            card = self.catalogue.accelerator(name)
        except CapacityError:
            return None
        return next((n for n in self.scenario.accelerators if self.catalogue.accelerator(n).id == card.id), None)

    def _value(self, keys: tuple[str, ...]) -> Any:
        """What stands at the keys, the site's card consulted where the scenario is silent."""
        value = self._get(keys)
        if value is None and len(keys) == 3 and keys[0] == "sites" and keys[2] in SITE_CARD:
            field, unit = SITE_CARD[keys[2]]
            value = getattr(self.sites[keys[1]], field) * unit
        return value

    def _moved(self, keys: tuple[str, ...], text: str, kind: Kind | None) -> list[str]:
        value = self._value(keys)
        factor = _factor(text)
        if keys[0] == "accelerators" and keys[-1] == "price" and value is None and factor is not None:
            now = self._get((*keys[:-1], "price_factor"))
            return [f"{spell((*keys[:-1], 'price_factor'))}={_plain((1.0 if now is None else now) * factor)}"]
        leaves = list(_leaves(value, keys))
        if not leaves or not all(_is_number(v) for _, v in leaves):
            raise InputError(f"{spell(keys)}={text}: there is no number to move, the scenario has {_noun(value)}; "
                             "give a value instead" + _SHARE_HINT.get(keys[0], ""))
        if factor is not None:
            return [f"{spell(k)}={_plain(v * factor)}" for k, v in leaves]
        more = quantity(text[1:], kind, f"{spell(keys)}={text}") if kind else _number(text[1:], f"{spell(keys)}={text}")
        return [f"{spell(k)}={_plain(v + more)}" for k, v in leaves]

    def _demand_growth(self, text: str) -> tuple[str, ...]:
        kind, factor = kind_at(("demand", "classes", "", "growth")), _factor(text)
        assert kind is not None
        out: list[str] = []
        length = self.scenario.years.last - self.scenario.years.first
        for name, path in self.scenario.demand.classes.items():
            if path.by_year:
                raise InputError(f"{GROWTH}: class {name} is given by year; vary {AMOUNT}=x1.2 instead")
            growth = path.growth
            if growth is None and path.start and path.end and length:
                growth = (path.end / path.start) ** (1 / length)
            if factor is not None and growth is None:
                raise InputError(f"{GROWTH}={text}: class {name} has no growth to multiply; give a value such as 1.5")
            value = growth * factor if factor is not None and growth is not None else quantity(text, kind, GROWTH)
            here = ("demand", "classes", name)
            if path.start is not None and path.end is not None:
                out.append(f"{spell((*here, 'end'))}=null")
            out.append(f"{spell((*here, 'growth'))}={_plain(value)}")
        return tuple(out)

    def _demand_amount(self, text: str) -> tuple[str, ...]:
        factor = _factor(text)
        if factor is None:
            raise InputError(f"{AMOUNT}={text}: demand as a whole is moved by a factor, such as {AMOUNT}=x1.2")
        out = []
        for name in self.scenario.demand.classes:
            for key in ("start", "end", "by_year"):
                keys = ("demand", "classes", name, key)
                out += [f"{spell(k)}={_plain(v * factor)}" for k, v in _leaves(self._get(keys), keys) if v is not None]
        for i, row in enumerate(self.scenario.demand.table):
            out.append(f"demand.table.{i}.instances={_plain(row.instances * factor)}")
        return tuple(out)


def spell(keys: tuple[str, ...]) -> str:
    """A path as `--set` reads it: names with dots or other marks in quotes."""
    return ".".join(key if re.fullmatch(r"[\w -]+", key) else f'"{key}"' for key in keys) or "scenario"


def kind_at(keys: tuple[str, ...]) -> Kind | None:
    """The unit in which the number at the keys is written; None for plain numbers, names and mappings."""
    found: list[Any] = [Scenario]
    for key in keys:
        found = [inner for kind in found for inner in _below(kind, key)]
    for kind in found:
        for part in _parts(kind):
            units = [m for m in getattr(part, "__metadata__", ()) if isinstance(m, Kind)]
            if units:
                return units[0]
    return None


def fields_at(keys: tuple[str, ...]) -> list[str] | None:
    """The keys the scenario knows below some keys; None where the user chooses the names."""
    found: list[Any] = [Scenario]
    for key in keys:
        found = [inner for kind in found for inner in _below(kind, key)]
    parts = [part for kind in found for part in _parts(kind)]
    if any(get_origin(part) is dict for part in parts):
        return None
    return sorted({f for part in parts if isinstance(part, type) and issubclass(part, BaseModel)
                   for f in part.model_fields})


def _parts(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for inner in get_args(annotation) for part in _parts(inner)]
    return [annotation]


def _below(annotation: Any, key: str) -> list[Any]:
    out: list[Any] = []
    for part in _parts(annotation):
        plain = get_args(part)[0] if get_origin(part) is Annotated else part
        if isinstance(plain, type) and issubclass(plain, BaseModel) and key in plain.model_fields:
            field = plain.model_fields[key]
            unit = [m for m in field.metadata if isinstance(m, Kind)]
            out.append(Annotated[field.annotation, unit[0]] if unit else field.annotation)
        elif get_origin(plain) is dict:
            out.append(get_args(plain)[1])
        elif get_origin(plain) is list:
            out.append(get_args(plain)[0])
    return out


def _factor(text: str) -> float | None:
    found = _FACTOR.match(text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        raise InputError(f"{text}: a factor is written x0.8") from None


def _leaves(value: Any, keys: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, (*keys, str(key)))]
    return [] if value is None else [(keys, value)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{what}: {text!r} is not a number") from None


def _plain(value: float) -> str:
    return f"{value:.12g}"


def _noun(value: Any, others: Any = None) -> str:
    if others:
        return "several"
    return "nothing" if value is None else "a mapping" if isinstance(value, dict) else repr(value)
