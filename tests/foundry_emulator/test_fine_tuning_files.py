"""What is said about a fine-tuning file, line by line, without a process."""

import json
from pathlib import Path
from typing import Any

import pytest

from foundry_emulator.files.validation import fine_tuning_problem

ASKED = {"role": "user", "content": "a"}
ANSWERED = {"role": "assistant", "content": "b"}
GOOD = json.dumps({"messages": [ASKED, ANSWERED]}).encode()
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}


def problem_of(path: Path, content: bytes) -> str | None:
    (path / "file").write_bytes(content)
    return fine_tuning_problem(path / "file")


def example(*messages: Any, **others: Any) -> bytes:
    return json.dumps({"messages": list(messages), **others}).encode()


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        example({"role": "system", "content": "s", "name": "n"}, ASKED, ANSWERED),
        example({"role": "user", "content": [PICTURE, {"type": "text", "text": "?"}]}, ANSWERED),
        example(ASKED, {**ANSWERED, "weight": 0}, ASKED, {**ANSWERED, "weight": 1}),
        example(ASKED, {"role": "assistant", "tool_calls": [CALL]}, tools=[{"type": "function"}]),
        example(ASKED, {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, functions=[{}]),
        example(
            ASKED, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "1", "content": ""}
        )[:-2]
        + b", "
        + json.dumps(ANSWERED).encode()
        + b"]}",
        b"  " + GOOD + b"  \r",
        example({"role": "user", "content": "😀"}, ANSWERED),
        GOOD.replace(b'"a"', '"ü😀"'.encode()),
    ],
)
def test_what_the_format_allows_is_found_right(tmp_path: Path, line: bytes) -> None:
    assert problem_of(tmp_path, b"\n".join([GOOD] * 9 + [line])) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff", "the text is not UTF-8"),
        (b"\x00", "the line is not valid JSON"),
        (b'{"messages": NaN}', "the line is not valid JSON"),
        (b"[" * 200_000, "the line is not valid JSON"),
        (b"9" * 10_000, "the line is not valid JSON"),
        (GOOD + GOOD, "the line is not valid JSON"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "the text is not UTF-8"),
        (b"[]", "the line is not a JSON object"),
        (b"null", "the line is not a JSON object"),
        (example(), "an example needs a list of messages"),
        (b'{"messages": "hello"}', "an example needs a list of messages"),
        (example("hello", ANSWERED), "every message needs one of the roles"),
        (example({"role": ["user"], "content": "a"}, ANSWERED), "every message needs one of the roles"),
        (example({"role": "robot", "content": "a"}, ANSWERED), "every message needs one of the roles"),
        (example({"role": "user"}, ANSWERED), "the content of a message must be text"),
        (example({"role": "user", "content": []}, ANSWERED), "the content of a message must be text"),
        (example({"role": "user", "content": [{"type": {}}]}, ANSWERED), "must be of the type text or image_url"),
        (example({"role": "user", "content": [{"type": "text"}]}, ANSWERED), "of the type text needs a text"),
        (example({"role": "user", "content": [{"type": "image_url"}]}, ANSWERED), "needs an image_url with a url"),
        (example({"role": "system", "content": [PICTURE]}, ANSWERED), "not allowed in messages of the role system"),
        (example(ASKED, {"role": "assistant", "content": [PICTURE]}), "not allowed in messages of the role assistant"),
        (
            example(
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": []}}]}, ANSWERED
            ),
            "the detail of an image",
        ),
        (example({**ASKED, "name": 1}, ANSWERED), "the name in a message must be text"),
        (example({**ASKED, "weight": 1}, ANSWERED), "a weight must be 0 or 1"),
        (example(ASKED, {**ANSWERED, "weight": True}), "a weight must be 0 or 1"),
        (example(ASKED, {**ANSWERED, "weight": 0}), "needs a weight that is not 0"),
        (example({**ASKED, "tool_calls": [CALL]}, ANSWERED), "only messages of the role assistant may have tool_calls"),
        (example(ASKED, {**ANSWERED, "tool_calls": "f"}), "the tool_calls of a message must be a list"),
        (example(ASKED, {**ANSWERED, "function_call": "f"}), "the function_call of a message must be an object"),
        (example(ASKED, {"role": "tool", "content": ""}, ANSWERED), "needs a tool_call_id"),
        (example(ASKED, ANSWERED, functions={}), "the functions of an example must be a list"),
        (example(ASKED, ANSWERED, tools=["f"]), "the tools of an example must be a list"),
        (example(ASKED, ASKED), "the last message must be an answer"),
        (example(ASKED, {"role": "assistant", "content": ""}), "the last message must be an answer"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: bytes, reason: str) -> None:
    told = str(problem_of(tmp_path, b"\n".join([GOOD, b"", line, *[GOOD] * 10])))

    assert told.startswith("Validation of jsonl file failed: line 3: ")
    assert reason in told


def test_a_line_without_an_end_is_not_read_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(300 << 20)

    assert "line 1: the line is longer than" in str(fine_tuning_problem(tmp_path / "file"))


def test_windows_line_ends_and_a_last_line_without_one_are_no_problem(tmp_path: Path) -> None:
    assert problem_of(tmp_path, b"\xef\xbb\xbf" + b"\r\n".join([GOOD] * 10)) is None


def test_more_than_fifty_thousand_image_examples_are_too_many(tmp_path: Path) -> None:
    shown = example({"role": "user", "content": [PICTURE]}, ANSWERED)

    assert problem_of(tmp_path, b"\n".join([GOOD, *[shown] * 50_000])) is None
    assert "50001 examples with images" in str(problem_of(tmp_path, b"\n".join([shown] * 50_001)))
