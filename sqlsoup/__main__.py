"""``python -m sqlsoup`` is the command ``sqlsoup``."""

import sys

from sqlsoup.command import main

if __name__ == "__main__":
    sys.exit(main())
