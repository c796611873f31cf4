"""The queue of all letters: what is looked for in it, and in which order it is gone through."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest, QueryDict
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from letters.models import Letter
from signatories.authority import Grade
from signatories.countries import countries
from signatories.folding import fold_name, mailbox
from signatories.lookalikes import Kind, name_keys
from signatories.models import Correction, NameKey, Organisation, Signature, SignatureQuerySet
from signatories.services.evidence import Weight
from signatories.states import CorrectionStatus, SignatureStatus

A_PAGE = 50
CORRECTED = Correction.objects.filter(status=CorrectionStatus.PENDING)
WAITING = Q(status=SignatureStatus.PENDING) | Q(pk__in=CORRECTED.values("signature"))
ANY = pgettext_lazy("filter", "Any")


class Filters(forms.Form):
    """What of the queue is shown. Everything may be left out; what can't be is said, and shows nothing."""

    q = forms.CharField(
        label=_("Name or e-mail address"), max_length=250, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("Waits for a decision")), ("any", ANY), *SignatureStatus.choices],
    )
    letter = forms.ChoiceField(label=_("Letter"))
    country = forms.ChoiceField(label=_("Country"))
    language = forms.ChoiceField(label=_("Language"), choices=[("", ANY), *settings.LANGUAGES])
    visibility = forms.ChoiceField(label=_("Visibility"), choices=[("", ANY), *Signature.Visibility.choices])
    grade = forms.ChoiceField(label=_("Evidence"), choices=[("", ANY), *Grade.choices])
    doubts = forms.ChoiceField(
        label=_("Doubts"), choices=[("", ANY), ("yes", _("With doubts")), ("no", _("Without doubts"))]
    )
    invited = forms.ChoiceField(
        label=_("Invitation"), choices=[("", ANY), ("yes", _("Was invited")), ("no", _("Was not invited"))]
    )
    assigned = forms.ChoiceField(label=_("Assigned to"))
    via = forms.ChoiceField(label=_("Received"), choices=[("", ANY), *Signature.Via.choices])
    reach = forms.ChoiceField(
        label=_("Mails"), choices=[("", ANY), ("no", _("Come back")), ("yes", _("Do not come back"))]
    )

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data, use_required_attribute=False)
        self.user = user
        self._choose("letter", [("", ANY), *((letter.slug, letter.title) for letter in Letter.objects.all())])
        self._choose("country", [("", ANY), *countries(get_language() or settings.LANGUAGE_CODE)])
        reviewers = User.objects.holding(Role.Name.REVIEWER, Role.Name.CAMPAIGNER)
        others = [(str(other.pk), str(other)) for other in reviewers if other != user]
        self._choose("assigned", [("", ANY), ("me", _("Me")), ("nobody", _("Nobody")), *others])
        for field in self.fields.values():
            field.required = False

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def query(self) -> str:
        """What is asked for, as the rest of an address."""
        asked = QueryDict(mutable=True)
        asked.update({name: self.data[name] for name in self.fields if self.data.get(name)})
        return asked.urlencode()

    @property
    def is_narrowed(self) -> bool:
        """By more than a name, a state and a letter."""
        return any(self.data.get(name) for name in self.fields if name not in ("q", "state", "letter"))

    def narrowing(self) -> list[forms.BoundField]:
        """Those that few need: below the name, the state and the letter."""
        return [self[name] for name in self.fields if name not in ("q", "state", "letter")]

    @property
    def elsewhere(self) -> str:
        """The same in every state, where it was looked for in one."""
        asked = QueryDict(self.query, mutable=True)
        if asked.get("state") == "any" or not self.is_valid():
            return ""
        asked["state"] = "any"
        return asked.urlencode()

    def found(self) -> SignatureQuerySet:
        if not self.is_valid():
            return Signature.objects.none()
        asked = self.cleaned_data
        found = Signature.objects.filter(self._state(asked["state"]), self._doubts(asked["doubts"]))
        found = found.filter(**self._columns(asked), **self._assigned(asked["assigned"]))
        return in_order(searched(found, asked["q"]) if asked["q"] else found)

    def _state(self, state: str) -> Q:
        if not state:
            return WAITING
        return Q() if state == "any" else Q(status=state)

    def _doubts(self, doubts: str) -> Q:
        return {"yes": Q(risk__gte=Weight.ELSEWHERE), "no": Q(risk__lt=Weight.ELSEWHERE)}.get(doubts, Q())

    def _columns(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = ("country", "language", "visibility", "grade", "via")
        columns = {name: asked[name] for name in names if asked[name]}
        if asked["letter"]:
            columns["letter__slug"] = asked["letter"]
        if asked["reach"]:
            columns["bounced_at__isnull"] = asked["reach"] == "yes"
        if asked["invited"]:
            columns["invitation__isnull"] = asked["invited"] == "no"
        return columns

    def _assigned(self, assigned: str) -> dict[str, Any]:
        if not assigned:
            return {}
        return {"assigned_to": {"me": self.user.pk, "nobody": None}.get(assigned, assigned)}


def searched(signatures: SignatureQuerySet, text: str) -> SignatureQuerySet:
    """Those with `text` in a name, or with a name that reads like it; or those that came from an address."""
    if "@" in text:
        return signatures.filter(mailbox=mailbox(text))
    folded = fold_name(text)
    kinds: dict[str, list[str]] = {}
    for kind, key in name_keys(text):
        kinds.setdefault(kind, []).append(key)
    spelt = Q(kind=Kind.SAME, key__contains=folded)
    for kind, keys in kinds.items():
        spelt |= Q(kind=kind, key__in=keys)
    keyed = NameKey.objects.filter(spelt, signature__isnull=False)
    return signatures.filter(Q(folded_name__contains=folded) | Q(pk__in=keyed.values("signature")))


def in_order(signatures: SignatureQuerySet) -> SignatureQuerySet:
    """By the letter's last day for signing, then by risk, then by age."""
    ends = F("letter__signing_until").asc(nulls_last=True)
    return signatures.order_by(ends, "-risk", "confirmed_at", "pk")


def proposed() -> SignatureQuerySet:
    """What may be approved in one go: known members, with evidence at their own domain or better, and no doubts."""
    members = Organisation.objects.members().filter(country=OuterRef("country"))
    named = members.filter(
        Q(folded_name=OuterRef("folded_name")) | Q(name_keys__kind=Kind.SAME, name_keys__key=OuterRef("folded_name"))
    )
    waiting = Signature.objects.of_organisations().filter(
        status=SignatureStatus.PENDING, grade__gte=Grade.DOMAIN, risk__lt=Weight.ELSEWHERE, disputed_at=None
    )
    known = Q(organisation__member_since__isnull=False) | Q(Exists(named), organisation=None)
    kept = waiting.filter(known).exclude(pk__in=Signature.objects.of_earlier_text().values("pk"))
    return in_order(kept.exclude(pk__in=CORRECTED.values("signature")))


def a_page(signatures: SignatureQuerySet, number: str | None) -> Page[Signature]:
    """A page of a list; the nearest one where there is no such number.

    Keys alone are sorted, and whole rows read of one page: the last page costs what the first one does.
    """
    keys: Page[Any] = Paginator(signatures.values_list("pk", flat=True), A_PAGE).get_page(number)
    listed = list(keys)
    found = Signature.objects.select_related("letter", "decided_by", "assigned_to").in_bulk(listed)
    return Page([found[pk] for pk in listed if pk in found], keys.number, keys.paginator)


def filters(request: HttpRequest) -> Filters:
    assert isinstance(request.user, User)
    return Filters(request.GET, user=request.user)
