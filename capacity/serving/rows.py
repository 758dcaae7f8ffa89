"""Plans at their load as rows, and which of them are worth keeping: the Pareto frontier.

Columns are numpy arrays until the few rows that stay are known; only those become a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.serving.architecture import Array
from capacity.serving.memory import held_bytes
from capacity.serving.plans import LIMITS, Cell
from capacity.serving.power import power_w, utilisation
from capacity.serving.sizing import Sized
from capacity.serving.system import GIB, Layout

PLAIN_COLUMNS = (
    "tp", "pp", "ep", "dp", "accelerators", "kv_home", "batch", "instances", "instances_per_accelerator", "ttft_s",
    "tpot_s", "memory_gb", "output_tokens_s_per_accelerator", "fresh_tokens_s_per_accelerator",
    "power_w_per_accelerator", "utilisation", "rtt_slack_s", "limited_by",
)
MODE_COLUMNS = (
    "mode", "weights", "kv", "part", "streamed", "stream_from", "decode_copies", "prefill_copies", "prefill_on",
    "prefill_tp", "prefill_pp", "prefill_ep", "prefill_dp", "prefill_accelerators", "prefill_part", "prefill_streamed",
    "prefill_stream_from",
)
"""How a plan serves: its mode, precisions, part of an accelerator, share of the layers streamed, prefill's own pool.

