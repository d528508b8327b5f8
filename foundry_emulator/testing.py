"""An emulator for tests: a process of its own, official clients of it, and its controls as methods."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from foundry_emulator.processes import python_path

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
    from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI

API_KEY = "local-key"
_API_VERSION = "2024-10-21"
_PATIENCE_SECONDS = 60
_TOKEN_SECONDS = 60
IDENTITY_HEADER = "foundry-emulator"


class DidNotStart(Exception):
    """The emulator ended before it was ready; its standard error says why."""


class ControlRefused(Exception):
    """A control of the emulator was refused; the message is its answer."""


class FoundryProcess:
    """An emulator in a process of its own; its addresses, clients and controls."""

    def __init__(
        self,
        state: Path | str,
        *options: str,
        api_key: str = API_KEY,
        identity_header: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it on a free port with command line *options*; DidNotStart if it ends at once."""
        command = [sys.executable, "-m", "foundry_emulator", "--port", "0", "--state", str(state)]
        self.api_key = api_key
        self.identity_header = identity_header or IDENTITY_HEADER
        demanded = ["--identity-header", identity_header] if identity_header else []
        self.process = subprocess.Popen(
            [*command, "--api-key", api_key, *demanded, *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": python_path(), **(environment or {})},
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise DidNotStart(f"the emulator ended with exit code {self._left()}")
        self.ready: dict[str, Any] = json.loads(line)
        self.address = str(self.ready["address"])

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which Azure's own credentials and the dated client find the emulator."""
        return {
            "IDENTITY_ENDPOINT": f"{self.address}/identity/token",
            "IDENTITY_HEADER": self.identity_header,
            "AZURE_OPENAI_ENDPOINT": self.address,
            "AZURE_OPENAI_API_KEY": self.api_key,
        }

    def openai(self, account: str | None = None, **options: Any) -> OpenAI:
        """Return the official client of the data plane, of the first account or of *account*."""
        from openai import OpenAI

        return OpenAI(**{"api_key": self.api_key, "base_url": f"{self._address_of(account)}/openai/v1/", **options})

    def async_openai(self, account: str | None = None, **options: Any) -> AsyncOpenAI:
        """Return the official asynchronous client, as `openai` does."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            **{"api_key": self.api_key, "base_url": f"{self._address_of(account)}/openai/v1/", **options}
        )

    def azure_openai(self, account: str | None = None, **options: Any) -> AzureOpenAI:
        """Return the official client that writes dated addresses, as `openai` does."""
        from openai import AzureOpenAI

        return AzureOpenAI(**self._dated(account), **options)

    def async_azure_openai(self, account: str | None = None, **options: Any) -> AsyncAzureOpenAI:
        """Return the official asynchronous client that writes dated addresses, as `openai` does."""
        from openai import AsyncAzureOpenAI

        return AsyncAzureOpenAI(**self._dated(account), **options)

    def credential(self) -> EmulatorCredential:
        """Return a credential for Azure's clients; `environment` serves DefaultAzureCredential instead."""
        return EmulatorCredential(self.environment["IDENTITY_ENDPOINT"], self.identity_header)

    def management(self, subscription: str = "any-subscription", **options: Any) -> CognitiveServicesManagementClient:
        """Return the official client of the control plane; each of its calls needs `enforce_https=False`."""
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

        given = {"base_url": self.address, "polling_interval": 0.1, **options}
        return CognitiveServicesManagementClient(self.credential(), subscription, **given)

    def clock(self) -> dict[str, Any]:
        """Return `now` and `rate` of the emulator's clock."""
        return self.ask("GET", "/emulator/clock")

    def set_clock(self, now: datetime | str) -> dict[str, Any]:
        """Set the clock forward to a moment, UTC if it names no zone; ControlRefused if it lies in the past."""
        return self.ask("PUT", "/emulator/clock", {"now": now.isoformat() if isinstance(now, datetime) else now})

    def forward(self, seconds: float) -> dict[str, Any]:
        """Set the clock forward by *seconds*."""
        return self.ask("PUT", "/emulator/clock", {"forward_seconds": seconds})

    def run(self, rate: float) -> dict[str, Any]:
        """Let the clock run *rate* times as fast as the system's."""
        return self.ask("PUT", "/emulator/clock", {"rate": rate})

    def fault(self, **fault: Any) -> str:
        """Set a fault, such as `path="/openai/v1/files", status=503, count=1`; return its id."""
        return str(self.ask("POST", "/emulator/faults", fault)["ids"][0])

    def faults(self) -> list[dict[str, Any]]:
        """Return all faults, each with how often it has struck and will still strike."""
        listed: list[dict[str, Any]] = self.ask("GET", "/emulator/faults")["faults"]
        return listed

    def meter(self) -> dict[str, Any]:
        """Return what everything would have cost."""
        return self.ask("GET", "/emulator/meter")

    def reset(self, account: str | None = None) -> None:
        """Empty everything, or one account."""
        self.ask("POST", "/emulator/reset", {"account": account} if account else {})

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the answer of one of the emulator's own addresses, {} for none; ControlRefused if it is refused."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, data=content, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
                told: dict[str, Any] = json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ControlRefused(f"{method} {path}: {refusal.code}: {_message(refusal.read())}") from None
        return told

    def stop(self) -> int:
        """End it politely; return its exit code."""
        self.process.terminate()
        return self._left()

    def kill(self) -> int:
        """End it at once; return its exit code."""
        self.process.kill()
        return self._left()

    def _left(self) -> int:
        code = self.process.wait(timeout=_PATIENCE_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def _address_of(self, account: str | None) -> str:
        return f"{self.address}/{quote(account)}" if account else self.address

    def _dated(self, account: str | None) -> dict[str, Any]:
        return {"azure_endpoint": self._address_of(account), "api_key": self.api_key, "api_version": _API_VERSION}


class EmulatorCredential:
    """A token credential that asks the emulator's managed identity endpoint, whatever the environment says."""

    def __init__(self, endpoint: str, header: str = IDENTITY_HEADER) -> None:
        self._endpoint = endpoint
        self._header = header

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """Return a token for the first of *scopes*."""
        from azure.core.credentials import AccessToken

        resource = scopes[0].removesuffix("/.default")
        address = f"{self._endpoint}?api-version=2019-08-01&resource={quote(resource, safe='')}"
        request = urllib.request.Request(address, headers={"X-IDENTITY-HEADER": self._header})
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            told = json.load(answer)
        # too short-lived to be kept: the emulator's clock may be set beyond the end of a token that a client holds
        return AccessToken(told["access_token"], int(time.time()) + _TOKEN_SECONDS)


@contextmanager
def running(state: Path | str | None = None, **options: Any) -> Iterator[FoundryProcess]:
    """Yield an emulator that is stopped at the end; without *state* it keeps everything in a temporary folder.

    *options* are those of the command line: `running(speed=10, account=["first", "second"])`.
    """
    secrets: dict[str, Any] = {
        name: str(options.pop(name)) for name in ("api_key", "identity_header") if options.get(name)
    }
    with tempfile.TemporaryDirectory(prefix="foundry-emulator-") as folder:
        process = FoundryProcess(state or folder, *command_line(options), **secrets)
        try:
            yield process
        finally:
            process.stop()


def command_line(options: Mapping[str, Any]) -> list[str]:
    """Return *options* as the command line has them: a list repeats one, None leaves it out, True is a flag."""
    arguments: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, list | tuple) else [value]:
            if each is not None and each is not False:
                arguments += [flag] if each is True else [flag, str(each)]
    return arguments


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, LookupError, TypeError):
        return content.decode(errors="replace")
