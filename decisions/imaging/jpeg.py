"""How large a JPEG of ours is, from its header alone."""

START_OF_FRAME = range(0xC0, 0xC4)


def sides(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels; ValueError where there is no baseline or progressive JPEG."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:  # noqa: PLR2004  (a marker begins with FF)
        if jpeg[at + 1] in START_OF_FRAME:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise ValueError("these bytes are no JPEG")
