"""Every benchmark says how it is called."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "benchmarks"
COMMANDS = sorted(path.stem for path in ROOT.glob("*.py") if "add_argument" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_help(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("usage: ")
