"""Model deployments through Azure Resource Manager, with the official client."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)

from cloud.errors import CloudRefused, CloudUnavailable
from cloud.settings import FoundrySettings
from cloud.waiting import eventually
from data_contracts.models import OfferedModel, plain_region
from data_contracts.training import ModelDeployment, is_fine_tuned

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

MANAGEMENT_SCOPE = "https://management.azure.com/.default"
ENDED = ("Failed", "Canceled", "Disabled")
DEPLOYMENT_PATIENCE = 60 * 60
CONFLICT, SERVER_ERROR = 409, 500

T = TypeVar("T")


class AzureDeployments:
    """The model deployments of one Azure OpenAI account: the part of a Trainer that deploys."""

    def __init__(self, settings: FoundrySettings) -> None:
        """Manage the account at *settings*; the control plane always wants Entra ID."""
        self._settings = settings

    def deploy(
        self, name: str, model: str, tags: dict[str, str], sku: str | None = None, capacity: int | None = None
    ) -> ModelDeployment:
        """See Trainer.deploy."""
        found = self._model_deployment(name)
        if found is not None and found.model != model:
            raise CloudRefused(f"The model deployment {name} serves {found.model}, not {model}; delete it first")
        if found is not None and found.state in ENDED:
            self.delete_model_deployment(name)  # a failed one holds its name and its quota
            found = None
        if found is None:
            size = {"name": sku or self._settings.sku, "capacity": capacity or self._settings.capacity}
            self._create_model_deployment(name, model, tags, size)

        def look() -> ModelDeployment | None:
            state = self._model_deployment(name)
            if state is None or state.state in ENDED:
                raise CloudRefused(
                    f"The model deployment {name} of {model} ended {state.state if state else 'deleted'}"
                )
            return state if state.state == "Succeeded" else None

        return eventually(look, DEPLOYMENT_PATIENCE, f"The model deployment {name} is still not ready")

    def check_account(self) -> None:
        """See Trainer.check_account."""
        self._get_account()

    def region(self) -> str:
        """See Trainer.region."""
        return plain_region(self._settings.region or str(self._get_account().location))

    def offered_models(self) -> Sequence[OfferedModel]:
        """See Trainer.offered_models."""
        listed = _manage(lambda: list(self._management.accounts.list_models(*self._account, **self._https)))
        return [_offered(each) for each in listed if each.base_model is None]

    def _get_account(self) -> Any:
        account, group = self._settings.account, self._settings.resource_group
        try:
            return _manage(
                lambda: self._management.accounts.get(group, account, **self._https),
                passing=(ResourceNotFoundError,),
            )
        except ResourceNotFoundError as error:
            raise CloudRefused(
                f"There is no account {account} in the resource group {group} of {self._settings.subscription}; "
                "see [foundry] in kaizen.toml"
            ) from error

    def model_deployments(self) -> Iterator[ModelDeployment]:
        """See Trainer.model_deployments."""
        for each in _manage(lambda: list(self._management.deployments.list(*self._account, **self._https))):
            yield _model_deployment(each)

    def delete_model_deployment(self, name: str) -> None:
        """See Trainer.delete_model_deployment."""

        def delete() -> bool:
            poller = self._management.deployments.begin_delete(*self._account, name, polling_interval=5, **self._https)
            poller.result()
            return True

        try:
            self._taking_turns(delete)
        except ResourceNotFoundError:
            return

    def _create_model_deployment(self, name: str, model: str, tags: dict[str, str], size: dict[str, Any]) -> None:
        wanted: Any = {
            "sku": size,
            "properties": {"model": {"format": "OpenAI", "name": _base_name(model), "version": _version(model)}},
            "tags": tags,
        }

        def create() -> bool:
            self._management.deployments.begin_create_or_update(
                *self._account, name, wanted, polling_interval=5, **self._https
            ).result()
            return True

        self._taking_turns(create)

    def _taking_turns(self, write: Callable[[], T]) -> T:
        """Azure allows one write at a time per account; whoever meets another one waits for it."""

        def try_once() -> T | None:
            try:
                return write()
            except ResourceExistsError as error:
                if error.status_code != CONFLICT:
                    raise
                return None

        return eventually(
            lambda: _manage(try_once, passing=(ResourceNotFoundError,)),
            DEPLOYMENT_PATIENCE,
            f"Other writes to the account {self._settings.account} do not end",
        )

    def _model_deployment(self, name: str) -> ModelDeployment | None:
        try:
            found = _manage(
                lambda: self._management.deployments.get(*self._account, name, **self._https),
                passing=(ResourceNotFoundError,),
            )
        except ResourceNotFoundError:
            return None
        return _model_deployment(found)

    @cached_property
    def _management(self) -> "CognitiveServicesManagementClient":
        from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

        return CognitiveServicesManagementClient(
            self._credential,
            self._settings.subscription,
            base_url=str(self._settings.management).rstrip("/"),
            credential_scopes=[MANAGEMENT_SCOPE],
        )

    @cached_property
    def _credential(self) -> "TokenCredential":
        from azure.identity import DefaultAzureCredential

        logging.getLogger("azure.identity").setLevel(logging.ERROR)  # its page of advice; we say it in a sentence
        return DefaultAzureCredential()

    @property
    def _account(self) -> tuple[str, str]:
        return self._settings.resource_group, self._settings.account

    @property
    def _https(self) -> dict[str, Any]:
        """The control plane's clients refuse plain http unless each operation is told that it is meant."""
        return {} if self._settings.management.scheme == "https" else {"enforce_https": False}


