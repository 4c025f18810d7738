"""The house stands: who may import whom, what stands at the top, and what the packages show."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("data", "engine", "api")  # lowest first
BESIDE = ("benchmarks", "tests")

# engine/ opens no socket and no database, and data/ only reads and writes files.
CONNECTING = (
    *("socket", "socketserver", "http", "ftplib", "smtplib", "imaplib", "poplib", "xmlrpc"),
    *("urllib.request", "urllib3", "requests", "httpx", "httpcore", "aiohttp", "websockets", "grpc", "zmq"),
    *(
        "fastapi",
        "starlette",
        "uvicorn",
        "flask",
        "sqlite3",
        "dbm",
        "sqlalchemy",
        "alembic",
        "psycopg",
        "psycopg2",
    ),
    *("asyncpg", "duckdb", "redis", "pymongo", "connectorx", "adbc_driver_manager"),
)

TOP_LEVEL = {
    *FLOORS,
    *BESIDE,
    "pyproject.toml",
    "README.md",
    "Makefile",
    "requirements.lock",
    "LICENSE",
}


def imported(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Give line and full name of everything that a module imports, wherever in the module it does so.

    `package` is the package that the module stands in, for relative imports. `from a import b` gives "a.b",
    since b can be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *filter(None, [base])])
            yield from ((node.lineno, f"{base}.{alias.name}".lstrip(".")) for alias in node.names)
        elif isinstance(node, ast.Call) and called(node.func) in {"import_module", "__import__"}:
            values = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
            name = values[0] if values else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, package + name.value if name.value.startswith(".") else name.value


def called(function: ast.expr) -> str:
    """Give the last part of the name of what is called."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def offences(source: str, package: str) -> list[str]:
    """Give what a module imports and its floor may not, as "line 3: name"."""
    floor = package.split(".")[0]
    forbidden = (*FLOORS[FLOORS.index(floor) + 1 :], *BESIDE)
    if floor != "api":
        forbidden += CONNECTING
    return [
        f"line {line}: {name}"
        for line, name in imported(source, package)
        if any(name == other or name.startswith(other + ".") for other in forbidden)
    ]


def modules() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))


def packages() -> list[str]:
    """Give the public packages of data and engine."""
    found = ["data", "engine"]
    for name in ("data", "engine"):
        folder = [str(ROOT / name)]
        found += [module.name for module in pkgutil.walk_packages(folder, f"{name}.") if module.ispkg]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_nothing_from_a_higher_floor_and_connects_to_nothing(path: Path) -> None:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    assert offences(path.read_text(encoding="utf-8"), package) == []


@pytest.mark.parametrize(
    ("package", "source", "found"),
    [
        ("data", "import engine", "engine"),
        ("data", "import numpy, engine.rank as rank", "engine.rank"),
        ("data.standard", "from api.cli import main", "api.cli.main"),
        ("data.standard", "from ... import engine", "engine"),
        ("engine", "def late():\n    from api import cli", "api.cli"),
        ("engine", "if TYPE_CHECKING:\n    import api.store", "api.store"),
        ("engine", "import importlib\nimportlib.import_module('api.cli')", "api.cli"),
        ("engine", "from importlib import import_module\nimport_module('api')", "api"),
        ("engine", "from importlib import import_module\nimport_module(name='api')", "api"),
        ("data", "engine = __import__('engine')", "engine"),
        ("api", "from benchmarks import report", "benchmarks.report"),
        ("api", "import tests.conftest", "tests.conftest"),
        ("engine", "import socket", "socket"),
        ("engine", "from urllib import request", "urllib.request"),
        ("engine", "import http.client", "http.client"),
        ("data", "import sqlite3", "sqlite3"),
        ("data.taxonomy", "from sqlalchemy.orm import Session", "sqlalchemy.orm.Session"),
        ("data", "def fetch():\n    import httpx", "httpx"),
    ],
)
def test_the_check_sees_an_import_that_is_not_allowed(package: str, source: str, found: str) -> None:
    line = 1 + source.count("\n")
    assert offences(source, package) == [f"line {line}: {found}"]


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("engine", "from data.errors import KoppelError"),
        ("engine", "from . import kernels\nfrom .kernels import rank"),
        ("data.standard", "from .. import errors"),
        ("data", "import dataclasses, datetime\nfrom urllib.parse import quote"),
        ("data", "from apiary import hive\nimport engineering, httpretty"),
        ("data", "engine = 'import engine'  # import api"),
        ("api", "import sqlite3, httpx\nfrom engine import rank\nfrom data import dataset"),
    ],
)
def test_the_check_lets_a_proper_import_pass(package: str, source: str) -> None:
    assert offences(source, package) == []


