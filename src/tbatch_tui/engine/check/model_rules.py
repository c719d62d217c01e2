"""The rules about models: they look at all models of the file, and at the catalogue if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.check.limits import NOT_FOR_BATCH, NOT_FOR_BATCH_DATE
from tbatch_tui.engine.check.lines.finding import quoted
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.scan.partial import LineLocation, LocatedFinding, LongLine, PieceHashes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tbatch_tui.engine.domain.catalogue import ModelInfo

MODEL_RULES = ("mixed-models", "unknown-model", "not-for-batch", "model-kind", "long-prompt")
"""The rules of this module. `apply_catalogue` checks them again once the catalogue has arrived."""


class Evidence(NamedTuple):
    """What the rules about models need of a file. It stays with the report, so that the file is read only once."""

    models: dict[str, int]
    """Requests of each model."""
    locations: dict[str, LineLocation]
    """The first line of each model."""
    long_lines: list[LongLine]
    kind: Kind
    """What the lines were checked as."""
    id_hashes: Sequence[PieceHashes] = ()
    """The custom_ids, for `together`; empty unless the check was asked to keep them."""


def check_models(evidence: Evidence, catalogue: Mapping[str, ModelInfo] | None) -> Iterator[tuple[LocatedFinding, int]]:
    """Yield each finding with the number of lines that it stands for."""
    models, locations, long_lines, kind, _ = evidence
    in_order = sorted(models, key=lambda model: locations[model].line)
    if len(in_order) > 1:
        shown = ", ".join(f"{quoted(model)} ({models[model]:,})" for model in in_order[:3])
        more = f" and {len(in_order) - 3:,} more" if len(in_order) > 3 else ""
        message = f"{len(in_order):,} models in one file: {shown}{more}"
        yield LocatedFinding(locations[in_order[1]], 1, "mixed-models", message), 1
    for model in in_order[:1000]:
        location = locations[model]
        if catalogue and model not in catalogue:
            nearest = _nearest(model, catalogue)
            hint = f"; did you mean {quoted(nearest)}?" if nearest else ""
            yield (
                LocatedFinding(location, 1, "unknown-model", f"{quoted(model)} is not in the catalogue{hint}"),
                models[model],
            )
        info = catalogue.get(model) if catalogue else None
        if info is not None and (fault := _kind_fault(info, kind)):
            yield LocatedFinding(location, 1, "model-kind", f"{quoted(model)} {fault}"), models[model]
        if model.rpartition("/")[2].lower() in NOT_FOR_BATCH:
            message = f"{quoted(model)} is listed as not available for batch ({NOT_FOR_BATCH_DATE})"
            yield LocatedFinding(location, 1, "not-for-batch", message), models[model]
    for line in long_lines if catalogue else ():
        info = catalogue.get(line.model) if catalogue else None
        if info is not None and info.context_length and line.tokens > info.context_length:
            message = f"about {line.tokens:,} tokens, and the context of the model holds {info.context_length:,}"
            yield LocatedFinding(line.location, 1, "long-prompt", message, line.custom_id or None), 1


_NOT_FOR_CHAT = frozenset({"image", "embedding", "rerank", "audio", "video", "transcribe"})
_NOT_FOR_AUDIO = frozenset({"chat", "language", "code", "moderation", "image", "embedding", "rerank", "video"})
"""What the server calls models that are of no use at an endpoint. A kind that is newer than these lists passes."""


def _kind_fault(info: ModelInfo, kind: Kind) -> str:
    """Return why a model is of the wrong kind for the endpoint, as the rest of a sentence; empty if it may not be."""
    is_audio = kind is Kind.AUDIO
    needed, wrong = ("audio", _NOT_FOR_AUDIO) if is_audio else ("text", _NOT_FOR_CHAT)
    endpoint = "for transcription or translation" if is_audio else "for chat"
    if info.display_type in wrong:
        article = "an" if info.display_type[0] in "aei" else "a"
        return f"is {article} {info.display_type} model, but the requests are {endpoint}"
    if info.input_modalities and needed not in info.input_modalities:
        return f"does not take {needed}, but the requests are {endpoint}"
    return ""


def _nearest(model: str, catalogue: Mapping[str, ModelInfo]) -> str | None:
    """Return the name in the catalogue that was probably meant."""
    from difflib import get_close_matches  # rarely needed, and slow to load

    wanted = model.lower()
    by_lower = {name.lower(): name for name in catalogue}
    if wanted in by_lower:
        return by_lower[wanted]
    by_tail = {name.rpartition("/")[2]: name for name in by_lower}
    if (tail := wanted.rpartition("/")[2]) in by_tail:
        return by_lower[by_tail[tail]]
    close = get_close_matches(wanted, by_lower, 1, 0.6)
    return by_lower[close[0]] if close else None
