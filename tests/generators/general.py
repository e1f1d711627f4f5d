"""Keys of platforms and tools with one-string formats: `general` of the format reference."""

import json
import random

from tests.generators import carriers, checksums
from tests.generators.encoded import base64_text, base64_url, jwt
from tests.generators.formats import STUB, Format
from tests.generators.sample import Sample
from tests.generators.shapes import UUID, pick

_GITHUB = "GITHUB_TOKEN GH_TOKEN GITHUB_PAT GH_PAT GITHUB_ACCESS_TOKEN NODE_AUTH_TOKEN"
_GITLAB = "GITLAB_TOKEN GITLAB_PRIVATE_TOKEN CI_JOB_TOKEN GL_TOKEN"
_HOOK = "https://hooks.slack.com/services/"
_SLACK = "SLACK_TOKEN SLACK_BOT_TOKEN"
_STRIPE = "STRIPE_SECRET_KEY STRIPE_API_KEY"
_CLOUDFLARE = "CLOUDFLARE_API_TOKEN CF_API_TOKEN"
_DO = "DIGITALOCEAN_TOKEN DIGITALOCEAN_ACCESS_TOKEN DO_API_TOKEN"
_TFE = "TF_TOKEN_app_terraform_io TFE_TOKEN ATLAS_TOKEN"
_META = "META_ACCESS_TOKEN FB_ACCESS_TOKEN"


def _github() -> tuple[Format, ...]:
    kind = "github-tokens"
    return (
        *(Format(kind, f"gh{which}_{{alnum:36}}", _GITHUB, fix=checksums.github) for which in "pour"),
        Format(kind, "ghs_{alnum:36}", _GITHUB, near=STUB, fix=checksums.github),
        Format(kind, "ghr_{alnum:76}", _GITHUB, near=STUB, fix=checksums.github),
        Format(kind, "github_pat_{alnum:22}_{alnum:59}", _GITHUB, fix=checksums.github_fine_grained),
    )


def _gitlab() -> tuple[Format, ...]:
    kind, guess = "gitlab-tokens", "length not documented: "
    return (
        Format(kind, "glpat-{url:20}", _GITLAB),
        Format(kind, "glpat-{url:27-300}.{lowernum:2}{lowernum:7}", _GITLAB, fix=checksums.gitlab_routable),
        Format(kind, "glpat-{url:27-300}.01.{lowernum:2}{lowernum:7}", _GITLAB, fix=checksums.gitlab_routable),
        *(Format(kind, f"{prefix}-{{url:20}}", _GITLAB) for prefix in ("gldt", "glft", "glsoat", "glrt")),
        Format(kind, "glptt-{hex:40}", _GITLAB),
        Format(kind, "glimt-{url:25}", _GITLAB),
        Format(kind, "glagent-{url:50}", _GITLAB),
        Format(kind, "gloas-{hex:64}", _GITLAB),
        Format(kind, "GR1348941{url:20}", _GITLAB),
        *(
            Format(kind, shape, _GITLAB, near=STUB, variant=guess + shape)
            for shape in ("glcbt-{alnum:2}_{url:20}", "glffct-{url:20}", "glwt-{url:20}")
        ),
    )


def _slack() -> tuple[Format, ...]:
    ids, guess = "{digits:10-13}-{digits:10-13}", "length not documented: "
    loose = (
        f"xoxp-{ids}-{{digits:10-13}}-{{hex:32}}",
        f"xoxe-{ids}-{{digits:10-13}}-{{hex:32}}",
        "xapp-1-A{uppernum:10}-{digits:13}-{hex:64}",
        "xoxe.xoxp-1-{alnum:163}",
        "xoxe-1-{alnum:146}",
        f"xoxc-{ids}-{{digits:10-13}}-{{hex:64}}",
        "xoxd-{alnum:160}",
        f"xoxa-2-{ids}-{{digits:10-13}}-{{hex:32}}",
        f"xoxr-2-{ids}-{{digits:10-13}}-{{hex:32}}",
        f"xoxo-{ids}-{{digits:10-13}}-{{hex:32}}",
        f"xoxs-{ids}-{{digits:10-13}}-{{hex:32}}",
    )
    return (
        Format("slack", f"xoxb-{ids}-{{alnum:24}}", _SLACK),
        *(Format("slack", shape, _SLACK, near=STUB, variant=guess + shape) for shape in loose),
        Format(
            "slack",
            f"{_HOOK}T{{uppernum:9}}/B{{uppernum:9}}/{{alnum:24}}",
            "SLACK_WEBHOOK_URL",
            near=f"{_HOOK}T0NORVIK1/B0NORVIK1/{{alnum:24}}",
        ),
        Format("slack", "{hex:32}", "SLACK_SIGNING_SECRET", named=True),
    )


