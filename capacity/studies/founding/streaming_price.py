"""What streaming costs: resident against streamed weights by load, by number of machines and by look-ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator
from capacity.serving import Modes, Slo, weight_bytes
from capacity.studies.founding.argument import Values
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.work import GPT3, MILLION, SECONDS_OF_HOUR, parameters, scaled, writer, written

YEAR = 2026
"""Year of the prices; all of the accelerators are sold or resold in it."""
LINKS = {"v100-sxm2-32": "PCIe 3", "a100-sxm-80": "PCIe 4", "h100-sxm": "PCIe 5", "gh200-96": "chip to chip, 2023",
         "gb300-nvl72": "chip to chip, 2025"}
"""An accelerator for each way to the host."""
PRICED = "gh200-96"
"""The accelerator whose price has a range here."""
LIMITS = (Slo(60.0, 0.1), Slo(60.0, 0.5), Slo(300.0, 2.0), Slo(3600.0, 20.0))
SOURCES = ("host", "nvme")
GB = 1e9
AHEAD = (1, 2, 4, 8)
GENERATIONS = ("pcie3x16", "pcie4x16", "pcie5x16", "pcie6x16")
MOST_MACHINES = 8
SPREAD = {"v100-sxm2-32": "PCIe 3", "rtx4090": "PCIe 4", "h100-sxm": "PCIe 5"}
"""Accelerators in machines of eight over which a model of a terabyte is spread."""
LOADS = tuple(float(x) for x in np.geomspace(0.1, 1000.0, 41))
"""Tokens a second that are asked of a fleet of whole copies."""


def eight_bits(chip: Accelerator) -> str:
    """The 8-bit format of weights that a chip computes in."""
    return "fp8" if chip.fp8_tflops else "int8"


def offers(facts: Facts) -> pd.DataFrame:
    """Every plan of GPT-3 at 8 bits within each limit, resident and streamed; `copy_tokens_s` of a whole copy."""
    def make() -> pd.DataFrame:
        return pd.concat([_plans(facts, name, slo) for name in LINKS for slo in LIMITS], ignore_index=True)
    return facts.keep("streamed offers", make)


def _plans(facts: Facts, name: str, slo: Slo) -> pd.DataFrame:
    chip = facts.catalogue.accelerator(name)
    found = written(facts, GPT3, chip, slo, facts.catalogue.constant("tokens_per_word"), weights=eight_bits(chip),
                    modes=Modes(streaming=SOURCES))
    size = weight_bytes(facts.catalogue.model(GPT3), eight_bits(chip)) / GB
    return _told(found, chip).assign(limit_s=slo.tpot_s, kept_gb=found["streamed"] * size)


def _told(found: pd.DataFrame, chip: Accelerator) -> pd.DataFrame:
    size = chip.host.accelerators if chip.host else chip.scale_up_domain
    return pd.DataFrame({
        "accelerator": chip.id, "link": (LINKS | SPREAD)[chip.id], "streamed": found["streamed"] > 0,
        "from": found["stream_from"], "accelerators": found["accelerators"],
        "machines": np.ceil(found["accelerators"] / size), "ttft_s": found["ttft_s"], "tpot_s": found["tpot_s"],
        "copy_tokens_s": found["output_tokens_s_per_accelerator"] * found["accelerators"]})


def hours(facts: Facts, given: Values) -> dict[str, float]:
    """USD an owner pays for an hour of each accelerator; `price` of `given` scales that of `PRICED` alone."""
    return {name: facts.hour(name, YEAR, {**given, "price": given["price"] if name == PRICED else 1.0})
            for name in LINKS | SPREAD}


def copy_hour(facts: Facts, given: Values, table: pd.DataFrame) -> pd.Series:
    """USD an hour of load of a copy: its accelerators, and the memory outside of them that its weights stream from."""
    kept = {source: facts.kept_hour(source, given) for source in SOURCES}
    where = table["from"].map(kept).fillna(0.0).astype(float)
    return table["accelerators"] * table["accelerator"].map(hours(facts, given)) + table["kept_gb"] * where


def best(facts: Facts, given: Values) -> pd.DataFrame:
    """By link and limit: cheapest resident and cheapest streamed plan, with its TTFT, TPOT and USD a million tokens."""
    table = offers(facts)
    usd = copy_hour(facts, given, table) / table["copy_tokens_s"]
    table = table.assign(usd_per_mtok=usd / SECONDS_OF_HOUR * MILLION, kind=_kind(table))
    at = table.groupby(["accelerator", "limit_s", "kind"], sort=False)["usd_per_mtok"].idxmin()
    columns = ["accelerator", "link", "limit_s", "kind", "from", "accelerators", "kept_gb", "ttft_s", "tpot_s",
               "copy_tokens_s", "usd_per_mtok"]
    return table.loc[at, columns].reset_index(drop=True)


def _kind(table: pd.DataFrame) -> pd.Series:
    return table["streamed"].map({True: "streamed", False: "resident"})


def by_load(facts: Facts, given: Values, limit_s: float) -> pd.DataFrame:
    """USD an hour of the cheapest fleet of whole copies for each load, resident and streamed, and on what.

    Plans of stricter limits serve too.
    """
    table = offers(facts)
    table = table[table["limit_s"] <= limit_s]
    each = copy_hour(facts, given, table).to_numpy()
    copies = np.ceil(np.array(LOADS)[:, None] / table["copy_tokens_s"].to_numpy()[None, :])
    cost, rows = copies * each[None, :], {"tokens_s": np.array(LOADS)}
    for name, own in (("resident", ~table["streamed"].to_numpy()), ("streamed", table["streamed"].to_numpy())):
        if not own.any():
            rows[name], rows[f"{name}_on"] = np.full(len(LOADS), np.nan), np.full(len(LOADS), "")
            continue
        at = cost[:, own].argmin(axis=1)
        rows[name] = cost[:, own].min(axis=1)
        rows[f"{name}_on"] = table.loc[own, "accelerator"].to_numpy()[at]
    return pd.DataFrame(rows).assign(limit_s=limit_s)


def wins_below(table: pd.DataFrame) -> float:
    """The largest load at which a streamed fleet is cheaper than any resident one; 0 where it never is."""
    return float(table.loc[table["streamed"] < table["resident"], "tokens_s"].max()) if (
        table["streamed"] < table["resident"]).any() else 0.0


def terabyte(facts: Facts, given: Values) -> pd.DataFrame:
    """A model of a terabyte by number of machines: quickest token and cheapest million tokens, resident and streamed.

    Each machine streams its own part. Where nothing fits the row is missing.
    """
    table = facts.keep("terabyte", lambda: pd.concat([_tera(facts, name) for name in SPREAD], ignore_index=True))
    table = table.assign(usd_per_mtok=copy_hour(facts, given, table) / table["copy_tokens_s"] / SECONDS_OF_HOUR
                         * MILLION)
    rows: list[dict[str, object]] = []
    for name, own in table.groupby("accelerator", sort=False):
        for machines in (1, 2, 4, 8):
            for kind, part in own[own["machines"] <= machines].groupby(_kind(own)):
                quick = part.iloc[int(part["tpot_s"].argmin())]
                rows.append({"accelerator": name, "link": quick["link"], "machines": machines, "kind": kind,
                             "ttft_s": quick["ttft_s"], "tpot_s": quick["tpot_s"],
                             "accelerators": quick["accelerators"], "usd_per_mtok": part["usd_per_mtok"].min()})
    return pd.DataFrame(rows)


def _tera(facts: Facts, name: str) -> pd.DataFrame:
    """Every plan of a model of a terabyte in some machines of eight."""
    chip, card = facts.catalogue.accelerator(name), facts.catalogue.model(GPT3)
    assert chip.host is not None
    size = facts.said("terabyte") * GB
    found = written(facts, scaled(card, size / parameters(card)), chip, LIMITS[-1],
                    facts.catalogue.constant("tokens_per_word"), weights=eight_bits(chip),
                    pod=MOST_MACHINES * chip.host.accelerators, modes=Modes(streaming=SOURCES))
    return _told(found, chip).assign(kept_gb=found["streamed"] * size / GB)


def by_lookahead(facts: Facts, given: Values) -> pd.DataFrame:
    """GPT-3 streamed to one accelerator by layers that fit beside the one at work: TTFT, TPOT, USD a million tokens."""
    def make() -> pd.DataFrame:
        return pd.concat([_alone(facts, facts.catalogue.accelerator(name), ahead).assign(look_ahead=ahead)
                          for name in ("h100-sxm", PRICED) for ahead in AHEAD], ignore_index=True)
    return _costed(facts, given, facts.keep("by look-ahead", make), "look_ahead")


def by_link(facts: Facts, given: Values) -> pd.DataFrame:
    """The same by generation of the link to the host: one H100 behind each, with a host's memory to itself."""
    def make() -> pd.DataFrame:
        chip = facts.catalogue.accelerator("h100-sxm")
        links = {name: float(facts.catalogue.fabric(name)["gb_s_per_dir_per_accel"]) for name in GENERATIONS}
        return pd.concat([_alone(facts, replace(chip, host_link_gb_s=rate, host=None), AHEAD[0]).assign(
            generation=name, link_gb_s=rate) for name, rate in links.items()], ignore_index=True)
    return _costed(facts, given, facts.keep("by link", make), "generation")


