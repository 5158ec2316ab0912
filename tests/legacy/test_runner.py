"""``python -m sqlsoup.legacy``: a program runs as ``python`` would run it, and is reported on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile

import pytest

from sqlsoup.legacy import _notes, _python3, _run

NOTHING = "sqlsoup.legacy: what ran used no old forms, and needs no sqlsoup.legacy\n"
OLD = 'import sqlalchemy\nengine = sqlalchemy.create_engine("sqlite://")\n'
"""How a program begins that is to use ``engine.has_table()``."""

NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Those of this suite would take longer than a suite that is run."""

FACTS = """
import pickle, sys
class Kept: pass
assert vars(sys.modules["__main__"]) is globals()
assert type(pickle.loads(pickle.dumps(Kept()))) is Kept
print(sys.argv, sys.path[0], __name__, __file__, __package__, type(__spec__), __doc__)
print(sys.path, sys.stdin.read())
"""


@pytest.fixture
def python(tmp_path):
    """Run Python in a folder of its own, by default that of the test."""
    temporary = tmp_path / "temporary files"
    temporary.mkdir()

    def run(*args, cwd=tmp_path, stdin="", status=0):
        command = [sys.executable, *map(str, args)]
        done = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            input=stdin,
            timeout=60,
            env=os.environ | {"TMPDIR": str(temporary), "COLUMNS": "100", **NO_PLUGINS},
        )
        assert done.returncode == status, done.stderr
        assert list(temporary.iterdir()) == []
        return done.stdout, done.stderr

    return run


@pytest.fixture
def legacy(python):
    """Run a program with the old forms in force."""
    return lambda *args, flags=(), **kw: python(*flags, "-m", "sqlsoup.legacy", *args, **kw)


@pytest.fixture
def both(python, legacy):
    """Run a program by Python and by the module, which are to print the same; return that."""

    def run(*args, flags=(), **kw):
        plain, error = python(*flags, *args, **kw)
        old, report = legacy(*args, flags=flags, **kw)
        assert (old, report.removesuffix(NOTHING)) == (plain, error)
        return plain, error

    return run


