"""Questions that make no sense: each is refused with its field named, in the words of the service; none breaks it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI
from PIL import Image

from tests.foundry_emulator.deployed import BASE, LABEL, SHOWN, both_deployed, in_shape, schema_of
from tests.foundry_emulator.fields import check
from tests.foundry_emulator.support import data_url, encode

HELLO = [{"role": "user", "content": "Say hello in JSON."}]
TEXT = {"type": "string"}
DEEP: dict[str, Any] = TEXT
for _ in range(7):
    DEEP = schema_of(inner=DEEP)


@pytest.fixture(scope="module")
def asked(client: OpenAI, control: CognitiveServicesManagementClient) -> Iterator[OpenAI]:
    with both_deployed(client, control, None) as opened:
        yield opened


def refusal_of(client: OpenAI, path: str, body: Any) -> Any:
    """Return the error with which a request is refused."""
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(path, body=body, cast_to=object)
    told = refusal.value.response.json()
    assert set(told) == {"error"}
    return told["error"]


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def image(url: Any, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def strict(schema: Any, name: Any = "x", **more: Any) -> dict[str, Any]:
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": True, **more},
        }
    }


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [fields]}


IMAGE_URL = "messages[0].content[0].image_url.url"
CHAT: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "must provide a model"),
    ({"model": ""}, "model", "must provide a model"),
    ({"model": 7}, "model", "expected a string, but got an integer"),
    ({"messages": None}, "messages", "Missing required parameter: 'messages'"),
    ({"messages": []}, "messages", "empty array"),
    ({"messages": "hello"}, "messages", "expected an array of objects, but got a string"),
    ({"messages": ["hello"]}, "messages[0]", "expected an object, but got a string"),
    ({"messages": [*HELLO, {}]}, "messages[1].role", "Missing required parameter: 'messages[1].role'"),
    ({"messages": HELLO * 2049}, "messages", "maximum length 2048"),
    (message(role="robot", content="a"), "messages[0].role", "Supported values are: 'system', 'assistant', 'user'"),
    (message(role=["user"], content="a"), "messages[0].role", "expected a string, but got an array"),
    (message(role="user"), "messages[0].content", "Missing required parameter"),
    (message(role="user", content=None), "messages[0].content", "but got null"),
    (message(role="user", content=7), "messages[0].content", "expected one of a string or array of objects"),
    (message(role="user", content=[]), "messages[0].content", "empty array"),
    (message(role="user", content=["a"]), "messages[0].content[0]", "expected an object"),
    (message(role="user", content="a", name=3), "messages[0].name", "expected a string"),
    (message(role="assistant"), "messages[0].content", "Missing required parameter"),
    (message(role="tool", content="a"), "messages[0].tool_call_id", "Missing required parameter"),
    (message(role="tool", content="a", tool_call_id="b"), "messages[0].role", "must be a response to a preceeding"),
    (message(role="system", content=[image(SHOWN.url)]), "messages[0]", "only allowed for messages with role 'user'"),
    (
        message(role="assistant", content=[image(SHOWN.url)]),
        "messages[0]",
        "only allowed for messages with role 'user'",
    ),
    (user({"type": "text"}), "messages[0].content[0].text", "Missing required parameter"),
    (user({"type": "text", "text": {}}), "messages[0].content[0].text", "expected a string, but got an object"),
    (user({"type": "input_audio"}), "messages[0].content[0].type", "Supported values are: 'text' and 'image_url'"),
    (user({"type": "image_url"}), "messages[0].content[0].image_url", "Missing required parameter"),
    (user({"type": "image_url", "image_url": "data:"}), "messages[0].content[0].image_url", "expected an object"),
    (user({"type": "image_url", "image_url": {}}), IMAGE_URL, "Missing required parameter"),
    (user(image(5)), IMAGE_URL, "expected a string"),
    (user(image(SHOWN.url, detail="best")), "messages[0].content[0].image_url.detail", "'low', 'high', and 'auto'"),
    (user(image("https://example.com/a.png")), IMAGE_URL, "Failed to download image from https://example.com/a.png"),
    (user(image("data:image/png;base64,!!")), IMAGE_URL, "Invalid image data"),
    (user(image("")), IMAGE_URL, "Invalid image data"),
    (user(image(data_url(b"no image"))), IMAGE_URL, "Invalid image data"),
    (user(image(data_url(base64.b64decode(SHOWN.url.partition(",")[2])[:200]))), IMAGE_URL, "Invalid image data"),
    (user(image(data_url(encode(Image.new("RGB", (9, 9)), "BMP")))), IMAGE_URL, "unsupported image"),
    (user(image(data_url(b"\0" * 20_971_521))), IMAGE_URL, "20971521 bytes"),
    (user(*[image(SHOWN.url)] * 51), "messages", "Maximum is 50, but got 51"),
    ({"temperature": 2.5}, "temperature", "Expected a value <= 2, but got 2.5 instead"),
    ({"temperature": -1}, "temperature", "below minimum value"),
    ({"temperature": "hot"}, "temperature", "expected a decimal, but got a string"),
    ({"temperature": True}, "temperature", "but got a boolean"),
    ({"top_p": 1.5}, "top_p", "above maximum value"),
    ({"n": 0}, "n", "Expected a value >= 1, but got 0 instead"),
    ({"n": 129}, "n", "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead."),
    ({"n": 1.5}, "n", "expected an integer, but got a decimal number"),
    ({"seed": "one"}, "seed", "expected an integer"),
    ({"seed": 2**63}, "seed", "above maximum value"),
    ({"max_tokens": 0}, "max_tokens", "below minimum value"),
    ({"max_tokens": 99_999}, "max_tokens", "This model supports at most 16384 completion tokens"),
    ({"max_completion_tokens": "1"}, "max_completion_tokens", "expected an integer"),
    ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens", "at the same time is not supported"),
    ({"logprobs": 1}, "logprobs", "expected a boolean"),
    ({"top_logprobs": 5}, "top_logprobs", "only allowed when 'logprobs' is enabled"),
    ({"top_logprobs": 21, "logprobs": True}, "top_logprobs", "Expected a value <= 20, but got 21 instead"),
    ({"stop": ["a"] * 5}, "stop", "maximum length 4"),
    ({"stop": [1]}, "stop[0]", "expected a string"),
    ({"stop": 1}, "stop", "expected one of a string or array of strings"),
    ({"stop": ""}, "stop", "empty string"),
    ({"stream": "yes"}, "stream", "expected a boolean"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "only allowed when 'stream' is enabled"),
    ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x", "Unknown parameter: 'stream_options.x'"),
    ({"tools": [{"type": "function", "function": {"name": "a"}}]}, "tools", "calls no tools"),
    ({"functions": [{"name": "a"}]}, "functions", "calls no tools"),
    ({"tool_choice": "auto"}, "tool_choice", "calls no tools"),
    ({"reasoning_effort": "low"}, "reasoning_effort", "not supported with this model"),
    ({"store": True}, "store", "stored completions were retired"),
    ({"modalities": ["text", "audio"]}, "modalities", "not supported with this model"),
    ({"presence_penalty": 3}, "presence_penalty", "above maximum value"),
    ({"logit_bias": {"a": 1}}, "logit_bias", "Invalid key in 'logit_bias'"),
    ({"logit_bias": {"5": 101}}, "logit_bias.5", "above maximum value"),
    ({"user": 5}, "user", "expected a string"),
    ({"metadata": {"a": 1}}, "metadata.a", "expected a string"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "too many properties"),
    ({"temprature": 0}, "temprature", "Unrecognized request argument supplied: temprature"),
    ({"b": 0, "a": 0}, "a", "Unrecognized request arguments supplied: a, b"),
    ({"response_format": "json"}, "response_format", "expected an object"),
    ({"response_format": {}}, "response_format.type", "Missing required parameter"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "'text', 'json_object', and 'json_schema'"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "Missing required parameter"),
    (
        {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "hello"}]},
        "messages",
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    ),
    (strict(schema_of(a=TEXT), name="a b"), "response_format.json_schema.name", "does not match pattern"),
    (strict(schema_of(a=TEXT), name=None), "response_format.json_schema.name", "Missing required parameter"),
    (strict(None), "response_format.json_schema.schema", "Missing required parameter"),
    (strict([]), "response_format.json_schema.schema", "expected an object, but got an array"),
    (strict(schema_of(a=TEXT), strict="yes"), "response_format.json_schema.strict", "expected a boolean"),
    (
        strict({"type": "array", "items": TEXT}),
        "response_format",
        "schema for response_format 'x': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ),
    (strict({}), "response_format", "got 'type: \"None\"'"),
    (
        strict({"type": "object", "properties": {"a": TEXT}, "required": ["a"]}),
        "response_format",
        "In context=(), 'additionalProperties' is required to be supplied and to be false.",
    ),
    (
        strict(schema_of(a={"type": "object", "properties": {}})),
        "response_format",
        "In context=('properties', 'a'), 'additionalProperties' is required to be supplied and to be false.",
    ),
    (strict({**schema_of(a=TEXT, b=TEXT), "required": ["a"]}), "response_format", "Missing 'b'."),
    (strict({**schema_of(a=TEXT), "required": ["a", "b"]}), "response_format", "Extra required key 'b' supplied."),
    (strict({**schema_of(a=TEXT), "required": "a"}), "response_format", "'required' must be an array"),
    (strict({**schema_of(a=TEXT), "properties": []}), "response_format", "'properties' must be an object"),
    (
        strict(schema_of(a={**TEXT, "minLength": 3})),
        "response_format",
        "In context=('properties', 'a'), 'minLength' is not permitted.",
    ),
    (strict(schema_of(a={"type": "number", "minimum": 0})), "response_format", "'minimum' is not permitted"),
    (strict(schema_of(a={})), "response_format", "schema must have a 'type' key"),
    (strict(schema_of(a={"type": "text"})), "response_format", "'text' is not valid under any of the given schemas"),
    (strict(schema_of(a={"type": [[]]})), "response_format", "is not valid under any of the given schemas"),
    (strict(schema_of(a={"type": "array"})), "response_format", "array schema missing items"),
    (strict(schema_of(a={"enum": []})), "response_format", "should be non-empty"),
    (strict(schema_of(a={"anyOf": []})), "response_format", "'anyOf' must be a non-empty array"),
    (strict(schema_of(a="text")), "response_format", "is not of type 'object', 'boolean'"),
    (strict(schema_of(a={"$ref": "#/$defs/b"})), "response_format", "was not found in the schema"),
    (strict(schema_of(a={"$ref": "http://example.com/"})), "response_format", "was not found in the schema"),
    (strict(schema_of(a={"$ref": "#", "description": "b"})), "response_format", "$ref cannot have keywords"),
    (strict({**schema_of(a=TEXT), "$defs": []}), "response_format", "'$defs' must be an object"),
    (strict({**schema_of(a=TEXT), "anyOf": [TEXT]}), "response_format", "'anyOf' is not permitted at the root"),
    (strict(schema_of(**{f"p{n}": TEXT for n in range(101)})), "response_format", "more than 100 object properties"),
    (strict(DEEP), "response_format", "levels of nesting exceeds limit of 5"),
]
ITEM_URL = "input[0].content[0].image_url"


def item(*parts: Any, role: Any = "user") -> dict[str, Any]:
    return {"input": [{"role": role, "content": list(parts)}]}


def form(**fields: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", **fields}}}


RESPONSES: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "must provide a model"),
    ({"input": None}, "input", "Missing required parameter: 'input'"),
    ({"input": []}, "input", "empty array"),
    ({"input": {}}, "input", "expected one of a string or array of input items"),
    ({"input": ["a"]}, "input[0]", "expected an object"),
    ({"input": [{"role": "user"}]}, "input[0].content", "Missing required parameter"),
    ({"input": [{"content": "a"}]}, "input[0].role", "Missing required parameter"),
    ({"input": [{"role": "tool", "content": "a"}]}, "input[0].role", "Supported values are"),
    ({"input": [{"type": "reasoning", "role": "user", "content": "a"}]}, "input[0].type", "Supported values are"),
    ({"input": [{"role": "user", "content": 5}]}, "input[0].content", "expected one of a string"),
    (item("a"), "input[0].content[0]", "expected an object"),
    (item({"type": "text", "text": "a"}), "input[0].content[0].type", "'input_text' and 'input_image'"),
    (item({"type": "input_text"}), "input[0].content[0].text", "Missing required parameter"),
    (item({"type": "input_text", "text": "a"}, role="assistant"), "input[0].content[0].type", "'output_text'"),
    (item({"type": "input_image"}), ITEM_URL, "Missing required parameter"),
    (item({"type": "input_image", "file_id": "file-1"}), "input[0].content[0].file_id", "data URLs only"),
    (item({"type": "input_image", "image_url": "http://a/b"}), ITEM_URL, "Failed to download image"),
    (item({"type": "input_image", "image_url": "data:,"}), ITEM_URL, "Invalid image data"),
    (item({"type": "input_image", "image_url": SHOWN.url, "detail": 1}), "input[0].content[0].detail", "a string"),
    (item({"type": "input_image", "image_url": SHOWN.url}, role="system"), "input[0].content[0]", "role 'user'"),
    (item(*[{"type": "input_image", "image_url": SHOWN.url}] * 51), "input", "Maximum is 50"),
    ({"instructions": ["a"]}, "instructions", "expected a string"),
    ({"max_output_tokens": 5}, "max_output_tokens", "Expected a value >= 16, but got 5 instead"),
    ({"temperature": 3}, "temperature", "above maximum value"),
    ({"top_logprobs": 21}, "top_logprobs", "above maximum value"),
    ({"include": ["everything"]}, "include[0]", "Supported values are"),
    ({"include": "usage"}, "include", "expected an array"),
    ({"include": [[]]}, "include[0]", "expected a string"),
    ({"truncation": "some"}, "truncation", "Supported values are: 'auto' and 'disabled'"),
    ({"store": "yes"}, "store", "expected a boolean"),
    ({"stream": 1}, "stream", "expected a boolean"),
    ({"metadata": []}, "metadata", "expected an object"),
    ({"previous_response_id": "resp_1"}, "previous_response_id", "Previous response with id 'resp_1' not found"),
    ({"previous_response_id": 1}, "previous_response_id", "expected a string"),
    ({"tools": [{"type": "web_search"}]}, "tools", "calls no tools"),
    ({"tool_choice": "required"}, "tool_choice", "calls no tools"),
    ({"background": True}, "background", "not supported with this model"),
    ({"reasoning": {"effort": "low"}}, "reasoning", "not supported with this model"),
    ({"conversation": "conv_1"}, "conversation", "not supported with this model"),
    ({"messages": HELLO}, "messages", "Unknown parameter: 'messages'."),
    ({"text": "a"}, "text", "expected an object"),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type", "Supported values are"),
    (form(schema=schema_of(a=TEXT)), "text.format.name", "Missing required parameter"),
    (form(name="x"), "text.format.schema", "Missing required parameter"),
    (
        form(name="x", schema={"type": "object", "properties": {}}),
        "text.format.schema",
        "Invalid schema for response_format 'x': In context=(), 'additionalProperties' is required",
    ),
    (
        {"text": {"format": {"type": "json_object"}}, "input": "hello"},
        "input",
        "must contain the word 'json' in some form to use 'text.format' of type 'json_object'",
    ),
]


@pytest.mark.parametrize(("wrong", "param", "reason"), CHAT)
def test_a_wrong_chat_request_is_refused_with_its_field_named(
    asked: OpenAI, wrong: dict[str, Any], param: str, reason: str
) -> None:
    error = refusal_of(asked, "/chat/completions", {"model": BASE, "messages": HELLO, **wrong})

    assert error["param"] == param
    assert reason in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(("wrong", "param", "reason"), RESPONSES)
def test_a_wrong_request_for_a_response_is_refused_with_its_field_named(
    asked: OpenAI, wrong: dict[str, Any], param: str, reason: str
) -> None:
    error = refusal_of(asked, "/responses", {"model": BASE, "input": "Hello.", **wrong})

    assert error["param"] == param
    assert reason in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/chat/completions", "/responses"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"model": "\\ud800"}', b'{"a":' * 100_000, b"null"])
def test_what_is_no_json_object_is_refused(asked: OpenAI, path: str, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError):
        asked.post(path, content=content, cast_to=object, options={"headers": {"Content-Type": "application/json"}})


@pytest.mark.parametrize("name", ["A base model", "a base model ", "gpt-4o", "a%20base%20model", "'; --", "ä" * 5_000])
def test_a_model_deployment_is_called_by_its_exact_name(asked: OpenAI, name: str) -> None:
    for ask in (
        lambda: asked.chat.completions.create(model=name, messages=[{"role": "user", "content": "a"}]),
        lambda: asked.responses.create(model=name, input="a"),
    ):
        with pytest.raises(openai.NotFoundError) as refusal:
            ask()
        assert refusal.value.code == "DeploymentNotFound"


def test_more_than_the_model_can_read_is_refused_with_the_numbers(asked: OpenAI) -> None:
    words = " cat" * 137_500  # a token each, counted or estimated
    error = refusal_of(asked, "/chat/completions", {"model": BASE, "messages": [{"role": "user", "content": words}]})
    both = refusal_of(
        asked,
        "/chat/completions",
        {"model": BASE, "messages": [{"role": "user", "content": words[:511_000]}], "max_tokens": 16_000},
    )

    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    assert error["message"] == (
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 137506 tokens."
        " Please reduce the length of the messages."
    )
    assert "you requested 143756 tokens (127756 in the messages, 16000 in the completion)" in both["message"]


def test_a_response_to_more_than_the_model_can_read_is_refused_unless_it_may_be_cut(asked: OpenAI) -> None:
    error = refusal_of(asked, "/responses", {"model": BASE, "input": " cat" * 137_500})

    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert asked.responses.create(model=BASE, input=" cat" * 137_500, truncation="auto").output_text


def test_a_request_with_too_many_headers_of_its_own_is_refused(asked: OpenAI) -> None:
    headers = {f"my-header-{number}": "a" for number in range(11)}

    with pytest.raises(openai.APIStatusError) as refusal:
        asked.responses.create(model=BASE, input="Hello.", extra_headers=headers)
    assert refusal.value.status_code == 431
    del headers["my-header-0"]
    assert asked.responses.create(model=BASE, input="Hello.", extra_headers=headers).output_text


@pytest.mark.parametrize("name", ["resp_none", "%00", "a/b"])
def test_a_response_that_never_was_is_not_found(asked: OpenAI, name: str) -> None:
    for call in (asked.responses.retrieve, asked.responses.delete, asked.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            call(name)


def test_a_finished_response_cannot_be_cancelled(asked: OpenAI) -> None:
    kept = asked.responses.create(model=BASE, input="Hello.")

    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        asked.responses.cancel(kept.id)


SELF: dict[str, Any] = {**schema_of(label=LABEL, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]})}
LOOP: dict[str, Any] = {**schema_of(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
LAUGHS: dict[str, Any] = {
    **schema_of(a={"$ref": "#/$defs/d0"}),
    "$defs": {
        **{f"d{n}": schema_of(**{f"p{k}": {"$ref": f"#/$defs/d{n + 1}"} for k in range(10)}) for n in range(9)},
        "d9": schema_of(end={"type": "null"}),
    },
}
ODD: list[dict[str, Any]] = [
    {"type": "object"},
    {"type": "object", "properties": []},
    {"type": "object", "properties": {"a": True, "b": 5, "c": {"enum": 5}, "d": {"type": 5}, "e": {"items": []}}},
    {"type": "object", "properties": {"a": {"enum": [{}, [], None, "dots"]}}, "required": ["a", 5, []]},
    {"type": "object", "properties": {"": {"type": "string"}, "[]": {"type": "string"}}, "required": [""]},
    {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}, "b": {"$ref": 5}}, "required": ["a", "b"]},
    {"type": "object", "oneOf": [{"type": "null"}], "allOf": 5, "anyOf": "a"},
]


@pytest.mark.parametrize("schema", [SELF, LOOP, LAUGHS])
def test_a_schema_that_refers_to_itself_is_answered_in_the_end(asked: OpenAI, schema: dict[str, Any]) -> None:
    shape: Any = strict(schema)["response_format"]
    messages: Any = user(image(SHOWN.url))["messages"]
    answer = asked.chat.completions.create(model=BASE, messages=messages, response_format=shape)

    assert isinstance(json.loads(str(answer.choices[0].message.content)), dict)


@pytest.mark.parametrize("schema", ODD)
def test_an_odd_schema_that_is_not_strict_is_answered_with_some_object(asked: OpenAI, schema: dict[str, Any]) -> None:
    shape: Any = {"type": "json_schema", "json_schema": {"name": "odd", "schema": schema}}
    for messages in (user(image(SHOWN.url))["messages"], HELLO):
        asking: Any = {"model": BASE, "messages": messages}
        answer = asked.chat.completions.create(**asking, response_format=shape)
        assert isinstance(json.loads(str(answer.choices[0].message.content)), dict)


def test_a_refusal_has_the_fields_of_the_specification(asked: OpenAI) -> None:
    for wrong in ({"temperature": 3}, {"wrong": 3}, {"messages": [{"role": "user", "content": " cat" * 137_500}]}):
        error = refusal_of(asked, "/chat/completions", {"model": BASE, "messages": HELLO, **wrong})
        check("error", {"error": error})


def test_fields_that_are_null_count_as_not_given(asked: OpenAI) -> None:
    given = ("stop", "seed", "top_p", "n", "tools", "response_format", "stream", "stream_options", "max_tokens", "user")
    nothing = dict.fromkeys(given)

    assert asked.post("/chat/completions", body={"model": BASE, "messages": HELLO, **nothing}, cast_to=object)


def test_parameters_that_change_nothing_here_are_taken(asked: OpenAI) -> None:
    messages: Any = HELLO
    shape: Any = in_shape(answer=TEXT)
    completion = asked.chat.completions.create(
        model=BASE,
        messages=messages,
        frequency_penalty=1,
        presence_penalty=-1,
        logit_bias={"50256": -100},
        user="somebody",
        metadata={"a": "b"},
        service_tier="auto",
        response_format=shape,
    )

    assert json.loads(str(completion.choices[0].message.content))["answer"]
