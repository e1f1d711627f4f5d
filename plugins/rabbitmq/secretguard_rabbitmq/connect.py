"""One login tried at one address over AMQP 0-9-1 with SASL PLAIN, as the application does it."""

from functools import cache
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Trial
from secretguard.transport import one_line, reached, trying
from secretguard_rabbitmq.addresses import Address


def tried(address: Address, login: Login, context: Context) -> Trial:
    """Try one login; what is not certain is UNKNOWN. Never raises for what a server does."""
    return trying(address.where, lambda: _tried(address, login, context), seconds=context.timeout)


@cache
def driver() -> Any:
    """Return py-amqp; raises IssuerError if it is not there."""
    try:
        import amqp
    except ImportError:
        raise IssuerError("py-amqp is not installed", hint="pip install 'secretguard[databases]'") from None
    return amqp


@cache
def _connection_class() -> Any:
    class Reached(driver().Connection):  # type: ignore[misc]
        """Over a socket of ours."""

        def Transport(self, *options: Any, **more: Any) -> Any:  # noqa: N802 - the library's name
            transport = super().Transport(*options, **more)

            def connect(host: str, port: int, timeout: float) -> None:
                transport.sock = reached(host, port, seconds=timeout)

            transport._connect = connect
            return transport

    return Reached


def _tried(address: Address, login: Login, context: Context) -> Trial:
    """Raise IssuerError for what may pass, outside of any handler: the library's errors have the login in frames."""
    amqp = driver()
    trusted = {"cafile": context.environ.get("SSL_CERT_FILE") or None, "check_hostname": True}
    connection = _connection_class()(
        address.where,
        login.user,
        login.secret.reveal(),
        login_method="PLAIN",
        virtual_host=address.vhost,
        ssl={"context": trusted, "server_hostname": address.host} if address.tls else False,
        connect_timeout=context.timeout * 0.9,
        read_timeout=context.timeout,
        write_timeout=context.timeout,
        client_properties={"connection_name": context.name if context.rotation else "secretguard"},
    )
    try:
        connection.connect()
        connection.close()
    except amqp.AccessRefused:
        return Trial(Answer.REFUSED, "login was refused")
    except amqp.NotAllowed as failed:  # said of Connection.Open, which comes after the login
        return Trial(Answer.WORKS, f"the password is accepted, but {_words(failed.reply_text)}")
    except (amqp.AMQPError, OSError, ValueError) as failed:
        untrusted = "certificate" in str(failed).lower()
        refusal = IssuerError(f"{address.where}: {_words(failed)}", transient=not untrusted)
    else:
        return Trial(Answer.WORKS)
    finally:
        connection.collect()
    raise refusal


def _words(said: object) -> str:
    return one_line(said, 200) or "the connection broke off"
