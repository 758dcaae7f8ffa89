"""`capacity serving`: the serving model against measurements of real systems, and its fit to them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsJson
from capacity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(help="Predict published measurements of serving systems; fit the model to them.",
                  no_args_is_help=True)

Files = Annotated[list[Path] | None, typer.Argument(metavar="FILE.csv...", help="Tables of measurements.")]
Fit = Annotated[Path | None, typer.Option("--calibration", help="Another fit than the catalogue's.")]
Overlays = Annotated[list[Path] | None, typer.Option("--overlay", metavar="DIR",
                                                     help="Lay a folder of your tables and cards over ours.")]


@app.command()
def validate(
    files: Files = None,
    by: Annotated[str | None, typer.Option(help="Split further, such as model,gpu,engine,load,beside.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write each row with its prediction to this CSV.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw predicted against measured into this folder.")] = None,
    calibration: Fit = None,
    overlay: Overlays = None,
    as_json: AsJson = False,
) -> None:
    """Predict every row of tables of measurements and print how far off the predictions are.

    Without files: the tables that travel with the project.
    """
    from capacity.catalogue import load_catalogue
    from capacity.cli.tables import print_frame
    from capacity.serving.calibration import Calibration, calibration_of
    from capacity.serving.measured import read_measurements
    from capacity.serving.validate import coverage, predict, scores, skipped, summary, worst

    catalogue = load_catalogue(overlay or ())
    table = Calibration.read(calibration) if calibration else calibration_of(catalogue)
    rows = read_measurements(files or _shipped(), catalogue)
    predicted = predict(rows, catalogue, table)
    found = scores(predicted, [name.strip() for name in by.split(",")] if by else [])
    if out:
        _write(predicted, out)
    if plot:
        _draw(predicted, plot)
    if as_json:
        sys.stdout.write(json.dumps(summary(found), indent=1) + "\n")
        return
    known, asked = coverage(predicted)
    typer.echo(f"predicted {known:,} of {asked:,} rows that state a sharding and ask for something we predict "
               f"({known / max(asked, 1):.1%}); errors in %, saturated rows apart")
    for file, part in found.round(1).groupby("file"):
        print_frame(part.drop(columns="file"), title=f"\n{file}", all_columns=True)
    for title, frame in (("worst rows", worst(predicted)), ("rows not predicted", skipped(predicted))):
        if len(frame):
            print_frame(frame, title=f"\n{title}", all_columns=True)


@app.command()
def calibrate(
    files: Files = None,
    out: Annotated[Path, typer.Option(help="Where the fit is written.")] = Path("data/calibration.csv"),
    leave_out: Annotated[bool, typer.Option(help="Also fit without each model, accelerator, campaign, ...")] = True,
    report: Annotated[Path | None, typer.Option(help="Page whose tables of errors are written anew.")] = None,
    overlay: Overlays = None,
    as_json: AsJson = False,
) -> None:
    """Fit efficiencies and overheads to measurements; the same tables give the same file.

    Without files: the tables that travel with the project.
    """
    from capacity.catalogue import load_catalogue
    from capacity.cli.tables import print_frame
    from capacity.serving.measured import read_measurements
    from capacity.serving.refit import refit
    from capacity.serving.trust import with_errors

    if not out.parent.is_dir():
        raise InputError(f"--out: the folder {out.parent} does not exist")
    if report and not report.is_file():
        raise InputError(f"--report: {report} does not exist")
    catalogue = load_catalogue(overlay or ())
    rows = read_measurements(files or _shipped(), catalogue)
    found = refit(rows, catalogue, lambda text: typer.echo(f"fitting: {text}", err=True), left_out=leave_out)
    _write(found.table, out)
    if report:
        page = with_errors(report.read_text(encoding="utf-8"), found.errors, str(report))
        report.write_text(page, encoding="utf-8")
    if as_json:
        sys.stdout.write(found.errors.to_json(orient="records", indent=1) + "\n")
        return
    print_frame(found.errors.round(1), title=f"errors in % ({out})")


def _shipped() -> list[Path]:
    from capacity.catalogue.locate import data_folder

    return sorted((data_folder() / "measured").glob("*.csv"))


def _draw(predicted: pd.DataFrame, folder: Path) -> None:
    from capacity.serving.scatter import metrics, scatter_svg

    if not folder.is_dir():
        raise InputError(f"--plot: the folder {folder} does not exist")
    for metric in metrics(predicted):
        (folder / f"serving-{metric}.svg").write_text(scatter_svg(predicted, metric), encoding="utf-8")


def _write(table: pd.DataFrame, out: Path) -> None:
    try:
        table.to_csv(out, index=False, float_format="%.6g", lineterminator="\n")
    except OSError as error:
        raise InputError(f"--out: {out} cannot be written: {error.strerror or error}") from error
