"""Where a result comes from: digest of the source code, commit, versions of the libraries."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from .specs import FORMAT

PACKAGE = Path(__file__).parent
LIBRARIES = ("numpy", "scipy", "xarray", "netCDF4", "arviz-stats", "pydantic", "matplotlib")
#: What carries a result but does not compute it: a spec shows in its key, the layout of the files
#: and the derivation of the random numbers in ``specs.FORMAT``.
INFRASTRUCTURE = {"specs", "job", "store", "provenance", "progress"}


def _module_file(name: str) -> Path | None:
    """File of a module of the package, named with dots from the package on; None if not ours."""
    base = PACKAGE.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _imports(tree: ast.AST, module: str, is_package: bool) -> set[str]:
    """Modules of the package that a syntax tree imports, named from the package on."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parts = ["quasipotential", *module.split(".")]
                parts = parts[: len(parts) - node.level + is_package]
            else:
                parts = []
            source = ".".join([*parts, *([node.module] if node.module else [])])
            names = [source] + [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, inner = name.partition(".")
            if root == "quasipotential" and inner and _module_file(inner):
                found.add(inner)
    return found


def _without_words(tree: ast.AST) -> str:
    """Source of a syntax tree without comments and docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def source_modules(script: Path, extra: Iterable[str] = ()) -> dict[str, str]:
    """A script and all modules of the package that it needs, each as bare source.

    Parameters
    ----------
    script : Path
    extra : iterable of str
        Modules that the script imports by a name it is given, from the package on, such as
        ``"figures.fig3"``.

    Raises
    ------
    ValueError
        If an extra module does not exist.
    """
    tree = ast.parse(Path(script).read_text(encoding="utf-8"))
    pending = [*_imports(tree, "", False), *extra]
    sources = {"": _without_words(tree)}
    while pending:
        module = pending.pop()
        if module in sources or module.split(".")[0] in INFRASTRUCTURE:
            continue
        path = _module_file(module)
        if path is None:
            raise ValueError(f"quasipotential has no module {module!r}")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        pending.extend(_imports(tree, module, path.name == "__init__.py"))
        sources[module] = _without_words(tree)
    return sources


def source_digest(script: Path, extra: Iterable[str] = ()) -> str:
    """Digest of the code behind a rule: a change of logic changes it, one of wording does not.

    Parameters are those of :func:`source_modules`.
    """
    text = f"# format {FORMAT}\n" + "\n".join(
        f"# {name}\n{code}" for name, code in sorted(source_modules(script, extra).items())
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """Digest of a file's content."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def git_commit() -> str:
    """Commit of the source tree, with ``-dirty`` where it has changes, or ``unknown``."""
    command = ["git", "-C", str(PACKAGE), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


def versions() -> str:
    """Names and versions of those libraries that this process has loaded, in one line."""
    import_module("netCDF4")  # which writes the file afterwards
    modules = {name: sys.modules.get(name.replace("-", "_")) for name in LIBRARIES}
    return ", ".join(f"{name} {module.__version__}" for name, module in modules.items() if module)
