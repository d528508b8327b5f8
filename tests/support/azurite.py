"""Azurite, Microsoft's stand-in for Azure Storage, as a process of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ACCOUNT = "devstoreaccount1"
# The key that Azurite documents for everybody; it opens nothing but a local Azurite.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PATIENCE_SECONDS = 30
HOW_TO_GET_IT = "Azurite is not installed: npm install --global azurite, or set KAIZEN_AZURITE to its azurite-blob"


def program() -> str:
    """The azurite-blob program; skips the test without it, or fails where CI must have it."""
    found = os.environ.get("KAIZEN_AZURITE") or shutil.which("azurite-blob")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(HOW_TO_GET_IT)
    if found is None:
        pytest.skip(HOW_TO_GET_IT)
    return found


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Yield the connection string of an Azurite that keeps its blobs in *folder*."""
    port = _free_port()
    options = ["--blobPort", str(port), "--location", str(folder), "--skipApiVersionCheck", "--silent"]
    process = subprocess.Popen([program(), *options, "--disableTelemetry"], stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        yield f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/{ACCOUNT}?comp=list", timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"Azurite on port {port}")
