"""An authority of our own and a certificate for this machine's loopback, made anew for each server."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.processes import Workspace


class Certificates(NamedTuple):
    """Files in a server's directory."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(workspace: Workspace) -> Certificates:
    """Write an authority, and a certificate of it for localhost and 127.0.0.1."""
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("authority of a test")
    authority = _begun(issuer, issuer, root).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = _begun(_name("localhost"), issuer, own).add_extension(
        x509.SubjectAlternativeName(names), critical=False
    )
    key = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Certificates(
        workspace.write("authority.pem", _pem(authority.sign(root, hashes.SHA256())), 0o644),
        workspace.write("certificate.pem", _pem(certificate.sign(root, hashes.SHA256()))),
        workspace.write("key.pem", key),
    )


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - timedelta(hours=1),
        now + timedelta(days=1),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
