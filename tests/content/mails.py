"""Mails to test with, as real software writes them."""

from email.message import EmailMessage


def mail(
    *,
    sender: str = '"Jäne Doe" <jane@x.org>',
    to: str = "bob@x.org",
    subject: str = "grüße an jane",
    body: str = "hallo jane\n\ngrüße\n",
    cte: str = "8bit",
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<1234@mx.x.org>"
    message.set_content(body, cte=cte)
    return message


def with_attachments(message: EmailMessage, *files: tuple[str, bytes]) -> EmailMessage:
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message
