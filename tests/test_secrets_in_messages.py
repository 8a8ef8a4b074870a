"""No message shows a secret, a URL's password, or a whole file."""

from datetime import datetime
from pathlib import Path

import pytest

from tsflow.errors import SettingsError, StorageUnavailable
from tsflow.settings import load_settings
from tsflow.stations.sources.archive import ArchiveSource
from tsflow.stations.station import Station
from tsflow.storage.objects import ObjectStore

SECRET = "hunter2-supersecret"


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_a_secret_without_its_access_key_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TSFLOW_OBJECT_STORE__SECRET_ACCESS_KEY", SECRET)
    assert "set both or neither" in refusal()
    assert SECRET not in refusal()


@pytest.mark.parametrize("given", ["123456789", "[hunter2-supersecret]", "{a: hunter2-supersecret}", "true"])
def test_a_secret_of_a_wrong_type_is_not_shown(home: Path, given: str):
    (home / "include" / "tsflow.yaml").write_text(f"object_store: {{access_key_id: a, secret_access_key: {given}}}\n")
    said = refusal()
    assert "object_store.secret_access_key: Input should be a valid string" in said
    assert given not in said
    assert SECRET not in said


def test_a_long_or_nested_value_is_cut(home: Path):
    (home / "include" / "tsflow.yaml").write_text(f"station: [{'x' * 5000}]\nhourly: {{method: {'y' * 5000}}}\n")
    said = refusal()
    assert len(said) < 500
    assert "hourly.method: Input should be 'subsample' or 'mean' (found 'yyy" in said


def test_a_file_of_aliases_is_refused_in_a_few_characters(home: Path):
    levels = "\n".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 7)
    )  # half a million, if they were written out
    (home / "include" / "tsflow.yaml").write_text(f"a0: &a0 [x]\n{levels}\n")
    assert len(refusal()) < 2000


def test_a_missing_key_does_not_repeat_its_block(home: Path):
    (home / "include" / "tsflow.yaml").write_text("object_store: {bucket: ab}\n")
    assert "object_store.bucket" in refusal()
    assert "{'bucket'" not in refusal()


def test_the_password_of_a_sources_url_is_not_shown(jena: Station):
    source = ArchiveSource(kind="archive", urls=[f"http://user:{SECRET}@127.0.0.1:9/mpi.zip"])
    with pytest.raises(Exception, match="no address of the source answered") as caught:
        source.fetch(jena, start=None, end=datetime(2020, 1, 1))
    assert SECRET not in str(caught.value)
    assert "http://***@127.0.0.1:9/mpi.zip" in str(caught.value)


def test_the_password_of_the_stores_address_is_not_shown():
    store = ObjectStore(
        bucket="tsflow", endpoint_url=f"http://user:{SECRET}@127.0.0.1:9", access_key_id="a", secret_access_key="b", attempts=1
    )
    with pytest.raises(StorageUnavailable) as caught:
        store.get("a")
    assert SECRET not in str(caught.value)
