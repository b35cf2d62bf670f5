"""Who may know whom: the layers of the folder tree, enforced."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src/tocsin"
SLICES = {
    "accounts",
    "alerts",
    "certificates",
    "channels",
    "containers",
    "dashboard",
    "endpoints",
    "heartbeats",
    "logs",
    "silences",
    "system",
    "webhooks",
}
BELOW = {
    "core": {"core"},
    "db": {"core", "db"},
    "http": {"core", "db", "http"},
    "runtimes": {"core", "runtimes"},
    "probes": {"core", "probes"},
}
COMPOSITION = {"app", "cli", "job", "keys", "parts", "process", "__main__", "__init__"}
FILES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield every module of ours that *path* imports, as parts below `tocsin`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tocsin":
            base = node.module.split(".")[1:]
            for alias in node.names:
                is_module = (ROOT / "/".join([*base, alias.name])).with_suffix(".py").exists()
                is_package = (ROOT / "/".join([*base, alias.name])).is_dir()
                yield tuple([*base, alias.name] if is_module or is_package else base)
        elif isinstance(node, ast.Import):
            yield from (tuple(a.name.split(".")[1:]) for a in node.names if a.name.split(".")[0] == "tocsin")


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(name_of(path)))
def test_imports_point_to_the_left(path: Path):
    own = name_of(path)
    if own[0] in COMPOSITION or own[:2] == ("db", "migrations"):
        return
    for target in imports(path):
        if not target:
            continue  # the package itself: its version
        if own[0] in BELOW:
            assert target[0] in BELOW[own[0]], f"{'/'.join(own)} knows {'.'.join(target)}"
        elif own[0] in SLICES and target[0] in SLICES - {own[0]}:
            assert target[1:] == ("models",), f"{'/'.join(own)} knows {'.'.join(target)}"
        else:
            assert target[0] not in COMPOSITION | {"settings"} or own == ("settings",), own


def test_only_the_settings_read_the_environment():
    readers = {"/".join(name_of(path)) for path in FILES if "os.environ" in path.read_text()}
    assert readers == {"settings", "job"}  # a job has no settings, and no time to load them


def test_only_the_clock_asks_for_the_time():
    asking = ("datetime.now(", "datetime.utcnow(", "time.time(", "time.time_ns(", "date.today(")
    found = {"/".join(name_of(path)) for path in FILES if any(call in path.read_text() for call in asking)}
    assert found == {"core/clock"}


LAZY = {"uvloop", "alembic", "re2", "cryptography", "aiosmtplib", "OpenSSL", "dns", "icmplib", "jsonpath_rfc9535"}
"""Heavy libraries that most runs do not need; anything else inside a function is a cycle in disguise."""


def test_only_heavy_libraries_are_imported_inside_functions():
    for path in FILES:
        if path.name == "__main__.py":
            continue  # which program it is decides what is loaded
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert {name.split(".")[0] for name in names} <= LAZY, f"{path}: {names}"


def test_nothing_in_the_sources_but_sql_of_stores_talks_to_tables():
    """Slices have one place for SQL."""
    for path in FILES:
        own = name_of(path)
        is_store = own[-1] == "tables" or own[-1].endswith("store") or own == ("channels", "outbox")
        if own[0] in SLICES and not is_store and own != ("dashboard", "api"):
            assert "sqlalchemy" not in path.read_text(), own
