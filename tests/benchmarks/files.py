"""Where the instances of the tests are, and what a Problem of theirs becomes."""

from collections import Counter
from pathlib import Path

from benchmarks.reference import read, run
from capacity.formulation import build_model
from capacity.solving import Options
from capacity.solving.compile import compile_model

DATA = Path(__file__).resolve().parents[1] / "data"
EXACT = Options(gap=0.0)


def optimum(form, file, variant="", capacity=None):
    """(status, objective, exit code) of an instance solved to the end."""
    told, code = run(form, file, variant, capacity, EXACT)
    return told["status"], told["objective"], code


def rules(form, file, variant="", capacity=None):
    """{rule: number of its rows} in the compiled program."""
    names = compile_model(build_model(read(form, file, variant, capacity))).row_names
    return dict(Counter(name.split("[")[0] for name in names))


def written(folder, name, text):
    """A small instance written for one test."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
