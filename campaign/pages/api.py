"""The public data as JSON, read-only, for whoever builds on it. See `/api/v1/openapi.json`."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from campaign.pages.common import public_letter, sent_at
from dispatch.models import Edition
from letters.models import Letter
from publishing.pages import Page, address_in
from signatories.queries import Signatory, signatory_list

VERSION = "1"


class Json(Page):
    """A document that stands once, for all languages."""

    content_type = "application/json; charset=utf-8"
    has_languages = False
    in_sitemap = False
    index = "index.json"

    def document(self, **keys: Any) -> dict[str, Any]:
        raise NotImplementedError

    def body(self, language: str, **keys: Any) -> bytes:
        return (json.dumps(self.document(**keys), ensure_ascii=False) + "\n").encode()


class Root(Json):
    """The letters of the site."""

    name = "api"
    path = "api/v1/"

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def subjects(self, **keys: Any) -> set[str]:
        return {"site", *(f"letter:{slug}" for slug in Letter.objects.public().values_list("slug", flat=True))}

    def document(self, **keys: Any) -> dict[str, Any]:
        return {
            "version": VERSION,
            "openapi": _absolute(OpenApi()),
            "languages": [code for code, _ in settings.LANGUAGES],
            "letters": [
                {
                    "slug": letter.slug,
                    "title": _in_languages(letter, "title"),
                    "url": _absolute(LetterDocument(), slug=letter.slug),
                }
                for letter in Letter.objects.public()
            ],
        }


class LetterDocument(Json):
    """A letter with its text, public signatories and editions."""

    name = "api_letter"
    path = "api/v1/letters/<slug:slug>.json"

    def addresses(self) -> Iterator[dict[str, Any]]:
        for slug in Letter.objects.public().values_list("slug", flat=True):
            yield {"slug": slug}

    def subjects(self, **keys: Any) -> set[str]:
        return {f"{kind}:{keys['slug']}" for kind in ("letter", "signatories", "editions", "delivery")}

    def document(self, **keys: Any) -> dict[str, Any]:
        letter = public_letter(keys["slug"])
        version = letter.version
        listed = signatory_list(letter, settings.LANGUAGE_CODE)
        sent = sent_at(letter)
        return {
            "slug": letter.slug,
            "demonstration": letter.is_demonstration,
            "status": letter.status,
            "dated": letter.dated.isoformat(),
            "sent": sent.isoformat() if sent else None,
            "pages": {code: _page(code, "letter", slug=letter.slug) for code, _ in settings.LANGUAGES},
            "text": {
                "version": version.number,
                "sha256": version.sha256,
                "languages": {code: version.text(code) for code, _ in settings.LANGUAGES},
            },
            "recipients": [
                {
                    "kind": recipient.kind,
                    "title": _in_languages(recipient, "title"),
                    "name": _in_languages(recipient, "name"),
                }
                for recipient in letter.recipients.all()
            ],
            "signatories": {
                "count": listed.count,
                "withheld": listed.withheld,
                "named": [_signatory(signatory) for signatory in (*listed.named, *listed.joined)],
                "individuals": {
                    "count": listed.individual_count,
                    "withheld": listed.withheld_individuals,
                    "named": [_individual(signatory) for signatory in listed.individuals],
                },
                "earlier_text": [_signatory(signatory) for signatory in listed.earlier],
            },
            "editions": [_edition(edition) for edition in letter.editions.public().prefetch_related("files")],
        }


class OpenApi(Json):
    """What the documents hold, by OpenAPI 3.1."""

    name = "api_openapi"
    path = "api/v1/openapi.json"

    def addresses(self) -> Iterator[dict[str, Any]]:
        yield {}

    def subjects(self, **keys: Any) -> set[str]:
        return {"site"}

    def document(self, **keys: Any) -> dict[str, Any]:
        return {
            "openapi": "3.1.0",
            "info": {"title": "Undersigned", "version": VERSION, "description": "Open letters and who signed them."},
            "servers": [{"url": settings.PUBLIC_URL}],
            "paths": {
                "/api/v1/": _operation("The letters of the site", "Letters"),
                "/api/v1/letters/{slug}.json": {
                    "parameters": [{"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}],
                    **_operation("One letter", "Letter", missing=True),
                },
            },
            "components": {"schemas": SCHEMAS},
        }


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
BY_LANGUAGE = {"type": "object", "additionalProperties": TEXT, "description": "By code of the language"}


def _record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


SIGNATORY = _record(name=BY_LANGUAGE, country=TEXT, lead={"type": "boolean"}, joined={"enum": ["at delivery", "later"]})
SCHEMAS = {
    "Letters": _record(
        version=TEXT,
        openapi={**TEXT, "format": "uri"},
        languages=_list(TEXT),
        letters=_list(_record(slug=TEXT, title=BY_LANGUAGE, url={**TEXT, "format": "uri"})),
    ),
    "Letter": _record(
        slug=TEXT,
        demonstration={"type": "boolean", "description": "True: the letter was not sent to anyone"},
        status={"enum": ["draft", "open", "closed"]},
        dated={**TEXT, "format": "date"},
        sent={"type": ["string", "null"], "format": "date-time"},
        pages=BY_LANGUAGE,
        text=_record(version=NUMBER, sha256=TEXT, languages={"type": "object"}),
        recipients=_list(_record(kind={"enum": ["to", "cc"]}, title=BY_LANGUAGE, name=BY_LANGUAGE)),
        signatories=_record(
            count=NUMBER,
            withheld={**NUMBER, "description": "Counted, never named"},
            named=_list(SIGNATORY),
            individuals=_record(
                count=NUMBER,
                withheld={**NUMBER, "description": "Counted, never named"},
                named=_list(_record(name=BY_LANGUAGE, affiliation={**TEXT, "description": "For identification only"})),
            ),
            earlier_text={
                **_list(SIGNATORY),
                "description": "Signed a text whose meaning has changed since; not counted until they keep it",
            },
        ),
        editions=_list(
            _record(
                number=NUMBER,
                reference=TEXT,
                status={"enum": ["sealed", "superseded"]},
                files={"type": "object", "additionalProperties": _record(sha256=TEXT, size=NUMBER)},
            )
        ),
    ),
}


def _operation(summary: str, schema: str, *, missing: bool = False) -> dict[str, Any]:
    found = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    answers: dict[str, Any] = {"200": {"description": "Found", "content": found}}
    if missing:
        answers["404"] = {"description": "No such public letter"}
    return {"get": {"summary": summary, "responses": answers}}


def _signatory(signatory: Signatory) -> dict[str, Any]:
    joined = "later" if signatory.joined_later else "at delivery"
    return {"name": signatory.names, "country": signatory.country, "lead": signatory.is_lead, "joined": joined}


def _individual(signatory: Signatory) -> dict[str, Any]:
    return {"name": signatory.names, "affiliation": signatory.affiliation}


def _edition(edition: Edition) -> dict[str, Any]:
    return {
        "number": edition.number,
        "reference": edition.reference,
        "status": edition.status,
        "files": {file.language: {"sha256": file.sha256, "size": file.size} for file in edition.files.all()},
    }


def _in_languages(row: Any, field: str) -> dict[str, str]:
    """A translated field by language, without the languages that have no text of their own."""
    texts = {code: getattr(row, f"{field}_{code}") for code, _ in settings.LANGUAGES}
    return {code: text for code, text in texts.items() if text}


def _page(language: str, name: str, **keys: Any) -> str:
    return f"{settings.PUBLIC_URL}{address_in(language, name, **keys)}"


def _absolute(page: Page, **keys: Any) -> str:
    return _page("en", page.name, **keys)
