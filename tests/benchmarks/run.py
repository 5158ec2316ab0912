"""The benchmarks: run by ``tox -e bench``, which describes them in docs/benchmarks.rst.

    python run.py [--quick] [--pair] [--postgresql URL] [--mariadb URL]

Each measurement is made by a process of worker.py; here is only told which, and what it comes to.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import report
import schemas
from rounds import SLOW, Sample, Samples, interleave, least, median, ratio

WORKER = str(Path(__file__).with_name("worker.py"))
OLD = ["sqlsoup==0.9.1", "SQLAlchemy==1.3.24", "psycopg2-binary"]
TITLES = {
    "driver": "driver alone",
    "declared": "declared by hand",
    "table": "one table",
    "sqlsoup": "SQLSoup",
    "peewee": "peewee DataSet",
    "old": "SQLSoup 0.9.1",
    "dataset": "dataset",
    "automap": "automap",
    "attribute": "instance attribute",
    "related": "SQLSoup, relationships=True",
    "reflected": "SQLSoup, after reflect()",
}
LIBRARIES = ["driver", "declared", "table", "sqlsoup", "peewee", "old", "dataset", "automap"]
IMPORTS = {
    "sqlalchemy.orm": "declared",
    "sqlsoup": "sqlsoup",
    "sqlalchemy.ext.automap": "automap",
    "playhouse.dataset": "peewee",
    "dataset": "dataset",
    "sqlite3": "driver",
    "sqlsoup (0.9.1)": "old",
}
TARGETS = ["what", "target", "found", "reached"]
WORK = ["load", "get", "insert", "update", "delete"]


@dataclass(frozen=True)
class Sizes:
    """How much is done."""

    sqlite: dict[str, list[int]]
    postgresql: dict[str, list[int]]
    import_rounds: int
    rounds: int
    more: int  # rounds of what the targets are about
    limit: float  # seconds for a first row
    rows: int
    row_rounds: int
    pair_processes: int
    pair_rounds: int  # of each process
    pair_rows: int
    joins: int
    join_rounds: int
    collections: int
    schema: int
    collection_rounds: int
    schema_rounds: int
    others: int  # tables on the server


FULL = Sizes(
    sqlite={
        "unrelated": [1, 100, 5000],
        "tied": [100, 1000, 5000],
        "chain": [100, 5000],
        "cyclic": [2000],
        "dangling": [100],
    },
    postgresql={
        "unrelated": [1, 100, 1000],
        "tied": [100, 1000],
        "chain": [100, 1000],
        "cyclic": [1000],
    },
    import_rounds=21,
    rounds=3,
    more=7,
    limit=10,
    rows=5_000,
    row_rounds=3,
    pair_processes=8,
    pair_rounds=5,
    pair_rows=1_000,
    joins=10_000,
    join_rounds=1,
    collections=400,
    schema=1600,
    collection_rounds=5,
    schema_rounds=5,
    others=2600,
)
QUICK = Sizes(
    sqlite={"unrelated": [1], "tied": [50], "chain": [150], "dangling": [50]},
    postgresql={"tied": [20]},
    import_rounds=3,
    rounds=1,
    more=2,
    limit=10,
    rows=200,
    row_rounds=2,
    pair_processes=2,
    pair_rounds=1,
    pair_rows=200,
    joins=200,
    join_rounds=1,
    collections=20,
    schema=40,
    collection_rounds=1,
    schema_rounds=1,
    others=20,
)


@dataclass
class Bench:
    """One run."""

    sizes: Sizes
    servers: list[Any]
    old: str
    targets: list[list[str]] = field(default_factory=list)

    def target(self, what: str, aim: str, found: str, reached: bool) -> None:
        """Note a target and whether it was reached."""
        self.targets.append([what, aim, found, "yes" if reached else "no"])

    def at_most(self, what: str, aim: float, found: float | None) -> None:
        """Note a ratio that is to be small."""
        self.target(what, f"{aim:.2f}", report.times(found), found is not None and found <= aim)

    def command(self, who: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Return command and variables of a worker in the environment of a contestant."""
        variables = dict(os.environ)
        if who == "old":
            variables.pop("PYTHONPATH", None)
        return [self.old if who == "old" else sys.executable, *arguments], variables

    def run(self, who: str, *arguments: str, limit: float | None = None) -> Sample:
        """Run a process that answers with a line of JSON."""
        command, variables = self.command(who, *arguments)
        try:
            done = subprocess.run(
                command, env=variables, check=False, capture_output=True, text=True, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return {"error": f"over {limit:.0f} s"}
        if done.returncode < 0:
            return {"error": "crash"}
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr}")
        return json.loads(done.stdout)

    def memory(self, names: list[str], what: str, *arguments: str) -> dict[str, Any]:
        """Return what memory contestants take for some work; they need no turns for it."""

        def measure(who: str) -> Any:
            return self.run(who, WORKER, what, who, *arguments, "memory").get("memory")

        with ThreadPoolExecutor(2) as pool:
            return dict(zip(names, pool.map(measure, names), strict=True))

    @contextmanager
    def serving(self, url: str, names: list[str]) -> Iterator[Callable]:
        """Give a function that has one of the contestants do some work."""
        inside = {True: [n for n in names if n == "old"], False: [n for n in names if n != "old"]}
        served = {}
        for is_old, group in inside.items():
            if group:
                command, variables = self.command(group[0], WORKER, "serve", url, *group)
                served[is_old] = subprocess.Popen(
                    command,
                    env=variables,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )

        def ask(who: str, work: str, size: int) -> Sample:
            process = served[who == "old"]
            process.stdin.write(json.dumps([who, work, size]) + "\n")
            return json.loads(process.stdout.readline())

        try:
            yield ask
        finally:
            for process in served.values():
                process.stdin.close()
                process.wait()
                process.stdout.close()

    def imports(self) -> str:
        """Import each module in a new process."""
        clock = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"

        def measure(what: str) -> Sample:
            code = clock.format(what.partition(" ")[0])
            return {"seconds": self.run(IMPORTS[what], "-P", "-c", code)}

        found = interleave(IMPORTS, measure, self.sizes.import_rounds)
        share = least(found, "sqlsoup", "sqlalchemy.orm")
        self.at_most("import sqlsoup / import sqlalchemy.orm", 1.05, share)
        rows = [
            [name, report.duration(median(s)), report.times(least(found, name, "sqlalchemy.orm"))]
            for name, s in found.items()
        ]
        return report.table(["import", "time", "ratio"], rows)

    def first(self) -> str:
        """Get first rows, from schemas of all shapes and sizes."""
        return "\n\n".join(
            self.first_in(server, shape, sizes)
            for server in self.servers
            for shape, sizes in getattr(self.sizes, server.title.lower()).items()
        )

    def first_in(self, server: Any, shape: str, sizes: list[int]) -> str:
        """Get first rows from schemas of a shape."""
        cells: dict[str, list[str]] = {who: [] for who in LIBRARIES}
        given_up: dict[str, Sample] = {}
        for size in sizes:
            aimed = shape == "tied" and size == sizes[-1]
            table = schemas.name(size - 1)
            with server.database(schemas.many_tables(shape, size)) as url:

                def measure(who: str, url: str = url, table: str = table) -> Sample:
                    if who in given_up:
                        return given_up[who]
                    command = (WORKER, "first", url, table)
                    sample = self.run(who, *command[:2], who, *command[2:], limit=self.sizes.limit)
                    if str(sample.get("error")).startswith("over"):
                        given_up[who] = sample
                    return sample

                found = interleave(LIBRARIES, measure, self.sizes.more if aimed else 1)
            for who, samples in found.items():
                sample = samples[0]
                took = sample.get("error") or report.duration(median(samples))
                sent = f", {sample['statements']:,}" if "statements" in sample else ""
                cells[who].append(took + sent)
            self.first_targets(f"{server.title}, {shape}, {size:,}", found, aimed=aimed)
        print(f"{server.title}, {shape}: done", flush=True)
        head = [f"{server.title}, {shape}", *(f"{size:,}" for size in sizes)]
        return report.table(head, [[TITLES[who], *row] for who, row in cells.items()])

    def first_targets(self, where: str, found: Samples, *, aimed: bool) -> None:
        """Compare with the targets."""
        ours, plain = (found[who][0].get("statements") for who in ("sqlsoup", "table"))
        what = f"statements at first access: {where}"
        reached = ours is not None and ours <= plain
        self.target(what, str(plain), str(ours or found["sqlsoup"][0]), reached)
        if aimed:
            what = f"first row / one table: {where}"
            self.at_most(what, 1.15, ratio(found, "sqlsoup", "table"))
            what += ", processor time"
            self.at_most(what, 1.15, ratio(found, "sqlsoup", "table", "cpu"))
            for who in ("old", "automap"):
                faster = ratio(found, who, "sqlsoup")
                text = report.times(faster) if faster else str(found[who][0].get("error"))
                what = f"first row, {TITLES[who]} / SQLSoup: {where}"
                self.target(what, "at least 100", text, faster is None or faster >= 100)

    def second(self, url: str) -> str:
        """Look an attribute up again."""
        names = ["attribute", "sqlsoup", "old", "peewee", "dataset", "automap"]
        with self.serving(url, names) as ask:
            found = interleave(
                names, lambda who: ask(who, "second", 200_000), 5 * self.sizes.rounds
            )
        self.at_most("second access / SQLSoup 0.9.1", 1, ratio(found, "sqlsoup", "old"))
        return report.table(
            ["second access", "time", "ratio"],
            [
                [TITLES[who], report.duration(median(s)), report.times(ratio(found, who, names[0]))]
                for who, s in found.items()
            ],
        )

    def dicts(self, server: Any, url: str) -> str:
        """Read people as dicts."""
        ways = {
            "driver alone": ("driver", "dicts"),
            "SQLSoup, a class": ("sqlsoup", "dicts"),
            "SQLSoup, a query": ("sqlsoup", "dicts_of_query"),
            "SQLSoup, a result": ("sqlsoup", "dicts_of_result"),
            "dataset": ("dataset", "dicts"),
        }
        with self.serving(url, ["driver", "sqlsoup", "dataset"]) as ask:
            found = interleave(
                ways, lambda way: ask(*ways[way], 0), self.sizes.row_rounds, always=ways
            )
        rows = []
        for way, samples in found.items():
            shares = [ratio(found, way, "driver alone", of) for of in ("seconds", "cpu")]
            took = report.duration(median(samples))
            rows.append([way, took, *map(report.times, shares)])
            if way.startswith("SQLSoup"):
                self.at_most(f"{server.title}, dicts / the driver's: {way}", 1.8, shares[0])
        return report.table([f"{server.title}, dicts", "time", "ratio", "processor"], rows)

    def relate(self, server: Any, shape: str, size: int, rounds: int, title: str) -> str:
        """Have all tables of a schema and the relationships of all foreign keys."""
        names = ["related", "reflected", "automap"]
        with server.database(schemas.many_tables(shape, size)) as url:
            command = (url, shape, str(size))
            found = interleave(
                names,
                lambda who: self.run(who, WORKER, "relate", who, *command, ""),
                rounds,
                always=names,
            )
            kept = self.memory(names, "relate", *command)
        rows = []
        for who, samples in found.items():
            sent = samples[0].get("statements")
            sizes = [f"{kept[who] / 1e6:,.1f} MB"] if kept[who] else ["-"]
            shares = [least(found, who, "automap", of) for of in ("seconds", "cpu")]
            memory = kept[who] / kept["automap"] if kept[who] and kept["automap"] else None
            took = samples[0].get("error") or report.duration(median(samples))
            shown = [*map(report.times, shares), f"{sent:,}" if sent else "-"]
            rows.append([TITLES[who], took, *shown, *sizes, report.times(memory)])
            if who == "automap":
                continue
            what = f"{title}: {TITLES[who]} / automap"
            self.at_most(f"{what}, processor time", 1, shares[1])
            self.at_most(f"{what}, memory", 1, memory)
            if who == "reflected":
                theirs = found["automap"][0].get("statements")
                fewer = sent is not None and (theirs is None or sent <= theirs)
                self.target(f"{what}, statements", str(theirs), str(sent), fewer)
        head = [title, "time", "ratio", "processor", "statements", "memory", "ratio"]
        return report.table(head, rows)

    def assign(self) -> str:
        """Set an attribute that is no column, on a row of a table to which ten others refer."""
        names = ["sqlsoup", "related"]
        with self.servers[0].database(schemas.many_tables("star", 11)) as url:
            found = interleave(
                names,
                lambda who: self.run(who, WORKER, "assign", who, url, "1000"),
                self.sizes.rounds,
            )
        what = "setting a plain attribute, with relationships / without"
        self.at_most(what, 5, ratio(found, "related", "sqlsoup"))
        rows = [
            [TITLES[who], report.duration(median(s)), report.times(ratio(found, who, names[0]))]
            for who, s in found.items()
        ]
        return report.table(["row.note = 1", "time", "ratio"], rows)

    def children(self, server: Any) -> str:
        """Follow a relationship for the first time, alone on a server and beside other tables."""
        others = schemas.many_tables("tied", self.sizes.others)
        tables = [
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40))",
            "CREATE TABLE loans (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id))",
            "INSERT INTO people VALUES (1, 'Joe')",
            "INSERT INTO loans VALUES (1, 1)",
        ]
        found: dict[str, Sample] = {}
        for title, beside in (("alone", []), (f"beside {self.sizes.others:,} tables", others)):
            with server.database(tables, beside) as url:
                samples = interleave(
                    ["related"],
                    lambda who, url=url: self.run(who, WORKER, "children", who, url),
                    self.sizes.more,
                )
            found[title] = {"seconds": median(samples["related"])}
        alone, beside_others = (each["seconds"] for each in found.values())
        share = beside_others / alone
        what = f"first person.loans on {server.title}, beside {self.sizes.others:,} tables / alone"
        self.at_most(what, 1.25, share)
        rows = [
            [title, report.duration(each["seconds"]), report.times(each["seconds"] / alone)]
            for title, each in found.items()
        ]
        return report.table([f"{server.title}, first person.loans", "time", "ratio"], rows)

    def work(self, server: Any, url: str) -> str:
        """Do the work with rows; what was inserted is then updated and deleted."""
        size, rows = self.sizes.rows, []
        rounds = self.sizes.row_rounds
        for work, samples in self.turns(server, url, LIBRARIES, rounds, size).items():
            name = {"load": f"{schemas.PEOPLE:,} rows loaded"}.get(work, f"{size:,} {work}")
            rows += [
                [
                    name if who == LIBRARIES[0] else "\\",
                    TITLES[who],
                    report.duration(median(samples[who])),
                    report.times(ratio(samples, who, "declared")),
                    report.times(ratio(samples, who, "declared", "cpu")),
                    f"{samples[who][0]['statements']:,}",
                ]
                for who in LIBRARIES
            ]
        print(f"{server.title}, work with rows: done", flush=True)
        head = [server.title, "", "time", "ratio", "processor", "statements"]
        return report.table(head, rows)

    def pair(self, server: Any, url: str) -> None:
        """Compare the work with rows with that of declared models, alone and in many rounds.

        Several processes do it, as the server may have that of a connection share a core with ours.
        """
        names = ["declared", "sqlsoup"]
        rounds, size = self.sizes.pair_rounds, self.sizes.pair_rows
        found: dict[str, Samples] = {work: {who: {} for who in names} for work in WORK}
        for first in range(0, rounds * self.sizes.pair_processes, rounds):
            for work, samples in self.turns(server, url, names, rounds, size).items():
                for who, each in samples.items():
                    found[work][who].update({first + n: sample for n, sample in each.items()})
        for work, samples in found.items():
            what = f"{server.title}, {work}"
            share = ratio(samples, "sqlsoup", "declared")
            cpu = ratio(samples, "sqlsoup", "declared", "cpu")
            self.at_most(f"{what} / declared by hand", 1.05, share)
            self.at_most(f"{what} / declared by hand, processor time", 1.05, cpu)
            theirs, ours = (samples[who][0]["statements"] for who in names)
            self.target(f"{what}, statements", f"{theirs:,}", f"{ours:,}", ours == theirs)

    def turns(
        self, server: Any, url: str, names: list[str], rounds: int, size: int
    ) -> dict[str, Samples]:
        """Have contestants take turns at the work with rows."""
        with self.serving(url, names) as ask:
            for who in names:
                self.turn(server, url, ask, who, 10)  # connects and reflects
            found = interleave(
                names,
                lambda who: self.turn(server, url, ask, who, size),
                rounds,
                always=["declared", "sqlsoup"],
            )
        return {
            work: {
                who: {number: each[work] for number, each in samples.items()}
                for who, samples in found.items()
            }
            for work in WORK
        }

    def turn(self, server: Any, url: str, ask: Callable, who: str, size: int) -> Sample:
        """Have one contestant do all kinds of work once."""
        server.empty(url, "items")
        answers = {work: ask(who, work, size) for work in WORK}
        return {**answers, "seconds": sum(answer["seconds"] for answer in answers.values())}

    def joins(self, url: str) -> str:
        """Map joins and drop them."""
        number = self.sizes.joins
        names = ["declared", "sqlsoup", "old"]
        found = interleave(
            names,
            lambda who: {**self.run(who, WORKER, "joins", who, url, str(number), ""), "seconds": 0},
            self.sizes.join_rounds,
        )
        memory = self.memory(names, "joins", url, str(number))
        marks = [*found["sqlsoup"][0]["times"]]
        rows, growth = [], {}
        for who, samples in found.items():
            for sample in samples.values():
                sample["growth"] = sample["times"][marks[-1]] / sample["times"][marks[0]]
                sample.update(sample["times"])
            growth[who] = median(samples, "growth")
            kept = [memory[who][mark] for mark in marks]
            rows.append(
                [
                    TITLES[who],
                    *(report.duration(median(samples, mark)) for mark in marks),
                    report.times(growth[who]),
                    *(f"{size / 1024:,.0f} KiB, {objects:,}" for size, objects in kept),
                ]
            )
        self.at_most(f"join {marks[2]} / join {marks[0]}", 1.1, growth["sqlsoup"])
        second, last = (memory["sqlsoup"][mark] for mark in marks[1:])
        joins = int(marks[2]) - int(marks[1])
        more = [(b - a) / joins for a, b in zip(second, last, strict=True)]
        what = f"kept of each join from {marks[1]} to {marks[2]}"
        self.target(f"{what}, bytes", "at most 100", f"{more[0]:.0f}", more[0] <= 100)
        self.target(f"{what}, objects", "at most 0.1", f"{more[1]:.2f}", more[1] <= 0.1)
        head = ["", *(f"join {mark}" for mark in marks), "last / first"]
        return report.table([*head, *(f"kept after {mark}" for mark in marks)], rows)


