import base64
import hashlib
import hmac
import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey

from cqrs_nest.config import Environment
from cqrs_nest.context import InvalidTokenError, JwtVerifier, KeysUnavailableError
from cqrs_nest.context.development_keys import (
    DevelopmentKeyRefusedError,
    load_development_key,
    sign_development_token,
)

ISSUER = "https://issuer.example"
AUDIENCE = "todo"
RSA = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
EC = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
STRANGER = RSAKey.generate_key(2048, {"kid": str(RSA.kid)})
ENCRYPTION = RSAKey.generate_key(2048, {"use": "enc", "kid": "enc"})


@pytest.fixture
def verifier(tmp_path: Path) -> JwtVerifier:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in (RSA, EC, ENCRYPTION)]}))
    return JwtVerifier(
        Environment(
            node_env="prod",
            app_name="todo",
            jwks_file=file,
            jwt_issuer=ISSUER,
            jwt_audience=("other", AUDIENCE),
        )
    )


DAY = 86_400  # the attacks below are written when the tests are collected, and judged when they run


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + DAY}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, payload, key, [algorithm])


def encoded(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hmac_signed(secret: bytes, **header: Any) -> str:
    """A token signed with the public key as if it were a shared secret, as no honest library would."""
    content = f"{encoded({'alg': 'HS256', 'typ': 'JWT', **header})}.{encoded(claims())}"
    return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


async def test_a_good_token_passes(verifier: JwtVerifier) -> None:
    assert (await verifier.verify(signed(claims())))["sub"] == "u1"
    assert (await verifier.verify(signed(claims(aud=["x", AUDIENCE]), EC, "ES256")))["sub"] == "u1"


async def test_an_access_token_may_name_its_audience_as_client_id(verifier: JwtVerifier) -> None:
    assert await verifier.verify(signed(claims(aud=None, client_id=AUDIENCE)))
    with pytest.raises(InvalidTokenError):
        await verifier.verify(signed(claims(aud="another", client_id=AUDIENCE)))


async def test_clocks_may_differ_a_little(verifier: JwtVerifier) -> None:
    now = int(time.time())
    assert await verifier.verify(signed(claims(exp=now - 2)))
    assert await verifier.verify(signed(claims(iat=now + 5, nbf=now + 5)))


GOOD = signed(claims())
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
PUBLIC_PEM = RSA.as_pem(private=False)
PUBLIC_JWK = json.dumps(RSA.as_dict(private=False)).encode()
HEADER_FIELDS = {"alg": "RS256", "kid": RSA.kid}
FOREVER = encoded(claims(exp=2**40))

ATTACKS = {
    "expired": signed(claims(exp=int(time.time()) - 60)),
    "without expiry": signed(claims(exp=None)),
    "expiry as text": signed(claims(exp="9999999999")),
    "never expires": signed(claims(exp=float("inf"))),
    "not yet valid": signed(claims(nbf=int(time.time()) + DAY)),
    "issued in the future": signed(claims(iat=int(time.time()) + DAY)),
    "wrong issuer": signed(claims(iss="https://issuer.example.evil")),
    "without issuer": signed(claims(iss=None)),
    "wrong audience": signed(claims(aud="another")),
    "without audience": signed(claims(aud=None)),
    "without subject": signed(claims(sub=None)),
    "empty subject": signed(claims(sub="")),
    "subject is a number": signed(claims(sub=5)),
    "none": f"{encoded({'alg': 'none'})}.{encoded(claims())}.",
    "None in another case": f"{encoded({'alg': 'NoNe', 'kid': RSA.kid})}.{encoded(claims())}.{SIGNATURE}",
    "hmac with the public pem": hmac_signed(PUBLIC_PEM, kid=RSA.kid),
    "hmac with the public jwk": hmac_signed(PUBLIC_JWK, kid=RSA.kid),
    "hmac with nothing": hmac_signed(b"", kid=RSA.kid),
    "another's key under a known id": signed(claims(), STRANGER),
    "unknown key": signed(claims(), RSAKey.generate_key(2048, auto_kid=True)),
    "no key named": f"{encoded({'alg': 'RS256'})}.{PAYLOAD}.{SIGNATURE}",
    "key id is a list": f"{encoded({'alg': 'RS256', 'kid': [RSA.kid]})}.{PAYLOAD}.{SIGNATURE}",
    "key id is a path": f"{encoded({'alg': 'RS256', 'kid': '../../etc/passwd'})}.{PAYLOAD}.{SIGNATURE}",
    "key sent along": signed(claims(), STRANGER, jwk=STRANGER.as_dict(private=False)),
    "key for encryption": jwt.encode(
        {"alg": "RS256", "kid": "enc"},
        claims(),
        RSAKey.import_key({**ENCRYPTION.as_dict(private=True), "use": "sig"}),
        ["RS256"],
    ),
    "algorithm of another kind of key": signed(claims(), EC, "ES256", kid=RSA.kid),
    "algorithm not allowed": jwt.encode(
        {"alg": "PS256", "kid": RSA.kid},
        claims(),
        RSAKey.import_key({**RSA.as_dict(private=True), "alg": "PS256"}),
        ["PS256"],
    ),
    "payload replaced": f"{HEADER}.{FOREVER}.{SIGNATURE}",
    "signature cut": GOOD[:-6],
    "signature empty": f"{HEADER}.{PAYLOAD}.",
    "two parts": f"{HEADER}.{PAYLOAD}",
    "five parts": f"{GOOD}.a.b",
    "unknown critical header": f"{encoded({**HEADER_FIELDS, 'crit': ['x'], 'x': 1})}.{PAYLOAD}.{SIGNATURE}",
    "payload is a list": f"{HEADER}.{encoded([1])}.{SIGNATURE}",
    "header is deep": f"{encoded(b'[' * 5000)}.{PAYLOAD}.{SIGNATURE}",
    "header is a list": f"{encoded(['alg'])}.{PAYLOAD}.{SIGNATURE}",
    "garbage": "garbage",
    "dots": "..",
    "empty": "",
    "not ascii": "é.é.é",
    "surrogate": "\ud800.a.b",
    "zero byte": "\x00",
    "oversized": f"{HEADER}.{'A' * 2_000_000}.{SIGNATURE}",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_without_quoting_it(verifier: JwtVerifier, name: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        await verifier.verify(ATTACKS[name])
    for part in filter(lambda part: len(part) > 10, ATTACKS[name].split(".")):
        assert part not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "x"]), inner)
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    token=st.text() | st.builds(lambda head, body: f"{encoded(head)}.{encoded(body)}.{SIGNATURE}", JSON, JSON)
)
async def test_whatever_is_sent_is_refused_and_nothing_breaks(verifier: JwtVerifier, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        await verifier.verify(token)


async def test_a_shared_secret_among_the_keys_is_not_used(tmp_path: Path) -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "s", "k": encoded(secret)}]}))
    verifier = JwtVerifier(Environment(node_env="dev", app_name="todo", jwks_file=file))
    with pytest.raises(InvalidTokenError):
        await verifier.verify(hmac_signed(secret, kid="s"))


