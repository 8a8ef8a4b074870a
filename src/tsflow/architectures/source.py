"""The source that decides what a training gives, as a hash: a family's own module, the training code, and what both import.

Read off the files without running them (`ast`). Comments and docstrings do not count, and neither does a family that nobody
imports: a new file, or a comment anywhere, trains nobody anew.
"""

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tsflow.storage.codecs import digest

_DECIDES = (
    "tsflow.architectures.",
    "tsflow.features.",
    "tsflow.training.",
    "tsflow.windows.",
    "tsflow.bundle.calendar",
    "tsflow.stations.deriving",  # a model computes what its station does not measure
    "tsflow.stations.formulas",
    "tsflow.stations.quantities",
    "tsflow.stations.units",
)
_TRAINER = "tsflow.training.fit"  # fits any family


@cache
def source_digest(family: type) -> str:
    """Return the hash of all source that decides what trainings of a family give."""
    modules = sorted(_reached([family.__module__, _TRAINER]))
    return digest("".join(f"{module}\n{_code(module)}\n" for module in modules).encode())


def _reached(modules: list[str]) -> set[str]:
    """Return some modules, and all that they import of what decides a training, directly or not."""
    seen: set[str] = set()
    while modules:
        module = modules.pop()
        if module not in seen:
            seen.add(module)
            modules += _imports(module)
    return seen


@cache
def _path(module: str) -> Path | None:
    """Return a module's file; None for what is no module, such as a class that is imported from one."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    return ast.parse(path.read_text(encoding="utf-8")) if path else ast.Module(body=[], type_ignores=[])


@cache
def _imports(module: str) -> set[str]:
    """Return what a module imports of all that decides, also inside functions, but not for the type checker alone."""
    found: set[str] = set()
    pending: list[ast.AST] = [_tree(module)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        pending += ast.iter_child_nodes(node)
    return {name for name in found if name.startswith(_DECIDES) and _path(name) is not None}


@cache
def _code(module: str) -> str:
    """Return a module's code in one form, whatever its layout; without docstrings."""
    tree = _tree(module)  # changed below: nobody else asks it for more than imports
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
