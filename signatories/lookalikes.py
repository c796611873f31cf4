"""Names that may be one organisation's. The machine warns and says why; people decide.

`name_keys` gives the keys under which an index of names finds candidates, `likeness` looks at two organisations' names
together and has the last word. Organisations that share no key are not alike.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from hashlib import blake2b
from itertools import product, starmap

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from signatories import vocabulary
from signatories.folding import fold_name

KEY_LENGTH = 64

Key = tuple[str, str]


class Kind(models.TextChoices):
    """What two names have in common, the strongest first; its label is what the reviewer reads."""

    SAME = "same", _("The names are the same, apart from capital letters and punctuation.")
    LETTERS = "letters", _("The names look the same but are written with different letters.")
    PART = "part", _("The names are the same, apart from an acronym or an addition.")
    SOUND = "sound", _("The names read alike: one may be a transliteration or a misspelling of the other.")
    SPELLING = "spelling", _("The names differ in little: a letter, the order of words, small words or a legal form.")


# Scripts with letters that look alike, by the first word of the names of these letters in Unicode.
SCRIPTS: dict[str, Promise] = {
    "LATIN": _("Latin"),
    "CYRILLIC": _("Cyrillic"),
    "GREEK": _("Greek"),
}


def _table(letters: str, stand_ins: str) -> dict[str, str]:
    return dict(zip(letters, stand_ins, strict=True))


# Letters that can't be told from Latin ones.
TWINS = (
    _table("АВСЕЁНІЇЈКМОРЅТУҮХԚԜӀ", "ABCEËHIÏJKMOPSTYYXQWI")
    | _table("аеёіїсјоԁрԛѕуүхһԝӏ", "aeëiïcjodpqsyyxhwl")
    | _table("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹοϲϳ", "ABEZHIKMNOPTYXCocj")
)
# Latin letters of which Belarusian, Russian and Ukrainian words can be faked.
TWINNED = frozenset("ABCEËHIÏKMOPTXYaceëiïopxy")
# With the small letters whose capitals are twins; and what is taken for another letter at a glance.
CLOSE = str.maketrans(TWINS | _table("вкмнтзαικνρυχ", "bkmht3aikvpux"))
AT_A_GLANCE = str.maketrans(_table("iı1|0ɑɡ", "lllloag"))
LETTERS_WITH_TWINS = frozenset(
    "abcdefghijklmnopqrstuvwxyzабвгґдеёжзиійїклмнопрстуўфхцчшщъыьэєюяαβγδεζηθικλμνξοπρστυφχψω"
)

# Letters by sound: capitals are sounds, "*" is any vowels. "h" and "g", "s" and "z", "w" and "v" vary by romanisation.
SOUNDS = str.maketrans(
    _table("бвгґджзклмнпрстфхцчшщ", "BVHHDSSKLMNPRSTFHSSSS")
    | dict.fromkeys("аеёиіїоуўыэюяєй", "*")
    | dict.fromkeys("čćçšśşșžźż", "S")
    | dict.fromkeys("æœø", "*")
    | dict.fromkeys("ьъʹʺ", "")
    | _table("łđß", "LDS")
)
DIGRAPHS = {
    **dict.fromkeys(("shch", "tsch", "sch", "sh", "ch", "zh", "dzh", "ts", "tz", "cz", "sz"), "S"),
    "kh": "H",
    "gh": "H",
    "ph": "F",
    "th": "T",
    "ck": "K",
    "x": "KS",
}
LATIN_SOUNDS = re.compile("|".join(sorted(DIGRAPHS, key=len, reverse=True)) + "|c(?=[eiy])")
LATIN_LETTERS = str.maketrans(_table("bcdfghklmnpqrstvwz", "BKDFHHKLMNPKRSTVVS") | dict.fromkeys("aeiouyj", "*"))
HEARD_CONSONANTS = 3  # fewer are too many names'

# Vowels and "h" are misspelt most; "s" and "z", "c" and "k" are taken for one another.
ALIKE = str.maketrans(_table("zcqwз", "skkvс"))
CONSONANTS = ALIKE | str.maketrans(dict.fromkeys("aeiouyhаеёиіїйоуўыэюяєьъæœø", ""))
SPELT_CONSONANTS = 6
SAME_LETTERS = 0.7

# From how many letters on a word that could be spelt in another script is not so by chance, as "IT" and "НКО" are.
FOREIGN_WORD = {"LATIN": 4, "CYRILLIC": 3, "GREEK": 3}

ACCENTS = re.compile("[\u0300-\u036f]")
APOSTROPHES = re.compile(r"(?<=\w)['’ʼ‘ʻ`´′](?=\w)")
DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?)+[^\W\d_]\b\.?")
BRACKETS = re.compile(r"[(\[（]([^()\[\]（）]*)[)\]）]")
QUOTES = re.compile('[«“„‟"]([^«»“”„‟"]+)[»”“"]')
SEPARATOR = re.compile(r"\s+[-–—―−·•∙|/:]+\s+|\s*[·•∙|]\s*|:\s+")
DOUBLED = re.compile(r"(\D)\1+")


def name_keys(*names: str) -> frozenset[Key]:
    """The keys, each of a kind, under which the spellings of an organisation's `names` meet. At most 64 characters."""
    return frozenset().union(*(_keys(name) for name in names if name))


