"""The report: sentences that say what the numbers say, and a page that everyone can read, offline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from api.pilot.charts import classes
from api.pilot.choices import Choices
from api.pilot.findings import compared, day, dimension, findings, margin, number, percent
from api.pilot.made_up import Size, make_up
from api.pilot.measure import measure
from api.pilot.report import render
from api.pilot.timing import Stopwatch

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
SMALLEST_TEXT = 12.0
"""Pixels."""


@dataclass(frozen=True)
class Page:
    """A rendered report and what it was made of."""

    numbers: dict[str, Any]
    timing: dict[str, Any]
    html: str


@pytest.fixture(scope="module")
def page() -> Page:
    watch = Stopwatch()
    with watch.stage("Gegevens verzinnen"):
        world, judged = make_up("Rijk van Nijmegen", Size(3000, 400, 1), 20, date(2026, 9, 1))
    numbers = measure(world, Choices(suitable=0.5, radius=20), judged, watch).numbers
    return Page(numbers, watch.told(), render(numbers, watch.told()))


# -- sentences


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [
        (percent(0.123), "12%"),
        (percent(None), "–"),
        (number(1234.5, 1), "1.234,5"),
        (number(-0.0004, 3), "0,000"),
        (number(-0.25, 2), "−0,25"),
        (number(None), "–"),
        (day("2026-09-01"), "1 september 2026"),
        (margin({"a_low": 0.1, "a_high": 0.25}, "a"), "10–25%"),
        (margin({"a_low": 0.1, "a_high": 0.25}, "a", 2), "0,10 – 0,25"),
        (margin({"a_low": None, "a_high": None}, "a"), "–"),
    ],
)
def test_numbers_are_spelt_the_dutch_way(spelt: str, expected: str) -> None:
    assert spelt == expected


def group(name: str, share: float, half: float, suitable: float = 0.5) -> dict[str, Any]:
    return {
        "group": name,
        "jobseekers": 100,
        "visible": share,
        "visible_low": share - half,
        "visible_high": share + half,
        "suitable": suitable,
    }


def test_groups_differ_only_beyond_their_margins() -> None:
    near = [group("a", 0.50, 0.06), group("b", 0.60, 0.06)]
    assert compared(near) is None
    assert "kan toeval zijn" in dimension(near)
    apart = [group("a", 0.70, 0.06), group("b", 0.50, 0.06), group("c", 0.56, 0.06)]
    assert "‘b’ staat 50%" in dimension(apart)
    assert "‘a’ 70%" in dimension(apart)


def test_groups_of_which_nothing_is_known_are_not_compared() -> None:
    unknown = {**group("niet opgegeven", 0.9, 0.01)}
    hidden = {**group("c", 0.0, 0.0), "jobseekers": None, "visible": None}
    assert compared([group("a", 0.5, 0.05), unknown, hidden]) is None


def test_a_difference_is_told_beside_that_in_being_suitable() -> None:
    less = dimension([group("a", 0.3, 0.02, suitable=0.2), group("b", 0.6, 0.02, suitable=0.7)])
    assert "kleiner deel geschikt voor een vacature in de regio: 20% tegen 70%" in less
    same = dimension([group("a", 0.3, 0.02, suitable=0.7), group("b", 0.6, 0.02, suitable=0.7)])
    assert "Dat komt niet doordat minder van hen geschikt zijn" in same


def told_of(page: Page, **ndcg: tuple[float, float, float]) -> str:
    rows = [
        {"method": method, "ndcg": mean, "ndcg_low": low, "ndcg_high": high}
        for method, (mean, low, high) in ndcg.items()
    ]
    quality = {**page.numbers["quality"], "methods": rows}
    return findings({**page.numbers, "quality": quality})["quality"]


def test_the_ranking_is_called_better_only_beyond_the_margins(page: Page) -> None:
    ahead = told_of(page, koppel=(0.5, 0.48, 0.52), bm25=(0.4, 0.38, 0.42), random=(0.1, 0.0, 0.2))
    assert "Geen marge van een andere methode overlapt" in ahead
    level = told_of(page, koppel=(0.5, 0.45, 0.55), bm25=(0.45, 0.4, 0.5), random=(0.1, 0.0, 0.2))
    assert "overlapt met die van: Zoekmachine (BM25). Dat verschil kan toeval zijn" in level
    behind = told_of(page, koppel=(0.3, 0.28, 0.32), bm25=(0.45, 0.4, 0.5), random=(0.1, 0.0, 0.2))
    assert "Beter dan Koppel, buiten de marges: Zoekmachine (BM25)" in behind


def test_findings_tell_the_numbers_of_the_tables(page: Page) -> None:
    says = findings(page.numbers)
    own, *_, every = page.numbers["reach_vacancies"]
    assert percent(own["few"]) in says["vacancies"]
    assert percent(every["few"]) in says["vacancies"]
    assert page.numbers["skills"][0]["skill"] in says["skills"]
    assert page.numbers["occupations"][0]["group"] in says["occupations"]


def test_classes_cover_every_count_without_overlap() -> None:
    for counts in ([], [7], [1, 1, 2], list(range(1, 60)), [10, 10, 10, 11, 500, 1000, 1001]):
        found = classes(counts)
        assert len(found) <= 5
        assert all(sum(low <= count <= high for low, high in found) == 1 for count in counts)
        assert found == sorted(found)


# -- the page as text


@dataclass
class Outline(HTMLParser):
    """What stands in a page: elements with their attributes, in order."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def outline(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parsed = Outline()
    parsed.feed(html)
    return parsed.elements


