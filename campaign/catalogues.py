"""The catalogues of `locale/`: which strings the code marks, what is translated, and the compiled files.

Written in Python, so that nobody needs GNU gettext.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

# The functions that mark a string.
KEYWORDS = dict.fromkeys(
    (
        "_",
        "gettext",
        "gettext_lazy",
        "gettext_noop",
        "ngettext",
        "ngettext_lazy",
        "pgettext",
        "pgettext_lazy",
        "npgettext",
    )
)
CALL = re.compile(r"\b(gettext|ngettext|pgettext|npgettext|_)\(")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")
PLURALS = {"be": 3, "ru": 3}
PLURAL_RULE = (
    "(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2)"  # Unicode CLDR, whole numbers
)
HEADER = r"""# Undersigned: docs/glossary.md says which word is used for what.
msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: nplurals={plurals}; plural={rule};\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""

Key = tuple[str | None, str]


def languages() -> list[str]:
    """The languages that have a catalogue: all that are shipped but English, the language of the code."""
    return [code for code in settings.SHIPPED_LANGUAGES if code != "en"]


def path_of(language: str) -> Path:
    return Path(settings.BASE_DIR, "locale", language, "LC_MESSAGES", "django.po")


def read(language: str) -> Catalog:
    path = path_of(language)
    if not path.exists():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compile_all() -> None:
    """Write the compiled file beside each catalogue."""
    for language in languages():
        compiled = path_of(language).with_suffix(".mo")
        new = compiled.with_suffix(".new")
        with new.open("wb") as file:
            write_mo(file, read(language))
        new.replace(compiled)


def update(language: str) -> None:
    """Bring a catalogue level with the code: new strings untranslated, old ones gone, nothing guessed."""
    known, catalogue = read(language), _empty(language)
    for message in marked():
        old = known.get(message.id, message.context)
        catalogue.add(message.id, old.string if old else None, message.locations, context=message.context)
    with path_of(language).open("wb") as file:
        file.write(HEADER.format(language=language, plurals=PLURALS[language], rule=PLURAL_RULE).encode())
        write_po(file, catalogue, sort_by_file=True, include_lineno=False, omit_header=True, width=120)


def problems(language: str) -> Iterator[str]:
    """What is missing, left over, or of another shape than its original."""
    catalogue, seen = read(language), set()
    for message in marked():
        seen.add(key(message))
        found = catalogue.get(message.id, message.context)
        if found is None:
            yield f"{language}: not in the catalogue: {message.id!r}"
        else:
            yield from (f"{language}: {problem}: {message.id!r}" for problem in _flaws(message, found, language))
    for message in catalogue:
        if message.id and key(message) not in seen:
            yield f"{language}: no longer in the code: {message.id!r}"


@cache
def marked() -> tuple[Message, ...]:
    """Every string that code and templates of the project mark, each once. It takes seconds to find them all."""
    found = Catalog()
    for path in _sources():
        for function, arguments in _calls(path):
            context, identity = _identity(function, arguments)
            found.add(identity, locations=[(str(path.relative_to(settings.BASE_DIR)), 0)], context=context)
    return tuple(message for message in found if message.id)


def key(message: Message) -> Key:
    return message.context, message.id if isinstance(message.id, str) else message.id[0]


def _sources() -> list[Path]:
    """Our own code and templates, as git or the folder knows them."""
    roots = [*(app for app in settings.INSTALLED_APPS if Path(settings.BASE_DIR, app).is_dir()), "templates"]
    paths = [path for root in roots for path in Path(settings.BASE_DIR, root).rglob("*")]
    return sorted(path for path in paths if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts)


def _calls(path: Path) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    if path.suffix == ".py":
        with path.open("rb") as file:
            for _, function, arguments, _ in extract_python(file, KEYWORDS, [], {}):
                yield str(function), tuple(arguments) if isinstance(arguments, (tuple, list)) else (arguments,)
        return
    text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in CALL.finditer(text):
        yield call[1], tuple(_strings(text, call.end()))


def _strings(text: str, start: int) -> Iterator[str]:
    """The string literals at the beginning of an argument list."""
    literal = re.compile(r"""\s*u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?""", re.DOTALL)
    while match := literal.match(text, start):
        yield ast.literal_eval(match[1].replace("\n", "\\n"))
        start = match.end()


def _identity(function: str, arguments: tuple[str | None, ...]) -> tuple[str | None, str | tuple[str, str]]:
    context = arguments[0] if "pgettext" in function else None
    parts = [part for part in arguments[1 if context else 0 :] if isinstance(part, str)]
    if function.removesuffix("_lazy") in ("ngettext", "npgettext"):
        return context, (parts[0], parts[1])
    return context, parts[0]


def _flaws(original: Message, found: Message, language: str) -> Iterator[str]:
    strings = [found.string or ""] if isinstance(found.string, str | None) else list(found.string)
    wanted = PLURALS[language] if original.pluralizable else 1
    if found.fuzzy:
        yield "only guessed"
    if len(strings) != wanted or not all(strings):
        yield "not translated"
        return
    identity = original.id if isinstance(original.id, str) else original.id[1]
    for string in strings:
        if sorted(set(PLACEHOLDER.findall(identity))) != sorted(set(PLACEHOLDER.findall(string))):
            yield "other placeholders"
        if identity.strip() != identity and string.strip() == string:
            yield "blanks lost at an end"


def _empty(language: str) -> Catalog:
    catalogue = Catalog(locale=language, fuzzy=False)
    setattr(catalogue, "_num_plurals", PLURALS[language])  # noqa: B010 - Babel's own for be counts decimals, too
    setattr(catalogue, "_plural_expr", PLURAL_RULE)  # noqa: B010
    return catalogue
