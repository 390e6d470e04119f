"""Config files are data: a file is looked at before anybody makes values of it.

Snakemake would let the last of two equal keys win, evaluate Python in a file that says
``__use_yte__``, and hang on a few lines of aliases that stand for millions of values.  Here the
events of the YAML parser are read one by one, and what is more than data is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .config.faults import MAX_DEPTH, MAX_VALUES, ConfigError

MAX_BYTES = 300_000  # Snakemake reads some 100 000 a second
MAX_LENGTH = 1000  # of a single value
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Collection:
    """A mapping or list whose end has not come yet; ``size`` counts its values so far."""

    is_mapping: bool
    anchor: str | None
    size: int = 1
    keys: set[str] = field(default_factory=set)
    awaits_key: bool = True


def check(path: Path) -> None:
    """Refuse a config file that is more than data, or not what its author can have meant.

    Raises
    ------
    ConfigError
        With file, line, what stands there and what to do.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES // 1000} kB: no config is")
        text = path.read_bytes().decode("utf-8")
        _check_events(text, path)
        yaml.safe_load(text)  # what libyaml reads and Snakemake's parser does not is refused too
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not a text in UTF-8: save it as such") from None
    except yaml.MarkedYAMLError as error:
        words = " ".join(filter(None, [error.context, error.problem]))
        raise ConfigError(f"{_place(path, error.problem_mark)}: {words}") from None
    except ConfigError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _check_events(text: str, path: Path) -> None:
    anchors: dict[str, int] = {}
    collections: list[_Collection] = []

    for event in yaml.parse(text, Loader=LOADER):
        place = _place(path, event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise ConfigError(f"{place}: {event.tag!r}; values carry no tags here, remove it")
        if isinstance(event, yaml.CollectionStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            collections.append(_Collection(is_mapping, event.anchor))
            if len(collections) > MAX_DEPTH:
                raise ConfigError(f"{place}: nested more than {MAX_DEPTH} deep")
            continue
        if isinstance(event, yaml.ScalarEvent):
            size, anchor = 1, event.anchor
            if len(event.value) > MAX_LENGTH:
                raise ConfigError(f"{place}: a value of more than {MAX_LENGTH} characters")
            if collections and collections[-1].is_mapping and collections[-1].awaits_key:
                _check_key(event.value, collections, place)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise ConfigError(f"{place}: *{event.anchor} has no &{event.anchor} before it")
            size, anchor = anchors[event.anchor], None
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = collections.pop()
            size, anchor = closed.size, closed.anchor
        else:
            continue
        if anchor is not None:
            anchors[anchor] = size
        if size > MAX_VALUES:
            raise ConfigError(f"{place}: its aliases stand for more than {MAX_VALUES} values")
        if collections:
            collections[-1].size += size
            collections[-1].awaits_key = not collections[-1].awaits_key


def _check_key(key: str, collections: list[_Collection], place: str) -> None:
    if key in collections[-1].keys:
        raise ConfigError(f"{place}: the key {key!r} stands twice, remove one")
    if key == "__use_yte__" and len(collections) == 1:
        raise ConfigError(
            f"{place}: __use_yte__ would run the Python in this file; a config is data, remove it"
        )
    collections[-1].keys.add(key)


def _place(path: Path, mark: yaml.Mark | None) -> str:
    return f"{path}" if mark is None else f"{path}, line {mark.line + 1}"
