"""Nothing is forgotten: on the day after the legal term for an answer, campaigners are told, once."""

from django.utils import timezone

from accounts.models import Role, User
from dispatch import emails
from dispatch.models import Delivery, Reply
from dispatch.states import DeliveryStatus


def remind() -> None:
    """Mail campaigners about each registered delivery whose legal term is over without an answer."""
    now = timezone.now()
    waiting = Delivery.objects.filter(
        status=DeliveryStatus.REGISTERED, reminded_at=None, recipient__answer_days__isnull=False
    ).exclude(recipient__in=Reply.objects.may_be_answers().values("delivery__recipient"))
    for delivery in waiting.select_related("recipient", "edition__letter"):
        due = delivery.answer_due_on
        if due is None or due >= now.date():
            continue
        for user in campaigners():
            emails.term_is_over(delivery, user)  # one mail a person, by its key, however often this is begun again
        Delivery.objects.filter(pk=delivery.pk).update(reminded_at=now)


def campaigners() -> list[User]:
    found = User.objects.filter(is_active=True, roles__role__in=(Role.Name.CAMPAIGNER, Role.Name.ADMINISTRATOR))
    return list(found.distinct().order_by("pk"))
