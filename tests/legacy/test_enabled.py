"""Old forms come into force and go again, and leave SQLAlchemy as it was."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import FunctionType, ModuleType

import pytest
import sqlalchemy
import sqlalchemy.orm
from sqlalchemy import Engine, column, event, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Query, Session, close_all_sessions, sessionmaker

import sqlsoup
from sqlsoup import legacy
from sqlsoup.legacy import _all, _connections, _mappers, _notes, _patch


@pytest.fixture(autouse=True)
def _fresh(make_engine):  # whose engines are disposed of after the sessions are closed
    """No notes from before, and nothing in force afterwards."""
    _notes.clear()
    yield
    close_all_sessions()
    legacy.disable()
    _notes.clear()


def modules():
    """Return the modules of SQLAlchemy that are imported, by name."""
    return {
        name: module
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] == "sqlalchemy"
    }


def functions_in(value):
    """Return the functions in what a class or module has."""
    names = ("__func__", "fget", "fset", "fdel", "__wrapped__")
    found = [value, *(getattr(value, name, None) for name in names)]
    return [each for each in found if isinstance(each, FunctionType)]


def snapshot():
    """Return all that SQLAlchemy's modules, classes and functions have, by where it is."""
    taken = {"sys.modules": modules()}
    for name, module in modules().items():
        taken[name] = {**vars(module), "its class": type(module), "its names": list(vars(module))}
        owners = [module]
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__.partition(".")[0] == "sqlalchemy":
                where = f"{value.__module__}.{value.__qualname__}"
                taken[where] = {**vars(value), "its names": list(vars(value))}
                owners.append(value)
        for owner in owners:
            for value in list(vars(owner).values()):
                for function in functions_in(value):
                    taken[id(function)] = {
                        "itself": function,
                        "code": function.__code__,
                        "defaults": function.__defaults__,
                        "keyword defaults": function.__kwdefaults__,
                        "its names": list(vars(function)),
                    }
    return taken


def differences(before, after):
    """Return where two snapshots are not of the very same things."""
    found = [str(where) for where in before.keys() ^ after.keys()]
    for where in before.keys() & after.keys():
        old, new = before[where], after[where]
        found += [
            f"{where} {name}"
            for name in old.keys() | new.keys()
            if old.get(name) is not new.get(name)
            and not (name == "its names" and old[name] == new[name])
        ]
    return found


def is_in_force(engine):
    """Tell if old forms work: a name that is gone, a function and a method."""
    found = {hasattr(engine, "table_names")}
    for use in (
        lambda: select([column("x")]),
        lambda: select(column("x")).where("x = 1"),
        lambda: sqlalchemy.orm.relation,
    ):
        try:
            use()
        except (ArgumentError, AttributeError):
            found.add(False)
        else:
            found.add(True)
    (answer,) = found
    return answer


def test_disabling_restores(lite):
    """Afterwards each module, class and function of SQLAlchemy is what it was, to the letter."""
    legacy.enable(warnings=False)  # all modules are imported, and what is made when first used
    assert is_in_force(lite)
    legacy.disable()
    before = snapshot()
    assert len(before) > 5000
    assert not is_in_force(lite)
    for _ in range(2):
        legacy.enable(warnings=False)
        patched = _patch.applied()
        assert len(patched) > 250
        assert len(differences(before, snapshot())) > 250
        assert is_in_force(lite)
        legacy.disable()
        assert differences(before, snapshot()) == []
        assert _patch.applied() == []
        assert not is_in_force(lite)


def test_each_attribute_is_restored():
    """What was patched has the value, or lacks the name, as before."""
    with legacy.enabled(warnings=False):
        patched = _patch.applied()
    before = [_patch._get(owner, name) for owner, name in patched]
    with legacy.enabled(warnings=False):
        assert _patch.applied() == patched
        now = [_patch._get(owner, name) for owner, name in patched]
        # A default that is None stays None.
        assert {
            name for (_, name), old, new in zip(patched, before, now, strict=True) if old is new
        } <= {"__defaults__", "__kwdefaults__", "__hash__"}
    after = [_patch._get(owner, name) for owner, name in patched]
    assert all(old is new for old, new in zip(before, after, strict=True))


