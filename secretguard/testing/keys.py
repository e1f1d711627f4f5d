"""Made-up keys in the documented shapes of their vendors; a shape by itself is nobody's key."""

import random
from collections.abc import Iterator
from itertools import cycle, islice

from secretguard.examples import fill
from secretguard.testing.manifest import Planted

LLM_SHAPES = {
    "openai": ("OPENAI_API_KEY", "sk-proj-{{base64url:73}}aT3BlbkFJ{{base64url:73}}a"),
    "anthropic": ("ANTHROPIC_API_KEY", "sk-ant-api03-{{base64url:93}}AA"),
    "google": ("GEMINI_API_KEY", "AIzaSy{{alnum:33}}"),
    "groq": ("GROQ_API_KEY", "gsk_{{alnum:20}}WGdyb3FY{{alnum:24}}"),
    "huggingface": ("HF_TOKEN", "hf_{{alpha:34}}"),
    "xai": ("XAI_API_KEY", "xai-{{alnum:80}}"),
    "perplexity": ("PERPLEXITY_API_KEY", "pplx-{{alnum:48}}"),
    "openrouter": ("OPENROUTER_API_KEY", "sk-or-v1-{{hex:64}}"),
    "openai-old": ("OPENAI_API_KEY", "sk-{{alnum:20}}T3BlbkFJ{{alnum:20}}"),
    "anthropic-admin": ("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-{{base64url:93}}AA"),
    "google-auth": ("GOOGLE_API_KEY", "AQ.Ab8RN6{{base64url:43}}a"),
    "openai-service": ("OPENAI_API_KEY", "sk-svcacct-{{base64url:73}}aT3BlbkFJ{{base64url:73}}a"),
}
"""Name -> (the variable it lives in, its shape): twelve kinds of eight vendors."""


def llm_keys(rng: random.Random) -> Iterator[Planted]:
    """Yield made-up LLM keys without end, vendor after vendor."""
    for number, (name, (variable, shape)) in enumerate(cycle(LLM_SHAPES.items())):
        yield Planted(f"{name}-{number}", fill(shape, rng.getrandbits(32)), variable=variable)


def llm_key(rng: random.Random) -> Planted:
    """Return one made-up LLM key."""
    return next(islice(llm_keys(rng), rng.randrange(len(LLM_SHAPES)), None))


def aws_key(rng: random.Random) -> Planted:
    """Return a made-up AWS access key; its id is the user half."""
    key_id = fill("AKIA{{base32:16}}", rng.getrandbits(32))
    return Planted("aws", fill("{{alnum:12}}/{{alnum:14}}+{{alnum:12}}", rng.getrandbits(32)), "aws", key_id)
