"""Domains that say nothing of who somebody is: anyone gets a mailbox there, or a page.

Curated, not complete. The suffixes are a short stand-in for the Public Suffix List: a rule for those of countries
("org.uk", "com.by"), and a few others. A domain too much here costs an organisation a grade of evidence, never its
signature; one that is missing is noticed by whoever looks at the website.
"""


def _set(domains: str) -> frozenset[str]:
    return frozenset(domains.split())


# Everywhere the same service: yahoo.com, yahoo.co.uk, yandex.by.
FREE_MAIL_BRANDS = _set("yahoo hotmail yandex gmx googlemail posteo")
FREE_MAIL = _set("""
    gmail.com ymail.com rocketmail.com myyahoo.com outlook.com outlook.be outlook.cl outlook.co.id outlook.co.il
    outlook.com.ar outlook.com.au outlook.com.br outlook.com.tr outlook.cz outlook.de outlook.dk outlook.es
    outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph
    outlook.pt outlook.sa outlook.sg outlook.sk live.at live.be live.ca live.cl live.cn live.co.uk live.co.za
    live.com live.com.ar live.com.au live.com.mx live.com.pt live.de live.dk live.fr live.ie live.in live.it
    live.jp live.nl live.no live.ru live.se msn.com passport.com windowslive.com icloud.com me.com mac.com
    privaterelay.appleid.com aol.com aol.co.uk aol.de aol.fr aim.com verizon.net

    proton.me protonmail.com protonmail.ch pm.me passmail.net passmail.com tutanota.com tutanota.de tutamail.com
    tuta.com tuta.io keemail.me fastmail.com fastmail.fm fastmail.net sent.com messagingengine.com mailbox.org
    disroot.org riseup.net autistici.org inventati.org systemli.org systemausfall.org aktivix.org immerda.ch
    so36.net nadir.org espiv.net cock.li hushmail.com hush.com hushmail.me startmail.com runbox.com mailfence.com
    countermail.com kolabnow.com vivaldi.net skiff.com onmail.com hey.com zoho.com zoho.eu zoho.in zohomail.com
    zohomail.eu zohomail.in hide.me duck.com mozmail.com simplelogin.com simplelogin.co simplelogin.io slmail.me
    aleeas.com anonaddy.com anonaddy.me addy.io 33mail.com users.noreply.github.com

    mail.com email.com usa.com europe.com post.com consultant.com engineer.com myself.com writeme.com iname.com
    dr.com lawyer.com journalist.com activist.com techie.com inbox.com lycos.com excite.com rediffmail.com
    mailinator.com guerrillamail.com sharklasers.com 10minutemail.com yopmail.com trashmail.com temp-mail.org
    dispostable.com maildrop.cc getnada.com moakt.com tempmail.com

    ya.ru narod.ru mail.ru bk.ru list.ru inbox.ru internet.ru xmail.ru mail.ua rambler.ru rambler.ua lenta.ru
    autorambler.ru myrambler.ru ro.ru pochta.ru qip.ru hotbox.ru nm.ru newmail.ru land.ru front.ru e1.ru vk.com
    tut.by mail.by tyt.by open.by inbox.by email.by yandex.by ukr.net i.ua ua.fm email.ua meta.ua bigmir.net
    online.ua freemail.ua 3g.ua mail.kz mail.md mail.am mail.az box.az wp.pl o2.pl go2.pl tlen.pl onet.pl onet.eu
    op.pl vp.pl poczta.onet.pl poczta.fm interia.pl interia.eu interia.com intmail.pl int.pl gazeta.pl autograf.pl
    buziaczek.pl spoko.pl adres.pl poczta.pl inbox.lt one.lt takas.lt mail.lt zebra.lt inbox.lv mail.lv apollo.lv
    hot.ee mail.ee online.ee neti.ee seznam.cz email.cz post.cz centrum.cz atlas.cz volny.cz azet.sk zoznam.sk
    centrum.sk post.sk freemail.hu citromail.hu vipmail.hu abv.bg mail.bg dir.bg

    web.de t-online.de freenet.de arcor.de online.de mail.de email.de bluewin.ch hispeed.ch sunrise.ch aon.at
    chello.at laposte.net orange.fr wanadoo.fr free.fr sfr.fr neuf.fr bbox.fr numericable.fr club-internet.fr
    caramail.com libero.it virgilio.it tiscali.it alice.it tin.it tim.it inwind.it iol.it email.it fastwebnet.it
    telefonica.net terra.es ono.com sapo.pt uol.com.br bol.com.br terra.com.br ig.com.br globomail.com telenet.be
    skynet.be ziggo.nl kpnmail.nl xs4all.nl planet.nl home.nl hetnet.nl online.nl casema.nl btinternet.com sky.com
    virginmedia.com ntlworld.com talktalk.net tiscali.co.uk blueyonder.co.uk o2.co.uk eircom.net online.no
    broadpark.no telia.com bredband.net spray.se mail.dk kolumbus.fi luukku.com otenet.gr in.gr mynet.com
    comcast.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
    optonline.net rogers.com shaw.ca sympatico.ca bell.net telus.net videotron.ca bigpond.com optusnet.com.au
    iinet.net.au xtra.co.nz qq.com vip.qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com
    139.com 189.cn aliyun.com 21cn.com tom.com naver.com hanmail.net daum.net nate.com kakao.com walla.com
    walla.co.il 012.net.il netvision.net.il bezeqint.net maktoob.com chmail.ir
""")

