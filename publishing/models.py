from datetime import datetime

from django.db import models
from django.utils import timezone


class TouchQuerySet(models.QuerySet["Touch"]):
    def due(self, now: datetime) -> "TouchQuerySet":
        return self.filter(not_before__lte=now).order_by("pk")


class Touch(models.Model):
    """An outbox row: pages of `subject` are to be written again, from `not_before` on (an embargo's end)."""

    subject = models.CharField(max_length=120)
    not_before = models.DateTimeField(default=timezone.now, db_index=True)

    objects = TouchQuerySet.as_manager()

    def __str__(self) -> str:
        return self.subject


class Lease(models.Model):
    """Who may write to a store that several hosts share, and until when unless renewed."""

    name = models.CharField(max_length=60, primary_key=True)
    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
