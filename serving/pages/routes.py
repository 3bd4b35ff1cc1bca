"""Every page, form and file of the pages, and what a key must allow for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from serving.api.endpoint import EndpointSpec
from serving.pages import comparison, forecast, funnel, lead, models, sign_in, what_if, worklist
from serving.pages.api_docs import docs
from serving.pages.site import SIGN_IN, Site
from serving.pages.static_files import MEDIA_TYPES, file_of
from serving.services import Services


def page_routes(
    services: Services, document: Callable[[], Mapping[str, Any]]
) -> list[EndpointSpec]:
    """The routes; their session is checked by the site, so the gateway lets them all in.

    ``document``: the OpenAPI document that the page at ``/docs`` shows.
    """
    site = Site(services)
    shown = [site.get("/docs", docs(document), public=True)] if services.settings.api_docs else []
    return [
        *shown,
        site.get(SIGN_IN, sign_in.show, public=True),
        site.post(SIGN_IN, sign_in.sign_in, public=True),
        site.post("/sign-out", sign_in.sign_out, public=True),
        site.get("/", worklist.show, "read"),
        site.get("/worklist.csv", worklist.export_csv, "read"),
        site.get("/worklist.xlsx", worklist.export_xlsx, "read"),
        site.get("/lead", lead.show, "read", "score"),
        site.post("/lead/override", lead.overrule, "ingest"),
        site.get("/what-if", what_if.show, "score"),
        site.post("/what-if", what_if.score, "score"),
        site.get("/models", models.show, "read"),
        site.get("/models/card", models.card, "read"),
        site.post("/models/confirm", models.confirm, "admin"),
        site.post("/models/change", models.change, "admin"),
        site.get("/funnel", funnel.show, "read"),
        site.get("/forecast", forecast.show, "read"),
        site.get("/comparison", comparison.show, "read"),
        site.get("/comparison/suggested-scorecard.toml", comparison.suggested_toml, "read"),
        site.get("/comparison/scorecard.toml", comparison.scorecard_toml, "read"),
        *(site.get(f"/static/{name}", file_of(name), public=True) for name in MEDIA_TYPES),
    ]
