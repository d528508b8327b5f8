"""Azure Resource Manager: the account and its model deployments."""
