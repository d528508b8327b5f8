"""What Prefect shows of a loop's runs."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort

PAGE = 200
NEWEST = ArtifactSort.CREATED_DESC


def artifacts_of(loop: str) -> list[Artifact]:
    """All artifacts whose key begins with the loop's name, newest first; the server gives them out by pages."""
    ours = ArtifactFilter(key=ArtifactFilterKey(like_=f"{loop}-%"))
    found: list[Artifact] = []
    with get_client(sync_client=True) as client:
        while page := client.read_artifacts(artifact_filter=ours, sort=NEWEST, limit=PAGE, offset=len(found)):
            found += page
    return found
