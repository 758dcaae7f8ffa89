"""How well hardware and engines do against their datasheets: efficiencies and overheads of data/calibration.csv.

Each row gives one parameter, for all chips or for one generation and weight precision; the most specific row wins, and
what had to be inherited from a general row is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.errors import InputError, nearest

ANY = "*"


@dataclass(frozen=True)
class Fit:
    """Parameters of one (generation, precision, engine); shares in 0..1, times in seconds."""

    weight_bandwidth: float
    """Share of datasheet memory bandwidth reached when streaming weights."""
    unpacked_bandwidth: float
    """Share of that which is left for a format that the chip does not compute in."""
    kv_bandwidth: float
    """Share reached when reading the KV cache."""
    matmul: float
    """Share of dense FLOP/s reached in large matrix products at the weights' precision."""
    expert_matmul: float
    """Share of `matmul` that grouped expert products keep."""
    activation_passes: float
    """Times that a layer reads or writes a token's activations outside its products."""
    attention_core: float
    """Share of 16-bit FLOP/s reached in attention."""
    layer_s: float
    """Launches and small kernels of one dense layer."""
    moe_layer_s: float
    """The same of one MoE layer: routing, permutation, grouped kernels."""
    latent_layer_s: float
    """What latent attention (MLA) adds to a layer: projections to and from the latents, their norms."""
    pace: float
    """Duration of these overheads on a generation's kernels and hosts, against the common one."""
    prompt_launches: float
    """What the host takes to launch a pass with prompts, against the launches of a decode step."""
    step_s: float
    """Scheduler, sampling and launch of one step."""
    sequence_s: float
    """What each further sequence of a rank adds to a step: sampling, scheduling, streaming out."""
    knee: float
    """Sharpness of the roofline: memory and compute time combine as a norm of this order."""
    reduce_latency: float
    """Latency of an exchange of signals in an engine's own all-reduce, against the link's point to point."""
    library_latency: float
    """Latency of NCCL called from a step, for engines without kernels of their own, against NCCL's own tests."""
    stall: float
    """Share of a prompt's prefill time by which answers in flight beside it are delayed."""
    expert_imbalance: float
    """Load of the busiest expert-parallel rank against the mean, at many ranks."""
    rank_imbalance: float
    """Share of the statistical spread over attention-DP ranks that routing leaves."""
    overlap: float
    """Share of prefill's collectives hidden behind compute."""
    memory_share: float
    """Share of usable memory an engine gives to weights, KV and activations."""
    host_memory_share: float
    host_link: float
    """Share of the host link's bandwidth reached."""
    chunk_tokens: float
    """Tokens of prefill mixed into one step."""
    prompt_cv2: float
    """Squared coefficient of variation of fresh tokens per turn."""
    index_bytes: float
    """Bytes per token and layer that a sparse attention's indexer keeps and reads."""
    idle_power: float
    """Share of all-in power drawn when idle."""
    decode_power: float
    """Share of all-in power drawn while decoding."""
    prefill_power: float
    rtt_reserve_near_s: float
    """Latency headrooms at which plans are also sized, so that far regions can be served."""
    rtt_reserve_far_s: float
    link_alpha_s: float
    """Latency of one step of a collective inside the scale-up domain; 0: as the interconnect says."""
    link_efficiency: float
    """Share of the scale-up bandwidth that two ranks reach in collectives; 0: as the interconnect says."""
    link_bulk: float
    """Latency of the collectives' protocol for large messages against that for small ones."""
    link_doubling: float
    """Share of the rate inside the domain that stays with each doubling of the ranks beyond two."""
    host_crowding: float
    """How much of that loss serving hosts show against the hosts of the collectives' tables: an exponent."""
    max_sequences: float
    """Sequences that an engine runs at once on one rank, by its defaults."""
    full_load: float
    """Nuisance: throughput of a finite run at full load against the steady one (ramp, drain, uneven lengths)."""
    nvme: float
    """Bytes/s of one host's NVMe drives."""
    cluster_ports: float
    """Nuisance of published measurements across domains: share of the accelerators' network rate that was there."""
    cluster_latency: float
    """Nuisance of published measurements across domains: latency of the network against the catalogue's."""
    unpack_bytes: float
    """Nuisance of research engines: memory traffic of writing one narrow value out at 16 bits before its use."""
    staged_link: float
    """Nuisance of research engines: rate of the host link from memory that is not pinned, against that from pinned."""
    harness_s: float
    """Nuisance of published measurements, kept out of plans: what the measuring client adds to each TTFT."""
    harness_steps: float
    """Nuisance: decode steps that the measuring client and the server's batching add to each TTFT."""
    gather_steps: float
    """Nuisance: further decode steps that servers with attention-DP wait, so that prompts come to all ranks at once."""
    inherited: tuple[str, ...] = ()
    """Parameters for which no row names this generation."""


PARAMETERS = tuple(f.name for f in fields(Fit) if f.name != "inherited")

SPECIFIC = ("weight_bandwidth", "kv_bandwidth", "matmul")
"""Parameters that differ by generation, and so are reported as inherited when only a general row exists."""

