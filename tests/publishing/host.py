"""A process that writes the public pages of a folder, or has children do it that die with -9 at a given step.

It reads commands from its standard input, one JSON list a line, and answers each with one line of JSON.
"""

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402

from publishing import pages, services, stores  # noqa: E402
from publishing.models import TouchQuerySet  # noqa: E402

# Where a writer dies: before or after the first call of the product whose arguments hold the word. The product itself
# knows nothing of this.
STEPS: dict[str, tuple[str, Any, str, str]] = {
    "the lease is taken": ("before", stores.LocalTree, "_tidy", ""),
    "the next tree is begun": ("before", stores, "_link_all", ""),
    "the unchanged files are shared": ("after", stores, "_link_all", ""),
    "the outbox is read": ("before", services, "_bring_level", ""),
    "a page is rendered": ("before", pages.Place, "render", "letters.Press "),
    "a file is deleted": ("after", stores._Tree, "delete", "letter.pdf"),
    "a file is not yet in its place": ("before", Path, "replace", ".index.html.new"),
    "only the page is written": ("before", stores._Tree, "write", "signatories/index.html.gz"),
    "the page and one twin are written": ("before", stores._Tree, "write", "signatories/index.html.br"),
    "all is written": ("before", stores.LocalTree, "_turn_to", ""),
    "the next link is made": ("before", Path, "replace", "current"),
    "the tree is turned": ("after", stores.LocalTree, "_turn_to", ""),
    "the lease is given back": ("before", TouchQuerySet, "delete", ""),
    "the outbox is half emptied": ("after", TouchQuerySet, "delete", ""),
}


def die(step: str) -> bool:
    """Have a writer killed at a step; whether it got there and was."""

    child = os.fork()
    if child == 0:
        try:
            services.AT_ONCE = 1  # so that there is a middle of emptying the outbox
            _stop_at(*STEPS[step])
            services.write()
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, os.WUNTRACED)
    stopped = os.WIFSTOPPED(status)
    if stopped:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return stopped and os.WIFSIGNALED(status)


def race(end: str) -> int:
    """Write what is touched, in competition with others, until the file `end` is there; how often it was our turn."""
    turns = 0
    while not Path(end).exists():
        try:
            turns += services.write(patience=0.5).written > 0
        except stores.Busy:
            continue
        time.sleep(0.005)
    return turns


def _stop_at(when: str, owner: Any, name: str, word: str) -> None:
    call = getattr(owner, name)

    def stopping(*args: Any, **given: Any) -> Any:
        here = word in f"{args} {given}"
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGSTOP)
        result = call(*args, **given)
        if here and when == "after":
            os.kill(os.getpid(), signal.SIGSTOP)
        return result

    setattr(owner, name, stopping)


COMMANDS = {command.__name__: command for command in (die, race)}

if __name__ == "__main__":
    settings.STORAGES["published"]["OPTIONS"]["location"] = Path(sys.argv[1]) / "public"
    settings.MEDIA_ROOT = Path(sys.argv[1]) / "media"
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](*arguments)), flush=True)
