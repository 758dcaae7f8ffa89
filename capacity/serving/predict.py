"""What the model says a measured system should show: each row of `measured.py` as the load that it is.

One case holds the rows that share model, accelerator, precisions, engine and load, so that a case is one array
computation. With t(B) the decode step of B sequences, S the prefill of one prompt on its rank, I and O the lengths:

    static    B prompts at once, then O - 1 steps:  TTFT = S(B I),  total = S(B I) + (O - 1) t(B); a pipeline of p
              stages takes m parts of the batch:  S = (p + m - 1) S(B I / m),  t = t(B / p)
    closed    C requests always under way:  B = C O TPOT / (O TPOT + TTFT),  TPOT = t(B) + stall B S / (a O);
              a share of all requests starts in one burst and waits for half of it
    open      arrivals at a rate:  B = rate O TPOT (Little),  TTFT as an M/D/1 queue; of the client's delays only what
              a server written in Python takes in itself
    maximum   as many as memory and the engine hold:  tokens/s = 1 / (t(B)/B + S/(a O))
    offload   weights stream over the host link or from NVMe once a pass, beside the compute of the whole batch

The delays of client and batching (`harness_s`, `harness_steps`, `gather_steps`) stand here alone; plans know none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue import Catalogue
from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving.architecture import WIDE, Array, Bools, bytes_of
from capacity.serving.calibration import ANY, Calibration
from capacity.serving.collectives import collective_s
from capacity.serving.measured import SERVERS
from capacity.serving.memory import held_bytes, kv_room, kv_sequence_bytes, weight_bytes
from capacity.serving.step import chunk_s, decode_s
from capacity.serving.system import Layout, System, computes_in, links_under, system

MILLI, MICRO = 1e-3, 1e-6
SETTLING = 4
"""Rounds of the fixed points of load; each closes most of what is left."""
WAVES = 10.0
"""InferenceX and its like send ten prompts per unit of concurrency; the first tenth comes as one burst."""
ANSWERS = ("ttft_ms", "tpot_ms", "total_latency_ms", "throughput_out", "throughput_out_gpu", "throughput_total",
           "throughput_total_gpu", "throughput_req", "ms_per_token", "throughput_in", "throughput_in_gpu",
           "throughput_req_gpu", "throughput_user")
REST = ("tensorrt", "trtllm")
"""Engines whose `memory_share` is of what weights and activations leave (free_gpu_memory_fraction), not of all."""
UNPACKING = ("accelerate", "deepspeed", "flexgen")
"""Research engines that write narrow weights and KV out at 16 bits in every step before they use them."""
SERIAL = ("accelerate",)
"""Research engines that wait for a layer's copy from host RAM or drives before anything else goes on."""
CASE = ["model", "accelerator", "weights", "kv", "engine", "load", "gpu_batches", "staged"]


@dataclass(frozen=True)
class Case:
    """Rows that are one array computation; `index` says where they stand in the table."""

    card: ModelCard
    chip: Accelerator
    links: Interconnect
    weights: str
    kv: str
    engine: str
    load: str
    layout: Layout
    batch: Array
    rate: Array
    input: Array
    output: Array
    metric: NDArray[np.intp]
    """What each row asks for, by its place in ANSWERS."""
    disk: Bools
    """Offloaded to NVMe rather than host RAM."""
    gpu_batches: float
    """Parts of the batch that a pass takes one after another, its weights unpacked anew for each."""
    staged: str
    """What an offloading engine copies from memory that is not pinned."""
    replicas: Array
    index: Array

    def system(self, calibration: Calibration) -> System:
        """The case under a calibration."""
        made = system(self.card, self.chip, self.links, weights=self.weights, kv=self.kv, calibration=calibration,
                      engine=self.engine)
        if self.engine not in UNPACKING:
            return made
        inside = 1.0 if computes_in(self.chip, self.weights) else made.fit.unpacked_bandwidth
        return replace(made, weight_rate=made.weight_rate / inside * _kept(self.weights, made, self.gpu_batches),
                       kv_rate=made.kv_rate * _kept(self.kv, made, 1.0))


