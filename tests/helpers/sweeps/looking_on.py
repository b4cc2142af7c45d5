"""Commands whose output goes somewhere else than to a terminal."""

import os
import subprocess
import sys


def look(arguments: list[str], where: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command that reads results, with its output into a pipe that nobody reads, a full disk, or nowhere."""
    command = [sys.executable, "-m", "sweep", *arguments]
    options = {"stderr": subprocess.PIPE, "env": os.environ | environ, "timeout": 120, "check": False}
    if where == "closed":
        return subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], **options)
    if where == "read":
        return subprocess.run(command, stdout=subprocess.PIPE, **options)
    if where == "full":
        with open("/dev/full", "w") as full:
            return subprocess.run(command, stdout=full, **options)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(command, stdout=writing, **options)
    finally:
        os.close(writing)
