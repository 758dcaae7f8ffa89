"""Training beside inference in one plan: what share of the fleet's compute serves, year by year."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from capacity.errors import InfeasibleError
from capacity.plan import Plan
from capacity.studies.founding.argument import Argument, Chart, Figure, Input, Outcome, Part, Values
from capacity.studies.founding.facts import HOURS, Facts
from capacity.studies.founding.price import trained_inputs
from capacity.studies.founding.say import share, short, times, usd
from capacity.studies.founding.tipping import LOOSE, planned
from capacity.studies.founding.work import MILLION

REACH = 2.0
"""A flip is looked for up to so many times beyond the range of an input."""
NONE = 1e-9
"""Shares are kept so far from 0 and 1 where their odds are taken."""
SERVES, TRAINS, SPARE = "serving", "training", "spare or idle"


def _inputs(facts: Facts) -> tuple[Input, ...]:
    asked = (*trained_inputs(facts),
             facts.input("trends", "training_compute", "growth", "growth a year of the compute of the largest runs",
                         least=1.0),
             facts.input("constants", "training_trend_years", "lasts", "years for which that trend goes on"))
    return tuple(replace(given, search="range", reach=REACH) for given in asked)


def largest_run(facts: Facts) -> pd.Series:
    """The training run of most accelerator-hours on record."""
    runs = facts.catalogue.table("training_runs")
    run: pd.Series = runs.iloc[int(runs["accelerator_hours_m"].argmax())]
    return run


def hours_a_year(run: pd.Series, given: Values) -> float:
    """Accelerator-hours a year of a laboratory that trains such a model, research included, once in a model's life."""
    return float(run["accelerator_hours_m"]) * MILLION * given["trials"] / given["years"]


def runs(facts: Facts, run: pd.Series, given: Values, lasts: float) -> str:
    """`training=` of a scenario: a run of 12 months for each year of the plan, on any accelerator sold by then.

    Operations as in the largest run on record, times growth a year for `lasts` years from it. Every accelerator is
    taken to train at the same share of its peak.
    """
    plan, cat = planned(facts, ()), facts.catalogue
    pods = plan.problem.words["pods"]
    kinds = {str(pod): str(kind) for pod, kind in zip(pods["pod"], pods["accelerator"], strict=True)}
    sold = plan.problem.table("asset_cells").groupby("asset")["vintage"].min()
    peak = {name: cat.accelerator(name).bf16_tflops for name in kinds.values()}
    base = hours_a_year(run, given) * cat.accelerator(str(run["accelerator"])).bf16_tflops
    first = {kinds[str(pod)]: int(year) for pod, year in sold.items()}
    told = {}
    for year in (int(y) for y in plan.tables["schedule"]["year"]):
        wanted = base * given["growth"] ** min(year - int(run["year"]), lasts) / HOURS
        on = {kind: round(wanted / peak[kind]) for kind, begins in first.items() if begins <= year}
        told[f"in-{year}"] = {"accelerators": on, "begins": year, "months": "12 months"}
    return "training=" + json.dumps(told)


def longest(facts: Facts, run: pd.Series, given: Values) -> tuple[Plan, float]:
    """The plan with training on its trend, and the years it lasts: those given, or fewer where no plan bears them.

    What is too long stays too long with more years, which only ask for more: that is found out once.
    """
    lasts, rest = given["lasts"], tuple(sorted((name, value) for name, value in given.items() if name != "lasts"))
    too_long = facts.keep(("too long", rest), dict[str, float])
    while lasts > 1:
        try:
            if lasts < too_long.get("from", float("inf")):
                return trained(facts, run, given, lasts), lasts
        except InfeasibleError:
            too_long["from"] = lasts
        lasts -= 1
    return trained(facts, run, given, 0.0), 0.0


def trained(facts: Facts, run: pd.Series, given: Values, lasts: float) -> Plan:
    """The plan for 8 billion with training that grows for so many years. Raises InfeasibleError where there is none."""
    def make() -> Plan | InfeasibleError:
        try:
            return planned(facts, (runs(facts, run, given, lasts),), LOOSE)
        except InfeasibleError as error:
            return error
    found = facts.keep(("trained", runs(facts, run, given, lasts)), make)
    if isinstance(found, InfeasibleError):
        raise found
    return found


def fleet_years(facts: Facts, plan: Plan) -> pd.DataFrame:
    """Accelerators by year: serving (at the busiest hour), training, spare; and shares of inference.

    `share_of_inference` weighs each accelerator by its peak; `share_of_accelerators` counts heads.
    """
    heads = {SERVES: plan.tables["sharding"].rename(columns={"accelerators_used": "count"}),
             TRAINS: plan.tables["training"].rename(columns={"accelerators": "count"}),
             "all": plan.tables["fleet"].rename(columns={"accelerators": "count"})}
    years = plan.tables["schedule"]["year"]
    table, peak = pd.DataFrame({"year": years}), pd.DataFrame({"year": years})
    for name, rows in heads.items():
        rows = rows[["year", "accelerator", "count"]].astype({"accelerator": str})
        rows = rows.assign(ops=rows["count"] * rows["accelerator"].map(
            lambda kind: facts.catalogue.accelerator(kind).bf16_tflops))
        sums = rows.groupby("year")[["count", "ops"]].sum().reindex(years, fill_value=0.0)
        table[name], peak[name] = sums["count"].to_numpy(), sums["ops"].to_numpy()
    table[SPARE] = table.pop("all") - table[SERVES] - table[TRAINS]
    table["share_of_accelerators"] = table[SERVES] / (table[SERVES] + table[TRAINS])
    table["share_of_inference"] = peak[SERVES] / (peak[SERVES] + peak[TRAINS])
    table["serving_peak"], table["training_peak"] = peak[SERVES], peak[TRAINS]
    return table


