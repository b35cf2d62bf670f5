"""Settings that try to slip through, and secrets that try to get out."""

from pathlib import Path

import pytest

from tocsin.settings import SettingsError, load


@pytest.mark.parametrize("name", ["TOCSIN_ADMIN_PASSWORD", "TOCSIN_API_TOKEN", "TOCSIN_DATABASE_URL"])
@pytest.mark.parametrize("through", ["", "_FILE"])
def test_a_wrong_secret_is_not_shown(name: str, through: str, tmp_path: Path):
    (tmp_path / "secret").write_text("hunter2\n")
    value = str(tmp_path / "secret") if through else "hunter2"
    with pytest.raises(SettingsError) as caught:
        load({name + through: value})
    assert "hunter2" not in str(caught.value)
    assert name + through in str(caught.value)


def test_good_secrets_are_not_shown_either():
    settings = load({"TOCSIN_ADMIN_USER": "ada", "TOCSIN_ADMIN_PASSWORD": "correct horse battery"})
    assert "horse" not in repr(settings)


def test_the_password_of_the_database_is_not_shown():
    assert "hunter2" not in repr(load({"TOCSIN_DATABASE_URL": "postgresql://ada:hunter2@db/tocsin"}))


def test_a_password_that_is_no_url_is_not_shown():
    with pytest.raises(SettingsError) as caught:
        load({"TOCSIN_DATABASE_URL": "postgresql://ada:hunter2\uff0fx@db/tocsin"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("file", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_one_sentence(file: bytes | None, tmp_path: Path):
    path = tmp_path / "secret"
    if file is not None:
        path.write_bytes(file)
    with pytest.raises(SettingsError, match=r"^TOCSIN_API_TOKEN_FILE=.* cannot be read: "):
        load({"TOCSIN_API_TOKEN_FILE": str(path)})


@pytest.mark.parametrize("name", ["TOCSIN_BASE_URL", "TOCSIN_CORS_ORIGINS"])
def test_a_broken_address_in_brackets_says_what_is_allowed(name: str):
    with pytest.raises(SettingsError, match="allowed:"):
        load({name: "https://[::1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("TOCSIN_SSE_MAX_CLIENTS", "0" * 19 + "1" + "9" * 9), ("TOCSIN_ADDR", "127.0.0.1:000080" + "9" * 9)],
)
def test_leading_zeros_do_not_lift_a_limit(name: str, value: str):
    with pytest.raises(SettingsError):
        load({name: value})


@pytest.mark.parametrize(
    ("given", "addr"),
    [(":8080", ("0.0.0.0", 8080)), ("[::1]:80", ("::1", 80)), ("x:0", ("x", 0)), ("x:65535", ("x", 65535))],
)
def test_forms_of_addresses(given: str, addr: tuple[str, int]):
    assert load({"TOCSIN_ADDR": given}).addr == addr


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"TOCSIN_ADDR": "0.0.0.0:80"}, "http://localhost:80"),
        ({"TOCSIN_ADDR": "[2001:db8::1]:80"}, "http://[2001:db8::1]:80"),
        ({"TOCSIN_BASE_URL": "https://tocsin.example.org/"}, "https://tocsin.example.org"),
    ],
)
def test_how_people_reach_it(environment: dict[str, str], url: str):
    assert load(environment).public_url == url


def test_both_names_of_postgres_mean_the_same():
    assert load({"TOCSIN_DATABASE_URL": "postgres://a@b/c"}).database_url == "postgresql://a@b/c"


def test_blank_is_not_given():
    assert load({"TOCSIN_LOG_LEVEL": "  ", "TOCSIN_API_TOKEN_FILE": ""}) == load({})