def test_names_that_a_program_has_imported(lite):
    """Names that were imported, and what was made before, take old forms, and then no more."""
    maker = sessionmaker(lite)
    query = Session(lite).query(sqlsoup.SQLSoup(lite).users)
    connection = lite.connect()
    started, go, found = threading.Event(), threading.Event(), []

    def work():
        started.set()
        go.wait()
        found.append([row["name"] for row in lite.execute("SELECT name FROM users")])

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    with legacy.enabled(warnings=False):
        go.set()
        thread.join()
        assert found == [["Ada", "Bo", "Cy"]]
        assert str(select([text("1")], limit=1)).startswith("SELECT 1")
        with maker(autocommit=True) as session:
            assert session.execute("SELECT 1").scalar() == 1
        assert query.filter("name = 'Ada'").one().name == "Ada"
        assert connection.execute("SELECT ?", 2).scalar() == 2
    connection.close()
    query.session.close()
    with pytest.raises(ArgumentError):
        select([text("1")])
    with pytest.raises((ArgumentError, TypeError)):
        maker(autocommit=True)
    with pytest.raises(ArgumentError):
        query.filter("name = 'Ada'")
    assert not hasattr(lite, "execute")


def test_again_and_within(lite):
    """A second ``enable()`` and an inner block change nothing; neither does a needless disable."""
    legacy.disable()
    with legacy.enabled(warnings=False):
        patched = _patch.applied()
        legacy.enable(warnings=False)
        with legacy.enabled():
            assert _patch.applied() == patched
        assert is_in_force(lite)
        assert not _notes.warning
    assert not is_in_force(lite)
    legacy.disable()
    legacy.enable(warnings=False)
    with legacy.enabled():
        pass
    assert is_in_force(lite)
    legacy.disable()
    assert not is_in_force(lite)


def test_block_that_fails(lite):
    """An exception that leaves a block passes, and the old forms are out of force."""
    with pytest.raises(KeyError, match="'x'"), legacy.enabled(warnings=False):
        raise KeyError("x")
    assert not is_in_force(lite)


def test_by_many_threads_at_once():
    """Threads that enable and disable at once do so one after the other."""
    legacy.enable(warnings=False)
    count = len(_patch.applied())
    legacy.disable()
    together = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (together.wait(), legacy.enable())) for _ in "8" * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_patch.applied()) == count
    legacy.disable()
    assert _patch.applied() == []


@pytest.mark.parametrize("where", ["a patch", "an event"])
def test_failure_while_enabling(monkeypatch, lite, where):
    """What goes wrong in the midst of enabling is raised, and leaves nothing patched."""
    with legacy.enabled(warnings=False):
        pass
    before = snapshot()

    def fail(*args, **kw):
        raise MemoryError(where)

    with monkeypatch.context() as patch:
        if where == "a patch":
            patch.setattr(_patch, "_plans", [*_patch._plans, fail])
        else:
            patch.setattr(_all, "_LISTENERS", (*_all._LISTENERS, (Query, "none", fail, {})))
        with pytest.raises((MemoryError, sqlalchemy.exc.InvalidRequestError)):
            legacy.enable()
        assert _patch.applied() == []
        assert differences(before, snapshot()) == []
        assert not is_in_force(lite)
        assert not event.contains(Query, "before_compile", _mappers.keep_order)
    with legacy.enabled(warnings=False):
        assert is_in_force(lite)
        assert event.contains(Query, "before_compile", _mappers.keep_order)
    assert differences(before, snapshot()) == []


