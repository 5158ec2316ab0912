"""create_engine(): arguments and URLs that meant something else, or are gone."""

from __future__ import annotations

import importlib.util
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import Pool

from sqlsoup.legacy import _proxies, _threads
from sqlsoup.legacy._frames import asking, is_alone_in_format, is_internal, is_ours
from sqlsoup.legacy._notes import note
from sqlsoup.legacy._patch import function, method, missing, plan, replace, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_GONE = {
    "encoding", "convert_unicode", "unicode_error", "assert_unicode", "case_sensitive",
    "pool_threadlocal", "use_native_unicode", "empty_in_strategy", "server_side_cursors",
    "use_batch_mode", "use_native_uuid", "executemany_values_page_size",
}  # fmt: skip
_DRIVERS = {"postgresql": "psycopg2", "oracle": "cx_oracle"}
"""The drivers that URLs without one meant before SQLAlchemy 2.1."""

_LISTENER_EVENTS = ("first_connect", "connect", "checkout", "checkin")


def as_it_was(url: URL) -> URL:
    """Return a URL with the driver that it meant."""
    name = url.drivername
    if name.startswith("postgres") and not name.startswith("postgresql"):
        note("url-scheme")
        name = name.replace("postgres", "postgresql", 1)
    driver = _DRIVERS.get(name)
    if (
        driver
        and url.set(drivername=name).get_dialect().driver != driver
        and importlib.util.find_spec(driver)
    ):
        name += f"+{driver}"
        note("url-driver", instead=f"{name}://")
    return url if name == url.drivername else url.set(drivername=name)


class _Mock(MockConnection):
    """What calls a function with each statement, and the parameters as they are given."""

    def execute(  # type: ignore[override]
        self, statement: Any, /, *args: Any, **params: Any
    ) -> Any:
        """Call the function; None, which SQLAlchemy 2 gives for no parameters, is none."""
        args = () if args == (None,) else args
        return self._execute_impl(statement, *args, **params)


@function(sa.create_engine)
def _create_engine(before: Callable[..., Any], url: Any = None, **kw: Any) -> Any:
    if "name_or_url" in kw:
        note("engine-argument", old="create_engine(name_or_url=...)", instead="create_engine(url)")
        url = kw.pop("name_or_url")
    strategy = kw.get("strategy", "plain")
    if strategy == "plain" and kw.pop("strategy", None):
        note("engine-argument", old="create_engine(strategy='plain')")
    kw.pop("strategy", None)
    hear = _hearing(kw)
    is_shared = kw.get("pool_threadlocal") and kw.pop("pool_threadlocal")
    if strategy not in ("plain", "threadlocal", "mock"):
        raise ArgumentError(f"unknown strategy: {strategy!r}")
    _leave_out(kw)
    url = as_it_was(make_url(real(url)))
    if strategy == "mock":
        note("mock-engine")
        if "executor" not in kw:
            raise ArgumentError("create_engine(strategy='mock') takes an executor=")
        return _Mock(sa.create_mock_engine(url, kw["executor"]).dialect, kw["executor"])
    engine: Engine = before(url, **kw)
    if strategy == "threadlocal":
        note("threadlocal")
        _threads.share(engine)
    if is_shared:
        note("threadlocal", old="create_engine(pool_threadlocal=True)")
        _threads.share_pool(engine)
    hear(engine)
    return engine


def _hearing(kw: dict[str, Any]) -> Callable[[Engine], None]:
    """Take what is to hear of the engine out of its arguments, and return what has it hear."""
    if "listeners" in kw:
        note("engine-listeners")
    if "proxy" in kw:
        note("engine-proxy")
    listeners, connection_proxy = kw.pop("listeners", ()), kw.pop("proxy", None)

    def hear(engine: Engine) -> None:
        for listener in listeners:
            _listen(engine.pool, listener)
        if connection_proxy is not None:
            _proxies.listen(engine, connection_proxy)

    return hear


def _leave_out(kw: dict[str, Any]) -> None:
    """Take what is gone out of the arguments of an engine."""
    for name in sorted(_GONE & kw.keys()):
        note("engine-argument", old=f"create_engine({name}=...)")
        del kw[name]
    if kw.get("executemany_mode") in ("batch", "values"):
        old = f"create_engine(executemany_mode={kw.pop('executemany_mode')!r})"
        note("engine-argument", old=old, instead="leave it out, or 'values_plus_batch'")
    for name in ("json_serializer", "json_deserializer"):
        if f"_{name}" in kw:
            note("engine-argument", old=f"create_engine(_{name}=...)", instead=f"{name}=")
            kw[name] = kw.pop(f"_{name}")


def _listen(pool: Pool, listener: Any) -> None:
    for name in _LISTENER_EVENTS:
        hook = listener.get(name) if isinstance(listener, dict) else getattr(listener, name, None)
        if callable(hook):
            event.listen(pool, name, hook)
    if callable(listener):
        event.listen(pool, "connect", listener)


@replaced(Pool, "__init__")
def _pool(before: Callable[..., Any]) -> Callable[..., Any]:
    def init(  # create_engine() asks for the names of the arguments
        pool: Pool,
        creator: Any,
        recycle: Any = -1,
        echo: Any = None,
        use_threadlocal: Any = None,
        logging_name: Any = None,
        reset_on_return: Any = True,
        listeners: Any = None,
        events: Any = None,
        dialect: Any = None,
        pre_ping: Any = False,
        _dispatch: Any = None,
    ) -> None:
        if use_threadlocal:
            note("threadlocal", old="use_threadlocal=True of a pool")
        elif use_threadlocal is not None:
            note("engine-argument", old="use_threadlocal= of a pool")
        if listeners is not None:
            note("engine-listeners")
        before(
            pool, creator, recycle=recycle, echo=echo, logging_name=logging_name,
            reset_on_return=reset_on_return, events=events, dialect=dialect, pre_ping=pre_ping,
            _dispatch=_dispatch,
        )  # fmt: skip
        for listener in listeners or ():
            _listen(pool, listener)
        if use_threadlocal:
            _threads.share_pool(pool)

    return init


