"""What a plan charges and owns, what it takes on beside its fleet, and what runs at which hour: tables of its page."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import count, dollars, share, whole
from capacity.report.marks import heat, table, tag


def accounts_section(plan: Plan) -> str:
    """Prices of an instance-hour and of a million tokens by year; what is invested, written off and owed."""
    return _prices(plan) + _accounts(plan)


def _prices(plan: Plan) -> str:
    prices = plan.tables["prices"]
    if not len(prices) or plan.scenario is None:
        return ""
    year, margin = int(prices["price_year"].iloc[0]), plan.scenario.money.margin
    trained = bool((prices["training_usd_per_instance_hour"].fillna(0.0) != 0).any())
    rows = [
        [tag("b", str(r["year"])), *(_usd(r[column]) for column in PRICES),
         *([_usd(r["training_usd_per_instance_hour"])] if trained else [])]
        for r in prices.to_dict("records")
    ]
    headers = [
        "year", "cost<br><small>$/instance-h</small>", "price<br><small>$/instance-h</small>",
        f"<br><small>in {year} money</small>", "price<br><small>$/Mtok out</small>",
        f"<br><small>in {year} money</small>",
        *(["of it training<br><small>$/instance-h</small>"] if trained else []),
    ]
    told = f"Nominal, and in money of {year} at general inflation."
    told += f" The price holds a margin of {share(margin)}." if margin else " No margin is asked for: price is cost."
    told += " Training runs are recovered as the scenario says." if trained else ""
    return tag("h3", "Price of an instance-hour and of tokens") + tag("p", escape(told)) + table(headers, rows)


PRICES = ("cost_usd_per_instance_hour", "price_usd_per_instance_hour", "real_price_usd_per_instance_hour",
          "price_usd_per_million_output_tokens", "real_price_usd_per_million_output_tokens")


def _usd(value: float) -> str:
    return "–" if np.isnan(value) else dollars(value, cents=True)


def _accounts(plan: Plan) -> str:
    accounts = plan.tables["accounts"]
    if not len(accounts):
        return ""
    owed = bool((accounts["debt_usd"] != 0).any())
    columns = ["invested_usd", "depreciation_usd", "book_usd", *(["debt_usd", "interest_usd"] if owed else [])]
    rows = [[tag("b", str(r["year"])), *(dollars(r[c]) for c in columns)] for r in accounts.to_dict("records")]
    headers = ["year", "invested", "written off", "book value<br><small>at the end of the year</small>",
               *(["debt", "interest"] if owed else [])]
    return tag("h3", "Accounts") + tag(
        "p", "Nominal USD; written off in equal parts over planned lives. The last book value is what is left over."
    ) + table(headers, rows)


def options_section(plan: Plan) -> str:
    """On-site power, reserved accelerators and training runs; nothing where the plan has none."""
    return _onsite(plan.tables["onsite"]) + _reserved(plan.tables["reservations"]) + _trained(plan.tables["training"])


def _onsite(given: pd.DataFrame) -> str:
    rows = [
        [escape(r["site"]), escape(r["name"]), str(r["year"]), count(r["built"]), whole(r["mw"]), whole(r["mean_mw"])]
        for r in given.to_dict("records")
    ]
    headers = ["site", "what", "year", "blocks<br><small>new</small>", "MW<br><small>in service</small>",
               "MW<br><small>given, mean of the year</small>"]
    return tag("h3", "On-site power") + table(headers, rows, left=2) if rows else ""


def _reserved(given: pd.DataFrame) -> str:
    rows = [
        [escape(r["site"]), escape(r["accelerator"]), escape(r["contract"]), f"{r['year']}–{r['last']}",
         count(r["accelerators"])] for r in given.to_dict("records")
    ]
    headers = ["site", "accelerator", "contract", "years", "accelerators"]
    return tag("h3", "Reserved accelerators") + table(headers, rows, left=3) if rows else ""


def _trained(given: pd.DataFrame) -> str:
    rows = [
        [escape(r["run"]), escape(r["site"]), escape(r["accelerator"]), str(r["year"]), f"{r['months']:g}",
         count(r["accelerators"]), count(r["energy_gwh"]), dollars(r["cost_usd"])] for r in given.to_dict("records")
    ]
    headers = ["run", "site", "on", "year", "months", "accelerators", "energy<br><small>GWh</small>", "cost"]
    return tag("h3", "Training runs") + table(headers, rows, left=3) if rows else ""


def day_section(plan: Plan) -> str:
    """Accelerators in use by class and slice of the last year's day, batch work below the rest; nothing for one slice.
    """
    used = plan.tables["day"]
    slices = plan.problem.table("slices")["slice"].tolist()
    if not len(used) or len(slices) < 2:
        return ""
    last = int(used["year"].max())
    now = used[used["year"] == last]
    wide = now.pivot_table(index=["batch", "service_class"], columns="slice", values="accelerators_used",
                           aggfunc="sum", fill_value=0.0).reindex(columns=slices, fill_value=0.0)
    rows = [(f"{name} (batch)" if batch else str(name), [float(v) for v in wide.loc[(batch, name)]])
            for batch, name in wide.index]
    rows.append(("all classes", wide.sum().tolist()))
    told = f"Accelerators in use in {last}. "
    told += "Batch work is done where other classes leave room." if now["batch"].any() else ""
    return tag("p", told.strip()) + heat(["class", *map(escape, slices)], rows, count, float(wide.sum().max()))
