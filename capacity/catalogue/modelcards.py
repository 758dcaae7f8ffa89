"""AI model cards: one YAML file each, `models/<id>.yaml`, keys as the fields of `ModelCard`."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from capacity.catalogue.cards import ModelCard
from capacity.catalogue.schema import CONFIDENCES, suggestion
from capacity.catalogue.yamlio import read_yaml
from capacity.errors import InputError

_FIELDS = {f.name: f for f in fields(ModelCard)}
_REQUIRED = (*(n for n, f in _FIELDS.items() if f.default is MISSING), "source", "as_of", "confidence")
_ALLOWED = {
    "kind": ("dense", "moe"),
    "attention": ("mha", "gqa", "mqa", "mla", "compressed"),
    "confidence": CONFIDENCES,
    "native_precision": ("fp32", "fp16", "bf16", "fp8", "fp4", "int8", "int4"),
    "ffn_matrices": (2, 3),
}
_POSITIVE = ("layers", "d_model", "heads", "kv_heads", "head_dim", "vocab", "moe_every", "context")


def read_cards(folder: Path) -> dict[str, dict[str, Any]]:
    """Id -> the keys as written, for every `*.yaml` of a folder; an id that is not its file's name is refused."""
    cards = {}
    for path in sorted(folder.glob("*.yaml")):
        given = read_yaml(path)
        for key in given:
            if key not in _FIELDS:
                raise InputError(f"{path.name}: unknown key `{key}`; allowed: {', '.join(_FIELDS)}"
                                 f"{suggestion(str(key), list(_FIELDS))}")
        if given.get("id") != path.stem:
            raise InputError(f"{path.name}: key `id` is {given.get('id')!r}; it must be the file's name, `{path.stem}`")
        cards[path.stem] = given
    return cards


def merge_cards(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A user's cards over ours, key by key; a changed card without its own `confidence` counts as an estimate."""
    merged = dict(ours)
    for name, card in theirs.items():
        marked = {"confidence": "estimate", **card} if name in ours else card
        merged[name] = {**ours.get(name, {}), **marked}
    return merged


def model_card(given: dict[str, Any]) -> ModelCard:
    """The checked card. Raises InputError naming file, key, what was given and what is allowed."""
    file = f"{given['id']}.yaml"
    for key in _REQUIRED:
        if given.get(key) in (None, ""):
            raise InputError(f"{file}: key `{key}` is missing")
    values = {key: _value(file, key, value) for key, value in given.items()}
    card = ModelCard(**values)
    _check_parts(file, card)
    return card


def _value(file: str, key: str, given: Any) -> Any:
    kind = str(_FIELDS[key].type)
    if key in _ALLOWED and given not in _ALLOWED[key]:
        raise InputError(f"{file}: key `{key}`: {given!r} is not allowed; allowed: {', '.join(map(str, _ALLOWED[key]))}"
                         f"{suggestion(str(given), [str(v) for v in _ALLOWED[key]])}")
    if kind.startswith("tuple"):
        if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
            raise InputError(f"{file}: key `{key}` must be a list of names, not {given!r}")
        return tuple(given)
    if kind == "str":
        return str(given)
    if kind == "bool":
        if not isinstance(given, bool):
            raise InputError(f"{file}: key `{key}` must be true or false, not {given!r}")
        return given
    if given is None and "None" in kind:
        return None
    return _number(file, key, kind, given)


def _number(file: str, key: str, kind: str, given: Any) -> float | int:
    whole = kind == "int"
    if isinstance(given, bool) or not isinstance(given, int if whole else (int, float)):
        raise InputError(f"{file}: key `{key}` must be a {'whole number' if whole else 'number'}, not {given!r}")
    if not 0 <= given < float("inf") or (key in _POSITIVE and given == 0):
        raise InputError(f"{file}: key `{key}`: {given} is not allowed; it must be "
                         f"{'above' if key in _POSITIVE else 'at least'} 0")
    return int(given) if whole else float(given)


def _check_parts(file: str, card: ModelCard) -> None:
    """Parts that only make sense together."""
    if card.kind == "moe" and not (0 < card.experts_active <= card.experts_total and card.d_ff_expert > 0):
        raise InputError(f"{file}: key `experts_active`: a moe needs d_ff_expert and 1 <= experts_active <= "
                         f"experts_total, not {card.experts_active} of {card.experts_total}")
    if card.kind == "dense" and card.experts_total:
        raise InputError(f"{file}: key `experts_total`: a dense model has none, not {card.experts_total}")
    if card.heads % card.kv_heads:
        raise InputError(f"{file}: key `kv_heads`: {card.kv_heads} does not divide heads ({card.heads})")
    if card.attention == "mla" and not (card.kv_lora_rank and card.qk_rope_dim and card.v_head_dim):
        raise InputError(f"{file}: key `attention`: mla needs kv_lora_rank, qk_nope_dim, qk_rope_dim and v_head_dim")
    if card.attention == "compressed" and not card.kv_bytes_per_token:
        raise InputError(f"{file}: key `attention`: compressed needs kv_bytes_per_token")
    for name in card.estimated_fields:
        if name not in _FIELDS:
            raise InputError(f"{file}: key `estimated_fields`: `{name}` is no key of a card"
                             f"{suggestion(name, list(_FIELDS))}")
    if card.sliding_share and not card.sliding_window:
        raise InputError(f"{file}: key `sliding_share`: {card.sliding_share} of the layers need a sliding_window")
    if card.sliding_share > 1:
        raise InputError(f"{file}: key `sliding_share`: {card.sliding_share} is not allowed; it must be at most 1")
