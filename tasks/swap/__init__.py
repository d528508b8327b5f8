"""From a decision to production and back: model deployments, the same answers, the pointer."""