FORMATS = (
    *_github(),
    Format("github-oauth-app", "{hex:40}", "GITHUB_CLIENT_SECRET", named=True),
    *_gitlab(),
    *_slack(),
    *(
        Format("stripe", f"{prefix}{{alnum:{length}}}", _STRIPE, near=prefix + "{alnum:10-247}")
        for prefix in ("sk_live_", "rk_live_", "sk_test_", "rk_test_")
        for length in (24, 99)
    ),
    Format("stripe", "sk_org_{alnum:99}", _STRIPE, near=STUB, variant="sk_org_…, 99 is a guess"),
    Format("stripe", "whsec_{alnum:32-64}", "STRIPE_WEBHOOK_SECRET"),
    Format("stripe", "pk_live_{alnum:99}", "STRIPE_PUBLISHABLE_KEY", variant="public: publishable key"),
    Format("sendgrid", "SG.{url:22}.{url:43}", "SENDGRID_API_KEY"),
    Format("npm", "npm_{alnum:36}", "NPM_TOKEN NODE_AUTH_TOKEN", fix=checksums.github),
    Format("pypi", "pypi-AgEIcHlwaS5vcmc{url:50-1000}", "PYPI_TOKEN TWINE_PASSWORD UV_PUBLISH_TOKEN"),
    Format("vault", "hvs.{url:90-120}", "VAULT_TOKEN", near=STUB),
    Format("vault", "hvs.{url:24}", "VAULT_TOKEN VAULT_DEV_ROOT_TOKEN_ID", near=STUB),
    Format("vault", "hvb.{url:90-120}", "VAULT_TOKEN", near=STUB),
    Format("vault", "hvr.{url:90-120}", "VAULT_TOKEN", near=STUB),
    *(Format("vault", f"{letter}.{{alnum:24}}", "VAULT_TOKEN", named=True) for letter in "sbr"),
    Format("terraform-cloud", "{alnum:14}.atlasv1.{url:60-70}", _TFE),
    *(
        Format("doppler", f"dp.{which}.{{alnum:40-44}}", "DOPPLER_TOKEN")
        for which in ("pt", "st", "st.prd", "ct", "sa", "said", "scim", "audit")
    ),
    *(
        Format(
            "cloudflare", f"{prefix}{{url:40}}{{hex:8}}", _CLOUDFLARE, near=STUB, variant=f"{prefix}…, checksum unknown"
        )
        for prefix in ("cfut_", "cfat_", "cfk_")
    ),
    Format("cloudflare", "{url:40}", _CLOUDFLARE, named=True),
    Format("cloudflare", "{hex:37-45}", "CLOUDFLARE_API_KEY", named=True),
    Format("cloudflare", "v1.0-{hex:24}-{hex:146}", "CLOUDFLARE_ORIGIN_CA_KEY"),
    *(Format("digitalocean", f"do{which}_v1_{{hex:64}}", _DO) for which in "por"),
    Format("datadog", "{hex:32}", "DATADOG_API_KEY DD_API_KEY", named=True),
    Format("datadog", "{hex:40}", "DATADOG_APP_KEY DD_APP_KEY", named=True),
    Format("newrelic", "NRAK-{uppernum:27}", "NEW_RELIC_API_KEY"),
    Format("newrelic", "{hex:32}FFFFNRAL", "NEW_RELIC_LICENSE_KEY", near="{alnum:36}NRAL"),
    Format("newrelic", "{hex:36}NRAL", "NEW_RELIC_LICENSE_KEY", near=STUB),
    Format("newrelic", "NRII-{url:32}", "NEW_RELIC_INSERT_KEY", near=STUB, variant="NRII-…, 32 is a guess"),
    Format("newrelic", "NRJS-{hex:19}", "NEW_RELIC_BROWSER_KEY", variant="public: browser key"),
    Format("grafana", "glsa_{alnum:32}_{hex:8}", "GRAFANA_TOKEN GRAFANA_API_KEY", fix=checksums.grafana),
    Format("telegram", "{digits:8-10}:AA{url:33}", "TELEGRAM_BOT_TOKEN BOT_TOKEN TELEGRAM_TOKEN"),
    Format("meta-facebook", "EAA{alnum:100-200}", _META, near=STUB),
    Format("meta-facebook", "{digits:15-16}|{url:27-40}", _META),
    Format("meta-facebook", "{hex:32}", "FACEBOOK_APP_SECRET", named=True),
    Format("render", "rnd_{alnum:28}", "RENDER_API_KEY", near="rnd_{alnum:24-32}"),
    *(Format("vercel", f"vc{which}_{{url:56}}", "VERCEL_TOKEN VERCEL_API_TOKEN") for which in "piar"),
    Format("vercel", "{alnum:24}", "VERCEL_TOKEN VERCEL_API_TOKEN", named=True),
    *(Format("netlify", f"nf{which}_{{alnum:36}}", "NETLIFY_AUTH_TOKEN") for which in "pcou"),
    Format("netlify", "{url:43-46}", "NETLIFY_AUTH_TOKEN", named=True),
    Format("supabase", "sbp_{hex:40}", "SUPABASE_ACCESS_TOKEN"),
    Format("supabase", "sb_secret_{url:22}_{url:8}", "SUPABASE_SECRET_KEY", near="sb_secret_{url:31}"),
    Format("supabase", "sb_publishable_{url:22}_{url:8}", "SUPABASE_KEY", variant="public: publishable key"),
    Format("railway", UUID, "RAILWAY_TOKEN RAILWAY_API_TOKEN", named=True),
    Format("heroku", "HRKU-AA{url:58}", "HEROKU_API_KEY"),
    Format("heroku", UUID, "HEROKU_API_KEY", named=True),
    Format("kong", "kpat_{alnum:49}", "KONNECT_TOKEN KONG_ADMIN_TOKEN", near=STUB, variant="kpat_…, about 49"),
    Format("kong", "spat_{alnum:49}", "KONNECT_TOKEN DECK_KONNECT_TOKEN", near=STUB, variant="spat_…, about 49"),
    Format("consul", UUID, "CONSUL_HTTP_TOKEN CONSUL_TOKEN", named=True),
    Format("sentry-token", "sntryu_{hex:64}", "SENTRY_AUTH_TOKEN"),
    Format("neon-api", "napi_{alnum:64}", "NEON_API_KEY"),
    *(Format("planetscale", f"pscale_{which}_{{url:32-64}}", "PLANETSCALE_TOKEN") for which in ("tkn", "pw", "oauth")),
    Format("azure-client-secret", "{entra:3}{digits:1}Q~{entra:31-34}", "AZURE_CLIENT_SECRET"),
    *(Format("shopify", f"shp{which}_{{hex:32}}", "SHOPIFY_TOKEN") for which in ("at", "ca", "pa", "ss")),
    Format("linear", "lin_api_{alnum:40}", "LINEAR_API_KEY"),
    Format("notion", "ntn_{alnum:46}", "NOTION_TOKEN"),
    Format("notion", "secret_{alnum:43}", "NOTION_TOKEN"),
    Format("postman", "PMAK-{hex:24}-{hex:34}", "POSTMAN_API_KEY"),
    Format("atlassian", "ATATT3{url:186}", "ATLASSIAN_TOKEN JIRA_API_TOKEN"),
    Format("atlassian", "ATATT3{url:177}={HEX:8}", "CONFLUENCE_TOKEN", near=STUB),
    Format("atlassian", "ATCTT3{url:186}", "ATLASSIAN_TOKEN", near=STUB, variant="ATCTT3…, 186 is a guess"),
    Format("atlassian", "ATBB{alnum:32}", "BITBUCKET_TOKEN", near=STUB, variant="ATBB…, 32 is a guess"),
    Format("atlassian", "BBDC-{base64:44}", "BITBUCKET_TOKEN", near=STUB, variant="BBDC-…, 44 is a guess"),
)


