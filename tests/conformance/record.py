"""Run every scenario under the library that this interpreter imports; record or check the answers.

    python record.py --out FILE      write the answers to FILE
    python record.py --check FILE    exit with 1 and show the difference when FILE would change
    python record.py --show TEXT     print the answers of the scenarios with TEXT in their name

Each scenario runs in a forked child process, so that registries, mappers and modules are as after
a fresh import.  Its entry holds the answer, or the error that ended it, and the warnings it caused.
"""

import argparse
import difflib
import importlib
import inspect
import json
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import warnings

import scenarios
import sqlalchemy.dialects.sqlite  # noqa: F401 - loaded once here and not again in every child process
from bench import Bench

TIMEOUT = 30  # seconds for one scenario
PROCESSES = os.cpu_count() or 1
ANSWER = "answer.json"


def collect():
    """All scenarios by name, ``module.function``: the public functions of ``scenarios``."""
    found = {}
    for module in pkgutil.iter_modules(scenarios.__path__):
        members = vars(importlib.import_module("scenarios." + module.name))
        for name, value in members.items():
            if (
                inspect.isfunction(value)
                and value.__module__ == "scenarios." + module.name
                and name[0] != "_"
            ):
                found[module.name + "." + name] = value
    return found


def answer(scenario, folder):
    """What one scenario says, as plain data."""
    bench = Bench(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        # What 0.9 itself causes on SQLAlchemy 1.3.
        for inevitable in ("MapperExtension", "Use .persist_selectable"):
            warnings.filterwarnings("ignore", inevitable)
        try:
            entry = {"answer": bench.plain(scenario(bench))}
        except Exception as error:
            entry = {"error": bench.clean("%s: %s" % (type(error).__name__, error))}
        bench.close()
    if caught:
        entry["warnings"] = sorted(
            {bench.clean("%s: %s" % (w.category.__name__, w.message)) for w in caught}
        )
    return entry


def start(scenario, folder):
    """Run a scenario in a forked child process, which leaves its answer in ``folder``; its id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(TIMEOUT)
    status = 1
    try:
        entry = answer(scenario, folder)
        with open(os.path.join(folder, ANSWER), "w", encoding="utf-8") as file:
            json.dump(entry, file)
        status = 0
    finally:
        os._exit(status)


def finish(folder, status):
    """What a child process that ended with ``status`` left in ``folder``; the folder is removed."""
    try:
        if status:
            return {"error": "the child process ended with status %d" % status}
        with open(os.path.join(folder, ANSWER), encoding="utf-8") as file:
            return json.load(file)
    finally:
        shutil.rmtree(folder)


def record(wanted=""):
    """The answers of all scenarios whose name contains ``wanted``, as JSON text."""
    waiting = [(name, scenario) for name, scenario in collect().items() if wanted in name]
    running, answers = {}, {}
    while waiting or running:
        while waiting and len(running) < PROCESSES:
            name, scenario = waiting.pop()
            folder = os.path.realpath(tempfile.mkdtemp(prefix="conformance-"))
            running[start(scenario, folder)] = name, folder
        child, status = os.wait()
        name, folder = running.pop(child)
        answers[name] = finish(folder, status)
    return json.dumps(answers, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main():
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--out", metavar="FILE", help="write the answers to FILE")
    task.add_argument(
        "--check", metavar="FILE", help="fail when the answers differ from those in FILE"
    )
    task.add_argument(
        "--show", metavar="TEXT", help="print the answers of the scenarios with TEXT in their name"
    )
    options = parser.parse_args()
    if options.show is not None:
        print(record(options.show), end="")
        return 0
    answers = record()
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(answers)
        return 0
    with open(options.check, encoding="utf-8") as file:
        recorded = file.read()
    difference = difflib.unified_diff(
        recorded.splitlines(True), answers.splitlines(True), options.check, "recorded anew", n=2
    )
    sys.stdout.writelines(difference)
    return int(answers != recorded)


if __name__ == "__main__":
    sys.exit(main())
