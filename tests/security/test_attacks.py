"""Attacks on the sample application: each is refused, nothing is written, and the process stays alive."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.e2e.conftest import Service, path_of

SECRET = "the plans of acme"
ADMIN_EVERYWHERE = json.dumps([{"tenant": "", "role": "system_admin"}])
ISSUER = "cqrs-nest-development"


def encoded(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims() -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": ISSUER, "sub": "mallory", "exp": now + 600, "custom:tenant": "acme"}


def hmac_signed(secret: bytes, **header: Any) -> str:
    content = f"{encoded({'alg': 'HS256', 'typ': 'JWT', **header})}.{encoded(claims())}"
    return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


@pytest.fixture(scope="session")
def victim(service: Service) -> dict[str, Any]:
    """A todo of the tenant acme."""
    return service.create(name=SECRET)


@pytest.fixture(scope="session")
def mallory(as_tenant: Callable[[str], str]) -> str:
    """The good token of a user of another tenant."""
    return as_tenant("umbrella")


@pytest.fixture
def unharmed(service: Service, victim: dict[str, Any]) -> Iterator[None]:
    """Whatever a test does: the rows stay as they were, and the service answers its own users."""
    before = service.rows()
    yield
    assert service.rows() == before
    assert service.program.process.poll() is None
    assert service.ask("GET", path_of(victim)).json()["name"] == SECRET


def routes(victim: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Every route of the sample application, on the victim where a route takes a key."""
    path = path_of(victim)
    return [
        ("POST", "/api/todo", {"name": "planted"}),
        ("GET", "/api/todo", None),
        ("GET", "/api/todo/search", None),
        ("GET", path, None),
        ("GET", f"{path}/history", None),
        ("PATCH", path, {"version": 1, "name": "changed"}),
        ("POST", f"{path}/complete", {"version": 1}),
        ("DELETE", f"{path}?version=1", None),
    ]


def tokens(key: ECKey, sign: Callable[..., str]) -> dict[str, str]:
    now = int(time.time())
    good = sign(custom__tenant="acme")
    header, payload, signature = good.split(".")
    stranger = ECKey.generate_key("P-256", {"kid": str(key.kid)})
    rsa = RSAKey.generate_key(2048, {"kid": str(key.kid)})
    mine = {"custom__tenant": "acme", "by": stranger}
    return {
        "expired": sign(exp=now - 60, custom__tenant="acme"),
        "never expires": sign(exp=None, custom__tenant="acme"),
        "not yet valid": sign(nbf=now + 300, custom__tenant="acme"),
        "wrong issuer": sign(iss="https://evil.example", custom__tenant="acme"),
        "no issuer": sign(iss=None, custom__tenant="acme"),
        "wrong audience": sign(aud="another", custom__tenant="acme"),
        "nobody": sign(sub=None, custom__tenant="acme"),
        "none": f"{encoded({'alg': 'none'})}.{encoded(claims())}.",
        "none, with the signature of another": f"{encoded({'alg': 'NONE'})}.{encoded(claims())}.{signature}",
        "public pem as a secret": hmac_signed(key.as_pem(private=False), kid=key.kid),
        "public jwk as a secret": hmac_signed(json.dumps(key.as_dict(private=False)).encode(), kid=key.kid),
        "no secret": hmac_signed(b""),
        "truncated": good[: len(good) // 2],
        "without its last letters": good[:-4],
        "without its signature": f"{header}.{payload}.",
        "claims replaced": f"{header}.{encoded({**claims(), 'sub': 'root'})}.{signature}",
        "kid of the provider, another's key": sign(**mine),
        "kid replaced": sign(header={"kid": "another"}, **mine),
        "kid is a path": sign(header={"kid": "../../../../dev/null"}, **mine),
        "kid is SQL": sign(header={"kid": "' OR 1 = 1 --"}, **mine),
        "key sent along": sign(header={"jwk": stranger.as_dict(private=False)}, **mine),
        "place of the key sent along": sign(header={"jku": "http://127.0.0.1:1/jwks.json"}, **mine),
        "place of a certificate sent along": sign(header={"x5u": "http://127.0.0.1:1/cert.pem"}, **mine),
        "certificate sent along": sign(header={"x5c": ["MIIB"]}, **mine),
        "kid is a URL": sign(header={"kid": "http://127.0.0.1:1/jwks.json"}, **mine),
        "something critical that is not known": changed(header, payload, signature, crit=["x"], x=1),
        "payload that is not encoded": changed(header, payload, signature, b64=False, crit=["b64"]),
        "algorithm as a list": f"{encoded({'alg': ['ES256'], 'kid': key.kid})}.{payload}.{signature}",
        "no key named": f"{encoded({'alg': 'ES256'})}.{payload}.{encoded(b'0' * 64)}",
        "encrypted": ".".join(encoded(b"x") for _ in range(5)),
        "signed well and endless": sign(custom__tenant="acme", padding="x" * 20_000),
        "algorithm of another kind of key": _rsa_signed(rsa),
        "roles as an object": sign(custom__tenant="acme", custom__roles="{}"),
        "tenant as a list": sign(custom__tenant=["acme"]),
        "no token at all": "",
        "a megabyte": "a" * 60_000,
        "not a token": "null",
    }


def changed(header: str, payload: str, signature: str, **fields: Any) -> str:
    """A token with more in its header than was signed."""
    signed = json.loads(base64.urlsafe_b64decode(header + "=="))
    return f"{encoded({**signed, **fields})}.{payload}.{signature}"


def _rsa_signed(key: RSAKey) -> str:
    from joserfc import jwt

    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims(), key, ["RS256"])


