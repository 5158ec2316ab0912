"""``python -m sqlsoup.legacy``: run a program with the old names and calling forms in force."""

from sqlsoup.legacy._run import main

if __name__ == "__main__":
    main()
