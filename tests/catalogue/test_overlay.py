"""A user's folder of tables and cards over ours."""

from __future__ import annotations

import pytest

from capacity.catalogue.catalogue import load_catalogue
from capacity.errors import InputError


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_partial_row_changes_only_what_it_names(tmp_path, cat):
    write(tmp_path, "accelerators.csv", "id,memory_gb,memory_usable_gb,note\nh100-sxm,94,90,\n")
    mine = load_catalogue([tmp_path])
    assert mine.accelerator("h100-sxm").memory_gb == 94
    assert mine.accelerator("h100-sxm").tdp_w == cat.accelerator("h100-sxm").tdp_w
    assert len(mine.accelerators()) == len(cat.accelerators())
    changed = mine.row("accelerators", "h100-sxm")
    assert changed["confidence"] == "estimate"
    assert changed["source"].startswith("user's accelerators.csv")
    assert cat.accelerator("h100-sxm").memory_gb == 80


def test_a_new_row_needs_all_of_it(tmp_path):
    write(tmp_path, "accelerators.csv", "id,memory_gb\nmy-chip,94\n")
    with pytest.raises(InputError, match=r"accelerators\.csv row 2, column `name`: a value is required"):
        load_catalogue([tmp_path]).accelerators()


def test_a_new_row_with_a_composite_key(tmp_path, cat):
    write(tmp_path, "rentals.csv", "accelerator,year,channel,usd_per_hour,source,as_of,confidence\n"
                                   "h200-sxm,2031,on demand,1.5,offer,2030,estimate\n")
    assert len(load_catalogue([tmp_path]).table("rentals")) == len(cat.table("rentals")) + 1


def test_later_overlays_win(tmp_path):
    for name, price in (("one", 5), ("two", 7)):
        write(tmp_path / name, "tco.csv", f"accelerator,rental_3yr_usd_h\nh100-sxm,{price}\n")
    mine = load_catalogue([tmp_path / "one", tmp_path / "two"])
    assert mine.row("tco", "h100-sxm")["rental_3yr_usd_h"] == 7


@pytest.mark.parametrize(("name", "text", "words"), [
    ("tco.csv", "", "the file is empty"),
    ("tco.csv", "accelerator,rental_3yr_usd_h\n", "no rows below its header"),
    ("tco.csv", "accelerator,rental\nh100-sxm,1\n", "unknown column `rental`.*nearest: `rental_3yr_usd_h`"),
    ("tco.csv", "rental_3yr_usd_h\n1\n", "column `accelerator` is missing"),
    ("tco.csv", "accelerator,rental_3yr_usd_h\nh100-sxm,-1\n", "row 2, column `rental_3yr_usd_h`: `-1`"),
    ("tcos.csv", "accelerator\nh100-sxm\n", "no table of that name.*nearest: `tco`"),
    ("mine.yaml", "id: mine\n", "model cards belong in the folder `models`"),
    ("models/mine.yaml", "id: mine\nlayer: 3\n", "mine.yaml: unknown key `layer`.*nearest: `layers`"),
    ("models/mine.yaml", "id: other\n", "it must be the file's name, `mine`"),
    ("models/mine.yaml", "id: mine\n", "mine.yaml: key `name` is missing"),
])
def test_refused(tmp_path, name, text, words):
    write(tmp_path, name, text)
    with pytest.raises(InputError, match=words):
        load_catalogue([tmp_path]).validate()


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load_catalogue([tmp_path / "nowhere"])


def test_a_card_changed_by_key(tmp_path, cat):
    write(tmp_path, "models/llama3.1-8b.yaml", "id: llama3.1-8b\ncontext: 8192\n")
    mine = load_catalogue([tmp_path])
    assert mine.model("llama3.1-8b").context == 8192
    assert mine.model("llama3.1-8b").layers == cat.model("llama3.1-8b").layers
    assert mine.model("llama3.1-8b").confidence == "estimate"
    assert len(mine.models()) == len(cat.models())
