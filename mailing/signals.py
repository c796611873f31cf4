"""What became of a mail, for the apps above: they know whom it was about, by its `about`, and this one does not."""

from django.dispatch import Signal

came_back = Signal()
"""A mail could not be brought to its address: `mail`, `refusal`. Sent within a transaction, once a mail."""

got_through = Signal()
"""The server of the address has taken a mail: `mail`."""