@pytest.fixture
def write(tmp_path):
    """Write a program."""

    def write(text, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def notes(path):
    """Return line and count of each note of a report in JSON, by form."""
    found = {}
    for note in json.loads(path.read_text("utf-8"))["notes"]:
        assert note["file"] == "program.py"
        found.setdefault(note["form"], []).append((note["line"], note["count"]))
    return found


def test_script(both, write, tmp_path):
    """A script has its arguments, its folder first in the path, its names and standard input."""
    write('"""A program."""' + FACTS, "folder/program.py")
    link = tmp_path / "link.py"
    link.symlink_to(tmp_path / "folder" / "program.py")
    own = ("--quiet", "-m", "x", "--", "--report")
    printed, _ = both("link.py", *own, stdin="typed in")
    assert printed.startswith(
        f"{['link.py', *own]} {tmp_path}/folder __main__ {link} None <class 'NoneType'> A program."
    )
    assert printed.endswith("typed in\n")


def test_script_without_its_folder(both, write, tmp_path):
    """Under ``-P`` the path begins with nothing of the script's, nor of the working directory."""
    write(FACTS)
    printed, _ = both("program.py", flags=["-P"])
    assert f"'{tmp_path}'" not in printed


def test_module(both, write, tmp_path):
    """A module of a package has its name as a module and relative imports, and the cwd first."""
    write("from .other import ONE\nprint(ONE)\n" + FACTS, "package/program.py")
    write("ONE = 1", "package/other.py")
    write("import sys\nprint(sys.argv)", "package/__init__.py")
    printed, _ = both("-m", "package.program", "--strict", "-h")
    path = tmp_path / "package" / "program.py"
    assert printed.startswith(
        f"['-m', '--strict', '-h']\n1\n{[str(path), '--strict', '-h']} {tmp_path} __main__ {path} "
        "package <class '_frozen_importlib.ModuleSpec'> None\n"
    )


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folder_and_zip_file(both, write, tmp_path, kind):
    """A folder or a zip file runs by its ``__main__.py``, and is first in the path, always."""
    write("ONE = 1", "folder/other.py")
    main = write("from other import ONE\nprint(ONE)\n" + FACTS, "folder/__main__.py")
    with zipfile.ZipFile(tmp_path / "zip", "w") as file:
        for path in main.parent.iterdir():
            file.write(path, path.name)
    printed, _ = both(kind, "x", flags=["-P"] if kind == "zip" else [])
    assert printed.startswith(f"1\n['{kind}', 'x'] {tmp_path}/{kind} __main__ {tmp_path}/{kind}/")


@pytest.mark.parametrize("program", [("-c", "{}"), ("-c{}",), ("-",)])
def test_code_and_standard_input(both, legacy, program):
    """`-c CODE` and `-` run code as Python does, with its arguments and its folder."""
    code = "import sys\nprint(sys.argv, sys.path[0], __name__, __spec__, 'there' in globals())\n"
    code += "print(globals().get('__file__'))\n"
    call = [part.format(code) for part in program]
    both(*call, "-m", "--strict", "x", stdin=code if call == ["-"] else "")
    code = f"{OLD}\nengine.has_table('x')\n"
    call = [part.format(code) for part in program]
    _, report = legacy(*call, stdin=code if call == ["-"] else "")
    name = "<stdin>" if call == ["-"] else "<string>"
    assert f"\n{name}:4  1x    Engine.table_names(), Engine.has_table()" in report


def test_code_of_python_2(legacy):
    """Code that does not compile as Python 3 is told as such."""
    _, error = legacy("-c", "x = 1\nprint x", status=1)
    assert error.startswith("<string>, line 2: this does not compile as Python 3")


ANEW = """
import multiprocessing, subprocess, sys
import sqlalchemy
def work(_=0):
    engine = sqlalchemy.create_engine("sqlite://")
    engine.has_table("x")
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=work)
    process.start()
    process.join()
    code = "import program, os; program.work(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True)
    print(process.exitcode)
"""


def test_children_that_are_started_anew(legacy, write, tmp_path):
    """With --children the notes of processes that the program starts are in the one report."""
    write(ANEW)
    printed, report = legacy("--children", "program.py")
    assert printed == "0\n"
    assert "\nprogram.py:6  2x    Engine.table_names(), Engine.has_table()" in report
    printed, error = legacy("program.py", status=1)
    assert printed == ""
    assert "AttributeError: 'Engine' object has no attribute 'has_table'" in error


def test_children_have_their_own_customization(write, tmp_path):
    """A sitecustomize of the program's is imported as ever, and one process ends without a word."""
    write("print('own', flush=True)", "own/sitecustomize.py")
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1)'], check=True)"
    for arguments in ([], ["-m", "sqlsoup.legacy", "--quiet", "--children"]):
        done = subprocess.run(
            [sys.executable, *arguments, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(tmp_path / "own")},
        )
        assert done.stdout == "own\nown\n1\n"


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        (["missing.py"], 2, "{python}: can't open file '{folder}/missing.py': [Errno 2] No such"),
        (["-m", "missing"], 1, "{python}: No module named missing\n"),
        (["-mmissing", "--quiet"], 1, "{python}: No module named missing\n"),
        (["empty"], 1, "{python}: can't find '__main__' module in '{folder}/empty'\n"),
    ],
)
def test_not_there(both, tmp_path, program, status, said):
    """A program that is not there ends as under Python, and nothing is said of old forms."""
    (tmp_path / "empty").mkdir()
    _, error = both(*program, status=status)
    assert error.startswith(said.format(python=sys.executable, folder=tmp_path))


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("sys.exit(False)", 0),
        ("sys.exit('no such book')", 1),
        ("1 / 0", 1),
        ("exec('print 1')", 1),
        ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT),
    ],
)
def test_ending(both, write, ending, status):
    """A program ends with the status and the traceback that it has under Python."""
    write(
        "import signal, sys\n"
        "def end():\n"
        "    try:\n"
        "        [][1]\n"
        "    except IndexError:\n"
        f"        {ending}\n"
        "end()\n"
    )
    both("program.py", status=status)