async def test_keys_that_cannot_be_read_are_not_the_callers_fault(tmp_path: Path) -> None:
    verifier = JwtVerifier(Environment(node_env="dev", app_name="todo", jwks_file=tmp_path / "missing.json"))
    with pytest.raises(KeysUnavailableError):
        await verifier.verify(GOOD)


async def test_without_configured_keys_every_token_is_refused_and_the_start_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    verifier = JwtVerifier(Environment(node_env="dev", app_name="todo"))
    with caplog.at_level(logging.WARNING):
        verifier.on_application_bootstrap()
    assert "set JWKS_URL or JWKS_FILE" in caplog.text
    with pytest.raises(InvalidTokenError):
        await verifier.verify(GOOD)


async def test_in_lambda_the_start_is_quiet(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
    JwtVerifier(Environment(node_env="dev", app_name="todo")).on_application_bootstrap()
    assert caplog.text == ""


class TestVerificationOff:
    """The signature is not looked at; everything else is."""

    @pytest.fixture
    def trusting(self) -> JwtVerifier:
        return JwtVerifier(
            Environment(
                node_env="prod",
                app_name="todo",
                jwt_verification="off",
                jwt_issuer=ISSUER,
                jwt_audience=("other", AUDIENCE),
            )
        )

    async def test_any_signature_passes(self, trusting: JwtVerifier) -> None:
        for token in (GOOD, signed(claims(), STRANGER), GOOD[:-6] + "AAAAAA"):
            assert (await trusting.verify(token))["sub"] == "u1"

    @pytest.mark.parametrize(
        "name",
        [
            *(
                "expired",
                "without expiry",
                "expiry as text",
                "not yet valid",
                "wrong issuer",
                "without issuer",
            ),
            *("wrong audience", "without audience", "without subject", "subject is a number"),
            *("none", "None in another case", "hmac with the public pem", "algorithm not allowed"),
            *("signature empty", "two parts", "five parts", "payload is a list"),
        ],
    )
    async def test_the_rest_of_a_token_is_still_checked(self, trusting: JwtVerifier, name: str) -> None:
        with pytest.raises(InvalidTokenError):
            await trusting.verify(ATTACKS[name])

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        token=st.text()
        | st.builds(lambda head, body: f"{encoded(head)}.{encoded(body)}.{SIGNATURE}", JSON, JSON)
    )
    async def test_whatever_is_sent_breaks_nothing(self, trusting: JwtVerifier, token: str) -> None:
        with pytest.raises(InvalidTokenError):
            await trusting.verify(token)

    @pytest.mark.parametrize("in_lambda", [False, True])
    def test_each_start_says_so(
        self,
        trusting: JwtVerifier,
        in_lambda: bool,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if in_lambda:
            monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "todo")
        for _ in range(2):
            caplog.clear()
            trusting.on_application_bootstrap()
            assert "signatures are not checked" in caplog.text

    def test_it_must_be_said(self) -> None:
        assert Environment(node_env="prod", app_name="todo").jwt_verification == "on"
        with pytest.raises(ValueError, match="'on' or 'off'"):
            Environment.model_validate({"node_env": "prod", "app_name": "todo", "jwt_verification": "false"})


