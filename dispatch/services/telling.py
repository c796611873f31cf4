"""Signatories are told when an edition that they stand in has gone out."""

from typing import Any

from django.conf import settings

from dispatch.models import Dispatch, Edition
from dispatch.states import ARRIVING, DispatchStatus
from ledger.models import Event
from ledger.services import witness
from letters.models import Letter
from publishing.pages import address_in
from signatories import emails
from signatories.models import Signature
from signatories.services.telling import tell_once
from signatories.states import SignatureStatus

BATCH = 500  # mails of one run; the next run goes on
TOLD = "signatories told"


def tell_delivered() -> None:
    """Mail the approved signatories of each edition of which a dispatch is done: once, however often it was sent.

    Where nothing was accepted there is nothing to tell; and before the letter is public nothing to show.
    """
    told = Event.objects.filter(table=Dispatch._meta.label_lower, target=TOLD).values("row")
    done = Dispatch.objects.filter(status=DispatchStatus.DONE, edition__letter__in=Letter.objects.public())
    for dispatch in done.exclude(pk__in=told).select_related("edition__letter").order_by("pk"):
        is_sent = dispatch.deliveries.filter(status__in=ARRIVING).exists()
        if not is_sent or _all_told(dispatch.edition):
            witness(dispatch, TOLD, by=None)


def _all_told(edition: Edition) -> bool:
    """Queue the next mails; whether none is left to be told."""
    files = set() if edition.names_someone_who_left else set(edition.files.values_list("language", flat=True))
    key = f"delivered:{edition.pk}:{{}}".format
    return tell_once(
        edition.signatures.filter(status=SignatureStatus.APPROVED),
        key=key,
        tell=lambda signature: _tell(signature, edition, key=key(signature.pk), files=files),
        at_most=BATCH,
    )


def _tell(signature: Signature, edition: Edition, *, key: str, files: set[str]) -> bool:
    where = {"slug": edition.letter.slug, "number": edition.number}
    language = signature.language if signature.language in files else settings.MODELTRANSLATION_DEFAULT_LANGUAGE
    return emails.delivered(
        signature,
        edition=edition.number,
        key=key,
        record_url=_url(signature.language, "delivery", slug=edition.letter.slug),
        pdf_url=_url(language, "edition_pdf", **where) if language in files else "",
    )


def _url(language: str, name: str, **where: Any) -> str:
    return f"{settings.PUBLIC_URL}{address_in(language, name, **where)}"