@pytest.mark.parametrize(
    "ending",
    [
        *(
            f"sys.exit({status})"
            for status in ("None", "True", "()", "(3,)", "(3, 4)", "[]", "3.5", "2**70", "object")
        ),
        "raise SystemExit(())",
        "with threading.Lock(): sys.exit(())",
        "with threading.Lock(): sys.exit((3,))",
    ],
)
def test_status(both, write, ending, monkeypatch):
    """Whatever a program ends with means what it means to Python, caught on the way or not."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # tracing meets some of them
    path = write(f"import sys, threading\n{ending}\n")
    plain = subprocess.run([sys.executable, path], capture_output=True, check=False)
    both("program.py", status=plain.returncode)


def test_excepthook(both, write):
    """An ``excepthook`` of the program gets the traceback from where the program begins."""
    write(
        "import sys, traceback\n"
        "def hook(kind, error, found):\n"
        "    assert sys.excepthook is hook and error.__traceback__ is found\n"
        "    print(kind, [frame.name for frame in traceback.extract_tb(found)])\n"
        "def fail():\n"
        "    raise KeyError('x')\n"
        "sys.excepthook = hook\n"
        "fail()\n"
    )
    printed, _ = both("program.py", status=1)
    assert printed == "<class 'KeyError'> ['<module>', 'fail']\n"


def test_module_that_fails_to_import(legacy, write):
    """The traceback of an import under ``-m`` begins in the package."""
    path = write("raise OSError('no disk')", "package/__init__.py")
    _, error = legacy("-m", "package", status=1)
    assert error.startswith(f'Traceback (most recent call last):\n  File "{path}", line 1, in ')
    assert error.endswith("OSError: no disk\n")


def test_interrupted(legacy, write, tmp_path):
    """A program that Ctrl-C ends is ended by SIGINT, with a report."""
    write(OLD + "import signal\nengine.has_table('x')\nsignal.raise_signal(signal.SIGINT)\n")
    _, error = legacy("--report", "notes.json", "--strict", "program.py", status=-signal.SIGINT)
    assert error.count("KeyboardInterrupt") == 1
    assert notes(tmp_path / "notes.json") == {"engine-tables": [(4, 1)]}


def test_terminated(legacy, write, tmp_path):
    """A handler of the program for SIGTERM may use old forms, and decides on the status."""
    write(
        OLD + "import os, signal, sys, time\n"
        "def end(*_):\n"
        "    engine.has_table('x')\n"
        "    sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(50)\n"
    )
    legacy("--report", "notes.json", "program.py", status=7)
    assert notes(tmp_path / "notes.json") == {"engine-tables": [(5, 1)]}


LATE = """
import atexit, os, pickle, sys, threading, time, weakref
from concurrent.futures import ThreadPoolExecutor
class Kept: pass
@atexit.register
def end():
    assert type(pickle.loads(pickle.dumps(Kept()))) is Kept
    engine.has_table("x")
    print("the end", file=sys.stdout)
class Told:
    def __del__(self): file.write("deleted")
def work():
    time.sleep(0.3)
    engine.has_table("x")
told = Told()
file = open("file.txt", "w")
file.write("not closed, ")
os.chdir("/")
threading.Thread(target=work).start()
pool = ThreadPoolExecutor(1)
pool.submit(work)
"""


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--strict",), 3)])
def test_late_uses(legacy, write, tmp_path, options, status):
    """What threads and handlers use at the end is in the report; all else ends in its turn."""
    write(OLD + LATE)
    printed, error = legacy(*options, "--report", "notes.json", "program.py", status=status)
    assert printed == "the end\n"
    assert notes(tmp_path / "notes.json") == {"engine-tables": [(10, 1), (16, 2)]}
    assert error.count("sqlsoup.legacy:") == 1
    assert (tmp_path / "file.txt").read_text() == "not closed, deleted"


CHILDREN = """
import multiprocessing, os, signal, sys, time
def use(times):
    for _ in range(times):
        engine.has_table("x")
    return times
def fork(end):
    pid = os.fork()
    if not pid:
        use(3)
        end()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def work():
    use(10)
    if not os.fork():
        use(20)
        os._exit(0)
    os.wait()
    sys.exit(6)
engine.has_table("y")
context = multiprocessing.get_context("fork")
process = context.Process(target=work)
process.start()
process.join()
with context.Pool(2) as pool:
    print(pool.map(use, [100, 100]), flush=True)
    pool.close()
    pool.join()
