"""`ingest_images`: from the inbox through the data contract to accepted images, or to quarantine with a reason."""

from prefect import flow

from data_contracts.ledger import ImagesAccepted
from tasks.ingestion import examine, find_batches, judge, list_shards
from tasks.reports import publish_batch


@flow(name="ingest_images", persist_result=False)
def ingest_images(folder: str = ".") -> list[ImagesAccepted]:
    """Take every new batch of the inbox of the loop in *folder*; returns what became of each."""
    return [ingest_batch(folder, batch) for batch in find_batches(folder)]


def ingest_batch(folder: str, batch: str) -> ImagesAccepted:
    """Examine, judge and publish one batch."""
    shards = list_shards(folder, batch)
    facts = [examine.submit(folder, batch, number, files) for number, files in enumerate(shards)]
    accepted = judge(folder, batch, [each.result() for each in facts])
    publish_batch(folder, accepted)
    return accepted
