"""Staff change the text of a letter, see what that changes for whom, and save it as a version."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import access_desk, access_review, access_text, may, staff, staff_page, text_languages
from accounts.models import User
from ledger.services import Overtaken
from letters import services
from letters.arranging import arranged, used_keys
from letters.content import Content, merged, tidied, words, working
from letters.differences import Difference, differences
from letters.forms import MeaningForm, TextForm, field_name, typed
from letters.models import Letter, Version
from letters.states import LetterStatus
from signatories.desk.rows import own_name
from signatories.queries import not_asked_by_mail, renewal

NAMED = 200  # of those whom no mail reaches


@dataclass
class Editing:
    """One post to the form, or the form as it opens: what stands, and what was typed."""

    request: HttpRequest
    letter: Letter

    @cached_property
    def languages(self) -> list[str]:
        return text_languages(staff(self.request))

    @cached_property
    def stands(self) -> Content:
        return working(self.letter)

    @cached_property
    def latest(self) -> Version | None:
        return self.letter.versions.select_related("saved_by").last()

    @property
    def may_arrange(self) -> bool:
        return len(self.languages) == len(settings.LANGUAGES)

    @cached_property
    def asks(self) -> bool:
        """Whether anybody can have signed an earlier text, so that its meaning matters to them."""
        was_open = self.letter.status != LetterStatus.DRAFT
        return self.latest is not None and (was_open or self.letter.signatures.exists())

    @property
    def post(self) -> dict[str, str]:
        return self.request.POST.dict()

    def typed(self) -> Content:
        blocks = self.request.POST.getlist("block")
        return typed(self.post, blocks, current=self.stands, languages=self.languages)

    def is_overtaken(self) -> bool:
        return self.post.get("started") != services.digest(self.stands)

    def meaning(self) -> MeaningForm | None:
        return MeaningForm(self.request.POST) if self.asks else None

    def meaning_as_typed(self) -> MeaningForm | None:
        """With what was chosen, before anybody looks whether it is complete."""
        names = MeaningForm().fields
        return MeaningForm(initial={name: self.post.get(name, "") for name in names}) if self.asks else None

    def changed(self, content: Content) -> list[tuple[str, str, list[Difference]]]:
        """By language: its code, its name, and what is different from the latest version."""
        return by_language(self.latest.content if self.latest else {}, content)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_text)
def text(request: HttpRequest, slug: str) -> HttpResponse:
    """Every language side by side. Only the last of three steps saves: write, look at what changes, save."""
    editing = Editing(request, get_object_or_404(Letter.objects.select_related("campaign"), slug=slug))
    if request.method != "POST":
        return _form(editing, content=editing.stands, meaning=MeaningForm() if editing.asks else None)
    do, content = editing.post.get("do", ""), editing.typed()
    if do not in ("preview", "save"):
        if editing.may_arrange:
            content = arranged(content, do, used=used_keys(editing.letter))
        return _form(editing, content=content, meaning=editing.meaning_as_typed(), started=editing.post.get("started"))
    return _overtaken(editing, content) if editing.is_overtaken() else _go_on(editing, content, saves=do == "save")


@require_safe
@staff_page(access_desk)
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    """Every text that the letter has had, the latest first."""
    letter = get_object_or_404(Letter.objects.select_related("campaign"), slug=slug)
    listed = letter.versions.select_related("saved_by").order_by("-number")
    context = {"letter": letter, "versions": listed, "may_write": may(staff(request), access_text)}
    return render(request, "desk/versions.html", context)


@require_safe
@staff_page(access_desk)
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One of them, and what it changed."""
    found = get_object_or_404(
        Version.objects.select_related("letter__campaign", "saved_by"), letter__slug=slug, number=number
    )
    before = found.letter.versions.filter(number__lt=found.number).last()
    context = {
        "letter": found.letter,
        "version": found,
        "before": before,
        "changed": by_language(before.content if before else {}, found.content),
        "reasons": [(code, name, getattr(found, f"reason_{code}") or "") for code, name in settings.LANGUAGES],
        "renewal": renewal(found) if found.is_material else None,
        **(_unreached(found, staff(request)) if found.is_material else {}),
    }
    return render(request, "desk/version.html", context)


def _unreached(version: Version, user: User) -> dict[str, Any]:
    """Those whom staff have to ask; by name for those who have business with people's names."""
    waiting = not_asked_by_mail(version)
    listed = list(waiting[:NAMED]) if may(user, access_review) else []
    count = waiting.count()
    named = [(signature, own_name(signature)) for signature in listed]
    return {"unreached": count, "unreached_named": named, "unreached_more": count - len(listed)}