def test_patched_by_the_program_before(monkeypatch, lite):
    """What the program had patched before is used, and is there again afterwards."""
    called = []

    def commit(session, *, of=Session.commit):
        called.append(session)
        of(session)

    def where(statement, *criteria, of=sqlalchemy.Select.where):
        called.append(criteria)
        return of(statement, *criteria)

    monkeypatch.setattr(Session, "commit", commit)
    monkeypatch.setattr(sqlalchemy.Select, "where", where)
    monkeypatch.setattr(Engine, "execute", "the program's", raising=False)
    with legacy.enabled(warnings=False), Session(lite) as session:
        session.commit()
        assert "x = 1" in str(select(column("x")).where("x = 1"))
        assert Engine.execute == "the program's"
    assert called[0] is session
    assert isinstance(called[1][0], sqlalchemy.TextClause)
    assert Session.commit is commit
    assert sqlalchemy.Select.where is where


FUNCTION = """
import sqlalchemy
from sqlalchemy import select as imported
def patched():
    original, calls = sqlalchemy.select, []
    def select(*columns, **more):
        calls.append(columns)
        return original(*columns, **more)
    return select, calls
sqlalchemy.select, calls = {replacement}
own = sqlalchemy.select
from sqlsoup import legacy
with legacy.enabled(warnings=False):
    column = sqlalchemy.column("x")
    print(str(sqlalchemy.select([column])), str(imported([column])), len(calls))
assert sqlalchemy.select is own
sqlalchemy.select(column)
try:
    sqlalchemy.select([column])
except sqlalchemy.exc.ArgumentError:
    print(len(calls))
"""


@pytest.mark.parametrize(
    ("replacement", "calls"),
    [("patched()", "13"), ("(__import__('functools').partial(sqlalchemy.select), [])", "00")],
)
def test_function_replaced_by_the_program_before(replacement, calls):
    """A function that the program has put in place of SQLAlchemy's stays, and gets old forms."""
    program = FUNCTION.format(replacement=replacement)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == f"SELECT x SELECT x {calls[0]}\n{calls[1]}\n"


def test_function_replaced_everywhere(monkeypatch):
    """A function of which the program has left no other is taken for SQLAlchemy's."""

    def own(*args):
        return args

    home = sys.modules[sqlalchemy.select.__module__]
    for name, module in modules().items():
        if vars(module).get("select") is sqlalchemy.select and module is not sqlalchemy:
            monkeypatch.setitem(vars(module), "select", own)
            assert name
    monkeypatch.setattr(home, "select", own)
    monkeypatch.setattr(sqlalchemy, "select", own)
    assert _patch._original(own) is own


def test_patched_by_the_program_meanwhile(monkeypatch, lite):
    """What the program patches while the old forms are in force stays, and is named."""
    with legacy.enabled(warnings=False):
        pass
    monkeypatch.setattr(Session, "commit", original := Session.commit)  # put back in the end
    before = snapshot()

    def commit(session):
        """Do nothing."""

    legacy.enable(warnings=False)
    Session.commit = commit
    del Engine.table_names
    del sys.modules["sqlalchemy.exceptions"]
    with pytest.warns(sqlsoup.SQLSoupWarning) as caught:
        legacy.disable()
    assert sorted(str(warning.message) for warning in caught) == [
        f"{name} was patched by the program while sqlsoup.legacy was enabled, and stays so"
        for name in ("Engine.table_names", "Session.commit", "sys.modules['sqlalchemy.exceptions']")
    ]
    assert {warning.filename for warning in caught} == {__file__}
    assert Session.commit is commit
    Session.commit = original
    assert differences(before, snapshot()) == []


def test_patched_twice(monkeypatch):
    """An attribute that is patched twice is named once if it stays, and restored otherwise."""

    class Owner:
        value = 1

    def plans():
        return [
            lambda: _patch.replace(Owner, "value", 2),
            lambda: _patch.replace(Owner, "value", 3),
        ]

    monkeypatch.setattr(_patch, "_plans", plans())
    _patch.apply()
    assert Owner.value == 3
    assert _patch.undo() == []
    assert Owner.value == 1
    _patch.apply()
    Owner.value = 4
    assert _patch.undo() == ["Owner.value"]
    assert Owner.value == 4


