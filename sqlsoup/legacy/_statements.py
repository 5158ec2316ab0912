"""Statements: select() with a list, text that is not marked, DML with arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import (
    LABEL_STYLE_NONE,
    LABEL_STYLE_TABLENAME_PLUS_COL,
    FromClause,
    Select,
    inspect,
)
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.expression import (
    CompoundSelect,
    Delete,
    Exists,
    GenerativeSelect,
    SelectBase,
    TableClause,
    Update,
)
from sqlalchemy.sql.selectable import Join
from sqlalchemy.util import immutabledict

from sqlsoup.legacy._frames import asking, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

_SUBQUERY = "_sqlsoup_subquery"
_NAME = re.compile(r"\w+\Z")
_VALUE = r"""
    (?P<name> `[^`]*` | (?<![=<>(,])(?<![=<>(,]\s)"(?:[^"]|"")*" | "[^"]*"(?=\s*\.) )
    | (?:\b(?:[ebnx]|u&))?'%s(?:'|\Z)  # a string, if need be to the end
    | "(?:[^"]|"")*(?:"|\Z)  # another one, where no name can be
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?<![\w.:$@])[+-]?\d[\w.]*
    """
_FLAGS = re.IGNORECASE | re.VERBOSE | re.DOTALL
_VALUES = re.compile(_VALUE % "(?:[^']|'')*", _FLAGS)
_VALUES_WITH_BACKSLASHES = re.compile(_VALUE % ".*", _FLAGS)
"""Finds all from the first quote to the last, as a backslash may end a string or continue it."""

_COMPARED = re.compile(
    r"""
    \b(?!(?:not|and|or|where|having)\b)([a-z_]\w*)["`\]]? \s*
    (?:[=<>!]+ | \b(?:not\s+)?(?:i?like|between|in\s*\()) \s* \Z
    """,
    re.IGNORECASE | re.VERBOSE,
)


def bound(value: str) -> str:
    """Return a statement's text as it is written with bound parameters, values left out."""
    names: list[str] = []

    def bind(match: re.Match[str]) -> str:
        if match["name"]:
            return match[0]
        compared = _COMPARED.search(value[: match.start()])
        stem = name = compared[1] if compared else "value"
        while name in names:
            name = f"{stem}_{len(names) + 1}"
        names.append(name)
        return f":{name}"

    values = _VALUES_WITH_BACKSLASHES if "\\" in value else _VALUES
    shown = " ".join(values.sub(bind, value).split())
    quoted = repr(shown) if {'"', "\\"} & set(shown) else f'"{shown}"'
    given = ", ".join(f"{name}=..." for name in names)
    return f"text({quoted})" + (f".bindparams({given})" if names else "")


def textual(value: Any, form: str = "textual") -> Any:
    """Make text of a string, and note it."""
    if not isinstance(value, str):
        return value
    note(
        form,
        instead=f"{bound(value)}; a value pasted into text is a place for SQL injection, bind it",
    )
    return sa.text(value)


def label(value: Any, form: str = "textual") -> Any:
    """Leave the name of a column in ORDER BY or GROUP BY as it is, and make text of the rest."""
    return value if isinstance(value, str) and _NAME.match(value) else textual(value, form)


def listed(value: Any) -> list[Any]:
    """Return what may be one or a list of them as a list; None and False are nothing."""
    if value is None or value is False:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def selectable(value: Any) -> Any:
    """Return the table of a mapped class, which gives columns and not rows of the class."""
    found = inspect(value, raiseerr=False) if not isinstance(value, str | int | float) else None
    return (
        getattr(found, "selectable", value)
        if getattr(found, "is_mapper", False) or getattr(found, "is_aliased_class", False)
        else value
    )


def _column(value: Any) -> Any:
    if isinstance(value, str):
        if _NAME.match(value):
            return sa.column(value)
        note("textual", instead=bound(value))
        return sa.literal_column(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return sa.literal_column(str(value))
    return selectable(value)


_OLD = {
    "columns", "whereclause", "from_obj", "distinct", "having", "correlate", "prefixes",
    "suffixes", "order_by", "group_by", "limit", "offset", "for_update", "use_labels",
    "autocommit", "bind",
}  # fmt: skip
_POSITIONAL = (
    "columns", "whereclause", "from_obj", "distinct", "having", "correlate", "prefixes", "suffixes",
)  # fmt: skip


_CORE = immutabledict({"compile_state_plugin": "default", "plugin_subject": None})
"""Keeps a statement from being one of the ORM, with columns of mapped classes in it."""


@function(sa.select)
def _select(before: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    if not kw and not (args and isinstance(args[0], _SUSPECT) and _is_old(args)):
        return before(*args)
    old = {**dict(zip(_POSITIONAL, args, strict=False)), **kw}
    note("select-arguments" if old.keys() - {"columns"} else "select-list")
    columns = [each for column in old.pop("columns", None) or () for each in _columns(column)]
    statement = before(*columns)
    once = list(dict.fromkeys(statement.inner_columns))
    if len(once) < len(list(statement.inner_columns)):
        statement = before(*once)
    return _with_arguments(_plain(statement), old)


_SUSPECT = (list, tuple, set, Iterator, NoneType, sa.ColumnCollection)


def _is_old(args: tuple[Any, ...]) -> bool:
    """Tell if the arguments by position are not columns one by one."""
    columns = args[0]
    return (
        isinstance(columns, list | tuple | set | Iterator)
        or (columns is None and len(args) == 1)
        or (len(args) > 1 and isinstance(columns, sa.ColumnCollection) and not _is_column(args[1]))
    )


def _is_column(value: Any) -> bool:
    """Tell a column, or several, from a criterion."""
    if isinstance(value, sa.ColumnClause):
        return True
    is_criterion = isinstance(getattr(value, "type", None), sa.Boolean)
    return not (value is None or is_criterion or isinstance(value, str | list))


def _columns(value: Any) -> list[Any]:
    """Return what one item of a list of columns stands for."""
    if isinstance(value, SelectBase):
        note("select-nested")
        wanted = list(value.selected_columns)
        return [value.scalar_subquery()] if len(wanted) == 1 else list(_subquery_of(value).c)
    return [_column(value)]


def _plain(statement: Any) -> Any:
    statement = statement.set_label_style(LABEL_STYLE_NONE)
    statement._propagate_attrs = _CORE
    return statement


def _with_arguments(statement: Any, old: dict[str, Any], name: str = "select") -> Any:
    _refuse(name, old.keys() - _OLD)
    for whereclause in listed(old.get("whereclause")):
        statement = statement.where(textual(whereclause))
    for source in listed(old.get("from_obj")):
        statement = statement.select_from(_source(source))
    if old.get("having") is not None:
        statement = statement.having(textual(old["having"]))
    distinct = listed(old.get("distinct"))
    if distinct:
        statement = statement.distinct(*(each for each in distinct if each is not True))
    if old.get("correlate") is False:
        statement = statement.correlate(None)
    for argument, add in (("prefixes", "prefix_with"), ("suffixes", "suffix_with")):
        if old.get(argument):
            statement = getattr(statement, add)(*listed(old[argument]))
    return _with_order(statement, old)


def _source(value: Any) -> Any:
    """Return what may stand in FROM: text as such, and a select() as the subquery that it is."""
    if isinstance(value, SelectBase):
        note("select-nested")
        return _subquery_of(value)
    return textual(selectable(value))


def _refuse(name: str, unknown: set[str]) -> None:
    if unknown:
        raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")


def _with_order(statement: Any, old: dict[str, Any]) -> Any:
    for name in ("group_by", "order_by"):
        if listed(old.get(name)):
            statement = getattr(statement, name)(*map(label, listed(old[name])))
    for name in ("limit", "offset"):
        if old.get(name) is not None:
            statement = getattr(statement, name)(old[name])
    if old.get("for_update"):
        statement = statement.with_for_update(**lock_arguments(old["for_update"]))
    if old.get("use_labels"):
        statement = statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    if old.get("autocommit"):
        statement = statement.execution_options(autocommit=True)
    return with_bind(statement, **{name: old[name] for name in ("bind",) if name in old})


def lock_arguments(mode: Any) -> dict[str, bool]:
    """Return the arguments of with_for_update() for a lock mode of the time."""
    known = {
        True: {}, "update": {}, "nowait": {"nowait": True}, "update_nowait": {"nowait": True},
        "read": {"read": True}, "read_nowait": {"read": True, "nowait": True},
    }  # fmt: skip
    if mode not in known:
        raise ArgumentError(f"Unknown with_lockmode argument: {mode!r}")
    return known[mode]


def with_bind(element: Any, **given: Any) -> Any:
    """Note the engine of a statement in it, if one was given by ``bind=``."""
    if given:
        note("statement-bind")
    if given.get("bind") is not None:
        vars(element)["bind"] = given["bind"]
    return element


@function(sa.union, sa.union_all, sa.except_, sa.except_all, sa.intersect, sa.intersect_all)
@method(Select, "union", "union_all", "except_", "except_all", "intersect", "intersect_all")
def _compound(before: Callable[..., Any], *selects: Any, **kw: Any) -> Any:
    statement = before(*selects)
    if not kw:
        return statement
    note("select-arguments")
    _refuse("union", kw.keys() - _OLD)
    return _with_order(statement, kw)


@function(sa.case)
def _case(before: Callable[..., Any], *whens: Any, **kw: Any) -> Any:
    if "whens" in kw:
        note("case-list")
        whens = (kw.pop("whens"), *whens)
    first: Any = whens[0] if whens else None
    others = whens[1:]
    if isinstance(first, Iterator) or _is_tuple_of_whens(first):
        first = list(first)
    if not isinstance(first, list) and not (others and isinstance(first, dict)):
        return before(*whens, **kw)
    note("case-list")
    arguments = dict(zip(("value", "else_"), others, strict=False)) | kw
    return before(*([first] if isinstance(first, dict) else first), **arguments)


def _is_tuple_of_whens(first: Any) -> bool:
    return isinstance(first, tuple) and all(isinstance(each, list | tuple) for each in first)


@function(sa.exists)
def _exists(before: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    if not kw and not args[1:] and not (args and isinstance(args[0], list | tuple | str)):
        return before(*args)
    note("exists-list")
    columns = args[0] if args else [sa.literal_column("*")]
    return before(
        _with_arguments(
            _plain(sa.select(*map(_column, listed(columns)))),
            dict(zip(_POSITIONAL, args, strict=False)) | kw,
            "exists",
        )
    )


@method(Exists, "select")
def _select_exists(before: Callable[..., Any], exists: Any, *args: Any, **kw: Any) -> Any:
    old = dict(zip(_OF_SOURCE, args, strict=False)) | kw
    if old:
        note("table-select")
    return _with_arguments(before(exists), old)


@function(sa.text)
def _text(before: Callable[..., Any], text: str, *args: Any, **kw: Any) -> Any:
    element: Any = before(text)
    old = dict(zip(("bind", "bindparams", "typemap", "autocommit"), args, strict=False)) | kw
    if old.keys() - {"bind"}:
        note("text-arguments")
    if old.get("bindparams"):
        element = element.bindparams(*old["bindparams"])
    if old.get("autocommit") is not None:
        element = element.execution_options(autocommit=old["autocommit"])
    if old.get("typemap"):
        element = element.columns(**old["typemap"])
    return with_bind(element, **{name: old[name] for name in ("bind",) if name in old})


@function(sa.and_, sa.or_)
def _conjunction(before: Callable[..., Any], *clauses: Any) -> Any:
    return before(*map(textual, clauses))


@function(sa.not_)
def _negation(before: Callable[..., Any], clause: Any) -> Any:
    return sa.text(f"NOT ({textual(clause)})") if isinstance(clause, str) else before(clause)


@function(sa.desc, sa.asc)
def _ordered(before: Callable[..., Any], column: Any) -> Any:
    return before(label(column))


_DML = {
    "insert": ("values", "inline", "bind", "prefixes"),
    "update": ("whereclause", "values", "inline", "bind", "prefixes"),
    "delete": ("whereclause", "bind", "returning", "prefixes"),
}
"""The arguments of a statement after its table, by position."""


@function(sa.insert)
@method(TableClause, "insert")
def _insert(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "insert", table, args, kw)


@function(sa.update)
@method(TableClause, "update")
def _update(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "update", table, args, kw)


@function(sa.delete)
@method(TableClause, "delete")
def _delete(before: Callable[..., Any], table: Any, *args: Any, **kw: Any) -> Any:
    return _dml(before, "delete", table, args, kw)


def _dml(make: Any, name: str, table: Any, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    statement = make(table)
    old = dict(zip(_DML[name], args, strict=False)) | kw
    if not old:
        return statement
    is_of_table = getattr(make, "__qualname__", "").startswith("TableClause.")
    if old.keys() - {"bind"}:
        note("table-select" if is_of_table else "dml-arguments")
    return _with_values(statement, name, **old)


def _with_values(
    statement: Any, name: str, *, whereclause: Any = None, values: Any = None,
    inline: bool = False, prefixes: Any = None, returning: Any = None,
    return_defaults: Any = False, **options: Any,
) -> Any:  # fmt: skip
    bind = {"bind": options.pop("bind")} if "bind" in options else {}
    _refuse(name, options.keys() & {"preserve_parameter_order"})
    if whereclause is not None:
        statement = statement.where(textual(whereclause))
    if values is not None:
        statement = statement.values(values)
    if inline:
        statement = statement.inline()
    if prefixes:
        statement = statement.prefix_with(*listed(prefixes))
    if returning is not None:
        statement = statement.returning(*listed(returning))
    if return_defaults:
        columns = listed(return_defaults)
        statement = statement.return_defaults(*(each for each in columns if each is not True))
    if options:
        statement = statement.with_dialect_options(**options)
    return with_bind(statement, **bind)


_OF_SOURCE = ("whereclause",)


@method(FromClause, "select")
@method(Join, "select")
def _from_select(before: Callable[..., Any], source: Any, *args: Any, **kw: Any) -> Any:
    old = dict(zip(_OF_SOURCE, args, strict=False)) | kw
    if not old:
        return before(source)
    note("table-select")
    return _with_arguments(before(source).set_label_style(LABEL_STYLE_NONE), old)


@missing(FromClause, "count")
def _count(source: FromClause, whereclause: Any = None, **kw: Any) -> Any:
    note("table-count")
    column = next(iter([*source.primary_key, *source.columns]), None)
    count = sa.func.count() if column is None else sa.func.count(column)
    statement = sa.select(count.label("tbl_row_count")).select_from(source)
    return _with_arguments(statement, {"whereclause": whereclause, **kw}, "count")


@replaced(Select, "where", "having", "filter")
@replaced(Update, "where")
@replaced(Delete, "where")
def _criteria(before: Callable[..., Any]) -> Callable[..., Any]:
    def where(statement: Any, *criteria: Any) -> Any:
        for each in criteria:
            if isinstance(each, str):
                criteria = tuple(map(textual, criteria))
        return before(statement, *criteria)

    return where


@replaced(Select, "order_by", "group_by")
@replaced(CompoundSelect, "order_by", "group_by")
def _labels(before: Callable[..., Any]) -> Callable[..., Any]:
    def order_by(statement: Any, *clauses: Any) -> Any:
        if len(clauses) == 1 and isinstance(clauses[0], list | tuple):
            note("select-arguments")
            clauses = tuple(clauses[0])
        for each in clauses:
            if isinstance(each, str):
                clauses = tuple(map(label, clauses))
        return before(statement, *clauses)

    return order_by


@method(Select, "with_only_columns")
def _only_columns(before: Callable[..., Any], statement: Any, *columns: Any, **kw: Any) -> Any:
    if len(columns) == 1 and isinstance(columns[0], list | tuple):
        note("only-columns-list")
        columns = tuple(each for column in columns[0] for each in _columns(column))
    return before(statement, *columns, **kw)


@method(Select, "select_from")
def _select_from(before: Callable[..., Any], statement: Any, *sources: Any) -> Any:
    return before(statement, *map(_source_of, sources))


def _source_of(value: Any) -> Any:
    return _source(value) if isinstance(value, str | SelectBase) else value


def _appending(name: str) -> Callable[..., None]:
    def append(statement: Any, *args: Any) -> None:
        note("select-append")
        changed = getattr(statement, name)(*args)
        vars(changed).pop(_SUBQUERY, None)
        vars(statement).clear()
        vars(statement).update(vars(changed))

    return append


for _old, _new in {
    "append_whereclause": "where", "append_column": "add_columns", "append_from": "select_from",
    "append_having": "having", "append_correlation": "correlate", "append_prefix": "prefix_with",
}.items():  # fmt: skip
    missing(Select, _old)(_appending(_new))
for _old, _new in {"append_order_by": "order_by", "append_group_by": "group_by"}.items():
    missing(GenerativeSelect, _old)(_appending(_new))


@missing(GenerativeSelect, "apply_labels")
def _apply_labels(statement: Any) -> Any:
    note("select-labels")
    return statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)


@missing(SelectBase, "autocommit")
def _autocommit(statement: Any) -> Any:
    note("autocommit-option", old="autocommit() of a statement")
    return statement.execution_options(autocommit=True)


def _subquery_of(statement: Any) -> Any:
    """Return the subquery that a statement stood for, the same one each time."""
    of, subquery = vars(statement).get(_SUBQUERY, (None, None))
    if of is not statement:  # but what it was made of
        subquery = statement.subquery()
        vars(statement)[_SUBQUERY] = statement, subquery
    return subquery


@plan
def _columns_of_selects() -> None:
    for name in ("c", "columns"):
        native = vars(SelectBase).get(name)
        columns_of = getattr(native, "fget", attrgetter("columns_of_a_subquery"))
        replace(SelectBase, name, property(partial(_columns_of, columns_of)))


def _columns_of(native: Callable[[Any], Any], statement: Any) -> Any:
    if is_ours(asking()):
        return native(statement)
    note("select-columns")
    return _subquery_of(statement).columns


@method(SelectBase, "select")
def _select_subquery(_before: object, statement: Any, *args: Any, **kw: Any) -> Any:
    note("select-columns")
    return _subquery_of(statement).select(*args, **kw)


@missing(SelectBase, "count")
def _count_subquery(statement: Any, *args: Any, **kw: Any) -> Any:
    note("select-columns")
    return _subquery_of(statement).count(*args, **kw)


@method(type(sa.func.x), "__call__")
def _call_function(before: Callable[..., Any], maker: Any, *args: Any, **kw: Any) -> Any:
    bind = {"bind": kw.pop("bind")} if "bind" in kw else {}
    return with_bind(before(maker, *args, **kw), **bind)
