"""Record the public names of SQLAlchemy 1.3, by importing all of it: run where that is installed.

    python tests/legacy/record_names.py

What a module imports for its own use is left out, unless it is one of the modules to import from.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import warnings
from pathlib import Path
from types import ModuleType

# What is in C too would be missing where programs found it.
for name in ("cprocessors", "cresultproxy", "cutils"):
    sys.modules[f"sqlalchemy.{name}"] = None

import sqlalchemy  # noqa: E402

NAMESPACES = [
    "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.event", "sqlalchemy.exc",
    "sqlalchemy.ext.declarative", "sqlalchemy.orm", "sqlalchemy.pool", "sqlalchemy.schema",
    "sqlalchemy.sql", "sqlalchemy.sql.expression", "sqlalchemy.types", "sqlalchemy.util",
]  # fmt: skip
"""The modules that have names for programs to import, wherever they are defined; dialects too."""

LEFT_OUT = ("._", ".testing.", ".connectors.", "sqlalchemy.util.")
"""Modules of SQLAlchemy's own use; those within a dialect are too.  sqlalchemy.util is for all."""


def modules():
    """Give the modules that can be imported, but for those that test SQLAlchemy."""
    for found in pkgutil.walk_packages(sqlalchemy.__path__, "sqlalchemy.", lambda _: None):
        name = f"{found.name}."
        of_dialect = name.startswith("sqlalchemy.dialects.") and name.count(".") > 3
        if of_dialect or any(part in name for part in LEFT_OUT):
            continue
        try:
            yield importlib.import_module(found.name)
        except ImportError:  # of a driver
            continue
    yield from (sqlalchemy, sqlalchemy.util)


def names(module):
    """Give the public names of a module, with the attributes that each class has of its own."""
    for name, value in vars(module).items():
        home = getattr(value, "__module__", None)
        is_own = home == module.__name__ if isinstance(home, str) else name.isupper()
        is_there = module.__name__ in NAMESPACES or name in getattr(module, "__all__", ())
        if name.startswith("_") or isinstance(value, ModuleType) or not (is_own or is_there):
            continue
        of_class = vars(value) if is_own and isinstance(value, type) else ()
        yield name, sorted(each for each in of_class if not each.startswith("_"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = {module.__name__: dict(sorted(names(module))) for module in modules()}
    lines = [
        f'"{module}": {json.dumps(found[module], separators=(",", ":"))}'
        for module in sorted(found)
    ]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name(f"names-{sqlalchemy.__version__}.json").write_text(text)
