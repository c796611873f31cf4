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


class MirrorQuerySet(models.QuerySet["Mirror"]):
    def public(self) -> "MirrorQuerySet":
        return self.exclude(address="")

    def behind(self, moment: datetime) -> "MirrorQuerySet":
        return self.exclude(level__gt=moment)


class Mirror(models.Model):
    """A folder to which the public pages are copied. What was touched before `level` is in it."""

    where = models.CharField(max_length=500, unique=True)
    key = models.CharField(max_length=32)  # the folder holds it, too
    address = models.CharField(max_length=200, blank=True)  # by which the public knows it
    level = models.DateTimeField(null=True)

    objects = MirrorQuerySet.as_manager()

    class Meta:
        ordering = ("address", "where")

    def __str__(self) -> str:
        return self.address or self.where