def test_warning_of_a_patch_as_error(monkeypatch, lite):
    """Where that warning is an error, SQLAlchemy is restored before it is raised."""
    monkeypatch.setattr(Session, "commit", Session.commit)
    legacy.enable(warnings=False)
    Session.commit = None
    with pytest.raises(sqlsoup.SQLSoupWarning, match=r"Session\.commit was patched by the program"):
        legacy.disable()
    assert _patch.applied() == []
    assert not is_in_force(lite)


@pytest.mark.parametrize("version", ["1.4.54", "2.2.0", "2.10.1", "3.0.0b1"])
def test_other_sqlalchemy(monkeypatch, version):
    """On a release of SQLAlchemy that is not known nothing is patched, and that is said."""
    monkeypatch.setattr(sqlalchemy, "__version__", version)
    with pytest.raises(sqlsoup.SQLSoupError) as caught:
        legacy.enable()
    assert str(caught.value) == (
        f"sqlsoup.legacy knows SQLAlchemy 2.0 and 2.1, not {version}; install one of them"
    )
    with pytest.raises(sqlsoup.SQLSoupError), legacy.enabled():
        pytest.fail("the block was entered")
    assert _patch.applied() == []


def test_nothing_is_imported_unasked():
    """SQLSoup imports nothing of the module, and the module nothing more until it is enabled."""
    program = (
        "import sys, sqlsoup\n"
        "names = 'sqlsoup.legacy', 'sqlsoup.legacy._all', 'sqlalchemy.ext.instrumentation'\n"
        "def show(): print(*(name in sys.modules for name in names))\n"
        "show()\n"
        "from sqlsoup import legacy\n"
        "show()\n"
        "legacy.disable()\n"
        "show()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode() == "False False False\n" + "True False False\n" * 2


def test_new_statements_go_the_short_way(monkeypatch, lite):
    """New statements in a transaction go to SQLAlchemy at once, and modules stay plain modules."""
    users = sqlalchemy.Table("users", sqlalchemy.MetaData(), autoload_with=lite)
    soup = sqlsoup.SQLSoup(lite)
    legacy.enable(warnings=False)
    monkeypatch.setattr(_connections, "_execute_any", None)
    with lite.begin() as connection:
        connection.execute(sqlalchemy.insert(users), [{"name": "X"}, {"name": "Y"}])
        with connection.begin_nested() as savepoint:
            savepoint.rollback()
        names = sqlalchemy.union_all(select(users.c.name), select(users.c.name))
        assert len(connection.execute(names).all()) == 10
    with Session(lite) as session:
        change = sqlalchemy.update(soup.users).where(soup.users.name == "X").values(email="x")
        assert session.execute(change).rowcount == 1
    assert type(sqlalchemy) is type(sqlalchemy.orm) is type(sqlalchemy.types) is ModuleType
    assert not legacy.report()


def test_modules_of_sqlalchemy_read_names_the_quick_way():
    """None has another that is asked for names that are gone; what it has of it knows them too."""
    legacy.enable(warnings=False)
    asked = {owner for owner, name in _patch.applied() if name == "__getattr__"}
    slow = [
        f"{name}.{attribute}"
        for name, module in modules().items()
        for attribute, value in vars(module).items()
        if isinstance(value, ModuleType) and value in asked
    ]
    assert [name for name in slow if sys.modules.get(name) not in asked] == []
    assert vars(sqlalchemy.orm.query.interfaces) is vars(sqlalchemy.orm.interfaces)
    assert sqlalchemy.orm.query.interfaces.MapperExtension
    with pytest.raises(
        AttributeError, match=r"SQLAlchemy 2 has no sqlalchemy\.sql\.operators\.div"
    ):
        sqlalchemy.sql.elements.operators.div  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sqlalchemy.sql.elements.operators.nothing  # noqa: B018
    assert [note.form for note in legacy.report().notes] == ["mapper-extension"]
