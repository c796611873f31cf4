from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from ledger.states import StateMachine


class Stateful(models.Model):
    """A row with a state. Only `ledger.services.move` writes `status`."""

    machine: ClassVar[StateMachine]
    status = models.CharField(max_length=20)

    class Meta:
        abstract = True


class EventQuerySet(models.QuerySet["Event"]):
    def about(self, row: models.Model) -> "EventQuerySet":
        return self.filter(table=row._meta.label_lower, row=row.pk)


class Event(models.Model):
    """What happened to which row, by whom, when. Append-only: the database refuses a change.

    Row keys only, never personal data, so that nothing here has to be forgotten.
    """

    table = models.CharField(max_length=60)
    row = models.BigIntegerField()
    source = models.CharField(max_length=20, blank=True)
    target = models.CharField(max_length=20)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    at = models.DateTimeField(default=timezone.now)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        indexes = [models.Index(fields=("table", "row"), name="event_of_row")]

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.source} → {self.target}"
