"""An emulator with two model deployments for faults to strike, and the calls that they strike."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from tests.foundry_emulator.support import EmulatorProcess, deployment_of, examples, question, running

IMAGE = examples(range(1))[0].url
FILES = "/openai/v1/files"
CHAT = "/openai/v1/chat/completions"
DEPLOYMENTS = "/subscriptions/*/deployments*"
QUICK = ("--speed", "20", "--rate-limit-factor", "1000", "--account", "local", "--account", "second")


@contextmanager
def two_deployed(state: Path) -> Iterator[EmulatorProcess]:
    """Yield a quick emulator on which the model deployments `base` and `other` answer."""
    with running(state, *QUICK) as started, started.management() as control:
        for name in ("base", "other"):
            body = deployment_of("gpt-4o", "2024-08-06")
            control.deployments.begin_create_or_update("g", "local", name, body, enforce_https=False).result()
        yield started


def ask(client: OpenAI, deployment: str = "base") -> str:
    """Return what a model deployment answers."""
    answer = client.chat.completions.create(model=deployment, messages=question(IMAGE))
    return str(answer.choices[0].message.content)


def deployments(control: CognitiveServicesManagementClient) -> list[str]:
    """Return the names of all model deployments."""
    return [str(each.name) for each in control.deployments.list("g", "local", enforce_https=False)]
