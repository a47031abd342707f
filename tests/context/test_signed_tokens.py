import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from cqrs_nest.config import Environment
from cqrs_nest.context import InvalidTokenError
from cqrs_nest.context.jwks import PublicKeys
from cqrs_nest.context.signed_tokens import SignedTokens
from cqrs_nest.context.token_check import TokenCheck

KEY = ECKey.generate_key("P-256", {"kid": "first"})
OTHER = ECKey.generate_key("P-256", {"kid": "second"})


def signed(key: ECKey = KEY, **claims: Any) -> str:
    return jwt.encode(
        {"alg": "ES256", "kid": key.kid}, {"sub": "u1", "exp": int(time.time()) + 600, **claims}, key
    )


class Provider:
    """A check of tokens whose keys and clock a test turns."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.signs_with(KEY)
        environment = Environment(node_env="prod", app_name="todo", jwks_file=tmp_path / "unread")
        monkeypatch.setattr(
            "cqrs_nest.context.token_check._public_keys",
            lambda environment: PublicKeys(lambda: self.document, clock=lambda: self.now),
        )
        self.check = TokenCheck(environment)

    def signs_with(self, *keys: ECKey) -> None:
        self.document = json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    return Provider(tmp_path, monkeypatch)


async def test_a_remembered_token_expires_like_any_other(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed()
    assert (await provider.check.verify(token))["sub"] == "u1"
    later = time.time() + 700
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(InvalidTokenError, match="expired"):
        await provider.check.verify(token)


async def test_a_remembered_token_is_refused_when_its_key_is_withdrawn(provider: Provider) -> None:
    token = signed()
    assert await provider.check.verify(token)
    provider.signs_with(OTHER)
    provider.now += 700
    with pytest.raises(InvalidTokenError):
        await provider.check.verify(token)
    assert await provider.check.verify(signed(OTHER))


async def test_a_rotation_that_another_token_shows_counts_for_remembered_ones_too(provider: Provider) -> None:
    token = signed()
    assert await provider.check.verify(token)
    provider.signs_with(OTHER)
    provider.now += 10
    assert await provider.check.verify(signed(OTHER))  # its unknown key makes the check look again
    with pytest.raises(InvalidTokenError):
        await provider.check.verify(token)


async def test_a_request_cannot_change_what_the_next_one_is_told(provider: Provider) -> None:
    token = signed(**{"cognito:groups": ["readers"]})
    for _ in range(3):
        claims: Any = await provider.check.verify(token)
        assert claims["cognito:groups"] == ["readers"]
        claims["cognito:groups"].append("admins")
        claims["sub"] = "somebody"


async def test_a_token_that_differs_in_one_letter_is_another_one(provider: Provider) -> None:
    token = signed()
    await provider.check.verify(token)
    for position in (5, token.index(".") + 5, len(token) - 5):
        letter = "A" if token[position] != "A" else "B"
        with pytest.raises(InvalidTokenError):
            await provider.check.verify(token[:position] + letter + token[position + 1 :])


def test_the_one_not_seen_for_longest_makes_room() -> None:
    keys, remembered = KeySet([KEY]), SignedTokens(most=700)
    remembered.add("a", keys, {"sub": "a"})
    remembered.add("b", keys, {"sub": "b"})
    assert remembered.claims("a", keys) == {"sub": "a"}
    remembered.add("c", keys, {"sub": "c"})
    assert [remembered.claims(token, keys) is None for token in "abc"] == [False, True, False]


def test_large_ones_take_the_room_of_many() -> None:
    keys, remembered = KeySet([KEY]), SignedTokens(most=4000)
    for token in "abcdef":
        remembered.add(token, keys, {"sub": token})
    remembered.add("large", keys, {"sub": "x" * 3000})
    assert [remembered.claims(token, keys) is None for token in "abcdef"] == [True] * 4 + [False] * 2
    remembered.add("larger", keys, {"sub": "x" * 5000})
    assert [remembered.claims(token, keys) is None for token in ("f", "large", "larger")] == [True] * 3
    remembered.add("a", keys, {"sub": "a"})
    remembered.add("a", keys, {"sub": "again"})
    assert remembered.claims("a", keys) == {"sub": "again"}


def test_a_token_that_is_added_again_and_those_of_former_keys_take_no_room() -> None:
    remembered = SignedTokens(most=700)
    for keys in (KeySet([KEY]), KeySet([OTHER]), KeySet([KEY])):
        for token in "abbbb":
            remembered.add(token, keys, {"sub": token})
        assert [remembered.claims(token, keys) for token in "ab"] == [{"sub": "a"}, {"sub": "b"}]


def test_it_holds_no_token() -> None:
    remembered, token = SignedTokens(), signed()
    remembered.add(token, KeySet([KEY]), {"sub": "u1"})
    assert not any(part in repr(vars(remembered)) for part in token.split("."))


def test_other_keys_know_nothing() -> None:
    remembered, keys = SignedTokens(), KeySet([KEY])
    remembered.add("a", keys, {"sub": "a"})
    assert remembered.claims("a", KeySet([KEY])) is None
    remembered.add("b", KeySet([OTHER]), {"sub": "b"})
    assert remembered.claims("a", keys) is None
