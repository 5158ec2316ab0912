"""Run the programs, and read and write the values, as they are on SQLSoup 0.9.1; record or check.

python record.py --check    exit with 1 and show the difference where something else comes out
python record.py            write what programs print beside them, and the values

``SQLSOUP_TEST_URLS`` names the databases, as for the tests.  The programs in ``programs/mariadb``
run on the one of MariaDB.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
from pathlib import Path

import old_values

PROGRAMS = Path(__file__).parent / "programs"
DEFAULT_URLS = (
    "sqlite:// postgresql+psycopg2://postgres@127.0.0.1/test mysql+pymysql://root@127.0.0.1/test"
)
URLS = os.environ.get("SQLSOUP_TEST_URLS", DEFAULT_URLS).split()


def outputs():
    """Give the files that are recorded, with what belongs in them now."""
    runs = [[program] for program in sorted(PROGRAMS.glob("*.py"))]
    for url in (url for url in URLS if url.startswith("mysql")):
        runs += [[program, url] for program in sorted(PROGRAMS.glob("mariadb/*.py"))]
    for program, *arguments in runs:
        command = [sys.executable, "-W", "ignore", str(program), *arguments]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        yield program.with_suffix(".out"), printed
    values = json.loads(old_values.RECORDED.read_text(encoding="utf-8"))
    for url in URLS:
        values[url.partition(":")[0].partition("+")[0]] = old_values.answers_on(url)
    yield old_values.RECORDED, old_values.written(values)


def main():
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    differences = []
    for recorded, now in outputs():
        if not check:
            recorded.write_text(now, encoding="utf-8")
            continue
        before = recorded.read_text(encoding="utf-8").splitlines()
        differences += difflib.unified_diff(before, now.splitlines(), recorded.name, "now")
    print(*differences, sep="\n")
    print(f"programs, and values on {len(URLS)} databases")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
