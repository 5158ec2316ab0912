"""The proof that sqlsoup is a drop-in for 0.9.1: small programs answer as they did under 0.9.1.

``recorded-0.9.1.json`` holds the answers of 0.9.1 on SQLAlchemy 1.3.24, written by ``record.py``.
``deviations.toml`` names every intended difference: the answer now, and the reason.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded-0.9.1.json").read_text(encoding="utf-8"))
DEVIATIONS = tomllib.loads((HERE / "deviations.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def answers(tmp_path_factory):
    """What the library at hand answers, each scenario in a process of its own."""
    file = tmp_path_factory.mktemp("conformance") / "answers.json"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    subprocess.run(
        [sys.executable, str(HERE / "record.py"), "--out", str(file)], env=environment, check=True
    )
    return json.loads(file.read_text(encoding="utf-8"))


def deviating_answer(deviation):
    """The entry that a deviation describes."""
    entry = {"answer": json.loads(deviation["now"])}
    if "warnings" in deviation:
        entry["warnings"] = deviation["warnings"]
    return entry


@pytest.mark.parametrize("name", RECORDED)
def test_scenario(name, answers):
    """A scenario answers as under 0.9.1, or exactly as its deviation says."""
    if name in DEVIATIONS:
        assert answers[name] == deviating_answer(DEVIATIONS[name])
        assert answers[name] != RECORDED[name], (
            "no deviation any more: take it out of deviations.toml"
        )
    else:
        assert answers[name] == RECORDED[name]


def test_every_scenario_is_recorded(answers):
    """The recording knows the scenarios that there are, no fewer and no others."""
    assert sorted(answers) == sorted(RECORDED)


def test_recording_holds_answers_only():
    """No scenario ended with an error under 0.9.1: what should raise is caught and told."""
    assert [name for name, entry in RECORDED.items() if "answer" not in entry] == []


def test_deviations_belong_to_scenarios():
    """Each deviation names a scenario that there is."""
    assert sorted(set(DEVIATIONS) - set(RECORDED)) == []


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviation_is_explained(name):
    """A deviation has a reason, a rank and the answer now, and nothing misspelt."""
    deviation = DEVIATIONS[name]
    assert (
        {"reason", "bites", "now"}
        <= set(deviation)
        <= {"reason", "bites", "now", "old", "new", "warnings"}
    )
    assert deviation["reason"].endswith(".")
    assert isinstance(deviation["bites"], int)


def test_ranks_differ():
    """No two deviations have the same rank."""
    ranks = [deviation["bites"] for deviation in DEVIATIONS.values()]
    assert sorted(ranks) == sorted(set(ranks))
