"""`flask mail`: try whether mail can be sent."""

import click
from flask import current_app
from flask.cli import AppGroup

from crm_admin.errors import CrmError
from crm_admin.services import mail
from crm_admin.services.mail import Server

command = AppGroup("mail", help="Try whether mail can be sent.")


@command.command("test")
@click.argument("address")
def test(address: str) -> None:
    """Send a message to ADDRESS now, and say what the server answered."""
    server = Server.of(current_app.config)
    if server is None:
        raise click.ClickException("Mail is not set up: CRM_MAIL_HOST names no server.")
    product = " ".join(current_app.config["PRODUCT_NAME"].split())
    text = f"{product} can send mail through {server.host}.\n"
    try:
        mail.send(mail.compose(address, f"{product}: a test", text, server, "test"), server)
    except CrmError as error:
        raise click.ClickException(f"It was not sent: {error}") from error
    click.echo(f"{server.host} has taken a message to {address}.")