print(
    process.exitcode,
    fork(lambda: sys.exit(4)),
    fork(lambda: os._exit(5)),
    fork(lambda: os.kill(os.getpid(), signal.SIGKILL)),
    fork(lambda: os.execv(sys.executable, [sys.executable, "-c", "exit(8)"])),
)
sys.stdout.flush()
folder = os.environ["TMPDIR"]
own = [name for name in os.listdir(folder) if name.startswith("sqlsoup-legacy-")][0]
if not os.fork():
    while os.path.exists(os.path.join(folder, own)):
        time.sleep(0.01)
    print("left alone,", use(1))
"""


def test_children(legacy, write, tmp_path):
    """What forked processes use is in the one report, and they end as they end under Python."""
    write(OLD + CHILDREN)
    printed, error = legacy("--strict", "--report", "notes.json", "program.py", status=3)
    assert printed == "[100, 100]\n6 4 5 -9 8\nleft alone, 1\n"
    assert error.count("sqlsoup.legacy:") == 1
    # All uses of those that end by themselves, and the first of those that do not.
    counted = 10 + 20 + 200 + 3 + 3 + 1 + 1
    assert notes(tmp_path / "notes.json") == {"engine-tables": [(7, counted), (22, 1)]}


def test_child_of_a_process_with_threads():
    """A child notes what it uses although another thread was about to note when it was forked."""
    program = (
        "import os, signal, threading, warnings\n"
        "import sqlalchemy\n"
        "from sqlsoup import legacy\n"
        "legacy.enable(warnings=False)\n"
        "from sqlsoup.legacy import _notes\n"
        "warnings.simplefilter('ignore')\n"
        "engine = sqlalchemy.create_engine('sqlite://')\n"
        "held, end = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with _notes._lock:\n"
        "        held.set()\n"
        "        end.wait()\n"
        "threading.Thread(target=hold).start()\n"
        "held.wait()\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    signal.alarm(5)\n"
        "    engine.has_table('x')\n"
        "    os._exit(len(legacy.report().notes))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
        "end.set()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"1\n"


def test_ends_at_once(legacy, write, tmp_path):
    """A program that ends by ``os._exit()`` is reported on as well, and only once."""
    write(OLD + "import os\nprint('lost')\nengine.has_table('x')\nos._exit(0)\n")
    _, error = legacy("--strict", "--report", "notes.json", "program.py", status=3)
    assert error.count("sqlsoup.legacy:") == 1
    assert notes(tmp_path / "notes.json") == {"engine-tables": [(5, 1)]}


def test_exit_is_put_back(tmp_path, monkeypatch, capsys):
    """``os._exit()`` reports first, then ends the process, and is itself again by then."""
    ended = []
    monkeypatch.setattr(os, "_exit", end := ended.append)
    monkeypatch.setattr(_notes, "in_child_processes", lambda step: None)
    run = _run._Run(_run.parse(["--report", str(tmp_path / "none" / "x.txt"), "program.py"]))
    assert os._exit == run.exit
    os._exit(0)
    assert os._exit == end
    os._exit(5)
    assert ended == [1, 5]
    assert "the report cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "ending", "status"),
    [
        (["--quiet", "--strict"], "", 3),
        (["--quiet", "--strict"], "sys.exit(0)", 3),
        (["--quiet", "--strict"], "sys.exit(4)", 4),
        (["--quiet", "--strict"], "sys.exit(0.0)", 1),
        (["--quiet", "--strict"], "engine.dispose()\n_notes.clear()", 0),
    ],
)
def test_quiet_and_strict(legacy, write, options, ending, status):
    """``--strict`` gives 3 instead of 0 if there are notes; ``--quiet`` prints none of them."""
    write(f"{OLD}import sys\nfrom sqlsoup.legacy import _notes\nengine.has_table('x')\n{ending}\n")
    said = "0.0\n" if "0.0" in ending else ""
    assert legacy(*options, "program.py", status=status) == ("", said)


@pytest.mark.parametrize(("ending", "status"), [("", 1), ("sys.exit(4)", 4)])
def test_report_that_cannot_be_written(legacy, write, tmp_path, ending, status):
    """There is a message and the status 1, unless the program has a status of its own."""
    write(f"import sys\n{ending}\n")
    where = tmp_path / "none" / "x.json"
    _, error = legacy("--quiet", "--report", "none/x.json", "program.py", status=status)
    assert error == (
        "sqlsoup.legacy: the report cannot be written: "
        f"[Errno 2] No such file or directory: {str(where)!r}\n"
    )


def test_nowhere_to_report_to(legacy, write):
    """A program that closes its standard output and error ends as under Python."""
    write(OLD + "import sys\nengine.has_table('x')\nsys.stderr.close()\nsys.stdout = None\n")
    assert legacy("program.py") == ("", "")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "name a SCRIPT, a module with -m, code with -c, or - for standard input"),
        (["--quiet"], "name a SCRIPT, a module with -m, code with -c, or - for standard input"),
        (["--report"], "argument --report: expected one argument"),
        (["-m"], "argument -m: expected one argument"),
        (["--strictly", "x.py"], "unrecognized arguments: --strictly"),
        (["--rep", "x.txt", "y.py"], "unrecognized arguments: --rep"),
    ],
)
def test_usage_error(capsys, args, said):
    """A command line that names no program, or an unknown option, ends with status 2."""
    with pytest.raises(SystemExit) as caught:
        _run.main(args)
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "usage: python -m sqlsoup.legacy [options] (SCRIPT | -m MODULE | -c CODE | -) [ARGS]\n"
        f"python -m sqlsoup.legacy: error: {said}\n"
    )


@pytest.mark.parametrize(
    ("args", "report", "program"),
    [
        (["--report", "m", "x.py", "-m"], "m", ["x.py", "-m"]),
        (["--report=x.txt", "-mx.y", "--quiet"], "x.txt", ["x.y", "--quiet"]),
        (["-m", "x", "-h", "--report", "y"], None, ["x", "-h", "--report", "y"]),
        (["x.py", "--", "-m"], None, ["x.py", "--", "-m"]),
    ],
)
def test_command_line(args, report, program):
    """What is left of the name of the program is ours, and the rest is the program's."""
    options = _run.parse(args)
    assert (options.report, options.program, options.quiet) == (report, program, False)


