"""All looking at who calls: frames, the modules that they are in, and their bytecode.

What a frame is asked is whose it is, and what its code does with the value that it is about to
get.  A release of Python may change the second, whose instructions are read here alone.
"""

from __future__ import annotations

import dis
import os
import re
import sys
import sysconfig
from contextlib import suppress
from functools import cache, lru_cache, reduce
from importlib import metadata
from inspect import getattr_static, unwrap
from itertools import dropwhile, takewhile
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlsoup._sa import UNSEEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import CodeType, FrameType, TracebackType

_PASSING_ON = frozenset(
    ("contextlib", "copy", "importlib", "importlib._bootstrap", "json", "json.encoder", "runpy")
)


@cache
def ours(module: str) -> bool:
    """Tell modules of SQLAlchemy and SQLSoup from those of programs."""
    return module.startswith(("sqlalchemy.", "sqlsoup.")) or module in ("sqlalchemy", "sqlsoup")


def module_of(frame: FrameType) -> str:
    """Return the name of the module that a frame is in."""
    return str(frame.f_globals.get("__name__", ""))


def is_ours(frame: FrameType) -> bool:
    """Tell if a frame is one of SQLAlchemy or SQLSoup."""
    return ours(frame.f_globals.get("__name__", ""))


def asking(above: int = 1) -> FrameType:
    """Return the frame that calls the function which calls this, or one further above.

    The method of a session that passes on what it executes is none.
    """
    frame: Any = sys._getframe(above + 1)
    if frame.f_globals.get("__name__") == UNSEEN:
        frame = frame.f_back
    return frame  # type: ignore[no-any-return]


at_work = sys._getframe
"""What gives the frame that calls it, with no call in between, for its speed."""


def is_asked_by_json() -> bool:
    """Tell in a method if Python's module json called it."""
    return sys._getframe(2).f_globals.get("__name__", "").startswith("json.")  # type: ignore[no-any-return]


def is_internal() -> bool:
    """Tell in what stands for a method if SQLAlchemy or SQLSoup called it, and no program."""
    return is_ours(sys._getframe(3))


def caller() -> FrameType | None:
    """Return the frame of the program, outside SQLAlchemy, SQLSoup and Python's own library.

    Where a thread of the library has been given a method of SQLAlchemy, it is that of the library.
    """
    frame: FrameType | None = sys._getframe(1)
    library = None
    while frame and (kind := _kind(frame.f_globals.get("__name__", ""), frame.f_code.co_filename)):
        if kind is _OF_PYTHON and library is None:
            library = frame
        frame = frame.f_back
    return frame or library


def passes_on(frame: FrameType) -> bool:
    """Tell if a frame does what another one asked for."""
    return _kind(module_of(frame), frame.f_code.co_filename) is not None


@cache
def _kind(module: str, file: str) -> str | None:
    """Tell what only passes on, and what else is of Python's own library, from programs."""
    if ours(module) or module in _PASSING_ON:
        return "passing on"
    is_of_python = file.startswith(_LIBRARY) and "site-packages" not in file
    return _OF_PYTHON if is_of_python else None


_OF_PYTHON = "of Python"
_LIBRARY = sysconfig.get_path("stdlib") + os.sep


def is_within(module: str) -> bool:
    """Tell if a module of SQLAlchemy or SQLSoup is at work between here and the program."""
    return any(module_of(frame) == module for frame in _own_frames(sys._getframe(2)))


def is_within_call(function: str) -> bool:
    """Tell if a function of SQLAlchemy or SQLSoup is at work between here and the program."""
    return any(frame.f_code.co_name == function for frame in _own_frames(sys._getframe(2)))


def is_running(function: Any) -> bool:
    """Tell if a function of the program has called this, however many calls are between."""
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_code is not getattr(function, "__code__", None):
        frame = frame.f_back
    return frame is not None


def knows(function: Any, *names: str) -> bool:
    """Tell if a function of the program has one of these names for an argument, or as text."""
    code = getattr(function, "__code__", None)
    return code is not None and not {*code.co_varnames, *code.co_consts}.isdisjoint(names)


def _own_frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame and is_ours(frame):
        yield frame
        frame = frame.f_back


def is_new_to(frame: FrameType) -> bool:
    """Tell if what asks has never known the old forms: pandas, which takes rows as they are."""
    return module_of(frame).startswith("pandas.")


def is_of_today(frame: FrameType) -> bool:
    """Tell if a frame is of a package made for SQLAlchemy 1.4 or later, such as Alembic."""
    return _is_installed(frame) and _requires_new(module_of(frame).partition(".")[0])


