"""What the emulator refuses, with the codes and words of the services."""

import json
from collections.abc import Callable

import openai
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import Deployment
from openai import OpenAI
from PIL import Image

from tests.foundry_emulator.support import (
    MODEL,
    EmulatorProcess,
    Example,
    data_url,
    encode,
    ended,
    examples,
    once_deployed,
    question,
    train,
    training_file,
    upload,
)

Deploy = Callable[..., Deployment]
GOOD = training_file(examples(range(3)))
LINE = GOOD.splitlines()[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n", "No valid json line found in file"),
        (b"\xff\xfe\n", "line 1: the text is not UTF-8"),
        (GOOD + b"\n{", "line 13: the line is not valid JSON"),
        (b"\n".join([LINE] * 9), "the file has 9 examples, at least 10 are needed"),
        (b'{"prompt": "a"}', "line 1: an example needs a list of messages"),
        (b'{"messages": [{"role": "user", "content": "a"}]}', "line 1: the last message must be an answer"),
    ],
)
def test_a_wrong_training_file_ends_in_error_with_the_reason(client: OpenAI, content: bytes, reason: str) -> None:
    file = upload(client, content)

    assert file.status == "error"
    assert reason in str(file.status_details)


def test_a_byte_order_mark_is_tolerated(client: OpenAI) -> None:
    assert upload(client, b"\xef\xbb\xbf" + GOOD).status == "processed"


def test_a_file_that_is_not_processed_cannot_be_trained_on(client: OpenAI) -> None:
    pending = client.files.create(purpose="fine-tune", file=("a.jsonl", GOOD))

    with pytest.raises(openai.BadRequestError, match="status is pending"):
        client.fine_tuning.jobs.create(model=MODEL, training_file=pending.id)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("model", "gpt-nope", "does not support fine-tuning"),
        ("training_file", "file-nope", "file-nope"),
        ("validation_file", "file-nope", "file-nope"),
        ("suffix", "v1.0", "suffix"),
        ("suffix", "a" * 41, "suffix"),
        ("hyperparameters", {"n_epochs": 0}, "n_epochs"),
        ("hyperparameters", [3], "hyperparameters"),
        ("seed", 2**31, "seed"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(client: OpenAI, field: str, value: object, reason: str) -> None:
    asked = {"model": MODEL, "training_file": upload(client, GOOD).id, field: value}

    with pytest.raises(openai.BadRequestError, match=reason):
        client.fine_tuning.jobs.create(**asked)  # type: ignore[arg-type]


def test_a_job_without_a_single_usable_image_fails_and_says_so(client: OpenAI) -> None:
    grey = data_url(encode(Image.new("L", (20, 20)), "PNG"))
    gif = data_url(encode(Image.new("RGB", (20, 20)), "GIF"), "gif")
    broken = data_url(b"no image")
    job = train(client, [Example(url, "dots") for url in (grey, gif, broken)] * 4)

    assert job.status == "failed"
    assert job.error is not None
    assert "0 examples with usable images (12 were skipped)" in str(job.error.message)


def test_images_that_cannot_be_used_are_skipped_silently(client: OpenAI) -> None:
    shown = [*examples(range(3)), Example(data_url(b"no image"), "dots")]
    job = train(client, shown, hyperparameters={"n_epochs": 1})

    assert job.status == "succeeded"
    assert client.fine_tuning.jobs.checkpoints.list(job.id).data[0].step_number == 12


def test_a_running_job_can_be_cancelled_and_makes_no_model(client: OpenAI) -> None:
    file = upload(client, training_file(examples(range(20))))
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 50})
    client.fine_tuning.jobs.cancel(job.id)
    cancelled = ended(client, job.id)

    assert cancelled.status == "cancelled"
    assert cancelled.fine_tuned_model is None
    with pytest.raises(openai.BadRequestError, match="has ended"):
        client.fine_tuning.jobs.cancel(job.id)


def test_a_wrong_key_is_told_in_the_words_of_the_service(emulator: EmulatorProcess) -> None:
    with (
        emulator.client("wrong") as stranger,
        pytest.raises(openai.AuthenticationError, match="Access denied due to invalid subscription key"),
    ):
        stranger.models.list()


def test_the_data_plane_takes_entra_tokens_of_its_own_audience_only(
    emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    with ManagedIdentityCredential() as credential:
        right = credential.get_token("https://cognitiveservices.azure.com/.default").token
        wrong = credential.get_token("https://management.azure.com/.default").token
    with emulator.client(right) as admitted, emulator.client(wrong) as stranger:
        assert admitted.models.list().data
        with pytest.raises(openai.AuthenticationError, match="audience is incorrect"):
            stranger.models.list()


def test_the_control_plane_refuses_a_key(emulator: EmulatorProcess) -> None:
    class KeyAsToken:
        def get_token(self, *_scopes: str, **_options: object) -> object:
            from azure.core.credentials import AccessToken

            return AccessToken("test-key", 2**33)

    with (
        CognitiveServicesManagementClient(KeyAsToken(), "any", base_url=emulator.address, retry_total=0) as stranger,  # type: ignore[arg-type]
        pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationToken"),
    ):
        stranger.deployments.get("group", "local", "any", enforce_https=False)


def test_a_model_is_not_a_model_deployment(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.chat.completions.create(model=MODEL, messages=question(examples(range(1))[0].url))

    assert refusal.value.code == "DeploymentNotFound"


@pytest.mark.parametrize(
    ("model", "version", "code"),
    [("gpt-nope", "1", "DeploymentModelNotSupported"), ("gpt-4o", "1999-01-01", "DeploymentModelNotSupported")],
)
def test_an_unknown_model_cannot_be_deployed(deploy: Deploy, model: str, version: str, code: str) -> None:
    with pytest.raises(HttpResponseError, match=code):
        deploy("never", model, version)


def test_the_model_of_a_model_deployment_cannot_be_changed_but_its_capacity_can(deploy: Deploy) -> None:
    deploy("fixed", "gpt-4o", "2024-08-06", 1)

    assert deploy("fixed", "gpt-4o", "2024-08-06", 7).as_dict()["properties"]["current_capacity"] == 7
    with pytest.raises(HttpResponseError, match="CannotChangeDeploymentModel"):
        deploy("fixed", "gpt-4.1", "2025-04-14")


def test_more_requests_than_the_capacity_allows_are_told_when_to_come_back(client: OpenAI, deploy: Deploy) -> None:
    deploy("small", "gpt-4o", "2024-08-06", 2)
    asked = question(examples(range(1))[0].url)
    for _ in range(2):
        once_deployed(lambda: client.chat.completions.create(model="small", messages=asked))

    with pytest.raises(openai.RateLimitError, match="call rate limit") as refusal:
        client.chat.completions.create(model="small", messages=asked)
    assert 0 < int(refusal.value.response.headers["retry-after-ms"]) <= 10_000
    assert refusal.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_an_image_that_cannot_be_decoded_is_refused_in_chat(client: OpenAI, deploy: Deploy) -> None:
    deploy("eyes", "gpt-4o", "2024-08-06")

    with pytest.raises(openai.BadRequestError, match="Invalid image data"):
        once_deployed(lambda: client.chat.completions.create(model="eyes", messages=question(data_url(b"no image"))))


def test_a_path_that_no_service_has_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.get("/nope", cast_to=object)

    assert json.loads(refusal.value.response.text) == {"error": {"code": "404", "message": "Resource not found"}}
