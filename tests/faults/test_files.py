"""Damaged and wrong files: the job that reads one says which and what to do; no figure shows it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from quasipotential import store
from quasipotential.specs import StaticDmftSpec

SPEC = StaticDmftSpec(gamma=0.0, g=(0.5, 1.5))
WORDS = {"long_name": "a number", "units": "1"}


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path, place: float = 0.5) -> None:
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1
    file.write_bytes(content)


def swap(file: Path) -> None:
    other = next(path for path in sorted(file.parent.glob("*.nc")) if path != file)
    file.write_bytes(other.read_bytes())


DAMAGES = {cut: "is damaged", empty: "is empty", flip: "is damaged", swap: "holds the result"}


@pytest.fixture
def stored(tmp_path) -> Path:
    """A file with two variables beside one of another spec."""
    for spec in (SPEC, SPEC.model_copy(update={"gamma": 0.5})):
        dataset = xr.Dataset(
            {
                "C": ("g", np.linspace(0.0, 1.0, 2), WORDS),
                "draws": (("g", "draw"), np.random.default_rng(0).random((2, 3000)), WORDS),
            },
            coords={"g": ("g", np.array(spec.g), WORDS), "draw": ("draw", np.arange(3000), WORDS)},
        )
        path = tmp_path / f"{spec.key}.nc"
        store.save(store.describe(dataset, spec, "0123", 0.0), path)
    return tmp_path / f"{SPEC.key}.nc"


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_file_is_refused_with_its_name_and_what_to_do(stored, damage):
    damage(stored)
    with pytest.raises(store.DamagedFileError) as error:
        store.load(stored)
    assert str(error.value).startswith(f"{stored} {DAMAGES[damage]}")
    assert str(error.value).endswith("Delete the file and run again")


def test_any_flipped_bit_and_any_cut_is_found(stored):
    """Also where HDF5 would not look, or would hang: two of 1800 damaged files made it do so."""
    whole = stored.read_bytes()
    places = random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[places.randrange(len(whole))] ^= 1 << places.randrange(8)
        stored.write_bytes(damaged)
        with pytest.raises(store.DamagedFileError):
            store.load(stored)
        stored.write_bytes(whole[: places.randrange(len(whole))])
        with pytest.raises(store.DamagedFileError):
            store.load(stored)
    stored.write_bytes(whole)
    assert store.load(stored).sizes["draw"] == 3000


def test_checksum_does_not_keep_other_programs_from_reading(stored):
    with xr.open_dataset(stored, engine="netcdf4") as dataset:
        assert dataset.load().equals(store.load(stored))


@pytest.mark.parametrize(
    "damage",
    [flip, *(pytest.param(damage, marks=pytest.mark.slow) for damage in (cut, empty, swap))],
    ids=lambda damage: damage.__name__,
)
def test_no_figure_is_drawn_from_a_damaged_file(done, undisturbed, same, damage):
    for file in (done.path / "results" / "figures").glob("fig4*"):
        file.unlink()
    source = next((done.path / "results" / "dmft").glob("static-gamma*.nc"))
    damage(source)
    output = done.snakemake("--cores", "2", "fig4", check=False)
    name = source.relative_to(done.path)
    assert f"{name} {DAMAGES[damage]}" in output
    assert "Delete the file and run again" in output
    assert not list((done.path / "results" / "figures").glob("fig4*"))
    source.unlink()
    done.snakemake("--cores", "2", "fig4")
    same(done.arrays(), undisturbed.arrays())
