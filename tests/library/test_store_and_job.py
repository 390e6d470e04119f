"""Files are whole or absent and say what they are; a job with a bad status fails loudly."""

from __future__ import annotations

from types import SimpleNamespace

import netCDF4
import numpy as np
import pytest
import xarray as xr

from quasipotential import job, store
from quasipotential.specs import CouplingsSpec, StaticDmftSpec
from quasipotential.status import STATUS_ATTRIBUTES, SolverError, Status

SPEC = StaticDmftSpec(gamma=0.0, g=(0.5, 1.5))


def result(*codes: int) -> xr.Dataset:
    words = {"long_name": "a number", "units": "1"}
    return xr.Dataset(
        {
            "C": ("g", np.array([0.0, 0.35]), words),
            "status": ("g", np.array(codes, np.int8), STATUS_ATTRIBUTES),
        },
        coords={"g": ("g", np.array(SPEC.g), words)},
    )


def fake_snakemake(folder, allow=()):
    return SimpleNamespace(
        params=SimpleNamespace(spec=SPEC.canonical(), code="0123"),
        config={"allow": {"static": list(allow)}},
        input=[],
        output=[str(folder / f"{SPEC.key}.nc")],
        log=[str(folder / "log")],
    )


def test_file_says_what_it_is(tmp_path):
    job.run(fake_snakemake(tmp_path), lambda spec: result(0, 0))
    dataset = store.load(tmp_path / f"{SPEC.key}.nc")
    assert dataset.attrs["spec"] == SPEC.canonical()
    assert dataset.attrs["key"] == SPEC.key
    assert dataset.attrs["source_digest"] == "0123"
    loaded = dataset.attrs["libraries"].split(", ")
    assert {f"numpy {np.__version__}", f"netCDF4 {netCDF4.__version__}"} <= set(loaded)
    for name in ("commit", "created", "wall_seconds", "source", "Conventions"):
        assert name in dataset.attrs
    np.testing.assert_array_equal(dataset["C"], result(0, 0)["C"])


def test_variable_without_units_is_refused(tmp_path):
    bare = result(0, 0).assign(naked=("g", np.zeros(2)))
    with pytest.raises(store.UndescribedVariableError, match="naked"):
        job.run(fake_snakemake(tmp_path), lambda spec: bare)
    assert not (tmp_path / f"{SPEC.key}.nc").exists()
    assert "UndescribedVariableError" in (tmp_path / "log").read_text(encoding="utf-8")


def test_bad_status_fails_the_job_and_keeps_the_file_aside(tmp_path):
    code = Status.NOT_CONVERGED.code
    with pytest.raises(SolverError) as error:
        job.run(fake_snakemake(tmp_path), lambda spec: result(0, code))
    message = str(error.value)
    assert "1 of 2 points" in message
    assert "g = 1.5" in message
    assert "allow.static" in message
    assert not (tmp_path / f"{SPEC.key}.nc").exists()
    kept = store.load(tmp_path / "failed" / f"{SPEC.key}.nc")
    assert kept["status"].values.tolist() == [0, code]


def test_status_allowed_by_name_passes(tmp_path):
    snakemake = fake_snakemake(tmp_path, allow=["not_converged"])
    job.run(snakemake, lambda spec: result(0, Status.NOT_CONVERGED.code))
    assert (tmp_path / f"{SPEC.key}.nc").exists()
    with pytest.raises(SolverError):
        job.run(snakemake, lambda spec: result(0, Status.UNPHYSICAL.code))


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "file"
    target.write_text("old", encoding="utf-8")

    def fail(name):
        name.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.write_atomically(target, fail)
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_file_of_another_result_is_refused(tmp_path):
    job.run(fake_snakemake(tmp_path), lambda spec: result(0, 0))
    other = tmp_path / f"{CouplingsSpec(N=4, gamma=0, seed=0).key}.nc"
    (tmp_path / f"{SPEC.key}.nc").rename(other)
    with pytest.raises(ValueError, match=r"Delete the file and run again"):
        store.load(other)


def test_a_file_that_was_never_a_result_is_not_called_damaged(tmp_path):
    path = tmp_path / "reanalysis.nc"
    path.write_bytes(b"CDF" + bytes(100))
    with pytest.raises(ValueError, match="is no result") as error:
        store.load(path)
    assert "Delete" not in str(error.value)


def test_a_result_that_is_not_there_says_how_to_compute_it(tmp_path):
    path = tmp_path / "results" / "couplings" / f"{SPEC.key}.nc"
    with pytest.raises(FileNotFoundError, match="is not in") as error:
        store.load(path)
    assert str(path) in str(error.value)
    assert f"`snakemake --cores 2 {path}`" in str(error.value)
    assert "quasipotential.couplings.run(spec)" in str(error.value)


@pytest.mark.parametrize("outcome", [status for status in Status if status.code])
def test_config_can_let_every_bad_status_be_stored(tmp_path, outcome):
    snakemake = fake_snakemake(tmp_path)
    with pytest.raises(SolverError, match=outcome.sentence):
        job.run(snakemake, lambda spec: result(0, outcome.code))
    snakemake.config["on_nonconvergence"] = "store"
    job.run(snakemake, lambda spec: result(0, outcome.code))
    assert store.load(tmp_path / f"{SPEC.key}.nc")["status"].values.tolist() == [0, outcome.code]


def test_a_result_is_no_better_than_what_it_comes_from():
    statuses = np.array([0, Status.NOT_EQUILIBRATED.code], np.int8)
    result = xr.Dataset({"status": ("temperature", statuses, STATUS_ATTRIBUTES)})
    good = xr.Dataset({"status": ((), np.int8(0))})
    bad = xr.Dataset({"status": ((), np.int8(Status.NOT_CONVERGED.code))})
    assert job.handed_on(result, xr.Dataset()).identical(result)
    assert job.handed_on(result, good).identical(result)
    status = job.handed_on(result, bad)["status"]
    expected = [Status.NOT_CONVERGED.code, Status.NOT_EQUILIBRATED.code]
    assert status.values.tolist() == expected
    assert status.dtype == np.int8 and status.attrs == STATUS_ATTRIBUTES