def _kept(precision: str, of: System, times: float) -> float:
    """Share of the memory traffic that reads the values themselves, where so many times they are written out."""
    own = bytes_of(precision)
    return own / (own + times * of.fit.unpack_bytes * (own < WIDE))


@dataclass(frozen=True)
class Seen:
    """What a client of the system sees; seconds and tokens per second of the copy."""

    ttft: Array
    tpot: Array
    total: Array
    output_rate: Array
    saturated: Bools


def cases(rows: pd.DataFrame, catalogue: Catalogue) -> list[Case]:
    """The predictable rows of a table of `read_measurements`, collectives left out, in cases."""
    served = rows[(rows["reason"] == "") & (rows["load"] != "collective")]
    return [_case(key, group, catalogue) for key, group in served.groupby(CASE, sort=True)]


def _case(key: Any, group: pd.DataFrame, catalogue: Catalogue) -> Case:
    model, accelerator, weights, kv, engine, load, gpu_batches, staged = key
    chip = catalogue.accelerator(accelerator)
    numbers = {name: group[name].to_numpy(dtype=float) for name in ("batch", "rate", "input", "output", "replicas")}
    layout = Layout.of(*(group[name].to_numpy(dtype=float) for name in ("tp", "pp", "ep", "dp")))
    return Case(catalogue.model(model), chip, links_of(chip, catalogue), weights, kv, engine, load, layout,
                numbers["batch"] / numbers["replicas"], numbers["rate"] / numbers["replicas"], numbers["input"],
                np.nan_to_num(numbers["output"], nan=1.0), np.array([ANSWERS.index(m) for m in group["metric"]]),
                (group["tier"] == "disk").to_numpy(dtype=bool), float(gpu_batches), staged, numbers["replicas"],
                group.index.to_numpy(dtype=float))


def links_of(chip: Accelerator, catalogue: Catalogue) -> Interconnect:
    """Links of a measured system: its scale-up fabric, and its network cards at a fabric's usual latency."""
    inside = catalogue.fabric(chip.scale_up_fabric)
    outside = catalogue.table("fabrics").query("tier == 'scale-out'")
    part = outside.iloc[int((outside["gbit_s_per_port"] - chip.nic_gbit_s).abs().to_numpy().argmin())]
    return Interconnect(chip.scale_up_domain, float(inside["p2p_alpha_us"]) * MICRO, chip.scale_up_gb_s,
                        float(inside["efficiency"]), float(part["p2p_alpha_us"]) * MICRO, chip.nic_gbit_s / 8.0,
                        float(part["efficiency"]), 2**20)


def predict_case(case: Case, calibration: Calibration) -> tuple[Array, Bools]:
    """(prediction in the metric's unit, saturated) of each row; NaN where the model does not fit in memory."""
    resolved = case.system(calibration)
    seen = _LOADS[case.load](case, resolved)
    fits = (weight_bytes(resolved, case.layout) < resolved.memory_bytes) | (case.load == "offload")
    accelerators = case.layout.accelerators
    requests = seen.output_rate / case.output
    both = requests * (case.input + case.output)
    answers = np.broadcast_arrays(
        seen.ttft / MILLI, seen.tpot / MILLI, seen.total / MILLI, seen.output_rate * case.replicas,
        seen.output_rate / accelerators, both * case.replicas, both / accelerators, requests * case.replicas,
        1.0 / (seen.output_rate * case.replicas * MILLI), requests * case.input * case.replicas,
        requests * case.input / accelerators, requests / accelerators, 1.0 / seen.tpot,
    )  # fmt: skip
    value = np.empty_like(answers[0])
    for asked in np.unique(case.metric):
        own = case.metric == asked
        value[..., own] = answers[asked][..., own]
    return np.where(fits, value, np.nan), np.broadcast_to(seen.saturated, value.shape)


def _prompt_s(s: System, layout: Layout, tokens: Array, together: Array) -> Array:
    """Busy seconds of a rank's slowest stage per prompt, where so many prompts share chunks."""
    chunk = np.minimum(s.fit.chunk_tokens, tokens * np.maximum(together, 1.0))
    return chunk_s(s, layout, chunk, tokens / 2.0) * tokens / chunk