def by_language(old: Content, new: Content) -> list[tuple[str, str, list[Difference]]]:
    return [(code, str(name), differences(old.get(code, {}), new.get(code, {}))) for code, name in settings.LANGUAGES]


def _go_on(editing: Editing, content: Content, *, saves: bool) -> HttpResponse:
    """Save what was typed, or show what would be saved, unless something is missing or nothing was changed."""
    form = TextForm(_as_data(content), content=content, languages=editing.languages)
    meaning = editing.meaning()
    if not form.is_valid() or (meaning and not meaning.is_valid()):
        return _page(editing, form, meaning, started=editing.post.get("started"), status=422)
    if editing.latest and services.digest(form.written()) == editing.latest.sha256:
        messages.info(editing.request, _("This is the text as it stands. There is nothing to save."))
        return _form(editing, content=content, meaning=editing.meaning_as_typed())
    return _save(editing, form, meaning) if saves else _preview(editing, form, meaning)


def _save(editing: Editing, form: TextForm, meaning: MeaningForm | None) -> HttpResponse:
    stated: dict[str, Any] = {}
    if meaning and meaning.cleaned_data["is_material"]:
        day = meaning.cleaned_data["keep_until"]
        stated = {"is_material": True, "reason": meaning.reason(), "keep_until": day}
    elif meaning:
        stated = {"reason": meaning.reason()}
    try:
        saved = services.save_text(
            editing.letter, form.written(), started_from=editing.post["started"], by=staff(editing.request), **stated
        )
    except Overtaken:
        again = Editing(editing.request, Letter.objects.get(pk=editing.letter.pk))
        return _overtaken(again, form.written())
    messages.success(editing.request, _("Version %(number)s is saved.") % {"number": saved.number})
    return redirect("desk:version", slug=editing.letter.slug, number=saved.number)


def _preview(editing: Editing, form: TextForm, meaning: MeaningForm | None) -> HttpResponse:
    hidden = {name: editing.post.get(name, "") for name in (meaning.fields if meaning else ())}
    written = form.written()
    context = {
        "letter": editing.letter,
        "latest": editing.latest,
        "changed": editing.changed(written),
        "meaning": meaning.cleaned_data if meaning else None,
        "reasons": [(code, name, meaning.reason()[code]) for code, name in settings.LANGUAGES] if meaning else [],
        "asked": editing.letter.signatures.standing().count(),
        "unreached": editing.letter.signatures.standing().filter(mailbox="").count(),
        "blocks": form.blocks(),
        "hidden": {
            **hidden,
            **_as_data(written),
            "started": editing.post["started"],
            "version": editing.post.get("version", ""),
        },
    }
    return render(editing.request, "desk/text_preview.html", context)


def _overtaken(editing: Editing, mine: Content) -> HttpResponse:
    """Somebody saved something since the form was opened: show what, put both together, and save nothing."""
    number = editing.post.get("version", "")
    base = (
        editing.letter.versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None
    )
    began, stands = tidied(base.content) if base else mine, tidied(editing.stands)
    both_changed, places = merged(began, mine, stands) if base else (mine, [])
    return _form(
        editing,
        content=both_changed,
        meaning=editing.meaning_as_typed(),
        status=409,
        meanwhile=by_language(began, stands),
        both=[field_name(place) for place in places],
    )


def _as_data(content: Content) -> dict[str, str]:
    return {field_name(place): text for place, text in words(content).items()}


def _form(
    editing: Editing,
    *,
    content: Content,
    meaning: MeaningForm | None,
    started: str | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    form = TextForm(content=content, languages=editing.languages)
    return _page(editing, form, meaning, started=started, status=status, **context)


def _page(
    editing: Editing,
    form: TextForm,
    meaning: MeaningForm | None,
    *,
    started: str | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The form. It goes on with the text that it `started` from; with the one that stands now, where that is unsaid."""
    number = editing.latest.number if editing.latest else 0
    context |= {
        "letter": editing.letter,
        "form": form,
        "meaning": meaning,
        "latest": editing.latest,
        "started": started or services.digest(editing.stands),
        "version": editing.post.get("version", number) if started else number,
        "may_arrange": editing.may_arrange,
        "mistakes": [*form.mistakes(), *(meaning.mistakes() if meaning else [])],
    }
    return render(editing.request, "desk/text.html", context, status=status)
