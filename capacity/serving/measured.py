"""Published measurements of serving systems, one value a row, as the questions they are.

Columns read: model, gpu, n_gpus, tp, pp, ep, precision_weights, precision_kv, batch (or concurrency), input_len,
output_len, metric, value, engine, notes, and where present attention_dp, qps_offered (or qps), load, source. What a
table leaves out is filled by rules stated here; a note `concurrency=N` gives that of the whole copy where the batch
column gives a rank's (InferenceX with attention-DP); what cannot be asked is skipped with a reason, never guessed at.

Loads: `static` one batch from start to end; `closed` so many requests always under way, all at once at the start;
`open` arrivals at a rate; `maximum` as many as fit; `offload` weights outside the accelerator; `collective` a
measured collective of a size in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.errors import InputError, nearest
from capacity.serving.campaigns import told_apart

NEEDED = ("model", "gpu", "metric", "value")
LOADS = ("static", "closed", "open", "maximum", "offload", "collective")
COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "alltoall")

TIMES = {"ttft": "ttft_ms", "tpot": "tpot_ms", "itl": "tpot_ms", "total_latency": "total_latency_ms",
         "e2e": "total_latency_ms", "e2e_latency": "total_latency_ms"}
"""Mean or median latencies in milliseconds, as written without their unit -> what they ask for."""

ENGINES = {
    "vllm": "vllm", "sglang": "sglang", "trtllm": "trtllm", "tensorrt-llm": "trtllm", "tensorrt_llm": "trtllm",
    "fastertransformer": "fastertransformer", "megatron": "megatron", "ds-": "deepspeed", "deepspeed": "deepspeed",
    "flexgen": "flexgen", "petals": "petals", "accelerate": "accelerate", "hugging face": "accelerate",
    "tgi": "tgi", "lmdeploy": "lmdeploy", "jetstream": "jetstream", "nccl": "nccl",
}  # fmt: skip
"""Part of an engine's name -> family."""

EARLIER = {"trtllm": (r"\sv?0\.\d", "tensorrt"), "fastertransformer": (r"\sv?4\.\d", "fastertransformer4")}
"""Family -> (versions that are another, its name): TensorRT-LLM before 1.0 has compiled engines and another runtime,
FasterTransformer 4.0 is the first of GPT, with NCCL of 2021."""

OTHER_FORM = re.compile(r"^3e|pcie|nvl(?!\d)|distill|draft|eagle")
"""What follows a known name must not say this: another board, with other memory and links, or another model."""
SAME_MEMORY = 0.85
"""A memory size in a chip's name, if any, is its own at least to this share; host memory of superchips is larger."""
BOARD_GB = 400.0
"""A larger figure in a name is a superchip's host memory."""
CARDS = ("pcie", "nvlink-bridge")
"""Fabrics of cards for a slot: their name may say so."""
VENDORS = ("nvidia", "amd", "google", "intel", "aws", "meta", "tesla", "instinct", "geforce")

SERVERS = ("vllm", "sglang", "trtllm", "tgi", "lmdeploy", "jetstream", "*")
"""Engines whose latencies at a batch are taken under closed-loop concurrency unless the row says otherwise."""

PRECISIONS = {"nvfp4": "fp4", "mxfp4": "fp4", "fp4": "fp4", "int4": "int4", "w4a16": "int4", "awq": "int4",
              "gptq": "int4", "fp8": "fp8", "w8a8": "fp8", "int8": "int8", "w8a16": "int8", "bf16": "bf16",
              "bfloat16": "bf16", "fp16": "fp16", "float16": "fp16", "half": "fp16"}  # fmt: skip

MEASURED = r"measured=(\d{4}-\d\d-\d\d)"
"""The day of measuring, as notes say it."""

DRAFTS = r"(?<!without )(?<!no )(?<!non-)(?:\bmtp|\beagle|\bmedusa|speculative|draft)"
"""An engine's name that says this had tokens drafted ahead."""

FEW = 0.25
"""Requests before their first token at one time, on average (rate x TTFT, Little's law), that count as none beside."""
MILLI = 1e-3

DRAWN = 0.9
"""InferenceX draws lengths evenly between 0.8 and 1 times the nominal ones."""


def read_measurements(files: Sequence[Path | str], catalogue: Catalogue) -> pd.DataFrame:
    """All rows of the files, resolved: file, row (line of the file), the ids, lengths and load of each question.

    Columns file, row, model_given, gpu_given, metric_given, value, model, accelerator, generation, weights, kv, engine,
    tp, pp, ep, dp, replicas, batch, rate, input, output, metric, load, collective, tier, reason (why it is skipped, or
    empty), queued (the system's own figures show that requests waited longer than they were answered: it was
    saturated), beside (`alone` for a prompt that meets hardly any other, else `loaded`). Raises InputError for a file
    that is missing, not a table, or lacks a needed column.
    """
    if not files:
        raise InputError("no file of measurements is given")
    return pd.concat([_read(Path(name), catalogue) for name in files], ignore_index=True)


