"""Replica-symmetric solutions over (gamma, g, T): the planes of `solutions`, side by side."""

import numpy as np
import xarray as xr

from quasipotential.replica import plane, solutions
from quasipotential.specs import PlaneSpec, ReplicaSpec


def test_each_plane_is_the_solution_at_its_gamma():
    grid = {"g": (0.5, 1.3), "temperatures": (0.0, 1e-2), "transfer": "erf"}
    spec = PlaneSpec(gamma=(-0.2, 0.0, 0.5), **grid)
    dataset = plane.run(spec)
    assert dataset["gamma"].values.tolist() == [-0.2, 0.0, 0.5]
    assert dict(dataset.sizes) == {"gamma": 3, "g": 2, "temperature": 2}
    for gamma in spec.gamma:
        alone = solutions.run(ReplicaSpec(gamma=gamma, **grid)).drop_dims("candidate")
        xr.testing.assert_identical(dataset.sel(gamma=gamma, drop=True), alone)


def test_dataset_describes_itself():
    dataset = plane.run(PlaneSpec(gamma=(0.0, 0.5), g=(0.5,), temperatures=(0.1,)))
    for name, variable in dataset.variables.items():
        assert variable.attrs["units"] == "1" and variable.attrs["long_name"], name
    assert dataset["status"].dtype == np.int8
    assert all(v.dims == ("gamma", "g", "temperature") for v in dataset.data_vars.values())