@pytest.mark.usefixtures("unharmed")
def test_no_forged_token_passes(
    service: Service, key: ECKey, sign: Callable[..., str], victim: dict[str, Any]
) -> None:
    for name, token in tokens(key, sign).items():
        for method, path, body in routes(victim):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            response = service.http.request(method, path, headers=headers, json=body)
            assert (response.status_code, response.json()["statusCode"]) == (401, 401), (name, method, path)
            assert SECRET not in response.text
            assert not token or token not in response.text


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("place", ["query", "cookie", "basic", "twice", "another header"])
def test_a_good_token_in_the_wrong_place_is_none(
    service: Service, victim: dict[str, Any], place: str
) -> None:
    token = service.token
    path = path_of(victim)
    requests: dict[str, tuple[str, Any]] = {
        "query": (f"{path}?access_token={token}", {}),
        "cookie": (path, {"cookie": f"authorization={token}"}),
        "basic": (path, {"authorization": f"Basic {token}"}),
        "twice": (path, [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]),
        "another header": (path, {"x-amzn-oidc-data": token, "proxy-authorization": f"Bearer {token}"}),
    }
    target, headers = requests[place]
    response = service.http.get(target, headers=headers)
    assert response.status_code == 401
    assert token not in response.text


FORGED_HEADERS = {
    "x-tenant-code": "acme",
    "x-user-id": "root",
    "x-forwarded-user": "root",
    "x-amzn-oidc-identity": "root",
    "x-amzn-request-context": json.dumps({"authorizer": {"jwt": {"claims": claims()}}}),
    "requestcontext": json.dumps({"authorizer": {"jwt": {"claims": claims()}}}),
    "aws.event": json.dumps({"requestContext": {"authorizer": {"jwt": {"claims": claims()}}}}),
    "cqrs_nest.invoke": "root",
    "x-original-url": "/api/todo",
    "x-http-method-override": "DELETE",
}


@pytest.mark.usefixtures("unharmed")
def test_headers_give_no_identity(service: Service, victim: dict[str, Any]) -> None:
    for method, path, body in routes(victim):
        response = service.http.request(method, path, headers=FORGED_HEADERS, json=body)
        assert response.status_code == 401, (method, path)


@pytest.mark.usefixtures("unharmed")
def test_headers_give_no_other_tenant(service: Service, victim: dict[str, Any], mallory: str) -> None:
    for method, path, body in routes(victim)[1:]:
        response = service.ask(method, path, token=mallory, headers=FORGED_HEADERS, json=body)
        expected = 200 if path in ("/api/todo", "/api/todo/search") else 403
        assert response.status_code == expected, (method, path)
        assert SECRET not in response.text


@pytest.mark.usefixtures("unharmed")
def test_a_role_elsewhere_gives_no_other_tenant(
    service: Service, victim: dict[str, Any], sign: Callable[..., str]
) -> None:
    nobodys = sign(custom__roles=json.dumps([{"tenant": "umbrella", "role": "system_admin"}]))
    admin = sign(custom__tenant="umbrella", custom__roles=ADMIN_EVERYWHERE)
    for token in (nobodys, admin):
        response = service.ask("GET", path_of(victim), token=token, headers={"x-tenant-code": "acme"})
        assert response.status_code == 403
        assert SECRET not in response.text


def test_whoever_may_cross_tenants_still_can(
    service: Service, victim: dict[str, Any], sign: Callable[..., str]
) -> None:
    """Or else the refusals above might mean nothing."""
    admin = sign(custom__roles=ADMIN_EVERYWHERE)
    response = service.ask("GET", path_of(victim), token=admin, headers={"x-tenant-code": "acme"})
    assert (response.status_code, response.json()["name"]) == (200, SECRET)


