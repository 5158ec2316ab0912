"""The old forms, and what to write instead of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """An old name or calling form."""

    old: str
    """What it is."""

    instead: str
    """What to write on SQLAlchemy 2."""


FORMS = {
    # engines and connections
    "engine-execute": Form(
        "Engine.execute()",
        "db.execute(...) and db.commit(), or engine.begin() and connection.execute(text(...))",
    ),
    "engine-tables": Form(
        "Engine.table_names(), Engine.has_table()",
        "list(db) and 'name' in db, or sqlalchemy.inspect(engine)",
    ),
    "engine-create": Form(
        "Engine.create(), Engine.drop()", "table.create(engine), table.drop(engine)"
    ),
    "engine-connect": Form("contextual_connect()", "engine.connect()"),
    "connection-connect": Form("Connection.connect()", "the connection itself"),
    "run-callable": Form(
        "run_callable(), transaction()", "call the function in `with engine.begin() as connection:`"
    ),
    "autocommit": Form(
        "a statement that commits by itself",
        "connection.commit() after it, or engine.begin() around it",
    ),
    "autocommit-option": Form("autocommit=True of a statement", "commit() after it"),
    "nested-begin": Form(
        "begin() within a transaction of the connection",
        "one begin(); or begin_nested() for a savepoint",
    ),
    "begin-late": Form(
        "begin() of a connection after a statement", "begin() before the first statement"
    ),
    "nested-outside": Form("begin_nested() outside a transaction", "begin()"),
    "in-transaction": Form(
        "in_transaction() of a connection after a statement outside begin()",
        "what the program knows itself: on 2.x it is true after the first statement",
    ),
    "closed-block": Form(
        "work on a connection in a `with` block whose transaction has ended",
        "end the block before, or commit() by the block's end alone",
    ),
    "connection-lost": Form(
        "a statement on a connection that was lost since the one before",
        "connection.rollback() before it",
    ),
    "change-undone": Form(
        "a change on a connection that is closed or dropped without commit()",
        "commit() or rollback() of the connection",
    ),
    "connection-shared": Form(
        "close() where another connection to a database in memory has changed something",
        "one connection for both, or a database in a file",
    ),
    "statement-string": Form("a string as a statement", "text('...'), or db.execute('...')"),
    "statement-params": Form("parameters one by one", "one dict of parameters, or a list of dicts"),
    "engine-argument": Form("an argument of create_engine()", "leave it out"),
    "threadlocal": Form(
        "create_engine(strategy='threadlocal')",
        "a scoped_session, or pass one connection on",
    ),
    "mock-engine": Form("create_engine(strategy='mock')", "create_mock_engine(url, executor)"),
    "engine-listeners": Form(
        "PoolListener, create_engine(listeners=)", "sqlalchemy.event.listen(engine, 'connect', ...)"
    ),
    "engine-proxy": Form(
        "create_engine(proxy=), for a ConnectionProxy",
        "sqlalchemy.event.listen(engine, 'before_cursor_execute', ...) and other events",
    ),
    "url-scheme": Form("a URL of postgres://", "postgresql+psycopg2://"),
    "url-driver": Form(
        "a URL without a driver, which meant another one",
        "name the driver, such as postgresql+psycopg2://",
    ),
    "url-call": Form("URL(...) with some of its arguments", "URL.create(...)"),
    "url-changed": Form("an attribute of a URL that is set", "url = url.set(host=...)"),
    "url-percent": Form("'%s' % url", "f'{url}', or '%s' % (url,)"),
    "url-password": Form(
        "str(url) with the password", "url itself, or url.render_as_string(hide_password=False)"
    ),
    # rows
    "row-name": Form("row['name']", "row.name or row._mapping['name']"),
    "row-keys": Form("dict(row), or keys() of a row", "dict(row._mapping), row._fields"),
    "row-values": Form("values() of a row", "tuple(row)"),
    "row-items": Form("items() of a row", "row._mapping.items()"),
    "row-in": Form("'name' in row", "'name' in row._mapping"),
    "row-tuple": Form("a row of a query as a plain tuple", "tuple(row), list(row)"),
    "result-keys": Form("result.keys()[0]", "list(result.keys())[0]"),
    "key-list": Form(
        "inserted_primary_key as a list", "a tuple: result.inserted_primary_key == (1,)"
    ),
    "result-next": Form("result.next()", "next(result)"),
    # statements
    "select-list": Form("select([...])", "select(...) with columns one by one"),
    "select-arguments": Form(
        "select(..., whereclause, from_obj=, order_by=, ...)",
        "select(...).where(...).select_from(...).order_by(...)",
    ),
    "select-cast": Form(
        "a cast() among the columns of select([...]), with a name of its own",
        "cast(...).label('...'): without, its name is that of the column",
    ),
    "select-append": Form("append_whereclause() and the like", "statement = statement.where(...)"),
    "select-labels": Form("apply_labels()", "set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)"),
    "select-columns": Form("columns of a select()", "statement.subquery().c"),
    "select-nested": Form(
        "a select() in FROM or among the columns of another",
        "statement.subquery(), or statement.scalar_subquery() for one value",
    ),
    "join-alias": Form(
        "alias() of a join",
        "join.select().set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL).subquery()",
    ),
    "table-select": Form(
        "select(), insert(), update() or delete() of a table with arguments",
        "table.select().where(...), table.insert().values(...)",
    ),
    "table-count": Form("count() of a table", "select(func.count()).select_from(table)"),
    "dml-arguments": Form(
        "insert(), update() or delete() with more than the table",
        "update(table).where(...).values(...)",
    ),
    "only-columns-list": Form("with_only_columns([...])", "with_only_columns(...)"),
    "case-list": Form("case([...])", "case((condition, value), ..., else_=...)"),
    "integer-division": Form(
        "a / b of integers, which the database divided", "a // b for an integer"
    ),
    "exists-list": Form("exists([...])", "exists() or exists(select(...))"),
    "text-arguments": Form(
        "text(..., bindparams=, typemap=, ...)", "text(...).bindparams(...).columns(...)"
    ),
    "textual": Form("text that is not marked as such", "text('...')"),
    "statement-execute": Form(
        "execute() of a statement", "db.execute(statement), or connection.execute(statement)"
    ),
    "in-parameters": Form(
        "the text of a statement with in_(), each of whose values had a parameter",
        "statement.compile(engine, compile_kwargs={'render_postcompile': True})",
    ),
    "statement-bind": Form("bind= of a statement", "db.execute(statement)"),
    # MetaData
    "metadata-bind": Form(
        "MetaData(bind)", "MetaData(), and metadata.bind = engine for SQLSoup alone"
    ),
    "metadata-unbound": Form(
        "create_all(), drop_all() or reflect() without an engine", "metadata.create_all(engine)"
    ),
    "table-unbound": Form(
        "create() or drop() without an engine", "table.create(engine), table.drop(engine)"
    ),
    "ddl-condition": Form(
        "tables or checkfirst in a condition of DDL",
        "a function that listens to the event, and executes the DDL itself",
    ),
    "table-exists": Form("Table.exists()", "inspect(engine).has_table(name)"),
    "table-autoload": Form("Table(autoload=True)", "Table(..., autoload_with=engine)"),
    "table-existing": Form("Table(useexisting=True)", "Table(..., extend_existing=True)"),
    "bind-attribute": Form("the bind of a table or statement", "db.bind"),
    "type-unicode": Form("convert_unicode= of a type", "leave it out"),
    # queries
    "query-text": Form("text in a query that is not marked as such", "text('...')"),
    "query-join": Form(
        "join() with names, tuples or several targets",
        "join(A.b) or join(B, condition), once for each",
    ),
    "subclass-criteria": Form(
        "a criterion about a subclass in the table of its parent, in a query of that",
        "filter(A.__table__.c.x == ...); SQLAlchemy 2.1 gives rows of the subclass alone",
    ),
    "loader-name": Form("a loader option with a name", "joinedload(A.b)"),
    "loader-twice": Form("two options that load one attribute in different ways", "the last one"),
    "loader-old": Form(
        "eagerload(), joinedload_all() and the like", "joinedload(A.b).joinedload(B.c)"
    ),
    "query-instances": Form(
        "instances() of a result whose columns have no more than names",
        "query.from_statement(text('...'))",
    ),
    "query-distinct": Form(
        "distinct() of a query that is ordered by what it does not select",
        "query.add_columns(...) with what it is ordered by, or group_by()",
    ),
    "query-iter": Form(
        "__iter__() or from_self() of a query class, by which all rows came",
        "the event do_orm_execute of the session, as with with_loader_criteria()",
    ),
    "populate-existing": Form(
        "populate_existing() while rows are changed, which it put back",
        "query.autoflush(False).populate_existing(); SQLAlchemy 2 would store them first",
    ),
    "flush-first": Form(
        "a row that is loaded again while a new one is not complete",
        "with session.no_autoflush, as SQLAlchemy 2 stores new rows first",
    ),
    "statement-flush": Form(
        "a statement of tables, executed by a session with rows that are not stored",
        "session.flush() before it; or `with session.no_autoflush`, as SQLAlchemy 2.1 stores them",
    ),
    "bulk-change": Form(
        "update() or delete() of a class in its parent's table",
        "filter(A.kind == ...) before, which says whose rows",
    ),
    "query-values": Form("values() or add_column() with a name", "query.with_entities(A.b)"),
    "contains-alias": Form(
        "contains_alias()", "session.query(aliased(A, alias)).from_statement(...)"
    ),
    "eager-alias-name": Form(
        "contains_eager(alias='name')", "contains_eager(A.b.of_type(aliased(B, alias)))"
    ),
    "query-statement": Form(
        "the statement of a query, executed by a session for columns",
        "query.with_entities(...), or rows of the class",
    ),
    "from-self": Form("Query.from_self()", "db.map(query.statement)"),
    "select-entity-from": Form(
        "Query.select_entity_from()", "aliased(entity, subquery) as the entity"
    ),
    "with-lockmode": Form("with_lockmode(mode), refresh(lockmode=)", "with_for_update()"),
    "with-parent-name": Form("with_parent() with a name", "with_parent(instance, A.b)"),
    "query-index": Form("a negative index of a query", "query.all()[-1]"),
    # sessions
    "session-autocommit": Form(
        "autocommit=True of a session",
        "commit() after each change; or `with session.begin():`",
    ),
    "session-argument": Form("an argument of a session that is gone", "leave it out"),
    "session-extension": Form(
        "SessionExtension", "sqlalchemy.event.listen(session, 'before_flush', ...)"
    ),
    "session-subtransactions": Form(
        "begin(subtransactions=True)", "one begin() by the outermost caller, or begin_nested()"
    ),
    "session-string": Form(
        "a string as a statement of a session", "text('...'), or db.execute('...')"
    ),
    "session-mapper": Form(
        "mapper=, clause= or bind= of a session's method", "bind_arguments={'mapper': ...}"
    ),
    "session-unbound": Form(
        "a session that finds its engine by the MetaData", "Session(engine), sessionmaker(engine)"
    ),
    "session-attribute": Form(
        "transaction, autocommit or prune() of a session",
        "get_transaction(), or nothing",
    ),
    "session-method": Form(
        "save(), update(), save_or_update() or clear() of a session",
        "session.add(row), session.expunge_all()",
    ),
    "session-savepoint": Form(
        "commit() or rollback() of a session within begin_nested(), for the savepoint alone",
        "savepoint = session.begin_nested(), and savepoint.commit() or savepoint.rollback()",
    ),
    "session-idle-rollback": Form(
        "rollback() of a session in which nothing has begun, of which after_rollback tells",
        "do there what the listener does",
    ),
    "create-session": Form("create_session()", "Session(engine)"),
    "close-all": Form("Session.close_all()", "sqlalchemy.orm.close_all_sessions()"),
    # mappers
    "mapper": Form("mapper()", "registry().map_imperatively(), or db.map() and db.map_to()"),
    "mapper-argument": Form("an argument of mapper() that is gone", "leave it out"),
    "column-twice": Form(
        "a table with two columns of one name, of which the last is there",
        "leave the first one out",
    ),
    "column-order": Form(
        "a declared class with columns in the order in which they were made, as in a mixin",
        "mapped_column(sort_order=-1) in the mixin, or the order as it is now",
    ),
    "non-primary": Form("mapper(non_primary=True)", "aliased(A, selectable)"),
    "mapper-order-by": Form("order_by= of a mapper", "query.order_by(...)"),
    "mapper-extension": Form(
        "MapperExtension", "sqlalchemy.event.listen(entity, 'before_insert', ...)"
    ),
    "mapper-hook": Form(
        "a hook of a mapper that SQLAlchemy 1.0 gave up",
        "the event 'load', or change the rows after they are loaded",
    ),
    "event-arguments": Form(
        "a listener of bulk changes with four arguments",
        "one argument: update_context, with session and result",
    ),
    "attribute-extension": Form(
        "AttributeExtension", "sqlalchemy.event.listen(A.b, 'set', ..., retval=True)"
    ),
    "mapper-configure": Form(
        "get_property() or iterate_properties of a mapper that is not configured",
        "configure_mappers() before it",
    ),
    "null-kind": Form(
        "a row with NULL for what says of which subclass it is",
        "a value for it, and polymorphic_identity= of the class",
    ),
    "keyed-none": Form(
        "a row without its key in a collection that is a dict, at None",
        "set the key before the relationship",
    ),
    "relation-secondary": Form(
        "secondary= with an expression in text", "secondary=lambda: join(B, C, B.id == C.b_id)"
    ),
    "relation": Form("relation()", "relationship(), or db.users.relate(...)"),
    "relation-arguments": Form(
        "relationship() with arguments by position, or gone",
        "arguments by name",
    ),
    "property-argument": Form("an argument of a property that is gone", "leave it out"),
    "backref-cascade": Form("a row that came into the session along a backref", "session.add(row)"),
    "viewonly": Form(
        "a change of a relationship with viewonly=True, or of its reverse",
        "a change of the other, then session.flush() and session.expire(row)",
    ),
    "entity-name": Form("entity_name= of a mapper", "leave it out, or map a second class"),
    "class-mapper": Form("class_mapper() or object_mapper() with old arguments", "inspect(cls)"),
    "scoped-mapper": Form("ScopedSession.mapper()", "db.map(table)"),
    "value": Form(
        "a value of a column as SQLAlchemy 1.3 gave it",
        "what comes without sqlsoup.legacy, or set the type by a listener to 'column_reflect'",
    ),
    # names
    "import-all": Form("import * over a name of the program", "import what is used, name by name"),
    "name": Form("a name that is gone", "its new name"),
    "import-sqlsoup": Form("sqlalchemy.ext.sqlsoup", "import sqlsoup"),
}
"""What can be noted, by identifier."""
