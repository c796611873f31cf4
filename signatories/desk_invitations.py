"""Whom a letter invites, and what became of it; and the links that open it to a coalition before it is public."""

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import access_campaign, back, staff, staff_page
from accounts.uploads import stated_length
from ledger.services import IllegalMove, Overtaken
from letters import services as letters
from letters.models import Letter, PrivateLink, Version
from signatories import pasted
from signatories.forms.inviting import LONGEST_LIST, MANY_LINES, TOO_LONG, InviteForm, LinkForm
from signatories.invited_links import private_url
from signatories.models import Invitation, Organisation
from signatories.services import inviting, registry
from signatories.services.signing import NotOpen
from signatories.states import InvitationStatus

A_PAGE = 100
FOUND_AT_MOST = 50

# The order in which the desk counts; those who were invited and say nothing are the silent ones.
COUNTED = {
    InvitationStatus.INVITED: pgettext_lazy("invitations", "Silent"),
    InvitationStatus.SIGNED: pgettext_lazy("invitations", "Signed"),
    InvitationStatus.DECLINED: pgettext_lazy("invitations", "Declined"),
    InvitationStatus.PREPARED: pgettext_lazy("invitations", "Not sent yet"),
    InvitationStatus.REVOKED: pgettext_lazy("invitations", "Taken back"),
}


@dataclass(frozen=True)
class Choice:
    """What was chosen, as it would be invited."""

    new: list[inviting.Invitee]
    invited_already: list[inviting.Invitee]
    refused: list[inviting.Invitee]
    without_address: list[Organisation]
    wrong_lines: list[pasted.Line]

    @property
    def seal(self) -> str:
        """Changes with everything that the preview shows of those who would be mailed."""
        told = "\n".join(f"{invitee.name}\t{invitee.email}\t{invitee.language}" for invitee in self.new)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def may_be_sent(self) -> bool:
        return bool(self.new) and not self.wrong_lines


@require_safe
@staff_page(access_campaign)
def invitations(request: HttpRequest, slug: str) -> HttpResponse:
    """Invited, signed, declined, silent; and the private links."""
    return _invitations(request, _letter(slug), LinkForm())


@csrf_exempt  # here only: the length is looked at before the token, for to find the token is to read it all
@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(access_campaign)
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose, look, send: each step posts the same form again. More than a request may hold is refused unread."""
    letter = _letter(slug)
    if request.method == "POST" and stated_length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
        form = InviteForm(letter=letter)
        form.errors["text"] = form.error_class([TOO_LONG % {"limit_value": LONGEST_LIST}])
        return _choosing(request, letter, form, status=413)
    return _invite(request, letter)


@csrf_protect
def _invite(request: HttpRequest, letter: Letter) -> HttpResponse:
    form = InviteForm(request.POST if request.method == "POST" else None, letter=letter)
    step = request.POST.get("step", "")
    if step == "search" or not form.is_bound:
        return _choosing(request, letter, form)
    if not form.is_valid():
        return _choosing(request, letter, form, status=422)
    choice = _choice(letter, form)
    if step != "send" or not choice.may_be_sent:
        return _preview(request, letter, form, choice)
    if request.POST.get("seen") != choice.seal:
        messages.warning(request, _("This list has changed since you looked at it. Look at it again."))
        return _preview(request, letter, form, choice)
    return _sent(request, letter, choice)


@require_POST
@staff_page(access_campaign)
def chase(request: HttpRequest, slug: str) -> HttpResponse:
    """One reminder to each that is silent."""
    letter = _letter(slug)
    try:
        chased = inviting.chase(letter, by=staff(request))
    except NotOpen:
        messages.error(request, _("The letter takes no signatures now, so nobody is reminded."))
        return redirect("desk:invitations", slug=slug)
    if chased:
        text = ngettext("%(count)d reminder is being mailed.", "%(count)d reminders are being mailed.", chased)
        messages.success(request, text % {"count": chased})
    else:
        messages.warning(request, _("Nobody is left to be reminded: each is reminded once."))
    return redirect("desk:invitations", slug=slug)


@require_POST
@staff_page(access_campaign)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one invitation back."""
    invited = get_object_or_404(Invitation.objects.select_related("letter"), pk=pk)
    try:
        inviting.revoke(invited, by=staff(request))
        messages.success(request, _("The invitation of “%(name)s” is taken back.") % {"name": invited.name})
    except (IllegalMove, Overtaken):
        text = _("The invitation of “%(name)s” has been answered or taken back in the meantime.")
        messages.warning(request, text % {"name": invited.name})
    return redirect(back(request, reverse("desk:invitations", args=[invited.letter.slug])))


