"""A broken model card is refused with file and key."""

from __future__ import annotations

import pytest

from capacity.catalogue.locate import models_folder
from capacity.catalogue.modelcards import model_card, read_cards
from capacity.errors import InputError

CARDS = read_cards(models_folder())


@pytest.mark.parametrize(("card", "key", "value", "words"), [
    ("llama3.1-8b", "layers", "32", "key `layers` must be a whole number, not '32'"),
    ("llama3.1-8b", "layers", 0, "key `layers`: 0 is not allowed; it must be above 0"),
    ("llama3.1-8b", "layers", -1, "`layers`: -1 is not allowed"),
    ("llama3.1-8b", "kv_heads", 3, "3 does not divide heads"),
    ("llama3.1-8b", "kind", "sparse", "key `kind`: 'sparse' is not allowed; allowed: dense, moe"),
    ("llama3.1-8b", "attention", "gpa", "nearest: `gqa`"),
    ("llama3.1-8b", "aliases", "one", "must be a list of names"),
    ("llama3.1-8b", "tied_embeddings", "no", "must be true or false"),
    ("llama3.1-8b", "source", "", "key `source` is missing"),
    ("llama3.1-8b", "experts_total", 8, "a dense model has none"),
    ("llama3.1-8b", "estimated_fields", ["layer"], "nearest: `layers`"),
    ("mixtral-8x7b", "experts_active", 9, "not 9 of 8"),
    ("deepseek-v3", "kv_lora_rank", 0, "mla needs kv_lora_rank"),
    ("deepseek-v4-pro", "kv_bytes_per_token", None, "compressed needs kv_bytes_per_token"),
    ("gpt-oss-20b", "sliding_window", 0, "need a sliding_window"),
    ("gpt-oss-20b", "sliding_share", 2.0, "at most 1"),
    ("llama3.1-8b", "params_total_b", float("inf"), "is not allowed"),
])
def test_broken_card(card, key, value, words):
    with pytest.raises(InputError, match=words) as caught:
        model_card({**CARDS[card], key: value})
    assert str(caught.value).startswith(f"{card}.yaml: key `")


def test_file_must_be_yaml(tmp_path):
    (tmp_path / "mine.yaml").write_text("id: [mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml.*not valid YAML"):
        read_cards(tmp_path)


def test_tags_are_not_executed(tmp_path):
    (tmp_path / "mine.yaml").write_text("id: !!python/object/apply:os.getcwd []\n", encoding="utf-8")
    with pytest.raises(InputError, match="not valid YAML"):
        read_cards(tmp_path)
