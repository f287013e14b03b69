"""Does the jobs of downloads in threads.

What changes the folder is done by one thread, in the order in which it was asked for; reading a whole file
takes long, and has threads of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from wsbridge.entry import Trouble
from wsbridge.executors import executor
from wsbridge.jobs import Answer, Choose, Discard, Done, Failed, Find, Job, Make, PartError, Publish, Verify
from wsbridge.parts import Folder

log = logging.getLogger(__name__)

# After trouble that passes, such as no descriptors. Seconds.
AGAIN_S = 1.0


class Disk:
    """Runs on asyncio."""

    def __init__(self, folder: Folder, is_wanted: Callable[[Job], bool]) -> None:
        """``is_wanted`` tells whether somebody still waits for a job's answer; it is asked from threads."""
        self._folder = folder
        self._is_wanted = is_wanted
        self._names = executor(1, "names")
        self._hashes = executor(2, "hashes")

    async def do(self, job: Job, delayed: Callable[[Trouble], None] = lambda _trouble: None) -> Answer:
        """Do it, and say how it went; ``delayed`` is told why it takes longer, whenever it is tried again."""
        threads = self._hashes if isinstance(job, Verify) else self._names
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(threads, self._do, job)
            except PartError as mistake:
                log.warning("download %s: %s", job.id, mistake)
                if not mistake.is_passing:
                    return Failed(job, mistake.trouble)
                trouble = mistake.trouble
            except OSError as mistake:
                log.warning("download %s: %s", job.id, mistake)
                return Failed(job, Trouble("disk", f"the folder cannot be looked at: {mistake.strerror}"))
            delayed(trouble)
            await asyncio.sleep(AGAIN_S)
            if not self._is_wanted(job):
                return Failed(job, trouble)

    def release(self, id_: str) -> None:
        """Nobody waits for the name that was chosen for the download ``id_``."""
        self._folder.release(id_)

    def close(self) -> None:
        """Do what was begun; what waits is done after the next start."""
        for threads in (self._names, self._hashes):
            threads.shutdown(cancel_futures=True)

    def _do(self, job: Job) -> Done:
        done = Done(job, folder=self._folder.uri)
        folder = self._folder
        match job:
            case Choose():
                return done._replace(name=folder.choose(job.id, job.name, job.size, job.taken))
            case Make():
                return done._replace(inode=folder.make(job.id, job.name))
            case Find():
                is_there = folder.holds(job.name, job.inode, job.length)
                return done._replace(inode=job.inode if is_there else 0)
            case Verify():
                folder.verify(job.name, job.inode, job.size, job.digests, lambda: self._is_wanted(job))
            case Publish():
                return done._replace(name=folder.publish(job.name, job.inode, job.title))
            case Discard():
                folder.discard(job.name, job.inode)
        return done
