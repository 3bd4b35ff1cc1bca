"""What every page shares: who looks at it, in which language, its forms, its frame and headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from features.language.catalogues import language_or_english, languages
from features.language.language import Language
from features.language.negotiation import from_accept_language
from features.version import VERSION
from serving.api.endpoint import EndpointSpec
from serving.http.access import refuse_foreign_names
from serving.http.api_keys import Key
from serving.http.request import Request, Response
from serving.http.router import FORM_BODY
from serving.pages.render import environment
from serving.pages.session import Session, Sessions
from serving.problems import Problem, problem_from
from serving.services import Services
from serving.timestamps import Clock, microseconds

HTML = "text/html; charset=utf-8"
CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAX_FIELDS = 500
SIGN_IN = "/sign-in"
PLACES = ("/", "/lead", "/what-if", "/forecast", "/funnel", "/models", "/comparison")
"""Where signing in may lead back to."""

Fields = Mapping[str, str]
Handler = Callable[["Visit"], Awaitable[Response]]


@dataclass
class Visit:
    """One request for a page: the session, the clock read once, the words of its language.

    ``place``: path and query, to which signing in leads back.
    """

    site: Site
    request: Request
    session: Session
    key: Key | None
    clock: Clock
    words: Language
    form: Fields = field(default_factory=dict)
    place: str = "/"

    @property
    def services(self) -> Services:
        """What the endpoints share."""
        return self.site.services

    @property
    def language(self) -> str:
        """Its code: ``en``, ``fr``, …"""
        return self.words.code

    @property
    def actor(self) -> str:
        """Who acts, as the audit trail names them."""
        return "open" if self.key is None else self.key.id

    @property
    def now_us(self) -> int:
        """The clock, read once for this request."""
        return microseconds(self.clock.now)

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a part of the page alone."""
        return b"hx-request" in self.request.headers

    @cached_property
    def query(self) -> Fields:
        """The query's parameters; of one given twice the last counts."""
        return _fields(self.request.query_string)

    def may(self, scope: str) -> bool:
        """Whether this visitor may do what the scope is for; everybody may where no key is."""
        if self.site.needs_keys:
            return self.key is not None and self.key.allows(scope)
        return True

    def page(self, template: str, status: int = 200, **data: Any) -> Response:
        """A template as an answer, in the visitor's language."""
        known = {
            "visit": self, "csrf": self.site.sessions.csrf(self.session), "version": VERSION,
            "path": data.pop("path", ""), "languages": languages(),
        }  # fmt: skip
        text = environment(self.language).get_template(template).render(**known, **data)
        return self.answer(Response(text.encode(), status, HTML))

    def go_to(self, path: str, **query: str) -> Response:
        """Send the browser on (303), so that a reload repeats nothing."""
        where = f"{path}?{urlencode(query)}" if query else path
        return self.answer(Response(b"", 303, HTML, {"Location": where}))

    def answer(self, response: Response) -> Response:
        """The answer with the headers of a page, and the session's cookie if it is new."""
        headers = {
            "Content-Security-Policy": CONTENT_SECURITY,
            "Referrer-Policy": "same-origin",  # with no-referrer a form's Origin would be null
            "Vary": "Cookie, Accept-Language",
        }
        if self.session.is_new:
            headers["Set-Cookie"] = self.site.sessions.cookie(
                self.session, secure=self.site.is_secure(self.request)
            )
        response.headers = {**headers, **response.headers}
        return response


