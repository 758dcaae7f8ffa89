"""Presence: what may stand where and when, and what may run on it: tables that topics share, no rows of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capacity.formulation.coded import Coded, derived, keyed, stacked
from capacity.formulation.index import values
from capacity.problem import Problem

CELL = ["place", "asset", "vintage"]
STANDING = ["place", "asset", "period"]
USE = ["place", "activity", "period", "slice"]


@derived
def service_years(problem: Problem) -> Coded:
    """Rows (place, asset, vintage, period) in which a vintage may serve."""
    both = stacked([keyed(problem, table).only(*CELL, "life") for table in ("asset_cells", "committed")])
    return _in_force(problem, both.merged(CELL, "life", np.maximum), "vintage").only(*CELL, "period")


def _in_force(problem: Problem, terms: Coded, since: str) -> Coded:
    """Each row with every period of its `life`, which begins in the period `since`."""
    first, period = terms.numbers(since)[:, None], problem.table("periods")["period"].to_numpy()[None, :]
    row, at = np.nonzero((first <= period) & (period < first + terms.numbers("life")[:, None]))
    return terms.take(row).with_column("period", keyed(problem, "periods").columns["period"].take(at))


@derived
def possible_use(problem: Problem) -> Coded:
    """Rows (place, asset, period, activity, slice): activities that may run there and then, on an asset or on none."""
    tables = [service_years(problem), keyed(problem, "rentals"), reserved_years(problem)]
    held = stacked([table.only(*STANDING) for table in tables]).once(*STANDING)
    usable = held.join(keyed(problem, "activities").only("activity", "asset", "first", "last"), "asset")
    usable = _in_its_years(usable).only(*STANDING, "activity").cross(keyed(problem, "slices").only("slice"))
    return stacked([usable, _asked_of_no_asset(problem)])


def _in_its_years(running: Coded) -> Coded:
    """The rows whose period is between the activity's `first` and `last`."""
    period = running.numbers("period")
    return running.where((running.numbers("first") <= period) & (period <= running.numbers("last")))


def most_serving(problem: Problem) -> Coded:
    """Rows (place, asset, period, most): the most that could serve, were all bought, rented and reserved."""
    units = stacked([
        keyed(problem, "asset_cells").only(*CELL, "max"),
        keyed(problem, "committed").only(*CELL, "count", count="max"),
    ]).merged(CELL, "max", np.add)
    owned = service_years(problem).join(units, *CELL).join(keyed(problem, "assets").only("asset", "unit_size"), "asset")
    return stacked([
        owned.only(*STANDING).plus(most=owned.numbers("max") * owned.numbers("unit_size")),
        keyed(problem, "rentals").only(*STANDING, "max", max="most"),
        reserved_years(problem).only(*STANDING, "max", max="most"),
    ]).merged(STANDING, "most", np.add)


def reserved_years(problem: Problem) -> Coded:
    """Rows (place, asset, period, max): each reservation in each period in which it may be in force."""
    table = keyed(problem, "reservations").only("place", "asset", "period", "life", "max", period="since")
    return _in_force(problem, table, "since").only(*STANDING, "max")


@derived
def _asked_of_no_asset(problem: Problem) -> Coded:
    """Activities on no asset where demand for their commodity may be served from, with the `amount` asked there."""
    activities, asking = keyed(problem, "activities"), ["demand", "commodity", "period", "slice", "amount"]
    free = activities.where(activities.is_word("asset", ""))
    free = free.only("activity", "asset", "commodity", "output_per_unit", "first", "last")
    demands, where = keyed(problem, "demands").only(*asking), ["place", "commodity", "period", "slice"]
    demands = _in_every_slice(problem, demands.with_rows_of(free, "commodity"))
    asked = keyed(problem, "assignments").only("demand", "place").join(demands, "demand")
    return _in_its_years(asked.merged(where, "amount", np.add).join(free, "commodity"))


def _in_every_slice(problem: Problem, demands: Coded) -> Coded:
    """What is asked for by the day once in every slice, where all of it may be made."""
    daily = demands.is_word("slice", "")
    if not daily.any():
        return demands
    slices, others = keyed(problem, "slices"), [name for name in demands.columns if name != "slice"]
    each = demands.where(daily).only(*others).cross(slices.only("slice", "hours"))
    each = each.plus(amount=each.numbers("amount") * slices.numbers("hours").sum() / each.numbers("hours"))
    return stacked([demands.where(~daily), each])


def most_asked(problem: Problem) -> Mapping[Any, float]:
    """Bound of the use of an activity on no asset."""
    free = _asked_of_no_asset(problem)
    made = free.numbers("output_per_unit")
    most = np.divide(free.numbers("amount"), made, out=np.zeros(free.size), where=made > 0)
    return values(free.plus(most=most), USE, "most")
