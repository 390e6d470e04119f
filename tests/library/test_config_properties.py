"""Whatever stands in a config: it is valid, or one clear error comes within seconds."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from quasipotential import config, config_file, plan

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SECONDS = 5.0  # until the answer

numbers = st.one_of(
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.sampled_from([math.nan, math.inf, -math.inf, 5e-324, 1e308, -0.0, 10**9, 2**63]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20))
grids = st.fixed_dictionaries(
    {"start": numbers, "stop": numbers, "number": st.integers(-5, 10**12)},
    optional={"scale": st.sampled_from(["linear", "log", "cubic"])},
)
values = st.recursive(
    st.one_of(scalars, grids, st.just({"start": 0.01, "stop": 1.0, "number": 10_000})),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=10), numbers, st.none()), inner, max_size=4),
    ),
    max_leaves=8,
)


def places(value, path=()):
    """Paths of everything in a config."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


PLACES = sorted(places(DEFAULT), key=str)


def put(raw: dict, path: tuple, value: object) -> None:
    """Put a value at a path, if the path is still there."""
    place = raw
    for key in path[:-1]:
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(place, dict) or (isinstance(place, list) and path[-1] < len(place)):
        place[path[-1]] = value


def answer(raw: object) -> str | None:
    """What the user is told; None if the config is valid."""
    start = time.process_time()
    message = None
    try:
        plan.build(config.load(raw))
    except config.ConfigError as error:
        message = str(error)
        assert message.strip()
        assert len(message.splitlines()) <= config.faults.MAX_FAULTS + 2
        assert all(line.isprintable() for line in message.splitlines())
        assert max(map(len, message.splitlines())) < 1000
    assert time.process_time() - start < SECONDS
    return message


slow_to_make = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)


@slow_to_make
@given(st.lists(st.tuples(st.sampled_from(PLACES), values), min_size=1, max_size=3))
@example([(("seed",), 10**5000)])
@example([(("sampling", "below", "networks"), 10**9)])
@example([(("sampling", "below", "draws"), 10**300)])
@example([(("figures", "figS1", "duration"), 1e300), (("figures", "figS1", "interval"), 1e-300)])
@example([(("sampling", "below", "path_length"), 1e300), (("sampling", "below", "step"), 1e-300)])
@example([(("figures", "figS2", "simulation", "networks"), 10**8)])
@example([(("figures", "fig2", "beta"), [1e-320])])
@example([(("\ud800\x1b[2J",), 3)])
@example([((10**5000,), 3)])
def test_anything_anywhere_is_valid_or_one_clear_error(changes):
    raw = copy.deepcopy(DEFAULT)
    for path, value in changes:
        put(raw, path, copy.deepcopy(value))
    answer(raw)


@slow_to_make
@given(st.dictionaries(st.one_of(st.text(max_size=10), numbers, st.none()), values, max_size=5))
def test_anything_else_is_an_error(raw):
    assert answer(raw)


@slow_to_make
@given(
    grid=st.fixed_dictionaries(
        {
            "start": st.floats(allow_nan=True),
            "stop": st.floats(allow_nan=True),
            "number": st.integers(2, 10_000),
            "scale": st.sampled_from(["linear", "log"]),
        }
    )
)
def test_grid_of_any_range_is_finite_or_an_error(grid):
    raw = copy.deepcopy(DEFAULT)
    raw["figures"]["fig2"]["beta"] = grid
    if answer(raw) is None:
        beta = config.load(raw).figures.fig2.beta
        assert all(math.isfinite(value) and value > 0 for value in beta)
        assert list(beta) == sorted(set(beta))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"sampling.below.networks": 100_000, "sampling.below.networks_per_job": 1},
            "sampling asks for 100",
        ),
        (
            {
                "figures.fig3.gamma": {"start": -0.5, "stop": 1, "number": 10_000},
                "figures.fig3.g": {"start": 0.1, "stop": 1, "number": 10_000},
            },
            "figures.fig3 asks for 100000000 points",
        ),
        (
            {
                "figures.figS2.g": {"start": 1.1, "stop": 3, "number": 1000},
                "figures.figS2.simulation.networks": 1000,
            },
            "figures.figS2 asks for 1000000 points",
        ),
    ],
)
def test_more_than_can_be_planned_is_refused_with_its_number(changes, words):
    raw = copy.deepcopy(DEFAULT)
    for path, value in changes.items():
        put(raw, tuple(path.split(".")), value)
    assert words in answer(raw)


def bomb(levels: int, mapping: bool) -> object:
    """A few objects that stand for 2^levels values."""
    value: object = 1
    for _ in range(levels):
        value = {"a": value, "b": value} if mapping else [value, value]
    return value


@pytest.mark.parametrize("levels", [18, 60, 10_000])
@pytest.mark.parametrize("mapping", [False, True])
def test_bomb_in_a_config_is_refused(levels, mapping):
    value = bomb(levels, mapping)
    assert "more than" in answer(DEFAULT | {"seed": value})
    endless: list = []
    endless.append(endless)
    assert "more than" in answer(DEFAULT | {"seed": endless})


def refusal(path: Path, content: bytes) -> str | None:
    """What is said of a config file before it is read; None if nothing."""
    path.write_bytes(content)
    start = time.process_time()
    message = None
    try:
        config_file.check(path)
    except config.ConfigError as error:
        message = str(error)
        assert message.startswith(str(path))
    assert time.process_time() - start < SECONDS
    return message


ALIASES = "a0: &a0 [1, 1]\n" + "".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nseed: 2\n", "line 2: the key 'seed' stands twice"),
        ("figures:\n  fig4: {g: [1], g: [2]}\n", "line 2: the key 'g' stands twice"),
        ('{"seed": 1, "seed": 2}', "line 1: the key 'seed' stands twice"),
        ("__use_yte__: true\nseed:\n  ?1 + 1: 2\n", "line 1: __use_yte__"),
        ("seed: !!python/object/apply:os.system [ls]\n", "values carry no tags"),
        ("seed: !!python/name:os.system\n", "values carry no tags"),
        ("seed: [1, 2\n", "line 2: while parsing a flow sequence"),
        ("seed: \t1\n\t- 2\n", "line 2"),
        ("seed: 2024-99-99\n", "month must be in 1..12"),
        ("seed: " + "9" * 5000, "a value of more than 1000 characters"),
        ("seed: " + "[" * 50_000, "nested more than 20 deep"),
        ("seed: &a [*a]\n", "*a has no &a before it"),
        ("seed: &a {b: *a}\n", "*a has no &a before it"),
        (ALIASES, "stand for more than 100000 values"),
        (MERGES, "stand for more than 100000 values"),
        ("# " + "x" * 400_000, "larger than 300 kB"),
    ],
)
def test_file_that_is_more_than_data_is_refused_with_its_line(tmp_path, text, words):
    assert words in refusal(tmp_path / "config.yaml", text.encode())


@slow_to_make
@given(
    content=st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode())
    )
)
@example(content=b"\xff\xfe\x00")
@example(content=b"a: \x00")
def test_file_of_any_bytes_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    if refusal(path, content) is None:
        yaml.safe_load(content.decode())


@pytest.mark.parametrize("path", sorted([ROOT / "config.yaml", *ROOT.glob("config/*.yaml")]))
def test_shipped_files_are_data(path):
    config_file.check(path)
