"""Keys of LLM and AI vendors: `llm_and_ai` of the format reference."""

import random

from tests.generators import carriers, shapes
from tests.generators.encoded import base64_text, jwt
from tests.generators.formats import STUB, Format
from tests.generators.sample import Sample
from tests.generators.shapes import UUID, pick

_MARK = "T3BlbkFJ"
_OPENAI = "OPENAI_API_KEY OPENAI_KEY OPENAI_TOKEN OPENAI_SECRET_KEY"
_PROJECT = "OPENAI_API_KEY OPENAI_PROJECT_KEY NEXT_PUBLIC_OPENAI_API_KEY VITE_OPENAI_API_KEY"
_SERVICE = "OPENAI_API_KEY OPENAI_SERVICE_KEY"
_GOOGLE = "GEMINI_API_KEY GOOGLE_API_KEY GOOGLE_GENERATIVE_AI_API_KEY GOOGLE_MAPS_API_KEY FIREBASE_API_KEY"
_HF = "HF_TOKEN HUGGINGFACE_TOKEN HUGGINGFACEHUB_API_TOKEN HUGGING_FACE_HUB_TOKEN HF_API_KEY"
_AZURE = "AZURE_OPENAI_API_KEY AZURE_OPENAI_KEY AZURE_COGNITIVE_SERVICES_KEY AZURE_AI_KEY"
_NVIDIA = "NVIDIA_API_KEY NGC_API_KEY NVIDIA_NIM_API_KEY NGC_CLI_API_KEY"
_CLERK = "CLERK_SECRET_KEY CLERK_API_KEY"
_STABILITY = "STABILITY_API_KEY STABILITY_KEY STABILITYAI_API_KEY DREAMSTUDIO_API_KEY"

