"""Tables and columns of a database, for editors and type checkers.

Written by "sqlsoup URL --types shop.py"; write it again rather than change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlsoup

if TYPE_CHECKING:
    import datetime
    import decimal
    from typing import Literal, TypedDict, Unpack, overload

    from sqlalchemy.orm import InstrumentedAttribute, Mapped, Query
    from sqlsoup import typed

    class BookTagsType(typed.RowType):
        def insert(self, /, **values: Unpack[BookTagsValues]) -> BookTags: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[BookTagsValues]) -> Query[BookTags]: ...

    class BookTags(typed.Row, metaclass=BookTagsType):
        """A row of book_tags."""

        book_id: Mapped[int]
        word: Mapped[str]
        book: Mapped[Books]
        tags: Mapped[Tags]

        def __init__(self, /, **values: Unpack[BookTagsValues]) -> None: ...

    class BooksType(typed.RowType):
        def insert(self, /, **values: Unpack[BooksValues]) -> Books: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[BooksValues]) -> Query[Books]: ...

    class Books(typed.Row, metaclass=BooksType):
        """A row of books."""

        id: Mapped[int]
        title: Mapped[str]
        year: Mapped[int | None]
        price: Mapped[decimal.Decimal | None]
        added: Mapped[datetime.datetime | None]
        loans: Mapped[Loans | None]
        # getattr(row, "order items"): list[OrderItems]
        tags: Mapped[list[Tags]]

        def __init__(self, /, **values: Unpack[BooksValues]) -> None: ...

    class LoansType(typed.RowType):
        def insert(self, /, **values: Unpack[LoansValues]) -> Loans: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[LoansValues]) -> Query[Loans]: ...

    class Loans(typed.Row, metaclass=LoansType):
        """A row of loans."""

        book_id: Mapped[int]
        user_name: Mapped[str | None]
        due: Mapped[datetime.date]
        book: Mapped[Books]
        user: Mapped[Users | None]

        def __init__(self, /, **values: Unpack[LoansValues]) -> None: ...

    class OrderItemsType(typed.RowType):
        def insert(self, /, **values: Unpack[OrderItemsValues]) -> OrderItems: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[OrderItemsValues]) -> Query[OrderItems]: ...

        @property
        def count(self) -> InstrumentedAttribute[int]: ...  # type: ignore[override,unused-ignore]

    class OrderItems(typed.Row, metaclass=OrderItemsType):
        """A row of order items."""

        id: Mapped[int]
        # getattr(row, "item no."): int
        # getattr(row, "class"): str | None
        count: Mapped[int]
        book_id: Mapped[int]
        book: Mapped[Books]

        def __init__(self, /, **values: Unpack[OrderItemsValues]) -> None: ...

    class ReportType(typed.RowType):
        def insert(self, /, **values: Unpack[ReportValues]) -> Report: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[ReportValues]) -> Query[Report]: ...

    class Report(typed.Row, metaclass=ReportType):
        """A row of report."""

        year: Mapped[int | None]
        price: Mapped[decimal.Decimal | None]

        def __init__(self, /, **values: Unpack[ReportValues]) -> None: ...

    class TagsType(typed.RowType):
        def insert(self, /, **values: Unpack[TagsValues]) -> Tags: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[TagsValues]) -> Query[Tags]: ...

    class Tags(typed.Row, metaclass=TagsType):
        """A row of tags."""

        word: Mapped[str]
        books: Mapped[list[Books]]

        def __init__(self, /, **values: Unpack[TagsValues]) -> None: ...

    class UsersType(typed.RowType):
        def insert(self, /, **values: Unpack[UsersValues]) -> Users: ...  # type: ignore[override]
        def filter_by(self, /, **values: Unpack[UsersValues]) -> Query[Users]: ...

    class Users(typed.Row, metaclass=UsersType):
        """A row of users."""

        name: Mapped[str]
        email: Mapped[str | None]
        admin: Mapped[int]
        loans: Mapped[list[Loans]]

        def __init__(self, /, **values: Unpack[UsersValues]) -> None: ...

    class BookTagsValues(TypedDict, total=False):
        book_id: typed.Value[int]
        word: typed.Value[str]
        book: Books
        tags: Tags

    BooksValues = TypedDict(
        "BooksValues",
        {
            "id": typed.Value[int],
            "title": typed.Value[str],
            "year": typed.Value[int | None],
            "price": typed.Value[decimal.Decimal | None],
            "added": typed.Value[datetime.datetime | None],
            "loans": Loans | None,
            "order items": list[OrderItems],
            "tags": list[Tags],
        },
        total=False,
    )

    class LoansValues(TypedDict, total=False):
        book_id: typed.Value[int]
        user_name: typed.Value[str | None]
        due: typed.Value[datetime.date]
        book: Books
        user: Users | None

    OrderItemsValues = TypedDict(
        "OrderItemsValues",
        {
            "id": typed.Value[int],
            "item no.": typed.Value[int],
            "class": typed.Value[str | None],
            "count": typed.Value[int],
            "book_id": typed.Value[int],
            "book": Books,
        },
        total=False,
    )

    class ReportValues(TypedDict, total=False):
        year: typed.Value[int | None]
        price: typed.Value[decimal.Decimal | None]

    class TagsValues(TypedDict, total=False):
        word: typed.Value[str]
        books: list[Books]

    class UsersValues(TypedDict, total=False):
        name: typed.Value[str]
        email: typed.Value[str | None]
        admin: typed.Value[int]
        loans: list[Loans]

    class Shop(typed.Soup):
        """The tables of a database."""

        # visits cannot be mapped
        book_tags: type[BookTags]
        books: type[Books]
        loans: type[Loans]
        report: type[Report]
        tags: type[Tags]
        users: type[Users]

        @overload
        def __getitem__(self, name: Literal["book_tags"]) -> type[BookTags]: ...

        @overload
        def __getitem__(self, name: Literal["books"]) -> type[Books]: ...

        @overload
        def __getitem__(self, name: Literal["loans"]) -> type[Loans]: ...

        @overload
        def __getitem__(self, name: Literal["order items"]) -> type[OrderItems]: ...

        @overload
        def __getitem__(self, name: Literal["report"]) -> type[Report]: ...

        @overload
        def __getitem__(self, name: Literal["tags"]) -> type[Tags]: ...

        @overload
        def __getitem__(self, name: Literal["users"]) -> type[Users]: ...
        @overload
        def __getitem__(self, name: str) -> sqlsoup.SelectableClassType: ...
        def __getitem__(self, name: str) -> Any: ...

else:
    BookTags = BookTagsValues = Any
    Books = BooksValues = Any
    Loans = LoansValues = Any
    OrderItems = OrderItemsValues = Any
    Report = ReportValues = Any
    Tags = TagsValues = Any
    Users = UsersValues = Any

    class Shop(sqlsoup.SQLSoup):
        """The tables of a database, reflected when they are first used."""

        def __init__(self, *args: Any, **options: Any) -> None:
            defaults = {"relationships": True}
            defaults["primary_keys"] = {
                "report": ["year"],
            }
            super().__init__(*args, **{**defaults, **options})
