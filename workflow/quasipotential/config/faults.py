"""How faults of a config are told: one line for each, path, what was given, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

SWITCHES = {"exchange", "planted", "rescale"}  # the options that are yes or no
MAX_VALUES = 100_000  # in a raw config
MAX_DEPTH = 20
MAX_FAULTS = 20  # that are listed


class ConfigError(ValueError):
    """The config is not usable; the message lists every fault."""


def _values(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, int, Any]]:
    """Every value in a raw config, with its path and how deep it stands."""
    yield path, depth, value
    if isinstance(value, Mapping):
        items = [(_printable(key), inner) for key, inner in value.items()]
    elif isinstance(value, list | tuple):
        items = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        return
    for key, inner in items:
        yield from _values(inner, f"{path}.{key}" if path else key, depth + 1)


def malformed(raw: Mapping[str, Any]) -> list[str]:
    """Faults of a raw config that no section could tell: its size, and yes or no as a number."""
    faults = []
    for number, (path, depth, value) in enumerate(_values(raw)):
        if number > MAX_VALUES or depth > MAX_DEPTH:
            limit = f"more than {MAX_VALUES} values, or is nested more than {MAX_DEPTH} deep"
            return [f"{path[:80]}: the config holds {limit}"]
        if isinstance(value, int) and abs(value) >= 2**63:
            faults.append(f"{path}: got an integer of more than 18 digits")
        if isinstance(value, bool) and path.rpartition(".")[2] not in SWITCHES:
            allowed = "a number, a text or a list, never yes or no"
            faults.append(f"{path}: got {value}; allowed: {allowed}")
    return faults


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python shows no integer of more than 4300 digits
        return "a huge integer"


def _printable(key: object) -> str:
    """A key as it can be shown: what is no letter is escaped, what is long is cut."""
    text = _shown(key)[1:-1] if isinstance(key, str) else _shown(key)
    return text if len(text) <= 60 else text[:57] + "..."


def describe(fault: dict[str, Any]) -> str:
    """One fault in one line: path, what was given, what is allowed."""
    path = ".".join(_printable(part) for part in fault["loc"])
    given = _shown(fault["input"])
    if len(given) > 80:
        given = given[:77] + "..."
    match fault["type"]:
        case "missing":
            return f"{path}: missing"
        case "extra_forbidden":
            return f"{path}: unknown key (got {given})"
        case "value_error" if isinstance(fault["input"], dict | BaseModel):
            return f"{path}: {fault['ctx']['error']}" if path else str(fault["ctx"]["error"])
        case "value_error":
            return f"{path}: got {given}; {fault['ctx']['error']}"
    allowed = fault["msg"].removeprefix("Input should be ")
    allowed = re.sub(r"a valid dictionary or instance of \w+", "a mapping", allowed)
    allowed = allowed.replace("a valid tuple", "a list")
    return f"{path}: got {given}; allowed: {allowed}"


def described(error: ValidationError) -> str:
    """One line for each fault."""
    return listed(map(describe, error.errors()))


def listed(faults: Iterable[str]) -> str:
    """One line for each fault, the first of them if there are many."""
    lines = [f"  {fault}" for fault in faults]
    if len(lines) > MAX_FAULTS:
        lines[MAX_FAULTS:] = [f"  and {len(lines) - MAX_FAULTS} more"]
    return "\n".join(lines)
