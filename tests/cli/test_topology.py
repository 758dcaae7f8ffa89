"""`capacity topology` end to end: figures, comparisons, drawings, mistakes."""

import json
import sys
from io import StringIO

import pytest

from capacity.cli.app import app
from capacity.network.draw_marks import some


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*args):
        with pytest.raises(SystemExit) as caught:
            app(["topology", *args], prog_name="capacity")
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return _run


def test_one_design_with_its_groups(run):
    code, out, _ = run("rail-2tier", "--size", "2048", "--groups", "16")
    assert code == 0
    assert "$4,248" in out
    assert "96.9%" in out  # of the bisection, when a spine fails
    assert out.count("contiguous") == out.count("rail-aligned") == 1


def test_designs_beside_each_other_and_those_that_do_not_hold_the_size(run):
    code, out, err = run("rail-3tier", "--size", "8192", "--compare", "rail-1plane-3tier,full-mesh")
    assert code == 0
    assert "384" in out
    assert "640" in out
    assert "not shown: fabric design `full-mesh` of 8192 accelerators: allowed are 1 to 64" in err


def test_all_designs_fit_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = run("rail-2tier", "--size", "64", "--compare", "all")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert "torus-3d 64" in out


def test_json_and_csv_carry_every_figure(run):
    rows = json.loads(run("fat-tree-2tier-oversub4", "--size", "1024", "--compare", "full-mesh", "--json")[1])
    assert rows[0]["near"] == 48
    assert {"ring", "tree", "hierarchical"} == {row["algorithm"] for row in rows[0]["collectives"]}
    assert "1 to 64" in rows[1]["problem"]
    assert run("rail-2tier", "--size", "64", "--csv")[1].startswith("design,kind,size,part")


@pytest.mark.parametrize(("design", "size", "words"), [
    ("rail-2tier", "2048", ["64 leaves", "32 spines", "1 of 8 planes", "102.4 TB/s upwards"]),
    ("fat-tree-3tier-core7", "24576", ["55 cores", "14 pods", "14% of the accelerators"]),
    ("dragonfly-plus", "16384", ["16 groups", "68 cables between every two groups"]),
    ("torus-3d", "4096", ["16 × 16 × 16 accelerators", "5 × 5 × 5 of them drawn"]),
    ("full-mesh", "16", ["15 cables each"]),
    ("nvlink-8", "8", ["3 leaves", "1 of 3 planes"]),
])
def test_drawings_count_what_they_do_not_show(run, tmp_path, design, size, words):
    pytest.importorskip("matplotlib")
    file = tmp_path / "fabric.svg"
    code, _, err = run(design, "--size", size, "--draw", str(file))
    assert code == 0
    assert str(file) in err
    picture = file.read_text()
    assert all(word in picture for word in words)


def test_a_drawing_may_be_a_png(run, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "fabric.png"
    assert run("torus-2d", "--size", "16", "--draw", str(file))[0] == 0
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("args", "words"), [
    (["rail-2tier", "--size", "64", "--draw", "fabric.gif"], ".svg, .png, .pdf"),
    (["rail-2tier", "--size", "64", "--draw", "nowhere/fabric.svg"], "nowhere does not exist"),
    (["rail-2tier", "--size", "64", "--compare", "torus-3"], "torus-3d"),
    (["rail-2tier", "single-lab", "--size", "64"], "topology wan"),
    (["wan", "single-lap"], "single-lab"),
    (["rail-2tier", "--size", "64", "--groups", "0"], "allowed are 2 to 64"),
    (["rail-2tier", "--size", "64", "--groups", "8,128"], "a group of 128"),
])
def test_mistakes_are_named(run, args, words):
    code, out, err = run(*args)
    assert code == 2
    assert out == ""
    assert words in err


def test_drawing_without_matplotlib_says_what_to_install(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = run("rail-2tier", "--size", "64", "--draw", str(tmp_path / "x.svg"))
    assert code == 2
    assert "capacity[draw]" in err


def test_wan_lists_the_links_of_a_scenario(run):
    code, out, _ = run("wan", "single-lab")
    assert code == 0
    assert "--" in out


def test_what_repeats_is_shown_a_few_times():
    assert some(3, 4) == [0, 1, 2]
    assert some(9, 4) == [0, 1, None, 8]


def test_a_kind_stands_for_all_of_its_designs(run):
    code, out, err = run("Fat-Tree", "--size", "100", "--compare", "torus", "--csv")
    assert code == 0, err
    assert {line.split(",")[1] for line in out.splitlines()[1:]} == {"fat-tree", "torus"}
    assert out.count("\nfat-tree-") == 6


@pytest.mark.parametrize(("words", "told"), [
    (["torus-3d", "--size", "2"], "nearest size that has them: 8"),
    (["torus-3d", "--size", "1"], "nearest size that has them: 8"),
    (["torus-3d", "--size", "2.5"], "--size: 2.5 is 2.5; a whole number is needed"),
    (["rail-2tier", "--size", "0"], "0 accelerators: allowed are 1"),
    (["", "--size", "8"], "no id `` in fabric_designs.csv"),
    (["torus-4d", "--size", "8"], "nearest: `torus-"),
    (["wan", "--size", "8"], "--size, --compare, --groups and --overlay go with a fabric design"),
])
def test_what_cannot_be_wired_is_told_in_the_users_words(run, words, told):
    code, _, err = run(*words)
    assert code == 2
    assert told in err


def test_a_design_of_ones_own_from_a_folder_of_tables(run, tmp_path):
    import pandas as pd

    from capacity.catalogue import load_catalogue

    ours = load_catalogue().table("fabric_designs")
    own = ours[ours["id"] == "fat-tree-2tier"].assign(id="mine", oversubscription=3.0)
    own.to_csv(tmp_path / "fabric_designs.csv", index=False)
    code, out, err = run("mine", "--size", "1024", "--overlay", str(tmp_path), "--csv")
    assert code == 0, err
    assert float(pd.read_csv(StringIO(out))["bisection_share"].iloc[0]) == pytest.approx(1 / 3, abs=0.02)
    own.assign(oversubscription=0.0).to_csv(tmp_path / "fabric_designs.csv", index=False)
    code, _, err = run("mine", "--size", "1024", "--overlay", str(tmp_path))
    assert code == 2
    assert "oversubscription" in err
    assert "fabric_designs.csv" in err


@pytest.mark.parametrize(("design", "size"), [("dragonfly-plus", 4096), ("full-mesh", 16), ("torus-2d", 64),
                                              ("torus-3d", 4096)])
def test_every_mark_of_a_drawing_lies_within_it(design, size):
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(11, 6.6))
    from capacity.catalogue import load_catalogue
    from capacity.network import draw_rounds
    from capacity.network.designs import choose

    cat, axes = load_catalogue(), figure.add_axes((0.02, 0.02, 0.96, 0.84))
    choice = choose(cat, design, cat.accelerator("h100-sxm"), size)
    drawn = {"dragonfly-plus": draw_rounds.dragonfly, "full-mesh": draw_rounds.mesh}.get(design, draw_rounds.torus)
    drawn(axes, choice)
    axes.apply_aspect()
    inside, marks = axes.get_window_extent(), [one for one in axes.collections if hasattr(one, "get_sizes")]
    assert marks
    for one in marks:
        at = axes.transData.transform(one.get_offsets())
        half = max(one.get_sizes()) ** 0.5 / 2 * figure.dpi / 72
        assert inside.x0 + half < at[:, 0].min()
        assert at[:, 0].max() < inside.x1 - half
        assert inside.y0 + half < at[:, 1].min()
        assert at[:, 1].max() < inside.y1 - half
