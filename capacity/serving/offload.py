"""Weight streaming: layers that do not fit are fetched from host RAM or NVMe while earlier ones compute.

Layer i may compute once it is here; its fetch may start once a slot is free, that is once layer i - slots has computed.
A fetch takes a latency, which outstanding fetches share in parallel, and a transfer, which a link serves one at a time:

    sent[i]    = max(sent[i-1], start[i]) + transfer          the link is serial
    arrived[i] = max(start[i] + latency, sent[i])             latency of a fetch overlaps its queue and transfer
    done[i]    = max(done[i-1], arrived[i]) + compute         layers compute in order

Decoding repeats such passes without end. The recurrence is linear in max and plus, so its period is the greatest mean
of its cycles (Baccelli, Cohen, Olsder & Quadrat 1992, Synchronization and Linearity): of the compute between two
fetched layers, of the link, and of a slot that is refilled only when its layer has computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.errors import InputError
from capacity.serving.architecture import Array
from capacity.serving.memory import fetched_bytes, stage_layers
from capacity.serving.system import Layout, System

FETCHES = ("overlapped", "batched")


@dataclass(frozen=True)
class Schedule:
    """Times in seconds, one entry a layer; resident layers arrive at 0."""

    arrived: Array
    done: Array

    @property
    def total_s(self) -> float:
        """Seconds until the last layer has computed."""
        return float(self.done[-1])


def stream(layers: int, compute_s: float, latency_s: float, slots: int, *, transfer_s: float = 0.0, resident: int = 0,
           fetch: str = "overlapped") -> Schedule:
    """Schedule of one pass through `layers`, of which the first `resident` stay in memory and `slots` more fit.

    compute_s, latency_s, transfer_s: per layer; latency does not occupy the link, transfer does. fetch `overlapped`
    starts a fetch as soon as a slot is free; `batched` fills all slots, waits for them, computes them all, and starts
    over. With slots >= layers everything is fetched once, side by side; with resident == layers nothing is.
    Raises InputError for counts below 1, negative times or an unknown way of fetching.
    """
    _check(layers, slots, resident, compute_s, latency_s, transfer_s)
    if fetch not in FETCHES:
        raise InputError(f"stream: fetch must be one of {', '.join(FETCHES)}, got {fetch!r}")
    schedule = _overlapped if fetch == "overlapped" else _batched
    return schedule(layers, compute_s, latency_s, slots, transfer_s, resident)


def _overlapped(layers: int, compute_s: float, latency_s: float, slots: int, transfer_s: float,
                resident: int) -> Schedule:
    arrived, done = np.zeros(layers), np.zeros(layers)
    sent = clock = 0.0
    for i in range(layers):
        if i >= resident:
            start = done[i - slots] if i - slots >= resident else 0.0
            sent = max(sent, start) + transfer_s
            arrived[i] = max(start + latency_s, sent)
        clock = max(clock, arrived[i]) + compute_s
        done[i] = clock
    return Schedule(arrived, done)


def _batched(layers: int, compute_s: float, latency_s: float, slots: int, transfer_s: float,
             resident: int) -> Schedule:
    arrived = np.zeros(layers)
    done = np.arange(1.0, layers + 1.0) * compute_s
    clock = resident * compute_s
    for first in range(resident, layers, slots):
        wave = min(slots, layers - first)
        arrived[first : first + wave] = clock + max(latency_s, wave * transfer_s)
        done[first : first + wave] = arrived[first] + np.arange(1.0, wave + 1.0) * compute_s
        clock = done[first + wave - 1]
    return Schedule(arrived, done)


def steady_pass_s(compute_s: Array, layers: Array, fetched: Array, transfer_s: Array, latency_s: Array,
                  slots: float) -> Array:
    """Seconds of each of many passes through `layers`, of which `fetched`, spread evenly, are fetched in each pass.

    compute_s: of a whole pass with all layers resident; transfer_s, latency_s: of one layer. Per fetched layer

        max(compute_s / fetched,  transfer,  (max(latency, transfer) + compute_s / layers) / slots)

    never less than compute_s, and compute_s itself where nothing is fetched.
    """
    some = np.maximum(fetched, 1.0)
    refill = (np.maximum(latency_s, transfer_s) + compute_s / layers) / slots
    period = np.maximum(np.maximum(compute_s / some, transfer_s), refill)
    return np.where(fetched > 0, some * period, compute_s)


def stalled_s(system: System, layout: Layout, stage_s: Array) -> Array:
    """Seconds of a stage's pass when its weights are streamed as the layout says; `stage_s` without streaming."""
    stream = layout.stream
    if stream is None:
        return stage_s
    layers, fetched = stage_layers(system, layout)
    transfer = fetched_bytes(system, layout) / np.maximum(fetched, 1.0) / stream.rate
    return steady_pass_s(stage_s, layers, fetched, transfer, stream.latency, stream.slots)


def _check(layers: int, slots: int, resident: int, *times: float) -> None:
    if layers < 1 or slots < 1 or not 0 <= resident <= layers:
        raise InputError(f"stream: need layers >= 1, slots >= 1 and 0 <= resident <= layers, got layers {layers}, "
                         f"slots {slots}, resident {resident}")
    if min(times) < 0:
        raise InputError(f"stream: times must not be negative, got {times}")


def streamed_step_s(weight_bytes: float, resident_bytes: float, link_bytes_s: float, compute_s: float) -> float:
    """Lower bound of a step that streams what is not resident: the longer of compute and the link (bytes / rate)."""
    if not link_bytes_s > 0:
        raise InputError(f"streamed_step_s: link_bytes_s must be above 0, got {link_bytes_s}")
    return max(compute_s, max(weight_bytes - resident_bytes, 0.0) / link_bytes_s)


def shared_link_bytes_s(accelerators: int, link_bytes_s: float, root_bytes_s: float | None = None) -> float:
    """Bytes/s that all accelerators of one host draw together: their links, or the root complex if that is less."""
    total = accelerators * link_bytes_s
    return total if root_bytes_s is None else min(total, root_bytes_s)
