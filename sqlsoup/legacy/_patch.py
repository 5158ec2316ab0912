"""Put old names and calling forms into SQLAlchemy, and take them out again to the letter."""

from __future__ import annotations

import sys
from functools import partial, wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any

import sqlalchemy
import sqlalchemy.orm

from sqlsoup.legacy._frames import ours

if TYPE_CHECKING:
    from collections.abc import Callable

_MISSING = object()
_NOT_IN_DICT = ("__code__", "__defaults__", "__kwdefaults__")

_applied: list[tuple[Any, str, object, object]] = []
"""Owner, attribute, what it was and what it is now, in the order of patching."""

_plans: list[Callable[[], None]] = []


def replace(owner: Any, name: str, value: object) -> None:
    """Set an attribute, or an item of a dict, and remember what it was."""
    before = _get(owner, name)
    _set(owner, name, value)
    _applied.append((owner, name, before, _get(owner, name)))


def _get(owner: Any, name: str) -> object:
    if name in _NOT_IN_DICT:
        return getattr(owner, name)
    return (owner if isinstance(owner, dict) else vars(owner)).get(name, _MISSING)


def _set(owner: Any, name: str, value: object) -> None:
    if isinstance(owner, dict):
        owner[name] = value
        if value is _MISSING:
            del owner[name]
    elif value is _MISSING:
        delattr(owner, name)
    else:
        setattr(owner, name, value)


def internal(owner: Any, name: str) -> Any:
    """Return what has an underscore before its name in SQLAlchemy 2.1, and none in 2.0."""
    return getattr(owner, f"_{name}", None) or getattr(owner, name)


def method(owner: type, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function stand for a method of a class while the module is enabled.

    The function gets what was there before, or None, in front of the arguments of the call.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def plan(name: str) -> None:
            before = getattr(owner, name, None)

            @wraps(before or function)
            def call(*args: Any, **kw: Any) -> Any:
                return function(before, *args, **kw)

            replace(owner, name, call)

        _plans.extend(partial(plan, name) for name in names)
        return function

    return decorate


def replaced(
    owner: type, *names: str
) -> Callable[[Callable[[Any], Callable[..., Any]]], Callable[[Any], Callable[..., Any]]]:
    """Have what a function makes stand for a method, with no call in between, for its speed.

    The function gets what was there before.
    """

    def decorate(make: Callable[[Any], Callable[..., Any]]) -> Callable[[Any], Callable[..., Any]]:
        def plan(name: str) -> None:
            before = getattr(owner, name)
            replace(owner, name, wraps(before)(make(before)))

        _plans.extend(partial(plan, name) for name in names)
        return make

    return decorate


def missing(
    owner: type, name: str, kind: Callable[[Any], Any] | None = None, *, to_go: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function be a method of a class where the installed SQLAlchemy has none of its name.

    :param kind: ``property``, ``classmethod`` or ``staticmethod``.
    :param to_go: whether to do so too where SQLAlchemy has it, as the next release has it no more.
    """

    def decorate(value: Callable[..., Any]) -> Callable[..., Any]:
        item = value if kind is None else kind(value)
        _plans.append(
            lambda: replace(owner, name, item) if to_go or not hasattr(owner, name) else None
        )
        return value

    return decorate


def function(
    *targets: Any, template: Callable[..., Any] | None = None, **words: object
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function stand for functions of SQLAlchemy, wherever they were imported to.

    It is the code of the target that changes: names that a program has imported already, and those
    that it has yet to import, are the same object.

    :param template: whose code that becomes.  It finds the function in the place of its constant
     ``"HANDLER"``, what the target was in that of ``"BEFORE"``, and no globals: for calls that are
     plainly no old form it calls the second, which saves time.
    :param words: more constants of the template, and what takes their places.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        _plans.extend(
            partial(_redirect, target, handler, template or _any_call, words)
            for target in map(_original, targets)
        )
        return handler

    return decorate


def _original(target: Any) -> Any:
    """Return the function of SQLAlchemy in place of which a program may have put its own."""
    if _is_at_home(target):
        return target
    names = [
        name
        for module in (sqlalchemy, sqlalchemy.orm)
        for name, value in vars(module).items()
        if value is target
    ]
    homes = [module for name, module in sys.modules.items() if ours(name)]
    found = (vars(module).get(name) for module in homes for name in names)
    return next(filter(_is_at_home, found), target)


def _is_at_home(value: object) -> bool:
    """Tell if it is a function in the module of SQLAlchemy that defined it."""
    if not isinstance(value, FunctionType) or not ours(value.__module__):
        return False
    return vars(sys.modules[value.__module__]).get(value.__name__) is value


def _redirect(
    target: FunctionType, handler: Callable[..., Any], template: Any, words: dict[str, object]
) -> None:
    before = FunctionType(target.__code__, target.__globals__, target.__name__, target.__defaults__)
    before.__kwdefaults__ = target.__kwdefaults__
    words = {**words, "BEFORE": before, "HANDLER": partial(handler, before)}
    code = template.__code__
    constants = tuple(
        words.get(each, each) if isinstance(each, str) else each for each in code.co_consts
    )
    replace(target, "__code__", code.replace(co_consts=constants, co_name=target.__name__))
    replace(target, "__defaults__", template.__defaults__)
    replace(target, "__kwdefaults__", template.__kwdefaults__)


def _any_call(*args: Any, **kw: Any) -> Any:
    handler: Any = "HANDLER"
    return handler(*args, **kw)


def with_one(*args: Any, **kw: Any) -> Any:
    """Be the template of a function of which calls with one argument by position are no old form.

    What is to be quick spreads no arguments: a call with ``*args`` costs several without.
    """
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    if len(args) == 1 and not kw:
        return before(args[0])
    return handler(*args, **kw)


def without_names(*args: Any, **kw: Any) -> Any:
    """Be the template of a function of which calls without arguments by name are no old form."""
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    return handler(*args, **kw) if kw else before(*args)


def plan(step: Callable[[], None]) -> Callable[[], None]:
    """Have a function called when the module is enabled; it uses :func:`replace`."""
    _plans.append(step)
    return step


def apply() -> None:
    """Apply all that is planned; on an error nothing is."""
    try:
        for step in _plans:
            step()
    except BaseException:
        undo()
        raise


def undo() -> list[str]:
    """Take everything back, and return the names of what somebody else has replaced since."""
    foreign = []
    while _applied:
        owner, name, before, after = _applied.pop()
        if _get(owner, name) is after:
            _set(owner, name, before)
        else:
            foreign.append(_path(owner, name))
    return list(dict.fromkeys(foreign))


def _path(owner: Any, name: str) -> str:
    return f"sys.modules[{name!r}]" if owner is sys.modules else f"{owner.__name__}.{name}"


def applied() -> list[tuple[Any, str]]:
    """Return what is patched, as owners and names of attributes."""
    return [(owner, name) for owner, name, _, _ in _applied]
