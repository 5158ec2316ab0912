"""Fail if a report has more places than a file allows."""

import json
import sys
from pathlib import Path

report, ceiling = map(Path, sys.argv[1:])
places = len(json.loads(report.read_text())["notes"])
allowed = int(ceiling.read_text())
print(f"{places} places with old forms, {allowed} are allowed")
sys.exit(places > allowed)
