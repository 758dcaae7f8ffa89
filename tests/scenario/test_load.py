"""Reading scenario files: inheritance, overrides, and one clear message for every kind of bad input."""

import json

import pytest

from capacity.errors import InputError
from capacity.scenario import json_schema, list_scenarios, load_scenario, resolved, scenario_hash, write_template

GOOD = """\
name: small
years: {first: 2027, last: 2028}
classes:
  chat: {output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms}
variants:
  open: {model: gpt-oss-120b, weights: fp4, equivalence: {chat: 1.0}}
demand:
  classes: {chat: {start: 10 thousand, growth: 1.5x}}
regions: [usa, eu]
sites:
  columbus:
  frankfurt: {grid_limit: 20 MW}
accelerators: [h100-sxm]
money: {capex_budget: {2027: $2 billion}}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def _write(text, name="s.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return _write


def message(name, sets=()):
    with pytest.raises(InputError) as caught:
        load_scenario(name, sets)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_reads_quantities_into_canonical_units(write):
    s = load_scenario(write(GOOD))
    assert s.classes["chat"].tpot == 0.05
    assert s.classes["chat"].output_tokens == 30_000
    assert s.sites["frankfurt"].grid_limit == 20
    assert s.sites["columbus"] is None
    assert list(s.accelerators) == ["h100-sxm"]
    assert s.money.capex_budget == {2027: 2e9}
    assert s.demand.classes["chat"].growth == 1.5


BAD = {
    "unknown key": ("money: {", "money: {discont_rate: 7 %, ", "s.yaml:14: money.discont_rate", "`discount_rate`"),
    "unknown top key": ("regions:", "region:", "s.yaml:9: region: unknown key", "did you mean `regions`"),
    "wrong unit": ("20 MW", "20 MWh", "s.yaml:12: sites.frankfurt.grid_limit: '20 MWh'", "for example `20 MW`"),
    "negative demand": ("10 thousand", "-10 thousand", "s.yaml:8: demand.classes.chat.start: ", "at least 0"),
    "a year twice": ("2027: $2", "2027: 1, 2027: $2", "s.yaml:14: money.capex_budget: `2027` is given twice", "14"),
    "not a year": ("{2027: $2", "{soon: $2", "money.capex_budget.soon", "not a year"),
    "empty sites": ("  columbus:\n  frankfurt: {grid_limit: 20 MW}", "  {}", "sites: is empty", "at least one"),
    "no sites": ("sites:\n  columbus:\n  frankfurt: {grid_limit: 20 MW}\n", "", "sites: is needed but not given", ""),
    "a site twice": ("[h100-sxm]", "[h100-sxm, h100-sxm]", "s.yaml:13: accelerators: `h100-sxm` is given twice", ""),
    "unknown class": ("{chat: 1.0}", "{chta: 1.0}", "unknown class `chta`", "did you mean `chat`"),
    "class in demand": ("classes: {chat: {start", "classes: {chap: {start", "unknown class `chap`", "nothing is said"),
    "unserved class": ("equivalence: {chat: 1.0}", "equivalence: {}", "classes.chat: no variant serves", ""),
    "years in order": ("last: 2028", "last: 2020", "s.yaml:2: years.last: 2020 is before", "2027"),
    "shares": ("demand:\n", "demand:\n  split: {usa: 50 %, eu: 40 %}\n", "demand.split: the shares sum to 0.9", ""),
    "unknown choice": ("demand:\n", "demand:\n  split: gpd\n", "s.yaml:8: demand.split: 'gpd'", "did you mean `gdp`"),
    "half a path": (", growth: 1.5x", "", "demand.classes.chat: a path of shape exponential needs two", "`by_year`"),
    "share above one": ("money: {", "money: {discount_rate: 9, ", "money.discount_rate: 9 is outside", "`9 %`"),
    "zero factor": ("{chat: 1.0}", "{chat: 0}", "variants.open.equivalence.chat", "above 0"),
    "negative price": ("demand:\n", "goal: {shortage_price: -3}\ndemand:\n", "goal.shortage_price: -3", "at least 0"),
    "malformed": ("regions: [usa, eu]", "regions: [usa, eu", "s.yaml:10: malformed YAML", ""),
    "tab": ("  columbus:", "\tcolumbus:", "s.yaml:11: malformed YAML", "use spaces"),
    "tag": ("name: small", "name: !!python/object:os.system x", "s.yaml:1: name: the YAML tag", "not allowed"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gets_a_message_with_file_line_key_and_remedy(write, kind):
    old, new, *parts = BAD[kind]
    assert old in GOOD
    text = message(write(GOOD.replace(old, new, 1)))
    assert all(part in text for part in parts), text


ROWS = {
    "{site: colombus, accelerator: h100-sxm, count: 5, entered: 2024}": "existing.0.site: unknown site `colombus`",
    "{site: columbus, accelerator: h100-sxm, count: 0, entered: 2024}": "existing.0.count: 0 is given",
    "{site: columbus, accelerator: h100-sxm, count: 5, entered: 2027}": "entered before the first year 2027",
}


@pytest.mark.parametrize("row", ROWS)
def test_existing_fleet_is_checked(write, row):
    assert ROWS[row] in message(write(GOOD + f"existing: [{row}]\n"))


def test_a_table_row_given_twice_is_refused(write):
    row = "{region: usa, service_class: chat, year: 2027, instances: 5}"
    text = GOOD.replace("classes: {chat: {start: 10 thousand, growth: 1.5x}}", f"table: [{row}, {row}]")
    assert "s.yaml:8: demand.table.1: `usa`, `chat`, 2027 is given twice (first in row 1)" in message(write(text))


def test_all_mistakes_are_told_at_once_in_the_order_written(write):
    text = message(write(GOOD.replace("30k", "30 MW").replace("20 MW", "20 kg")))
    assert [line.split(":")[1] for line in text.splitlines()] == ["4", "12"]


def test_missing_empty_folder_and_binary_files(write, tmp_path):
    assert "did you mean `human-equivalents`" in message("human-equivalent")
    assert "no such scenario file" in message("missing.yaml")
    assert "is empty" in message(write(""))
    assert "holds a list" in message(write("- a"))
    assert "is a folder" in message(str(tmp_path))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in message("binary.yaml")


def test_extends_overrides_deeply_replaces_lists_and_removes_with_null(write):
    write(GOOD, "base/base.yaml")
    text = "extends: base/base.yaml\nregions: [usa]\nsites: {columbus: null, frankfurt: {pue: 1.2}}\n"
    s = load_scenario(write(text))
    assert s.regions == ["usa"]
    assert list(s.sites) == ["frankfurt"]
    assert (s.sites["frankfurt"].grid_limit, s.sites["frankfurt"].pue) == (20, 1.2)


def test_an_empty_entry_keeps_the_base_and_a_list_of_names_replaces_it(write):
    write(GOOD, "base.yaml")
    kept = load_scenario(write("extends: base.yaml\nsites:\n  frankfurt:\n  paris:\n"))
    assert list(kept.sites) == ["columbus", "frankfurt", "paris"]
    assert kept.sites["frankfurt"].grid_limit == 20
    assert list(load_scenario(write("extends: base.yaml\nsites: [paris]\n")).sites) == ["paris"]


def test_an_error_in_the_base_names_the_base(write):
    write(GOOD.replace("20 MW", "20 kg"), "base.yaml")
    assert message(write("extends: base.yaml\nname: mine\n")).startswith("base.yaml:12: sites.frankfurt.grid_limit")


def test_a_cycle_in_extends_names_the_chain(write):
    write("extends: c.yaml\n", "b.yaml")
    write("extends: a.yaml\n", "c.yaml")
    assert "a.yaml -> b.yaml -> c.yaml -> a.yaml" in message(write("extends: b.yaml\n", "a.yaml"))


def test_extends_what_is_not_there(write):
    assert "s.yaml:1: extends: human-equivalent: no such" in message(write("extends: human-equivalent\n"))
    write(GOOD, "base.yaml")
    text = message(write("extends: base.yaml\nsites: {colombus: null}\n"))
    assert "s.yaml:2: sites.colombus: null removes" in text
    assert "did you mean `columbus`" in text


SETS = {
    "money.discount_rate=7%": lambda s: s.money.discount_rate == 0.07,
    "sites.columbus.grid_limit=3 GW": lambda s: s.sites["columbus"].grid_limit == 3000,
    "sites=[paris]": lambda s: list(s.sites) == ["paris"],
    "sites.columbus=null": lambda s: list(s.sites) == ["frankfurt"],
    "regions.1=india": lambda s: s.regions == ["usa", "india"],
    "money.capex_budget.2028=$9": lambda s: s.money.capex_budget == {2027: 2e9, 2028: 9},
    'variants."open".max_share.chat=40%': lambda s: s.variants["open"].max_share == {"chat": 0.4},
}


@pytest.mark.parametrize("option", SETS)
def test_set_changes_one_thing(write, option):
    assert SETS[option](load_scenario(write(GOOD), [option]))


BAD_SETS = {
    "money.discont_rate=7%": "did you mean `discount_rate`",
    "mony.x=3": "did you mean `money`",
    "classes.chta.tpot=5 ms": "did you mean `chat`",
    "classes.chat.tpot=5 MW": "--set classes.chat.tpot=5 MW: classes.chat.tpot",
    "demand.classes.chat.start=-3": "at least 0",
    "demand.split.usa=1": "'gdp', not a mapping",
    "regions.7=usa": "`regions.7` is not in the scenario",
    "money.discount_rate": "write it as path=value",
    "name=a: b: c": "malformed YAML",
}


@pytest.mark.parametrize("option", BAD_SETS)
def test_a_bad_set_names_the_option(write, option):
    sets = ["demand.split=gdp", option]
    text = message(write(GOOD), sets)
    assert text.startswith(f"--set {option}")
    assert BAD_SETS[option] in text


@pytest.mark.parametrize("name", list_scenarios())
def test_shipped_scenarios_load_and_round_trip(name, tmp_path):
    s = load_scenario(name)
    again = tmp_path / "again.yaml"
    again.write_text(resolved(s))
    assert load_scenario(again) == s
    assert scenario_hash(load_scenario(again)) == scenario_hash(s)
    assert scenario_hash(load_scenario(again, ["years.last=2031"])) != scenario_hash(s)


def test_the_default_is_what_it_says():
    s = load_scenario()
    assert (s.years.first, s.years.last, len(s.regions)) == (2027, 2036, 10)
    assert len(s.sites) >= 24
    assert s.time_slices == 3
    assert {v: s.variants[v].equivalence["agent"] for v in s.variants} == {
        "deepseek-v4-pro": 1.0, "gpt-oss-120b": 0.4, "frontier-10t": 1.5}  # fmt: skip


def test_the_template_loads_and_is_never_overwritten(tmp_path):
    path = write_template(tmp_path / "mine")
    assert path.name == "mine.yaml"
    assert load_scenario(path).name == "mine"
    text = path.read_text()
    with pytest.raises(InputError, match="exists already"):
        write_template(path)
    assert path.read_text() == text
    with pytest.raises(InputError, match="cannot be written"):
        write_template(tmp_path / "no" / "folder.yaml")


def test_overlay_folders_follow_the_file_and_count_by_content(write, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "constants.csv").write_text("a\n1\n")
    s = load_scenario(write(GOOD + "catalogue: [mine]\n"))
    assert s.catalogue == [str((tmp_path / "mine").resolve())]
    before = scenario_hash(s)
    (tmp_path / "mine" / "constants.csv").write_text("a\n2\n")
    assert scenario_hash(s) != before
    assert "s.yaml:15: catalogue" in message(write(GOOD + "catalogue: [yours]\n"))


def test_json_schema_speaks_of_units_and_inheritance():
    schema = json.loads(json.dumps(json_schema()))
    assert schema["additionalProperties"] is False
    assert {"required": ["extends"]} in schema["anyOf"]
    tpot = schema["$defs"]["ServiceClass"]["properties"]["tpot"]
    assert tpot["type"] == ["number", "string"]
    assert "50 ms" in tpot["examples"]
    assert {"type": "array"}.items() <= schema["properties"]["sites"]["anyOf"][1].items()