IMAGE = {
    "pk": {"S": "TODO#acme"},
    "sk": {"S": "V@7"},
    "id": {"S": "x"},
    "version": {"N": "7"},
    "name": {"S": "forged"},
}
STREAM = "arn:aws:dynamodb:ap-northeast-1:1:table/local-todo-todo-command/stream/1"
RECORD = {
    "eventSource": "aws:dynamodb",
    "eventName": "INSERT",
    "eventSourceARN": STREAM,
    "dynamodb": {"NewImage": IMAGE, "Keys": {"pk": IMAGE["pk"], "sk": IMAGE["sk"]}, "SequenceNumber": "1"},
}
EVENTS: dict[str, Any] = {
    "dynamodb": {"Records": [RECORD]},
    "sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}", "TopicArn": "arn:x"}}]},
    "sqs": {
        "Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}", "eventSourceARN": "arn:x"}]
    },
    "s3": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "x"}}}]},
    "event-bridge": {"version": "0", "id": "1", "detail-type": "x", "source": "x", "detail": {}},
    "step-functions": {
        "input": {"result": "DataSyncDdsHandler"},
        "context": {
            "Execution": {"Id": "x", "Name": "n", "Input": {**RECORD, "source": STREAM}},
            "State": {"Name": "sync_data", "EnteredTime": ""},
            "StateMachine": {"Id": "arn:x", "Name": "command"},
        },
    },
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("source", EVENTS)
def test_events_do_not_come_over_http(service: Service, mallory: str, source: str) -> None:
    body = EVENTS[source]
    for path in (
        f"/event/{source}",
        f"/api/event/{source}",
        "/event",
        "/",
        "/2015-03-31/functions/f/invocations",
    ):
        for token in (None, mallory, service.token):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            response = service.http.post(path, json=body, headers=headers)
            assert response.status_code == 404, path
    assert service.ask("POST", "/api/todo", token=mallory, json=body).status_code == 400


PATHS = {
    "another tenant's": ("TODO#acme", 403),
    "in another case": ("TODO#ACME", 403),
    "encoded twice": ("TODO%23acme", 403),
    "no tenant": ("TODO", 403),
    "an empty tenant": ("TODO#", 403),
    "the tenant and more": ("TODO#umbrella#acme", 403),
    "a space behind": ("TODO#umbrella ", 403),
    "up and down": ("TODO#umbrella/../TODO#acme", 403),
    "NUL": ("TODO#umbrella\x00", 403),
    "half a pair": ("TODO#acme\ufffd", 403),
    "__proto__": ("__proto__", 403),
    "__class__": ("__class__", 403),
    "a dunder tenant": ("TODO#__class__", 403),
    "a wildcard": ("TODO#*", 403),
    "SQL": ("TODO#acme' OR '1'='1", 403),
    "a format": ("TODO#{0.__class__}", 403),
    "a long one": ("TODO#" + "a" * 600, 400),
}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("name", PATHS)
def test_no_key_in_a_path_reaches_another_tenant(
    service: Service, victim: dict[str, Any], mallory: str, name: str
) -> None:
    pk, status = PATHS[name]
    path = f"/api/todo/{quote(pk, safe='')}/{victim['code']}"
    for method, target, body in (
        ("GET", path, None),
        ("GET", f"{path}/history", None),
        ("PATCH", path, {"version": 1, "name": "changed"}),
        ("POST", f"{path}/complete", {"version": 1}),
        ("DELETE", f"{path}?version=1", None),
    ):
        response = service.ask(method, target, token=mallory, json=body)
        assert response.status_code == status, (method, response.text)
        assert SECRET not in response.text


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "query",
    [
        "pk=TODO%23acme",
        "tenantCode=acme",
        "tenant=acme&x-tenant-code=acme",
        "startFromSk=00000000000000000000000000",
        "__proto__[tenant]=acme&constructor.prototype.tenant=acme",
        "__class__=x&__dict__=y",
        "filters=pk%20%3D%20%27TODO%23acme%27",
        "keyword=%25&tag=%25",
    ],
)
def test_no_query_reaches_another_tenant(
    service: Service, victim: dict[str, Any], mallory: str, query: str
) -> None:
    for path in ("/api/todo", "/api/todo/search"):
        response = service.ask("GET", f"{path}?{query}", token=mallory)
        assert response.status_code == 200, path
        assert {item["pk"] for item in response.json()["items"]} <= {"TODO#umbrella"}, path
        assert SECRET not in response.text


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "name", ["__class__", "pk", "version; DROP TABLE todos", "name,__dict__", "-__init__", "metadata"]
)
def test_only_declared_columns_order(service: Service, mallory: str, name: str) -> None:
    response = service.ask("GET", "/api/todo/search", token=mallory, params={"orderBys": name})
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "body",
    [
        {"__proto__": {"name": "x"}},
        {"constructor": {"prototype": {"name": "x"}}},
        {"__class__": "CreateTodoDto", "__dict__": {"name": "x"}},
        {"name": {"__class__": "str"}},
        {"name": "x", "tags": {"__proto__": ["a"]}},
        {"name": "x", "dueDate": "s3://local-bucket/ddb/x.json"},
        {"name": "x", "priority": "__import__('os')"},
    ],
)
def test_a_body_of_strange_names_is_refused(service: Service, mallory: str, body: Any) -> None:
    response = service.ask("POST", "/api/todo", token=mallory, json=body)
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")