def test_the_page_refers_to_nothing_outside_itself(page: Page) -> None:
    for tag, attributes in outline(page.html):
        for name in ("src", "href", "action", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name)
    assert "default-src 'none'" in page.html
    assert "@import" not in page.html.split("</style>")[0]
    assert len(page.html.encode()) < 3_000_000


def test_a_table_follows_every_chart(page: Page) -> None:
    order = [
        "table" if tag == "table" else "chart"
        for tag, attributes in outline(page.html)
        if tag == "table" or "data-chart" in attributes
    ]
    assert order == ["chart", "table"] * (len(order) // 2)
    assert len(order) > 20


def test_links_lead_to_places_of_the_page(page: Page) -> None:
    elements = outline(page.html)
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        href = attributes.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids


def test_what_is_synthetic_is_called_so_wherever_it_is_shown(page: Page) -> None:
    section = page.html.split('<section id="rangorde"')[1].split("</section>")[0]
    for article in section.split("<article>")[1:]:
        heading, caption = (re.search(f"<{tag}>(.*?)</{tag}>", article) for tag in ("h3", "caption"))
        assert heading is not None
        assert caption is not None
        assert "synthetisch" in heading[1]
        assert "synthetisch" in caption[1]
    assert "Alle gegevens zijn verzonnen" in page.html


def test_judgements_of_people_and_real_records_are_not_called_synthetic(page: Page) -> None:
    numbers = {
        **page.numbers,
        "about": {**page.numbers["about"], "is_made_up": False, "seed": None},
        "quality": {**page.numbers["quality"], "origin": "file"},
    }
    html = render(numbers, page.timing)
    assert "ynthetisch" not in html
    assert "verzonnen, generator" not in html
    assert "Alle gegevens zijn verzonnen" not in html


def test_a_report_without_judgements_says_so(page: Page) -> None:
    html = render({**page.numbers, "quality": None}, page.timing)
    assert "er zijn geen oordelen gegeven" in html
    assert "nDCG" not in html.split('<script type="module">')[0]


def test_a_region_with_hardly_anyone_gets_a_page_without_empty_charts() -> None:
    world, _ = make_up("Zeeland", Size(40, 20, 1), 50, date(2026, 9, 1))
    numbers = measure(world, Choices(), None, Stopwatch()).numbers
    html = render(numbers, Stopwatch().told())
    assert "te klein om te tonen" in html
    assert "Geen beroepsgroep is groot genoeg om te tonen." in html
    assert "spec-few-candidates" in html
    for empty in ("spec-between", "spec-occupations", "spec-fair-0", "spec-stages"):
        assert empty not in html


def test_names_in_the_data_can_not_become_markup(page: Page) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    rows = [{**row, "organisation": evil} for row in page.numbers["vacancies_by_organisation"]]
    html = render({**page.numbers, "vacancies_by_organisation": rows}, page.timing)
    assert "<img src=x" not in html
    assert "\\u003c/script" in html


def test_the_same_numbers_give_the_same_page(page: Page) -> None:
    assert render(json.loads(json.dumps(page.numbers)), page.timing) == page.html


# -- the page in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(page: Page, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.html, encoding="utf-8")
    return path.as_uri()


def open_page(
    browser: Any, address: str, *, width: int = 1280, scheme: str = "light"
) -> tuple[Any, list[str]]:
    """Open the page until its charts are drawn; gives also what went wrong, or was asked for, meanwhile."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(20_000)
    opened, noticed = context.new_page(), []
    opened.on("console", lambda message: noticed.append(f"console: {message.text}"))
    opened.on("pageerror", lambda error: noticed.append(f"error: {error}"))
    opened.on("request", lambda request: noticed.append(f"request: {request.url}"))
    opened.goto(address)
    opened.wait_for_function(
        "document.querySelectorAll('[data-chart]').length"
        " === document.querySelectorAll('[data-drawn]').length"
    )
    return opened, [each for each in noticed if each != f"request: {address}"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_everyone_can_use_the_page_and_nothing_goes_wrong(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    opened, noticed = open_page(browser, address, width=width, scheme=scheme)
    assert noticed == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    checked = Axe().run(opened)
    assert [each["id"] for each in checked.response["violations"]] == []
    opened.context.close()


def test_every_chart_has_marks_in_the_colours_of_the_page(browser: Any, address: str) -> None:
    marks = """[...document.querySelectorAll("[data-chart]")].map(place => ({
        id: place.dataset.chart,
        marks: [...place.querySelectorAll("svg .role-mark path, svg .role-mark line")].length,
        colour: getComputedStyle(place.querySelector("svg .role-axis-label text, svg .role-mark path")).fill,
        width: place.querySelector("svg").getBoundingClientRect().width,
    }))"""
    light, _ = open_page(browser, address)
    dark, _ = open_page(browser, address, scheme="dark")
    seen = light.evaluate(marks), dark.evaluate(marks)
    assert len(seen[0]) >= 14
    for one, other in zip(*seen, strict=True):
        assert one["marks"] == other["marks"] > 0, one["id"]
        assert one["colour"] != other["colour"], one["id"]
        assert one["width"] > 200, one["id"]
    for each in (light, dark):
        each.context.close()


def test_the_keyboard_reaches_the_content_and_the_tables(browser: Any, address: str) -> None:
    opened, _ = open_page(browser, address)
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#inhoud"
    assert opened.evaluate("document.activeElement.getBoundingClientRect().width") > 50
    reached = set()
    for _ in range(60):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate("document.activeElement.getAttribute('aria-label') || ''"))
    assert "Tabel: kandidaten voor vacatures" in reached
    assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    opened.context.close()


def test_no_text_is_too_small_to_read(browser: Any, address: str) -> None:
    opened, _ = open_page(browser, address, width=390)
    sizes = opened.evaluate(
        """[...document.querySelectorAll("p, td, th, dd, li, caption, svg text")]
        .map(each => parseFloat(getComputedStyle(each).fontSize))"""
    )
    assert min(sizes) >= SMALLEST_TEXT
    opened.context.close()


def test_it_prints_light_on_paper_whatever_the_screen(browser: Any, address: str) -> None:
    opened, _ = open_page(browser, address, scheme="dark")
    opened.emulate_media(media="print")
    told = opened.evaluate(
        """({
            ink: getComputedStyle(document.body).color,
            navigation: getComputedStyle(document.querySelector("nav")).display,
        })"""
    )
    assert told["ink"] == "rgb(29, 36, 39)"
    assert told["navigation"] == "none"
    assert opened.pdf(format="A4").startswith(b"%PDF")
    opened.context.close()
