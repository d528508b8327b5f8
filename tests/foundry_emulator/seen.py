"""What clients are answered: every JSON answer is kept with the name of the field list that it must obey.

A new address needs a line in ADDRESSES; an answer whose address is not there is a problem too.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy

from tests.foundry_emulator.fields import problems

_REFUSED = 400
_DATA = r"(/[^/]+)?/openai(/v1)?"
_JOB = rf"{_DATA}/fine_tuning/jobs/[^/]+"
_CS = r"/subscriptions/[^/]+(/resourceGroups/[^/]+)?/providers/Microsoft\.CognitiveServices"
_ACCOUNT = rf"{_CS}/accounts/[^/]+"
# method, path, the name of the field list in FIELDS; the first line that fits counts
ADDRESSES: tuple[tuple[str, str, str], ...] = (
    ("POST", rf"{_DATA}/files(/import)?", "file"),
    ("GET", rf"{_DATA}/files", "file list"),
    ("GET", rf"{_DATA}/files/[^/]+", "file"),
    ("DELETE", rf"{_DATA}/files/[^/]+", "file deleted"),
    ("POST", rf"{_DATA}/uploads/[^/]+/parts", "part"),
    ("POST", rf"{_DATA}/uploads(/[^/]+/(complete|cancel))?", "upload"),
    ("GET", rf"{_DATA}/fine_tuning/jobs", "job list"),
    ("POST", rf"{_DATA}/fine_tuning/jobs", "job"),
    ("GET", rf"{_JOB}/events", "event list"),
    ("GET", rf"{_JOB}/checkpoints", "checkpoint list"),
    ("GET|POST", rf"{_JOB}/checkpoints/[^/]+/copy", "checkpoint copy"),
    ("POST", rf"{_JOB}/(cancel|pause|resume)", "job"),
    ("GET", _JOB, "job"),
    ("GET", rf"{_DATA}/models", "model list"),
    ("GET", rf"{_DATA}/models/[^/]+", "model"),
    ("GET", rf"{_DATA}/batches", "batch list"),
    ("POST", rf"{_DATA}/batches(/[^/]+/cancel)?", "batch"),
    ("GET", rf"{_DATA}/batches/[^/]+", "batch"),
    ("POST", rf"{_DATA}(/deployments/[^/]+)?/chat/completions", "chat completion"),
    ("POST", rf"{_DATA}/responses", "response"),
    ("GET", rf"{_DATA}/responses/[^/]+", "response"),
    ("DELETE", rf"{_DATA}/responses/[^/]+", "response deleted"),
    ("GET", rf"{_DATA}/responses/[^/]+/input_items", "input item list"),
    ("GET", rf"{_ACCOUNT}/deployments", "deployment list"),
    ("GET", rf"{_ACCOUNT}/deployments/[^/]+/skus", "deployment sku list"),
    ("GET|PUT|PATCH", rf"{_ACCOUNT}/deployments/[^/]+", "deployment"),
    ("GET", rf"{_CS}/locations/[^/]+/operationResults/[^/]+", "operation"),
    ("GET", rf"{_ACCOUNT}/models", "arm model list"),
    ("GET", rf"{_ACCOUNT}/usages", "usage list"),
    ("GET", rf"{_ACCOUNT}/skus", "account sku list"),
    ("GET", rf"{_CS}/locations/[^/]+/models", "location model list"),
    ("GET", rf"{_CS}/locations/[^/]+/usages", "usage list"),
    ("GET", rf"{_CS}/skus", "resource sku list"),
    ("GET", rf"{_CS}/accounts", "account list"),
    ("GET", _ACCOUNT, "account"),
    ("GET", rf"{_ACCOUNT}/providers/Microsoft\.Insights/metrics", "metrics"),
    ("POST", r"/subscriptions/[^/]+/metrics:getBatch", "metrics batch"),
    ("GET", r"/identity/token", "token"),
    ("GET|PUT", r"/emulator/clock", "clock"),
)


@dataclass(frozen=True)
class Answer:
    """One JSON answer: the call, its status, and the field list that it must obey."""

    method: str
    path: str
    status: int
    body: Any

    @property
    def kind(self) -> str | None:
        """The name of its field list, None if its address is not known."""
        if self.status >= _REFUSED:
            return "arm error" if self.path.startswith("/subscriptions/") else "error"
        fitting = (
            name
            for methods, path, name in ADDRESSES
            if re.fullmatch(methods, self.method) and re.fullmatch(path, self.path)
        )
        return next(fitting, None)

    def problems(self) -> list[str]:
        """Return what is wrong with it."""
        told = [f"no field list for {self.path}"] if self.kind is None else problems(self.kind, self.body)
        return [f"{self.method} {self.path} {self.status}: {problem}" for problem in told]


@dataclass
class Seen:
    """Keeps what goes through the clients that it is hooked into."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def kinds(self) -> set[str | None]:
        """The names of all field lists that were needed."""
        return {answer.kind for answer in self.answers}

    def problems(self) -> list[str]:
        """Return what is wrong with any answer."""
        return [problem for answer in self.answers for problem in answer.problems()]

    def keep(self, method: str, url: str, status: int, content_type: str, content: bytes) -> None:
        """Keep an answer if it is JSON."""
        if content_type.startswith("application/json") and content:
            self.answers.append(Answer(method, urlsplit(url).path, status, json.loads(content)))

    def client(self) -> httpx2.Client:
        """Return an HTTP client for `OpenAI` and `AzureOpenAI`."""
        return httpx2.Client(event_hooks={"response": [self._hear]}, timeout=60)

    def async_client(self) -> httpx2.AsyncClient:
        """Return an HTTP client for `AsyncOpenAI` and `AsyncAzureOpenAI`."""
        return httpx2.AsyncClient(event_hooks={"response": [self._hear_later]}, timeout=60)

    def policy(self) -> "HearingPolicy":
        """Return a policy for the clients that are built on azure-core (per_call_policies=[...])."""
        return HearingPolicy(self)

    def _hear(self, response: httpx2.Response) -> None:
        response.read()
        self._keep(response)

    async def _hear_later(self, response: httpx2.Response) -> None:
        await response.aread()
        self._keep(response)

    def _keep(self, response: httpx2.Response) -> None:
        request, kind = response.request, response.headers.get("content-type", "")
        self.keep(request.method, str(request.url), response.status_code, kind, response.content)


class HearingPolicy(SansIOHTTPPolicy[Any, Any]):
    """Keeps what an azure-core client is answered."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Keep the answer."""
        told, asked = response.http_response, request.http_request
        self._seen.keep(asked.method, asked.url, told.status_code, told.content_type or "", told.body())
