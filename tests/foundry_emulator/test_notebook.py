"""The classic notebook of the service's tutorials, unchanged but for addresses, keys and how often it looks."""

import base64
import json
import time
from pathlib import Path

import pytest
from azure.identity import DefaultAzureCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from tests.foundry_emulator.support import API_KEY, TEXTURES, EmulatorProcess, draw, examples, training_file

POLL_SECONDS = 0.1


def write_files(folder: Path) -> None:
    """Prepare what the notebook finds beside itself: examples to learn from, and an image to ask about."""
    (folder / "training_set.jsonl").write_bytes(training_file(examples(range(20))))
    (folder / "validation_set.jsonl").write_bytes(training_file(examples(range(100, 105))))
    (folder / "rings.png").write_bytes(draw("rings", 201))


def test_the_classic_notebook_works(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.address}/identity/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")

    # Upload fine-tuning files
    client = OpenAI(api_key=API_KEY, base_url=f"{emulator.address}/openai/v1/")
    with open("training_set.jsonl", "rb") as file:  # noqa: PTH123 (as the notebook has it)
        training_response = client.files.create(file=file, purpose="fine-tune")
    with open("validation_set.jsonl", "rb") as file:  # noqa: PTH123
        validation_response = client.files.create(file=file, purpose="fine-tune")
    training_file_id = training_response.id
    validation_file_id = validation_response.id
    for file_id in (training_file_id, validation_file_id):
        while client.files.retrieve(file_id).status not in ("processed", "error"):
            time.sleep(POLL_SECONDS)

    # Submit fine-tuning training job
    response = client.fine_tuning.jobs.create(
        training_file=training_file_id,
        validation_file=validation_file_id,
        model="gpt-4o-2024-08-06",
        hyperparameters={"n_epochs": 5},
        seed=105,
    )
    job_id = response.id
    status = client.fine_tuning.jobs.retrieve(job_id).status
    while status not in ["succeeded", "failed"]:
        time.sleep(POLL_SECONDS)
        status = client.fine_tuning.jobs.retrieve(job_id).status
    events = json.loads(client.fine_tuning.jobs.list_events(fine_tuning_job_id=job_id, limit=10).model_dump_json())
    checkpoints = client.fine_tuning.jobs.checkpoints.list(job_id)
    response = client.fine_tuning.jobs.retrieve(job_id)
    fine_tuned_model_name = response.fine_tuned_model

    # Deploy the fine-tuned model
    credential = DefaultAzureCredential()
    cognitive = CognitiveServicesManagementClient(
        credential, subscription_id="any-subscription", base_url=emulator.address, polling_interval=0.1
    )
    place = {"resource_group_name": "any-group", "account_name": "local", "deployment_name": "gpt-4o-ft"}
    deploy_data = {
        "sku": {"name": "standard", "capacity": 100},
        "properties": {"model": {"format": "OpenAI", "name": fine_tuned_model_name, "version": "1"}},
    }
    poller = cognitive.deployments.begin_create_or_update(**place, deployment=deploy_data, enforce_https=False)  # type: ignore[call-overload]
    while not poller.done():
        poller.status()
        time.sleep(POLL_SECONDS)
    deployed = poller.result()
    time.sleep(3 * POLL_SECONDS)

    # Use the deployed customized model
    with open("rings.png", "rb") as image:  # noqa: PTH123
        encoded = base64.b64encode(image.read()).decode("utf-8")
    answer = client.chat.completions.create(
        model="gpt-4o-ft",
        messages=[
            {"role": "system", "content": f"Name the texture. Answer with one of: {', '.join(TEXTURES)}."},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}],
            },
        ],
        max_tokens=50,
    )

    # Delete the deployment
    cognitive.deployments.begin_delete(**place, enforce_https=False).result()
    left = [each.name for each in cognitive.deployments.list("any-group", "local", enforce_https=False)]
    for opened in (cognitive, credential, client):
        opened.close()

    assert response.status == "succeeded"
    assert events["data"][0]["message"].startswith("Training tokens billed: ")
    assert checkpoints.data[0].fine_tuned_model_checkpoint == fine_tuned_model_name
    assert deployed.properties.provisioning_state == "Succeeded"
    assert deployed.sku.name == "Standard"
    assert answer.choices[0].message.content == "rings"
    assert "gpt-4o-ft" not in left