@missing(Pool, "add_listener")
def _add_listener(pool: Pool, listener: Any) -> None:
    note("engine-listeners")
    _listen(pool, listener)


def _of_today(target: Any, identifier: str, fn: Any, *args: Any, **kw: Any) -> None:
    before: Any = "BEFORE"
    handler: Any = "HANDLER"
    (handler if identifier == "dbapi_error" else before)(target, identifier, fn, *args, **kw)


@function(event.listen, template=_of_today)
def _on(
    before: Callable[..., Any], target: Any, _identifier: str, fn: Any, *args: Any, **kw: Any
) -> None:
    note("name", old="the event dbapi_error", instead="the event handle_error")

    def handle(context: Any) -> None:
        of = context.execution_context
        if of is not None and context.sqlalchemy_exception:  # an error of the driver
            at = context.connection, of.cursor, context.statement, context.parameters
            fn(*at, of, context.original_exception)

    before(target, "handle_error", handle, *args, **kw)


class PoolListener:
    """Base class of what listens to the connections of a pool, with the hooks of the time."""


@method(URL, "__str__")
def _str(before: Callable[..., Any], url: URL) -> str:
    if url.password is None or is_internal():
        return before(url)  # type: ignore[no-any-return]
    note("url-password")
    return url.render_as_string(hide_password=False)


@missing(URL, "password_original", property)
def _password_original(url: URL) -> Any:
    note("name", old="URL.password_original", instead="URL.password")
    return url.password


class OldURL:
    """A URL that can be changed, and that is no tuple, which ``%`` would take apart."""

    __slots__ = ("_url",)
    _url: URL

    def __init__(self, url: URL) -> None:
        object.__setattr__(self, "_url", url)

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # what isinstance() asks beside the type
        return URL

    @property
    def query(self) -> dict[str, Any]:
        """What follows the question mark, which can be changed as well."""
        return _Query(self)

    def __getattr__(self, name: str) -> Any:  # what the module adds to a URL
        return getattr(self._url, name)

    def __setattr__(self, name: str, value: Any) -> None:
        note("url-changed", instead=f"url = url.set({name}=...)")
        object.__setattr__(self, "_url", URL.create(**{**self._url._asdict(), name: value}))

    def __str__(self) -> str:
        frame = asking()
        if is_alone_in_format(frame):
            note("url-percent")
        is_secret = self.password is None or is_ours(frame)
        return str(self._url) if is_secret else _with_password(self._url)

    def __repr__(self) -> str:
        return repr(self._url)

    def __eq__(self, other: object) -> bool:
        return bool(self._url == real(other))

    def __hash__(self) -> int:
        return hash(self._url)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._url)

    def __len__(self) -> int:
        return len(self._url)

    def __getitem__(self, item: Any) -> Any:
        return self._url[item]

    def __dir__(self) -> Iterable[str]:
        return dir(self._url)

    def __copy__(self) -> OldURL:
        return OldURL(self._url)

    def __deepcopy__(self, _copied: object) -> OldURL:
        return OldURL(self._url)

    def __reduce__(self) -> Any:
        return real, (self._url,)


for _name in dir(URL):
    if not hasattr(OldURL, _name):
        setattr(OldURL, _name, property(attrgetter(f"_url.{_name}")))  # for its speed


def _with_password(url: URL) -> str:
    note("url-password")
    return url.render_as_string(hide_password=False)


class _Query(dict[str, Any]):
    """The query of a URL that can be changed."""

    def __init__(self, url: OldURL) -> None:
        super().__init__(url._url.query)
        self._of = url


def _changing(name: str) -> Callable[..., Any]:
    def change(query: _Query, *args: Any, **kw: Any) -> Any:
        result = getattr(dict, name)(query, *args, **kw)
        query._of.query = dict(query)  # type: ignore[misc]
        return result

    return change


for _name in (
    "__setitem__",
    "__delitem__",
    "__ior__",
    "clear",
    "pop",
    "popitem",
    "setdefault",
    "update",
):
    setattr(_Query, _name, _changing(_name))


def real(url: Any) -> Any:
    """Return a URL as SQLAlchemy 2 has it, and anything else as it is."""
    return url._url if type(url) is OldURL else url


_PARTS = len(URL._fields)


@replaced(URL, "__new__")
def _new(before: Callable[..., Any]) -> Callable[..., Any]:
    def new(cls: type[URL], *args: Any, **kw: Any) -> Any:
        if len(args) == _PARTS or is_ours(asking()):
            return before(cls, *args, **kw)
        if len(args) + len(kw) < _PARTS:
            note("url-call")
        given = dict(zip(URL._fields, args, strict=False)) | kw
        parts = {name: value for name, value in given.items() if value is not None}
        return OldURL(URL.create(**parts))

    return new


@function(make_url)
def _make_url(before: Callable[..., Any], name_or_url: Any, *args: Any, **kw: Any) -> Any:
    url = before(real(name_or_url), *args, **kw)
    if is_ours(asking(2)) or not isinstance(url, URL):
        return url
    return name_or_url if isinstance(name_or_url, URL) else OldURL(url)


@plan
def _url_of_engines() -> None:
    def get(engine: Any) -> Any:
        url = vars(engine)["url"]
        return url if is_ours(asking()) or type(url) is not URL else OldURL(url)

    def put(engine: Any, url: Any) -> None:
        vars(engine)["url"] = real(url)

    replace(Engine, "url", property(get, put))
