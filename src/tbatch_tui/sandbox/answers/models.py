"""The models of the sandbox, as `GET /v2/supported-models` returns them (SDK: `types/supported_model.py`).

The names are real, so that real input files run. The prices, in USD per million tokens, are plausible but made up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["chat", "transcribe", "embedding", "image"]


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model of the catalogue."""

    name: str
    kind: Kind = "chat"
    input: float | None = None
    output: float | None = None
    context: int | None = None
    is_reasoning: bool = False
    deprecated: bool = False
    serverless: bool = True


MODELS = (
    CatalogueModel("meta-llama/Llama-3.3-70B-Instruct-Turbo", input=0.88, output=0.88, context=131072),
    CatalogueModel("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", input=0.18, output=0.18, context=131072),
    CatalogueModel("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", input=0.27, output=0.85, context=1048576),
    CatalogueModel("meta-llama/Llama-4-Scout-17B-16E-Instruct", input=0.18, output=0.59, context=1048576),
    CatalogueModel("meta-llama/Llama-3.2-3B-Instruct-Turbo", input=0.06, output=0.06, context=131072),
    CatalogueModel("Qwen/Qwen2.5-7B-Instruct-Turbo", input=0.3, output=0.3, context=32768),
    CatalogueModel("Qwen/Qwen2.5-72B-Instruct-Turbo", input=1.2, output=1.2, context=32768, deprecated=True),
    CatalogueModel("Qwen/Qwen3-235B-A22B-Instruct-2507-tput", input=0.2, output=0.6, context=262144),
    CatalogueModel("Qwen/Qwen3-Next-80B-A3B-Instruct", input=0.15, output=1.5, context=262144),
    CatalogueModel("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", input=2.0, output=2.0, context=262144),
    CatalogueModel("Qwen/Qwen3.5-397B-A17B", input=0.6, output=3.6, context=262144, is_reasoning=True),
    CatalogueModel("Qwen/Qwen3.5-9B", input=0.1, output=0.15, context=262144, is_reasoning=True),
    CatalogueModel("openai/gpt-oss-120b", input=0.15, output=0.6, context=131072, is_reasoning=True),
    CatalogueModel("openai/gpt-oss-20b", input=0.05, output=0.2, context=131072, is_reasoning=True),
    CatalogueModel("deepseek-ai/DeepSeek-V3", input=1.25, output=1.25, context=131072, deprecated=True),
    CatalogueModel("deepseek-ai/DeepSeek-V3.1", input=0.6, output=1.7, context=131072, is_reasoning=True),
    CatalogueModel("deepseek-ai/DeepSeek-R1", input=3.0, output=7.0, context=163840, is_reasoning=True),
    CatalogueModel("moonshotai/Kimi-K2-Instruct-0905", input=1.0, output=3.0, context=262144),
    CatalogueModel("moonshotai/Kimi-K2.5", input=0.5, output=2.8, context=262144, is_reasoning=True),
    CatalogueModel("zai-org/GLM-4.5-Air-FP8", input=0.2, output=1.1, context=131072, is_reasoning=True),
    CatalogueModel("zai-org/GLM-5", input=1.0, output=3.2, context=202752, is_reasoning=True),
    CatalogueModel("mistralai/Mistral-Small-24B-Instruct-2501", input=0.1, output=0.3, context=32768),
    CatalogueModel("mistralai/Mixtral-8x7B-Instruct-v0.1", input=0.6, output=0.6, context=32768),
    CatalogueModel("google/gemma-3n-E4B-it", input=0.02, output=0.04, context=32768),
    CatalogueModel("openai/whisper-large-v3", "transcribe"),
    CatalogueModel("nvidia/parakeet-tdt-0.6b-v3", "transcribe"),
    CatalogueModel("intfloat/multilingual-e5-large-instruct", "embedding", input=0.02, output=0.0, context=514),
    CatalogueModel("black-forest-labs/FLUX.1-schnell", "image"),
    CatalogueModel("google/gemma-3-27b-it", context=131072, serverless=False),
)

_KINDS: dict[str, Kind] = {model.name: model.kind for model in MODELS if model.serverless}
_OTHERS = frozenset(model.name for model in MODELS if not model.serverless)
_REASONING = frozenset(model.name for model in MODELS if model.is_reasoning)

