"""Study files: one YAML that says which scenario, what to vary and how. `capacity what-if` makes the same of flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from capacity.catalogue.locate import data_folder
from capacity.errors import InputError, nearest
from capacity.scenario import load_scenario
from capacity.scenario.units import Fraction, Seconds
from capacity.scenario.yaml_lines import read_yaml_file
from capacity.studies.keys import Base
from capacity.studies.members import Member, Vary, grid, numbered, one_at_a_time, split_values, unit_samples, zipped
from capacity.studies.uncertain import Input, catalogue_inputs, stated_input

Design = Literal["grid", "zip", "one_at_a_time", "latin_hypercube", "sobol", "random", "list"]
LISTS = ("grid", "zip", "one_at_a_time")
SAMPLES = ("latin_hypercube", "sobol", "random")


class InputSpec(BaseModel):
    """How an input is distributed: low, mid and high, or values with weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    low: str | float | None = None
    mid: str | float | None = None
    high: str | float | None = None
    shape: Literal["triangular", "uniform", "lognormal"] = "triangular"
    values: list[str | float] | None = None
    weights: list[float] | None = None


class StudySpec(BaseModel):
    """A study as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^\w[^/\\]*$", description="also the study's folder")
    description: str = ""
    scenario: str = "human-equivalents"
    set: list[str] = Field(default_factory=list, description="path=value, applied to every member")
    design: Design = "grid"
    vary: dict[str, list[str | float] | str | float] = Field(
        default_factory=dict, description="key -> values (grid, zip, one_at_a_time)")
    inputs: dict[str, InputSpec] | Literal["catalogue"] = Field(
        default_factory=dict, description="key -> distribution (samples); `catalogue`: every uncertain input of it")
    samples: int = Field(64, ge=1)
    seed: int = 0
    members: list[dict[str, str | float]] = Field(default_factory=list, description="design `list`: each member's keys")
    gap: Fraction = 0.02
    time_limit: Seconds = 600.0

    @field_validator("vary")
    @classmethod
    def _lists(cls, value: dict[str, Any]) -> dict[str, list[str]]:
        return {k: split_values(v) if isinstance(v, str) else [_text(x) for x in (v if isinstance(v, list) else [v])]
                for k, v in value.items()}


@dataclass(frozen=True)
class Study:
    """A study ready to run: its members' questions as lists of `path=value`, and how each is solved."""

    name: str
    scenario: str
    sets: tuple[str, ...]
    members: tuple[Member, ...]
    overrides: tuple[tuple[str, ...], ...]
    """For each member, what it sets on top of `sets`."""
    gap: float = 0.02
    time_limit: float = 600.0
    description: str = ""
    inputs: tuple[Input, ...] = ()
    """The distributions that samples were drawn from."""


def find_study(name: str | Path) -> Path:
    """A study file by path, or a shipped one by name. Raises InputError with the nearest shipped name."""
    path, folder = Path(name).expanduser(), data_folder() / "studies"
    if path.is_file():
        return path
    shipped = list_studies()
    if str(name).removesuffix(".yaml") in shipped:
        return folder / f"{str(name).removesuffix('.yaml')}.yaml"
    near = nearest(path.stem, shipped)
    raise InputError(f"{name}: no such study file" + (f"; did you mean `{near}`?" if near else
                                                      f"; shipped ones: {', '.join(shipped) or 'none'}"))


def list_studies() -> list[str]:
    """Names of the shipped studies."""
    return sorted(path.stem for path in (data_folder() / "studies").glob("*.yaml"))


def read_study(name: str | Path) -> StudySpec:
    """A study file, checked. Raises InputError with one line for each thing wrong: file, line, key, what is allowed."""
    path = find_study(name)
    data, marks = read_yaml_file(path, path.name)
    if not isinstance(data, dict):
        raise InputError(f"{path.name}: a study is a mapping, such as `scenario: human-equivalents`")
    data.setdefault("name", path.stem)
    given = data.get("scenario")
    if isinstance(given, str) and (path.parent / given).is_file():
        data["scenario"] = str(path.parent / given)
    try:
        return StudySpec.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(_explain(path.name, marks, detail) for detail in error.errors())) from None


def _explain(file: str, marks: Mapping[tuple[str, ...], Any], detail: Any) -> str:
    keys = tuple(str(k) for k in detail["loc"])
    mark = next((marks[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in marks), file)
    path = ".".join(k for k in keys if not k.startswith(("literal[", "dict[", "list[", "str", "float"))) or "study"
    if detail["type"] == "extra_forbidden":
        known = list(InputSpec.model_fields if keys[0] == "inputs" else StudySpec.model_fields)
        near = nearest(keys[-1], known)
        return f"{mark}: {path}: unknown key; " + (f"did you mean `{near}`?" if near else f"keys: {', '.join(known)}")
    return f"{mark}: {path}: {detail['input']!r} is given; {detail['msg'].replace('Input should be', 'needed:')}"


def plan_study(spec: StudySpec, sets: Sequence[str] = ()) -> Study:
    """The members of a study, each key and value checked against the base scenario. Raises InputError."""
    whole = (*spec.set, *sets)
    base = Base(load_scenario(spec.scenario, whole))
    varied = [Vary(path, tuple(values)) for path, values in spec.vary.items()]  # type: ignore[arg-type]
    inputs: list[Input] = []
    if spec.design in SAMPLES:
        inputs = inputs_of(spec, base)
        members = numbered(_sampled(spec, inputs))
    elif spec.design == "list":
        members = numbered([{k: _text(v) for k, v in m.items()} for m in spec.members])
    else:
        make = {"grid": grid, "zip": zipped, "one_at_a_time": one_at_a_time}[spec.design]
        members = numbered(make(varied)) if varied else numbered([])
    overrides = tuple(tuple(s for path, text in m.values.items() for s in base.sets(path, text)) for m in members)
    _refuse_clashes(members, overrides)
    return Study(spec.name, spec.scenario, whole, tuple(members), overrides, spec.gap, spec.time_limit,
                 spec.description, tuple(inputs))


def inputs_of(spec: StudySpec, base: Base) -> list[Input]:
    """The uncertain inputs of a study: its own, else every one of the catalogue."""
    if isinstance(spec.inputs, str) or not spec.inputs:
        return catalogue_inputs(base)
    return [stated_input(base, path, given.model_dump(), spec.name) for path, given in spec.inputs.items()]


def _sampled(spec: StudySpec, inputs: Sequence[Input]) -> list[dict[str, str]]:
    points = unit_samples(spec.design, spec.samples, len(inputs), spec.seed)
    return [{i.path: i.at(float(share)) for i, share in zip(inputs, point, strict=True)} for point in points]


def _refuse_clashes(members: Sequence[Member], overrides: Sequence[tuple[str, ...]]) -> None:
    for member, sets in zip(members, overrides, strict=True):
        paths = [s.partition("=")[0] for s in sets]
        twice = next((p for p in paths if paths.count(p) > 1), None)
        if twice:
            raise InputError(f"member {member.label}: {twice} is moved by two of the varied keys")


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:.12g}" if isinstance(value, float) else str(value)
