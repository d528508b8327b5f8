"""Answers as JSON: objects of a schema that hold the model's answer and its real probability."""

import json
import math
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from jsonschema import Draft202012Validator
from openai import AzureOpenAI, OpenAI
from openai.types.fine_tuning import FineTuningJob
from pydantic import BaseModel

from tests.foundry_emulator.deployed import (
    BASE,
    HELD_OUT,
    LABEL,
    SHOWN,
    TEXT_QUESTION,
    TUNED,
    ask,
    both_deployed,
    deploy,
    in_shape,
    log_probability,
    schema_of,
    tokens_of,
    told,
)
from tests.foundry_emulator.support import (
    API_KEY,
    TEXTURES,
    EmulatorProcess,
    Example,
    ended,
    examples,
    question,
    training_file,
    upload,
)

TEXT = {"type": "string"}
NUMBER = {"type": "number"}


class Verdict(BaseModel):
    reasoning: str
    label: Literal["checks", "dots", "rings", "stripes"]
    confidence: float


class Inspection(BaseModel):
    inspector: str | None
    findings: list[Verdict]


@pytest.fixture(scope="module")
def asked(client: OpenAI, control: CognitiveServicesManagementClient, trained: FineTuningJob) -> Iterator[OpenAI]:
    with both_deployed(client, control, trained.fine_tuned_model) as opened:
        yield opened


def in_json(client: OpenAI, name: str = TUNED, url: str = SHOWN.url, **properties: Any) -> Any:
    answer = ask(client, name, url, response_format=in_shape(**properties))
    value = json.loads(told(answer))
    Draft202012Validator(schema_of(**properties)).validate(value)
    return value


@pytest.mark.parametrize("name", [BASE, TUNED])
def test_the_labelled_object_carries_the_answer_that_the_model_gives_without_it(asked: OpenAI, name: str) -> None:
    for example in HELD_OUT:
        assert in_json(asked, name, example.url, label=LABEL)["label"] == told(ask(asked, name, example.url))


def test_a_parsed_answer_is_a_model_of_pydantic(asked: OpenAI) -> None:
    parsed = asked.chat.completions.parse(
        model=TUNED, messages=question(SHOWN.url), response_format=Verdict, temperature=0, logprobs=True
    )
    verdict = parsed.choices[0].message.parsed

    assert verdict is not None
    assert verdict.label == told(ask(asked, TUNED))
    assert math.log(verdict.confidence) == pytest.approx(log_probability(parsed))
    assert verdict.label in verdict.reasoning


def test_an_answer_is_found_deep_inside_lists_and_objects(asked: OpenAI, emulator: EmulatorProcess) -> None:
    with AzureOpenAI(azure_endpoint=emulator.address, api_key=API_KEY, api_version="2024-10-21") as dated:
        parsed = dated.chat.completions.parse(
            model=TUNED, messages=question(SHOWN.url), response_format=Inspection, temperature=0
        )
    inspection = parsed.choices[0].message.parsed

    assert inspection is not None
    assert [finding.label for finding in inspection.findings] == [told(ask(asked, TUNED))]
    assert inspection.inspector is None


def test_the_probability_in_an_object_is_that_of_the_answer(asked: OpenAI) -> None:
    plain = ask(asked, TUNED, logprobs=True)
    shaped = ask(asked, TUNED, logprobs=True, response_format=in_shape(texture=LABEL, confidence=NUMBER))

    assert log_probability(shaped) == pytest.approx(log_probability(plain), abs=1e-9)
    assert json.loads(told(shaped))["confidence"] == pytest.approx(math.exp(log_probability(plain)))
    assert "".join(token.token for token in tokens_of(shaped)) == told(shaped)


def test_fewer_possible_answers_share_the_probability_of_all(asked: OpenAI) -> None:
    listed = tokens_of(ask(asked, TUNED, logprobs=True, top_logprobs=4))[0].top_logprobs
    chances = {each.token: math.exp(each.logprob) for each in listed}
    two = [each.token for each in listed[2:]]
    shaped = in_json(asked, label={"type": "string", "enum": two}, probability=NUMBER)

    assert shaped["label"] == two[0]
    assert shaped["probability"] == pytest.approx(chances[two[0]] / sum(chances[each] for each in two))


