"""What ``help()``, ``show()`` and ``--describe`` say of tables of the library."""

from __future__ import annotations

HELP = {
    "users": """\
Table users

name   VARCHAR(40)  primary key, not null
email  VARCHAR(60)
admin  INTEGER

Is referred to by:
loans (user_name)
seats (user_name)""",
    "loans": """\
Table loans

book_id    INTEGER      primary key, not null
user_name  VARCHAR(40)
day        DATE

Refers to:
book_id -> books.id
user_name -> users.name""",
    "shelves": """\
Table shelves

id         INTEGER      primary key, not null
title      VARCHAR(20)
parent_id  INTEGER

Refers to:
parent_id -> shelves.id

Is referred to by:
shelves (parent_id)""",
    "book_tags": """\
Table book_tags

book_id  INTEGER      primary key, not null
word     VARCHAR(20)  primary key, not null

Refers to:
book_id -> books.id
word -> tags.word""",
}
