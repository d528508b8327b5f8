"""The data plane of one Azure OpenAI account: its client, and its errors in our terms."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import openai
from azure.core.exceptions import ClientAuthenticationError

from cloud.azure_deployments import AzureDeployments, not_logged_in
from cloud.errors import CloudRefused, CloudUnavailable, SettingsUnreadable
from cloud.settings import FoundrySettings

TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"

T = TypeVar("T")


class AzureDataPlane(AzureDeployments):
    """An account with the client that asks its data plane."""

    def __init__(self, settings: FoundrySettings, api_key: str | None) -> None:
        """Use the account at *settings*, with *api_key* or, without one, with Entra ID."""
        super().__init__(settings)
        self._api_key = api_key

    @cached_property
    def _data(self) -> openai.OpenAI:
        from azure.identity import get_bearer_token_provider

        if self._settings.endpoint is None:
            raise SettingsUnreadable("foundry.endpoint is not set; name it in kaizen.toml or KAIZEN_FOUNDRY__ENDPOINT")
        key = self._api_key or get_bearer_token_provider(self._credential, TOKEN_SCOPE)
        return openai.OpenAI(base_url=str(self._settings.endpoint), api_key=key, timeout=120)


def ask(call: Callable[[], T]) -> T:
    """The answer of the data plane, its errors in our terms."""
    try:
        return call()
    except ClientAuthenticationError as error:
        raise CloudRefused(not_logged_in(error)) from error
    except (openai.RateLimitError, openai.ConflictError, openai.InternalServerError) as error:
        raise CloudUnavailable(said(error)) from error
    except openai.APIStatusError as error:
        raise CloudRefused(said(error)) from error
    except openai.APIError as error:
        raise CloudUnavailable(f"Azure OpenAI cannot be reached: {error.message}") from error


def said(error: openai.APIError) -> str:
    status = getattr(error, "status_code", None)
    body: object = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else None
    else:
        message = None
    return f"Azure OpenAI answered {status}: {message or error.message}" if status else error.message
