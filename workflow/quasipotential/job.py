"""One job of the workflow: spec in, library call, dataset out."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import xarray as xr

from . import progress, store
from .specs import Spec, parse
from .status import SolverError, Status


@contextlib.contextmanager
def logged(path: str) -> Iterator[None]:
    """Send what a job prints, its progress, and the traceback of its failure to its log file."""
    with (
        open(path, "w", encoding="utf-8", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
        _lines_of_progress(log),
    ):
        try:
            yield
        except MemoryError as error:
            traceback.print_exc()
            raise MemoryError(
                f"{error or 'out of memory'}. Run fewer jobs at a time (--cores 1, or --resources "
                "mem_mb=... with what this machine has), or lower N, chains or draws in the config"
            ) from error
        except Exception:
            traceback.print_exc()
            raise


@contextlib.contextmanager
def _lines_of_progress(log: TextIO) -> Iterator[None]:
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    level = progress.LOGGER.level
    progress.LOGGER.addHandler(handler)
    progress.LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        progress.LOGGER.setLevel(level)
        progress.LOGGER.removeHandler(handler)


def allowed(config: dict, spec: Spec) -> list[str]:
    """Names of the outcomes that the config allows for this kind of result.

    They come with the job and not with its parameters: what is allowed does not change a result.
    """
    if config.get("on_nonconvergence") == "store":
        return [status.name.lower() for status in Status]
    return config.get("allow", {}).get(spec.judged_as, [])


def check_status(dataset: xr.Dataset, spec: Spec, permitted: list[str]) -> None:
    """Fail if a point of the dataset has a status that the config does not allow by name.

    Raises
    ------
    SolverError
        It names the points, their status and the config key that allows it.
    """
    if "status" not in dataset:
        return
    status = dataset["status"]
    for outcome in Status:
        name = outcome.name.lower()
        if outcome is Status.CONVERGED or name in permitted:
            continue
        places = np.argwhere(np.atleast_1d(status.values == outcome.code))
        if len(places):
            points = "; ".join(
                ", ".join(
                    f"{dim} = {dataset[dim].values[index] if dim in dataset.coords else index}"
                    for dim, index in zip(status.dims, place, strict=False)
                )
                for place in places[:5]
            )
            raise SolverError(
                outcome,
                f"{spec.key}: {len(places)} of {status.size} points ended with status {name}"
                f"{', at ' + points if points else ''}. To keep them, marked as such, add {name} "
                f"to allow.{spec.judged_as} in the config, or set on_nonconvergence to store",
                dataset,
            )


def handed_on(result: xr.Dataset, source: xr.Dataset) -> xr.Dataset:
    """A result, no better than a source with one ``status``, if that has one."""
    code = int(source.get("status", 0))
    if code == Status.CONVERGED.code:
        return result
    status = result["status"]
    values = np.where(status == Status.CONVERGED.code, code, status).astype(status.dtype)
    return result.assign(status=(status.dims, values, status.attrs))


def run(snakemake, compute: Callable[..., xr.Dataset]) -> None:
    """Compute the dataset of ``snakemake.params.spec`` and store it.

    ``compute`` takes the spec and the datasets of the job's inputs.  A result with a status that
    is not allowed is kept under ``<output folder>/failed`` and the job fails.
    """
    with logged(snakemake.log[0]):
        spec = parse(snakemake.params.spec)
        output = Path(snakemake.output[0])
        inputs = [store.load(path) for path in snakemake.input]
        print(f"{spec.key}: {spec.canonical()}")
        start = time.perf_counter()
        dataset = compute(spec, *inputs)
        seconds = time.perf_counter() - start
        dataset = store.describe(dataset, spec, snakemake.params.code, seconds)
        try:
            check_status(dataset, spec, allowed(snakemake.config, spec))
        except SolverError:
            store.save(dataset, output.parent / "failed" / output.name)
            raise
        store.save(dataset, output)
        print(f"{spec.key}: done in {seconds:.2f} s", file=sys.stdout)
