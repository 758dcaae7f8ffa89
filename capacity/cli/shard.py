"""`capacity shard`: how one copy of a model may be sharded over an accelerator, and what each way is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson
from capacity.cli.shard_plans import Bench, Question, explain_plans, print_plans, readable
from capacity.errors import InputError, nearest

if TYPE_CHECKING:
    from capacity.catalogue import Catalogue
    from capacity.catalogue.cards import Accelerator
    from capacity.network import FabricDesign
    from capacity.scenario.schema import Scenario, ServiceClass
    from capacity.serving import Calibration

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
    branches: Annotated[Text, typer.Option(help="Parallel branches or samples per instance.")] = None,
    weights: Annotated[str, typer.Option(help="Precisions of the weights, joined by commas, or any.")] = "fp8",
    kv: Annotated[str, typer.Option(help="Precisions of the KV cache, joined by commas, or any.")] = "fp8",
    modes: Annotated[str, typer.Option(
        help="Of kv-offload,parts,streaming,disaggregated those to try beside plain copies; or all, none.")] = "all",
    prefill_on: Annotated[Text, typer.Option(metavar="G", help="Other accelerators for prefill's own pool.")] = None,
    shared_prefix: Annotated[bool, typer.Option(
        help="Attention reads what branches share once for all of them.")] = False,
    speculate: Annotated[int | None, typer.Option(min=1, metavar="TOKENS", help="Draft so many ahead.")] = None,
    acceptance: Annotated[Text, typer.Option(help="How often a drafted token is accepted, such as 70%.")] = None,
    draft: Annotated[Text, typer.Option(metavar="MODEL", help="The model that drafts.")] = None,
    draft_cost: Annotated[Text, typer.Option(help="Or drafting a token as a share of a step, such as 5%.")] = None,
    backend: Annotated[Text, typer.Option(help="Also predict each plan with aiconfigurator, where installed.")] = None,
    fabric: Annotated[Text, typer.Option(help="Scale-out fabric; default the scenario's first.")] = None,
    size: Annotated[Text, typer.Option(help="Accelerators in the pod; default the scenario's.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of purchase, for the price; default the price year.")] = None,
    usd_per_hour: Annotated[Text, typer.Option(help="Price of an accelerator-hour instead, such as $2/hour.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Most plans to print.")] = 20,
    explain: Annotated[bool, typer.Option(help="Show where each plan's time to a token goes.")] = False,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """Print the Pareto frontier of sharding plans: memory, latency, throughput, cost, and what limits each."""
    from capacity.catalogue import load_catalogue
    from capacity.cli.shard_modes import modes_of
    from capacity.scenario import load_scenario

    basis = load_scenario(scenario)
    service = _service(basis, like, {
        "ttft": ttft, "tpot": tpot, "percentile": percentile, "context_mean": context, "context_p95": context_p95,
        "output_tokens": output, "fresh_input_tokens": fresh, "cached_input_tokens": cached, "turns": turns,
        "branches": branches,
    })  # fmt: skip
    cat = load_catalogue(basis.catalogue)
    asked = modes_of(cat, modes, shared_prefix, speculate, acceptance, draft, draft_cost)
    bench = _bench(cat, basis, accelerator, fabric, size)
    pool = bench if prefill_on is None else _bench(cat, basis, prefill_on, fabric, size)
    if prefill_on is not None and not asked.disaggregated:
        raise InputError("--prefill-on: only with disaggregated among --modes")
    question = Question(cat.model(model), bench, pool, service, weights, kv, asked, _calibration(cat, basis))
    found = question.frontier()
    bought = year or basis.money.price_year
    price = _price(cat, basis, bench, usd_per_hour, bought)
    other = price if prefill_on is None else _price(cat, basis, pool, None, bought)
    found = question.costed(found, price, other)
    if backend:
        from capacity.serving.backends import with_backend

        found = with_backend(found.head(rows), backend, question.card, bench.chip, question.workload)
    if csv or json:
        print_plans(found, csv=csv, json=json)
        return
    print_plans(readable(found.head(rows), backend), title=question.title(price))
    if explain:
        explain_plans(question, found.head(rows))
    typer.echo(f"{min(rows, len(found))} of {len(found)} plans; each holds the limits at the percentile under load")


def _bench(cat: Catalogue, basis: Scenario, accelerator: str, fabric: str | None, size: str | None) -> Bench:
    """An accelerator in a pod of the asked size and fabric, else the scenario's."""
    from capacity.network import fabric_design, interconnect
    from capacity.scenario.units import COUNT, quantity

    chip = cat.accelerator(accelerator)
    pod = int(quantity(size, COUNT, "--size")) if size else int(max(basis.pods.size, chip.scale_up_domain))
    design = fabric_design(cat, fabric or basis.pods.fabrics[0], chip, pod)
    return Bench(chip, interconnect(cat, chip, design), design, pod)


def _calibration(cat: Catalogue, basis: Scenario) -> Calibration:
    from capacity.serving import Calibration, calibration_of

    return Calibration.read(Path(basis.serving.calibration)) if basis.serving.calibration else calibration_of(cat)


def _price(cat: Catalogue, basis: Scenario, bench: Bench, given: str | None, year: int) -> float:
    """USD per accelerator-hour: as given, else as bought and powered."""
    from capacity.scenario.units import DOLLARS_PER_HOUR, quantity

    return (quantity(given, DOLLARS_PER_HOUR, "--usd-per-hour") if given
            else _hourly_price(cat, basis, bench.chip, bench.design, year))


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
