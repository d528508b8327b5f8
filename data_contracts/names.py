"""Names as they are compared: nobody minds case, underscores, hyphens or extra spaces."""

import unicodedata

QUOTES = "\"'`“”‘’«»"  # noqa: RUF001  (people and models use these too)
FINAL_PUNCTUATION = ".!?,;:。！"  # noqa: RUF001


def folded(name: str) -> str:
    """*name* as classes are looked up: case, underscores, hyphens and extra spaces do not count."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def as_read(answer: str) -> str:
    """A model's *answer* as it is looked up: as `folded`, and width, quotes and punctuation at the end do not count."""
    bare = unicodedata.normalize("NFKC", answer).strip()
    while bare and (bare[0] in QUOTES or bare[-1] in QUOTES + FINAL_PUNCTUATION):
        bare = bare.strip(QUOTES).rstrip(FINAL_PUNCTUATION).strip()
    return folded(bare)