def github_app_token(rng: random.Random) -> list[Sample]:
    """Return the installation token of 2026: the app's id and a JWT of about 520 characters in all."""
    claims = {"iss": pick(rng, "digits", 7), "enterprise": pick(rng, "digits", 12), "sub": pick(rng, "alnum", 24)}
    value = f"ghs_{pick(rng, 'digits', 7)}_{jwt(rng, claims, 'RS256')}"
    return [Sample("github-tokens", carriers.setting(rng, "GITHUB_TOKEN", value), value, variant="ghs_APPID_JWT")]


def npmrc(rng: random.Random) -> list[Sample]:
    """Return the token lines of an .npmrc, with today's token and with a legacy UUID."""
    now = checksums.github("npm_" + pick(rng, "alnum", 36))
    legacy = "-".join(pick(rng, "hex", length) for length in (8, 4, 4, 4, 12))
    return [
        Sample("npm", f"//npm.corp.internal/:_authToken={value}\nalways-auth=true\n", value, variant=variant)
        for value, variant in ((now, ".npmrc"), (legacy, ".npmrc, legacy UUID"))
    ]


def flyio(rng: random.Random) -> list[Sample]:
    """Return Fly.io macaroons, one and several separated by commas; `FlyV1` is the word before them."""
    first, second, third = (base64_text(rng.randbytes(150)) for _ in range(3))
    one, several = f"fm2_{first}", f"fm1r_{second},fm1a_{third}"
    return [
        Sample("flyio", f'FLY_API_TOKEN="FlyV1 {one}"\n', one, variant="fm2_"),
        Sample("flyio", f'export FLY_ACCESS_TOKEN="FlyV1 {several}"\n', several, variant="fm1r_ and fm1a_"),
    ]


