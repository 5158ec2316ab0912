"""What SQLSoup refuses of its arguments."""

from __future__ import annotations

from sqlsoup.exc import ArgumentError, shown


def check(engine_or_metadata: object, session: object, relationships: object) -> None:
    """Refuse arguments of a SQLSoup."""
    if session is None and engine_or_metadata is None:
        raise ArgumentError("invalid engine or metadata argument None")
    if not isinstance(relationships, bool) and not callable(relationships):
        raise ArgumentError(
            f"invalid relationships argument {shown(relationships)}; pass True or a function"
        )


def check_map_to(attrname: object, tablename: object, selectable: object, schema: object) -> None:
    """Refuse arguments of map_to()."""
    if problem := _map_to_problem(attrname, tablename, selectable, schema):
        raise ArgumentError(problem)


def _map_to_problem(
    attrname: object, tablename: object, selectable: object, schema: object
) -> str | None:
    """Tell what is wrong with the arguments of map_to(), in the words of 0.9 where it told."""
    for name, value in (("tablename", tablename), ("schema", schema)):
        if not isinstance(value, str | None):
            return f"'{name}' argument must be a string."
    if tablename is not None and selectable is not None:
        return "'tablename' and 'selectable' arguments are mutually exclusive"
    if tablename is None and schema:
        return "'tablename' argument is required when using 'schema'."
    if tablename is None and selectable is None:
        return "'tablename' or 'selectable' argument is required."
    return None if isinstance(attrname, str) else "'attrname' argument must be a string."