def _read(path: Path, catalogue: Catalogue) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file of measurements")
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table of comma-separated values: {' '.join(str(error).split())}") from error
    for name in NEEDED:
        if name not in raw:
            near = nearest(name, list(raw.columns))
            raise InputError(f"{path}: column `{name}` is missing; columns: {', '.join(raw.columns)}"
                             + (f"; nearest: `{near}`" if near else ""))
    return _resolve(path.name, raw.apply(lambda column: column.str.strip()), catalogue)


def _resolve(file: str, raw: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    rows = pd.DataFrame({
        "file": file, "row": np.arange(len(raw)) + 2, "model_given": raw["model"], "gpu_given": raw["gpu"],
        "metric_given": raw["metric"], "engine_given": _column(raw, "engine"),
        "value": pd.to_numeric(raw["value"], errors="coerce"), "source": _column(raw, "source"),
        "day": _column(raw, "notes").str.extract(MEASURED, expand=False).fillna(""),
    })  # fmt: skip
    rows["metric"] = _each(raw["metric"], metric_of)
    collective = rows["metric"] == "time_us"
    names = raw["model"].where(~collective, "")
    chips = catalogue.accelerators()
    rows["model"] = _each(names, Names(catalogue.models()))
    told = told_apart(rows, catalogue)
    rows["engine_given"], rows["gpu_batches"], rows["staged"] = told["engine"], told["gpu_batches"], told["staged"]
    rows["drafted"] = told["drafted"] | rows["engine_given"].str.contains(DRAFTS, case=False)
    rows["engine"] = _each(rows["engine_given"], engine_family)
    rows["accelerator"] = _each(raw["gpu"], Names(chips))
    rows["generation"] = _each(rows["accelerator"], lambda name: chips[name].generation if name in chips else "")
    rows["weights"] = told["weights"].where(told["weights"] != "", _precision_of_weights(raw, rows, catalogue))
    rows["kv"] = _precision_of_kv(raw, rows)
    _sharding(raw, rows)
    whole = _column(raw, "notes").str.extract(r"concurrency=(\d+)", expand=False).astype(float)
    rows["batch"] = whole.fillna(_number(raw, "batch", "concurrency"))
    rows["rate"] = _number(raw, "qps_offered", "qps", "request_rate")
    drawn = np.where(_column(raw, "source").str.contains("inferencex", case=False), DRAWN, 1.0)
    rows["input"] = _each(_column(raw, "input_len"), _length).astype(float) * drawn
    rows["output"] = _each(_column(raw, "output_len"), _length).astype(float) * drawn
    rows["load"] = _load(raw, rows)
    rows["collective"] = raw["model"].str.replace("nccl_", "").replace("all_to_all", "alltoall").where(collective, "")
    rows["tier"] = _column(raw, "notes").str.extract(r"memory tier used: (\w+)", expand=False).fillna("").str.lower()
    rows["reason"] = _reason(rows)
    rows["queued"] = _queued(raw, rows)
    rows["beside"] = np.where(_alone(rows), "alone", "loaded")
    return rows


def _each(column: pd.Series, function: Callable[[str], object]) -> pd.Series:
    """A function of each distinct text."""
    return column.map({text: function(text) for text in column.unique()})


def _column(raw: pd.DataFrame, *names: str) -> pd.Series:
    """The first of the columns that the table has, else blanks."""
    found = [name for name in names if name in raw]
    return raw[found[0]] if found else pd.Series("", index=raw.index)


def _number(raw: pd.DataFrame, *names: str) -> pd.Series:
    return pd.to_numeric(_column(raw, *names).replace("INF", "inf"), errors="coerce")


def metric_of(name: str) -> str:
    """What a metric as written asks for; empty when the model does not predict it (percentiles, memory)."""
    text = re.sub(r"^(mean|avg|median|p50)_", "", name.casefold())
    if text.endswith("_ms") and text[:-3] in TIMES:
        return TIMES[text[:-3]]
    if text in ("ms_per_token_throughput", "time_us"):
        return {"ms_per_token_throughput": "ms_per_token"}.get(text, text)
    if not text.startswith("throughput"):
        return ""
    if "user" in text:
        return "throughput_user"
    what = next((w for w in ("req", "total", "in") if re.search(rf"_{w}", text)), "out")
    return f"throughput_{what}" + ("_gpu" if text.endswith("gpu") else "")


class Names:
    """Cards by their names as people write them: any case, spacing and vendor, and whatever follows a known name."""

    def __init__(self, cards: Mapping[str, Accelerator] | Mapping[str, ModelCard]) -> None:
        self.cards = cards
        written = [(text, name) for name, card in cards.items() for text in (card.name, *card.aliases, name)]
        self.known = {_plain(text.split("/")[-1]): name for text, name in written}
        self.known |= {_plain(text): name for text, name in written}

    def __call__(self, name: str) -> str:
        """The id, or empty. `H100 80GB HBM3` is an `H100`; `Qwen3-235B-A22B-Instruct` a `Qwen3-235B-A22B`."""
        for text in dict.fromkeys([_plain(name), _plain(name.split("/")[-1])]):
            if text in self.known:
                return self.known[text]
        whole, ends = _plain(name.split("/")[-1]), _ends(name.split("/")[-1])
        heads = [text for text in self.known if re.match(rf"{re.escape(text)}(?!p\d)(?!\d*b)", whole)
                 and (len(text) in ends or not re.match(r"\d\d", whole[len(text) - 1:]))]
        longest = max(heads, key=len, default="")
        rest = whole[len(longest):]
        own = self.known.get(longest, "")
        if not own or self._other_form(own, rest):
            return ""
        return own if self._sized(own, rest) else self._of_that_size(longest, rest)

    def _other_form(self, own: str, rest: str) -> bool:
        """True where what follows a known name says another board or another model."""
        card = self.cards[own]
        if not isinstance(card, ModelCard) and card.scale_up_fabric.startswith(CARDS):
            rest = rest.replace("pcie", "")
        return bool(OTHER_FORM.search(rest))

    def _sized(self, own: str, rest: str) -> bool:
        """True unless what follows a chip's name gives it another memory than it has."""
        card = self.cards[own]
        sizes = [float(size) for size in re.findall(r"(\d+)gb", rest)]
        if isinstance(card, ModelCard) or not sizes:
            return True
        return any(min(size, own) / max(size, own) >= SAME_MEMORY or size > BOARD_GB
                   for size in sizes for own in (card.memory_gb, card.memory_usable_gb))

    def _of_that_size(self, head: str, rest: str) -> str:
        """The one chip sold under the same name with the memory that is said, or empty."""
        kin = {name for text, name in self.known.items() if text.startswith(head) and not OTHER_FORM.search(
            text[len(head):]) and self._sized(name, rest) and self._sized(name, text[len(head):])}
        return kin.pop() if len(kin) == 1 else ""


def engine_family(name: str) -> str:
    """The family of an engine as written, such as `trtllm 1.2.0rc6`; `*` when it is none we know."""
    text = name.casefold()
    family = next((known for part, known in ENGINES.items() if part in text), "*")
    versions, earlier = EARLIER.get(family, ("$.", ""))
    return earlier if re.search(versions, text) else family


def precision(text: str) -> str:
    """The precision meant by a text such as `nvfp4` or `fp8_block`; empty when none is."""
    low = text.casefold()
    return next((known for part, known in PRECISIONS.items() if part in low), "")


def _precision_of_weights(raw: pd.DataFrame, rows: pd.DataFrame, catalogue: Catalogue) -> pd.Series:
    """As stated; else as the model's name says; else as the model was published."""
    stated = _each(_column(raw, "precision_weights", "precision"), precision)
    named = _each(raw["model"], precision)
    cards = catalogue.models()
    native = _each(rows["model"], lambda name: cards[name].native_precision if name in cards else "")
    return stated.where(stated != "", named.where(named != "", native))


def _precision_of_kv(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """As stated; else 8 bits where TensorRT-LLM serves narrow weights (its default), else 16."""
    stated = _each(_column(raw, "precision_kv"), precision)
    narrow = rows["engine"].isin(("trtllm", "tensorrt")) & rows["weights"].isin(("fp8", "fp4"))
    return stated.where(stated != "", pd.Series(np.where(narrow, "fp8", "bf16"), index=rows.index))


def _sharding(raw: pd.DataFrame, rows: pd.DataFrame) -> None:
    """tp, pp, ep, dp, replicas: what is not stated is 1, but tp is then all accelerators of the row."""
    total = _number(raw, "n_gpus")
    pp, dp = (_number(raw, name).fillna(1.0) for name in ("pp", "attention_dp"))
    tp = _number(raw, "tp").fillna((total / (pp * dp)).round())
    ep = _number(raw, "ep").fillna(1.0)
    used = tp * pp * dp
    rows["tp"], rows["pp"], rows["dp"] = tp, pp, dp
    rows["ep"] = np.minimum(ep, tp * dp)
    rows["replicas"] = np.maximum(total.fillna(used) / used, 1.0)


def _plain(name: str) -> str:
    """Letters and digits alone, vendors' names left out; a decimal point counts (GPT-1.3B is no GPT-13B)."""
    return "".join(_words(name))


def _ends(name: str) -> set[int]:
    """Where its words end in the plain name: elsewhere a number is not cut in two (L40 is no L4)."""
    return set(accumulate(len(word) for word in _words(name)))


def _words(name: str) -> list[str]:
    words = [word for word in re.split(r"[^a-z0-9.]+", name.casefold()) if word not in VENDORS]
    return [re.sub(r"[^a-z0-9]", "", re.sub(r"(\d)\.(\d)", r"\1p\2", word)) for word in words]


def _length(text: str) -> float:
    """Tokens; a range counts as its middle (`few (~5-10)` is 7.5); NaN when there is no number."""
    numbers = [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))]
    return sum(numbers[:2]) / len(numbers[:2]) if numbers else float("nan")


