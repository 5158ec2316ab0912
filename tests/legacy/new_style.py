"""Operations of the new style, and what each costs under sqlsoup.legacy beside without it.

    new_style.py [--rounds N] [OPERATION...]       times, taken in turns by two processes
    new_style.py --instructions [OPERATION...]     instructions, counted by valgrind

The ratios are printed, the highest first.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import orm

from sqlsoup import legacy

ROWS = 100
CALLS = 20


class Base(orm.DeclarativeBase):
    """The base of the models."""


class User(Base):
    """A parent."""

    __tablename__ = "users"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(30))
    age = sa.Column(sa.Integer)
    books = orm.relationship("Book", back_populates="user")


class Book(Base):
    """A child."""

    __tablename__ = "books"
    id = sa.Column(sa.Integer, primary_key=True)
    title = sa.Column(sa.String(30))
    user_id = sa.Column(sa.ForeignKey("users.id"))
    user = orm.relationship(User, back_populates="books")


U, B = User.__table__, Book.__table__


class Work:
    """The operations, each a method; what they use is made before."""

    def __init__(self) -> None:
        self.engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Base.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(sa.insert(U), [{"name": f"n{i}", "age": i} for i in range(ROWS)])
            connection.execute(
                sa.insert(B), [{"title": f"t{i}", "user_id": i // 5 + 1} for i in range(ROWS)]
            )
        self.connection = self.engine.connect()
        self.connection.begin()
        self.session = orm.Session(self.engine)
        self.select = sa.select(U.c.id, U.c.name, U.c.age)
        self.one = sa.select(U.c.id, U.c.name).where(U.c.id == sa.bindparam("i"))
        self.users = sa.select(User)
        self.rows = self.connection.execute(self.select).fetchall()
        self.orm_rows = self.session.execute(sa.select(User.id, User.name, User.age)).all()
        self.text = sa.text("SELECT id, name FROM users WHERE id = :i")
        self.temp = sa.Table(
            "temp_users", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("name", sa.String)
        )
        self.temp.create(self.connection)

    def close(self) -> None:
        """Close what is open."""
        self.session.close()
        self.connection.close()
        self.engine.dispose()

    # rows

    def row_index(self) -> None:
        for row in self.rows:
            row[0], row[1]

    def row_index_of_orm(self) -> None:
        for row in self.orm_rows:
            row[0], row[1]

    def row_attribute(self) -> None:
        for row in self.rows:
            row.id, row.name  # noqa: B018

    def row_unpacked(self) -> None:
        for _a, _b, _c in self.rows:
            pass

    def row_mapping(self) -> None:
        for row in self.rows:
            row._mapping["name"]

    def row_tuple(self) -> None:
        for row in self.rows:
            tuple(row), len(row)

    def row_asdict(self) -> None:
        for row in self.rows:
            row._asdict()

    def row_in(self) -> None:
        for row in self.orm_rows:
            "n1" in row  # noqa: B015

    def row_compared(self) -> None:
        for row in self.rows:
            row == (1, 2, 3)  # noqa: B015

    def fetchall(self) -> None:
        self.connection.execute(self.select).fetchall()

    def fetchall_index(self) -> None:
        for row in self.connection.execute(self.select).fetchall():
            row[0], row[1]

    def iterate_attribute(self) -> None:
        for row in self.connection.execute(self.select):
            row.id  # noqa: B018

    def mappings(self) -> None:
        self.connection.execute(self.select).mappings().all()

    def mappings_of_names(self) -> None:
        for row in self.connection.execute(self.select).mappings():
            row["name"]

    def scalars(self) -> None:
        self.connection.execute(self.select).scalars().all()

    def keys(self) -> None:
        list(self.connection.execute(self.one, {"i": 1}).keys())

    # Core

    def execute_one(self) -> None:
        self.connection.execute(self.one, {"i": 1}).first()

    def execute_scalar(self) -> None:
        self.connection.scalar(self.one, {"i": 1})

    def execute_text(self) -> None:
        self.connection.execute(self.text, {"i": 1}).first()

    def execute_text_made(self) -> None:
        self.connection.execute(sa.text("SELECT 1")).scalar()

    def execute_driver_sql(self) -> None:
        self.connection.exec_driver_sql("SELECT 1").scalar()

    def execute_built(self) -> None:
        self.connection.execute(sa.select(U.c.name).where(U.c.id == 3)).first()

    def insert_many(self) -> None:
        self.connection.execute(sa.insert(self.temp), [{"id": 1, "name": "a"}] * 100)
        self.connection.execute(sa.delete(self.temp))

    def insert_one(self) -> None:
        self.connection.execute(sa.insert(B), {"id": 1000, "title": "a"})
        self.connection.execute(sa.delete(B).where(B.c.id == 1000))

    def insert_key(self) -> None:
        key = self.connection.execute(sa.insert(B), {"title": "a"}).inserted_primary_key[0]
        self.connection.execute(sa.delete(B).where(B.c.id == key))

    def engine_connect(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(self.one, {"i": 1}).first()

    def engine_connect_text(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(self.text, {"i": 1}).first()

    def engine_connect_commit(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(sa.update(U).values(age=3).where(U.c.id == 1))
            connection.commit()

    def engine_begin(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.one, {"i": 1}).first()

    def connection_begin(self) -> None:
        with self.engine.connect() as connection, connection.begin():
            connection.execute(self.one, {"i": 1}).first()

    def savepoint(self) -> None:
        with self.connection.begin_nested():
            pass

    # statements

    def build_select(self) -> None:
        sa.select(U.c.id, U.c.name).where(U.c.id == 3, U.c.name != "a").order_by(U.c.name)

    def build_function(self) -> None:
        sa.select(sa.func.count(U.c.id), sa.func.max(U.c.age)).group_by(U.c.name).limit(3)

    def build_operators(self) -> None:
        sa.and_(U.c.id > 3, sa.or_(U.c.name.like("a%"), U.c.name.in_(["a", "b"]), ~(U.c.age < 3)))

    def build_arithmetic(self) -> None:
        U.c.age + 3 * U.c.id - 4

    def build_division(self) -> None:
        U.c.age / 2.5

    def build_division_of_integers(self) -> None:
        U.c.age / 2

    def build_concatenation(self) -> None:
        sa.desc(U.c.name + "a"), U.c.name.desc()

    def build_join(self) -> None:
        sa.select(U.c.name, B.c.title).join(B, U.c.id == B.c.user_id).where(B.c.title == "a")

    def build_join_from(self) -> None:
        sa.select(U.c.name).select_from(U.join(B)).where(B.c.title == "a").distinct()

    def build_subquery(self) -> None:
        inner = sa.select(B.c.user_id).where(B.c.title == "a").subquery("s")
        sa.select(U).where(U.c.id == inner.c.user_id)

    def build_exists(self) -> None:
        sa.select(U.c.id).where(sa.exists().where(B.c.user_id == U.c.id))

    def build_exists_of_select(self) -> None:
        sa.select(U.c.id).where(sa.select(B.c.id).where(B.c.user_id == U.c.id).exists())

    def build_union(self) -> None:
        sa.union_all(sa.select(U.c.id), sa.select(B.c.id)).order_by("id").limit(3)

    def build_case(self) -> None:
        sa.case((U.c.age > 3, "old"), (U.c.age > 2, "middle"), else_="young")

    def build_cast(self) -> None:
        sa.cast(U.c.age, sa.String(3)).label("age"), sa.literal(3), sa.type_coerce(3, sa.Integer)

    def build_insert(self) -> None:
        sa.insert(U).values(name="a", age=3)

    def build_insert_of_table(self) -> None:
        U.insert().values(name="a", age=3).returning(U.c.id)

    def build_update(self) -> None:
        sa.update(U).where(U.c.id == 3).values(name="a")

    def build_delete(self) -> None:
        sa.delete(U).where(U.c.id == 3)

    def build_alias(self) -> None:
        a = U.alias("a")
        sa.select(a.c.id).where(a.c.name == U.c.name)

    def build_text(self) -> None:
        sa.text("SELECT id FROM users WHERE id = :i").bindparams(i=3)

    def build_orm_select(self) -> None:
        sa.select(User).where(User.id == 3).order_by(User.name)

    def build_orm_join(self) -> None:
        sa.select(User).join(User.books).where(Book.title == "a")

    def build_orm_options(self) -> None:
        sa.select(User).options(orm.selectinload(User.books), orm.load_only(User.name))

    def build_filter_by(self) -> None:
        sa.select(User).filter_by(name="a").limit(3)

    def build_aliased(self) -> None:
        a = orm.aliased(User)
        sa.select(a).where(a.name == "a")

    def compile(self) -> None:
        self.select.where(U.c.id == 3).compile(self.engine)

    def string(self) -> None:
        str(self.select)

    def table(self) -> None:
        sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer, primary_key=True))

    def types(self) -> None:
        sa.String(30), sa.Integer(), sa.Unicode(length=3), sa.Numeric(3, 2)

    def types_of_module(self) -> None:
        sa.types.String, sa.types.Integer, sa.orm.Session, sa.exc.SQLAlchemyError  # noqa: B018

    # ORM

    def get(self) -> None:
        self.session.get(User, 3)

    def get_loaded(self) -> None:
        self.session.expunge_all()
        self.session.get(User, 3)

    def scalars_all(self) -> None:
        self.session.scalars(self.users).all()

    def scalars_built(self) -> None:
        self.session.scalars(sa.select(User).where(User.id == 3)).one()

    def session_execute(self) -> None:
        self.session.execute(self.one, {"i": 1}).first()

    def session_execute_text(self) -> None:
        self.session.execute(self.text, {"i": 1}).first()

    def session_scalar(self) -> None:
        self.session.scalar(self.one, {"i": 1})

    def query_all(self) -> None:
        self.session.query(User).filter(User.age > 3).order_by(User.name).all()

    def query_first(self) -> None:
        self.session.query(User).filter_by(name="n3").first()

    def query_columns(self) -> None:
        for a, b in self.session.query(User.id, User.name):
            a, b  # noqa: B018

    def lazy(self) -> None:
        self.session.expire_all()
        _ = self.session.get(User, 3).books

    def selectin(self) -> None:
        self.session.expunge_all()
        self.session.scalars(self.users.options(orm.selectinload(User.books))).all()

    def joined(self) -> None:
        self.session.expunge_all()
        self.session.scalars(self.users.options(orm.joinedload(User.books))).unique().all()

    def session_new(self) -> None:
        with orm.Session(self.engine) as session:
            session.get(User, 3)

    def session_maker(self) -> None:
        with orm.sessionmaker(self.engine)() as session:
            session.scalar(self.one, {"i": 1})

    def session_commit(self) -> None:
        self.session.add(User(id=5000, name="a"))
        self.session.commit()
        self.session.execute(sa.delete(U).where(U.c.id == 5000))
        self.session.commit()

    def session_commit_insert(self) -> None:
        with orm.Session(self.engine) as session:
            session.add(User(name="a"))
            session.commit()

    def session_commit_core(self) -> None:
        self.session.execute(sa.update(U).values(age=3).where(U.c.id == 1))
        self.session.commit()

    def session_commit_alone(self) -> None:
        self.session.commit()

    def session_rollback(self) -> None:
        self.session.execute(self.one, {"i": 1})
        self.session.rollback()

    def session_begin(self) -> None:
        with orm.Session(self.engine) as session, session.begin():
            session.add(User(name="a"))

    def session_begin_nested(self) -> None:
        with self.session.begin_nested():
            pass

    def maker_begin(self) -> None:
        with orm.sessionmaker(self.engine).begin() as session:
            session.scalar(self.one, {"i": 1})

    def flush_hundred(self) -> None:
        self.session.add_all([User(name="a") for _ in range(100)])
        self.session.flush()
        self.session.rollback()

    def flush_changes(self) -> None:
        for user in self.session.scalars(self.users.limit(50)):
            user.age = user.age + 1
        self.session.flush()
        self.session.rollback()

    def orm_insert_many(self) -> None:
        self.session.execute(sa.insert(User), [{"name": "a"}] * 100)
        self.session.rollback()

    def orm_update(self) -> None:
        self.session.execute(sa.update(User).where(User.id == 3).values(age=5))

    def orm_update_evaluated(self) -> None:
        self.session.get(User, 3)
        self.session.execute(sa.update(User).where(User.age == 3).values(age=3))

    def orm_delete(self) -> None:
        self.session.execute(sa.delete(User).where(User.id == 50000))

    def merge(self) -> None:
        self.session.merge(User(id=3, name="n3"))

    def refresh(self) -> None:
        self.session.refresh(self.session.get(User, 3))

    def is_modified(self) -> None:
        self.session.is_modified(self.session.get(User, 3))

    def session_states(self) -> None:
        self.session.is_active, self.session.in_transaction(), self.session.connection()

    # what is made once

    def create_engine(self) -> None:
        sa.create_engine("sqlite://").dispose()

    def make_url(self) -> None:
        sa.make_url("postgresql+psycopg2://a:b@host/name?x=1").render_as_string()

    def reflect(self) -> None:
        sa.MetaData().reflect(self.connection)

    def reflect_table(self) -> None:
        sa.Table("users", sa.MetaData(), autoload_with=self.connection)

    def inspect(self) -> None:
        inspector = sa.inspect(self.connection)
        inspector.get_table_names(), inspector.get_columns("users")

    def create_all(self) -> None:
        metadata = sa.MetaData()
        sa.Table("x", metadata, sa.Column("a", sa.Integer, primary_key=True))
        metadata.create_all(self.connection)
        metadata.drop_all(self.connection)

    def declare(self) -> None:
        class Own(orm.DeclarativeBase):
            pass

        class Thing(Own):
            __tablename__ = "thing"
            id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
            name: orm.Mapped[str]

        orm.configure_mappers()
        Own.registry.dispose()


OPERATIONS = [name for name, each in vars(Work).items() if callable(each) and name[0] != "_"]
OPERATIONS.remove("close")


def work(*, is_enabled: bool) -> Work:
    """Return the operations, with the module in force or not."""
    if is_enabled:
        legacy.enable()
    return Work()


def times(operation, count):
    """Return the time of one call, in nanoseconds."""
    gc.collect()
    gc.disable()
    begin = time.perf_counter_ns()
    for _ in range(count):
        operation()
    taken = time.perf_counter_ns() - begin
    gc.enable()
    return taken / count


def serve(is_enabled):
    """Answer lines with an operation and a count by the time of one call."""
    done = work(is_enabled=is_enabled)
    gc.freeze()
    for line in sys.stdin:
        name, count = line.split()
        print(times(getattr(done, name), int(count)), flush=True)


def count(is_enabled, names):
    """Call operations, for valgrind to count: each between two calls of os.getpgrp()."""
    done = work(is_enabled=is_enabled)
    for name in names:
        operation = getattr(done, name)
        for _ in range(30):
            operation()
        gc.collect()
        gc.disable()
        os.getpgrp()
        for _ in range(CALLS):
            operation()
        os.getpgrp()
        gc.enable()
    os._exit(0)


def in_turns(names, rounds):
    """Return ratio and time without the module of each operation."""
    sides = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for side in ("off", "on")
    ]

    def ask(process, name, number):
        process.stdin.write(f"{name} {number}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    found = {}
    for name in names:
        once = max(ask(side, name, 50) for side in sides)
        number = max(5, int(4e6 / once))
        pairs = []
        for i in range(rounds):
            taken = [ask(side, name, number) for side in (sides if i % 2 else sides[::-1])]
            pairs.append(taken if i % 2 else taken[::-1])
        found[name] = statistics.median(on / off for off, on in pairs), min(off for off, _ in pairs)
    for side in sides:
        side.stdin.close()
        side.wait()
    return found


def by_instructions(names):
    """Return ratio and instructions without the module of each operation."""
    off, on = (instructions(names, side) for side in ("off", "on"))
    return {name: (on[name] / off[name], off[name]) for name in names}


def instructions(names, side):
    """Return the instructions of a call of each operation."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--dump-before=os_getpgrp"]
        command += [f"--callgrind-out-file={folder}/out", sys.executable, __file__]
        command += ["--count", side, *names]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, capture_output=True, check=True, env=environment)
        parts = [Path(folder, f"out.{2 * i + 2}").read_text() for i in range(len(names))]
    totals = [int(part.rpartition("totals: ")[2]) for part in parts]
    return {name: total / CALLS for name, total in zip(names, totals, strict=True)}


def main():
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--count", help=argparse.SUPPRESS)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("operations", nargs="*", default=OPERATIONS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve == "on")
    elif options.count:
        count(options.count == "on", options.operations)
    else:
        names = options.operations
        found = by_instructions(names) if options.instructions else in_turns(names, options.rounds)
        for name in sorted(found, key=found.get, reverse=True):
            ratio, without = found[name]
            print(f"{ratio:6.3f}  {without / 1000:9.1f}  {name}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
