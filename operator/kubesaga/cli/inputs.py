"""What a user hands over: files, stdin, ``@file``, ``key=value``. What cannot be read is told with line and column."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubesaga.cli.errors import CliError

STDIN = "-"
_STRUCTURED = ("{", "[", '"', "'")


def read_text(path: str | Path) -> str:
    """The file's text, or all of stdin for ``-``. Raises CliError."""
    name = str(path)
    try:
        if name == STDIN:
            return sys.stdin.read()
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CliError(f"{name}: there is no such file", "check the path; - stands for stdin") from None
    except UnicodeDecodeError as error:
        raise CliError(f"{name}: is not text in UTF-8 (byte {error.start})", "save it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CliError(f"{name}: cannot be read: {reason}", "check the path and its permissions") from None


def shown_name(path: str | Path) -> str:
    """How messages call the file."""
    return "stdin" if str(path) == STDIN else str(path)


def parse_value(text: str, name: str) -> Any:
    """One JSON or YAML document as plain JSON values; ``name`` is what messages call it. Raises CliError."""
    documents = parse_documents(text, name)
    if len(documents) != 1:
        raise CliError(f"{name}: has {len(documents)} documents, not one", "take one document")
    return documents[0]


def parse_documents(text: str, name: str) -> list[Any]:
    """The documents of a YAML or JSON text, empty ones left out. Dates stay text, as kubectl reads them.

    Raises CliError with line and column.
    """
    try:
        return [json.loads(text)]
    except json.JSONDecodeError as error:
        if name.endswith(".json"):
            where = f"{name}:{error.lineno}:{error.colno}"
            raise CliError(f"{where}: is not JSON: {error.msg.lower()}", "correct it there") from None
    except RecursionError:
        raise CliError(f"{name}: is nested too deep", "write less") from None
    return _yaml_documents(text, name)


def parse_context(written: str, option: str = "--context") -> dict[str, Any]:
    """An object from ``@file``, ``@-`` (stdin) or JSON or YAML on the command line. Raises CliError."""
    if written.startswith("@"):
        name = shown_name(written[1:])
        value = parse_value(read_text(written[1:]), name)
    else:
        name = option
        value = parse_value(written, option)
    if not isinstance(value, dict):
        raise CliError(f"{name}: is not an object", 'write {"key": value, …}, or @FILE with fields and their values')
    return value


def key_values(pairs: Iterable[str], option: str = "-p") -> dict[str, Any]:
    """``key=value`` pairs as an object. Raises CliError.

    A value is a number, true, false or null if JSON says so, a list or an object if it begins as one, else text.
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, written = pair.partition("=")
        if not key or not equals:
            raise CliError(f"{option} {pair}: is not key=value", f"write {option} key=value")
        if key in values:
            raise CliError(f"{option} {key}: is there twice", "remove one of the two")
        values[key] = _scalar_or_structure(written, f"{option} {key}")
    return values


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` as ``{"a": {"b": 1}}``. Raises CliError where a path goes through what is no object."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        *above, last = path.split(".")
        at = made
        for key in above:
            at = at.setdefault(key, {})
            if not isinstance(at, dict):
                raise CliError(f"-p {path}: {key} is given as a value too", "give one of the two")
        if not all([*above, last]):
            raise CliError(f"-p {path}: has an empty name in it", "write -p a.b=value")
        if isinstance(at.get(last), dict) and not isinstance(value, dict):
            raise CliError(f"-p {path}: fields of it are given too", "give one of the two")
        at[last] = value
    return made


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Put values over an object, object by object."""
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def _scalar_or_structure(written: str, name: str) -> Any:
    if written.startswith(_STRUCTURED):
        return parse_value(written, name)
    try:
        return json.loads(written, parse_constant=_no_number)
    except ValueError:
        return written


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _yaml_documents(text: str, name: str) -> list[Any]:
    import yaml

    from kubesaga.api.yaml_loader import explained, load_all

    try:
        return [document for document in load_all(text) if document is not None]
    except (yaml.YAMLError, ValueError) as error:
        position, message = explained(error, text)
        where = f"{name}:{position[0]}:{position[1]}" if position else name
        raise CliError(f"{where}: is not YAML: {message}", "correct it there") from None