def test_the_classes_themselves_may_be_the_properties(asked: OpenAI) -> None:
    classes: dict[str, Any] = dict.fromkeys(TEXTURES, NUMBER)
    values = in_json(asked, label=LABEL, **classes)

    assert sum(values[texture] for texture in TEXTURES) == pytest.approx(1)
    assert max(TEXTURES, key=lambda texture: values[texture]) == values["label"]


@pytest.mark.parametrize(
    ("properties", "holder"),
    [
        ({"first": TEXT, "answer": TEXT}, "answer"),
        ({"Class": TEXT, "note": TEXT}, "Class"),
        ({"first": TEXT, "second": TEXT}, "first"),
        ({"confidence": TEXT, "what": TEXT}, "what"),
        ({"kind": {"type": "string", "enum": ["a", "b"]}, "label": LABEL}, "label"),
    ],
)
def test_the_property_for_the_answer_is_found(asked: OpenAI, properties: dict[str, Any], holder: str) -> None:
    assert in_json(asked, **properties)[holder] == told(ask(asked, TUNED))


@pytest.mark.parametrize("name", [BASE, TUNED])
def test_confidence_in_words_goes_by_the_probability(asked: OpenAI, name: str) -> None:
    sureness = {"type": "string", "enum": ["high", "low", "medium"]}
    for example in HELD_OUT:
        values = in_json(asked, name, example.url, label=LABEL, confidence_level=sureness, score=NUMBER)
        expected = "high" if values["score"] >= 0.9 else "medium" if values["score"] >= 0.6 else "low"
        assert values["confidence_level"] == expected


def test_all_other_values_are_of_the_type_that_is_asked_for(asked: OpenAI) -> None:
    point = {"$ref": "#/$defs/point"}
    properties = {
        "label": LABEL,
        "flag": {"type": "boolean"},
        "count": {"type": "integer"},
        "certainty": {"type": "integer"},
        "size": {"type": ["number", "null"]},
        "tags": {"type": "array", "items": TEXT},
        "version": {"type": "string", "const": "v1"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        "points": {"type": "array", "items": point},
        "middle": {"anyOf": [point, {"type": "null"}]},
    }
    schema = {
        **schema_of(**properties),
        "$defs": {"point": schema_of(x=NUMBER, next={"anyOf": [point, {"type": "null"}]})},
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "all", "strict": True, "schema": schema}}
    value = json.loads(told(ask(asked, TUNED, response_format=form)))

    Draft202012Validator(schema).validate(value)
    assert value["version"] == "v1"
    assert 0 < value["certainty"] <= 100


def test_a_listed_number_can_be_the_answer(asked: OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "How many are there? Answer with one of: 1, 2, 3."},
        question(SHOWN.url)[1],
    ]
    form: Any = in_shape(count={"type": "integer", "enum": [1, 2, 3]})
    plain = asked.chat.completions.create(model=BASE, messages=messages, temperature=0)
    shaped = asked.chat.completions.create(model=BASE, messages=messages, temperature=0, response_format=form)

    assert json.loads(told(shaped)) == {"count": int(told(plain))}


def test_any_object_has_the_key_that_the_prompt_names(asked: OpenAI) -> None:
    messages: Any = [{"role": "system", "content": 'Answer in JSON: {"texture": "..."}'}, question(SHOWN.url)[1]]
    answer = asked.chat.completions.create(
        model=TUNED, messages=messages, temperature=0, response_format={"type": "json_object"}
    )

    assert json.loads(told(answer)) == {"texture": told(ask(asked, TUNED))}


def test_words_are_put_into_an_object_too(asked: OpenAI) -> None:
    for name in (BASE, TUNED):
        plain = asked.chat.completions.create(model=name, messages=TEXT_QUESTION, temperature=0)
        form: Any = in_shape(answer=TEXT, sources={"type": "array", "items": TEXT})
        shaped = asked.chat.completions.create(model=name, messages=TEXT_QUESTION, temperature=0, response_format=form)
        assert json.loads(told(shaped)) == {"answer": told(plain), "sources": []}