def likeness(one: Iterable[str], other: Iterable[str]) -> Kind | None:
    """What the names of one organisation have most in common with those of another, if anything."""
    ones, others = tuple(one), tuple(other)
    # A great many go by the same three letters: they count where they are all that is given of one of the two.
    shared = (name_keys(*ones) & name_keys(*others)) - (_acronym_keys(ones) & _acronym_keys(others))
    kind = strongest(kind for kind, _key in shared)
    if kind in {Kind.SOUND, Kind.SPELLING}:
        return kind if any(starmap(_is_close, product(_forms(ones), _forms(others)))) else None
    return kind


def strongest(kinds: Iterable[str]) -> Kind | None:
    found = set(kinds)
    return next((kind for kind in Kind if kind in found), None)


def reason(kinds: Iterable[str]) -> str | Promise:
    """Why two names are shown side by side, in a sentence: that of the strongest kind."""
    kind = strongest(kinds)
    return kind.label if kind else ""


def foreign_letters(*names: str) -> list[tuple[str, Promise]]:
    """The letters, with their scripts, that look as if they were of the script around them.

    These are letters in a word of more letters of another script ("Аccess" may begin with a Cyrillic one), and all
    letters of a word that could be spelt in the script of the rest of its name ("РАСЕ Now").
    """
    found: dict[str, Promise] = {}
    for name in names:
        composed = unicodedata.normalize("NFKC", name)
        bare = "".join(character for character in composed if not unicodedata.combining(character))
        words = re.findall(r"[^\W\d_]+", bare)
        for word in words:
            usual = _usual(word, words)
            letters = ((letter, _script(letter)) for letter in word)
            found |= {letter: SCRIPTS[script] for letter, script in letters if script in SCRIPTS and script != usual}
    return list(found.items())


@lru_cache(maxsize=5_000)
def _keys(name: str) -> frozenset[Key]:
    return frozenset((kind.value, _short(key)) for kind, key in _all_keys(name) if key)


def _all_keys(name: str) -> Iterator[tuple[Kind, str]]:
    plain = _plain(name)
    yield Kind.SAME, fold_name(name)
    yield Kind.LETTERS, _looks(plain)
    parts = [_words(part) for part in (plain, *_parts(plain))]
    for words in parts:
        yield Kind.PART, " ".join(words)
        yield Kind.SOUND, _sound(words)
        yield Kind.SPELLING, _spelling(words)
    for acronym in _acronyms(plain):
        yield Kind.PART, acronym


