"""A full disk and a folder that must not be written to: said clearly, and nothing is lost."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import xarray as xr

from quasipotential import store


def names(folder) -> set[str]:
    """Everything in a folder, by relative path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("kilobytes", [4, 20, 60, 156, 160, 164, 168, 172])
def test_file_that_does_not_fit_is_not_there_at_all(tmp_path, tiny_disk, kilobytes):
    """Whichever write is the one that fails; the file has about 170 kB."""
    words = {"long_name": "a number", "units": "1"}
    dataset = xr.Dataset({"x": ("n", np.random.default_rng(0).random(20_000), words)})
    target = tmp_path / "disk" / "file.nc"
    with tiny_disk(target.parent, kilobytes):
        try:
            store.save(dataset.assign_attrs(key="file"), target)
        except OSError as error:
            assert str(target) in str(error)
            assert "make room" in str(error)
            assert not list(target.parent.iterdir())
        else:
            assert kilobytes > 160
            assert store.load(target)["x"].equals(dataset["x"])


def test_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    small, undisturbed, same, tiny_disk
):
    results = small.path / "results"
    with tiny_disk(results, 120):
        output = small.snakemake("--cores", "2", "couplings", check=False)
        assert "cannot write results/couplings/" in output
        assert "make room" in output
        assert not [path for path in results.rglob(".*") if path.is_file()]
        for file in small.finished():
            store.load(file)
        subprocess.run(["mount", "-o", "remount,size=100m", str(results)], check=True)
        small.snakemake("--cores", "2", "couplings")
        found = {file.name: store.load(file) for file in small.files("couplings")}
    same(found, {file.name: store.load(file) for file in undisturbed.files("couplings")})


def test_read_only_results_can_be_used_and_are_never_changed(done, undisturbed, same, read_only):
    results = done.path / "results"
    before = names(results)
    with read_only(results):
        output = done.snakemake("--cores", "2", *done.targets)
        assert "Nothing to be done" in output
        assert "Traceback" not in output
        more = ("--config", "figures={fig4: {g: [0.5, 0.9]}}")
        output = done.snakemake("--cores", "2", "fig4", *more, check=False)
        assert f"{results} is read-only: make it writable and run again" in output
        assert names(results) == before
    done.snakemake("--cores", "2", "fig4", *more)
    kept = {name: content for name, content in done.arrays().items() if name in before}
    assert all(f"results/{name}" in done.arrays() for name in before if name.endswith(".nc"))
    same(kept, {name: content for name, content in undisturbed.arrays().items() if name in kept})