def not_logged_in(error: ClientAuthenticationError) -> str:
    """One sentence for a login that failed; the client's own message runs over many lines."""
    first = str(error.message).strip().split("\n")[0]
    return f"Azure did not accept the login ({first}); log in with az login, or run with a managed identity"


def _manage(call: Callable[[], T], *, passing: tuple[type[Exception], ...] = ()) -> T:
    """The answer of the control plane, its errors in our terms but for those *passing* through."""
    return in_our_terms(call, "Azure's control plane", passing=passing)


def in_our_terms(call: Callable[[], T], service: str, *, passing: tuple[type[Exception], ...] = ()) -> T:
    """The answer of one of Azure's services, its errors in our terms but for those *passing* through."""
    try:
        return call()
    except passing:
        raise
    except ClientAuthenticationError as error:
        raise CloudRefused(not_logged_in(error)) from error
    except HttpResponseError as error:
        status = error.status_code or 0
        kind = CloudUnavailable if status >= SERVER_ERROR or status in (408, 429) else CloudRefused
        raise kind(f"{service} answered {status}: {error.message}") from error
    except AzureError as error:
        raise CloudUnavailable(f"{service} cannot be reached: {error.message}") from error


def _model_deployment(raw: Any) -> ModelDeployment:
    return ModelDeployment(
        name=raw.name,
        model=_full_name(raw.properties.model.name, raw.properties.model.version),
        state=str(raw.properties.provisioning_state),
        sku=raw.sku.name,
        capacity=raw.sku.capacity,
        created_at=raw.system_data.created_at if raw.system_data else None,
        tags=dict(raw.tags or {}),
    )


def _offered(raw: Any) -> OfferedModel:
    ends = raw.deprecation
    return OfferedModel(
        name=_full_name(raw.name, raw.version),
        retired=str(raw.lifecycle_status) == "Deprecated",
        trainable_until=_day(ends.fine_tune) if ends else None,
        deployable_until=_day(ends.inference) if ends else None,
    )


def _day(moment: str | None) -> date | None:
    return datetime.fromisoformat(moment).date() if moment else None


def _base_name(model: str) -> str:
    """Name of a model as the control plane wants it: base models without their version."""
    return model if is_fine_tuned(model) else model.removesuffix(f"-{_version(model)}")


def _version(model: str) -> str:
    """Version of a model: the date of a base model's id, always 1 for a fine-tuned one."""
    if is_fine_tuned(model):
        return "1"
    tail = model.split("-")[-3:]
    is_date = len(tail) == 3 and all(part.isdigit() for part in tail)  # noqa: PLR2004
    return "-".join(tail) if is_date else "1"


def _full_name(name: str, version: str | None) -> str:
    return name if is_fine_tuned(name) or version in (None, "1") else f"{name}-{version}"
