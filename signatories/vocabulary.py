"""Words that tell one organisation from another badly, in the languages that our signatories use. All folded.

Incomplete by nature: a word that is missing costs a warning more or less, never a signature.
"""

from functools import cache

from babel import Locale

from signatories.folding import fold_name


def _set(words: str) -> frozenset[str]:
    return frozenset(fold_name(words).split())


# What may be left out of a name, and no one would think of another organisation.
LEGAL_FORMS = _set("""
    ngo ngos npo npos cso csos inc incorporated ltd limited llc plc cic cio corp gmbh ggmbh ug ev asbl aisbl vzw ivzw
    onlus odv aps ets zs ops oz sro zu spolek ry rf mtu všį asoc rka ks pf kft ek onlg ong osc ac iap pbo npc spzoo
    ао ано го гс бо бф га мга рга мо мга моо роо рго нко нго нпо оо ооо зао ип уп чуп пуп тоо таа иуп
    нка нда
    """)
ARTICLES = _set("the a an la le les l el los las lo il gli i o os as der die das den dem ein eine de het")
SMALL_WORDS = ARTICLES | _set("""
    of for and in on to at by with against from de des du d del della dei da do dos das y e et en para por pour per
    und für fur von vom zur im am und w i na rzecz dla z ze o do pri v a u
    и в во на по за для с со о об от при к у i в па дзеля пра аб ад супраць з са ў й і у й та від про із
    """)

# A name of these alone, or an addition of these, is many organisations' name.
GENERIC = _set("""
    human rights right civil liberties society social public legal law justice freedom free open digital internet online
    media press journalists journalism women youth student students children people peoples peace democracy democratic
    election elections independent international national regional global world european europe africa african asia
    asian america latin center centre centers institute foundation fund trust association union network alliance
    coalition federation committee council commission group forum initiative campaign project programme program
    movement organisation organization community house lab team office observatory research policy development
    chapter section branch secretariat club agency bureau news radio
    derechos humanos derecho centro fundación fundacion asociación asociacion instituto red observatorio
    direitos humanos fundação fundacao associação associacao rede droits homme humains ligue association fondation
    centre réseau menschenrechte verein stiftung zentrum fundacja stowarzyszenie centrum praw człowieka instytut
    права правы праў прав человека чалавека людини правозащитный правозащитная правозащитное праваабарончы
    праваабарончая праваабарончае правозахисний центр цэнтр фонд институт інстытут інститут союз саюз спілка сеть сетка
    мережа
    ассоциация асацыяцыя асоціація объединение аб яднанне абяднанне обєднання об єднання общественное общественная
    общественный грамадскае грамадская грамадскі громадська громадське организация арганізацыя організація движение рух
    комитет камітэт комітет комиссия камісія группа група коалиция кааліцыя коаліція инициатива ініцыятыва ініціатива
    проект праект проєкт гражданское гражданский грамадзянская общество супольнасць таварыства товарищество молодежный
    молодёжный маладзёжны моладзевы женский жаночы международный міжнародны міжнародний национальный нацыянальны
    республиканское рэспубліканскае белорусский белорусская белорусское беларускі беларуская беларускае независимый
    незалежны свобода свабода свободный свабодны информационный інфармацыйны пресс клуб прэс отделение аддзяленне
    филиал філія благотворительный дабрачынны просветительское асветніцкае учреждение установа журналистов журналістаў
    """)

# What a name may be looked at without, and what tells nothing of whose name it is.
UNTOLD = LEGAL_FORMS | ARTICLES
COMMON = LEGAL_FORMS | SMALL_WORDS | GENERIC

CHAPTERS = _set("chapter section branch secretariat отделение филиал секция аддзяленне філія секцыя")
LANGUAGES_OF_PLACES = ("en", "be", "ru", "uk", "pl", "lt", "de", "fr", "es", "pt", "it")
MORE_PLACES = _set("uk usa us eu uae drc england scotland wales рб рф сша ес")


@cache
def countries() -> frozenset[str]:
    """Names of countries and their codes: beside a name they make a chapter, which is an organisation of its own."""
    territories = (item for language in LANGUAGES_OF_PLACES for item in Locale.parse(language).territories.items())
    named = [(str(code), str(name)) for code, name in territories if str(code).isalpha()]  # regions have numbers
    return MORE_PLACES.union(*((code.casefold(), fold_name(name)) for code, name in named))
