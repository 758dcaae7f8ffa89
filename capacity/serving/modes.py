"""Ways of serving that a search may use beyond the plain one: what a user switches on."""

from __future__ import annotations

from dataclasses import dataclass

from capacity.errors import InputError, nearest
from capacity.serving.speculative import Speculation

PARTS = (1, 2, 4, 8)
SOURCES = ("host", "nvme")


@dataclass(frozen=True)
class Modes:
    """What the search may do. Raises InputError for what does not exist.

    The defaults are those of a plan: KV may wait in host RAM between turns, nothing else.
    """

    kv_offload: bool = True
    """Sessions may wait in host RAM between turns."""
    parts: int = 1
    """Most copies side by side on one accelerator: 1, 2, 4 or 8. Each has its share of memory, bandwidth and FLOP/s."""
    streaming: tuple[str, ...] = ()
    """Where weights that are not resident may stream from: host, nvme."""
    lookahead: int = 2
    """Layers of room for streamed weights: one computes while the next ones arrive."""
    disaggregated: bool = False
    """Prefill and decode may run in pools of their own."""
    shared_prefix: bool = False
    """Attention reads the prompt that parallel branches share once for all of them."""
    speculation: Speculation | None = None

    def __post_init__(self) -> None:
        if self.parts not in PARTS:
            raise InputError(f"modes: parts of an accelerator are {', '.join(map(str, PARTS))}, got {self.parts}")
        for source in self.streaming:
            if source not in SOURCES:
                raise InputError(f"modes: weights stream from {', '.join(SOURCES)}, not {source!r}; "
                                 f"nearest: {nearest(source, list(SOURCES)) or 'none'}")
        if self.lookahead < 1:
            raise InputError(f"modes: lookahead must be 1 layer or more, got {self.lookahead}")
