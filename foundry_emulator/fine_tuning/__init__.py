"""Fine-tuning jobs: requested, run in processes of their own, recorded."""