def _static(case: Case, s: System) -> Seen:
    """A pipeline takes the batch in parts: one for each stage, in prefill more where a part would exceed a chunk."""
    layout = case.layout
    own = np.maximum(case.batch / layout.dp, 1.0)
    steps = np.maximum(case.output - 1.0, 0.0)
    stages = np.minimum(layout.pp, own)
    parts = np.where(layout.pp > 1, np.clip(own * case.input / s.fit.chunk_tokens, stages, own), 1.0)
    first = (layout.pp + parts - 1.0) * chunk_s(s, layout, own * case.input / parts, case.input / 2.0)
    tpot = decode_s(s, layout, own / stages, case.input + case.output / 2.0)
    total = first + steps * tpot
    return Seen(first, tpot, total, case.batch * case.output / total, np.zeros(total.shape, dtype=bool))


def _held(case: Case, s: System) -> Array:
    """Sequences of mean length that memory and the engine hold, whole copy."""
    each = kv_sequence_bytes(s, case.layout, case.input + case.output)
    room = kv_room(s, case.layout)
    if case.engine in REST:
        whole = s.memory_bytes / s.fit.memory_share
        room = s.fit.memory_share * np.maximum(whole - held_bytes(s, case.layout), 0.0)
    own = np.maximum(room / each, 1.0)
    return np.minimum(own * case.layout.dp, s.fit.max_sequences * case.layout.dp)


def _step(case: Case, s: System, in_flight: Array) -> Array:
    own = np.maximum(in_flight / (case.layout.pp * case.layout.dp), 1.0)
    return decode_s(s, case.layout, own, case.input + case.output / 2.0)


def _closed(case: Case, s: System) -> Seen:
    layout, fit, out = case.layout, s.fit, case.output
    held = _held(case, s)
    users = np.minimum(case.batch, held)
    alone = _prompt_s(s, layout, case.input, np.ones_like(users))
    burst = _prompt_s(s, layout, case.input, users / layout.dp)
    in_flight, ttft = users, alone
    for _ in range(SETTLING):
        step = _step(case, s, in_flight)
        tpot = step + fit.stall * alone * np.maximum(in_flight - 1.0, 0.0) / layout.dp / out
        busy = np.minimum(in_flight / layout.dp * alone / (out * tpot), 0.95)
        wait = busy * alone / (2.0 * (1.0 - busy)) * (1.0 - 1.0 / users)
        steady = layout.pp * alone + wait + step
        crowd = layout.pp * alone + burst * (users / layout.dp - 1.0) / 2.0 + step
        ttft = steady + (crowd - steady) / WAVES
        in_flight = np.maximum(users * out * tpot / (out * tpot + ttft), 1.0)
    queue = np.maximum(case.batch - users, 0.0) / users * (ttft + out * tpot)
    waited = fit.harness_steps + np.where(layout.dp > 1, fit.gather_steps, 0.0)
    seen = ttft + queue + fit.harness_s + waited * tpot
    return Seen(seen, tpot, seen + out * tpot, in_flight / tpot, case.batch > held)


def _open(case: Case, s: System) -> Seen:
    layout, out = case.layout, case.output
    service = _prompt_s(s, layout, case.input, np.ones_like(out)) / layout.dp
    busy = case.rate * service * s.fit.stall
    free = np.maximum(1.0 - busy, 0.05)
    held = _held(case, s)
    in_flight = np.ones_like(out)
    for _ in range(4 * SETTLING):
        tpot = _step(case, s, in_flight) / free
        in_flight = np.minimum(np.maximum(0.5 * (in_flight + case.rate * out * tpot), 1.0), held)
    wait = busy * service / (2.0 * free)
    client = s.fit.harness_s if case.engine in SERVERS else 0.0
    ttft = layout.pp * service * layout.dp + wait + tpot + client
    most = in_flight / tpot
    saturated = (busy >= 1.0) | (case.rate * out > 1.02 * most)
    return Seen(ttft, tpot, ttft + out * tpot, np.minimum(case.rate * out, most), saturated)


