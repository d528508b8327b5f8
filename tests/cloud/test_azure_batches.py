"""Batches of Azure OpenAI: bought once whatever gets lost, read line by line, and never of a fine-tuned model."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cloud.azure_openai import AzureOpenAI
from cloud.errors import CloudRefused, OutcomeUnknown
from cloud.settings import FoundrySettings
from cloud.waiting import eventually
from data_contracts.batches import BATCH_TIER, AnswerBatch
from data_contracts.evaluation import RawAnswer
from decisions.answers import unanswered
from deployments.servers import emulator_environment
from tests.foundry_emulator.support import (
    API_KEY,
    MODEL,
    TEXTURES,
    EmulatorProcess,
    data_url,
    draw,
    examples,
    running,
    train,
)

NAME = "kaizen-steel-batch-0123456789abcdef.jsonl"
MANY, ONE_BY_ONE = "steel-base-batch", "steel-base"
PROMPT = f"Name the texture. Answer with one of: {', '.join(TEXTURES)}."
IMAGES = {texture: data_url(draw(texture, 0)) for texture in TEXTURES}
FORBIDDEN = "a phrase that is filtered"
QUICK = ("--deployment-creation-seconds", "0.1", "--deployment-propagation-seconds", "0", "--speed", "5")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("emulator"), *QUICK, "--filtered-phrase", FORBIDDEN) as found:
        yield found


@pytest.fixture(scope="module")
def service(emulator: EmulatorProcess) -> Iterator[AzureOpenAI]:
    """Our client of an account with a model deployment for batches, and one for single questions."""
    where = {"endpoint": f"{emulator.address}/openai/v1/", "management": emulator.address}
    account = {"subscription": "any", "resource_group": "any", "account": "local"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator_environment(emulator.address).items():
            patch.setenv(name, value)
        found = AzureOpenAI(FoundrySettings.model_validate({**where, **account}), API_KEY)
        assert found.deploy(MANY, MODEL, {}, BATCH_TIER).sku == BATCH_TIER
        assert found.deploy(ONE_BY_ONE, MODEL, {}).sku == "GlobalStandard"
        yield found


def uploaded(service: AzureOpenAI, folder: Path, *lines: bytes, name: str = NAME) -> str:
    """The id of an input file with these lines."""
    (folder / name).write_bytes(b"".join(lines))
    return service.upload_batch_file(folder / name, name)


def asked(service: AzureOpenAI, id_: str, image: str, prompt: str = PROMPT, model_deployment: str = MANY) -> bytes:
    return service.batch_line(model_deployment, id_, prompt, image, "low")


def ended(service: AzureOpenAI, batch: AnswerBatch) -> AnswerBatch:
    def look() -> AnswerBatch | None:
        found = service.batch(batch.id)
        return found if found.ended else None

    return eventually(look, 60, "The batch has not ended")


def answers(service: AzureOpenAI, batch: AnswerBatch) -> Mapping[str, RawAnswer]:
    return dict(service.batch_answers(ended(service, batch)))


def test_a_batch_answers_as_single_questions_do_but_tells_no_time(service: AzureOpenAI, tmp_path: Path) -> None:
    lines = [asked(service, texture, image) for texture, image in IMAGES.items()]
    together = answers(service, service.submit_batch(uploaded(service, tmp_path, *lines)))
    single = {each: service.answer(ONE_BY_ONE, PROMPT, image, "low") for each, image in IMAGES.items()}

    assert together == {each: answer.model_copy(update={"latency_ms": None}) for each, answer in single.items()}
    assert all(answer.tokens and answer.text for answer in together.values())


def test_a_batch_whose_answer_was_lost_is_found_by_its_input_file_and_was_bought_once(
    service: AzureOpenAI, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    file = uploaded(service, tmp_path, asked(service, "one", IMAGES["dots"]), name="lost.jsonl")
    emulator.fault(method="POST", path="/openai/v1/batches", reset=True, after_work=True, count=1)

    with pytest.raises(OutcomeUnknown):
        service.submit_batch(file)

    (found,) = service.find_batches(file)
    assert set(answers(service, found)) == {"one"}


def test_a_batch_is_not_bought_where_the_service_broke_before_it_began(
    service: AzureOpenAI, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    file = uploaded(service, tmp_path, asked(service, "one", IMAGES["dots"]), name="broke.jsonl")
    emulator.fault(method="POST", path="/openai/v1/batches", status=500, count=1)

    with pytest.raises(OutcomeUnknown):
        service.submit_batch(file)

    assert not service.find_batches(file)


def test_lines_that_failed_or_were_filtered_say_so_beside_those_that_were_answered(
    service: AzureOpenAI, tmp_path: Path
) -> None:
    lines = (
        asked(service, "good", IMAGES["rings"]),
        asked(service, "broken", "data:image/png;base64,AAAA"),
        asked(service, "filtered", IMAGES["rings"], prompt=FORBIDDEN),
    )
    found = answers(service, service.submit_batch(uploaded(service, tmp_path, *lines, name="errors.jsonl")))

    assert found["good"].failure is None
    assert "Azure OpenAI answered 400 in a batch: " in str(found["broken"].failure)
    assert {id_: unanswered(each) for id_, each in found.items()} == {
        "good": None,
        "broken": "failed",
        "filtered": "filtered",
    }


def test_a_fine_tuned_model_is_refused_both_as_a_deployment_for_batches_and_in_a_batch(
    service: AzureOpenAI, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    with emulator.client() as client:
        tuned = str(train(client, examples(range(3))).fine_tuned_model)
    with pytest.raises(CloudRefused):
        service.deploy("tuned-batch", tuned, {}, BATCH_TIER)
    service.deploy("tuned", tuned, {})
    line = asked(service, "one", IMAGES["dots"], model_deployment="tuned")

    batch = ended(service, service.submit_batch(uploaded(service, tmp_path, line, name="tuned.jsonl")))

    assert (batch.failed, batch.too_early) == (True, False)
    assert "fine-tuned model" in str(batch.problem)


def test_a_batch_of_a_model_deployment_that_is_not_there_is_told_from_one_that_cannot_be(
    service: AzureOpenAI, tmp_path: Path
) -> None:
    line = asked(service, "one", IMAGES["dots"], model_deployment="later")

    batch = ended(service, service.submit_batch(uploaded(service, tmp_path, line, name="later.jsonl")))

    assert (batch.failed, batch.too_early) == (True, True)
    assert list(service.batch_answers(batch)) == []


def test_an_input_file_is_found_by_its_name_among_files_of_its_purpose_and_dies_by_itself(
    service: AzureOpenAI, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    file = uploaded(service, tmp_path, asked(service, "one", IMAGES["dots"]), name="kept.jsonl")

    assert service.find_batch_file("kept.jsonl") == file
    assert service.find_file("kept.jsonl") is None
    with emulator.client() as client:
        described = client.files.retrieve(file)
    assert described.expires_at == described.created_at + 14 * 24 * 3600


def test_a_batch_that_is_over_can_be_cancelled_without_complaint(service: AzureOpenAI, tmp_path: Path) -> None:
    file = uploaded(service, tmp_path, asked(service, "one", IMAGES["dots"]), name="over.jsonl")
    batch = ended(service, service.submit_batch(file))

    service.cancel_batch(batch.id)

    assert service.batch(batch.id) == batch