def _forms(names: tuple[str, ...]) -> Iterator[str]:
    """The names and what may stand for them: as one word, and with their words in the order of the alphabet."""
    for name in filter(None, names):
        plain = _plain(name)
        for words in map(_words, (plain, *_parts(plain))):
            yield "".join(words)
            yield " ".join(sorted(_without(words, vocabulary.SMALL_WORDS)))


def _is_close(one: str, other: str) -> bool:
    """Whether most letters are the same, where both are of one script: many words have the same consonants."""
    return _commonest(one) != _commonest(other) or SequenceMatcher(None, one, other).ratio() >= SAME_LETTERS


def _short(key: str) -> str:
    return key if len(key) <= KEY_LENGTH else "#" + blake2b(key.encode(), digest_size=16).hexdigest()


def _acronym_keys(names: tuple[str, ...]) -> set[Key]:
    return {(Kind.PART.value, acronym) for name in names if name for acronym in _acronyms(_plain(name))}


def _plain(name: str) -> str:
    """`name` with its abbreviations and apostrophes closed up: "S.T.O.P." is "STOP"."""
    composed = unicodedata.normalize("NFKC", name)
    return DOTTED.sub(lambda dotted: re.sub(r"[.\s]", "", dotted[0]), APOSTROPHES.sub("", composed))


def _words(text: str) -> list[str]:
    """The folded words, without articles and legal forms unless there is nothing else."""
    words = fold_name(text).split()
    return [word for word in words if word not in vocabulary.UNTOLD] or words


# -- what of a name may stand for all of it


def _parts(plain: str) -> list[str]:
    return [part for part, _acronym in _apart(plain) if part]


def _acronyms(plain: str) -> list[str]:
    """The acronyms that stand beside the name they are short for, folded. Two letters say nothing."""
    folded = (fold_name(acronym).replace(" ", "") for _part, acronym in _apart(plain))
    return [acronym for acronym in folded if len(acronym) > 2]


def _apart(plain: str) -> Iterator[tuple[str, str]]:
    """Parts of a name that mean the whole organisation, and acronyms for them.

    A country beside the name makes a chapter, an organisation of its own: it is not taken off.
    """
    unbracketed = " ".join(BRACKETS.sub(" ", plain).split())
    for inner in BRACKETS.findall(plain):
        yield from _either(unbracketed, inner, equal=True)
    if separator := SEPARATOR.search(unbracketed):
        head, tail = unbracketed[: separator.start()], unbracketed[separator.end() :]
        yield from _either(head, tail, equal="/" in separator[0])
    if quoted := QUOTES.search(unbracketed):
        before, after = unbracketed[: quoted.start()], unbracketed[quoted.end() :]
        if not _naming(f"{before} {after}"):
            yield (quoted[1] if _is_distinct(quoted[1]) else ""), ""
        elif not after.strip():
            yield from _either(before, quoted[1], equal=False)


def _either(name: str, addition: str, *, equal: bool) -> Iterator[tuple[str, str]]:
    """What of a name and its addition may stand alone; of `equal` ones, as translations are, each may."""
    if _is_chapter(addition):
        return
    if _is_acronym(addition, name):
        yield name, addition
    elif _is_acronym(name, addition):
        yield (addition if len(_words(addition)) > 2 or _initials(name, addition) else ""), name
    else:
        yield (name if _is_distinct(name) else ""), ""
        yield (addition if equal and _is_distinct(addition) and " " in addition.strip() else ""), ""


def _is_acronym(text: str, name: str) -> bool:
    """Whether `text` is a word of capitals, beside a name that is not all in capitals or has these initials."""
    word = text.strip(" .,").replace("&", "")
    capitals = sum(character.isupper() for character in word)
    short = word.isalnum() and len(word) <= 12 and capitals > 1 and capitals * 2 > len(word)
    return short and word.casefold() not in vocabulary.LEGAL_FORMS and (not name.isupper() or _initials(word, name))