def _maximum(case: Case, s: System) -> Seen:
    layout, out = case.layout, case.output
    in_flight = np.maximum(_held(case, s), 1.0)
    prompt = _prompt_s(s, layout, case.input, in_flight / layout.dp) / layout.dp
    step = _step(case, s, in_flight)
    tpot = step + in_flight * prompt / out
    rate = in_flight / tpot * s.fit.full_load
    return Seen(prompt, tpot, prompt + out * tpot, rate, np.zeros(rate.shape, dtype=bool))


def _offload(case: Case, s: System) -> Seen:
    """Each pass streams all weights, and after the first the KV of the whole batch.

    Both wait in host RAM; with a disk tier, what does not fit there comes from the drives, at the same share of their
    rate that the engine's copying reaches on the link.
    """
    layout = case.layout
    kv = case.batch * kv_sequence_bytes(s, layout, case.input + case.output / 2.0)
    weights = weight_bytes(s, layout)
    prompts = chunk_s(s, layout, case.batch * case.input, case.input / 2.0)
    first = _both(case, _fetch_s(case, s, weights, np.zeros_like(kv)), prompts)
    step = _both(case, _fetch_s(case, s, weights, kv), decode_s(s, layout, case.batch, case.input))
    total = first + (case.output - 1.0) * step
    return Seen(first, step, total, case.batch * case.output / total, np.zeros(total.shape, dtype=bool))


def _fetch_s(case: Case, s: System, weights: Array, kv: Array) -> Array:
    """Seconds to read so many bytes of an accelerator from host RAM, and from the drives what does not fit there.

    Both at once, but where an engine waits for each copy.
    """
    held, drives = weights + kv, np.minimum(s.fit.nvme * s.fit.host_link, s.host_rate)
    beyond = np.where(case.disk, np.maximum(held - s.host_bytes, 0.0), 0.0)
    slower = sum(part / (s.fit.staged_link if name in case.staged else 1.0)
                 for name, part in (("weights", weights), ("kv", kv))) / held
    return _both(case, (held - beyond) * slower / s.host_rate, beyond / drives)


def _both(case: Case, one: Array, other: Array) -> Array:
    """Seconds of two things that an engine does at once, or one after the other."""
    return np.asarray(one + other if case.engine in SERIAL else np.maximum(one, other))


_LOADS = {"static": _static, "closed": _closed, "open": _open, "maximum": _maximum, "offload": _offload}


@dataclass(frozen=True)
class LinkCase:
    """Rows of one collective on one accelerator; `index` says where they stand in the table."""

    chip: Accelerator
    links: Interconnect
    kind: str
    ranks: Array
    size: Array
    """Bytes a rank."""
    index: Array
    weights: str = "bf16"
    engine: str = ANY


def link_cases(rows: pd.DataFrame, catalogue: Catalogue) -> list[LinkCase]:
    """The predictable rows of collectives, in cases; the batch column is the size in bytes."""
    asked = rows[(rows["reason"] == "") & (rows["load"] == "collective")]
    made = []
    for (name, kind), group in asked.groupby(["accelerator", "collective"]):
        chip = catalogue.accelerator(str(name))
        ranks, size = group["tp"] * group["replicas"], group["batch"]
        made.append(LinkCase(chip, links_of(chip, catalogue), str(kind), ranks.to_numpy(dtype=float),
                             size.to_numpy(dtype=float), group.index.to_numpy(dtype=float)))
    return made


def predict_links(case: LinkCase, calibration: Calibration) -> tuple[Array, Bools]:
    """(microseconds, False) of each row of a collective."""
    fit = calibration.fit(case.chip.generation, case.weights, fabric=case.chip.scale_up_fabric)
    links = replace(links_under(case.links, fit), out_gb_s=case.links.out_gb_s * fit.cluster_ports,
                    out_alpha_s=case.links.out_alpha_s * fit.cluster_latency)
    value = collective_s(case.kind, case.ranks, case.size, links) / MICRO
    return value, np.zeros(value.shape, dtype=bool)


def predict_collectives(rows: pd.DataFrame, catalogue: Catalogue, calibration: Calibration) -> pd.Series:
    """Microseconds of each predictable row of a collective."""
    value = pd.Series(np.nan, index=rows.index[(rows["reason"] == "") & (rows["load"] == "collective")])
    for case in link_cases(rows, catalogue):
        value[case.index.astype(int)] = predict_links(case, calibration)[0]
    return value