KEYS = ("generation", "precision", "engine", "fabric")

KIN = {"fastertransformer4": "fastertransformer"}
"""Engine family -> the one that stands for it in a fit that has not seen it: another release of the same."""


def standing_for(engine: str, keys: Iterable[tuple[str, ...]]) -> str:
    """The engine, or its kin where none of the rows names it; keys: (parameter, *KEYS)."""
    kin = KIN.get(engine)
    return engine if kin is None or any(key[3] == engine for key in keys) else kin


class Calibration:
    """A table of parameters with columns parameter, generation, precision, engine, fabric, value, ..."""

    def __init__(self, table: pd.DataFrame, source: str = "calibration"):
        keys = list(KEYS)
        missing = {"parameter", "value", *keys} - set(table.columns)
        if missing:
            raise InputError(f"{source}: columns {sorted(missing)} are missing")
        unknown = sorted(set(table["parameter"]) - set(PARAMETERS))
        if unknown:
            raise InputError(f"{source}: parameter {unknown[0]!r} is unknown; "
                             f"nearest: {nearest(unknown[0], list(PARAMETERS)) or 'none'}")
        filled = table.assign(**{k: table[k].fillna(ANY) for k in keys})
        doubled = filled.duplicated(["parameter", *keys])
        if doubled.any():
            row = int(doubled.to_numpy().argmax())
            raise InputError(f"{source}: row {row + 2} repeats {filled['parameter'].iloc[row]}")
        index = filled[["parameter", *keys]].itertuples(index=False, name=None)
        values = filled["value"].astype(float)
        self.values: dict[tuple[str, ...], float] = dict(zip(index, values, strict=True))
        self.source = source
        self._fits: dict[tuple[str, str, str, str], Fit] = {}

    @classmethod
    def of(cls, values: Mapping[tuple[str, ...], float], source: str = "fit") -> Calibration:
        """Calibration of values by (parameter, generation, precision, engine, fabric), taken as they are."""
        made = cls.__new__(cls)
        made.values, made.source, made._fits = dict(values), source, {}
        return made

    @classmethod
    def read(cls, path: Path | str) -> Calibration:
        """Calibration of a CSV file."""
        file = Path(path)
        if not file.is_file():
            raise InputError(f"calibration: file {file} does not exist")
        return cls(pd.read_csv(file), file.name)

    def moved(self, names: Sequence[str], step: float) -> Calibration:
        """The same table with one parameter after another moved by `step` in logarithms.

        The parameters of its fits are columns, shape (1 + names, 1): as they are in the first row, then each moved in
        its own, so that one evaluation over rows gives all slopes.
        """
        return _Moved.around(self, names, step)

    def fit(self, generation: str, precision: str, engine: str = ANY, fabric: str = ANY) -> Fit:
        """Parameters of a generation at a weight precision; InputError if the table has no row that applies."""
        key = (generation, precision, engine, fabric)
        if key not in self._fits:
            found = {name: self._lookup(name, *key) for name in PARAMETERS}
            inherited = tuple(n for n in SPECIFIC if found[n][1] == ANY and generation != ANY)
            self._fits[key] = Fit(**{n: v for n, (v, _) in found.items()}, inherited=inherited)
        return self._fits[key]

    def _lookup(self, name: str, generation: str, precision: str, engine: str, fabric: str) -> tuple[float, str]:
        family = standing_for(engine, self.values)
        for key in product((generation, ANY), (precision, ANY), (family, ANY), (fabric, ANY)):
            if (name, *key) in self.values:
                return self.values[name, *key], key[0]
        raise InputError(f"{self.source}: no row of {name!r} applies to generation {generation!r}, precision "
                         f"{precision!r}; add one with generation {ANY!r}")


class _Moved(Calibration):
    """See `Calibration.moved`."""

    names: Sequence[str]
    step: float

    @classmethod
    def around(cls, table: Calibration, names: Sequence[str], step: float) -> _Moved:
        made = cls.__new__(cls)
        made.values, made.source, made._fits = table.values, table.source, {}
        made.names, made.step = names, step
        return made

    def fit(self, generation: str, precision: str, engine: str = ANY, fabric: str = ANY) -> Fit:
        key = (generation, precision, engine, fabric)
        if key not in self._fits:
            found: dict[str, Any] = {}
            for row, name in enumerate(self.names, start=1):
                column = np.full((len(self.names) + 1, 1), self._lookup(name, *key)[0])
                column[row] *= np.exp(self.step)
                found[name] = column
            self._fits[key] = replace(super().fit(*key), **found)
        return self._fits[key]


@lru_cache(maxsize=1)
def default_calibration() -> Calibration:
    """The calibration shipped with the catalogue."""
    from capacity.catalogue.locate import data_folder

    return Calibration.read(data_folder() / "calibration.csv")


@lru_cache(maxsize=8)
def calibration_of(catalogue: Catalogue) -> Calibration:
    """The calibration of a catalogue, the rows of its overlays included."""
    return Calibration(catalogue.table("calibration"), "calibration.csv")
