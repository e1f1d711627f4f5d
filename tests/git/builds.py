"""The pack reader in both forms it runs in: compiled, and the same source as plain Python."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import secretguard

COMPILED = (
    "secretguard.git.delta", "secretguard.git.families", "secretguard.git.walk", "secretguard.engine.clean_lines",
    "secretguard.engine.fresh_lines", "secretguard.scan.history_watch",
)  # fmt: skip
READER = (
    *COMPILED, "secretguard.git.entries", "secretguard.git.packs", "secretguard.git.loose", "secretguard.git.store",
    "secretguard.engine.sweep",
)  # fmt: skip
"""What is compiled, and the modules that hold on to functions of it."""
_SOURCE = Path(secretguard.__file__).parent.parent


class _SourceOnly:
    """Finds the .py file where a compiled module lies beside it."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in COMPILED:
            return None
        return importlib.util.spec_from_file_location(name, _SOURCE / f"{name.replace('.', '/')}.py")


def _plain() -> dict[str, ModuleType]:
    """Load the reader a second time, without its compiled modules; who has imported the first keeps it."""
    before = {name: importlib.import_module(name) for name in READER}
    finder: Any = _SourceOnly()
    sys.meta_path.insert(0, finder)
    try:
        for name in READER:
            del sys.modules[name]
        return {name: importlib.import_module(name) for name in READER}
    finally:
        sys.meta_path.remove(finder)
        for name, module in before.items():
            sys.modules[name] = module
            package, _, own = name.rpartition(".")
            setattr(sys.modules[package], own, module)


def _compiled() -> dict[str, ModuleType]:
    modules = {name: importlib.import_module(name) for name in READER}
    missing = [name for name in COMPILED if Path(str(modules[name].__file__)).suffix == ".py"]
    if missing and os.environ.get("CI") != "true":
        pytest.skip("no compiled modules here")
    assert missing == [], "in CI there is a compiler"
    return modules


@pytest.fixture(scope="session", params=["compiled", "plain"])
def reader(request: pytest.FixtureRequest) -> SimpleNamespace:
    """The modules of the pack reader by their last names."""
    modules = _compiled() if request.param == "compiled" else _plain()
    loaded = SimpleNamespace(**{name.rpartition(".")[2]: module for name, module in modules.items()})
    assert loaded.delta.COMPILED is (request.param == "compiled")
    return loaded


def contents(reader: SimpleNamespace, store: Any) -> dict[bytes, tuple[int, bytes]]:
    """Every object as a walk over all parts of a store gives it: raw id -> kind and content."""
    found: dict[bytes, tuple[int, bytes]] = {}
    for number, part in enumerate(store.parts):
        for one in store.objects(number, 0, len(part)):
            kinds = part.entries.kinds if isinstance(part, reader.packs.Pack) else part.kinds
            name, content = part.id_of(one.entry), (kinds[one.entry], bytes(one.data))
            assert found.setdefault(name, content) == content
    return found


def failed(store: Any) -> set[bytes]:
    """The ids of what a walk could not read."""
    return {part.id_of(entry) for part in store.parts for entry in part.failed}