_CAPABILITIES: dict[Kind, list[str]] = {
    "chat": ["CAPABILITY_CHAT"],
    "transcribe": [],
    "embedding": ["CAPABILITY_EMBEDDING"],
    "image": ["CAPABILITY_IMAGE_GENERATION"],
}


def model_kind(name: str) -> Kind | None:
    """Return the kind of a model, or None if the sandbox does not serve it."""
    return _KINDS.get(name)


def is_dedicated_only(name: str) -> bool:
    """Return whether a model exists and is not served to everyone: a batch cannot use it."""
    return name in _OTHERS


def is_reasoning_model(name: str) -> bool:
    """Return whether a model sends its reasoning before the answer."""
    return name in _REASONING


def model_id(model: CatalogueModel) -> str:
    """Return the id of a model in the catalogue: its name, made fit for a path."""
    return "ml_" + re.sub(r"[^a-z0-9]+", "-", model.name.lower()).strip("-")


def page(after: str | None, limit: int | None, product: str | None, search: str | None, modality: str | None) -> Any:
    """Return a page of the catalogue: `{data, next_cursor}` (SDK: `pagination.py`). The cursor is the last id."""
    chosen = [describe(model) for model in MODELS]
    if product:
        chosen = [entry for entry in chosen if product in entry["products"]]
    if modality:
        chosen = [entry for entry in chosen if modality in entry["inputModalities"]]
    if search:
        text = search.casefold()
        chosen = [entry for entry in chosen if text in entry["name"].casefold() or text in entry["id"]]
    if after:
        ids = [entry["id"] for entry in chosen]
        chosen = chosen[ids.index(after) + 1 :] if after in ids else []
    entries = chosen[: limit or 20]
    has_more = len(chosen) > len(entries)
    return {"object": "list", "data": entries, "next_cursor": entries[-1]["id"] if has_more else None}


def find(entry_id: str) -> dict[str, Any] | None:
    """Return the entry with this id, or None."""
    return next((describe(model) for model in MODELS if model_id(model) == entry_id), None)


def describe(model: CatalogueModel) -> dict[str, Any]:
    """Return the catalogue entry of a model. Without serverless prices it has no `pricing`."""
    takes_audio, makes_images = model.kind == "transcribe", model.kind == "image"
    entry: dict[str, Any] = {
        "id": model_id(model),
        "name": model.name,
        "baseModel": "",
        "baseModelId": "",
        "displayName": model.name.partition("/")[2].replace("-", " "),
        "displayType": model.kind,
        "publisher": model.name.partition("/")[0],
        "capabilities": _CAPABILITIES[model.kind],
        "features": ["FEATURE_REASONING"] if model.is_reasoning else [],
        "inputModalities": ["MODALITY_AUDIO" if takes_audio else "MODALITY_TEXT"],
        "outputModalities": ["MODALITY_IMAGE" if makes_images else "MODALITY_TEXT"],
        "products": ["PRODUCT_SERVERLESS"] if model.serverless else ["PRODUCT_DEDICATED", "PRODUCT_FINE_TUNING"],
        "deploymentProfiles": [],
        "status": "SUPPORTED_MODEL_STATUS_" + ("DEPRECATED" if model.deprecated else "SUPPORTED"),
        "createdAt": "2026-01-15T09:00:00Z",
        "updatedAt": "2026-08-20T09:00:00Z",
    }
    if model.serverless:
        entry["serverlessEndpoint"] = model.name
    if model.context is not None:
        entry["contextLength"] = str(model.context)
    if model.input is not None and model.output is not None:
        entry["pricing"] = {"input": model.input, "cachedInput": round(model.input / 2, 4), "output": model.output}
    return entry


def describe_plainly(model: CatalogueModel) -> dict[str, Any]:
    """Return a model as `GET /v1/models` does (SDK 2.x: `types/model_object.py`)."""
    return {
        "id": model.name,
        "object": "model",
        "created": 1768467600,
        "type": model.kind,
        "display_name": model.name.partition("/")[2].replace("-", " "),
        "organization": model.name.partition("/")[0],
        "context_length": model.context,
        "pricing": {"hourly": 0, "input": model.input or 0, "output": model.output or 0, "base": 0, "finetune": 0},
    }
