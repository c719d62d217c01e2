"""Flags > environment > config.toml > defaults, and a clear message for each setting that cannot be used."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import Settings, SettingsError
from tbatch_tui.engine.options import Budget


def resolve(tmp_path: Path, config: str = "", environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text(config)
    defaults: dict[str, Any] = {
        "file": None,
        "demo": False,
        "output_dir": None,
        "data_dir": None,
        "poll_interval": None,
        "base_url": None,
        "mouse": True,
    }
    return resolve_settings(**(defaults | flags), environment=environment or {}, config_file=file)


def test_defaults(tmp_path: Path) -> None:
    settings = resolve(tmp_path)
    assert (settings.poll_interval, settings.output_dir, settings.base_url, settings.api_key) == (
        30,
        Path("batch-results"),
        None,
        None,
    )


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    config = 'base_url = "https://file.example"\noutput_dir = "from-file"\npoll_interval = 60\n'
    environment = {"TOGETHER_BASE_URL": "https://env.example/v1"}
    assert resolve(tmp_path, config).base_url == "https://file.example"
    assert resolve(tmp_path, config, environment).base_url == "https://env.example"
    settings = resolve(tmp_path, config, environment, base_url="https://flag.example/v1/", output_dir="from-flag")
    assert (settings.base_url, settings.output_dir, settings.poll_interval) == (
        "https://flag.example",
        Path("from-flag"),
        60,
    )


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 5, 9.9, 1e9])
def test_a_poll_interval_out_of_bounds_is_refused(seconds: float, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--poll-interval"):
        resolve(tmp_path, poll_interval=seconds)


def test_a_short_poll_interval_is_for_a_local_server_only(tmp_path: Path) -> None:
    assert resolve(tmp_path, poll_interval=0.5, base_url="http://127.0.0.1:8700").poll_interval == 0.5
    assert resolve(tmp_path, poll_interval=0.5, demo=True).poll_interval == 0.5
    with pytest.raises(SettingsError):
        resolve(tmp_path, poll_interval=0.5, base_url="https://127.0.0.1.example.com")


@pytest.mark.parametrize(
    "url",
    [
        "api.together.ai",
        "ftp://x",
        "http://",
        "//x",
        "http://[::1",
        "http://h:99999",
        "http://me:pw@h",
        "http://h/?x=1",
    ],
)
def test_a_base_url_that_is_no_web_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="base URL"):
        resolve(tmp_path, base_url=url)


def test_an_error_about_an_interval_names_its_source(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"config\.toml: poll_interval 2: under 10 seconds"):
        resolve(tmp_path, config="poll_interval = 2\n", base_url="https://api.example")


@pytest.mark.parametrize(
    "config", ["= nonsense", "poll_interval = 'soon'", "output_dir = 3", "keys = 4", 'mouse = "no"']
)
def test_a_config_that_cannot_be_used_names_the_file(config: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="config.toml"):
        resolve(tmp_path, config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("poll_intervall = 60", "unknown setting 'poll_intervall'; did you mean 'poll_interval'"),
        ("[notifi]\nbell = true", "did you mean 'notify'"),
        ("wallpaper = 1", "there are output_dir, .*discounts"),
        ('api_key = "abcdefgh12345678"', "the key is never kept in a file"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(config: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"config.toml.*{message}") as error:
        resolve(tmp_path, config)
    assert "abcdefgh" not in str(error.value)


def test_a_flag_does_not_hide_a_mistake_in_the_config(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mouse is 1"):
        resolve(tmp_path, "mouse = 1", mouse=False)


def test_the_key_is_from_the_environment_else_from_tg_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = tmp_path / "credentials.json"
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(login))
    assert resolve(tmp_path).api_key is None
    entries: list[dict[str, Any]] = [
        {"name": "default", "access_token": "login-token", "expires_at": int(time.time()) + 3600},
        {"name": "proj", "project_id": "proj", "access_token": "project-token"},
    ]
    login.write_text(json.dumps({"version": 1, "current": "proj", "credentials": entries}))
    assert resolve(tmp_path).api_key == "project-token"
    login.write_text(json.dumps({"version": 1, "current": "default", "credentials": entries}))
    assert resolve(tmp_path).api_key == "login-token"
    assert resolve(tmp_path, environment={"TOGETHER_API_KEY": "from-env"}).api_key == "from-env"
    entries[0]["expires_at"] = 1
    login.write_text(json.dumps({"version": 1, "current": "default", "credentials": entries}))
    settings = resolve(tmp_path)
    assert settings.api_key is None
    assert "tg login" in settings.key_error


def test_a_login_is_used_only_for_its_own_server_and_also_when_it_can_be_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "credentials.json"
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(login))
    entry = {"name": "default", "access_token": "login-token", "refresh_token": "again", "expires_at": 1}
    for issuer, url in (("https://api.together.ai/", None), ("https://staging.together.ai", "staging.together.ai")):
        login.write_text(json.dumps({"current": "default", "credentials": [entry | {"issuer": issuer}]}))
        settings = resolve(tmp_path)
        assert (settings.api_key, settings.login) == ("login-token", True)  # stale, but the engine renews it
        assert (settings.base_url or "").removeprefix("https://") == (url or "")
    elsewhere = resolve(tmp_path, environment={"TOGETHER_BASE_URL": "https://proxy.example"})
    assert elsewhere.api_key is None
    assert "staging.together.ai" in elsewhere.key_error
    login.write_text(json.dumps({"current": "default", "credentials": [entry | {"expires_at": int(time.time()) + 60}]}))
    nobodys = resolve(tmp_path, environment={"TOGETHER_BASE_URL": "https://proxy.example"})
    assert nobodys.api_key is None
    assert "does not say which server" in nobodys.key_error
    for spelling in (None, "https://api.together.ai/v1/"):
        environment = {} if spelling is None else {"TOGETHER_BASE_URL": spelling}
        assert resolve(tmp_path, environment=environment).api_key == "login-token"
    own = resolve(tmp_path, environment={"TOGETHER_BASE_URL": "https://proxy.example", "TOGETHER_API_KEY": "mine"})
    assert (own.api_key, own.login, own.base_url) == ("mine", False, "https://proxy.example")


def test_a_login_that_names_no_server_is_sent_to_together_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = tmp_path / "credentials.json"
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(login))
    login.write_text(json.dumps({"access_token": "login-token"}))
    for url in ("https://proxy.example", "http://127.0.0.1:8000"):
        elsewhere = resolve(tmp_path, environment={"TOGETHER_BASE_URL": url})
        assert elsewhere.api_key is None and "does not say which server it is for" in elsewhere.key_error
    for url in ("https://api.together.ai", "https://api.together.xyz/v1"):
        assert resolve(tmp_path, environment={"TOGETHER_BASE_URL": url}).api_key == "login-token"
    assert resolve(tmp_path).api_key == "login-token"


def test_the_key_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "secret" not in repr(resolve(tmp_path, environment={"TOGETHER_API_KEY": "secret-key"}))


def test_the_budget(tmp_path: Path) -> None:
    assert resolve(tmp_path, "").budget == Budget()
    assert resolve(tmp_path, "[budget]\njob = 10\nmonth = 50.5\n").budget == Budget(10.0, 50.5)
    assert resolve(tmp_path, "[budget]\nmonth = 0\n").budget.is_set
    for text in (
        "budget = 5",
        "[budget]\nday = 5",
        "[budget]\njob = -1",
        "[budget]\nmonth = inf",
        "[budget]\njob = '1'",
    ):
        with pytest.raises(SettingsError, match=r"\[budget\]"):
            resolve(tmp_path, text)


def test_the_share_that_needs_attention(tmp_path: Path) -> None:
    assert resolve(tmp_path, "").attention_share == 5.0
    assert resolve(tmp_path, "[attention]\nshare = 12.5\n").attention_share == 12.5
    for text in ("attention = 5", "[attention]\nshares = 5", "[attention]\nshare = 101", "[attention]\nshare = 'all'"):
        with pytest.raises(SettingsError, match=r"\[attention\]"):
            resolve(tmp_path, text)


def test_what_of_a_group_is_out_together(tmp_path: Path) -> None:
    usual = resolve(tmp_path, "")
    assert (usual.parts_at_once, usual.enqueued_tokens, usual.keep_parts) == (0, 30_000_000_000, False)
    own = resolve(tmp_path, "[groups]\nat_once = 4\nenqueued_tokens = 60e9\nkeep_parts = true\n")
    assert (own.parts_at_once, own.enqueued_tokens, own.keep_parts) == (4, 60_000_000_000, True)
    for text in (
        "groups = 4",
        "[groups]\nonce = 4",
        "[groups]\nat_once = -1",
        "[groups]\nat_once = true",
        "[groups]\nkeep_parts = 1",
        "[groups]\nenqueued_tokens = 0",
        "[groups]\nenqueued_tokens = inf",
        "[groups]\nenqueued_tokens = '30e9'",
    ):
        with pytest.raises(SettingsError, match=r"\[groups\]"):
            resolve(tmp_path, text)


def test_own_prices_and_discounts(tmp_path: Path) -> None:
    settings = resolve(tmp_path, '[prices]\n"a/b" = { input = 1, minute = 0.0015 }\n[discounts]\n"a/b" = 50\n')
    assert settings.prices == {"a/b": {"input": 1.0, "minute": 0.0015}}
    assert settings.discounts == {"a/b": 50.0}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("prices = 4", r"\[prices\] entries"),
        ('[prices]\n"a/b" = 0.88', r"\[prices\] entries"),
        ('[prices]\n"a/b" = { imput = 1 }', "there are input, output"),
        ('[prices]\n"a/b" = { input = -1 }', "number of dollars"),
        ('[prices]\n"a/b" = { input = nan }', "number of dollars"),
        ("discounts = 50", r"\[discounts\] entries"),
        ('[discounts]\n"a/b" = "50 %"', "percent"),
        ('[discounts]\n"a/b" = 101', "percent"),
    ],
)
def test_prices_that_cannot_be_used_are_refused(config: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"config.toml.*{message}"):
        resolve(tmp_path, config)


FIRST, SECOND = "tgp_v1_FIRSTHALFOFTHESECRET", "SECONDHALFOFTHESECRET1234"
BAD_KEYS = [
    f"{FIRST}\n{SECOND}",
    f"{FIRST}\r\n{SECOND}",
    f"{FIRST}\t{SECOND}",
    f"{FIRST}é{SECOND}",
    f"{FIRST}\x7f{SECOND}",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    """Two lines that were pasted, or a file with two keys."""
    with pytest.raises(SettingsError, match="TOGETHER_API_KEY") as error:
        resolve(tmp_path, environment={"TOGETHER_API_KEY": key})
    assert "SECRET" not in str(error.value) + repr(error.value)
    assert resolve(tmp_path, environment={"TOGETHER_API_KEY": f"  {FIRST}\n"}).api_key == FIRST


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
def test_a_login_that_no_header_can_hold_is_no_key(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = tmp_path / "credentials.json"
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(login))
    login.write_text(json.dumps({"access_token": key}))
    settings = resolve(tmp_path)
    assert settings.api_key is None
    assert "tg login" in settings.key_error and "SECRET" not in settings.key_error


def test_http_is_for_this_machine_unless_it_is_allowed(tmp_path: Path) -> None:
    url = "http://gateway.example:8080"
    for environment, flags, config in (
        ({"TOGETHER_BASE_URL": url}, {}, ""),
        ({}, {"base_url": url}, "insecure = false\n"),
        ({}, {}, f'base_url = "{url.upper()}"\n'),
    ):
        with pytest.raises(SettingsError, match="clear text"):
            resolve(tmp_path, config, environment, **flags)
        allowed = (resolve(tmp_path, config, environment, **flags, insecure=True).base_url or "").lower()
        assert allowed == url
    assert resolve(tmp_path, f'base_url = "{url}"\ninsecure = true\n').base_url == url
    assert resolve(tmp_path, base_url="http://localhost:1").base_url == "http://localhost:1"
    with pytest.raises(SettingsError, match="insecure"):
        resolve(tmp_path, 'insecure = "yes"\n')


def test_several_files_are_kept_in_their_order() -> None:
    settings = resolve_settings(file="b.jsonl", more_files=["c.jsonl", "a.jsonl"])
    assert settings.file == Path("b.jsonl") and settings.more_files == (Path("c.jsonl"), Path("a.jsonl"))
