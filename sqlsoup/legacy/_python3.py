"""Programs as Python 3 compiles them, and what is said of those of Python 2."""

from __future__ import annotations

import ast
import builtins
import io
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, TracebackType


def compile_program(source: str | bytes, name: str) -> CodeType:
    """Compile a program; ``except OSError, error:`` of Python 2 is refused by all releases.

    From Python 3.14 on it is two exceptions, the second of which may be any expression.
    """
    tree = ast.parse(source, name)
    if line := _old_except(tree):
        raise SyntaxError("multiple exception types must be parenthesized", (name, line, 1, None))
    return compile(tree, name, "exec", dont_inherit=True)


def compiled_file(name: str, path: Path) -> CodeType:
    """Compile the file of a program, or end the process with what is wrong with it."""
    with io.open_code(str(path)) as file:
        source = file.read()
    try:
        return compile_program(source, str(path))
    except (SyntaxError, ValueError) as error:
        # There is no line in an error of the encoding, which is declared in the first or second.
        line = 1 + any(b"coding" in line for line in source.splitlines()[1:2])
        sys.exit(not_python_3(name, getattr(error, "lineno", None) or line, error))


def _old_except(tree: ast.AST) -> int | None:
    """Return the line of the first ``except`` with two exceptions that names what nothing binds."""
    bound = set(dir(builtins))
    pairs: list[ast.Tuple] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.ClassDef(name=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.alias(name="*"):
                return None
            case ast.alias(name=name, asname=other):
                bound.add(other or name.partition(".")[0])
            case ast.ExceptHandler(type=ast.Tuple(elts=[first, _]) as pair):
                if pair.col_offset == first.col_offset:  # or else it is in parentheses
                    pairs.append(pair)
    for pair in pairs:
        names = {node.id for node in ast.walk(pair.elts[1]) if isinstance(node, ast.Name)}
        if names - bound:
            return pair.lineno
    return None


def compiled_again(trace: TracebackType | None) -> SyntaxError | None:
    """Return what is wrong with the module that an error arose in, for all that Python ran it."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)]
    if not files:
        return None
    name = files[-1]
    try:
        compile_program(Path(name).read_bytes(), name)
    except SyntaxError as error:
        return error
    except (OSError, ValueError):
        pass
    return None


def not_python_3(name: str, line: int | None, error: SyntaxError | ValueError) -> str:
    """Return the message for a program that does not compile."""
    where = f"{name}, line {line}" if line else name
    return (
        f"{where}: this does not compile as Python 3 ({getattr(error, 'msg', error)}); if it is "
        "Python 2, convert it with 2to3 of Python 3.12, or fissix, and run the result"
    )
