"""What is said to one client alone: one line of JSON, ASCII, so that nothing in it can steer a terminal."""

from __future__ import annotations

import json

from wsbridge.requests import Mistake


def message(words: str, id_: str | None) -> str:
    """Something was done."""
    return json.dumps({"data": {"message": words, "id": id_}})


def mistake(wrong: Mistake) -> str:
    """Something could not be."""
    return json.dumps({"error": {"code": wrong.code, "message": wrong.message}})
