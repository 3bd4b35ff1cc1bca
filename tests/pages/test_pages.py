"""Every page in a browser: what it shows, what can be done on it, and that it is usable by all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from comparison_file import made_up_comparison
from pages_service import FORMULA, SCRIPT

from scoring.scorecard.scorecard import default_scorecard
from scoring.scorecard.toml import parse_card

PATHS = (
    "/", "/lead?id=L-hot", "/what-if?id=L-warm", "/forecast?value=cost", "/funnel", "/comparison",
    "/models", "/docs",
)  # fmt: skip

Open = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def comparison(home: Path) -> None:
    (home / "comparison.json").write_text(json.dumps(made_up_comparison()))


def assert_whole(page: Any, language: str) -> None:
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    assert page.locator("svg title").count() == page.locator("svg").count()
    shown = page.locator("main").inner_text()
    assert re.search(r"\{\{|\{%|%\(|\bNone\b(?! yet)|\bnan\b", shown) is None


DARK = ("/", "/lead?id=L-hot")
"""Pages with every colour there is; the colours themselves are checked in test_colours."""


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_whole_and_for_everybody(open_page: Open, path: str) -> None:
    """In both languages; axe finds no serious fault; nothing is wider than a phone."""
    page = open_page(path, bypass_csp=True)
    assert_whole(page, "en")
    assert_no_serious_fault(
        page, None if path != "/docs" else [["header"], ["main > :nth-child(-n+5)"]]
    )
    if path in DARK:
        page.emulate_media(color_scheme="dark")
        assert_no_serious_fault(page, None, "color-contrast")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(f"{path}{'&' if '?' in path else '?'}lang=fr")
    assert_whole(page, "fr")


def assert_no_serious_fault(page: Any, within: Any, *rules: str) -> None:
    """``within``: selectors of the parts that are looked at; of a long page of many like parts."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = axe.Axe().run(
        page, context=None if within is None else {"include": within}, options=options
    )
    serious = [
        (one["id"], one["nodes"][0]["html"][:120])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_worklist_holds_whom_to_call_and_nobody_else(open_page: Open) -> None:
    page = open_page("/")
    names = page.locator(".worklist .who a").all_inner_texts()
    assert names[0] == "Ada Byron"
    assert {"Won Already", "Lost Lately", "Gone Away", "Rung Often"}.isdisjoint(names)
    first = page.locator(".worklist tbody tr").first
    assert first.locator(".band").inner_text() == "hot"
    assert first.locator("svg.spark").count() == 1
    assert "1 inbound call in the last 30 days" in first.locator(".for").all_inner_texts()[1]
    assert page.locator("tr:has-text('L-thin') .mark").inner_text() == "thin evidence"
    page.goto("/?show=left_alone")
    left = page.locator(".worklist").inner_text()
    assert "Gone Away" in left
    assert "opted out" in left
    assert "Rung Often" in left
    assert "Won Already" not in left


def test_filters_narrow_the_list(open_page: Open) -> None:
    page = open_page("/")
    page.get_by_label("Owner").select_option("Omar")
    page.get_by_role("button", name="Apply").click()
    assert page.locator(".worklist .who a").all_inner_texts()[0] == "Grace Hopper"
    assert "Ada Byron" not in page.locator("main").inner_text()
    page.get_by_role("link", name="Clear").click()
    page.get_by_role("searchbox").fill("bletch")
    page.get_by_role("searchbox").press("Enter")
    assert page.locator(".worklist .who a").all_inner_texts() == ["Alan Turing"]
    page.goto("/?band=hot&source=search")
    assert page.get_by_role("heading", name="Nobody is on this list").is_visible()


def test_the_week_ends_after_so_many_calls(open_page: Open) -> None:
    page = open_page("/?calls=2")
    rows = page.locator(".worklist tbody tr")
    assert rows.nth(2).inner_text().strip() == "Your 2 calls this week end here"
    assert rows.nth(3).get_attribute("class") == "beyond"


def test_a_lead_called_script_is_text(open_page: Open) -> None:
    page = open_page("/?q=script")
    assert page.locator(".worklist .who a").inner_text() == SCRIPT
    page.get_by_role("link", name=SCRIPT).click()
    assert page.locator("h1").inner_text() == SCRIPT


def test_a_lead_is_found_whatever_its_id(open_page: Open) -> None:
    page = open_page("/?q=hyperlink")
    page.locator(".worklist .who a").click()
    assert page.locator("h1").inner_text() == FORMULA
    assert "b?c&d=é" in page.locator("main").inner_text()


def test_the_lead_is_explained(open_page: Open) -> None:
    page = open_page("/lead?id=L-hot")
    chart = page.locator("svg.chart").first
    assert "page views (19)" in chart.inner_html()
    assert chart.locator("path.marks").count() == 4
    dots = chart.locator("path.marks").first.get_attribute("d")
    assert dots.count("M") == 19
    waterfall = page.locator("svg.chart").nth(1)
    assert "Before anything is known" in waterfall.inner_html()
    main = page.locator("main").inner_text()
    assert "+50 Called us" in main
    assert "urgent:" in main
    assert "before: no inbound calls in the last 30 days" in main
    page.goto("/lead?id=L-out")
    assert "Unsubscribed" in page.locator("section:has-text('By the rules')").first.inner_text()
    assert "do not contact it" in page.locator("main").inner_text()


def test_an_overruled_band_sticks_and_is_shown(open_page: Open) -> None:
    page = open_page("/lead?id=L-cold")
    page.get_by_label("Band").select_option("hot")
    page.get_by_label("Reason, for those who read it later").fill("Met <them> at the fair")
    page.get_by_role("button", name="Overrule").click()
    assert "Met <them> at the fair" in page.locator(".note").first.inner_text()
    assert page.locator(".card .band").first.inner_text() == "hot"
    page.goto("/?band=hot")
    assert "overruled" in page.locator("tr:has-text('L-cold')").inner_text()
    page.goto("/lead?id=L-cold")
    page.get_by_label("Band").select_option("")
    page.get_by_label("Reason, for those who read it later").fill("They were not")
    page.get_by_role("button", name="Overrule").click()
    assert page.locator(".card .band").first.inner_text() == "cold"
    page.goto("/?band=hot")
    assert page.locator("tr:has-text('L-cold')").count() == 0


def test_what_if_scores_as_one_types(open_page: Open) -> None:
    page = open_page("/what-if?id=L-warm")
    before = page.locator("#result .big").inner_text()
    with page.expect_response("**/what-if"):
        page.locator("select[name='a.budget']").select_option("approved")
    page.wait_for_function(
        "before => document.querySelector('#result .big').textContent !== before", arg=before
    )
    after = page.locator("#result .big").inner_text()
    assert float(after.rstrip("%")) > float(before.rstrip("%"))


def test_the_slider_moves_calls_conversions_and_money(open_page: Open) -> None:
    page = open_page("/comparison")
    assert "10 calls a week" in page.locator("#week").inner_text()
    with page.expect_response("**/comparison?percent=50*"):
        page.locator("#percent").fill("50")
    page.get_by_text("50 calls a week").wait_for()
    learned = page.locator("#week tr", has_text="learned score").inner_text().split("\t")
    assert learned[1:] == ["50", "14.0", "1,350"]


def test_the_verdict_is_in_the_language_of_its_reader(service: httpx.Client) -> None:
    page = service.get("/comparison", headers={"Accept-Language": "fr"}).text
    assert "Testé sur 1\u202f000 leads et 200 conversions qu’aucun des deux" in page
    assert "Tested on" not in page


def test_suggested_rules_can_be_adopted_as_a_file(open_page: Open, service: httpx.Client) -> None:
    page = open_page("/comparison")
    part = page.locator("section", has=page.get_by_role("heading", name="Rules with better points"))
    cells = [row.split("\t") for row in part.locator("tbody tr").all_inner_texts()]
    assert cells == [["Called us", "50", "64"], ["Took part in a webinar", "22", "12"]]
    link = part.get_by_role("link", name="The suggestion as a file").get_attribute("href")
    answer = service.get(link)
    assert "attachment" in answer.headers["content-disposition"]
    adopted = parse_card(answer.text, "adopted")
    assert {r.name: r.points for r in adopted.rules}["Called us"] == 64
    assert adopted.groups == default_scorecard().card.groups


def test_the_forecast_is_by_band_source_and_owner(open_page: Open) -> None:
    page = open_page("/forecast")
    page.get_by_label("A conversion is worth").fill("cost")
    page.get_by_role("button", name="Apply").click()
    main = page.locator("main").inner_text()
    assert "From 9 open leads" in main
    assert "The value of 6 open leads is unknown" in main
    titles = page.locator("h2").all_inner_texts()
    assert titles[1:] == ["By band", "By source", "By owner", "How the last forecast held"]
    by_owner = page.locator("section", has_text="By owner").locator("tbody tr")
    assert by_owner.count() == 2
    assert by_owner.first.get_attribute("class") == "few"  # a handful of leads is grey


def test_promote_and_roll_back_ask_twice_and_are_written_down(open_page: Open, home: Path) -> None:
    page = open_page("/models")
    before = page.locator("tr:has-text('answers now') code").inner_text()
    page.get_by_role("button", name="Promote …").click()
    assert "was not run" in page.locator("main").inner_text()
    page.get_by_label("Reason, for the audit trail").fill("The last one was better")
    page.get_by_label("Yes: every score").check()
    page.get_by_role("button", name="Promote", exact=True).click()
    page.wait_for_url("**/models")
    after = page.locator("tr:has-text('answers now') code").inner_text()
    assert after != before
    page.get_by_role("button", name="Roll back …").click()
    page.get_by_label("Reason, for the audit trail").fill("It was not")
    page.get_by_label("Yes: every score").check()
    page.get_by_role("button", name="Roll back", exact=True).click()
    page.wait_for_url("**/models")
    assert page.locator("tr:has-text('answers now') code").inner_text() == before
    trail = [json.loads(line) for line in (home / "audit.jsonl").read_text().splitlines()]
    assert [(e["what"], e["reason"], e.get("forced", False)) for e in trail] == [
        ("promote", "The last one was better", True),
        ("rollback", "It was not", False),
    ]
    assert [e["to"]["release_id"] for e in trail] == [after, before]


def test_the_language_is_that_of_the_browser_or_the_one_chosen(open_page: Open) -> None:
    assert open_page("/", locale="fr-FR").locator("html").get_attribute("lang") == "fr"
    page = open_page("/")
    page.get_by_role("button", name="Français").click()
    assert page.locator("html").get_attribute("lang") == "fr"
    page.goto("/funnel")
    assert page.locator("html").get_attribute("lang") == "fr"


@pytest.mark.parametrize("path", ["/", "/lead?id=L-hot", "/what-if", "/funnel", "/models"])
def test_pages_work_without_javascript(open_page: Open, path: str) -> None:
    page = open_page(path, java_script_enabled=False)
    assert page.locator("h1").is_visible()


def test_what_if_works_without_javascript(open_page: Open) -> None:
    page = open_page("/what-if?id=L-warm", java_script_enabled=False)
    before = page.locator("#result .big").inner_text()
    page.locator("select[name='a.budget']").select_option("approved")
    page.get_by_role("button", name="Score").click()
    assert page.locator("h1").inner_text() == "What if"
    assert page.locator("#result .big").inner_text() != before