def _load(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """What the row says (`load`), else what its columns and notes imply."""
    stated = _column(raw, "load").str.casefold().str.extract(rf"^({'|'.join(LOADS)})", expand=False).fillna("")
    notes = _column(raw, "notes").str.casefold()
    throughput = rows["metric"].str.startswith("throughput")
    whole = rows["metric"].isin(("total_latency_ms", "ms_per_token"))
    static = whole | notes.str.contains("static") | throughput | ~rows["engine"].isin(SERVERS)
    served = notes.str.contains("concurrency") | _column(raw, "concurrency").ne("")
    return pd.Series(np.select(
        [stated.isin(LOADS), rows["metric"] == "time_us", notes.str.contains("memory tier used: (?:cpu|disk)"),
         np.isfinite(rows["rate"]), rows["rate"].eq(np.inf) | (rows["batch"].isna() & throughput),
         rows["batch"].notna() & static & ~served, rows["batch"].notna()],
        [stated, "collective", "offload", "open", "maximum", "static", "closed"], default=""), index=rows.index)


def _queued(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """True for closed loads whose first token took longer than all others of the answer together."""
    numbers = rows[["tp", "pp", "ep", "dp", "batch", "input", "output"]].fillna(-1.0).to_numpy()
    key = [_column(raw, name) for name in ("model", "gpu", "engine", "precision_weights", "row_id")]
    key = [*key, *(pd.Series(column, index=rows.index) for column in numbers.T)]
    first, later = (rows["value"].where(rows["metric"] == name).groupby(key).transform("max")
                    for name in ("ttft_ms", "tpot_ms"))
    return (rows["load"] == "closed") & (first > later * rows["output"]).fillna(False)


def _alone(rows: pd.DataFrame) -> pd.Series:
    """True where a prompt meets hardly any other: one sequence at a time, or so low a rate that first tokens do not."""
    one = rows["load"].isin(("static", "closed")) & (rows["batch"] / rows["replicas"] <= 1.0)
    waiting = rows["rate"] / rows["replicas"] * rows["value"] * MILLI
    few = (rows["load"] == "open") & (rows["metric"] == "ttft_ms") & (waiting < FEW)
    return one | few


def _reason(rows: pd.DataFrame) -> pd.Series:
    """Why a row cannot be predicted, the first that applies; empty when it can."""
    asks = rows["load"] != "collective"
    lengths = ~(rows["input"] > 0) | (~(rows["output"] > 0) & ((rows["metric"] != "ttft_ms") | rows["output"].notna()))
    sharding = rows[["tp", "pp", "ep", "dp"]]
    whole = ((sharding >= 1) & (sharding % 1 == 0)).all(axis=1)
    sized = np.where(rows["load"] == "open", rows["rate"], rows["batch"].where(rows["load"] != "maximum", 1.0)) > 0
    bursts = (rows["load"] == "maximum") & ~rows["metric"].str.startswith("throughput")
    tests: dict[str, pd.Series] = {
        "the metric is not predicted": rows["metric"] == "",
        "the value is not a number above 0": ~(rows["value"] > 0),
        "the accelerator is not in the catalogue": rows["accelerator"] == "",
        "the model is not in the catalogue": asks & (rows["model"] == ""),
        "the load is not stated": rows["load"] == "",
        "the collective is not predicted": ~asks & ~rows["collective"].isin(COLLECTIVES),
        "the lengths are not stated": asks & lengths,
        "the precision is not known": asks & (rows["weights"] == ""),
        "the sharding is not stated": asks & rows["tp"].isna(),
        "the sharding is not in whole accelerators": asks & ~whole,
        "the size of the load is not stated": (rows["load"] != "") & ~sized,
        "tokens were drafted, how many were accepted is not stated": rows["drafted"],
        "a latency with all requests at once": bursts,
    }
    return pd.Series(np.select(list(tests.values()), list(tests), default=""), index=rows.index)
