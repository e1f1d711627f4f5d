"""Clients of AWS as the operator's environment and profiles say, and as nothing else does.

boto3 reads `os.environ`; here the same names are read from the mapping that a context carries. A repository says
neither address nor region nor role. No proxy is taken from the environment, and nothing is sent twice by itself.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from secretguard.errors import IssuerError, RemoteError
from secretguard.rotation import Context, Login
from secretguard_aws.calls import Service

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

_GLOBAL = "us-east-1"
"""The region of services that need none: IAM, and STS where nobody names one."""
_QUIET = ("boto3", "botocore", "urllib3")
"""Loggers that would write the body of every request."""


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """An environment that is compared by what it holds, and shows none of it."""

    variables: frozenset[tuple[str, str]] = field(repr=False)

    @property
    def environ(self) -> Mapping[str, str]:
        return dict(self.variables)


def service(name: str, context: Context, error: type[RemoteError] = IssuerError, login: Login | None = None) -> Service:
    """Return the service `name`, asked as the operator, or as `login`.

    Raises `error` where boto3, a region or credentials are missing.
    """
    surroundings = _surroundings(context)
    make = _client if login is None else _client.__wrapped__  # a leaked key is not kept
    failure: RemoteError
    try:
        client, key_id = make(name, surroundings, context.timeout, login)
    except ImportError:
        failure = error("boto3 is not installed", hint="pip install 'secretguard[aws]'")
    except Exception as failed:  # botocore has a hundred of its own; none is known to be harmless to repeat
        failure = error(*_told(type(failed).__name__))
    else:
        return Service(client, urlsplit(client.meta.endpoint_url).netloc, context.timeout, error, key_id)
    raise failure


def _surroundings(context: Context) -> _Surroundings:
    """Return the part of the environment that is about AWS."""
    return _Surroundings(
        frozenset((name, value) for name, value in context.environ.items() if name.startswith("AWS_") or name == "HOME")
    )


def _told(kind: str) -> tuple[str]:
    reasons = {
        "NoRegionError": "AWS needs a region: set AWS_REGION, or `region` in your profile",
        "ProfileNotFound": "AWS_PROFILE names a profile that your AWS configuration does not have",
        "NoCredentialsError": "there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
        "ValueError": "AWS_ENDPOINT_URL is no address",
    }
    return (reasons.get(kind, f"the AWS client cannot be set up ({kind}): look at your AWS configuration"),)


@lru_cache(maxsize=8)
def _client(name: str, surroundings: _Surroundings, seconds: float, login: Login | None) -> tuple[Any, str]:
    import boto3
    from botocore.exceptions import NoCredentialsError

    for logger in _QUIET:
        logging.getLogger(logger).setLevel(logging.WARNING)
    environ = surroundings.environ
    session = session_of(environ)
    session.set_default_client_config(_config(seconds))
    region = environ.get("AWS_REGION") or session.get_config_variable("region")
    if login:
        session.set_credentials(login.user, login.secret.reveal())
    operator = session.get_credentials()
    if operator is None:
        raise NoCredentialsError
    make: Any = boto3.Session(botocore_session=session).client
    client = make(
        name,
        region_name=region or (None if name == "secretsmanager" else _GLOBAL),
        endpoint_url=_endpoint(name, session, environ),
        verify=session.get_config_variable("ca_bundle") or True,
    )
    return client, str(operator.access_key)


def _config(seconds: float) -> "Config":
    from botocore.config import Config

    make: Any = Config  # its stubs lag behind
    config: Config = make(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
        proxies={},
        ignore_configured_endpoint_urls=True,  # ours is found below, in the same places
        parameter_validation=False,  # its complaints quote what they complain about
    )
    return config


def session_of(environ: Mapping[str, str]) -> "Session":
    """Return a botocore session that looks for its settings and credentials in `environ` and the files it names."""
    from botocore.configprovider import ConfigChainFactory
    from botocore.session import Session

    session = Session()
    chain, store = ConfigChainFactory(session, dict(environ)), session.get_component("config_store")
    for name, (prop, variables, default, convert) in Session.SESSION_VARIABLES.items():
        at_home = isinstance(default, str) and default.startswith("~/") and "HOME" in environ
        store.set_config_provider(
            name,
            chain.create_config_chain(
                instance_name=name,
                env_var_names=variables,
                config_property_names=prop,
                default=environ["HOME"] + default[1:] if at_home else default,
                conversion_func=convert,
            ),
        )
    _choose_providers(session, environ)
    return session


def _choose_providers(session: "Session", environ: Mapping[str, str]) -> None:
    """Keep the sources of credentials that `environ` speaks of: some of them only look into the process's own."""
    resolver = session.get_component("credential_provider")
    resolver.get_provider("env").environ = environ
    unwanted = ["ec2-credentials-file", "boto-config"]  # of the boto before boto3
    profile = session.get_scoped_config() if session.profile or "default" in session.available_profiles else {}
    if not ("AWS_WEB_IDENTITY_TOKEN_FILE" in environ or "web_identity_token_file" in profile):
        unwanted.append("assume-role-with-web-identity")
    if not any(name.startswith("AWS_CONTAINER_CREDENTIALS_") for name in environ):
        unwanted.append("container-role")
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        unwanted.append("iam-role")
    for name in unwanted:
        resolver.remove(name)


def _endpoint(name: str, session: "Session", environ: Mapping[str, str]) -> str | None:
    """Return the address that the operator chose in place of AWS's own, in botocore's order of precedence."""
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    key = {"secretsmanager": "secrets_manager"}.get(name, name)
    profile = session.get_scoped_config()
    section = session.full_config.get("services", {}).get(profile.get("services", ""), {})
    return (
        environ.get(f"AWS_ENDPOINT_URL_{key.upper()}")
        or environ.get("AWS_ENDPOINT_URL")
        or section.get(key, {}).get("endpoint_url")
        or profile.get("endpoint_url")
    )
