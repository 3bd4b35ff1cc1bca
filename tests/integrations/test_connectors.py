"""``leadscore sync`` and ``push`` against the other systems' APIs on loopback: one story for all.

Three leads: one converted, one lost, one open; a budget that rose, an inbound call of 90 seconds.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from drawn_export import assert_table
from dynamics_service import DynamicsService
from fake_service import served
from odoo_service import OdooService
from pipedrive_service import PipedriveService
from salesforce_service import SalesforceService

from commands.cli import run
from features.errors import StorageError, UsageError
from integrations.connectors.mirror import Mirror
from integrations.connectors.systems import push_system, sync_system

SERVICES = (SalesforceService, OdooService, PipedriveService, DynamicsService)
WITH_TOKENS = tuple(service for service in SERVICES if service.oauth)
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 2, 12, tzinfo=UTC)


@pytest.fixture(params=SERVICES, ids=lambda service: service.system)
def account(request: pytest.FixtureRequest) -> Iterator[Any]:
    with served(request.param()) as service:
        yield service


def synced(account: Any, folder: Path, now: datetime = NOON, **how: Any) -> list[float]:
    """Sync once; the waits in seconds."""
    waits: list[float] = []
    environment = how.pop("environment", account.environment)
    sync_system(account.system, folder, environment, account.url, now, waits.append, **how)
    return waits


def exported(folder: Path) -> str:
    """Every file of an export, one after the other."""
    return "".join(path.read_text() for path in sorted(folder.glob("*.csv")))


def test_what_is_read_is_what_the_recipe_reads(
    account: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    export, out = tmp_path / "export", tmp_path / "out"
    arguments = ["sync", account.system, str(export), "--import", str(out), "--url", account.url]
    assert run([*arguments, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["import"]["unread"] == []
    for secret in account.environment.values():
        assert secret not in printed.out + printed.err
    for name, drawn in account.expected.items():
        assert_table(out, name, drawn)
    assert "Ada" not in exported(export)
    assert "Augusta" not in exported(export)
    assert (export / "sync.db").stat().st_mode & 0o077 == 0


def test_a_late_edit_is_read_and_what_is_gone_leaves_the_folder(
    account: Any, tmp_path: Path
) -> None:
    synced(account, tmp_path)
    first = len(account.calls)
    assert account.leads[2] in exported(tmp_path)
    account.edit()
    account.remove()
    synced(account, tmp_path, LATER)
    assert "huge" in exported(tmp_path)
    assert account.leads[2] not in exported(tmp_path)
    assert account.leads[1] in exported(tmp_path)
    assert len(account.calls) - first <= first


def test_a_rate_limit_is_obeyed(account: Any, tmp_path: Path) -> None:
    account.faults = [(account.first, 429, {"retry-after": "11"}), (account.later, 503, {})]
    waits = synced(account, tmp_path)
    assert waits[0] == 11
    assert 0.4 <= waits[1] <= 0.6
    account.faults = [(account.first, 429, {"retry-after": "40000"})]
    with pytest.raises(StorageError, match="busy: its rate limit asks to wait 40000 s"):
        synced(account, tmp_path)


@pytest.mark.parametrize("service", WITH_TOKENS, ids=lambda service: service.system)
def test_an_expired_token_is_got_again(service: Any, tmp_path: Path) -> None:
    with served(service()) as account:
        account.faults = [(account.later, 401, {})]
        synced(account, tmp_path, environment=account.oauth)
        assert account.refreshed == 2
        wrong = {k: "wrong" if "SECRET" in k else v for k, v in account.oauth.items()}
        with pytest.raises(StorageError, match=r"no access token \(40[01]\); check") as refused:
            synced(account, tmp_path, environment=wrong)
        assert "wrong" not in str(refused.value)


def test_a_run_that_ends_in_the_middle_goes_on(
    account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = __import__(f"integrations.connectors.{account.system}", fromlist=["PAGE"])
    synced(account, tmp_path / "whole")
    whole = len(account.calls)
    monkeypatch.setattr(module, "PAGE", 2)
    account.faults = [(account.later, 0, {})] * 6
    with pytest.raises(StorageError, match="could not be reached in 6 attempts"):
        synced(account, tmp_path / "export")
    assert not list((tmp_path / "export").glob("*.csv"))
    account.faults = []
    account.edit()  # while nobody read
    monkeypatch.undo()
    account.calls.clear()
    synced(account, tmp_path / "export", LATER)
    assert "huge" in exported(tmp_path / "export")
    assert len(account.calls) <= 2 * whole
    synced(account, tmp_path / "whole", LATER)
    assert exported(tmp_path / "export") == exported(tmp_path / "whole")


SYNC = """
from datetime import datetime
from pathlib import Path
from integrations.connectors import {system}
from integrations.connectors.systems import sync_system
{system}.PAGE = 1
now = datetime.fromisoformat({now!r})
sync_system({system!r}, Path({folder!r}), {environment!r}, {url!r}, now, print)
"""


@pytest.mark.parametrize("service", [SalesforceService, OdooService], ids=["salesforce", "odoo"])
def test_a_sync_that_is_killed_goes_on(service: Any, tmp_path: Path) -> None:
    """SIGKILL at a request, twice: the second run is further than the first."""
    with served(service()) as account:
        synced(account, tmp_path / "whole")
        export, kept = tmp_path / "export", [0]
        script = SYNC.format(
            system=account.system, folder=str(export), environment=account.environment,
            url=account.url, now=NOON.isoformat(),
        )  # fmt: skip
        for request in (6, 9):
            account.kill_at(request)
            with subprocess.Popen([sys.executable, "-c", script]) as process:
                account.victim.set_result(process)
            assert process.returncode == -signal.SIGKILL
            assert not list(export.glob("*.csv"))
            with Mirror(export, account.system, account.url) as mirror:
                kept.append(sum(1 for kind in account.objects for _ in mirror.records(kind)))
        assert kept == sorted(set(kept))
        account.edit()  # while nobody read
        synced(account, export, LATER)
        synced(account, tmp_path / "whole", LATER)
        assert exported(export) == exported(tmp_path / "whole")


HEADER = "lead_id,as_of,probability,low,high,band,rule_points,rule_band,model_version,reason_1,reason_2,error\n"


def pushed(account: Any, folder: Path, rows: list[str], **how: Any):
    """Push the scores of some rows: lead, moment, probability, band and what follows."""
    (folder / "scores.csv").write_text(HEADER + "".join(rows))
    paths = (folder / "scores.csv", folder / "state.db")
    return push_system(account.system, *paths, account.environment, account.url, [].append, **how)


def score(account: Any, lead: str, band: str = "warm", day: str = "04-01") -> str:
    """One row of scores."""
    reasons = ',,,r1,"Budget is high, and growing",\'-5 % budget,\n'
    return f"{account.prefix}{lead},2026-{day}T12:00:00Z,0.41239,0.3,0.5,{band}{reasons}"


def test_only_what_changed_is_pushed(account: Any, tmp_path: Path) -> None:
    account.add_score_fields()
    one, two, _ = account.leads
    rows = [score(account, key) for key in (one, two, account.missing)]
    report = pushed(account, tmp_path, rows)
    assert (report.sent, report.unchanged) == (2, 0)
    [(refused, reason)] = report.failures
    assert refused == f"{account.prefix}{account.missing}"
    assert account.refusal in reason
    assert account.scores(one) == account.pushed
    # a day later: the first as before but for its moment, the second in another band
    rows = [score(account, one, day="04-02"), score(account, two, "hot", "04-02")]
    report = pushed(account, tmp_path, rows)
    assert (report.sent, report.unchanged, report.failures) == (1, 1, [])
    assert account.scores(one) == account.pushed
    assert "hot" in account.scores(two)
    # what was pushed is not read back as an attribute of the lead
    synced(account, tmp_path / "export", LATER)
    assert "growing" not in exported(tmp_path / "export")


def test_the_fields_must_be_there(account: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=account.no_field):
        pushed(account, tmp_path, [score(account, account.leads[0])])
    with pytest.raises(UsageError, match="expected NAME=FIELD"):
        pushed(account, tmp_path, [score(account, account.leads[0])], fields=["mood=x"])


def test_a_missing_right_names_what_to_do(account: Any, tmp_path: Path) -> None:
    account.deny()
    with pytest.raises(StorageError, match=rf"or leave them out with --without {account.optional}"):
        synced(account, tmp_path)
    synced(account, tmp_path, without=[account.optional])


def test_settings_are_named(account: Any, tmp_path: Path) -> None:
    arguments = (account.system, tmp_path, {}, account.url, NOON, [].append)
    with pytest.raises(UsageError, match=f"set .*{account.system.upper()}_"):
        sync_system(*arguments)


def test_an_org_whose_daily_requests_are_used_up(tmp_path: Path) -> None:
    with served(SalesforceService()) as org:
        org.error = lambda _: [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]
        org.faults = [("queryAll", 403, {})]
        with pytest.raises(StorageError, match="busy: REQUEST_LIMIT_EXCEEDED: TotalRequests; run"):
            synced(org, tmp_path)


def test_odoo_19_is_called_by_json_2(tmp_path: Path) -> None:
    with served(OdooService(version=19)) as account:
        account.environment = {k: v for k, v in account.environment.items() if k != "ODOO_LOGIN"}
        synced(account, tmp_path / "export")
        assert "high" in exported(tmp_path / "export")
        assert ("POST", "/json/2/crm.lead/search_read", 200) in account.calls
        account.add_score_fields()
        report = pushed(account, tmp_path, [score(account, key) for key in ("11", "99", "x")])
        assert (report.sent, account.scores("11")) == (1, account.pushed)
        assert [key for key, _ in report.failures] == ["99", "x"]


def test_a_wrong_key_of_odoo(tmp_path: Path) -> None:
    with served(OdooService()) as account:
        account.tokens = {"other"}
        with pytest.raises(StorageError, match=r"refused the token \(401\)"):
            synced(account, tmp_path)
        account.tokens = {"other", "good-key"}
        wrong = account.environment | {"ODOO_API_KEY": "other"}
        with pytest.raises(StorageError, match="refused the login; check ODOO_LOGIN"):
            synced(account, tmp_path, environment=wrong)
        without_login = account.environment | {"ODOO_LOGIN": ""}
        with pytest.raises(UsageError, match="set ODOO_LOGIN too"):
            synced(account, tmp_path, environment=without_login)


def test_scores_into_the_table_of_dynamics_own(tmp_path: Path) -> None:
    with served(DynamicsService()) as account:
        one, missing = account.leads[0], account.missing
        into = {"into": "msdyn_predictivescores"}
        report = pushed(account, tmp_path, [score(account, key) for key in (one, missing)], **into)
        assert report.sent == 1
        assert account.refusal in report.failures[0][1]
        assert account.predictive == {
            one: {"msdyn_score": 41, "msdyn_scoretrend": 3, "msdyn_grade": 1}
        }
        report = pushed(account, tmp_path, [score(account, one, "hot")], **into)
        assert report.sent == 1
        assert account.predictive[one]["msdyn_grade"] == 0
        account.predictive = None
        with pytest.raises(UsageError, match="no table msdyn_predictivescores"):
            pushed(account, tmp_path, [score(account, one)], **into)
        with pytest.raises(UsageError, match="has no table 'scores' for scores"):
            pushed(account, tmp_path, [score(account, one)], into="scores")


def test_a_cursor_that_is_no_longer_known_begins_again(tmp_path: Path) -> None:
    with served(DynamicsService()) as account:
        with Mirror(tmp_path, "dynamics", account.url) as mirror:
            mirror.begin("lead", NOON)
            mirror.keep("lead", {}, "/api/data/v9.2/leads?$skiptoken=gone")
        account.faults = [("/api/data/v9.2/leads", 400, {})]
        synced(account, tmp_path)
        assert all(key in exported(tmp_path) for key in account.leads)
