"""Whether an answer is the one that was asked for: decided from its head, before a byte is written.

Pure. A range is honoured if and only if the answer is a 206 with a ``Content-Range`` that makes sense, and is
of the same file as the first answer was.
"""

from __future__ import annotations

from typing import NamedTuple

from fetchers.answer_head import AnswerHead
from pagestatus.messages import Head, RangeTask, Reason


class Verdict(NamedTuple):
    """Reason.NONE: the body may be written; else why not, for programs and for people."""

    reason: Reason
    words: str = ""
    # Where the body ends, if it is as the head says; -1: it does not say.
    stop: int = -1


def judge(task: RangeTask, answer: AnswerHead) -> Verdict:
    """What is to be thought of ``answer`` to ``task``, which has a file."""
    head = answer.head()
    status = answer.status
    if status in {200, 206, 416} and (words := _another_file(task, status, head)):
        return Verdict(Reason.CHANGED, f"the file has changed: {words}")
    if status not in {200, 206}:
        return Verdict(Reason.HTTP_STATUS, f"the server answered {status}")
    return _whole(task, status, head) if task.stop == 0 else _range(task, answer, head)


def _range(task: RangeTask, answer: AnswerHead, head: Head) -> Verdict:
    if answer.status == 200:
        return Verdict(Reason.NO_RANGE, "the server sent the whole in answer to a range")
    if answer.is_multipart:
        return Verdict(Reason.NO_RANGE, "the server sent several ranges in answer to one")
    if head.start < 0:
        return Verdict(Reason.NO_RANGE, "the server sent a range without saying rightly which")
    if head.start != task.start or head.stop > task.stop:
        asked, sent = _shown(task.start, task.stop), _shown(head.start, head.stop)
        return Verdict(Reason.NO_RANGE, f"the server sent the bytes {sent} when asked for {asked}")
    return Verdict(Reason.NONE, "", head.stop)


def _whole(task: RangeTask, status: int, head: Head) -> Verdict:
    if status == 200:
        # With an encoding the length is that of what is sent, which is also what is written.
        return Verdict(Reason.NONE, "", head.length if head.length >= 0 else task.total)
    if head.start == 0 and head.stop == head.total:
        return Verdict(Reason.NONE, "", head.stop)
    return Verdict(Reason.NO_RANGE, "the server sent a range in answer to no range")


def _another_file(task: RangeTask, status: int, head: Head) -> str:
    """What says that the answer is of another file than the first one was; what is not known says nothing."""
    # What is encoded has a length of its own.
    length = -1 if head.content_encoding else head.length
    total = length if status == 200 else head.total
    if total >= 0 and task.total >= 0 and total != task.total:
        return f"it has {total} bytes, not {task.total}"
    # An error has a tag and a date of its own, if any.
    if status == 416:
        return ""
    if head.etag and task.etag and head.etag != task.etag:
        return "it has another entity tag"
    if head.last_modified and task.last_modified and head.last_modified != task.last_modified:
        return "it has another date"
    return ""


def _shown(start: int, stop: int) -> str:
    return f"{start}-{stop - 1}"