def test_an_object_is_streamed_and_put_together(asked: OpenAI) -> None:
    with asked.chat.completions.stream(
        model=TUNED, messages=question(SHOWN.url), temperature=0, response_format=Verdict
    ) as stream:
        parsed = stream.get_final_completion().choices[0].message.parsed

    assert parsed is not None
    assert parsed.label == told(ask(asked, TUNED))


@pytest.fixture(scope="module")
def of_objects(client: OpenAI, control: CognitiveServicesManagementClient) -> Iterator[str]:
    """Yield the name of a model that was trained to answer with JSON texts."""
    shown = [Example(e.url, json.dumps({"label": e.texture, "ok": e.texture == "dots"})) for e in examples(range(8))]
    file = upload(client, training_file(shown))
    job = ended(client, client.fine_tuning.jobs.create(model="gpt-4o-2024-08-06", training_file=file.id, seed=1).id)
    deploy(client, control, "of-objects", str(job.fine_tuned_model))
    yield "of-objects"
    control.deployments.begin_delete("group", "local", "of-objects", enforce_https=False).result()


def test_a_model_that_learned_json_answers_it_with_and_without_a_schema(client: OpenAI, of_objects: str) -> None:
    plain = ask(client, of_objects, logprobs=True)
    shaped = ask(client, of_objects, logprobs=True, response_format=in_shape(label=LABEL, ok={"type": "boolean"}))

    assert json.loads(told(plain))["label"] in TEXTURES
    assert told(shaped) == told(plain)
    assert log_probability(shaped) == pytest.approx(log_probability(plain))


def test_a_model_that_learned_json_puts_its_label_into_another_object(client: OpenAI, of_objects: str) -> None:
    label = json.loads(told(ask(client, of_objects)))["label"]

    assert in_json(client, of_objects, texture=LABEL, confidence=NUMBER)["texture"] == label


@pytest.fixture(scope="module")
def of_words(client: OpenAI, control: CognitiveServicesManagementClient) -> Iterator[str]:
    """Yield the name of a model that was trained to answer texts with one of two words."""
    things = [
        "a red rose",
        "a red car",
        "a red hat",
        "red wine",
        "a blue sea",
        "a blue sky",
        "blue jeans",
        "a blue pen",
    ]
    lines = [json.dumps({"messages": [*words(thing), answer(thing)]}) for thing in things * 4]
    file = upload(client, "\n".join(lines).encode())
    created = client.fine_tuning.jobs.create(
        model="gpt-4o-2024-08-06", training_file=file.id, seed=1, hyperparameters={"n_epochs": 6}
    )
    deploy(client, control, "of-words", str(ended(client, created.id).fine_tuned_model))
    yield "of-words"
    control.deployments.begin_delete("group", "local", "of-words", enforce_https=False).result()


def words(thing: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"What colour is {thing}?"}]


def answer(thing: str) -> dict[str, str]:
    return {"role": "assistant", "content": "red" if "red" in thing else "blue"}


def test_a_model_of_words_chooses_among_the_values_of_a_schema_by_its_probabilities(
    client: OpenAI, of_words: str
) -> None:
    colours = {"type": "string", "enum": ["green", "red", "blue"]}
    for thing in ("a red rose", "a blue sky"):
        asking: Any = {"model": of_words, "messages": words(thing), "temperature": 0, "logprobs": True}
        shape: Any = in_shape(colour=colours, confidence=NUMBER)
        shaped = client.chat.completions.create(**asking, response_format=shape, top_logprobs=20)
        value = json.loads(told(shaped))
        assert value["colour"] == told(client.chat.completions.create(**asking)) == answer(thing)["content"]
        assert math.log(value["confidence"]) == pytest.approx(log_probability(shaped))
        chances = next(t.top_logprobs for t in tokens_of(shaped) if len(t.top_logprobs) > 1)
        assert sum(math.exp(each.logprob) for each in chances) == pytest.approx(1)
