"""Addresses and policies of one loop: `kaizen.toml` in its folder, overruled by `KAIZEN_*` variables."""

import base64
import binascii
import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from cloud.errors import SettingsUnreadable
from data_contracts.models import Customer
from data_contracts.policies import DeletionPolicy, PromotionPolicy, TrainingPolicy

FILE = "kaizen.toml"
SECRETS = {"api_key", "store_connection", "webhook_secret"}
WEBHOOK_SECRET_BEGINS = "whsec_"
PROMPT = (
    "You inspect images for quality control. "
    "Classify the image as exactly one of these classes:\n{classes}\n"
    "Answer with the name of the class and nothing else."
)


def _signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    key = text.removeprefix(WEBHOOK_SECRET_BEGINS)
    try:
        usable = key != text and len(base64.b64decode(key, validate=True)) > 0
    except binascii.Error:
        usable = False
    if not usable:
        raise ValueError(f"it has to be {WEBHOOK_SECRET_BEGINS} and base64, as shown when the webhook was made")
    return secret


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(_Section):
    """Where the loop's files are: a folder (the default) or an Azure storage account."""

    folder: Path = Field(Path("store"), description="Relative to the folder of kaizen.toml.")
    account_url: HttpUrl | None = None


class FoundrySettings(_Section):
    """Where the loop trains and answers: Azure, or the emulator; only the addresses differ."""

    endpoint: HttpUrl | None = Field(None, description="Data plane, ending in /openai/v1/.")
    management: HttpUrl = Field(HttpUrl("https://management.azure.com"), description="Azure's control plane.")
    metrics: HttpUrl | None = Field(None, description="Azure Monitor; empty takes the one of the account's region.")
    subscription: str
    resource_group: str
    account: str
    sku: str = Field("GlobalStandard", description="Tier of our model deployments in production.")
    evaluation_sku: str = Field(
        "auto", description="Tier on which challengers are evaluated; auto takes the cheapest that the model allows."
    )
    capacity: int = Field(50, ge=1, description="Thousand tokens per minute of each model deployment.")
    upload_part_bytes: int = Field(
        64 * 1024 * 1024, ge=1, le=512_000_000, description="Larger files go up in parts of this size."
    )
    clock: HttpUrl | None = Field(None, description="Time source; empty for the system's clock.")
    customer: Customer = Field("existing", description="New customers may train a model for a shorter time.")
    region: str | None = Field(None, description="Region of the account; empty asks Azure.")

    @property
    def account_id(self) -> str:
        """Resource id of the account, in lower case."""
        group = f"/subscriptions/{self.subscription}/resourcegroups/{self.resource_group}"
        return f"{group}/providers/microsoft.cognitiveservices/accounts/{self.account}".lower()


class IngestionSettings(_Section):
    """Where new images are examined."""

    task_runner: Literal["threads", "dask", "ray"] = Field(
        "threads", description="Threads of the flow's process, or a cluster that workers of the team share."
    )
    address: str | None = Field(None, description="Of the cluster's scheduler; empty starts one on this machine.")
    workers: int = Field(2, ge=1, le=256, description="Shards examined at once on this machine.")


class Settings(BaseSettings):
    """Everything that one loop is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="KAIZEN_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    loop: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$", description="Name of the loop.")
    contract: Path = Path("contract.odcs.yaml")
    prompt: str = Field(PROMPT, description="System prompt; {classes} becomes the list of answers.")
    store: StoreSettings = StoreSettings()
    foundry: FoundrySettings
    ingestion: IngestionSettings = IngestionSettings()
    training: TrainingPolicy = TrainingPolicy()
    promotion: PromotionPolicy = PromotionPolicy()
    deletion: DeletionPolicy = DeletionPolicy()
    api_key: SecretStr | None = Field(None, description="Only from KAIZEN_API_KEY; Entra ID is used without it.")
    store_connection: SecretStr | None = Field(
        None, description="Only from KAIZEN_STORE_CONNECTION: a storage connection string, as Azurite needs."
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_signing_secret)] | None = Field(
        None, description="Only from KAIZEN_WEBHOOK_SECRET: whsec_..., with which webhooks of ended jobs are signed."
    )

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration without its secrets; every ledger entry carries it."""
        return hashlib.sha256(self.model_dump_json(exclude=SECRETS).encode()).hexdigest()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the signature is pydantic-settings')
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables overrule what the file says."""
        return env_settings, init_settings


def load_settings(folder: Path) -> Settings:
    """The settings of the loop in *folder*; raises SettingsUnreadable with the field, the file and what to do."""
    file = folder / FILE
    given = _read(file)
    for secret in SECRETS & given.keys():
        raise SettingsUnreadable(f"{file}: {secret} is a secret; take it out and set KAIZEN_{secret.upper()} instead")
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsUnreadable(f"{file}: {_problems(error)}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsUnreadable(
            f"There is no {FILE} in {file.parent}; go to the folder of a loop, or name it with --loop"
        ) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsUnreadable(f"{file} cannot be read: {error}") from error


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors())
