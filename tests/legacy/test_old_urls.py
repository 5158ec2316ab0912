"""URLs as they were: changed in place, made with some of their parts, and no tuples."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys

import pytest
import sqlalchemy as sa
from conftest import noted_in
from sqlalchemy.engine.url import URL, make_url

from sqlsoup import legacy
from sqlsoup.legacy import _notes, _urls

pytestmark = pytest.mark.usefixtures("old_forms")


def forms():
    """Return the forms that were noted in this file."""
    return noted_in(__file__)


def test_made_by_hand(make_engine):
    """URL() takes some of the parts, by position and by name."""
    url = URL("sqlite", database="a.db")
    assert (str(url), url.drivername, url.database) == ("sqlite:///a.db", "sqlite", "a.db")
    assert str(URL("mysql", "u", None, "h", 3306)) == "mysql://u@h:3306"
    assert forms() == {"url-call"}
    assert make_engine(URL("sqlite")).execute("SELECT 1").scalar() == 1
    assert type(URL("sqlite", None, None, None, None, None, {})) is URL


def test_made_of_a_url():
    """make_url() gives the URL that it is given, of whatever it was made."""
    for url in (make_url("sqlite://"), URL.create("sqlite"), URL("sqlite")):
        assert make_url(url) is url


def test_changed_in_place(make_engine):
    """Each part can be set, and the query changed, and the engine is that of the changed URL."""
    url = make_url("sqlite:///a.db")
    url.database = None
    url.query["timeout"] = "5"
    url.query.update(detect_types="1")
    del url.query["timeout"]
    assert str(url) == "sqlite://?detect_types=1"
    assert forms() == {"url-changed"}
    assert url.query.pop("detect_types") == "1"
    assert make_engine(url).execute("SELECT 1").scalar() == 1
    assert sa.MetaData(url).bind.url == url


def test_percent(lite):
    """One URL after ``%`` is one value; it is noted, as it is a tuple of seven on 2.x."""
    url = lite.url
    shown = str(url)
    assert forms() == set()
    several = "%s" % (url,), "%s %d" % (url, 5)  # noqa: UP031
    assert several == (shown, f"{url} 5")
    logging.getLogger(__name__).warning("at %s", url)
    assert forms() == set()
    alone = "%s" % url  # noqa: UP031
    assert alone == shown
    assert forms() == {"url-percent"}


def test_password():
    """str() shows the password, as it did, and repr() does not."""
    url = make_url("postgresql://u:secret@h/d")
    assert repr(url) == "postgresql://u:***@h/d"
    assert forms() == set()
    assert str(url) == "postgresql://u:secret@h/d"
    assert forms() == {"url-password"}


def test_as_it_is(lite):
    """What 2.x has of a URL works on it, and nothing of it is noted."""
    url = lite.url
    same = make_url(str(url))
    assert isinstance(url, URL)
    assert isinstance(url, tuple)
    assert url == same == make_url(url)
    assert hash(url) == hash(same)
    assert url != "sqlite://"
    assert {url: 1}[same] == 1
    assert url.set(database="b").database == "b"
    assert (url[0], len(url), next(iter(url))) == ("sqlite", 7, "sqlite")
    assert url.get_backend_name() == "sqlite"
    assert url.query == {}
    assert "set" in dir(url)
    assert pickle.loads(pickle.dumps(url)) == copy.deepcopy(url) == url
    assert URL.create("sqlite") == make_url("sqlite://")
    with pytest.raises(sa.exc.ArgumentError):
        make_url(5)
    assert not legacy.report()


def test_engine_keeps_its_url(make_engine):
    """An engine has the URL of 2.x itself, with the module and after it."""
    engine = make_engine("sqlite:///a.db")
    engine.url.database = "other"
    assert engine.url.database == "a.db"
    engine.url = make_url("sqlite:///b.db")
    _notes.clear()
    legacy.disable()
    try:
        assert type(engine.url) is URL
        assert engine.url.database == "b.db"
    finally:
        legacy.enable(warnings=False)


def test_url_of_all_arguments():
    """A URL made of all its arguments by name can be changed, and is no note until then."""
    names = ("drivername", "username", "password", "host", "port", "database")
    url = URL(**dict(zip(names, ("mysql", "me", "pw", "h", 3306, "d"), strict=True)), query={})
    assert not forms()
    url.database = "other"
    assert url.render_as_string() == "mysql://me:***@h:3306/other"
    assert forms() == {"url-changed"}


def test_made_in_the_main_module():
    """make_url() in the module that Python runs, which nothing calls, gives a URL to change."""
    program = (
        "from sqlsoup import legacy; legacy.enable(warnings=False)\n"
        "from sqlalchemy import make_url\n"
        "url = make_url('sqlite:///a.db'); url.database = None; print(url)"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"sqlite://\n"


def test_driver_is_kept():
    """The URL of an engine is the one that was given, where it means the same as it did."""
    url = sa.URL.create("sqlite", database="a.db")
    assert _urls.as_it_was(url) is url
