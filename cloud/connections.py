"""What the settings of a loop lead to: its store, its provider, its clock; one of each in a process."""

from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from cloud.clock import Clock, clock_at
from cloud.folder_store import FolderStore
from cloud.foundry import Foundry
from cloud.monitor import Monitor
from cloud.settings import FoundrySettings, Settings
from cloud.store import Store


def clock_of(settings: Settings) -> Clock:
    """The clock that the loop follows."""
    return clock_at(str(settings.foundry.clock) if settings.foundry.clock else None)


@lru_cache(maxsize=16)
def foundry_of(settings: FoundrySettings, api_key: SecretStr | None) -> Foundry:
    """The provider at *settings*; shared, so that tasks share its connections and its login."""
    from cloud.azure_openai import AzureOpenAI

    return AzureOpenAI(settings, api_key.get_secret_value() if api_key else None)


@lru_cache(maxsize=16)
def monitor_of(settings: FoundrySettings) -> Monitor:
    """What counts the calls of the account at *settings*; shared as `foundry_of` is."""
    from cloud.azure_metrics import AzureMetrics

    return AzureMetrics(settings)


@lru_cache(maxsize=16)
def store_of(settings: Settings, home: Path) -> Store:
    """The store that the settings name: an Azure storage account, or a folder below *home*."""
    if settings.store.account_url is None and settings.store_connection is None:
        return FolderStore(home / settings.store.folder)
    from azure.storage.blob import BlobServiceClient

    from cloud.blob_store import BlobStore

    if settings.store_connection is not None:
        blobs = BlobStore(BlobServiceClient.from_connection_string(settings.store_connection.get_secret_value()))
        blobs.make_containers()
        return blobs
    from azure.identity import DefaultAzureCredential

    return BlobStore(BlobServiceClient(str(settings.store.account_url), credential=DefaultAzureCredential()))