FORMATS = (
    Format("openai-legacy", "sk-{alnum:20}" + _MARK + "{alnum:20}", _OPENAI),
    Format("openai-project", "sk-proj-{url:74}" + _MARK + "{url:74}", _PROJECT),
    Format("openai-project", "sk-proj-{url:58}" + _MARK + "{url:58}", _PROJECT),
    Format("openai-project", "sk-proj-{alnum:20}" + _MARK + "{alnum:20}", _PROJECT),
    Format("openai-svcacct", "sk-svcacct-{url:74}" + _MARK + "{url:74}", _SERVICE),
    Format("openai-svcacct", "sk-svcacct-{url:46}" + _MARK + "{url:46}", _SERVICE),
    Format(
        "openai-svcacct",
        "sk-service-{lower:7}-{alnum:20}" + _MARK + "{alnum:20}",
        _SERVICE,
        near=STUB,
        variant="sk-service-NAME-…, 20 characters before the mark is a guess",
    ),
    Format("openai-admin", "sk-admin-{url:58}" + _MARK + "{url:58}", "OPENAI_ADMIN_KEY OPENAI_ADMIN_API_KEY"),
    Format("anthropic-api", "sk-ant-api03-{url:93}AA", "ANTHROPIC_API_KEY CLAUDE_API_KEY ANTHROPIC_KEY"),
    Format("anthropic-admin", "sk-ant-admin01-{url:93}AA", "ANTHROPIC_ADMIN_KEY ANTHROPIC_ADMIN_API_KEY"),
    Format("anthropic-enterprise-api01", "sk-ant-api01-{url:93}AA", "CLAUDE_COMPLIANCE_KEY", near=STUB),
    Format("anthropic-oauth", "sk-ant-oat01-{url:93}AA", "CLAUDE_CODE_OAUTH_TOKEN ANTHROPIC_AUTH_TOKEN", near=STUB),
    Format("anthropic-oauth", "sk-ant-oat01-{url:93-95}", "CLAUDE_CODE_OAUTH_TOKEN", near=STUB),
    Format("anthropic-oauth", "sk-ant-ort01-{url:93}AA", "CLAUDE_REFRESH_TOKEN", near=STUB),
    Format("google-api-key", "AIzaSy{url:33}", _GOOGLE),
    Format("google-api-key", "AIza{url:35}", _GOOGLE),
    Format("google-gemini-auth-key", "AQ.Ab8RN6{url:44}", "GEMINI_API_KEY GOOGLE_API_KEY"),
    Format("deepseek", "sk-{hex:32}", "DEEPSEEK_API_KEY", word="deepseek", near="sk-{lowernum:32}"),
    Format("together", "tgp_v1_{url:43}", "TOGETHER_API_KEY TOGETHERAI_API_KEY TOGETHER_AI_API_KEY"),
    Format("together", "{hex:64}", "TOGETHER_API_KEY TOGETHERAI_API_KEY TOGETHER_AI_API_KEY", word="together_ai"),
    Format("xai", "xai-{alnum:80}", "XAI_API_KEY GROK_API_KEY", near="xai-{url:70-120}"),
    Format("perplexity", "pplx-{alnum:48}", "PERPLEXITY_API_KEY PPLX_API_KEY PERPLEXITYAI_API_KEY"),
    Format("mistral", "{alnum:32}", "MISTRAL_API_KEY CODESTRAL_API_KEY", word="mistral"),
    Format("groq", "gsk_{alnum:20}WGdyb3FY{alnum:24}", "GROQ_API_KEY", near="gsk_{alnum:50-54}"),
    Format("groq", "gsk_{alnum:52}", "GROQ_API_KEY", near=STUB, variant="without the mark that is no requirement"),
    Format("cohere", "{alnum:40}", "COHERE_API_KEY CO_API_KEY", word="cohere"),
    Format("huggingface", "hf_{alpha:34}", _HF),
    Format("huggingface", "api_org_{alpha:34}", _HF),
    Format("replicate", "r8_{alnum:37}", "REPLICATE_API_TOKEN REPLICATE_API_KEY", near="r8_{url:37}"),
    Format("openrouter", "sk-or-v1-{hex:64}", "OPENROUTER_API_KEY OPENROUTER_KEY"),
    Format("fireworks", "fw_{alnum:24}", "FIREWORKS_API_KEY"),
    Format("fireworks", "{alnum:48}", "FIREWORKS_API_KEY", word="fireworks_ai", near=STUB),
    Format("azure-openai", "{hex:32}", _AZURE, word="azure_openai"),
    Format("azure-openai", "{alnum:52}JQQJ99{alnum:18}ACOG{alnum:4}", _AZURE),
    Format("cerebras", "csk-{lowernum:48}", "CEREBRAS_API_KEY"),
    Format("elevenlabs", "sk_{hex:48}", "ELEVENLABS_API_KEY ELEVEN_API_KEY XI_API_KEY"),
    Format("elevenlabs", "{hex:32}", "ELEVENLABS_API_KEY ELEVEN_API_KEY XI_API_KEY", word="elevenlabs"),
    Format("stability", "sk-{alnum:48}", _STABILITY, word="stability_ai"),
    Format("voyage", "pa-{url:43}", "VOYAGE_API_KEY VOYAGEAI_API_KEY"),
    Format("voyage", "al-{url:43}", "VOYAGE_API_KEY", word="voyage", near=STUB, variant="al-…, 43 is a guess"),
    Format("jina", "jina_{hex:32}{alnum:28}", "JINA_API_KEY JINA_KEY JINA_AUTH_TOKEN"),
    Format("assemblyai", "{hex:32}", "ASSEMBLYAI_API_KEY AAI_API_KEY", word="assemblyai", near="{lowernum:32}"),
    Format("langsmith", "lsv2_pt_{hex:32}_{hex:10}", "LANGSMITH_API_KEY LANGCHAIN_API_KEY"),
    Format("langsmith", "lsv2_sk_{hex:32}_{hex:10}", "LANGSMITH_API_KEY LANGCHAIN_API_KEY"),
    Format("langsmith", "ls__{hex:32}", "LANGSMITH_API_KEY LANGCHAIN_API_KEY"),
    Format("pinecone", "pcsk_{alnum:5-6}_{alnum:63}", "PINECONE_API_KEY"),
    Format("pinecone", UUID, "PINECONE_API_KEY", word="pinecone"),
    Format("weaviate", "{url:20-120}", "WEAVIATE_API_KEY WCD_API_KEY WCS_API_KEY", word="weaviate", near=STUB),
    Format("databricks", "dapi{hex:32}", "DATABRICKS_TOKEN DATABRICKS_ACCESS_TOKEN"),
    Format("databricks", "dapi{hex:32}-{digits:1}", "DATABRICKS_TOKEN", near=STUB),
    Format("databricks", "dose{hex:32}", "DATABRICKS_CLIENT_SECRET"),
    Format("nvidia-nim", "nvapi-{url:64}", _NVIDIA),
    Format("nvidia-nim", "{alnum:84}", _NVIDIA, word="nvidia"),
    Format("ai21", UUID, "AI21_API_KEY", word="ai21"),
    Format("ai21", "{alnum:32}", "AI21_API_KEY", word="ai21", near=STUB),
    Format("anyscale", "esecret_{alnum:26}", "ANYSCALE_API_KEY", near=STUB, variant="esecret_…, about 26"),
    Format("anyscale", "aph0_{alnum:60}", "ANYSCALE_CLI_TOKEN", word="anyscale", near=STUB, variant="aph0_…, a guess"),
    Format("anyscale", "sss_{alnum:60}", "ANYSCALE_CLI_TOKEN", word="anyscale", near=STUB, variant="sss_…, a guess"),
    Format("anyscale", "anyscale_{alnum:30}", "ANYSCALE_API_KEY", near="anyscale_{alnum:30-500}"),
    Format("deepgram", "{hex:40}", "DEEPGRAM_API_KEY DG_API_KEY", word="deepgram"),
    Format("moonshot", "sk-{url:48}", "MOONSHOT_API_KEY KIMI_API_KEY", word="moonshot"),
    Format("moonshot", "sk-kimi-{url:48}", "KIMI_API_KEY", near=STUB, variant="sk-kimi-…, 48 is a guess"),
    Format("zhipu", "{hex:32}.{alnum:16}", "ZHIPUAI_API_KEY ZAI_API_KEY GLM_API_KEY BIGMODEL_API_KEY"),
    Format(
        "dashscope", "sk-{hex:32}", "DASHSCOPE_API_KEY QWEN_API_KEY BAILIAN_API_KEY ALIBABA_API_KEY", word="dashscope"
    ),
    Format("minimax", "sk-api-{url:119}", "MINIMAX_API_KEY"),
    Format("tavily", "tvly-{alnum:32}", "TAVILY_API_KEY"),
    Format("tavily", "tvly-dev-{alnum:32}", "TAVILY_API_KEY"),
    Format("tavily", "tvly-prod-{alnum:32}", "TAVILY_API_KEY"),
    Format("langfuse", f"sk-lf-{UUID}", "LANGFUSE_SECRET_KEY"),
    Format("langfuse", f"pk-lf-{UUID}", "LANGFUSE_PUBLIC_KEY", variant="public: user name of the pair"),
    Format("wandb", "{hex:40}", "WANDB_API_KEY", word="wandb"),
    Format("wandb", "wandb_v1_{word:77}", "WANDB_API_KEY"),
    Format("clerk", "sk_live_{alnum:32-50}", _CLERK, word="clerk"),
    Format("clerk", "sk_test_{alnum:32-50}", _CLERK, word="clerk"),
    Format("vercel-ai-gateway", "vck_{url:56}", "AI_GATEWAY_API_KEY"),
    Format("ollama", "{hex:32}.{url:24}", "OLLAMA_API_KEY", word="ollama", near="{url:32}.{url:24}"),
    Format("runpod", "rpa_{uppernum:40}{alnum:6}", "RUNPOD_API_KEY"),
    Format("cursor", "key_{hex:64}", "CURSOR_API_KEY"),
    Format("upstage", "up_{alnum:40-50}", "UPSTAGE_API_KEY", word="upstage"),
    Format("upstage", "{alnum:40-50}", "UPSTAGE_API_KEY", word="upstage"),
    Format("meta-llama", "LLM|{digits:15}|{url:27}", "LLAMA_API_KEY", near=STUB),
    Format("exa", UUID, "EXA_API_KEY", word="exa_py"),
    Format("firecrawl", "fc-{hex:32}", "FIRECRAWL_API_KEY"),
)


