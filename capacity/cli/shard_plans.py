"""The plans that `capacity shard` finds, as a planner reads them: a table, and bars of where the time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
    from capacity.network import FabricDesign
    from capacity.scenario.schema import ServiceClass
    from capacity.serving import Calibration, Modes, Slo, Workload


@dataclass(frozen=True)
class Bench:
    """An accelerator in a pod of some size, with the links that join it."""

    chip: Accelerator
    links: Interconnect
    design: FabricDesign
    pod: int


@dataclass(frozen=True)
class Question:
    """One model on one accelerator, what is asked of it, and how it may serve."""

    card: ModelCard
    bench: Bench
    pool: Bench
    """What prefill's own pool runs on."""
    service: ServiceClass
    weights: str
    kv: str
    modes: Modes
    calibration: Calibration

    @property
    def workload(self) -> Workload:
        """The work of one instance."""
        from capacity.serving import Workload

        return Workload.of(self.service)

    @property
    def slo(self) -> Slo:
        """Its limits."""
        from capacity.serving import Slo

        return Slo(self.service.ttft, self.service.tpot, self.service.percentile)

    def cell(self) -> tuple[ModelCard, Accelerator, Interconnect, Workload]:
        """What every function of the serving room takes first."""
        return self.card, self.bench.chip, self.bench.links, self.workload

    def frontier(self) -> pd.DataFrame:
        """The plans, most instances per accelerator first. InputError says why there is none."""
        from capacity.serving import frontier, why_empty

        how: dict[str, Any] = {"weights": self.weights, "kv": self.kv, "calibration": self.calibration,
                               "max_accelerators": self.bench.pod, "modes": self.modes}
        other = self.pool is not self.bench
        found = frontier(*self.cell(), self.slo, prefill_on=(self.pool.chip, self.pool.links) if other else None, **how)
        if found.empty:
            reason = why_empty(*self.cell(), self.slo, **how)
            pools = f"prefill on {self.pool.chip.id}: no pair of pools keeps the limits; " if other else ""
            raise InputError(f"{self.card.id} on {self.bench.chip.id}: {pools}{reason}")
        return found

    def costed(self, found: pd.DataFrame, price: float, other: float) -> pd.DataFrame:
        """The plans with their cost, `other` being the price of the prefill pool's accelerators."""
        from capacity.serving import cost_per_million_tokens

        return found.assign(usd_per_million_tokens=cost_per_million_tokens(found, price, other))

    def title(self, price: float) -> str:
        """Two lines above the table."""
        pool = f", prefill pools on {self.pool.chip.name}" if self.pool is not self.bench else ""
        links, service = self.bench.links, self.service
        return (
            f"{self.card.name} on {self.bench.chip.name}{pool}: weights {self.weights}, KV {self.kv}, scale-up domain "
            f"{links.domain}, pod {links.reach}\nTTFT {service.ttft:g} s and TPOT {service.tpot * 1000:g} ms at "
            f"p{service.percentile * 100:g}, context {service.context_mean:,.0f} tokens; ${price:.2f} per "
            "accelerator-hour\n"
        )


def print_plans(found: pd.DataFrame, title: str = "", csv: bool = False, json: bool = False) -> None:
    """A table on the terminal, or everything for programs."""
    from capacity.cli.tables import print_frame

    print_frame(found, title=title, all_columns=True, csv=csv, json=json)


def readable(found: pd.DataFrame, backend: str | None = None) -> pd.DataFrame:
    """The columns a planner compares, in milliseconds and short names; what all plans share is left out."""
    import pandas as pd

    from capacity.serving import serves_as

    shown: dict[str, Any] = {
        "serves as": [serves_as(row) for _, row in found.iterrows()],
        "tp": found["tp"], "pp": found["pp"], "ep": found["ep"], "dp": found["dp"], "chips": found["accelerators"],
        "weights": found["weights"], "KV": found["kv"], "KV in": found["kv_home"], "batch": found["batch"].round(),
        "inst/chip": found["instances_per_accelerator"], "GB": found["memory_gb"].round(1),
        "TTFT ms": (found["ttft_s"] * 1000).round(), "TPOT ms": (found["tpot_s"] * 1000).round(1),
        "tok/s/chip": found["output_tokens_s_per_accelerator"].round(1),
        "W/chip": found["power_w_per_accelerator"].round(), "$/Mtok": found["usd_per_million_tokens"].round(3),
        "limit": found["limited_by"].str.replace("_", " "),
    }  # fmt: skip
    for name in ("weights", "KV"):
        if len(set(shown[name])) == 1:
            del shown[name]
    if backend:
        shown[f"{backend}: TPOT ms"] = (found["backend_tpot_s"] * 1000).round(1)
        shown["TTFT ms "] = (found["backend_ttft_s"] * 1000).round()
        shown["note"] = found["backend_note"]
    return pd.DataFrame(shown)


