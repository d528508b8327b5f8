"""Reading answers: an exact name or nothing."""

import re

import pytest

from data_contracts.evaluation import Outcome, RawAnswer
from decisions.answers import Reading, read_answer

LABELS = ("crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches")


def read(text: str, **aliases: str) -> Reading:
    return read_answer(RawAnswer(text=text), LABELS, aliases)


@pytest.mark.parametrize(
    ("text", "label", "outcome"),
    [
        (" Crazing.\n", "crazing", Outcome.LABEL),
        ("rolled in scale", "rolled-in_scale", Outcome.LABEL),
        ("crazing or inclusion", None, Outcome.OFF_LIST),
        ("", None, Outcome.EMPTY),
    ],
)
def test_answers_are_read_as_in_the_reference(text: str, label: str | None, outcome: Outcome) -> None:
    assert read(text) == Reading(label=label, outcome=outcome)


@pytest.mark.parametrize(
    "text",
    [
        "pitted_surface",
        "PITTED SURFACE",
        "Pitted-Surface!",
        "'pitted surface'",
        '"pitted_surface".',
        '"pitted_surface."',
        "`pitted_surface`",
        "“pitted  surface”",
        "«pitted_surface»",
        "\t pitted \n surface \r\n",
        "pitted\u00a0surface",
        "ｐｉｔｔｅｄ＿ｓｕｒｆａｃｅ",  # noqa: RUF001
        "pitted surface。",
        "```\npitted_surface\n```",
        "```pitted_surface```",
        " ``` pitted_surface ```",
        "```text\npitted_surface\n```",
        "```text \r\npitted_surface\r\n```",
        '```json\n{"label": "pitted_surface"}\n```',
        '{"label": "pitted_surface"}',
        '{"class": "Pitted surface."}',
        '{"answer": "pitted_surface", "confidence": 0.9}',
        '{"label": "pitted_surface", "label": "Pitted surface."}',
        '{"label": "pitted_surface", "class": "PITTED SURFACE"}',
        '{"label": "pitted_surface", "confidence": 0.9, "confidence": 0.1, "why": {"label": "crazing"}}',
        '"pitted_surface"',
    ],
)
def test_spelling_wrapping_and_width_do_not_matter(text: str) -> None:
    assert read(text).label == "pitted_surface"


@pytest.mark.parametrize(
    "text",
    [
        "The defect is crazing.",
        "crazing, inclusion",
        "crazing or inclusion",
        "crazin",
        "crazings",
        "not crazing",
        "**crazing**",
        '{"label": "rust"}',
        '{"label": ["crazing"]}',
        '{"label": null}',
        '{"label": "crazing", "label": "patches"}',
        '{"label": "patches", "label": "crazing"}',
        '{"label": "crazing", "class": "patches"}',
        '{"answer": "crazing", "label": "rust"}',
        '{"label": "crazing", "class": ""}',
        '{"label": "crazing", "class": 7}',
        "```crazing``` ```patches```",
        '{"defect": "crazing"}',
        '["crazing"]',
        "{'label': 'crazing'}",
        "42",
        "null",
        "crаzing",  # noqa: RUF001  (a Cyrillic letter)
        "[" * 100_000,
        "9" * 10_000,
    ],
)
def test_anything_but_an_exact_name_is_off_the_list(text: str) -> None:
    assert read(text) == Reading(label=None, outcome=Outcome.OFF_LIST)


@pytest.mark.parametrize("text", ["", " \n\t ", ".", "''", '"."', "``` ```", "```\n\n```", '""', "...!", "\u3000"])
def test_an_answer_without_a_word_is_empty(text: str) -> None:
    assert read(text) == Reading(label=None, outcome=Outcome.EMPTY)


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (RawAnswer(text="I'm sorry, I can't help with that.", refused=True), Outcome.REFUSED),
        (RawAnswer(text="crazing", refused=True), Outcome.REFUSED),
        (RawAnswer(text="crazing", filtered=True), Outcome.FILTERED),
        (RawAnswer(failure="HTTP 500 five times"), Outcome.FAILED),
        (RawAnswer(text="crazing", failure="cut off"), Outcome.FAILED),
        (RawAnswer(failure=""), Outcome.FAILED),
        (RawAnswer(filtered=True, refused=True, failure="HTTP 400"), Outcome.FILTERED),
    ],
)
def test_what_the_service_withheld_is_no_label_whatever_the_text(raw: RawAnswer, outcome: Outcome) -> None:
    assert read_answer(raw, LABELS, {}) == Reading(label=None, outcome=outcome)


def test_a_refusal_that_the_service_did_not_mark_is_off_the_list() -> None:
    assert read("I'm sorry, I can't help with that.").outcome is Outcome.OFF_LIST


@pytest.mark.parametrize("text", ["pits", "Pits.", '{"label": "PITS"}'])
def test_an_alias_means_its_label(text: str) -> None:
    assert read(text, pits="pitted_surface").label == "pitted_surface"


def test_names_that_agree_through_an_alias_are_one_answer() -> None:
    assert read('{"label": "pits", "class": "pitted_surface"}', pits="pitted_surface").label == "pitted_surface"


def test_an_alias_may_spell_its_own_label() -> None:
    assert read("crazing", Crazing="crazing").label == "crazing"


@pytest.mark.parametrize("text", ["patches", ""])
def test_an_alias_of_no_label_is_an_error_whatever_the_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"the alias 'pits' means 'rust', which is no label; name one of: crazing, "):
        read(text, pits="rust")


@pytest.mark.parametrize(
    ("labels", "aliases", "told"),
    [
        (LABELS, {"Crazing": "scratches"}, "'Crazing' would be read both as 'crazing' and as 'scratches'"),
        (LABELS, {"A": "crazing", "a.": "patches"}, "'a.' would be read both as 'crazing' and as 'patches'"),
        (("pitted surface", "pitted_surface"), {}, "'pitted_surface' would be read both as 'pitted surface' and"),
    ],
)
def test_a_spelling_that_means_two_labels_is_an_error(
    labels: tuple[str, ...], aliases: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        read_answer(RawAnswer(text="scratches"), labels, aliases)


@pytest.mark.parametrize(
    ("label", "answer"), [("Straße", "STRASSE"), ("é", "e\u0301"), ("裂纹", "裂纹。"), ("№ 1", "No 1")]
)
def test_labels_of_any_script_are_found(label: str, answer: str) -> None:
    assert read_answer(RawAnswer(text=answer), (label, "other"), {}).label == label


@pytest.mark.parametrize("label", LABELS)
def test_every_label_reads_back_as_itself(label: str) -> None:
    assert read(label) == Reading(label=label, outcome=Outcome.LABEL)
