"""`deploy/nginx.conf` in a real nginx, before a real gunicorn, with and without a cache in front.

The same bytes as the embedded server's, for everyone; fresh at once; there while the application is not.
"""

import http.client
import os
import re
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import Role
from campaign.demo.load import load_letter
from campaign.embedded import BASE_DIR, Processes, free_port
from letters.models import Letter
from publishing import services, stores
from publishing.pages import places
from signatories import links
from tests.factories import make_edition, make_signature, make_user
from tests.tools import program

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "letters.example.org"
LETTER = "/be/letters/belarus-2020/"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
FORGED = {
    "host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Ssl": "off",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Real-IP": "203.0.113.9",
    "X-Original-URL": "/desk/",
    "X-Rewrite-URL": "/desk/",
    "X-HTTP-Method-Override": "DELETE",
    "Forwarded": "host=evil.example;proto=http",
    "Script_Name": "/evil",
    "Proxy": "evil.example",
    "accept-language": "ru",
}
# What tells one answer from the next, and one server from another. (nginx sends no parts of what is compressed.)
PASSING = ("accept-ranges", "date", "server", "connection", "etag", "last-modified", "x-cache", "transfer-encoding")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def lasting(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name not in PASSING}


def ask(
    port: int, path: str, method: str = "GET", *, tls: bool = False, body: bytes | None = None, **headers: str
) -> Answer:
    """One request, on a connection of its own. In lower-case names of headers, `_` stands for `-`."""
    given = {name.replace("_", "-") if name.islower() else name: value for name, value in headers.items()}
    client = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=ssl._create_unverified_context())
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    )
    try:
        client.request(method, path, body, {"host": SITE, "accept-encoding": "identity"} | given)
        found = client.getresponse()
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
    finally:
        client.close()


# What runs ----------------------------------------------------------------------------------------


class Host:
    """A machine as deploy/README.md sets it up: nginx, the application behind it, and a cache before both."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.var_dir = folder / "var"
        self.environment = environment
        self.app, self.nginx, self.plain, self.cache = (free_port() for _ in range(4))
        self.processes = Processes()
        shutil.copytree(BASE_DIR / "static", self.var_dir / "static")
        site = deployed(folder, app=self.app, port=self.nginx, plain=self.plain)
        start_nginx(self.processes, folder / "nginx", site, self.nginx)
        start_nginx(self.processes, folder / "cache", in_front(folder, self.cache, self.nginx), self.cache)
        self.start_app()

    def start_app(self) -> None:
        command = ["-m", "gunicorn", "campaign.wsgi:application", f"--bind=127.0.0.1:{self.app}"]
        threads = ["--worker-class=gthread", "--threads=4", "--no-control-socket", "--log-level=error"]
        self.processes.start("gunicorn", [sys.executable, *command, *threads], cwd=BASE_DIR, env=self.environment)
        self.processes.wait(lambda: listens(self.app) and ask(self.app, "/healthz").status == 200, 30)

    @contextmanager
    def without_app(self) -> Iterator[None]:
        app = self.processes.children.pop("gunicorn")
        app.terminate()
        app.wait(20)
        try:
            yield
        finally:
            self.start_app()


def deployed(folder: Path, *, app: int, port: int, plain: int, rate: str = "1000r/s") -> str:
    """The site of `deploy/`, with this test's addresses and folders as an operator puts in theirs.

    All tests are one visitor, who may ask faster than others.
    """
    make_certificate(folder)
    text = (BASE_DIR / "deploy" / "nginx.conf").read_text()
    for theirs, ours in {
        "127.0.0.1:8000": f"127.0.0.1:{app}",
        "rate=10r/s": f"rate={rate}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "/etc/ssl/letters.example.org/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "/var/lib/undersigned": str(folder / "var"),
        "# brotli_static on;": "brotli_static on;" if BROTLI.exists() else "",
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


def in_front(folder: Path, port: int, origin: int) -> str:
    """A cache that heeds what it is told, and passes on whatever host the visitor names."""
    return f"""
        proxy_cache_path {folder}/kept keys_zone=kept:1m;
        server {{
            listen 127.0.0.1:{port};
            location / {{
                proxy_pass https://127.0.0.1:{origin};
                proxy_set_header Host $http_host;
                proxy_cache kept;
                proxy_cache_revalidate on;
                add_header X-Cache $upstream_cache_status always;
            }}
        }}"""


def start_nginx(processes: Processes, folder: Path, site: str, port: int) -> None:
    folder.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(f"""
        daemon off;
        {"user root;" if os.getuid() == 0 else ""}
        {f"load_module {BROTLI};" if BROTLI.exists() else ""}
        pid {folder}/pid;
        error_log {folder}/error.log;
        events {{ }}
        http {{ access_log off; {temporary} {site} }}""")
    processes.start(folder.name, [program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    processes.wait(lambda: listens(port), 10)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    kind = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*kind))


def database_url() -> str:
    """The database of the tests, for another process."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    parts = {name: quote(str(given[name]), safe="") for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")}
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**parts)


