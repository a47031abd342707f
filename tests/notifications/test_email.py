"""E-mail by moto's SES, and over a real socket where moto knows less than SES."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from cqrs_nest.aws import (
    AwsConfigurationError,
    AwsSession,
    EmailAttachment,
    EmailNotification,
    EmailService,
    InlineTemplate,
    TemplatedEmailNotification,
)
from cqrs_nest.config import Environment
from tests.emulated_aws import emulated_aws

if TYPE_CHECKING:
    from tests.notifications.conftest import LoopbackServer

REGION = "eu-west-1"
TEMPLATE = InlineTemplate("Order {{ order.number }}", "<p>{{名前}}, {{ nobody }}</p>", "{{ 名前 }}")
DATA = {"order": {"number": 7}, "名前": "Ann"}


def service(**settings: Any) -> EmailService:
    environment = Environment(node_env="local", app_name="demo", ses_region=REGION, **settings)
    return EmailService(AwsSession(environment), environment)


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    """What the emulated SES was given."""
    with emulated_aws():
        AwsSession(Environment(node_env="local", app_name="demo", ses_region=REGION)).client(
            "sesv2"
        ).create_email_identity(EmailIdentity="shop@example.com")
        yield ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages


async def test_a_simple_email(sent: list[Any]) -> None:
    email = EmailNotification(
        to_addrs=["ann@example.com"],
        cc_addrs=["bob@example.com"],
        bcc_addrs=["eve@example.com"],
        subject="Übersicht",
        body="<p>Hello</p>",
    )
    message_id = await service(ses_from_email="shop@example.com").send_email(email)
    (message,) = sent
    assert message.id == message_id
    assert (message.source, message.subject) == ("shop@example.com", "Übersicht")
    assert message.body == "<p>Hello</p>"
    assert message.destinations["ToAddresses"] == ["ann@example.com"]
    assert message.destinations["BccAddresses"] == ["eve@example.com"]


async def test_an_email_with_attachments(sent: list[Any]) -> None:
    email = EmailNotification(
        to_addrs=["ann@example.com"],
        bcc_addrs=["eve@example.com"],
        reply_to_addrs=["help@example.com"],
        subject="Your invoice, 日本",
        body="<p>Ä</p>",
        text="Ä",
        attachments=[
            EmailAttachment("請求書.pdf", b"%PDF\x00\xff"),
            EmailAttachment("data.bin", b"\x00\x01", "application/x-thing"),
            EmailAttachment("unknown", b"?"),
        ],
    )
    await service(ses_from_email="shop@example.com").send_email(email)
    (message,) = sent
    assert message.source == "shop@example.com"
    assert set(message.destinations) == {"ann@example.com", "eve@example.com"}
    mime = message_from_bytes(message.raw_data.encode(), policy=policy.default)
    assert mime["Subject"] == "Your invoice, 日本"
    assert mime["Reply-To"] == "help@example.com"
    assert mime["Bcc"] is None
    body = mime.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == "<p>Ä</p>"
    files = [
        (part.get_filename(), part.get_content_type(), part.get_content()) for part in mime.iter_attachments()
    ]
    assert files == [
        ("請求書.pdf", "application/pdf", b"%PDF\x00\xff"),
        ("data.bin", "application/x-thing", b"\x00\x01"),
        ("unknown", "application/octet-stream", b"?"),
    ]


async def test_a_template_is_filled_in_here_when_offline(sent: list[Any]) -> None:
    email = TemplatedEmailNotification(to_addrs=["ann@example.com"], template=TEMPLATE, data=DATA)
    await service(ses_from_email="shop@example.com", is_offline=True).send_inline_template_email(email)
    (message,) = sent
    assert (message.subject, message.body) == ("Order 7", "<p>Ann, {{ nobody }}</p>")


async def test_a_template_is_sent_to_ses(loopback: LoopbackServer) -> None:
    loopback.text = '{"MessageId": "m-1"}'
    email = TemplatedEmailNotification(
        to_addrs=["ann@example.com"],
        from_addr="other@example.com",
        reply_to_addrs=["help@example.com"],
        email_tags={"kind": "order"},
        configuration_set_name="orders",
        template=TEMPLATE,
        data=DATA,
    )
    assert await service(ses_endpoint=loopback.url).send_inline_template_email(email) == "m-1"
    (asked,) = loopback.asked
    assert asked.path == "/v2/email/outbound-emails"
    body = asked.json()
    template = body["Content"]["Template"]
    assert json.loads(template["TemplateData"]) == DATA
    assert template["TemplateContent"] == {
        "Subject": TEMPLATE.subject,
        "Html": TEMPLATE.html,
        "Text": TEMPLATE.text,
    }
    assert body["FromEmailAddress"] == "other@example.com"
    assert body["ReplyToAddresses"] == ["help@example.com"]
    assert body["EmailTags"] == [{"Name": "kind", "Value": "order"}]
    assert body["ConfigurationSetName"] == "orders"


ANN = {"to_addrs": ["ann@example.com"], "subject": "s", "body": "b"}
FILE = {"attachments": [EmailAttachment("a.txt", b"a")]}


@pytest.mark.parametrize(
    ("email", "settings", "error", "said"),
    [
        ({**ANN, "to_addrs": []}, {"ses_from_email": "a@b.c"}, ValueError, "no recipient"),
        (ANN, {}, AwsConfigurationError, "SES_FROM_EMAIL"),
        ({**ANN, "subject": "a\r\nBcc: x"}, {"ses_from_email": "a@b.c"}, ValueError, "line break"),
        ({**ANN, **FILE, "subject": "a\nb"}, {"ses_from_email": "a@b.c"}, ValueError, "line break"),
        ({**ANN, **FILE, "to_addrs": ["a@b.c\nX: y"]}, {"ses_from_email": "a@b.c"}, ValueError, "linefeed"),
    ],
)
async def test_what_cannot_be_sent_is_refused_here(
    email: dict[str, Any], settings: dict[str, Any], error: type[Exception], said: str, sent: list[Any]
) -> None:
    with pytest.raises(error, match=said):
        await service(**settings).send_email(EmailNotification(**email))
    assert sent == []
