"""Azure OpenAI in Microsoft Foundry behind the two protocols of `cloud.foundry`, through the official clients."""

import time
from collections.abc import Sequence
from typing import Any

import openai
from azure.core.exceptions import ClientAuthenticationError
from openai.types.chat import ChatCompletion

from cloud.azure_data_plane import ask, said
from cloud.azure_deployments import not_logged_in
from cloud.azure_files import AzureFiles
from cloud.azure_jobs import AzureJobs
from cloud.errors import CloudRefused
from cloud.waiting import eventually
from data_contracts.chats import Message
from data_contracts.evaluation import RawAnswer

ANSWER_PATIENCE = 10 * 60
LONGEST_ANSWER = 64


class AzureOpenAI(AzureFiles, AzureJobs):
    """One Azure OpenAI account: a Trainer and an Answerer."""

    def answer(self, model_deployment: str, prompt: str, image: str, detail: str) -> RawAnswer:
        """See Answerer.answer."""
        question: Any = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image, "detail": detail}}]},
        ]
        return self._answered(model_deployment, question, LONGEST_ANSWER)

    def reply(self, model_deployment: str, messages: Sequence[Message], most_tokens: int) -> RawAnswer:
        """See Answerer.reply; weights are for training only."""
        asked = [{"role": message["role"], "content": message["content"]} for message in messages]
        return self._answered(model_deployment, asked, most_tokens)

    def _answered(self, model_deployment: str, messages: Any, most_tokens: int) -> RawAnswer:
        began = time.perf_counter()
        try:
            completion = self._data.with_options(max_retries=5).chat.completions.create(
                model=model_deployment, messages=messages, temperature=0, max_tokens=most_tokens
            )
        except ClientAuthenticationError as error:
            raise CloudRefused(not_logged_in(error)) from error
        except openai.BadRequestError as error:
            return RawAnswer(filtered=error.code == "content_filter", failure=said(error))
        except openai.APIError as error:
            return RawAnswer(failure=said(error))
        return _raw_answer(completion, 1000 * (time.perf_counter() - began))

    def wait_until_answering(self, model_deployment: str) -> None:
        """See Answerer.wait_until_answering; asks one short question after another."""

        def look() -> bool | None:
            try:
                self._data.chat.completions.create(
                    model=model_deployment, messages=[{"role": "user", "content": "ready?"}], max_tokens=1
                )
            except openai.NotFoundError:
                return None
            return True

        eventually(
            lambda: ask(look), ANSWER_PATIENCE, f"The model deployment {model_deployment} is ready but does not answer"
        )


def _raw_answer(completion: ChatCompletion, latency_ms: float) -> RawAnswer:
    choice, usage = completion.choices[0], completion.usage
    return RawAnswer(
        text=choice.message.content or "",
        refused=bool(choice.message.refusal),
        filtered=choice.finish_reason == "content_filter",
        latency_ms=latency_ms,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
    )