@pytest.fixture(scope="module")
def host(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    program("nginx")
    with django_db_blocker.unblock():
        database = database_url()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "DATABASE_URL": database,
        "VAR_DIR": str(folder / "var"),
        "PUBLIC_URL": f"https://{SITE}",
        "SECRET_KEY": "of the tests",
        "CONTACT_KEYS": ",".join(settings.CONTACT_KEYS),
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TRUSTED_PROXIES": "1",
        "REQUIRE_SECOND_FACTOR": "0",  # whoever is signed in here has none
        "LOG_LEVEL": "CRITICAL",
    }
    host = Host(folder, environment)
    yield host
    host.processes.stop()


@pytest.fixture
def letter(host: Host, settings: Settings) -> Letter:
    """A published letter with an edition. What the test writes, nginx serves."""
    settings.PUBLIC_URL = f"https://{SITE}"
    settings.SECRET_KEY = "of the tests"
    backend = {"BACKEND": "publishing.stores.LocalTree", "OPTIONS": {"location": host.var_dir / "public"}}
    settings.STORAGES = {**settings.STORAGES, "published": backend}
    letter = load_letter(by=make_user(Role.Name.CAMPAIGNER))
    make_signature(letter, name="First", is_lead=True)
    make_signature(letter, name="Leaving Org", country="PL")
    make_edition(letter, sealed=True)
    services.publish()
    return letter


Front = Callable[..., Answer]


@pytest.fixture
def straight(host: Host) -> Front:
    return partial(ask, host.nginx, tls=True)


@pytest.fixture(params=["straight", "through the cache"])
def front(request: pytest.FixtureRequest, host: Host, straight: Front) -> Front:
    """How a reader gets to the site's nginx."""
    return straight if request.param == "straight" else partial(ask, host.cache)


def addresses() -> list[str]:
    found = [place.address for place in places()]
    assert len(found) > 30
    return found


# The same for everyone ----------------------------------------------------------------------------


def test_every_page_is_the_embedded_servers(letter: Letter, host: Host, front: Front) -> None:
    for address, encoding in product(addresses(), ("identity", "gzip")):
        embedded, found = ask(host.app, address, accept_encoding=encoding), front(address, accept_encoding=encoding)
        assert (found.status, found.body) == (200, embedded.body), address
        assert found.lasting == embedded.lasting, address
        assert ("content-encoding" in found.headers) == (encoding == "gzip" and not address.endswith(".pdf"))
        assert found.headers["cache-control"] == "no-cache"
        assert "strict-transport-security" in found.headers


@pytest.mark.skipif(not BROTLI.exists(), reason=f"{BROTLI} is missing (Debian: libnginx-mod-http-brotli-static)")
def test_brotli_goes_before_gzip(letter: Letter, host: Host) -> None:
    found = ask(host.nginx, LETTER, tls=True, accept_encoding="gzip, deflate, br")
    embedded = ask(host.app, LETTER, accept_encoding="gzip, deflate, br")
    assert found.headers["content-encoding"] == "br"
    assert (found.body, found.lasting) == (embedded.body, embedded.lasting)


def test_staff_strangers_and_forgers_read_the_same(letter: Letter, front: Front) -> None:
    browser = Client()
    browser.force_login(make_user())
    cookie = {"cookie": "; ".join(f"{name}={found.value}" for name, found in browser.cookies.items())}
    for address in addresses():
        stranger = front(address)
        assert "set-cookie" not in stranger.headers
        for who in (cookie, FORGED, cookie | FORGED):
            found = front(address, **who)
            assert (found.status, found.body, found.lasting) == (200, stranger.body, stranger.lasting), address
            assert found.headers["etag"] == stranger.headers["etag"]


def test_what_is_computed_is_kept_by_no_cache_and_believes_no_forger(letter: Letter, front: Front) -> None:
    browser = Client()
    browser.force_login(make_user())
    cookie = "; ".join(f"{name}={found.value}" for name, found in browser.cookies.items())
    assert front("/desk/", cookie=cookie).status == 200
    assert front("/desk/").status == 302, "the desk is not kept for the next visitor"
    first, second = front(f"{LETTER}sign/"), front(f"{LETTER}sign/", **FORGED | {"accept-language": "be"})
    assert first.status == second.status == 200
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["set-cookie"] != second.headers["set-cookie"]
    assert "; Secure" in second.headers["set-cookie"]
    assert "strict-transport-security" in second.headers
    assert b"evil" not in second.body
    assert front("/", **FORGED).headers["location"] == "/ru/"