def test_properties_nobody_asked_for_are_dropped(
    service: Service, victim: dict[str, Any], as_tenant: Callable[[str], str]
) -> None:
    """Foreign keys, references to S3, names with a meaning elsewhere: what comes of them is the caller's."""
    uri = f"s3://local-bucket/ddb/local-todo-todo-data/{victim['pk']}/{victim['code']}/x.json"
    strange = {
        "pk": victim["pk"],
        "sk": victim["code"],
        "id": victim["id"],
        "tenantCode": "acme",
        "createdBy": "root",
        "version": 7,
        "status": "finish:FINISHED",
        "attributes": uri,
        "__proto__": {"polluted": True},
        "__class__": "x",
        "__init__": {"__globals__": {}},
    }
    before = service.rows()
    response = service.ask(
        "POST", "/api/todo", token=as_tenant("initech"), json={"name": uri, "description": uri, **strange}
    )
    command = response.json()
    assert response.status_code == 201
    assert (command["pk"], command["tenantCode"], command["createdBy"]) == (
        "TODO#initech",
        "initech",
        "user of initech",
    )
    assert command["attributes"] == {"done": False, "description": uri}
    after = service.rows()
    for table, rows in before.items():
        assert all(row in after[table] for row in rows), table
    for table in ("command", "data"):
        [new] = [row for row in after[table] if row not in before[table]]
        assert new["pk"] == {"S": "TODO#initech"}
        assert not [name for name in new if name.startswith("__")]


SMUGGLED = "POST /api/todo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def exchanged(service: Service, request: str) -> bytes:
    """What the service sends for the bytes of a request, until it has nothing more to say."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=40) as connection:
        connection.sendall(request.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 0", "Transfer-Encoding: chunked"],
        ["Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Content-Length: -1"],
        ["Content-Length: 0x10"],
        ["Content-Length : 0"],
        ["X-Tenant-Code: umbrella", "X-Tenant-Code: acme"],
        ["X_Tenant_Code: acme"],
        [" X-Tenant-Code: acme"],
        ["X-Tenant-Code: umbrella\r\n acme"],
        ["X-Tenant-Code: umbrella\x00acme"],
        [f"X-Request-Id: x\nAuthorization: {SECRET}"],
    ],
)
def test_no_request_is_smuggled_in_another(
    service: Service, victim: dict[str, Any], mallory: str, lines: list[str]
) -> None:
    """Each is one request, of the one who sent it, or none."""
    own = [f"Authorization: Bearer {mallory}", "Connection: close", "", ""]
    request = "\r\n".join(["GET /api/todo HTTP/1.1", "Host: x", *lines, *own])
    answer = exchanged(service, request + SMUGGLED)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert SECRET.encode() not in answer
    assert not answer or answer.split()[1] in (b"200", b"400", b"401", b"501")


@pytest.mark.usefixtures("unharmed")
def test_no_origin_is_reflected(service: Service, victim: dict[str, Any]) -> None:
    for origin in ("https://evil.example", "null", service.url):
        for method in ("GET", "OPTIONS"):
            headers = {"origin": origin, "access-control-request-method": "DELETE"}
            answer = service.ask(method, path_of(victim), headers=headers)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers


def test_no_token_is_in_the_log(service: Service, victim: dict[str, Any], mallory: str) -> None:
    """After whatever the tests before have sent."""
    service.ask("GET", f"{path_of(victim)}?token={mallory}", token=mallory)
    log = service.program.errors()
    for secret in (mallory, mallory.rpartition(".")[2], service.token):
        assert secret not in log
