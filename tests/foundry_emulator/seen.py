"""What clients are answered: every answer is kept with the name of the field list that it must obey.

A new address needs a line in ADDRESSES; an answer whose address is not there is a problem too.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx2
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy
from starlette.routing import Route

from tests.foundry_emulator.fields import exactly, problems

_REFUSED = 400
# what has no fields: an answer without a body, and the bytes of a file
NOTHING, CONTENT = "nothing", "content"
_JSON, _STREAM = "application/json", "text/event-stream"
_DATA = r"(/[^/]+)?/openai(/v1)?"
_OWN = r"(/[^/]+)?/emulator"
_JOB = rf"{_DATA}/fine_tuning/jobs/[^/]+"
_CS = r"/subscriptions/[^/]+(/resourceGroups/[^/]+)?/providers/Microsoft\.CognitiveServices"
_ACCOUNT = rf"{_CS}/accounts/[^/]+"
_METRICS = rf"{_ACCOUNT}/providers/(?i:Microsoft\.Insights)/metrics"
# method, path, the name of the field list in FIELDS; the first line that fits counts
ADDRESSES: tuple[tuple[str, str, str], ...] = (
    ("POST", rf"{_DATA}/files(/import)?", "file"),
    ("GET", rf"{_DATA}/files", "file list"),
    ("GET", rf"{_DATA}/files/[^/]+", "file"),
    ("GET", rf"{_DATA}/files/[^/]+/content", CONTENT),
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
    ("DELETE", _JOB, NOTHING),
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
    ("DELETE", rf"{_ACCOUNT}/deployments/[^/]+", NOTHING),
    ("GET", rf"{_CS}/locations/[^/]+/operationResults/[^/]+", "operation"),
    ("GET", rf"{_ACCOUNT}/models", "arm model list"),
    ("GET", rf"{_ACCOUNT}/usages", "usage list"),
    ("GET", rf"{_ACCOUNT}/skus", "account sku list"),
    ("GET", rf"{_CS}/locations/[^/]+/models", "location model list"),
    ("GET", rf"{_CS}/locations/[^/]+/usages", "usage list"),
    ("GET", rf"{_CS}(/locations/[^/]+)?/modelCapacities", "model capacity list"),
    ("GET", rf"{_CS}/skus", "resource sku list"),
    ("GET", rf"{_CS}/accounts", "account list"),
    ("GET", _ACCOUNT, "account"),
    ("GET", _METRICS, "metrics"),
    ("POST", r"/subscriptions/[^/]+/metrics:getBatch", "metrics batch"),
    ("GET", r"/identity/token", "token"),
    ("GET|PUT", rf"{_OWN}/clock", "clock"),
    ("GET", rf"{_OWN}/meter", "meter"),
    ("GET", rf"{_OWN}/model-deployments", "histories"),
    ("GET|PUT", rf"{_OWN}/metrics", "metrics condition"),
    ("DELETE", rf"{_OWN}/models/[^/]+", "model deleted"),
    ("POST", rf"{_OWN}/faults", "fault ids"),
    ("GET", rf"{_OWN}/faults", "fault list"),
    ("GET", rf"{_OWN}/faults/[^/]+", "fault"),
    ("DELETE", rf"{_OWN}/faults(/[^/]+)?", "faults removed"),
    ("POST", rf"{_OWN}/webhooks", "webhook"),
    ("GET", rf"{_OWN}/webhooks", "webhook list"),
    ("DELETE", rf"{_OWN}/webhooks/[^/]+", NOTHING),
    ("POST", rf"{_OWN}/reset", "reset"),
)


@dataclass(frozen=True)
class Answer:
    """One answer: the call, its status, what form it has, and its content (parsed if it is JSON or a stream of it)."""

    method: str
    path: str
    status: int
    form: str
    body: Any

    @property
    def kind(self) -> str | None:
        """The name of its field list, None if its address is not known."""
        if self.status >= _REFUSED:
            return self._refusal
        fitting = (
            name
            for methods, path, name in ADDRESSES
            if re.fullmatch(methods, self.method) and re.fullmatch(path, self.path)
        )
        return next(fitting, None)

    @property
    def _refusal(self) -> str:
        if re.fullmatch(_METRICS, self.path):
            return "monitor error"
        return "arm error" if self.path.startswith("/subscriptions/") else "error"

    @property
    def parts(self) -> list[tuple[str, Any]]:
        """Everything in it that has fields, each with the name of its field list."""
        if self.kind in (None, NOTHING, CONTENT) or self.form not in (_JSON, _STREAM):
            return []
        if self.form == _JSON:
            return [(exactly(str(self.kind), self.body), self.body)]
        return [(_name_of_event(event, first=event is self.body[0]), event) for event in self.body]

    def problems(self) -> list[str]:
        """Return what is wrong with it."""
        told = [problem for name, body in self.parts for problem in problems(name, body)]
        if self.kind is None:
            told = [f"no field list for {self.path}"]
        elif self.form != {NOTHING: "", CONTENT: "application/octet-stream"}.get(self.kind, self.form):
            told = [f"{self.form or 'no content'} is not {self.kind}"]
        elif self.kind not in (NOTHING, CONTENT) and not self.parts:
            told = [f"{self.form or 'no content'} has no fields"]
        return [f"{self.method} {self.path} {self.status}: {problem}" for problem in told]

    def met(self, method: str, route: Route) -> bool:
        """Return whether it is what *route* answered to a *method* that it granted."""
        path = re.sub(rf"^{_DATA}/(deployments/[^/]+/)?", "/openai/v1/", unquote(self.path))
        path = re.sub(rf"^{_OWN}/", "/emulator/", path)
        return self.method == method and self.status < _REFUSED and route.path_regex.match(path) is not None


def unmet(routes: Iterable[Route], answers: list[Answer]) -> Iterator[str]:
    """Yield every method and path of *routes* that no answer was met at."""
    for route in routes:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if not any(answer.met(method, route) for answer in answers):
                yield f"{method} {route.path}"


def _name_of_event(event: Any, *, first: bool) -> str:
    """Return the name of the field list of one event in a stream."""
    if "type" in event:
        return str(event["type"])
    return "first chat chunk" if first else "chat chunk"


def _read(form: str, content: bytes) -> Any:
    if form == _JSON:
        return json.loads(content)
    return _events(content) if form == _STREAM else content


def _events(content: bytes) -> list[Any]:
    """Return what the data lines of a stream say, without the mark of the end."""
    lines = [line.removeprefix("data: ") for line in content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@dataclass
class Seen:
    """Keeps what goes through the clients that it is hooked into."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """The names of all field lists that were needed, those of jobs and batches with their status."""
        return {name for answer in self.answers for name, _ in answer.parts}

    def problems(self) -> list[str]:
        """Return what is wrong with any answer."""
        return [problem for answer in self.answers for problem in answer.problems()]

    def keep(self, method: str, url: str, status: int, content_type: str, content: bytes) -> None:
        """Keep an answer."""
        form = content_type.partition(";")[0].strip()
        self.answers.append(Answer(method, urlsplit(url).path, status, form, _read(form, content)))

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
