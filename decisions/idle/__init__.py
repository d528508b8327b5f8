"""Which model deployments are idle, when the provider would delete them, and when we do."""