def _is_installed(frame: FrameType) -> bool:
    return _SITE.search(frame.f_code.co_filename) is not None


_SITE = re.compile(r"\b(site|dist)-packages\b")  # the second is Debian's


@cache
def _requires_new(package: str) -> bool:
    found = filter(None, metadata.packages_distributions().get(package, ()))
    required = (each for name in found for each in metadata.requires(name) or ())
    return any(map(_OF_TODAY.match, required))


_OF_TODAY = re.compile(
    r"sqlalchemy(?![\w.-])[^;]*(>=?|~=|==)\s*(1\.([4-9]|[1-9]\d)|[2-9])", re.IGNORECASE
)


def has_another_way(frame: FrameType) -> bool:
    """Tell if a frame of an installed package is ready for a TypeError where it asks for an item.

    Marshmallow and Jinja ask for an attribute then.
    """
    code, at = place_of(frame)
    return _is_installed(frame) and "TypeError" in code.co_names and _is_in_try(code, at)


def _is_in_try(code: CodeType, at: int) -> bool:
    bytecode: Any = dis.Bytecode(code)
    return any(entry.start <= at < entry.end for entry in bytecode.exception_entries)


def place_of(frame: FrameType) -> tuple[CodeType, int]:
    """Return the instruction at which a frame is."""
    return frame.f_code, frame.f_lasti


def _name_of_instruction(frame: FrameType) -> str:
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def is_call(frame: FrameType) -> bool:
    """Tell if an attribute that is being read is a method that is then called."""
    code, at = frame.f_code.co_code, frame.f_lasti
    is_flagged = sys.version_info >= (3, 12) and bool(code[at + 1] & 1)
    return _name_of_instruction(frame) != "LOAD_ATTR" or is_flagged


def is_named(frame: FrameType, name: str) -> bool:
    """Tell if a program's code has the name that is being read, which hasattr() does not use."""
    if passes_on(frame):
        return False
    code = frame.f_code
    is_read = _name_of_instruction(frame) in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")
    return is_read or ("getattr" in code.co_names and name in code.co_consts)


def is_format(frame: FrameType) -> bool:
    """Tell if a frame formats a string by ``%``."""
    return _name_of_instruction(frame) == "BINARY_OP" and module_of(frame) != "logging"


def is_alone_in_format(frame: FrameType) -> bool:
    """Tell if a frame formats a string by ``%`` with one value, and no tuple of values."""
    return is_format(frame) and _two_steps_before(*place_of(frame))[-1].opname != "BUILD_TUPLE"


_GIVING_A_ROW = ("fetchone", "first", "next", "one", "one_or_none")


def is_value_in_format(frame: FrameType, value: object) -> bool:
    """Tell if a frame formats a string by ``%`` with a value, and with nothing that holds it."""
    if not is_alone_in_format(frame):
        return False
    before, last = _two_steps_before(*place_of(frame))
    if last.opname.startswith("LOAD_") and "ATTR" not in last.opname:
        name = last.argval[-1] if isinstance(last.argval, tuple) else last.argval
        return frame.f_locals.get(name, frame.f_globals.get(name)) is value
    return last.opname.startswith("CALL") and before.argval in _GIVING_A_ROW


@cache
def _two_steps_before(code: CodeType, at: int) -> list[dis.Instruction]:
    return [step for step in _steps(code) if step.offset < at][-2:]


def ends(connection: object) -> bool:
    """Tell if a program says commit() or rollback() of a connection, which 1.3 did not have.

    The connection is in a variable of code at work, or in an attribute of an object whose class
    says so.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame:
        code = frame.f_code
        if not is_ours(frame) and any(
            _value(frame, path) is connection
            for path in (*_ended(code), *_ended_by_class_of(code, frame.f_globals))
        ):
            return True
        frame = frame.f_back
    return False


def _value(frame: FrameType, path: tuple[str, ...]) -> object:
    """Return what a frame has for a variable, or an attribute of it, and so on."""
    value = frame.f_locals.get(path[0], frame.f_globals.get(path[0]))
    return reduce(_attribute, path[1:], value)


def _ended_by_class_of(code: CodeType, names: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the attributes of its first argument of which the class says so that code is of."""
    paths = _ended_by_class(_class_of(code, names)) if code.co_argcount else ()
    return [(code.co_varnames[0], *path) for path in paths]


