"""Azure OpenAI in Microsoft Foundry behind the protocols of `cloud.foundry`, through the official clients."""

import openai

from cloud.azure_answers import AzureAnswers
from cloud.azure_batches import AzureBatches
from cloud.azure_data_plane import ask
from cloud.azure_jobs import AzureJobs
from cloud.waiting import eventually

ANSWER_PATIENCE = 10 * 60


class AzureOpenAI(AzureBatches, AzureJobs, AzureAnswers):
    """One Azure OpenAI account: a Trainer, an Answerer and a BatchAnswerer."""

    def wait_until_answering(self, model_deployment: str) -> None:
        """See Answerer.wait_until_answering; asks one short question after another."""

        def look() -> bool | None:
            try:
                completion = self._data.chat.completions.create(
                    model=model_deployment, messages=[{"role": "user", "content": "ready?"}], max_tokens=1
                )
            except openai.NotFoundError:
                return None
            self._own_calls.count(model_deployment, completion.created)
            return True

        eventually(
            lambda: ask(look), ANSWER_PATIENCE, f"The model deployment {model_deployment} is ready but does not answer"
        )
