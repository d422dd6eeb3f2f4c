"""Checks a message on standard input: judge.py json SCHEMA, or judge.py slack

For Slack it reads the blocks with Slack's own library, which knows their limits and loses what it does not know.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from slack_sdk.models.blocks import Block


def main(form, *arguments):
    message = json.load(sys.stdin)
    if form == "json":
        schema = json.loads(pathlib.Path(*arguments).read_text("utf-8"))
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(message)
        return
    blocks = Block.parse_all(message["blocks"])
    for block in blocks:
        block.validate_json()
    assert [block.to_dict() for block in blocks] == message["blocks"]


main(*sys.argv[1:])
