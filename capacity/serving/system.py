"""One model on one accelerator and its links: everything a formula of this room needs, resolved once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving.architecture import (
    BYTES,
    WIDE,
    Architecture,
    Array,
    Bools,
    Rows,
    architecture,
    bytes_of,
    stored_bytes,
)
from capacity.serving.calibration import ANY, Calibration, Fit, default_calibration

GIGA = 1e9
GIB = 2.0**30
"""Vendors sell memory stacks in powers of two: an `80 GB` H100 or `180 GB` B200 holds that many binary gigabytes."""
TERA = 1e12
CALL_NCCL = ("accelerate", "deepspeed", "fastertransformer", "fastertransformer4", "flexgen", "megatron", "petals",
             "tensorrt")
"""Engines of 2020 to 2024 that call NCCL for the all-reduces of a step; later ones have kernels of their own."""


@dataclass(frozen=True)
class System:
    """Effective rates: bytes/s and FLOP/s already carry their efficiencies."""

    arch: Architecture
    accelerator: Accelerator
    links: Interconnect
    fit: Fit
    weight_bytes: float
    attention_bytes: float
    """Of the attention's weights: 4-bit checkpoints of MoE models (gpt-oss, DeepSeek NVFP4) keep them at 16 bits."""
    kv_token_bytes: float
    """KV bytes of one token in the whole model."""
    index_token_bytes: float
    """Bytes per token of a sparse attention's index, read for the whole context."""
    index_kept_bytes: float
    """Of it, what is kept beside the KV cache."""
    weight_rate: float
    kv_rate: float
    matmul_rate: float
    core_rate: float
    memory_bytes: float
    host_rate: float
    """Bytes/s of one accelerator's host link alone."""
    host_bytes: float
    shared_rate: float
    """Bytes/s of each host link when all accelerators of a host read at once."""
    nvme_rate: float
    """Bytes/s of one accelerator's share of its host's drives; 0 where none are known."""
    verify: float = 1.0
    """Tokens of a sequence that one decode step computes: more than 1 where it verifies a draft."""
    kv_reads: float = 1.0
    """Share of a sequence's KV read for it alone; the rest is read once for all branches of its instance."""
    draft: Draft | None = None
    reduce_s: float | None = None
    """Latency of one exchange of signals in an engine's own all-reduce inside the domain; None: it calls NCCL."""


def system(model: ModelCard, accelerator: Accelerator, links: Interconnect, *, weights: str = "fp8", kv: str = "fp8",
           calibration: Calibration | None = None, engine: str = ANY) -> System:
    """Resolve cards and calibration; InputError for an unknown precision."""
    arch = architecture(model)
    weight_bytes, kv_bytes = stored_bytes(weights, model.native_precision), bytes_of(kv)
    table = calibration or default_calibration()
    fit = table.fit(accelerator.generation, weights, engine, accelerator.scale_up_fabric)
    reduce_s = None if engine in CALL_NCCL else fit.reduce_latency * links.up_alpha_s
    links = links_under(links, fit)
    links = replace(links, up_doubling=links.up_doubling**fit.host_crowding)
    wide = WIDE if arch.experts and weight_bytes < BYTES["fp8"] else weight_bytes
    native = computes_in(accelerator, weights)
    index = (arch.index_bytes or fit.index_bytes * arch.layers) if arch.indexed else 0.0
    bandwidth = accelerator.memory_bandwidth_gb_s * GIGA
    streaming = fit.weight_bandwidth * (1.0 if native else fit.unpacked_bandwidth)
    host_rate, shared_rate, nvme_rate = _host_rates(accelerator, fit)
    return System(
        arch=arch, accelerator=accelerator, links=links, fit=fit, weight_bytes=weight_bytes, attention_bytes=wide,
        kv_token_bytes=arch.kv_values * kv_bytes, index_token_bytes=index,
        index_kept_bytes=0.0 if arch.index_inside else index,
        weight_rate=bandwidth * streaming, kv_rate=bandwidth * fit.kv_bandwidth,
        matmul_rate=accelerator.tflops(weights if native else "bf16") * TERA * fit.matmul,
        core_rate=accelerator.tflops("bf16") * TERA * fit.attention_core,
        memory_bytes=accelerator.memory_usable_gb * GIB * fit.memory_share,
        host_rate=host_rate, host_bytes=accelerator.host_memory_gb * GIGA * fit.host_memory_share,
        shared_rate=shared_rate, nvme_rate=nvme_rate, reduce_s=reduce_s,
    )


def computes_in(accelerator: Accelerator, weights: str) -> bool:
    """True where the chip multiplies values of that format; else they are unpacked to 16 bits in registers first."""
    rates = {"fp8": accelerator.fp8_tflops, "int8": accelerator.int8_tops, "fp4": accelerator.fp4_tflops, "int4": None}
    return weights not in rates or bool(rates[weights])


