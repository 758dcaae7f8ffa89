"""Measured rows predicted by us and by peers: `python -m benchmarks.measured [FILE.csv...] [--rows N] [--as-shipped]`.

Takes about N rows of each kind of model and metric of the tables, evenly spread, unsaturated, and asks

    capacity         as shipped, fitted to these rows too; and with the row's whole model left out of the fit
    aiconfigurator   interpolated kernels that its authors measured on these systems (`aiconfigurator`)
    GenZ             a roofline over operators (`genz-llm`): steps of attention that it knows, no queue, no first token
    roofline         bytes over bandwidth or FLOPs over peak, whichever is longer, all at once: the ideal

and prints mean and median absolute percentage errors, bias and how many rows each answered. `beside` are our errors,
model left out, on exactly the rows that a peer answered. Without peers installed their lines are absent.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import genz
from capacity.catalogue import load_catalogue
from capacity.catalogue.locate import data_folder
from capacity.errors import InputError
from capacity.serving.architecture import architecture, bytes_of, stored_bytes
from capacity.serving.backends import AICONFIGURATOR, aiconfigurator_of
from capacity.serving.calibrate import fit_links, fixed_values, priors_of
from capacity.serving.calibration import calibration_of
from capacity.serving.leaveout import leave_out, once
from capacity.serving.measured import read_measurements
from capacity.serving.validate import predict

METRICS = ("tpot_ms", "ttft_ms")
ROWS = 60
MILLI, GIGA, TERA = 1e-3, 1e9, 1e12
BACKENDS = {"vllm": "vllm", "sglang": "sglang"}
"""Its names of engines; TensorRT-LLM for all others."""


def sample(rows, count):
    """About so many rows of each kind and metric, evenly spread over the tables."""
    asked = rows[rows["metric"].isin(METRICS) & rows["predicted"].notna() & ~rows["saturated"]
                 & rows["load"].isin(("closed", "static"))]
    groups = (group.iloc[np.unique(np.linspace(0, len(group) - 1, count).round().astype(int))]
              for _, group in asked.groupby(["kind", "metric"]))
    return pd.concat(list(groups))


def left_out(rows, catalogue):
    """Predictions of all rows by fits that have not seen the row's model."""
    priors = priors_of(catalogue)
    fixed = {**fixed_values(priors), **fit_links(rows, catalogue, priors)[0]}
    return leave_out(rows, catalogue, priors, fixed, "model", lambda text: None).predicted


def kernels_of_aiconfigurator(row, card, chip):
    """Milliseconds of a row; InputError where it has no answer."""
    found = aiconfigurator_of(card, chip).ask(
        row["weights"], row["kv"], row["batch"] / row["replicas"], isl=round(row["input"]),
        osl=max(round(row["output"]), 2), backend_name=BACKENDS.get(row["engine"], "trtllm"),
        **{name: int(row[name]) for name in ("tp", "pp", "ep", "dp")})
    if found[2]:
        raise InputError(found[2])
    return found[METRICS[::-1].index(row["metric"])] / MILLI


def step_of_genz(row, card, chip):
    if row["metric"] != "tpot_ms":
        raise InputError("GenZ: no first token under load")
    plan = {name: row[name] for name in ("tp", "pp", "ep", "dp")} | {"batch": row["batch"] / row["replicas"]}
    context = row["input"] + row["output"] / 2.0
    try:
        return genz.tpot_s(genz.model_of(card), genz.chip_of(chip), plan, context, row["weights"]) / MILLI
    except (ValueError, AssertionError, KeyError, IndexError, ZeroDivisionError) as error:
        raise InputError(f"GenZ: {error}") from error


def ideal(row, card, chip):
    """Weights and KV once at full bandwidth, or all FLOPs at peak; a prompt alone."""
    arch = architecture(card)
    shards, each = row["tp"] * row["pp"] * row["dp"], stored_bytes(row["weights"], card.native_precision)
    active = arch.active_experts / arch.experts if arch.experts else 1.0
    tokens, kv = row["input"], 0.0
    if row["metric"] == "tpot_ms":
        tokens = row["batch"] / row["replicas"]
        kv = tokens * (row["input"] + row["output"] / 2.0) * arch.kv_values * bytes_of(row["kv"])
    touched = 1.0 - (1.0 - active) ** tokens
    memory = ((arch.resident + arch.routed * touched) * each + kv) / (chip.memory_bandwidth_gb_s * GIGA)
    compute = 2.0 * tokens * (arch.resident + arch.routed * active) / (chip.tflops(row["weights"]) * TERA)
    return max(memory, compute) / shards / MILLI


def answers(rows, catalogue, ask):
    """What a peer says of each row; NaN where it has no answer, and why most often."""
    found, why = [], []
    for row in rows.to_dict("records"):
        try:
            found.append(ask(row, catalogue.model(row["model"]), catalogue.accelerator(row["accelerator"])))
        except InputError as error:
            found.append(np.nan)
            why.append(str(error)[:90])
    return pd.Series(found, index=rows.index), pd.Series(why, dtype=str).value_counts()


def line(name, value, rows, among):
    error = (value / rows["value"] - 1.0)[value.notna() & among]
    if error.empty:
        return f"  {name:<34}{0:>6}"
    ape = error.abs() * 100.0
    return f"  {name:<34}{len(error):>6}{ape.mean():>9.0f} %{ape.median():>9.0f} %{error.mean() * 100.0:>+9.0f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="tables of measurements; default: the shipped ones")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of each kind and metric; default {ROWS}")
    parser.add_argument("--as-shipped", action="store_true", help="do not fit again without each model")
    given = parser.parse_args()
    catalogue = load_catalogue()
    files = given.files or sorted((data_folder() / "measured").glob("*.csv"))
    rows = once(read_measurements(files, catalogue), catalogue)
    rows = predict(rows, catalogue, calibration_of(catalogue))
    rows["kind"] = rows["model"].map({name: card.kind for name, card in catalogue.models().items()})
    ours = {"capacity, as shipped": rows["predicted"]}
    if not given.as_shipped:
        ours["capacity, its model left out"] = left_out(rows, catalogue)
    chosen = sample(rows, given.rows)
    peers = {"roofline": ideal}
    if genz.installed():
        peers["GenZ"] = step_of_genz
    if find_spec(AICONFIGURATOR) is not None:
        peers[AICONFIGURATOR] = kernels_of_aiconfigurator
    said = {name: answers(chosen, catalogue, ask) for name, ask in peers.items()}
    print(f"  {'':<34}{'rows':>6}{'mean':>11}{'median':>11}{'bias':>11}")
    for (kind, metric), group in chosen.groupby(["kind", "metric"]):
        print(f"{kind}, {metric}")
        for name, value in ours.items():
            print(line(name, value[group.index], group, True))
        for name, (value, _) in said.items():
            mine = value[group.index]
            print(line(name, mine, group, True))
            if mine.notna().any() and mine.isna().any():
                for own, known in ours.items():
                    print(line(f"  {own}, beside", known[group.index], group, mine.notna()))
    for name, (value, why) in said.items():
        for reason, count in why.head(3).items():
            print(f"{name}: no answer to {count} of {len(value)} rows: {reason}")


if __name__ == "__main__":
    main()
