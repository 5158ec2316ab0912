"""The text of a module for editors and type checkers."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from keyword import iskeyword
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from sqlalchemy.orm import Query

from sqlsoup import TableClassType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

HEAD = '"""Tables and columns of a database, for editors and type checkers.\n'
"""What a module begins with."""

_BUILTINS = {"bool", "bytes", "float", "int", "list", "str", "type"}
_IMPORTS = {
    **dict.fromkeys(("builtins", "datetime", "decimal", "sqlsoup", "uuid"), ""),
    **dict.fromkeys(("Any", "Literal", "TypedDict", "Unpack", "overload"), "typing"),
    **dict.fromkeys(("InstrumentedAttribute", "Mapped", "Query"), "sqlalchemy.orm"),
    "typed": "sqlsoup",
}
"""Where names are imported from; "" stands for a module."""

_OF_CLASSES = {*dir(TableClassType), *dir(Query), "columns", "session"}
"""Names that a class has from its type; type checkers take them before its columns."""


class Member(NamedTuple):
    """A column or relationship."""

    name: str
    type: str
    column: bool = True

    @property
    def value(self) -> str:
        """The type of what ``insert()`` takes for it."""
        return f"typed.Value[{self.type}]" if self.column else self.type


class Row(NamedTuple):
    """A table, and the class of its rows."""

    table: str
    name: str
    attribute: bool
    """Whether the table is an attribute of the database."""
    members: list[Member]


class Database(NamedTuple):
    """What a module tells."""

    name: str
    schema: str | None
    relationships: bool
    primary_keys: dict[str, list[str]]
    rows: list[Row]
    left_out: list[str]
    """Tables that cannot be mapped."""


def is_name(name: str) -> bool:
    """Tell if a name, as it is, may be that of an attribute in the body of a class."""
    return (
        name.isidentifier()
        and not iskeyword(name)
        and not name.startswith("__")
        and normalize("NFKC", name) == name
    )


def camel(name: str) -> str:
    """Return the name of a class for that of a table or module."""
    letters = (letter if f"a{letter}".isidentifier() else " " for letter in normalize("NFKC", name))
    parts = "".join(letters).replace("_", " ").split()
    found = normalize("NFKC", "".join(part[0].upper() + part[1:] for part in parts))
    return found if is_name(found) else normalize("NFKC", f"Table{found}")


def class_names(tables: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Choose names of classes by those of tables, each used once."""
    used, found = {*taken, *_IMPORTS, "TypeAlias", "TYPE_CHECKING"}, {}
    for table in tables:
        name = camel(table)
        while used & {name, f"{name}Type", f"{name}Values"}:
            name += "_"
        used |= {name, f"{name}Type", f"{name}Values"}
        found[table] = name
    return found


def source(database: Database, file: str) -> str:
    """Return the text of the module."""
    rows = database.rows
    spell = _Spelling({row.table for row in rows} | {m.name for row in rows for m in row.members})
    typed = [
        *(line for row in rows for line in (*_metaclass(row, spell), "", *_class(row, spell), "")),
        *(line for row in rows for line in (*_values(row, spell), "")),
        *_soup(database, spell),
    ]
    lines = [
        f'{HEAD}\nWritten by "sqlsoup URL --types {file}"; write it again rather than change it.',
        '"""\n\nfrom __future__ import annotations\n',
        *spell.imported_from("typing", "Any", above=["TYPE_CHECKING"]),
        f"\nimport {spell.imported('sqlsoup')}",
        "\nif TYPE_CHECKING:",
        *_indented([*spell.imports(), "", *typed]),
        "\nelse:",
        *_indented(_at_run_time(database, spell)),
    ]
    return "\n".join(lines) + "\n"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in lines)


