"""The metrics of an account: what each counts, and by which dimensions it can be split."""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Row

NAMESPACE = "Microsoft.CognitiveServices/accounts"
AGGREGATIONS = ("Total", "Count", "Average")
_REQUESTS = (
    "ApiName",
    "OperationName",
    "Region",
    "StreamType",
    "ModelDeploymentName",
    "ModelName",
    "ModelVersion",
    "StatusCode",
    "IsSpillover",
    "ServiceTierRequest",
    "ServiceTierResponse",
)
_TOKENS = ("ApiName", "ModelDeploymentName", "FeatureName", "UsageChannel", "Region", "ModelVersion")


@dataclass(frozen=True)
class Metric:
    """A metric: the columns of calls that it adds up, none for the calls themselves, and its dimensions."""

    name: str
    title: str
    description: str
    columns: tuple[str, ...]
    dimensions: tuple[str, ...]

    def total(self, row: Row) -> float:
        """Return what the calls of *row* add to the metric."""
        return float(sum(row[column] for column in self.columns) if self.columns else row["count"])

    def dimension(self, name: str) -> str | None:
        """Return the dimension of this *name*, written in any case, as Azure writes it; None if there is none."""
        return next((each for each in self.dimensions if each.lower() == name.lower()), None)


_PROMPT, _ANSWER = ("prompt_tokens",), ("completion_tokens",)
_BOTH = _PROMPT + _ANSWER
_WITH_MODEL = (*_TOKENS, "ModelName")
METRICS: Mapping[str, Metric] = {
    metric.name.lower(): metric
    for metric in (
        Metric("AzureOpenAIRequests", "Azure OpenAI Requests", "Number of calls made over time.", (), _REQUESTS),
        Metric("ModelRequests", "Model Requests", "Number of calls made to the model over time.", (), _REQUESTS),
        Metric("ProcessedPromptTokens", "Processed Prompt Tokens", "Prompt tokens processed.", _PROMPT, _TOKENS),
        Metric("GeneratedTokens", "Generated Completion Tokens", "Tokens generated.", _ANSWER, _TOKENS),
        Metric("TokenTransaction", "Processed Inference Tokens", "Tokens of prompts and answers.", _BOTH, _TOKENS),
        Metric("InputTokens", "Input Tokens", "Prompt tokens processed.", _PROMPT, _WITH_MODEL),
        Metric("OutputTokens", "Output Tokens", "Tokens generated.", _ANSWER, _WITH_MODEL),
        Metric("TotalTokens", "Total Tokens", "Tokens of prompts and answers.", _BOTH, _WITH_MODEL),
    )
}