def _alone(facts: Facts, chip: Accelerator, ahead: int) -> pd.DataFrame:
    """The plan that writes most of GPT-3 streamed to one accelerator; no row where it cannot."""
    slo = LIMITS[-1]
    work = writer(facts, facts.catalogue.constant("tokens_per_word"), Slo(slo.ttft_s / 2, slo.tpot_s / 2))
    found = facts.frontier(GPT3, chip, work, slo, weights=eight_bits(chip), pod=1,
                           modes=Modes(streaming=SOURCES, lookahead=ahead))
    found = found[(found["streamed"] > 0) & (found["accelerators"] == 1)]
    size = weight_bytes(facts.catalogue.model(GPT3), eight_bits(chip)) / GB
    table = _told(found, chip).assign(kept_gb=found["streamed"] * size, batch=found["batch"])
    return table.sort_values("copy_tokens_s").tail(1)


def _costed(facts: Facts, given: Values, table: pd.DataFrame, by: str) -> pd.DataFrame:
    usd = copy_hour(facts, given, table) / table["copy_tokens_s"] / SECONDS_OF_HOUR * MILLION
    table = table.assign(usd_per_mtok=usd, tokens_s=table["copy_tokens_s"])
    return table[["accelerator", "link", by, "ttft_s", "tpot_s", "batch", "tokens_s", "usd_per_mtok"]]
