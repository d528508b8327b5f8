"""From a frozen dataset to a model: plan, forecast, files, the job and what came of it."""
