"""The text of a new loop's data contract, commented for the person who edits it."""

import json
from collections.abc import Mapping, Sequence

from decisions.contracts.measured_limits import MeasuredLimits, Range

HEAD = """\
# What labeled images of this loop must look like: an Open Data Contract (ODCS 3.1). Edit it as you like.
# Flows read it anew at every run, and the ledger keeps the hash of the version that was in force.
# What changes the meaning of images or answers needs a new first number of the version: `kaizen contract diff OLD NEW`.
# The rules below were measured on {examined} images{unreadable}, with a margin; tighten them to what you want.
# A rule whose severity is error refuses the image; a warning lets it in and counts it.
apiVersion: v3.1.0
kind: DataContract
id: {id}
version: "1.0.0"
status: active
name: {name}
description:
  purpose: {purpose}
# team: {{name: Quality control}} # who answers for the contract
# slaProperties: [{{property: freshness, value: 30, unit: d}}] # when new images are overdue
schema:
  - name: images
    description: One row per image.
    customProperties:
      - property: split # decided by a salted hash of the image's group; the salt never changes in a loop's life
        value: {{salt: {salt}, held_out: 0.25, validation: 0.1}}
      - property: nearDuplicates # bits in which the hashes of two pictures may differ; see check-images --calibrate
        value: {{coarse: 8, fine: 48}}
      - property: smallestClass # images that each class needs before anything is trained
        value: 20
      # - property: balance # how many times more images the largest class may have than the smallest
      #   value: {{largest_ratio: 10, severity: warning}}
      # - property: group # what tells images of one part: they stay on one side of every split
      #   value: {{from: file name, pattern: "^part[0-9]+"}}
    properties:
      - name: label
        logicalType: string
        required: true
        # One entry for each class. Its description goes to the person with the camera{to_model}.
        # `answer` is what the model says for it, `aliases` are other names of its folder, `parent` is a wider class;
        # later come `retired`, and `successor` or `splitInto` for what becomes of its images.
{codes}        enum:
"""
CODES = """\
        # The names begin alike, so their first token would not tell them apart: the model answers with short codes.
"""
RULE = """\
      - name: {column}
        logicalType: {kind}
        quality:
          - id: {id}
            type: custom
            engine: greatExpectations
            severity: {severity}
            description: {description}
            implementation: {{type: {expectation}, kwargs: {kwargs}}}
"""
LOOKS = frozenset({"brightness", "contrast", "sharpness", "saturation", "evenness"})
"""What is a matter of degree, so that an image beyond what was measured gets in with a warning."""


def contract_draft(
    loop: str, answers: Mapping[str, str], limits: MeasuredLimits, *, examined: int, unreadable: int
) -> bytes:
    """The YAML of a contract for the classes in *answers*, with what the model says for each.

    *examined* images led to the *limits*; so many were *unreadable* beside them.
    """
    coded = any(name != answer for name, answer in answers.items())
    head = HEAD.format(
        examined=examined,
        unreadable=f" ({unreadable} more cannot be read)" if unreadable else "",
        id=_text(loop),
        name=_text(f"Images of {loop}"),
        purpose=_text(f"Labeled images from which a vision model learns to tell {len(answers)} classes apart."),
        salt=_text(f"{loop}-1"),
        to_model=", and to the model" if coded else "",
        codes=CODES if coded else "",
    )
    return "".join([head, *(_class(*each) for each in answers.items()), *_rules(limits)]).encode()


def _class(name: str, answer: str) -> str:
    lines = [f"          - value: {_text(name)}", '            description: "" # what it looks like']
    if answer != name:
        lines.append(f"            customProperties: [{{property: answer, value: {_text(answer)}}}]")
    return "".join(f"{line}\n" for line in lines)


def _rules(limits: MeasuredLimits) -> list[str]:
    between = [
        _between("width", limits.width, "wrong_width", "Take the image at its usual width in pixels."),
        _between("height", limits.height, "wrong_height", "Take the image at its usual height in pixels."),
        _between("frames", (None, 1), "animated", "One picture a file, no animation."),
        _between("brightness", limits.brightness, "wrong_light", "Keep the light as it is in the other images."),
        _between("contrast", limits.contrast, "no_contrast", "The picture is nearly one grey; is the lens covered?"),
        _between("sharpness", limits.sharpness, "blurred", "Hold the camera still and focus on the part."),
        _between("evenness", limits.evenness, "uneven_light", "Light the part from all sides, without a bright spot."),
        _between("saturation", limits.saturation, "wrong_colours", "Keep the camera's colour settings as they are."),
    ]
    return [
        _one_of("format", limits.formats, "wrong_format", f"Save the image as {' or '.join(limits.formats)}."),
        _one_of("mode", limits.modes, "wrong_mode", "L is grey, RGB colour; save the image as the others are."),
        _between("bytes", (None, 10_000_000), "too_many_bytes", "Azure skips images above 10 MB; save it smaller."),
        *between,
    ]


def _one_of(column: str, values: Sequence[str], rule: str, description: str) -> str:
    if not values:
        return ""
    listed = f"{{value_set: [{', '.join(map(_text, values))}]}}"
    return RULE.format(
        column=column,
        kind="string",
        id=rule,
        severity="error",
        description=_text(description),
        expectation="expect_column_values_to_be_in_set",
        kwargs=listed,
    )


def _between(column: str, limits: Range, rule: str, description: str) -> str:
    keys = zip(("min_value", "max_value"), limits, strict=True)
    given = [f"{key}: {limit:.12g}" for key, limit in keys if limit is not None]
    if not given:
        return ""
    whole = column in {"bytes", "width", "height", "frames"}
    return RULE.format(
        column=column,
        kind="integer" if whole else "number",
        id=rule,
        severity="warning" if column in LOOKS else "error",
        description=_text(description),
        expectation="expect_column_values_to_be_between",
        kwargs=f"{{{', '.join(given)}}}",
    )


def _text(value: str) -> str:
    """*value* as YAML that is a text whatever it looks like: a class may be called `no` or `12`."""
    return json.dumps(value, ensure_ascii=False)