def test_nothing_forged_reaches_the_application(tmp_path: Path) -> None:
    """The site's nginx before something that writes down what it hears; and how much nginx lets a visitor ask."""
    heard: list[dict[str, str]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()} | {"": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    port = free_port()
    with HTTPServer(("127.0.0.1", 0), Listener) as server, Processes() as processes:
        Thread(target=server.serve_forever, daemon=True).start()
        site = deployed(tmp_path, app=server.server_port, port=port, plain=(plain := free_port()), rate="10r/s")
        start_nginx(processes, tmp_path / "nginx", site, port)
        ask(port, "/desk/%2e%2e/?a=/../b", tls=True, cookie="a=b", **FORGED)
        moved = ask(plain, "/en/?x=1", host="evil.example")
        flood = [ask(port, "/desk/", tls=True).status for _ in range(90)]
        large = ask(port, "/desk/", "POST", tls=True, body=b"x" * 7_000_000)
        server.shutdown()
    assert heard[0] == {
        "": "/desk/%2e%2e/?a=/../b",
        "host": SITE,
        "x-forwarded-proto": "https",
        "x-forwarded-for": "127.0.0.1",
        "accept-encoding": "identity",
        "accept-language": "ru",
        "cookie": "a=b",
    }
    assert (moved.status, moved.headers["location"]) == (301, f"https://{SITE}/en/?x=1")
    assert set(flood[:40]) == {200}
    assert 429 in flood
    assert large.status == 413
    assert (tmp_path / "undersigned.log").read_text() == "", "a refusal writes down nobody's address"


# How it is asked for ------------------------------------------------------------------------------


def test_who_has_it_is_not_sent_it_again(letter: Letter, straight: Front) -> None:
    for encoding in ("identity", "gzip"):
        tag = straight(LETTER, accept_encoding=encoding).headers["etag"]
        again = straight(LETTER, accept_encoding=encoding, if_none_match=f'"other", {tag}')
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "no-cache"
    assert straight(LETTER, if_none_match='"other"').status == 200


def test_parts_of_a_pdf(letter: Letter, straight: Front) -> None:
    whole = straight(f"{LETTER}letter.pdf")
    assert whole.body.startswith(b"%PDF-")
    part = straight(f"{LETTER}letter.pdf", range="bytes=5-9")
    assert (part.status, part.body) == (206, whole.body[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole.body)}"
    assert straight(f"{LETTER}letter.pdf", range="bytes=5-9", if_range='"old"').status == 200
    assert straight(f"{LETTER}letter.pdf", range=f"bytes={len(whole.body)}-").status == 416


def test_head_says_what_get_would(letter: Letter, front: Front) -> None:
    head, get = front(LETTER, "HEAD"), front(LETTER)
    assert (head.status, head.body, head.lasting) == (200, b"", get.lasting)


def test_the_application_answers_the_rest(letter: Letter, host: Host) -> None:
    (host.var_dir / "public/current/en/.hidden").write_bytes(b"no")
    missing = (
        "/en/nothing/",
        "/en/.hidden",
        f"{LETTER}index.html.gz",
        f"{LETTER}index.html.br",
        "/static/",
        "/.paused",
    )
    rest = [("GET", path, 404) for path in missing]
    rest += [("GET", "/en", 301), ("GET", "/healthz", 200), ("OPTIONS", LETTER, 405), ("POST", LETTER, 403)]
    for method, path, status in rest:
        found = ask(host.nginx, path, method, tls=True)
        embedded = ask(host.app, path, method, x_forwarded_proto="https")
        assert (found.status, found.body) == (status, embedded.body), path


def test_a_table_of_signatures_may_be_larger_than_anything_else(letter: Letter, host: Host) -> None:
    body = b"x" * 7_000_000
    table = ask(host.nginx, "/desk/letters/belarus-2020/import/", "POST", tls=True, body=body)
    # The application leads a stranger to the login, and may hang up on the body, which it does not read.
    assert table.status in (302, 503)
    assert ask(host.nginx, "/desk/letters/belarus-2020/", "POST", tls=True, body=body).status == 413


def test_nothing_beside_what_is_public_is_a_file(letter: Letter, host: Host) -> None:
    (host.var_dir / "secret-key").write_bytes(b"no")
    for path in ("/static/..%2fsecret-key", "/static/../secret-key", "/static../secret-key", "/..%2f..%2fsecret-key"):
        found = ask(host.nginx, path, tls=True)
        assert found.status in (400, 404)
        assert found.body != b"no"


# Fresh --------------------------------------------------------------------------------------------


def test_a_withdrawn_name_is_gone_once_that_is_answered(letter: Letter, front: Front) -> None:
    shown = [path for path in addresses() if b"Leaving Org" in front(path).body]
    kept = {path: front(path).headers["etag"] for path in [*shown, f"{LETTER}letter.pdf"]}
    assert len(shown) == 10, "the letter and its signatories, press page and edition, and the JSON"
    signature = letter.signatures.get(name="Leaving Org")
    page = links.withdraw_url(signature).removeprefix(f"https://{SITE}")
    form = front(page)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.body.decode())
    assert token
    sent = {"cookie": form.headers["set-cookie"].partition(";")[0], "origin": f"https://{SITE}"}
    fields = f"csrfmiddlewaretoken={token[1]}".encode()
    answer = front(page, "POST", body=fields, content_type="application/x-www-form-urlencoded", **sent)
    assert answer.status == 302
    for path, tag in kept.items():
        found = front(path, if_none_match=tag)
        assert found.status == (410 if path.endswith(".pdf") else 200), path
        assert b"Leaving Org" not in found.body


