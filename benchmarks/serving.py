"""How fast sharding is searched: `python -m benchmarks.serving [--pairs N] [--modes]`.

Prints, in CPU time of one core: sharding plans at a batch evaluated per second (memory, TPOT and TTFT at the percentile
under load), in one wide table of every legal plan x batch; where the peers are installed, their estimates per second of
some of the same plans: aiconfigurator (it interpolates measured kernels; wall time, as it uses threads) and GenZ
(`genz-llm`, a roofline without calibration; its decode step against ours in brackets); then the time of the frontiers
of all AI models on all accelerators of the catalogue, or of the first N pairs. `--modes` searches parts of
accelerators, streamed weights and pools of their own as well.
"""

from __future__ import annotations

import argparse
import time
from importlib.util import find_spec

import numpy as np

from benchmarks import genz
from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network import fabric_design, interconnect
from capacity.serving import Modes, Slo, Workload, frontier, frontiers
from capacity.serving.architecture import BYTES
from capacity.serving.backends import with_backend
from capacity.serving.plans import Cell, candidates
from capacity.serving.system import system

WORK = Workload(30000 / 3600, 10000 / 3600, 100000 / 3600, 32000, 64000, 20 / 3600)
SLO = Slo(2.0, 0.050, 0.95)
SIZE = 4096
PAIRS = [("deepseek-v3", "h200-sxm", "fp8"), ("llama3.1-70b", "b200-sxm", "fp8"),
         ("gpt-oss-120b", "gb200-nvl72", "fp4")]
BATCHES = 512
REPEATS = 3


def links_of(catalogue, chip):
    designs = catalogue.table("fabric_designs")["id"].tolist()
    for design in designs:
        try:
            return interconnect(catalogue, chip, fabric_design(catalogue, design, chip, SIZE))
        except InputError:
            continue
    raise SystemExit(f"no fabric design joins {SIZE} of {chip.id}")


def wide(catalogue, model, accelerator, precision):
    """Plans x batches per CPU second, one table."""
    chip = catalogue.accelerator(accelerator)
    cell = Cell(system(catalogue.model(model), chip, links_of(catalogue, chip), weights=precision, kv="fp8"), WORK, SLO)
    plans = candidates(cell, SIZE)
    plans = plans.take(plans.room > 0)
    rows = np.tile(np.arange(len(plans)), BATCHES)
    batch = np.repeat(np.geomspace(1, 4096, BATCHES), len(plans))
    best = np.inf
    for _ in range(REPEATS):
        start = time.process_time()
        for part in np.array_split(np.arange(len(rows)), max(len(rows) // 4096, 1)):
            chosen = plans.take(rows[part])
            cell.pressure(chosen, cell.load(chosen, batch[part]))
        best = min(best, time.process_time() - start)
    return len(rows), len(rows) / best


PEER = "aiconfigurator"
PEER_PLANS = 4


def peer(catalogue, model, accelerator, precision):
    """Estimates per second of wall time of another estimator, after a first call that loads its tables."""
    card, chip = catalogue.model(model), catalogue.accelerator(accelerator)
    found = frontier(card, chip, links_of(catalogue, chip), WORK, SLO, weights=precision).head(PEER_PLANS)
    with_backend(found.head(1), PEER, card, chip, WORK)
    start = time.perf_counter()
    answered = with_backend(found, PEER, card, chip, WORK)["backend_tpot_s"].notna().sum()
    return answered / (time.perf_counter() - start)


def peer_text(catalogue, *pair):
    if find_spec(PEER) is None:
        return "not installed"
    try:
        return f"{peer(catalogue, *pair):,.1f}"
    except InputError:
        return "not known"


def genz_text(catalogue, model, accelerator, precision):
    if not genz.installed():
        return "not installed"
    card, chip = catalogue.model(model), catalogue.accelerator(accelerator)
    found = frontier(card, chip, links_of(catalogue, chip), WORK, SLO, weights=precision).head(PEER_PLANS)
    try:
        rate, ratio = genz.asked(card, chip, found, WORK.context_mean, precision)
    except InputError:
        return "not known"
    return f"{rate:,.1f} (x {ratio:.2f})"


EVERY = Modes(parts=8, streaming=("host", "nvme"), disaggregated=True)


def catalogue_frontier(catalogue, pairs, modes):
    """(pairs, seconds of CPU, of wall, plans kept)."""
    kept = done = 0
    pools = [(chip, links_of(catalogue, chip)) for chip in catalogue.accelerators().values()]
    cpu, wall = time.process_time(), time.perf_counter()
    for card in catalogue.models().values():
        precision = card.native_precision if card.native_precision in BYTES else "bf16"
        asked = pools[: pairs - done]
        if not asked:
            break
        kept += sum(map(len, frontiers(card, asked, WORK, SLO, weights=precision, modes=modes)))
        done += len(asked)
    return done, time.process_time() - cpu, time.perf_counter() - wall, kept


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    catalogue = load_catalogue()
    parser.add_argument("--pairs", type=int, default=len(catalogue.models()) * len(catalogue.accelerators()),
                        help="model-accelerator pairs of the catalogue frontier; default all")
    parser.add_argument("--modes", action="store_true", help="search every mode, not plain copies alone")
    asked = parser.parse_args()
    print(f"{'model':<16}{'accelerator':<16}{'plans x batches':>16}{'per second':>14}{PEER + ', a second':>26}"
          f"{'GenZ, a second':>20}")
    for pair in PAIRS:
        count, rate = wide(catalogue, *pair)
        peers = f"{peer_text(catalogue, *pair):>26}{genz_text(catalogue, *pair):>20}"
        print(f"{pair[0]:<16}{pair[1]:<16}{count:>16,}{rate:>14,.0f}{peers}")
    done, cpu, wall, kept = catalogue_frontier(catalogue, asked.pairs, EVERY if asked.modes else None)
    each, models, chips = 1000 * cpu / done, len(catalogue.models()), len(catalogue.accelerators())
    print(f"frontiers of {done} pairs ({models} models, {chips} accelerators): {cpu:.1f} s CPU, {wall:.1f} s wall, "
          f"{each:.1f} ms a pair, {kept} plans kept")


if __name__ == "__main__":
    main()