def _share(facts: Facts, given: Values) -> Outcome:
    run, most = largest_run(facts), facts.claim("inference_share")
    steady, (plan, lasts) = trained(facts, run, given, 0.0), longest(facts, run, given)
    stays, grows = fleet_years(facts, steady), fleet_years(facts, plan)
    over = float(grows["serving_peak"].sum() / (grows["serving_peak"] + grows["training_peak"]).sum())
    early, late = (float(grows["share_of_inference"].iloc[at]) for at in (0, -1))
    first, last = (int(grows["year"].iloc[at]) for at in (0, -1))
    parts = (
        Part("most compute is spent on inference if training stays as it is",
             f"{share(float(stays['share_of_inference'].iloc[0]))} in {first}, "
             f"{share(float(stays['share_of_inference'].iloc[-1]))} in {last}",
             *_passes(float(stays["share_of_inference"].iloc[0]), most)),
        Part("and while training grows with its trend, at first", f"{share(early)} in {first}", *_passes(early, most)),
        Part(f"over all years to {last}", f"{share(over)} of the fleet-years in use",
             *_passes(over, most)),
        Part("and in the end", f"{share(late)} in {last}", *_passes(late, most)),
    )
    shares = pd.DataFrame({"year": grows["year"], "training grows with its trend": grows["share_of_inference"],
                           "training stays": stays["share_of_inference"]}).set_index("year")
    even = hours_a_year(run, given) / HOURS
    told = dict(given) == {asked.name: asked.mid for asked in _inputs(facts)}  # only then the reading is
    further = not told or _bears(facts, run, given, lasts + 1)
    if not further:  # so that no input's longer trend is tried again
        longest(facts, run, {**given, "lasts": lasts + 1})
    return Outcome(parts, (Figure(f"share of inference in {last}", late, "share", "solved plan with training runs"),
                           Figure("share over all fleet-years", over, "share", "solved plan with training runs"),
                           Figure("share of inference in the first year", early, "share",
                                  "solved plan with training runs"),
                           Figure("years that the trend lasts in the plan", lasts, "years", "supply.csv, solved plan"),
                           Figure("accelerators at which serving equals training as it was", even, "accelerators",
                                  f"training_runs.csv {run['model']}")),
                   _reading(run, given, grows, plan, steady, lasts, further, parts[0].holds and not parts[1].holds),
                   {"training grows": grows, "training stays": stays},
                   (Chart("Share of compute in use that serves", "share", shares),
                    Chart("Accelerators in the plan with training", "million",
                          grows.set_index("year")[[TRAINS, SERVES, SPARE]] / MILLION)))


def _passes(part: float, most: float) -> tuple[bool, float]:
    """Whether a share is above another, and by how much in log-odds, in which an input's logarithm acts in a line."""
    sure = min(max(part, NONE), 1 - NONE)
    return part > most, float(np.log(sure / (1 - sure)) - np.log(most / (1 - most)))


def _bears(facts: Facts, run: pd.Series, given: Values, lasts: float) -> bool:
    """Whether there is a plan at all with a trend of so many years."""
    try:
        trained(facts, run, given, lasts)
    except InfeasibleError:
        return False
    return True


def _reading(run: pd.Series, given: Values, grows: pd.DataFrame, plan: Plan, steady: Plan, lasts: float,
             further: bool, turned: bool) -> str:
    top = grows.iloc[int(grows["share_of_inference"].argmin())]
    bill, plain = (float(p.tables["schedule"][["capex_usd", "opex_usd"]].to_numpy().sum()) for p in (plan, steady))
    cut = (f"The plan bears it for {short(lasts)} years from {run['year']:.0f} and not one more: then power and memory "
           "of the world give out" if lasts < given["lasts"] else
           f"Let it go on for {short(lasts)} years from {run['year']:.0f}, to {run['year'] + lasts:.0f}, and then stop"
           + ("" if further else "; a year more and no plan exists, for want of the world's power and memory"))
    return (
        f"The accelerator-hours behind {run['model']}, research included, are few: as many as "
        f"{short(hours_a_year(run, given) / HOURS)} accelerators have in a year. Whoever serves on more spends most on "
        f"inference. The largest runs grow {times(given['growth'])} a year. {cut}. In the plan for 8 billion "
        f"copies, training then takes its machines out of the same supply, and in {top['year']:.0f} inference has "
        f"{share(float(top['share_of_inference']))} of the compute in use. Training makes the whole plan cost "
        f"{usd(bill)} instead of {usd(plain)}. When its growth ends, the machines that trained serve: by "
        f"{grows['year'].iloc[-1]:.0f} inference has {share(float(grows['share_of_inference'].iloc[-1]))}. "
        + ("So the sentence is true of a world that has stopped scaling and false of one that scales." if turned
           else ""))


ARGUMENTS = (
    Argument("share", "Inference takes most of the compute", "Most compute used for deep learning is spent not on "
             "training but on inference.", _inputs, _share),
)
__all__ = ["ARGUMENTS", "fleet_years", "runs", "trained"]
