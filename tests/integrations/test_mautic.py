"""A miniature Mautic database.

https://github.com/mautic/mautic/blob/HEAD/app/bundles/LeadBundle/Entity/Lead.php
https://github.com/mautic/mautic/blob/HEAD/app/bundles/CoreBundle/Entity/AuditLog.php
"""

from __future__ import annotations

from pathlib import Path

from drawn_export import assert_contract, assert_table, reasons, write_export

from integrations.run import import_export


def php(**fields: tuple[str | None, str | None]) -> str:
    """A change as Mautic's audit log serialises it."""

    def text(value: str | None) -> str:
        return "N" if value is None else f's:{len(value.encode())}:"{value}"'

    pairs = "".join(
        f"{text(name)};a:2:{{i:0;{text(old)};i:1;{text(new)};}}"
        for name, (old, new) in fields.items()
    )
    return f'a:1:{{s:6:"fields";a:{len(fields)}:{{{pairs}}}}}'


# 1 visited two days before it was known; 2 is lost; 3 is a visitor; 4's stage is its own word; 5 was merged into 1
MAUTIC = {
    "mtc_leads.csv": """
        id | date_added          | date_identified     | date_modified       | points | stage_id | email       | country | industry
        1  | 2026-01-03 09:00:00 | 2026-01-05 09:00:00 | 2026-03-20 09:00:00 | 15     | 8        | a@a.example | France  | Energy
        2  | 2026-01-06 09:00:00 | 2026-01-06 09:00:00 | 2026-03-20 09:00:00 | 0      | 9        | b@b.example | Spain   |
        3  | 2026-01-07 09:00:00 |                     | 2026-03-20 09:00:00 | 0      |          |             |         |
        4  | 2026-01-08 09:00:00 | 2026-01-08 09:00:00 | 2026-03-20 09:00:00 | 0      | 7        | d@d.example |         |
    """,
    "mtc_stages.csv": "id | name | weight \n 7 | Limbo | 1 \n 8 | Customer | 9 \n 9 | Lost | 0",
    "mtc_lead_stages_change_log.csv": """
        id | lead_id | stage_id | event_name | action_name | date_added
        1  | 1       | 7        | Limbo      | x           | 2026-01-10 09:00:00
        2  | 1       | 8        | Customer   | x           | 2026-03-01 10:00:00
        3  | 2       | 9        | Lost       | x           | 2026-02-10 10:00:00
    """,
    "mtc_lead_points_change_log.csv": """
        id | lead_id | delta | event_name | date_added
        1  | 1       | 5     | page       | 2026-01-06 09:00:00
        2  | 1       | 10    | form       | 2026-01-09 09:00:00
    """,
    "mtc_contact_merge_records.csv": """
        id | contact_id | merged_id | date_added          | name
        1  | 1          | 5         | 2026-01-15 09:00:00 | -
    """,
    "mtc_audit_log.csv": f"""
        id | bundle | object | object_id | action | details | date_added
        1  | lead   | lead   | 1         | create | {php(industry=("", "Oil"), country=(None, "France"))} | 2026-01-05 09:00:10
        2  | lead   | lead   | 1         | update | {php(industry=("Oil", "Energy"))} | 2026-02-05 09:00:00
        3  | lead   | lead   | 1         | ipadded | a:0:{{}} | 2026-02-06 09:00:00
        4  | email  | email  | 3         | update | {php(subject=("a", "b"))} | 2026-02-06 09:00:00
        5  | lead   | lead   | 2         | create | {php(country=(None, "Spain"))} | 2026-01-06 09:00:00
    """,
    "mtc_page_hits.csv": """
        id | lead_id | date_hit            | date_left           | url  | code
        1  | 1       | 2026-01-03 09:00:00 | 2026-01-03 09:02:00 | /    | 200
        2  | 3       | 2026-01-07 09:00:00 |                     | /    | 200
        3  | 1       | 2026-01-07 09:00:00 |                     | /xyz | 404
    """,
    "mtc_email_stats.csv": """
        id | lead_id | date_sent           | is_read | date_read           | is_failed
        1  | 5       | 2026-01-11 09:00:00 | 1       | 2026-01-12 09:00:00 | 0
    """,
    "mtc_form_submissions.csv": "id | form_id | lead_id | date_submitted \n 1 | 4 | 1 | 2026-01-09 09:00:00",
    "mtc_asset_downloads.csv": "id | asset_id | lead_id | date_download \n 1 | 4 | 2 | 2026-01-09 09:00:00",
    "mtc_lead_donotcontact.csv": "id | lead_id | date_added | reason | channel \n 1 | 2 | 2026-01-20 09:00:00 | 1 | email",
}


def test_the_dataset_that_comes_out(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", write_export(tmp_path / "export", MAUTIC), out)
    assert_contract(out)
    assert report.recipe == "mautic"
    assert report.unread == ()
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | country | industry
        1       | 2026-01-05T09:00:00Z | France  | Oil
        2       | 2026-01-06T09:00:00Z | Spain   |
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        1       | converted | 2026-03-01T10:00:00Z
        2       | lost      | 2026-02-10T10:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute | value
        1       | 2026-01-06T09:00:00Z | points    | 5
        1       | 2026-01-09T09:00:00Z | points    | 15
        1       | 2026-01-10T09:00:00Z | stage_id  | Limbo
        1       | 2026-02-05T09:00:00Z | industry  | Energy
        1       | 2026-03-01T10:00:00Z | stage_id  | Customer
        2       | 2026-02-10T10:00:00Z | stage_id  | Lost
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind             | duration_s
        1       | 2026-01-03T09:00:00Z | page_view        | 120
        1       | 2026-01-09T09:00:00Z | contact_form     |
        1       | 2026-01-11T09:00:00Z | email_sent       |
        1       | 2026-01-12T09:00:00Z | email_open       |
        2       | 2026-01-09T09:00:00Z | content_download |
        2       | 2026-01-20T09:00:00Z | unsubscribe      |
        """,
    )
    assert_table(out, "aliases", "alias_id | lead_id | since \n 5 | 1 | 2026-01-15T09:00:00Z")
    assert reasons(report) == [
        "audit_log set aside 1: an entry without changed fields",
        "audit_log set aside 1: of another object",
        "leads set aside 1: 'Limbo' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "leads set aside 1: a visitor who was never identified",
        "page_hits set aside 1: a page that was not found",
        "page_hits set aside 1: its lead is set aside",
    ]
