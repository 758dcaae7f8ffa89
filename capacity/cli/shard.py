"""`capacity shard`: how one copy of a model may be sharded over an accelerator, and what each way is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson
from capacity.errors import InputError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalogue import Catalogue
    from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
    from capacity.network import FabricDesign
    from capacity.scenario.schema import Scenario, ServiceClass
    from capacity.serving import Slo, Workload

Text = str | None


def shard(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An AI model: see `capacity catalogue models`.")],
    accelerator: Annotated[str, typer.Option("--accelerator", "-a", metavar="G", help="What it runs on.")],
    ttft: Annotated[Text, typer.Option(help="Limit of the time to first token, such as 2s.")] = None,
    tpot: Annotated[Text, typer.Option(help="Limit of the time per output token, such as 50ms.")] = None,
    percentile: Annotated[Text, typer.Option(help="At which both hold, such as 95%.")] = None,
    context: Annotated[Text, typer.Option(help="Mean context, such as 8k.")] = None,
    context_p95: Annotated[Text, typer.Option(help="Its 95th percentile; default twice the mean.")] = None,
    output: Annotated[Text, typer.Option(help="Output tokens per human-hour.")] = None,
    fresh: Annotated[Text, typer.Option(help="Fresh input tokens per human-hour.")] = None,
    cached: Annotated[Text, typer.Option(help="Cached input tokens per human-hour.")] = None,
    turns: Annotated[Text, typer.Option(help="Requests per human-hour.")] = None,
    like: Annotated[str, typer.Option(help="The scenario's class that gives what is not stated.")] = "thinker",
    scenario: Annotated[Text, typer.Option(help="That scenario; default human-equivalents.")] = None,
    weights: Annotated[str, typer.Option(help="Precision of the weights.")] = "fp8",
    kv: Annotated[str, typer.Option(help="Precision of the KV cache.")] = "fp8",
    fabric: Annotated[Text, typer.Option(help="Scale-out fabric; default the scenario's first.")] = None,
    size: Annotated[Text, typer.Option(help="Accelerators in the pod; default the scenario's.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of purchase, for the price; default the price year.")] = None,
    usd_per_hour: Annotated[Text, typer.Option(help="Price of an accelerator-hour instead, such as $2/hour.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Most plans to print.")] = 20,
    explain: Annotated[bool, typer.Option(help="Show where the time of each plan's decode step goes.")] = False,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """Print the Pareto frontier of sharding plans: memory, latency, throughput, cost, and what limits each."""
    from capacity.catalogue import load_catalogue
    from capacity.cli.tables import print_frame
    from capacity.network import fabric_design, interconnect
    from capacity.scenario import load_scenario
    from capacity.scenario.units import COUNT, DOLLARS_PER_HOUR, quantity
    from capacity.serving import Slo, Workload, cost_per_million_tokens, frontier, why_empty

    basis = load_scenario(scenario)
    service = _service(basis, like, {
        "ttft": ttft, "tpot": tpot, "percentile": percentile, "context_mean": context, "context_p95": context_p95,
        "output_tokens": output, "fresh_input_tokens": fresh, "cached_input_tokens": cached, "turns": turns,
    })  # fmt: skip
    cat = load_catalogue(basis.catalogue)
    card, chip = cat.model(model), cat.accelerator(accelerator)
    pod = int(quantity(size, COUNT, "--size")) if size else int(max(basis.pods.size, chip.scale_up_domain))
    design = fabric_design(cat, fabric or basis.pods.fabrics[0], chip, pod)
    links = interconnect(cat, chip, design)
    cell = (card, chip, links, Workload.of(service), Slo(service.ttft, service.tpot, service.percentile))
    found = frontier(*cell, weights=weights, kv=kv, max_accelerators=pod)
    if found.empty:
        raise InputError(f"{card.id} on {chip.id}: {why_empty(*cell, weights=weights, kv=kv, max_accelerators=pod)}")
    if usd_per_hour:
        price = quantity(usd_per_hour, DOLLARS_PER_HOUR, "--usd-per-hour")
    else:
        price = _hourly_price(cat, basis, chip, design, year or basis.money.price_year)
    found = found.assign(usd_per_million_tokens=cost_per_million_tokens(found, price))
    found = found.sort_values("instances_per_accelerator", ascending=False, ignore_index=True)
    if csv or json:
        print_frame(found, csv=csv, json=json)
        return
    title = _title(card, chip, links, service, weights, kv, price)
    print_frame(_readable(found.head(rows)), title=title, all_columns=True)
    if explain:
        _explain(cell, found.head(rows), weights, kv)
    typer.echo(f"{min(rows, len(found))} of {len(found)} plans; each holds the limits at the percentile under load")


def _service(basis: Scenario, like: str, given: dict[str, str | None]) -> ServiceClass:
    """The named class with the stated quantities in place of its own."""
    from pydantic import ValidationError

    from capacity.scenario.schema import ServiceClass

    if like not in basis.classes:
        near = nearest(like, list(basis.classes))
        hint = f"; did you mean `{near}`?" if near else ""
        raise InputError(f"--like: `{like}` is not a class of {basis.name}; classes: {', '.join(basis.classes)}{hint}")
    stated = {key: value for key, value in given.items() if value is not None}
    data = basis.classes[like].model_dump()
    if "context_mean" in stated:
        data["context_p95"] = None
    try:
        return ServiceClass.model_validate({**data, **stated})
    except ValidationError as error:
        first = error.errors()[0]
        option = {"context_mean": "context", "output_tokens": "output", "fresh_input_tokens": "fresh",
                  "cached_input_tokens": "cached"}.get(str(first["loc"][0]), str(first["loc"][0]).replace("_", "-"))
        raise InputError(f"--{option} {given.get(str(first['loc'][0]))}: {first['msg']}") from error


def _hourly_price(cat: Catalogue, basis: Scenario, chip: Accelerator, design: FabricDesign, year: int) -> float:
    """USD per accelerator-hour: annuity of chip and fabric, upkeep, and power at the catalogue's median site."""
    from capacity.problem.money import annuity_due
    from capacity.problem.world import HOURS_PER_YEAR

    money = basis.money
    bought = cat.price(chip.id, year, money.price_level)
    yearly = (bought + design.price_usd_per_accelerator) * annuity_due(money.discount_rate, money.it_life)
    yearly += bought * money.upkeep_share
    sites = cat.table("sites")
    power = chip.it_power_w / 1000 * float(sites["pue"].median()) * float(sites["power_usd_kwh"].median())
    return float(yearly / HOURS_PER_YEAR + power)


