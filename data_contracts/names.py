"""Names as they are compared: nobody minds case, underscores, hyphens or extra spaces."""


def folded(name: str) -> str:
    """*name* as classes are looked up: case, underscores, hyphens and extra spaces do not count."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()