class _Spelling:
    """How to write the names that the module uses, where tables and columns may have the same.

    A name in the body of a class hides that of the module: after ``date: Mapped[date]`` there is
    no type ``date``.
    """

    def __init__(self, members: Collection[str]) -> None:
        self._members = members
        self._used = {"Any", "sqlsoup"}

    def __call__(self, expression: str, within: Collection[str] = ()) -> str:
        """Return an expression as it must be written in a class that has some names itself."""
        return re.sub(r"(?<![\w.])[^\W\d]\w*", partial(self._one, within), expression)

    def _one(self, within: Collection[str], found: re.Match[str]) -> str:
        name = found[0]
        if name in _BUILTINS and name in within:
            return f"{self._imported('builtins')}.{name}"
        return self._imported(name) if name in _IMPORTS else name

    def _imported(self, name: str) -> str:
        self._used.add(name)
        while name in self._members:
            name += "_"
        return name

    def imports(self) -> list[str]:
        """Return the statements that import what is used beside Any and sqlsoup."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name in sorted(self._used - {"Any", "sqlsoup"}):
            found[_IMPORTS[name]].append(name)
        modules = [f"import {self.imported(name)}" for name in found.pop("", ())]
        typing = self.imported_from("typing", *found.pop("typing", ()))
        others = [
            line for where in sorted(found) for line in self.imported_from(where, *found[where])
        ]
        return [*modules, *typing, "", *others]

    def imported_from(self, module: str, *names: str, above: Iterable[str] = ()) -> list[str]:
        """Return the statements that import names, those under another name one by one."""
        plain = [*above, *(name for name in names if self._imported(name) == name)]
        lines = [f"from {module} import {', '.join(plain)}"] if plain else []
        others = (self.imported(name) for name in names if name not in plain)
        return [*lines, *(f"from {module} import {name}" for name in others)]

    def imported(self, name: str) -> str:
        """Return what is to be imported for a name."""
        own = self._imported(name)
        return name if own == name else f"{name} as {own}"


def _metaclass(row: Row, spell: _Spelling) -> Iterator[str]:
    """Yield the type of the class of a row, which has what is of one table alone."""
    names = {member.name for member in row.members}
    values = f"(self, /, **values: {spell('Unpack')}[{row.name}Values])"
    yield f"class {row.name}Type({spell('typed')}.RowType):"
    body = []
    if "insert" not in names:
        body.append(f"def insert{values} -> {row.name}: ...  # type: ignore[override]")
    if "filter_by" not in names:
        body.append(f"def filter_by{values} -> {spell('Query')}[{row.name}]: ...")
    for member in row.members:
        if member.name in _OF_CLASSES and is_name(member.name):
            attribute = spell(f"InstrumentedAttribute[{member.type}]")
            head = f"def {member.name}(self) -> {attribute}: ..."
            body += [*[""] * bool(body), "@property"]
            body.append(f"{head}  # type: ignore[override,unused-ignore]")
    yield from _indented(body)


def _class(row: Row, spell: _Spelling) -> Iterator[str]:
    """Yield the class of a row."""
    names = {member.name for member in row.members}
    yield f"class {row.name}({spell('typed')}.Row, metaclass={row.name}Type):"
    yield f'    """A row of {_described(row.table)}."""'
    yield ""
    for member in row.members:
        if is_name(member.name):
            hides = "  # type: ignore[assignment,misc]" if member.name == "c" else ""
            yield f"    {member.name}: {spell(f'Mapped[{member.type}]', names)}{hides}"
        else:
            yield f"    # getattr(row, {_quoted(member.name)}): {member.type}"
    yield ""
    yield f"    def __init__(self, /, **values: {spell('Unpack')}[{row.name}Values]) -> None: ..."


def _values(row: Row, spell: _Spelling) -> Iterator[str]:
    """Yield the type of what ``insert()`` takes."""
    typed_dict, name = spell("TypedDict"), f"{row.name}Values"
    if all(is_name(member.name) for member in row.members):
        names = {member.name for member in row.members}
        yield f"class {name}({typed_dict}, total=False):"
        yield from (f"    {m.name}: {spell(m.value, names)}" for m in row.members)
    else:
        yield f"{name} = {typed_dict}("
        yield f'    "{name}",'
        yield "    {"
        yield from (f"        {_quoted(m.name)}: {spell(m.value)}," for m in row.members)
        yield "    },"
        yield "    total=False,"
        yield ")"


def _soup(database: Database, spell: _Spelling) -> Iterator[str]:
    """Yield the class that is used in place of SQLSoup, as type checkers see it."""
    names = {row.table for row in database.rows}
    overload = spell("overload")
    yield f"class {database.name}({spell('typed')}.Soup):"
    yield '    """The tables of a database."""'
    yield ""
    yield from (f"    # {_described(table)} cannot be mapped" for table in database.left_out)
    for row in database.rows:
        if row.attribute:
            yield f"    {row.table}: {spell('type', names)}[{row.name}]"
    for row in database.rows:
        wanted = f"{spell('Literal')}[{_quoted(row.table)}]"
        found = f"{spell('type', names)}[{row.name}]"
        yield ""
        yield f"    @{overload}"
        yield f"    def __getitem__(self, name: {wanted}) -> {found}: ..."
    if database.rows:
        yield f"    @{overload}"
        yield (
            f"    def __getitem__(self, name: {spell('str', names)}) "
            f"-> {spell('sqlsoup')}.SelectableClassType: ..."
        )
        yield f"    def __getitem__(self, name: {spell('str', names)}) -> {spell('Any')}: ..."


def _at_run_time(database: Database, spell: _Spelling) -> Iterator[str]:
    """Yield what the module is at run time: a SQLSoup with options, and names for annotations."""
    anything = spell("Any")
    yield from (f"{row.name} = {row.name}Values = {anything}" for row in database.rows)
    yield ""
    yield f"class {database.name}({spell('sqlsoup')}.SQLSoup):"
    yield '    """The tables of a database, reflected when they are first used."""'
    yield ""
    yield f"    def __init__(self, *args: {anything}, **options: {anything}) -> None:"
    yield f'        defaults = {{"relationships": {database.relationships}}}'
    if database.primary_keys:
        yield '        defaults["primary_keys"] = {'
        for table, key in database.primary_keys.items():
            yield f"            {_quoted(table)}: [{', '.join(map(_quoted, key))}],"
        yield "        }"
    yield "        super().__init__(*args, **{**defaults, **options})"
    if database.schema:
        yield f"        self.schema = {_quoted(database.schema)}"


def _quoted(text: str) -> str:
    shown = repr(text)
    return shown if '"' in text else f'"{shown[1:-1]}"'


def _described(table: str) -> str:
    """Return the name of a table for a docstring."""
    return _quoted(table)[1:-1].replace("\\", r"\\").replace('"', r"\"")
