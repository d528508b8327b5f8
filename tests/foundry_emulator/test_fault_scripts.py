"""Fault scripts that make no sense are refused, naming the field and its value."""

import json
from pathlib import Path
from typing import Any

import pytest

from foundry_emulator.testing import ControlRefused
from tests.foundry_emulator.support import EmulatorProcess, start_in_vain

BAD: list[tuple[Any, str]] = [
    (7, "a fault must be an object, not 7"),
    ({}, "a fault does exactly one of .*; this one has none"),
    ({"path": "/openai/v1/files"}, "this one has none"),
    ({"status": 500, "reset": True}, r"this one has 'status' \(500\) and 'reset' \(True\)"),
    ({"status": 500, "colour": "red"}, r"unknown field 'colour' \('red'\)"),
    ({"status": 500, "\ud800": 1}, r"unknown field '\\ud800' \(1\)"),
    ({"status": 200}, "'status' must be an error status from 400 to 599, not 200"),
    ({"status": 600}, "not 600"),
    ({"status": "500"}, "not '500'"),
    ({"status": True}, "not True"),
    ({"status": 500, "path": "openai/v1/files"}, "'path' must be a pattern of a path, .* not 'openai/v1/files'"),
    ({"status": 500, "path": ["/openai"]}, r"'path' .* not \['/openai'\]"),
    ({"status": 500, "path_regex": "/openai/("}, r"'path_regex' must be a regular expression .* not '/openai/\('"),
    ({"status": 500, "path": "/a", "path_regex": "/b"}, r"give 'path' or 'path_regex' \('/b'\), not both"),
    ({"status": 500, "method": "FETCH"}, "'method' must be one of DELETE, .* not 'FETCH'"),
    ({"status": 500, "account": "stranger"}, "'account' must be one of local, not 'stranger'"),
    ({"status": 500, "deployment": ""}, "'deployment' must be a text, not ''"),
    ({"status": 500, "after": -1}, "'after' must be a whole number, 0 or more, not -1"),
    ({"status": 500, "count": 0}, "'count' must be a whole number, 1 or more, not 0"),
    ({"status": 500, "count": 1.5}, "not 1.5"),
    ({"status": 500, "count": None}, "not None"),
    ({"status": 500, "probability": 1.01}, "'probability' must be a number from 0 to 1, not 1.01"),
    ({"status": 500, "probability": -0.1}, "not -0.1"),
    ({"status": 500, "probability": "often"}, "not 'often'"),
    ({"status": 500, "probability": float("nan")}, "not nan"),
    ({"status": 500, "seed": "x"}, "'seed' must be a whole number, not 'x'"),
    ({"status": 500, "headers": {"retry-after": 1}}, r"'headers' must be .* not \{'retry-after': 1\}"),
    ({"status": 500, "headers": {"x-a": "b\r\nx-c: d"}}, "'headers'"),
    ({"status": 500, "headers": {"Content-Length": "5"}}, "without those that frame the answer"),
    ({"status": 500, "headers": {"": "5"}}, "'headers'"),
    ({"status": 500, "after_work": "yes"}, "'after_work' must be true or false, not 'yes'"),
    ({"status": 500, "filename": "a"}, r"'filename' \('a'\) does not go with 'status', which takes account, after"),
    ({"reset": False}, "'reset' must be true, not False"),
    ({"reset": True, "message": "a"}, "'message' .* does not go with 'reset'"),
    ({"slow": 0}, "'slow' must be seconds above 0 and at most 3600, not 0"),
    ({"slow": float("inf")}, "not inf"),
    ({"slow": 10**300}, "'slow' must be seconds"),
    ({"truncate": -1}, "'truncate' must be the bytes .* not -1"),
    ({"truncate": 1, "after_work": True}, "'after_work' .* does not go with 'truncate'"),
    ({"job_fails": "later"}, "'job_fails' must be one of data_check, model_evaluation, not 'later'"),
    ({"job_fails": ["data_check"]}, "'job_fails' must be one of"),
    ({"job_fails": "data_check", "harm_types": []}, r"'harm_types' must be a list of texts, not \[\]"),
    ({"job_fails": "data_check", "path": "/openai"}, "'path' .* does not go with 'job_fails'"),
    ({"job_preempted": -5}, "'job_preempted' must be seconds above 0, not -5"),
    ({"job_preempted": 5, "at_step": 0}, "'at_step' must be a whole number, 1 or more, not 0"),
    ({"people_share": 1.5}, "'people_share' must be a number from 0 to 1, not 1.5"),
    ({"file_error": ""}, "'file_error' must be a text, not ''"),
    ({"file_error": "a", "deployment": "b"}, "'deployment' .* does not go with 'file_error'"),
    ({"deployment_fails": 1}, "'deployment_fails' must be true, not 1"),
    ({"deployment_fails": True, "code": 5}, "'code' must be a text, not 5"),
    ([{"status": 500}, {"status": 5}], "fault 2: 'status' must be"),
]


