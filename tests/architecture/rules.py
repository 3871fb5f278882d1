"""What docs/architecture.md says about the shape of the tree, as checks over its files.

Each rule takes the root of a tree and yields one line per breach, "path:line: what is wrong".
"""

import os
import re
from pathlib import Path

# A layer may include itself and what it names here, and nothing else of Turnbuckle.
_CORE = {"base", "stun", "turn"}
_EDGE = _CORE | {"auth", "net", "config"}
MAY_INCLUDE = {
    "base": set(),
    "stun": {"base"},
    "turn": {"base", "stun"},
    "auth": _CORE,
    "net": _CORE,
    "config": _CORE,
    "server": _EDGE,
    "admin": _EDGE,
    "offload": _EDGE,
    "app": _EDGE | {"server", "admin", "offload"},
}

# Bytes and `now` in, decisions out: these layers own no socket and no event loop ...
_IO_HEADER = re.compile(r"boost/(asio|beast)|sys/(socket|epoll|select)\.h|poll\.h|netinet/|<thread>")
# ... and the protocol reads no clock.
_CLOCK = re.compile(r"\b(monotonic_now|wall_now)\(\)|_clock::now\(\)")

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
_UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")  # spelled so as not to find itself

MAX_LINES = 500
_SOURCES = {".hpp", ".cpp", ".h", ".c", ".py", ".sh", ".js", ".mjs"}
_NOT_OURS = {"node_modules"}  # what npm installed


def sources(root, *folders):
    for folder in folders:
        for parent, below, files in os.walk(root / folder):
            below[:] = sorted(set(below) - _NOT_OURS)
            yield from (Path(parent, name) for name in sorted(files)
                        if Path(name).suffix in _SOURCES)


def layer_of(root, path):
    """The layer of a file under include/turnbuckle/ or src/, or None for any other file."""
    for top in ("include/turnbuckle", "src"):
        try:
            parts = path.relative_to(root / top).parts
        except ValueError:
            continue
        if len(parts) > 1:
            return parts[0]
    return None


def _lines(root, *folders):
    for path in sources(root, *folders):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield path, number, line


def _includes(root):
    """(file, line number, target) of each include; the target is a Path if it is ours."""
    for path, number, line in _lines(root, "include", "src"):
        match = _INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        if name.startswith("turnbuckle/"):
            yield path, number, root / "include" / name
        elif quote == '"':
            yield path, number, Path(path.parent / name).resolve()
        else:
            yield path, number, name


def layering(root):
    root = root.resolve()
    for path, number, target in _includes(root):
        layer = layer_of(root, path)
        at = f"{path.relative_to(root)}:{number}"
        if layer not in MAY_INCLUDE:
            yield f"{at}: {layer!r} is not a layer"
            continue
        if not isinstance(target, Path):
            continue
        other = layer_of(root, target)
        if other != layer and other not in MAY_INCLUDE[layer]:
            yield f"{at}: {layer} must not include {other or target}"


def purity(root):
    root = root.resolve()
    for path, number, line in _lines(root, "include", "src"):
        layer = layer_of(root, path)
        at = f"{path.relative_to(root)}:{number}"
        if layer in _CORE and _INCLUDE.match(line) and _IO_HEADER.search(line):
            yield f"{at}: {layer} does no I/O: {line.strip()}"
        if layer in {"stun", "turn"} and _CLOCK.search(line.split("//")[0]):
            yield f"{at}: {layer} is given the time and reads no clock"


def length(root):
    for path in sources(root, "include", "src", "tests", "scripts"):
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MAX_LINES:
            yield f"{path.relative_to(root)}:{count}: longer than {MAX_LINES} lines"


def opening_comment(root):
    for path in sources(root, "include", "src", "tests"):
        if path.suffix not in {".hpp", ".h"}:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        where = path.relative_to(root)
        if not lines or not re.match(r"// \w", lines[0]):
            yield f"{where}:1: a header opens with a comment that says what it is for"
        if "#pragma once" not in lines:
            yield f"{where}:1: #pragma once is missing"


def finished(root):
    for path, number, line in _lines(root, "include", "src", "tests", "scripts"):
        if _UNFINISHED.search(line):
            yield f"{path.relative_to(root)}:{number}: unfinished: {line.strip()}"


ALL = [layering, purity, length, opening_comment, finished]
