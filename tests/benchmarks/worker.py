"""One process of the benchmarks: does work and says how long it took.

    worker.py first CONTESTANT URL TABLE       first row of a table; one line of JSON
    worker.py serve URL CONTESTANT...    work with rows, as told by lines of JSON
    worker.py joins CONTESTANT URL NUMBER MEMORY
    worker.py relate CONTESTANT URL SHAPE SIZE MEMORY
    worker.py assign CONTESTANT URL NUMBER
    worker.py children CONTESTANT URL

It runs in the environment of each contestant and counts the calls of the driver's ``execute()``
and ``executemany()``.
"""

from __future__ import annotations

import array
import gc
import json
import random
import sqlite3
import sys
import time
import timeit
import tracemalloc
from collections.abc import Callable
from typing import Any

import schemas
from contestants import CONTESTANTS

calls = 0


def counting(base: Any) -> Any:
    """Return a cursor class that counts."""

    class Cursor(base):
        def execute(self, *args: Any) -> Any:
            global calls  # noqa: PLW0603
            calls += 1
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            global calls  # noqa: PLW0603
            calls += 1
            return super().executemany(*args)

    return Cursor


def count_calls(url: str) -> None:
    """Make the driver count."""
    if url.startswith("sqlite"):
        cursor = counting(sqlite3.Cursor)

        class Connection(sqlite3.Connection):
            def cursor(self, factory: Any = None) -> Any:
                return super().cursor(factory or cursor)

        def connect(*args: Any, own: Any = sqlite3.connect, **options: Any) -> Any:
            return own(*args, **{"factory": Connection, **options})

        sqlite3.connect = sqlite3.dbapi2.connect = connect
    elif url.startswith("postgresql"):
        import psycopg2.extensions

        pg_cursor = counting(psycopg2.extensions.cursor)

        class PgConnection(psycopg2.extensions.connection):
            def cursor(self, *args: Any, **options: Any) -> Any:
                return super().cursor(*args, **{"cursor_factory": pg_cursor, **options})

        def pg_connect(*args: Any, own: Any = psycopg2.connect, **options: Any) -> Any:
            return own(*args, **{"connection_factory": PgConnection, **options})

        psycopg2.connect = pg_connect


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """Do work and return what it took."""
    gc.collect()
    before, cpu, start = calls, time.process_time(), time.perf_counter()
    result = work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert result is None or result, "no rows"
    return {"seconds": seconds, "cpu": cpu, "statements": calls - before}


def first(who: str, url: str, table: str) -> dict[str, Any]:
    """Get the first row of a table."""
    contestant = CONTESTANTS[who](url)
    contestant.prepare(table)
    count_calls(url)
    try:
        answer = measured(lambda: contestant.first(table))
    except Exception as error:  # noqa: BLE001 - it is the result
        return {"error": type(error).__name__}
    contestant.close()
    return answer


def rows(contestant: Any, work: str, size: int) -> dict[str, Any]:
    """Do one kind of work with rows, or look an attribute up."""
    if work == "second":
        dotted = hasattr(contestant.db, "people")
        access = "db.people" if dotted else "db['people']"
        once = min(timeit.repeat(access, globals={"db": contestant.db}, number=size, repeat=3))
        return {"seconds": once / size}
    if work in ("update", "delete"):
        items = contestant.items()
        assert len(items) == size
        arguments: list[Any] = [items]
    elif work == "get":
        arguments = [random.Random(0).sample(range(1, schemas.PEOPLE + 1), size)]
    else:
        arguments = [size] if work == "insert" else []
    gc.collect()
    gc.freeze()  # what the others left, and all modules, cost no collection of this one anything
    answer = measured(lambda: getattr(contestant, work)(*arguments))
    gc.unfreeze()
    contestant.end()
    return answer


def serve(url: str, *names: str) -> None:
    """Do work as told until the input ends."""
    count_calls(url)
    contestants = {who: CONTESTANTS[who](url) for who in names}
    for contestant in contestants.values():
        contestant.open()
    for line in sys.stdin:
        who, work, size = json.loads(line)
        print(json.dumps(rows(contestants[who], work, size)), flush=True)
    for contestant in contestants.values():
        contestant.close()


def joins(who: str, url: str, number: str, memory: str) -> dict[str, Any]:
    """Map joins and drop them.

    The statement cache keeps what is queried: it is full when the second mark is reached, so that
    from there on memory is flat if nothing else keeps it.
    """
    contestant = CONTESTANTS[who](url)
    contestant.open()
    marks = [int(number) // part for part in (100, 10, 1)]
    taken, kept = array.array("d", [0.0]) * int(number), {}
    if memory == "memory":
        tracemalloc.start()
    for done in range(1, int(number) + 1):
        start = time.process_time()
        query = contestant.joined()
        taken[done - 1] = time.process_time() - start
        if done <= marks[1] or done % 10 == 0:
            query()
            contestant.end()
        del query
        if memory == "memory" and done in marks:
            if hasattr(contestant.engine, "clear_compiled_cache"):
                contestant.engine.clear_compiled_cache()
            gc.collect()
            kept[done] = tracemalloc.get_traced_memory()[0], len(gc.get_objects())
    contestant.close()
    width = marks[0]
    middles = [min(max(mark, width), int(number) - width // 2) for mark in marks]
    windows = [taken[middle - width // 2 : middle + width // 2] for middle in middles]
    times = [min(window) for window in windows]
    return {"times": dict(zip(marks, times, strict=True)), "memory": kept}


def relate(who: str, url: str, shape: str, size: str, memory: str) -> dict[str, Any]:
    """Have all tables of a schema, and the relationships of all foreign keys."""
    contestant = CONTESTANTS[who](url)
    ties = schemas.ties(shape, int(size))
    count_calls(url)
    if memory == "memory":
        tracemalloc.start()
    try:
        answer = measured(lambda: contestant.relate(ties))
    except Exception as error:  # noqa: BLE001 - it is the result
        return {"error": type(error).__name__}
    if memory == "memory":
        gc.collect()
        answer["memory"] = tracemalloc.get_traced_memory()[0]
    contestant.close()
    return answer


def assign(who: str, url: str, number: str) -> dict[str, Any]:
    """Set an attribute of a row that is no column."""
    contestant = CONTESTANTS[who](url)
    row = contestant.row(schemas.name(0))
    times = timeit.repeat("row.note = 1", globals={"row": row}, number=int(number), repeat=5)
    contestant.close()
    return {"seconds": min(times) / int(number)}


def children(who: str, url: str) -> dict[str, Any]:
    """Follow a relationship for the first time."""
    contestant = CONTESTANTS[who](url)
    contestant.meet()
    answer = measured(contestant.children)
    contestant.close()
    return answer


COMMANDS: dict[str, Callable[..., Any]] = {
    "first": first,
    "serve": serve,
    "joins": joins,
    "relate": relate,
    "assign": assign,
    "children": children,
}

if __name__ == "__main__":
    command = COMMANDS[sys.argv[1]]
    result = command(*sys.argv[2:])
    if result is not None:
        print(json.dumps(result))
