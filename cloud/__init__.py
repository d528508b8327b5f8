"""Everything that leaves the process: storage, Azure OpenAI, Azure's control plane, the clock, settings, errors."""
