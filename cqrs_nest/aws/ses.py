"""E-mail by Amazon SES (version 2 of its API)."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, cast

from cqrs_nest.aws.errors import AwsConfigurationError
from cqrs_nest.aws.json_text import to_json
from cqrs_nest.aws.session import AwsSession
from cqrs_nest.common import Injectable
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE
from cqrs_nest.config import Environment

_TAG = re.compile(r"\{\{([^{}]{1,255})\}\}")
_CHARSET = "UTF-8"


@dataclass(frozen=True, slots=True)
class EmailAttachment:
    """A file of an e-mail; its type is guessed from its name unless one is given."""

    filename: str
    content: bytes
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    to_addrs: Sequence[str]
    cc_addrs: Sequence[str] = ()
    bcc_addrs: Sequence[str] = ()
    from_addr: str | None = None
    """`SES_FROM_EMAIL` unless another one is given."""
    reply_to_addrs: Sequence[str] = ()
    email_tags: Mapping[str, str] = field(default_factory=dict[str, str])
    configuration_set_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailNotification(_Envelope):
    """An e-mail. `body` is HTML; `text` is shown where HTML is not."""

    subject: str
    body: str
    text: str | None = None
    attachments: Sequence[EmailAttachment] = ()


@dataclass(frozen=True, slots=True)
class InlineTemplate:
    """Subject and content with places such as `{{ order.number }}`."""

    subject: str
    html: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatedEmailNotification(_Envelope):
    """An e-mail whose places are filled in with `data`."""

    template: InlineTemplate
    data: Mapping[str, Any]


@SetMetadata(HOW_TO_PROVIDE, "add AwsModule to the imports of {module}")
@Injectable()
class EmailService:
    """Sends e-mail. Every method gives the id that SES has for the message."""

    def __init__(self, session: AwsSession, environment: Environment) -> None:
        self._session = session
        self._from = environment.ses_from_email
        self._is_offline = environment.is_offline

    async def send_email(self, email: EmailNotification) -> str:
        """Send an e-mail, with attachments as a MIME message.

        Raises ValueError without a recipient or for a line break in an address or the subject,
        AwsConfigurationError without a sender, and ClientError when SES refuses.
        """
        if email.attachments:
            return await self._send(email, {"Raw": {"Data": self._mime(email).as_bytes()}})
        content = {"Html": _content(email.body), **({"Text": _content(email.text)} if email.text else {})}
        simple = {"Subject": _content(_one_line(email.subject)), "Body": content}
        return await self._send(email, {"Simple": simple})

    async def send_inline_template_email(self, email: TemplatedEmailNotification) -> str:
        """Send an e-mail that SES makes of a template and its data.

        With `IS_OFFLINE` the places are filled in here; one without a value stays as it is. Raises what
        `send_email` raises.
        """
        template = email.template
        if self._is_offline:
            return await self._send(email, {"Simple": _filled_in(template, email.data)})
        text = {"Text": template.text} if template.text is not None else {}
        content = {"Subject": template.subject, "Html": template.html, **text}
        return await self._send(
            email, {"Template": {"TemplateContent": content, "TemplateData": to_json(email.data)}}
        )

    async def _send(self, email: _Envelope, content: Mapping[str, Any]) -> str:
        if not (email.to_addrs or email.cc_addrs or email.bcc_addrs):
            raise ValueError("The e-mail has no recipient: give to_addrs, cc_addrs or bcc_addrs.")
        destination = {
            "ToAddresses": list(email.to_addrs),
            "CcAddresses": list(email.cc_addrs),
            "BccAddresses": list(email.bcc_addrs),
        }
        request: dict[str, Any] = {
            "FromEmailAddress": self._sender(email),
            "Destination": {name: addresses for name, addresses in destination.items() if addresses},
            "Content": content,
        }
        if email.reply_to_addrs:
            request["ReplyToAddresses"] = list(email.reply_to_addrs)
        if email.email_tags:
            request["EmailTags"] = [
                {"Name": name, "Value": value} for name, value in email.email_tags.items()
            ]
        if email.configuration_set_name:
            request["ConfigurationSetName"] = email.configuration_set_name
        answer = await self._session.call("sesv2", "send_email", **request)
        return str(answer["MessageId"])

    def _sender(self, email: _Envelope) -> str:
        sender = email.from_addr or self._from
        if not sender:
            raise AwsConfigurationError(
                "The e-mail has no sender: give from_addr, or set SES_FROM_EMAIL in the environment"
            )
        return sender

    def _mime(self, email: EmailNotification) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = _one_line(email.subject)
        message["From"] = self._sender(email)
        for header, addresses in (
            ("To", email.to_addrs),
            ("Cc", email.cc_addrs),
            ("Reply-To", email.reply_to_addrs),
        ):
            if addresses:
                message[header] = ", ".join(addresses)
        if email.text is not None:
            message.set_content(email.text)
            message.add_alternative(email.body, subtype="html")
        else:
            message.set_content(email.body, subtype="html")
        for attachment in email.attachments:
            kind = attachment.content_type or mimetypes.guess_type(attachment.filename)[0]
            main, _, sub = (kind or "application/octet-stream").partition("/")
            message.add_attachment(
                attachment.content, maintype=main, subtype=sub, filename=attachment.filename
            )
        return message


def fill_in(template: str, data: Mapping[str, Any]) -> str:
    """A template with its places filled in; one without a value stays as it is.

    >>> fill_in("{{ order.number }} for {{name}}, {{ missing }}", {"order": {"number": 7}, "name": "Ann"})
    '7 for Ann, {{ missing }}'
    """

    def value(place: re.Match[str]) -> str:
        found = _at(data, place[1].strip().split("."))
        return place[0] if found is None else str(found)

    return _TAG.sub(value, template)


def _at(data: Any, path: Sequence[str]) -> object:
    """The value at a path; None where there is none."""
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = cast(Mapping[str, Any], data).get(name)
    return data


def _filled_in(template: InlineTemplate, data: Mapping[str, Any]) -> dict[str, Any]:
    body = {"Html": _content(fill_in(template.html, data))}
    if template.text is not None:
        body["Text"] = _content(fill_in(template.text, data))
    return {"Subject": _content(fill_in(template.subject, data)), "Body": body}


def _content(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": _CHARSET}


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("The subject of an e-mail holds no line break.")
    return text