def _initials(acronym: str, name: str) -> bool:
    words = fold_name(name).split()
    wanted = fold_name(acronym)
    return wanted in {"".join(word[0] for word in some) for some in (words, _without(words, vocabulary.SMALL_WORDS))}


def _is_chapter(addition: str) -> bool:
    folded = fold_name(addition)
    words = _without(folded.split(), vocabulary.ARTICLES)
    return " ".join(words) in vocabulary.countries() or not vocabulary.CHAPTERS.isdisjoint(words)


def _is_distinct(text: str) -> bool:
    """Whether few organisations would be called that."""
    naming = _naming(text)
    return len("".join(naming)) > 3 and " ".join(naming) not in vocabulary.countries()


def _naming(text: str) -> list[str]:
    """The words that tell this organisation from another."""
    return [word for word in fold_name(text).split() if word not in vocabulary.COMMON]


def _without(words: list[str], left_out: frozenset[str]) -> list[str]:
    return [word for word in words if word not in left_out] or words


# -- forms under which spellings meet


def _looks(plain: str) -> str:
    """The name by the shapes of its letters; nothing where no script has letters that look like another's."""
    folded = fold_name(plain.translate(CLOSE)).translate(AT_A_GLANCE).replace("rn", "m")
    return folded if any(character in LETTERS_WITH_TWINS for character in folded) else ""


def _sound(words: list[str]) -> str:
    """The name by its consonants, with a mark where vowels are: what romanisations have in common."""
    text = "".join(words).translate(SOUNDS)
    latin = LATIN_SOUNDS.sub(lambda found: DIGRAPHS.get(found[0], "S"), _unaccented(text).translate(SOUNDS))
    heard = DOUBLED.sub(r"\1", latin.translate(LATIN_LETTERS))
    consonants = sum("A" <= character <= "Z" for character in heard)
    return heard if consonants >= HEARD_CONSONANTS and len(heard) > HEARD_CONSONANTS + 1 else ""


def _spelling(words: list[str]) -> str:
    """The words in the order of the alphabet, each by its consonants, whatever their order in it."""
    skeletons = sorted(filter(None, map(_skeleton, _without(words, vocabulary.SMALL_WORDS))))
    return " ".join(skeletons) if len("".join(skeletons)) >= SPELT_CONSONANTS else ""


@lru_cache(maxsize=10_000)
def _skeleton(word: str) -> str:
    """Its first letter, which is seldom mistaken, and the other consonants in the order of the alphabet."""
    bare = _unaccented(word)
    if not LETTERS_WITH_TWINS.issuperset(bare):
        return word
    rest = sorted(DOUBLED.sub(r"\1", bare[1:].translate(CONSONANTS)))
    return bare[0].translate(ALIKE) + "".join(rest)


def _unaccented(text: str) -> str:
    """`text` without the accents of Latin and Cyrillic letters; marks of other scripts belong to the spelling."""
    if text.isascii():
        return text
    return ACCENTS.sub("", unicodedata.normalize("NFD", text))


# -- scripts


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _scripts(word: str) -> Counter[str]:
    return Counter(script for script in map(_script, word) if script in SCRIPTS)


def _usual(word: str, words: list[str]) -> str:
    """The script that `word` looks as if it were written in: its own, if another word shows that the name uses it."""
    usual = _commonest(word)
    if not _could_be_another(word):
        return usual
    others = [other for other in words if other != word]
    telling = [other for other in others if not _could_be_another(other)] or others
    scripts = [_commonest(other) for other in telling]
    return usual if usual in scripts else _commonest("".join(telling)) or usual


def _commonest(text: str) -> str:
    return next((script for script, _count in _scripts(text).most_common(1)), "")


def _could_be_another(word: str) -> bool:
    """Whether all its letters are of one script and each has a twin in another one."""
    known = _scripts(word)
    if len(known) != 1 or word.casefold() in vocabulary.LEGAL_FORMS:
        return False
    (script,) = known
    return len(word) >= FOREIGN_WORD[script] and set(word) <= (TWINNED if script == "LATIN" else TWINS.keys())
