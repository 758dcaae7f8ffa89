"""Are the program's numbers of a size that a solver handles well? If not: which rows, in the user's words.

HiGHS works with absolute tolerances of 1e-7 to 1e-6, so coefficients far from one lose digits or are taken for zero
(Klotz and Newman, Practical guidelines for solving difficult mixed integer linear programs, 2013, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity.errors import InputError
from capacity.solving.compile import Form

LEAST, MOST = 1e-4, 1e6
"""Coefficients should stay between these; the waist's units (thousands, millions, MW) are chosen so that they do."""

SHOWN = 3

WORDS = {
    "every_demand_is_served_or_short": "demand {0}", "serve_only_from_open_places": "demand {0}",
    "limits_hold": "limit {0}", "buy_only_where_open": "pod design at a site {0}",
    "use_only_what_still_serves": "what serves at a site {0}",
    "serve_within_latency_what_is_made": "service at a site {0}",
    "blocks_carry_what_stands_in_them": "power at a site {0}", "lit_modules_carry_the_traffic": "traffic on link {0}",
    "grid_and_land_bound_blocks": "phases at a site {0}", "build_only_where_open": "phases at a site {0}",
}
"""How to say a rule; any other is named as it is."""


@dataclass(frozen=True)
class Spread:
    """Coefficients of all rows: the least and the largest in size, and the rows that hold one out of range."""

    least: float
    most: float
    rows: NDArray[np.int64]

    @property
    def sound(self) -> bool:
        """Whether all coefficients are of a good size."""
        return len(self.rows) == 0


def check_size(form: Form) -> None:
    """Refuse what HiGHS cannot take: it reads any side from 1e20 on as no limit. Raises InputError."""
    needs = {
        "factor": (form.matrix.data, 1e15), "need": (form.row_lower, 1e20), "limit": (-form.row_upper, 1e20),
        "cost": (np.abs(np.concatenate(list(form.cost.values()))), 1e20),
    }
    for what, (numbers, most) in needs.items():
        worst = np.abs(numbers).max(initial=0.0) if what == "factor" else numbers.max(initial=0.0)
        if worst >= most:
            raise InputError(f"a {what} of {worst:.1g} in the model is too large to solve with; look for a demand, "
                             "price, budget or size in the scenario that is beyond the world")


def spread(form: Form) -> Spread:
    """Sizes of a form's coefficients."""
    size = np.abs(form.matrix.data)
    odd = np.flatnonzero((size < LEAST) | (size > MOST))
    rows = np.unique(np.searchsorted(form.matrix.indptr, odd, side="right") - 1).astype(np.int64)
    return Spread(float(size.min(initial=np.inf)), float(size.max(initial=0.0)), rows)


def warnings(form: Form) -> list[str]:
    """One sentence for each rule with coefficients out of range: which rows, how far, how many more."""
    found = spread(form)
    by_rule: dict[str, list[int]] = {}
    for row in found.rows.tolist():
        by_rule.setdefault(form.row_names[row].partition("[")[0], []).append(row)
    return [_sentence(form, rule, rows) for rule, rows in by_rule.items()]


def _sentence(form: Form, rule: str, rows: list[int]) -> str:
    def index(row: int) -> str:
        return form.row_names[row].partition("[")[2].removesuffix("]").replace(",", ", ")

    matrix = form.matrix
    sizes = [np.abs(matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]) for row in rows]
    worst = max(rows, key=lambda row: _distance(sizes[rows.index(row)]))
    of_worst = sizes[rows.index(worst)]
    odd = float(of_worst[np.argmax(np.abs(np.log10(of_worst)))])
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    said = WORDS.get(rule, rule.replace("_", " ") + " ({0})").format(index(worst))
    return (f"numbers of very different size: {said}{more} has a factor of {odd:.1e}, outside {LEAST:g} to {MOST:g}; "
            "what is that small or large may be lost in rounding")


def _distance(sizes: NDArray[np.float64]) -> float:
    return float(np.abs(np.log10(sizes)).max())
