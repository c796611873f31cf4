from django.db import models
from django.utils import timezone


class SpentProof(models.Model):
    """A proof of work that let somebody sign: it does so once. Kept until it would have expired anyway."""

    digest = models.CharField(max_length=64, unique=True)
    spent_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.digest
