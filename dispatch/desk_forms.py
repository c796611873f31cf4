"""What staff write down about recipients, deliveries and replies."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from dispatch import record
from dispatch.models import Channel, Delivery, Evidence, Recipient, Reply
from dispatch.services import evidence
from dispatch.states import DeliveryStatus
from signatories.forms.fields import LineField, MailboxField, WebsiteField, clean_line, say

ZONES = timedelta(days=1)  # whoever writes a day down has another clock than we


class TextField(forms.CharField):
    """Several lines, each as it will be printed."""

    widget = forms.Textarea(attrs={"rows": 4})

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")
        return "\n".join(clean_line(line) for line in text.split("\n"))


class PastDateField(forms.DateField):
    """A day on which something can have become of what left on `since`."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    since: date | None = None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value:
            require_possible(value, since=self.since)


class PastTimeField(forms.DateTimeField):
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    since: date | None = None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value > timezone.now():
            raise ValidationError(_("Enter a time that is not in the future."), code="future")
        if value:
            require_possible(value.date(), since=self.since)


def require_possible(day: date, *, since: date | None) -> None:
    if day > timezone.now().date():
        raise ValidationError(_("Enter a day that is not in the future."), code="future")
    if since and day < since - ZONES:
        text = _("The letter left on %(date)s. Enter a day that is not before that.")
        raise ValidationError(text, code="too_early", params={"date": date_format(since)})


class PictureField(forms.FileField):
    """A PDF or a picture, of which only the bytes are kept: no name that somebody gave it."""

    widget = forms.FileInput(attrs={"accept": "application/pdf,image/png,image/jpeg"})

    def to_python(self, data: Any) -> Any:
        file = super().to_python(data)
        if file is None:
            return None
        content = file.read(evidence.LIMIT + 1)
        try:
            evidence.type_of(content)
        except evidence.NotAFile:
            limit = {"limit": filesizeformat(evidence.LIMIT)}
            raise ValidationError(
                _("Choose a PDF, PNG or JPEG of at most %(limit)s."), code="type", params=limit
            ) from None
        return content


# Recipients ---------------------------------------------------------------------------------------


