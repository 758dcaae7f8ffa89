"""What one accelerator, one AI model, one interconnect is: typed, immutable, in canonical units.

Bytes and FLOP/s are decimal; bandwidths are per direction; FLOP/s are dense.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Host:
    """A host computer as its accelerators see it."""

    id: str
    accelerators: int
    """That share it."""
    read_gb_s: float
    """What all of them together can read from its memory: lanes or memory, whichever is less."""
    link_latency_s: float
    nvme_gb_s: float
    """What all of them together can read from its drives; 0: none."""
    nvme_latency_s: float


@dataclass(frozen=True)
class Accelerator:
    """One accelerator package as the vendor sells it. A missing precision is None: the chip does not have it."""

    id: str
    name: str
    vendor: str
    generation: str
    """Calibration family: volta, ampere, hopper, blackwell, rubin, ada, cdna3, tpu, ..."""
    status: str
    """released, announced or archetype"""
    available: float
    """First year it can enter service, with fraction."""
    bf16_tflops: float
    fp8_tflops: float | None
    fp4_tflops: float | None
    int8_tops: float | None
    memory_gb: float
    memory_usable_gb: float
    memory_bandwidth_gb_s: float
    scale_up_fabric: str
    scale_up_gb_s: float
    scale_up_domain: int
    host_link_gb_s: float
    host_memory_gb: float
    """Host RAM per accelerator."""
    nic_gbit_s: float
    tdp_w: float
    it_power_w: float
    """All-in IT power per accelerator: its share of server and switches."""
    price_low_usd: float
    price_usd: float
    price_high_usd: float
    """All-in purchase price per accelerator with its share of the server, without scale-out fabric."""
    aliases: tuple[str, ...] = ()
    confidence: str = "estimate"
    source: str = ""
    host: Host | None = None
    """None: not known; its own host link alone limits it."""

    def tflops(self, precision: str) -> float:
        """Dense TFLOP/s at a weight precision; falls back to the next wider format the chip computes in."""
        order = {"fp4": ("fp4", "fp8", "bf16"), "int4": ("int8", "fp8", "bf16"), "fp8": ("fp8", "bf16"),
                 "int8": ("int8", "fp8", "bf16"), "bf16": ("bf16",), "fp16": ("bf16",)}[precision]
        rates = {"fp4": self.fp4_tflops, "fp8": self.fp8_tflops, "int8": self.int8_tops, "bf16": self.bf16_tflops}
        return next(float(rates[p]) for p in order if rates[p])  # type: ignore[arg-type]


@dataclass(frozen=True)
class ModelCard:
    """Architecture of one transformer. Zero means the part is absent."""

    id: str
    name: str
    developer: str
    kind: str
    """dense or moe"""
    available: float
    """Year it can be served from, with fraction."""
    layers: int
    d_model: int
    d_ff_dense: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn_matrices: int
    """2 (up, down) or 3 (gated)"""
    vocab: int
    d_ff_expert: int = 0
    experts_total: int = 0
    experts_active: int = 0
    experts_shared: int = 0
    dense_first_layers: int = 0
    moe_every: int = 1
    """1: every layer after the first dense ones is MoE; 2: every second"""
    attention: str = "gqa"
    """mha, gqa, mqa, mla or compressed"""
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    qk_nope_dim: int = 0
    qk_rope_dim: int = 0
    v_head_dim: int = 0
    sliding_window: int = 0
    sliding_share: float = 0.0
    """Share of layers that attend within `sliding_window` only."""
    kv_bytes_per_token: float | None = None
    """Whole model, 16-bit, when the formula by heads does not describe it (compressed attention)."""
    attention_reads: int = 0
    """Sparse attention: most tokens of KV read per step; 0: all."""
    index_bytes_per_token: float = 0.0
    """Sparse attention: bytes of the index kept and read in full every step, per token of context, whole model."""
    tied_embeddings: bool = False
    positions: int = 0
    """Learned position embeddings."""
    context: int = 0
    native_precision: str = "bf16"
    params_total_b: float | None = None
    """Published total, 1e9."""
    params_active_b: float | None = None
    params_exact: bool = True
    """The architecture formula is expected to reproduce the published total within 1 %."""
    aliases: tuple[str, ...] = ()
    note: str = ""
    """What a reader of the numbers must know."""
    estimated_fields: tuple[str, ...] = ()
    """Keys whose numbers are estimates though the card is not."""
    confidence: str = "estimate"
    source: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class Interconnect:
    """What a model copy sees of its links: latency and bandwidth per accelerator, inside and outside the domain."""

    domain: int
    """Accelerators in one scale-up domain."""
    up_alpha_s: float
    """Latency of one hop-synchronous step of a collective inside the domain."""
    up_gb_s: float
    up_efficiency: float
    out_alpha_s: float
    out_gb_s: float
    out_efficiency: float
    reach: int
    """Accelerators joined by the scale-out fabric (pod size)."""
    fabric: str = ""
    bulk: float = 1.0
    """Latency of a collective's protocol for large messages against that for small ones."""
    up_doubling: float = 1.0
    """Share of the rate inside the domain that stays with each doubling of the group beyond two."""
    near: int = 0
    """Accelerators under one leaf of a fabric that is thinner above it: groups so small keep the near figures."""
    near_alpha_s: float = 0.0
    near_gb_s: float = 0.0


@dataclass(frozen=True)
class Region:
    """Where demand arises."""

    id: str
    name: str
    population_m: float
    gdp_busd: float
    latitude: float
    longitude: float
    utc_offset_h: float
    wage_usd_h: float


@dataclass(frozen=True)
class Site:
    """A candidate place for datacenters; money in USD of the catalogue's price year, powers in facility MW."""

    id: str
    name: str
    country: str
    latitude: float
    longitude: float
    power_usd_kwh: float
    carbon_g_kwh: float
    build_musd_per_mw: float
    """Per MW of IT load, shell + MEP."""
    opening_musd: float
    lead_months: float
    pue: float
    pue_peak: float
    grid_limit_mw: float
    grid_ramp_mw: float
    """Facility MW that may be added per year."""
    earliest: int
    existing_mw: float = 0.0
    confidence: str = "estimate"
    notes: dict[str, str] = field(default_factory=dict)
