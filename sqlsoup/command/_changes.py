"""Whether a database was changed, and the changes were neither committed nor rolled back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from sqlsoup.command._database import session_of

if TYPE_CHECKING:
    import sqlsoup

_DEFINES = re.compile(
    r"create|drop|alter|rename|truncate|comment|grant|revoke|analyze|vacuum|reindex", re.IGNORECASE
)
_CHANGES = re.compile(r"insert|update|delete|replace|merge|copy|call|do|load|with", re.IGNORECASE)
_FIRST = re.compile(r"(?:\s|--.*\n|/\*(?s:.*?)\*/)*(\w*)")


class Changes:
    """What there is to lose when the session of a database ends."""

    def __init__(self, db: sqlsoup.SQLSoup) -> None:
        self._db = db
        self._sent = False
        event.listen(db.engine, "after_cursor_execute", self._executed)
        event.listen(db.engine, "commit", self._ended)
        event.listen(db.engine, "rollback", self._ended)

    def __bool__(self) -> bool:
        session = session_of(self._db)
        return (
            self._sent
            or bool(session.new or session.deleted)
            or any(map(session.is_modified, session.dirty))
        )

    def _executed(self, _connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        found = _FIRST.match(statement)
        word = found[1] if found else ""
        backend = self._db.engine.dialect.name
        if _CHANGES.fullmatch(word):
            reads = word.lower() == "with" and cursor.description is not None
            self._sent = self._sent or (not reads and cursor.rowcount != 0)
        elif _DEFINES.fullmatch(word) and backend != "sqlite":  # there it begins no transaction
            self._sent = backend == "postgresql"  # elsewhere it commits

    def _ended(self, _connection: Any) -> None:
        self._sent = False