def test_help(capsys):
    """``-h`` tells the options."""
    with pytest.raises(SystemExit) as caught:
        _run.main(["-h"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for option in ("-h, --help", "--report FILE", "--quiet", "--strict", "-m MODULE", "SCRIPT"):
        assert f"\n  {option} " in shown


def test_other_sqlalchemy(python):
    """On another SQLAlchemy the runner says so in one sentence, and runs nothing."""
    start = (
        "import runpy, sqlalchemy\n"
        "sqlalchemy.__version__ = '1.4.54'\n"
        "runpy.run_module('sqlsoup.legacy', run_name='__main__', alter_sys=True)\n"
    )
    assert python("-c", start, "program.py", status=1) == (
        "",
        "sqlsoup.legacy knows SQLAlchemy 2.0 and 2.1, not 1.4.54; install one of them\n",
    )


SENTENCE = "; if it is Python 2, convert it with 2to3 of Python 3.12, or fissix, and run the result"
NO_UTF8 = "Non-UTF-8 code starting with '\\xe9' on line 3"
if sys.version_info < (3, 14):
    NO_UTF8 = "(unicode error) 'utf-8' codec can't decode byte 0xe9"


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        (b"x = 1\nprint 'x'\n", 2, "Missing parentheses in call to 'print'. Did you mean print"),
        (b"if 1:\n        x = 1\n\tx = 2\n", 3, "inconsistent use of tabs and spaces in indent"),
        (b"try: x\nexcept OSError, error: pass\n", 2, "multiple exception types must be paren"),
        (b"try: x\nexcept OSError, (a, b): pass\n", 2, "multiple exception types must be paren"),
        (b"mode = 0777\n", 1, "leading zeros in decimal integer literals are not permitted"),
        (b"exec 'x'\n", 1, "Missing parentheses in call to 'exec'"),
        (b"raise OSError, 'x'\n", 1, "invalid syntax"),
        (b"x = 1\ny = `x`\n", 2, "invalid syntax"),
        (b"#\n#\nx = '\xe9'\n", 3, NO_UTF8),
        (b"#!\n# coding: tis-621\n", 2, "unknown encoding: tis-621"),
        (b"# coding: ascii\n\nx = '\xe9'\n", 1, "'ascii' codec can't decode byte 0xe9"),
        (b"x = 1\0\n", 1, "source code "),
    ],
)
def test_python_2(tmp_path, source, line, why):
    """A script that does not compile is told by file and line, with how to convert it."""
    path = tmp_path / "program.py"
    path.write_bytes(source)
    with pytest.raises(SystemExit) as caught:
        _python3.compiled_file("program.py", path)
    said = caught.value.code
    assert said.startswith(f"program.py, line {line}: this does not compile as Python 3 ({why}")
    assert said.endswith(SENTENCE)
    assert said.count("\n") == 0