BAR = 50
"""Characters of the longest bar."""
MARKS = {"weights": "█", "kv": "▓", "flops": "▒", "collectives": "░", "overhead": "·"}


def _explain(cell: tuple[ModelCard, Accelerator, Interconnect, Workload, Slo], found: pd.DataFrame, weights: str,
             kv: str) -> None:
    """One bar a plan: the time of its decode step by part, all bars to one scale."""
    from capacity.serving import step_budget

    card, chip, links, work, _ = cell
    budgets = [step_budget(card, chip, links, work, row, weights=weights, kv=kv) for _, row in found.iterrows()]
    longest = max(float(budget["seconds"].sum()) for budget in budgets)
    typer.echo("a decode step: " + "  ".join(f"{mark} {part}" for part, mark in MARKS.items()))
    for (_, row), budget in zip(found.iterrows(), budgets, strict=True):
        bar = "".join(MARKS[part] * round(BAR * seconds / longest)
                      for part, seconds in zip(budget["part"], budget["seconds"], strict=True))
        name = f"tp {row['tp']} pp {row['pp']} ep {row['ep']} dp {row['dp']}"
        shares = "  ".join(f"{part} {share:.0%}" for part, share in zip(budget["part"], budget["share"], strict=True))
        typer.echo(f"{name:<26}{budget['seconds'].sum() * 1000:7.1f} ms  {bar}")
        typer.echo(f"{'':<26}{shares}")


def _readable(found: pd.DataFrame) -> pd.DataFrame:
    """The columns a planner compares, in milliseconds and short names."""
    import pandas as pd

    return pd.DataFrame({
        "tp": found["tp"], "pp": found["pp"], "ep": found["ep"], "dp": found["dp"], "chips": found["accelerators"],
        "KV in": found["kv_home"], "batch": found["batch"].round(), "inst/chip": found["instances_per_accelerator"],
        "GB": found["memory_gb"].round(1), "TTFT ms": (found["ttft_s"] * 1000).round(),
        "TPOT ms": (found["tpot_s"] * 1000).round(1), "tok/s/chip": found["output_tokens_s_per_accelerator"].round(1),
        "W/chip": found["power_w_per_accelerator"].round(), "$/Mtok": found["usd_per_million_tokens"].round(3),
        "limit": found["limited_by"],
    })  # fmt: skip


def _title(card: ModelCard, chip: Accelerator, links: Interconnect, service: ServiceClass, weights: str, kv: str,
           price: float) -> str:
    return (
        f"{card.name} on {chip.name}: weights {weights}, KV {kv}, scale-up domain {links.domain}, pod {links.reach}\n"
        f"TTFT {service.ttft:g} s and TPOT {service.tpot * 1000:g} ms at p{service.percentile * 100:g}, context "
        f"{service.context_mean:,.0f} tokens; ${price:.2f} per accelerator-hour\n"
    )
