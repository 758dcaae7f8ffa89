"""Fabrics and collectives against their targets: `python -m benchmarks.network [--size 100000] [--json]`.

Prints, in CPU time of one core: all figures of every design that holds so many accelerators (target: under 1 s each);
the price of eight-plane rail-optimised fat-trees against the published steps (target: within 15 %); the time that
collectives take by the planner's formula, with the shipped calibration, against NCCL's tables for messages from 8 KB
to 1 GB, by table and group size (target: all-reduce within 25 %, median).
"""

from __future__ import annotations

import argparse
import json
import time

import pandas as pd

from capacity.catalogue import load_catalogue
from capacity.catalogue.locate import data_folder
from capacity.errors import InputError
from capacity.network import fabric_design
from capacity.network.figures import fabric_figures
from capacity.serving.calibration import default_calibration
from capacity.serving.measured import read_measurements
from capacity.serving.predict import predict_collectives

SMALL, LARGE = 8 * 2**10, 2**30
SECONDS, PRICE, COLLECTIVE = 1.0, 0.15, 0.25


def structures(catalogue, chip, size):
    """A row for each design that holds the size: CPU seconds of all its figures, and some of them."""
    rows = []
    for design in catalogue.table("fabric_designs")["id"]:
        start = time.process_time()
        try:
            found = fabric_figures(catalogue, design, chip, size)
        except InputError:
            continue
        rows.append({"design": design, "cpu_s": round(time.process_time() - start, 3),
                     "switches": found.design.switches, "usd": round(found.design.price_usd_per_accelerator),
                     "bisection": round(found.design.bisection_share, 3), "ways": found.tolerance.ways,
                     "left_after_failure": round(found.tolerance.bisection_left, 4)})
    return pd.DataFrame(rows)


def prices(catalogue, chip):
    """Published price of fat-trees of eight planes against ours, and the error."""
    table = catalogue.table("fabric_costs")
    table = table[table["topology"].str.startswith("fat-tree") & (table["switches"] > 0)]
    ours = [fabric_design(catalogue, "rail-3tier", chip, int(n)) for n in table["accelerators"]]
    found = pd.DataFrame({"accelerators": table["accelerators"].to_numpy(), "switches": [d.switches for d in ours],
                          "published_switches": table["switches"].to_numpy(),
                          "usd": [round(d.price_usd_per_accelerator) for d in ours],
                          "published_usd": table["fabric_usd_per_accelerator"].to_numpy()})
    found["error"] = (found["usd"] / found["published_usd"] - 1).round(4)
    return found


def collectives(catalogue):
    """Errors of each predicted collective in range: file, accelerator, collective, ranks, across domains or not."""
    rows = read_measurements(sorted((data_folder() / "measured").glob("nccl_*.csv")), catalogue)
    value = predict_collectives(rows, catalogue, default_calibration())
    rows = rows.loc[value.index].assign(ranks=rows["tp"] * rows["replicas"])
    rows["error"] = (value / rows["value"] - 1).abs()
    domain = rows["accelerator"].map({name: chip.scale_up_domain for name, chip in catalogue.accelerators().items()})
    rows["group"] = (rows["ranks"] > domain).map({True: "across", False: "inside"})
    return rows[rows["batch"].between(SMALL, LARGE)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=100_000, help="accelerators of the fabrics that are timed")
    parser.add_argument("--accelerator", default="h100-sxm")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    catalogue = load_catalogue()
    chip = catalogue.accelerator(asked.accelerator)
    timed, steps, rows = structures(catalogue, chip, asked.size), prices(catalogue, chip), collectives(catalogue)
    reduce = rows[rows["collective"] == "all_reduce"]
    groups = reduce.groupby(["file", "accelerator", "ranks", "group"])["error"].agg(["size", "median", "mean"])
    kinds = rows.groupby(["collective", "group"])["error"].agg(["size", "median", "mean"])
    told = {
        "slowest_figures_cpu_s": float(timed["cpu_s"].max()), "target_cpu_s": SECONDS,
        "largest_price_error": float(steps["error"].abs().max()), "target_price_error": PRICE,
        "all_reduce_median_error": round(float(reduce["error"].median()), 4),
        "all_reduce_worst_group_median": round(float(groups["median"].max()), 4), "target_error": COLLECTIVE,
    }
    if asked.json:
        tables = {"structures": timed, "prices": steps, "groups": groups.reset_index(), "kinds": kinds.reset_index()}
        print(json.dumps({**told, **{name: json.loads(table.to_json(orient="records"))
                                     for name, table in tables.items()}}, indent=1))
        return
    print(f"all figures of fabrics of {asked.size:,} {chip.id}, CPU seconds (target: under {SECONDS:g})")
    print(timed.to_string(index=False), "\n")
    print("eight-plane rail-optimised fat-trees, USD an accelerator (target: within 15 %)")
    print(steps.to_string(index=False), "\n")
    print("all-reduce of 8 KB to 1 GB against NCCL, by table and group size (target: median within 25 %)")
    print(groups.reset_index().round(3).to_string(index=False), "\n")
    print(kinds.reset_index().round(3).to_string(index=False), "\n")
    print(", ".join(f"{name} {value:g}" for name, value in told.items()))


if __name__ == "__main__":
    main()
