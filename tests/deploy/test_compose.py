"""docker-compose.yaml: of the right form, and with no variable that nobody reads."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from conftest import REPOSITORY
from tsflow.settings import Settings

COMPOSE = REPOSITORY / "docker-compose.yaml"
# $VAR, ${VAR}, ${VAR:-default}, ${VAR:?what to do}; $$ is a plain $
INTERPOLATION = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{(?P<braced>\w+)(?P<rest>[^}]*)\}|(?P<bare>[A-Za-z_]\w*))")

READ_BY_OTHERS = {
    "HOME": "every program; the image's own is on a read-only file system",
    "GX_ANALYTICS_ENABLED": "Great Expectations",
    "DUMB_INIT_SETSID": "dumb-init, the image's entrypoint",
    "AIRFLOW_ADMIN_PASSWORD": "deploy/initialise.py",
    "AIRFLOW_VIEWER_PASSWORD": "deploy/initialise.py",
    "POSTGRES_USER": "the image postgres",
    "POSTGRES_DB": "the image postgres",
    "POSTGRES_PASSWORD": "the image postgres",
    "REDISCLI_AUTH": "redis-cli, and the shell that starts the server",
    "READER_ACCESS_KEY_ID": "deploy/serve_objects.py: who may only read",
    "READER_SECRET_ACCESS_KEY": "deploy/serve_objects.py",
    "STORE_ADMIN_ACCESS_KEY_ID": "deploy/serve_objects.py and deploy/initialise.py: who makes the bucket",
    "STORE_ADMIN_SECRET_ACCESS_KEY": "deploy/serve_objects.py and deploy/initialise.py",
}
# Variables of `.env` that are put into a value here, and are no environment variable themselves.
ONLY_FILLED_IN = {"REDIS_PASSWORD": "into Airflow's URLs and REDISCLI_AUTH", "SERVE_PORT": "the port of the service on the host"}
FROM_THE_IMAGE = {"TSFLOW_HOME", "TSFLOW_STATE", "TSFLOW_CACHE"}  # places, read before any setting


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return compose["services"]


def variables_of_settings(model: type[BaseModel], prefix: str = "TSFLOW_") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name.upper()}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from variables_of_settings(field.annotation, f"{prefix}{name.upper()}__")


def variables_of_airflow() -> set[str]:
    from airflow.configuration import conf

    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}"
        for section, described in conf.configuration_description.items()
        for option in described["options"]
    }


@pytest.fixture(scope="module")
def readable() -> set[str]:
    return {*variables_of_settings(Settings), *FROM_THE_IMAGE, *variables_of_airflow(), *READ_BY_OTHERS}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def interpolations(compose: dict[str, Any]) -> dict[str, set[str]]:
    """For each variable that compose fills in, what stands behind its name."""
    found: dict[str, set[str]] = {}
    for text in texts(compose):
        for match in INTERPOLATION.finditer(text):
            found.setdefault(match["braced"] or match["bare"], set()).add(match["rest"] or "")
    return found


def test_it_fits_the_schema_of_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    problems = [
        f"{problem.json_path}: {problem.message}" for problem in jsonschema.Draft202012Validator(schema).iter_errors(compose)
    ]
    assert problems == []


def test_the_schema_would_notice_an_unknown_key(compose: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    wrong = {**compose, "services": {"redis": {**compose["services"]["redis"], "helthcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        jsonschema.Draft202012Validator(schema).validate(wrong)


def test_something_reads_every_environment_variable(services: dict[str, dict[str, Any]], readable: set[str]) -> None:
    unread = {
        f"{service}: {name}"
        for service, described in services.items()
        for name in described.get("environment", {})
        if name not in readable
    }
    assert unread == set()


def test_something_reads_every_variable_that_is_filled_in(compose: dict[str, Any], readable: set[str]) -> None:
    assert set(interpolations(compose)) - readable - set(ONLY_FILLED_IN) == set()


def test_no_entry_of_the_allow_lists_is_stale(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    used = {name for described in services.values() for name in described.get("environment", {})}
    assert set(READ_BY_OTHERS) - used == set()
    assert set(ONLY_FILLED_IN) - set(interpolations(compose)) == set()


def test_every_variable_is_in_the_generated_env_or_has_a_default(compose: dict[str, Any], make_env: Any) -> None:
    generated = set(make_env.VALUES)
    for name, forms in interpolations(compose).items():
        if name in generated:
            assert all(rest == ":?run make env" for rest in forms), (
                f"{name}: a secret has no default, and a missing one says what to do"
            )
        else:
            assert all(rest.startswith(":-") and len(rest) > 2 for rest in forms), f"{name}: neither in .env nor with a default"
    unused = generated - set(interpolations(compose)) - {"COMPOSE_PROFILES"}  # docker compose itself reads that one
    assert unused == set()


def test_no_secret_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    for service, described in services.items():
        for name, value in described.get("environment", {}).items():
            if re.search(r"PASSWORD$|SECRET|_KEY$|FERNET|ACCESS_KEY|AUTH$", name):
                assert "${" in str(value), f"{service}: {name}"
            for credentials in re.findall(r"://(.*)@", str(value)):
                assert re.fullmatch(r"\w*:\$\{\w+:\?run make env\}", credentials), f"{service}: {name}"


def test_workers_hold_no_key_to_the_database(services: dict[str, dict[str, Any]]) -> None:
    for worker in ("worker-default", "worker-training"):
        environment = services[worker]["environment"]
        assert not [name for name in environment if "SQL_ALCHEMY" in name or "FERNET" in name or "JWT" in name]
        assert not [name for name, value in environment.items() if "POSTGRES" in str(value)]


def test_one_worker_service_for_each_queue_and_each_can_be_scaled(services: dict[str, dict[str, Any]]) -> None:
    for queue in ("default", "training"):
        worker = services[f"worker-{queue}"]
        assert worker["command"][-2:] == ["--queues", queue]
        assert not {"container_name", "hostname", "ports"} & set(worker)


def test_every_image_has_a_full_version() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    images = re.findall(r"^ARG AIRFLOW_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    images += [service["image"] for service in yaml.safe_load(COMPOSE.read_text())["services"].values()]
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${AIRFLOW_IMAGE}"}
    for image in images:
        assert re.search(r":[a-z-]*\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$", image), image
    foreign = [image for image in images if not image.startswith(("tsflow:", "apache/airflow:"))]
    assert [image for image in foreign if "@sha256:" not in image] == []


def test_the_image_and_the_lock_have_the_same_airflow_and_this_package_its_version(services: dict[str, dict[str, Any]]) -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    airflow = re.search(r"^apache-airflow==(\S+)", lock, re.MULTILINE)
    project = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert airflow
    assert project
    assert f"apache/airflow:slim-{airflow[1]}-python3.12" in (REPOSITORY / "Dockerfile").read_text()
    assert services["api-server"]["image"] == f"tsflow:{project[1]}"
    assert re.search(r"^celery==5\.6\.", lock, re.MULTILINE)


def test_only_the_ui_s3_and_the_forecasts_are_published_and_only_on_loopback(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "api-server": ["127.0.0.1:${TSFLOW_STACK__UI_PORT:-8080}:8080"],
        "object-store": ["127.0.0.1:${TSFLOW_STACK__OBJECT_STORE_PORT:-8333}:8333"],
        "serve": ["127.0.0.1:${SERVE_PORT:-8000}:8000"],
    }
    assert not [name for name, service in services.items() if "network_mode" in service or "privileged" in service]


def test_database_broker_and_object_store_have_no_way_out(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert services[name]["networks"] == ["inside"]
    # An internal network publishes no port; one without masquerading does, and still leads nowhere.
    assert services["object-store"]["networks"] == ["inside", "published"]
    assert compose["networks"]["published"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert [name for name, service in services.items() if "published" in service["networks"]] == ["object-store", "serve"]


def test_the_store_s_administrator_is_known_to_the_store_and_to_init_only(services: dict[str, dict[str, Any]]) -> None:
    for whose, where in {"STORE_ADMIN_": {"object-store", "init"}, "READER_": {"object-store"}}.items():
        knowing = {
            service for service, described in services.items() for name in described["environment"] if name.startswith(whose)
        }
        assert knowing == where


def test_nothing_runs_as_root_or_can_become_it(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["user"].split(":")[0] in {"50000", "999"}, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name
    users = re.findall(r"^USER (\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert users[-1] == "airflow"


def test_every_service_is_checked_restarted_and_waits_for_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name == "init":
            assert service["restart"] == "on-failure:3"
            continue
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert service["restart"] == "unless-stopped", name
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker-default", "worker-training"):
        assert services[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}, name
    assert services["init"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_volumes_and_networks_are_all_declared_and_used(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert mounted == set(compose["volumes"])
    assert {network for service in services.values() for network in service["networks"]} == set(compose["networks"])


def test_nothing_phones_home(services: dict[str, dict[str, Any]]) -> None:
    assert not [name for name in variables_of_airflow() if "USAGE_DATA" in name], "Airflow collects usage data again: turn it off"
    assert "-master.telemetry=false" in services["object-store"]["command"]
    for name in ("api-server", "scheduler", "dag-processor", "triggerer", "worker-default", "worker-training", "init"):
        assert services[name]["environment"]["GX_ANALYTICS_ENABLED"] == "False"


def test_a_task_is_not_handed_out_twice_while_it_runs(services: dict[str, dict[str, Any]]) -> None:
    longest = max(
        int(hours)
        for path in (REPOSITORY / "dags").glob("*.py")
        for hours in re.findall(r"execution_timeout\D*hours=(\d+)", path.read_text())
    )
    timeout = services["scheduler"]["environment"]["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]
    assert int(timeout) > longest * 3600


def test_secrets_and_state_are_not_sent_to_the_image_builder() -> None:
    rules = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert next(rule for rule in rules if rule and not rule.startswith("#")) == "*", "everything is left out but what is named"
    sent = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert sent == {word for word in copied if not word.startswith("--")}


def test_the_service_holds_keys_that_only_read(services: dict[str, dict[str, Any]]) -> None:
    keys = {name: value for name, value in services["serve"]["environment"].items() if name.endswith(("KEY_ID", "ACCESS_KEY"))}
    assert {value.removeprefix("${").partition(":")[0] for value in keys.values()} == {
        "READER_ACCESS_KEY_ID",
        "READER_SECRET_ACCESS_KEY",
    }
