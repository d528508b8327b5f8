"""The gate: answers read and paired, held-out versions, the statistics and the verdict."""
