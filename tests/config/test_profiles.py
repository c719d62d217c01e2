"""`[profiles]`: which one is used, whose key and server count then, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tbatch_tui.config.profiles import passed_over, with_key
from tbatch_tui.config.resolve import resolve_settings
from tbatch_tui.config.settings import ConfigError, Settings, SettingsError

WORK = '[profiles.work]\nkey_env = "WORK_KEY"\n'
TWO = (
    WORK
    + 'base_url = "https://work.example/v1"\noutput_dir = "~/work"\ncolour = "red"\n'
    + ('[profiles.home]\nkey_command = ["pass", "show", "together"]\ncolour = "#00aaff"\n')
)


def resolve(
    tmp_path: Path, config: str, environment: dict[str, str] | None = None, *, key: bool = True, **flags: Any
) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text(config)
    settings = resolve_settings(**flags, environment=environment or {}, config_file=file)
    return with_key(settings, environment or {}) if key else settings


def test_a_profile_brings_its_own_key_server_and_folder(tmp_path: Path) -> None:
    environment = {
        "TOGETHER_API_KEY": "other-key",
        "TOGETHER_BASE_URL": "https://other.example",
        "WORK_KEY": "work-key",
    }
    settings = resolve(tmp_path, 'output_dir = "all"\n' + TWO, environment, profile="work")
    assert (settings.api_key, settings.base_url, settings.output_dir) == (
        "work-key",
        "https://work.example",
        Path("~/work").expanduser(),
    )
    assert settings.profile is not None and settings.profile.name == "work" and settings.profile.colour == "red"
    assert list(settings.profiles) == ["work", "home"]


def test_flags_win_over_a_profile_and_a_profile_over_the_rest_of_the_file(tmp_path: Path) -> None:
    config = 'base_url = "https://file.example"\noutput_dir = "all"\n' + TWO
    environment = {"WORK_KEY": "work-key", "TOGETHER_BASE_URL": "https://variable.example"}
    settings = resolve(
        tmp_path, config, environment, profile="work", base_url="https://flag.example", output_dir="flag"
    )
    assert (settings.base_url, settings.output_dir) == ("https://flag.example", Path("flag"))
    home = resolve(tmp_path, config, environment, profile="home", key=False)
    assert (home.base_url, home.output_dir) == ("https://file.example", Path("all"))


def test_without_a_name_no_profile_is_used(tmp_path: Path) -> None:
    environment = {"TOGETHER_API_KEY": "own-key", "WORK_KEY": "work-key"}
    for settings in (
        resolve(tmp_path, TWO, environment),
        resolve(tmp_path, TWO, environment | {"TBATCH_PROFILE": ""}),
        resolve(tmp_path, TWO, environment | {"TBATCH_PROFILE": "work"}, profile=""),
        resolve(tmp_path, TWO, environment | {"TBATCH_PROFILE": "work"}, demo=True),
    ):
        assert (settings.profile, settings.api_key) == (None, "own-key")


def test_the_flag_wins_over_the_variable(tmp_path: Path) -> None:
    environment = {"TBATCH_PROFILE": "work", "WORK_KEY": "work-key"}
    assert resolve(tmp_path, TWO, environment).api_key == "work-key"
    home = resolve(tmp_path, TWO, environment, profile="home", key=False)
    assert home.profile is not None and home.profile.name == "home"


def test_a_key_that_is_not_there_is_an_error_and_no_other_is_tried(tmp_path: Path) -> None:
    for environment in ({"TOGETHER_API_KEY": "other-key"}, {"WORK_KEY": " "}, {"WORK_KEY": "two\nlines"}):
        with pytest.raises(SettingsError, match="WORK_KEY") as caught:
            resolve(tmp_path, TWO, environment, profile="work")
        assert "other-key" not in str(caught.value) and "two" not in str(caught.value)
    assert resolve(tmp_path, TWO, {"TOGETHER_API_KEY": "other-key"}, profile="work", key=False).api_key is None


def test_what_tg_login_stored_is_not_used_for_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = tmp_path / "credentials.json"
    stored.write_text('{"access_token": "token-of-tg", "issuer": "https://api.together.ai"}')
    monkeypatch.setenv("TOGETHER_CREDENTIALS_PATH", str(stored))
    assert resolve(tmp_path, TWO).api_key == "token-of-tg"
    assert resolve(tmp_path, TWO, profile="work", key=False).api_key is None


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--profile 'wrok': .*did you mean 'work'\? There are work, home\."):
        resolve(tmp_path, TWO, profile="wrok")
    with pytest.raises(SettingsError, match=r"TBATCH_PROFILE 'work': there are no profiles"):
        resolve(tmp_path, "", {"TBATCH_PROFILE": "work"})


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    environment = {"TOGETHER_API_KEY": "a", "TOGETHER_BASE_URL": "b", "WORK_KEY": "c"}
    work = resolve(tmp_path, TWO, environment, profile="work").profile
    assert work is not None
    assert passed_over(work, environment).startswith("TOGETHER_API_KEY and TOGETHER_BASE_URL are not used: ")
    assert passed_over(work, {"TOGETHER_BASE_URL": "b"}).startswith("TOGETHER_BASE_URL is not used: ")
    assert passed_over(work, {"WORK_KEY": "c"}) == ""
    same = resolve(tmp_path, '[profiles.x]\nkey_env = "TOGETHER_API_KEY"\n', environment, profile="x").profile
    assert same is not None and passed_over(same, {"TOGETHER_API_KEY": "a"}) == ""


@pytest.mark.parametrize(
    ("config", "keys", "words"),
    [
        ("profiles = 1", ("profiles",), "needs a name"),
        ("[profiles]\nkey_env = 'X'", ("profiles",), "needs a name"),
        ("[profiles.'two words']\nkey_env = 'X'", ("profiles", "two words"), "letters, digits"),
        ("[profiles.-x]\nkey_env = 'X'", ("profiles", "-x"), "letters, digits"),
        ("[profiles.a]", ("profiles", "a"), "has no key; write one"),
        ("[profiles.a]\nkey_env = 'X'\nkey_command = ['x']", ("profiles", "a"), "has both"),
        ("[profiles.a]\nkey_command = 'pass show'", ("profiles", "a", "key_command"), "without a shell"),
        ("[profiles.a]\nkey_command = []", ("profiles", "a", "key_command"), "is empty"),
        ("[profiles.a]\nkey_command = ['']", ("profiles", "a", "key_command"), "is empty"),
        ("[profiles.a]\nkey_command = ['a\\u0000b']", ("profiles", "a", "key_command"), "without a shell"),
        ("[profiles.a]\nkey_env = 3", ("profiles", "a", "key_env"), "key_env is 3"),
        ("[profiles.a]\napi_key = 'secret'", ("profiles", "a", "api_key"), "never kept in a file"),
        ("[profiles.a]\nkey_env = 'X'\ncolor = 'red'", ("profiles", "a", "color"), "did you mean 'colour'"),
        ("[profiles.a]\nkey_env = 'X'\ncolour = 'reddish'", ("profiles", "a", "colour"), "red, yellow"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named_with_what_to_write(
    config: str, keys: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(tmp_path, config.replace("'", '"'))
    assert words in str(caught.value) and "secret" not in str(caught.value)
    assert caught.value.keys == keys


def test_a_key_in_place_of_a_variables_name_is_not_repeated(tmp_path: Path) -> None:
    for key in ("tgp_v1_not-a-variable", "tgp_v1_that_looks_like_one"):
        with pytest.raises(ConfigError) as caught:
            resolve(tmp_path, f'[profiles.a]\nkey_env = "{key}"\n')
        assert "tgp_v1" not in str(caught.value)