class Site:
    """The pages of one application."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.sessions = Sessions(services.settings.home)

    @property
    def needs_keys(self) -> bool:
        """Whether a visitor must sign in: as the API, once a key was made or in production."""
        return self.services.access.needs_keys

    def is_secure(self, request: Request) -> bool:
        """Whether the cookie may travel over TLS alone."""
        over_tls = request.headers.get(b"x-forwarded-proto", b"") == b"https"
        return self.settings.production or over_tls

    def get(self, path: str, handler: Handler, *scopes: str, public: bool = False) -> EndpointSpec:
        """A page to look at; ``public``: without signing in."""
        return self._spec("GET", path, handler, scopes, public)

    def post(self, path: str, handler: Handler, *scopes: str, public: bool = False) -> EndpointSpec:
        """Where a form goes; it must carry the session's token."""
        return self._spec("POST", path, handler, scopes, public)

    def _spec(
        self, method: str, path: str, handler: Handler, scopes: tuple[str, ...], public: bool
    ) -> EndpointSpec:
        async def endpoint(request: Request) -> Response:
            visit = self._visit(request)
            visit.place = place_of(path, request) if method == "GET" else "/"
            try:
                refused = self._refusal(visit, method, scopes, public)
                return refused or await handler(visit)
            except Exception as error:
                problem = problem_from(error)
                if problem is None:
                    raise
                return problem_page(visit, problem)

        name = f"page {method} {path}"
        return EndpointSpec(method, path, name, name, "", endpoint, str, media_types=FORM_BODY)

    def _visit(self, request: Request) -> Visit:
        clock = Clock.read(self.settings.clock_skew_s)
        session = self.sessions.of(request.headers, int(clock.now.timestamp()))
        wanted = _fields(request.query_string).get("lang", "")
        if wanted in languages() and wanted != session.language:
            session = session.in_language(wanted)
        accepted = from_accept_language(
            request.headers.get(b"accept-language", b"").decode("latin-1")
        )
        key = self.services.access.keys.find_id(session.key_id) if session.key_id else None
        language = session.language or accepted
        return Visit(self, request, session, key, clock, language_or_english(language))

    def _refusal(
        self, visit: Visit, method: str, scopes: tuple[str, ...], public: bool
    ) -> Response | None:
        """Why this visitor gets something else than the page; None when they may have it."""
        access, request = self.services.access, visit.request
        if not self.needs_keys:
            refuse_foreign_names(request.headers)
        access.take_token(visit.actor if visit.key else f"page: {request.peer}")
        if method == "POST":
            visit.form = _fields(request.body)
            self._check_form(visit)
        if public or not self.needs_keys:
            return None
        if visit.key is None:
            return self._to_sign_in(visit)
        missing = [scope for scope in scopes if not visit.key.allows(scope)]
        if missing:
            raise Problem(403, "not-allowed", f"This key does not have the scope {missing[0]}.")
        return None

    def _check_form(self, visit: Visit) -> None:
        origin = visit.request.headers.get(b"origin", b"")
        host = visit.request.headers.get(b"host", b"")
        is_foreign = bool(origin) and origin.partition(b"://")[2] != host
        if is_foreign or not self.sessions.is_form_of(visit.session, visit.form.get("csrf", "")):
            raise Problem(
                403, "stale-form",
                visit.words.gettext("This form is too old or is not ours. Go back, load the page again, and send it again."),  # noqa: E501
            )  # fmt: skip

    def _to_sign_in(self, visit: Visit) -> Response:
        if visit.is_partial:  # htmx would put the sign-in page into a part of this one
            return visit.answer(Response(b"", 401, HTML, {"HX-Redirect": SIGN_IN}))
        return visit.go_to(SIGN_IN, next=visit.place)


def place_of(path: str, request: Request) -> str:
    """Path and query of a request."""
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path


def safe_place(wanted: str) -> str:
    """A page of ours to go on to: what was asked for, if it is one; the worklist else.

    >>> safe_place("/lead?id=7"), safe_place("//evil.example/"), safe_place("/v1/leads")
    ('/lead?id=7', '/', '/')
    """
    path, mark, query = wanted.partition("?")
    if path not in PLACES:
        return "/"
    return path + mark + quote(query, safe="=&%+-._~*")


def problem_page(visit: Visit, problem: Problem) -> Response:
    """A problem as a page that a person can read."""
    response = visit.page(
        "problem.html.j2",
        problem.status,
        problem=problem,
        title=visit.words.gettext("Not possible"),
    )
    response.headers.update(problem.headers)
    return response


def _fields(text: bytes) -> dict[str, str]:
    """Name → the last value given, of a query or a form; a 422 for what is neither."""
    try:
        found = parse_qs(
            text.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=MAX_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise Problem(422, "invalid-query", "The form or query is not UTF-8.") from error
    return {name: values[-1] for name, values in found.items()}