def old_environment() -> str:
    """Return the Python of an environment with SQLSoup 0.9.1, which is made if it is not there."""
    folder = Path(sys.prefix) / "sqlsoup-0.9.1"
    python = folder / "bin" / "python"
    done = folder / "complete"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*install, *OLD], check=True)
        done.touch()
    return str(python)


def main() -> None:
    """Run all, print the tables and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; writes no page")
    parser.add_argument(
        "--pair", action="store_true", help="only rows beside declared models; writes no page"
    )
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        default="postgresql://postgres@127.0.0.1:5432/test",
        help="a database of the server to use; '' leaves PostgreSQL out, and writes no page",
    )
    parser.add_argument(
        "--mariadb",
        metavar="URL",
        default="mysql+pymysql://root@127.0.0.1:3306/test",
        help="likewise",
    )
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sqlsoup-bench-") as folder:
        servers: list[Any] = [schemas.Sqlite(Path(folder))]
        version = None
        if options.postgresql:
            servers.append(schemas.Postgresql(options.postgresql))
            with closing(psycopg2.connect(options.postgresql)) as connection:
                version = connection.get_parameter_status("server_version").split()[0]
        if options.pair:
            bench = Bench(sizes, servers, "")
            for server in servers:
                rows = schemas.with_rows(postgresql=server.title == "PostgreSQL")
                with server.database(rows) as url:
                    bench.pair(server, url)
            print(report.table(TARGETS, bench.targets))
            return
        bench = Bench(sizes, servers, old_environment())
        parts = {"imports": bench.imports(), "first": bench.first()}
        rows_tables: list[str] = []
        dicts_tables: list[str] = []
        for server in servers:
            is_postgresql = server.title == "PostgreSQL"
            with server.database(schemas.with_rows(postgresql=is_postgresql)) as url:
                if not is_postgresql:
                    parts["second"] = bench.second(url)
                    parts["joins_table"] = bench.joins(url)
                bench.pair(server, url)
                rows_tables.append(bench.work(server, url))
                dicts_tables.append(bench.dicts(server, url))
        related = [
            bench.relate(
                server,
                "star",
                sizes.collections + 1,
                sizes.collection_rounds,
                f"{server.title}, {sizes.collections} collections",
            )
            for server in servers
        ]
        related += [
            bench.relate(
                server,
                "tied",
                sizes.schema,
                sizes.schema_rounds,
                f"{server.title}, {sizes.schema:,} tables",
            )
            for server in servers[1:]
        ]
        parts["assign"] = bench.assign()
        if options.mariadb:
            parts["children"] = bench.children(schemas.Mariadb(options.mariadb))
    parts["rows_tables"] = "\n\n".join(rows_tables)
    parts["dicts_tables"] = "\n\n".join(dicts_tables)
    parts["related"] = "\n\n".join(related)
    parts["targets"] = report.table(TARGETS, bench.targets)
    for part in parts.values():
        print(f"\n{part}")
    print(f"\n{time.monotonic() - begin:.0f} s")
    if not options.quick and version and options.mariadb:
        text = report.TEXT.format(
            **parts,
            minutes=round((time.monotonic() - begin) / 60),
            date=report.today(),
            machine=report.machine(),
            versions=report.versions(version),
            slow=SLOW,
            pair_rounds=sizes.pair_rounds,
            pair_processes=sizes.pair_processes,
            pair_rows=sizes.pair_rows,
            limit=sizes.limit,
            people=schemas.PEOPLE,
            rows=sizes.rows,
            joins=sizes.joins,
            collections=sizes.collections,
            schema=sizes.schema,
            others=sizes.others,
        )
        report.PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
