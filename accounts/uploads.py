"""Files that are sent to us: kept in memory, so that nobody's data lies about on a disk, and measured unread."""

from typing import Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest

ENVELOPE = 64 * 1024  # bytes of a request beside its file


class KeptInMemory(MemoryFileUploadHandler):
    """No copy touches the disk, however long it is. Its size is seen to before."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


def keep_in_memory(request: HttpRequest, *, limit: int) -> bool:
    """To be called before anything is read of a posted form, the token included: whether what comes is small enough."""
    if stated_length(request) > limit + ENVELOPE:
        return False
    request.upload_handlers = [KeptInMemory(request)]
    return True


def stated_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0