SHARED_BRANDS = _set("blogspot ucoz")
SHARED_SITES = _set("""
    facebook.com fb.com fb.me messenger.com instagram.com threads.net threads.com twitter.com x.com t.co t.me
    telegram.me telegra.ph whatsapp.com wa.me viber.com signal.group discord.gg discord.com linkedin.com
    youtube.com youtu.be tiktok.com vk.com vk.ru vk.me ok.ru dzen.ru rutube.ru reddit.com pinterest.com
    mastodon.social bsky.app bsky.social medium.com substack.com tumblr.com livejournal.com dreamwidth.org
    teletype.in patreon.com ko-fi.com boosty.to change.org gofundme.com meetup.com eventbrite.com flickr.com
    vimeo.com soundcloud.com wikipedia.org linktr.ee taplink.cc taplink.ws taplink.at beacons.ai bio.link lnk.bio
    campsite.bio msha.ke solo.to bit.ly goo.gl tinyurl.com mailchi.mp forms.gle

    sites.google.com docs.google.com drive.google.com groups.google.com business.site web.app firebaseapp.com
    appspot.com blogger.com wordpress.com wordpress.org home.blog github.com github.io gitlab.com gitlab.io
    bitbucket.io codeberg.org codeberg.page sourceforge.net sourceforge.io readthedocs.io gitbook.io netlify.app
    vercel.app herokuapp.com onrender.com fly.dev glitch.me pages.dev workers.dev cloudfront.net amazonaws.com
    azurewebsites.net windows.net sharepoint.com onmicrosoft.com wix.com wixsite.com editorx.io weebly.com
    squarespace.com webflow.io framer.website framer.app carrd.co notion.site notion.so canva.com my.canva.site
    tilda.ws tilda.cc tildacdn.com nethouse.ru mystrikingly.com strikingly.com jimdo.com jimdosite.com
    jimdofree.com site123.me simdif.com yolasite.com ning.com godaddysites.com 000webhostapp.com altervista.org
    over-blog.com canalblog.com typepad.com hypotheses.org noblogs.org blackblogs.org neocities.org narod.ru at.ua
    ucoz.ru do.am my1.ru by.ru
""")

# Second levels that belong to no one, under two letters of a country.
SECOND_LEVELS = _set("ac asso co com ed edu firm gen go gob gouv gov gv in k12 mil ne net ngo nom or org sch")
PUBLIC_SUFFIXES = _set("""
    eu.org uk.com us.com gb.net eu.com de.com com.de co.com ru.com ru.net msk.ru spb.ru msk.su pp.ru me.uk ltd.uk
    plc.uk nhs.uk police.uk of.by minsk.by pp.ua kiev.ua kyiv.ua lviv.ua odessa.ua kharkov.ua kharkiv.ua dp.ua
    info.pl biz.pl waw.pl warszawa.pl krakow.pl wroc.pl gda.pl edu.pl art.br adv.br
""")