def test_python_2_is_not_run(legacy, write):
    """Nothing of a script that does not compile runs, and no traceback is shown."""
    write("print('x')\nprint 'y'\n")
    printed, error = legacy("program.py", status=1)
    assert printed == ""
    assert error.startswith("program.py, line 2: this does not compile as Python 3 (Missing paren")
    assert error.endswith(f"{SENTENCE}\n")
    assert error.count("\n") == 1


def test_python_2_in_a_module(python, legacy, write):
    """A module that does not compile has Python's traceback, and the sentence after it."""
    write("import other\n")
    path = write("x = 1\nprint 'y'\n", "other.py")
    _, plain = python("program.py", status=1)
    _, error = legacy("program.py", status=1)
    assert error.startswith(f"{plain}{path}, line 2: this does not compile as Python 3 (Missing")
    assert error.endswith(f"{SENTENCE}\n")


since_3_14 = pytest.mark.skipif(sys.version_info < (3, 14), reason="it is no syntax there")
"""The mark of what Python 3.14 was the first to compile."""


@since_3_14
@pytest.mark.parametrize(
    "source",
    [
        "try: 1 / 0\nexcept ValueError, ZeroDivisionError: pass",
        "from socket import error\ntry: error.x\nexcept OSError, AttributeError: pass",
        "from socket import *\ntry: 1 / 0\nexcept ZeroDivisionError, timeout: pass",
        "import json.decoder as j\ntry: 1 / 0\nexcept ZeroDivisionError, j.JSONDecodeError: pass",
        "class E(Exception): pass\ntry: raise E\nexcept OSError, E: pass",
        "def f(e):\n try: 1 / 0\n except OSError, e: pass\nf(ZeroDivisionError)",
        "e = ArithmeticError\ntry: 1 / 0\nexcept OSError, e: pass",
        "try: 1 / 0\nexcept (ZeroDivisionError, undefined if 0 else OSError): pass",
    ],
)
def test_two_exceptions_without_parentheses(both, write, source):
    """Two exceptions that there are, or that stand in parentheses, are no Python 2."""
    write(source)
    assert both("program.py") == ("", "")


@since_3_14
def test_python_2_in_a_module_that_runs(python, legacy, write):
    """A module whose ``except`` names what is not there has the traceback, and the sentence."""
    write("import other\n")
    path = write("try: 1 / 0\nexcept OSError, error: pass\n", "other.py")
    _, plain = python("program.py", status=1)
    _, error = legacy("program.py", status=1)
    assert "NameError: name 'error' is not defined" in plain
    start = f"{plain}{path}, line 2: this does not compile as Python 3 (multiple exception types"
    assert error.startswith(start)
    assert error.endswith(f"{SENTENCE}\n")


def test_pytest(legacy, write, tmp_path):
    """A suite of tests runs by pytest, and its places are those of the test files."""
    write(
        f"{OLD}def test_old():\n    assert not engine.has_table('x')\n    engine.dispose()\n",
        "test_it.py",
    )
    printed, error = legacy("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
    assert printed.splitlines()[-1].startswith("1 passed in ")
    assert "\ntest_it.py:4  1x    Engine.table_names(), Engine.has_table()  " in error


def test_warnings(both, legacy, write):
    """A program's own warnings are shown once, and those of the old forms are not shown."""
    write(f"{OLD}import warnings\nx = 1 is 1\nwarnings.warn('own')\n")
    _, error = both("program.py", flags=["-W", "always"])
    assert error.count("SyntaxWarning") == error.count("UserWarning: own") == 1
    write(f"{OLD}engine.has_table('x')\n")
    _, error = legacy("program.py", flags=["-W", "always"])
    assert "DeprecationWarning" not in error