Of pools, `part`, `streamed` and `stream_from` are the decode copies'.
"""
FRONTIER_COLUMNS = (*PLAIN_COLUMNS, *MODE_COLUMNS)
NO_POOL: dict[str, object] = {
    "decode_copies": 1, "prefill_copies": 0, "prefill_on": "", "prefill_tp": 0, "prefill_pp": 0, "prefill_ep": 0,
    "prefill_dp": 0, "prefill_accelerators": 0.0, "prefill_part": 1.0, "prefill_streamed": 0.0,
    "prefill_stream_from": "",
}
"""A copy that prefills for itself."""
DISTINCT = 0.01
"""A plan stays on the frontier if it is better by this share in some respect than every smaller one kept."""


@dataclass(frozen=True)
class Scores:
    """What plans are compared by, one entry a plan, and where each came from."""

    rate: Array
    """Instances per accelerator."""
    power: Array
    """Watts per instance."""
    slack: Array
    """Seconds of round trip it can bear."""
    size: Array
    """Accelerators of one copy."""


def scores(cell: Cell, sized: Sized) -> Scores:
    """Scores of sized plans."""
    rate = sized.instances / sized.plans.layout.accelerators
    power = power_w(cell.system, sized.plans.layout, sized.at) / rate
    return Scores(rate, power, sized.slack(cell), sized.plans.layout.accelerators)


def pareto(parts: Sequence[Scores], levels: Sequence[float]) -> list[NDArray[np.intp]]:
    """Rows of each part better than every smaller copy, by DISTINCT, in rate, power or useful slack.

    Slack is useful up to the highest of `levels`, and counts by the levels it reaches. So that of plans that are nearly
    tied the smallest copy stands.
    """
    if not parts:
        return []
    rate, power, slack, size = (np.concatenate([getattr(p, name) for p in parts])
                                for name in ("rate", "power", "slack", "size"))
    useful = np.searchsorted(np.array(sorted(levels)), slack, side="right").astype(float)
    chosen = _undominated(rate, power, useful, size)
    ends = np.cumsum([len(p.rate) for p in parts])
    return [chosen[(chosen >= end - len(p.rate)) & (chosen < end)] - (end - len(p.rate))
            for p, end in zip(parts, ends, strict=True)]


def _undominated(rate: Array, power: Array, useful: Array, size: Array) -> NDArray[np.intp]:
    values = np.stack([-rate, power, -useful])
    left = np.lexsort((power, -useful, -rate, size))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        bar = values[:, best]
        bar = bar - DISTINCT * np.abs(bar)
        better = (values[0, left] < bar[0]) | (values[1, left] < bar[1]) | (values[2, left] < bar[2])
        left = left[better]
    return np.array(kept, dtype=np.intp)


Columns = dict[str, np.ndarray[Any, Any]]


def columns(cell: Cell, sized: Sized, rows: NDArray[np.intp], weights: str, kv: str) -> Columns:
    """The chosen rows of sized plans: an array for each of FRONTIER_COLUMNS."""
    plans, instances = sized.plans.take(rows), sized.instances[rows]
    at = sized.at.take(rows)
    layout, work = plans.layout, cell.workload
    per = instances / layout.accelerators
    limit = cell.pressure(plans, cell.load(plans, sized.beyond[rows])).argmax(axis=0)
    made = {
        **shape(layout), "accelerators": layout.accelerators, "kv_home": np.where(plans.host, "host", "hbm"),
        "batch": at.in_flight,
        "instances": instances.astype(np.int64), "instances_per_accelerator": per, "ttft_s": at.ttft,
        "tpot_s": at.tpot, "memory_gb": (held_bytes(cell.system, layout) + at.kv_bytes) / GIB,
        "output_tokens_s_per_accelerator": per * work.branches * work.output_tokens_s,
        "fresh_tokens_s_per_accelerator": per * work.fresh_tokens_s,
        "power_w_per_accelerator": power_w(cell.system, layout, at), "utilisation": utilisation(layout, at),
        "rtt_slack_s": cell.slo.ttft_s - at.ttft, "limited_by": np.array(LIMITS)[limit], "mode": _mode(layout),
        **split(layout), "weights": weights, "kv": kv, **NO_POOL,
    }  # fmt: skip
    return {name: np.broadcast_to(made[name], per.shape) for name in FRONTIER_COLUMNS}


def joined(tables: Sequence[Sequence[Columns]]) -> list[pd.DataFrame]:
    """A table of the parts of each, most instances per accelerator first; empty with its columns where there are none.

    They are made as one and cut, since a table costs by itself more than its rows do.
    """
    ready = [_ordered(parts) for parts in tables]
    some = [made for made in ready if made]
    if not some:
        return [_none() for _ in ready]
    every = {name: np.concatenate([made[name] for made in some]) for name in FRONTIER_COLUMNS}
    counts = every["accelerators"] = _in_whole(every["accelerators"])
    whole = pd.DataFrame(every)
    ends = np.cumsum([0, *(len(made["tp"]) if made else 0 for made in ready)])
    cut = [whole.iloc[first:last].reset_index(drop=True) for first, last in pairwise(ends.tolist())]
    if counts.dtype.kind == "f":
        cut = [table.assign(accelerators=_in_whole(table["accelerators"].to_numpy())) for table in cut]
    return [table if len(table) else _none() for table in cut]


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=list(FRONTIER_COLUMNS))


def _ordered(parts: Sequence[Columns]) -> Columns:
    if not parts:
        return {}
    made = parts[0] if len(parts) == 1 else {n: np.concatenate([p[n] for p in parts]) for n in FRONTIER_COLUMNS}
    order = np.lexsort((made["accelerators"], -made["instances_per_accelerator"]))
    return {name: values[order] for name, values in made.items()}


def _in_whole(count: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whole numbers as such where all are."""
    return count.astype(np.int64) if (count == np.floor(count)).all() else count


def shape(layout: Layout) -> Columns:
    """The sharding in whole numbers, tp, pp, ep and dp."""
    return {name: np.maximum(getattr(layout, name), 1.0).astype(np.int64) for name in ("tp", "pp", "ep", "dp")}


def split(layout: Layout) -> Columns:
    """The part of an accelerator that each copy has, the share of its layers that stream, and where from."""
    part, stream = np.minimum(layout.tp, 1.0), layout.stream
    if stream is None:
        return {"part": part, "streamed": np.zeros_like(part), "stream_from": np.full(part.shape, "")}
    source = np.where(stream.share > 0, np.where(stream.in_host, "host", "nvme"), "")
    return {"part": part, "streamed": stream.share, "stream_from": source}


def _mode(layout: Layout) -> np.ndarray[Any, Any]:
    """How each plan serves, in a word."""
    mode = np.where(layout.tp < 1.0, "part", "plain")
    return mode if layout.stream is None else np.where(layout.stream.share > 0, "streamed", mode)