def _host_rates(accelerator: Accelerator, fit: Fit) -> tuple[float, float, float]:
    """Bytes/s of one host link alone, of each when all read at once, and of each one's share of the drives."""
    alone = accelerator.host_link_gb_s * GIGA * fit.host_link
    host = accelerator.host
    if host is None:
        return alone, alone, 0.0
    shared = np.minimum(alone, host.read_gb_s * GIGA * fit.host_link / host.accelerators)
    return alone, shared, np.minimum(shared, host.nvme_gb_s * GIGA / host.accelerators)


def links_under(links: Interconnect, fit: Fit) -> Interconnect:
    """Links as collectives were measured to find them."""
    return replace(links, up_alpha_s=fit.link_alpha_s if np.all(fit.link_alpha_s) else links.up_alpha_s,
                   up_efficiency=fit.link_efficiency if np.all(fit.link_efficiency) else links.up_efficiency,
                   bulk=fit.link_bulk, up_doubling=fit.link_doubling)


@dataclass(frozen=True)
class Draft:
    """What drafts tokens ahead of a model, on the model's accelerators."""

    drafted: int
    """Tokens drafted before each step that verifies them."""
    accepted: float
    """Tokens that such a step yields on average."""
    cost: float
    """What drafting takes, as a share of what `system` takes: 1 for a model of its own."""
    system: System
    own: bool
    """A model of its own, whole on each stage; else part of the model, spread as it is."""

    def layout(self, layout: Layout) -> Layout:
        """Where the draft runs for each plan: tensor-parallel as far as its heads divide."""
        if not self.own:
            return Layout(layout.tp, layout.pp, layout.ep, layout.dp)
        most = float(self.system.arch.heads & -self.system.arch.heads)
        return Layout.of(np.minimum(layout.tp, most), 1.0, 1.0, layout.dp)


@dataclass(frozen=True)
class Stream:
    """Weights that are fetched anew in each pass, one entry a plan."""

    share: Array
    """Of a stage's layers, those that are not resident; 0: all are."""
    rate: Array
    """Bytes/s at which each accelerator fetches."""
    latency: Array
    """Seconds from asking for a layer to its first byte."""
    slots: float
    """Layers of room for what is fetched."""
    in_host: Bools
    """The weights wait in host RAM, rather than on its drives."""

    def take(self, rows: Rows) -> Stream:
        """The plans at an index or mask."""
        return Stream(self.share[rows], self.rate[rows], self.latency[rows], self.slots, self.in_host[rows])


@dataclass(frozen=True)
class Layout:
    """Sharding plans as arrays, one entry a plan.

    A copy is pp stages of tp x dp accelerators. Attention is split over tp and repeated over dp (each rank serves its
    own sequences); routed experts are spread over ep of the stage's tp x dp accelerators, each split tp x dp / ep ways.
    A tp below 1 is a part of an accelerator: 1/4 stands for four copies side by side, and every figure per accelerator
    is that of the four together.
    """

    tp: Array
    pp: Array
    ep: Array
    dp: Array
    memo: list[tuple[System, Any]] = field(default_factory=list, compare=False, repr=False)
    """What has been worked out for these plans, for the system it was last asked about."""
    taken: tuple[Layout, Rows] | None = field(default=None, compare=False, repr=False)
    """The plans that these were chosen from, so that what is known of those need not be worked out again."""
    stream: Stream | None = None
    draft: Layout | None = None
    """Where a draft runs, for systems that have one."""

    @classmethod
    def of(cls, tp: object, pp: object = 1, ep: object = 1, dp: object = 1) -> Layout:
        """Layout of numbers or sequences, broadcast together."""
        arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, dtype=float)) for x in (tp, pp, ep, dp)))
        return cls(arrays[0], arrays[1], arrays[2], arrays[3])

    @property
    def stage(self) -> Array:
        """Accelerators of one pipeline stage."""
        return self.tp * self.dp

    @property
    def accelerators(self) -> Array:
        """Accelerators of one copy."""
        return self.tp * self.dp * self.pp

    @property
    def expert_shards(self) -> Array:
        """Ways in which one expert is split."""
        return self.stage / self.ep

    def take(self, rows: Rows) -> Layout:
        """The plans at an index or mask."""
        return Layout(self.tp[rows], self.pp[rows], self.ep[rows], self.dp[rows], taken=(self, rows),
                      stream=None if self.stream is None else self.stream.take(rows),
                      draft=None if self.draft is None else self.draft.take(rows))


def stage_share(arch: Architecture, layout: Layout) -> Array:
    """Share of the layers on the fullest pipeline stage."""
    return np.asarray(np.ceil(arch.layers / layout.pp) / arch.layers)