def test_two_versions_of_one_second_and_size_are_told_apart(letter: Letter, front: Front) -> None:
    """Even where the page was taken down between them."""
    for number in range(3):
        with stores.change() as change:
            change.write("en/index.html", b"name %d" % number)
        old = front("/en/")
        assert old.body == b"name %d" % number
        with stores.change() as change:
            change.delete("en/index.html")
        assert front("/en/", if_none_match=old.headers["etag"]).status == 503
        with stores.change() as change:
            change.write("en/index.html", b"gone %d" % number)
        new = front("/en/", if_none_match=old.headers["etag"], if_modified_since=old.headers["last-modified"])
        assert (new.status, new.body) == (200, b"gone %d" % number)
        part = front("/en/", range="bytes=0-3", if_range=old.headers["etag"])
        assert (part.status, part.body) == (200, b"gone %d" % number)


def test_the_cache_is_one(letter: Letter, host: Host) -> None:
    """What may be kept is kept; what is to be asked for again each time is not answered from memory."""
    assert [ask(host.cache, "/static/css/site.css").headers["x-cache"] for _ in range(2)][1] == "HIT"
    assert {ask(host.cache, LETTER).headers["x-cache"] for _ in range(3)} <= {"MISS", "EXPIRED", "REVALIDATED"}


@pytest.mark.parametrize("language", ["en", "be", "ru"])
def test_who_asks_too_fast_is_told_in_their_language(
    letter: Letter, host: Host, straight: Front, tmp_path: Path, language: str
) -> None:
    page = straight(f"/{language}/errors/503/").body
    port, plain = free_port(), free_port()
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "var").symlink_to(host.var_dir)
    with Processes() as strict:
        start_nginx(strict, folder / "nginx", deployed(folder, app=1, port=port, plain=plain, rate="1r/m"), port)
        answers = [ask(port, f"/{language}/nothing/", tls=True) for _ in range(60)]
        assert {answer.status for answer in answers} == {429, 503}
        for answer in answers:
            is_paused(answer, page, answer.status)
        assert ask(port, f"/{language}/letters/belarus-2020/", tls=True).status == 200, "what is published is a file"


# With the application down ------------------------------------------------------------------------


def test_with_the_application_down_what_is_published_stays_and_the_rest_says_so(
    letter: Letter, host: Host, straight: Front
) -> None:
    fronts = (straight, partial(ask, host.cache))
    before = [{path: front(path) for path in [*addresses(), "/static/css/site.css"]} for front in fronts]
    paused = {code: straight(f"/{code}/errors/503/").body for code in ("en", "be", "ru")}
    assert len(set(paused.values())) == 3
    with host.without_app():
        for front, there in zip(fronts, before, strict=True):
            for path, answer in there.items():
                found = front(path)
                assert (found.status, found.body, found.lasting) == (200, answer.body, answer.lasting), path
            the_rest_is_paused(front, paused)
    assert [front(f"{LETTER}sign/").status for front in fronts] == [200, 200]


def the_rest_is_paused(front: Front, paused: dict[str, bytes]) -> None:
    for code, page in paused.items():
        for path in ("letters/belarus-2020/sign/", "signatures/own/token/", "nothing/", "errors/404"):
            is_paused(front(f"/{code}/{path}"), page)
        is_paused(front(f"/{code}/letters/belarus-2020/sign/", "POST"), page)
        is_paused(front("/", accept_language=f"{code}-XX,{code};q=0.9"), page)
        is_paused(front("/desk/", accept_language=code), page)
    for language in ("de", "../", "xx"):
        is_paused(front("/", accept_language=language), paused["en"])
    is_paused(front("/xx/"), paused["en"])
    compressed = front(f"{LETTER}sign/", accept_encoding="gzip")
    assert (compressed.status, compressed.headers["content-encoding"]) == (503, "gzip")


def is_paused(answer: Answer, page: bytes, status: int = 503) -> None:
    assert (answer.status, answer.body) == (status, page)
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-security-policy" in answer.headers
    assert "set-cookie" not in answer.headers