def grafana_json(rng: random.Random) -> list[Sample]:
    """Return Grafana Cloud and legacy tokens, which are base64 of JSON."""
    policy = {"o": pick(rng, "digits", 6), "n": "stack-writer", "k": pick(rng, "alnum", 24), "m": {"r": "eu"}}
    cloud = "glc_" + base64_text(json.dumps(policy, separators=(",", ":")))
    old = {"k": pick(rng, "alnum", 32), "n": "deploy", "id": 1}
    legacy = base64_text(json.dumps(old, separators=(",", ":")))
    return [
        Sample("grafana", carriers.setting(rng, "GRAFANA_TOKEN", cloud), cloud, variant="glc_"),
        Sample("grafana", carriers.setting(rng, "GRAFANA_API_KEY", legacy), legacy, variant="eyJrIjoi"),
    ]


def sentry_org(rng: random.Random) -> list[Sample]:
    """Return a Sentry organisation token: base64 of JSON and 43 characters."""
    issued = {"iat": rng.randrange(17 * 10**8, 18 * 10**8), "url": "https://sentry.corp.internal", "org": "norvik"}
    value = f"sntrys_{base64_text(json.dumps(issued))}_{pick(rng, 'base64', 43)}"
    return [Sample("sentry-token", carriers.setting(rng, "SENTRY_AUTH_TOKEN", value), value, variant="sntrys_")]


def supabase_roles(rng: random.Random) -> list[Sample]:
    """Return Supabase' JWT keys: the service role's is a secret, the anonymous role's is public."""
    project = pick(rng, "lower", 20)
    service, anonymous = (
        jwt(rng, {"iss": "supabase", "ref": project, "role": role}) for role in ("service_role", "anon")
    )
    return [
        Sample("supabase", f"SUPABASE_SERVICE_ROLE_KEY={service}\n", service, variant="JWT with role=service_role"),
        Sample("supabase", f"SUPABASE_ANON_KEY={anonymous}\n", anonymous, variant="public: JWT with role=anon"),
    ]


def plain_jwt(rng: random.Random) -> list[Sample]:
    """Return tokens of the two usual algorithms."""
    found = []
    for algorithm in ("HS256", "RS256"):
        value = jwt(rng, {"sub": pick(rng, "digits", 10), "scope": "orders:write"}, algorithm)
        text = rng.choice((carriers.setting(rng, "ACCESS_TOKEN", value), carriers.bare(rng, value)))
        found.append(Sample("jwt", text, value, variant=algorithm))
    return found


def discord(rng: random.Random) -> list[Sample]:
    """Return bot tokens at both ends of the range, and a webhook."""
    samples = []
    for digits, tail in ((18, 27), (20, 38)):
        owner = base64_url("1" + pick(rng, "digits", digits - 1))
        value = f"{owner}.{pick(rng, 'url', 6)}.{pick(rng, 'url', tail)}"
        text = carriers.setting(rng, rng.choice(("DISCORD_TOKEN", "DISCORD_BOT_TOKEN")), value)
        samples.append(Sample("discord", text, value, variant=f"bot token, {digits}-digit id"))
    for digits in (18, 20):
        hook = f"https://discord.com/api/webhooks/1{pick(rng, 'digits', digits - 1)}/{pick(rng, 'url', 68)}"
        samples.append(Sample("discord", carriers.setting(rng, "DISCORD_WEBHOOK_URL", hook), hook, variant="webhook"))
    return samples


SPECIAL = {
    "github-tokens": (github_app_token,),
    "npm": (npmrc,),
    "flyio": (flyio,),
    "grafana": (grafana_json,),
    "sentry-token": (sentry_org,),
    "supabase": (supabase_roles,),
    "jwt": (plain_jwt,),
    "discord": (discord,),
}
"""Generators beyond the table."""
