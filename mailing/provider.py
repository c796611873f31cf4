"""What a provider of mail (`ANYMAIL_PROVIDER`) needs to tell later which mail it speaks of."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

LABEL = "message"  # the name that the provider gives back, with our value; a value has at most 80 characters


def identity(message_id: str) -> dict[str, str]:
    """The header for it. Postmark gives mails Message-IDs of its own, and takes this one away before it sends."""
    return {f"X-PM-Metadata-{LABEL}": _label(message_id)} if settings.ANYMAIL_PROVIDER == "postmark" else {}


def message_id_of(metadata: Mapping[str, Any], host: str) -> str:
    """Our Message-ID, out of what the provider gave back; empty if it is not there."""
    label = metadata.get(LABEL)
    return f"<{label}@{host}>" if isinstance(label, str) and label else ""


def _label(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]