@require_POST
@staff_page(access_campaign)
def make_link(request: HttpRequest, slug: str) -> HttpResponse:
    """A link that opens the letter to a coalition."""
    letter = _letter(slug)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return _invitations(request, letter, form, status=422)
    try:
        letters.make_private_link(letter, label=form.cleaned_data["label"], by=staff(request))
        messages.success(request, _("The link is made. Whoever has it can read the letter."))
    except Version.DoesNotExist:
        messages.error(request, _("The letter has no text yet that is complete in every language."))
    return redirect(f"{reverse('desk:invitations', args=[slug])}#links")


@require_POST
@staff_page(access_campaign)
def revoke_link(request: HttpRequest, pk: int) -> HttpResponse:
    """The link opens nothing any more."""
    link = get_object_or_404(PrivateLink.objects.select_related("letter"), pk=pk)
    letters.revoke_private_link(link, by=staff(request))
    messages.success(request, _("The link “%(label)s” opens nothing any more.") % {"label": link.label})
    return redirect(f"{reverse('desk:invitations', args=[link.letter.slug])}#links")


def _letter(slug: str) -> Letter:
    letter: Letter = get_object_or_404(Letter.objects.select_related("campaign"), slug=slug)
    return letter


def _invitations(request: HttpRequest, letter: Letter, form: LinkForm, *, status: int = 200) -> HttpResponse:
    counted = letter.invitations.order_by().values_list("status").annotate(Count("pk"))
    counts = dict(counted)
    state = request.GET.get("state", "")
    listed = letter.invitations.select_related("organisation", "invited_by")
    if state in InvitationStatus.values:
        listed = listed.filter(status=state)
    else:
        state = ""
    context = {
        "letter": letter,
        "page": Paginator(listed, A_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "query": urlencode({"state": state}) if state else "",
        "total": sum(counts.values()),
        "counts": [(value.value, COUNTED[value], counts.get(value, 0)) for value in COUNTED if counts.get(value)],
        "to_chase": inviting.chaseable(letter).count(),
        "revocable": (InvitationStatus.PREPARED, InvitationStatus.INVITED),
        "links": [(link, _addresses(link)) for link in letter.private_links.select_related("made_by")],
        "form": form,
    }
    return render(request, "desk/invitations.html", context, status=status)


def _addresses(link: PrivateLink) -> list[tuple[str, str]]:
    return [(code, private_url(link, code)) for code, _name in settings.LANGUAGES]


def _choosing(request: HttpRequest, letter: Letter, form: InviteForm, *, status: int = 200) -> HttpResponse:
    query = form.data.get("q", "") if form.is_bound else ""
    ticked = list(form.ticked()) if form.is_bound else []
    found = registry.search(Organisation.objects.live(), query) if query.strip() else Organisation.objects.members()
    others = found.exclude(pk__in=[organisation.pk for organisation in ticked])
    context = {
        "letter": letter,
        "form": form,
        "ticked": ticked,
        "found": others[:FOUND_AT_MOST],
        "more": max(others.count() - FOUND_AT_MOST, 0),
        "query": query,
        "longest": LONGEST_LIST,
        "lines": MANY_LINES,
        "members": Organisation.objects.members().count(),
    }
    return render(request, "desk/invite.html", context, status=status)


def _choice(letter: Letter, form: InviteForm) -> Choice:
    """What was ticked and pasted, each once."""
    language = form.cleaned_data["language"]
    lines = pasted.read(form.cleaned_data["text"], language=language)
    known = inviting.from_registry(form.chosen(), language=language)
    good = [line for line in lines if not line.problems]
    names = registry.by_name([line.name for line in good])
    invitees = [invitee for _organisation, invitee in known if invitee]
    invitees += [
        inviting.Invitee(name=line.name, email=line.email, language=line.language, organisation=names.get(line.name))
        for line in good
    ]
    once = list({invitee.key: invitee for invitee in invitees}.values())
    standing = inviting.standing(letter, once)
    return Choice(
        new=[invitee for invitee in once if standing.takes(invitee)],
        invited_already=[invitee for invitee in once if invitee.key in standing.invited],
        refused=[i for i in once if i.key[0] in standing.refused and i.key not in standing.invited],
        without_address=[organisation for organisation, invitee in known if not invitee],
        wrong_lines=[line for line in lines if line.problems],
    )


def _preview(request: HttpRequest, letter: Letter, form: InviteForm, choice: Choice) -> HttpResponse:
    context = {"letter": letter, "form": form, "choice": choice, "chosen": form.cleaned_data["organisation"]}
    return render(request, "desk/invite_preview.html", context, status=422 if choice.wrong_lines else 200)


def _sent(request: HttpRequest, letter: Letter, choice: Choice) -> HttpResponse:
    try:
        count = inviting.invite(letter, choice.new, by=staff(request))
    except NotOpen:
        messages.error(request, _("The letter takes no signatures now. Open it for signing before you invite."))
        return redirect("desk:letter", slug=letter.slug)
    text = ngettext("%(count)d invitation is being mailed.", "%(count)d invitations are being mailed.", count)
    messages.success(request, text % {"count": count})
    return redirect("desk:invitations", slug=letter.slug)
