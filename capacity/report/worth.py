"""What the service costs against what it could replace: wages, and the same tokens at public API prices."""

from __future__ import annotations

from html import escape

import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import dollars
from capacity.report.charts import Band, log_line
from capacity.report.marks import chip, table, tag

NOTE = (
    "Equal yearly annuities of everything in service, plus energy, upkeep and rent, over the hours served. Wages are "
    "nominal, the lowest and highest of the regions."
)
API_NOTE = (
    "List prices for the output, fresh and cached input tokens of one instance-hour, the newest of each provider that "
    "the catalogue knows. The models differ in what they can do: no equivalence is implied."
)


def worth_section(plan: Plan) -> str:
    """Cost per instance-hour by year over bands of wages and API prices, and the API prices themselves."""
    costs = plan.tables["schedule"].set_index("year")["usd_per_instance_hour"]
    chart = log_line(costs, _price, "$ per instance-hour", "Cost per instance-hour by year", _bands(plan))
    left = tag("div", tag("h3", "Cost per instance-hour") + tag("p", NOTE) + chart, class_="card")
    return tag("div", left + _api(plan), class_="pair")


def _price(value: float) -> str:
    """Two digits are enough on a chart."""
    return dollars(float(f"{value:.2g}"))


def _bands(plan: Plan) -> list[Band]:
    wages = plan.tables["regions"]["wage_usd_h"].dropna()
    prices = plan.tables["token_prices"]["usd_per_instance_hour"]
    out = []
    for name, values, class_, right in (
        ("nominal wages", wages, "wages", False), ("same tokens at API list prices", prices, "api", True)
    ):
        if len(values) and float(values.min()) > 0:
            told = f"{name}: {_range(values)} an hour"
            out.append(Band(told, float(values.min()), float(values.max()), class_, right))
    return out


def _range(values: pd.Series) -> str:
    low, high = (dollars(float(v), cents=True) for v in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _api(plan: Plan) -> str:
    prices = plan.tables["token_prices"]
    if not len(prices):
        return ""
    classes = list(dict.fromkeys(prices["service_class"]))
    key = ["provider", "model", "as_of"]
    wide = prices.pivot_table(index=key, columns="service_class", values="usd_per_instance_hour", aggfunc="first")
    sure = prices.drop_duplicates(key).set_index(key)["confidence"]
    wide = wide.sort_values(classes[0])
    rows = [
        [
            f"{escape(str(at[1]))} <small>{escape(str(at[0]))}, {escape(str(at[2]))}</small> {chip(str(sure[at]))}",
            *[dollars(float(line[c]), cents=True) for c in classes],
        ]
        for at, line in wide.iterrows() if isinstance(at, tuple)
    ]
    last = plan.tables["schedule"].iloc[-1]
    ours = dollars(float(last["usd_per_instance_hour"]), cents=True)
    rows.append([tag("b", f"this plan, {int(last['year'])}") + " <small>cost, all classes together</small>",
                 *[tag("b", ours) for _ in classes]])
    headers = ["API and date of its price", *[f"{escape(c)}<br><small>$/instance-hour</small>" for c in classes]]
    title = tag("h3", "The same tokens from an API") + tag("p", API_NOTE)
    return tag("div", title + table(headers, rows), class_="card")