class TestDevelopmentKeys:
    async def test_a_token_made_after_the_start_is_accepted(self, environment: Environment) -> None:
        verifier = JwtVerifier(environment)
        with pytest.raises(InvalidTokenError):
            await verifier.verify(GOOD)  # reads the keys, of which there are none yet

        token = sign_development_token(environment, user="u1", tenant="acme", roles=["admin"])

        found = await verifier.verify(token)
        assert (found["sub"], found["custom:tenant"]) == ("u1", "acme")
        assert json.loads(found["custom:roles"]) == [{"tenant": "acme", "role": "admin"}]

    async def test_services_run_from_one_directory_share_their_tokens(self, environment: Environment) -> None:
        other = Environment(node_env="local", app_name="other")
        token = sign_development_token(other, user="u", tenant=None)
        assert (await JwtVerifier(environment).verify(token))["sub"] == "u"

    async def test_issuer_and_audience_of_the_settings_are_used(self, environment: Environment) -> None:
        configured = environment.model_copy(update={"jwt_issuer": ISSUER, "jwt_audience": (AUDIENCE,)})
        token = sign_development_token(configured, user="u", tenant=None)
        found = await JwtVerifier(configured).verify(token)
        assert (found["iss"], found["aud"]) == (ISSUER, AUDIENCE)
        with pytest.raises(InvalidTokenError):
            await JwtVerifier(environment).verify(token)

    async def test_a_lost_public_half_is_written_again(
        self, environment: Environment, tmp_path: Path
    ) -> None:
        first = load_development_key(environment)
        (tmp_path / ".cqrs_nest" / "development-jwks.json").unlink()
        assert load_development_key(environment).kid == first.kid
        assert await JwtVerifier(environment).verify(
            sign_development_token(environment, user="u", tenant=None)
        )

    @pytest.mark.parametrize("stage", ["dev", "stg", "prod"])
    async def test_they_serve_development_only(
        self, stage: Any, environment: Environment, tmp_path: Path
    ) -> None:
        token = sign_development_token(environment, user="u", tenant=None)
        deployed = Environment(node_env=stage, app_name="demo")
        with pytest.raises(DevelopmentKeyRefusedError, match="NODE_ENV=local"):
            sign_development_token(deployed, user="u", tenant=None)
        with pytest.raises(InvalidTokenError):
            await JwtVerifier(deployed).verify(token)


def test_importing_the_package_does_not_import_cryptography() -> None:
    code = "import sys, cqrs_nest.context; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "JWT_ISSUER and JWT_AUDIENCE is not set"),
        ({"jwt_issuer": ISSUER}, "JWT_AUDIENCE is not set"),
        ({"jwt_audience": (AUDIENCE,)}, "JWT_ISSUER is not set"),
        ({"jwt_issuer": ISSUER, "jwt_audience": (AUDIENCE,)}, None),
    ],
)
def test_each_start_warns_of_tokens_for_others(
    settings: Any, line: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "jwks.json"
    file.write_text('{"keys": []}')
    environment = Environment(node_env="prod", app_name="todo", jwks_file=file, **settings)
    with caplog.at_level(logging.WARNING):
        JwtVerifier(environment).on_application_bootstrap()
    assert [message for message in caplog.messages if line is None or line not in message] == []
    assert bool(caplog.messages) == (line is not None)
