"""Run the programs as they are; record or check what they print, on SQLSoup 0.9.1.

python record.py --check    exit with 1 and show the difference where one prints something else
python record.py            write what they print beside them
"""

import argparse
import difflib
import subprocess
import sys
from pathlib import Path

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def main():
    """Run the programs with this interpreter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    differences = []
    for program in PROGRAMS:
        command = [sys.executable, "-W", "ignore", str(program)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        recorded = program.with_suffix(".out")
        if not check:
            recorded.write_text(printed, encoding="utf-8")
            continue
        before = recorded.read_text(encoding="utf-8").splitlines()
        differences += difflib.unified_diff(before, printed.splitlines(), recorded.name, "now")
    print(*differences, sep="\n")
    print(f"{len(PROGRAMS)} programs")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