BAR = 60
"""Characters of the longest bar."""
STEP_MARKS = {"weights": ("█", "blue"), "kv": ("▓", "cyan"), "flops": ("▒", "green"), "collectives": ("░", "yellow"),
              "overhead": ("·", "white"), "stall": ("≈", "red"), "draft": ("+", "magenta")}
FIRST_MARKS = {"reload": ("▲", "red"), "transfer": ("»", "yellow"), "prefill": ("█", "blue"),
               "beside": ("▓", "cyan"), "queue": ("·", "white")}
MEANINGS = {"flops": "flops: compute beyond memory", "stall": "stall: waiting for streamed weights",
            "reload": "reload: KV from host RAM", "transfer": "transfer: KV between pools",
            "beside": "beside: decode steps between chunks",
            "queue": "queue: other prompts, and what the percentile adds"}


def explain_plans(question: Question, found: pd.DataFrame) -> None:
    """Two blocks of bars, each to one scale: the time of a token, and of the first one."""
    from capacity.serving import first_token_budget, serves_as, step_budget

    how: dict[str, Any] = {"calibration": question.calibration, "modes": question.modes}
    rows = [row for _, row in found.iterrows()]
    steps = [step_budget(*question.cell(), row, **how) for row in rows]
    pool = (question.pool.chip, question.pool.links)
    firsts = [first_token_budget(*question.cell(), question.slo, row, prefill_on=pool, **how) for row in rows]
    names = [f"{_shape(row)}  {serves_as(row)}" for row in rows]
    _bars("a token, mean, without prefill beside it", names, steps, STEP_MARKS, question.service.tpot)
    _bars(f"the first token, at p{question.service.percentile * 100:g}", names, firsts, FIRST_MARKS,
          question.service.ttft)


def _shape(row: pd.Series) -> str:
    return f"tp {row['tp']} pp {row['pp']} ep {row['ep']} dp {row['dp']}"


def _bars(heading: str, names: list[str], budgets: list[pd.DataFrame], marks: dict[str, tuple[str, str]],
          limit_s: float) -> None:
    """A bar a plan with its parts named; the limit stands where a bar may not pass."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    longest = max(float(budget["seconds"].sum()) for budget in budgets)
    scale = BAR / max(longest, limit_s if limit_s < 2 * longest else longest)
    used = [part for part in marks if any(part in set(budget["part"]) for budget in budgets)]
    legend = Text(f"\n{heading} (limit {_time(limit_s)})\n", style="bold")
    for part in used:
        legend.append(f"{marks[part][0]} ", style=marks[part][1]).append(f"{MEANINGS.get(part, part)}   ", style="")
    console.print(legend)
    for name, budget in zip(names, budgets, strict=True):
        total = float(budget["seconds"].sum())
        console.print(Text(f"{name}", style="bold").append(f"  {_time(total)}", style="not bold"))
        console.print(_bar(budget, marks, scale, limit_s))
        console.print(Text("  " + "  ".join(f"{p} {_time(s)} ({share:.0%})" for p, s, share in zip(
            budget["part"], budget["seconds"], budget["share"], strict=True) if share >= 0.005), style="dim"))


def _bar(budget: pd.DataFrame, marks: dict[str, tuple[str, str]], scale: float, limit_s: float) -> Any:
    """The parts end to end, each rounded where it ends, so that the whole has its right length."""
    from rich.text import Text

    bar, ends = Text("  "), (budget["seconds"].cumsum() * scale).round().astype(int)
    start = 0
    for part, end in zip(budget["part"], ends, strict=True):
        mark, colour = marks[part]
        bar.append(mark * (end - start), style=colour)
        start = end
    room = round(limit_s * scale) - start
    if 0 <= room <= BAR:
        bar.append(" " * room + "│", style="bold")
    return bar


def _time(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:,.2f} s"
    return f"{seconds * 1e3:,.1f} ms" if seconds >= 1e-4 else f"{seconds * 1e6:,.1f} us"