class RecipientForm(forms.ModelForm):
    """Everything about an office that a letter goes to, its texts in each language of the site."""

    email = MailboxField(label=_("E-mail"), required=False)
    web_form = WebsiteField(label=_("Address of the web form"), required=False)
    fax = LineField(label=_("Fax number"), max_length=40, required=False)
    requirements = TextField(
        label=_("Formal requirements of the office"),
        max_length=2000,
        required=False,
        help_text=_("For example a handwritten signature, an address in the country, one language only."),
    )
    verified = forms.BooleanField(label=_("I have verified this address today"), required=False)

    class Meta:
        model = Recipient
        fields = ("kind", "order", "channel", "email", "web_form", "fax", "language", "requirements", "answer_days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = list(settings.LANGUAGES)
        self.fields["language"] = forms.ChoiceField(label=_("Language of the mail"), choices=languages)
        self.fields["order"].validators[:] = []
        self.fields["order"] = forms.IntegerField(label=_("Order"), min_value=1, max_value=999)
        self.fields["answer_days"] = forms.IntegerField(
            label=_("Legal term for an answer, in days"), min_value=1, max_value=999, required=False
        )
        for code, name in languages:
            for field, made in self._texts().items():
                made.label = f"{Recipient._meta.get_field(field).verbose_name}: {name}"  # type: ignore[union-attr]
                made.initial = getattr(self.instance, f"{field}_{code}", "")
                made.widget.attrs["lang"] = code
                self.fields[f"{field}_{code}"] = made

    def _texts(self) -> dict[str, forms.CharField]:
        return {
            "title": LineField(max_length=250),
            "name": LineField(max_length=250),
            "address_block": TextField(max_length=500),
            "salutation": LineField(max_length=200),
            "term_source": LineField(max_length=250, required=False),
        }

    def columns(self) -> dict[str, str]:
        """The texts, by column."""
        codes = [code for code, _name in settings.LANGUAGES]
        return {f"{field}_{code}": self.cleaned_data[f"{field}_{code}"] for field in self._texts() for code in codes}

    def clean(self) -> dict[str, Any]:
        stated = super().clean() or self.cleaned_data
        needed = {Channel.EMAIL: "email", Channel.WEB: "web_form", Channel.FAX: "fax"}.get(stated.get("channel", ""))
        if needed and needed not in self.errors and not stated.get(needed):
            self.add_error(
                needed, _("This is where it goes by the way that you chose. Enter it, or choose another way.")
            )
        email = (stated.get("email") or "").lower()
        stated["email"] = email
        others = Recipient.objects.filter(letter=self.instance.letter_id, email=email).exclude(pk=self.instance.pk)
        if email and others.exists():
            self.add_error("email", _("Another recipient of this letter has this e-mail address."))
        return stated

    def parts(self) -> list[tuple[Any, list[Any]]]:
        """The texts of each language together, for the page."""
        return [(name, [self[f"{field}_{code}"] for field in self._texts()]) for code, name in settings.LANGUAGES]

    def about(self) -> list[Any]:
        return [self[name] for name in self.Meta.fields]


class FurtherAddressForm(forms.Form):
    channel = forms.ChoiceField(label=_("Goes by"), choices=Channel.choices)
    address = TextField(label=_("Address"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    verified = forms.BooleanField(label=_("I have verified this address today"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "further_%s"  # its page has another form with the same fields

    def clean(self) -> dict[str, Any]:
        """As its channel wants it."""
        stated = super().clean() or self.cleaned_data
        of_channel: dict[str, forms.CharField] = {
            Channel.EMAIL: MailboxField(),
            Channel.WEB: WebsiteField(),
            Channel.FAX: LineField(max_length=40),
        }
        field = of_channel.get(stated.get("channel", ""))
        if field and "address" in stated:
            try:
                stated["address"] = field.clean(stated["address"])
                if stated["channel"] == Channel.EMAIL:
                    stated["address"] = stated["address"].lower()
            except ValidationError as error:
                self.add_error("address", error)
        return stated


# Dossiers -----------------------------------------------------------------------------------------


class WaiverForm(forms.Form):
    """Why a finding may stand as it is."""

    reason = LineField(
        label=_("Reason"), max_length=500, error_messages=say(_("Write why it may stand: others will rely on it."))
    )


# Deliveries ---------------------------------------------------------------------------------------


class AboutDelivery(forms.Form):
    """What became of `delivery`: none of it before it left."""

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PastDateField | PastTimeField):
                field.since = delivery.left_on


class TakenForm(AboutDelivery):
    """A line of the relay's log."""

    prefix = "taken"
    at = PastTimeField(label=_("Time in the log (UTC)"))
    relay_id = LineField(label=_("Identifier in the log (queue id)"), max_length=100)
    server = LineField(label=_("Mail server of the recipient that took it"), max_length=255)


class RegisteredForm(AboutDelivery):
    """Also to correct what was written down: `was` is how that stood when the form was shown."""

    prefix = "registered"
    on = PastDateField(label=_("Day on which the office registered it"))
    number = LineField(label=_("Number that the office gave it"), max_length=100, required=False)
    was = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, delivery=delivery, **kwargs)
        self.stands = f"{delivery.registered_on or ''} {delivery.registered_as}".strip()
        self.initial.update(on=delivery.registered_on, number=delivery.registered_as, was=self.stands)


class RefusedForm(AboutDelivery):
    prefix = "refused"
    on = PastDateField(label=_("Since when"))


class CarriedForm(AboutDelivery):
    """What a person did with it."""

    prefix = "carried"
    to = forms.ChoiceField(label=_("What happened"))
    on = PastDateField(label=_("Day"))
    tracking = LineField(label=_("Tracking number"), max_length=100, required=False)
    file = PictureField(label=_("Receipt or screenshot"), required=False)

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, delivery=delivery, **kwargs)
        carried = (DeliveryStatus.POSTED, DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED)
        possible = [to for to in carried if delivery.machine.allows(delivery.status, to)]
        self.overtaken = set(carried) - set(possible)  # what somebody chose before somebody else was faster
        as_the_public_reads = record.CARRIED.get(delivery.channel, record.CARRIED[Channel.POST])[1:]
        words = dict(zip(carried, as_the_public_reads, strict=True))
        self.fields["to"].choices = [(to.value, str(words[to]) % {"date": "…"}) for to in possible]  # type: ignore[attr-defined]
        if delivery.channel != Channel.POST:
            del self.fields["tracking"]


SHOWN = [(kind.value, kind.label) for kind in Evidence.Kind if kind != Evidence.Kind.MAIL]  # that one is the machine's


class EvidenceForm(forms.Form):
    prefix = "evidence"
    kind = forms.ChoiceField(label=_("What the file shows"), choices=SHOWN)
    file = PictureField(label=_("File"))


KINDS = [(kind.value, kind.label) for kind in Reply.Kind if kind != Reply.Kind.UNREAD]


class ReplyForm(AboutDelivery):
    """What came on paper, by fax, or to another mailbox."""

    prefix = "reply"
    kind = forms.ChoiceField(label=_("What it is"), choices=KINDS)
    channel = forms.ChoiceField(label=_("Came by"), choices=Channel.choices)
    received_on = PastDateField(label=_("Day on which it came"))
    number = LineField(label=_("Number that the office gave it"), max_length=100, required=False)
    text = forms.CharField(label=_("Text"), max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 6}))
    file = PictureField(label=_("Scan"), required=False)


class SummaryForm(AboutDelivery):
    """What a reply is, and what the public reads of it, in each language of the site."""

    kind = forms.ChoiceField(label=_("What it is"), choices=KINDS)
    received_on = PastDateField(label=_("Day on which it came"))
    number = LineField(label=_("Number that the office gave it"), max_length=100, required=False)

    def __init__(self, *args: Any, reply: Reply, **kwargs: Any) -> None:
        super().__init__(*args, delivery=reply.delivery, **kwargs)
        self.initial.update(kind=reply.kind, received_on=reply.received_on, number=reply.number)
        if reply.filed_by_id is None:  # the mail itself says when it came
            del self.fields["received_on"]
        for code, name in settings.LANGUAGES:
            self.fields[f"summary_{code}"] = TextField(
                label=f"{Reply._meta.get_field('summary').verbose_name}: {name}",
                max_length=2000,
                required=reply.published_at is not None,
                initial=getattr(reply, f"summary_{code}"),
                widget=forms.Textarea(attrs={"rows": 5, "lang": code}),
            )


# The stop switch ----------------------------------------------------------------------------------


class StopForm(forms.Form):
    """Whatever is written in it, it stops."""

    reason = LineField(label=_("Why"), max_length=300, required=False)

    def reason_if_fit(self) -> str:
        return self.cleaned_data.get("reason", "") if self.is_valid() else ""


class TurnOnForm(forms.Form):
    reason = LineField(label=_("Why it is switched on"), max_length=300)
    looked = forms.BooleanField(label=_("I have looked in the log of the mail server for what was sent in that time"))

    def __init__(self, *args: Any, after_restore: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not after_restore:
            del self.fields["looked"]
