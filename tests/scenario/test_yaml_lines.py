"""YAML as the scenario reads it: plain values, YAML 1.2 scalars, marks, and no way to do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import InputError
from capacity.scenario.yaml_lines import REMOVED, Mark, read_yaml


def test_scalars_follow_yaml_1_2():
    data, _ = read_yaml("[1, 2.5, 1e9, -3, true, no, 9:30, 2024-01-01, '5', 0x10, ~]", "f")
    assert data[:-1] == [1, 2.5, 1e9, -3, True, "no", "9:30", "2024-01-01", "5", "0x10"]
    assert data[-1] is REMOVED


def test_marks_hold_the_line_of_each_key():
    data, marks = read_yaml("a: 1\nb:\n  c: [x,\n      y]\n", "f.yaml")
    assert data == {"a": 1, "b": {"c": ["x", "y"]}}
    assert marks["b", "c"] == Mark("f.yaml", 3)
    assert str(marks["b", "c", "1"]) == "f.yaml:4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "f:2: top level: `a` is given twice"),
        ('x: {2027: 1, "2027": 2}', "f:1: x: `2027` is given twice"),
        ("a: &x [*x]", "alias contains itself"),
        ("a: *nowhere", "undefined alias"),
        ("? [1]\n: 2", "a key must be a name"),
        ("a: 1\n---\nb: 2", "single document"),
        ("a: !!int abc", "is not a number"),
        ("[" * 2000, "nested too deeply|malformed"),
    ],
)
def test_refused(text, message):
    with pytest.raises(InputError, match=message):
        read_yaml(text, "f")


def test_aliases_that_multiply_are_stopped():
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(InputError, match="too many values"):
        read_yaml("\n".join(lines), "f")


@given(st.text(max_size=60))
def test_any_text_gives_data_or_an_input_error(text):
    try:
        told = [str(mark) for mark in read_yaml(text, "f")[1].values()]
    except InputError as error:
        told = [str(error)]
    assert all(line.startswith("f") for line in told)
