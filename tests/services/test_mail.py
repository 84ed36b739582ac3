"""The way to the mail server is private, and its certificate is looked at."""

import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crm_admin import clock
from crm_admin.services import mail
from tests.mailing import mail_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that nobody has signed but itself: (its file, a server's use)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "mail.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return file, context


def message_for(server):
    return mail.compose("ana@example.com", "Hello", "Text", server, "1")


def server(port, security, **more):
    values = {"user": "", "password": ""} | more
    return mail.Server(
        "localhost", port, values["user"], values["password"], security, "crm@example.com"
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(certificate, security, monkeypatch):
    file, context = certificate
    options = {"tls_context": context} if security == "starttls" else {"ssl_context": context}
    with mail_server(**options) as (kept, port):
        to = server(port, security)
        with pytest.raises(mail.Unsent, match="certificate verify failed"):
            mail.send(message_for(to), to)
        assert kept.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        mail.send(message_for(to), to)
        assert len(kept.messages) == 1


def test_a_server_that_offers_no_privacy_gets_no_password_and_no_mail():
    with mail_server() as (kept, port):
        to = server(port, "starttls", user="crm", password="secret")
        with pytest.raises(mail.Unsent):
            mail.send(message_for(to), to)
        assert kept.messages == []
