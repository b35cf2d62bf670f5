"""Settings: each wrong value is one sentence with its name, its value and what is allowed."""

from datetime import timedelta
from pathlib import Path

import pytest

from tocsin.settings import TABLE, SettingsError, load, unknown_names

WRONG = {
    "TOCSIN_ADDR": ("here", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x"),
    "TOCSIN_DATA_DIR": (),  # any text is a folder
    "TOCSIN_DATABASE_URL": ("mysql://a/b", "postgresql://host", "tocsin.db"),
    "TOCSIN_BASE_URL": ("tocsin.example.org", "ftp://x", "https://", "https://x/path", "https://x?q"),
    "TOCSIN_ALLOWED_HOSTS": (),
    "TOCSIN_TRUSTED_PROXIES": ("proxy", "10.0.0.0/99"),
    "TOCSIN_CORS_ORIGINS": ("example.org", "https://example.org/path", "ftp://x"),
    "TOCSIN_MAX_BODY_BYTES": ("1MB", "0", "-1", "1.5", "99999999999999"),
    "TOCSIN_RUNTIME": ("podman", "kubernetes"),
    "TOCSIN_DOCKER_HOST": (
        "ssh://host",
        "unix://",
        "/var/run/docker.sock",
        "na me=unix:///x",
        "unix:///a,unix:///b",
        "a=unix:///a,a=unix:///b",
        "a=tcp://[::1",
    ),
    "TOCSIN_DOCKER_CERT_PATH": ("/no/such/folder",),
    "TOCSIN_HOST_UNREACHABLE_AFTER": ("soon", "0s", "2d"),
    "TOCSIN_RECONCILE_INTERVAL": ("often", "0s", "30d", "5"),
    "TOCSIN_RESTART_WINDOW": ("1s", "8d", "ten minutes"),
    "TOCSIN_FLAP_COUNT": ("often", "-1", "1001"),
    "TOCSIN_ARCHIVE_AFTER": ("-1s", "2d"),
    "TOCSIN_AUTH": ("off", "oidc"),
    "TOCSIN_PROXY_USER_HEADER": ("Remote User", "x:y"),
    "TOCSIN_ALLOW_INSECURE": ("maybe", "2"),
    "TOCSIN_ADMIN_USER": (),
    "TOCSIN_ADMIN_PASSWORD": ("short",),
    "TOCSIN_API_TOKEN": ("short",),
    "TOCSIN_METRICS_PUBLIC": ("perhaps",),
    "TOCSIN_SSE_MAX_CLIENTS": ("0", "many"),
    "TOCSIN_SSE_MAX_PER_ADDRESS": ("0", "many"),
    "TOCSIN_LOG_REDACT": ("(", "[a"),
    "TOCSIN_EGRESS_ALLOW": ("a host", "10.0.0.0/8,http://x"),
    "TOCSIN_EGRESS_DENY": ("a host",),
    "TOCSIN_CONNECTIVITY_CHECK": ("1.1.1.1", "1.1.1.1:99999"),
    "TOCSIN_CA_FILE": ("/no/such/file", "/etc/hostname", "/tmp"),
    "TOCSIN_SECRET_KEY": ("short",),
    "TOCSIN_PING_BODY_BYTES": ("10kB", "-1", "1048577"),
    "TOCSIN_SMTP_HOST": (),
    "TOCSIN_SMTP_PORT": ("0", "65536", "smtp"),
    "TOCSIN_SMTP_USERNAME": (),
    "TOCSIN_SMTP_PASSWORD": (),
    "TOCSIN_SMTP_FROM": (),
    "TOCSIN_SMTP_TLS": ("maybe",),
    "TOCSIN_RETENTION_DELIVERIES": ("5m",),
    "TOCSIN_RETENTION_EVENTS": ("5m", "forever", "9999d"),
    "TOCSIN_RETENTION_TRANSITIONS": ("5m",),
    "TOCSIN_RETENTION_ARCHIVED": ("5m",),
    "TOCSIN_RETENTION_ALERTS": ("5m",),
    "TOCSIN_RETENTION_CHECKS": ("5m",),
    "TOCSIN_RETENTION_ENDPOINT_HOURS": ("5m",),
    "TOCSIN_RETENTION_ENDPOINT_DAYS": ("5m",),
    "TOCSIN_RETENTION_CERTIFICATE_CHECKS": ("5m",),
    "TOCSIN_RETENTION_PINGS": ("5m",),
    "TOCSIN_RETENTION_EXECUTIONS": ("5m",),
    "TOCSIN_RETENTION_AUDIT": ("5m",),
    "TOCSIN_ORGANISATION_NAME": (),
    "TOCSIN_LOG_LEVEL": ("loud", "trace"),
    "TOCSIN_LOG_FORMAT": ("xml",),
}
SECRETS = {setting.name for setting in TABLE if setting.secret}


def test_every_setting_has_its_wrong_values_here():
    assert WRONG.keys() == {setting.name for setting in TABLE}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_sentence(name: str, value: str):
    with pytest.raises(SettingsError) as caught:
        load({name: value})
    sentence = str(caught.value)
    assert name in sentence
    assert "allowed:" in sentence
    assert "\n" not in sentence
    assert (value in sentence) is (name not in SECRETS)


def test_nothing_set_is_all_defaults():
    settings = load({})
    assert settings.addr == ("127.0.0.1", 8080)
    assert settings.data_dir == Path("data")
    assert (settings.auth, settings.runtime, settings.docker_host) == ("password", "auto", (("local", ""),))
    assert settings.restart_window == timedelta(minutes=10)
    assert settings.public_url == "http://127.0.0.1:8080"


def test_every_default_can_be_said_aloud():
    spoken = {setting.name: setting.default for setting in TABLE}
    assert load(spoken) == load({})


def test_names_and_addresses_of_engines():
    def engines(**environment: str) -> list[tuple[str, str]]:
        return [tuple(engine) for engine in load(environment).docker_host]

    assert engines(TOCSIN_DOCKER_HOST="nas=tcp://10.0.0.7:2375") == [("nas", "tcp://10.0.0.7:2375")]
    assert engines(DOCKER_HOST="unix:///run/x.sock") == [("local", "unix:///run/x.sock")]
    assert engines(DOCKER_HOST="unix:///a", TOCSIN_DOCKER_HOST="unix:///b") == [("local", "unix:///b")]
    several = engines(TOCSIN_DOCKER_HOST="here=unix:///a, far-1=tcp://[fd00::1]:2375,")
    assert several == [("here", "unix:///a"), ("far-1", "tcp://[fd00::1]:2375")]
    with pytest.raises(SettingsError, match=r"^DOCKER_HOST='ssh://x'"):
        load({"DOCKER_HOST": "ssh://x"})


def test_engines_over_tls_have_certificates(tmp_path: Path):
    docker = {"DOCKER_HOST": "tcp://nas:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    settings = load(docker)
    assert [tuple(engine) for engine in settings.docker_host] == [("local", "tcp+tls://nas:2376")]
    assert settings.docker_cert_path == tmp_path
    assert load({"TOCSIN_DOCKER_HOST": "https://nas:2376", "TOCSIN_DOCKER_CERT_PATH": str(tmp_path)}).docker_host[
        0
    ] == (
        "local",
        "tcp+tls://nas:2376",
    )
    with pytest.raises(SettingsError, match="set TOCSIN_DOCKER_CERT_PATH"):
        load({"TOCSIN_DOCKER_HOST": "nas=tcp+tls://nas:2376"})


def test_secrets_come_from_files_too_and_are_never_shown(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("a-very-secret-token\n")
    settings = load({"TOCSIN_API_TOKEN_FILE": str(file)})
    assert settings.api_token is not None
    assert settings.api_token.reveal() == "a-very-secret-token"
    assert "a-very-secret-token" not in repr(settings)
    with pytest.raises(SettingsError, match=r"TOCSIN_API_TOKEN_FILE.*cannot be read"):
        load({"TOCSIN_API_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(SettingsError, match="both set"):
        load({"TOCSIN_API_TOKEN_FILE": str(file), "TOCSIN_API_TOKEN": "another-long-token"})


@pytest.mark.parametrize(
    "environment",
    [
        {"TOCSIN_AUTH": "none", "TOCSIN_ADDR": "0.0.0.0:8080"},
        {"TOCSIN_AUTH": "none", "TOCSIN_ADDR": ":8080"},
        {"TOCSIN_ADMIN_USER": "ada"},
        {"TOCSIN_ADMIN_PASSWORD": "long enough password"},
        {"TOCSIN_AUTH": "none", "TOCSIN_CORS_ORIGINS": "*"},
    ],
)
def test_settings_that_do_not_go_together(environment: dict[str, str]):
    with pytest.raises(SettingsError):
        load(environment)


def test_loopback_needs_no_force():
    for address in ("127.0.0.1:1", "localhost:1", "[::1]:1"):
        assert load({"TOCSIN_AUTH": "none", "TOCSIN_ADDR": address}).on_loopback
    load({"TOCSIN_AUTH": "none", "TOCSIN_ADDR": "0.0.0.0:1", "TOCSIN_ALLOW_INSECURE": "true"})


def test_typing_errors_are_noticed():
    assert unknown_names({"TOCSIN_ADR": "x", "TOCSIN_ADDR": "y", "HOME": "/", "TOCSIN_API_TOKEN_FILE": "z"}) == [
        "TOCSIN_ADR"
    ]