def bedrock_long(rng: random.Random) -> list[Sample]:
    """Return long-term Bedrock keys: typical, with padding, and of the longest accepted length."""
    found = []
    for size in (95, 94, 200):
        owner = f"BedrockAPIKey-{pick(rng, 'lowernum', 4)}-at-{pick(rng, 'digits', 12)}:"
        value = "ABSK" + base64_text(owner + pick(rng, "base64", size - len(owner)))
        text = carriers.setting(rng, "AWS_BEARER_TOKEN_BEDROCK", value)
        found.append(Sample("aws-bedrock-long", text, value, variant=f"{len(value)} characters"))
    return found


def bedrock_short(rng: random.Random) -> list[Sample]:
    """Return a short-term Bedrock key: a presigned URL in base64."""
    credential = f"ASIA{pick(rng, 'base32', 16)}%2F20261103%2Fus-east-1%2Fbedrock%2Faws4_request"
    query = f"Action=CallWithBearerToken&X-Amz-Credential={credential}&X-Amz-Expires=43200"
    signed = f"bedrock.amazonaws.com/?{query}&X-Amz-Signature={pick(rng, 'hex', 64)}&Version=1"
    value = "bedrock-api-key-" + base64_text(signed)
    text = carriers.setting(rng, "AWS_BEARER_TOKEN_BEDROCK", value)
    return [Sample("aws-bedrock-short", text, value, variant="presigned URL")]