def _attribute(value: object, name: str) -> object:
    """Return what an object has for an attribute, without running any code of the program."""
    found = getattr_static(value, name, None)
    if isinstance(found, MemberDescriptorType):
        slot, found = found, None
        with suppress(AttributeError):
            found = slot.__get__(value, type(value))
    return found


def _class_of(code: CodeType, names: dict[str, Any]) -> type | None:
    """Return the class in which code is a method, if it is not local to a function.

    :param names: the global names of the code.
    """
    found: Any = None
    inner: Any = names
    for each in code.co_qualname.split(".")[:-1]:
        found = inner.get(each)
        if not issubclass(type(found), type):  # isinstance() asks a proxy for its __class__
            return None
        inner = vars(found)
    return found  # type: ignore[no-any-return]


_by_class: WeakKeyDictionary[type, frozenset[tuple[str, ...]]] = WeakKeyDictionary()


def _ended_by_class(kind: type | None) -> frozenset[tuple[str, ...]]:
    """Return the attributes, or theirs, of which methods of a class say commit() or rollback()."""
    if kind is None:
        return frozenset()
    with suppress(TypeError):  # it has no hash
        if kind not in _by_class:
            _by_class[kind] = frozenset(_attributes_ended_by(kind))
        return _by_class[kind]
    return frozenset()


def _attributes_ended_by(kind: type) -> Iterator[tuple[str, ...]]:
    values = [value for each in kind.__mro__ for value in [*vars(each).values()]]
    for function in [value for value in values if isinstance(value, FunctionType)]:
        code = function.__code__
        with suppress(ValueError):  # it wraps itself
            code = unwrap(function, stop=_wraps_no_function).__code__
        for variable, *path in _ended(code):
            if path and variable in code.co_varnames[: code.co_argcount][:1]:
                yield tuple(path)


def _wraps_no_function(function: Any) -> bool:
    return not isinstance(function.__wrapped__, FunctionType)


def is_ended_by(code: CodeType, at: int, names: dict[str, Any]) -> bool:
    """Tell if a program says commit() or rollback() of the connection that an instruction gives it.

    That is put into a variable, by a ``with`` block or not, or into an attribute of the object
    whose method it is, and may be given options before.

    :param names: the global names of the code.
    """
    kept = _kept_in(code, at)
    return kept in _ended(code) or kept in _ended_by_class_of(code, names)


def has_driver(names: dict[str, Any]) -> bool:
    """Tell if code has a database driver, or what it has taken of one, among its global names."""
    kinds = (ModuleType, FunctionType, BuiltinFunctionType, type)
    taken = [value for value in names.values() if issubclass(type(value), kinds)]
    modules = {
        value.__name__ if isinstance(value, ModuleType) else str(value.__module__)
        for value in taken
    }
    packages = {module.partition(".")[0].removeprefix("_") for module in modules}  # _sqlite3
    return any(hasattr(sys.modules.get(package), "apilevel") for package in packages)  # PEP 249


@lru_cache(1000)
def _kept_in(code: CodeType, at: int) -> tuple[str, ...]:
    """Return the variable where code puts what an instruction gives it, or also its attributes."""
    after = [step for step in _steps(code) if step.offset > at]
    if after[0].argval == "execution_options":
        after = [*dropwhile(lambda step: not step.opname.startswith("CALL"), after)][1:]
    for block in _BLOCKS:
        if [step.opname for step in after[: len(block)]] == block:
            after = after[len(block) :]
    for kept in after[:1]:
        if kept.opname.startswith("STORE_"):
            return (kept.argval[0] if isinstance(kept.argval, tuple) else kept.argval,)
        read = [*takewhile(_reads, after[1:])]
        if [step.opname for step in after[len(read) + 1 :][:1]] == ["STORE_ATTR"]:
            return _last(kept), *(step.argval for step in read), after[len(read) + 1].argval
    return ()


_BLOCKS = (
    ["BEFORE_WITH"],
    ["COPY", "LOAD_SPECIAL", "SWAP", "SWAP", "LOAD_SPECIAL", "CALL"],  # since Python 3.14
)


@lru_cache(1000)
def _ended(code: CodeType) -> frozenset[tuple[str, ...]]:
    """Return the variables, and attributes of them, of which code says commit() or rollback()."""
    found = set()
    steps = [] if _ENDS.isdisjoint(code.co_names) else _steps(code)
    for i, step in enumerate(steps):
        if step.argval in _ENDS and _reads(step):
            read = [*takewhile(_reads, reversed(steps[:i]))]
            of = steps[i - len(read) - 1]
            if of.opname.startswith("LOAD_"):
                found.add((_last(of), *(each.argval for each in reversed(read))))
    return frozenset(found)


