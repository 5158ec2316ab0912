"""Check that mypy and pyright find each mistake of ``mistakes.py``, and nothing else there."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def output(folder: str, *command: str) -> str:
    """Return what a type checker says of what is in a folder."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def main() -> None:
    """Compare the lines."""
    lines = (HERE / "mistakes.py").read_text("utf-8").splitlines()
    expected = {number for number, line in enumerate(lines, 1) if re.search(r"\S  # \w", line)}
    with tempfile.TemporaryDirectory() as folder:  # the project's settings leave the file out
        for name in ("mistakes.py", "shop.py"):
            shutil.copy(HERE / name, folder)
        mypy = output(folder, "mypy", "--strict", "mistakes.py")
        pyright = output(
            folder, "pyright", "--pythonpath", sys.executable, "--outputjson", "mistakes.py"
        )
    found = {
        "mypy": {int(number) for number in re.findall(r"mistakes\.py:(\d+): error", mypy)},
        "pyright": {
            each["range"]["start"]["line"] + 1 for each in json.loads(pyright)["generalDiagnostics"]
        },
    }
    for checker, numbers in found.items():
        print(f"{checker}: {len(numbers)} lines of {len(expected)} have an error")
        for number in sorted(numbers ^ expected):
            print(f"  line {number}: {lines[number - 1].strip()}")
    sys.exit(any(numbers != expected for numbers in found.values()))


if __name__ == "__main__":
    main()