def minimax_jwt(rng: random.Random) -> list[Sample]:
    """Return MiniMax' older keys: an RS256 token beside a group id."""
    group = pick(rng, "digits", 19)
    value = jwt(rng, {"GroupName": "norvik", "SubjectID": pick(rng, "digits", 19), "GroupID": group}, "RS256")
    text = f"MINIMAX_GROUP_ID={group}\nMINIMAX_API_KEY={value}\n"
    return [Sample("minimax", text, value, variant="JWT with GroupName and SubjectID")]


def langfuse_pair(rng: random.Random) -> list[Sample]:
    """Return the secret half beside its public half."""
    public, secret = (f"{half}-lf-{shapes.draw(UUID, rng)}" for half in ("pk", "sk"))
    text = f"LANGFUSE_PUBLIC_KEY={public}\nLANGFUSE_SECRET_KEY={secret}\nLANGFUSE_HOST=https://langfuse.corp.internal\n"
    return [Sample("langfuse", text, secret, variant="pair")]


def clerk_publishable(rng: random.Random) -> list[Sample]:
    """Return a publishable key: base64 of the front-end host and a dollar sign."""
    value = "pk_live_" + base64_text(f"clerk.{pick(rng, 'lower', 9)}.dev$").rstrip("=")
    text = carriers.setting(rng, "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", value)
    return [Sample("clerk", text, value, variant="public: publishable key")]


def wandb_netrc(rng: random.Random) -> list[Sample]:
    """Return a netrc entry for Weights & Biases."""
    value = pick(rng, "hex", 40)
    text = f"machine api.wandb.ai\n  login user\n  password {value}\n"
    return [Sample("wandb", text, value, variant="netrc")]


def firebase_config(rng: random.Random) -> list[Sample]:
    """Return a web app's Firebase configuration, public by design."""
    value, app = "AIzaSy" + pick(rng, "url", 33), pick(rng, "lower", 8)
    text = f"const firebaseConfig = {{\n  apiKey: '{value}',\n  authDomain: '{app}.firebaseapp.com',\n}};\n"
    return [Sample("google-api-key", text, value, variant="public: Firebase web configuration")]


SPECIAL = {
    "aws-bedrock-long": (bedrock_long,),
    "aws-bedrock-short": (bedrock_short,),
    "minimax": (minimax_jwt,),
    "langfuse": (langfuse_pair,),
    "clerk": (clerk_publishable,),
    "wandb": (wandb_netrc,),
    "google-api-key": (firebase_config,),
}
"""Generators beyond the table."""
