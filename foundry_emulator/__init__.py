"""A stand-in over HTTP for Azure's fine-tuning services that really learns."""
