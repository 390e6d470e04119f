"""Configs that are no good, through Snakemake: one clear error in seconds, and no job starts."""

from __future__ import annotations

import os

import pytest

SECONDS = 5.0  # of processor time, for the whole of Snakemake; about 2 were seen
ALIASES = "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
MERGES = "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40))
FILES = {
    "duplicate": ("seed: 1\nseed: 2\n", "config.yaml, line 2: the key 'seed' stands twice"),
    "list bomb": ("a0: &a0 [1]\n" + ALIASES, "aliases stand for more than 100000 values"),
    "mapping bomb": ("a0: &a0 {x: 1}\n" + MERGES, "aliases stand for more than 100000 values"),
    "python": ("__use_yte__: true\n?open('ran', 'w').close(): 1\n", "line 1: __use_yte__"),
    "tag": ("seed: !!python/object/apply:os.mkdir [ran]\n", "values carry no tags here"),
    "endless": ("seed: &a {b: *a}\n", "*a has no &a before it"),
    "deep": ("seed: " + "[" * 50_000, "nested more than 20 deep"),
    "bytes": ("seed: \udcff\n", "config.yaml is not a text in UTF-8"),
    "date": ("seed: 2024-99-99\n", "month must be in 1..12"),
    "list": ("- 1\n", "keys at top level"),
    "nothing": ("", "keys at top level"),
}
VALUES = {
    "nan": ("sampling: {below: {step: .nan}}", "sampling.below.step: got nan"),
    "infinity": ("eta: .inf", "eta: got inf"),
    "unicode": ('"\\e[2J\\u202e": 1', "\\x1b[2J\\u202e: unknown key"),
    "huge": ("sampling: {below: {networks: 1000000}}", "at most 20000 can be planned"),
    "overflow": ("figures: {figS1: {duration: 1.0e300}}", "duration/interval needs at least"),
}


def refused(checkout, words: str, *arguments: str) -> None:
    start = os.times()
    output = checkout.snakemake("--cores", "1", *arguments, check=False)
    assert words in output
    assert "Error" in output
    assert "Traceback" not in output
    assert not (checkout.path / "results").exists()
    assert not (checkout.path / "ran").exists()
    end = os.times()
    spent = end.children_user + end.children_system - start.children_user - start.children_system
    assert spent < SECONDS


def some(names: dict, quick: set[str]) -> list:
    """Names, those that are not quick marked slow: the library's tests know all of them."""
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", some(FILES, {"duplicate", "mapping bomb", "python"}))
def test_config_file_that_is_no_data(fresh, name):
    text, words = FILES[name]
    (fresh.path / "config.yaml").write_text(text, encoding="utf-8", errors="surrogateescape")
    refused(fresh, words)


@pytest.mark.parametrize("name", some(VALUES, {"nan", "unicode"}))
def test_config_with_bad_values(fresh, name):
    text, words = VALUES[name]
    (fresh.path / "config" / "test.yaml").write_text(text, encoding="utf-8")
    refused(fresh, words)


def test_given_file_with_a_duplicate_key_or_a_bomb_starts_no_job(fresh):
    """Snakemake reads files named by --configfile before the workflow can look at them."""
    for text, words in (FILES["duplicate"], FILES["list bomb"]):
        (fresh.path / "config" / "test.yaml").write_text(text, encoding="utf-8")
        refused(fresh, words.replace("config.yaml", "config/test.yaml"))
