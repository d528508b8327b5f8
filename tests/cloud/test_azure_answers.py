"""Single questions to a model deployment: what fails in passing is asked again, what is said for good is an answer."""

from collections.abc import Iterator

import pytest

from cloud.azure_openai import AzureOpenAI
from cloud.settings import FoundrySettings
from data_contracts.evaluation import RawAnswer
from deployments.servers import emulator_environment
from tests.foundry_emulator.support import API_KEY, MODEL, TEXTURES, EmulatorProcess, data_url, draw, running

NAME = "steel-base"
CHAT = "/openai/v1/chat/completions"
PROMPT = f"Name the texture. Answer with one of: {', '.join(TEXTURES)}."
IMAGE = data_url(draw(TEXTURES[0], 0))
FORBIDDEN = "a phrase that is filtered"
QUICK = ("--deployment-creation-seconds", "0.1", "--deployment-propagation-seconds", "0", "--speed", "5")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with running(tmp_path_factory.mktemp("emulator"), *QUICK, "--filtered-phrase", FORBIDDEN) as found:
        yield found


@pytest.fixture
def service(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureOpenAI]:
    """Our client, new in each test, for it remembers what a model deployment refused; its pauses are short."""
    for name, value in emulator_environment(emulator.address).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("cloud.azure_answers.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("cloud.azure_answers.LONGEST_PAUSE", 0.001)
    where = {"endpoint": f"{emulator.address}/openai/v1/", "management": emulator.address}
    found = AzureOpenAI(
        FoundrySettings.model_validate({**where, "subscription": "any", "resource_group": "any", "account": "local"}),
        API_KEY,
    )
    found.deploy(NAME, MODEL, {})
    yield found
    emulator.ask("DELETE", "/emulator/faults")


def asked(service: AzureOpenAI, prompt: str = PROMPT) -> RawAnswer:
    return service.answer(NAME, prompt, IMAGE, "low")


def struck(emulator: EmulatorProcess) -> int:
    """How often the only fault that is set was felt."""
    (fault,) = emulator.faults()
    return int(fault["struck"])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="server error"),
        pytest.param({"status": 503, "code": "overloaded"}, id="overloaded"),
        pytest.param({"status": 408}, id="time-out at the service"),
        pytest.param({"status": 409}, id="conflict"),
        pytest.param({"reset": True}, id="connection dropped"),
        pytest.param({"status": 500, "after_work": True}, id="answer lost"),
    ],
)
def test_what_fails_in_passing_is_asked_again(
    service: AzureOpenAI, emulator: EmulatorProcess, fault: dict[str, object]
) -> None:
    emulator.fault(method="POST", path=CHAT, count=3, **fault)

    answer = asked(service)

    assert (answer.failure, struck(emulator)) == (None, 3)
    assert answer.text in TEXTURES
    assert answer.put_off == 0


def test_a_used_up_limit_is_waited_out_as_long_as_the_service_says_and_counted(
    service: AzureOpenAI, emulator: EmulatorProcess
) -> None:
    emulator.fault(method="POST", path=CHAT, count=8, status=429, headers={"retry-after-ms": "60"})

    answer = asked(service)

    assert (answer.failure, answer.put_off, struck(emulator)) == (None, 8, 8)


def test_a_service_that_stays_away_is_an_answer_that_failed(service: AzureOpenAI, emulator: EmulatorProcess) -> None:
    emulator.fault(method="POST", path=CHAT, status=500, message="away")

    answer = asked(service)

    assert answer.failure is not None
    assert "away" in answer.failure
    assert struck(emulator) == 6


def test_what_is_said_for_good_is_not_asked_again(service: AzureOpenAI, emulator: EmulatorProcess) -> None:
    emulator.fault(method="POST", path=CHAT, status=404, message="no such model deployment")

    answer = asked(service)

    assert answer.failure is not None
    assert "no such model deployment" in answer.failure
    assert struck(emulator) == 1


def test_the_content_filter_is_an_outcome_of_its_own(service: AzureOpenAI) -> None:
    assert asked(service, f"{PROMPT} {FORBIDDEN}").filtered


def test_an_answer_tells_its_probabilities(service: AzureOpenAI) -> None:
    assert asked(service).tokens


def test_a_model_deployment_that_refuses_log_probabilities_is_asked_without_them_from_then_on(
    service: AzureOpenAI, emulator: EmulatorProcess
) -> None:
    refusal = {"status": 400, "code": "invalid_value", "message": "logprobs is not supported with this model"}
    emulator.fault(method="POST", path=CHAT, count=1, **refusal)

    first, second = asked(service), asked(service)

    assert (first.failure, second.failure, struck(emulator)) == (None, None, 1)
    assert first.tokens == second.tokens == ()
    assert first.text in TEXTURES