@pytest.mark.parametrize(("script", "reason"), BAD)
def test_a_script_that_makes_no_sense_is_refused(emulator: EmulatorProcess, script: Any, reason: str) -> None:
    with pytest.raises(ControlRefused, match=f"400: The fault script makes no sense: .*{reason}"):
        emulator.ask("POST", "/emulator/faults", script)

    assert emulator.faults() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not valid JSON"),
        ("[{]", "is not valid JSON"),
        ('{"status": 200}', "makes no sense: 'status' must be an error status from 400 to 599, not 200"),
        ('[{"status": 500}, {"reset": true, "slow": 1}]', "makes no sense: fault 2: a fault does exactly one of"),
        ('{"status": 500, "account": "other"}', "'account' must be one of local, not 'other'"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_in_one_line(tmp_path: Path, content: str, reason: str) -> None:
    script = tmp_path / "faults.json"
    script.write_text(content)
    ended = start_in_vain("--port", "0", "--state", str(tmp_path / "state"), "--faults", str(script))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"foundry_emulator: the fault script {script} ")
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    ended = start_in_vain("--port", "0", "--state", str(tmp_path), "--faults", str(tmp_path / "none"))

    assert ended.stderr == (
        f"foundry_emulator: cannot read the fault script {tmp_path / 'none'}: No such file or directory\n"
    )


def test_nothing_but_json_is_refused(emulator: EmulatorProcess) -> None:
    with pytest.raises(ControlRefused, match="400: The request body is not valid JSON"):
        emulator.ask("POST", "/emulator/faults")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_fault_that_is_not_set_is_not_found(emulator: EmulatorProcess, method: str) -> None:
    with pytest.raises(ControlRefused, match="404: The fault 'fault-none' was not found"):
        emulator.ask(method, "/emulator/faults/fault-none")


def test_every_field_can_be_said(emulator: EmulatorProcess) -> None:
    told = json.loads(
        """[
        {"path": "/nowhere/*", "method": "post", "account": "local", "deployment": "d*", "after": 1, "count": 2,
         "probability": 0.5, "seed": 7, "status": 503, "code": "c", "message": "m", "headers": {"retry-after": "1"},
         "after_work": true},
        {"path_regex": "/nowhere/.*", "reset": true, "after_work": false},
        {"path": "/nowhere", "slow": 0.5, "after_work": true},
        {"path": "/nowhere", "truncate": 0},
        {"suffix": "nobody", "model": "*", "training_file": "*.jsonl", "job_fails": "data_check", "harm_types": ["a"]},
        {"suffix": "nobody", "job_fails": "model_evaluation", "code": "c", "message": "m"},
        {"suffix": "nobody", "job_preempted": 60, "at_step": 10},
        {"suffix": "nobody", "people_share": 0.25},
        {"purpose": "fine-tune", "filename": "nobody*", "file_error": "why"},
        {"deployment": "nobody", "model": "*", "deployment_fails": true, "code": "c", "message": "m"}
    ]"""
    )
    ids = emulator.ask("POST", "/emulator/faults", told)["ids"]
    kept = emulator.faults()
    emulator.ask("DELETE", "/emulator/faults")

    assert [fault["id"] for fault in kept] == ids
    assert [fault["fault"] for fault in kept] == told
