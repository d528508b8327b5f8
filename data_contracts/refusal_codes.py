"""Codes that say why a file of a batch was refused, beside the ids of the contract's own rules."""

SIDECAR = "sidecar"
NOT_AN_IMAGE = "not_an_image"
BAD_NAME = "bad_name"
UNLABELED = "unlabeled"
UNKNOWN_CLASS = "unknown_class"
SPLIT_CLASS = "split_class"
RETIRED_CLASS = "retired_class"
MISSING_FILE = "missing_file"
AMBIGUOUS_FILE = "ambiguous_file"
NO_GROUP = "no_group"
DUPLICATE = "duplicate"
LABEL_CONFLICT = "label_conflict"
BRIDGES_SPLITS = "bridges_splits"
FORGOTTEN = "forgotten"

OURS = frozenset(value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str))
"""No rule of a contract may take one of these for its id."""
