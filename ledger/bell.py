"""Redis is only the bell: the row in the database is the work, and a sweeper finds what the bell missed."""

import logging
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from celery import Task
from celery.signals import task_prerun
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from redis import Redis

UNHEARD = 5  # seconds after which a bell that nobody heard is rung again
log = logging.getLogger(__name__)


def ring(task: Task, *args: Any) -> None:
    """Start `task` once the caller's transaction is committed; with the broker away, leave it to the sweeper.

    A task without arguments looks for its work by itself: however many ring for it, it starts once.
    """
    transaction.on_commit(partial(_ring, task, args))


def _ring(task: Task, args: tuple[Any, ...]) -> None:
    from redis import RedisError  # a large library, in memory only where there are bells

    try:
        if args or _is_first_to_ring(task):
            task.apply_async(args=args)
    except (OperationalError, RedisError):
        log.warning("The broker did not hear of %s; the sweeper will find it.", task.name)


def _is_first_to_ring(task: Task) -> bool:
    """Since the task last began: whatever was committed before somebody rang is there when it looks."""
    return bool(_broker().set(_key(task), "", nx=True, ex=UNHEARD))


@task_prerun.connect
def _heard(task: Task, args: tuple[Any, ...], **_: Any) -> None:
    if not args:
        _broker().delete(_key(task))


def _key(task: Task) -> str:
    return f"bell:{task.name}"


@cache
def _broker() -> "Redis":
    """The place in which messages wait for workers holds these, too: who empties it, empties both."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once_more = Retry(NoBackoff(), 1)  # at once: a request does not wait for a broker that is away
    return Redis.from_url(settings.CELERY_BROKER_URL, socket_connect_timeout=2, socket_timeout=10, retry=once_more)
