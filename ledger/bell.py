"""Redis is only the bell: the row in the database is the work, and a sweeper finds what the bell missed."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(task: Task, *args: Any) -> None:
    """Start `task` once the caller's transaction is committed; with the broker away, leave it to the sweeper."""
    transaction.on_commit(partial(_ring, task, args))


def _ring(task: Task, args: tuple[Any, ...]) -> None:
    try:
        task.apply_async(args=args)
    except OperationalError:
        log.warning("The broker did not hear of %s; the sweeper will find it.", task.name)
