"""This repository passes its own scan: no key stands in it, not even a made-up one."""

from secretguard.config import Config
from secretguard.scan.run import ScanRequest, scan
from tests.house.sample import Nobody
from tests.house.source import ROOT


def test_our_own_files_hold_no_credential() -> None:
    report = scan(ScanRequest(Config(), str(ROOT)), Nobody())
    assert report.stats.objects > 500
    places = {
        f"{one.location.path}:{one.match.line} {credential.rule.id}"
        for credential in report.credentials
        for one in credential.occurrences
        if not one.location.path.startswith(".git/")
    }
    assert sorted(places) == []
