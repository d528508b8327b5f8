"""A base model and a trained one, deployed for the tests of one module, and small helpers to ask them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI
from openai.types.chat import ChatCompletion

from tests.foundry_emulator.support import TEXTURES, deployment_of, examples, once_deployed, question

BASE, TUNED = "a-base-model", "a-tuned-model"
HELD_OUT = examples(range(300, 304))
SHOWN = HELD_OUT[0]
TEXT_QUESTION: list[Any] = [{"role": "user", "content": "Why is the sky blue?"}]


@contextmanager
def both_deployed(client: OpenAI, control: CognitiveServicesManagementClient, trained: str | None) -> Iterator[OpenAI]:
    """Yield *client* while BASE, and TUNED if a *trained* model is named, answer it."""
    deploy_base(client, control)
    if trained:
        deploy(client, control, TUNED, trained, "1")
    yield client
    for name in (BASE, TUNED) if trained else (BASE,):
        control.deployments.begin_delete("group", "local", name, enforce_https=False).result()


def deploy_base(client: OpenAI, control: CognitiveServicesManagementClient) -> None:
    """Deploy the base model, and return when it answers."""
    deploy(client, control, BASE, "gpt-4o", "2024-08-06")


def deploy(
    client: OpenAI, control: CognitiveServicesManagementClient, name: str, model: str, version: str = "1"
) -> None:
    """Deploy *model* under *name*, and return when it answers."""
    body = deployment_of(model, version)
    control.deployments.begin_create_or_update("group", "local", name, body, enforce_https=False).result()
    wait_for(client, name)


def wait_for(client: OpenAI, name: str) -> None:
    """Return when the model deployment *name* answers."""
    once_deployed(lambda: ask(client, name))


def ask(client: OpenAI, name: str, url: str = SHOWN.url, **options: Any) -> ChatCompletion:
    """Return the completion that says which texture an image shows."""
    given = {"model": name, "messages": question(url), "temperature": 0, **options}
    completion: ChatCompletion = client.chat.completions.create(**given)
    return completion


def told(completion: ChatCompletion, place: int = 0) -> str:
    """Return the text of an answer."""
    return str(completion.choices[place].message.content)


def log_probability(completion: ChatCompletion, place: int = 0) -> float:
    """Return the log-probability of an answer: that of its tokens together."""
    return float(sum(token.logprob for token in tokens_of(completion, place)))


def tokens_of(completion: ChatCompletion, place: int = 0) -> list[Any]:
    """Return the tokens of an answer with their probabilities."""
    logprobs = completion.choices[place].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    return list(logprobs.content)


def schema_of(**properties: Any) -> dict[str, Any]:
    """Return a strict schema of an object with these *properties*."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def in_shape(**properties: Any) -> dict[str, Any]:
    """Return the `response_format` that asks for an object with these *properties*."""
    schema = schema_of(**properties)
    return {"type": "json_schema", "json_schema": {"name": "texture", "strict": True, "schema": schema}}


LABEL = {"type": "string", "enum": list(TEXTURES)}