def _reads(step: dis.Instruction) -> bool:
    """Tell if a step reads an attribute."""
    return step.opname in {"LOAD_ATTR", "LOAD_METHOD"}


def _last(step: dis.Instruction) -> str:
    """Return the variable that a step loads, or the second one."""
    return str(step.argval[-1] if isinstance(step.argval, tuple) else step.argval)


_ENDS = frozenset(("commit", "rollback"))


def _steps(code: CodeType) -> list[dis.Instruction]:
    return [step for step in dis.get_instructions(code) if step.opname not in _NO_STEPS]


def is_handled(trace: TracebackType | None) -> bool:
    """Tell if an error passed a ``with`` block, an except or a finally clause of a program."""
    while trace is not None:
        if not is_ours(trace.tb_frame) and _is_in_try(trace.tb_frame.f_code, trace.tb_lasti):
            return True
        trace = trace.tb_next
    return False


def is_import_of_module(frame: FrameType) -> bool:
    """Tell if a frame imports a module, by a statement or by a function."""
    return _name_of_instruction(frame) == "IMPORT_NAME" or frame.f_code.co_name == "_find_and_load"


def is_import_of_name(frame: FrameType) -> bool:
    """Tell if a frame imports a name from a module."""
    return _name_of_instruction(frame) == "IMPORT_FROM"


def is_import_of_all(frame: FrameType) -> bool:
    """Tell if a frame imports all names of a module."""
    return _name_of_instruction(frame) in ("IMPORT_STAR", "CALL_INTRINSIC_1")


@cache
def uses(code: CodeType, names: frozenset[str]) -> dict[str, int]:
    """Return which global names a module uses and does not define, with the first line of each."""
    found: dict[str, int] = {}
    own: set[str] = set()
    for each in _codes(code):
        line = each.co_firstlineno
        for step in dis.get_instructions(each):
            line = step.starts_line if type(step.starts_line) is int else line
            line = getattr(step, "line_number", line) or line
            if step.argval in names and step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                found.setdefault(step.argval, line)
            elif step.argval in names and step.opname in ("STORE_NAME", "STORE_GLOBAL"):
                own.add(step.argval)
    return {name: line for name, line in found.items() if name not in own}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _codes(constant)


@cache
def reads(code: CodeType, name: str) -> bool:
    """Tell if a module's code, or a function in it, reads a global name."""
    return any(
        step.argval == name and step.opname in ("LOAD_NAME", "LOAD_GLOBAL")
        for each in _codes(code)
        for step in dis.get_instructions(each)
    )


def stores_before(frame: FrameType, name: str) -> bool:
    """Tell if a module's code sets a name before the instruction at which its frame is."""
    return any(
        step.argval == name and step.opname == "STORE_NAME" and step.offset < frame.f_lasti
        for step in dis.get_instructions(frame.f_code)
    )


@cache
def asks_if(code: CodeType, at: int, kinds: Collection[str] = ("list",)) -> bool:
    """Tell if code asks whether what an instruction gives is a list: isinstance(..., list).

    The value is an argument there and then, or it is in a variable first.
    """
    steps = _steps(code)
    index = max(i for i, step in enumerate(steps) if step.offset <= at)  # or in its cache
    after = steps[index + 1] if index + 1 < len(steps) else steps[index]
    variable = after.argval if after.opname.startswith("STORE_") else None
    for i, step in enumerate(steps):
        if step.argval != "isinstance" or not step.opname.startswith("LOAD_"):
            continue
        end = next(
            (j for j in range(i + 1, len(steps)) if steps[j].argval in kinds), len(steps) - 1
        )
        if steps[end].argval in kinds and (
            i < index < end or (end == i + 2 and variable and steps[i + 1].argval == variable)
        ):
            return True
    return False


@cache
def is_asked_if_tuple(code: CodeType, at: int) -> bool:
    """Tell if an instruction is a call of isinstance(), with tuple as one of the classes."""
    before = [step for step in _steps(code) if step.offset < at]
    given = takewhile(lambda step: step.opname.startswith(("LOAD", "BUILD")), reversed(before))
    return (
        dis.opname[code.co_code[at]] in ("CALL", "PRECALL")
        and "isinstance" in code.co_names
        and any(step.argval == "tuple" for step in given)
    )


_NO_STEPS = ("CACHE", "PRECALL", "NOP", "RESUME", "EXTENDED_ARG", "PUSH_NULL")
