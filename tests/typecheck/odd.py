"""Tables and columns of a database, for editors and type checkers.

Written by "sqlsoup URL --types odd.py"; write it again rather than change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any as Any_

import sqlsoup as sqlsoup_

if TYPE_CHECKING:
    import builtins as builtins_
    import datetime as datetime_
    import decimal as decimal_
    from typing import Literal, TypedDict, overload
    from typing import Unpack as Unpack_

    from sqlalchemy.orm import InstrumentedAttribute
    from sqlalchemy.orm import Mapped as Mapped_
    from sqlalchemy.orm import Query as Query_
    from sqlsoup import typed as typed_

    class TableType(typed_.RowType):
        def insert(self, /, **values: Unpack_[TableValues]) -> Table: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[TableValues]) -> Query_[Table]: ...

    class Table(typed_.Row, metaclass=TableType):
        """A row of %."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[TableValues]) -> None: ...

    class Table2019SalesType(typed_.RowType):
        def insert(self, /, **values: Unpack_[Table2019SalesValues]) -> Table2019Sales: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[Table2019SalesValues]) -> Query_[Table2019Sales]: ...

    class Table2019Sales(typed_.Row, metaclass=Table2019SalesType):
        """A row of 2019 sales."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[Table2019SalesValues]) -> None: ...

    class GrößeType(typed_.RowType):
        def insert(self, /, **values: Unpack_[GrößeValues]) -> Größe: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[GrößeValues]) -> Query_[Größe]: ...

    class Größe(typed_.Row, metaclass=GrößeType):
        """A row of größe."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[GrößeValues]) -> None: ...

    class HidingType(typed_.RowType):
        @property
        def values(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def count(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def first(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def filter(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def filter_by(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def insert(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def session(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def columns(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def statement(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

        @property
        def mro(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

    class Hiding(typed_.Row, metaclass=HidingType):
        """A row of hiding."""

        id: Mapped_[builtins_.int]
        c: Mapped_[builtins_.int]  # type: ignore[assignment,misc]
        cls: Mapped_[builtins_.int]
        self: Mapped_[builtins_.int]
        values: Mapped_[builtins_.int]
        count: Mapped_[builtins_.int]
        first: Mapped_[builtins_.int]
        filter: Mapped_[builtins_.int]
        filter_by: Mapped_[builtins_.int]
        insert: Mapped_[builtins_.int]
        session: Mapped_[builtins_.int]
        columns: Mapped_[builtins_.int]
        statement: Mapped_[builtins_.int]
        mro: Mapped_[builtins_.int]
        items: Mapped_[builtins_.int]
        keys: Mapped_[builtins_.int]
        date: Mapped_[builtins_.int]
        datetime: Mapped_[builtins_.int]
        decimal: Mapped_[builtins_.int]
        int: Mapped_[builtins_.int]
        str: Mapped_[builtins_.int]
        list: Mapped_[builtins_.int]
        type: Mapped_[builtins_.int]
        bytes: Mapped_[builtins_.int]
        Any: Mapped_[builtins_.int]
        Mapped: Mapped_[builtins_.int]
        typed: Mapped_[builtins_.int]
        builtins: Mapped_[builtins_.int]
        Query: Mapped_[builtins_.int]
        Unpack: Mapped_[builtins_.int]
        day: Mapped_[datetime_.date]
        price: Mapped_[decimal_.Decimal]
        text: Mapped_[builtins_.str]
        other_id: Mapped_[builtins_.int | None]
        # getattr(row, "__odd"): int | None
        other: Mapped_[Hiding | None]
        hiding: Mapped_[builtins_.list[Hiding]]

        def __init__(self, /, **values: Unpack_[HidingValues]) -> None: ...

    class ItSXType(typed_.RowType):
        def insert(self, /, **values: Unpack_[ItSXValues]) -> ItSX: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[ItSXValues]) -> Query_[ItSX]: ...

    class ItSX(typed_.Row, metaclass=ItSXType):
        """A row of it\\'s \"x\" \\\\."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[ItSXValues]) -> None: ...

    class TableNoneType(typed_.RowType):
        def insert(self, /, **values: Unpack_[TableNoneValues]) -> TableNone: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[TableNoneValues]) -> Query_[TableNone]: ...

    class TableNone(typed_.Row, metaclass=TableNoneType):
        """A row of none."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[TableNoneValues]) -> None: ...

    class Odd_Type(typed_.RowType):
        def insert(self, /, **values: Unpack_[Odd_Values]) -> Odd_: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[Odd_Values]) -> Query_[Odd_]: ...

    class Odd_(typed_.Row, metaclass=Odd_Type):
        """A row of odd."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[Odd_Values]) -> None: ...

    class PlainType(typed_.RowType):
        def insert(self, /, **values: Unpack_[PlainValues]) -> Plain: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[PlainValues]) -> Query_[Plain]: ...

    class Plain(typed_.Row, metaclass=PlainType):
        """A row of plain."""

        id: Mapped_[int]
        text: Mapped_[str | None]
        list_id: Mapped_[int | None]
        list: Mapped_[Type | None]

        def __init__(self, /, **values: Unpack_[PlainValues]) -> None: ...

    class PlainValues_Type(typed_.RowType):
        def insert(self, /, **values: Unpack_[PlainValues_Values]) -> PlainValues_: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[PlainValues_Values]) -> Query_[PlainValues_]: ...

    class PlainValues_(typed_.Row, metaclass=PlainValues_Type):
        """A row of plain values."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[PlainValues_Values]) -> None: ...

    class PlainValues__Type(typed_.RowType):
        def insert(self, /, **values: Unpack_[PlainValues__Values]) -> PlainValues__: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[PlainValues__Values]) -> Query_[PlainValues__]: ...

    class PlainValues__(typed_.Row, metaclass=PlainValues__Type):
        """A row of plain_values."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[PlainValues__Values]) -> None: ...

    class SessionType(typed_.RowType):
        def insert(self, /, **values: Unpack_[SessionValues]) -> Session: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[SessionValues]) -> Query_[Session]: ...

    class Session(typed_.Row, metaclass=SessionType):
        """A row of session."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[SessionValues]) -> None: ...

    class SqlsoupType(typed_.RowType):
        def insert(self, /, **values: Unpack_[SqlsoupValues]) -> Sqlsoup: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[SqlsoupValues]) -> Query_[Sqlsoup]: ...

    class Sqlsoup(typed_.Row, metaclass=SqlsoupType):
        """A row of sqlsoup."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[SqlsoupValues]) -> None: ...

    class TypeType(typed_.RowType):
        def insert(self, /, **values: Unpack_[TypeValues]) -> Type: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[TypeValues]) -> Query_[Type]: ...

    class Type(typed_.Row, metaclass=TypeType):
        """A row of type."""

        id: Mapped_[int]
        plain: Mapped_[list[Plain]]

        def __init__(self, /, **values: Unpack_[TypeValues]) -> None: ...

    class FileType(typed_.RowType):
        def insert(self, /, **values: Unpack_[FileValues]) -> File: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack_[FileValues]) -> Query_[File]: ...

    class File(typed_.Row, metaclass=FileType):
        """A row of ﬁle."""

        id: Mapped_[int]

        def __init__(self, /, **values: Unpack_[FileValues]) -> None: ...

    class TableValues(TypedDict, total=False):
        id: typed_.Value[int]

    class Table2019SalesValues(TypedDict, total=False):
        id: typed_.Value[int]

    class GrößeValues(TypedDict, total=False):
        id: typed_.Value[int]

    HidingValues = TypedDict(
        "HidingValues",
        {
            "id": typed_.Value[int],
            "c": typed_.Value[int],
            "cls": typed_.Value[int],
            "self": typed_.Value[int],
            "values": typed_.Value[int],
            "count": typed_.Value[int],
            "first": typed_.Value[int],
            "filter": typed_.Value[int],
            "filter_by": typed_.Value[int],
            "insert": typed_.Value[int],
            "session": typed_.Value[int],
            "columns": typed_.Value[int],
            "statement": typed_.Value[int],
            "mro": typed_.Value[int],
            "items": typed_.Value[int],
            "keys": typed_.Value[int],
            "date": typed_.Value[int],
            "datetime": typed_.Value[int],
            "decimal": typed_.Value[int],
            "int": typed_.Value[int],
            "str": typed_.Value[int],
            "list": typed_.Value[int],
            "type": typed_.Value[int],
            "bytes": typed_.Value[int],
            "Any": typed_.Value[int],
            "Mapped": typed_.Value[int],
            "typed": typed_.Value[int],
            "builtins": typed_.Value[int],
            "Query": typed_.Value[int],
            "Unpack": typed_.Value[int],
            "day": typed_.Value[datetime_.date],
            "price": typed_.Value[decimal_.Decimal],
            "text": typed_.Value[str],
            "other_id": typed_.Value[int | None],
            "__odd": typed_.Value[int | None],
            "other": Hiding | None,
            "hiding": list[Hiding],
        },
        total=False,
    )

    class ItSXValues(TypedDict, total=False):
        id: typed_.Value[int]

    class TableNoneValues(TypedDict, total=False):
        id: typed_.Value[int]

    class Odd_Values(TypedDict, total=False):
        id: typed_.Value[int]

    class PlainValues(TypedDict, total=False):
        id: typed_.Value[int]
        text: typed_.Value[str | None]
        list_id: typed_.Value[int | None]
        list: Type | None

    class PlainValues_Values(TypedDict, total=False):
        id: typed_.Value[int]

    class PlainValues__Values(TypedDict, total=False):
        id: typed_.Value[int]

    class SessionValues(TypedDict, total=False):
        id: typed_.Value[int]

    class SqlsoupValues(TypedDict, total=False):
        id: typed_.Value[int]

    class TypeValues(TypedDict, total=False):
        id: typed_.Value[int]
        plain: list[Plain]

    class FileValues(TypedDict, total=False):
        id: typed_.Value[int]

    class Odd(typed_.Soup):
        """The tables of a database."""

        größe: builtins_.type[Größe]
        hiding: builtins_.type[Hiding]
        none: builtins_.type[TableNone]
        odd: builtins_.type[Odd_]
        plain: builtins_.type[Plain]
        plain_values: builtins_.type[PlainValues__]
        sqlsoup: builtins_.type[Sqlsoup]
        type: builtins_.type[Type]

        @overload
        def __getitem__(self, name: Literal["%"]) -> builtins_.type[Table]: ...

        @overload
        def __getitem__(self, name: Literal["2019 sales"]) -> builtins_.type[Table2019Sales]: ...

        @overload
        def __getitem__(self, name: Literal["größe"]) -> builtins_.type[Größe]: ...

        @overload
        def __getitem__(self, name: Literal["hiding"]) -> builtins_.type[Hiding]: ...

        @overload
        def __getitem__(self, name: Literal['it\'s "x" \\']) -> builtins_.type[ItSX]: ...

        @overload
        def __getitem__(self, name: Literal["none"]) -> builtins_.type[TableNone]: ...

        @overload
        def __getitem__(self, name: Literal["odd"]) -> builtins_.type[Odd_]: ...

        @overload
        def __getitem__(self, name: Literal["plain"]) -> builtins_.type[Plain]: ...

        @overload
        def __getitem__(self, name: Literal["plain values"]) -> builtins_.type[PlainValues_]: ...

        @overload
        def __getitem__(self, name: Literal["plain_values"]) -> builtins_.type[PlainValues__]: ...

        @overload
        def __getitem__(self, name: Literal["session"]) -> builtins_.type[Session]: ...

        @overload
        def __getitem__(self, name: Literal["sqlsoup"]) -> builtins_.type[Sqlsoup]: ...

        @overload
        def __getitem__(self, name: Literal["type"]) -> builtins_.type[Type]: ...

        @overload
        def __getitem__(self, name: Literal["ﬁle"]) -> builtins_.type[File]: ...
        @overload
        def __getitem__(self, name: str) -> sqlsoup_.SelectableClassType: ...
        def __getitem__(self, name: str) -> Any_: ...

else:
    Table = TableValues = Any_
    Table2019Sales = Table2019SalesValues = Any_
    Größe = GrößeValues = Any_
    Hiding = HidingValues = Any_
    ItSX = ItSXValues = Any_
    TableNone = TableNoneValues = Any_
    Odd_ = Odd_Values = Any_
    Plain = PlainValues = Any_
    PlainValues_ = PlainValues_Values = Any_
    PlainValues__ = PlainValues__Values = Any_
    Session = SessionValues = Any_
    Sqlsoup = SqlsoupValues = Any_
    Type = TypeValues = Any_
    File = FileValues = Any_

    class Odd(sqlsoup_.SQLSoup):
        """The tables of a database, reflected when they are first used."""

        def __init__(self, *args: Any_, **options: Any_) -> None:
            defaults = {"relationships": True}
            super().__init__(*args, **{**defaults, **options})
