"""No module imports, directly or through others, a module that imports it. Imports inside functions count."""

import ast
import tempfile
from pathlib import Path
from unittest import TestCase

from django.conf import settings


def modules(root: Path) -> "dict[str, Path]":
    """Every module of the packages in a folder, by its full name."""
    files = (path for package in root.glob("*/__init__.py") for path in package.parent.rglob("*.py"))
    parts = {path: path.relative_to(root).with_suffix("").parts for path in files}
    return {".".join(p[:-1] if p[-1] == "__init__" else p): path for path, p in parts.items()}


def imported(name: str, path: Path) -> "set[str]":
    """Every name that a module's import statements may mean; some of them are no modules."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            found |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return found


def cycle(root: Path) -> "list[str]":
    """The modules of one import cycle, the first one again at the end; empty when there is none."""
    paths = modules(root)
    graph = {name: sorted(imported(name, path) & set(paths) - {name}) for name, path in paths.items()}
    done = set()

    def visit(name, trail):
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (visit(other, [*trail, name]) for other in graph[name])), [])
        done.add(name)
        return found

    return next(filter(None, (visit(name, []) for name in sorted(graph))), [])


class ImportsTest(TestCase):
    def package(self, **sources: str) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        package = Path(folder.name) / "shop"
        package.mkdir()
        for name, source in {"__init__": "", **sources}.items():
            (package / f"{name}.py").write_text(source)
        return Path(folder.name)

    def test_the_application_has_no_import_cycle(self):
        self.assertGreater(len(modules(settings.BASE_DIR)), 20)
        self.assertEqual(cycle(settings.BASE_DIR), [])

    def test_a_cycle_is_found_however_the_import_is_written(self):
        for back in (
            "from shop import tasks",
            "from shop.tasks import send",
            "import shop.tasks",
            "from . import tasks",
            "from .tasks import send",
            "def place():\n    from shop.tasks import send",
        ):
            root = self.package(tasks="from shop import orders", orders="import shop.queue", queue=back)
            with self.subTest(back):
                self.assertEqual(cycle(root), ["shop.orders", "shop.queue", "shop.tasks", "shop.orders"])

    def test_two_ways_to_one_module_are_no_cycle(self):
        root = self.package(
            views="import shop.a, shop.b", a="import shop.models", b="import shop.models", models=""
        )
        self.assertEqual(cycle(root), [])
