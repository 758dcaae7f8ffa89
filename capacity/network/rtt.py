"""Round trips between places: measured where two metros near them were, fitted to distance elsewhere.

    measured   rtt(metro, metro) + 2 * way to both metros * route inflation / fibre speed
    fitted     intercept + slope * km                                    from `rtt_fit_from` km on
               rtt_at_zero at 0 km, rising linearly to meet the line     below

The numbers are rows of `wan_costs.csv`, which tells where each comes from. Measurements are P95 over 30 days
(`rtt_measured.csv`), and so is the fit: a round trip for planning, not a typical one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from capacity.catalogue.catalogue import Catalogue
from capacity.errors import InputError

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""
MS = 1000.0

Floats = NDArray[np.float64]


class Place(Protocol):
    """Anything with a name and coordinates: a Site, a Region."""

    @property
    def id(self) -> str:
        """Name."""

    @property
    def latitude(self) -> float:
        """Degrees, north positive."""

    @property
    def longitude(self) -> float:
        """Degrees, east positive."""


def great_circle_km(latitude: ArrayLike, longitude: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Floats:
    """Great-circle distance in km between points in degrees (haversine); arguments broadcast against each other."""
    north, east, north2, east2 = (np.radians(np.asarray(x, dtype=float))
                                  for x in (latitude, longitude, latitude2, longitude2))
    half = np.sin((north2 - north) / 2) ** 2 + np.cos(north) * np.cos(north2) * np.sin((east2 - east) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def distances_km(sources: Sequence[Place], targets: Sequence[Place]) -> Floats:
    """Matrix (sources x targets) of great-circle distances in km."""
    a, b = _coordinates(sources), _coordinates(targets)
    return great_circle_km(a[:, :1], a[:, 1:], b[:, 0], b[:, 1])


def wan_figures(cat: Catalogue) -> dict[str, float]:
    """Item -> middle value of `wan_costs.csv`, each in the unit that its row states."""
    table = cat.table("wan_costs")
    return dict(zip(table["item"].astype(str), table["value"].astype(float), strict=True))


def fibre_ms(km: ArrayLike, figures: dict[str, float]) -> Floats:
    """Round trip in ms over fibre between points `km` apart on the great circle, along a usual, longer route."""
    route_km = np.asarray(km, dtype=float) * figures["route_inflation_over_great_circle"]
    return np.asarray(2 * route_km / figures["fibre_speed"] * MS)


def fitted_ms(km: ArrayLike, figures: dict[str, float]) -> Floats:
    """Round trip in ms by distance alone; continuous and rising from 0 km on."""
    distance = np.asarray(km, dtype=float)
    start, intercept, slope = figures["rtt_fit_from"], figures["rtt_fit_intercept"], figures["rtt_fit_slope"]
    at_zero = figures["rtt_at_zero"]
    near = at_zero + distance * (intercept + slope * start - at_zero) / start
    return np.where(distance < start, near, intercept + slope * distance)


def round_trips(sources: Sequence[Place], targets: Sequence[Place], cat: Catalogue) -> pd.DataFrame:
    """Round trip of every source with every target.

    Returns a table (len(sources) * len(targets) rows, sources outermost): `source`, `target` (ids), `rtt_ms`, `km`
    (great circle) and `basis`: `measured` where a metro within `rtt_metro_radius` km of each end has a measurement
    with the other's, else `fitted`. Raises InputError for coordinates that are no place on earth.
    """
    figures = wan_figures(cat)
    km = distances_km(sources, targets)
    rtt, basis = fitted_ms(km, figures), np.full(km.shape, "fitted", dtype=object)
    measured = _measured_ms(sources, targets, cat, figures)
    known = np.isfinite(measured)
    rtt[known], basis[known] = measured[known], "measured"
    return pd.DataFrame({
        "source": np.repeat([place.id for place in sources], len(targets)).astype(str),
        "target": np.tile([place.id for place in targets], len(sources)).astype(str),
        "rtt_ms": rtt.ravel(), "km": km.ravel(), "basis": basis.ravel().astype(str),
    })


def _measured_ms(sources: Sequence[Place], targets: Sequence[Place], cat: Catalogue,
                 figures: dict[str, float]) -> Floats:
    """Matrix of measured round trips with the way to the metros; NaN where none is near or none was measured."""
    metros = cat.table("metros")
    matrix = _matrix(metros["id"].astype(str), cat.table("rtt_measured"))
    spots = metros[["latitude", "longitude"]].to_numpy(dtype=float)
    near_source, km_source = _nearest(_coordinates(sources), spots)
    near_target, km_target = _nearest(_coordinates(targets), spots)
    way = fibre_ms(km_source[:, None] + km_target[None, :], figures)
    radius = figures["rtt_metro_radius"]
    reach = (km_source <= radius)[:, None] & (km_target <= radius)[None, :]
    return np.where(reach, matrix[near_source[:, None], near_target[None, :]] + way, np.nan)


def _matrix(names: pd.Series, measured: pd.DataFrame) -> Floats:
    """Square matrix of measured round trips by metro, the same in both directions; NaN where there is none."""
    at = pd.Series(np.arange(len(names)), index=names)
    rows = at.loc[measured["source_metro"]].to_numpy()
    columns = at.loc[measured["target_metro"]].to_numpy()
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[rows, columns] = matrix[columns, rows] = measured["rtt_ms"].to_numpy(dtype=float)
    return matrix


def _nearest(points: Floats, spots: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Index of the nearest spot to each point, and how far it is in km."""
    km = great_circle_km(points[:, :1], points[:, 1:], spots[:, 0], spots[:, 1])
    nearest = km.argmin(axis=1)
    return nearest, km[np.arange(len(points)), nearest]


def _coordinates(places: Sequence[Place]) -> Floats:
    """Matrix (places x 2) of latitudes and longitudes."""
    points = np.array([(place.latitude, place.longitude) for place in places], dtype=float).reshape(-1, 2)
    wrong = ~((np.abs(points[:, 0]) <= 90) & (np.abs(points[:, 1]) <= 180))  # a quarter and a half of a turn
    if wrong.any():
        place = places[int(np.flatnonzero(wrong)[0])]
        raise InputError(f"place `{place.id}`: latitude {place.latitude:g}, longitude {place.longitude:g} is no place "
                         "on earth; allowed: latitude -90 to 90, longitude -180 to 180")
    return points