@pytest.mark.parametrize("name", packages())
def test_a_package_lists_its_public_names_which_exist_and_are_documented(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__doc__, f"{name} has no docstring"
    assert hasattr(package, "__all__"), f"{name} does not list its public names"
    listed = list(package.__all__)
    assert len(listed) == len(set(listed)), "a name is listed twice"
    assert sorted(defined(package) - set(listed)) == [], "public, and not in __all__"
    assert [each for each in listed if not documented(package, each)] == [], "without a docstring"


def defined(package: ModuleType) -> set[str]:
    """Give the public functions and classes that a package's `__init__` defines itself."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = {node.name for node in ast.parse(inspect.getsource(package)).body if isinstance(node, kinds)}
    return {name for name in names if not name.startswith("_")}


def documented(package: ModuleType, name: str) -> bool:
    """Tell whether a listed name has a docstring of its own; a constant has it below its assignment.

    Raises ImportError where there is no such name. A package may load it when it is asked for.
    """
    if not hasattr(package, name):
        return bool(importlib.import_module(f"{package.__name__}.{name}").__doc__)
    value = getattr(package, name)
    if inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value):
        text = value.__doc__ or ""
        # A dataclass without a docstring gets its signature for one.
        return bool(text) and not text.startswith(f"{name}(")
    return any(name in explained(source) for source in sources(package))


def sources(package: ModuleType) -> list[ast.Module]:
    """Give the syntax of a package's `__init__` and of the modules that it imports names from."""
    tree = ast.parse(inspect.getsource(package))
    froms = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    own = [importlib.import_module(name) for name in froms if name.split(".")[0] in FLOORS]
    return [tree, *(ast.parse(inspect.getsource(module)) for module in own)]


def explained(tree: ast.Module) -> set[str]:
    """Give the names whose assignment is followed by a string."""
    names = set()
    for node, below in itertools.pairwise(tree.body):
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("'Doc.'", "does not list"),
        ("__all__ = []", "no docstring"),
        ("'Doc.'\n__all__ = []\ndef shown():\n    'Doc.'", "not in __all__"),
        ("'Doc.'\n__all__ = ['shown']\ndef shown(): ...", "without a docstring"),
        ("'Doc.'\n__all__ = ['CONSTANT']\nCONSTANT = 1", "without a docstring"),
        (
            "'Doc.'\nimport dataclasses as d\n__all__ = ['Shown']\n@d.dataclass\nclass Shown:\n    x: int",
            "without a docstring",
        ),
        ("'Doc.'\n__all__ = ['absent']", "No module named"),
    ],
)
def test_the_check_of_public_names_sees_each_fault(
    source: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_made_up_package(source, tmp_path, monkeypatch, fault)


def test_the_check_of_public_names_accepts_what_is_listed_and_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "'Doc.'\n__all__ = ['CONSTANT', 'part', 'shown']\nCONSTANT: int = 1\n'Doc.'\n"
        "def shown():\n    'Doc.'\ndef _hidden(): ..."
    )
    check_made_up_package(source, tmp_path, monkeypatch)


def check_made_up_package(
    source: str, folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str | None = None
) -> None:
    name = folder.name  # another one each test, since an imported module stays
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(source)
    (folder / name / "part.py").write_text("'Doc.'")
    monkeypatch.syspath_prepend(folder)
    with pytest.raises((AssertionError, ImportError), match=fault) if fault else nullcontext():
        test_a_package_lists_its_public_names_which_exist_and_are_documented(name)


def tracked() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a git clone, so what belongs to the project can't be listed")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [path for path in listed.stdout.split("\0") if path]


def test_nothing_stands_at_the_top_but_what_belongs_there() -> None:
    top = {path.split("/")[0] for path in tracked()}
    assert sorted(entry for entry in top - TOP_LEVEL if not entry.startswith(".")) == []


def test_all_that_belongs_at_the_top_stands_there() -> None:
    assert sorted(TOP_LEVEL - {path.split("/")[0] for path in tracked()}) == []
